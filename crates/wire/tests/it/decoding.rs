//! Heads and documents to operations: the tables of the fact sheets, cell by cell.

use proptest::prelude::{ProptestConfig, any, prop, proptest};
use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionWish};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::Operation;
use strongroom_model::operation::bucket::{BucketOperation, CreateBucket};
use strongroom_model::operation::object::{GetObject, ObjectOperation, PutObject};
use strongroom_model::operation::upload::{UploadHolders, UploadOperation};
use strongroom_model::setting::{Setting, SettingKind, Versioning};
use strongroom_wire::{Asked, Claim, DIALECTS, Framing, StreamPlan, recognise};

use crate::exchange::{head, operation, site};

/// The pair of the sample on Open Telekom Cloud's pages of OBS, and one of 16 bytes.
const KEY: &str = "K7QkYpBkM5+hcs27fsNkUnNVaobncnLht/rCB2o/9Cw=";
const KEY_MD5: &str = "4XvB3tbNTN+tIEVa0/fGaQ==";
const SHORT_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";
const SHORT_KEY_MD5: &str = "QDKvjWEDUSOQbljgZxQMxQ==";

fn put(prefix: &str, headers: &[(&str, &str)]) -> Result<PutObject, Failure> {
    let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{prefix}{name}: {value}")).collect();
    let text = format!("PUT /b12/k\ncontent-length: 5\n{prefix}meta-mark: 1\n{}", lines.join("\n"));
    match operation(&text, "")? {
        Operation::Object(ObjectOperation::Put(put)) => Ok(put),
        other => panic!("{other:?}"),
    }
}

fn get(prefix: &str, headers: &[(&str, &str)]) -> Result<GetObject, Failure> {
    let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{prefix}{name}: {value}")).collect();
    match operation(&format!("GET /b12/k\n{prefix}mark: 1\n{}", lines.join("\n")), "")? {
        Operation::Object(ObjectOperation::Get(get)) => Ok(get),
        other => panic!("{other:?}"),
    }
}

/// A wish in a few words: `managed aes`, `kms sm4 key-1`, `customer`, `none`.
fn spelled(wish: &EncryptionWish) -> String {
    let cipher = |algorithm| match algorithm {
        DataAlgorithm::Aes256 => "aes",
        DataAlgorithm::Sm4 => "sm4",
        DataAlgorithm::Aes256Twice => "aes twice",
    };
    match wish {
        EncryptionWish::Unspecified => "none".to_owned(),
        EncryptionWish::Managed(algorithm) => format!("managed {}", cipher(*algorithm)),
        EncryptionWish::Customer(_) => "customer".to_owned(),
        EncryptionWish::Kms(kms) => {
            let key = kms.key.as_ref().map_or("default", |key| key.text.as_str());
            format!("kms {} {key}", cipher(kms.algorithm))
        }
    }
}

fn wish(prefix: &str, headers: &[(&str, &str)]) -> Result<String, FailureCode> {
    put(prefix, headers).map(|put| spelled(&put.encryption)).map_err(|failure| failure.code)
}

const METHOD: &str = "server-side-encryption";
const CIPHER: &str = "server-side-data-encryption";

/// OBS lets the account that began an upload go on with it, and nobody else.
#[test]
fn an_upload_is_its_initiators_alone_in_obs() {
    let id = "0".repeat(32);
    let completion =
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>";
    for (prefix, expected) in [
        ("x-obs-", UploadHolders::Initiator),
        ("x-oss-", UploadHolders::InitiatorAndOwner),
        ("x-amz-", UploadHolders::InitiatorAndOwner),
    ] {
        let part = format!("PUT /b12/k?partNumber=1&uploadId={id}\ncontent-length: 5\n{prefix}mark: 1");
        let end = format!("POST /b12/k?uploadId={id}\n{prefix}mark: 1");
        let holders = match (operation(&part, "").unwrap(), operation(&end, completion).unwrap()) {
            (
                Operation::Upload(UploadOperation::WritePart(part)),
                Operation::Upload(UploadOperation::Complete(complete)),
            ) => [part.holders, complete.holders],
            other => panic!("{other:?}"),
        };
        assert_eq!(holders, [expected; 2], "{prefix}");
    }
}

