//! Runs: what they commit, when they make no revision, and what they refuse.

use lazurite_billing::{BillingError, PeriodState, RunOptions, run, states};
use ledger::{BalanceAmount, Dataset};

use crate::support::{Bench, daily, decimal, number, orders, period, prepayment, prices, reservation, running};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_one_revision_and_the_same_input_makes_none() {
    let bench = Bench::native().await;
    let both = orders(&format!("{},{}", prepayment("p1", "2025-01-01", "10.00"), reservation("r1", "2025-01-10")));
    bench.apply(&[bench.file("o.json", both)], "2025-01-01").await.unwrap();
    bench.usage("b1", "2025-01-06", &daily("2025-01-05", "30")).await.unwrap();
    let first = bench.bill("2025-02-02").await.unwrap();
    assert_eq!(first.periods.len(), 2);
    assert!(first.periods.iter().all(|own| !own.is_final && !own.is_unchanged && Some(own.revision) == first.revision));
    // 30 hours at 0.10 and the reservation; the prepayment of 10 pays a part.
    assert_eq!(bench.actual("202501").await, decimal("368"));
    assert_eq!(bench.held(Dataset::AmortizedCost, "202501").await.1, decimal("25"));
    assert_eq!(bench.balance("202501", BalanceAmount::Utilized).await.as_deref(), Some("10.00"));
    assert_eq!(bench.balance("202502", BalanceAmount::BeginningBalance).await.as_deref(), Some("0.00"));

    let version = bench.store.lake().newest_version().await.unwrap();
    let again = bench.bill("2025-02-02T09").await.unwrap();
    assert!(again.revision.is_none() && again.periods.iter().all(|own| own.is_unchanged));
    assert_eq!(bench.store.lake().newest_version().await.unwrap(), version);

    let stale = bench.bill("2025-02-01").await.unwrap_err();
    assert!(matches!(stale, BillingError::Stale { .. }), "{stale}");
    // New usage of January changes January, and February's balance with it.
    bench.usage("b2", "2025-02-02T10", &daily("2025-01-06", "10")).await.unwrap();
    let more = bench.bill("2025-02-02T11").await.unwrap();
    assert!(more.revision.is_some());
    assert_eq!(bench.actual("202501").await, decimal("369"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_received_until_the_instant_is_seen() {
    let bench = Bench::native().await;
    bench.usage("b1", "2025-01-06", &daily("2025-01-05", "30")).await.unwrap();
    bench.usage("b2", "2025-01-08", &daily("2025-01-05", "30")).await.unwrap();
    bench.apply(&[bench.file("p.json", prices("202502", "0.20"))], "2025-01-20").await.unwrap();
    bench.bill("2025-01-07").await.unwrap();
    assert_eq!(bench.actual("202501").await, decimal("3"));
    bench.bill("2025-01-09").await.unwrap();
    assert_eq!(bench.actual("202501").await, decimal("6"));
    let early = bench.bill("2024-12-31").await.unwrap_err();
    assert!(matches!(early, BillingError::Stale { .. } | BillingError::NotYetKnown { .. }), "{early}");
    bench.usage("b3", "2025-02-03", &daily("2025-02-01", "10")).await.unwrap();
    bench.bill("2025-02-04").await.unwrap();
    assert_eq!(bench.actual("202502").await, decimal("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn periods_that_cannot_be_asked_for_are_refused() {
    let bench = Bench::native().await;
    let of = |asked: &str, as_of: &str| RunOptions { period: Some(period(asked)), ..running(as_of) };
    let late = run(&bench.store, &number(), &of("202503", "2025-02-10")).await.unwrap_err();
    assert!(matches!(late, BillingError::Period { .. }), "{late}");
    let one = run(&bench.store, &number(), &of("202501", "2025-02-10")).await.unwrap();
    assert_eq!(one.periods.len(), 1);
    assert!(one.periods[0].is_final);
    let again = run(&bench.store, &number(), &of("202501", "2025-02-10")).await.unwrap_err();
    assert!(again.to_string().contains("--reopen 202501"), "{again}");
    let stranger = run(&bench.store, &ledger::EnrollmentId::parse("1").unwrap(), &running("2025-02-10")).await;
    assert!(matches!(stranger, Err(BillingError::UnknownEnrollment { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn states_tell_every_revision() {
    let bench = Bench::native().await;
    bench.usage("b1", "2025-01-06", &daily("2025-01-05", "30")).await.unwrap();
    bench.bill("2025-01-07").await.unwrap();
    bench.bill("2025-02-10").await.unwrap();
    let states = states(&bench.store, &number()).await.unwrap();
    let told: Vec<_> = states.iter().map(|own| (own.period.to_string(), own.state, own.history.len())).collect();
    assert_eq!(told, [("202501".to_owned(), PeriodState::Final, 2), ("202502".to_owned(), PeriodState::Open, 1)]);
}
