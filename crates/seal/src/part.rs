//! The chunks of a part, sealed and opened in place (FORMAT.md §5).

use crate::cipher::{Aead, Nonce, Tag};
use crate::derive::cipher;
use crate::error::Error;
use crate::key::ContentKey;
use crate::{CHUNK, Salt};

/// Plaintext bytes of a part at most, 1 TiB: 2^24 chunks keep the wear of a part key at 2^36 cipher blocks (§14.1).
pub const MAX_PART: u64 = 1 << 40;

/// Chunks of a part at most.
const MAX_CHUNKS: u32 = (MAX_PART / CHUNK as u64) as u32;

/// What makes the key of one attempt to upload one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartId {
    /// Drawn anew for every attempt: sealing twice under one salt destroys both confidentiality and authenticity.
    pub salt: Salt,
    /// The part's number, at least 1; 1 for an object of one part.
    pub number: u32,
}

/// Seals the chunks of one part, in order, once.
pub struct Sealer {
    cipher: PartCipher,
    next: u32,
    ended: bool,
}

impl Sealer {
    /// Starts a part; `part.salt` was never used before.
    #[must_use]
    pub fn new(content: &ContentKey, part: &PartId) -> Self {
        Self { cipher: PartCipher::new(content, part), next: 0, ended: false }
    }

    /// Seals the next chunk in place and answers the tag, which belongs right after it. All chunks but the last have
    /// [`CHUNK`] bytes; the last has 1 to [`CHUNK`], or none if it is the only one.
    ///
    /// # Errors
    /// [`Error::ChunkLength`]; [`Error::Ended`] after the last chunk; [`Error::TooLarge`] past [`MAX_PART`].
    /// The chunk is then untouched.
    pub fn seal(&mut self, chunk: &mut [u8], last: bool) -> Result<Tag, Error> {
        if self.ended {
            return Err(Error::Ended);
        }
        check_chunk(self.next, last, chunk.len())?;
        let tag = self.cipher.aead.seal(&self.cipher.nonce(self.next, last), &[], chunk);
        self.next += 1;
        self.ended = last;
        Ok(tag)
    }

    /// Whether the last chunk was sealed: a part without it can never be read.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }
}

/// Opens chunks of one part, in any order, from several threads if need be.
pub struct Opener {
    cipher: PartCipher,
}

impl Opener {
    /// For the part that was sealed under the same key and id.
    #[must_use]
    pub fn new(content: &ContentKey, part: &PartId) -> Self {
        Self { cipher: PartCipher::new(content, part) }
    }

    /// Opens chunk `index` in place, given ciphertext and tag, and answers how many bytes of plaintext the buffer now
    /// begins with. `index` and `last` follow from the authentic size, by [`Window::plan`](crate::Window::plan).
    ///
    /// # Errors
    /// [`Error::ChunkLength`] or [`Error::Refused`]; the buffer is then wiped or untouched ciphertext, never
    /// unauthenticated plaintext. [`Error::TooLarge`] for an index that no part has.
    pub fn open(&self, index: u32, last: bool, chunk: &mut [u8]) -> Result<usize, Error> {
        let len = chunk.len().checked_sub(self.cipher.tag_len).ok_or(Error::Refused)?;
        check_chunk(index, last, len)?;
        let (data, tag) = chunk.split_at_mut(len);
        self.cipher.aead.open(&self.cipher.nonce(index, last), &[], data, tag)?;
        Ok(len)
    }
}

struct PartCipher {
    aead: Box<dyn Aead>,
    prefix: [u8; 7],
    tag_len: usize,
}

impl PartCipher {
    fn new(content: &ContentKey, part: &PartId) -> Self {
        let suite = content.suite();
        let number = part.number.to_be_bytes();
        let (aead, prefix) = cipher(suite, content.data_key(), &part.salt, "part", &number);
        Self { aead, prefix, tag_len: suite.tag_len }
    }

    fn nonce(&self, index: u32, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..7].copy_from_slice(&self.prefix);
        nonce[7..11].copy_from_slice(&index.to_be_bytes());
        nonce[11] = u8::from(last);
        nonce
    }
}

fn check_chunk(index: u32, last: bool, len: usize) -> Result<(), Error> {
    if index >= MAX_CHUNKS {
        return Err(Error::TooLarge("part"));
    }
    let allowed = if last { len <= CHUNK && (len > 0 || index == 0) } else { len == CHUNK };
    if allowed { Ok(()) } else { Err(Error::ChunkLength(len)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: PartId = PartId { salt: [3; 32], number: 1 };

    #[test]
    fn a_part_ends_once() {
        let mut sealer = Sealer::new(&ContentKey::plain(), &PART);
        assert!(sealer.seal(&mut [1; CHUNK], false).is_ok());
        assert!(!sealer.is_ended());
        assert!(sealer.seal(&mut [1; 5], true).is_ok());
        assert!(sealer.is_ended());
        assert_eq!(sealer.seal(&mut [1; 5], true), Err(Error::Ended));
    }

    #[test]
    fn chunk_lengths_are_enforced() {
        let mut sealer = Sealer::new(&ContentKey::plain(), &PART);
        assert_eq!(sealer.seal(&mut [1; CHUNK - 1], false), Err(Error::ChunkLength(CHUNK - 1)));
        assert_eq!(sealer.seal(&mut [1; CHUNK + 1], true), Err(Error::ChunkLength(CHUNK + 1)));
        assert!(sealer.seal(&mut [1; CHUNK], false).is_ok());
        assert_eq!(sealer.seal(&mut [], true), Err(Error::ChunkLength(0)));
    }

    #[test]
    fn a_part_key_wears_out_at_a_tebibyte() {
        assert_eq!(MAX_CHUNKS, 1 << 24);
        let mut sealer = Sealer::new(&ContentKey::plain(), &PART);
        sealer.next = MAX_CHUNKS;
        assert_eq!(sealer.seal(&mut [1; 5], true), Err(Error::TooLarge("part")));
        let opener = Opener::new(&ContentKey::plain(), &PART);
        assert_eq!(opener.open(MAX_CHUNKS, true, &mut [0; 9]), Err(Error::TooLarge("part")));
    }
}
