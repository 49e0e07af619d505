//! The exact sum of a month's costs.
//!
//! Costs of one scale are added as integers; scales meet only when the total is printed. So adding is one 128-bit
//! addition a row, and nothing is rescaled to 28 fraction digits, where 128 bits would end at 34 billion.

use super::decimal::{COST_SCALE_MAX, Decimal};

/// A running sum of costs.
#[derive(Debug, Default)]
pub(super) struct CostTotal {
    /// At index `s` the sum of the costs held with `s` fraction digits, in units of 10⁻ˢ.
    units_by_scale: [u128; COST_SCALE_MAX as usize + 1],
}

impl CostTotal {
    /// Adds one cost.
    pub(super) fn add(&mut self, cost: Decimal) {
        let units = &mut self.units_by_scale[usize::from(cost.scale())];
        *units = units.checked_add(cost.units()).expect("a month has at most 10⁹ rows, each below 10⁴ at scale 24");
    }

    /// Plain decimal text without trailing zeros.
    pub(super) fn to_text(&self) -> String {
        const ONE: u128 = 10_u128.pow(COST_SCALE_MAX as u32);
        let mut whole = 0_u128;
        let mut fraction = 0_u128;
        for (scale, units) in self.units_by_scale.iter().enumerate() {
            let one = 10_u128.pow(scale as u32);
            whole += units / one;
            fraction += (units % one) * (ONE / one);
        }
        whole += fraction / ONE;
        // The whole part is printed apart: together both could exceed 128 bits.
        let text = Decimal::new(fraction % ONE, COST_SCALE_MAX).to_text();
        let fraction_text = text.strip_prefix('0').expect("a fraction below one starts with the digit 0");
        format!("{whole}{fraction_text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_over_scales_with_carry() {
        let mut total = CostTotal::default();
        assert_eq!(total.to_text(), "0");
        total.add(Decimal::new(99, 2));
        total.add(Decimal::new(1, 2));
        assert_eq!(total.to_text(), "1");
        total.add(Decimal::new(9_999_999_999_999_999_999_999_999_999, 28));
        assert_eq!(total.to_text(), "1.9999999999999999999999999999");
        total.add(Decimal::new(1, 28));
        assert_eq!(total.to_text(), "2");
    }

    #[test]
    fn holds_more_than_128_bits_at_scale_28() {
        let mut total = CostTotal::default();
        total.add(Decimal::new(123_456_789_012_345_678, 0));
        total.add(Decimal::new(1, 28));
        assert_eq!(total.to_text(), "123456789012345678.0000000000000000000000000001");
    }
}
