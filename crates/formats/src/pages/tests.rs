//! Pages as sources: what comes back, and what is refused where.

use ledger::Dataset;
use proptest::prelude::*;

use crate::error::InputError;
use crate::header::FillIns;
use crate::layout::Layout;
use crate::reader::{ChargeReader, ReadOptions, RejectSink, Rejected};
use crate::records::RecordReader;
use crate::source::SourceReader;
use crate::summary::ReadSummary;
use crate::{CsvEncoder, extras};

const OLD: &str = r#"{"id":"/subscriptions/s/x","name":"n1","type":"Microsoft.Consumption/usageDetails","tags":null,"properties":{
    "billingPeriodId":"/x/billingPeriods/20180201","usageStart":"2018-02-03T00:00:00Z","usageEnd":"2018-02-03T23:59:59Z",
    "usageQuantity":2,"pretaxCost":QQ,"currency":"USD","meterId":"m"}}"#;
const NEW: &str = r#"{"kind":"legacy","tags":{"a":"b"},"properties":{"billingAccountId":"100","date":"2019-10-30T00:00:00.0000000Z",
    "billingPeriodStartDate":"2019-10-01T00:00:00.0000000Z","billingPeriodEndDate":"2019-10-31T00:00:00.0000000Z",
    "subscriptionId":"s","meterId":"m","quantity":2,"cost":QQ,"billingCurrency":"USD","chargeType":"Usage"}}"#;
const REPORTING: &str = r#"{"date":"2018-02-03T00:00:00","subscriptionGuid":"s","subscriptionId":7,"meterId":"m","consumedQuantity":2,
    "Cost":QQ,"departmentId":0,"accountId":12}"#;

fn item(form: &str, cost: &str) -> String {
    form.replace("QQ", cost)
}

fn page(items: &[String]) -> String {
    let list = if items.iter().any(|item| item.contains("consumedQuantity")) { "data" } else { "value" };
    format!("{{\"{list}\":[\n{}\n]}}", items.join(",\n"))
}

fn options() -> ReadOptions {
    let fill = FillIns {
        enrollment: Some("100".to_owned().try_into().unwrap()),
        currency: Some("USD".parse().unwrap()),
        ..FillIns::default()
    };
    ReadOptions { fill, ..ReadOptions::default() }
}

/// Reads a page; gives the served rows, header first, and the summary.
fn read(json: &str, extras: &[&str]) -> Result<(Vec<Vec<String>>, ReadSummary), InputError> {
    let source = SourceReader::open("p.json", json.as_bytes())?;
    let mut reader = ChargeReader::open("p.json", source, options(), None)?;
    let encoder = CsvEncoder::new(Layout::Ea20240801, extras.iter().map(ToString::to_string).collect());
    let (mut out, mut ends) = (Vec::new(), Vec::new());
    encoder.header(&mut out);
    while let Some(batch) = reader.next_batch()? {
        encoder.rows(&batch, &mut out, &mut ends).unwrap();
    }
    let mut records = RecordReader::new(out.as_slice());
    let mut rows = Vec::new();
    while let Some(record) = records.next_record().unwrap() {
        let cell = |index| String::from_utf8(record.bytes(index).into_owned()).unwrap();
        rows.push((0..record.len()).map(cell).collect());
    }
    Ok((rows, reader.finish()))
}

fn column(rows: &[Vec<String>], name: &str) -> Vec<String> {
    let index = rows[0].iter().position(|column| column == name).unwrap();
    rows[1..].iter().map(|row| row[index].clone()).collect()
}

fn refusal(json: &str) -> InputError {
    match read(json, &[]) {
        Err(error) => error,
        Ok((rows, _)) => panic!("{rows:?}"),
    }
}

