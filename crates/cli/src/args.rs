//! The command line.

use std::path::PathBuf;

use access::{KeyHolder, Role, RoleError};
use calendar::{BillingPeriod, DateRange};
use clap::{Args, Parser, Subcommand};
use formats::Layout;
use ledger::{Dataset, EnrollmentId, Scope, SubscriptionId};
use money::Currency;

use crate::instant::{AsOf, TakenAt};

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
    #[command(after_help = BILL_HELP)]
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
    /// Show what is held: which periods, from which import or billing run, in which state
    Status(StatusArgs),
    /// Explain a billing period: how charges, benefits, invoice lines and the balance fit together
    Explain(ExplainArgs),
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
            Self::Explain(args) => args.json,
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
    /// Files (cost exports as .csv or .csv.gz; recorded pages of usage details as .json or .json.gz; balance summaries as
    /// .json or .csv), folders, or export run folders
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
    /// Replace even a newer run
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `lazurite bill --help` says at its end.
const BILL_HELP: &str = "\
Examples:
  lazurite bill contoso/                      take the files of a folder, then bill what they concern
  lazurite bill may-17.ndjson                 take a day's usage, then bill the open period
  lazurite bill                               bill the open periods of all native enrollments again
  lazurite bill --reopen 202505 --reason \"price of the meter d2 was wrong\" --enrollment 7000001 prices.csv

The same files again change nothing. A period closes on the 5th of the next month, 00:00 UTC, with the first run after
that; later usage of it is billed in the period in which it arrives. A closed period changes only with --reopen.
Exit codes: 0 done, 3 done but records of usage were refused, 2 refused, 1 anything else.
The files: docs/NATIVE.md. The daily work: docs/BILLING.md. An example to begin with: lazurite init --native DIR";

#[derive(Debug, Args)]
pub(crate) struct BillArgs {
    /// Files or folders with enrollments, orders, price sheets and usage, told apart by their content [default: nothing new]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Enrollment number: whose usage and price sheets, where files do not say it; without PATH, the one to bill
    /// [default: that of the documents, or all]
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: Option<EnrollmentId>,
    /// Last period to bill [default: that of --as-of]
    #[arg(long, value_parser = BillingPeriod::parse, value_name = "YYYYMM")]
    pub(crate) period: Option<BillingPeriod>,
    /// Bill as it was known at this instant [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) as_of: Option<TakenAt>,
    /// When the files were received; records of usage may say it themselves [default: the instant of --as-of, else now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) received_at: Option<TakenAt>,
    /// Id of the batch, for a single file of usage [default: a digest of its content]
    #[arg(long, value_name = "ID")]
    pub(crate) batch_id: Option<String>,
    /// First period of price sheets that do not say it
    #[arg(long, value_parser = BillingPeriod::parse, value_name = "YYYYMM")]
    pub(crate) prices_from: Option<BillingPeriod>,
    /// Last period of price sheets that do not say it, inclusive [default: until a later sheet begins]
    #[arg(long, value_parser = BillingPeriod::parse, value_name = "YYYYMM", requires = "prices_from")]
    pub(crate) prices_through: Option<BillingPeriod>,
    /// Open this closed period and all later ones again, and bill them anew; needs --reason
    #[arg(long, value_parser = BillingPeriod::parse, value_name = "YYYYMM", requires = "reason")]
    pub(crate) reopen: Option<BillingPeriod>,
    /// Why a closed period is opened again; kept with the revision
    #[arg(long, value_name = "TEXT", requires = "reopen")]
    pub(crate) reason: Option<String>,
    /// Put refused records of usage into this new file (CSV) instead of refusing the file they stand in
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Judge the documents, change nothing; usage is not judged, nothing is billed
    #[arg(long, requires = "paths", conflicts_with = "rejects")]
    pub(crate) dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Write an enrollment, a price sheet, orders and a month of usage into this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) native: PathBuf,
    /// Number of the enrollment
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER", default_value = "7000001")]
    pub(crate) enrollment: EnrollmentId,
    /// Its first month, of which there is usage [default: last month]
    #[arg(long, value_parser = BillingPeriod::parse, value_name = "YYYYMM")]
    pub(crate) month: Option<BillingPeriod>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create a key; it is shown once
    Create(KeyCreateArgs),
    /// List the keys, without their secrets
    List(KeyListArgs),
    /// Replace a key: a new one for the same holder is shown, the old one ends at once
    Rotate(KeyIdArgs),
    /// Revoke a key at once
    Revoke(KeyIdArgs),
}

/// A scope of an enrollment and a role on it.
#[derive(Debug, Args, Clone)]
pub(crate) struct HolderArgs {
    /// Enrollment number
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: EnrollmentId,
    /// Only this department of it; lazurite status shows the ids
    #[arg(long, value_name = "ID", group = "part")]
    pub(crate) department: Option<String>,
    /// Only this enrollment account of it
    #[arg(long, value_name = "ID", group = "part")]
    pub(crate) account: Option<String>,
    /// Only this subscription of it
    #[arg(long, value_parser = SubscriptionId::parse, value_name = "GUID", group = "part")]
    pub(crate) subscription: Option<SubscriptionId>,
    /// EnterpriseAdministrator, EnterpriseReader, EnterprisePurchaser, DepartmentAdministrator, DepartmentReader,
    /// AccountOwner, Owner, Contributor, Reader, CostManagementContributor or CostManagementReader [default: the one that
    /// may only read]
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<Role>,
}

