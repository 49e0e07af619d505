//! Why an import was refused or failed.

use std::borrow::Cow;

use calendar::DateRange;
use formats::{InputError, ManifestError};
use ledger::{Holding, Publishers};

/// Why an import did not happen. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be understood.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A path cannot be read.
    #[error("cannot read {path}: {source}")]
    Path {
        /// The path as given.
        path: String,
        /// Cause.
        source: std::io::Error,
    },
    /// A folder holds nothing to import.
    #[error(
        "{path} holds no .csv or .json file, plain or packed (.gz, .zst, .csv.zip), and no .parquet file that can be imported"
    )]
    NothingThere {
        /// The path as given.
        path: String,
    },
    /// An export run's manifest is not usable.
    #[error("{path}: {source}")]
    Manifest {
        /// Path of the manifest.
        path: String,
        /// Cause.
        source: ManifestError,
    },
    /// An export run is not complete.
    #[error("the export run of {manifest} is not complete: {reason}; import it again when all parts are there")]
    IncompleteRun {
        /// Path of the manifest.
        manifest: String,
        /// What is missing.
        reason: String,
    },
    /// Files that cannot be told to be parts or runs.
    #[error("{reason}")]
    Ambiguous {
        /// What is ambiguous, and how to say it clearly.
        reason: String,
    },
    /// A newer run is held.
    #[error(
        "stale: {what} holds a run of {held} (revision {revision}), newer than this one of {given}; \
         use --force to replace it all the same"
    )]
    Stale {
        /// The unit.
        what: String,
        /// Run time of the held one.
        held: String,
        /// Its revision.
        revision: String,
        /// Run time of the refused one.
        given: String,
    },
    /// An answer without its last page would take the place of a whole one.
    #[error(
        "incomplete: pages of the answer are missing, and {what} is held complete (revision {revision}); replacing it would \
         lose charges. Import the answer with its last page; use --force to replace it all the same"
    )]
    IncompleteAnswer {
        /// The unit that is held complete.
        what: String,
        /// Its revision.
        revision: String,
    },
    /// Files of one command say two currencies of an enrollment.
    #[error("{first} and {second} say two currencies of enrollment {enrollment}, which is billed in one")]
    TwoCurrencies {
        /// The enrollment.
        enrollment: String,
        /// A file, with its currency.
        first: String,
        /// Another file, with its currency.
        second: String,
    },
    /// An answer without items would empty what is held.
    #[error(
        "{file} is an answer without items, which does not say what it is about, and {what} is held (revision {revision}): it \
         would be emptied. Leave the file out; if there are no charges any more, use --force; if it is an answer about \
         Marketplace charges, say --marketplace"
    )]
    EmptyAnswer {
        /// The file.
        file: String,
        /// What is held.
        what: String,
        /// Its revision.
        revision: String,
    },
    /// An answer about one subscription would take the place of charges of several.
    #[error(
        "{file} is an answer with charges of the subscription {subscription} alone, and {held} has those of others, \
         which would be lost. If the subscription was asked, say --scope subscriptions/{subscription}; \
         if the enrollment was and has no other charges any more, say --scope {scope}"
    )]
    LostSubscriptions {
        /// A file of the answer.
        file: String,
        /// The only one of its charges.
        subscription: String,
        /// What is held, with its revision.
        held: String,
        /// Its scope.
        scope: String,
    },
    /// Marketplace charges are held, or would be, in two forms.
    #[error(
        "overlap: {what} has Marketplace charges, and {other} (revision {revision}) has them too: they would count twice. To \
         let an export take the place of Marketplace answers, empty these first: import a file that holds {{\"value\":[]}} \
         with --marketplace, --scope {scope}, --enrollment, --dataset ActualCost and --period"
    )]
    MarketplaceTwice {
        /// What is refused.
        what: String,
        /// What is held.
        other: String,
        /// Its revision.
        revision: String,
        /// The scope of the Marketplace answers.
        scope: String,
    },
    /// An answer about a part of a month would take the place of one that has more days.
    #[error(
        "incomplete: {file} has transactions of {days}, and {what} is held with those of {held} (revision {revision}); an import \
         replaces the month as a whole, which would lose rows. Import an answer about the whole month; use --force to replace \
         it all the same"
    )]
    PartOfMonth {
        /// A file of the answer.
        file: String,
        /// The first and the last day of its events.
        days: DateRange,
        /// The month.
        what: String,
        /// The first and the last day of the events that are held.
        held: DateRange,
        /// The revision that holds them.
        revision: String,
    },
    /// Another source scope holds these charges.
    #[error(
        "overlap: {what} is already held from the source scope {scope} (revision {revision}); importing it again from \
         {given} would count charges twice. To change the scope of these days, empty them first: import a file with only \
         {emptied_by} with --scope {scope}, --enrollment, --dataset and --period"
    )]
    Overlap {
        /// Enrollment, dataset and days.
        what: String,
        /// What a file has that empties days of the source.
        emptied_by: &'static str,
        /// The holding scope.
        scope: String,
        /// Its revision.
        revision: String,
        /// The refused scope.
        given: String,
    },
    /// Prices and what is said of reservations are about a whole enrollment.
    #[error("{file} is about a whole enrollment, but --scope is {scope}")]
    SheetScope {
        /// The file.
        file: String,
        /// The refused scope.
        scope: String,
    },
    /// The enrollment is billed in another currency.
    #[error("enrollment {enrollment} is billed in {known}, but {file} is in {given}; an enrollment has one currency")]
    Currency {
        /// The enrollment.
        enrollment: String,
        /// Its currency.
        known: String,
        /// The file.
        file: String,
        /// The refused currency.
        given: String,
    },
    /// The rejects file would overwrite something.
    #[error("{path} exists and does not hold rejected rows; give --rejects the name of a new file")]
    RejectsTaken {
        /// The refused path.
        path: String,
    },
    /// Several files look like several exports of the same charges.
    #[error(
        "{first} and {second} hold mostly the same rows of {dataset} {period}: together they would count charges twice. \
         Import the newest alone; if they are parts of one export all the same, say --parts"
    )]
    Doubled {
        /// One file.
        first: String,
        /// The other.
        second: String,
        /// The dataset that both hold.
        dataset: ledger::Dataset,
        /// A billing period that both hold.
        period: String,
    },
    /// One file of a run was named.
    #[error(
        "{path} lies beside {manifest}: import the folder, so that the run comes in as a whole; if the file is no part of the \
         run, move it elsewhere"
    )]
    OnePart {
        /// The file.
        path: String,
        /// The manifest.
        manifest: String,
    },
    /// A billing period has two balance summaries in one command.
    #[error(
        "{first} and {second} hold different balance summaries of enrollment {enrollment} for {period}; import the one that \
         counts"
    )]
    TwoBalances {
        /// One file.
        first: String,
        /// The other; the same one, if it holds both.
        second: String,
        /// The enrollment.
        enrollment: String,
        /// The billing period.
        period: String,
    },
    /// A balance is that of a whole enrollment.
    #[error("{file} holds the balance of a whole enrollment, but --scope is {scope}")]
    BalanceScope {
        /// The file.
        file: String,
        /// The refused scope.
        scope: String,
    },
    /// A file of balance summaries is longer than any.
    #[error("{file} is longer than {bytes_max} bytes; no file of balance summaries is")]
    BalancesTooLong {
        /// The file.
        file: String,
        /// The limit.
        bytes_max: usize,
    },
    /// History cannot be ended while an import runs.
    #[error(
        "an import is running in this data folder, or history is being ended by another program, or the file system cannot tell; \
         nothing was removed. Try again when it has ended"
    )]
    ImportsRunning,
    /// A run time that has not come yet.
    #[error("--taken-at {given} is in the future; every export until then would be refused as older")]
    Future {
        /// The refused time.
        given: String,
    },
    /// A later run of the same command failed; the ones before are in.
    #[error("{imported} from earlier runs of this command; then: {source}")]
    LaterRun {
        /// What was imported.
        imported: String,
        /// Why the next run was not.
        source: Box<ImportError>,
    },
    /// The catalog has seen versions that the lake does not have.
    #[error(
        "the catalog knows revision {progress}, but the lake ends at {newest}: was it restored from a backup? Restore the \
         catalog (catalog.sqlite) of the same time, or move it away to have it made anew from the lake (keys and balances are lost)"
    )]
    LakeBehind {
        /// The catalog's newest version.
        progress: u64,
        /// The lake's.
        newest: u64,
    },
    /// The catalog knows of usage that the usage table does not have.
    #[error(
        "the catalog knows version {progress} of the usage table, but the table ends at {}: was it restored from a backup? \
         Restore the catalog (catalog.sqlite) of the same time",
        newest.map_or_else(|| "none".to_owned(), |newest| newest.to_string())
    )]
    UsageBehind {
        /// The catalog's newest version.
        progress: u64,
        /// The table's; `None`: there is no table.
        newest: Option<u64>,
    },
    /// The enrollment is billed here, not imported.
    #[error(
        "{file} is about enrollment {enrollment}, which is native: it is billed here from its usage, prices and orders \
         (lazurite bill), and an import would count its charges twice. Import it into another data folder (--data), or \
         correct the enrollment's number"
    )]
    NativeEnrollment {
        /// The file.
        file: String,
        /// The enrollment.
        enrollment: String,
    },
    /// Periods were closed or opened again while they were billed.
    #[error("periods of enrollment {enrollment} were closed or opened again while it was billed; nothing was changed")]
    BoundaryMoved {
        /// The enrollment.
        enrollment: String,
    },
    /// The usage table's log holds a record that this program cannot read.
    #[error("version {version} of the usage table has a record that this program cannot read: {reason}")]
    ForeignUsageRecord {
        /// The version of the usage table.
        version: u64,
        /// What is wrong.
        reason: String,
    },
    /// There is no store.
    #[error(
        "there is no store in {folder}; name one with --data, or make one with: lazurite import FILE --data {folder}"
    )]
    NoStore {
        /// The folder.
        folder: String,
    },
    /// Every row was rejected.
    #[error("every row of {file} was rejected; nothing is imported")]
    NothingLeft {
        /// The file.
        file: String,
    },
    /// Too many imports at the same time.
    #[error("other imports kept committing first; try again when they are done")]
    Busy,
    /// What was written is not what was read. A fault of this program.
    #[error("internal check failed: {what}: read {read}, wrote {written}; nothing was imported, please report this")]
    ControlTotal {
        /// What was compared.
        what: String,
        /// What the reader counted.
        read: String,
        /// What the writer counted.
        written: String,
    },
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::CatalogError),
    /// Working files or the rejects file failed.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was being done to what.
        doing: String,
        /// Cause.
        source: std::io::Error,
    },
    /// A worker thread ended unexpectedly.
    #[error("a worker of the import ended unexpectedly: {reason}")]
    Worker {
        /// What the runtime said.
        reason: String,
    },
    /// The lake's log holds a record that this program cannot read.
    #[error("revision {version} of the lake has an import record that this program cannot read: {reason}")]
    ForeignRecord {
        /// The lake version.
        version: u64,
        /// What is wrong.
        reason: String,
    },
}

