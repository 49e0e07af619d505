//! A year, replayed day by day, against the same year billed at once: what is closed never changes, and neither the days
//! nor the batches in which input came decide anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use calendar::{BillingPeriod, Date};
use ledger::{Dataset, EnrollmentId};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use samples::native::{NativeOptions, enrollment, orders, prices, usage};
use serde_json::{Value, json};

use crate::support::*;

/// What the lake's files say about where rows came from, which differs from run to run.
const ORIGIN: [&str; 2] = ["source_hash", "source_row"];

struct Year {
    options: NativeOptions,
    orders: Vec<Value>,
    /// Usage records by the day on which they arrive.
    usage: BTreeMap<Date, Vec<String>>,
    last: Date,
}

impl Year {
    fn new(seed: u64, currency: &str, months: u32) -> Self {
        let first = period("202501");
        let options = NativeOptions {
            seed,
            lines: 40,
            enrollment: number().to_string(),
            reservations: 5,
            savings_plans: 2,
            subscriptions: 4,
            ..NativeOptions::sized(currency.parse().unwrap(), first, months, u64::from(months) * 210)
        };
        // The last month closes on this day.
        let last = first.add_months(i16::try_from(months).unwrap()).unwrap().first_day().add_days(4).unwrap();
        let orders = orders(&options).unwrap()["orders"].as_array().unwrap().clone();
        let mut records = usage(&options).unwrap();
        let mut found: BTreeMap<Date, Vec<String>> = BTreeMap::new();
        while let Some(record) = records.next() {
            let mut text = String::new();
            record.write_json(records.line(&record), &mut text);
            let stated: Value = serde_json::from_str(&text).unwrap();
            let arrival: Date = stated["receivedAt"].as_str().unwrap()[..10].parse().unwrap();
            found.entry(arrival).or_default().push(text);
        }
        Self { options, orders, usage: found, last }
    }

    async fn begin(&self) -> Bench {
        let bench = Bench::new().await;
        let files = [
            bench.file("enrollment.json", enrollment(&self.options).unwrap().to_string()),
            bench.file("prices.json", prices(&self.options).unwrap().to_string()),
        ];
        bench.apply(&files, "2025-01-01").await.unwrap();
        bench
    }

    async fn state(&self, bench: &Bench, orders: &[&Value], day: Date) {
        if orders.is_empty() {
            return;
        }
        let document = json!({"kind": "orders", "enrollment": self.options.enrollment, "orders": orders});
        let file = bench.file("orders.json", document.to_string());
        bench.apply(&[file], &format!("{day}T01")).await.unwrap();
    }

    /// Everything comes on its own day, and every day is billed.
    async fn day_by_day(&self) -> (Bench, BTreeMap<BillingPeriod, Closed>) {
        let bench = self.begin().await;
        let mut closed: BTreeMap<BillingPeriod, Closed> = BTreeMap::new();
        let mut day = self.options.first_month.first_day();
        while day <= self.last {
            let today: Vec<&Value> = self.orders.iter().filter(|order| order["date"] == day.to_string()).collect();
            self.state(&bench, &today, day).await;
            if let Some(records) = self.usage.get(&day) {
                bench.usage(&format!("of-{day}"), &format!("{day}T03"), &records.join("\n")).await.unwrap();
            }
            let outcome = bench.bill(&format!("{day}T04")).await.unwrap();
            for period in outcome.periods.iter().filter(|period| period.is_final) {
                let known = closed.insert(period.period, Closed::of(&bench, period.period).await);
                assert!(known.is_none(), "{} was closed twice", period.period);
            }
            day = day.next().unwrap();
        }
        (bench, closed)
    }

    /// Everything is there from the beginning, in one batch and in another order, and is billed once.
    async fn at_once(&self) -> Bench {
        let bench = self.begin().await;
        let all: Vec<&Value> = self.orders.iter().rev().collect();
        self.state(&bench, &all, self.options.first_month.first_day()).await;
        let records: Vec<&str> = self.usage.values().rev().flatten().rev().map(String::as_str).collect();
        bench.usage("all", &format!("{}T03", self.last), &records.join("\n")).await.unwrap();
        bench.bill(&format!("{}T04", self.last)).await.unwrap();
        bench
    }
}

/// What the books say about a closed period.
#[derive(Debug, PartialEq, Eq)]
struct Closed {
    /// The charges of both datasets, every cell of every row.
    charges: Vec<Vec<String>>,
    balance: String,
    book: String,
}

impl Closed {
    async fn of(bench: &Bench, period: BillingPeriod) -> Self {
        let mut charges = Vec::new();
        for dataset in Dataset::ALL {
            charges.push(rows(bench, &number(), dataset, period).await);
        }
        let balance = bench.store.catalog().balance(&number(), period).await.unwrap().unwrap();
        let billed = bench.store.catalog().billed_periods(&number()).await.unwrap();
        let own = billed.into_iter().find(|billed| billed.period == period).unwrap();
        let text = |value: serde_json::Result<String>| value.unwrap();
        let book = text(serde_json::to_string(&own.book));
        Self { charges, balance: text(serde_json::to_string(&balance.summary)), book }
    }
}

/// All rows of a period as the lake's files hold them, in their order.
async fn rows(bench: &Bench, enrollment: &EnrollmentId, dataset: Dataset, period: BillingPeriod) -> Vec<String> {
    let snapshot = bench.store.lake().snapshot().await.unwrap();
    let mut rows = Vec::new();
    for file in snapshot.files_of(enrollment, dataset).filter(|file| file.period == period) {
        let path = bench.store.lake().table_folder().join(&file.path);
        for batch in batches(&path) {
            rows.extend((0..batch.num_rows()).map(|row| row_of(&batch, row)));
        }
    }
    rows
}

fn batches(path: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

fn row_of(batch: &RecordBatch, row: usize) -> String {
    let schema = batch.schema();
    let cells =
        schema.fields().iter().zip(batch.columns()).filter(|(field, _)| !ORIGIN.contains(&field.name().as_str()));
    cells.map(|(_, column)| array_value_to_string(column, row).unwrap()).collect::<Vec<_>>().join("|")
}

async fn holds(seed: u64, currency: &str, months: u32) -> BTreeSet<&'static str> {
    let year = Year::new(seed, currency, months);
    let (bench, closed) = year.day_by_day().await;
    assert_eq!(closed.len(), months as usize, "every month is closed");
    let once = year.at_once().await;
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for (period, first) in &closed {
        assert_eq!(&Closed::of(&bench, *period).await, first, "{period} changed after its close");
        let again = Closed::of(&once, *period).await;
        assert_eq!(again.balance, first.balance, "balance of {period}");
        assert_eq!(again, *first, "{period} billed at once");
        let rows = first.charges.iter().flatten();
        kinds.extend(rows.flat_map(|row| KINDS.into_iter().filter(|kind| row.contains(kind))));
    }
    kinds
}

/// What a year has to have to be worth replaying.
const KINDS: [&str; 8] = [
    "|Purchase|",
    "|Refund|",
    "|UnusedReservation|",
    "|UnusedSavingsPlan|",
    "|RoundingAdjustment|",
    "ConsumptionBeginTime",
    "|Spot|",
    "|Marketplace|",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_year_day_by_day_gives_the_books_of_the_year_at_once() {
    let kinds = holds(3, "USD", 12).await;
    assert_eq!(kinds.len(), KINDS.len(), "the year has only {kinds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn months_without_minor_units_on_one_thread() {
    holds(7, "JPY", 2).await;
}
