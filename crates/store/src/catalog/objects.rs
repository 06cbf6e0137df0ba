//! Objects. A version has two rows, written in one commit: its *entry*, all that a listing shows, by bucket and key; and its
//! *content*, by bucket, key and version: metadata, envelope, manifest, and the sealed bytes themselves if they are few. A content
//! is never changed in place by another version, so a reader sees either the whole of a version or none of it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_model::checksum::Checksum;
use strongroom_model::condition::{Conditions, Verdict};
use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::etag::ETag;
use strongroom_model::metadata::{CannedAcl, ObjectKind, ObjectMetadata, StorageClass};
use strongroom_model::name::ObjectKey;
use strongroom_model::time::Timestamp;

use super::buckets::{BucketId, Life, life_of};
use super::object_rows::{ContentRow, EntryRow};
use super::record::{Family, Key, first_version};
use super::{ATTEMPTS, Catalog, CatalogError, Change, Found};
use crate::blob_id::BlobId;
use crate::kv::{Commit, Expected};

/// The store's own id of an object version, drawn at random for each attempt to write one, and never used twice. Clients
/// of buckets that keep versions see it; others never do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct VersionUid(pub(crate) [u8; 16]);

/// What a listing shows of an object version, and what decides conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The version's id.
    pub(crate) uid: VersionUid,
    /// How many versions the key has had, this one included, since it was last without any: their order.
    pub(crate) generation: u64,
    /// Length of the plaintext in bytes.
    pub(crate) size: u64,
    /// Its tag.
    pub(crate) etag: ETag,
    /// When it was written.
    pub(crate) last_modified: Timestamp,
    /// Its storage class.
    pub(crate) storage_class: StorageClass,
    /// How it came to be.
    pub(crate) kind: ObjectKind,
    /// Whether its bytes are in blobs, which its content names.
    pub(crate) has_blobs: bool,
}

/// The rest of an object version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// MD5 of the plaintext, if it was computed.
    pub(crate) md5: Option<[u8; 16]>,
    /// Checksums that were kept.
    pub(crate) checksums: Vec<Checksum>,
    /// What its writer gave.
    pub(crate) metadata: ObjectMetadata,
    /// The access control list asked for.
    pub(crate) acl: CannedAcl,
    /// The encryption that answers name. The digest of a customer's key is not kept, and zero here.
    pub(crate) encryption: AppliedEncryption,
    /// The envelope (FORMAT.md §9).
    pub(crate) envelope: Bytes,
    /// The sealed manifest (FORMAT.md §10).
    pub(crate) manifest: Bytes,
    /// The blobs that hold the sealed parts.
    pub(crate) blobs: Vec<BlobId>,
    /// The sealed chunks, if they are not in blobs.
    pub(crate) inline: Option<Bytes>,
}

/// An object version to be written.
#[derive(Debug)]
pub(crate) struct NewVersion<'a> {
    /// Into which bucket.
    pub(crate) bucket: BucketId,
    /// Under which key.
    pub(crate) key: &'a ObjectKey,
    /// Its entry; the generation is set by the commit.
    pub(crate) entry: Entry,
    /// Its content.
    pub(crate) content: Content,
    /// Conditions on the object now there.
    pub(crate) conditions: &'a Conditions,
    /// When the blobs of the version that is overwritten may go.
    pub(crate) freed_due: Timestamp,
}

/// What became of a version that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commitment {
    /// It is the current version.
    Committed,
    /// The bucket is gone.
    BucketGone,
    /// The bucket is under deletion.
    BucketDeleting,
    /// The condition of this name does not hold.
    ConditionFailed(&'static str),
    /// It took so long that the reaper gave up its blobs.
    BlobsGivenUp,
}

impl Catalog {
    /// What there is now under a key, without its content.
    pub(crate) async fn entry(&self, bucket: BucketId, key: &ObjectKey) -> Result<Option<Entry>, CatalogError> {
        let found = self.get(&entry_key(bucket, key)).await?;
        Ok(found.map(|found| found.record.into_entry()))
    }

