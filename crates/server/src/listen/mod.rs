//! Sockets: bind, accept, serve, stop.

mod bind;
mod connection;
mod progress;
pub(crate) mod tls;

use std::{sync::Arc, time::Duration};

use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;

use crate::{app::App, task};

pub(crate) use bind::{BindError, Bound, bind};
pub(crate) use connection::Peer;

/// Connections to the admin listener at once. They are counted apart, so that a full server can still be looked after.
const ADMIN_CONNECTIONS: usize = 64;

/// How long accepting pauses after the system refused a connection, as it does when the process has no file left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is served on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The three dialects.
    Objects,
    /// The three dialects, over TLS.
    ObjectsTls,
    /// Admin API, metrics and health, with or without TLS as the client begins.
    Admin,
}

/// Serves every socket until `stop` turns true, then lets the requests under way finish within the configured time.
/// Answers how many connections had to be cut.
pub(crate) async fn serve(app: &Arc<App>, bound: Vec<Bound>, tls: TlsAcceptor, stop: watch::Receiver<bool>) -> usize {
    let connections = Arc::new(GracefulShutdown::new());
    let objects = Arc::new(Semaphore::new(app.limits.connections));
    let admin = Arc::new(Semaphore::new(ADMIN_CONNECTIONS));
    let mut loops = Vec::new();
    for Bound { listener, role, .. } in bound {
        let slots = if role == Role::Admin { &admin } else { &objects };
        let door = Door {
            app: Arc::clone(app),
            role,
            tls: tls.clone(),
            slots: Arc::clone(slots),
            connections: Arc::clone(&connections),
        };
        loops.push(task::spawn(accept(door, listener, stop.clone())));
    }
    for accepting in loops {
        if let Err(error) = accepting.await {
            tracing::error!(%error, "a listener ended by a fault of its own");
        }
    }
    drain(connections, Duration::from_secs(app.limits.drain_seconds)).await
}

/// All that a new connection needs.
struct Door {
    app: Arc<App>,
    role: Role,
    tls: TlsAcceptor,
    slots: Arc<Semaphore>,
    connections: Arc<GracefulShutdown>,
}

/// Accepts until told to stop. A connection beyond the limit waits in the system's queue, which is bounded too.
async fn accept(door: Door, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    loop {
        let slot = tokio::select! {
            slot = Arc::clone(&door.slots).acquire_owned() => slot.expect("nobody closes the semaphore"),
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match stream {
            Ok((stream, address)) => {
                let watcher = door.connections.watcher();
                let (app, role, tls) = (Arc::clone(&door.app), door.role, door.tls.clone());
                task::spawn(async move {
                    let _slot = slot;
                    let _open = app.metrics.connection_opened();
                    connection::serve(app, role, tls, prepare(stream), address, watcher).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection; if files have run out, raise the process's limit");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Head and body go out as they are written: waiting to fill a packet would delay every small answer.
fn prepare(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the peer is gone already");
    }
    stream
}

async fn drain(connections: Arc<GracefulShutdown>, bound: Duration) -> usize {
    let connections = Arc::into_inner(connections).expect("the accepting loops have ended, and with them their shares");
    let open = connections.count();
    match tokio::time::timeout(bound, connections.shutdown()).await {
        Ok(()) => 0,
        Err(_) => open,
    }
}
