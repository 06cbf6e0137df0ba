//! The schemes of the first generation: `OBS` of Huawei, and AWS V2, which is the same algorithm under other words.
//!
//! HMAC-SHA1 of five lines (verb, Content-MD5, Content-Type, date, prefixed headers and resource) under the secret itself.

use http::header::{CONTENT_TYPE, DATE, HeaderName};
use http::request::Parts;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::AccessKeyId;
use strongroom_model::time::Timestamp;

use super::candidate::{Candidate, distinct};
use super::crypto::Mac;
use super::form::{self, FormSignature};
use super::head::{Empty, Head, lines};
use super::payload::PayloadWord;
use super::scope::malformed;
use super::sign::{Signer, UrlParameters, put};
use super::subresource::Listed;
use super::validity::{Validity, dated};
use super::{Scheme, date};
use crate::claim::{KeyRule, Signed};
use crate::form::Form;

/// `Authorization: OBS <access key>:<signature>`.
pub static OBS: Scheme = Scheme {
    word: "OBS",
    url_marks: &["AccessKeyId", "Signature"],
    scoped: false,
    read_header: |head, rest, _| read_header(&OBS_WORDS, head, rest),
    read_url: |head, _| read_url(&OBS_WORDS, head),
    form_marks: &["accesskeyid", "obsaccesskeyid", "token"],
    read_form: |form, _| read_obs_form(form),
    dress_header: |parts, signer, now, _| dress_header(&OBS_WORDS, parts, signer, now),
    dress_url: |_, signer, now, seconds| dress_url(&OBS_WORDS, signer, now, seconds),
};

/// `Authorization: AWS <access key>:<signature>`.
pub static AWS2: Scheme = Scheme {
    word: "AWS",
    url_marks: &["AWSAccessKeyId", "Signature"],
    scoped: false,
    read_header: |head, rest, _| read_header(&AWS_WORDS, head, rest),
    read_url: |head, _| read_url(&AWS_WORDS, head),
    form_marks: &["awsaccesskeyid"],
    read_form: |form, _| form::by_secret(form, "AWSAccessKeyId", AWS_WORDS.token),
    dress_header: |parts, signer, now, _| dress_header(&AWS_WORDS, parts, signer, now),
    dress_url: |_, signer, now, seconds| dress_url(&AWS_WORDS, signer, now, seconds),
};

static OBS_WORDS: Words = Words {
    scheme: &OBS,
    prefix: "x-obs-",
    date: "x-obs-date",
    token: "x-obs-security-token",
    payload: "x-obs-content-sha256",
    access_key: "AccessKeyId",
    missing: "Query string authentication requires the Signature, Expires and AccessKeyId parameters.",
};

static AWS_WORDS: Words = Words {
    scheme: &AWS2,
    prefix: "x-amz-",
    date: "x-amz-date",
    token: "x-amz-security-token",
    payload: "x-amz-content-sha256",
    access_key: "AWSAccessKeyId",
    missing: "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
};

/// The words in which the two schemes differ.
struct Words {
    scheme: &'static Scheme,
    /// The prefix of the headers and parameters that are signed.
    prefix: &'static str,
    date: &'static str,
    token: &'static str,
    /// What says the body's hash. It is signed like any field, and nothing has to say it.
    payload: &'static str,
    /// The parameter of a signed URL that names the access key.
    access_key: &'static str,
    /// What a caller is told whose URL lacks a parameter.
    missing: &'static str,
}

impl Words {
    /// Whether a parameter of that name acts as a header of the dialect's. In any letter case: what is obeyed must be
    /// signed, or whoever is handed a URL could add to it.
    fn is_prefixed(&self, name: &str) -> bool {
        name.get(..self.prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(self.prefix))
    }
}

/// How the path of a bucket that is named without a slash after it is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// As it is sent: `/bucket`.
    AsSent,
    /// As the AWS SDKs do: `/bucket/`.
    Slash,
}

/// Where a signature was found, which decides what may have been signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Header,
    Url,
}

