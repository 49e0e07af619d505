//! What goes in comes back: text and numbers digit for digit, dates and booleans by value.

use formats::Layout;
use lazurite_imports::{ImportOptions, verify};
use ledger::Dataset;
use samples::bundled::{EA_ACTUAL, EA_AMORTIZED, EA_NO_ROWS, NISE_SUBSCRIPTION};

use crate::support::{Bench, Question, SEPTEMBER, actual, archive, cells, gzip, stored};

const EA: Question<'static> = Question { enrollment: "8611537", layout: Layout::EaPortalC360, ..SEPTEMBER };

/// Rows as a multiset, with dates and booleans in one spelling.
fn normalised(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let header = &rows[0];
    let mut normal: Vec<Vec<String>> = rows[1..]
        .iter()
        .map(|row| {
            row.iter()
                .zip(header)
                .map(|(cell, name)| {
                    if name.ends_with("Date") && !cell.is_empty() {
                        calendar::Date::parse_any(cell.as_bytes()).unwrap().to_string()
                    } else if name == "IsAzureCreditEligible" {
                        cell.to_ascii_lowercase()
                    } else {
                        cell.clone()
                    }
                })
                .collect()
        })
        .collect();
    normal.sort();
    normal
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_exports_come_back_cell_by_cell_with_their_exact_totals() {
    let bench = Bench::new().await;
    for (sample, dataset) in [(EA_ACTUAL, Dataset::ActualCost), (EA_AMORTIZED, Dataset::AmortizedCost)] {
        let outcome = bench.import_bytes(sample.name, sample.bytes).await.unwrap();
        assert_eq!(outcome.imported.len(), 1);
        let period = &outcome.imported[0];
        assert_eq!((period.dataset, period.period.as_str(), period.rows), (dataset, "202309", sample.rows));
        assert_eq!(period.total, sample.total);
        let question = Question { dataset, ..EA };
        let (source, served) = (cells(sample.bytes), bench.rows(&question).await);
        assert_eq!(served[0], source[0]);
        assert_eq!(normalised(&served), normalised(&source));
    }
    let report = verify(&bench.store, &|_, _| {}).await.unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert_eq!((report.checked.files, report.checked.rows, report.checked.sources), (2, 39, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_comes_back_however_it_is_packed() {
    let text = EA_ACTUAL.bytes;
    // Archives that are written into a pipe tell lengths and checksums behind the data.
    let mut streamed = zip::ZipWriter::new_stream(Vec::new());
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    streamed.start_file("e.csv", options).unwrap();
    std::io::Write::write_all(&mut streamed, text).unwrap();
    let passed_over = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    let frames = [zstd::encode_all(&text[..1000], 1).unwrap(), zstd::encode_all(&text[1000..], 19).unwrap()].concat();
    for (name, bytes) in [
        ("e.csv.gz", gzip(text)),
        ("e.csv.zst", frames),
        ("e.csv.zip", archive(&[("__MACOSX/._e.csv", b"x"), ("e.csv", text)])),
        ("stored.csv.zip", stored("folder/export.csv", text)),
        ("streamed.csv.zip", streamed.finish().unwrap().into_inner()),
        ("threads.csv.zst", [&passed_over, zstd::encode_all(text, 1).unwrap().as_slice()].concat()),
        // What is in a file counts, not its name.
        ("named-wrongly.csv", gzip(text)),
    ] {
        let bench = Bench::new().await;
        let folder = bench.file(&format!("exports/{name}"), bytes).parent().unwrap().to_owned();
        let outcome = bench.import(ImportOptions { paths: vec![folder], ..Default::default() }).await.unwrap();
        assert_eq!(outcome.imported[0].total, EA_ACTUAL.total, "{name}");
        assert_eq!(normalised(&bench.rows(&EA).await), normalised(&cells(text)), "{name}");
        // The same text packed otherwise is the same.
        let plain = bench.import_bytes(EA_ACTUAL.name, text).await.unwrap();
        assert!(plain.imported[0].unchanged, "{name}");
        let report = verify(&bench.store, &|_, _| {}).await.unwrap();
        assert!(report.is_ok(), "{name}: {report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_with_names_in_another_language_comes_back_cell_by_cell() {
    let bench = Bench::new().await;
    let source = cells(EA_ACTUAL.bytes);
    let local: Vec<String> = source[0].iter().map(|name| format!("Übersetzt ({name})")).collect();
    let rest = EA_ACTUAL.bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let text = [local.join(",").as_bytes(), &EA_ACTUAL.bytes[rest..]].concat();
    let outcome = bench.import_bytes("local.csv", text).await.unwrap();
    assert_eq!(outcome.imported[0].total, EA_ACTUAL.total);
    let served = bench.rows(&EA).await;
    assert_eq!(served[0], source[0]);
    assert_eq!(normalised(&served), normalised(&source));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_files_of_one_command_are_one_revision() {
    let bench = Bench::new().await;
    let paths = [EA_ACTUAL, EA_AMORTIZED].map(|sample| bench.file(sample.name, sample.bytes)).to_vec();
    let outcome = bench.import(ImportOptions { paths, ..Default::default() }).await.unwrap();
    let revisions: Vec<_> = outcome.imported.iter().map(|period| period.revision.clone()).collect();
    assert_eq!(revisions, [Some("1".to_owned()), Some("1".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_only_export_with_its_options_empties_the_period() {
    let bench = Bench::new().await;
    bench.import_bytes(EA_ACTUAL.name, EA_ACTUAL.bytes).await.unwrap();
    let mut options = actual(bench.file(EA_NO_ROWS.name, EA_NO_ROWS.bytes));
    options.fill.enrollment = Some("8611537".to_owned().try_into().unwrap());
    options.fill.period = Some("202309".parse().unwrap());
    let outcome = bench.import(options).await.unwrap();
    assert_eq!((outcome.imported[0].rows, outcome.imported[0].total.as_str()), (0, "0"));
    assert_eq!(bench.rows(&EA).await.len(), 1);
    assert_eq!(bench.rows(&Question { version: Some(1), ..EA }).await.len(), 12);
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_party_file_comes_back_with_its_unknown_columns() {
    let bench = Bench::new().await;
    let options = actual(bench.file(NISE_SUBSCRIPTION.name, NISE_SUBSCRIPTION.bytes));
    let outcome = bench.import(options).await.unwrap();
    assert_eq!((outcome.imported[0].rows, outcome.imported[0].total.as_str()), (90, NISE_SUBSCRIPTION.total));
    let unknown = ["ProductId", "publisherId", "Location"];
    let question = Question { enrollment: "51145392", period: "202506", unknown_columns: &unknown, ..SEPTEMBER };
    let (source, served) = (cells(NISE_SUBSCRIPTION.bytes), bench.rows(&question).await);
    // The file's columns under the names and in the order of the answer.
    let renamed = |name: &str| match name {
        "ResourceGroupName" => "ResourceGroup".to_owned(),
        "BillingCurrency" => "BillingCurrencyCode".to_owned(),
        name => name.to_owned(),
    };
    let positions: Vec<usize> = source[0]
        .iter()
        .enumerate()
        .filter(|(_, name)| served[0].contains(&renamed(name)))
        .map(|(index, _)| index)
        .collect();
    assert!(positions.len() > 50);
    let picked: Vec<Vec<String>> = source
        .iter()
        .enumerate()
        .map(|(row, cells)| {
            positions
                .iter()
                .map(|index| if row == 0 { renamed(&cells[*index]) } else { cells[*index].clone() })
                .collect()
        })
        .collect();
    let order: Vec<usize> =
        picked[0].iter().map(|name| served[0].iter().position(|other| other == name).unwrap()).collect();
    let reordered: Vec<Vec<String>> =
        served.iter().map(|cells| order.iter().map(|index| cells[*index].clone()).collect()).collect();
    assert_eq!(normalised(&reordered), normalised(&picked));
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_spellings_come_back_digit_for_digit() {
    let bench = Bench::new().await;
    let costs = [
        "1.1352413E-7",
        "24.000000000000000",
        "123456789012345678.0000000000000000000000000001",
        "-0.5",
        "+7",
        "007",
        ".25",
        "3.",
        "-0",
        "0.0000000072922557592391990000",
        "99999999999.99",
    ];
    let rows: Vec<_> = costs.iter().map(|cost| (crate::support::A, "09/02/2023", *cost)).collect();
    // The price column refuses what only a cost may have: keep it blank.
    let text = crate::support::export(&rows).replace("EffectivePrice,", "Ignored,");
    bench.import(actual(bench.file("spellings.csv", text))).await.unwrap();
    let mut expected: Vec<String> = costs.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(bench.column(&SEPTEMBER, "CostInBillingCurrency").await, expected);
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_quotes_newlines_bom_crlf_and_gzip_make_no_difference() {
    use std::io::Write;
    let bench = Bench::new().await;
    let text = "\u{FEFF}BillingAccountId,SubscriptionId,Date,MeterId,Quantity,Cost,Currency,ChargeType,PricingModel,Tags\r\n\
                100,s,2023-09-05,m,1,2.50,usd,Usage,OnDemand,\"{\"\"a\"\": \"\"x,\ny\"\"}\"\r\n\
                100,s,2023-09-06T00:00:00Z,m,1,0.10,USD,Usage,OnDemand,\"\"\"b\"\": \"\"c\"\"\"\r\n";
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    let zipped = bench.file("a.csv.gz", encoder.finish().unwrap());
    let first = bench.import(actual(zipped)).await.unwrap();
    assert_eq!(first.imported[0].total, "2.60");
    let again = bench.import(actual(bench.file("plain.csv", text))).await.unwrap();
    assert!(again.imported[0].unchanged, "the same text is the same content, however it is stored");
    assert_eq!(bench.column(&SEPTEMBER, "Tags").await, ["\"b\": \"c\"", "{\"a\": \"x,\ny\"}"]);
    assert_eq!(bench.column(&SEPTEMBER, "Date").await, ["09/05/2023", "09/06/2023"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_lacks_facts_is_filled_by_options() {
    let bench = Bench::new().await;
    let text = "SubscriptionGuid,UsageDateTime,MeterId,UsageQuantity,ResourceRate,PreTaxCost,ResourceType\n\
                s,09/05/2023,m,2,1.25,2.5,Microsoft.Compute/virtualMachines\n";
    let path = bench.file("old.csv", text);
    let mut options = actual(path);
    assert!(bench.import(options.clone()).await.unwrap_err().to_string().contains("--enrollment"));
    options.fill.enrollment = Some("100".to_owned().try_into().unwrap());
    assert!(bench.import(options.clone()).await.unwrap_err().to_string().contains("--currency"));
    options.fill.currency = Some("EUR".parse().unwrap());
    bench.import(options).await.unwrap();
    let old = Question { layout: Layout::Ea20191001, ..SEPTEMBER };
    assert_eq!(bench.column(&old, "ResourceType").await, ["Microsoft.Compute/virtualMachines"]);
    assert_eq!(bench.column(&old, "PreTaxCost").await, ["2.5"]);
    for (column, value) in
        [("BillingAccountId", "100"), ("BillingCurrencyCode", "EUR"), ("BillingPeriodEndDate", "09/30/2023")]
    {
        assert_eq!(bench.column(&SEPTEMBER, column).await, [value]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_batches_are_sorted_merged_and_complete() {
    use samples::generator::{GeneratorOptions, write};
    let bench = Bench::new().await;
    let options = GeneratorOptions { rows: 80_000, ..GeneratorOptions::default() };
    let mut text = Vec::new();
    let summary = write(&options, 0, &mut text).unwrap();
    let outcome = bench.import(actual(bench.file("big.csv", &text))).await.unwrap();
    assert_eq!(outcome.imported[0].rows, 80_000);
    let question = Question { enrollment: "8611001", period: "202501", ..SEPTEMBER };
    let (source, served) = (cells(&text), bench.rows(&question).await);
    let department = served[0].iter().position(|name| name == "InvoiceSectionId").unwrap();
    let subscription = served[0].iter().position(|name| name == "SubscriptionId").unwrap();
    let stretches = |index: usize| {
        let mut seen: Vec<&str> = Vec::new();
        for row in &served[1..] {
            if seen.last() != Some(&row[index].as_str()) {
                seen.push(&row[index]);
            }
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        (count, seen.len())
    };
    for index in [department, subscription] {
        let (stretches, distinct) = stretches(index);
        assert_eq!(stretches, distinct, "every scope is one stretch");
    }
    assert_eq!(normalised(&served), normalised(&source));
    let total: money::Decimal = money::Decimal::parse(summary.total.as_bytes(), money::Limits::COST).unwrap().value;
    let imported = money::Decimal::parse(outcome.imported[0].total.as_bytes(), money::Limits::COST).unwrap().value;
    assert_eq!(imported, total);
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}
