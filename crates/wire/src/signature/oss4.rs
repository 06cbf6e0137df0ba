//! OSS V4: the shape of AWS V4, with its own words, its own notion of what is signed, and no signed bodies.

use http::header::DATE;
use http::request::Parts;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::Region;
use strongroom_model::time::Timestamp;

use super::candidate::distinct;
use super::form::{self, ScopedFields};
use super::head::{Empty, Head, encoded_path};
use super::payload::PayloadWord;
use super::scope::{Scope, ScopeWords, fields, malformed};
use super::sign::{Signer, UrlParameters, put_own};
use super::validity::{Validity, dated};
use super::{Scheme, date};
use crate::claim::{KeyRule, Signed};

/// `Authorization: OSS4-HMAC-SHA256 Credential=…,AdditionalHeaders=…,Signature=…`.
pub static OSS4: Scheme = Scheme {
    word: "OSS4-HMAC-SHA256",
    url_marks: &["x-oss-credential"],
    scoped: true,
    read_header,
    read_url,
    form_marks: &["x-oss-signature-version", "x-oss-credential", "x-oss-signature"],
    read_form: |form, region| form::by_scope(form, &WORDS, &FORM_FIELDS, region),
    dress_header,
    dress_url: |_, signer, now, seconds| dress_url(signer, now, seconds),
};

pub(crate) static WORDS: ScopeWords = ScopeWords {
    algorithm: "OSS4-HMAC-SHA256",
    secret_prefix: "aliyun_v4",
    terminator: "aliyun_v4_request",
    services: &["oss", "oss-cloudbox"],
};

const PREFIX: &str = "x-oss-";
const TIME: &str = "x-oss-date";
const PAYLOAD: &str = "x-oss-content-sha256";
const TOKEN: &str = "x-oss-security-token";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

const FORM_FIELDS: ScopedFields = ScopedFields {
    scheme: ("x-oss-signature-version", "OSS4-HMAC-SHA256"),
    credential: "x-oss-credential",
    date: TIME,
    signature: "x-oss-signature",
    token: TOKEN,
};

/// Headers that are always signed, besides those with the prefix.
const ALWAYS: [&str; 2] = ["content-md5", "content-type"];

/// What is common to a claim in a header and one in a URL.
struct Read<'a> {
    credential: &'a str,
    additional: &'a str,
    signature: &'a str,
    when: Timestamp,
    validity: Validity,
}

fn read_header(head: &Head<'_>, rest: &str, region: Option<&Region>) -> Result<Signed, Failure> {
    let [credential, additional, signature] = fields(rest, '=', ["Credential", "AdditionalHeaders", "Signature"])?;
    let required = |field: Option<_>| field.ok_or_else(|| malformed("The Authorization header lacks a part."));
    let when = dated(head, &[TIME, DATE.as_str()])?;
    let read = Read {
        credential: required(credential)?,
        additional: additional.unwrap_or_default(),
        signature: required(signature)?,
        when,
        validity: Validity::Around(when),
    };
    let token = head.text_header(TOKEN).map(str::to_owned);
    signed(head, read, token, region)
}

fn read_url(head: &Head<'_>, region: Option<&Region>) -> Result<Signed, Failure> {
    let required =
        |name| head.text_parameter(name)?.ok_or_else(|| malformed("The query lacks a parameter of the signature."));
    if required("x-oss-signature-version")? != WORDS.algorithm {
        return Err(malformed("x-oss-signature-version is not OSS4-HMAC-SHA256."));
    }
    let time = head.text_parameter(TIME)?.ok_or(FailureCode::MissingDate)?;
    let when = date::read_basic(time).ok_or(FailureCode::MissingDate)?;
    let read = Read {
        credential: required("x-oss-credential")?,
        additional: head.text_parameter("x-oss-additional-headers")?.unwrap_or_default(),
        signature: required("x-oss-signature")?,
        when,
        validity: Validity::lifetime(when, "x-oss-expires", head)?,
    };
    let token = head.text_parameter(TOKEN)?.map(str::to_owned);
    let mut signed = signed(head, read, token, region)?;
    signed.by_url = true;
    Ok(signed)
}

fn signed(head: &Head<'_>, read: Read<'_>, token: Option<String>, region: Option<&Region>) -> Result<Signed, Failure> {
    let (access_key, scope) = Scope::read(read.credential, &WORDS, region)?;
    let time = date::basic(read.when);
    if !time.starts_with(&scope.date) {
        return Err(malformed("The credential's date is not that of the request."));
    }
    let word = head.text_header(PAYLOAD).unwrap_or(UNSIGNED);
    let requests = canonical_requests(head, read.additional, word);
    Ok(Signed {
        access_key,
        token,
        scheme: &OSS4,
        by_url: false,
        validity: read.validity,
        candidates: distinct(requests.into_iter().map(|request| scope.candidate(&time, request))),
        key: KeyRule::Scoped { scope, time },
        presented: read.signature.to_owned(),
        payload: PayloadWord::parse(PAYLOAD, word)?,
    })
}

/// What the client may have hashed: the documents' request, its host with the port or without.
fn canonical_requests(head: &Head<'_>, additional: &str, word: &str) -> Vec<Vec<u8>> {
    let uri = encoded_path(&head.decoded_resource());
    let query = head.canonical_query(Some("x-oss-signature"), Empty::Bare);
    let additional = additional_names(additional);
    let mut names = head.header_names(PREFIX);
    let others = ALWAYS.into_iter().chain(additional.iter().map(String::as_str));
    names.extend(others.filter(|&name| head.header(name).is_some()));
    names.sort_unstable();
    let (method, additional) = (head.method(), additional.join(";"));
    let start = format!("{method}\n{uri}\n{query}\n");
    let end = format!("\n{additional}\n{word}");
    let request = |host| [start.as_bytes(), &head.header_lines(&names, host), end.as_bytes()].concat();
    head.hosts().into_iter().map(request).collect()
}

/// The additional headers in canonical form: lower case, sorted, once each, and none that is signed anyway.
pub(crate) fn additional_names(list: &str) -> Vec<String> {
    let names = list.split(';').map(str::to_ascii_lowercase);
    let mut names: Vec<_> = names.filter(|name| !name.is_empty() && !name.starts_with(PREFIX)).collect();
    names.retain(|name| !ALWAYS.contains(&name.as_str()));
    names.sort_unstable();
    names.dedup();
    names
}

fn dress_header(
    parts: &mut Parts,
    signer: &Signer<'_>,
    now: Timestamp,
    payload: &PayloadWord,
) -> Result<String, http::Error> {
    put_own(parts, signer, &date::basic(now), payload, [TIME, PAYLOAD, TOKEN])?;
    Ok(format!("{} Credential={},Signature=", WORDS.algorithm, WORDS.credential(signer, now)))
}

fn dress_url(signer: &Signer<'_>, now: Timestamp, seconds: u32) -> UrlParameters {
    let token = signer.token.map(|token| (TOKEN, token.to_owned()));
    let parameters = [
        ("x-oss-signature-version", WORDS.algorithm.to_owned()),
        (TIME, date::basic(now)),
        ("x-oss-expires", seconds.to_string()),
        ("x-oss-credential", WORDS.credential(signer, now)),
    ];
    UrlParameters { signed: parameters.into_iter().chain(token).collect(), signature: "x-oss-signature" }
}
