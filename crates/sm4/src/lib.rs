//! The SM4 block cipher and SM4-GCM, fast and in constant time.
//!
//! ```
//! use strongroom_sm4::Sm4Gcm;
//!
//! let gcm = Sm4Gcm::new(b"sixteen byte key");
//! let nonce = [0; 12]; // never twice under one key
//! let mut data = *b"attack at dawn";
//! let tag = gcm.seal_in_place(&nonce, b"header", &mut data);
//! assert!(gcm.open_in_place(&nonce, b"header", &mut data, &tag).is_ok());
//! assert_eq!(&data, b"attack at dawn");
//! ```
//!
//! [`Sm4Gcm`] is AEAD_SM4_GCM of RFC 8998: 128-bit keys, 12-byte nonces, 16-byte tags. It chooses at run time among the
//! kernels of [`Kernel`]. [`Sm4`] is the bare block cipher, one block at a time, for key schedules, tests and other modes;
//! it always runs on the portable kernel.
//!
//! # Constant time
//! No kernel loads from an address, or branches, on a secret: the S-box is a circuit of gates, the AES unit's, or GFNI's;
//! `PSHUFB` looks up in registers; GHASH is a carry-less multiplication, by instruction or by integer multiplication of
//! spread bits. The portable path relies on 64-bit multiplication taking equal time for all operands, as on every
//! mainstream 64-bit CPU. Tags are compared without a branch on their bytes. What compilers make of it was read in assembly
//! for x86-64 only.
//!
//! # Secrets
//! Keys live on the heap behind [`Sm4Gcm`] and are wiped on drop; no type here has `Debug` or `Clone`. What the compiler
//! spills to the stack while it computes is not wiped.

mod basis;
#[cfg(test)]
mod definition;
mod engine;
mod gcm;
mod ghash;
mod kernel;
mod schedule;

pub use gcm::{MAX_DATA, OpenError, Sm4Gcm};
pub use kernel::Kernel;

use kernel::portable;
use schedule::RoundKeys;

/// The SM4 block cipher under one key (GB/T 32907, ISO/IEC 18033-3:2010/Amd 1). The round keys are wiped on drop.
pub struct Sm4 {
    round_keys: RoundKeys,
}

impl Sm4 {
    /// Expands `key`.
    pub fn new(key: &[u8; 16]) -> Self {
        Self { round_keys: RoundKeys::new(key) }
    }

    /// Encrypts one block in place.
    pub fn encrypt_block(&self, block: &mut [u8; 16]) {
        portable::crypt_block(self.round_keys.0.iter(), block);
    }

    /// Decrypts one block in place.
    pub fn decrypt_block(&self, block: &mut [u8; 16]) {
        portable::crypt_block(self.round_keys.0.iter().rev(), block);
    }
}
