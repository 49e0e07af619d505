//! Walks through filtered pages give the rows that reading everything gives, wherever row groups are passed over.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use formats::SOURCE_ROW_COLUMN;
use lake::{Position, Snapshot};
use ledger::{
    ChargeFilter, ChargeQuery, Comparison, Condition, Dataset, EnrollmentId, Field, Selection, Share, SubscriptionId,
    Visibility, Window,
};
use samples::generator::{Entropy, GeneratorOptions, write};

use crate::support::{Bench, actual};

/// More than two row groups.
const ROWS: u64 = 70_000;
const PAGE_ROWS: usize = 700;

fn query(selection: Selection, conditions: Vec<Condition>) -> ChargeQuery {
    let enrollment = EnrollmentId::parse("8611001").unwrap();
    ChargeQuery {
        shares: vec![Share { enrollment, selection, within: Vec::new() }],
        visibility: Visibility::Everything,
        dataset: Dataset::ActualCost,
        window: Window::Period("202501".parse().unwrap()),
        filter: ChargeFilter { conditions, ..ChargeFilter::default() },
    }
}

/// Rows of the source in the order of the answer, read as a whole and tested row by row.
async fn scanned(snapshot: &Snapshot, query: &ChargeQuery) -> Vec<i64> {
    let mut scan = snapshot.scan(query, &[SOURCE_ROW_COLUMN.to_owned()]);
    let mut found = Vec::new();
    while let Some(batch) = scan.next_batch().await.unwrap() {
        let rows = batch.column_by_name(SOURCE_ROW_COLUMN).unwrap().as_primitive::<Int64Type>();
        found.extend(rows.values().iter());
    }
    found
}

/// The same, page by page.
async fn walked(snapshot: &Snapshot, query: &ChargeQuery) -> Vec<i64> {
    let (mut found, mut from) = (Vec::new(), Some(Position::default()));
    while let Some(position) = from {
        let columns = [SOURCE_ROW_COLUMN.to_owned()];
        let mut page = snapshot.page(query, &columns, position, PAGE_ROWS).await.unwrap();
        from = page.next();
        let before = found.len();
        while let Some(rows) = page.next_rows().await.unwrap() {
            let numbers = rows.batch.column_by_name(SOURCE_ROW_COLUMN).unwrap().as_primitive::<Int64Type>();
            assert_eq!(numbers.len(), rows.positions.len());
            found.extend(numbers.values().iter());
        }
        assert!(from.is_none() || found.len() == before + PAGE_ROWS, "only the last page is short");
    }
    found
}

/// A text that one of the generated rows has in a column, taken from a row deep in the file.
async fn text_of(snapshot: &Snapshot, field: Field) -> String {
    let column = field.column().to_owned();
    let mut scan = snapshot.scan(&query(Selection::Everything, Vec::new()), std::slice::from_ref(&column));
    let mut seen = 0;
    while let Some(batch) = scan.next_batch().await.unwrap() {
        seen += batch.num_rows();
        if seen > 40_000 {
            let texts = arrow::compute::cast(batch.column_by_name(&column).unwrap(), &arrow::datatypes::DataType::Utf8);
            return texts.unwrap().as_string::<i32>().iter().flatten().next().unwrap().to_owned();
        }
    }
    panic!("there are fewer rows");
}

fn text(field: Field, comparison: Comparison, text: &str) -> Condition {
    Condition::Text { field, comparison, text: text.to_owned() }
}

fn tag(key: &str, value: &str) -> Condition {
    Condition::Tag { key: key.to_owned(), value: value.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn filtered_walks_give_the_rows_of_reading_everything() {
    for entropy in [Entropy::Low, Entropy::High] {
        let bench = Bench::new().await;
        let mut csv = Vec::new();
        write(&GeneratorOptions { rows: ROWS, entropy, ..GeneratorOptions::default() }, 0, &mut csv).unwrap();
        bench.import(actual(bench.file("sample.csv", csv))).await.unwrap();
        let snapshot = bench.store.lake().snapshot().await.unwrap();

        let group = text_of(&snapshot, Field::ResourceGroup).await;
        let subscription = text_of(&snapshot, Field::SubscriptionId).await;
        let of_group = |comparison| text(Field::ResourceGroup, comparison, &group.to_uppercase());
        let of_subscription = Selection::Subscription(SubscriptionId::parse(&subscription).unwrap());
        for (selection, conditions, is_empty) in [
            (Selection::Everything, vec![of_group(Comparison::Equal)], Some(false)),
            (Selection::Everything, vec![of_group(Comparison::Less)], Some(false)),
            (Selection::Everything, vec![tag("ENV", "prod")], Some(false)),
            (Selection::Everything, vec![tag("env", "prod"), of_group(Comparison::GreaterOrEqual)], Some(false)),
            (of_subscription.clone(), Vec::new(), Some(false)),
            // Whether the subscription has such resources is up to the generator.
            (of_subscription, vec![tag("env", "dev")], None),
            (Selection::Everything, vec![text(Field::ResourceGroup, Comparison::Equal, "nowhere")], Some(true)),
            (Selection::Everything, vec![tag("env", "nowhere")], Some(true)),
        ] {
            let query = query(selection, conditions);
            let expected = scanned(&snapshot, &query).await;
            assert!(is_empty.is_none_or(|is_empty| expected.is_empty() == is_empty), "{query:?}");
            assert_eq!(walked(&snapshot, &query).await, expected, "{query:?}");
        }
    }
}
