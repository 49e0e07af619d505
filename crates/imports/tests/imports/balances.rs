//! Balance summaries: what an import of them holds, refuses, keeps and finds.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use calendar::BillingPeriod;
use catalog::HeldBalance;
use lazurite_imports::{ImportError, ImportOptions, ImportOutcome, ImportedBalance, verify};
use ledger::{BalanceAmount, EnrollmentId};

use crate::support::{A, Bench, actual, export, taken};

/// SEMANTICS 7, E15.
const ARM: &str = r#"{
  "id": "providers/Microsoft.Billing/billingAccounts/100/providers/Microsoft.Billing/billingPeriods/201702/providers/Microsoft.Consumption/balances/b",
  "name": "b", "type": "Microsoft.Consumption/balances",
  "properties": {"currency": "USD  ", "beginningBalance": 3396469.19, "endingBalance": 2922371.02, "newPurchases": 0,
    "adjustments": 0, "utilized": 474098.17, "serviceOverage": 0, "chargesBilledSeparately": 0, "totalOverage": 0,
    "totalUsage": 474098.17, "azureMarketplaceServiceCharges": 609.82, "overageRefund": 2012.61}
}"#;

fn of(period: &str, ending: &str) -> String {
    format!(
        "{{\"id\": \"enrollments/100/billingperiods/{period}/balancesummaries\", \"currencyCode\": \"USD\", \
         \"endingBalance\": {ending}}}"
    )
}

fn options(path: PathBuf) -> ImportOptions {
    ImportOptions { paths: vec![path], actor: "tester".to_owned(), ..ImportOptions::default() }
}

impl Bench {
    async fn import_json(&self, name: &str, text: &str, at: i64) -> Result<ImportOutcome, ImportError> {
        self.import(taken(options(self.file(name, text)), at)).await
    }

    async fn held(&self, period: &str) -> Option<HeldBalance> {
        let period: BillingPeriod = period.parse().unwrap();
        self.store.catalog().balance(&EnrollmentId::parse("100").unwrap(), period).await.unwrap()
    }

    async fn ending(&self, period: &str) -> Option<String> {
        let held = self.held(period).await?;
        held.summary.amount(BalanceAmount::EndingBalance).map(|amount| amount.to_string())
    }

    fn kept_sources(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.store.lake().root().folder().join("sources")) else {
            return Vec::new();
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.display().to_string().ends_with(".balances.zst")).collect()
    }
}

