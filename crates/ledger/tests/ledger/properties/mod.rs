//! Random native enrollments, billed month by month: every identity and every equation of the balance holds with zero
//! tolerance, and the order of the input decides nothing.

mod billed;
mod scopes;
mod world;

use calendar::BillingPeriod;
use ledger::Dataset;
use ledger::billing::{BillInput, Instant, PeriodBill, PeriodBook, bill, close_of};
use ledger::identities::{History, Identity, PeriodContext, Verdict, benefit_terms};
use proptest::prelude::*;

use billed::{facts, texts};
use scopes::{Scopes, check_partition, owner_cells};
use world::{Seed, World};

/// Identities about which a period of a native enrollment always tells, beside I-6 and I-7.
const ALWAYS_TOLD: [Identity; 12] = [
    Identity::I1,
    Identity::I2,
    Identity::I3,
    Identity::I4,
    Identity::I5,
    Identity::I8,
    Identity::Lines,
    Identity::B1,
    Identity::B2,
    Identity::B3,
    Identity::B5,
    Identity::B6,
];

fn billed(world: &World, period: BillingPeriod, previous: Option<&PeriodBook>, as_of: Instant) -> PeriodBill {
    let input = BillInput {
        enrollment: &world.enrollment,
        period,
        prices: Some(&world.prices),
        orders: &world.orders,
        usage: world.usage_of(period, as_of),
        previous,
        as_of,
    };
    bill(input).unwrap()
}

/// Whether everything holds of a bill; the history goes on with it.
fn check(
    world: &World,
    bill: &PeriodBill,
    previous: Option<&PeriodBill>,
    history: &mut History,
    as_of: Instant,
) -> Result<(), TestCaseError> {
    let today = as_of.date().unwrap();
    let seen: Vec<_> = world.orders.iter().filter(|order| order.date() <= today).cloned().collect();
    let terms = benefit_terms(&seen, &|_| None).unwrap();
    let context = PeriodContext {
        held: [true; 2],
        is_whole: true,
        is_native: true,
        minor_digits: Some(world.enrollment.currency.minor_digits()),
        balance: Some(&bill.balance),
        previous_balance: previous.map(|previous| &previous.balance),
        terms: Some(&terms),
        complete_through: Some(today.previous().unwrap()),
        knows_scopes: true,
    };
    let scopes = Scopes::of(&world.enrollment.hierarchy);
    let report = history.report(facts(bill, &scopes), &context).unwrap();
    let failing: Vec<_> = report.failures().collect();
    prop_assert!(failing.is_empty(), "{} as of {today}: {failing:#?}\n{:#?}", bill.period, world.orders);
    for identity in ALWAYS_TOLD {
        prop_assert_eq!(report.verdict(identity), &Verdict::Holds, "{} {}", bill.period, identity);
    }
    prop_assert!(previous.is_none() || report.verdict(Identity::B4) == &Verdict::Holds);
    for (class, sums) in &report.lines {
        let own = bill.invoice_lines.iter().filter(|line| line.class == *class);
        let cut = own.fold(money::Total::ZERO, |mut sum, line| {
            sum.add(line.amount).unwrap();
            sum
        });
        prop_assert_eq!(sums.cut.value(), cut.value(), "lines of {}", class.words());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_identity_holds_in_every_period(seed in Seed::any()) {
        let world = World::of(&seed);
        let scopes = Scopes::of(&world.enrollment.hierarchy);
        let mut history = History::default();
        let mut previous: Option<PeriodBill> = None;
        for period in world.periods() {
            // As it stands on some day of the month, and as it is closed.
            let day = period.first_day().add_days(i32::from(seed.day_of_asking % 30)).unwrap();
            let book = previous.as_ref().map(|bill| &bill.book);
            let asked = Instant::start_of(day.max(period.first_day().next().unwrap()));
            let open = billed(&world, period, book, asked);
            check(&world, &open, previous.as_ref(), &mut history.clone(), asked)?;
            check_partition(&seed, &scopes, &open)?;
            let close = close_of(period).unwrap();
            let closed = billed(&world, period, book, close);
            prop_assert!(closed.is_final && !open.is_final);
            check(&world, &closed, previous.as_ref(), &mut history, close)?;
            check_partition(&seed, &scopes, &closed)?;
            previous = Some(closed);
        }
    }

    #[test]
    fn the_order_of_the_input_decides_nothing(seed in Seed::any(), turn in any::<u64>()) {
        let world = World::of(&seed);
        let shuffled = world.shuffled(turn);
        let (mut left, mut right): (Option<PeriodBook>, Option<PeriodBook>) = (None, None);
        for period in world.periods() {
            let close = close_of(period).unwrap();
            let one = billed(&world, period, left.as_ref(), close);
            let other = billed(&shuffled, period, right.as_ref(), close);
            for dataset in Dataset::ALL {
                prop_assert_eq!(texts(&one, dataset), texts(&other, dataset));
            }
            let bytes = |bill: &PeriodBill| serde_json::to_string(&(&bill.book, &bill.balance)).unwrap();
            prop_assert_eq!(bytes(&one), bytes(&other));
            prop_assert_eq!(&one.invoice_lines, &other.invoice_lines);
            (left, right) = (Some(one.book), Some(other.book));
        }
    }
}

#[test]
fn the_worlds_hold_what_they_should() {
    // A world that has everything bills everything: no property holds because there is nothing.
    let world = World::of(&Seed::full());
    let scopes = Scopes::of(&world.enrollment.hierarchy);
    let mut kinds = std::collections::BTreeSet::new();
    let mut owners = std::collections::BTreeSet::new();
    let mut previous: Option<PeriodBill> = None;
    for period in world.periods() {
        let closed = billed(&world, period, previous.as_ref().map(|bill| &bill.book), close_of(period).unwrap());
        let facts = facts(&closed, &scopes);
        owners.extend(closed.charges(Dataset::ActualCost).map(|row| {
            let [subscription, account, department] = owner_cells(&row);
            format!("{} {account} {department}", subscription.get(35..).unwrap_or_default())
        }));
        kinds.extend(Dataset::ALL.iter().flat_map(|dataset| facts.kinds(*dataset).map(|(kind, _)| kind)));
        previous = Some(closed);
    }
    let missing: Vec<_> = ledger::identities::RowKind::ALL
        .into_iter()
        .filter(|kind| !kinds.contains(kind) && *kind != ledger::identities::RowKind::Other)
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Everybody owns something at some time, and some charges have no owner.
    let expected = ["0 1 7", "0 1 8", "1 1 7", "1 1 8", "1 2 ", "1 2 8", "2 2 ", "2 2 8", "  "];
    let missing: Vec<_> = expected.into_iter().filter(|owner| !owners.contains(*owner)).collect();
    assert!(missing.is_empty(), "{missing:?} of {owners:?}");
}
