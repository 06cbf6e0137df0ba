//! Outcomes and failures to answers, in every dialect.

use std::fmt::Write as _;

use http::{Method, Response};
use strongroom_model::account::AccountId;
use strongroom_model::acl::Acl;
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_model::encryption::{
    AppliedEncryption, BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionContext, KmsApplied,
};
use strongroom_model::etag::ETag;
use strongroom_model::failure::{Failure, FailureCode, Subject};
use strongroom_model::key::{KeyName, KeyReference};
use strongroom_model::lock::ObjectLock;
use strongroom_model::metadata::{CannedAcl, ContentHeaders, ObjectKind, ObjectMetadata, StorageClass};
use strongroom_model::name::{BucketName, ObjectKey, Region, VersionId};
use strongroom_model::operation::bucket::{ListObjects, ListVersion, ListVersions};
use strongroom_model::operation::service::ListBuckets;
use strongroom_model::outcome::bucket::{
    BucketFacts, ListedBuckets, ListedObject, ListedObjects, ListedVersion, ListedVersions, VersionContent,
};
use strongroom_model::outcome::object::{
    DeletedEntry, ManyDeleted, ObjectCopied, ObjectFacts, ObjectRead, ObjectWritten,
};
use strongroom_model::outcome::{BucketOutcome, ObjectOutcome, Outcome};
use strongroom_model::setting::{Setting, SettingKind, Versioning};
use strongroom_model::tag::TagSet;
use strongroom_model::time::Timestamp;
use strongroom_wire::dialect::{OBS, OSS, S3};
use strongroom_wire::{DIALECTS, Dialect, Payload};

use crate::exchange::{exchange, site};

/// 2026-11-20T10:00:00.250Z.
const THEN: Timestamp = Timestamp::from_millis(1_795_168_800_250);
const NULL: Option<VersionId> = Some(VersionId::Null);
const TAG: ETag = ETag { digest: [0xab; 16], parts: None };

fn owner() -> AccountId {
    AccountId::new(123_456_789_012).unwrap()
}

fn region() -> Region {
    Region::parse("eu-west-1").unwrap()
}

fn key_name() -> KeyName {
    let id = "522d6070-5ad3-4765-9737-9312ddc72cdb".to_owned();
    KeyName { id, account: owner(), region: region(), is_default: false }
}

fn kms(algorithm: DataAlgorithm) -> AppliedEncryption {
    AppliedEncryption::Kms(KmsApplied {
        key: key_name(),
        algorithm,
        bucket_key: true,
        project: Some("p1".to_owned()),
        context: EncryptionContext::from([("a".to_owned(), "\"b\"".to_owned())]),
    })
}

fn bucket_facts(encryption: Option<BucketEncryption>) -> BucketFacts {
    BucketFacts {
        name: BucketName::parse("b12").unwrap(),
        owner: owner(),
        location: region(),
        created: THEN,
        acl: Acl::canned(CannedAcl::PublicRead, owner()),
        tags: TagSet::default(),
        lock: None,
        worm: None,
        quota: None,
        storage_class: StorageClass::InfrequentAccess,
        encryption,
        blocks_customer_keys: false,
        public_access_block: None,
        versioning: Versioning::Never,
    }
}

fn rule() -> BucketEncryption {
    let key = Some(KeyReference::parse("alias/a&b"));
    let method = DefaultMethod::Kms { key, algorithm: DataAlgorithm::Sm4, project: None };
    BucketEncryption { method, bucket_key: true }
}

fn listed(version: ListVersion, url_encoded: bool) -> Outcome {
    let request = ListObjects {
        bucket: BucketName::parse("b12").unwrap(),
        prefix: "a ".to_owned(),
        delimiter: "/".to_owned(),
        after: String::new(),
        marker: None,
        start_after: Some("a+".to_owned()).filter(|_| version == ListVersion::V2),
        continuation_token: None,
        max_keys: 2,
        url_encoded,
        version,
        fetch_owner: false,
    };
    let object = ListedObject {
        key: ObjectKey::parse("a <é>&+").unwrap(),
        last_modified: THEN,
        etag: ETag { parts: Some(3), ..TAG },
        size: 5,
        storage_class: StorageClass::Standard,
        kind: ObjectKind::Multipart,
    };
    Outcome::Bucket(BucketOutcome::Objects(ListedObjects {
        request,
        owner: owner(),
        location: region(),
        objects: vec![object],
        common_prefixes: vec!["a b/".to_owned()],
        next: Some("a b/".to_owned()),
    }))
}

