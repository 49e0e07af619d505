//! Rows of reservations: what was imported of a reservation and time, else what the charges say of it, told apart.

use std::collections::{BTreeMap, BTreeSet};

use access::Permit;
use calendar::{BillingPeriod, Date, DateRange};
use catalog::{HeldSheet, SheetQuestion};
use formats::{StoredRow, unpack_rows};
use lake::{ReservationPurchase, Snapshot};
use ledger::reservations::{DayUse, ReservationKey, ReservationUse, UseSummary, monthly, units_of_day};
use ledger::{
    ChargeFilter, ChargeQuery, ChargeType, Comparison, Condition, Dataset, EnrollmentId, Field, Generation, HeldAnswer,
    Publishers, SheetKind, Window,
};
use money::{Decimal, Total};
use serde_json::Value;

use crate::error::PageError;
use crate::walk::Pages;

/// Most rows of an answer; they are held in memory.
pub const SHEET_ROWS_MAX: usize = 100_000;

/// A question about reservations.
#[derive(Debug, Clone, Copy)]
pub struct ReservationQuestion<'a> {
    /// The rights to read whole enrollments.
    pub permits: &'a [Permit],
    /// What the rows are; not prices.
    pub kind: SheetKind,
    /// Days of the rows, both ends included; `None` for all that are held. Months count by their first day.
    pub days: Option<DateRange>,
    /// A reservation order.
    pub order: Option<&'a str>,
    /// A reservation.
    pub reservation: Option<&'a str>,
}

/// A row of an answer.
#[derive(Debug, Clone)]
pub struct SheetItem {
    /// Whose.
    pub enrollment: EnrollmentId,
    /// Its members, under the names of the newest API.
    pub row: StoredRow,
    /// Whether it was made of charges, because no answer of the original is held for its reservation and time.
    pub is_derived: bool,
}

/// Where rows stand in the answer: by time, then reservation.
type Place = (Date, ReservationKey);

impl Pages {
    /// The rows of an answer, by time and reservation.
    pub async fn reservations(&self, question: ReservationQuestion<'_>) -> Result<Vec<SheetItem>, PageError> {
        let snapshot = self.lake().snapshot().await?;
        let mut found: BTreeMap<Place, Vec<SheetItem>> = BTreeMap::new();
        let mut count = 0;
        for permit in question.permits {
            let [share] = permit.shares() else { continue };
            let enrollment = &share.enrollment;
            let sheets = self.sheets_of(enrollment, question).await?;
            let mut imported: BTreeSet<Place> = BTreeSet::new();
            for sheet in &sheets {
                let place = place_of(sheet);
                let rows = self.rows_of(sheet).await?;
                count += rows.len();
                check_count(count)?;
                let items =
                    rows.into_iter().map(|row| SheetItem { enrollment: enrollment.clone(), row, is_derived: false });
                found.entry(place.clone()).or_default().extend(items);
                imported.insert(place);
            }
            let derived = self.derived(&snapshot, permit, question, sheets.is_empty()).await?;
            for (place, row) in derived.into_iter().filter(|(place, _)| !imported.contains(place)) {
                count += 1;
                check_count(count)?;
                let item = SheetItem { enrollment: enrollment.clone(), row, is_derived: true };
                found.entry(place).or_default().push(item);
            }
        }
        Ok(found.into_values().flatten().collect())
    }

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

    async fn rows_of(&self, sheet: &HeldSheet) -> Result<Vec<StoredRow>, PageError> {
        let mut rows = Vec::new();
        let mut page = 0;
        while let Some(more) = self.sheet_rows(sheet, page).await? {
            rows.extend(more);
            check_count(rows.len())?;
            page += 1;
        }
        Ok(rows)
    }

    async fn sheets_of(
        &self,
        enrollment: &EnrollmentId,
        question: ReservationQuestion<'_>,
    ) -> Result<Vec<HeldSheet>, PageError> {
        let ReservationQuestion { kind, days, order, reservation, .. } = question;
        Ok(self.catalog().sheets(&SheetQuestion { enrollment, kind, days, order, reservation }).await?)
    }

