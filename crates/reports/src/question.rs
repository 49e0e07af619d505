//! A question as a job keeps it: plain data, readable by the next program version.

use access::Permit;
use calendar::{BillingPeriod, DateRange};
use formats::{CsvEncoder, Layout, ReportingVersion};
use ledger::{ChargeFilter, ChargeQuery, Dataset, Generation, Share, Visibility, Window};
use serde::{Deserialize, Serialize};

/// The operation that a report answers. A report of one kind is not found through another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// A Cost Details report; also every report that was stored before there were others.
    #[default]
    CostDetails,
    /// A download of Consumption usage details.
    UsageDetails,
    /// Usage details submitted to the Enterprise Reporting API.
    EnterpriseReporting,
    /// A report of the operation that was before Cost Details.
    DetailedCost,
}

impl ReportKind {
    /// Largest blob of a report, where the setting says `setting`. Only a Cost Details answer can name several blobs.
    pub(crate) const fn blob_bytes_max(self, setting: u64) -> u64 {
        match self {
            Self::CostDetails => setting,
            Self::UsageDetails | Self::EnterpriseReporting | Self::DetailedCost => u64::MAX,
        }
    }

    /// Whether a report can say why it failed. If not, what is known beforehand is refused when it is asked for.
    pub(crate) const fn tells_reasons(self) -> bool {
        !matches!(self, Self::EnterpriseReporting)
    }
}

/// The columns of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportForm {
    /// Those of a cost details file.
    CostDetails {
        /// Which.
        layout: Layout,
        /// Whether columns that no layout knows follow the layout's own.
        unknown_columns: bool,
    },
    /// Those of usage details of the Enterprise Reporting API.
    EnterpriseReporting(ReportingVersion),
    /// Those of the usage reports that were before it.
    UsageReport,
}

impl ReportForm {
    /// The name under which a job keeps it.
    const fn name(self) -> &'static str {
        match self {
            Self::CostDetails { layout, .. } => layout.name(),
            Self::EnterpriseReporting(ReportingVersion::V1) => "ea_reporting_v1",
            Self::EnterpriseReporting(ReportingVersion::V2) => "ea_reporting_v2",
            Self::EnterpriseReporting(ReportingVersion::V3) => "ea_reporting_v3",
            Self::UsageReport => "ea_usage_report",
        }
    }

    /// Whether unknown columns are asked for.
    pub(crate) const fn has_unknown_columns(self) -> bool {
        match self {
            Self::CostDetails { unknown_columns, .. } => unknown_columns,
            Self::EnterpriseReporting(_) | Self::UsageReport => false,
        }
    }
}

/// Which state of the store is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AsOf {
    /// The newest.
    #[default]
    Now,
    /// A revision.
    Version(u64),
    /// What was held at an instant, in milliseconds since 1970.
    Instant(i64),
}

/// A report to be made.
#[derive(Debug, Clone)]
pub struct Question {
    /// The operation that it was asked through.
    pub kind: ReportKind,
    /// The right to ask it.
    pub permit: Permit,
    /// Through which API generation.
    pub generation: Generation,
    /// Which dataset.
    pub dataset: Dataset,
    /// Which days.
    pub window: Window,
    /// What else is asked of a row.
    pub filter: ChargeFilter,
    /// Columns of the answer.
    pub form: ReportForm,
    /// Which state of the store.
    pub as_of: AsOf,
    /// The version of the API as the request names it, for the answer.
    pub api_version: String,
    /// The scope as the caller wrote it, without leading slash, for the answer.
    pub request_scope: String,
    /// The JSON body as the caller wrote it, for the answer; empty where requests have none.
    pub request_body: String,
}

/// A question in the catalog. Members that earlier versions did not write have a default.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredQuestion {
    #[serde(default)]
    pub(crate) kind: ReportKind,
    /// Key of the scope.
    pub(crate) scope: String,
    pub(crate) shares: Vec<Share>,
    pub(crate) visibility: Visibility,
    pub(crate) dataset: Dataset,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    period: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    days: Option<String>,
    #[serde(skip_serializing_if = "ChargeFilter::is_empty", default)]
    filter: ChargeFilter,
    /// Name of the form.
    layout: String,
    unknown_columns: Vec<String>,
    pub(crate) version: u64,
    pub(crate) api_version: String,
    pub(crate) request_scope: String,
    pub(crate) request_body: String,
    /// Set when the answer is known not to exist before any work is done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) verdict: Option<Verdict>,
}

/// What is known about a question without reading rows (DESIGN 4.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Nothing is held for the time asked about.
    NothingHeld,
    /// Only the other dataset is held.
    OtherDataset(String),
}

impl StoredQuestion {
    pub(crate) fn of(
        question: &Question,
        version: u64,
        unknown_columns: Vec<String>,
        verdict: Option<Verdict>,
    ) -> Self {
        let (period, days) = match question.window {
            Window::Period(period) => (Some(period.to_string()), None),
            Window::Dates(days) => (None, Some(days.to_string())),
        };
        Self {
            kind: question.kind,
            scope: question.permit.scope().key(),
            shares: question.permit.shares().to_vec(),
            visibility: question.permit.visibility(question.generation),
            dataset: question.dataset,
            period,
            days,
            filter: question.filter.clone(),
            layout: question.form.name().to_owned(),
            unknown_columns,
            version,
            api_version: question.api_version.clone(),
            request_scope: question.request_scope.clone(),
            request_body: question.request_body.clone(),
            verdict,
        }
    }

    /// Writes the answer, if the stored text names a form of ours.
    pub(crate) fn encoder(&self) -> Option<CsvEncoder> {
        if let Ok(layout) = self.layout.parse::<Layout>() {
            return Some(CsvEncoder::new(layout, self.unknown_columns.clone()));
        }
        if self.layout == ReportForm::UsageReport.name() {
            return Some(CsvEncoder::usage_report());
        }
        let is_named = |version: &ReportingVersion| ReportForm::EnterpriseReporting(*version).name() == self.layout;
        ReportingVersion::ALL.into_iter().find(is_named).map(CsvEncoder::reporting)
    }

    /// The time that is asked about, if the stored text is one of ours.
    pub(crate) fn window(&self) -> Option<Window> {
        match (&self.period, &self.days) {
            (Some(period), None) => Some(Window::Period(BillingPeriod::parse(period).ok()?)),
            (None, Some(days)) => Some(Window::Dates(days.parse::<DateRange>().ok()?)),
            _ => None,
        }
    }

    /// The domain question, if the stored text is one of ours.
    pub(crate) fn query(&self) -> Option<ChargeQuery> {
        Some(ChargeQuery {
            shares: self.shares.clone(),
            visibility: self.visibility,
            dataset: self.dataset,
            window: self.window()?,
            filter: self.filter.clone(),
        })
    }

    /// Whether the answer may be given to the holder of a permit: it is about the permit's scope and shows no more than
    /// the permit does.
    pub(crate) fn may_be_given_to(&self, permit: &Permit) -> bool {
        self.scope == permit.scope().key()
            && self.shares.len() == permit.shares().len()
            && self.shares.iter().zip(permit.shares()).all(|(own, theirs)| own.may_be_given_to(theirs))
    }
}
