//! Taking documents: enrollments, orders and price sheets of a command, all or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use calendar::BillingPeriod;
use catalog::NativeOutcome;
use imports::{Store, keep_native_source};
use lake::crash_point;
use ledger::EnrollmentId;
use ledger::billing::{Instant, Order, PriceSheet};

use crate::boundary::{Reopen, move_boundary, reopened};
use crate::documents::{DocumentFill, Documents, read_documents};
use crate::error::BillingError;
use crate::judge::{Circumstances, Judged, judge};
use crate::known::{Known, sha256};
use crate::mixed::refuse_mixed;
use crate::sheets::{read_stored, sheet_for};

/// How often input is judged again because something else came first.
const ATTEMPTS_MAX: usize = 20;

/// How documents are taken.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// When they were received: bills as of an earlier instant do not see them.
    pub received_at: Instant,
    /// What documents may lack.
    pub fill: DocumentFill,
    /// Who states them, for the audit log.
    pub actor: String,
    /// Judge, but change nothing.
    pub dry_run: bool,
    /// Open a closed period again, so that documents may touch it; only with documents of one enrollment.
    pub reopen: Option<Reopen>,
}

/// What became of a kind of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AppliedInput {
    /// New records.
    pub taken: usize,
    /// Records that are known with the same content.
    pub unchanged: usize,
}

/// What became of the documents of an enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedEnrollment {
    /// The enrollment.
    pub enrollment: EnrollmentId,
    /// Its own document.
    pub documents: AppliedInput,
    /// Its orders, record by record.
    pub orders: AppliedInput,
    /// Its price sheets.
    pub price_sheets: AppliedInput,
    /// Files of the command with price sheets that have no effect: for all of their periods another sheet counts, which
    /// was received later.
    pub idle_price_sheets: Vec<String>,
}

/// Takes documents. Everything is taken, or nothing is and the error says why.
///
/// # Errors
/// [`BillingError`] for files that cannot be understood, for what contradicts itself or what is known, for what would
/// change closed periods, and for mirrored enrollments.
pub async fn apply(
    store: &Store,
    paths: &[PathBuf],
    options: &ApplyOptions,
) -> Result<Vec<AppliedEnrollment>, BillingError> {
    store.heal().await?;
    let runtime = tokio::runtime::Handle::current();
    let currency_of = |number: &EnrollmentId| {
        let known = runtime.block_on(store.catalog().enrollment(number.as_str()))?;
        Ok(known.and_then(|known| known.currency))
    };
    let documents = tokio::task::block_in_place(|| read_documents(paths, &options.fill, &currency_of))?;
    for _ in 0..ATTEMPTS_MAX {
        if let Some(applied) = attempt(store, &documents, options).await? {
            return Ok(applied);
        }
    }
    let enrollment = documents.into_iter().next().map(|own| own.number);
    Err(match enrollment {
        Some(enrollment) => BillingError::Busy { enrollment },
        None => BillingError::NothingThere { path: String::new() },
    })
}

/// Judges and takes; `None`: something else came first.
async fn attempt(
    store: &Store,
    documents: &[Documents],
    options: &ApplyOptions,
) -> Result<Option<Vec<AppliedEnrollment>>, BillingError> {
    let now_ms = now_ms();
    let mut judged: Vec<Judged> = Vec::new();
    let mut moves = Vec::new();
    for own in documents {
        let known = Known::load(store, &own.number, None).await?;
        refuse_mirrored(store, own).await?;
        let mut closed_through = known.state.closed_through;
        if let (Some(reopen), Some((stated, _))) = (&options.reopen, &known.document)
            && let Some(through) = reopened(stated.enrollment.start, closed_through, reopen, &own.number)?
        {
            moves.push((own.number.clone(), closed_through, through, reopen.reason.clone()));
            closed_through = through;
        }
        let first_billed = store.catalog().billed_periods(&own.number).await?.first().map(|billed| billed.period);
        let prices = prices_of_orders(store, &known, own).await?;
        let by = Circumstances {
            prices: &prices,
            received_at: options.received_at,
            actor: &options.actor,
            now_ms,
            closed_through,
            first_billed,
        };
        let new = judge(own, &known, &by)?;
        if new.counts.orders.0 + new.counts.sheets.0 > 0 {
            refuse_mixed(store, own.a_file(), &known, &new.after).await?;
        }
        judged.push(new);
    }
    let applied = judged.iter().map(applied).collect();
    // Everything is judged before a period is opened: a refusal changes nothing.
    let mut looked: Vec<_> = judged.iter().map(|one| one.change.clone()).collect();
    for change in &mut looked {
        let before = moves.iter().find(|(number, ..)| *number == change.enrollment);
        change.judged.closed_through = before.map_or(change.judged.closed_through, |(_, before, ..)| *before);
    }
    let outcome = store.catalog().take_native(&looked, now_ms, true, &|| {}).await?;
    if !is_taken(documents, outcome)? {
        return Ok(None);
    }
    if options.dry_run {
        return Ok(Some(applied));
    }
    for (number, before, through, reason) in &moves {
        move_boundary(store, number, *before, *through, &options.actor, reason).await?;
    }
    for text in judged.iter().flat_map(|one| &one.sheet_texts) {
        keep_native_source(store, text.as_bytes()).await?;
    }
    let changes: Vec<_> = judged.into_iter().map(|one| one.change).filter(|one| !one.inputs.is_empty()).collect();
    let written = || crash_point("native-input-written");
    let outcome = store.catalog().take_native(&changes, now_ms, false, &written).await?;
    crash_point("native-input-committed");
    Ok(is_taken(documents, outcome)?.then_some(applied))
}

