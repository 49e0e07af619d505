//! The program dies at every named write point and at random moments; the store is exactly before or after, and goes on.
//!
//! `tests/crashes/run.py` does the same on 200,000 rows.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use imports::{ImportOptions, NoProgress, Store, import};
use lake::CRASH_POINTS;
use ledger::Dataset;
use samples::bundled::EA_ACTUAL;
use serde_json::{Value, json};

use crate::program::{Bench, Done, lazurite};

const ENROLLMENT: &str = "8611001";
const SEPTEMBER: [&str; 4] = ["--enrollment", ENROLLMENT, "--period", "202501"];
/// So many rows are several blobs of this size.
const ROWS: &str = "2000";
const SERVE: [&str; 2] = ["--blob-bytes-max", "700000"];
/// Versions of the lake before the import that dies: it makes version 20, which gets a checkpoint.
const VERSIONS: u64 = 19;
/// The last point at which the commit is not there; at all later ones of an import it is.
const LAST_BEFORE: &str = "import-commit-staged";
/// The point of an import at which the catalog knows of the commit.
const RECORDED: &str = "import-catalog-committed";
/// A program that has not died by then passes its point by.
const DEATH_TIME_MAX: Duration = Duration::from_secs(60);
const ABORTED: i32 = 6;

/// An export of some days of the month: it replaces a part.
const PART: &str = "\
BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel,Tags,ResourceId
8611001,01/01/2025,1caaa5a3-2b66-438e-8ab4-bce37d518c5d,01/02/2025,m,1,7.5,7.5,USD,Usage,OnDemand,,/r/1
8611001,01/01/2025,1caaa5a3-2b66-438e-8ab4-bce37d518c5d,01/09/2025,m,1,0.25,0.25,USD,Usage,OnDemand,,/r/2
";

/// An import that dies.
struct Attempt {
    file: PathBuf,
    options: Vec<&'static str>,
    /// The state that it leaves when nobody kills it, and how long it takes.
    after: Value,
    work: Duration,
}

/// A store that holds an older export of a month, and the newer one that replaces it.
struct Scene {
    bench: Bench,
    newer: PathBuf,
    key: String,
    before: Done,
}

impl Scene {
    fn new(versions: u64) -> Self {
        let bench = Bench::new();
        let [older, newer] = ["1", "2"].map(|seed| {
            let out = bench.path(&format!("sample-{seed}.csv"));
            let sample =
                lazurite().args(["sample", "--rows", ROWS, "--seed", seed, "--out"]).arg(&out).output().unwrap();
            assert!(sample.status.success(), "{sample:?}");
            out
        });
        let small = bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes);
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let store = Store::open(&bench.data()).await.unwrap();
            let mut options = ImportOptions { paths: vec![small], force: true, ..Default::default() };
            options.fill.dataset = Some(Dataset::ActualCost);
            for _ in 1..versions {
                import(&store, &options, &NoProgress).await.unwrap();
            }
            store.catalog().close().await;
        });
        let older = older.display().to_string();
        let imported = bench.run(&["import", &older, "--dataset", "ActualCost", "--taken-at", "2025-02-01T00:00:00Z"]);
        assert_eq!(imported.code, 0, "{}", imported.errors);
        let key = bench.key(ENROLLMENT);
        let before = bench.run(&["status", "--json"]);
        assert_eq!(before.json["revision"], versions.to_string());
        Self { bench, newer, key, before }
    }

    /// A store of one's own in the same state.
    fn copy(&self) -> Bench {
        let bench = Bench::new();
        copy_folder(&self.bench.data(), &bench.data());
        bench
    }

    /// The import of the newer export, or of another file.
    fn attempt(&self, file: &Path, options: &[&'static str]) -> Attempt {
        let bench = self.copy();
        let (options, after) = (options.to_vec(), Value::Null);
        let mut attempt = Attempt { file: file.to_owned(), options, after, work: Duration::ZERO };
        let started = Instant::now();
        let done = attempt.command(&bench).output().unwrap();
        attempt.work = started.elapsed();
        assert!(done.status.success(), "{done:?}");
        attempt.after = state(&bench.run(&["status", "--json"]));
        assert_ne!(attempt.after, state(&self.before));
        attempt
    }

    /// Nothing is damaged, the state is one of the two, and the store goes on: a report has its exact total, the same
    /// import ends in the state after.
    fn check(&self, bench: &Bench, attempt: &Attempt, at: &str) -> bool {
        let verified = bench.run(&["verify", "--json"]);
        assert!(verified.code == 0 && verified.json["ok"] == true, "{at}: {}", verified.text);
        let found = bench.run(&["status", "--json"]);
        assert_eq!(found.errors, "", "{at}: verify healed already");
        let is_after = state(&found) == attempt.after;
        assert!(is_after || found.text == self.before.text, "{at}: {}", found.text);
        self.check_report(bench, &found.json, at);
        assert!(attempt.command(bench).status().unwrap().success(), "{at}: the same import again");
        assert_eq!(state(&bench.run(&["status", "--json"])), attempt.after, "{at}: after the same import again");
        is_after
    }

    /// The report of the month has the rows and the exact total of the status.
    fn check_report(&self, bench: &Bench, status: &Value, at: &str) {
        let server = bench.serve(&SERVE);
        let out = bench.path("report.csv");
        let asked = lazurite()
            .args(["report", "--json", "--server", server.http(), "--out"])
            .arg(&out)
            .args(SEPTEMBER)
            .env("LAZURITE_KEY", &self.key)
            .output()
            .unwrap();
        assert!(asked.status.success(), "{at}: {asked:?}");
        let month = status["held"].as_array().unwrap().iter().find(|held| held["period"] == "202501").unwrap();
        let (rows, total) = sum(&out);
        assert_eq!((rows, total.as_str()), (month["rows"].as_u64().unwrap(), month["total"].as_str().unwrap()), "{at}");
    }
}

