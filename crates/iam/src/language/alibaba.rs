//! Policies as Alibaba Cloud writes them.

use strongroom_model::account::AccountId;
use strongroom_model::action::{Action, KeyAction as Key, WormAction};
use strongroom_model::setting::{ObjectSettingKind, SettingKind};

use super::spelling::{NamedFact, form, in_account, lookup, owner};
use super::{InvalidPolicy, ServiceWords, Version, Words, identities};
use crate::policy::actions::Service;
use crate::policy::fact::Fact;
use crate::policy::pattern::Reading;
use crate::policy::principals::Grantee;
use crate::policy::resources::Place;

/// The language.
pub(super) static WORDS: Words = Words {
    versions: &[Version { word: "1", variables: true }],
    version_needed: true,
    services: &[
        ServiceWords { prefixes: &["oss"], service: Service::Storage, names: STORAGE },
        ServiceWords { prefixes: &["kms"], service: Service::Keys, names: KEYS },
        ServiceWords { prefixes: &["ram"], service: Service::Identities, names: identities::NAMES },
        ServiceWords { prefixes: &["sts"], service: Service::Identities, names: identities::TOKENS },
        ServiceWords { prefixes: &["strongroom"], service: Service::Server, names: identities::SERVER },
    ],
    bare_actions: false,
    resources_optional: false,
    short_operators: false,
    fact,
    grantee,
    place,
};

const ENCRYPTION: SettingKind = SettingKind::Encryption;
const POLICY: SettingKind = SettingKind::Policy;
const VERSIONING: SettingKind = SettingKind::Versioning;

