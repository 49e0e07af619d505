//! The fast way of reading a source against the obvious one, record by record, on tables that nobody should write.

use std::fs;
use std::path::Path;

use ledger::EnrollmentId;
use proptest::prelude::*;

use super::both_ways::{NoCopy, by_spans, check, obviously};
use super::*;
use crate::reader::ReadOptions;
use crate::source::SourceReader;

const HEADER: &str = "BillingAccountId,BillingAccountName,InvoiceSectionName,SubscriptionId,Date,ResourceId,MeterId,Tags,\
                      Quantity,EffectivePrice,CostInBillingCurrency,x,ChargeType,PricingModel,BillingCurrencyCode,\
                      BillingPeriodStartDate,IsAzureCreditEligible,y";

/// A cell of one of the columns: mostly in order.
fn any_cell(column: usize) -> BoxedStrategy<String> {
    let name = HEADER.split(',').nth(column).unwrap();
    let usual: Vec<&str> = match name {
        "BillingAccountId" => vec!["123"],
        "BillingCurrencyCode" => vec!["USD"],
        "Date" => vec!["01/02/2025", "2025-01-03", "01/04/2025"],
        "BillingPeriodStartDate" => vec!["01/01/2025", "02/01/2025"],
        "Quantity" | "EffectivePrice" | "CostInBillingCurrency" => {
            vec!["1", "2.50", "0.000", "1E-7", "+7", "\"3.5\"", "-0.25", "12345678901234"]
        }
        "ChargeType" => vec!["Usage"],
        "PricingModel" => vec!["OnDemand", "Reservation", ""],
        "IsAzureCreditEligible" => vec!["True", "false", ""],
        _ => vec!["a", "b", "", "\"c,d\"", "\"two\nlines\"", "\"say \"\"x\"\"\"", "é", " "],
    };
    let odd =
        vec!["", "zz", "\"", "\"a\"b", "5\"", "\"\"", "456", "EUR", "Purchase", "\r", "\n", "x\ry", "1,5", "\u{1}"];
    prop_oneof![
        60 => prop::sample::select(usual).prop_map(str::to_owned),
        1 => prop::sample::select(odd).prop_map(str::to_owned),
    ]
    .boxed()
}

fn any_table() -> impl Strategy<Value = Vec<u8>> {
    let columns: Vec<_> = (0..HEADER.split(',').count()).map(any_cell).collect();
    let row = (columns, prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\n\n", "\r\n\r\n", ""]));
    (prop::collection::vec(row, 0..40), prop::option::weighted(0.1, any::<prop::sample::Index>())).prop_map(
        |(rows, bad)| {
            let mut text = format!("{HEADER}\n").into_bytes();
            for (cells, end) in &rows {
                text.extend_from_slice(cells.join(",").as_bytes());
                text.extend_from_slice(end.as_bytes());
            }
            if let Some(bad) = bad {
                let at = HEADER.len() + 1 + bad.index(text.len() - HEADER.len());
                text.insert(at.min(text.len()), 0xFF);
            }
            text
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_of_reading_give_the_same(
        text in any_table(),
        block_bytes in prop_oneof![1usize..400, Just(1usize << 20)],
        readers in prop::sample::select(vec![0usize, 1, 2, 4]),
        rejects: bool,
        knows_enrollment: bool,
    ) {
        let mut options = ReadOptions::default();
        if knows_enrollment {
            options.fill.enrollment = EnrollmentId::parse("123").ok();
            options.fill.currency = "USD".parse().ok();
        }
        let expected = obviously(&text, &options, rejects);
        let found = by_spans(&text, &options, rejects, (block_bytes, readers));
        prop_assert_eq!(found, expected);
    }
}

fn plain_rows(count: usize) -> String {
    let mut text = format!("{HEADER}\n");
    for row in 0..count {
        let (day, resource) = (row / 40 % 28 + 1, row % 40);
        text += &format!(
            "123,Name,Dept,s{},01/{day:02}/2025,/r/{resource},m{},\"t{row}\",{row},0.5,{row}.25,{},Usage,OnDemand,USD,\
             01/01/2025,True,\n",
            resource % 3,
            resource % 5,
            if row % 2 == 0 { "e" } else { "" }
        );
    }
    text
}

#[test]
fn rows_in_order_are_read_by_spans_and_spans_that_do_not_repeat_are_split() {
    let text = plain_rows(80_000);
    let options = ReadOptions::default();
    let source = SourceReader::open("f", text.as_bytes()).unwrap();
    let mut blocks = SourceBlocks::new(source, 64 << 10);
    let opened = SourceRows::open("f", &mut blocks, options.clone(), None, &mut NoCopy).unwrap();
    let (mut rows, mut next) = (opened.rows, Some(opened.first));
    let mut reader = BlockReader::new(rows.plan().clone());
    let mut divisions = Vec::new();
    while let Some(block) = next {
        let read = reader.read(&block);
        let read = rows.take(&block, read).unwrap().expect("all rows are in order");
        divisions.push(read.spans().len());
        next = blocks.next_block("f", block.text).unwrap();
    }
    assert!(rows.take_slow().is_none());
    // The tags are new in each row, and stand in the middle of a span.
    assert!(divisions.first() < divisions.last() && divisions.is_sorted(), "{divisions:?}");
    let expected = obviously(text.as_bytes(), &options, false);
    assert_eq!(by_spans(text.as_bytes(), &options, false, (64 << 10, 2)), expected);
}

#[test]
fn a_row_that_is_refused_is_the_first_one_of_the_file() {
    let mut text = plain_rows(2_000).into_bytes();
    text.extend_from_slice(b"123,Name,Dept,s,bad day,/r,m,t,1,1,1,,Usage,OnDemand,USD,01/01/2025,True,\n");
    text.extend_from_slice(b"123,Name,Dept,s,01/02/2025,/r,m,t,bad,1,1,,Usage,OnDemand,USD,01/01/2025,True,\n");
    for readers in [1, 2, 4] {
        let (outcome, _) = by_spans(&text, &ReadOptions::default(), false, (1_000, readers));
        let refusal = outcome.unwrap_err();
        assert!(refusal.starts_with("f, line 2002, column Date: \"bad day\""), "{refusal}");
    }
}

/// Replays the corpus of the fuzz target `charges_csv`, and what each of its files becomes with one byte changed.
#[test]
fn exports_of_the_corpus_are_read_alike_both_ways() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/charges_csv");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 4, "the corpus has {} files only", files.len());
    for path in files {
        let bytes = fs::read(&path).unwrap();
        check(&bytes);
        for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            for piece in [b',', b'"', b'\n', b'\r', 0xFF, b'0'] {
                let mut changed = bytes.clone();
                changed[at] = piece;
                check(&changed);
            }
        }
    }
}
