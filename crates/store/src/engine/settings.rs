//! The documents that configure a bucket.

use strongroom_model::encryption::EncryptionRule;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::BucketName;
use strongroom_model::outcome::bucket::BucketFacts;
use strongroom_model::setting::{Setting, SettingKind, Versioning};

use super::Engine;
use super::buckets::ALWAYS;
use crate::catalog::buckets::{Bucket, VersioningSet};

impl Engine {
    /// Reads a document.
    pub(super) async fn setting(&self, name: &BucketName, kind: SettingKind) -> Result<Setting, Failure> {
        let bucket = self.bucket(name).await?;
        match kind {
            SettingKind::Encryption => {
                let encryption = bucket.facts.encryption.ok_or(FailureCode::NoEncryptionConfiguration)?;
                let blocks_customer_keys = Some(bucket.facts.blocks_customer_keys);
                Ok(Setting::Encryption(EncryptionRule { default: Some(encryption), blocks_customer_keys }))
            }
            SettingKind::Versioning => Ok(Setting::Versioning(bucket.facts.versioning)),
        }
    }

    /// Replaces a document. Objects that exist keep what they have.
    pub(super) async fn put_setting(&self, name: &BucketName, setting: Setting) -> Result<(), Failure> {
        let changed = match setting {
            Setting::Encryption(rule) => {
                let change = |bucket: &mut Bucket| apply(&rule, &mut bucket.facts);
                self.catalog.change_bucket(name, change).await?
            }
            Setting::Versioning(versioning) => return self.set_versioning(name, versioning).await,
        };
        changed.map(drop).ok_or_else(|| FailureCode::NoSuchBucket.into())
    }

    async fn set_versioning(&self, name: &BucketName, versioning: Versioning) -> Result<(), Failure> {
        if versioning == Versioning::Never {
            return Err(FailureCode::MalformedXml.into());
        }
        match self.catalog.set_versioning(name, versioning).await? {
            VersioningSet::Done => Ok(()),
            VersioningSet::BucketGone => Err(FailureCode::NoSuchBucket.into()),
            VersioningSet::BucketDeleting => Err(FailureCode::Conflict.into()),
        }
    }

    /// Removes a document. A bucket that is always encrypted returns to its first rule.
    pub(super) async fn delete_setting(&self, name: &BucketName, kind: SettingKind) -> Result<(), Failure> {
        let changed = match kind {
            SettingKind::Encryption => {
                let change = |bucket: &mut Bucket| {
                    bucket.facts.encryption = bucket.always_encrypted.then_some(ALWAYS);
                };
                self.catalog.change_bucket(name, change).await?
            }
            SettingKind::Versioning => return Err(FailureCode::MethodNotAllowed.into()),
        };
        changed.map(drop).ok_or_else(|| FailureCode::NoSuchBucket.into())
    }
}

/// What a rule leaves out stays. A bucket that has no default gets the base one, for where rules may leave it out there is
/// no bucket without.
fn apply(rule: &EncryptionRule, facts: &mut BucketFacts) {
    facts.encryption = rule.default.clone().or(facts.encryption.take()).or(Some(ALWAYS));
    facts.blocks_customer_keys = rule.blocks_customer_keys.unwrap_or(facts.blocks_customer_keys);
}
