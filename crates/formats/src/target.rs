//! Where the older usage-detail forms put their facts: which member or column fills which field, and what is kept as
//! an unknown column because the charge schema has no field for it (SEMANTICS 3.8).
//!
//! Consumption pages and Enterprise Reporting share one vocabulary; only the subscription's number has a name that
//! means something else in the other form.

use std::borrow::Cow;

use ledger::Field;

use crate::extras;

/// The column of a charge that a value goes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// A field of the charge schema.
    Field(Field),
    /// An unknown column under this name.
    Extra(String),
}

/// What is done to a value's text on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellReading {
    /// Nothing.
    AsIs,
    /// The field says the opposite of the value.
    Negated,
    /// 0 stands for unknown.
    UnlessZero,
    /// The last segment of an id.
    LastSegment,
    /// A truth value, spelled as in files.
    Truth,
}

/// Where a value goes, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) slot: Slot,
    pub(crate) reading: CellReading,
}

#[derive(Clone, Copy)]
enum To {
    Field(Field),
    Extra(&'static str),
}

/// Names in lower case. What is not here goes to the field of the same name, else to an unknown column.
const KNOWN: [(&str, To, CellReading); 48] = [
    ("usagequantity", To::Field(Field::Quantity), CellReading::AsIs),
    ("consumedquantity", To::Field(Field::Quantity), CellReading::AsIs),
    ("pretaxcost", To::Field(Field::Cost), CellReading::AsIs),
    ("cost", To::Field(Field::Cost), CellReading::AsIs),
    ("extendedcost", To::Field(Field::Cost), CellReading::AsIs),
    ("resourcerate", To::Field(Field::EffectivePrice), CellReading::AsIs),
    ("instanceid", To::Field(Field::ResourceId), CellReading::AsIs),
    ("instancename", To::Field(Field::ResourceName), CellReading::AsIs),
    ("instancelocation", To::Field(Field::ResourceLocation), CellReading::AsIs),
    ("subscriptionguid", To::Field(Field::SubscriptionId), CellReading::AsIs),
    ("departmentid", To::Field(Field::InvoiceSectionId), CellReading::UnlessZero),
    ("departmentname", To::Field(Field::InvoiceSectionName), CellReading::AsIs),
    ("invoicesection", To::Field(Field::InvoiceSectionName), CellReading::AsIs),
    ("accountid", To::Field(Field::AccountId), CellReading::UnlessZero),
    ("accountowneremail", To::Field(Field::AccountOwnerId), CellReading::AsIs),
    ("enrollmentnumber", To::Field(Field::BillingAccountId), CellReading::AsIs),
    ("product", To::Field(Field::ProductName), CellReading::AsIs),
    ("additionalproperties", To::Field(Field::AdditionalInfo), CellReading::AsIs),
    ("chargesbilledseparately", To::Field(Field::IsAzureCreditEligible), CellReading::Negated),
    ("billingcurrency", To::Field(Field::BillingCurrencyCode), CellReading::AsIs),
    ("currency", To::Field(Field::BillingCurrencyCode), CellReading::AsIs),
    ("meterdetails.metername", To::Field(Field::MeterName), CellReading::AsIs),
    ("meterdetails.metercategory", To::Field(Field::MeterCategory), CellReading::AsIs),
    ("meterdetails.metersubcategory", To::Field(Field::MeterSubCategory), CellReading::AsIs),
    ("meterdetails.unit", To::Field(Field::UnitOfMeasure), CellReading::AsIs),
    ("meterdetails.unitofmeasure", To::Field(Field::UnitOfMeasure), CellReading::AsIs),
    ("meterdetails.meterlocation", To::Field(Field::MeterRegion), CellReading::AsIs),
    ("meterdetails.servicefamily", To::Field(Field::ServiceFamily), CellReading::AsIs),
    ("meterdetails.totalincludedquantity", To::Extra(extras::TOTAL_INCLUDED_QUANTITY), CellReading::AsIs),
    ("meterdetails.pretaxstandardrate", To::Extra(extras::PRETAX_STANDARD_RATE), CellReading::AsIs),
    ("meterdetails.servicename", To::Extra(extras::SERVICE_NAME), CellReading::AsIs),
    ("meterdetails.servicetier", To::Extra(extras::SERVICE_TIER), CellReading::AsIs),
    ("servicename", To::Extra(extras::SERVICE_NAME), CellReading::AsIs),
    ("servicetier", To::Extra(extras::SERVICE_TIER), CellReading::AsIs),
    ("invoiceid", To::Extra(extras::INVOICE_NAME), CellReading::LastSegment),
    ("billablequantity", To::Extra(extras::BILLABLE_QUANTITY), CellReading::AsIs),
    ("isestimated", To::Extra(extras::IS_ESTIMATED), CellReading::Truth),
    ("etag", To::Extra(extras::ETAG), CellReading::AsIs),
    ("resourceguid", To::Extra(extras::RESOURCE_GUID), CellReading::AsIs),
    ("location", To::Extra(extras::LOCATION), CellReading::AsIs),
    ("productid", To::Extra(extras::PRODUCT_ID), CellReading::UnlessZero),
    ("resourcelocationid", To::Extra(extras::RESOURCE_LOCATION_ID), CellReading::UnlessZero),
    ("consumedserviceid", To::Extra(extras::CONSUMED_SERVICE_ID), CellReading::UnlessZero),
    ("serviceadministratorid", To::Extra(extras::SERVICE_ADMINISTRATOR_ID), CellReading::AsIs),
    ("ordernumber", To::Field(Field::ProductOrderId), CellReading::AsIs),
    ("offername", To::Extra(extras::OFFER_NAME), CellReading::AsIs),
    ("isrecurringcharge", To::Extra(extras::IS_RECURRING_CHARGE), CellReading::Truth),
    ("storeserviceidentifier", To::Extra(extras::STORE_SERVICE_IDENTIFIER), CellReading::AsIs),
];

impl Target {
    /// Of a member of a Consumption page; `name` without the prefix `properties.`.
    pub(crate) fn of_consumption(name: &str) -> Self {
        Self::of(&name.to_ascii_lowercase(), name)
    }

