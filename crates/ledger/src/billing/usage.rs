//! Metered usage, added up by line, day and hour (SEMANTICS 2.3, 4.5; D-31, D-34, D-41).

use std::collections::HashMap;

use calendar::{BillingPeriod, CalendarError, Date};
use money::{Decimal, MoneyError};

use crate::selection::comparable;

/// An instant in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

impl Instant {
    /// The instant at which a day begins, UTC.
    pub fn start_of(date: Date) -> Self {
        Self(i64::from(date.days()) * DAY_MICROS)
    }

    /// The UTC day that it lies on.
    ///
    /// # Errors
    /// [`CalendarError`] outside of the years 1900 to 9999.
    pub fn date(self) -> Result<Date, CalendarError> {
        let days = i32::try_from(self.0.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX);
        Date::from_days(days)
    }
}

/// When a period closes: on the 5th of the following month, 00:00 UTC (D-34).
///
/// # Errors
/// [`CalendarError`] for the last month of year 9999.
pub fn close_of(period: BillingPeriod) -> Result<Instant, CalendarError> {
    let fifth = period.next()?.first_day().add_days(4)?;
    Ok(Instant::start_of(fifth))
}

/// The billing period in which usage of a day is posted that reached the service at an instant, and the date of its row:
/// its own, or, once its period was closed, those of the day of arrival (SEMANTICS 4.5, D-31).
///
/// # Errors
/// [`CalendarError`] for an arrival outside of the years 1900 to 9999.
pub fn posting_period(day: Date, received_at: Instant) -> Result<(BillingPeriod, Date), CalendarError> {
    let own = BillingPeriod::of(day);
    if received_at < close_of(own)? {
        return Ok((own, day));
    }
    let arrival = received_at.date()?;
    Ok((BillingPeriod::of(arrival), arrival))
}

/// How usage is priced where no benefit covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum UsagePricing {
    /// On demand; benefits may cover it.
    #[default]
    OnDemand,
    /// As spare capacity; never covered (D-42).
    Spot,
}

/// What usage records of one day are added up by, the day aside (D-41). Absent parts are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageLine {
    /// Subscription GUID as received.
    pub subscription_id: String,
    /// Resource id as received; blank where usage has no resource.
    pub resource_id: String,
    /// Meter id as received.
    pub meter_id: String,
    /// Part number, where metering names one.
    pub part_number: Option<String>,
    /// Offer, where metering names one.
    pub offer_id: Option<String>,
    /// Unit of measure of the quantity, where metering names one; else the quantity is in base units.
    pub unit: Option<String>,
    /// How it is priced.
    pub pricing: UsagePricing,
    /// Resource group; `None`: the one in the resource id.
    pub resource_group: Option<String>,
    /// Data centre.
    pub location: Option<String>,
    /// Resource provider; `None`: the one in the resource id.
    pub consumed_service: Option<String>,
    /// Tags as JSON text.
    pub tags: Option<String>,
    /// Further facts: a JSON object as text.
    pub additional_info: Option<String>,
    /// Service metadata.
    pub service_info1: Option<String>,
    /// Service metadata.
    pub service_info2: Option<String>,
    /// Availability zone.
    pub availability_zone: Option<String>,
    /// The real time of usage that was posted late (D-31): first day, and hour of hourly usage.
    pub late: Option<(Date, Option<u8>)>,
}

/// A line of a [`UsageBook`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageLineId(pub(super) u32);

/// The usage that is posted in one billing period of an enrollment.
#[derive(Debug, Default)]
pub struct UsageBook {
    lines: Vec<UsageLine>,
    ids: HashMap<UsageLine, u32>,
    entries: Vec<Entry>,
    /// The entry of each line that was added to last; [`NO_ENTRY`] before the first.
    latest: Vec<usize>,
}

/// A quantity of a line, packed: where usage comes in no order there are as many as usage records.
#[derive(Debug, Clone, Copy)]
struct Entry {
    mantissa: i128,
    line: u32,
    day: Date,
    scale: u8,
    hour: u8,
}

/// No position among entries.
const NO_ENTRY: usize = usize::MAX;

/// The hour of daily usage; it comes after all real hours.
const NO_HOUR: u8 = 24;

/// A line's quantity of a day, or of an hour of hourly usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// Index into the sorted lines.
    pub(super) line: u32,
    pub(super) day: Date,
    pub(super) hour: Option<u8>,
    pub(super) quantity: Decimal,
}

