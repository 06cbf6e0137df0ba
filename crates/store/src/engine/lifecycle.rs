//! Lifecycle rules as far as requests go: reading, replacing and removing them, and telling when an object will go. The job
//! follows them.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lifecycle::{ExpirationNotice, Lifecycle, RuleSubject};
use strongroom_model::name::BucketName;
use strongroom_model::tag::TagSet;
use strongroom_model::time::Timestamp;

use super::{Caller, Engine};
use crate::catalog::buckets::Bucket;
use crate::opening::Version;

/// Bytes of a name that is made up for a rule whose writer gave none; shown in hex.
const ID_BYTES: usize = 12;

impl Engine {
    /// The bucket's rules.
    ///
    /// # Errors
    /// `NoLifecycle`.
    pub(super) async fn bucket_lifecycle(&self, bucket: &Bucket) -> Result<Lifecycle, Failure> {
        Ok(self.lifecycle_of(bucket).await?.ok_or(FailureCode::NoLifecycle)?)
    }

    /// The same; none if there are none.
    pub(super) async fn lifecycle_of(&self, bucket: &Bucket) -> Result<Option<Lifecycle>, Failure> {
        if !bucket.has_lifecycle {
            return Ok(None);
        }
        Ok(self.catalog.lifecycle(bucket.id).await?)
    }

    /// Replaces the rules, or takes them away. Rules without a name get one.
    pub(super) async fn set_lifecycle(
        &self,
        caller: &Caller,
        name: &BucketName,
        rules: Option<Lifecycle>,
    ) -> Result<(), Failure> {
        let bucket = self.bucket(caller, name).await?;
        let mut rules = rules;
        for rule in rules.iter_mut().flat_map(|rules| &mut rules.rules).filter(|rule| rule.id.is_empty()) {
            rule.id = hex::encode(self.entropy.array::<ID_BYTES>()?);
        }
        let changed = self.catalog.set_lifecycle(name, bucket.id, rules.as_ref()).await?;
        changed.map(drop).ok_or_else(|| FailureCode::NoSuchBucket.into())
    }

    /// When a current version goes.
    pub(super) async fn expiration_of(&self, version: &Version) -> Result<Option<ExpirationNotice>, Failure> {
        let Some(bucket) = version.ruled_by else { return Ok(None) };
        let rules = self.catalog.lifecycle(bucket).await?;
        let (entry, tags) = (&version.entry, &version.content.settings.tags);
        Ok(notice(rules.as_ref(), &version.identity.key, (entry.size, tags), entry.last_modified))
    }
}

/// When an object of that length and with these tags goes, if rules say so.
pub(super) fn notice(
    rules: Option<&Lifecycle>,
    key: &str,
    (size, tags): (u64, &TagSet),
    written: Timestamp,
) -> Option<ExpirationNotice> {
    rules?.expiration(RuleSubject { key, size, tags: Some(tags) }, written)
}
