//! AWS V4: HMAC-SHA256 under a derived key, of a hash of the canonical request.

use std::borrow::Cow;

use http::header::{DATE, HOST};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::time::Timestamp;

use super::candidate::{Candidate, distinct};
use super::crypto::sha256_hex;
use super::form::{self, ScopedFields};
use super::head::{Empty, Head, encoded_path, lines};
use super::payload::PayloadWord;
use super::scope::{Scope, ScopeWords, fields, malformed};
use super::sign::{Signer, UrlParameters, put_own, signed_names};
use super::validity::{Validity, dated};
use super::{Scheme, date};
use crate::claim::{KeyRule, Signed};

/// `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
pub static AWS4: Scheme = Scheme {
    word: "AWS4-HMAC-SHA256",
    url_marks: &["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"],
    scoped: true,
    read_header,
    read_url,
    form_marks: &["x-amz-algorithm", "x-amz-credential", "x-amz-signature"],
    read_form: |form, region| form::by_scope(form, &WORDS, &FORM_FIELDS, region),
    dress_header: |parts, signer, now, payload| dress_header(&WORDS, parts, signer, now, payload),
    dress_url,
};

static WORDS: ScopeWords = WORDS_OF_AWS;

/// The same for the key service, whose clients sign the body without stating its hash: read it first, then the claim, by
/// [`Claim::read_with_document`](crate::claim::Claim::read_with_document). It has no signed URLs.
pub static AWS4_KMS: Scheme = Scheme {
    word: "AWS4-HMAC-SHA256",
    url_marks: &[],
    scoped: true,
    read_header: read_kms_header,
    read_url: |_, _| Err(malformed("Requests to the key service are signed in their headers.")),
    form_marks: &[],
    read_form: |_, _| Err(malformed("Requests to the key service are signed in their headers.")),
    // Clients of ours state the hash: so a claim can be read from the head alone.
    dress_header: |parts, signer, now, payload| dress_header(&KMS_WORDS, parts, signer, now, payload),
    dress_url: |_, _, _, _| UrlParameters { signed: Vec::new(), signature: "X-Amz-Signature" },
};

static KMS_WORDS: ScopeWords = ScopeWords { services: &["kms"], ..WORDS_OF_AWS };

const WORDS_OF_AWS: ScopeWords =
    ScopeWords { algorithm: "AWS4-HMAC-SHA256", secret_prefix: "AWS4", terminator: "aws4_request", services: &["s3"] };

const PREFIX: &str = "x-amz-";
const TIME: &str = "x-amz-date";
const PAYLOAD: &str = "x-amz-content-sha256";
const TOKEN: &str = "x-amz-security-token";

const FORM_FIELDS: ScopedFields = ScopedFields {
    scheme: ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
    credential: "x-amz-credential",
    date: TIME,
    signature: "x-amz-signature",
    token: TOKEN,
};

/// What is common to a claim in a header and one in a URL.
struct Read<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
    when: Timestamp,
    payload: PayloadWord,
}

fn read_header(head: &Head<'_>, rest: &str, region: Option<&Region>) -> Result<Signed, Failure> {
    let word = head.text_header(PAYLOAD).ok_or_else(|| {
        Failure::new(FailureCode::InvalidRequest)
            .with_message("Missing required header for this request: x-amz-content-sha256")
    })?;
    signed_header(head, rest, word, region, &AWS4, &WORDS)
}

/// The body's own hash is what counts, whatever the head may state.
fn read_kms_header(head: &Head<'_>, rest: &str, region: Option<&Region>) -> Result<Signed, Failure> {
    let document = head.document.map(sha256_hex);
    let word = document.as_deref().or_else(|| head.text_header(PAYLOAD));
    let word = word.ok_or_else(|| malformed("The body's hash is not stated."))?;
    signed_header(head, rest, word, region, &AWS4_KMS, &KMS_WORDS)
}

fn signed_header(
    head: &Head<'_>,
    rest: &str,
    word: &str,
    region: Option<&Region>,
    scheme: &'static Scheme,
    words: &'static ScopeWords,
) -> Result<Signed, Failure> {
    let [credential, signed_headers, signature] = fields(rest, '=', ["Credential", "SignedHeaders", "Signature"])?;
    let required = |field: Option<_>| field.ok_or_else(|| malformed("The Authorization header lacks a part."));
    let when = dated(head, &[TIME, DATE.as_str()])?;
    let read = Read {
        credential: required(credential)?,
        signed_headers: required(signed_headers)?,
        signature: required(signature)?,
        when,
        payload: PayloadWord::parse(PAYLOAD, word)?,
    };
    let token = head.text_header(TOKEN).map(str::to_owned);
    let (access_key, scope) = Scope::read(read.credential, words, region)?;
    signed(head, read, word, token, Validity::Around(when), (access_key, scope), scheme)
}

