//! The restatements of `lazurite status`: what each later revision changed of billing periods that were held before.

use std::collections::BTreeMap;

use imports::Store;
use lake::{Dimension, Restatement, RestatementView, Snapshot, TwoStates};
use ledger::{EnrollmentId, SeriesFilter};
use money::Currency;

use crate::commands::moment::Moment;
use crate::commands::status::source_text;
use crate::commands::total::change_text;
use crate::failure::Failure;
use crate::instant::AsOf;

/// What is asked about restatements.
pub(crate) struct RestatedQuestion<'a> {
    /// From which state on; `None`: from the oldest that can be read.
    pub(crate) since: Option<&'a AsOf>,
    /// Until which state.
    pub(crate) until: &'a Snapshot,
    pub(crate) asked: &'a SeriesFilter,
    pub(crate) by: &'a [Dimension],
    /// The revisions until then, and when they were committed.
    pub(crate) committed: &'a BTreeMap<u64, i64>,
}

/// What a revision changed of a billing period that was held before it.
pub(crate) struct Restated {
    pub(crate) view: RestatementView,
    restatement: Restatement,
}

/// The restatements in the order of their revisions. A billing period that a revision was the first to hold is none.
pub(crate) async fn restated(
    store: &Store,
    question: RestatedQuestion<'_>,
    currency_of: impl Fn(&EnrollmentId) -> Option<Currency>,
) -> Result<Vec<Restated>, Failure> {
    let mut earlier = first_state(store, &question).await?;
    let mut found = Vec::new();
    for revision in question.committed.keys().filter(|revision| **revision <= question.until.version()) {
        if *revision <= earlier.version() {
            continue;
        }
        let later = store.lake().snapshot_at(*revision).await?;
        let touched = later.touched_since(&earlier, question.asked);
        if !touched.is_empty() {
            let before = store.catalog().held_at(earlier.version()).await?;
            let after = store.catalog().held_at(later.version()).await?;
            let states = TwoStates { since: earlier.version(), before: &before, until: later.version(), after: &after };
            for of in &touched {
                let Some(restatement) = later.restated_since(&earlier, of, question.by).await? else { continue };
                let currency = currency_of(&of.series.enrollment);
                let view = RestatementView::of(&restatement, states, question.by, currency);
                if !view.before.is_empty() {
                    found.push(Restated { view, restatement });
                }
            }
        }
        earlier = later;
    }
    Ok(found)
}

/// The state before the first revision that is told about.
async fn first_state(store: &Store, question: &RestatedQuestion<'_>) -> Result<Snapshot, Failure> {
    if question.since.is_some() {
        let since = Moment::of(store, question.since).await?.snapshot;
        if since.version() > question.until.version() {
            return Err(Failure::refused(
                "Usage",
                format!(
                    "--restated begins at revision {}, and the state that is asked about is revision {}; give an earlier one",
                    since.version(),
                    question.until.version()
                ),
            ));
        }
        return Ok(since);
    }
    let oldest = store.lake().snapshot().await?.oldest_kept().await?;
    Ok(store.lake().snapshot_at(oldest).await?)
}

/// What people read of them.
pub(crate) fn print(found: &[Restated], by: &[Dimension]) {
    if found.is_empty() {
        println!("nothing that was held before was restated");
        return;
    }
    for Restated { view, restatement } in found {
        let newest = view.after.last().map_or("-", |holding| holding.taken_at.as_str());
        println!(
            "\nrevision {}, taken at {newest}: {} {} of enrollment {} ({}), {}",
            view.until,
            view.dataset,
            view.period,
            view.enrollment,
            view.currency.as_deref().unwrap_or("-"),
            source_text(&view.scope, view.publishers)
        );
        let before: Vec<&str> = view.before.iter().map(|holding| holding.revision.as_str()).collect();
        println!("  held before by revision {}", before.join(", "));
        print!("  {}", change_text(&[], &[], &restatement.whole));
        for (texts, change) in &restatement.changes {
            print!("    {}", change_text(by, texts, change));
        }
    }
}
