//! `lazurite audit`.

use std::process::ExitCode;

use catalog::AuditFilter;
use imports::Store;
use serde_json::json;

use crate::args::AuditArgs;
use crate::failure::Failure;
use crate::instant::rfc3339;

pub(crate) async fn run(args: AuditArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let filter = AuditFilter {
        enrollment: args.enrollment,
        since_ms: args.since.map(|since| since.0.0 / 1000),
        limit: args.limit,
    };
    let entries = store.catalog().audit(&filter).await?;
    store.catalog().close().await;
    if args.json {
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| {
                json!({
                    "at": rfc3339(entry.at_ms), "actor": entry.actor, "action": entry.action,
                    "enrollment": entry.enrollment, "target": entry.target, "detail": entry.detail, "times": entry.times,
                })
            })
            .collect();
        println!("{}", json!({ "entries": entries }));
    } else {
        for entry in &entries {
            let times = if entry.times > 1 { format!("{} times", entry.times) } else { String::new() };
            let enrollment = entry.enrollment.as_ref().map(ToString::to_string).unwrap_or_default();
            let words = [&entry.action, &enrollment, &entry.target, &entry.detail, &times].map(|word| word.trim());
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            println!("{}  {}  {}", rfc3339(entry.at_ms), entry.actor, words.join("  "));
        }
    }
    Ok(ExitCode::SUCCESS)
}
