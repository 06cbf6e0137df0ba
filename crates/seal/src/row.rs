//! Catalog rows sealed whole (FORMAT.md §6.1). Rows are small and many, so a derivation serves a session of them; a row's
//! catalog key is its AAD, so that it opens in its place only.

use zeroize::Zeroizing;

use crate::FORMAT_VERSION;
use crate::cipher::{Aead, Nonce};
use crate::codec::Reader;
use crate::derive::derive;
use crate::error::Error;
use crate::key::KeyBytes;
use crate::suite::Suite;

/// What makes a session's key unlike every other's: drawn anew from a cryptographic random source for each session.
pub type SessionSalt = [u8; 16];

/// Format version, suite, session salt and row number come before the ciphertext.
const HEAD: usize = 1 + 1 + 16 + 8;

const LABEL: &str = "row";

/// The cipher of all rows that one writer sealed under one salt.
pub struct RowSession {
    suite: &'static Suite,
    salt: SessionSalt,
    aead: Box<dyn Aead>,
}

impl RowSession {
    /// Derives the session of `salt`: for sealing a fresh one, for opening the one that [`RowSession::salt_of`] found.
    ///
    /// # Errors
    /// [`Error::UnknownSuite`] for a suite that seals no rows, [`Error::KeyLength`] if `key` is shorter than the suite's.
    pub fn new(key: &KeyBytes, suite: &'static Suite, salt: SessionSalt) -> Result<Self, Error> {
        if !suite.wraps() {
            return Err(Error::UnknownSuite(suite.id));
        }
        if key.expose().len() < suite.key_len {
            return Err(Error::KeyLength);
        }
        let mut session_key = Zeroizing::new([0; 32]);
        let session_key = &mut session_key[..suite.key_len];
        derive(key, &salt, LABEL, suite.id, &[], session_key);
        Ok(Self { suite, salt, aead: (suite.start)(session_key) })
    }

    /// The salt that a sealed row names.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`], [`Error::UnknownSuite`] or [`Error::Malformed`].
    pub fn salt_of(record: &[u8]) -> Result<SessionSalt, Error> {
        Head::read(&mut Reader::new(LABEL, record)).map(|head| head.salt)
    }

    /// The sealed record of `row`. `number` is used once in this session: two rows under one number would give away both.
    #[must_use]
    pub fn seal(&self, number: u64, aad: &[u8], row: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + row.len() + self.suite.tag_len);
        out.extend_from_slice(&[FORMAT_VERSION, self.suite.id]);
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&number.to_be_bytes());
        out.extend_from_slice(row);
        let tag = self.aead.seal(&nonce(number), aad, &mut out[HEAD..]);
        out.extend_from_slice(tag.as_ref());
        out
    }

    /// Opens what [`RowSession::seal`] made in this session with the same AAD.
    ///
    /// # Errors
    /// [`Error::Refused`] if the record was changed, moved, or sealed in another session or under another key;
    /// [`Error::UnknownVersion`], [`Error::UnknownSuite`] or [`Error::Malformed`].
    pub fn open(&self, aad: &[u8], record: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut reader = Reader::new(LABEL, record);
        let head = Head::read(&mut reader)?;
        if head.suite != self.suite || head.salt != self.salt {
            return Err(Error::Refused);
        }
        let sealed = reader.rest();
        let split = sealed.len().checked_sub(self.suite.tag_len).ok_or(Error::Malformed(LABEL))?;
        let mut row = Zeroizing::new(sealed[..split].to_vec());
        self.aead.open(&nonce(head.number), aad, &mut row, &sealed[split..])?;
        Ok(row)
    }
}

struct Head {
    suite: &'static Suite,
    salt: SessionSalt,
    number: u64,
}

impl Head {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.version()?;
        Ok(Self { suite: reader.suite()?, salt: reader.array()?, number: reader.u64()? })
    }
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use aes_gcm::aead::{Aead as _, Payload};
    use aes_gcm::{Aes256Gcm, KeyInit as _};

    use super::*;
    use crate::suite::{AES_256_GCM, AES_256_GCM_TWICE, PLAIN, SM4_GCM};

    fn session(key: u8, suite: &'static Suite, salt: u8) -> RowSession {
        RowSession::new(&KeyBytes::new(&[key; 32]).unwrap(), suite, [salt; 16]).unwrap()
    }

    #[test]
    fn a_row_opens_in_its_place_and_session_only() {
        let record = session(1, &AES_256_GCM, 2).seal(7, b"object/a", b"row");
        assert_eq!(RowSession::salt_of(&record), Ok([2; 16]));
        assert_eq!(session(1, &AES_256_GCM, 2).open(b"object/a", &record).unwrap().as_slice(), b"row");
        assert_eq!(session(1, &AES_256_GCM, 2).open(b"object/b", &record), Err(Error::Refused));
        for other in [session(3, &AES_256_GCM, 2), session(1, &SM4_GCM, 2), session(1, &AES_256_GCM, 3)] {
            assert_eq!(other.open(b"object/a", &record), Err(Error::Refused));
        }
    }

    #[test]
    fn any_changed_byte_and_any_shorter_record_is_refused() {
        let session = session(1, &SM4_GCM, 2);
        let record = session.seal(7, b"k", b"row");
        for at in 0..record.len() {
            let mut changed = record.clone();
            changed[at] ^= 1;
            assert!(session.open(b"k", &changed).is_err(), "byte {at}");
            assert!(session.open(b"k", &record[..at]).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn suites_without_a_key_and_short_keys_seal_no_rows() {
        let key = |len| KeyBytes::new(&vec![1; len]).unwrap();
        assert_eq!(RowSession::new(&key(32), &PLAIN, [2; 16]).err(), Some(Error::UnknownSuite(0)));
        assert_eq!(RowSession::new(&key(64), &AES_256_GCM_TWICE, [2; 16]).err(), Some(Error::UnknownSuite(4)));
        assert_eq!(RowSession::new(&key(16), &AES_256_GCM, [2; 16]).err(), Some(Error::KeyLength));
    }

    /// FORMAT.md §6.1 written down a second time over RustCrypto.
    #[test]
    fn another_implementation_opens_a_row() {
        let record = session(1, &AES_256_GCM, 2).seal(0x0102_0304_0506_0708, b"place", b"row");
        assert_eq!(record[..26], [&[1, 1][..], &[2; 16], &[1, 2, 3, 4, 5, 6, 7, 8]].concat());
        let mut key = [0; 32];
        hkdf::Hkdf::<sha2::Sha256>::new(Some(&[2; 16]), &[1; 32])
            .expand(b"strongroom/seal/row\0\x01\x01", &mut key)
            .unwrap();
        let nonce = [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8].into();
        let payload = Payload { msg: &record[26..], aad: b"place" };
        assert_eq!(Aes256Gcm::new(&key.into()).decrypt(&nonce, payload).unwrap(), b"row");
    }
}
