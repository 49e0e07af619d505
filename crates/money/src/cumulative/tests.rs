//! Tests of `CUM`: the worked examples of SEMANTICS 7 and exactness.

use ethnum::I256;
use proptest::prelude::*;

use super::*;
use crate::testing::{any_decimal, decimal};

/// The amounts of consecutive runs of parts, such as the months of a term given by their numbers of covered days.
fn runs(cumulative: Cumulative, lengths: &[u32]) -> Vec<String> {
    let mut amounts = Vec::new();
    let mut end = 0;
    for length in lengths {
        let start = end;
        end += length;
        let amount = cumulative.through(end).unwrap().checked_sub(cumulative.through(start).unwrap());
        amounts.push(amount.unwrap().to_shortest_string());
    }
    amounts
}

fn sum(parts: impl Iterator<Item = Decimal>) -> Decimal {
    parts.fold(Decimal::ZERO, |sum, part| sum.checked_add(part).unwrap())
}

#[test]
fn e2_days_and_months_of_an_indivisible_price() {
    let term = cumulative(decimal("1200.00"), 365, 12).unwrap();
    let first: Vec<_> = term.parts().take(3).map(|day| day.to_string()).collect();
    assert_eq!(first, ["3.287671232877", "3.287671232876", "3.287671232877"]);
    assert_eq!(term.through(1).unwrap().to_shortest_string(), "3.287671232877");
    assert_eq!(term.through(2).unwrap().to_shortest_string(), "6.575342465753");
    assert_eq!(term.through(3).unwrap().to_shortest_string(), "9.86301369863");
    // From 2025-05-26: May, June, … April, May.
    let months = runs(term, &[6, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31, 30, 25]);
    assert_eq!(months[0], "19.72602739726");
    assert_eq!(months[1], "98.630136986302");
    assert_eq!(months[9], "92.054794520548");
    assert_eq!(months[12], "82.191780821918");
    assert_eq!(sum(months.iter().map(|month| decimal(month))), decimal("1200"));
    assert_eq!(sum(term.parts()), decimal("1200"));
}

#[test]
fn e3_leap_year_has_366_days() {
    let term = cumulative(decimal("12016.00"), 366, 12).unwrap();
    for day in term.parts() {
        let text = day.to_string();
        assert!(text == "32.830601092896" || text == "32.830601092897", "{text}");
    }
    // From 2019-10-23: October, November, … February 2020 with 29 days, … October.
    let months = runs(term, &[9, 30, 31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 22]);
    assert_eq!(months[0], "295.475409836066");
    assert_eq!(months[1], "984.918032786885");
    assert_eq!(months[4], "952.087431693989");
    assert_eq!(months[12], "722.273224043716");
    assert_eq!(sum(months.iter().map(|month| decimal(month))), decimal("12016"));
}

#[test]
fn e4_three_years_billed_monthly() {
    let usd = "USD".parse().unwrap();
    let charged = installments(decimal("3600.00"), 36, usd).unwrap();
    assert!(charged.parts().all(|installment| installment.to_string() == "100.00"));
    let term = cumulative(decimal("3600.00"), 1095, 12).unwrap();
    assert_eq!(term.part(1).unwrap().to_string(), "3.287671232877");
    // From 2025-01-15: January, February, March, April.
    let months = runs(term, &[17, 28, 31, 30]);
    assert_eq!(months, ["55.890410958904", "92.054794520548", "101.917808219178", "98.630136986302"]);
    let deferred = charged.through(4).unwrap().checked_sub(term.through(17 + 28 + 31 + 30).unwrap());
    assert_eq!(deferred.unwrap().to_shortest_string(), "51.506849315068");
}

#[test]
fn e4_installments_of_a_thousand_over_twelve_months() {
    let usd = "USD".parse().unwrap();
    let charged = installments(decimal("1000.00"), 12, usd).unwrap();
    let amounts: Vec<_> = charged.parts().map(|installment| installment.to_string()).collect();
    assert_eq!(
        amounts,
        ["83.33", "83.34", "83.33", "83.33", "83.34", "83.33", "83.33", "83.34", "83.33", "83.33", "83.34", "83.33"]
    );
}

#[test]
fn e18_six_days_of_1200() {
    let term = cumulative(decimal("1200.00"), 365, 12).unwrap();
    assert_eq!(runs(term, &[4, 2]), ["13.150684931507", "6.575342465753"]);
    let refund = half_even(decimal("1200.00").checked_sub(term.through(6).unwrap()).unwrap(), 2);
    assert_eq!(refund.to_string(), "1180.27");
}

#[test]
fn installments_of_yen_are_whole_yen() {
    let jpy: Currency = "JPY".parse().unwrap();
    let amounts: Vec<_> = installments(decimal("100"), 3, jpy).unwrap().parts().map(|part| part.to_string()).collect();
    assert_eq!(amounts, ["33", "34", "33"]);
    assert_eq!(installments(decimal("100.50"), 3, jpy).unwrap_err(), MoneyError::Inexact { digits: 0 });
    assert!(installments(decimal("100.00"), 3, jpy).is_ok());
}

#[test]
fn what_cannot_sum_exactly_is_refused() {
    let fine = decimal("0.0000000000001");
    assert_eq!(cumulative(fine, 7, 12).unwrap_err(), MoneyError::Inexact { digits: 12 });
    assert_eq!(cumulative(fine, 0, 13).unwrap_err(), MoneyError::ZeroDivisor);
    assert_eq!(cumulative(fine, 7, 29).unwrap_err(), MoneyError::ScaleTooLarge { scale: 29, scale_max: 28 });
    let greatest = Decimal::new(I256::MAX, 0).unwrap();
    assert_eq!(cumulative(greatest, 7, 1).unwrap_err(), MoneyError::Overflow);
    assert_eq!(sum(cumulative(greatest, 7, 0).unwrap().parts()), greatest);
}

#[test]
fn parts_outside_the_range_are_refused() {
    let term = cumulative(decimal("1"), 3, 12).unwrap();
    let outside = |part| MoneyError::PartOutOfRange { part, parts: 3 };
    assert_eq!(term.part(0).unwrap_err(), outside(0));
    assert_eq!(term.part(4).unwrap_err(), outside(4));
    assert_eq!(term.through(4).unwrap_err(), outside(4));
    assert!(term.through(0).unwrap().is_zero());
    assert_eq!(term.through(3).unwrap(), term.total());
    assert_eq!(term.part_count(), 3);
}

proptest! {
    #[test]
    fn parts_sum_exactly_to_the_total(total in any_decimal(110), parts in 1u32..1100, digits in 0u8..=28) {
        let total = half_even(total, digits);
        let cumulative = cumulative(total, parts, digits).unwrap();
        let amounts: Vec<_> = cumulative.parts().collect();
        prop_assert_eq!(amounts.len(), parts as usize);
        prop_assert_eq!(sum(amounts.iter().copied()), total);
        let least = amounts.iter().min().unwrap();
        let greatest = amounts.iter().max().unwrap();
        prop_assert!(greatest.checked_sub(*least).unwrap() <= Decimal::from_i128(1, digits).unwrap());
        for (index, amount) in amounts.iter().enumerate() {
            prop_assert_eq!(amount.scale(), digits);
            prop_assert_eq!(cumulative.part(index as u32 + 1).unwrap(), *amount);
        }
    }
}
