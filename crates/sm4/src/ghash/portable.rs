//! GHASH by integer multiplication: constant time wherever a 64-bit multiplication is.
//!
//! A block is a polynomial whose coefficient of x⁰ is the most significant bit of byte 0. Read as a big-endian integer
//! it is bit-reversed, and the product of two reversed polynomials is the reversed product shifted right by one.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::engine::Hash;

/// The hash key H.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key {
    high: u64,
    low: u64,
}

impl Hash for Key {
    fn new(h: &[u8; 16]) -> Self {
        let (high, low) = halves(h);
        Self { high, low }
    }

    fn absorb(&self, hash: &mut [u8; 16], data: &[u8]) {
        for chunk in data.chunks(16) {
            hash.iter_mut().zip(chunk).for_each(|(byte, input)| *byte ^= input);
            let (high, low) = halves(hash);
            *hash = self.multiply(high, low).to_be_bytes();
        }
    }
}

impl Key {
    fn multiply(&self, high: u64, low: u64) -> u128 {
        let top = carryless(self.high, high);
        let bottom = carryless(self.low, low);
        let middle = carryless(self.high ^ self.low, high ^ low) ^ top ^ bottom;
        let (upper, lower) = (top ^ middle >> 64, bottom ^ middle << 64);
        reduce(upper << 1 | lower >> 127, lower << 1)
    }
}

fn halves(block: &[u8; 16]) -> (u64, u64) {
    let whole = u128::from_be_bytes(*block);
    ((whole >> 64) as u64, whole as u64)
}

/// The 255-bit reversed product `upper:lower` modulo x¹²⁸ + x⁷ + x² + x + 1.
///
/// Reversed, the low half holds the powers x¹²⁸ and up; x¹²⁸ folds to x⁷ + x² + x + 1, which are right shifts.
fn reduce(upper: u128, lower: u128) -> u128 {
    // The bits that these shifts push out of the low half wrap round and are folded once more.
    let folded = lower ^ lower << 127 ^ lower << 126 ^ lower << 121;
    upper ^ folded ^ folded >> 1 ^ folded >> 2 ^ folded >> 7
}

/// The 128-bit carry-less product; the high half is the bit-reversed low half of the bit-reversed operands.
fn carryless(a: u64, b: u64) -> u128 {
    let low = carryless_low(a, b);
    let high = carryless_low(a.reverse_bits(), b.reverse_bits()).reverse_bits() >> 1;
    u128::from(high) << 64 | u128::from(low)
}

/// The low 64 bits of the carry-less product.
///
/// Each operand is split into four with three zero bits between neighbours, so the carries of an integer product (at
/// most 15 within the low 64 bits, then one that leaves it) fall into the zeros and are masked away.
fn carryless_low(a: u64, b: u64) -> u64 {
    const CLASSES: [u64; 4] = [0x1111111111111111, 0x2222222222222222, 0x4444444444444444, 0x8888888888888888];
    let (a, b) = (CLASSES.map(|mask| a & mask), CLASSES.map(|mask| b & mask));
    (0..4).fold(0, |product, class| {
        let sum = (0..4).fold(0, |sum, i| sum ^ a[i].wrapping_mul(b[(class + 4 - i) % 4]));
        product | sum & CLASSES[class]
    })
}
