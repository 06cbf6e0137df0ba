//! AEAD_SM4_GCM of RFC 8998.

use zeroize::Zeroize;

use crate::ghash;
use crate::kernel::portable;
use crate::schedule::RoundKeys;

/// The tag did not verify: the data, the associated data, the nonce, the key or the tag is not what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenError;

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the authentication tag does not match")
    }
}

impl core::error::Error for OpenError {}

/// SM4-GCM under one key: 12-byte nonces, 16-byte tags (RFC 8998, AEAD_SM4_GCM).
///
/// The key material is on the heap, so moving the value copies none of it, and is wiped on drop.
pub struct Sm4Gcm {
    state: Box<State>,
}

struct State {
    round_keys: RoundKeys,
    hash_key: ghash::portable::Key,
}

/// The most bytes that one nonce may seal: 2³⁶ − 32, what the 32-bit block counter allows (NIST SP 800-38D, 5.2.1.1).
pub const MAX_DATA: u64 = (1 << 36) - 32;

impl Sm4Gcm {
    /// Expands `key`.
    pub fn new(key: &[u8; 16]) -> Self {
        let round_keys = RoundKeys::new(key);
        let mut h = [0; 16];
        portable::crypt_block(round_keys.0.iter(), &mut h);
        let hash_key = ghash::portable::Key::new(&h);
        h.zeroize();
        Self { state: Box::new(State { round_keys, hash_key }) }
    }

    /// Encrypts `data` where it lies and returns the tag over `aad` and the ciphertext.
    ///
    /// A nonce must never be used twice under one key.
    ///
    /// # Panics
    /// If `data` is longer than [`MAX_DATA`].
    #[must_use]
    pub fn seal_in_place(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; 16] {
        assert!(data.len() as u64 <= MAX_DATA, "a GCM message has at most 2^36 - 32 bytes");
        let mut hash = [0; 16];
        self.state.hash_key.absorb(&mut hash, aad);
        portable::ctr(&self.state.round_keys, nonce, 2, data);
        self.state.hash_key.absorb(&mut hash, data);
        self.tag(nonce, hash, aad.len(), data.len())
    }

    /// Verifies `tag` over `aad` and `data`, and decrypts `data` where it lies.
    ///
    /// # Errors
    /// [`OpenError`] if the tag does not verify, or `data` is longer than [`MAX_DATA`]; `data` then holds no plaintext.
    pub fn open_in_place(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), OpenError> {
        if data.len() as u64 > MAX_DATA {
            return Err(OpenError);
        }
        let mut hash = [0; 16];
        self.state.hash_key.absorb(&mut hash, aad);
        self.state.hash_key.absorb(&mut hash, data);
        let expected = self.tag(nonce, hash, aad.len(), data.len());
        if !equal(&expected, tag) {
            return Err(OpenError);
        }
        portable::ctr(&self.state.round_keys, nonce, 2, data);
        Ok(())
    }

    fn tag(&self, nonce: &[u8; 12], mut hash: [u8; 16], aad_len: usize, data_len: usize) -> [u8; 16] {
        let lengths = (aad_len as u128 * 8) << 64 | data_len as u128 * 8;
        self.state.hash_key.absorb(&mut hash, &lengths.to_be_bytes());
        portable::ctr(&self.state.round_keys, nonce, 1, &mut hash);
        hash
    }
}

/// Compares without a branch on the bytes.
fn equal(a: &[u8; 16], b: &[u8; 16]) -> bool {
    let difference = a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b));
    core::hint::black_box(difference) == 0
}
