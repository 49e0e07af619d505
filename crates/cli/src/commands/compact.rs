//! `lazurite compact`: merging small files.

use std::process::ExitCode;

use imports::Store;
use lake::leftover::counted;
use serde_json::json;

use crate::args::CompactArgs;
use crate::failure::Failure;
use crate::output::grouped;

pub(crate) async fn run(args: CompactArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let done = store.compact().await;
    store.catalog().close().await;
    let done = done?;
    if args.json {
        println!("{}", json!({ "periods": done.sets, "files": done.files, "rows": done.rows }));
    } else if done.sets == 0 {
        println!("no period has many small files");
    } else {
        let periods = counted(done.sets, "period");
        println!(
            "merged {} files of {periods}: {} rows; every earlier state stays readable",
            done.files,
            grouped(done.rows)
        );
    }
    Ok(ExitCode::SUCCESS)
}
