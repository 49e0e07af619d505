//! The members of a row in each API generation (contract `consumption-api.md` section 4, `enterprise-reporting-api.md`
//! section 5), in the order in which the original sends them.

use ledger::Field;

use super::member::{Member, Unknown, Value};
use crate::reporting::{ReportingVersion, Source};
use crate::{extras, usage_report};

/// Which expandable members are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expanded {
    /// Details of the meter.
    pub meter_details: bool,
    /// `additionalProperties`, later `additionalInfo`.
    pub additional_info: bool,
}

/// Versions compare like their text, previews after the day they are of.
fn since(version: &str, first: &str) -> bool {
    version >= first
}

/// First version of the newer members.
pub(super) const NEWER_FORM: &str = "2019-04-01-preview";
/// The version at which `az` asks: it prints the dates of the older members, and none without them.
const OF_THE_CLI: &str = "2023-05-01";
/// First version whose rows say their kind.
pub(super) const KIND: &str = "2019-10-01";

const fn member(name: &'static str, value: Value, unknown: Unknown) -> Member {
    Member { name, value, unknown }
}

const fn text(name: &'static str, field: Field) -> Member {
    member(name, Value::Cell(field), Unknown::Blank)
}

const fn known(name: &'static str, value: Value) -> Member {
    member(name, value, Unknown::Absent)
}

/// Properties of a usage detail up to 2019-01-01.
pub(super) fn legacy(version: &str, expanded: Expanded) -> Vec<Member> {
    let mut members = vec![
        known("billingPeriodId", Value::BillingPeriodId),
        known("invoiceId", Value::InvoiceId),
        known("usageStart", Value::UsageStart),
        known("usageEnd", Value::UsageEnd),
        text("instanceId", Field::ResourceId),
        text("instanceName", Field::ResourceName),
        text("instanceLocation", Field::ResourceLocation),
        text("meterId", Field::MeterId),
        known("usageQuantity", Value::Cell(Field::Quantity)),
        known("billableQuantity", Value::ExtraNumberOr(extras::BILLABLE_QUANTITY, Field::Quantity)),
        known("pretaxCost", Value::Cell(Field::Cost)),
        text("currency", Field::BillingCurrencyCode),
    ];
    if expanded.additional_info {
        // An object in the first version, a text that holds one later.
        let value = match version {
            "2017-04-24-preview" => Value::Object(Field::AdditionalInfo),
            _ => Value::Cell(Field::AdditionalInfo),
        };
        members.push(known("additionalProperties", value));
    }
    members.push(known("isEstimated", Value::Estimated));
    if since(version, "2017-11-30") {
        members.extend([
            text("subscriptionGuid", Field::SubscriptionId),
            text("subscriptionName", Field::SubscriptionName),
            text("accountName", Field::AccountName),
            text("departmentName", Field::InvoiceSectionName),
            text("product", Field::ProductName),
            text("consumedService", Field::ConsumedService),
            text("costCenter", Field::CostCenter),
        ]);
    }
    if since(version, "2018-05-31") {
        members.extend([
            known("partNumber", Value::Cell(Field::PartNumber)),
            known("resourceGuid", Value::ExtraOr(extras::RESOURCE_GUID, Field::MeterId)),
            known("offerId", Value::Cell(Field::OfferId)),
            known("chargesBilledSeparately", Value::Not(Field::IsAzureCreditEligible)),
        ]);
    }
    if since(version, "2018-06-30") {
        members.push(known("location", Value::ExtraOr(extras::LOCATION, Field::ResourceLocation)));
    }
    let details = if expanded.meter_details { legacy_meter(version) } else { Value::Null };
    members.push(member("meterDetails", details, Unknown::Null));
    members
}

fn legacy_meter(version: &str) -> Value {
    let mut members = vec![
        known("meterName", Value::Cell(Field::MeterName)),
        known("meterCategory", Value::Cell(Field::MeterCategory)),
        known("unit", Value::Cell(Field::UnitOfMeasure)),
        known("meterLocation", Value::Cell(Field::MeterRegion)),
        known("meterSubCategory", Value::Cell(Field::MeterSubCategory)),
        known("totalIncludedQuantity", Value::ExtraNumber(extras::TOTAL_INCLUDED_QUANTITY)),
        known("pretaxStandardRate", Value::ExtraNumberOr(extras::PRETAX_STANDARD_RATE, Field::PayGPrice)),
    ];
    if since(version, "2018-06-30") {
        members.push(known("serviceName", Value::ExtraOr(extras::SERVICE_NAME, Field::MeterCategory)));
        members.push(known("serviceTier", Value::ExtraOr(extras::SERVICE_TIER, Field::MeterSubCategory)));
    }
    Value::Members(members)
}

