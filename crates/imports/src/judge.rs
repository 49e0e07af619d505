//! Judging a new import against what is held.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::Catalog;
use lake::{LakeFile, Snapshot, have_marketplace_rows};
use ledger::{Held, Holding, HoldingConflict, Place, Publishers, RunTime, Sharing, Unit, Window, judge};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::error::ImportError;
use crate::group::Group;

/// A unit to be judged, with what its rows say.
pub(crate) struct Candidate<'a> {
    pub(crate) holding: Holding,
    /// Where its rows belong, as they say.
    pub(crate) places: &'a BTreeSet<Place>,
}

/// Refuses what is stale (unless forced) or overlaps another source scope.
pub(crate) async fn admit(
    held: &Held,
    snapshot: &Snapshot,
    candidate: &Candidate<'_>,
    force: bool,
) -> Result<(), ImportError> {
    let new = &candidate.holding;
    match judge(held, new) {
        Ok(()) => {}
        Err(HoldingConflict::Stale(_)) if force => {}
        Err(HoldingConflict::Stale(newer)) => {
            return Err(ImportError::Stale {
                what: format!("{} {} of {}", newer.unit.dataset, newer.unit.coverage, newer.unit.scope),
                held: run_time_text(newer.run_time),
                revision: newer.revision,
                given: run_time_text(new.run_time),
            });
        }
        Err(HoldingConflict::Overlap(other)) => return Err(ImportError::overlap(&other, &new.unit)),
    }
    // A department, an account and a subscription may or may not hold one another, and two ids may be one department:
    // the rows of the days tell.
    for other in held.undecided(&new.unit) {
        let sharing = Sharing::between(&other.unit.scope, &new.unit.scope);
        // A few more rows than the unit has do no harm: the period is one of its own.
        let period = Window::Period(other.unit.coverage.period());
        let theirs = snapshot.marks_of(&other.unit, sharing, period).await?;
        if candidate.places.iter().filter_map(|place| sharing.mark(place)).any(|mark| theirs.contains(&mark)) {
            return Err(ImportError::overlap(other, &new.unit));
        }
    }
    Ok(())
}

/// Files of an import's rows, and where they were written.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) files: &'a [LakeFile],
    pub(crate) place: &'a (Arc<dyn ObjectStore>, Path),
}

impl Written<'_> {
    /// Whether a unit has them of the days that it shares with another one.
    async fn have_marketplace_rows_of(self, unit: &Unit, other: &Unit) -> Result<bool, ImportError> {
        let Some(window) = unit.coverage.shared(&other.coverage) else { return Ok(false) };
        let own: Vec<LakeFile> = self.files.iter().filter(|file| is_of(file, unit)).cloned().collect();
        Ok(have_marketplace_rows(self.place, own, window).await?)
    }
}

/// Whether the rows of groups tell if Marketplace charges are held twice, or were in one command.
pub(crate) fn marketplace_is_undecided(held: &Held, groups: &[Group]) -> bool {
    let has_all = |holding: &&Holding| !holding.empty && holding.unit.publishers == Publishers::All;
    let mut beside = held.clone();
    groups.iter().flat_map(|group| &group.holdings).for_each(|holding| beside.apply(holding.clone()));
    let mut of_all = groups.iter().flat_map(|group| &group.holdings).filter(has_all);
    of_all.any(|holding| beside.of_other_publishers(&holding.unit).next().is_some())
}

/// Refuses Marketplace answers beside a source of all publishers in one command, if that has Marketplace charges of the same
/// time.
pub(crate) async fn refuse_marketplace_beside(
    group: &Group,
    groups: &[Group],
    written: Written<'_>,
) -> Result<(), ImportError> {
    let mut beside = Held::default();
    groups.iter().flat_map(|group| &group.holdings).for_each(|holding| beside.apply(holding.clone()));
    let answers = |holding: &&Holding| holding.unit.publishers == Publishers::Marketplace && !holding.empty;
    for new in group.holdings.iter().filter(answers) {
        for all in beside.of_other_publishers(&new.unit) {
            if written.have_marketplace_rows_of(&all.unit, &new.unit).await? {
                let is_its = |other: &&Group| other.holdings.iter().any(|holding| holding.unit == all.unit);
                let other = groups.iter().find(is_its).map_or("another file", |other| other.file.as_str());
                let reason = format!(
                    "{} and {other} both have Marketplace charges of {} {} of enrollment {}: they would count twice. Import one \
                     of them alone",
                    group.file, new.unit.dataset, new.unit.coverage, new.unit.enrollment
                );
                return Err(ImportError::Ambiguous { reason });
            }
        }
    }
    Ok(())
}

/// Whether a file has rows of a unit.
fn is_of(file: &LakeFile, unit: &Unit) -> bool {
    file.enrollment == unit.enrollment
        && file.dataset == unit.dataset
        && file.period == unit.coverage.period()
        && file.scope_key == unit.source_key()
}

/// Refuses charges of the Marketplace that are held already among those of all publishers, or the other way round, as far as
/// the rows were written.
pub(crate) async fn refuse_marketplace_twice(
    held: &Held,
    snapshot: &Snapshot,
    group: &Group,
    written: Option<Written<'_>>,
) -> Result<(), ImportError> {
    for new in group.holdings.iter().filter(|holding| !holding.empty) {
        for other in held.of_other_publishers(&new.unit) {
            let are_held_twice = match (new.unit.publishers, written) {
                (Publishers::All, Some(written)) => written.have_marketplace_rows_of(&new.unit, &other.unit).await?,
                (Publishers::All, None) => false,
                (Publishers::Marketplace, _) => {
                    let Some(window) = new.unit.coverage.shared(&other.unit.coverage) else { continue };
                    let of_all = snapshot.files().iter().filter(|file| is_of(file, &other.unit)).cloned().collect();
                    snapshot.have_marketplace_rows(of_all, window).await?
                }
            };
            if are_held_twice {
                return Err(ImportError::marketplace_twice(other, &new.unit));
            }
        }
    }
    Ok(())
}

/// Refuses an enrollment that is billed here and a currency that is not the enrollment's.
pub(crate) async fn check_enrollment(
    catalog: &Catalog,
    enrollment: &ledger::EnrollmentId,
    currency: Option<money::Currency>,
    file: &str,
) -> Result<(), ImportError> {
    if catalog.is_native(enrollment).await? {
        return Err(ImportError::NativeEnrollment { file: file.to_owned(), enrollment: enrollment.to_string() });
    }
    let known = catalog.enrollment(enrollment.as_str()).await?.and_then(|known| known.currency);
    match (known, currency) {
        (Some(known), Some(given)) if known != given => Err(ImportError::Currency {
            enrollment: enrollment.to_string(),
            known: known.to_string(),
            file: file.to_owned(),
            given: given.to_string(),
        }),
        _ => Ok(()),
    }
}

/// A run time as people read it, in UTC.
pub(crate) fn run_time_text(run_time: RunTime) -> String {
    const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;
    let day = run_time.0.div_euclid(MICROSECONDS_PER_DAY);
    let second = run_time.0.rem_euclid(MICROSECONDS_PER_DAY) / 1_000_000;
    let date = i32::try_from(day).ok().and_then(|day| calendar::Date::from_days(day).ok());
    let date = date.map_or_else(|| day.to_string(), |date| date.to_string());
    format!("{date}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}
