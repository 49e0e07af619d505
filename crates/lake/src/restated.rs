//! What the lake has of each series by day, and what differs between two of its states. All of it comes from roll-ups; rows are
//! read where a file has none.

use std::collections::{BTreeMap, BTreeSet};

use calendar::BillingPeriod;
use ledger::{Charged, CostSum, Dataset, EnrollmentId, Held, Holding, HoldingView, Series, SeriesFilter, Window};
use money::Currency;
use serde::Serialize;

use crate::changes::{ChangeView, SumChange, changes};
use crate::error::LakeError;
use crate::file::LakeFile;
use crate::table::Snapshot;
use crate::totals::{Dimension, TotalsQuestion, add, merge};

/// By these a change is found that leaves the sums of a billing period as they were.
const FOUND_BY: &[Dimension] = &[Dimension::Day, Dimension::Subscription];

/// Sums by the texts of their dimensions.
type Sums = BTreeMap<Vec<Option<String>>, CostSum>;

/// A billing period of a series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesPeriod {
    /// Which series.
    pub series: Series,
    /// Which billing period.
    pub period: BillingPeriod,
}

/// What differs of a billing period of a series between two states.
#[derive(Debug, Clone)]
pub struct Restatement {
    /// Of what.
    pub of: SeriesPeriod,
    /// All its rows in both states; the same where charges only moved between days or subscriptions.
    pub whole: SumChange,
    /// What differs, by the texts of the dimensions that were asked for.
    pub changes: BTreeMap<Vec<Option<String>>, SumChange>,
}

impl Snapshot {
    /// Rows and cost by day, of what is asked about.
    ///
    /// # Errors
    /// Those of reading a file, and [`LakeError::Sum`] for sums that leave the range of amounts.
    pub async fn charged(&self, asked: &SeriesFilter) -> Result<Charged, LakeError> {
        let mut found = Charged::new();
        for (of, files) in self.files_by_series(asked) {
            let days = found.entry(of.series).or_default().entry(of.period).or_default();
            for file in files {
                for (day, sum) in self.days_of(file).await? {
                    merge(days.entry(day).or_insert(CostSum::NOTHING), sum)?;
                }
            }
        }
        Ok(found)
    }

    /// The billing periods whose files are not those of an earlier state, of what is asked about.
    pub fn touched_since(&self, earlier: &Self, asked: &SeriesFilter) -> Vec<SeriesPeriod> {
        let (before, after) = (earlier.files_by_series(asked), self.files_by_series(asked));
        let paths = |files: Option<&Vec<&LakeFile>>| -> Vec<String> {
            files.into_iter().flatten().map(|file| file.path.clone()).collect()
        };
        let all: BTreeSet<&SeriesPeriod> = before.keys().chain(after.keys()).collect();
        all.into_iter().filter(|of| paths(before.get(*of)) != paths(after.get(*of))).cloned().collect()
    }

    /// What differs from an earlier state in a billing period, by dimensions; `None`: nothing does.
    ///
    /// # Errors
    /// As [`Self::charged`].
    pub async fn restated_since(
        &self,
        earlier: &Self,
        of: &SeriesPeriod,
        by: &[Dimension],
    ) -> Result<Option<Restatement>, LakeError> {
        let found_by = changes(&earlier.sums_of(of, FOUND_BY).await?, &self.sums_of(of, FOUND_BY).await?)?;
        let (before, after) = (earlier.sums_of(of, by).await?, self.sums_of(of, by).await?);
        let told = changes(&before, &after)?;
        if found_by.is_empty() && told.is_empty() {
            return Ok(None);
        }
        let whole = SumChange::between(whole(&before)?, whole(&after)?)?;
        let changes = if by.is_empty() { BTreeMap::new() } else { told };
        Ok(Some(Restatement { of: of.clone(), whole, changes }))
    }

    /// The files of what is asked about, in the order of the lake.
    fn files_by_series(&self, asked: &SeriesFilter) -> BTreeMap<SeriesPeriod, Vec<&LakeFile>> {
        let mut found: BTreeMap<SeriesPeriod, Vec<&LakeFile>> = BTreeMap::new();
        for file in self.files() {
            let of = SeriesPeriod { series: series_of(file), period: file.period };
            if asked.admits(&of.series, of.period) {
                found.entry(of).or_default().push(file);
            }
        }
        found
    }

