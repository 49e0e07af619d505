//! FOCUS cost files of Microsoft, versions 1.0 and 1.2, as a source of charges.
//!
//! Such a file holds both datasets: each row has a billed and an effective cost. A row becomes a record of charge columns for
//! each dataset that it is in; from there on each dataset is read like a file of its own. What a row is left out of has a
//! cost of 0 there, so that no money is lost on the way. Columns that no charge column takes as they are keep their cells.

mod columns;
mod row;

use std::borrow::Cow;
use std::collections::HashSet;

use ledger::{Dataset, Field};

pub(crate) use self::columns::is_focus;

use self::columns::{DERIVED, DIRECT, Fact, METER, kept_name, position};
use self::row::{FocusRow, Kind, Meaning, reservation_in};
use crate::error::{InputError, RowFault};
use crate::header::{Header, normalised};
use crate::reader::OtherProviders;
use crate::records::{Record, Span};
use crate::target::{Slot, last_segment};

/// Columns whose day is taken; they are kept where they say more than that.
const DATES: [Fact; 3] = [Fact::PeriodStart, Fact::PeriodEnd, Fact::Day];

/// Cost and price of a dataset, which the other one keeps as further columns.
const fn money_of(dataset: Dataset) -> [Fact; 2] {
    match dataset {
        Dataset::ActualCost => [Fact::BilledCost, Fact::BilledPrice],
        Dataset::AmortizedCost => [Fact::EffectiveCost, Fact::EffectivePrice],
    }
}

/// Turns the rows of a FOCUS file into charges of both datasets.
#[derive(Debug)]
pub(crate) struct FocusReader {
    columns: FocusColumns,
    other_providers: OtherProviders,
    cells: FocusCells,
}

/// The columns of a FOCUS file.
#[derive(Debug)]
struct FocusColumns {
    names: Vec<String>,
    /// Where the column of each fact stands.
    positions: Vec<Option<usize>>,
    /// Columns that are taken as they are.
    direct: Vec<(Field, usize)>,
    /// Columns of charges that are made of facts.
    derived: Vec<(Field, Fact)>,
    /// Columns that both datasets keep.
    kept: Vec<usize>,
}

/// What the last row became.
#[derive(Debug, Default)]
struct FocusCells {
    text: Vec<u8>,
    actual: Vec<Span>,
    amortized: Vec<Span>,
}

/// Which datasets a row is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowOf {
    /// Both.
    Both,
    /// One of them.
    Only(Dataset),
    /// None: it is a charge of another provider.
    LeftOut,
}

impl RowOf {
    pub(crate) fn is_in(self, dataset: Dataset) -> bool {
        match self {
            Self::Both => true,
            Self::Only(own) => own == dataset,
            Self::LeftOut => false,
        }
    }
}

impl FocusReader {
    /// Finds the columns among names, which stand in this line of `file`, if in any.
    pub(crate) fn new(
        file: &str,
        names: Vec<String>,
        line: Option<u64>,
        other_providers: OtherProviders,
    ) -> Result<Self, InputError> {
        check_names(&names).map_err(|reason| InputError::Header { file: file.to_owned(), line, reason })?;
        let columns = FocusColumns::find(names).map_err(|column| InputError::MissingColumn {
            file: file.to_owned(),
            line,
            column,
            accepted: column.to_owned(),
            hint: "; FOCUS files of Microsoft have it",
        })?;
        Ok(Self { columns, other_providers, cells: FocusCells::default() })
    }

    /// The columns of the records of a dataset.
    pub(crate) fn header(&self, dataset: Dataset) -> Header {
        Header::of_slots(self.columns.slots(dataset))
    }

    /// Reads a row; [`Self::record`] gives what it became.
    pub(crate) fn read(&mut self, record: &Record<'_>) -> Result<RowOf, RowFault> {
        let Self { columns, other_providers, cells } = self;
        let fault = |expected: String| RowFault { place: record.place, column: None, value: None, expected };
        let (found, expected) = (record.len(), columns.names.len());
        if found != expected {
            let side = if found < expected { "short" } else { "long" };
            return Err(fault(format!("the row is too {side}: it has {found} cells, expected {expected}")));
        }
        let Some(text) = record.text() else {
            return Err(fault("the row is not valid UTF-8; expected a file in UTF-8".to_owned()));
        };
        let row = FocusRow { record, text, names: &columns.names, positions: &columns.positions };
        if !row.is_of_microsoft()? {
            return match other_providers {
                OtherProviders::LeftOut => Ok(RowOf::LeftOut),
                OtherProviders::Refused => Err(row.other_provider()),
            };
        }
        let meaning = row.meaning()?;
        [Fact::BilledPrice, Fact::EffectivePrice].into_iter().try_for_each(|price| row.check_price(price))?;
        columns.fill(&row, meaning, cells)?;
        Ok(match meaning.kind {
            Kind::Plain | Kind::Covered => RowOf::Both,
            Kind::Unused => RowOf::Only(Dataset::AmortizedCost),
            Kind::Purchase => RowOf::Only(Dataset::ActualCost),
        })
    }

