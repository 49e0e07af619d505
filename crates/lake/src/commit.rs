//! Committing an import: everything it replaces goes and everything it brings comes, in one version.

use std::collections::HashMap;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Date32Type;
use calendar::Date;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Transaction};
use deltalake_core::protocol::checkpoints::create_checkpoint;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use futures::TryStreamExt;
use ledger::{Coverage, Dataset, EnrollmentId, Field};
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use serde_json::Value;

use crate::crash::crash_point;
use crate::error::LakeError;
use crate::file::{LakeFile, PARTITION_COLUMNS};
use crate::log::{CommitNote, NOTE_MEMBER, VERSIONS_PER_CHECKPOINT, commit_bytes, notes_of, uncommitted};
use crate::reader::FileReader;
use crate::table::{Lake, Snapshot};
use crate::write::{FileTarget, OpenFile, now_ms};

/// What goes: all rows of an enrollment, dataset and source scope in the coverage.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// Whose charges.
    pub enrollment: EnrollmentId,
    /// Which dataset.
    pub dataset: Dataset,
    /// Key of the source scope.
    pub scope_key: String,
    /// Which rows.
    pub coverage: Coverage,
}

/// One import, ready to be committed.
#[derive(Debug, Clone)]
pub struct Change {
    /// The import's id: the Delta application transaction.
    pub import_id: uuid::Uuid,
    /// What goes.
    pub replaces: Vec<Replacement>,
    /// What comes.
    pub files: Vec<LakeFile>,
    /// The importer's own record, kept with the commit.
    pub note: Value,
}

impl Lake {
    /// Commits a change on top of `base`. Nothing is changed when another writer was first: the caller reads the lake
    /// again, judges again and retries.
    pub async fn commit(&self, base: &Snapshot, change: Change) -> Result<u64, LakeError> {
        let now = now_ms();
        let mut actions = Vec::new();
        for file in base.files() {
            let touching: Vec<&Coverage> = change
                .replaces
                .iter()
                .filter(|r| {
                    r.dataset == file.dataset
                        && r.scope_key == file.scope_key
                        && file.enrollment.matches(r.enrollment.as_str())
                })
                .map(|r| &r.coverage)
                .filter(|coverage| file.touched_by(coverage))
                .collect();
            if touching.is_empty() {
                continue;
            }
            if !touching.iter().any(|coverage| file.replaced_by(coverage)) {
                let rest = self.rewrite_rest(base, file, &touching, change.import_id).await?;
                actions.extend(rest.map(|rest| Action::Add(rest.add())));
            }
            actions.push(Action::Remove(file.remove(now)));
        }
        actions.extend(change.files.iter().map(|file| Action::Add(file.add())));
        let properties = commit_properties(change.note)
            .with_application_transaction(Transaction::new_with_last_update(change.import_id, 1, Some(now)));
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: Some(PARTITION_COLUMNS.map(str::to_owned).to_vec()),
            predicate: None,
        };
        self.commit_actions(base, actions, properties, operation).await
    }

    /// Commits actions on top of `base`, and writes a checkpoint where one is due.
    pub(crate) async fn commit_actions(
        &self,
        base: &Snapshot,
        actions: Vec<Action>,
        properties: CommitProperties,
        operation: DeltaOperation,
    ) -> Result<u64, LakeError> {
        let state = base.table.snapshot().map_err(LakeError::table("read the charges table"))?;
        crash_point("import-commit-begun");
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(state.snapshot()), base.table.log_store(), operation)
            .await;
        match committed {
            Ok(commit) => {
                crash_point("import-committed");
                self.checkpoint(commit.version()).await;
                Ok(commit.version())
            }
            Err(error) => Err(uncommitted("charges", base.version() + 1, error)),
        }
    }

    /// Writes a checkpoint every few versions, as far as it can be.
    async fn checkpoint(&self, version: u64) {
        if !version.is_multiple_of(VERSIONS_PER_CHECKPOINT) {
            return;
        }
        let written = match self.snapshot().await {
            Ok(snapshot) => create_checkpoint(&snapshot.table, None).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        crash_point("import-checkpointed");
        if let Err(error) = written {
            tracing::warn!(%error, "cannot write a checkpoint of the lake; reading its log takes longer until the next");
        }
    }

    /// The version that an import made, if its commit is in the log after `base`.
    pub async fn find_commit(&self, base: &Snapshot, is_it: impl Fn(&Value) -> bool) -> Result<Option<u64>, LakeError> {
        let notes = self.notes_after(Some(base.version())).await?;
        Ok(notes.into_iter().find(|commit| commit.note.as_ref().is_some_and(&is_it)).map(|commit| commit.version))
    }

    /// Every file that any version has named, those of earlier versions included, whether it is still there or not.
    pub async fn files_of_all_versions(&self) -> Result<Vec<LakeFile>, LakeError> {
        self.files_added(0).await
    }

    /// Every file that versions from `first` on add.
    pub(crate) async fn files_added(&self, first: u64) -> Result<Vec<LakeFile>, LakeError> {
        let snapshot = self.snapshot().await?;
        let log_store = snapshot.table.log_store();
        let mut files = Vec::new();
        for version in first..=snapshot.version() {
            let bytes = commit_bytes(&log_store, version, snapshot.version()).await?;
            for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                files.extend(file_added(line, version)?);
            }
        }
        Ok(files)
    }

    /// Writes what stays of a file that is replaced in part; `None` if nothing stays.
    async fn rewrite_rest(
        &self,
        base: &Snapshot,
        file: &LakeFile,
        replaced: &[&Coverage],
        import_id: uuid::Uuid,
    ) -> Result<Option<LakeFile>, LakeError> {
        let reading = || format!("read {}", file.path);
        let mut batches = ParquetRecordBatchStreamBuilder::new(FileReader::of(&base.store(), &base.footers, file))
            .await
            .and_then(|builder| builder.with_batch_size(1024).build())
            .map_err(LakeError::parquet(reading()))?;
        let target = FileTarget::rewriting(file, import_id);
        let number = i32::from(file.period.year()) * 100 + i32::from(file.period.month());
        let location = self.table_location();
        // Rest files are named after the file they come from, so that two of them never share a name.
        let target_number = base.files().iter().position(|f| f.path == file.path).unwrap_or_default();
        let open = OpenFile::create(number, &target, &location, target_number)?;
        let mut open = Some(open);
        let mut rows = 0;
        while let Some(batch) = batches.try_next().await.map_err(LakeError::parquet(reading()))? {
            let kept = filter_record_batch(&batch, &outside(&batch, replaced)).map_err(LakeError::arrow(reading()))?;
            rows += kept.num_rows();
            open = Some(blocking(open.take(), move |file| file.write(&kept)).await?);
        }
        let Some(open) = open else { return Ok(None) };
        let rest = tokio::task::spawn_blocking(move || open.close())
            .await
            .map_err(|error| LakeError::Worker { reason: error.to_string() })??;
        crash_point("import-rest-written");
        if rows == 0 {
            return Ok(None);
        }
        Ok(self.roll_up(vec![rest]).await?.pop())
    }

    /// The records of all commits after `version`, in order.
    pub async fn notes_after(&self, version: Option<u64>) -> Result<Vec<CommitNote>, LakeError> {
        let snapshot = self.snapshot().await?;
        notes_of(&snapshot.table.log_store(), version.map_or(0, |version| version + 1)..=snapshot.version()).await
    }
}

