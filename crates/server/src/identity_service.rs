//! The small identity service beside the key service, in the words of Huawei's: its clients ask it for a token, or, when they
//! were told of none, for the ids of their project and their domain.
//!
//! Whoever has signed may ask these of the own account: every name of a key shows them.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use serde_json::{Value, json};
use strongroom_model::{
    account::AccountId,
    failure::{Failure, FailureCode},
};
use strongroom_wire::key_service::HUAWEI;

use crate::{app::App, clock, identity_tokens, key_service::authenticate, listen::Peer, response::Record};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Question {
    /// `POST /v3/auth/tokens`
    Token,
    /// `GET /v3/projects`
    Projects,
    /// `GET /v3/auth/domains`
    Domains,
}

impl Question {
    /// What a request with this head asks, if it is for this service.
    pub(crate) fn of(parts: &Parts) -> Option<Self> {
        match (&parts.method, parts.uri.path().trim_end_matches('/')) {
            (&Method::POST, "/v3/auth/tokens") => Some(Self::Token),
            (&Method::GET, "/v3/projects") => Some(Self::Projects),
            (&Method::GET, "/v3/auth/domains") => Some(Self::Domains),
            _ => None,
        }
    }

    /// The operation's name in logs and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => "IssueToken",
            Self::Projects => "ListProjects",
            Self::Domains => "ListDomains",
        }
    }

    /// Answers it to a request whose body is `document`, and which nobody could read on its way.
    ///
    /// # Errors
    /// What is wrong with the claim or the document, and what [`identity_tokens::issue`] says: see [`refusal`].
    pub(crate) async fn answer(
        self,
        app: &App,
        peer: Peer,
        (parts, document): (&Parts, &[u8]),
        record: &mut Record,
    ) -> Result<Response<Bytes>, Failure> {
        if let Self::Token = self {
            return identity_tokens::issue(app, peer, document, record).await;
        }
        let claim = HUAWEI.claim(parts, document, &app.site)?;
        let principal = authenticate(app, claim, None, clock::now()).await?.requester.principal;
        record.principal = Some(principal.to_string());
        let account = principal.account().ok_or(FailureCode::AnonymousDenied)?;
        let region = app.site.region.as_str();
        // A region's name is written in a query as it is.
        let mut named = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("name="));
        let document = match self {
            Self::Projects if named.all(|name| name == region) => list("projects", vec![project(account, region)]),
            Self::Projects => list("projects", Vec::new()),
            Self::Token | Self::Domains => list("domains", vec![domain(account)]),
        };
        Ok(answer(StatusCode::OK, &document))
    }
}

/// What is answered in the place of what was asked, if it is in the identity service's own words.
pub(crate) fn refusal(failure: &Failure) -> Option<Response<Bytes>> {
    let (status, title, usual) = match failure.code {
        FailureCode::InvalidArgument => (StatusCode::BAD_REQUEST, "Bad Request", "The request body is invalid."),
        FailureCode::KmsNeedsTls | FailureCode::AccessDenied => {
            (StatusCode::FORBIDDEN, "Forbidden", "You are not authorized to perform the requested action.")
        }
        FailureCode::InvalidAccessKeyId => {
            (StatusCode::UNAUTHORIZED, "Unauthorized", "The username or password is wrong.")
        }
        FailureCode::AnonymousDenied | FailureCode::InvalidToken | FailureCode::TokenExpired => {
            (StatusCode::UNAUTHORIZED, "Unauthorized", "The request you have made requires authentication.")
        }
        FailureCode::ServiceUnavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable", "The service is unavailable.")
        }
        FailureCode::Internal => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error", "An unexpected error occurred.")
        }
        _ => return None,
    };
    let message = failure.message.as_deref().unwrap_or(usual);
    Some(answer(status, &json!({ "error": { "code": status.as_u16(), "message": message, "title": title } })))
}

/// An answer of this service.
pub(crate) fn answer(status: StatusCode, document: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(document.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The project that an account's keys are made in unless another is named; its name is the region's, as in the cloud.
fn project(account: AccountId, region: &str) -> Value {
    let domain = account.obs_domain();
    json!({
        "id": account.default_project(), "name": region, "domain_id": domain, "parent_id": domain,
        "description": "", "enabled": true, "is_domain": false,
    })
}

fn domain(account: AccountId) -> Value {
    let id = account.obs_domain();
    json!({ "id": id, "name": id, "description": "", "enabled": true })
}

/// A list that is whole.
fn list(name: &str, entries: Vec<Value>) -> Value {
    json!({ name: entries, "links": { "self": null, "next": null, "previous": null } })
}
