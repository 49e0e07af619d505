//! Answers about reservations: what was imported of a reservation and time, else what is known otherwise, told apart.
//!
//! A summary that was not imported is made of the details that were, so that both agree; where there are none, of charges.
//! A month is the sum of its days. Of transactions that two APIs tell, one is answered.

use std::collections::{BTreeMap, BTreeSet};

use access::Permit;
use calendar::{BillingPeriod, Date, DateRange};
use catalog::{HeldSheet, SheetQuestion};
use formats::StoredRow;
use lake::{ReservationPurchase, Snapshot};
use ledger::reservations::{ReservationKey, UseSummary, monthly};
use ledger::{ChargeFilter, ChargeQuery, Dataset, EnrollmentId, Generation, HeldAnswer, Publishers, SheetKind, Window};
use money::{Decimal, Limits, MoneyError};

use crate::derived::{details, purchase_place, summary, transaction};
use crate::error::PageError;
use crate::sheets::check_count;
use crate::walk::Pages;

/// A question about reservations.
#[derive(Debug, Clone, Copy)]
pub struct ReservationQuestion<'a> {
    /// The rights to read whole enrollments.
    pub permits: &'a [Permit],
    /// What the rows are; not prices.
    pub kind: SheetKind,
    /// Days of the rows, both ends included; `None` for all that are held. Months count by their first day.
    pub days: Option<DateRange>,
    /// Whether `days` are those of events; else transactions count by the months of their bills.
    pub by_event: bool,
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
    /// Whether it was made of charges, or of other rows, because no answer of the original is held for its reservation
    /// and time.
    pub is_derived: bool,
}

/// What is known of reservations.
#[derive(Debug, Clone, Default)]
pub struct ReservationAnswer {
    /// The rows, by time and reservation.
    pub items: Vec<SheetItem>,
    /// Whether rows may be missing: an answer was imported without its end, or of some days neither an answer nor the
    /// charges are held that would tell.
    pub is_incomplete: bool,
}

impl ReservationAnswer {
    /// Whether any row was not imported.
    pub fn any_derived(&self) -> bool {
        self.items.iter().any(|item| item.is_derived)
    }
}

/// Days of reservations may be as many as make the months of an answer.
const DAYS_OF_A_MONTH: usize = 31;

/// Where rows stand in the answer: by time, then reservation.
pub(crate) type Place = (Date, ReservationKey);

impl Pages {
    /// The rows of an answer, by time and reservation.
    pub async fn reservations(&self, question: ReservationQuestion<'_>) -> Result<ReservationAnswer, PageError> {
        let snapshot = self.lake().snapshot().await?;
        let mut gathered = Gathered::default();
        for permit in question.permits {
            let [share] = permit.shares() else { continue };
            let own =
                OfEnrollment { pages: self, snapshot: &snapshot, permit, enrollment: &share.enrollment, question };
            match question.kind {
                SheetKind::Prices => {}
                SheetKind::ReservationDetails => own.details(&mut gathered).await?,
                SheetKind::DailySummaries => own.daily(&mut gathered).await?,
                SheetKind::MonthlySummaries => own.monthly(&mut gathered).await?,
                SheetKind::ReservationTransactions => own.transactions(&mut gathered).await?,
            }
        }
        let items = gathered.items.into_values().flatten().collect();
        Ok(ReservationAnswer { items, is_incomplete: gathered.is_incomplete })
    }
}

/// An answer while it is put together.
#[derive(Default)]
struct Gathered {
    items: BTreeMap<Place, Vec<SheetItem>>,
    count: usize,
    is_incomplete: bool,
}

impl Gathered {
    fn push(&mut self, place: Place, item: SheetItem) -> Result<(), PageError> {
        self.count += 1;
        check_count(self.count)?;
        self.items.entry(place).or_default().push(item);
        Ok(())
    }
}

/// What times of an enrollment were imported: days, and months by their first days.
#[derive(Default)]
struct Imported {
    days: BTreeSet<Date>,
    months: BTreeSet<Date>,
}

impl Imported {
    fn learn(&mut self, sheet: &HeldSheet) {
        let times = if sheet.unit.kind.is_monthly() { &mut self.months } else { &mut self.days };
        times.insert(sheet.unit.day);
    }

