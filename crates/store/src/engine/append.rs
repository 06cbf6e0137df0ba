//! Appending. An appendable object keeps its id, its data key and its suite; each append seals its bytes under a part key of its
//! own, seals the manifest anew, and replaces entry and content in one checked commit.
//!
//! Small appends do not make a file each: as long as the last part has at most [`INLINE_MAX`] bytes, its chunk lives in the
//! catalog, and an append that still fits joins it: both are sealed together, under a fresh salt. One that does not fit takes
//! those bytes with it into a blob. So all parts but the last are longer than a chunk.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::StreamExt as _;
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_model::condition::{Conditions, TagList};
use strongroom_model::encryption::{AppliedEncryption, EncryptionWish};
use strongroom_model::etag::ETag;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::ObjectKind;
use strongroom_model::operation::append::{AppendObject, LaterEncryption, SealAppend};
use strongroom_model::operation::object::PutObject;
use strongroom_model::outcome::ObjectOutcome;
use strongroom_model::outcome::object::{ObjectAppended, ObjectWritten};
use strongroom_seal::{ContentKey, Header, Manifest, Part, PartId};

use super::digests::{Digests, Tally, combine_crc64};
use super::lifecycle::notice;
use super::put::{INLINE_MAX, Making, PUT_BYTES_MAX, is_promised, taken_from};
use super::reading::{found, unlock_by_customer};
use super::sealing::{Inspection, seal_stream, take_up_to};
use super::{Body, Caller, Engine};
use crate::catalog::{
    amend::{Amended, Amendment, Touch},
    buckets::Bucket,
    objects::{Content, Entry},
    recovery,
};
use crate::opening::{Version, is_inline, open_manifest, open_stream};
use crate::{
    blob_id::BlobId,
    failure,
    stream::{ByteStream, collect, once},
};

/// The sealed bytes of a new last part, stored.
struct Tail {
    part: Part,
    inline: Option<Bytes>,
    tally: Tally,
}

/// The rows that an append leaves.
struct Grown {
    etag: ETag,
    size: u64,
    checksums: Vec<Checksum>,
    manifest: Bytes,
    inline: Option<Bytes>,
    blob: Option<BlobId>,
}

impl Engine {
    /// Appends to an object, or begins one.
    pub(super) async fn append_object(
        &self,
        caller: &Caller,
        append: AppendObject,
        body: Body,
    ) -> Result<ObjectAppended, Failure> {
        let bucket = self.bucket(caller, &append.put.bucket).await?;
        if bucket.facts.lock.is_some() {
            // Where versions can be locked, each is written once.
            return Err(FailureCode::ObjectLocked.into());
        }
        let sought = self.catalog.version(bucket.id, &append.put.key, None).await?;
        match found(caller, &self.leases, &bucket, &append.put.key, sought)? {
            Ok(version) => {
                let (rules, tags) = (self.lifecycle_of(&bucket).await?, version.content.settings.tags.clone());
                let key = append.put.key.clone();
                let mut appended = Box::pin(self.extend(caller, &bucket, version, append, body)).await?;
                let written = appended.written.last_modified;
                let object = (appended.position, &tags);
                appended.written.expiration = notice(rules.as_ref(), key.as_str(), object, written);
                Ok(appended)
            }
            Err(_nothing_or_marker) => Box::pin(self.begin(caller, &bucket, append, body)).await,
        }
    }

