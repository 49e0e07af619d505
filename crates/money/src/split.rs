//! `SPLIT`, sharing an amount out over rows in proportion to their weights (SEMANTICS 2.5 no. 1).

use crate::decimal::Decimal;
use crate::error::MoneyError;
use crate::rounding::{Ratio, half_even_ratio};

/// Which part of a [`split`] takes what the rounding of all parts leaves over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResidualTo {
    /// The part with the greatest weight; of several the one with the smallest index.
    GreatestWeight,
    /// The "unused" part at this index where its weight is above zero, else as [`ResidualTo::GreatestWeight`]
    /// (SEMANTICS 3.4: a fully used day has an unused row that costs 0).
    Unused(usize),
}

/// `SPLIT(total, weights)`: part i is `he(total × w_i / Σw, digits)`, and the residual `total − Σ parts` is added to one
/// part, so that the parts sum exactly to the total.
///
/// Ties among greatest weights go to the smallest index: the caller passes the weights in the order of the rows' keys,
/// (Date, SubscriptionId, ResourceId, MeterId). Weights may be negative (corrections of usage, SEMANTICS 2.3); the
/// greatest is then the greatest by value. Parts have `digits` fraction digits; the one that takes the residual may have
/// those of the total. With a total of zero and no weight but zero all parts are zero.
///
/// # Errors
/// [`MoneyError::ZeroWeights`] where the weights sum to zero otherwise; [`MoneyError::ResidualOutOfRange`];
/// [`MoneyError::ScaleTooLarge`] for more than 28 digits; [`MoneyError::Overflow`] where the sum of the weights or a part
/// exceeds 255 bits.
pub fn split(
    total: Decimal,
    weights: &[Decimal],
    digits: u8,
    residual: ResidualTo,
) -> Result<Vec<Decimal>, MoneyError> {
    let receiver = receiver_of(residual, weights)?;
    let mut weight_sum = Decimal::ZERO;
    for &weight in weights {
        weight_sum = weight_sum.checked_add(weight)?;
    }
    if weight_sum.is_zero() {
        let nothing_to_split = total.is_zero() && weights.iter().all(Decimal::is_zero);
        return if nothing_to_split { Ok(vec![Decimal::ZERO; weights.len()]) } else { Err(MoneyError::ZeroWeights) };
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut left_over = total;
    for &weight in weights {
        let part = half_even_ratio(total, Ratio::new(weight, weight_sum)?, digits)?;
        left_over = left_over.checked_sub(part)?;
        parts.push(part);
    }
    if !left_over.is_zero() {
        parts[receiver] = parts[receiver].checked_add(left_over)?;
    }
    Ok(parts)
}

/// The index of the part that takes the residual; 0 where there are no parts.
fn receiver_of(residual: ResidualTo, weights: &[Decimal]) -> Result<usize, MoneyError> {
    if let ResidualTo::Unused(index) = residual {
        let parts = weights.len();
        let weight = weights.get(index).ok_or(MoneyError::ResidualOutOfRange { index, parts })?;
        if !weight.is_zero() && !weight.is_negative() {
            return Ok(index);
        }
    }
    let mut receiver = 0;
    for (index, weight) in weights.iter().enumerate() {
        if *weight > weights[receiver] {
            receiver = index;
        }
    }
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_decimal, decimal};
    use crate::truncate;

    fn parts(total: &str, weights: &[&str], residual: ResidualTo) -> Vec<String> {
        let weights: Vec<_> = weights.iter().map(|weight| decimal(weight)).collect();
        let parts = split(decimal(total), &weights, 12, residual).unwrap();
        parts.iter().map(Decimal::to_shortest_string).collect()
    }

    fn sum(parts: &[Decimal]) -> Decimal {
        parts.iter().fold(Decimal::ZERO, |sum, &part| sum.checked_add(part).unwrap())
    }

    #[test]
    fn e10_blended_tiers_are_split_by_quantity() {
        let shares = parts("13.50", &["45", "35"], ResidualTo::GreatestWeight);
        assert_eq!(shares, ["7.59375", "5.90625"]);
        let lines: Vec<_> = shares.iter().map(|share| truncate(decimal(share), 2)).collect();
        assert_eq!(sum(&lines), decimal("13.49"));
        assert_eq!(sum(&lines).checked_sub(decimal("13.50")).unwrap().to_string(), "-0.01");
    }

    #[test]
    fn e2_day_is_split_into_used_and_unused_hours() {
        let shares = parts("3.287671232877", &["18", "6"], ResidualTo::Unused(1));
        assert_eq!(shares, ["2.465753424658", "0.821917808219"]);
    }

    #[test]
    fn e1_e13_days_without_residual() {
        assert_eq!(parts("1", &["12", "12"], ResidualTo::Unused(1)), ["0.5", "0.5"]);
        assert_eq!(parts("1", &["24", "0"], ResidualTo::Unused(1)), ["1", "0"]);
        assert_eq!(parts("1", &["12", "12", "0"], ResidualTo::Unused(2)), ["0.5", "0.5", "0"]);
        assert_eq!(parts("2.40", &["16", "5", "3"], ResidualTo::Unused(2)), ["1.6", "0.5", "0.3"]);
    }

    #[test]
    fn residual_goes_to_the_greatest_weight_and_then_to_the_first() {
        let third = "0.333333333333";
        assert_eq!(parts("1", &["1", "1", "1"], ResidualTo::GreatestWeight), ["0.333333333334", third, third]);
        assert_eq!(parts("1", &["1", "1", "1.00"], ResidualTo::Unused(2)), [third, third, "0.333333333334"]);
        // Weights 2, 2.5, 2.5: the residual of -1 unit goes to the second.
        assert_eq!(
            parts("1", &["2", "2.5", "2.50"], ResidualTo::GreatestWeight),
            ["0.285714285714", "0.357142857143", "0.357142857143"]
        );
        assert_eq!(
            parts("0.000000000001", &["1", "3", "3", "0"], ResidualTo::Unused(3)),
            ["0", "0.000000000001", "0", "0"]
        );
    }

    #[test]
    fn residual_carries_the_digits_beyond_twelve() {
        let shares = parts("1.0000000000000000000000000001", &["1", "1"], ResidualTo::GreatestWeight);
        assert_eq!(shares, ["0.5000000000000000000000000001", "0.5"]);
    }

    #[test]
    fn corrections_weigh_negatively() {
        assert_eq!(parts("10", &["6", "-1"], ResidualTo::GreatestWeight), ["12", "-2"]);
        assert_eq!(parts("-5", &["-2", "-3"], ResidualTo::GreatestWeight), ["-2", "-3"]);
    }

    #[test]
    fn weights_that_sum_to_zero_say_nothing() {
        let to_greatest = ResidualTo::GreatestWeight;
        let [one, minus_one, zero] = ["1", "-1", "0"].map(decimal);
        assert_eq!(split(one, &[zero, zero], 12, to_greatest), Err(MoneyError::ZeroWeights));
        assert_eq!(split(one, &[], 12, to_greatest), Err(MoneyError::ZeroWeights));
        assert_eq!(split(zero, &[one, minus_one], 12, to_greatest), Err(MoneyError::ZeroWeights));
        assert_eq!(split(zero, &[zero, zero], 12, to_greatest), Ok(vec![zero, zero]));
        assert_eq!(split(zero, &[], 12, to_greatest), Ok(vec![]));
        assert_eq!(
            split(one, &[one], 12, ResidualTo::Unused(1)),
            Err(MoneyError::ResidualOutOfRange { index: 1, parts: 1 })
        );
        assert_eq!(split(one, &[one], 29, to_greatest), Err(MoneyError::ScaleTooLarge { scale: 29, scale_max: 28 }));
    }

    proptest! {
        #[test]
        fn parts_sum_exactly_to_the_total(
            total in any_decimal(150),
            weights in proptest::collection::vec(any_decimal(80).prop_map(Decimal::abs), 1..20),
            unused in any::<Option<proptest::sample::Index>>(),
        ) {
            prop_assume!(weights.iter().any(|weight| !weight.is_zero()));
            let residual = match unused {
                Some(index) => ResidualTo::Unused(index.index(weights.len())),
                None => ResidualTo::GreatestWeight,
            };
            let parts = split(total, &weights, 12, residual).unwrap();
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(sum(&parts), total);
            // Each part but the one with the residual is within half a unit of its exact share.
            let weight_sum = sum(&weights);
            let mut odd_ones = 0;
            for (part, &weight) in parts.iter().zip(&weights) {
                let share = half_even_ratio(total, Ratio::new(weight, weight_sum).unwrap(), 12).unwrap();
                odd_ones += usize::from(*part != share);
                prop_assert!(!weight.is_zero() || part.is_zero());
            }
            prop_assert!(odd_ones <= 1);
        }

        #[test]
        fn signed_weights_sum_exactly_too(
            total in any_decimal(100), weights in proptest::collection::vec(any_decimal(40), 1..10),
        ) {
            match split(total, &weights, 12, ResidualTo::GreatestWeight) {
                Ok(parts) => prop_assert_eq!(sum(&parts), total),
                Err(error) => prop_assert!(matches!(error, MoneyError::ZeroWeights | MoneyError::Overflow)),
            }
        }
    }
}
