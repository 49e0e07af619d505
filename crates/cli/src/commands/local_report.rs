//! `lazurite report --data`: a report straight from a data folder, without a server.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

use access::{Caller, permit};
use formats::Layout;
use imports::Store;
use ledger::{ChargeFilter, Generation, Window};
use reports::{Codec, Question, ReportError, ReportForm, ReportKind, ReportSettings, Reports, SegmentSettings};
use serde_json::json;

use crate::args::ReportArgs;
use crate::commands::report::scope;
use crate::commands::report_file::{Output, unwritten};
use crate::failure::Failure;
use crate::instant::AsOf;
use crate::output::grouped;

pub(crate) async fn run(args: ReportArgs, data: &Path) -> Result<ExitCode, Failure> {
    let window = match (args.period, args.days) {
        (Some(period), None) => Window::Period(period),
        (None, Some(days)) => Window::Dates(days),
        _ => return Err(Failure::refused("Usage", "give --period YYYYMM or --days FROM..TO")),
    };
    let codec = args.format.or_else(|| Codec::of_file(&args.out)).unwrap_or_default();
    if codec != Codec::Plain && args.out == Path::new("-") && std::io::stdout().is_terminal() {
        let reason = format!("a terminal shows no {codec}: give --out FILE.{codec}, or pass the report on with |");
        return Err(Failure::refused("Usage", reason));
    }
    let store = Store::open_existing(data).await?;
    let written = write(&args, &store, window, codec).await;
    store.catalog().close().await;
    let (rows, bytes) = written?;
    if args.json {
        println!("{}", json!({ "file": args.out, "rows": rows, "bytes": bytes }));
    } else if args.out != Path::new("-") {
        println!("wrote {} ({} rows, {} bytes)", args.out.display(), grouped(rows), grouped(bytes));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the report; gives its rows and bytes.
async fn write(args: &ReportArgs, store: &Store, window: Window, codec: Codec) -> Result<(u64, u64), Failure> {
    let (catalog, lake) = (store.catalog(), store.lake());
    let scope = scope(args)?;
    let caller = Caller::of_folder(catalog.enrollments().await?.into_iter().map(|held| held.number));
    let permit = permit(catalog, &caller, &scope).await;
    let permit = permit.map_err(|refusal| Failure::refused("UnknownScope", refusal.to_string()))?;
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let segments = (!args.no_segments).then(SegmentSettings::default);
    let settings = ReportSettings { threads, segments, ..ReportSettings::default() };
    let reports = Reports::open(catalog.clone(), lake.clone(), settings).await.map_err(failed)?;
    let question = Question {
        kind: ReportKind::CostDetails,
        permit,
        generation: Generation::CostDetails,
        dataset: args.metric,
        window,
        filter: ChargeFilter::default(),
        form: ReportForm::CostDetails {
            layout: args.layout.unwrap_or(Layout::Ea20240801),
            unknown_columns: args.unknown_columns,
        },
        as_of: match &args.as_of {
            None => reports::AsOf::Now,
            Some(AsOf::Revision(version)) => reports::AsOf::Version(*version),
            Some(AsOf::Instant(_, instant)) => reports::AsOf::Instant(*instant),
        },
        api_version: String::new(),
        request_scope: scope.to_string(),
        request_body: String::new(),
    };
    let answer = reports.direct(&question).await.map_err(|error| match (error, &args.as_of) {
        (ReportError::AsOf { .. }, Some(AsOf::Instant(text, _))) => {
            Failure::refused("NoSuchRevision", format!("nothing was held at {text}; lazurite status shows what is"))
        }
        (error, _) => failed(error),
    })?;
    if answer.nothing_held() {
        return Err(nothing());
    }
    let output = Output::create(&args.out)?;
    let (rows, output) = answer.write_to(codec, output).await.map_err(failed)?;
    if rows == 0 {
        return Err(nothing());
    }
    Ok((rows, output.finish()?))
}

fn nothing() -> Failure {
    Failure::refused("NoDataFound", "there are no charges in this scope and time; lazurite status shows what is held")
}

fn failed(error: ReportError) -> Failure {
    match error {
        ReportError::NotHeld(message) => Failure::refused("NotHeld", message),
        ReportError::AsOf { .. } => Failure::refused("NoSuchRevision", error.to_string()),
        ReportError::Lake(error) => error.into(),
        ReportError::Write { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe => unwritten(&source),
        other => Failure::other("Report", other.to_string()),
    }
}
