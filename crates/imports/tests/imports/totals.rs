//! Totals come from roll-ups, and are those of the rows: exactly, on every path, whatever happens to the roll-ups.

use std::collections::BTreeMap;
use std::path::PathBuf;

use calendar::{Date, DateRange};
use lake::{Dimension, SumChange, TotalsQuestion, changes};
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

/// The states of a store to which months and days were restated again and again. Differences by any words add up to the difference
/// of the exact totals, between any two states.
#[tokio::test(flavor = "multi_thread")]
async fn what_changed_between_two_states_adds_up_to_the_difference_of_their_totals() {
    let bench = Bench::new().await;
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let costs = ["0.000000000000000001", "1.10", "-7.5", "1E-7", "12345678901.123456789", "0"];
    for run in 1..=14_i64 {
        let (first, last) = if next(3) == 0 { (1, 30) } else { (1 + next(15), 16 + next(15)) };
        let rows: Vec<(&str, String, &str)> = (0..1 + next(12))
            .map(|_| {
                let day = first + next(last - first + 1);
                ([A, B][next(2) as usize], format!("09/{day:02}/2023"), costs[next(costs.len() as u64) as usize])
            })
            .collect();
        let rows: Vec<(&str, &str, &str)> = rows.iter().map(|(who, day, cost)| (*who, day.as_str(), *cost)).collect();
        let mut options = taken(actual(bench.file(&format!("{run}.csv"), export(&rows))), run);
        options.days = Some(format!("2023-09-{first:02}..2023-09-{last:02}").parse().unwrap());
        bench.import(options).await.unwrap();
    }
    bench.store.compact().await.unwrap();
    let lake = bench.store.lake();
    let enrollment = EnrollmentId::parse("100").unwrap();
    let window = Window::Period("202309".parse().unwrap());
    let sums = async |version: u64, by: &[Dimension]| {
        let question = TotalsQuestion { enrollment: &enrollment, dataset: Dataset::ActualCost, window, by };
        lake.snapshot_at(version).await.unwrap().totals(&question).await.unwrap()
    };
    let added = |found: &BTreeMap<Vec<Option<String>>, SumChange>| {
        let mut whole = Total::ZERO;
        found.values().for_each(|change| whole.merge(change.difference).unwrap());
        whole.value().to_shortest_string()
    };
    let newest = bench.version().await;
    let mut changed = 0;
    for earlier in 0..=newest {
        for later in 0..=newest {
            let mut expected = Total::ZERO;
            sums(later, &[]).await.values().for_each(|sum| expected.merge(sum.cost).unwrap());
            sums(earlier, &[]).await.values().for_each(|sum| expected.subtract(sum.cost).unwrap());
            let expected = expected.value().to_shortest_string();
            for by in
                [&[][..], &[Dimension::Day], &[Dimension::Subscription], &[Dimension::Day, Dimension::Subscription]]
            {
                let (before, after) = (sums(earlier, by).await, sums(later, by).await);
                let found = changes(&before, &after).unwrap();
                assert_eq!(added(&found), expected, "{earlier} to {later} by {by:?}");
                // What is not told is the same in both.
                let told =
                    |sum: Option<&lake::CostSum>| sum.map(|sum| (sum.rows, sum.cost.value().to_shortest_string()));
                for key in before.keys().chain(after.keys()).filter(|key| !found.contains_key(*key)) {
                    assert_eq!(told(before.get(key)), told(after.get(key)));
                }
                changed += found.len();
            }
        }
    }
    assert!(changed > 2000, "{changed}");
}