fn read_header(words: &'static Words, head: &Head<'_>, rest: &str) -> Result<Signed, Failure> {
    let (id, signature) = rest.rsplit_once(':').ok_or_else(|| malformed("The Authorization header has no colon."))?;
    let when = dated(head, &[words.date, DATE.as_str()])?;
    let slot = if head.header(words.date).is_some() { &[][..] } else { head.header(DATE.as_str()).unwrap_or_default() };
    signed(words, head, Place::Header, id, signature, Validity::Around(when), slot)
}

fn read_url(words: &'static Words, head: &Head<'_>) -> Result<Signed, Failure> {
    let missing = || Failure::new(FailureCode::AccessDenied).with_message(words.missing);
    let id = head.text_parameter(words.access_key)?.ok_or_else(missing)?;
    let signature = head.text_parameter("Signature")?.ok_or_else(missing)?;
    if head.parameter("Policy").is_some() {
        return Err(FailureCode::NotImplemented.into());
    }
    let expires = head.text_parameter("Expires")?.ok_or_else(missing)?;
    signed(words, head, Place::Url, id, signature, Validity::until(expires)?, expires.as_bytes())
}

/// A form of OBS: one field `token` with all three parts comes first, and the access key's id has two names.
fn read_obs_form(form: &Form) -> Result<FormSignature, Failure> {
    if let Some(token) = form.field("token") {
        let mut parts = token.splitn(3, ':');
        let mut next = || parts.next().ok_or_else(|| malformed("The token of the form has too few parts."));
        return form::by_secret_of(form, [next()?, next()?, next()?], OBS_WORDS.token);
    }
    let other = form.field("accesskeyid").is_none() && form.field("obsaccesskeyid").is_some();
    form::by_secret(form, if other { "ObsAccessKeyId" } else { "AccessKeyId" }, OBS_WORDS.token)
}

fn signed(
    words: &'static Words,
    head: &Head<'_>,
    place: Place,
    id: &str,
    signature: &str,
    validity: Validity,
    slot: &[u8],
) -> Result<Signed, Failure> {
    head.refuse_hidden_subresources(|name| {
        std::str::from_utf8(name).is_ok_and(|name| Listed::All.has(name) || words.is_prefixed(name))
    })?;
    let token = head.text_header(words.token).or(head.text_parameter(words.token)?);
    let payload = head.text_header(words.payload).or(head.text_parameter(words.payload)?);
    Ok(Signed {
        access_key: AccessKeyId::parse(id).map_err(|_| malformed("The access key's id is not well formed."))?,
        token: token.map(str::to_owned),
        scheme: words.scheme,
        by_url: place == Place::Url,
        validity,
        key: KeyRule::Secret(Mac::Sha1),
        candidates: candidates(words, head, place, slot),
        presented: signature.to_owned(),
        payload: payload.map_or(Ok(PayloadWord::Unsigned), |word| PayloadWord::parse(words.payload, word))?,
    })
}

/// What the client may have signed: the documents' string; the same without the parameters that some SDK forgets; and
/// what the AWS SDKs make of it.
///
/// A header is good for a quarter of an hour and for its sender. A URL is handed around, so it may leave out less: no
/// parameter that would make it another operation.
fn candidates(words: &Words, head: &Head<'_>, place: Place, slot: &[u8]) -> Vec<Candidate> {
    let lines = head.header_lines(&head.header_names(words.prefix), b"");
    let documented = |listed: Listed| {
        let resource = resource(head, Ending::AsSent, |name| listed.has(name) || words.is_prefixed(name));
        string(head, slot, None, &lines, &resource)
    };
    let classic = || {
        let resource = resource(head, Ending::Slash, |name| Listed::Classic.has(name));
        string(head, slot, None, &lines, &resource)
    };
    let is_aws = words.scheme.word == AWS2.word;
    let mut strings = vec![documented(Listed::All)];
    match place {
        Place::Header => {
            strings.push(documented(Listed::WithoutHoles));
            strings.extend(is_aws.then(classic));
        }
        Place::Url => {
            strings.push(documented(Listed::WithoutAttachment));
            strings.extend(is_aws.then(|| hoisted(words, head, slot)).flatten());
        }
    }
    distinct(strings.into_iter().map(Candidate::plain))
}

