//! Price sheets (SEMANTICS 2.2 and 2.3): the prices of an enrollment in a billing period.

use std::collections::BTreeMap;

use calendar::Term;
use money::{Currency, Decimal};

use super::unit::UnitOfMeasure;
use crate::selection::comparable;

/// What a line of a price sheet prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PriceType {
    /// Usage on demand, per block.
    Consumption,
    /// Usage under a savings plan of this term, per block.
    SavingsPlan(Term),
    /// One unit of a reservation for the whole of this term.
    ReservedInstance(Term),
}

/// A price from a quantity on (SEMANTICS 2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// First quantity of the tier in blocks of the line's unit, counted from zero in the period.
    pub from: Decimal,
    /// Price per block.
    pub price: Decimal,
}

/// A line of a price sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceLine {
    /// The meter.
    pub meter_id: String,
    /// The part number; blank where the sheet has none.
    pub part_number: String,
    /// The offer; blank where the sheet has none.
    pub offer_id: String,
    /// What is priced.
    pub price_type: PriceType,
    /// The unit that the prices are for.
    pub unit: UnitOfMeasure,
    /// Negotiated price per block in the enrollment's currency; of the first tier where there are tiers.
    pub unit_price: Decimal,
    /// Public list price per block; `None` where the sheet has none.
    pub market_price: Option<Decimal>,
    /// Quantity in blocks that costs nothing in a period.
    pub included: Decimal,
    /// Tiers from zero on, in order; empty: one price for every quantity.
    pub tiers: Vec<Tier>,
    /// Meter name.
    pub meter_name: Option<String>,
    /// Meter category.
    pub meter_category: Option<String>,
    /// Meter subcategory.
    pub meter_sub_category: Option<String>,
    /// Location that the price is for.
    pub meter_region: Option<String>,
    /// Product name.
    pub product_name: Option<String>,
    /// Service family.
    pub service_family: Option<String>,
    /// Whether the publisher is another one than the operator: usage has PricingModel and PublisherType `Marketplace`.
    pub is_marketplace: bool,
    /// The publisher's name.
    pub publisher_name: Option<String>,
    /// Plan name.
    pub plan_name: Option<String>,
    /// Whether charges at this price may use the prepayment (`IsAzureCreditEligible`).
    pub credit_eligible: bool,
}

impl PriceLine {
    /// Whether all usage of the period shares one blended price (SEMANTICS 2.3).
    pub fn is_blended(&self) -> bool {
        !self.tiers.is_empty() || !self.included.is_zero()
    }
}

/// The prices of one billing period.
#[derive(Debug, Clone)]
pub struct PriceSheet {
    lines: Vec<PriceLine>,
    /// Consumption lines by comparable meter id.
    consumption: BTreeMap<String, Vec<usize>>,
    /// Lines of benefits by comparable meter id, price type and comparable part number.
    benefits: BTreeMap<(String, PriceType), Vec<usize>>,
    currency: Currency,
}

/// Why a price sheet is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceSheetError {
    /// Two lines with one key.
    #[error(
        "lines {first} and {second} both price meter {meter}, part number {part:?}, offer {offer:?} as {price_type}"
    )]
    Twice {
        /// Index of the first, from 1.
        first: usize,
        /// Index of the second, from 1.
        second: usize,
        /// The meter.
        meter: String,
        /// The part number.
        part: String,
        /// The offer.
        offer: String,
        /// The price type, as in price sheets.
        price_type: &'static str,
    },
    /// A price, an included quantity or a tier that cannot be.
    #[error("line {line}, meter {meter}: {reason}")]
    Line {
        /// Index of the line, from 1.
        line: usize,
        /// The meter.
        meter: String,
        /// What is wrong and what would be right.
        reason: &'static str,
    },
}

/// Why usage finds no price (D-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Unpriced {
    /// The sheet has no line for the meter.
    NoLine,
    /// Several lines fit.
    Ambiguous,
}

impl PriceType {
    /// As price sheets name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consumption => "Consumption",
            Self::SavingsPlan(_) => "SavingsPlan",
            Self::ReservedInstance(_) => "ReservedInstance",
        }
    }
}

