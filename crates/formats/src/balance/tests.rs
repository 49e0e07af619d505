use ledger::BalanceAmount;

use super::*;

const ARM: &str = r#"{
    "id": "providers/Microsoft.Billing/billingAccounts/123456/providers/Microsoft.Billing/billingPeriods/201702-1/providers/Microsoft.Consumption/balances/b1",
    "name": "b1", "type": "microsoft.consumption/balances", "etag": null,
    "properties": {"currency": "USD  ", "beginningBalance": 3396469.19, "endingBalance": 1.0, "utilized": null, "serviceOverage": 1E+2,
        "billingFrequency": "Month", "priceHidden": false, "later": {"a": [1, 1]},
        "newPurchasesDetails": [{"name": "B", "value": 1}, {"name": "A", "value": 1.10}], "adjustmentDetails": []}
}"#;
const ENTERPRISE: &str = r#"{"id": "enrollments/100/billingperiods/201507/balancesummaries", "billingPeriodId": 201507,
    "currencyCode": "USD", "beginningBalance": 0, "endingBalance": 1.1, "adjustmentDetails": [{"name": "", "value": 1}]}"#;

fn resolved(text: &str, fill: &FillIns) -> Result<Vec<Balance>, String> {
    let stated = read_balances("f.json", text.as_bytes()).map_err(|error| error.to_string())?;
    let resolve = |one: StatedBalance| one.resolve("f.json", fill).map_err(|error| error.to_string());
    stated.into_iter().map(resolve).collect()
}

fn one(text: &str) -> Balance {
    let found = resolved(text, &FillIns::default()).unwrap();
    assert_eq!(found.len(), 1);
    found.into_iter().next().unwrap()
}

fn text_of(balance: &Balance, which: BalanceAmount) -> Option<String> {
    balance.summary.amount(which).map(|amount| amount.to_string())
}

fn refused(text: &str) -> String {
    resolved(text, &FillIns::default()).unwrap_err()
}

#[test]
fn a_resource_is_read_digit_for_digit_and_what_it_does_not_say_is_unknown() {
    let found = one(ARM);
    assert_eq!((found.enrollment.as_str(), found.period.to_string().as_str()), ("123456", "201702"));
    assert_eq!(found.summary.currency.as_str(), "USD");
    assert_eq!(text_of(&found, BalanceAmount::BeginningBalance).as_deref(), Some("3396469.19"));
    assert_eq!(text_of(&found, BalanceAmount::EndingBalance).as_deref(), Some("1.0"));
    assert_eq!(text_of(&found, BalanceAmount::ServiceOverage).as_deref(), Some("1E+2"));
    assert_eq!(text_of(&found, BalanceAmount::Utilized), None);
    assert_eq!(found.summary.name.as_deref(), Some("b1"));
    let details = found.summary.new_purchases_details.unwrap();
    let details: Vec<_> =
        details.iter().map(|one| (one.name.as_deref().unwrap(), one.value.as_ref().unwrap().as_str())).collect();
    assert_eq!(details, [("B", "1"), ("A", "1.10")]);
    assert_eq!(found.summary.adjustment_details, Some(Vec::new()));
}

#[test]
fn an_enterprise_object_is_read() {
    let found = one(ENTERPRISE);
    assert_eq!((found.enrollment.as_str(), found.period.to_string().as_str()), ("100", "201507"));
    assert_eq!(text_of(&found, BalanceAmount::BeginningBalance).as_deref(), Some("0"));
    assert_eq!(found.summary.adjustment_details.unwrap()[0].name.as_deref(), Some(""));
    assert_eq!(found.summary.new_purchases_details, None);
}

