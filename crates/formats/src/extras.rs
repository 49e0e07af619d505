//! Names in the map of unknown columns under which usage-detail pages and Enterprise Reporting files keep what the
//! charge schema has no field for. Such a cell is given back where its generation has a place for it; a row from
//! elsewhere does not have it.

/// The row's own name: the last segment of the id of a usage detail or Marketplace charge. Only rows from Consumption pages
/// have it.
pub const USAGE_DETAIL_NAME: &str = "UsageDetailName";
/// The billing period as ids of the source spell it, where that is not `YYYYMM` (`20180201`, `201804-1`).
pub const BILLING_PERIOD_NAME: &str = "BillingPeriodName";
/// Last segment of the invoice's id.
pub const INVOICE_NAME: &str = "InvoiceName";
/// Decimal text.
pub const BILLABLE_QUANTITY: &str = "BillableQuantity";
/// What the source said when it was read, `True` or `False`; answers tell by the clock (SEMANTICS 5).
pub const IS_ESTIMATED: &str = "IsEstimated";
/// Begin of the usage, where it is not the begin of the row's day.
pub const USAGE_START: &str = "UsageStart";
/// End of the usage, where it is not the end of the row's day.
pub const USAGE_END: &str = "UsageEnd";
/// ETag of the resource.
pub const ETAG: &str = "ETag";
/// Decimal text; from the meter's details.
pub const TOTAL_INCLUDED_QUANTITY: &str = "TotalIncludedQuantity";
/// Decimal text; the meter's list price.
pub const PRETAX_STANDARD_RATE: &str = "PretaxStandardRate";
/// Name of a Marketplace offer.
pub const OFFER_NAME: &str = "OfferName";
/// Whether a Marketplace charge comes again every month, `True` or `False`.
pub const IS_RECURRING_CHARGE: &str = "IsRecurringCharge";
/// Id of a Marketplace charge of Enterprise Reporting.
pub const CHARGE_ID: &str = "ChargeId";
/// GUID of the meter.
pub const RESOURCE_GUID: &str = "ResourceGuid";
/// Display name of the data centre.
pub const LOCATION: &str = "Location";
/// Service of the meter.
pub const SERVICE_NAME: &str = "ServiceName";
/// Tier of the meter's service.
pub const SERVICE_TIER: &str = "ServiceTier";
/// Number; obsolete.
pub const PRODUCT_ID: &str = "ProductId";
/// Number; obsolete.
pub const RESOURCE_LOCATION_ID: &str = "ResourceLocationId";
/// Number; obsolete.
pub const CONSUMED_SERVICE_ID: &str = "ConsumedServiceId";
/// E-mail address of the service administrator.
pub const SERVICE_ADMINISTRATOR_ID: &str = "ServiceAdministratorId";
/// The subscription's number, beside its GUID; obsolete.
pub const SUBSCRIPTION_NUMBER: &str = "SubscriptionNumber";
/// Obsolete.
pub const STORE_SERVICE_IDENTIFIER: &str = "StoreServiceIdentifier";