impl PriceSheet {
    /// Puts lines together.
    ///
    /// # Errors
    /// [`PriceSheetError`] for negative prices, tiers that do not go up from zero, and keys that are there twice.
    pub fn new(currency: Currency, lines: Vec<PriceLine>) -> Result<Self, PriceSheetError> {
        let mut sheet = Self { lines, consumption: BTreeMap::new(), benefits: BTreeMap::new(), currency };
        let mut keys: BTreeMap<(String, String, String, PriceType), usize> = BTreeMap::new();
        for (index, line) in sheet.lines.iter().enumerate() {
            let meter = comparable(&line.meter_id);
            if let Some(reason) = fault(line) {
                return Err(PriceSheetError::Line { line: index + 1, meter: line.meter_id.clone(), reason });
            }
            let key = (meter.clone(), comparable(&line.part_number), comparable(&line.offer_id), line.price_type);
            if let Some(first) = keys.insert(key, index) {
                return Err(PriceSheetError::Twice {
                    first: first + 1,
                    second: index + 1,
                    meter: line.meter_id.clone(),
                    part: line.part_number.clone(),
                    offer: line.offer_id.clone(),
                    price_type: line.price_type.name(),
                });
            }
            match line.price_type {
                PriceType::Consumption => sheet.consumption.entry(meter).or_default().push(index),
                other => sheet.benefits.entry((meter, other)).or_default().push(index),
            }
        }
        Ok(sheet)
    }

    /// A sheet without prices.
    pub(super) fn empty(currency: Currency) -> Self {
        Self { lines: Vec::new(), consumption: BTreeMap::new(), benefits: BTreeMap::new(), currency }
    }

    /// The currency of all prices.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// All lines, as given.
    pub fn lines(&self) -> &[PriceLine] {
        &self.lines
    }

    /// The line of a price index.
    pub(super) fn line(&self, index: usize) -> &PriceLine {
        &self.lines[index]
    }

    /// The line that prices usage of a meter: the only one, or the one that the usage names by part number and offer.
    pub(super) fn consumption(&self, meter: &str, part: Option<&str>, offer: Option<&str>) -> Result<usize, Unpriced> {
        let lines = self.consumption.get(&comparable(meter)).ok_or(Unpriced::NoLine)?;
        self.only(lines, part, offer)
    }

    /// A line that prices usage of a meter, to name it: the first.
    pub(super) fn any_consumption(&self, meter: &str) -> Option<&PriceLine> {
        let lines = self.consumption.get(&comparable(meter))?;
        lines.first().map(|index| &self.lines[*index])
    }

    /// The line that prices a benefit's use of a meter.
    pub(super) fn benefit(&self, meter: &str, price_type: PriceType, like: &PriceLine) -> Option<usize> {
        let lines = self.benefits.get(&(comparable(meter), price_type))?;
        // The rate may have a part number of its own: the usage's first, else the only one.
        let (part, offer) = (Some(like.part_number.as_str()), Some(like.offer_id.as_str()));
        self.only(lines, part, offer).or_else(|_| self.only(lines, None, None)).ok()
    }

    /// The price of one unit of a reservation for its whole term, by meter and part number.
    pub(super) fn reservation(&self, meter: &str, term: Term, part: Option<&str>) -> Option<usize> {
        let lines = self.benefits.get(&(comparable(meter), PriceType::ReservedInstance(term)))?;
        self.only(lines, part, None).ok()
    }

    fn only(&self, lines: &[usize], part: Option<&str>, offer: Option<&str>) -> Result<usize, Unpriced> {
        let fits = |own: &str, named: Option<&str>| named.is_none_or(|named| comparable(own) == comparable(named));
        let mut fitting = lines.iter().copied().filter(|index| {
            let line = &self.lines[*index];
            fits(&line.part_number, part) && fits(&line.offer_id, offer)
        });
        let first = fitting.next().ok_or(Unpriced::NoLine)?;
        if fitting.next().is_some() { Err(Unpriced::Ambiguous) } else { Ok(first) }
    }
}

fn fault(line: &PriceLine) -> Option<&'static str> {
    if line.meter_id.trim().is_empty() {
        return Some("the meter id is blank");
    }
    if line.unit_price.is_negative() || line.market_price.is_some_and(|price| price.is_negative()) {
        return Some("a price is negative");
    }
    if line.included.is_negative() {
        return Some("the included quantity is negative");
    }
    if line.tiers.is_empty() {
        return None;
    }
    if line.price_type != PriceType::Consumption {
        return Some("only prices of type Consumption have tiers");
    }
    if !line.tiers[0].from.is_zero() {
        return Some("the first tier does not begin at 0");
    }
    if line.tiers.windows(2).any(|pair| pair[1].from <= pair[0].from) {
        return Some("the tiers are not in ascending order");
    }
    if line.tiers.iter().any(|tier| tier.price.is_negative()) {
        return Some("a tier's price is negative");
    }
    (line.tiers[0].price != line.unit_price).then_some("the unit price is not the price of the first tier")
}
