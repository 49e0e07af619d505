//! `lazurite status`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use calendar::DateRange;
use catalog::{HeldBalance, SheetsHeld};
use imports::Store;
use lake::{LakeFile, Snapshot};
use ledger::{BalanceAmount, Coverage, Holding};
use money::{Decimal, Limits, Total};
use serde_json::json;

use crate::args::StatusArgs;
use crate::commands::enrollment::{hierarchy_json, print_nodes};
use crate::commands::moment::Moment;
use crate::commands::native_status;
use crate::commands::status_details::{Details, State};
use crate::commands::total::refuse_twice;
use crate::failure::Failure;
use crate::instant::rfc3339;
use crate::output::grouped;

/// Most departments and accounts of an enrollment that are listed, each.
const SCOPE_LINES_MAX: usize = 20;

/// What a file has: all of it, or a day of it where several holdings share it.
struct Part<'f> {
    file: &'f LakeFile,
    days: Option<DateRange>,
    rows: u64,
    total: Total,
}

/// Rows and exact total of a billing period of a source scope.
struct PeriodLine {
    rows: u64,
    total: Total,
    first_day: Option<String>,
    last_day: Option<String>,
}

pub(crate) async fn run(args: StatusArgs) -> Result<ExitCode, Failure> {
    refuse_twice(&args.by)?;
    let store = Store::open_existing(&args.data.path).await?;
    let moment = Moment::of(&store, args.as_of.as_ref()).await?;
    let snapshot = &moment.snapshot;
    let held = store.catalog().held_at(snapshot.version()).await?;
    let enrollments = store.catalog().enrollments().await?;
    let committed: BTreeMap<u64, i64> = store
        .catalog()
        .import_records(snapshot.version())
        .await?
        .into_iter()
        .map(|(version, instant, _)| (version, instant))
        .collect();
    let balances = store.catalog().balances(moment.balances_until_ms).await?;
    let sheets = store.catalog().sheets_held(moment.balances_until_ms).await?;
    let mut hierarchies = Vec::new();
    for one in &enrollments {
        hierarchies.push((one.number.clone(), store.catalog().hierarchy(&one.number).await?));
    }
    // How billing stands is a question about now.
    let native = match args.as_of {
        None => native_status::native_enrollments(&store).await?,
        Some(_) => Vec::new(),
    };
    let state = State { moment: &moment, held: &held, enrollments: &enrollments, committed: &committed };
    let details = Details::of(&store, &args, state).await?;
    store.catalog().close().await;
    if !args.json && details.print(snapshot.version()) {
        return Ok(ExitCode::SUCCESS);
    }
    let mut listed = Vec::new();
    // A part of a file counts once: for the newest holding that covers it.
    let newest_first: Vec<&Holding> = held.iter().collect::<Vec<_>>().into_iter().rev().collect();
    let mut parts = parts(snapshot, &newest_first).await?;
    for holding in newest_first {
        let imported_at = holding.revision.parse().ok().and_then(|revision: u64| committed.get(&revision)).copied();
        for (period, line) in lines(holding, &mut parts)? {
            let name = enrollments.iter().find(|e| e.number == holding.unit.enrollment).and_then(|e| e.name.clone());
            let currency = enrollments.iter().find(|e| e.number == holding.unit.enrollment).and_then(|e| e.currency);
            listed.push(json!({
                "enrollment": holding.unit.enrollment, "name": name,
                "currency": currency.map(|currency| currency.to_string()),
                "dataset": holding.unit.dataset, "scope": holding.unit.scope.to_string(),
                "publishers": holding.unit.publishers.as_str(), "period": period,
                "covers": holding.unit.coverage.to_string(),
                "firstDay": line.first_day, "lastDay": line.last_day,
                "rows": line.rows, "total": line.total.value().to_shortest_string(),
                "revision": holding.revision,
                "importedAt": imported_at.map(rfc3339),
                "takenAt": rfc3339(holding.run_time.0 / 1000),
                "state": if holding.incomplete { "incomplete" } else { "complete" },
            }));
        }
    }
    listed.sort_by_key(|line| {
        ["enrollment", "period", "dataset", "scope"].map(|member| line[member].as_str().unwrap_or_default().to_owned())
    });
    if args.json {
        let hierarchies: Vec<_> = hierarchies.iter().map(|(number, known)| hierarchy_json(number, known)).collect();
        let mut told = json!({
            "revision": snapshot.version().to_string(), "held": listed,
            "balances": balances.iter().map(balance_json).collect::<Vec<_>>(),
            "sheets": sheets.iter().map(sheets_json).collect::<Vec<_>>(), "hierarchies": hierarchies,
            "native": native_status::as_json(&native),
        });
        details.add_to(&mut told);
        println!("{told}");
    } else {
        print(snapshot.version(), &listed, !balances.is_empty() || !sheets.is_empty());
        print_balances(&balances);
        print_sheets(&sheets);
        native_status::print(&native);
        for (number, known) in
            hierarchies.iter().filter(|(_, known)| known.departments().chain(known.accounts()).next().is_some())
        {
            println!("\nscopes of enrollment {number}");
            print_nodes(known, SCOPE_LINES_MAX);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All files of a snapshot, in parts that lie within a holding each: merged files hold the days of several.
async fn parts<'f>(snapshot: &'f Snapshot, held: &[&Holding]) -> Result<Vec<Part<'f>>, Failure> {
    let mut parts = Vec::new();
    for file in snapshot.files() {
        let sharing = held.iter().filter(|holding| is_of(file, holding) && overlaps(file, holding));
        if sharing.count() > 1 {
            for (day, sum) in snapshot.days_of(file).await? {
                let days = day.and_then(|day| DateRange::inclusive(day, day).ok());
                parts.push(Part { file, days, rows: sum.rows, total: sum.cost });
            }
            continue;
        }
        let mut total = Total::default();
        let value = Decimal::parse(file.total.as_bytes(), Limits::TOTAL).map(|parsed| parsed.value);
        if !value.is_ok_and(|value| total.add(value).is_ok()) {
            return Err(not_added(file));
        }
        parts.push(Part { file, days: file.days, rows: file.rows, total });
    }
    Ok(parts)
}

/// Whether a file has rows of the source, dataset and enrollment of a holding.
fn is_of(file: &LakeFile, holding: &Holding) -> bool {
    let unit = &holding.unit;
    file.enrollment == unit.enrollment && file.dataset == unit.dataset && file.scope_key == unit.source_key()
}

fn overlaps(file: &LakeFile, holding: &Holding) -> bool {
    let covers = |day| holding.unit.coverage.covers(file.period, day);
    file.days.map_or(file.period == holding.unit.coverage.period(), |days| days.days().any(covers))
}

fn not_added(file: &LakeFile) -> Failure {
    Failure::other("StoreFailure", format!("the total of {} cannot be added", file.path))
}

/// The billing periods that a holding has rows in, with what is there now. Takes the parts that it counts.
fn lines(holding: &Holding, parts: &mut Vec<Part<'_>>) -> Result<Vec<(String, PeriodLine)>, Failure> {
    let mut lines: BTreeMap<String, PeriodLine> = BTreeMap::new();
    let empty = || PeriodLine { rows: 0, total: Total::default(), first_day: None, last_day: None };
    let coverage = holding.unit.coverage;
    let days_alone = matches!(coverage, Coverage::Days(..)) && holding.empty;
    if !days_alone {
        lines.insert(coverage.period().to_string(), empty());
    }
    let own = parts.extract_if(.., |part| {
        let covers = |day| coverage.covers(part.file.period, day);
        let inside = match part.days {
            Some(days) => covers(days.start()) && covers(days.end()),
            None => part.file.period == coverage.period(),
        };
        inside && is_of(part.file, holding)
    });
    for part in own {
        let line = lines.entry(part.file.period.to_string()).or_insert_with(empty);
        line.rows += part.rows;
        line.total.merge(part.total).map_err(|_| not_added(part.file))?;
        if let Some(days) = part.days {
            let (first, last) = (days.start().to_string(), days.end().to_string());
            line.first_day = Some(line.first_day.take().map_or(first.clone(), |known| known.min(first)));
            line.last_day = Some(line.last_day.take().map_or(last.clone(), |known| known.max(last)));
        }
    }
    Ok(lines.into_iter().collect())
}

fn balance_json(balance: &HeldBalance) -> serde_json::Value {
    let ending = balance.summary.amount(BalanceAmount::EndingBalance).map(|amount| amount.to_string());
    json!({
        "enrollment": balance.enrollment, "period": balance.period.to_string(),
        "currency": balance.summary.currency.as_str(), "endingBalance": ending,
        "revision": balance.revision.to_string(), "importedAt": rfc3339(balance.imported_at_ms),
        "takenAt": rfc3339(balance.run_time.0 / 1000),
    })
}

fn print_balances(balances: &[HeldBalance]) {
    let mut enrollment = None;
    for balance in balances {
        if enrollment != Some(&balance.enrollment) {
            enrollment = Some(&balance.enrollment);
            println!("\nbalance summaries of enrollment {} ({})", balance.enrollment, balance.summary.currency);
            println!("  {:7} {:>32} {:>8} {:20}", "period", "ending balance", "revision", "taken at");
        }
        let ending = balance.summary.amount(BalanceAmount::EndingBalance);
        println!(
            "  {:7} {:>32} {:>8} {:20}",
            balance.period.to_string(),
            ending.map_or_else(|| "-".to_owned(), |amount| amount.to_string()),
            balance.revision.to_string(),
            rfc3339(balance.run_time.0 / 1000)
        );
    }
}

/// The source scope of a line, and whose sales it tells of where these are not everybody's.
pub(crate) fn source_text(scope: &str, publishers: &str) -> String {
    match publishers {
        "All" => scope.to_owned(),
        publishers => format!("{scope} ({publishers} alone)"),
    }
}

fn sheets_json(sheets: &SheetsHeld) -> serde_json::Value {
    json!({
        "enrollment": sheets.enrollment, "kind": sheets.kind.as_str(), "firstDay": sheets.days.0.to_string(),
        "lastDay": sheets.days.1.to_string(), "sheets": sheets.sheets, "rows": sheets.rows,
        "incomplete": sheets.incomplete, "revision": sheets.revision.to_string(),
        "importedAt": rfc3339(sheets.imported_at_ms),
    })
}

fn print_sheets(held: &[SheetsHeld]) {
    let mut enrollment = None;
    for sheets in held {
        if enrollment != Some(&sheets.enrollment) {
            enrollment = Some(&sheets.enrollment);
            println!("\nprices and reservations of enrollment {}", sheets.enrollment);
            println!("  {:29} {:22} {:>8} {:>12} {:>8} state", "what", "days", "sheets", "rows", "revision");
        }
        println!(
            "  {:29} {:22} {:>8} {:>12} {:>8} {}",
            sheets.kind.to_string(),
            format!("{}..{}", sheets.days.0, sheets.days.1),
            grouped(sheets.sheets),
            grouped(sheets.rows),
            sheets.revision.to_string(),
            if sheets.incomplete == 0 { "complete" } else { "incomplete" }
        );
    }
}

fn print(revision: u64, listed: &[serde_json::Value], holds_others: bool) {
    if listed.is_empty() && holds_others {
        println!("revision {revision}: no charges are held");
        return;
    }
    if listed.is_empty() {
        println!("nothing is held at revision {revision}; load an export with: lazurite import FILE");
        return;
    }
    println!("revision {revision}");
    let mut enrollment = String::new();
    for line in listed {
        let text = |member: &str| line[member].as_str().unwrap_or("-").to_owned();
        if text("enrollment") != enrollment {
            enrollment = text("enrollment");
            println!("\nenrollment {enrollment} {} ({})", text("name"), text("currency"));
            println!(
                "  {:7} {:13} {:>12}  {:>32}  {:23} {:>8} {:20} {:10} source scope",
                "period", "dataset", "rows", "total", "days", "revision", "taken at", "state"
            );
        }
        let days = format!("{}..{}", text("firstDay"), text("lastDay"));
        println!(
            "  {:7} {:13} {:>12}  {:>32}  {days:23} {:>8} {:20} {:10} {}",
            text("period"),
            text("dataset"),
            grouped(line["rows"].as_u64().unwrap_or_default()),
            text("total"),
            text("revision"),
            text("takenAt"),
            text("state"),
            source_text(line["scope"].as_str().unwrap_or("-"), line["publishers"].as_str().unwrap_or("All"))
        );
    }
}
