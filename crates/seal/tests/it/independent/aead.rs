//! The ciphers of FORMAT.md §3 and the HKDF of §2.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use sha2::Sha256;
use sm4_rustcrypto::Sm4;
use sm4_rustcrypto::cipher::BlockCipherEncrypt;

/// HKDF-SHA256; an empty salt is 32 zero bytes.
pub(crate) fn hkdf(ikm: &[u8], salt: &[u8], info: &[u8], len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    hkdf::Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, &mut out).unwrap();
    out
}

/// Ciphertext and tag. For suite 0 `key` is the salt.
pub(crate) fn seal(suite: u8, key: &[u8], nonce: [u8; 12], aad: &[u8], data: &[u8]) -> Vec<u8> {
    match suite {
        0 => {
            let tag = crc64_nvme(&[key, &nonce, aad, data].concat());
            [data, &tag.to_be_bytes()].concat()
        }
        1 => {
            let aes = Aes256Gcm::new_from_slice(key).unwrap();
            aes.encrypt(&nonce.into(), Payload { msg: data, aad }).unwrap()
        }
        2 => sm4_gcm_seal(key, nonce, aad, data),
        4 => seal(1, &key[32..], nonce, aad, &seal(1, &key[..32], nonce, aad, data)),
        other => panic!("suite {other} does not exist"),
    }
}

/// The plaintext, if the tag is right.
pub(crate) fn open(suite: u8, key: &[u8], nonce: [u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (data, _) = sealed.split_at_checked(sealed.len().checked_sub(tag_len(suite)?)?)?;
    match suite {
        0 => (seal(0, key, nonce, aad, data) == sealed).then(|| data.to_vec()),
        1 => {
            let aes = Aes256Gcm::new_from_slice(key).ok()?;
            aes.decrypt(&nonce.into(), Payload { msg: sealed, aad }).ok()
        }
        4 => open(1, &key[..32], nonce, aad, &open(1, &key[32..], nonce, aad, sealed)?),
        _ => {
            let plain = sm4_ctr(&Sm4::new_from_slice(key).ok()?, nonce, data);
            (sm4_gcm_seal(key, nonce, aad, &plain) == sealed).then_some(plain)
        }
    }
}

/// Bytes of a suite's tag; no such suite, no tag.
pub(crate) fn tag_len(suite: u8) -> Option<usize> {
    match suite {
        0 => Some(8),
        1 | 2 => Some(16),
        4 => Some(32),
        _ => None,
    }
}

/// Bytes of a suite's data key.
pub(crate) fn key_len(suite: u8) -> Option<usize> {
    match suite {
        0 => Some(0),
        1 => Some(32),
        2 => Some(16),
        4 => Some(64),
        _ => None,
    }
}

/// GCM as NIST SP 800-38D §7.1 has it, with a 96-bit nonce.
fn sm4_gcm_seal(key: &[u8], nonce: [u8; 12], aad: &[u8], data: &[u8]) -> Vec<u8> {
    let sm4 = Sm4::new_from_slice(key).unwrap();
    let mut sealed = sm4_ctr(&sm4, nonce, data);
    let mut hash_key = [0; 16].into();
    sm4.encrypt_block(&mut hash_key);
    let mut ghash = GHash::new(&hash_key);
    ghash.update_padded(aad);
    ghash.update_padded(&sealed);
    let lengths = [(aad.len() as u64 * 8).to_be_bytes(), (data.len() as u64 * 8).to_be_bytes()].concat();
    ghash.update_padded(&lengths);
    let mut mask = counter_block(nonce, 1).into();
    sm4.encrypt_block(&mut mask);
    sealed.extend(ghash.finalize().iter().zip(mask).map(|(hash, mask)| hash ^ mask));
    sealed
}

fn sm4_ctr(sm4: &Sm4, nonce: [u8; 12], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 16);
    for (block, counter) in data.chunks(16).zip(2..) {
        let mut key_stream = counter_block(nonce, counter).into();
        sm4.encrypt_block(&mut key_stream);
        out.extend(block.iter().zip(key_stream).map(|(data, mask)| data ^ mask));
    }
    out
}

fn counter_block(nonce: [u8; 12], counter: u32) -> [u8; 16] {
    let mut block = [0; 16];
    block[..12].copy_from_slice(&nonce);
    block[12..].copy_from_slice(&counter.to_be_bytes());
    block
}

/// CRC-64/NVME, reflected: polynomial 0xAD93D23594C93659 with its bits turned round.
fn crc64_nvme(data: &[u8]) -> u64 {
    let polynomial = 0xAD93_D235_94C9_3659_u64.reverse_bits();
    !data.iter().fold(u64::MAX, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ polynomial } else { crc >> 1 })
    })
}

#[test]
fn crc_of_the_catalogue() {
    assert_eq!(crc64_nvme(b"123456789"), 0xAE8B_1486_0A79_9888);
}

/// RFC 8998, appendix A.1.
#[test]
fn sm4_gcm_of_rfc_8998() {
    let bytes = |text: &str| hex::decode(text).unwrap();
    let key = bytes("0123456789abcdeffedcba9876543210");
    let nonce = bytes("00001234567800000000abcd").try_into().unwrap();
    let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain = bytes(concat!(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd",
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    ));
    let sealed = concat!(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735",
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
        "83de3541e4c2b58177e065a9bf7b62ec"
    );
    assert_eq!(hex::encode(seal(2, &key, nonce, &aad, &plain)), sealed);
    assert_eq!(open(2, &key, nonce, &aad, &bytes(sealed)), Some(plain));
}
