//! Huawei Cloud's gateway for services other than OBS, the key service among them: HMAC-SHA256 under the secret itself, of a
//! hash of the canonical request. The body is signed, and its hash mostly not stated: read it first, then the claim, by
//! [`Claim::read_with_document`](crate::claim::Claim::read_with_document).

use std::borrow::Cow;

use http::header::{AUTHORIZATION, CONNECTION, EXPECT, HOST, HeaderName, TE, TRANSFER_ENCODING};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use ring::digest::{SHA256, digest};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::AccessKeyId;
use strongroom_model::time::Timestamp;

use super::candidate::{Candidate, distinct};
use super::crypto::{Mac, sha256_hex};
use super::head::{Empty, Head, encoded_path};
use super::payload::PayloadWord;
use super::scope::{fields, malformed};
use super::sign::{Signer, UrlParameters, put};
use super::validity::Validity;
use super::{Scheme, date};
use crate::claim::{KeyRule, Signed};

/// `Authorization: SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`.
pub static SDK: Scheme = Scheme {
    word: ALGORITHM,
    url_marks: &[],
    scoped: false,
    read_header: |head, rest, _| read_header(head, rest),
    read_url: |_, _| Err(malformed("This signing method has no signed URLs.")),
    form_marks: &[],
    read_form: |_, _| Err(malformed("This signing method has no signed forms.")),
    dress_header,
    dress_url: |_, _, _, _| UrlParameters { signed: Vec::new(), signature: "Signature" },
};

const ALGORITHM: &str = "SDK-HMAC-SHA256";
const PREFIX: &str = "x-sdk-";
const TIME: &str = "x-sdk-date";
const PAYLOAD: &str = "x-sdk-content-sha256";
const TOKEN: &str = "x-security-token";

/// What a proxy or a client's HTTP library may still change, so that it had better not be signed.
const UNSIGNED_HEADERS: [HeaderName; 5] = [AUTHORIZATION, CONNECTION, EXPECT, TE, TRANSFER_ENCODING];

fn read_header(head: &Head<'_>, rest: &str) -> Result<Signed, Failure> {
    let [id, names, signature] = fields(rest, '=', ["Access", "SignedHeaders", "Signature"])?;
    let required = |field: Option<_>| field.ok_or_else(|| malformed("The Authorization header lacks a part."));
    let (id, names, signature) = (required(id)?, required(names)?, required(signature)?);
    let when = head.text_header(TIME).and_then(date::read_basic).ok_or(FailureCode::MissingDate)?;
    let names: Vec<&str> = names.split(';').collect();
    check_signed_headers(head, &names)?;
    let payload = payload(head)?;
    Ok(Signed {
        access_key: AccessKeyId::parse(id).map_err(|_| malformed("The access key's id is not well formed."))?,
        token: head.text_header(TOKEN).map(str::to_owned),
        scheme: &SDK,
        by_url: false,
        validity: Validity::Around(when),
        candidates: candidates(head, &names, when, &payload),
        key: KeyRule::SecretInHex(Mac::Sha256),
        presented: signature.to_owned(),
        payload,
    })
}

/// What the signature covers of the body: the hash that the head states, or that of the body itself.
fn payload(head: &Head<'_>) -> Result<PayloadWord, Failure> {
    if let Some(word) = head.text_header(PAYLOAD) {
        return match PayloadWord::parse(PAYLOAD, word)? {
            word @ (PayloadWord::Unsigned | PayloadWord::Sha256(_)) => Ok(word),
            PayloadWord::UnsignedChunks | PayloadWord::SignedChunks { .. } => Err(FailureCode::NotImplemented.into()),
        };
    }
    let document = head.document.ok_or_else(|| malformed("The body's hash is not stated."))?;
    let hash = digest(&SHA256, document).as_ref().try_into().expect("a SHA-256 has 32 bytes");
    Ok(PayloadWord::Sha256(hash))
}

/// The host has to be signed, and so has every header of this method's own, or somebody else might put one in.
fn check_signed_headers(head: &Head<'_>, names: &[&str]) -> Result<(), Failure> {
    if !names.contains(&HOST.as_str()) {
        return Err(malformed("SignedHeaders has no host."));
    }
    let mut unsigned = head.header_names(PREFIX);
    unsigned.extend(head.text_header(TOKEN).map(|_| TOKEN));
    unsigned.retain(|name| !names.contains(name));
    if unsigned.is_empty() {
        return Ok(());
    }
    Err(Failure::new(FailureCode::AccessDenied)
        .with_message("There were headers present in the request which were not signed")
        .with_detail("HeadersNotSigned", unsigned.join(", ")))
}

/// What the client may have signed: the host with its port, or without.
fn candidates(head: &Head<'_>, names: &[&str], when: Timestamp, payload: &PayloadWord) -> Vec<Candidate> {
    let (method, path, query) = (head.method(), closed_path(head), head.canonical_query(None, Empty::Equals));
    let (signed, time) = (names.join(";"), date::basic(when));
    let requests = head.hosts().into_iter().map(|host| {
        let lines = head.header_lines(names, host);
        let start = format!("{method}\n{path}\n{query}\n");
        [start.as_bytes(), &lines, format!("\n{signed}\n{}", payload.text()).as_bytes()].concat()
    });
    distinct(requests.map(|request| Candidate {
        string_to_sign: format!("{ALGORITHM}\n{time}\n{}", sha256_hex(&request)).into_bytes(),
        canonical_request: Some(request),
    }))
}

/// The path, encoded anew, with a slash at its end.
fn closed_path(head: &Head<'_>) -> String {
    let decoded: Cow<'_, [u8]> = percent_decode_str(head.path()).into();
    let path = encoded_path(&decoded);
    if path.ends_with('/') { path } else { path + "/" }
}

/// Clients of ours state the hash: so a claim can be read from the head alone.
fn dress_header(
    parts: &mut Parts,
    signer: &Signer<'_>,
    now: Timestamp,
    payload: &PayloadWord,
) -> Result<String, http::Error> {
    put(parts, HeaderName::from_static(TIME), &date::basic(now))?;
    put(parts, HeaderName::from_static(PAYLOAD), &payload.text())?;
    if let Some(token) = signer.token {
        put(parts, HeaderName::from_static(TOKEN), token)?;
    }
    let mut names: Vec<_> = parts.headers.keys().filter(|name| !UNSIGNED_HEADERS.contains(name)).collect();
    names.sort_unstable_by_key(|name| name.as_str());
    let names: Vec<_> = names.into_iter().map(HeaderName::as_str).collect();
    Ok(format!("{ALGORITHM} Access={}, SignedHeaders={}, Signature=", signer.access_key.as_str(), names.join(";")))
}
