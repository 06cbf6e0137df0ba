//! What every suite's cipher does, and the ciphers that are not ring's alone: SM4-GCM, the CRC of suite 0, and two layers.

use crc_fast::{CrcAlgorithm, Digest};
use strongroom_sm4::Sm4Gcm;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::crypto::aes_256_gcm;
use crate::error::Error;

/// Bytes of a nonce, in every suite.
pub(crate) type Nonce = [u8; 12];

/// The longest tag of any suite.
const MAX_TAG: usize = 32;

/// What follows the ciphertext of a chunk; [`AsRef`] gives its bytes.
#[must_use = "a chunk without its tag cannot be opened"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    bytes: [u8; MAX_TAG],
    len: usize,
}

impl Tag {
    /// A tag of at most [`MAX_TAG`] bytes.
    pub(crate) fn new(tag: &[u8]) -> Self {
        let mut bytes = [0; MAX_TAG];
        bytes[..tag.len()].copy_from_slice(tag);
        Self { bytes, len: tag.len() }
    }
}

impl AsRef<[u8]> for Tag {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// An authenticated cipher with its key inside.
pub(crate) trait Aead: Send + Sync {
    /// Turns `data` into ciphertext of the same length and answers its tag.
    fn seal(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8]) -> Tag;

    /// Turns `data` into plaintext, or says no; then the content of `data` is unspecified.
    fn try_open(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8], tag: &[u8]) -> bool;

    /// Turns `data` into plaintext, or wipes it: unauthenticated bytes never leave this crate.
    fn open(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Error> {
        if self.try_open(nonce, aad, data, tag) {
            return Ok(());
        }
        data.zeroize();
        Err(Error::Refused)
    }
}

/// SM4-GCM under a key of 16 bytes.
pub(crate) fn sm4_gcm(key: &[u8]) -> Box<dyn Aead> {
    let key = key.try_into().expect("the table says 16 bytes for SM4 and derivation gives as many");
    Box::new(Sm4Gcm::new(key))
}

impl Aead for Sm4Gcm {
    fn seal(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8]) -> Tag {
        Tag::new(&self.seal_in_place(nonce, aad, data))
    }

    fn try_open(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8], tag: &[u8]) -> bool {
        tag.try_into().is_ok_and(|tag| self.open_in_place(nonce, aad, data, tag).is_ok())
    }
}

/// Suite 4 under two keys of 32 bytes (FORMAT.md §3.2).
pub(crate) fn aes_256_gcm_twice(keys: &[u8]) -> Box<dyn Aead> {
    let (inner, outer) = keys.split_at(keys.len() / 2);
    Box::new(Twice { inner: aes_256_gcm(inner), outer: aes_256_gcm(outer) })
}

/// A layer in another. The outer one seals what the inner one made, its tag as well: a tag in the open would confirm guesses
/// to who has the inner key alone.
struct Twice {
    inner: Box<dyn Aead>,
    outer: Box<dyn Aead>,
}

impl Aead for Twice {
    fn seal(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8]) -> Tag {
        let inner = self.inner.seal(nonce, aad, data);
        let mut sealed = [&*data, inner.as_ref()].concat();
        let outer = self.outer.seal(nonce, aad, &mut sealed);
        let (ciphertext, inner) = sealed.split_at(data.len());
        data.copy_from_slice(ciphertext);
        Tag::new(&[inner, outer.as_ref()].concat())
    }

    fn try_open(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8], tag: &[u8]) -> bool {
        let (inner, outer) = tag.split_at(tag.len() / 2);
        let mut sealed = [&*data, inner].concat();
        if !self.outer.try_open(nonce, aad, &mut sealed, outer) {
            return false;
        }
        let (ciphertext, inner) = sealed.split_at(data.len());
        data.copy_from_slice(ciphertext);
        self.inner.try_open(nonce, aad, data, inner)
    }
}

/// Suite 0 under a salt: data stays as it is, the tag is a CRC (FORMAT.md §3.1).
pub(crate) fn plain(salt: &[u8]) -> Box<dyn Aead> {
    let mut salted = Digest::new(CrcAlgorithm::Crc64Nvme);
    salted.update(salt);
    Box::new(Plain { salted })
}

struct Plain {
    salted: Digest,
}

impl Plain {
    fn tag(&self, nonce: &Nonce, aad: &[u8], data: &[u8]) -> Tag {
        let mut crc = self.salted;
        crc.update(nonce);
        crc.update(aad);
        crc.update(data);
        Tag::new(&crc.finalize().to_be_bytes())
    }
}

impl Aead for Plain {
    fn seal(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8]) -> Tag {
        self.tag(nonce, aad, data)
    }

    fn try_open(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8], tag: &[u8]) -> bool {
        self.tag(nonce, aad, data).as_ref().ct_eq(tag).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-64/NVME in the catalogue of parametrised CRC algorithms.
    #[test]
    fn plain_is_crc_64_nvme() {
        let tag = plain(b"1234").seal(b"56789\0\0\0\0\0\0\0", b"", &mut []);
        let whole = crc_fast::checksum(CrcAlgorithm::Crc64Nvme, b"123456789\0\0\0\0\0\0\0");
        assert_eq!(tag.as_ref(), whole.to_be_bytes());
        assert_eq!(crc_fast::checksum(CrcAlgorithm::Crc64Nvme, b"123456789"), 0xAE8B_1486_0A79_9888);
    }

    /// FORMAT.md §3.2, with each layer done by itself.
    #[test]
    fn two_layers_are_one_in_the_other() {
        let keys: Vec<u8> = (0..64).collect();
        let (nonce, aad, plain) = ([7; 12], b"aad", *b"seventeen letters");
        let mut data = plain;
        let tag = aes_256_gcm_twice(&keys).seal(&nonce, aad, &mut data);
        let mut sealed = [&data[..], &tag.as_ref()[..16]].concat();
        assert_ne!(sealed, [&plain[..], &[0; 16]].concat());
        assert_eq!(aes_256_gcm(&keys[32..]).open(&nonce, aad, &mut sealed, &tag.as_ref()[16..]), Ok(()));
        let (ciphertext, inner) = sealed.split_at_mut(17);
        assert_eq!(aes_256_gcm(&keys[..32]).open(&nonce, aad, ciphertext, inner), Ok(()));
        assert_eq!(ciphertext, plain);
        for byte in 0..32 {
            let (mut changed, mut data) = (tag.as_ref().to_vec(), data);
            changed[byte] ^= 1;
            assert_eq!(aes_256_gcm_twice(&keys).open(&nonce, aad, &mut data, &changed), Err(Error::Refused));
        }
    }

    #[test]
    fn a_refused_buffer_is_wiped() {
        let mut data = *b"not authentic";
        assert_eq!(plain(&[7; 32]).open(&[0; 12], b"", &mut data, &[0; 8]), Err(Error::Refused));
        assert_eq!(data, [0; 13]);
    }
}
