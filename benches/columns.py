"""Which columns the questions have: those of the report layout `ea_2024_08_01` and the members of a page's rows."""

DATES = {"Date", "BillingPeriodStartDate", "BillingPeriodEndDate"}
BOOLEANS = {"IsAzureCreditEligible"}
# Decimal columns with their scale in the lake.
DECIMALS = {"Quantity": 18, "EffectivePrice": 18, "UnitPrice": 18, "PayGPrice": 18, "CostInBillingCurrency": 28}

LAYOUT = """
InvoiceSectionName AccountName AccountOwnerId SubscriptionId SubscriptionName ResourceGroup ResourceLocation Date
ProductName MeterCategory MeterSubCategory MeterId MeterName MeterRegion UnitOfMeasure Quantity EffectivePrice
CostInBillingCurrency CostCenter ConsumedService ResourceId Tags OfferId AdditionalInfo ServiceInfo1 ServiceInfo2
ResourceName ReservationId ReservationName UnitPrice ProductOrderId ProductOrderName Term PublisherType PublisherName
ChargeType Frequency PricingModel AvailabilityZone BillingAccountId BillingAccountName BillingCurrencyCode
BillingPeriodStartDate BillingPeriodEndDate BillingProfileId BillingProfileName InvoiceSectionId IsAzureCreditEligible
PartNumber PayGPrice PlanName ServiceFamily CostAllocationRuleName benefitId benefitName AccountId
ResourceLocationNormalized
""".split()

# Members of `properties` of a usage detail in version 2024-08-01, with the column of the layout that fills each.
MEMBERS = {
    "billingAccountId": "BillingAccountId", "billingAccountName": "BillingAccountName",
    "billingPeriodStartDate": "BillingPeriodStartDate", "billingPeriodEndDate": "BillingPeriodEndDate",
    "billingProfileId": "BillingProfileId", "billingProfileName": "BillingProfileName",
    "accountOwnerId": "AccountOwnerId", "accountName": "AccountName", "subscriptionId": "SubscriptionId",
    "subscriptionName": "SubscriptionName", "date": "Date", "product": "ProductName", "partNumber": "PartNumber",
    "meterId": "MeterId", "quantity": "Quantity", "effectivePrice": "EffectivePrice",
    "cost": "CostInBillingCurrency", "unitPrice": "UnitPrice", "billingCurrency": "BillingCurrencyCode",
    "resourceLocation": "ResourceLocation", "consumedService": "ConsumedService", "resourceId": "ResourceId",
    "resourceName": "ResourceName", "serviceInfo1": "ServiceInfo1", "serviceInfo2": "ServiceInfo2",
    "invoiceSection": "InvoiceSectionName", "costCenter": "CostCenter", "resourceGroup": "ResourceGroup",
    "reservationId": "ReservationId", "reservationName": "ReservationName", "productOrderId": "ProductOrderId",
    "productOrderName": "ProductOrderName", "offerId": "OfferId", "isAzureCreditEligible": "IsAzureCreditEligible",
    "term": "Term", "publisherName": "PublisherName", "publisherType": "PublisherType", "planName": "PlanName",
    "chargeType": "ChargeType", "frequency": "Frequency", "payGPrice": "PayGPrice", "benefitId": "benefitId",
    "benefitName": "benefitName", "pricingModel": "PricingModel",
}  # fmt: skip
# What a row of a page needs besides: its tags, and where it was read, of which its name is made.
PAGE_EXTRAS = {"tags": "tags", "sourceHash": "source_hash", "sourceRow": "source_row"}


def lake_column(name):
    """The column of the lake that holds a column of the layout."""
    odd = {"CostInBillingCurrency": "cost", "PayGPrice": "payg_price"}
    if name in odd:
        return odd[name]
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def page_columns():
    """Member of a page's row and the column of the lake that fills it, for all members."""
    return {member: lake_column(name) for member, name in MEMBERS.items()} | PAGE_EXTRAS