impl Attempt {
    fn command(&self, bench: &Bench) -> Command {
        let mut command = coreless();
        command.args(["import", "--json", "--dataset", "ActualCost", "--taken-at", "2025-02-02T00:00:00Z"]);
        command.args(&self.options).arg(&self.file).arg("--data").arg(bench.data());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// What `status --json` says, without the instant at which an import was committed.
fn state(status: &Done) -> Value {
    let mut state = status.json.clone();
    for held in state["held"].as_array_mut().unwrap() {
        held["importedAt"].take();
    }
    state
}

/// Rows and exact sum of a report.
fn sum(report: &Path) -> (u64, String) {
    let text = std::fs::read(report).unwrap();
    let mut reader = formats::RecordReader::new(text.strip_prefix(b"\xEF\xBB\xBF").unwrap());
    let (mut column, mut rows, mut total) = (None, 0, money::Total::default());
    while let Some(record) = reader.next_record().unwrap() {
        let Some(column) = column else {
            column = (0..record.len()).position(|index| record.bytes(index).as_ref() == b"CostInBillingCurrency");
            assert!(column.is_some());
            continue;
        };
        let cost = money::Decimal::parse(&record.bytes(column), money::Limits::TOTAL).unwrap();
        total.add(cost.value).unwrap();
        rows += 1;
    }
    (rows, total.value().to_shortest_string())
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// The program without core files: it is made to abort.
fn coreless() -> Command {
    let program = lazurite();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""]).arg(program.get_program());
    for (name, _) in program.get_envs() {
        command.env_remove(name);
    }
    command
}

fn wait(child: &mut Child, at: &str) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if started.elapsed() > DEATH_TIME_MAX {
            child.kill().unwrap();
            panic!("{at}: the program does not die there");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn points(prefix: &str) -> Vec<&'static str> {
    CRASH_POINTS.into_iter().filter(|name| name.starts_with(prefix)).collect()
}

fn position(name: &str) -> usize {
    CRASH_POINTS.iter().position(|point| *point == name).unwrap()
}

#[test]
fn an_import_that_dies_at_any_write_point_leaves_the_state_before_or_after() {
    let prefixes = ["import-", "report-", "usage-", "native-", "prune-"];
    assert!(CRASH_POINTS.iter().all(|name| prefixes.iter().any(|prefix| name.starts_with(prefix))));
    let scene = Scene::new(VERSIONS);
    let whole = scene.attempt(&scene.newer, &[]);
    let part = scene.attempt(&scene.bench.file("part.csv", PART), &["--days", "2025-01-01..2025-01-15"]);
    for at in points("import-") {
        // Only what stays of a file that is replaced in part is written again.
        let attempt = if at == "import-rest-written" { &part } else { &whole };
        let bench = scene.copy();
        let mut dying = attempt.command(&bench).env("LAZURITE_CRASH_AT", at).spawn().unwrap();
        assert_eq!(wait(&mut dying, at).signal(), Some(ABORTED), "{at}");
        let committed = position(at) > position(LAST_BEFORE);
        if committed && at != RECORDED {
            let healed = bench.run(&["key", "list"]);
            let revision = VERSIONS + 1;
            let sentence = format!("of enrollment {ENROLLMENT} ActualCost period 202501 as revision {revision}, which");
            assert!(
                healed.errors.contains("took over import") && healed.errors.contains(&sentence),
                "{}",
                healed.errors
            );
        }
        assert_eq!(scene.check(&bench, attempt, at), committed, "{at}");
    }
}

/// Points that a command which takes documents and usage and bills them does not pass: it reads no export, replaces no
/// part of a file, and makes too few versions for a checkpoint.
const NOT_OF_BILLS: [&str; 6] = [
    "import-read",
    "import-sources-kept",
    "import-rest-written",
    "import-checkpoint-staged",
    "import-checkpoint-named",
    "import-checkpointed",
];

/// What is held of a native enrollment: charges and balances, and the state of every period.
fn billed(bench: &Bench) -> (Vec<Value>, Vec<Value>) {
    let status = bench.run(&["status", "--json"]);
    let held = status.json["held"].as_array().unwrap().iter();
    let charges = held.map(|one| json!([one["dataset"], one["period"], one["rows"], one["total"]])).collect();
    let native = status.json["native"].as_array().unwrap().iter();
    let periods = native.flat_map(|one| one["periods"].as_array().unwrap().clone());
    (charges, periods.map(|one| json!([one["period"], one["state"], one["endingBalance"]])).collect())
}

#[test]
fn billing_that_dies_at_any_write_point_is_finished_by_the_same_command() {
    let example = Bench::new();
    let folder = example.path("example");
    let made = lazurite().args(["init", "--month", "202501", "--native"]).arg(&folder).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let command = |bench: &Bench| {
        let mut command = coreless();
        command.arg("bill").arg(&folder).args(["--as-of", "2025-02-05T04:00:00Z", "--data"]).arg(bench.data());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let whole = Bench::new();
    assert!(command(&whole).status().unwrap().success());
    let after = billed(&whole);
    assert!(after.0.len() == 4 && after.1.len() == 2, "{after:?}");
    let mut passed_by = Vec::new();
    let is_of_others = |name: &str| name.starts_with("report-") || name.starts_with("prune-");
    for at in CRASH_POINTS.into_iter().filter(|name| !is_of_others(name)) {
        let bench = Bench::new();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            Store::open(&bench.data()).await.unwrap().catalog().close().await;
        });
        let mut dying = command(&bench).env("LAZURITE_CRASH_AT", at).spawn().unwrap();
        if wait(&mut dying, at).signal() != Some(ABORTED) {
            passed_by.push(at);
            continue;
        }
        let verified = bench.run(&["verify", "--json"]);
        assert!(verified.code == 0 && verified.json["ok"] == true, "{at}: {}", verified.text);
        assert!(command(&bench).status().unwrap().success(), "{at}: the same command again");
        assert_eq!(billed(&bench), after, "{at}");
        let verified = bench.run(&["verify", "--json"]);
        assert!(verified.code == 0 && verified.json["ok"] == true, "{at}: {}", verified.text);
    }
    assert_eq!(passed_by, NOT_OF_BILLS);
}

