//! Documents of a bucket's default encryption, in both shapes.

use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::KeyReference;

use super::writer::Writer;
use super::{Element, malformed, reader};
use crate::dialect::{Dialect, EncryptionWords, Stray};
use crate::request::{argument, invalid_argument};

/// The element that holds the rule itself, in both shapes.
const APPLY: &str = "ApplyServerSideEncryptionByDefault";

/// Reads `ServerSideEncryptionConfiguration` (S3, OBS): one rule, no more.
///
/// # Errors
/// `MalformedXml` and the cells of the validation matrix.
pub(crate) fn read_configuration(document: &[u8], dialect: &'static Dialect) -> Result<BucketEncryption, Failure> {
    let root = reader::read(document, "ServerSideEncryptionConfiguration")?;
    let rule = root.one("Rule")?;
    refuse_blocking(rule)?;
    let apply = rule.one(APPLY)?;
    let word = apply.child_word("SSEAlgorithm")?.ok_or_else(|| malformed("no SSEAlgorithm"))?;
    Ok(BucketEncryption { method: method(apply, word, dialect)?, bucket_key: rule.flag("BucketKeyEnabled")? })
}

/// Reads `ServerSideEncryptionRule` (OSS).
///
/// # Errors
/// `MalformedXml` and the cells of the validation matrix; a rule without a method has an unknown one.
pub(crate) fn read_rule(document: &[u8], dialect: &'static Dialect) -> Result<BucketEncryption, Failure> {
    let root = reader::read(document, "ServerSideEncryptionRule")?;
    let apply = root.one(APPLY)?;
    let word = apply.child_word("SSEAlgorithm")?.unwrap_or_default();
    Ok(BucketEncryption { method: method(apply, word, dialect)?, bucket_key: false })
}

/// Writes `ServerSideEncryptionConfiguration`; `always_flagged` shows the bucket-key flag even when it is off.
fn write_configuration(encryption: &BucketEncryption, dialect: &Dialect, always_flagged: bool) -> Writer {
    let documents = &dialect.documents;
    let root = "ServerSideEncryptionConfiguration";
    Writer::document(documents.declaration, root, documents.namespace, |writer| {
        writer.element("Rule", |writer| {
            writer.element(APPLY, |writer| rule(writer, encryption, &dialect.encryption));
            if always_flagged || encryption.bucket_key {
                writer.leaf("BucketKeyEnabled", encryption.bucket_key);
            }
        });
    })
}

/// Writes the document of S3, which always shows the bucket-key flag.
pub(crate) fn write_flagged_configuration(encryption: &BucketEncryption, dialect: &Dialect) -> Writer {
    write_configuration(encryption, dialect, true)
}

/// Writes the document of OBS.
pub(crate) fn write_plain_configuration(encryption: &BucketEncryption, dialect: &Dialect) -> Writer {
    write_configuration(encryption, dialect, false)
}

