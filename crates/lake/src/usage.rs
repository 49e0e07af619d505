//! The usage table: metered usage of native enrollments, as it was accepted.
//!
//! It is only ever appended to. A batch is one commit, which carries the batch's record; a commit may also carry a record
//! alone, so that everything that must not happen beside an append is in one order with all of them. The table is made
//! with the first commit: a store of mirrored enrollments has none.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use calendar::BillingPeriod;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, StructType, Transaction};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::checkpoints::create_checkpoint;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableBuilder};
use formats::native::{usage_batch_schema, usage_schema};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use ledger::EnrollmentId;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::crash::crash_point;
use crate::error::LakeError;
use crate::log::{CommitNote, NOTE_MEMBER, VERSIONS_PER_CHECKPOINT, notes_of, uncommitted};
use crate::reader::{FileReader, Footers};
use crate::root::LakeRoot;
use crate::usage_file::{PARTITION_COLUMNS, UsageFile};
use crate::usage_write::{UsageTarget, UsageWriter};
use crate::write::now_ms;

/// Folder of the usage table beneath the data folder.
pub(crate) const TABLE: &str = "usage";
/// History is kept until its owner removes it.
const KEEP_FOR_EVER: &str = "interval 36500 days";
/// Records of a batch that is read.
const BATCH_ROWS: usize = 32 << 10;

/// The usage table of a store.
#[derive(Debug, Clone)]
pub struct UsageTable {
    root: LakeRoot,
    schema: SchemaRef,
    footers: Footers,
    exists: Arc<AtomicBool>,
    /// The newest state that was read; newer ones are read on top of it.
    known: Arc<Mutex<Option<UsageSnapshot>>>,
}

/// One version of the usage table.
#[derive(Debug, Clone)]
pub struct UsageSnapshot {
    state: Option<(u64, DeltaTable)>,
    files: Arc<Vec<UsageFile>>,
    footers: Footers,
    schema: SchemaRef,
}

/// What is appended in one commit.
#[derive(Debug, Clone)]
pub struct UsageAppend {
    /// Names the commit: the Delta application transaction.
    pub application: String,
    /// The files that come; none for a record alone.
    pub files: Vec<UsageFile>,
    /// The record, kept with the commit.
    pub note: Value,
}

impl UsageTable {
    /// The usage table beneath a data folder. Nothing is made or read yet.
    pub fn open(root: LakeRoot) -> Self {
        let schema = usage_batch_schema();
        Self { root, schema, footers: Footers::new(), exists: Arc::default(), known: Arc::default() }
    }

    /// The table's folder, which need not exist.
    pub fn table_folder(&self) -> PathBuf {
        self.root.folder().join(TABLE)
    }

    /// A writer of files for the table.
    pub fn writer(&self, target: UsageTarget) -> UsageWriter {
        UsageWriter::new(target, self.schema.clone(), (self.root.root(), self.root.table_path(TABLE)))
    }

    /// Removes files that no commit names. What cannot be removed takes room and does no harm.
    pub async fn discard(&self, files: &[UsageFile]) {
        let (store, table) = (self.root.root(), self.root.table_path(TABLE));
        for file in files {
            let path: Path = table.parts().chain(Path::from(file.path.as_str()).parts()).collect();
            if let Err(error) = store.delete(&path).await {
                tracing::warn!(%error, "cannot remove {} of refused usage", file.path);
            }
        }
    }

    /// The newest version.
    pub async fn snapshot(&self) -> Result<UsageSnapshot, LakeError> {
        if !self.is_there().await? {
            return Ok(self.state_of(None, Vec::new()));
        }
        let mut known = self.known.lock().await;
        let newest = self.newest_after(known.as_ref()).await?;
        if let Some(known) = known.as_ref().filter(|known| known.version() == Some(newest)) {
            return Ok(known.clone());
        }
        let mut table = match known.as_ref().and_then(|known| known.state.clone()) {
            Some((_, table)) => table,
            None => self.table()?,
        };
        let doing = format!("read version {newest} of the usage table");
        table.update_incremental(Some(newest)).await.map_err(LakeError::table(doing))?;
        let state = table.snapshot().map_err(LakeError::table("read the usage table"))?;
        let mut files = Vec::new();
        for view in state.log_data().iter() {
            #[expect(deprecated, reason = "the only public access to the tags of a file")]
            let add = view.add_action();
            files.push(UsageFile::from_add(&add)?);
        }
        // By content, so that what is read does not depend on the order in which batches came.
        files.sort_by(|a, b| {
            let key = |file: &UsageFile| (file.enrollment.clone(), file.period, file.sha256.clone());
            key(a).cmp(&key(b)).then_with(|| a.path.cmp(&b.path))
        });
        let snapshot = self.state_of(Some((newest, table)), files);
        *known = Some(snapshot.clone());
        Ok(snapshot)
    }

