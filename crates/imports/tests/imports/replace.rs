//! What an import replaces, and what it must not touch (DESIGN 4.2 and 4.3).

use formats::Layout;
use lazurite_imports::{ImportError, ImportOptions, Store, verify};
use proptest::prelude::*;

use crate::support::{A, B, Bench, Question, SEPTEMBER, actual, export, scoped, taken};

async fn costs(bench: &Bench) -> Vec<String> {
    bench.column(&SEPTEMBER, "CostInBillingCurrency").await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_subscriptions_export_does_not_touch_anothers() {
    let bench = Bench::new().await;
    bench.import(scoped(bench.file("a.csv", export(&[(A, "09/01/2023", "1.10")])), A)).await.unwrap();
    bench.import(scoped(bench.file("b.csv", export(&[(B, "09/01/2023", "2.20")])), B)).await.unwrap();
    assert_eq!(costs(&bench).await, ["1.10", "2.20"]);
    bench.import(scoped(bench.file("b2.csv", export(&[(B, "09/02/2023", "3.30")])), B)).await.unwrap();
    assert_eq!(costs(&bench).await, ["1.10", "3.30"]);
    let only_a = Question { scope: Some(&format!("subscriptions/{}", A.to_uppercase())), ..SEPTEMBER };
    assert_eq!(bench.column(&only_a, "CostInBillingCurrency").await, ["1.10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_scopes_are_refused_by_name() {
    let bench = Bench::new().await;
    bench.import(scoped(bench.file("a.csv", export(&[(A, "09/01/2023", "1")])), A)).await.unwrap();
    let whole = bench.file("all.csv", export(&[(A, "09/01/2023", "1"), (B, "09/01/2023", "2")]));
    let error = bench.import(actual(whole.clone())).await.unwrap_err();
    assert!(matches!(error, ImportError::Overlap { .. }) && error.to_string().contains(A), "{error}");
    let forced = ImportOptions { force: true, ..actual(whole) };
    assert!(matches!(bench.import(forced).await, Err(ImportError::Overlap { .. })), "force never counts twice");
    // Another month of the whole enrollment does not overlap.
    bench.import(actual(bench.file("oct.csv", export(&[(A, "10/01/2023", "5")])))).await.unwrap();
    assert_eq!(costs(&bench).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_and_a_subscription_overlap_only_if_they_share_rows() {
    let bench = Bench::new().await;
    bench.import(scoped(bench.file("a.csv", export(&[(A, "09/01/2023", "1")])), A)).await.unwrap();
    let department = |name: &str, rows: &[(&str, &str, &str)]| {
        let mut options = actual(bench.file(name, export(rows)));
        options.fill.scope = Some(ledger::Scope::parse("departments/7").unwrap());
        options
    };
    let shared = bench.import(department("d1.csv", &[(A, "09/02/2023", "2")])).await;
    assert!(matches!(shared, Err(ImportError::Overlap { .. })));
    bench.import(department("d2.csv", &[(B, "09/02/2023", "2")])).await.unwrap();
    assert_eq!(costs(&bench).await, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_outside_the_stated_scope_are_refused() {
    let bench = Bench::new().await;
    let error =
        bench.import(scoped(bench.file("a.csv", export(&[(A, "09/01/2023", "1"), (B, "09/01/2023", "1")])), A)).await;
    let error = error.unwrap_err();
    assert_eq!(error.place().1, Some(3), "{error}");
    assert_eq!(bench.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_run_is_refused_unless_forced() {
    let bench = Bench::new().await;
    let (old, new) = (
        bench.file("old.csv", export(&[(A, "09/01/2023", "1")])),
        bench.file("new.csv", export(&[(A, "09/01/2023", "2")])),
    );
    bench.import(taken(actual(new), 2_000_000)).await.unwrap();
    let error = bench.import(taken(actual(old.clone()), 1_000_000)).await.unwrap_err();
    assert!(matches!(error, ImportError::Stale { .. }), "{error}");
    assert_eq!(costs(&bench).await, ["2"]);
    bench.import(ImportOptions { force: true, ..taken(actual(old), 1_000_000) }).await.unwrap();
    assert_eq!(costs(&bench).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_make_no_revision_but_another_dataset_does() {
    let bench = Bench::new().await;
    let path = bench.file("a.csv", export(&[(A, "09/01/2023", "1")]));
    bench.import(actual(path.clone())).await.unwrap();
    let again = bench.import(actual(path.clone())).await.unwrap();
    assert!(again.imported[0].unchanged && again.imported[0].revision.as_deref() == Some("1"));
    assert_eq!(bench.version().await, 1);
    let mut amortized = actual(path.clone());
    amortized.fill.dataset = Some(ledger::Dataset::AmortizedCost);
    assert!(!bench.import(amortized).await.unwrap().imported[0].unchanged);
    assert_eq!(bench.version().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_earlier_version_stays_readable() {
    let bench = Bench::new().await;
    for cost in 1..=12 {
        let text = export(&[(A, "09/01/2023", &cost.to_string())]);
        bench.import(actual(bench.file(&format!("{cost}.csv"), text))).await.unwrap();
    }
    assert_eq!(bench.version().await, 12);
    for cost in 1..=12_u64 {
        let then = Question { version: Some(cost), ..SEPTEMBER };
        assert_eq!(bench.column(&then, "CostInBillingCurrency").await, [cost.to_string()]);
        let held = bench.store.catalog().held_at(cost).await.unwrap();
        assert_eq!(held.iter().map(|holding| holding.revision.clone()).collect::<Vec<_>>(), [cost.to_string()]);
    }
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn days_replace_days_and_leave_the_rest() {
    let bench = Bench::new().await;
    let month = export(&[(A, "09/01/2023", "1"), (A, "09/02/2023", "2"), (A, "09/03/2023", "3")]);
    bench.import(actual(bench.file("month.csv", month))).await.unwrap();
    let day = ImportOptions {
        days: Some("2023-09-02..2023-09-02".parse().unwrap()),
        ..actual(bench.file("day.csv", export(&[(A, "09/02/2023", "20"), (A, "09/02/2023", "21")])))
    };
    bench.import(day.clone()).await.unwrap();
    assert_eq!(costs(&bench).await, ["1", "20", "21", "3"]);
    assert!(bench.import(day).await.unwrap().imported[0].unchanged);
    let outside = ImportOptions {
        days: Some("2023-09-02..2023-09-02".parse().unwrap()),
        ..actual(bench.file("wrong.csv", export(&[(A, "09/03/2023", "9")])))
    };
    assert!(bench.import(outside).await.unwrap_err().to_string().contains("outside the days"));
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_exports_of_one_month_in_one_command_are_not_added_up() {
    let bench = Bench::new().await;
    let older = bench.file("older.csv", export(&[(A, "09/01/2023", "1"), (A, "09/02/2023", "2")]));
    let newer =
        bench.file("newer.csv", export(&[(A, "09/01/2023", "1"), (A, "09/02/2023", "2"), (A, "09/03/2023", "3")]));
    let both = ImportOptions { paths: vec![older, newer.clone()], ..actual(newer.clone()) };
    let error = bench.import(both.clone()).await.unwrap_err();
    assert!(error.to_string().contains("twice") && error.to_string().contains("--parts"), "{error}");
    assert_eq!(bench.version().await, 0);
    let other_part = bench.file("part.csv", export(&[(B, "09/01/2023", "7")]));
    bench.import(ImportOptions { paths: vec![newer, other_part], ..both.clone() }).await.unwrap();
    assert_eq!(costs(&bench).await, ["1", "2", "3", "7"]);
    bench.import(ImportOptions { parts: true, ..both }).await.unwrap();
    assert_eq!(costs(&bench).await, ["1", "1", "2", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistaken_scope_is_mended_by_emptying_its_days() {
    let bench = Bench::new().await;
    let path = bench.file("a.csv", export(&[(A, "09/01/2023", "1")]));
    bench.import(actual(path.clone())).await.unwrap();
    let error = bench.import(scoped(path.clone(), A)).await.unwrap_err().to_string();
    assert!(error.contains("empty them first"), "{error}");
    let mut empty = actual(bench.file("empty.csv", export(&[])));
    empty.fill.enrollment = Some("100".to_owned().try_into().unwrap());
    empty.fill.period = Some("202309".parse().unwrap());
    bench.import(empty).await.unwrap();
    bench.import(scoped(path, A)).await.unwrap();
    assert_eq!(costs(&bench).await, ["1"]);
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}

/// An import of August's days never touches July's late rows, and what is judged is what is removed.
#[tokio::test(flavor = "multi_thread")]
async fn days_of_one_billing_period_leave_late_rows_of_another() {
    let bench = Bench::new().await;
    let of_july = |text: String| text.replace("100,08/01/2023", "100,07/01/2023");
    let july = of_july(export(&[(A, "07/05/2023", "10"), (A, "08/03/2023", "20")]));
    bench.import(actual(bench.file("july.csv", &july))).await.unwrap();
    let days =
        |options: ImportOptions| ImportOptions { days: Some("2023-08-01..2023-08-10".parse().unwrap()), ..options };
    bench.import(days(actual(bench.file("aug.csv", export(&[(A, "08/04/2023", "5")]))))).await.unwrap();
    let in_july = Question { period: "202307", ..SEPTEMBER };
    assert_eq!(bench.column(&in_july, "CostInBillingCurrency").await, ["10", "20"]);
    let same_row = of_july(export(&[(A, "08/03/2023", "20")]));
    let doubled = bench.import(days(scoped(bench.file("a.csv", &same_row), A))).await;
    assert!(matches!(doubled, Err(ImportError::Overlap { .. })), "{doubled:?}");
    // A rerun of the same days takes back what it brought for another billing period.
    let with_late = export(&[(A, "08/04/2023", "5")]) + same_row.lines().nth(1).unwrap() + "\n";
    let other = |name: &str, text: &str| days(scoped(bench.file(name, text.replace(A, B)), B));
    let mut first = other("b1.csv", &with_late);
    first.fill.dataset = Some(ledger::Dataset::AmortizedCost);
    bench.import(first.clone()).await.unwrap();
    let in_july = Question { dataset: ledger::Dataset::AmortizedCost, ..in_july };
    assert_eq!(bench.column(&in_july, "CostInBillingCurrency").await, ["20"]);
    let mut again = other("b2.csv", &export(&[(A, "08/04/2023", "6")]));
    again.fill.dataset = first.fill.dataset;
    bench.import(again).await.unwrap();
    assert!(bench.column(&in_july, "CostInBillingCurrency").await.is_empty());
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}

/// A refund of July in August's export is not July's export (SEMANTICS 4.4, case 1).
#[tokio::test(flavor = "multi_thread")]
async fn a_late_row_does_not_replace_its_whole_billing_period() {
    let bench = Bench::new().await;
    bench.import(actual(bench.file("july.csv", export(&[(A, "07/05/2023", "10")])))).await.unwrap();
    let mixed = export(&[(A, "08/04/2023", "5")])
        + export(&[(A, "08/03/2023", "-3")]).replace("100,08/01", "100,07/01").lines().nth(1).unwrap()
        + "\n";
    let path = bench.file("august.csv", mixed);
    let error = bench.import(actual(path.clone())).await.unwrap_err();
    assert!(error.to_string().contains("--days"), "{error}");
    bench
        .import(ImportOptions { days: Some("2023-08-01..2023-08-31".parse().unwrap()), ..actual(path) })
        .await
        .unwrap();
    let in_july = Question { period: "202307", ..SEPTEMBER };
    assert_eq!(bench.column(&in_july, "CostInBillingCurrency").await, ["-3", "10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn enrollments_are_one_in_every_case() {
    let bench = Bench::new().await;
    let named = |name: &str, cost: &str| export(&[(A, "09/01/2023", cost)]).replace("\n100,", &format!("\n{name},"));
    bench.import(actual(bench.file("1.csv", named("Abc", "40")))).await.unwrap();
    let other_case = bench.import(scoped(bench.file("2.csv", named("ABC", "40")), A)).await;
    assert!(matches!(other_case, Err(ImportError::Overlap { .. })));
    bench.import(actual(bench.file("3.csv", named("aBC", "41")))).await.unwrap();
    let question = Question { enrollment: "ABC", ..SEPTEMBER };
    assert_eq!(bench.column(&question, "CostInBillingCurrency").await, ["41"]);
    assert_eq!(bench.store.catalog().held_at(2).await.unwrap().iter().count(), 1);
}

/// The catalog fails while an import is under way: nothing half done stays, and the import can be repeated.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_fails_during_an_import_loses_nothing() {
    let bench = Bench::new().await;
    bench.import(actual(bench.file("a.csv", export(&[(A, "09/01/2023", "1")])))).await.unwrap();
    let folder = bench.folder.path().join("data");
    let options = ImportOptions { ..actual(bench.file("b.csv", export(&[(A, "09/01/2023", "2")]))) };
    // Closing the catalog under the importer makes every later use of it fail.
    let failing = Store::open(&folder).await.unwrap();
    lazurite_imports::import(&failing, &options, &ClosesCatalog(failing.clone())).await.unwrap_err();
    let store = Store::open(&folder).await.unwrap();
    assert!(verify(&store, &|_, _| {}).await.unwrap().is_ok());
    bench.import(options).await.unwrap();
    assert_eq!(costs(&bench).await, ["2"]);
}

/// Closes the catalog when rows are being written.
struct ClosesCatalog(Store);

impl lazurite_imports::Progress for ClosesCatalog {
    fn begin(&self, _: &str, _: u64) {}
    fn read(&self, _: u64) {}
    fn writing(&self, _: u64) {
        let store = self.0.clone();
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(store.catalog().close()));
    }
    fn wrote(&self, _: u64) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_lake_is_older_than_its_catalog_is_not_opened() {
    let bench = Bench::new().await;
    for cost in ["1", "2"] {
        bench.import(actual(bench.file(&format!("{cost}.csv"), export(&[(A, "09/01/2023", cost)])))).await.unwrap();
    }
    let folder = bench.folder.path().join("data");
    std::fs::remove_file(folder.join("charges/_delta_log/00000000000000000002.json")).unwrap();
    assert!(matches!(Store::open(&folder).await, Err(ImportError::LakeBehind { progress: 2, newest: 1 })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_revision_that_lost_its_file_is_found() {
    let bench = Bench::new().await;
    bench.import(actual(bench.file("a.csv", export(&[(A, "09/01/2023", "1")])))).await.unwrap();
    let old = bench.store.lake().snapshot().await.unwrap().files()[0].path.clone();
    bench.import(actual(bench.file("b.csv", export(&[(A, "09/01/2023", "2")])))).await.unwrap();
    std::fs::remove_file(bench.folder.path().join("data/charges").join(old)).unwrap();
    let report = verify(&bench.store, &|_, _| {}).await.unwrap();
    assert!(!report.is_ok() && report.violations[0].contains("missing"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_time_that_has_not_come_yet_is_refused() {
    let bench = Bench::new().await;
    let path = bench.file("a.csv", export(&[(A, "09/01/2023", "1")]));
    let error = bench.import(taken(actual(path), 2_900_000_000_000_000)).await.unwrap_err();
    assert!(matches!(error, ImportError::Future { .. }) && error.to_string().contains("2061"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_run_is_one_import_and_an_incomplete_one_is_none() {
    let bench = Bench::new().await;
    let parts = [export(&[(A, "09/01/2023", "1")]), export(&[(B, "09/02/2023", "2")])];
    let run = "e/20230901-20230930/202310010600/g";
    let manifest = format!(
        r#"{{"blobCount":2,"dataRowCount":2,"blobs":[{{"blobName":"{run}/1.csv","byteCount":{},"dataRowCount":1}},{{"blobName":"{run}/2.csv","byteCount":{},"dataRowCount":1}}]}}"#,
        parts[0].len(),
        parts[1].len()
    );
    bench.file(&format!("{run}/manifest.json"), &manifest);
    bench.file(&format!("{run}/1.csv"), &parts[0]);
    let folder = bench.folder.path().join("e");
    let incomplete = bench.import(actual(folder.clone())).await;
    assert!(matches!(incomplete, Err(ImportError::IncompleteRun { .. })));
    assert_eq!(bench.version().await, 0);
    bench.file(&format!("{run}/2.csv"), &parts[1]);
    let outcome = bench.import(actual(folder)).await.unwrap();
    assert_eq!((outcome.imported.len(), outcome.imported[0].rows), (1, 2));
    assert_eq!(bench.version().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_runs_ends_in_the_newest_and_passes_over_what_it_replaced() {
    let bench = Bench::new().await;
    for (time, cost) in [("202309100000", "1"), ("202309200000", "2")] {
        bench.file(&format!("e/20230901-20230930/{time}/g/1.csv"), export(&[(A, "09/01/2023", cost)]));
    }
    let folder = bench.folder.path().join("e");
    bench.import(actual(folder.clone())).await.unwrap();
    assert_eq!(costs(&bench).await, ["2"]);
    bench.file("e/20230901-20230930/202309300000/g/1.csv", export(&[(A, "09/01/2023", "3")]));
    let outcome = bench.import(actual(folder)).await.unwrap();
    assert_eq!(costs(&bench).await, ["3"]);
    assert_eq!(outcome.skipped.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_the_catalog_missed_is_taken_over_at_the_next_start() {
    let bench = Bench::new().await;
    bench.import(actual(bench.file("a.csv", export(&[(A, "09/01/2023", "1")])))).await.unwrap();
    bench.store.catalog().close().await;
    let data = bench.folder.path().join("data");
    for file in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        _ = std::fs::remove_file(data.join(file));
    }
    let store = Store::open(&data).await.unwrap();
    let held = store.catalog().held_at(1).await.unwrap();
    assert_eq!(held.iter().count(), 1);
    let known = store.catalog().hierarchy(&"100".to_owned().try_into().unwrap()).await.unwrap();
    assert!(known.subscriptions().any(|(id, _)| id.to_string() == A));
    assert!(verify(&store, &|_, _| {}).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_at_once_both_land() {
    let bench = Bench::new().await;
    let a = scoped(bench.file("a.csv", export(&[(A, "09/01/2023", "1")])), A);
    let b = scoped(bench.file("b.csv", export(&[(B, "09/01/2023", "2")])), B);
    let (a, b) = tokio::join!(bench.import(a), bench.import(b));
    a.unwrap();
    b.unwrap();
    assert_eq!(costs(&bench).await, ["1", "2"]);
    let again = Question { layout: Layout::Ea20191001, ..SEPTEMBER };
    assert_eq!(bench.column(&again, "PreTaxCost").await, ["1", "2"]);
}

/// A refund of September dated in October belongs to September's billing period and to October's days (SEMANTICS 5).
#[tokio::test(flavor = "multi_thread")]
async fn billing_periods_and_days_are_different_questions() {
    use ledger::{ChargeQuery, Dataset, Share, Visibility, Window};
    let bench = Bench::new().await;
    let text = export(&[(A, "09/01/2023", "1"), (A, "10/03/2023", "-1")]).replace("100,10/01/2023", "100,09/01/2023");
    bench.import(actual(bench.file("s.csv", text))).await.unwrap();
    bench.import(actual(bench.file("o.csv", export(&[(A, "10/02/2023", "5")])))).await.unwrap();
    let snapshot = bench.store.lake().snapshot().await.unwrap();
    let enrollment: ledger::EnrollmentId = "100".to_owned().try_into().unwrap();
    let rows = async |window| {
        let query = ChargeQuery {
            shares: vec![Share::everything(enrollment.clone())],
            visibility: Visibility::Everything,
            dataset: Dataset::ActualCost,
            window,
            filter: ledger::ChargeFilter::default(),
        };
        let mut scan = snapshot.scan(&query, &["cost".to_owned()]);
        let mut rows = 0;
        while let Some(batch) = scan.next_batch().await.unwrap() {
            rows += batch.num_rows();
        }
        rows
    };
    assert_eq!(rows(Window::Period("202309".parse().unwrap())).await, 2);
    assert_eq!(rows(Window::Period("202310".parse().unwrap())).await, 1);
    assert_eq!(rows(Window::Dates("2023-09-01..2023-09-30".parse().unwrap())).await, 1);
    assert_eq!(rows(Window::Dates("2023-10-01..2023-10-31".parse().unwrap())).await, 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// A month-to-date series in any order, with repetitions, ends in the newest run.
    #[test]
    fn a_series_in_any_order_ends_in_the_newest_run(order in prop::collection::vec(0_i64..4, 1..6)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new().await;
            for run in &order {
                let rows: Vec<_> = (0..=*run).map(|day| (A, format!("09/{:02}/2023", day + 1), format!("{run}.{day}"))).collect();
                let rows: Vec<_> = rows.iter().map(|(a, date, cost)| (*a, date.as_str(), cost.as_str())).collect();
                let path = bench.file(&format!("{run}.csv"), export(&rows));
                match bench.import(taken(actual(path), run * 1_000_000)).await {
                    Ok(_) | Err(ImportError::Stale { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            let newest = order.iter().max().unwrap();
            let mut expected: Vec<String> = (0..=*newest).map(|day| format!("{newest}.{day}")).collect();
            expected.sort();
            assert_eq!(costs(&bench).await, expected);
        });
    }
}

/// Versions are numbers that a restored folder gives again; a page token must tell such states apart.
#[tokio::test(flavor = "multi_thread")]
async fn two_states_of_one_number_are_not_the_same_state() {
    let mut states = Vec::new();
    for cost in ["1", "2"] {
        let bench = Bench::new().await;
        bench.import(actual(bench.file("a.csv", export(&[(A, "09/01/2023", cost)])))).await.unwrap();
        let snapshot = bench.store.lake().snapshot().await.unwrap();
        assert_eq!(snapshot.identity(), bench.store.lake().snapshot_at(snapshot.version()).await.unwrap().identity());
        states.push((snapshot.version(), *snapshot.identity()));
    }
    assert_eq!(states[0].0, states[1].0);
    assert_ne!(states[0].1, states[1].1);
}
