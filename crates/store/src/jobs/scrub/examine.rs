//! One object version, or one blob, held against everything that is known of it.

use std::{io, sync::Arc};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::failure::{Failure, FailureCode, chain};
use strongroom_model::name::ObjectKey;
use strongroom_model::outcome::scrub::Trouble;
use strongroom_model::time::Timestamp;
use strongroom_seal::{ContentKey, Header, MAX_HEADER, Part, sealed_len};

use crate::{
    blob_id::BlobId,
    blobs::{BlobEntry, BlobError, Blobs},
    catalog::{
        Catalog, CatalogError,
        buckets::{Bucket, BucketId},
        objects::{VersionEntry, VersionUid},
        walk::Cursor,
    },
    failure,
    jobs::{pace::Pace, reaper::is_older_than_any_commit},
    key_user::KeyUser,
    leases::Leases,
    opening::{Version, open_manifest, open_stream},
    stream::{ByteStream, collect},
};

/// What an examination comes to.
pub(super) enum Verdict {
    /// All of it opens.
    Sound,
    /// All of it is there; only a customer's key could tell more.
    Closed,
    /// Something is wrong with it.
    Unsound(Trouble, Option<BlobId>, String),
    /// It is gone by now, as objects go.
    Gone,
}

/// Why an examination has no verdict.
pub(super) enum Hindrance {
    /// This is wrong.
    Found(Trouble, Option<BlobId>, String),
    /// A store is away: nothing can be said of the object.
    Away(Failure),
}

/// What there is to examine with.
pub(super) struct Examiner {
    pub(super) catalog: Arc<Catalog>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) keys: KeyUser,
    /// What readers hold, this one included.
    pub(super) leases: Leases,
}

impl Examiner {
    /// Reads a whole version and opens every chunk of it.
    ///
    /// # Errors
    /// The trouble of a store that is away.
    pub(super) async fn version(
        &self,
        bucket: &Bucket,
        (key, version): (&ObjectKey, &VersionEntry),
        cursor: &Cursor,
        pace: &Pace,
    ) -> Result<Verdict, Failure> {
        let (trouble, blob, detail) = match self.open(bucket, key, version, pace).await {
            Ok(verdict) => return Ok(verdict),
            Err(Hindrance::Away(failure)) => return Err(failure),
            Err(Hindrance::Found(trouble, blob, detail)) => (trouble, blob, detail),
        };
        // Overwritten or deleted while it was looked at, it may well miss something.
        let uid = version.uid();
        let still_there = match self.catalog.content(bucket.id, key, uid).await {
            Ok(None) => self.catalog.is_still_at(cursor, uid).await?,
            Ok(Some(_)) | Err(_) => true,
        };
        Ok(if still_there { Verdict::Unsound(trouble, blob, detail) } else { Verdict::Gone })
    }

    async fn open(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: &VersionEntry,
        pace: &Pace,
    ) -> Result<Verdict, Hindrance> {
        let rows = |detail: &str| Hindrance::Found(Trouble::Rows, None, detail.to_owned());
        let content = self.catalog.content(bucket.id, key, version.uid()).await.map_err(of_rows)?;
        let (entry, content) = match (version, content) {
            // Changed in place since its entry was read: the next pass sees it as it is then.
            (VersionEntry::Object(entry), Some(Some(content))) if entry.revision != content.revision => {
                return Ok(Verdict::Gone);
            }
            (VersionEntry::Object(entry), Some(Some(content))) => (entry, content),
            (VersionEntry::Marker(_), Some(None)) => return Ok(Verdict::Sound),
            (_, None) => return Err(rows("an entry without its content")),
            _ => return Err(rows("an entry and the content of something else")),
        };
        let version = Version::new(&self.leases, bucket, key, entry.clone(), content);
        let version = version.map_err(|failure| of_failure(Trouble::Envelope, None, failure))?;
        if let AppliedEncryption::Customer { .. } = version.content.encryption {
            self.closed(&version, pace).await?;
            return Ok(Verdict::Closed);
        }
        let key = version.unlock(&self.keys).await;
        let key = key.map_err(|failure| of_failure(Trouble::Envelope, None, failure))?;
        let manifest = open_manifest(&version, &key);
        let manifest = manifest.map_err(|failure| of_failure(Trouble::Envelope, None, failure))?;
        let sealed: Vec<BlobId> = manifest.parts().iter().filter_map(blob_of).collect();
        if sealed != version.content.blobs {
            return Err(Hindrance::Found(Trouble::Rows, None, "manifest and rows name different blobs".into()));
        }
        for part in manifest.parts() {
            self.header(part, &key).await?;
        }
        let source = version.source(&self.blobs);
        let chunks = open_stream(key, &manifest, 0..entry.size, source);
        let chunks = chunks.map_err(|error| of_failure(Trouble::Envelope, None, failure::of_stored(error)))?;
        drain(chunks, pace).await.map_err(|(at, error)| {
            let failure = failure::of_stream(error, FailureCode::Internal);
            let part = part_at(manifest.parts(), at);
            let trouble = if is_missing(&failure) { Trouble::Blob } else { Trouble::Bytes };
            match of_failure(trouble, part.and_then(blob_of), failure) {
                Hindrance::Found(trouble, blob, detail) => {
                    Hindrance::Found(trouble, blob, format!("after {at} good bytes: {detail}"))
                }
                away => away,
            }
        })?;
        Ok(Verdict::Sound)
    }