/// How every commit of charges is made; `note` is kept with it.
pub(crate) fn commit_properties(note: Value) -> CommitProperties {
    CommitProperties::default()
        // The caller judges a conflict by the rules of the ledger; Delta's own check knows less.
        .with_max_retries(0)
        // A checkpoint only speeds up reading; its failure must not look like a failed commit.
        .with_create_checkpoint(false)
        .with_cleanup_expired_logs(Some(false))
        .with_metadata([(NOTE_MEMBER.to_owned(), note)])
}

/// The file that a line of the log adds, if it adds one. A line that cannot be read might have added one: an error.
fn file_added(line: &[u8], version: u64) -> Result<Option<LakeFile>, LakeError> {
    let unreadable = |reason: String| LakeError::ForeignFile { path: format!("_delta_log/{version:020}.json"), reason };
    let action: Value = serde_json::from_slice(line).map_err(|error| unreadable(error.to_string()))?;
    if action.get("add").is_none() {
        return Ok(None);
    }
    match serde_json::from_value::<Action>(action) {
        Ok(Action::Add(add)) => LakeFile::from_add(&add).map(Some),
        Ok(_) => Err(unreadable("an action adds a file and does something else".to_owned())),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// Runs a write on a file away from the runtime's own threads and hands the file back.
async fn blocking(
    file: Option<OpenFile>,
    write: impl FnOnce(&mut OpenFile) -> Result<(), LakeError> + Send + 'static,
) -> Result<OpenFile, LakeError> {
    let mut file = file.expect("the file is handed back after every write");
    tokio::task::spawn_blocking(move || write(&mut file).map(|()| file))
        .await
        .map_err(|error| LakeError::Worker { reason: error.to_string() })?
}

/// Marks the rows that no coverage replaces.
fn outside(batch: &RecordBatch, replaced: &[&Coverage]) -> BooleanArray {
    let dates = batch.column_by_name(Field::Date.column()).expect("charges have a date").as_primitive::<Date32Type>();
    // A file lies in one billing period, and only coverages of that period are given.
    let covered = |day: i32| {
        Date::from_days(day).is_ok_and(|date| replaced.iter().any(|coverage| coverage.covers(coverage.period(), date)))
    };
    dates.iter().map(|day| Some(!day.is_some_and(covered))).collect()
}

/// The partition columns with the values of a file, for callers that describe files.
impl LakeFile {
    /// Partition values by column name.
    pub fn partition(&self) -> HashMap<&'static str, String> {
        let values = [self.enrollment.to_string(), self.dataset.to_string(), self.period.to_string()];
        PARTITION_COLUMNS.into_iter().zip(values).collect()
    }
}
