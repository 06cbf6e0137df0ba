//! Tokens of the small identity service: `POST /v3/auth/tokens`.
//!
//! A token is a temporary access key of its holder's, id, secret and security token in one text: whoever has it has the key. So
//! it needs no row, any node takes it, and it ends with the key.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use strongroom_iam::Transport;
use strongroom_model::{
    circumstance::RequestWords,
    failure::{Failure, FailureCode},
    name::AccessKeyId,
    operation::{AdminOperation, Operation, identity::IdentityOperation},
    outcome::{
        AdminOutcome, Outcome,
        identity::{IdentityOutcome, IssuedToken},
    },
    time::Timestamp,
};
use strongroom_store::Credential;
use subtle::ConstantTimeEq as _;

use crate::{app::App, authenticate::Caller, clock, identity_service::answer, listen::Peer, response::Record};

/// How long a token is good: a day, as Huawei's are.
const SECONDS: u32 = 24 * 3600;

/// What parts a token's text.
const JOINT: char = '.';

/// `{"auth":{"identity":{…}}}`; what else there is says for which project, and there is one.
#[derive(Deserialize)]
struct Asked {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    identity: Identity,
}

/// A user by name and password, or an access key. The name of a user is its access key's id, the password its secret.
#[derive(Deserialize)]
struct Identity {
    password: Option<Password>,
    hw_ak_sk: Option<AccessKey>,
}

#[derive(Deserialize)]
struct Password {
    user: User,
}

#[derive(Deserialize)]
struct User {
    name: String,
    password: String,
}

#[derive(Deserialize)]
struct AccessKey {
    access: Half,
    secret: Half,
}

#[derive(Deserialize)]
struct Half {
    key: String,
}

/// Gives a token out.
///
/// # Errors
/// `InvalidArgument` for a document that is none, `InvalidAccessKeyId` whatever is wrong with name and password, or what
/// [`strongroom_store::Engine::run`] says.
pub(crate) async fn issue(
    app: &App,
    peer: Peer,
    document: &[u8],
    record: &mut Record,
) -> Result<Response<Bytes>, Failure> {
    let now = clock::now();
    let requester = credential(app, document).await?.requester;
    record.principal = Some(requester.principal.to_string());
    let account = requester.principal.account().map(|account| account.obs_domain()).unwrap_or_default();
    let issue = IdentityOperation::IssueToken { seconds: SECONDS, policy: None };
    let operation = Operation::Admin(AdminOperation::Identity(issue));
    let circumstances = peer.circumstances(record.id, now, RequestWords::default());
    let case = app.engine.case(requester, &operation, circumstances, Transport::TRUSTED).await?;
    let granted = app.engine.authorize(operation, case).await?;
    match app.engine.run(granted, None).await?.outcome {
        Outcome::Admin(AdminOutcome::Identity(IdentityOutcome::Token(issued))) => shown(&issued, &account, app, now),
        other => Err(Failure::new(FailureCode::Internal).caused_by(format!("a token was asked for: {other:?}"))),
    }
}

/// The access key that the document names, whose secret it knows.
async fn credential(app: &App, document: &[u8]) -> Result<Credential, Failure> {
    let malformed = || Failure::from(FailureCode::InvalidArgument);
    let asked: Asked = serde_json::from_slice(document).map_err(|_| malformed())?;
    let (name, secret) = match asked.auth.identity {
        Identity { password: Some(Password { user }), .. } => (user.name, user.password),
        Identity { hw_ak_sk: Some(key), .. } => (key.access.key, key.secret.key),
        Identity { .. } => return Err(malformed()),
    };
    let secret = zeroize::Zeroizing::new(secret);
    let unknown = || Failure::new(FailureCode::InvalidAccessKeyId);
    let id = AccessKeyId::parse(&name).map_err(|_| unknown())?;
    let found = app.engine.credential(&id, None).await?.ok_or_else(unknown)?;
    match bool::from(found.secret.expose().as_bytes().ct_eq(secret.as_bytes())) {
        true => Ok(found),
        false => Err(unknown()),
    }
}

/// Who holds a token.
///
/// # Errors
/// `InvalidToken`, `TokenExpired`.
pub(crate) async fn holder(app: &App, token: &str) -> Result<Caller, Failure> {
    let invalid = || Failure::new(FailureCode::InvalidToken);
    let (id, rest) = token.split_once(JOINT).ok_or_else(invalid)?;
    let (secret, token) = rest.split_once(JOINT).ok_or_else(invalid)?;
    let id = AccessKeyId::parse(id).map_err(|_| invalid())?;
    let found = app.engine.credential(&id, Some(token)).await?.ok_or_else(invalid)?;
    match bool::from(found.secret.expose().as_bytes().ct_eq(secret.as_bytes())) {
        true => Ok(Caller { requester: found.requester, proof: None }),
        false => Err(invalid()),
    }
}

fn shown(issued: &IssuedToken, account: &str, app: &App, now: Timestamp) -> Result<Response<Bytes>, Failure> {
    let text = [issued.access_key.as_str(), issued.secret.expose(), issued.token.expose()].join(&JOINT.to_string());
    let mut token =
        HeaderValue::from_str(&text).map_err(|error| Failure::new(FailureCode::Internal).caused_by(error))?;
    token.set_sensitive(true);
    let region = app.site.region.as_str();
    let domain = json!({ "id": account, "name": account });
    let mut response = answer(
        StatusCode::CREATED,
        &json!({ "token": {
            "methods": ["password"],
            "issued_at": now.to_string(),
            "expires_at": issued.expires.to_string(),
            "user": { "id": account, "name": account, "domain": domain },
            "project": { "id": account, "name": region, "domain": domain },
            "roles": [],
            "catalog": [],
        }}),
    );
    response.headers_mut().insert("x-subject-token", token);
    Ok(response)
}
