//! Workers and collection over a real lake and a real catalog.

use std::path::PathBuf;
use std::time::Duration;

use access::{Authenticator, Issuers, KeyHolder, Role, issue_key, permit, revoke_key};
use catalog::{Job, JobState, NewJob};
use formats::Layout;
use imports::{ImportOptions, NoProgress, Store, import};
use ledger::{ChargeFilter, Dataset, EnrollmentId, Generation, Scope, Window};
use samples::bundled::EA_ACTUAL;

use crate::question::{AsOf, Question, ReportForm, ReportKind};
use crate::service::{LinkEnd, Report, ReportSettings, Reports, Status, now_ms};
use crate::worker::{Workers, answer, run};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const HOUR_MS: i64 = 60 * 60 * 1000;

struct Bench {
    folder: tempfile::TempDir,
    store: Store,
    reports: Reports,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("data")).await.unwrap();
        let file = folder.path().join(EA_ACTUAL.name);
        std::fs::write(&file, EA_ACTUAL.bytes).unwrap();
        let options = ImportOptions { paths: vec![file], ..Default::default() };
        import(&store, &options, &NoProgress).await.unwrap();
        let settings = ReportSettings::default();
        let reports = Reports::open(store.catalog().clone(), store.lake().clone(), settings).await.unwrap();
        Self { folder, store, reports }
    }

    async fn question(&self) -> Question {
        let enrollment = EnrollmentId::parse("8611537").unwrap();
        let catalog = self.store.catalog();
        let scope = Scope::BillingAccount(enrollment.clone());
        let holder = KeyHolder { enrollment, scope: scope.clone(), role: Role::EnterpriseReader };
        let known = issue_key(catalog, &holder, "test", now_ms()).await.unwrap();
        let authenticator = Authenticator::open(catalog.clone(), Issuers::new(Vec::new()).unwrap()).await.unwrap();
        let caller = authenticator.authenticate(known.key.reveal(), now_ms()).await.unwrap();
        revoke_key(catalog, &known.id, "test", now_ms()).await.unwrap();
        Question {
            kind: ReportKind::CostDetails,
            generation: Generation::CostDetails,
            filter: ChargeFilter::default(),
            permit: permit(catalog, &caller, &scope).await.unwrap(),
            dataset: Dataset::ActualCost,
            window: Window::Period("202309".parse().unwrap()),
            form: ReportForm::CostDetails { layout: Layout::Ea20240801, unknown_columns: false },
            as_of: AsOf::Now,
            api_version: String::new(),
            request_scope: String::new(),
            request_body: String::new(),
        }
    }

    async fn ask(&self) -> String {
        self.reports.create(self.question().await).await.unwrap()
    }

    async fn poll(&self, kind: ReportKind, id: &str, links: LinkEnd) -> Option<Report> {
        self.reports.poll(&self.question().await.permit, kind, id, links).await.unwrap()
    }

    async fn claim(&self, owner: &str, now_ms: i64) -> Job {
        self.store.catalog().claim_job(owner, now_ms, now_ms + HOUR_MS).await.unwrap().unwrap()
    }

    async fn job(&self, id: &str) -> Job {
        self.store.catalog().job(id).await.unwrap().unwrap()
    }

    fn blobs_of(&self, job: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder_of(job)).into_iter().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn folder_of(&self, job: &str) -> PathBuf {
        self.folder.path().join("data/reports").join(job)
    }

    /// Runs the oldest job to its end, as a worker does that claimed it long ago.
    async fn finish_days_ago(&self, id: &str, days: i64) {
        let job = self.claim("w", now_ms()).await;
        assert_eq!(job.id, id);
        let end = answer(&self.reports, &job).await.unwrap();
        let finished = self.store.catalog().finish_job(id, "w", &end, now_ms() - days * DAY_MS).await.unwrap();
        assert!(finished);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_removes_its_own_blobs_and_cannot_finish() {
    let bench = Bench::new().await;
    let id = bench.ask().await;
    let slow = bench.claim("slow", now_ms()).await;
    // Two hours later by the clock of the catalog, the lease of the slow worker has ended.
    let quick = bench.claim("quick", now_ms() + 2 * HOUR_MS).await;
    assert_eq!((&slow.id, slow.attempts, &quick.id, quick.attempts), (&id, 1, &id, 2));
    let written = answer(&bench.reports, &quick).await.unwrap();
    run(&bench.reports, "slow", slow.clone()).await;
    assert_eq!(bench.job(&id).await.state, JobState::Running, "the slow one cannot finish it");
    assert_eq!(bench.blobs_of(&id), ["part_2_0000.csv"], "its blobs are gone, the other's are there");

    assert!(bench.store.catalog().finish_job(&id, "quick", &written, now_ms()).await.unwrap());
    let outcome = bench.job(&id).await;
    // A worker that wakes up when all is done changes nothing either.
    run(&bench.reports, "slow", slow).await;
    assert_eq!(bench.blobs_of(&id), ["part_2_0000.csv"]);
    let now = bench.job(&id).await;
    assert_eq!((now.state, &now.result), (JobState::Completed, &outcome.result));
    assert!(outcome.result.unwrap().contains("part_2_0000.csv"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_whose_outcome_counts_removes_what_dead_attempts_left() {
    let bench = Bench::new().await;
    let id = bench.ask().await;
    let dead = bench.claim("dead", now_ms()).await;
    answer(&bench.reports, &dead).await.unwrap();
    let heir = bench.claim("heir", now_ms() + 2 * HOUR_MS).await;
    run(&bench.reports, "heir", heir).await;
    assert_eq!(bench.job(&id).await.state, JobState::Completed);
    assert_eq!(bench.blobs_of(&id), ["part_2_0000.csv"]);
}

/// The lease of a dead worker need not end when it is certain that no worker lives.
#[tokio::test(flavor = "multi_thread")]
async fn workers_take_up_at_once_what_dead_ones_left_unless_others_live() {
    let bench = Bench::new().await;
    let id = bench.ask().await;
    let alive = Workers::start(&bench.reports).await;
    while !bench.job(&id).await.state.is_finished() {
        tokio::task::yield_now().await;
    }
    alive.stop().await;
    let mut other = bench.question().await;
    other.form = ReportForm::CostDetails { layout: Layout::Ea20191001, unknown_columns: false };
    let id = bench.reports.create(other).await.unwrap();
    bench.claim("dead or alive", now_ms()).await;
    let data = bench.store.lake().root().folder();
    let living = lake::FolderLock::shared(data, lake::LockName::Workers).unwrap();
    Workers::start(&bench.reports).await.stop().await;
    assert_eq!(bench.job(&id).await.state, JobState::Running, "it may be the living worker's");
    drop(living);
    let workers = Workers::start(&bench.reports).await;
    while !bench.job(&id).await.state.is_finished() {
        tokio::task::yield_now().await;
    }
    workers.stop().await;
    assert_eq!(bench.job(&id).await.attempts, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_reports_go_and_shared_blobs_live_as_long_as_any_report_that_names_them() {
    let bench = Bench::new().await;
    let first = bench.ask().await;
    bench.finish_days_ago(&first, 5).await;
    let second = bench.ask().await;
    let shared = bench.job(&second).await.result.unwrap();
    assert!(shared.contains(&first), "an equal question gets the blobs of the first: {shared}");
    assert_eq!(bench.reports.collect(Duration::ZERO).await.unwrap(), Default::default());

    // The same again with a first report that ended eight days ago.
    let catalog = bench.store.catalog();
    catalog.forget_jobs(now_ms() - 4 * DAY_MS).await.unwrap();
    let collected = bench.reports.collect(Duration::ZERO).await.unwrap();
    assert_eq!((collected.reports, collected.blobs.files), (0, 0), "the second still names them");
    let report = bench.poll(ReportKind::CostDetails, &second, LinkEnd::AfterPoll).await.unwrap();
    assert!(matches!(report.status, Status::Completed(blobs) if blobs.len() == 1));
    assert_eq!(bench.blobs_of(&first).len(), 1);

    catalog.forget_jobs(now_ms() + DAY_MS).await.unwrap();
    assert_eq!(bench.reports.collect(Duration::from_secs(3600)).await.unwrap().blobs.files, 0, "young blobs stay");
    assert_eq!(bench.reports.collect(Duration::ZERO).await.unwrap().blobs.files, 1);
    assert!(!bench.folder_of(&first).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_will_soon_be_forgotten_is_not_reused() {
    let bench = Bench::new().await;
    let old = bench.ask().await;
    bench.finish_days_ago(&old, 6).await;
    let fresh = bench.ask().await;
    assert_eq!(bench.job(&fresh).await.state, JobState::Queued);
    bench.finish_days_ago(&fresh, 8).await;
    let collected = bench.reports.collect(Duration::ZERO).await.unwrap();
    assert_eq!((collected.reports, collected.blobs.files), (1, 1));
    assert!(bench.store.catalog().job(&fresh).await.unwrap().is_none());
    assert_eq!(bench.blobs_of(&old).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_no_outcome_names_go_and_those_of_unfinished_reports_and_of_others_stay() {
    let bench = Bench::new().await;
    let done = bench.ask().await;
    bench.finish_days_ago(&done, 0).await;
    let waiting = uuid::Uuid::new_v4().to_string();
    let new = NewJob { id: waiting.clone(), digest: "d".into(), request: "{}".into(), created_at_ms: now_ms() };
    bench.store.catalog().add_job(&new).await.unwrap();
    let nobody = uuid::Uuid::new_v4().to_string();
    let files = [
        (done.as_str(), "part_7_0000.csv", false),
        (&done, "part_1_0000.csv#12", false),
        (&done, "notes.csv", true),
        (&waiting, "part_1_0000.csv", true),
        (&waiting, "part_1_0001.csv#12", true),
        (&nobody, "part_1_0000.csv", false),
        ("not-a-job", "part_1_0000.csv", true),
    ];
    for (job, name, _) in files {
        std::fs::create_dir_all(bench.folder_of(job)).unwrap();
        std::fs::write(bench.folder_of(job).join(name), "1234").unwrap();
    }
    let collected = bench.reports.collect(Duration::ZERO).await.unwrap();
    assert_eq!((collected.reports, collected.blobs.files, collected.blobs.size_bytes), (0, 3, 12));
    for (job, name, stays) in files {
        assert_eq!(bench.folder_of(job).join(name).exists(), stays, "{job}/{name}");
    }
    assert!(bench.folder_of(&done).join("part_1_0000.csv").exists(), "the outcome names it");
    assert!(!bench.folder_of(&nobody).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_outlives_its_report() {
    let bench = Bench::new().await;
    let id = bench.ask().await;
    bench.finish_days_ago(&id, 6).await;
    let end_s = (bench.job(&id).await.finished_at_ms.unwrap() + 7 * DAY_MS) / 1000;
    let mut settings = ReportSettings { link_life: Duration::from_secs(3600), ..ReportSettings::default() };
    for (life, expected) in [(3600, now_ms() / 1000 + 3600), (7 * 24 * 3600, end_s)] {
        settings.link_life = Duration::from_secs(life);
        let catalog = bench.store.catalog().clone();
        let reports = Reports::open(catalog, bench.store.lake().clone(), settings.clone()).await.unwrap();
        let permit = bench.question().await.permit;
        let report = reports.poll(&permit, ReportKind::CostDetails, &id, LinkEnd::AfterPoll).await.unwrap().unwrap();
        assert!((0..60).contains(&(report.valid_till_s - expected)), "{} {expected}", report.valid_till_s);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_found_through_its_own_kind_and_its_links_end_when_the_caller_says() {
    let bench = Bench::new().await;
    let asked_ms = now_ms();
    let filter = |text: &str| ChargeFilter {
        conditions: vec![ledger::Condition::Text {
            field: ledger::Field::MeterCategory,
            comparison: ledger::Comparison::Equal,
            text: text.to_owned(),
        }],
        ..ChargeFilter::default()
    };
    let question = Question {
        kind: ReportKind::UsageDetails,
        generation: Generation::UsageDetailsOfUsage,
        filter: filter("Storage"),
        ..bench.question().await
    };
    let id = bench.reports.create(question.clone()).await.unwrap();
    for kind in [ReportKind::CostDetails, ReportKind::EnterpriseReporting] {
        assert!(bench.poll(kind, &id, LinkEnd::AfterPoll).await.is_none(), "{kind:?}");
    }
    let hour = LinkEnd::AfterRequest(Duration::from_secs(3600));
    let report = bench.poll(ReportKind::UsageDetails, &id, hour).await.unwrap();
    assert!(matches!(report.status, Status::Queued));
    assert_eq!(report.window, question.window);
    assert!((asked_ms..=now_ms()).contains(&report.created_at_ms));
    assert_eq!(report.valid_till_s, report.created_at_ms.div_euclid(1000) + 3600);
    let job = bench.claim("w", now_ms()).await;
    assert!(matches!(bench.poll(ReportKind::UsageDetails, &id, hour).await.unwrap().status, Status::Running));
    run(&bench.reports, "w", job).await;
    let report = bench.poll(ReportKind::UsageDetails, &id, hour).await.unwrap();
    assert!(matches!(report.status, Status::Completed(_)), "{report:?}");
    let rows = std::fs::read_to_string(bench.folder_of(&id).join("part_1_0000.csv")).unwrap();
    assert!(rows.lines().skip(1).all(|row| row.contains(",Storage,") && row.contains(",Usage,")), "{rows}");
    assert!(rows.lines().count() > 1);

    // The same question reuses its blobs; another filter, another right or another form does not.
    let digest = |question: Question| async {
        let id = bench.reports.create(question).await.unwrap();
        bench.job(&id).await.digest
    };
    let first = bench.job(&id).await.digest;
    assert_eq!(digest(question.clone()).await, first);
    let form = ReportForm::CostDetails { layout: Layout::EaPortalC360, unknown_columns: false };
    for other in [
        Question { filter: filter("Bandwidth"), ..question.clone() },
        Question { generation: Generation::UsageDetails, ..question.clone() },
        Question { form, ..question.clone() },
    ] {
        assert_ne!(digest(other.clone()).await, first, "{other:?}");
    }
}

/// Only a Cost Details answer can name several blobs.
#[tokio::test(flavor = "multi_thread")]
async fn reports_of_the_other_kinds_have_one_blob() {
    let mut bench = Bench::new().await;
    bench.reports.settings.blob_bytes_max = 1;
    for (kind, several) in [(ReportKind::CostDetails, true), (ReportKind::UsageDetails, false)] {
        let id = bench.reports.create(Question { kind, ..bench.question().await }).await.unwrap();
        let job = bench.claim("w", now_ms()).await;
        run(&bench.reports, "w", job).await;
        assert_eq!(bench.blobs_of(&id).len() > 1, several, "{kind:?}");
    }
}

/// A job as the first versions of the program kept it: it is read as a Cost Details report, without filter.
#[test]
fn questions_of_earlier_versions_are_read() {
    let text = r#"{"scope":"billingaccounts/1","shares":[{"enrollment":"1","selection":"everything","within":[]}],
        "visibility":"Everything","dataset":"ActualCost","period":"202309","layout":"ea_2024_08_01","unknown_columns":["x"],
        "version":3,"api_version":"2022-05-01","request_scope":"s","request_body":"{}"}"#;
    let stored: crate::question::StoredQuestion = serde_json::from_str(text).unwrap();
    assert_eq!(stored.kind, ReportKind::CostDetails);
    let query = stored.query().unwrap();
    assert_eq!((query.window, query.filter.is_empty()), (Window::Period("202309".parse().unwrap()), true));
    assert_eq!(stored.encoder().unwrap().identity(), r#"csv 1 ea_2024_08_01 ["x"]"#);
}