    fn is_empty(&self) -> bool {
        self.days.is_empty() && self.months.is_empty()
    }

    fn has_all(&self, days: DateRange) -> bool {
        let has = |day: Date| self.days.contains(&day) || self.months.contains(&BillingPeriod::of(day).first_day());
        days.days().all(has)
    }
}

/// A question to one enrollment.
#[derive(Clone, Copy)]
struct OfEnrollment<'a> {
    pages: &'a Pages,
    snapshot: &'a Snapshot,
    permit: &'a Permit,
    enrollment: &'a EnrollmentId,
    question: ReservationQuestion<'a>,
}

impl OfEnrollment<'_> {
    fn item(&self, row: StoredRow, is_derived: bool) -> SheetItem {
        SheetItem { enrollment: self.enrollment.clone(), row, is_derived }
    }

    async fn sheets(&self, kind: SheetKind, days: Option<DateRange>) -> Result<Vec<HeldSheet>, PageError> {
        let ReservationQuestion { order, reservation, .. } = self.question;
        let question = SheetQuestion { enrollment: self.enrollment, kind, days, order, reservation };
        Ok(self.pages.catalog().sheets(&question).await?)
    }

    /// Takes rows as they were imported, and says of which times and reservations.
    async fn take_imported(
        &self,
        gathered: &mut Gathered,
        imported: &mut Imported,
    ) -> Result<BTreeSet<Place>, PageError> {
        let sheets = self.sheets(self.question.kind, self.question.days).await?;
        check_count(sheets.iter().map(rows_of).sum())?;
        let mut places = BTreeSet::new();
        for sheet in &sheets {
            imported.learn(sheet);
            gathered.is_incomplete |= sheet.incomplete;
            let place = place_of(sheet);
            for row in self.pages.rows_of_sheet(sheet).await? {
                gathered.push(place.clone(), self.item(row, false))?;
            }
            places.insert(place);
        }
        Ok(places)
    }

    async fn details(&self, gathered: &mut Gathered) -> Result<(), PageError> {
        let mut imported = Imported::default();
        let places = self.take_imported(gathered, &mut imported).await?;
        let Some(days) = days_of(self.question) else { return Ok(()) };
        if !self.is_charged(Dataset::AmortizedCost, self.question.days.and(Some(days)), &imported, gathered).await? {
            return Ok(());
        }
        let query = self.query(Dataset::AmortizedCost, days);
        let found = self.snapshot.reservation_use(&query, self.question.order).await?.ok_or(PageError::TooManyRows)?;
        for (day, key, own) in found.days().filter(|(_, key, _)| self.asks_for(key)) {
            let place = (day, key.clone());
            if !places.contains(&place) {
                for row in details(day, own).map_err(sum)? {
                    gathered.push(place.clone(), self.item(row, true))?;
                }
            }
        }
        Ok(())
    }

    async fn daily(&self, gathered: &mut Gathered) -> Result<(), PageError> {
        let mut imported = Imported::default();
        let places = self.take_imported(gathered, &mut imported).await?;
        let Some(days) = days_of(self.question) else { return Ok(()) };
        for (place, own) in self.days_of_use(days, |place| places.contains(place), &mut imported, gathered).await? {
            gathered.push(place, self.item(summary(&own), true))?;
        }
        Ok(())
    }

    async fn monthly(&self, gathered: &mut Gathered) -> Result<(), PageError> {
        let mut imported = Imported::default();
        let places = self.take_imported(gathered, &mut imported).await?;
        let Some(days) = days_of(self.question) else { return Ok(()) };
        let is_of_month = |(day, key): &Place| places.contains(&(BillingPeriod::of(*day).first_day(), key.clone()));
        let found = self.days_of_use(days, is_of_month, &mut imported, gathered).await?;
        self.tell_months_in_part(&found, gathered).await?;
        let days = found.into_iter().map(|((_, key), own)| (key, own));
        for (place, own) in monthly(days).map_err(sum)? {
            gathered.push(place, self.item(summary(&own), true))?;
        }
        Ok(())
    }

    /// Rows may be missing of months of which some days of a reservation were imported and others are nowhere.
    async fn tell_months_in_part(
        &self,
        found: &BTreeMap<Place, UseSummary>,
        gathered: &mut Gathered,
    ) -> Result<(), PageError> {
        let held = self.pages.catalog().held_at(self.snapshot.version()).await?;
        let mut days: BTreeMap<(BillingPeriod, &ReservationKey), u32> = BTreeMap::new();
        for (day, key) in found.keys() {
            *days.entry((BillingPeriod::of(*day), key)).or_default() += 1;
        }
        for ((month, _), count) in days {
            let of_charges = (Dataset::AmortizedCost, Publishers::All);
            let answer = held.answer(std::iter::once(self.enrollment), of_charges, &Window::Period(month));
            gathered.is_incomplete |= answer != HeldAnswer::Held && count < month.range().day_count();
        }
        Ok(())
    }

    /// Each day of each reservation but those that are done: as its summary was imported, else as its details were, else as
    /// charges tell it.
    async fn days_of_use(
        &self,
        days: DateRange,
        is_done: impl Fn(&Place) -> bool,
        imported: &mut Imported,
        gathered: &mut Gathered,
    ) -> Result<BTreeMap<Place, UseSummary>, PageError> {
        let mut found: BTreeMap<Place, UseSummary> = BTreeMap::new();
        for kind in [SheetKind::DailySummaries, SheetKind::ReservationDetails] {
            for sheet in self.sheets(kind, Some(days)).await? {
                let place = place_of(&sheet);
                imported.learn(&sheet);
                if is_done(&place) || found.contains_key(&place) {
                    continue;
                }
                gathered.is_incomplete |= sheet.incomplete;
                let own = summary_of_sheet(&sheet, &self.pages.rows_of_sheet(&sheet).await?)?;
                found.insert(place, own);
                check_count(found.len() / DAYS_OF_A_MONTH)?;
            }
        }
        if !self.is_charged(Dataset::AmortizedCost, self.question.days.and(Some(days)), imported, gathered).await? {
            return Ok(found);
        }
        let query = self.query(Dataset::AmortizedCost, days);
        let charged =
            self.snapshot.reservation_use(&query, self.question.order).await?.ok_or(PageError::TooManyRows)?;
        for (place, own) in charged.daily().map_err(sum)? {
            if self.asks_for(&place.1) && !is_done(&place) {
                found.entry(place).or_insert(own);
            }
        }
        Ok(found)
    }

    /// Transactions of the months, or of the days of events, that are asked for. Those of other months tell which of them is
    /// told twice: Enterprise Reporting says the day of an event but not the month of its bill, which comes with it or later.
    async fn transactions(&self, gathered: &mut Gathered) -> Result<(), PageError> {
        let kind = SheetKind::ReservationTransactions;
        let asked = self.question.days;
        let by_event = self.question.by_event;
        let around = asked.map(with_bills);
        let sheets = self.sheets(kind, around).await?;
        check_count(sheets.iter().map(rows_of).sum())?;
        // Months of bills, and days of events, of which answers are held.
        let (mut billed, mut days_told, mut imported) = (BTreeSet::new(), Vec::new(), Imported::default());
        let mut told: Vec<Told> = Vec::new();
        for sheet in &sheets {
            if asked.is_none_or(|days| overlaps_month(days, sheet.unit.day)) {
                imported.learn(sheet);
                gathered.is_incomplete |= sheet.incomplete;
            }
            let rows = self.pages.rows_of_sheet(sheet).await?;
            let own: Vec<Told> = rows.into_iter().map(|row| Told::imported(place_of(sheet), row)).collect();
            match sheet.unit.is_of_events() {
                true => days_told.extend(days_of_events(&own)),
                false => _ = billed.insert(sheet.unit.day),
            }
            told.extend(own);
        }
        if self.is_charged(Dataset::ActualCost, asked, &imported, gathered).await?
            && let Some(days) = around.map_or_else(all_days, Some)
        {
            let query = self.query(Dataset::ActualCost, days);
            let purchases = self.snapshot.reservation_purchases(&query).await?.ok_or(PageError::TooManyRows)?;
            // An answer of Enterprise Reporting can be about a part of a month: charges tell of its other days.
            let is_imported = |purchase: &ReservationPurchase| {
                billed.contains(&purchase.period.first_day())
                    || days_told.iter().any(|days: &DateRange| days.contains(purchase.date))
            };
            let enrollment = self.enrollment.to_string();
            told.extend(purchases.iter().map(|one| Told {
                place: purchase_place(one),
                row: transaction(one, &enrollment),
                source: if is_imported(one) { Source::ChargesOfImported } else { Source::Charges },
            }));
        }
        let is_asked = |one: &Told| match (asked, one.day_of_event()) {
            (None, _) => true,
            (Some(days), Some(event)) if by_event => days.contains(event),
            (Some(days), _) => days.contains(one.place.0),
        };
        for one in without_repeats(told) {
            if is_asked(&one) {
                gathered.push(one.place, self.item(one.row, one.source == Source::Charges))?;
            }
        }
        Ok(())
    }

    fn asks_for(&self, key: &ReservationKey) -> bool {
        let is = |asked: Option<&str>, own: &str| asked.is_none_or(|asked| asked.eq_ignore_ascii_case(own));
        is(self.question.order, &key.order) && is(self.question.reservation, &key.reservation)
    }

    /// Whether charges of a dataset are held that tell of the days that are asked for; `None`: of all days. Says what is
    /// missing: where nothing was imported and only the other dataset is held, that is an error; where that is so of some
    /// billing periods, rows may be missing.
    async fn is_charged(
        &self,
        dataset: Dataset,
        asked: Option<DateRange>,
        imported: &Imported,
        gathered: &mut Gathered,
    ) -> Result<bool, PageError> {
        let held = self.pages.catalog().held_at(self.snapshot.version()).await?;
        let Some(days) = asked.map_or_else(all_days, Some) else { return Ok(false) };
        let which = (dataset, Publishers::All);
        let answer = self.snapshot.answer(&held, &[self.enrollment], which, &Window::Dates(days)).await?;
        if matches!(answer, HeldAnswer::OtherDataset(_)) && imported.is_empty() {
            return Err(PageError::NotHeld(not_held(dataset, self.question, self.enrollment)));
        }
        let own = held.iter().filter(|holding| holding.unit.enrollment == *self.enrollment && !holding.empty);
        let periods: BTreeSet<BillingPeriod> = own.map(|holding| holding.unit.coverage.period()).collect();
        for period in periods.into_iter().filter(|period| period.range().overlaps(days)) {
            let of_period = held.answer(std::iter::once(self.enrollment), which, &Window::Period(period));
            let asked = DateRange::inclusive(days.start().max(period.first_day()), days.end().min(period.last_day()));
            let is_told = matches!(asked, Ok(asked) if imported.has_all(asked));
            gathered.is_incomplete |= matches!(of_period, HeldAnswer::OtherDataset(_)) && !is_told;
        }
        Ok(answer == HeldAnswer::Held)
    }

    /// The question to the charges of days.
    fn query(&self, dataset: Dataset, days: DateRange) -> ChargeQuery {
        ChargeQuery {
            shares: self.permit.shares().to_vec(),
            visibility: self.permit.visibility(Generation::CostDetails),
            dataset,
            window: Window::Dates(days),
            filter: ChargeFilter::default(),
        }
    }
}

