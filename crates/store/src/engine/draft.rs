//! A version while its bytes come: all that its rows will say but what only the bytes tell. It is drawn up before them, so that the
//! blob that they go into can end in the version's record.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::etag::{ETag, TagPromise};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lock::BucketLock;
use strongroom_model::metadata::{ObjectKind, ObjectMetadata, StorageClass};
use strongroom_model::name::ObjectKey;
use strongroom_model::setting::{ObjectSettings, Versioning};
use strongroom_seal::{Manifest, ManifestKey, Part, PartId};

use super::digests::Tally;
use super::locks::locked_from;
use super::put::is_promised;
use crate::blob_id::BlobId;
use crate::catalog::{
    Catalog,
    buckets::{Bucket, BucketId},
    objects::{Content, Entry, VersionUid},
    recovery,
};
use crate::failure;
use crate::stream::ByteStream;
use crate::surroundings::Clock;

/// Entry and content of a version, as they are to be committed.
pub(super) struct Rows {
    pub(super) entry: Entry,
    pub(super) content: Content,
}

/// Where the one part of a version lies.
#[derive(Clone, Copy)]
pub(super) struct Lair {
    pub(super) id: PartId,
    /// Its blob, and the length of the header there; none if it is in the catalog.
    pub(super) blob: Option<(BlobId, u32)>,
}

/// See the module.
pub(super) struct Draft {
    pub(super) clock: Clock,
    pub(super) uid: VersionUid,
    pub(super) is_null: bool,
    pub(super) kind: ObjectKind,
    pub(super) link: Option<ObjectKey>,
    pub(super) storage_class: StorageClass,
    pub(super) metadata: ObjectMetadata,
    pub(super) settings: ObjectSettings,
    /// The lock of the bucket, which holds for a writer who asks for none.
    pub(super) lock: Option<BucketLock>,
    pub(super) applied: AppliedEncryption,
    pub(super) envelope: Bytes,
    pub(super) promise: TagPromise,
    /// The tag, where none is promised.
    pub(super) random_tag: [u8; 16],
    pub(super) manifest_key: ManifestKey,
    pub(super) binding: Vec<u8>,
    pub(super) lair: Lair,
}

impl Draft {
    /// The rows, once the bytes have come; `inline` are the sealed ones, if they are in the catalog.
    pub(super) fn rows(self, tally: &Tally, inline: Option<Bytes>) -> Result<Rows, Failure> {
        let digest = match tally.md5 {
            Some(md5) if is_promised(self.promise, &self.applied) => md5,
            _ => self.random_tag,
        };
        let etag = ETag { digest, parts: None };
        // What is appended to will have another one, and a link has none.
        let md5 = tally.md5.filter(|_| self.kind == ObjectKind::Normal);
        let (blob, header_len) = self.lair.blob.map_or(([0; 16], 0), |(blob, len)| (*blob.as_bytes(), len));
        let part = Part { id: self.lair.id, size: tally.size, header_len, blob };
        let field = recovery::digests(&etag, md5, &tally.checksums);
        let manifest = Manifest::new(vec![part], field).map_err(failure::of_sealing)?;
        let now = (self.clock)();
        let entry = Entry {
            uid: self.uid,
            generation: 0,
            is_null: self.is_null,
            size: tally.size,
            etag,
            last_modified: now,
            storage_class: self.storage_class,
            kind: self.kind,
            has_blobs: self.lair.blob.is_some(),
            revision: 0,
        };
        let content = Content {
            md5,
            checksums: tally.checksums.clone(),
            metadata: self.metadata,
            settings: locked_from(self.lock, self.settings, now),
            encryption: self.applied,
            envelope: self.envelope,
            manifest: manifest.seal_under(self.manifest_key, &self.binding).into(),
            blobs: self.lair.blob.iter().map(|(blob, _)| *blob).collect(),
            parts: None,
            sealed: None,
            link: self.link,
            inline,
            revision: 0,
        };
        Ok(Rows { entry, content })
    }
}

/// Whether a version that is written now would be the null version, for its record; the commit decides for its rows.
pub(super) fn is_null_now(bucket: &Bucket) -> bool {
    bucket.facts.versioning != Versioning::Enabled
}

/// A sealed blob that ends in the record of its version. `rows` is asked when all bytes have come, and what it says is left in
/// `written`.
pub(super) fn with_record(
    sealed: ByteStream,
    catalog: Arc<Catalog>,
    (bucket, key): (BucketId, ObjectKey),
    rows: impl FnOnce() -> Result<Rows, Failure> + Send + 'static,
    written: Arc<OnceLock<Rows>>,
) -> ByteStream {
    let end = async move {
        let rows = rows().map_err(std::io::Error::other)?;
        let record = catalog.seal_version(bucket, &key, &rows.entry, &rows.content);
        let record = record.map_err(|error| std::io::Error::other(Failure::from(error)))?;
        let is_first = written.set(rows).is_ok();
        debug_assert!(is_first, "a stream ends once");
        Ok(record)
    };
    Box::pin(sealed.chain(stream::once(end)))
}

/// Asks `rows` for what a tally comes to that is there when a stream has ended.
pub(super) fn rows_of(
    tally: Arc<OnceLock<Tally>>,
    rows: impl FnOnce(&Tally) -> Result<Rows, Failure> + Send + 'static,
) -> impl FnOnce() -> Result<Rows, Failure> + Send + 'static {
    move || rows(tally.get().ok_or(FailureCode::Internal)?)
}

/// What a stream that was written to its end has left.
pub(super) fn left_in<T>(cell: Arc<OnceLock<T>>) -> Result<T, Failure> {
    let left = Arc::try_unwrap(cell).ok().and_then(OnceLock::into_inner);
    left.ok_or_else(|| Failure::new(FailureCode::Internal).caused_by("a sealed stream ended without what it tells"))
}
