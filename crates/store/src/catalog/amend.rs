//! Changing a version in place: what is told of it, how its data key is kept, or what is appended to it. Its id stays, and so do the
//! bytes that it has.
//!
//! Entry and content count how often the version was changed. A reader who finds another count in the one than in the other has
//! read across a change, and reads again.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{ObjectKey, VersionId};
use strongroom_model::setting::Versioning;
use strongroom_model::time::Timestamp;

use super::buckets::{BucketId, Life, life_of};
use super::object_rows::{ContentRow, LatestRow, NoncurrentRow};
use super::objects::{
    Content, Entry, Latest, Marker, Noncurrent, VersionEntry, content_key, latest_key, noncurrent_key,
};
use super::protection::Terms;
use super::{ATTEMPTS, Catalog, CatalogError, Change};
use crate::blob_id::BlobId;
use crate::kv::{Commit, Expected};

/// What makes new rows of the old ones, or says why not. It may be asked again when others change the same.
pub(crate) type Amendment<'a> = dyn Fn(&mut Entry, &mut Content) -> Result<(), Failure> + Sync + 'a;

/// What a change touches, which decides whether what keeps a version keeps it from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    /// How the data key is wrapped: never the object itself, so that nothing keeps it from that.
    Wrapping,
    /// What is told of the object, at this time. A bucket's policy keeps it.
    Description(Timestamp),
    /// The object's bytes, at this time. A bucket's policy keeps them, and so does a bucket whose versions can be locked, where versions
    /// are what does not change.
    Bytes(Timestamp),
    /// All that a write over the object would replace, at this time. A bucket's policy keeps it; and where versions are kept, such a
    /// write would make another one.
    Overwrite(Timestamp),
}

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Amended {
    /// The version's rows are these now.
    Rows(Box<(Entry, Content)>),
    /// The version is a delete marker.
    Marker(Marker),
    /// There is no such version.
    Nothing,
    /// It took so long that the reaper gave up its blobs.
    BlobsGivenUp,
    /// The version is kept as it is.
    Locked,
}

/// A version, found where it lies in its key's history.
struct Found {
    latest: Latest,
    row: u64,
    version: VersionEntry,
    /// If it is not the latest: since when.
    noncurrent: Option<Noncurrent>,
}

impl Catalog {
    /// Changes the version of that id, or the latest, and makes `blobs` live, which are pending: all in one commit. The head of
    /// the key's history is written anew, so that whoever changes the history at the same time looks again.
    ///
    /// # Errors
    /// What `amendment` says; `Conflict` for an overwrite where versions are kept by now; or the catalog's trouble.
    pub(crate) async fn amend(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        id: Option<VersionId>,
        blobs: &[BlobId],
        (touch, amendment): (Touch, &Amendment<'_>),
    ) -> Result<Amended, Failure> {
        let head = latest_key(bucket, key);
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let mut change = Change::new();
            let terms = self.terms(bucket, touch).await?;
            if let Some(terms) = terms {
                change = change.check(&life_of(bucket), Expected::Version(terms.alive.version));
            }
            let Some(mut found) = self.find(bucket, key, id).await? else { return Ok(Amended::Nothing) };
            let mut entry = match found.version {
                VersionEntry::Object(entry) => entry,
                VersionEntry::Marker(marker) => return Ok(Amended::Marker(marker)),
            };
            if terms.is_some_and(|terms| touch.is_kept(&terms, &entry)) {
                return Ok(Amended::Locked);
            }
            if terms.is_some_and(|terms| touch.makes_another(&terms)) {
                return Err(FailureCode::Conflict.into());
            }
            let content_key = content_key(bucket, key, entry.uid);
            let content = self.get(&content_key).await?.map(|found| found.record.into_parts()).transpose()?;
            // If it is gone, the head is another by now.
            let Some((generation, Some(mut content))) = content else { continue };
            amendment(&mut entry, &mut content)?;
            entry.revision += 1;
            content.revision = entry.revision;
            let mut change = blobs.iter().fold(change, |change, blob| change.make_live(*blob));
            let version = VersionEntry::Object(entry.clone());
            match found.noncurrent {
                None => found.latest.version = version,
                Some(noncurrent) => {
                    let row = NoncurrentRow::new(&Noncurrent { version, ..noncurrent });
                    change = change.put(&noncurrent_key(bucket, key, entry.generation), &row);
                }
            }
            let change = change
                .replace(&head, found.row, &LatestRow::new(&found.latest))
                .put(&content_key, &ContentRow::new(generation, &content));
            if self.commit(change).await? == Commit::Committed {
                return Ok(Amended::Rows(Box::new((entry, content))));
            }
            for blob in blobs {
                if !self.is_pending(*blob).await? {
                    return Ok(Amended::BlobsGivenUp);
                }
            }
            if turn.is_none() {
                turn = Some(self.turns.take([head.as_bytes()].into_iter()).await);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// What the bucket says about a change; none where it has nothing to say, or is gone with all that was in it.
    async fn terms(&self, bucket: BucketId, touch: Touch) -> Result<Option<Terms>, CatalogError> {
        let (Touch::Description(now) | Touch::Bytes(now) | Touch::Overwrite(now)) = touch else { return Ok(None) };
        Ok(match self.life(bucket).await? {
            Life::Active(alive) | Life::Deleting(alive) => Some(Terms { alive, now, bypass: false }),
            Life::Gone => None,
        })
    }

    async fn find(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        id: Option<VersionId>,
    ) -> Result<Option<Found>, CatalogError> {
        let Some((latest, row)) = self.latest(bucket, key).await? else { return Ok(None) };
        let id = match id {
            Some(id) if !latest.version.is_called(id) => id,
            _ => return Ok(Some(Found { version: latest.version.clone(), latest, row, noncurrent: None })),
        };
        let Some(generation) = self.generation(bucket, key, &latest, id).await? else { return Ok(None) };
        let noncurrent = self.noncurrent(bucket, key, generation).await?;
        let noncurrent = noncurrent.filter(|noncurrent| noncurrent.version.is_called(id));
        Ok(noncurrent.map(|noncurrent| Found {
            version: noncurrent.version.clone(),
            latest,
            row,
            noncurrent: Some(noncurrent),
        }))
    }
}

impl Touch {
    fn is_kept(self, terms: &Terms, entry: &Entry) -> bool {
        match self {
            Self::Wrapping => false,
            Self::Description(_) | Self::Overwrite(_) => terms.is_kept_by_bucket(entry),
            Self::Bytes(_) => terms.alive.lock.is_some() || terms.is_kept_by_bucket(entry),
        }
    }

    /// Whether a write in its place would leave the version and make another one. Where versions can be locked, they are kept.
    fn makes_another(self, terms: &Terms) -> bool {
        matches!(self, Self::Overwrite(_)) && terms.alive.versioning != Versioning::Never
    }
}
