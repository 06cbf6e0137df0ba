//! 512 blocks at a time, bitsliced over AVX-512: for CPUs with AVX-512 but without GFNI.
//!
//! Bit `b` of word `w` of all 512 blocks is one register's worth of memory. `VPTERNLOGQ` computes any function of three
//! bits, so a gate takes three inputs, the sums of the cipher cost half, and nothing depends on a byte shuffle or on the
//! AES unit. A round is 4 S-boxes of 75 gates, 32 gates for the sum of three words, and 96 for L: 396 operations on two
//! ports for 512 blocks, 0.77 cycles a byte, against some 1.5 for the best that shuffles and `AESENCLAST` can do there.
//!
//! As in `basis`, word `i` is kept with an offset `cᵢ`, `cᵢ₊₁ + cᵢ₊₂ + cᵢ₊₃ = rkᵢ`, so round keys cost nothing before the
//! S-box; behind it `cᵢ + cᵢ₊₄` is the seventh operand of the sum that makes a bit of L, which has room for just seven.
//!
//! Which block sits at which bit position is free to choose, since the counters are made in place. Position
//! `p = 128·l + 8·k + q` (`l < 4`, `k < 16`, `q < 8`) holds block `64·q + 4·k + l`: then three steps of bit swaps and four
//! of byte interleaving leave four consecutive blocks in one register.

use core::arch::x86_64::*;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::basis::OffsetKeys;
use crate::schedule::RoundKeys;

/// Blocks of one batch: the bits of a register.
pub(crate) const BATCH: usize = 512;
/// Bytes of one batch.
pub(crate) const BATCH_BYTES: usize = 16 * BATCH;

