//! Closed periods: nothing changes them but an operator's reopening.

use lazurite_billing::{ApplyOptions, BillingError, PeriodState, RunOptions, apply, run, states};
use ledger::Dataset;

use crate::support::{
    Bench, SUBSCRIPTION, applying, daily, decimal, enrollment, number, orders, prepayment, prices, reopening, running,
};

/// January is closed, with 30 hours of usage.
async fn closed() -> Bench {
    let bench = Bench::native().await;
    bench.usage("b1", "2025-01-06", &daily("2025-01-05", "30")).await.unwrap();
    let outcome = bench.bill("2025-02-05").await.unwrap();
    assert!(outcome.periods[0].is_final && !outcome.periods[1].is_final);
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_touches_a_closed_period() {
    let bench = closed().await;
    let before = bench.state().await;
    let moved = |from: &str| {
        let step = format!(r#"{{"id":"{SUBSCRIPTION}","account":[{{"id":"A1"}},{{"from":"{from}","id":"A2"}}]}}"#);
        enrollment("").replace(&format!(r#"{{"id":"{SUBSCRIPTION}","account":[{{"id":"A1"}}]}}"#), &step)
    };
    for (what, text) in [
        ("an order", orders(&prepayment("p1", "2025-01-01", "10.00"))),
        ("a price sheet", prices("202501", "0.20")),
        ("a move", moved("2025-01-31")),
        ("an opening balance", enrollment(r#""openingBalance":{"amount":"5.00"},"#)),
        ("a start", enrollment("").replace("202501", "202412")),
    ] {
        let refused = bench.apply(&[bench.file("x.json", text)], "2025-02-06").await.unwrap_err();
        assert!(matches!(refused, BillingError::Closed { .. }), "{what}: {refused}");
        assert!(refused.to_string().contains("lazurite bill --reopen 20"), "{what}: {refused}");
        assert_eq!(bench.state().await, before, "{what}");
    }
    let stated = daily("2025-01-20", "1").replace("}", ",\"receivedAt\":\"2025-01-21T00:00:00Z\"}");
    let refused = bench.usage("b2", "2025-02-06", &stated).await.unwrap_err();
    assert!(refused.to_string().contains("--reopen 202501"), "{refused}");
    assert_eq!(bench.state().await, before);

    // From the first open day on everything goes, and late usage is posted where it arrives.
    bench.apply(&[bench.file("x.json", moved("2025-02-01"))], "2025-02-06").await.unwrap();
    bench.apply(&[bench.file("x.json", prices("202502", "0.20"))], "2025-02-06").await.unwrap();
    bench.usage("b2", "2025-02-06", &daily("2025-01-20", "5")).await.unwrap();
    bench.bill("2025-02-07").await.unwrap();
    assert_eq!(bench.actual("202501").await, decimal("3"));
    assert_eq!(bench.actual("202502").await, decimal("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reopened_period_and_all_later_ones_are_billed_again() {
    let bench = closed().await;
    let before = bench.bill("2025-03-06").await.unwrap();
    assert_eq!(before.periods.iter().filter(|own| own.is_final).count(), 1, "February closes: {before:?}");
    let late = bench.file("o.json", orders(&prepayment("p1", "2025-01-01", "2.00")));
    let options = ApplyOptions { reopen: reopening("202501"), ..applying("2025-03-06") };
    apply(&bench.store, &[late], &options).await.unwrap();
    let opened = states(&bench.store, &number()).await.unwrap();
    assert!(opened.iter().take(2).all(|own| own.state == PeriodState::Reopened), "{opened:?}");
    let again = bench.bill("2025-03-06").await.unwrap();
    assert_eq!(
        again.periods.iter().map(|own| (own.is_final, own.is_unchanged)).collect::<Vec<_>>(),
        [(true, false), (true, false), (false, false)]
    );
    assert_eq!(bench.balance("202501", ledger::BalanceAmount::Utilized).await.as_deref(), Some("2.00"));
    let told = states(&bench.store, &number()).await.unwrap();
    let reopened = told[0].history.last().unwrap().reopened.clone().unwrap();
    assert_eq!((told[0].state, reopened.actor.as_str()), (PeriodState::Final, "tester"));
    assert_eq!(reopened.reason, "a forgotten order");
    assert!(told[2].history.iter().all(|own| own.reopened.is_none()));
    let refused = bench.apply(&[bench.file("x.json", prices("202501", "9"))], "2025-03-06").await;
    assert!(matches!(refused, Err(BillingError::Closed { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn reopening_without_new_input_makes_no_revision() {
    let bench = closed().await;
    let version = bench.store.lake().newest_version().await.unwrap();
    let options = RunOptions { reopen: reopening("202501"), ..running("2025-02-05") };
    let again = run(&bench.store, &number(), &options).await.unwrap();
    assert_eq!((again.revision, bench.store.lake().newest_version().await.unwrap()), (None, version));
    assert_eq!(states(&bench.store, &number()).await.unwrap()[0].state, PeriodState::Final);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_opens_nothing() {
    let bench = closed().await;
    let before = bench.state().await;
    let bad = orders(r#"{"type":"return","id":"r1","orderId":"nothing","date":"2025-01-05"}"#);
    let options = ApplyOptions { reopen: reopening("202501"), ..applying("2025-02-06") };
    assert!(apply(&bench.store, &[bench.file("o.json", bad)], &options).await.is_err());
    assert_eq!(bench.state().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_not_closed_without_input_that_came_later() {
    let bench = Bench::native().await;
    bench.apply(&[bench.file("o.json", orders(&prepayment("p1", "2025-01-01", "2.00")))], "2025-02-10").await.unwrap();
    let before = bench.state().await;
    let refused = bench.bill("2025-02-06").await.unwrap_err();
    assert!(refused.to_string().contains("without order p1"), "{refused}");
    assert_eq!(bench.state().await, before);
    bench.bill("2025-02-10").await.unwrap();
    assert_eq!(bench.held(Dataset::ActualCost, "202501").await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_cannot_be_billed_stays_open() {
    let bench = Bench::native().await;
    // The engine finds what was taken before the benefit's price sheet made it mixed.
    let sheet = prices("202501", "0.10").replace(
        "]}",
        r#",{"meterId":"vm","priceType":"SavingsPlan","termMonths":12,"unitOfMeasure":"1 Hour","unitPrice":"0.05"}]}"#,
    );
    let plan = format!(
        r#"{{"type":"savingsPlan","orderId":"s1","planId":"s1-p","date":"2025-01-02","termMonths":12,
        "commitment":"1.00","subscriptionId":"{SUBSCRIPTION}"}}"#
    );
    bench.apply(&[bench.file("o.json", orders(&plan))], "2025-01-02").await.unwrap();
    let mixed = format!("{}{}", daily("2025-01-05", "1"), crate::support::hourly("2025-01-05", 3, "1"));
    bench.usage("b1", "2025-01-06", &mixed).await.unwrap();
    bench.apply(&[bench.file("p.json", sheet)], "2025-01-07").await.unwrap();
    let refused = bench.bill("2025-02-06").await.unwrap_err();
    assert!(matches!(refused, BillingError::Bill { .. }), "{refused}");
    let stated = daily("2025-01-05", "-1").replace("}", ",\"receivedAt\":\"2025-01-21T00:00:00Z\"}");
    bench.usage("b2", "2025-02-06", &stated).await.unwrap();
    assert!(bench.bill("2025-02-06").await.unwrap().periods[0].is_final);
}