/// Nobody signs a browser's question, so that what it may cost is bounded.
#[test]
fn a_browsers_question_announces_a_hundred_headers_at_most() {
    let ask = |count: usize| {
        let announced: Vec<_> = (0..count).map(|n| format!("x-{n}")).collect();
        let head = "OPTIONS /b12/k\norigin: https://a.example\naccess-control-request-method: GET";
        operation(&format!("{head}\naccess-control-request-headers: {}", announced.join(", ")), "")
    };
    match ask(100).unwrap() {
        Operation::Bucket(BucketOperation::CrossOrigin(_, asked)) => assert_eq!(asked.headers.len(), 100),
        other => panic!("{other:?}"),
    }
    assert_eq!(ask(101).unwrap_err().code, FailureCode::PreflightIncomplete);
}

/// What the OSS pages and the tests of Alibaba's SDKs say of each combination.
#[test]
fn oss_writes_follow_the_matrix() {
    let key = "server-side-encryption-key-id";
    for (headers, expected) in [
        (&[][..], Ok("none")),
        (&[(CIPHER, "SM4")], Ok("none")),
        (&[(key, "k1")], Ok("none")),
        (&[(METHOD, "AES256")], Ok("managed aes")),
        (&[(METHOD, "AES256"), (CIPHER, "SM4")], Ok("managed aes")),
        (&[(METHOD, "AES256"), (key, "k1")], Ok("managed aes")),
        (&[(METHOD, "SM4")], Ok("managed sm4")),
        (&[(METHOD, "SM4"), (CIPHER, "SM4")], Ok("managed sm4")),
        (&[(METHOD, "KMS")], Ok("kms aes default")),
        (&[(METHOD, "KMS"), (CIPHER, "SM4")], Ok("kms sm4 default")),
        (&[(METHOD, "KMS"), (key, "k1")], Ok("kms aes k1")),
        (&[(METHOD, "KMS"), (key, "k1"), (CIPHER, "SM4")], Ok("kms sm4 k1")),
        (&[(METHOD, "KMS"), (CIPHER, "AES256")], Err(FailureCode::UnknownDataAlgorithm)),
        (&[(METHOD, "Invalid-Server-Side-Encryption")], Err(FailureCode::UnknownEncryptionMethod)),
        (&[(METHOD, "aws:kms")], Err(FailureCode::UnknownEncryptionMethod)),
        (&[("server-side-encryption-customer-algorithm", "AES256")], Err(FailureCode::CustomerKeyMissing)),
        (&[(METHOD, "KMS"), ("server-side-encryption-context", "x")], Err(FailureCode::NotImplemented)),
    ] {
        assert_eq!(wish("x-oss-", headers), expected.map(str::to_owned), "{headers:?}");
    }
}

/// The tables of the OBS pages: methods, headers, what goes before what.
#[test]
fn obs_writes_follow_the_tables() {
    let key = "server-side-encryption-kms-key-id";
    let project = "sse-kms-key-project-id";
    for (headers, expected) in [
        (&[][..], Ok("none")),
        (&[(METHOD, "kms")], Ok("kms aes default")),
        (&[(METHOD, "aws:kms")], Ok("kms aes default")),
        (&[(METHOD, "kms"), (key, "r:d:key/i")], Ok("kms aes r:d:key/i")),
        (&[(METHOD, "kms"), (CIPHER, "SM4")], Ok("kms sm4 default")),
        (&[(METHOD, "kms"), (CIPHER, "AES256")], Ok("kms aes default")),
        (&[(METHOD, "kms"), (CIPHER, "DES")], Err(FailureCode::UnknownDataAlgorithm)),
        (&[(METHOD, "AES256")], Ok("managed aes")),
        (&[(METHOD, "obs")], Ok("managed aes")),
        (&[(METHOD, "aws:AES256")], Ok("managed aes")),
        (&[(METHOD, "AES256"), (CIPHER, "AES256")], Ok("managed aes")),
        (&[(METHOD, "AES256"), (CIPHER, "SM4")], Err(FailureCode::UnknownDataAlgorithm)),
        (&[(METHOD, "AES256"), (key, "k")], Err(FailureCode::KeyWithoutKms)),
        (&[(key, "k")], Err(FailureCode::KeyWithoutKms)),
        (&[(METHOD, "kms"), (key, "k"), (project, "p")], Ok("kms aes k")),
        (&[(METHOD, "kms"), (project, "p")], Err(FailureCode::InvalidArgument)),
        (&[(METHOD, "KMS")], Err(FailureCode::UnknownEncryptionMethod)),
    ] {
        assert_eq!(wish("x-obs-", headers), expected.map(str::to_owned), "{headers:?}");
    }
}

