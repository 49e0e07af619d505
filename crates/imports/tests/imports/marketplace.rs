//! Marketplace charges from answers of their own beside exports that have them too: they are held once.

use std::path::PathBuf;

use lazurite_imports::{ImportError, ImportOptions, ImportOutcome};
use ledger::{Dataset, EnrollmentId};

use crate::support::Bench;

const SUBSCRIPTION: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
const EMPTY: &str = r#"{"value":[]}"#;

fn export(with_marketplace: bool) -> String {
    let mut text = format!(
        "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
         BillingCurrencyCode,ChargeType,PublisherType,PricingModel\n\
         100,09/01/2023,{SUBSCRIPTION},09/02/2023,a,1,7,7,USD,Usage,Azure,OnDemand\n"
    );
    if with_marketplace {
        let row = format!("100,09/01/2023,{SUBSCRIPTION},09/02/2023,m,3,0.5,1.5,USD,Usage,Marketplace,OnDemand\n");
        text.push_str(&row);
    }
    text
}

/// The Marketplace charge as the Consumption API says it, and as Enterprise Reporting does.
fn answers() -> [String; 2] {
    let consumption = format!(
        "{{\"value\":[{{\"type\":\"Microsoft.Consumption/usageDetails\",\"properties\":{{\"usageStart\":\"2023-09-02T00:00:00Z\",\
         \"usageEnd\":\"2023-09-02T23:59:59Z\",\"instanceId\":\"/i\",\"consumedQuantity\":3,\"pretaxCost\":1.5,\"currency\":\"USD\",\
         \"subscriptionGuid\":\"{SUBSCRIPTION}\"}}}}]}}"
    );
    let reporting = format!(
        "[{{\"subscriptionGuid\":\"{SUBSCRIPTION}\",\"meterId\":\"m\",\"usageStartDate\":\"2023-09-02T00:00:00\",\
         \"usageEndDate\":\"2023-09-02T23:59:59\",\"instanceId\":\"/i\",\"consumedQuantity\":3,\"extendedCost\":1.5}}]"
    );
    [consumption, reporting]
}

impl Bench {
    async fn import_all(
        &self,
        files: &[(&str, &str)],
        change: impl FnOnce(&mut ImportOptions),
    ) -> Result<ImportOutcome, ImportError> {
        let paths: Vec<PathBuf> = files.iter().map(|(name, text)| self.file(name, text)).collect();
        let mut options = ImportOptions { paths, actor: "tester".to_owned(), ..ImportOptions::default() };
        options.fill.enrollment = Some(EnrollmentId::parse("100").unwrap());
        options.fill.currency = Some("USD".parse().unwrap());
        options.fill.dataset = Some(Dataset::ActualCost);
        change(&mut options);
        self.import(options).await
    }
}

