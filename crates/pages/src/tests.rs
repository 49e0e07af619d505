//! The pages of filtered answers over several row groups against one plain read of all rows.

use calendar::DateRange;
use imports::{ImportOptions, NoProgress, Store, import};
use lake::{Lake, Position};
use ledger::{
    ChargeFilter, ChargeQuery, Comparison, Condition, Dataset, EnrollmentId, Field, Selection, Share, Visibility,
    Window,
};
use samples::generator::{Entropy, GeneratorOptions};

/// Two whole row groups and a part of a third.
const ROWS: u64 = 70_000;
const ROW: &str = "source_row";

async fn store(folder: &std::path::Path) -> Store {
    let options = GeneratorOptions { rows: ROWS, entropy: Entropy::High, ..GeneratorOptions::default() };
    let mut source = Vec::new();
    samples::generator::write(&options, 0, &mut source).unwrap();
    let file = folder.join("export.csv");
    std::fs::write(&file, &source).unwrap();
    let store = Store::open(&folder.join("data")).await.unwrap();
    let fill = formats::FillIns { dataset: Some(Dataset::ActualCost), ..Default::default() };
    import(&store, &ImportOptions { paths: vec![file], fill, ..Default::default() }, &NoProgress).await.unwrap();
    store
}

fn numbers(batch: &arrow::array::RecordBatch) -> Vec<i64> {
    use arrow::array::AsArray;
    let column = batch.column_by_name(ROW).unwrap();
    column.as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
}

/// The rows of a page, where each stands, and where the next page begins.
async fn page(
    lake: &Lake,
    query: &ChargeQuery,
    from: Position,
    rows_max: usize,
) -> (Vec<i64>, Vec<Position>, Option<Position>) {
    // A second column, so that the page is read in two halves.
    let columns = [ROW.to_owned(), Field::ResourceId.column().to_owned()];
    let mut page = lake.snapshot().await.unwrap().page(query, &columns, from, rows_max).await.unwrap();
    let (mut rows, mut positions) = (Vec::new(), Vec::new());
    while let Some(read) = page.next_rows().await.unwrap() {
        assert_eq!(read.batch.num_columns(), 2);
        rows.extend(numbers(&read.batch));
        positions.extend(read.positions);
    }
    assert_eq!(rows.len(), positions.len());
    (rows, positions, page.next())
}

#[tokio::test(flavor = "multi_thread")]
async fn filtered_pages_have_the_rows_of_one_plain_read_wherever_they_begin() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let text = |field, text: &str| Condition::Text { field, comparison: Comparison::Equal, text: text.to_owned() };
    let tag = |value: &str| Condition::Tag { key: "ENV".to_owned(), value: value.to_owned() };
    let period = Window::Period("202501".parse().unwrap());
    let days = Window::Dates("2025-01-03..2025-01-09".parse::<DateRange>().unwrap());
    let group = "RG-Warehouse-prod-sea-01";
    let mut sizes = Vec::new();
    for (window, conditions, visibility) in [
        (period, vec![text(Field::ResourceGroup, group)], Visibility::Everything),
        (period, vec![tag("prod")], Visibility::Everything),
        (period, vec![text(Field::ChargeType, "Usage"), tag("dev")], Visibility::UsageOnly),
        (days, vec![], Visibility::Everything),
        (days, vec![text(Field::ResourceGroup, "no such group")], Visibility::Everything),
        (period, vec![], Visibility::Everything),
    ] {
        let enrollment = EnrollmentId::parse("8611001").unwrap();
        let shares = vec![Share { enrollment, selection: Selection::Everything, within: Vec::new() }];
        let filter = ChargeFilter { conditions, ..ChargeFilter::default() };
        let query = ChargeQuery { shares, visibility, dataset: Dataset::ActualCost, window, filter };

        let mut expected = Vec::new();
        let mut scan = store.lake().snapshot().await.unwrap().scan(&query, &[ROW.to_owned()]);
        while let Some(batch) = scan.next_batch().await.unwrap() {
            expected.extend(numbers(&batch));
        }
        sizes.push(expected.len());

        // Walked with what earlier pages found, and each page by a program that knows nothing yet.
        for (rows_max, is_fresh) in [(997, false), (997, true), (20_011, false)] {
            let (mut walked, mut next) = (Vec::new(), Some(Position::default()));
            while let Some(from) = next {
                let lake = if is_fresh {
                    Lake::open(store.lake().root().clone()).await.unwrap()
                } else {
                    store.lake().clone()
                };
                let (rows, positions, following) = page(&lake, &query, from, rows_max).await;
                assert!(rows.len() == rows_max || following.is_none());
                assert!(positions.is_sorted() && following.is_none_or(|next| positions.last() < Some(&next)));
                walked.extend(rows);
                next = following.filter(|_| !is_fresh || walked.len() < 5 * rows_max);
            }
            let own = if is_fresh { &expected[..walked.len()] } else { &expected[..] };
            assert!(walked == own, "{query:?}: {rows_max} {is_fresh}: {} of {} rows", walked.len(), expected.len());
        }
    }
    let [group, prod, dev, days, none, all] = sizes[..] else { panic!("{sizes:?}") };
    assert!(group > 50 && prod > 10_000 && dev > 5_000 && days > 10_000, "{sizes:?}");
    assert_eq!((none, all as u64), (0, ROWS));
}
