//! The charges table: making it, opening it, and its snapshots.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use deltalake_core::kernel::StructType;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::SaveMode;
use deltalake_core::{DeltaTable, DeltaTableBuilder};
use formats::charge_fields;
use ledger::{Dataset, EnrollmentId};
use object_store::ObjectStore;
use object_store::path::Path;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::error::LakeError;
use crate::file::{LakeFile, PARTITION_COLUMNS};
use crate::reader::Footers;
use crate::root::LakeRoot;
use crate::search::KnownRows;
use crate::totals::Rollups;
use crate::write::STATISTICS_COLUMNS;

/// Folder of the charges table beneath the data folder.
const TABLE: &str = "charges";
/// Folder of its versions.
const LOG_FOLDER: &str = "_delta_log";
/// History is kept until its owner removes it: nothing cleans up by age.
const KEEP_FOR_EVER: &str = "interval 36500 days";

/// How many versions are remembered: pages of one walk ask for the same one again and again.
const SNAPSHOTS_REMEMBERED: usize = 16;

/// The charges table of a store.
#[derive(Debug, Clone)]
pub struct Lake {
    root: LakeRoot,
    /// Versions read before: they never change.
    snapshots: Arc<Cache<u64, Snapshot>>,
    footers: Footers,
    rollups: Rollups,
    known_rows: KnownRows,
    /// A version that exists; newer ones are looked for from there on.
    known_version: Arc<AtomicU64>,
}

/// One version of the charges table.
#[derive(Debug, Clone)]
pub struct Snapshot {
    version: u64,
    identity: [u8; 32],
    files: Arc<Vec<LakeFile>>,
    pub(crate) table: DeltaTable,
    pub(crate) footers: Footers,
    pub(crate) rollups: Rollups,
    pub(crate) known_rows: KnownRows,
    /// The oldest version that can be read, once that was asked.
    pub(crate) oldest_kept: Arc<OnceCell<u64>>,
    /// The store as seen from the data folder.
    pub(crate) data: Arc<dyn ObjectStore>,
}

impl Lake {
    /// Opens the charges table of a store; a new store gets an empty one.
    pub async fn open(root: LakeRoot) -> Result<Self, LakeError> {
        let lake = Self {
            root,
            snapshots: Arc::new(Cache::new(SNAPSHOTS_REMEMBERED)),
            footers: Footers::new(),
            rollups: Rollups::new(),
            known_rows: KnownRows::new(),
            known_version: Arc::default(),
        };
        let table = lake.table()?;
        let exists =
            table.verify_deltatable_existence().await.map_err(LakeError::table("look for the charges table"))?;
        if !exists {
            lake.create(table.log_store()).await?;
        }
        Ok(lake)
    }

    /// Whether a data folder has a charges table.
    pub fn is_in(folder: &std::path::Path) -> bool {
        folder.join(TABLE).join(LOG_FOLDER).is_dir()
    }

    /// The storage beneath.
    pub fn root(&self) -> &LakeRoot {
        &self.root
    }

    pub(crate) fn footers(&self) -> &Footers {
        &self.footers
    }

    /// Store and path of the table, for writing files.
    pub fn table_location(&self) -> (Arc<dyn ObjectStore>, Path) {
        (self.root.root(), self.root.table_path(TABLE))
    }

    /// The table's folder.
    pub fn table_folder(&self) -> PathBuf {
        self.root.folder().join(TABLE)
    }

    fn table(&self) -> Result<DeltaTable, LakeError> {
        let url = self.root.table_url(TABLE);
        DeltaTableBuilder::from_url(url.clone())
            .map(|builder| builder.with_storage_backend(self.root.root(), url))
            .and_then(DeltaTableBuilder::build)
            .map_err(LakeError::table("open the charges table"))
    }

