//! `lazurite total`: exact sums of charges.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use imports::Store;
use lake::{CostSum, Dimension, TotalsQuestion};
use ledger::Window;
use serde_json::{Map, Value, json};

use crate::args::TotalArgs;
use crate::commands::moment::Moment;
use crate::failure::Failure;
use crate::output::grouped;

/// Sums by the texts of their dimensions.
type Sums = BTreeMap<Vec<Option<String>>, CostSum>;

pub(crate) async fn run(args: TotalArgs) -> Result<ExitCode, Failure> {
    let window = match (args.period, args.days) {
        (Some(period), None) => Window::Period(period),
        (None, Some(days)) => Window::Dates(days),
        _ => return Err(Failure::refused("Usage", "give --period YYYYMM or --days FROM..TO")),
    };
    if args.by.iter().map(|own| own.name()).collect::<BTreeSet<_>>().len() < args.by.len() {
        return Err(Failure::refused("Usage", "--by has a word twice; give each once"));
    }
    let store = Store::open_existing(&args.data.path).await?;
    let sums = sums(&args, &store, window).await;
    store.catalog().close().await;
    let sums = sums?;
    if sums.is_empty() {
        return Err(Failure::refused(
            "NoDataFound",
            format!(
                "no {} of enrollment {} is held there; see what is with: lazurite status",
                args.metric, args.enrollment
            ),
        ));
    }
    if args.json {
        println!("{}", as_json(&args.by, &sums));
    } else {
        print!("{}", as_text(&args.by, &sums));
    }
    Ok(ExitCode::SUCCESS)
}

async fn sums(args: &TotalArgs, store: &Store, window: Window) -> Result<Sums, Failure> {
    let snapshot = Moment::of(store, args.as_of.as_ref()).await?.snapshot;
    let question = TotalsQuestion { enrollment: &args.enrollment, dataset: args.metric, window, by: &args.by };
    Ok(snapshot.totals(&question).await?)
}

fn as_json(by: &[Dimension], sums: &Sums) -> Value {
    let one = |(texts, sum): (&Vec<Option<String>>, &CostSum)| {
        let mut members: Map<String, Value> =
            by.iter().zip(texts).map(|(dimension, text)| (dimension.name().to_owned(), json!(text))).collect();
        members.insert("rows".to_owned(), json!(sum.rows));
        members.insert("total".to_owned(), json!(sum.cost.value().to_string()));
        Value::Object(members)
    };
    json!({ "totals": sums.iter().map(one).collect::<Vec<_>>() })
}

fn as_text(by: &[Dimension], sums: &Sums) -> String {
    let mut text = String::new();
    for (texts, sum) in sums {
        for (dimension, own) in by.iter().zip(texts) {
            let own = own.clone().unwrap_or_else(|| format!("(no {})", dimension.name()));
            text.push_str(&format!("{own}\t"));
        }
        text.push_str(&format!("{} rows\t{}\n", grouped(sum.rows), sum.cost.value()));
    }
    text
}