fn versioning(versioning: Versioning) -> Outcome {
    Outcome::Bucket(BucketOutcome::Setting(Setting::Versioning(versioning)))
}

fn listed_versions(url_encoded: bool) -> Outcome {
    let request = ListVersions {
        bucket: BucketName::parse("b12").unwrap(),
        prefix: "a ".to_owned(),
        delimiter: if url_encoded { "/".to_owned() } else { String::new() },
        key_marker: "a &".to_owned(),
        version_marker: NULL,
        max_keys: 3,
        url_encoded,
    };
    let key = || ObjectKey::parse("a <é>&+").unwrap();
    let object = ListedObject {
        key: key(),
        last_modified: THEN,
        etag: TAG,
        size: 5,
        storage_class: StorageClass::Archive,
        kind: ObjectKind::Appendable,
    };
    let id = VersionId::Id([0xcd; 16]);
    let marker = VersionContent::Marker { key: key(), last_modified: THEN };
    Outcome::Bucket(BucketOutcome::Versions(ListedVersions {
        request,
        owner: owner(),
        location: region(),
        versions: vec![
            ListedVersion { id, is_latest: true, content: marker },
            ListedVersion { id: VersionId::Null, is_latest: false, content: VersionContent::Object(object) },
        ],
        common_prefixes: if url_encoded { vec!["a b/".to_owned()] } else { Vec::new() },
        next: Some(("a <é>&+".to_owned(), NULL)),
    }))
}

fn facts(encryption: AppliedEncryption, class: StorageClass) -> ObjectFacts {
    let content = ContentHeaders {
        content_type: Some("text/plain".to_owned()),
        cache_control: Some("no-cache".to_owned()),
        ..ContentHeaders::default()
    };
    ObjectFacts {
        size: 100,
        etag: TAG,
        md5: Some(TAG.digest),
        last_modified: THEN,
        version: Some(VersionId::Null),
        metadata: ObjectMetadata { content, user: vec![("note".to_owned(), "v %C3%A9".to_owned())] },
        storage_class: class,
        encryption,
        checksums: checksums(),
        kind: ObjectKind::Normal,
        sealed: None,
        upload: None,
        tag_count: 0,
        lock: ObjectLock::default(),
        expiration: None,
    }
}

fn checksums() -> Vec<Checksum> {
    let crc = |algorithm, value: &[u8]| Checksum::whole(algorithm, value.to_vec());
    vec![
        crc(ChecksumAlgorithm::Crc32, &[0xcb, 0xf4, 0x39, 0x26]),
        crc(ChecksumAlgorithm::Crc64Ecma, &0x995d_c9bb_df19_39fa_u64.to_be_bytes()),
    ]
}

fn read(range: Option<std::ops::Range<u64>>, show_checksums: bool, encryption: AppliedEncryption) -> ObjectRead {
    let overrides = ContentHeaders { content_type: Some("text/x y".to_owned()), ..ContentHeaders::default() };
    ObjectRead { facts: facts(encryption, StorageClass::Archive), range, part: None, overrides, show_checksums }
}

fn written(encryption: AppliedEncryption) -> Outcome {
    Outcome::Object(ObjectOutcome::Put(object_written(encryption)))
}

fn copied(encryption: AppliedEncryption) -> Outcome {
    let source_version = Some(VersionId::Id([0xab; 16]));
    let written = ObjectWritten { version: Some(VersionId::Null), ..object_written(encryption) };
    Outcome::Object(ObjectOutcome::Copied(ObjectCopied { written, source_version }))
}

fn object_written(encryption: AppliedEncryption) -> ObjectWritten {
    ObjectWritten {
        etag: TAG,
        md5: Some(TAG.digest),
        version: None,
        encryption,
        checksums: checksums(),
        storage_class: StorageClass::Standard,
        last_modified: THEN,
        expiration: None,
    }
}

