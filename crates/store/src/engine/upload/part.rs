//! Writing a part: intent, blob, commit.

use std::sync::{Arc, OnceLock};

use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::etag::{ETag, TagPromise};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::PartNumber;
use strongroom_model::operation::object::ExpectedDigests;
use strongroom_model::operation::upload::WritePart;
use strongroom_model::outcome::upload::PartWritten;
use strongroom_model::secret::CustomerKey;
use strongroom_seal::{ContentKey, Header, PartId};

use super::super::digests::{Digests, Tally};
use super::super::draft::left_in;
use super::super::put::{PUT_BYTES_MAX, is_promised};
use super::super::sealing::{Inspection, Trailer, seal_stream};
use super::super::{Body, Caller, Engine};
use super::OpenUpload;
use crate::catalog::{
    recovery,
    uploads::{PartCommitment, UploadedPart},
};
use crate::{blob_id::BlobId, failure};

/// What is asked of a part, wherever its plaintext comes from.
pub(in crate::engine) struct NewPart<'a> {
    /// Its number.
    pub(in crate::engine) number: PartNumber,
    /// The customer's key of the request.
    pub(in crate::engine) customer_key: Option<&'a CustomerKey>,
    /// What its plaintext must come to.
    pub(in crate::engine) expected: ExpectedDigests,
    /// Checksums to compute and answer, besides the upload's own.
    pub(in crate::engine) keep: Vec<ChecksumAlgorithm>,
    /// When its tag is the MD5 of the bytes.
    pub(in crate::engine) tag: TagPromise,
}

/// A part's sealed bytes, stored.
struct Stored {
    id: PartId,
    blob: BlobId,
    header_len: u32,
    tally: Tally,
}

impl Engine {
    /// Writes a part from the request's body.
    pub(super) async fn write_part(
        &self,
        caller: &Caller,
        write: WritePart,
        body: Body,
    ) -> Result<PartWritten, Failure> {
        let open = self.open_upload(caller, &write.upload, write.holders).await?;
        let content = self.unlock_upload(caller, &open, write.customer_key.as_ref()).await?;
        let part = NewPart {
            number: write.number,
            customer_key: write.customer_key.as_ref(),
            expected: write.expected,
            keep: write.keep,
            tag: write.tag,
        };
        self.store_part(&open, &content, part, body).await
    }

    /// Seals a plaintext, whatever it comes from, as a part of an upload; `content` is what [`Engine::unlock_upload`] gave.
    pub(in crate::engine) async fn store_part(
        &self,
        open: &OpenUpload,
        content: &ContentKey,
        part: NewPart<'_>,
        body: Body,
    ) -> Result<PartWritten, Failure> {
        open.check_algorithms(&part.keep)?;
        self.expect_room(&open.bucket, body.declared).await?;
        let stored = self.seal_part(open, content, &part, body).await?;
        let committed = self.commit_part(open, &part, &stored).await;
        if committed.is_err() {
            self.abandon(stored.blob).await;
        }
        committed
    }

    async fn seal_part(
        &self,
        open: &OpenUpload,
        content: &ContentKey,
        part: &NewPart<'_>,
        body: Body,
    ) -> Result<Stored, Failure> {
        let id = PartId { salt: self.entropy.array()?, number: part.number.get() };
        let blob = BlobId::from_bytes(self.entropy.array()?);
        let upload = &open.upload;
        let hint = recovery::hint(&upload.metadata, upload.storage_class, &upload.settings);
        let head = Header::encode(&open.identity, &id, &open.envelope, content, &hint).map_err(failure::of_sealing)?;
        let header_len = u32::try_from(head.len()).expect("headers have a limit of 32 KiB");
        let tally = Arc::new(OnceLock::new());
        let inspection = open.inspection(part, body.trailer, Arc::clone(&tally));
        let sealed = seal_stream(content, &id, head.into(), body.bytes, inspection);
        self.write_blob(blob, sealed).await?;
        Ok(Stored { id, blob, header_len, tally: left_in(tally)? })
    }

    async fn commit_part(
        &self,
        open: &OpenUpload,
        part: &NewPart<'_>,
        stored: &Stored,
    ) -> Result<PartWritten, Failure> {
        let tally = &stored.tally;
        let digest = match tally.md5 {
            Some(md5) if is_promised(part.tag, &open.upload.encryption) => md5,
            _ => self.entropy.array()?,
        };
        let uploaded = UploadedPart {
            number: part.number,
            size: tally.size,
            tag: digest,
            checksums: tally.checksums.clone(),
            last_modified: self.now(),
            salt: stored.id.salt,
            blob: stored.blob,
            header_len: stored.header_len,
        };
        let _room = self.make_room(&open.bucket, tally.size).await?;
        match self.catalog.commit_part(open.place(), &uploaded).await? {
            PartCommitment::Committed => {
                self.counters.written(false);
                Ok(PartWritten {
                    etag: ETag { digest, parts: None },
                    md5: tally.md5,
                    last_modified: uploaded.last_modified,
                    encryption: open.applied(part.customer_key),
                    checksums: open.told(part, tally),
                })
            }
            PartCommitment::UploadEnded => Err(FailureCode::NoSuchUpload.into()),
            PartCommitment::BlobGivenUp => Err(FailureCode::RequestTimeout.into()),
        }
    }
}

impl OpenUpload {
    /// A part of an upload whose checksum was asked for comes with that one or with none, which is then computed.
    fn check_algorithms(&self, sent: &[ChecksumAlgorithm]) -> Result<(), Failure> {
        let Some(asked) = self.upload.checksum.filter(|checksum| checksum.asked) else { return Ok(()) };
        match sent.iter().find(|algorithm| **algorithm != asked.algorithm) {
            None => Ok(()),
            Some(other) => Err(Failure::new(FailureCode::InvalidRequest).with_message(format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                asked.algorithm.name(),
                other.name()
            ))),
        }
    }

    fn inspection(&self, part: &NewPart<'_>, trailer: Trailer, tally: Arc<OnceLock<Tally>>) -> Inspection {
        let md5 = part.expected.md5.is_some() || is_promised(part.tag, &self.upload.encryption);
        let expected = part.expected.checksums.iter().map(|checksum| checksum.algorithm);
        let own = self.upload.checksum.map(|checksum| checksum.algorithm);
        let digests = Digests::new(md5, part.keep.iter().copied().chain(expected).chain(own));
        Inspection { digests, expected: part.expected.clone(), trailer, limit: PUT_BYTES_MAX, tally }
    }

    /// The checksums that the answer tells: those that came, and the upload's if it was asked for.
    fn told(&self, part: &NewPart<'_>, tally: &Tally) -> Vec<strongroom_model::checksum::Checksum> {
        let asked = self.upload.checksum.filter(|checksum| checksum.asked).map(|checksum| checksum.algorithm);
        let is_told = |algorithm| part.keep.contains(&algorithm) || asked == Some(algorithm);
        tally.checksums.iter().filter(|checksum| is_told(checksum.algorithm)).cloned().collect()
    }
}
