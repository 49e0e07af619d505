//! What a lost catalog, or a program that ended too early, leaves is mended.

use imports::verify;
use lazurite_billing::states;
use ledger::BalanceAmount;

use crate::support::{Bench, daily, decimal, number};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_catalog_is_rebuilt_as_far_as_the_lake_tells() {
    let bench = Bench::native().await;
    bench.usage("b1", "2025-01-06", &daily("2025-01-05", "30")).await.unwrap();
    bench.bill("2025-02-10").await.unwrap();
    let catalog = bench.store.catalog();
    let (periods, batches) =
        (catalog.billed_history(&number()).await.unwrap(), catalog.usage_batches(&number()).await.unwrap());
    let (state, balance) =
        (catalog.native_state(&number()).await.unwrap(), bench.balance("202501", BalanceAmount::TotalUsage).await);
    catalog.close().await;
    for name in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        _ = std::fs::remove_file(bench.folder.path().join("data").join(name));
    }
    let bench = bench.reopened().await;
    let catalog = bench.store.catalog();
    assert_eq!(catalog.billed_history(&number()).await.unwrap(), periods);
    assert_eq!(catalog.usage_batches(&number()).await.unwrap(), batches);
    assert_eq!(catalog.native_state(&number()).await.unwrap().closed_through, state.closed_through);
    assert!(catalog.is_native(&number()).await.unwrap());
    assert_eq!(bench.balance("202501", BalanceAmount::TotalUsage).await, balance);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_native_enrollments_verifies() {
    let bench = Bench::native().await;
    bench.usage("b1", "2025-01-06", &daily("2025-01-05", "30")).await.unwrap();
    bench.bill("2025-01-07").await.unwrap();
    bench.bill("2025-02-10").await.unwrap();
    let report = verify(&bench.store, &|_, _| {}).await.unwrap();
    assert!(report.is_ok(), "{:?}", report.violations);
    let collected = bench.store.collect_orphans(std::time::Duration::ZERO).await.unwrap();
    assert!(collected.is_empty(), "{collected}");
    let bench = bench.reopened().await;
    bench.bill("2025-02-11").await.unwrap();
    assert_eq!(bench.actual("202501").await, decimal("3"));
    assert_eq!(states(&bench.store, &number()).await.unwrap().len(), 2);
}
