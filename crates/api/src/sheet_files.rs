//! Price sheets and reservation details as files: `pricesheets/download` of the Consumption API, `pricesheets/default/download`
//! and `generateReservationDetailsReport` of Cost Management. The order is answered with the address of an operation; whoever
//! polls that gets a link to the file, which is made at the first poll.

use access::PricePermit;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use calendar::{BillingPeriod, DateRange};
use formats::{SheetMember, StoredRow, sheet_columns};
use futures::stream::{self, TryStreamExt};
use ledger::{EnrollmentId, Scope, SheetKind};
use pages::{ReservationAnswer, ReservationQuestion};
use reports::{LinkedFile, ReportError};
use serde_json::{Value, json as object};
use uuid::{Uuid, uuid};

use crate::address::BaseUrl;
use crate::arm::{
    ApiError, Format, api_version, authenticate, day, excerpt, json, parse_scope, permit, permit_prices, read_body,
    split_period,
};
use crate::clock::instant_text;
use crate::dispatch::Call;
use crate::prices::HeldPrices;
use crate::sheet_rows::{told, told_incomplete};

/// Versions of the Consumption API that have the download.
const CONSUMPTION_VERSIONS: &[&str] = &["2023-03-01", "2023-05-01", "2023-11-01", "2024-08-01"];
/// Versions of the Cost Management API that have the download.
const COST_MANAGEMENT_VERSIONS: &[&str] = &["2023-09-01", "2023-11-01", "2024-08-01", "2025-03-01"];
/// Versions of the Cost Management API that have the report of reservation details.
const DETAILS_VERSIONS: &[&str] = &[
    "2019-11-01",
    "2021-10-01",
    "2022-05-01",
    "2022-10-01",
    "2023-03-01",
    "2023-08-01",
    "2023-09-01",
    "2023-11-01",
    "2024-08-01",
    "2025-03-01",
];
const PRICES_ACTION: &str = "Microsoft.Consumption/pricesheets/download/action";
const DETAILS_ACTION: &str = "Microsoft.CostManagement/generateReservationDetailsReport/action";
/// Ids of files are made in it.
const FILES: Uuid = uuid!("3b1d5c0e-7a52-5f0b-8a0c-2d6f4f1f9b77");

/// Which API an order came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    Consumption,
    CostManagement,
}

impl Through {
    const fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Consumption => CONSUMPTION_VERSIONS,
            Self::CostManagement => COST_MANAGEMENT_VERSIONS,
        }
    }

    const fn results(self) -> &'static str {
        match self {
            Self::Consumption => "Microsoft.Consumption/operationResults",
            Self::CostManagement => "Microsoft.CostManagement/operationResults",
        }
    }
}

/// What a file is made of; the text of it is the operation's id.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    /// A price sheet, by its key.
    Prices(String),
    /// Reservation details of these days, as they stand when the operation is first polled.
    Details(DateRange, Uuid),
}

impl Content {
    fn id(&self) -> String {
        match self {
            Self::Prices(key) => format!("prices.{key}"),
            Self::Details(days, nonce) => format!("details.{}.{}.{nonce}", days.start(), days.end()),
        }
    }

    fn parse(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.split('.').collect();
        match parts[..] {
            ["prices", key] if !key.is_empty() => Some(Self::Prices(key.to_owned())),
            ["details", first, last, nonce] => {
                let days = DateRange::inclusive(first.parse().ok()?, last.parse().ok()?).ok()?;
                Some(Self::Details(days, nonce.parse().ok()?))
            }
            _ => None,
        }
    }
}

/// Whether an operation is one of these.
pub(crate) fn is_operation(id: &str) -> bool {
    Content::parse(id).is_some()
}

/// Takes the order of a price sheet of a billing period.
pub(crate) async fn order_prices(
    call: &Call<'_>,
    segments: &[String],
    body: &mut Body,
    through: Through,
) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, through.versions())?;
    if !state.settings.emulate {
        call.query.refuse_others(&["api-version"])?;
    }
    let (segments, period) = split_period(segments)?;
    let (scope, text) = parse_scope(segments)?;
    let period = period.filter(|_| matches!(scope, Scope::BillingAccount(_))).ok_or_else(|| {
        ApiError::BadRequest(format!(
            "The scope '{}' has no price sheet here. Supported are billing periods of billing accounts \
             (providers/Microsoft.Billing/billingAccounts/ENROLLMENT/billingPeriods/YYYYMM).",
            excerpt(&text)
        ))
    })?;
    let base = BaseUrl::of(&state.settings, call.parts)?;
    // There is nothing to say in it, but some clients send an empty object.
    read_body(&call.parts.headers, body, Format::Json).await?;

    let own = permit(&state.catalog, &caller, &scope, &text, PRICES_ACTION).await?;

    let prices = permit_prices(&state.catalog, &caller, &own, &text, PRICES_ACTION).await?;
    let sheet = newest(call, &prices, period).await?;
    let id = Content::Prices(sheet.key()).id();
    accepted(call, &base.operation(&text, through.results(), &id, api_version))
}

