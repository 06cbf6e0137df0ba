//! What is known of a request, as conditions may test it.

use strongroom_model::account::Principal;
use strongroom_model::circumstance::SignaturePlace;
use strongroom_model::encryption::{DataAlgorithm, EncryptionContext, EncryptionWish, KmsWish};
use strongroom_model::key::{KeyName, KeyReference, KeyTarget};
use strongroom_model::lock::{LockWish, Retention, RetentionMode};
use strongroom_model::operation::{BucketOperation, ObjectOperation, Operation, UploadOperation};
use strongroom_model::setting::ObjectSetting;
use strongroom_model::time::Timestamp;

use crate::case::{BucketCase, Case};
use crate::policy::fact::{Fact, Known, Value};
use crate::simulate::ImaginedEncryption;

/// The encryption that an operation asks for.
enum Encryption<'a> {
    /// It writes nothing.
    None,
    /// As a whole, in this request.
    Asked(&'a EncryptionWish),
    /// In the request that began what this one goes on with.
    AskedBefore,
}

/// The facts of an operation.
pub(crate) fn of_operation(operation: &Operation, case: &Case) -> Known {
    let mut facts = of_case(case);
    match encryption(operation) {
        Encryption::None => {}
        Encryption::AskedBefore => facts.encryption_was_judged = true,
        Encryption::Asked(wish) => insert_wish(&mut facts, wish, case),
    }
    if let Operation::Bucket(BucketOperation::Create(create)) = operation {
        facts.insert_text(Fact::Location, create.location.as_ref().map(|region| region.as_str()));
    }
    for (name, value) in tags(operation) {
        facts.insert(Fact::RequestTag(name.clone()), Value::one(value));
        facts.insert(Fact::RequestTagNames, Value::one(name));
    }
    insert_lock(&mut facts, lock(operation), case.circumstances.now);
    let acl = case.circumstances.words.acl.as_ref();
    facts.insert_text(Fact::Acl, acl);
    let of_bucket = matches!(operation, Operation::Bucket(_));
    facts.insert_text(if of_bucket { Fact::BucketAcl } else { Fact::ObjectAcl }, acl);
    facts
}

/// The facts that every operation of a case has.
pub(crate) fn of_case(case: &Case) -> Known {
    let mut facts = Known::default();
    insert_circumstances(&mut facts, case);
    insert_subject(&mut facts, case);
    if let Some(BucketCase { owner, .. }) = &case.bucket {
        facts.insert(Fact::ResourceAccount, Value::spelled(vec![owner.aws(), owner.obs_domain(), owner.oss_uid()]));
    }
    facts
}

/// The facts of the use of a key for an object.
pub(crate) fn of_key_use(context: &EncryptionContext, case: &Case) -> Known {
    let mut facts = of_case(case);
    insert_key_use(&mut facts, context, case);
    facts
}

/// Adds the encryption context of a use of a key.
pub(crate) fn insert_context(facts: &mut Known, context: &EncryptionContext) {
    for (name, value) in context {
        facts.insert(Fact::EncryptionContext(name.clone()), Value::one(value));
        facts.insert(Fact::EncryptionContextNames, Value::one(name));
    }
}

/// Adds what is known of the use of a key for an object.
pub(crate) fn insert_key_use(facts: &mut Known, context: &EncryptionContext, case: &Case) {
    insert_context(facts, context);
    let region = case.region.as_str();
    let spellings = ["s3", "oss", "obs"].map(|service| format!("{service}.{region}.amazonaws.com"));
    facts.insert(Fact::ViaService, Value::spelled(spellings.into()));
}

fn insert_circumstances(facts: &mut Known, case: &Case) {
    let around = &case.circumstances;
    facts.insert(Fact::CurrentTime, Value::one(around.now.to_string()));
    facts.insert(Fact::EpochTime, Value::one(around.now.seconds().to_string()));
    facts.insert(Fact::SecureTransport, Value::one(around.tls.to_string()));
    facts.insert_text(Fact::SourceAddress, around.source.map(|address| address.to_canonical().to_string()));
    let words = &around.words;
    facts.insert_text(Fact::Referer, words.referer.as_ref());
    facts.insert_text(Fact::UserAgent, words.user_agent.as_ref());
    facts.insert_text(Fact::StorageClass, words.storage_class.as_ref());
    facts.insert_text(Fact::CopySource, words.copy_source.as_ref());
    facts.insert_text(Fact::MetadataDirective, words.metadata_directive.as_ref());
    facts.insert_text(Fact::Prefix, words.prefix.as_ref());
    facts.insert_text(Fact::Delimiter, words.delimiter.as_ref());
    facts.insert_text(Fact::MaxKeys, words.max_keys.as_ref());
    facts.insert_text(Fact::VersionId, words.version.as_ref());
    facts.insert_text(Fact::ContentSha256, words.content_sha256.as_ref());
    if let Some(signature) = &words.signature {
        facts.insert(Fact::SignatureVersion, Value::one(&signature.scheme));
        let place = match signature.place {
            SignaturePlace::Header => "REST-HEADER",
            SignaturePlace::Url => "REST-QUERY-STRING",
            SignaturePlace::Form => "POST",
        };
        facts.insert(Fact::AuthType, Value::one(place));
    }
}

