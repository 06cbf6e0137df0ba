//! Huawei Cloud's gateway for services other than OBS, the key service among them: HMAC-SHA256 under the secret itself, of a
//! hash of the canonical request. The body is signed, and its hash mostly not stated: read it first, then the claim, by
//! [`Claim::read_with_document`](crate::claim::Claim::read_with_document).

use std::borrow::Cow;

use http::header::{AUTHORIZATION, CONNECTION, EXPECT, HeaderName, TE, TRANSFER_ENCODING};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::AccessKeyId;
use strongroom_model::time::Timestamp;

use super::candidate::{Candidate, distinct};
use super::crypto::Mac;
use super::head::{Empty, Head, encoded_path};
use super::payload::PayloadWord;
use super::scope::{fields, malformed};
use super::sign::{Signer, UrlParameters, put_own, signed_names};
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
    head.require_signed(&names, PREFIX, &[TOKEN])?;
    let payload = PayloadWord::of_document(head, PAYLOAD)?;
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

/// What the client may have signed: the host with its port, or without.
fn candidates(head: &Head<'_>, names: &[&str], when: Timestamp, payload: &PayloadWord) -> Vec<Candidate> {
    let (method, path, query) = (head.method(), closed_path(head), head.canonical_query(None, Empty::Equals));
    let (signed, time) = (names.join(";"), date::basic(when));
    let requests = head.hosts().into_iter().map(|host| {
        let lines = head.header_lines(names, host);
        let start = format!("{method}\n{path}\n{query}\n");
        [start.as_bytes(), &lines, format!("\n{signed}\n{}", payload.text()).as_bytes()].concat()
    });
    distinct(requests.map(|request| Candidate::hashed(format!("{ALGORITHM}\n{time}\n"), request)))
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
    put_own(parts, signer, now, payload, [TIME, PAYLOAD, TOKEN])?;
    let (id, names) = (signer.access_key.as_str(), signed_names(parts, &UNSIGNED_HEADERS));
    Ok(format!("{ALGORITHM} Access={id}, SignedHeaders={names}, Signature="))
}

#[cfg(test)]
mod tests {
    use http::header::HOST;
    use strongroom_model::name::Region;
    use strongroom_model::secret::SecretKey;

    use super::*;
    use crate::claim::Claim;
    use crate::signature::Target;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_295_890);

    /// Whether a request that states `payload`, and is signed so, passes with the body `document`.
    fn passes(payload: &PayloadWord, document: &[u8]) -> Result<(), FailureCode> {
        let (id, secret) = (AccessKeyId::parse("AK").unwrap(), SecretKey::new("SK".to_owned()));
        let region = Region::parse("r").unwrap();
        let signer = Signer { access_key: &id, secret: &secret, token: None, region: &region };
        let target = Target { bucket: None, virtual_hosted: false };
        let request = http::Request::post("/v1.0/p/kms/list-keys").header(HOST, "localhost");
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        SDK.sign(&mut parts, &target, &signer, NOW, payload).unwrap();
        match Claim::read_with_document(&parts, &target, &[&SDK], None, document).map_err(|failure| failure.code)? {
            Claim::Signed(signed) => signed.verify(&secret, NOW).map(drop).map_err(|failure| failure.code),
            Claim::Anonymous => panic!("it is signed"),
        }
    }

    /// The hash of FIPS 180-4's example message.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_stated_hash_has_to_be_that_of_the_body() {
        let stated = PayloadWord::parse(PAYLOAD, ABC).unwrap();
        assert_eq!(passes(&stated, b"abc"), Ok(()));
        assert_eq!(passes(&stated, b"abd"), Err(FailureCode::ContentSha256Mismatch));
        assert_eq!(passes(&PayloadWord::Unsigned, b"abc"), Err(FailureCode::ContentSha256Mismatch));
    }
}
