//! Enrollments, departments and enrollment accounts as `Microsoft.Billing` lists them, and the enrollment accounts of
//! 2018-03-01-preview. What is shown is what a caller may read charges of; what the store does not know (addresses, terms,
//! states) is left out.

use access::{Caller, VisibleEnrollment, VisibleNode, visible_enrollments};
use axum::http::StatusCode;
use axum::response::Response;
use ledger::Scope;
use serde_json::{Value, json as object};

use crate::arm::{ApiError, api_version, authenticate, excerpt, json, permit};
use crate::dispatch::Call;

const API_VERSIONS: &[&str] = &["2019-10-01-preview", "2020-05-01", "2024-04-01"];
const PRINCIPAL_VERSIONS: &[&str] = &["2018-03-01-preview"];
/// Parameters that ask for more than the store knows change nothing.
const PARAMETERS: &[&str] = &[
    "api-version",
    "expand",
    "$expand",
    "includeAll",
    "includeAllWithoutBillingProfiles",
    "includeDeleted",
    "includePendingAgreement",
    "includeResellee",
];
const READ_ACTION: &str = "Microsoft.Billing/billingAccounts/read";
const ACCOUNTS: &str = "providers/Microsoft.Billing/billingAccounts";
const PRINCIPALS: &str = "providers/Microsoft.Billing/enrollmentAccounts";

/// What the caller sees.
struct Seen<'a> {
    call: &'a Call<'a>,
    caller: Caller,
    enrollments: Vec<VisibleEnrollment>,
}

impl<'a> Seen<'a> {
    async fn by(call: &'a Call<'a>, scope: &[String], versions: &'static [&'static str]) -> Result<Self, ApiError> {
        if !scope.is_empty() {
            return Err(ApiError::no_such_path());
        }
        let caller = authenticate(call).await?;
        api_version(&call.query, versions)?;
        if !call.state.settings.emulate {
            call.query.refuse_others(PARAMETERS)?;
        }
        let enrollments = visible_enrollments(&call.state.catalog, &caller).await?;
        Ok(Self { call, caller, enrollments })
    }

    async fn enrollment(&self, number: &str) -> Result<&VisibleEnrollment, ApiError> {
        let found = self.enrollments.iter().find(|one| one.enrollment.number.matches(number));
        match found {
            Some(found) => Ok(found),
            None => Err(self.refusal(&format!("{ACCOUNTS}/{number}")).await),
        }
    }

    /// Why something is not shown: it is not known, or not for the caller.
    async fn refusal(&self, text: &str) -> ApiError {
        let unknown = || ApiError::NotFound(format!("The resource '{}' could not be found.", excerpt(text)));
        let Ok(scope) = Scope::parse(text) else { return unknown() };
        let permit = permit(&self.call.state.catalog, &self.caller, &scope, text, READ_ACTION).await;
        permit.err().unwrap_or_else(unknown)
    }
}

