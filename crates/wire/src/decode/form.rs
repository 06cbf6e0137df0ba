//! PostObject: what a form's fields say is read as if it stood in the head of a PUT.

use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request as Head, Uri};
use strongroom_model::failure::{Failure, FailureCode};

use crate::claim::Claim;
use crate::decode::put::{self, OBJECT_BYTES_MAX};
use crate::decode::words;
use crate::dialect::Dialect;
use crate::document::tagging::{self, Tagged};
use crate::exchange::Site;
use crate::form::policy::{Policy, denied};
use crate::form::{Form, FormReader, FormReply};
use crate::intent::{Asked, Framing, Intent, StreamPlan};
use crate::request::{Request, invalid_argument};
use crate::signature::form::required;
use crate::signature::head::encoded;
use crate::target::{Level, Target};

/// Fields that are kept, or obeyed, as the headers of that name.
const HEADERS: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
];

/// Fields after the dialect's prefix that speak of an HTTP body, which a file within one is not.
const OF_BODIES: [&str; 3] = ["content-sha256", "decoded-content-length", "trailer"];

/// Fields that need no condition in any dialect: the signature itself, and what it is made of.
const NEVER_COVERED: [&str; 2] = ["policy", "signature"];

/// What stands in a key for the file's own name.
const FILE_NAME: &str = "${filename}";

/// `POST /bucket`.
pub(crate) fn post_object(request: &Request<'_>) -> Result<Asked, Failure> {
    request.bucket()?;
    Ok(Asked::Form(FormReader::new(request.header("content-type")?.unwrap_or_default())?))
}

/// What a form asks for, who says so, and how it is to be answered. The claim of a form's head does not count.
///
/// # Errors
/// Whatever is wrong with the form as far as its fields tell.
pub(crate) fn read(
    dialect: &'static Dialect,
    parts: &Parts,
    form: &Form,
    site: &Site,
    origin: &Uri,
) -> Result<(Intent, FormReply), Failure> {
    let readings = Target::readings(parts, site, dialect.vendor_domain)?;
    let target = readings.iter().find(|target| target.level() == Level::Bucket).ok_or(FailureCode::InvalidUri)?;
    let bucket = target.bucket_name()?;
    let region = site.strict_region.then_some(&site.region);
    let (claim, policy) = Claim::read_form(form, dialect.schemes, region)?;
    let key = required(form, "key")?.replace(FILE_NAME, form.file_name());
    if let Some(policy) = &policy {
        check(dialect, form, policy, bucket.as_str(), &key)?;
    }
    let object = target.with_key(&key);
    let head = head(dialect, form)?;
    let (least, most) = policy.map_or((0, u64::MAX), |policy| (policy.least, policy.most));
    let framing = Framing::File { least, most: most.min(OBJECT_BYTES_MAX) };
    let request = Request::new(dialect, &head, site, &object)?;
    let asked = put::written(&request, |_| Ok(StreamPlan { length: None, framing }))?;
    let words = words::of_form(&request, parts, &claim)?;
    let reply = FormReply::new(form, target, bucket, key, origin);
    Ok((Intent { asked, claim, words, alternative: None }, reply))
}

/// Holds the form against its policy: every condition is met, and every field that needs one has one.
fn check(dialect: &Dialect, form: &Form, policy: &Policy, bucket: &str, key: &str) -> Result<(), Failure> {
    policy.check(|name| match name {
        "bucket" => Some(bucket),
        "key" => Some(key),
        _ => form.field(name),
    })?;
    if !dialect.form.covered {
        return Ok(());
    }
    let is_exempt = |name: &str| {
        NEVER_COVERED.contains(&name) || dialect.form.exempt.contains(&name) || name.starts_with("x-ignore-")
    };
    let names = form.fields().map(|(name, _)| name).filter(|name| !is_exempt(name));
    let extra: Vec<_> = std::iter::once("bucket").chain(names).filter(|name| !policy.covers(name)).collect();
    if extra.is_empty() {
        return Ok(());
    }
    Err(denied(format!("Invalid according to Policy: Extra input fields: {}", extra.join(", "))))
}

/// The head of the PUT that would ask for the same.
///
/// # Errors
/// `NotImplemented`; `InvalidArgument` for a name or value that no header can have.
fn head(dialect: &Dialect, form: &Form) -> Result<Parts, Failure> {
    let mut headers = HeaderMap::new();
    for (name, value) in form.fields() {
        if dialect.form.unbuilt.contains(&name) {
            return Err(Failure::new(FailureCode::NotImplemented).with_detail("Header", name));
        }
        let header = match name.strip_prefix(dialect.header_prefix) {
            Some(suffix) if OF_BODIES.contains(&suffix) => {
                return Err(Failure::new(FailureCode::NotImplemented).with_detail("Header", name));
            }
            Some(_) => name.to_owned(),
            None if HEADERS.contains(&name) => name.to_owned(),
            None if dialect.form.acl == Some(name) => dialect.field(dialect.resources.object_acl),
            None if dialect.form.tagging == Some(name) => {
                put_in(&mut headers, &dialect.field("tagging"), &tags(dialect, value)?)?;
                continue;
            }
            None => continue,
        };
        put_in(&mut headers, &header, value)?;
    }
    let kind = dialect.form.content_type.and_then(|name| form.field(name));
    let of_file = || form.file_type().filter(|_| dialect.form.content_type.is_some());
    if let Some(kind) = kind.or_else(of_file) {
        put_in(&mut headers, "content-type", kind)?;
    }
    let (mut parts, ()) = Head::new(()).into_parts();
    (parts.method, parts.headers) = (Method::PUT, headers);
    Ok(parts)
}

/// A document of tags as the field of a PUT has them.
fn tags(dialect: &Dialect, document: &str) -> Result<String, Failure> {
    let tags = tagging::read(document.as_bytes(), Tagged::Object, dialect)?;
    let pairs =
        tags.as_slice().iter().map(|(key, value)| format!("{}={}", encoded(key.as_bytes()), encoded(value.as_bytes())));
    Ok(pairs.collect::<Vec<_>>().join("&"))
}

fn put_in(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Failure> {
    let unsendable = || invalid_argument(name, value).with_message("A field is not what a header can carry.");
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable())?;
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unsendable())?;
    headers.insert(header, value);
    Ok(())
}
