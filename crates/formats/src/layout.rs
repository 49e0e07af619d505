//! The header generations of EA cost details files (contract `cost-details-fields.md` sections 1 and 2).

use std::fmt;
use std::str::FromStr;

use ledger::Field;

/// An ordered list of columns that a cost details file can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layout {
    /// 57 columns, the newest exports; the default of reports.
    Ea20240801,
    /// 55 columns.
    Ea20231201Preview,
    /// The same 55 columns in another order.
    Ea20211001,
    /// 53 columns, before benefits.
    Ea20210101,
    /// 52 columns, before cost allocation.
    Ea20200101,
    /// 27 columns under old names, the oldest documented file.
    Ea20191001,
    /// 55 columns of portal downloads and exports of 2023; four names differ.
    EaPortalC360,
}

/// A text that names no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a layout; expected one of {}", Layout::ALL.map(Layout::name).join(", "))]
pub struct UnknownLayout {
    /// The refused text.
    pub text: String,
}

impl Layout {
    /// All layouts, newest first.
    pub const ALL: [Self; 7] = [
        Self::Ea20240801,
        Self::Ea20231201Preview,
        Self::Ea20211001,
        Self::Ea20210101,
        Self::Ea20200101,
        Self::Ea20191001,
        Self::EaPortalC360,
    ];

