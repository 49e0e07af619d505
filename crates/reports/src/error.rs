//! What can go wrong with a report.

/// Why a report cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::CatalogError),
    /// A batch of the lake cannot be written as CSV.
    #[error(transparent)]
    Encode(#[from] formats::EncodeError),
    /// A blob cannot be written or read.
    #[error("cannot {doing}: {source}")]
    Storage {
        /// What was being done to what.
        doing: String,
        /// Cause.
        source: object_store::Error,
    },
    /// A blob cannot be written.
    #[error("cannot {doing}: {source}")]
    Write {
        /// What was being done to what.
        doing: String,
        /// Cause.
        source: std::io::Error,
    },
    /// A stored job is not one that this program wrote.
    #[error("report {id} in the catalog cannot be read: {reason}")]
    Foreign {
        /// The report.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// The dataset that is asked for is not held, the other one is; the text says so.
    #[error("{0}")]
    NotHeld(String),
    /// The thread that wrote an answer ended before it.
    #[error("cannot go on writing an answer: {reason}")]
    Interrupted {
        /// Why.
        reason: String,
    },
    /// An earlier state that the store does not have.
    #[error("nothing was held at {as_of}")]
    AsOf {
        /// What was asked for.
        as_of: String,
    },
}