    /// What the last row became in a dataset that it is in.
    pub(crate) fn record<'r>(&'r self, row: &Record<'r>, dataset: Dataset) -> Record<'r> {
        let spans = match dataset {
            Dataset::ActualCost => &self.cells.actual,
            Dataset::AmortizedCost => &self.cells.amortized,
        };
        Record { place: row.place, raw: row.raw, cells: &self.cells.text, spans }
    }
}

impl FocusColumns {
    /// The error names a column that is missing.
    fn find(names: Vec<String>) -> Result<Self, &'static str> {
        let mut positions = vec![None; Fact::ALL.len()];
        for fact in Fact::ALL {
            positions[fact as usize] = position(&names, fact.name());
            if fact.is_required() && positions[fact as usize].is_none() {
                return Err(fact.name());
            }
        }
        position(&names, METER).ok_or(METER)?;
        let first = |of_field: &[&str]| of_field.iter().find_map(|name| position(&names, name));
        let direct: Vec<(Field, usize)> =
            DIRECT.iter().filter_map(|(field, of_field)| first(of_field).map(|index| (*field, index))).collect();
        let is_there = |fact: Fact| positions[fact as usize].is_some();
        let derived = DERIVED.into_iter().filter(|(field, fact)| {
            // Either of two columns will do for these.
            let other = match field {
                Field::BillingAccountId => Some(Fact::Account),
                Field::EffectivePrice => Some(Fact::BilledPrice),
                _ => None,
            };
            is_there(*fact) || other.is_some_and(is_there)
        });
        let derived = derived.collect();
        let money = Dataset::ALL.into_iter().flat_map(money_of).chain([Fact::Account]);
        let mut taken: HashSet<usize> = money.filter_map(|fact| positions[fact as usize]).collect();
        taken.extend(direct.iter().map(|(_, index)| *index));
        let kept = (0..names.len()).filter(|index| !taken.contains(index)).collect();
        Ok(Self { names, positions, direct, derived, kept })
    }

    fn is_there(&self, fact: Fact) -> bool {
        self.positions[fact as usize].is_some()
    }

    /// The columns of a dataset's records, in the order in which [`Self::fill`] writes their cells.
    fn slots(&self, dataset: Dataset) -> Vec<(Slot, String)> {
        let named = |fact: Fact| {
            self.positions[fact as usize].map_or(fact.name(), |index| self.names[index].as_str()).to_owned()
        };
        let [cost, price] = money_of(dataset);
        let direct = self.direct.iter().map(|(field, index)| (Slot::Field(*field), self.names[*index].clone()));
        let derived = self.derived.iter().map(|(field, fact)| match field {
            Field::EffectivePrice => (Slot::Field(*field), named(price)),
            _ => (Slot::Field(*field), named(*fact)),
        });
        let kept = self.kept.iter().map(|index| &self.names[*index]);
        let kept = kept.map(|name| (Slot::Extra(kept_name(name)), name.clone()));
        let others = money_of(dataset.other()).into_iter().filter(|fact| self.is_there(*fact));
        let others = others.map(|fact| (Slot::Extra(fact.name().to_owned()), named(fact)));
        let cost = (Slot::Field(Field::Cost), named(cost));
        direct.chain(derived).chain([cost]).chain(kept).chain(others).collect()
    }

    /// Writes the cells of a row, for both datasets.
    fn fill(&self, row: &FocusRow<'_, '_>, meaning: Meaning, cells: &mut FocusCells) -> Result<(), RowFault> {
        cells.clear();
        for (_, index) in &self.direct {
            cells.push(&row.record.cell(row.text, *index));
        }
        for (field, _) in &self.derived {
            match field {
                Field::EffectivePrice => {
                    cells.push_of(Dataset::ActualCost, &billed_price(row, meaning));
                    cells.push_of(Dataset::AmortizedCost, &row.cell(Fact::EffectivePrice));
                }
                field => cells.push(&derived(row, meaning, *field)?),
            }
        }
        for dataset in Dataset::ALL {
            let [cost, _] = money_of(dataset);
            cells.push_of(dataset, &row.cell(cost));
        }
        let is_bare_day = |index: usize| {
            DATES.iter().any(|date| self.positions[*date as usize] == Some(index) && !row.has_time(*date))
        };
        for index in &self.kept {
            match is_bare_day(*index) {
                true => cells.push(""),
                false => cells.push(&row.record.cell(row.text, *index)),
            }
        }
        for dataset in Dataset::ALL {
            for fact in money_of(dataset.other()).into_iter().filter(|fact| self.is_there(*fact)) {
                cells.push_of(dataset, &row.cell(fact));
            }
        }
        Ok(())
    }
}

