//! Key material: raw keys, and the data key of one object version (FORMAT.md §3).

use zeroize::Zeroizing;

use crate::derive::derive;
use crate::error::Error;
use crate::suite::{PLAIN, Suite};

/// Bytes of a key that must not be seen: 16 or 32 of them, or two keys of 32; wiped when dropped. They live on the heap, so that moving
/// the value leaves no copy behind.
pub struct KeyBytes(Zeroizing<Box<[u8]>>);

impl KeyBytes {
    /// Copies a key of 16 or 32 bytes, or two of 32, one after the other; the caller wipes the source.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for any other length.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.len() {
            16 | 32 | 64 => Ok(Self(Zeroizing::new(bytes.into()))),
            _ => Err(Error::KeyLength),
        }
    }

    /// The bytes themselves; to be named in few places.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// The key under which one object version is sealed, with its suite: the data key, or none for suite 0.
///
/// There are three ways to one: [`ContentKey::fresh`] and [`ContentKey::plain`] for a new object, and
/// [`Envelope::unlock`](crate::Envelope::unlock), which compares the commitment, for a stored one.
pub struct ContentKey {
    suite: &'static Suite,
    key: Option<KeyBytes>,
}

impl ContentKey {
    /// For a new object version: `key` comes from a cryptographic random source and is used for this version alone.
    ///
    /// # Errors
    /// [`Error::UnknownSuite`] if the suite has no data key, [`Error::KeyLength`] if it has one of another length.
    pub fn fresh(suite: &'static Suite, key: KeyBytes) -> Result<Self, Error> {
        if !suite.is_keyed() {
            return Err(Error::UnknownSuite(suite.id));
        }
        Self::checked(suite, Some(key))
    }

    /// For a new object version that is stored in the clear (suite 0).
    #[must_use]
    pub fn plain() -> Self {
        Self { suite: &PLAIN, key: None }
    }

    /// The suite that everything under this key is sealed with.
    #[must_use]
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// The data key, to be wrapped; `None` for suite 0.
    #[must_use]
    pub fn data_key(&self) -> Option<&KeyBytes> {
        self.key.as_ref()
    }

    pub(crate) fn checked(suite: &'static Suite, key: Option<KeyBytes>) -> Result<Self, Error> {
        let given = key.as_ref().map_or(0, |key| key.expose().len());
        if given == suite.key_len { Ok(Self { suite, key }) } else { Err(Error::KeyLength) }
    }
}

/// The public name of a key that the system itself drew at random (FORMAT.md §8.1). Never for a customer's key: the
/// name is the same everywhere, so that a weak key could be looked up in a table.
#[must_use]
pub fn fingerprint(key: &KeyBytes) -> [u8; 16] {
    let mut out = [0; 16];
    derive(key, &[], "fingerprint", PLAIN.id, &[], &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{AES_256_GCM, SM4_GCM};

    #[test]
    fn only_keys_of_these_lengths_exist() {
        for len in 0..140 {
            assert_eq!(KeyBytes::new(&vec![1; len]).is_ok(), [16, 32, 64].contains(&len), "{len} bytes");
        }
    }

    #[test]
    fn a_suite_takes_only_a_key_of_its_length() {
        let key = |len| KeyBytes::new(&vec![1; len]).unwrap();
        assert!(ContentKey::fresh(&AES_256_GCM, key(32)).is_ok());
        assert!(ContentKey::fresh(&SM4_GCM, key(16)).is_ok());
        assert_eq!(ContentKey::fresh(&AES_256_GCM, key(16)).err(), Some(Error::KeyLength));
        assert_eq!(ContentKey::fresh(&SM4_GCM, key(32)).err(), Some(Error::KeyLength));
        assert_eq!(ContentKey::fresh(&PLAIN, key(32)).err(), Some(Error::UnknownSuite(0)));
    }
}
