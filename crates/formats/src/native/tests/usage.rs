//! Usage from text, its stored form, and the way back into a book.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type};
use calendar::BillingPeriod;
use ledger::Dataset;
use ledger::Field;
use ledger::billing::{BillInput, FieldValue, NativeEnrollment, PeriodBill, UsageBook, bill};

use super::*;

pub(super) fn ndjson(text: &str, origin: UsageOrigin) -> Vec<Result<Read, String>> {
    records(UsageReader::ndjson("u", input(text), origin))
}

fn record(members: &str) -> String {
    format!("{{\"subscriptionId\":\"{SUBSCRIPTION}\",\"meterId\":\"m\",{members}}}")
}

#[test]
fn wrong_records_are_refused_without_the_others() {
    let long = format!("\"date\":\"2025-01-01\",\"quantity\":1,\"resourceId\":\"{}\"", "x".repeat(2049));
    let table = [
        ("\"date\":\"2025-01-01\",\"quantity\":1,\"cost\":1", "cost: unknown member; expected only additionalInfo,"),
        ("\"date\":\"2025-01-01\"", "quantity: the member is missing"),
        ("\"quantity\":1", "date: date and time are missing; expected one of them"),
        ("\"date\":\"2025-01-01\",\"time\":\"2025-01-01T01:00:00Z\",\"quantity\":1", "time: date is there too"),
        ("\"date\":\"2025-02-30\",\"quantity\":1", "date: \"2025-02-30\": date 2025-02-30 does not exist"),
        (
            "\"time\":\"2025-01-31T13:30:00Z\",\"quantity\":1",
            "time: \"2025-01-31T13:30:00Z\": expected the beginning of an hour in UTC such as 2025-01-31T13:00:00Z",
        ),
        (
            "\"date\":\"2025-01-01\",\"quantity\":0.123456789012345678901234567890",
            "number has 30 fraction digits, at most 18 are accepted",
        ),
        (
            "\"date\":\"2025-01-01\",\"quantity\":123456789012345678901",
            "number has 21 integer digits, at most 20 are accepted",
        ),
        ("\"date\":\"2025-01-01\",\"quantity\":\"Infinity\"", "quantity: \"Infinity\": unexpected character 'I'"),
        ("\"date\":\"2025-01-01\",\"quantity\":Infinity", "expected value; expected a JSON object"),
        ("\"date\":\"2025-01-01\",\"quantity\":1,\"quantity\":2", "member \"quantity\" is there twice"),
        (
            "\"date\":\"2025-01-01\",\"quantity\":1,\"tags\":{\"a\":1}",
            "a value is no text; expected a JSON object with texts as values",
        ),
        (
            "\"date\":\"2025-01-01\",\"quantity\":1,\"tags\":{\"a\":\"1\",\"a\":\"2\"}",
            "tags: \"{\\\"a\\\":\\\"1\\\",\\\"a\\\":\\\"2\\\"}\": member \"a\" is there twice",
        ),
        (
            "\"date\":\"2025-01-01\",\"quantity\":1,\"additionalInfo\":\"x\"",
            "additionalInfo: \"x\": expected value; expected a JSON object",
        ),
        (
            "\"date\":\"2025-01-01\",\"quantity\":1,\"pricingModel\":\"spot\"",
            "pricingModel: \"spot\": expected OnDemand or Spot",
        ),
        (
            "\"date\":\"2025-01-01\",\"quantity\":1,\"unitOfMeasure\":\"0 Hours\"",
            "unitOfMeasure: \"0 Hours\": expected a block and a unit",
        ),
        ("\"date\":\"2025-01-01\",\"quantity\":1,\"partNumber\":\"a\tb\"", "control character"),
        (
            "\"date\":\"2025-01-01\",\"quantity\":1,\"receivedAt\":\"2024-12-31T23:59:59Z\"",
            "receivedAt: the usage of 2025-01-01 was not yet there; expected a later instant",
        ),
        (&long, "the text has 2049 bytes; expected at most 2048"),
    ];
    let good = record("\"date\":\"2025-01-01\",\"quantity\":1");
    for (members, expected) in table {
        let text = format!("{good}\n\n{}\n{good}", record(members));
        let read = ndjson(&text, UsageOrigin::File);
        let message = read[1].as_ref().unwrap_err();
        assert!(message.starts_with("record 2, line 3: "), "{message}");
        assert!(message.contains(expected), "{members}: {message}");
        assert_eq!((read.len(), read[0].is_ok(), read[2].as_ref().unwrap().number), (3, true, 3));
    }
    let read = ndjson(&format!("\u{FEFF}{good}\r\n[1]\nno\n"), UsageOrigin::File);
    assert!(read[0].is_ok() && read[1].is_err() && read[2].is_err());
    let stated = record("\"date\":\"2025-01-01\",\"quantity\":1,\"receivedAt\":\"2025-01-02T00:00:00Z\"");
    assert!(
        ndjson(&stated, UsageOrigin::Request)[0]
            .as_ref()
            .unwrap_err()
            .contains("only files say when usage was received")
    );
    let slash = good.replace("\"m\"", "\"m/1\"");
    assert!(ndjson(&slash, UsageOrigin::File)[0].as_ref().unwrap_err().contains("meterId: \"m/1\": the id has one of"));
    assert!(ndjson(&good, UsageOrigin::Request)[0].is_ok());
}

