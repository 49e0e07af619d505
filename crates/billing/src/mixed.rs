//! Hourly and daily usage that one benefit could cover on one day may not be mixed (SEMANTICS 3.4, D-39).
//!
//! What is stored is looked at once per file and remembered by benefit and day, so that many small batches stay cheap. A
//! mix that is found this way is looked at again exactly: usage that corrections took back counts no more.

mod reach;
mod stored;

use std::collections::{BTreeSet, HashMap, HashSet};

use calendar::{BillingPeriod, Date};
use formats::native::UsageRecord;
use futures::TryStreamExt;
use imports::Store;
use lake::UsageSnapshot;
use ledger::billing::UsageLine;
use money::Decimal;

use crate::error::BillingError;
use crate::known::{Known, first_open};
use crate::sheets::prices;
use reach::{Meters, Reach};
use stored::{StoredRows, usage_of};

/// What kind of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum UsageKind {
    Daily,
    Hourly,
}

impl UsageKind {
    pub(crate) const fn of(hour: Option<u8>) -> Self {
        if hour.is_some() { Self::Hourly } else { Self::Daily }
    }

    const fn other(self) -> Self {
        match self {
            Self::Daily => Self::Hourly,
            Self::Hourly => Self::Daily,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Hourly => "hourly",
        }
    }
}

/// A meter of each kind that was seen on a benefit's day.
type Seen = HashMap<(u32, Date, UsageKind), String>;

/// What is remembered of an enrollment between batches.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// Number of the newest input that it is made for.
    last_input: i64,
    reach: Reach,
    periods: HashMap<BillingPeriod, PeriodSeen>,
}

#[derive(Debug)]
struct PeriodSeen {
    meters: Meters,
    /// Paths of the files that were looked at.
    files: HashSet<String>,
    seen: Seen,
}

/// A record that would mix kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mix {
    /// Order id of the benefit.
    pub(crate) benefit: String,
    /// The kind that is there already.
    pub(crate) held: UsageKind,
    /// A meter of it.
    pub(crate) meter: String,
}

/// Checks the records of one batch, in their order.
pub(crate) struct MixCheck<'a> {
    store: &'a Store,
    known: &'a Known,
    snapshot: &'a UsageSnapshot,
    remembered: &'a mut Remembered,
    /// What the batch itself brought so far.
    own: Seen,
    /// Found to be taken back by corrections.
    cleared: HashSet<(u32, Date, UsageKind)>,
}

impl<'a> MixCheck<'a> {
    /// Begins with a batch on top of stored usage.
    pub(crate) fn new(
        store: &'a Store,
        known: &'a Known,
        snapshot: &'a UsageSnapshot,
        remembered: &'a mut Remembered,
    ) -> Self {
        if remembered.last_input != known.state.last_input {
            let (last_input, reach) = (known.state.last_input, Reach::of(&known.all_orders()));
            *remembered = Remembered { last_input, reach, periods: HashMap::new() };
        }
        Self { store, known, snapshot, remembered, own: Seen::new(), cleared: HashSet::new() }
    }

    /// Whether a record cannot mix kinds, whatever was there before.
    pub(crate) fn is_harmless(&self, record: &UsageRecord, line: &UsageLine) -> bool {
        self.remembered.reach.is_empty() || record.quantity <= Decimal::ZERO || !reach::is_coverable(line)
    }

    /// Looks at a record of the batch that is not posted late nor harmless; `Some`: it would mix kinds and is not
    /// remembered. Once one has passed, all of its line, day and kind would: from then on the other kind is refused.
    pub(crate) async fn record(&mut self, record: &UsageRecord, line: &UsageLine) -> Result<Option<Mix>, BillingError> {
        let period = BillingPeriod::of(record.day);
        self.look_at(period).await?;
        let kind = UsageKind::of(record.hour);
        let benefits = match self.remembered.periods.get(&period) {
            Some(own) => self.remembered.reach.benefits(&own.meters, line, record.day),
            None => Vec::new(),
        };
        for benefit in &benefits {
            let key = (*benefit, record.day, kind.other());
            let stored = self.remembered.periods.get(&period).and_then(|own| own.seen.get(&key)).cloned();
            if let Some(meter) = self.own.get(&key).cloned() {
                return Ok(Some(self.mix(*benefit, kind.other(), meter)));
            }
            if let Some(meter) = stored
                && !self.is_taken_back(key).await?
            {
                return Ok(Some(self.mix(*benefit, kind.other(), meter)));
            }
        }
        for benefit in benefits {
            self.own.entry((benefit, record.day, kind)).or_insert_with(|| line.meter_id.clone());
        }
        Ok(None)
    }

