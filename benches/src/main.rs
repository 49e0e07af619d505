//! What measurements of native billing need beside the program: `benches/billing.py` runs it.
//!
//! ```text
//! native-stages parse DIR                  read and parse all input, and nothing else: what a billing run is held against
//! native-stages bill DIR AS_OF             the same and the engine, in memory: how long each stage takes
//! native-stages charges DIR AS_OF          the charges that the engine gives, as CSV, for the differential test
//! ```
//!
//! `DIR` holds documents as `lazurite sample --native` writes them, `AS_OF` is `YYYY-MM-DDTHH:MM:SSZ`. Input that the
//! readers refuse ends the run.

mod charges;
mod input;
mod stages;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["parse", folder] => stages::parse(folder.as_ref()),
        ["bill", folder, as_of] => stages::bill_all(folder.as_ref(), as_of),
        ["charges", folder, as_of] => charges::print(folder.as_ref(), as_of),
        _ => Err("expected: parse DIR | bill DIR AS_OF | charges DIR AS_OF".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("native-stages: {error}");
            ExitCode::FAILURE
        }
    }
}