type V = __m512i;
/// The bit planes of one word, least significant first.
type Planes = [V; 32];

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
    let mut state = counters(keys, nonce, counter);
    let mut substituted = [_mm512_setzero_si512(); 32];
    for four in keys.rounds.as_chunks::<4>().0 {
        let [a, b, c, d] = &mut state;
        encrypt_round(a, b, c, d, &mut substituted, &four[0]);
        encrypt_round(b, c, d, a, &mut substituted, &four[1]);
        encrypt_round(c, d, a, b, &mut substituted, &four[2]);
        encrypt_round(d, a, b, c, &mut substituted, &four[3]);
    }
    for (word, last) in keys.last.iter().enumerate() {
        for bit in 0..32 {
            state[3 - word][bit] = _mm512_xor_si512(state[3 - word][bit], broadcast(last[bit]));
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

/// The bit planes of 512 counter blocks.
#[target_feature(enable = "avx512f,avx512bw")]
fn counters(keys: &Keys, nonce: &[u8; 12], counter: u32) -> [Planes; 4] {
    let mut state = [[_mm512_setzero_si512(); 32]; 4];
    for (word, planes) in state.iter_mut().take(3).enumerate() {
        let value =
            u32::from_be_bytes([nonce[4 * word], nonce[4 * word + 1], nonce[4 * word + 2], nonce[4 * word + 3]]);
        for (plane, mask) in planes.iter_mut().zip(spread(value)) {
            *plane = broadcast(mask);
        }
    }
    // Adds the block's number to the counter, bit by bit.
    let mut carry = _mm512_setzero_si512();
    let numbers = block_number_bits();
    for (bit, mask) in spread(counter).into_iter().enumerate() {
        let number = numbers.get(bit).copied().unwrap_or(_mm512_setzero_si512());
        let sum = xor3(number, broadcast(mask), carry);
        carry = _mm512_ternarylogic_epi32::<0xE8>(number, broadcast(mask), carry);
        state[3][bit] = _mm512_xor_si512(sum, broadcast(keys.first[bit]));
    }
    state
}

/// Bit `i` of the number of the block at each position; see the module's text.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn block_number_bits() -> [V; 9] {
    [
        _mm512_set_epi64(-1, -1, 0, 0, -1, -1, 0, 0),
        _mm512_set_epi64(-1, -1, -1, -1, 0, 0, 0, 0),
        _mm512_set1_epi16(0xFF00u16 as i16),
        _mm512_set1_epi32(0xFFFF0000u32 as i32),
        _mm512_set1_epi64(0xFFFFFFFF00000000u64 as i64),
        _mm512_set_epi64(-1, 0, -1, 0, -1, 0, -1, 0),
        _mm512_set1_epi8(0xAAu8 as i8),
        _mm512_set1_epi8(0xCCu8 as i8),
        _mm512_set1_epi8(0xF0u8 as i8),
    ]
}

/// `a ^= L(S(b ^ c ^ d)) ^ key`; `s` is room for the S-box's output.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline(never)]
fn encrypt_round(a: &mut Planes, b: &Planes, c: &Planes, d: &Planes, s: &mut Planes, key: &[u32; 32]) {
    let (b, c, d) = (b.as_chunks::<8>().0, c.as_chunks::<8>().0, d.as_chunks::<8>().0);
    for (((b, c), d), s) in b.iter().zip(c).zip(d).zip(s.as_chunks_mut::<8>().0) {
        *s = sbox([
            xor3(b[0], c[0], d[0]),
            xor3(b[1], c[1], d[1]),
            xor3(b[2], c[2], d[2]),
            xor3(b[3], c[3], d[3]),
            xor3(b[4], c[4], d[4]),
            xor3(b[5], c[5], d[5]),
            xor3(b[6], c[6], d[6]),
            xor3(b[7], c[7], d[7]),
        ]);
    }
    for class in 0..8 {
        // The bits of L that are equal modulo 8 share their operands.
        let own: [V; 4] = [s[class], s[class + 8], s[class + 16], s[class + 24]];
        let by_two = (class + 30) % 32;
        let two = [s[by_two], s[(by_two + 8) % 32], s[(by_two + 16) % 32], s[(by_two + 24) % 32]];
        for byte in 0..4 {
            let bit = class + 8 * byte;
            let rotated = xor3(two[byte], two[(byte + 3) % 4], two[(byte + 2) % 4]);
            let sum = xor3(own[byte], own[(byte + 1) % 4], rotated);
            a[bit] = xor3(a[bit], sum, broadcast(key[bit]));
        }
    }
}

/// Names three-input gates: `out = truth table(a, b, c);`, where the table's bit `4a + 2b + c` is the output.
macro_rules! gates {
    ($($out:ident = $table:literal($a:ident, $b:ident, $c:ident);)*) => {
        $(let $out = _mm512_ternarylogic_epi64::<$table>($a, $b, $c);)*
    };
}

/// The S-box in gates of three inputs.
///
/// Found from the circuit of `circuit`, whose 128 gates have two inputs, by a random walk: pick a gate, find by its truth
/// table over all 256 inputs (where the outputs care) all the triples of other wires that determine it, take one that
/// leaves the fewest gates alive, and go on. The tests compare all 256 values with the definition.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn sbox([x0, x1, x2, x3, x4, x5, x6, x7]: [V; 8]) -> [V; 8] {
    gates! {
        g0 = 0x96(x4, x2, x6); g1 = 0x66(x2, x0, g0); g2 = 0x96(x5, g1, x2); g3 = 0x96(g1, g2, x1);
        g4 = 0x96(g3, x6, g0); g5 = 0x5a(x1, g2, x7); g6 = 0x96(g5, g1, x2); g7 = 0x96(x1, x4, g1);
        g8 = 0x5a(x5, x3, g7); g9 = 0x96(g8, x3, g6); g10 = 0x3c(g0, g9, x2); g11 = 0x96(g10, g0, x4);
        g12 = 0x06(x5, g3, g5); g13 = 0xe1(g12, g7, g9); g14 = 0x6c(g2, g13, g3); g15 = 0x69(g14, x6, g11);
        g16 = 0x78(g15, g4, x6); g17 = 0x28(g10, g5, g1); g18 = 0x4b(g11, x2, g10); g19 = 0x96(g18, x7, g17);
        g20 = 0x66(x1, x3, x4); g21 = 0x9c(g8, g12, g20); g22 = 0x69(x2, g21, g19); g23 = 0x06(g0, g4, g2);
        g24 = 0x69(g21, g6, g23); g25 = 0x3c(g15, g24, g19); g26 = 0x96(g11, g17, g13); g27 = 0x6a(g5, g6, g26);
        g28 = 0x58(g27, g25, g22); g29 = 0x7c(g27, g28, g16); g30 = 0x4a(g25, g29, g16); g31 = 0xaf(g22, g24, g28);
        g32 = 0xcb(g31, g27, g30); g33 = 0x48(g7, g32, x2); g34 = 0x36(g32, g29, g33); g35 = 0xb2(g32, g28, g34);
        g36 = 0x8e(g35, g30, g16); g37 = 0x3c(g29, g36, g32); g38 = 0x28(g9, g20, g37); g39 = 0x72(g25, g31, g30);
        g40 = 0x2c(g36, g39, g31); g41 = 0x48(g5, g40, g10); g42 = 0x78(g41, g36, g5); g43 = 0x12(g32, g9, g39);
        g44 = 0x69(g43, g42, g38); g45 = 0x90(g36, g5, g6); g46 = 0x88(g31, g4, g34); g47 = 0x84(g46, g34, x6);
        g48 = 0xc0(g29, g3, g47); g49 = 0x96(g48, g47, g45); g50 = 0x3c(g38, g46, g30); g51 = 0x6a(g10, g39, g50);
        g52 = 0x3c(g40, g34, g51); g53 = 0x12(g37, g7, g52); g54 = 0x44(g13, g37, x5); g55 = 0x3c(g54, g53, g47);
        g56 = 0x66(g16, g55, g42); g57 = 0x6a(g40, g1, g56); g58 = 0x99(g39, g57, g49); g59 = 0x9a(g32, g0, g48);
        g60 = 0x78(g59, g2, g29); g61 = 0xa6(g20, g52, g60); g62 = 0x96(g61, g50, g56); g63 = 0x30(g39, x2, g58);
        g64 = 0x16(g63, g43, g33); g65 = 0x96(g57, g64, g56); g66 = 0x96(g65, g51, g59); g67 = 0x66(g64, g66, g41);
        g68 = 0x78(g33, g52, g8); g69 = 0x96(g42, g60, g41); g70 = 0x96(g69, g68, g53); g71 = 0x69(g51, g50, g70);
        g72 = 0x96(g61, g64, g45); g73 = 0x69(g46, g68, g54); g74 = 0x69(g65, g61, g55);
    }
    [g44, g58, g62, g67, g71, g72, g73, g74]
}

