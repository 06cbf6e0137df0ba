//! Answers to requests that failed.

use http::header::{ALLOW, CONTENT_RANGE, ETAG};
use http::{Method, Response};
use strongroom_model::failure::{Failure, FailureCode, Subject};
use strongroom_model::key::KeyReference;

use crate::dialect::{Dialect, Silent};
use crate::document::writer::Writer;
use crate::encode::amend::next_position;
use crate::encode::answer::{Answer, request_id, second_id};
use crate::error::FailureRow;
use crate::exchange::{Exchange, Payload};
use crate::target::Target;
use crate::text::bytes::base64;

/// What a dialect says of a failure.
pub(crate) struct Words {
    /// Its row of the table.
    pub(crate) row: &'static FailureRow,
    /// Its words, with what they stand for.
    pub(crate) message: String,
    subject: Option<(&'static str, String)>,
}

impl Words {
    /// What `dialect` says of `failure`.
    pub(crate) fn new(dialect: &Dialect, failure: &Failure, exchange: &Exchange<'_>) -> Self {
        let writes = exchange.method == Method::PUT || exchange.method == Method::POST;
        let unmet_write = failure.code == FailureCode::PreconditionFailed && writes;
        let row = dialect.failure_row(if unmet_write { dialect.format.unmet_write } else { failure.code });
        let about = match &failure.subject {
            Some(subject) => Some(spell(dialect, subject, failure.code)),
            None => row.subject.and_then(|element| named(dialect, element, exchange)),
        };
        let words = failure.message.as_deref().unwrap_or(row.message);
        let message = words
            .replace("{prefix}", dialect.header_prefix)
            .replace("{subject}", about.as_deref().unwrap_or("(unnamed)"));
        Self { row, message, subject: row.subject.zip(about) }
    }
}

/// The answer to a request that failed.
pub(crate) fn answer(dialect: &Dialect, failure: &Failure, exchange: &Exchange<'_>) -> Response<Payload> {
    let words = Words::new(dialect, failure, exchange);
    let answer = Answer::new(dialect, exchange).version(failure.marker).marked(failure.marker);
    let answer = told_in_headers(answer, failure);
    let answer = match words.row.number {
        Some(number) if dialect.format.silent == Silent::Document => answer.field("ec", number),
        _ => answer,
    };
    let status = words.row.status;
    let has_body = exchange.method != Method::HEAD && status != 304;
    let document = document(dialect, failure, &words, exchange);
    if has_body {
        return answer.failed_document(status, document);
    }
    let answer = match dialect.format.silent {
        Silent::Words => answer.field("error-code", words.row.name).field("error-message", &words.message),
        Silent::Document => answer.field("err", &base64(&document.into_bytes())),
    };
    if status == 304 { answer.empty(304) } else { answer.end(status, Payload::Empty) }
}

fn document(dialect: &Dialect, failure: &Failure, words: &Words, exchange: &Exchange<'_>) -> Writer {
    Writer::document(dialect.documents.declaration, "Error", None, |writer| {
        writer.leaf("Code", words.row.name);
        writer.leaf("Message", &words.message);
        if dialect.format.extras_first {
            extras(writer, failure, words, dialect, exchange);
        }
        writer.leaf("RequestId", request_id(dialect, exchange.request_id));
        match dialect.format.has_second_id {
            true => writer.leaf("HostId", second_id(exchange.request_id)),
            false => writer.leaf("HostId", exchange.host),
        }
        if !dialect.format.extras_first {
            extras(writer, failure, words, dialect, exchange);
        }
        writer.optional("EC", words.row.number);
    })
}

fn extras(writer: &mut Writer, failure: &Failure, words: &Words, dialect: &Dialect, exchange: &Exchange<'_>) {
    if dialect.format.names_resource {
        writer.leaf("Resource", exchange.path);
    }
    if let Some((name, value)) = &words.subject
        && failure.details.iter().all(|(detail, _)| detail != name)
    {
        writer.leaf(name, value);
    }
    if is_marker_by_name(failure) {
        writer.leaf("Method", exchange.method);
        writer.leaf("ResourceType", "DeleteMarker");
    }
    for (name, value) in &failure.details {
        match (*name, failure.code) {
            ("AccessKeyId", _) => writer.leaf(dialect.format.access_key, value),
            ("Condition", FailureCode::CopySourceConditionFailed) => {
                writer.leaf(name, [&dialect.field("copy-source-"), value.as_str()].concat());
            }
            _ => writer.leaf(name, value),
        }
    }
}

/// Details that are headers of their own: the tag of an object that has not changed, the size of one that a range missed,
/// the methods that a resource has.
fn told_in_headers<'a>(answer: Answer<'a>, failure: &Failure) -> Answer<'a> {
    let detail = |name: &str| failure.details.iter().find(|(detail, _)| *detail == name).map(|(_, value)| value);
    match failure.code {
        FailureCode::NotModified => match detail("ETag") {
            Some(tag) => {
                let upper = answer.dialect().format.upper_case_tags;
                let spelled = if upper { tag.to_ascii_uppercase() } else { tag.clone() };
                answer.header(ETAG, &format!("\"{spelled}\""))
            }
            None => answer,
        },
        FailureCode::InvalidRange => match detail("ActualObjectSize") {
            Some(size) => answer.header(CONTENT_RANGE, &format!("bytes */{size}")),
            None => answer,
        },
        FailureCode::PositionNotEqualToLength => match detail("NextAppendPosition") {
            Some(position) => next_position(answer, position),
            None => answer,
        },
        FailureCode::MethodNotAllowed if is_marker_by_name(failure) => answer.header(ALLOW, "DELETE"),
        FailureCode::MethodNotAllowed => answer.optional(ALLOW, detail("Allow").map(String::as_str)),
        _ => answer,
    }
}

/// Whether a delete marker was asked for by its own id: all that can be done with it is to delete it.
fn is_marker_by_name(failure: &Failure) -> bool {
    failure.code == FailureCode::MethodNotAllowed && failure.marker.is_some()
}

/// What the request itself named: its bucket or its key.
fn named(dialect: &Dialect, element: &str, exchange: &Exchange<'_>) -> Option<String> {
    let readings = Target::readings_of(exchange.host, exchange.path, exchange.site, dialect.vendor_domain).ok()?;
    let target = readings.first()?;
    let name = if element == "Key" { target.key() } else { target.bucket() };
    name.map(str::to_owned)
}

fn spell(dialect: &Dialect, subject: &Subject, code: FailureCode) -> String {
    match subject {
        Subject::Key(key) => (dialect.encryption.spell_key)(key),
        // What is wrong with such a key is its region alone.
        Subject::Text(text) if code == FailureCode::KeyOfOtherRegion => {
            KeyReference::parse(text).region.unwrap_or_else(|| text.clone())
        }
        Subject::Text(text) => text.clone(),
    }
}
