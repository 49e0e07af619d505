//! What can go wrong in the lake.

/// Why the lake could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The storage below failed.
    #[error("cannot {doing}: {source}")]
    Storage {
        /// What was being done to what.
        doing: String,
        /// Cause.
        source: object_store::Error,
    },
    /// The table or its log cannot be used.
    #[error("cannot {doing}: {source}")]
    Table {
        /// What was being done to what.
        doing: String,
        /// Cause.
        source: Box<deltalake_core::DeltaTableError>,
    },
    /// A Parquet file cannot be read or written.
    #[error("cannot {doing}: {source}")]
    Parquet {
        /// What was being done to what.
        doing: String,
        /// Cause.
        source: parquet::errors::ParquetError,
    },
    /// Rows in memory do not fit together.
    #[error("cannot {doing}: {source}")]
    Arrow {
        /// What was being done to what.
        doing: String,
        /// Cause.
        source: arrow::error::ArrowError,
    },
    /// The local working folder failed.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was being done to what.
        doing: String,
        /// Cause.
        source: std::io::Error,
    },
    /// Another writer committed first; nothing was changed.
    #[error("another import committed version {version} first; read the lake again and retry")]
    Conflict {
        /// The version that the other writer made.
        version: u64,
    },
    /// The asked version does not exist.
    #[error("the lake has no version {version}; the newest is {newest}")]
    NoSuchVersion {
        /// The asked version.
        version: u64,
        /// The newest one.
        newest: u64,
    },
    /// The asked version is not kept any more.
    #[error("revision {version} is not kept any more: history was ended before revision {oldest} by lazurite prune")]
    EndedVersion {
        /// The asked version.
        version: u64,
        /// The oldest one that can be read.
        oldest: u64,
    },
    /// A file is not one that this program wrote.
    #[error("{path} in the lake is not a file of charges: {reason}")]
    ForeignFile {
        /// Path relative to the table.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of usage is not one that this program wrote.
    #[error("{path} in the lake is not a file of usage: {reason}")]
    ForeignUsage {
        /// Path relative to the table.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A sum left the range of amounts.
    #[error("cannot add the costs of {what}: {source}")]
    Sum {
        /// Which rows.
        what: String,
        /// Cause.
        source: money::MoneyError,
    },
    /// A background task ended unexpectedly.
    #[error("a worker of the lake ended unexpectedly: {reason}")]
    Worker {
        /// What the runtime said.
        reason: String,
    },
}

impl LakeError {
    pub(crate) fn table(doing: impl Into<String>) -> impl FnOnce(deltalake_core::DeltaTableError) -> Self {
        let doing = doing.into();
        move |source| Self::Table { doing, source: Box::new(source) }
    }

    pub(crate) fn parquet(doing: impl Into<String>) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let doing = doing.into();
        move |source| Self::Parquet { doing, source }
    }

    pub(crate) fn arrow(doing: impl Into<String>) -> impl FnOnce(arrow::error::ArrowError) -> Self {
        let doing = doing.into();
        move |source| Self::Arrow { doing, source }
    }

    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    pub(crate) fn storage(doing: impl Into<String>) -> impl FnOnce(object_store::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Storage { doing, source }
    }
}