/// Points of a commit that the end of history passes too.
const OF_COMMITS: [&str; 8] = [
    "import-commit-begun",
    "import-commit-staged",
    "import-commit-named",
    "import-committed",
    "import-catalog-begun",
    "import-catalog-committed",
    "prune-committed",
    "prune-begun",
];

#[test]
fn history_whose_end_dies_at_any_write_point_is_whole_or_ended() {
    let scene = Scene::new(3);
    let restored = scene.copy();
    let newer = scene.attempt(&scene.newer, &[]);
    assert!(newer.command(&restored).status().unwrap().success());
    let command = |bench: &Bench| {
        let mut command = coreless();
        command.args(["prune", "--keep-from", "4", "--sources", "--yes", "--data"]).arg(bench.data());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let before = restored.run(&["status", "--json"]);
    let files = |bench: &Bench| {
        let of = |folder| lake::leftover::files_older_than(&bench.data().join(folder), Duration::ZERO);
        let files = ["charges", "rollups", "sources"].into_iter().flat_map(of);
        let mut names: Vec<String> = files.map(|file| file.name).filter(|name| !name.ends_with(".json")).collect();
        names.sort();
        names
    };
    let copy = || {
        let bench = Bench::new();
        copy_folder(&restored.data(), &bench.data());
        bench
    };
    let ended = copy();
    assert!(command(&ended).status().unwrap().success());
    assert!(files(&ended).len() < files(&restored).len());
    for at in OF_COMMITS {
        let bench = copy();
        let mut dying = command(&bench).env("LAZURITE_CRASH_AT", at).spawn().unwrap();
        assert_eq!(wait(&mut dying, at).signal(), Some(ABORTED), "{at}");
        let verified = bench.run(&["verify", "--json"]);
        assert!(verified.code == 0 && verified.json["ok"] == true, "{at}: {}", verified.text);
        let status = bench.run(&["status", "--json"]);
        assert_eq!(status.json["held"], before.json["held"], "{at}");
        let earlier = bench.run(&["total", "--enrollment", ENROLLMENT, "--period", "202501", "--as-of", "3", "--json"]);
        let is_ended = position(at) > position(LAST_BEFORE);
        assert_eq!(earlier.code, if is_ended { 2 } else { 0 }, "{at}: {}", earlier.text);
        assert_eq!(is_ended, earlier.text.contains("history was ended before revision 4"), "{at}: {}", earlier.text);
        scene.check_report(&bench, &status.json, at);
        assert!(command(&bench).status().unwrap().success(), "{at}: the same command again");
        assert_eq!(files(&bench), files(&ended), "{at}");
        let verified = bench.run(&["verify", "--json"]);
        assert!(verified.code == 0 && verified.json["ok"] == true, "{at}: {}", verified.text);
    }
}

#[test]
fn a_report_whose_server_dies_at_any_write_point_is_completed_by_the_next() {
    let scene = Scene::new(1);
    // Nobody works here, so the report is certainly unfinished.
    let asked = scene.copy();
    let config = asked.file("lazurite.toml", "workers = 0\n").display().to_string();
    let idle = asked.serve(&["--config", &config]);
    let path = post(idle.http(), &scene.key).unwrap();
    idle.kill();
    for at in points("report-") {
        let bench = Bench::new();
        copy_folder(
            if at == "report-queued" { scene.bench.folder.path() } else { asked.folder.path() },
            bench.folder.path(),
        );
        let mut dying = coreless();
        dying.args(["serve", "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--json"]).args(SERVE);
        dying.arg("--data").arg(bench.data()).env("LAZURITE_CRASH_AT", at);
        let mut dying = dying.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        if at == "report-queued" {
            assert_eq!(post(&ready(&mut dying), &scene.key), None, "the server dies before it answers");
        }
        assert_eq!(wait(&mut dying, at).signal(), Some(ABORTED), "{at}");
        let verified = bench.run(&["verify", "--json"]);
        assert_eq!(verified.json["ok"], true, "{at}: {}", verified.text);
        assert_eq!(bench.run(&["status", "--json"]).text, scene.before.text, "{at}");
        scene.check_report(&bench, &scene.before.json, at);

        let server = bench.serve(&SERVE);
        if at != "report-queued" {
            let blobs = poll(&format!("{}{path}", server.http()), &scene.key);
            assert!(blobs > 1, "{at}: {blobs} blobs");
            let left: Vec<_> = listed(&bench.data().join("reports").join(operation(&path)))
                .into_iter()
                .filter(|name| !name.contains('#'))
                .collect();
            assert_eq!(left.len(), blobs, "{at}: nothing but the blobs stays: {left:?}");
        }
        let (_, log) = server.terminate();
        assert!(!log.contains("took up"), "{at}: the server before did: {log}");
    }
}

#[test]
fn a_server_says_what_it_heals() {
    let scene = Scene::new(1);
    let bench = scene.copy();
    let config = bench.file("lazurite.toml", "workers = 0\n").display().to_string();
    let idle = bench.serve(&["--config", &config]);
    post(idle.http(), &scene.key).unwrap();
    idle.kill();
    let attempt = scene.attempt(&scene.newer, &[]);
    let mut dying = attempt.command(&bench).env("LAZURITE_CRASH_AT", "import-committed").spawn().unwrap();
    wait(&mut dying, "import-committed");
    let orphan = bench.data().join("sources").join(format!("{}.csv.zst", "a".repeat(64)));
    std::fs::write(&orphan, "1234").unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(3 * 24 * 60 * 60);
    std::fs::OpenOptions::new().write(true).open(&orphan).unwrap().set_modified(old).unwrap();
    let server = bench.serve(&SERVE);
    while orphan.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (_, log) = server.terminate();
    for sentence in [
        "ActualCost period 202501 as revision 2, which its program committed and did not record",
        "took up 1 unfinished report, 0 of workers that died",
        "removed 1 file (4 bytes) that imports left",
    ] {
        assert!(log.contains(sentence), "{sentence}: {log}");
    }
}

/// A seed that fails is printed; `CRASH_SEED` repeats its moments.
#[test]
fn an_import_that_is_killed_at_any_moment_leaves_the_state_before_or_after() {
    let scene = Scene::new(1);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = std::env::var("CRASH_SEED").map_or(u64::from(since.subsec_nanos()), |seed| seed.parse().unwrap());
    println!("CRASH_SEED={seed}");
    let attempt = scene.attempt(&scene.newer, &[]);
    let mut random = seed;
    for number in 0..10 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = attempt.work / 1000 * u32::try_from((random >> 33) % 1000).unwrap();
        let bench = scene.copy();
        let mut child = attempt.command(&bench).spawn().unwrap();
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        scene.check(&bench, &attempt, &format!("seed {seed}, kill {number} after {moment:?}"));
    }
}

