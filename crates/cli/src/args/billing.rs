//! Commands of native billing.

use std::path::PathBuf;

use calendar::BillingPeriod;
use clap::Args;
use ledger::EnrollmentId;

use super::DataFolder;
use crate::instant::TakenAt;

/// What `lazurite bill --help` says at its end.
pub(super) const BILL_HELP: &str = "\
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
