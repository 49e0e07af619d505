use serde_json::Value;

use super::*;
use crate::reader::{ChargeReader, ReadOptions};
use crate::source::SourceReader;

const TEXT: &str = "BillingAccountId,BillingCurrencyCode,Date,Quantity,CostInBillingCurrency,SubscriptionId,MeterId,\
                    ChargeType,PricingModel,Tags,IsAzureCreditEligible,MeterName,AdditionalInfo,AccountId,UnitPrice\n\
                    1,USD,09/01/2023,1.50,2.250,s,m,Usage,OnDemand,\"\"\"a\"\": \"\"b,c\"\"\",TRUE,Hours,\"{\"\"x\"\":1}\",7,\n\
                    1,USD,2023-09-02,2,1E-7,s,m,Usage,OnDemand,\"two\nlines\",,,not json,07,0.10\n";

/// The batch as the lake gives it, with the columns that a commit adds.
fn batch() -> RecordBatch {
    batch_of(TEXT)
}

pub(super) fn batch_of(text: &str) -> RecordBatch {
    let source = SourceReader::open("f", text.as_bytes()).unwrap();
    let mut reader = ChargeReader::open("f", source, ReadOptions::default(), None).unwrap();
    let batch = reader.next_batch().unwrap().unwrap();
    let hash: arrow::array::ArrayRef =
        std::sync::Arc::new(arrow::array::StringArray::from(vec!["hash"; batch.num_rows()]));
    let own = batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let columns = own.into_iter().zip(batch.columns().iter().cloned());
    RecordBatch::try_from_iter(columns.chain([(crate::schema::SOURCE_HASH_COLUMN.to_owned(), hash)])).unwrap()
}

