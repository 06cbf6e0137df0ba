//! Policies as Huawei Cloud writes them: bucket policies in its own form and in that of S3, and policies of IAM.

use strongroom_model::action::{Action, KeyAction as Key};
use strongroom_model::setting::{ObjectSettingKind, SettingKind};

use super::spelling::{NamedFact, form, in_account, lookup, owner};
use super::{InvalidPolicy, ServiceWords, Version, Words, amazon, identities};
use crate::policy::actions::Service;
use crate::policy::fact::Fact;
use crate::policy::pattern::Reading;
use crate::policy::principals::Grantee;
use crate::policy::resources::{Kind, Place};

/// The language.
pub(super) static WORDS: Words = Words {
    versions: &[
        Version { word: "1.0", variables: false },
        Version { word: "1.1", variables: true },
        Version { word: "5.0", variables: true },
        Version { word: "2008-10-17", variables: false },
        Version { word: "2012-10-17", variables: true },
    ],
    version_needed: false,
    services: &[
        ServiceWords { prefixes: &["obs", "s3"], service: Service::Storage, names: STORAGE },
        ServiceWords { prefixes: &["kms"], service: Service::Keys, names: KEYS },
        ServiceWords { prefixes: &["iam"], service: Service::Identities, names: identities::NAMES },
        ServiceWords { prefixes: &["sts"], service: Service::Identities, names: identities::TOKENS },
        ServiceWords { prefixes: &["strongroom"], service: Service::Server, names: identities::SERVER },
    ],
    bare_actions: true,
    resources_optional: true,
    short_operators: true,
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
    ("bucket:ListAllMyBuckets", &[Action::ListBuckets]),
    ("bucket:CreateBucket", &[Action::CreateBucket]),
    ("bucket:DeleteBucket", &[Action::DeleteBucket]),
    ("bucket:HeadBucket", &[Action::HeadBucket]),
    ("bucket:ListBucket", &[Action::ListObjects]),
    ("bucket:GetBucketLocation", &[Action::GetBucketLocation]),
    ("bucket:GetBucketInfo", &[Action::GetBucketInfo]),
    ("bucket:GetEncryptionConfiguration", &[Action::GetSetting(ENCRYPTION)]),
    ("bucket:PutEncryptionConfiguration", &[Action::PutSetting(ENCRYPTION), Action::DeleteSetting(ENCRYPTION)]),
    ("bucket:GetBucketPolicy", &[Action::GetSetting(POLICY), Action::GetPolicyStatus]),
    ("bucket:PutBucketPolicy", &[Action::PutSetting(POLICY)]),
    ("bucket:DeleteBucketPolicy", &[Action::DeleteSetting(POLICY)]),
    ("bucket:ListBucketVersions", &[Action::ListVersions]),
    ("bucket:GetBucketVersioning", &[Action::GetSetting(VERSIONING)]),
    ("bucket:PutBucketVersioning", &[Action::PutSetting(VERSIONING)]),
    ("bucket:GetBucketStorage", &[Action::GetUsage]),
    ("bucket:GetBucketStoragePolicy", &[Action::GetSetting(SettingKind::StorageClass)]),
    ("bucket:PutBucketStoragePolicy", &[Action::PutSetting(SettingKind::StorageClass)]),
    ("bucket:GetBucketQuota", &[Action::GetSetting(SettingKind::Quota)]),
    ("bucket:PutBucketQuota", &[Action::PutSetting(SettingKind::Quota)]),
    ("bucket:GetBucketTagging", &[Action::GetSetting(SettingKind::Tagging)]),
    ("bucket:PutBucketTagging", &[Action::PutSetting(SettingKind::Tagging)]),
    ("bucket:DeleteBucketTagging", &[Action::DeleteSetting(SettingKind::Tagging)]),
    ("bucket:GetBucketCORS", &[Action::GetSetting(SettingKind::Cors)]),
    ("bucket:PutBucketCORS", &[Action::PutSetting(SettingKind::Cors), Action::DeleteSetting(SettingKind::Cors)]),
    ("bucket:GetBucketPublicAccessBlock", &[Action::GetSetting(SettingKind::PublicAccessBlock)]),
    ("bucket:PutBucketPublicAccessBlock", &[Action::PutSetting(SettingKind::PublicAccessBlock)]),
    ("bucket:DeleteBucketPublicAccessBlock", &[Action::DeleteSetting(SettingKind::PublicAccessBlock)]),
    ("bucket:GetBucketAcl", &[Action::GetSetting(SettingKind::Acl)]),
    ("bucket:PutBucketAcl", &[Action::PutSetting(SettingKind::Acl)]),
    ("bucket:GetBucketInventoryConfiguration", &[Action::GetInventory, Action::ListInventories]),
    ("bucket:PutBucketInventoryConfiguration", &[Action::PutInventory]),
    ("bucket:DeleteBucketInventoryConfiguration", &[Action::DeleteInventory]),
    ("bucket:GetLifecycleConfiguration", &[Action::GetSetting(SettingKind::Lifecycle)]),
    ("bucket:PutLifecycleConfiguration", LIFECYCLE_PUT),
    ("bucket:GetBucketObjectLockConfiguration", &[Action::GetSetting(SettingKind::ObjectLock)]),
    ("bucket:PutBucketObjectLockConfiguration", &[Action::PutSetting(SettingKind::ObjectLock)]),
    ("object:GetObjectTagging", &[Action::GetObjectSetting(ObjectSettingKind::Tagging)]),
    ("object:PutObjectTagging", &[Action::PutObjectSetting(ObjectSettingKind::Tagging)]),
    ("object:DeleteObjectTagging", &[Action::PutObjectSetting(ObjectSettingKind::Tagging)]),
    ("object:GetObjectAcl", &[Action::GetObjectSetting(ObjectSettingKind::Acl)]),
    ("object:PutObjectAcl", &[Action::PutObjectSetting(ObjectSettingKind::Acl)]),
    ("object:GetObjectRetention", &[Action::GetObjectSetting(ObjectSettingKind::Retention)]),
    ("object:PutObjectRetention", &[Action::PutObjectSetting(ObjectSettingKind::Retention)]),
    ("object:PutObject", &[Action::PutObject, Action::SealAppend]),
    ("object:AbortMultipartUpload", &[Action::AbortUpload]),
    ("object:ListMultipartUploadParts", &[Action::ListParts]),
    ("bucket:ListBucketMultipartUploads", &[Action::ListUploads]),
    ("object:GetObject", &[Action::GetObject]),
    ("object:GetObjectVersion", &[Action::GetObjectVersion]),
    ("object:DeleteObject", &[Action::DeleteObject]),
    ("object:DeleteObjectVersion", &[Action::DeleteObjectVersion]),
];

