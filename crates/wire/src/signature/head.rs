//! A request's head as the schemes look at it, and the canonical forms that they share.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use strongroom_model::failure::{Failure, FailureCode};

use super::Target;
use super::scope::malformed;

/// What RFC 3986 leaves as it is: letters, digits, and `- . _ ~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same, for a path whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A request's head, its query decoded.
pub(crate) struct Head<'a> {
    /// The head itself.
    pub(crate) parts: &'a Parts,
    /// How the dialect understood host and path.
    pub(crate) target: &'a Target<'a>,
    /// The query's parameters as sent, in order; `http::Uri` bounds them to 64 KiB.
    pub(crate) parameters: Vec<Parameter<'a>>,
    /// The body, if it was read ahead of the signature: the key services sign it without stating its hash.
    pub(crate) document: Option<&'a [u8]>,
}

/// One parameter of a query, percent-decoded; a plus sign is a blank, as it is when the query is obeyed.
pub(crate) struct Parameter<'a> {
    /// The name; its case matters.
    pub(crate) name: Cow<'a, [u8]>,
    /// The value; a parameter without one has an empty one.
    pub(crate) value: Cow<'a, [u8]>,
}

/// How a parameter with an empty value is spelled in canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Empty {
    /// `name`
    Bare,
    /// `name=`
    Equals,
}

impl<'a> Head<'a> {
    /// Looks at a head.
    pub(crate) fn new(parts: &'a Parts, target: &'a Target<'a>) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self { parts, target, parameters: parameters(query).collect(), document: None }
    }

    /// Looks at a head and at the body that was read behind it. The fields of a form are parameters like those of the query.
    pub(crate) fn with_document(parts: &'a Parts, target: &'a Target<'a>, document: &'a [u8]) -> Self {
        let mut head = Self { document: Some(document), ..Self::new(parts, target) };
        if let (true, Ok(form)) = (is_form(parts), std::str::from_utf8(document)) {
            head.parameters.extend(parameters(form));
        }
        head
    }

