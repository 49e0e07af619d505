//! The cells of a row that identities look at.

use calendar::Date;
use money::{Decimal, Limits};

use super::digest::RowDigest;
use crate::{ChargeType, PricingModel, PublisherType};

/// A row of either dataset, with the cells that identities are about. Texts are as stored; blank stands for unknown.
#[derive(Debug, Clone, Copy)]
pub struct CheckedRow<'a> {
    /// Day of the usage or purchase.
    pub date: Date,
    /// What is charged for; a row that names no charge type is usage.
    pub charge_type: ChargeType,
    /// Whether a benefit is involved.
    pub pricing: PricingModel,
    /// Whether the pricing model is `Spot`.
    pub is_spot: bool,
    /// Who sells.
    pub publisher: PublisherType,
    /// Whether the prepayment may pay it; `None` where the row does not say.
    pub credit_eligible: Option<bool>,
    /// Subscription id.
    pub subscription: &'a str,
    /// Resource id.
    pub resource: &'a str,
    /// Meter id.
    pub meter: &'a str,
    /// Part number.
    pub part_number: &'a str,
    /// `ProductOrderId`, which links purchases to usage.
    pub order: &'a str,
    /// `ReservationId`; of savings plans, which have none, the last part of `benefitId`.
    pub benefit: &'a str,
    /// Whether the frequency is `Recurring`.
    pub recurs: bool,
    /// `Term`, in months.
    pub term_months: Option<u16>,
    /// Quantity in blocks of the row's unit.
    pub quantity: Decimal,
    /// EffectivePrice per block; `None` where it is blank.
    pub effective_price: Option<Decimal>,
    /// Cost in the enrollment's currency.
    pub cost: Decimal,
    /// Reservation-hours for one block of usage that a reservation covers: `RINormalizationRatio` of AdditionalInfo.
    pub ratio: Option<Decimal>,
    /// Digest of all its cells.
    pub digest: RowDigest,
    /// The scopes below the enrollment in which it is shown.
    pub scopes: ScopesOfRow,
}

/// In how many scopes a row is shown, and in how many it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScopesOfRow {
    /// Departments whose scope shows it.
    pub departments: u32,
    /// Accounts whose scope shows it.
    pub accounts: u32,
    /// Whether its cells name a department, by id or name.
    pub names_department: bool,
    /// Whether its cells name an account, by id, owner or name.
    pub names_account: bool,
}

/// What a row is, in the words of the table of SEMANTICS 3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// First-party usage on demand.
    OnDemand,
    /// Usage of spare capacity.
    Spot,
    /// Usage that a reservation covers.
    CoveredByReservation,
    /// Usage that a savings plan covers.
    CoveredBySavingsPlan,
    /// Usage of another publisher.
    Marketplace,
    /// A benefit's purchase or installment.
    BenefitPurchase,
    /// Money back for a benefit.
    BenefitRefund,
    /// Another purchase.
    OtherPurchase,
    /// Money back for another purchase.
    OtherRefund,
    /// What is left of a reservation on a day.
    UnusedReservation,
    /// What is left of a savings plan on a day.
    UnusedSavingsPlan,
    /// What is left of a benefit's price on the day of its return (D-20).
    Settlement,
    /// What cutting invoice lines leaves over.
    Rounding,
    /// Anything else, such as tax.
    Other,
}

impl RowKind {
    /// All kinds, in the order in which they are told.
    pub const ALL: [Self; 14] = [
        Self::OnDemand,
        Self::Spot,
        Self::CoveredByReservation,
        Self::CoveredBySavingsPlan,
        Self::Marketplace,
        Self::BenefitPurchase,
        Self::BenefitRefund,
        Self::OtherPurchase,
        Self::OtherRefund,
        Self::UnusedReservation,
        Self::UnusedSavingsPlan,
        Self::Settlement,
        Self::Rounding,
        Self::Other,
    ];

