//! Reading the documents of a folder with the product's own readers.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use calendar::{BillingPeriod, Date};
use formats::native::{
    PriceSheetFill, StatedPriceSheet, UsageOrigin, UsageReader, UsageRecord, read_enrollment, read_orders,
    read_price_sheet,
};
use ledger::billing::{Instant, NativeEnrollment, Order, PriceSheet, UsageBook, UsageLine, posting_period};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Everything but usage.
pub(crate) struct Documents {
    pub(crate) enrollment: NativeEnrollment,
    pub(crate) orders: Vec<Order>,
    sheet: StatedPriceSheet,
}

impl Documents {
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let text = |name: &str| std::fs::read_to_string(folder.join(name));
        let enrollment = read_enrollment("enrollment.json", &text("enrollment.json")?)?.enrollment;
        let sheet = read_price_sheet("prices.json", &text("prices.json")?, &PriceSheetFill::default())?;
        let stated = read_orders("orders.json", &text("orders.json")?, Some(enrollment.currency))?;
        let orders = stated.orders.into_iter().flat_map(|order| order.orders).collect();
        Ok(Self { enrollment, orders, sheet })
    }

    /// The prices of a period.
    pub(crate) fn prices(&self, period: BillingPeriod) -> Option<&PriceSheet> {
        let ended = self.sheet.through.is_some_and(|through| through < period);
        (self.sheet.from <= period && !ended).then_some(&self.sheet.sheet)
    }
}

/// The usage file of a folder, open.
pub(crate) fn usage(folder: &Path) -> Outcome<UsageReader> {
    let parquet: PathBuf = folder.join("usage.parquet");
    if parquet.exists() {
        return Ok(UsageReader::parquet("usage.parquet", File::open(parquet)?, UsageOrigin::File)?);
    }
    Ok(UsageReader::ndjson("usage.ndjson", File::open(folder.join("usage.ndjson"))?, UsageOrigin::File))
}

/// Calls `each` with every record.
pub(crate) fn for_each_record(
    folder: &Path,
    mut each: impl FnMut(UsageRecord, &UsageLine) -> Outcome<()>,
) -> Outcome<u64> {
    let mut count = 0;
    usage(folder)?.for_each(|record, lines| {
        let record = record.map_err(|refused| format!("{refused:?}"))?;
        count += 1;
        let line = lines.get(record.line);
        each(record, line)
    })?;
    Ok(count)
}

/// All usage that was received by an instant, by the period that it is posted in.
pub(crate) fn books(folder: &Path, as_of: Instant) -> Outcome<BTreeMap<BillingPeriod, UsageBook>> {
    let mut books: BTreeMap<BillingPeriod, UsageBook> = BTreeMap::new();
    for_each_record(folder, |record, line| {
        let received = record.received_at.ok_or("usage without receivedAt")?;
        if received > as_of {
            return Ok(());
        }
        let (period, day) = posting_period(record.day, received)?;
        let late = day != record.day || period != BillingPeriod::of(record.day);
        let book = books.entry(period).or_default();
        if late {
            let line = UsageLine { late: Some((record.day, record.hour)), ..line.clone() };
            let id = book.line(&line);
            book.add(id, day, None, record.quantity)?;
        } else {
            let id = book.line(line);
            book.add(id, day, record.hour, record.quantity)?;
        }
        Ok(())
    })?;
    Ok(books)
}

/// An instant of the form `YYYY-MM-DDTHH:MM:SSZ`.
pub(crate) fn instant(text: &str) -> Outcome<Instant> {
    let wrong = || format!("{text:?} is no instant; expected YYYY-MM-DDTHH:MM:SSZ");
    let (day, time) = text.strip_suffix('Z').and_then(|text| text.split_once('T')).ok_or_else(wrong)?;
    let date: Date = day.parse()?;
    let parts: Vec<i64> = time.split(':').map(str::parse).collect::<Result<_, _>>()?;
    let &[hours, minutes, seconds] = &parts[..] else { return Err(wrong().into()) };
    Ok(Instant(Instant::start_of(date).0 + ((hours * 60 + minutes) * 60 + seconds) * 1_000_000))
}