/// What the S3 pages say, and AWS's recorded answers.
#[test]
fn s3_writes_follow_the_tables() {
    let key = "server-side-encryption-aws-kms-key-id";
    let context = "server-side-encryption-context";
    for (headers, expected) in [
        (&[][..], Ok("none")),
        (&[(METHOD, "AES256")], Ok("managed aes")),
        (&[(METHOD, "aws:AES256")], Ok("managed aes")),
        (&[(METHOD, "aws:kms")], Ok("kms aes default")),
        (&[(METHOD, "aws:kms"), (key, "alias/x")], Ok("kms aes alias/x")),
        (&[(METHOD, "aws:kms"), (CIPHER, "SM4")], Ok("kms sm4 default")),
        (&[(METHOD, "aws:kms"), (context, "eyJhIjoiYiJ9")], Ok("kms aes default")),
        (&[(METHOD, "aws:kms"), (context, "eyJhIjoxfQ==")], Err(FailureCode::InvalidEncryptionContext)),
        (&[(METHOD, "aws:kms"), (context, "no base64!")], Err(FailureCode::InvalidEncryptionContext)),
        (&[(METHOD, "aws:kms:dsse")], Ok("kms aes twice default")),
        (&[(METHOD, "aws:kms:dsse"), (key, "k"), (CIPHER, "AES256")], Ok("kms aes twice k")),
        (&[(METHOD, "aws:kms:dsse"), (CIPHER, "SM4")], Err(FailureCode::UnknownDataAlgorithm)),
        (&[(METHOD, "aws:fsx")], Err(FailureCode::NotImplemented)),
        (&[(METHOD, "")], Err(FailureCode::UnknownEncryptionMethod)),
        (&[(METHOD, "x")], Err(FailureCode::UnknownEncryptionMethod)),
        (&[(key, "k")], Err(FailureCode::KeyWithoutKms)),
        (&[(METHOD, "AES256"), (key, "k")], Err(FailureCode::KeyWithoutKms)),
    ] {
        assert_eq!(wish("x-amz-", headers), expected.map(str::to_owned), "{headers:?}");
    }
    let flags = [(METHOD, "aws:kms"), ("server-side-encryption-bucket-key-enabled", "true"), (context, "eyJhIjoiYiJ9")];
    match put("x-amz-", &flags).unwrap().encryption {
        EncryptionWish::Kms(kms) => {
            assert_eq!(kms.bucket_key, Some(true));
            assert_eq!(kms.context.get("a").map(String::as_str), Some("b"));
        }
        other => panic!("{other:?}"),
    }
}

/// `oracle/aws-s3-encryption.json`, `test_put_object_validation_sse_c` and `test_object_retrieval_sse_c`. OBS and OSS are
/// checked alike, but that a missing digest is no wrong key there.
#[test]
fn customer_keys_are_checked_as_aws_was_recorded() {
    let named = |algorithm: &'static str, key: &'static str, md5: &'static str| {
        let fields = [
            ("server-side-encryption-customer-algorithm", algorithm),
            ("server-side-encryption-customer-key", key),
            ("server-side-encryption-customer-key-MD5", md5),
        ];
        fields.into_iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>()
    };
    for (headers, written, read) in [
        (named("AES256", KEY, KEY_MD5), None, None),
        (
            named("KMS", KEY, KEY_MD5),
            Some(FailureCode::CustomerAlgorithmInvalid),
            Some(FailureCode::CustomerAlgorithmInvalid),
        ),
        (
            named("", KEY, KEY_MD5),
            Some(FailureCode::CustomerAlgorithmMissing),
            Some(FailureCode::CustomerAlgorithmMissing),
        ),
        (named("AES256", "", KEY_MD5), Some(FailureCode::CustomerKeyMissing), Some(FailureCode::CustomerKeyMissing)),
        (named("AES256", KEY, ""), Some(FailureCode::CustomerKeyInvalid), Some(FailureCode::CustomerKeyWrong)),
        (
            named("AES256", KEY, SHORT_KEY_MD5),
            Some(FailureCode::CustomerKeyDigestMismatch),
            Some(FailureCode::CustomerKeyDigestMismatch),
        ),
        (
            named("AES256", SHORT_KEY, SHORT_KEY_MD5),
            Some(FailureCode::CustomerKeyInvalid),
            Some(FailureCode::CustomerKeyInvalid),
        ),
    ] {
        for prefix in ["x-amz-", "x-obs-", "x-oss-"] {
            let read = match read {
                Some(FailureCode::CustomerKeyWrong) if prefix != "x-amz-" => Some(FailureCode::CustomerKeyInvalid),
                other => other,
            };
            assert_eq!(put(prefix, &headers).err().map(|failure| failure.code), written, "PUT {prefix} {headers:?}");
            assert_eq!(get(prefix, &headers).err().map(|failure| failure.code), read, "GET {prefix} {headers:?}");
        }
    }
    let both = [named("AES256", KEY, KEY_MD5), vec![(METHOD, "AES256")]].concat();
    let failure = put("x-amz-", &both).unwrap_err();
    assert_eq!(failure.code, FailureCode::ConflictingEncryption);
    let details = [("ArgumentName", format!("x-amz-{METHOD}")), ("ArgumentValue", "AES256".to_owned())];
    assert_eq!(failure.details, details);
}

