//! What `lazurite bill` says at its end.

use billing::{AppliedEnrollment, AppliedInput, HeldBackView, Ingested, PeriodOutcome, RunOutcome};
use imports::Store;
use ledger::{Dataset, EnrollmentId};
use serde_json::{Value, json};

use super::Done;
use crate::args::BillArgs;
use crate::commands::native_status::{HeldTotal, ending_balance, held_total, print_held_back};
use crate::failure::Failure;
use crate::output::grouped;

/// Refused records that people are shown.
const REFUSALS_SHOWN_MAX: usize = 10;

/// A billed period as it is held.
struct Billed {
    enrollment: EnrollmentId,
    currency: String,
    outcome: PeriodOutcome,
    actual: HeldTotal,
    amortized: HeldTotal,
    ending_balance: Option<String>,
    held_back: Vec<HeldBackView>,
}

/// Prints what was done.
pub(super) async fn show(store: &Store, args: &BillArgs, done: &Done) -> Result<(), Failure> {
    let billed = billed(store, &done.billed).await?;
    if args.json {
        println!("{}", as_json(args, done, &billed));
    } else {
        print(args, done, &billed);
    }
    Ok(())
}

/// Reads what is held of the periods: also of those that have not changed.
async fn billed(store: &Store, outcomes: &[RunOutcome]) -> Result<Vec<Billed>, Failure> {
    let snapshot = store.lake().snapshot().await?;
    let mut found = Vec::new();
    for run in outcomes {
        let known = store.catalog().enrollment(run.enrollment.as_str()).await?;
        let currency = known.and_then(|known| known.currency).map(|own| own.to_string()).unwrap_or_default();
        for outcome in &run.periods {
            let period = outcome.period.to_string();
            let held = |dataset| held_total(snapshot.files(), &run.enrollment, &period, dataset);
            found.push(Billed {
                enrollment: run.enrollment.clone(),
                currency: currency.clone(),
                actual: held(Dataset::ActualCost)?,
                amortized: held(Dataset::AmortizedCost)?,
                ending_balance: ending_balance(store, &run.enrollment, outcome.period).await?,
                held_back: outcome
                    .held_back
                    .iter()
                    .map(|held| HeldBackView::new(held, outcome.period, outcome.is_final))
                    .collect(),
                outcome: outcome.clone(),
            });
        }
    }
    Ok(found)
}

fn state(outcome: &PeriodOutcome) -> &'static str {
    if outcome.is_final { "final" } else { "open" }
}

fn as_json(args: &BillArgs, done: &Done, billed: &[Billed]) -> Value {
    let input = |input: AppliedInput| json!({ "taken": input.taken, "unchanged": input.unchanged });
    let applied = |one: &AppliedEnrollment| {
        json!({
            "enrollment": one.enrollment, "documents": input(one.documents), "orders": input(one.orders),
            "priceSheets": input(one.price_sheets), "priceSheetsWithoutEffect": one.idle_price_sheets,
        })
    };
    let batch = |file: &std::path::Path, batch: &Ingested| {
        json!({
            "file": file.display().to_string(), "enrollment": batch.enrollment, "batchId": batch.batch,
            "accepted": batch.accepted, "refused": batch.refused, "unchanged": batch.is_unchanged,
        })
    };
    let total = |held: &HeldTotal| json!({ "rows": held.rows, "total": held.total });
    let period = |one: &Billed| {
        json!({
            "enrollment": one.enrollment, "period": one.outcome.period.to_string(), "state": state(&one.outcome),
            "revision": one.outcome.revision.to_string(), "unchanged": one.outcome.is_unchanged,
            "actual": total(&one.actual), "amortized": total(&one.amortized), "currency": one.currency,
            "endingBalance": one.ending_balance, "heldBack": one.held_back,
        })
    };
    let mut object = json!({
        "applied": done.applied.iter().map(applied).collect::<Vec<_>>(),
        "usage": done.batches.iter().map(|(file, own)| batch(file, own)).collect::<Vec<_>>(),
        "billed": billed.iter().map(period).collect::<Vec<_>>(),
        "refused": done.refused(),
    });
    if !done.failed.is_empty() {
        let failed = |(enrollment, failure): &(EnrollmentId, Failure)| json!({ "enrollment": enrollment, "code": failure.code(), "message": failure.message() });
        object["failed"] = done.failed.iter().map(failed).collect();
    }
    if args.dry_run {
        object["dryRun"] = json!(true);
    }
    object
}

fn print(args: &BillArgs, done: &Done, billed: &[Billed]) {
    for one in &done.applied {
        let parts = [
            counted(one.documents, "enrollment document"),
            counted(one.orders, "order"),
            counted(one.price_sheets, "price sheet"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        println!("enrollment {}: {}", one.enrollment, parts.join(", "));
        for file in &one.idle_price_sheets {
            println!("  {file} has no effect: for all of its periods a price sheet counts that was received later");
        }
    }
    for (file, batch) in &done.batches {
        let unchanged = if batch.is_unchanged { ", taken before" } else { "" };
        let accepted = grouped(batch.accepted);
        println!("{}: {accepted} records of enrollment {}{unchanged}", file.display(), batch.enrollment);
        print_refusals(args, batch);
    }
    if args.dry_run {
        println!("nothing was changed; usage was not judged, and nothing was billed");
    }
    for one in billed {
        let revision = one.outcome.revision;
        let what = if one.outcome.is_unchanged { "unchanged, held by" } else { "billed as" };
        println!(
            "enrollment {} {}: {}, {what} revision {revision}",
            one.enrollment,
            one.outcome.period,
            state(&one.outcome)
        );
        for (dataset, held) in [("ActualCost", &one.actual), ("AmortizedCost", &one.amortized)] {
            println!("  {dataset:13} {:>12} rows, total {} {}", grouped(held.rows), held.total, one.currency);
        }
        if let Some(balance) = &one.ending_balance {
            println!("  ending balance {balance} {}", one.currency);
        }
        print_held_back(&one.held_back, "  ");
    }
    for (enrollment, failure) in &done.failed {
        eprintln!("error: enrollment {enrollment} was not billed: {}", failure.message());
    }
}

fn print_refusals(args: &BillArgs, batch: &Ingested) {
    if batch.refused == 0 {
        return;
    }
    let place = args.rejects.as_ref().map(|path| format!(", see {}", path.display())).unwrap_or_default();
    println!("  {} records were refused{place}", grouped(batch.refused));
    for refused in batch.refusals.iter().take(REFUSALS_SHOWN_MAX) {
        let line = refused.line.map(|line| format!(", line {line}")).unwrap_or_default();
        println!("  record {}{line}: {} {}", refused.record, refused.field, refused.reason);
    }
}

/// How many are new and how many known; `None`: there are none.
fn counted(input: AppliedInput, what: &str) -> Option<String> {
    let things = |number: usize| if number == 1 { what.to_owned() } else { format!("{what}s") };
    match (input.taken, input.unchanged) {
        (0, 0) => None,
        (new, 0) => Some(format!("{new} new {}", things(new))),
        (0, known) => Some(format!("{known} known {}", things(known))),
        (new, known) => Some(format!("{new} new {} and {known} known", things(new))),
    }
}
