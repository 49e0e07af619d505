//! Billing by the server itself: when it starts, after new usage, and at 00, 04, … 20 o'clock UTC (D-33).
//!
//! Requests never wait for it, and it never changes what an operator decided: a run is what `lazurite bill` does, as of
//! now. Input that was billed before makes no revision, so a restart, or several servers on one store, do no harm; a lock
//! keeps servers on one folder from doing the same work at the same time. A period closes with the first run on or after
//! the 5th (D-34).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant as Stopwatch};

use api::{Clock, UsageNews};
use billing::{BillingError, RunOptions, RunOutcome, run};
use imports::Store;
use lake::{FolderLock, LockName};
use ledger::EnrollmentId;
use ledger::billing::Instant;
use time::OffsetDateTime;

/// The server in the audit log.
const ACTOR: &str = "lazurite serve";
/// Time between refreshes (D-33).
const REFRESH_S: i64 = 4 * 60 * 60;
/// Longest sleep: a machine that was suspended is late by no more than that.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// After a run nothing is billed for so many times as long as it took: billing shares the machine with requests.
const REST_FACTOR: u32 = 4;
/// How often, and how long between, another server that bills is waited for. After that two bill the same, which is
/// waste and nothing else. Where the file system knows no locks it always comes to that.
const LOCK_ATTEMPTS_MAX: u32 = 30;
const LOCK_PAUSE: Duration = Duration::from_secs(1);

/// Whether the server bills by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BillSwitch {
    /// If it answers by the system's clock: charges that are shown at another time are meant to stay as they are.
    #[default]
    Auto,
    /// Always, as of the system's time.
    On,
    /// Never: `lazurite bill` does it.
    Off,
}

/// A word that is no such switch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is none of auto, on and off")]
pub struct BillSwitchError {
    /// The refused text, cut to a printable length.
    pub text: String,
}

impl BillSwitch {
    /// Whether a server with this clock bills.
    pub(crate) fn is_on(self, clock: Clock) -> bool {
        match self {
            Self::Auto => clock == Clock::System,
            Self::On => true,
            Self::Off => false,
        }
    }
}

impl fmt::Display for BillSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

impl FromStr for BillSwitch {
    type Err = BillSwitchError;

    fn from_str(text: &str) -> Result<Self, BillSwitchError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "on" | "true" => Ok(Self::On),
            "off" | "false" => Ok(Self::Off),
            _ => Err(BillSwitchError { text: text.chars().take(80).collect() }),
        }
    }
}

/// Bills the native enrollments of a store for as long as the server runs.
#[derive(Debug)]
pub(crate) struct BillingClock {
    store: Store,
    news: UsageNews,
    /// How long more usage is waited for after the first.
    pause: Duration,
    /// What was said about enrollments that cannot be billed, so that it is said once.
    told: BTreeMap<EnrollmentId, String>,
}

impl BillingClock {
    pub(crate) fn new(store: Store, news: UsageNews, pause: Duration) -> Self {
        Self { store, news, pause, told: BTreeMap::new() }
    }

    /// Never ends by itself. Cutting it short is a crash that the next run heals.
    pub(crate) async fn run(mut self) {
        // What is due at the start: periods that ended while no server ran, and usage that came before.
        let mut due = None;
        loop {
            let started = Stopwatch::now();
            self.bill_all(due.take()).await;
            let pause = self.pause.max(started.elapsed() * REST_FACTOR);
            tokio::select! {
                () = refresh() => {}
                news = self.news.hear(pause) => due = Some(news),
            }
        }
    }

    /// Bills these enrollments, or all native ones, one after the other.
    async fn bill_all(&mut self, due: Option<BTreeSet<EnrollmentId>>) {
        let due = match due {
            Some(due) => due,
            None => match self.store.catalog().native_enrollments().await {
                Ok(all) => all.into_iter().collect(),
                Err(error) => {
                    tracing::error!(%error, "cannot list the enrollments to bill: {error}");
                    return;
                }
            },
        };
        if due.is_empty() {
            return;
        }
        let _lock = self.lock().await;
        for enrollment in due {
            self.bill(&enrollment).await;
        }
    }

