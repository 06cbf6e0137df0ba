//! CopyObject: how the source is spelled, and what the other fields of its head come to.

use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::condition::TagList;
use strongroom_model::failure::FailureCode;
use strongroom_model::name::VersionId;
use strongroom_model::operation::copy::{CopiedChecksums, CopyObject, MetadataFrom, OntoItself, Unchanged};
use strongroom_model::operation::{ObjectOperation, Operation};

use crate::exchange::operation;

const PREFIXES: [&str; 3] = ["x-obs-", "x-oss-", "x-amz-"];

fn copy(prefix: &str, source: &str, fields: &[(&str, &str)]) -> Result<Box<CopyObject>, FailureCode> {
    let lines: Vec<_> = fields.iter().map(|(name, value)| format!("{prefix}{name}: {value}")).collect();
    let text = format!("PUT /b12/k\n{prefix}copy-source: {source}\n{}", lines.join("\n"));
    match operation(&text, "").map_err(|failure| failure.code)? {
        Operation::Object(ObjectOperation::Copy(copy)) => Ok(copy),
        other => panic!("{other:?}"),
    }
}

/// As the SDKs write it: oss2 and ali-oss encode the slash, boto3 and the OBS SDK for Python do not, the OBS SDK for
/// Node.js encodes all of it and puts no slash before it, those for Go write a blank as a plus sign.
#[test]
fn the_source_is_spelled_in_many_ways() {
    let id = VersionId::Id(*b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
    for prefix in PREFIXES {
        for (text, key, version) in [
            ("/src/dir/a%20b%2Bc", "dir/a b+c", None),
            ("src/dir/a b", "dir/a b", None),
            ("/src/dir%2Fa+b", "dir/a b", None),
            ("src%2Fdir%2Fk", "dir/k", None),
            ("/src/%E6%B1%89?versionId=null", "汉", Some(VersionId::Null)),
            ("src/k?versionId=000102030405060708090A0B0C0D0E0F", "k", Some(id)),
            ("src/k?versionId=", "k", None),
            ("/src/q%3FversionId%3D1", "q?versionId=1", None),
            ("/src//k", "/k", None),
        ] {
            let copy = copy(prefix, text, &[]).unwrap();
            assert_eq!((copy.source.bucket.as_str(), copy.source.key.as_str()), ("src", key), "{text}");
            assert_eq!(copy.source.version, version, "{text}");
            assert_eq!((copy.target.bucket.as_str(), copy.target.key.as_str()), ("b12", "k"));
        }
        for text in ["src", "/src", "/src/", "/", "S!/k", "/src/../k"] {
            assert_eq!(copy(prefix, text, &[]).unwrap_err(), FailureCode::InvalidCopySource, "{text}");
        }
        assert_eq!(copy(prefix, "/src/%FF", &[]).unwrap_err(), FailureCode::InvalidUri);
        assert_eq!(copy(prefix, "/src/k?versionId=xyz", &[]).unwrap_err(), FailureCode::InvalidArgument);
    }
}

#[test]
fn conditions_are_the_sources() {
    let fields = [
        ("copy-source-if-match", "\"a\""),
        ("copy-source-if-none-match", "%22b%22"),
        ("copy-source-if-modified-since", "Sat, 21 Nov 2026 21:18:10 GMT"),
        ("copy-source-if-unmodified-since", "yesterday"),
    ];
    for prefix in PREFIXES {
        let conditions = copy(prefix, "/src/k", &fields).unwrap().source.conditions;
        assert_eq!(conditions.if_match, Some(TagList::Tags(vec!["\"a\"".to_owned()])));
        assert_eq!(conditions.if_none_match, Some(TagList::Tags(vec!["\"b\"".to_owned()])));
        assert_eq!(conditions.if_modified_since.map(|time| time.seconds()), Some(1_795_295_890));
        assert_eq!(conditions.if_unmodified_since, None, "a date that cannot be read is as good as none");
    }
}

#[test]
fn directives_are_two_words() {
    for prefix in PREFIXES {
        let from = |word| copy(prefix, "/src/k", &[("metadata-directive", word)]).map(|copy| copy.metadata_from);
        assert_eq!(from("COPY"), Ok(MetadataFrom::Source));
        assert_eq!(from("replace"), Ok(MetadataFrom::Request));
        assert_eq!(from("REPLACE_NEW"), Err(FailureCode::InvalidArgument));
        assert_eq!(copy(prefix, "/src/k", &[]).unwrap().metadata_from, MetadataFrom::Source);
    }
}

#[test]
fn each_dialect_has_its_rules() {
    let rules = |prefix: &str| {
        let copy = copy(prefix, "/src/k", &[("meta-a", "b")]).unwrap();
        assert_eq!(copy.target.metadata.user, [("a".to_owned(), "b".to_owned())]);
        (copy.onto_itself, copy.unchanged, copy.checksums)
    };
    let otherwise = |otherwise| CopiedChecksums::OfSource { otherwise };
    assert_eq!(rules("x-obs-"), (OntoItself::ChangesAndStaysEncrypted, Unchanged::Failed, otherwise(None)));
    let crc = otherwise(Some(ChecksumAlgorithm::Crc64Ecma));
    assert_eq!(rules("x-oss-"), (OntoItself::Replaces, Unchanged::NotModified, crc));
    let crc = otherwise(Some(ChecksumAlgorithm::Crc64Nvme));
    assert_eq!(rules("x-amz-"), (OntoItself::Changes, Unchanged::Failed, crc));
    let asked = |word| copy("x-amz-", "/src/k", &[("checksum-algorithm", word)]).map(|copy| copy.checksums);
    assert_eq!(asked("SHA256"), Ok(CopiedChecksums::Only(ChecksumAlgorithm::Sha256)));
    assert_eq!(asked("MD4"), Err(FailureCode::InvalidRequest));
}

/// The source's key is apart from the target's, and is checked as it is.
#[test]
fn the_sources_customer_key_is_its_own() {
    const KEY: &str = "K7QkYpBkM5+hcs27fsNkUnNVaobncnLht/rCB2o/9Cw=";
    const KEY_MD5: &str = "4XvB3tbNTN+tIEVa0/fGaQ==";
    let field = |name: &str| format!("copy-source-server-side-encryption-customer-{name}");
    let (algorithm, key, md5) = (field("algorithm"), field("key"), field("key-md5"));
    for prefix in PREFIXES {
        let whole = [(algorithm.as_str(), "AES256"), (key.as_str(), KEY), (md5.as_str(), KEY_MD5)];
        let copied = copy(prefix, "/src/k", &whole).unwrap();
        assert!(copied.source.customer_key.is_some(), "{prefix}");
        assert!(matches!(copied.target.encryption, strongroom_model::encryption::EncryptionWish::Unspecified));
        let refused = |fields: &[(&str, &str)]| copy(prefix, "/src/k", fields).unwrap_err();
        assert_eq!(refused(&whole[1..]), FailureCode::CustomerAlgorithmMissing);
        assert_eq!(refused(&[(algorithm.as_str(), "KMS")]), FailureCode::CustomerAlgorithmInvalid);
        assert_eq!(refused(&whole[..1]), FailureCode::CustomerKeyMissing);
    }
}
