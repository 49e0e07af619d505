//! Answers and files as rows: what comes back, and what is refused where.

use super::*;

const DETAILS: &str = r#"{"value":[
 {"id":"providers/x/20171201","name":"n","type":"Microsoft.Consumption/reservationDetails","tags":null,"properties":
  {"reservationOrderId":"O","reservationId":"R","usageDate":"2017-12-01T00:00:00Z","skuName":"s","instanceId":"/i",
   "totalReservedQuantity":1.0,"reservedHours":24.0,"usedHours":18.000000000000000,"later":{"a":[1.50]}}}]}"#;
const SUMMARY: &str = r#"[{"reservationOrderId":"O","reservationId":"R","usageDate":"2018-02-01T00:00:00","skuName":"s",
    "reservedHours":24,"usedHours":1E-7}]"#;
const CHARGES: &str = r#"[{"PurchasingsubscriptionGuid":"g","eventDate":"2019-09-09T19:19:04Z","reservationOrderId":"O",
    "eventType":"Refund","quantity":1,"amount":-21.0,"currency":"USD"}]"#;
const PRICES: &str = r#"{"id":"subscriptions/s/x","properties":{"nextLink":"https://h/p?$skiptoken=1","pricesheets":[
    {"billingPeriodId":"subscriptions/s/billingPeriods/20180201","meterId":"M","unitOfMeasure":"10 Hours",
     "includedQuantity":0.0,"partNumber":"P","unitPrice":0.00328,"currencyCode":"EUR","meterDetails":null}]}}"#;
const PRICE_FILE: &str = "EnrollmentNumber,MeterID,UnitOfMeasure,PartNumber,UnitPrice,Currency Code,Included Quantity,Extra\n\
    100,m1,1 Hour,AAA-1,.0500,USD,0,x\n100,m2,1 Hour,AAA-2,1.2E-05,USD,,\n";

fn fill() -> FillIns {
    FillIns { enrollment: Some(EnrollmentId::parse("100").unwrap()), ..FillIns::default() }
}

fn read(text: &str, fill: &FillIns) -> Result<(SheetFacts, Vec<SheetRow>), InputError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    assert_eq!(SheetHint::of(File::open(file.path()).unwrap()), SheetHint::Sheet, "{text}");
    let mut source = SourceReader::open_file("f", File::open(file.path()).unwrap())?;
    let mut rows = Vec::new();
    let facts = read_sheet("f", &mut source, fill, &mut |row| rows.push(row))?;
    Ok((facts, rows))
}

fn refusal(text: &str, fill: &FillIns) -> String {
    read(text, fill).unwrap_err().to_string()
}

