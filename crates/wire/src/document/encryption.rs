//! Documents of a bucket's default encryption, in both shapes.

use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionRule};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::KeyReference;

use super::writer::Writer;
use super::{Element, malformed, reader};
use crate::dialect::{Dialect, EncryptionWords, Stray};
use crate::request::{argument, invalid_argument};

/// The element that holds the rule itself, in both shapes.
const APPLY: &str = "ApplyServerSideEncryptionByDefault";

/// The element that says which kinds of encryption nobody may ask for.
const BLOCKED: &str = "BlockedEncryptionTypes";

/// The only kind that can be blocked: SSE-C.
const CUSTOMER_KEYS: &str = "SSE-C";

/// Reads `ServerSideEncryptionConfiguration` (S3, OBS): one rule, no more.
///
/// # Errors
/// `MalformedXml` and the cells of the validation matrix.
pub(crate) fn read_configuration(document: &[u8], dialect: &'static Dialect) -> Result<EncryptionRule, Failure> {
    let root = reader::read(document, "ServerSideEncryptionConfiguration")?;
    let rule = root.one("Rule")?;
    let blocks_customer_keys = blocks_customer_keys(rule)?;
    let default = match rule.at_most_one(APPLY)? {
        None if blocks_customer_keys.is_some() => None,
        None => return Err(malformed("a Rule that says nothing")),
        Some(apply) => {
            let word = apply.child_word("SSEAlgorithm")?.ok_or_else(|| malformed("no SSEAlgorithm"))?;
            Some(BucketEncryption { method: method(apply, word, dialect)?, bucket_key: rule.flag("BucketKeyEnabled")? })
        }
    };
    Ok(EncryptionRule { default, blocks_customer_keys })
}

/// Reads `ServerSideEncryptionRule` (OSS).
///
/// # Errors
/// `MalformedXml` and the cells of the validation matrix; a rule without a method has an unknown one.
pub(crate) fn read_rule(document: &[u8], dialect: &'static Dialect) -> Result<EncryptionRule, Failure> {
    let root = reader::read(document, "ServerSideEncryptionRule")?;
    let apply = root.one(APPLY)?;
    let word = apply.child_word("SSEAlgorithm")?.unwrap_or_default();
    Ok(BucketEncryption { method: method(apply, word, dialect)?, bucket_key: false }.into())
}

/// Writes the document of S3, which always shows the bucket-key flag, and what the bucket blocks.
pub(crate) fn write_flagged_configuration(rule: &EncryptionRule, dialect: &Dialect) -> Writer {
    write_configuration(rule, dialect, |writer, bucket_key| {
        writer.leaf("BucketKeyEnabled", bucket_key);
        if rule.blocks_customer_keys == Some(true) {
            writer.element(BLOCKED, |writer| writer.leaf("EncryptionType", CUSTOMER_KEYS));
        }
    })
}

/// Writes the document of OBS.
pub(crate) fn write_plain_configuration(rule: &EncryptionRule, dialect: &Dialect) -> Writer {
    write_configuration(rule, dialect, |writer, bucket_key| {
        if bucket_key {
            writer.leaf("BucketKeyEnabled", true);
        }
    })
}

fn write_configuration(rule: &EncryptionRule, dialect: &Dialect, more: impl FnOnce(&mut Writer, bool)) -> Writer {
    let documents = &dialect.documents;
    let root = "ServerSideEncryptionConfiguration";
    Writer::document(documents.declaration, root, documents.namespace, |writer| {
        writer.element("Rule", |writer| {
            apply(writer, rule, dialect);
            more(writer, rule.default.as_ref().is_some_and(|default| default.bucket_key));
        });
    })
}

/// Writes `ServerSideEncryptionRule`.
pub(crate) fn write_rule(rule: &EncryptionRule, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "ServerSideEncryptionRule", documents.namespace, |writer| {
        apply(writer, rule, dialect);
    })
}

fn apply(writer: &mut Writer, rule: &EncryptionRule, dialect: &Dialect) {
    if let Some(default) = &rule.default {
        writer.element(APPLY, |writer| self::rule(writer, default, &dialect.encryption));
    }
}

