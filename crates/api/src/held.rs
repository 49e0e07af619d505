//! What is held of an enrollment, as the owner of a mirror asks: `GET /lazurite/v1/enrollments/{enrollment}/status` tells
//! which days are held and which are missing, `…/restatements` what changed between two revisions.
//!
//! Both tell sums of the whole enrollment. They are for those who may read all its charges, under the same policies; no right
//! to a part of it is enough.

use std::collections::BTreeSet;

use access::Caller;
use axum::http::StatusCode;
use axum::response::Response;
use lake::{Dimension, LakeError, RestatementView, Snapshot, TwoStates};
use ledger::{CalendarView, Dataset, EnrollmentId, Held, Series, SeriesFilter, calendars};
use money::Currency;
use serde::Serialize;

use crate::arm::{ApiError, authenticate, billing_period, excerpt, json, permit};
use crate::dispatch::Call;
use crate::enterprise_reporting::enrollment_scope;

/// The rights that they need.
const STATUS_ACTION: &str = "Lazurite.Billing/status/read";
const RESTATEMENTS_ACTION: &str = "Lazurite.Billing/restatements/read";
/// Most billing periods in an answer, those of every dataset and source scope counted: each is at most 8 kB of text.
const PERIODS_MAX: usize = 2000;
/// Most changes in an answer: each is at most some 300 bytes of text.
const CHANGES_MAX: usize = 50_000;

#[derive(Serialize)]
struct Status {
    enrollment: EnrollmentId,
    /// The revision that is told about.
    revision: String,
    calendar: CalendarView,
}

#[derive(Serialize)]
struct Restatements {
    enrollment: EnrollmentId,
    since: String,
    until: String,
    restatements: Vec<RestatementView>,
}

/// Tells which days are held, and which are missing.
pub(crate) async fn status(call: &Call<'_>, enrollment: &str) -> Result<Response, ApiError> {
    let caller = authenticate(call).await?;
    call.query.refuse_others(&["dataset", "period"])?;
    let asked = asked(call)?;

    let enrollment = permitted(call, &caller, enrollment, STATUS_ACTION).await?;

    let state = call.state;
    let asked = SeriesFilter { enrollment: Some(enrollment.clone()), ..asked };
    let snapshot = state.lake.snapshot().await?;
    let held = state.catalog.held_at(snapshot.version()).await?;
    refuse_too_many(&held, &asked)?;
    let charged = snapshot.charged(&asked).await?;
    let today = state.settings.clock.today(&state.lake, &enrollment).await?;
    let found = calendars(&held, &charged, &asked, today).map_err(|error| ApiError::Internal(error.into()))?;
    let currency = currency(call, &enrollment).await?;

    let calendar = CalendarView::of(&found, today, |_| currency);
    Ok(json(StatusCode::OK, &Status { enrollment, revision: snapshot.version().to_string(), calendar }))
}

/// Tells what differs between two revisions.
pub(crate) async fn restatements(call: &Call<'_>, enrollment: &str) -> Result<Response, ApiError> {
    let caller = authenticate(call).await?;
    call.query.refuse_others(&["since", "until", "by", "dataset", "period"])?;
    let (asked, by) = (asked(call)?, dimensions(call.query.get("by"))?);
    let since = revision(call, "since")?.ok_or_else(|| {
        ApiError::BadRequest("since is missing: give the earlier revision, such as since=1.".to_owned())
    })?;
    let until = revision(call, "until")?;

    let enrollment = permitted(call, &caller, enrollment, RESTATEMENTS_ACTION).await?;

    let asked = SeriesFilter { enrollment: Some(enrollment.clone()), ..asked };
    let later = match until {
        Some(until) => snapshot_at(call, until).await?,
        None => call.state.lake.snapshot().await?,
    };
    let earlier = snapshot_at(call, since).await?;
    if earlier.version() > later.version() {
        return Err(ApiError::BadRequest(format!(
            "The revision {since} of since comes after {}, with which it is compared.",
            later.version()
        )));
    }
    let restatements = restated(call, &earlier, &later, &asked, &by).await?;

    let (since, until) = (earlier.version().to_string(), later.version().to_string());
    Ok(json(StatusCode::OK, &Restatements { enrollment, since, until, restatements }))
}

