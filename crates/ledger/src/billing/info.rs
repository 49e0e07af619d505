//! What the engine writes into `AdditionalInfo`: members behind those that metering sent.

use calendar::Date;
use money::Decimal;

use super::charge::BenefitFacts;

/// A text as it stands between the quotes of a JSON string.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out
}

/// Appends members to a JSON object, unless it has them already. A blank text is an empty object; anything else that is
/// no object, which native input refuses, stays as it is.
fn with_members(info: &str, members: &[(&str, String)]) -> String {
    let trimmed = info.trim_end();
    let open = if trimmed.is_empty() { "{" } else { trimmed.strip_suffix('}').unwrap_or("") };
    if !open.trim_start().starts_with('{') {
        return info.to_owned();
    }
    let mut out = open.trim_end().to_owned();
    for (name, value) in members.iter().filter(|(name, _)| !open.contains(&format!("\"{name}\""))) {
        if !out.ends_with('{') {
            out.push(',');
        }
        out.push_str(&format!("\"{name}\":{value}"));
    }
    out.push('}');
    out
}

/// `AdditionalInfo` of usage that a reservation covers (SEMANTICS 3.1).
pub(super) fn covered(info: &str, benefit: &BenefitFacts, meter: &str, ratio: Decimal) -> String {
    let quoted = |text: &str| format!("\"{}\"", escaped(text));
    let members = [
        ("ReservationOrderId", quoted(&benefit.order_id)),
        ("ReservationId", quoted(&benefit.id)),
        ("ConsumptionMeter", quoted(meter)),
        ("RINormalizationRatio", ratio.to_shortest_string()),
    ];
    with_members(info, &members)
}

/// `AdditionalInfo` of usage that is posted late: the real time, both ends included (D-31).
pub(super) fn late(info: &str, day: Date, hour: Option<u8>) -> String {
    let (first, last) = hour.map_or((0, 23), |hour| (hour, hour));
    let members = [
        ("ConsumptionBeginTime", format!("\"{day}T{first:02}:00:00Z\"")),
        ("ConsumptionEndTime", format!("\"{day}T{last:02}:59:59Z\"")),
    ];
    with_members(info, &members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_behind_those_of_metering_and_are_written_once() {
        let day: Date = "2025-02-20".parse().unwrap();
        let expected = r#"{"ConsumptionBeginTime":"2025-02-20T00:00:00Z","ConsumptionEndTime":"2025-02-20T23:59:59Z"}"#;
        assert_eq!(late("", day, None), expected);
        assert_eq!(late("{ }", day, None), expected);
        let own = late(r#"{"VCPUs":2}"#, day, Some(7));
        assert!(own.starts_with(r#"{"VCPUs":2,"ConsumptionBeginTime":"2025-02-20T07:00:00Z","#), "{own}");
        assert_eq!(late(&own, day, Some(9)), own);
    }

    #[test]
    fn ids_are_escaped() {
        assert_eq!(escaped("a\"b\\c\n"), "a\\\"b\\\\c\\u000a");
    }
}
