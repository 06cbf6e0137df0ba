//! How much a bucket holds, and whether there is room for more.
//!
//! Nothing is counted in the commits themselves: a counter that every write changes would let only one write at a time into
//! a bucket. A bucket with a quota is counted when that is needed, and what this process has written since is added.
//! What is deleted, or was never committed, counts until the next counting, which happens before anything is refused. So
//! nothing is refused for what is gone, but in a large bucket for a moment after a counting; and no quota is passed but by what
//! other processes write within [`TRUSTED_MS`].
//!
//! Parts of open uploads count, for they take their room when they are written; completing needs none. What is
//! overwritten is there until the new version is, so that both count for the write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::BucketName;
use strongroom_model::outcome::bucket::BucketUsage;
use strongroom_model::time::Timestamp;

use super::{Caller, Engine};
use crate::catalog::buckets::{Bucket, BucketId};

/// Versions and parts that are counted whenever that is asked for: they are a few pages of rows.
const FREELY_COUNTED: u64 = 1000;

/// The counting of a larger bucket is not repeated before this many times the time that it took have passed: counting takes
/// a twentieth of one core at most.
const RESTS: i64 = 20;

/// How long a counting is trusted, or as long as it must rest if that is longer: other processes write too.
const TRUSTED_MS: i64 = 10_000;

/// Buckets that are remembered. Beyond, those that nobody writes to are forgotten, and counted again when somebody does.
const REMEMBERED_MAX: usize = 10_000;

/// What is known of the buckets with a quota.
#[derive(Default)]
pub(super) struct Quotas(Mutex<HashMap<[u8; 16], Known>>);

#[derive(Default)]
struct Known {
    counted: Option<Counted>,
    /// Bytes for which room was taken that is not given back yet.
    in_flight: u64,
    /// Bytes for which room was ever taken and given back: they are in the bucket, or were never committed.
    settled: u64,
    /// Held by whoever counts, so that nobody else does meanwhile.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Copy)]
struct Counted {
    bytes: u64,
    /// What was settled when the counting began, and is in it.
    settled: u64,
    /// From when on it may be counted again.
    again_at: Timestamp,
    /// Until when it is trusted.
    until: Timestamp,
}

/// Room in a bucket, to be held until what it was taken for is committed, or is not.
pub(super) struct Room<'a> {
    quotas: &'a Quotas,
    bucket: BucketId,
    bytes: u64,
}

impl Engine {
    /// Counts what the bucket holds.
    pub(super) async fn usage(&self, caller: &Caller, name: &BucketName) -> Result<BucketUsage, Failure> {
        let bucket = self.bucket(caller, name).await?;
        Ok(self.catalog.usage(bucket.id, self.now()).await?)
    }

    /// Refuses a body before it comes, if there is no room for as many bytes as it declares: they would be stored for nothing.
    /// No room is taken, for it may be long in coming.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub(super) async fn expect_room(&self, bucket: &Bucket, declared: Option<u64>) -> Result<(), Failure> {
        if let Some(room) = self.make_room(bucket, declared.unwrap_or(0)).await? {
            room.give_back();
        }
        Ok(())
    }

    /// Makes room for so many bytes, which are about to be committed. None if the bucket has no quota.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub(super) async fn make_room(&self, bucket: &Bucket, bytes: u64) -> Result<Option<Room<'_>>, Failure> {
        let Some(quota) = bucket.facts.quota else { return Ok(None) };
        let take = || self.quotas.take(bucket.id, bytes, quota, self.now());
        if let Some(room) = take() {
            return Ok(Some(room));
        }
        let turn = self.quotas.turn(bucket.id);
        let _mine = turn.lock().await;
        // Whoever was before us may have counted.
        if let Some(room) = take() {
            return Ok(Some(room));
        }
        let begun = self.now();
        if let Some(settled) = self.quotas.begin(bucket.id, begun) {
            let usage = self.catalog.usage(bucket.id, begun).await?;
            self.quotas.learn(bucket.id, &usage, settled, self.now());
        }
        take().map(Some).ok_or_else(|| FailureCode::QuotaExceeded.into())
    }
}

impl Quotas {
    fn known(&self) -> MutexGuard<'_, HashMap<[u8; 16], Known>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }

