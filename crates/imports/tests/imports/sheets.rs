//! Price sheets and reservations: what an import of them holds, refuses, keeps and checks.

use std::path::PathBuf;

use catalog::{HeldSheet, SheetQuestion};
use lazurite_imports::{ImportError, ImportOptions, ImportOutcome, verify};
use ledger::{Dataset, EnrollmentId, SheetKind};

use crate::support::{A, Bench, actual, export, taken};

fn details(day: &str, hours: &str) -> String {
    format!(
        "[{{\"reservationOrderId\":\"o\",\"reservationId\":\"r\",\"usageDate\":\"{day}T00:00:00\",\"instanceId\":\"/i\",\
         \"reservedHours\":24,\"usedHours\":{hours}}}]"
    )
}

const PRICES: &str =
    "EnrollmentNumber,MeterID,UnitOfMeasure,PartNumber,UnitPrice,CurrencyCode\n100,m,1 Hour,AAA-1,0.5,USD\n";

impl Bench {
    async fn import_sheet(&self, name: &str, text: &str, at: i64) -> Result<ImportOutcome, ImportError> {
        self.import(taken(self.sheet_options(vec![self.file(name, text)]), at)).await
    }

    fn sheet_options(&self, paths: Vec<PathBuf>) -> ImportOptions {
        let mut options = ImportOptions { paths, actor: "tester".to_owned(), ..ImportOptions::default() };
        options.fill.enrollment = Some(EnrollmentId::parse("100").unwrap());
        options
    }

    async fn held_sheets(&self, kind: SheetKind) -> Vec<HeldSheet> {
        let enrollment = EnrollmentId::parse("100").unwrap();
        let question = SheetQuestion { enrollment: &enrollment, kind, days: None, order: None, reservation: None };
        self.store.catalog().sheets(&question).await.unwrap()
    }

