//! `lazurite explain`: a billing period line by line.

use std::process::ExitCode;

use billing::{HeldBackView, billed_at, native_facts};
use catalog::BilledRevision;
use imports::{ExplainQuestion, Explanation, Store, explain};
use ledger::billing::ChargeClass;
use ledger::identities::{Outcome, RowKind, Verdict};
use ledger::{BalanceAmount, Dataset, EnrollmentId};
use money::Decimal;
use serde_json::{Value, json};

use crate::args::ExplainArgs;
use crate::commands::moment::Moment;
use crate::commands::native_status::print_held_back;
use crate::failure::Failure;
use crate::output::grouped;

/// Days from the 1st of the month after a period to its closing (D-34).
const CLOSING_DAYS: i32 = 4;
/// Most benefits that are listed one by one.
const BENEFITS_SHOWN_MAX: usize = 50;

const CLASSES: [ChargeClass; 3] = [ChargeClass::Eligible, ChargeClass::BilledSeparately, ChargeClass::Marketplace];

pub(crate) async fn run(args: ExplainArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let enrollment = enrollment(&store, args.enrollment).await?;
    let Moment { snapshot, balances_until_ms } = Moment::of(&store, args.as_of.as_ref()).await?;
    let native = native_facts(&store, snapshot.version()).await?;
    let question = ExplainQuestion {
        enrollment: &enrollment,
        period: args.period,
        snapshot: &snapshot,
        balances_until_ms,
        native: native.get(&enrollment),
    };
    let explained = explain(&store, &question).await;
    let billed = billed_at(&store, &enrollment, snapshot.version()).await;
    store.catalog().close().await;
    let billed = billed?.into_iter().find(|billed| billed.period == args.period);
    let Some(explained) = explained? else {
        let message = format!(
            "nothing of billing period {} of enrollment {enrollment} is held; see what is with: lazurite status",
            args.period
        );
        return Err(Failure::refused("NoDataFound", message));
    };
    if args.json {
        println!("{}", as_json(&explained));
    } else {
        print!("{}", as_text(&explained));
        if let Some(billed) = billed {
            print_state(&billed);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// When a period that is billed here closes, and what of it is held back.
fn print_state(billed: &BilledRevision) {
    let closing = billed.period.next().map(|next| next.first_day().add_days(CLOSING_DAYS));
    match (billed.is_final, closing) {
        (true, _) => println!("\nthe period is closed; it changes only with: lazurite bill --reopen {}", billed.period),
        (false, Ok(Ok(closing))) => println!("\nthe period is open and closes on {closing}, 00:00 UTC"),
        (false, _) => println!("\nthe period is open"),
    }
    let view = |held| HeldBackView::new(held, billed.period, billed.is_final);
    let held_back: Vec<HeldBackView> = billed.held_back.iter().map(view).collect();
    if held_back.is_empty() {
        println!("no usage is held back");
    } else {
        print_held_back(&held_back, "");
    }
}

/// The enrollment that is asked about: the named one, else the only one.
async fn enrollment(store: &Store, named: Option<EnrollmentId>) -> Result<EnrollmentId, Failure> {
    if let Some(named) = named {
        return match store.catalog().enrollment(named.as_str()).await? {
            Some(known) => Ok(known.number),
            None => Err(Failure::refused("UnknownEnrollment", format!("nothing of enrollment {named} is held"))),
        };
    }
    let mut known = store.catalog().enrollments().await?;
    match (known.len(), known.pop()) {
        (1, Some(only)) => Ok(only.number),
        (0, _) => Err(Failure::refused("NoDataFound", "nothing is held; load an export with: lazurite import FILE")),
        (count, _) => Err(Failure::refused(
            "Ambiguous",
            format!("{count} enrollments are held; say which with --enrollment NUMBER"),
        )),
    }
}

/// Amounts below each other: the points stand in one column.
#[derive(Default)]
struct Table {
    lines: Vec<(String, Vec<Option<String>>)>,
}

impl Table {
    fn line(&mut self, label: &str, cells: &[Option<Decimal>]) {
        let cells = cells.iter().map(|cell| cell.map(|amount| amount.to_shortest_string())).collect();
        self.lines.push((label.to_owned(), cells));
    }

    fn text(&self) -> String {
        let label_width = self.lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let columns = self.lines.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
        let widths: Vec<(usize, usize)> = (0..columns).map(|column| self.widths(column)).collect();
        let mut text = String::new();
        for (label, cells) in &self.lines {
            let mut line = format!("  {label:label_width$}");
            for (cell, (whole, fraction)) in cells.iter().zip(&widths) {
                let (left, right) = split_at_point(cell.as_deref().unwrap_or("-"));
                line.push_str(&format!("  {left:>whole$}{right:fraction$}"));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self, column: usize) -> (usize, usize) {
        let cells = self.lines.iter().filter_map(|(_, cells)| cells.get(column));
        let parts = cells.map(|cell| split_at_point(cell.as_deref().unwrap_or("-")));
        parts.fold((0, 0), |(whole, fraction), (left, right)| (whole.max(left.len()), fraction.max(right.len())))
    }
}

/// The digits before the point, and the point with those behind it.
fn split_at_point(number: &str) -> (&str, &str) {
    number.find('.').map_or((number, ""), |point| number.split_at(point))
}

fn as_text(explained: &Explanation) -> String {
    let report = &explained.report;
    let currency = explained.currency.map_or_else(|| "currency not known".to_owned(), |known| known.to_string());
    let kind = if explained.is_native { "billed here" } else { "mirrored" };
    let mut text = format!(
        "enrollment {} ({kind}), billing period {}, amounts in {currency}, revision {}\n",
        explained.enrollment,
        report.facts.period(),
        explained.revision
    );
    text.push_str(&charges_text(explained));
    text.push_str(&benefits_text(explained));
    text.push_str(&lines_text(explained));
    text.push_str(&balance_text(explained));
    text.push_str("\nidentities\n");
    for outcome in &report.outcomes {
        text.push_str(&outcome_text(outcome));
    }
    text
}

fn charges_text(explained: &Explanation) -> String {
    let facts = &explained.report.facts;
    let mut text = String::from("\ncharges: ActualCost, AmortizedCost\n");
    let mut table = Table::default();
    for kind in RowKind::ALL {
        let of = |dataset| facts.kinds(dataset).find(|(known, _)| *known == kind).map(|(_, sums)| sums);
        let sums = Dataset::ALL.map(of);
        if sums.iter().any(Option::is_some) {
            let rows = sums.map(|sums| grouped(sums.map_or(0, |sums| sums.rows)));
            let label = format!("{} ({} and {} rows)", kind.words(), rows[0], rows[1]);
            table.line(&label, &sums.map(|sums| sums.map(|sums| sums.cost.value())));
        }
    }
    let total = |dataset| (facts.rows(dataset) > 0).then(|| facts.total(dataset));
    table.line("total", &Dataset::ALL.map(total));
    text.push_str(&table.text());
    text
}

fn benefits_text(explained: &Explanation) -> String {
    let benefits = &explained.report.benefits;
    if benefits.is_empty() {
        return String::new();
    }
    let mut text =
        String::from("\nbenefits: deferred at the beginning, purchases, refunds, amortized, deferred at the end\n");
    let mut table = Table::default();
    for benefit in benefits.iter().take(BENEFITS_SHOWN_MAX) {
        let cells =
            [benefit.before, Some(benefit.purchases), Some(benefit.refunds), Some(benefit.amortized), benefit.after];
        table.line(&format!("order {}", benefit.order), &cells);
    }
    text.push_str(&table.text());
    if benefits.len() > BENEFITS_SHOWN_MAX {
        text.push_str(&format!("  and {} more\n", benefits.len() - BENEFITS_SHOWN_MAX));
    }
    if benefits.iter().any(|benefit| benefit.after.is_none()) {
        text.push_str("  -: the purchase is not held, so that nobody knows what was deferred\n");
    }
    text
}

fn lines_text(explained: &Explanation) -> String {
    let lines = &explained.report.lines;
    if lines.is_empty() {
        return String::new();
    }
    let mut text = String::from("\ninvoice lines: charges, cut to minor units, rounding adjustments held\n");
    let mut table = Table::default();
    for class in CLASSES {
        if let Some(sums) = lines.get(&class) {
            let label = format!("{} ({} lines)", class.words(), grouped(sums.lines));
            let cells = [sums.exact.value(), sums.cut.value(), sums.rounding.value()];
            table.line(&label, &cells.map(Some));
        }
    }
    let late = explained.report.late_refunds;
    if !late.is_zero() {
        table.line("refunds of closed periods, in no line", &[Some(late)]);
    }
    text.push_str(&table.text());
    text
}

fn balance_text(explained: &Explanation) -> String {
    let Some(balance) = &explained.balance else { return String::from("\nbalance: none is held\n") };
    let mut text = format!("\nbalance summary {}\n", balance.revision);
    let mut table = Table::default();
    for which in BalanceAmount::ALL {
        table.line(which.name(), &[balance.summary.amount(which).map(|amount| amount.value())]);
    }
    let details = [&balance.summary.new_purchases_details, &balance.summary.adjustment_details];
    for detail in details.into_iter().flatten().flatten() {
        let label = format!("  {}", detail.name.as_deref().unwrap_or("(no name)"));
        table.line(&label, &[detail.value.as_ref().map(|value| value.value())]);
    }
    for (label, parts) in INVOICE {
        let amounts = parts.map(|part| balance.summary.amount(part).map(|amount| amount.value()));
        let sum = match amounts {
            [Some(first), Some(second)] => first.checked_add(second).ok(),
            _ => None,
        };
        table.line(label, &[sum]);
    }
    text.push_str(&table.text());
    text
}

/// What a period comes to (SEMANTICS 4.3).
const INVOICE: [(&str, [BalanceAmount; 2]); 2] = [
    ("invoice before tax", [BalanceAmount::TotalOverage, BalanceAmount::AzureMarketplaceServiceCharges]),
    ("total charges", [BalanceAmount::TotalUsage, BalanceAmount::AzureMarketplaceServiceCharges]),
];

fn places(count: u64) -> String {
    if count == 1 { "one place".to_owned() } else { format!("{} places", grouped(count)) }
}

fn outcome_text(outcome: &Outcome) -> String {
    let identity = outcome.identity;
    let (mark, why) = match &outcome.verdict {
        Verdict::Holds => ("holds", String::new()),
        Verdict::Untold(reason) => ("not told", format!("         {reason}\n")),
        Verdict::Fails { count, by, first } => {
            let by = by.map(|by| format!("by {} in all, ", by.to_shortest_string())).unwrap_or_default();
            let mut why = format!("         {by}in {}\n", places(*count));
            first.iter().for_each(|difference| why.push_str(&format!("         {difference}\n")));
            ("FAILS", why)
        }
    };
    format!("  {identity:5}  {mark:8}  {}\n{why}", identity.rule())
}

fn as_json(explained: &Explanation) -> Value {
    let report = &explained.report;
    let facts = &report.facts;
    let text = |amount: Decimal| amount.to_shortest_string();
    let datasets: Vec<Value> = Dataset::ALL
        .map(|dataset| {
            let kinds: Vec<Value> = facts
                .kinds(dataset)
                .map(|(kind, sums)| json!({ "kind": kind.words(), "rows": sums.rows, "cost": text(sums.cost.value()) }))
                .collect();
            json!({
                "dataset": dataset, "rows": facts.rows(dataset), "total": text(facts.total(dataset)), "kinds": kinds,
            })
        })
        .into();
    let benefits: Vec<Value> = report
        .benefits
        .iter()
        .map(|benefit| {
            json!({
                "order": benefit.order, "deferredBefore": benefit.before.map(text),
                "purchases": text(benefit.purchases), "refunds": text(benefit.refunds),
                "amortized": text(benefit.amortized), "deferredAfter": benefit.after.map(text),
            })
        })
        .collect();
    let lines: Vec<Value> = CLASSES
        .iter()
        .filter_map(|class| report.lines.get(class).map(|sums| (class, sums)))
        .map(|(class, sums)| {
            json!({
                "class": class.words(), "lines": sums.lines, "charges": text(sums.exact.value()),
                "cut": text(sums.cut.value()), "rounding": text(sums.rounding.value()),
            })
        })
        .collect();
    let balance = explained.balance.as_ref().map(|balance| {
        let amounts: serde_json::Map<String, Value> = BalanceAmount::ALL
            .iter()
            .map(|which| {
                (which.name().to_owned(), json!(balance.summary.amount(*which).map(|found| found.to_string())))
            })
            .collect();
        json!({ "revision": balance.revision.to_string(), "amounts": amounts })
    });
    json!({
        "enrollment": explained.enrollment, "period": facts.period().to_string(),
        "currency": explained.currency.map(|currency| currency.to_string()), "native": explained.is_native,
        "revision": explained.revision.to_string(), "charges": datasets, "benefits": benefits, "invoiceLines": lines,
        "lateRefunds": text(report.late_refunds), "balance": balance,
        "identities": report.outcomes.iter().map(outcome_json).collect::<Vec<_>>(),
    })
}

fn outcome_json(outcome: &Outcome) -> Value {
    let mut value = json!({ "identity": outcome.identity.name(), "rule": outcome.identity.rule() });
    match &outcome.verdict {
        Verdict::Holds => value["result"] = json!("holds"),
        Verdict::Untold(reason) => {
            value["result"] = json!("untold");
            value["reason"] = json!(reason);
        }
        Verdict::Fails { count, by, first } => {
            value["result"] = json!("fails");
            value["count"] = json!(count);
            value["by"] = json!(by.map(|by| by.to_shortest_string()));
            value["first"] = json!(first.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stand_below_each_other() {
        let mut table = Table::default();
        let decimal =
            |text: &str| Decimal::parse(text.as_bytes(), money::Limits::TOTAL).ok().map(|parsed| parsed.value);
        table.line("a", &[decimal("1.5"), decimal("-1000")]);
        table.line("longer", &[decimal("-22.125"), None]);
        assert_eq!(table.text(), "  a         1.5    -1000\n  longer  -22.125      -\n");
    }
}
