//! The cipher suites (FORMAT.md §3): a suite is a row of this table, and nothing else knows a suite's number.

use std::fmt;

use crate::cipher::{Aead, aes_256_gcm_twice, plain, sm4_gcm};
use crate::crypto::aes_256_gcm;
use crate::error::Error;

/// One way to seal: an authenticated cipher and the sizes that go with it.
pub struct Suite {
    /// The number that stands for the suite in every record.
    pub id: u8,
    /// The name for people, log lines and vectors.
    pub name: &'static str,
    /// Bytes of a data key; 0 for the suite that has none.
    pub key_len: usize,
    /// Bytes that follow the ciphertext of every chunk.
    pub tag_len: usize,
    /// Layers, one in the other, each under a data key of its own; a data key of the suite is these, one after the other.
    pub layers: usize,
    /// Builds the cipher from its derived key of `key_len` bytes, or, when it has none, from the salt.
    pub(crate) start: fn(&[u8]) -> Box<dyn Aead>,
}

/// Suite 0: stored in the clear under a CRC. Accidents are noticed; nothing is protected (FORMAT.md §3.1).
pub static PLAIN: Suite = Suite { id: 0, name: "plain", key_len: 0, tag_len: 8, layers: 1, start: plain };

/// Suite 1: AES-256-GCM (NIST SP 800-38D).
pub static AES_256_GCM: Suite =
    Suite { id: 1, name: "aes-256-gcm", key_len: 32, tag_len: 16, layers: 1, start: aes_256_gcm };

/// Suite 2: SM4-GCM (RFC 8998). Its keys have 128 bits, as SM4 knows no longer ones.
pub static SM4_GCM: Suite = Suite { id: 2, name: "sm4-gcm", key_len: 16, tag_len: 16, layers: 1, start: sm4_gcm };

/// Suite 4: AES-256-GCM in AES-256-GCM, under two data keys (FORMAT.md §3.2). What either layer keeps secret, both do.
pub static AES_256_GCM_TWICE: Suite =
    Suite { id: 4, name: "aes-256-gcm-twice", key_len: 64, tag_len: 32, layers: 2, start: aes_256_gcm_twice };

/// Every suite there is. Number 3 (ChaCha20-Poly1305) is reserved and refused.
pub static SUITES: [&Suite; 4] = [&PLAIN, &AES_256_GCM, &SM4_GCM, &AES_256_GCM_TWICE];

impl Suite {
    /// The suite of this number.
    ///
    /// # Errors
    /// [`Error::UnknownSuite`] for every number not in [`SUITES`]: a reader never guesses.
    pub fn by_id(id: u8) -> Result<&'static Self, Error> {
        SUITES.into_iter().find(|suite| suite.id == id).ok_or(Error::UnknownSuite(id))
    }

    /// Whether objects of this suite have a data key, and so confidentiality and authenticity.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.key_len > 0
    }

    /// Whether keys, rows and a client's own data are sealed with it: they are under one key, in one layer.
    #[must_use]
    pub fn wraps(&self) -> bool {
        self.is_keyed() && self.layers == 1
    }
}

impl PartialEq for Suite {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Suite {}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_outside_the_table_is_refused() {
        for id in 0..=u8::MAX {
            assert_eq!(Suite::by_id(id).is_ok(), id < 3 || id == 4, "suite {id}");
        }
    }

    #[test]
    fn rows_keep_their_numbers_and_sizes() {
        let rows: Vec<_> = SUITES.iter().map(|s| (s.id, s.name, s.key_len, s.tag_len)).collect();
        let twice = (4, "aes-256-gcm-twice", 64, 32);
        assert_eq!(rows, [(0, "plain", 0, 8), (1, "aes-256-gcm", 32, 16), (2, "sm4-gcm", 16, 16), twice]);
    }
}
