//! Which column of a FOCUS file fills which column of a charge as it is, and what the others are kept as.
//!
//! This is the mapping of Microsoft's conversion guide, from Cost Details to FOCUS, read backwards.

use ledger::Field;

use crate::extras;
use crate::header::{field_of, normalised};

/// Columns of a FOCUS file that rows are judged by, by their official names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    BilledCost,
    EffectiveCost,
    BilledPrice,
    EffectivePrice,
    Account,
    AccountPath,
    Provider,
    Category,
    Class,
    Frequency,
    PeriodStart,
    PeriodEnd,
    Day,
    CommitmentId,
    CommitmentName,
    CommitmentStatus,
    CommitmentType,
    PricingCategory,
    Consumed,
    Priced,
    BlockSize,
    Publisher,
    Region,
    Subscription,
}

impl Fact {
    pub(super) const ALL: [Self; 24] = [
        Self::BilledCost,
        Self::EffectiveCost,
        Self::BilledPrice,
        Self::EffectivePrice,
        Self::Account,
        Self::AccountPath,
        Self::Provider,
        Self::Category,
        Self::Class,
        Self::Frequency,
        Self::PeriodStart,
        Self::PeriodEnd,
        Self::Day,
        Self::CommitmentId,
        Self::CommitmentName,
        Self::CommitmentStatus,
        Self::CommitmentType,
        Self::PricingCategory,
        Self::Consumed,
        Self::Priced,
        Self::BlockSize,
        Self::Publisher,
        Self::Region,
        Self::Subscription,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BilledCost => "BilledCost",
            Self::EffectiveCost => "EffectiveCost",
            Self::BilledPrice => "x_BilledUnitPrice",
            Self::EffectivePrice => "x_EffectiveUnitPrice",
            Self::Account => "x_BillingAccountId",
            Self::AccountPath => "BillingAccountId",
            Self::Provider => "ProviderName",
            Self::Category => "ChargeCategory",
            Self::Class => "ChargeClass",
            Self::Frequency => "ChargeFrequency",
            Self::PeriodStart => "BillingPeriodStart",
            Self::PeriodEnd => "BillingPeriodEnd",
            Self::Day => "ChargePeriodStart",
            Self::CommitmentId => "CommitmentDiscountId",
            Self::CommitmentName => "CommitmentDiscountName",
            Self::CommitmentStatus => "CommitmentDiscountStatus",
            Self::CommitmentType => "CommitmentDiscountType",
            Self::PricingCategory => "PricingCategory",
            Self::Consumed => "ConsumedQuantity",
            Self::Priced => "PricingQuantity",
            Self::BlockSize => "x_PricingBlockSize",
            Self::Publisher => "x_PublisherCategory",
            Self::Region => "RegionId",
            Self::Subscription => "SubAccountId",
        }
    }

    /// Whether rows have no meaning without it.
    pub(super) const fn is_required(self) -> bool {
        matches!(
            self,
            Self::BilledCost
                | Self::EffectiveCost
                | Self::Provider
                | Self::Category
                | Self::Day
                | Self::CommitmentId
                | Self::CommitmentStatus
                | Self::CommitmentType
                | Self::PricingCategory
                | Self::Priced
                | Self::Subscription
        )
    }
}

/// Columns that together tell a FOCUS file.
const TOLD_BY: [Fact; 3] = [Fact::BilledCost, Fact::EffectiveCost, Fact::Category];

/// The column of the meter, without which rows have no meaning either.
pub(super) const METER: &str = "x_SkuMeterId";

