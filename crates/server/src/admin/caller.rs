//! Who administers: the owner of the data folder by its token, from this host; an access key by its signature, from
//! anywhere. Nobody else.

use http::{header, request::Parts};
use strongroom_model::{
    account::Principal,
    failure::{Failure, FailureCode},
    time::Timestamp,
};
use strongroom_wire::{
    Claim, PayloadProof,
    signature::{Target, v4::AWS4},
};

use super::SIGNED_HEADER;
use crate::{
    app::App,
    authenticate::{Caller, verify_signature},
    listen::Peer,
};

/// Finds out who asks.
///
/// # Errors
/// `AnonymousDenied`, `AccessDenied`, or what a signature is refused for.
pub(super) async fn authenticate(app: &App, peer: Peer, parts: &Parts, now: Timestamp) -> Result<Caller, Failure> {
    if let Some(token) = bearer(parts) {
        return by_token(app, peer, token);
    }
    if !app.trusts(&peer) {
        return Err(refused("The admin API is served over TLS to other hosts; see transport.require_tls."));
    }
    let target = Target { bucket: None, virtual_hosted: false };
    match Claim::read(parts, &target, &[&AWS4], None)? {
        Claim::Signed(_) if !parts.headers.contains_key(SIGNED_HEADER) => {
            Err(refused("A signed admin request carries the header x-amz-strongroom-admin: v1, and signs it."))
        }
        Claim::Signed(signed) => verify_signature(app, &signed, now).await,
        Claim::Anonymous => Err(Failure::new(FailureCode::AnonymousDenied)
            .with_message("Send the admin token as a bearer, or sign the request with an access key.")),
    }
}

/// Holds that a document was signed along with its request, if the request was signed.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn check_body(proof: Option<&PayloadProof>, document: &[u8]) -> Result<(), Failure> {
    match proof {
        Some(PayloadProof::Unsigned) if !document.is_empty() => {
            Err(refused("Sign the document too: its SHA-256 belongs into x-amz-content-sha256."))
        }
        _ => Ok(()),
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

fn by_token(app: &App, peer: Peer, token: &str) -> Result<Caller, Failure> {
    let right = app.token.is(token);
    match (right, peer.is_local()) {
        (true, true) => Ok(Caller { requester: Principal::Root(app.account).into(), proof: None }),
        (true, false) => {
            Err(refused("The admin token is good on the server's own host only; sign with an access key."))
        }
        (false, _) => Err(refused("That is not the admin token of this data folder.")),
    }
}

fn refused(message: &'static str) -> Failure {
    Failure::new(FailureCode::AccessDenied).with_message(message)
}
