//! `GET /rest/{enrollment}/usage-report?month=…&type=…&fmt=…`: the reports that were before the Enterprise Reporting API
//! (contract sections 1 and 8). One answer holds a whole month; it is written while it is read.
//!
//! For a month without rows the answer is the CSV text even where JSON is asked for, and clients look for that.

use access::Permit;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use calendar::BillingPeriod;
use formats::{CsvEncoder, JsonEncoder, ReportingVersion, RowContext};
use futures::stream::{iter, try_unfold};
use futures::{StreamExt, TryStreamExt};
use ledger::{ChargeFilter, Dataset, Generation, Window};
use pages::{PageError, PageQuestion, Pages, RowsPage};
use reports::{Question, ReportForm};

use super::asked::{enrollment_of, meant, without_data};
use super::download::{not_held, question};
use super::{check_query, part};
use crate::arm::{ApiError, Query, authenticate, excerpt};
use crate::dispatch::Call;

const MONTH: &str = "month";
const TYPE: &str = "type";
const FORM: &str = "fmt";
/// Tells the walk apart from that of the newer rows.
const WALK: &str = "usage report";
/// Rows that are read at once.
const ROWS_AT_ONCE: usize = 5000;

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Detail,
    Summary,
    PriceSheet,
    StoreCharge,
}

impl Kind {
    const ALL: [(&'static str, Self); 4] = [
        ("detail", Self::Detail),
        ("summary", Self::Summary),
        ("pricesheet", Self::PriceSheet),
        ("storecharge", Self::StoreCharge),
    ];

    fn read(query: &Query) -> Result<Self, ApiError> {
        let text = query.get(TYPE).unwrap_or_default();
        let found = Self::ALL.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, kind)| kind).ok_or_else(|| {
            let known = Self::ALL.map(|(name, _)| name).join(", ");
            ApiError::BadRequest(format!("{TYPE}: expected one of {known}, found '{}'.", excerpt(text)))
        })
    }
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Csv,
    Json,
}

impl Written {
    /// Without the parameter a report is CSV: so clients ask for it.
    fn read(query: &Query) -> Result<Self, ApiError> {
        match query.get(FORM) {
            None => Ok(Self::Csv),
            Some(text) if text.eq_ignore_ascii_case("csv") => Ok(Self::Csv),
            Some(text) if text.eq_ignore_ascii_case("json") => Ok(Self::Json),
            Some(text) => {
                Err(ApiError::BadRequest(format!("{FORM}: expected Csv or Json, found '{}'.", excerpt(text))))
            }
        }
    }
}

/// Answers with a report of a month, the current one if none is named.
pub(crate) async fn usage_report(call: &Call<'_>, enrollment: &str) -> Result<Response, ApiError> {
    let caller = authenticate(call).await?;
    check_query(call, &[MONTH, TYPE, FORM])?;
    let (kind, written) = (Kind::read(&call.query)?, Written::read(&call.query)?);
    let month = call.query.get(MONTH).map(month).transpose()?;

    let permit = part(call, &caller, enrollment).await?;

    let window = meant(call, &permit, month.map(Window::Period)).await?;
    match (kind, written) {
        (Kind::Detail, Written::Csv) => csv(call, &permit, window).await,
        (Kind::Detail, Written::Json) => json(call, permit, window).await,
        (other, _) => Err(without_report(other, &permit, window)),
    }
}

/// A month as clients write it: `2017-03`, and `2017-3`.
fn month(text: &str) -> Result<BillingPeriod, ApiError> {
    let refused = |reason: &dyn std::fmt::Display| {
        ApiError::BadRequest(format!("{MONTH}: '{}' is none: {reason}.", excerpt(text)))
    };
    let wrong_form = || refused(&"expected YYYY-MM such as 2017-03");
    let (year, month) = text.split_once('-').ok_or_else(wrong_form)?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if year.len() != 4 || !matches!(month.len(), 1 | 2) || !is_number(year) || !is_number(month) {
        return Err(wrong_form());
    }
    let (year, month) = (year.parse().map_err(|_| wrong_form())?, month.parse().map_err(|_| wrong_form())?);
    BillingPeriod::new(year, month).map_err(|error| refused(&error))
}

/// What is said of reports that are not made here.
fn without_report(kind: Kind, permit: &Permit, window: Window) -> ApiError {
    let enrollment = enrollment_of(permit);
    ApiError::NotFound(match (kind, window) {
        (Kind::PriceSheet, Window::Period(period)) => {
            format!(
                "Reports of {TYPE}=pricesheet are not answered: their form is not known here. The price sheet is at \
                 /v3/enrollments/{enrollment}/billingPeriods/{period}/pricesheet."
            )
        }
        (Kind::StoreCharge, _) => format!(
            "Reports of {TYPE}=storecharge are not answered: their form is not known here. Marketplace charges are at \
             /v3/enrollments/{enrollment}/marketplacecharges."
        ),
        (Kind::Summary, _) => format!(
            "Reports of {TYPE}=summary are not answered: their form is not known here. Balance summaries are at \
             /v3/enrollments/{enrollment}/balancesummary."
        ),
        _ => format!(
            "Reports of this {TYPE} are not answered: their form is not known here. Charges are at \
             /v3/enrollments/{enrollment}/usagedetails."
        ),
    })
}