#[test]
fn every_form_is_read_and_what_has_no_field_is_kept() {
    let kept = [extras::USAGE_DETAIL_NAME, extras::BILLING_PERIOD_NAME, extras::SUBSCRIPTION_NUMBER];
    let (rows, summary) = read(&page(&[item(OLD, "7.9493720367E-05"), item(OLD, "1.50")]), &kept).unwrap();
    assert_eq!(column(&rows, "CostInBillingCurrency"), ["7.9493720367E-05", "1.50"]);
    assert_eq!(column(&rows, "Date"), ["02/03/2018", "02/03/2018"]);
    assert_eq!(column(&rows, "BillingPeriodStartDate")[0], "02/01/2018");
    assert_eq!(column(&rows, "BillingPeriodEndDate")[0], "02/28/2018");
    assert_eq!(column(&rows, "BillingAccountId")[0], "100");
    assert_eq!(column(&rows, "SubscriptionId")[0], "s");
    assert_eq!((column(&rows, kept[0])[0].as_str(), column(&rows, kept[1])[0].as_str()), ("n1", "20180201"));
    assert_eq!(summary.unknown_columns, [kept[0], kept[1]]);
    assert_eq!(summary.evidence.resolve("", None).unwrap(), Dataset::ActualCost);
    assert_eq!(summary.text_bytes as usize, page(&[item(OLD, "7.9493720367E-05"), item(OLD, "1.50")]).len());

    let (rows, summary) = read(&page(&[item(NEW, "0.25")]), &[]).unwrap();
    assert_eq!(
        (column(&rows, "CostInBillingCurrency")[0].as_str(), column(&rows, "Tags")[0].as_str()),
        ("0.25", r#"{"a":"b"}"#)
    );
    assert!(summary.evidence.resolve("", None).unwrap_err().to_string().contains("--dataset"));

    let (rows, summary) = read(&page(&[item(REPORTING, "3E-7")]), &kept).unwrap();
    assert_eq!(column(&rows, "CostInBillingCurrency"), ["3E-7"]);
    assert_eq!((column(&rows, "InvoiceSectionId")[0].as_str(), column(&rows, "AccountId")[0].as_str()), ("", "12"));
    assert_eq!(column(&rows, kept[2]), ["7"]);
    assert_eq!(summary.evidence.resolve("", None).unwrap(), Dataset::ActualCost);
    assert!(
        summary
            .evidence
            .resolve("", Some(Dataset::AmortizedCost))
            .unwrap_err()
            .to_string()
            .contains("actual cost only")
    );
}

#[test]
fn the_metric_of_the_next_link_tells_the_dataset() {
    for (metric, dataset) in [("ActualCost", Dataset::ActualCost), ("amortizedcost", Dataset::AmortizedCost)] {
        let json = page(&[item(NEW, "1")]);
        let json = format!("{{\"nextLink\":\"https://h/x?metric={metric}&$skiptoken=1\",{}", &json[1..]);
        let (_, summary) = read(&json, &[]).unwrap();
        assert_eq!(summary.evidence.resolve("", None).unwrap(), dataset);
        assert!(summary.page.unwrap().next.is_some());
    }
}

#[test]
fn an_empty_page_and_a_byte_order_mark_are_understood() {
    for json in [r#"{"value":[]}"#, r#"{"nextLink":null,"data":[]}"#, "\u{FEFF}\n {\"nextLink\":\"\",\"value\":[]}\n"] {
        let (rows, summary) = read(json, &[]).unwrap();
        assert_eq!((rows.len(), summary.page.unwrap().next), (1, None), "{json}");
    }
}

#[test]
fn damage_is_refused_with_its_place() {
    let whole = page(&[item(OLD, "1"), item(OLD, "2")]);
    for length in (1..whole.len()).step_by(7) {
        assert!(matches!(refusal(&whole[..length]), InputError::Json { .. }), "{length}");
    }
    let broken = whole.replace("\"usageQuantity\":2,\"pretaxCost\":2", "\"usageQuantity\":2 \"pretaxCost\":2");
    match refusal(&broken) {
        InputError::Json { line, character, .. } => assert_eq!((line, character), (7, 23)),
        other => panic!("{other}"),
    }
    for number in ["1,5", "01", "+1", ".5", "NaN", "0x10", "1."] {
        assert!(matches!(refusal(&page(&[item(OLD, number)])), InputError::Json { .. }), "{number}");
    }
    let twice = format!("{whole}\n{whole}");
    assert!(matches!(refusal(&twice), InputError::Json { .. }));
}

#[test]
fn a_fault_names_line_item_member_and_value() {
    let cases = [
        (item(OLD, "\"oops\""), "line 5, value[1], properties.pretaxCost: \"oops\": "),
        (item(OLD, "null"), "line 5, value[1], properties.pretaxCost: the member is missing or blank"),
        (item(OLD, "true"), "line 5, value[1], properties.pretaxCost: \"true\": "),
        (item(OLD, "1e-40"), "line 5, value[1], properties.pretaxCost: \"1e-40\": "),
        (item(OLD, "1,\"pretaxCost\":1"), "line 5, value[1], properties: "),
        (item(OLD, "[1]"), "line 5, value[1], properties.pretaxCost: \"[1]\": expected a text, a number"),
        (item(OLD, "1").replace("2018-02-03T", "2018-02-30T"), "line 5, value[1], properties.usageEnd: \"2018-02-30T"),
        ("7".to_owned(), "line 5, value[1]: \"7\": expected an object"),
        (item(OLD, "1").replace("USD", "EUR"), "line 5, value[1], properties.currency: the row is in EUR"),
        (
            item(OLD, "1").replace("usageDetails", "marketplaces"),
            "line 5, value[1]: type \"Microsoft.Consumption/marketplaces\"",
        ),
    ];
    for (second, expected) in cases {
        let error = refusal(&page(&[item(OLD, "1"), second]));
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.place().1, Some(5));
        assert!(error.place().2.unwrap().starts_with("value[1]"), "{error}");
    }
}

