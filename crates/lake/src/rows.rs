//! Which rows of a file a question asks for.

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::Date32Type;
use calendar::Date;
use formats::has_tag;
use ledger::{
    ChargeFilter, ChargeQuery, ChargeType, Condition, Field, PublisherType, Selection, Share, Visibility, Window,
    comparable,
};

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::select::{self, Texts};

/// Which rows of a file are asked for.
#[derive(Debug, Clone)]
pub(crate) struct RowFilter {
    window: Window,
    visibility: Visibility,
    selection: Selection,
    /// Bounds; empty for none.
    within: Vec<Selection>,
    filter: ChargeFilter,
}

impl RowFilter {
    /// The filter of one share of a question.
    pub(crate) fn of(query: &ChargeQuery, share: &Share) -> Self {
        let (selection, within) = (share.selection.clone(), share.within.clone());
        let filter = query.filter.clone();
        Self { window: query.window, visibility: query.visibility, selection, within, filter }
    }

    /// All rows of a window.
    pub(crate) fn in_window(window: Window) -> Self {
        Self::visible(window, Visibility::Everything)
    }

    /// The rows of a window that are shown.
    pub(crate) fn visible(window: Window, visibility: Visibility) -> Self {
        let selection = Selection::Everything;
        Self { window, visibility, selection, within: Vec::new(), filter: ChargeFilter::default() }
    }

    pub(crate) fn may_match(&self, file: &LakeFile) -> bool {
        let window = match self.window {
            Window::Period(period) => file.period == period,
            Window::Dates(days) => file.days.is_some_and(|own| own.overlaps(days)),
        };
        let bounds = self.filter.days;
        let starts_in_time = |own: calendar::DateRange| bounds.last.is_none_or(|last| own.start() <= last);
        let ends_in_time = |own: calendar::DateRange| bounds.first.is_none_or(|first| first <= own.end());
        window && file.days.is_some_and(|own| starts_in_time(own) && ends_in_time(own))
    }

    /// Whether every row of the file matches, so that no row has to be looked at.
    pub(crate) fn matches_all(&self, file: &LakeFile) -> bool {
        let window = match self.window {
            Window::Period(period) => file.period == period,
            Window::Dates(days) => file.days.is_some_and(|own| days.contains(own.start()) && days.contains(own.end())),
        };
        window
            && self.visibility == Visibility::Everything
            && self.selection == Selection::Everything
            && self.within.is_empty()
            && self.filter.conditions.is_empty()
            && file.days.is_some_and(|own| self.filter.days.contain_all(own))
    }

