use proptest::prelude::*;

use super::*;
use crate::records::RecordReader;

const NAMES: &str = "BilledCost,EffectiveCost,BillingAccountId,x_BillingAccountId,BillingCurrency,BillingPeriodStart,\
    BillingPeriodEnd,ChargePeriodStart,ChargeCategory,ChargeClass,ChargeFrequency,CommitmentDiscountId,\
    CommitmentDiscountName,CommitmentDiscountStatus,CommitmentDiscountType,PricingCategory,ConsumedQuantity,\
    PricingQuantity,x_PricingBlockSize,ProviderName,RegionId,SubAccountId,x_SkuMeterId,x_EffectiveUnitPrice,\
    x_BilledUnitPrice,x_PublisherCategory,ServiceName,InvoiceId";

/// A row of usage with some cells changed.
fn row(changes: &[(&str, &str)]) -> String {
    let plain = [
        ("BilledCost", "1.50"),
        ("EffectiveCost", "1.50"),
        ("BillingAccountId", "/providers/Microsoft.Billing/billingAccounts/100"),
        ("x_BillingAccountId", "100"),
        ("BillingCurrency", "USD"),
        ("BillingPeriodStart", "2024-09-01T00:00Z"),
        ("BillingPeriodEnd", "2024-10-01T00:00:00Z"),
        ("ChargePeriodStart", "2024-09-18 00:00:00"),
        ("ChargeCategory", "Usage"),
        ("ChargeFrequency", "Usage-Based"),
        ("PricingCategory", "Standard"),
        ("ConsumedQuantity", "15"),
        ("PricingQuantity", "15"),
        ("x_PricingBlockSize", "1"),
        ("ProviderName", "Microsoft"),
        ("RegionId", "uksouth"),
        ("SubAccountId", "/subscriptions/s-1"),
        ("x_SkuMeterId", "m"),
        ("x_EffectiveUnitPrice", "0.1"),
        ("x_BilledUnitPrice", "0.1"),
        ("x_PublisherCategory", "Cloud Provider"),
        ("ServiceName", "Storage"),
        ("InvoiceId", "E1"),
    ];
    let cell = |name: &str| {
        let own = changes.iter().chain(&plain).find(|(known, _)| *known == name);
        own.map_or("", |(_, value)| *value)
    };
    NAMES.split(',').map(cell).collect::<Vec<_>>().join(",")
}

const RESERVATION: &str = "/providers/Microsoft.Capacity/reservationOrders/o/reservations/r";
const PLAN: &str = "/providers/Microsoft.BillingBenefits/savingsPlanOrders/o/savingsPlans/p";

fn reader(other_providers: OtherProviders) -> FocusReader {
    FocusReader::new("f", NAMES.split(',').map(str::to_owned).collect(), Some(1), other_providers).unwrap()
}

/// What a row becomes in each dataset: field or kept name, and cell, blank ones left out.
type Became = Vec<(Dataset, Vec<(String, String)>)>;

fn became(row: &str) -> Result<Became, String> {
    let mut reader = reader(OtherProviders::Refused);
    let mut records = RecordReader::new(row.as_bytes());
    let record = records.next_record().unwrap().unwrap();
    let row_of = reader.read(&record).map_err(|fault| fault.to_string())?;
    let mut became = Vec::new();
    for dataset in Dataset::ALL.into_iter().filter(|dataset| row_of.is_in(*dataset)) {
        let header = reader.header(dataset);
        let own = reader.record(&record, dataset);
        assert_eq!(own.len(), header.width());
        let text = own.text().unwrap();
        let fields = Field::ALL.iter().filter_map(|field| Some((field.name().to_owned(), header.position(*field)?)));
        let extras = header.unknown().iter().map(|(index, name)| (name.clone(), *index));
        let cells = fields.chain(extras).map(|(name, index)| (name, own.cell(text, index).into_owned()));
        became.push((dataset, cells.filter(|(_, cell)| !cell.is_empty()).collect()));
    }
    Ok(became)
}