/// The sample of the OBS pages does not fit its own MD5.
#[test]
fn the_misprinted_sample_of_obs_is_refused() {
    let key = "K7QkYpBkM5+hca27fsNkUnNVaobncnLht/rCB2o/9Cw=";
    let fields = |key| {
        [
            ("server-side-encryption-customer-algorithm", "AES256"),
            ("server-side-encryption-customer-key", key),
            ("server-side-encryption-customer-key-MD5", KEY_MD5),
        ]
    };
    assert_eq!(wish("x-obs-", &fields(key)), Err(FailureCode::CustomerKeyDigestMismatch));
    assert_eq!(wish("x-obs-", &fields(KEY)), Ok("customer".to_owned()));
}

#[test]
fn reads_do_not_take_the_fields_of_writes() {
    for prefix in ["x-amz-", "x-obs-", "x-oss-"] {
        let code = get(prefix, &[(METHOD, "AES256")]).unwrap_err().code;
        assert_eq!(code, FailureCode::EncryptionHeaderNotAllowed, "{prefix}");
    }
    let alone = get("x-amz-", &[("server-side-encryption-aws-kms-key-id", "k")]).unwrap_err();
    assert_eq!(alone.code, FailureCode::KeyWithoutKms);
    assert!(get("x-oss-", &[("server-side-encryption-key-id", "k")]).is_ok());
}

/// As the OBS SDK for Python and botocore make signed URLs.
#[test]
fn a_signed_url_may_carry_fields_of_the_head() {
    let obs = "PUT /a%20b?x-obs-server-side-encryption=kms&x-amz-foo=1&Expires=1795296195&AccessKeyId=AKTEST&Signature=cw==\n\
               host: b1b.localhost\ncontent-length: 0";
    let put = format!("{:?}", operation(obs, "").unwrap());
    assert!(put.contains("encryption: Kms("), "{put}");
    let s3 = format!(
        "GET /b12/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20261121%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20261121T211812Z&X-Amz-Expires=100&X-Amz-SignedHeaders=host\
         &x-amz-server-side-encryption-customer-algorithm=AES256\
         &x-amz-server-side-encryption-customer-key={}&x-amz-server-side-encryption-customer-key-MD5={}\
         &X-Amz-Signature={}\nhost: localhost",
        KEY.replace('+', "%2B"),
        KEY_MD5.replace('+', "%2B"),
        "00".repeat(32)
    );
    let get = format!("{:?}", operation(&s3, "").unwrap());
    assert!(get.contains("customer_key: Some(CustomerKey(redacted))"), "{get}");
    let unsigned =
        format!("{:?}", operation("PUT /b12/k?x-oss-server-side-encryption=KMS\ncontent-length: 0", "").unwrap());
    assert!(unsigned.contains("encryption: Unspecified"), "{unsigned}");
}

fn plan(text: &str) -> Result<StreamPlan, FailureCode> {
    let parts = head(text);
    match recognise(&parts).decode(&parts, &site()).map_err(|failure| failure.code)?.asked {
        Asked::Streamed(_, plan) => Ok(plan),
        other => panic!("{other:?}"),
    }
}