fn rows(encoder: &JsonEncoder) -> Vec<Value> {
    let context = RowContext { id_prefix: "subscriptions/s".into(), first_open_period: "202310".parse().unwrap() };
    let (mut out, mut ends) = (Vec::new(), Vec::new());
    encoder.rows(&batch(), "202309".parse().unwrap(), &context, &mut out, &mut ends).unwrap();
    assert_eq!((ends.len(), *ends.last().unwrap()), (2, out.len()));
    let text = format!("[{}]", String::from_utf8(out).unwrap());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn text(encoder: &JsonEncoder) -> String {
    let context = RowContext { id_prefix: "subscriptions/s".into(), first_open_period: "202309".parse().unwrap() };
    let mut out = Vec::new();
    encoder.rows(&batch(), "202309".parse().unwrap(), &context, &mut out, &mut Vec::new()).unwrap();
    String::from_utf8(out).unwrap()
}

pub(super) const ALL: Expanded = Expanded { meter_details: true, additional_info: true };

#[test]
fn numbers_are_written_with_the_digits_that_came_in() {
    for encoder in [
        JsonEncoder::usage_details("2018-01-31", Expanded::default()),
        JsonEncoder::usage_details("2024-08-01", Expanded::default()),
        JsonEncoder::reporting(ReportingVersion::V3),
    ] {
        let text = text(&encoder);
        assert!(text.contains(":1.50,") && text.contains(":2.250,") && text.contains(":1E-7,"), "{text}");
    }
}

#[test]
fn each_version_has_the_members_of_its_time() {
    let names = |version: &str| -> Vec<String> {
        let row = rows(&JsonEncoder::usage_details(version, ALL)).swap_remove(0);
        row["properties"].as_object().unwrap().keys().cloned().collect()
    };
    assert!(!names("2017-04-24-preview").contains(&"subscriptionGuid".to_owned()));
    assert!(names("2017-11-30").contains(&"subscriptionGuid".to_owned()));
    assert!(!names("2018-03-31").contains(&"chargesBilledSeparately".to_owned()));
    assert!(names("2018-05-31").contains(&"chargesBilledSeparately".to_owned()));
    for (version, pricing, benefits) in [
        ("2019-10-01", false, false),
        ("2019-11-01", true, false),
        ("2021-05-01", false, false),
        ("2021-10-01", true, true),
    ] {
        assert_eq!(names(version).contains(&"pricingModel".to_owned()), pricing, "{version}");
        let shape = shapes::newer(version, ALL);
        assert_eq!(shape.iter().any(|member| member.name == "benefitId"), benefits, "{version}");
    }
    let counts = ["2019-04-01-preview", "2019-11-01", "2021-05-01", "2021-10-01"].map(|v| shapes::newer(v, ALL).len());
    assert_eq!(counts, [42, 44, 42, 46]);
    let az = rows(&JsonEncoder::usage_details("2023-05-01", ALL)).swap_remove(0);
    assert_eq!(az["properties"]["usageStart"], "2023-09-01T00:00:00.0000000Z");
    assert_eq!(shapes::newer("2023-03-01", ALL).len(), 46);
    assert_eq!(shapes::reporting(ReportingVersion::V2).len(), 33);
    assert_eq!(shapes::reporting(ReportingVersion::V3).len(), 40);
}

#[test]
fn rows_say_their_kind_from_2019_10_01_on() {
    let kind = |version| rows(&JsonEncoder::usage_details(version, ALL))[0].get("kind").cloned();
    assert_eq!(kind("2019-06-01"), None);
    assert_eq!(kind("2019-10-01"), Some("legacy".into()));
}

#[test]
fn an_unknown_is_absent_or_blank_and_never_zero() {
    let newer = rows(&JsonEncoder::usage_details("2024-08-01", ALL));
    assert!(newer[0]["properties"].get("unitPrice").is_none());
    assert!(text(&JsonEncoder::usage_details("2024-08-01", ALL)).contains("\"unitPrice\":0.10,"));
    assert!(newer[1]["properties"].get("isAzureCreditEligible").is_none());
    assert_eq!(newer[0]["properties"]["meterDetails"]["meterName"], "Hours");
    assert_eq!(newer[1]["properties"]["meterDetails"], Value::Null);
    let legacy = rows(&JsonEncoder::usage_details("2018-01-31", Expanded::default()));
    assert_eq!(legacy[0]["properties"]["costCenter"], "");
    assert_eq!(legacy[0]["properties"]["meterDetails"], Value::Null);
    assert!(legacy[0]["properties"].get("additionalProperties").is_none());
    let reporting = rows(&JsonEncoder::reporting(ReportingVersion::V3));
    assert_eq!(reporting[0]["resourceRate"], Value::Null);
    assert_eq!(reporting[0]["chargesBilledSeparately"], false);
    assert_eq!(reporting[1]["chargesBilledSeparately"], Value::Null);
    assert_eq!((&reporting[0]["accountId"], &reporting[1]["accountId"]), (&7.into(), &0.into()));
}

#[test]
fn additional_properties_were_an_object_first() {
    let additional = |version, row: usize| {
        rows(&JsonEncoder::usage_details(version, ALL))[row]["properties"]["additionalProperties"].clone()
    };
    assert_eq!(additional("2017-04-24-preview", 0).to_string(), "{\"x\":\"1\"}");
    assert_eq!(additional("2017-04-24-preview", 1), "not json");
    assert_eq!(additional("2017-11-30", 0), "{\"x\":1}");
}

#[test]
fn the_object_of_additional_properties_has_texts_only() {
    let written = |text: &str| {
        let mut out = Vec::new();
        member::write_object(text, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(r#" { "a" : "x\"y", "b":1.50, "c":true } "#), r#"{"a":"x\"y","b":"1.50","c":"true"}"#);
    assert_eq!(written(r#"{"a":{"b":["c"]},"d":null,"e\n":""}"#), r#"{"a":"{\"b\":[\"c\"]}","e\n":""}"#);
    assert_eq!((written("{}"), written("[1]"), written("{")), ("{}".into(), r#""[1]""#.into(), r#""{""#.into()));
    assert_eq!(written(r#"{"a":1,"a":2}"#), r#""{\"a\":1,\"a\":2}""#, "nobody knows which of the two counts");
}

#[test]
fn ids_name_scope_period_and_row() {
    let rows = rows(&JsonEncoder::usage_details("2018-01-31", ALL));
    let name = rows[0]["name"].as_str().unwrap();
    let period = "subscriptions/s/providers/Microsoft.Billing/billingPeriods/202309";
    assert_eq!(rows[0]["properties"]["billingPeriodId"], period);
    assert_eq!(rows[0]["id"], format!("{period}/providers/Microsoft.Consumption/usageDetails/{name}"));
    assert!(uuid::Uuid::parse_str(name).is_ok() && rows[1]["name"] != name);
    assert_eq!(rows[0]["properties"]["isEstimated"], false);
    assert!(text(&JsonEncoder::usage_details("2018-01-31", ALL)).contains("\"isEstimated\":true"));
}

#[test]
fn days_and_tags_are_written_as_each_generation_has_them() {
    let legacy = rows(&JsonEncoder::usage_details("2018-01-31", ALL));
    assert_eq!(legacy[0]["properties"]["usageStart"], "2023-09-01T00:00:00.0000000Z");
    assert_eq!(legacy[0]["properties"]["usageEnd"], "2023-09-01T23:59:59.0000000Z");
    assert_eq!(legacy[0]["tags"]["a"], "b,c");
    assert_eq!(legacy[1]["tags"]["lazurite-unparsed"], "two\nlines");
    let reporting = rows(&JsonEncoder::reporting(ReportingVersion::V2));
    assert_eq!(reporting[0]["date"], "2023-09-01T00:00:00");
    assert_eq!(reporting[0]["tags"], "{\"a\": \"b,c\"}");
    assert!(reporting[0].get("Cost").is_some() && reporting[0].get("cost").is_none());
}

/// Cells that only files of the Enterprise Reporting APIs have, and cells that they lack.
const REPORTED: &str = "BillingAccountId,BillingCurrencyCode,Date,Quantity,CostInBillingCurrency,SubscriptionId,MeterId,\
    ChargeType,PricingModel,Tags,IsAzureCreditEligible,AccountId,InvoiceSectionId,EffectivePrice,ResourceLocation,\
    MeterCategory,ResourceGuid,Location,ServiceName,ProductId,SubscriptionNumber,ServiceAdministratorId\n\
    1,USD,09/01/2023,+7,2.250,s,m,Usage,OnDemand,\"\"\"a\"\": \"\"b,c\"\"\",TRUE,7,8,0.50,westeurope,Storage,\
    guid,EU West,Blobs,1046428,12,admin@x\n\
    1,USD,09/02/2023,2.0,-1.5E-7,s,m,Usage,OnDemand,,FALSE,x,007,,,\"a,\"\"b\"\"\",,,,0x1,,\n";

#[test]
fn the_json_and_csv_forms_of_the_reporting_apis_hold_the_same_values() {
    let batch = batch_of(REPORTED);
    for version in ReportingVersion::ALL {
        let (mut json, mut csv) = (Vec::new(), Vec::new());
        let encoder = JsonEncoder::reporting(version);
        let context = RowContext { id_prefix: String::new(), first_open_period: "202310".parse().unwrap() };
        encoder.rows(&batch, "202309".parse().unwrap(), &context, &mut json, &mut Vec::new()).unwrap();
        let objects: Vec<std::collections::BTreeMap<String, Box<serde_json::value::RawValue>>> =
            serde_json::from_str(&format!("[{}]", String::from_utf8(json).unwrap())).unwrap();
        let encoder = crate::encode::CsvEncoder::reporting(version);
        encoder.header(&mut csv);
        encoder.rows(&batch, &mut csv, &mut Vec::new()).unwrap();
        let mut records = crate::records::RecordReader::new(&csv[..]);
        let mut rows: Vec<Vec<String>> = Vec::new();
        while let Some(record) = records.next_record().unwrap() {
            rows.push((0..record.len()).map(|at| String::from_utf8(record.bytes(at).into_owned()).unwrap()).collect());
        }
        let [_, _, names, rows @ ..] = rows.as_slice() else { panic!("{rows:?}") };
        for (row, object) in rows.iter().zip(&objects) {
            assert_eq!(object.len(), names.len());
            for (name, cell) in names.iter().zip(row) {
                let member = object.iter().find(|(member, _)| member.eq_ignore_ascii_case(name)).unwrap().1.get();
                let expected = match serde_json::from_str(member).unwrap() {
                    Value::Null => String::new(),
                    Value::Bool(value) => if value { "True" } else { "False" }.to_owned(),
                    Value::String(text) if name == "Date" => text.trim_end_matches("T00:00:00").to_owned(),
                    Value::String(text) => text,
                    _ => member.replace("-1.5E-7", "-0.00000015"),
                };
                assert_eq!(*cell, expected, "{version:?} {name}");
            }
        }
        let first = |name: &str| rows[0][names.iter().position(|own| own == name).unwrap()].as_str();
        let cells =
            ["ProductId", "SubscriptionId", "AccountId", "ServiceAdministratorId", "ConsumedQuantity"].map(first);
        assert_eq!(cells, ["1046428", "12", "7", "admin@x", "7"]);
        if version == ReportingVersion::V3 {
            let cells = ["ResourceGuid", "Location", "ServiceName", "ServiceTier", "MeterId"].map(first);
            assert_eq!(cells, ["guid", "EU West", "Blobs", "", "m"]);
        }
    }
}