    /// A version that only a customer's key opens: its bytes must all be there.
    async fn closed(&self, version: &Version, pace: &Pace) -> Result<(), Hindrance> {
        let missing = |blob, detail: String| Hindrance::Found(Trouble::Blob, blob, detail);
        let expected = sealed_len(version.envelope.suite(), version.entry.size);
        let inline = version.content.inline.as_ref();
        let mut sealed = inline.map_or(0, |inline| inline.len() as u64);
        for blob in &version.content.blobs {
            let header = self.read_header(*blob).await?;
            let header_len = header.ok_or_else(|| no_header(*blob))?.1 as u64;
            let len = self.len(*blob).await?;
            let bytes = self.blobs.read(blob, header_len..len).await.map_err(|error| of_blob(*blob, error))?;
            let drained = drain(bytes, pace).await;
            drained.map_err(|(_, error)| {
                of_failure(Trouble::Blob, Some(*blob), failure::of_stream(error, FailureCode::Internal))
            })?;
            sealed += len.saturating_sub(header_len);
        }
        // Each further part may end in a chunk of its own, with a tag of its own.
        let further = (version.content.blobs.len() + usize::from(inline.is_some())).saturating_sub(1);
        let tags = further as u64 * version.envelope.suite().tag_len as u64;
        if sealed < expected || sealed > expected + tags {
            return Err(missing(None, format!("{sealed} sealed bytes, where {expected} are expected")));
        }
        Ok(())
    }

    /// The header of the part's blob must be the part's, and authentic, or a lost catalog could not be rebuilt from it.
    async fn header(&self, part: &Part, key: &ContentKey) -> Result<(), Hindrance> {
        let Some(blob) = blob_of(part) else { return Ok(()) };
        let (header, len) = self.read_header(blob).await?.ok_or_else(|| no_header(blob))?;
        let belongs = len == part.header_len as usize && *header.part() == part.id;
        if !belongs || header.open(key).is_err() {
            return Err(no_header(blob));
        }
        Ok(())
    }

