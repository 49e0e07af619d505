//! The worked examples, from their documents to the stored charges and balances.

use std::path::{Path, PathBuf};

use lazurite_billing::{IngestOptions, UsageInput, apply, ingest, native_paths, run};
use ledger::{BalanceAmount, Dataset};
use serde_json::Value;

use crate::support::{Bench, applying, at, decimal, number, running};

#[tokio::test(flavor = "multi_thread")]
async fn worked_examples_are_held_as_expected() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/native/examples");
    let mut examples: Vec<PathBuf> = std::fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect();
    examples.retain(|path| path.is_dir());
    examples.sort();
    assert_eq!(examples.len(), 20);
    for example in &examples {
        hold(example).await;
    }
}

async fn hold(example: &Path) {
    let bench = Bench::new().await;
    let expected: Value = serde_json::from_slice(&std::fs::read(example.join("expected.json")).unwrap()).unwrap();
    let mut inputs: Vec<PathBuf> = std::fs::read_dir(example).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.retain(|path| !path.ends_with("expected.json"));
    let inputs = native_paths(&inputs).unwrap();
    let alone = vec![expected.clone()];
    for step in expected["steps"].as_array().unwrap_or(&alone) {
        let as_of = step["asOf"].as_str().unwrap();
        let shown = format!("{} as of {as_of}", example.display());
        apply(&bench.store, &inputs.documents, &applying(as_of))
            .await
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        for usage in &inputs.usage {
            let options = IngestOptions { received_at: at(as_of), is_strict: true, actor: "tester".to_owned() };
            let input = UsageInput::file(usage).unwrap();
            ingest(&bench.store, &bench.checks, &number(), None, &input, &options)
                .await
                .unwrap_or_else(|error| panic!("{shown}: {error}"));
        }
        run(&bench.store, &number(), &running(as_of)).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
        check(&bench, step, &shown).await;
    }
}

/// Checks whole periods and balances; what single rows say is checked where they are served.
async fn check(bench: &Bench, step: &Value, shown: &str) {
    for check in step["checks"].as_array().into_iter().flatten() {
        if check["where"].as_object().is_some_and(|filter| !filter.is_empty()) {
            continue;
        }
        let dataset: Dataset = check["dataset"].as_str().unwrap().parse().unwrap();
        let (rows, total) = bench.held(dataset, check["period"].as_str().unwrap()).await;
        if let Some(expected) = check["rows"].as_u64() {
            assert_eq!(rows, expected, "{shown}: {check}");
        }
        if let Some(expected) = check["sum"]["CostInBillingCurrency"].as_str() {
            assert_eq!(total, decimal(expected), "{shown}: {check}");
        }
    }
    for balance in step["balances"].as_array().into_iter().flatten() {
        let period = balance["period"].as_str().unwrap();
        for which in BalanceAmount::ALL {
            let expected = balance[which.name()].as_str().map(str::to_owned);
            if expected.is_some() {
                assert_eq!(bench.balance(period, which).await, expected, "{shown}: {} of {period}", which.name());
            }
        }
    }
}
