//! Rows that a recovery keeps while it goes through the blobs: the records of versions, as they came, in the order of their places.

use bytes::Bytes;
use strongroom_model::condition::Conditions;
use strongroom_model::time::Timestamp;

use super::buckets::Alive;
use super::history::{Moment, NewVersion, Place, free, make_room};
use super::protection::Terms;
use super::record::{Family, Key};
use super::version_records::{RecordRow, VersionRecord};
use super::{Catalog, CatalogError, Change, PAGE};
use crate::blob_id::BlobId;
use crate::kv::{Batch, Commit, KeyRange};

/// Bytes of a version's id, which end the place of its record.
const UID_BYTES: usize = 16;

/// What became of a version that was to be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rebuilt {
    /// It is there, besides all others.
    Added,
    /// It is there, and has overwritten one.
    Overwriting,
    /// What it would overwrite was kept when it was written, so that it was refused then.
    Refused,
}

impl Catalog {
    /// Writes a version of which only its record was left, as it would be written now into a bucket that is as `alive` says, but that a
    /// policy keeps nothing from what was written before it was made.
    pub(crate) async fn rebuild_version(
        &self,
        record: VersionRecord,
        alive: Alive,
        freed_due: Timestamp,
    ) -> Result<Rebuilt, CatalogError> {
        let VersionRecord { bucket, key, entry, content } = record;
        let place = Place { bucket, key: &key };
        let moment = Moment { now: entry.last_modified, freed_due };
        let latest = self.latest(bucket, &key).await?;
        let alive = Alive { worm: alive.worm.filter(|worm| worm.created <= moment.now), ..alive };
        let terms = Terms { alive, now: moment.now, bypass: false };
        let displaced = self.displaced(place, latest.as_ref().map(|(latest, _)| latest), terms).await?;
        let Some(displaced) = displaced else { return Ok(Rebuilt::Refused) };
        let rebuilt = if displaced.is_empty() { Rebuilt::Added } else { Rebuilt::Overwriting };
        let change = free(place, displaced, moment, Change::new());
        let (seat, change) = make_room(place, latest, alive.versioning, moment, change);
        let change = content.blobs.iter().fold(change, |change, blob| change.adopt(*blob));
        let conditions = Conditions::default();
        let mut new = NewVersion {
            bucket,
            key: &key,
            entry,
            content,
            lock: alive.lock,
            conditions: &conditions,
            freed_due,
            completion: None,
            record: None,
        };
        match self.commit(new.take(seat, change)).await? {
            Commit::Committed => Ok(rebuilt),
            Commit::Conflict => Err(CatalogError::Contended(1)),
        }
    }

    /// Keeps a record that some blob ends in, unless one of the same version is kept that was written later. Answers whether it
    /// is a record of this catalog.
    pub(crate) async fn keep_record(&self, place: Bytes, sealed: Bytes) -> Result<bool, CatalogError> {
        if place.first() != Some(&(Family::VersionRecord as u8)) {
            return Ok(false);
        }
        let Ok(record) = self.open_version(&place, &sealed) else { return Ok(false) };
        let kept = match self.kv.get(&place).await? {
            Some(kept) => Some(self.open_version(&place, &kept.value)?),
            None => None,
        };
        if kept.is_none_or(|kept| age(&kept) < age(&record)) {
            let _unchecked = self.kv.commit(Batch::new().put(place, sealed)).await?;
        }
        Ok(true)
    }

    /// All records of the first key that has any, with their places, in the order in which the versions were written; none if
    /// none are left.
    pub(crate) async fn recorded_versions(&self) -> Result<Option<Vec<(Bytes, VersionRecord)>>, CatalogError> {
        let first = self.kv.scan(Key::<RecordRow>::range(&[]), 1).await?;
        let Some(first) = first.first() else { return Ok(None) };
        let of_key = first.key.len().checked_sub(UID_BYTES).map(|end| first.key.slice(..end));
        let of_key = of_key.ok_or(CatalogError::Inconsistent("the place of a version's record"))?;
        let mut range = KeyRange::prefix(of_key);
        let mut versions = Vec::new();
        loop {
            let page = self.kv.scan(range.clone(), PAGE).await?;
            let Some(last) = page.last() else { break };
            range.start = [last.key.as_ref(), b"\0"].concat().into();
            for row in page {
                let record = self.open_version(&row.key, &row.value)?;
                versions.push((row.key, record));
            }
        }
        versions.sort_by_key(|(_, record)| (record.entry.last_modified, record.entry.uid.0));
        Ok(Some(versions))
    }

    /// The record at `place` has been seen to.
    pub(crate) async fn forget_record(&self, place: &Bytes) -> Result<(), CatalogError> {
        let _unchecked = self.kv.commit(Batch::new().delete(place.clone())).await?;
        Ok(())
    }

