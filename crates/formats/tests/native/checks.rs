//! The promises of the readers of native input as functions of any bytes. The fuzz targets include this file, and
//! `corpus.rs` runs it on what they found, on stable Rust.
//!
//! No bytes make a reader panic. What is refused is refused with a message of one line. What is accepted can be written
//! as JSON by `written.rs`, and reads back as the same.

#[path = "written.rs"]
mod written;

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use calendar::{BillingPeriod, Date};
use lazurite_formats::native::{
    HEAD_BYTES, NativeError, PriceSheetFill, UsageOrigin, UsageReader, UsageRecord, read_enrollment, read_order,
    read_orders, read_price_sheet, recognise,
};
use ledger::EnrollmentId;
use ledger::billing::{Instant, UsageLine};
use money::{Currency, Decimal};

/// Names every input in messages.
const FILE: &str = "input";
/// The longest message: it repeats excerpts of the input, and what would be right.
const MESSAGE_BYTES_MAX: usize = 2000;

/// An enrollment document.
pub(crate) fn enrollment(bytes: &[u8]) {
    let Some(text) = document(bytes) else { return };
    match read_enrollment(FILE, text) {
        Err(error) => check_error(&error),
        Ok(stated) => {
            let again = written::enrollment(&stated);
            assert_eq!(read_enrollment(FILE, &again).expect("what was read is accepted"), stated, "{again}");
        }
    }
}

/// An orders document, of an enrollment whose currency is known and of one whose is not.
pub(crate) fn orders(bytes: &[u8]) {
    let Some(text) = document(bytes) else { return };
    for currency in [None, Currency::parse("USD").ok(), Currency::parse("JPY").ok()] {
        let stated = match read_orders(FILE, text, currency) {
            Ok(stated) => stated,
            Err(error) => {
                check_error(&error);
                continue;
            }
        };
        for record in &stated.orders {
            let again = read_order(&record.text, stated.currency);
            assert_eq!(again.expect("a kept record is accepted"), record.orders, "{}", record.text);
        }
        let again = written::orders(&stated);
        assert_eq!(read_orders(FILE, &again, currency).expect("kept records are accepted"), stated, "{again}");
    }
}

/// A price sheet as JSON or CSV, which says everything itself or leaves it to its reader.
pub(crate) fn price_sheet(bytes: &[u8]) {
    let Some(text) = document(bytes) else { return };
    let filled = PriceSheetFill {
        enrollment: EnrollmentId::parse("7654321").ok(),
        from: BillingPeriod::parse("202501").ok(),
        through: None,
        currency: Currency::parse("USD").ok(),
    };
    for fill in [PriceSheetFill::default(), filled] {
        let stated = match read_price_sheet(FILE, text, &fill) {
            Ok(stated) => stated,
            Err(error) => {
                check_error(&error);
                continue;
            }
        };
        let again_text = written::price_sheet(&stated);
        let again = read_price_sheet(FILE, &again_text, &PriceSheetFill::default()).expect("what was read is accepted");
        assert_eq!(again.sheet.lines(), stated.sheet.lines(), "{again_text}");
        assert_eq!(again.sheet.currency(), stated.sheet.currency());
        assert_eq!((again.enrollment, again.from, again.through), (stated.enrollment, stated.from, stated.through));
    }
}

/// Usage as NDJSON.
pub(crate) fn usage_ndjson(bytes: &[u8]) {
    check_usage(bytes, |bytes, origin| Ok(UsageReader::ndjson(FILE, Cursor::new(bytes), origin)));
}

/// Usage as CSV.
pub(crate) fn usage_csv(bytes: &[u8]) {
    check_usage(bytes, |bytes, origin| UsageReader::csv(FILE, Cursor::new(bytes), origin));
}

/// Usage as Parquet.
pub(crate) fn usage_parquet(bytes: &[u8]) {
    check_usage(bytes, |bytes, origin| UsageReader::parquet(FILE, bytes, origin));
}

/// What of a file is read as a document: recognition is tried on everything.
fn document(bytes: &[u8]) -> Option<&str> {
    try_to_recognise(bytes);
    std::str::from_utf8(bytes).ok()
}

fn try_to_recognise(bytes: &[u8]) {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    for name in [FILE, "input.ndjson", "input.csv"] {
        if let Err(error) = recognise(name, head) {
            check_error(&error);
        }
    }
}

/// Usage as a file and as a request: a request accepts nothing that a file does not, and every accepted record reads
/// back from JSON as the same.
fn check_usage(bytes: &[u8], open: fn(Bytes, UsageOrigin) -> Result<UsageReader, NativeError>) {
    try_to_recognise(bytes);
    let bytes = Bytes::copy_from_slice(bytes);
    let of_file = records(open(bytes.clone(), UsageOrigin::File));
    let of_request = records(open(bytes, UsageOrigin::Request));
    for record in &of_request {
        assert!(of_file.contains(record), "{record:?} is accepted in a request and not in a file");
    }
    let timeless = of_file.iter().filter(|record| record.received_at.is_none());
    assert_eq!(timeless.count(), of_request.len(), "a file says when it was received, or it is as a request");
    for record in of_file {
        let again_text = written::usage(&record);
        let again = Cursor::new(again_text.clone().into_bytes());
        let again = records(Ok(UsageReader::ndjson(FILE, again, UsageOrigin::File)));
        assert_eq!(again, [Read { number: 1, ..record }], "{again_text}");
    }
}

/// A record with its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read {
    number: u64,
    line: Arc<UsageLine>,
    day: Date,
    hour: Option<u8>,
    quantity: Decimal,
    received_at: Option<Instant>,
}

/// The records that are accepted until a source ends, or until it turns out to be damaged.
fn records(reader: Result<UsageReader, NativeError>) -> Vec<Read> {
    let mut found = Vec::new();
    let read = reader.and_then(|reader| {
        reader.for_each(|record, lines| {
            match record {
                Ok(UsageRecord { number, line, day, hour, quantity, received_at }) => {
                    let line = Arc::clone(lines.get(line));
                    found.push(Read { number, line, day, hour, quantity, received_at });
                }
                Err(refusal) => check_message(&refusal.fault.to_string()),
            }
            Ok(())
        })
    });
    if let Err(error) = read {
        check_error(&error);
    }
    found
}

fn check_error(error: &NativeError) {
    assert!(!error.code().is_empty());
    check_message(&error.to_string());
}

/// A message is one line of bounded length: it goes to logs and answers.
fn check_message(message: &str) {
    assert!(!message.is_empty() && message.len() <= MESSAGE_BYTES_MAX, "{} bytes: {message}", message.len());
    assert!(!message.chars().any(char::is_control), "{message:?}");
}
