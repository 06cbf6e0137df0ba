//! Which block sits where, and the way from bit planes back to blocks.
//!
//! The place of a block is free to choose, since the counters are made in place. Position `p = 128·l + 8·k + q` (`l < 4`,
//! `k < 16`, `q < 8`) holds block `64·q + 4·k + l`: then three steps of bit swaps and four of byte interleaving leave four
//! consecutive blocks in one register.

use core::arch::x86_64::{
    __m512i as V, _mm512_set_epi64, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_slli_epi32, _mm512_srli_epi32, _mm512_ternarylogic_epi32, _mm512_unpackhi_epi8, _mm512_unpacklo_epi8,
};

use super::Planes;

/// Bit `i` of the number of the block at each position; see the module's text.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(super) fn block_number_bits() -> [V; 9] {
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

/// Swaps the low three bits of the position with the number of the bit in its byte, in each byte's eight planes.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn transpose_bits(state: &mut [Planes; 4]) {
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
pub(super) fn transpose_bytes(state: &[Planes; 4], q: usize) -> [V; 16] {
    // Byte `m` of a block is byte `3 - m % 4` of word `m / 4` of the output, whose words are the last in reverse.
    let [w0, w1, w2, w3] = state;
    let rows = [
        w3[24 + q],
        w3[16 + q],
        w3[8 + q],
        w3[q],
        w2[24 + q],
        w2[16 + q],
        w2[8 + q],
        w2[q],
        w1[24 + q],
        w1[16 + q],
        w1[8 + q],
        w1[q],
        w0[24 + q],
        w0[16 + q],
        w0[8 + q],
        w0[q],
    ];
    interleave(interleave(interleave(interleave(rows))))
}

/// One of the four perfect shuffles that transpose sixteen rows of sixteen bytes.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn interleave(rows: [V; 16]) -> [V; 16] {
    let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15] = rows;
    [
        _mm512_unpacklo_epi8(r0, r8),
        _mm512_unpackhi_epi8(r0, r8),
        _mm512_unpacklo_epi8(r1, r9),
        _mm512_unpackhi_epi8(r1, r9),
        _mm512_unpacklo_epi8(r2, r10),
        _mm512_unpackhi_epi8(r2, r10),
        _mm512_unpacklo_epi8(r3, r11),
        _mm512_unpackhi_epi8(r3, r11),
        _mm512_unpacklo_epi8(r4, r12),
        _mm512_unpackhi_epi8(r4, r12),
        _mm512_unpacklo_epi8(r5, r13),
        _mm512_unpackhi_epi8(r5, r13),
        _mm512_unpacklo_epi8(r6, r14),
        _mm512_unpackhi_epi8(r6, r14),
        _mm512_unpacklo_epi8(r7, r15),
        _mm512_unpackhi_epi8(r7, r15),
    ]
}
