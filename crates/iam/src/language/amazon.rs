//! Policies as Amazon writes them.

use strongroom_model::account::AccountId;
use strongroom_model::action::{Action, KeyAction as Key};
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
    versions: &[Version { word: "2012-10-17", variables: true }, Version { word: "2008-10-17", variables: false }],
    version_needed: false,
    services: &[
        ServiceWords { prefixes: &["s3"], service: Service::Storage, names: STORAGE },
        ServiceWords { prefixes: &["kms"], service: Service::Keys, names: KEYS },
        ServiceWords { prefixes: &["iam"], service: Service::Identities, names: identities::NAMES },
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

/// There is no right of its own to remove the rules.
const LIFECYCLE_PUT: &[Action] =
    &[Action::PutSetting(SettingKind::Lifecycle), Action::DeleteSetting(SettingKind::Lifecycle)];

const STORAGE: &[(&str, &[Action])] = &[
    ("ListAllMyBuckets", &[Action::ListBuckets]),
    ("CreateBucket", &[Action::CreateBucket]),
    ("DeleteBucket", &[Action::DeleteBucket]),
    ("ListBucket", &[Action::ListObjects, Action::HeadBucket]),
    ("GetBucketLocation", &[Action::GetBucketLocation]),
    ("GetBucketInfo", &[Action::GetBucketInfo]),
    ("GetEncryptionConfiguration", &[Action::GetSetting(ENCRYPTION)]),
    ("PutEncryptionConfiguration", &[Action::PutSetting(ENCRYPTION), Action::DeleteSetting(ENCRYPTION)]),
    ("GetBucketPolicy", &[Action::GetSetting(POLICY)]),
    ("PutBucketPolicy", &[Action::PutSetting(POLICY)]),
    ("DeleteBucketPolicy", &[Action::DeleteSetting(POLICY)]),
    ("GetBucketPolicyStatus", &[Action::GetPolicyStatus]),
    ("ListBucketVersions", &[Action::ListVersions]),
    ("GetBucketVersioning", &[Action::GetSetting(VERSIONING)]),
    ("PutBucketVersioning", &[Action::PutSetting(VERSIONING)]),
    ("GetBucketStorage", &[Action::GetUsage]),
    ("GetBucketStorageClass", &[Action::GetSetting(SettingKind::StorageClass)]),
    ("PutBucketStorageClass", &[Action::PutSetting(SettingKind::StorageClass)]),
    ("GetBucketQuota", &[Action::GetSetting(SettingKind::Quota)]),
    ("PutBucketQuota", &[Action::PutSetting(SettingKind::Quota)]),
    ("GetBucketTagging", &[Action::GetSetting(SettingKind::Tagging)]),
    ("PutBucketTagging", &[Action::PutSetting(SettingKind::Tagging), Action::DeleteSetting(SettingKind::Tagging)]),
    ("GetBucketCORS", &[Action::GetSetting(SettingKind::Cors)]),
    ("PutBucketCORS", &[Action::PutSetting(SettingKind::Cors), Action::DeleteSetting(SettingKind::Cors)]),
    ("GetBucketPublicAccessBlock", &[Action::GetSetting(SettingKind::PublicAccessBlock)]),
    (
        "PutBucketPublicAccessBlock",
        &[Action::PutSetting(SettingKind::PublicAccessBlock), Action::DeleteSetting(SettingKind::PublicAccessBlock)],
    ),
    ("GetBucketAcl", &[Action::GetSetting(SettingKind::Acl)]),
    ("PutBucketAcl", &[Action::PutSetting(SettingKind::Acl)]),
    ("GetInventoryConfiguration", &[Action::GetInventory, Action::ListInventories]),
    ("PutInventoryConfiguration", &[Action::PutInventory, Action::DeleteInventory]),
    ("GetLifecycleConfiguration", &[Action::GetSetting(SettingKind::Lifecycle)]),
    ("PutLifecycleConfiguration", LIFECYCLE_PUT),
    ("GetBucketObjectLockConfiguration", &[Action::GetSetting(SettingKind::ObjectLock)]),
    ("PutBucketObjectLockConfiguration", &[Action::PutSetting(SettingKind::ObjectLock)]),
    ("GetObjectTagging", &[Action::GetObjectSetting(ObjectSettingKind::Tagging)]),
    ("PutObjectTagging", &[Action::PutObjectSetting(ObjectSettingKind::Tagging)]),
    ("DeleteObjectTagging", &[Action::PutObjectSetting(ObjectSettingKind::Tagging)]),
    ("GetObjectAcl", &[Action::GetObjectSetting(ObjectSettingKind::Acl)]),
    ("PutObjectAcl", &[Action::PutObjectSetting(ObjectSettingKind::Acl)]),
    ("GetObjectRetention", &[Action::GetObjectSetting(ObjectSettingKind::Retention)]),
    ("PutObjectRetention", &[Action::PutObjectSetting(ObjectSettingKind::Retention)]),
    ("GetObjectLegalHold", &[Action::GetObjectSetting(ObjectSettingKind::LegalHold)]),
    ("PutObjectLegalHold", &[Action::PutObjectSetting(ObjectSettingKind::LegalHold)]),
    ("BypassGovernanceRetention", &[Action::BypassGovernance]),
    ("PutObject", &[Action::PutObject, Action::SealAppend]),
    ("AbortMultipartUpload", &[Action::AbortUpload]),
    ("ListMultipartUploadParts", &[Action::ListParts]),
    ("ListBucketMultipartUploads", &[Action::ListUploads]),
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
    ("GenerateDataKey", &[Action::Key(Key::GenerateDataKey)]),
    ("GenerateDataKeyWithoutPlaintext", &[Action::Key(Key::GenerateDataKeyWithoutPlaintext)]),
    ("Encrypt", &[Action::Key(Key::Encrypt), Action::Key(Key::EncryptDataKey)]),
    ("Decrypt", &[Action::Key(Key::Decrypt), Action::Key(Key::DecryptDataKey)]),
    ("ReEncryptFrom", &[Action::Key(Key::ReEncryptFrom)]),
    ("ReEncryptTo", &[Action::Key(Key::ReEncryptTo)]),
    ("GenerateRandom", &[Action::Key(Key::GenerateRandom)]),
    ("EnableKeyRotation", &[Action::Key(Key::EnableRotation)]),
    ("DisableKeyRotation", &[Action::Key(Key::DisableRotation)]),
    ("GetKeyRotationStatus", &[Action::Key(Key::GetRotation)]),
    ("ListKeyRotations", &[Action::Key(Key::ListVersions)]),
    ("RotateKeyOnDemand", &[Action::Key(Key::Rotate)]),
    ("CreateGrant", &[Action::Key(Key::CreateGrant)]),
    ("ListGrants", &[Action::Key(Key::ListGrants)]),
    ("ListRetirableGrants", &[Action::Key(Key::ListGrants)]),
    ("RevokeGrant", &[Action::Key(Key::RevokeGrant)]),
    ("RetireGrant", &[Action::Key(Key::RetireGrant)]),
    ("GetKeyPolicy", &[Action::Key(Key::GetPolicy)]),
    ("PutKeyPolicy", &[Action::Key(Key::PutPolicy)]),
    ("TagResource", &[Action::Key(Key::Tag)]),
    ("UntagResource", &[Action::Key(Key::Untag)]),
    ("ListResourceTags", &[Action::Key(Key::ListTags)]),
    ("GetParametersForImport", &[Action::Key(Key::GetImportParameters)]),
    ("ImportKeyMaterial", &[Action::Key(Key::ImportMaterial)]),
    ("DeleteImportedKeyMaterial", &[Action::Key(Key::DeleteMaterial)]),
];

const FACTS: &[(&str, Fact)] = &[
    ("aws:CurrentTime", Fact::CurrentTime),
    ("aws:EpochTime", Fact::EpochTime),
    ("aws:SecureTransport", Fact::SecureTransport),
    ("aws:SourceIp", Fact::SourceAddress),
    ("aws:UserAgent", Fact::UserAgent),
    ("aws:Referer", Fact::Referer),
    ("aws:username", Fact::UserName),
    ("aws:userid", Fact::PrincipalName),
    ("aws:PrincipalArn", Fact::PrincipalName),
    ("aws:PrincipalAccount", Fact::PrincipalAccount),
    ("aws:PrincipalType", Fact::PrincipalType),
    ("aws:TokenIssueTime", Fact::TokenIssueTime),
    ("aws:ResourceAccount", Fact::ResourceAccount),
    ("aws:MultiFactorAuthPresent", Fact::NeverKnown),
    ("aws:MultiFactorAuthAge", Fact::NeverKnown),
    ("aws:SourceVpc", Fact::NeverKnown),
    ("aws:SourceVpce", Fact::NeverKnown),
    ("aws:VpcSourceIp", Fact::NeverKnown),
    ("aws:SourceArn", Fact::NeverKnown),
    ("aws:SourceAccount", Fact::NeverKnown),
    ("aws:PrincipalOrgID", Fact::NeverKnown),
    ("aws:PrincipalOrgPaths", Fact::NeverKnown),
    ("aws:CalledVia", Fact::NeverKnown),
    ("aws:ViaAWSService", Fact::NeverKnown),
    ("aws:PrincipalIsAWSService", Fact::NeverKnown),
    ("s3:x-amz-acl", Fact::Acl),
    ("s3:x-amz-copy-source", Fact::CopySource),
    ("s3:x-amz-metadata-directive", Fact::MetadataDirective),
    ("s3:x-amz-storage-class", Fact::StorageClass),
    ("s3:x-amz-content-sha256", Fact::ContentSha256),
    ("s3:x-amz-server-side-encryption", Fact::Encryption),
    ("s3:x-amz-server-side-encryption-aws-kms-key-id", Fact::EncryptionKey),
    ("s3:x-amz-server-side-encryption-customer-algorithm", Fact::CustomerAlgorithm),
    ("s3:LocationConstraint", Fact::Location),
    ("s3:object-lock-mode", Fact::LockMode),
    ("s3:object-lock-retain-until-date", Fact::LockUntil),
    ("s3:object-lock-remaining-retention-days", Fact::LockDays),
    ("s3:object-lock-legal-hold", Fact::LegalHold),
    ("s3:prefix", Fact::Prefix),
    ("s3:delimiter", Fact::Delimiter),
    ("s3:max-keys", Fact::MaxKeys),
    ("s3:VersionId", Fact::VersionId),
    ("s3:signatureversion", Fact::SignatureVersion),
    ("s3:authType", Fact::AuthType),
    ("s3:RequestObjectTagKeys", Fact::RequestTagNames),
    ("s3:ResourceAccount", Fact::ResourceAccount),
    ("s3:DataAccessPointArn", Fact::NeverKnown),
    ("s3:DataAccessPointAccount", Fact::NeverKnown),
    ("s3:AccessPointNetworkOrigin", Fact::NeverKnown),
    ("kms:CallerAccount", Fact::PrincipalAccount),
    ("kms:ViaService", Fact::ViaService),
    ("kms:EncryptionContextKeys", Fact::EncryptionContextNames),
    ("kms:GrantIsForAWSResource", Fact::NeverKnown),
];

const NAMED_FACTS: &[NamedFact] = &[
    ("s3:RequestObjectTag/", Fact::RequestTag),
    ("kms:EncryptionContext:", Fact::EncryptionContext),
    ("aws:PrincipalTag/", |_| Fact::NeverKnown),
];

/// The fact of a key, for the languages that know Amazon's as well.
pub(super) fn fact(key: &str) -> Option<Fact> {
    lookup(key, FACTS, NAMED_FACTS)
}

/// The same for somebody.
pub(super) fn grantee(kind: &str, text: &str) -> Option<Grantee> {
    match kind {
        "" if text == "*" => Some(Grantee::Everyone),
        "AWS" => by_name(text),
        "CanonicalUser" => {
            // The canonical ids that answers show are our account numbers; others belong to nobody here.
            let short = text.strip_prefix(&"0".repeat(32)).filter(|rest| rest.len() == 32);
            let known = AccountId::parse(short.unwrap_or(text));
            Some(known.map_or(Grantee::Nobody, Grantee::Account))
        }
        "Service" | "Federated" => Some(Grantee::Nobody),
        _ => None,
    }
}

fn by_name(text: &str) -> Option<Grantee> {
    if text == "*" {
        return Some(Grantee::Everyone);
    }
    if let Some(account) = AccountId::parse(text) {
        return Some(Grantee::Account(account));
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", "", account, end] => in_account(account, end),
        ["arn", _, "sts", "", _, _] => Some(Grantee::Nobody),
        _ => None,
    }
}

/// The same for resources.
pub(super) fn place(text: &str, reading: Reading<'_>) -> Result<Place, InvalidPolicy> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", _, service, _, account, rest] = parts.as_slice() else { return Err(InvalidPolicy::Resource) };
    if rest.is_empty() {
        return Err(InvalidPolicy::Resource);
    }
    let (owner, form) = (owner(account), form(rest, reading)?);
    Ok(match *service {
        "s3" => Place::Storage { kind: None, owner, form },
        "kms" => Place::Key { owner, form },
        "iam" => Place::Identity { owner, form },
        "*" if *rest == "*" => Place::Everything,
        _ => Place::Nothing,
    })
}
