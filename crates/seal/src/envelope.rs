//! The envelope (FORMAT.md §9): which suite, whose key, and the data key wrapped under it.

use std::collections::BTreeMap;

use subtle::ConstantTimeEq;

use crate::FORMAT_VERSION;
use crate::codec::{Reader, put16};
use crate::derive::derive;
use crate::error::Error;
use crate::key::{ContentKey, KeyBytes};
use crate::suite::{PLAIN, Suite};
use crate::wrapping::WrappedKey;

/// Bytes of a key id at most: ids of the own key service are far shorter.
pub const MAX_KEY_ID: usize = 256;

/// Bytes of an encoded encryption context at most: what key services accept.
pub const MAX_CONTEXT: usize = 8_192;

/// The longest envelope: all of its fields at their limit.
pub(crate) const MAX_ENVELOPE: usize =
    2 + (2 + MAX_KEY_ID) + 4 + (2 + MAX_CONTEXT) + (2 + MAX_BUCKET_KEY) + (2 + MAX_WRAPPED) + COMMITMENT;

const MAX_WRAPPED: usize = 130;

/// A wrapped key of 32 bytes.
const MAX_BUCKET_KEY: usize = 98;
const COMMITMENT: usize = 32;
const WHAT: &str = "envelope";

/// What the catalog keeps about the key of an object version, and what a blob's header has a copy of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    suite: &'static Suite,
    key: Option<EnvelopeKey>,
}

/// The key half of an [`Envelope`]; made by [`Envelope::sealed`] and [`Envelope::decode`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeKey {
    /// The master key to fetch; empty for a customer's key.
    pub key_id: String,
    /// Its version; 0 for a customer's key.
    pub key_version: u32,
    /// The client's encryption context, which the wrap is bound to.
    pub context: BTreeMap<String, String>,
    /// The bucket key under that master key, if there is one between it and the data key.
    pub bucket_key: Option<WrappedKey>,
    /// The data key under the bucket key, else under the master key.
    pub wrapped: WrappedKey,
    commitment: [u8; COMMITMENT],
}

impl Envelope {
    /// For an object stored in the clear.
    #[must_use]
    pub fn plain() -> Self {
        Self { suite: &PLAIN, key: None }
    }

    /// For the object sealed under `content`, whose data key `wrapped` holds. Rewrapping makes a new one the same way.
    ///
    /// # Errors
    /// [`Error::UnknownSuite`] if `content` has no data key, [`Error::TooLarge`] if key id or context pass their limit.
    pub fn sealed(
        content: &ContentKey,
        key_id: String,
        key_version: u32,
        context: BTreeMap<String, String>,
        wrapped: WrappedKey,
    ) -> Result<Self, Error> {
        let suite = content.suite();
        let data_key = content.data_key().ok_or(Error::UnknownSuite(suite.id))?;
        if key_id.len() > MAX_KEY_ID {
            return Err(Error::TooLarge("key id"));
        }
        encode_context(&context)?;
        let commitment = commitment(suite, data_key, &wrapped);
        let key = EnvelopeKey { key_id, key_version, context, bucket_key: None, wrapped, commitment };
        Ok(Self { suite, key: Some(key) })
    }

    /// The same for a data key that is wrapped under a bucket key, and that under the master key, as `bucket_key` holds it.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there can be no such bucket key: see FORMAT.md §9.1.
    pub fn under(mut self, bucket_key: WrappedKey) -> Result<Self, Error> {
        let key = self.key.as_mut().ok_or(Error::Malformed(WHAT))?;
        key.bucket_key = Some(bucket_key);
        key.check_bucket_key(self.suite)?;
        Ok(self)
    }

    /// The suite of everything sealed under this data key.
    #[must_use]
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// How the data key is kept; `None` for suite 0.
    #[must_use]
    pub fn key(&self) -> Option<&EnvelopeKey> {
        self.key.as_ref()
    }

