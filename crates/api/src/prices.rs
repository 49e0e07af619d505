//! Price sheets that are held: those that were imported, and those that price the usage of a native enrollment.

use std::sync::Arc;

use billing::PriceSheets;
use calendar::{BillingPeriod, Date, Term};
use catalog::HeldSheet;
use formats::StoredRow;
use ledger::billing::{PriceLine, PriceSheet, PriceType};
use ledger::{EnrollmentId, SheetKind};
use money::Decimal;
use pages::PageError;
use serde_json::Value;

use crate::arm::ApiError;
use crate::dispatch::Call;

/// Rows of a page of a native sheet.
const PAGE_ROWS: usize = 1000;
/// Begins the keys of imported and of native sheets.
const IMPORTED: char = 's';
const NATIVE: char = 'n';
const MONTHS_PER_YEAR: u16 = 12;
/// What a row prices that says usage, in price files.
const CONSUMPTION: &str = "Consumption";

/// A price sheet of a billing period.
#[derive(Debug, Clone)]
pub(crate) struct HeldPrices {
    /// Which prices they are.
    pub(crate) period: BillingPeriod,
    /// Whether the answer went on at an address that was not imported.
    pub(crate) is_incomplete: bool,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Imported(HeldSheet),
    Native(NativePrices),
}

/// A native price sheet, as rows.
#[derive(Debug, Clone)]
pub(crate) struct NativePrices {
    key: String,
    rows: Arc<Vec<StoredRow>>,
}

impl HeldPrices {
    /// The sheet that holds for a billing period now.
    pub(crate) async fn newest(
        call: &Call<'_>,
        enrollment: &EnrollmentId,
        period: BillingPeriod,
    ) -> Result<Option<Self>, ApiError> {
        if let Some(sheet) = call.state.pages.price_sheet(enrollment, period).await? {
            return Ok(Some(Self::imported(sheet)));
        }
        let Some(intake) = &call.state.intake else { return Ok(None) };
        match PriceSheets::load(intake.store(), enrollment).await?.of(period) {
            Some(content) => Self::native(call, enrollment, period, content).await,
            None => Ok(None),
        }
    }