/// The children that say how objects are sealed; OSS has them in GetBucketInfo as well.
pub(crate) fn rule(writer: &mut Writer, encryption: &BucketEncryption, words: &EncryptionWords) {
    match &encryption.method {
        DefaultMethod::Managed(algorithm) => {
            let (word, cipher) = words.managed_word(*algorithm);
            writer.leaf("SSEAlgorithm", word);
            writer.optional("KMSDataEncryption", cipher);
        }
        DefaultMethod::Kms { key, algorithm, project } => {
            writer.leaf("SSEAlgorithm", words.kms_word(*algorithm));
            writer.optional("KMSMasterKeyID", key.as_ref().map(|key| key.text.as_str()));
            writer.optional("KMSDataEncryption", words.cipher_word(*algorithm));
            writer.optional("ProjectID", project.as_deref());
        }
    }
}

fn method(apply: &Element, word: &str, dialect: &Dialect) -> Result<DefaultMethod, Failure> {
    let words = &dialect.encryption;
    let key = apply.child_word("KMSMasterKeyID")?;
    if words.unbuilt.contains(&word) {
        return Err(FailureCode::NotImplemented.into());
    }
    if let Some(algorithm) = words.kms_method(word) {
        return kms(apply, key, words, algorithm);
    }
    let found = words.managed.iter().find(|(known, _)| *known == word);
    let (_, algorithm) =
        found.ok_or_else(|| argument(FailureCode::UnknownDefaultEncryptionMethod, "SSEAlgorithm", word))?;
    if key.is_some() {
        return Err(Failure::new(FailureCode::DefaultKeyWithoutKms).with_detail("ArgumentName", APPLY));
    }
    if words.stray == Stray::Refused && cipher(apply, words)? == DataAlgorithm::Sm4 {
        return Err(argument(FailureCode::UnknownDataAlgorithm, "KMSDataEncryption", "SM4"));
    }
    Ok(DefaultMethod::Managed(*algorithm))
}

fn kms(
    apply: &Element,
    key: Option<&str>,
    words: &EncryptionWords,
    method: DataAlgorithm,
) -> Result<DefaultMethod, Failure> {
    let project = apply.child_word("ProjectID")?;
    if let (None, Some(project)) = (key, project) {
        return Err(invalid_argument("ProjectID", project));
    }
    if key.is_some_and(|key| key.len() > KeyReference::LENGTH_MAX) {
        return Err(malformed("a KMSMasterKeyID that is too long"));
    }
    let algorithm = match (method, cipher(apply, words)?) {
        (DataAlgorithm::Aes256, algorithm) => algorithm,
        (method, DataAlgorithm::Aes256) => method,
        (_, _) => return Err(argument(FailureCode::UnknownDataAlgorithm, "KMSDataEncryption", "SM4")),
    };
    Ok(DefaultMethod::Kms { key: key.map(KeyReference::parse), algorithm, project: project.map(str::to_owned) })
}

fn cipher(apply: &Element, words: &EncryptionWords) -> Result<DataAlgorithm, Failure> {
    let Some(word) = apply.child_word("KMSDataEncryption")? else { return Ok(DataAlgorithm::Aes256) };
    let found = words.ciphers.iter().find(|(known, _)| *known == word);
    found
        .map(|(_, algorithm)| *algorithm)
        .ok_or_else(|| argument(FailureCode::UnknownDataAlgorithm, "KMSDataEncryption", word))
}