async fn csv(call: &Call<'_>, permit: &Permit, window: Window) -> Result<Response, ApiError> {
    let question = Question { form: ReportForm::UsageReport, ..question(ReportingVersion::V3, permit, window) };
    let answer = call.state.reports.direct(&question).await.map_err(|error| not_held(error, &window))?;
    let pieces = answer.pieces().inspect_err(|error| {
        tracing::error!(%error, "cannot go on writing a usage report: {error}");
    });
    Ok(answered("text/csv", Body::from_stream(pieces)))
}

async fn json(call: &Call<'_>, permit: Permit, window: Window) -> Result<Response, ApiError> {
    let rows = Rows { pages: call.state.pages.clone(), permit, window };
    let first = rows.page(None).await.map_err(|error| match error {
        PageError::NotHeld(reason) => without_data(&window, format!("{reason}.")),
        error => error.into(),
    })?;
    if first.rows.iter().all(Vec::is_empty) {
        let mut text = Vec::new();
        CsvEncoder::usage_report().header(&mut text);
        return Ok(answered("text/csv", Body::from(text)));
    }
    Ok(answered("application/json; charset=utf-8", rows.array(first)))
}

fn answered(content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The rows of a report, which are read page by page from one snapshot.
struct Rows {
    pages: Pages,
    permit: Permit,
    window: Window,
}

/// What is still to be written of a list.
enum Rest {
    /// The page of a token, and what is behind it.
    Page(String),
    End,
    Nothing,
}

impl Rest {
    fn behind(page: &RowsPage) -> Self {
        page.next.clone().map_or(Self::End, Self::Page)
    }
}

impl Rows {
    async fn page(&self, token: Option<&str>) -> Result<RowsPage, PageError> {
        let question = PageQuestion {
            permit: &self.permit,
            generation: Generation::EnterpriseReporting,
            dataset: Dataset::ActualCost,
            asked: Some(self.window),
            window: self.window,
            filter: ChargeFilter::default(),
            form: WALK,
        };
        let walk = self.pages.walk(question, token).await?;
        // Rows of this form say neither id nor whether their period is open.
        let context =
            RowContext { id_prefix: String::new(), first_open_period: BillingPeriod::of(calendar::Date::MAX) };
        self.pages.rows(&walk, &JsonEncoder::usage_report(), &context, ROWS_AT_ONCE).await
    }

    /// A list of all rows, of which the first page is there.
    fn array(self, first: RowsPage) -> Body {
        let rest = Rest::behind(&first);
        let begin = std::iter::once(b"[".to_vec()).chain(first.rows).map(|piece| Ok(Bytes::from(piece)));
        let others = try_unfold((self, rest), |(rows, rest)| async move {
            match rest {
                Rest::Page(token) => {
                    let page = rows.page(Some(&token)).await?;
                    let rest = Rest::behind(&page);
                    let piece: Vec<Vec<u8>> = std::iter::once(b",".to_vec()).chain(page.rows).collect();
                    Ok::<_, PageError>(Some((Bytes::from(piece.concat()), (rows, rest))))
                }
                Rest::End => Ok(Some((Bytes::from_static(b"]"), (rows, Rest::Nothing)))),
                Rest::Nothing => Ok(None),
            }
        });
        let pieces = iter(begin).chain(others).inspect_err(|error| {
            tracing::error!(%error, "cannot go on writing a usage report: {error}");
        });
        Body::from_stream(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_one_digit_or_two() {
        for (text, expected) in [("2017-03", "201703"), ("2017-3", "201703"), ("2017-12", "201712")] {
            assert_eq!(month(text).unwrap().to_string(), expected);
        }
        for text in
            ["", "2017", "201703", "2017-", "2017-013", "2017-13", "03-2017", "2017-0", "17-03", "2017-+3", "x-y"]
        {
            assert!(month(text).is_err(), "{text}");
        }
    }

    #[test]
    fn types_and_forms_are_read_without_case_and_others_refused() {
        let read = |text: &str| {
            let query = Query::parse(Some(text)).unwrap();
            (Kind::read(&query).ok(), Written::read(&query).ok())
        };
        assert_eq!(read("type=Detail&fmt=JSON"), (Some(Kind::Detail), Some(Written::Json)));
        assert_eq!(read("type=storecharge"), (Some(Kind::StoreCharge), Some(Written::Csv)));
        assert_eq!(read("type=details&fmt=xml"), (None, None));
        assert_eq!(read("fmt=csv"), (None, Some(Written::Csv)));
    }
}
