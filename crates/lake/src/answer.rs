//! Whether there can be an answer, by what is held and by where rows are dated.

use calendar::DateRange;
use ledger::{Dataset, EnrollmentId, Held, HeldAnswer, Publishers, Window};

use crate::error::LakeError;
use crate::table::Snapshot;

impl Snapshot {
    /// Judges whether there can be an answer about a dataset and time of some enrollments (DESIGN 4.9), given what is held at
    /// this version. Days outside of every billing period that is held can have rows of one all the same: usage that was
    /// posted late, or early.
    pub async fn answer(
        &self,
        held: &Held,
        enrollments: &[&EnrollmentId],
        (dataset, publishers): (Dataset, Publishers),
        window: &Window,
    ) -> Result<HeldAnswer, LakeError> {
        let by_coverage = held.answer(enrollments.iter().copied(), (dataset, publishers), window);
        match window {
            Window::Dates(days) if by_coverage == HeldAnswer::Nothing => {
                let has_rows = self.has_rows_dated(enrollments, (dataset, publishers), *days).await?;
                Ok(if has_rows { HeldAnswer::Held } else { by_coverage })
            }
            _ => Ok(by_coverage),
        }
    }

    async fn has_rows_dated(
        &self,
        enrollments: &[&EnrollmentId],
        (dataset, publishers): (Dataset, Publishers),
        days: DateRange,
    ) -> Result<bool, LakeError> {
        for enrollment in enrollments {
            for file in self.files_of(enrollment, dataset) {
                let is_of_all = Publishers::of_source_key(&file.scope_key).is_all();
                if !(is_of_all || publishers == Publishers::Marketplace)
                    || !file.days.is_some_and(|own| own.overlaps(days))
                {
                    continue;
                }
                if self.days_of(file).await?.keys().flatten().any(|day| days.contains(*day)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
