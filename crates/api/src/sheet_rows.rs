//! Rows of sheets on the wire: which members each API has, in its order. Values keep the text of their source.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use calendar::Date;
use formats::StoredRow;
use pages::ReservationAnswer;
use serde_json::Value;

/// How an API says a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// `2018-02-01T00:00:00Z`, without fraction: `az` reads no other form.
    WithZone,
    /// `2018-02-01T00:00:00`, as Enterprise Reporting says it.
    Plain,
}

/// What stands for a value that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Nothing: the member is absent.
    Absent,
    /// A blank text for texts, `null` for numbers: clients of the retired APIs look every member up.
    Placeholder,
}

/// A member on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// Its name on the wire.
    pub(crate) name: &'static str,
    /// The member of the row.
    pub(crate) of_row: &'static str,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Time,
}

pub(crate) const fn text(name: &'static str) -> Member {
    Member { name, of_row: name, kind: Kind::Text }
}

pub(crate) const fn number(name: &'static str) -> Member {
    Member { name, of_row: name, kind: Kind::Number }
}

pub(crate) const fn time(name: &'static str) -> Member {
    Member { name, of_row: name, kind: Kind::Time }
}

/// Members of reservation details, as recorded answers have them; those behind came with 2019-10-01.
pub(crate) static DETAILS: [Member; 11] = [
    text("reservationOrderId"),
    text("reservationId"),
    time("usageDate"),
    text("skuName"),
    text("instanceId"),
    number("totalReservedQuantity"),
    number("reservedHours"),
    number("usedHours"),
    text("instanceFlexibilityGroup"),
    text("instanceFlexibilityRatio"),
    text("kind"),
];
/// How many members of details there were from the beginning.
pub(crate) const DETAILS_AT_FIRST: usize = 8;

/// Members of reservation summaries, likewise.
pub(crate) static SUMMARIES: [Member; 15] = [
    text("reservationOrderId"),
    text("reservationId"),
    text("skuName"),
    number("reservedHours"),
    time("usageDate"),
    number("usedHours"),
    number("minUtilizationPercentage"),
    number("avgUtilizationPercentage"),
    number("maxUtilizationPercentage"),
    text("kind"),
    number("purchasedQuantity"),
    number("remainingQuantity"),
    number("totalReservedQuantity"),
    number("usedQuantity"),
    number("utilizedPercentage"),
];
/// How many members of summaries there were from the beginning.
pub(crate) const SUMMARIES_AT_FIRST: usize = 9;

/// Members of reservation transactions; those behind came with 2021-10-01.
pub(crate) static TRANSACTIONS: [Member; 23] = [
    time("eventDate"),
    text("reservationOrderId"),
    text("description"),
    text("eventType"),
    number("quantity"),
    number("amount"),
    text("currency"),
    text("reservationOrderName"),
    text("purchasingEnrollment"),
    text("armSkuName"),
    text("term"),
    text("region"),
    text("purchasingSubscriptionGuid"),
    text("purchasingSubscriptionName"),
    text("accountName"),
    text("accountOwnerEmail"),
    text("departmentName"),
    text("costCenter"),
    text("currentEnrollment"),
    text("billingFrequency"),
    number("billingMonth"),
    number("monetaryCommitment"),
    number("overage"),
];
/// How many members of transactions there were from the beginning.
pub(crate) const TRANSACTIONS_AT_FIRST: usize = 20;

/// Appends members between braces.
pub(crate) fn write_members(
    members: &[Member],
    row: &StoredRow,
    (times, unknown): (Times, Unknown),
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    let start = out.len();
    for member in members {
        let known = row.json(member.of_row).filter(|json| *json != "null");
        let value = match (known, unknown) {
            (Some(json), _) if member.kind == Kind::Time => {
                time_text(&row.text(member.of_row), times).unwrap_or(json.to_owned())
            }
            (Some(json), _) => json.to_owned(),
            (None, Unknown::Absent) => continue,
            (None, Unknown::Placeholder) if member.kind == Kind::Number => "null".to_owned(),
            (None, Unknown::Placeholder) => "\"\"".to_owned(),
        };
        if out.len() > start {
            out.push(b',');
        }
        out.extend_from_slice(format!("\"{}\":", member.name).as_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    out.push(b'}');
}

/// A time in the form of an API, as JSON: the civil day of the source, with its clock where it has one. `None`: it is no
/// time that is known.
fn time_text(text: &str, times: Times) -> Option<String> {
    let (day, clock) = text.split_once('T').unwrap_or((text, ""));
    let day = Date::parse_any(day.as_bytes()).ok()?;
    let clock = clock.split(['.', 'Z', '+', '-']).next().filter(|clock| clock.len() == 8).unwrap_or("00:00:00");
    let zone = if times == Times::WithZone { "Z" } else { "" };
    Some(format!("\"{day}T{clock}{zone}\""))
}

/// The first digits of a time in ids and names of rows, however its source writes it.
pub(crate) fn time_digits(text: &str, count: usize) -> String {
    let time = time_text(text, Times::Plain).unwrap_or_default();
    time.chars().filter(char::is_ascii_digit).take(count).collect()
}

/// Says that some rows were made of charges or of other rows.
const DERIVED: HeaderName = HeaderName::from_static("lazurite-derived");
/// Says that rows may be missing.
const INCOMPLETE: HeaderName = HeaderName::from_static("lazurite-incomplete");

/// Says whether rows were derived, and whether some may be missing.
pub(crate) fn told(response: Response, answer: &ReservationAnswer) -> Response {
    let response = marked(response, DERIVED, answer.any_derived());
    told_incomplete(response, answer.is_incomplete)
}

/// Says whether rows may be missing.
pub(crate) fn told_incomplete(response: Response, is_incomplete: bool) -> Response {
    marked(response, INCOMPLETE, is_incomplete)
}

fn marked(mut response: Response, name: HeaderName, is_so: bool) -> Response {
    if is_so {
        response.headers_mut().insert(name, HeaderValue::from_static("true"));
    }
    response
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_form_of_their_api() {
        let zoned = |text: &str| time_text(text, Times::WithZone).unwrap();
        for text in ["2018-02-01", "2018-02-01T00:00:00", "2018-02-01T00:00:00.0000000Z", "02/01/2018"] {
            assert_eq!(zoned(text), "\"2018-02-01T00:00:00Z\"", "{text}");
        }
        assert_eq!(zoned("2019-09-30T00:00:00-08:00"), "\"2019-09-30T00:00:00Z\"");
        assert_eq!(zoned("2019-09-09T19:19:04Z"), "\"2019-09-09T19:19:04Z\"");
        assert_eq!(time_text("2018-02-01", Times::Plain).unwrap(), "\"2018-02-01T00:00:00\"");
        assert_eq!(time_text("soon", Times::Plain), None);
        assert_eq!(time_digits("2/1/2018", 8), "20180201");
        assert_eq!(time_digits("2019-09-09T19:19:04Z", 12), "201909091919");
    }

    #[test]
    fn what_is_not_known_is_absent_or_a_placeholder() {
        let row =
            StoredRow::of(vec![("usedHours".into(), "18.000000000000000".into()), ("skuName".into(), "null".into())]);
        let written = |unknown| {
            let mut out = Vec::new();
            let members = [text("skuName"), number("usedHours"), number("reservedHours")];
            write_members(&members, &row, (Times::Plain, unknown), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(Unknown::Absent), r#"{"usedHours":18.000000000000000}"#);
        assert_eq!(
            written(Unknown::Placeholder),
            r#"{"skuName":"","usedHours":18.000000000000000,"reservedHours":null}"#
        );
    }
}
