//! `GET /{version}/enrollments/{enrollment}/reservationcharges`, `…/reservationdetails` and `…/reservationsummaries`: whole
//! answers as lists, for enterprise roles (contract section 8). Details and summaries were in version 2 only, charges in
//! versions 2 to 4.

use axum::response::Response;
use calendar::{Date, DateRange};
use ledger::{Grain, SheetKind};
use pages::ReservationQuestion;

use super::{check_query, enrollment_scope};
use crate::arm::{ApiError, authenticate, day, excerpt, permit, tagged_text};
use crate::dispatch::Call;
use crate::sheet_rows::{
    DETAILS, DETAILS_AT_FIRST, Kind, Member, SUMMARIES, SUMMARIES_AT_FIRST, Times, Unknown, number, text, time, told,
    write_members,
};

const READ_ACTION: &str = "Microsoft.Consumption/reservationDetails/read";
const START: &str = "startDate";
const END: &str = "endDate";
const GRAIN: &str = "grain";

const fn renamed(name: &'static str, of_row: &'static str) -> Member {
    Member { name, of_row, kind: Kind::Text }
}

/// Members of charges, in the order and the odd capitals of the original.
static CHARGES: [Member; 20] = [
    text("purchasingEnrollment"),
    text("armSkuName"),
    text("term"),
    text("region"),
    renamed("PurchasingsubscriptionGuid", "purchasingSubscriptionGuid"),
    renamed("PurchasingsubscriptionName", "purchasingSubscriptionName"),
    text("accountName"),
    text("accountOwnerEmail"),
    text("departmentName"),
    text("costCenter"),
    text("currentEnrollment"),
    // From version 4 on.
    text("billingFrequency"),
    time("eventDate"),
    text("reservationOrderId"),
    text("description"),
    text("eventType"),
    number("quantity"),
    number("amount"),
    text("currency"),
    text("reservationOrderName"),
];
const BILLING_FREQUENCY: &str = "billingFrequency";

/// Answers with purchases and returns of reservations.
pub(crate) async fn reservation_charges(
    call: &Call<'_>,
    version: &str,
    enrollment: &str,
) -> Result<Response, ApiError> {
    let has_frequency = match version.to_ascii_lowercase().as_str() {
        "v2" | "v3" => false,
        "v4" => true,
        _ => return Err(no_version(version, "v2, v3 and v4")),
    };
    let is_there = |member: &&Member| has_frequency || member.name != BILLING_FREQUENCY;
    let members: Vec<Member> = CHARGES.iter().filter(is_there).copied().collect();
    answer(call, enrollment, SheetKind::ReservationTransactions, &members).await
}

/// Answers with what used reservations.
pub(crate) async fn reservation_details(
    call: &Call<'_>,
    version: &str,
    enrollment: &str,
) -> Result<Response, ApiError> {
    check_version(version)?;
    answer(call, enrollment, SheetKind::ReservationDetails, DETAILS.split_at(DETAILS_AT_FIRST).0).await
}

/// Answers with how far reservations were used.
pub(crate) async fn reservation_summaries(
    call: &Call<'_>,
    version: &str,
    enrollment: &str,
) -> Result<Response, ApiError> {
    check_version(version)?;
    let grain: Grain = match call.query.get(GRAIN) {
        Some(text) => {
            let refused = |error| ApiError::BadRequest(format!("{GRAIN}: {error}, found '{}'.", excerpt(text)));
            text.parse().map_err(refused)?
        }
        None => Grain::Daily,
    };
    answer(call, enrollment, grain.kind(), SUMMARIES.split_at(SUMMARIES_AT_FIRST).0).await
}

fn check_version(version: &str) -> Result<(), ApiError> {
    if version.eq_ignore_ascii_case("v2") { Ok(()) } else { Err(no_version(version, "v2")) }
}

fn no_version(version: &str, known: &str) -> ApiError {
    ApiError::NotFound(format!("The report does not exist in version '{}'; it does in {known}.", excerpt(version)))
}

async fn answer(call: &Call<'_>, enrollment: &str, kind: SheetKind, members: &[Member]) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    check_query(call, &[START, END, GRAIN])?;
    let (scope, scope_text) = enrollment_scope(enrollment)?;
    let (first, last) = (date(call, START)?, date(call, END)?);
    let days = DateRange::inclusive(first, last)
        .map_err(|_| ApiError::BadRequest(format!("The {START} {first} is after the {END} {last}.")))?;

    let own = permit(&state.catalog, &caller, &scope, &scope_text, READ_ACTION).await?;

    // Of transactions the days of their events are asked for.
    let by_event = kind == SheetKind::ReservationTransactions;
    let question =
        ReservationQuestion { permits: &[own], kind, days: Some(days), by_event, order: None, reservation: None };
    let answer = state.pages.reservations(question).await?;
    let mut body = b"[".to_vec();
    for (index, item) in answer.items.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        write_members(members, &item.row, (Times::Plain, Unknown::Placeholder), &mut body);
    }
    body.push(b']');
    Ok(told(tagged_text(&call.parts.headers, body), &answer))
}

fn date(call: &Call<'_>, name: &str) -> Result<Date, ApiError> {
    let text = call.query.get(name).filter(|text| !text.is_empty());
    let text =
        text.ok_or_else(|| ApiError::BadRequest(format!("The parameter {name} is missing, such as 2018-02-01.")))?;
    day(text).map_err(|error| ApiError::BadRequest(format!("The {name} '{}' is invalid: {error}.", excerpt(text))))
}
