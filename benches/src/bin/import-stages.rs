//! What measurements of imports need beside the program: one import into a new store, with its CPU seconds and peak memory.
//!
//! ```text
//! import-stages STORE FILE...
//! ```
//!
//! The store must be an empty or missing folder. The dataset is taken to be actual cost where the rows do not say.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use imports::{ImportOptions, NoProgress, Store, import};
use ledger::Dataset;

fn main() -> ExitCode {
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(store), files) = (paths.next(), paths.collect::<Vec<_>>()) else {
        eprintln!("import-stages: expected: STORE FILE...");
        return ExitCode::FAILURE;
    };
    match measure(store, files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("import-stages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(store: PathBuf, paths: Vec<PathBuf>) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&store).await?;
        let mut options = ImportOptions { paths, actor: "benches".to_owned(), ..ImportOptions::default() };
        options.fill.dataset = Some(Dataset::ActualCost);
        let begun = Instant::now();
        let outcome = import(&store, &options, &NoProgress).await?;
        for period in &outcome.imported {
            println!("{} {} {} rows, {}", period.dataset, period.period, period.rows, period.total);
        }
        println!("{} ms, {}", begun.elapsed().as_millis(), peak_memory());
        Ok(())
    })
}

/// The most memory that this process had, as Linux says.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    peak.unwrap_or("VmHWM unknown").to_owned()
}
