//! Periods and their history as scripts read them: one form for the command line and for HTTP.

use calendar::BillingPeriod;
use catalog::{BilledRevision, HeldBackUsage, Reopening};
use ledger::billing::{Instant, close_of};
use serde::Serialize;

use crate::error::instant_text;
use crate::states::{PeriodState, PeriodStatus};

/// A billing period with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeriodView {
    /// `YYYYMM`.
    pub period: String,
    /// `open`, `closed`, `final` or `reopened`.
    pub state: &'static str,
    /// When it closes or closed (D-34), in UTC to the second; `None` for the last month of the calendar.
    pub closes_at: Option<String>,
    /// The revision that is held; `None`: it was not billed yet.
    pub revision: Option<String>,
    /// When that revision was billed.
    pub billed_at: Option<String>,
    /// What was known until when for that revision.
    pub as_of: Option<String>,
    /// Usage that is held back in it.
    pub held_back: Vec<HeldBackView>,
    /// All revisions, oldest first.
    pub history: Vec<RevisionView>,
}

/// A revision of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionView {
    /// The revision of the store.
    pub revision: String,
    /// When it was billed.
    pub billed_at: String,
    /// What was known until when.
    pub as_of: String,
    /// Whether the period was closed then.
    pub is_final: bool,
    /// Who opened the period again before, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopened: Option<ReopeningView>,
}

/// An operator's decision to bill a closed period again (D-32).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReopeningView {
    /// Who.
    pub by: String,
    /// When.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// Usage that is held back (D-07), with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBackView {
    /// `noPrice`, `ambiguousPrice`, `unit` or `noOwner`.
    pub reason: String,
    /// The meter.
    pub meter_id: String,
    /// The subscription.
    pub subscription_id: String,
    /// First day, `YYYY-MM-DD`.
    pub first_day: String,
    /// Last day, inclusive.
    pub last_day: String,
    /// How many daily rows it would have made.
    pub rows: u64,
    /// Sum of the quantities as decimal text, in the unit of the usage.
    pub quantity: String,
    /// What to do.
    pub remedy: String,
}

impl HeldBackView {
    /// Usage that is held back in a period; `is_closed`: the period takes input no more but by a reopening.
    pub fn new(held: &HeldBackUsage, period: BillingPeriod, is_closed: bool) -> Self {
        let remedy = match (remedy(&held.reason), is_closed) {
            (remedy, false) => remedy.to_owned(),
            (remedy, true) => {
                format!("{remedy}; the period is closed, so give it with: --reopen {period} --reason TEXT")
            }
        };
        Self {
            reason: held.reason.clone(),
            meter_id: held.meter_id.clone(),
            subscription_id: held.subscription_id.clone(),
            first_day: held.first_day.to_string(),
            last_day: held.last_day.to_string(),
            rows: held.rows,
            quantity: held.quantity.value().to_shortest_string(),
            remedy,
        }
    }
}

/// What an operator does about usage that is held back.
fn remedy(reason: &str) -> &'static str {
    match reason {
        "noPrice" => "give a price sheet of this period with a line for the meter, and bill again",
        "ambiguousPrice" => {
            "several lines of the price sheet fit: leave one of them, or take the usage back with a correction and send it \
             again with partNumber or offerId"
        }
        "unit" => {
            "the unit of the usage is not that of the price: correct the price sheet, or take the usage back with a \
             correction and send it again in the unit of the price"
        }
        "noOwner" => "give an enrollment document by which the subscription belongs to an account on these days",
        _ => "give what is missing, and bill again",
    }
}

impl From<&Reopening> for ReopeningView {
    fn from(own: &Reopening) -> Self {
        Self { by: own.actor.clone(), at: millisecond_text(own.at_ms), reason: own.reason.clone() }
    }
}

impl From<&BilledRevision> for RevisionView {
    fn from(own: &BilledRevision) -> Self {
        Self {
            revision: own.version.to_string(),
            billed_at: millisecond_text(own.billed_at_ms),
            as_of: instant_text(Instant(own.as_of)),
            is_final: own.is_final,
            reopened: own.reopened.as_ref().map(ReopeningView::from),
        }
    }
}

impl From<&PeriodStatus> for PeriodView {
    fn from(status: &PeriodStatus) -> Self {
        let history: Vec<RevisionView> = status.history.iter().map(RevisionView::from).collect();
        let held = history.last();
        let held_back = status.history.last().map(|newest| newest.held_back.as_slice()).unwrap_or_default();
        let is_closed = matches!(status.state, PeriodState::Closed | PeriodState::Final);
        let held_back = held_back.iter().map(|held| HeldBackView::new(held, status.period, is_closed)).collect();
        Self {
            period: status.period.to_string(),
            state: status.state.name(),
            closes_at: close_of(status.period).ok().map(instant_text),
            revision: held.map(|held| held.revision.clone()),
            billed_at: held.map(|held| held.billed_at.clone()),
            as_of: held.map(|held| held.as_of.clone()),
            held_back,
            history,
        }
    }
}

fn millisecond_text(milliseconds: i64) -> String {
    instant_text(Instant(milliseconds.saturating_mul(1000)))
}
