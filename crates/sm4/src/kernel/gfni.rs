//! GFNI: one instruction inverts in the AES field and maps linearly, for CPUs from Ice Lake, Alder Lake and Zen 4 on.
//!
//! In the basis of the state (see `basis`) `GF2P8AFFINEINVQB` is the S-box and the byte map X, and a second one the S-box
//! and Y; rotations by whole bytes make L of the two. No row is shifted, so they are plain rotations.

use core::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm256_add_epi32, _mm256_gf2p8affine_epi64_epi8, _mm256_gf2p8affineinv_epi64_epi8,
    _mm256_loadu_si256, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi32, _mm256_shuffle_epi8,
    _mm256_storeu_si256, _mm256_xor_si256, _mm512_add_epi32, _mm512_broadcast_i32x4, _mm512_gf2p8affine_epi64_epi8,
    _mm512_gf2p8affineinv_epi64_epi8, _mm512_loadu_si512, _mm512_rol_epi32, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_setr_epi32, _mm512_shuffle_epi8, _mm512_storeu_si512, _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
};
use core::mem::transmute;

use crate::basis::{GFNI_X, GFNI_Y, INTO, OUT_OF, OffsetKeys, gfni_operand};
use crate::kernel::avx2;
use crate::kernel::wide::{self, SWAP_BYTES, Wide, by_intrinsics};

/// Groups in flight.
const GROUPS: usize = 4;
/// Of the wider vectors, with twice the registers.
const GROUPS_512: usize = 4;

/// XORs the key stream into `data`, 256 bits wide.
#[target_feature(enable = "gfni,avx2")]
pub(crate) fn ctr(keys: &OffsetKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    // SAFETY: this function is compiled for, and so only called with, the instructions that `Ymm` uses.
    unsafe { wide::ctr::<Ymm, GROUPS>(keys, nonce, counter, data) }
}

/// XORs the key stream into `data`, 512 bits wide.
#[target_feature(enable = "gfni,avx512f,avx512bw")]
pub(crate) fn ctr_512(keys: &OffsetKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    // SAFETY: this function is compiled for, and so only called with, the instructions that `Zmm` uses.
    unsafe { wide::ctr::<Zmm, GROUPS_512>(keys, nonce, counter, data) }
}

/// Moves each byte of a word up by one place; applied twice, by two.
const ROTATE_1: [u8; 16] = [3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14];
const ROTATE_2: [u8; 16] = [2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13];

struct Ymm;

impl Wide for Ymm {
    type V = __m256i;
    const BLOCKS: usize = 8;

    by_intrinsics! {
        fn splat(word: u32) -> __m256i {
            _mm256_set1_epi32(word as i32)
        }
        fn counters(first: u32) -> __m256i {
            _mm256_add_epi32(_mm256_set1_epi32(first as i32), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7))
        }
        fn xor(a: __m256i, b: __m256i) -> __m256i {
            _mm256_xor_si256(a, b)
        }
        fn into_basis(v: __m256i) -> __m256i {
            _mm256_gf2p8affine_epi64_epi8::<0>(v, _mm256_set1_epi64x(const { gfni_operand(INTO) as i64 }))
        }
        fn out_of_basis(v: __m256i) -> __m256i {
            _mm256_gf2p8affine_epi64_epi8::<0>(v, _mm256_set1_epi64x(const { gfni_operand(OUT_OF) as i64 }))
        }
        fn swap_bytes(v: __m256i) -> __m256i {
            _mm256_shuffle_epi8(v, avx2::both(&SWAP_BYTES))
        }
        fn round(a: __m256i, b: __m256i, c: __m256i, d: __m256i, key: u32) -> __m256i {
            let sum = _mm256_xor_si256(_mm256_xor_si256(b, c), d);
            let x = _mm256_gf2p8affineinv_epi64_epi8::<0>(sum, _mm256_set1_epi64x(const { gfni_operand(GFNI_X) as i64 }));
            let y = _mm256_gf2p8affineinv_epi64_epi8::<0>(sum, _mm256_set1_epi64x(const { gfni_operand(GFNI_Y) as i64 }));
            // X + (Y ⋘ 1) + (Y ⋘ 2) + ((X+Y) ⋘ 3), in bytes.
            let one = avx2::both(&ROTATE_1);
            let three = _mm256_shuffle_epi8(_mm256_xor_si256(x, y), one);
            let high = _mm256_shuffle_epi8(_mm256_xor_si256(y, three), avx2::both(&ROTATE_2));
            let low = _mm256_xor_si256(x, _mm256_shuffle_epi8(y, one));
            let kept = _mm256_xor_si256(a, _mm256_set1_epi32(key as i32));
            _mm256_xor_si256(_mm256_xor_si256(kept, low), high)
        }
        fn transpose(words: [__m256i; 4]) -> [__m256i; 4] {
            avx2::transpose(words)
        }
        fn xor_into(data: *mut u8, v: __m256i) {
            _mm256_storeu_si256(data.cast(), _mm256_xor_si256(_mm256_loadu_si256(data.cast()), v))
        }
    }
}

