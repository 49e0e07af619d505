//! What a metrics scrape reads, in the OpenMetrics text format that Prometheus takes.
//!
//! Requests and connections are those of this process. What the store holds is asked of the catalog at each scrape, so
//! that several processes and restarts agree. Labels come from closed sets (names of routes, known methods, states), so
//! that neither an id nor anything that a caller wrote can be in them. Seconds are the only floating point here.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use api::MetricsSource;
use axum::http::Method;
use catalog::{Catalog, JobState};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Every name begins with it.
const PREFIX: &str = "lazurite";
/// Upper bounds in seconds. A poll takes a millisecond, an order a few, an import beside it makes both wait.
const DURATION_BUCKETS_S: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Methods that are told apart; a caller may make others up.
static METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::CONNECT,
    Method::TRACE,
];

/// The name of a method in metrics and logs.
pub(crate) fn method_name(method: &Method) -> &'static str {
    METHODS.iter().find(|known| *known == method).map_or("other", Method::as_str)
}

/// Which requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestKind {
    pub(crate) route: &'static str,
    pub(crate) method: &'static str,
    pub(crate) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

/// What this process counts.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    requests: Family<RequestKind, Counter>,
    durations: Family<RouteLabel, Histogram, fn() -> Histogram>,
    bytes: Family<RouteLabel, Counter>,
    pub(crate) in_flight: Gauge,
    pub(crate) connections: Gauge,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS_S)),
            bytes: Family::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
        }
    }

    /// Counts an answer that began after `duration`.
    pub(crate) fn answered(&self, kind: &RequestKind, duration: Duration) {
        self.requests.get_or_create(kind).inc();
        self.durations.get_or_create(&RouteLabel { route: kind.route }).observe(duration.as_secs_f64());
    }

    /// Counts what an answer has sent.
    pub(crate) fn sent(&self, route: &'static str, bytes: u64) {
        self.bytes.get_or_create(&RouteLabel { route }).inc_by(bytes);
    }
}

/// The metrics of a server.
#[derive(Debug)]
pub(crate) struct Metrics {
    process: Registry,
    catalog: Catalog,
    /// Scrapes wait for each other: many at once must not take the catalog from reports.
    one_at_a_time: tokio::sync::Mutex<()>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Metrics {
    pub(crate) fn new(traffic: &Traffic, catalog: Catalog) -> Arc<Self> {
        let mut process = Registry::with_prefix(PREFIX);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        process.register("build", "The program that answers", version);
        process.register(
            "http_requests",
            "Requests whose answer has begun, by route, method and status",
            traffic.requests.clone(),
        );
        process.register_with_unit(
            "http_request_duration",
            "Time from a request's head to the beginning of its answer",
            Unit::Seconds,
            traffic.durations.clone(),
        );
        process.register(
            "http_requests_in_flight",
            "Requests whose answer has not been sent yet",
            traffic.in_flight.clone(),
        );
        process.register_with_unit("http_response", "Bytes of bodies sent", Unit::Bytes, traffic.bytes.clone());
        process.register("connections", "Open connections", traffic.connections.clone());
        Arc::new(Self { process, catalog, one_at_a_time: tokio::sync::Mutex::new(()) })
    }

    /// What the catalog knows, one question per family of numbers.
    async fn store(&self) -> Result<Registry, Failure> {
        let _turn = self.one_at_a_time.lock().await;
        let (jobs, counts) = (self.catalog.job_counts().await?, self.catalog.store_counts().await?);
        let mut store = Registry::with_prefix(PREFIX);
        let reports = Family::<StateLabel, Gauge<u64, AtomicU64>>::default();
        let durations = Family::<StateLabel, Counter<f64, AtomicU64>>::default();
        for state in JobState::ALL {
            let found = jobs.iter().find(|found| found.state == state);
            let label = StateLabel { state: state.as_str() };
            reports.get_or_create(&label).set(found.map_or(0, |found| found.jobs));
            if state.is_finished() {
                let taken_ms = found.map_or(0, |found| found.taken_ms);
                durations.get_or_create(&label).inc_by(Duration::from_millis(taken_ms).as_secs_f64());
            }
        }
        store.register("reports", "Reports in the catalog; queued and running ones are the queue", reports);
        store.register_with_unit(
            "report_duration",
            "Time from order to end of all finished reports together; lazurite_reports of the same state is their number",
            Unit::Seconds,
            durations,
        );
        store.register("imports", "Imports taken over from the lake", ConstCounter::new(counts.imports));
        store.register("enrollments", "Enrollments known", ConstGauge::new(counts.enrollments));
        if let Some(revision) = counts.revision {
            store.register("revision", "Newest revision of the lake that was taken over", ConstGauge::new(revision));
        }
        Ok(store)
    }
}

impl MetricsSource for Metrics {
    fn exposition(&self) -> api::Exposition<'_> {
        Box::pin(async {
            let store = self.store().await?;
            let mut text = String::new();
            encode_registry(&mut text, &self.process)?;
            encode_registry(&mut text, &store)?;
            encode_eof(&mut text)?;
            Ok(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_named_by_their_own_names_or_not_at_all() {
        for method in &METHODS {
            assert_eq!(method_name(method), method.as_str());
        }
        assert_eq!(method_name(&Method::from_bytes(b"lzk_SECRET").unwrap()), "other");
    }
}
