//! One connection, from its first byte to its last.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Either;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::Watcher,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{Role, progress::Progress};
use crate::{admin, app::App, pipeline};

/// Read buffer of a connection, in bytes. It keeps copies from the socket inside the second-level cache, and bounds a
/// request head: hyper answers 431 to a longer one, and to more than 100 header fields.
const BUFFER_BYTES: usize = 64 * 1024;

/// What a client may take for its TLS handshake: ten round trips from the far side of the world.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The first byte of a TLS connection: the record type of a handshake.
const TLS_HANDSHAKE_RECORD: u8 = 22;

/// The other end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// Whether nobody between can read along.
    pub(crate) tls: bool,
}

impl Peer {
    /// Whether the other end is on this host.
    pub(crate) fn is_local(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}

/// Serves requests on a connection until either side ends it.
pub(super) async fn serve(
    app: Arc<App>,
    role: Role,
    tls: TlsAcceptor,
    stream: TcpStream,
    address: SocketAddr,
    watcher: Watcher,
) {
    let encrypted = match role {
        Role::Objects => false,
        Role::ObjectsTls => true,
        Role::Admin => match timeout(HANDSHAKE, starts_tls(&stream)).await {
            Ok(Ok(starts)) => starts,
            _ => return,
        },
    };
    let peer = Peer { address, tls: encrypted };
    let stream = Progress::new(stream, Duration::from_secs(app.limits.stall_seconds));
    if !encrypted {
        return serve_http(app, role, stream, peer, watcher).await;
    }
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve_http(app, role, stream, peer, watcher).await,
        Ok(Err(error)) => tracing::debug!(%error, peer = %address, "TLS handshake failed"),
        Err(_) => tracing::debug!(peer = %address, "TLS handshake took too long"),
    }
}

async fn starts_tls(stream: &TcpStream) -> std::io::Result<bool> {
    let mut first = [0];
    Ok(stream.peek(&mut first).await? == 1 && first == [TLS_HANDSHAKE_RECORD])
}

async fn serve_http<S>(app: Arc<App>, role: Role, stream: S, peer: Peer, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let head_timeout = Duration::from_secs(app.limits.head_seconds);
    let service = service_fn(move |request: Request<Incoming>| {
        let app = Arc::clone(&app);
        async move {
            Ok::<_, Infallible>(match role {
                Role::Objects | Role::ObjectsTls => pipeline::handle(&app, peer, request).await.map(Either::Left),
                Role::Admin => admin::handle(&app, peer, request).await.map(Either::Right),
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, peer = %peer.address, "connection ended early");
    }
}