/// The address in the ready line.
fn ready(server: &mut Child) -> String {
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.as_mut().unwrap()), &mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    ready["http"].as_str().unwrap().to_owned()
}

/// Asks for the report; gives the path at which its end is told, or nothing when the server died.
fn post(server: &str, key: &str) -> Option<String> {
    let scope = format!("providers/Microsoft.Billing/billingAccounts/{ENROLLMENT}");
    let operation = "providers/Microsoft.CostManagement/generateCostDetailsReport?api-version=2024-08-01";
    let sent = client().post(format!("{server}/{scope}/{operation}")).bearer_auth(key);
    let sent = sent.json(&serde_json::json!({ "billingPeriod": "202501" })).send();
    let created = runtime().block_on(sent).ok()?;
    assert_eq!(created.status(), 202);
    Some(created.headers()["location"].to_str().unwrap().strip_prefix(server).unwrap().to_owned())
}

/// Waits for the end of a report; gives the number of its blobs.
fn poll(url: &str, key: &str) -> usize {
    let (runtime, client) = (runtime(), client());
    for _ in 0..600 {
        let polled = runtime.block_on(client.get(url).bearer_auth(key).send()).unwrap();
        if polled.status() == 200 {
            let result: Value = runtime.block_on(polled.json()).unwrap();
            assert_eq!(result["status"], "Completed");
            return usize::try_from(result["manifest"]["blobCount"].as_u64().unwrap()).unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the report was not completed");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

fn client() -> reqwest::Client {
    server::install_crypto_provider();
    reqwest::Client::new()
}

/// The id of the operation at whose path a report's end is told.
fn operation(path: &str) -> &str {
    path.split('?').next().unwrap().rsplit('/').next().unwrap()
}

fn listed(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
