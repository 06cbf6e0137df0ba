//! Completing an upload: one commit, whatever the size. Nothing is copied; the list of parts is sealed and named.

use crc_fast::{CrcAlgorithm, checksum_combine};
use md5::{Digest as _, Md5};
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm, ChecksumScope};
use strongroom_model::etag::ETag;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::ObjectKind;
use strongroom_model::name::{PartNumber, VersionId};
use strongroom_model::operation::upload::{CompleteUpload, NamedPart, NamedParts, UploadChecksum, UploadName};
use strongroom_model::outcome::upload::UploadCompleted;
use strongroom_model::time::Timestamp;
use strongroom_seal::{Manifest, ManifestKey, Part, PartId};

use super::super::digests::Digests;
use super::super::draft::{Rows, is_null_now};
use super::super::lifecycle::notice;
use super::super::locks::locked_from;
use super::super::{Caller, Engine, precondition};
use super::OpenUpload;
use crate::catalog::{
    ATTEMPTS, CatalogError,
    buckets::Bucket,
    history::{Commitment, NewVersion, READERS_GRACE_MS},
    objects::{Content, Entry, PartSummary, Parts, VersionUid},
    recovery,
    uploads::{Completion, UploadedPart},
};
use crate::{blob_id::BlobId, failure, opening::Version, stream::once};

/// The parts that the object is made of, in order, with the versions of their rows; and what they come to.
struct Assembly {
    parts: Vec<(UploadedPart, u64)>,
    size: u64,
    etag: ETag,
    checksums: Vec<Checksum>,
}