    async fn create(&self, log_store: LogStoreRef) -> Result<(), LakeError> {
        let partition = PARTITION_COLUMNS.map(|column| ArrowField::new(column, DataType::Utf8, false));
        let schema = Schema::new(partition.into_iter().chain(charge_fields()).collect::<Vec<_>>());
        let schema: StructType = (&schema).try_into_kernel().map_err(LakeError::arrow("describe the charges table"))?;
        let configuration: HashMap<String, Option<String>> = [
            ("delta.enableExpiredLogCleanup", "false"),
            ("delta.logRetentionDuration", KEEP_FOR_EVER),
            ("delta.deletedFileRetentionDuration", KEEP_FOR_EVER),
            ("delta.dataSkippingStatsColumns", &STATISTICS_COLUMNS.join(",")),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
        .collect();
        let created = CreateBuilder::new()
            .with_log_store(log_store)
            .with_table_name(TABLE)
            .with_columns(schema.fields().cloned())
            .with_partition_columns(PARTITION_COLUMNS)
            .with_configuration(configuration)
            .with_raise_if_key_not_exists(false)
            .with_save_mode(SaveMode::Ignore)
            .await;
        match created {
            Ok(_) => Ok(()),
            // Another process made the table between the look and the commit.
            Err(error) => match self.snapshot().await {
                Ok(_) => Ok(()),
                Err(_) => Err(LakeError::table("create the charges table")(error)),
            },
        }
    }

    /// The newest version.
    pub async fn snapshot(&self) -> Result<Snapshot, LakeError> {
        let newest = self.newest_version().await?;
        self.remembered(newest).await
    }

    /// An earlier version.
    ///
    /// # Errors
    /// [`LakeError::NoSuchVersion`] for one that does not exist yet, [`LakeError::EndedVersion`] for one that is not kept
    /// any more.
    pub async fn snapshot_at(&self, version: u64) -> Result<Snapshot, LakeError> {
        let newest = self.snapshot().await?;
        if version > newest.version() {
            return Err(LakeError::NoSuchVersion { version, newest: newest.version() });
        }
        let oldest = newest.oldest_kept().await?;
        // The empty version names no file.
        if version < oldest && version > 0 {
            return Err(LakeError::EndedVersion { version, oldest });
        }
        self.remembered(version).await
    }

    /// The number of the newest version.
    pub async fn newest_version(&self) -> Result<u64, LakeError> {
        let known = self.known_version.load(Ordering::Relaxed);
        // Versions follow each other without a gap and are never removed: without the next one there is none after it.
        if known > 0 && !self.has_version(known + 1)? {
            return Ok(known);
        }
        let log = self.table()?.log_store();
        let newest = log.get_latest_version(known).await.map_err(LakeError::table("read the charges table"))?;
        self.known_version.fetch_max(newest, Ordering::Relaxed);
        Ok(newest)
    }

    /// Looks into the folder itself: that takes a fraction of the way to a thread that may wait for the disk.
    fn has_version(&self, version: u64) -> Result<bool, LakeError> {
        let entry = self.table_folder().join(LOG_FOLDER).join(format!("{version:020}.json"));
        let failed = |source| LakeError::Io { doing: format!("look for {}", entry.display()), source };
        entry.try_exists().map_err(failed)
    }

    pub(crate) async fn remembered(&self, version: u64) -> Result<Snapshot, LakeError> {
        if let Some(known) = self.snapshots.get(&version) {
            return Ok(known);
        }
        let mut table = self.table()?;
        let doing = format!("read version {version} of the charges table");
        table.load_version(version).await.map_err(LakeError::table(doing))?;
        let snapshot = Snapshot::of(table, self)?;
        self.snapshots.insert(version, snapshot.clone());
        Ok(snapshot)
    }
}

impl Snapshot {
    fn of(table: DeltaTable, lake: &Lake) -> Result<Self, LakeError> {
        let state = table.snapshot().map_err(LakeError::table("read the charges table"))?;
        let mut files = Vec::new();
        for view in state.log_data().iter() {
            #[expect(deprecated, reason = "the only public access to the tags of a file")]
            let add = view.add_action();
            files.push(LakeFile::from_add(&add)?);
        }
        files.sort_by(|a, b| {
            let key = |file: &LakeFile| (file.enrollment.clone(), file.dataset, file.period, file.scope_key.clone());
            key(a).cmp(&key(b)).then_with(|| a.path.cmp(&b.path))
        });
        let version = state.version();
        let mut identity = Sha256::new();
        for file in &files {
            identity.update(file.path.as_bytes());
            identity.update(b"\n");
        }
        let identity = identity.finalize().into();
        Ok(Self {
            version,
            identity,
            files: Arc::new(files),
            table,
            footers: lake.footers.clone(),
            rollups: lake.rollups.clone(),
            known_rows: lake.known_rows.clone(),
            oldest_kept: Arc::default(),
            data: lake.root.store(),
        })
    }

    /// The version's number: 0 is the empty table.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Digest of the names of its files, which no other state shares: a folder that was restored from a backup gives the
    /// same numbers to other versions.
    pub fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    /// All files, in the order of the lake: enrollment, dataset, billing period, source scope, path.
    pub fn files(&self) -> &[LakeFile] {
        &self.files
    }

    /// The files of one enrollment and dataset, in the order of the lake.
    pub fn files_of<'a>(
        &'a self,
        enrollment: &'a EnrollmentId,
        dataset: Dataset,
    ) -> impl Iterator<Item = &'a LakeFile> {
        self.files.iter().filter(move |file| file.dataset == dataset && file.enrollment.matches(enrollment.as_str()))
    }

    /// The store with the table as its root, for reading files.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.table.object_store()
    }
}
