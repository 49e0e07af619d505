//! Why native input or a billing run was refused or failed.

use calendar::BillingPeriod;
use formats::native::{NativeError, UsageStoreError};
use imports::{ImportError, RefusedRecord};
use ledger::billing::{BillError, OrderError};
use ledger::{EnrollmentId, HierarchyError};
use money::Currency;

/// Why nothing was taken or billed. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// A file cannot be understood.
    #[error(transparent)]
    Input(#[from] NativeError),
    /// A path cannot be read.
    #[error("cannot read {path}: {source}")]
    Path {
        /// The path as given.
        path: String,
        /// Cause.
        source: std::io::Error,
    },
    /// A path has nothing that is native input.
    #[error("{path} holds no native input: expected .json, .csv, .ndjson, .jsonl or .parquet files")]
    NothingThere {
        /// The path as given.
        path: String,
    },
    /// Usage where documents are expected.
    #[error("{file} is usage; usage is taken in batches of its own")]
    IsUsage {
        /// The file.
        file: String,
    },
    /// A document where usage is expected.
    #[error("{file} is no usage; expected NDJSON, CSV or Parquet with subscriptionId, meterId, date or time, quantity")]
    NotUsage {
        /// The file.
        file: String,
    },
    /// A fact that neither the file nor the caller states.
    #[error("{file} does not say its enrollment; say it with --enrollment NUMBER")]
    WhichEnrollment {
        /// The file.
        file: String,
    },
    /// Two documents that cannot both be meant.
    #[error("{first} and {second} both {what}; keep one of them")]
    Twice {
        /// The first file.
        first: String,
        /// The second file.
        second: String,
        /// What both do.
        what: String,
    },
    /// Nothing is known of the enrollment.
    #[error(
        "enrollment {enrollment} is not billed here: state it first, or in the same command, with an enrollment document \
         (\"kind\": \"enrollment\")"
    )]
    UnknownEnrollment {
        /// The enrollment.
        enrollment: EnrollmentId,
    },
    /// Nothing of the enrollment was known at the instant of asking.
    #[error(
        "enrollment {enrollment} was stated at {since}, after the instant {as_of} that is asked for; ask for a later one"
    )]
    NotYetKnown {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// When it was stated first.
        since: String,
        /// The instant of asking.
        as_of: String,
    },
    /// The enrollment is mirrored.
    #[error(
        "{file}: enrollment {enrollment} is mirrored ({held} is held), and an enrollment is mirrored or billed here, never \
         both; use another number, or another data folder (--data)"
    )]
    Mirrored {
        /// The file.
        file: String,
        /// The enrollment.
        enrollment: EnrollmentId,
        /// What is held.
        held: String,
    },
    /// An enrollment has one currency.
    #[error("{file} is in {given}, enrollment {enrollment} is billed in {known}; expected {known}")]
    Currency {
        /// The file.
        file: String,
        /// The enrollment.
        enrollment: EnrollmentId,
        /// Its currency.
        known: Currency,
        /// The file's.
        given: Currency,
    },
    /// A subscription belongs to one enrollment at a time.
    #[error("enrollment {enrollment}: {source}")]
    Ownership {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// Which subscription, and since when.
        source: HierarchyError,
    },
    /// An order that is known with other content.
    #[error(
        "{file}: order {order} is known with other content; an order is never changed: give it back, credit it, or use \
         another id"
    )]
    OrderChanged {
        /// The file.
        file: String,
        /// The order's id.
        order: String,
    },
    /// Orders that cannot be true together.
    #[error("{file}: {source}")]
    Order {
        /// The file.
        file: String,
        /// Why.
        source: OrderError,
    },
    /// Input that would change a closed period.
    #[error(
        "{file}: {what} would change {period}, which is closed; to bill {period} and all later periods again: lazurite bill \
         --reopen {period}"
    )]
    Closed {
        /// The file.
        file: String,
        /// What would change the period.
        what: String,
        /// The first closed period that would change.
        period: BillingPeriod,
    },
    /// Input about a time before the enrollment is billed here.
    #[error("{file}: {what} lies before {start}, the first period that is billed here; expected {start} or later")]
    BeforeStart {
        /// The file.
        file: String,
        /// What lies before.
        what: String,
        /// The enrollment's first period.
        start: BillingPeriod,
    },
    /// Stored usage mixes hourly and daily usage on a day of a benefit (D-39).
    #[error(
        "{file}: benefit {benefit} could cover both hourly and daily usage of {day} that is there already (daily: meter \
         {daily}, hourly: meter {hourly}); correct the usage first"
    )]
    MixedUsage {
        /// The file.
        file: String,
        /// Order id of the benefit.
        benefit: String,
        /// The day.
        day: calendar::Date,
        /// A meter with daily usage.
        daily: String,
        /// A meter with hourly usage.
        hourly: String,
    },
    /// A batch that was taken with other content.
    #[error(
        "batch {batch} of enrollment {enrollment} was taken already with other content ({held}, now {given}); give it another \
         id"
    )]
    BatchChanged {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// The batch.
        batch: String,
        /// SHA-256 of what was taken.
        held: String,
        /// SHA-256 of what is there now.
        given: String,
    },
    /// An id that no batch can have.
    #[error("{batch:?} is no id of a batch: expected 1 to 128 printable ASCII characters without blanks")]
    BatchId {
        /// The refused text, cut to a printable length.
        batch: String,
    },
    /// Records of usage are refused, and the caller wants all or nothing.
    #[error("{file}: {refused} of {records} records are refused, so none is taken; the first: {first}")]
    RecordsRefused {
        /// The file.
        file: String,
        /// How many are refused.
        refused: u64,
        /// How many there are.
        records: u64,
        /// The first refused one.
        first: String,
        /// The first of them.
        refusals: Vec<RefusedRecord>,
    },
    /// A period that cannot be asked for.
    #[error("period {period} of enrollment {enrollment} {reason}")]
    Period {
        /// The period.
        period: BillingPeriod,
        /// The enrollment.
        enrollment: EnrollmentId,
        /// Why, and what would be right.
        reason: String,
    },
    /// A later run is held.
    #[error(
        "enrollment {enrollment} was billed as of {held} already (revision {revision}); {given} is older: ask for a later instant"
    )]
    Stale {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// The instant of the held run.
        held: String,
        /// Its revision.
        revision: u64,
        /// The instant that was asked for.
        given: String,
    },
    /// The engine cannot bill a period.
    #[error("enrollment {enrollment}: {source}")]
    Bill {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// Why.
        source: BillError,
    },
    /// Something else kept changing the enrollment.
    #[error("enrollment {enrollment} kept changing meanwhile; try again")]
    Busy {
        /// The enrollment.
        enrollment: EnrollmentId,
    },
    /// Stored input cannot be read back.
    #[error("stored {what} of enrollment {enrollment} cannot be read: {reason}")]
    Stored {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// Which input.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// Stored usage cannot be read back.
    #[error(transparent)]
    Usage(#[from] UsageStoreError),
    /// Committing failed.
    #[error(transparent)]
    Store(Box<ImportError>),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::CatalogError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// A background task ended unexpectedly.
    #[error("a worker ended unexpectedly: {reason}")]
    Worker {
        /// What the runtime said.
        reason: String,
    },
}

impl From<ImportError> for BillingError {
    fn from(error: ImportError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl BillingError {
    /// A stable word for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Input(error) => error.code(),
            Self::Path { .. } => "Unreadable",
            Self::NothingThere { .. } => "NothingThere",
            Self::IsUsage { .. } | Self::NotUsage { .. } => "OtherKind",
            Self::WhichEnrollment { .. } => "MissingFact",
            Self::Twice { .. } => "Ambiguous",
            Self::UnknownEnrollment { .. } | Self::NotYetKnown { .. } => "UnknownEnrollment",
            Self::Mirrored { .. } => "MirroredEnrollment",
            Self::Currency { .. } => "CurrencyMismatch",
            Self::Ownership { .. } => "InvalidHierarchy",
            Self::OrderChanged { .. } => "OrderChanged",
            Self::Order { .. } => "InvalidOrder",
            Self::Closed { .. } => "PeriodClosed",
            Self::BeforeStart { .. } => "BeforeStart",
            Self::MixedUsage { .. } => "MixedUsage",
            Self::BatchChanged { .. } => "BatchChanged",
            Self::BatchId { .. } => "InvalidBatchId",
            Self::RecordsRefused { .. } => "RecordsRefused",
            Self::Period { .. } => "InvalidPeriod",
            Self::Stale { .. } => "Stale",
            Self::Bill { .. } => "CannotBill",
            Self::Busy { .. } => "Busy",
            Self::Store(error) => error.code(),
            Self::Stored { .. } | Self::Usage(_) | Self::Catalog(_) | Self::Lake(_) | Self::Worker { .. } => {
                "StoreFailure"
            }
        }
    }

    /// Whether the input was refused, as opposed to the store failing.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Store(error) => error.is_refusal(),
            _ => !matches!(self.code(), "StoreFailure" | "Busy"),
        }
    }

    /// File, line and member or column of the fault, as far as they are known.
    pub fn place(&self) -> (Option<&str>, Option<u64>, Option<&str>) {
        match self {
            Self::Input(error) => error.place(),
            Self::Path { path: file, .. }
            | Self::NothingThere { path: file }
            | Self::IsUsage { file }
            | Self::NotUsage { file }
            | Self::WhichEnrollment { file }
            | Self::Mirrored { file, .. }
            | Self::Currency { file, .. }
            | Self::OrderChanged { file, .. }
            | Self::Closed { file, .. }
            | Self::BeforeStart { file, .. }
            | Self::MixedUsage { file, .. }
            | Self::RecordsRefused { file, .. }
            | Self::Twice { second: file, .. } => (Some(file), None, None),
            Self::Order { file, source } => (Some(file), None, Some(source.field)),
            _ => (None, None, None),
        }
    }
}

/// An instant as people read it, in UTC, to the second.
pub(crate) fn instant_text(instant: ledger::billing::Instant) -> String {
    let second = instant.0.div_euclid(1_000_000).rem_euclid(86_400);
    let date = instant.date().map_or_else(|_| "?".to_owned(), |date| date.to_string());
    format!("{date}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}