struct Zmm;

impl Wide for Zmm {
    type V = __m512i;
    const BLOCKS: usize = 16;

    by_intrinsics! {
        fn splat(word: u32) -> __m512i {
            _mm512_set1_epi32(word as i32)
        }
        fn counters(first: u32) -> __m512i {
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            _mm512_add_epi32(_mm512_set1_epi32(first as i32), order)
        }
        fn xor(a: __m512i, b: __m512i) -> __m512i {
            _mm512_xor_si512(a, b)
        }
        fn into_basis(v: __m512i) -> __m512i {
            _mm512_gf2p8affine_epi64_epi8::<0>(v, _mm512_set1_epi64(const { gfni_operand(INTO) as i64 }))
        }
        fn out_of_basis(v: __m512i) -> __m512i {
            _mm512_gf2p8affine_epi64_epi8::<0>(v, _mm512_set1_epi64(const { gfni_operand(OUT_OF) as i64 }))
        }
        fn swap_bytes(v: __m512i) -> __m512i {
            _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(transmute::<[u8; 16], __m128i>(SWAP_BYTES)))
        }
        fn round(a: __m512i, b: __m512i, c: __m512i, d: __m512i, key: u32) -> __m512i {
            let sum = _mm512_ternarylogic_epi32::<0x96>(b, c, d);
            let x = _mm512_gf2p8affineinv_epi64_epi8::<0>(sum, _mm512_set1_epi64(const { gfni_operand(GFNI_X) as i64 }));
            let y = _mm512_gf2p8affineinv_epi64_epi8::<0>(sum, _mm512_set1_epi64(const { gfni_operand(GFNI_Y) as i64 }));
            let three = _mm512_rol_epi32::<8>(_mm512_xor_si512(x, y));
            let high = _mm512_rol_epi32::<16>(_mm512_xor_si512(y, three));
            let kept = _mm512_ternarylogic_epi32::<0x96>(a, x, _mm512_set1_epi32(key as i32));
            _mm512_ternarylogic_epi32::<0x96>(kept, _mm512_rol_epi32::<8>(y), high)
        }
        fn transpose(words: [__m512i; 4]) -> [__m512i; 4] {
            let (low0, high0) = (_mm512_unpacklo_epi32(words[0], words[1]), _mm512_unpackhi_epi32(words[0], words[1]));
            let (low1, high1) = (_mm512_unpacklo_epi32(words[2], words[3]), _mm512_unpackhi_epi32(words[2], words[3]));
            [
                _mm512_unpacklo_epi64(low0, low1),
                _mm512_unpackhi_epi64(low0, low1),
                _mm512_unpacklo_epi64(high0, high1),
                _mm512_unpackhi_epi64(high0, high1),
            ]
        }
        fn xor_into(data: *mut u8, v: __m512i) {
            _mm512_storeu_si512(data.cast(), _mm512_xor_si512(_mm512_loadu_si512(data.cast()), v))
        }
    }
}