impl HolderArgs {
    pub(crate) fn holder(&self) -> Result<KeyHolder, String> {
        let enrollment = self.enrollment.clone();
        let part = |kind: &str, id: &String| {
            let scope = Scope::parse(&format!("billingAccounts/{enrollment}/{kind}/{id}"));
            scope.map_err(|_| format!("{id:?} is not an id; lazurite status shows the ids"))
        };
        let scope = match (&self.department, &self.account, self.subscription) {
            (Some(id), _, _) => part("departments", id)?,
            (_, Some(id), _) => part("enrollmentAccounts", id)?,
            (_, _, Some(id)) => Scope::Subscription(id),
            _ => Scope::BillingAccount(enrollment.clone()),
        };
        let role = self.role.or(Role::least_of(&scope)).ok_or("there is no role on this scope")?;
        role.check(&scope).map_err(|error: RoleError| error.to_string())?;
        Ok(KeyHolder { enrollment, scope, role })
    }
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentArgs {
    #[command(subcommand)]
    pub(crate) command: EnrollmentCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnrollmentCommand {
    /// Show departments, accounts and subscriptions with their ids, and the policies
    Show(EnrollmentShowArgs),
    /// Say which id a department or account has in rows that carry only its name
    Map(EnrollmentMapArgs),
    /// Show or change who sees charges
    Policy(EnrollmentPolicyArgs),
    /// Replace what is stated of the hierarchy by a file (TOML or JSON): departments, accounts, subscriptions, and since
    /// when each belongs to which
    Apply(EnrollmentApplyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentShowArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Enrollment number [default: all]
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: Option<EnrollmentId>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentMapArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Enrollment number
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: EnrollmentId,
    /// Name of a department as rows have it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["account", "owner"], required_unless_present_any = ["account", "owner"])]
    pub(crate) department: Option<String>,
    /// Name of an enrollment account as rows have it
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Owner of the account as rows have it
    #[arg(long, value_name = "EMAIL")]
    pub(crate) owner: Option<String>,
    /// The id
    #[arg(long, value_name = "ID", required_unless_present = "remove")]
    pub(crate) id: Option<String>,
    /// Take the mapping back
    #[arg(long, conflicts_with = "id")]
    pub(crate) remove: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentPolicyArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Enrollment number
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: EnrollmentId,
    /// Whether department administrators see charges
    #[arg(long, value_name = "on|off", hide_possible_values = true)]
    pub(crate) da_view_charges: Option<Switch>,
    /// Whether account owners and users of subscriptions see charges
    #[arg(long, value_name = "on|off", hide_possible_values = true)]
    pub(crate) ao_view_charges: Option<Switch>,
    /// Whether the partner of an indirect enrollment keeps its prices to itself; then nobody sees charges
    #[arg(long, value_name = "on|off", hide_possible_values = true)]
    pub(crate) price_hidden: Option<Switch>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentApplyArgs {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Check the file, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccessArgs {
    #[command(subcommand)]
    pub(crate) command: AccessCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Grant a role
    Grant(AccessGrantArgs),
    /// List the granted roles
    List(AccessListArgs),
    /// Take a granted role back
    Revoke(AccessRevokeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AccessGrantArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Issuer of the tokens, exactly as they name it; the server's configuration must name it too
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: String,
    /// Subject of the tokens
    #[arg(long, value_name = "ID", conflicts_with = "group", required_unless_present = "group")]
    pub(crate) subject: Option<String>,
    /// Group that the tokens name
    #[arg(long, value_name = "ID")]
    pub(crate) group: Option<String>,
    #[command(flatten)]
    pub(crate) holder: HolderArgs,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccessListArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccessRevokeArgs {
    /// Id of the granted role
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Only entries about this enrollment
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: Option<EnrollmentId>,
    /// Only entries from this instant or day on
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<TakenAt>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyCreateArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    #[command(flatten)]
    pub(crate) holder: HolderArgs,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyListArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyIdArgs {
    /// Id of the key
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Address of the server
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL", env = "LAZURITE_SERVER")]
    pub(crate) server: String,
    /// CA certificate of an HTTPS server
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// API key; better given in the environment, where other users do not see it
    #[arg(long, env = "LAZURITE_KEY", hide_env_values = true, value_name = "KEY")]
    pub(crate) key: String,
    /// Report on a whole enrollment
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER", conflicts_with = "scope")]
    pub(crate) enrollment: Option<EnrollmentId>,
    /// Report on a scope such as subscriptions/GUID
    #[arg(long, value_parser = Scope::parse, value_name = "SCOPE", required_unless_present = "enrollment")]
    pub(crate) scope: Option<Scope>,
    /// ActualCost or AmortizedCost
    #[arg(long, default_value = "ActualCost", value_name = "DATASET")]
    pub(crate) metric: Dataset,
    /// Billing period [default: the current one]
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

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
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
pub(crate) struct ExplainArgs {
    /// Billing period
    #[arg(value_parser = BillingPeriod::parse, value_name = "YYYYMM")]
    pub(crate) period: BillingPeriod,
    /// Enrollment; needed where several are held
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: Option<EnrollmentId>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
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
    /// Random AdditionalInfo and changing tags, as in less regular real files
    #[arg(long)]
    pub(crate) high_entropy: bool,
    /// Same seed, same bytes
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Write a native enrollment into this folder instead: hierarchy, price sheet, orders and usage, to be billed
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "rows", "high_entropy"])]
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
