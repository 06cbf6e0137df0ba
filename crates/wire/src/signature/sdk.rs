//! Huawei Cloud's gateway for services other than OBS, the key service among them: HMAC-SHA256 under the secret itself, of a
//! hash of the canonical request. The body is signed, and its hash mostly not stated: read it first, then the claim, by
//! [`Claim::read_with_document`](crate::claim::Claim::read_with_document).

use http::request::Parts;
use strongroom_model::failure::Failure;
use strongroom_model::time::Timestamp;

use super::documents::{self, Words};
use super::head::{Empty, Head};
use super::payload::PayloadWord;
use super::sign::{Signer, put_own, signed_names};
use super::{Scheme, date};
use crate::claim::Signed;

/// `Authorization: SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`.
pub static SDK: Scheme = documents::scheme(ALGORITHM, |head, rest, _| read_header(head, rest), dress_header);

const ALGORITHM: &str = "SDK-HMAC-SHA256";

static WORDS: Words = Words {
    scheme: &SDK,
    credential: "Access",
    prefix: "x-sdk-",
    time: ("x-sdk-date", date::read_basic),
    payload: "x-sdk-content-sha256",
    token: "x-security-token",
    opening: |when| format!("{ALGORITHM}\n{}\n", date::basic(when)),
};

/// The path that is signed has a slash at its end.
fn read_header(head: &Head<'_>, rest: &str) -> Result<Signed, Failure> {
    let path = documents::path(head);
    let closed = if path.ends_with('/') { path } else { path + "/" };
    documents::read(head, rest, &WORDS, &closed, &head.canonical_query(None, Empty::Equals))
}

/// Clients of ours state the hash: so a claim can be read from the head alone.
fn dress_header(
    parts: &mut Parts,
    signer: &Signer<'_>,
    now: Timestamp,
    payload: &PayloadWord,
) -> Result<String, http::Error> {
    put_own(parts, signer, &date::basic(now), payload, [WORDS.time.0, WORDS.payload, WORDS.token])?;
    let (id, names) = (signer.access_key.as_str(), signed_names(parts));
    Ok(format!("{ALGORITHM} Access={id}, SignedHeaders={names}, Signature="))
}

#[cfg(test)]
mod tests {
    use http::header::HOST;
    use strongroom_model::failure::FailureCode;
    use strongroom_model::name::{AccessKeyId, Region};
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
        let stated = PayloadWord::parse(WORDS.payload, ABC).unwrap();
        assert_eq!(passes(&stated, b"abc"), Ok(()));
        assert_eq!(passes(&stated, b"abd"), Err(FailureCode::ContentSha256Mismatch));
        assert_eq!(passes(&PayloadWord::Unsigned, b"abc"), Err(FailureCode::ContentSha256Mismatch));
    }
}
