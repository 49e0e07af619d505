//! Prices of usage lines, and the blended price of meters with tiers or included quantity (SEMANTICS 2.1 to 2.3).

use money::{Decimal, MoneyError, ResidualTo, half_even_product, half_even_quotient, split};

use super::benefit::ALLOCATION_DIGITS;
use super::bill::HeldBackReason;
use super::charge::{Kind, LineFacts};
use super::info;
use super::price::{PriceLine, PriceSheet, Unpriced};
use super::unit::{UnitOfMeasure, trimmed};
use super::usage::{UsageLine, UsagePricing};
use crate::SubscriptionId;
use crate::ids::segment_after;
use crate::selection::comparable;

/// Most fraction digits of a native cost (SEMANTICS 2.4).
const COST_DIGITS: u8 = 28;
/// The cost of one charge stays below 10^18: what is more is a mistake in the input, and readers of the lake take 24
/// integer digits.
const COST_MAX: u64 = 1_000_000_000_000_000_000;

/// A line of usage with its price.
#[derive(Debug)]
pub(super) struct RatedLine {
    pub(super) subscription: SubscriptionId,
    /// Comparable meter id.
    pub(super) meter: String,
    pub(super) resource_group: String,
    /// Index into the price sheet.
    pub(super) price: usize,
    /// Unit of its quantities.
    pub(super) unit: UnitOfMeasure,
    /// Whether quantities are in base units and have to be divided by the block.
    is_base: bool,
    /// How usage that no benefit covers is charged.
    pub(super) kind: Kind,
    pub(super) unit_price: Decimal,
    /// Whether a benefit may cover it (D-42).
    pub(super) coverable: bool,
}

impl RatedLine {
    /// Finds the price of a line.
    pub(super) fn of(line: &UsageLine, sheet: &PriceSheet) -> Result<Result<Self, HeldBackReason>, MoneyError> {
        let Ok(subscription) = SubscriptionId::parse(&line.subscription_id) else {
            return Ok(Err(HeldBackReason::NoOwner));
        };
        let price = match sheet.consumption(&line.meter_id, line.part_number.as_deref(), line.offer_id.as_deref()) {
            Ok(price) => price,
            Err(Unpriced::NoLine) => return Ok(Err(HeldBackReason::NoPrice)),
            Err(Unpriced::Ambiguous) => return Ok(Err(HeldBackReason::AmbiguousPrice)),
        };
        let priced = sheet.line(price);
        let unit = match &line.unit {
            None => priced.unit.clone(),
            Some(unit) => match UnitOfMeasure::parse(unit) {
                Ok(unit) if unit.same_dimension(&priced.unit) => unit,
                _ => return Ok(Err(HeldBackReason::Unit)),
            },
        };
        let kind = match (priced.is_marketplace, line.pricing) {
            (true, _) => Kind::MarketplaceUsage,
            (false, UsagePricing::Spot) => Kind::Spot,
            (false, UsagePricing::OnDemand) => Kind::OnDemand,
        };
        Ok(Ok(Self {
            subscription,
            meter: comparable(&line.meter_id),
            resource_group: group_of(line).to_owned(),
            price,
            unit_price: priced.unit.rescale(priced.unit_price, &unit)?,
            is_base: line.unit.is_none(),
            unit,
            kind,
            coverable: kind == Kind::OnDemand && line.late.is_none(),
        }))
    }

    /// A quantity of the line in blocks of its unit.
    pub(super) fn in_blocks(&self, quantity: Decimal) -> Result<Decimal, MoneyError> {
        if self.is_base && self.unit.block() != Decimal::from(1) { self.unit.in_blocks(quantity) } else { Ok(quantity) }
    }

    /// A price of a line of the sheet per block of this line's unit.
    pub(super) fn rescaled(&self, priced: &PriceLine, price: Decimal) -> Result<Decimal, MoneyError> {
        priced.unit.rescale(price, &self.unit)
    }