impl FocusCells {
    fn clear(&mut self) {
        self.text.clear();
        self.actual.clear();
        self.amortized.clear();
    }

    /// A cell of both datasets.
    fn push(&mut self, cell: &str) {
        let span = self.span(cell);
        self.actual.push(span);
        self.amortized.push(span);
    }

    /// A cell of one dataset.
    fn push_of(&mut self, dataset: Dataset, cell: &str) {
        let span = self.span(cell);
        match dataset {
            Dataset::ActualCost => self.actual.push(span),
            Dataset::AmortizedCost => self.amortized.push(span),
        }
    }

    fn span(&mut self, cell: &str) -> Span {
        let start = self.text.len();
        self.text.extend_from_slice(cell.as_bytes());
        Span { start, end: self.text.len(), doubled_quotes: false }
    }
}

/// What one unit costs in the dataset of billed costs: usage that a benefit covers costs nothing there.
fn billed_price<'t>(row: &FocusRow<'_, 't>, meaning: Meaning) -> Cow<'t, str> {
    let billed = row.cell(Fact::BilledPrice);
    match meaning.kind {
        _ if !billed.trim().is_empty() => billed,
        Kind::Covered => Cow::Borrowed("0"),
        Kind::Plain | Kind::Unused | Kind::Purchase => row.cell(Fact::EffectivePrice),
    }
}

/// A cell that is made of facts.
fn derived<'t>(row: &FocusRow<'_, 't>, meaning: Meaning, field: Field) -> Result<Cow<'t, str>, RowFault> {
    let one_of = |fact: Fact, words: &[(&str, &'static str)]| {
        let cell = row.cell(fact);
        let known = words.iter().find(|(name, _)| cell.trim().eq_ignore_ascii_case(name));
        known.map_or(cell, |(_, word)| Cow::Borrowed(*word))
    };
    let end_of = |fact: Fact| -> Cow<'static, str> { Cow::Owned(last_segment(&row.cell(fact)).to_owned()) };
    Ok(match field {
        Field::BillingAccountId => {
            let own = row.cell(Fact::Account);
            if own.trim().is_empty() { end_of(Fact::AccountPath) } else { own }
        }
        Field::SubscriptionId => end_of(Fact::Subscription),
        Field::ResourceLocation | Field::ResourceLocationNormalized => row.cell(Fact::Region),
        Field::ReservationId if meaning.is_reservation => {
            let id = row.cell(Fact::CommitmentId);
            Cow::Owned(reservation_in(&id).unwrap_or_default().to_owned())
        }
        Field::ReservationName if meaning.is_reservation => row.cell(Fact::CommitmentName),
        Field::PublisherType => one_of(Fact::Publisher, &[("Cloud Provider", "Azure"), ("Vendor", "Marketplace")]),
        Field::ChargeType => Cow::Borrowed(meaning.charge_type),
        Field::Frequency => {
            let words = [("One-Time", "OneTime"), ("Recurring", "Recurring"), ("Usage-Based", "UsageBased")];
            one_of(Fact::Frequency, &words)
        }
        Field::PricingModel => Cow::Borrowed(meaning.pricing_model),
        Field::BillingPeriodStartDate => row.day(Fact::PeriodStart)?,
        Field::BillingPeriodEndDate => row.day_before(Fact::PeriodEnd)?,
        Field::Date => row.day(Fact::Day)?,
        Field::Quantity => row.quantity(),
        _ => Cow::Borrowed(""),
    })
}

/// Refuses columns without a name and names that occur twice.
fn check_names(names: &[String]) -> Result<(), String> {
    let mut seen = HashSet::new();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(format!("column number {} has no name", index + 1));
        }
        // A column that is kept under another name must not meet that name.
        let kept = normalised(&kept_name(name));
        if !seen.insert(normalised(name)) || (kept != normalised(name) && !seen.insert(kept)) {
            return Err(format!("column {name} occurs twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