#[test]
fn bodies_are_framed_as_the_head_says() {
    use strongroom_model::checksum::ChecksumAlgorithm::{Crc32, Crc64Nvme};
    let chunked = |length, signed, trailer| {
        Ok(StreamPlan { length: Some(length), framing: Framing::AwsChunked { signed, trailer } })
    };
    for (headers, expected) in [
        ("content-length: 5", Ok(StreamPlan { length: Some(5), framing: Framing::Plain })),
        ("transfer-encoding: chunked", Ok(StreamPlan { length: None, framing: Framing::Plain })),
        ("", Err(FailureCode::MissingContentLength)),
        ("content-length: 5368709120", Ok(StreamPlan { length: Some(5_368_709_120), framing: Framing::Plain })),
        ("content-length: 5368709121", Err(FailureCode::EntityTooLarge)),
        ("content-length: +5", Err(FailureCode::InvalidArgument)),
        (
            "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\nx-amz-decoded-content-length: 5\ncontent-length: 99",
            chunked(5, true, None),
        ),
        (
            "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\nx-amz-decoded-content-length: 5\n\
             x-amz-trailer: x-amz-checksum-crc32",
            chunked(5, true, Some(Crc32)),
        ),
        (
            "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\nx-amz-decoded-content-length: 5\n\
             transfer-encoding: chunked\nx-amz-trailer: x-amz-checksum-crc64nvme\nx-amz-sdk-checksum-algorithm: CRC64NVME",
            chunked(5, false, Some(Crc64Nvme)),
        ),
        (
            "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\ncontent-length: 99",
            Err(FailureCode::MissingContentLength),
        ),
        (
            "x-amz-content-sha256: STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD\nx-amz-decoded-content-length: 5",
            Err(FailureCode::NotImplemented),
        ),
        ("content-length: 5\nx-amz-sdk-checksum-algorithm: CRC32", Err(FailureCode::InvalidRequest)),
        ("content-length: 5\nx-amz-checksum-crc32: AAAA", Err(FailureCode::InvalidArgument)),
        ("content-length: 5\ncontent-md5: AAAA", Err(FailureCode::InvalidDigest)),
    ] {
        assert_eq!(plan(&format!("PUT /b12/k\n{headers}")), expected, "{headers}");
    }
}

#[test]
fn what_is_not_built_is_refused_rather_than_dropped() {
    for (prefix, name) in [
        ("x-amz-", "checksum-sha512"),
        ("x-amz-", "expected-bucket-owner"),
        ("x-obs-", "callback"),
        ("x-oss-", "callback"),
    ] {
        assert_eq!(put(prefix, &[(name, "x")]).unwrap_err().code, FailureCode::NotImplemented, "{prefix}{name}");
        assert!(put(prefix, &[(name, "")]).is_ok(), "an empty {prefix}{name}");
    }
    let value = "v".repeat(8 * 1024);
    assert_eq!(put("x-amz-", &[("meta-a", &value)]).unwrap_err().code, FailureCode::MetadataTooLarge);
}

#[test]
fn each_dialect_keeps_its_own_checksums() {
    use strongroom_model::checksum::ChecksumAlgorithm::{Crc32c, Crc64Ecma, Crc64Nvme, Sha256};
    let kept = |prefix, headers: &[_]| put(prefix, headers).unwrap().keep;
    assert_eq!(kept("x-amz-", &[]), [Crc64Nvme]);
    assert_eq!(kept("x-amz-", &[("checksum-crc32c", "yZRlqg==")]), [Crc32c]);
    let sha256 = "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=";
    assert_eq!(kept("x-amz-", &[("checksum-sha256", sha256)]), [Sha256]);
    assert!(kept("x-obs-", &[]).is_empty());
    assert_eq!(kept("x-obs-", &[("checksum-crc64ecma", "3231342946509354535")]), [Crc64Ecma]);
    assert_eq!(kept("x-oss-", &[]), [Crc64Ecma]);
    let expected = put("x-oss-", &[("hash-crc64ecma", "11051210869376104954")]).unwrap().expected.checksums;
    assert_eq!(hex::encode(&expected[0].value), "995dc9bbdf1939fa");
}

fn create(text: &str, body: &str) -> Result<CreateBucket, FailureCode> {
    match operation(text, body).map_err(|failure| failure.code)? {
        Operation::Bucket(BucketOperation::Create(create)) => Ok(create),
        other => panic!("{other:?}"),
    }
}

/// What botocore puts around a signature: all that is checked before the secret is known.
const V4: &str = "authorization: AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/s3/aws4_request, \
                  SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=\
                  0000000000000000000000000000000000000000000000000000000000000000\n\
                  host: localhost\nx-amz-date: 20261121T211812Z\nx-amz-content-sha256: UNSIGNED-PAYLOAD";
