//! Objects. A version has two rows, written in one commit: its *entry*, all that a listing shows; and its *content*, by bucket, key
//! and version: metadata, envelope, manifest, and the sealed bytes themselves if they are few. A content is never changed in
//! place by another version, so a reader sees either the whole of a version or none of it.
//!
//! The entry of the latest version of a key lies by bucket and key, and heads the key's history; those before it lie apart,
//! newest first. How a history changes is in [`super::history`].

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_model::checksum::Checksum;
use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::etag::ETag;
use strongroom_model::metadata::{ObjectKind, ObjectMetadata, StorageClass};
use strongroom_model::name::{ObjectKey, PartNumber, VersionId};
use strongroom_model::setting::ObjectSettings;
use strongroom_model::time::Timestamp;

use super::buckets::BucketId;
use super::object_rows::{ContentRow, LatestRow, NoncurrentRow};
use super::record::{Family, Key, first_version};
use super::{ATTEMPTS, Catalog, CatalogError};
use crate::blob_id::BlobId;

/// The store's own id of an object version, drawn at random for each attempt to write one, and never used twice. Clients
/// of buckets that keep versions see it; others never do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct VersionUid(pub(crate) [u8; 16]);

/// What a listing shows of an object version, and what decides conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The version's id.
    pub(crate) uid: VersionUid,
    /// Its place in the order of its key's versions, which neither clocks nor attempts that overlap can give. Set by the commit.
    pub(crate) generation: u64,
    /// Whether it is the key's null version: written while the bucket kept no versions. Set by the commit.
    pub(crate) is_null: bool,
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
    /// Whether any of its bytes are in blobs, which its content names.
    pub(crate) has_blobs: bool,
    /// How often it was changed in place. Its content says the same.
    pub(crate) revision: u64,
}

/// A delete marker: a version that says that there is no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The version's id.
    pub(crate) uid: VersionUid,
    /// As in [`Entry`].
    pub(crate) generation: u64,
    /// As in [`Entry`].
    pub(crate) is_null: bool,
    /// When it was written.
    pub(crate) last_modified: Timestamp,
}

/// One version of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VersionEntry {
    /// An object.
    Object(Entry),
    /// A delete marker.
    Marker(Marker),
}

/// The latest version of a key, and what it knows of those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Latest {
    /// The version.
    pub(crate) version: VersionEntry,
    /// The generation of the null version, if it is among the noncurrent ones.
    pub(crate) null: Option<u64>,
    /// The generation of the newest noncurrent version, if there is any.
    pub(crate) before: Option<u64>,
}

/// A version that was the latest once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noncurrent {
    /// The version.
    pub(crate) version: VersionEntry,
    /// Since when it is not the latest.
    pub(crate) since: Timestamp,
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
    /// Its tags, access control list, retention and legal hold.
    pub(crate) settings: ObjectSettings,
    /// The encryption that answers name. The digest of a customer's key is not kept, and zero here.
    pub(crate) encryption: AppliedEncryption,
    /// The envelope (FORMAT.md §9).
    pub(crate) envelope: Bytes,
    /// The sealed manifest (FORMAT.md §10).
    pub(crate) manifest: Bytes,
    /// The blobs that hold the sealed parts.
    pub(crate) blobs: Vec<BlobId>,
    /// The parts that it was uploaded in, if it was.
    pub(crate) parts: Option<Parts>,
    /// Since when nothing can be appended any more.
    pub(crate) sealed: Option<Timestamp>,
    /// Where it leads, if it is a symbolic link.
    pub(crate) link: Option<ObjectKey>,
    /// The sealed chunks of the last part, or the only one, if they are not in a blob.
    pub(crate) inline: Option<Bytes>,
    /// How often the version was changed in place.
    pub(crate) revision: u64,
}

/// The parts of a version that was uploaded in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// In order.
    pub(crate) parts: Vec<PartSummary>,
    /// Whether the upload's checksum was asked for.
    pub(crate) checksum_asked: bool,
}

/// What is told of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartSummary {
    /// Its number.
    pub(crate) number: PartNumber,
    /// Length of its plaintext in bytes.
    pub(crate) size: u64,
    /// Its tag.
    pub(crate) tag: [u8; 16],
    /// The checksum that the upload kept.
    pub(crate) checksum: Option<Checksum>,
}

/// What there is under a key and a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    /// An object.
    Object(Box<(Entry, Content)>),
    /// A delete marker.
    Marker(Marker),
    /// Nothing.
    Nothing,
}