/// A book that is complete: lines in their order, and cells in the order of line, day and hour.
#[derive(Debug)]
pub(super) struct SortedUsage {
    pub(super) lines: Vec<UsageLine>,
    pub(super) cells: Vec<Cell>,
}

impl UsageBook {
    /// The line with these facts; made where it is new.
    pub fn line(&mut self, line: &UsageLine) -> UsageLineId {
        if let Some(id) = self.ids.get(line) {
            return UsageLineId(*id);
        }
        let id = u32::try_from(self.lines.len()).expect("a period has less than 2^32 lines");
        self.lines.push(line.clone());
        self.latest.push(NO_ENTRY);
        self.ids.insert(line.clone(), id);
        UsageLineId(id)
    }

    /// Adds usage to a line. `day` is the date of the row that it becomes part of, `hour` 0 to 23 of hourly usage. The
    /// quantity is in the line's unit, else in base units.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for a quantity whose digits exceed 127 bits, which native input refuses.
    pub fn add(&mut self, line: UsageLineId, day: Date, hour: Option<u8>, quantity: Decimal) -> Result<(), MoneyError> {
        let scale = quantity.scale();
        let mantissa = quantity.rescaled_i128(scale).ok_or(MoneyError::Overflow)?;
        let added = Entry { mantissa, line: line.0, day, scale, hour: hour.unwrap_or(NO_HOUR) };
        let latest = &mut self.latest[line.0 as usize];
        // Records of a line mostly come day after day.
        if !self.entries.get_mut(*latest).is_some_and(|entry| entry.take(&added)) {
            *latest = self.entries.len();
            self.entries.push(added);
        }
        Ok(())
    }

    /// Number of lines.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// Sorts lines and adds entries up. Lines that differ in the case of their ids only are one; it is spelled like the
    /// first of them in the order of bytes, so that the order of arrival decides nothing.
    pub(super) fn sorted(self) -> Result<SortedUsage, MoneyError> {
        let Self { lines, ids, mut entries, latest } = self;
        drop((ids, latest));
        let mut order: Vec<(UsageLine, u32)> =
            (0u32..).zip(&lines).map(|(index, line)| (line.folded(), index)).collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| lines[a.1 as usize].cmp(&lines[b.1 as usize])));
        let mut rank = vec![0u32; lines.len()];
        let mut kept: Vec<u32> = Vec::new();
        for (position, (folded, index)) in order.iter().enumerate() {
            if position == 0 || order[position - 1].0 != *folded {
                kept.push(*index);
            }
            rank[*index as usize] = u32::try_from(kept.len() - 1).expect("ranks are as many as lines");
        }
        drop(order);
        entries.iter_mut().for_each(|entry| entry.line = rank[entry.line as usize]);
        entries.sort_unstable_by_key(|entry| (entry.line, entry.day, entry.hour));
        let mut cells: Vec<Cell> = Vec::new();
        for entry in entries {
            let quantity = Decimal::from_i128(entry.mantissa, entry.scale)?;
            let hour = (entry.hour != NO_HOUR).then_some(entry.hour);
            match cells.last_mut() {
                Some(last) if (last.line, last.day, last.hour) == (entry.line, entry.day, hour) => {
                    last.quantity = last.quantity.checked_add(quantity)?;
                }
                _ => cells.push(Cell { line: entry.line, day: entry.day, hour, quantity }),
            }
        }
        let mut lines: Vec<Option<UsageLine>> = lines.into_iter().map(Some).collect();
        let kept = kept.into_iter().filter_map(|index| lines[index as usize].take()).collect();
        Ok(SortedUsage { lines: kept, cells })
    }
}

impl Entry {
    /// Adds another entry of the same line, where it is of the same day and hour and the sum fits: whether it did. The sum
    /// has the fraction digits of the longer one, as sums of decimals have.
    fn take(&mut self, other: &Self) -> bool {
        if (self.day, self.hour) != (other.day, other.hour) {
            return false;
        }
        let scale = self.scale.max(other.scale);
        let sum = self.mantissa_at(scale).zip(other.mantissa_at(scale)).and_then(|(own, more)| own.checked_add(more));
        if let Some(mantissa) = sum {
            (self.mantissa, self.scale) = (mantissa, scale);
        }
        sum.is_some()
    }

    /// The mantissa with more fraction digits.
    fn mantissa_at(&self, scale: u8) -> Option<i128> {
        if scale == self.scale {
            return Some(self.mantissa);
        }
        self.mantissa.checked_mul(10i128.checked_pow(u32::from(scale - self.scale))?)
    }
}

