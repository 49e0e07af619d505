//! What the id of a balance summary says: `…/billingAccounts/{enrollment}/…/billingPeriods/{period}/…` and
//! `enrollments/{enrollment}/billingperiods/{period}/…`, with or without a slash in front.

use calendar::BillingPeriod;
use ledger::EnrollmentId;

use super::Fault;

/// Enrollment and billing period of an id, as far as it names them.
pub(super) fn parts(member: &str, id: &str) -> Result<(Option<EnrollmentId>, Option<BillingPeriod>), Fault> {
    let mut segments = id.split('/').filter(|segment| !segment.is_empty());
    let (mut enrollment, mut period) = (None, None);
    while let Some(segment) = segments.next() {
        let is = |name: &str| segment.eq_ignore_ascii_case(name);
        if is("billingAccounts") || is("enrollments") {
            let number = segments.next().unwrap_or_default();
            let parsed = EnrollmentId::parse(number).map_err(|error| Fault::new(member, id, error.to_string()))?;
            enrollment = Some(parsed);
        } else if is("billingPeriods") {
            period = Some(self::period(member, segments.next().unwrap_or_default())?);
        }
    }
    Ok((enrollment, period))
}

/// A billing period as ids and members name it: `201702`, `20170201`, `201702-1`, or an id that ends in one.
pub(super) fn period(member: &str, text: &str) -> Result<BillingPeriod, Fault> {
    let name = text.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let digits = name.split_once('-').map_or(name, |(digits, _)| digits);
    BillingPeriod::parse(digits).map_err(|_| Fault::new(member, text, "expected a billing period such as 201702"))
}