    /// The method's name.
    pub(crate) fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// The path as sent, percent-encoded.
    pub(crate) fn path(&self) -> &'a str {
        self.parts.uri.path()
    }

    /// A parameter's value; the first counts.
    pub(crate) fn parameter(&self, name: &str) -> Option<&[u8]> {
        self.parameters.iter().find(|parameter| *parameter.name == *name.as_bytes()).map(|found| &*found.value)
    }

    /// The same for a parameter that has to be text.
    pub(crate) fn text_parameter(&self, name: &str) -> Result<Option<&str>, Failure> {
        let text = self.parameter(name).map(std::str::from_utf8).transpose();
        text.map_err(|_| malformed("A parameter of the signature is not UTF-8."))
    }

    /// A header's first value.
    pub(crate) fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.parts.headers.get(name).map(|value| value.as_bytes())
    }

    /// A header's first value if it is ASCII text.
    pub(crate) fn text_header(&self, name: &str) -> Option<&'a str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The host as sent, with its port.
    pub(crate) fn host(&self) -> Option<&'a [u8]> {
        let authority = || self.parts.uri.authority().map(|authority| authority.as_str().as_bytes());
        self.parts.headers.get(HOST).map(|value| value.as_bytes()).or_else(authority)
    }

    /// The host as sent and, if it has a port, without: some clients sign it so.
    pub(crate) fn hosts(&self) -> Vec<&'a [u8]> {
        let host = self.host().unwrap_or_default();
        let colon = host.iter().rposition(|&byte| byte == b':');
        let bare = colon.filter(|colon| host[colon + 1..].iter().all(u8::is_ascii_digit)).map(|colon| &host[..colon]);
        [host].into_iter().chain(bare).collect()
    }

    /// A header's values, trimmed and joined by commas.
    pub(crate) fn header_value(&self, name: &str) -> Vec<u8> {
        let values = self.parts.headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii());
        values.collect::<Vec<_>>().join(&b","[..])
    }

    /// The names of the headers that begin with `prefix`, in lower case, sorted.
    pub(crate) fn header_names(&self, prefix: &str) -> Vec<&'a str> {
        let mut names: Vec<_> = self.parts.headers.keys().map(|name| name.as_str()).collect();
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        names
    }

    /// Holds that the host is `signed`, and so is every header that is there and begins with `prefix` or is one of `others`:
    /// else somebody else might put one in.
    ///
    /// # Errors
    /// `MalformedAuthorization` for the host, `AccessDenied` that names the others.
    pub(crate) fn require_signed(&self, signed: &[&str], prefix: &str, others: &[&'static str]) -> Result<(), Failure> {
        if !signed.contains(&HOST.as_str()) {
            return Err(malformed("SignedHeaders has no host."));
        }
        let mut unsigned = self.header_names(prefix);
        unsigned.extend(others.iter().filter(|name| !name.starts_with(prefix) && self.header(name).is_some()));
        unsigned.retain(|name| !signed.contains(name));
        if unsigned.is_empty() {
            return Ok(());
        }
        Err(Failure::new(FailureCode::AccessDenied)
            .with_message("There were headers present in the request which were not signed")
            .with_detail("HeadersNotSigned", unsigned.join(", ")))
    }

    /// `name:value` and a line feed for each header of `names`; the host's value is `host`.
    pub(crate) fn header_lines(&self, names: &[&str], host: &[u8]) -> Vec<u8> {
        let value = |name| if name == HOST.as_str() { host.to_vec() } else { self.header_value(name) };
        lines(names.iter().map(|&name| (name, value(name))))
    }

    /// Every parameter but `excluded`, encoded, sorted by encoded name and value, joined by `&`.
    pub(crate) fn canonical_query(&self, excluded: Option<&str>, empty: Empty) -> String {
        let excluded = excluded.map(str::as_bytes);
        let included = self.parameters.iter().filter(|parameter| excluded != Some(&parameter.name));
        let mut pairs: Vec<_> =
            included.map(|parameter| (encoded(&parameter.name), encoded(&parameter.value))).collect();
        pairs.sort_unstable();
        let spelled = pairs.into_iter().map(|(name, value)| match empty {
            Empty::Bare if value.is_empty() => name,
            _ => format!("{name}={value}"),
        });
        spelled.collect::<Vec<_>>().join("&")
    }

    /// `?`, and the parameters that `entered` says are sub-resources: the first of each name, sorted, decoded, joined by `&`.
    pub(crate) fn append_subresources(&self, resource: &mut Vec<u8>, entered: impl Fn(&[u8]) -> bool, empty: Empty) {
        let mut parameters: Vec<_> = self.parameters.iter().filter(|parameter| entered(&parameter.name)).collect();
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        parameters.dedup_by(|later, first| later.name == first.name);
        for (index, parameter) in parameters.into_iter().enumerate() {
            resource.push(if index == 0 { b'?' } else { b'&' });
            resource.extend_from_slice(&parameter.name);
            if !parameter.value.is_empty() || empty == Empty::Equals {
                resource.push(b'=');
                resource.extend_from_slice(&parameter.value);
            }
        }
    }

    /// Refuses a sub-resource whose decoded value holds another: without the escapes, `a=1%26b=2` is signed as `a=1&b=2` is,
    /// so that whoever holds a URL could take `b` out of it.
    ///
    /// # Errors
    /// `MalformedAuthorization`.
    pub(crate) fn refuse_hidden_subresources(&self, entered: impl Fn(&[u8]) -> bool) -> Result<(), Failure> {
        let hides = |value: &[u8]| {
            let pieces = value.split(|&byte| byte == b'&').skip(1);
            pieces.map(|piece| piece.split(|&byte| byte == b'=').next().unwrap_or_default()).any(&entered)
        };
        let mut values = self.parameters.iter().filter(|parameter| entered(&parameter.name));
        if values.any(|parameter| hides(&parameter.name) || hides(&parameter.value)) {
            return Err(malformed("The value of a signed parameter passes for another parameter."));
        }
        Ok(())
    }

    /// Whether the path names a bucket, and has no slash after it.
    pub(crate) fn is_unclosed_bucket(&self) -> bool {
        self.target.bucket.is_some() && !self.target.virtual_hosted && self.path().rfind('/') == Some(0)
    }

    /// `/bucket/key` with the key decoded, `/bucket/`, or `/`, wherever the bucket is named: what OSS signs.
    pub(crate) fn decoded_resource(&self) -> Vec<u8> {
        let path: Cow<'_, [u8]> = percent_decode_str(self.path()).into();
        match self.target.bucket {
            Some(bucket) if self.target.virtual_hosted => [b"/", bucket.as_bytes(), &path].concat(),
            _ if self.is_unclosed_bucket() => [&*path, b"/"].concat(),
            _ => path.into_owned(),
        }
    }
}

/// `name:value` and a line feed for each header.
pub(crate) fn lines<'n>(headers: impl Iterator<Item = (&'n str, Vec<u8>)>) -> Vec<u8> {
    headers.flat_map(|(name, value)| [name.as_bytes(), b":", &value, b"\n"].concat()).collect()
}

/// Percent-encodes all but the unreserved.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

/// Percent-encodes all but the unreserved and the slash.
pub(crate) fn encoded_path(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED_IN_PATH).to_string()
}

/// Whether the body is a form in the spelling of queries.
pub(crate) fn is_form(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

fn parameters(query: &str) -> impl Iterator<Item = Parameter<'_>> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Parameter { name: decoded(name), value: decoded(value) }
    })
}

fn decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        return Cow::Owned(percent_decode_str(&text.replace('+', " ")).collect());
    }
    percent_decode_str(text).into()
}
