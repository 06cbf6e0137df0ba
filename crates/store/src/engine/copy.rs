//! Copying: a read of the source becomes the body of a write. There is no other writer: what the target is sealed with,
//! where its bytes go and what becomes of them if the source breaks off, are the business of the write.

use std::ops::Range;

use strongroom_model::encryption::{AppliedEncryption, EncryptionWish};
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::{Failure, FailureCode, Subject};
use strongroom_model::operation::copy::{CopiedChecksums, CopyObject, CopyPart, MetadataFrom, OntoItself, Unchanged};
use strongroom_model::operation::object::{GetObject, PutObject, Unsatisfiable};
use strongroom_model::operation::symlink::{Links, PutSymlink};
use strongroom_model::outcome::object::ObjectCopied;
use strongroom_model::outcome::upload::PartCopied;
use strongroom_model::range::RangeSpec;
use strongroom_seal::ContentKey;

use super::copy_in_place::leaves_the_bytes;
use super::encryption::Choice;
use super::sealing::Trailer;
use super::upload::NewPart;
use super::{Body, Caller, Engine};
use crate::catalog::buckets::Bucket;
use crate::opening::Version;

impl Engine {
    /// Copies an object.
    pub(super) async fn copy_object(&self, caller: &Caller, copy: CopyObject) -> Result<ObjectCopied, Failure> {
        let (version, key) = self.source(caller, &copy.source, copy.unchanged, copy.links).await?;
        let facts = version.facts(None);
        if facts.size > CopyObject::SOURCE_BYTES_MAX {
            return Err(FailureCode::CopySourceTooLarge.into());
        }
        let onto_itself = is_onto_itself(&copy);
        let bucket = if onto_itself { Some(self.bucket(caller, &copy.target.bucket).await?) } else { None };
        if let Some(bucket) = &bucket {
            self.check_onto_itself(caller, &copy, bucket, &version)?;
        }
        let put = target(copy, &version);
        if let Some(bucket) = &bucket {
            let choice = self.choose(caller, &put.encryption, bucket)?;
            if leaves_the_bytes(&put, &choice, bucket, &version) {
                drop(choice);
                return Box::pin(self.copy_in_place(caller, put, bucket, &version)).await;
            }
        }
        if let Some(target) = version.content.link.clone() {
            let link = PutObject { keep: Vec::new(), tag: TagPromise::Never, ..put };
            let written = self.put_symlink(caller, PutSymlink { link, target }).await?;
            return Ok(ObjectCopied { written, source_version: facts.version });
        }
        let bytes = self.plaintext(caller, &version, key, None).await?;
        let body = Body { bytes, trailer: Trailer::default(), declared: Some(facts.size) };
        let written = Box::pin(self.put_object(caller, put, body)).await?;
        Ok(ObjectCopied { written, source_version: facts.version })
    }

    /// Copies an object, or a range of it, into a part of an upload.
    pub(super) async fn copy_part(&self, caller: &Caller, copy: CopyPart) -> Result<PartCopied, Failure> {
        let CopyPart { source, part, unchanged } = copy;
        let (version, key) = self.source(caller, &source, unchanged, Links::Followed).await?;
        let range = part_of(&version, &source)?;
        let open = self.open_upload(caller, &part.upload, part.holders).await?;
        let content = self.unlock_upload(caller, &open, part.customer_key.as_ref()).await?;
        let declared = Some(range.end - range.start);
        let bytes = self.plaintext(caller, &version, key, Some(range)).await?;
        let asked = NewPart {
            number: part.number,
            customer_key: part.customer_key.as_ref(),
            expected: part.expected,
            keep: part.keep,
            tag: part.tag,
        };
        let written =
            self.store_part(&open, &content, asked, Body { bytes, trailer: Trailer::default(), declared }).await?;
        Ok(PartCopied { written, source_version: version.id })
    }

    /// The version that a copy reads, and the key to open it with if that came with the request. What is wrong with the
    /// source is told of the source.
    pub(super) async fn source(
        &self,
        caller: &Caller,
        source: &GetObject,
        unchanged: Unchanged,
        links: Links,
    ) -> Result<(Version, Option<ContentKey>), Failure> {
        let found = self.version_to_read(caller, source, links).await;
        found.map_err(|failure| of_source(failure, source, unchanged))
    }