impl VersionEntry {
    /// Its id in the store.
    pub(crate) fn uid(&self) -> VersionUid {
        match self {
            Self::Object(entry) => entry.uid,
            Self::Marker(marker) => marker.uid,
        }
    }

    /// Its place among the versions of its key.
    pub(crate) fn generation(&self) -> u64 {
        match self {
            Self::Object(entry) => entry.generation,
            Self::Marker(marker) => marker.generation,
        }
    }

    /// Whether it is the key's null version.
    pub(crate) fn is_null(&self) -> bool {
        match self {
            Self::Object(entry) => entry.is_null,
            Self::Marker(marker) => marker.is_null,
        }
    }

    /// Its id as clients know it.
    pub(crate) fn id(&self) -> VersionId {
        version_id(self.uid(), self.is_null())
    }

    /// When it was written.
    pub(crate) fn last_modified(&self) -> Timestamp {
        match self {
            Self::Object(entry) => entry.last_modified,
            Self::Marker(marker) => marker.last_modified,
        }
    }

    /// The object, if it is one.
    pub(crate) fn object(&self) -> Option<&Entry> {
        match self {
            Self::Object(entry) => Some(entry),
            Self::Marker(_) => None,
        }
    }

    /// Whether clients call it `id`.
    pub(super) fn is_called(&self, id: VersionId) -> bool {
        self.id() == id
    }
}

impl Entry {
    /// The version's id as clients know it.
    pub(crate) fn id(&self) -> VersionId {
        version_id(self.uid, self.is_null)
    }
}

impl Marker {
    /// The version's id as clients know it.
    pub(crate) fn id(&self) -> VersionId {
        version_id(self.uid, self.is_null)
    }
}

impl Catalog {
    /// The object that there is now under a key, without its content.
    pub(crate) async fn entry(&self, bucket: BucketId, key: &ObjectKey) -> Result<Option<Entry>, CatalogError> {
        let found = self.get(&latest_key(bucket, key)).await?;
        Ok(found.and_then(|found| match found.record.into_latest().version {
            VersionEntry::Object(entry) => Some(entry),
            VersionEntry::Marker(_) => None,
        }))
    }

    /// The version of that id, or the latest.
    pub(crate) async fn version(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        id: Option<VersionId>,
    ) -> Result<Sought, CatalogError> {
        match id {
            Some(VersionId::Id(uid)) => self.version_by_uid(bucket, key, VersionUid(uid)).await,
            Some(VersionId::Null) => self.version_by_entry(bucket, key, true).await,
            None => self.version_by_entry(bucket, key, false).await,
        }
    }

