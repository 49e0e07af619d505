//! Which files are pages of one answer, and which answers lack their end.
//!
//! A page says the address of the next one, and the pages of an answer share it but for the place in the answer. The last
//! page says none: it is told by its rows, which must be what the address asks for.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{BillingPeriod, Date};
use ledger::{SheetKind, SheetUnit, segment_after};

use super::file::SheetFile;
use crate::error::ImportError;
use crate::walks::refuse_page_twice;

/// `YYYY-MM-DD`
const DAY_CHARS: usize = 10;

/// What the files of a run are pages of.
#[derive(Debug)]
pub(super) struct Answers {
    /// Of each file, in their order.
    of_file: Vec<usize>,
    /// Those without end.
    open: BTreeSet<usize>,
    /// Pages without rows behind which no other one comes, each with a file of the answer that it ends, if it ends any.
    blank_ends: Vec<(usize, Option<usize>)>,
}

/// An answer that goes on behind some page.
struct Walk<'f> {
    /// Its address without the place in the answer, and the days that it asks for.
    address: &'f str,
    bounds: (Option<Date>, Option<Date>),
    files: Vec<usize>,
    units: BTreeSet<&'f SheetUnit>,
}

impl Answers {
    /// Tells the answers of files. `are_parts`: all of them are one, whatever they say.
    pub(super) fn of(files: &[SheetFile], are_parts: bool) -> Result<Self, ImportError> {
        if !are_parts {
            let pages =
                files.iter().filter_map(|file| Some((file.file.as_str(), file.facts.next.as_ref()?.url.as_str())));
            refuse_page_twice(pages)?;
        }
        let mut of_file: Vec<usize> = (0..files.len()).map(|index| if are_parts { 0 } else { index }).collect();
        let mut walks = walks(files);
        for walk in &walks {
            walk.files.iter().for_each(|index| of_file[*index] = of_file[walk.files[0]]);
        }
        let is_last = |file: &SheetFile| file.facts.is_answer && file.facts.next.is_none();
        let mut last_pages: BTreeSet<usize> =
            (0..files.len()).filter(|index| is_last(&files[*index]) && files[*index].facts.rows > 0).collect();
        // Walks with the least choice come first.
        walks.sort_by_key(|walk| last_pages.iter().filter(|index| walk.can_end_with(files, **index)).count());
        let mut open: Vec<Walk<'_>> = Vec::new();
        for walk in walks {
            let fitting = last_pages.iter().copied().filter(|index| walk.can_end_with(files, *index));
            match fitting.min_by_key(|index| walk.distance_to(&files[*index])) {
                Some(last) => {
                    last_pages.remove(&last);
                    of_file[last] = of_file[walk.files[0]];
                }
                None => open.push(walk),
            }
        }
        let blank_ends = end_with_blank(&mut open, files);
        let open = open.iter().map(|walk| of_file[walk.files[0]]).collect();
        Ok(Self { of_file, open, blank_ends })
    }

    /// Pages without rows behind which no other one comes, each with a file of the answer that it ends, if it ends any.
    pub(super) fn blank_ends(&self) -> &[(usize, Option<usize>)] {
        &self.blank_ends
    }

    /// Whether two files are pages of one answer.
    pub(super) fn are_one(&self, first: usize, second: usize) -> bool {
        self.of_file[first] == self.of_file[second]
    }

    /// Whether a file is of an answer without end.
    pub(super) fn is_open(&self, file: usize) -> bool {
        self.open.contains(&self.of_file[file])
    }

    /// A file of each answer without end that has rows.
    pub(super) fn open_files(&self, files: &[SheetFile]) -> impl Iterator<Item = usize> {
        let is_of = |index: &usize, answer: usize| self.of_file[*index] == answer && files[*index].facts.rows > 0;
        self.open.iter().filter_map(move |answer| (0..files.len()).find(|index| is_of(index, *answer)))
    }
}