fn cell<'b>(became: &'b Became, dataset: Dataset, name: &str) -> Option<&'b str> {
    let (_, cells) = became.iter().find(|(own, _)| *own == dataset)?;
    cells.iter().find(|(own, _)| own == name).map(|(_, cell)| cell.as_str())
}

const ACTUAL: Dataset = Dataset::ActualCost;
const AMORTIZED: Dataset = Dataset::AmortizedCost;

#[test]
fn plain_usage_is_in_both_datasets_with_the_words_of_cost_details() {
    let row = became(&row(&[("EffectiveCost", "1.5")])).unwrap();
    assert_eq!(row.len(), 2);
    for (name, expected) in [
        ("BillingAccountId", "100"),
        ("BillingPeriodStartDate", "2024-09-01"),
        ("BillingPeriodEndDate", "2024-09-30"),
        ("Date", "2024-09-18"),
        ("ChargeType", "Usage"),
        ("Frequency", "UsageBased"),
        ("PricingModel", "OnDemand"),
        ("PublisherType", "Azure"),
        ("SubscriptionId", "s-1"),
        ("ResourceLocation", "uksouth"),
        ("ResourceLocationNormalized", "uksouth"),
        ("MeterId", "m"),
        ("Quantity", "15"),
        ("EffectivePrice", "0.1"),
        ("FocusBillingAccountId", "/providers/Microsoft.Billing/billingAccounts/100"),
        ("FocusServiceName", "Storage"),
        ("InvoiceId", "E1"),
        ("SubAccountId", "/subscriptions/s-1"),
        ("ChargeCategory", "Usage"),
        ("FocusConsumedQuantity", "15"),
    ] {
        for dataset in Dataset::ALL {
            assert_eq!(cell(&row, dataset, name), Some(expected), "{name}");
        }
    }
    assert_eq!(cell(&row, ACTUAL, "CostInBillingCurrency"), Some("1.50"));
    assert_eq!(cell(&row, ACTUAL, "EffectiveCost"), Some("1.5"));
    assert_eq!(cell(&row, AMORTIZED, "CostInBillingCurrency"), Some("1.5"));
    assert_eq!(cell(&row, AMORTIZED, "BilledCost"), Some("1.50"));
    // Dates say nothing more than their days.
    assert_eq!(cell(&row, ACTUAL, "ChargePeriodStart"), None);
    let hourly = became(&self::row(&[("ChargePeriodStart", "2024-09-18T13:00:00Z")])).unwrap();
    assert_eq!(cell(&hourly, ACTUAL, "ChargePeriodStart"), Some("2024-09-18T13:00:00Z"));
}

#[test]
fn benefits_are_told_by_category_status_and_type() {
    // Category, class, status, type, id; whose dataset, charge type, pricing model, reservation.
    let (reservation, plan) = ("Reservation", "Savings Plan");
    let (order, billing) = ("/providers/Microsoft.Capacity/reservationOrders/o/reservations/", "1");
    let cases = [
        (["Usage", "", "Used", reservation, RESERVATION], "both", "Usage", "Reservation", Some("r")),
        (["Usage", "", "Used", plan, PLAN], "both", "Usage", "SavingsPlan", None),
        (["Usage", "", "Unused", reservation, RESERVATION], "amortized", "UnusedReservation", "Reservation", Some("r")),
        (["Usage", "", "Unused", "", PLAN], "amortized", "UnusedSavingsPlan", "SavingsPlan", None),
        (["Purchase", "", "", reservation, order], "actual", "Purchase", "Reservation", Some("o")),
        (["Purchase", "Correction", "", plan, PLAN], "actual", "Refund", "SavingsPlan", None),
        (["Purchase", "", "", "", ""], "both", "Purchase", "OnDemand", None),
        (["Purchase", "Correction", "", "", ""], "both", "Refund", "OnDemand", None),
        (["Adjustment", "", "", "", ""], "both", "RoundingAdjustment", "OnDemand", None),
        (["Tax", "", "", "", ""], "both", "Tax", "OnDemand", None),
        (["Credit", "", "", "", ""], "both", "Credit", "OnDemand", None),
    ];
    for ([category, class, status, kind, id], datasets, charge_type, pricing_model, reservation) in cases {
        let billed = if status.is_empty() { billing } else { "0" };
        let effective = if category == "Purchase" && !id.is_empty() { "0.00" } else { "2" };
        let row = became(&row(&[
            ("ChargeCategory", category),
            ("ChargeClass", class),
            ("CommitmentDiscountStatus", status),
            ("CommitmentDiscountType", kind),
            ("CommitmentDiscountId", id),
            ("BilledCost", billed),
            ("EffectiveCost", effective),
            ("PricingCategory", if id.is_empty() { "Standard" } else { "Committed" }),
        ]))
        .unwrap();
        let own: Vec<Dataset> = row.iter().map(|(dataset, _)| *dataset).collect();
        let expected: &[Dataset] = match datasets {
            "both" => &[ACTUAL, AMORTIZED],
            "actual" => &[ACTUAL],
            _ => &[AMORTIZED],
        };
        assert_eq!(own, expected, "{category} {status}");
        assert_eq!(cell(&row, own[0], "ChargeType"), Some(charge_type));
        assert_eq!(cell(&row, own[0], "PricingModel"), Some(pricing_model));
        assert_eq!(cell(&row, own[0], "ReservationId"), reservation);
        assert_eq!(cell(&row, own[0], "benefitId").unwrap_or_default(), id);
    }
}

