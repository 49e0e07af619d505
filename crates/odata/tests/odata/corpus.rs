//! Replays the corpus of the fuzz targets (`fuzz/README.md`).

use std::fs;
use std::path::Path;

use crate::checks;

/// Runs a check on every file of a target's corpus.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| check(&bytes));
        assert!(outcome.is_ok(), "the check fails on {}", path.display());
        count += 1;
    }
    assert!(count > 20, "the corpus of {target} has {count} files only");
}

#[test]
fn the_filters_of_the_corpus_keep_the_promises() {
    replay("filter", checks::filter);
}

#[test]
fn the_other_options_of_the_corpus_keep_the_promises() {
    replay("options", checks::options);
}

#[test]
fn the_page_tokens_of_the_corpus_keep_the_promises() {
    replay("page_token", checks::page_token);
}

#[test]
fn long_filters_keep_the_promises() {
    for piece in ["(", ")", "'", "''", "tags eq 'a:b' and ", "(tags eq 'a:b')and", "tags eq a and ", "ä", " ", "\0"] {
        let text = piece.repeat(odata::OPTION_BYTES_MAX / piece.len());
        checks::filter(text.as_bytes());
        checks::filter(format!("{text}tags eq 'a:b'").as_bytes());
        checks::options(text.as_bytes());
    }
}
