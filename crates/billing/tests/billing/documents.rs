//! Documents are taken as a whole or not at all, and what contradicts is refused.

use imports::{ImportError, ImportOptions, NoProgress, import};
use lazurite_billing::{ApplyOptions, BillingError, apply};

use crate::support::{Bench, applying, enrollment, number, orders, prepayment, prices, reservation};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_taken_as_a_whole_or_not_at_all() {
    let bench = Bench::new().await;
    let before = bench.state().await;
    let bad =
        orders(&format!("{},{}", prepayment("p1", "2025-01-01", "10.00"), prepayment("p1", "2025-01-02", "10.00")));
    let files = [
        bench.file("enrollment.json", enrollment(r#""policies":{"aoViewCharges":true},"#)),
        bench.file("prices.json", prices("202501", "0.10")),
        bench.file("orders.json", bad),
    ];
    let refused = bench.apply(&files, "2025-01-01").await.unwrap_err();
    assert!(matches!(&refused, BillingError::OrderChanged { order, .. } if order == "p1"), "{refused}");
    assert_eq!(bench.state().await, before);

    bench.file("orders.json", orders(&prepayment("p1", "2025-01-01", "10.00")));
    let dry = ApplyOptions { dry_run: true, ..applying("2025-01-01") };
    assert_eq!(apply(&bench.store, &files, &dry).await.unwrap()[0].orders.taken, 1);
    assert_eq!(bench.state().await, before);

    let applied = bench.apply(&files, "2025-01-01").await.unwrap();
    let [own] = &applied[..] else { panic!("{applied:?}") };
    assert_eq!((own.documents.taken, own.orders.taken, own.price_sheets.taken), (1, 1, 1));
    assert!(bench.store.catalog().policies(&number()).await.unwrap().ao_view_charges);
    let hierarchy = bench.store.catalog().hierarchy(&number()).await.unwrap();
    assert!(hierarchy.select(&"departments/D1".parse_scope()).is_some());

    let after = bench.state().await;
    let again = bench.apply(&files, "2025-01-02").await.unwrap();
    assert_eq!((again[0].documents.unchanged, again[0].orders.unchanged, again[0].price_sheets.unchanged), (1, 1, 1));
    assert_eq!(bench.state().await, after);
}

trait ParseScope {
    fn parse_scope(&self) -> ledger::Scope;
}

impl ParseScope for str {
    fn parse_scope(&self) -> ledger::Scope {
        ledger::Scope::parse(self).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_is_refused_and_changes_nothing() {
    let bench = Bench::native().await;
    bench.apply(&[bench.file("o.json", orders(&prepayment("p1", "2025-01-01", "10.00")))], "2025-01-01").await.unwrap();
    let before = bench.state().await;
    let order = |text: String| orders(&text);
    let returned = r#"{"type":"return","id":"r1","orderId":"nothing","date":"2025-01-05"}"#.to_owned();
    let table: [(&str, String, &str); 7] = [
        ("an order with other content", order(prepayment("P1", "2025-01-01", "11.00")), "OrderChanged"),
        ("a return of nothing", order(returned), "InvalidOrder"),
        ("a credit before the start", order(prepayment("p0", "2024-11-01", "1.00")), "BeforeStart"),
        ("another currency", enrollment("").replace("USD", "EUR"), "CurrencyMismatch"),
        ("prices in another currency", prices("202502", "0.20").replace("USD", "EUR"), "CurrencyMismatch"),
        ("an unknown enrollment", prices("202501", "1").replace("7654321", "1111111"), "UnknownEnrollment"),
        ("usage", crate::support::daily("2025-01-01", "1"), "OtherKind"),
    ];
    for (what, text, code) in table {
        let refused = bench.apply(&[bench.file("x.json", text)], "2025-01-02").await.unwrap_err();
        assert_eq!(refused.code(), code, "{what}: {refused}");
        assert!(refused.is_refusal(), "{what}");
        assert_eq!(bench.state().await, before, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_belongs_to_one_enrollment_at_a_time() {
    let bench = Bench::native().await;
    let before = bench.state().await;
    let other = bench.file("other.json", enrollment("").replace("7654321", "7654322"));
    let refused = bench.apply(std::slice::from_ref(&other), "2025-01-01").await.unwrap_err();
    assert!(matches!(refused, BillingError::Ownership { .. }), "{refused}");
    assert_eq!(bench.state().await, before);
}

const EXPORT: &str = "\
BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel,Tags,ResourceId
7654321,01/01/2025,1caaa5a3-2b66-438e-8ab4-bce37d518c5d,01/02/2025,m,1,7.5,7.5,USD,Usage,OnDemand,,/r/1
";
const BALANCES: &str = r#"{"id":"/providers/Microsoft.Billing/billingAccounts/7654321/billingPeriods/202501/providers/Microsoft.Consumption/balances/x","name":"x","type":"Microsoft.Consumption/balances","properties":{"currency":"USD","beginningBalance":1,"endingBalance":1,"newPurchases":0,"adjustments":0,"utilized":0,"serviceOverage":0,"chargesBilledSeparately":0,"totalOverage":0,"totalUsage":0,"azureMarketplaceServiceCharges":0,"billingFrequency":"Month","priceHidden":false}}"#;

fn importing(bench: &Bench, name: &str, text: &str) -> ImportOptions {
    let mut options = ImportOptions { paths: vec![bench.file(name, text)], ..ImportOptions::default() };
    options.fill.dataset = Some(ledger::Dataset::ActualCost);
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_is_native_or_mirrored_but_never_both() {
    for (name, text) in [("export.csv", EXPORT), ("balances.json", BALANCES)] {
        let native = Bench::native().await;
        let before = native.state().await;
        let refused = import(&native.store, &importing(&native, name, text), &NoProgress).await.unwrap_err();
        assert!(matches!(refused, ImportError::NativeEnrollment { .. }), "{name}: {refused}");
        assert_eq!(native.state().await, before);

        let mirrored = Bench::new().await;
        import(&mirrored.store, &importing(&mirrored, name, text), &NoProgress).await.unwrap();
        let before = mirrored.state().await;
        let file = mirrored.file("enrollment.json", enrollment(""));
        let refused = mirrored.apply(&[file], "2025-01-01").await.unwrap_err();
        assert!(matches!(refused, BillingError::Mirrored { .. }), "{name}: {refused}");
        assert_eq!(mirrored.state().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_benefit_over_mixed_usage_is_refused() {
    let bench = Bench::native().await;
    let usage = format!("{}{}", crate::support::daily("2025-01-05", "3"), crate::support::hourly("2025-01-05", 7, "1"));
    bench.usage("b1", "2025-01-06", &usage).await.unwrap();
    let before = bench.state().await;
    let file = bench.file("o.json", orders(&reservation("r1", "2025-01-03")));
    let refused = bench.apply(std::slice::from_ref(&file), "2025-01-06").await.unwrap_err();
    assert!(matches!(refused, BillingError::MixedUsage { .. }), "{refused}");
    assert_eq!(bench.state().await, before);
    bench.usage("b2", "2025-01-06", &crate::support::daily("2025-01-05", "-3")).await.unwrap();
    bench.apply(&[file], "2025-01-06").await.unwrap();
}
