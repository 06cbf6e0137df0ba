//! The kernel that runs everywhere: bitsliced, in constant time, without `unsafe`.
//!
//! Few blocks go through [`substitute`], which runs the S-box circuit on the four bytes of a word. More blocks go 64
//! at a time: bit `p` of word `w` of all blocks is one `u64`, so that the rotations of L are only other indices.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::engine;
use crate::kernel::circuit::sbox;
use crate::schedule::{RoundKeys, diffuse};

/// Blocks of one bitsliced batch.
const BATCH: usize = 64;
/// From this many blocks on a whole batch costs less than single blocks.
const BATCH_PAYS: usize = 6;

/// The bit planes of one 32-bit word of 64 blocks; index 0 is the least significant bit.
type Planes = [u64; 32];

/// The four big-endian words of a block.
pub(crate) fn load(block: &[u8; 16]) -> [u32; 4] {
    core::array::from_fn(|i| u32::from_be_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]]))
}

/// The inverse of [`load`].
pub(crate) fn store(words: [u32; 4]) -> [u8; 16] {
    core::array::from_fn(|i| words[i / 4].to_be_bytes()[i % 4])
}

/// The first, second or third word of the counter blocks.
pub(crate) fn word(nonce: &[u8; 12], i: usize) -> u32 {
    u32::from_be_bytes([nonce[4 * i], nonce[4 * i + 1], nonce[4 * i + 2], nonce[4 * i + 3]])
}

/// The S-box on each byte of a word (the transform τ).
pub(crate) fn substitute(word: u32) -> u32 {
    const LOW_BITS: u32 = 0x01010101;
    let planes = core::array::from_fn(|bit| word >> bit & LOW_BITS);
    let out: [u32; 8] = sbox(planes);
    (0..8).fold(0, |word, bit| word | (out[bit] & LOW_BITS) << bit)
}

/// Encrypts one block; with the round keys in reverse order, decrypts it.
pub(crate) fn crypt_block<'a>(round_keys: impl Iterator<Item = &'a u32>, block: &mut [u8; 16]) {
    let mut state = load(block);
    for key in round_keys {
        let [x0, x1, x2, x3] = state;
        state = [x1, x2, x3, x0 ^ diffuse(substitute(x1 ^ x2 ^ x3 ^ key))];
    }
    state.reverse();
    *block = store(state);
}

/// Counter mode.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Stream(RoundKeys);

impl engine::Stream for Stream {
    fn new(keys: &RoundKeys) -> Self {
        Self(RoundKeys(keys.0))
    }

    fn apply(&self, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
        ctr(&self.0, nonce, counter, data);
    }
}

fn ctr(keys: &RoundKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    for (i, batch) in data.chunks_mut(16 * BATCH).enumerate() {
        let first = counter.wrapping_add((i * BATCH) as u32);
        if batch.len() > 16 * (BATCH_PAYS - 1) {
            many(keys, nonce, first, batch)
        } else {
            few(keys, nonce, first, batch)
        }
    }
}

fn few(keys: &RoundKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    for (i, chunk) in data.chunks_mut(16).enumerate() {
        let mut block = [0; 16];
        block[..12].copy_from_slice(nonce);
        block[12..].copy_from_slice(&counter.wrapping_add(i as u32).to_be_bytes());
        crypt_block(keys.0.iter(), &mut block);
        chunk.iter_mut().zip(block).for_each(|(byte, mask)| *byte ^= mask);
    }
}

fn many(keys: &RoundKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    let mut state = counters(nonce, counter);
    for (round, &key) in keys.0.iter().enumerate() {
        encrypt_round(&mut state, round, key);
    }
    // After 32 rounds word `i` is back in place `i`, and the output is the four words in reverse.
    let words: [[u32; BATCH]; 4] = core::array::from_fn(|i| transpose(&state[3 - i]));
    for (block, chunk) in data.chunks_mut(16).enumerate() {
        let mask = store(core::array::from_fn(|i| words[i][block]));
        chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}

/// The bit planes of 64 counter blocks.
fn counters(nonce: &[u8; 12], counter: u32) -> [Planes; 4] {
    let broadcast = |word: u32| core::array::from_fn(|bit| u64::from(word >> bit & 1).wrapping_neg());
    let mut last = [0; 32];
    for block in 0..BATCH {
        let value = counter.wrapping_add(block as u32);
        for (bit, plane) in last.iter_mut().enumerate() {
            *plane |= u64::from(value >> bit & 1) << block;
        }
    }
    [broadcast(word(nonce, 0)), broadcast(word(nonce, 1)), broadcast(word(nonce, 2)), last]
}

fn encrypt_round(state: &mut [Planes; 4], round: usize, key: u32) {
    let [a, b, c] = [1, 2, 3].map(|i| &state[(round + i) % 4]);
    let sum: Planes = core::array::from_fn(|bit| a[bit] ^ b[bit] ^ c[bit] ^ u64::from(key >> bit & 1).wrapping_neg());
    let mut out: Planes = [0; 32];
    for byte in (0..32).step_by(8) {
        out[byte..byte + 8].copy_from_slice(&sbox::<u64>(core::array::from_fn(|bit| sum[byte + bit])));
    }
    for (bit, plane) in state[round % 4].iter_mut().enumerate() {
        let rotated = |by: usize| out[(bit + 32 - by) % 32];
        *plane ^= out[bit] ^ rotated(2) ^ rotated(10) ^ rotated(18) ^ rotated(24);
    }
}

/// One word of each of the 64 blocks, from its bit planes.
fn transpose(planes: &Planes) -> [u32; BATCH] {
    core::array::from_fn(|block| (0..32).fold(0, |word, bit| word | ((planes[bit] >> block & 1) as u32) << bit))
}
