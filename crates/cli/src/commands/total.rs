//! `lazurite total`: exact sums of charges, and what changed of them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use imports::Store;
use lake::{ChangeView, Dimension, SumChange, TotalsQuestion, changes};
use ledger::{CostSum, Window};
use money::Total;
use serde_json::{Map, Value, json};

use crate::args::TotalArgs;
use crate::commands::moment::Moment;
use crate::failure::Failure;
use crate::instant::AsOf;
use crate::output::grouped;

/// Sums by the texts of their dimensions.
type Sums = BTreeMap<Vec<Option<String>>, CostSum>;
type Changes = BTreeMap<Vec<Option<String>>, SumChange>;

pub(crate) async fn run(args: TotalArgs) -> Result<ExitCode, Failure> {
    let window = match (args.period, args.days) {
        (Some(period), None) => Window::Period(period),
        (None, Some(days)) => Window::Dates(days),
        _ => return Err(Failure::refused("Usage", "give --period YYYYMM or --days FROM..TO")),
    };
    refuse_twice(&args.by)?;
    let store = Store::open_existing(&args.data.path).await?;
    let found = found(&args, &store, window).await;
    store.catalog().close().await;
    let (before, sums) = found?;
    if sums.is_empty() && before.as_ref().is_none_or(BTreeMap::is_empty) {
        return Err(Failure::refused(
            "NoDataFound",
            format!(
                "no {} of enrollment {} is held there; see what is with: lazurite status",
                args.metric, args.enrollment
            ),
        ));
    }
    match before {
        Some(before) => {
            let changes = changes(&before, &sums)?;
            let difference = whole(&changes)?;
            match args.json {
                true => println!("{}", changes_json(&args.by, &changes, difference)),
                false => print!("{}", changes_text(&args.by, &changes, difference)),
            }
        }
        None if args.json => println!("{}", as_json(&args.by, &sums)),
        None => print!("{}", as_text(&args.by, &sums)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses words that are given more than once.
pub(crate) fn refuse_twice(by: &[Dimension]) -> Result<(), Failure> {
    if by.iter().map(|own| own.name()).collect::<BTreeSet<_>>().len() < by.len() {
        return Err(Failure::refused("Usage", "--by has a word twice; give each once"));
    }
    Ok(())
}

/// The sums of the earlier state, if one is asked about, and of the later one.
async fn found(args: &TotalArgs, store: &Store, window: Window) -> Result<(Option<Sums>, Sums), Failure> {
    let before = match &args.since {
        Some(since) => Some(sums(args, store, window, Some(since)).await?),
        None => None,
    };
    Ok((before, sums(args, store, window, args.as_of.as_ref()).await?))
}

/// The difference of the whole.
fn whole(changes: &Changes) -> Result<Total, Failure> {
    let mut whole = Total::ZERO;
    for change in changes.values() {
        let failed = |source| lake::LakeError::Sum { what: "changes".to_owned(), source };
        whole.merge(change.difference).map_err(failed)?;
    }
    Ok(whole)
}

async fn sums(args: &TotalArgs, store: &Store, window: Window, as_of: Option<&AsOf>) -> Result<Sums, Failure> {
    let snapshot = Moment::of(store, as_of).await?.snapshot;
    let question = TotalsQuestion { enrollment: &args.enrollment, dataset: args.metric, window, by: &args.by };
    Ok(snapshot.totals(&question).await?)
}

/// The texts of the dimensions by their words.
fn told_apart(by: &[Dimension], texts: &[Option<String>]) -> Map<String, Value> {
    by.iter().zip(texts).map(|(dimension, text)| (dimension.name().to_owned(), json!(text))).collect()
}

fn as_json(by: &[Dimension], sums: &Sums) -> Value {
    let one = |(texts, sum): (&Vec<Option<String>>, &CostSum)| {
        let mut members = told_apart(by, texts);
        members.insert("rows".to_owned(), json!(sum.rows));
        members.insert("total".to_owned(), json!(sum.cost.value().to_string()));
        Value::Object(members)
    };
    json!({ "totals": sums.iter().map(one).collect::<Vec<_>>() })
}

fn changes_json(by: &[Dimension], changes: &Changes, difference: Total) -> Value {
    let views: Vec<_> = changes.iter().map(|(texts, change)| ChangeView::of(by, texts, change)).collect();
    json!({ "changes": views, "difference": difference.value().to_string() })
}

/// The texts of the dimensions as a line begins.
fn begun(by: &[Dimension], texts: &[Option<String>]) -> String {
    let mut line = String::new();
    for (dimension, own) in by.iter().zip(texts) {
        let own = own.clone().unwrap_or_else(|| format!("(no {})", dimension.name()));
        line.push_str(&format!("{own}\t"));
    }
    line
}

fn as_text(by: &[Dimension], sums: &Sums) -> String {
    let line = |(texts, sum): (&Vec<Option<String>>, &CostSum)| {
        format!("{}{} rows\t{}\n", begun(by, texts), grouped(sum.rows), sum.cost.value())
    };
    sums.iter().map(line).collect()
}

fn changes_text(by: &[Dimension], changes: &Changes, difference: Total) -> String {
    if changes.is_empty() {
        return "nothing changed in rows or money\n".to_owned();
    }
    let lines: String = changes.iter().map(|(texts, change)| change_text(by, texts, change)).collect();
    format!("{lines}difference\t{}\n", signed(difference))
}

/// A line about a change.
pub(crate) fn change_text(by: &[Dimension], texts: &[Option<String>], change: &SumChange) -> String {
    let SumChange { before, after, difference } = change;
    format!(
        "{}{} -> {} rows\t{} -> {}\t{}\n",
        begun(by, texts),
        grouped(before.rows),
        grouped(after.rows),
        before.cost.value(),
        after.cost.value(),
        signed(*difference)
    )
}

/// A difference with its sign.
fn signed(difference: Total) -> String {
    let text = difference.value().to_string();
    if text.starts_with('-') || difference.is_zero() { text } else { format!("+{text}") }
}
