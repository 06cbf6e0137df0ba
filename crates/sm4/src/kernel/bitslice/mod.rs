//! 512 blocks at a time, bitsliced over AVX-512: for CPUs with AVX-512 but without GFNI.
//!
//! Bit `b` of word `w` of all 512 blocks is one register's worth of memory. `VPTERNLOGQ` computes any function of three
//! bits, so a gate takes three inputs, the sums of the cipher cost half, and nothing depends on a byte shuffle or on the
//! AES unit. A round is 4 S-boxes of 76 gates, 32 gates for the sum of three words, and 96 for L: 432 operations on the two
//! ports of 512-bit vectors for 512 blocks, 0.84 cycles a byte, where shuffles and `AESENCLAST` need some 1.5. Measured it
//! is 1.2: the rest of the instructions, 30 loads and stores for each byte of a round among them, is not free.
//!
//! As in `basis`, word `i` is kept with an offset `cᵢ`, `cᵢ₊₁ + cᵢ₊₂ + cᵢ₊₃ = rkᵢ`, so round keys cost nothing before the
//! S-box; behind it `cᵢ + cᵢ₊₄` is the seventh operand of the sum that makes a bit of L, which has room for just seven.

mod gates;
mod layout;

use core::arch::x86_64::{
    __m512i as V, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
    _mm512_ternarylogic_epi32, _mm512_xor_si512,
};

use zeroize::{Zeroize, ZeroizeOnDrop};

use self::gates::sbox;
use self::layout::{block_number_bits, transpose_bits, transpose_bytes};
use crate::basis::OffsetKeys;
use crate::kernel::portable;
use crate::schedule::RoundKeys;

/// Blocks of one batch: the bits of a register.
pub(crate) const BATCH: usize = 512;
/// Bytes of one batch.
pub(crate) const BATCH_BYTES: usize = 16 * BATCH;

/// The bit planes of one word, least significant first.
type Planes = [V; 32];
/// The output of the S-boxes, a byte at a time.
type Substituted = [[V; 8]; 4];

/// The offset keys, each bit spread to a word of equal bits.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Keys {
    rounds: [[u32; 32]; 32],
    first: [u32; 32],
    last: [[u32; 32]; 4],
}

impl Keys {
    pub(crate) fn new(keys: &RoundKeys) -> Self {
        let offsets = OffsetKeys::plain(keys);
        Self { rounds: offsets.rounds.map(spread), first: spread(offsets.first), last: offsets.last.map(spread) }
    }
}

fn spread(word: u32) -> [u32; 32] {
    core::array::from_fn(|bit| (word >> bit & 1).wrapping_neg())
}

/// XORs the key stream of 512 blocks, the first made from `counter`, into `data`.
#[target_feature(enable = "avx512f,avx512bw")]
pub(crate) fn ctr_batch(keys: &Keys, nonce: &[u8; 12], counter: u32, data: &mut [u8; BATCH_BYTES]) {
    let mut state = [[_mm512_setzero_si512(); 32]; 4];
    counters(&mut state, keys, nonce, counter);
    encrypt(&mut state, keys);
    for (planes, last) in state.iter_mut().rev().zip(&keys.last) {
        for (plane, mask) in planes.iter_mut().zip(last) {
            *plane = _mm512_xor_si512(*plane, broadcast(*mask));
        }
    }
    transpose_bits(&mut state);
    for q in 0..8 {
        let blocks = transpose_bytes(&state, q);
        for (k, mask) in blocks.into_iter().enumerate() {
            xor_into(data, q * 1024 + k * 64, mask);
        }
    }
}

/// The 32 rounds. Each is the linear layer on the S-boxes of the round before it and, a byte at a time while the new word
/// is still in registers, the S-boxes of the next.
#[target_feature(enable = "avx512f,avx512bw")]
fn encrypt([a, b, c, d]: &mut [Planes; 4], keys: &Keys) {
    let mut one = [[_mm512_setzero_si512(); 8]; 4];
    let mut two = one;
    first_sboxes(b, c, d, &mut one);
    let (fours, _) = keys.rounds.as_chunks::<4>();
    for four in fours {
        encrypt_round(a, c, d, &one, &mut two, &four[0]);
        encrypt_round(b, d, a, &two, &mut one, &four[1]);
        encrypt_round(c, a, b, &one, &mut two, &four[2]);
        encrypt_round(d, b, c, &two, &mut one, &four[3]);
    }
}

