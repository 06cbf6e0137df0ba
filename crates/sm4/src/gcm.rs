//! AEAD_SM4_GCM of RFC 8998.

use zeroize::Zeroize;

use crate::engine::Engine;
use crate::kernel::Kernel;
use crate::schedule::RoundKeys;

/// The most bytes that one nonce may seal: 2³⁶ − 32, what the 32-bit block counter allows (NIST SP 800-38D, 5.2.1.1).
pub const MAX_DATA: u64 = (1 << 36) - 32;

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
    engine: Box<dyn Engine>,
}

impl Sm4Gcm {
    /// Expands `key` for the best kernel of this CPU.
    pub fn new(key: &[u8; 16]) -> Self {
        Self::with_kernel(key, Kernel::best())
    }

    /// Expands `key` for `kernel`, or for the portable one where this CPU cannot run `kernel`: for tests and benchmarks.
    pub fn with_kernel(key: &[u8; 16], kernel: Kernel) -> Self {
        Self { engine: kernel.engine(&RoundKeys::new(key)) }
    }

    /// Encrypts `data` where it lies and returns the tag over `aad` and the ciphertext.
    ///
    /// A nonce must never be used twice under one key: that gives away the XOR of the two plaintexts and lets anyone
    /// forge tags.
    ///
    /// # Panics
    /// If `data` is longer than [`MAX_DATA`].
    #[must_use]
    pub fn seal_in_place(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; 16] {
        assert!(data.len() as u64 <= MAX_DATA, "a GCM message has at most 2^36 - 32 bytes");
        self.engine.seal(nonce, aad, data)
    }

    /// Decrypts `data` where it lies, and verifies `tag` over `aad` and the ciphertext in constant time.
    ///
    /// # Errors
    /// [`OpenError`] if the tag does not verify; `data` is then all zeros, so no unverified byte leaves the function.
    /// Also if `data` is longer than [`MAX_DATA`], untouched, since nothing of that length was ever sealed.
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
        if equal(&self.engine.open(nonce, aad, data), tag) {
            return Ok(());
        }
        data.zeroize();
        Err(OpenError)
    }
}

/// Compares without a branch on single bytes.
fn equal(a: &[u8; 16], b: &[u8; 16]) -> bool {
    let difference = a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b));
    core::hint::black_box(difference) == 0
}
