//! The header of the layout `ea_2024_08_01`: "EA cost and usage details", version 2024-08-01, 57 columns.
//!
//! The order of the cells of a row is that of `templates.rs`; the tests of the crate compare both.

/// Byte order mark and header line, exactly as Azure writes them.
pub(super) const HEADER: &str = "\u{feff}InvoiceSectionName,AccountName,AccountOwnerId,SubscriptionId,SubscriptionName,\
    ResourceGroup,ResourceLocation,Date,ProductName,MeterCategory,MeterSubCategory,MeterId,MeterName,MeterRegion,\
    UnitOfMeasure,Quantity,EffectivePrice,CostInBillingCurrency,CostCenter,ConsumedService,ResourceId,Tags,OfferId,\
    AdditionalInfo,ServiceInfo1,ServiceInfo2,ResourceName,ReservationId,ReservationName,UnitPrice,ProductOrderId,\
    ProductOrderName,Term,PublisherType,PublisherName,ChargeType,Frequency,PricingModel,AvailabilityZone,\
    BillingAccountId,BillingAccountName,BillingCurrencyCode,BillingPeriodStartDate,BillingPeriodEndDate,\
    BillingProfileId,BillingProfileName,InvoiceSectionId,IsAzureCreditEligible,PartNumber,PayGPrice,PlanName,\
    ServiceFamily,CostAllocationRuleName,benefitId,benefitName,AccountId,ResourceLocationNormalized\n";