/// The S-boxes of the first round, of `b ^ c ^ d`.
#[target_feature(enable = "avx512f,avx512bw")]
fn first_sboxes(b: &Planes, c: &Planes, d: &Planes, s: &mut Substituted) {
    for (byte, s) in s.iter_mut().enumerate() {
        let mut sum = [_mm512_setzero_si512(); 8];
        for (bit, sum) in sum.iter_mut().enumerate() {
            let plane = 8 * byte + bit;
            *sum = xor3(b[plane], c[plane], d[plane]);
        }
        *s = sbox(sum);
    }
}

/// `a ^= L(s) ^ key`, then `next = S(a ^ b ^ c)`.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn encrypt_round(a: &mut Planes, b: &Planes, c: &Planes, s: &Substituted, next: &mut Substituted, key: &[u32; 32]) {
    encrypt_byte::<0>(a, b, c, s, next, key);
    encrypt_byte::<1>(a, b, c, s, next, key);
    encrypt_byte::<2>(a, b, c, s, next, key);
    encrypt_byte::<3>(a, b, c, s, next, key);
}

/// One byte of a round.
///
/// Not inlined: all rounds use the same four functions, which stay in the cache of decoded instructions, and every
/// address is a pointer and a constant, which the CPU keeps fused with the operation.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline(never)]
fn encrypt_byte<const BYTE: usize>(
    a: &mut Planes,
    b: &Planes,
    c: &Planes,
    s: &Substituted,
    next: &mut Substituted,
    key: &[u32; 32],
) {
    let (s0, s1, s2, s3) = (&s[BYTE], &s[(BYTE + 3) % 4], &s[(BYTE + 2) % 4], &s[(BYTE + 1) % 4]);
    // A bit of L is the sum of its own place, those 24 below, and 2, 10 and 18 below; places go round through bytes.
    let mut inputs = [
        xor5(s0[0], s3[0], s1[6], s2[6], s3[6]),
        xor5(s0[1], s3[1], s1[7], s2[7], s3[7]),
        xor5(s0[2], s3[2], s0[0], s1[0], s2[0]),
        xor5(s0[3], s3[3], s0[1], s1[1], s2[1]),
        xor5(s0[4], s3[4], s0[2], s1[2], s2[2]),
        xor5(s0[5], s3[5], s0[3], s1[3], s2[3]),
        xor5(s0[6], s3[6], s0[4], s1[4], s2[4]),
        xor5(s0[7], s3[7], s0[5], s1[5], s2[5]),
    ];
    for (bit, input) in inputs.iter_mut().enumerate() {
        let plane = 8 * BYTE + bit;
        a[plane] = xor3(a[plane], *input, broadcast(key[plane]));
        *input = xor3(a[plane], b[plane], c[plane]);
    }
    next[BYTE] = sbox(inputs);
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn xor5(a: V, b: V, c: V, d: V, e: V) -> V {
    xor3(a, b, xor3(c, d, e))
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn xor_into(data: &mut [u8; BATCH_BYTES], at: usize, mask: V) {
    let chunk: &mut [u8; 64] = (&mut data[at..at + 64]).try_into().expect("the slice has 64 bytes");
    // SAFETY: `chunk` is 64 bytes that may be read and written; the access is unaligned.
    unsafe {
        let pointer = chunk.as_mut_ptr().cast();
        _mm512_storeu_si512(pointer, _mm512_xor_si512(_mm512_loadu_si512(pointer), mask));
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn broadcast(word: u32) -> V {
    _mm512_set1_epi32(word as i32)
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn xor3(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

/// Sets `state` to the bit planes of 512 counter blocks.
#[target_feature(enable = "avx512f,avx512bw")]
fn counters(state: &mut [Planes; 4], keys: &Keys, nonce: &[u8; 12], counter: u32) {
    for (word, planes) in state.iter_mut().take(3).enumerate() {
        for (plane, mask) in planes.iter_mut().zip(spread(portable::word(nonce, word))) {
            *plane = broadcast(mask);
        }
    }
    // Adds the block's number to the counter, bit by bit.
    let mut carry = _mm512_setzero_si512();
    let numbers = block_number_bits();
    for (bit, mask) in spread(counter).into_iter().enumerate() {
        let number = if bit < numbers.len() { numbers[bit] } else { _mm512_setzero_si512() };
        let sum = xor3(number, broadcast(mask), carry);
        // The majority of the three.
        carry = _mm512_ternarylogic_epi32::<0xE8>(number, broadcast(mask), carry);
        state[3][bit] = _mm512_xor_si512(sum, broadcast(keys.first[bit]));
    }
}