#[test]
fn covered_usage_costs_nothing_where_it_is_billed_with_its_purchase() {
    let covered = [
        ("CommitmentDiscountStatus", "Used"),
        ("CommitmentDiscountType", "Reservation"),
        ("BilledCost", "0"),
        ("x_BilledUnitPrice", ""),
    ];
    let read = became(&row(&covered)).unwrap();
    assert_eq!(cell(&read, ACTUAL, "EffectivePrice"), Some("0"));
    assert_eq!(cell(&read, AMORTIZED, "EffectivePrice"), Some("0.1"));
}

#[test]
fn the_quantity_is_the_one_that_makes_the_cost() {
    let quantity = |consumed: &str, priced: &str, block: &str| {
        let row =
            became(&row(&[("ConsumedQuantity", consumed), ("PricingQuantity", priced), ("x_PricingBlockSize", block)]));
        cell(&row.unwrap(), ACTUAL, "Quantity").unwrap().to_owned()
    };
    // 1.50 at 0.1 a block of 100: until late 2024 and since then.
    assert_eq!(quantity("15.0", "0.15", "100"), "15.0");
    assert_eq!(quantity("1500", "15.00", "100"), "15.00");
    assert_eq!(quantity("15.0000001", "15", "1"), "15.0000001");
    assert_eq!(quantity("", "15", ""), "15");
}

#[test]
fn what_cannot_be_is_refused_by_column() {
    let refused = |changes: &[(&str, &str)], words: &str| {
        let fault = became(&row(changes)).unwrap_err();
        assert!(fault.contains(words), "{words:?} in {fault}");
    };
    refused(&[("ProviderName", "AWS")], "column ProviderName: \"AWS\": this is a charge of another provider");
    refused(&[("ProviderName", "AWS")], "--skip-other-providers");
    refused(&[("ProviderName", "")], "column ProviderName: the cell is blank");
    refused(&[("ChargeCategory", "Gift")], "column ChargeCategory: \"Gift\": expected Usage");
    refused(&[("ChargeCategory", "")], "column ChargeCategory: the cell is blank");
    refused(&[("CommitmentDiscountType", "Coupon")], "column CommitmentDiscountType: \"Coupon\"");
    refused(&[("CommitmentDiscountStatus", "Lost")], "column CommitmentDiscountStatus: \"Lost\"");
    refused(&[("PricingCategory", "Committed")], "column CommitmentDiscountType: the row is of a commitment");
    refused(&[("BilledCost", "")], "column BilledCost: the cell is blank");
    refused(&[("EffectiveCost", "x")], "column EffectiveCost: \"x\"");
    refused(&[("x_BilledUnitPrice", "x")], "column x_BilledUnitPrice: \"x\"");
    refused(&[("ChargePeriodStart", "soon")], "column ChargePeriodStart: \"soon\"");
    refused(&[("ChargePeriodStart", "2024-09-18T00:00:00+02:00")], "column ChargePeriodStart");
    let unused = [("CommitmentDiscountStatus", "Unused"), ("CommitmentDiscountType", "Reservation")];
    refused(&unused, "column BilledCost: \"1.50\": an unused commitment");
    let covered = [("CommitmentDiscountStatus", "Used"), ("CommitmentDiscountType", "Reservation")];
    refused(&covered, "column BilledCost: \"1.50\": usage that a commitment covers");
    let purchase = [("ChargeCategory", "Purchase"), ("CommitmentDiscountType", "Reservation")];
    refused(&purchase, "column EffectiveCost: \"1.50\": the cost of a commitment is effective where it is used");
    assert!(became("1,2").unwrap_err().contains("too short"));
}

