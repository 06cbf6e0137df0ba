//! Alibaba Cloud's newer signature of requests to services other than OSS, the key service among them: HMAC-SHA256 under the
//! secret itself, of a hash of the canonical request. The body is signed by its hash, which the head states.

use http::request::Parts;
use strongroom_model::failure::Failure;
use strongroom_model::time::Timestamp;

use super::documents::{self, Words};
use super::head::{Empty, Head};
use super::payload::PayloadWord;
use super::sign::{Signer, put_own, signed_names};
use super::{Scheme, date};
use crate::claim::Signed;

/// `Authorization: ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`.
pub static ACS3: Scheme = documents::scheme(ALGORITHM, |head, rest, _| read_header(head, rest), dress_header);

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

static WORDS: Words = Words {
    scheme: &ACS3,
    credential: "Credential",
    prefix: "x-acs-",
    time: ("x-acs-date", date::read_extended),
    payload: "x-acs-content-sha256",
    token: "x-acs-security-token",
    opening: |_| format!("{ALGORITHM}\n"),
};

/// The fields of a form are signed with the body alone.
fn read_header(head: &Head<'_>, rest: &str) -> Result<Signed, Failure> {
    let query = Head::new(head.parts, head.target).canonical_query(None, Empty::Equals);
    documents::read(head, rest, &WORDS, &documents::path(head), &query)
}

fn dress_header(
    parts: &mut Parts,
    signer: &Signer<'_>,
    now: Timestamp,
    payload: &PayloadWord,
) -> Result<String, http::Error> {
    put_own(parts, signer, &date::extended(now), payload, [WORDS.time.0, WORDS.payload, WORDS.token])?;
    let (id, names) = (signer.access_key.as_str(), signed_names(parts));
    Ok(format!("{ALGORITHM} Credential={id},SignedHeaders={names},Signature="))
}

#[cfg(test)]
mod tests {
    use strongroom_model::failure::FailureCode;
    use strongroom_model::secret::SecretKey;

    use super::*;
    use crate::claim::Claim;
    use crate::signature::Target;

    /// Signed by the vendor's own client: `alibabacloud_tea_openapi` 0.4.6, `Utils.get_authorization`.
    const SIGNATURE: &str = "759defb53f271ecdc7820f4d167ff52c92f4f52b80a26a9ee6e7b6600a3bd441";

    fn verified(query: &str, form: &[u8], secret: &str) -> Result<(), FailureCode> {
        let request = http::Request::post(format!("/?{query}"))
            .header("host", "127.0.0.1:9001")
            .header("x-acs-version", "2016-01-20")
            .header("x-acs-action", "Encrypt")
            .header("x-acs-date", "2026-11-22T07:00:00Z")
            .header("x-acs-signature-nonce", "n-1")
            .header("x-acs-content-sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
            .header("content-type", "application/x-www-form-urlencoded");
        let names =
            "content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
        let signed = format!("{ALGORITHM} Credential=AKTEST,SignedHeaders={names},Signature={SIGNATURE}");
        let (parts, ()) = request.header("authorization", signed).body(()).unwrap().into_parts();
        let target = Target { bucket: None, virtual_hosted: false };
        let claim = Claim::read_with_document(&parts, &target, &[&ACS3], None, form).map_err(|it| it.code)?;
        let Claim::Signed(signed) = claim else { panic!("it is signed") };
        let now = date::read_extended("2026-11-22T07:05:00Z").unwrap();
        signed.verify(&SecretKey::new(secret.to_owned()), now).map(drop).map_err(|failure| failure.code)
    }

    #[test]
    fn what_the_vendors_client_signs_is_right_and_nothing_else() {
        let query = "KeyId=alias%2Fa&Plaintext=eA%3D%3D";
        assert_eq!(verified(query, b"abc", "SKTEST"), Ok(()));
        let mismatch = Err(FailureCode::SignatureDoesNotMatch);
        assert_eq!(verified(query, b"abc", "other"), mismatch);
        assert_eq!(verified("KeyId=alias%2Fb&Plaintext=eA%3D%3D", b"abc", "SKTEST"), mismatch);
        assert_eq!(verified(query, b"abd", "SKTEST"), Err(FailureCode::ContentSha256Mismatch));
    }
}
