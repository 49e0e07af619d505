//! Reading single cells: dates, booleans and decimals as cost files write them.

use calendar::Date;
use ledger::{Field, FieldKind};
use money::{Decimal, Limits};

/// A decimal cell: its value, and whether printing the value restores the cell.
pub(crate) use money::Parsed as DecimalCell;

pub(crate) fn limits(field: Field) -> Limits {
    match field.kind() {
        FieldKind::Cost => Limits::COST,
        _ if matches!(field, Field::Quantity) => Limits::QUANTITY,
        _ => Limits::PRICE,
    }
}

/// Reads a decimal cell. The error says what would be right.
pub(crate) fn decimal(field: Field, cell: &str) -> Result<DecimalCell, String> {
    Decimal::parse(cell.as_bytes(), limits(field)).map_err(|error| {
        let limits = limits(field);
        format!("{error}; expected a plain decimal number with at most {} fraction digits", limits.fraction_digits_max)
    })
}

/// Reads a date cell.
pub(crate) fn date(cell: &str) -> Result<Date, String> {
    Date::parse_any(cell.as_bytes())
        .map_err(|error| format!("{error}; expected a date such as 09/21/2023 or 2023-09-21"))
}

/// Reads a boolean cell.
pub(crate) fn boolean(cell: &str) -> Result<bool, String> {
    if cell.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if cell.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err("expected True or False".to_owned())
    }
}
