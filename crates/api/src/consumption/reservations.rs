//! `reservationDetails`, `reservationSummaries` and `reservationTransactions` (contract `consumption-api.md` section 7): of a
//! reservation order, of a reservation, or of an enrollment. What was imported is answered as it came; what was not is
//! derived from charges, and says so.

use std::collections::BTreeMap;

use access::Permit;
use axum::response::Response;
use calendar::{BillingPeriod, Date, DateRange};
use ledger::{DayBounds, Grain, Scope, SheetKind};
use odata::{Dialect, Strictness, filter};
use pages::{ReservationAnswer, ReservationQuestion};

use super::{API_VERSIONS, page};
use crate::arm::{ApiError, api_version, authenticate, day, excerpt, parse_scope, permit};
use crate::dispatch::Call;
use crate::sheet_rows::{
    DETAILS, DETAILS_AT_FIRST, Member, SUMMARIES, SUMMARIES_AT_FIRST, TRANSACTIONS, TRANSACTIONS_AT_FIRST, Times,
    Unknown, quoted, time_digits, told, write_members,
};

/// Versions that have details and summaries: all from 2017-11-30 on.
const USE_VERSIONS: &[&str] = API_VERSIONS.split_at(1).1;
/// Versions that have transactions: all from 2019-10-01 on.
const TRANSACTION_VERSIONS: &[&str] = API_VERSIONS.split_at(13).1;
/// The version from which on details and summaries have all of their members. Versions compare like their text.
const USE_MEMBERS_SINCE: &str = "2019-10-01";
const TRANSACTION_MEMBERS_SINCE: &str = "2021-10-01";
const USE_PARAMETERS: &[&str] =
    &["api-version", "$filter", "grain", "startDate", "endDate", "reservationId", "reservationOrderId"];
const TRANSACTION_PARAMETERS: &[&str] = &["api-version", "$filter", "useMarkupIfPartner", "previewMarkupPercentage"];
const DETAILS_ACTION: &str = "Microsoft.Consumption/reservationDetails/read";
const SUMMARIES_ACTION: &str = "Microsoft.Consumption/reservationSummaries/read";
const TRANSACTIONS_ACTION: &str = "Microsoft.Consumption/reservationTransactions/read";

/// Digits of a day and of a minute: `YYYYMMDD`, `YYYYMMDDhhmm`.
const DAY_DIGITS: usize = 8;
const MINUTE_DIGITS: usize = 12;

/// Whose reservations are asked for.
struct Whose {
    permits: Vec<Permit>,
    order: Option<String>,
    reservation: Option<String>,
}

/// Answers with what used reservations, day by day.
pub(crate) async fn reservation_details(call: &Call<'_>, segments: &[String]) -> Result<Response, ApiError> {
    let (api_version, whose) = asked(call, segments, DETAILS_ACTION).await?;
    let days = days(call)?.ok_or_else(|| missing_days("reservation details"))?;
    let answer = read(call, &whose, SheetKind::ReservationDetails, Some(days)).await?;
    let count = if api_version < USE_MEMBERS_SINCE { DETAILS_AT_FIRST } else { DETAILS.len() };
    Ok(list(&answer, "reservationDetails", DETAILS.split_at(count).0))
}

/// Answers with how far reservations were used, by day or by month.
pub(crate) async fn reservation_summaries(call: &Call<'_>, segments: &[String]) -> Result<Response, ApiError> {
    let (api_version, whose) = asked(call, segments, SUMMARIES_ACTION).await?;
    let grain: Grain = match call.query.get("grain") {
        Some(text) => {
            let refused = |error| ApiError::BadRequest(format!("grain: {error}, found '{}'.", excerpt(text)));
            text.parse().map_err(refused)?
        }
        None => return Err(ApiError::BadRequest("The parameter grain is missing: daily or monthly.".to_owned())),
    };
    let days = days(call)?;
    if grain == Grain::Daily && days.is_none() {
        return Err(missing_days("daily reservation summaries"));
    }
    let answer = read(call, &whose, grain.kind(), days).await?;
    let count = if api_version < USE_MEMBERS_SINCE { SUMMARIES_AT_FIRST } else { SUMMARIES.len() };
    Ok(list(&answer, "reservationSummaries", SUMMARIES.split_at(count).0))
}

