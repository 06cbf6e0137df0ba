//! Digests that a head declares of its body.

use md5::{Digest, Md5};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_model::failure::{Failure, FailureCode};

use crate::decode::checksum;
use crate::request::Request;
use crate::text::bytes::from_base64;

/// What a document must come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DocumentDigests {
    md5: Option<[u8; 16]>,
    checksums: Vec<Checksum>,
}

impl DocumentDigests {
    /// What the head of `request` declares.
    pub(crate) fn read(request: &Request<'_>) -> Result<Self, Failure> {
        Ok(Self { md5: content_md5(request)?, checksums: checksum::declared(request)? })
    }

    /// The same without checksums, which the head declares of something else.
    pub(crate) fn of_md5(request: &Request<'_>) -> Result<Self, Failure> {
        Ok(Self { md5: content_md5(request)?, checksums: Vec::new() })
    }

    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        self.md5.is_some() || !self.checksums.is_empty()
    }

    /// Holds a document against them.
    ///
    /// # Errors
    /// `BadDigest`.
    pub(crate) fn verify(&self, document: &[u8]) -> Result<(), Failure> {
        let md5_fits = self.md5.is_none_or(|declared| md5_of(document) == declared);
        let checksums_fit = self.checksums.iter().all(|declared| sum(declared.algorithm, document) == declared.value);
        if md5_fits && checksums_fit { Ok(()) } else { Err(FailureCode::BadDigest.into()) }
    }
}

/// `Content-MD5`. A signed URL may carry it, and the signature then covers it there.
///
/// # Errors
/// `InvalidDigest` if it is not base64 of 16 bytes.
pub(crate) fn content_md5(request: &Request<'_>) -> Result<Option<[u8; 16]>, Failure> {
    let Some(text) = request.header_or_parameter("content-md5")? else { return Ok(None) };
    let digest = from_base64(text).and_then(|bytes| bytes.try_into().ok());
    digest.map(Some).ok_or_else(|| FailureCode::InvalidDigest.into())
}

/// The MD5 of `bytes`.
pub(crate) fn md5_of(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

fn sum(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Vec<u8> {
    use crc_fast::CrcAlgorithm::{Crc32Iscsi, Crc32IsoHdlc, Crc64Nvme, Crc64Xz};
    let crc = |algorithm| crc_fast::checksum(algorithm, bytes);
    match algorithm {
        ChecksumAlgorithm::Crc32 => crc(Crc32IsoHdlc).to_be_bytes()[4..].to_vec(),
        ChecksumAlgorithm::Crc32c => crc(Crc32Iscsi).to_be_bytes()[4..].to_vec(),
        ChecksumAlgorithm::Crc64Nvme => crc(Crc64Nvme).to_be_bytes().to_vec(),
        ChecksumAlgorithm::Crc64Ecma => crc(Crc64Xz).to_be_bytes().to_vec(),
        ChecksumAlgorithm::Sha1 => digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec(),
        ChecksumAlgorithm::Sha256 => digest(&SHA256, bytes).as_ref().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values that the catalogues of CRCs give for `123456789`; the digests are those of FIPS 180 tools.
    #[test]
    fn checksums_are_the_published_ones() {
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc32, "cbf43926"),
            (ChecksumAlgorithm::Crc32c, "e3069283"),
            (ChecksumAlgorithm::Crc64Nvme, "ae8b14860a799888"),
            (ChecksumAlgorithm::Crc64Ecma, "995dc9bbdf1939fa"),
            (ChecksumAlgorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (ChecksumAlgorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ] {
            assert_eq!(hex::encode(sum(algorithm, b"123456789")), expected, "{algorithm:?}");
        }
        assert_eq!(hex::encode(md5_of(b"")), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn a_document_of_another_digest_is_refused() {
        let digests = DocumentDigests { md5: Some(md5_of(b"a")), checksums: Vec::new() };
        assert!(digests.verify(b"a").is_ok());
        assert_eq!(digests.verify(b"b").unwrap_err().code, FailureCode::BadDigest);
    }
}
