//! `lazurite`: enterprise billing APIs from a store that you own.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
mod commands;
mod failure;
mod instant;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    output::end_with_the_reader();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && std::env::args().any(|argument| argument == "--json") => {
            let message = error.to_string();
            // What follows the first blank line is the usage of the command, for people.
            let message: Vec<&str> = message.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            Failure::refused("Usage", message.join(" ").trim_start_matches("error: ")).print(true);
            return ExitCode::from(2);
        }
        Err(error) => error.exit(),
    };
    output::start_logging(matches!(arguments.command, Command::Serve(_)));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let json = arguments.command.wants_json();
    let done = runtime.block_on(async {
        match arguments.command {
            Command::Demo(args) => commands::demo::run(args).await,
            Command::Serve(args) => commands::serve::run(*args).await,
            Command::Import(args) => commands::import::run(*args).await,
            Command::Bill(args) => commands::bill::run(*args).await,
            Command::Init(args) => commands::init::run(&args),
            Command::Enrollment(args) => commands::enrollment::run(args).await,
            Command::Key(args) => commands::key::run(args).await,
            Command::Access(args) => commands::access::run(args).await,
            Command::Audit(args) => commands::audit::run(args).await,
            Command::Report(args) => commands::report::run(*args).await,
            Command::Status(args) => commands::status::run(*args).await,
            Command::Compact(args) => commands::compact::run(args).await,
            Command::Prune(args) => commands::prune::run(args).await,
            Command::Total(args) => commands::total::run(args).await,
            Command::Explain(args) => commands::explain::run(args).await,
            Command::Verify(args) => commands::verify::run(args).await,
            Command::Sample(args) => commands::sample::run(args),
        }
    });
    // What still runs on threads of its own (a report being written) is resumed by the next process.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(failure) => {
            failure.print(json);
            failure.exit_code()
        }
    }
}
