//! How far reservations were used, as charges of AmortizedCost tell it: a covered usage row takes Quantity × ratio
//! reservation-hours, an unused row has the hours that nobody took (SEMANTICS 3.1 and 3.4).

use std::collections::BTreeMap;

use calendar::{BillingPeriod, Date};
use money::{Decimal, MoneyError, Total, half_even_product, half_even_quotient};

/// Hours that a reservation of one unit has in a day.
const HOURS_PER_DAY: i128 = 24;
/// Digits behind the point of quotients: quantities have as many (SEMANTICS 2.4).
const QUOTIENT_DIGITS: u8 = 18;

/// A reservation, by its ids in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReservationKey {
    /// The order that it was bought with.
    pub order: String,
    /// Its own id.
    pub reservation: String,
}

/// What a row says of the use of a reservation.
#[derive(Debug, Clone, Copy)]
pub struct ReservationRow<'r> {
    /// The day.
    pub date: Date,
    /// Id of the order, as the row spells it.
    pub order: &'r str,
    /// Id of the reservation, as the row spells it.
    pub reservation: &'r str,
    /// The quantity of the row, in blocks of its unit.
    pub quantity: Decimal,
    /// What used the reservation; `None` for hours that nobody used.
    pub user: Option<ReservationUser<'r>>,
}

/// What used a reservation.
#[derive(Debug, Clone, Copy)]
pub struct ReservationUser<'r> {
    /// Id of the resource.
    pub instance: &'r str,
    /// Its size; blank where the row does not say it.
    pub sku: &'r str,
    /// Reservation-hours for one block of usage; `None` where the row does not say it, which is 1.
    pub ratio: Option<Decimal>,
}

/// How a reservation was used on a day.
#[derive(Debug, Clone, Default)]
pub struct DayUse {
    /// Ids as the first row spells them.
    pub order: String,
    /// The same.
    pub reservation: String,
    /// Used reservation-hours by instance, size and ratio.
    pub users: BTreeMap<(String, String, String), Total>,
    unused: Total,
}

/// How reservations were used, day by day.
#[derive(Debug, Clone, Default)]
pub struct ReservationUse {
    days: BTreeMap<(Date, ReservationKey), DayUse>,
}

/// How far a reservation was used in a day or a month.
#[derive(Debug, Clone)]
pub struct UseSummary {
    /// The day, or the first day of the month.
    pub day: Date,
    /// Id of the order, as the first row spells it.
    pub order: String,
    /// Id of the reservation, as the first row spells it.
    pub reservation: String,
    /// Reservation-hours that there were; `None` where details that were imported do not say it.
    pub reserved: Option<Total>,
    /// Reservation-hours that were used.
    pub used: Total,
}

impl ReservationUse {
    /// Takes a row into account.
    ///
    /// # Errors
    /// Sums that exceed 256 bits.
    pub fn add(&mut self, row: ReservationRow<'_>) -> Result<(), MoneyError> {
        let key =
            ReservationKey { order: row.order.to_ascii_lowercase(), reservation: row.reservation.to_ascii_lowercase() };
        let day = self.days.entry((row.date, key)).or_insert_with(|| DayUse {
            order: row.order.to_owned(),
            reservation: row.reservation.to_owned(),
            ..DayUse::default()
        });
        let Some(user) = row.user else { return day.unused.add(row.quantity) };
        let ratio = user.ratio.unwrap_or(Decimal::from(1));
        // A product of more digits than an amount can have is rounded, like quotients.
        let exact = row.quantity.checked_mul(ratio);
        let hours = exact.or_else(|_| half_even_product(row.quantity, ratio, QUOTIENT_DIGITS))?;
        let ratio = user.ratio.map(|ratio| ratio.to_shortest_string()).unwrap_or_default();
        let key = (user.instance.to_owned(), user.sku.to_owned(), ratio);
        day.users.entry(key).or_default().add(hours)
    }

    /// Every day of every reservation, in their order.
    pub fn days(&self) -> impl Iterator<Item = (Date, &ReservationKey, &DayUse)> {
        self.days.iter().map(|((day, key), own)| (*day, key, own))
    }

    /// Number of rows of details.
    pub fn len(&self) -> usize {
        self.days.values().map(|day| day.users.len()).sum()
    }

