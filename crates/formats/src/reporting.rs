//! Rows of the Enterprise Reporting APIs (contract `enterprise-reporting-api.md`, sections 5 and 6): which columns there
//! are, where each has its value from, and in which order the JSON form has them. Both forms are made of this table.

use calendar::Date;
use ledger::Field;

use crate::extras;

/// A version of the Enterprise Reporting APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportingVersion {
    /// The preview; later the same rows as version 2.
    V1,
    /// 33 columns.
    V2,
    /// 40 columns.
    V3,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A text cell.
    Text(Field),
    /// A decimal cell.
    Number(Field),
    /// A text that only files of these APIs have.
    Extra(&'static str),
    /// Such a text, else a text cell.
    ExtraOr(&'static str, Field),
    /// A text cell that is a whole number; 0 for others (SEMANTICS 3.8).
    Id(Field),
    /// An obsolete number that only files of these APIs have; 0 for others.
    ObsoleteId(&'static str),
    /// A date cell.
    Day(Field),
    /// The same with the month in front.
    UsDay(Field),
    /// A number of a date cell.
    DayPart(DayPart, Field),
    /// The opposite of a boolean cell.
    Not(Field),
    /// The tags cell, with braces.
    Tags,
}

/// A number that a date has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DayPart {
    Day,
    Month,
    Year,
}

impl DayPart {
    /// Appends it without zeros in front.
    pub(crate) fn write(self, date: Date, out: &mut Vec<u8>) {
        let number: u16 = match self {
            Self::Day => date.day().into(),
            Self::Month => date.month().into(),
            Self::Year => date.year(),
        };
        out.extend_from_slice(number.to_string().as_bytes());
    }
}

/// All columns in the order of the file; version 3 added the last seven.
static COLUMNS: [(&str, Source); 40] = [
    ("AccountId", Source::Id(Field::AccountId)),
    ("AccountName", Source::Text(Field::AccountName)),
    ("AccountOwnerEmail", Source::Text(Field::AccountOwnerId)),
    ("AdditionalInfo", Source::Text(Field::AdditionalInfo)),
    ("ConsumedQuantity", Source::Number(Field::Quantity)),
    ("ConsumedService", Source::Text(Field::ConsumedService)),
    ("ConsumedServiceId", Source::ObsoleteId(extras::CONSUMED_SERVICE_ID)),
    ("Cost", Source::Number(Field::Cost)),
    ("CostCenter", Source::Text(Field::CostCenter)),
    ("Date", Source::Day(Field::Date)),
    ("DepartmentId", Source::Id(Field::InvoiceSectionId)),
    ("DepartmentName", Source::Text(Field::InvoiceSectionName)),
    ("InstanceId", Source::Text(Field::ResourceId)),
    ("MeterCategory", Source::Text(Field::MeterCategory)),
    ("MeterId", Source::Text(Field::MeterId)),
    ("MeterName", Source::Text(Field::MeterName)),
    ("MeterRegion", Source::Text(Field::MeterRegion)),
    ("MeterSubCategory", Source::Text(Field::MeterSubCategory)),
    ("Product", Source::Text(Field::ProductName)),
    ("ProductId", Source::ObsoleteId(extras::PRODUCT_ID)),
    ("ResourceGroup", Source::Text(Field::ResourceGroup)),
    ("ResourceLocation", Source::Text(Field::ResourceLocation)),
    ("ResourceLocationId", Source::ObsoleteId(extras::RESOURCE_LOCATION_ID)),
    ("ResourceRate", Source::Number(Field::EffectivePrice)),
    ("ServiceAdministratorId", Source::Extra(extras::SERVICE_ADMINISTRATOR_ID)),
    ("ServiceInfo1", Source::Text(Field::ServiceInfo1)),
    ("ServiceInfo2", Source::Text(Field::ServiceInfo2)),
    ("StoreServiceIdentifier", Source::Extra(extras::STORE_SERVICE_IDENTIFIER)),
    ("SubscriptionGuid", Source::Text(Field::SubscriptionId)),
    ("SubscriptionId", Source::ObsoleteId(extras::SUBSCRIPTION_NUMBER)),
    ("SubscriptionName", Source::Text(Field::SubscriptionName)),
    ("Tags", Source::Tags),
    ("UnitOfMeasure", Source::Text(Field::UnitOfMeasure)),
    ("PartNumber", Source::Text(Field::PartNumber)),
    ("ResourceGuid", Source::ExtraOr(extras::RESOURCE_GUID, Field::MeterId)),
    ("OfferId", Source::Text(Field::OfferId)),
    ("ChargesBilledSeparately", Source::Not(Field::IsAzureCreditEligible)),
    ("Location", Source::ExtraOr(extras::LOCATION, Field::ResourceLocation)),
    ("ServiceName", Source::ExtraOr(extras::SERVICE_NAME, Field::MeterCategory)),
    ("ServiceTier", Source::ExtraOr(extras::SERVICE_TIER, Field::MeterSubCategory)),
];
const V2_COLUMNS: usize = 33;

/// Members of version 3 that stand before those that it shares with version 2, where the cost stands elsewhere.
const V3_FIRST: [&str; 8] = [
    "serviceName",
    "serviceTier",
    "location",
    "chargesBilledSeparately",
    "partNumber",
    "resourceGuid",
    "offerId",
    "cost",
];

/// Members of version 2, with the cost under the name that it has there.
const V2_MEMBERS: [&str; V2_COLUMNS] = [
    "accountId",
    "productId",
    "resourceLocationId",
    "consumedServiceId",
    "departmentId",
    "accountOwnerEmail",
    "accountName",
    "serviceAdministratorId",
    "subscriptionId",
    "subscriptionGuid",
    "subscriptionName",
    "date",
    "product",
    "meterId",
    "meterCategory",
    "meterSubCategory",
    "meterRegion",
    "meterName",
    "consumedQuantity",
    "resourceRate",
    "Cost",
    "resourceLocation",
    "consumedService",
    "instanceId",
    "serviceInfo1",
    "serviceInfo2",
    "additionalInfo",
    "tags",
    "storeServiceIdentifier",
    "departmentName",
    "costCenter",
    "unitOfMeasure",
    "resourceGroup",
];

impl ReportingVersion {
    /// All versions, oldest first.
    pub const ALL: [Self; 3] = [Self::V1, Self::V2, Self::V3];

    /// The version as paths spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }

    /// Columns of the file, in order.
    pub(crate) fn columns(self) -> &'static [(&'static str, Source)] {
        match self {
            Self::V1 | Self::V2 => COLUMNS.split_at(V2_COLUMNS).0,
            Self::V3 => &COLUMNS,
        }
    }

    /// Members of the JSON form, in order.
    pub(crate) fn members(self) -> Vec<(&'static str, Source)> {
        let old = V2_MEMBERS.iter().filter(|name| self != Self::V3 || **name != "Cost");
        let new = V3_FIRST.iter().filter(|_| self == Self::V3);
        new.chain(old).map(|name| (*name, source(name))).collect()
    }
}