    async fn lock(&self) -> Option<FolderLock> {
        for _ in 0..LOCK_ATTEMPTS_MAX {
            let lock = FolderLock::alone(self.store.lake().root().folder(), LockName::Billing);
            if lock.is_some() {
                return lock;
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        None
    }

    async fn bill(&mut self, enrollment: &EnrollmentId) {
        let options = RunOptions { as_of: now(), period: None, actor: ACTOR.to_owned(), reopen: None };
        match run(&self.store, enrollment, &options).await {
            Ok(outcome) => {
                self.told.remove(enrollment);
                say(&outcome);
            }
            // Somebody billed as of a later instant: there is nothing to do until then.
            Err(error @ (BillingError::Stale { .. } | BillingError::Busy { .. })) => {
                tracing::debug!(enrollment.id = %enrollment, "enrollment {enrollment} is not billed now: {error}");
            }
            Err(error) => self.complain(enrollment, &error),
        }
    }

    fn complain(&mut self, enrollment: &EnrollmentId, error: &BillingError) {
        let text = error.to_string();
        if self.told.get(enrollment) == Some(&text) {
            return;
        }
        match error {
            // Its time has not come.
            BillingError::NotYetKnown { .. } | BillingError::UnknownEnrollment { .. } | BillingError::Period { .. } => {
                tracing::info!(enrollment.id = %enrollment, "enrollment {enrollment} is not billed yet: {text}");
            }
            _ => tracing::error!(
                enrollment.id = %enrollment,
                "enrollment {enrollment} cannot be billed, and is served as it was billed before: {text}; correct the \
                 input, then: lazurite bill --enrollment {enrollment}"
            ),
        }
        self.told.insert(enrollment.clone(), text);
    }
}

fn say(outcome: &RunOutcome) {
    let (enrollment, Some(revision)) = (&outcome.enrollment, outcome.revision) else { return };
    let billed = outcome.periods.iter().filter(|period| !period.is_unchanged);
    let names = billed.map(|one| format!("{} {}", one.period, if one.is_final { "final" } else { "open" }));
    let periods = names.collect::<Vec<_>>().join(", ");
    tracing::info!(
        enrollment.id = %enrollment, revision,
        "billed enrollment {enrollment} as revision {revision}: {periods}"
    );
}

/// Waits for the next refresh.
async fn refresh() {
    let due = next_refresh(now());
    loop {
        let left = due.0.saturating_sub(now().0);
        let Ok(left @ 1..) = u64::try_from(left) else { return };
        tokio::time::sleep(Duration::from_micros(left).min(SLEEP_MAX)).await;
    }
}

/// The first refresh after an instant.
fn next_refresh(instant: Instant) -> Instant {
    let length = REFRESH_S * 1_000_000;
    Instant(instant.0.div_euclid(length).saturating_add(1).saturating_mul(length))
}

fn now() -> Instant {
    Instant(i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Instant {
        let read = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap();
        Instant(i64::try_from(read.unix_timestamp_nanos() / 1000).unwrap())
    }

    #[test]
    fn refreshes_come_every_four_hours_and_one_is_at_the_close() {
        for (now, next) in [
            ("2025-01-31T00:00:00Z", "2025-01-31T04:00:00Z"),
            ("2025-01-31T03:59:59.999999Z", "2025-01-31T04:00:00Z"),
            ("2025-02-04T23:00:00Z", "2025-02-05T00:00:00Z"),
            ("1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(next_refresh(instant(now)), instant(next), "{now}");
        }
    }

    #[test]
    fn a_server_with_another_clock_bills_only_when_told_so() {
        let fixed = Clock::Fixed(OffsetDateTime::UNIX_EPOCH);
        for (text, on) in [("auto", [true, false, false]), ("ON", [true; 3]), ("off", [false; 3])] {
            let switch: BillSwitch = text.parse().unwrap();
            assert_eq!([Clock::System, fixed, Clock::LatestHeld].map(|clock| switch.is_on(clock)), on, "{text}");
        }
        assert!("sometimes".parse::<BillSwitch>().unwrap_err().to_string().contains("sometimes"));
    }
}