/// The AWS SDKs sign a URL as if its `x-amz-` parameters, its content type and its digest were headers. None if one of them
/// could not be: a line feed would make two headers of it.
fn hoisted(words: &Words, head: &Head<'_>, slot: &[u8]) -> Option<Vec<u8>> {
    if head.parameters.iter().any(|parameter| parameter.name.contains(&b'\n') || parameter.value.contains(&b'\n')) {
        return None;
    }
    let names = head.header_names(words.prefix);
    let sent = names.iter().map(|&name| (name.to_owned(), head.header_value(name)));
    let parameters = head.parameters.iter().filter_map(|parameter| {
        let name = std::str::from_utf8(&parameter.name).ok()?;
        words.is_prefixed(name).then(|| (name.to_ascii_lowercase(), parameter.value.to_vec()))
    });
    let mut pairs: Vec<_> = sent.chain(parameters).collect();
    pairs.sort();
    let lines = lines(pairs.iter().map(|(name, value)| (name.as_str(), value.clone())));
    let listed = |name: &str| Listed::All.has(name) && !words.is_prefixed(name);
    let resource = resource(head, Ending::Slash, listed);
    Some(string(head, slot, Some(head), &lines, &resource))
}

/// The string to sign; of `parameters`, digest and content type may come when there is no such header.
fn string(head: &Head<'_>, slot: &[u8], parameters: Option<&Head<'_>>, lines: &[u8], resource: &[u8]) -> Vec<u8> {
    let field = |name: &str| {
        let parameter = || parameters.and_then(|head| head.parameter(name)).map(<[u8]>::to_vec);
        head.header(name).map(<[u8]>::to_vec).or_else(parameter).unwrap_or_default()
    };
    let (digest, kind) = (field("content-md5"), field(CONTENT_TYPE.as_str()));
    [head.method().as_bytes(), b"\n", &digest, b"\n", &kind, b"\n", slot, b"\n", lines, resource].concat()
}

/// Bucket, path as sent, and the parameters that `listed` says are sub-resources.
fn resource(head: &Head<'_>, ending: Ending, listed: impl Fn(&str) -> bool) -> Vec<u8> {
    let mut resource = Vec::with_capacity(head.path().len() + 128);
    if let Some(bucket) = head.target.bucket.filter(|_| head.target.virtual_hosted) {
        resource.push(b'/');
        resource.extend_from_slice(bucket.as_bytes());
    }
    resource.extend_from_slice(head.path().as_bytes());
    if ending == Ending::Slash && head.is_unclosed_bucket() {
        resource.push(b'/');
    }
    let entered = |name: &[u8]| std::str::from_utf8(name).is_ok_and(&listed);
    head.append_subresources(&mut resource, entered, Empty::Bare);
    resource
}

fn dress_header(words: &Words, parts: &mut Parts, signer: &Signer<'_>, now: Timestamp) -> Result<String, http::Error> {
    if !parts.headers.contains_key(words.date) {
        put(parts, DATE, &date::rfc1123(now))?;
    }
    if let Some(token) = signer.token {
        put(parts, HeaderName::from_static(words.token), token)?;
    }
    Ok(format!("{} {}:", words.scheme.word, signer.access_key.as_str()))
}

fn dress_url(words: &Words, signer: &Signer<'_>, now: Timestamp, seconds: u32) -> UrlParameters {
    let token = signer.token.map(|token| (words.token, token.to_owned()));
    let expires = now.plus_millis(i64::from(seconds) * 1000).seconds().to_string();
    let id = (words.access_key, signer.access_key.as_str().to_owned());
    UrlParameters { signed: token.into_iter().chain([id, ("Expires", expires)]).collect(), signature: "Signature" }
}