/// An answer as it goes over the wire, headers sorted.
fn shown(answer: &Response<Payload>) -> String {
    let mut text = format!("{}\n", answer.status().as_u16());
    let mut lines: Vec<_> =
        answer.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    writeln!(text, "{}", lines.join("\n")).unwrap();
    match answer.body() {
        Payload::Empty => {}
        Payload::Document(document) => writeln!(text, "\n{}", std::str::from_utf8(document).unwrap()).unwrap(),
        Payload::Object { length } => writeln!(text, "\n({length} bytes)").unwrap(),
    }
    text
}

fn cases() -> Vec<(&'static str, Method, Outcome)> {
    let request = ListBuckets { prefix: "b".to_owned(), marker: "a".to_owned(), max_keys: Some(1) };
    let buckets = ListedBuckets { request, owner: owner(), buckets: vec![bucket_facts(None)], truncated: true };
    let bucket = |outcome| Outcome::Bucket(outcome);
    let object = |outcome| Outcome::Object(outcome);
    let sm4 = || kms(DataAlgorithm::Sm4);
    vec![
        ("Probe", Method::HEAD, Outcome::Probed),
        ("ListBuckets", Method::GET, Outcome::Buckets(buckets)),
        ("CreateBucket", Method::PUT, bucket(BucketOutcome::Created(bucket_facts(Some(rule()))))),
        ("DeleteBucket", Method::DELETE, bucket(BucketOutcome::Deleted)),
        ("HeadBucket", Method::HEAD, bucket(BucketOutcome::Head(bucket_facts(None)))),
        ("GetBucketLocation", Method::GET, bucket(BucketOutcome::Location(bucket_facts(None)))),
        ("GetBucketInfo", Method::GET, bucket(BucketOutcome::Info(bucket_facts(Some(rule()))))),
        ("GetBucketInfo, no rule", Method::GET, bucket(BucketOutcome::Info(bucket_facts(None)))),
        ("GetBucketEncryption", Method::GET, bucket(BucketOutcome::Setting(Setting::Encryption(rule().into())))),
        ("PutBucketEncryption", Method::PUT, bucket(BucketOutcome::SettingPut(SettingKind::Encryption))),
        ("DeleteBucketEncryption", Method::DELETE, bucket(BucketOutcome::SettingDeleted)),
        ("GetBucketVersioning", Method::GET, versioning(Versioning::Suspended)),
        ("GetBucketVersioning, never set", Method::GET, versioning(Versioning::Never)),
        ("ListObjectVersions", Method::GET, listed_versions(false)),
        ("ListObjectVersions, url", Method::GET, listed_versions(true)),
        ("ListObjects", Method::GET, listed(ListVersion::V1, false)),
        ("ListObjectsV2, url", Method::GET, listed(ListVersion::V2, true)),
        ("PutObject, plain", Method::PUT, written(AppliedEncryption::Plain)),
        ("PutObject, managed AES", Method::PUT, written(AppliedEncryption::Managed(DataAlgorithm::Aes256))),
        ("PutObject, managed SM4", Method::PUT, written(AppliedEncryption::Managed(DataAlgorithm::Sm4))),
        ("PutObject, KMS AES", Method::PUT, written(kms(DataAlgorithm::Aes256))),
        ("PutObject, KMS SM4", Method::PUT, written(sm4())),
        ("PutObject, customer", Method::PUT, written(AppliedEncryption::Customer { key_md5: Some([7; 16]) })),
        ("CopyObject, plain", Method::PUT, copied(AppliedEncryption::Plain)),
        ("CopyObject, KMS SM4", Method::PUT, copied(sm4())),
        ("GetObject", Method::GET, object(ObjectOutcome::Read(read(None, true, sm4())))),
        (
            "GetObject, range",
            Method::GET,
            object(ObjectOutcome::Read(read(Some(10..20), true, AppliedEncryption::Plain))),
        ),
        ("HeadObject", Method::HEAD, object(ObjectOutcome::Head(read(None, false, sm4())))),
        ("GetObjectMeta", Method::HEAD, object(ObjectOutcome::Meta(read(None, false, sm4())))),
        ("DeleteObject", Method::DELETE, object(ObjectOutcome::Deleted { version: None, marker: None })),
        (
            "DeleteObject, with a marker",
            Method::DELETE,
            object(ObjectOutcome::Deleted { version: None, marker: Some(VersionId::Id([0xcd; 16])) }),
        ),
        ("DeleteObject, of a version", Method::DELETE, object(ObjectOutcome::Deleted { version: NULL, marker: None })),
        ("DeleteObject, of a marker", Method::DELETE, object(ObjectOutcome::Deleted { version: NULL, marker: NULL })),
        ("DeleteObjects", Method::POST, object(ObjectOutcome::ManyDeleted(many_deleted(false)))),
        ("DeleteObjects, quiet", Method::POST, object(ObjectOutcome::ManyDeleted(many_deleted(true)))),
    ]
}