    /// Lists blobs that nothing needs, to be removed when they are due.
    pub(crate) async fn list_dead(&self, blobs: &[BlobId], due: Timestamp) -> Result<(), CatalogError> {
        for page in blobs.chunks(PAGE) {
            let dead = |change: Change, blob: &BlobId| change.make_dead(*blob.as_bytes(), vec![*blob], due);
            let _unchecked = self.commit(page.iter().fold(Change::new(), dead)).await?;
        }
        Ok(())
    }
}

/// Which of two records of one version was written later: appends leave one in each blob, also those that were refused or broken off.
fn age(record: &VersionRecord) -> (u64, usize, Timestamp) {
    (record.entry.revision, record.content.blobs.len(), record.entry.last_modified)
}

#[cfg(test)]
mod tests {
    use strongroom_model::acl::Acl;
    use strongroom_model::encryption::AppliedEncryption;
    use strongroom_model::etag::ETag;
    use strongroom_model::lock::{ObjectLock, Worm};
    use strongroom_model::metadata::{ObjectKind, StorageClass};
    use strongroom_model::name::{ObjectKey, PartNumber};
    use strongroom_model::setting::{ObjectSettings, Versioning};
    use strongroom_model::tag::TagSet;

    use super::*;
    use crate::catalog::buckets::BucketId;
    use crate::catalog::objects::{Content, Entry, VersionUid};
    use crate::kv::MemoryKv;

    const BUCKET: BucketId = BucketId([7; 16]);
    const UNKEPT: Alive = Alive { version: 1, versioning: Versioning::Never, lock: None, worm: None };

    async fn catalog() -> Catalog {
        Catalog::over(std::sync::Arc::new(MemoryKv::new())).await
    }

    fn blobs(seed: u8, count: u32) -> Vec<BlobId> {
        let id = |n: u32| [[seed; 12].as_slice(), &n.to_be_bytes()].concat().try_into().unwrap();
        (0..count).map(|n| BlobId::from_bytes(id(n))).collect()
    }

    fn record(seed: u8, written: i64, blobs: Vec<BlobId>) -> VersionRecord {
        let entry = Entry {
            uid: VersionUid([seed; 16]),
            generation: 0,
            is_null: true,
            size: 1,
            etag: ETag { digest: [seed; 16], parts: None },
            last_modified: Timestamp::from_millis(written),
            storage_class: StorageClass::Standard,
            kind: ObjectKind::Normal,
            has_blobs: true,
            revision: 0,
        };
        let settings = ObjectSettings { tags: TagSet::default(), acl: Acl::Inherited, lock: ObjectLock::default() };
        let content = Content {
            md5: None,
            checksums: Vec::new(),
            metadata: Default::default(),
            settings,
            encryption: AppliedEncryption::Plain,
            envelope: Bytes::new(),
            manifest: Bytes::new(),
            blobs,
            parts: None,
            sealed: None,
            link: None,
            inline: None,
            revision: 0,
        };
        VersionRecord { bucket: BUCKET, key: ObjectKey::parse("k").unwrap(), entry, content }
    }

    #[tokio::test]
    async fn an_object_of_the_most_parts_is_one_commit() {
        let catalog = catalog().await;
        let blobs = blobs(1, PartNumber::MAX + 1);
        let rebuilt = catalog.rebuild_version(record(1, 0, blobs.clone()), UNKEPT, Timestamp::from_millis(0)).await;
        assert_eq!(rebuilt.unwrap(), Rebuilt::Added);
        assert!(catalog.is_live(blobs[0]).await.unwrap() && catalog.is_live(*blobs.last().unwrap()).await.unwrap());
    }

    /// The first was written at 1,000 ms, the second at 2,000 ms, into a bucket that keeps no versions.
    #[tokio::test]
    async fn a_policy_keeps_what_it_kept_when_it_was_written_over() {
        let due = Timestamp::from_millis(9_000);
        for (created, expected, latest) in [(1_500, Rebuilt::Refused, 1), (2_500, Rebuilt::Overwriting, 2)] {
            let catalog = catalog().await;
            let worm = Worm { id: [0; 16], days: 1, created: Timestamp::from_millis(created), locked: true };
            let alive = Alive { worm: Some(worm), ..UNKEPT };
            let (first, second) = (blobs(1, 1), blobs(2, 1));
            let rebuilt = catalog.rebuild_version(record(1, 1_000, first.clone()), alive, due).await.unwrap();
            assert_eq!(rebuilt, Rebuilt::Added);
            let rebuilt = catalog.rebuild_version(record(2, 2_000, second.clone()), alive, due).await.unwrap();
            assert_eq!(rebuilt, expected);
            let key = ObjectKey::parse("k").unwrap();
            let found = catalog.latest(BUCKET, &key).await.unwrap().unwrap().0;
            assert_eq!(found.version.uid(), VersionUid([latest; 16]));
            let is_refused = expected == Rebuilt::Refused;
            assert_eq!(catalog.knows_blob(second[0]).await.unwrap(), !is_refused, "what was refused is left alone");
            let dead: Vec<_> = catalog.dead_blobs(None).await.unwrap().into_iter().map(|dead| dead.blobs).collect();
            assert_eq!(dead, if is_refused { vec![] } else { vec![first] });
        }
    }
}
