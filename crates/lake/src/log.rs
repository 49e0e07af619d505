//! The records that commits of a table carry in the Delta log.

use std::ops::RangeInclusive;

use deltalake_core::DeltaTableError;
use deltalake_core::kernel::transaction::TransactionError;
use deltalake_core::logstore::LogStoreRef;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::LakeError;

/// Member of the Delta commit information that carries the record.
pub(crate) const NOTE_MEMBER: &str = "lazurite";
/// Member of the record of a commit that merges files. It is no import's record.
pub(crate) const MERGED_MEMBER: &str = "mergedFiles";
/// Member of the record of a commit that ends history ([`HistoryEnd`]). It is no import's record.
const ENDED_MEMBER: &str = "historyEndsBefore";
/// A reader of the log reads at most this many commits beyond a checkpoint.
pub(crate) const VERSIONS_PER_CHECKPOINT: u64 = 20;

/// That history was ended, as the commit says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEnd {
    /// The oldest version that is kept.
    #[serde(rename = "historyEndsBefore")]
    pub oldest: u64,
    /// Whether sources that only earlier versions need may be gone, too.
    pub sources: bool,
    /// Who ended it.
    pub actor: String,
}

/// The record of a commit.
#[derive(Debug, Clone)]
pub struct CommitNote {
    /// The version that the commit made.
    pub version: u64,
    /// When it was committed, in milliseconds since 1970.
    pub committed_at_ms: i64,
    /// The record; `None` for commits that are not ours, and for the one that made the table.
    pub note: Option<Value>,
    /// Whether files come or go with the commit.
    pub changes_files: bool,
    /// Whether the commit merges files of ours: it changes no row.
    pub merges_files: bool,
    /// Whether the commit ends history: it changes no row.
    pub history_end: Option<HistoryEnd>,
}

#[derive(Debug, Deserialize)]
struct LogLine {
    #[serde(rename = "commitInfo")]
    commit_info: Option<LogCommitInfo>,
}

#[derive(Debug, Deserialize)]
struct LogCommitInfo {
    timestamp: Option<i64>,
    #[serde(rename = "lazurite")]
    note: Option<Value>,
}

/// The bytes of a commit, one action a line.
pub(crate) async fn commit_bytes(
    log_store: &LogStoreRef,
    version: u64,
    newest: u64,
) -> Result<bytes::Bytes, LakeError> {
    let doing = format!("read the log of version {version}");
    let bytes = log_store.read_commit_entry(version).await.map_err(LakeError::table(doing))?;
    bytes.ok_or(LakeError::NoSuchVersion { version, newest })
}

/// The records of these versions, in order.
pub(crate) async fn notes_of(
    log_store: &LogStoreRef,
    versions: RangeInclusive<u64>,
) -> Result<Vec<CommitNote>, LakeError> {
    let newest = *versions.end();
    let mut notes = Vec::new();
    for version in versions {
        let bytes = commit_bytes(log_store, version, newest).await?;
        let info = bytes
            .split(|byte| *byte == b'\n')
            .find_map(|line| serde_json::from_slice::<LogLine>(line).ok().and_then(|line| line.commit_info));
        let (timestamp, note) = info.map_or((None, None), |info| (info.timestamp, info.note));
        let changes_files = bytes
            .split(|byte| *byte == b'\n')
            .any(|line| line.starts_with(b"{\"add\"") || line.starts_with(b"{\"remove\""));
        let merges_files = note.as_ref().is_some_and(|note| note.get(MERGED_MEMBER).is_some());
        let history_end = note.as_ref().filter(|note| note.get(ENDED_MEMBER).is_some());
        let history_end = history_end.and_then(|note| HistoryEnd::deserialize(note).ok());
        let note = note.filter(|_| !merges_files && history_end.is_none());
        let committed_at_ms = timestamp.unwrap_or_default();
        notes.push(CommitNote { version, committed_at_ms, note, changes_files, merges_files, history_end });
    }
    Ok(notes)
}

/// Why a commit of `version` did not happen: another writer was first, or the table failed.
pub(crate) fn uncommitted(table: &str, version: u64, error: DeltaTableError) -> LakeError {
    match error {
        DeltaTableError::Transaction {
            source: TransactionError::MaxCommitAttempts(_) | TransactionError::VersionAlreadyExists(_),
        } => LakeError::Conflict { version },
        error => LakeError::table(format!("commit version {version} of the {table} table"))(error),
    }
}
