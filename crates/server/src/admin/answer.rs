//! Outcomes and failures to the admin API's JSON answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;
use strongroom_model::{
    failure::{Failure, FailureCode},
    name::RequestId,
    outcome::{AdminOutcome, KeyOutcome, Outcome},
};
use strongroom_store::Reply;

use super::{AdminBody, audit, backup, identity, rules, scrubbing, view};

/// The answer to a request.
pub(super) fn answer(reply: Result<Reply, Failure>, id: RequestId) -> Response<AdminBody> {
    match reply {
        Ok(Reply { outcome: Outcome::Admin(AdminOutcome::Backup(facts)), body: Some(bytes) }) => {
            backup::answer(facts, bytes)
        }
        reply => backup::whole(document(reply.map(|reply| reply.outcome), id)),
    }
}

fn document(outcome: Result<Outcome, Failure>, id: RequestId) -> Response<Full<Bytes>> {
    match outcome {
        Ok(Outcome::Admin(outcome)) => administered(outcome),
        Ok(Outcome::Key(KeyOutcome::Key(key))) => json(StatusCode::OK, &view::Key::from(key)),
        Ok(Outcome::Key(KeyOutcome::Keys(keys))) => {
            json(StatusCode::OK, &view::Keys { keys: keys.entries.into_iter().map(Into::into).collect() })
        }
        // What else the API asks for about keys, and never about objects, has no more to say.
        Ok(_) => json(StatusCode::OK, &serde_json::json!({})),
        Err(failure) => {
            let (status, words) = row(failure.code);
            let state = failure.details.iter().find(|(name, _)| *name == "KeyState");
            let state = state.map(|(_, state)| format!("The key is {state}.").into());
            let message = failure.message.or(state).unwrap_or(words.into()).into_owned();
            let code = format!("{:?}", failure.code);
            json(status, &view::Error { code, message, request_id: id.to_string() })
        }
    }
}

fn administered(outcome: AdminOutcome) -> Response<Full<Bytes>> {
    match outcome {
        // Its bytes are the answer, and come before this.
        AdminOutcome::Backup(facts) => json(StatusCode::OK, &backup::Facts::from(facts)),
        AdminOutcome::Done => json(StatusCode::OK, &serde_json::json!({})),
        AdminOutcome::UserCreated { user, secret } => json(StatusCode::CREATED, &view::UserCreated::new(user, &secret)),
        AdminOutcome::Users(users) => {
            json(StatusCode::OK, &view::Users { users: users.into_iter().map(Into::into).collect() })
        }
        AdminOutcome::Identity(outcome) => identity::answer(outcome),
        AdminOutcome::Buckets(buckets) => {
            json(StatusCode::OK, &view::Buckets { buckets: buckets.into_iter().map(Into::into).collect() })
        }
        AdminOutcome::Object(object) => json(StatusCode::OK, &view::Object::from(object)),
        AdminOutcome::KeysProven { provider } => json(StatusCode::OK, &view::Check::proved(provider)),
        AdminOutcome::Scrub(report) => json(StatusCode::OK, &scrubbing::Scrub::from(report)),
        AdminOutcome::Lifecycle(report) => json(StatusCode::OK, &rules::LifecycleRun::from(report)),
        AdminOutcome::AuditRecords(lines) => audit::lines(&lines),
        AdminOutcome::Audit(report) => json(StatusCode::OK, &audit::Verification::from(report)),
    }
}

pub(super) fn json(status: StatusCode, document: &impl Serialize) -> Response<Full<Bytes>> {
    let text = serde_json::to_vec(document).expect("our documents have only text keys, and numbers that JSON has");
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The status of each kind of failure that the admin API can meet, and words for it; the failure's own come first.
fn row(code: FailureCode) -> (StatusCode, &'static str) {
    match code {
        FailureCode::AnonymousDenied => (StatusCode::UNAUTHORIZED, "The request says not who it is from."),
        FailureCode::AccessDenied => (StatusCode::FORBIDDEN, "The caller may not do this."),
        FailureCode::InvalidAccessKeyId => (StatusCode::FORBIDDEN, "There is no such access key."),
        FailureCode::TokenExpired => (StatusCode::FORBIDDEN, "The security token's time is over."),
        FailureCode::MalformedPolicy => (StatusCode::BAD_REQUEST, "The document is no policy."),
        FailureCode::InvalidToken => (StatusCode::FORBIDDEN, "There is no such security token."),
        FailureCode::SignatureDoesNotMatch => (StatusCode::FORBIDDEN, "The signature is not that of the request."),
        FailureCode::RequestTimeTooSkewed => {
            (StatusCode::FORBIDDEN, "The clocks of client and server differ too much.")
        }
        FailureCode::RequestExpired => (StatusCode::FORBIDDEN, "The signed URL's time is over."),
        FailureCode::InvalidUri => (StatusCode::NOT_FOUND, "There is no such path."),
        FailureCode::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "The path has no such method."),
        FailureCode::KeyNotFound | FailureCode::KeyMalformed => (StatusCode::NOT_FOUND, "There is no such key."),
        FailureCode::AliasNotFound => (StatusCode::NOT_FOUND, "There is no such alias."),
        FailureCode::NoSuchBucket => (StatusCode::NOT_FOUND, "There is no such bucket."),
        FailureCode::NoSuchKey => (StatusCode::NOT_FOUND, "There is no such object."),
        FailureCode::NoSuchVersion => (StatusCode::NOT_FOUND, "There is no such version of the object."),
        FailureCode::KeyNameTaken => (StatusCode::CONFLICT, "The alias is taken."),
        FailureCode::KeyStateConflict => (StatusCode::CONFLICT, "The key's state does not allow this."),
        FailureCode::KeyServiceManaged => (StatusCode::CONFLICT, "The default key is the service's own to manage."),
        FailureCode::KeyLimitExceeded => (StatusCode::CONFLICT, "There are as many of them as there may be."),
        FailureCode::KeyPendingImport => (StatusCode::CONFLICT, "The key has no material yet."),
        FailureCode::KeyProtected => (StatusCode::CONFLICT, "The key is protected from deletion."),
        FailureCode::KeyMaterialMissing => (StatusCode::CONFLICT, "The key has no imported material to rotate to."),
        FailureCode::KeyDisabled => (StatusCode::CONFLICT, "The key is disabled."),
        FailureCode::KeyPendingDeletion => (StatusCode::CONFLICT, "The key is pending deletion."),
        FailureCode::AlreadyExists => (StatusCode::CONFLICT, "It exists already."),
        FailureCode::Conflict => (StatusCode::CONFLICT, "Somebody else changed it at the same time; try again."),
        FailureCode::KeyServiceUnavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "The key service cannot be reached; look at its health, then try again.")
        }
        FailureCode::SlowDown | FailureCode::ServiceUnavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "The server is too busy, or something it needs is away; try again.")
        }
        FailureCode::NoSpace => (StatusCode::INSUFFICIENT_STORAGE, "The disk is full; make room, then try again."),
        FailureCode::Damaged => (StatusCode::INTERNAL_SERVER_ERROR, "Stored bytes are damaged; the log names them."),
        FailureCode::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "A fault of the server; the log names it."),
        FailureCode::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "The client stopped sending."),
        FailureCode::DocumentTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The document is longer than 64 KiB."),
        _ => (StatusCode::BAD_REQUEST, "The request cannot be understood."),
    }
}
