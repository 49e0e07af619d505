//! What a mirror holds and what a new import does to it (DESIGN 4.2 and 4.3): the rules alone, without storage.

use calendar::{BillingPeriod, Date, DateRange};

use serde::{Deserialize, Serialize};

use crate::{Dataset, EnrollmentId, Scope, Window};

/// The instant at which a source was made, in microseconds since 1970-01-01T00:00:00Z: `--taken-at`, the export
/// folder's time stamp, else the instant of the import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunTime(pub i64);

/// The rows that an import replaces. Both kinds lie in one billing period, so that what is judged and what is removed
/// are the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coverage {
    /// All rows of a billing period, whatever their date.
    Period(BillingPeriod),
    /// The rows of a billing period that are dated in a range of days, both ends included.
    Days(BillingPeriod, DateRange),
}

impl Coverage {
    /// The billing periods that a range of days stands for, if it is whole calendar months.
    pub fn whole_periods(days: DateRange) -> Option<Vec<BillingPeriod>> {
        let periods: Vec<BillingPeriod> = days.periods().collect();
        let whole = periods.first().is_some_and(|first| first.first_day() == days.start())
            && periods.last().is_some_and(|last| last.last_day() == days.end());
        whole.then_some(periods)
    }

    /// The billing period of the rows.
    pub fn period(&self) -> BillingPeriod {
        match self {
            Self::Period(period) | Self::Days(period, _) => *period,
        }
    }

    /// Whether a row of this billing period and date is replaced.
    pub fn covers(&self, period: BillingPeriod, date: Date) -> bool {
        self.period() == period
            && match self {
                Self::Period(_) => true,
                Self::Days(_, days) => days.contains(date),
            }
    }

    /// Whether both replace some row.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.period() == other.period()
            && match (self, other) {
                (Self::Days(_, a), Self::Days(_, b)) => a.overlaps(*b),
                _ => true,
            }
    }

    /// Whether every row of `other` is replaced by an import of `self`.
    pub fn includes(&self, other: &Self) -> bool {
        self.period() == other.period()
            && match (self, other) {
                (Self::Period(_), _) => true,
                (Self::Days(_, a), Self::Days(_, b)) => a.start() <= b.start() && b.end() <= a.end(),
                (Self::Days(..), Self::Period(_)) => false,
            }
    }

    /// The days that two coverages of one billing period share; the period, where both are of all of it. `None`: none.
    pub fn shared(&self, other: &Self) -> Option<Window> {
        match (self, other) {
            _ if !self.overlaps(other) => None,
            (Self::Period(period), Self::Period(_)) => Some(Window::Period(*period)),
            (Self::Days(_, days), Self::Period(_)) | (Self::Period(_), Self::Days(_, days)) => {
                Some(Window::Dates(*days))
            }
            (Self::Days(_, a), Self::Days(_, b)) => {
                DateRange::inclusive(a.start().max(b.start()), a.end().min(b.end())).ok().map(Window::Dates)
            }
        }
    }

    /// Whether a question about this time is about days that the coverage holds.
    pub fn answers(&self, window: &Window) -> bool {
        match (self, window) {
            (_, Window::Period(period)) => self.period() == *period,
            (Self::Period(period), Window::Dates(days)) => period.range().overlaps(*days),
            (Self::Days(_, own), Window::Dates(days)) => own.overlaps(*days),
        }
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Period(period) => write!(f, "{period}"),
            Self::Days(period, days) => write!(f, "{period} ({days})"),
        }
    }
}

/// Whose sales a source tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Publishers {
    /// Everybody's, as far as its form shows them.
    #[default]
    All,
    /// Those of the Marketplace alone: answers of the endpoints that older API generations have for it. They stand beside
    /// the usage details of these generations, which lack them.
    Marketplace,
}

impl Publishers {
    /// Whose sales a source has, as its key ([`source_key`]) says.
    pub fn of_source_key(key: &str) -> Self {
        if key.ends_with(OF_MARKETPLACE) { Self::Marketplace } else { Self::All }
    }

    /// Whether nothing is left out.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// The name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Marketplace => "Marketplace",
        }
    }

    /// Reads the name of records.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::All, Self::Marketplace].into_iter().find(|own| own.as_str() == text)
    }
}