impl Source {
    /// The field that is read.
    pub(crate) const fn field(self) -> Option<Field> {
        match self {
            Self::Text(field)
            | Self::Number(field)
            | Self::ExtraOr(_, field)
            | Self::Id(field)
            | Self::Day(field)
            | Self::UsDay(field)
            | Self::DayPart(_, field)
            | Self::Not(field) => Some(field),
            Self::Tags => Some(Field::Tags),
            Self::Extra(_) | Self::ObsoleteId(_) => None,
        }
    }
}

/// Where a column or member has its value from.
fn source(name: &str) -> Source {
    let column = COLUMNS.iter().find(|(column, _)| column.eq_ignore_ascii_case(name));
    column.expect("a test looks each member up").1
}

/// Whether a text is a whole number that JSON knows: digits without a zero in front.
pub(crate) fn is_whole(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || text[0] != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published lists, as data; see `tests/data/README.md`.
    const PUBLISHED: &str = include_str!("../tests/data/columns.json");

    #[test]
    fn files_have_the_published_columns_in_the_published_order() {
        let published: serde_json::Value = serde_json::from_str(PUBLISHED).unwrap();
        for (version, list) in [
            (ReportingVersion::V1, "ea_reporting_v2_csv_unconfirmed"),
            (ReportingVersion::V2, "ea_reporting_v2_csv_unconfirmed"),
            (ReportingVersion::V3, "ea_reporting_v3_csv"),
        ] {
            let names: Vec<&str> = version.columns().iter().map(|(name, _)| *name).collect();
            let expected: Vec<&str> =
                published[list].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            assert_eq!(names, expected, "{version:?}");
        }
    }

    #[test]
    fn members_are_the_columns_in_another_order() {
        for version in ReportingVersion::ALL {
            let lower = |name: &str| name.to_ascii_lowercase();
            let mut members: Vec<_> = version.members().iter().map(|(name, source)| (lower(name), *source)).collect();
            let mut columns: Vec<_> = version.columns().iter().map(|(name, source)| (lower(name), *source)).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            columns.sort_by(|a, b| a.0.cmp(&b.0));
            assert_eq!(members, columns, "{version:?}");
        }
    }
}
