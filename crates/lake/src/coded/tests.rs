//! Files of coded rows against files that `ArrowWriter` makes of the same rows, read record by record and sorted as plain
//! batches.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use bytes::Bytes;
use formats::{
    BlockReader, ChargeReader, OpenedSource, ReadOptions, SourceBlocks, SourceReader, SourceRows, staging_schema,
};
use ledger::{Dataset, EnrollmentId};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;

use super::RowStage;
use super::order::{in_source_order, sorted};
use super::unify::Unified;
use crate::file::LakeFile;
use crate::order::SortKeys;
use crate::write::{FileTarget, write_ordered};

const HEADER: &str = "BillingAccountId,InvoiceSectionId,InvoiceSectionName,AccountId,AccountName,SubscriptionId,ResourceId,MeterId,\
                      Date,Tags,AdditionalInfo,Quantity,EffectivePrice,PayGPrice,CostInBillingCurrency,x,ChargeType,PricingModel,\
                      BillingCurrencyCode,BillingPeriodStartDate,IsAzureCreditEligible,y";

/// Keeps nothing.
struct NoCopy;

impl formats::SourceCopy for NoCopy {
    fn take(&mut self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Rows of two periods in no order, with spellings to keep, costs that no column holds, unknown columns and long texts.
fn text_of(rows: usize, seed: usize) -> String {
    let mut text = format!("{HEADER}\n");
    for row in 0..rows {
        let mixed = (row + seed).wrapping_mul(2_654_435_761) >> 7;
        let pick = |names: &[&'static str], salt: usize| names[(mixed >> salt) % names.len()];
        let cost = match mixed % 97 {
            0 => "123456789012345.5".to_owned(),
            1 => "+7.10".to_owned(),
            2 => "1.1352413E-7".to_owned(),
            other => format!("{}.{:03}", other, mixed % 1000),
        };
        let tags =
            if mixed.is_multiple_of(5) { String::new() } else { format!("\"\"\"row\"\": \"\"{}\"\"\"", mixed % 5_000) };
        let info = if mixed.is_multiple_of(3_001) { "z".repeat(70_000) } else { pick(&["", "info"], 3).to_owned() };
        text += &format!(
            "123,{},{},{},{},{},/R/{},m{},01/{:02}/2025,{tags},{info},{}.50,{},{},{cost},{},Usage,OnDemand,USD,{}/01/2025,{},{}\n",
            pick(&["", "10", "9"], 1),
            pick(&["A", "a", ""], 2),
            pick(&["x", "X", ""], 4),
            pick(&["n", ""], 5),
            pick(&["s1", "S1", "s2"], 6),
            mixed % 300,
            mixed % 7,
            mixed % 28 + 1,
            mixed % 50,
            pick(&["", "0.5", "1E-3", "0.50"], 8),
            pick(&["0.25", ""], 9),
            pick(&["", "e"], 10),
            pick(&["01", "02"], 11),
            pick(&["True", "False", ""], 12),
            pick(&["", "", "u\u{e9}"], 13),
        );
    }
    text
}

fn target() -> FileTarget {
    FileTarget {
        enrollment: EnrollmentId::parse("123").unwrap(),
        dataset: Dataset::ActualCost,
        scope_key: "enrollment".to_owned(),
        source_hashes: vec!["first".to_owned(), "second".to_owned()],
        import_id: uuid::Uuid::nil(),
        group: 0,
    }
}

fn table() -> (Arc<dyn ObjectStore>, Path) {
    (Arc::new(InMemory::new()), Path::from("charges"))
}

/// Reads a text with several readers into a stage.
fn read_into(stage: &mut RowStage, text: &str, source_index: i32, readers: usize) {
    let options = ReadOptions { source_index, ..ReadOptions::default() };
    let mut blocks = SourceBlocks::new(SourceReader::open("f", text.as_bytes()).unwrap(), 50_000);
    let OpenedSource { mut rows, first, .. } = SourceRows::open("f", &mut blocks, options, None, &mut NoCopy).unwrap();
    let mut readers: Vec<_> = (0..readers).map(|_| (BlockReader::new(rows.plan().clone()), Vec::new())).collect();
    let (mut number, mut next) = (0, Some(first));
    while let Some(block) = next {
        let count = readers.len();
        // Every seventh block is read record by record.
        let member = readers.get_mut(number % count.max(1)).filter(|_| number % 7 != 6);
        let read = member.and_then(|(reader, _)| reader.read(&block));
        let taken = rows.take(&block, read).unwrap();
        if let (Some(taken), Some((_, own))) = (taken, readers.get_mut(number % count.max(1))) {
            own.push(taken);
        }
        number += 1;
        next = blocks.next_block("f", block.text).unwrap();
    }
    for (mut reader, own) in readers {
        stage.add(reader.take_table(), own);
    }
    if let Some((table, slow)) = rows.take_slow() {
        stage.add(table, slow);
    }
}

/// The rows of the texts as one batch in the order of the lake.
fn plainly(texts: &[&str]) -> RecordBatch {
    let mut batches = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let options = ReadOptions { source_index: index as i32, ..ReadOptions::default() };
        let source = SourceReader::open("f", text.as_bytes()).unwrap();
        let mut reader = ChargeReader::open("f", source, options, None).unwrap();
        while let Some(batch) = reader.next_batch().unwrap() {
            batches.push(batch);
        }
    }
    let batch = concat_batches(&staging_schema(), &batches).unwrap();
    let keys = SortKeys::new().unwrap().of(&batch).unwrap();
    let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
    order.sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
    take_record_batch(&batch, &UInt32Array::from(order)).unwrap()
}

fn bytes_of(table: &(Arc<dyn ObjectStore>, Path), file: &LakeFile) -> Bytes {
    let path = table.1.parts().chain(Path::from(file.path.as_str()).parts()).collect::<Path>();
    tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current().block_on(async { table.0.get(&path).await.unwrap().bytes().await.unwrap() })
    })
}

