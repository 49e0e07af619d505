//! Small files of many loads become one: no row, no total and no earlier version changes.

use lake::TotalsQuestion;
use lazurite_imports::{ImportOptions, verify};
use ledger::{Dataset, EnrollmentId, Window};

use crate::support::{A, B, Bench, Question, SEPTEMBER, actual, export, taken};

async fn day(bench: &Bench, number: u32, run: i64, cost: &str) -> ImportOptions {
    let date = format!("09/{number:02}/2023");
    let rows = [(B, date.as_str(), cost), (A, date.as_str(), "0.000000000000000001"), (B, date.as_str(), "2.50")];
    let mut options = taken(actual(bench.file(&format!("{number}-{run}.csv"), export(&rows))), run);
    let iso = format!("2023-09-{number:02}");
    options.days = Some(format!("{iso}..{iso}").parse().unwrap());
    options
}

async fn total(bench: &Bench) -> (u64, String) {
    let enrollment = EnrollmentId::parse("100").unwrap();
    let window = Window::Period("202309".parse().unwrap());
    let question = TotalsQuestion { enrollment: &enrollment, dataset: Dataset::ActualCost, window, by: &[] };
    let sums = bench.store.lake().snapshot().await.unwrap().totals(&question).await.unwrap();
    let sum = sums.values().next().unwrap();
    (sum.rows, sum.cost.value().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn days_become_one_file_with_the_same_rows_in_the_order_of_the_lake() {
    let bench = Bench::new().await;
    for number in 1..=20 {
        bench.import(day(&bench, number, 1, &format!("{number}.10")).await).await.unwrap();
    }
    let by_day = Question { version: Some(bench.version().await), ..SEPTEMBER };
    let (mut before, sum, files) =
        (bench.rows(&by_day).await, total(&bench).await, bench.store.lake().snapshot().await.unwrap().files().len());
    assert_eq!((files, before.len()), (20, 61));
    let merged = bench.store.compact().await.unwrap();
    assert_eq!((merged.sets, merged.files, merged.rows), (1, 20, 60));
    assert_eq!(bench.store.compact().await.unwrap().sets, 0, "one file is not merged again");
    assert_eq!(bench.store.lake().snapshot().await.unwrap().files().len(), 1);
    let mut after = bench.rows(&SEPTEMBER).await;
    let subscription = after[0].iter().position(|column| column == "SubscriptionId").unwrap();
    assert!(after[1..].is_sorted_by_key(|row| row[subscription].clone()), "a subscription is one stretch");
    assert_eq!(bench.rows(&by_day).await, before, "the version before stays as it was");
    before.sort();
    after.sort();
    assert_eq!(after, before);
    assert_eq!(total(&bench).await, sum);
    let report = verify(&bench.store, &|_, _| {}).await.unwrap();
    assert!(report.is_ok(), "{:?}", report.violations);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_day_is_restated_as_any_other() {
    let bench = Bench::new().await;
    for number in 1..=8 {
        bench.import(day(&bench, number, 1, "1").await).await.unwrap();
    }
    bench.store.compact().await.unwrap();
    assert_eq!(bench.import(day(&bench, 3, 2, "7.75").await).await.unwrap().imported.len(), 1);
    let costs = bench.column(&SEPTEMBER, "CostInBillingCurrency").await;
    assert_eq!((costs.len(), costs.iter().filter(|cost| *cost == "7.75").count()), (24, 1));
    assert_eq!(costs.iter().filter(|cost| *cost == "1").count(), 7);
    assert!(bench.import(day(&bench, 4, 1, "1").await).await.unwrap().imported[0].unchanged, "it is still known");
    let store = lazurite_imports::Store::open(&bench.folder.path().join("data")).await.unwrap();
    let report = verify(&store, &|_, _| {}).await.unwrap();
    assert!(report.is_ok(), "{:?}", report.violations);
}
