//! Writing an object in one request: a small one in one commit, a large one as intent, blob, commit.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::StreamExt as _;
use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::ObjectKind;
use strongroom_model::name::ObjectKey;
use strongroom_model::operation::object::PutObject;
use strongroom_model::outcome::object::ObjectWritten;
use strongroom_model::setting::ObjectSettings;
use strongroom_seal::{CHUNK, Header, Identity, ManifestKey, PartId};

use super::digests::{Digests, Tally};
use super::draft::{Draft, Lair, Rows, is_null_now, left_in, rows_of, with_record};
use super::encryption::{Choice, Protection};
use super::lifecycle::notice;
use super::sealing::{Inspection, Trailer, seal_stream, take_up_to};
use super::{Body, Caller, Engine, precondition};
use crate::failure;
use crate::{
    blob_id::BlobId,
    catalog::{
        blobs::Pending,
        buckets::Bucket,
        history::{Commitment, NewVersion, READERS_GRACE_MS},
        objects::{Entry, VersionUid},
        recovery,
    },
    opening::identity,
    stream::{ByteStream, collect, once},
};

/// Plaintext bytes of the largest object that lives in the catalog: one chunk, one durable commit, no file. Measured beside 16, 32 and
/// 128 KiB (docs/PERFORMANCE.md, "Inline or a file"): where few write, a row is even with a file at this size, and quicker.
pub(super) const INLINE_MAX: usize = CHUNK;

/// Plaintext bytes of one request at most, as all three services state it: 5 GiB.
pub(super) const PUT_BYTES_MAX: u64 = 5 << 30;

/// What is made of a body.
pub(super) enum Making {
    /// An object.
    Object,
    /// An object that can be appended to.
    Appendable,
    /// A symbolic link to that object; the body is empty.
    Link(ObjectKey),
}

/// Where a new version goes.
#[derive(Clone, Copy)]
struct Place<'a> {
    bucket: &'a Bucket,
    uid: VersionUid,
    identity: &'a Identity,
}

/// An object's sealed bytes, stored, and its rows to be.
struct Stored {
    rows: Rows,
    tally: Tally,
}

impl Engine {
    /// Writes an object.
    pub(super) async fn put_object(
        &self,
        caller: &Caller,
        put: PutObject,
        body: Body,
    ) -> Result<ObjectWritten, Failure> {
        Ok(Box::pin(self.write_object(caller, put, body, Making::Object)).await?.0)
    }

    /// Writes an object, and answers its length besides.
    pub(super) async fn write_object(
        &self,
        caller: &Caller,
        put: PutObject,
        body: Body,
        making: Making,
    ) -> Result<(ObjectWritten, u64), Failure> {
        let bucket = self.bucket(caller, &put.bucket).await?;
        let choice = match making {
            // It has no bytes that could be sealed; where it leads is in its row, which is.
            Making::Link(_) => Choice::Plain,
            Making::Object | Making::Appendable => self.choose(caller, &put.encryption, &bucket)?,
        };
        if put.conditions != Default::default() {
            let current = self.catalog.entry(bucket.id, &put.key).await?;
            precondition::check_write(&put.conditions, current.as_ref(), bucket.facts.versioning)?;
        }
        self.expect_room(&bucket, body.declared).await?;
        self.check_overwriting(&bucket, &put.key).await?;
        let uid = VersionUid(self.entropy.array()?);
        let identity = identity(&bucket, &put.key, uid);
        let protection = self.protect(caller, choice, bucket.facts.owner, &identity).await?;
        let settings = self.settings_of_write(&bucket, &put.settings)?;
        let (rules, tags) = (self.lifecycle_of(&bucket).await?, settings.tags.clone());
        let place = Place { bucket: &bucket, uid, identity: &identity };
        let stored = self.store(making, place, &put, settings, &protection, body).await?;
        let (blob, size) = (stored.rows.content.blobs.first().copied(), stored.tally.size);
        let committed = self.commit(&bucket, &put, &protection, stored).await;
        if let (Err(_), Some(blob)) = (&committed, blob) {
            self.abandon(blob).await;
        }
        let mut written = committed?;
        written.expiration = notice(rules.as_ref(), put.key.as_str(), (size, &tags), written.last_modified);
        Ok((written, size))
    }

