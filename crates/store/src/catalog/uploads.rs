//! Multipart uploads. An upload has a row of its own, by bucket, key and id, and one for each part that was written, by id and number.
//! It ends in one commit that removes its row: a completion, which makes the object, or an abortion. The completion removes the rows
//! of the parts that it names, too; so what is left of an ended upload are parts that no object has, and is swept away.
//!
//! A part is committed only while its upload has a row, and a completion only while the parts that it names have the rows that
//! were read. So no object ever names a blob that was replaced, and no part is written that nobody sweeps.

use bytes::Bytes;
use strongroom_model::account::Principal;
use strongroom_model::checksum::Checksum;
use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::metadata::{ObjectMetadata, StorageClass};
use strongroom_model::name::{ObjectKey, PartNumber, UploadId};
use strongroom_model::operation::upload::UploadChecksum;
use strongroom_model::setting::ObjectSettings;
use strongroom_model::time::Timestamp;
use zeroize::Zeroizing;

use super::buckets::{BucketId, Life, life_of};
use super::record::{Family, Key, first_version};
use super::upload_rows::{EndedRow, PartRow, UploadRow};
use super::{ATTEMPTS, Catalog, CatalogError, Change, Found, PAGE, after};
use crate::blob_id::BlobId;
use crate::kv::{Commit, Expected};

/// An open upload.
pub(crate) struct Upload {
    /// When it was begun.
    pub(crate) initiated: Timestamp,
    /// Who began it.
    pub(crate) initiator: Principal,
    /// What its object will have.
    pub(crate) metadata: ObjectMetadata,
    /// The documents that its object will have.
    pub(crate) settings: ObjectSettings,
    /// The object's storage class.
    pub(crate) storage_class: StorageClass,
    /// The encryption that answers name.
    pub(crate) encryption: AppliedEncryption,
    /// The envelope of the object's data key (FORMAT.md §9).
    pub(crate) envelope: Bytes,
    /// What seals the manifest when the data key will not be at hand (FORMAT.md §10.1).
    pub(crate) manifest_key: Option<Zeroizing<Vec<u8>>>,
    /// The checksum that it keeps.
    pub(crate) checksum: Option<UploadChecksum>,
}

/// A part that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadedPart {
    /// Its number.
    pub(crate) number: PartNumber,
    /// Length of the plaintext in bytes.
    pub(crate) size: u64,
    /// Its tag.
    pub(crate) tag: [u8; 16],
    /// Its checksums: that which its upload keeps, and those that came with it.
    pub(crate) checksums: Vec<Checksum>,
    /// When it was written.
    pub(crate) last_modified: Timestamp,
    /// The salt of this attempt to write it (FORMAT.md §4).
    pub(crate) salt: [u8; 32],
    /// Where its sealed bytes are.
    pub(crate) blob: BlobId,
    /// Bytes before the first chunk in the blob.
    pub(crate) header_len: u32,
}

/// Where an upload is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UploadPlace<'a> {
    /// In which bucket.
    pub(crate) bucket: BucketId,
    /// Under which key.
    pub(crate) key: &'a ObjectKey,
    /// Its id.
    pub(crate) id: UploadId,
}

/// What a completion relies on, and ends.
#[derive(Debug)]
pub(crate) struct Completion<'a> {
    /// The upload.
    pub(crate) place: UploadPlace<'a>,
    /// The version of its row.
    pub(crate) version: u64,
    /// The named parts, and the versions of their rows.
    pub(crate) parts: Vec<(PartNumber, u64)>,
}

/// What became of an upload that was to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// It is open.
    Begun,
    /// The bucket is gone.
    BucketGone,
    /// The bucket is under deletion.
    BucketDeleting,
}

/// What became of a part that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartCommitment {
    /// It is the upload's part of its number.
    Committed,
    /// The upload has ended.
    UploadEnded,
    /// It took so long that the reaper gave up its blob.
    BlobGivenUp,
}

