//! Replays the corpus of the fuzz targets (`fuzz/README.md`), and changes each of its files in many small ways.

use std::fs;
use std::path::Path;

use crate::checks;

/// How often each file is changed.
const CHANGES: u64 = 60;
/// Pieces that mean something to some reader.
const PIECES: [&[u8]; 22] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b"\0",
    b"\\",
    b"\\u0000",
    b"\xff",
    b"-",
    b"0",
    b"1e9",
    b".",
    b"9999-12-31",
    b"99999999999999999999",
    b"null",
    b"true",
    "\u{feff}".as_bytes(),
];

/// Runs a check on every file of a target's corpus, as it is and changed. The changes are the same in every run.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 4, "the corpus of {target} has {} files only", files.len());
    let all: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    for (path, bytes) in files.iter().zip(&all) {
        let outcome = std::panic::catch_unwind(|| check(bytes));
        assert!(outcome.is_ok(), "the check fails on {}", path.display());
        for seed in 0..CHANGES {
            let changed = changed(bytes, &all, seed);
            let outcome = std::panic::catch_unwind(|| check(&changed));
            let shown = String::from_utf8_lossy(&changed);
            assert!(outcome.is_ok(), "the check fails on change {seed} of {}: {shown}", path.display());
        }
    }
}

/// Bytes with one to four changes: a byte flipped, a part taken out, doubled or taken from another file, a piece put in.
fn changed(bytes: &[u8], others: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ bytes.len() as u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % end.max(1)
    };
    let mut found = bytes.to_vec();
    for _ in 0..=below(4) {
        let start = below(found.len());
        let end = (start + below(40)).min(found.len());
        match below(5) {
            0 if !found.is_empty() => found[start] ^= 1 << below(8),
            1 => _ = found.drain(start..end),
            2 => {
                let part = found[start..end].to_vec();
                found.splice(start..start, part);
            }
            3 => {
                let other = &others[below(others.len())];
                let from = below(other.len());
                let part = other[from..(from + below(60)).min(other.len())].to_vec();
                found.splice(start..end, part);
            }
            _ => _ = found.splice(start..start, PIECES[below(PIECES.len())].iter().copied()),
        }
    }
    found
}

#[test]
fn enrollments_of_the_corpus_keep_the_promises() {
    replay("native_enrollment", checks::enrollment);
}

#[test]
fn orders_of_the_corpus_keep_the_promises() {
    replay("native_orders", checks::orders);
}

#[test]
fn price_sheets_of_the_corpus_keep_the_promises() {
    replay("native_price_sheet", checks::price_sheet);
}

#[test]
fn usage_as_ndjson_of_the_corpus_keeps_the_promises() {
    replay("native_usage_ndjson", checks::usage_ndjson);
}

#[test]
fn usage_as_csv_of_the_corpus_keeps_the_promises() {
    replay("native_usage_csv", checks::usage_csv);
}

#[test]
fn usage_as_parquet_of_the_corpus_keeps_the_promises() {
    replay("native_usage_parquet", checks::usage_parquet);
}
