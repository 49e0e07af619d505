//! Putting encoded row groups together as files of the lake.

use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::file::writer::SerializedFileWriter;

use formats::{SOURCE_SCOPE_COLUMN, charge_schema};

use super::chunk::{Bounded, Chunk, PageCompressor, encode};
use super::encode::EncodedPeriod;
use super::group::{EncodedGroup, GroupFormat, RowFacts};
use super::leaf::{Leaf, Values};
use super::stage::StagedBytes;
use crate::error::LakeError;
use crate::file::LakeFile;
use crate::write::{FileFacts, FileTarget, NewFile, properties};

/// Writes the row groups of one billing period as one file, which is durable when this returns. Blocking; to be used inside
/// of a runtime's context.
pub(crate) fn write_file(
    period: EncodedPeriod,
    target: &FileTarget,
    table: &(Arc<dyn ObjectStore>, Path),
    number: usize,
    format: &GroupFormat,
    staged: &StagedBytes,
) -> Result<LakeFile, LakeError> {
    let (name, sink) = NewFile::create(period.period, target, table, number)?;
    let mut compressor = PageCompressor::new().map_err(parquet)?;
    let mut facts = RowFacts::default();
    facts.observe(SOURCE_SCOPE_COLUMN, &target.scope_key, &target.scope_key);
    let root = format.schema.root_schema_ptr();
    let mut writer = SerializedFileWriter::new(sink, root, format.properties.clone()).map_err(parquet)?;
    let mut rows = 0;
    for group in period.groups {
        rows += group.rows;
        facts.merge(&group.facts)?;
        let late = late_columns(&group, target, format, &mut compressor)?;
        let mut late = late.into_iter();
        let mut row_group = writer.next_row_group().map_err(parquet)?;
        for chunk in group.chunks {
            let chunk = match chunk.or_else(|| late.next()) {
                Some(chunk) => chunk,
                None => unreachable!("two columns are made late"),
            };
            let bytes = staged.bytes_of(&chunk)?;
            row_group.append_column::<Bytes>(&bytes, chunk.close).map_err(parquet)?;
        }
        row_group.close().map_err(parquet)?;
    }
    let sink = writer.into_inner().map_err(parquet)?;
    let facts = FileFacts { rows, total: facts.total, days: facts.days, bounds: facts.bounds.into_iter().collect() };
    name.finish(sink, facts)
}

/// The columns of scope and source hash.
fn late_columns(
    group: &EncodedGroup,
    target: &FileTarget,
    format: &GroupFormat,
    compressor: &mut PageCompressor,
) -> Result<Vec<Chunk>, LakeError> {
    let scope = Leaf { values: Values::Texts(vec![target.scope_key.as_bytes()]), runs: vec![(0, group.rows as u32)] };
    let (mut hashes, mut runs, mut codes) = (Vec::new(), Vec::new(), vec![None; target.source_hashes.len()]);
    for (source, count) in &group.sources {
        let hash = &target.source_hashes[*source as usize];
        let code = *codes[*source as usize].get_or_insert_with(|| {
            hashes.push(hash.as_bytes());
            hashes.len() as u32 - 1
        });
        Leaf::push_run(&mut runs, code, *count);
    }
    let hash = Leaf { values: Values::Texts(hashes), runs };
    let mut chunks = Vec::new();
    let late = group.chunks.iter().enumerate().filter(|(_, chunk)| chunk.is_none());
    for ((leaf, bounded), (index, _)) in [(scope, Bounded::Pages), (hash, Bounded::Nothing)].iter().zip(late) {
        let descr = format.schema.column(index);
        chunks.push(encode(leaf, &descr, true, *bounded, compressor).map_err(parquet)?);
    }
    Ok(chunks)
}

/// The format of files of charges.
pub(crate) fn group_format() -> Result<GroupFormat, LakeError> {
    let mut properties = properties();
    add_encoded_arrow_schema_to_metadata(&charge_schema(), &mut properties);
    let schema = ArrowSchemaConverter::new().schema_root("arrow_schema").convert(&charge_schema());
    let schema = schema.map_err(LakeError::parquet("prepare a file of charges"))?;
    Ok(GroupFormat { schema, properties: Arc::new(properties) })
}

fn parquet(source: parquet::errors::ParquetError) -> LakeError {
    LakeError::parquet("write a file of charges")(source)
}