#[test]
fn an_endless_line_is_refused_in_bounded_memory() {
    let endless = std::io::Read::take(std::io::repeat(b' '), 1 << 30);
    let mut reader = UsageReader::ndjson("u", endless, UsageOrigin::File);
    let error = reader.next().unwrap().unwrap_err();
    assert!(error.to_string().contains("u, line 1: the line has more than 1048576 bytes"), "{error}");
    assert!(reader.next().is_none());
}

#[test]
fn csv_reads_what_ndjson_reads() {
    let text = format!(
        "Subscription ID,METER_ID,time,date,quantity,pricingModel,tags,additionalInfo,received at\n\
         {SUBSCRIPTION},m,,2025-01-01,1.50,Spot,\"{{\"\"a\"\": \"\"b\"\"}}\",\"{{\"\"n\"\":1E400}}\",2025-01-02T00:00:00Z\n\
         {SUBSCRIPTION},m,2025-01-01T05:00:00Z,,1e2,,,,\n\
         {SUBSCRIPTION},m,,2025-01-01,,,,,\n\
         {SUBSCRIPTION},,,2025-01-01,1,,,,\n\
         {SUBSCRIPTION},m\n"
    );
    let lines = [
        record(
            "\"date\":\"2025-01-01\",\"quantity\":1.50,\"pricingModel\":\"Spot\",\"tags\":{\"a\":\"b\"},\"additionalInfo\":{\"n\" : 1E400},\"receivedAt\":\"2025-01-02T00:00:00Z\"",
        ),
        record("\"time\":\"2025-01-01T05:00:00Z\",\"quantity\":\"1e2\""),
    ];
    let csv = records(UsageReader::csv("u", input(&text), UsageOrigin::File).unwrap());
    let json = ndjson(&lines.join("\n"), UsageOrigin::File);
    assert_eq!(csv[..2], json[..]);
    assert_eq!(json[0].as_ref().unwrap().line.additional_info.as_deref(), Some("{\"n\":1E400}"));
    assert_eq!(csv[2].as_ref().unwrap_err(), "record 3, line 4: quantity: the member is missing; expected a value");
    assert_eq!(csv[3].as_ref().unwrap_err(), "record 4, line 5: meterId: the cell is blank; expected a value");
    assert_eq!(csv[4].as_ref().unwrap_err(), "record 5, line 6: the row has 2 cells; expected 9");
    let header = |text: &str| UsageReader::csv("u", input(text), UsageOrigin::File).unwrap_err().to_string();
    assert_eq!(
        header("subscriptionId,meterId,quantity\n"),
        "u, line 1: column date or time: the column is missing; expected it in the header"
    );
    assert!(header("subscriptionId,meterId,quantity,date,cost\n").contains("column cost: unknown column"));
}