    /// A few words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OnDemand => "usage on demand",
            Self::Spot => "usage, spot",
            Self::CoveredByReservation => "usage covered by reservations",
            Self::CoveredBySavingsPlan => "usage covered by savings plans",
            Self::Marketplace => "usage, Marketplace",
            Self::BenefitPurchase => "purchases of benefits",
            Self::BenefitRefund => "refunds of benefits",
            Self::OtherPurchase => "other purchases",
            Self::OtherRefund => "other refunds",
            Self::UnusedReservation => "unused reservations",
            Self::UnusedSavingsPlan => "unused savings plans",
            Self::Settlement => "settlement of returns",
            Self::Rounding => "rounding adjustments",
            Self::Other => "anything else",
        }
    }

    /// Whether it is usage that a benefit covers.
    pub const fn is_covered(self) -> bool {
        matches!(self, Self::CoveredByReservation | Self::CoveredBySavingsPlan)
    }

    /// Whether it is what a benefit leaves over: unused or settlement.
    pub const fn is_unused(self) -> bool {
        matches!(self, Self::UnusedReservation | Self::UnusedSavingsPlan | Self::Settlement)
    }

    /// Whether it is a benefit's purchase or refund.
    pub const fn is_benefit_transaction(self) -> bool {
        matches!(self, Self::BenefitPurchase | Self::BenefitRefund)
    }

    /// Whether it is usage.
    pub const fn is_usage(self) -> bool {
        matches!(self, Self::OnDemand | Self::Spot | Self::Marketplace) || self.is_covered()
    }
}

impl CheckedRow<'_> {
    /// What the row is.
    pub fn kind(&self) -> RowKind {
        let of_benefit = self.pricing.is_benefit();
        match self.charge_type {
            ChargeType::Usage if self.pricing == PricingModel::Reservation => RowKind::CoveredByReservation,
            ChargeType::Usage if self.pricing == PricingModel::SavingsPlan => RowKind::CoveredBySavingsPlan,
            ChargeType::Usage if self.publisher == PublisherType::Marketplace => RowKind::Marketplace,
            ChargeType::Usage if self.is_spot => RowKind::Spot,
            ChargeType::Usage => RowKind::OnDemand,
            ChargeType::Purchase if of_benefit => RowKind::BenefitPurchase,
            ChargeType::Purchase => RowKind::OtherPurchase,
            ChargeType::Refund if of_benefit => RowKind::BenefitRefund,
            ChargeType::Refund => RowKind::OtherRefund,
            ChargeType::UnusedReservation | ChargeType::UnusedSavingsPlan if self.is_settlement() => {
                RowKind::Settlement
            }
            ChargeType::UnusedReservation => RowKind::UnusedReservation,
            ChargeType::UnusedSavingsPlan => RowKind::UnusedSavingsPlan,
            ChargeType::RoundingAdjustment => RowKind::Rounding,
            ChargeType::Other => RowKind::Other,
        }
    }

    /// An unused row of no hours at no price, but with a cost (D-20).
    fn is_settlement(&self) -> bool {
        self.quantity.is_zero() && self.effective_price.is_some_and(|price| price.is_zero()) && !self.cost.is_zero()
    }

    /// The row in a few words, for whom looks for it.
    pub(super) fn describe(&self) -> String {
        let mut words = self.kind().words().to_owned();
        let named = [
            ("subscription", self.subscription),
            ("resource", self.resource),
            ("meter", self.meter),
            ("order", self.order),
        ];
        for (name, value) in named.iter().filter(|(_, value)| !value.is_empty()) {
            words.push_str(&format!(", {name} {value}"));
        }
        words
    }
}

/// The name of the ratio in AdditionalInfo.
const RATIO_NAME: &str = "\"RINormalizationRatio\"";

/// The ratio that AdditionalInfo states (SEMANTICS 3.1), which exports spell as a number or as a text.
pub fn normalization_ratio(additional_info: &str) -> Option<Decimal> {
    let after = &additional_info[additional_info.find(RATIO_NAME)? + RATIO_NAME.len()..];
    let value = after.trim_start().strip_prefix(':')?.trim_start().trim_start_matches('"');
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    Decimal::parse(&value.as_bytes()[..end], Limits::QUANTITY).ok().map(|parsed| parsed.value)
}
