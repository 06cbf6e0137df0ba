//! The admin listener: the admin API under `/v1/`, metrics, health. docs/OPERATING.md describes it for operators.

mod answer;
pub(crate) mod audit;
pub(crate) mod backup;
mod caller;
pub(crate) mod identity;
pub(crate) mod job;
mod metrics;
pub(crate) mod request;
mod route;
pub(crate) mod rules;
pub(crate) mod scrubbing;
pub(crate) mod token;
pub(crate) mod view;

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use strongroom_iam::Transport;
use strongroom_model::{
    circumstance::RequestWords,
    failure::{Failure, FailureCode, chain},
    name::RequestId,
};
use strongroom_store::Reply;

use crate::{app::App, body::Source, clock, entropy, listen::Peer};

pub(crate) use metrics::EngineMetrics;

/// The header that a signed admin request must carry, and so sign: no signature made for an object store is good here.
pub(crate) const SIGNED_HEADER: &str = "x-amz-strongroom-admin";

/// The version of the API, in paths and in [`SIGNED_HEADER`].
pub(crate) const VERSION: &str = "v1";

/// Longest document that the API takes, in bytes; the longest field in one is a key's description.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// The body of an answer: a document, or a backup as it is made.
pub(crate) type AdminBody = UnsyncBoxBody<Bytes, io::Error>;

/// Answers one request.
pub(crate) async fn handle(app: &Arc<App>, peer: Peer, request: Request<Incoming>) -> Response<AdminBody> {
    let (parts, incoming) = request.into_parts();
    match (&parts.method, parts.uri.path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => backup::whole(scrape(app)),
        (&Method::GET | &Method::HEAD, "/health/live") => backup::whole(plain(StatusCode::OK, "live\n".to_owned())),
        (&Method::GET | &Method::HEAD, "/health/ready") => backup::whole(ready(app).await),
        _ => operate(app, peer, &parts, incoming).await,
    }
}

async fn operate(app: &Arc<App>, peer: Peer, parts: &Parts, incoming: Incoming) -> Response<AdminBody> {
    let started = std::time::Instant::now();
    let mut log = Log { operation: "Unknown", principal: None };
    let (id, outcome) = match entropy::request_id() {
        Ok(id) => (id, run(app, (id, peer), parts, incoming, &mut log).await),
        Err(error) => (RequestId([0; 16]), Err(Failure::new(FailureCode::Internal).caused_by(error))),
    };
    let failure = outcome.as_ref().err().map(|failure| format!("{:?}", failure.code));
    if let Err(fault) =
        outcome.as_ref().map_err(|failure| (failure.code == FailureCode::Internal).then(|| chain(failure)))
        && let Some(error) = fault
    {
        tracing::error!(%id, error, "an admin request failed by a fault of ours");
    }
    let response = answer::answer(outcome, id);
    tracing::info!(
        target: "strongroom::request",
        %id,
        peer = %peer.address,
        dialect = "admin",
        method = %parts.method,
        operation = log.operation,
        principal = log.principal,
        status = response.status().as_u16(),
        failure,
        ms = started.elapsed().as_millis() as u64,
        "answered"
    );
    response
}

/// What is known of a request as it goes on.
struct Log {
    operation: &'static str,
    principal: Option<String>,
}

async fn run(
    app: &Arc<App>,
    (id, peer): (RequestId, Peer),
    parts: &Parts,
    incoming: Incoming,
    log: &mut Log,
) -> Result<Reply, Failure> {
    let stall = std::time::Duration::from_secs(app.limits.stall_seconds);
    let source = Source::new(incoming, false, stall, Arc::default());
    let now = clock::now();
    let caller = caller::authenticate(app, peer, parts, now).await?;
    log.principal = Some(caller.requester.principal.to_string());
    let payload = caller.proof.map(|proof| proof.payload);
    let document = crate::body::read_document(source, DOCUMENT_BYTES_MAX, payload.as_ref()).await?;
    caller::check_body(payload.as_ref(), &document)?;
    let operation = route::decode(&parts.method, &parts.uri, &document)?;
    log.operation = operation.name();
    let circumstances = peer.circumstances(id, now, RequestWords::default());
    let case = app.engine.case(caller.requester, &operation, circumstances, Transport::TRUSTED).await?;
    let granted = app.engine.authorize(operation, case).await?;
    app.engine.run(granted, None).await
}

fn scrape(app: &App) -> Response<Full<Bytes>> {
    match app.metrics.text() {
        Ok(text) => {
            let mut response = plain(StatusCode::OK, text);
            let kind = header::HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

async fn ready(app: &App) -> Response<Full<Bytes>> {
    match app.engine.readiness().await {
        Ok(()) => plain(StatusCode::OK, "ready\n".to_owned()),
        Err(failure) => {
            tracing::error!(error = %chain(&failure), "not ready");
            plain(StatusCode::SERVICE_UNAVAILABLE, "the catalog does not answer; the log says why\n".to_owned())
        }
    }
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