    /// Whether nothing is known of any reservation.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// A summary for every day of every reservation.
    ///
    /// # Errors
    /// Sums that exceed 256 bits.
    pub fn daily(&self) -> Result<BTreeMap<(Date, ReservationKey), UseSummary>, MoneyError> {
        let mut summaries = BTreeMap::new();
        for ((day, key), own) in &self.days {
            summaries.insert((*day, key.clone()), own.summary(*day)?);
        }
        Ok(summaries)
    }
}

impl DayUse {
    /// Reservation-hours that were used.
    ///
    /// # Errors
    /// Sums that exceed 256 bits.
    pub fn used(&self) -> Result<Total, MoneyError> {
        let mut used = Total::ZERO;
        for hours in self.users.values() {
            used.merge(*hours)?;
        }
        Ok(used)
    }

    /// Reservation-hours that there were: used and unused.
    ///
    /// # Errors
    /// Sums that exceed 256 bits.
    pub fn reserved(&self) -> Result<Total, MoneyError> {
        let mut reserved = self.used()?;
        reserved.merge(self.unused)?;
        Ok(reserved)
    }

    fn summary(&self, day: Date) -> Result<UseSummary, MoneyError> {
        Ok(UseSummary {
            day,
            order: self.order.clone(),
            reservation: self.reservation.clone(),
            reserved: Some(self.reserved()?),
            used: self.used()?,
        })
    }
}

/// Adds daily summaries up to months.
///
/// # Errors
/// Sums that exceed 256 bits.
pub fn monthly(
    daily: impl Iterator<Item = (ReservationKey, UseSummary)>,
) -> Result<BTreeMap<(Date, ReservationKey), UseSummary>, MoneyError> {
    let mut months: BTreeMap<(Date, ReservationKey), UseSummary> = BTreeMap::new();
    for (key, own) in daily {
        let first = BillingPeriod::of(own.day).first_day();
        match months.get_mut(&(first, key.clone())) {
            Some(month) => {
                month.reserved = match (month.reserved, own.reserved) {
                    (Some(mut sum), Some(more)) => {
                        sum.merge(more)?;
                        Some(sum)
                    }
                    _ => None,
                };
                month.used.merge(own.used)?;
            }
            None => drop(months.insert((first, key), UseSummary { day: first, ..own })),
        }
    }
    Ok(months)
}

impl UseSummary {
    /// The summary of details of a day: used hours of each instance, beside the hours of the reservation, which every
    /// detail repeats. Details that contradict one another about these leave them unknown.
    ///
    /// # Errors
    /// Sums that exceed 256 bits.
    pub fn of_details(
        (day, key): (Date, ReservationKey),
        details: &[(Decimal, Option<Decimal>)],
    ) -> Result<Self, MoneyError> {
        let ReservationKey { order, reservation } = key;
        let (mut used, mut reserved) = (Total::ZERO, Total::ZERO);
        for (hours, _) in details {
            used.add(*hours)?;
        }
        let first = details.first().and_then(|(_, reserved)| *reserved);
        let agreed = first.filter(|first| details.iter().all(|(_, own)| own.is_some_and(|own| own == *first)));
        agreed.map(|hours| reserved.add(hours)).transpose()?;
        Ok(Self { day, order, reservation, reserved: agreed.map(|_| reserved), used })
    }

    /// The summary of parts of a day, each with its own hours; where one does not say those of the reservation, they are
    /// not known.
    ///
    /// # Errors
    /// Sums that exceed 256 bits.
    pub fn of_parts(
        (day, key): (Date, ReservationKey),
        parts: &[(Decimal, Option<Decimal>)],
    ) -> Result<Self, MoneyError> {
        let ReservationKey { order, reservation } = key;
        let (mut used, mut reserved) = (Total::ZERO, Some(Total::ZERO));
        for (hours, own) in parts {
            used.add(*hours)?;
            reserved = match (reserved, own) {
                (Some(mut sum), Some(own)) => {
                    sum.add(*own)?;
                    Some(sum)
                }
                _ => None,
            };
        }
        Ok(Self { day, order, reservation, reserved, used })
    }