/// Records of a few lines on many days, in days and hours, as NDJSON.
fn many(count: u64) -> String {
    let day: Date = "2025-01-01".parse().unwrap();
    let one = |number: u64| {
        let day = day.add_days(i32::try_from(number % 40).unwrap()).unwrap();
        let when = match number % 3 {
            0 => format!("\"time\":\"{day}T{:02}:00:00Z\"", number % 24),
            _ => format!("\"date\":\"{day}\""),
        };
        let spot = if number % 2 == 1 { ",\"tags\":{},\"pricingModel\":\"Spot\"" } else { "" };
        record(&format!("{when},\"resourceId\":\"/r/{}\",\"quantity\":{}{spot}", number % 7, number % 11))
    };
    (0..count).map(|number| one(number) + "\n").collect()
}

pub(super) fn instant(text: &str) -> Instant {
    super::super::values::instant(text).unwrap()
}

/// Stores usage as its builder does.
fn stored(reader: UsageReader, received_at: Instant) -> Vec<(BillingPeriod, RecordBatch)> {
    let mut builder = UsageBatchBuilder::new();
    let mut batches = Vec::new();
    let read = reader.for_each(|record, lines| {
        let record = record.unwrap();
        builder.push(&record, lines.get(record.line), 3, received_at).unwrap();
        batches.extend(builder.take_full());
        Ok::<_, NativeError>(())
    });
    read.unwrap();
    batches.extend(builder.finish());
    batches
}

fn stored_text(text: &str, received_at: Instant) -> Vec<(BillingPeriod, RecordBatch)> {
    stored(UsageReader::ndjson("u", input(text), UsageOrigin::File), received_at)
}

fn enrollment() -> NativeEnrollment {
    let text = example("enrollment").replace("\"amount\": \"500.00\", \"expires\": \"2025-10-31\"", "\"amount\": 0");
    read_enrollment("e", &text).unwrap().enrollment
}

/// What a book bills for one period at a price of 2 per unit: day, quantity and additional info of each charge.
fn billed(usage: UsageBook, period: &str) -> Vec<String> {
    let sheet = "{\"kind\":\"priceSheet\",\"currency\":\"USD\",\"from\":\"202501\",\"lines\":[{\"meterId\":\"m\",\"unitOfMeasure\":\"1 Hour\",\"unitPrice\":2}]}";
    let prices = read_price_sheet("p", sheet, &PriceSheetFill::default()).unwrap().sheet;
    let (mut enrollment, period) = (enrollment(), period.parse().unwrap());
    enrollment.start = period;
    let as_of = instant("2026-01-01T00:00:00Z");
    let input =
        BillInput { enrollment: &enrollment, period, prices: Some(&prices), orders: &[], usage, previous: None, as_of };
    let bill: PeriodBill = bill(input).unwrap();
    assert!(bill.held_back.is_empty(), "{:?}", bill.held_back);
    let fields =
        [Field::Date, Field::ResourceId, Field::Quantity, Field::PricingModel, Field::Tags, Field::AdditionalInfo];
    let rows = bill.charges(Dataset::ActualCost).map(|row| {
        let cells = fields.map(|field| match row.value(field) {
            FieldValue::Text(text) => text.into_owned(),
            FieldValue::Date(date) => date.to_string(),
            FieldValue::Number(number) => number.to_shortest_string(),
            _ => String::new(),
        });
        cells.join("|")
    });
    rows.collect()
}

