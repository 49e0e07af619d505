//! Ending history: earlier states are refused by name, what only they need goes, and everything else stays as it was.

use lake::{FolderLock, LakeError, LockName};
use lazurite_imports::{ImportError, ImportOptions, Prunable, verify};

use crate::support::{A, B, Bench, Question, SEPTEMBER, actual, export, taken};

const ACTOR: &str = "test";

/// Revisions 1 to 5: a month, the same restated, some of its days restated, another month, the first one restated again.
async fn filled() -> Bench {
    let bench = Bench::new().await;
    let file = |name: &str, rows: &[(&str, &str, &str)]| actual(bench.file(name, export(rows)));
    let days = "2023-09-01..2023-09-10".parse().unwrap();
    for (options, run) in [
        file("a.csv", &[(A, "09/01/2023", "1"), (A, "09/20/2023", "2")]),
        file("b.csv", &[(A, "09/02/2023", "3"), (B, "09/21/2023", "4")]),
        ImportOptions { days: Some(days), ..file("c.csv", &[(A, "09/01/2023", "5")]) },
        file("d.csv", &[(B, "10/05/2023", "6")]),
        file("e.csv", &[(B, "09/07/2023", "7")]),
    ]
    .into_iter()
    .zip(1..)
    {
        bench.import(taken(options, run)).await.unwrap();
    }
    bench
}

/// The costs of a month at a revision, or which revision is the oldest.
async fn costs(bench: &Bench, period: &str, version: u64) -> Result<Vec<String>, u64> {
    match bench.store.lake().snapshot_at(version).await {
        Ok(_) => {
            let question = Question { version: Some(version), period, ..SEPTEMBER };
            Ok(bench.column(&question, "CostInBillingCurrency").await)
        }
        Err(LakeError::EndedVersion { version: asked, oldest }) if asked == version => Err(oldest),
        Err(error) => panic!("{error}"),
    }
}

