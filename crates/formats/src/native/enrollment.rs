//! The enrollment document: number, name, currency, first period, opening balance, policies and who owns what since when.

use ledger::billing::{BillingFrequency, NativeEnrollment, OpeningBalance};
use ledger::{AppliedAccount, AppliedDepartment, AppliedHierarchy, AppliedSubscription, EnrollmentId, Since};
use money::Currency;

use super::document::Document;
use super::error::{Fault, NativeError};
use super::members::{Members, items, required};
use super::values;

/// What an enrollment document says about policies; `None`: it says nothing, and the policy stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatedPolicies {
    /// Whether department administrators see charges.
    pub da_view_charges: Option<bool>,
    /// Whether account owners see charges.
    pub ao_view_charges: Option<bool>,
    /// Whether the prices of the enrollment are hidden.
    pub price_hidden: Option<bool>,
}

/// An enrollment document, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedEnrollment {
    /// The enrollment.
    pub enrollment: NativeEnrollment,
    /// Its policies.
    pub policies: StatedPolicies,
}

/// Reads an enrollment document. `file` names it in errors.
///
/// # Errors
/// [`NativeError`] for text that is no such document, and for a hierarchy that cannot be true.
pub fn read_enrollment(file: &str, text: &str) -> Result<StatedEnrollment, NativeError> {
    let document = Document::new(file, text)?;
    let members = document.open("enrollment")?;
    let stated = stated(members).map_err(|fault| document.fault(fault))?;
    let hierarchy = &stated.enrollment.hierarchy;
    hierarchy.check().map_err(|source| NativeError::Hierarchy { file: file.to_owned(), source })?;
    Ok(stated)
}

/// An enrollment number as a value.
pub(crate) fn number(text: &str) -> Result<EnrollmentId, String> {
    EnrollmentId::parse(text).map_err(|_| "expected 1 to 128 letters or digits such as 7654321".to_owned())
}

fn stated(mut members: Members<'_>) -> Result<StatedEnrollment, Fault> {
    let number = required("number", members.text("number", number)?)?;
    let name = |text: &str| values::text(text, values::NAME_BYTES_MAX).map(str::to_owned);
    let name = required("name", members.text("name", name)?)?;
    let currency = required("currency", members.text("currency", values::currency)?)?;
    let start = required("start", members.text("start", values::period)?)?;
    let after_start = |text: &str| {
        let end = values::date(text)?;
        if end < start.first_day() { Err(format!("expected a day in or after {start}")) } else { Ok(end) }
    };
    let end = members.text("end", after_start)?;
    let billing_frequency = members.text("billingFrequency", frequency)?.unwrap_or(BillingFrequency::Month);
    let opening_balance = members.object("openingBalance", |members| opening_balance(members, currency))?;
    let policies = members.object("policies", policies)?.unwrap_or_default();
    let hierarchy = AppliedHierarchy {
        departments: items("departments", members.array("departments")?, department)?,
        accounts: items("accounts", members.array("accounts")?, account)?,
        subscriptions: items("subscriptions", members.array("subscriptions")?, subscription)?,
    };
    members.finish()?;
    let enrollment =
        NativeEnrollment { number, name, currency, start, end, opening_balance, billing_frequency, hierarchy };
    Ok(StatedEnrollment { enrollment, policies })
}

fn frequency(text: &str) -> Result<BillingFrequency, String> {
    let all = [BillingFrequency::Month, BillingFrequency::Quarter, BillingFrequency::Year];
    all.into_iter().find(|one| one.name() == text).ok_or_else(|| "expected Month, Quarter or Year".to_owned())
}

fn opening_balance(mut members: Members<'_>, currency: Currency) -> Result<OpeningBalance, Fault> {
    let amount = members.number("amount", |text| values::amount(text, Some(currency)))?;
    let amount = required("amount", amount)?;
    let expires = members.text("expires", values::date)?;
    if expires.is_some() && amount.is_negative() {
        return Err(Fault::plain("expires", "a negative balance does not expire; expected no such member"));
    }
    members.finish()?;
    Ok(OpeningBalance { amount, expires })
}

fn policies(mut members: Members<'_>) -> Result<StatedPolicies, Fault> {
    let policies = StatedPolicies {
        da_view_charges: members.switch("daViewCharges")?,
        ao_view_charges: members.switch("aoViewCharges")?,
        price_hidden: members.switch("priceHidden")?,
    };
    members.finish()?;
    Ok(policies)
}

fn department(mut members: Members<'_>) -> Result<AppliedDepartment, Fault> {
    let (id, name, cost_center) = (owned_id(&mut members)?, name(&mut members)?, cost_center(&mut members)?);
    members.finish()?;
    Ok(AppliedDepartment { id, name, cost_center })
}

fn account(mut members: Members<'_>) -> Result<AppliedAccount, Fault> {
    let (id, name, cost_center) = (owned_id(&mut members)?, name(&mut members)?, cost_center(&mut members)?);
    let owner = members.text("owner", |text| Ok(text.to_owned()))?;
    let department = items("department", members.array("department")?, since)?;
    members.finish()?;
    Ok(AppliedAccount { id, name, owner, cost_center, department })
}

fn subscription(mut members: Members<'_>) -> Result<AppliedSubscription, Fault> {
    let id = required("id", members.text("id", values::subscription)?)?;
    let (name, cost_center) = (name(&mut members)?, cost_center(&mut members)?);
    let account = items("account", members.array("account")?, since)?;
    members.finish()?;
    Ok(AppliedSubscription { id, name, cost_center, account })
}

fn since(mut members: Members<'_>) -> Result<Since, Fault> {
    let from = members.text("from", values::date)?;
    let id = members.text("id", |text| Ok(text.to_owned()))?;
    members.finish()?;
    Ok(Since { from, id })
}

/// Ids and texts of the hierarchy are judged by [`AppliedHierarchy::check`].
fn owned_id(members: &mut Members<'_>) -> Result<String, Fault> {
    required("id", members.text("id", |text| Ok(text.to_owned()))?)
}

fn name(members: &mut Members<'_>) -> Result<Option<String>, Fault> {
    members.text("name", |text| Ok(text.to_owned()))
}

/// Files of `lazurite enrollment apply` write `cost_center`.
fn cost_center(members: &mut Members<'_>) -> Result<Option<String>, Fault> {
    let plain = members.text("cost_center", |text| Ok(text.to_owned()))?;
    let camel = members.text("costCenter", |text| Ok(text.to_owned()))?;
    match (plain, camel) {
        (Some(_), Some(_)) => Err(Fault::plain("costCenter", "cost_center is there too; expected one of them")),
        (plain, camel) => Ok(plain.or(camel)),
    }
}
