//! All object versions of a bucket, one after the other, for whoever looks at everything: a row that cannot be read is an answer
//! here, and not the end of the walk.

use bytes::Bytes;
use strongroom_model::name::ObjectKey;
use strongroom_model::outcome::bucket::BucketUsage;
use strongroom_model::time::Timestamp;

use super::buckets::{Bucket, BucketId, BucketRow, parse_name};
use super::object_rows::{LatestRow, NoncurrentRow};
use super::objects::{Content, VersionEntry, VersionUid, content_key};
use super::record::{Family, Key};
use super::{Catalog, CatalogError, PAGE};
use crate::blob_id::BlobId;
use crate::kv::{KeyRange, Row};

/// Rows that the walk fetches at once.
const WALK_PAGE: usize = 256;

/// Where a walk is: the row that it came to last.
pub(crate) type Cursor = Bytes;

/// A version, as the walk came by it.
#[derive(Debug)]
pub(crate) struct Walked {
    /// To go on behind it.
    pub(crate) cursor: Cursor,
    /// Its key, for people, even if it is none.
    pub(crate) name: String,
    /// What its row says, or why it says nothing.
    pub(crate) version: Result<(ObjectKey, VersionEntry), CatalogError>,
}

/// A bucket, as the walk came by it: its name, for people, and what its row says, or why it says nothing.
pub(crate) type WalkedBucket = (String, Result<Bucket, CatalogError>);

impl Catalog {
    /// What the versions of a bucket and the parts of its uploads come to, counted one by one: not as of one moment, for they
    /// come and go meanwhile. An upload is counted before the versions, so that what it becomes is not missed.
    pub(crate) async fn usage(&self, bucket: BucketId, now: Timestamp) -> Result<BucketUsage, CatalogError> {
        let mut usage = BucketUsage { counted: now, ..BucketUsage::default() };
        self.count_uploads(bucket, &mut usage).await?;
        let mut cursor = None;
        loop {
            let page = self.walk(bucket, cursor.as_ref()).await?;
            let Some(last) = page.last() else { return Ok(usage) };
            cursor = Some(last.cursor.clone());
            for walked in page {
                match walked.version?.1 {
                    VersionEntry::Object(entry) => usage.add(entry.storage_class, entry.size),
                    VersionEntry::Marker(_) => usage.delete_markers += 1,
                }
            }
        }
    }

    /// The next buckets of all accounts, in the order of their names, those behind `after`; none at the end.
    pub(crate) async fn walk_buckets(&self, after: &str) -> Result<Vec<WalkedBucket>, CatalogError> {
        let mut range = Key::<BucketRow>::range(&[]);
        range.start = Key::<BucketRow>::new(&[after.as_bytes(), b"\0"]).as_bytes().clone();
        let rows = self.kv.scan(range, WALK_PAGE).await?;
        let walked = rows.into_iter().map(|row| {
            let key = Key::<BucketRow>::from_bytes(row.key.clone());
            let bucket = parse_name(key.parts())
                .and_then(|name| self.unseal::<BucketRow>(&row.key, &row.value)?.into_bucket(name));
            (String::from_utf8_lossy(key.parts()).into_owned(), bucket)
        });
        Ok(walked.collect())
    }

    /// The next versions of `bucket`, those behind `cursor`; none at the end. All latest ones come before all others.
    pub(crate) async fn walk(&self, bucket: BucketId, cursor: Option<&Cursor>) -> Result<Vec<Walked>, CatalogError> {
        let mut page = Vec::new();
        if cursor.is_none_or(|cursor| cursor.first() == Some(&(Family::Object as u8))) {
            page = self.kv.scan(behind(Key::<LatestRow>::range(&[&bucket.0]), cursor), WALK_PAGE).await?;
        }
        if page.is_empty() {
            page = self.kv.scan(behind(Key::<NoncurrentRow>::range(&[&bucket.0]), cursor), WALK_PAGE).await?;
        }
        Ok(page.into_iter().map(|row| self.walked(bucket, row)).collect())
    }

    fn walked(&self, bucket: BucketId, row: Row) -> Walked {
        let place = row.key.get(1 + bucket.0.len()..).unwrap_or_default();
        let name = place.split(|byte| *byte == 0).next().unwrap_or_default();
        let version = parse_key(name).and_then(|key| Ok((key, self.read_version(&row.key, &row.value)?)));
        Walked { name: String::from_utf8_lossy(name).into_owned(), version, cursor: row.key }
    }

    fn read_version(&self, key: &[u8], value: &[u8]) -> Result<VersionEntry, CatalogError> {
        if key.first() == Some(&(Family::Object as u8)) {
            return Ok(self.unseal::<LatestRow>(key, value)?.into_latest().version);
        }
        Ok(self.unseal::<NoncurrentRow>(key, value)?.into_noncurrent().version)
    }

    /// Whether the row that the walk came to at `cursor` is still the version's.
    pub(crate) async fn is_still_at(&self, cursor: &Cursor, uid: VersionUid) -> Result<bool, CatalogError> {
        let Some(found) = self.kv.get(cursor).await? else { return Ok(false) };
        Ok(self.read_version(cursor, &found.value)?.uid() == uid)
    }

    /// How many versions a bucket has, and how many bytes they are.
    pub(crate) async fn weigh(&self, bucket: BucketId) -> Result<(u64, u64), CatalogError> {
        let (mut versions, mut bytes) = (0, 0);
        for mut range in [Key::<LatestRow>::range(&[&bucket.0]), Key::<NoncurrentRow>::range(&[&bucket.0])] {
            loop {
                let rows = self.kv.scan(range.clone(), PAGE).await?;
                let Some(last) = rows.last() else { break };
                range.start = [last.key.as_ref(), b"\0"].concat().into();
                versions += rows.len() as u64;
                // A row that does not open has no size; the walk will say so.
                let read = rows.iter().flat_map(|row| self.read_version(&row.key, &row.value));
                bytes += read.map(|version| version.object().map_or(0, |entry| entry.size)).sum::<u64>();
            }
        }
        Ok((versions, bytes))
    }

    /// What the version's content row holds, if there is one: nothing, if it is a delete marker's.
    pub(crate) async fn content(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        uid: VersionUid,
    ) -> Result<Option<Option<Content>>, CatalogError> {
        let found = self.get(&content_key(bucket, key, uid)).await?;
        found.map(|found| Ok(found.record.into_parts()?.1)).transpose()
    }

    /// Whether the version, if there is one, has this blob.
    pub(crate) async fn version_has_blob(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        uid: VersionUid,
        blob: BlobId,
    ) -> Result<bool, CatalogError> {
        let content = self.content(bucket, key, uid).await?.flatten();
        Ok(content.is_some_and(|content| content.blobs.contains(&blob)))
    }
}

/// The object key that a row's key ends in.
pub(super) fn parse_key(name: &[u8]) -> Result<ObjectKey, CatalogError> {
    let key = std::str::from_utf8(name).ok().and_then(|name| ObjectKey::parse(name).ok());
    key.ok_or(CatalogError::Inconsistent("an object's key"))
}

/// The rows of `range` behind `cursor`, if that lies in it.
pub(super) fn behind(range: KeyRange, cursor: Option<&Cursor>) -> KeyRange {
    match cursor {
        Some(cursor) if *cursor >= range.start => KeyRange { start: [cursor.as_ref(), b"\0"].concat().into(), ..range },
        _ => range,
    }
}