/// What one import replaces as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Whose charges.
    pub enrollment: EnrollmentId,
    /// The scope that the source was exported for.
    pub scope: Scope,
    /// Whose sales it tells of.
    pub publishers: Publishers,
    /// Which dataset.
    pub dataset: Dataset,
    /// Which days.
    pub coverage: Coverage,
}

impl Unit {
    /// Whether both are of one enrollment, source scope and dataset, and of the same publishers.
    pub fn same_series(&self, other: &Self) -> bool {
        self.enrollment == other.enrollment && self.dataset == other.dataset && self.source_key() == other.source_key()
    }

    /// The key under which the lake keeps the rows of the unit's source scope and publishers.
    pub fn source_key(&self) -> String {
        source_key(&self.scope, self.publishers)
    }
}

/// The key under which the lake keeps rows of a source scope: that of the scope, which says so where it is not about all
/// publishers.
pub fn source_key(scope: &Scope, publishers: Publishers) -> String {
    match publishers {
        Publishers::All => scope.key(),
        Publishers::Marketplace => format!("{}{OF_MARKETPLACE}", scope.key()),
    }
}

/// Ends the keys of sources of Marketplace publishers.
const OF_MARKETPLACE: &str = ";publishers=Marketplace";

/// A unit with its content, as it is held or about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// What is replaced.
    pub unit: Unit,
    /// When the source was made.
    pub run_time: RunTime,
    /// Identifies the source bytes: equal contents are equal bytes read under equal options.
    pub content: String,
    /// The revision that holds it, as text.
    pub revision: String,
    /// Whether rows were rejected on the way in, or pages of the source were missing.
    pub incomplete: bool,
    /// Whether the unit is held without any row, so that no charge of another scope can be counted twice.
    pub empty: bool,
}

/// What is held at one version of the lake.
#[derive(Debug, Clone, Default)]
pub struct Held {
    holdings: Vec<Holding>,
}

/// Why, or how, a new holding meets what is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldingConflict {
    /// A newer run is held for some of the days.
    Stale(Box<Holding>),
    /// Another source scope already holds these charges.
    Overlap(Box<Holding>),
}

/// Whether what is held can answer a question (DESIGN 4.9: not held is not zero).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldAnswer {
    /// Something of the dataset and time is held.
    Held,
    /// Only the other dataset is held; the text says so to the caller.
    OtherDataset(String),
    /// Nothing is held.
    Nothing,
}

impl Held {
    /// Judges by coverage whether there can be an answer about a dataset and time of some enrollments. What the Marketplace
    /// alone says suffices for answers about Marketplace charges, and for no other. Rows can be dated outside of their billing
    /// period: only the lake knows of these.
    pub fn answer<'a>(
        &self,
        enrollments: impl Iterator<Item = &'a EnrollmentId>,
        (dataset, publishers): (Dataset, Publishers),
        window: &Window,
    ) -> HeldAnswer {
        let enrollments: Vec<&EnrollmentId> = enrollments.collect();
        let holds = |dataset| {
            self.iter().any(|holding| {
                holding.unit.dataset == dataset
                    && (holding.unit.publishers.is_all() || publishers == Publishers::Marketplace)
                    && enrollments.contains(&&holding.unit.enrollment)
                    && holding.unit.coverage.answers(window)
            })
        };
        if holds(dataset) {
            return HeldAnswer::Held;
        }
        let other = dataset.other();
        if !holds(other) {
            return HeldAnswer::Nothing;
        }
        let asked = match window {
            Window::Period(period) => period.to_string(),
            Window::Dates(days) => days.to_string(),
        };
        let enrollment = enrollments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        HeldAnswer::OtherDataset(format!(
            "{dataset} of {asked} is not held for enrollment {enrollment}; held is {other}. Import the {dataset} \
             export, or ask for the metric {other} where the API has one"
        ))
    }
}

impl Held {
    /// Applies an accepted import: what it replaces entirely is no longer held.
    pub fn apply(&mut self, new: Holding) {
        self.holdings
            .retain(|held| !(held.unit.same_series(&new.unit) && new.unit.coverage.includes(&held.unit.coverage)));
        self.holdings.push(new);
    }

    /// Records that the bytes held for a unit were also exported by a later run.
    pub fn confirm(&mut self, unit: &Unit, content: &str, run_time: RunTime) {
        for held in &mut self.holdings {
            if held.unit == *unit && held.content == content && held.run_time < run_time {
                held.run_time = run_time;
            }
        }
    }

