//! Every named kind of bad input: one clear error that names the place, and an unchanged store.

use std::io::Write;

use lazurite_imports::ImportOptions;
use samples::bundled::{EA_ACTUAL, EA_NO_ROWS};

use crate::support::{A, Bench, SEPTEMBER, actual, archive, export, gzip, stored};

/// Imports bytes over a store that holds something and expects a refusal that says all of `words`.
async fn refused(name: &str, bytes: impl AsRef<[u8]>, line: Option<u64>, words: &[&str]) {
    let bench = Bench::new().await;
    bench.import(actual(bench.file("held.csv", export(&[(A, "09/01/2023", "1")])))).await.unwrap();
    let error = bench.import(actual(bench.file(name, bytes))).await.unwrap_err();
    let text = error.to_string();
    assert!(error.is_refusal(), "{text}");
    assert!(text.contains(name), "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} in {text}");
    }
    assert_eq!(error.place().1, line, "{text}");
    assert_eq!(bench.version().await, 1);
    assert_eq!(bench.column(&SEPTEMBER, "CostInBillingCurrency").await, ["1"]);
    assert_eq!(std::fs::read_dir(bench.folder.path().join("data/staging")).unwrap().count(), 0, "nothing is left over");
    assert_eq!(std::fs::read_dir(bench.folder.path().join("data/sources")).unwrap().count(), 1);
}