    /// Of a member or column of Enterprise Reporting: `lower` is the name as it is compared, `name` as it is written.
    pub(crate) fn of_enterprise_reporting(lower: &str, name: &str) -> Self {
        match lower {
            // The subscription's GUID has a name of its own there; this is its obsolete number.
            "subscriptionid" => {
                let slot = Slot::Extra(extras::SUBSCRIPTION_NUMBER.to_owned());
                Self { slot, reading: CellReading::UnlessZero }
            }
            _ => Self::of(lower, name),
        }
    }

    fn of(lower: &str, name: &str) -> Self {
        if let Some((_, to, reading)) = KNOWN.iter().find(|(known, ..)| *known == lower) {
            let slot = match to {
                To::Field(field) => Slot::Field(*field),
                To::Extra(kept) => Slot::Extra((*kept).to_owned()),
            };
            return Self { slot, reading: *reading };
        }
        let same = Field::ALL.iter().copied().find(|field| field.name().eq_ignore_ascii_case(lower));
        let slot = same.map_or_else(|| Slot::Extra(name.to_owned()), Slot::Field);
        Self { slot, reading: CellReading::AsIs }
    }
}

impl CellReading {
    /// What goes into the column. A text that the reading does not know is passed on, so that the field's own check
    /// refuses it with its value.
    pub(crate) fn apply(self, cell: Cow<'_, str>) -> Cow<'_, str> {
        let is = |text: &str| cell.eq_ignore_ascii_case(text);
        match self {
            Self::AsIs => cell,
            Self::Negated if is("true") => Cow::Borrowed("False"),
            Self::Negated if is("false") => Cow::Borrowed("True"),
            Self::Truth if is("true") => Cow::Borrowed("True"),
            Self::Truth if is("false") => Cow::Borrowed("False"),
            Self::Negated | Self::Truth => cell,
            Self::UnlessZero if cell.trim() == "0" => Cow::Borrowed(""),
            Self::UnlessZero => cell,
            Self::LastSegment => Cow::Owned(last_segment(&cell).to_owned()),
        }
    }
}

/// The last segment of an id, which may end in a slash.
pub(crate) fn last_segment(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> (Slot, String) {
        let target = Target::of_consumption(name);
        (target.slot, target.reading.apply(Cow::Borrowed(value)).into_owned())
    }

    #[test]
    fn names_are_known_once_and_in_lower_case() {
        for (index, (name, ..)) in KNOWN.iter().enumerate() {
            assert_eq!(*name, name.to_ascii_lowercase());
            assert!(!KNOWN[..index].iter().any(|(other, ..)| other == name), "{name}");
        }
    }

    #[test]
    fn facts_find_their_field_or_their_unknown_column() {
        let field = Slot::Field;
        let extra = |name: &str| Slot::Extra(name.to_owned());
        let cases = [
            ("Cost", "1", field(Field::Cost), "1"),
            ("benefitId", "/x", field(Field::BenefitId), "/x"),
            ("payGPrice", "7E-05", field(Field::PayGPrice), "7E-05"),
            ("departmentName", "Unassigned", field(Field::InvoiceSectionName), "Unassigned"),
            ("departmentId", "0", field(Field::InvoiceSectionId), ""),
            ("accountId", "10", field(Field::AccountId), "10"),
            ("chargesBilledSeparately", "true", field(Field::IsAzureCreditEligible), "False"),
            ("chargesBilledSeparately", "FALSE", field(Field::IsAzureCreditEligible), "True"),
            ("chargesBilledSeparately", "maybe", field(Field::IsAzureCreditEligible), "maybe"),
            ("isEstimated", "true", extra(extras::IS_ESTIMATED), "True"),
            ("invoiceId", "/providers/x/invoices/201703-1", extra(extras::INVOICE_NAME), "201703-1"),
            ("meterDetails.meterLocation", "Zone 2", field(Field::MeterRegion), "Zone 2"),
            ("meterDetails.totalIncludedQuantity", "0", extra(extras::TOTAL_INCLUDED_QUANTITY), "0"),
            ("consumedServiceID", "0", extra(extras::CONSUMED_SERVICE_ID), ""),
            ("somethingNew", "0", extra("somethingNew"), "0"),
        ];
        for (name, value, slot, kept) in cases {
            assert_eq!(read(name, value), (slot, kept.to_owned()), "{name}");
        }
        let number = Target::of_enterprise_reporting("subscriptionid", "subscriptionId");
        assert_eq!(number.slot, extra(extras::SUBSCRIPTION_NUMBER));
        assert_eq!(Target::of_consumption("subscriptionId").slot, field(Field::SubscriptionId));
    }
}