    /// What the charges of an enrollment say. `is_needed`: nothing was imported, so that not to hold them is told.
    async fn derived(
        &self,
        snapshot: &Snapshot,
        permit: &Permit,
        question: ReservationQuestion<'_>,
        is_needed: bool,
    ) -> Result<Vec<(Place, StoredRow)>, PageError> {
        let Some(days) = days_of(question) else { return Ok(Vec::new()) };
        let dataset = match question.kind {
            SheetKind::Prices => return Ok(Vec::new()),
            SheetKind::ReservationTransactions => Dataset::ActualCost,
            SheetKind::ReservationDetails | SheetKind::DailySummaries | SheetKind::MonthlySummaries => {
                Dataset::AmortizedCost
            }
        };
        let window = Window::Dates(days);
        let held = self.catalog().held_at(snapshot.version()).await?;
        match held.answer(permit.shares().iter().map(|share| &share.enrollment), (dataset, Publishers::All), &window) {
            HeldAnswer::Held => {}
            HeldAnswer::OtherDataset(message) if is_needed => return Err(PageError::NotHeld(message)),
            HeldAnswer::OtherDataset(_) | HeldAnswer::Nothing => return Ok(Vec::new()),
        }
        let of_order = question.order.map(|order| Condition::Text {
            field: Field::ProductOrderId,
            comparison: Comparison::Equal,
            text: order.to_owned(),
        });
        let query = ChargeQuery {
            shares: permit.shares().to_vec(),
            visibility: permit.visibility(Generation::CostDetails),
            dataset,
            window,
            filter: ChargeFilter { conditions: of_order.into_iter().collect(), ..ChargeFilter::default() },
        };
        if dataset == Dataset::ActualCost {
            let purchases = snapshot.reservation_purchases(&query).await?.ok_or(PageError::TooManyRows)?;
            let enrollment = permit.shares().first().map(|share| share.enrollment.to_string()).unwrap_or_default();
            return Ok(purchases.iter().map(|one| (purchase_place(one), transaction(one, &enrollment))).collect());
        }
        let found = snapshot.reservation_use(&query).await?.ok_or(PageError::TooManyRows)?;
        let is_asked = |key: &ReservationKey| {
            question.reservation.is_none_or(|asked| asked.eq_ignore_ascii_case(&key.reservation))
        };
        let rows = rows_of_use(question.kind, &found).map_err(|error| PageError::Sum(error.to_string()))?;
        Ok(rows.into_iter().filter(|((_, key), _)| is_asked(key)).collect())
    }
}

fn check_count(count: usize) -> Result<(), PageError> {
    if count > SHEET_ROWS_MAX { Err(PageError::TooManyRows) } else { Ok(()) }
}

fn place_of(sheet: &HeldSheet) -> Place {
    let (order, reservation) = sheet.unit.reservation.clone();
    (sheet.unit.day, ReservationKey { order, reservation })
}

/// The days of charges that rows are made of: whole months where rows are of months. `None`: no month begins in the days.
fn days_of(question: ReservationQuestion<'_>) -> Option<DateRange> {
    let Some(days) = question.days else { return DateRange::inclusive(Date::MIN, Date::MAX).ok() };
    if !question.kind.is_monthly() {
        return Some(days);
    }
    let begun = |period: &BillingPeriod| days.contains(period.first_day());
    let first = days.periods().find(begun)?;
    let last = days.periods().filter(begun).last()?;
    DateRange::inclusive(first.first_day(), last.last_day()).ok()
}

fn rows_of_use(kind: SheetKind, found: &ReservationUse) -> Result<Vec<(Place, StoredRow)>, money::MoneyError> {
    let mut rows = Vec::new();
    match kind {
        SheetKind::ReservationDetails => {
            for (day, key, own) in found.days() {
                for row in details(day, own)? {
                    rows.push(((day, key.clone()), row));
                }
            }
        }
        SheetKind::MonthlySummaries => {
            let daily = found.daily()?.into_iter().map(|((_, key), own)| (key, own));
            rows.extend(monthly(daily)?.iter().map(|(place, own)| (place.clone(), summary(own))));
        }
        SheetKind::DailySummaries => {
            rows.extend(found.daily()?.iter().map(|(place, own)| (place.clone(), summary(own))));
        }
        SheetKind::Prices | SheetKind::ReservationTransactions => {}
    }
    Ok(rows)
}

/// A row under construction; what is not known is left out.
#[derive(Default)]
struct Members(Vec<(String, String)>);

impl Members {
    fn text(mut self, name: &str, text: &str) -> Self {
        if !text.is_empty() {
            self.0.push((name.to_owned(), Value::from(text).to_string()));
        }
        self
    }

    fn number(mut self, name: &str, value: Option<Decimal>) -> Self {
        self.0.extend(value.map(|value| (name.to_owned(), value.to_string())));
        self
    }

    fn row(self) -> StoredRow {
        StoredRow::of(self.0)
    }
}