    /// A version with an id of its own. Most that are asked for so are noncurrent: their content says where their entry is.
    async fn version_by_uid(&self, bucket: BucketId, key: &ObjectKey, uid: VersionUid) -> Result<Sought, CatalogError> {
        for _ in 0..ATTEMPTS {
            let Some(found) = self.get(&content_key(bucket, key, uid)).await? else { return Ok(Sought::Nothing) };
            let (generation, content) = found.record.into_parts()?;
            let noncurrent = self.noncurrent(bucket, key, generation).await?.map(|noncurrent| noncurrent.version);
            let version = match noncurrent.filter(|version| version.uid() == uid) {
                Some(version) => Some(version),
                None => self.latest(bucket, key).await?.map(|(latest, _)| latest.version),
            };
            // It may have moved between the two looks for it: then it is looked for again.
            let Some(version) = version.filter(|version| version.uid() == uid) else { continue };
            if version.is_null() {
                return Ok(Sought::Nothing);
            }
            if let Some(sought) = sought(version, content)? {
                return Ok(sought);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// The latest version, or the null one, by its entry.
    async fn version_by_entry(&self, bucket: BucketId, key: &ObjectKey, null: bool) -> Result<Sought, CatalogError> {
        let mut missed = None;
        for _ in 0..ATTEMPTS {
            let Some((latest, row)) = self.latest(bucket, key).await? else { return Ok(Sought::Nothing) };
            if missed == Some(row) {
                return Err(CatalogError::Inconsistent("a version without its entry or its content"));
            }
            missed = Some(row);
            let version = match (null && !latest.version.is_null(), latest.null) {
                (false, _) => latest.version,
                (true, None) => return Ok(Sought::Nothing),
                (true, Some(generation)) => match self.noncurrent(bucket, key, generation).await? {
                    Some(noncurrent) => noncurrent.version,
                    None => continue,
                },
            };
            // What was overwritten, changed or deleted in between has another entry now, which the next turn shows.
            if let Some(found) = self.get(&content_key(bucket, key, version.uid())).await?
                && let Some(sought) = sought(version, found.record.into_parts()?.1)?
            {
                return Ok(sought);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// The head of a key's history, and the version of its row, which every change of the history checks.
    pub(super) async fn latest(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
    ) -> Result<Option<(Latest, u64)>, CatalogError> {
        let found = self.get(&latest_key(bucket, key)).await?;
        Ok(found.map(|found| (found.record.into_latest(), found.version)))
    }

    /// The noncurrent version of that generation.
    pub(super) async fn noncurrent(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        generation: u64,
    ) -> Result<Option<Noncurrent>, CatalogError> {
        let found = self.get(&noncurrent_key(bucket, key, generation)).await?;
        Ok(found.map(|found| found.record.into_noncurrent()))
    }

    /// The generation of the version of that id in a history whose head was read just now.
    pub(super) async fn generation(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        latest: &Latest,
        id: VersionId,
    ) -> Result<Option<u64>, CatalogError> {
        match id {
            _ if latest.version.is_called(id) => Ok(Some(latest.version.generation())),
            VersionId::Null => Ok(latest.null),
            VersionId::Id(uid) => {
                let found = self.get(&content_key(bucket, key, VersionUid(uid))).await?;
                Ok(found.map(|found| found.record.into_parts()).transpose()?.map(|(generation, _)| generation))
            }
        }
    }

    /// The noncurrent versions of a key, newest first: those of generations below `below`, or all; up to `limit`.
    pub(crate) async fn noncurrents(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        below: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Noncurrent>, CatalogError> {
        let mut range = Key::<NoncurrentRow>::range(&[&bucket.0, key.as_str().as_bytes(), b"\0"]);
        match below {
            None => {}
            // There is no generation 0.
            Some(0 | 1) => return Ok(Vec::new()),
            Some(below) => range.start = noncurrent_key(bucket, key, below - 1).as_bytes().clone(),
        }
        let found = self.scan::<NoncurrentRow>(range, limit).await?;
        Ok(found.into_iter().map(|found| found.record.into_noncurrent()).collect())
    }

    /// Whether the bucket has no version of any object at all.
    pub(crate) async fn is_empty(&self, bucket: BucketId) -> Result<bool, CatalogError> {
        // Noncurrent versions have a latest one before them; the second look costs little and relies on nothing.
        let none = self.scan::<LatestRow>(Key::<LatestRow>::range(&[&bucket.0]), 1).await?.is_empty();
        Ok(none && self.scan::<NoncurrentRow>(Key::<NoncurrentRow>::range(&[&bucket.0]), 1).await?.is_empty())
    }
}

/// The id by which clients know a version.
pub(crate) fn version_id(uid: VersionUid, is_null: bool) -> VersionId {
    if is_null { VersionId::Null } else { VersionId::Id(uid.0) }
}

/// The two rows of a version put together; none if it was changed in between.
fn sought(version: VersionEntry, content: Option<Content>) -> Result<Option<Sought>, CatalogError> {
    match (version, content) {
        (VersionEntry::Object(entry), Some(content)) if entry.revision != content.revision => Ok(None),
        (VersionEntry::Object(entry), Some(content)) => Ok(Some(Sought::Object(Box::new((entry, content))))),
        (VersionEntry::Marker(marker), None) => Ok(Some(Sought::Marker(marker))),
        _ => Err(CatalogError::Inconsistent("an entry and its content")),
    }
}

/// Bucket ids have one length and keys come last, so that the rows order as the keys do.
pub(super) fn latest_key(bucket: BucketId, key: &ObjectKey) -> Key<LatestRow> {
    Key::new(&[&bucket.0, key.as_str().as_bytes()])
}

/// No key has a NUL, so it tells where the key ends. Newest first.
pub(super) fn noncurrent_key(bucket: BucketId, key: &ObjectKey, generation: u64) -> Key<NoncurrentRow> {
    Key::new(&[&bucket.0, key.as_str().as_bytes(), b"\0", &(u64::MAX - generation).to_be_bytes()])
}

/// No key has a NUL, so it tells where the key ends.
pub(super) fn content_key(bucket: BucketId, key: &ObjectKey, uid: VersionUid) -> Key<ContentRow> {
    Key::new(&[&bucket.0, key.as_str().as_bytes(), b"\0", &uid.0])
}

first_version!(LatestRow, Family::Object);
first_version!(ContentRow, Family::Content);
first_version!(NoncurrentRow, Family::Noncurrent);