/// Columns that are taken as they are. Of several names for a field, the first that a file has counts.
pub(super) const DIRECT: [(Field, &[&str]); 39] = [
    (Field::InvoiceSectionId, &["x_InvoiceSectionId"]),
    (Field::InvoiceSectionName, &["x_InvoiceSectionName"]),
    (Field::AccountId, &["x_AccountId"]),
    (Field::AccountName, &["x_AccountName"]),
    (Field::AccountOwnerId, &["x_AccountOwnerId"]),
    (Field::SubscriptionName, &["SubAccountName"]),
    (Field::ResourceGroup, &["x_ResourceGroupName"]),
    (Field::ResourceId, &["ResourceId"]),
    (Field::ResourceName, &["ResourceName"]),
    (Field::ResourceType, &["x_ResourceType"]),
    (Field::MeterId, &[METER]),
    (Field::MeterCategory, &["x_SkuMeterCategory"]),
    (Field::MeterSubCategory, &["x_SkuMeterSubcategory"]),
    (Field::MeterName, &["SkuMeter", "x_SkuMeterName"]),
    (Field::MeterRegion, &["x_SkuRegion"]),
    (Field::UnitOfMeasure, &["x_PricingUnitDescription"]),
    (Field::ProductName, &["ChargeDescription"]),
    (Field::PartNumber, &["x_SkuPartNumber"]),
    (Field::PlanName, &["x_SkuPlanName"]),
    (Field::ServiceFamily, &["x_SkuServiceFamily"]),
    (Field::OfferId, &["x_SkuOfferId"]),
    (Field::PublisherName, &["PublisherName"]),
    (Field::CostCenter, &["x_CostCenter"]),
    (Field::ProductOrderId, &["x_SkuOrderId"]),
    (Field::ProductOrderName, &["x_SkuOrderName"]),
    (Field::Term, &["x_SkuTerm"]),
    (Field::BenefitId, &["CommitmentDiscountId"]),
    (Field::BenefitName, &["CommitmentDiscountName"]),
    (Field::AvailabilityZone, &["AvailabilityZone"]),
    (Field::CostAllocationRuleName, &["x_CostAllocationRuleName"]),
    (Field::Tags, &["Tags"]),
    (Field::AdditionalInfo, &["x_SkuDetails"]),
    (Field::BillingAccountName, &["BillingAccountName"]),
    (Field::BillingProfileId, &["x_BillingProfileId"]),
    (Field::BillingProfileName, &["x_BillingProfileName"]),
    (Field::BillingCurrencyCode, &["BillingCurrency"]),
    (Field::IsAzureCreditEligible, &["x_SkuIsCreditEligible"]),
    (Field::UnitPrice, &["ContractedUnitPrice"]),
    (Field::PayGPrice, &["ListUnitPrice"]),
];

/// Fields that are made of what several columns say, and the column that must be there for it.
pub(super) const DERIVED: [(Field, Fact); 15] = [
    (Field::BillingAccountId, Fact::AccountPath),
    (Field::SubscriptionId, Fact::Subscription),
    (Field::ResourceLocation, Fact::Region),
    (Field::ResourceLocationNormalized, Fact::Region),
    (Field::ReservationId, Fact::CommitmentId),
    (Field::ReservationName, Fact::CommitmentName),
    (Field::PublisherType, Fact::Publisher),
    (Field::ChargeType, Fact::Category),
    (Field::Frequency, Fact::Frequency),
    (Field::PricingModel, Fact::PricingCategory),
    (Field::BillingPeriodStartDate, Fact::PeriodStart),
    (Field::BillingPeriodEndDate, Fact::PeriodEnd),
    (Field::Date, Fact::Day),
    (Field::Quantity, Fact::Priced),
    (Field::EffectivePrice, Fact::EffectivePrice),
];

/// Whether names are those of a FOCUS file. A report of Cost Details keeps columns of FOCUS beside a cost of its own.
pub(crate) fn is_focus(names: &[String]) -> bool {
    TOLD_BY.iter().all(|fact| position(names, fact.name()).is_some())
        && !names.iter().any(|name| field_of(name) == Some(Field::Cost))
}

/// Where the column of a name stands.
pub(super) fn position(names: &[String], name: &str) -> Option<usize> {
    let wanted = normalised(name);
    names.iter().position(|name| normalised(name) == wanted)
}

/// The name under which a column is kept that no column of a charge takes as it is: its own, unless that means something else
/// among charges.
pub(super) fn kept_name(name: &str) -> String {
    let means_another = field_of(name).is_some() || normalised(name) == normalised(extras::SERVICE_NAME);
    if means_another { format!("Focus{name}") } else { name.to_owned() }
}