    /// Why nothing needs this blob, if nothing does.
    pub(super) async fn is_unneeded(
        &self,
        blob: &BlobEntry,
        now: Timestamp,
    ) -> Result<Option<&'static str>, Hindrance> {
        if !self.catalog.knows_blob(blob.id).await.map_err(of_rows)? {
            // Its row may be on its way; and the reaper removes it once it is old enough.
            return Ok(is_older_than_any_commit(blob, now).then_some("no row knows this blob"));
        }
        if !self.is_live(blob.id).await? {
            return Ok(None);
        }
        let Ok(Some((header, _))) = self.read_header(blob.id).await else {
            // The version that names it, if there is one, was found to be damaged.
            return Ok(None);
        };
        let identity = header.identity();
        let (Some(bucket), Some(uid)) = (id(&identity.bucket), id(&identity.version)) else { return Ok(None) };
        let Ok(key) = ObjectKey::parse(&identity.key) else { return Ok(None) };
        let version = || self.catalog.version_has_blob(BucketId(bucket), &key, VersionUid(uid), blob.id);
        // What does not open is no proof that nothing needs the blob. A completion turns the part of an upload into a part
        // of a version, which is therefore looked at once more.
        let unneeded = !version().await.unwrap_or(true)
            && !self.catalog.part_has_blob(uid, header.part().number, blob.id).await.unwrap_or(true)
            && !version().await.unwrap_or(true)
            && !self.catalog.is_doomed(blob.id).await.map_err(of_rows)?
            && self.is_live(blob.id).await?
            && self.is_authentic(&header).await?;
        Ok(unneeded.then_some("the version that it was written for does not name this blob"))
    }

    async fn is_live(&self, blob: BlobId) -> Result<bool, Hindrance> {
        self.catalog.is_live(blob).await.map_err(of_rows)
    }

    /// Whether the header can be believed: one that only a customer's key opens is.
    async fn is_authentic(&self, header: &Header) -> Result<bool, Hindrance> {
        let envelope = header.envelope();
        let key = match envelope.key() {
            None => envelope.unlock(None).map_err(failure::of_stored),
            Some(wrapped) if wrapped.key_id.is_empty() => return Ok(true),
            Some(_) => self.keys.unwrap(envelope, header.identity()).await,
        };
        match key {
            Ok(key) => Ok(header.open(&key).is_ok()),
            Err(failure) => match of_failure(Trouble::Header, None, failure) {
                Hindrance::Away(failure) => Err(Hindrance::Away(failure)),
                Hindrance::Found(..) => Ok(false),
            },
        }
    }

    /// The header that a blob begins with, unauthenticated; none if it begins with something else.
    async fn read_header(&self, blob: BlobId) -> Result<Option<(Header, usize)>, Hindrance> {
        let mut wanted = MAX_HEADER as u64;
        let stream = loop {
            match self.blobs.read(&blob, 0..wanted).await {
                Ok(stream) => break stream,
                Err(BlobError::Short { len, .. }) if len < wanted => wanted = len,
                Err(error) => return Err(of_blob(blob, error)),
            }
        };
        let head: Bytes = collect(stream, MAX_HEADER)
            .await
            .map_err(|error| of_failure(Trouble::Blob, Some(blob), failure::of_stream(error, FailureCode::Internal)))?;
        Ok(Header::decode(&head).ok())
    }

    /// How long a blob is: what the store says to a range that no blob has.
    async fn len(&self, blob: BlobId) -> Result<u64, Hindrance> {
        match self.blobs.read(&blob, u64::MAX - 1..u64::MAX).await {
            Err(BlobError::Short { len, .. }) => Ok(len),
            Err(error) => Err(of_blob(blob, error)),
            Ok(_) => Err(Hindrance::Found(Trouble::Blob, Some(blob), "a blob without an end".to_owned())),
        }
    }
}

/// Reads a stream to its end and drops what it gives. In an error, how much of it was good.
async fn drain(mut stream: ByteStream, pace: &Pace) -> Result<(), (u64, io::Error)> {
    let mut good = 0;
    while let Some(piece) = stream.try_next().await.map_err(|error| (good, error))? {
        good += piece.len() as u64;
        pace.spend(piece.len() as u64).await;
    }
    Ok(())
}

fn blob_of(part: &Part) -> Option<BlobId> {
    (part.header_len > 0).then(|| BlobId::from_bytes(part.blob))
}

/// The part that the byte at `offset` belongs to.
fn part_at(parts: &[Part], offset: u64) -> Option<&Part> {
    let mut end = 0;
    parts.iter().find(|part| {
        end += part.size;
        offset < end
    })
}

fn no_header(blob: BlobId) -> Hindrance {
    Hindrance::Found(Trouble::Header, Some(blob), "the blob's header is damaged or another's".to_owned())
}

fn of_blob(blob: BlobId, error: BlobError) -> Hindrance {
    of_failure(Trouble::Blob, Some(blob), error.into())
}

fn of_rows(error: CatalogError) -> Hindrance {
    of_failure(Trouble::Rows, None, error.into())
}

fn is_missing(failure: &Failure) -> bool {
    failure.source.as_deref().is_some_and(|source| source.is::<BlobError>())
}

/// What a failure to open means: for good, because of its key, or only for now.
fn of_failure(trouble: Trouble, blob: Option<BlobId>, failure: Failure) -> Hindrance {
    use FailureCode as Code;
    let detail = || chain(&failure);
    match failure.code {
        Code::KeyNotFound | Code::KeyDisabled | Code::KeyPendingDeletion | Code::KeyDenied => {
            Hindrance::Found(Trouble::Key, blob, detail())
        }
        Code::ServiceUnavailable | Code::KeyServiceUnavailable | Code::SlowDown => Hindrance::Away(failure),
        _ => Hindrance::Found(trouble, blob, detail()),
    }
}

fn id(text: &str) -> Option<[u8; 16]> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id).ok().map(|()| id)
}