#[test]
fn lists_hold_several_and_each_has_a_content_of_its_own() {
    let lists = [format!("[{ARM}, {ENTERPRISE}]"), format!(r#"{{"value": [{ARM}, {ENTERPRISE}], "nextLink": null}}"#)];
    for list in lists {
        let found = resolved(&format!("\u{feff} {list}"), &FillIns::default()).unwrap();
        assert_eq!(found, [one(ARM), one(ENTERPRISE)]);
        assert_ne!(found[0].content, found[1].content);
    }
}

#[test]
fn options_complete_what_the_text_does_not_say_and_never_contradict_it() {
    let fill = FillIns {
        enrollment: EnrollmentId::parse("ab1").ok(),
        period: BillingPeriod::new(2018, 3).ok(),
        currency: "EUR".parse().ok(),
        ..FillIns::default()
    };
    let bare = r#"{"endingBalance": 1}"#;
    let found = resolved(bare, &fill).unwrap().remove(0);
    assert_eq!((found.enrollment.as_str(), found.period.to_string().as_str()), ("ab1", "201803"));
    for (missing, option) in [
        (FillIns { enrollment: None, ..fill.clone() }, "--enrollment"),
        (FillIns { period: None, ..fill.clone() }, "--period"),
        (FillIns { currency: None, ..fill.clone() }, "--currency"),
    ] {
        assert!(resolved(bare, &missing).unwrap_err().contains(option), "{option}");
    }
    for (other, said) in [
        (r#"{"id": "/billingAccounts/AB2", "endingBalance": 1}"#, "of enrollment AB2, but --enrollment is ab1"),
        (r#"{"billingPeriodId": "201804", "endingBalance": 1}"#, "of billing period 201804, but --period is 201803"),
        (r#"{"currency": "usd", "endingBalance": 1}"#, "of currency USD, but --currency is EUR"),
    ] {
        let error = resolved(other, &fill).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let same = r#"{"id": "/billingAccounts/AB1/billingPeriods/20180301", "currencyCode": "EUR ", "endingBalance": 1}"#;
    assert_eq!(resolved(same, &fill).unwrap()[0].enrollment.as_str(), "AB1");
}

#[test]
fn hostile_json_is_refused_by_member_and_line() {
    let with = |member: &str| {
        format!("[\n{{\"id\":\"/billingAccounts/1/billingPeriods/201702\",\"currency\":\"USD\",{member}}}\n]")
    };
    for (member, said) in [
        (r#""endingBalance":1,"endingBalance":1"#, "\"endingBalance\" is given twice"),
        (r#""endingBalance":"1""#, "line 2, [0].endingBalance: \"\\\"1\\\"\": expected a number"),
        (r#""endingBalance":true"#, "expected a number"),
        (r#""endingBalance":{}"#, "expected a number"),
        (r#""endingBalance":1e400"#, "at most 24 are accepted"),
        (r#""endingBalance":1e1000"#, "exponent is outside"),
        (r#""endingBalance":0.00000000000000000000000000001"#, "29 fraction digits"),
        (r#""endingBalance":1234567890123456789012345"#, "25 integer digits"),
        (r#""endingBalance":1,"priceHidden":"no""#, "[0].priceHidden: \"\\\"no\\\"\": expected true or false"),
        (r#""endingBalance":1,"adjustmentDetails":{}"#, "expected a list"),
        (r#""endingBalance":1,"adjustmentDetails":[1]"#, "[0].adjustmentDetails[0]"),
        (r#""endingBalance":1,"adjustmentDetails":[{"value":"x"}]"#, "[0].adjustmentDetails[0].value"),
        (r#""endingBalance":1,"adjustmentDetails":[{"value":1,"value":2}]"#, "given twice"),
        (r#""endingBalance":1,"currencyCode":"EUR""#, "[0].currencyCode"),
        (r#""endingBalance":1,"currencyCode":"euros""#, "expected an ISO code"),
        (r#""endingBalance":1,"billingPeriodId":201703"#, "the id says 201702"),
        (r#""endingBalance":1,"billingPeriodId":201713"#, "expected a billing period"),
        (r#""endingBalance":1,"billingPeriodId":2.01702e5"#, "expected a billing period"),
        (r#""endingBalance":1,"type":"Microsoft.Consumption/usageDetails""#, "expected a balance summary"),
        (r#""unknown":1"#, "expected a balance summary"),
        (r#""endingBalance":1,"properties":{}"#, "expected a balance summary"),
        (r#""endingBalance":NaN"#, "expected value"),
        (r#""endingBalance":01"#, "invalid number"),
        (r#""endingBalance":.5"#, "expected value"),
    ] {
        let error = refused(&with(member));
        assert!(error.starts_with("f.json, line 2") || error.starts_with("f.json, "), "{error}");
        assert!(error.contains(said), "{member}: {error}");
    }
    for text in
        ["{", "[1]", "{}", "[]", "[[]]", r#"{"value": []}"#, r#"{"error": {"code": "404"}}"#, "{\"a\":\u{1}}", "\"x\""]
    {
        assert!(resolved(text, &FillIns::default()).is_err(), "{text}");
    }
    assert!(read_balances("f", b"{\"a\":\"\xff\"}").is_err());
    let deep = format!("{{\"endingBalance\":1,\"x\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(resolved(&deep, &FillIns::default()).is_err());
}

#[test]
fn csv_has_the_names_of_the_json_in_any_order_and_case() {
    let text = "Billing Period Id,ENROLLMENT_NUMBER,currency,endingBalance,utilized,newPurchasesDetails,priceHidden,later\r\n\
                201702,100,USD,1.0,,\"[{\"\"name\"\":\"\"Promo, Purchase\"\",\"\"value\"\":1.10}]\",FALSE,x\r\n\
                2017-03,100,USD,.5,+2,,,\r\n";
    let text = text.replace("2017-03", "201703");
    let found = resolved(&text, &FillIns::default()).unwrap();
    assert_eq!(found.iter().map(|one| one.period.to_string()).collect::<Vec<_>>(), ["201702", "201703"]);
    assert_eq!(text_of(&found[0], BalanceAmount::EndingBalance).as_deref(), Some("1.0"));
    assert_eq!(text_of(&found[0], BalanceAmount::Utilized), None);
    assert_eq!(found[0].summary.price_hidden, Some(false));
    let details = found[0].summary.new_purchases_details.as_ref().unwrap();
    assert_eq!(details[0].value.as_ref().unwrap().as_str(), "1.10");
    assert_eq!(text_of(&found[1], BalanceAmount::EndingBalance).as_deref(), Some("0.5"));
    assert_eq!(text_of(&found[1], BalanceAmount::Utilized).as_deref(), Some("2"));
}

#[test]
fn hostile_csv_is_refused_by_line_and_column() {
    let with =
        |header: &str, row: &str| format!("id,currency,{header}\nenrollments/1/billingperiods/201702,USD,{row}\n");
    for (header, row, said) in [
        ("endingBalance", "NaN", "f.json, line 2, endingBalance: \"NaN\""),
        ("endingBalance", "\"1,5\"", "endingBalance"),
        ("endingBalance", "", "expected at least one amount"),
        ("endingBalance,ending_balance", "1,1", "two columns are endingbalance"),
        ("endingBalance", "1,2", "4 cells, expected 3"),
        ("endingBalance,adjustmentDetails", "1,[", "adjustmentDetails"),
        ("endingBalance,adjustmentDetails", "1,\"[{\"\"value\"\":\"\"1\"\"}]\"", "adjustmentDetails[0].value"),
        ("endingBalance,priceHidden", "1,no", "expected true or false"),
        ("endingBalance,billingPeriodId", "1,201703", "expected the billing period of the id"),
        ("endingBalance,enrollment", "1,2", "expected the enrollment of the id"),
        ("endingBalance,enrollment", "1,a b", "not an enrollment number"),
        ("endingBalance", "\"1", "not closed"),
    ] {
        let error = refused(&with(header, row));
        assert!(error.contains(said), "{header} {row}: {error}");
    }
    assert!(refused("endingBalance\n").contains("empty"));
}

#[test]
fn the_beginning_of_a_file_tells_what_it_holds() {
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for text in [
        ARM,
        ENTERPRISE,
        "\u{feff}\n [{\"endingBalance\"",
        "currency,\"Beginning Balance\",x\n1,2,3",
        "id,endingBalance",
    ] {
        assert_eq!(BalanceHint::of(text.as_bytes()), BalanceHint::Balances, "{text}");
        assert_eq!(BalanceHint::of(&gzip(text)[..]), BalanceHint::Balances, "{text}");
    }
    for text in ["{}", "[", "{\"blobs\": []}"] {
        assert_eq!(BalanceHint::of(text.as_bytes()), BalanceHint::OtherJson, "{text}");
    }
    for text in ["", "x", "Date,Cost\n1,endingBalance", "\u{1f}\u{8b}"] {
        assert_eq!(BalanceHint::of(text.as_bytes()), BalanceHint::Other, "{text}");
    }
}

#[test]
fn damaged_text_is_refused_or_read_but_never_breaks_the_reader() {
    let csv = "id,currency,endingBalance,adjustmentDetails\nbillingAccounts/1/billingPeriods/201702,USD,1.0,[]\n";
    let mut read = 0;
    for text in [ARM, ENTERPRISE, csv].map(str::as_bytes) {
        for at in 0..text.len() {
            let mut pieces = vec![text[..at].to_vec()];
            for byte in *b"{}[]\",:.-0e\n\\\xff" {
                let mut damaged = text.to_vec();
                damaged[at] = byte;
                pieces.push(damaged);
            }
            for piece in pieces {
                _ = BalanceHint::of(&piece[..]);
                let found = read_balances("f", &piece).unwrap_or_default();
                for stated in found {
                    // Whatever was read is JSON again.
                    for amount in stated.members.amounts.values() {
                        let raw: &serde_json::value::RawValue = serde_json::from_str(amount.as_str()).unwrap();
                        assert_eq!(raw.get(), amount.as_str());
                        read += 1;
                    }
                }
            }
        }
    }
    assert!(read > 1000, "{read}");
}