/// Takes the order of reservation details of `startDate` to `endDate`.
pub(crate) async fn order_details(call: &Call<'_>, segments: &[String], body: &mut Body) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, DETAILS_VERSIONS)?;
    if !state.settings.emulate {
        call.query.refuse_others(&["api-version", "startDate", "endDate"])?;
    }
    let (scope, text) = parse_scope(segments)?;
    if !matches!(scope, Scope::BillingAccount(_)) {
        return Err(ApiError::BadRequest(format!(
            "The scope '{}' has no reservation details. Supported are billing accounts \
             (providers/Microsoft.Billing/billingAccounts/ENROLLMENT).",
            excerpt(&text)
        )));
    }
    let date = |name: &str| {
        let text = call.query.get(name).filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| ApiError::BadRequest(format!("The parameter {name} is missing.")))?;
        day(text).map_err(|error| ApiError::BadRequest(format!("{name}: {error}.")))
    };
    let (first, last) = (date("startDate")?, date("endDate")?);
    let days = DateRange::inclusive(first, last)
        .map_err(|_| ApiError::BadRequest(format!("The startDate {first} is after the endDate {last}.")))?;
    let base = BaseUrl::of(&state.settings, call.parts)?;
    read_body(&call.parts.headers, body, Format::Json).await?;

    permit(&state.catalog, &caller, &scope, &text, DETAILS_ACTION).await?;

    let id = Content::Details(days, Uuid::new_v4()).id();
    accepted(
        call,
        &base.operation(&text, "Microsoft.CostManagement/reservationDetailsOperationResults", &id, api_version),
    )
}

/// Answers with a link to the file of an operation.
pub(crate) async fn result(call: &Call<'_>, segments: &[String], id: &str) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    if !state.settings.emulate {
        call.query.refuse_others(&["api-version"])?;
    }
    let not_found = || ApiError::NotFound(format!("The operation '{}' could not be found.", excerpt(id)));
    let content = Content::parse(id).ok_or_else(not_found)?;
    let (scope, text) = parse_scope(segments)?;
    let base = BaseUrl::of(&state.settings, call.parts)?;
    let action = match content {
        Content::Prices(_) => PRICES_ACTION,
        Content::Details(..) => DETAILS_ACTION,
    };

    let own = permit(&state.catalog, &caller, &scope, &text, action).await?;

    let (Scope::BillingAccount(_), [share]) = (&scope, own.shares()) else { return Err(not_found()) };
    let enrollment = &share.enrollment;
    let file = Uuid::new_v5(&FILES, format!("{}/{id}", enrollment.as_str().to_ascii_lowercase()).as_bytes());
    let made = state.reports.file(file).await?;
    match content {
        Content::Prices(key) => {
            permit_prices(&state.catalog, &caller, &own, &text, action).await?;
            let own = std::slice::from_ref(enrollment);
            let sheet = HeldPrices::of_key(call, own, &key).await?.ok_or_else(not_found)?;
            let is_incomplete = sheet.is_incomplete;
            let made = match made {
                Some(made) => made,
                None => make_prices(call, file, sheet, enrollment).await?,
            };
            Ok(told_incomplete(linked(&base, &made, ("downloadUrl", "validTill"))?, is_incomplete))
        }
        Content::Details(days, _) => {
            let link = |made| linked(&base, made, ("reportUrl", "validUntil"));
            match made {
                Some(made) => link(&made),
                // Only the poll that makes the file knows what it is made of.
                None => {
                    let (made, answer) = make_details(call, file, &own, days).await?;
                    Ok(told(link(&made)?, &answer))
                }
            }
        }
    }
}

async fn newest(call: &Call<'_>, prices: &PricePermit, period: BillingPeriod) -> Result<HeldPrices, ApiError> {
    let [enrollment] = prices.enrollments() else {
        return Err(ApiError::Internal("a billing scope of several enrollments".into()));
    };
    let sheet = HeldPrices::newest(call, enrollment, period).await?;
    sheet.ok_or_else(|| ApiError::NotFound(format!("No price sheet of enrollment {enrollment} is held for {period}.")))
}