fn insert_subject(facts: &mut Known, case: &Case) {
    let subject = &case.subject;
    let (kind, account) = match &subject.requester.principal {
        Principal::Anonymous => ("Anonymous", None),
        Principal::Root(account) => ("Account", Some(*account)),
        Principal::User(account, name) => {
            facts.insert(Fact::UserName, Value::one(name.as_str()));
            ("User", Some(*account))
        }
    };
    facts.insert(Fact::PrincipalType, Value::one(kind));
    if let Some(account) = account {
        let end = match &subject.requester.principal {
            Principal::User(_, name) => format!("user/{}", name.as_str()),
            _ => "root".to_owned(),
        };
        let names = vec![
            format!("arn:aws:iam::{}:{end}", account.aws()),
            format!("acs:ram::{}:{end}", account.oss_uid()),
            format!("domain/{}:{end}", account.obs_domain()),
        ];
        facts.insert(Fact::PrincipalName, Value::spelled(names));
        let spellings = vec![account.aws(), account.obs_domain(), account.oss_uid()];
        facts.insert(Fact::PrincipalAccount, Value::spelled(spellings));
    }
    facts.insert_text(Fact::AccessKey, subject.requester.access_key.as_ref().map(|id| id.as_str()));
    facts.insert_text(
        Fact::TokenIssueTime,
        subject.requester.session.as_ref().map(|session| session.issued.to_string()),
    );
}

/// The tags that an operation gives to an object.
fn tags(operation: &Operation) -> &[(String, String)] {
    match operation {
        Operation::Object(ObjectOperation::Put(put)) => put.settings.tags.as_slice(),
        Operation::Object(ObjectOperation::PutSymlink(put)) => put.link.settings.tags.as_slice(),
        Operation::Object(ObjectOperation::Copy(copy)) => copy.target.settings.tags.as_slice(),
        Operation::Upload(UploadOperation::Initiate(initiate)) => initiate.settings.tags.as_slice(),
        Operation::Object(ObjectOperation::PutSetting(put)) => match &put.setting {
            ObjectSetting::Tagging(tags) => tags.as_slice(),
            ObjectSetting::Acl(_) | ObjectSetting::Retention(_) | ObjectSetting::LegalHold(_) => &[],
        },
        _ => &[],
    }
}

/// The retention and the legal hold that an operation gives to an object.
fn lock(operation: &Operation) -> (Option<Retention>, Option<bool>) {
    let of_wish = |wish: &LockWish| (wish.retention, wish.legal_hold.then_some(true));
    match operation {
        Operation::Object(ObjectOperation::Put(put)) => of_wish(&put.settings.lock),
        Operation::Object(ObjectOperation::Copy(copy)) => of_wish(&copy.target.settings.lock),
        Operation::Upload(UploadOperation::Initiate(initiate)) => of_wish(&initiate.settings.lock),
        Operation::Object(ObjectOperation::PutSetting(put)) => match &put.setting {
            ObjectSetting::Retention(retention) => (*retention, None),
            ObjectSetting::LegalHold(held) => (None, Some(*held)),
            ObjectSetting::Tagging(_) | ObjectSetting::Acl(_) => (None, None),
        },
        _ => (None, None),
    }
}

/// Days that have begun count, as the services count them.
fn insert_lock(facts: &mut Known, (retention, held): (Option<Retention>, Option<bool>), now: Timestamp) {
    const DAY_MS: i64 = 24 * 3_600_000;
    if let Some(Retention { mode, until }) = retention {
        let word = match mode {
            RetentionMode::Governance => "GOVERNANCE",
            RetentionMode::Compliance => "COMPLIANCE",
        };
        facts.insert(Fact::LockMode, Value::one(word));
        facts.insert(Fact::LockUntil, Value::one(until.to_string()));
        let left = until.millis().saturating_sub(now.millis()).max(0);
        facts.insert(Fact::LockDays, Value::one((left.saturating_add(DAY_MS - 1) / DAY_MS).to_string()));
    }
    facts.insert_text(Fact::LegalHold, held.map(|held| if held { "ON" } else { "OFF" }));
}

