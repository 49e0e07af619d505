//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use calendar::{BillingPeriod, DateRange};
use clap::{ArgGroup, Args, Parser, Subcommand};
use formats::Layout;
use lake::Dimension;
use ledger::{Dataset, EnrollmentId, Grain, Scope};
use money::Currency;
use reports::Codec;

use crate::instant::{AsOf, TakenAt};

mod administration;
mod billing;

pub(crate) use self::administration::*;
pub(crate) use self::billing::{BillArgs, InitArgs};

/// Answers Azure's enterprise billing REST APIs from cost exports that you keep yourself: exact to the last digit,
/// never throttling, history without end.
///
/// Start with `lazurite demo`. To serve your own exports: `lazurite import FILE…`, `lazurite key create --enrollment
/// NUMBER`, `lazurite serve`.
#[derive(Debug, Parser)]
#[command(name = "lazurite", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a sample store from bundled real exports, serve it, and print what to try
    Demo(DemoArgs),
    /// Serve a data folder over HTTP and HTTPS
    Serve(Box<ServeArgs>),
    /// Load cost exports and balance summaries: files, folders, or export run folders with their manifest
    Import(Box<ImportArgs>),
    /// Bill native enrollments: take what their operators state and meter, then rate, amortize, draw down and close
    #[command(after_help = billing::BILL_HELP)]
    Bill(Box<BillArgs>),
    /// Write a small example of a native enrollment, to begin with
    Init(InitArgs),
    /// Departments, accounts and subscriptions of an enrollment: ids, ownership, policies
    Enrollment(EnrollmentArgs),
    /// Create, list, rotate and revoke API keys
    Key(KeyArgs),
    /// Grant roles to the subjects and groups of an OpenID Connect issuer
    Access(AccessArgs),
    /// Show what was done and what was refused
    Audit(AuditArgs),
    /// Ask a server for a Cost Details report and download it
    Report(Box<ReportArgs>),
    /// Show what is held: which periods, from which import or billing run, in which state; and which days are missing
    #[command(after_help = STATUS_HELP)]
    Status(Box<StatusArgs>),
    /// Show exact totals of charges, by day, subscription, meter and kind of charge
    Total(TotalArgs),
    /// Explain a billing period: how charges, benefits, invoice lines and the balance fit together
    Explain(ExplainArgs),
    /// Merge the small files of periods that came in many loads; a server does it by itself
    Compact(CompactArgs),
    /// End history: remove what only earlier states of the store need, so that those cannot be read any more
    ///
    /// Every state that the store ever had stays readable until this is asked for. Without --yes nothing is removed.
    Prune(PruneArgs),
    /// Check every checksum, row count, exact total and billing identity of a data folder
    Verify(VerifyArgs),
    /// Write a generated cost export or native enrollment, for trying things out and for measuring
    Sample(SampleArgs),
}

impl Command {
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Import(args) => args.json,
            Self::Bill(args) => args.json,
            Self::Init(args) => args.json,
            Self::Key(args) => match &args.command {
                KeyCommand::Create(args) => args.json,
                KeyCommand::List(args) => args.json,
                KeyCommand::Rotate(args) | KeyCommand::Revoke(args) => args.json,
            },
            Self::Enrollment(args) => match &args.command {
                EnrollmentCommand::Show(args) => args.json,
                EnrollmentCommand::Map(args) => args.json,
                EnrollmentCommand::Policy(args) => args.json,
                EnrollmentCommand::Apply(args) => args.json,
            },
            Self::Access(args) => match &args.command {
                AccessCommand::Grant(args) => args.json,
                AccessCommand::List(args) => args.json,
                AccessCommand::Revoke(args) => args.json,
            },
            Self::Audit(args) => args.json,
            Self::Serve(args) => args.json,
            Self::Status(args) => args.json,
            Self::Total(args) => args.json,
            Self::Explain(args) => args.json,
            Self::Compact(args) => args.json,
            Self::Prune(args) => args.json,
            Self::Verify(args) => args.json,
            Self::Report(args) => args.json,
            Self::Demo(_) | Self::Sample(_) => false,
        }
    }
}