/// Writes `ServerSideEncryptionRule`.
pub(crate) fn write_rule(encryption: &BucketEncryption, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "ServerSideEncryptionRule", documents.namespace, |writer| {
        writer.element(APPLY, |writer| rule(writer, encryption, &dialect.encryption));
    })
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
            writer.leaf("SSEAlgorithm", words.kms[0]);
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
    if words.kms.contains(&word) {
        return kms(apply, key, words);
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

fn kms(apply: &Element, key: Option<&str>, words: &EncryptionWords) -> Result<DefaultMethod, Failure> {
    let project = apply.child_word("ProjectID")?;
    if let (None, Some(project)) = (key, project) {
        return Err(invalid_argument("ProjectID", project));
    }
    if key.is_some_and(|key| key.len() > KeyReference::LENGTH_MAX) {
        return Err(malformed("a KMSMasterKeyID that is too long"));
    }
    Ok(DefaultMethod::Kms {
        key: key.map(KeyReference::parse),
        algorithm: cipher(apply, words)?,
        project: project.map(str::to_owned),
    })
}

fn cipher(apply: &Element, words: &EncryptionWords) -> Result<DataAlgorithm, Failure> {
    let Some(word) = apply.child_word("KMSDataEncryption")? else { return Ok(DataAlgorithm::Aes256) };
    let found = words.ciphers.iter().find(|(known, _)| *known == word);
    found
        .map(|(_, algorithm)| *algorithm)
        .ok_or_else(|| argument(FailureCode::UnknownDataAlgorithm, "KMSDataEncryption", word))
}

/// AWS can block SSE-C for a bucket, which we cannot; taking such a document would promise it.
fn refuse_blocking(rule: &Element) -> Result<(), Failure> {
    let Some(blocked) = rule.at_most_one("BlockedEncryptionTypes")? else { return Ok(()) };
    match blocked.all("EncryptionType").find(|kind| kind.word() != "NONE").map(Element::word) {
        None => Ok(()),
        Some("SSE-C") => Err(FailureCode::NotImplemented.into()),
        Some(other) => Err(malformed(format!("EncryptionType is {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

    use super::*;
    use crate::dialect::{OBS, OSS, S3};

    fn s3(content: &str) -> Result<BucketEncryption, FailureCode> {
        let text = format!("<ServerSideEncryptionConfiguration>{content}</ServerSideEncryptionConfiguration>");
        read_configuration(text.as_bytes(), &S3).map_err(|failure| failure.code)
    }

    fn obs(content: &str) -> Result<DefaultMethod, FailureCode> {
        let text = format!(
            "<ServerSideEncryptionConfiguration xmlns='http://obs.example/doc/2015-06-30/'><Rule>\
             <ApplyServerSideEncryptionByDefault>{content}</ApplyServerSideEncryptionByDefault></Rule>\
             </ServerSideEncryptionConfiguration>"
        );
        read_configuration(text.as_bytes(), &OBS).map(|rule| rule.method).map_err(|failure| failure.code)
    }

    fn oss(content: &str) -> Result<DefaultMethod, FailureCode> {
        let text = format!(
            "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault>{content}\
             </ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"
        );
        read_rule(text.as_bytes(), &OSS).map(|rule| rule.method).map_err(|failure| failure.code)
    }

    fn kms(key: Option<&str>, algorithm: DataAlgorithm) -> DefaultMethod {
        DefaultMethod::Kms { key: key.map(KeyReference::parse), algorithm, project: None }
    }

    const AES256: DefaultMethod = DefaultMethod::Managed(DataAlgorithm::Aes256);
    const SM4: DefaultMethod = DefaultMethod::Managed(DataAlgorithm::Sm4);

    /// `oss-and-s3.md` §4.3, the validation matrix.
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

    /// `obs.md` §4.1 and §4.3.
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

    /// `oss-and-s3.md` §7.3 and the recorded answers of AWS.
    #[test]
    fn s3_configurations_follow_their_table() {
        let rule = "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
                    </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>";
        assert_eq!(s3(rule), Ok(BucketEncryption { method: AES256, bucket_key: true }));
        assert_eq!(s3(""), Err(FailureCode::MalformedXml));
        assert_eq!(s3(&rule.repeat(2)), Err(FailureCode::MalformedXml));
        assert_eq!(s3(&rule.replace("true", "yes")), Err(FailureCode::MalformedXml));
        assert_eq!(s3(&rule.replace("AES256", "aws:kms:dsse")), Err(FailureCode::NotImplemented));
        let blocking = |kind: &str| {
            let blocked = format!(
                "<BlockedEncryptionTypes><EncryptionType>{kind}</EncryptionType></BlockedEncryptionTypes></Rule>"
            );
            s3(&rule.replace("</Rule>", &blocked)).map(|_| ())
        };
        assert_eq!(blocking("NONE"), Ok(()));
        assert_eq!(blocking("SSE-C"), Err(FailureCode::NotImplemented));
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
        fn what_is_written_is_read(rule in rules()) {
            for dialect in [&S3, &OBS] {
                let written = (dialect.documents.write_encryption)(&rule, dialect).into_bytes();
                assert_eq!((dialect.documents.read_encryption)(&written, dialect).unwrap(), rule);
            }
            let rule = BucketEncryption { bucket_key: false, ..rule };
            assert_eq!(read_rule(&write_rule(&rule, &OSS).into_bytes(), &OSS).unwrap(), rule);
        }
    }
}