fn read_url(head: &Head<'_>, region: Option<&Region>) -> Result<Signed, Failure> {
    let required =
        |name| head.text_parameter(name)?.ok_or_else(|| malformed("The query lacks a parameter of the signature."));
    if required("X-Amz-Algorithm")? != WORDS.algorithm {
        return Err(malformed("X-Amz-Algorithm only supports AWS4-HMAC-SHA256."));
    }
    let time = head.text_parameter("X-Amz-Date")?.ok_or(FailureCode::MissingDate)?;
    let when = date::read_basic(time).ok_or(FailureCode::MissingDate)?;
    let validity = Validity::lifetime(when, "X-Amz-Expires", head)?;
    let signed_headers = required("X-Amz-SignedHeaders")?;
    let by_header = head.text_header(PAYLOAD).filter(|_| signed_headers.split(';').any(|name| name == PAYLOAD));
    let word = by_header.or(head.text_parameter("X-Amz-Content-Sha256")?).unwrap_or("UNSIGNED-PAYLOAD");
    let read = Read {
        credential: required("X-Amz-Credential")?,
        signed_headers,
        signature: required("X-Amz-Signature")?,
        when,
        payload: PayloadWord::parse(PAYLOAD, word)?,
    };
    let token = head.text_parameter("X-Amz-Security-Token")?.map(str::to_owned);
    let scoped = Scope::read(read.credential, &WORDS, region)?;
    let mut signed = signed(head, read, word, token, validity, scoped, &AWS4)?;
    signed.by_url = true;
    Ok(signed)
}

fn signed(
    head: &Head<'_>,
    read: Read<'_>,
    word: &str,
    token: Option<String>,
    validity: Validity,
    (access_key, scope): (AccessKeyId, Scope),
    scheme: &'static Scheme,
) -> Result<Signed, Failure> {
    let time = date::basic(read.when);
    if !time.starts_with(&scope.date) {
        return Err(malformed("The credential's date is not that of the request."));
    }
    let names: Vec<&str> = read.signed_headers.split(';').collect();
    head.require_signed(&names, PREFIX, &[])?;
    Ok(Signed {
        access_key,
        token,
        scheme,
        by_url: false,
        validity,
        candidates: candidates(head, &names, word, &time, &scope),
        key: KeyRule::Scoped { scope, time },
        presented: read.signature.to_owned(),
        payload: read.payload,
    })
}

/// What the client may have signed: the path as sent, or as the documents would have encoded it; the host with its port,
/// or without.
fn candidates(head: &Head<'_>, names: &[&str], word: &str, time: &str, scope: &Scope) -> Vec<Candidate> {
    let query = head.canonical_query(Some("X-Amz-Signature"), Empty::Equals);
    let decoded: Cow<'_, [u8]> = percent_decode_str(head.path()).into();
    let mut paths = vec![head.path().to_owned(), encoded_path(&decoded)];
    paths.dedup();
    let (method, signed) = (head.method(), names.join(";"));
    let requests = head.hosts().into_iter().flat_map(|host| {
        let headers = header_lines(head, names, host);
        let request = |path: &String| {
            let start = format!("{method}\n{path}\n{query}\n");
            [start.as_bytes(), &headers, format!("\n{signed}\n{word}").as_bytes()].concat()
        };
        paths.iter().map(request).collect::<Vec<_>>()
    });
    distinct(requests.map(|request| scope.candidate(time, request)))
}

/// A line for each signed header, runs of blanks as one.
fn header_lines(head: &Head<'_>, names: &[&str], host: &[u8]) -> Vec<u8> {
    let value = |name| if name == HOST.as_str() { host.to_vec() } else { single_blanks(&head.header_value(name)) };
    lines(names.iter().map(|&name| (name, value(name))))
}

fn single_blanks(value: &[u8]) -> Vec<u8> {
    let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}

fn dress_header(
    words: &ScopeWords,
    parts: &mut Parts,
    signer: &Signer<'_>,
    now: Timestamp,
    payload: &PayloadWord,
) -> Result<String, http::Error> {
    put_own(parts, signer, &date::basic(now), payload, [TIME, PAYLOAD, TOKEN])?;
    let (credential, names) = (words.credential(signer, now), signed_names(parts));
    Ok(format!("{} Credential={credential}, SignedHeaders={names}, Signature=", words.algorithm))
}

fn dress_url(parts: &Parts, signer: &Signer<'_>, now: Timestamp, seconds: u32) -> UrlParameters {
    let token = signer.token.map(|token| ("X-Amz-Security-Token", token.to_owned()));
    let parameters = [
        ("X-Amz-Algorithm", WORDS.algorithm.to_owned()),
        ("X-Amz-Credential", WORDS.credential(signer, now)),
        ("X-Amz-Date", date::basic(now)),
        ("X-Amz-Expires", seconds.to_string()),
        ("X-Amz-SignedHeaders", signed_names(parts)),
    ];
    UrlParameters { signed: parameters.into_iter().chain(token).collect(), signature: "X-Amz-Signature" }
}