    /// What the rows of the line say.
    pub(super) fn facts(&self, line: &UsageLine, sheet: &PriceSheet) -> Result<LineFacts, MoneyError> {
        let priced = sheet.line(self.price);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let payg = priced.market_price.map(|price| priced.unit.rescale(price, &self.unit)).transpose()?;
        let own_info = text(&line.additional_info);
        Ok(LineFacts {
            subscription_id: line.subscription_id.clone(),
            resource_id: line.resource_id.clone(),
            resource_name: line.resource_id.rsplit('/').next().unwrap_or_default().to_owned(),
            resource_group: self.resource_group.clone(),
            location: text(&line.location),
            consumed_service: line
                .consumed_service
                .clone()
                .unwrap_or_else(|| segment_after(&line.resource_id, "providers").to_owned()),
            meter_id: line.meter_id.clone(),
            meter_name: text(&priced.meter_name),
            meter_category: text(&priced.meter_category),
            meter_sub_category: text(&priced.meter_sub_category),
            meter_region: text(&priced.meter_region),
            unit: self.unit.as_str().to_owned(),
            product_name: text(&priced.product_name),
            part_number: priced.part_number.clone(),
            plan_name: text(&priced.plan_name),
            service_family: text(&priced.service_family),
            service_info1: text(&line.service_info1),
            service_info2: text(&line.service_info2),
            offer_id: line.offer_id.clone().unwrap_or_else(|| priced.offer_id.clone()),
            publisher_name: text(&priced.publisher_name),
            availability_zone: text(&line.availability_zone),
            tags: text(&line.tags),
            additional_info: match line.late {
                Some((day, hour)) => info::late(&own_info, day, hour),
                None => own_info,
            },
            is_marketplace: priced.is_marketplace,
            credit_eligible: priced.credit_eligible,
            unit_price: Some(self.unit_price),
            payg_price: payg,
            effective_price: Some(self.unit_price),
            order_id: String::new(),
            order_name: String::new(),
        })
    }

    /// The cost of a quantity at one price: exact, and half-even to 28 digits where the product has more.
    pub(super) fn cost(&self, quantity: Decimal) -> Result<Decimal, MoneyError> {
        let cost = half_even_product(quantity, self.unit_price, COST_DIGITS)?;
        if cost.abs() >= Decimal::from(COST_MAX) { Err(MoneyError::Overflow) } else { Ok(cost) }
    }
}

/// The resource group that usage names, else the one in its resource id.
fn group_of(line: &UsageLine) -> &str {
    line.resource_group.as_deref().unwrap_or_else(|| segment_after(&line.resource_id, "resourceGroups"))
}

/// What all usage of a meter costs in a period, and each row of it.
#[derive(Debug)]
pub(super) struct Blend {
    /// Costs in the order of the quantities.
    pub(super) costs: Vec<Decimal>,
    /// Total and quantity in blocks of the sheet, for EffectivePrice; `None`: every row has the first price.
    shared: Option<(Decimal, Decimal)>,
}

impl Blend {
    /// Blends the price of a line with tiers or included quantity over quantities, which are in blocks of the line's unit
    /// and in the order of (Date, SubscriptionId, ResourceId, MeterId).
    ///
    /// Where corrections outweigh usage, so that the sum is not above zero, every row has the price of the first tier.
    pub(super) fn of(priced: &PriceLine, quantities: &[Decimal]) -> Result<Self, MoneyError> {
        let mut sum = Decimal::ZERO;
        for quantity in quantities {
            sum = sum.checked_add(*quantity)?;
        }
        if sum <= Decimal::ZERO {
            let costs = quantities.iter().map(|quantity| half_even_product(*quantity, priced.unit_price, COST_DIGITS));
            return Ok(Self { costs: costs.collect::<Result<_, _>>()?, shared: None });
        }
        let total = trimmed(total(priced, sum)?);
        let costs = split(total, quantities, ALLOCATION_DIGITS, ResidualTo::GreatestWeight)?;
        Ok(Self { costs, shared: Some((total, sum)) })
    }

    /// EffectivePrice per block of a row's unit: `he(Total / Q, 12)`.
    pub(super) fn effective_price(&self, priced: &PriceLine, row: &RatedLine) -> Result<Decimal, MoneyError> {
        let Some((total, quantity)) = self.shared else { return Ok(row.unit_price) };
        let total = total.checked_mul(row.unit.block())?;
        half_even_quotient(total, quantity.checked_mul(priced.unit.block())?, ALLOCATION_DIGITS).map(trimmed)
    }
}

/// `Σ max(0, min(Q, t_{i+1}) − max(t_i, inc)) × p_i` (SEMANTICS 2.3, D-06), half-even to 28 digits where it has more.
fn total(priced: &PriceLine, quantity: Decimal) -> Result<Decimal, MoneyError> {
    let one = [super::price::Tier { from: Decimal::ZERO, price: priced.unit_price }];
    let tiers = if priced.tiers.is_empty() { &one[..] } else { &priced.tiers[..] };
    let mut total = Decimal::ZERO;
    for (index, tier) in tiers.iter().enumerate() {
        let end = tiers.get(index + 1).map_or(quantity, |next| next.from.min(quantity));
        let part = end.checked_sub(tier.from.max(priced.included))?;
        if part > Decimal::ZERO {
            total = total.checked_add(half_even_product(part, tier.price, COST_DIGITS)?)?;
        }
    }
    Ok(total)
}
