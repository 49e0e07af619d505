//! The charges of a billed period: compact rows that share the texts of their lines, places, prices and benefits.

use std::borrow::Cow;

use calendar::{BillingPeriod, Date};
use money::{Currency, Decimal};

use super::bill::{ChargeClass, FieldValue};
use super::info;
use crate::{Dataset, Field};

/// What a charge is, which decides several of its fields (the table of SEMANTICS 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Usage that no benefit covers, on demand.
    OnDemand,
    /// The same of spare capacity.
    Spot,
    /// Usage of a Marketplace meter.
    MarketplaceUsage,
    /// Usage that a benefit covers.
    Covered,
    /// A benefit's purchase or installment.
    BenefitPurchase,
    /// Money back for a benefit.
    BenefitRefund,
    /// What a benefit did not cover on a day.
    Unused,
    /// What is left of a benefit's price on the day of its return (D-20).
    Settlement,
    /// A purchase that is no benefit.
    Purchase,
    /// Money back for such a purchase.
    Refund,
    /// What cutting invoice lines leaves over.
    Rounding,
}

/// A charge. There are millions: what many share stands in the tables of [`Charges`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    pub(super) kind: Kind,
    pub(super) day: Date,
    /// Index into the lines.
    pub(super) line: u32,
    /// Index into the places.
    pub(super) place: u32,
    /// Index into the benefits.
    pub(super) benefit: Option<u32>,
    /// Index into the prices of single charges; usage that no benefit covers has those of its line.
    pub(super) own: Option<u32>,
    pub(super) quantity: Decimal,
    /// Cost in ActualCost; in AmortizedCost too, but for covered usage.
    pub(super) cost: Decimal,
}

/// What a charge has for itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnPrice {
    /// EffectivePrice; of covered usage the one in AmortizedCost.
    pub(super) effective: Decimal,
    /// Cost in AmortizedCost of covered usage.
    pub(super) amortized: Decimal,
    /// Reservation-hours for one unit of covered usage.
    pub(super) ratio: Decimal,
    /// Whether purchases come again.
    pub(super) recurs: bool,
}

/// What all charges of a line have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct LineFacts {
    pub(super) subscription_id: String,
    pub(super) resource_id: String,
    pub(super) resource_name: String,
    pub(super) resource_group: String,
    pub(super) location: String,
    pub(super) consumed_service: String,
    pub(super) meter_id: String,
    pub(super) meter_name: String,
    pub(super) meter_category: String,
    pub(super) meter_sub_category: String,
    pub(super) meter_region: String,
    pub(super) unit: String,
    pub(super) product_name: String,
    pub(super) part_number: String,
    pub(super) plan_name: String,
    pub(super) service_family: String,
    pub(super) service_info1: String,
    pub(super) service_info2: String,
    pub(super) offer_id: String,
    pub(super) publisher_name: String,
    pub(super) availability_zone: String,
    pub(super) tags: String,
    pub(super) additional_info: String,
    pub(super) is_marketplace: bool,
    pub(super) credit_eligible: bool,
    pub(super) unit_price: Option<Decimal>,
    pub(super) payg_price: Option<Decimal>,
    /// EffectivePrice of usage on demand.
    pub(super) effective_price: Option<Decimal>,
    /// `ProductOrderId` and `ProductOrderName` of purchases that are no benefit.
    pub(super) order_id: String,
    pub(super) order_name: String,
}

impl LineFacts {
    /// The class goes by these flags alone (SEMANTICS 4.2).
    pub(super) fn class(&self) -> ChargeClass {
        match (self.credit_eligible, self.is_marketplace) {
            (true, _) => ChargeClass::Eligible,
            (false, false) => ChargeClass::BilledSeparately,
            (false, true) => ChargeClass::Marketplace,
        }
    }
}

/// Whom a charge belongs to, on its day.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlaceFacts {
    pub(super) department_id: String,
    pub(super) department_name: String,
    pub(super) account_id: String,
    pub(super) account_name: String,
    pub(super) account_owner: String,
    pub(super) subscription_name: String,
    pub(super) cost_center: String,
}

/// What the charges of a benefit say about it.
#[derive(Debug, Clone)]
pub(super) struct BenefitFacts {
    pub(super) is_reservation: bool,
    pub(super) order_id: String,
    pub(super) order_name: String,
    /// Reservation or plan.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) term_months: u16,
}

