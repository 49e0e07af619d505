//! The limit on connections, over both listeners together.
//!
//! A connection beyond the limit waits until another one ends: one per listener is taken and held, the rest stay with
//! the operating system. Nobody waits for ever, because idle connections are let go.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A full server says so once in this time.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// All connections of a server.
#[derive(Debug, Clone)]
pub(crate) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    permits: Arc<Semaphore>,
    max: usize,
    open: Gauge,
    warned: Mutex<Option<Instant>>,
}

/// A place among the connections, until it is dropped.
#[derive(Debug)]
struct Place {
    _permit: OwnedSemaphorePermit,
    open: Gauge,
}

impl Connections {
    /// At most `max`; `open` shows how many there are.
    pub(crate) fn new(max: usize, open: Gauge) -> Self {
        Self(Arc::new(Shared { permits: Arc::new(Semaphore::new(max)), max, open, warned: Mutex::new(None) }))
    }

    async fn enter(&self) -> Place {
        let permits = &self.0.permits;
        let permit = match Arc::clone(permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.warn();
                Arc::clone(permits).acquire_owned().await.expect("the semaphore is never closed")
            }
        };
        self.0.open.inc();
        Place { _permit: permit, open: self.0.open.clone() }
    }

    fn warn(&self) {
        let mut warned = self.0.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|warned| warned.elapsed() >= WARN_EVERY) {
            *warned = Some(Instant::now());
            let max = self.0.max;
            tracing::warn!("all {max} connections are in use; others wait (the setting connections_max)");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// A listening socket whose connections are counted.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) socket: TcpListener,
    pub(crate) connections: Connections,
}

/// The address at the other end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(SocketAddr);

impl Connected<Peer> for SocketAddr {
    fn connect_info(peer: Peer) -> Self {
        peer.0
    }
}

impl Address for Peer {
    type Stream = Connection;
    type Listener = Gate;
}

impl AddrListener<Connection, Peer> for Gate {
    async fn bind_to(_: Peer) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "a gate is made from a socket that listens"))
    }

    async fn accept_stream(&self) -> io::Result<(Connection, Peer)> {
        // In this order: a listener that waited with a place in its hands would take it from the other one.
        let (stream, peer) = self.socket.accept().await?;
        stream.set_nodelay(true)?;
        let place = self.connections.enter().await;
        Ok((Connection { stream, _place: place }, Peer(peer)))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.socket.local_addr().map(Peer)
    }
}

/// A connection, which has its place until it is closed.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    _place: Place,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
