//! GB/T 32907 appendix A and RFC 8998 appendix A.1.

use strongroom_sm4::{OpenError, Sm4, Sm4Gcm};

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    assert_eq!(hex.len(), 2 * N);
    core::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex digits"))
}

#[test]
fn gbt_32907_example_1() {
    let key = bytes("0123456789abcdeffedcba9876543210");
    let cipher = Sm4::new(&key);
    let mut block = key;
    cipher.encrypt_block(&mut block);
    assert_eq!(block, bytes("681edf34d206965e86b3e94f536e4246"));
    cipher.decrypt_block(&mut block);
    assert_eq!(block, key);
}

#[test]
fn gbt_32907_example_2_a_million_times() {
    let key = bytes("0123456789abcdeffedcba9876543210");
    let cipher = Sm4::new(&key);
    let mut block = key;
    for _ in 0..1_000_000 {
        cipher.encrypt_block(&mut block);
    }
    assert_eq!(block, bytes("595298c7c6fd271f0402f804c33d3f66"));
}

#[test]
fn rfc_8998_a_1() {
    let gcm = Sm4Gcm::new(&bytes("0123456789abcdeffedcba9876543210"));
    let nonce = bytes("00001234567800000000abcd");
    let aad: [u8; 20] = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plaintext: [u8; 64] = bytes(concat!(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd",
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    ));
    let mut data = plaintext;
    let tag = gcm.seal_in_place(&nonce, &aad, &mut data);
    let ciphertext: [u8; 64] = bytes(concat!(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735",
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    ));
    assert_eq!(data, ciphertext);
    assert_eq!(tag, bytes("83de3541e4c2b58177e065a9bf7b62ec"));
    assert_eq!(gcm.open_in_place(&nonce, &aad, &mut data, &tag), Ok(()));
    assert_eq!(data, plaintext);
    data = ciphertext;
    let mut wrong = tag;
    wrong[15] ^= 1;
    assert_eq!(gcm.open_in_place(&nonce, &aad, &mut data, &wrong), Err(OpenError));
}
