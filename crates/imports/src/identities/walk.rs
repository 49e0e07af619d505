//! From period to period of an enrollment.

use std::collections::BTreeMap;

use calendar::{BillingPeriod, Date};
use catalog::HeldBalance;
use lake::{LakeError, Snapshot};
use ledger::identities::{
    BenefitTerms, History, Identity, Outcome, PeriodCheck, PeriodContext, PeriodFacts, PeriodReport, ScopesOfRow,
};
use ledger::{ChargeFilter, ChargeQuery, Dataset, EnrollmentId, Field, Held, Scope, Share, Visibility, Window};
use money::Currency;

use super::rows::{BENEFIT_FIELDS, Rows, columns};
use super::scopes::Scopes;
use crate::error::ImportError;
use crate::store::Store;

/// What is known of an enrollment that is billed here.
#[derive(Debug, Clone, Default)]
pub struct NativeFacts {
    /// The terms of its benefits, from its orders.
    pub terms: Vec<BenefitTerms>,
    /// The last day that each billed period is amortized for: those of an open one are completed days only (D-43).
    pub complete_through: BTreeMap<BillingPeriod, Date>,
}

/// An identity that fails in a period of an enrollment.
#[derive(Debug, Clone)]
pub struct PeriodFinding {
    /// Whose.
    pub enrollment: EnrollmentId,
    /// Which period.
    pub period: BillingPeriod,
    /// Which identity, and how it fails.
    pub outcome: Outcome,
    /// Whether the enrollment is billed here: then it is our fault.
    pub is_native: bool,
}

/// Everything of an enrollment that its identities need, at one version of the lake.
pub(super) struct Walk<'a> {
    snapshot: Snapshot,
    held: Held,
    balances: BTreeMap<BillingPeriod, HeldBalance>,
    enrollment: EnrollmentId,
    currency: Option<Currency>,
    scopes: Option<Scopes>,
    native: Option<&'a NativeFacts>,
}

/// How much of a period is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Every cell.
    Whole,
    /// What its benefits cost.
    Benefits,
}

impl<'a> Walk<'a> {
    /// Begins with a state of the lake, and of the balance summaries: what was known at an instant in milliseconds since
    /// 1970, or now.
    pub(super) async fn begin(
        store: &Store,
        (snapshot, balances_until_ms): (&Snapshot, Option<i64>),
        enrollment: &EnrollmentId,
        native: Option<&'a NativeFacts>,
    ) -> Result<Self, ImportError> {
        let known = store.catalog().enrollment(enrollment.as_str()).await?;
        let hierarchy = store.catalog().hierarchy(enrollment).await?;
        let balances = store.catalog().balances(balances_until_ms).await?.into_iter();
        let own = balances.filter(|balance| balance.enrollment == *enrollment);
        let balances: BTreeMap<_, _> = own.map(|balance| (balance.period, balance)).collect();
        let of_balance = balances.values().next_back().map(|balance| balance.summary.currency);
        Ok(Self {
            snapshot: snapshot.clone(),
            held: store.catalog().held_at(snapshot.version()).await?,
            currency: known.and_then(|known| known.currency).or(of_balance),
            scopes: Scopes::of(&hierarchy, enrollment),
            balances,
            enrollment: enrollment.clone(),
            native,
        })
    }

    pub(super) fn currency(&self) -> Option<Currency> {
        self.currency
    }

    pub(super) fn balance(&self, period: BillingPeriod) -> Option<&HeldBalance> {
        self.balances.get(&period)
    }

    /// The periods of which charges or a balance summary are held, in order.
    pub(super) fn periods(&self) -> Vec<BillingPeriod> {
        let own = self.held.iter().filter(|holding| holding.unit.enrollment == self.enrollment);
        let mut periods: Vec<BillingPeriod> = own.map(|holding| holding.unit.coverage.period()).collect();
        periods.extend(self.balances.keys());
        periods.sort_unstable();
        periods.dedup();
        periods
    }

    /// Reads a period and answers for it.
    pub(super) async fn report(
        &self,
        history: &mut History,
        period: BillingPeriod,
    ) -> Result<PeriodReport, ImportError> {
        let facts = self.read(period, Depth::Whole).await?;
        let context = self.context(period);
        history.report(facts, &context).map_err(|source| sum_failed(period, source))
    }

    /// Reads what the benefits of a period cost and carries it on.
    pub(super) async fn carry(&self, history: &mut History, period: BillingPeriod) -> Result<(), ImportError> {
        let facts = self.read(period, Depth::Benefits).await?;
        let context = self.context(period);
        history.carry(&facts, &context).map_err(|source| sum_failed(period, source))
    }