const KEYS: &[(&str, &[Action])] = &[
    ("cmk:create", &[Action::Key(Key::Create)]),
    ("cmk:list", &[Action::Key(Key::List), Action::Key(Key::ListAliases)]),
    ("cmk:get", &[Action::Key(Key::Describe)]),
    ("cmk:enable", &[Action::Key(Key::Enable)]),
    ("cmk:disable", &[Action::Key(Key::Disable)]),
    (
        "cmk:update",
        &[
            Action::Key(Key::UpdateDescription),
            Action::Key(Key::SetAlias),
            Action::Key(Key::DeleteAlias),
            Action::Key(Key::ScheduleDeletion),
            Action::Key(Key::CancelDeletion),
        ],
    ),
    ("cmk:generate", &[Action::Key(Key::GenerateRandom)]),
    ("cmk:crypto", &[Action::Key(Key::Encrypt), Action::Key(Key::Decrypt)]),
    ("cmk:getInstance", &[Action::Key(Key::GetQuota)]),
    ("cmk:getQuota", &[Action::Key(Key::GetQuota)]),
    ("cmk:getMaterial", &[Action::Key(Key::GetImportParameters)]),
    ("cmk:importMaterial", &[Action::Key(Key::ImportMaterial)]),
    ("cmk:deleteMaterial", &[Action::Key(Key::DeleteMaterial)]),
    ("cmk:enableRotation", &[Action::Key(Key::EnableRotation)]),
    ("cmk:updateRotation", &[Action::Key(Key::EnableRotation), Action::Key(Key::Rotate)]),
    ("cmk:disableRotation", &[Action::Key(Key::DisableRotation)]),
    ("cmk:getRotation", &[Action::Key(Key::GetRotation), Action::Key(Key::ListVersions)]),
    ("dek:create", &[Action::Key(Key::GenerateDataKey), Action::Key(Key::GenerateDataKeyWithoutPlaintext)]),
    ("dek:crypto", &[Action::Key(Key::EncryptDataKey), Action::Key(Key::DecryptDataKey)]),
    ("dek:encrypt", &[Action::Key(Key::EncryptDataKey)]),
    ("dek:decrypt", &[Action::Key(Key::DecryptDataKey)]),
    ("grant:create", &[Action::Key(Key::CreateGrant)]),
    ("grant:list", &[Action::Key(Key::ListGrants)]),
    ("grant:revoke", &[Action::Key(Key::RevokeGrant)]),
    ("grant:retire", &[Action::Key(Key::RetireGrant)]),
    ("cmkTag:create", &[Action::Key(Key::Tag)]),
    ("cmkTag:delete", &[Action::Key(Key::Untag)]),
    ("cmkTag:batch", &[Action::Key(Key::Tag), Action::Key(Key::Untag)]),
    ("cmkTag:list", &[Action::Key(Key::ListTags)]),
    ("cmkTag:listInstance", &[Action::Key(Key::ListTags)]),
];

