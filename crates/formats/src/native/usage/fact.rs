//! The text facts of a usage record: their names in input and store, and their limits.

use std::borrow::Cow;

use ledger::billing::{UsageLine, UsagePricing};

use crate::native::{members, values};

/// Longest tags and longest additional info, in bytes.
const JSON_BYTES_MAX: usize = 64 << 10;
/// Longest service metadata, in bytes.
const INFO_BYTES_MAX: usize = 1024;

/// A text fact of a usage record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageFact {
    /// Subscription GUID.
    SubscriptionId,
    /// Resource id.
    ResourceId,
    /// Meter id.
    MeterId,
    /// Part number.
    PartNumber,
    /// Offer.
    OfferId,
    /// Unit of measure of the quantity.
    UnitOfMeasure,
    /// `OnDemand` or `Spot`.
    PricingModel,
    /// Resource group.
    ResourceGroup,
    /// Data centre.
    ResourceLocation,
    /// Resource provider.
    ConsumedService,
    /// Tags, a JSON object with string values.
    Tags,
    /// Further facts, a JSON object.
    AdditionalInfo,
    /// Service metadata.
    ServiceInfo1,
    /// Service metadata.
    ServiceInfo2,
    /// Availability zone.
    AvailabilityZone,
}

impl UsageFact {
    /// All facts, in the order of the stored columns.
    pub const ALL: [Self; 15] = [
        Self::SubscriptionId,
        Self::ResourceId,
        Self::MeterId,
        Self::PartNumber,
        Self::OfferId,
        Self::UnitOfMeasure,
        Self::PricingModel,
        Self::ResourceGroup,
        Self::ResourceLocation,
        Self::ConsumedService,
        Self::Tags,
        Self::AdditionalInfo,
        Self::ServiceInfo1,
        Self::ServiceInfo2,
        Self::AvailabilityZone,
    ];

    /// The member or column of native input.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SubscriptionId => "subscriptionId",
            Self::ResourceId => "resourceId",
            Self::MeterId => "meterId",
            Self::PartNumber => "partNumber",
            Self::OfferId => "offerId",
            Self::UnitOfMeasure => "unitOfMeasure",
            Self::PricingModel => "pricingModel",
            Self::ResourceGroup => "resourceGroup",
            Self::ResourceLocation => "resourceLocation",
            Self::ConsumedService => "consumedService",
            Self::Tags => "tags",
            Self::AdditionalInfo => "additionalInfo",
            Self::ServiceInfo1 => "serviceInfo1",
            Self::ServiceInfo2 => "serviceInfo2",
            Self::AvailabilityZone => "availabilityZone",
        }
    }

    /// The column of stored usage.
    pub const fn column(self) -> &'static str {
        match self {
            Self::SubscriptionId => "subscription_id",
            Self::ResourceId => "resource_id",
            Self::MeterId => "meter_id",
            Self::PartNumber => "part_number",
            Self::OfferId => "offer_id",
            Self::UnitOfMeasure => "unit_of_measure",
            Self::PricingModel => "pricing_model",
            Self::ResourceGroup => "resource_group",
            Self::ResourceLocation => "resource_location",
            Self::ConsumedService => "consumed_service",
            Self::Tags => "tags",
            Self::AdditionalInfo => "additional_info",
            Self::ServiceInfo1 => "service_info1",
            Self::ServiceInfo2 => "service_info2",
            Self::AvailabilityZone => "availability_zone",
        }
    }

    /// Whether every record has it.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::SubscriptionId | Self::MeterId)
    }

    /// Position in [`UsageFact::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// What a line says; `None` where it says nothing.
    pub fn of(self, line: &UsageLine) -> Option<&str> {
        match self {
            Self::SubscriptionId => Some(&line.subscription_id),
            Self::ResourceId => Some(line.resource_id.as_str()).filter(|id| !id.is_empty()),
            Self::MeterId => Some(&line.meter_id),
            Self::PartNumber => line.part_number.as_deref(),
            Self::OfferId => line.offer_id.as_deref(),
            Self::UnitOfMeasure => line.unit.as_deref(),
            Self::PricingModel => (line.pricing == UsagePricing::Spot).then_some("Spot"),
            Self::ResourceGroup => line.resource_group.as_deref(),
            Self::ResourceLocation => line.location.as_deref(),
            Self::ConsumedService => line.consumed_service.as_deref(),
            Self::Tags => line.tags.as_deref(),
            Self::AdditionalInfo => line.additional_info.as_deref(),
            Self::ServiceInfo1 => line.service_info1.as_deref(),
            Self::ServiceInfo2 => line.service_info2.as_deref(),
            Self::AvailabilityZone => line.availability_zone.as_deref(),
        }
    }

    /// Checks what a record says, and gives it back as it is stored: JSON without blanks between its parts, all else as
    /// received.
    pub(crate) fn check(self, text: &str) -> Result<Cow<'_, str>, String> {
        match self {
            Self::SubscriptionId => {
                values::subscription(text)?;
            }
            Self::MeterId => {
                values::id(text)?;
            }
            Self::ResourceId => {
                values::text(text, values::RESOURCE_ID_BYTES_MAX)?;
            }
            Self::UnitOfMeasure => {
                values::text(text, values::NAME_BYTES_MAX)?;
                values::unit(text)?;
            }
            Self::PricingModel if !matches!(text, "OnDemand" | "Spot") => {
                return Err("expected OnDemand or Spot".to_owned());
            }
            Self::PricingModel => {}
            Self::Tags | Self::AdditionalInfo => {
                if text.len() > JSON_BYTES_MAX {
                    return Err(format!("the text has {} bytes; expected at most {JSON_BYTES_MAX}", text.len()));
                }
                members::check_object(text, self == Self::Tags)?;
                return Ok(values::compact(text));
            }
            Self::ServiceInfo1 | Self::ServiceInfo2 => {
                values::text(text, INFO_BYTES_MAX)?;
            }
            _ => {
                values::text(text, values::NAME_BYTES_MAX)?;
            }
        }
        Ok(Cow::Borrowed(text))
    }

    /// Whether it is a JSON object.
    pub(crate) const fn is_json(self) -> bool {
        matches!(self, Self::Tags | Self::AdditionalInfo)
    }

    /// Writes a fact that [`UsageFact::of`] or [`UsageFact::check`] gave into a line. False: the text cannot be this fact.
    pub(crate) fn put(self, line: &mut UsageLine, text: &str) -> bool {
        let some = || Some(text.to_owned());
        match self {
            Self::SubscriptionId => line.subscription_id = text.to_owned(),
            Self::ResourceId => line.resource_id = text.to_owned(),
            Self::MeterId => line.meter_id = text.to_owned(),
            Self::PartNumber => line.part_number = some(),
            Self::OfferId => line.offer_id = some(),
            Self::UnitOfMeasure => line.unit = some(),
            Self::PricingModel => match text {
                "Spot" => line.pricing = UsagePricing::Spot,
                "OnDemand" => line.pricing = UsagePricing::OnDemand,
                _ => return false,
            },
            Self::ResourceGroup => line.resource_group = some(),
            Self::ResourceLocation => line.location = some(),
            Self::ConsumedService => line.consumed_service = some(),
            Self::Tags => line.tags = some(),
            Self::AdditionalInfo => line.additional_info = some(),
            Self::ServiceInfo1 => line.service_info1 = some(),
            Self::ServiceInfo2 => line.service_info2 = some(),
            Self::AvailabilityZone => line.availability_zone = some(),
        }
        true
    }
}