fn midnight(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

/// What used a reservation on a day.
fn details(day: Date, own: &DayUse) -> Result<Vec<StoredRow>, money::MoneyError> {
    let reserved = own.reserved()?.value();
    let row = |((instance, sku, ratio), hours): (&(String, String, String), &Total)| {
        Members::default()
            .text("reservationOrderId", &own.order)
            .text("reservationId", &own.reservation)
            .text("usageDate", &midnight(day))
            .text("skuName", sku)
            .text("instanceId", instance)
            .number("totalReservedQuantity", units_of_day(reserved).map(Decimal::shortest))
            .number("reservedHours", Some(reserved))
            .number("usedHours", Some(hours.value()))
            .text("instanceFlexibilityRatio", ratio)
            .text("kind", "Reservation")
            .row()
    };
    Ok(own.users.iter().map(row).collect())
}

/// How far a reservation was used. The least and the greatest use within the time are not known: charges are of days.
fn summary(own: &UseSummary) -> StoredRow {
    let utilization = own.utilization().map(Decimal::shortest);
    Members::default()
        .text("reservationOrderId", &own.order)
        .text("reservationId", &own.reservation)
        .number("reservedHours", Some(own.reserved.value()))
        .text("usageDate", &midnight(own.day))
        .number("usedHours", Some(own.used.value()))
        .number("avgUtilizationPercentage", utilization)
        .text("kind", "Reservation")
        .number("utilizedPercentage", utilization)
        .row()
}

fn purchase_place(purchase: &ReservationPurchase) -> Place {
    let nobody = ReservationKey { order: String::new(), reservation: String::new() };
    (purchase.period.first_day(), nobody)
}

/// A purchase or a return. Its row is on the bill of the enrollment that bought.
fn transaction(purchase: &ReservationPurchase, enrollment: &str) -> StoredRow {
    let text = |field| purchase.text(field);
    let event = if purchase.charge_type == ChargeType::Refund { "Refund" } else { "Purchase" };
    let term = match text(Field::Term) {
        "12" => "P1Y",
        "36" => "P3Y",
        other => other,
    };
    let month = format!("{}01", purchase.period);
    let month = Decimal::parse(month.as_bytes(), money::Limits::QUANTITY).ok().map(|parsed| parsed.value);
    Members::default()
        .text("eventDate", &midnight(purchase.date))
        .text("reservationOrderId", text(Field::ProductOrderId))
        .text("description", text(Field::ProductName))
        .text("eventType", event)
        .number("quantity", Some(purchase.quantity))
        .number("amount", Some(purchase.amount))
        .text("currency", text(Field::BillingCurrencyCode))
        .text("reservationOrderName", text(Field::BenefitName))
        .text("armSkuName", sku_of(text(Field::ProductOrderName)))
        .text("term", term)
        .text("region", text(Field::ResourceLocation))
        .text("purchasingEnrollment", enrollment)
        .text("purchasingSubscriptionGuid", text(Field::SubscriptionId))
        .text("purchasingSubscriptionName", text(Field::SubscriptionName))
        .text("accountName", text(Field::AccountName))
        .text("accountOwnerEmail", text(Field::AccountOwnerId))
        .text("departmentName", text(Field::InvoiceSectionName))
        .text("costCenter", text(Field::CostCenter))
        .text("currentEnrollment", enrollment)
        .text("billingFrequency", text(Field::Frequency))
        .number("billingMonth", month)
        .row()
}

/// The size in the name of an order: `Reserved VM Instance, Standard_DS1_v2, US East, 1 Year`; blank in other names.
fn sku_of(order_name: &str) -> &str {
    let mut parts = order_name.split(", ");
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(sku), Some(_)) if !sku.contains(' ') => sku,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_the_second_part_of_an_orders_name() {
        assert_eq!(sku_of("Reserved VM Instance, Standard_DS1_v2, US East, 1 Year"), "Standard_DS1_v2");
        for none in ["", "Compute savings plan, 3 Years", "a, b c, d"] {
            assert_eq!(sku_of(none), "", "{none}");
        }
    }

    #[test]
    fn months_are_asked_for_by_their_first_day() {
        let asked = |kind, days: &str| {
            let days = Some(days.parse().unwrap());
            let question = ReservationQuestion { permits: &[], kind, days, order: None, reservation: None };
            days_of(question).map(|days| days.to_string())
        };
        let months = |days| asked(SheetKind::MonthlySummaries, days);
        assert_eq!(months("2017-10-15..2017-12-02").as_deref(), Some("2017-11-01..2017-12-31"));
        assert_eq!(months("2017-10-02..2017-10-31"), None);
        assert_eq!(
            asked(SheetKind::DailySummaries, "2017-10-02..2017-10-03").as_deref(),
            Some("2017-10-02..2017-10-03")
        );
    }
}