/// Answers with purchases and returns of reservations of an enrollment; months that the filter touches come back whole.
pub(crate) async fn reservation_transactions(call: &Call<'_>, segments: &[String]) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, TRANSACTION_VERSIONS)?;
    if !state.settings.emulate {
        call.query.refuse_others(TRANSACTION_PARAMETERS)?;
    }
    let (scope, text) = parse_scope(segments)?;
    if !matches!(scope, Scope::BillingAccount(_)) {
        return Err(unsupported(&text));
    }
    let own = permit(&state.catalog, &caller, &scope, &text, TRANSACTIONS_ACTION).await?;
    let days = filter_days(call, Dialect::reservation_events())?.map(whole_months).transpose()?;
    let whose = Whose { permits: vec![own], order: None, reservation: None };
    let answer = read(call, &whose, SheetKind::ReservationTransactions, days).await?;
    let count = if api_version < TRANSACTION_MEMBERS_SINCE { TRANSACTIONS_AT_FIRST } else { TRANSACTIONS.len() };
    Ok(transactions(&answer, TRANSACTIONS.split_at(count).0))
}

/// The caller's rights, and what the path and the parameters name.
async fn asked(call: &Call<'_>, segments: &[String], action: &'static str) -> Result<(&'static str, Whose), ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, USE_VERSIONS)?;
    if !state.settings.emulate {
        call.query.refuse_others(USE_PARAMETERS)?;
    }
    let text = segments.join("/");
    if let Some((order, reservation)) = order_of(segments) {
        let permits = whole_enrollments(call, &caller, &text, action).await?;
        return Ok((api_version, Whose { permits, order: Some(order), reservation }));
    }
    let (scope, text) = parse_scope(segments)?;
    if !matches!(scope, Scope::BillingAccount(_)) {
        return Err(unsupported(&text));
    }
    let own = permit(&state.catalog, &caller, &scope, &text, action).await?;
    let parameter = |name: &str| call.query.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let whose =
        Whose { permits: vec![own], order: parameter("reservationOrderId"), reservation: parameter("reservationId") };
    Ok((api_version, whose))
}

