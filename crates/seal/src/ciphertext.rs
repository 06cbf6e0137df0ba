//! A client's own data sealed directly under a version of a master key (FORMAT.md §17): what a key service's *encrypt* gives.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::codec::Reader;
use crate::error::Error;
use crate::key::KeyBytes;
use crate::suite::Suite;
use crate::wrapping::Derived;
use crate::{FORMAT_VERSION, Salt};

/// Most bytes that one ciphertext holds: the largest of the three services, 6 KiB, and room.
pub const MAX_CLIENT_DATA: usize = 8192;

/// The key's id as a ciphertext names it: the sixteen bytes of its UUID.
pub type KeyTag = [u8; 16];

const LABEL: &str = "ciphertext";

/// A ciphertext, taken apart and not yet opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ciphertext {
    /// The key that it says has sealed it. Naming another gives a key whose fingerprint differs.
    pub key: KeyTag,
    /// The version of that key.
    pub key_version: u32,
    suite: &'static Suite,
    fingerprint: [u8; 16],
    salt: Salt,
    /// Ciphertext and tag.
    sealed: Vec<u8>,
}

impl Ciphertext {
    /// Seals `data` under a version of a key with the key's suite, a fresh random `salt`, and the AAD of a
    /// [`ClientBinding`](crate::ClientBinding).
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`MAX_CLIENT_DATA`]; [`Error::UnknownSuite`], [`Error::KeyLength`] as [`wrap`](crate::wrap).
    pub fn seal(
        master: &KeyBytes,
        suite: &'static Suite,
        salt: &Salt,
        (key, key_version): (KeyTag, u32),
        aad: &[u8],
        data: &[u8],
    ) -> Result<Self, Error> {
        if data.len() > MAX_CLIENT_DATA {
            return Err(Error::TooLarge("client data"));
        }
        let derived = Derived::new(master, suite, salt, LABEL)?;
        let mut sealed = data.to_vec();
        let tag = derived.aead.seal(&derived.nonce, aad, &mut sealed);
        sealed.extend_from_slice(tag.as_ref());
        Ok(Self { key, key_version, suite, fingerprint: derived.fingerprint, salt: *salt, sealed })
    }

    /// What is inside, if `master` and `aad` are those it was sealed with.
    ///
    /// # Errors
    /// [`Error::WrongKey`] if another key sealed it, [`Error::Refused`] if it was changed, or the context is another.
    pub fn open(&self, master: &KeyBytes, aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let derived = Derived::new(master, self.suite, &self.salt, LABEL)?;
        if !bool::from(derived.fingerprint.ct_eq(&self.fingerprint)) {
            return Err(Error::WrongKey);
        }
        let (ciphertext, tag) = self.sealed.split_at(self.sealed.len() - self.suite.tag_len);
        let mut data = Zeroizing::new(ciphertext.to_vec());
        derived.aead.open(&derived.nonce, aad, &mut data, tag)?;
        Ok(data)
    }

    /// The record of §17.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let number = self.key_version.to_be_bytes();
        let fields: [&[u8]; 6] =
            [&[FORMAT_VERSION, self.suite.id], &self.key, &number, &self.fingerprint, &self.salt, &self.sealed];
        fields.concat()
    }

    /// Reads the record of §17.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`], [`Error::UnknownSuite`] or [`Error::Malformed`].
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(LABEL, record);
        reader.version()?;
        let suite = reader.suite()?;
        if !suite.wraps() {
            return Err(Error::UnknownSuite(suite.id));
        }
        let (key, key_version) = (reader.array()?, reader.u32()?);
        let (fingerprint, salt) = (reader.array()?, reader.array()?);
        let sealed = reader.rest();
        match sealed.len().checked_sub(suite.tag_len) {
            Some(0..=MAX_CLIENT_DATA) => {
                Ok(Self { key, key_version, suite, fingerprint, salt, sealed: sealed.to_vec() })
            }
            _ => Err(Error::Malformed(LABEL)),
        }
    }
}