    /// Takes the room, if what is known says that there is so much.
    fn take(&self, bucket: BucketId, bytes: u64, quota: u64, now: Timestamp) -> Option<Room<'_>> {
        let mut known = self.known();
        let known = known.get_mut(&bucket.0)?;
        let counted = known.counted.filter(|counted| now < counted.until)?;
        let since = known.settled.saturating_sub(counted.settled).saturating_add(known.in_flight);
        if counted.bytes.saturating_add(since).saturating_add(bytes) > quota {
            return None;
        }
        known.in_flight = known.in_flight.saturating_add(bytes);
        Some(Room { quotas: self, bucket, bytes })
    }

    /// The turn to count the bucket.
    fn turn(&self, bucket: BucketId) -> Arc<tokio::sync::Mutex<()>> {
        let mut known = self.known();
        if known.len() >= REMEMBERED_MAX && !known.contains_key(&bucket.0) {
            known.retain(|_, known| known.in_flight > 0 || Arc::strong_count(&known.turn) > 1);
        }
        Arc::clone(&known.entry(bucket.0).or_default().turn)
    }

    /// Begins a counting, if it is time for one: what has settled so far will be in it.
    fn begin(&self, bucket: BucketId, now: Timestamp) -> Option<u64> {
        let known = self.known();
        let known = known.get(&bucket.0)?;
        let is_time = known.counted.is_none_or(|counted| now >= counted.again_at);
        is_time.then_some(known.settled)
    }

    /// Ends a counting, which took the time since `usage.counted`.
    fn learn(&self, bucket: BucketId, usage: &BucketUsage, settled: u64, ended: Timestamp) {
        let took = i64::try_from(usage.counted.distance_millis(ended)).unwrap_or(i64::MAX);
        let rests = if usage.rows() <= FREELY_COUNTED { 0 } else { took.saturating_mul(RESTS) };
        let counted = Counted {
            bytes: usage.bytes().saturating_add(usage.part_bytes),
            settled,
            again_at: ended.plus_millis(rests),
            until: ended.plus_millis(rests.max(TRUSTED_MS)),
        };
        self.known().entry(bucket.0).or_default().counted = Some(counted);
    }
}

impl Room<'_> {
    /// Gives back what was not used.
    fn give_back(mut self) {
        let unused = std::mem::take(&mut self.bytes);
        if let Some(known) = self.quotas.known().get_mut(&self.bucket.0) {
            known.in_flight = known.in_flight.saturating_sub(unused);
        }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if let Some(known) = self.quotas.known().get_mut(&self.bucket.0) {
            known.in_flight = known.in_flight.saturating_sub(self.bytes);
            known.settled = known.settled.saturating_add(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::metadata::StorageClass;

    use super::*;

    const BUCKET: BucketId = BucketId([1; 16]);
    const NOON: Timestamp = Timestamp::from_seconds(43_200);

    fn holding(bytes: u64, rows: u64) -> BucketUsage {
        let mut usage = BucketUsage { counted: NOON, ..BucketUsage::default() };
        (0..rows).for_each(|row| usage.add(StorageClass::Standard, if row == 0 { bytes } else { 0 }));
        usage
    }

    #[test]
    fn room_is_taken_until_there_is_none() {
        let quotas = Quotas::default();
        let take = |bytes| quotas.take(BUCKET, bytes, 100, NOON);
        assert!(take(1).is_none(), "a bucket that was not counted");
        quotas.learn(BUCKET, &holding(60, 1), 0, NOON);
        let first = take(30).expect("there is room");
        assert!(take(11).is_none());
        drop(first);
        assert!(take(11).is_none(), "what was written stays");
        take(10).expect("there is room").give_back();
        drop(take(10).expect("to the last byte"));
        assert!(take(1).is_none());
        assert!(take(u64::MAX).is_none());
    }

    #[test]
    fn what_is_written_while_it_is_counted_is_added() {
        let quotas = Quotas::default();
        let take = |bytes| quotas.take(BUCKET, bytes, 100, NOON);
        quotas.learn(BUCKET, &holding(0, 0), 0, NOON);
        drop(take(10));
        let across = take(20);
        let settled = quotas.begin(BUCKET, NOON).expect("a small bucket is counted at any time");
        drop(take(30));
        drop(across);
        quotas.learn(BUCKET, &holding(10, 1), settled, NOON);
        assert!(take(41).is_none() && take(40).is_some());
    }

    #[test]
    fn a_large_bucket_is_not_counted_all_the_time() {
        let quotas = Quotas::default();
        let ended = NOON.plus_millis(1000);
        quotas.learn(BUCKET, &holding(0, FREELY_COUNTED + 1), 0, ended);
        assert_eq!(quotas.begin(BUCKET, ended.plus_millis(19_999)), None);
        assert!(quotas.take(BUCKET, 1, 1, ended.plus_millis(19_999)).is_some());
        assert_eq!(quotas.begin(BUCKET, ended.plus_millis(20_000)), Some(1));
        assert!(quotas.take(BUCKET, 0, 1, ended.plus_millis(20_000)).is_none(), "it is trusted no longer");
    }
}