fn walks(files: &[SheetFile]) -> Vec<Walk<'_>> {
    let mut walks: BTreeMap<&str, Walk<'_>> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        let Some(next) = &file.facts.next else { continue };
        let walk = walks.entry(&next.answer).or_insert_with(|| Walk {
            address: &next.answer,
            bounds: bounds_in(&next.answer),
            files: Vec::new(),
            units: BTreeSet::new(),
        });
        walk.files.push(index);
        walk.units.extend(file.parts.keys());
    }
    walks.into_values().collect()
}

impl Walk<'_> {
    fn is_of_prices(&self, files: &[SheetFile]) -> bool {
        self.files.iter().any(|index| files[*index].facts.of_prices)
    }

    /// Whether a page without next one, which has rows, can be the last one: it is of the same enrollment and kind, and its
    /// rows are what the address asks for.
    fn can_end_with(&self, files: &[SheetFile], last: usize) -> bool {
        let last = &files[last];
        let is_of_same = |index: &usize| {
            let own = &files[*index];
            own.parts.is_empty() || own.facts.enrollment == last.facts.enrollment
        };
        let kinds: BTreeSet<SheetKind> = self.units.iter().map(|unit| unit.kind).collect();
        let asks_for = |unit: &SheetUnit| {
            (kinds.is_empty() || kinds.contains(&unit.kind))
                && self.asks_for_days(unit)
                && self.asks_for_reservation(unit)
        };
        self.is_of_prices(files) == last.facts.of_prices
            && self.files.iter().all(is_of_same)
            && last.parts.keys().all(asks_for)
    }

    /// Prices are asked for month by month. The address of other answers has the days that are asked for, if any.
    fn asks_for_days(&self, unit: &SheetUnit) -> bool {
        if unit.kind == SheetKind::Prices {
            return self.units.is_empty() || self.units.iter().any(|own| own.day == unit.day);
        }
        let (first, last) = self.bounds;
        if first.is_none() && last.is_none() {
            return self.goes_on_with(unit);
        }
        if !unit.kind.is_monthly() {
            return first.is_none_or(|first| unit.day >= first) && last.is_none_or(|last| unit.day <= last);
        }
        let month = BillingPeriod::of(unit.day);
        // An event can be billed in the month after it.
        let is_late = |last: Date| {
            let after = BillingPeriod::of(last).next().unwrap_or(BillingPeriod::of(last));
            month > if unit.kind == SheetKind::ReservationTransactions { after } else { BillingPeriod::of(last) }
        };
        first.is_none_or(|first| month >= BillingPeriod::of(first)) && !last.is_some_and(is_late)
    }

    /// Rows of an answer about all days go on in the order of time, or, where they are of reservations, of these.
    fn goes_on_with(&self, unit: &SheetUnit) -> bool {
        let days = || self.units.iter().map(|own| own.day);
        let is_of_order = self.units.iter().any(|own| own.reservation.0 == unit.reservation.0);
        match unit.kind.is_of_reservation() {
            true => is_of_order || unit.kind.is_monthly(),
            false => days().max().is_none_or(|last| unit.day >= last),
        }
    }

    /// The path or the query can name an order and a reservation.
    fn asks_for_reservation(&self, unit: &SheetUnit) -> bool {
        if !unit.kind.is_of_reservation() {
            return true;
        }
        let path = self.address.split('?').next().unwrap_or_default();
        let segment = |name: &str| Some(segment_after(path, name)).filter(|segment| !segment.is_empty());
        let (order, reservation) = &unit.reservation;
        let is = |asked: Option<&str>, own: &str| asked.is_none_or(|asked| asked.eq_ignore_ascii_case(own));
        let orders = [segment("reservationOrders"), parameter(self.address, "reservationOrderId")];
        let reservations = [segment("reservations"), parameter(self.address, "reservationId")];
        orders.into_iter().all(|asked| is(asked, order)) && reservations.into_iter().all(|asked| is(asked, reservation))
    }

    /// How far a last page is from the pages before it: it goes on where they end.
    fn distance_to(&self, last: &SheetFile) -> (bool, i32) {
        let shares = last.parts.keys().any(|unit| self.units.contains(unit));
        let end = self.units.iter().map(|unit| unit.day.days()).max().unwrap_or(0);
        let start = last.parts.keys().map(|unit| unit.day.days()).min().unwrap_or(0);
        (!shares, (start - end).abs())
    }
}

