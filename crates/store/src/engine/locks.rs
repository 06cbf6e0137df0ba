//! What keeps objects: the bucket's object lock, and the policy that keeps all its objects. That nothing kept is destroyed is seen to
//! in the catalog, in the commit that would destroy it; here is what comes before.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lock::{BucketLock, LockWish, Worm};
use strongroom_model::name::{BucketName, ObjectKey};
use strongroom_model::operation::bucket::WormOperation;
use strongroom_model::outcome::BucketOutcome;
use strongroom_model::setting::{ObjectSettings, Versioning};
use strongroom_model::time::Timestamp;

use super::{Caller, Engine};
use crate::catalog::buckets::{Bucket, LifeChange};

impl Engine {
    /// Sets whether the bucket keeps versions.
    ///
    /// # Errors
    /// `VersioningLocked` where its versions can be locked, `InvalidWorm` where a policy keeps its objects: the two exclude each
    /// other.
    pub(super) async fn set_versioning(
        &self,
        caller: &Caller,
        name: &BucketName,
        versioning: Versioning,
    ) -> Result<(), Failure> {
        if versioning == Versioning::Never {
            return Err(FailureCode::MalformedXml.into());
        }
        let now = self.now();
        let change = |bucket: &mut Bucket| {
            if bucket.facts.lock.is_some() && versioning != Versioning::Enabled {
                return Err(FailureCode::VersioningLocked.into());
            }
            if in_force(bucket, now).is_some() {
                return Err(FailureCode::InvalidWorm.into());
            }
            bucket.facts.versioning = versioning;
            Ok(())
        };
        self.change_life(caller, name, change).await.map(drop)
    }

    /// Lets the bucket's versions be locked, for good, or changes the retention of those whose writers ask for none.
    ///
    /// # Errors
    /// `LockNeedsVersioning`, `InvalidWorm` where a policy keeps all objects.
    pub(super) async fn set_object_lock(
        &self,
        caller: &Caller,
        name: &BucketName,
        lock: BucketLock,
    ) -> Result<(), Failure> {
        let now = self.now();
        let change = |bucket: &mut Bucket| {
            if bucket.facts.versioning != Versioning::Enabled {
                return Err(FailureCode::LockNeedsVersioning.into());
            }
            if in_force(bucket, now).is_some() {
                return Err(FailureCode::InvalidWorm.into());
            }
            bucket.facts.lock = Some(lock);
            Ok(())
        };
        self.change_life(caller, name, change).await.map(drop)
    }

    /// Does something with the policy that keeps all objects of the bucket. One that was not locked in time is none any more.
    ///
    /// # Errors
    /// `NoWorm`, `WormLocked`, `InvalidWorm`.
    pub(super) async fn worm(
        &self,
        caller: &Caller,
        name: &BucketName,
        operation: WormOperation,
    ) -> Result<BucketOutcome, Failure> {
        let now = self.now();
        if operation == WormOperation::Get {
            let bucket = self.bucket(caller, name).await?;
            return Ok(BucketOutcome::Worm(in_force(&bucket, now).ok_or(FailureCode::NoWorm)?));
        }
        let fresh = self.entropy.array()?;
        let change = |bucket: &mut Bucket| {
            bucket.facts.worm = after(operation, bucket, fresh, now)?;
            Ok(())
        };
        self.change_life(caller, name, change).await?;
        Ok(match operation {
            WormOperation::Initiate { .. } => BucketOutcome::WormInitiated(fresh),
            WormOperation::Abort => BucketOutcome::SettingDeleted,
            WormOperation::Complete { .. } | WormOperation::Extend { .. } | WormOperation::Get => {
                BucketOutcome::WormChanged
            }
        })
    }

    /// Refuses a write over an object that the bucket's policy keeps, before the bytes come. The commit looks again.
    ///
    /// # Errors
    /// `ObjectLocked`.
    pub(super) async fn check_overwriting(&self, bucket: &Bucket, key: &ObjectKey) -> Result<(), Failure> {
        let now = self.now();
        let Some(worm) = in_force(bucket, now) else { return Ok(()) };
        let current = self.catalog.entry(bucket.id, key).await?;
        match current.is_none_or(|entry| worm.permits_destruction(entry.last_modified, now)) {
            true => Ok(()),
            false => Err(FailureCode::ObjectLocked.into()),
        }
    }

    /// Changes what writers rely on, of the bucket that authorization was about.
    async fn change_life(
        &self,
        caller: &Caller,
        name: &BucketName,
        change: impl Fn(&mut Bucket) -> Result<(), Failure> + Send + Sync,
    ) -> Result<Box<Bucket>, Failure> {
        let known = self.bucket(caller, name).await?.id;
        let change = |bucket: &mut Bucket| match bucket.id == known {
            true => change(bucket),
            false => Err(FailureCode::Conflict.into()),
        };
        match self.catalog.change_life(name, change).await? {
            LifeChange::Done(bucket) => Ok(bucket),
            LifeChange::BucketGone => Err(FailureCode::NoSuchBucket.into()),
            LifeChange::BucketDeleting => Err(FailureCode::Conflict.into()),
        }
    }
}

/// The documents of a version that is written at `now`: with the retention of the bucket's own lock, if its writer asked for
/// none.
pub(super) fn locked_from(own: Option<BucketLock>, asked: ObjectSettings, now: Timestamp) -> ObjectSettings {
    let wish = LockWish { retention: asked.lock.retention, legal_hold: asked.lock.legal_hold };
    ObjectSettings { lock: own.unwrap_or_default().of_write(wish, now), ..asked }
}

fn in_force(bucket: &Bucket, now: Timestamp) -> Option<Worm> {
    bucket.facts.worm.filter(|worm| worm.is_in_force(now))
}

/// The policy that a bucket has after an operation on it.
fn after(operation: WormOperation, bucket: &Bucket, fresh: [u8; 16], now: Timestamp) -> Result<Option<Worm>, Failure> {
    let current = in_force(bucket, now);
    let named = |id| current.filter(|worm| worm.id == id).ok_or(FailureCode::NoWorm);
    match (operation, current) {
        (WormOperation::Initiate { .. } | WormOperation::Abort, Some(Worm { locked: true, .. })) => {
            Err(FailureCode::WormLocked.into())
        }
        (WormOperation::Initiate { .. }, Some(_)) => Err(FailureCode::InvalidWorm.into()),
        (WormOperation::Initiate { days }, None) => {
            let excluded = bucket.facts.lock.is_some() || bucket.facts.versioning == Versioning::Enabled;
            if excluded || !(1..=Worm::DAYS_MAX).contains(&days) {
                return Err(FailureCode::InvalidWorm.into());
            }
            Ok(Some(Worm { id: fresh, days, created: now, locked: false }))
        }
        (WormOperation::Abort, None) => Err(FailureCode::NoWorm.into()),
        (WormOperation::Abort, Some(_)) => Ok(None),
        (WormOperation::Complete { id }, _) => match named(id)? {
            Worm { locked: true, .. } => Err(FailureCode::WormLocked.into()),
            worm => Ok(Some(Worm { locked: true, ..worm })),
        },
        (WormOperation::Extend { id, days }, _) => {
            let worm = named(id)?;
            if !worm.locked || days < worm.days || days > Worm::DAYS_MAX {
                return Err(FailureCode::InvalidWorm.into());
            }
            Ok(Some(Worm { days, ..worm }))
        }
        (WormOperation::Get, _) => Ok(bucket.facts.worm),
    }
}