    /// How much of the reserved hours was used, in percent, rounded half to even to 18 digits; `None` where nothing was
    /// reserved, and where that is not known.
    pub fn utilization(&self) -> Option<Decimal> {
        let hundredfold = self.used.value().checked_mul(Decimal::from(100)).ok()?;
        half_even_quotient(hundredfold, self.reserved?.value(), QUOTIENT_DIGITS).ok()
    }
}

/// How many units hours of a day are, rounded half to even to 18 digits.
pub fn units_of_day(hours: Decimal) -> Option<Decimal> {
    let day = Decimal::from_i128(HOURS_PER_DAY, 0).ok()?;
    half_even_quotient(hours, day, QUOTIENT_DIGITS).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes(), money::Limits::QUANTITY).unwrap().value
    }

    fn row<'r>(day: &str, quantity: &str, user: Option<(&'r str, &str)>) -> ReservationRow<'r> {
        ReservationRow {
            date: day.parse().unwrap(),
            order: "O",
            reservation: "R",
            quantity: number(quantity),
            user: user.map(|(instance, ratio)| ReservationUser {
                instance,
                sku: "Standard_D2s_v3",
                ratio: Some(number(ratio)),
            }),
        }
    }

    #[test]
    fn used_and_unused_hours_are_what_was_reserved() {
        let mut found = ReservationUse::default();
        for row in [
            row("2024-01-01", "8", Some(("a", "2"))),
            row("2024-01-01", "1.5", Some(("a", "2.0"))),
            row("2024-01-01", "3", Some(("b", "1"))),
            row("2024-01-01", "2", None),
            row("2024-01-02", "24", None),
        ] {
            found.add(row).unwrap();
        }
        let daily = found.daily().unwrap();
        let texts: Vec<(String, String, String)> = daily
            .values()
            .map(|day| {
                let text = |total: Total| total.value().to_shortest_string();
                (day.day.to_string(), text(day.reserved.unwrap()), text(day.used))
            })
            .collect();
        let expected = [("2024-01-01", "24", "22"), ("2024-01-02", "24", "0")];
        assert_eq!(texts, expected.map(|(day, reserved, used)| (day.into(), reserved.into(), used.into())));
        let first = daily.values().next().unwrap();
        assert_eq!(first.utilization().unwrap().to_string(), "91.666666666666666667");
        assert_eq!(found.len(), 2, "one ratio however it is spelled");
        assert_eq!(units_of_day(first.reserved.unwrap().value()).unwrap().to_shortest_string(), "1");
        let months = monthly(daily.into_iter().map(|((_, key), own)| (key, own))).unwrap();
        let month = months.values().next().unwrap();
        assert_eq!(
            (month.day.to_string().as_str(), month.reserved.unwrap().value().to_shortest_string().as_str()),
            ("2024-01-01", "48")
        );
        assert_eq!(month.used.value().to_shortest_string(), "22");
    }

    #[test]
    fn imported_details_of_a_day_make_its_summary() {
        let key = ReservationKey { order: "O".into(), reservation: "R".into() };
        let of = |details: &[(&str, Option<&str>)]| {
            let read: Vec<_> = details.iter().map(|(used, reserved)| (number(used), reserved.map(number))).collect();
            let day = "2024-01-01".parse().unwrap();
            let own = UseSummary::of_details((day, key.clone()), &read).unwrap();
            (
                own.used.value().to_string(),
                own.reserved.map(|total| total.value().to_shortest_string()),
                own.utilization(),
            )
        };
        let (used, reserved, utilization) = of(&[("23.97", Some("24.0")), ("0.03", Some("24"))]);
        assert_eq!((used.as_str(), reserved.as_deref()), ("24.00", Some("24")));
        assert_eq!(utilization.unwrap().to_shortest_string(), "100");
        for unknown in [&[("1", Some("24")), ("2", None)], &[("1", Some("24")), ("2", Some("48"))]] {
            assert_eq!(of(unknown), ("3".to_owned(), None, None), "{unknown:?}");
        }
        // Summaries of parts have hours of their own.
        let parts = [("24", Some("24")), ("12", Some("48"))].map(|(used, own)| (number(used), own.map(number)));
        let whole = UseSummary::of_parts(("2024-01-01".parse().unwrap(), key.clone()), &parts).unwrap();
        assert_eq!(whole.utilization().unwrap().to_shortest_string(), "50");
    }

    #[test]
    fn a_month_with_a_day_of_unknown_hours_has_unknown_hours() {
        let key = ReservationKey { order: "o".into(), reservation: "r".into() };
        let of = |day: &str, reserved: Option<&str>| {
            let details = [(number("2"), reserved.map(number))];
            (key.clone(), UseSummary::of_details((day.parse().unwrap(), key.clone()), &details).unwrap())
        };
        let months = monthly([of("2024-01-01", Some("24")), of("2024-01-02", None)].into_iter()).unwrap();
        let month = months.into_values().next().unwrap();
        assert_eq!((month.reserved.is_none(), month.used.value().to_string().as_str()), (true, "4"));
    }

    #[test]
    fn products_of_more_digits_than_an_amount_has_are_rounded() {
        let mut found = ReservationUse::default();
        found.add(row("2024-01-01", "0.123456789012345678", Some(("a", "1.14285714287")))).unwrap();
        let own = found.daily().unwrap().into_values().next().unwrap();
        assert_eq!(own.used.value().to_string(), "0.141093473158553791");
    }

    /// Day of January or February, reservation, thousandths of a quantity, and machine with its ratio in tenths; none for
    /// unused hours.
    type Made = (u16, u8, i64, Option<(u8, u8)>);

    fn made() -> impl Strategy<Value = Vec<Made>> {
        let user = proptest::option::of((0..3_u8, 1..40_u8));
        proptest::collection::vec((0..59_u16, 0..3_u8, 0..100_000_i64, user), 0..200)
    }

    proptest! {
        /// Details add up to the day, days to the month, and all of it to what the rows say, whatever their order.
        #[test]
        fn details_add_up_to_days_and_days_to_months(rows in made()) {
            let first: Date = "2023-01-01".parse().unwrap();
            let mut found = ReservationUse::default();
            let mut used: BTreeMap<(Date, u8), i64> = BTreeMap::new();
            let mut reserved: BTreeMap<(Date, u8), i64> = BTreeMap::new();
            for (day, reservation, thousandths, user) in &rows {
                let date = first.add_days(i32::from(*day)).unwrap();
                let (id, machine) = (format!("r{reservation}"), format!("/m{}", user.map_or(0, |(machine, _)| machine)));
                let ratio = |tenths: u8| Decimal::from_i128(tenths.into(), 1).unwrap();
                let user_of_row = user.map(|(_, tenths)| ReservationUser {
                    instance: &machine,
                    sku: "",
                    ratio: Some(ratio(tenths)),
                });
                let quantity = Decimal::from_i128((*thousandths).into(), 3).unwrap();
                let row = ReservationRow { date, order: "o", reservation: &id, quantity, user: user_of_row };
                found.add(row).unwrap();
                // In ten-thousandths of an hour; months are kept a thousand days away from days.
                let hours = thousandths * user.map_or(10, |(_, tenths)| i64::from(tenths));
                for month in [false, true] {
                    let day = if month { BillingPeriod::of(date).first_day().add_days(-1000).unwrap() } else { date };
                    *used.entry((day, *reservation)).or_default() += if user.is_some() { hours } else { 0 };
                    *reserved.entry((day, *reservation)).or_default() += hours;
                }
            }
            let exact = |hours: i64| Decimal::from_i128(hours.into(), 4).unwrap().to_shortest_string();
            let daily = found.daily().unwrap();
            for (date, key, own) in found.days() {
                let summary = &daily[&(date, key.clone())];
                prop_assert_eq!(own.used().unwrap().value(), summary.used.value());
                let reservation: u8 = key.reservation[1..].parse().unwrap();
                prop_assert_eq!(summary.used.value().to_shortest_string(), exact(used[&(date, reservation)]));
                prop_assert_eq!(summary.reserved.unwrap().value().to_shortest_string(), exact(reserved[&(date, reservation)]));
            }
            let months = monthly(daily.into_iter().map(|((_, key), own)| (key, own))).unwrap();
            for ((first, key), month) in &months {
                let place = (first.add_days(-1000).unwrap(), key.reservation[1..].parse::<u8>().unwrap());
                prop_assert_eq!(month.used.value().to_shortest_string(), exact(used[&place]));
                prop_assert_eq!(month.reserved.unwrap().value().to_shortest_string(), exact(reserved[&place]));
            }
        }
    }
}
