//! The time that a request for usage details names, and what is said where nothing is held of it.

use access::Permit;
use calendar::{BillingPeriod, Date, DateRange};
use ledger::Window;

use crate::arm::{ApiError, billing_period, day, excerpt};
use crate::clock::today;
use crate::dispatch::Call;
use crate::month_limit;

pub(super) const BILLING_PERIOD: &str = "billingPeriod";
pub(super) const START: &str = "startTime";
pub(super) const END: &str = "endTime";

/// How many months of days a request may name, in emulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// A file that the client waits for.
    OneMonth,
    /// Everything else.
    ThreeYears,
}

impl Limit {
    const fn months(self) -> i16 {
        match self {
            Self::OneMonth => 1,
            Self::ThreeYears => 36,
        }
    }
}

/// The time that the parameters name; `None` for the current period. Both dates win over a period, and one of them alone
/// names nothing (SEMANTICS 5, "Time filters").
pub(super) fn named(call: &Call<'_>, limit: Limit) -> Result<Option<Window>, ApiError> {
    let period = call.query.get(BILLING_PERIOD).map(billing_period).transpose()?;
    let (Some(first), Some(last)) = (date(call, START)?, date(call, END)?) else {
        return Ok(period.map(Window::Period));
    };
    let days = DateRange::inclusive(first, last)
        .map_err(|_| ApiError::BadRequest(format!("The {START} {first} is after the {END} {last}.")))?;
    if call.state.settings.emulate {
        month_limit::check(days, limit.months())?;
    }
    Ok(Some(Window::Dates(days)))
}

fn date(call: &Call<'_>, name: &str) -> Result<Option<Date>, ApiError> {
    let Some(text) = call.query.get(name) else { return Ok(None) };
    let refused = |error| ApiError::BadRequest(format!("The {name} '{}' is invalid: {error}.", excerpt(text)));
    day(text).map(Some).map_err(refused)
}

/// The time that a request means now.
pub(super) async fn meant(call: &Call<'_>, permit: &Permit, named: Option<Window>) -> Result<Window, ApiError> {
    match named {
        Some(window) => Ok(window),
        None => Ok(Window::Period(BillingPeriod::of(today(call, permit).await?))),
    }
}

/// The refusal of a time without data: not found for a period, a bad request for days (contract section 3).
pub(super) fn without_data(window: &Window, reason: String) -> ApiError {
    match window {
        Window::Period(_) => ApiError::NotFound(reason),
        Window::Dates(_) => ApiError::BadRequest(reason),
    }
}

/// The same where nothing at all is held.
pub(super) fn nothing_held(what: &str, permit: &Permit, window: &Window) -> ApiError {
    let time = match window {
        Window::Period(period) => period.to_string(),
        Window::Dates(days) => format!("{} to {}", days.start(), days.end()),
    };
    without_data(window, format!("No {what} of enrollment {} are held for {time}.", enrollment_of(permit)))
}

/// The number of the enrollment that a permit is for, as it is known here.
pub(super) fn enrollment_of(permit: &Permit) -> String {
    permit.shares().first().map(|share| share.enrollment.to_string()).unwrap_or_default()
}
