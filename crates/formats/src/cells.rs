//! Reading single cells: dates, booleans and decimals as cost files write them.

use std::borrow::Cow;

use calendar::Date;
use ledger::{Field, FieldKind};
use money::{Decimal, Limits};

use crate::batch::Cell;

/// A decimal cell: its value, and whether printing the value restores the cell.
pub(crate) use money::Parsed as DecimalCell;

/// Why a cell was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CellFault {
    /// There is nothing in a cell that must hold something.
    Blank,
    /// What would be right instead.
    Expected(String),
}

/// Reads the cell of a field by the field's kind. This is the one place where cells of charges are checked.
pub(crate) fn read<'t>(field: Field, cell: &Cow<'t, str>) -> Result<Cell<'t>, CellFault> {
    let required = matches!(field, Field::Date | Field::Quantity | Field::Cost | Field::ChargeType);
    if cell.is_empty() || (field == Field::ChargeType && cell.trim().is_empty()) {
        // Blank prices are unknown and stay so; blank quantity, cost or date make a row meaningless (D-08), and without
        // its charge type nobody can tell who may see it (SEMANTICS 6.3).
        return if required { Err(CellFault::Blank) } else { Ok(Cell::Unknown) };
    }
    match (field.kind(), cell) {
        (FieldKind::Text, Cow::Borrowed(text)) => Ok(Cell::Text(Cow::Borrowed(text))),
        (FieldKind::Text, Cow::Owned(text)) => Ok(Cell::Text(Cow::Owned(text.clone()))),
        (FieldKind::Date, text) => date(text).map(Cell::Date).map_err(CellFault::Expected),
        (FieldKind::Boolean, text) => boolean(text).map(Cell::Boolean).map_err(CellFault::Expected),
        (FieldKind::Cost | FieldKind::Number, text) => decimal(field, text)
            .map(|parsed| Cell::Decimal { parsed, spelling: cell.clone() })
            .map_err(CellFault::Expected),
    }
}

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
