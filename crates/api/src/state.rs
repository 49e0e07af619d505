//! What every handler can reach.

use std::sync::Arc;

use access::Authenticator;
use catalog::Catalog;
use formats::Layout;
use lake::Lake;
use pages::Pages;
use reports::Reports;

use crate::address::PublicUrl;
use crate::clock::Clock;
use crate::metrics::MetricsSource;
use crate::native::Intake;
use crate::proxies::TrustedProxies;
use crate::refusals::Refusals;

/// How requests are answered.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Where clients reach this server; without it links follow the request (DESIGN 4.11).
    pub public_url: Option<PublicUrl>,
    /// Whose forwarded headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// How long a client is told to wait before it polls again; 0 is allowed.
    pub retry_after_s: u32,
    /// Columns of a report that asks for none.
    pub default_layout: Layout,
    /// Whether the limits of the original apply (DESIGN 4.13).
    pub emulate: bool,
    /// Whether a list without rows is a 204 where the version says so; else it is an empty list, which clients that cannot
    /// read a 204 take.
    pub no_content: bool,
    /// Whether answers are compressed for clients that accept that.
    pub compress: bool,
    /// What "current period" means.
    pub clock: Clock,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            trusted_proxies: TrustedProxies::default(),
            retry_after_s: 1,
            default_layout: Layout::Ea20240801,
            emulate: false,
            no_content: true,
            compress: true,
            clock: Clock::System,
        }
    }
}

/// A store and how to answer from it. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct ApiState {
    pub(crate) catalog: Catalog,
    pub(crate) authenticator: Authenticator,
    pub(crate) lake: Lake,
    pub(crate) reports: Reports,
    pub(crate) pages: Pages,
    pub(crate) refusals: Refusals,
    pub(crate) settings: Arc<ApiSettings>,
    pub(crate) metrics: Option<Arc<dyn MetricsSource>>,
    pub(crate) intake: Option<Intake>,
}

impl ApiState {
    /// Answers from a store.
    pub fn new(
        catalog: Catalog,
        authenticator: Authenticator,
        lake: Lake,
        reports: Reports,
        pages: Pages,
        settings: ApiSettings,
    ) -> Self {
        let (refusals, settings) = (Refusals::default(), Arc::new(settings));
        Self { catalog, authenticator, lake, reports, pages, refusals, settings, metrics: None, intake: None }
    }

    /// Answers scrapes from `source`; without one there is no such path.
    #[must_use]
    pub fn with_metrics(mut self, source: Arc<dyn MetricsSource>) -> Self {
        self.metrics = Some(source);
        self
    }

    /// Takes usage of native enrollments; without an intake there are no such paths.
    #[must_use]
    pub fn with_intake(mut self, intake: Intake) -> Self {
        self.intake = Some(intake);
        self
    }

    /// Writes the refusals of late to the audit log; to be called every now and then, and at the end.
    pub async fn write_refusals(&self) -> Result<(), catalog::CatalogError> {
        self.refusals.write(&self.catalog).await
    }
}
