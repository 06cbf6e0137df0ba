//! AVX2 for CPUs whose AES instructions are 128 bits wide, and for those where they are 256 (VAES).
//!
//! The same steps as `aesni`, twice as wide; the two kernels differ in how `AESENCLAST` reaches both halves.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_aesenclast_si128, _mm_set1_epi32, _mm256_add_epi32, _mm256_aesenclast_epi128,
    _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_castsi128_si256, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_inserti128_si256, _mm256_loadu_si256, _mm256_set1_epi8, _mm256_set1_epi32,
    _mm256_setr_epi32, _mm256_shuffle_epi8, _mm256_srli_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi32,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};
use core::marker::PhantomData;
use core::mem::transmute;

use crate::basis::{AES_X, AES_Y, INTO, OUT_OF, OffsetKeys, nibbles};
use crate::kernel::wide::{self, SWAP_BYTES, Wide, by_intrinsics, rotate_and_unshift};

/// Groups of eight blocks in flight with AES on halves.
const AES_GROUPS: usize = 2;
/// Groups of eight blocks in flight with VAES.
const VAES_GROUPS: usize = 3;

/// XORs the key stream into `data`, with AES on 128-bit halves.
#[target_feature(enable = "aes,avx2")]
pub(crate) fn ctr(keys: &OffsetKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    // SAFETY: this function is compiled for, and so only called with, the instructions that `Ymm<Halves>` uses.
    unsafe { wide::ctr::<Ymm<Halves>, AES_GROUPS>(keys, nonce, counter, data) }
}

/// XORs the key stream into `data`, with VAES.
#[target_feature(enable = "vaes,avx2")]
pub(crate) fn ctr_vaes(keys: &OffsetKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    // SAFETY: this function is compiled for, and so only called with, the instructions that `Ymm<Whole>` uses.
    unsafe { wide::ctr::<Ymm<Whole>, VAES_GROUPS>(keys, nonce, counter, data) }
}

/// The last round of AES on both halves of a vector.
///
/// # Safety
/// The function may only be called where the CPU has the instructions of the implementation.
trait LastRound {
    unsafe fn last_round(v: __m256i, key: u32) -> __m256i;
}

struct Halves;

impl LastRound for Halves {
    by_intrinsics! {
        fn last_round(v: __m256i, key: u32) -> __m256i {
            let key = _mm_set1_epi32(key as i32);
            let low = _mm_aesenclast_si128(_mm256_castsi256_si128(v), key);
            let high = _mm_aesenclast_si128(_mm256_extracti128_si256::<1>(v), key);
            _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
        }
    }
}

struct Whole;

impl LastRound for Whole {
    by_intrinsics! {
        fn last_round(v: __m256i, key: u32) -> __m256i {
            _mm256_aesenclast_epi128(v, _mm256_set1_epi32(key as i32))
        }
    }
}

struct Ymm<A>(PhantomData<A>);

impl<A: LastRound> Wide for Ymm<A> {
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
            map(&const { nibbles(INTO) }, v)
        }
        fn out_of_basis(v: __m256i) -> __m256i {
            map(&const { nibbles(OUT_OF) }, v)
        }
        fn swap_bytes(v: __m256i) -> __m256i {
            _mm256_shuffle_epi8(v, both(&SWAP_BYTES))
        }
        fn round(a: __m256i, b: __m256i, c: __m256i, d: __m256i, key: u32) -> __m256i {
            let sum = _mm256_xor_si256(_mm256_xor_si256(b, c), d);
            let inverse = A::last_round(sum, key);
            let x = map(&const { nibbles(AES_X) }, inverse);
            let y = map(&const { nibbles(AES_Y) }, inverse);
            let low = _mm256_xor_si256(rotate::<0>(x), rotate::<1>(y));
            let high = _mm256_xor_si256(rotate::<2>(y), rotate::<3>(_mm256_xor_si256(x, y)));
            _mm256_xor_si256(_mm256_xor_si256(a, low), high)
        }
        fn transpose(words: [__m256i; 4]) -> [__m256i; 4] {
            transpose(words)
        }
        fn xor_into(data: *mut u8, v: __m256i) {
            _mm256_storeu_si256(data.cast(), _mm256_xor_si256(_mm256_loadu_si256(data.cast()), v))
        }
    }
}

/// Exchanges words and places within each lane.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub(super) unsafe fn transpose(words: [__m256i; 4]) -> [__m256i; 4] {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let (low0, high0) = (_mm256_unpacklo_epi32(words[0], words[1]), _mm256_unpackhi_epi32(words[0], words[1]));
        let (low1, high1) = (_mm256_unpacklo_epi32(words[2], words[3]), _mm256_unpackhi_epi32(words[2], words[3]));
        [
            _mm256_unpacklo_epi64(low0, low1),
            _mm256_unpackhi_epi64(low0, low1),
            _mm256_unpacklo_epi64(high0, high1),
            _mm256_unpackhi_epi64(high0, high1),
        ]
    }
}

/// `bytes` in both lanes.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub(super) unsafe fn both(bytes: &'static [u8; 16]) -> __m256i {
    // SAFETY: AVX2 is the caller's promise; a vector may hold any bytes.
    unsafe { _mm256_broadcastsi128_si256(transmute::<[u8; 16], __m128i>(*bytes)) }
}

/// A linear map of bytes by its nibble tables.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn map(tables: &'static [[u8; 16]; 2], v: __m256i) -> __m256i {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let mask = _mm256_set1_epi8(0x0F);
        let low = _mm256_and_si256(v, mask);
        let high = _mm256_and_si256(_mm256_srli_epi32::<4>(v), mask);
        _mm256_xor_si256(_mm256_shuffle_epi8(both(&tables[0]), low), _mm256_shuffle_epi8(both(&tables[1]), high))
    }
}

/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn rotate<const BYTES: usize>(v: __m256i) -> __m256i {
    // SAFETY: AVX2 is the caller's promise.
    unsafe { _mm256_shuffle_epi8(v, both(&const { rotate_and_unshift(BYTES) })) }
}