    async fn sums_of(&self, of: &SeriesPeriod, by: &[Dimension]) -> Result<Sums, LakeError> {
        let Series { enrollment, dataset, scope_key } = &of.series;
        let window = Window::Period(of.period);
        let question = TotalsQuestion { enrollment, dataset: *dataset, window, by };
        let own = self.files_of(enrollment, *dataset);
        let mut sums = Sums::new();
        for file in own.filter(|file| file.period == of.period && file.scope_key == *scope_key) {
            let rollup = self.rollup_of(file).await?;
            add(&rollup, &question, &mut sums)?;
        }
        Ok(sums)
    }
}

fn series_of(file: &LakeFile) -> Series {
    Series { enrollment: file.enrollment.clone(), dataset: file.dataset, scope_key: file.scope_key.clone() }
}

fn whole(sums: &Sums) -> Result<CostSum, LakeError> {
    let mut whole = CostSum::NOTHING;
    for sum in sums.values() {
        merge(&mut whole, *sum)?;
    }
    Ok(whole)
}

/// A restatement as scripts and clients read it: one form for the command line and for HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestatementView {
    /// Whose charges.
    pub enrollment: EnrollmentId,
    /// Which dataset.
    pub dataset: Dataset,
    /// The scope that its sources were exported for.
    pub scope: String,
    /// Whose sales they have: `All`, or `Marketplace` alone.
    pub publishers: &'static str,
    /// `YYYYMM`.
    pub period: String,
    /// The currency of all its amounts, where it is known.
    pub currency: Option<String>,
    /// The revision of the earlier state.
    pub since: String,
    /// The revision of the later state.
    pub until: String,
    /// What held it in the earlier state, in the order of import; nothing: it was not held.
    pub before: Vec<HoldingView>,
    /// What holds it in the later state.
    pub after: Vec<HoldingView>,
    /// All its rows in both states.
    #[serde(flatten)]
    pub whole: ChangeView,
    /// What differs, by the dimensions that were asked for.
    pub changes: Vec<ChangeView>,
}

/// Two states, and what was held in them.
#[derive(Debug, Clone, Copy)]
pub struct TwoStates<'a> {
    /// The earlier version.
    pub since: u64,
    /// What was held in it.
    pub before: &'a Held,
    /// The later version.
    pub until: u64,
    /// What was held in it.
    pub after: &'a Held,
}

impl RestatementView {
    /// A restatement between two states, told by dimensions.
    pub fn of(restated: &Restatement, states: TwoStates<'_>, by: &[Dimension], currency: Option<Currency>) -> Self {
        let SeriesPeriod { series, period } = &restated.of;
        let holdings = |held| holdings_of(held, series, *period);
        let (before, after) = (holdings(states.before), holdings(states.after));
        let newest = after.last().or(before.last());
        let views = |own: &[&Holding]| own.iter().map(|one| HoldingView::from(*one)).collect();
        Self {
            enrollment: series.enrollment.clone(),
            dataset: series.dataset,
            scope: newest.map_or_else(|| series.scope_key.clone(), |holding| holding.unit.scope.to_string()),
            publishers: series.publishers().as_str(),
            period: period.to_string(),
            currency: currency.map(|currency| currency.to_string()),
            since: states.since.to_string(),
            until: states.until.to_string(),
            before: views(&before),
            after: views(&after),
            whole: ChangeView::of(&[], &[], &restated.whole),
            changes: restated.changes.iter().map(|(texts, change)| ChangeView::of(by, texts, change)).collect(),
        }
    }
}

/// What is held of a billing period of a series, in the order of import.
fn holdings_of<'h>(held: &'h Held, series: &Series, period: BillingPeriod) -> Vec<&'h Holding> {
    let own = held.iter().filter(|holding| holding.unit.coverage.period() == period);
    own.filter(|holding| Series::of(&holding.unit) == *series).collect()
}
