//! Forms as the vendors print them and as their SDKs sign them: who says so, and what they ask for.

use bytes::Bytes;
use http::Uri;
use http::request::Parts;
use strongroom_model::acl::AclWish;
use strongroom_model::encryption::{DataAlgorithm, EncryptionWish};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::CannedAcl;
use strongroom_model::operation::Operation;
use strongroom_model::operation::object::{ObjectOperation, PutObject};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use strongroom_wire::dialect::S3;
use strongroom_wire::{Asked, Claim, Form, FormStep, Framing, Intent, recognise, recognise_form};

use crate::exchange::{head, site};

/// The policy of AWS's example of a form, which its documents print in base64 with its signature.
const AWS_POLICY: &str = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";

/// What esdk-obs-python makes, for a bucket whose name is long enough; signed anew by Python's `hmac`.
const OBS_POLICY: &str = "eyJleHBpcmF0aW9uIjoiMjAyNi0xMS0yMVQyMjoxODoxMFoiLCAiY29uZGl0aW9ucyI6W3sieC1vYnMtc2VydmVyLXNpZGUtZW5jcnlwdGlvbiI6ImttcyJ9LHsiY29udGVudC10eXBlIjoidGV4dC9wbGFpbiJ9LHsiYnVja2V0IjoiYnVja2V0In0seyJrZXkiOiJrIn1dfQ==";

/// Of the tests of Alibaba's SDKs: V1 and V4.
const OSS_POLICY: &str = "eyJleHBpcmF0aW9uIjoiMjAzMC0wMS0wMVQxMjowMDowMC4wMDBaIiwiY29uZGl0aW9ucyI6W1siY29udGVudC1sZW5ndGgtcmFuZ2UiLDAsMTA0ODU3Nl0seyJidWNrZXQiOiJidWNrZXQifV19";

const AWS_FIELDS: [(&str, &str); 11] = [
    ("key", "user/user1/${filename}"),
    ("acl", "public-read"),
    ("success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"),
    ("Content-Type", "image/jpeg"),
    ("x-amz-meta-uuid", "14365123651274"),
    ("x-amz-server-side-encryption", "AES256"),
    ("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"),
    ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
    ("X-Amz-Date", "20151229T000000Z"),
    ("x-amz-meta-tag", ""),
    ("Policy", AWS_POLICY),
];
const AWS_SIGNATURE: (&str, &str) =
    ("X-Amz-Signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e");

/// A form's head, and its fields in front of a file.
fn read(bucket: &str, fields: &[(&str, &str)]) -> (Parts, Form) {
    let parts = head(&format!("POST /{bucket}\nhost: localhost\ncontent-type: multipart/form-data; boundary=b"));
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"photo.jpg\"\r\n";
    body += "Content-Type: image/png\r\n\r\ndata\r\n--b--\r\n";
    let Asked::Form(mut reader) = S3.decode(&parts, &site()).unwrap().asked else { panic!("a form") };
    reader.feed(Bytes::from(body));
    assert_eq!(reader.step().unwrap(), FormStep::Finished);
    (parts, reader.finish().0)
}

/// Its dialect, and what it says.
fn decoded(bucket: &str, fields: &[(&str, &str)]) -> (&'static str, Result<Intent, Failure>) {
    let (parts, form) = read(bucket, fields);
    let dialect = recognise_form(&form, recognise(&parts));
    let intent = dialect.decode_form(&parts, &form, &site(), &Uri::from_static("http://localhost/"));
    (dialect.name, intent.map(|(intent, _)| intent))
}

fn put(intent: &Intent) -> &PutObject {
    match &intent.asked {
        Asked::Streamed(Operation::Object(ObjectOperation::Put(put)), _) => put,
        other => panic!("{other:?}"),
    }
}

fn verify(intent: &Intent, secret: &str, now: &str) -> Result<(), (FailureCode, Option<String>)> {
    let Claim::Signed(signed) = &intent.claim else { panic!("not signed") };
    let now: jiff::Timestamp = now.parse().unwrap();
    let now = Timestamp::from_millis(now.as_millisecond());
    let proof = signed.verify(&SecretKey::new(secret.to_owned()), now);
    proof.map(drop).map_err(|failure| (failure.code, failure.message.map(|message| message.into_owned())))
}