fn not_held(dataset: Dataset, question: ReservationQuestion<'_>, enrollment: &EnrollmentId) -> String {
    let days = question.days.map(|days| format!(" of {days}")).unwrap_or_default();
    format!(
        "neither the {}{days} of enrollment {enrollment} nor its {dataset}, which tells of reservations, is held; import one of \
         them",
        match question.kind {
            SheetKind::ReservationTransactions => "reservation transactions",
            SheetKind::ReservationDetails => "reservation details",
            _ => "reservation summaries and details",
        }
    )
}

fn sum(error: MoneyError) -> PageError {
    PageError::Sum(error.to_string())
}

fn rows_of(sheet: &HeldSheet) -> usize {
    usize::try_from(sheet.rows).unwrap_or(usize::MAX)
}

fn place_of(sheet: &HeldSheet) -> Place {
    let (order, reservation) = sheet.unit.reservation.clone();
    (sheet.unit.day, ReservationKey { order, reservation })
}

fn all_days() -> Option<DateRange> {
    DateRange::inclusive(Date::MIN, Date::MAX).ok()
}

/// The days of charges that rows are made of: whole months where rows are of months. `None`: no month begins in the days.
fn days_of(question: ReservationQuestion<'_>) -> Option<DateRange> {
    let Some(days) = question.days else { return all_days() };
    if !question.kind.is_monthly() {
        return Some(days);
    }
    let begun = |period: &BillingPeriod| days.contains(period.first_day());
    let first = days.periods().find(begun)?;
    let last = days.periods().filter(begun).last()?;
    DateRange::inclusive(first.first_day(), last.last_day()).ok()
}

