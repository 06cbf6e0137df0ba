//! Taking the ports, and saying clearly when that fails.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use super::Role;
use crate::config::{Endpoint, Listen};

/// A socket that listens.
pub(crate) struct Bound {
    /// The socket.
    pub(crate) listener: TcpListener,
    /// What is served on it.
    pub(crate) role: Role,
    /// Where it is; the port is a real one even if 0 was asked for.
    pub(crate) address: SocketAddr,
}

/// A port that cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// Another process has it.
    #[error(
        "port {} is busy: another process listens on {address}; stop that one, or set {key} to another port",
        address.port()
    )]
    Busy { address: SocketAddr, key: &'static str },
    /// Ports below 1024 are for privileged processes.
    #[error(
        "the system lets this process not listen on {address}; set {key} to a port above 1023, or grant it the right"
    )]
    Forbidden { address: SocketAddr, key: &'static str },
    /// Anything else.
    #[error("cannot listen on {address}: {source}; set {key} to an address of this host")]
    Other { address: SocketAddr, key: &'static str, source: io::Error },
}

/// Takes every port that is configured, or none.
pub(crate) async fn bind(listen: &Listen) -> Result<Vec<Bound>, BindError> {
    let wanted: [(Endpoint, Role, &'static str); 4] = [
        (listen.http, Role::Objects, "listen.http"),
        (listen.https, Role::ObjectsTls, "listen.https"),
        (listen.kms, Role::Keys, "listen.kms"),
        (listen.admin, Role::Admin, "listen.admin"),
    ];
    let mut bound = Vec::new();
    for (endpoint, role, key) in wanted {
        if let Some(address) = endpoint.address() {
            bound.push(bind_one(address, role).await.map_err(|source| explain(source, address, key))?);
        }
    }
    Ok(bound)
}

async fn bind_one(address: SocketAddr, role: Role) -> io::Result<Bound> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok(Bound { listener, role, address })
}

fn explain(source: io::Error, address: SocketAddr, key: &'static str) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Busy { address, key },
        io::ErrorKind::PermissionDenied => BindError::Forbidden { address, key },
        _ => BindError::Other { address, key, source },
    }
}
