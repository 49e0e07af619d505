//! What a source turned out to hold, collected row by row.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use calendar::{BillingPeriod, Date};
use ledger::{ChargeType, EnrollmentId, Field, Place, PricingModel};
use money::{Currency, Total};

use crate::batch::Cell;
use crate::coded::BlockPeriod;
use crate::error::{InputError, RowFault, RowPlace};
use crate::evidence::DatasetEvidence;
use crate::header::Header;
use crate::pages::Page;
use crate::reader::{ReadOptions, RejectSink, Rejected};
use crate::row::Row;
use crate::sketch::RowSketch;

/// Most distinct places of the hierarchy that one import learns; later ones are served all the same.
const PLACES_MAX: usize = 200_000;

/// Rows and exact cost of one billing period of a source.
#[derive(Debug, Clone, Default)]
pub struct PeriodSummary {
    /// Number of rows.
    pub rows: u64,
    /// Rows whose billing period nothing but their date tells.
    pub rows_derived: u64,
    /// Exact sum of their cost.
    pub total: Total,
    /// Days on which rows are dated.
    pub days: BTreeSet<Date>,
    /// A sample of the rows.
    pub sketch: RowSketch,
}

/// What a source turned out to hold.
#[derive(Debug, Clone)]
pub struct ReadSummary {
    /// Path as given.
    pub file: String,
    /// The one enrollment of all rows; `None` when there was no row and no option.
    pub enrollment: Option<EnrollmentId>,
    /// The enrollment's name, if a row gave one.
    pub enrollment_name: Option<String>,
    /// The one currency of all rows; `None` when there was no row and no option.
    pub currency: Option<Currency>,
    /// What the rows prove about the dataset.
    pub evidence: DatasetEvidence,
    /// Rows and sums by billing period.
    pub periods: BTreeMap<BillingPeriod, PeriodSummary>,
    /// Names of the columns that no layout knows, in file order.
    pub unknown_columns: Vec<String>,
    /// What a page of usage details says about its place in a walk; `None` for CSV files.
    pub page: Option<Page>,
    /// Whether the source holds both datasets, and this is about one of them.
    pub both_datasets: bool,
    /// The hierarchy that the rows name.
    pub places: HashSet<Place>,
    /// Rows put aside.
    pub rejected: u64,
    /// SHA-256 of the source's text, in lower-case hexadecimal.
    pub hash: String,
    /// Size of the source's text, in bytes.
    pub text_bytes: u64,
}

impl ReadSummary {
    /// Nothing yet but what the options say.
    pub(crate) fn new(file: &str, header: &Header, options: &ReadOptions, evidence: DatasetEvidence) -> Self {
        Self {
            file: file.to_owned(),
            enrollment: options.fill.enrollment.clone(),
            enrollment_name: None,
            currency: options.fill.currency,
            evidence,
            periods: BTreeMap::new(),
            unknown_columns: header.unknown().iter().map(|(_, name)| name.clone()).collect(),
            page: None,
            both_datasets: false,
            places: HashSet::new(),
            rejected: 0,
            hash: String::new(),
            text_bytes: 0,
        }
    }

    /// Hands a row that cannot be understood to the sink; without one, the row refuses the source.
    pub(crate) fn reject(
        &mut self,
        fault: RowFault,
        raw: &[u8],
        rejects: &mut Option<&mut dyn RejectSink>,
    ) -> Result<(), InputError> {
        let Some(sink) = rejects else { return Err(InputError::Row { file: self.file.clone(), fault }) };
        let rejected = Rejected { file: &self.file, fault: &fault, raw };
        sink.reject(rejected).map_err(|source| InputError::Rejects { source })?;
        self.rejected += 1;
        Ok(())
    }