/// Takes the answers from those without end that pages without rows end, and says which pages end none. Such a page does not
/// say which answer it is of: where there are fewer of them than answers, none counts as ended.
fn end_with_blank(open: &mut Vec<Walk<'_>>, files: &[SheetFile]) -> Vec<(usize, Option<usize>)> {
    let mut told = Vec::new();
    for of_prices in [true, false] {
        let is_end = |index: &usize| {
            let facts = &files[*index].facts;
            facts.is_answer && facts.rows == 0 && facts.next.is_none() && facts.of_prices == of_prices
        };
        let ends: Vec<usize> = (0..files.len()).filter(is_end).collect();
        let is_one = |walk: &Walk<'_>| walk.is_of_prices(files) == of_prices;
        let answers: Vec<usize> = open.iter().filter(|walk| is_one(walk)).map(|walk| walk.files[0]).collect();
        if ends.len() >= answers.len() {
            open.retain(|walk| !is_one(walk));
            told.extend(ends.into_iter().enumerate().map(|(at, end)| (end, answers.get(at).copied())));
        }
    }
    told
}

/// The first and the last day that an address asks for, as its filter or its parameters say.
fn bounds_in(address: &str) -> (Option<Date>, Option<Date>) {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let parameters = query.split('&').filter(|parameter| !parameter.starts_with("api-version="));
    let (mut first, mut last) = (None, None);
    for text in std::iter::once(path).chain(parameters) {
        let text = text.to_ascii_lowercase().replace("%20", " ").replace("%27", "'").replace('+', " ");
        for (at, _) in text.char_indices() {
            let Some(Ok(day)) = text.get(at..at + DAY_CHARS).map(Date::parse_iso) else { continue };
            let before = text[..at].trim_end_matches('\'');
            let is_after = |words: &[&str]| words.iter().any(|word| before.ends_with(word));
            if is_after(&[" ge ", " gt ", " eq ", "startdate=", "starttime="]) {
                first = first.max(Some(day));
            }
            if is_after(&[" le ", " lt ", " eq ", "enddate=", "endtime="]) {
                last = Some(last.map_or(day, |last: Date| last.min(day)));
            }
        }
    }
    (first, last)
}

/// The value of a parameter of an address.
fn parameter<'a>(address: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = address.split_once('?')?;
    let mut parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
    parameters.find(|(own, value)| own.eq_ignore_ascii_case(name) && !value.is_empty()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_found_in_addresses_as_clients_write_them() {
        let found = |address: &str| {
            let (first, last) = bounds_in(address);
            [first, last].map(|day| day.map_or_else(String::new, |day| day.to_string()))
        };
        let week = ["2017-12-01", "2017-12-07"];
        for address in [
            "https://h/x?$filter=properties%2fusagedate%20ge%202017-12-01t00%3a00%3a00z%20and%20properties%2fusagedate%20le%202017-12-07",
            "https://h/x?startdate=2017-12-01&enddate=2017-12-07&api-version=2019-10-01",
            "https://h/x?$filter=usagedate+le+'2017-12-07'+and+usagedate+ge+'2017-12-01t00:00:00z'",
        ] {
            assert_eq!(found(address), week, "{address}");
        }
        assert_eq!(found("https://h/x?$filter=usagedate le 2017-12-07"), ["", week[1]]);
        assert_eq!(found("https://h/x?startDate=2017-12-07&endDate=2017-12-07"), [week[1], week[1]]);
        assert_eq!(found("https://h/é/2017-12-01?x=2017-12-01"), ["", ""]);
    }
}
