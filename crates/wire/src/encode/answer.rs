//! An answer in the making: what every answer of a dialect has.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HeaderName, HeaderValue, SERVER};
use http::{HeaderMap, Method, Response, StatusCode};
use ring::digest::{SHA384, digest};
use strongroom_model::etag::ETag;
use strongroom_model::name::{RequestId, VersionId};

use crate::dialect::Dialect;
use crate::document::writer::Writer;
use crate::exchange::{Exchange, Payload};
use crate::signature::date;
use crate::text::bytes::base64;

/// An answer in the making.
pub(crate) struct Answer<'a> {
    dialect: &'a Dialect,
    exchange: &'a Exchange<'a>,
    headers: HeaderMap,
}

impl<'a> Answer<'a> {
    /// An answer with what every one has: who answers, when, and which request.
    pub(crate) fn new(dialect: &'a Dialect, exchange: &'a Exchange<'a>) -> Self {
        let answer = Self { dialect, exchange, headers: HeaderMap::with_capacity(16) }
            .header(SERVER, dialect.format.server)
            .header(DATE, &date::rfc1123(exchange.now))
            .field("request-id", &request_id(dialect, exchange.request_id));
        if dialect.format.has_second_id { answer.field("id-2", &second_id(exchange.request_id)) } else { answer }
    }

    /// The dialect it is in.
    pub(crate) fn dialect(&self) -> &'a Dialect {
        self.dialect
    }

    /// Sets a header. A value that no header can have, which no decoder lets in, is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sets a header if there is a value.
    pub(crate) fn optional(self, name: HeaderName, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// Sets a header of any name, if it is one.
    pub(crate) fn named(self, name: &str, value: &str) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => self.header(name, value),
            Err(_) => self,
        }
    }

    /// Sets the field of that name after the dialect's prefix.
    pub(crate) fn field(self, suffix: &str, value: &str) -> Self {
        let name = self.dialect.field(suffix);
        self.named(&name, value)
    }

    /// Sets the field, if there is a value.
    pub(crate) fn optional_field(self, suffix: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.field(suffix, value),
            None => self,
        }
    }

    /// Tells an object's tag.
    pub(crate) fn etag(self, tag: &ETag) -> Self {
        let spelled = spell_tag(self.dialect, tag);
        self.header(ETAG, &spelled)
    }

    /// Tells an object's version.
    pub(crate) fn version(self, version: Option<VersionId>) -> Self {
        let spelled = version.map(spell_version);
        self.optional_field("version-id", spelled.as_deref())
    }

    /// Tells that what was found, made or deleted is a delete marker.
    pub(crate) fn marked(self, marker: Option<VersionId>) -> Self {
        // Never false: there are clients that take any value for true.
        self.optional_field("delete-marker", marker.map(|_| "true"))
    }

    /// Ends it without a body.
    pub(crate) fn empty(self, status: u16) -> Response<Payload> {
        let bodiless = status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
        let answer = if bodiless { self } else { self.header(CONTENT_LENGTH, "0") };
        answer.end(status, Payload::Empty)
    }

    /// Ends it with a document.
    pub(crate) fn document(self, document: Writer) -> Response<Payload> {
        self.failed_document(200, document)
    }

    /// Ends it with a document of any status; without one if the request was HEAD.
    pub(crate) fn failed_document(self, status: u16, document: Writer) -> Response<Payload> {
        if self.exchange.method == Method::HEAD {
            return self.end(status, Payload::Empty);
        }
        let bytes = document.into_bytes();
        let answer = self.header(CONTENT_TYPE, "application/xml").header(CONTENT_LENGTH, &bytes.len().to_string());
        answer.end(status, Payload::Document(bytes))
    }

    /// Ends it with a document in JSON, as its owner wrote it.
    pub(crate) fn json(self, text: &str) -> Response<Payload> {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let answer = self.header(CONTENT_TYPE, "application/json").header(CONTENT_LENGTH, &bytes.len().to_string());
        answer.end(200, Payload::Document(bytes))
    }

    /// Ends it with whatever body.
    pub(crate) fn end(self, status: u16, payload: Payload) -> Response<Payload> {
        let mut response = Response::new(payload);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = self.headers;
        response
    }
}

/// A request's identity, in as many digits as the dialect's clients expect.
pub(crate) fn request_id(dialect: &Dialect, id: RequestId) -> String {
    let mut digits = id.to_string();
    digits.truncate(dialect.format.request_id_digits);
    digits
}

/// The second identity of a request: 64 characters that follow from the first and say nothing more.
pub(crate) fn second_id(id: RequestId) -> String {
    base64(digest(&SHA384, &id.0).as_ref())
}

/// A tag in quotes.
pub(crate) fn spell_tag(dialect: &Dialect, tag: &ETag) -> String {
    let bare = tag.lower_hex();
    if dialect.format.upper_case_tags { format!("\"{}\"", bare.to_ascii_uppercase()) } else { format!("\"{bare}\"") }
}

/// A version as clients spell it.
pub(crate) fn spell_version(version: VersionId) -> String {
    match version {
        VersionId::Null => "null".to_owned(),
        VersionId::Id(bytes) => hex::encode_upper(bytes),
    }
}