/// All that differs of what is asked about, within the limits of an answer.
async fn restated(
    call: &Call<'_>,
    earlier: &Snapshot,
    later: &Snapshot,
    asked: &SeriesFilter,
    by: &[Dimension],
) -> Result<Vec<RestatementView>, ApiError> {
    let catalog = &call.state.catalog;
    let touched = later.touched_since(earlier, asked);
    if touched.len() > PERIODS_MAX {
        return Err(too_many_periods());
    }
    let (before, after) = (catalog.held_at(earlier.version()).await?, catalog.held_at(later.version()).await?);
    let states = TwoStates { since: earlier.version(), before: &before, until: later.version(), after: &after };
    let currency = match &asked.enrollment {
        Some(enrollment) => currency(call, enrollment).await?,
        None => None,
    };
    let mut found = Vec::new();
    let mut changes = 0;
    for of in &touched {
        let Some(restated) = later.restated_since(earlier, of, by).await? else { continue };
        changes += restated.changes.len();
        if changes > CHANGES_MAX {
            return Err(ApiError::BadRequest(format!(
                "More than {CHANGES_MAX} sums differ. Ask with fewer words in by, or for one dataset or one period."
            )));
        }
        found.push(RestatementView::of(&restated, states, by, currency));
    }
    Ok(found)
}

/// The enrollment of a path, if the caller may read all its charges.
async fn permitted(
    call: &Call<'_>,
    caller: &Caller,
    enrollment: &str,
    action: &'static str,
) -> Result<EnrollmentId, ApiError> {
    let (scope, text) = enrollment_scope(enrollment)?;
    let permit = permit(&call.state.catalog, caller, &scope, &text, action).await?;
    match permit.shares() {
        [share] if share.within.is_empty() => Ok(share.enrollment.clone()),
        _ => Err(ApiError::Internal("a right to a part of an enrollment was given for all of it".into())),
    }
}

/// What the query says about datasets and billing periods.
fn asked(call: &Call<'_>) -> Result<SeriesFilter, ApiError> {
    let dataset: Result<Option<Dataset>, _> = call.query.get("dataset").map(str::parse).transpose();
    let dataset = dataset.map_err(|error| ApiError::BadRequest(format!("dataset: {error}.")))?;
    let period = call.query.get("period").map(billing_period).transpose()?;
    Ok(SeriesFilter { enrollment: None, dataset, period })
}

/// The words of `by`, each once.
fn dimensions(text: Option<&str>) -> Result<Vec<Dimension>, ApiError> {
    let mut found: Vec<Dimension> = Vec::new();
    for word in text.into_iter().flat_map(|text| text.split(',')) {
        let known: Result<Dimension, _> = excerpt(word.trim()).parse();
        let dimension = known.map_err(|error| ApiError::BadRequest(format!("by: {error}.")))?;
        if found.contains(&dimension) {
            return Err(ApiError::BadRequest(format!("by has the word '{}' twice.", dimension.name())));
        }
        found.push(dimension);
    }
    Ok(found)
}

fn revision(call: &Call<'_>, name: &str) -> Result<Option<u64>, ApiError> {
    let refused = |text: &str| {
        ApiError::BadRequest(format!("{name}: '{}' is no revision; expected a number such as 1.", excerpt(text)))
    };
    call.query.get(name).map(|text| text.parse().map_err(|_| refused(text))).transpose()
}

async fn snapshot_at(call: &Call<'_>, revision: u64) -> Result<Snapshot, ApiError> {
    call.state.lake.snapshot_at(revision).await.map_err(|error| match error {
        LakeError::NoSuchVersion { version, newest } => {
            ApiError::NotFound(format!("The revision {version} does not exist; the newest is {newest}."))
        }
        LakeError::EndedVersion { version, oldest } => ApiError::NotFound(format!(
            "The revision {version} is not kept any more; the oldest that can be read is {oldest}."
        )),
        error => error.into(),
    })
}

async fn currency(call: &Call<'_>, enrollment: &EnrollmentId) -> Result<Option<Currency>, ApiError> {
    let known = call.state.catalog.enrollment(enrollment.as_str()).await?;
    Ok(known.and_then(|known| known.currency))
}

fn refuse_too_many(held: &Held, asked: &SeriesFilter) -> Result<(), ApiError> {
    let all = held.iter().map(|holding| (Series::of(&holding.unit), holding.unit.coverage.period()));
    let periods: BTreeSet<_> = all.filter(|(series, period)| asked.admits(series, *period)).collect();
    if periods.len() > PERIODS_MAX { Err(too_many_periods()) } else { Ok(()) }
}

fn too_many_periods() -> ApiError {
    ApiError::BadRequest(format!(
        "The answer has more than {PERIODS_MAX} billing periods, those of every dataset and source scope counted. Ask for one \
         period, such as period=202309, or one dataset."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_dimensions_and_each_is_given_once() {
        assert_eq!(dimensions(None).unwrap(), []);
        assert_eq!(dimensions(Some("day, Subscription")).unwrap(), [Dimension::Day, Dimension::Subscription]);
        for text in ["", "day,", "day,DAY", "month", "day;subscription"] {
            assert!(matches!(dimensions(Some(text)), Err(ApiError::BadRequest(_))), "{text}");
        }
    }
}
