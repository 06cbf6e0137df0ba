//! Rows that a recovery keeps while it goes through the blobs: the records of versions, as they came, in the order of their places.

use bytes::Bytes;
use strongroom_model::time::Timestamp;

use super::record::{Family, Key};
use super::version_records::{RecordRow, VersionRecord};
use super::{Catalog, CatalogError, Change, PAGE};
use crate::blob_id::BlobId;
use crate::kv::{Batch, KeyRange, Put};

/// Bytes of a version's id, which end the place of its record.
const UID_BYTES: usize = 16;

impl Catalog {
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
