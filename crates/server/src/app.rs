//! What every request needs: the engine, the site, the limits, the counters.

use std::sync::Arc;

use strongroom_iam::Transport;
use strongroom_model::account::AccountId;
use strongroom_store::Engine;
use strongroom_wire::{Site, signature::signing_keys::SigningKeys};

use crate::{
    admin::token::AdminToken,
    config::{Limits, RequireTls},
    listen::Peer,
    metrics::Metrics,
    nonces::Nonces,
};

/// A running server.
pub(crate) struct App {
    /// Does it.
    pub(crate) engine: Arc<Engine>,
    /// The server as clients know it.
    pub(crate) site: Site,
    /// What may travel over plain HTTP.
    pub(crate) require_tls: RequireTls,
    /// Bounds.
    pub(crate) limits: Limits,
    /// What clients sign with, derived.
    pub(crate) signing_keys: SigningKeys,
    /// What may not come again.
    pub(crate) nonces: Nonces,
    /// Counts.
    pub(crate) metrics: Arc<Metrics>,
    /// The account that the data folder was made for.
    pub(crate) account: AccountId,
    /// Lets the owner of the data folder administer.
    pub(crate) token: AdminToken,
}

impl App {
    /// Whether keys may travel between here and `peer`.
    pub(crate) fn trusts(&self, peer: &Peer) -> bool {
        match self.require_tls {
            RequireTls::Remote => peer.tls || peer.is_local(),
            RequireTls::Always => peer.tls,
            RequireTls::Never => true,
        }
    }

    /// What may travel, in a dialect that demands TLS for SSE-KMS or does not.
    pub(crate) fn transport(&self, peer: &Peer, kms_needs_tls: bool) -> Transport {
        let trusted = self.trusts(peer);
        Transport { customer_keys: trusted, kms: trusted || !kms_needs_tls }
    }
}
