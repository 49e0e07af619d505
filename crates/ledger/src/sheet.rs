//! Sheets: what the original says of an enrollment beside its charges and balances, row by row, kept as it was said: prices,
//! and what reservations were bought and how they were used.

use calendar::{BillingPeriod, Date};

/// What the rows of a sheet are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SheetKind {
    /// Prices of a billing period.
    Prices,
    /// What used a reservation on a day.
    ReservationDetails,
    /// How far a reservation was used on a day.
    DailySummaries,
    /// How far a reservation was used in a month.
    MonthlySummaries,
    /// Purchases, returns and exchanges of reservations in a month.
    ReservationTransactions,
}

impl SheetKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Prices,
        Self::ReservationDetails,
        Self::DailySummaries,
        Self::MonthlySummaries,
        Self::ReservationTransactions,
    ];

    /// The name in records and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prices => "priceSheet",
            Self::ReservationDetails => "reservationDetails",
            Self::DailySummaries => "reservationSummariesDaily",
            Self::MonthlySummaries => "reservationSummariesMonthly",
            Self::ReservationTransactions => "reservationTransactions",
        }
    }

    /// Reads the name of records.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether a sheet is about a month; others are about a day.
    pub const fn is_monthly(self) -> bool {
        matches!(self, Self::Prices | Self::MonthlySummaries | Self::ReservationTransactions)
    }

    /// Whether a sheet is about one reservation; others are about the enrollment.
    pub const fn is_of_reservation(self) -> bool {
        matches!(self, Self::ReservationDetails | Self::DailySummaries | Self::MonthlySummaries)
    }

    /// The day under which a sheet is held: the row's own, or the first of its month.
    pub fn unit_day(self, day: Date) -> Date {
        if self.is_monthly() { BillingPeriod::of(day).first_day() } else { day }
    }
}

impl std::fmt::Display for SheetKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Prices => "price sheet",
            Self::ReservationDetails => "reservation details",
            Self::DailySummaries => "daily reservation summaries",
            Self::MonthlySummaries => "monthly reservation summaries",
            Self::ReservationTransactions => "reservation transactions",
        })
    }
}

/// How long the times are that summaries of reservations are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Days.
    Daily,
    /// Months.
    Monthly,
}

/// A text that is no grain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected daily or monthly")]
pub struct UnknownGrain;

impl std::str::FromStr for Grain {
    type Err = UnknownGrain;

    fn from_str(text: &str) -> Result<Self, UnknownGrain> {
        match text {
            _ if text.eq_ignore_ascii_case("daily") => Ok(Self::Daily),
            _ if text.eq_ignore_ascii_case("monthly") => Ok(Self::Monthly),
            _ => Err(UnknownGrain),
        }
    }
}

impl Grain {
    /// The kind of summaries.
    pub const fn kind(self) -> SheetKind {
        match self {
            Self::Daily => SheetKind::DailySummaries,
            Self::Monthly => SheetKind::MonthlySummaries,
        }
    }
}

/// What one sheet replaces as a whole: of an enrollment, the rows of one kind, time and, where the kind has one,
/// reservation. A newer run of the source replaces an older one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SheetUnit {
    /// What the rows are.
    pub kind: SheetKind,
    /// The day, or the first day of the month.
    pub day: Date,
    /// Order and id of the reservation, in lower case; blank for kinds without, but for [`SheetUnit::of_events`].
    pub reservation: (String, String),
}

/// Stands for the reservation of transactions by the months of their events.
const EVENTS: &str = "events";

impl SheetUnit {
    /// The unit of a row that is dated on a day.
    pub fn of(kind: SheetKind, day: Date, (order, reservation): (&str, &str)) -> Self {
        let reservation = if kind.is_of_reservation() {
            (order.to_ascii_lowercase(), reservation.to_ascii_lowercase())
        } else {
            (String::new(), String::new())
        };
        Self { kind, day: kind.unit_day(day), reservation }
    }

    /// The unit of a transaction that does not say in which month it was billed: the month of its event. Answers that say it
    /// stand beside those that do not, for both tell whole months, but not the same events.
    pub fn of_events(event: Date) -> Self {
        let kind = SheetKind::ReservationTransactions;
        Self { kind, day: kind.unit_day(event), reservation: (EVENTS.to_owned(), String::new()) }
    }

    /// Whether the month is that of events, not of bills.
    pub fn is_of_events(&self) -> bool {
        self.kind == SheetKind::ReservationTransactions && self.reservation.0 == EVENTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_units_are_days_or_months() {
        let day: Date = "2024-02-17".parse().unwrap();
        for kind in SheetKind::ALL {
            assert_eq!(SheetKind::parse(kind.as_str()), Some(kind));
            let unit = SheetUnit::of(kind, day, ("O", "R"));
            assert_eq!(unit.day.day(), if kind.is_monthly() { 1 } else { 17 }, "{kind}");
            assert_eq!(unit.reservation.0 == "o", kind.is_of_reservation(), "{kind}");
        }
        assert_eq!(SheetKind::parse("prices"), None);
        let (billed, events) =
            (SheetUnit::of(SheetKind::ReservationTransactions, day, ("", "")), SheetUnit::of_events(day));
        assert!(billed.day == events.day && billed != events && events.is_of_events() && !billed.is_of_events());
    }
}