#[test]
fn stored_usage_bills_like_usage_that_was_never_stored() {
    let text = many(1_000);
    let records: Vec<Read> = ndjson(&text, UsageOrigin::File).into_iter().map(Result::unwrap).collect();
    let early = instant("2025-01-31T00:00:00Z");
    let batches = stored_text(&text, early);
    let periods: Vec<String> = batches.iter().map(|(period, _)| period.to_string()).collect();
    assert_eq!(periods, ["202501", "202502"]);
    for (period, batch) in &batches {
        let mut direct = UsageBook::default();
        for record in records.iter().filter(|record| BillingPeriod::of(record.day) == *period) {
            let line = direct.line(&record.line);
            direct.add(line, record.day, record.hour, record.quantity).unwrap();
        }
        let expected = billed(direct, &period.to_string());
        assert!(!expected.is_empty());
        // In halves, to have two batches with different dictionaries, and with plain texts.
        let (half, rows) = (batch.num_rows() / 2, batch.num_rows());
        let mut plain = Vec::new();
        for (column, field) in batch.columns().iter().zip(usage_schema().fields()) {
            plain.push(arrow::compute::cast(column, field.data_type()).unwrap());
        }
        let plain = RecordBatch::try_new(usage_schema(), plain).unwrap();
        let mut book = UsageBook::default();
        let mut adder = UsageAdder::new(&mut book);
        let added = adder.add(&batch.slice(0, half), early).unwrap()
            + adder.add(&plain.slice(half, rows - half), early).unwrap();
        assert_eq!(added, rows as u64);
        assert_eq!(billed(book, &period.to_string()), expected);
        let mut book = UsageBook::default();
        assert_eq!(UsageAdder::new(&mut book).add(batch, Instant(early.0 - 1)).unwrap(), 0);
    }
}

#[test]
fn e17_late_usage_is_posted_on_the_day_of_arrival() {
    let usage = [
        record("\"date\":\"2025-02-20\",\"quantity\":10,\"receivedAt\":\"2025-03-04T00:00:00Z\""),
        record("\"date\":\"2025-02-20\",\"quantity\":10,\"receivedAt\":\"2025-03-06T00:00:00Z\""),
        record("\"date\":\"2025-02-20\",\"quantity\":-3,\"receivedAt\":\"2025-03-20T00:00:00Z\""),
        record("\"time\":\"2025-02-20T07:00:00Z\",\"quantity\":1,\"receivedAt\":\"2025-03-20T00:00:00Z\""),
    ];
    let batches = stored_text(&usage.join("\n"), Instant(0));
    let bill = |index: usize, as_of: &str| {
        let (period, batch): &(BillingPeriod, RecordBatch) = &batches[index];
        let mut book = UsageBook::default();
        UsageAdder::new(&mut book).add(batch, instant(as_of)).unwrap();
        billed(book, &period.to_string())
    };
    assert_eq!(bill(0, "2026-01-01T00:00:00Z"), ["2025-02-20||10|OnDemand||"]);
    let whole_day =
        "{\"ConsumptionBeginTime\":\"2025-02-20T00:00:00Z\",\"ConsumptionEndTime\":\"2025-02-20T23:59:59Z\"}";
    let hour = "{\"ConsumptionBeginTime\":\"2025-02-20T07:00:00Z\",\"ConsumptionEndTime\":\"2025-02-20T07:59:59Z\"}";
    let mut march = bill(1, "2026-01-01T00:00:00Z");
    march.sort();
    let mut expected = [
        format!("2025-03-06||10|OnDemand||{whole_day}"),
        format!("2025-03-20||-3|OnDemand||{whole_day}"),
        format!("2025-03-20||1|OnDemand||{hour}"),
    ];
    expected.sort();
    assert_eq!(march, expected);
    assert_eq!(bill(1, "2025-03-10T00:00:00Z"), [format!("2025-03-06||10|OnDemand||{whole_day}")]);
}

