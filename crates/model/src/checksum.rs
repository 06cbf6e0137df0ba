//! Digests over the plaintext that clients send, ask for, or compare.

/// A digest that some dialect speaks of, besides the MD5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO-HDLC), 4 bytes.
    Crc32,
    /// CRC-32C (Castagnoli), 4 bytes.
    Crc32c,
    /// CRC-64/NVME, 8 bytes.
    Crc64Nvme,
    /// CRC-64/XZ, which OSS and OBS call "crc64ecma", 8 bytes.
    Crc64Ecma,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
}

impl ChecksumAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 6] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Crc64Ecma, Self::Sha1, Self::Sha256];

    /// Whether the digest of a whole can be computed from those of its parts.
    pub const fn combines(self) -> bool {
        !matches!(self, Self::Sha1 | Self::Sha256)
    }

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "crc32",
            Self::Crc32c => "crc32c",
            Self::Crc64Nvme => "crc64nvme",
            Self::Crc64Ecma => "crc64ecma",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    /// Length of a value in bytes.
    pub const fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme | Self::Crc64Ecma => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// A digest's value; CRCs are big-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// Which digest.
    pub algorithm: ChecksumAlgorithm,
    /// Its value, of the algorithm's length.
    pub value: Vec<u8>,
    /// None if it is that of the whole plaintext; else it is that of so many parts' own values, one after the other.
    pub parts: Option<u32>,
}

impl Checksum {
    /// The digest of a whole plaintext.
    pub fn whole(algorithm: ChecksumAlgorithm, value: Vec<u8>) -> Self {
        Self { algorithm, value, parts: None }
    }
}

/// Over what the digest of an object made of parts is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumScope {
    /// Over the object's plaintext. Only CRCs can be put together from those of the parts.
    Whole,
    /// Over the digests of its parts.
    Composite,
}
