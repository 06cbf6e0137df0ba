//! One request is one line of functions: recognise, decode, authenticate, authorize, plaintext, run, encode.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Request, Response, Uri, header, request::Parts, uri::Scheme};
use http_body::Body as _;
use hyper::body::Incoming;
use strongroom_model::{
    account::Principal,
    circumstance::RequestWords,
    failure::{Failure, FailureCode, chain},
    name::RequestId,
    operation::{BucketOperation, Operation},
    outcome::{BucketOutcome, Outcome},
    time::Timestamp,
};
use strongroom_store::{Body, Reply, Trailer, stream::ByteStream};
use strongroom_wire::{Asked, Dialect, Exchange, FormReply, Payload, StreamPlan, cors, recognise, recognise_form};
use tracing::Instrument as _;

use crate::{
    app::App,
    authenticate::{Caller, authenticate},
    body::{self, Source},
    clock, entropy,
    late::{self, Kept, Late},
    listen::Peer,
    response::{Record, ResponseBody},
};

/// Longest request head that is looked at, in bytes. The services allow 8 KiB of metadata; the longest keys take 3 KiB of
/// a URL, and a signed URL with a token 4 KiB more.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Answers one request.
pub(crate) async fn handle(app: &Arc<App>, peer: Peer, request: Request<Incoming>) -> Response<ResponseBody> {
    let (parts, incoming) = request.into_parts();
    let (request_id, drawn) = match entropy::request_id() {
        Ok(id) => (id, Ok(())),
        Err(error) => (RequestId([0; 16]), Err(Failure::new(FailureCode::Internal).caused_by(error))),
    };
    let now = clock::now();
    let mut wording = Wording { dialect: recognise(&parts), form: None, varies: false };
    let mut record = Record::begin(&app.metrics, &parts.method, request_id, peer);
    record.dialect = wording.dialect.name;
    let stall = Duration::from_secs(app.limits.stall_seconds);
    let awaited = !incoming.is_end_stream() && expects_continue(&parts.headers);
    let received = Arc::clone(&record.received);
    let source = Source::new(incoming, awaited, stall, Arc::clone(&received));
    let span = record.span.clone();
    let answer = match drawn {
        Ok(()) => {
            let answer = Box::pin(answer(app, peer, &mut wording, &parts, source, now, &mut record));
            answer.instrument(span.clone()).await
        }
        Err(failure) => Err(failure),
    };
    let exchange = Exchange {
        request_id,
        method: &parts.method,
        host: host(&parts),
        path: parts.uri.path(),
        now,
        site: &app.site,
        form: wording.form.as_ref(),
    };
    let mut response = match answer {
        Ok(late::Answer::Later(running)) => {
            let kept = Kept {
                app: Arc::clone(app),
                dialect: wording.dialect,
                request_id,
                method: parts.method.clone(),
                host: exchange.host.to_owned(),
                path: exchange.path.to_owned(),
                now,
            };
            let head = wording.dialect.encode_late(&exchange);
            record.status = head.status().as_u16();
            head.map(|_| ResponseBody::late(Late::new(Box::pin(running.instrument(span)), kept), record))
        }
        Ok(late::Answer::Now(reply)) => encode(wording.dialect, Ok(reply), &exchange, record),
        Err(failure) => encode(wording.dialect, Err(failure), &exchange, record),
    };
    if wording.varies {
        cors::vary(response.headers_mut());
    }
    if awaited && received.load(Ordering::Relaxed) == 0 {
        // The body was never asked for, so that the connection ends here; a client that is not told so would send its next
        // request into it (RFC 9110, section 10.1.1).
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(question) = cors::question(&parts, wording.dialect, &app.site) {
        Box::pin(share(app, peer, question, now, wording.dialect, response.headers_mut())).await;
    }
    response
}

/// Tells a browser whether the page that asks may read the answer, whatever the answer is.
async fn share(
    app: &Arc<App>,
    peer: Peer,
    question: BucketOperation,
    now: Timestamp,
    dialect: &Dialect,
    headers: &mut HeaderMap,
) {
    match ask(app, peer, question, now).await {
        Ok(Outcome::Bucket(BucketOutcome::CrossOrigin(grant))) => cors::allow(headers, &grant, dialect),
        Err(failure) if failure.code == FailureCode::CorsNotAllowed => cors::vary(headers),
        Err(failure) if failure.code == FailureCode::CorsNotEnabled => {}
        Err(failure) => tracing::warn!(error = %chain(&failure), "rules for other origins could not be read"),
        Ok(_) => {}
    }
}

async fn ask(app: &Arc<App>, peer: Peer, question: BucketOperation, now: Timestamp) -> Result<Outcome, Failure> {
    let (operation, circumstances) =
        (Operation::Bucket(question), peer.circumstances(None, now, RequestWords::default()));
    let transport = app.transport(&peer, false);
    let case = app.engine.case(Principal::Anonymous.into(), &operation, circumstances, transport).await?;
    Ok(app.engine.run(app.engine.authorize(operation, case).await?, None).await?.outcome)
}

/// In what words a request is answered. A form tells so by its fields.
struct Wording {
    dialect: &'static Dialect,
    form: Option<FormReply>,
    /// Whether caches are told in any case that the answer depends on its request's origin.
    varies: bool,
}

async fn answer(
    app: &Arc<App>,
    peer: Peer,
    wording: &mut Wording,
    parts: &Parts,
    mut source: Source,
    now: Timestamp,
    record: &mut Record,
) -> Result<late::Answer, Failure> {
    check_head(parts)?;
    let mut intent = wording.dialect.decode(parts, &app.site)?;
    record.operation = intent.asked.name();
    if let Asked::Form(reader) = intent.asked {
        let form = source.read_form(reader).await?;
        wording.dialect = recognise_form(&form, wording.dialect);
        record.dialect = wording.dialect.name;
        let (filled_in, reply) = wording.dialect.decode_form(parts, &form, &app.site, &origin(&peer, parts))?;
        (intent, wording.form) = (filled_in, Some(reply));
    }
    let (asked, words, Caller { requester, proof }) = authenticate(app, intent, now).await?;
    record.principal = Some(requester.principal.to_string());
    let payload = proof.map(|proof| proof.payload);
    let (operation, streamed): (Operation, Option<(StreamPlan, Source)>) = match asked {
        Asked::Complete(operation) => (operation, None),
        Asked::Streamed(operation, plan) => (operation, Some((plan, source))),
        Asked::Documented(draft) => {
            let document = body::read_document(source, draft.limit, payload.as_ref()).await?;
            (draft.finish(&document)?, None)
        }
        Asked::Form(_) => return Err(Failure::new(FailureCode::Internal).caused_by("a form asked for a form")),
    };
    record.bucket = bucket(&operation);
    let may_be_late = late::may_be(wording.dialect, &operation);
    let transport = app.transport(&peer, wording.dialect.encryption.kms_needs_tls);
    let circumstances = peer.circumstances(record.id, now, words);
    let case = app.engine.case(requester, &operation, circumstances, transport).await?;
    wording.varies = case.bucket.as_ref().is_some_and(|bucket| bucket.always_varies);
    let granted = app.engine.authorize(operation, case).await?;
    let body = match streamed {
        Some((plan, source)) => {
            let (trailer, declared) = (Trailer::default(), plan.length);
            Some(Body { bytes: body::plaintext(source, plan, payload, Arc::clone(&trailer))?, trailer, declared })
        }
        None => None,
    };
    if !may_be_late {
        return app.engine.run(granted, body).await.map(late::Answer::Now);
    }
    let engine = Arc::clone(&app.engine);
    let running = Box::pin(async move { engine.run(granted, body).await });
    late::wait(running, Duration::from_secs(app.limits.late_seconds)).await
}

/// Scheme and host of the request, as its client sees them.
fn origin(peer: &Peer, parts: &Parts) -> Uri {
    let scheme = if peer.tls { Scheme::HTTPS } else { Scheme::HTTP };
    let uri = Uri::builder().scheme(scheme).authority(host(parts)).path_and_query("/").build();
    uri.unwrap_or_default()
}

/// # Errors
/// `HeadTooLarge`. Heads that are longer still, or have more than a hundred fields, never get here: hyper answers 431.
pub(crate) fn check_head(parts: &Parts) -> Result<(), Failure> {
    let fields: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if fields + target > HEAD_BYTES_MAX { Err(FailureCode::HeadTooLarge.into()) } else { Ok(()) }
}

fn encode(
    dialect: &'static Dialect,
    answer: Result<Reply, Failure>,
    exchange: &Exchange<'_>,
    mut record: Record,
) -> Response<ResponseBody> {
    let (response, stream) = match answer {
        Ok(Reply { outcome, body }) => (dialect.encode(&outcome, exchange), body),
        Err(failure) => {
            note(&failure, &mut record);
            (dialect.encode_failure(&failure, exchange), None)
        }
    };
    record.status = response.status().as_u16();
    attach(response, stream, record)
}

fn attach(response: Response<Payload>, stream: Option<ByteStream>, record: Record) -> Response<ResponseBody> {
    response.map(|payload| match (payload, stream) {
        (Payload::Empty, _) => ResponseBody::empty(record),
        (Payload::Document(document), _) => ResponseBody::document(document, record),
        (Payload::Object { length }, Some(stream)) => ResponseBody::object(stream, length, record),
        (Payload::Object { length }, None) => {
            ResponseBody::object(strongroom_store::stream::once(bytes::Bytes::new()), length, record)
        }
    })
}

/// Writes down what failed. Faults of the server get a line of their own, with all their causes; a caller's mistakes do
/// not. Details stay out of both: what a client signed may hold its keys.
pub(crate) fn note(failure: &Failure, record: &mut Record) {
    // Which right was missing is told here, and not to the caller.
    record.failure = Some(match failure.code {
        FailureCode::AccessDenied | FailureCode::KeyDenied => format!("{:?}: {}", failure.code, chain(failure)),
        code => format!("{code:?}"),
    });
    let ours = matches!(
        failure.code,
        FailureCode::Internal
            | FailureCode::Damaged
            | FailureCode::NoSpace
            | FailureCode::ServiceUnavailable
            | FailureCode::KeyServiceUnavailable
    );
    if ours {
        let _entered = record.span.enter();
        tracing::error!(operation = record.operation, error = %chain(failure), "a request failed by a fault of ours");
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn host(parts: &Parts) -> &str {
    let named = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    named.or_else(|| parts.uri.authority().map(|authority| authority.as_str())).unwrap_or_default()
}

fn bucket(operation: &Operation) -> Option<String> {
    let name = match operation {
        Operation::Service(_) | Operation::Key(_) | Operation::Admin(_) => return None,
        Operation::Bucket(operation) => operation.bucket(),
        Operation::Upload(operation) => operation.bucket(),
        Operation::Object(operation) => operation.bucket(),
    };
    Some(name.as_str().to_owned())
}
