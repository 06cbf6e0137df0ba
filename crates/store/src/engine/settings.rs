//! The documents that configure a bucket.

use std::sync::Arc;

use strongroom_iam::{InvalidPolicy, read_bucket_policy};
use strongroom_model::account::AccountId;
use strongroom_model::acl::AclDocument;
use strongroom_model::encryption::EncryptionRule;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::BucketName;
use strongroom_model::setting::{Setting, SettingKind};
use strongroom_model::tag::TagSet;

use super::buckets::ALWAYS;
use super::{Caller, Engine, public_access};
use crate::catalog::buckets::Bucket;

impl Engine {
    /// Reads a document.
    pub(super) async fn setting(
        &self,
        caller: &Caller,
        name: &BucketName,
        kind: SettingKind,
    ) -> Result<Setting, Failure> {
        let bucket = Arc::unwrap_or_clone(self.bucket(caller, name).await?);
        match kind {
            SettingKind::Encryption => {
                let encryption = bucket.facts.encryption.ok_or(FailureCode::NoEncryptionConfiguration)?;
                let blocks_customer_keys = Some(bucket.facts.blocks_customer_keys);
                Ok(Setting::Encryption(EncryptionRule { default: Some(encryption), blocks_customer_keys }))
            }
            SettingKind::Versioning => Ok(Setting::Versioning(bucket.facts.versioning)),
            SettingKind::Policy => Ok(Setting::Policy(bucket.policy.ok_or(FailureCode::NoBucketPolicy)?)),
            SettingKind::Tagging => Ok(Setting::Tagging(bucket.facts.tags)),
            SettingKind::Acl => Ok(Setting::Acl(AclDocument::of(bucket.facts.owner, &bucket.facts.acl))),
            SettingKind::StorageClass => Ok(Setting::StorageClass(bucket.facts.storage_class)),
            SettingKind::Quota => Ok(Setting::Quota(bucket.facts.quota)),
            SettingKind::Cors => Ok(Setting::Cors(bucket.cors.ok_or(FailureCode::NoCorsConfiguration)?)),
            SettingKind::PublicAccessBlock => Ok(Setting::PublicAccessBlock(bucket.facts.public_access_block)),
            SettingKind::Lifecycle => Ok(Setting::Lifecycle(self.bucket_lifecycle(&bucket).await?)),
            SettingKind::ObjectLock => Ok(Setting::ObjectLock(bucket.facts.lock.ok_or(FailureCode::NoBucketLock)?)),
        }
    }

    /// Replaces a document. Objects that exist keep what they have.
    pub(super) async fn put_setting(
        &self,
        caller: &Caller,
        name: &BucketName,
        setting: Setting,
    ) -> Result<(), Failure> {
        match setting {
            Setting::Encryption(rule) => {
                self.change_bucket(caller, name, |bucket| apply(&rule, bucket)).await?;
            }
            Setting::Versioning(versioning) => self.set_versioning(caller, name, versioning).await?,
            Setting::Policy(document) => {
                let (document, policy) = read_bucket_policy(document, name).map_err(malformed)?;
                if policy.is_public() {
                    let bucket = self.bucket(caller, name).await?;
                    public_access::check_policy(&bucket)?;
                }
                self.change_bucket(caller, name, |bucket| bucket.policy = Some(document.clone())).await?;
            }
            Setting::Tagging(tags) => {
                self.change_bucket(caller, name, |bucket| bucket.facts.tags = tags.clone()).await?;
            }
            Setting::StorageClass(class) => {
                self.change_bucket(caller, name, |bucket| bucket.facts.storage_class = class).await?;
            }
            Setting::Quota(quota) => {
                self.change_bucket(caller, name, |bucket| bucket.facts.quota = quota).await?;
            }
            Setting::Cors(rules) => {
                self.change_bucket(caller, name, |bucket| bucket.cors = Some(rules.clone())).await?;
            }
            Setting::PublicAccessBlock(block) => {
                self.change_bucket(caller, name, |bucket| bucket.facts.public_access_block = block).await?;
            }
            Setting::Acl(document) => {
                let bucket = self.bucket(caller, name).await?;
                of_owner(&document, bucket.facts.owner)?;
                public_access::check_list(&bucket, &document.list)?;
                let change = |bucket: &mut Bucket| bucket.facts.acl = document.list.resolve(bucket.facts.owner);
                self.change_bucket(caller, name, change).await?;
            }
            Setting::Lifecycle(rules) => self.set_lifecycle(caller, name, Some(rules)).await?,
            Setting::ObjectLock(lock) => self.set_object_lock(caller, name, lock).await?,
        }
        Ok(())
    }

