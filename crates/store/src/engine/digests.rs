//! Digests of the plaintext, computed over each chunk while it is in the processor's cache, in the pass that seals it.

use std::collections::BTreeMap;

use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::object::ExpectedDigests;

/// What the plaintext came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    /// Bytes.
    pub(super) size: u64,
    /// Its MD5, if it was wanted.
    pub(super) md5: Option<[u8; 16]>,
    /// The wanted checksums, in the order of [`ChecksumAlgorithm::ALL`].
    pub(super) checksums: Vec<Checksum>,
}

/// Digests under way.
pub(super) struct Digests {
    /// Bytes still to pass over.
    skip: usize,
    size: u64,
    md5: Option<Md5>,
    running: BTreeMap<ChecksumAlgorithm, Running>,
}

enum Running {
    Crc(crc_fast::Digest),
    Sha(Context),
}

impl Digests {
    /// Computes the MD5 only if `md5`, which is the slowest of all, and each algorithm that is named once or more.
    pub(super) fn new(md5: bool, algorithms: impl IntoIterator<Item = ChecksumAlgorithm>) -> Self {
        let running = algorithms.into_iter().map(|algorithm| (algorithm, Running::new(algorithm))).collect();
        Self { skip: 0, size: 0, md5: md5.then(Md5::new), running }
    }

    /// The same, of what comes after the first `skip` bytes.
    #[must_use]
    pub(super) fn after(self, skip: usize) -> Self {
        Self { skip, ..self }
    }

    /// Takes the next bytes of the plaintext.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let passed = self.skip.min(bytes.len());
        self.skip -= passed;
        let bytes = &bytes[passed..];
        self.size += bytes.len() as u64;
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        self.running.values_mut().for_each(|running| running.update(bytes));
    }

    /// Bytes taken so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// What it all came to.
    pub(super) fn finish(self) -> Tally {
        let checksum = |(algorithm, running): (_, Running)| Checksum::whole(algorithm, running.finish(algorithm));
        Tally {
            size: self.size,
            md5: self.md5.map(|md5| md5.finalize().into()),
            checksums: self.running.into_iter().map(checksum).collect(),
        }
    }
}

impl Running {
    fn new(algorithm: ChecksumAlgorithm) -> Self {
        match algorithm {
            ChecksumAlgorithm::Sha1 => Self::Sha(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            ChecksumAlgorithm::Sha256 => Self::Sha(Context::new(&SHA256)),
            ChecksumAlgorithm::Crc32 => Self::crc(CrcAlgorithm::Crc32IsoHdlc),
            ChecksumAlgorithm::Crc32c => Self::crc(CrcAlgorithm::Crc32Iscsi),
            ChecksumAlgorithm::Crc64Nvme => Self::crc(CrcAlgorithm::Crc64Nvme),
            ChecksumAlgorithm::Crc64Ecma => Self::crc(CrcAlgorithm::Crc64Xz),
        }
    }

    fn crc(algorithm: CrcAlgorithm) -> Self {
        Self::Crc(crc_fast::Digest::new(algorithm))
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc) => crc.update(bytes),
            Self::Sha(sha) => sha.update(bytes),
        }
    }

    /// CRCs are big-endian numbers of the algorithm's length.
    fn finish(self, algorithm: ChecksumAlgorithm) -> Vec<u8> {
        match self {
            Self::Crc(crc) => crc.finalize().to_be_bytes()[8 - algorithm.length()..].to_vec(),
            Self::Sha(sha) => sha.finish().as_ref().to_vec(),
        }
    }
}

