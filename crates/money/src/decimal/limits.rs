//! How many digits a column may have. The limits come from what Azure publishes (SEMANTICS 2.4): quantities with 8,
//! prices with about 16, costs with up to 28 fraction digits. More than the limit is refused, never cut (D-09).

/// The greatest numbers of digits accepted on input on either side of the decimal point.
///
/// Whatever is asked for, no more than 28 fraction digits and 48 integer digits are accepted: together they are the 76
/// digits a 255-bit mantissa holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fraction digits as written, trailing zeros included.
    pub fraction_digits_max: u8,
    /// Integer digits without leading zeros.
    pub integer_digits_max: u8,
}

impl Limits {
    /// Costs: 28 fraction digits, 24 integer digits.
    pub const COST: Limits = Limits { fraction_digits_max: 28, integer_digits_max: 24 };
    /// Sums of costs: 28 fraction digits, 40 integer digits.
    pub const TOTAL: Limits = Limits { fraction_digits_max: 28, integer_digits_max: 40 };
    /// Unit, effective and list prices: 18 fraction digits, 24 integer digits.
    pub const PRICE: Limits = Limits { fraction_digits_max: 18, integer_digits_max: 24 };
    /// Quantities: 18 fraction digits, 24 integer digits.
    pub const QUANTITY: Limits = Limits { fraction_digits_max: 18, integer_digits_max: 24 };
}
