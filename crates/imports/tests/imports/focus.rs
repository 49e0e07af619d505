//! FOCUS cost files: one file, both datasets, and what Cost Details reports of them.

use std::collections::BTreeMap;

use ::parquet::basic::Compression;
use formats::{Layout, OtherProviders};
use lazurite_imports::{ImportOptions, ImportOutcome, ImportedPeriod, verify};
use ledger::Dataset;
use money::{Decimal, Limits};
use samples::bundled::{EA_ACTUAL, EA_AMORTIZED};

use crate::parquet::{Types, parquet};
use crate::support::{A, Bench, Question, SEPTEMBER, cells};

const ACTUAL: Dataset = Dataset::ActualCost;
const AMORTIZED: Dataset = Dataset::AmortizedCost;
const EA: Question<'static> = Question { enrollment: "8611537", layout: Layout::EaPortalC360, ..SEPTEMBER };

/// Columns of Microsoft's FOCUS exports that cells of Cost Details become.
const NAMES: &str = "BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodEnd,BillingPeriodStart,\
    ChargeCategory,ChargeClass,ChargeDescription,ChargeFrequency,ChargePeriodEnd,ChargePeriodStart,CommitmentDiscountId,\
    CommitmentDiscountName,CommitmentDiscountStatus,CommitmentDiscountType,ConsumedQuantity,ContractedUnitPrice,\
    EffectiveCost,ListUnitPrice,PricingCategory,PricingQuantity,ProviderName,PublisherName,RegionId,ResourceId,ResourceName,\
    ServiceName,SkuMeter,SubAccountId,SubAccountName,Tags,x_AccountName,x_AccountOwnerId,x_BillingAccountId,\
    x_BillingProfileId,x_BillingProfileName,x_CostAllocationRuleName,x_CostCenter,x_EffectiveUnitPrice,\
    x_InvoiceSectionId,x_InvoiceSectionName,x_PricingBlockSize,x_PricingUnitDescription,x_PublisherCategory,\
    x_ResourceGroupName,x_SkuDetails,x_SkuIsCreditEligible,x_SkuMeterCategory,x_SkuMeterId,x_SkuMeterSubcategory,\
    x_SkuOfferId,x_SkuOrderId,x_SkuOrderName,x_SkuPartNumber,x_SkuPlanName,x_SkuRegion,x_SkuServiceFamily,x_SkuTerm";

type Row = BTreeMap<String, String>;

fn rows_of(text: &[u8]) -> Vec<Row> {
    let cells = cells(text);
    cells[1..].iter().map(|row| cells[0].iter().cloned().zip(row.iter().cloned()).collect()).collect()
}

fn is_benefit(row: &Row) -> bool {
    ["Reservation", "SavingsPlan"].contains(&row["PricingModel"].as_str())
}

fn is_purchase(row: &Row) -> bool {
    is_benefit(row) && ["Purchase", "Refund"].contains(&row["ChargeType"].as_str())
}

/// Rows of which Microsoft's conversion guide makes a FOCUS file: all amortized ones, and purchases of benefits. The real
/// files hold no unused reservation and none of a Marketplace; such rows are made of others.
fn source() -> Vec<Row> {
    let mut rows = rows_of(EA_AMORTIZED.bytes);
    let covered = rows.iter().find(|row| row["PricingModel"] == "Reservation").unwrap().clone();
    let changed = |row: &Row, changes: &[(&str, &str)]| {
        let mut row = row.clone();
        row.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        row
    };
    rows.push(changed(&covered, &[("ChargeType", "UnusedReservation"), ("Cost", "0.1250"), ("SubscriptionId", "")]));
    let vendor = [("PublisherType", "Marketplace"), ("ChargeType", "Purchase"), ("Frequency", "Recurring")];
    rows.push(changed(rows.iter().find(|row| !is_benefit(row)).unwrap(), &vendor));
    rows.extend(rows_of(EA_ACTUAL.bytes).into_iter().filter(is_purchase));
    rows
}

