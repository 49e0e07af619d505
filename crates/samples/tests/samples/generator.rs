//! Generated exports: layout, counts, exact totals, realism.

use std::collections::{HashMap, HashSet};
use std::io;

use lazurite_samples::generator::{self, Entropy, GeneratorOptions, MonthSummary, OptionsError};

use crate::csv;
use crate::decimal::{Digits, fraction_digits};
use crate::layout::COLUMNS;

const ENTROPIES: [Entropy; 2] = [Entropy::Low, Entropy::High];

fn generate(options: &GeneratorOptions, month_index: u32) -> (MonthSummary, String) {
    let mut bytes = Vec::new();
    let summary = generator::write(options, month_index, &mut bytes).expect("memory takes all bytes");
    (summary, String::from_utf8(bytes).expect("exports are UTF-8"))
}

/// A parsed row; cells are read by column name.
struct Row(Vec<String>);

impl Row {
    fn cell(&self, name: &str) -> &str {
        let column = COLUMNS.iter().position(|column| *column == name).expect("a column of the layout");
        &self.0[column]
    }
}

fn rows(options: &GeneratorOptions) -> (MonthSummary, Vec<Row>) {
    let (summary, text) = generate(options, 0);
    (summary, csv::parse(&text).into_iter().skip(1).map(Row).collect())
}

