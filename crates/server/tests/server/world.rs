//! A store with two enrollments and a server over it.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use access::{KeyHolder, Role, issue_key};
use calendar::BillingPeriod;
use catalog::{Catalog, EnrollmentEntry, FinishedJob, ImportEntry, UnitEntry};
use lazurite_server::{Overrides, RunningServer, Server, Settings};
use ledger::{Coverage, Dataset, EnrollmentId, Place, Publishers, RunTime, Scope, Unit};
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

/// The caller's enrollment; ActualCost of September 2023 is held.
pub(crate) const OWN: &str = "8611537";
pub(crate) const OTHER: &str = "9000001";
pub(crate) const OWN_SUBSCRIPTION: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
pub(crate) const OTHER_SUBSCRIPTION: &str = "ed570627-0265-4620-bb42-bae06bcfa914";
pub(crate) const NOBODYS_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";
pub(crate) const VERSION: &str = "api-version=2022-10-01";

pub(crate) struct World {
    pub(crate) server: RunningServer,
    pub(crate) catalog: Catalog,
    pub(crate) client: Client,
    /// A key of the caller's enrollment.
    pub(crate) key: String,
    pub(crate) folder: TempDir,
}

/// Settings of tests: free ports, no workers, so that reports stay as the test puts them, and no billing but the
/// test's own.
pub(crate) fn overrides(data: &Path) -> Overrides {
    Overrides {
        data: Some(data.to_owned()),
        listen: Some("127.0.0.1:0".into()),
        listen_tls: Some("127.0.0.1:0".into()),
        workers: Some(0),
        bill: Some("off".into()),
        ..Overrides::default()
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Overrides)) -> Self {
        Self::start_configured(None, change).await
    }

    /// With a configuration file beneath the settings.
    pub(crate) async fn start_configured(config: Option<&Path>, change: impl FnOnce(&mut Overrides)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut overrides = overrides(folder.path());
        change(&mut overrides);
        let server = Server::start(Settings::load(config, &overrides).unwrap()).await.unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let import = entry();
        catalog.take_over(import.version, Some(&import)).await.unwrap();
        let own = EnrollmentId::parse(OWN).unwrap();
        let key = issue_key(&catalog, &reader_of(own), "test", now_ms()).await.unwrap().key.reveal().to_owned();
        let authority = server.ca_path.iter().map(|path| Certificate::from_pem(&std::fs::read(path).unwrap()).unwrap());
        let client = Client::builder().no_proxy().tls_certs_only(authority).build().unwrap();
        Self { server, catalog, client, key, folder }
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The public id of the key: the client id of logins.
    pub(crate) async fn key_id(&self) -> String {
        self.catalog.keys().await.unwrap().remove(0).id
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server.http_url))
    }

    pub(crate) fn post_form(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let encoded = reqwest::Url::parse_with_params("http://form", form).unwrap();
        let body = encoded.query().unwrap_or_default().to_owned();
        self.ask(Method::POST, path).header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    pub(crate) fn ask_with_key(&self, method: Method, path: &str) -> RequestBuilder {
        self.ask(method, path).bearer_auth(&self.key)
    }

    /// Orders a report of the caller's enrollment.
    pub(crate) async fn order(&self, body: &str) -> Response {
        self.order_at(&own_scope(), VERSION, body).await
    }

    pub(crate) async fn order_at(&self, scope: &str, query: &str, body: &str) -> Response {
        self.ask_with_key(Method::POST, &create_path(scope, query))
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    }

    /// Orders a report and gives the path of its operation.
    pub(crate) async fn ordered(&self, scope: &str, body: &str) -> String {
        let answer = self.order_at(scope, VERSION, body).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let location = header(&answer, "location");
        location.strip_prefix(&self.server.http_url).unwrap().to_owned()
    }

    /// Orders a report and waits for the workers' answer.
    pub(crate) async fn answered(&self, scope: &str, query: &str, body: &str) -> Value {
        let order = self.order_at(scope, query, body).await;
        assert_eq!(order.status(), StatusCode::ACCEPTED);
        let location = header(&order, "location");
        loop {
            let answer = self.client.get(&location).bearer_auth(&self.key).send().await.unwrap();
            match answer.status() {
                StatusCode::ACCEPTED => tokio::task::yield_now().await,
                StatusCode::OK => return answer.json().await.unwrap(),
                status => panic!("{status}"),
            }
        }
    }

    /// Plays the worker for the oldest order.
    pub(crate) async fn finish(&self, end: &FinishedJob) -> String {
        let job = self.catalog.claim_job("test", now_ms(), i64::MAX).await.unwrap().unwrap();
        assert!(self.catalog.finish_job(&job.id, "test", end, now_ms()).await.unwrap());
        job.id
    }

    pub(crate) async fn stored_question(&self) -> Value {
        let job = self.catalog.claim_job("test", now_ms(), i64::MAX).await.unwrap().unwrap();
        serde_json::from_str(&job.request).unwrap()
    }

    pub(crate) fn blob_path(&self, job: &str, name: &str) -> PathBuf {
        let folder = self.data().join("reports").join(job);
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(name)
    }
}

pub(crate) fn reader_of(enrollment: EnrollmentId) -> KeyHolder {
    KeyHolder { scope: Scope::BillingAccount(enrollment.clone()), enrollment, role: Role::EnterpriseReader }
}

pub(crate) fn entry() -> ImportEntry {
    let enrollment = |number: &str, subscription: &str| EnrollmentEntry {
        number: EnrollmentId::parse(number).unwrap(),
        name: None,
        currency: Some("USD".parse().unwrap()),
        places: vec![Place { subscription_id: Some(subscription.to_owned()), ..Place::default() }],
    };
    let own = EnrollmentId::parse(OWN).unwrap();
    let unit = Unit {
        enrollment: own.clone(),
        scope: Scope::BillingAccount(own),
        publishers: Publishers::All,
        dataset: Dataset::ActualCost,
        coverage: Coverage::Period(BillingPeriod::new(2023, 9).unwrap()),
    };
    ImportEntry {
        id: uuid::Uuid::new_v4().to_string(),
        actor: "test".into(),
        version: 0,
        committed_at_ms: 0,
        enrollments: vec![enrollment(OWN, OWN_SUBSCRIPTION), enrollment(OTHER, OTHER_SUBSCRIPTION)],
        units: vec![UnitEntry { unit, run_time: RunTime(0), content: "made".into(), incomplete: false, empty: false }],
        record: "{}".into(),
        billing: None,
    }
}

pub(crate) fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub(crate) fn own_scope() -> String {
    format!("providers/Microsoft.Billing/billingAccounts/{OWN}")
}

pub(crate) fn create_path(scope: &str, query: &str) -> String {
    format!("/{scope}/providers/Microsoft.CostManagement/generateCostDetailsReport?{query}")
}

pub(crate) fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Status, code and message of an error answer, whose body has the one shape that errors have.
pub(crate) async fn error_of(answer: Response) -> (u16, String, String) {
    assert_eq!(header(&answer, "content-type"), "application/json; charset=utf-8");
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    assert_eq!(body["error"].as_object().unwrap().len(), 2, "{body}");
    let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    (status, text("code"), text("message"))
}