#[test]
fn the_example_of_aws_is_understood_and_verifies() {
    let fields = [&AWS_FIELDS[..], &[AWS_SIGNATURE]].concat();
    let (dialect, intent) = decoded("sigv4examplebucket", &fields);
    let intent = intent.unwrap();
    assert_eq!(dialect, "s3");
    assert_eq!(verify(&intent, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "2015-12-30T12:00:00Z"), Ok(()));
    let put = put(&intent);
    let acl = AclWish::Canned(CannedAcl::PublicRead);
    assert_eq!((put.key.as_str(), &put.settings.acl), ("user/user1/photo.jpg", &acl));
    assert!(matches!(put.encryption, EncryptionWish::Managed(DataAlgorithm::Aes256)));
    assert_eq!(put.metadata.content.content_type.as_deref(), Some("image/jpeg"));
    let user = [("tag", ""), ("uuid", "14365123651274")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(put.metadata.user, user);
}

#[test]
fn the_forms_of_obs_and_oss_verify() {
    let obs = [
        ("key", "k"),
        ("Content-Type", "text/plain"),
        ("x-obs-server-side-encryption", "kms"),
        ("AccessKeyId", "AKTEST"),
        ("policy", OBS_POLICY),
        ("signature", "7MLBGUcI+qLrfDfT6RsalpDjHhQ="),
    ];
    let (dialect, intent) = decoded("bucket", &obs);
    let intent = intent.unwrap();
    assert_eq!((dialect, verify(&intent, "SKTEST", "2026-11-21T22:18:10Z")), ("obs", Ok(())));
    assert!(matches!(put(&intent).encryption, EncryptionWish::Kms(_)));
    assert_eq!(put(&intent).metadata.content.content_type.as_deref(), Some("text/plain"));

    let oss1 =
        [("key", "k"), ("OSSAccessKeyId", "ak"), ("policy", OSS_POLICY), ("Signature", "5gcv0IsxFLRQwAq88zP4w+D7vuo=")];
    let oss4 = [
        ("key", "k"),
        ("x-oss-signature-version", "OSS4-HMAC-SHA256"),
        ("x-oss-credential", "ak/20231216/cn-hangzhou/oss/aliyun_v4_request"),
        ("x-oss-date", "20231216T162057Z"),
        ("policy", OSS_POLICY),
        ("x-oss-signature", "e1f29d2bcf76514c264d00abf4bef3e0fbaaf079207d0c5c79cf12d4018b4063"),
    ];
    for fields in [&oss1[..], &oss4] {
        let (dialect, intent) = decoded("bucket", fields);
        let intent = intent.unwrap();
        assert_eq!((dialect, verify(&intent, "sk", "2030-01-01T12:00:00Z")), ("oss", Ok(())));
        let Asked::Streamed(_, plan) = intent.asked else { panic!("data follows") };
        assert_eq!(plan.framing, Framing::File { least: 0, most: 1_048_576 });
    }
}

#[test]
fn another_secret_or_a_later_time_does_not_verify() {
    let fields = [&AWS_FIELDS[..], &[AWS_SIGNATURE]].concat();
    let intent = decoded("sigv4examplebucket", &fields).1.unwrap();
    let mismatch = verify(&intent, "another", "2015-12-29T00:00:00Z").unwrap_err();
    assert_eq!(mismatch.0, FailureCode::SignatureDoesNotMatch);
    let expired = verify(&intent, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "2015-12-30T12:00:01Z").unwrap_err();
    let message = "Invalid according to Policy: Policy expired.".to_owned();
    assert_eq!(expired, (FailureCode::AccessDenied, Some(message)));
}

/// Any field of the example changed, left out or put in is refused, or what it says is not obeyed.
#[test]
fn no_field_can_be_changed() {
    let signed = [&AWS_FIELDS[..], &[AWS_SIGNATURE]].concat();
    let refused = |fields: &[(&str, &str)]| {
        let intent = match decoded("sigv4examplebucket", fields).1 {
            Ok(intent) => intent,
            Err(failure) => return Some(failure.code),
        };
        let verdict = match &intent.claim {
            Claim::Anonymous => return Some(FailureCode::AnonymousDenied),
            Claim::Signed(_) => verify(&intent, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "2015-12-29T00:00:00Z"),
        };
        verdict.err().map(|(code, _)| code)
    };
    assert_eq!(refused(&signed), None);
    let free = ["key", "Content-Type", "x-amz-meta-tag"];
    for place in 0..signed.len() {
        let (name, value) = signed[place];
        let mut changed = signed.clone();
        let other = format!("x{value}");
        changed[place] = (name, &other);
        let code = refused(&changed);
        assert_eq!(code.is_none(), name == "x-amz-meta-tag", "another {name}: {code:?}");
        let longer = format!("{value}x");
        changed[place] = (name, &longer);
        assert_eq!(refused(&changed).is_none(), free.contains(&name), "a longer {name}");
        changed.remove(place);
        assert!(refused(&changed).is_some(), "without {name}");
    }
    let more = [&signed[..], &[("x-amz-storage-class", "GLACIER")]].concat();
    assert_eq!(refused(&more), Some(FailureCode::AccessDenied));
    assert_eq!(refused(&[&signed[..], &[("x-ignore-this", "1")]].concat()), None);
    assert_eq!(decoded("another-bucket", &signed).1.unwrap_err().code, FailureCode::AccessDenied);
}

#[test]
fn the_type_of_an_object_comes_from_where_each_service_looks() {
    let kind = |fields: &[(&str, &str)]| {
        let (_, intent) = decoded("b12", fields);
        put(&intent.unwrap()).metadata.content.content_type.clone()
    };
    let html = Some("text/html".to_owned());
    assert_eq!(kind(&[("key", "k"), ("x-amz-meta-a", "1")]), None);
    assert_eq!(kind(&[("key", "k"), ("x-amz-meta-a", "1"), ("content-type", "text/html")]), html);
    assert_eq!(kind(&[("key", "k"), ("x-oss-meta-a", "1"), ("content-type", "a/b")]).as_deref(), Some("image/png"));
    assert_eq!(kind(&[("key", "k"), ("x-oss-content-type", "text/html"), ("content-type", "a/b")]), html);
}

#[test]
fn what_is_not_built_is_not_done_by_halves() {
    for (name, value) in [("x-amz-checksum-sha512", "AAAA"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")] {
        let failure = decoded("b12", &[("key", "k"), ("x-amz-meta-a", "1"), (name, value)]).1.unwrap_err();
        assert_eq!(failure.code, FailureCode::NotImplemented, "{name}");
    }
    let callback = decoded("b12", &[("key", "k"), ("x-oss-meta-a", "1"), ("callback", "e30=")]).1.unwrap_err();
    assert_eq!(callback.code, FailureCode::NotImplemented);
}

#[test]
fn tags_come_as_a_document_or_as_a_field() {
    let document = "<Tagging><TagSet><Tag><Key>a b</Key><Value>1=2</Value></Tag></TagSet></Tagging>";
    for field in [("tagging", document), ("x-amz-tagging", "a%20b=1%3D2"), ("x-oss-tagging", "a%20b=1%3D2")] {
        let other = if field.0.starts_with("x-oss-") { ("x-oss-meta-a", "1") } else { ("x-amz-meta-a", "1") };
        let intent = decoded("b12", &[("key", "k"), other, field]).1.unwrap();
        assert_eq!(put(&intent).settings.tags.as_slice(), [("a b".to_owned(), "1=2".to_owned())], "{field:?}");
    }
    let no_document = decoded("b12", &[("key", "k"), ("x-amz-meta-a", "1"), ("tagging", "a=b")]).1.unwrap_err();
    assert_eq!(no_document.code, FailureCode::MalformedXml);
}

#[test]
fn a_form_with_half_a_signature_is_no_anonymous_form() {
    for (fields, code) in [
        (&[("policy", AWS_POLICY)][..], FailureCode::InvalidArgument),
        (&[("signature", "x")], FailureCode::InvalidArgument),
        (&[("AWSAccessKeyId", "AK"), ("signature", "x")], FailureCode::InvalidArgument),
        (&[("AWSAccessKeyId", "AK"), ("policy", AWS_POLICY)], FailureCode::InvalidArgument),
        (&[("OSSAccessKeyId", "AK"), ("policy", OSS_POLICY)], FailureCode::InvalidArgument),
        (&[("x-amz-signature", "00"), ("policy", AWS_POLICY)], FailureCode::InvalidArgument),
        (&[("token", "AK:signature")], FailureCode::MalformedAuthorization),
        (&[("AWSAccessKeyId", "AK"), ("signature", "x"), ("policy", "????")], FailureCode::InvalidPolicyDocument),
    ] {
        let failure = decoded("b12", &[&[("key", "k")], fields].concat()).1.unwrap_err();
        assert_eq!(failure.code, code, "{fields:?}");
    }
    let anonymous = decoded("b12", &[("key", "k")]).1.unwrap();
    assert!(matches!(anonymous.claim, Claim::Anonymous));
}

/// What the head says of a signature does not count, so a signed head lends a form no rights.
#[test]
fn a_signed_head_signs_no_form() {
    let parts = head(
        "POST /b12\nhost: localhost\ncontent-type: multipart/form-data; boundary=b\n\
         authorization: AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/s3/aws4_request",
    );
    assert!(matches!(S3.decode(&parts, &site()).unwrap().claim, Claim::Anonymous));
}