    /// Everything that is held, in the order of import.
    pub fn iter(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.iter()
    }

    /// Whether exactly these bytes are held for exactly this unit, with nothing newer over a part of it.
    pub fn holds(&self, new: &Holding) -> bool {
        self.all_over(&new.unit).last().is_some_and(|held| {
            held.unit.coverage == new.unit.coverage && held.content == new.content && held.incomplete == new.incomplete
        })
    }

    /// The holdings of the unit's own enrollment, scope and dataset that cover some of its days.
    pub fn all_over<'a>(&'a self, unit: &'a Unit) -> impl Iterator<Item = &'a Holding> {
        self.holdings.iter().filter(|held| held.unit.same_series(unit) && held.unit.coverage.overlaps(&unit.coverage))
    }

    /// Holdings of other source scopes whose overlap with `new` the paths cannot tell: the rows must.
    pub fn undecided<'a>(&'a self, new: &'a Unit) -> impl Iterator<Item = &'a Holding> {
        let of_same = |held: &&Holding| held.unit.publishers == new.publishers;
        self.elsewhere(new).filter(of_same).filter(|held| held.unit.scope.overlaps(&new.scope).is_none())
    }

    /// Holdings that hold charges twice with `new` if the one of all publishers has any of the Marketplace: its rows must
    /// tell.
    pub fn of_other_publishers<'a>(&'a self, new: &'a Unit) -> impl Iterator<Item = &'a Holding> {
        let of_others = |held: &&Holding| held.unit.publishers != new.publishers;
        self.elsewhere(new).filter(of_others).filter(|held| held.unit.scope.overlaps(&new.scope) != Some(false))
    }

    fn elsewhere<'a>(&'a self, new: &'a Unit) -> impl Iterator<Item = &'a Holding> {
        self.holdings.iter().filter(|held| {
            !held.empty
                && held.unit.enrollment == new.enrollment
                && held.unit.dataset == new.dataset
                && held.unit.coverage.overlaps(&new.coverage)
                && !held.unit.same_series(new)
        })
    }
}