/// The prices that orders without price may need: those of the documents, and stored ones.
async fn prices_of_orders(
    store: &Store,
    known: &Known,
    documents: &Documents,
) -> Result<BTreeMap<String, PriceSheet>, BillingError> {
    let mut prices = BTreeMap::new();
    for document in &documents.sheets {
        prices.insert(sha256(document.text.as_bytes()), document.stated.sheet.clone());
    }
    let stated = documents.orders.iter().map(|(_, stated)| &stated.orders);
    let orders = known.orders.iter().map(|known| &known.orders).chain(stated).flatten();
    let unpriced: BTreeSet<BillingPeriod> = orders
        .filter_map(|order| match order {
            Order::Reservation(own) if own.price.is_none() => Some(BillingPeriod::of(own.date)),
            _ => None,
        })
        .collect();
    for period in unpriced {
        if let Some(sheet) = sheet_for(&known.sheets, period).filter(|sheet| !prices.contains_key(&sheet.content)) {
            prices.insert(sheet.content.clone(), read_stored(store, known, sheet).await?);
        }
    }
    Ok(prices)
}

async fn refuse_mirrored(store: &Store, documents: &Documents) -> Result<(), BillingError> {
    // The catalog looks again when it takes the input; this is for a message before all others.
    match store.catalog().mirrored(&documents.number).await? {
        Some(held) => Err(BillingError::Mirrored {
            file: documents.a_file().to_owned(),
            enrollment: documents.number.clone(),
            held,
        }),
        None => Ok(()),
    }
}

/// Whether input was taken; false: it must be judged again.
fn is_taken(documents: &[Documents], outcome: NativeOutcome) -> Result<bool, BillingError> {
    let file_of = |number: &EnrollmentId| {
        documents.iter().find(|own| own.number == *number).map(|own| own.a_file().to_owned()).unwrap_or_default()
    };
    match outcome {
        NativeOutcome::Taken => Ok(true),
        NativeOutcome::Outdated => Ok(false),
        NativeOutcome::Mirrored { enrollment, held } => {
            Err(BillingError::Mirrored { file: file_of(&enrollment), enrollment, held })
        }
        NativeOutcome::OtherCurrency { enrollment, known } => {
            let stated = documents.iter().find(|own| own.number == enrollment).and_then(|own| own.enrollment.as_ref());
            let given = stated.map_or(known, |document| document.stated.enrollment.currency);
            Err(BillingError::Currency { file: file_of(&enrollment), enrollment, known, given })
        }
        NativeOutcome::Ownership { enrollment, error } => Err(BillingError::Ownership { enrollment, source: error }),
    }
}

fn applied(judged: &Judged) -> AppliedEnrollment {
    let Judged { change, counts, idle_sheets, .. } = judged;
    let input = |(taken, unchanged)| AppliedInput { taken, unchanged };
    AppliedEnrollment {
        enrollment: change.enrollment.clone(),
        documents: input(counts.enrollment),
        orders: input(counts.orders),
        price_sheets: input(counts.sheets),
        idle_price_sheets: idle_sheets.clone(),
    }
}

/// Milliseconds since 1970 of the system clock, for the audit log.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