/// The order and the reservation that a path of `Microsoft.Capacity` names.
fn order_of(segments: &[String]) -> Option<(String, Option<String>)> {
    let is = |segment: &String, name: &str| segment.eq_ignore_ascii_case(name);
    match segments {
        [providers, namespace, orders, order, rest @ ..]
            if is(providers, "providers") && is(namespace, "Microsoft.Capacity") && is(orders, "reservationOrders") =>
        {
            match rest {
                [] => Some((order.clone(), None)),
                [reservations, id] if is(reservations, "reservations") => Some((order.clone(), Some(id.clone()))),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The enrollments that the caller may read as a whole: what used a reservation can be anybody's of them.
async fn whole_enrollments(
    call: &Call<'_>,
    caller: &access::Caller,
    text: &str,
    action: &'static str,
) -> Result<Vec<Permit>, ApiError> {
    let mut permits = Vec::new();
    let mut refusal = None;
    let mut numbers = caller.enrollments();
    numbers.sort_unstable();
    for number in numbers {
        match permit(&call.state.catalog, caller, &Scope::BillingAccount(number), text, action).await {
            Ok(own) => permits.push(own),
            Err(error @ (ApiError::Forbidden { .. } | ApiError::CostDisabled { .. })) => {
                refusal = refusal.or(Some(error))
            }
            Err(ApiError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if permits.is_empty() {
        return Err(refusal.unwrap_or_else(|| ApiError::Forbidden {
            code: "RBACAccessDenied",
            client: caller.id().to_owned(),
            action,
            scope: text.to_owned(),
        }));
    }
    Ok(permits)
}

async fn read(
    call: &Call<'_>,
    whose: &Whose,
    kind: SheetKind,
    days: Option<DateRange>,
) -> Result<ReservationAnswer, ApiError> {
    let question = ReservationQuestion {
        permits: &whose.permits,
        kind,
        days,
        by_event: false,
        order: whose.order.as_deref(),
        reservation: whose.reservation.as_deref(),
    };
    Ok(call.state.pages.reservations(question).await?)
}

/// The days that `$filter`, or `startDate` and `endDate`, name.
fn days(call: &Call<'_>) -> Result<Option<DateRange>, ApiError> {
    if let Some(days) = filter_days(call, Dialect::reservation_use())? {
        return Ok(Some(days));
    }
    let parameter = |name: &str| {
        let refused = |error| ApiError::BadRequest(format!("{name}: {error}."));
        call.query.get(name).filter(|text| !text.is_empty()).map(|text| day(text).map_err(refused)).transpose()
    };
    range(DayBounds { first: parameter("startDate")?, last: parameter("endDate")? })
}

fn filter_days(call: &Call<'_>, dialect: &'static Dialect) -> Result<Option<DateRange>, ApiError> {
    let Some(text) = call.query.get("$filter").filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let strictness = if call.state.settings.emulate { Strictness::AsOriginal } else { Strictness::Strict };
    range(filter::parse(text, dialect, strictness)?.filter.days)
}

fn range(bounds: DayBounds) -> Result<Option<DateRange>, ApiError> {
    if bounds.first.is_none() && bounds.last.is_none() {
        return Ok(None);
    }
    let (first, last) = (bounds.first.unwrap_or(Date::MIN), bounds.last.unwrap_or(Date::MAX));
    let refused = |error| ApiError::BadRequest(format!("The days {first} to {last} are none: {error}."));
    DateRange::inclusive(first, last).map(Some).map_err(refused)
}

fn whole_months(days: DateRange) -> Result<DateRange, ApiError> {
    let (first, last) = (BillingPeriod::of(days.start()).first_day(), BillingPeriod::of(days.end()).last_day());
    DateRange::inclusive(first, last).map_err(|error| ApiError::Internal(error.into()))
}

fn missing_days(what: &str) -> ApiError {
    ApiError::BadRequest(format!(
        "The days of {what} are missing: $filter=properties/usageDate ge 2018-01-01 AND properties/usageDate le 2018-01-31."
    ))
}

fn unsupported(text: &str) -> ApiError {
    ApiError::BadRequest(format!(
        "The scope '{}' has no reservations. Supported are billing accounts \
         (providers/Microsoft.Billing/billingAccounts/ENROLLMENT) and, for details and summaries, reservation orders and \
         reservations (providers/Microsoft.Capacity/reservationorders/ID[/reservations/ID]).",
        excerpt(text)
    ))
}

/// Resources of reservations, as recorded answers have them.
fn list(answer: &ReservationAnswer, collection: &str, members: &[Member]) -> Response {
    let mut out = Vec::new();
    for item in &answer.items {
        if !out.is_empty() {
            out.push(b',');
        }
        let row = &item.row;
        let (order, reservation) = (row.text("reservationOrderId"), row.text("reservationId"));
        let date = time_digits(&row.text("usageDate"), DAY_DIGITS);
        let id = row.json("@id").map_or_else(
            || {
                quoted(&format!(
                    "providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}/providers/\
                     Microsoft.Consumption/{collection}/{date}"
                ))
            },
            str::to_owned,
        );
        let name = row.json("@name").map_or_else(|| quoted(&format!("{order}_{reservation}_{date}")), str::to_owned);
        let tags = match (item.is_derived, row.json("@tags")) {
            (true, _) => r#"{"lazurite-derived":"true"}"#,
            (false, Some(tags)) => tags,
            (false, None) => "null",
        };
        let begin = format!(
            "{{\"id\":{id},\"name\":{name},\"type\":\"Microsoft.Consumption/{collection}\",\"tags\":{tags},\"properties\":"
        );
        out.extend_from_slice(begin.as_bytes());
        write_members(members, row, (Times::WithZone, Unknown::Absent), &mut out);
        out.push(b'}');
    }
    told(page(vec![out], None), answer)
}

/// Transactions. Their tags are a list, and those of one event share a name.
fn transactions(answer: &ReservationAnswer, members: &[Member]) -> Response {
    let mut out = Vec::new();
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    for item in &answer.items {
        if !out.is_empty() {
            out.push(b',');
        }
        let row = &item.row;
        let name = row.json("@name").map_or_else(
            || {
                let digits = time_digits(&row.text("eventDate"), MINUTE_DIGITS);
                let number = numbers.entry(digits.clone()).or_insert(0);
                *number += 1;
                quoted(&format!("{digits}-{number}"))
            },
            str::to_owned,
        );
        let plain = name.trim_matches('"');
        let id = row.json("@id").map_or_else(
            || {
                quoted(&format!(
                    "/billingAccounts/{}/providers/Microsoft.Consumption/reservationtransactions/{plain}",
                    item.enrollment
                ))
            },
            str::to_owned,
        );
        let tags = match (item.is_derived, row.json("@tags")) {
            (true, _) => r#"["lazurite-derived"]"#,
            (false, Some(tags)) => tags,
            (false, None) => "[]",
        };
        let begin = format!(
            "{{\"id\":{id},\"name\":{name},\"type\":\"Microsoft.Consumption/reservationTransactions\",\"tags\":{tags},\
             \"properties\":"
        );
        out.extend_from_slice(begin.as_bytes());
        write_members(members, row, (Times::WithZone, Unknown::Absent), &mut out);
        out.push(b'}');
    }
    told(page(vec![out], None), answer)
}