fn two_rows() -> String {
    export(&[(A, "09/02/2023", "1.5"), (A, "09/03/2023", "2.5")])
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_and_corrupt_gzip() {
    let whole = gzip(two_rows().as_bytes());
    refused("short.csv.gz", &whole[..whole.len() / 2], None, &["truncated"]).await;
    refused("tail.csv.gz", &whole[..whole.len() - 4], None, &["truncated"]).await;
    let mut damaged = whole.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 0xFF;
    refused("damaged.csv.gz", &damaged, None, &["damaged"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_bomb() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let line = "\n".repeat(1 << 20);
    for _ in 0..96 {
        encoder.write_all(line.as_bytes()).unwrap();
    }
    refused("bomb.csv.gz", encoder.finish().unwrap(), None, &["decompression bomb"]).await;
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_and_corrupt_zstd() {
    let whole = zstd(two_rows().as_bytes());
    refused("short.csv.zst", &whole[..whole.len() / 2], None, &["zstd", "truncated"]).await;
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0xFF;
    refused("damaged.csv.zst", &damaged, None, &[]).await;
    let mut followed = whole;
    followed.extend_from_slice(b"and more");
    refused("followed.csv.zst", &followed, None, &["zstd", "damaged"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zstd_bomb() {
    let bomb = zstd(&b"\n".repeat(96 << 20));
    refused("bomb.csv.zst", bomb, None, &["decompression bomb"]).await;
    // A frame that wants two GiB to look back into.
    let window = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00];
    refused("window.csv.zst", window, None, &["zstd"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_that_are_damaged_or_hold_anything_but_one_file() {
    let text = two_rows();
    let whole = archive(&[("a.csv", text.as_bytes())]);
    refused("short.zip", &whole[..whole.len() / 2], None, &["zip", "damaged"]).await;
    refused("empty.zip", archive(&[]), None, &["no file"]).await;
    refused("folder.zip", archive(&[("__MACOSX/a.csv", b"x"), (".hidden", b"x")]), None, &["no file"]).await;
    let two = archive(&[("a.csv", text.as_bytes()), ("b.csv", text.as_bytes())]);
    refused("two.zip", two, None, &["2 files", "a.csv, b.csv", "unpack"]).await;
    // The same name twice: readers that keep entries by name show one of them.
    let mut twice = archive(&[("a.csv", text.as_bytes()), ("b.csv", text.as_bytes())]);
    let places: Vec<usize> = (0..twice.len() - 5).filter(|at| twice[*at..].starts_with(b"b.csv")).collect();
    assert_eq!(places.len(), 2);
    places.iter().for_each(|at| twice[*at] = b'a');
    refused("twice.zip", &twice, None, &["2 records", "unpack"]).await;
    // An end that counts fewer files than there are.
    let mut fewer = archive(&[("a.csv", text.as_bytes()), ("b.csv", text.as_bytes())]);
    let end = fewer.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    fewer[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    refused("fewer.zip", &fewer, None, &["zip"]).await;
    // A stored file of which both headers tell the first half alone.
    let mut half = stored("a.csv", text.as_bytes());
    let count = text.find("\n").unwrap() + 1;
    let directory = half.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(&text.as_bytes()[..count]);
    let sizes = [crc.sum(), u32::try_from(count).unwrap(), u32::try_from(count).unwrap()];
    for (number, value) in sizes.into_iter().enumerate() {
        for at in [14, directory + 16] {
            half[at + 4 * number..at + 4 * number + 4].copy_from_slice(&value.to_le_bytes());
        }
    }
    refused("half.zip", &half, None, &["belong to no file"]).await;
    refused("prefix.zip", [b"x".as_slice(), &whole].concat(), Some(1), &["not UTF-8"]).await;
    // Local header and directory say the same wrong checksum, or the same encryption.
    let changed = |local: usize, central: usize, bits: u8| {
        let mut bytes = whole.clone();
        let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        bytes[local] ^= bits;
        bytes[directory + central] ^= bits;
        bytes
    };
    refused("checksum.zip", changed(14, 16, 0xFF), None, &["zip", "damaged", "checksum"]).await;
    refused("length.zip", changed(22, 24, 0x01), None, &["zip"]).await;
    refused("secret.zip", changed(6, 8, 0x01), None, &["encrypted"]).await;
    refused("method.zip", changed(8, 10, 0x04), None, &["unpack it first"]).await;
    let bomb = archive(&[("bomb.csv", &b"\n".repeat(96 << 20))]);
    refused("bomb.zip", bomb, None, &["decompression bomb"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_in_a_language_that_nobody_knows() {
    let local = two_rows().replace("SubscriptionId,Date,MeterId", "Abonnement,Datum,Gerät");
    refused("local.csv", local, Some(1), &["Date is missing", "Datum (Date)"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_required_column() {
    let text = two_rows().replace("CostInBillingCurrency", "Something");
    refused("columns.csv", text, Some(1), &["CostInBillingCurrency", "missing", "pretaxcost"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_too_short_or_too_long() {
    refused("short.csv", two_rows() + "100,09/01/2023,x\n", Some(4), &["too short", "3 cells", "13"]).await;
    refused("long.csv", two_rows().replace(",/r/2.5", ",/r/2.5,,"), Some(3), &["too long", "15 cells"]).await;
    let cut = two_rows();
    refused("cut.csv", &cut[..cut.len() - 20], Some(3), &["too short"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_of_a_gigabyte() {
    let bench = Bench::new().await;
    let path = bench.folder.path().join("huge.csv");
    {
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
        file.write_all(two_rows().as_bytes()).unwrap();
        file.write_all(b"100,\"").unwrap();
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..1024 {
            file.write_all(&chunk).unwrap();
        }
        file.write_all(b"\"\n").unwrap();
    }
    let error = bench.import(actual(path)).await.unwrap_err();
    assert_eq!(error.place().1, Some(4), "{error}");
    assert!(error.to_string().contains("longer than 1 MiB"), "{error}");
    assert_eq!(bench.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_utf8() {
    let mut text = two_rows().into_bytes();
    let at = text.len() - 3;
    text[at] = 0xFF;
    refused("latin.csv", text, Some(3), &["UTF-8", "ResourceId"]).await;
    let utf16: Vec<u8> = two_rows().encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused("utf16.csv", [b"\xFF\xFE".to_vec(), utf16].concat(), Some(1), &["UTF-8"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_date() {
    let text = two_rows().replace("09/03/2023", "2025-02-30");
    refused("date.csv", text, Some(3), &["2025-02-30", "Date"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_with_29_fraction_digits_or_none_at_all() {
    let long = format!("0.{}", "1".repeat(29));
    refused("digits.csv", two_rows().replace(",2.5,2.5,", &format!(",2.5,{long},")), Some(3), &["29", "28"]).await;
    refused("blank.csv", two_rows().replace(",2.5,2.5,", ",2.5,,"), Some(3), &["blank"]).await;
    refused("blanks.csv", two_rows().replacen(",Usage,", ",  ,", 1), Some(2), &["blank"]).await;
    refused("word.csv", two_rows().replace(",2.5,2.5,", ",2.5,n/a,"), Some(3), &["n/a", "expected"]).await;
    refused("comma.csv", two_rows().replace(",2.5,2.5,", ",2.5,\"1,000.5\","), Some(3), &["1,000.5"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_enrollments_or_currencies_in_one_file() {
    let other = two_rows().replace(
        "100,09/01/2023,1caaa5a3-2b66-438e-8ab4-bce37d518c5d,09/03",
        "101,09/01/2023,1caaa5a3-2b66-438e-8ab4-bce37d518c5d,09/03",
    );
    refused("two.csv", other, Some(3), &["100", "101", "one enrollment"]).await;
    let text = two_rows();
    let last = text.rfind("USD").unwrap();
    refused("money.csv", format!("{}EUR{}", &text[..last], &text[last + 3..]), Some(3), &["EUR", "USD"]).await;
    refused("euro.csv", two_rows().replace("USD", "EUR"), None, &["billed in USD"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_and_a_header_without_options() {
    refused("empty.csv", "", None, &["empty", "header"]).await;
    refused("bom.csv", "\u{FEFF}", None, &["empty"]).await;
    refused(EA_NO_ROWS.name, EA_NO_ROWS.bytes, None, &["--enrollment"]).await;
    let bench = Bench::new().await;
    let mut options = ImportOptions { paths: vec![bench.file("h.csv", EA_NO_ROWS.bytes)], ..Default::default() };
    assert!(bench.import(options.clone()).await.unwrap_err().to_string().contains("--dataset"));
    options.fill.dataset = Some(ledger::Dataset::ActualCost);
    options.fill.enrollment = Some("100".to_owned().try_into().unwrap());
    assert!(bench.import(options).await.unwrap_err().to_string().contains("--period"));
    assert_eq!(bench.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dataset_is_asked_for_and_never_contradicted() {
    let bench = Bench::new().await;
    let silent = ImportOptions { paths: vec![bench.file("s.csv", two_rows())], ..Default::default() };
    assert!(bench.import(silent).await.unwrap_err().to_string().contains("--dataset"));
    let mut wrong = actual(bench.file("a.csv", EA_ACTUAL.bytes));
    wrong.fill.dataset = Some(ledger::Dataset::AmortizedCost);
    assert!(bench.import(wrong).await.unwrap_err().to_string().contains("not AmortizedCost"));
    assert_eq!(bench.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_quote_and_stray_text_are_not_repaired() {
    refused("open.csv", two_rows().replace("/r/2.5", "\"/r/2.5"), Some(3), &["not closed"]).await;
    refused("stray.csv", two_rows().replace("/r/2.5", "\"/r/2.5\"x"), Some(3), &["closing quote"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_go_to_their_file_and_the_period_is_incomplete() {
    let bench = Bench::new().await;
    let rejects = bench.folder.path().join("rejects.csv");
    let text = two_rows().replace(",2.5,2.5,", ",2.5,oops,") + "too,short\n";
    let options = ImportOptions { rejects: Some(rejects.clone()), ..actual(bench.file("r.csv", text)) };
    let outcome = bench.import(options).await.unwrap();
    assert_eq!((outcome.rejected, outcome.imported[0].rows), (2, 1));
    let rows = crate::support::cells(&std::fs::read(rejects).unwrap());
    assert_eq!(rows[0], ["File", "Line", "Column", "Reason", "Row"]);
    assert_eq!((rows[1][1].as_str(), rows[1][2].as_str()), ("3", "CostInBillingCurrency"));
    assert!(rows[1][4].contains("oops") && rows[2][3].contains("too short"));
    let held = bench.store.catalog().held_at(bench.version().await).await.unwrap();
    assert!(held.iter().all(|holding| holding.incomplete));
    let all_bad = two_rows().replace(",1.5,1.5,", ",1.5,x,").replace(",2.5,2.5,", ",2.5,x,");
    let options =
        ImportOptions { rejects: Some(bench.folder.path().join("r2.csv")), ..actual(bench.file("bad.csv", all_bad)) };
    assert!(bench.import(options).await.unwrap_err().to_string().contains("every row"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rejects_file_never_overwrites_anything_else() {
    let bench = Bench::new().await;
    let text = two_rows().replace(",2.5,2.5,", ",2.5,oops,");
    let path = bench.file("mine.csv", &text);
    let options = ImportOptions { rejects: Some(path.clone()), ..actual(path.clone()) };
    assert!(bench.import(options.clone()).await.unwrap_err().to_string().contains("new file"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let fresh = bench.folder.path().join("rejects.csv");
    let dry = ImportOptions { rejects: Some(fresh.clone()), dry_run: true, ..options };
    assert_eq!(bench.import(dry.clone()).await.unwrap().rejected, 1);
    assert!(!fresh.exists());
    for _ in 0..2 {
        bench.import(ImportOptions { dry_run: false, ..dry.clone() }).await.unwrap();
        assert!(std::fs::read_to_string(&fresh).unwrap().contains("oops"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing() {
    let bench = Bench::new().await;
    let options = ImportOptions { dry_run: true, ..actual(bench.file("d.csv", two_rows())) };
    let outcome = bench.import(options).await.unwrap();
    assert_eq!((outcome.imported[0].rows, outcome.imported[0].total.as_str()), (2, "4.0"));
    assert_eq!(outcome.imported[0].revision, None);
    assert_eq!(bench.version().await, 0);
    assert!(bench.store.catalog().enrollments().await.unwrap().is_empty());
}
