//! How much a bucket holds, and whether there is room for more.
//!
//! Nothing is counted in the commits themselves: a counter that every write changes would let only one write at a time into
//! a bucket. A bucket with a quota is counted when that is needed, and what this process has written since is added.
//! What is deleted counts until the next counting, which happens before anything is refused. So no quota is passed by more
//! than the writes that other processes have under way, and nothing is refused for what is gone, but for a moment after a
//! counting of a large bucket.

use std::collections::HashMap;
use std::sync::Mutex;

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::BucketName;
use strongroom_model::outcome::bucket::BucketUsage;
use strongroom_model::time::Timestamp;

use super::{Caller, Engine};
use crate::catalog::buckets::{Bucket, BucketId};

/// A counting is not repeated before this many times the time that it took have passed: counting takes a twentieth of
/// one core at most.
const RESTS: i64 = 20;

/// Buckets that are remembered. Beyond, all are forgotten, and counted again when they are written to.
const REMEMBERED_MAX: usize = 10_000;

/// What is known of the buckets with a quota.
#[derive(Default)]
pub(super) struct Quotas(Mutex<HashMap<[u8; 16], Known>>);

#[derive(Clone, Copy)]
struct Known {
    counted: u64,
    written_since: u64,
    /// Of `written_since`, what was there when a counting began: the counting has it.
    being_counted: u64,
    again_at: Timestamp,
}

impl Engine {
    /// Counts what the bucket holds.
    pub(super) async fn usage(&self, caller: &Caller, name: &BucketName) -> Result<BucketUsage, Failure> {
        let bucket = self.bucket(caller, name).await?;
        Ok(self.catalog.usage(bucket.id, self.now()).await?)
    }

    /// Makes room for so many bytes, which are about to be committed.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub(super) async fn make_room(&self, bucket: &Bucket, bytes: u64) -> Result<(), Failure> {
        let Some(quota) = bucket.facts.quota else { return Ok(()) };
        if self.quotas.take(bucket.id, bytes, quota) {
            return Ok(());
        }
        let begun = self.now();
        if self.quotas.may_count(bucket.id, begun) {
            let usage = self.catalog.usage(bucket.id, begun).await?;
            self.quotas.learn(bucket.id, usage.bytes(), begun, self.now());
        }
        if self.quotas.take(bucket.id, bytes, quota) { Ok(()) } else { Err(FailureCode::QuotaExceeded.into()) }
    }
}

impl Quotas {
    /// Takes the room, if what is known says that there is so much.
    fn take(&self, bucket: BucketId, bytes: u64, quota: u64) -> bool {
        let mut known = self.0.lock().expect("nothing panics while it holds this lock");
        let Some(known) = known.get_mut(&bucket.0) else { return false };
        let after = known.counted.saturating_add(known.written_since).saturating_add(bytes);
        if after <= quota {
            known.written_since = known.written_since.saturating_add(bytes);
        }
        after <= quota
    }

    /// Whether it is time to count, which then begins: what is written from now on is added to its result.
    fn may_count(&self, bucket: BucketId, now: Timestamp) -> bool {
        let mut known = self.0.lock().expect("nothing panics while it holds this lock");
        match known.get_mut(&bucket.0) {
            None => true,
            Some(known) => {
                known.being_counted = known.written_since;
                now >= known.again_at
            }
        }
    }

    fn learn(&self, bucket: BucketId, counted: u64, begun: Timestamp, ended: Timestamp) {
        let mut known = self.0.lock().expect("nothing panics while it holds this lock");
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        let took = i64::try_from(begun.distance_millis(ended)).unwrap_or(i64::MAX);
        let again_at = ended.plus_millis(took.saturating_mul(RESTS));
        let written = known.get(&bucket.0).map_or(0, |known| known.written_since.saturating_sub(known.being_counted));
        known.insert(bucket.0, Known { counted, written_since: written, being_counted: 0, again_at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: BucketId = BucketId([1; 16]);
    const NOON: Timestamp = Timestamp::from_seconds(43_200);

    #[test]
    fn room_is_taken_until_there_is_none() {
        let quotas = Quotas::default();
        assert!(!quotas.take(BUCKET, 1, 100), "a bucket that was not counted");
        quotas.learn(BUCKET, 60, NOON, NOON);
        assert!(quotas.take(BUCKET, 30, 100));
        assert!(!quotas.take(BUCKET, 11, 100));
        assert!(quotas.take(BUCKET, 10, 100));
        assert!(!quotas.take(BUCKET, 1, 100));
        assert!(!quotas.take(BUCKET, u64::MAX, 100));
    }

    #[test]
    fn a_large_bucket_is_not_counted_all_the_time() {
        let quotas = Quotas::default();
        let ended = NOON.plus_millis(100);
        quotas.learn(BUCKET, 0, NOON, ended);
        assert!(!quotas.may_count(BUCKET, ended.plus_millis(1999)));
        assert!(quotas.may_count(BUCKET, ended.plus_millis(2000)));
    }
}
