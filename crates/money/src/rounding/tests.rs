//! Tests of the roundings: the figures of SEMANTICS and an independent integer definition.

use ethnum::I256;
use proptest::prelude::*;

use super::*;
use crate::testing::{any_decimal, decimal};

/// `numerator` / `denominator` rounded half-even, by floor division of signed integers: floor, then one more where the
/// rest is above one half, or equal to it and the floor odd. The code under test works on magnitudes instead.
fn reference_half_even(numerator: I256, denominator: I256) -> I256 {
    assert!(denominator > 0);
    let floor = numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator);
    let twice = rest * 2;
    if twice > denominator || (twice == denominator && floor.rem_euclid(I256::new(2)) == 1) { floor + 1 } else { floor }
}

#[test]
fn statement_figures_of_semantics_2_5_round_to_even() {
    for (text, digits, expected) in [
        ("2.315", 2, "2.32"),
        ("2.325", 2, "2.32"),
        ("-2.315", 2, "-2.32"),
        ("-2.325", 2, "-2.32"),
        ("2.3250000001", 2, "2.33"),
        ("0.5", 0, "0"),
        ("1.5", 0, "2"),
        ("-0.5", 0, "0"),
        ("-1.5", 0, "-2"),
        ("9.995", 2, "10.00"),
        ("0.004", 2, "0.00"),
        ("1.5", 2, "1.5"),
        ("1.500", 3, "1.500"),
        ("1.500", 200, "1.500"),
    ] {
        assert_eq!(half_even(decimal(text), digits).to_string(), expected, "he({text}, {digits})");
    }
}

#[test]
fn truncation_goes_toward_zero() {
    for (text, digits, expected) in [
        ("12.3456008547", 2, "12.34"),
        ("-12.349", 2, "-12.34"),
        ("0.0087", 2, "0.00"),
        ("-0.0087", 2, "0.00"),
        ("999.99", 0, "999"),
        ("1.5", 2, "1.5"),
        ("1", 2, "1"),
    ] {
        assert_eq!(truncate(decimal(text), digits).to_string(), expected, "trunc({text}, {digits})");
    }
}

#[test]
fn e14_lines_are_cut_and_the_rest_is_the_rounding_adjustment() {
    let costs = ["12.3456008547", "0.0087", "0.00006755"].map(decimal);
    let lines = costs.map(|cost| truncate(cost, 2));
    assert_eq!(lines.map(|line| line.to_string()), ["12.34", "0.00", "0.00"]);
    let sum = |amounts: [Decimal; 3]| amounts.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add).unwrap();
    let adjustment = sum(lines).checked_sub(sum(costs)).unwrap();
    assert_eq!(adjustment.to_shortest_string(), "-0.0143684047");
    assert_eq!(sum(costs).checked_add(adjustment).unwrap(), decimal("12.34"));
}

#[test]
fn e2_amortized_days_up_to_the_third() {
    let price = decimal("1200.00");
    for (day, expected) in [(1u32, "3.287671232877"), (2, "6.575342465753"), (3, "9.863013698630")] {
        let ratio = Ratio::new(day, 365u32).unwrap();
        assert_eq!(half_even_ratio(price, ratio, 12).unwrap().to_string(), expected);
    }
}

#[test]
fn e6_refund_adjustment_is_a_share_of_the_refund() {
    let ratio = Ratio::new(decimal("500"), decimal("730")).unwrap();
    assert_eq!(half_even_ratio(decimal("378"), ratio, 2).unwrap().to_string(), "258.90");
}

#[test]
fn e1_e10_e13_effective_prices_are_quotients() {
    for (cost, quantity, expected) in
        [("0.5", "12", "0.041666666667"), ("13.50", "80", "0.168750000000"), ("1.6", "8", "0.200000000000")]
    {
        let price = half_even_quotient(decimal(cost), decimal(quantity), 12).unwrap();
        assert_eq!(price.to_string(), expected);
    }
    assert_eq!(half_even_quotient(decimal("1"), decimal("0.00"), 12), Err(MoneyError::ZeroDivisor));
    assert_eq!(Ratio::new(1u32, 0u32).unwrap_err(), MoneyError::ZeroDivisor);
}

#[test]
fn e11_native_costs_are_exact_up_to_28_digits() {
    let cost = |quantity, price| half_even_product(decimal(quantity), decimal(price), 28).unwrap().to_string();
    assert_eq!(cost("24.80634996", "0.10"), "2.4806349960");
    assert_eq!(cost("0.033336", "122.88"), "4.09632768");
    assert_eq!(cost("0.1351", "0.0005"), "0.00006755");
    // 36 fraction digits are rounded once, to 28.
    assert_eq!(cost("0.000000000000000001", "0.500000000000000001"), "0.0000000000000000005000000000");
    assert_eq!(cost("0.000000000000000005", "0.00000000005"), "0.0000000000000000000000000002");
    assert_eq!(cost("0.000000000000000015", "0.00000000001"), "0.0000000000000000000000000002");
}