/// Two operations are of one dialect alone.
fn is_asked(name: &str, dialect: &Dialect) -> bool {
    match name.split(',').next() {
        Some("Probe") => dialect.is_probed,
        Some("GetBucketInfo") => dialect.name == "oss",
        _ => true,
    }
}

fn many_deleted(quiet: bool) -> ManyDeleted {
    let entry = |name, version, result| DeletedEntry { key: ObjectKey::parse(name).unwrap(), version, result };
    let results = vec![
        entry("a b", None, Ok(None)),
        entry("c", NULL, Err(Failure::new(FailureCode::AccessDenied))),
        entry("d", None, Ok(Some(VersionId::Id([0xcd; 16])))),
        entry("e", NULL, Ok(NULL)),
    ];
    ManyDeleted { quiet, url_encoded: true, results }
}

#[test]
fn outcomes_in_full() {
    let site = site();
    for dialect in DIALECTS {
        let shown = cases().into_iter().filter(|(name, ..)| is_asked(name, dialect)).map(|(name, method, outcome)| {
            format!("== {name}\n{}", shown(&dialect.encode(&outcome, &exchange(&method, &site))))
        });
        insta::assert_snapshot!(format!("outcomes_{}", dialect.name), shown.collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn failures_in_full() {
    let site = site();
    for dialect in DIALECTS {
        let shown = FailureCode::ALL.iter().map(|&code| {
            let answer = dialect.encode_failure(&code.into(), &exchange(&Method::GET, &site));
            let document = match answer.body() {
                Payload::Document(document) => std::str::from_utf8(document).unwrap().to_owned(),
                Payload::Empty | Payload::Object { .. } => String::new(),
            };
            let between = |name: &str| {
                let rest = document.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
                rest.split_once("</").map_or(String::new(), |(text, _)| text.to_owned())
            };
            format!("{code:?}: {} {} — {}", answer.status().as_u16(), between("Code"), between("Message"))
        });
        insta::assert_snapshot!(format!("failures_{}", dialect.name), shown.collect::<Vec<_>>().join("\n"));
    }
}

fn refused(dialect: &Dialect, method: Method, failure: &Failure) -> Response<Payload> {
    dialect.encode_failure(failure, &exchange(&method, &site()))
}

fn document(answer: Response<Payload>) -> String {
    match answer.into_body() {
        Payload::Document(document) => String::from_utf8(document.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The engine need not say which bucket or key it was: the request did.
#[test]
fn what_the_request_named_is_named_in_the_answer() {
    let text = document(refused(&S3, Method::GET, &FailureCode::NoSuchKey.into()));
    assert!(text.contains("<Key>dir/a b</Key>"), "{text}");
    let text = document(refused(&OBS, Method::GET, &FailureCode::NoSuchBucket.into()));
    assert!(text.contains("<BucketName>b1</BucketName>"), "{text}");
}

#[test]
fn a_failure_is_a_document_with_what_it_is_about() {
    let failure = Failure::new(FailureCode::NoSuchBucket).about(Subject::Text("b&1".to_owned()));
    let s3 = document(refused(&S3, Method::GET, &failure));
    let body = "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message>\
                <BucketName>b&amp;1</BucketName><RequestId>5C06A3B67B8B5A3D</RequestId><HostId>";
    assert!(s3.contains(body), "{s3}");
    let oss = document(refused(&OSS, Method::GET, &failure));
    let body = "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist.</Message>\
                <RequestId>5C06A3B67B8B5A3DA422299D</RequestId><HostId>b1.localhost:9000</HostId>\
                <BucketName>b&amp;1</BucketName><EC>0015-00000101</EC></Error>";
    assert!(oss.ends_with(body), "{oss}");
    let answer = refused(&OBS, Method::GET, &failure);
    assert_eq!(answer.headers()["content-type"], "application/xml");
    assert_eq!(answer.headers()["x-obs-id-2"].len(), 64);
    assert!(document(answer).contains("<RequestId>5C06A3B67B8B5A3DA422299D01020304</RequestId>"));
}

/// `oracle/aws-s3-encryption.json`: the status, code and words of every failure that AWS was recorded with and this
/// issue's operations reach.
#[test]
fn the_words_of_s3_are_those_recorded() {
    use FailureCode as Code;
    let keys = "Requests specifying Server Side Encryption with Customer provided keys must provide";
    let xml = "The XML you provided was not well-formed or did not validate against our published schema";
    let incompatible =
        "Server Side Encryption with Customer provided key is incompatible with the encryption method specified";
    for (code, status, name, message) in [
        (Code::NoSuchBucket, 404, "NoSuchBucket", "The specified bucket does not exist".to_owned()),
        (Code::MalformedXml, 400, "MalformedXML", xml.to_owned()),
        (
            Code::DefaultKeyWithoutKms,
            400,
            "InvalidArgument",
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse".to_owned(),
        ),
        (Code::ConflictingEncryption, 400, "InvalidArgument", incompatible.to_owned()),
        (
            Code::CustomerAlgorithmInvalid,
            400,
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.".to_owned(),
        ),
        (Code::CustomerAlgorithmMissing, 400, "InvalidArgument", format!("{keys} a valid encryption algorithm.")),
        (Code::CustomerKeyMissing, 400, "InvalidArgument", format!("{keys} an appropriate secret key.")),
        (
            Code::CustomerKeyInvalid,
            400,
            "InvalidArgument",
            "The secret key was invalid for the specified algorithm.".to_owned(),
        ),
        (
            Code::CustomerKeyDigestMismatch,
            400,
            "InvalidArgument",
            "The calculated MD5 hash of the key did not match the hash that was provided.".to_owned(),
        ),
        (
            Code::CustomerKeyRequired,
            400,
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to \
             retrieve the object."
                .to_owned(),
        ),
        (Code::CustomerKeyWrong, 403, "AccessDenied", format!("{keys} the correct secret key.")),
    ] {
        let row = S3.failure_row(code);
        assert_eq!((row.status, row.name, row.message), (status, name, message.as_str()));
    }
    let fake = Failure::new(Code::KeyMalformed).about(Subject::Text("fake-key-id".to_owned()));
    assert!(
        document(refused(&S3, Method::PUT, &fake)).contains("<Message>Invalid keyId &apos;fake-key-id&apos;</Message>")
    );
    let elsewhere =
        Failure::new(Code::KeyOfOtherRegion).about(Subject::Text("arn:aws:kms:us-west-2:1:key/x".to_owned()));
    assert!(document(refused(&S3, Method::PUT, &elsewhere)).contains("<Message>Invalid arn us-west-2</Message>"));
}

/// The recorded words of AWS.
#[test]
fn keys_are_spelled_in_the_dialect() {
    let about = |code| Failure::new(code).about(Subject::Key(key_name()));
    let message = |dialect, code| {
        let text = document(refused(dialect, Method::GET, &about(code)));
        text.split_once("<Message>").and_then(|(_, rest)| rest.split_once("</Message>")).unwrap().0.to_owned()
    };
    let arn = "arn:aws:kms:eu-west-1:123456789012:key/522d6070-5ad3-4765-9737-9312ddc72cdb";
    assert_eq!(message(&S3, FailureCode::KeyDisabled), format!("{arn} is disabled."));
    assert_eq!(message(&S3, FailureCode::KeyPendingDeletion), format!("{arn} is pending deletion."));
    assert_eq!(message(&S3, FailureCode::KeyNotFound), format!("Key &apos;{arn}&apos; does not exist"));
    let full = "eu-west-1:00000000000000000000001cbe991a14:key/522d6070-5ad3-4765-9737-9312ddc72cdb";
    assert!(message(&OBS, FailureCode::KeyDisabled).contains(full));
    assert_eq!(message(&OSS, FailureCode::KeyDisabled), "The request was rejected because the key state is Disabled.");
}

#[test]
fn answers_to_head_tell_failures_in_headers() {
    for &code in FailureCode::ALL {
        for dialect in DIALECTS {
            let answer = refused(dialect, Method::HEAD, &code.into());
            assert_eq!(*answer.body(), Payload::Empty, "{} {code:?}", dialect.name);
            let row = dialect.failure_row(code);
            assert_eq!(answer.status().as_u16(), row.status);
            match dialect.name {
                "oss" => {
                    let text = base64_text(answer.headers()["x-oss-err"].to_str().unwrap());
                    assert!(text.contains(&format!("<Code>{}</Code>", row.name)), "{text}");
                }
                _ => assert_eq!(answer.headers()[&format!("{}error-code", dialect.header_prefix)], row.name),
            }
        }
    }
    let ec = refused(&OSS, Method::HEAD, &FailureCode::NoSuchKey.into());
    assert_eq!(ec.headers()["x-oss-ec"], "0026-00000001");
}

#[test]
fn some_failures_have_headers_of_their_own() {
    let unchanged = Failure::new(FailureCode::NotModified).with_detail("ETag", TAG.lower_hex());
    let answer = refused(&OSS, Method::GET, &unchanged);
    assert_eq!((answer.status().as_u16(), answer.body()), (304, &Payload::Empty));
    assert_eq!(answer.headers()["etag"], "\"ABABABABABABABABABABABABABABABAB\"");
    let missed = Failure::new(FailureCode::InvalidRange).with_detail("ActualObjectSize", "100");
    assert_eq!(refused(&S3, Method::GET, &missed).headers()["content-range"], "bytes */100");
}

/// In the place of an object, and by its own id.
#[test]
fn a_delete_marker_says_that_it_is_one() {
    let marker = VersionId::Id([0xcd; 16]);
    for dialect in DIALECTS {
        let name = |suffix| [dialect.header_prefix, suffix].concat();
        for (code, status) in [(FailureCode::NoSuchKey, 404), (FailureCode::MethodNotAllowed, 405)] {
            for method in [Method::GET, Method::HEAD] {
                let answer = refused(dialect, method.clone(), &Failure::new(code).at_marker(marker));
                assert_eq!(answer.status(), status);
                assert_eq!(answer.headers()[&name("delete-marker")], "true");
                assert_eq!(answer.headers()[&name("version-id")], "CD".repeat(16));
                assert_eq!(answer.headers().get("allow").is_some_and(|it| it == "DELETE"), status == 405);
            }
        }
        let answer = refused(dialect, Method::GET, &FailureCode::NoSuchKey.into());
        assert!(!answer.headers().contains_key(name("delete-marker")));
    }
    let failure = Failure::new(FailureCode::MethodNotAllowed).at_marker(marker);
    let text = document(refused(&OSS, Method::GET, &failure));
    assert!(text.contains("<Method>GET</Method><ResourceType>DeleteMarker</ResourceType>"), "{text}");
}

/// OSS knows one condition on writes and has a failure of its own for it.
#[test]
fn an_unmet_condition_of_a_write_is_told_in_the_dialects_words() {
    let unmet = FailureCode::PreconditionFailed.into();
    assert!(document(refused(&OSS, Method::PUT, &unmet)).contains("<Code>FileAlreadyExists</Code>"));
    assert_eq!(refused(&OSS, Method::GET, &unmet).status(), 412);
    assert_eq!(refused(&S3, Method::PUT, &unmet).status(), 412);
    assert_eq!(refused(&S3, Method::PUT, &FailureCode::AlreadyExists.into()).status(), 412);
}

/// Where AWS has no bucket without a rule, deleting it writes one, and is answered as a deletion all the same.
#[test]
fn a_deletion_that_writes_is_answered_as_a_deletion() {
    let put = Outcome::Bucket(BucketOutcome::SettingPut(SettingKind::Encryption));
    assert_eq!(S3.encode(&put, &exchange(&Method::DELETE, &site())).status(), 204);
    assert_eq!(S3.encode(&put, &exchange(&Method::PUT, &site())).status(), 200);
}

fn base64_text(text: &str) -> String {
    use base64::Engine;
    String::from_utf8(base64::prelude::BASE64_STANDARD.decode(text).unwrap()).unwrap()
}
