//! One connection, from its first byte to its last.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Either;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::Watcher,
};
use strongroom_model::{
    circumstance::{Circumstances, RequestWords},
    name::RequestId,
    time::Timestamp,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{Role, progress::Progress};
use crate::{admin, app::App, key_service, pipeline};

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
    /// Where, when and how a request of this connection arrived.
    pub(crate) fn circumstances(
        &self,
        request: impl Into<Option<RequestId>>,
        now: Timestamp,
        words: RequestWords,
    ) -> Circumstances {
        Circumstances {
            request: request.into(),
            source: Some(self.address.ip().to_canonical()),
            tls: self.tls,
            now,
            words,
        }
    }

    /// Whether the other end is on this host.
    pub(crate) fn is_local(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}

/// A connection that has just been accepted.
pub(super) struct Arrival {
    /// The server.
    pub(super) app: Arc<App>,
    /// What is served on it.
    pub(super) role: Role,
    /// Accepts TLS.
    pub(super) tls: TlsAcceptor,
    /// The socket.
    pub(super) stream: TcpStream,
    /// The other end.
    pub(super) address: SocketAddr,
    /// Tells when the connection is to end after the request under way.
    pub(super) watcher: Watcher,
    /// Turns true when no new work is to begin.
    pub(super) stop: watch::Receiver<bool>,
}

/// Serves requests on a connection until either side ends it.
pub(super) async fn serve(arrival: Arrival) {
    let Arrival { app, role, tls, stream, address, watcher, mut stop } = arrival;
    let shaken = tokio::select! {
        shaken = timeout(HANDSHAKE, shake_hands(&app, role, &tls, stream)) => shaken,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match shaken {
        Ok(Ok(Greeted::Plain(stream))) => {
            serve_http(app, role, stream, Peer { address, tls: false }, watcher).await;
        }
        Ok(Ok(Greeted::Encrypted(stream))) => {
            serve_http(app, role, *stream, Peer { address, tls: true }, watcher).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, peer = %address, "the connection did not begin well"),
        Err(_) => tracing::debug!(peer = %address, "the connection took too long to begin"),
    }
}

/// A connection that is ready for requests.
enum Greeted {
    Plain(Progress<TcpStream>),
    Encrypted(Box<TlsStream<Progress<TcpStream>>>),
}

async fn shake_hands(app: &App, role: Role, tls: &TlsAcceptor, stream: TcpStream) -> io::Result<Greeted> {
    let encrypted = match role {
        Role::Objects => false,
        Role::ObjectsTls => true,
        Role::Keys | Role::Admin => starts_tls(&stream).await?,
    };
    let stream = Progress::new(stream, Duration::from_secs(app.limits.stall_seconds));
    if encrypted { Ok(Greeted::Encrypted(Box::new(tls.accept(stream).await?))) } else { Ok(Greeted::Plain(stream)) }
}

async fn starts_tls(stream: &TcpStream) -> io::Result<bool> {
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
                Role::Keys => key_service::handle(&app, peer, request).await.map(Either::Left),
                Role::Admin => Box::pin(admin::handle(&app, peer, request)).await.map(Either::Right),
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