fn batch_of(bytes: &Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

fn write(stage: &mut RowStage, table: &(Arc<dyn ObjectStore>, Path)) -> Vec<LakeFile> {
    let sources = BTreeSet::from([0, 1]);
    tokio::task::block_in_place(|| stage.write(&sources, &target(), table, &|_| ()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_hold_what_plain_rows_hold_for_any_number_of_threads() {
    let (first, second) = (text_of(60_000, 1), text_of(3_000, 77));
    let plain_table = table();
    let plain = plainly(&[&first, &second]);
    let expected = tokio::task::block_in_place(|| {
        write_ordered(std::iter::once(Ok::<_, crate::LakeError>(plain)), &target(), &plain_table).unwrap()
    });
    let mut digests = BTreeSet::new();
    for threads in [1, 2, 4] {
        let (folder, own_table) = (tempfile::tempdir().unwrap(), table());
        let mut stage = RowStage::new(folder.path().to_owned(), threads).unwrap();
        read_into(&mut stage, &first, 0, threads);
        read_into(&mut stage, &second, 1, threads);
        let files = write(&mut stage, &own_table);
        assert_eq!(files.len(), expected.len());
        for (file, expected) in files.iter().zip(&expected) {
            let same = |file: &LakeFile| {
                let mut statistics: Vec<_> = file.statistics.clone().into_iter().collect();
                statistics.sort();
                (file.path.clone(), file.rows, file.days, file.total.clone(), file.scope_key.clone(), statistics)
            };
            assert_eq!(same(file), same(expected));
            let (bytes, expected_bytes) = (bytes_of(&own_table, file), bytes_of(&plain_table, expected));
            assert_eq!(file.size_bytes, bytes.len() as u64);
            assert!(batch_of(&bytes) == batch_of(&expected_bytes), "{threads} threads, {}", file.path);
            same_indexes(&bytes, &expected_bytes);
            digests.insert(file.sha256.clone());
        }
    }
    assert_eq!(digests.len(), expected.len(), "the files do not depend on the number of threads");
}

/// Whether both files have the same row groups, pages, null counts, and bounds of pages where the other one has some.
fn same_indexes(own: &Bytes, expected: &Bytes) {
    let load = |bytes: &Bytes| {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        ArrowReaderMetadata::load(bytes, options).unwrap().metadata().clone()
    };
    let (own, expected) = (load(own), load(expected));
    assert_eq!(own.file_metadata().schema(), expected.file_metadata().schema());
    assert_eq!(own.file_metadata().key_value_metadata(), expected.file_metadata().key_value_metadata());
    assert_eq!(own.num_row_groups(), expected.num_row_groups());
    for (index, (own_group, expected_group)) in own.row_groups().iter().zip(expected.row_groups()).enumerate() {
        assert_eq!(own_group.num_rows(), expected_group.num_rows());
        for (column, (own_chunk, expected_chunk)) in
            own_group.columns().iter().zip(expected_group.columns()).enumerate()
        {
            let name = expected_chunk.column_path();
            assert_eq!(own_chunk.num_values(), expected_chunk.num_values(), "{name}");
            if let (Some(own), Some(expected)) = (own_chunk.statistics(), expected_chunk.statistics()) {
                assert_eq!(own.null_count_opt(), expected.null_count_opt(), "{name}");
                assert_eq!(
                    (own.min_bytes_opt(), own.max_bytes_opt()),
                    (expected.min_bytes_opt(), expected.max_bytes_opt()),
                    "{name}"
                );
            }
            // Where every row has the same, the own writer tells it of every column.
            let tells_more = own_chunk.statistics().is_some_and(|own| {
                let told = own.null_count_opt() == Some(0) && own.min_bytes_opt() == own.max_bytes_opt();
                own.min_bytes_opt().is_some() && !told
            });
            assert!(!tells_more || expected_chunk.statistics().is_some(), "{name}: more than the other one");
            assert!(own_chunk.statistics().is_some() || expected_chunk.statistics().is_none(), "{name}");
            let is_bounded = |metadata: &parquet::file::metadata::ParquetMetaData| {
                metadata.column_index().map(|index_of| format!("{:?}", index_of[index][column]))
            };
            if crate::write::STATISTICS_COLUMNS.contains(&name.string().as_str()) {
                assert_eq!(is_bounded(&own), is_bounded(&expected), "{name}");
            }
            let rows = |metadata: &parquet::file::metadata::ParquetMetaData| -> Vec<i64> {
                let locations = &metadata.offset_index().unwrap()[index][column].page_locations;
                locations.iter().map(|page| page.first_row_index).collect()
            };
            if own_chunk.dictionary_page_offset().is_some() && expected_chunk.dictionary_page_offset().is_some() {
                assert_eq!(rows(&own), rows(&expected), "{name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_put_aside_lose_nothing() {
    let (first, second) = (text_of(20_000, 5), text_of(10_000, 9));
    for one_export in [true, false] {
        let (folder, own_table) = (tempfile::tempdir().unwrap(), table());
        let mut stage = RowStage::new(folder.path().to_owned(), 2).unwrap();
        read_into(&mut stage, &first, 0, 2);
        stage.encode(one_export).unwrap();
        read_into(&mut stage, &second, 1, 1);
        let files = write(&mut stage, &own_table);
        assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 30_000);
        // Each of the two was sorted on its own: the files of a period are the rows of one and then of the other.
        for (source, text) in [&first, &second].iter().enumerate() {
            let plain_table = table();
            let hashes = [target().source_hashes[source].clone()];
            let only = FileTarget { source_hashes: hashes.to_vec(), ..target() };
            let expected = tokio::task::block_in_place(|| {
                write_ordered(std::iter::once(Ok::<_, crate::LakeError>(plainly(&[text]))), &only, &plain_table)
                    .unwrap()
            });
            let own: Vec<&LakeFile> = files.iter().skip(source).step_by(2).collect();
            assert_eq!(own.len(), expected.len());
            for (own, expected) in own.iter().zip(&expected) {
                assert!(batch_of(&bytes_of(&own_table, own)) == batch_of(&bytes_of(&plain_table, expected)));
                assert_eq!((own.rows, &own.total, own.days), (expected.rows, &expected.total, expected.days));
            }
        }
    }
}

#[test]
fn the_order_is_the_same_however_wide_its_numbers_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = RowStage::new(folder.path().to_owned(), 1).unwrap();
    read_into(&mut stage, &text_of(3_000, 3), 0, 2);
    let rows = in_source_order(stage.rows.iter());
    let unified = Unified::new(&stage.tables, &rows);
    let order = |bits| -> Vec<(i32, Vec<(u32, u32)>)> {
        sorted(&unified, bits).into_iter().map(|period| (period.period, period.rows)).collect()
    };
    assert_eq!(order(128), order(8));
}
