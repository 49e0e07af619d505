//! What the tests share: a store, small documents and their texts.

use std::path::PathBuf;

use calendar::BillingPeriod;
use imports::Store;
use lazurite_billing::{
    AppliedEnrollment, ApplyOptions, BillingError, DocumentFill, IngestOptions, Ingested, Reopen, RunOptions,
    RunOutcome, UsageChecks, UsageInput, apply, ingest, run,
};
use ledger::billing::Instant;
use ledger::{BalanceAmount, Dataset, EnrollmentId};
use money::{Decimal, Limits, Total};

pub(crate) const SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";

pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) checks: UsageChecks,
}

/// An instant such as `2025-02-05` or `2025-02-05T12`.
pub(crate) fn at(text: &str) -> Instant {
    let (day, hour) = text.split_once('T').map_or((text, 0), |(day, hour)| (day, hour[..2].parse::<i64>().unwrap()));
    Instant(Instant::start_of(day.parse().unwrap()).0 + hour * 3_600_000_000)
}

pub(crate) fn number() -> EnrollmentId {
    EnrollmentId::parse("7654321").unwrap()
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("data")).await.unwrap();
        Self { folder, store, checks: UsageChecks::default() }
    }

    /// An enrollment from 202501 on, whose meter `vm` costs 0.10 an hour, stated at its beginning.
    pub(crate) async fn native() -> Self {
        let bench = Self::new().await;
        let files =
            [bench.file("enrollment.json", enrollment("")), bench.file("prices.json", prices("202501", "0.10"))];
        bench.apply(&files, "2025-01-01").await.unwrap();
        bench
    }

    /// Opens the same folder again, as another program.
    pub(crate) async fn reopened(self) -> Self {
        self.store.catalog().close().await;
        let store = Store::open(&self.folder.path().join("data")).await.unwrap();
        Self { folder: self.folder, store, checks: UsageChecks::default() }
    }

    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) async fn apply(&self, files: &[PathBuf], at: &str) -> Result<Vec<AppliedEnrollment>, BillingError> {
        apply(&self.store, files, &applying(at)).await
    }

    /// Takes usage lines strictly, as a batch of this id.
    pub(crate) async fn usage(&self, batch: &str, at: &str, lines: &str) -> Result<Ingested, BillingError> {
        self.ingest(batch, at, lines, true).await
    }

    pub(crate) async fn ingest(
        &self,
        batch: &str,
        at: &str,
        lines: &str,
        is_strict: bool,
    ) -> Result<Ingested, BillingError> {
        let input = UsageInput::file(&self.file("usage.ndjson", lines))?;
        let options = IngestOptions { received_at: self::at(at), is_strict, actor: "tester".to_owned() };
        ingest(&self.store, &self.checks, &number(), Some(batch), &input, &options).await
    }

    pub(crate) async fn bill(&self, as_of: &str) -> Result<RunOutcome, BillingError> {
        run(&self.store, &number(), &running(as_of)).await
    }

    /// Rows and exact cost of a dataset and period as the lake holds them.
    pub(crate) async fn held(&self, dataset: Dataset, period: &str) -> (u64, Decimal) {
        let snapshot = self.store.lake().snapshot().await.unwrap();
        let enrollment = number();
        let (mut rows, mut total) = (0, Total::default());
        for file in snapshot.files_of(&enrollment, dataset).filter(|file| file.period.to_string() == period) {
            rows += file.rows;
            total.add(decimal(&file.total)).unwrap();
        }
        (rows, total.value())
    }

    pub(crate) async fn actual(&self, period: &str) -> Decimal {
        self.held(Dataset::ActualCost, period).await.1
    }

    pub(crate) async fn balance(&self, period: &str, which: BalanceAmount) -> Option<String> {
        let held = self.store.catalog().balance(&number(), self::period(period)).await.unwrap()?;
        held.summary.amount(which).map(|amount| amount.to_string())
    }

    /// What must not change when something is refused.
    pub(crate) async fn state(&self) -> String {
        let catalog = self.store.catalog();
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            self.store.lake().newest_version().await.unwrap(),
            self.store.usage().newest_version().await.unwrap(),
            catalog.native_enrollments().await.unwrap(),
            catalog.native_inputs(&number()).await.unwrap(),
            catalog.native_state(&number()).await.unwrap(),
            catalog.policies(&number()).await.unwrap(),
            catalog.applied_hierarchy(&number()).await.unwrap(),
        )
    }
}

pub(crate) fn applying(at: &str) -> ApplyOptions {
    ApplyOptions {
        received_at: self::at(at),
        fill: DocumentFill::default(),
        actor: "tester".to_owned(),
        dry_run: false,
        reopen: None,
    }
}

pub(crate) fn running(as_of: &str) -> RunOptions {
    RunOptions { as_of: at(as_of), period: None, actor: "tester".to_owned(), reopen: None }
}

pub(crate) fn reopening(period: &str) -> Option<Reopen> {
    Some(Reopen { period: self::period(period), reason: "a forgotten order".to_owned() })
}

pub(crate) fn period(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

pub(crate) fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes(), Limits::TOTAL).unwrap().value
}

/// The enrollment document, with more members in front of the hierarchy.
pub(crate) fn enrollment(more: &str) -> String {
    format!(
        r#"{{"kind":"enrollment","number":"7654321","name":"Contoso","currency":"USD","start":"202501",{more}
        "departments":[{{"id":"D1"}},{{"id":"D2"}}],
        "accounts":[{{"id":"A1","department":[{{"id":"D1"}}]}},{{"id":"A2","department":[{{"id":"D2"}}]}}],
        "subscriptions":[{{"id":"{SUBSCRIPTION}","account":[{{"id":"A1"}}]}}]}}"#
    )
}

pub(crate) fn prices(from: &str, price: &str) -> String {
    format!(
        r#"{{"kind":"priceSheet","enrollment":"7654321","currency":"USD","from":"{from}","lines":[
        {{"meterId":"vm","unitOfMeasure":"1 Hour","unitPrice":"{price}"}}]}}"#
    )
}

pub(crate) fn orders(orders: &str) -> String {
    format!(r#"{{"kind":"orders","enrollment":"7654321","orders":[{orders}]}}"#)
}

pub(crate) fn prepayment(id: &str, date: &str, amount: &str) -> String {
    format!(r#"{{"type":"prepayment","id":"{id}","date":"{date}","amount":"{amount}"}}"#)
}

pub(crate) fn reservation(id: &str, date: &str) -> String {
    format!(
        r#"{{"type":"reservation","orderId":"{id}","reservationId":"{id}-r","date":"{date}","termMonths":12,"units":1,
        "price":"365.00","subscriptionId":"{SUBSCRIPTION}","meters":[{{"meterId":"vm"}}]}}"#
    )
}

/// A usage line of the meter `vm`; `when` is a member such as `"date":"2025-01-05"`.
pub(crate) fn vm(when: &str, quantity: &str) -> String {
    format!("{{\"subscriptionId\":\"{SUBSCRIPTION}\",\"meterId\":\"vm\",{when},\"quantity\":\"{quantity}\"}}\n")
}

pub(crate) fn daily(day: &str, quantity: &str) -> String {
    vm(&format!("\"date\":\"{day}\""), quantity)
}

pub(crate) fn hourly(day: &str, hour: u8, quantity: &str) -> String {
    vm(&format!("\"time\":\"{day}T{hour:02}:00:00Z\""), quantity)
}