fn of_september(options: &mut ImportOptions) {
    options.fill.period = Some("202309".parse().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_does_not_take_them_twice() {
    let bench = Bench::new().await;
    let [consumption, reporting] = answers();
    for answer in [&consumption, &reporting] {
        let both = [("export.csv", export(true)), ("answer.json", answer.clone())];
        let both = both.each_ref().map(|(name, text)| (*name, text.as_str()));
        for dry_run in [true, false] {
            let refused = bench.import_all(&both, |options| options.dry_run = dry_run).await.unwrap_err();
            assert!(
                matches!(&refused, ImportError::Ambiguous { reason } if reason.contains("would count twice")),
                "{refused}"
            );
        }
    }
    let forms = [("a.json", consumption.as_str()), ("b.json", reporting.as_str())];
    let refused = bench.import_all(&forms, |_| {}).await.unwrap_err();
    assert!(refused.to_string().contains("count charges twice"), "{refused}");
    assert_eq!(bench.version().await, 0);
    let beside = [("export.csv", export(false)), ("answer.json", consumption.clone())];
    let beside = beside.each_ref().map(|(name, text)| (*name, text.as_str()));
    let taken = bench.import_all(&beside, |_| {}).await.unwrap();
    assert_eq!(taken.imported.iter().map(|own| own.total.as_str()).collect::<Vec<_>>(), ["7", "1.5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_items_empties_nothing_unless_somebody_says_so() {
    let bench = Bench::new().await;
    bench.import_all(&[("export.csv", &export(false))], |_| {}).await.unwrap();
    let refused = bench.import_all(&[("empty.json", EMPTY)], of_september).await.unwrap_err();
    assert!(matches!(refused, ImportError::EmptyAnswer { .. }), "{refused}");
    assert_eq!(bench.version().await, 1);
    let emptied = |options: &mut ImportOptions| {
        of_september(options);
        options.force = true;
    };
    let done = bench.import_all(&[("empty.json", EMPTY)], emptied).await.unwrap();
    assert_eq!((done.imported[0].rows, done.imported[0].total.as_str()), (0, "0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_takes_their_place_once_they_are_emptied() {
    let bench = Bench::new().await;
    let [consumption, _] = answers();
    bench.import_all(&[("first.csv", &export(false))], |_| {}).await.unwrap();
    bench.import_all(&[("answer.json", &consumption)], |_| {}).await.unwrap();
    let all = export(true);
    let dry = bench.import_all(&[("export.csv", &all)], |options| options.dry_run = true).await.unwrap_err();
    let refused = bench.import_all(&[("export.csv", &all)], |_| {}).await.unwrap_err();
    assert!(matches!(refused, ImportError::MarketplaceTwice { .. }), "{refused}");
    assert_eq!(dry.to_string(), refused.to_string());
    let advice = refused.to_string();
    assert!(advice.contains("of the Marketplace alone") && advice.contains("--marketplace"), "{advice}");
    let of_marketplace = |options: &mut ImportOptions| {
        of_september(options);
        options.fill.marketplace = true;
    };
    bench.import_all(&[("empty.json", EMPTY)], of_marketplace).await.unwrap();
    let taken = bench.import_all(&[("export.csv", &export(true))], |_| {}).await.unwrap();
    assert_eq!((taken.imported[0].rows, taken.imported[0].total.as_str()), (2, "8.5"));
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_and_prices_in_two_currencies_are_refused_together() {
    let bench = Bench::new().await;
    let prices =
        "EnrollmentNumber,MeterID,UnitOfMeasure,PartNumber,UnitPrice,CurrencyCode\n100,m,1 Hour,AAA-1,0.5,EUR\n";
    let both = [("export.csv", export(false)), ("prices.csv", prices.to_owned())];
    let both = both.each_ref().map(|(name, text)| (*name, text.as_str()));
    for dry_run in [true, false] {
        let asked = |options: &mut ImportOptions| {
            of_september(options);
            options.fill.currency = None;
            options.dry_run = dry_run;
        };
        let refused = bench.import_all(&both, asked).await.unwrap_err();
        assert!(matches!(refused, ImportError::TwoCurrencies { .. }), "{refused}");
        assert_eq!(refused.code(), "CurrencyMismatch");
    }
    assert_eq!(bench.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_of_other_days_are_not_held_twice() {
    let bench = Bench::new().await;
    let of_days = |days: &'static str| move |options: &mut ImportOptions| options.days = Some(days.parse().unwrap());
    bench.import_all(&[("first.csv", &export(true))], of_days("2023-09-01..2023-09-10")).await.unwrap();
    let later = export(false).replace("09/02/2023", "09/12/2023");
    bench.import_all(&[("later.csv", &later)], of_days("2023-09-11..2023-09-20")).await.unwrap();
    let [consumption, _] = answers();
    let answer = consumption.replace("2023-09-02", "2023-09-15");
    bench.import_all(&[("answer.json", &answer)], of_days("2023-09-11..2023-09-20")).await.unwrap();
    let of_first = bench.import_all(&[("answer.json", &consumption)], of_days("2023-09-02..2023-09-12")).await;
    let refused = of_first.unwrap_err();
    assert!(matches!(refused, ImportError::MarketplaceTwice { .. }), "{refused}");
    assert!(refused.to_string().contains("revision 1"), "the one that has them: {refused}");
}
