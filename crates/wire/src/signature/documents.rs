//! What the signatures of Huawei's and of Alibaba's services other than storage have in common: HMAC-SHA256 under the secret
//! itself, of a hash of the canonical request, in the head of a request with a small document.

use std::borrow::Cow;

use http::request::Parts;
use percent_encoding::percent_decode_str;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::time::Timestamp;

use super::Scheme;
use super::candidate::{Candidate, distinct};
use super::crypto::Mac;
use super::head::{Head, encoded_path};
use super::payload::PayloadWord;
use super::scope::{fields, malformed};
use super::sign::{Signer, UrlParameters};
use super::validity::Validity;
use crate::claim::{KeyRule, Signed};

/// The words of one such scheme.
pub(super) struct Words {
    pub(super) scheme: &'static Scheme,
    /// The part of `Authorization` that names the access key.
    pub(super) credential: &'static str,
    /// The prefix of headers that have to be signed.
    pub(super) prefix: &'static str,
    /// The header that says when it was signed, and its spelling.
    pub(super) time: (&'static str, fn(&str) -> Option<Timestamp>),
    /// The header that may state the document's hash.
    pub(super) payload: &'static str,
    /// The header of a security token.
    pub(super) token: &'static str,
    /// What stands before the hash in the string to sign.
    pub(super) opening: fn(Timestamp) -> String,
}

/// A scheme for headers alone.
pub(super) const fn scheme(
    word: &'static str,
    read_header: fn(&Head<'_>, &str, Option<&Region>) -> Result<Signed, Failure>,
    dress_header: fn(&mut Parts, &Signer<'_>, Timestamp, &PayloadWord) -> Result<String, http::Error>,
) -> Scheme {
    Scheme {
        word,
        url_marks: &[],
        scoped: false,
        read_header,
        read_url: |_, _| Err(malformed("This signing method has no signed URLs.")),
        form_marks: &[],
        read_form: |_, _| Err(malformed("This signing method has no signed forms.")),
        dress_header,
        dress_url: |_, _, _, _| UrlParameters { signed: Vec::new(), signature: "Signature" },
    }
}

/// Reads the rest of an `Authorization` header of a request whose canonical form has that path and query.
pub(super) fn read(head: &Head<'_>, rest: &str, words: &Words, path: &str, query: &str) -> Result<Signed, Failure> {
    let [id, names, signature] = fields(rest, '=', [words.credential, "SignedHeaders", "Signature"])?;
    let required = |field: Option<_>| field.ok_or_else(|| malformed("The Authorization header lacks a part."));
    let (id, names, signature) = (required(id)?, required(names)?, required(signature)?);
    let (time, spelled) = words.time;
    let when = head.text_header(time).and_then(spelled).ok_or(FailureCode::MissingDate)?;
    let names: Vec<&str> = names.split(';').collect();
    head.require_signed(&names, words.prefix, &[words.token])?;
    let payload = PayloadWord::of_document(head, words.payload)?;
    Ok(Signed {
        access_key: AccessKeyId::parse(id).map_err(|_| malformed("The access key's id is not well formed."))?,
        token: head.text_header(words.token).map(str::to_owned),
        scheme: words.scheme,
        by_url: false,
        validity: Validity::Around(when),
        candidates: candidates(head, &names, [path, query, &payload.text()], &(words.opening)(when)),
        key: KeyRule::SecretInHex(Mac::Sha256),
        presented: signature.to_owned(),
        payload,
    })
}

/// The path, encoded anew.
pub(super) fn path(head: &Head<'_>) -> String {
    let decoded: Cow<'_, [u8]> = percent_decode_str(head.path()).into();
    encoded_path(&decoded)
}

/// What the client may have signed: the host with its port, or without.
fn candidates(head: &Head<'_>, names: &[&str], [path, query, payload]: [&str; 3], opening: &str) -> Vec<Candidate> {
    let (method, signed) = (head.method(), names.join(";"));
    let requests = head.hosts().into_iter().map(|host| {
        let lines = head.header_lines(names, host);
        let start = format!("{method}\n{path}\n{query}\n");
        [start.as_bytes(), &lines, format!("\n{signed}\n{payload}").as_bytes()].concat()
    });
    distinct(requests.map(|request| Candidate::hashed(opening.to_owned(), request)))
}