    /// The sheet that a key names, if it is one of these enrollments.
    pub(crate) async fn of_key(
        call: &Call<'_>,
        enrollments: &[EnrollmentId],
        key: &str,
    ) -> Result<Option<Self>, ApiError> {
        let is_own =
            |sheet: &HeldSheet| sheet.unit.kind == SheetKind::Prices && enrollments.contains(&sheet.enrollment);
        if let Some(revision) = key.strip_prefix(IMPORTED).and_then(|number| number.parse().ok()) {
            return Ok(call.state.catalog.sheet(revision).await?.filter(is_own).map(Self::imported));
        }
        let Some((content, period)) = key.strip_prefix(NATIVE).and_then(|key| key.split_once('-')) else {
            return Ok(None);
        };
        let Ok(period) = BillingPeriod::parse(period) else { return Ok(None) };
        for enrollment in enrollments {
            if let Some(found) = Self::native(call, enrollment, period, content).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn imported(sheet: HeldSheet) -> Self {
        Self {
            period: BillingPeriod::of(sheet.unit.day),
            is_incomplete: sheet.incomplete,
            source: Source::Imported(sheet),
        }
    }

    async fn native(
        call: &Call<'_>,
        enrollment: &EnrollmentId,
        period: BillingPeriod,
        content: &str,
    ) -> Result<Option<Self>, ApiError> {
        let Some(intake) = &call.state.intake else { return Ok(None) };
        let key = format!("{NATIVE}{content}-{period}");
        let of = |prices| Self { period, is_incomplete: false, source: Source::Native(prices) };
        if let Some(known) = intake.last_prices(enrollment, &key) {
            return Ok(Some(of(known)));
        }
        let Some(sheet) = billing::read_price_sheet(intake.store(), enrollment, content, period).await? else {
            return Ok(None);
        };
        let prices = NativePrices { key, rows: Arc::new(rows(&sheet, enrollment, period)) };
        intake.remember_prices(enrollment, prices.clone());
        Ok(Some(of(prices)))
    }

    /// What names this state of the sheet, for links: letters, digits and hyphens.
    pub(crate) fn key(&self) -> String {
        match &self.source {
            Source::Imported(sheet) => format!("{IMPORTED}{}", sheet.revision.number()),
            Source::Native(prices) => prices.key.clone(),
        }
    }

    /// All rows of a page; `None` behind the last one.
    pub(crate) async fn rows(&self, call: &Call<'_>, page: u64) -> Result<Option<Vec<StoredRow>>, PageError> {
        match &self.source {
            Source::Imported(sheet) => call.state.pages.sheet_rows(sheet, page).await,
            Source::Native(prices) => {
                let from = usize::try_from(page).ok().and_then(|page| page.checked_mul(PAGE_ROWS));
                let rows = from.and_then(|from| prices.rows.get(from..)).filter(|rows| !rows.is_empty());
                Ok(rows.map(|rows| rows[..rows.len().min(PAGE_ROWS)].to_vec()))
            }
        }
    }

    /// The rows of a page that lists have: prices of usage. Those of reservations and savings plans are in files, which have
    /// columns that tell them apart.
    pub(crate) async fn listed_rows(&self, call: &Call<'_>, page: u64) -> Result<Option<Vec<StoredRow>>, PageError> {
        let mut rows = self.rows(call, page).await?;
        if let Some(rows) = &mut rows {
            rows.retain(is_listed);
        }
        Ok(rows)
    }
}

impl NativePrices {
    pub(crate) fn is(&self, key: &str) -> bool {
        self.key == key
    }
}

fn is_listed(row: &StoredRow) -> bool {
    let kind = row.text("priceType");
    kind.is_empty() || kind.eq_ignore_ascii_case(CONSUMPTION)
}

/// A native sheet under the names of price files. What it does not say is left out.
fn rows(sheet: &PriceSheet, enrollment: &EnrollmentId, period: BillingPeriod) -> Vec<StoredRow> {
    let currency = sheet.currency().to_string();
    sheet.lines().iter().map(|line| row(line, &currency, enrollment, period)).collect()
}

fn row(line: &PriceLine, currency: &str, enrollment: &EnrollmentId, period: BillingPeriod) -> StoredRow {
    let (price_type, term) = match line.price_type {
        PriceType::Consumption => (CONSUMPTION, None),
        PriceType::SavingsPlan(term) => ("SavingsPlan", Some(term)),
        PriceType::ReservedInstance(term) => ("ReservedInstance", Some(term)),
    };
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let midnight = |day: Date| format!("{day}T00:00:00Z");
    let texts = [
        ("enrollmentNumber", enrollment.to_string()),
        ("meterId", line.meter_id.clone()),
        ("meterName", optional(&line.meter_name)),
        ("meterCategory", optional(&line.meter_category)),
        ("meterSubCategory", optional(&line.meter_sub_category)),
        ("serviceFamily", optional(&line.service_family)),
        ("product", optional(&line.product_name)),
        ("meterRegion", optional(&line.meter_region)),
        ("unitOfMeasure", line.unit.as_str().to_owned()),
        ("partNumber", line.part_number.clone()),
        ("effectiveStartDate", midnight(period.first_day())),
        ("effectiveEndDate", midnight(period.last_day())),
        ("currencyCode", currency.to_owned()),
        ("offerId", line.offer_id.clone()),
        ("term", term.map(iso_term).unwrap_or_default()),
        ("priceType", price_type.to_owned()),
    ];
    let numbers = [
        ("unitPrice", Some(line.unit_price)),
        ("marketPrice", line.market_price),
        ("includedQuantity", Some(line.included)),
    ];
    let text =
        |(name, text): (&str, String)| (!text.is_empty()).then(|| (name.to_owned(), Value::from(text).to_string()));
    let number = |(name, value): (&str, Option<Decimal>)| value.map(|value| (name.to_owned(), value.to_string()));
    StoredRow::of(texts.into_iter().filter_map(text).chain(numbers.into_iter().filter_map(number)).collect())
}

/// A term as price files write it.
fn iso_term(term: Term) -> String {
    match term.months() {
        months if months % MONTHS_PER_YEAR == 0 => format!("P{}Y", months / MONTHS_PER_YEAR),
        months => format!("P{months}M"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_years_where_they_can_be() {
        let written = |months| iso_term(Term::new(months).unwrap());
        assert_eq!([12, 36, 1, 18].map(written), ["P1Y", "P3Y", "P1M", "P18M"]);
    }

    #[test]
    fn lists_have_prices_of_usage() {
        let priced = |kind: &str| StoredRow::of(vec![("priceType".to_owned(), Value::from(kind).to_string())]);
        assert!(is_listed(&StoredRow::of(Vec::new())) && is_listed(&priced("consumption")));
        assert!(!is_listed(&priced("ReservedInstance")) && !is_listed(&priced("SavingsPlan")));
    }
}
