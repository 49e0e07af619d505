//! One line of a price sheet, from its texts.

use calendar::Term;
use ledger::billing::{PriceLine, PriceType, Tier};
use money::Decimal;

use crate::header::normalised;
use crate::native::error::Fault;
use crate::native::members::required;
use crate::native::values;

/// What a line prices and for how long: `priceType`, and `termMonths` or `term`.
pub(super) fn price_type(stated: Option<&str>, months: Option<Term>, term: Option<Term>) -> Result<PriceType, Fault> {
    let kind = stated.map_or_else(|| "consumption".to_owned(), normalised);
    let term = match (months, term) {
        (Some(months), Some(term)) if months != term => {
            return Err(Fault::plain("term", format!("termMonths says {months}; expected the same or one of both")));
        }
        (months, term) => months.or(term),
    };
    let needed = || required("termMonths", term);
    match kind.as_str() {
        "consumption" if term.is_some() => {
            Err(Fault::plain("termMonths", "a price of type Consumption has no term; expected no such member"))
        }
        "consumption" => Ok(PriceType::Consumption),
        "savingsplan" => Ok(PriceType::SavingsPlan(needed()?)),
        "reservedinstance" | "reservation" => Ok(PriceType::ReservedInstance(needed()?)),
        _ => {
            let expected = "expected Consumption, SavingsPlan or ReservedInstance";
            Err(Fault::of("priceType", stated.unwrap_or_default(), expected))
        }
    }
}

/// A term as price sheets write it: `P1Y`, `P3Y`, `P6M`.
pub(super) fn iso_term(text: &str) -> Result<Term, String> {
    let expected = || "expected a term such as P1Y or P3Y".to_owned();
    let upper = text.to_ascii_uppercase();
    let length = upper.strip_prefix('P').ok_or_else(expected)?;
    let (digits, factor) = match (length.strip_suffix('Y'), length.strip_suffix('M')) {
        (Some(years), _) => (years, 12),
        (_, Some(months)) => (months, 1),
        _ => return Err(expected()),
    };
    let months = digits.parse::<u16>().ok().and_then(|count| count.checked_mul(factor));
    months.and_then(|months| Term::new(months).ok()).ok_or_else(expected)
}

/// An included quantity: not negative.
pub(super) fn quantity(text: &str) -> Result<Decimal, String> {
    values::not_negative(values::decimal(text, values::QUANTITY_LIMITS)?)
}

/// A text of a line.
pub(super) fn name(text: &str) -> Result<String, String> {
    values::text(text, values::NAME_BYTES_MAX).map(str::to_owned)
}

/// A meter id.
pub(super) fn meter(text: &str) -> Result<String, String> {
    values::id(text).map(str::to_owned)
}

/// Puts tiers in order; one from 0 on says no more than the price does.
pub(super) fn set_tiers(line: &mut PriceLine, mut tiers: Vec<Tier>) {
    tiers.sort_by_key(|tier| tier.from);
    let only_price = matches!(tiers.as_slice(), [only] if only.from.is_zero() && only.price == line.unit_price);
    line.tiers = if only_price { Vec::new() } else { tiers };
}
