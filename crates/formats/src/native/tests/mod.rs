mod charges;
mod documented;
mod parquet;
mod prices;
mod refusals;
mod usage;

use std::io::{self, Cursor};
use std::sync::Arc;

use calendar::Date;
use ledger::billing::{Instant, UsageLine};
use money::Decimal;

use super::*;

const SUBSCRIPTION: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";

/// Owns its text, as files do.
fn input(text: &str) -> impl io::Read + Send + 'static {
    Cursor::new(text.to_owned().into_bytes())
}

/// A record with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Read {
    number: u64,
    line: Arc<UsageLine>,
    day: Date,
    hour: Option<u8>,
    quantity: Decimal,
    received_at: Option<Instant>,
}

/// All records of a source, refused ones as messages.
fn records(reader: UsageReader) -> Vec<Result<Read, String>> {
    let mut all = Vec::new();
    let read = reader.for_each(|record, lines| {
        let read = record.map(|record| {
            let UsageRecord { number, line, day, hour, quantity, received_at } = record;
            Read { number, line: Arc::clone(lines.get(line)), day, hour, quantity, received_at }
        });
        all.push(read.map_err(|refusal| refusal.to_string()));
        Ok::<_, NativeError>(())
    });
    read.unwrap();
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
