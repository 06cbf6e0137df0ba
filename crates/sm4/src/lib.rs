//! The SM4 block cipher and SM4-GCM, fast and in constant time.

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
