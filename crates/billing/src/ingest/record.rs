//! Judging records one by one: which of them belong to the enrollment, to a time that can still be billed, and to no mix of
//! hourly and daily usage (D-39). What a line or a time was found to be is remembered: neighbours mostly share it.

use std::collections::BTreeSet;
use std::sync::Arc;

use calendar::{BillingPeriod, Date};
use formats::native::{LineNumber, RecordRefusal, UsageBatchBuilder, UsageRecord};
use imports::RefusedRecord;
use ledger::SubscriptionId;
use ledger::billing::{Instant, UsageLine, posting_period};
use tokio::runtime::Handle;

use super::IngestOptions;
use crate::apply::now_ms;
use crate::error::{BillingError, instant_text};
use crate::known::{Known, first_open};
use crate::mixed::{MixCheck, UsageKind};

/// How far an instant may lie ahead: clocks differ.
const AHEAD_MS_MAX: i64 = 5 * 60 * 1000;

/// Judges the records of one batch, in their order.
pub(super) struct RecordJudge<'a> {
    known: &'a Known,
    check: MixCheck<'a>,
    options: &'a IngestOptions,
    runtime: &'a Handle,
    start: BillingPeriod,
    subscriptions: BTreeSet<SubscriptionId>,
    /// By number of the line. Numbers are given again, so that the line decides.
    lines: Vec<Option<Judged>>,
    /// The time that was found good last.
    good: Option<Time>,
}

/// What a line was found to be.
struct Judged {
    line: Arc<UsageLine>,
    is_known: bool,
    /// Day and kind of its usage that mixed nothing.
    unmixed: Option<(Date, UsageKind)>,
}

/// When usage was and arrived.
#[derive(Clone, Copy)]
struct Time {
    day: Date,
    received_at: Instant,
    /// Whether it is posted on its own day: only such usage is covered.
    is_on_time: bool,
}

impl<'a> RecordJudge<'a> {
    pub(super) fn new(
        known: &'a Known,
        check: MixCheck<'a>,
        options: &'a IngestOptions,
        runtime: &'a Handle,
    ) -> Result<Self, BillingError> {
        let enrollment = &known.stated(None)?.enrollment;
        let subscriptions = enrollment.hierarchy.subscriptions.iter().map(|one| one.id).collect();
        let start = enrollment.start;
        Ok(Self { known, check, options, runtime, start, subscriptions, lines: Vec::new(), good: None })
    }

    /// Adds a record to the batch, or says why it is refused.
    pub(super) fn record(
        &mut self,
        record: &UsageRecord,
        line: &Arc<UsageLine>,
        builder: &mut UsageBatchBuilder,
    ) -> Result<Option<RefusedRecord>, BillingError> {
        let refuse = |(field, reason): (&str, String)| {
            Ok(Some(RefusedRecord { record: record.number, line: None, field: field.to_owned(), reason }))
        };
        if !self.line(record.line, line).is_known {
            let (spelled, number) = (&line.subscription_id, &self.known.number);
            let reason =
                format!("{spelled} is no subscription of enrollment {number}; expected one of its enrollment document");
            return refuse(("subscriptionId", reason));
        }
        let is_on_time = match self.time(record) {
            Ok(is_on_time) => is_on_time,
            Err(refusal) => return refuse(refusal),
        };
        if is_on_time && let Some(refusal) = self.mix(record, line)? {
            return refuse(refusal);
        }
        Ok(builder.push(record, line, 0, self.options.received_at).err().map(|refusal| refused(&refusal)))
    }

    /// What is known about a line; the subscription of a new one is looked up.
    fn line(&mut self, number: LineNumber, line: &Arc<UsageLine>) -> &mut Judged {
        if self.lines.len() <= number.index() {
            self.lines.resize_with(number.index() + 1, || None);
        }
        let slot = &mut self.lines[number.index()];
        if slot.as_ref().is_none_or(|judged| !Arc::ptr_eq(&judged.line, line)) {
            let id = SubscriptionId::parse(&line.subscription_id);
            let is_known = id.is_ok_and(|id| self.subscriptions.contains(&id));
            *slot = Some(Judged { line: Arc::clone(line), is_known, unmixed: None });
        }
        slot.as_mut().expect("it was just filled")
    }

    /// Whether a record is posted on its own day; the error names the field that refuses its time.
    fn time(&mut self, record: &UsageRecord) -> Result<bool, (&'static str, String)> {
        let received_at = record.received_at.unwrap_or(self.options.received_at);
        if let Some(good) = self.good.filter(|good| (good.day, good.received_at) == (record.day, received_at)) {
            return Ok(good.is_on_time);
        }
        // An instant outside of the calendar is the builder's to refuse.
        if received_at.0 > (now_ms() + AHEAD_MS_MAX) * 1000 {
            return Err(("receivedAt", format!("{} lies in the future", instant_text(received_at))));
        }
        if received_at.date().is_ok_and(|arrival| arrival < record.day) {
            let day = record.day;
            return Err(("date", format!("the usage of {day} was not yet there on {}", instant_text(received_at))));
        }
        let Ok((period, date)) = posting_period(record.day, received_at) else { return Ok(false) };
        if BillingPeriod::of(record.day) < self.start {
            let (day, start) = (record.day, self.start);
            return Err(("date", format!("{day} lies before {start}, the first period that is billed here")));
        }
        if period < first_open(self.start, self.known.state.closed_through) {
            let reason = format!(
                "it would be posted in {period}, which is closed; to bill it again: lazurite bill --reopen {period}"
            );
            return Err(("receivedAt", reason));
        }
        let is_on_time = date == record.day;
        self.good = Some(Time { day: record.day, received_at, is_on_time });
        Ok(is_on_time)
    }

    /// Refuses hourly usage of a benefit's day that has daily usage, and the reverse.
    fn mix(
        &mut self,
        record: &UsageRecord,
        line: &Arc<UsageLine>,
    ) -> Result<Option<(&'static str, String)>, BillingError> {
        let now = (record.day, UsageKind::of(record.hour));
        if self.check.is_harmless(record, line) || self.line(record.line, line).unmixed == Some(now) {
            return Ok(None);
        }
        let Some(mix) = self.runtime.block_on(self.check.record(record, line))? else {
            self.line(record.line, line).unmixed = Some(now);
            return Ok(None);
        };
        let held = mix.held.name();
        let reason = format!(
            "benefit {} could cover {held} usage of {} already (meter {}); hourly and daily usage of a benefit's day \
             cannot be mixed: expected {held} usage, or take that back with a correction first",
            mix.benefit, record.day, mix.meter
        );
        Ok(Some((if record.hour.is_some() { "time" } else { "date" }, reason)))
    }
}

/// A record that its reader or the store refuses.
pub(super) fn refused(refusal: &RecordRefusal) -> RefusedRecord {
    let fault = &refusal.fault;
    let reason = match &fault.value {
        Some(value) => format!("{value}: {}", fault.expected),
        None => fault.expected.clone(),
    };
    RefusedRecord { record: refusal.number, line: refusal.line, field: fault.field.clone(), reason }
}