    /// Seals the body into memory if it is small, else into a blob, which ends in the version's record.
    async fn store(
        &self,
        making: Making,
        place: Place<'_>,
        put: &PutObject,
        settings: ObjectSettings,
        protection: &Protection,
        body: Body,
    ) -> Result<Stored, Failure> {
        let id = PartId { salt: self.entropy.array()?, number: 1 };
        let inspect = Inspect::new(put, &protection.applied, body.trailer);
        let taken = take_up_to(body.bytes, INLINE_MAX).await;
        let (small, rest) = taken.map_err(|error| failure::of_stream(error, FailureCode::IncompleteBody))?;
        let Some(rest) = rest else {
            let draft = self.draft(&making, place, put, settings, protection, Lair { id, blob: None })?;
            let sealed = seal_stream(&protection.content, &id, Bytes::new(), once(small), inspect.inspection);
            let sealed = collect(sealed, usize::MAX).await;
            let sealed = sealed.map_err(|error| failure::of_stream(error, FailureCode::Internal))?;
            let tally = left_in(inspect.tally)?;
            return Ok(Stored { rows: draft.rows(&tally, Some(sealed))?, tally });
        };
        let plaintext: ByteStream = Box::pin(once(small).chain(rest));
        let blob = BlobId::from_bytes(self.entropy.array()?);
        let head = header(put, &settings, place.identity, &id, protection)?;
        let header_len = u32::try_from(head.len()).expect("headers have a limit of 32 KiB");
        let lair = Lair { id, blob: Some((blob, header_len)) };
        let draft = self.draft(&making, place, put, settings, protection, lair)?;
        let sealed = seal_stream(&protection.content, &id, head.into(), plaintext, inspect.inspection);
        let (tally, written) = (inspect.tally, Arc::default());
        let rows = rows_of(Arc::clone(&tally), |tally| draft.rows(tally, None));
        let place = (place.bucket.id, put.key.clone());
        let sealed = with_record(sealed, Arc::clone(&self.catalog), place, rows, Arc::clone(&written));
        self.write_blob(blob, sealed).await?;
        Ok(Stored { rows: left_in(written)?, tally: left_in(tally)? })
    }

    fn draft(
        &self,
        making: &Making,
        Place { bucket, uid, identity }: Place<'_>,
        put: &PutObject,
        settings: ObjectSettings,
        protection: &Protection,
        lair: Lair,
    ) -> Result<Draft, Failure> {
        Ok(Draft {
            clock: Arc::clone(&self.clock),
            uid,
            is_null: is_null_now(bucket),
            kind: making.kind(),
            link: making.target(),
            storage_class: put.storage_class.unwrap_or(bucket.facts.storage_class),
            metadata: put.metadata.clone(),
            settings,
            lock: bucket.facts.lock,
            applied: protection.applied.clone(),
            envelope: protection.envelope.encode().into(),
            promise: put.tag,
            random_tag: self.entropy.array()?,
            manifest_key: ManifestKey::derive(&protection.content, self.entropy.array()?),
            binding: identity.binding(&protection.context).encode(),
            lair,
        })
    }

    /// Intent first, blob second. What fails is left to the reaper.
    pub(super) async fn write_blob(&self, blob: BlobId, sealed: ByteStream) -> Result<(), Failure> {
        self.catalog.begin_blob(&Pending { blob, since: self.now(), run: self.run }).await?;
        match self.blobs.put(&blob, sealed).await {
            Ok(_length) => Ok(()),
            Err(error) => {
                self.abandon(blob).await;
                Err(error.into())
            }
        }
    }

