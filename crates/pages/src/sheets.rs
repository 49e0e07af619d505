//! Sheets as they are held, row by row.

use calendar::{BillingPeriod, DateRange};
use catalog::{HeldSheet, SheetQuestion};
use formats::{StoredRow, unpack_rows};
use ledger::{EnrollmentId, SheetKind};

use crate::error::PageError;
use crate::walk::Pages;

/// Most rows of an answer; they are held in memory.
pub const SHEET_ROWS_MAX: usize = 100_000;

impl Pages {
    /// The price sheet that is held for a billing period.
    pub async fn price_sheet(
        &self,
        enrollment: &EnrollmentId,
        period: BillingPeriod,
    ) -> Result<Option<HeldSheet>, PageError> {
        let day = period.first_day();
        let question = SheetQuestion {
            enrollment,
            kind: SheetKind::Prices,
            days: DateRange::inclusive(day, day).ok(),
            order: None,
            reservation: None,
        };
        Ok(self.catalog().sheets(&question).await?.pop())
    }

    /// All rows of a stored page of a sheet; `None` behind the last page.
    pub async fn sheet_rows(&self, sheet: &HeldSheet, page: u64) -> Result<Option<Vec<StoredRow>>, PageError> {
        let damaged = |reason: String| PageError::DamagedSheet { revision: sheet.revision.to_string(), reason };
        let stored = self.catalog().sheet_page(sheet.revision, page).await?;
        stored.map(|stored| unpack_rows(&stored).map_err(damaged)).transpose()
    }

    /// All rows of a sheet.
    pub(crate) async fn rows_of_sheet(&self, sheet: &HeldSheet) -> Result<Vec<StoredRow>, PageError> {
        let mut rows = Vec::new();
        let mut page = 0;
        while let Some(more) = self.sheet_rows(sheet, page).await? {
            rows.extend(more);
            check_count(rows.len())?;
            page += 1;
        }
        Ok(rows)
    }
}

/// Refuses more rows than an answer can have.
pub(crate) fn check_count(count: usize) -> Result<(), PageError> {
    if count > SHEET_ROWS_MAX { Err(PageError::TooManyRows) } else { Ok(()) }
}