    fn context(&self, period: BillingPeriod) -> PeriodContext<'_> {
        let holdings = |dataset| {
            self.held.iter().filter(move |holding| {
                let unit = &holding.unit;
                unit.enrollment == self.enrollment && unit.dataset == dataset && unit.coverage.period() == period
            })
        };
        let previous = period.previous().ok().and_then(|previous| self.balances.get(&previous));
        PeriodContext {
            held: Dataset::ALL.map(|dataset| holdings(dataset).next().is_some()),
            is_whole: holdings(Dataset::ActualCost).all(|held| matches!(held.unit.scope, Scope::BillingAccount(_))),
            is_native: self.native.is_some(),
            minor_digits: self.currency.map(|currency| currency.minor_digits()),
            balance: self.balances.get(&period).map(|balance| &balance.summary),
            previous_balance: previous.map(|balance| &balance.summary),
            terms: self.native.map(|native| native.terms.as_slice()),
            complete_through: self.native.and_then(|native| native.complete_through.get(&period).copied()),
            knows_scopes: self.scopes.is_some(),
        }
    }

    async fn read(&self, period: BillingPeriod, depth: Depth) -> Result<PeriodFacts, ImportError> {
        let mut check = PeriodCheck::new(period);
        for dataset in Dataset::ALL {
            self.read_dataset(&mut check, period, dataset, depth).await?;
        }
        check.finish().map_err(|source| sum_failed(period, source))
    }

    async fn read_dataset(
        &self,
        check: &mut PeriodCheck,
        period: BillingPeriod,
        dataset: Dataset,
        depth: Depth,
    ) -> Result<(), ImportError> {
        let query = ChargeQuery {
            shares: vec![Share::everything(self.enrollment.clone())],
            visibility: Visibility::Everything,
            dataset,
            window: Window::Period(period),
            filter: ChargeFilter::default(),
        };
        let fields: &[Field] = if depth == Depth::Whole { Field::ALL } else { &BENEFIT_FIELDS };
        let mut scan = self.snapshot.scan(&query, &columns(fields));
        while let Some(batch) = scan.next_batch().await? {
            let mut rows = Rows::of(&batch, fields)?;
            let scopes = match &self.scopes {
                Some(scopes) if depth == Depth::Whole => scopes.of_rows(&batch, &rows.named())?,
                _ => vec![ScopesOfRow::default(); rows.len()],
            };
            for (index, scopes) in scopes.into_iter().enumerate() {
                let row = rows.row(index, scopes)?;
                match depth {
                    Depth::Whole => check.add(dataset, &row),
                    Depth::Benefits => check.add_benefit_only(dataset, &row),
                }
                .map_err(|source| sum_failed(period, source))?;
            }
        }
        Ok(())
    }
}

/// Checks every identity of every enrollment on the newest version of the lake. `native` has the enrollments that are
/// billed here; all others are mirrored. `progress` hears after each period how many of how many are
/// done.
///
/// B1 to B3 of mirrored summaries are left out: [`crate::verify`] tells them with the source's own digits.
pub async fn check_identities(
    store: &Store,
    native: &BTreeMap<EnrollmentId, NativeFacts>,
    progress: &dyn Fn(u64, u64),
) -> Result<(u64, Vec<PeriodFinding>), ImportError> {
    let snapshot = store.lake().snapshot().await?;
    let mut findings = Vec::new();
    let mut periods_done = 0;
    for enrollment in store.catalog().enrollments().await? {
        let (enrollment, facts) = (&enrollment.number, native.get(&enrollment.number));
        let walk = Walk::begin(store, (&snapshot, None), enrollment, facts).await?;
        let mut history = History::default();
        let periods = walk.periods();
        for period in &periods {
            let report = walk.report(&mut history, *period).await?;
            let told_elsewhere =
                |identity| facts.is_none() && matches!(identity, Identity::B1 | Identity::B2 | Identity::B3);
            let failures = report.failures().filter(|outcome| !told_elsewhere(outcome.identity));
            findings.extend(failures.map(|outcome| PeriodFinding {
                enrollment: enrollment.clone(),
                period: *period,
                outcome: outcome.clone(),
                is_native: facts.is_some(),
            }));
            periods_done += 1;
            progress(periods_done, periods.len() as u64);
        }
    }
    Ok((periods_done, findings))
}

fn sum_failed(period: BillingPeriod, source: money::MoneyError) -> ImportError {
    LakeError::Sum { what: format!("billing period {period}"), source }.into()
}