const STORAGE: &[(&str, &[Action])] = &[
    ("ListBuckets", &[Action::ListBuckets]),
    ("GetService", &[Action::ListBuckets]),
    ("PutBucket", &[Action::CreateBucket]),
    ("DeleteBucket", &[Action::DeleteBucket]),
    ("GetBucketInfo", &[Action::GetBucketInfo, Action::HeadBucket]),
    ("GetBucketLocation", &[Action::GetBucketLocation]),
    ("ListObjects", &[Action::ListObjects, Action::HeadBucket]),
    ("GetBucketEncryption", &[Action::GetSetting(ENCRYPTION)]),
    ("PutBucketEncryption", &[Action::PutSetting(ENCRYPTION)]),
    ("DeleteBucketEncryption", &[Action::DeleteSetting(ENCRYPTION)]),
    ("GetBucketPolicy", &[Action::GetSetting(POLICY)]),
    ("PutBucketPolicy", &[Action::PutSetting(POLICY)]),
    ("DeleteBucketPolicy", &[Action::DeleteSetting(POLICY)]),
    ("GetBucketPolicyStatus", &[Action::GetPolicyStatus]),
    ("ListObjectVersions", &[Action::ListVersions]),
    ("GetBucketVersioning", &[Action::GetSetting(VERSIONING)]),
    ("PutBucketVersioning", &[Action::PutSetting(VERSIONING)]),
    ("GetBucketStat", &[Action::GetUsage]),
    ("GetBucketTagging", &[Action::GetSetting(SettingKind::Tagging)]),
    ("PutBucketTagging", &[Action::PutSetting(SettingKind::Tagging)]),
    ("DeleteBucketTagging", &[Action::DeleteSetting(SettingKind::Tagging)]),
    ("GetBucketCors", &[Action::GetSetting(SettingKind::Cors)]),
    ("PutBucketCors", &[Action::PutSetting(SettingKind::Cors)]),
    ("DeleteBucketCors", &[Action::DeleteSetting(SettingKind::Cors)]),
    ("GetBucketPublicAccessBlock", &[Action::GetSetting(SettingKind::PublicAccessBlock)]),
    ("PutBucketPublicAccessBlock", &[Action::PutSetting(SettingKind::PublicAccessBlock)]),
    ("DeleteBucketPublicAccessBlock", &[Action::DeleteSetting(SettingKind::PublicAccessBlock)]),
    ("GetBucketAcl", &[Action::GetSetting(SettingKind::Acl)]),
    ("PutBucketAcl", &[Action::PutSetting(SettingKind::Acl)]),
    ("GetBucketLifecycle", &[Action::GetSetting(SettingKind::Lifecycle)]),
    ("PutBucketLifecycle", &[Action::PutSetting(SettingKind::Lifecycle)]),
    ("GetBucketInventory", &[Action::GetInventory]),
    ("PutBucketInventory", &[Action::PutInventory]),
    ("DeleteBucketInventory", &[Action::DeleteInventory]),
    ("ListBucketInventory", &[Action::ListInventories]),
    ("DeleteBucketLifecycle", &[Action::DeleteSetting(SettingKind::Lifecycle)]),
    ("GetBucketObjectWormConfiguration", &[Action::GetSetting(SettingKind::ObjectLock)]),
    ("PutBucketObjectWormConfiguration", &[Action::PutSetting(SettingKind::ObjectLock)]),
    ("InitiateBucketWorm", &[Action::Worm(WormAction::Initiate)]),
    ("AbortBucketWorm", &[Action::Worm(WormAction::Abort)]),
    ("CompleteBucketWorm", &[Action::Worm(WormAction::Complete)]),
    ("ExtendBucketWorm", &[Action::Worm(WormAction::Extend)]),
    ("GetBucketWorm", &[Action::Worm(WormAction::Get)]),
    ("GetObjectLegalHold", &[Action::GetObjectSetting(ObjectSettingKind::LegalHold)]),
    ("PutObjectLegalHold", &[Action::PutObjectSetting(ObjectSettingKind::LegalHold)]),
    ("BypassGovernanceRetention", &[Action::BypassGovernance]),
    ("GetObjectTagging", &[Action::GetObjectSetting(ObjectSettingKind::Tagging)]),
    ("PutObjectTagging", &[Action::PutObjectSetting(ObjectSettingKind::Tagging)]),
    ("DeleteObjectTagging", &[Action::PutObjectSetting(ObjectSettingKind::Tagging)]),
    ("GetObjectAcl", &[Action::GetObjectSetting(ObjectSettingKind::Acl)]),
    ("PutObjectAcl", &[Action::PutObjectSetting(ObjectSettingKind::Acl)]),
    ("GetObjectRetention", &[Action::GetObjectSetting(ObjectSettingKind::Retention)]),
    ("PutObjectRetention", &[Action::PutObjectSetting(ObjectSettingKind::Retention)]),
    ("PutObject", &[Action::PutObject]),
    ("SealAppendObject", &[Action::SealAppend]),
    ("AbortMultipartUpload", &[Action::AbortUpload]),
    ("ListParts", &[Action::ListParts]),
    ("ListMultipartUploads", &[Action::ListUploads]),
    ("GetObject", &[Action::GetObject]),
    ("GetObjectVersion", &[Action::GetObjectVersion]),
    ("DeleteObject", &[Action::DeleteObject]),
    ("DeleteObjectVersion", &[Action::DeleteObjectVersion]),
];

const KEYS: &[(&str, &[Action])] = &[
    ("CreateKey", &[Action::Key(Key::Create)]),
    ("ListKeys", &[Action::Key(Key::List)]),
    ("DescribeKey", &[Action::Key(Key::Describe)]),
    ("EnableKey", &[Action::Key(Key::Enable)]),
    ("DisableKey", &[Action::Key(Key::Disable)]),
    ("UpdateKeyDescription", &[Action::Key(Key::UpdateDescription)]),
    ("ScheduleKeyDeletion", &[Action::Key(Key::ScheduleDeletion)]),
    ("CancelKeyDeletion", &[Action::Key(Key::CancelDeletion)]),
    ("CreateAlias", &[Action::Key(Key::SetAlias)]),
    ("UpdateAlias", &[Action::Key(Key::SetAlias)]),
    ("DeleteAlias", &[Action::Key(Key::DeleteAlias)]),
    ("ListAliases", &[Action::Key(Key::ListAliases)]),
    ("ListAliasesByKeyId", &[Action::Key(Key::ListAliases)]),
    ("GenerateDataKey", &[Action::Key(Key::GenerateDataKey)]),
    ("GenerateDataKeyWithoutPlaintext", &[Action::Key(Key::GenerateDataKeyWithoutPlaintext)]),
    ("Encrypt", &[Action::Key(Key::Encrypt), Action::Key(Key::EncryptDataKey)]),
    ("Decrypt", &[Action::Key(Key::Decrypt), Action::Key(Key::DecryptDataKey)]),
    ("ReEncrypt", &[Action::Key(Key::ReEncryptFrom), Action::Key(Key::ReEncryptTo)]),
    ("UpdateRotationPolicy", &[Action::Key(Key::EnableRotation), Action::Key(Key::DisableRotation)]),
    ("CreateKeyVersion", &[Action::Key(Key::Rotate)]),
    ("ListKeyVersions", &[Action::Key(Key::ListVersions)]),
    ("DescribeKeyVersion", &[Action::Key(Key::ListVersions)]),
    ("TagResource", &[Action::Key(Key::Tag)]),
    ("UntagResource", &[Action::Key(Key::Untag)]),
    ("SetDeletionProtection", &[Action::Key(Key::Protect)]),
    ("ListResourceTags", &[Action::Key(Key::ListTags)]),
    ("GetParametersForImport", &[Action::Key(Key::GetImportParameters)]),
    ("ImportKeyMaterial", &[Action::Key(Key::ImportMaterial)]),
    ("DeleteKeyMaterial", &[Action::Key(Key::DeleteMaterial)]),
    ("SetKeyPolicy", &[Action::Key(Key::PutPolicy)]),
    ("GetKeyPolicy", &[Action::Key(Key::GetPolicy)]),
];