impl Engine {
    /// Makes an object of an upload's parts. Asked again after it was done, it answers again, as long as the object is there.
    pub(super) async fn complete_upload(
        &self,
        caller: &Caller,
        complete: CompleteUpload,
    ) -> Result<UploadCompleted, Failure> {
        for _ in 0..ATTEMPTS {
            let Some(open) = self.find_upload(caller, &complete.upload, complete.holders).await? else {
                return self.completed_before(caller, &complete).await;
            };
            let parts = self.catalog.parts(open.id, 0, PartNumber::MAX as usize).await?;
            let assembly = Assembly::new(&open, &complete, parts)?;
            let manifest_key = self.manifest_key(caller, &open, &complete).await?;
            if let Some(completed) = self.publish(&open, &complete, assembly, manifest_key).await? {
                self.sweep_upload(open.id).await;
                return Ok(completed);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// What seals the manifest. Under a customer's key it was derived when the upload began; else the data key is unwrapped,
    /// with at most one call to the key service.
    async fn manifest_key(
        &self,
        caller: &Caller,
        open: &OpenUpload,
        complete: &CompleteUpload,
    ) -> Result<ManifestKey, Failure> {
        if let Some(kept) = &open.upload.manifest_key {
            if let Some(key) = &complete.customer_key {
                open.unlock_by_customer(caller, key)?;
            }
            return ManifestKey::from_kept(kept).map_err(failure::of_stored);
        }
        if complete.customer_key.is_some() {
            return Err(FailureCode::UploadKeyRequired.into());
        }
        self.hold_openable(caller, &open.upload.encryption, &open.identity, true).await?;
        let content = caller.keys.unwrap(&open.envelope, &open.identity).await?;
        Ok(ManifestKey::derive(&content, self.entropy.array()?))
    }

    /// The one commit. None if the upload, a part or the bucket's lock has changed since it was read.
    async fn publish(
        &self,
        open: &OpenUpload,
        complete: &CompleteUpload,
        assembly: Assembly,
        key: ManifestKey,
    ) -> Result<Option<UploadCompleted>, Failure> {
        let now = self.now();
        let rules = self.lifecycle_of(&open.bucket).await?;
        let object = (assembly.size, &open.upload.settings.tags);
        let expiration = notice(rules.as_ref(), open.key.as_str(), object, now);
        let record = BlobId::from_bytes(self.entropy.array()?);
        let Rows { entry, content } = rows_of(open, &assembly, record, key, now)?;
        let parts = assembly.parts.iter().map(|(part, row)| (part.number, *row)).collect();
        let framed = self.catalog.seal_version(open.bucket.id, &open.key, &entry, &content)?;
        let completion = Completion { place: open.place(), version: open.row, parts };
        let new = NewVersion {
            bucket: open.bucket.id,
            key: &open.key,
            entry,
            content,
            lock: open.bucket.facts.lock,
            conditions: &complete.conditions,
            freed_due: now.plus_millis(READERS_GRACE_MS),
            completion: Some(&completion),
            record: Some(record),
        };
        // Its parts have taken their room. A bucket that holds more than it may takes no object, however.
        let _room = self.make_room(&open.bucket, 0).await?;
        self.write_blob(record, once(framed)).await?;
        let commitment = self.catalog.commit_version(new).await;
        if !matches!(commitment, Ok(Commitment::Committed(_))) {
            self.abandon(record).await;
        }
        match commitment? {
            Commitment::Committed(version) => {
                let completed = open.completed(complete, version, assembly.etag, assembly.checksums);
                Ok(Some(UploadCompleted { expiration, ..completed }))
            }
            Commitment::NothingToMatch => Err(FailureCode::NoSuchKey.into()),
            Commitment::UploadChanged | Commitment::BlobsGivenUp | Commitment::LockChanged => Ok(None),
            Commitment::BucketGone => Err(FailureCode::NoSuchBucket.into()),
            Commitment::BucketDeleting => Err(FailureCode::Conflict.into()),
            Commitment::ConditionFailed(header) => Err(precondition::failed(header)),
            Commitment::Locked => Err(FailureCode::ObjectLocked.into()),
        }
    }

    /// The version that the upload became, if it is there: under its own id, or as the null version.
    async fn version_of_upload(
        &self,
        caller: &Caller,
        bucket: &Bucket,
        name: &UploadName,
    ) -> Result<Option<Version>, Failure> {
        let uid = VersionUid(name.id.0);
        for id in [VersionId::Id(uid.0), VersionId::Null] {
            let found = self.version(caller, &bucket.facts.name, &name.key, Some(id)).await?;
            if let Some(version) = found.filter(|version| version.entry.uid == uid) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// The answer that was given before, if the object that the upload became is there, and made of the same parts.
    async fn completed_before(&self, caller: &Caller, complete: &CompleteUpload) -> Result<UploadCompleted, Failure> {
        let name = &complete.upload;
        let bucket = self.bucket(caller, &name.bucket).await?;
        let gone = || Failure::new(FailureCode::NoSuchUpload);
        let version = self.version_of_upload(caller, &bucket, name).await?.ok_or_else(gone)?;
        let expiration = self.expiration_of(&version).await?;
        let (entry, content) = (version.entry, version.content);
        let parts = content.parts.ok_or_else(gone)?;
        let named = match &complete.parts {
            NamedParts::All => true,
            NamedParts::These(named) => {
                named.len() == parts.parts.len()
                    && named.iter().zip(&parts.parts).all(|(named, part)| part.number == named.number && part.is(named))
            }
        };
        if !named {
            return Err(gone());
        }
        Ok(UploadCompleted {
            upload: name.clone(),
            etag: entry.etag,
            version: version.id,
            encryption: content.encryption,
            checksums: content.checksums,
            checksum_asked: parts.checksum_asked,
            storage_class: entry.storage_class,
            expiration,
            url_encoded: complete.url_encoded,
        })
    }
}

impl OpenUpload {
    fn completed(
        &self,
        complete: &CompleteUpload,
        version: Option<VersionId>,
        etag: ETag,
        checksums: Vec<Checksum>,
    ) -> UploadCompleted {
        UploadCompleted {
            upload: complete.upload.clone(),
            etag,
            version,
            encryption: self.upload.encryption.clone(),
            checksums,
            checksum_asked: self.upload.checksum.is_some_and(|checksum| checksum.asked),
            storage_class: self.upload.storage_class,
            expiration: None,
            url_encoded: complete.url_encoded,
        }
    }
}

impl Assembly {
    /// The named parts, if they are there and can be an object.
    fn new(open: &OpenUpload, complete: &CompleteUpload, all: Vec<(UploadedPart, u64)>) -> Result<Self, Failure> {
        let kept = open.upload.checksum;
        let parts = match &complete.parts {
            NamedParts::All => all,
            NamedParts::These(named) => choose(all, named, kept)?,
        };
        check_sizes(&parts, complete.least_part)?;
        let mut tags = Md5::new();
        parts.iter().for_each(|(part, _)| tags.update(part.tag));
        let count = u32::try_from(parts.len()).expect("an upload has at most 10,000 parts");
        let assembly = Self {
            size: parts.iter().map(|(part, _)| part.size).sum(),
            etag: ETag { digest: tags.finalize().into(), parts: Some(count) },
            checksums: checksums(kept, &complete.expected, &parts),
            parts,
        };
        assembly.verify(complete, kept)?;
        Ok(assembly)
    }

    /// Holds the object against what the client says it comes to.
    fn verify(&self, complete: &CompleteUpload, kept: Option<UploadChecksum>) -> Result<(), Failure> {
        if let Some(size) = complete.size.filter(|size| *size != self.size) {
            return Err(Failure::new(FailureCode::InvalidRequest).with_message(format!(
                "The provided object size {size} does not match what the parts come to: {}",
                self.size
            )));
        }
        if complete.scope.is_some_and(|scope| kept.is_some_and(|kept| kept.scope != scope)) {
            return Err(Failure::new(FailureCode::InvalidRequest)
                .with_message("The upload was begun with another kind of checksum than its completion names."));
        }
        complete.expected.iter().try_for_each(|declared| {
            match self.checksums.iter().find(|computed| computed.algorithm == declared.algorithm) {
                None => Err(Failure::new(FailureCode::InvalidRequest)
                    .with_message("The completion names a checksum that the upload does not keep.")),
                Some(computed) if computed.value != declared.value => Err(FailureCode::BadDigest.into()),
                Some(_) => Ok(()),
            }
        })
    }

    fn manifest(&self, open: &OpenUpload, key: ManifestKey) -> Result<Vec<u8>, Failure> {
        let part = |(part, _): &(UploadedPart, u64)| Part {
            id: PartId { salt: part.salt, number: part.number.get() },
            size: part.size,
            header_len: part.header_len,
            blob: *part.blob.as_bytes(),
        };
        let digests = recovery::digests(&self.etag, None, &self.checksums);
        let manifest = Manifest::new(self.parts.iter().map(part).collect(), digests).map_err(failure::of_sealing)?;
        let none = Default::default();
        let context = open.envelope.key().map_or(&none, |key| &key.context);
        Ok(manifest.seal_under(key, &open.identity.binding(context).encode()))
    }

    fn summary(&self, kept: Option<UploadChecksum>) -> Parts {
        let part = |(part, _): &(UploadedPart, u64)| PartSummary {
            number: part.number,
            size: part.size,
            tag: part.tag,
            checksum: kept.and_then(|kept| part.checksum(kept.algorithm)).cloned(),
        };
        Parts { parts: self.parts.iter().map(part).collect(), checksum_asked: kept.is_some_and(|kept| kept.asked) }
    }
}

impl UploadedPart {
    fn checksum(&self, algorithm: ChecksumAlgorithm) -> Option<&Checksum> {
        self.checksums.iter().find(|checksum| checksum.algorithm == algorithm)
    }

    /// Whether it is the one that a completion names.
    fn is(&self, named: &NamedPart) -> bool {
        ETag { digest: self.tag, parts: None }.is_spelled(&named.tag)
            && named.checksums.iter().all(|checksum| self.checksums.contains(checksum))
    }
}

impl PartSummary {
    fn is(&self, named: &NamedPart) -> bool {
        ETag { digest: self.tag, parts: None }.is_spelled(&named.tag)
    }
}

/// The named ones of `all`, which are in order.
fn choose(
    all: Vec<(UploadedPart, u64)>,
    named: &[NamedPart],
    kept: Option<UploadChecksum>,
) -> Result<Vec<(UploadedPart, u64)>, Failure> {
    if !named.is_sorted_by(|a, b| a.number < b.number) {
        return Err(FailureCode::InvalidPartOrder.into());
    }
    let mut rest = all.into_iter();
    let mut chosen = Vec::with_capacity(named.len());
    for named in named {
        let found = rest.by_ref().find(|(part, _)| part.number >= named.number);
        let found = found.filter(|(part, _)| part.number == named.number && part.is(named));
        chosen.push(found.ok_or_else(|| invalid_part(named))?);
        let composite = kept.filter(|kept| kept.asked && kept.scope == ChecksumScope::Composite);
        if let Some(kept) = composite.filter(|_| named.checksums.is_empty()) {
            return Err(Failure::new(FailureCode::InvalidRequest).with_message(format!(
                "The upload was created using a {} checksum. The complete request must include the checksum for each \
                 part. It was missing for part {} in the request.",
                kept.algorithm.name(),
                named.number.get()
            )));
        }
    }
    Ok(chosen)
}

fn invalid_part(named: &NamedPart) -> Failure {
    Failure::new(FailureCode::InvalidPart)
        .with_detail("PartNumber", named.number.get().to_string())
        .with_detail("ETag", named.tag.trim_matches('"'))
}

fn check_sizes(parts: &[(UploadedPart, u64)], least: u64) -> Result<(), Failure> {
    let Some((_last, rest)) = parts.split_last() else { return Err(FailureCode::InvalidPart.into()) };
    match rest.iter().find(|(part, _)| part.size < least) {
        None => Ok(()),
        Some((part, _)) => Err(Failure::new(FailureCode::EntityTooSmall)
            .with_detail("ETag", ETag { digest: part.tag, parts: None }.lower_hex())
            .with_detail("MinSizeAllowed", least.to_string())
            .with_detail("ProposedSize", part.size.to_string())
            .with_detail("PartNumber", part.number.get().to_string())),
    }
}

/// The object's checksums: that which the upload keeps, and those that the completion names, if all parts came with them.
fn checksums(kept: Option<UploadChecksum>, named: &[Checksum], parts: &[(UploadedPart, u64)]) -> Vec<Checksum> {
    let named = named.iter().filter(|named| kept.is_none_or(|kept| kept.algorithm != named.algorithm));
    let named = named.map(|named| {
        let scope = if named.parts.is_some() { ChecksumScope::Composite } else { ChecksumScope::Whole };
        UploadChecksum { algorithm: named.algorithm, scope, asked: false }
    });
    kept.into_iter().chain(named).filter_map(|kept| combine(kept, parts)).collect()
}

/// The object's checksum from those of its parts; none if a part lacks it.
fn combine(kept: UploadChecksum, parts: &[(UploadedPart, u64)]) -> Option<Checksum> {
    let algorithm = kept.algorithm;
    let values = parts.iter().map(|(part, _)| Some((part.checksum(algorithm)?, part.size)));
    let values: Vec<_> = values.collect::<Option<_>>()?;
    match (kept.scope, crc(algorithm)) {
        (ChecksumScope::Whole, Some(crc)) => {
            let number = |checksum: &Checksum| checksum.value.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            let (first, rest) = values.split_first()?;
            let whole = rest
                .iter()
                .fold(number(first.0), |sum, (checksum, size)| checksum_combine(crc, sum, number(checksum), *size));
            Some(Checksum::whole(algorithm, whole.to_be_bytes()[8 - algorithm.length()..].to_vec()))
        }
        (ChecksumScope::Composite, _) | (ChecksumScope::Whole, None) => {
            let mut digests = Digests::new(false, [algorithm]);
            values.iter().for_each(|(checksum, _)| digests.update(&checksum.value));
            let composite = digests.finish().checksums.into_iter().next()?;
            Some(Checksum { parts: u32::try_from(values.len()).ok(), ..composite })
        }
    }
}

fn crc(algorithm: ChecksumAlgorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        ChecksumAlgorithm::Crc64Ecma => Some(CrcAlgorithm::Crc64Xz),
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => None,
    }
}

/// The rows of the version that the upload becomes; its last blob will hold nothing but the record of them.
fn rows_of(
    open: &OpenUpload,
    assembly: &Assembly,
    record: BlobId,
    key: ManifestKey,
    now: Timestamp,
) -> Result<Rows, Failure> {
    let upload = &open.upload;
    let entry = Entry {
        uid: VersionUid(open.id.0),
        generation: 0,
        is_null: is_null_now(&open.bucket),
        size: assembly.size,
        etag: assembly.etag,
        last_modified: now,
        storage_class: upload.storage_class,
        kind: ObjectKind::Multipart,
        has_blobs: true,
        revision: 0,
    };
    let content = Content {
        md5: None,
        checksums: assembly.checksums.clone(),
        metadata: upload.metadata.clone(),
        settings: locked_from(open.bucket.facts.lock, upload.settings.clone(), now),
        encryption: upload.encryption.clone(),
        envelope: upload.envelope.clone(),
        manifest: assembly.manifest(open, key)?.into(),
        blobs: assembly.parts.iter().map(|(part, _)| part.blob).chain([record]).collect(),
        parts: Some(assembly.summary(upload.checksum)),
        sealed: None,
        link: None,
        inline: None,
        revision: 0,
    };
    Ok(Rows { entry, content })
}