fn iso(date: &str) -> calendar::Date {
    calendar::Date::parse_any(date.as_bytes()).unwrap()
}

/// A row of Cost Details in the words of FOCUS, as the conversion guide says it.
fn focus_cell(row: &Row, name: &str) -> String {
    let cell = |name: &str| row[name].clone();
    let day = |date: calendar::Date| format!("{date}T00:00:00Z");
    let charge_type = row["ChargeType"].as_str();
    let is_unused = charge_type.starts_with("Unused");
    let is_usage = charge_type == "Usage" || is_unused;
    match name {
        "BilledCost" if is_benefit(row) && is_usage => "0".to_owned(),
        "EffectiveCost" if is_purchase(row) => "0".to_owned(),
        "BilledCost" | "EffectiveCost" => cell("Cost"),
        "BillingAccountId" => format!("/providers/Microsoft.Billing/billingAccounts/{}", row["BillingAccountId"]),
        "x_BillingAccountId" => cell("BillingAccountId"),
        "BillingPeriodStart" => day(iso(&row["BillingPeriodStartDate"])),
        "BillingPeriodEnd" => day(iso(&row["BillingPeriodEndDate"]).next().unwrap()),
        "ChargePeriodStart" => day(iso(&row["Date"])),
        "ChargePeriodEnd" => day(iso(&row["Date"]).next().unwrap()),
        "ChargeCategory" => if is_usage { "Usage" } else { "Purchase" }.to_owned(),
        "ChargeClass" => if charge_type == "Refund" { "Correction" } else { "" }.to_owned(),
        "ChargeDescription" => cell("Product"),
        "ChargeFrequency" => {
            let words = [("OneTime", "One-Time"), ("Recurring", "Recurring"), ("UsageBased", "Usage-Based")];
            words.iter().find(|(own, _)| *own == row["Frequency"]).unwrap().1.to_owned()
        }
        "CommitmentDiscountId" => cell("benefitId"),
        "CommitmentDiscountName" => cell("benefitName"),
        "CommitmentDiscountStatus" if is_unused => "Unused".to_owned(),
        "CommitmentDiscountStatus" if is_benefit(row) && is_usage => "Used".to_owned(),
        "CommitmentDiscountType" if is_benefit(row) => row["PricingModel"].replace("SavingsPlan", "Savings Plan"),
        "CommitmentDiscountStatus" | "CommitmentDiscountType" | "ServiceName" => String::new(),
        "ConsumedQuantity" if is_usage => cell("Quantity"),
        "ConsumedQuantity" => String::new(),
        "PricingQuantity" => cell("Quantity"),
        "x_PricingBlockSize" => "1".to_owned(),
        "ContractedUnitPrice" => cell("UnitPrice"),
        "ListUnitPrice" => cell("PayGPrice"),
        "PricingCategory" if is_benefit(row) => "Committed".to_owned(),
        "PricingCategory" => "Standard".to_owned(),
        "ProviderName" => "Microsoft".to_owned(),
        "RegionId" => row["ResourceLocation"].to_ascii_lowercase(),
        "SkuMeter" => cell("MeterName"),
        "SubAccountId" if row["SubscriptionId"].is_empty() => String::new(),
        "SubAccountId" => format!("/subscriptions/{}", row["SubscriptionId"]),
        "SubAccountName" => cell("SubscriptionName"),
        "Tags" if row["Tags"].is_empty() => String::new(),
        "Tags" => format!("{{{}}}", row["Tags"]),
        "x_EffectiveUnitPrice" => cell("EffectivePrice"),
        "x_InvoiceSectionName" => cell("InvoiceSection"),
        "x_PricingUnitDescription" => cell("UnitOfMeasure"),
        "x_PublisherCategory" if row["PublisherType"] == "Marketplace" => "Vendor".to_owned(),
        "x_PublisherCategory" => "Cloud Provider".to_owned(),
        "x_ResourceGroupName" => cell("ResourceGroup"),
        "x_SkuDetails" => cell("AdditionalInfo"),
        "x_SkuIsCreditEligible" => cell("IsAzureCreditEligible"),
        "x_SkuMeterSubcategory" => cell("MeterSubCategory"),
        "x_SkuOrderId" => cell("ProductOrderId"),
        "x_SkuOrderName" => cell("ProductOrderName"),
        "x_SkuRegion" => cell("MeterRegion"),
        name => cell(name.trim_start_matches("x_Sku").trim_start_matches("x_")),
    }
}