const FACTS: &[(&str, Fact)] = &[
    ("acs:CurrentTime", Fact::CurrentTime),
    ("acs:SecureTransport", Fact::SecureTransport),
    ("acs:SourceIp", Fact::SourceAddress),
    ("acs:UserAgent", Fact::UserAgent),
    ("acs:Referer", Fact::Referer),
    ("acs:AccessId", Fact::AccessKey),
    ("acs:SourceVpc", Fact::NeverKnown),
    ("acs:MFAPresent", Fact::NeverKnown),
    ("oss:x-oss-acl", Fact::BucketAcl),
    ("oss:x-oss-object-acl", Fact::ObjectAcl),
    ("oss:Prefix", Fact::Prefix),
    ("oss:Delimiter", Fact::Delimiter),
    ("oss:object-remaining-retention-days", Fact::LockDays),
    // Extensions of ours: OSS itself has no key for what is asked of encryption.
    ("oss:x-oss-server-side-encryption", Fact::Encryption),
    ("oss:x-oss-server-side-encryption-key-id", Fact::EncryptionKey),
];

const NAMED_FACTS: &[NamedFact] = &[("oss:RequestObjectTag/", Fact::RequestTag)];

fn fact(key: &str) -> Option<Fact> {
    lookup(key, FACTS, NAMED_FACTS)
}

/// Numbers that belong to nobody here are users and accounts of elsewhere.
fn grantee(kind: &str, text: &str) -> Option<Grantee> {
    if !matches!(kind, "" | "RAM") {
        return matches!(kind, "Service" | "Federated").then_some(Grantee::Nobody);
    }
    if text == "*" {
        return Some(Grantee::Everyone);
    }
    if let Some(account) = AccountId::parse(text) {
        return Some(Grantee::Account(account));
    }
    let parts: Vec<&str> = text.splitn(5, ':').collect();
    match parts.as_slice() {
        // All of an account, as far as its own policies let them.
        ["acs", "ram", "", account, "*"] => in_account(account, "root"),
        ["acs", "ram", "", account, end] => in_account(account, end),
        ["acs" | "arn", "sts", ..] => Some(Grantee::Nobody),
        [number] if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => Some(Grantee::Nobody),
        _ => None,
    }
}

/// `acs:<service>:<region>:<account>:<resource>`. There is one region here, so that it is not compared.
fn place(text: &str, reading: Reading<'_>) -> Result<Place, InvalidPolicy> {
    let parts: Vec<&str> = text.splitn(5, ':').collect();
    let ["acs", service, _, account, rest] = parts.as_slice() else { return Err(InvalidPolicy::Resource) };
    if rest.is_empty() {
        return Err(InvalidPolicy::Resource);
    }
    let (owner, form) = (owner(account), form(rest, reading)?);
    Ok(match *service {
        "oss" => Place::Storage { kind: None, owner, form },
        "kms" => Place::Key { owner, form },
        "ram" => Place::Identity { owner, form },
        "*" if *rest == "*" => Place::Everything,
        _ => Place::Nothing,
    })
}
