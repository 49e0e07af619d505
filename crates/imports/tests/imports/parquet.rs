//! Cost exports as Parquet: what comes as CSV comes back the same.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, RecordBatch, StringArray};
use formats::Layout;
use lazurite_imports::{ImportOptions, verify};
use ledger::Dataset;
use money::{Decimal, Limits};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use samples::bundled::{EA_ACTUAL, EA_AMORTIZED};

use crate::support::{Bench, Question, SEPTEMBER, actual, archive, cells, gzip};

const EA: Question<'static> = Question { enrollment: "8611537", layout: Layout::EaPortalC360, ..SEPTEMBER };

/// How the columns of a file are typed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Types {
    /// All are texts, blank ones null.
    Texts,
    /// Days, decimals and truth values have types of their own.
    Own,
}

/// The rows of a CSV file, header first, as Parquet.
pub(crate) fn parquet(rows: &[Vec<String>], types: Types, compression: Compression) -> Vec<u8> {
    let columns = rows[0].iter().enumerate().map(|(index, name)| {
        let values = rows[1..].iter().map(|row| Some(row[index].as_str()).filter(|cell| !cell.is_empty()));
        (name.as_str(), array(name, types, values), true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    write(&batch, compression)
}

fn write(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(10));
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

/// Fraction digits of a number's column: those of costs are more.
fn scale_of(name: &str) -> Option<i8> {
    match name {
        "Cost" | "CostInBillingCurrency" => Some(28),
        "Quantity" | "EffectivePrice" | "UnitPrice" | "PayGPrice" => Some(18),
        _ => None,
    }
}

fn array<'v>(name: &str, types: Types, values: impl Iterator<Item = Option<&'v str>>) -> ArrayRef {
    if types == Types::Own && name.ends_with("Date") {
        let days = values.map(|cell| cell.map(|cell| calendar::Date::parse_any(cell.as_bytes()).unwrap().days()));
        return Arc::new(Date32Array::from_iter(days));
    }
    if types == Types::Own && name == "IsAzureCreditEligible" {
        return Arc::new(BooleanArray::from_iter(values.map(|cell| cell.map(|cell| cell == "True"))));
    }
    if let (Types::Own, Some(scale)) = (types, scale_of(name)) {
        let mantissa = |cell: &str| decimal(cell).rescaled_i128(scale.unsigned_abs()).unwrap();
        let array = Decimal128Array::from_iter(values.map(|cell| cell.map(mantissa)));
        return Arc::new(array.with_precision_and_scale(38, scale).unwrap());
    }
    Arc::new(StringArray::from_iter(values))
}

fn decimal(cell: &str) -> Decimal {
    Decimal::parse(cell.as_bytes(), Limits::COST).unwrap().value
}

/// Rows as a multiset; days and truth values in one spelling, numbers as the shortest one if `shortest`.
fn normalised(rows: &[Vec<String>], shortest: bool) -> Vec<Vec<String>> {
    let cell = |(name, cell): (&String, &String)| {
        if name.ends_with("Date") && !cell.is_empty() {
            calendar::Date::parse_any(cell.as_bytes()).unwrap().to_string()
        } else if name == "IsAzureCreditEligible" {
            cell.to_ascii_lowercase()
        } else if shortest && scale_of(name).is_some() && !cell.is_empty() {
            decimal(cell).to_shortest_string()
        } else {
            cell.clone()
        }
    };
    let mut normal: Vec<Vec<String>> =
        rows[1..].iter().map(|row| rows[0].iter().zip(row).map(cell).collect()).collect();
    normal.sort();
    normal
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_exports_come_back_cell_by_cell_from_parquet() {
    let packed = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for (number, compression) in packed.into_iter().enumerate() {
        for types in [Types::Texts, Types::Own] {
            let bench = Bench::new().await;
            for (sample, dataset) in [(EA_ACTUAL, Dataset::ActualCost), (EA_AMORTIZED, Dataset::AmortizedCost)] {
                let rows = cells(sample.bytes);
                let bytes = parquet(&rows, types, compression);
                let name = format!("{dataset}-{number}.snappy.parquet");
                let folder = bench.file(&format!("{dataset}/{name}"), &bytes).parent().unwrap().to_owned();
                let options = ImportOptions { paths: vec![folder], ..Default::default() };
                let outcome = bench.import(options.clone()).await.unwrap();
                let period = &outcome.imported[0];
                assert_eq!((period.dataset, period.period.as_str(), period.rows), (dataset, "202309", sample.rows));
                assert_eq!(decimal(&period.total), decimal(sample.total));
                let served = bench.rows(&Question { dataset, ..EA }).await;
                let shortest = types == Types::Own;
                assert_eq!(normalised(&served, shortest), normalised(&rows, shortest), "{compression}");
                if shortest {
                    // A type says no zeros at the end.
                    assert_eq!(normalised(&served, false), normalised(&rows, true));
                }
                assert!(bench.import(options).await.unwrap().imported[0].unchanged);
                assert_eq!(kept(&bench, &bytes), 1, "the file is kept as it came");
            }
            let report = verify(&bench.store, &|_, _| {}).await.unwrap();
            assert!(report.is_ok(), "{report:?}");
        }
    }
}

/// How many kept sources have these bytes.
fn kept(bench: &Bench, bytes: &[u8]) -> usize {
    let text = |path: &Path| {
        let mut text = Vec::new();
        zstd::Decoder::new(std::fs::File::open(path).unwrap()).unwrap().read_to_end(&mut text).unwrap();
        text
    };
    let sources = std::fs::read_dir(bench.folder.path().join("data/sources")).unwrap();
    sources.filter(|source| text(&source.as_ref().unwrap().path()) == bytes).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_parquet_file_is_the_file_in_it() {
    let bytes = parquet(&cells(EA_ACTUAL.bytes), Types::Texts, Compression::SNAPPY);
    let bench = Bench::new().await;
    bench.import_bytes("e.parquet", &bytes).await.unwrap();
    for (name, packed) in [("e.parquet.gz", gzip(&bytes)), ("e.zip", archive(&[("e.parquet", &bytes)]))] {
        assert!(bench.import_bytes(name, packed).await.unwrap().imported[0].unchanged, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_run_of_parquet_parts_comes_in_as_its_manifest_says() {
    let rows = cells(EA_ACTUAL.bytes);
    let (first, second) = rows[1..].split_at(4);
    let part = |part: &[Vec<String>]| {
        let rows: Vec<Vec<String>> = rows[..1].iter().chain(part).cloned().collect();
        parquet(&rows, Types::Own, Compression::SNAPPY)
    };
    let parts = [part(first), part(second)];
    let manifest = |rows: [usize; 2]| {
        let blobs = parts.iter().zip(rows).enumerate().map(|(number, (part, rows))| {
            serde_json::json!({
                "blobName": format!("exports/{number}.snappy.parquet"), "byteCount": part.len(), "dataRowCount": rows,
            })
        });
        serde_json::json!({
            "manifestVersion": "2024-04-01", "blobCount": 2, "dataRowCount": rows.iter().sum::<usize>(),
            "deliveryConfig": { "dataFormat": "Parquet", "compressionMode": "Snappy" }, "blobs": blobs.collect::<Vec<_>>(),
        })
        .to_string()
    };
    let bench = Bench::new().await;
    let run = "e/20230901-20230930/202310010000/g";
    for (number, part) in parts.iter().enumerate() {
        bench.file(&format!("{run}/{number}.snappy.parquet"), part);
    }
    let import = || bench.import(ImportOptions { paths: vec![bench.folder.path().join("e")], ..Default::default() });
    bench.file(&format!("{run}/manifest.json"), manifest([4, 8]));
    let error = import().await.unwrap_err().to_string();
    assert!(error.contains("1.snappy.parquet has 7 rows, the manifest says 8"), "{error}");
    bench.file(&format!("{run}/manifest.json"), manifest([4, 7]));
    let outcome = import().await.unwrap();
    assert_eq!((outcome.imported.len(), outcome.imported[0].rows), (1, 11));
    assert_eq!(decimal(&outcome.imported[0].total), decimal(EA_ACTUAL.total));
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_files_of_enterprise_reporting_are_told_by_their_columns_too() {
    let header =
        "AccountName,ConsumedQuantity,ResourceRate,Cost,Date,SubscriptionGuid,MeterId,Tags,ChargesBilledSeparately";
    let text = format!("{header}\nname,2,1.5,3.0,2023-09-04,s,m,\"{{\"\"a\"\":1}}\",false\n");
    let bytes = parquet(&cells(text.as_bytes()), Types::Texts, Compression::SNAPPY);
    let bench = Bench::new().await;
    let mut options = ImportOptions { paths: vec![bench.file("e.parquet", bytes)], ..Default::default() };
    options.fill.enrollment = Some("100".to_owned().try_into().unwrap());
    options.fill.currency = Some("USD".parse().unwrap());
    let outcome = bench.import(options).await.unwrap();
    assert_eq!((outcome.imported[0].dataset, outcome.imported[0].total.as_str()), (Dataset::ActualCost, "3.0"));
    assert_eq!(bench.column(&SEPTEMBER, "IsAzureCreditEligible").await, ["True"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_understood_go_to_the_rejects_with_their_number() {
    let mut rows = cells(EA_ACTUAL.bytes);
    let cost = rows[0].iter().position(|name| name == "Cost").unwrap();
    rows[3][cost] = "much".to_owned();
    let bench = Bench::new().await;
    let mut options = actual(bench.file("e.parquet", parquet(&rows, Types::Texts, Compression::SNAPPY)));
    let error = bench.import(options.clone()).await.unwrap_err();
    assert!(error.to_string().contains("e.parquet, row 3, column Cost: \"much\""), "{error}");
    let rejects = bench.folder.path().join("rejects.csv");
    options.rejects = Some(rejects.clone());
    let outcome = bench.import(options).await.unwrap();
    assert_eq!((outcome.rejected, outcome.imported[0].rows), (1, 10));
    let kept = cells(&std::fs::read(rejects).unwrap());
    assert_eq!((kept.len(), kept[1][1].as_str(), kept[1][2].as_str()), (2, "3", "Cost"));
    assert_eq!(cells(kept[1][4].as_bytes())[0], rows[3]);
}

/// What must be refused with these words, and leave nothing behind.
async fn refused(bytes: &[u8], words: &[&str]) {
    let bench = Bench::new().await;
    let error = bench.import_bytes("e.parquet", bytes).await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    for word in words.iter().chain(&["e.parquet"]) {
        assert!(error.to_string().contains(word), "{word:?} in {error}");
    }
    assert_eq!(bench.version().await, 0);
    for folder in ["staging", "sources"] {
        let left = std::fs::read_dir(bench.folder.path().join("data").join(folder));
        assert!(left.map_or(0, Iterator::count) == 0, "{folder}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_and_inexact_files_are_refused_and_change_nothing() {
    let rows = cells(EA_ACTUAL.bytes);
    let whole = parquet(&rows, Types::Own, Compression::SNAPPY);
    refused(&whole[..whole.len() / 2], &["truncated"]).await;
    refused(b"PAR1PAR1", &["truncated or damaged"]).await;
    let mut pages = whole.clone();
    pages[4..400].fill(0xFF);
    refused(&pages, &["damaged"]).await;
    let names: BTreeMap<&str, usize> = rows[0].iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
    let columns = rows[0].iter().map(|name| {
        let cell = |row: &Vec<String>| row[names[name.as_str()]].clone();
        let array: ArrayRef = match name.as_str() {
            "Cost" => Arc::new(Float64Array::from(vec![0.1; rows.len() - 1])),
            _ => Arc::new(StringArray::from_iter_values(rows[1..].iter().map(cell))),
        };
        (name.as_str(), array, true)
    });
    let inexact = write(&RecordBatch::try_from_iter_with_nullable(columns).unwrap(), Compression::SNAPPY);
    refused(&inexact, &["column Cost", "Float64", "no exact decimal digits", "DECIMAL or text"]).await;
    let mut other = rows.clone();
    other[0][names["Cost"]] = "Something".to_owned();
    refused(&parquet(&other, Types::Texts, Compression::SNAPPY), &["CostInBillingCurrency is missing", "pretaxcost"])
        .await;
    let prices = [["UnitPrice", "UnitOfMeasure", "PartNumber"], ["0.5", "1 Hour", "AAA-1"]]
        .map(|row| row.map(str::to_owned).to_vec());
    refused(&parquet(&prices, Types::Texts, Compression::SNAPPY), &["price sheet", "CSV and JSON alone"]).await;
}
