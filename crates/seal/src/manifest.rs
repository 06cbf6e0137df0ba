//! The manifest (FORMAT.md §10): the parts of an object version in order, sealed.

use std::ops::Range;

use crate::Salt;
use crate::codec::{Reader, put16};
use zeroize::Zeroizing;

use crate::derive::{RecordKey, open_record};
use crate::error::Error;
use crate::key::ContentKey;
use crate::part::{MAX_PART, PartId};
use crate::suite::Suite;
use crate::window::sealed_len;

/// Parts of an object at most: the 10,000 of a multipart upload, with room for the appends of an appendable object.
pub const MAX_PARTS: usize = 65_536;

/// Bytes of the store's own field at most: a few digests.
pub const MAX_CHECKSUMS: usize = 4_096;

/// The store's name of a blob; all zero for an inline part.
pub type BlobId = [u8; 16];

const WHAT: &str = "manifest";
const LABEL: &str = "manifest";
const PART_LEN: usize = 4 + 32 + 8 + 4 + 16;

/// One part, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Number and salt.
    pub id: PartId,
    /// Plaintext bytes.
    pub size: u64,
    /// Bytes before the first chunk in its blob; 0 for an inline part.
    pub header_len: u32,
    /// Its blob; all zero for an inline part.
    pub blob: BlobId,
}

impl Part {
    /// Bytes of the sealed chunks, without the blob's header.
    #[must_use]
    pub fn sealed_len(&self, suite: &Suite) -> u64 {
        sealed_len(suite, self.size)
    }
}

/// A piece of an object's range that lies in one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent<'a> {
    /// The part.
    pub part: &'a Part,
    /// Plaintext bytes within the part, as [`Window::plan`](crate::Window::plan) takes them.
    pub range: Range<u64>,
}

/// What seals one manifest (§10.1): derived from the data key while that is at hand, so that the manifest can be sealed when it
/// no longer is. Nothing but this one manifest opens under it.
pub struct ManifestKey(RecordKey);

impl ManifestKey {
    /// For the manifest of the version that `content` seals; `salt` is fresh.
    #[must_use]
    pub fn derive(content: &ContentKey, salt: Salt) -> Self {
        Self(RecordKey::derive(content.suite(), content.data_key(), salt, LABEL))
    }

    /// Its bytes, to be kept where only sealed rows are.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<Vec<u8>> {
        self.0.encode()
    }

    /// From the bytes that [`ManifestKey::expose`] gave.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::UnknownSuite`].
    pub fn from_kept(bytes: &[u8]) -> Result<Self, Error> {
        RecordKey::decode(WHAT, bytes).map(Self)
    }
}

/// What an object version consists of; always one that could be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    size: u64,
    checksums: Vec<u8>,
    parts: Vec<Part>,
}

impl Manifest {
    /// The object that is these parts in this order. `checksums` is the store's own (ETag, digests): kept here
    /// because a digest in the clear confirms guesses.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there is no part, or numbers do not ascend from at least 1; [`Error::TooLarge`] past
    /// [`MAX_PARTS`], [`MAX_PART`] or [`MAX_CHECKSUMS`].
    pub fn new(parts: Vec<Part>, checksums: Vec<u8>) -> Result<Self, Error> {
        if parts.len() > MAX_PARTS {
            return Err(Error::TooLarge("part list"));
        }
        if checksums.len() > MAX_CHECKSUMS {
            return Err(Error::TooLarge("checksums field"));
        }
        if parts.iter().any(|part| part.size > MAX_PART) {
            return Err(Error::TooLarge("part"));
        }
        let ascending = parts.is_sorted_by(|a, b| a.id.number < b.id.number);
        match parts.first() {
            Some(first) if first.id.number >= 1 && ascending => {}
            _ => return Err(Error::Malformed(WHAT)),
        }
        let size = parts.iter().map(|part| part.size).sum();
        Ok(Self { size, checksums, parts })
    }

    /// Plaintext bytes of the object.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The store's own field.
    #[must_use]
    pub fn checksums(&self) -> &[u8] {
        &self.checksums
    }