fn accepted(call: &Call<'_>, location: &str) -> Result<Response, ApiError> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    let location = HeaderValue::from_str(location).map_err(|error| ApiError::Internal(error.into()))?;
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(call.state.settings.retry_after_s));
    Ok(response)
}

fn linked(base: &BaseUrl, file: &LinkedFile, (url, till): (&str, &str)) -> Result<Response, ApiError> {
    let properties = object!({ url: base.blob(&file.blob.link), till: instant_text(file.valid_till_s)? });
    Ok(json(StatusCode::OK, &object!({ "status": "Completed", "properties": properties })))
}

async fn make_prices(
    call: &Call<'_>,
    file: Uuid,
    sheet: HeldPrices,
    enrollment: &EnrollmentId,
) -> Result<LinkedFile, ApiError> {
    let columns = columns(SheetKind::Prices);
    let enrollment = Value::from(enrollment.as_str()).to_string();
    let rows = stream::try_unfold((0, &sheet), |(page, sheet)| async move {
        let rows = sheet.rows(call, page).await.map_err(|error| failed(&error))?;
        Ok(rows.map(|rows| (rows, (page + 1, sheet))))
    });
    let text = rows.map_ok(|rows| {
        let mut text = String::new();
        // Who asks for the sheet of an enrollment knows whose it is, whatever its source said.
        let filled = |row: &StoredRow, name: &str| {
            row.json(name).map(str::to_owned).or_else(|| (name == "enrollmentNumber").then(|| enrollment.clone()))
        };
        rows.iter().for_each(|row| push_row(&columns, |name| filled(row, name), &mut text));
        Bytes::from(text)
    });
    let content = stream::once(async { Ok(Bytes::from(header_line(&columns))) });
    Ok(call.state.reports.make_file(file, futures::StreamExt::chain(content, text)).await?)
}

async fn make_details(
    call: &Call<'_>,
    file: Uuid,
    own: &access::Permit,
    days: DateRange,
) -> Result<(LinkedFile, ReservationAnswer), ApiError> {
    let question = ReservationQuestion {
        permits: std::slice::from_ref(own),
        kind: SheetKind::ReservationDetails,
        days: Some(days),
        by_event: false,
        order: None,
        reservation: None,
    };
    let answer = call.state.pages.reservations(question).await?;
    let columns = columns(SheetKind::ReservationDetails);
    let mut text = header_line(&columns);
    for item in &answer.items {
        push_row(&columns, |name| item.row.json(name).map(str::to_owned), &mut text);
    }
    let made = call.state.reports.make_file(file, stream::once(async { Ok(Bytes::from(text)) })).await?;
    Ok((made, answer))
}

fn failed(error: &pages::PageError) -> ReportError {
    ReportError::Foreign { id: "a price sheet".to_owned(), reason: error.to_string() }
}

/// The columns of a file.
fn columns(kind: SheetKind) -> Vec<&'static SheetMember> {
    sheet_columns(kind).iter().filter(|member| !member.column.is_empty()).collect()
}

fn header_line(columns: &[&SheetMember]) -> String {
    let names: Vec<&str> = columns.iter().map(|member| member.column).collect();
    format!("\u{feff}{}\n", names.join(","))
}

/// Appends a row; what is not known is blank.
fn push_row(columns: &[&SheetMember], json_of: impl Fn(&str) -> Option<String>, out: &mut String) {
    for (index, member) in columns.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let json = json_of(member.name).filter(|json| json != "null").unwrap_or_default();
        let cell = if json.starts_with('"') { serde_json::from_str(&json).unwrap_or_default() } else { json };
        if cell.contains([',', '"', '\n', '\r']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_operations_are_read_back() {
        let days = "2024-01-01..2024-01-31".parse().unwrap();
        for content in [Content::Prices("s7".to_owned()), Content::Details(days, Uuid::nil())] {
            assert_eq!(Content::parse(&content.id()), Some(content.clone()));
        }
        for other in
            ["", "prices", "prices.", "prices.s1.2", "details.2024-02-01.2024-01-01.x", &Uuid::nil().to_string()]
        {
            assert_eq!(Content::parse(other), None, "{other}");
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let columns = columns(SheetKind::ReservationDetails);
        let mut out = String::new();
        let json_of = |name: &str| match name {
            "skuName" => Some(r#""a \"b\", c""#.to_owned()),
            "usedHours" => Some("18.000".to_owned()),
            "kind" => Some("null".to_owned()),
            _ => None,
        };
        push_row(&columns, json_of, &mut out);
        assert_eq!(out, ",,,,,,,\"a \"\"b\"\", c\",,,18.000\n");
    }
}