#[test]
fn full_batches_are_given_early() {
    // Two periods: the larger one is given as soon as both together are enough.
    let count = (1 << 19) + 1_000;
    let batches = stored_text(&many(count), instant("2025-01-31T00:00:00Z"));
    let periods: Vec<String> = batches.iter().map(|(period, _)| period.to_string()).collect();
    assert_eq!(periods, ["202501", "202501", "202502"]);
    let rows = batches.iter().map(|(_, batch)| batch.num_rows() as u64);
    assert!(rows.clone().all(|rows| rows < 1 << 19));
    assert_eq!(rows.sum::<u64>(), count);
}

#[test]
fn a_reader_that_forgets_its_lines_gives_each_record_its_own() {
    // More lines than a reader remembers, and the first ones again: their numbers are those of others by then.
    let count = 3 * super::super::usage::LINES_MAX as u64;
    let one = |number: u64| {
        let number = number % (count - 100);
        record(&format!("\"date\":\"2025-01-01\",\"resourceId\":\"/r/{number}\",\"quantity\":{number}"))
    };
    let text: String = (0..count).map(|number| one(number) + "\n").collect();
    for read in ndjson(&text, UsageOrigin::File) {
        let read = read.unwrap();
        assert_eq!(read.line.resource_id, format!("/r/{}", read.quantity));
    }
    let mut seen = 0;
    for (_, batch) in stored_text(&text, instant("2025-01-31T00:00:00Z")) {
        let plain = arrow::compute::cast(batch.column_by_name("resource_id").unwrap(), &DataType::Utf8).unwrap();
        let quantities = batch.column_by_name("quantity").unwrap().as_primitive::<Decimal128Type>();
        for (id, quantity) in plain.as_string::<i32>().iter().zip(quantities) {
            assert_eq!(id.unwrap(), format!("/r/{}", quantity.unwrap() / 10i128.pow(18)));
            seen += 1;
        }
    }
    assert_eq!(seen, count);
}

#[test]
fn long_texts_are_forgotten_and_make_shorter_batches() {
    // A megabyte of distinct tags is more than is remembered; two periods take turns.
    let count = 600;
    let one = |number: u64| {
        let (month, long) = (1 + number % 2, "x".repeat(4_000));
        record(&format!("\"date\":\"2025-0{month}-01\",\"quantity\":{number},\"tags\":{{\"{number}\":\"{long}\"}}"))
    };
    let text: String = (0..count).map(|number| one(number) + "\n").collect();
    let batches = stored_text(&text, instant("2025-02-02T00:00:00Z"));
    let rows: Vec<usize> = batches.iter().map(|(_, batch)| batch.num_rows()).collect();
    assert!(rows.len() >= 6 && rows.iter().all(|rows| *rows < 200), "{rows:?}");
    let mut seen: Vec<(i128, String)> = Vec::new();
    for (_, batch) in &batches {
        let tags = arrow::compute::cast(batch.column_by_name("tags").unwrap(), &DataType::Utf8).unwrap();
        let quantities = batch.column_by_name("quantity").unwrap().as_primitive::<Decimal128Type>();
        for (tags, quantity) in tags.as_string::<i32>().iter().zip(quantities) {
            seen.push((quantity.unwrap() / 10i128.pow(18), tags.unwrap()[..8].to_owned()));
        }
    }
    seen.sort_unstable();
    let expected = (0..i128::from(count)).map(|number| (number, format!("{{\"{number}\":\"xxx")[..8].to_owned()));
    assert_eq!(seen, expected.collect::<Vec<_>>());
}

#[test]
fn foreign_batches_are_refused() {
    let (_, batch) = stored_text(&many(3), instant("2025-01-31T00:00:00Z")).remove(0);
    let mut book = UsageBook::default();
    let lacking = batch.project(&[0, 1, 2]).unwrap();
    let error = UsageAdder::new(&mut book).add(&lacking, Instant(0)).unwrap_err();
    assert_eq!(error.to_string(), "stored usage has no column late_hour of type Int8");
}