/// Properties of a usage detail from 2019-04-01-preview on.
pub(super) fn newer(version: &str, expanded: Expanded) -> Vec<Member> {
    let cell = |name, field| known(name, Value::Cell(field));
    let details = if expanded.meter_details { newer_meter() } else { Value::Null };
    let mut members = vec![
        cell("billingAccountId", Field::BillingAccountId),
        cell("billingAccountName", Field::BillingAccountName),
        known("billingPeriodStartDate", Value::Midnight(Field::BillingPeriodStartDate)),
        known("billingPeriodEndDate", Value::Midnight(Field::BillingPeriodEndDate)),
        cell("billingProfileId", Field::BillingProfileId),
        cell("billingProfileName", Field::BillingProfileName),
        cell("accountOwnerId", Field::AccountOwnerId),
        cell("accountName", Field::AccountName),
        cell("subscriptionId", Field::SubscriptionId),
        cell("subscriptionName", Field::SubscriptionName),
        known("date", Value::Midnight(Field::Date)),
        cell("product", Field::ProductName),
        cell("partNumber", Field::PartNumber),
        cell("meterId", Field::MeterId),
        member("meterDetails", details, Unknown::Null),
        cell("quantity", Field::Quantity),
        cell("effectivePrice", Field::EffectivePrice),
        cell("cost", Field::Cost),
        cell("unitPrice", Field::UnitPrice),
        cell("billingCurrency", Field::BillingCurrencyCode),
        cell("resourceLocation", Field::ResourceLocation),
        cell("consumedService", Field::ConsumedService),
        cell("resourceId", Field::ResourceId),
        cell("resourceName", Field::ResourceName),
        cell("serviceInfo1", Field::ServiceInfo1),
        cell("serviceInfo2", Field::ServiceInfo2),
    ];
    if expanded.additional_info {
        members.push(cell("additionalInfo", Field::AdditionalInfo));
    }
    members.extend([
        cell("invoiceSection", Field::InvoiceSectionName),
        cell("costCenter", Field::CostCenter),
        cell("resourceGroup", Field::ResourceGroup),
        cell("reservationId", Field::ReservationId),
        cell("reservationName", Field::ReservationName),
        cell("productOrderId", Field::ProductOrderId),
        cell("productOrderName", Field::ProductOrderName),
        cell("offerId", Field::OfferId),
        cell("isAzureCreditEligible", Field::IsAzureCreditEligible),
        cell("term", Field::Term),
        cell("publisherName", Field::PublisherName),
        cell("publisherType", Field::PublisherType),
        cell("planName", Field::PlanName),
        cell("chargeType", Field::ChargeType),
        cell("frequency", Field::Frequency),
    ]);
    if version == OF_THE_CLI {
        members.push(known("usageStart", Value::UsageStart));
        members.push(known("usageEnd", Value::UsageEnd));
    }
    // One version of 2019 had two of the members that came for good in 2021.
    let for_good = since(version, "2021-10-01");
    if for_good || version == "2019-11-01" {
        members.push(cell("payGPrice", Field::PayGPrice));
        if for_good {
            members.push(cell("benefitId", Field::BenefitId));
            members.push(cell("benefitName", Field::BenefitName));
        }
        members.push(cell("pricingModel", Field::PricingModel));
    }
    members
}

fn newer_meter() -> Value {
    let cell = |name, field| known(name, Value::Cell(field));
    Value::Members(vec![
        cell("meterName", Field::MeterName),
        cell("meterCategory", Field::MeterCategory),
        cell("meterSubCategory", Field::MeterSubCategory),
        cell("unitOfMeasure", Field::UnitOfMeasure),
        cell("serviceFamily", Field::ServiceFamily),
    ])
}