    /// The parts, in the object's order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The pieces of `range`, in order; for the whole of an empty object its first part, so that its emptiness is
    /// checked.
    ///
    /// # Errors
    /// [`Error::Range`] if `range` is not within the object, or empty though the object is not.
    pub fn locate(&self, range: Range<u64>) -> Result<impl Iterator<Item = Extent<'_>>, Error> {
        if range.end > self.size || (range.is_empty() && (self.size, &range) != (0, &(0..0))) {
            return Err(Error::Range);
        }
        let empty = (self.size == 0).then(|| Extent { part: &self.parts[0], range: 0..0 });
        let mut offset = 0;
        let pieces = self.parts.iter().filter_map(move |part| {
            let start = range.start.max(offset) - offset;
            offset += part.size;
            let end = part.size.min(range.end.saturating_sub(offset - part.size));
            (start < end).then_some(Extent { part, range: start..end })
        });
        Ok(empty.into_iter().chain(pieces))
    }

    /// The sealed record of §10; `salt` is fresh, `aad` the encoded [`Binding`](crate::Binding).
    #[must_use]
    pub fn seal(&self, content: &ContentKey, salt: &Salt, aad: &[u8]) -> Vec<u8> {
        self.seal_under(ManifestKey::derive(content, *salt), aad)
    }

    /// The same under a key that was derived before.
    #[must_use]
    pub fn seal_under(&self, key: ManifestKey, aad: &[u8]) -> Vec<u8> {
        key.0.seal(aad, &self.encode())
    }

    /// Opens what [`Manifest::seal`] made under the same key and AAD.
    ///
    /// # Errors
    /// [`Error::Refused`] if the record was changed or belongs elsewhere; [`Error::UnknownVersion`],
    /// [`Error::UnknownSuite`], [`Error::TooLarge`] or [`Error::Malformed`].
    pub fn open(content: &ContentKey, aad: &[u8], record: &[u8]) -> Result<Self, Error> {
        if record.len() > MAX_RECORD {
            return Err(Error::TooLarge(WHAT));
        }
        Self::decode(&open_record(content.suite(), content.data_key(), LABEL, aad, record)?)
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(14 + self.checksums.len() + self.parts.len() * PART_LEN);
        out.extend_from_slice(&self.size.to_be_bytes());
        put16(&mut out, WHAT, MAX_CHECKSUMS, &self.checksums).expect("the limit was checked by the constructor");
        let count = u32::try_from(self.parts.len()).expect("a manifest has at most 65,536 parts");
        out.extend_from_slice(&count.to_be_bytes());
        for part in &self.parts {
            out.extend_from_slice(&part.id.number.to_be_bytes());
            out.extend_from_slice(&part.id.salt);
            out.extend_from_slice(&part.size.to_be_bytes());
            out.extend_from_slice(&part.header_len.to_be_bytes());
            out.extend_from_slice(&part.blob);
        }
        out
    }

    fn decode(plain: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(WHAT, plain);
        let size = reader.u64()?;
        let checksums = reader.bytes16(MAX_CHECKSUMS)?.to_vec();
        let count = reader.u32()? as usize;
        if reader.remaining() != count * PART_LEN {
            return Err(reader.malformed());
        }
        let parts = (0..count).map(|_| decode_part(&mut reader)).collect::<Result<_, _>>()?;
        let manifest = Self::new(parts, checksums)?;
        if manifest.size == size { Ok(manifest) } else { Err(reader.malformed()) }
    }
}

/// The longest record: version, suite, salt, the fields at their limits, the longest tag.
const MAX_RECORD: usize = 34 + 14 + MAX_CHECKSUMS + MAX_PARTS * PART_LEN + 16;

fn decode_part(reader: &mut Reader<'_>) -> Result<Part, Error> {
    let (number, salt) = (reader.u32()?, reader.array()?);
    Ok(Part { id: PartId { salt, number }, size: reader.u64()?, header_len: reader.u32()?, blob: reader.array()? })
}
