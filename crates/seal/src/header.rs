//! The self-describing header at the start of every blob (FORMAT.md §11): what makes a lost catalog a recoverable loss.

use std::collections::BTreeMap;

use crate::FORMAT_VERSION;
use crate::binding::Binding;
use crate::cipher::{Aead, Nonce};
use crate::codec::{Reader, put16};
use crate::derive::cipher;
use crate::envelope::{Envelope, MAX_ENVELOPE};
use crate::error::Error;
use crate::key::ContentKey;
use crate::part::PartId;

/// Bytes of a header at most; a reader of unknown blobs need fetch no more.
pub const MAX_HEADER: usize = 32_768;

/// Bytes of each field of an [`Identity`] at most: the longest object key of any dialect.
pub const MAX_IDENTITY_FIELD: usize = 1_024;

/// Bytes of a hint at most: the largest set of user metadata, twice.
pub const MAX_HINT: usize = 16_384;

const MAGIC: [u8; 8] = *b"\x93SRBLOB\n";

/// Where the header's own length stands: after magic, version and suite.
const LENGTH_AT: usize = 10;

const WHAT: &str = "blob header";

/// Whose bytes a blob holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account that owns the bucket.
    pub account: String,
    /// The bucket's permanent id.
    pub bucket: String,
    /// The bucket's name when the part was written; for people, not part of the binding.
    pub bucket_name: String,
    /// The object's key.
    pub key: String,
    /// The store's own id of the version.
    pub version: String,
}

impl Identity {
    /// The binding of this object version with the client's encryption context.
    #[must_use]
    pub fn binding<'a>(&'a self, context: &'a BTreeMap<String, String>) -> Binding<'a> {
        Binding { account: &self.account, bucket: &self.bucket, key: &self.key, version: &self.version, context }
    }

    fn fields(&self) -> [&str; 5] {
        [&self.account, &self.bucket, &self.bucket_name, &self.key, &self.version]
    }
}

/// A decoded header. Nothing in it is authentic before [`Header::open`] said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    part: PartId,
    identity: Identity,
    envelope: Envelope,
    /// All bytes before the hint, which the tag authenticates.
    fields: Vec<u8>,
    /// Ciphertext of the hint.
    hint: Vec<u8>,
    tag: Vec<u8>,
}

impl Header {
    /// The header of the blob that holds `part` of this object version. `hint` is what the store wants back if it
    /// loses its catalog; it is sealed. One part id makes one header.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if a field passes its limit, [`Error::UnknownSuite`] if envelope and key differ in suite.
    pub fn encode(
        identity: &Identity,
        part: &PartId,
        envelope: &Envelope,
        content: &ContentKey,
        hint: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let suite = content.suite();
        if envelope.suite() != suite {
            return Err(Error::UnknownSuite(envelope.suite().id));
        }
        let mut out = [&MAGIC[..], &[FORMAT_VERSION, suite.id], &[0; 4]].concat();
        out.extend_from_slice(&part.number.to_be_bytes());
        out.extend_from_slice(&part.salt);
        for field in identity.fields() {
            put16(&mut out, "identity field", MAX_IDENTITY_FIELD, field.as_bytes())?;
        }
        put16(&mut out, "envelope", MAX_ENVELOPE, &envelope.encode())?;
        put16(&mut out, "hint", MAX_HINT, hint)?;
        let len = u32::try_from(out.len() + suite.tag_len).expect("all fields are bounded");
        out[LENGTH_AT..][..4].copy_from_slice(&len.to_be_bytes());
        let split = out.len() - hint.len();
        let (fields, hint) = out.split_at_mut(split);
        let (aead, nonce) = header_cipher(content, part);
        let tag = aead.seal(&nonce, fields, hint);
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Reads the header that `blob` begins with, and answers how long it is: there the chunks begin.
    ///
    /// # Errors
    /// [`Error::Malformed`] also if `blob` ends within the header; [`Error::UnknownVersion`],
    /// [`Error::UnknownSuite`].
    pub fn decode(blob: &[u8]) -> Result<(Self, usize), Error> {
        let len = Self::stated_len(blob)?;
        let record = blob.get(..len).ok_or(Error::Malformed(WHAT))?;
        let mut reader = Reader::new(WHAT, &record[MAGIC.len()..]);
        reader.version()?;
        let suite = reader.suite()?;
        reader.u32()?;
        let number = reader.u32()?;
        let part = PartId { number, salt: reader.array()? };
        let mut field = || Ok(reader.text16(MAX_IDENTITY_FIELD)?.to_owned());
        let identity =
            Identity { account: field()?, bucket: field()?, bucket_name: field()?, key: field()?, version: field()? };
        let envelope = Envelope::decode(reader.bytes16(MAX_ENVELOPE)?)?;
        let hint = reader.bytes16(MAX_HINT)?.to_vec();
        let fields = record[..record.len() - reader.remaining() - hint.len()].to_vec();
        let tag = reader.rest().to_vec();
        if envelope.suite() != suite || tag.len() != suite.tag_len {
            return Err(Error::Malformed(WHAT));
        }
        Ok((Self { part, identity, envelope, fields, hint, tag }, len))
    }

    /// Verifies the whole header and gives the hint. `content` comes from [`Envelope::unlock`] on
    /// [`Header::envelope`]. For suite 0 this detects damage only.
    ///
    /// # Errors
    /// [`Error::Refused`] if anything in the header was changed, or the key is another.
    pub fn open(&self, content: &ContentKey) -> Result<Vec<u8>, Error> {
        if content.suite() != self.envelope.suite() {
            return Err(Error::Refused);
        }
        let (aead, nonce) = header_cipher(content, &self.part);
        let mut hint = self.hint.clone();
        aead.open(&nonce, &self.fields, &mut hint, &self.tag)?;
        Ok(hint)
    }

    /// Number and salt of the part that follows.
    #[must_use]
    pub fn part(&self) -> &PartId {
        &self.part
    }

    /// Whose bytes follow.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The envelope as it was when the part was written.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    fn stated_len(blob: &[u8]) -> Result<usize, Error> {
        let mut reader = Reader::new(WHAT, blob);
        if reader.array()? != MAGIC {
            return Err(reader.malformed());
        }
        reader.version()?;
        reader.u8()?;
        match reader.u32()? as usize {
            len @ LENGTH_AT..=MAX_HEADER => Ok(len),
            _ => Err(reader.malformed()),
        }
    }
}

fn header_cipher(content: &ContentKey, part: &PartId) -> (Box<dyn Aead>, Nonce) {
    cipher(content.suite(), content.data_key(), &part.salt, "header", &part.number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All fields at their limits, in the suite with the longest tag.
    #[test]
    fn the_largest_header_is_within_its_limit() {
        let fields = 5 * (2 + MAX_IDENTITY_FIELD);
        let largest = MAGIC.len() + 2 + 4 + 4 + 32 + fields + (2 + MAX_ENVELOPE) + (2 + MAX_HINT) + 16;
        assert!(largest <= MAX_HEADER, "{largest}");
    }
}
