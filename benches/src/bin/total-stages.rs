//! What measurements of totals need beside the program: a process that is warm, as a server is.
//!
//! ```text
//! total-stages STORE ENROLLMENT DATASET PERIOD COUNT
//! ```
//!
//! Asks for the total by day and category `COUNT` times and prints one JSON object: the totals, the seconds of the first
//! question, which reads the roll-ups, and those of each later one.

use std::process::ExitCode;
use std::time::Instant;

use calendar::BillingPeriod;
use imports::Store;
use lake::{Dimension, TotalsQuestion};
use ledger::{EnrollmentId, Window};
use serde_json::json;

const EXPECTED: &str = "expected: STORE ENROLLMENT DATASET PERIOD COUNT";

fn main() -> ExitCode {
    match measure(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("total-stages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [store, enrollment, dataset, period, count] = arguments else { return Err(EXPECTED.into()) };
    let enrollment = EnrollmentId::parse(enrollment)?;
    let question = TotalsQuestion {
        enrollment: &enrollment,
        dataset: dataset.parse()?,
        window: Window::Period(BillingPeriod::parse(period)?),
        by: &[Dimension::Day, Dimension::Category],
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open_existing(store.as_ref()).await?;
        let snapshot = store.lake().snapshot().await?;
        let begun = Instant::now();
        let sums = snapshot.totals(&question).await?;
        let first = begun.elapsed().as_micros();
        let mut micros = Vec::new();
        for _ in 0..count.parse()? {
            let begun = Instant::now();
            snapshot.totals(&question).await?;
            micros.push(begun.elapsed().as_micros());
        }
        let totals: Vec<_> =
            sums.iter().map(|(texts, sum)| json!([texts[0], texts[1], sum.cost.value().to_string()])).collect();
        println!("{}", json!({ "totals": totals, "first_micros": first, "micros": micros }));
        Ok(())
    })
}
