//! Rows of the usage reports that were before the Enterprise Reporting APIs (contract `enterprise-reporting-api.md`, section
//! 8): which columns there are, what the members of the JSON form are called, and where each has its value from. Both forms
//! are made of this table.

use ledger::Field;

use crate::extras;
use crate::reporting::{DayPart, Source};

/// Columns in the order of the file, the member of each, and its source.
pub(crate) static COLUMNS: [(&str, &str, Source); 31] = [
    ("AccountOwnerId", "AccountOwnerId", Source::Text(Field::AccountOwnerId)),
    ("Account Name", "AccountName", Source::Text(Field::AccountName)),
    ("ServiceAdministratorId", "ServiceAdministratorId", Source::Extra(extras::SERVICE_ADMINISTRATOR_ID)),
    ("SubscriptionId", "SubscriptionId", Source::ObsoleteId(extras::SUBSCRIPTION_NUMBER)),
    ("SubscriptionGuid", "SubscriptionGuid", Source::Text(Field::SubscriptionId)),
    ("Subscription Name", "SubscriptionName", Source::Text(Field::SubscriptionName)),
    ("Date", "Date", Source::UsDay(Field::Date)),
    ("Month", "Month", Source::DayPart(DayPart::Month, Field::Date)),
    ("Day", "Day", Source::DayPart(DayPart::Day, Field::Date)),
    ("Year", "Year", Source::DayPart(DayPart::Year, Field::Date)),
    ("Product", "Product", Source::Text(Field::ProductName)),
    ("Meter ID", "MeterId", Source::Text(Field::MeterId)),
    ("Meter Category", "MeterCategory", Source::Text(Field::MeterCategory)),
    ("Meter Sub-Category", "MeterSubCategory", Source::Text(Field::MeterSubCategory)),
    ("Meter Region", "MeterRegion", Source::Text(Field::MeterRegion)),
    ("Meter Name", "MeterName", Source::Text(Field::MeterName)),
    ("Consumed Quantity", "ConsumedQuantity", Source::Number(Field::Quantity)),
    ("ResourceRate", "ResourceRate", Source::Number(Field::EffectivePrice)),
    ("ExtendedCost", "ExtendedCost", Source::Number(Field::Cost)),
    ("Resource Location", "ResourceLocation", Source::Text(Field::ResourceLocation)),
    ("Consumed Service", "ConsumedService", Source::Text(Field::ConsumedService)),
    ("Instance ID", "InstanceId", Source::Text(Field::ResourceId)),
    ("ServiceInfo1", "ServiceInfo1", Source::Text(Field::ServiceInfo1)),
    ("ServiceInfo2", "ServiceInfo2", Source::Text(Field::ServiceInfo2)),
    ("AdditionalInfo", "AdditionalInfo", Source::Text(Field::AdditionalInfo)),
    ("Tags", "Tags", Source::Tags),
    ("Store Service Identifier", "StoreServiceIdentifier", Source::Extra(extras::STORE_SERVICE_IDENTIFIER)),
    ("Department Name", "DepartmentName", Source::Text(Field::InvoiceSectionName)),
    ("Cost Center", "CostCenter", Source::Text(Field::CostCenter)),
    ("Unit Of Measure", "UnitOfMeasure", Source::Text(Field::UnitOfMeasure)),
    ("Resource Group", "ResourceGroup", Source::Text(Field::ResourceGroup)),
];

/// Members of the JSON form: by their names, as the sample has them.
pub(crate) fn members() -> Vec<(&'static str, Source)> {
    let mut members: Vec<_> = COLUMNS.iter().map(|(_, member, source)| (*member, *source)).collect();
    members.sort_unstable_by_key(|(member, _)| *member);
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::CsvEncoder;
    use crate::header::FillIns;
    use crate::reader::{ChargeReader, ReadOptions};
    use crate::records::RecordReader;
    use crate::source::SourceReader;

    /// The published lists, as data; see `tests/data/README.md`.
    const PUBLISHED: &str = include_str!("../tests/data/columns.json");

    #[test]
    fn the_file_has_the_published_columns_in_the_published_order() {
        let published: serde_json::Value = serde_json::from_str(PUBLISHED).unwrap();
        let names: Vec<&str> = COLUMNS.iter().map(|(column, ..)| *column).collect();
        let expected = published["ea_gen0_detail_csv"].as_array().unwrap().iter();
        assert_eq!(names, expected.map(|name| name.as_str().unwrap()).collect::<Vec<_>>());
    }

    #[test]
    fn members_are_the_columns_without_blanks_and_in_alphabetical_order() {
        for (column, member, _) in &COLUMNS {
            assert_eq!(column.replace([' ', '-'], "").replace("ID", "Id"), *member);
        }
        let names: Vec<&str> = members().iter().map(|(member, _)| *member).collect();
        assert!(names.is_sorted() && names.len() == COLUMNS.len());
        assert_eq!((names.first(), names.last()), (Some(&"AccountName"), Some(&"Year")));
    }

    /// A report of two rows, every cell quoted; the end of each row is given.
    fn report(end: &str) -> Vec<u8> {
        let mut text = Vec::new();
        CsvEncoder::usage_report().header(&mut text);
        let rows = [
            "o@x|Shop||234|s|Prod|03/01/2017|3|1|2017|P|m|C|S|R|N|23.0|0.0304347826086957|0.69999999999999990|All|Sql||||x|\
             {\"\"a\"\":\"\"b\"\"}||Retail|1234|Hours|rg",
            "o@x|Shop||0|s|Prod|03/31/2017|3|31|2017|P|m|C|S|R|N|1|0|0|All|Sql|/r||||||Retail||Hours|",
        ];
        for row in rows {
            let cells: Vec<String> = row.split('|').map(|cell| format!("\"{cell}\"")).collect();
            text.extend_from_slice(format!("{}{end}\r\n", cells.join(",")).as_bytes());
        }
        text
    }

    fn records(text: &[u8]) -> Vec<Vec<String>> {
        let mut reader = RecordReader::new(text);
        let mut records = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            let cells = (0..record.len()).map(|at| String::from_utf8(record.bytes(at).into_owned()).unwrap());
            records.push(cells.collect());
        }
        records
    }

    fn read(text: &[u8]) -> Result<Vec<u8>, String> {
        let fill = FillIns {
            enrollment: Some(ledger::EnrollmentId::parse("100").unwrap()),
            currency: Some("USD".parse().unwrap()),
            ..FillIns::default()
        };
        let options = ReadOptions { fill, ..ReadOptions::default() };
        let source = SourceReader::open("f", text).map_err(|error| error.to_string())?;
        let mut reader = ChargeReader::open("f", source, options, None).map_err(|error| error.to_string())?;
        let encoder = CsvEncoder::usage_report();
        let mut written = Vec::new();
        encoder.header(&mut written);
        while let Some(batch) = reader.next_batch().map_err(|error| error.to_string())? {
            encoder.rows(&batch, &mut written, &mut Vec::new()).unwrap();
        }
        Ok(written)
    }

    #[test]
    fn a_report_comes_back_cell_by_cell_with_a_comma_at_the_end_of_its_rows_and_without() {
        let expected = records(&report(","));
        assert_eq!((expected.len(), expected[3].len()), (5, 32));
        for end in [",", ""] {
            assert_eq!(records(&read(&report(end)).unwrap()), expected, "{end:?}");
        }
        let long = read(&report(",x")).unwrap_err();
        assert!(long.contains("the row is too long"), "{long}");
    }
}
