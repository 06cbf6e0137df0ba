//! Making, deleting and telling of buckets.

use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lock::BucketLock;
use strongroom_model::name::BucketName;
use strongroom_model::operation::BucketOperation;
use strongroom_model::operation::bucket::CreateBucket;
use strongroom_model::outcome::bucket::BucketFacts;
use strongroom_model::outcome::{BucketOutcome, Outcome};
use strongroom_model::setting::Versioning;

use super::{Caller, Engine};
use crate::{
    catalog::buckets::{Bucket, BucketId, Creation},
    kv::Commit,
};

/// Buckets that an account may have: the greatest of the three services' usual limits. Two requests at the same moment may
/// pass it by one.
pub(super) const BUCKETS_MAX: usize = 1000;

/// The rule with which an always-encrypted bucket starts, and to which it returns when its rule is deleted.
pub(super) const ALWAYS: BucketEncryption =
    BucketEncryption { method: DefaultMethod::Managed(DataAlgorithm::Aes256), bucket_key: false };

impl Engine {
    /// Does an operation on one bucket.
    pub(super) async fn bucket_operation(
        &self,
        caller: &Caller,
        operation: BucketOperation,
    ) -> Result<Outcome, Failure> {
        let outcome = match operation {
            BucketOperation::Create(create) => BucketOutcome::Created(self.create_bucket(caller, create).await?),
            BucketOperation::Delete(name) => {
                self.delete_bucket(caller, &name).await?;
                BucketOutcome::Deleted
            }
            BucketOperation::Head(name) => BucketOutcome::Head(self.bucket(caller, &name).await?.facts.clone()),
            BucketOperation::Probe(name) => {
                self.bucket(caller, &name).await?;
                return Ok(Outcome::Probed);
            }
            BucketOperation::Location(name) => BucketOutcome::Location(self.bucket(caller, &name).await?.facts.clone()),
            BucketOperation::Info(name) => BucketOutcome::Info(self.bucket(caller, &name).await?.facts.clone()),
            BucketOperation::ListObjects(list) => BucketOutcome::Objects(self.list_objects(caller, list).await?),
            BucketOperation::ListVersions(list) => BucketOutcome::Versions(self.list_versions(caller, list).await?),
            BucketOperation::GetSetting(name, kind) => BucketOutcome::Setting(self.setting(caller, &name, kind).await?),
            BucketOperation::PutSetting(name, setting) => {
                let kind = setting.kind();
                self.put_setting(caller, &name, setting).await?;
                BucketOutcome::SettingPut(kind)
            }
            BucketOperation::DeleteSetting(name, kind) => {
                self.delete_setting(caller, &name, kind).await?;
                BucketOutcome::SettingDeleted
            }
            BucketOperation::Usage(name, report) => BucketOutcome::Usage(self.usage(caller, &name).await?, report),
            BucketOperation::CrossOrigin(name, asked) => {
                BucketOutcome::CrossOrigin(self.cross_origin(caller, &name, &asked).await?)
            }
            BucketOperation::RemoveTags(name, keys) => {
                self.remove_tags(caller, &name, &keys).await?;
                BucketOutcome::SettingDeleted
            }
            BucketOperation::GetInventory(name, id) => {
                BucketOutcome::Inventory(Box::new(self.inventory(caller, &name, &id).await?))
            }
            BucketOperation::PutInventory(name, inventory) => {
                self.put_inventory(caller, &name, &inventory).await?;
                BucketOutcome::InventoryPut
            }
            BucketOperation::DeleteInventory(name, id) => {
                self.delete_inventory(caller, &name, &id).await?;
                BucketOutcome::SettingDeleted
            }
            BucketOperation::ListInventories(list) => {
                BucketOutcome::Inventories(self.list_inventories(caller, list).await?)
            }
            BucketOperation::PolicyStatus(name) => {
                BucketOutcome::PolicyStatus { is_public: self.is_policy_public(caller, &name).await? }
            }
            BucketOperation::Worm(name, operation) => self.worm(caller, &name, operation).await?,
        };
        Ok(Outcome::Bucket(outcome))
    }

    /// Makes a bucket. Making one's own again changes nothing, and answers what there is.
    async fn create_bucket(&self, caller: &Caller, create: CreateBucket) -> Result<BucketFacts, Failure> {
        let owner = caller.account()?;
        if let Some(existing) = self.catalog.bucket(&create.bucket).await? {
            return made_before(&existing, caller);
        }
        if self.catalog.count_buckets(owner, BUCKETS_MAX).await? >= BUCKETS_MAX {
            return Err(FailureCode::TooManyBuckets.into());
        }
        let id = BucketId(self.entropy.array()?);
        let facts = BucketFacts {
            name: create.bucket,
            owner,
            location: create.location.unwrap_or_else(|| self.region.clone()),
            created: self.now(),
            acl: create.acl.resolve(owner),
            tags: create.tags,
            lock: create.lock.then(BucketLock::default),
            worm: None,
            quota: None,
            storage_class: create.storage_class,
            encryption: create.encryption.clone().or(create.always_encrypted.then_some(ALWAYS)),
            blocks_customer_keys: false,
            versioning: if create.lock { Versioning::Enabled } else { Versioning::Never },
            public_access_block: None,
        };
        let (always_encrypted, rule_was_set) = (create.always_encrypted, create.encryption.is_some());
        let bucket =
            Bucket { id, facts, always_encrypted, rule_was_set, policy: None, cors: None, has_lifecycle: false };
        match self.catalog.create_bucket(&bucket).await? {
            Creation::Created => Ok(bucket.facts),
            Creation::Exists(existing) => made_before(&existing, caller),
        }
    }

    /// Deletes an empty bucket: stops all writing to it, looks, and deletes it or lets it live on.
    async fn delete_bucket(&self, caller: &Caller, name: &BucketName) -> Result<(), Failure> {
        let deletion = self.catalog.begin_deletion(name, self.now()).await?;
        let deletion = deletion.ok_or(FailureCode::NoSuchBucket)?;
        let found = deletion.bucket();
        let recognised = caller.rights.recognise(name, found.id.0, found.facts.owner);
        let is_empty = self.catalog.is_empty(found.id).await? && self.catalog.has_no_uploads(found.id).await?;
        if recognised.is_err() || !is_empty {
            // In conflict, another deletion has taken over, and it will find the same.
            let _called_off = self.catalog.call_off_deletion(&deletion).await?;
            return Err(recognised.err().unwrap_or_else(|| FailureCode::BucketNotEmpty.into()));
        }
        match self.catalog.finish_deletion(&deletion).await? {
            Commit::Committed => Ok(()),
            Commit::Conflict => {
                Err(self.bucket(caller, name).await.err().unwrap_or_else(|| FailureCode::Conflict.into()))
            }
        }
    }
}

fn made_before(existing: &Bucket, caller: &Caller) -> Result<BucketFacts, Failure> {
    if existing.facts.owner == caller.account()? {
        Ok(existing.facts.clone())
    } else {
        Err(FailureCode::BucketAlreadyExists.into())
    }
}