    /// # Errors
    /// `CopyChangesNothing`, `CopyLosesEncryption`, as the dialect has it.
    fn check_onto_itself(
        &self,
        caller: &Caller,
        copy: &CopyObject,
        bucket: &Bucket,
        version: &Version,
    ) -> Result<(), Failure> {
        let applied = &version.content.encryption;
        let choice = self.choose(caller, &copy.target.encryption, bucket)?;
        let changes = copy.metadata_from == MetadataFrom::Request
            || copy.target.storage_class.is_some()
            || !matches!(copy.target.encryption, EncryptionWish::Unspecified)
            || !keeps(&choice, applied)
            || (copy.onto_itself == OntoItself::Changes && bucket.rule_was_set);
        match copy.onto_itself {
            OntoItself::Replaces => Ok(()),
            _ if !changes => Err(FailureCode::CopyChangesNothing.into()),
            OntoItself::ChangesAndStaysEncrypted
                if matches!(choice, Choice::Plain) && *applied != AppliedEncryption::Plain =>
            {
                Err(FailureCode::CopyLosesEncryption.into())
            }
            _ => Ok(()),
        }
    }
}

/// The bytes of a part's source.
///
/// # Errors
/// `InvalidCopyRange` for a range that is not wholly within the source, where the dialect minds; `CopySourceTooLarge`.
fn part_of(version: &Version, source: &GetObject) -> Result<Range<u64>, Failure> {
    let size = version.entry.size;
    let range = match (source.range, source.unsatisfiable) {
        (None, _) => 0..size,
        (Some(RangeSpec::Between { first, last }), Unsatisfiable::Refused) if first < size && last < size => {
            first..last + 1
        }
        (Some(_), Unsatisfiable::Refused) => {
            let message = format!("Range specified is not valid for source object of size: {size}");
            return Err(Failure::new(FailureCode::InvalidCopyRange).with_message(message));
        }
        (Some(range), Unsatisfiable::Whole) => range.resolve(size).unwrap_or(0..size),
    };
    if range.end - range.start > CopyObject::SOURCE_BYTES_MAX {
        return Err(FailureCode::CopySourceTooLarge.into());
    }
    Ok(range)
}

/// A version that is named is another than the one to be written, though it may be the latest.
fn is_onto_itself(copy: &CopyObject) -> bool {
    copy.source.version.is_none() && (&copy.source.bucket, &copy.source.key) == (&copy.target.bucket, &copy.target.key)
}

/// Whether what a bucket's default comes to is what an object has. A master key is always taken for another one.
pub(super) fn keeps(choice: &Choice<'_>, applied: &AppliedEncryption) -> bool {
    match (choice, applied) {
        (Choice::Plain, AppliedEncryption::Plain) => true,
        (Choice::Managed(chosen), AppliedEncryption::Managed(has)) => chosen == has,
        _ => false,
    }
}

/// The write that a copy of `version` comes to.
fn target(copy: CopyObject, version: &Version) -> PutObject {
    let replaces = copy.onto_itself == OntoItself::Replaces && is_onto_itself(&copy);
    let metadata = match copy.metadata_from {
        MetadataFrom::Source if !replaces => version.content.metadata.clone(),
        _ => copy.target.metadata,
    };
    let has = version.content.checksums.iter().map(|checksum| checksum.algorithm);
    let keep = match copy.checksums {
        CopiedChecksums::Only(algorithm) => vec![algorithm],
        CopiedChecksums::OfSource { otherwise } if version.content.checksums.is_empty() => {
            otherwise.into_iter().collect()
        }
        CopiedChecksums::OfSource { .. } => has.collect(),
    };
    let mut settings = copy.target.settings;
    if copy.tags_from == MetadataFrom::Source {
        settings.tags = version.content.settings.tags.clone();
    }
    PutObject { metadata, keep, settings, ..copy.target }
}

/// A failure of the source, told as such.
fn of_source(failure: Failure, source: &GetObject, unchanged: Unchanged) -> Failure {
    let failure = Failure { marker: None, ..failure };
    match (failure.code, unchanged) {
        (FailureCode::MethodNotAllowed, _) => FailureCode::CopySourceIsMarker.into(),
        (FailureCode::NoSuchBucket, _) => failure.about(Subject::Text(source.bucket.as_str().to_owned())),
        (FailureCode::NoSuchKey | FailureCode::NoSuchVersion, _) => {
            failure.about(Subject::Text(source.key.as_str().to_owned()))
        }
        (FailureCode::PreconditionFailed, _) => Failure { code: FailureCode::CopySourceConditionFailed, ..failure },
        (FailureCode::NotModified, Unchanged::Failed) => {
            let header = if source.conditions.if_none_match.is_some() { "If-None-Match" } else { "If-Modified-Since" };
            Failure::new(FailureCode::CopySourceConditionFailed).with_detail("Condition", header)
        }
        _ => failure,
    }
}