#[test]
fn rows_of_others_are_left_out_when_asked_for() {
    let mut reader = reader(OtherProviders::LeftOut);
    let text = row(&[("ProviderName", "AWS"), ("BilledCost", "x")]);
    let mut records = RecordReader::new(text.as_bytes());
    let record = records.next_record().unwrap().unwrap();
    assert_eq!(reader.read(&record), Ok(RowOf::LeftOut));
}

#[test]
fn missing_and_doubled_columns_are_refused_by_name() {
    let refused = |names: &str| {
        let names = names.split(',').map(str::to_owned).collect();
        FocusReader::new("f", names, Some(1), OtherProviders::Refused).unwrap_err().to_string()
    };
    for name in ["ProviderName", "x_SkuMeterId", "PricingCategory", "EffectiveCost"] {
        let without: Vec<&str> = NAMES.split(',').filter(|own| *own != name).collect();
        assert!(refused(&without.join(",")).contains(&format!("column {name} is missing")), "{name}");
    }
    for more in ["invoice_id", "FocusServiceName", ""] {
        assert!(refused(&format!("{NAMES},{more}")).starts_with("f, line 1: column "), "{more}");
    }
}

#[test]
fn a_report_that_keeps_columns_of_focus_is_no_focus_file() {
    let names: Vec<String> = NAMES.split(',').map(str::to_owned).collect();
    assert!(is_focus(&names));
    assert!(!is_focus(&[names, vec!["CostInBillingCurrency".to_owned()]].concat()));
}

#[test]
fn a_field_is_filled_from_one_place() {
    let mut fields: Vec<Field> = DIRECT.iter().map(|(field, _)| *field).collect();
    fields.extend(DERIVED.iter().map(|(field, _)| *field));
    fields.push(Field::Cost);
    let count = fields.len();
    fields.sort_unstable();
    fields.dedup();
    assert_eq!(fields.len(), count);
    for (index, fact) in Fact::ALL.into_iter().enumerate() {
        assert_eq!(fact as usize, index);
    }
}

proptest! {
    /// Any two cells of a row: it is refused or taken, and what it is left out of has no cost there.
    #[test]
    fn no_money_is_left_out(
        picks in proptest::collection::vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 2..6),
    ) {
        let names: Vec<&str> = NAMES.split(',').collect();
        let words = ["Usage", "Purchase", "Used", "Unused", "Committed", "Correction", "Reservation", "", "0", "3.5", PLAN];
        let changes: Vec<(&str, &str)> =
            picks.iter().map(|(name, word)| (names[name.index(names.len())], words[word.index(words.len())])).collect();
        let text = row(&changes);
        let cost = |name: &str| text.split(',').nth(names.iter().position(|own| *own == name).unwrap()).unwrap().to_owned();
        if let Ok(became) = became(&text) {
            for (dataset, name) in [(ACTUAL, "BilledCost"), (AMORTIZED, "EffectiveCost")] {
                let own = cell(&became, dataset, "CostInBillingCurrency");
                prop_assert!(own == Some(cost(name).as_str()) || (own.is_none() && cost(name).trim_matches(['0', '.']).is_empty()));
            }
        }
    }
}