#[cfg(test)]
mod tests {
    use aes_gcm::aead::{Aead as _, Payload};
    use aes_gcm::{Aes256Gcm, KeyInit as _};

    use super::*;
    use crate::suite::{AES_256_GCM, PLAIN, SM4_GCM};

    fn key(byte: u8, len: usize) -> KeyBytes {
        KeyBytes::new(&vec![byte; len]).unwrap()
    }

    #[test]
    fn it_opens_under_its_key_with_its_context_only() {
        for (suite, len) in [(&AES_256_GCM, 32), (&SM4_GCM, 16)] {
            for data in [&b""[..], b"data", &[7; MAX_CLIENT_DATA]] {
                let sealed = Ciphertext::seal(&key(1, len), suite, &[9; 32], ([5; 16], 3), b"context", data).unwrap();
                let back = Ciphertext::decode(&sealed.encode()).unwrap();
                assert_eq!(back, sealed);
                assert_eq!((back.key, back.key_version), ([5; 16], 3));
                assert_eq!(back.open(&key(1, len), b"context").unwrap().as_slice(), data);
                assert_eq!(back.open(&key(2, len), b"context"), Err(Error::WrongKey));
                assert_eq!(back.open(&key(1, len), b"other"), Err(Error::Refused));
            }
        }
    }

    #[test]
    fn any_changed_byte_and_any_shorter_record_is_refused() {
        let record = Ciphertext::seal(&key(1, 16), &SM4_GCM, &[9; 32], ([5; 16], 3), b"", b"data").unwrap().encode();
        for at in (0..2).chain(22..record.len()) {
            let mut changed = record.clone();
            changed[at] ^= 1;
            assert!(Ciphertext::decode(&changed).and_then(|read| read.open(&key(1, 16), b"")).is_err(), "byte {at}");
        }
        for len in 0..record.len() {
            assert!(Ciphertext::decode(&record[..len]).and_then(|read| read.open(&key(1, 16), b"")).is_err(), "{len}");
        }
    }

    #[test]
    fn limits_hold_both_ways() {
        let seal = |suite, len| Ciphertext::seal(&key(1, 32), suite, &[9; 32], ([5; 16], 3), b"", &vec![0; len]).err();
        assert_eq!(seal(&AES_256_GCM, MAX_CLIENT_DATA + 1), Some(Error::TooLarge("client data")));
        assert_eq!(seal(&PLAIN, 1), Some(Error::UnknownSuite(0)));
        let longer = [&[1, 1][..], &[0; 68], &[0; MAX_CLIENT_DATA + 17]].concat();
        assert_eq!(Ciphertext::decode(&longer), Err(Error::Malformed(LABEL)));
    }

    /// FORMAT.md §17 written down a second time over RustCrypto.
    #[test]
    fn another_implementation_opens_one() {
        let sealed = Ciphertext::seal(&key(1, 32), &AES_256_GCM, &[9; 32], ([5; 16], 0x0102_0304), b"aad", b"data");
        let record = sealed.unwrap().encode();
        let mut derived = [0; 60];
        hkdf::Hkdf::<sha2::Sha256>::new(Some(&[9; 32]), &[1; 32])
            .expand(b"strongroom/seal/ciphertext\0\x01\x01", &mut derived)
            .unwrap();
        let head = [&[1, 1][..], &[5; 16], &[1, 2, 3, 4], &derived[44..], &[9; 32]].concat();
        assert_eq!(record[..70], head);
        let cipher = Aes256Gcm::new(derived[..32].try_into().unwrap());
        let nonce: [u8; 12] = derived[32..44].try_into().unwrap();
        let payload = Payload { msg: &record[70..], aad: b"aad" };
        assert_eq!(cipher.decrypt(&nonce.into(), payload).unwrap(), b"data");
    }
}
