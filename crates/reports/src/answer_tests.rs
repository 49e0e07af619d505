//! One answer, one text: whatever the number of threads, with and without segments, plain and packed.

use std::io::Read;
use std::num::NonZeroUsize;

use access::{Caller, permit};
use calendar::DateRange;
use formats::Layout;
use futures::TryStreamExt;
use imports::{ImportOptions, NoProgress, Store, import};
use ledger::{ChargeFilter, Dataset, EnrollmentId, Generation, Scope, Window};
use samples::generator::{Entropy, GeneratorOptions};

use crate::blob::BlobContent;
use crate::codec::Codec;
use crate::question::{AsOf, Question, ReportForm, ReportKind};
use crate::segment::SEGMENTS;
use crate::segments::SegmentSettings;
use crate::service::{ReportSettings, Reports, now_ms};
use crate::worker::run;
use crate::writer::StoredBlob;

/// Two whole row groups and a part of a third.
const ROWS: u64 = 70_000;

struct Bench {
    folder: tempfile::TempDir,
    store: Store,
    source: Vec<u8>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = GeneratorOptions { rows: ROWS, entropy: Entropy::High, ..GeneratorOptions::default() };
        let mut source = Vec::new();
        samples::generator::write(&options, 0, &mut source).unwrap();
        let file = folder.path().join("export.csv");
        std::fs::write(&file, &source).unwrap();
        let store = Store::open(&folder.path().join("data")).await.unwrap();
        let fill = formats::FillIns { dataset: Some(Dataset::ActualCost), ..Default::default() };
        let options = ImportOptions { paths: vec![file], fill, ..Default::default() };
        import(&store, &options, &NoProgress).await.unwrap();
        Self { folder, store, source }
    }

    async fn reports(&self, threads: usize, segments: Option<SegmentSettings>) -> Reports {
        let threads = NonZeroUsize::new(threads).unwrap();
        let settings = ReportSettings { threads, segments, ..ReportSettings::default() };
        Reports::open(self.store.catalog().clone(), self.store.lake().clone(), settings).await.unwrap()
    }

    async fn with_blobs_of(&self, blob_bytes_max: u64) -> Reports {
        let settings = ReportSettings { blob_bytes_max, ..ReportSettings::default() };
        Reports::open(self.store.catalog().clone(), self.store.lake().clone(), settings).await.unwrap()
    }

    /// The blobs of a report, written by a worker.
    async fn blobs(&self, reports: &Reports, question: Question) -> Vec<StoredBlob> {
        let id = reports.create(question).await.unwrap();
        let job = self.store.catalog().claim_job("w", now_ms(), i64::MAX).await.unwrap().unwrap();
        run(reports, "w", job).await;
        let job = self.store.catalog().job(&id).await.unwrap().unwrap();
        serde_json::from_str(&job.result.unwrap()).unwrap()
    }

    async fn question(&self, scope: &str, window: Window) -> Question {
        let caller = Caller::of_folder([EnrollmentId::parse("8611001").unwrap()]);
        let permit = permit(self.store.catalog(), &caller, &Scope::parse(scope).unwrap()).await.unwrap();
        Question {
            kind: ReportKind::CostDetails,
            generation: Generation::CostDetails,
            filter: ChargeFilter::default(),
            permit,
            dataset: Dataset::ActualCost,
            window,
            form: ReportForm::CostDetails { layout: Layout::Ea20240801, unknown_columns: false },
            as_of: AsOf::Now,
            api_version: String::new(),
            request_scope: String::new(),
            request_body: String::new(),
        }
    }

    fn segments(&self) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("data").join(SEGMENTS)).into_iter().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }
}

async fn written(reports: &Reports, question: &Question, codec: Codec) -> Vec<u8> {
    reports.direct(question).await.unwrap().write_to(codec, Vec::new()).await.unwrap().1
}

fn unpacked(codec: Codec, bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match codec {
        Codec::Plain => text.extend_from_slice(bytes),
        Codec::Zstd => text = zstd::stream::decode_all(bytes).unwrap(),
        Codec::Gzip => _ = flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap(),
    }
    text
}

