//! A request's head as the decoders look at it: fields by name, whichever part of the head they stand in.

use std::collections::BTreeMap;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{BucketName, ObjectKey};

use crate::dialect::Dialect;
use crate::exchange::Site;
use crate::query::Query;
use crate::target::Target;

/// A request's head, read in one dialect and with one reading of its target.
pub struct Request<'a> {
    dialect: &'static Dialect,
    parts: &'a Parts,
    site: &'a Site,
    target: &'a Target,
    query: Query,
}

impl<'a> Request<'a> {
    pub(crate) fn new(
        dialect: &'static Dialect,
        parts: &'a Parts,
        site: &'a Site,
        target: &'a Target,
    ) -> Result<Self, Failure> {
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        Ok(Self { dialect, parts, site, target, query })
    }

    /// The dialect that reads it.
    pub(crate) fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// Its method.
    pub(crate) fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The server.
    pub(crate) fn site(&self) -> &'a Site {
        self.site
    }

    /// What its host and path name.
    pub(crate) fn target(&self) -> &'a Target {
        self.target
    }

    /// Its query.
    pub(crate) fn query(&self) -> &Query {
        &self.query
    }

    /// The bucket it names.
    pub(crate) fn bucket(&self) -> Result<BucketName, Failure> {
        self.target.bucket_name()
    }

    /// The object it names.
    pub(crate) fn key(&self) -> Result<ObjectKey, Failure> {
        self.target.object_key()
    }

    /// A standard header's value, trimmed; the first counts, and an empty one is as good as none.
    pub(crate) fn header(&self, name: &str) -> Result<Option<&str>, Failure> {
        Ok(self.present_header(name)?.filter(|value| !value.is_empty()))
    }

    /// The same, or the parameter of a signed URL that stands in its place where the dialect has such.
    pub(crate) fn header_or_parameter(&self, name: &str) -> Result<Option<&str>, Failure> {
        let parameter = || self.query.value(name).filter(|_| self.takes_parameters_as_fields());
        Ok(self.header(name)?.or_else(parameter))
    }

    /// Whether there is a field of that name after the dialect's prefix.
    pub(crate) fn has_field(&self, suffix: &str) -> bool {
        self.sent_field(suffix).is_some() || self.parameter_as_field(suffix).is_some()
    }

    /// The value of the field of that name after the dialect's prefix; an empty one is as good as none.
    pub(crate) fn field(&self, suffix: &str) -> Result<Option<&str>, Failure> {
        Ok(self.present_field(suffix)?.filter(|value| !value.is_empty()))
    }

    /// The same, but an empty value is a value.
    pub(crate) fn present_field(&self, suffix: &str) -> Result<Option<&str>, Failure> {
        match self.sent_field(suffix) {
            Some((name, value)) => text(name.as_str(), value.as_bytes()).map(Some),
            None => {
                let parameter = self.parameter_as_field(suffix);
                parameter.map(|value| sendable(&self.dialect.field(suffix), value)).transpose()
            }
        }
    }

    /// The fields whose names begin with the dialect's prefix and `suffix`: what follows it in the name, and the value.
    /// In the order of the names; repeated headers are joined by commas. Of repeated parameters the first counts, for the
    /// older schemes sign no other.
    pub(crate) fn fields_beginning(&self, suffix: &str) -> Result<Vec<(String, String)>, Failure> {
        let prefix = self.dialect.field(suffix);
        let mut fields = Vec::new();
        for name in self.parts.headers.keys() {
            if let Some(rest) = name.as_str().strip_prefix(&prefix) {
                let values = self.parts.headers.get_all(name).iter().map(|value| text(name.as_str(), value.as_bytes()));
                fields.push((rest.to_owned(), values.collect::<Result<Vec<_>, _>>()?.join(",")));
            }
        }
        let parameters = if self.takes_parameters_as_fields() { self.query.firsts() } else { BTreeMap::new() };
        for (name, value) in parameters {
            let field = name.to_ascii_lowercase();
            if let Some(rest) = field.strip_prefix(&prefix) {
                HeaderName::from_bytes(field.as_bytes()).map_err(|_| unsendable(name, value))?;
                fields.push((rest.to_owned(), sendable(name, value)?.to_owned()));
            }
        }
        fields.sort();
        Ok(fields)
    }

    /// Whether the body is declared to come in HTTP chunks, without a length ahead of it.
    pub(crate) fn is_chunked(&self) -> bool {
        self.parts.headers.contains_key(http::header::TRANSFER_ENCODING)
    }

    /// Whether the request is signed by a scheme whose keys are scoped (V4).
    pub(crate) fn is_signed_by_scope(&self) -> bool {
        let word = self.parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(first_word);
        self.dialect
            .schemes
            .iter()
            .filter(|scheme| scheme.scoped)
            .any(|scheme| word == Some(scheme.word) || scheme.url_marks.iter().any(|mark| self.query.has(mark)))
    }

    fn present_header(&self, name: &str) -> Result<Option<&str>, Failure> {
        self.parts.headers.get(name).map(|value| text(name, value.as_bytes())).transpose()
    }

    /// The header of that name after the dialect's prefix; the first counts. A decoder asks for a dozen that are mostly not
    /// there, and a head has few: looking at them all is less than spelling, checking and hashing a name.
    fn sent_field(&self, suffix: &str) -> Option<(&HeaderName, &HeaderValue)> {
        let prefix = self.dialect.header_prefix;
        self.parts.headers.iter().find(|(name, _)| name.as_str().strip_prefix(prefix) == Some(suffix))
    }

    /// A signed URL may carry fields in its query, where the dialect says so.
    fn parameter_as_field(&self, suffix: &str) -> Option<&str> {
        if !self.takes_parameters_as_fields() {
            return None;
        }
        self.query.value_of_any_case(&self.dialect.field(suffix))
    }

    fn takes_parameters_as_fields(&self) -> bool {
        self.dialect.fields_in_query && !self.parts.headers.contains_key(AUTHORIZATION)
    }
}

fn text<'v>(name: &str, value: &'v [u8]) -> Result<&'v str, Failure> {
    let text = std::str::from_utf8(value)
        .map_err(|cause| invalid_argument(name, "").with_message("A header is not UTF-8 text.").caused_by(cause))?;
    Ok(text.trim())
}

/// The value of a parameter that is to be sent as a header sooner or later.
///
/// # Errors
/// `InvalidArgument` for one that no header can have: a line feed, above all.
pub(crate) fn sendable<'v>(name: &str, value: &'v str) -> Result<&'v str, Failure> {
    HeaderValue::from_bytes(value.as_bytes()).map(|_| value).map_err(|_| unsendable(name, value))
}

fn unsendable(name: &str, value: &str) -> Failure {
    invalid_argument(name, value).with_message("A parameter is not what a header can carry.")
}

fn first_word(text: &str) -> Option<&str> {
    text.split_ascii_whitespace().next()
}

/// `InvalidArgument` of a field or parameter.
pub(crate) fn invalid_argument(name: &str, value: &str) -> Failure {
    argument(FailureCode::InvalidArgument, name, value)
}

/// A failure that names a field or parameter and its value.
pub(crate) fn argument(code: FailureCode, name: &str, value: &str) -> Failure {
    Failure::new(code).with_detail("ArgumentName", name).with_detail("ArgumentValue", value)
}