/// Whether the rule blocks customers' keys, lets them in again, or does not say.
fn blocks_customer_keys(rule: &Element) -> Result<Option<bool>, Failure> {
    let Some(blocked) = rule.at_most_one(BLOCKED)? else { return Ok(None) };
    match blocked.child_word("EncryptionType")? {
        Some(CUSTOMER_KEYS) => Ok(Some(true)),
        Some("NONE") => Ok(Some(false)),
        other => Err(malformed(format!("EncryptionType is {}", other.unwrap_or("missing")))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

    use super::*;
    use crate::dialect::{OBS, OSS, S3};

    fn s3(content: &str) -> Result<EncryptionRule, FailureCode> {
        let text = format!("<ServerSideEncryptionConfiguration>{content}</ServerSideEncryptionConfiguration>");
        read_configuration(text.as_bytes(), &S3).map_err(|failure| failure.code)
    }

    fn obs(content: &str) -> Result<DefaultMethod, FailureCode> {
        let text = format!(
            "<ServerSideEncryptionConfiguration xmlns='http://obs.example/doc/2015-06-30/'><Rule>\
             <ApplyServerSideEncryptionByDefault>{content}</ApplyServerSideEncryptionByDefault></Rule>\
             </ServerSideEncryptionConfiguration>"
        );
        read_configuration(text.as_bytes(), &OBS)
            .map(|rule| rule.default.unwrap().method)
            .map_err(|failure| failure.code)
    }

    fn oss(content: &str) -> Result<DefaultMethod, FailureCode> {
        let text = format!(
            "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault>{content}\
             </ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"
        );
        read_rule(text.as_bytes(), &OSS).map(|rule| rule.default.unwrap().method).map_err(|failure| failure.code)
    }

    fn kms(key: Option<&str>, algorithm: DataAlgorithm) -> DefaultMethod {
        DefaultMethod::Kms { key: key.map(KeyReference::parse), algorithm, project: None }
    }

    const AES256: DefaultMethod = DefaultMethod::Managed(DataAlgorithm::Aes256);
    const SM4: DefaultMethod = DefaultMethod::Managed(DataAlgorithm::Sm4);

    /// What the OSS pages and the tests of Alibaba's SDKs say of each combination.
    #[test]
    fn oss_rules_follow_their_matrix() {
        let rule = |algorithm: &str, key: &str, cipher: &str| {
            let element = |name: &str, text: &str| match text {
                "-" => String::new(),
                text => format!("<{name}>{text}</{name}>"),
            };
            let children = [
                element("KMSMasterKeyID", key),
                element("KMSDataEncryption", cipher),
                element("SSEAlgorithm", algorithm),
            ];
            oss(&children.concat())
        };
        for (algorithm, key, cipher, expected) in [
            ("AES256", "-", "-", Ok(AES256)),
            ("AES256", "", "-", Ok(AES256)),
            ("AES256", "test", "-", Err(FailureCode::DefaultKeyWithoutKms)),
            ("AES256", "test", "SM4", Err(FailureCode::DefaultKeyWithoutKms)),
            ("AES256", "", "SM4", Ok(AES256)),
            ("SM4", "-", "-", Ok(SM4)),
            ("SM4", "-", "SM4", Ok(SM4)),
            ("SM4", "test", "-", Err(FailureCode::DefaultKeyWithoutKms)),
            ("KMS", "-", "-", Ok(kms(None, DataAlgorithm::Aes256))),
            ("KMS", "", "SM4", Ok(kms(None, DataAlgorithm::Sm4))),
            ("KMS", "123", "-", Ok(kms(Some("123"), DataAlgorithm::Aes256))),
            ("KMS", "123", "SM4", Ok(kms(Some("123"), DataAlgorithm::Sm4))),
            ("KMS", "-", "AES256", Err(FailureCode::UnknownDataAlgorithm)),
            ("random", "-", "-", Err(FailureCode::UnknownDefaultEncryptionMethod)),
            ("", "-", "-", Err(FailureCode::UnknownDefaultEncryptionMethod)),
            ("-", "-", "-", Err(FailureCode::UnknownDefaultEncryptionMethod)),
        ] {
            assert_eq!(rule(algorithm, key, cipher), expected, "{algorithm} {key} {cipher}");
        }
    }

    /// The document of the OBS pages.
    #[test]
    fn obs_rules_follow_their_table() {
        for (content, expected) in [
            ("<SSEAlgorithm>kms</SSEAlgorithm>", Ok(kms(None, DataAlgorithm::Aes256))),
            ("<SSEAlgorithm>aws:kms</SSEAlgorithm>", Ok(kms(None, DataAlgorithm::Aes256))),
            ("<SSEAlgorithm>AES256</SSEAlgorithm>", Ok(AES256)),
            (
                "<SSEAlgorithm>kms</SSEAlgorithm><KMSDataEncryption>SM4</KMSDataEncryption>\
                 <KMSMasterKeyID>r:d:key/i</KMSMasterKeyID>",
                Ok(kms(Some("r:d:key/i"), DataAlgorithm::Sm4)),
            ),
            (
                "<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>",
                Err(FailureCode::DefaultKeyWithoutKms),
            ),
            (
                "<SSEAlgorithm>AES256</SSEAlgorithm><KMSDataEncryption>SM4</KMSDataEncryption>",
                Err(FailureCode::UnknownDataAlgorithm),
            ),
            ("<SSEAlgorithm>kms</SSEAlgorithm><ProjectID>p</ProjectID>", Err(FailureCode::InvalidArgument)),
            ("<SSEAlgorithm>x</SSEAlgorithm>", Err(FailureCode::UnknownDefaultEncryptionMethod)),
            ("", Err(FailureCode::MalformedXml)),
        ] {
            assert_eq!(obs(content), expected, "{content}");
        }
    }

    /// What the S3 pages say, and the recorded answers of AWS.
    #[test]
    fn s3_configurations_follow_their_table() {
        let rule = "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
                    </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>";
        let read = EncryptionRule::from(BucketEncryption { method: AES256, bucket_key: true });
        assert_eq!(s3(rule), Ok(read.clone()));
        assert_eq!(s3(""), Err(FailureCode::MalformedXml));
        assert_eq!(s3(&rule.repeat(2)), Err(FailureCode::MalformedXml));
        assert_eq!(s3(&rule.replace("true", "yes")), Err(FailureCode::MalformedXml));
        let twice = DefaultMethod::Kms { key: None, algorithm: DataAlgorithm::Aes256Twice, project: None };
        let twice = EncryptionRule::from(BucketEncryption { method: twice, bucket_key: true });
        assert_eq!(s3(&rule.replace("AES256", "aws:kms:dsse")), Ok(twice));
        assert_eq!(s3(&rule.replace("AES256", "aws:fsx")), Err(FailureCode::NotImplemented));
        let blocked = |kind: &str| {
            format!("<BlockedEncryptionTypes><EncryptionType>{kind}</EncryptionType></BlockedEncryptionTypes>")
        };
        let blocking = |kind: &str| s3(&rule.replace("</Rule>", &(blocked(kind) + "</Rule>")));
        assert_eq!(blocking("NONE"), Ok(EncryptionRule { blocks_customer_keys: Some(false), ..read.clone() }));
        assert_eq!(blocking("SSE-C"), Ok(EncryptionRule { blocks_customer_keys: Some(true), ..read }));
        let alone = EncryptionRule { default: None, blocks_customer_keys: Some(true) };
        assert_eq!(s3(&format!("<Rule>{}</Rule>", blocked("SSE-C"))), Ok(alone));
        assert_eq!(s3("<Rule></Rule>"), Err(FailureCode::MalformedXml));
        assert_eq!(
            s3("<Rule><BlockedEncryptionTypes></BlockedEncryptionTypes></Rule>"),
            Err(FailureCode::MalformedXml)
        );
        assert_eq!(blocking("X"), Err(FailureCode::MalformedXml));
    }

    fn rules() -> impl Strategy<Value = BucketEncryption> {
        let method = (prop_oneof![Just(DataAlgorithm::Aes256), Just(DataAlgorithm::Sm4)], "[!-~]{0,40}").prop_map(
            |(algorithm, key)| DefaultMethod::Kms {
                key: Some(key).filter(|key| !key.is_empty()).map(|key| KeyReference::parse(&key)),
                algorithm,
                project: None,
            },
        );
        (prop_oneof![Just(AES256), method], any::<bool>())
            .prop_map(|(method, bucket_key)| BucketEncryption { method, bucket_key })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn what_is_written_is_read(default in rules(), blocks: bool) {
            let rule = EncryptionRule::from(default.clone());
            for dialect in [&S3, &OBS] {
                let written = (dialect.documents.write_encryption)(&rule, dialect).into_bytes();
                assert_eq!((dialect.documents.read_encryption)(&written, dialect).unwrap(), rule);
            }
            let said = EncryptionRule { blocks_customer_keys: Some(true).filter(|_| blocks), ..rule };
            let written = write_flagged_configuration(&said, &S3).into_bytes();
            assert_eq!(read_configuration(&written, &S3).unwrap(), said);
            let rule = EncryptionRule::from(BucketEncryption { bucket_key: false, ..default });
            assert_eq!(read_rule(&write_rule(&rule, &OSS).into_bytes(), &OSS).unwrap(), rule);
        }
    }
}