/// The months in which events of these days or bills can be told: a bill is of the month of its event or of a later one, or,
/// where days end at different hours, of the one before.
fn with_bills(days: DateRange) -> DateRange {
    let first = BillingPeriod::of(days.start()).first_day();
    let before = first.add_days(-1).map_or(first, |day| BillingPeriod::of(day).first_day());
    DateRange::inclusive(before, Date::MAX).unwrap_or(days)
}

fn overlaps_month(days: DateRange, first: Date) -> bool {
    BillingPeriod::of(first).range().overlaps(days)
}

/// What imported rows of a reservation and day come to: details repeat the hours of the reservation, summaries are of parts.
fn summary_of_sheet(sheet: &HeldSheet, rows: &[StoredRow]) -> Result<UseSummary, PageError> {
    let damaged = |reason: String| PageError::DamagedSheet { revision: sheet.revision.to_string(), reason };
    let hours = |row: &StoredRow, name: &str| {
        let text = row.text(name);
        let read = || Decimal::parse(text.as_bytes(), Limits::COST).map(|parsed| parsed.value);
        let hours = (!text.is_empty()).then(read).transpose();
        hours.map_err(|error| damaged(format!("{name} {text}: {error}")))
    };
    let spelled = |name: &str| rows.first().map(|row| row.text(name)).unwrap_or_default();
    let key = ReservationKey { order: spelled("reservationOrderId"), reservation: spelled("reservationId") };
    let mut read = Vec::with_capacity(rows.len());
    for row in rows {
        let used = hours(row, "usedHours")?.ok_or_else(|| damaged("a row has no usedHours".to_owned()))?;
        read.push((used, hours(row, "reservedHours")?));
    }
    let place = (sheet.unit.day, key);
    match sheet.unit.kind {
        SheetKind::ReservationDetails => UseSummary::of_details(place, &read),
        _ => UseSummary::of_parts(place, &read),
    }
    .map_err(sum)
}