impl ImportError {
    /// A stable word for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Input(error) => error.code(),
            Self::Path { .. } => "Unreadable",
            Self::NothingThere { .. } => "NothingToImport",
            Self::Manifest { .. } => "InvalidManifest",
            Self::IncompleteRun { .. } => "IncompleteRun",
            Self::Ambiguous { .. } => "Ambiguous",
            Self::Stale { .. } => "StaleRun",
            Self::IncompleteAnswer { .. } | Self::PartOfMonth { .. } => "IncompleteAnswer",
            Self::LostSubscriptions { .. } => "LostSubscriptions",
            Self::EmptyAnswer { .. } => "EmptyAnswer",
            Self::Overlap { .. } | Self::MarketplaceTwice { .. } => "OverlappingScope",
            Self::Currency { .. } | Self::TwoCurrencies { .. } => "CurrencyMismatch",
            Self::NothingLeft { .. } => "EverythingRejected",
            Self::RejectsTaken { .. } => "RejectsTaken",
            Self::Doubled { .. } => "DoubledCharges",
            Self::OnePart { .. } => "IncompleteRun",
            Self::TwoBalances { .. } => "Ambiguous",
            Self::BalanceScope { .. } | Self::SheetScope { .. } => "Contradiction",
            Self::BalancesTooLong { .. } => "InvalidBalance",
            Self::Future { .. } => "FutureRun",
            Self::LaterRun { source, .. } => source.code(),
            Self::NoStore { .. } => "NoStore",
            Self::Busy | Self::ImportsRunning => "Busy",
            Self::ControlTotal { .. } => "ControlTotal",
            Self::Lake(lake::LakeError::NoSuchVersion { .. } | lake::LakeError::EndedVersion { .. }) => {
                "NoSuchRevision"
            }
            Self::NativeEnrollment { .. } => "NativeEnrollment",
            Self::BoundaryMoved { .. } => "Busy",
            Self::LakeBehind { .. }
            | Self::UsageBehind { .. }
            | Self::ForeignUsageRecord { .. }
            | Self::Lake(_)
            | Self::Catalog(_)
            | Self::Io { .. }
            | Self::Worker { .. }
            | Self::ForeignRecord { .. } => "StoreFailure",
        }
    }

    /// Whether the input was refused, as opposed to the store failing.
    pub fn is_refusal(&self) -> bool {
        !matches!(self.code(), "StoreFailure" | "ControlTotal" | "Busy")
    }

    /// File, line and column of the fault, as far as they are known.
    pub fn place(&self) -> (Option<&str>, Option<u64>, Option<Cow<'_, str>>) {
        match self {
            Self::Input(error) => error.place(),
            Self::Path { path, .. } | Self::NothingThere { path } | Self::Manifest { path, .. } => {
                (Some(path), None, None)
            }
            Self::IncompleteRun { manifest, .. } => (Some(manifest), None, None),
            Self::RejectsTaken { path } | Self::OnePart { path, .. } | Self::Doubled { second: path, .. } => {
                (Some(path), None, None)
            }
            Self::LaterRun { source, .. } => source.place(),
            Self::TwoBalances { second: file, .. }
            | Self::BalanceScope { file, .. }
            | Self::SheetScope { file, .. }
            | Self::BalancesTooLong { file, .. } => (Some(file), None, None),
            Self::Currency { file, .. } | Self::NothingLeft { file } | Self::NativeEnrollment { file, .. } => {
                (Some(file), None, None)
            }
            _ => (None, None, None),
        }
    }

    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    pub(crate) fn marketplace_twice(held: &Holding, new: &ledger::Unit) -> Self {
        let told = |unit: &ledger::Unit| {
            let alone = if unit.publishers.is_all() { "" } else { " of the Marketplace alone" };
            format!("{} {}{alone} of enrollment {}", unit.dataset, unit.coverage, unit.enrollment)
        };
        let answers = if new.publishers.is_all() { &held.unit } else { new };
        Self::MarketplaceTwice {
            what: told(new),
            other: told(&held.unit),
            revision: held.revision.clone(),
            scope: answers.scope.to_string(),
        }
    }

    pub(crate) fn overlap(held: &Holding, new: &ledger::Unit) -> Self {
        Self::Overlap {
            what: format!("{} {} of enrollment {}", new.dataset, held.unit.coverage, new.enrollment),
            emptied_by: match held.unit.publishers {
                Publishers::All => "the header line",
                Publishers::Marketplace => "{\"value\":[]} and --marketplace,",
            },
            scope: held.unit.scope.to_string(),
            revision: held.revision.clone(),
            given: new.scope.to_string(),
        }
    }
}
