mod charges;
mod documented;
mod parquet;
mod prices;
mod refusals;
mod usage;

use std::io::{Cursor, Read};

use super::*;

const SUBSCRIPTION: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";

/// Owns its text, as files do.
fn input(text: &str) -> impl Read + Send + 'static {
    Cursor::new(text.to_owned().into_bytes())
}

/// All records of a source, refused ones as messages.
fn records(reader: UsageReader) -> Vec<Result<UsageRecord, String>> {
    let mut all = Vec::new();
    for batch in reader {
        all.extend(batch.unwrap().into_iter().map(|record| record.map_err(|refusal| refusal.to_string())));
    }
    all
}

/// An example of `docs/NATIVE.md`.
fn example(name: &str) -> String {
    let docs = include_str!("../../../../../docs/NATIVE.md");
    let marker = format!("<!-- example: {name} -->\n");
    let (_, after) = docs.split_once(&marker).unwrap_or_else(|| panic!("no example {name}"));
    let (_, fenced) = after.split_once('\n').unwrap();
    let (text, _) = fenced.split_once("```").unwrap();
    text.to_owned()
}
