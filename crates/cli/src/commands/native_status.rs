//! How native enrollments stand: what is held of their periods, and how it came to be.

use billing::{BillingError, HeldBackView, PeriodView, states};
use imports::Store;
use lake::LakeFile;
use ledger::{BalanceAmount, Dataset, EnrollmentId};
use money::{Decimal, Limits, Total};
use serde_json::{Value, json};

use crate::failure::Failure;

/// Revisions of a period that people are shown; scripts get all.
const REVISIONS_SHOWN_MAX: usize = 10;
/// Kinds of held-back usage of a period that people are shown.
const HELD_BACK_SHOWN_MAX: usize = 20;

/// Rows and exact total of a dataset of a period, as they are held.
pub(crate) struct HeldTotal {
    pub(crate) rows: u64,
    pub(crate) total: String,
}

/// What is held of a dataset of a period.
pub(crate) fn held_total(
    files: &[LakeFile],
    enrollment: &EnrollmentId,
    period: &str,
    dataset: Dataset,
) -> Result<HeldTotal, Failure> {
    let (mut rows, mut total) = (0, Total::default());
    let is_own = |file: &&LakeFile| {
        file.enrollment == *enrollment && file.dataset == dataset && file.period.to_string() == period
    };
    for file in files.iter().filter(is_own) {
        rows += file.rows;
        let value = Decimal::parse(file.total.as_bytes(), Limits::TOTAL).ok().map(|parsed| parsed.value);
        if value.is_none_or(|value| total.add(value).is_err()) {
            return Err(Failure::other("StoreFailure", format!("the total of {} cannot be added", file.path)));
        }
    }
    Ok(HeldTotal { rows, total: total.value().to_shortest_string() })
}

/// The ending balance of a period as text; `None`: there is none.
pub(crate) async fn ending_balance(
    store: &Store,
    enrollment: &EnrollmentId,
    period: calendar::BillingPeriod,
) -> Result<Option<String>, Failure> {
    let held = store.catalog().balance(enrollment, period).await?;
    Ok(held.and_then(|held| held.summary.amount(BalanceAmount::EndingBalance).map(|amount| amount.to_string())))
}

/// All native enrollments with their periods.
pub(crate) async fn native_enrollments(store: &Store) -> Result<Vec<(EnrollmentId, Vec<PeriodView>)>, Failure> {
    let mut found = Vec::new();
    for number in store.catalog().native_enrollments().await? {
        match states(store, &number).await {
            Ok(periods) => found.push((number, periods.iter().map(PeriodView::from).collect())),
            // Usage came first: nothing is stated yet.
            Err(BillingError::UnknownEnrollment { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// What scripts read of them.
pub(crate) fn as_json(native: &[(EnrollmentId, Vec<PeriodView>)]) -> Value {
    native.iter().map(|(number, periods)| json!({ "enrollment": number, "periods": periods })).collect()
}

/// What people read of them.
pub(crate) fn print(native: &[(EnrollmentId, Vec<PeriodView>)]) {
    for (number, periods) in native {
        println!("\nbilling of enrollment {number}");
        if periods.is_empty() {
            println!("  nothing is billed yet; bill it with: lazurite bill --enrollment {number}");
            continue;
        }
        println!("  {:7} {:9} {:21} {:>8} {:21} known until", "period", "state", "closes", "revision", "billed at");
        for period in periods {
            let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            println!(
                "  {:7} {:9} {:21} {:>8} {:21} {}",
                period.period,
                period.state,
                or_none(&period.closes_at),
                or_none(&period.revision),
                or_none(&period.billed_at),
                or_none(&period.as_of)
            );
            print_held_back(&period.held_back, "    ");
            print_history(period);
        }
    }
}

fn print_history(period: &PeriodView) {
    let shown = period.history.len().saturating_sub(REVISIONS_SHOWN_MAX);
    if period.history.len() > 1 {
        for one in &period.history[shown..] {
            let state = if one.is_final { "final" } else { "open" };
            println!("    revision {} was billed at {} as of {}, {state}", one.revision, one.billed_at, one.as_of);
            if let Some(reopened) = &one.reopened {
                println!("      after it was opened again by {} at {}: {}", reopened.by, reopened.at, reopened.reason);
            }
        }
    }
    if shown > 0 {
        println!("    {shown} earlier revisions: lazurite status --json");
    }
}

/// What is held back, why, and what to do about it.
pub(crate) fn print_held_back(held_back: &[HeldBackView], indent: &str) {
    for held in held_back.iter().take(HELD_BACK_SHOWN_MAX) {
        println!(
            "{indent}held back ({}): {} of meter {} in subscription {}, {} to {}: {}",
            held.reason, held.quantity, held.meter_id, held.subscription_id, held.first_day, held.last_day, held.remedy
        );
    }
    if held_back.len() > HELD_BACK_SHOWN_MAX {
        println!("{indent}and {} more that are held back", held_back.len() - HELD_BACK_SHOWN_MAX);
    }
}