const V2: &str = "authorization: AWS AK:c2ln\ndate: Sat, 21 Nov 2026 21:18:12 GMT";

#[test]
fn only_v4_requests_of_s3_make_buckets_that_start_encrypted() {
    assert!(create(&format!("PUT /b12\n{V4}"), "").unwrap().always_encrypted);
    assert!(!create(&format!("PUT /b12\n{V2}"), "").unwrap().always_encrypted);
    assert!(!create("PUT /b12\nx-obs-date: now", "").unwrap().always_encrypted);
    assert!(!create("PUT /b12\nx-oss-date: now", "").unwrap().always_encrypted);
}

/// On AWS a bucket always has a rule: deleting it puts the base rule back. Elsewhere it is gone.
#[test]
fn deleting_a_rule_means_what_the_dialect_means() {
    let base = BucketEncryption { method: DefaultMethod::Managed(DataAlgorithm::Aes256), bucket_key: false };
    match operation(&format!("DELETE /b12?encryption\n{V4}"), "").unwrap() {
        Operation::Bucket(BucketOperation::PutSetting(_, Setting::Encryption(rule))) => assert_eq!(rule, base.into()),
        other => panic!("{other:?}"),
    }
    for text in [format!("DELETE /b12?encryption\n{V2}"), "DELETE /b12?encryption=\nx-oss-date: now".to_owned()] {
        let operation = operation(&text, "").unwrap();
        assert!(
            matches!(operation, Operation::Bucket(BucketOperation::DeleteSetting(_, SettingKind::Encryption))),
            "{operation:?}"
        );
    }
}

#[test]
fn a_bucket_is_created_as_head_and_document_say() {
    let location = |root: &str, name: &str, place: &str| format!("<{root}><{name}>{place}</{name}></{root}>");
    let root = "CreateBucketConfiguration";
    let region = |create: CreateBucket| create.location.map(|region| region.as_str().to_owned());
    let s3 = create("PUT /b12", &location(root, "LocationConstraint", "eu-west-1")).unwrap();
    assert_eq!(region(s3).as_deref(), Some("eu-west-1"));
    let obs = create("PUT /b12\nx-obs-acl: public-read", &location(root, "Location", "cn-north-4")).unwrap();
    assert_eq!(region(obs).as_deref(), Some("cn-north-4"));
    let oss = create("PUT /b12/\nx-oss-acl: private", &location(root, "StorageClass", "IA")).unwrap();
    assert_eq!(oss.storage_class, strongroom_model::metadata::StorageClass::InfrequentAccess);
    let headers = "PUT /b12\nx-obs-server-side-encryption: kms\nx-obs-server-side-encryption-kms-key-id: k\n\
                   x-obs-server-side-data-encryption: SM4";
    match create(headers, "").unwrap().encryption.unwrap().method {
        DefaultMethod::Kms { key, algorithm: DataAlgorithm::Sm4, .. } => assert_eq!(key.unwrap().text, "k"),
        other => panic!("{other:?}"),
    }
    for (body, code) in [
        (location("Other", "LocationConstraint", "x"), FailureCode::MalformedXml),
        (location(root, "LocationConstraint", "no/region"), FailureCode::InvalidLocation),
        (location(root, "Bucket", "d"), FailureCode::NotImplemented),
        (location(root, "StorageClass", "Attic"), FailureCode::InvalidStorageClass),
    ] {
        assert_eq!(create("PUT /b12", &body).unwrap_err(), code, "{body}");
    }
}

