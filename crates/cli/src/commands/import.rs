//! `lazurite import`.

use std::path::Path;
use std::process::ExitCode;

use calendar::BillingPeriod;
use formats::{FillIns, OtherProviders};
use imports::{ImportOptions, ImportOutcome, ImportedBalance, ImportedSheets, Store, import};
use serde_json::json;

use crate::args::ImportArgs;
use crate::commands::{actor, refused_import};
use crate::failure::Failure;
use crate::output::grouped;
use crate::progress::Bar;

/// Done, but rows went to the rejects file, or pages of the source are missing.
const EXIT_INCOMPLETE: u8 = 3;

pub(crate) async fn run(args: ImportArgs) -> Result<ExitCode, Failure> {
    let store = Store::open(&args.data.path).await?;
    let options = ImportOptions {
        paths: args.paths,
        fill: FillIns {
            enrollment: args.enrollment,
            currency: args.currency,
            dataset: args.dataset,
            period: args.period,
            scope: args.scope,
            grain: args.grain,
            marketplace: args.marketplace,
        },
        days: args.days,
        taken_at: args.taken_at.map(|taken| taken.0),
        rejects: args.rejects.clone(),
        dry_run: args.dry_run,
        parts: args.parts,
        other_providers: if args.skip_other_providers { OtherProviders::LeftOut } else { OtherProviders::Refused },
        force: args.force,
        actor: actor(),
    };
    let bar = Bar::new(args.json);
    let imported = import(&store, &options, &bar).await;
    bar.clear();
    if let Err(error) = &imported
        && error.is_refusal()
        && !options.dry_run
    {
        store.catalog().write_audit(&[refused_import(&options, error)]).await?;
    }
    store.catalog().close().await;
    let outcome = imported?;
    if args.json {
        println!("{}", as_json(&outcome, args.dry_run));
    } else {
        print(&outcome, args.rejects.as_deref());
    }
    let is_complete = outcome.rejected == 0 && outcome.missing.is_empty();
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::from(EXIT_INCOMPLETE) })
}

fn as_json(outcome: &ImportOutcome, dry_run: bool) -> serde_json::Value {
    let imported: Vec<_> = outcome
        .imported
        .iter()
        .map(|period| {
            let mut object = json!({
                "enrollment": period.enrollment, "dataset": period.dataset, "period": period.period,
                "rows": period.rows, "total": period.total, "revision": period.revision,
                "unchanged": period.unchanged,
            });
            if !period.replaces.is_empty() {
                object["replaces"] = json!(period.replaces);
            }
            object
        })
        .collect();
    let mut object = json!({ "imported": imported, "rejected": outcome.rejected });
    if !outcome.balances.is_empty() {
        let balance = |balance: &ImportedBalance| {
            json!({
                "enrollment": balance.enrollment, "period": balance.period, "revision": balance.revision,
                "unchanged": balance.unchanged,
            })
        };
        object["balances"] = outcome.balances.iter().map(balance).collect();
    }
    if !outcome.sheets.is_empty() {
        let sheets = |sheets: &ImportedSheets| {
            let mut object = json!({
                "enrollment": sheets.enrollment, "kind": sheets.kind.as_str(), "firstDay": sheets.days.0.to_string(),
                "lastDay": sheets.days.1.to_string(), "rows": sheets.rows,
                "revision": sheets.revisions.as_ref().map(|(_, newest)| newest), "unchanged": sheets.unchanged,
            });
            if let Some(rows) = sheets.replaced_rows {
                object["replacedRows"] = json!(rows);
            }
            object
        };
        object["sheets"] = outcome.sheets.iter().map(sheets).collect();
    }
    if outcome.left_out > 0 {
        object["leftOut"] = json!(outcome.left_out);
    }
    if !outcome.skipped.is_empty() {
        object["skipped"] = json!(outcome.skipped);
    }
    if !outcome.missing.is_empty() {
        object["missing"] = json!(outcome.missing);
    }
    if dry_run {
        object["dryRun"] = json!(true);
    }
    object
}

fn print(outcome: &ImportOutcome, rejects: Option<&Path>) {
    for skipped in &outcome.skipped {
        println!("passed over: {skipped}");
    }
    for period in &outcome.imported {
        println!(
            "enrollment {} {} {}: {} rows, total {}: {}",
            period.enrollment,
            period.dataset,
            period.period,
            grouped(period.rows),
            period.total,
            what(period.revision.as_deref(), period.unchanged, &revisions(&period.replaces))
        );
    }
    for balance in &outcome.balances {
        println!(
            "enrollment {} balance summary {}: {}",
            balance.enrollment,
            balance.period,
            what(balance.revision.as_deref(), balance.unchanged, &revisions(balance.replaces.as_slice()))
        );
    }
    for sheets in &outcome.sheets {
        println!(
            "enrollment {} {} of {}: {} rows: {}",
            sheets.enrollment,
            sheets.kind,
            times(sheets),
            grouped(sheets.rows),
            what(
                sheets.revisions.as_ref().map(|(_, newest)| newest.as_str()),
                sheets.unchanged,
                &sheets.replaced_rows.map(|rows| format!("{} rows", grouped(rows))).unwrap_or_default()
            )
        );
    }
    if outcome.left_out > 0 {
        println!("{} rows of other providers were left out", grouped(outcome.left_out));
    }
    for missing in &outcome.missing {
        eprintln!("warning: {missing}");
    }
    if let (1.., Some(rejects)) = (outcome.rejected, rejects) {
        println!(
            "{} rows were rejected, see {}; the periods are marked incomplete",
            grouped(outcome.rejected),
            rejects.display()
        );
    }
}

/// The days or months that sheets are about.
fn times(sheets: &ImportedSheets) -> String {
    let text = |day| match sheets.kind.is_monthly() {
        true => BillingPeriod::of(day).to_string(),
        false => day.to_string(),
    };
    let (first, last) = (text(sheets.days.0), text(sheets.days.1));
    if first == last { first } else { format!("{first} to {last}") }
}

fn revisions(replaced: &[String]) -> String {
    match replaced {
        [] => String::new(),
        [one] => format!("revision {one}"),
        several => format!("revisions {}", several.join(", ")),
    }
}

fn what(revision: Option<&str>, unchanged: bool, replaced: &str) -> String {
    let what = match (revision, unchanged) {
        (Some(revision), true) => format!("unchanged, held by revision {revision}"),
        (Some(revision), false) => format!("imported as revision {revision}"),
        (None, _) => "would be imported".to_owned(),
    };
    if replaced.is_empty() { what } else { format!("{what}, replaces {replaced}") }
}
