//! Alibaba Cloud's newer signature of requests to services other than OSS, the key service among them: HMAC-SHA256 under the
//! secret itself, of a hash of the canonical request. The body is signed by its hash, which the head states.

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
use super::sign::{Signer, UrlParameters, put, signed_names};
use super::validity::Validity;
use super::{Scheme, date};
use crate::claim::{KeyRule, Signed};

/// `Authorization: ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`.
pub static ACS3: Scheme = Scheme {
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

const ALGORITHM: &str = "ACS3-HMAC-SHA256";
const PREFIX: &str = "x-acs-";
const TIME: &str = "x-acs-date";
const PAYLOAD: &str = "x-acs-content-sha256";
const TOKEN: &str = "x-acs-security-token";

/// What a proxy or a client's HTTP library may still change, so that it had better not be signed.
const UNSIGNED_HEADERS: [HeaderName; 5] = [AUTHORIZATION, CONNECTION, EXPECT, TE, TRANSFER_ENCODING];

fn read_header(head: &Head<'_>, rest: &str) -> Result<Signed, Failure> {
    let [id, names, signature] = fields(rest, '=', ["Credential", "SignedHeaders", "Signature"])?;
    let required = |field: Option<_>| field.ok_or_else(|| malformed("The Authorization header lacks a part."));
    let (id, names, signature) = (required(id)?, required(names)?, required(signature)?);
    let when = head.text_header(TIME).and_then(date::read_extended).ok_or(FailureCode::MissingDate)?;
    let names: Vec<&str> = names.split(';').collect();
    head.require_signed(&names, PREFIX, &[])?;
    let payload = PayloadWord::of_document(head, PAYLOAD)?;
    Ok(Signed {
        access_key: AccessKeyId::parse(id).map_err(|_| malformed("The access key's id is not well formed."))?,
        token: head.text_header(TOKEN).map(str::to_owned),
        scheme: &ACS3,
        by_url: false,
        validity: Validity::Around(when),
        candidates: candidates(head, &names, &payload),
        key: KeyRule::SecretInHex(Mac::Sha256),
        presented: signature.to_owned(),
        payload,
    })
}

/// What the client may have signed: the host with its port, or without. The fields of a form are signed with the body alone.
fn candidates(head: &Head<'_>, names: &[&str], payload: &PayloadWord) -> Vec<Candidate> {
    let bare = Head::new(head.parts, head.target);
    let (method, query) = (head.method(), bare.canonical_query(None, Empty::Equals));
    let path = encoded_path(&percent_decode_str(head.path()).collect::<Vec<_>>());
    let signed = names.join(";");
    let requests = head.hosts().into_iter().map(|host| {
        let lines = head.header_lines(names, host);
        let start = format!("{method}\n{path}\n{query}\n");
        [start.as_bytes(), &lines, format!("\n{signed}\n{}", payload.text()).as_bytes()].concat()
    });
    distinct(requests.map(|request| Candidate::hashed(format!("{ALGORITHM}\n"), request)))
}

fn dress_header(
    parts: &mut Parts,
    signer: &Signer<'_>,
    now: Timestamp,
    payload: &PayloadWord,
) -> Result<String, http::Error> {
    put(parts, HeaderName::from_static(TIME), &date::extended(now))?;
    put(parts, HeaderName::from_static(PAYLOAD), &payload.text())?;
    if let Some(token) = signer.token {
        put(parts, HeaderName::from_static(TOKEN), token)?;
    }
    let (id, names) = (signer.access_key.as_str(), signed_names(parts, &UNSIGNED_HEADERS));
    Ok(format!("{ALGORITHM} Credential={id},SignedHeaders={names},Signature="))
}

#[cfg(test)]
mod tests {
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