/// Swaps the low three bits of the position with the number of the bit in its byte, in each byte's eight planes.
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose_bits(state: &mut [Planes; 4]) {
    for planes in state.as_flattened_mut().as_chunks_mut::<8>().0 {
        for i in [0, 2, 4, 6] {
            swap_bits::<1, 0x55555555>(planes, i, i + 1);
        }
        for i in [0, 1, 4, 5] {
            swap_bits::<2, 0x33333333>(planes, i, i + 2);
        }
        for i in [0, 1, 2, 3] {
            swap_bits::<4, 0x0F0F0F0F>(planes, i, i + 4);
        }
    }
}

/// Exchanges the bits of `planes[low]` not in `MASK` with those of `planes[high]` that are, `SHIFT` away.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn swap_bits<const SHIFT: u32, const MASK: i32>(planes: &mut [V; 8], low: usize, high: usize) {
    let (a, b) = (planes[low], planes[high]);
    let mask = _mm512_set1_epi32(MASK);
    // 0xCA selects the second operand where the first is set, else the third.
    planes[low] = _mm512_ternarylogic_epi32::<0xCA>(mask, a, _mm512_slli_epi32::<SHIFT>(b));
    planes[high] = _mm512_ternarylogic_epi32::<0xCA>(mask, _mm512_srli_epi32::<SHIFT>(a), b);
}

/// The sixteen registers of blocks `64·q ..`, four blocks in each.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn transpose_bytes(state: &[Planes; 4], q: usize) -> [V; 16] {
    // Byte `m` of a block is byte `3 - m % 4` of word `m / 4` of the output, whose words are the last in reverse.
    let mut rows: [V; 16] = [_mm512_setzero_si512(); 16];
    for (m, row) in rows.iter_mut().enumerate() {
        *row = state[3 - m / 4][8 * (3 - m % 4) + q];
    }
    interleave(interleave(interleave(interleave(rows))))
}

/// One of the four perfect shuffles that transpose sixteen rows of sixteen bytes.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn interleave(rows: [V; 16]) -> [V; 16] {
    let mut out = rows;
    for i in 0..8 {
        out[2 * i] = _mm512_unpacklo_epi8(rows[i], rows[i + 8]);
        out[2 * i + 1] = _mm512_unpackhi_epi8(rows[i], rows[i + 8]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;

    #[target_feature(enable = "avx512f,avx512bw")]
    fn sbox_of_byte(value: u8) -> u8 {
        let mut planes = [_mm512_setzero_si512(); 8];
        for (plane, mask) in planes.iter_mut().zip(spread(u32::from(value))) {
            *plane = broadcast(mask);
        }
        let out = sbox(planes);
        (0..8).fold(0, |byte, bit| byte | (_mm512_cvtsi512_si32(out[bit]) as u8 & 1) << bit)
    }

    #[test]
    fn gates_are_the_definition() {
        if !std::is_x86_feature_detected!("avx512bw") {
            eprintln!("skipped: this CPU has no AVX-512");
            return;
        }
        for value in 0..=255 {
            // SAFETY: the CPU has AVX-512 F and BW.
            assert_eq!(unsafe { sbox_of_byte(value) }, definition::sbox(value), "S({value:#04x})");
        }
    }
}