impl BenefitFacts {
    /// The full path; purchases name the order only (SEMANTICS 3.1).
    pub(super) fn path(&self, of_order: bool) -> String {
        let id = if of_order { "" } else { self.id.as_str() };
        if self.is_reservation {
            format!("/providers/Microsoft.Capacity/reservationOrders/{}/reservations/{id}", self.order_id)
        } else {
            format!("/providers/Microsoft.BillingBenefits/savingsPlanOrders/{}/savingsPlans/{id}", self.order_id)
        }
    }
}

/// All charges of a period, in the order of the lake.
#[derive(Debug)]
pub(super) struct Charges {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) currency: Currency,
    pub(super) period: BillingPeriod,
    pub(super) lines: Vec<LineFacts>,
    pub(super) places: Vec<PlaceFacts>,
    pub(super) benefits: Vec<BenefitFacts>,
    pub(super) own: Vec<OwnPrice>,
    pub(super) rows: Vec<Charge>,
}

impl Kind {
    /// Whether a dataset has charges of this kind (SEMANTICS 3.1).
    const fn is_in(self, dataset: Dataset) -> bool {
        match self {
            Self::BenefitPurchase | Self::BenefitRefund => matches!(dataset, Dataset::ActualCost),
            Self::Unused | Self::Settlement => matches!(dataset, Dataset::AmortizedCost),
            _ => true,
        }
    }

    /// Whether the charge is for usage.
    pub(super) const fn is_usage(self) -> bool {
        matches!(self, Self::OnDemand | Self::Spot | Self::MarketplaceUsage | Self::Covered)
    }

    /// Whether the charge is of an order as a whole.
    const fn is_of_order(self) -> bool {
        matches!(self, Self::BenefitPurchase | Self::BenefitRefund)
    }
}

impl Charges {
    /// Puts the charges into the order of the lake: department, account, subscription, resource, meter, day; then by
    /// kind, line and benefit. The order of input decides nothing.
    pub(super) fn sort(&mut self) {
        let places = ranks(&self.places, |place| {
            let lower = |text: &str| text.to_ascii_lowercase();
            let account = (lower(&place.account_id), place.account_name.clone());
            (lower(&place.department_id), place.department_name.clone(), account)
        });
        let lines = ranks(&self.lines, |line| {
            [&line.subscription_id, &line.resource_id, &line.meter_id].map(|text| text.to_ascii_lowercase())
        });
        let key = |row: &Charge| {
            let (place, line) = (places[row.place as usize], lines[row.line as usize]);
            (place, line, row.day, row.kind, row.line, row.benefit, row.own)
        };
        self.rows.sort_by_key(key);
    }

    /// Positions of the charges of a dataset.
    pub(super) fn of(&self, dataset: Dataset) -> impl Iterator<Item = u32> {
        (0u32..).zip(&self.rows).filter(move |(_, charge)| charge.kind.is_in(dataset)).map(|(index, _)| index)
    }

    pub(super) fn cost(&self, index: u32, dataset: Dataset) -> Decimal {
        let charge = &self.rows[index as usize];
        match (charge.kind, charge.own) {
            (Kind::Covered, Some(own)) if dataset == Dataset::AmortizedCost => self.own[own as usize].amortized,
            _ => charge.cost,
        }
    }

    /// Whether two charges share what all their texts and switches are made of.
    pub(super) fn share_texts(&self, one: u32, other: u32) -> bool {
        let (one, other) = (&self.rows[one as usize], &self.rows[other as usize]);
        let shared = |charge: &Charge| (charge.kind, charge.line, charge.place, charge.benefit);
        let own = |charge: &Charge| self.own(charge).map(|own| (own.ratio, own.recurs));
        shared(one) == shared(other) && own(one) == own(other)
    }

