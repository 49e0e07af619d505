//! The fields of a charge: one row of cost details (contract `cost-details-fields.md` section 2).
//!
//! The list is the union of all EA layouts. Its order is the column order of the lake and is frozen by
//! `docs/adr/0001-charge-schema.md`: fields are appended, never moved.

use serde::{Deserialize, Serialize};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Text, given back as it came; blank is unknown.
    Text,
    /// A civil date without time.
    Date,
    /// `True` or `False`.
    Boolean,
    /// An amount in the enrollment's currency, at most 28 fraction digits.
    Cost,
    /// A price per unit of measure or a quantity in units of measure, at most 18 fraction digits.
    Number,
}

macro_rules! fields {
    ($( $(#[$doc:meta])* $variant:ident, $name:literal, $column:literal, $kind:ident; )*) => {
        /// A field of a charge. Serialized as its column in the lake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[repr(u8)]
        pub enum Field { $( $(#[$doc])* $variant, )* }

        impl Field {
            /// All fields in the column order of the lake.
            pub const ALL: &'static [Field] = &[ $( Field::$variant, )* ];

            /// The column name in the newest cost details files.
            pub const fn name(self) -> &'static str {
                match self { $( Field::$variant => $name, )* }
            }

            /// The column name in the lake.
            pub const fn column(self) -> &'static str {
                match self { $( Field::$variant => $column, )* }
            }

            /// What the field holds.
            pub const fn kind(self) -> FieldKind {
                match self { $( Field::$variant => FieldKind::$kind, )* }
            }
        }
    };
}

fields! {
    /// Department id.
    InvoiceSectionId, "InvoiceSectionId", "invoice_section_id", Text;
    /// Department name.
    InvoiceSectionName, "InvoiceSectionName", "invoice_section_name", Text;
    /// Enrollment account id.
    AccountId, "AccountId", "account_id", Text;
    /// Enrollment account name.
    AccountName, "AccountName", "account_name", Text;
    /// E-mail address of the account owner.
    AccountOwnerId, "AccountOwnerId", "account_owner_id", Text;
    /// Subscription GUID, as spelled by the source.
    SubscriptionId, "SubscriptionId", "subscription_id", Text;
    /// Subscription name.
    SubscriptionName, "SubscriptionName", "subscription_name", Text;
    /// Resource group.
    ResourceGroup, "ResourceGroup", "resource_group", Text;
    /// Resource id.
    ResourceId, "ResourceId", "resource_id", Text;
    /// Last segment of the resource id.
    ResourceName, "ResourceName", "resource_name", Text;
    /// Resource type; only the 2019 layout has it.
    ResourceType, "ResourceType", "resource_type", Text;
    /// Data centre.
    ResourceLocation, "ResourceLocation", "resource_location", Text;
    /// Normalised data centre.
    ResourceLocationNormalized, "ResourceLocationNormalized", "resource_location_normalized", Text;
    /// Meter GUID.
    MeterId, "MeterId", "meter_id", Text;
    /// Meter category.
    MeterCategory, "MeterCategory", "meter_category", Text;
    /// Meter subcategory.
    MeterSubCategory, "MeterSubCategory", "meter_sub_category", Text;
    /// Meter name.
    MeterName, "MeterName", "meter_name", Text;
    /// Location that the price is for.
    MeterRegion, "MeterRegion", "meter_region", Text;
    /// Unit of measure with its block, for example `100 Hours`.
    UnitOfMeasure, "UnitOfMeasure", "unit_of_measure", Text;
    /// Product name.
    ProductName, "ProductName", "product_name", Text;
    /// EA part number.
    PartNumber, "PartNumber", "part_number", Text;
    /// Plan name.
    PlanName, "PlanName", "plan_name", Text;
    /// Service family.
    ServiceFamily, "ServiceFamily", "service_family", Text;
    /// Resource provider.
    ConsumedService, "ConsumedService", "consumed_service", Text;
    /// Service metadata.
    ServiceInfo1, "ServiceInfo1", "service_info1", Text;
    /// Service metadata.
    ServiceInfo2, "ServiceInfo2", "service_info2", Text;
    /// Offer id.
    OfferId, "OfferId", "offer_id", Text;
    /// `Azure` or `Marketplace`.
    PublisherType, "PublisherType", "publisher_type", Text;
    /// Publisher.
    PublisherName, "PublisherName", "publisher_name", Text;
    /// Cost center.
    CostCenter, "CostCenter", "cost_center", Text;
    /// Kind of charge.
    ChargeType, "ChargeType", "charge_type", Text;
    /// How often the charge recurs.
    Frequency, "Frequency", "frequency", Text;
    /// How the charge is priced.
    PricingModel, "PricingModel", "pricing_model", Text;
    /// Reservation GUID; the order on purchases.
    ReservationId, "ReservationId", "reservation_id", Text;
    /// Reservation name.
    ReservationName, "ReservationName", "reservation_name", Text;
    /// Order GUID.
    ProductOrderId, "ProductOrderId", "product_order_id", Text;
    /// Order name.
    ProductOrderName, "ProductOrderName", "product_order_name", Text;
    /// Term in months, as text.
    Term, "Term", "term", Text;
    /// Full path of the benefit.
    BenefitId, "benefitId", "benefit_id", Text;
    /// Benefit name.
    BenefitName, "benefitName", "benefit_name", Text;
    /// Availability zone.
    AvailabilityZone, "AvailabilityZone", "availability_zone", Text;
    /// Name of the cost allocation rule.
    CostAllocationRuleName, "CostAllocationRuleName", "cost_allocation_rule_name", Text;
    /// Tags, with or without the outer braces, as the source spells them.
    Tags, "Tags", "tags", Text;
    /// Further facts as JSON, as the source spells them.
    AdditionalInfo, "AdditionalInfo", "additional_info", Text;
    /// Enrollment number.
    BillingAccountId, "BillingAccountId", "billing_account_id", Text;
    /// Enrollment name.
    BillingAccountName, "BillingAccountName", "billing_account_name", Text;
    /// Same as the enrollment number for EA.
    BillingProfileId, "BillingProfileId", "billing_profile_id", Text;
    /// Same as the enrollment name for EA.
    BillingProfileName, "BillingProfileName", "billing_profile_name", Text;
    /// ISO code of the enrollment's currency.
    BillingCurrencyCode, "BillingCurrencyCode", "billing_currency_code", Text;
    /// First day of the billing period.
    BillingPeriodStartDate, "BillingPeriodStartDate", "billing_period_start_date", Date;
    /// Last day of the billing period, inclusive.
    BillingPeriodEndDate, "BillingPeriodEndDate", "billing_period_end_date", Date;
    /// Day of the usage or purchase.
    Date, "Date", "date", Date;
    /// Whether the charge may use the prepayment.
    IsAzureCreditEligible, "IsAzureCreditEligible", "is_azure_credit_eligible", Boolean;
    /// Quantity in blocks of the unit of measure.
    Quantity, "Quantity", "quantity", Number;
    /// What one unit of the row really costs.
    EffectivePrice, "EffectivePrice", "effective_price", Number;
    /// Negotiated price per unit.
    UnitPrice, "UnitPrice", "unit_price", Number;
    /// Public list price per unit.
    PayGPrice, "PayGPrice", "payg_price", Number;
    /// Cost before credits and tax, in the billing currency.
    Cost, "CostInBillingCurrency", "cost", Cost;
}

/// A text that names no column of the lake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a column of charges")]
pub struct UnknownField {
    /// The refused text, cut to a printable length.
    pub text: String,
}

impl TryFrom<String> for Field {
    type Error = UnknownField;

    fn try_from(text: String) -> Result<Self, UnknownField> {
        let found = Self::ALL.iter().copied().find(|field| field.column() == text);
        found.ok_or_else(|| UnknownField { text: crate::ids::excerpt(&text) })
    }
}

impl From<Field> for String {
    fn from(field: Field) -> Self {
        field.column().to_owned()
    }
}

impl Field {
    /// Position in [`Field::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_stands_at_its_index_and_names_are_unique() {
        let mut names: Vec<&str> = Vec::new();
        for (index, field) in Field::ALL.iter().enumerate() {
            assert_eq!(field.index(), index);
            names.push(field.name());
            names.push(field.column());
        }
        names.retain(|name| *name != "Date" && *name != "Quantity");
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