    /// Removes a document. A bucket that is always encrypted returns to its first rule.
    pub(super) async fn delete_setting(
        &self,
        caller: &Caller,
        name: &BucketName,
        kind: SettingKind,
    ) -> Result<(), Failure> {
        match kind {
            SettingKind::Encryption => {
                let change = |bucket: &mut Bucket| {
                    bucket.facts.encryption = bucket.always_encrypted.then_some(ALWAYS);
                    bucket.rule_was_set = false;
                };
                self.change_bucket(caller, name, change).await?;
            }
            SettingKind::Versioning
            | SettingKind::Acl
            | SettingKind::StorageClass
            | SettingKind::Quota
            | SettingKind::ObjectLock => {
                return Err(FailureCode::MethodNotAllowed.into());
            }
            SettingKind::Policy => {
                self.change_bucket(caller, name, |bucket| bucket.policy = None).await?;
            }
            SettingKind::Tagging => {
                self.change_bucket(caller, name, |bucket| bucket.facts.tags = TagSet::default()).await?;
            }
            SettingKind::Cors => {
                self.change_bucket(caller, name, |bucket| bucket.cors = None).await?;
            }
            SettingKind::PublicAccessBlock => {
                self.change_bucket(caller, name, |bucket| bucket.facts.public_access_block = None).await?;
            }
            SettingKind::Lifecycle => self.set_lifecycle(caller, name, None).await?,
        }
        Ok(())
    }

    /// Removes the tags of these names.
    pub(super) async fn remove_tags(&self, caller: &Caller, name: &BucketName, keys: &[String]) -> Result<(), Failure> {
        let change = |bucket: &mut Bucket| bucket.facts.tags = bucket.facts.tags.without(keys);
        self.change_bucket(caller, name, change).await.map(drop)
    }

    /// Whether the bucket's policy lets in whoever comes.
    pub(super) async fn is_policy_public(&self, caller: &Caller, name: &BucketName) -> Result<bool, Failure> {
        let policy = self.bucket(caller, name).await?.policy.clone().ok_or(FailureCode::NoBucketPolicy)?;
        Ok(read_bucket_policy(policy, name).map_err(malformed)?.1.is_public())
    }
}

/// What a rule leaves out stays. A bucket that has no default gets the base one, for where rules may leave it out there is
/// no bucket without.
fn apply(rule: &EncryptionRule, bucket: &mut Bucket) {
    bucket.rule_was_set |= rule.default.is_some();
    let facts = &mut bucket.facts;
    facts.encryption = rule.default.clone().or(facts.encryption.take()).or(Some(ALWAYS));
    facts.blocks_customer_keys = rule.blocks_customer_keys.unwrap_or(facts.blocks_customer_keys);
}

fn malformed(invalid: InvalidPolicy) -> Failure {
    Failure::new(FailureCode::MalformedPolicy).with_message(invalid.to_string())
}

/// Refuses a list that names somebody else as the owner: ownership cannot be given away.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn of_owner(document: &AclDocument, owner: AccountId) -> Result<(), Failure> {
    match document.owner {
        Some(named) if named != owner => Err(FailureCode::AccessDenied.into()),
        _ => Ok(()),
    }
}
