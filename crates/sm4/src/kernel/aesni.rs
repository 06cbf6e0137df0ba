//! AES-NI on 128-bit vectors: for CPUs with AES-NI, SSSE3 and SSE4.1, which is every x86 server since 2010.
//!
//! The method is that of `basis`: `AESENCLAST` for the inversion, two nibble lookups for each of the byte maps X and Y,
//! and four shuffles that rotate by whole bytes and undo ShiftRows at the same time.

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_aesenclast_si128, _mm_and_si128, _mm_loadu_si128, _mm_set1_epi8, _mm_set1_epi32,
    _mm_setr_epi32, _mm_shuffle_epi8, _mm_srli_epi32, _mm_storeu_si128, _mm_unpackhi_epi32, _mm_unpackhi_epi64,
    _mm_unpacklo_epi32, _mm_unpacklo_epi64, _mm_xor_si128,
};
use core::mem::transmute;

use crate::basis::{AES_X, AES_Y, INTO, OUT_OF, OffsetKeys, nibbles};
use crate::kernel::wide::{self, SWAP_BYTES, Wide, by_intrinsics, rotate_and_unshift};

/// Groups of four blocks in flight.
const GROUPS: usize = 4;

/// XORs the key stream into `data`.
#[target_feature(enable = "aes,ssse3,sse4.1")]
pub(crate) fn ctr(keys: &OffsetKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    // SAFETY: this function is compiled for, and so only called with, the instructions that `Xmm` uses.
    unsafe { wide::ctr::<Xmm, GROUPS>(keys, nonce, counter, data) }
}

struct Xmm;

impl Wide for Xmm {
    type V = __m128i;
    const BLOCKS: usize = 4;

    by_intrinsics! {
        fn splat(word: u32) -> __m128i {
            _mm_set1_epi32(word as i32)
        }
        fn counters(first: u32) -> __m128i {
            _mm_add_epi32(_mm_set1_epi32(first as i32), _mm_setr_epi32(0, 1, 2, 3))
        }
        fn xor(a: __m128i, b: __m128i) -> __m128i {
            _mm_xor_si128(a, b)
        }
        fn into_basis(v: __m128i) -> __m128i {
            map(&const { nibbles(INTO) }, v)
        }
        fn out_of_basis(v: __m128i) -> __m128i {
            map(&const { nibbles(OUT_OF) }, v)
        }
        fn swap_bytes(v: __m128i) -> __m128i {
            _mm_shuffle_epi8(v, transmute::<[u8; 16], __m128i>(SWAP_BYTES))
        }
        fn round(a: __m128i, b: __m128i, c: __m128i, d: __m128i, key: u32) -> __m128i {
            let sum = _mm_xor_si128(_mm_xor_si128(b, c), d);
            let inverse = _mm_aesenclast_si128(sum, _mm_set1_epi32(key as i32));
            let x = map(&const { nibbles(AES_X) }, inverse);
            let y = map(&const { nibbles(AES_Y) }, inverse);
            let low = _mm_xor_si128(rotate::<0>(x), rotate::<1>(y));
            let high = _mm_xor_si128(rotate::<2>(y), rotate::<3>(_mm_xor_si128(x, y)));
            _mm_xor_si128(_mm_xor_si128(a, low), high)
        }
        fn transpose(words: [__m128i; 4]) -> [__m128i; 4] {
            let (low0, high0) = (_mm_unpacklo_epi32(words[0], words[1]), _mm_unpackhi_epi32(words[0], words[1]));
            let (low1, high1) = (_mm_unpacklo_epi32(words[2], words[3]), _mm_unpackhi_epi32(words[2], words[3]));
            [
                _mm_unpacklo_epi64(low0, low1),
                _mm_unpackhi_epi64(low0, low1),
                _mm_unpacklo_epi64(high0, high1),
                _mm_unpackhi_epi64(high0, high1),
            ]
        }
        fn xor_into(data: *mut u8, v: __m128i) {
            _mm_storeu_si128(data.cast(), _mm_xor_si128(_mm_loadu_si128(data.cast()), v))
        }
    }
}

/// A linear map of bytes by its nibble tables.
///
/// # Safety
/// The CPU has SSSE3.
#[inline(always)]
unsafe fn map(tables: &'static [[u8; 16]; 2], v: __m128i) -> __m128i {
    // SAFETY: SSSE3 is the caller's promise; a vector may hold any bytes.
    unsafe {
        let mask = _mm_set1_epi8(0x0F);
        let low = _mm_and_si128(v, mask);
        let high = _mm_and_si128(_mm_srli_epi32::<4>(v), mask);
        let low_table = transmute::<[u8; 16], __m128i>(tables[0]);
        let high_table = transmute::<[u8; 16], __m128i>(tables[1]);
        _mm_xor_si128(_mm_shuffle_epi8(low_table, low), _mm_shuffle_epi8(high_table, high))
    }
}

/// # Safety
/// The CPU has SSSE3.
#[inline(always)]
unsafe fn rotate<const BYTES: usize>(v: __m128i) -> __m128i {
    // SAFETY: SSSE3 is the caller's promise; a vector may hold any bytes.
    unsafe { _mm_shuffle_epi8(v, transmute::<[u8; 16], __m128i>(const { rotate_and_unshift(BYTES) })) }
}