/// Where the store is.
#[derive(Debug, Args, Clone)]
pub(crate) struct DataFolder {
    /// Data folder; made if it is missing
    #[arg(long = "data", value_name = "DIR", default_value = "./lazurite-data", env = "LAZURITE_DATA")]
    pub(crate) path: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder of the sample store; kept between runs
    #[arg(long = "data", value_name = "DIR", default_value = "./lazurite-data/demo")]
    pub(crate) data: PathBuf,
    /// Address for HTTP
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) listen: String,
    /// Address for HTTPS
    #[arg(long, default_value = "127.0.0.1:8443", value_name = "ADDR")]
    pub(crate) listen_tls: String,
    /// Rows of the generated enrollment, over 13 months
    #[arg(long, default_value_t = 200_000, value_name = "N")]
    pub(crate) rows: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Data folder; made if it is missing [default: ./lazurite-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "LAZURITE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Address for HTTP [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Address for HTTPS [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen_tls: Option<String>,
    /// Address of this server in links, when clients reach it by another one
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Extra name for the server certificate; may be given several times
    #[arg(long = "tls-name", value_name = "NAME")]
    pub(crate) tls_names: Vec<String>,
    /// Certificate of your own (PEM, the server's first, then the chain); needs --tls-key [default: made from a local
    /// authority]
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Key of that certificate (PEM, without password)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Seconds in the Retry-After of a running report; 0 is allowed, but Microsoft's SDK for Python then waits 30 s of its
    /// own [default: 1]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) retry_after: Option<u32>,
    /// Largest blob of a report, in bytes [default: 1073741824]
    #[arg(long, value_name = "BYTES")]
    pub(crate) blob_bytes_max: Option<u64>,
    /// Seconds that a download link is good for [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) link_life: Option<u64>,
    /// Columns of reports [default: ea_2024_08_01]
    #[arg(long, value_name = "LAYOUT")]
    pub(crate) layout: Option<Layout>,
    /// What "the current period" follows: system, latest-held, or "fixed 2023-09-15T00:00:00Z" [default: system]
    #[arg(long, value_name = "CLOCK")]
    pub(crate) clock: Option<String>,
    /// Keep the limits of the original service: one month per report, 13 months back
    #[arg(long)]
    pub(crate) emulate: bool,
    /// Print one JSON line when the server can answer
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files (cost exports as .csv or .parquet, FOCUS files too; recorded pages of usage details or Marketplace charges as
    /// .json; balance summaries, price sheets, reservation details and transactions as .json or .csv, reservation summaries as
    /// .json; packed with gzip or
    /// zstd, or .csv files alone in a zip archive), folders, or export run folders
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Enrollment number, where the files do not say it
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: Option<EnrollmentId>,
    /// Scope that the files were exported for [default: the whole enrollment]
    #[arg(long, value_parser = Scope::parse, value_name = "SCOPE")]
    pub(crate) scope: Option<Scope>,
    /// ActualCost or AmortizedCost, where no row tells
    #[arg(long, value_name = "DATASET")]
    pub(crate) dataset: Option<Dataset>,
    /// Billing period, where the files do not say it
    #[arg(long, value_parser = BillingPeriod::parse, value_name = "YYYYMM")]
    pub(crate) period: Option<BillingPeriod>,
    /// daily or monthly: what reservation summaries are about, which do not say it
    #[arg(long, value_name = "GRAIN")]
    pub(crate) grain: Option<Grain>,
    /// An answer without items is of Marketplace charges; it cannot say so itself
    #[arg(long)]
    pub(crate) marketplace: bool,
    /// Days that the files replace, both ends included [default: whole billing periods]
    #[arg(long, value_name = "FROM..TO")]
    pub(crate) days: Option<DateRange>,
    /// When the files were exported; an older run never replaces a newer one
    #[arg(long, value_name = "TIME")]
    pub(crate) taken_at: Option<TakenAt>,
    /// Currency, where the files do not say it
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<Currency>,
    /// Put rows that cannot be understood into this new file instead of refusing the import
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Read and judge everything, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The files are parts of one export, even if they share rows
    #[arg(long)]
    pub(crate) parts: bool,
    /// Leave charges of other providers than Microsoft in FOCUS files out instead of refusing them, and say how many
    #[arg(long)]
    pub(crate) skip_other_providers: bool,
    /// Replace even a newer run
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Read this data folder itself instead of asking a server; no key is needed
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address of the server
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL", env = "LAZURITE_SERVER")]
    pub(crate) server: String,
    /// CA certificate of an HTTPS server
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// API key; better given in the environment, where other users do not see it
    #[arg(long, env = "LAZURITE_KEY", hide_env_values = true, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Report on a whole enrollment
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER", conflicts_with = "scope")]
    pub(crate) enrollment: Option<EnrollmentId>,
    /// Report on a department of the enrollment
    #[arg(long, value_name = "ID", requires = "enrollment")]
    pub(crate) department: Option<String>,
    /// Report on a scope such as subscriptions/GUID
    #[arg(long, value_parser = Scope::parse, value_name = "SCOPE", required_unless_present = "enrollment")]
    pub(crate) scope: Option<Scope>,
    /// ActualCost or AmortizedCost
    #[arg(long, default_value = "ActualCost", value_name = "DATASET")]
    pub(crate) metric: Dataset,
    /// Billing period [default: the server's current one]
    #[arg(long, value_parser = BillingPeriod::parse, value_name = "YYYYMM", conflicts_with = "days")]
    pub(crate) period: Option<BillingPeriod>,
    /// Days, both ends included
    #[arg(long, value_name = "FROM..TO")]
    pub(crate) days: Option<DateRange>,
    /// Columns [default: the server's]
    #[arg(long, value_name = "LAYOUT")]
    pub(crate) layout: Option<Layout>,
    /// Add the columns that no layout knows
    #[arg(long)]
    pub(crate) unknown_columns: bool,
    /// csv, csv.gz or csv.zst, with --data [default: as the name of --out ends, else csv]
    #[arg(long, value_name = "FORM", requires = "data")]
    pub(crate) format: Option<Codec>,
    /// Encode all rows, with --data: neither use nor keep the finished text of earlier reports
    #[arg(long, requires = "data")]
    pub(crate) no_segments: bool,
    /// Threads that write, with --data [default: one per core]
    #[arg(long, value_name = "N", requires = "data")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Earlier state: a revision number or an instant such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "REVISION|TIME")]
    pub(crate) as_of: Option<AsOf>,
    /// File to write; - is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
    /// Print one JSON object about the report (needs --out FILE)
    #[arg(long)]
    pub(crate) json: bool,
}

const STATUS_HELP: &str = "\
Examples:
  lazurite status                           every billing period that is held, with rows, total and revision
  lazurite status --calendar                a line for each month, a sign for each day: what is there, what is missing
  lazurite status --calendar --period 202309 --json
                                            the same of one month, with rows and exact total of each day
  lazurite status --restated                what later revisions changed of months that were held before
  lazurite status --restated 12 --by day,subscription
                                            the same since revision 12, told by day and subscription";

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("days_or_changes").args(["calendar", "restated"]).multiple(true)))]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Show which days have charges (#), are held without any (.), are missing (!), or cannot be there yet (~)
    #[arg(long)]
    pub(crate) calendar: bool,
    /// Show what each later revision changed of billing periods that were held before, from this earlier state on or from
    /// the beginning: a revision number or an instant
    #[arg(long, value_name = "REVISION|TIME")]
    pub(crate) restated: Option<Option<AsOf>>,
    /// Tell restatements apart by: day, subscription, meter, category, charge-type, pricing-model; several with commas
    #[arg(long, value_name = "WORDS", value_delimiter = ',', requires = "restated")]
    pub(crate) by: Vec<Dimension>,
    /// Calendar and restatements of this enrollment alone
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER", requires = "days_or_changes")]
    pub(crate) enrollment: Option<EnrollmentId>,
    /// Calendar and restatements of this billing period alone
    #[arg(long, value_parser = BillingPeriod::parse, value_name = "YYYYMM", requires = "days_or_changes")]
    pub(crate) period: Option<BillingPeriod>,
    /// Earlier state: a revision number or an instant such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "REVISION|TIME")]
    pub(crate) as_of: Option<AsOf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TotalArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Of which enrollment
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: EnrollmentId,
    /// ActualCost or AmortizedCost
    #[arg(long, default_value = "ActualCost", value_name = "DATASET")]
    pub(crate) metric: Dataset,
    /// Billing period
    #[arg(long, value_parser = BillingPeriod::parse, value_name = "YYYYMM", required_unless_present = "days", conflicts_with = "days")]
    pub(crate) period: Option<BillingPeriod>,
    /// Days, both ends included
    #[arg(long, value_name = "FROM..TO")]
    pub(crate) days: Option<DateRange>,
    /// Told apart by: day, subscription, meter, category, charge-type, pricing-model; several with commas
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    pub(crate) by: Vec<Dimension>,
    /// Show what changed since this earlier state: a revision number or an instant
    #[arg(long, value_name = "REVISION|TIME")]
    pub(crate) since: Option<AsOf>,
    /// Earlier state: a revision number or an instant such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "REVISION|TIME")]
    pub(crate) as_of: Option<AsOf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Billing period
    #[arg(value_parser = BillingPeriod::parse, value_name = "YYYYMM")]
    pub(crate) period: BillingPeriod,
    /// Enrollment; needed where several are held
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: Option<EnrollmentId>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Earlier state: a revision number or an instant such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "REVISION|TIME")]
    pub(crate) as_of: Option<AsOf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompactArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Oldest state that stays readable: a revision number or an instant such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "REVISION|TIME")]
    pub(crate) keep_from: AsOf,
    /// Also remove the kept source files of imports of which that state holds nothing
    #[arg(long)]
    pub(crate) sources: bool,
    /// Remove for good; without it, only tell what would go
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    /// File to write; with several months, a folder
    #[arg(long, short, value_name = "PATH", required_unless_present = "native")]
    pub(crate) out: Option<PathBuf>,
    /// Rows over all months
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub(crate) rows: u64,
    /// Number of months
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) months: u32,
    /// First month
    #[arg(long, value_parser = BillingPeriod::parse, default_value = "202501", value_name = "YYYYMM")]
    pub(crate) first_month: BillingPeriod,
    /// Enrollment number in the rows
    #[arg(long, default_value = "8611001", value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: EnrollmentId,
    /// Departments that the rows are dealt out to; as many accounts and subscriptions at least
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub(crate) departments: u32,
    /// Random AdditionalInfo and changing tags, as in less regular real files
    #[arg(long)]
    pub(crate) high_entropy: bool,
    /// Same seed, same bytes
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Write a native enrollment into this folder instead: hierarchy, price sheet, orders and usage, to be billed
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "rows", "departments", "high_entropy"])]
    pub(crate) native: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) native_sizes: NativeSampleArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "With --native")]
pub(crate) struct NativeSampleArgs {
    /// Usage records over all months
    #[arg(long, default_value_t = 5_000, value_name = "N", requires = "native")]
    pub(crate) usage_records: u64,
    /// Write usage as Parquet instead of NDJSON
    #[arg(long, requires = "native")]
    pub(crate) usage_parquet: bool,
    /// Resources with a meter each [default: for ten records a day each]
    #[arg(long, value_name = "N", requires = "native")]
    pub(crate) lines: Option<u64>,
    /// Number of subscriptions
    #[arg(long, default_value_t = 12, value_name = "N", requires = "native")]
    pub(crate) subscriptions: u32,
    /// Reservations that are bought
    #[arg(long, default_value_t = 12, value_name = "N", requires = "native")]
    pub(crate) reservations: u32,
    /// Savings plans that are bought
    #[arg(long, default_value_t = 3, value_name = "N", requires = "native")]
    pub(crate) savings_plans: u32,
    /// Currency of the enrollment
    #[arg(long, default_value = "USD", value_parser = Currency::parse, value_name = "CODE", requires = "native")]
    pub(crate) currency: Currency,
}
