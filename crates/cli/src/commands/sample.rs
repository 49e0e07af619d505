//! `lazurite sample`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use samples::generator::{Entropy, GeneratorOptions, MonthSummary, write};

use crate::args::SampleArgs;
use crate::failure::Failure;
use crate::output::grouped;

pub(crate) fn run(args: SampleArgs) -> Result<ExitCode, Failure> {
    let options = GeneratorOptions {
        seed: args.seed,
        enrollment: args.enrollment.to_string(),
        first_month: (args.first_month.year(), args.first_month.month()),
        months: args.months,
        rows: args.rows,
        entropy: if args.high_entropy { Entropy::High } else { Entropy::Low },
        ..GeneratorOptions::default()
    };
    for month in 0..args.months {
        let summary = if args.months == 1 {
            write_month(&options, month, &args.out)?
        } else {
            std::fs::create_dir_all(&args.out).map_err(|error| unwritable(&args.out, &error))?;
            write_month(&options, month, &args.out.join(format!("sample-{month:03}.csv")))?
        };
        println!("{}: {} rows, total {}", summary.period, grouped(summary.rows), summary.total);
    }
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
