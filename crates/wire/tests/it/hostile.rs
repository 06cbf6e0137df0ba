//! What whoever is handed a signed URL, or sits on the wire, may not make of a request.

use http::header::{HOST, HeaderName, HeaderValue};
use http::request::Parts;
use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::encryption::EncryptionWish;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::operation::Operation;
use strongroom_model::operation::object::{ObjectOperation, PutObject};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use strongroom_wire::signature::oss1::OSS1;
use strongroom_wire::signature::payload::PayloadWord;
use strongroom_wire::signature::sign::Signer;
use strongroom_wire::signature::v2::{AWS2, OBS};
use strongroom_wire::signature::{Scheme, Target};
use strongroom_wire::{Asked, Claim, Framing, PayloadProof, Proof, StreamPlan, recognise};

use crate::exchange::{head, operation, site};

const NOW: Timestamp = Timestamp::from_seconds(1_795_295_890);
const TARGET: Target<'static> = Target { bucket: Some("bkt"), virtual_hosted: false };

fn with_signer<T>(act: impl FnOnce(&Signer<'_>) -> T) -> T {
    let (access_key, secret) = (AccessKeyId::parse("AK").unwrap(), SecretKey::new("SK".to_owned()));
    let region = Region::parse("us-east-1").unwrap();
    act(&Signer { access_key: &access_key, secret: &secret, token: None, region: &region })
}

/// A URL that its owner signed for a request of that head, as it is handed out.
fn handed_out(scheme: &Scheme, text: &str) -> String {
    let mut parts = head(text);
    parts.headers.insert(HOST, HeaderValue::from_static("127.0.0.1:9000"));
    with_signer(|signer| scheme.presign(&mut parts, &TARGET, signer, NOW, 900)).unwrap();
    parts.uri.to_string()
}

/// The request that is sent in the end: what it asks for and what its signature proves.
fn sent(parts: &Parts) -> Result<(Asked, Proof), Failure> {
    let intent = recognise(parts).decode(parts, &site())?;
    let Claim::Signed(signed) = intent.claim else { panic!("not signed") };
    let proof = signed.verify(&SecretKey::new("SK".to_owned()), NOW)?;
    Ok((intent.asked, proof))
}

fn put_sent(text: &str) -> Result<PutObject, Failure> {
    match sent(&head(text))?.0 {
        Asked::Streamed(Operation::Object(ObjectOperation::Put(put)), _) => Ok(put),
        other => panic!("{other:?}"),
    }
}

fn refusal<T>(result: Result<T, Failure>) -> Option<FailureCode> {
    result.err().map(|failure| failure.code)
}

#[test]
fn metadata_cannot_be_added_to_a_url_under_a_name_that_is_signed() {
    for (scheme, prefix) in [(&OBS, "x-obs-"), (&AWS2, "x-amz-")] {
        let url = handed_out(scheme, &format!("PUT /bkt/k?{prefix}meta-a=1"));
        let put = put_sent(&format!("PUT {url}&{prefix}meta-a=2\ncontent-length: 0")).unwrap();
        assert_eq!(put.metadata.user, [("a".to_owned(), "1".to_owned())], "{prefix}");
    }
}

/// The AWS SDKs move the headers that they sign into the URL, where a value may hold a line feed.
#[test]
fn one_parameter_does_not_pass_for_two_signed_headers() {
    let signed = "GET /bkt/k\nx-amz-a: 1\nx-amz-expected-bucket-owner: 2";
    let url = handed_out(&AWS2, signed);
    let moved = format!("GET {url}&x-amz-a=1&x-amz-expected-bucket-owner=2");
    assert_eq!(refusal(sent(&head(&moved))), Some(FailureCode::NotImplemented), "the owner demanded is looked at");
    let folded = format!("GET {url}&x-amz-a=1%0Ax-amz-expected-bucket-owner:2");
    assert_eq!(refusal(sent(&head(&folded))), Some(FailureCode::SignatureDoesNotMatch));
}

#[test]
fn one_parameter_does_not_pass_for_two_signed_parameters() {
    for scheme in [&OBS, &AWS2, &OSS1] {
        let url = handed_out(scheme, "GET /bkt/k?response-content-type=text/plain&versionId=null");
        assert_eq!(refusal(sent(&head(&format!("GET {url}")))), None, "{}", scheme.word);
        let folded = url.replace("&versionId", "%26versionId");
        assert_eq!(refusal(sent(&head(&format!("GET {folded}")))), Some(FailureCode::MalformedAuthorization));
        let url = handed_out(scheme, "GET /bkt/k?response-content-disposition=filename=%22R%26D%26acl.txt%22");
        assert_eq!(refusal(sent(&head(&format!("GET {url}")))), None, "{}", scheme.word);
    }
    let url = handed_out(&OBS, "PUT /bkt/k?x-obs-meta-a=1&x-obs-server-side-encryption=kms");
    let put = put_sent(&format!("PUT {url}\ncontent-length: 0")).unwrap();
    assert!(matches!(put.encryption, EncryptionWish::Kms(_)));
    let folded = url.replace("&x-obs-server", "%26x-obs-server");
    assert_eq!(
        refusal(put_sent(&format!("PUT {folded}\ncontent-length: 0"))),
        Some(FailureCode::MalformedAuthorization)
    );
}

#[test]
fn a_digest_that_moved_into_the_url_still_binds_the_body() {
    let md5 = "XUFAKrxLKna5cZ2REBfFkg==";
    let url = handed_out(&AWS2, &format!("PUT /bkt/k\ncontent-md5: {md5}"));
    let put = put_sent(&format!("PUT {url}&content-md5={}\ncontent-length: 5", md5.replace('=', "%3D"))).unwrap();
    assert_eq!(put.expected.md5.map(hex::encode).as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
}

/// OBS documents that `x-obs-content-sha256` is verified if present. Under these schemes it is signed like any prefixed header.
#[test]
fn a_hash_that_the_older_schemes_sign_is_proven_too() {
    for (scheme, prefix) in [(&OBS, "x-obs-"), (&AWS2, "x-amz-")] {
        let mut parts = head("PUT /bkt/k\nhost: 127.0.0.1\ncontent-length: 5");
        let name = HeaderName::try_from(format!("{prefix}content-sha256")).unwrap();
        parts.headers.insert(name, HeaderValue::from_str(&"07".repeat(32)).unwrap());
        with_signer(|signer| scheme.sign(&mut parts, &TARGET, signer, NOW, &PayloadWord::Unsigned)).unwrap();
        let (_, proof) = sent(&parts).unwrap();
        assert!(matches!(proof.payload, PayloadProof::Sha256(digest) if digest == [7; 32]), "{prefix}");
    }
}

/// The hash would be that of the framing, or of the data: nobody could say whether it was checked.
#[test]
fn a_framed_body_has_no_hash_of_its_own() {
    let framed = |word: &str| {
        let text = format!(
            "PUT /b12/k\ncontent-encoding: aws-chunked\nx-amz-decoded-content-length: 5\nx-amz-content-sha256: {word}"
        );
        let parts = head(&text);
        recognise(&parts).decode(&parts, &site()).map(|intent| match intent.asked {
            Asked::Streamed(_, plan) => plan.framing,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(framed("UNSIGNED-PAYLOAD").unwrap(), Framing::AwsChunked { signed: false, trailer: None });
    assert_eq!(refusal(framed(&"07".repeat(32))), Some(FailureCode::InvalidRequest));
}

#[test]
fn what_no_header_can_carry_is_refused_in_a_parameter() {
    for uri in [
        "/b12/k?AccessKeyId=AK&Signature=x&Expires=1795296195&x-obs-meta-a=1%0D%0Aset-cookie:x",
        "/b12/k?AccessKeyId=AK&Signature=x&Expires=1795296195&x-obs-meta-a%20b=1",
        "/b12/k?AccessKeyId=AK&Signature=x&Expires=1795296195&x-obs-storage-class=WARM%00",
    ] {
        let refused = operation(&format!("PUT {uri}\ncontent-length: 0"), "");
        assert_eq!(refusal(refused), Some(FailureCode::InvalidArgument), "{uri}");
    }
    for name in ["response-content-type", "response-content-disposition", "response-expires"] {
        let refused = operation(&format!("GET /b12/k?{name}=a%0D%0Aset-cookie:x"), "");
        assert_eq!(refusal(refused), Some(FailureCode::InvalidArgument), "{name}");
    }
}

#[test]
fn a_long_key_reference_is_refused_whatever_its_characters() {
    let mut parts = head("PUT /b12/k\ncontent-length: 0\nx-amz-server-side-encryption: aws:kms");
    let reference = format!("a{}", "é".repeat(1024));
    let name = HeaderName::from_static("x-amz-server-side-encryption-aws-kms-key-id");
    parts.headers.insert(name, HeaderValue::from_bytes(reference.as_bytes()).unwrap());
    let refused = recognise(&parts).decode(&parts, &site());
    assert_eq!(refusal(refused), Some(FailureCode::InvalidArgument));
}

/// A client that names a key of its own and loses it on the way must not be answered as if it had asked for nothing.
#[test]
fn empty_fields_of_a_customers_key_are_not_none() {
    let field = "x-amz-server-side-encryption-customer";
    let text = format!("PUT /b12/k\ncontent-length: 0\n{field}-algorithm:\n{field}-key:\n{field}-key-md5:");
    assert_eq!(refusal(operation(&text, "")), Some(FailureCode::CustomerAlgorithmMissing));
}

/// What follows the body is part of what was asked for: it is read, or the request is refused.
#[test]
fn an_announced_trailer_is_never_overlooked() {
    let trailer = |word: &str, name: &str| {
        let lengths = "content-length: 9\nx-amz-decoded-content-length: 5";
        let parts = head(&format!("PUT /b12/k\n{lengths}\nx-amz-content-sha256: {word}\nx-amz-trailer: {name}"));
        recognise(&parts).decode(&parts, &site()).map(|intent| match intent.asked {
            Asked::Streamed(_, StreamPlan { framing: Framing::AwsChunked { trailer, .. }, .. }) => trailer,
            other => panic!("{other:?}"),
        })
    };
    for name in ["x-amz-checksum-crc32", "X-Amz-Checksum-CRC32"] {
        let found = trailer("STREAMING-UNSIGNED-PAYLOAD-TRAILER", name).unwrap();
        assert_eq!(found, Some(ChecksumAlgorithm::Crc32), "{name}");
        for word in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"] {
            assert_eq!(refusal(trailer(word, name)), Some(FailureCode::InvalidRequest), "{word}");
        }
    }
}

/// A head of 32 KiB could name sixteen thousand, each of which is held against every route and every list of what is signed.
#[test]
fn a_query_has_its_limit() {
    let query = |count| operation(&format!("GET /b12/k?{}", "z=1&".repeat(count)), "");
    assert!(query(1000).is_ok());
    assert_eq!(refusal(query(1001)), Some(FailureCode::InvalidUri));
}
