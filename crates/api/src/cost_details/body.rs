//! The body of a report's order (contract `cost-details-api.md`, section 2).

use calendar::{BillingPeriod, Date, DateRange};
use ledger::{Dataset, Window};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::arm::{ApiError, day, excerpt};

/// Documented texts of the original; the second one does have two blanks.
const INVALID_PAYLOAD: &str = "Invalid Request Payload";
const SEVERAL_SELECTORS: &str =
    "Invalid request payload:  can only have either timePeriod or invoiceId or billingPeriod";

/// An order, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReportRequest {
    pub(super) dataset: Dataset,
    pub(super) selector: Selector,
    /// The body as the caller wrote it, `{}` for an empty one.
    pub(super) text: String,
}

/// Which charges by time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Selector {
    /// The current billing period.
    Current,
    /// A billing period.
    Period(BillingPeriod),
    /// A range of days.
    Days(DateRange),
}

impl Selector {
    /// The time that it names, unless that depends on the clock.
    pub(super) fn window(&self) -> Option<Window> {
        match self {
            Self::Current => None,
            Self::Period(period) => Some(Window::Period(*period)),
            Self::Days(days) => Some(Window::Dates(*days)),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    metric: Option<String>,
    time_period: Option<TimePeriod>,
    billing_period: Option<PeriodName>,
    invoice_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimePeriod {
    start: Option<String>,
    end: Option<String>,
}

/// A period as text, or as the number that PowerShell makes of it.
#[derive(Deserialize)]
#[serde(untagged)]
enum PeriodName {
    Text(String),
    Number(u64),
}

impl ReportRequest {
    /// Reads a body.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        let invalid = || wrong(INVALID_PAYLOAD);
        let text = std::str::from_utf8(bytes).map_err(|_| invalid())?;
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let text = if text.is_empty() { "{}" } else { text };
        let body = parse_strictly(text).ok_or_else(invalid)?;
        let given = [body.time_period.is_some(), body.billing_period.is_some(), body.invoice_id.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(wrong(SEVERAL_SELECTORS));
        }
        let selector = match (body.time_period, body.billing_period, body.invoice_id) {
            (Some(range), ..) => Selector::Days(parse_range(&range)?),
            (_, Some(period), _) => Selector::Period(parse_period(&period)?),
            (.., Some(_)) => {
                return Err(wrong(
                    "invoiceId is not supported for enterprise agreements; use timePeriod or billingPeriod.",
                ));
            }
            _ => Selector::Current,
        };
        let dataset = body.metric.as_deref().map_or(Ok(Dataset::ActualCost), parse_metric)?;
        Ok(Self { dataset, selector, text: text.to_owned() })
    }
}

fn wrong(text: &str) -> ApiError {
    ApiError::BadRequest(text.to_owned())
}

/// Reads one object without unknown or repeated members. A derived reader alone would take an array for an object.
fn parse_strictly(text: &str) -> Option<Body> {
    let shape: Value = serde_json::from_str(text).ok()?;
    let is_object_or_absent = |value: Option<&Value>| value.is_none_or(|value| value.is_object() || value.is_null());
    if !shape.is_object() || !is_object_or_absent(shape.get("timePeriod")) {
        return None;
    }
    // What is echoed later is one JSON value: the readers agree on where it ends.
    serde_json::from_str::<&RawValue>(text).ok()?;
    serde_json::from_str(text).ok()
}

fn parse_metric(text: &str) -> Result<Dataset, ApiError> {
    text.parse().map_err(|_| {
        let metrics = Dataset::ALL.map(Dataset::as_str).join(",");
        ApiError::BadRequest(format!(
            "The metric '{}' is invalid. The supported metrics are '{metrics}'.",
            excerpt(text)
        ))
    })
}

fn parse_period(period: &PeriodName) -> Result<BillingPeriod, ApiError> {
    let text = match period {
        PeriodName::Text(text) => text.clone(),
        PeriodName::Number(number) => number.to_string(),
    };
    BillingPeriod::parse(text.trim())
        .map_err(|error| ApiError::BadRequest(format!("billingPeriod '{}': {error}.", excerpt(&text))))
}

fn parse_range(range: &TimePeriod) -> Result<DateRange, ApiError> {
    let (Some(start), Some(end)) = (&range.start, &range.end) else {
        return Err(wrong("Invalid request payload: timePeriod needs both start and end."));
    };
    let (start, end) = (parse_day("start", start)?, parse_day("end", end)?);
    DateRange::inclusive(start, end).map_err(|_| {
        ApiError::BadRequest(format!("Invalid timePeriod: the start date {start} is after the end date {end}."))
    })
}

fn parse_day(name: &str, text: &str) -> Result<Date, ApiError> {
    day(text).map_err(|error| ApiError::BadRequest(format!("Invalid timePeriod: {name} '{}': {error}.", excerpt(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ReportRequest, String> {
        ReportRequest::parse(text.as_bytes()).map_err(|error| match error {
            ApiError::BadRequest(text) => text,
            other => panic!("{other:?}"),
        })
    }

    fn selector(text: &str) -> Selector {
        parse(text).unwrap().selector
    }

    #[test]
    fn nothing_asks_for_the_current_period_of_actual_cost() {
        for (text, echo) in
            [("", "{}"), (" \r\n", "{}"), ("{}", "{}"), (" { } ", "{ }"), ("{\"metric\":null}", "{\"metric\":null}")]
        {
            let expected =
                ReportRequest { dataset: Dataset::ActualCost, selector: Selector::Current, text: echo.into() };
            assert_eq!(parse(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn every_spelling_of_days_and_periods_is_read() {
        let days = |text: &str| Selector::Days(text.parse().unwrap());
        let september = || Selector::Period(BillingPeriod::new(2023, 9).unwrap());
        for (start, end) in [
            ("2023-09-01", "2023-09-15"),
            ("2023-09-01T00:00:00Z", "2023-09-15T23:59:59Z"),
            ("2023-09-01T00:00:00.0000000+00:00", "2023-09-15T00:00"),
        ] {
            let text = format!(r#"{{"timePeriod":{{"start":"{start}","end":"{end}"}},"invoiceId":null}}"#);
            assert_eq!(selector(&text), days("2023-09-01..2023-09-15"), "{text}");
        }
        for period in ["\"202309\"", "202309", "\"20230917\"", "20230999"] {
            assert_eq!(selector(&format!("{{\"billingPeriod\":{period}}}")), september(), "{period}");
        }
        assert_eq!(parse(r#"{"metric":"amortizedCOST"}"#).unwrap().dataset, Dataset::AmortizedCost);
    }

    #[test]
    fn what_is_not_an_order_is_an_invalid_payload() {
        for text in [
            "x",
            "null",
            "[]",
            "[\"ActualCost\"]",
            "\"ActualCost\"",
            "{",
            "{}{}",
            "{\"a\":1}",
            "{\"Metric\":\"ActualCost\"}",
            "{\"metric\":1}",
            "{\"metric\":\"ActualCost\",\"metric\":\"ActualCost\"}",
            "{\"timePeriod\":[\"2023-09-01\",\"2023-09-02\"]}",
            "{\"timePeriod\":\"2023-09-01\"}",
            "{\"timePeriod\":{\"start\":1,\"end\":2}}",
            "{\"timePeriod\":{\"start\":\"2023-09-01\",\"end\":\"2023-09-02\",\"zone\":\"\"}}",
            "{\"timePeriod\":{\"start\":\"2023-09-01\",\"start\":\"2023-09-01\",\"end\":\"2023-09-02\"}}",
            "{\"billingPeriod\":true}",
            "{\"billingPeriod\":-1}",
            "{\"billingPeriod\":202309.5}",
            "{\"billingPeriod\":[202309]}",
        ] {
            assert_eq!(parse(text), Err(INVALID_PAYLOAD.to_owned()), "{text}");
        }
        assert!(ReportRequest::parse(b"{\"metric\":\"\xff\"}").is_err());
    }

    #[test]
    fn two_selectors_are_refused_with_the_documented_text() {
        for text in [
            r#"{"billingPeriod":"202309","timePeriod":{"start":"2023-09-01","end":"2023-09-02"}}"#,
            r#"{"billingPeriod":"202309","invoiceId":"1"}"#,
            r#"{"timePeriod":{},"invoiceId":"1"}"#,
        ] {
            assert_eq!(parse(text), Err(SEVERAL_SELECTORS.to_owned()), "{text}");
        }
    }

    #[test]
    fn wrong_values_are_named() {
        let cases = [
            (r#"{"metric":"Usage"}"#, "'Usage'"),
            (r#"{"invoiceId":"1"}"#, "invoiceId"),
            (r#"{"billingPeriod":"202313"}"#, "month 13"),
            (r#"{"billingPeriod":"2023-09"}"#, "YYYYMM"),
            (r#"{"timePeriod":{"start":"2023-09-01"}}"#, "both start and end"),
            (r#"{"timePeriod":{"start":"2023-09-02","end":"2023-09-01"}}"#, "is after the end date"),
            (r#"{"timePeriod":{"start":"2023-02-30","end":"2023-03-01"}}"#, "2023-02-30 does not exist"),
            (r#"{"timePeriod":{"start":"09/01/2023","end":"2023-09-30"}}"#, "YYYY-MM-DD"),
            (r#"{"timePeriod":{"start":"20230901","end":"2023-09-30"}}"#, "YYYY-MM-DD"),
            (r#"{"timePeriod":{"start":"2023-09-01T00:00:00+08:00","end":"2023-09-30"}}"#, "offset"),
            (r#"{"timePeriod":{"start":"2023-09-01","end":""}}"#, "end ''"),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
