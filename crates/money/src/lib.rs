//! Exact money: decimals, their rounding, their allocation, their sums.
//!
//! Everything an amount, a price or a quantity goes through lives here: reading it from the digits of a source, giving
//! the same digits back, exact arithmetic, the few roundings the product knows and the two ways a whole is shared out
//! into parts. The rules are those of SEMANTICS 2.4 (precision) and 2.5 (where rounding may happen).
//!
//! The crate promises that no operation loses a digit silently: a result is exact, or it is rounded by a function that
//! says so in its name, or it is an error. It holds no binary floating point, does no input or output and refuses what
//! does not fit (28 fraction digits, 255 bits and a sign) instead of wrapping or approximating.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod cumulative;
mod currency;
mod decimal;
mod division;
mod error;
mod power;
mod rounding;
mod split;
#[cfg(test)]
mod testing;
mod total;

pub use crate::cumulative::{Cumulative, cumulative, installments};
pub use crate::currency::Currency;
pub use crate::decimal::{Decimal, Limits, Parsed, SCALE_MAX, TEXT_LENGTH_MAX, divided_exactly, write_scaled};
pub use crate::error::{DecimalSyntaxError, MoneyError};
pub use crate::rounding::{Ratio, half_even, half_even_product, half_even_quotient, half_even_ratio, truncate};
pub use crate::split::{ResidualTo, split};
pub use crate::total::Total;