#[test]
fn rows_keep_the_text_of_every_value() {
    let (facts, rows) = read(DETAILS, &fill()).unwrap();
    assert_eq!((facts.rows, facts.next), (1, None));
    assert_eq!(rows[0].unit, SheetUnit::of(SheetKind::ReservationDetails, "2017-12-01".parse().unwrap(), ("o", "r")));
    let page = pack_rows(&[rows[0].json.clone()]).unwrap();
    let stored = unpack_rows(&page).unwrap().remove(0);
    assert_eq!(stored.json("usedHours"), Some("18.000000000000000"));
    assert_eq!(stored.json("later"), Some(r#"{"a":[1.50]}"#));
    assert_eq!((stored.text("@id").as_str(), stored.json("@tags")), ("providers/x/20171201", Some("null")));
    assert_eq!(stored.text("skuName"), "s");

    let (_, rows) = read(CHARGES, &fill()).unwrap();
    assert_eq!(rows[0].unit.day.to_string(), "2019-09-01");
    assert!(rows[0].json.contains(r#""purchasingSubscriptionGuid":"g""#), "{}", rows[0].json);
}

#[test]
fn price_sheets_are_of_the_month_that_they_name() {
    let (facts, rows) = read(PRICES, &fill()).unwrap();
    assert!(facts.next.is_some());
    assert_eq!((rows[0].unit.day.to_string().as_str(), facts.currency.unwrap().as_str()), ("2018-02-01", "EUR"));
    let other = FillIns { period: Some("201803".parse().unwrap()), ..fill() };
    assert!(refusal(PRICES, &other).contains("a price is of 201802, but --period is 201803"));

    assert!(refusal(PRICE_FILE, &fill()).contains("--period YYYYMM"));
    let march = FillIns { period: Some("201803".parse().unwrap()), ..FillIns::default() };
    let (facts, rows) = read(PRICE_FILE, &march).unwrap();
    assert_eq!((facts.enrollment.unwrap().as_str(), rows.len()), ("100", 2));
    // A spelling that JSON does not know becomes plain, with its digits; others stay.
    assert!(
        rows[0].json.contains(r#""unitPrice":0.0500,"#) && rows[0].json.contains(r#""Extra":"x""#),
        "{}",
        rows[0].json
    );
    assert!(rows[1].json.contains(r#""unitPrice":1.2E-05,"#) && !rows[1].json.contains("includedQuantity"));
}

#[test]
fn price_files_are_of_the_period_that_their_days_are() {
    let file = |days: &str| {
        format!(
            "EnrollmentNumber,UnitOfMeasure,PartNumber,UnitPrice,EffectiveStartDate,EffectiveEndDate\n1,1 Hour,P,2,{days}\n"
        )
    };
    let month = |days: &str, period: Option<&str>| {
        let fill = FillIns { period: period.map(|period| period.parse().unwrap()), ..FillIns::default() };
        read(&file(days), &fill).map(|(_, rows)| rows[0].unit.day.to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(month("2023-09-01,2023-09-30", None).unwrap(), "2023-09-01");
    assert_eq!(month("09/01/2023,09/30/2023", Some("202309")).unwrap(), "2023-09-01");
    assert_eq!(month("2023-01-01T00:00:00Z,2023-12-31T23:59:59Z", Some("202309")).unwrap(), "2023-09-01");
    for unclear in ["2023-09-01,", ",", "2023-01-01,2023-12-31"] {
        assert!(month(unclear, None).unwrap_err().contains("--period YYYYMM"), "{unclear}");
    }
    let other = month("2023-10-01,2023-10-31", Some("202309")).unwrap_err();
    assert!(
        other.contains("line 2") && other.contains("from 2023-10-01 to 2023-10-31, but the billing period is 202309"),
        "{other}"
    );
    assert!(month("2023-13-01,", Some("202309")).unwrap_err().contains("effectiveStartDate"));
}

#[test]
fn days_are_those_of_the_clock_that_the_source_shows() {
    for (text, day) in [
        ("2023-09-01T23:30:00-08:00", "2023-09-01"),
        ("2023-09-01T00:00:00.0000000+05:30", "2023-09-01"),
        ("2023-09-01T00:00:00Z", "2023-09-01"),
        ("9/1/2023", "2023-09-01"),
    ] {
        assert_eq!(civil_date(text).map(|day| day.to_string()).as_deref(), Some(day), "{text}");
    }
    for none in [
        "",
        "T",
        "2023-09-01T99:99:99",
        "2023-09-01T",
        "2023-09-01T00:00:00-8",
        "2023-09-31",
        "+05:30",
        "2023-09-01T00:00:00é",
    ] {
        assert_eq!(civil_date(none), None, "{none}");
    }
}

#[test]
fn transactions_tell_whose_they_are() {
    let file = |parties: &str| {
        format!(
            "EventDate,EventType,ReservationOrderId,Amount,PurchasingEnrollment,CurrentEnrollmentId\n2023-09-01,Purchase,o,1,{parties}\n"
        )
    };
    let whose = |parties: &str| {
        let (facts, _) = read(&file(parties), &FillIns::default()).unwrap();
        facts.enrollment.map(|own| own.to_string())
    };
    assert_eq!(whose("100,100").as_deref(), Some("100"));
    assert_eq!(whose(",100").as_deref(), Some("100"));
    assert_eq!(whose("100,200"), None, "it is of both");
    for rows in ["3,4\n2023-09-02,Purchase,o,1,1,1", "1,1\n2023-09-02,Purchase,o,1,3,4"] {
        let refused = refusal(&file(rows), &FillIns::default());
        assert!(refused.contains("a transaction is of enrollment 3, expected 1"), "{refused}");
    }
    assert_eq!(whose(","), None);
}

#[test]
fn summaries_are_of_days_or_months_as_somebody_says() {
    assert!(refusal(SUMMARY, &fill()).contains("--grain daily or --grain monthly"));
    for (grain, kind) in [(Grain::Daily, SheetKind::DailySummaries), (Grain::Monthly, SheetKind::MonthlySummaries)] {
        let (_, rows) = read(SUMMARY, &FillIns { grain: Some(grain), ..fill() }).unwrap();
        assert_eq!(rows[0].unit.kind, kind);
    }
    let within = SUMMARY.replace("2018-02-01", "2018-02-02");
    let monthly = FillIns { grain: Some(Grain::Monthly), ..fill() };
    assert!(refusal(&within, &monthly).contains("2018-02-02, which is no month"));
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_place() {
    let march = FillIns { period: Some("201803".parse().unwrap()), ..fill() };
    let cases = [
        (DETAILS.replace("24.0,", "\"24.0\","), "reservedHours"),
        (DETAILS.replace("18.000000000000000", "null"), "usedHours"),
        (DETAILS.replace("2017-12-01T", "soonT"), "usageDate"),
        (DETAILS.replace("\"skuName\"", "\"reservationId\""), "twice"),
        (DETAILS.replace("24.0,", "24.0"), "damaged or truncated"),
        (DETAILS.replace("\"usedHours\"", "\"hours\""), "none that is known"),
        (PRICE_FILE.replace(".0500", "free"), "UnitPrice"),
        (PRICE_FILE.replace("100,m2", "200,m2"), "enrollment 200, expected 100"),
        (PRICE_FILE.replace("AAA-2,1.2E-05,USD", "AAA-2,1.2E-05,EUR"), "in EUR"),
        (PRICE_FILE.replace(",,\n", ",\n"), "cells"),
        (PRICE_FILE.replace("Extra", "Meter ID"), "there twice"),
        (PRICE_FILE.lines().next().unwrap().to_owned() + "\n", "no rows"),
        (PRICE_FILE.replace("100,m2", "1/0,m2"), "enrollmentNumber"),
        (PRICE_FILE.replace("Extra", "@id"), "@id"),
        (DETAILS.replace("\"name\":\"n\"", "\"name\":{}"), "name: expected a text"),
        (
            CHARGES.replace("2019-09-09T", "soonT").replace("\"quantity\"", "\"billingMonth\":20190901,\"quantity\""),
            "eventDate",
        ),
        (CHARGES.replace("\"quantity\"", "\"currentEnrollment\":\"200\",\"quantity\""), "enrollment 200, expected 100"),
    ];
    for (text, expected) in cases {
        let message = refusal(&text, &march);
        assert!(message.to_lowercase().contains(&expected.to_lowercase()), "{expected}: {message}");
    }
}

#[test]
fn other_files_are_none_of_these() {
    for text in [
        "Date,MeterId,UnitPrice,UnitOfMeasure,PartNumber,ConsumedQuantity,Cost\n",
        r#"{"value":[{"type":"Microsoft.Consumption/usageDetails","properties":{"unitPrice":1,"reservationId":"x"}}]}"#,
        r#"{"beginningBalance":1}"#,
        "",
        "\u{feff}",
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        assert_eq!(SheetHint::of(File::open(file.path()).unwrap()), SheetHint::Other, "{text}");
    }
}

/// Damage anywhere is a refusal of one line or leaves rows that read back; never a panic.
#[test]
fn damaged_texts_are_refused_or_read() {
    let march = FillIns { period: Some("201803".parse().unwrap()), grain: Some(Grain::Daily), ..fill() };
    let file = tempfile::NamedTempFile::new().unwrap();
    for text in [DETAILS, SUMMARY, CHARGES, PRICES, PRICE_FILE] {
        for at in (0..text.len()).step_by(3) {
            for damage in [&b""[..], b"\"", b"\xff", b"[{", b"\n"] {
                let damaged =
                    [&text.as_bytes()[..at], damage, text.as_bytes().get(at + damage.len()..).unwrap_or_default()];
                let cut = [&text.as_bytes()[..at], damage];
                for bytes in [damaged.concat(), cut.concat()] {
                    std::fs::write(file.path(), &bytes).unwrap();
                    let mut source = SourceReader::open_file("f", File::open(file.path()).unwrap()).unwrap();
                    let mut rows = Vec::new();
                    match read_sheet("f", &mut source, &march, &mut |row| rows.push(row.json)) {
                        Ok(facts) => {
                            let stored = unpack_rows(&pack_rows(&rows).unwrap()).unwrap();
                            assert_eq!(stored.len() as u64, facts.rows);
                        }
                        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
                    }
                }
            }
        }
    }
}

#[test]
fn the_documentation_names_every_column_of_files() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/IMPORT.md")).unwrap();
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for kind in [SheetKind::Prices, SheetKind::ReservationDetails, SheetKind::ReservationTransactions] {
        let columns = sheet_columns(kind).iter().filter(|member| !member.column.is_empty());
        let named: Vec<String> = columns.map(|member| format!("`{}`", member.column)).collect();
        assert!(flat.contains(&format!(": {}.", named.join(", "))), "{kind}: {}", named.join(", "));
    }
}
