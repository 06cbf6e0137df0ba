//! Every kernel that runs here against RustCrypto's SM4 in RustCrypto's GCM.

use aes_gcm::aead::{AeadInOut, KeyInit, consts::U12};
use proptest::prelude::{any, prop};
use proptest::{prop_assert_eq, proptest};
use strongroom_sm4::{Kernel, OpenError, Sm4, Sm4Gcm};

/// SM4-GCM by the other implementation.
fn reference(key: &[u8; 16], nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; 16] {
    let gcm = aes_gcm::AesGcm::<sm4_rustcrypto::Sm4, U12>::new(&(*key).into());
    gcm.encrypt_inout_detached(&(*nonce).into(), aad, data.into()).expect("the reference seals").into()
}

fn kernels() -> impl Iterator<Item = Kernel> {
    Kernel::ALL.into_iter().filter(|kernel| kernel.runs_here())
}

/// Bytes that differ from place to place and from seed to seed.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn array<const N: usize>(seed: u64) -> [u8; N] {
    bytes(seed, N).try_into().expect("N bytes were made")
}

/// Seals and opens with `gcm` and compares both with the reference's answer.
fn check(kernel: Kernel, gcm: &Sm4Gcm, nonce: &[u8; 12], aad: &[u8], plain: &[u8], expected: &(Vec<u8>, [u8; 16])) {
    let mut data = plain.to_vec();
    let tag = gcm.seal_in_place(nonce, aad, &mut data);
    assert!(data == expected.0, "{kernel:?}: ciphertext of {} bytes", plain.len());
    assert_eq!(tag, expected.1, "{kernel:?}: tag of {} bytes, {} of AAD", plain.len(), aad.len());
    assert_eq!(gcm.open_in_place(nonce, aad, &mut data, &tag), Ok(()), "{kernel:?}");
    assert!(data == plain, "{kernel:?}: plaintext of {} bytes", plain.len());
}

fn check_all(lengths: impl Iterator<Item = (usize, usize)>) {
    let key = array(1);
    let engines: Vec<_> = kernels().map(|kernel| (kernel, Sm4Gcm::with_kernel(&key, kernel))).collect();
    for (aad_length, length) in lengths {
        let nonce = array(length as u64 + 2);
        let (aad, plain) = (bytes(3, aad_length), bytes(length as u64, length));
        let mut expected = plain.clone();
        let tag = reference(&key, &nonce, &aad, &mut expected);
        let expected = (expected, tag);
        for (kernel, gcm) in &engines {
            check(*kernel, gcm, &nonce, &aad, &plain, &expected);
        }
    }
}

/// Says with `--nocapture` what the other tests covered.
#[test]
fn the_best_kernel_is_one_that_runs_here() {
    let here: Vec<_> = kernels().collect();
    eprintln!("kernels tested here: {here:?}");
    assert_eq!(here.first(), Some(&Kernel::best()));
    assert!(here.contains(&Kernel::Portable));
}

#[test]
fn every_length_to_4096() {
    check_all((0..=4096).map(|length| (length % 17, length)));
}

#[test]
fn every_aad_length_to_100() {
    check_all((0..=100).flat_map(|aad| [(aad, 0), (aad, 33)]));
}

/// Around the batches of the kernels and the segments of GCM, and one whole chunk of an object.
#[test]
fn lengths_around_batches() {
    let edges = [5120, 8192, 13312, 16384, 65536, 1 << 20];
    check_all(
        edges.into_iter().flat_map(|edge| [edge - 17, edge - 1, edge, edge + 1, edge + 16, edge + 511]).map(|n| (7, n)),
    );
}

#[test]
fn a_changed_bit_anywhere_is_refused_and_leaves_no_plaintext() {
    let key = array(4);
    let (nonce, aad, plain) = (array(5), bytes(6, 20), bytes(7, 600));
    for kernel in kernels() {
        let gcm = Sm4Gcm::with_kernel(&key, kernel);
        let mut sealed = plain.clone();
        let tag = gcm.seal_in_place(&nonce, &aad, &mut sealed);
        let refused = |nonce: &[u8; 12], aad: &[u8], sealed: &[u8], tag: &[u8; 16]| {
            let mut data = sealed.to_vec();
            assert_eq!(gcm.open_in_place(nonce, aad, &mut data, tag), Err(OpenError), "{kernel:?}");
            assert!(data.iter().all(|&byte| byte == 0), "{kernel:?}: something is left");
        };
        for bit in 0..128 {
            let mut wrong = tag;
            wrong[bit / 8] ^= 1 << (bit % 8);
            refused(&nonce, &aad, &sealed, &wrong);
        }
        for bit in 0..8 * sealed.len() {
            let mut wrong = sealed.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            refused(&nonce, &aad, &wrong, &tag);
        }
        let mut wrong = nonce;
        wrong[11] ^= 1;
        refused(&wrong, &aad, &sealed, &tag);
        refused(&nonce, &aad[..19], &sealed, &tag);
        refused(&nonce, &aad, &sealed[..599], &tag);
    }
}

proptest! {
    #[test]
    fn random_messages(
        key in any::<[u8; 16]>(),
        nonce in any::<[u8; 12]>(),
        aad in prop::collection::vec(any::<u8>(), 0..200),
        plain in prop::collection::vec(any::<u8>(), 0..20_000),
    ) {
        let mut expected = plain.clone();
        let tag = reference(&key, &nonce, &aad, &mut expected);
        let expected = (expected, tag);
        for kernel in kernels() {
            check(kernel, &Sm4Gcm::with_kernel(&key, kernel), &nonce, &aad, &plain, &expected);
        }
    }

    #[test]
    fn random_blocks(key in any::<[u8; 16]>(), plain in any::<[u8; 16]>()) {
        use aes_gcm::aes::cipher::BlockCipherEncrypt;
        let mut expected = plain.into();
        sm4_rustcrypto::Sm4::new(&key.into()).encrypt_block(&mut expected);
        let cipher = Sm4::new(&key);
        let mut block = plain;
        cipher.encrypt_block(&mut block);
        prop_assert_eq!(block, <[u8; 16]>::from(expected));
        cipher.decrypt_block(&mut block);
        prop_assert_eq!(block, plain);
    }

    #[cfg(libgcrypt)]
    #[test]
    fn random_messages_against_libgcrypt(
        key in any::<[u8; 16]>(),
        nonce in any::<[u8; 12]>(),
        aad in prop::collection::vec(any::<u8>(), 0..200),
        plain in prop::collection::vec(any::<u8>(), 0..20_000),
    ) {
        let mut expected = plain.clone();
        let tag = crate::libgcrypt::Gcm::new(&key).seal(&nonce, &aad, &mut expected);
        let expected = (expected, tag);
        for kernel in kernels() {
            check(kernel, &Sm4Gcm::with_kernel(&key, kernel), &nonce, &aad, &plain, &expected);
        }
    }
}
