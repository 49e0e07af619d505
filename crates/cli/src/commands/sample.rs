//! `lazurite sample`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use samples::generator::{Entropy, GeneratorOptions, MonthSummary, write};
use samples::native::{self, NativeError, NativeOptions};

use crate::args::SampleArgs;
use crate::failure::Failure;
use crate::output::grouped;

pub(crate) fn run(args: SampleArgs) -> Result<ExitCode, Failure> {
    match (&args.native, &args.out) {
        (Some(folder), _) => write_native(&args, folder),
        (None, Some(out)) => write_export(&args, out),
        (None, None) => Err(Failure::refused("NoTarget", "say where to write: --out PATH or --native DIR".to_owned())),
    }
}

fn write_export(args: &SampleArgs, out: &Path) -> Result<ExitCode, Failure> {
    let usual = GeneratorOptions::default();
    let options = GeneratorOptions {
        seed: args.seed,
        enrollment: args.enrollment.to_string(),
        first_month: (args.first_month.year(), args.first_month.month()),
        months: args.months,
        rows: args.rows,
        departments: args.departments,
        accounts: usual.accounts.max(args.departments),
        subscriptions: usual.subscriptions.max(args.departments),
        entropy: if args.high_entropy { Entropy::High } else { Entropy::Low },
        ..usual
    };
    for month in 0..args.months {
        let summary = if args.months == 1 {
            write_month(&options, month, out)?
        } else {
            std::fs::create_dir_all(out).map_err(|error| unwritable(out, &error))?;
            write_month(&options, month, &out.join(format!("sample-{month:03}.csv")))?
        };
        println!("{}: {} rows, total {}", summary.period, grouped(summary.rows), summary.total);
    }
    println!("import it with: lazurite import {} --dataset ActualCost", out.display());
    Ok(ExitCode::SUCCESS)
}

/// Writes the four documents of a native enrollment.
fn write_native(args: &SampleArgs, folder: &Path) -> Result<ExitCode, Failure> {
    let sizes = &args.native_sizes;
    let sized = NativeOptions::sized(sizes.currency, args.first_month, args.months, sizes.usage_records);
    let options = NativeOptions {
        seed: args.seed,
        enrollment: args.enrollment.to_string(),
        lines: sizes.lines.unwrap_or(sized.lines),
        subscriptions: sizes.subscriptions,
        reservations: sizes.reservations,
        savings_plans: sizes.savings_plans,
        ..sized
    };
    let refused = |error: NativeError| Failure::refused("BadOptions", error.to_string());
    let documents = [
        ("enrollment.json", native::enrollment(&options).map_err(refused)?),
        ("prices.json", native::prices(&options).map_err(refused)?),
        ("orders.json", native::orders(&options).map_err(refused)?),
    ];
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    for (name, document) in &documents {
        let path = folder.join(name);
        let text = format!("{document:#}\n");
        std::fs::write(&path, text).map_err(|error| unwritable(&path, &error))?;
    }
    let path = folder.join(if sizes.usage_parquet { "usage.parquet" } else { "usage.ndjson" });
    let unwritable = |error: std::io::Error| unwritable(&path, &error);
    let mut out = BufWriter::new(File::create(&path).map_err(unwritable)?);
    let count = if sizes.usage_parquet {
        native::parquet::write(&options, &mut out).map_err(unwritable)?
    } else {
        native::write_usage(&options, &mut out).map_err(unwritable)?
    };
    out.flush().map_err(unwritable)?;
    println!("{}: {} usage records of {} lines", path.display(), grouped(count), grouped(options.lines));
    Ok(ExitCode::SUCCESS)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::refused("Unwritable", format!("cannot write {}: {error}", path.display()))
}

/// Writes one month of a generated enrollment to a file.
pub(crate) fn write_month(options: &GeneratorOptions, month: u32, path: &Path) -> Result<MonthSummary, Failure> {
    let unwritable = |error: std::io::Error| unwritable(path, &error);
    let mut out = BufWriter::new(File::create(path).map_err(unwritable)?);
    let summary = write(options, month, &mut out).map_err(unwritable)?;
    out.flush().map_err(unwritable)?;
    Ok(summary)
}
