//! `lazurite init`.

use std::path::Path;
use std::process::ExitCode;

use calendar::BillingPeriod;
use ledger::billing::Instant;
use samples::example;
use serde_json::json;

use crate::args::InitArgs;
use crate::commands::demo::absolute;
use crate::failure::Failure;
use crate::instant::now_micros;

pub(crate) fn run(args: &InitArgs) -> Result<ExitCode, Failure> {
    let folder = &args.native;
    let month = match args.month {
        Some(month) => month,
        None => last_month()?,
    };
    let files = example::files(args.enrollment.as_str(), month)
        .map_err(|error| Failure::refused("BadOptions", format!("--month {month}: {error}")))?;
    refuse_used(folder)?;
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    for file in &files {
        let path = folder.join(file.name);
        std::fs::write(&path, &file.text).map_err(|error| unwritable(&path, &error))?;
    }
    if args.json {
        let names: Vec<_> = files.iter().map(|file| file.name).collect();
        println!(
            "{}",
            json!({ "folder": absolute(folder), "enrollment": args.enrollment, "month": month.to_string(), "files": names })
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("Wrote an example enrollment with usage of {month} to {}:", folder.display());
    for file in &files {
        println!("  {}", file.name);
    }
    let shown = quoted(folder);
    println!("\nREADME.md explains the files. Bill them, then serve what was billed:\n");
    println!("  lazurite bill {shown}");
    println!("  lazurite key create --enrollment {} && lazurite serve", args.enrollment);
    Ok(ExitCode::SUCCESS)
}

/// The month before the current one: it is over, so that the example has whole days alone.
fn last_month() -> Result<BillingPeriod, Failure> {
    let wrong =
        |error: calendar::CalendarError| Failure::other("Clock", format!("the system's clock is wrong: {error}"));
    BillingPeriod::of(Instant(now_micros()).date().map_err(wrong)?).previous().map_err(wrong)
}

/// Nothing of the user's is ever overwritten.
fn refuse_used(folder: &Path) -> Result<(), Failure> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => {
                let message = format!("{} is not empty; name a new or an empty folder", folder.display());
                Err(Failure::refused("NotEmpty", message))
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unwritable(folder, &error)),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::refused("Unwritable", format!("cannot write {}: {error}", path.display()))
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+,:@%".contains(letter);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
