//! Which rows of a batch belong to a scope, by their own cells (`ledger::Selection`).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::{Array, AsArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int32Type};
use calendar::Date;
use ledger::{AccountName, Field, Place, Selection, SubscriptionId, Tenure, comparable};

use crate::error::LakeError;

/// The fields that decide about a selection, beside the date.
pub(crate) fn fields(selection: &Selection) -> &'static [Field] {
    match selection {
        Selection::Everything => &[],
        Selection::Department { .. } => &[Field::InvoiceSectionId, Field::InvoiceSectionName, Field::SubscriptionId],
        Selection::Account { .. } => {
            &[Field::AccountId, Field::AccountOwnerId, Field::AccountName, Field::SubscriptionId]
        }
        Selection::Subscription(_) => &[Field::SubscriptionId],
    }
}

/// A text column, dictionary-encoded or plain.
pub(crate) struct Texts<'a> {
    /// The index of each row's text among the distinct ones; `None`: each row has its own.
    keys: Option<&'a Int32Array>,
    values: &'a StringArray,
}

/// The answer of a test for each row of a column; each distinct text is tested once.
pub(crate) struct Tested<'a> {
    keys: Option<&'a Int32Array>,
    passed: Vec<bool>,
    unknown: bool,
}

/// The index of a row's text; `None` for an unknown cell.
fn key_of(keys: Option<&Int32Array>, row: usize) -> Option<usize> {
    let Some(keys) = keys else { return Some(row) };
    // A key is checked to be the index of a value when the array is made.
    (!keys.is_null(row)).then(|| keys.value(row).cast_unsigned() as usize)
}

impl<'a> Texts<'a> {
    /// The column of a field; `None` if it is missing or of another type.
    pub(crate) fn of(batch: &'a RecordBatch, field: Field) -> Option<Self> {
        let column = batch.column_by_name(field.column())?;
        if let Some(values) = column.as_string_opt::<i32>() {
            return Some(Self { keys: None, values });
        }
        let coded = column.as_dictionary_opt::<Int32Type>()?;
        Some(Self { keys: Some(coded.keys()), values: coded.values().as_string_opt::<i32>()? })
    }

    /// One of the distinct texts.
    pub(crate) fn value(&self, index: usize) -> Option<&'a str> {
        (!self.values.is_null(index)).then(|| self.values.value(index))
    }

    /// The index of a row's text among the distinct ones; `None` for an unknown cell.
    pub(crate) fn key(&self, row: usize) -> Option<usize> {
        key_of(self.keys, row).filter(|index| !self.values.is_null(*index))
    }

    /// Tests each distinct text, and the unknown cell as `None`.
    pub(crate) fn test(&self, test: impl Fn(Option<&str>) -> bool) -> Tested<'a> {
        let passed = (0..self.values.len()).map(|index| test(self.value(index))).collect();
        Tested { keys: self.keys, passed, unknown: test(None) }
    }
}

impl Tested<'_> {
    /// Unmarks the rows that do not pass.
    pub(crate) fn keep(&self, rows: &mut [bool]) {
        let passes_nothing = !self.unknown && !self.passed.contains(&true);
        match self.keys {
            _ if passes_nothing => rows.fill(false),
            Some(keys) if keys.null_count() == 0 => {
                let keys = keys.values().iter().map(|key| key.cast_unsigned() as usize);
                rows.iter_mut().zip(keys).for_each(|(keep, key)| *keep &= self.passed[key]);
            }
            _ => rows.iter_mut().enumerate().for_each(|(row, keep)| *keep &= self.at(row)),
        }
    }

    /// The answer for a row.
    pub(crate) fn at(&self, row: usize) -> bool {
        key_of(self.keys, row).map_or(self.unknown, |index| self.passed[index])
    }
}

fn is_blank(cell: Option<&str>) -> bool {
    cell.is_none_or(|cell| cell.trim().is_empty())
}

/// Marks the rows of a batch that a scope shows. The columns are those of [`ledger::Place::FIELDS`] and the date.
pub fn rows_of_selection(selection: &Selection, batch: &RecordBatch) -> Result<Vec<bool>, LakeError> {
    rows(selection, batch).ok_or_else(|| LakeError::ForeignFile {
        path: "a batch".into(),
        reason: "the columns of departments, accounts or subscriptions are missing or of another type".into(),
    })
}

