//! Listeners for HTTP and HTTPS over one router.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use api::Scheme;
use axum::{Extension, Router};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::connections::{Gate, Peer};
use crate::error::ServerError;

/// A client that takes longer to send its request's head, or to send another request, is let go.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// Longest head of a request: a bearer token of 8 KiB and a path fit in well.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Most headers of a request.
const HEADERS_MAX: usize = 100;

/// A listener that serves.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    handle: Handle<Peer>,
    task: JoinHandle<()>,
}

/// Takes an address; `option` is how the user names another one.
pub(crate) async fn bind(address: SocketAddr, option: &'static str) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => ServerError::AddressInUse { address, option },
        ErrorKind::PermissionDenied => ServerError::ListenPrivilege { address, option },
        _ => ServerError::Listen { address, option, source },
    })
}

impl Listener {
    /// Serves plain HTTP.
    pub(crate) fn http(gate: Gate, address: SocketAddr, router: Router) -> Self {
        let router = router.layer(Extension(Scheme::Http));
        let handle = Handle::new();
        let mut server = Server::from_listener(gate).handle(handle.clone()).http1_only();
        limit(server.http_builder());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move { report(server.serve(service).await, address) });
        Self { address, handle, task }
    }

    /// Serves HTTPS. The configuration may be exchanged while it runs.
    pub(crate) fn https(gate: Gate, address: SocketAddr, router: Router, config: RustlsConfig) -> Self {
        let router = router.layer(Extension(Scheme::Https));
        let handle = Handle::new();
        let acceptor = RustlsAcceptor::new(config);
        let mut server = Server::from_listener(gate).handle(handle.clone()).acceptor(acceptor).http1_only();
        limit(server.http_builder());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move { report(server.serve(service).await, address) });
        Self { address, handle, task }
    }

    /// Takes no more connections and waits for requests under way, up to a limit.
    pub(crate) async fn stop(self, time_max: Duration) {
        self.handle.graceful_shutdown(Some(time_max));
        // Longer than the limit of the handle by what it takes to notice.
        if tokio::time::timeout(time_max + Duration::from_secs(1), self.task).await.is_err() {
            tracing::warn!("the listener on {} did not stop in time", self.address);
        }
    }
}

fn limit<E>(builder: &mut hyper_util::server::conn::auto::Builder<E>) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
}

fn report(served: std::io::Result<()>, address: SocketAddr) {
    if let Err(error) = served {
        tracing::error!(%error, "stopped listening on {address}: {error}");
    }
}

/// The address as a client on this machine writes it.
pub(crate) fn url(scheme: &str, address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}