    /// What a field of a charge holds in a dataset.
    pub(super) fn value(&self, index: u32, dataset: Dataset, field: Field) -> FieldValue<'_> {
        let charge = &self.rows[index as usize];
        let line = &self.lines[charge.line as usize];
        let place = &self.places[charge.place as usize];
        match field {
            Field::InvoiceSectionId => text(&place.department_id),
            Field::InvoiceSectionName => text(&place.department_name),
            Field::AccountId => text(&place.account_id),
            Field::AccountName => text(&place.account_name),
            Field::AccountOwnerId => text(&place.account_owner),
            Field::SubscriptionId => text(&line.subscription_id),
            Field::SubscriptionName => text(&place.subscription_name),
            Field::ResourceGroup => text(&line.resource_group),
            Field::ResourceId => text(&line.resource_id),
            Field::ResourceName => text(&line.resource_name),
            Field::ResourceLocation | Field::ResourceLocationNormalized => text(&line.location),
            Field::MeterId => text(&line.meter_id),
            Field::MeterCategory => text(&line.meter_category),
            Field::MeterSubCategory => text(&line.meter_sub_category),
            Field::MeterName => text(&line.meter_name),
            Field::MeterRegion => text(&line.meter_region),
            Field::UnitOfMeasure => text(&line.unit),
            Field::ProductName => text(&line.product_name),
            Field::PartNumber => text(&line.part_number),
            Field::PlanName => text(&line.plan_name),
            Field::ServiceFamily => text(&line.service_family),
            Field::ConsumedService => text(&line.consumed_service),
            Field::ServiceInfo1 => text(&line.service_info1),
            Field::ServiceInfo2 => text(&line.service_info2),
            Field::OfferId => text(&line.offer_id),
            Field::PublisherType => text(if line.is_marketplace { "Marketplace" } else { "Azure" }),
            Field::PublisherName => text(&line.publisher_name),
            Field::CostCenter => text(&place.cost_center),
            Field::ChargeType => text(self.charge_type(charge)),
            Field::Frequency => text(self.frequency(charge)),
            Field::PricingModel => text(self.pricing_model(charge, line)),
            Field::ReservationId
            | Field::ReservationName
            | Field::ProductOrderId
            | Field::ProductOrderName
            | Field::Term
            | Field::BenefitId
            | Field::BenefitName => self.order_value(charge, line, field),
            Field::AvailabilityZone => text(&line.availability_zone),
            Field::ResourceType | Field::CostAllocationRuleName => FieldValue::Unknown,
            Field::Tags => text(&line.tags),
            Field::AdditionalInfo => self.additional_info(charge, line),
            Field::BillingAccountId | Field::BillingProfileId => text(&self.number),
            Field::BillingAccountName | Field::BillingProfileName => text(&self.name),
            Field::BillingCurrencyCode => text(self.currency.as_str()),
            Field::BillingPeriodStartDate => FieldValue::Date(self.period.first_day()),
            Field::BillingPeriodEndDate => FieldValue::Date(self.period.last_day()),
            Field::Date => FieldValue::Date(charge.day),
            Field::IsAzureCreditEligible => FieldValue::Boolean(line.credit_eligible),
            Field::Quantity => FieldValue::Number(charge.quantity),
            Field::EffectivePrice => number(self.effective_price(charge, line, dataset)),
            Field::UnitPrice => number(self.unit_price(charge, line)),
            Field::PayGPrice => number(self.payg_price(charge, line)),
            Field::Cost => FieldValue::Number(self.cost(index, dataset)),
        }
    }

    fn own(&self, charge: &Charge) -> Option<&OwnPrice> {
        charge.own.map(|own| &self.own[own as usize])
    }

    fn benefit(&self, charge: &Charge) -> Option<&BenefitFacts> {
        charge.benefit.map(|benefit| &self.benefits[benefit as usize])
    }

    fn is_reservation(&self, charge: &Charge) -> bool {
        self.benefit(charge).is_some_and(|benefit| benefit.is_reservation)
    }

    fn charge_type(&self, charge: &Charge) -> &'static str {
        match charge.kind {
            Kind::OnDemand | Kind::Spot | Kind::MarketplaceUsage | Kind::Covered => "Usage",
            Kind::BenefitPurchase | Kind::Purchase => "Purchase",
            Kind::BenefitRefund | Kind::Refund => "Refund",
            Kind::Unused | Kind::Settlement if self.is_reservation(charge) => "UnusedReservation",
            Kind::Unused | Kind::Settlement => "UnusedSavingsPlan",
            Kind::Rounding => "RoundingAdjustment",
        }
    }

    fn frequency(&self, charge: &Charge) -> &'static str {
        match charge.kind {
            Kind::OnDemand | Kind::Spot | Kind::MarketplaceUsage | Kind::Covered => "UsageBased",
            Kind::Unused | Kind::Settlement => "UsageBased",
            Kind::BenefitPurchase | Kind::Purchase if self.own(charge).is_some_and(|own| own.recurs) => "Recurring",
            _ => "OneTime",
        }
    }

    fn pricing_model(&self, charge: &Charge, line: &LineFacts) -> &'static str {
        match charge.kind {
            Kind::OnDemand => "OnDemand",
            Kind::Spot => "Spot",
            Kind::MarketplaceUsage => "Marketplace",
            Kind::Purchase | Kind::Refund if line.is_marketplace => "Marketplace",
            Kind::Purchase | Kind::Refund => "OnDemand",
            Kind::Rounding => "",
            _ if self.is_reservation(charge) => "Reservation",
            _ => "SavingsPlan",
        }
    }

    fn order_value<'a>(&'a self, charge: &Charge, line: &'a LineFacts, field: Field) -> FieldValue<'a> {
        let Some(benefit) = self.benefit(charge) else {
            return match field {
                Field::ProductOrderId => text(&line.order_id),
                Field::ProductOrderName => text(&line.order_name),
                _ => FieldValue::Unknown,
            };
        };
        let of_order = charge.kind.is_of_order();
        match field {
            Field::ReservationId | Field::ReservationName if !benefit.is_reservation => FieldValue::Unknown,
            Field::ReservationId if of_order => text(&benefit.order_id),
            Field::ReservationId => text(&benefit.id),
            Field::ReservationName | Field::BenefitName => text(&benefit.name),
            Field::ProductOrderId => text(&benefit.order_id),
            Field::ProductOrderName => text(&benefit.order_name),
            Field::Term => FieldValue::Text(benefit.term_months.to_string().into()),
            _ => FieldValue::Text(benefit.path(of_order).into()),
        }
    }

    /// Usage that a reservation covers names it (SEMANTICS 3.1).
    fn additional_info<'a>(&'a self, charge: &Charge, line: &'a LineFacts) -> FieldValue<'a> {
        match (charge.kind, self.benefit(charge), self.own(charge)) {
            (Kind::Covered, Some(benefit), Some(own)) if benefit.is_reservation => {
                FieldValue::Text(info::covered(&line.additional_info, benefit, &line.meter_id, own.ratio).into())
            }
            _ => text(&line.additional_info),
        }
    }

    fn effective_price(&self, charge: &Charge, line: &LineFacts, dataset: Dataset) -> Option<Decimal> {
        match charge.kind {
            Kind::Covered if dataset == Dataset::ActualCost => Some(Decimal::ZERO),
            Kind::OnDemand | Kind::Spot | Kind::MarketplaceUsage => line.effective_price,
            Kind::Settlement => Some(Decimal::ZERO),
            Kind::Rounding => Some(charge.cost),
            _ => self.own(charge).map(|own| own.effective),
        }
    }

    fn unit_price(&self, charge: &Charge, line: &LineFacts) -> Option<Decimal> {
        match charge.kind {
            Kind::OnDemand | Kind::Spot | Kind::MarketplaceUsage | Kind::Covered => line.unit_price,
            Kind::Unused | Kind::Settlement => Some(Decimal::ZERO),
            Kind::Rounding => Some(charge.cost),
            _ => self.own(charge).map(|own| own.effective),
        }
    }

    /// D-04: of usage on demand, spot and under a savings plan.
    fn payg_price(&self, charge: &Charge, line: &LineFacts) -> Option<Decimal> {
        let filled = match charge.kind {
            Kind::OnDemand | Kind::Spot => true,
            Kind::Covered => !self.is_reservation(charge),
            _ => false,
        };
        Some(line.payg_price.filter(|_| filled).unwrap_or(Decimal::ZERO))
    }
}

/// The rank of each entry of a table; equal keys have equal ranks.
fn ranks<T, K: Ord>(table: &[T], key: impl Fn(&T) -> K) -> Vec<u32> {
    let mut order: Vec<(K, usize)> = table.iter().map(&key).zip(0..).collect();
    order.sort();
    let mut ranks = vec![0; table.len()];
    let mut rank = 0;
    for (position, (own, index)) in order.iter().enumerate() {
        rank += u32::from(position > 0 && order[position - 1].0 != *own);
        ranks[*index] = rank;
    }
    ranks
}

fn text(text: &str) -> FieldValue<'_> {
    if text.is_empty() { FieldValue::Unknown } else { FieldValue::Text(Cow::Borrowed(text)) }
}

fn number(number: Option<Decimal>) -> FieldValue<'static> {
    number.map_or(FieldValue::Unknown, FieldValue::Number)
}
