//! Times that callers name: days, and billing periods in paths: `{scope}/providers/Microsoft.Billing/billingPeriods/{period}` and the direct form
//! `{scope}/billingPeriods/{period}` (contract `consumption-api.md`, sections 1 and 6).

use calendar::{BillingPeriod, CalendarError, Date};

use super::{ApiError, excerpt};

/// Digits of `YYYYMM`.
const PERIOD_DIGITS: usize = 6;

/// Takes the billing period off the end of a scope's segments, if there is one.
pub(crate) fn split_period(segments: &[String]) -> Result<(&[String], Option<BillingPeriod>), ApiError> {
    let [scope @ .., kind, name] = segments else { return Ok((segments, None)) };
    if !kind.eq_ignore_ascii_case("billingPeriods") {
        return Ok((segments, None));
    }
    let scope = match scope {
        [scope @ .., providers, namespace]
            if providers.eq_ignore_ascii_case("providers") && namespace.eq_ignore_ascii_case("Microsoft.Billing") =>
        {
            scope
        }
        scope => scope,
    };
    billing_period(name).map(|period| (scope, Some(period)))
}

/// A billing period as a caller names it. What follows its six digits is a day or a number within the year, and is
/// ignored: `201804`, `20180401`, `201804-1`.
pub(crate) fn billing_period(name: &str) -> Result<BillingPeriod, ApiError> {
    let refused = |reason: &dyn std::fmt::Display| {
        let name = excerpt(name);
        ApiError::BadRequest(format!("The billing period '{name}' is invalid: {reason}."))
    };
    let (digits, rest) = name.split_at_checked(PERIOD_DIGITS).unwrap_or((name, ""));
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    if rest.len() > 2 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused(&"expected YYYYMM such as 202309"));
    }
    BillingPeriod::parse(digits).map_err(|error| refused(&error))
}

/// A day as a caller writes it: `YYYY-MM-DD`, with a time of day in UTC behind it or not. The time is dropped, because
/// days are asked for as a whole.
pub(crate) fn day(text: &str) -> Result<Date, CalendarError> {
    let is_iso = text.as_bytes().get(4) == Some(&b'-');
    if is_iso { Date::parse_any(text.as_bytes()) } else { Date::parse_iso(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str) -> Option<(String, Option<String>)> {
        let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        let (scope, period) = split_period(&segments).ok()?;
        Some((scope.join("/"), period.map(|period| period.to_string())))
    }

    #[test]
    fn both_forms_and_every_name_of_a_period_are_read() {
        for period in ["201804", "20180401", "201804-1"] {
            for between in
                ["/providers/Microsoft.Billing/billingPeriods/", "/PROVIDERS/microsoft.billing/BillingPeriods/"]
            {
                let expected = Some(("subscriptions/a".to_owned(), Some("201804".to_owned())));
                assert_eq!(split(&format!("subscriptions/a{between}{period}")), expected, "{between}{period}");
            }
            let direct = format!("providers/Microsoft.Billing/billingAccounts/1/billingPeriods/{period}");
            let scope = "providers/Microsoft.Billing/billingAccounts/1".to_owned();
            assert_eq!(split(&direct), Some((scope, Some("201804".to_owned()))));
        }
        assert_eq!(split("subscriptions/a"), Some(("subscriptions/a".to_owned(), None)));
        assert_eq!(split(""), Some((String::new(), None)));
    }

    #[test]
    fn other_names_are_refused() {
        for period in ["", "2018", "201813", "2018-04", "20180401x", "201804123", "201804-123", "\u{661}01804"] {
            assert_eq!(split(&format!("subscriptions/a/billingPeriods/{period}")), None, "{period}");
        }
    }
}