/// Who tells of a transaction, the best source first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// An answer that says in which month it was billed.
    WithMonth,
    /// An answer that does not.
    WithoutMonth,
    /// Charges of a time of which an answer is held, which counts instead.
    ChargesOfImported,
    /// Charges of other times.
    Charges,
}

/// A transaction as one source tells it.
struct Told {
    place: Place,
    row: StoredRow,
    source: Source,
}

impl Told {
    fn imported(place: Place, row: StoredRow) -> Self {
        let source = if row.text("billingMonth").is_empty() { Source::WithoutMonth } else { Source::WithMonth };
        Self { place, row, source }
    }

    fn day_of_event(&self) -> Option<Date> {
        let time = self.row.text("eventDate");
        Date::parse_any(time.split('T').next().unwrap_or_default().as_bytes()).ok()
    }

    /// What is equal for one transaction, whichever answer tells it.
    fn event(&self) -> (String, [String; 3]) {
        let day = self.day_of_event().map_or_else(|| self.row.text("eventDate"), |day| day.to_string());
        (day, self.thing())
    }

    /// The same without the day.
    fn thing(&self) -> [String; 3] {
        let text = |name: &str| self.row.text(name).trim().to_ascii_lowercase();
        let amount = text("amount");
        let exact = Decimal::parse(amount.as_bytes(), Limits::COST).map(|parsed| parsed.value.to_shortest_string());
        [text("reservationOrderId"), text("eventType"), exact.unwrap_or(amount)]
    }
}