    /// A source of both datasets is about the same enrollment, periods and days in each, even where a dataset has no row.
    pub(crate) fn share_facts(datasets: &mut [Self]) -> Result<(), InputError> {
        let mut days: BTreeMap<BillingPeriod, BTreeSet<Date>> = BTreeMap::new();
        for (period, own) in datasets.iter().flat_map(|dataset| &dataset.periods) {
            days.entry(*period).or_default().extend(&own.days);
        }
        let enrollment = datasets.iter().find_map(|dataset| dataset.enrollment.clone());
        let enrollment_name = datasets.iter().find_map(|dataset| dataset.enrollment_name.clone());
        let currency = datasets.iter().find_map(|dataset| dataset.currency);
        for dataset in datasets {
            for (period, days) in &days {
                dataset.periods.entry(*period).or_default().days.extend(days);
            }
            let is_of_another = match (&dataset.enrollment, &enrollment) {
                (Some(own), Some(first)) => !first.matches(own.as_str()),
                _ => false,
            };
            if is_of_another || dataset.currency.is_some_and(|own| Some(own) != currency) {
                return Err(InputError::Contradiction {
                    file: dataset.file.clone(),
                    reason:
                        "its billed and its effective costs are of two enrollments or currencies; expected rows of one"
                            .to_owned(),
                    line: None,
                    column: None,
                });
            }
            dataset.enrollment = dataset.enrollment.take().or_else(|| enrollment.clone());
            dataset.enrollment_name = dataset.enrollment_name.take().or_else(|| enrollment_name.clone());
            dataset.currency = currency;
        }
        Ok(())
    }

    /// Takes what a block of rows held; its totals were seen to add up.
    pub(crate) fn merge(&mut self, places: Vec<Place>, periods: Vec<BlockPeriod>) {
        for place in places {
            if self.places.len() < PLACES_MAX {
                self.places.insert(place);
            }
        }
        for block in periods {
            let period = self.periods.entry(block.period).or_default();
            period.rows += block.summary.rows;
            period.rows_derived += block.summary.rows_derived;
            period.days.extend(block.summary.days);
            period.total.merge(block.summary.total).expect("the totals were added before");
            block.sketch.into_iter().for_each(|parts| period.sketch.add_parts(parts));
        }
    }

    /// Takes the facts of an accepted row into account.
    pub(crate) fn observe(&mut self, cells: &[Cell<'_>], row: RowPlace) {
        let text_of = |field: Field| match &cells[field.index()] {
            Cell::Text(text) => text.as_ref(),
            _ => "",
        };
        let cost_is_zero =
            matches!(&cells[Field::Cost.index()], Cell::Decimal { parsed, .. } if parsed.value.is_zero());
        let charge = ChargeType::read(text_of(Field::ChargeType));
        let pricing = PricingModel::read(text_of(Field::PricingModel));
        self.evidence.observe(row, charge, pricing, cost_is_zero);
        if self.enrollment.is_none() {
            self.enrollment = EnrollmentId::parse(text_of(Field::BillingAccountId)).ok();
        }
        if self.enrollment_name.is_none() {
            let name = text_of(Field::BillingAccountName);
            self.enrollment_name = (!name.is_empty()).then(|| name.to_owned());
        }
        if self.currency.is_none() {
            self.currency = text_of(Field::BillingCurrencyCode).parse().ok();
        }
    }

    /// Learns where the row belongs. Neighbouring rows mostly share the place, so the last one is compared first.
    pub(crate) fn learn(&mut self, row: &Row<'_>, last: Option<Place>) -> Option<Place> {
        let text_of = |field: Field| match &row.cells[field.index()] {
            Cell::Text(text) => Some(text.as_ref()),
            _ => None,
        };
        let parts = Place::FIELDS.map(text_of);
        if last.as_ref().is_some_and(|last| last.parts() == parts) {
            return last;
        }
        let place = Place::from_parts(parts);
        if self.places.len() < PLACES_MAX {
            self.places.insert(place.clone());
        }
        Some(place)
    }

    pub(crate) fn count(&mut self, row: &Row<'_>) -> Result<(), InputError> {
        let period = self.periods.entry(row.period).or_default();
        period.rows += 1;
        period.rows_derived += u64::from(row.period_derived);
        period.sketch.add(&row.cells);
        if let Cell::Date(date) = &row.cells[Field::Date.index()] {
            period.days.insert(*date);
        }
        if let Cell::Decimal { parsed, .. } = &row.cells[Field::Cost.index()] {
            period.total.add(parsed.value).map_err(|error| InputError::Contradiction {
                file: self.file.clone(),
                reason: format!("the costs of {} cannot be added: {error}", row.period),
                line: None,
                column: Some(Field::Cost.name().to_owned()),
            })?;
        }
        Ok(())
    }
}