/// Marks the rows of a selection; `None` if a column is missing or of another type.
pub(crate) fn rows(selection: &Selection, batch: &RecordBatch) -> Option<Vec<bool>> {
    let rows = 0..batch.num_rows();
    let same = |id: &str| {
        let id = id.to_owned();
        move |cell: Option<&str>| cell.is_some_and(|cell| comparable(cell) == id)
    };
    match selection {
        Selection::Everything => Some(vec![true; batch.num_rows()]),
        Selection::Subscription(id) => {
            let own = Texts::of(batch, Field::SubscriptionId)?.test(same(&id.to_string()));
            Some(rows.map(|row| own.at(row)).collect())
        }
        Selection::Department { id, names, tenures } => {
            let ids = Texts::of(batch, Field::InvoiceSectionId)?;
            let (own, no_id) = (ids.test(same(id)), ids.test(is_blank));
            let cells = Texts::of(batch, Field::InvoiceSectionName)?;
            let named = cells.test(|cell| cell.is_some_and(|cell| names.contains(&comparable(cell))));
            let no_name = cells.test(is_blank);
            let tenures = Tenures::of(tenures, batch)?;
            let belongs =
                |row| own.at(row) || (no_id.at(row) && (named.at(row) || (no_name.at(row) && tenures.at(row))));
            Some(rows.map(belongs).collect())
        }
        Selection::Account { id, names, tenures } => {
            let ids = Texts::of(batch, Field::AccountId)?;
            let (own, no_id) = (ids.test(same(id)), ids.test(is_blank));
            let (owners, cells) = (Texts::of(batch, Field::AccountOwnerId)?, Texts::of(batch, Field::AccountName)?);
            let (no_owner, no_name) = (owners.test(is_blank), cells.test(is_blank));
            let pairs = Pairs::of(names, &owners, &cells);
            let tenures = Tenures::of(tenures, batch)?;
            let belongs = |row| {
                let unnamed = || no_owner.at(row) && no_name.at(row);
                own.at(row) || (no_id.at(row) && (pairs.at(row) || (unnamed() && tenures.at(row))))
            };
            Some(rows.map(belongs).collect())
        }
    }
}

/// The distinct places that the rows of a batch name; `None` if a column is missing or of another type.
pub(crate) fn places(batch: &RecordBatch) -> Option<BTreeSet<Place>> {
    let columns = Place::FIELDS.map(|field| Texts::of(batch, field));
    if columns.iter().any(Option::is_none) {
        return None;
    }
    let columns = columns.map(|column| column.expect("looked at above"));
    // Each distinct combination of texts is made into a place once.
    let distinct: HashSet<[Option<usize>; 7]> =
        (0..batch.num_rows()).map(|row| columns.each_ref().map(|column| column.key(row))).collect();
    let place = |keys: [Option<usize>; 7]| {
        let mut parts = [None; 7];
        for ((part, column), key) in parts.iter_mut().zip(&columns).zip(keys) {
            *part = key.and_then(|key| column.value(key));
        }
        Place::from_parts(parts)
    };
    Some(distinct.into_iter().map(place).collect())
}

/// Owner and name cells that stand for an account together.
struct Pairs<'a> {
    owners: &'a Texts<'a>,
    names: &'a Texts<'a>,
    /// Comparable texts by index.
    owner_texts: Vec<String>,
    name_texts: Vec<String>,
    wanted: HashSet<(&'a str, &'a str)>,
}

impl<'a> Pairs<'a> {
    fn of(wanted: impl IntoIterator<Item = &'a AccountName>, owners: &'a Texts<'a>, names: &'a Texts<'a>) -> Self {
        let texts = |texts: &Texts<'_>| {
            (0..texts.values.len()).map(|index| comparable(texts.value(index).unwrap_or_default())).collect()
        };
        let wanted = wanted.into_iter().map(|one| (one.owner.as_str(), one.name.as_str())).collect();
        Self { owners, names, owner_texts: texts(owners), name_texts: texts(names), wanted }
    }

    fn at(&self, row: usize) -> bool {
        let owner = self.owners.key(row).map_or("", |index| &self.owner_texts[index]);
        let name = self.names.key(row).map_or("", |index| &self.name_texts[index]);
        self.wanted.contains(&(owner, name))
    }
}

/// Subscriptions that belong to a scope on certain days.
struct Tenures<'a> {
    texts: Texts<'a>,
    /// `None` where no subscription belongs to the scope by its days: then they are not read.
    dates: Option<&'a arrow::array::PrimitiveArray<Date32Type>>,
    /// The tenures of each distinct subscription text.
    own: Vec<Vec<&'a Tenure>>,
}

impl<'a> Tenures<'a> {
    fn of(tenures: &'a [Tenure], batch: &'a RecordBatch) -> Option<Self> {
        let texts = Texts::of(batch, Field::SubscriptionId)?;
        let dates = match tenures {
            [] => None,
            _ => Some(batch.column_by_name(Field::Date.column())?.as_primitive_opt::<Date32Type>()?),
        };
        let mut by_subscription: BTreeMap<SubscriptionId, Vec<&Tenure>> = BTreeMap::new();
        for tenure in tenures {
            by_subscription.entry(tenure.subscription).or_default().push(tenure);
        }
        let of = |index| {
            let id = SubscriptionId::parse(texts.value(index)?.trim()).ok()?;
            by_subscription.get(&id).cloned()
        };
        let own = (0..texts.values.len()).map(|index| of(index).unwrap_or_default()).collect();
        Some(Self { texts, dates, own })
    }

    fn at(&self, row: usize) -> bool {
        let (Some(index), Some(dates)) = (self.texts.key(row), self.dates) else { return false };
        let day = (!dates.is_null(row)).then(|| Date::from_days(dates.value(row)).ok()).flatten();
        day.is_some_and(|day| self.own[index].iter().any(|tenure| tenure.covers(day)))
    }
}