    /// The columns that are looked at.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        let mut columns = Vec::new();
        if self.looks_at_days() {
            columns.push(Field::Date.column());
        }
        if self.visibility != Visibility::Everything {
            columns.extend([Field::ChargeType.column(), Field::PublisherType.column()]);
        }
        for selection in std::iter::once(&self.selection).chain(&self.within) {
            columns.extend(select::fields(selection).iter().map(|field| field.column()));
        }
        columns.extend(self.filter.conditions.iter().map(|condition| field_of(condition).column()));
        columns
    }

    /// Whether the day of a row counts: against a window of days, or because accounts had subscriptions from day to day.
    fn looks_at_days(&self) -> bool {
        let moves = |selection: &Selection| match selection {
            Selection::Everything | Selection::Subscription(_) => false,
            Selection::Department { tenures, .. } | Selection::Account { tenures, .. } => !tenures.is_empty(),
        };
        let is_of_days = matches!(self.window, Window::Dates(_)) || !self.filter.days.is_open();
        is_of_days || std::iter::once(&self.selection).chain(&self.within).any(moves)
    }

    /// Tests that a row passes only with a known text: where no text of a column passes, no row is asked for.
    pub(crate) fn required(&self) -> Vec<Required<'_>> {
        let subscription = std::iter::once(&self.selection).filter_map(|selection| match selection {
            Selection::Subscription(id) => Some(Required::Subscription(id.to_string())),
            Selection::Everything | Selection::Department { .. } | Selection::Account { .. } => None,
        });
        self.filter.conditions.iter().map(Required::Condition).chain(subscription).collect()
    }

    /// Marks the rows asked for; `None` if a column is not there or is of another type.
    pub(crate) fn mask(&self, batch: &RecordBatch) -> Option<BooleanArray> {
        let mut keep = vec![true; batch.num_rows()];
        self.keep_days(batch, &mut keep)?;
        if self.visibility != Visibility::Everything {
            self.keep_visible(batch, &mut keep)?;
        }
        for condition in &self.filter.conditions {
            Texts::of(batch, field_of(condition))?.test(|cell| holds(condition, cell)).keep(&mut keep);
        }
        if self.selection != Selection::Everything {
            let selected = select::rows(&self.selection, batch)?;
            keep.iter_mut().zip(selected).for_each(|(keep, selected)| *keep &= selected);
        }
        if !self.within.is_empty() {
            let mut bounded = vec![false; batch.num_rows()];
            for bound in &self.within {
                let inside = select::rows(bound, batch)?;
                bounded.iter_mut().zip(inside).for_each(|(bounded, inside)| *bounded |= inside);
            }
            keep.iter_mut().zip(bounded).for_each(|(keep, bounded)| *keep &= bounded);
        }
        Some(BooleanArray::from(keep))
    }

    /// What is wrong with a file whose rows cannot be told.
    pub(crate) fn unusable(&self, file: &LakeFile) -> LakeError {
        let reason = "the columns to filter by are missing or of another type".to_owned();
        LakeError::ForeignFile { path: file.path.clone(), reason }
    }

    fn keep_days(&self, batch: &RecordBatch, keep: &mut [bool]) -> Option<()> {
        let bounds = self.filter.days;
        let days = match self.window {
            Window::Period(_) if bounds.is_open() => return Some(()),
            Window::Period(_) => None,
            Window::Dates(days) => Some(days),
        };
        let asked = |day: Date| days.is_none_or(|days| days.contains(day)) && bounds.contains(day);
        let dates = batch.column_by_name(Field::Date.column())?.as_primitive_opt::<Date32Type>()?;
        for (keep, day) in keep.iter_mut().zip(dates.iter()) {
            *keep &= day.is_some_and(|day| Date::from_days(day).is_ok_and(asked));
        }
        Some(())
    }

    fn keep_visible(&self, batch: &RecordBatch, keep: &mut [bool]) -> Option<()> {
        let charge = |cell: Option<&str>| cell.map(ChargeType::read);
        let publisher = |cell: Option<&str>| PublisherType::read(cell.unwrap_or_default());
        let types = Texts::of(batch, Field::ChargeType)?.test(|cell| self.visibility.shows_charge(charge(cell)));
        let publishers =
            Texts::of(batch, Field::PublisherType)?.test(|cell| self.visibility.shows_publisher(publisher(cell)));
        types.keep(keep);
        publishers.keep(keep);
        Some(())
    }
}

/// A test that a row passes only with a known text in a column.
pub(crate) enum Required<'a> {
    /// A condition of the filter.
    Condition(&'a Condition),
    /// The subscription that is asked for, as comparable text.
    Subscription(String),
}

impl Required<'_> {
    /// The column that is tested.
    pub(crate) fn column(&self) -> &'static str {
        match self {
            Self::Condition(condition) => field_of(condition).column(),
            Self::Subscription(_) => Field::SubscriptionId.column(),
        }
    }

    /// Whether a text passes.
    pub(crate) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Condition(condition) => holds(condition, Some(text)),
            Self::Subscription(id) => comparable(text) == *id,
        }
    }
}

/// The cell that a condition is about.
fn field_of(condition: &Condition) -> Field {
    match condition {
        Condition::Text { field, .. } => *field,
        Condition::Tag { .. } => Field::Tags,
    }
}

fn holds(condition: &Condition, cell: Option<&str>) -> bool {
    match condition {
        Condition::Text { comparison, text, .. } => cell.is_some_and(|cell| comparison.accepts_texts(cell, text)),
        Condition::Tag { key, value } => cell.is_some_and(|cell| has_tag(cell, key, value)),
    }
}