impl Catalog {
    /// Begins an upload.
    pub(crate) async fn begin_upload(
        &self,
        place: UploadPlace<'_>,
        upload: &Upload,
    ) -> Result<Beginning, CatalogError> {
        for _ in 0..ATTEMPTS {
            let alive = match self.life(place.bucket).await? {
                Life::Active(alive) => alive,
                Life::Deleting(_) => return Ok(Beginning::BucketDeleting),
                Life::Gone => return Ok(Beginning::BucketGone),
            };
            let change = Change::new()
                .check(&life_of(place.bucket), Expected::Version(alive.version))
                .insert(&place.row(), &UploadRow::new(upload));
            if self.commit(change).await? == Commit::Committed {
                return Ok(Beginning::Begun);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// The open upload there, and the version of its row.
    pub(crate) async fn upload(&self, place: UploadPlace<'_>) -> Result<Option<(Upload, u64)>, CatalogError> {
        let Some(Found { record, version }) = self.get(&place.row()).await? else { return Ok(None) };
        Ok(Some((record.into_upload()?, version)))
    }

    /// Makes a part its upload's, its blob live, and that of the part which it replaces dead: all in one commit.
    pub(crate) async fn commit_part(
        &self,
        place: UploadPlace<'_>,
        part: &UploadedPart,
    ) -> Result<PartCommitment, CatalogError> {
        let (upload, row) = (place.row(), part_key(place.id, part.number));
        for _ in 0..ATTEMPTS {
            let replaced = self.get(&row).await?;
            let change = Change::new().check(&upload, Expected::Present).make_live(part.blob);
            let change = match replaced {
                None => change.insert(&row, &PartRow::new(part)),
                Some(Found { record, version }) => {
                    let old = record.into_part(part.number).blob;
                    change.replace(&row, version, &PartRow::new(part)).make_unowned_dead(vec![old], part.last_modified)
                }
            };
            if self.commit(change).await? == Commit::Committed {
                return Ok(PartCommitment::Committed);
            }
            if self.get(&upload).await?.is_none() {
                return Ok(PartCommitment::UploadEnded);
            }
            if !self.is_pending(part.blob).await? {
                return Ok(PartCommitment::BlobGivenUp);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// The first `limit` parts of an upload with numbers above `after`, in their order, and the versions of their rows.
    pub(crate) async fn parts(
        &self,
        id: UploadId,
        after_number: u32,
        limit: usize,
    ) -> Result<Vec<(UploadedPart, u64)>, CatalogError> {
        let mut parts = Vec::new();
        let mut range = Key::<PartRow>::range(&[&id.0]);
        range.start = after(&part_row(id, after_number));
        while parts.len() < limit {
            let page = self.scan::<PartRow>(range.clone(), PAGE.min(limit - parts.len())).await?;
            let Some(last) = page.last() else { break };
            range.start = after(&last.key);
            for located in page {
                let number = number_of(&located.key)?;
                parts.push((located.record.into_part(number), located.version));
            }
        }
        Ok(parts)
    }

    /// Whether the part of that upload and number, if there is one, has this blob.
    pub(crate) async fn part_has_blob(
        &self,
        upload: [u8; 16],
        number: u32,
        blob: BlobId,
    ) -> Result<bool, CatalogError> {
        let found = self.parts(UploadId(upload), number.saturating_sub(1), 1).await?;
        Ok(found.iter().any(|(part, _)| part.number.get() == number && part.blob == blob))
    }

    /// Ends an upload without an object. Nothing happens to one that has ended; then the answer is false.
    pub(crate) async fn abort_upload(&self, place: UploadPlace<'_>) -> Result<bool, CatalogError> {
        let row = place.row();
        for _ in 0..ATTEMPTS {
            let Some(Found { version, .. }) = self.get(&row).await? else { return Ok(false) };
            let change = Change::new().remove(&row, version).put(&ended_key(place.id), &EndedRow {});
            if self.commit(change).await? == Commit::Committed {
                return Ok(true);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Whether what a completion relies on is still so.
    pub(super) async fn still_holds(&self, completion: &Completion<'_>) -> Result<bool, CatalogError> {
        Ok(self.commit(completion.check(Change::new())).await? == Commit::Committed)
    }

    /// Removes what is left of an ended upload: parts that no object has. Their blobs may go at once, since nobody reads them.
    /// Answers how many; after that nothing tells of the upload any more.
    pub(crate) async fn sweep_upload(&self, id: UploadId, now: Timestamp) -> Result<u64, CatalogError> {
        let mut swept = 0;
        for _ in 0..ATTEMPTS {
            let page = self.parts(id, 0, PAGE).await?;
            let ended = ended_key(id);
            if page.is_empty() {
                let _by_another_sweep = self.commit(Change::new().delete(&ended)).await?;
                return Ok(swept);
            }
            let blobs: Vec<_> = page.iter().map(|(part, _)| part.blob).collect();
            let change = Change::new().check(&ended, Expected::Present).make_unowned_dead(blobs, now);
            let change =
                page.iter().fold(change, |change, (part, version)| change.remove(&part_key(id, part.number), *version));
            if self.commit(change).await? == Commit::Committed {
                swept += page.len() as u64;
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Uploads that have ended and were not swept yet: a page of them.
    pub(crate) async fn ended_uploads(&self) -> Result<Vec<UploadId>, CatalogError> {
        let page = self.scan::<EndedRow>(Key::<EndedRow>::range(&[]), PAGE).await?;
        let id = |key: Key<EndedRow>| key.parts().try_into().map(UploadId);
        let ids: Result<_, _> = page.into_iter().map(|located| id(located.key)).collect();
        ids.map_err(|_| CatalogError::Inconsistent("the key of an ended upload"))
    }

    /// Whether the bucket has no open upload.
    pub(crate) async fn has_no_uploads(&self, bucket: BucketId) -> Result<bool, CatalogError> {
        Ok(self.scan::<UploadRow>(Key::<UploadRow>::range(&[&bucket.0]), 1).await?.is_empty())
    }
}

impl UploadPlace<'_> {
    pub(super) fn row(&self) -> Key<UploadRow> {
        upload_key(self.bucket, self.key.as_str(), self.id)
    }
}

impl Completion<'_> {
    /// Adds what the completion relies on.
    #[must_use]
    fn check(&self, change: Change) -> Change {
        let change = change.check(&self.place.row(), Expected::Version(self.version));
        self.parts.iter().fold(change, |change, (number, version)| {
            change.check(&part_key(self.place.id, *number), Expected::Version(*version))
        })
    }

    /// Adds the end of the upload and of its named parts, whose blobs are live and the version's from then on.
    #[must_use]
    pub(super) fn end(&self, change: Change) -> Change {
        let change = self.check(change).delete(&self.place.row()).put(&ended_key(self.place.id), &EndedRow {});
        self.parts.iter().fold(change, |change, (number, _)| change.delete(&part_key(self.place.id, *number)))
    }
}

impl Change {
    /// Gives up live blobs that never belonged to an object; the first names the row.
    #[must_use]
    fn make_unowned_dead(self, blobs: Vec<BlobId>, due: Timestamp) -> Self {
        match blobs.first() {
            Some(first) => {
                let id = *first.as_bytes();
                self.make_dead(id, blobs, due)
            }
            None => self,
        }
    }
}

/// No key has a NUL, so it tells where the key ends; ids begin with the time, so that uploads of one key order as they began.
pub(super) fn upload_key(bucket: BucketId, key: &str, id: UploadId) -> Key<UploadRow> {
    Key::new(&[&bucket.0, key.as_bytes(), b"\0", &id.0])
}

fn part_key(id: UploadId, number: PartNumber) -> Key<PartRow> {
    part_row(id, number.get())
}

fn part_row(id: UploadId, number: u32) -> Key<PartRow> {
    Key::new(&[&id.0, &u64::from(number).to_be_bytes()])
}

fn number_of(key: &Key<PartRow>) -> Result<PartNumber, CatalogError> {
    let number = key.parts().get(16..).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
    let number = number.and_then(|number| u32::try_from(number).ok()).and_then(PartNumber::new);
    number.ok_or(CatalogError::Inconsistent("a part's number"))
}

fn ended_key(id: UploadId) -> Key<EndedRow> {
    Key::new(&[&id.0])
}

first_version!(UploadRow, Family::Upload);
first_version!(PartRow, Family::Part);
first_version!(EndedRow, Family::EndedUpload);