/// Enrollments, or one of them.
pub(crate) async fn billing_accounts(
    call: &Call<'_>,
    scope: &[String],
    number: Option<&str>,
) -> Result<Response, ApiError> {
    let seen = Seen::by(call, scope, API_VERSIONS).await?;
    let answer = match number {
        Some(number) => billing_account(seen.enrollment(number).await?),
        None => list(seen.enrollments.iter().map(billing_account)),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// The departments of an enrollment, or one of them.
pub(crate) async fn departments(
    call: &Call<'_>,
    scope: &[String],
    number: &str,
    id: Option<&str>,
) -> Result<Response, ApiError> {
    let seen = Seen::by(call, scope, API_VERSIONS).await?;
    let own = seen.enrollment(number).await?;
    let answer = match id {
        Some(id) => department(own, one_of(&seen, own, &own.departments, "departments", id).await?),
        None => list(own.departments.iter().map(|node| department(own, node))),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// The accounts of an enrollment or of a department of it, or one of them.
pub(crate) async fn enrollment_accounts(
    call: &Call<'_>,
    scope: &[String],
    number: &str,
    within: Option<&str>,
    id: Option<&str>,
) -> Result<Response, ApiError> {
    let seen = Seen::by(call, scope, API_VERSIONS).await?;
    let own = seen.enrollment(number).await?;
    let within = match within {
        Some(id) => Some(one_of(&seen, own, &own.departments, "departments", id).await?),
        None => None,
    };
    let is_within = |node: &&VisibleNode| within.is_none_or(|department| node.departments.contains(&department.id));
    let answer = match id {
        Some(id) => {
            let found = one_of(&seen, own, &own.accounts, "enrollmentAccounts", id).await?;
            let elsewhere = || ApiError::NotFound(format!("The account '{}' is not in the department.", excerpt(id)));
            account(own, Some(found).filter(is_within).ok_or_else(elsewhere)?)
        }
        None => list(own.accounts.iter().filter(is_within).map(|node| account(own, node))),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// The accounts of all enrollments with their owners, or one of them.
pub(crate) async fn principals(call: &Call<'_>, scope: &[String], id: Option<&str>) -> Result<Response, ApiError> {
    let seen = Seen::by(call, scope, PRINCIPAL_VERSIONS).await?;
    let mut all = seen.enrollments.iter().flat_map(|one| &one.accounts);
    let answer = match id {
        Some(id) => match all.find(|node| node.id.eq_ignore_ascii_case(id)) {
            Some(found) => principal(found),
            None => return Err(seen.refusal(&format!("{PRINCIPALS}/{id}")).await),
        },
        None => list(all.map(principal)),
    };
    Ok(json(StatusCode::OK, &answer))
}

async fn one_of<'n>(
    seen: &Seen<'_>,
    own: &VisibleEnrollment,
    nodes: &'n [VisibleNode],
    kind: &str,
    id: &str,
) -> Result<&'n VisibleNode, ApiError> {
    match nodes.iter().find(|node| node.id.eq_ignore_ascii_case(id)) {
        Some(found) => Ok(found),
        None => Err(seen.refusal(&format!("{ACCOUNTS}/{}/{kind}/{id}", own.enrollment.number)).await),
    }
}

fn list(value: impl Iterator<Item = Value>) -> Value {
    object!({ "value": value.collect::<Vec<_>>() })
}

fn resource(path: &str, name: &str, kind: &str, properties: Value) -> Value {
    object!({ "id": format!("/{path}"), "name": name, "type": kind, "properties": properties })
}

fn billing_account(own: &VisibleEnrollment) -> Value {
    let number = own.enrollment.number.as_str();
    let mut properties = object!({
        "displayName": own.enrollment.name.as_deref().unwrap_or(number),
        "agreementType": "EnterpriseAgreement",
        "accountType": "Enterprise",
    });
    if let Some(currency) = own.enrollment.currency {
        properties["enrollmentDetails"] = object!({ "currency": currency.as_str() });
    }
    resource(&format!("{ACCOUNTS}/{number}"), number, "Microsoft.Billing/billingAccounts", properties)
}

fn shown_name(node: &VisibleNode) -> &str {
    node.name.as_deref().unwrap_or(&node.id)
}

fn department(own: &VisibleEnrollment, node: &VisibleNode) -> Value {
    let path = format!("{ACCOUNTS}/{}/departments/{}", own.enrollment.number, node.id);
    let properties = object!({ "displayName": shown_name(node) });
    resource(&path, &node.id, "Microsoft.Billing/billingAccounts/departments", properties)
}

fn account(own: &VisibleEnrollment, node: &VisibleNode) -> Value {
    let path = format!("{ACCOUNTS}/{}/enrollmentAccounts/{}", own.enrollment.number, node.id);
    let mut properties = object!({ "displayName": shown_name(node) });
    if let Some(owner) = &node.owner {
        properties["accountOwner"] = object!(owner);
    }
    // An account whose subscriptions lie in several departments belongs to none of them as a whole.
    if let [id] = node.departments.as_slice()
        && let Some(department) = own.departments.iter().find(|one| one.id == *id)
    {
        properties["departmentId"] = object!(id);
        properties["departmentDisplayName"] = object!(shown_name(department));
    }
    resource(&path, &node.id, "Microsoft.Billing/billingAccounts/enrollmentAccounts", properties)
}

fn principal(node: &VisibleNode) -> Value {
    let properties = object!({ "principalName": node.owner.as_deref().unwrap_or_else(|| shown_name(node)) });
    resource(&format!("{PRINCIPALS}/{}", node.id), &node.id, "Microsoft.Billing/enrollmentAccounts", properties)
}
