//! Metered usage, added up by line, day and hour (SEMANTICS 2.3, 4.5; D-31, D-34, D-41).

use std::collections::HashMap;

use calendar::{BillingPeriod, CalendarError, Date};
use money::{Decimal, MoneyError};

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
    pub(super) lines: Vec<UsageLine>,
    ids: HashMap<UsageLine, u32>,
    /// Quantity by line, day and hour; daily usage has no hour.
    pub(super) entries: Vec<UsageEntry>,
}

/// A quantity of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsageEntry {
    pub(super) line: u32,
    pub(super) day: Date,
    pub(super) hour: Option<u8>,
    pub(super) quantity: Decimal,
}

impl UsageBook {
    /// The line with these facts; made where it is new.
    pub fn line(&mut self, line: &UsageLine) -> UsageLineId {
        if let Some(id) = self.ids.get(line) {
            return UsageLineId(*id);
        }
        let id = u32::try_from(self.lines.len()).expect("a period has less than 2^32 lines");
        self.lines.push(line.clone());
        self.ids.insert(line.clone(), id);
        UsageLineId(id)
    }

    /// Adds usage to a line. `day` is the date of the row that it becomes part of, `hour` 0 to 23 of hourly usage.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where a sum exceeds 255 bits.
    pub fn add(&mut self, line: UsageLineId, day: Date, hour: Option<u8>, quantity: Decimal) -> Result<(), MoneyError> {
        self.entries.push(UsageEntry { line: line.0, day, hour, quantity });
        Ok(())
    }
}
