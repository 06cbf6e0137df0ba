//! Sockets: bind, accept, serve, stop.

mod bind;
mod connection;
mod progress;
pub(crate) mod tls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;

use crate::{app::App, task};

pub(crate) use bind::{BindError, Bound, bind};
use connection::Arrival;
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
    /// The key service's dialects, with or without TLS as the client begins.
    Keys,
    /// Admin API, metrics and health, with or without TLS as the client begins.
    Admin,
}

/// Serves every socket until `stop` turns true, then lets the requests under way finish within the configured time.
/// Answers how many connections had to be cut.
pub(crate) async fn serve(app: &Arc<App>, bound: Vec<Bound>, tls: TlsAcceptor, stop: watch::Receiver<bool>) -> usize {
    let connections = Arc::new(GracefulShutdown::new());
    let (cut, is_cut) = watch::channel(false);
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
            stop: stop.clone(),
            cut: is_cut.clone(),
        };
        loops.push(task::spawn(accept(door, listener)));
    }
    for accepting in loops {
        if let Err(error) = accepting.await {
            tracing::error!(%error, "a listener ended by a fault of its own");
        }
    }
    drain(connections, Duration::from_secs(app.limits.drain_seconds), &cut).await
}

/// All that a new connection needs.
struct Door {
    app: Arc<App>,
    role: Role,
    tls: TlsAcceptor,
    slots: Arc<Semaphore>,
    connections: Arc<GracefulShutdown>,
    /// Turns true when no new work is to begin.
    stop: watch::Receiver<bool>,
    /// Turns true when work under way is to end.
    cut: watch::Receiver<bool>,
}

/// Accepts until told to stop. A connection beyond the limit waits for a slot, and those behind it in the system's queue, which is
/// bounded too. A slot is taken for a connection that is there: a listener that held one ahead would keep it from the others.
async fn accept(mut door: Door, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = door.stop.wait_for(|stop| *stop) => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection; if files have run out, raise the process's limit");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let slot = tokio::select! {
            slot = Arc::clone(&door.slots).acquire_owned() => slot.expect("nobody closes the semaphore"),
            _ = door.stop.wait_for(|stop| *stop) => return,
        };
        door.admit(prepare(stream), address, slot);
    }
}

impl Door {
    /// Serves a connection beside the others, in its slot, until it ends or is cut.
    fn admit(&self, stream: TcpStream, address: SocketAddr, slot: OwnedSemaphorePermit) {
        let arrival = Arrival {
            app: Arc::clone(&self.app),
            role: self.role,
            tls: self.tls.clone(),
            stream,
            address,
            watcher: self.connections.watcher(),
            stop: self.stop.clone(),
        };
        let open = self.app.metrics.connection_opened();
        let mut cut = self.cut.clone();
        task::spawn(async move {
            tokio::select! {
                () = connection::serve(arrival) => {}
                _ = cut.wait_for(|cut| *cut) => {}
            }
            drop((slot, open));
        });
    }
}

/// Head and body go out as they are written: waiting to fill a packet would delay every small answer.
fn prepare(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the peer is gone already");
    }
    stream
}

/// Waits for the connections to end, and cuts those that take too long.
async fn drain(connections: Arc<GracefulShutdown>, bound: Duration, cut: &watch::Sender<bool>) -> usize {
    let connections = Arc::into_inner(connections).expect("the accepting loops have ended, and with them their shares");
    let open = connections.count();
    match tokio::time::timeout(bound, connections.shutdown()).await {
        Ok(()) => 0,
        Err(_) => {
            cut.send_replace(true);
            open
        }
    }
}