#[test]
fn versioning_is_set_to_one_of_two() {
    let set = |inner: &str| {
        let document = format!("<VersioningConfiguration>{inner}</VersioningConfiguration>");
        match operation("PUT /b12?versioning", &document).map_err(|failure| failure.code)? {
            Operation::Bucket(BucketOperation::PutSetting(_, Setting::Versioning(versioning))) => Ok(versioning),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(set("<Status> Suspended </Status>"), Ok(Versioning::Suspended));
    assert_eq!(set("<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>"), Ok(Versioning::Enabled));
    assert_eq!(set("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>"), Err(FailureCode::NotImplemented));
    for wrong in ["", "<Status/>", "<Status>enabled</Status>", "<Status>Enabled</Status><Status>Enabled</Status>"] {
        assert_eq!(set(wrong), Err(FailureCode::MalformedXml), "{wrong}");
    }
}

#[test]
fn batches_are_read_and_bounded() {
    let keys = |text: &str, body: &str| match operation(text, body).map_err(|failure| failure.code)? {
        Operation::Object(ObjectOperation::DeleteMany(many)) => {
            Ok(many.entries.into_iter().map(|entry| entry.key.as_str().to_owned()).collect::<Vec<_>>())
        }
        other => panic!("{other:?}"),
    };
    let body = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet><Object><Key> a&amp;b </Key>\
                </Object><Object><Key>c+d</Key><VersionId>null</VersionId></Object></Delete>";
    assert_eq!(keys("POST /b12?delete", body).unwrap(), [" a&b ", "c+d"]);
    let encoded = "<Delete><EncodingType>url</EncodingType><Object><Key>a+b%2Bc</Key></Object></Delete>";
    assert_eq!(keys("POST /b12?delete\nx-obs-date: now", encoded).unwrap(), ["a b+c"]);
    assert_eq!(keys("POST /b12/?delete&encoding-type=url\nx-oss-date: now", encoded).unwrap(), ["a+b%2Bc"]);
    let many = |count| format!("<Delete>{}</Delete>", "<Object><Key>k</Key></Object>".repeat(count));
    assert_eq!(keys("POST /b12?delete", &many(1000)).unwrap().len(), 1000);
    assert_eq!(keys("POST /b12?delete", &many(1001)), Err(FailureCode::MalformedXml));
    assert_eq!(keys("POST /b12?delete", &many(0)), Err(FailureCode::MalformedXml));
    assert_eq!(keys("POST /b12?delete", ""), Err(FailureCode::MissingBody));
    let conditional = "<Delete><Object><Key>k</Key><ETag>x</ETag></Object></Delete>";
    assert_eq!(keys("POST /b12?delete", conditional).unwrap(), ["k"]);
    assert_eq!(keys("POST /b12?delete\nx-obs-date: now", conditional), Err(FailureCode::NotImplemented));
    let sized = "<Delete><Object><Key>k</Key><Size>1</Size></Object></Delete>";
    assert_eq!(keys("POST /b12?delete", sized), Err(FailureCode::NotImplemented));
    let version = "<Delete><Object><Key>k</Key><VersionId>v1</VersionId></Object></Delete>";
    assert_eq!(keys("POST /b12?delete", version), Err(FailureCode::InvalidArgument));
    let wrong = keys("POST /b12?delete\ncontent-md5: 1B2M2Y8AsgTpgAmY7PhCfg==", body);
    assert_eq!(wrong, Err(FailureCode::BadDigest));
}

#[test]
fn names_are_judged_with_a_code_of_their_own() {
    for (text, code) in [
        ("GET /B_1", FailureCode::InvalidBucketName),
        ("GET /b1/k", FailureCode::InvalidBucketName),
        ("GET //k", FailureCode::InvalidBucketName),
        ("GET /b12/a/../b", FailureCode::InvalidObjectKey),
        ("GET /b12/a%00b", FailureCode::InvalidObjectKey),
        ("GET /b12/%ff", FailureCode::InvalidUri),
        ("GET /b12?prefix=%ff", FailureCode::InvalidUri),
        ("GET /b12?max-keys=-1", FailureCode::InvalidArgument),
        ("GET /b12?max-keys=many", FailureCode::InvalidArgument),
        ("GET /b12?encoding-type=xml", FailureCode::InvalidArgument),
        ("GET /b12?list-type=2&continuation-token=!", FailureCode::InvalidArgument),
        ("GET /b12/k?versionId=zzz", FailureCode::InvalidArgument),
        ("GET /b12/k?versionId=", FailureCode::InvalidArgument),
        ("GET /b12?versions&key-marker=k&version-id-marker=zzz", FailureCode::InvalidArgument),
        ("GET /b12?versions&version-id-marker=null", FailureCode::InvalidArgument),
        ("DELETE /b12/k\nx-oss-date: now\nif-match: *", FailureCode::NotImplemented),
    ] {
        assert_eq!(operation(text, "").unwrap_err().code, code, "{text}");
    }
    let long = format!("GET /b12/{}", "k".repeat(1025));
    assert_eq!(operation(&long, "").unwrap_err().code, FailureCode::KeyTooLong);
}

/// As ali-oss does it with an IP address: only the signature tells which reading was meant.
#[test]
fn a_rewritten_host_is_read_twice() {
    let parts = head(
        "PUT /bkt/k\nhost: bkt.oss-cn-hangzhou.aliyuncs.com\nauthorization: OSS AK:c2ln\n\
         x-oss-date: Sat, 21 Nov 2026 21:20:17 GMT\ncontent-length: 0",
    );
    let intent = recognise(&parts).decode(&parts, &site()).unwrap();
    let key = |asked: &Asked| match asked {
        Asked::Streamed(Operation::Object(ObjectOperation::Put(put)), _) => put.key.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(key(&intent.asked), "bkt/k");
    let alternative = intent.alternative.unwrap();
    assert_eq!(key(&alternative.asked), "k");
    assert!(matches!(alternative.claim, Claim::Signed(_)));
}

/// What each head becomes, to the last field.
#[test]
fn operations_in_full() {
    let heads = [
        ("GET /", ""),
        ("GET /?prefix=a&marker=b&max-keys=7\nx-oss-date: now", ""),
        ("HEAD /?apiversion\nhost: b1b.localhost:9000", ""),
        (
            "GET /?list-type=2&prefix=p%2F&delimiter=&continuation-token=&start-after=s&fetch-owner=false&max-keys=100\
          &encoding-type=url\nhost: b1b.localhost\nx-oss-date: now",
            "",
        ),
        ("GET /b12?marker=m&delimiter=/", ""),
        (
            "PUT /b12/dir/a%20b%2Bc~%C3%A9%26%3D.txt\ncontent-length: 5\ncontent-type: text/plain\ncontent-encoding: aws-chunked,gzip\n\
          x-obs-meta-m: v %C3%A9\nx-obs-storage-class: WARM\nx-obs-acl: public-read\nif-none-match: *",
            "",
        ),
        (
            "PUT /b12/k\ncontent-length: 0\nx-oss-forbid-overwrite: true\nx-oss-object-acl: default\nx-oss-storage-class: IA\n\
          content-md5: 1B2M2Y8AsgTpgAmY7PhCfg==",
            "",
        ),
        (
            "GET /b12/k?versionId=null&response-content-type=text%2Fx+y\nrange: bytes=0-9\nif-none-match: \"a\", \"b\"\n\
          if-modified-since: Sat, 21 Nov 2026 21:18:10 GMT\nx-amz-checksum-mode: ENABLED",
            "",
        ),
        ("HEAD /b12/k\nx-oss-range-behavior: standard", ""),
        ("DELETE /b12/k?versionId=000102030405060708090a0b0c0d0e0f", ""),
        ("DELETE /b12/k?versionId=null\nif-match: \"a\"", ""),
        ("GET /b12?versioning", ""),
        (
            "PUT /b12?versioning\nx-obs-date: now",
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        ),
        ("GET /b12?versions&prefix=p&delimiter=%2F&key-marker=p%2Fk&version-id-marker=null&max-keys=2000", ""),
        ("GET /b12?versions&key-marker=k&version-id-marker=&encoding-type=url\nx-oss-date: now", ""),
        (
            "PUT /b12?encryption",
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
          <SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>arn:aws:kms:r:123456789012:key/i</KMSMasterKeyID>\
          </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>\
          </ServerSideEncryptionConfiguration>",
        ),
    ];
    let shown = heads.map(|(text, body)| {
        let name = recognise(&head(text)).name;
        format!("[{name}] {text}\n{:#?}\n", operation(text, body).unwrap())
    });
    insta::assert_snapshot!(shown.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn no_head_makes_decoding_panic(
        method in "GET|PUT|POST|HEAD|DELETE|OPTIONS|PATCH",
        path in "/[a-z0-9%/.+&=?_-]{0,40}",
        host in "[a-z0-9.:\\[\\]-]{0,20}",
        headers in prop::collection::vec(
            ("(x-amz-|x-obs-|x-oss-)?(server-side-encryption[a-zA-Z-]{0,12}|content-sha256|trailer|acl|date|meta-[a-z]{1,3})|\
              content-length|content-md5|range|authorization|if-match",
             "(AWS4-HMAC-SHA256 |AWS |OBS |OSS |OSS4-HMAC-SHA256 )?[ -~]{0,40}"),
            0..6,
        ),
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut request = http::Request::builder().method(method.as_str()).uri(path);
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let Ok(request) = request.header("host", host).body(()) else { return Ok(()) };
        let (parts, ()) = request.into_parts();
        for dialect in DIALECTS {
            if let Ok(intent) = dialect.decode(&parts, &site())
                && let Asked::Documented(draft) = intent.asked
            {
                let _ = draft.finish(&body);
            }
        }
    }
}