impl UsageLine {
    /// Whether charges of both are shared out together (SEMANTICS 3.4).
    pub(super) fn same_resource_and_meter(&self, other: &Self) -> bool {
        let parts = |line: &Self| [&line.subscription_id, &line.resource_id, &line.meter_id].map(|id| comparable(id));
        parts(self) == parts(other)
    }

    /// The line with comparable ids: how lines are told apart and ordered.
    fn folded(&self) -> Self {
        Self {
            subscription_id: comparable(&self.subscription_id),
            resource_id: comparable(&self.resource_id),
            meter_id: comparable(&self.meter_id),
            part_number: self.part_number.as_deref().map(comparable),
            offer_id: self.offer_id.as_deref().map(comparable),
            resource_group: self.resource_group.as_deref().map(comparable),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes(), money::Limits::QUANTITY).unwrap().value
    }

    fn line(resource: &str) -> UsageLine {
        UsageLine { resource_id: resource.to_owned(), meter_id: "m".to_owned(), ..UsageLine::default() }
    }

    #[test]
    fn records_add_up_whatever_their_order_and_the_case_of_their_ids() {
        let day: Date = "2025-02-20".parse().unwrap();
        let records = [
            ("/A", None, "1.5"),
            ("/a", None, "2.50"),
            ("/b", Some(3), "1"),
            ("/b", Some(2), "1"),
            ("/B", Some(3), "-4"),
        ];
        let sorted = |order: &[usize]| {
            let mut book = UsageBook::default();
            for index in order {
                let (resource, hour, quantity) = records[*index];
                let id = book.line(&line(resource));
                book.add(id, day, hour, decimal(quantity)).unwrap();
            }
            book.sorted().unwrap()
        };
        let (first, second) = (sorted(&[0, 1, 2, 3, 4]), sorted(&[4, 1, 3, 0, 2]));
        assert_eq!((&first.lines, &first.cells), (&second.lines, &second.cells));
        let seen: Vec<(&str, Option<u8>, String)> = first
            .cells
            .iter()
            .map(|cell| (first.lines[cell.line as usize].resource_id.as_str(), cell.hour, cell.quantity.to_string()))
            .collect();
        let expected = [("/A", None, "4.00"), ("/B", Some(2), "1"), ("/B", Some(3), "-3")];
        assert_eq!(seen, expected.map(|(resource, hour, quantity)| (resource, hour, quantity.to_owned())));
    }

    #[test]
    fn records_of_one_hour_become_one_entry_where_their_sum_fits() {
        let day: Date = "2025-02-20".parse().unwrap();
        let wide = "9".repeat(38);
        let cases: [(&[&str], usize, &str); 5] = [
            (&["0.5", "1.25", "2", "-3.75"], 1, "0.00"),
            (&[&wide, &wide], 2, "199999999999999999999999999999999999998"),
            (&[&wide, "0.001"], 2, "99999999999999999999999999999999999999.001"),
            (&["0.001", &wide], 2, "99999999999999999999999999999999999999.001"),
            (&[&wide, &wide, "-1"], 2, "199999999999999999999999999999999999997"),
        ];
        for (quantities, entries, sum) in cases {
            let mut book = UsageBook::default();
            let id = book.line(&line("/a"));
            let limits = money::Limits { fraction_digits_max: 18, integer_digits_max: 38 };
            for quantity in quantities {
                let quantity = Decimal::parse(quantity.as_bytes(), limits).unwrap().value;
                book.add(id, day, None, quantity).unwrap();
            }
            assert_eq!(book.entries.len(), entries, "{quantities:?}");
            let sorted = book.sorted().unwrap();
            let sums: Vec<String> = sorted.cells.iter().map(|cell| cell.quantity.to_string()).collect();
            assert_eq!(sums, [sum]);
        }
    }

    #[test]
    fn e17_usage_is_posted_in_its_month_until_the_5th_and_then_on_the_day_of_arrival() {
        let day: Date = "2025-02-20".parse().unwrap();
        let at = |text: &str, hour: i64| Instant(Instant::start_of(text.parse().unwrap()).0 + hour * 3_600_000_000);
        let posted = |received| posting_period(day, received).map(|(period, date)| format!("{period} {date}")).unwrap();
        assert_eq!(posted(at("2025-03-04", 23)), "202502 2025-02-20");
        assert_eq!(posted(at("2025-03-05", 0)), "202503 2025-03-05");
        assert_eq!(posted(at("2025-03-06", 5)), "202503 2025-03-06");
        assert_eq!(posted(at("2025-04-05", 0)), "202504 2025-04-05");
    }
}
