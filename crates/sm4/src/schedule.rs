//! The key schedule.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::kernel::portable;

/// The system parameter FK of GB/T 32907, XORed into the key.
const FK: [u32; 4] = [0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc];

/// The 32 round keys, in the order of encryption.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct RoundKeys(pub(crate) [u32; 32]);

impl RoundKeys {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        let mut state = portable::load(key);
        for (word, parameter) in state.iter_mut().zip(FK) {
            *word ^= parameter;
        }
        let mut keys = Self([0; 32]);
        for (round, key) in keys.0.iter_mut().enumerate() {
            let [x0, x1, x2, x3] = state;
            *key = x0 ^ diffuse_key(portable::substitute(x1 ^ x2 ^ x3 ^ constant(round)));
            state = [x1, x2, x3, *key];
        }
        state.zeroize();
        keys
    }
}

/// The linear transform L of the cipher.
pub(crate) const fn diffuse(word: u32) -> u32 {
    word ^ word.rotate_left(2) ^ word.rotate_left(10) ^ word.rotate_left(18) ^ word.rotate_left(24)
}

/// The linear transform L′ of the key schedule.
fn diffuse_key(word: u32) -> u32 {
    word ^ word.rotate_left(13) ^ word.rotate_left(23)
}

/// The constant CK of `round`: its byte `j` is `(4·round + j)·7 mod 256`, most significant byte first.
fn constant(round: usize) -> u32 {
    u32::from_be_bytes(core::array::from_fn(|j| ((4 * round + j) * 7) as u8))
}
