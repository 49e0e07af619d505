//! Starting and stopping.

use std::path::{Path, PathBuf};
use std::time::Duration;

use access::{Authenticator, Issuers};
use api::{ApiState, Intake, UsageNews, router};
use axum::middleware;
use catalog::Catalog;
use imports::Store;
use lake::leftover::{COLLECTION_PAUSE, ORPHAN_AGE};
use lake::{Lake, LakeRoot, UsageTable};
use pages::Pages;
use reports::{Reports, Workers};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::billing_clock::BillingClock;
use crate::compression::compressed;
use crate::connections::{Connections, Gate};
use crate::error::ServerError;
use crate::exchange::observe;
use crate::listener::{Listener, bind, url};
use crate::metrics::{Metrics, Traffic};
use crate::settings::Settings;
use crate::tls::{self, Tls};

/// How long requests under way, workers and the catalog are each waited for at the end.
const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a refusal waits for others like it before it goes to the audit log.
const REFUSALS_PAUSE: Duration = Duration::from_secs(1);

/// The way to a running server.
#[derive(Debug)]
pub struct Server;

/// A server that answers.
#[derive(Debug)]
pub struct RunningServer {
    /// Where it answers over HTTP, such as `http://127.0.0.1:8080`.
    pub http_url: String,
    /// Where it answers over HTTPS.
    pub https_url: String,
    /// The certificate that HTTPS clients trust; `None` when the owner brought a certificate: then it is the owner's
    /// authority, which only the owner knows.
    pub ca_path: Option<PathBuf>,
    /// The tenant of the store, for clients that log in.
    pub tenant: String,
    http: Listener,
    https: Listener,
    keeper: JoinHandle<()>,
    collection: JoinHandle<()>,
    billing: Option<JoinHandle<()>>,
    workers: Workers,
    refusals: JoinHandle<()>,
    state: ApiState,
    catalog: Catalog,
}

impl Server {
    /// Opens the store and answers on both listeners. Needs a Tokio runtime with all drivers.
    pub async fn start(settings: Settings) -> Result<RunningServer, ServerError> {
        // Before any client or server of TLS is made.
        tls::install_crypto_provider();
        check_writable(&settings.data)?;
        // Addresses first: a port in use is found before anything is made.
        let (plain, plain_address) = listen(settings.listen, "--listen").await?;
        let (secure, secure_address) = listen(settings.listen_tls, "--listen-tls").await?;

        let Tls { ca_path, config, keeper } = tls::prepare(&settings, OffsetDateTime::now_utc())?;

        let root = LakeRoot::local(&settings.data)?;
        let lake = Lake::open(root.clone()).await?;
        let catalog = Catalog::open(&settings.data).await?;
        let remembering = catalog.remembering().await?;
        let reports = Reports::open(catalog.clone(), lake.clone(), settings.reports.clone()).await?;
        let pages = Pages::open(remembering.clone(), lake.clone()).await?;
        let workers = Workers::start(&reports).await;
        let collection = tokio::spawn(collect(reports.clone(), pages.clone()));
        let issuers = Issuers::new(settings.issuers)?;
        let authenticator = Authenticator::open(remembering.clone(), issuers).await?;
        let tenant = authenticator.tenant().to_string();
        let store = Store::over(lake.clone(), UsageTable::open(root), catalog.clone());
        let news = UsageNews::default();
        let intake = Intake::new(store.clone(), news.clone(), settings.usage_bytes_max);
        let billing = settings.bill.is_on(settings.api.clock).then(|| {
            let clock = BillingClock::new(store, news, settings.bill_after);
            tokio::spawn(clock.run())
        });
        let traffic = Traffic::new();
        let mut state = ApiState::new(remembering.clone(), authenticator, lake, reports, pages, settings.api.clone())
            .with_intake(intake);
        if settings.metrics {
            state = state.with_metrics(Metrics::new(&traffic, catalog));
        }
        let refusals = tokio::spawn(write_refusals(state.clone()));
        let connections = Connections::new(settings.connections_max, traffic.connections.clone());
        let router = if settings.api.compress { compressed(router(state.clone())) } else { router(state.clone()) };
        let router = router.layer(middleware::from_fn_with_state(traffic, observe));

        let keeper = tokio::spawn(keeper.run(config.clone()));
        let plain = Gate { socket: plain, connections: connections.clone() };
        let secure = Gate { socket: secure, connections };
        let http = Listener::http(plain, plain_address, router.clone());
        let https = Listener::https(secure, secure_address, router, config);
        let (http_url, https_url) = (url("http", http.address), url("https", https.address));
        tracing::info!("answering on {http_url} and {https_url}");
        Ok(RunningServer {
            http_url,
            https_url,
            ca_path,
            tenant,
            http,
            https,
            keeper,
            collection,
            billing,
            workers,
            refusals,
            state,
            catalog: remembering,
        })
    }
}

impl RunningServer {
    /// Stops in bounded time: requests under way are answered, unfinished reports are given back for the next process,
    /// the catalog is closed. A worker may go on for one more batch on a thread of its own: a program that ends should
    /// not wait for its runtime's blocking threads.
    pub async fn shutdown(self) {
        self.keeper.abort();
        self.collection.abort();
        if let Some(billing) = &self.billing {
            billing.abort();
        }
        let stop_workers = async {
            if tokio::time::timeout(SHUTDOWN_TIME_MAX, self.workers.stop()).await.is_err() {
                tracing::warn!("the report workers did not stop in time; their leases will end");
            }
        };
        tokio::join!(self.http.stop(SHUTDOWN_TIME_MAX), self.https.stop(SHUTDOWN_TIME_MAX), stop_workers);
        self.refusals.abort();
        match tokio::time::timeout(SHUTDOWN_TIME_MAX, self.state.write_refusals()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot write the last refusals to the audit log: {error}"),
            Err(_) => tracing::warn!("the last refusals were not written to the audit log in time"),
        }
        if tokio::time::timeout(SHUTDOWN_TIME_MAX, self.catalog.close()).await.is_err() {
            tracing::warn!("the catalog did not close in time; its log is folded in at the next start");
        }
    }
}

async fn listen(
    address: std::net::SocketAddr,
    option: &'static str,
) -> Result<(TcpListener, std::net::SocketAddr), ServerError> {
    let socket = bind(address, option).await?;
    let bound = socket.local_addr().map_err(|source| ServerError::Listen { address, option, source })?;
    Ok((socket, bound))
}

/// Makes the data folder and tries to write to it, so that the user hears a sentence instead of a database's code.
fn check_writable(folder: &Path) -> Result<(), ServerError> {
    let probe = folder.join(format!(".write-test-{}", std::process::id()));
    let tried = lake::make_private(folder)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    tried.map_err(|source| ServerError::DataFolder { folder: folder.to_owned(), source })
}

/// Writes refusals to the audit log for as long as the server runs.
async fn write_refusals(state: ApiState) {
    loop {
        tokio::time::sleep(REFUSALS_PAUSE).await;
        if let Err(error) = state.write_refusals().await {
            tracing::error!(%error, "cannot write refusals to the audit log: {error}");
        }
    }
}

/// Removes old reports, blobs that nothing names, and what old walks through pages left, at the start and now and then.
async fn collect(reports: Reports, pages: Pages) {
    loop {
        if let Err(error) = pages.collect().await {
            tracing::error!(%error, "cannot forget old walks through pages: {error}");
        }
        if let Err(error) = reports.collect(ORPHAN_AGE).await {
            tracing::error!(%error, "cannot collect what old reports left: {error}");
        }
        tokio::time::sleep(COLLECTION_PAUSE).await;
    }
}
