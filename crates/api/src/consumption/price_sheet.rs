//! `GET subscriptions/{id}[/{billing period}]/providers/Microsoft.Consumption/pricesheets/default`: the imported price sheet of
//! the subscription's enrollment, page by page (contract `consumption-api.md` section 7).

use std::collections::BTreeMap;

use access::PricePermit;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use calendar::BillingPeriod;
use formats::StoredRow;
use ledger::Scope;
use odata::Expansion;
use serde_json::value::RawValue;

use super::usage_details::{id_prefix, page_size};
use super::{API_VERSIONS, answer};
use crate::address::BaseUrl;
use crate::arm::{
    ApiError, SKIP_TOKEN, api_version, authenticate, excerpt, next_link, parse_scope, permit, permit_prices,
    split_period,
};
use crate::clock::today;
use crate::dispatch::Call;
use crate::prices::HeldPrices;
use crate::sheet_rows::{Member, Times, Unknown, number, quoted, text, told_incomplete, write_members};

/// Versions that have the operation: all from 2018-01-31 on.
const PRICE_VERSIONS: &[&str] = API_VERSIONS.split_at(2).1;
const PARAMETERS: &[&str] = &["api-version", "$expand", "$top", SKIP_TOKEN];
const READ_ACTION: &str = "Microsoft.Consumption/pricesheets/read";
const OFFER_SINCE: &str = "2018-05-31";
const SAVINGS_PLAN_SINCE: &str = "2022-09-01";
/// `$expand` as clients write it, and as links of the original have it.
const METER_DETAILS: [&str; 3] = ["meterDetails", "properties/meterDetails", "properties/pricesheets/meterDetails"];

/// Members behind the billing period, as recorded answers have them.
static MEMBERS: [Member; 6] = [
    text("meterId"),
    text("unitOfMeasure"),
    number("includedQuantity"),
    text("partNumber"),
    number("unitPrice"),
    text("currencyCode"),
];

/// Where a page begins: the key of the sheet, a stored page of it and a row of that.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Position {
    sheet: String,
    page: u64,
    row: usize,
}

impl Position {
    fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let position = Self {
            sheet: parts.next()?.to_owned(),
            page: parts.next()?.parse().ok()?,
            row: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(position)
    }

    fn token(&self) -> String {
        format!("{}.{}.{}", self.sheet, self.page, self.row)
    }
}

/// Answers with a page of prices.
pub(crate) async fn price_sheet(call: &Call<'_>, segments: &[String]) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, PRICE_VERSIONS)?;
    if !state.settings.emulate {
        call.query.refuse_others(PARAMETERS)?;
    }
    let (segments, period) = split_period(segments)?;
    let (scope, scope_text) = parse_scope(segments)?;
    if !matches!(scope, Scope::Subscription(_)) {
        return Err(ApiError::BadRequest(format!(
            "The scope '{}' has no price sheet here. Supported are subscriptions (subscriptions/GUID).",
            excerpt(&scope_text)
        )));
    }
    let rows_max = usize::from(page_size(call)?.rows());
    let has_details = expands_details(call)?;
    let base = BaseUrl::of(&state.settings, call.parts)?;

    let permit = permit(&state.catalog, &caller, &scope, &scope_text, READ_ACTION).await?;
    let prices = permit_prices(&state.catalog, &caller, &permit, &scope_text, READ_ACTION).await?;

    let token = call.query.get(SKIP_TOKEN).filter(|token| !token.is_empty());
    let (sheet, from) = match (token, period) {
        (Some(token), period) => begun(call, &prices, period, token).await?,
        (None, Some(period)) => newest(call, &prices, period).await?,
        (None, None) => newest(call, &prices, BillingPeriod::of(today(call, &permit).await?)).await?,
    };
    let prefix = id_prefix(&scope, segments, api_version);
    let mut form = Form { prefix: &prefix, api_version, has_details, period_name: None };
    let mut out = Vec::new();
    let mut at = from;
    let mut written = 0;
    let mut next = None;
    while let Some(rows) = sheet.listed_rows(call, at.page).await? {
        for row in rows.get(at.row..).unwrap_or_default() {
            if written == rows_max {
                next = Some(at.clone());
                break;
            }
            if written > 0 {
                out.push(b',');
            }
            form.write(row, sheet.period, &mut out);
            written += 1;
            at.row += 1;
        }
        if next.is_some() {
            break;
        }
        at = Position { page: at.page + 1, row: 0, ..at };
    }
    let name = form.period_name.unwrap_or_else(|| sheet.period.to_string());
    let link = next.map(|next| next_link(&base, call.parts, &call.query, &next.token()));
    let id = format!(
        "{prefix}/providers/Microsoft.Billing/billingPeriods/{name}/providers/Microsoft.Consumption/pricesheets/default"
    );
    let mut body = format!(
        "{{\"id\":{},\"name\":\"default\",\"type\":\"Microsoft.Consumption/pricesheets\",\"tags\":null,\"properties\":{{{}\
         \"download\":null,\"pricesheets\":[",
        quoted(&id),
        link.map(|link| format!("\"nextLink\":{},", quoted(&link))).unwrap_or_default()
    )
    .into_bytes();
    body.extend_from_slice(&out);
    body.extend_from_slice(b"]}}");
    Ok(told_incomplete(answer(StatusCode::OK, Body::from(body)), sheet.is_incomplete))
}

