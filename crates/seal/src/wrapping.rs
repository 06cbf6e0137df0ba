//! Keys wrapped under keys (FORMAT.md §8): one construction for root over master, master over data,
//! customer's over data, master over bucket key over data.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::cipher::{Aead, Nonce};
use crate::codec::Reader;
use crate::derive::cipher;
use crate::error::Error;
use crate::key::KeyBytes;
use crate::suite::Suite;
use crate::{FORMAT_VERSION, Salt};

/// Bytes of the salted name of the key-encryption key.
const FINGERPRINT: usize = 16;

/// Bytes after the nonce in the wrap's derivation begin here.
const NONCE: usize = 12;

const WHAT: &str = "wrapped key";

const WRAP: &str = "wrap";

/// A key that only the holder of its key-encryption key can use, and only in the place it is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    suite: &'static Suite,
    fingerprint: [u8; FINGERPRINT],
    salt: Salt,
    /// Ciphertext and tag.
    sealed: Vec<u8>,
}

/// Wraps `key` under `kek` with a wrapping suite, a fresh random `salt`, and the AAD of a
/// [`Binding`](crate::Binding) or [`KeyBinding`](crate::KeyBinding).
///
/// # Errors
/// [`Error::UnknownSuite`] if the suite does not wrap, [`Error::KeyLength`] if `kek` is shorter than the suite's key.
pub fn wrap(
    kek: &KeyBytes,
    suite: &'static Suite,
    salt: &Salt,
    aad: &[u8],
    key: &KeyBytes,
) -> Result<WrappedKey, Error> {
    let derived = Derived::new(kek, suite, salt, WRAP)?;
    let mut sealed = Vec::with_capacity(key.expose().len() + suite.tag_len);
    sealed.extend_from_slice(key.expose());
    let tag = derived.aead.seal(&derived.nonce, aad, &mut sealed);
    sealed.extend_from_slice(tag.as_ref());
    Ok(WrappedKey { suite, fingerprint: derived.fingerprint, salt: *salt, sealed })
}

/// The key inside `wrapped`, if `kek` and `aad` are those of its [`wrap`].
///
/// # Errors
/// [`Error::WrongKey`] if another key wrapped it, [`Error::Refused`] if it was damaged or belongs elsewhere.
pub fn unwrap(kek: &KeyBytes, wrapped: &WrappedKey, aad: &[u8]) -> Result<KeyBytes, Error> {
    let derived = Derived::new(kek, wrapped.suite, &wrapped.salt, WRAP)?;
    if !bool::from(derived.fingerprint.ct_eq(&wrapped.fingerprint)) {
        return Err(Error::WrongKey);
    }
    let (ciphertext, tag) = wrapped.sealed.split_at(wrapped.sealed.len() - wrapped.suite.tag_len);
    let mut key = Zeroizing::new(ciphertext.to_vec());
    derived.aead.open(&derived.nonce, aad, &mut key, tag)?;
    KeyBytes::new(&key)
}

impl WrappedKey {
    /// The record of §8: 82, 98 or 130 bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let head: [&[u8]; 4] = [&[FORMAT_VERSION, self.suite.id], &self.fingerprint, &self.salt, &self.sealed];
        head.concat()
    }

    /// Reads the record of §8.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`], [`Error::UnknownSuite`] or [`Error::Malformed`].
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(WHAT, record);
        reader.version()?;
        let suite = reader.suite()?;
        if !suite.wraps() {
            return Err(Error::UnknownSuite(suite.id));
        }
        let (fingerprint, salt) = (reader.array()?, reader.array()?);
        let sealed = reader.rest().to_vec();
        match sealed.len().checked_sub(suite.tag_len) {
            Some(16 | 32 | 64) => Ok(Self { suite, fingerprint, salt, sealed }),
            _ => Err(Error::Malformed(WHAT)),
        }
    }

    /// The wrapping suite.
    #[must_use]
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// The salted name of the key-encryption key: it tells keys apart only to who holds them.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; FINGERPRINT] {
        &self.fingerprint
    }

    /// Bytes of the key inside.
    pub(crate) fn key_len(&self) -> usize {
        self.sealed.len() - self.suite.tag_len
    }

    /// The salt of this wrap, which also salts the commitment (§9).
    pub(crate) fn salt(&self) -> &Salt {
        &self.salt
    }
}

/// What a key-encryption key and a salt give.
pub(crate) struct Derived {
    pub(crate) aead: Box<dyn Aead>,
    pub(crate) nonce: Nonce,
    pub(crate) fingerprint: [u8; FINGERPRINT],
}

impl Derived {
    pub(crate) fn new(kek: &KeyBytes, suite: &'static Suite, salt: &Salt, label: &str) -> Result<Self, Error> {
        if !suite.wraps() {
            return Err(Error::UnknownSuite(suite.id));
        }
        if kek.expose().len() < suite.key_len {
            return Err(Error::KeyLength);
        }
        let (aead, more) = cipher::<{ NONCE + FINGERPRINT }>(suite, Some(kek), salt, label, &[]);
        let (nonce, fingerprint) = more.split_at(NONCE);
        let invariant = "a nonce and a fingerprint were derived together";
        Ok(Self {
            aead,
            nonce: nonce.try_into().expect(invariant),
            fingerprint: fingerprint.try_into().expect(invariant),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{AES_256_GCM, AES_256_GCM_TWICE, PLAIN, SM4_GCM};

    fn key(byte: u8, len: usize) -> KeyBytes {
        KeyBytes::new(&vec![byte; len]).unwrap()
    }

    #[test]
    fn only_the_same_key_and_place_unwrap() {
        for (suite, len) in [(&AES_256_GCM, 32), (&SM4_GCM, 16), (&SM4_GCM, 32)] {
            let wrapped = wrap(&key(1, len), suite, &[9; 32], b"here", &key(2, 16)).unwrap();
            assert_eq!(unwrap(&key(1, len), &wrapped, b"here").unwrap().expose(), [2; 16]);
            assert_eq!(unwrap(&key(3, len), &wrapped, b"here").err(), Some(Error::WrongKey));
            assert_eq!(unwrap(&key(1, len), &wrapped, b"there").err(), Some(Error::Refused));
        }
    }

    #[test]
    fn weak_and_plain_wrapping_is_refused() {
        let wrapped = |kek: KeyBytes, suite| wrap(&kek, suite, &[9; 32], b"", &key(2, 32)).err();
        assert_eq!(wrapped(key(1, 16), &AES_256_GCM), Some(Error::KeyLength));
        assert_eq!(wrapped(key(1, 32), &PLAIN), Some(Error::UnknownSuite(0)));
        assert_eq!(wrapped(key(1, 64), &AES_256_GCM_TWICE), Some(Error::UnknownSuite(4)));
    }
}