const FACTS: &[(&str, Fact)] = &[
    ("CurrentTime", Fact::CurrentTime),
    ("EpochTime", Fact::EpochTime),
    ("SecureTransport", Fact::SecureTransport),
    ("SourceIp", Fact::SourceAddress),
    ("UserAgent", Fact::UserAgent),
    ("Referer", Fact::Referer),
    ("UserName", Fact::UserName),
    ("UserId", Fact::UserName),
    ("DomainId", Fact::PrincipalAccount),
    ("DomainName", Fact::PrincipalAccount),
    ("MFAPresent", Fact::NeverKnown),
    ("MFAAge", Fact::NeverKnown),
    ("ProjectName", Fact::NeverKnown),
    ("SourceVpc", Fact::NeverKnown),
    ("SourceVpce", Fact::NeverKnown),
    ("CustomDomain", Fact::NeverKnown),
    ("prefix", Fact::Prefix),
    ("delimiter", Fact::Delimiter),
    ("max-keys", Fact::MaxKeys),
    ("acl", Fact::Acl),
    ("x-obs-acl", Fact::Acl),
    ("versionId", Fact::VersionId),
    ("copy-source", Fact::CopySource),
    ("x-obs-copy-source", Fact::CopySource),
    ("metadata-directive", Fact::MetadataDirective),
    ("x-obs-metadata-directive", Fact::MetadataDirective),
    ("storage-class", Fact::StorageClass),
    ("x-obs-storage-class", Fact::StorageClass),
    ("server-side-encryption", Fact::Encryption),
    ("x-obs-server-side-encryption", Fact::Encryption),
    ("x-obs-server-side-encryption-kms-key-id", Fact::EncryptionKey),
    ("x-obs-server-side-encryption-customer-algorithm", Fact::CustomerAlgorithm),
];

const NAMED_FACTS: &[NamedFact] = &[("RequestObjectTag/", Fact::RequestTag)];

/// Keys of bucket policies have no prefix, those of IAM have `obs:` or `g:`; those of S3's form are Amazon's.
fn fact(key: &str) -> Option<Fact> {
    let bare = ["obs:", "g:"].iter().find_map(|prefix| {
        let (start, rest) = (key.get(..prefix.len())?, key.get(prefix.len()..)?);
        start.eq_ignore_ascii_case(prefix).then_some(rest)
    });
    lookup(bare.unwrap_or(key), FACTS, NAMED_FACTS).or_else(|| amazon::fact(key))
}

/// Those of the own form, or of S3's; the account that a domain names is meant with all its users.
fn grantee(kind: &str, text: &str) -> Option<Grantee> {
    match kind {
        "" if text == "*" => Some(Grantee::Everyone),
        "ID" if text == "*" => Some(Grantee::Everyone),
        "ID" => of_domain(text),
        "Federated" => Some(of_domain(text).unwrap_or(Grantee::Nobody)),
        "Service" => Some(Grantee::Nobody),
        _ => amazon::grantee(kind, text),
    }
}

fn of_domain(text: &str) -> Option<Grantee> {
    let rest = text.strip_prefix("domain/")?;
    let (domain, end) = rest.split_once(':').unwrap_or((rest, ""));
    match end {
        "" | "*" => in_account(domain, "root").map(with_users),
        "root" => in_account(domain, "root").map(|grantee| match grantee {
            Grantee::Account(account) => Grantee::Root(account),
            other => other,
        }),
        end => in_account(domain, end),
    }
}

fn with_users(grantee: Grantee) -> Grantee {
    match grantee {
        Grantee::Account(account) => Grantee::Members(account),
        other => other,
    }
}

/// Of a bucket's policy `bucket` and `bucket/key`, of IAM `obs:<region>:<domain>:bucket:<name>` and
/// `…:object:<bucket>/<key>`, of keys `kms:<region>:<domain>:KeyId:<id>`; and those of S3's form.
fn place(text: &str, reading: Reading<'_>) -> Result<Place, InvalidPolicy> {
    if text.starts_with("arn:") {
        return amazon::place(text, reading);
    }
    let bucket = text.split('/').next().unwrap_or_default();
    let parts: Vec<&str> = if bucket.contains(':') { text.splitn(5, ':').collect() } else { vec![text] };
    match parts.as_slice() {
        [service, _, domain, kind, name] if service.eq_ignore_ascii_case("obs") && !name.is_empty() => {
            let kind = match kind.to_ascii_lowercase().as_str() {
                "bucket" => Some(Kind::Bucket),
                "object" => Some(Kind::Object),
                "*" => None,
                _ => return Ok(Place::Nothing),
            };
            Ok(Place::Storage { kind, owner: owner(domain), form: form(name, reading)? })
        }
        [service, _, domain, kind, id] if service.eq_ignore_ascii_case("kms") && !id.is_empty() => {
            let named = if kind.eq_ignore_ascii_case("alias") { format!("alias/{id}") } else { format!("key/{id}") };
            let all = if *id == "*" { "*" } else { named.as_str() };
            Ok(Place::Key { owner: owner(domain), form: form(all, reading)? })
        }
        [service, _, domain, kind, name] if service.eq_ignore_ascii_case("iam") && !name.is_empty() => {
            Ok(Place::Identity { owner: owner(domain), form: form(&format!("{kind}/{name}"), reading)? })
        }
        [_, _, _, _, _] => Ok(Place::Nothing),
        // Keys may have colons, names of buckets may not.
        [_] if !text.is_empty() => Ok(Place::Storage { kind: None, owner: owner("*"), form: form(text, reading)? }),
        _ => Err(InvalidPolicy::Resource),
    }
}