    /// The committing rows, last.
    async fn commit(
        &self,
        bucket: &Bucket,
        put: &PutObject,
        protection: &Protection,
        stored: Stored,
    ) -> Result<ObjectWritten, Failure> {
        let Stored { rows: Rows { entry, content }, tally } = stored;
        let (told, is_inline) = (written(&entry, protection, &tally), content.inline.is_some());
        let _room = self.make_room(bucket, tally.size).await?;
        let freed_due = self.now().plus_millis(READERS_GRACE_MS);
        let new = NewVersion {
            bucket: bucket.id,
            key: &put.key,
            entry,
            content,
            lock: bucket.facts.lock,
            conditions: &put.conditions,
            freed_due,
            completion: None,
            record: None,
        };
        match self.catalog.commit_version(new).await? {
            Commitment::Committed(version) => {
                self.counters.written(is_inline);
                Ok(ObjectWritten { version, ..told })
            }
            Commitment::BucketGone => Err(FailureCode::NoSuchBucket.into()),
            Commitment::BucketDeleting | Commitment::LockChanged => Err(FailureCode::Conflict.into()),
            Commitment::ConditionFailed(header) => Err(precondition::failed(header)),
            Commitment::Locked => Err(FailureCode::ObjectLocked.into()),
            Commitment::NothingToMatch => Err(FailureCode::NoSuchKey.into()),
            Commitment::BlobsGivenUp => Err(FailureCode::RequestTimeout.into()),
            // There is no upload to change.
            Commitment::UploadChanged => Err(FailureCode::Internal.into()),
        }
    }

    pub(super) async fn abandon(&self, blob: BlobId) {
        self.counters.abandoned_blob();
        if let Err(error) = self.catalog.abandon_blob(blob, self.now()).await {
            // It stays pending, and the reaper finds it by its age.
            tracing::warn!(%blob, error = &error as &dyn std::error::Error, "a blob could not be given up at once");
        }
    }
}

impl Making {
    fn kind(&self) -> ObjectKind {
        match self {
            Self::Object => ObjectKind::Normal,
            Self::Appendable => ObjectKind::Appendable,
            Self::Link(_) => ObjectKind::Symlink,
        }
    }

    fn target(&self) -> Option<ObjectKey> {
        match self {
            Self::Object | Self::Appendable => None,
            Self::Link(target) => Some(target.clone()),
        }
    }
}

/// Digests to be computed, and where they will be found.
struct Inspect {
    inspection: Inspection,
    tally: Arc<OnceLock<Tally>>,
}

impl Inspect {
    fn new(put: &PutObject, applied: &AppliedEncryption, trailer: Trailer) -> Self {
        let md5 = put.expected.md5.is_some() || is_promised(put.tag, applied);
        let expected = put.expected.checksums.iter().map(|checksum| checksum.algorithm);
        let digests = Digests::new(md5, put.keep.iter().copied().chain(expected));
        let tally = Arc::new(OnceLock::new());
        let expected = put.expected.clone();
        let inspection = Inspection { digests, expected, trailer, limit: PUT_BYTES_MAX, tally: Arc::clone(&tally) };
        Self { inspection, tally }
    }
}

pub(super) fn is_promised(promise: TagPromise, applied: &AppliedEncryption) -> bool {
    match (promise, applied) {
        (TagPromise::Always, _) => true,
        (TagPromise::UnlessKeyed | TagPromise::PlainOnly, AppliedEncryption::Plain) => true,
        (TagPromise::UnlessKeyed, AppliedEncryption::Managed(_)) => true,
        (TagPromise::UnlessKeyed | TagPromise::PlainOnly | TagPromise::Never, _) => false,
    }
}

/// What stands before the chunks in a blob, so that a lost catalog is a recoverable loss.
fn header(
    put: &PutObject,
    settings: &ObjectSettings,
    identity: &Identity,
    part: &PartId,
    protection: &Protection,
) -> Result<Vec<u8>, Failure> {
    let hint = recovery::hint(&put.metadata, put.storage_class.unwrap_or_default(), settings);
    let header = Header::encode(identity, part, &protection.envelope, &protection.content, &hint);
    header.map_err(failure::of_sealing)
}

fn written(entry: &Entry, protection: &Protection, tally: &Tally) -> ObjectWritten {
    ObjectWritten {
        etag: entry.etag,
        md5: tally.md5,
        version: None,
        encryption: protection.applied.clone(),
        checksums: tally.checksums.clone(),
        storage_class: entry.storage_class,
        last_modified: entry.last_modified,
        expiration: None,
    }
}
