//! OSS V2: HMAC-SHA256 under the secret itself, over every query parameter and chosen additional headers.

use http::header::{CONTENT_TYPE, DATE, HeaderName};
use http::request::Parts;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::AccessKeyId;
use strongroom_model::time::Timestamp;

use super::candidate::{Candidate, distinct};
use super::crypto::Mac;
use super::head::{Empty, Head, encoded};
use super::oss4::additional_names;
use super::payload::PayloadWord;
use super::scope::{fields, malformed};
use super::sign::{Signer, UrlParameters, put};
use super::validity::{Validity, dated};
use super::{Scheme, date};
use crate::claim::{KeyRule, Signed};

/// `Authorization: OSS2 AccessKeyId:…,AdditionalHeaders:…,Signature:…`.
pub static OSS2: Scheme = Scheme {
    word: "OSS2",
    url_marks: &["x-oss-access-key-id"],
    scoped: false,
    read_header: |head, rest, _| read_header(head, rest),
    read_url: |head, _| read_url(head),
    form_marks: &[],
    read_form: |_, _| Err(malformed("This signing method has no signed forms.")),
    dress_header,
    dress_url: |_, signer, now, seconds| dress_url(signer, now, seconds),
};

const PREFIX: &str = "x-oss-";
const TIME: &str = "x-oss-date";
const TOKEN: &str = "x-oss-security-token";
const TOKEN_PARAMETER: &str = "security-token";

fn read_header(head: &Head<'_>, rest: &str) -> Result<Signed, Failure> {
    let [id, additional, signature] = fields(rest, ':', ["AccessKeyId", "AdditionalHeaders", "Signature"])?;
    let required = |field: Option<_>| field.ok_or_else(|| malformed("The Authorization header lacks a part."));
    let when = dated(head, &[DATE.as_str(), TIME])?;
    let slot = head.header(DATE.as_str()).or(head.header(TIME)).unwrap_or_default();
    let candidates = candidates(head, slot, additional.unwrap_or_default());
    signed(head, required(id)?, required(signature)?, Validity::Around(when), candidates)
}

fn read_url(head: &Head<'_>) -> Result<Signed, Failure> {
    let required = |name| {
        head.text_parameter(name)?.ok_or_else(|| {
            Failure::new(FailureCode::AccessDenied).with_message(
                "Query string authentication requires the x-oss-signature, x-oss-expires and x-oss-access-key-id parameters.",
            )
        })
    };
    let (id, signature) = (required("x-oss-access-key-id")?, required("x-oss-signature")?);
    let expires = required("x-oss-expires")?;
    let additional = head.text_parameter("x-oss-additional-headers")?.unwrap_or_default();
    let candidates = candidates(head, expires.as_bytes(), additional);
    let mut signed = signed(head, id, signature, Validity::until(expires)?, candidates)?;
    signed.by_url = true;
    Ok(signed)
}

fn signed(
    head: &Head<'_>,
    id: &str,
    signature: &str,
    validity: Validity,
    candidates: Vec<Candidate>,
) -> Result<Signed, Failure> {
    Ok(Signed {
        access_key: AccessKeyId::parse(id).map_err(|_| malformed("The access key's id is not well formed."))?,
        token: head.text_header(TOKEN).or(head.text_parameter(TOKEN_PARAMETER)?).map(str::to_owned),
        scheme: &OSS2,
        by_url: false,
        validity,
        key: KeyRule::Secret(Mac::Sha256),
        candidates,
        presented: signature.to_owned(),
        payload: PayloadWord::Unsigned,
    })
}

/// What the client may have signed: the documents' string, its host with the port or without.
fn candidates(head: &Head<'_>, slot: &[u8], additional: &str) -> Vec<Candidate> {
    let field = |name: &str| head.header(name).unwrap_or_default();
    let (digest, kind) = (field("content-md5"), field(CONTENT_TYPE.as_str()));
    let additional = additional_names(additional);
    let mut names = head.header_names(PREFIX);
    names.extend(additional.iter().filter(|&name| head.header(name).is_some()).map(String::as_str));
    names.sort_unstable();
    let end = format!("{}\n{}", additional.join(";"), resource(head));
    let method = head.method().as_bytes();
    distinct(head.hosts().into_iter().map(|host| {
        let lines = head.header_lines(&names, host);
        let pieces = [method, b"\n", digest, b"\n", kind, b"\n", slot, b"\n", &lines, end.as_bytes()];
        Candidate::plain(pieces.concat())
    }))
}

/// The decoded resource encoded as a whole, slashes too, and every parameter.
fn resource(head: &Head<'_>) -> String {
    let (resource, query) =
        (encoded(&head.decoded_resource()), head.canonical_query(Some("x-oss-signature"), Empty::Bare));
    let joint = if query.is_empty() { "" } else { "?" };
    format!("{resource}{joint}{query}")
}

fn dress_header(
    parts: &mut Parts,
    signer: &Signer<'_>,
    now: Timestamp,
    _: &PayloadWord,
) -> Result<String, http::Error> {
    put(parts, DATE, &date::rfc1123(now))?;
    if let Some(token) = signer.token {
        put(parts, HeaderName::from_static(TOKEN), token)?;
    }
    Ok(format!("{} AccessKeyId:{},Signature:", OSS2.word, signer.access_key.as_str()))
}

fn dress_url(signer: &Signer<'_>, now: Timestamp, seconds: u32) -> UrlParameters {
    let token = signer.token.map(|token| (TOKEN_PARAMETER, token.to_owned()));
    let parameters = [
        ("x-oss-signature-version", OSS2.word.to_owned()),
        ("x-oss-expires", now.plus_millis(i64::from(seconds) * 1000).seconds().to_string()),
        ("x-oss-access-key-id", signer.access_key.as_str().to_owned()),
    ];
    UrlParameters { signed: token.into_iter().chain(parameters).collect(), signature: "x-oss-signature" }
}