/// Judges a new import by paths and run times alone. Staleness can be overruled by the caller (`--force`), overlap
/// cannot: it would count charges twice.
pub fn judge(held: &Held, new: &Holding) -> Result<(), HoldingConflict> {
    let of_same = |held: &&Holding| held.unit.publishers == new.unit.publishers;
    let mut elsewhere = held.elsewhere(&new.unit).filter(|_| !new.empty).filter(of_same);
    if let Some(other) = elsewhere.find(|h| h.unit.scope.overlaps(&new.unit.scope) == Some(true)) {
        return Err(HoldingConflict::Overlap(Box::new(other.clone())));
    }
    let newer = held.iter().find(|h| {
        h.unit.same_series(&new.unit) && h.unit.coverage.overlaps(&new.unit.coverage) && h.run_time > new.run_time
    });
    newer.map_or(Ok(()), |newer| Err(HoldingConflict::Stale(Box::new(newer.clone()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(scope: &str, coverage: Coverage, run_time: i64, content: &str) -> Holding {
        Holding {
            unit: Unit {
                enrollment: EnrollmentId::parse("1").unwrap(),
                scope: Scope::parse(scope).unwrap(),
                publishers: Publishers::All,
                dataset: Dataset::ActualCost,
                coverage,
            },
            run_time: RunTime(run_time),
            content: content.into(),
            revision: run_time.to_string(),
            incomplete: false,
            empty: false,
        }
    }

    fn september() -> Coverage {
        Coverage::Period(BillingPeriod::new(2023, 9).unwrap())
    }

    fn part(text: &str) -> Coverage {
        Coverage::Days(BillingPeriod::new(2023, 9).unwrap(), text.parse().unwrap())
    }

    const A: &str = "subscriptions/1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
    const B: &str = "subscriptions/ed570627-0265-4620-bb42-bae06bcfa914";

    #[test]
    fn another_subscription_is_another_series_and_the_whole_enrollment_overlaps_both() {
        let mut held = Held::default();
        held.apply(holding(A, september(), 5, "a"));
        assert_eq!(judge(&held, &holding(B, september(), 1, "b")), Ok(()));
        held.apply(holding(B, september(), 1, "b"));
        assert_eq!(held.iter().count(), 2);
        let whole = holding("billingAccounts/1", september(), 9, "c");
        assert!(matches!(judge(&held, &whole), Err(HoldingConflict::Overlap(_))));
    }

    #[test]
    fn charges_of_the_marketplace_alone_are_a_series_of_their_own() {
        let mut held = Held::default();
        held.apply(holding("billingAccounts/1", september(), 5, "a"));
        let mut market = holding("billingAccounts/1", september(), 6, "b");
        market.unit.publishers = Publishers::Marketplace;
        assert_eq!(judge(&held, &market), Ok(()), "the rows tell");
        assert_eq!(held.of_other_publishers(&market.unit).count(), 1);
        held.apply(market.clone());
        assert_eq!(held.iter().count(), 2);
        let mut part = holding(A, september(), 7, "c");
        part.unit.publishers = Publishers::Marketplace;
        assert!(matches!(judge(&held, &part), Err(HoldingConflict::Overlap(_))));
        assert_ne!(market.unit.source_key(), market.unit.scope.key());
    }

    #[test]
    fn emptied_days_do_not_keep_another_scope_out() {
        let mut held = Held::default();
        held.apply(holding("billingAccounts/1", september(), 5, "a"));
        assert!(judge(&held, &holding(A, september(), 6, "b")).is_err());
        held.apply(Holding { empty: true, ..holding("billingAccounts/1", september(), 6, "none") });
        assert_eq!(judge(&held, &holding(A, september(), 7, "b")), Ok(()));
    }

    #[test]
    fn an_older_run_is_stale_and_the_same_run_time_is_not() {
        let mut held = Held::default();
        held.apply(holding(A, september(), 5, "a"));
        assert!(matches!(judge(&held, &holding(A, september(), 4, "b")), Err(HoldingConflict::Stale(_))));
        assert_eq!(judge(&held, &holding(A, september(), 5, "b")), Ok(()));
        let days = part("2023-09-10..2023-09-12");
        assert!(matches!(judge(&held, &holding(A, days, 4, "b")), Err(HoldingConflict::Stale(_))));
    }

    #[test]
    fn the_same_bytes_are_recognised_until_something_newer_lies_over_them() {
        let mut held = Held::default();
        held.apply(holding(A, september(), 5, "a"));
        assert!(held.holds(&holding(A, september(), 9, "a")));
        assert!(!held.holds(&holding(A, september(), 9, "b")));
        assert!(!held.holds(&holding(B, september(), 9, "a")));
        held.apply(holding(A, part("2023-09-10..2023-09-12"), 6, "d"));
        assert!(!held.holds(&holding(A, september(), 9, "a")));
    }

    #[test]
    fn a_confirmed_run_makes_runs_between_stale() {
        let mut held = Held::default();
        let first = holding(A, september(), 5, "a");
        held.apply(first.clone());
        held.confirm(&first.unit, "a", RunTime(9));
        assert!(matches!(judge(&held, &holding(A, september(), 7, "b")), Err(HoldingConflict::Stale(_))));
    }

    #[test]
    fn whole_months_are_periods_and_parts_of_months_are_not() {
        let periods = |text: &str| Coverage::whole_periods(text.parse().unwrap()).map(|periods| periods.len());
        assert_eq!(periods("2023-09-01..2023-09-30"), Some(1));
        assert_eq!(periods("2023-09-01..2023-10-31"), Some(2));
        assert_eq!(periods("2023-09-01..2023-09-29"), None);
    }

    #[test]
    fn days_of_another_billing_period_are_other_rows() {
        let late = Coverage::Days(BillingPeriod::new(2023, 8).unwrap(), "2023-09-01..2023-09-10".parse().unwrap());
        assert!(!late.overlaps(&september()) && !september().includes(&late));
        assert!(late.answers(&Window::Dates("2023-09-05..2023-09-05".parse().unwrap())));
        assert!(!late.answers(&Window::Period(BillingPeriod::new(2023, 9).unwrap())));
        assert!(
            september().includes(&part("2023-09-01..2023-12-31"))
                && !part("2023-09-01..2023-12-31").includes(&september())
        );
    }

    #[test]
    fn a_department_and_a_subscription_can_only_be_told_apart_by_their_rows() {
        let mut held = Held::default();
        held.apply(holding("departments/7", september(), 5, "a"));
        let new = holding(A, september(), 6, "b");
        assert_eq!(judge(&held, &new), Ok(()));
        assert_eq!(held.undecided(&new.unit).count(), 1);
    }
}