fn encryption(operation: &Operation) -> Encryption<'_> {
    match operation {
        Operation::Object(ObjectOperation::Put(put)) => Encryption::Asked(&put.encryption),
        Operation::Object(ObjectOperation::Copy(copy)) => Encryption::Asked(&copy.target.encryption),
        Operation::Upload(UploadOperation::Initiate(initiate)) => Encryption::Asked(&initiate.encryption),
        Operation::Object(ObjectOperation::Append(append)) if append.position == 0 => {
            Encryption::Asked(&append.put.encryption)
        }
        Operation::Object(ObjectOperation::PutSymlink(put)) => Encryption::Asked(&put.link.encryption),
        Operation::Object(
            ObjectOperation::Append(_) | ObjectOperation::SetMetadata(_) | ObjectOperation::UpdateEncryption(_),
        )
        | Operation::Upload(
            UploadOperation::WritePart(_) | UploadOperation::CopyPart(_) | UploadOperation::Complete(_),
        ) => Encryption::AskedBefore,
        Operation::Upload(UploadOperation::Abort(_) | UploadOperation::ListParts(_) | UploadOperation::List(_))
        | Operation::Object(
            ObjectOperation::Get(_)
            | ObjectOperation::Head(_)
            | ObjectOperation::Meta(_)
            | ObjectOperation::Attributes(_)
            | ObjectOperation::SealAppend(_)
            | ObjectOperation::GetSymlink(_)
            | ObjectOperation::Delete(_)
            | ObjectOperation::DeleteMany(_)
            | ObjectOperation::GetSetting(..)
            | ObjectOperation::PutSetting(_)
            | ObjectOperation::DeleteSetting(..),
        )
        | Operation::Service(_)
        | Operation::Bucket(_)
        | Operation::Key(_)
        | Operation::Admin(_) => Encryption::None,
    }
}

/// Adds the encryption of a request that is only imagined.
pub(crate) fn insert_imagined(facts: &mut Known, imagined: &ImaginedEncryption, case: &Case) {
    facts.insert_text(Fact::CustomerAlgorithm, imagined.customer_algorithm.as_ref());
    let key = imagined.key.as_ref().map(|key| KeyReference::parse(key));
    let (algorithm, context) = (DataAlgorithm::Aes256, EncryptionContext::new());
    let kms = KmsWish { key, algorithm, context, bucket_key: None, project: None };
    let wish = match imagined.method.as_deref() {
        None => return,
        Some("aws:kms:dsse") => EncryptionWish::Kms(KmsWish { algorithm: DataAlgorithm::Aes256Twice, ..kms }),
        Some("kms" | "aws:kms" | "KMS") => EncryptionWish::Kms(kms),
        Some("SM4") => EncryptionWish::Managed(DataAlgorithm::Sm4),
        Some(_) => EncryptionWish::Managed(DataAlgorithm::Aes256),
    };
    insert_wish(facts, &wish, case);
}

/// The words of all languages for what is asked, so that a policy holds for clients of every dialect.
fn insert_wish(facts: &mut Known, wish: &EncryptionWish, case: &Case) {
    let words: &[&str] = match wish {
        EncryptionWish::Unspecified => return,
        EncryptionWish::Customer(_) => {
            facts.insert(Fact::CustomerAlgorithm, Value::one("AES256"));
            return;
        }
        EncryptionWish::Managed(DataAlgorithm::Aes256 | DataAlgorithm::Aes256Twice) => &["AES256", "aws:AES256", "obs"],
        EncryptionWish::Managed(DataAlgorithm::Sm4) => &["SM4"],
        EncryptionWish::Kms(KmsWish { key, algorithm, .. }) => {
            if let Some(key) = key {
                facts.insert(Fact::EncryptionKey, Value::spelled(spellings(key, case)));
            }
            match algorithm {
                DataAlgorithm::Aes256Twice => &["aws:kms:dsse"],
                DataAlgorithm::Aes256 | DataAlgorithm::Sm4 => &["kms", "aws:kms", "KMS"],
            }
        }
    };
    facts.insert(Fact::Encryption, Value::spelled(words.iter().map(|word| (*word).to_owned()).collect()));
}

/// A key as the client spelled it, and in the other ways that name the same one.
fn spellings(key: &KeyReference, case: &Case) -> Vec<String> {
    let mut all = vec![key.text.clone()];
    let account = match &key.account {
        Some(text) => strongroom_model::account::AccountId::parse(text),
        None => case.subject.requester.principal.account(),
    };
    let end = match &key.target {
        KeyTarget::Id(id) => {
            all.push(id.clone());
            format!("key/{id}")
        }
        KeyTarget::Alias(alias) => format!("alias/{alias}"),
        KeyTarget::Found(name) => format!("key/{}", name.id),
    };
    let region = key.region.as_deref().unwrap_or(case.region.as_str());
    if let Some(account) = account {
        all.push(format!("arn:aws:kms:{region}:{}:{end}", account.aws()));
        all.push(format!("acs:kms:{region}:{}:{end}", account.oss_uid()));
        all.push(format!("{region}:{}:{end}", account.obs_domain()));
    }
    all.push(end);
    all
}

/// A key that exists, as policies name it.
pub(crate) fn reference(key: &KeyName) -> KeyReference {
    KeyReference::parse(&format!("key/{}", key.id))
}
