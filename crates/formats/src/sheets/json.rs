//! Answers as sources: lists of resources, price sheets, and the bare lists of Enterprise Reporting.

use std::fs::File;

use memchr::memchr_iter;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::members::Row;
use super::{NextSheetPage, Reading, RowKind};
use crate::error::{InputError, RowPlace};
use crate::pages::json::{self, Member, Value};
use crate::pages::read_text;
use crate::source::SourceReader;

/// Words that only these answers have, each of a set.
const WORDS: [&[&str]; 7] = [
    &["microsoft.consumption/reservationdetails"],
    &["microsoft.consumption/reservationsummaries"],
    &["microsoft.consumption/reservationtransactions"],
    &["\"pricesheets\""],
    &["\"reservedhours\"", "\"usedhours\""],
    &["\"eventtype\"", "\"reservationorderid\"", "\"amount\""],
    &["\"unitprice\"", "\"includedquantity\"", "\"partnumber\""],
];
const EXPECTED: &str = "expected an answer of price sheets, reservation details, reservation summaries or reservation \
                        transactions";

/// Whether a text that begins so is such an answer.
pub(super) fn looks_like_sheet(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head).to_lowercase();
    WORDS.iter().any(|words| words.iter().all(|word| text.contains(word)))
}

/// Whether a text is a whole answer without items, which does not say what it is about.
pub(super) fn is_blank(text: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct List {
        value: Vec<IgnoredAny>,
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    serde_json::from_slice(text).is_ok_and(|list: List| list.value.is_empty())
}

/// Where rows stand in an answer.
struct Answer<'j> {
    items: Vec<&'j RawValue>,
    next: Option<NextSheetPage>,
    of_prices: bool,
}

pub(super) fn read(source: &mut SourceReader<File>, reading: &mut Reading<'_>) -> Result<(), InputError> {
    let text = read_text(reading.file, source)?;
    let whole: &RawValue = serde_json::from_str(&text).map_err(|error| InputError::Json {
        file: reading.file.to_owned(),
        line: error.line() as u64,
        character: error.column() as u64,
        reason: json::reason(&error),
    })?;
    let answer = answer(whole).map_err(|reason| reading.refused(None, reason))?;
    (reading.facts.is_answer, reading.facts.next) = (true, answer.next);
    reading.facts.of_prices = answer.of_prices;
    let (mut counted, mut line) = (0, 1);
    for item in answer.items {
        let start = (item.get().as_ptr().addr()).saturating_sub(text.as_ptr().addr());
        line += memchr_iter(b'\n', &text.as_bytes()[counted..start]).count() as u64;
        counted = start;
        let place = RowPlace::of_line(line);
        let (kind, row) = row(item).map_err(|expected| reading.refused(Some(place), expected))?;
        reading.row(kind, place, &row)?;
    }
    Ok(())
}

fn answer(whole: &RawValue) -> Result<Answer<'_>, String> {
    if whole.get().starts_with('[') {
        return Ok(Answer { items: json::items(whole)?, next: None, of_prices: false });
    }
    let members = json::members(whole)?;
    let find = |members: &[Member<'_>], name: &str| members.iter().position(|member| member.name == name);
    let next = |members: &[Member<'_>]| {
        let next = find(members, "nextLink").map(|at| members[at].value.get())?;
        let link: String = serde_json::from_str(next).unwrap_or_else(|_| next.to_owned());
        let answer = without_place(&link);
        (next != "null" && !link.is_empty()).then_some(NextSheetPage { url: link, answer })
    };
    if let Some(at) = find(&members, "value") {
        return Ok(Answer { items: json::items(members[at].value)?, next: next(&members), of_prices: false });
    }
    let Some(at) = find(&members, "properties") else {
        return Err(format!("the object has neither value nor properties; {EXPECTED}"));
    };
    let properties = json::members(members[at].value)?;
    match find(&properties, "pricesheets") {
        Some(at) => Ok(Answer { items: json::items(properties[at].value)?, next: next(&properties), of_prices: true }),
        None => Err(format!("its properties have no pricesheets; {EXPECTED}")),
    }
}

/// Reads an item. The error says what would be right.
fn row(item: &RawValue) -> Result<(RowKind, Row), String> {
    let members = json::members(item)?;
    let properties = members.iter().find(|member| member.name == "properties");
    let facts = properties.map(|properties| json::members(properties.value)).transpose()?;
    let facts = facts.as_ref().unwrap_or(&members);
    let has = |name: &str| facts.iter().any(|member| member.name.eq_ignore_ascii_case(name));
    let kind = RowKind::of(has).ok_or_else(|| format!("an item is none that is known; {EXPECTED}"))?;
    let mut row = Row::default();
    if properties.is_some() {
        for member in members.iter().filter(|member| matches!(member.name.as_ref(), "id" | "name" | "tags")) {
            let name = member.name.as_ref();
            let value = json::value(member.value).map_err(|expected| format!("{name}: {expected}"))?;
            if name != "tags" && !matches!(value, Value::Text(_) | Value::Null) {
                return Err(format!("{name}: expected a text"));
            }
            row.push(&format!("@{name}"), member.value.get());
        }
    }
    for member in facts {
        let name = match (kind.known(&member.name), member.name.as_ref()) {
            (Some(known), _) => known.name,
            // The id of a row of Enterprise Reporting stands among its facts.
            (None, "id") if properties.is_none() => "@id",
            (None, other) => other,
        };
        if name.starts_with('@') && name != "@id" {
            return Err(format!("the member {name} begins like none of the original"));
        }
        // Nested facts are kept as they are, within the limits of one value.
        json::value(member.value).map_err(|expected| format!("{name}: {expected}"))?;
        if !row.push(name, member.value.get()) {
            return Err(format!("the member {name} is given twice"));
        }
    }
    Ok((kind, row))
}

/// A link without the place in the answer, which every page has another of.
fn without_place(link: &str) -> String {
    let Some((path, query)) = link.split_once('?') else { return link.to_owned() };
    let is_place = |part: &&str| part.to_ascii_lowercase().contains("skiptoken=");
    let kept: Vec<&str> = query.split('&').filter(|part| !is_place(part)).collect();
    format!("{path}?{}", kept.join("&")).to_ascii_lowercase()
}
