//! What `lazurite status` tells beside its list, when it is asked to: the calendar of days, and restatements.

use std::collections::BTreeMap;

use calendar::Date;
use catalog::Enrollment;
use imports::Store;
use lake::{Dimension, LakeError};
use ledger::billing::Instant;
use ledger::{CalendarView, EnrollmentId, Held, HeldCalendar, SeriesFilter, calendars};
use serde_json::{Value, json};

use crate::args::StatusArgs;
use crate::commands::held_days;
use crate::commands::moment::Moment;
use crate::commands::restated::{self, Restated, RestatedQuestion, restated};
use crate::failure::Failure;
use crate::instant::now_ms;

/// The state of the store that is told about.
pub(crate) struct State<'a> {
    pub(crate) moment: &'a Moment,
    pub(crate) held: &'a Held,
    pub(crate) enrollments: &'a [Enrollment],
    /// The revisions until then, and when they were committed in milliseconds since 1970.
    pub(crate) committed: &'a BTreeMap<u64, i64>,
}

/// What was asked for; the rest is `None`.
pub(crate) struct Details {
    calendar: Option<(Vec<HeldCalendar>, CalendarView)>,
    restatements: Option<Vec<Restated>>,
    by: Vec<Dimension>,
}

impl Details {
    /// Looks up what the arguments ask for.
    pub(crate) async fn of(store: &Store, args: &StatusArgs, state: State<'_>) -> Result<Self, Failure> {
        let asked = SeriesFilter { enrollment: args.enrollment.clone(), dataset: None, period: args.period };
        let currency_of = |number: &EnrollmentId| {
            state.enrollments.iter().find(|own| own.number == *number).and_then(|own| own.currency)
        };
        let snapshot = &state.moment.snapshot;
        let mut details = Self { calendar: None, restatements: None, by: args.by.clone() };
        if args.calendar {
            let today = today(&state)?;
            let charged = snapshot.charged(&asked).await?;
            let found = calendars(state.held, &charged, &asked, today);
            let found = found.map_err(|source| LakeError::Sum { what: "a billing period".to_owned(), source })?;
            let view = CalendarView::of(&found, today, currency_of);
            details.calendar = Some((found, view));
        }
        if let Some(since) = &args.restated {
            let (since, committed) = (since.as_ref(), state.committed);
            let question = RestatedQuestion { since, until: snapshot, asked: &asked, by: &args.by, committed };
            details.restatements = Some(restated(store, question, currency_of).await?);
        }
        Ok(details)
    }

    /// Adds what was asked for to what scripts read.
    pub(crate) fn add_to(&self, told: &mut Value) {
        if let Some((_, calendar)) = &self.calendar {
            told["calendar"] = json!(calendar);
        }
        if let Some(found) = &self.restatements {
            told["restatements"] = found.iter().map(|one| json!(one.view)).collect();
        }
    }

    /// Prints what was asked for, in the place of the list; tells whether anything was.
    pub(crate) fn print(&self, revision: u64) -> bool {
        if self.calendar.is_none() && self.restatements.is_none() {
            return false;
        }
        println!("revision {revision}");
        if let Some((calendars, view)) = &self.calendar {
            held_days::print(calendars, &view.series, &view.today);
        }
        if let Some(found) = &self.restatements {
            restated::print(found, &self.by);
        }
        true
    }
}

/// The day of the state that is told about: of an earlier one, of the instant that was named or at which its newest revision was
/// committed.
fn today(state: &State<'_>) -> Result<Date, Failure> {
    let now = now_ms();
    let named = state.moment.balances_until_ms;
    let newest = state.committed.last_key_value().map(|(_, instant)| *instant);
    let at = match named {
        None => now,
        Some(i64::MIN) => newest.unwrap_or(now),
        Some(named) => named.min(now),
    };
    let day = Instant(at.saturating_mul(1000)).date();
    day.map_err(|error| Failure::other("Clock", format!("cannot tell what day it is: {error}")))
}
