//! What the tests share: a store in a temporary folder, small exports, and reading rows back.

use std::io::Write;
use std::path::PathBuf;

use formats::{CsvEncoder, Layout, RecordReader};
use lazurite_imports::{ImportError, ImportOptions, ImportOutcome, NoProgress, Store, import};
use ledger::{ChargeFilter, ChargeQuery, Dataset, EnrollmentId, Generation, RunTime, Scope, Share, Visibility, Window};

pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("data")).await.unwrap();
        Self { folder, store }
    }

    /// Writes a file beside the store.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) async fn import(&self, options: ImportOptions) -> Result<ImportOutcome, ImportError> {
        import(&self.store, &options, &NoProgress).await
    }

    /// Imports bytes as one file with nothing but defaults.
    pub(crate) async fn import_bytes(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<ImportOutcome, ImportError> {
        let path = self.file(name, bytes);
        self.import(ImportOptions { paths: vec![path], ..Default::default() }).await
    }

    pub(crate) async fn version(&self) -> u64 {
        self.store.lake().newest_version().await.unwrap()
    }

    /// The rows of a question as CSV cells, header first.
    pub(crate) async fn rows(&self, question: &Question<'_>) -> Vec<Vec<String>> {
        let snapshot = match question.version {
            Some(version) => self.store.lake().snapshot_at(version).await.unwrap(),
            None => self.store.lake().snapshot().await.unwrap(),
        };
        let encoder =
            CsvEncoder::new(question.layout, question.unknown_columns.iter().map(ToString::to_string).collect());
        let enrollment = EnrollmentId::parse(question.enrollment).unwrap();
        let scope = match question.scope {
            Some(scope) => Scope::parse(scope).unwrap(),
            None => Scope::BillingAccount(enrollment.clone()),
        };
        let selection = self.store.catalog().hierarchy(&enrollment).await.unwrap().select(&scope);
        let selection = selection.unwrap_or_else(|| panic!("{scope} is not known"));
        let query = ChargeQuery {
            shares: vec![Share { enrollment, selection, within: Vec::new() }],
            visibility: Visibility::of(&scope, Generation::CostDetails),
            dataset: question.dataset,
            window: Window::Period(question.period.parse().unwrap()),
            filter: ChargeFilter::default(),
        };
        let mut scan = snapshot.scan(&query, &encoder.columns_read());
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        encoder.header(&mut text);
        while let Some(batch) = scan.next_batch().await.unwrap() {
            encoder.rows(&batch, &mut text, &mut ends).unwrap();
        }
        cells(&text)
    }

    /// One column of all rows, sorted.
    pub(crate) async fn column(&self, question: &Question<'_>, name: &str) -> Vec<String> {
        let rows = self.rows(question).await;
        let index = rows[0].iter().position(|column| column == name).unwrap();
        let mut values: Vec<String> = rows[1..].iter().map(|row| row[index].clone()).collect();
        values.sort();
        values
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) enrollment: &'a str,
    pub(crate) scope: Option<&'a str>,
    pub(crate) dataset: Dataset,
    pub(crate) period: &'a str,
    pub(crate) layout: Layout,
    pub(crate) unknown_columns: &'a [&'a str],
    pub(crate) version: Option<u64>,
}

/// ActualCost of enrollment 100 in September 2023.
pub(crate) const SEPTEMBER: Question<'static> = Question {
    enrollment: "100",
    scope: None,
    dataset: Dataset::ActualCost,
    period: "202309",
    layout: Layout::Ea20240801,
    unknown_columns: &[],
    version: None,
};

pub(crate) fn cells(text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = RecordReader::new(text);
    let mut rows = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        rows.push(
            (0..record.len()).map(|index| String::from_utf8(record.bytes(index).into_owned()).unwrap()).collect(),
        );
    }
    rows
}

pub(crate) const A: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
pub(crate) const B: &str = "ed570627-0265-4620-bb42-bae06bcfa914";

const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,\
                      CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel,Tags,ResourceId\n";

/// A small export of enrollment 100: rows of (subscription, date, cost).
pub(crate) fn export(rows: &[(&str, &str, &str)]) -> String {
    let mut text = HEADER.to_owned();
    for (subscription, date, cost) in rows {
        let month = &date[..2];
        text.push_str(&format!(
            "100,{month}/01/2023,{subscription},{date},m,1,{cost},{cost},USD,Usage,OnDemand,,/r/{cost}\n"
        ));
    }
    text
}

pub(crate) fn actual(path: PathBuf) -> ImportOptions {
    let mut options = ImportOptions { paths: vec![path], ..Default::default() };
    options.fill.dataset = Some(Dataset::ActualCost);
    options
}

pub(crate) fn scoped(path: PathBuf, subscription: &str) -> ImportOptions {
    let mut options = actual(path);
    options.fill.scope = Some(Scope::parse(&format!("subscriptions/{subscription}")).unwrap());
    options
}

pub(crate) fn taken(options: ImportOptions, at: i64) -> ImportOptions {
    ImportOptions { taken_at: Some(RunTime(at)), ..options }
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A zip archive of these files.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A zip archive of one file that is not packed.
pub(crate) fn stored(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file(name, options).unwrap();
    archive.write_all(bytes).unwrap();
    archive.finish().unwrap().into_inner()
}