    /// What there is now under a key, whole.
    pub(crate) async fn object(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
    ) -> Result<Option<(Entry, Content)>, CatalogError> {
        for _ in 0..ATTEMPTS {
            let Some(entry) = self.entry(bucket, key).await? else { return Ok(None) };
            if let Some(found) = self.get(&content_key(bucket, key, entry.uid)).await? {
                return Ok(Some((entry, found.record.into_content()?)));
            }
            // Overwritten or deleted in between; unless the entry is still the same, which the next turn shows.
            if self.entry(bucket, key).await?.is_some_and(|now| now.uid == entry.uid) {
                return Err(CatalogError::Inconsistent("an object without its content"));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Makes a version the current one, its blobs live, and those of the version before it dead: all in one commit.
    pub(crate) async fn commit_version(&self, mut new: NewVersion<'_>) -> Result<Commitment, CatalogError> {
        let key = entry_key(new.bucket, new.key);
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let life_version = match self.life(new.bucket).await? {
                Life::Active(version) => version,
                Life::Deleting => return Ok(Commitment::BucketDeleting),
                Life::Gone => return Ok(Commitment::BucketGone),
            };
            let current = self.current(new.bucket, new.key).await?;
            let tag = current.as_ref().map(|current| &current.entry.etag);
            if let Verdict::Failed(condition) = new.conditions.judge_write(tag) {
                return Ok(Commitment::ConditionFailed(condition));
            }
            new.entry.generation = 1 + current.as_ref().map_or(0, |current| current.entry.generation);
            let change = new.change(current).check(&life_of(new.bucket), Expected::Version(life_version));
            if self.commit(change).await? == Commit::Committed {
                return Ok(Commitment::Committed);
            }
            for blob in &new.content.blobs {
                if !self.is_pending(*blob).await? {
                    return Ok(Commitment::BlobsGivenUp);
                }
            }
            if turn.is_none() {
                turn = Some(self.turns.take([key.as_bytes()].into_iter()).await);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Deletes what there is under `keys`, all of it in one commit; a key without an object is no error. The keys differ
    /// from each other, and are at most [`DELETIONS_MAX`]. `freed_due` is when their blobs may go.
    pub(crate) async fn delete_objects(
        &self,
        bucket: BucketId,
        keys: &[&ObjectKey],
        freed_due: Timestamp,
    ) -> Result<(), CatalogError> {
        let entries: Vec<_> = keys.iter().map(|key| entry_key(bucket, key)).collect();
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let mut change = Change::new();
            let mut found = 0;
            for (key, entry) in keys.iter().zip(&entries) {
                if let Some(current) = self.current(bucket, key).await? {
                    found += 1;
                    let checked = change.check(entry, Expected::Version(current.version)).delete(entry);
                    change = current.free(checked, bucket, key, freed_due);
                }
            }
            if found == 0 || self.commit(change).await? == Commit::Committed {
                return Ok(());
            }
            if turn.is_none() {
                turn = Some(self.turns.take(entries.iter().map(Key::as_bytes)).await);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Whether the bucket has no object at all.
    pub(crate) async fn is_empty(&self, bucket: BucketId) -> Result<bool, CatalogError> {
        let range = Key::<EntryRow>::range(&[&bucket.0]);
        Ok(self.scan::<EntryRow>(range, 1).await?.is_empty())
    }

    /// The version to be replaced or deleted, with all that must go with it. If it is replaced while its rows are
    /// read, the commit that relies on it will be in conflict.
    async fn current(&self, bucket: BucketId, key: &ObjectKey) -> Result<Option<Current>, CatalogError> {
        let Some(Found { record, version }) = self.get(&entry_key(bucket, key)).await? else { return Ok(None) };
        let entry = record.into_entry();
        let content = match entry.has_blobs {
            true => self.get(&content_key(bucket, key, entry.uid)).await?,
            false => None,
        };
        let blobs = content.map(|found| found.record.into_content()).transpose()?.map_or(Vec::new(), |it| it.blobs);
        Ok(Some(Current { entry, version, blobs }))
    }
}

/// The most keys that one call deletes: so few commits delete a thousand keys, and one key that is written at the same
/// time makes only so many be tried again. A batch has room for eight times as many.
pub(crate) const DELETIONS_MAX: usize = 250;

struct Current {
    entry: Entry,
    version: u64,
    blobs: Vec<BlobId>,
}

impl Current {
    /// Takes away the content, and gives up the blobs.
    fn free(self, change: Change, bucket: BucketId, key: &ObjectKey, due: Timestamp) -> Change {
        let change = change.delete(&content_key(bucket, key, self.entry.uid));
        if self.blobs.is_empty() { change } else { change.make_dead(self.entry.uid.0, self.blobs, due) }
    }
}

impl NewVersion<'_> {
    fn change(&self, current: Option<Current>) -> Change {
        let key = entry_key(self.bucket, self.key);
        let expected = current.as_ref().map_or(Expected::Absent, |current| Expected::Version(current.version));
        let change = Change::new()
            .check(&key, expected)
            .put(&key, &EntryRow::new(&self.entry))
            .put(&content_key(self.bucket, self.key, self.entry.uid), &ContentRow::new(&self.content));
        let change = self.content.blobs.iter().fold(change, |change, blob| change.make_live(*blob));
        match current {
            Some(current) => current.free(change, self.bucket, self.key, self.freed_due),
            None => change,
        }
    }
}

/// Bucket ids have one length and keys come last, so that the rows order as the keys do.
pub(super) fn entry_key(bucket: BucketId, key: &ObjectKey) -> Key<EntryRow> {
    Key::new(&[&bucket.0, key.as_str().as_bytes()])
}

/// No key has a NUL, so it tells where the key ends.
fn content_key(bucket: BucketId, key: &ObjectKey, uid: VersionUid) -> Key<ContentRow> {
    Key::new(&[&bucket.0, key.as_str().as_bytes(), b"\0", &uid.0])
}

first_version!(EntryRow, Family::Object);
first_version!(ContentRow, Family::Content);