    /// Appends on top of `base`. Nothing is changed when another writer was first ([`LakeError::Conflict`]): the caller
    /// looks again and retries.
    pub async fn append(&self, base: &UsageSnapshot, append: UsageAppend) -> Result<u64, LakeError> {
        let table = match &base.state {
            Some((_, table)) => table.clone(),
            // The table's own commit is version 0, and whoever made it, nothing was appended before.
            None => self.made().await?,
        };
        let base_version = base.version().unwrap_or_default();
        let actions = append.files.iter().map(|file| Action::Add(file.add())).collect();
        let application = Transaction::new_with_last_update(append.application, 1, Some(now_ms()));
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false))
            .with_metadata([(NOTE_MEMBER.to_owned(), append.note)])
            .with_application_transaction(application);
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(PARTITION_COLUMNS.map(str::to_owned).to_vec()),
            predicate: None,
        };
        let state = table.snapshot().map_err(LakeError::table("read the usage table"))?;
        crash_point("usage-commit-begun");
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(state.snapshot()), table.log_store(), operation)
            .await;
        match committed {
            Ok(commit) => {
                crash_point("usage-committed");
                self.checkpoint(commit.version()).await;
                Ok(commit.version())
            }
            Err(error) => Err(uncommitted(TABLE, base_version + 1, error)),
        }
    }

    /// The records of all commits after `version`, in order; `None`: of all.
    pub async fn notes_after(&self, version: Option<u64>) -> Result<Vec<CommitNote>, LakeError> {
        if !self.is_there().await? {
            return Ok(Vec::new());
        }
        let table = self.table()?;
        let log = table.log_store();
        let newest = log.get_latest_version(version.unwrap_or_default()).await;
        let newest = newest.map_err(LakeError::table("read the usage table"))?;
        notes_of(&log, version.map_or(0, |version| version + 1)..=newest).await
    }

    /// The number of the newest version; `None` while there is no table.
    pub async fn newest_version(&self) -> Result<Option<u64>, LakeError> {
        if !self.is_there().await? {
            return Ok(None);
        }
        let known = self.known.lock().await;
        self.newest_after(known.as_ref()).await.map(Some)
    }

    async fn newest_after(&self, known: Option<&UsageSnapshot>) -> Result<u64, LakeError> {
        let log = self.table()?.log_store();
        let from = known.and_then(UsageSnapshot::version).unwrap_or_default();
        log.get_latest_version(from).await.map_err(LakeError::table("read the usage table"))
    }

    async fn is_there(&self) -> Result<bool, LakeError> {
        if !self.exists.load(Ordering::Relaxed) {
            let found = self.table()?.verify_deltatable_existence().await;
            let found = found.map_err(LakeError::table("look for the usage table"))?;
            self.exists.store(found, Ordering::Relaxed);
        }
        Ok(self.exists.load(Ordering::Relaxed))
    }

    fn table(&self) -> Result<DeltaTable, LakeError> {
        let url = self.root.table_url(TABLE);
        DeltaTableBuilder::from_url(url.clone())
            .map(|builder| builder.with_storage_backend(self.root.root(), url))
            .and_then(DeltaTableBuilder::build)
            .map_err(LakeError::table("open the usage table"))
    }

    /// The table's first version, made if it is missing.
    async fn made(&self) -> Result<DeltaTable, LakeError> {
        let mut table = self.table()?;
        let created = match self.is_there().await? {
            true => Ok(()),
            false => self.create(&table).await,
        };
        // Another process may have made it at the same time.
        match (table.load_version(0).await, created) {
            (Ok(()), _) => Ok(table),
            (Err(_), Err(error)) => Err(error),
            (Err(error), Ok(())) => Err(LakeError::table("read version 0 of the usage table")(error)),
        }
    }

    async fn create(&self, table: &DeltaTable) -> Result<(), LakeError> {
        let partition = PARTITION_COLUMNS.map(|column| ArrowField::new(column, DataType::Utf8, false));
        let schema = usage_schema();
        let own = schema.fields().iter().map(|field| field.as_ref().clone());
        let schema = Schema::new(partition.into_iter().chain(own).collect::<Vec<_>>());
        let schema: StructType = (&schema).try_into_kernel().map_err(LakeError::arrow("describe the usage table"))?;
        let configuration: HashMap<String, Option<String>> = [
            ("delta.appendOnly", "true"),
            ("delta.enableExpiredLogCleanup", "false"),
            ("delta.logRetentionDuration", KEEP_FOR_EVER),
            ("delta.deletedFileRetentionDuration", KEEP_FOR_EVER),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
        .collect();
        CreateBuilder::new()
            .with_log_store(table.log_store())
            .with_table_name(TABLE)
            .with_columns(schema.fields().cloned())
            .with_partition_columns(PARTITION_COLUMNS)
            .with_configuration(configuration)
            .with_raise_if_key_not_exists(false)
            .with_save_mode(SaveMode::Ignore)
            .await
            .map(drop)
            .map_err(LakeError::table("create the usage table"))
    }

    /// Writes a checkpoint every few versions, as far as it can be.
    async fn checkpoint(&self, version: u64) {
        if !version.is_multiple_of(VERSIONS_PER_CHECKPOINT) {
            return;
        }
        let written = match self.snapshot().await {
            Ok(UsageSnapshot { state: Some((_, table)), .. }) => {
                create_checkpoint(&table, None).await.map_err(|error| error.to_string())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = written {
            tracing::warn!(%error, "cannot write a checkpoint of the usage table; reading its log takes longer");
        }
    }

    fn state_of(&self, state: Option<(u64, DeltaTable)>, files: Vec<UsageFile>) -> UsageSnapshot {
        UsageSnapshot { state, files: Arc::new(files), footers: self.footers.clone(), schema: self.schema.clone() }
    }
}

impl UsageSnapshot {
    /// The version's number; `None` while there is no table.
    pub fn version(&self) -> Option<u64> {
        self.state.as_ref().map(|(version, _)| *version)
    }

    /// All files, by enrollment, period and content.
    pub fn all_files(&self) -> &[UsageFile] {
        &self.files
    }

    /// The files of the usage that is posted in a billing period, by content.
    pub fn files<'a>(
        &'a self,
        enrollment: &'a EnrollmentId,
        period: BillingPeriod,
    ) -> impl Iterator<Item = &'a UsageFile> {
        self.files.iter().filter(move |file| file.period == period && file.enrollment == *enrollment)
    }

    /// Reads the usage that is posted in a billing period. Columns that the schema has as dictionaries come as
    /// dictionaries.
    pub fn read(
        &self,
        enrollment: &EnrollmentId,
        period: BillingPeriod,
    ) -> BoxStream<'_, Result<RecordBatch, LakeError>> {
        let files: Vec<UsageFile> = self.files(enrollment, period).cloned().collect();
        futures::stream::iter(files).map(|file| self.read_file(file)).flatten().boxed()
    }

    /// Reads one file.
    pub fn read_file(&self, file: UsageFile) -> BoxStream<'_, Result<RecordBatch, LakeError>> {
        let opened = async move {
            let reading = format!("read {}", file.path);
            let foreign =
                || LakeError::ForeignUsage { path: file.path.clone(), reason: "there is no table".to_owned() };
            let (_, table) = self.state.as_ref().ok_or_else(foreign)?;
            let mut reader = FileReader::at(&table.object_store(), &self.footers, &file.path, file.size_bytes);
            let options = ArrowReaderOptions::new().with_schema(self.schema.clone());
            let metadata = ArrowReaderMetadata::load_async(&mut reader, options).await;
            let metadata = metadata.map_err(LakeError::parquet(reading.clone()))?;
            let batches = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata)
                .with_batch_size(BATCH_ROWS)
                .build()
                .map_err(LakeError::parquet(reading.clone()))?;
            let failed = move |source| LakeError::Parquet { doing: reading.clone(), source };
            Ok::<_, LakeError>(batches.map_err(failed))
        };
        futures::stream::once(opened).try_flatten().boxed()
    }
}
