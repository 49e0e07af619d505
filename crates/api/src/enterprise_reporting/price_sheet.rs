//! `GET /{version}/enrollments/{enrollment}[/billingPeriods/{period}]/pricesheet`: the whole price sheet as one list, for
//! enterprise roles (contract sections 2 and 8).

use axum::response::Response;
use calendar::BillingPeriod;
use formats::StoredRow;

use super::{check_query, enrollment_scope, version};
use crate::arm::{ApiError, authenticate, billing_period, permit, permit_prices, tagged_text};
use crate::clock::today;
use crate::dispatch::Call;
use crate::prices::HeldPrices;
use crate::sheet_rows::{Member, Times, Unknown, number, quoted, text, told_incomplete, write_members};

const READ_ACTION: &str = "Microsoft.Consumption/pricesheets/read";
/// Longest answer: it is put together in memory.
const ANSWER_BYTES_MAX: usize = 512 << 20;

/// Members behind the id and the billing period.
static MEMBERS: [Member; 7] = [
    text("meterId"),
    text("meterName"),
    text("unitOfMeasure"),
    number("includedQuantity"),
    text("partNumber"),
    number("unitPrice"),
    text("currencyCode"),
];

/// Answers with the price sheet of a billing period, the current one if the path names none.
pub(crate) async fn price_sheet(
    call: &Call<'_>,
    version_text: &str,
    enrollment: &str,
    period: Option<&str>,
) -> Result<Response, ApiError> {
    let state = call.state;
    version(version_text)?;
    let caller = authenticate(call).await?;
    check_query(call, &[])?;
    let (scope, scope_text) = enrollment_scope(enrollment)?;
    let period = period.map(billing_period).transpose()?;

    let own = permit(&state.catalog, &caller, &scope, &scope_text, READ_ACTION).await?;

    let prices = permit_prices(&state.catalog, &caller, &own, &scope_text, READ_ACTION).await?;
    let [enrollment] = prices.enrollments() else {
        return Err(ApiError::Internal("a billing scope of several enrollments".into()));
    };
    let period = match period {
        Some(period) => period,
        None => BillingPeriod::of(today(call, &own).await?),
    };
    let sheet = HeldPrices::newest(call, enrollment, period).await?;
    let sheet = sheet.ok_or_else(|| {
        ApiError::NotFound(format!("No price sheet of enrollment {enrollment} is held for {period}."))
    })?;
    let mut body = b"[".to_vec();
    let (mut page, mut position) = (0, 0);
    while let Some(rows) = sheet.listed_rows(call, page).await? {
        for row in rows {
            position += 1;
            if position > 1 {
                body.push(b',');
            }
            write_row(&row, enrollment.as_str(), period, position, &mut body);
        }
        if body.len() > ANSWER_BYTES_MAX {
            return Err(ApiError::BadRequest(
                "The price sheet is longer than 512 MiB. Read it page by page from the Consumption API.".to_owned(),
            ));
        }
        page += 1;
    }
    body.push(b']');
    Ok(told_incomplete(tagged_text(&call.parts.headers, body), sheet.is_incomplete))
}

/// A price. The number in an id that its source did not give is the row's position.
fn write_row(row: &StoredRow, enrollment: &str, period: BillingPeriod, position: u64, out: &mut Vec<u8>) {
    let own = row.text("@id");
    let id = if own.starts_with("enrollments/") {
        own
    } else {
        format!("enrollments/{enrollment}/billingperiods/{period}/products/{position}/pricesheets")
    };
    let begin = format!("{{\"id\":{},\"billingPeriodId\":\"{period}\",", quoted(&id));
    out.extend_from_slice(begin.as_bytes());
    let mut members = Vec::new();
    let name = details_name(row);
    write_members(&MEMBERS, name.as_ref().unwrap_or(row), (Times::Plain, Unknown::Placeholder), &mut members);
    out.extend_from_slice(members.strip_prefix(b"{").unwrap_or(&members));
}

/// The row with the name of its meter, where that stands among the details of the meter only.
fn details_name(row: &StoredRow) -> Option<StoredRow> {
    if row.json("meterName").is_some() {
        return None;
    }
    let name = crate::consumption::meter_member(row, "meterName")?;
    let members = row.members().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Some(StoredRow::of(members.chain([("meterName".to_owned(), name)]).collect()))
}