    /// The key to read with, once the unwrapped data key was held against the commitment. Suite 0 takes `None`.
    ///
    /// # Errors
    /// [`Error::KeyLength`] if the data key is not one of this suite, [`Error::Commitment`] if it is not the one
    /// committed to.
    pub fn unlock(&self, data_key: Option<KeyBytes>) -> Result<ContentKey, Error> {
        let content = ContentKey::checked(self.suite, data_key)?;
        if let (Some(data_key), Some(key)) = (content.data_key(), &self.key) {
            let derived = commitment(self.suite, data_key, &key.wrapped);
            if !bool::from(derived.ct_eq(&key.commitment)) {
                return Err(Error::Commitment);
            }
        }
        Ok(content)
    }

    /// The record of §9.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT_VERSION, self.suite.id];
        if let Some(key) = &self.key {
            key.encode(&mut out).expect("limits were checked when the envelope was made");
        }
        out
    }

    /// Reads the record of §9, in its canonical form only.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`], [`Error::UnknownSuite`] or [`Error::Malformed`].
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(WHAT, record);
        reader.version()?;
        let suite = reader.suite()?;
        let key = if suite.is_keyed() { Some(EnvelopeKey::decode(&mut reader)?) } else { None };
        reader.finish()?;
        key.iter().try_for_each(|key| key.check_bucket_key(suite))?;
        Ok(Self { suite, key })
    }
}

impl EnvelopeKey {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        put16(out, "key id", MAX_KEY_ID, self.key_id.as_bytes())?;
        out.extend_from_slice(&self.key_version.to_be_bytes());
        put16(out, "encryption context", MAX_CONTEXT, &encode_context(&self.context)?)?;
        let bucket_key = self.bucket_key.as_ref().map(WrappedKey::encode).unwrap_or_default();
        put16(out, "bucket key", MAX_BUCKET_KEY, &bucket_key)?;
        put16(out, "wrapped key", MAX_WRAPPED, &self.wrapped.encode())?;
        out.extend_from_slice(&self.commitment);
        Ok(())
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            key_id: reader.text16(MAX_KEY_ID)?.to_owned(),
            key_version: reader.u32()?,
            context: decode_context(reader.bytes16(MAX_CONTEXT)?)?,
            bucket_key: match reader.bytes16(MAX_BUCKET_KEY)? {
                [] => None,
                record => Some(WrappedKey::decode(record)?),
            },
            wrapped: WrappedKey::decode(reader.bytes16(MAX_WRAPPED)?)?,
            commitment: reader.array()?,
        })
    }

    /// A bucket key is a master key's, has the length and the cipher of the suite that it wraps with, and never stands over
    /// the two keys of two layers.
    fn check_bucket_key(&self, suite: &Suite) -> Result<(), Error> {
        let Some(bucket_key) = &self.bucket_key else { return Ok(()) };
        let wrapping = self.wrapped.suite();
        let fits = bucket_key.suite() == wrapping && bucket_key.key_len() == wrapping.key_len;
        if fits && suite.layers == 1 && !self.key_id.is_empty() { Ok(()) } else { Err(Error::Malformed(WHAT)) }
    }
}

/// What pins the one data key an envelope admits. Salted by the wrap, so that no two objects are attacked at once.
fn commitment(suite: &Suite, data_key: &KeyBytes, wrapped: &WrappedKey) -> [u8; COMMITMENT] {
    let mut out = [0; COMMITMENT];
    derive(data_key, wrapped.salt(), "commitment", suite.id, &[], &mut out);
    out
}

fn encode_context(context: &BTreeMap<String, String>) -> Result<Vec<u8>, Error> {
    let what = "encryption context";
    let mut out = Vec::new();
    for (name, value) in context {
        put16(&mut out, what, MAX_CONTEXT, name.as_bytes())?;
        put16(&mut out, what, MAX_CONTEXT, value.as_bytes())?;
    }
    if out.len() > MAX_CONTEXT { Err(Error::TooLarge(what)) } else { Ok(out) }
}

fn decode_context(field: &[u8]) -> Result<BTreeMap<String, String>, Error> {
    let mut reader = Reader::new(WHAT, field);
    let mut context: BTreeMap<String, String> = BTreeMap::new();
    while !reader.is_empty() {
        let (name, value) = (reader.text16(MAX_CONTEXT)?, reader.text16(MAX_CONTEXT)?);
        if context.last_key_value().is_some_and(|(previous, _)| previous.as_str() >= name) {
            return Err(reader.malformed());
        }
        context.insert(name.to_owned(), value.to_owned());
    }
    Ok(context)
}
