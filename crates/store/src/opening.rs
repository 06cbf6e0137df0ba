//! Stored versions, opened: the manifest held against the rows, the chunks authenticated one by one. Requests read through this,
//! and so does the scrub, which thereby sees what a reader would.

use std::{io, ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{ObjectKey, VersionId};
use strongroom_model::setting::Versioning;
use strongroom_seal::{ContentKey, Envelope, Identity, Manifest, Opener, Part, Window};

use crate::{
    blob_id::BlobId,
    blobs::Blobs,
    catalog::{
        buckets::{Bucket, BucketId},
        objects::{Content, Entry, VersionUid},
        recovery,
    },
    failure,
    key_user::KeyUser,
    leases::{Lease, Leases},
    stream::{ByteStream, Windows, once},
};

/// An object version as its rows have it.
pub(crate) struct Version {
    /// Its place, to which its keys are bound.
    pub(crate) identity: Identity,
    /// What a listing shows.
    pub(crate) entry: Entry,
    /// The rest.
    pub(crate) content: Content,
    /// How its data key is kept.
    pub(crate) envelope: Envelope,
    /// The id that answers name, if the bucket keeps versions or did so once.
    pub(crate) id: Option<VersionId>,
    /// Its bucket, if that has lifecycle rules.
    pub(crate) ruled_by: Option<BucketId>,
    /// Keeps its blobs from the reaper.
    lease: Arc<Lease>,
}

impl Version {
    /// The version that these rows of `bucket` are, which were read just now. It is leased from now on.
    ///
    /// # Errors
    /// `Damaged` if the envelope is none.
    pub(crate) fn new(
        leases: &Leases,
        bucket: &Bucket,
        key: &ObjectKey,
        entry: Entry,
        content: Content,
    ) -> Result<Self, Failure> {
        let lease = Arc::new(leases.take(entry.uid.0));
        let envelope = Envelope::decode(&content.envelope).map_err(failure::of_stored)?;
        let id = (bucket.facts.versioning != Versioning::Never).then_some(entry.id());
        let ruled_by = bucket.has_lifecycle.then_some(bucket.id);
        Ok(Self { identity: identity(bucket, key, entry.uid), entry, content, envelope, id, ruled_by, lease })
    }

    /// The key that its chunks are sealed under, if no customer has it.
    ///
    /// # Errors
    /// What stands in the way of opening.
    pub(crate) async fn unlock(&self, keys: &KeyUser) -> Result<ContentKey, Failure> {
        keys.unwrap(&self.envelope, &self.identity).await
    }

    /// Where its chunks lie.
    pub(crate) fn source(&self, blobs: &Arc<dyn Blobs>) -> Source {
        let inline = self.content.inline.clone().unwrap_or_default();
        Source { inline, blobs: self.entry.has_blobs.then(|| (Arc::clone(blobs), Arc::clone(&self.lease))) }
    }
}

/// The place of an object version, to which its keys are bound.
pub(crate) fn identity(bucket: &Bucket, key: &ObjectKey, uid: VersionUid) -> Identity {
    Identity {
        account: bucket.facts.owner.aws(),
        bucket: hex::encode(bucket.id.0),
        bucket_name: bucket.facts.name.as_str().to_owned(),
        key: key.as_str().to_owned(),
        version: hex::encode(uid.0),
    }
}

/// The manifest, if it is the version's, and says of it what its rows say.
///
/// # Errors
/// `Damaged`.
pub(crate) fn open_manifest(version: &Version, content: &ContentKey) -> Result<Manifest, Failure> {
    let none = Default::default();
    let context = version.envelope.key().map_or(&none, |key| &key.context);
    let binding = version.identity.binding(context).encode();
    let manifest = Manifest::open(content, &binding, &version.content.manifest).map_err(failure::of_stored)?;
    let (entry, rest) = (&version.entry, &version.content);
    let digests = recovery::digests(&entry.etag, rest.md5, &rest.checksums);
    if manifest.size() != entry.size || manifest.checksums() != digests {
        return Err(Failure::new(FailureCode::Damaged).caused_by("a manifest and its rows disagree"));
    }
    Ok(manifest)
}

/// Where the sealed bytes of an object lie: in blobs, which the manifest names, and which the lease keeps until they are read;
/// those of one part perhaps in the catalog.
#[derive(Clone)]
pub(crate) struct Source {
    inline: Bytes,
    blobs: Option<(Arc<dyn Blobs>, Arc<Lease>)>,
}

impl From<Bytes> for Source {
    /// An object whose only part is in the catalog.
    fn from(inline: Bytes) -> Self {
        Self { inline, blobs: None }
    }
}

impl Source {
    /// The ciphertext of `range`, counted from the part's first chunk.
    async fn read(&self, part: &Part, range: Range<u64>) -> io::Result<ByteStream> {
        if is_inline(part) {
            let range = range.start as usize..range.end as usize;
            let piece = self.inline.get(range).ok_or_else(|| damaged("an inline part is cut short"))?;
            return Ok(once(self.inline.slice_ref(piece)));
        }
        let (blobs, _lease) = self.blobs.as_ref().ok_or_else(|| damaged("a part in a blob, where there is none"))?;
        let head = u64::from(part.header_len);
        let id = BlobId::from_bytes(part.blob);
        blobs.read(&id, head + range.start..head + range.end).await.map_err(io::Error::other)
    }
}

/// Whether a part's chunks are in the catalog: such a part has no header (FORMAT.md §10).
pub(crate) fn is_inline(part: &Part) -> bool {
    part.header_len == 0
}

/// The plaintext of `range`, opened chunk by chunk as it is asked for. `range` is within the object.
pub(crate) fn open_stream(
    content: impl Into<Arc<ContentKey>>,
    manifest: &Manifest,
    range: Range<u64>,
    source: Source,
) -> Result<ByteStream, strongroom_seal::Error> {
    let content = content.into();
    let plans: Vec<(Part, Window)> = manifest
        .locate(range)?
        .map(|extent| Ok((*extent.part, Window::plan(content.suite(), extent.part.size, extent.range)?)))
        .collect::<Result<_, _>>()?;
    let parts =
        stream::iter(plans).then(move |(part, window)| open_part(content.clone(), source.clone(), part, window));
    Ok(Box::pin(parts.try_flatten()))
}

async fn open_part(content: Arc<ContentKey>, source: Source, part: Part, window: Window) -> io::Result<ByteStream> {
    let stream = source.read(&part, window.cipher.clone()).await?;
    let opening = Opening {
        opener: Opener::new(&content, &part.id),
        chunks: Box::new(window.chunks(content.suite())),
        source: Windows::new(stream),
        skip: window.skip,
        take: window.take,
    };
    Ok(Box::pin(stream::try_unfold(opening, |mut opening| async move {
        let chunk = opening.next_chunk().await?;
        Ok(chunk.map(|chunk| (chunk, opening)))
    })))
}

struct Opening {
    opener: Opener,
    chunks: Box<dyn Iterator<Item = (u32, bool, usize)> + Send>,
    source: Windows,
    /// Bytes to drop before the first that was asked for.
    skip: usize,
    /// Bytes still to release.
    take: u64,
}

impl Opening {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let Some((index, last, len)) = self.chunks.next() else { return Ok(None) };
        let mut chunk = self.source.take(len).await?;
        if chunk.len() < len {
            return Err(damaged("the sealed bytes end too soon"));
        }
        let opened = self.opener.open(index, last, &mut chunk).map_err(damaged)?;
        let skip = std::mem::take(&mut self.skip);
        let take = u64::min(self.take, (opened - skip) as u64);
        self.take -= take;
        Ok(Some(chunk.freeze().slice(skip..skip + take as usize)))
    }
}

/// Waits for the first chunk, so that damage found there is an answer of its own and not a broken connection.
///
/// # Errors
/// What the stream began with.
pub(crate) async fn first(mut stream: ByteStream) -> io::Result<ByteStream> {
    match stream.next().await.transpose()? {
        Some(chunk) => Ok(Box::pin(once(chunk).chain(stream))),
        None => Ok(stream),
    }
}

fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(Failure::new(FailureCode::Damaged).caused_by(cause))
}
