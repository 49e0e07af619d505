//! A question as a job keeps it: plain data, readable by the next program version.

use access::Permit;
use calendar::{BillingPeriod, DateRange};
use formats::Layout;
use ledger::{ChargeFilter, ChargeQuery, Dataset, Generation, Share, Visibility, Window};
use serde::{Deserialize, Serialize};

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
    /// The right to ask it.
    pub permit: Permit,
    /// Which dataset.
    pub dataset: Dataset,
    /// Which days.
    pub window: Window,
    /// Columns of the answer.
    pub layout: Layout,
    /// Whether columns that no layout knows follow the layout's own.
    pub unknown_columns: bool,
    /// Which state of the store.
    pub as_of: AsOf,
    /// The api-version of the request, echoed as manifest version.
    pub api_version: String,
    /// The scope as the caller wrote it, without leading slash, echoed in the manifest.
    pub request_scope: String,
    /// The JSON body as the caller wrote it, echoed in the manifest.
    pub request_body: String,
}

/// A question in the catalog.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredQuestion {
    /// Key of the scope.
    pub(crate) scope: String,
    pub(crate) shares: Vec<Share>,
    pub(crate) visibility: Visibility,
    pub(crate) dataset: Dataset,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    period: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    days: Option<String>,
    layout: String,
    pub(crate) unknown_columns: Vec<String>,
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
            scope: question.permit.scope().key(),
            shares: question.permit.shares().to_vec(),
            visibility: question.permit.visibility(Generation::CostDetails),
            dataset: question.dataset,
            period,
            days,
            layout: question.layout.name().to_owned(),
            unknown_columns,
            version,
            api_version: question.api_version.clone(),
            request_scope: question.request_scope.clone(),
            request_body: question.request_body.clone(),
            verdict,
        }
    }

    pub(crate) fn layout(&self) -> Option<Layout> {
        self.layout.parse().ok()
    }

    /// The domain question, if the stored text is one of ours.
    pub(crate) fn query(&self) -> Option<ChargeQuery> {
        let window = match (&self.period, &self.days) {
            (Some(period), None) => Window::Period(BillingPeriod::parse(period).ok()?),
            (None, Some(days)) => Window::Dates(days.parse::<DateRange>().ok()?),
            _ => return None,
        };
        let shares = self.shares.clone();
        let filter = ChargeFilter::default();
        Some(ChargeQuery { shares, visibility: self.visibility, dataset: self.dataset, window, filter })
    }

    /// Whether the answer may be given to the holder of a permit: it is about the permit's scope and shows no more than
    /// the permit does.
    pub(crate) fn may_be_given_to(&self, permit: &Permit) -> bool {
        self.scope == permit.scope().key()
            && self.shares.len() == permit.shares().len()
            && self.shares.iter().zip(permit.shares()).all(|(own, theirs)| own.may_be_given_to(theirs))
    }
}
