//! `lazurite verify`.

use std::process::ExitCode;

use billing::native_facts;
use imports::{Store, verify_with};
use serde_json::json;

use crate::args::VerifyArgs;
use crate::failure::Failure;
use crate::output::grouped;
use crate::progress::Bar;

pub(crate) async fn run(args: VerifyArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let bar = Bar::new(args.json);
    let native = native_facts(&store, u64::MAX).await?;
    let report = verify_with(&store, &native, &|done, all| bar.count("checking", done, all)).await;
    bar.clear();
    store.catalog().close().await;
    let report = report?;
    let checked = &report.checked;
    if args.json {
        let checked = json!({
            "files": checked.files, "rows": checked.rows, "revisions": checked.revisions, "sources": checked.sources,
            "balances": checked.balances, "sheets": checked.sheets, "periods": checked.periods,
        });
        println!(
            "{}",
            json!({
                "ok": report.is_ok(), "checked": checked,
                "violations": report.violations, "findings": report.findings,
            })
        );
    } else {
        println!(
            "checked {} files with {} rows, {} revisions, {} sources, {} balance summaries and the identities of {} periods",
            grouped(checked.files),
            grouped(checked.rows),
            grouped(checked.revisions),
            grouped(checked.sources),
            grouped(checked.balances),
            grouped(checked.periods)
        );
        for finding in &report.findings {
            println!("finding: {finding}");
        }
        for violation in &report.violations {
            println!("VIOLATION: {violation}");
        }
        println!("{}", if report.is_ok() { "everything is as it was written" } else { "the store is damaged" });
    }
    Ok(if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
