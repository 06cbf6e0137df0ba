//! The small identity service that Huawei's clients ask for a token: `POST /v3/auth/tokens`.
//!
//! A token is a temporary access key of its holder's, id, secret and security token in one text: whoever has it has the key. So
//! it needs no row, any node takes it, and it ends with the key.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use strongroom_iam::Transport;
use strongroom_model::{
    circumstance::RequestWords,
    failure::{Failure, FailureCode, chain},
    name::{AccessKeyId, RequestId},
    operation::{AdminOperation, Operation, identity::IdentityOperation},
    outcome::{
        AdminOutcome, Outcome,
        identity::{IdentityOutcome, IssuedToken},
    },
    time::Timestamp,
};
use strongroom_store::Credential;
use subtle::ConstantTimeEq as _;

use crate::{app::App, authenticate::Caller, clock, listen::Peer};

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

/// Whether a request asks for a token.
pub(crate) fn is_asked(request: &Request<hyper::body::Incoming>) -> bool {
    request.method() == Method::POST && request.uri().path().trim_end_matches('/') == "/v3/auth/tokens"
}

/// Gives a token out. Whatever is wrong with name and password, the answer is the same.
pub(crate) async fn issue(app: &App, peer: Peer, document: &[u8], id: RequestId) -> Response<Bytes> {
    let now = clock::now();
    match try_issue(app, (id, peer), document, now).await {
        Ok((issued, account)) => granted(&issued, &account, app, now),
        Err(failure) => {
            let (status, title) = match failure.code {
                FailureCode::InvalidArgument => (StatusCode::BAD_REQUEST, "Bad Request"),
                FailureCode::KmsNeedsTls | FailureCode::AccessDenied => (StatusCode::FORBIDDEN, "Forbidden"),
                FailureCode::InvalidAccessKeyId => (StatusCode::UNAUTHORIZED, "Unauthorized"),
                _ => {
                    tracing::error!(%id, error = %chain(&failure), "a token could not be given out");
                    (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
                }
            };
            let message = failure.message.as_deref().unwrap_or("The username or password is wrong.");
            let error = json!({ "error": { "code": status.as_u16(), "message": message, "title": title } });
            answer(status, &error)
        }
    }
}

async fn try_issue(
    app: &App,
    (id, peer): (RequestId, Peer),
    document: &[u8],
    now: Timestamp,
) -> Result<(IssuedToken, String), Failure> {
    if !app.trusts(&peer) {
        return Err(Failure::new(FailureCode::KmsNeedsTls).with_message("Passwords travel over TLS only."));
    }
    let credential = credential(app, document).await?;
    let account = credential.requester.principal.account().map(|account| account.obs_domain()).unwrap_or_default();
    let issue = IdentityOperation::IssueToken { seconds: SECONDS, policy: None };
    let operation = Operation::Admin(AdminOperation::Identity(issue));
    let circumstances = peer.circumstances(id, now, RequestWords::default());
    let case = app.engine.case(credential.requester, &operation, circumstances, Transport::TRUSTED).await?;
    let granted = app.engine.authorize(operation, case).await?;
    match app.engine.run(granted, None).await?.outcome {
        Outcome::Admin(AdminOutcome::Identity(IdentityOutcome::Token(issued))) => Ok((*issued, account)),
        other => Err(Failure::new(FailureCode::Internal).caused_by(format!("a token was asked for: {other:?}"))),
    }
}

/// The access key that the document names, whose secret it knows.
async fn credential(app: &App, document: &[u8]) -> Result<Credential, Failure> {
    let malformed = || Failure::new(FailureCode::InvalidArgument).with_message("The request body is invalid.");
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

fn granted(issued: &IssuedToken, account: &str, app: &App, now: Timestamp) -> Response<Bytes> {
    let text = [issued.access_key.as_str(), issued.secret.expose(), issued.token.expose()].join(&JOINT.to_string());
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
    match HeaderValue::from_str(&text) {
        Ok(mut value) => {
            value.set_sensitive(true);
            response.headers_mut().insert("x-subject-token", value);
        }
        Err(error) => tracing::error!(%error, "a token does not fit into a header"),
    }
    response
}

fn answer(status: StatusCode, document: &serde_json::Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(document.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
