//! What can go wrong with a page.

/// Why a page cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The token is not one of ours.
    #[error(transparent)]
    Token(#[from] odata::TokenError),
    /// The token belongs to another question.
    #[error(
        "$skiptoken belongs to another request: scope, billing period, filter or metric differ; follow nextLink as it came"
    )]
    OtherQuestion,
    /// The caller may not read any more what the walk shows, or the walk is too old.
    #[error(
        "what you may read has changed since the first page, or the walk is older than a week; ask again from the first page"
    )]
    RightsChanged,
    /// The dataset that is asked for is not held, the other one is; the text says so.
    #[error("{0}")]
    NotHeld(String),
    /// More groups than an answer can have.
    #[error("the rows have more than {} different tags; ask for a shorter time", lake::GROUPS_MAX)]
    TooManyGroups,
    /// More rows of reservations than an answer can have.
    #[error("the answer has more than {} rows; ask for a shorter time, or for one reservation", crate::SHEET_ROWS_MAX)]
    TooManyRows,
    /// A sum that exceeds 256 bits.
    #[error("cannot add up reservation-hours: {0}")]
    Sum(String),
    /// The stored rows of a sheet cannot be read.
    #[error("the sheet {revision} is damaged: {reason}")]
    DamagedSheet {
        /// Its revision.
        revision: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More tags than an answer can have.
    #[error(
        "the different tags of the rows take more than {} MiB; ask for a shorter time or a smaller scope",
        lake::TAGS_BYTES_MAX >> 20
    )]
    TooManyTags,
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::CatalogError),
    /// A batch of the lake cannot be written.
    #[error(transparent)]
    Encode(#[from] formats::EncodeError),
}