    /// The published name of the layout.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ea20240801 => "ea_2024_08_01",
            Self::Ea20231201Preview => "ea_2023_12_01_preview",
            Self::Ea20211001 => "ea_2021_10_01",
            Self::Ea20210101 => "ea_2021_01_01",
            Self::Ea20200101 => "ea_2020_01_01",
            Self::Ea20191001 => "ea_2019_10_01",
            Self::EaPortalC360 => "ea_portal_c360",
        }
    }

    /// The columns in order: the name in the header and the field that fills it.
    pub const fn columns(self) -> &'static [(&'static str, Field)] {
        match self {
            Self::Ea20240801 => &EA_2024_08_01,
            Self::Ea20231201Preview => EA_2024_08_01.split_at(55).0,
            Self::Ea20211001 => &EA_2021_10_01,
            Self::Ea20210101 => EA_2024_08_01.split_at(53).0,
            Self::Ea20200101 => EA_2024_08_01.split_at(52).0,
            Self::Ea20191001 => &EA_2019_10_01,
            Self::EaPortalC360 => &EA_PORTAL_C360,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Layout {
    type Err = UnknownLayout;
    fn from_str(text: &str) -> Result<Self, UnknownLayout> {
        Self::ALL
            .into_iter()
            .find(|layout| layout.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownLayout { text: text.chars().take(80).collect() })
    }
}

const EA_2024_08_01: [(&str, Field); 57] = [
    ("InvoiceSectionName", Field::InvoiceSectionName),
    ("AccountName", Field::AccountName),
    ("AccountOwnerId", Field::AccountOwnerId),
    ("SubscriptionId", Field::SubscriptionId),
    ("SubscriptionName", Field::SubscriptionName),
    ("ResourceGroup", Field::ResourceGroup),
    ("ResourceLocation", Field::ResourceLocation),
    ("Date", Field::Date),
    ("ProductName", Field::ProductName),
    ("MeterCategory", Field::MeterCategory),
    ("MeterSubCategory", Field::MeterSubCategory),
    ("MeterId", Field::MeterId),
    ("MeterName", Field::MeterName),
    ("MeterRegion", Field::MeterRegion),
    ("UnitOfMeasure", Field::UnitOfMeasure),
    ("Quantity", Field::Quantity),
    ("EffectivePrice", Field::EffectivePrice),
    ("CostInBillingCurrency", Field::Cost),
    ("CostCenter", Field::CostCenter),
    ("ConsumedService", Field::ConsumedService),
    ("ResourceId", Field::ResourceId),
    ("Tags", Field::Tags),
    ("OfferId", Field::OfferId),
    ("AdditionalInfo", Field::AdditionalInfo),
    ("ServiceInfo1", Field::ServiceInfo1),
    ("ServiceInfo2", Field::ServiceInfo2),
    ("ResourceName", Field::ResourceName),
    ("ReservationId", Field::ReservationId),
    ("ReservationName", Field::ReservationName),
    ("UnitPrice", Field::UnitPrice),
    ("ProductOrderId", Field::ProductOrderId),
    ("ProductOrderName", Field::ProductOrderName),
    ("Term", Field::Term),
    ("PublisherType", Field::PublisherType),
    ("PublisherName", Field::PublisherName),
    ("ChargeType", Field::ChargeType),
    ("Frequency", Field::Frequency),
    ("PricingModel", Field::PricingModel),
    ("AvailabilityZone", Field::AvailabilityZone),
    ("BillingAccountId", Field::BillingAccountId),
    ("BillingAccountName", Field::BillingAccountName),
    ("BillingCurrencyCode", Field::BillingCurrencyCode),
    ("BillingPeriodStartDate", Field::BillingPeriodStartDate),
    ("BillingPeriodEndDate", Field::BillingPeriodEndDate),
    ("BillingProfileId", Field::BillingProfileId),
    ("BillingProfileName", Field::BillingProfileName),
    ("InvoiceSectionId", Field::InvoiceSectionId),
    ("IsAzureCreditEligible", Field::IsAzureCreditEligible),
    ("PartNumber", Field::PartNumber),
    ("PayGPrice", Field::PayGPrice),
    ("PlanName", Field::PlanName),
    ("ServiceFamily", Field::ServiceFamily),
    ("CostAllocationRuleName", Field::CostAllocationRuleName),
    ("benefitId", Field::BenefitId),
    ("benefitName", Field::BenefitName),
    ("AccountId", Field::AccountId),
    ("ResourceLocationNormalized", Field::ResourceLocationNormalized),
];

const EA_2021_10_01: [(&str, Field); 55] = [
    ("CostInBillingCurrency", Field::Cost),
    ("AccountName", Field::AccountName),
    ("AccountOwnerId", Field::AccountOwnerId),
    ("ProductName", Field::ProductName),
    ("ConsumedService", Field::ConsumedService),
    ("InvoiceSectionName", Field::InvoiceSectionName),
    ("SubscriptionId", Field::SubscriptionId),
    ("SubscriptionName", Field::SubscriptionName),
    ("Date", Field::Date),
    ("MeterId", Field::MeterId),
    ("MeterCategory", Field::MeterCategory),
    ("MeterSubCategory", Field::MeterSubCategory),
    ("MeterRegion", Field::MeterRegion),
    ("MeterName", Field::MeterName),
    ("Quantity", Field::Quantity),
    ("ResourceLocation", Field::ResourceLocation),
    ("ResourceId", Field::ResourceId),
    ("ServiceInfo1", Field::ServiceInfo1),
    ("ServiceInfo2", Field::ServiceInfo2),
    ("AdditionalInfo", Field::AdditionalInfo),
    ("Tags", Field::Tags),
    ("CostCenter", Field::CostCenter),
    ("UnitOfMeasure", Field::UnitOfMeasure),
    ("ResourceGroup", Field::ResourceGroup),
    ("PartNumber", Field::PartNumber),
    ("OfferId", Field::OfferId),
    ("ChargeType", Field::ChargeType),
    ("EffectivePrice", Field::EffectivePrice),
    ("UnitPrice", Field::UnitPrice),
    ("ReservationId", Field::ReservationId),
    ("ReservationName", Field::ReservationName),
    ("ResourceName", Field::ResourceName),
    ("ProductOrderId", Field::ProductOrderId),
    ("ProductOrderName", Field::ProductOrderName),
    ("PlanName", Field::PlanName),
    ("PublisherName", Field::PublisherName),
    ("PublisherType", Field::PublisherType),
    ("Term", Field::Term),
    ("BillingAccountId", Field::BillingAccountId),
    ("BillingAccountName", Field::BillingAccountName),
    ("BillingProfileName", Field::BillingProfileName),
    ("BillingProfileId", Field::BillingProfileId),
    ("BillingCurrencyCode", Field::BillingCurrencyCode),
    ("ServiceFamily", Field::ServiceFamily),
    ("Frequency", Field::Frequency),
    ("IsAzureCreditEligible", Field::IsAzureCreditEligible),
    ("PayGPrice", Field::PayGPrice),
    ("PricingModel", Field::PricingModel),
    ("BillingPeriodStartDate", Field::BillingPeriodStartDate),
    ("BillingPeriodEndDate", Field::BillingPeriodEndDate),
    ("AvailabilityZone", Field::AvailabilityZone),
    ("InvoiceSectionId", Field::InvoiceSectionId),
    ("CostAllocationRuleName", Field::CostAllocationRuleName),
    ("benefitId", Field::BenefitId),
    ("benefitName", Field::BenefitName),
];

const EA_2019_10_01: [(&str, Field); 27] = [
    ("DepartmentName", Field::InvoiceSectionName),
    ("AccountName", Field::AccountName),
    ("AccountOwnerId", Field::AccountOwnerId),
    ("SubscriptionGuid", Field::SubscriptionId),
    ("SubscriptionName", Field::SubscriptionName),
    ("ResourceGroup", Field::ResourceGroup),
    ("ResourceLocation", Field::ResourceLocation),
    ("UsageDateTime", Field::Date),
    ("ProductName", Field::ProductName),
    ("MeterCategory", Field::MeterCategory),
    ("MeterSubcategory", Field::MeterSubCategory),
    ("MeterId", Field::MeterId),
    ("MeterName", Field::MeterName),
    ("MeterRegion", Field::MeterRegion),
    ("UnitOfMeasure", Field::UnitOfMeasure),
    ("UsageQuantity", Field::Quantity),
    ("ResourceRate", Field::EffectivePrice),
    ("PreTaxCost", Field::Cost),
    ("CostCenter", Field::CostCenter),
    ("ConsumedService", Field::ConsumedService),
    ("ResourceType", Field::ResourceType),
    ("InstanceId", Field::ResourceId),
    ("Tags", Field::Tags),
    ("OfferId", Field::OfferId),
    ("AdditionalInfo", Field::AdditionalInfo),
    ("ServiceInfo1", Field::ServiceInfo1),
    ("ServiceInfo2", Field::ServiceInfo2),
];

const EA_PORTAL_C360: [(&str, Field); 55] = [
    ("BillingAccountId", Field::BillingAccountId),
    ("BillingAccountName", Field::BillingAccountName),
    ("BillingPeriodStartDate", Field::BillingPeriodStartDate),
    ("BillingPeriodEndDate", Field::BillingPeriodEndDate),
    ("BillingProfileId", Field::BillingProfileId),
    ("BillingProfileName", Field::BillingProfileName),
    ("AccountOwnerId", Field::AccountOwnerId),
    ("AccountName", Field::AccountName),
    ("SubscriptionId", Field::SubscriptionId),
    ("SubscriptionName", Field::SubscriptionName),
    ("Date", Field::Date),
    ("Product", Field::ProductName),
    ("PartNumber", Field::PartNumber),
    ("MeterId", Field::MeterId),
    ("ServiceFamily", Field::ServiceFamily),
    ("MeterCategory", Field::MeterCategory),
    ("MeterSubCategory", Field::MeterSubCategory),
    ("MeterRegion", Field::MeterRegion),
    ("MeterName", Field::MeterName),
    ("Quantity", Field::Quantity),
    ("EffectivePrice", Field::EffectivePrice),
    ("Cost", Field::Cost),
    ("UnitPrice", Field::UnitPrice),
    ("BillingCurrency", Field::BillingCurrencyCode),
    ("ResourceLocation", Field::ResourceLocation),
    ("AvailabilityZone", Field::AvailabilityZone),
    ("ConsumedService", Field::ConsumedService),
    ("ResourceId", Field::ResourceId),
    ("ResourceName", Field::ResourceName),
    ("ServiceInfo1", Field::ServiceInfo1),
    ("ServiceInfo2", Field::ServiceInfo2),
    ("AdditionalInfo", Field::AdditionalInfo),
    ("Tags", Field::Tags),
    ("InvoiceSectionId", Field::InvoiceSectionId),
    ("InvoiceSection", Field::InvoiceSectionName),
    ("CostCenter", Field::CostCenter),
    ("UnitOfMeasure", Field::UnitOfMeasure),
    ("ResourceGroup", Field::ResourceGroup),
    ("ReservationId", Field::ReservationId),
    ("ReservationName", Field::ReservationName),
    ("ProductOrderId", Field::ProductOrderId),
    ("ProductOrderName", Field::ProductOrderName),
    ("OfferId", Field::OfferId),
    ("IsAzureCreditEligible", Field::IsAzureCreditEligible),
    ("Term", Field::Term),
    ("PublisherName", Field::PublisherName),
    ("PlanName", Field::PlanName),
    ("ChargeType", Field::ChargeType),
    ("Frequency", Field::Frequency),
    ("PublisherType", Field::PublisherType),
    ("PayGPrice", Field::PayGPrice),
    ("PricingModel", Field::PricingModel),
    ("CostAllocationRuleName", Field::CostAllocationRuleName),
    ("benefitId", Field::BenefitId),
    ("benefitName", Field::BenefitName),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The published lists, as data; see `tests/data/README.md`.
    const PUBLISHED: &str = include_str!("../tests/data/columns.json");

    #[test]
    fn every_layout_has_the_published_columns_in_the_published_order() {
        let published: serde_json::Value = serde_json::from_str(PUBLISHED).unwrap();
        for layout in Layout::ALL {
            let expected: Vec<&str> =
                published[layout.name()].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            let names: Vec<&str> = layout.columns().iter().map(|(name, _)| *name).collect();
            assert_eq!(names, expected, "{layout}");
        }
    }

    #[test]
    fn no_layout_uses_a_field_twice() {
        for layout in Layout::ALL {
            let mut fields: Vec<Field> = layout.columns().iter().map(|(_, field)| *field).collect();
            fields.sort_unstable();
            fields.dedup();
            assert_eq!(fields.len(), layout.columns().len(), "{layout}");
        }
    }

    #[test]
    fn layouts_are_named_without_case() {
        assert_eq!("EA_2019_10_01".parse(), Ok(Layout::Ea20191001));
        assert!("ea_1999".parse::<Layout>().is_err());
    }
}