fn options(rows: u64, entropy: Entropy) -> GeneratorOptions {
    GeneratorOptions { rows, entropy, ..GeneratorOptions::default() }
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[test]
fn same_options_same_bytes() {
    for entropy in ENTROPIES {
        let options = options(3_000, entropy);
        assert_eq!(generate(&options, 0), generate(&options.clone(), 0));
        let other = GeneratorOptions { seed: 2, ..options.clone() };
        assert_ne!(generate(&options, 0).1, generate(&other, 0).1);
    }
}

/// FNV-1a of whole files: whoever changes the generator's output on purpose changes these, and says so.
#[test]
fn bytes_stay_the_same_over_releases() {
    let hashes = ENTROPIES.map(|entropy| hash(generate(&options(3_000, entropy), 0).1.as_bytes()));
    assert_eq!(hashes, [8_135_833_633_141_678_518, 18_054_310_544_393_036_785]);
}

#[test]
fn row_counts_are_exact_over_months() {
    let options = GeneratorOptions {
        rows: 10_007,
        months: 14,
        first_month: (2023, 12),
        resources: 60,
        ..GeneratorOptions::default()
    };
    let mut rows = 0;
    let mut periods = Vec::new();
    for month_index in 0..options.months {
        let (summary, text) = generate(&options, month_index);
        assert_eq!(csv::parse(&text).len() as u64, summary.rows + 1);
        assert!(summary.rows.abs_diff(10_007 / 14) <= 1);
        rows += summary.rows;
        periods.push(summary.period);
    }
    assert_eq!(rows, 10_007);
    assert_eq!(periods.first().map(String::as_str), Some("202312"));
    assert_eq!(periods.last().map(String::as_str), Some("202501"));
}

#[test]
fn layout_is_that_of_the_contract() {
    for entropy in ENTROPIES {
        let (_, text) = generate(&options(3_000, entropy), 0);
        let body = text.strip_prefix('\u{feff}').expect("a byte order mark");
        assert!(!body.contains('\r'));
        let records = csv::parse(body);
        assert_eq!(records[0], COLUMNS);
        assert!(records.iter().all(|record| record.len() == COLUMNS.len()));
        assert_eq!(csv::render(&records), body, "quotes stand only where needed");
    }
}

#[test]
fn total_is_the_sum_of_the_cells() {
    for entropy in ENTROPIES {
        let (summary, rows) = rows(&options(6_000, entropy));
        let mut total = Digits::default();
        for row in &rows {
            total.add(&Digits::parse(row.cell("CostInBillingCurrency")));
        }
        assert_eq!(summary.total, total.to_text());
        assert_eq!(summary.rows, 6_000);
    }
}

#[test]
fn cost_is_quantity_times_price_but_for_a_few_long_ones() {
    let (_, rows) = rows(&options(10_000, Entropy::Low));
    let half_unit = Digits::parse("0.000000005");
    let (mut inexact, mut padded, mut price_digits) = (0, 0, 0);
    for row in &rows {
        let [quantity, price, cost] =
            ["Quantity", "EffectivePrice", "CostInBillingCurrency"].map(|name| row.cell(name));
        assert!(
            fraction_digits(quantity) <= 8 && fraction_digits(price) <= 16 && fraction_digits(cost) <= 28,
            "{quantity:?} × {price:?}: {cost}"
        );
        price_digits = price_digits.max(fraction_digits(price));
        let (quantity, price) = (Digits::parse(quantity), Digits::parse(price));
        let (product, held) = (quantity.times(&price), Digits::parse(cost));
        if product == held {
            assert_eq!(cost, product.to_text(), "computed costs are printed in shortest form");
            continue;
        }
        inexact += 1;
        padded += usize::from(cost.ends_with("0000"));
        assert!((24..=28).contains(&fraction_digits(cost)), "{cost}");
        assert!(!half_unit.times(&price).is_below(&product.distance(&held)), "{quantity:?} × {price:?}: {cost}");
    }
    assert!((10..=200).contains(&inexact), "{inexact} of {} rows have a long cost", rows.len());
    assert!(padded > 2, "{padded} costs end in zeros");
    assert!(price_digits >= 12, "prices have up to {price_digits} decimals");
}

#[test]
fn rows_average_one_kilobyte() {
    for entropy in ENTROPIES {
        let (summary, text) = generate(&options(12_000, entropy), 0);
        let bytes = text.len() as u64 / summary.rows;
        assert!((700..=1_300).contains(&bytes), "{entropy:?}: {bytes} bytes a row");
    }
}

#[test]
fn dates_are_in_order_inside_the_month() {
    let options = GeneratorOptions { first_month: (2024, 2), ..options(5_000, Entropy::Low) };
    let (_, rows) = rows(&options);
    let dates: Vec<&str> = rows.iter().map(|row| row.cell("Date")).collect();
    assert!(dates.is_sorted());
    let distinct: HashSet<&str> = dates.iter().copied().collect();
    let expected: HashSet<String> = (1..=29).map(|day| format!("02/{day:02}/2024")).collect();
    assert_eq!(distinct, expected.iter().map(String::as_str).collect());
    assert!(rows.iter().all(|row| row.cell("BillingPeriodStartDate") == "02/01/2024"));
    assert!(rows.iter().all(|row| row.cell("BillingPeriodEndDate") == "02/29/2024"));
}

#[test]
fn charges_mean_the_same_in_both_datasets() {
    let (_, rows) = rows(&options(8_000, Entropy::Low));
    let mut counts: HashMap<[&str; 4], usize> = HashMap::new();
    for row in &rows {
        let names = ["ChargeType", "PricingModel", "PublisherType", "IsAzureCreditEligible"];
        *counts.entry(names.map(|name| row.cell(name))).or_default() += 1;
        for name in ["ReservationId", "ReservationName", "benefitId", "benefitName", "CostAllocationRuleName"] {
            assert_eq!(row.cell(name), "", "{name}");
        }
        if row.cell("PublisherType") == "Marketplace" {
            assert_eq!((row.cell("UnitPrice"), row.cell("PayGPrice")), ("", "0"));
        } else {
            assert!(Digits::parse("0").is_below(&Digits::parse(row.cell("UnitPrice"))));
        }
    }
    let count = |key: [&str; 4]| counts.get(&key).copied().unwrap_or_default();
    let spot = count(["Usage", "Spot", "Azure", "True"]);
    let marketplace = count(["Usage", "OnDemand", "Marketplace", "False"]);
    let purchases = count(["Purchase", "OnDemand", "Marketplace", "False"]);
    let usage = count(["Usage", "OnDemand", "Azure", "True"]);
    assert_eq!(usage + spot + marketplace + purchases, rows.len(), "{counts:?}");
    assert!((30..1_200).contains(&spot), "{spot}");
    assert!((30..1_200).contains(&marketplace), "{marketplace}");
    assert_eq!(purchases, 6);
}

#[test]
fn hierarchy_is_a_tree_of_the_asked_size() {
    let (_, rows) = rows(&options(12_000, Entropy::Low));
    let distinct = |name: &str| rows.iter().map(|row| row.cell(name)).collect::<HashSet<_>>().len();
    assert_eq!([distinct("InvoiceSectionId"), distinct("AccountId"), distinct("SubscriptionId")], [4, 9, 24]);
    // 2,000 with usage and six plans.
    assert_eq!(distinct("ResourceId"), 2_006);
    for (child, parent) in [("SubscriptionId", "AccountId"), ("AccountId", "InvoiceSectionId")] {
        let mut parents: HashMap<&str, &str> = HashMap::new();
        for row in &rows {
            assert_eq!(*parents.entry(row.cell(child)).or_insert(row.cell(parent)), row.cell(parent));
        }
    }
}

#[test]
fn low_entropy_text_is_a_function_of_resource_and_meter() {
    let (_, rows) = rows(&options(8_000, Entropy::Low));
    let mut texts: HashMap<[&str; 2], Vec<&str>> = HashMap::new();
    for row in &rows {
        let varying = ["Date", "Quantity", "CostInBillingCurrency"];
        let text = COLUMNS.iter().filter(|name| !varying.contains(name)).map(|name| row.cell(name)).collect();
        let key = [row.cell("ResourceId"), row.cell("MeterId")];
        assert_eq!(*texts.entry(key).or_insert_with(|| Vec::clone(&text)), text);
    }
    assert!((2_000..5_000).contains(&texts.len()), "{} lines", texts.len());
}

#[test]
fn high_entropy_rows_have_text_of_their_own() {
    let (_, rows) = rows(&options(8_000, Entropy::High));
    let is_own = |row: &&Row| row.cell("AdditionalInfo").contains("CorrelationId");
    let own: Vec<&Row> = rows.iter().filter(is_own).collect();
    assert!((2_800..3_600).contains(&own.len()), "{} of {} rows", own.len(), rows.len());
    for name in ["AdditionalInfo", "Tags"] {
        let distinct: HashSet<&str> = own.iter().map(|row| row.cell(name)).collect();
        assert_eq!(distinct.len(), own.len(), "{name} is different in each of these rows");
    }
    for row in own {
        let info = row.cell("AdditionalInfo");
        assert!((150..250).contains(&info.len()) && info.starts_with('{') && info.ends_with('}'), "{info}");
        let tags = row.cell("Tags");
        assert!(tags.starts_with('"') && tags.ends_with('"') && tags.contains(r#""run-id": ""#), "{tags}");
    }
}

#[test]
fn small_files_work() {
    for rows in [0, 1, 40] {
        let options = GeneratorOptions {
            departments: 1,
            accounts: 1,
            subscriptions: 1,
            resources: 1,
            ..options(rows, Entropy::High)
        };
        let (summary, text) = generate(&options, 0);
        assert_eq!(summary.rows, rows);
        assert_eq!(csv::parse(&text).len() as u64, rows + 1);
    }
    assert_eq!(generate(&options(0, Entropy::Low), 0).0.total, "0");
}

#[test]
fn refuses_before_writing() {
    let mut bytes = Vec::new();
    let error = generator::write(&GeneratorOptions::default(), 1, &mut bytes).expect_err("there is one month only");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let inner = error.into_inner().and_then(|inner| inner.downcast::<OptionsError>().ok());
    assert_eq!(inner.as_deref(), Some(&OptionsError::MonthIndex { month_index: 1, months: 1 }));
    assert!(bytes.is_empty());
}
