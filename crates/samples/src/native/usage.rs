//! Usage records of a generated native enrollment: daily ones, hourly ones on a tenth of the days, late ones and
//! corrections.

use std::fmt::Write as _;

use calendar::{CalendarError, Date};

use super::catalogue::Amounts;
use super::lines::UsageLine;
use super::options::{NativeError, NativeOptions};
use crate::generator::rng::{Random, Stream};

/// Fraction digits of quantities.
pub const QUANTITY_SCALE: u8 = 6;
/// Days of the month whose usage is metered by the hour: a tenth. One kind to a day, so that no benefit sees both (D-39).
const HOURLY_DAYS: [u8; 3] = [3, 13, 23];
/// One of so many records comes at another time than the rest, or corrects.
const SPECIAL_OF: u64 = 200;
/// 1/31 as metering writes it: 0.032258.
const MONTHLY_SHARE: i64 = 32_258;

/// One record. What it shares with others is in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageRecord {
    /// Number of its line.
    pub line: usize,
    /// The day, UTC.
    pub day: Date,
    /// The hour of hourly usage.
    pub hour: Option<u8>,
    /// The quantity times 10⁶; negative for a correction.
    pub quantity: i64,
    /// The day of arrival, at 02:00 UTC.
    pub received: Date,
}

/// The records, month by month and day by day; those that come late or correct stand at the end of their month.
#[derive(Debug)]
pub struct Usage {
    options: NativeOptions,
    lines: Vec<UsageLine>,
    random: Random,
    month: u32,
    /// Regular records of the month, and how many of all its records were given.
    regular: u64,
    records: u64,
    given: u64,
}

impl Usage {
    pub(super) fn new(options: &NativeOptions, lines: Vec<UsageLine>) -> Result<Self, NativeError> {
        let mut usage = Self {
            options: options.clone(),
            lines,
            random: Random::new(options.seed, Stream::NativeUsage, 0),
            month: 0,
            regular: 0,
            records: 0,
            given: 0,
        };
        usage.begin_month(0);
        Ok(usage)
    }

    /// The lines that records refer to.
    pub fn lines(&self) -> &[UsageLine] {
        &self.lines
    }

    /// The line of a record.
    pub fn line(&self, record: &UsageRecord) -> &UsageLine {
        &self.lines[record.line]
    }

    fn begin_month(&mut self, month: u32) {
        self.random = Random::new(self.options.seed, Stream::NativeUsage, u64::from(month));
        self.month = month;
        self.records = self.options.records_of_month(month);
        self.regular = self.records - self.records / SPECIAL_OF;
        self.given = 0;
    }

    /// The number-th regular record of the month: days in order, in each of them round by round over the lines.
    fn regular_record(&mut self, number: u64) -> Result<UsageRecord, CalendarError> {
        let period = self.options.month(self.month)?;
        let days = u64::from(period.day_count());
        // Day d begins at record ceil(d × records / days), so this is the day that a record lies in.
        let day_index = (number * days) / self.regular;
        let first = (day_index * self.regular).div_ceil(days);
        let next = ((day_index + 1) * self.regular).div_ceil(days);
        let lines = self.lines.len() as u64;
        let rounds = (next - first).div_ceil(lines).max(1);
        let position = number - first;
        let (line, round) = ((position % lines) as usize, position / lines);
        let day = period.first_day().add_days(day_index as i32)?;
        let hour = is_hourly(day).then_some((round * 24 / rounds) as u8);
        let quantity = self.quantity(line, rounds, round);
        Ok(UsageRecord { line, day, hour, quantity, received: day.next()? })
    }

    /// A share of what a day of the line may have.
    fn quantity(&mut self, line: usize, rounds: u64, round: u64) -> i64 {
        match self.lines[line].amounts {
            Amounts::MonthlyShare => {
                if round == 0 {
                    MONTHLY_SHARE
                } else {
                    0
                }
            }
            Amounts::UpTo(most) => {
                let most = most / rounds;
                // Most machines run all the time; everything else varies.
                if most > 0 && self.random.chance(1, 3) { most as i64 } else { self.random.below(most + 1) as i64 }
            }
        }
    }

    /// A record that comes in the first days of the next month, or after the close, or corrects.
    fn special_record(&mut self) -> Result<UsageRecord, CalendarError> {
        let period = self.options.month(self.month)?;
        let day_index = self.random.below(u64::from(period.day_count()));
        let day = period.first_day().add_days(day_index as i32)?;
        let line = self.random.below(self.lines.len() as u64) as usize;
        let hour = is_hourly(day).then_some(self.random.below(24) as u8);
        let quantity = self.quantity(line, 24, 0);
        let negative = self.random.chance(1, 3);
        let next_month = period.next()?.first_day();
        let received = match self.random.below(3) {
            0 => day.next()?,
            1 => next_month.add_days(1 + self.random.below(3) as i32)?,
            _ => next_month.add_days(5 + self.random.below(20) as i32)?,
        };
        Ok(UsageRecord { line, day, hour, quantity: if negative { -quantity } else { quantity }, received })
    }
}

impl Iterator for Usage {
    type Item = UsageRecord;

    fn next(&mut self) -> Option<UsageRecord> {
        while self.given == self.records {
            if self.month + 1 >= self.options.months {
                return None;
            }
            self.begin_month(self.month + 1);
        }
        let number = self.given;
        self.given += 1;
        let record = if number < self.regular { self.regular_record(number) } else { self.special_record() };
        // The options were checked to end within the calendar, late arrivals included.
        record.ok()
    }
}

/// Whether usage of the day is metered by the hour.
fn is_hourly(day: Date) -> bool {
    HOURLY_DAYS.contains(&day.day())
}

impl UsageRecord {
    /// The quantity as decimal text.
    pub fn quantity_text(&self) -> String {
        let sign = if self.quantity < 0 { "-" } else { "" };
        format!("{sign}{}", super::prices::millionths(self.quantity.unsigned_abs()))
    }

    /// Appends the record as a JSON object. No text of a generated line needs escapes, but for those of JSON texts.
    pub fn write_json(&self, line: &UsageLine, out: &mut String) {
        let text = |out: &mut String, name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = write!(out, "\"{name}\":\"{value}\",");
        };
        out.push('{');
        text(out, "subscriptionId", &line.subscription_id);
        text(out, "resourceId", &line.resource_id);
        text(out, "meterId", &line.meter_id);
        let day = self.day;
        match self.hour {
            None => text(out, "date", &day.to_string()),
            Some(hour) => text(out, "time", &format!("{day}T{hour:02}:00:00Z")),
        }
        text(out, "quantity", &self.quantity_text());
        if let Some(part) = &line.part_number {
            text(out, "partNumber", part);
        }
        if let Some(unit) = &line.unit {
            text(out, "unitOfMeasure", unit);
        }
        if line.spot {
            text(out, "pricingModel", "Spot");
        }
        text(out, "resourceGroup", &line.resource_group);
        text(out, "resourceLocation", &line.location);
        text(out, "consumedService", &line.consumed_service);
        let _ = write!(out, "\"tags\":{},", line.tags);
        if let Some(info) = &line.additional_info {
            let _ = write!(out, "\"additionalInfo\":{info},");
        }
        let _ = write!(out, "\"receivedAt\":\"{}T02:00:00Z\"}}", self.received);
    }
}
