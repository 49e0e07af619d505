//! What dead imports leave is collected; nothing else is.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lake::{FolderLock, LockName};
use lazurite_imports::{ImportOptions, verify};

use crate::support::{A, B, Bench, SEPTEMBER, actual, export};

const GRACE: Duration = Duration::from_secs(24 * 60 * 60);
const IMPORT: &str = "0199f0a4-7b1e-7000-8000-00000000000a";

/// A store with a replaced import, one that was replaced in part, and one that was not.
async fn filled() -> Bench {
    let bench = Bench::new().await;
    for (name, rows) in [
        ("a.csv", [(A, "09/01/2023", "1"), (A, "09/20/2023", "2")]),
        ("b.csv", [(A, "09/02/2023", "3"), (B, "09/21/2023", "4")]),
    ] {
        bench.import(actual(bench.file(name, export(&rows)))).await.unwrap();
    }
    let days = actual(bench.file("c.csv", export(&[(A, "09/01/2023", "5")])));
    bench.import(ImportOptions { days: Some("2023-09-01..2023-09-10".parse().unwrap()), ..days }).await.unwrap();
    bench
}

fn data(bench: &Bench) -> PathBuf {
    bench.folder.path().join("data")
}

/// All plain files and links beneath a folder, relative to it.
fn listed(folder: &Path) -> Vec<String> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

fn age(path: &Path) {
    let file = if path.is_dir() { File::open(path) } else { OpenOptions::new().write(true).open(path) };
    file.unwrap().set_modified(SystemTime::now() - 2 * GRACE).unwrap();
}

fn partition(bench: &Bench) -> PathBuf {
    data(bench).join("charges/enrollment=100/dataset=ActualCost/billing_period=202309")
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_go_and_nothing_that_any_version_names() {
    let bench = filled().await;
    let stored = listed(&data(&bench));
    stored.iter().for_each(|file| age(&data(&bench).join(file)));
    assert!(bench.store.collect_orphans(GRACE).await.unwrap().is_empty(), "a store without orphans");
    assert_eq!(listed(&data(&bench)), stored);

    let (partition, hash) = (partition(&bench), "0f".repeat(32));
    let orphans = [
        partition.join(format!("{IMPORT}-000-00000.parquet")),
        partition.join(format!("{IMPORT}-999-00001.parquet#1700000003")),
        data(&bench).join("charges/_delta_log/00000000000000000004.json#100000009"),
        data(&bench).join("charges/_delta_log/00000000000000000020.checkpoint.parquet#1"),
        data(&bench).join("charges/_delta_log/_last_checkpoint#1"),
        data(&bench).join(format!("sources/{hash}.csv.zst")),
        data(&bench).join(format!("sources/{hash}.csv.zst#17")),
    ];
    for orphan in &orphans {
        std::fs::write(orphan, "1234").unwrap();
    }
    assert!(bench.store.collect_orphans(GRACE).await.unwrap().is_empty(), "the young ones stay");
    orphans.iter().for_each(|orphan| age(orphan));
    let running = FolderLock::shared(&data(&bench), LockName::Imports).unwrap();
    assert!(bench.store.collect_orphans(GRACE).await.unwrap().is_empty(), "an import runs");
    drop(running);
    let collected = bench.store.collect_orphans(GRACE).await.unwrap();
    assert_eq!((collected.files, collected.size_bytes), (7, 28));
    assert_eq!(listed(&data(&bench)), stored);
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
    let first = crate::support::Question { version: Some(1), ..SEPTEMBER };
    assert_eq!(bench.column(&first, "CostInBillingCurrency").await, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_others_and_links_stay() {
    let bench = filled().await;
    let partition = partition(&bench);
    let elsewhere = bench.file(&format!("elsewhere/{IMPORT}-000-00000.parquet"), "x");
    let foreign = [
        partition.join("part-00000-0199f0a4-7b1e-7000-8000-00000000000a-c000.snappy.parquet"),
        partition.join("notes.txt#1"),
        data(&bench).join("charges/_delta_log/00000000000000000009.json"),
        data(&bench).join("charges/_delta_log/00000000000000000002.crc"),
        data(&bench).join("sources/list.csv.zst"),
        data(&bench).join(format!("{IMPORT}-000-00000.parquet")),
    ];
    for file in &foreign {
        std::fs::write(file, "{}").unwrap();
        age(file);
    }
    age(&elsewhere);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&elsewhere, partition.join(format!("{IMPORT}-000-00001.parquet"))).unwrap();
        std::os::unix::fs::symlink(elsewhere.parent().unwrap(), partition.join("folder")).unwrap();
        std::os::unix::fs::symlink(elsewhere.parent().unwrap(), data(&bench).join("staging/import-link")).unwrap();
    }
    std::fs::remove_file(&foreign[2]).unwrap();
    let before = listed(&data(&bench));
    assert!(bench.store.collect_orphans(GRACE).await.unwrap().is_empty());
    assert_eq!(listed(&data(&bench)), before);
    assert!(elsewhere.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn working_folders_of_dead_imports_go_with_the_next_import_unless_one_runs() {
    let bench = Bench::new().await;
    let staging = data(&bench).join("staging");
    for name in ["import-dead", "import-young", "other"] {
        std::fs::create_dir_all(staging.join(name)).unwrap();
        std::fs::write(staging.join(name).join("run-000000.arrow"), "x").unwrap();
    }
    age(&staging.join("import-dead"));
    age(&staging.join("other"));
    let running = FolderLock::shared(&data(&bench), LockName::Imports).unwrap();
    let import = async || bench.import(actual(bench.file("a.csv", export(&[(A, "09/01/2023", "1")])))).await.unwrap();
    import().await;
    assert!(staging.join("import-dead").exists(), "it may be of the import that runs");
    drop(running);
    import().await;
    let left: Vec<_> = listed(&staging);
    assert_eq!(left, ["import-young/run-000000.arrow", "other/run-000000.arrow"]);
}

/// A log that cannot be understood as a whole might name any file.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_collected_beside_a_log_that_cannot_be_read() {
    let bench = filled().await;
    let orphan = partition(&bench).join(format!("{IMPORT}-000-00000.parquet"));
    std::fs::write(&orphan, "x").unwrap();
    age(&orphan);
    let commit = data(&bench).join("charges/_delta_log/00000000000000000001.json");
    let text = std::fs::read_to_string(&commit).unwrap();
    for damaged in [text.replace("\"path\":", "\"paht\":"), text.replacen('{', "", 1)] {
        std::fs::write(&commit, damaged).unwrap();
        assert!(bench.store.collect_orphans(GRACE).await.is_err());
        assert!(orphan.exists());
    }
    std::fs::write(&commit, text).unwrap();
    assert_eq!(bench.store.collect_orphans(GRACE).await.unwrap().files, 1);
}