fn sorted_lines(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_writing_an_answer_gives_the_same_text() {
    let bench = Bench::new().await;
    let period = Window::Period("202501".parse().unwrap());
    let days = Window::Dates("2025-01-03..2025-01-04".parse::<DateRange>().unwrap());
    let account = "providers/Microsoft.Billing/billingAccounts/8611001";
    for (scope, window, is_whole) in [
        (account.to_owned(), period, true),
        (format!("{account}/departments/40002"), period, false),
        (account.to_owned(), days, false),
    ] {
        let question = bench.question(&scope, window).await;
        let pieces = bench.reports(1, None).await.direct(&question).await.unwrap().pieces();
        let expected = pieces.try_collect::<Vec<_>>().await.unwrap().concat();
        if is_whole {
            assert_eq!(
                sorted_lines(&expected),
                sorted_lines(&bench.source),
                "nothing is lost, and every digit is there"
            );
        }
        let (codecs, threads): (&[Codec], &[usize]) = match is_whole {
            true => (&[Codec::Plain, Codec::Zstd, Codec::Gzip], &[1, 2, 4]),
            false => (&[Codec::Plain, Codec::Zstd], &[4]),
        };
        for codec in codecs.iter().copied() {
            let packed = written(&bench.reports(1, None).await, &question, codec).await;
            assert!(unpacked(codec, &packed) == expected, "{scope} {codec}: another text");
            for threads in threads.iter().copied() {
                assert!(written(&bench.reports(threads, None).await, &question, codec).await == packed, "{threads}");
                // The first of these makes the segments, the others use them.
                let reports = bench.reports(threads, Some(SegmentSettings::default())).await;
                assert!(written(&reports, &question, codec).await == packed, "{scope} {codec} {threads}");
            }
        }
    }
    assert_eq!(bench.segments().len(), 2, "one of zstd frames, for plain text too, and one of gzip members");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_segment_is_not_used_and_too_many_go() {
    let bench = Bench::new().await;
    let question = bench
        .question("providers/Microsoft.Billing/billingAccounts/8611001", Window::Period("202501".parse().unwrap()));
    let question = question.await;
    let expected = written(&bench.reports(2, None).await, &question, Codec::Plain).await;
    let reports = bench.reports(2, Some(SegmentSettings::default())).await;
    written(&reports, &question, Codec::Plain).await;
    let path = bench.segments().pop().unwrap();
    let whole = std::fs::read(&path).unwrap();
    for damage in [0, whole.len() / 2, whole.len() - 100, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[damage] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(written(&reports, &question, Codec::Plain).await == expected, "byte {damage}");
    }
    for length in [0, 10, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(written(&reports, &question, Codec::Plain).await == expected, "cut to {length}");
    }
    let mut other = question.clone();
    other.form = ReportForm::CostDetails { layout: Layout::Ea20191001, unknown_columns: false };
    let of_other = written(&reports, &other, Codec::Plain).await;
    assert!(of_other != expected);
    assert!(written(&reports, &question, Codec::Plain).await == expected);
    let foreign = bench.segments().into_iter().find(|segment| *segment != path).unwrap();
    std::fs::copy(&foreign, &path).unwrap();
    assert!(written(&reports, &question, Codec::Plain).await == expected, "the segment of another answer is not used");
    std::fs::remove_file(&foreign).unwrap();
    let small = bench.reports(2, Some(SegmentSettings { bytes_max: 1000 })).await;
    std::fs::remove_file(&path).unwrap();
    assert!(written(&small, &question, Codec::Plain).await == expected);
    assert_eq!(bench.segments().len(), 0, "it is larger than all segments may be");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_in_packed_form_has_the_text_of_the_blob() {
    let bench = Bench::new().await;
    let account = "providers/Microsoft.Billing/billingAccounts/8611001";
    let period = Window::Period("202501".parse().unwrap());
    let whole = bench.question(account, period).await;
    let part = bench.question(&format!("{account}/departments/40002"), period).await;
    // Blobs that end in the middle of frames, and one of everything.
    for blob_bytes_max in [11_000_003, 1 << 30] {
        let reports = bench.with_blobs_of(blob_bytes_max).await;
        let blobs = bench.blobs(&reports, whole.clone()).await;
        assert_eq!(blobs.len() > 3, blob_bytes_max < 1 << 30);
        for stored in &blobs {
            let text = std::fs::read(bench.folder.path().join("data").join(stored.path().as_ref())).unwrap();
            let blob = BlobContent::find(bench.store.lake().root().store(), stored.clone()).await.unwrap().unwrap();
            for codec in [Codec::Zstd, Codec::Gzip] {
                let frames = reports.packed_blob(&blob, codec).await.unwrap().unwrap();
                let packed = frames.try_collect::<Vec<_>>().await.unwrap().concat();
                assert!(packed.len() < text.len() / 4, "{codec}: {} of {} bytes", packed.len(), text.len());
                assert!(unpacked(codec, &packed) == text, "{} {codec}: another text", stored.name);
            }
        }
    }
    let reports = bench.with_blobs_of(1 << 30).await;
    let of = async |stored: &StoredBlob| {
        BlobContent::find(bench.store.lake().root().store(), stored.clone()).await.unwrap().unwrap()
    };
    // There are no finished frames of a part of the rows.
    let blobs = bench.blobs(&reports, part).await;
    assert!(reports.packed_blob(&of(&blobs[0]).await, Codec::Zstd).await.unwrap().is_none());
    // Without segments there is nothing to put together.
    let mut days = whole.clone();
    days.form = ReportForm::CostDetails { layout: Layout::Ea20191001, unknown_columns: false };
    let blobs = bench.blobs(&reports, days).await;
    assert!(reports.packed_blob(&of(&blobs[0]).await, Codec::Zstd).await.unwrap().is_some());
    // What is damaged anywhere is not begun.
    for segment in bench.segments() {
        let mut bytes = std::fs::read(&segment).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&segment, bytes).unwrap();
    }
    assert!(reports.packed_blob(&of(&blobs[0]).await, Codec::Zstd).await.unwrap().is_none());
    for segment in bench.segments() {
        std::fs::remove_file(segment).unwrap();
    }
    assert!(reports.packed_blob(&of(&blobs[0]).await, Codec::Zstd).await.unwrap().is_none());
}