#[test]
fn what_is_no_page_of_an_enrollments_usage_is_refused() {
    let modern = item(NEW, "1").replace("legacy", "modern");
    let sums = item(OLD, "1").replace("\"meterId\":\"m\"", "\"x\":1").replace("/subscriptions/s/x", "y");
    let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    let cases = [
        ("[]".to_owned(), "no item of the list has usageStartDate"),
        ("{}".to_owned(), "neither value nor data"),
        (r#"{"error":{"code":"401"}}"#.to_owned(), "refused request"),
        (r#"{"value":[],"data":[]}"#.to_owned(), "both value and data"),
        (r#"{"value":[],"value":[]}"#.to_owned(), "occurs twice"),
        (r#"{"value":{}}"#.to_owned(), "value: expected a list"),
        (r#"{"value":[],"nextLink":5}"#.to_owned(), "nextLink"),
        (r#"{"value":[{"properties":{}}]}"#.to_owned(), "usageStart"),
        (page(&[modern]), "Microsoft Customer Agreement"),
        (page(&[sums]), "properties.meterId"),
        (page(&[item(NEW, "1").replace("chargeType", "x")]), "properties.chargeType"),
        (format!("{{\"value\":{deep}}}"), "usageStart"),
        (page(&[item(OLD, "1").replace("null", &format!("{:?}", "x".repeat(1 << 21)))]), "1 MiB"),
        (page(&[item(OLD, "1").replace("null", &deep)]), "deeper"),
        (page(&[item(OLD, "1").replace("null", &deep[(1 << 20) - 50..][..100])]), "deeper"),
    ];
    for (json, expected) in cases {
        let error = refusal(&json).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let utf16: Vec<u8> = page(&[item(OLD, "1")]).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let source = SourceReader::open("p.json", utf16.as_slice()).unwrap();
    assert!(ChargeReader::open("p.json", source, options(), None).is_err());
    let mut latin = page(&[item(OLD, "1")]).into_bytes();
    *latin.iter_mut().find(|byte| **byte == b'm').unwrap() = 0xFF;
    let source = SourceReader::open("p.json", latin.as_slice()).unwrap();
    let error = ChargeReader::open("p.json", source, options(), None).err().unwrap();
    assert!(error.to_string().contains("UTF-8"), "{error}");
}

#[test]
fn a_page_without_end_is_refused_in_bounded_memory() {
    use std::io::Read;
    let endless = b"{\"value\":[\"".chain(std::io::repeat(b'x'));
    let source = SourceReader::open("p.json", endless).unwrap();
    let error = ChargeReader::open("p.json", source, options(), None).err().unwrap();
    assert!(error.to_string().contains("64 MiB"), "{error}");
    let mut members = String::from(r#"{"value":["#);
    for number in 0..600 {
        members.push_str(&item(OLD, "1").replace("\"meterId\"", &format!("\"new{number}\":1,\"meterId\"")));
        members.push(',');
    }
    let error = refusal(&(members.trim_end_matches(',').to_owned() + "]}")).to_string();
    assert!(error.contains("different members"), "{error}");
}

#[test]
fn items_that_cannot_be_understood_are_put_aside_as_they_came() {
    #[derive(Default)]
    struct Sink(Vec<(String, String)>);

    impl RejectSink for Sink {
        fn reject(&mut self, rejected: Rejected<'_>) -> std::io::Result<()> {
            self.0.push((rejected.fault.to_string(), String::from_utf8(rejected.raw.to_vec()).unwrap()));
            Ok(())
        }
    }

    let bad = [item(OLD, "\"oops\""), item(OLD, "1,\"pretaxCost\":1")];
    let json = page(&[item(OLD, "1"), bad[0].clone(), bad[1].clone(), item(OLD, "2")]);
    let mut sink = Sink::default();
    let source = SourceReader::open("p.json", json.as_bytes()).unwrap();
    let mut reader = ChargeReader::open("p.json", source, options(), Some(&mut sink)).unwrap();
    assert_eq!(reader.next_batch().unwrap().unwrap().num_rows(), 2);
    assert!(reader.next_batch().unwrap().is_none());
    let summary = reader.finish();
    assert_eq!((summary.rejected, summary.periods.values().next().unwrap().total.value().to_string()), (2, "3".into()));
    assert_eq!(sink.0.iter().map(|(_, raw)| raw.clone()).collect::<Vec<_>>(), bad);
    assert!(sink.0[1].0.contains("value[2]"), "{:?}", sink.0);
}

proptest! {
    /// Whatever number JSON allows and the limits accept comes back with its digits, in every form.
    #[test]
    fn accepted_numbers_come_back_as_they_came(cost in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?([eE][+-]?[0-7])?") {
        for form in [OLD, NEW, REPORTING] {
            if let Ok((rows, _)) = read(&page(&[item(form, &cost)]), &[]) {
                prop_assert_eq!(&column(&rows, "CostInBillingCurrency")[0], &cost);
            }
        }
        let plain = cost.split(['e', 'E']).next().unwrap();
        prop_assert!(read(&page(&[item(OLD, plain)]), &[]).is_ok(), "{}", plain);
    }

    /// Text comes back as it was meant, tags as they were spelled.
    #[test]
    fn texts_come_back(product in "[a-z\"\\\\,\r\n\té{}: 😀]{0,20}", tag in "[a-z\"\\\\ é]{0,9}") {
        let tags = serde_json::json!({ "k": tag }).to_string();
        let more = format!("{},\"product\":{}", "1", serde_json::json!(product));
        let json = page(&[item(OLD, &more).replace("\"tags\":null", &format!("\"tags\": {tags} "))]);
        let (rows, _) = read(&json, &[]).unwrap();
        prop_assert_eq!(&column(&rows, "ProductName")[0], &product);
        prop_assert_eq!(&column(&rows, "Tags")[0], &tags);
    }

    /// No text makes the reader panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[{}\\[\\],:\"a-z0-9.eE+\\-\\\\ ]{0,60}", at in 0usize..900, with in "[{}\\[\\],:\"0-9a-z\\\\ ]{0,3}") {
        let _ = read(&format!("{{{text}"), &[]);
        let mut damaged = page(&[item(OLD, "1"), item(NEW, "2")]);
        let at = at.min(damaged.len());
        damaged.replace_range(at..(at + with.len()).min(damaged.len()), &with);
        let _ = read(&damaged, &[]);
    }
}