fn one(outcome: ImportOutcome) -> ImportedBalance {
    assert!(outcome.imported.is_empty() && outcome.rejected == 0 && outcome.balances.len() == 1);
    outcome.balances.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn published_figures_are_held_with_their_source_and_an_audit_entry() {
    let bench = Bench::new().await;
    let done = one(bench.import_json("b.json", ARM, 5).await.unwrap());
    assert_eq!((done.enrollment.as_str(), done.period.as_str(), done.unchanged), ("100", "201702", false));
    assert_eq!(done.revision.as_deref(), Some("b1"));
    let held = bench.held("201702").await.unwrap();
    for (which, text) in [
        (BalanceAmount::BeginningBalance, "3396469.19"),
        (BalanceAmount::Utilized, "474098.17"),
        (BalanceAmount::EndingBalance, "2922371.02"),
        (BalanceAmount::TotalUsage, "474098.17"),
        (BalanceAmount::TotalOverage, "0"),
        (BalanceAmount::OverageRefund, "2012.61"),
    ] {
        assert_eq!(held.summary.amount(which).unwrap().as_str(), text);
    }
    assert_eq!(bench.kept_sources().len(), 1);
    let kept = std::fs::File::open(&bench.kept_sources()[0]).unwrap();
    assert_eq!(zstd::decode_all(kept).unwrap(), ARM.as_bytes());
    let audit = catalog::AuditFilter { limit: 10, ..catalog::AuditFilter::default() };
    let audit = bench.store.catalog().audit(&audit).await.unwrap();
    let entry = audit.last().unwrap();
    assert_eq!((entry.actor.as_str(), entry.action.as_str()), ("tester", "import"));
    assert_eq!(entry.detail, "balance summary 201702 of billingAccounts/100");
    // The lake knows nothing of it.
    assert_eq!(bench.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_run_wins_and_the_same_bytes_change_nothing() {
    let bench = Bench::new().await;
    bench.import_json("a.json", &of("201702", "1.0"), 50).await.unwrap();
    let stale = bench.import_json("b.json", &of("201702", "2"), 40).await.unwrap_err();
    let ImportError::Stale { what, held, revision, .. } = &stale else { panic!("{stale}") };
    assert_eq!((what.as_str(), revision.as_str()), ("balance summary 201702 of enrollment 100", "b1"));
    assert_eq!((held.as_str(), stale.code()), ("1970-01-01T00:00:00Z", "StaleRun"));
    // In another file, in a list, older or newer: the same bytes of the summary are the same.
    for (at, text) in [(30, of("201702", "1.0")), (60, format!("[ {} ]", of("201702", "1.0")))] {
        let again = one(bench.import_json("c.json", &text, at).await.unwrap());
        assert!(again.unchanged && again.revision.as_deref() == Some("b1"));
    }
    // The same bytes of a later run make runs between the two stale.
    assert!(matches!(bench.import_json("d.json", &of("201702", "3"), 55).await, Err(ImportError::Stale { .. })));
    let forced = ImportOptions { force: true, ..taken(options(bench.file("e.json", of("201702", "4"))), 10) };
    let forced = one(bench.import(forced).await.unwrap());
    assert_eq!((forced.revision.as_deref(), forced.replaces.as_deref()), (Some("b2"), Some("b1")));
    assert_eq!(bench.ending("201702").await.as_deref(), Some("4"));
    // Without a run time it is that of the import.
    bench.import(options(bench.file("f.json", of("201702", "5")))).await.unwrap();
    assert_eq!(bench.ending("201702").await.as_deref(), Some("5"));
    assert!(matches!(bench.import_json("g.json", &of("201702", "6"), 70).await, Err(ImportError::Stale { .. })));
    assert_eq!(bench.store.catalog().balance_revisions().await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_months_and_charges_is_imported_whole() {
    let bench = Bench::new().await;
    bench.file("in/201702.json", of("201702", "1"));
    bench.file("in/deeper/201703.json", of("201703", "2"));
    bench.file("in/more.csv", "id,currency,endingBalance\nenrollments/100/billingperiods/201704,USD,3\n");
    bench.file("in/charges.csv", export(&[(A, "09/01/2023", "1")]));
    bench.file("in/other.json", "{\"a\": 1}");
    let outcome = bench.import(actual(bench.folder.path().join("in"))).await.unwrap();
    assert_eq!((outcome.imported.len(), outcome.balances.len()), (1, 3));
    for (period, ending) in [("201702", "1"), ("201703", "2"), ("201704", "3")] {
        assert_eq!(bench.ending(period).await.as_deref(), Some(ending));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_import_changes_nothing_not_even_the_charges_beside_it() {
    let bench = Bench::new().await;
    bench.import_json("held.json", &of("201703", "1"), 1_000_000_000_000_000).await.unwrap();
    let charges = export(&[(A, "09/01/2023", "1")]);
    for (name, balances, code) in [
        ("broken", format!("[{}, {}", of("201702", "1"), of("201704", "1")), "InvalidJson"),
        ("twice", format!("[{}, {}]", of("201702", "1"), of("201702", "2")), "Ambiguous"),
        ("one wrong", format!("[{}, {}]", of("201702", "1"), of("201704", "\"1\"")), "InvalidBalance"),
        (
            "no period",
            "{\"id\": \"enrollments/100\", \"currency\": \"USD\", \"endingBalance\": 1}".to_owned(),
            "MissingFact",
        ),
        ("one stale", format!("[{}, {}]", of("201702", "1"), of("201703", "2")), "StaleRun"),
        ("currency", of("201702", "1").replace("USD", "EUR"), "CurrencyMismatch"),
        ("other json", "{\"blobs\": []}".to_owned(), "NotUsageDetails"),
    ] {
        let paths = vec![bench.file("b.json", balances), bench.file("c.csv", &charges)];
        let refused = bench.import(taken(ImportOptions { paths, ..actual(PathBuf::new()) }, 5)).await;
        let error = refused.err().unwrap_or_else(|| panic!("{name} is imported"));
        assert_eq!((error.code(), error.is_refusal()), (code, true), "{name}: {error}");
        assert_eq!((bench.version().await, bench.ending("201702").await), (0, None), "{name}");
    }
    assert_eq!(bench.store.catalog().balance_revisions().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_complete_a_summary_and_never_contradict_it() {
    let bench = Bench::new().await;
    let with = |text: &str, change: &dyn Fn(&mut ImportOptions)| {
        let mut options = options(bench.file("b.json", text));
        change(&mut options);
        options
    };
    let own = of("201702", "1");
    let foreign = with(&own, &|own| own.fill.enrollment = EnrollmentId::parse("200").ok());
    let error = bench.import(foreign).await.unwrap_err();
    assert!(
        error.code() == "Contradiction" && error.to_string().contains("of enrollment 100, but --enrollment is 200")
    );
    let scope = |text: &str| ledger::Scope::parse(text).ok();
    let below = with(&own, &|own| own.fill.scope = scope("billingAccounts/100/departments/7"));
    assert_eq!(bench.import(below).await.unwrap_err().code(), "Contradiction");
    let dry = with(&own, &|own| own.dry_run = true);
    assert_eq!(one(bench.import(dry).await.unwrap()).revision, None);
    assert_eq!((bench.ending("201702").await, bench.kept_sources().len()), (None, 0));
    let bare = with("{\"endingBalance\": 2.50}", &|own| {
        own.fill.enrollment = EnrollmentId::parse("100").ok();
        own.fill.period = "201705".parse().ok();
        own.fill.currency = "USD".parse().ok();
        own.fill.scope = scope("billingAccounts/100");
    });
    bench.import(bare).await.unwrap();
    assert_eq!(bench.ending("201705").await.as_deref(), Some("2.50"));
    // What an option completed is found again in its source.
    assert_eq!(verify(&bench.store, &|_, _| {}).await.unwrap().violations, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_holds_what_json_holds() {
    let bench = Bench::new().await;
    bench.import_json("b.json", ARM, 5).await.unwrap();
    let from_json = bench.held("201702").await.unwrap().summary;
    let csv = "id,name,currency,beginningBalance,endingBalance,newPurchases,adjustments,utilized,serviceOverage,\
               chargesBilledSeparately,totalOverage,totalUsage,azureMarketplaceServiceCharges,overageRefund\n\
               billingAccounts/100/billingPeriods/201702,b,USD,3396469.19,2922371.02,0,0,474098.17,0,0,0,474098.17,609.82,\
               2012.61\n";
    let outcome = bench.import(taken(options(bench.file("b.csv", csv)), 6)).await.unwrap();
    assert!(!one(outcome).unchanged, "the bytes are others");
    assert_eq!(bench.held("201702").await.unwrap().summary, from_json);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_says_against_itself_is_a_finding_and_damage_is_a_violation() {
    let bench = Bench::new().await;
    bench.import_json("a.json", ARM, 5).await.unwrap();
    let odd = of("201703", "1.1")
        .replace("}", ", \"beginningBalance\": 0, \"newPurchases\": 1, \"adjustments\": 1.1, \"utilized\": 1.1}");
    bench.import_json("b.json", &odd, 5).await.unwrap();
    let report = verify(&bench.store, &|_, _| {}).await.unwrap();
    assert!(report.is_ok(), "{:?}", report.violations);
    assert_eq!((report.checked.balances, report.checked.sources), (2, 2));
    assert_eq!(
        report.findings,
        [
            "balance summary 201703 of enrollment 100 (b2): endingBalance is 1.1, but beginningBalance + newPurchases + \
             adjustments - utilized is 1.0",
            "enrollment 100 period 201703: B4 fails by -2922371.02 in 1 place; beginningBalance: is 0, but endingBalance \
             of the month before is 2922371.02; off by -2922371.02"
        ]
    );
    // Orphans are collected by names of the lake's log; sources of balances stay.
    for path in bench.kept_sources() {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(1_000_000)).unwrap();
    }
    bench.store.collect_orphans(Duration::from_secs(60)).await.unwrap();
    let kept = bench.kept_sources();
    assert_eq!(kept.len(), 2);
    std::fs::remove_file(&kept[0]).unwrap();
    std::fs::write(&kept[1], zstd::encode_all(&b"{}"[..], 1).unwrap()).unwrap();
    let report = verify(&bench.store, &|_, _| {}).await.unwrap();
    let mut faults: Vec<&str> =
        report.violations.iter().filter_map(|fault| fault.split_once(": ")).map(|(_, why)| why).collect();
    faults.sort_unstable();
    assert!(faults.len() == 2 && faults[0] == "it is missing" && faults[1].starts_with("its text has"), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_and_endless_files_are_told_apart() {
    let bench = Bench::new().await;
    let gzip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text).unwrap();
        encoder.finish().unwrap()
    };
    let path = bench.file("in/b.json.gz", gzip(of("201702", "1").as_bytes()));
    bench.import(options(path.parent().unwrap().to_owned())).await.unwrap();
    assert_eq!(bench.ending("201702").await.as_deref(), Some("1"));
    let mut endless = of("201703", "1").into_bytes();
    endless.resize(17 << 20, b' ');
    let refused = bench.import(options(bench.file("endless.json.gz", gzip(&endless)))).await.unwrap_err();
    assert!(matches!(refused, ImportError::BalancesTooLong { .. }), "{refused}");
    let torn = gzip(of("201703", "1").as_bytes());
    let refused = bench.import(options(bench.file("torn.json.gz", &torn[..torn.len() - 6]))).await.unwrap_err();
    assert_eq!(refused.code(), "CorruptCompression", "{refused}");
}