    fn mix(&self, benefit: u32, held: UsageKind, meter: String) -> Mix {
        Mix { benefit: self.remembered.reach.order_id(benefit).to_owned(), held, meter }
    }

    /// Looks at the stored usage of a period that was not looked at yet.
    async fn look_at(&mut self, period: BillingPeriod) -> Result<(), BillingError> {
        if !self.remembered.periods.contains_key(&period) {
            let sheet = prices(self.store, self.known, period).await?;
            let meters = self.remembered.reach.meters(sheet.as_ref());
            let seen = PeriodSeen { meters, files: HashSet::new(), seen: Seen::new() };
            self.remembered.periods.insert(period, seen);
        }
        let Some(own) = self.remembered.periods.get_mut(&period) else { return Ok(()) };
        for file in self.snapshot.files(&self.known.number, period) {
            if own.files.contains(&file.path) {
                continue;
            }
            let mut batches = self.snapshot.read_file(file.clone());
            while let Some(batch) = batches.try_next().await? {
                let rows = StoredRows::of(&batch)?;
                rows.see(&self.remembered.reach, &own.meters, &mut own.seen)?;
            }
            own.files.insert(file.path.clone());
        }
        Ok(())
    }

    /// Whether corrections took back all stored usage of a kind on a benefit's day.
    async fn is_taken_back(&mut self, key: (u32, Date, UsageKind)) -> Result<bool, BillingError> {
        if self.cleared.contains(&key) {
            return Ok(true);
        }
        let (benefit, day, kind) = key;
        let period = BillingPeriod::of(day);
        let Some(own) = self.remembered.periods.get(&period) else { return Ok(false) };
        let found = usage_of(self.snapshot, self.known, &self.remembered.reach, &own.meters, (benefit, day, kind));
        let is_taken_back = found.await?.is_none();
        if is_taken_back {
            self.cleared.insert(key);
        }
        Ok(is_taken_back)
    }
}

/// Refuses orders and price sheets that make benefits cover mixed usage which is stored already in open periods.
pub(crate) async fn refuse_mixed(store: &Store, file: &str, before: &Known, after: &Known) -> Result<(), BillingError> {
    let reach = Reach::of(&after.all_orders());
    if reach.is_empty() || (reach == Reach::of(&before.all_orders()) && !reach.has_plans()) {
        return Ok(());
    }
    let snapshot = store.usage().snapshot().await?;
    let open = first_open(after.stated(None)?.enrollment.start, before.state.closed_through);
    let own = snapshot.all_files().iter().filter(|file| file.enrollment == after.number && file.period >= open);
    let periods: BTreeSet<BillingPeriod> = own.map(|file| file.period).collect();
    for period in periods {
        let sheet = prices_of_both(store, before, after, period).await?;
        let meters = reach.meters(sheet.as_ref());
        let mut seen = Seen::new();
        let mut batches = snapshot.read(&after.number, period);
        while let Some(batch) = batches.try_next().await? {
            StoredRows::of(&batch)?.see(&reach, &meters, &mut seen)?;
        }
        let mut mixed: Vec<(u32, Date)> = seen
            .keys()
            .filter(|(benefit, day, kind)| {
                *kind == UsageKind::Daily && seen.contains_key(&(*benefit, *day, UsageKind::Hourly))
            })
            .map(|(benefit, day, _)| (*benefit, *day))
            .collect();
        mixed.sort_unstable();
        for (benefit, day) in mixed {
            let of = |kind| usage_of(&snapshot, after, &reach, &meters, (benefit, day, kind));
            if let (Some(daily), Some(hourly)) = (of(UsageKind::Daily).await?, of(UsageKind::Hourly).await?) {
                let (file, benefit) = (file.to_owned(), reach.order_id(benefit).to_owned());
                return Err(BillingError::MixedUsage { file, benefit, day, daily, hourly });
            }
        }
    }
    Ok(())
}

/// The prices of a period, where its sheet is stored already: a sheet that is just being stated is not, and the bill is
/// the judge of what it adds.
async fn prices_of_both(
    store: &Store,
    before: &Known,
    after: &Known,
    period: BillingPeriod,
) -> Result<Option<ledger::billing::PriceSheet>, BillingError> {
    let stored = Known { document: after.document.clone(), ..before.clone() };
    prices(store, &stored, period).await
}
