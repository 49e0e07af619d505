//! Wrong input is refused with what is wrong, where, and what would be right.

use super::*;

fn order_refusal(record: &str) -> String {
    let text = format!("{{\"kind\":\"orders\",\"enrollment\":\"1\",\"currency\":\"USD\",\n\"orders\":[\n{record}]}}");
    read_orders("o.json", &text, None).unwrap_err().to_string()
}

/// A reservation with another value for one member, or a further member.
fn reservation(member: &str, value: &str) -> String {
    let mut members: Vec<(String, String)> = [
        ("type", "\"reservation\""),
        ("orderId", "\"R1\""),
        ("reservationId", "\"R1-1\""),
        ("date", "\"2025-01-01\""),
        ("termMonths", "12"),
        ("units", "1"),
        ("price", "\"365.00\""),
        ("subscriptionId", "\"1caaa5a3-2b66-438e-8ab4-bce37d518c5d\""),
        ("meters", "[{\"meterId\":\"vm\"}]"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    match members.iter_mut().find(|(name, _)| name == member) {
        Some((_, known)) => *known = value.to_owned(),
        None => members.push((member.to_owned(), value.to_owned())),
    }
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn orders_name_record_member_value_and_what_is_right() {
    let long = format!("\"{}\"", "x".repeat(300));
    let table: [(&str, &str, &str); 24] = [
        ("colour", "1", "colour: unknown member; expected only billing, creditEligible, date,"),
        ("Units", "1", "Units: unknown member"),
        ("units", "-2", "units: \"-2\": expected a whole number of 1 to 4294967295"),
        ("units", "1.5", "units: \"1.5\": expected a whole number"),
        ("units", "0", "units: \"0\": expected a whole number"),
        ("units", "null", "units: the member is missing; expected a value"),
        ("units", "true", "units: \"true\": expected a number, or a number in quotes"),
        ("price", "0.123456789012345678901234567890", "number has 30 fraction digits, at most 18 are accepted"),
        ("price", "365.001", "price: \"365.001\": the amount has more fraction digits than USD; expected at most 2"),
        ("price", "\"Infinity\"", "price: \"Infinity\": unexpected character 'I' at byte 0 of a number"),
        ("price", "\"1,000.00\"", "unexpected character ',' at byte 1"),
        ("price", "\"-1\"", "price: \"-1\": expected 0 or more"),
        (
            "date",
            "\"2025-02-30\"",
            "date: \"2025-02-30\": date 2025-02-30 does not exist; expected a day such as 2025-01-31",
        ),
        ("date", "\"01/01/2025\"", "expected a day such as 2025-01-31"),
        ("termMonths", "121", "termMonths: \"121\": expected a whole number of 1 to 120 months"),
        ("orderId", "\"a/b\"", "orderId: \"a/b\": the id has one of / \\ ? #; expected an id without them"),
        ("orderId", "\" a\"", "orderId: \" a\": the text is blank or has blanks around it"),
        ("orderName", "\"a\\u0007b\"", "the text has a control character; expected printable text"),
        ("name", &long, "the text has 300 bytes; expected at most 256"),
        ("subscriptionId", "\"s1\"", "subscriptionId: \"s1\": expected a subscription id, a GUID"),
        ("billing", "\"monthly\"", "billing: \"monthly\": expected Upfront or Monthly"),
        ("meters", "[]", "meters: expected 1 to 1000 meters"),
        ("meters", "[{\"meterId\":\"a\"},{\"meterId\":\"A\"}]", "meters: \"A\": the meter is there twice"),
        (
            "scope",
            "{\"type\":\"ManagementGroup\",\"id\":\"g\",\"subscriptionIds\":[\"x\"]}",
            "scope.subscriptionIds[0]: \"x\": expected a subscription id",
        ),
    ];
    for (member, value, expected) in table {
        let message = order_refusal(&reservation(member, value));
        assert!(message.contains(expected), "{member} {value}: {message}");
        let id = if member == "orderId" { "o.json, record 1 (" } else { "o.json, record 1 (R1), line 3: " };
        assert!(message.starts_with(id), "{message}");
    }
    assert!(read_order(&reservation("price", "365.000"), None).is_ok());
    let nested = order_refusal(&reservation("meters", "[{\"meterId\":\"a\"},{\"meterId\":\"b\",\"ratio\":0}]"));
    assert!(nested.contains("meters[1].ratio: \"0\": expected a number above 0"), "{nested}");
}

#[test]
fn other_records_are_judged_too() {
    let sub = SUBSCRIPTION;
    let table: [(String, &str); 10] = [
        ("{\"type\":\"gift\"}".into(), "type: \"gift\": expected reservation, savingsPlan"),
        ("{}".into(), "type: the member is missing"),
        ("[1]".into(), "expected a JSON object"),
        (
            "{\"type\":\"credit\",\"id\":\"C\",\"name\":\"n\",\"date\":\"2025-01-01\",\"amount\":0}".into(),
            "record 1 (C), line 3: amount: \"0\": expected a credit above 0 or a debit below 0",
        ),
        (
            "{\"type\":\"credit\",\"id\":\"C\",\"name\":\"n\",\"date\":\"2025-01-01\",\"amount\":-1,\"expires\":\"2025-02-01\"}".into(),
            "expires: a debit does not expire",
        ),
        (
            "{\"type\":\"prepayment\",\"id\":\"P\",\"date\":\"2025-01-02\",\"amount\":1,\"expires\":\"2025-01-01\"}".into(),
            "expires: \"2025-01-01\": expected 2025-01-02 or a later day",
        ),
        (
            "{\"type\":\"refund\",\"id\":\"F\",\"orderId\":\"M\",\"date\":\"2025-01-02\",\"amount\":\"-5\"}".into(),
            "amount: \"-5\": expected a number above 0",
        ),
        (
            format!("{{\"type\":\"purchase\",\"orderId\":\"M\",\"date\":\"2025-01-02\",\"amount\":1,\"until\":\"2025-02-02\",\"subscriptionId\":\"{sub}\",\"publisher\":{{\"type\":\"Azure\"}}}}"),
            "until: the purchase does not come again",
        ),
        (
            "{\"type\":\"exchange\",\"id\":\"X\",\"orderId\":\"R\",\"date\":\"2025-01-02\",\"purchases\":[{\"type\":\"reservation\"}]}".into(),
            "purchases[0]",
        ),
        (
            "{\"type\":\"return\",\"id\":\"X\",\"orderId\":\"R\",\"orderId\":\"R\",\"date\":\"2025-01-02\"}".into(),
            "member \"orderId\" is there twice",
        ),
    ];
    for (record, expected) in table {
        let message = order_refusal(&record);
        assert!(message.contains(expected), "{record}: {message}");
    }
}

#[test]
fn damaged_documents_name_their_line() {
    let refusal = |text: &str| read_orders("o.json", text, None).unwrap_err();
    let damaged = refusal("{\"kind\":\"orders\",\n\"enrollment\":\"1\",\n\"orders\":[{\"amount\":Infinity}]}");
    assert_eq!(damaged.place(), (Some("o.json"), Some(3), None));
    assert_eq!(damaged.code(), "InvalidSyntax");
    assert!(refusal("{\"kind\":\"enrollment\"}").to_string().contains("kind: \"enrollment\": expected orders"));
    assert!(refusal("").to_string().contains("expected a JSON object with \"kind\": \"orders\""));
    let twice = refusal("{\"kind\":\"orders\",\"enrollment\":\"1\",\"enrollment\":\"2\",\"orders\":[]}").to_string();
    assert!(twice.contains("member \"enrollment\" is there twice"), "{twice}");
    let control = refusal("{\"kind\":\"orders\",\"enrollment\":\"a\u{1}\",\"orders\":[]}").to_string();
    assert!(control.contains("control character"), "{control}");
    let usd = money::Currency::parse("USD").unwrap();
    let text = "{\"kind\":\"orders\",\"enrollment\":\"1\",\"currency\":\"EUR\",\"orders\":[]}";
    let currency = read_orders("o.json", text, Some(usd)).unwrap_err().to_string();
    assert_eq!(currency, "o.json: currency: \"EUR\": the enrollment's currency is USD; expected USD");
}

#[test]
fn enrollments_are_judged_with_their_hierarchy() {
    let refusal = |from: &str, to: &str| {
        let text = example("enrollment");
        assert!(text.contains(from), "{from}");
        read_enrollment("enrollment.json", &text.replacen(from, to, 1)).unwrap_err().to_string()
    };
    let table = [
        (
            "500.00",
            "500.005",
            "enrollment.json: openingBalance.amount: \"500.005\": the amount has more fraction digits than USD; expected at most 2",
        ),
        ("\"500.00\"", "\"-500.00\"", "openingBalance.expires: a negative balance does not expire"),
        ("\"202501\"", "\"202513\"", "start: \"202513\": month 13 is outside 1..=12; expected a billing period"),
        ("\"202501\"", "\"20250101\"", "start: \"20250101\": expected a billing period such as 202501"),
        ("2027-12-31", "2024-12-31", "end: \"2024-12-31\": expected a day in or after 202501"),
        ("\"USD\"", "\"dollars\"", "currency: \"dollars\": expected an ISO currency code such as USD"),
        ("\"Quarter\"", "\"Week\"", "billingFrequency: \"Week\": expected Month, Quarter or Year"),
        (
            "\"daViewCharges\": true",
            "\"daViewCharges\": \"yes\"",
            "policies.daViewCharges: \"yes\": expected true or false",
        ),
        (
            "\"2025-06-11\"",
            "\"2025-06-31\"",
            "accounts[0].department[1].from: \"2025-06-31\": date 2025-06-31 does not exist",
        ),
        (
            "\"from\": \"2025-03-15\", \"id\": \"A2\"",
            "\"from\": \"2025-03-15\", \"id\": \"A9\"",
            "belongs to account A9, which is not in the file",
        ),
        (
            "9cf80e5e-9dcd-4c31-8c4e-6a0aff5b2c11",
            "9cf80e5e",
            "subscriptions[1].id: \"9cf80e5e\": expected a subscription id",
        ),
        ("\"id\": \"D2\", \"name\"", "\"id\": \"D/2\", \"name\"", "the id of department \"D/2\" is empty"),
        ("\"name\": \"Contoso\"", "\"title\": \"Contoso\"", "name: the member is missing"),
        (
            "\"name\": \"Contoso\"",
            "\"name\": \"Contoso\", \"title\": 1",
            "title: unknown member; expected only accounts,",
        ),
        ("\"7654321\"", "\"76/54321\"", "number: \"76/54321\": expected 1 to 128 letters or digits"),
    ];
    for (from, to, expected) in table {
        let message = refusal(from, to);
        assert!(message.contains(expected), "{to}: {message}");
    }
}

#[test]
fn the_documentation_shows_real_messages() {
    let docs = include_str!("../../../../../docs/NATIVE.md");
    let text = example("orders").replacen("\"units\": 1 }", "\"units\": -2 }", 1);
    let order = read_orders("orders.json", &text, None).unwrap_err().to_string();
    let text = example("enrollment").replacen("500.00", "500.005", 1);
    let enrollment = read_enrollment("enrollment.json", &text).unwrap_err().to_string();
    let mut csv = "meterId,unitOfMeasure,unitPrice\n".to_owned();
    (0..6).for_each(|meter| csv.push_str(&format!("m{meter},1 Hour,1\n")));
    csv.push_str("vm,1 Hour,\"1,50\"\n");
    let price = read_price_sheet("prices.csv", &csv, &PriceSheetFill::default()).unwrap_err().to_string();
    for message in [&order, &enrollment, &price] {
        assert!(docs.contains(message.as_str()), "{message}");
    }
}