/// A FOCUS file, header first.
fn focus(rows: &[Row]) -> Vec<Vec<String>> {
    let names: Vec<String> = NAMES.split(',').map(str::to_owned).collect();
    let body = rows.iter().map(|row| names.iter().map(|name| focus_cell(row, name)).collect());
    std::iter::once(names.clone()).chain(body).collect()
}

fn csv(rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// The rows of a dataset as Cost Details reports them: what FOCUS has no place for is blank.
fn expected(rows: &[Row], dataset: Dataset) -> Vec<Row> {
    let own = rows.iter().filter(|row| match dataset {
        ACTUAL => !row["ChargeType"].starts_with("Unused"),
        AMORTIZED => !is_purchase(row),
    });
    let mut own: Vec<Row> = own
        .map(|row| {
            let mut row = row.clone();
            if dataset == ACTUAL && is_benefit(&row) && row["ChargeType"] == "Usage" {
                row.extend([("Cost".to_owned(), "0".to_owned()), ("EffectivePrice".to_owned(), "0".to_owned())]);
            }
            for lost in ["ConsumedService", "ServiceInfo1", "ServiceInfo2", "AvailabilityZone"] {
                row.insert(lost.to_owned(), String::new());
            }
            let location = row["ResourceLocation"].to_ascii_lowercase();
            row.insert("ResourceLocation".to_owned(), location);
            if !row["Tags"].is_empty() {
                row.insert("Tags".to_owned(), format!("{{{}}}", row["Tags"]));
            }
            for date in ["Date", "BillingPeriodStartDate", "BillingPeriodEndDate"] {
                row.insert(date.to_owned(), iso(&row[date]).to_string());
            }
            row
        })
        .collect();
    own.sort();
    own
}

async fn served(bench: &Bench, question: &Question<'_>) -> Vec<Row> {
    let rows = bench.rows(question).await;
    let mut served: Vec<Row> = rows[1..]
        .iter()
        .map(|row| {
            let cells = rows[0].iter().zip(row).map(|(name, cell)| match name.ends_with("Date") && !cell.is_empty() {
                true => (name.clone(), iso(cell).to_string()),
                false => (name.clone(), cell.clone()),
            });
            cells.collect()
        })
        .collect();
    served.sort();
    served
}

fn sum(rows: &[Row], column: &str) -> String {
    let mut total = money::Total::default();
    for row in rows {
        total.add(Decimal::parse(row[column].as_bytes(), Limits::COST).unwrap().value).unwrap();
    }
    total.value().to_string()
}

fn totals(outcome: &ImportOutcome) -> Vec<(Dataset, u64, String, bool)> {
    let of = |period: &ImportedPeriod| (period.dataset, period.rows, period.total.clone(), period.unchanged);
    outcome.imported.iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_is_both_datasets_in_one_revision_and_comes_back_cell_by_cell() {
    let rows = source();
    let file = focus(&rows);
    let columnar = parquet(&file, Types::Texts, Compression::SNAPPY);
    for (name, bytes) in [("focus.csv", csv(&file).into_bytes()), ("focus.parquet", columnar)] {
        let bench = Bench::new().await;
        let outcome = bench.import_bytes(name, &bytes).await.unwrap();
        let (actual, amortized) = (expected(&rows, ACTUAL), expected(&rows, AMORTIZED));
        let all = [(ACTUAL, &actual), (AMORTIZED, &amortized)];
        let told = all.map(|(dataset, rows)| (dataset, rows.len() as u64, sum(rows, "Cost"), false));
        assert_eq!(totals(&outcome), told);
        assert!(outcome.imported.iter().all(|period| period.revision.as_deref() == Some("1")));
        for (dataset, rows) in all {
            assert_eq!(&served(&bench, &Question { dataset, ..EA }).await, rows, "{name}");
        }
        let report = verify(&bench.store, &|_, _| {}).await.unwrap();
        assert!(report.is_ok(), "{report:?}");
        assert_eq!(report.checked.sources, 1);
        let again = bench.import_bytes(name, &bytes).await.unwrap();
        assert!(again.imported.iter().all(|period| period.unchanged), "{name}");
        // What no column of a charge takes comes back too, in both datasets.
        let columns = ["FocusBillingAccountId", "FocusConsumedQuantity", "SubAccountId", "EffectiveCost", "BilledCost"];
        let served = served(&bench, &Question { unknown_columns: &columns, ..EA }).await;
        let used: Vec<Row> = amortized.into_iter().filter(|row| !row["ChargeType"].starts_with("Unused")).collect();
        assert_eq!(sum(&served, "EffectiveCost"), sum(&used, "Cost"));
        assert!(served.iter().all(|row| row["FocusBillingAccountId"].ends_with("/billingAccounts/8611537")));
        let usage = served.iter().filter(|row| row["ChargeType"] == "Usage");
        usage.for_each(|row| assert_eq!(row["FocusConsumedQuantity"], row["Quantity"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dataset_of_a_file_can_be_asked_for() {
    let rows = source();
    let bench = Bench::new().await;
    let path = bench.file("focus.csv", csv(&focus(&rows)));
    let mut options = ImportOptions { paths: vec![path], ..Default::default() };
    options.fill.dataset = Some(AMORTIZED);
    let outcome = bench.import(options).await.unwrap();
    assert_eq!(outcome.imported.len(), 1);
    assert_eq!(outcome.imported[0].total, sum(&expected(&rows, AMORTIZED), "Cost"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_without_a_row_in_one_dataset_is_empty_there() {
    let purchase: Vec<Row> = source().into_iter().filter(is_purchase).collect();
    let bench = Bench::new().await;
    bench.import_bytes("month.csv", csv(&focus(&source()))).await.unwrap();
    let outcome = bench.import_bytes("later.csv", csv(&focus(&purchase))).await.unwrap();
    assert_eq!(totals(&outcome), [(ACTUAL, 1, "3.25".to_owned(), false), (AMORTIZED, 0, "0".to_owned(), false)]);
    assert_eq!(bench.rows(&Question { dataset: AMORTIZED, ..EA }).await.len(), 1);
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_datasets_of_a_file_are_of_one_enrollment() {
    // A row of each dataset alone, of two enrollments.
    let mut rows: Vec<Row> =
        source().into_iter().filter(|row| is_purchase(row) || row["ChargeType"].starts_with("Unused")).collect();
    assert_eq!(rows.len(), 2);
    rows[0].insert("BillingAccountId".to_owned(), "777".to_owned());
    let bench = Bench::new().await;
    let error = bench.import_bytes("two.csv", csv(&focus(&rows))).await.unwrap_err().to_string();
    assert!(error.contains("two.csv") && error.contains("two enrollments or currencies"), "{error}");
    assert_eq!(bench.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_of_other_providers_are_refused_by_name_or_left_out_when_asked_for() {
    let mut file = focus(&source());
    let provider = file[0].iter().position(|name| name == "ProviderName").unwrap();
    file[2][provider] = "AWS".to_owned();
    file[4][provider] = "Google Cloud".to_owned();
    let bench = Bench::new().await;
    let mut options = ImportOptions { paths: vec![bench.file("clouds.csv", csv(&file))], ..Default::default() };
    let error = bench.import(options.clone()).await.unwrap_err().to_string();
    assert!(error.contains("clouds.csv, line 3, column ProviderName: \"AWS\""), "{error}");
    assert!(error.contains("--skip-other-providers"), "{error}");
    assert_eq!(bench.version().await, 0);
    options.other_providers = OtherProviders::LeftOut;
    let outcome = bench.import(options.clone()).await.unwrap();
    let rows: u64 =
        outcome.imported.iter().filter(|period| period.dataset == AMORTIZED).map(|period| period.rows).sum();
    assert_eq!((outcome.left_out, outcome.rejected, rows), (2, 0, 28));
    assert!(bench.import(options).await.unwrap().imported.iter().all(|period| period.unchanged));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_understood_is_missing_in_both_datasets_and_told_once() {
    let mut file = focus(&source());
    let column = |name: &str| file[0].iter().position(|own| own == name).unwrap();
    let (effective, day) = (column("EffectiveCost"), column("ChargePeriodStart"));
    file[1][effective] = "much".to_owned();
    file[2][day] = "some day".to_owned();
    let bench = Bench::new().await;
    let rejects = bench.folder.path().join("rejects.csv");
    let paths = vec![bench.file("focus.csv", csv(&file))];
    let options = ImportOptions { paths, rejects: Some(rejects.clone()), ..Default::default() };
    let outcome = bench.import(options).await.unwrap();
    let rows: Vec<u64> = outcome.imported.iter().map(|period| period.rows).collect();
    let source = source();
    let all = [ACTUAL, AMORTIZED].map(|dataset| expected(&source, dataset).len() as u64 - 2);
    assert_eq!((outcome.rejected, rows), (2, all.to_vec()));
    let kept = cells(&std::fs::read(rejects).unwrap());
    let told: Vec<[&str; 2]> = kept[1..].iter().map(|row| [row[1].as_str(), row[2].as_str()]).collect();
    assert_eq!(told, [["2", "EffectiveCost"], ["3", "ChargePeriodStart"]]);
    let held = bench.store.catalog().held_at(1).await.unwrap();
    assert!(held.iter().count() == 2 && held.iter().all(|holding| holding.incomplete));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_focus_file_and_an_export_of_the_same_month_are_not_parts() {
    let bench = Bench::new().await;
    let other = [("SubscriptionId", A), ("MeterId", "another"), ("Cost", "77")];
    let mut rows: Vec<Row> = source().into_iter().filter(|row| !is_benefit(row)).take(1).collect();
    rows[0].extend(other.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let paths = vec![bench.file("focus.csv", csv(&focus(&rows))), bench.file("ea.csv", EA_ACTUAL.bytes)];
    let error = bench.import(ImportOptions { paths, ..Default::default() }).await.unwrap_err().to_string();
    assert!(error.contains("a FOCUS file") && error.contains("--parts"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_focus_run_are_one_import_of_each_dataset() {
    let rows = source();
    let (first, second) = rows.split_at(12);
    let bench = Bench::new().await;
    let run = "e/20230901-20230930/202310010000/g";
    bench.file(&format!("{run}/part_0_0001.csv"), csv(&focus(first)));
    bench.file(&format!("{run}/part_0_0002.parquet"), parquet(&focus(second), Types::Texts, Compression::SNAPPY));
    let blob = |name: &str, rows: usize| serde_json::json!({ "blobName": format!("x/{name}"), "dataRowCount": rows });
    let blobs = [blob("part_0_0001.csv", first.len()), blob("part_0_0002.parquet", second.len())];
    let manifest = serde_json::json!({ "blobCount": 2, "dataRowCount": rows.len(), "blobs": blobs });
    bench.file(&format!("{run}/manifest.json"), manifest.to_string());
    let options = ImportOptions { paths: vec![bench.folder.path().join("e")], ..Default::default() };
    let outcome = bench.import(options).await.unwrap();
    let told = [ACTUAL, AMORTIZED].map(|dataset| {
        let rows = expected(&rows, dataset);
        (dataset, rows.len() as u64, sum(&rows, "Cost"), false)
    });
    assert_eq!(totals(&outcome), told);
    for dataset in [ACTUAL, AMORTIZED] {
        assert_eq!(served(&bench, &Question { dataset, ..EA }).await, expected(&rows, dataset));
    }
}