    fn sheet_sources(&self) -> usize {
        let folder = self.store.lake().root().folder().join("sources");
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries.filter(|entry| entry.as_ref().unwrap().path().display().to_string().ends_with(".sheets.zst")).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_run_of_each_unit_wins_and_the_same_rows_change_nothing() {
    let bench = Bench::new().await;
    let before = bench.version().await;
    let kind = SheetKind::ReservationDetails;
    bench.import_sheet("a.json", &details("2024-01-01", "8"), 5).await.unwrap();
    bench.import_sheet("b.json", &details("2024-01-02", "9"), 4).await.unwrap();
    assert_eq!(bench.held_sheets(kind).await.len(), 2);
    let again = bench.import_sheet("a.json", &details("2024-01-01", "8"), 9).await.unwrap();
    assert!(again.sheets[0].unchanged && again.missing.is_empty());
    let stale = bench.import_sheet("c.json", &details("2024-01-01", "7"), 7).await.unwrap_err();
    assert!(matches!(stale, ImportError::Stale { .. }), "{stale}");
    bench.import_sheet("c.json", &details("2024-01-01", "7"), 10).await.unwrap();
    assert_eq!((bench.held_sheets(kind).await.len(), bench.sheet_sources()), (2, 3));
    let report = verify(&bench.store, &|_, _| {}).await.unwrap();
    assert_eq!((report.violations, report.checked.sheets, report.checked.sources), (vec![], 3, 3));
    assert_eq!(bench.version().await, before, "charges have no part in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_takes_charges_and_sheets_and_a_refused_sheet_takes_neither() {
    let bench = Bench::new().await;
    let before = bench.version().await;
    let folder = bench.file("in/prices.csv", PRICES).parent().unwrap().to_owned();
    bench.file("in/export.csv", export(&[(A, "09/01/2023", "1")]));
    bench.file("in/details.json", details("2023-09-01", "8"));
    let mut options = actual(folder);
    options.fill.enrollment = Some(EnrollmentId::parse("100").unwrap());
    // Prices do not say their month, and nobody else does.
    let refused = bench.import(options.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("--period YYYYMM"), "{refused}");
    assert_eq!((bench.version().await, bench.sheet_sources()), (before, 0));
    options.fill.period = Some("202309".parse().unwrap());
    let dry = bench.import(ImportOptions { dry_run: true, ..options.clone() }).await.unwrap();
    assert_eq!((dry.sheets.len(), dry.imported.len(), dry.sheets[0].revisions.clone()), (2, 1, None));
    assert_eq!((bench.version().await, bench.sheet_sources()), (before, 0));
    let outcome = bench.import(options).await.unwrap();
    assert_eq!((outcome.sheets.len(), outcome.imported[0].dataset), (2, Dataset::ActualCost));
    assert_eq!(bench.held_sheets(SheetKind::Prices).await[0].rows, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_of_one_unit_are_pages_of_one_answer_or_refused() {
    let bench = Bench::new().await;
    let paths =
        vec![bench.file("1.json", details("2024-01-01", "8")), bench.file("2.json", details("2024-01-01", "9"))];
    let refused = bench.import(bench.sheet_options(paths.clone())).await.unwrap_err();
    assert!(refused.to_string().contains("could count rows twice"), "{refused}");
    let parts = ImportOptions { parts: true, ..bench.sheet_options(paths) };
    assert_eq!(bench.import(parts).await.unwrap().sheets[0].rows, 2);

    let page = |next: &str, meter: &str| {
        format!(
            "{{\"properties\":{{\"nextLink\":{next},\"pricesheets\":[{{\"billingPeriodId\":\"x/billingPeriods/20240101\",\
             \"meterId\":\"{meter}\",\"unitOfMeasure\":\"1 Hour\",\"unitPrice\":0.5,\"includedQuantity\":0,\"partNumber\":\"p\"}}]}}}}"
        )
    };
    let first = bench.file("p1.json", page("\"https://h/p?$skiptoken=1\"", "m1"));
    let alone = bench.import(bench.sheet_options(vec![first.clone()])).await.unwrap();
    assert_eq!(alone.missing.len(), 1, "the answer went on");
    let last = bench.file("p2.json", page("null", "m2"));
    let whole = bench.import(bench.sheet_options(vec![first.clone(), last])).await.unwrap();
    assert!(whole.missing.is_empty() && whole.sheets[0].rows == 2);
    let refused = bench.import(bench.sheet_options(vec![first.clone()])).await.unwrap_err();
    assert!(matches!(refused, ImportError::IncompleteAnswer { .. }), "{refused}");
    // A whole sheet, and the first page of another answer, are no pages of this one.
    let file = bench.file("p.csv", PRICES);
    let other = bench.file("p3.json", page("\"https://h/other?$skiptoken=1\"", "m1"));
    for other in [file, other] {
        let mut options = bench.sheet_options(vec![first.clone(), other]);
        options.fill.period = Some("202401".parse().unwrap());
        let refused = bench.import(options).await.unwrap_err();
        assert!(refused.to_string().contains("could count rows twice"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_page_ends_an_answer_for_all_of_its_days() {
    let bench = Bench::new().await;
    let page = |days: [&str; 2], next: &str| {
        let rows = days.map(|day| {
            format!(
                "{{\"properties\":{{\"reservationOrderId\":\"o\",\"reservationId\":\"r\",\"usageDate\":\"{day}T00:00:00\",\
                 \"instanceId\":\"/i\",\"reservedHours\":24,\"usedHours\":1}}}}"
            )
        });
        format!("{{\"value\":[{}],\"nextLink\":{next}}}", rows.join(","))
    };
    let first = bench.file("1.json", page(["2024-01-01", "2024-01-02"], "\"https://h/d?$skiptoken=1\""));
    let last = bench.file("2.json", page(["2024-01-03", "2024-01-04"], "null"));
    let whole = bench.import(bench.sheet_options(vec![first, last])).await.unwrap();
    assert!(whole.missing.is_empty() && whole.sheets[0].rows == 4);
    assert!(bench.held_sheets(SheetKind::ReservationDetails).await.iter().all(|held| !held.incomplete));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_rows_ends_an_answer_and_is_none_alone() {
    let bench = Bench::new().await;
    let page = |reservation: &str, next: &str| {
        format!(
            "{{\"value\":[{{\"properties\":{{\"reservationOrderId\":\"{reservation}\",\"reservationId\":\"r\",\
             \"usageDate\":\"2024-01-01\",\"instanceId\":\"/i\",\"reservedHours\":24,\"usedHours\":1}}}}],\"nextLink\":\"{next}\"}}"
        )
    };
    let first = bench.file("1.json", page("o", "https://h/d?$skiptoken=1"));
    let second = bench.file("2.json", "{\"value\":[],\"nextLink\":\"https://h/d?$skiptoken=2\"}");
    let last = bench.file("3.json", "\u{feff}{\"value\":[],\"nextLink\":null}");
    let open = bench.import(bench.sheet_options(vec![first.clone(), second.clone()])).await.unwrap();
    assert_eq!(open.missing.len(), 1, "the answer goes on after a page without rows too");
    let paths = vec![first.clone(), second.clone(), last.clone()];
    let whole = bench.import(ImportOptions { force: true, ..bench.sheet_options(paths) }).await.unwrap();
    assert!(whole.missing.is_empty() && whole.sheets[0].rows == 1, "{whole:?}");
    assert!(whole.skipped.len() == 1 && whole.skipped[0].contains("taken as the last page"), "{:?}", whole.skipped);
    assert!(bench.held_sheets(SheetKind::ReservationDetails).await.iter().all(|held| !held.incomplete));

    // One such page cannot tell which of two answers it ends.
    let other = bench.file("4.json", page("p", "https://h/e?$skiptoken=1"));
    let two = bench.import(bench.sheet_options(vec![other.clone(), last.clone()])).await.unwrap();
    assert!(two.missing.is_empty(), "{two:?}");
    let third = bench.file("5.json", page("q", "https://h/f?$skiptoken=1"));
    let fourth = bench.file("6.json", page("s", "https://h/g?$skiptoken=1"));
    let both = bench.import(bench.sheet_options(vec![third, fourth, last.clone()])).await.unwrap();
    assert_eq!(both.missing.len(), 2, "{both:?}");

    for (name, text) in [("7.json", "{\"value\":[]}"), ("8.json", "{\"properties\":{\"pricesheets\":[]}}")] {
        let stray = bench.file(name, text);
        let whole = bench.file("whole.json", details("2024-02-01", "1"));
        let taken = bench.import(bench.sheet_options(vec![whole, stray.clone()])).await.unwrap();
        assert!(taken.skipped.len() == 1 && taken.skipped[0].contains("ends no answer"), "{taken:?}");
    }
    let goes_on =
        bench.file("9.json", "{\"properties\":{\"pricesheets\":[],\"nextLink\":\"https://h/x?$skiptoken=1\"}}");
    for alone in [bench.folder.path().join("8.json"), goes_on] {
        let refused = bench.import(bench.sheet_options(vec![alone])).await.unwrap_err();
        assert!(refused.to_string().contains("nothing is imported"), "{refused}");
    }
    // A first page without rows does not hide that the answer goes on.
    let first = bench.file("10.json", "{\"value\":[],\"nextLink\":\"https://h/z?$skiptoken=1\"}");
    let next = bench.file("11.json", page("z", "https://h/z?$skiptoken=2"));
    let open = bench.import(bench.sheet_options(vec![first, next])).await.unwrap();
    assert_eq!(open.missing.len(), 1, "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_of_another_currency_and_of_a_part_is_refused() {
    let bench = Bench::new().await;
    bench.import(actual(bench.file("export.csv", export(&[(A, "09/01/2023", "1")])))).await.unwrap();
    let mut options = bench.sheet_options(vec![bench.file("p.csv", PRICES.replace("USD", "EUR"))]);
    options.fill.period = Some("202309".parse().unwrap());
    let refused = bench.import(options.clone()).await.unwrap_err();
    assert!(matches!(refused, ImportError::Currency { .. }), "{refused}");
    options.paths = vec![bench.file("p.csv", PRICES)];
    options.fill.scope = Some(ledger::Scope::parse("departments/7").unwrap());
    let refused = bench.import(options.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("about a whole enrollment"), "{refused}");
    options.fill.scope = None;
    options.fill.currency = Some("EUR".parse().unwrap());
    let refused = bench.import(options.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("line 2: a row is in USD, expected EUR"), "{refused}");
    options.fill.currency = None;
    bench.import(options).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_source_of_a_sheet_is_found() {
    let bench = Bench::new().await;
    bench.import_sheet("a.json", &details("2024-01-01", "8"), 5).await.unwrap();
    let folder = bench.store.lake().root().folder().join("sources");
    let source = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(source).unwrap();
    let report = verify(&bench.store, &|_, _| {}).await.unwrap();
    assert!(report.violations.len() == 1 && report.violations[0].contains("it is missing"), "{:?}", report.violations);
}

fn transaction(day: &str, amount: u32) -> String {
    format!(
        "{{\"eventDate\":\"{day}T00:00:00\",\"reservationOrderId\":\"o\",\"eventType\":\"Purchase\",\"quantity\":1,\
         \"amount\":{amount},\"currency\":\"USD\"}}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_some_days_do_not_hide_those_of_others() {
    let bench = Bench::new().await;
    let list =
        |days: &[&str]| format!("[{}]", days.iter().map(|day| transaction(day, 7)).collect::<Vec<_>>().join(","));
    bench.import_sheet("month.json", &list(&["2024-01-05", "2024-01-20"]), 5).await.unwrap();
    for (part, said) in [(list(&["2024-01-20"]), "2024-01-20"), (list(&["2024-01-05", "2024-01-07"]), "2024-01-07")] {
        let refused = bench.import_sheet("part.json", &part, 6).await.unwrap_err();
        assert!(matches!(refused, ImportError::PartOfMonth { .. }) && refused.to_string().contains(said), "{refused}");
        assert_eq!(refused.code(), "IncompleteAnswer");
    }
    assert_eq!(bench.held_sheets(SheetKind::ReservationTransactions).await[0].rows, 2);
    let more = list(&["2024-01-05", "2024-01-20", "2024-01-31"]);
    bench.import_sheet("more.json", &more, 7).await.unwrap();
    bench.import_sheet("other.json", &list(&["2024-02-01"]), 7).await.unwrap();
    let forced =
        ImportOptions { force: true, ..bench.sheet_options(vec![bench.file("f.json", list(&["2024-01-20"]))]) };
    bench.import(taken(forced, 8)).await.unwrap();
    let held: Vec<u64> =
        bench.held_sheets(SheetKind::ReservationTransactions).await.iter().map(|held| held.rows).collect();
    assert_eq!(held, [1, 1]);
}

const RUN: &str = "20240101-20240131";
const DETAILS_HEADER: &str = "ReservationOrderId,ReservationId,UsageDate,InstanceId,SkuName,ReservedHours,UsedHours,Kind,TotalReservedQuantity\n";

/// A file of details in an export run's folder: days with their hours.
fn run_file(bench: &Bench, folder: &str, rows: &[(&str, &str)]) -> PathBuf {
    let rows: String = rows.iter().map(|(day, hours)| format!("o,r,{day},/i,s,24,{hours},Reservation,1\n")).collect();
    bench.file(&format!("{folder}/part_0_0001.csv"), format!("{DETAILS_HEADER}{rows}"))
}

impl Bench {
    /// Rows by day of what is held.
    async fn held_rows(&self, kind: SheetKind) -> Vec<(String, u64)> {
        self.held_sheets(kind).await.into_iter().map(|sheet| (sheet.unit.day.to_string(), sheet.rows)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_a_folder_replace_one_another_in_their_order() {
    let bench = Bench::new().await;
    run_file(&bench, &format!("e/{RUN}/202401030600"), &[("2024-01-01", "23"), ("2024-01-02", "24")]);
    run_file(&bench, &format!("e/{RUN}/202401020600"), &[("2024-01-01", "10")]);
    let folder = bench.folder.path().join("e");
    let options = bench.sheet_options(vec![folder.clone()]);
    let dry = bench.import(ImportOptions { dry_run: true, ..options.clone() }).await.unwrap();
    assert_eq!(dry.sheets.iter().map(|sheets| sheets.rows).collect::<Vec<_>>(), [1, 2]);
    let taken = bench.import(options).await.unwrap();
    assert_eq!(taken.sheets[1].replaced_rows, Some(1));
    let expected = [("2024-01-01".to_owned(), 1), ("2024-01-02".to_owned(), 1)];
    assert_eq!(bench.held_rows(SheetKind::ReservationDetails).await, expected);
    // An old run alone is refused, in a folder it is passed over.
    run_file(&bench, &format!("f/{RUN}/202401030500"), &[("2024-01-01", "9")]);
    let old = bench.sheet_options(vec![bench.folder.path().join("f")]);
    assert!(matches!(bench.import(old.clone()).await.unwrap_err(), ImportError::Stale { .. }));
    run_file(&bench, &format!("f/{RUN}/202401040500"), &[("2024-01-03", "9")]);
    let several = bench.import(old).await.unwrap();
    assert_eq!((several.skipped.len(), several.sheets.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_the_rows_that_its_manifest_says() {
    let bench = Bench::new().await;
    let part = run_file(&bench, "run", &[("2024-01-01", "10")]);
    let bytes = std::fs::metadata(&part).unwrap().len();
    for (of_part, of_all) in [(2, 1), (1, 2)] {
        let manifest = format!(
            "{{\"blobCount\":1,\"dataRowCount\":{of_all},\"blobs\":[{{\"blobName\":\"x/part_0_0001.csv\",\
             \"byteCount\":{bytes},\"dataRowCount\":{of_part}}}]}}"
        );
        bench.file("run/manifest.json", manifest);
        let refused = bench.import(bench.sheet_options(vec![bench.folder.path().join("run")])).await.unwrap_err();
        assert!(matches!(refused, ImportError::IncompleteRun { .. }), "{refused}");
        assert!(refused.to_string().contains("the manifest says 2"), "{refused}");
    }
    assert!(bench.held_sheets(SheetKind::ReservationDetails).await.is_empty());
}

/// A page of details: rows of order, day and instance.
fn details_page(rows: &[(&str, &str, &str)], next: &str) -> String {
    let row = |(order, day, instance): &(&str, &str, &str)| {
        format!(
            "{{\"properties\":{{\"reservationOrderId\":\"{order}\",\"reservationId\":\"r\",\"usageDate\":\"{day}T00:00:00\",\
             \"instanceId\":\"{instance}\",\"reservedHours\":24,\"usedHours\":1}}}}"
        )
    };
    let next = if next.is_empty() { "null".to_owned() } else { format!("\"{next}\"") };
    format!("{{\"value\":[{}],\"nextLink\":{next}}}", rows.iter().map(row).collect::<Vec<_>>().join(","))
}

const JANUARY: &str = "https://h/details?$filter=properties%2FusageDate%20ge%202024-01-01%20and%20properties%2FusageDate%20le%20\
                       2024-01-31&api-version=2019-10-01&$skiptoken=";

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_whole_when_its_own_last_page_is_there() {
    let bench = Bench::new().await;
    let link = |place: &str| format!("{JANUARY}{place}");
    let first =
        bench.file("1.json", details_page(&[("oA", "2024-01-01", "/a"), ("oB", "2024-01-01", "/a")], &link("1")));
    let last = bench.file("2.json", details_page(&[("oB", "2024-01-02", "/a")], ""));
    let february = bench.file("3.json", details_page(&[("oB", "2024-02-01", "/a")], ""));
    let blank = bench.file("4.json", "{\"value\":[]}");
    // Another answer does not end this one, and what is marked stays so until its end is there.
    let cut = bench.import(bench.sheet_options(vec![first.clone(), february])).await.unwrap();
    assert_eq!(cut.missing.len(), 1, "{:?}", cut.missing);
    let incomplete = async || {
        let held = bench.held_sheets(SheetKind::ReservationDetails).await;
        held.iter().filter(|sheet| sheet.incomplete).count()
    };
    assert_eq!(incomplete().await, 2, "both orders of the first page");
    for end in [last, blank] {
        let whole = bench.import(bench.sheet_options(vec![first.clone(), end])).await.unwrap();
        assert!(whole.missing.is_empty(), "of several orders: {:?}", whole.missing);
        assert_eq!(incomplete().await, 0);
    }
    let of_day = "https://h/details?startDate=2024-01-05&endDate=2024-01-05&$skiptoken=1";
    let fifth = bench.file("6.json", details_page(&[("oA", "2024-01-05", "/a")], of_day));
    let seventh = bench.file("7.json", details_page(&[("oA", "2024-01-07", "/a")], ""));
    let cut = bench.import(bench.sheet_options(vec![fifth, seventh])).await.unwrap();
    assert_eq!(cut.missing.len(), 1, "another day's answer is no end of this one");
    let part = bench.file("5.json", details_page(&[("oA", "2024-01-01", "/b")], &link("1")));
    let refused = bench.import(bench.sheet_options(vec![part])).await.unwrap_err();
    assert!(matches!(refused, ImportError::IncompleteAnswer { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_count_rows_twice_is_refused_in_any_order() {
    let bench = Bench::new().await;
    let (a, b) = (("o", "2024-01-01", "/a"), ("o", "2024-01-01", "/b"));
    let files = [
        bench.file("first.json", details_page(&[a], &format!("{JANUARY}1"))),
        bench.file("whole.json", details_page(&[a, b], "")),
        bench.file("last.json", details_page(&[b], "")),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let paths = order.map(|index| files[index].clone()).to_vec();
        let refused = bench.import(bench.sheet_options(paths)).await.unwrap_err();
        assert!(refused.to_string().contains("could count rows twice"), "{order:?}: {refused}");
    }
    let refused = bench.import(bench.sheet_options(files[..2].to_vec())).await.unwrap_err();
    assert!(refused.to_string().contains("could count rows twice"), "{refused}");
    // The same answer fetched twice: the second time its rows were restated.
    let restated = details_page(&[a], &format!("{JANUARY}2")).replace("\"usedHours\":1", "\"usedHours\":2");
    let restated = bench.file("restated.json", restated);
    let refused = bench.import(bench.sheet_options(vec![files[0].clone(), restated, files[2].clone()])).await;
    let refused = refused.unwrap_err();
    assert!(refused.to_string().contains("could count rows twice"), "{refused}");
    let again = bench.file("again.json", details_page(&[b], &format!("{JANUARY}1")));
    let refused = bench.import(bench.sheet_options(vec![files[0].clone(), again])).await.unwrap_err();
    assert!(refused.to_string().contains("both are the same page"), "{refused}");
    let pages = vec![files[0].clone(), files[2].clone()];
    bench.import(bench.sheet_options(pages.clone())).await.unwrap();
    let other_order = pages.into_iter().rev().collect();
    assert!(bench.import(bench.sheet_options(other_order)).await.unwrap().sheets[0].unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_source_of_a_sheet_is_known() {
    let bench = Bench::new().await;
    let pages = vec![
        bench.file("1.json", details_page(&[("o", "2024-01-01", "/a")], &format!("{JANUARY}1"))),
        bench.file("2.json", details_page(&[("o", "2024-01-01", "/b")], "")),
    ];
    bench.import(bench.sheet_options(pages)).await.unwrap();
    assert_eq!(verify(&bench.store, &|_, _| {}).await.unwrap().violations, Vec::<String>::new());
    let sources = bench.store.lake().root().folder().join("sources");
    for kept in std::fs::read_dir(&sources).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = std::fs::read(&kept).unwrap();
        std::fs::remove_file(&kept).unwrap();
        assert_eq!(verify(&bench.store, &|_, _| {}).await.unwrap().violations.len(), 1, "{}", kept.display());
        std::fs::write(&kept, bytes).unwrap();
    }
}
