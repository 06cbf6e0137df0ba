//! Rows that a recovery keeps while it goes through the blobs: the records of versions, as they came, in the order of their places.

use bytes::Bytes;
use strongroom_model::condition::Conditions;
use strongroom_model::setting::Versioning;
use strongroom_model::time::Timestamp;

use super::buckets::{Alive, Life};
use super::history::{Moment, NewVersion, Place, free, make_room};
use super::protection::Terms;
use super::record::{Family, Key};
use super::version_records::{RecordRow, VersionRecord};
use super::{Catalog, CatalogError, Change, PAGE};
use crate::blob_id::BlobId;
use crate::kv::{Batch, Commit, KeyRange, Put};

/// Bytes of a version's id, which end the place of its record.
const UID_BYTES: usize = 16;

impl Catalog {
    /// Writes a version of which only its record was left, as it would be written now into a bucket that keeps versions as
    /// `versioning` says. Its blobs are pending. Answers how many versions that leaves out: the
    /// one that it overwrites, or, over a version that was kept, itself, for it was refused then.
    pub(crate) async fn rebuild_version(
        &self,
        record: VersionRecord,
        versioning: Versioning,
        freed_due: Timestamp,
    ) -> Result<u64, CatalogError> {
        let VersionRecord { bucket, key, entry, content } = record;
        let place = Place { bucket, key: &key };
        let moment = Moment { now: entry.last_modified, freed_due };
        let latest = self.latest(bucket, &key).await?;
        let is_overwritten = versioning != Versioning::Enabled
            && latest.as_ref().is_some_and(|(latest, _)| latest.version.is_null() || latest.null.is_some());
        let (Life::Active(alive) | Life::Deleting(alive)) = self.life(bucket).await? else { return Ok(0) };
        let terms = Terms { alive: Alive { versioning, ..alive }, now: moment.now, bypass: false };
        let displaced = self.displaced(place, latest.as_ref().map(|(latest, _)| latest), terms).await?;
        let Some(displaced) = displaced else { return Ok(1) };
        let change = free(place, displaced, moment, Change::new());
        let (seat, change) = make_room(place, latest, versioning, moment, change);
        let conditions = Conditions::default();
        let mut new = NewVersion {
            bucket,
            key: &key,
            entry,
            content,
            conditions: &conditions,
            freed_due,
            completion: None,
            record: None,
        };
        match self.commit(new.take(seat, change)).await? {
            Commit::Committed => Ok(u64::from(is_overwritten)),
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

    /// Rows as they were elsewhere in this catalog.
    pub(crate) async fn write_sealed(&self, rows: &[(Bytes, Bytes)]) -> Result<(), CatalogError> {
        for page in rows.chunks(PAGE) {
            let puts = page.iter().map(|(key, value)| Put { key: key.clone(), value: value.clone() }).collect();
            let _unchecked = self.kv.commit(Batch { puts, ..Batch::new() }).await?;
        }
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

/// Which of two records of one version was written later: appends leave one in each blob.
fn age(record: &VersionRecord) -> (u64, usize) {
    (record.entry.revision, record.content.blobs.len())
}