impl Tally {
    /// Holds what came against what was declared, ahead of the body or in its trailer.
    ///
    /// # Errors
    /// `BadDigest` for another value; `InvalidRequest` for a trailer whose algorithm was not announced ahead of the body.
    pub(super) fn verify(&self, expected: &ExpectedDigests, trailer: &[Checksum]) -> Result<(), Failure> {
        if expected.md5.is_some_and(|md5| self.md5 != Some(md5)) {
            return Err(FailureCode::BadDigest.into());
        }
        expected.checksums.iter().chain(trailer).try_for_each(|declared| {
            let computed = self.checksums.iter().find(|computed| computed.algorithm == declared.algorithm);
            match computed {
                None => Err(FailureCode::InvalidRequest.into()),
                Some(computed) if computed.value != declared.value => Err(FailureCode::BadDigest.into()),
                Some(_) => Ok(()),
            }
        })
    }
}

/// The CRC-64/XZ of bytes behind others, from that of each, and the length of those behind. None for what is no CRC.
pub(super) fn combine_crc64(before: &Checksum, after: &Checksum, length: u64) -> Option<Checksum> {
    let number = |checksum: &Checksum| <[u8; 8]>::try_from(checksum.value.as_slice()).ok().map(u64::from_be_bytes);
    let whole = crc_fast::checksum_combine(CrcAlgorithm::Crc64Xz, number(before)?, number(after)?, length);
    Some(Checksum::whole(ChecksumAlgorithm::Crc64Ecma, whole.to_be_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check values for "123456789": the catalogue of parametrised CRC algorithms, RFC 1321, FIPS 180.
    #[test]
    fn published_check_values() {
        let mut digests = Digests::new(true, ChecksumAlgorithm::ALL);
        digests.update(b"1234");
        digests.update(b"56789");
        let tally = digests.finish();
        assert_eq!(tally.size, 9);
        assert_eq!(tally.md5.map(hex::encode).as_deref(), Some("25f9e794323b453885f5181f1b624d0b"));
        let values: Vec<String> = tally.checksums.iter().map(|checksum| hex::encode(&checksum.value)).collect();
        assert_eq!(
            values,
            [
                "cbf43926",
                "e3069283",
                "ae8b14860a799888",
                "995dc9bbdf1939fa",
                "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ]
        );
    }

    #[test]
    fn what_comes_first_can_be_passed_over() {
        let of = |digests: Digests, pieces: &[&[u8]]| {
            let mut digests = digests;
            pieces.iter().for_each(|piece| digests.update(piece));
            digests.finish()
        };
        let new = || Digests::new(true, ChecksumAlgorithm::ALL);
        let expected = of(new(), &[b"456789"]);
        assert_eq!(of(new().after(3), &[b"123456789"]), expected);
        assert_eq!(of(new().after(3), &[b"12", b"34", b"", b"56789"]), expected);
        assert_eq!(of(new().after(9), &[b"1234", b"56789"]), of(new(), &[]));
    }

    #[test]
    fn what_was_declared_must_have_come() {
        let mut digests = Digests::new(true, [ChecksumAlgorithm::Crc32]);
        digests.update(b"123456789");
        let tally = digests.finish();
        let right = Checksum::whole(ChecksumAlgorithm::Crc32, vec![0xcb, 0xf4, 0x39, 0x26]);
        let wrong = Checksum { value: vec![0; 4], ..right.clone() };
        let other = Checksum::whole(ChecksumAlgorithm::Crc32c, vec![0; 4]);
        let verify = |md5, checksums, trailer: &[Checksum]| {
            let expected = ExpectedDigests { md5, checksums };
            tally.verify(&expected, trailer).map_err(|failure| failure.code)
        };
        assert_eq!(verify(tally.md5, vec![right.clone()], std::slice::from_ref(&right)), Ok(()));
        assert_eq!(verify(Some([0; 16]), vec![], &[]), Err(FailureCode::BadDigest));
        assert_eq!(verify(None, vec![wrong.clone()], &[]), Err(FailureCode::BadDigest));
        assert_eq!(verify(None, vec![], &[wrong]), Err(FailureCode::BadDigest));
        assert_eq!(verify(None, vec![], &[other]), Err(FailureCode::InvalidRequest));
    }
}
