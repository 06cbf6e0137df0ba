//! ring, named here and nowhere else: AES-256-GCM and HKDF-SHA256.

use ring::aead::{self, Aad, LessSafeKey, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

use crate::cipher::{Aead, Nonce, Tag};

/// RFC 5869 with SHA-256: fills `out`, of at most 255 · 32 bytes, from the concatenation of `info`.
pub(crate) fn hkdf(ikm: &[u8], salt: &[u8], info: &[&[u8]], out: &mut [u8]) {
    Salt::new(HKDF_SHA256, salt)
        .extract(ikm)
        .expand(info, Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("every derivation asks for less than 255 hashes");
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// AES-256-GCM under a key of 32 bytes.
pub(crate) fn aes_256_gcm(key: &[u8]) -> Box<dyn Aead> {
    let key = UnboundKey::new(&aead::AES_256_GCM, key)
        .expect("the table says 32 bytes for AES-256 and derivation gives as many");
    Box::new(LessSafeKey::new(key))
}

impl Aead for LessSafeKey {
    fn seal(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8]) -> Tag {
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let tag = self
            .seal_in_place_separate_tag(nonce, Aad::from(aad), data)
            .expect("no chunk or record comes near the 64 GiB limit of GCM");
        Tag::new(tag.as_ref())
    }

    fn try_open(&self, nonce: &Nonce, aad: &[u8], data: &mut [u8], tag: &[u8]) -> bool {
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        tag.try_into().is_ok_and(|tag| self.open_in_place_separate_tag(nonce, Aad::from(aad), tag, data, 0..).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, appendix A.1 (basic) and A.3 (empty salt and info).
    #[test]
    fn hkdf_of_rfc_5869() {
        let mut out = [0; 42];
        let salt: Vec<u8> = (0..=0x0c).collect();
        hkdf(&[0x0b; 22], &salt, &[&[0xf0, 0xf1, 0xf2, 0xf3, 0xf4], &[0xf5, 0xf6, 0xf7, 0xf8, 0xf9]], &mut out);
        let a1 = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
        assert_eq!(hex::encode(out), a1);
        hkdf(&[0x0b; 22], &[], &[], &mut out);
        let a3 = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
        assert_eq!(hex::encode(out), a3);
    }

    /// GCM specification (McGrew, Viega), test case 16: 60 bytes of plaintext, 20 of AAD, AES-256.
    #[test]
    fn aes_256_gcm_of_the_gcm_specification() {
        let hex = |text: &str| hex::decode(text).unwrap();
        let aead = aes_256_gcm(&hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
        let nonce: Nonce = hex("cafebabefacedbaddecaf888").try_into().unwrap();
        let aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plain = hex(concat!(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        ));
        let mut data = plain.clone();
        let tag = aead.seal(&nonce, &aad, &mut data);
        let sealed = concat!(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        );
        assert_eq!(hex::encode(&data), sealed);
        assert_eq!(hex::encode(tag), "76fc6ece0f4e1768cddf8853bb2d551b");
        assert!(aead.open(&nonce, &aad, &mut data, tag.as_ref()).is_ok());
        assert_eq!(data, plain);
    }
}