/// Properties of a Marketplace charge. What recorded answers have stands first, in their order.
pub(super) fn marketplaces(version: &str) -> Vec<Member> {
    let cell = |name, field| known(name, Value::Cell(field));
    let mut members = vec![
        known("billingPeriodId", Value::BillingPeriodId),
        known("usageStart", Value::UsageStart),
        known("usageEnd", Value::UsageEnd),
        cell("currency", Field::BillingCurrencyCode),
        cell("instanceId", Field::ResourceId),
        cell("instanceName", Field::ResourceName),
        cell("orderNumber", Field::ProductOrderId),
        cell("consumedQuantity", Field::Quantity),
        cell("resourceRate", Field::EffectivePrice),
        cell("pretaxCost", Field::Cost),
        known("isEstimated", Value::Estimated),
        cell("subscriptionGuid", Field::SubscriptionId),
        known("offerName", Value::Extra(extras::OFFER_NAME)),
        cell("resourceGroup", Field::ResourceGroup),
        cell("unitOfMeasure", Field::UnitOfMeasure),
        cell("meterId", Field::MeterId),
        cell("subscriptionName", Field::SubscriptionName),
        cell("accountName", Field::AccountName),
        cell("departmentName", Field::InvoiceSectionName),
        cell("consumedService", Field::ConsumedService),
        cell("costCenter", Field::CostCenter),
        cell("additionalProperties", Field::AdditionalInfo),
    ];
    if since(version, "2019-10-01") {
        members.push(cell("additionalInfo", Field::AdditionalInfo));
    }
    members.extend([cell("publisherName", Field::PublisherName), cell("planName", Field::PlanName)]);
    if since(version, "2018-10-01") {
        members.push(known("isRecurringCharge", Value::Recurring));
    }
    members
}

/// A Marketplace charge of the Enterprise Reporting APIs (contract `enterprise-reporting-api.md` section 8).
pub(super) fn marketplace_charges(version: ReportingVersion) -> Vec<Member> {
    let number = |name, field| member(name, Value::Cell(field), Unknown::Null);
    let id = |name, field| member(name, Value::Integer(field), Unknown::Zero);
    let mut members = vec![
        known("id", Value::ChargeId),
        text("subscriptionGuid", Field::SubscriptionId),
        text("subscriptionName", Field::SubscriptionName),
        text("meterId", Field::MeterId),
        known("usageStartDate", Value::PlainStart),
        known("usageEndDate", Value::PlainEnd),
        member("offerName", Value::Extra(extras::OFFER_NAME), Unknown::Blank),
        text("resourceGroup", Field::ResourceGroup),
        text("instanceId", Field::ResourceId),
        text("additionalInfo", Field::AdditionalInfo),
        member("tags", Value::TagsText, Unknown::Blank),
        text("orderNumber", Field::ProductOrderId),
        text("unitOfMeasure", Field::UnitOfMeasure),
        text("costCenter", Field::CostCenter),
        id("accountId", Field::AccountId),
        text("accountName", Field::AccountName),
        text("accountOwnerId", Field::AccountOwnerId),
        id("departmentId", Field::InvoiceSectionId),
        text("departmentName", Field::InvoiceSectionName),
        text("publisherName", Field::PublisherName),
        text("planName", Field::PlanName),
        number("consumedQuantity", Field::Quantity),
        number("resourceRate", Field::EffectivePrice),
        number("extendedCost", Field::Cost),
    ];
    if version == ReportingVersion::V3 {
        members.push(member("isRecurringCharge", Value::Recurring, Unknown::Null));
    }
    members
}

/// A row of the Enterprise Reporting APIs.
pub(super) fn reporting(version: ReportingVersion) -> Vec<Member> {
    version.members().into_iter().map(of_source).collect()
}

/// A row of the usage reports before them.
pub(super) fn usage_report() -> Vec<Member> {
    usage_report::members().into_iter().map(of_source).collect()
}

fn of_source((name, source): (&'static str, Source)) -> Member {
    match source {
        Source::Text(field) => text(name, field),
        Source::Number(field) => member(name, Value::Cell(field), Unknown::Null),
        Source::Extra(extra) => member(name, Value::Extra(extra), Unknown::Blank),
        Source::ExtraOr(extra, field) => member(name, Value::ExtraOr(extra, field), Unknown::Blank),
        Source::Id(field) => member(name, Value::Integer(field), Unknown::Zero),
        Source::ObsoleteId(extra) => member(name, Value::ExtraInteger(extra), Unknown::Zero),
        Source::Day(field) => known(name, Value::PlainMidnight(field)),
        Source::UsDay(field) => known(name, Value::UsDay(field)),
        Source::DayPart(part, field) => known(name, Value::DayPart(part, field)),
        Source::Not(field) => member(name, Value::Not(field), Unknown::Null),
        Source::Tags => member(name, Value::TagsText, Unknown::Blank),
    }
}
