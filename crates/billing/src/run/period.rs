//! One period of a run: its usage is read, the engine bills it, both datasets are written.

use catalog::HeldBackUsage;
use formats::native::{UsageAdder, native_charges};
use futures::TryStreamExt;
use imports::{BilledDataset, BillingRun, ImportError, Store};
use lake::UsageSnapshot;
use ledger::billing::{BillInput, HeldBackReason, Instant, PeriodBill, UsageBook, bill};
use ledger::{Amount, Dataset};
use money::{Decimal, MoneyError, Total};
use tokio::sync::mpsc::channel;

use super::BilledTotals;
use crate::digest::Billed;
use crate::error::BillingError;
use crate::known::Known;
use crate::sheets::prices;

/// Batches of usage that may wait between reading and adding up.
const BATCHES_WAITING_MAX: usize = 4;

/// Bills a period as it stands at an instant.
pub(super) async fn bill_period(
    store: &Store,
    known: &Known,
    usage: &UsageSnapshot,
    own: &Billed<'_>,
    as_of: Instant,
) -> Result<PeriodBill, BillingError> {
    let sheet = prices(store, known, own.period).await?;
    let book = usage_book(known, usage, own).await?;
    let orders = known.all_orders();
    let input = BillInput {
        enrollment: &known.stated(Some(own.as_of))?.enrollment,
        period: own.period,
        prices: sheet.as_ref(),
        orders: &orders,
        usage: book,
        previous: own.previous,
        as_of,
    };
    tokio::task::block_in_place(|| bill(input))
        .map_err(|source| BillingError::Bill { enrollment: known.number.clone(), source })
}

/// Adds up the usage of a period that was received until the instant of asking; files are read beside.
async fn usage_book(known: &Known, usage: &UsageSnapshot, own: &Billed<'_>) -> Result<UsageBook, BillingError> {
    let (sender, mut receiver) = channel(BATCHES_WAITING_MAX);
    let (snapshot, number, period) = (usage.clone(), known.number.clone(), own.period);
    let reading = tokio::spawn(async move {
        let mut batches = snapshot.read(&number, period);
        while let Some(batch) = batches.try_next().await? {
            if sender.send(batch).await.is_err() {
                break;
            }
        }
        Ok::<_, lake::LakeError>(())
    });
    let mut book = UsageBook::default();
    let mut adder = UsageAdder::new(&mut book);
    while let Some(batch) = receiver.recv().await {
        tokio::task::block_in_place(|| adder.add(&batch, own.as_of))?;
    }
    reading.await.map_err(|error| BillingError::Worker { reason: error.to_string() })??;
    Ok(book)
}

/// Writes both datasets of a billed period. Blocking.
pub(super) fn write_period(
    run: &mut BillingRun<'_>,
    bill: &PeriodBill,
    content: &str,
) -> Result<BilledTotals, BillingError> {
    let mut datasets = Vec::new();
    let mut sums = Vec::new();
    for dataset in Dataset::ALL {
        let (rows, total) = sum(bill, dataset).map_err(overflow)?;
        let batches = native_charges(bill, dataset).map(|batch| batch.map_err(overflow));
        datasets.push(BilledDataset { dataset, batches: Box::new(batches), rows, total });
        sums.push((rows, total));
    }
    run.write(bill.period, content, datasets)?;
    let text = |total: Decimal| total.to_shortest_string();
    let [(actual_rows, actual), (amortized_rows, amortized)] = sums[..] else {
        return Err(BillingError::Worker { reason: "there are two datasets".to_owned() });
    };
    Ok(BilledTotals {
        actual_rows,
        actual_total: text(actual),
        amortized_rows,
        amortized_total: text(amortized),
        balance: bill.balance.clone(),
    })
}

fn overflow(error: MoneyError) -> ImportError {
    ImportError::Worker { reason: format!("charges cannot be added up: {error}") }
}

/// Rows and exact sum of a dataset, counted on the bill itself.
fn sum(bill: &PeriodBill, dataset: Dataset) -> Result<(u64, Decimal), MoneyError> {
    let (mut rows, mut total) = (0, Total::default());
    for charge in bill.charges(dataset) {
        rows += 1;
        total.add(charge.cost())?;
    }
    Ok((rows, total.value()))
}

/// Usage that is held back, as the catalog keeps it.
pub(super) fn held_back(bill: &PeriodBill) -> Vec<HeldBackUsage> {
    let one = |held: &ledger::billing::HeldBack| HeldBackUsage {
        reason: match held.reason {
            HeldBackReason::NoPrice => "noPrice",
            HeldBackReason::AmbiguousPrice => "ambiguousPrice",
            HeldBackReason::Unit => "unit",
            HeldBackReason::NoOwner => "noOwner",
        }
        .to_owned(),
        meter_id: held.meter_id.clone(),
        subscription_id: held.subscription_id.clone(),
        first_day: held.first_day,
        last_day: held.last_day,
        rows: held.rows,
        quantity: Amount::from(held.quantity),
    };
    bill.held_back.iter().map(one).collect()
}