/// Names of the files beneath a folder of the store.
fn names(bench: &Bench, folder: &str) -> Vec<String> {
    let folder = bench.folder.path().join("data").join(folder);
    let mut names: Vec<String> = lake::leftover::files_older_than(&folder, std::time::Duration::ZERO)
        .into_iter()
        .map(|file| file.name)
        .filter(|name| name.ends_with(".parquet") || name.ends_with(".zst"))
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_kept_stays_as_it_was_and_the_rest_is_refused_by_name() {
    for oldest in 0..=5 {
        let bench = filled().await;
        let mut before = Vec::new();
        for version in 0..=5 {
            before.push((costs(&bench, "202309", version).await, costs(&bench, "202310", version).await));
        }
        let (charges, sources) = (names(&bench, "charges"), names(&bench, "sources"));
        let told = bench.store.prunable(oldest, false).await.unwrap();
        assert_eq!((names(&bench, "charges"), bench.version().await), (charges.clone(), 5), "nothing is removed");
        let done = bench.store.prune(oldest, false, ACTOR).await.unwrap();
        assert_eq!(done, told);
        // Each file has a roll-up.
        let gone = charges.len() - names(&bench, "charges").len();
        assert_eq!(done.files, 2 * gone as u64);
        // Revision 1 had a file of its own, 2 another one, and of it a part stayed in 3; 5 replaced all of September.
        assert_eq!(gone, [0, 0, 1, 2, 2, 4][oldest as usize]);
        assert_eq!(names(&bench, "sources"), sources);
        for version in 0..=5 {
            let found = (costs(&bench, "202309", version).await, costs(&bench, "202310", version).await);
            let is_kept = version >= oldest || version == 0;
            let expected = if is_kept { before[version as usize].clone() } else { (Err(oldest), Err(oldest)) };
            assert_eq!(found, expected, "revision {version}, kept from {oldest}");
        }
        let report = verify(&bench.store, &|_, _| {}).await.unwrap();
        assert!(report.is_ok(), "{:?}", report.violations);
        let again = bench.store.prune(oldest, false, ACTOR).await.unwrap();
        assert_eq!(again, Prunable { oldest, ..Prunable::default() });
        // The store goes on, and another program sees the same.
        bench.import(taken(actual(bench.file("f.csv", export(&[(A, "09/09/2023", "8")]))), 9)).await.unwrap();
        let other = lazurite_imports::Store::open(&bench.folder.path().join("data")).await.unwrap();
        assert_eq!(other.lake().snapshot_at(1).await.is_ok(), oldest <= 1);
        assert!(other.collect_orphans(std::time::Duration::ZERO).await.unwrap().is_empty());
        let report = verify(&other, &|_, _| {}).await.unwrap();
        assert!(report.is_ok(), "{:?}", report.violations);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_that_was_ended_does_not_come_back() {
    let bench = filled().await;
    bench.store.prune(4, false, ACTOR).await.unwrap();
    let back = bench.store.prune(2, false, ACTOR).await.unwrap();
    assert_eq!((back.oldest, back.files), (4, 0));
    assert_eq!(costs(&bench, "202309", 3).await, Err(4));
    let newest = bench.version().await;
    assert!(matches!(
        bench.store.prune(newest + 1, false, ACTOR).await,
        Err(ImportError::Lake(LakeError::NoSuchVersion { .. }))
    ));
    let entries = bench.store.catalog().audit(&catalog::AuditFilter { limit: 10, ..Default::default() }).await.unwrap();
    let ended: Vec<_> = entries.iter().filter(|entry| entry.action == "history.end").collect();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].actor.as_str(), ended[0].target.as_str()), (ACTOR, "before revision 4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_is_lost_is_made_again_with_the_end_of_history() {
    let bench = filled().await;
    bench.store.prune(4, false, ACTOR).await.unwrap();
    bench.store.catalog().close().await;
    let data = bench.folder.path().join("data");
    for entry in std::fs::read_dir(&data).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("catalog.sqlite") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let store = lazurite_imports::Store::open_existing(&data).await.unwrap();
    let entries = store.catalog().audit(&catalog::AuditFilter { limit: 10, ..Default::default() }).await.unwrap();
    let ended: Vec<_> = entries.iter().filter(|entry| entry.action == "history.end").collect();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].actor.as_str(), ended[0].target.as_str()), (ACTOR, "before revision 4"));
    assert!(matches!(store.lake().snapshot_at(3).await, Err(LakeError::EndedVersion { version: 3, oldest: 4 })));
    let report = verify(&store, &|_, _| {}).await.unwrap();
    assert!(report.is_ok(), "{:?}", report.violations);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_removed_while_an_import_runs() {
    let bench = filled().await;
    let charges = names(&bench, "charges");
    let running = FolderLock::shared(&bench.folder.path().join("data"), LockName::Imports).unwrap();
    assert!(matches!(bench.store.prune(5, true, ACTOR).await, Err(ImportError::ImportsRunning)));
    assert_eq!((names(&bench, "charges"), bench.version().await), (charges, 5));
    drop(running);
    assert!(bench.store.prune(5, true, ACTOR).await.unwrap().files > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_go_where_nothing_of_their_import_is_held_and_only_then() {
    let bench = filled().await;
    // Revision 3 holds days of the third import and the rest of the second one: only the first source goes.
    let done = bench.store.prune(3, true, ACTOR).await.unwrap();
    assert_eq!((done.sources, names(&bench, "sources").len()), (1, 4));
    let report = verify(&bench.store, &|_, _| {}).await.unwrap();
    assert!(report.is_ok(), "{:?}", report.violations);
    // What was removed comes in again, and is kept again.
    let again = taken(actual(bench.folder.path().join("a.csv")), 20);
    bench.import(again).await.unwrap();
    assert_eq!(names(&bench, "sources").len(), 5);
    // A source that is needed is missed.
    let needed = bench.store.prunable(3, true).await.unwrap();
    assert_eq!(needed.sources, 0);
    for name in names(&bench, "sources") {
        let path = bench.folder.path().join("data/sources").join(&name);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let report = verify(&bench.store, &|_, _| {}).await.unwrap();
        assert_eq!(report.violations.len(), 1, "{name}: {:?}", report.violations);
        std::fs::write(&path, bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_files_go_and_the_merge_is_still_verified() {
    let bench = Bench::new().await;
    for number in 1..=8 {
        let (date, iso) = (format!("09/{number:02}/2023"), format!("2023-09-{number:02}"));
        let options = actual(bench.file(&format!("{number}.csv"), export(&[(A, date.as_str(), "1.5")])));
        let days = Some(format!("{iso}..{iso}").parse().unwrap());
        bench.import(taken(ImportOptions { days, ..options }, number)).await.unwrap();
    }
    bench.store.compact().await.unwrap();
    assert_eq!(names(&bench, "charges").len(), 9);
    for (oldest, files) in [(8, 9), (9, 1)] {
        bench.store.prune(oldest, false, ACTOR).await.unwrap();
        assert_eq!(names(&bench, "charges").len(), files, "kept from {oldest}");
        let report = verify(&bench.store, &|_, _| {}).await.unwrap();
        assert!(report.is_ok(), "{:?}", report.violations);
    }
    assert_eq!(bench.column(&SEPTEMBER, "CostInBillingCurrency").await, ["1.5"; 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_keeps_the_end_of_history() {
    let bench = filled().await;
    bench.store.prune(4, true, ACTOR).await.unwrap();
    // A reader of the log begins at the checkpoint of version 20.
    for run in 10..26 {
        let cost = run.to_string();
        bench.import(taken(actual(bench.file("again.csv", export(&[(A, "09/09/2023", &cost)]))), run)).await.unwrap();
    }
    assert!(bench.version().await > 20);
    let log = bench.folder.path().join("data/charges/_delta_log");
    assert!(
        std::fs::read_dir(log).unwrap().any(|entry| entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("checkpoint"))
    );
    let store = lazurite_imports::Store::open(&bench.folder.path().join("data")).await.unwrap();
    assert!(matches!(store.lake().snapshot_at(3).await, Err(LakeError::EndedVersion { version: 3, oldest: 4 })));
    let newest = store.lake().snapshot().await.unwrap();
    assert_eq!((newest.oldest_kept().await.unwrap(), newest.oldest_source_kept().await.unwrap()), (4, 4));
    let report = verify(&store, &|_, _| {}).await.unwrap();
    assert!(report.is_ok(), "{:?}", report.violations);
}
