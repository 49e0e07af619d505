//! Stages of a billing run, one after the other, with the time that each takes.

use std::path::Path;
use std::time::Instant as Clock;

use calendar::BillingPeriod;
use ledger::Dataset;
use ledger::billing::{BillInput, Instant, PeriodBill, UsageBook, bill};
use money::Decimal;

use crate::input::{Documents, Outcome, books, for_each_record, instant};

/// Reads and parses everything, and adds up the quantities so that nothing is left out.
pub(crate) fn parse(folder: &Path) -> Outcome<()> {
    let clock = Clock::now();
    let documents = Documents::read(folder)?;
    let mut sum = Decimal::ZERO;
    let records = for_each_record(folder, |record, _| {
        sum = sum.checked_add(record.quantity)?;
        Ok(())
    })?;
    println!(
        "{{\"records\":{records},\"orders\":{},\"quantity\":\"{sum}\",\"parse_ms\":{}}}",
        documents.orders.len(),
        clock.elapsed().as_millis()
    );
    Ok(())
}

/// Bills all periods in memory.
pub(crate) fn bill_all(folder: &Path, as_of: &str) -> Outcome<()> {
    let as_of = instant(as_of)?;
    let clock = Clock::now();
    let documents = Documents::read(folder)?;
    let books = books(folder, as_of)?;
    let read_ms = clock.elapsed().as_millis();
    let clock = Clock::now();
    let mut charges = 0;
    for_each_bill(&documents, books, as_of, |bill| {
        for dataset in [Dataset::ActualCost, Dataset::AmortizedCost] {
            charges += bill.charges(dataset).count();
        }
        Ok(())
    })?;
    println!("{{\"charges\":{charges},\"read_ms\":{read_ms},\"bill_ms\":{}}}", clock.elapsed().as_millis());
    Ok(())
}

/// Bills the periods that have begun, in order, and calls `each` with every bill.
pub(crate) fn for_each_bill(
    documents: &Documents,
    mut books: std::collections::BTreeMap<BillingPeriod, UsageBook>,
    as_of: Instant,
    mut each: impl FnMut(&PeriodBill) -> Outcome<()>,
) -> Outcome<()> {
    let last = BillingPeriod::of(as_of.date()?);
    let mut period = documents.enrollment.start;
    let mut previous = None;
    while period <= last {
        let billed = bill(BillInput {
            enrollment: &documents.enrollment,
            period,
            prices: documents.prices(period),
            orders: &documents.orders,
            usage: books.remove(&period).unwrap_or_default(),
            previous: previous.as_ref(),
            as_of,
        })?;
        each(&billed)?;
        previous = Some(billed.book);
        period = period.next()?;
    }
    Ok(())
}