/// The sheet that is held, from its beginning.
async fn newest(
    call: &Call<'_>,
    prices: &PricePermit,
    period: BillingPeriod,
) -> Result<(HeldPrices, Position), ApiError> {
    for enrollment in prices.enrollments() {
        if let Some(sheet) = HeldPrices::newest(call, enrollment, period).await? {
            let from = Position { sheet: sheet.key(), page: 0, row: 0 };
            return Ok((sheet, from));
        }
    }
    Err(ApiError::NotFound(format!("No price sheet is held for the billing period {period}.")))
}

/// The sheet that a walk began with, whatever was imported meanwhile.
async fn begun(
    call: &Call<'_>,
    prices: &PricePermit,
    period: Option<BillingPeriod>,
    token: &str,
) -> Result<(HeldPrices, Position), ApiError> {
    let refused = || ApiError::BadRequest(format!("{SKIP_TOKEN}: '{}' is none of ours.", excerpt(token)));
    let from = Position::parse(token).ok_or_else(refused)?;
    let sheet = HeldPrices::of_key(call, prices.enrollments(), &from.sheet).await?.ok_or_else(refused)?;
    let is_asked = period.is_none_or(|period| period == sheet.period);
    // A token of ours leads to a row.
    let is_there = sheet.listed_rows(call, from.page).await?.is_some_and(|rows| from.row < rows.len());
    if is_asked && is_there { Ok((sheet, from)) } else { Err(refused()) }
}

fn expands_details(call: &Call<'_>) -> Result<bool, ApiError> {
    match call.query.get("$expand").filter(|text| !text.trim().is_empty()) {
        None => Ok(false),
        Some(text) if METER_DETAILS.iter().any(|known| known.eq_ignore_ascii_case(text.trim())) => Ok(true),
        Some(text) => match Expansion::parse(text) {
            Ok(expansion) => Ok(expansion.meter_details),
            Err(_) if call.state.settings.emulate => Ok(false),
            Err(error) => Err(error.into()),
        },
    }
}

/// How prices are written.
struct Form<'a> {
    prefix: &'a str,
    api_version: &'a str,
    has_details: bool,
    /// The billing period as the first price spells it.
    period_name: Option<String>,
}

impl Form<'_> {
    fn write(&mut self, row: &StoredRow, period: BillingPeriod, out: &mut Vec<u8>) {
        let id = row.text("billingPeriodId");
        let own = id.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name = if own.is_empty() { period.to_string() } else { own.to_owned() };
        let id = format!("{}/providers/Microsoft.Billing/billingPeriods/{name}", self.prefix);
        self.period_name.get_or_insert(name);
        out.extend_from_slice(format!("{{\"billingPeriodId\":{}", quoted(&id)).as_bytes());
        let mut members: Vec<Member> = MEMBERS.to_vec();
        if self.api_version >= OFFER_SINCE {
            members.push(text("offerId"));
        }
        let mut facts = Vec::new();
        write_members(&members, row, (Times::WithZone, Unknown::Absent), &mut facts);
        if facts.len() > 2 {
            out.push(b',');
            out.extend_from_slice(&facts[1..facts.len() - 1]);
        }
        if let Some(plan) = row.json("savingsPlan").filter(|_| self.api_version >= SAVINGS_PLAN_SINCE) {
            out.extend_from_slice(b",\"savingsPlan\":");
            out.extend_from_slice(plan.as_bytes());
        }
        let details = if self.has_details { meter_details(row) } else { None };
        out.extend_from_slice(b",\"meterDetails\":");
        out.extend_from_slice(details.as_deref().unwrap_or("null").as_bytes());
        out.push(b'}');
    }
}

/// The details of a price's meter: as they came, else made of the columns of a file.
fn meter_details(row: &StoredRow) -> Option<String> {
    if let Some(own) = row.json("meterDetails").filter(|own| *own != "null") {
        return Some(own.to_owned());
    }
    let members = [
        ("meterName", "meterName"),
        ("meterCategory", "meterCategory"),
        ("meterSubCategory", "meterSubCategory"),
        ("unit", "unitOfMeasure"),
        ("meterLocation", "meterRegion"),
        ("pretaxStandardRate", "marketPrice"),
    ];
    let known = members.iter().filter_map(|(name, of_row)| {
        let value = row.json(of_row).filter(|value| *value != "null")?;
        Some(format!("\"{name}\":{value}"))
    });
    Some(format!("{{{}}}", known.collect::<Vec<_>>().join(",")))
}

/// A member of the details of a price's meter, as JSON.
pub(crate) fn meter_member(row: &StoredRow, name: &str) -> Option<String> {
    let details: BTreeMap<String, &RawValue> = serde_json::from_str(row.json("meterDetails")?).ok()?;
    details.get(name).map(|value| value.get().to_owned()).filter(|value| value != "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_back() {
        let position = Position { sheet: "s7".to_owned(), page: 2, row: 999 };
        assert_eq!(Position::parse(&position.token()), Some(position));
        for other in ["", "s", "s1", "s1.2", "s1.2.3.4", "s1.-2.3", "s1.0.99999999999999999999"] {
            assert_eq!(Position::parse(other), None, "{other}");
        }
    }
}
