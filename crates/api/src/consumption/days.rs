//! The days that a request names.

use calendar::{Date, DateRange};
use ledger::DayBounds;

use crate::arm::{ApiError, day};
use crate::dispatch::Call;

pub(super) const START: &str = "startDate";
pub(super) const END: &str = "endDate";

/// The days of `startDate` and `endDate`.
pub(super) fn parameters(call: &Call<'_>) -> Result<DayBounds, ApiError> {
    Ok(DayBounds { first: parameter(call, START)?, last: parameter(call, END)? })
}

/// All days between both ends; `None` where neither is named.
pub(super) fn range(bounds: DayBounds) -> Result<Option<DateRange>, ApiError> {
    match (bounds.first, bounds.last) {
        (None, None) => Ok(None),
        (Some(first), Some(last)) => {
            let refused = |error| ApiError::BadRequest(format!("The days {first} to {last} are none: {error}."));
            DateRange::inclusive(first, last).map(Some).map_err(refused)
        }
        _ => Err(ApiError::BadRequest("A first day needs a last one, and the other way round.".to_owned())),
    }
}

fn parameter(call: &Call<'_>, name: &str) -> Result<Option<Date>, ApiError> {
    let refused = |error| ApiError::BadRequest(format!("{name}: {error}."));
    call.query.get(name).filter(|text| !text.is_empty()).map(|text| day(text).map_err(refused)).transpose()
}
