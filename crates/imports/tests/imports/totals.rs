//! Totals come from roll-ups, and are those of the rows: exactly, on every path, whatever happens to the roll-ups.

use std::collections::BTreeMap;
use std::path::PathBuf;

use calendar::{Date, DateRange};
use lake::{Dimension, TotalsQuestion};
use lazurite_imports::verify;
use ledger::{Dataset, EnrollmentId, Window};
use money::{Decimal, Limits, Total};
use samples::bundled::EA_ACTUAL;

use crate::support::{A, B, Bench, actual, export, taken};

/// Rows and sum by the texts of the dimensions.
type Sums = BTreeMap<Vec<Option<String>>, (u64, String)>;

async fn totals(bench: &Bench, enrollment: &str, window: Window, by: &[Dimension]) -> Sums {
    let snapshot = bench.store.lake().snapshot().await.unwrap();
    let enrollment = EnrollmentId::parse(enrollment).unwrap();
    let question = TotalsQuestion { enrollment: &enrollment, dataset: Dataset::ActualCost, window, by };
    let sums = snapshot.totals(&question).await.unwrap();
    sums.into_iter().map(|(texts, sum)| (texts, (sum.rows, sum.cost.value().to_shortest_string()))).collect()
}

/// The same, row by row from the text of an export.
fn of_text(text: &[u8], window: Window, by: &[Dimension]) -> Sums {
    let mut reader = csv::Reader::from_reader(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text));
    let headers = reader.headers().unwrap().clone();
    let position = |name: &str| headers.iter().position(|own| own == name).unwrap();
    let cost =
        if headers.iter().any(|own| own == "Cost") { position("Cost") } else { position("CostInBillingCurrency") };
    let mut sums: BTreeMap<Vec<Option<String>>, (u64, Total)> = BTreeMap::new();
    for record in reader.records() {
        let record = record.unwrap();
        let date = Date::parse_any(record[position("Date")].as_bytes()).unwrap();
        if let Window::Dates(days) = window
            && !days.contains(date)
        {
            continue;
        }
        let key = by.iter().map(|dimension| match dimension {
            Dimension::Day => Some(date.to_string()),
            Dimension::Subscription => Some(record[position("SubscriptionId")].to_owned()),
            Dimension::Meter => Some(record[position("MeterId")].to_owned()),
            Dimension::Category => Some(record[position("MeterCategory")].to_owned()),
            Dimension::ChargeType => Some(record[position("ChargeType")].to_owned()),
            Dimension::PricingModel => Some(record[position("PricingModel")].to_owned()),
        });
        let sum = sums.entry(key.map(|text| text.filter(|text| !text.is_empty())).collect()).or_default();
        sum.0 += 1;
        sum.1.add(Decimal::parse(record[cost].as_bytes(), Limits::COST).unwrap().value).unwrap();
    }
    sums.into_iter().map(|(key, (rows, total))| (key, (rows, total.value().to_shortest_string()))).collect()
}

fn files(bench: &Bench, folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(bench.folder.path().join("data").join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_are_those_of_the_rows_with_and_without_roll_ups() {
    let bench = Bench::new().await;
    bench.import_bytes(EA_ACTUAL.name, EA_ACTUAL.bytes).await.unwrap();
    let period = Window::Period("202309".parse().unwrap());
    let days = Window::Dates("2023-09-05..2023-09-21".parse::<DateRange>().unwrap());
    let questions = [
        (period, Dimension::ALL.to_vec()),
        (period, vec![Dimension::Day, Dimension::Category]),
        (days, vec![Dimension::Subscription]),
        (days, Vec::new()),
    ];
    let check = async |store: &Bench| {
        for (window, by) in &questions {
            assert_eq!(totals(store, "8611537", *window, by).await, of_text(EA_ACTUAL.bytes, *window, by), "{by:?}");
        }
    };
    check(&bench).await;
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
    let [rollup] = &files(&bench, "rollups")[..] else { panic!("there is one file") };
    let whole = std::fs::read(rollup).unwrap();
    for content in [Some(Vec::new()), Some(whole[..whole.len() / 2].to_vec()), None] {
        match content {
            Some(content) => std::fs::write(rollup, content).unwrap(),
            None => std::fs::remove_file(rollup).unwrap(),
        }
        // Another process remembers nothing.
        let store = lazurite_imports::Store::open(&bench.folder.path().join("data")).await.unwrap();
        let again = Bench { folder: tempfile::tempdir().unwrap(), store };
        check(&again).await;
        let report = verify(&again.store, &|_, _| {}).await.unwrap();
        assert!(report.violations.iter().any(|text| text.contains("roll-up")), "{:?}", report.violations);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_of_a_replaced_file_has_a_roll_up_too() {
    let bench = Bench::new().await;
    let rows = [(A, "09/01/2023", "1.10"), (B, "09/01/2023", "0.000000007292255759"), (A, "09/02/2023", "3")];
    bench.import(taken(actual(bench.file("month.csv", export(&rows))), 1)).await.unwrap();
    let mut part = taken(actual(bench.file("day.csv", export(&[(B, "09/02/2023", "-7.5")]))), 2);
    part.days = Some("2023-09-02..2023-09-02".parse().unwrap());
    bench.import(part).await.unwrap();
    assert_eq!(files(&bench, "rollups").len(), 3, "the month, what stays of it, and the day");
    let expected = export(&[rows[0], rows[1], (B, "09/02/2023", "-7.5")]);
    let period = Window::Period("202309".parse().unwrap());
    for by in [vec![], vec![Dimension::Day], vec![Dimension::Subscription, Dimension::Meter]] {
        let header = expected.lines().next().unwrap().replace("Tags", "MeterCategory");
        let text = format!("{header}\n{}", expected.split_once('\n').unwrap().1);
        assert_eq!(totals(&bench, "100", period, &by).await, of_text(text.as_bytes(), period, &by));
    }
    let snapshot = bench.store.lake().snapshot().await.unwrap();
    assert!(snapshot.files().iter().all(|file| file.rollup_sha256.is_some()));
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}