/// Of equal events, as many as the answer has that tells the most of them; those that say the month of their bill are kept.
/// Charges add what no answer tells.
fn without_repeats(told: Vec<Told>) -> Vec<Told> {
    let (mut charged, mut answered): (Vec<Told>, Vec<Told>) =
        told.into_iter().partition(|one| one.source >= Source::ChargesOfImported);
    answered.sort_by_key(|one| one.source);
    let mut kept: BTreeMap<(String, [String; 3]), usize> = BTreeMap::new();
    let mut counts: BTreeMap<(Source, (String, [String; 3])), usize> = BTreeMap::new();
    answered.retain(|one| {
        let own = counts.entry((one.source, one.event())).or_default();
        let kept = kept.entry(one.event()).or_default();
        *own += 1;
        let is_new = *own > *kept;
        *kept += usize::from(is_new);
        is_new
    });
    let mut days_told: BTreeMap<[String; 3], Vec<Option<Date>>> = BTreeMap::new();
    answered.iter().for_each(|one| days_told.entry(one.thing()).or_default().push(one.day_of_event()));
    // What an answer tells of its own time is nothing that it tells of another one. Charges can be dated a day beside.
    charged.sort_by_key(|one| one.source);
    for apart in [0, 1] {
        charged.retain(|one| {
            let own = one.day_of_event();
            let is_near = |told: &Option<Date>| match (told, own) {
                (Some(told), Some(own)) => (told.days() - own.days()).abs() <= apart,
                _ => true,
            };
            let told = days_told.get_mut(&one.thing());
            let found = told.and_then(|told| told.iter().position(is_near).map(|at| told.swap_remove(at)));
            found.is_none()
        });
    }
    answered.extend(charged.into_iter().filter(|one| one.source == Source::Charges));
    answered
}

/// The days from the first event to the last.
fn days_of_events(told: &[Told]) -> Option<DateRange> {
    let days = || told.iter().filter_map(Told::day_of_event);
    DateRange::inclusive(days().min()?, days().max()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_asked_for_by_their_first_day() {
        let asked = |kind, days: &str| {
            let days = Some(days.parse().unwrap());
            let question =
                ReservationQuestion { permits: &[], kind, days, by_event: false, order: None, reservation: None };
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

    #[test]
    fn an_event_that_two_sources_tell_is_one_and_equal_events_stay_as_many_as_they_are() {
        let of = |source, amount: &str| {
            let member = |name: &str, json: &str| (name.to_owned(), json.to_owned());
            let members = vec![
                member(
                    "eventDate",
                    if source == Source::WithMonth { "\"2024-01-31T00:00:00Z\"" } else { "\"01/31/2024\"" },
                ),
                member("eventType", "\"Purchase\""),
                member("reservationOrderId", if source >= Source::ChargesOfImported { "\"O\"" } else { "\"o\"" }),
                member("amount", amount),
            ];
            let nobody = ReservationKey { order: String::new(), reservation: String::new() };
            Told { place: ("2024-01-01".parse().unwrap(), nobody), row: StoredRow::of(members), source }
        };
        let kept = |told: Vec<Told>| without_repeats(told).iter().map(|one| one.source).collect::<Vec<_>>();
        use Source::{Charges, ChargesOfImported, WithMonth, WithoutMonth};
        assert_eq!(kept(vec![of(Charges, "7"), of(WithoutMonth, "7.0"), of(WithMonth, "7.00")]), [WithMonth]);
        assert_eq!(kept(vec![of(WithoutMonth, "7"), of(WithMonth, "8")]), [WithMonth, WithoutMonth]);
        // An event of an answer stands for the charge of its own time first, and not for an equal one of another.
        let all = vec![of(Charges, "7"), of(ChargesOfImported, "7"), of(WithMonth, "7")];
        assert_eq!(kept(all), [WithMonth, Charges]);
        // Two equal purchases in one source are two.
        assert_eq!(
            kept(vec![of(WithoutMonth, "7"), of(WithoutMonth, "7"), of(WithMonth, "7"), of(Charges, "7")]),
            [WithMonth, WithoutMonth]
        );
    }
}
