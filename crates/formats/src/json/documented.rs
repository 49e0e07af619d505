//! The table in `docs/IMPORT.md` of what each import shape lacks says what the code does.

use std::collections::BTreeMap;

use ledger::{Dataset, Field};

use super::*;
use crate::focus::FocusReader;
use crate::header::Header;
use crate::layout::Layout;
use crate::reader::OtherProviders;
use crate::target::{Slot, Target};

const DOCUMENT: &str = include_str!("../../../../docs/IMPORT.md");
const TITLE: &str = "## What each shape lacks";
const PUBLISHED: &str = include_str!("../../tests/data/columns.json");
/// Facts that options and dates give where a shape does not say them.
const FILLED: [Field; 4] =
    [Field::BillingAccountId, Field::BillingCurrencyCode, Field::BillingPeriodStartDate, Field::BillingPeriodEndDate];
const ALL: Expanded = Expanded { meter_details: true, additional_info: true };
const NOTHING: &str = "nothing";

/// The columns of the newest layout that none of these fields fills.
fn lacking(fields: &[Field]) -> String {
    let columns = Layout::Ea20240801.columns().iter();
    let lacks = columns.filter(|(_, field)| !fields.contains(field) && !FILLED.contains(field));
    let names: Vec<String> = lacks.map(|(name, _)| format!("`{name}`")).collect();
    if names.is_empty() { NOTHING.to_owned() } else { names.join(", ") }
}

fn fields_of_header(header: &Header) -> Vec<Field> {
    Field::ALL.iter().copied().filter(|field| header.has(*field)).collect()
}

/// Files, by the header that they have.
fn of_names(names: &[&str]) -> String {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    lacking(&fields_of_header(&Header::of_names("f", names, Some(1)).unwrap()))
}

fn of_layout(layout: Layout) -> String {
    of_names(&layout.columns().iter().map(|(name, _)| *name).collect::<Vec<_>>())
}

/// Files and pages of Enterprise Reporting, which have the same facts.
fn of_reporting(version: ReportingVersion) -> String {
    let file = of_names(&version.columns().iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let targets = version
        .members()
        .into_iter()
        .map(|(name, _)| Target::of_enterprise_reporting(&name.to_ascii_lowercase(), name).slot);
    assert_eq!(lacking(&fields_of(targets)), file);
    file
}

fn fields_of(slots: impl Iterator<Item = Slot>) -> Vec<Field> {
    slots.filter_map(|slot| if let Slot::Field(field) = slot { Some(field) } else { None }).collect()
}

/// Pages of a version of the Consumption API, asked for with everything that can be expanded.
fn of_pages(version: &str) -> String {
    let mut slots = slots_of_consumption(&JsonEncoder::usage_details(version, ALL).members);
    slots.push(Target::of_consumption("tags").slot);
    lacking(&fields_of(slots.into_iter()))
}

/// Marketplace charges of a version of the Consumption API, and of one of Enterprise Reporting.
fn of_marketplace(version: &str, reporting: ReportingVersion) -> [String; 2] {
    let mut slots = slots_of_consumption(&JsonEncoder::marketplaces(version).members);
    slots.extend([Target::of_consumption("tags").slot, Slot::Field(Field::PublisherType)]);
    let charges = JsonEncoder::marketplace_charges(reporting).members;
    let of_charge = |member: &member::Member| match member.value {
        member::Value::PlainStart => Slot::Field(Field::Date),
        _ => Target::of_enterprise_reporting(&member.name.to_ascii_lowercase(), member.name).slot,
    };
    let charges = charges.iter().map(of_charge).chain([Slot::Field(Field::PublisherType)]);
    [lacking(&fields_of(slots.into_iter())), lacking(&fields_of(charges))]
}

fn slots_of_consumption(members: &[member::Member]) -> Vec<Slot> {
    let mut slots = Vec::new();
    for member in members {
        match &member.value {
            member::Value::Members(inner) => {
                let inner = inner.iter().map(|own| format!("{}.{}", member.name, own.name));
                slots.extend(inner.map(|name| Target::of_consumption(&name).slot));
            }
            // These are read by their own rules: the day, and the subscription that is in the ids.
            member::Value::UsageStart => {
                slots.extend([Slot::Field(Field::Date), Slot::Field(Field::SubscriptionId)]);
            }
            _ => slots.push(Target::of_consumption(member.name).slot),
        }
    }
    slots
}

fn of_focus(list: &str) -> String {
    let published: serde_json::Value = serde_json::from_str(PUBLISHED).unwrap();
    let names = published[list].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    let reader = FocusReader::new("f", names, Some(1), OtherProviders::Refused).unwrap();
    let [actual, amortized] = Dataset::ALL.map(|dataset| lacking(&fields_of_header(&reader.header(dataset))));
    assert_eq!(actual, amortized);
    actual
}

#[test]
fn the_table_of_what_shapes_lack_is_what_the_code_does() {
    let mut expected: BTreeMap<String, String> =
        Layout::ALL.iter().map(|layout| (format!("`{layout}`"), of_layout(*layout))).collect();
    let [v1, v2, v3] = ReportingVersion::ALL.map(of_reporting);
    assert_eq!(v1, v2);
    expected.insert("Enterprise Reporting v1 and v2, CSV and JSON".to_owned(), v2);
    expected.insert("Enterprise Reporting v3, CSV and JSON".to_owned(), v3);
    for (rows, versions) in [
        ("Consumption pages of 2017-04-24-preview", ["2017-04-24-preview", "2017-04-24-preview"]),
        ("Consumption pages of 2017-11-30 to 2018-03-31", ["2017-11-30", "2018-03-31"]),
        ("Consumption pages of 2018-05-31 to 2019-01-01", ["2018-05-31", "2019-01-01"]),
        (
            "Consumption pages from 2019-04-01-preview up to 2021-10-01, but 2019-11-01",
            ["2019-04-01-preview", "2019-10-01"],
        ),
        ("Consumption pages of 2019-11-01", ["2019-11-01", "2019-11-01"]),
        ("Consumption pages from 2021-10-01 on", ["2021-10-01", "2024-08-01"]),
    ] {
        let [first, last] = versions.map(of_pages);
        assert_eq!(first, last, "{rows}");
        expected.insert(rows.to_owned(), first);
    }
    let before: Vec<&str> = crate::usage_report::COLUMNS.iter().map(|(column, ..)| *column).collect();
    expected.insert("Usage reports before Enterprise Reporting".to_owned(), of_names(&before));
    let [consumption, reporting] = of_marketplace("2018-01-31", ReportingVersion::V1);
    assert_eq!([consumption.clone(), reporting.clone()], of_marketplace("2024-08-01", ReportingVersion::V3));
    expected.insert("Marketplace charges of the Consumption API".to_owned(), consumption);
    expected.insert("Marketplace charges of Enterprise Reporting".to_owned(), reporting);
    expected.insert("FOCUS 1.0".to_owned(), of_focus("focus_1.0"));
    expected.insert("FOCUS 1.2".to_owned(), of_focus("focus_1.2"));
    expected.insert("Parquet".to_owned(), "what the same columns lack as CSV".to_owned());

    let table = DOCUMENT.split_once(TITLE).unwrap().1;
    let lines = table.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let found: BTreeMap<String, String> = lines
        .skip(2)
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect();
    for (shape, lacks) in &expected {
        assert_eq!(found.get(shape), Some(lacks), "{shape}");
    }
    assert_eq!(found.len(), expected.len());
}