    /// Ends the appending to an object. Who does so again is told when it ended first.
    pub(super) async fn seal_append(&self, caller: &Caller, seal: SealAppend) -> Result<ObjectOutcome, Failure> {
        let bucket = self.bucket(caller, &seal.bucket).await?;
        let now = self.now();
        let amendment = |entry: &mut Entry, content: &mut Content| {
            if entry.kind != ObjectKind::Appendable {
                return Err(FailureCode::ObjectNotAppendable.into());
            }
            check_position(seal.position, entry.size)?;
            content.sealed.get_or_insert(now);
            Ok(())
        };
        let change = (Touch::Description(now), &amendment as &Amendment<'_>);
        let version = self.amend(caller, &bucket, (&seal.key, None), change).await?;
        Ok(ObjectOutcome::AppendSealed { version: version.id, at: version.content.sealed.unwrap_or(now) })
    }

    /// The first append: a write like any other, if nobody else comes before it.
    async fn begin(
        &self,
        caller: &Caller,
        bucket: &Bucket,
        append: AppendObject,
        body: Body,
    ) -> Result<ObjectAppended, Failure> {
        check_position(append.position, 0)?;
        let key = append.put.key.clone();
        let conditions = Conditions { if_none_match: Some(TagList::Any), ..Conditions::default() };
        let put = PutObject { conditions, ..append.put };
        match Box::pin(self.write_object(caller, put, body, Making::Appendable)).await {
            Ok((written, position)) => Ok(ObjectAppended { written, position }),
            Err(failure) if failure.code == FailureCode::PreconditionFailed => {
                let now = self.catalog.entry(bucket.id, &key).await?;
                Err(not_at_end(now.map_or(0, |entry| entry.size)))
            }
            Err(failure) => Err(failure),
        }
    }

    /// A later append.
    async fn extend(
        &self,
        caller: &Caller,
        bucket: &Bucket,
        version: Version,
        append: AppendObject,
        body: Body,
    ) -> Result<ObjectAppended, Failure> {
        check_growing(&version.entry, &version.content)?;
        let content = Arc::new(self.unlock_to_append(caller, &version, &append).await?);
        check_position(append.position, version.entry.size)?;
        let manifest = open_manifest(&version, &content).inspect_err(|failure| self.counters.note(failure))?;
        let last = last_of(&manifest)?;
        let before = match is_inline(&last) {
            true => self.last_bytes(&version, &content, &manifest).await?,
            false => Bytes::new(),
        };
        if manifest.parts().len() >= AppendObject::PARTS_MAX {
            return Err(FailureCode::TooManyAppends.into());
        }
        self.expect_room(bucket, body.declared).await?;
        let tail = self.seal_tail(&version, &content, &last, before, &append.put, body).await?;
        if tail.tally.size == 0 {
            return Ok(appended(&version, &append, &version.entry, &version.content));
        }
        let grown = self.grow(&version, &content, &manifest, tail, &append)?;
        let committed = self.commit_append(bucket, &version, &append, &grown).await;
        if let (Err(_), Some(blob)) = (&committed, grown.blob) {
            self.abandon(blob).await;
        }
        committed
    }

    /// The key to seal with: that of the first append, whatever is asked for now, if the dialect overlooks that.
    async fn unlock_to_append(
        &self,
        caller: &Caller,
        version: &Version,
        append: &AppendObject,
    ) -> Result<ContentKey, Failure> {
        let (wish, applied) = (&append.put.encryption, &version.content.encryption);
        let customer_key = match wish {
            EncryptionWish::Customer(_) if !caller.transport.customer_keys => {
                return Err(FailureCode::CustomerKeyNeedsTls.into());
            }
            EncryptionWish::Customer(key) => Some(key),
            _ => None,
        };
        if matches!(applied, AppliedEncryption::Kms(_)) && !caller.transport.kms {
            return Err(FailureCode::KmsNeedsTls.into());
        }
        self.hold_openable(caller, applied, &version.identity, true).await?;
        let overlooked =
            append.later == LaterEncryption::Overlooked && !matches!(applied, AppliedEncryption::Customer { .. });
        if !overlooked && !agrees(wish, applied) {
            return Err(FailureCode::EncryptionHeaderNotAllowed.into());
        }
        match unlock_by_customer(version, customer_key.filter(|_| !overlooked))? {
            Some(content) => Ok(content),
            None => self.unlock(caller, version).await,
        }
    }

    /// The plaintext of the last part, which is in the catalog.
    async fn last_bytes(
        &self,
        version: &Version,
        content: &Arc<ContentKey>,
        manifest: &Manifest,
    ) -> Result<Bytes, Failure> {
        let size = version.entry.size;
        let range = size - last_of(manifest)?.size..size;
        let opened = open_stream(Arc::clone(content), manifest, range, version.source(&self.blobs));
        let bytes = collect(opened.map_err(failure::of_stored)?, INLINE_MAX).await;
        let bytes = bytes.map_err(|error| failure::of_stream(error, FailureCode::Internal));
        bytes.inspect_err(|failure| self.counters.note(failure))
    }

    /// Seals what is appended, behind the bytes `before` it that were in the catalog: into memory as long as both fit, else into
    /// a blob.
    async fn seal_tail(
        &self,
        version: &Version,
        content: &ContentKey,
        last: &Part,
        before: Bytes,
        put: &PutObject,
        body: Body,
    ) -> Result<Tail, Failure> {
        let number = if is_inline(last) { last.id.number } else { last.id.number + 1 };
        let id = PartId { salt: self.entropy.array()?, number };
        let skipped = before.len();
        let tally = Arc::new(OnceLock::new());
        let inspection = inspection(version, put, skipped, &body, &tally);
        let taken = take_up_to(body.bytes, INLINE_MAX - skipped).await;
        let (small, rest) = taken.map_err(|error| failure::of_stream(error, FailureCode::IncompleteBody))?;
        let plaintext: ByteStream = Box::pin(once(before).chain(once(small)));
        let Some(rest) = rest else {
            let sealed = seal_stream(content, &id, Bytes::new(), plaintext, inspection);
            let sealed = collect(sealed, usize::MAX).await;
            let sealed = sealed.map_err(|error| failure::of_stream(error, FailureCode::Internal))?;
            let tally = taken_from(tally)?;
            let part = Part { id, size: skipped as u64 + tally.size, header_len: 0, blob: [0; 16] };
            return Ok(Tail { part, inline: Some(sealed), tally });
        };
        let blob = BlobId::from_bytes(self.entropy.array()?);
        let rows = &version.content;
        let hint = recovery::hint(&rows.metadata, version.entry.storage_class, &rows.settings);
        let head = Header::encode(&version.identity, &id, &version.envelope, content, &hint);
        let head = head.map_err(failure::of_sealing)?;
        let header_len = u32::try_from(head.len()).expect("headers have a limit of 32 KiB");
        let sealed = seal_stream(content, &id, head.into(), Box::pin(plaintext.chain(rest)), inspection);
        self.write_blob(blob, sealed).await?;
        let tally = taken_from(tally)?;
        let part = Part { id, size: skipped as u64 + tally.size, header_len, blob: *blob.as_bytes() };
        Ok(Tail { part, inline: None, tally })
    }

    /// What the object comes to with its new last part.
    fn grow(
        &self,
        version: &Version,
        content: &ContentKey,
        manifest: &Manifest,
        tail: Tail,
        append: &AppendObject,
    ) -> Result<Grown, Failure> {
        let applied = &version.content.encryption;
        let digest = match tail.tally.md5 {
            Some(md5) if is_promised(append.put.tag, applied) => md5,
            _ => self.entropy.array()?,
        };
        let etag = ETag { digest, parts: None };
        let checksums = vec![whole_crc(&version.content, &tail.tally)?];
        let mut parts: Vec<Part> =
            manifest.parts().iter().filter(|part| part.id.number < tail.part.id.number).copied().collect();
        parts.push(tail.part);
        let field = recovery::digests(&etag, None, &checksums);
        let manifest = Manifest::new(parts, field).map_err(failure::of_sealing)?;
        let none = Default::default();
        let context = version.envelope.key().map_or(&none, |key| &key.context);
        let sealed = manifest.seal(content, &self.entropy.array()?, &version.identity.binding(context).encode());
        let blob = (!is_inline(&tail.part)).then(|| BlobId::from_bytes(tail.part.blob));
        Ok(Grown { etag, size: manifest.size(), checksums, manifest: sealed.into(), inline: tail.inline, blob })
    }

    async fn commit_append(
        &self,
        bucket: &Bucket,
        version: &Version,
        append: &AppendObject,
        grown: &Grown,
    ) -> Result<ObjectAppended, Failure> {
        let now = self.now();
        let amendment = |entry: &mut Entry, content: &mut Content| {
            if entry.uid != version.entry.uid || entry.size != version.entry.size {
                return Err(not_at_end(entry.size));
            }
            check_growing(entry, content)?;
            // What else was sealed or wrapped anew since then, this append knows nothing of.
            if content.envelope != version.content.envelope || content.manifest != version.content.manifest {
                return Err(FailureCode::Conflict.into());
            }
            (entry.size, entry.etag, entry.last_modified) = (grown.size, grown.etag, now);
            entry.has_blobs |= grown.blob.is_some();
            content.checksums.clone_from(&grown.checksums);
            content.manifest.clone_from(&grown.manifest);
            content.inline.clone_from(&grown.inline);
            content.blobs.extend(grown.blob);
            Ok(())
        };
        let _room = self.make_room(bucket, grown.size - version.entry.size).await?;
        let id = Some(version.entry.id());
        let blobs: Vec<BlobId> = grown.blob.into_iter().collect();
        let change = (Touch::Bytes(now), &amendment as &Amendment<'_>);
        match self.catalog.amend(bucket.id, &append.put.key, id, &blobs, change).await? {
            Amended::Rows(rows) => {
                self.counters.written(grown.blob.is_none());
                Ok(appended(version, append, &rows.0, &rows.1))
            }
            Amended::Marker(_) | Amended::Nothing => Err(not_at_end(0)),
            Amended::BlobsGivenUp => Err(FailureCode::RequestTimeout.into()),
            Amended::Locked => Err(FailureCode::ObjectLocked.into()),
        }
    }
}

/// Whether an append after the first asks for the encryption that the object has, or for none.
fn agrees(wish: &EncryptionWish, applied: &AppliedEncryption) -> bool {
    match (wish, applied) {
        (EncryptionWish::Unspecified | EncryptionWish::Customer(_), _) => true,
        (EncryptionWish::Managed(wished), AppliedEncryption::Managed(has)) => wished == has,
        (EncryptionWish::Kms(wished), AppliedEncryption::Kms(has)) => wished.algorithm == has.algorithm,
        _ => false,
    }
}

/// # Errors
/// `ObjectNotAppendable` for what was not made by appending, or grows no more.
fn check_growing(entry: &Entry, content: &Content) -> Result<(), Failure> {
    let grows = entry.kind == ObjectKind::Appendable && content.sealed.is_none();
    if grows { Ok(()) } else { Err(FailureCode::ObjectNotAppendable.into()) }
}

fn check_position(asked: u64, size: u64) -> Result<(), Failure> {
    if asked == size { Ok(()) } else { Err(not_at_end(size)) }
}

/// The answer to an append that is not at the end of an object of `size` bytes.
fn not_at_end(size: u64) -> Failure {
    Failure::new(FailureCode::PositionNotEqualToLength).with_detail("NextAppendPosition", size.to_string())
}

fn last_of(manifest: &Manifest) -> Result<Part, Failure> {
    let last = manifest.parts().last().copied();
    last.ok_or_else(|| Failure::new(FailureCode::Damaged).caused_by("a manifest without a part"))
}

/// What is computed of the appended bytes alone: those that stood before them in the same part are passed over.
fn inspection(
    version: &Version,
    put: &PutObject,
    skipped: usize,
    body: &Body,
    tally: &Arc<OnceLock<Tally>>,
) -> Inspection {
    let md5 = put.expected.md5.is_some() || is_promised(put.tag, &version.content.encryption);
    let expected = put.expected.checksums.iter().map(|checksum| checksum.algorithm);
    let algorithms = expected.chain([ChecksumAlgorithm::Crc64Ecma]);
    Inspection {
        digests: Digests::new(md5, algorithms).after(skipped),
        expected: put.expected.clone(),
        trailer: Arc::clone(&body.trailer),
        limit: PUT_BYTES_MAX,
        tally: Arc::clone(tally),
    }
}

/// The CRC-64 of all bytes, from that of those before and that of those which came.
fn whole_crc(content: &Content, tally: &Tally) -> Result<Checksum, Failure> {
    let is_crc = |checksum: &&Checksum| checksum.algorithm == ChecksumAlgorithm::Crc64Ecma;
    let (before, after) = (content.checksums.iter().find(is_crc), tally.checksums.iter().find(is_crc));
    let both = before.zip(after).and_then(|(before, after)| combine_crc64(before, after, tally.size));
    both.ok_or_else(|| Failure::new(FailureCode::Damaged).caused_by("an appendable object without its checksum"))
}

fn appended(version: &Version, append: &AppendObject, entry: &Entry, content: &Content) -> ObjectAppended {
    let encryption = match (&content.encryption, &append.put.encryption) {
        (AppliedEncryption::Customer { .. }, EncryptionWish::Customer(key)) => {
            AppliedEncryption::Customer { key_md5: Some(key.md5()) }
        }
        (applied, _) => applied.clone(),
    };
    let written = ObjectWritten {
        etag: entry.etag,
        md5: None,
        version: version.id,
        encryption,
        checksums: content.checksums.clone(),
        storage_class: entry.storage_class,
        last_modified: entry.last_modified,
        expiration: None,
    };
    ObjectAppended { written, position: entry.size }
}