#[test]
fn signs_of_all_three_factors_count() {
    let result = |value, numerator, denominator| {
        let ratio = Ratio::new(decimal(numerator), decimal(denominator)).unwrap();
        half_even_ratio(decimal(value), ratio, 1).unwrap().to_string()
    };
    assert_eq!(result("-1", "1", "4"), "-0.2");
    assert_eq!(result("1", "-1", "4"), "-0.2");
    assert_eq!(result("-1", "-1", "-4"), "-0.2");
    assert_eq!(result("-3", "-1", "4"), "0.8");
    assert_eq!(result("0", "-1", "4"), "0.0");
}

#[test]
fn results_beyond_the_type_are_refused() {
    let greatest = Decimal::new(I256::MAX, 0).unwrap();
    let one = Ratio::new(1u32, 1u32).unwrap();
    assert_eq!(half_even_ratio(greatest, one, 0).unwrap(), greatest);
    assert_eq!(half_even_ratio(greatest, one, 1), Err(MoneyError::Overflow));
    assert_eq!(half_even_product(greatest, decimal("2"), 28), Err(MoneyError::Overflow));
    let too_fine = Err(MoneyError::ScaleTooLarge { scale: 29, scale_max: 28 });
    assert_eq!(half_even_ratio(Decimal::ZERO, one, 29), too_fine);
    assert_eq!(half_even_product(Decimal::ZERO, Decimal::ZERO, 29), too_fine);
    // Numerators of more than 512 bits are no obstacle.
    let itself = Ratio::new(greatest, greatest).unwrap();
    let finest = Decimal::new(I256::MAX, 28).unwrap();
    assert_eq!(half_even_ratio(finest, itself, 28).unwrap(), finest);
}

proptest! {
    #[test]
    fn half_even_agrees_with_the_integer_definition(value in any_decimal(200), digits in 0u8..=28) {
        let rounded = half_even(value, digits);
        if value.scale() <= digits {
            prop_assert_eq!(rounded.mantissa(), value.mantissa());
            prop_assert_eq!(rounded.scale(), value.scale());
        } else {
            let divisor = power_of_ten(value.scale() - digits).as_i256();
            prop_assert_eq!(rounded.mantissa(), reference_half_even(value.mantissa(), divisor));
            prop_assert_eq!(rounded.scale(), digits);
        }
    }

    #[test]
    fn exact_halves_end_even(half in any::<i64>(), digits in 0u8..=20, further in 1u8..=8) {
        // (2 × half + 1) / 2, written with more fraction digits than are kept.
        let odd = i128::from(half) * 2 + 1;
        let mantissa = odd * 5 * 10i128.pow(u32::from(further) - 1);
        let rounded = half_even(Decimal::from_i128(mantissa, digits + further).unwrap(), digits);
        prop_assert_eq!(rounded.mantissa().rem_euclid(I256::new(2)), I256::ZERO);
        prop_assert!((rounded.mantissa() * 2 - I256::new(odd)).abs() == 1);
    }

    #[test]
    fn truncation_never_grows_and_cuts_less_than_a_unit(value in any_decimal(200), digits in 0u8..=28) {
        let cut = truncate(value, digits);
        let rest = value.checked_sub(cut).unwrap();
        prop_assert!(cut.abs() <= value.abs());
        prop_assert!(rest.abs() < Decimal::from_i128(1, digits).unwrap());
        prop_assert!(rest.is_zero() || rest.is_negative() == value.is_negative());
        prop_assert!(cut.scale() <= digits.max(value.scale().min(digits)));
    }

    #[test]
    fn ratios_agree_with_the_integer_definition(
        mantissa in any::<i64>(), scale in 0u8..=12, part in any::<u32>(), parts in 1u32.., digits in 0u8..=20,
    ) {
        let value = Decimal::from_i128(mantissa.into(), scale).unwrap();
        let result = half_even_ratio(value, Ratio::new(part, parts).unwrap(), digits).unwrap();
        let numerator = I256::from(mantissa) * I256::from(part) * power_of_ten(digits).as_i256();
        let denominator = I256::from(parts) * power_of_ten(scale).as_i256();
        prop_assert_eq!(result.mantissa(), reference_half_even(numerator, denominator));
        prop_assert_eq!(result.scale(), digits);
    }

    #[test]
    fn products_round_as_the_exact_product_does(left in any_decimal(110), right in any_decimal(110), digits in 0u8..=28) {
        let product = half_even_product(left, right, digits).unwrap();
        let scale = left.scale() + right.scale();
        let exact = left.mantissa() * right.mantissa();
        if scale <= digits {
            prop_assert_eq!(product.mantissa(), exact);
            prop_assert_eq!(product.scale(), scale);
        } else {
            let divisor = power_of_ten(scale - digits).as_i256();
            prop_assert_eq!(product.mantissa(), reference_half_even(exact, divisor));
            prop_assert_eq!(product.scale(), digits);
        }
    }
}
