//! GHASH with the carry-less multiplication of the CPU, 128 bits at a time (PCLMULQDQ) or 256 (VPCLMULQDQ).
//!
//! A block with its bytes reversed is an element of POLYVAL's field (RFC 8452, appendix A): modulo
//! x¹²⁸ + x¹²⁷ + x¹²⁶ + x¹²¹ + 1, bit `i` the coefficient of xⁱ, and the product is `a·b·x⁻¹²⁸`, whose reduction needs no
//! shift of the whole. GHASH under `H` is POLYVAL under `x·H`. Eight or sixteen blocks are multiplied by falling powers
//! of the key, their 256-bit products added, and the sum reduced once.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_extract_epi64, _mm_loadl_epi64, _mm_loadu_si128,
    _mm_set_epi8, _mm_set_epi64x, _mm_setzero_si128, _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_slli_si128,
    _mm_srli_si128, _mm_xor_si128, _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_clmulepi64_epi128,
    _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_xor_si256,
    _mm256_zextsi128_si256, _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_shuffle_epi8, _mm512_storeu_si512,
};

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Powers of the key, and so blocks of one reduction.
const POWERS: usize = 16;

/// The powers of the hash key, highest first, as little-endian integers.
#[derive(Zeroize, ZeroizeOnDrop)]
#[repr(align(64))]
pub(crate) struct Key {
    powers: [u128; POWERS],
    /// The sum of both halves of each power, for multiplication after Karatsuba.
    folded: [u64; POWERS],
}

impl Key {
    /// Computes the powers of `h`.
    #[target_feature(enable = "pclmulqdq,ssse3,sse4.1")]
    pub(crate) fn new(h: &[u8; 16]) -> Self {
        let key = times_x(u128::from_be_bytes(*h));
        let mut powers = [key; POWERS];
        for i in (0..POWERS - 1).rev() {
            powers[i] = integer(reduce(multiply(vector(powers[i + 1]), vector(key))));
        }
        Self { powers, folded: powers.map(|power| (power >> 64) as u64 ^ power as u64) }
    }
}

/// `x·h` in POLYVAL's field, without a branch.
fn times_x(h: u128) -> u128 {
    let carry = (h >> 127).wrapping_neg();
    h << 1 ^ carry & 0xC2000000000000000000000000000001
}

/// A product before reduction: its low, middle and high parts, 64 bits apart.
type Product = [__m128i; 3];

/// Defines `absorb`: adds `data`, padded with zeros to whole blocks, to `hash`.
macro_rules! absorb {
    ($name:ident, $features:literal) => {
        #[target_feature(enable = $features)]
        pub(crate) fn $name(key: &Key, hash: &mut [u8; 16], data: &[u8]) {
            let mut sum = vector(u128::from_be_bytes(*hash));
            let mut chunks = data.chunks_exact(16 * BLOCKS_128);
            for chunk in &mut chunks {
                let whole: &[[u8; 16]; BLOCKS_128] =
                    chunk.as_chunks::<16>().0.try_into().expect("a chunk is BLOCKS_128 blocks");
                sum = absorb_blocks(key, sum, whole);
            }
            let (blocks, tail) = chunks.remainder().as_chunks::<16>();
            if !blocks.is_empty() {
                sum = absorb_blocks(key, sum, blocks);
            }
            if !tail.is_empty() {
                let mut padded = [0; 16];
                padded[..tail.len()].copy_from_slice(tail);
                sum = absorb_blocks(key, sum, &[padded]);
            }
            *hash = integer(sum).to_be_bytes();
        }
    };
}

/// Blocks of one reduction with 128-bit vectors.
const BLOCKS_128: usize = 8;

absorb!(absorb_sse, "pclmulqdq,ssse3,sse4.1");
absorb!(absorb_avx, "pclmulqdq,avx");

/// Adds at most [`POWERS`] blocks to `sum`.
#[target_feature(enable = "pclmulqdq,ssse3,sse4.1")]
#[inline]
fn absorb_blocks(key: &Key, sum: __m128i, blocks: &[[u8; 16]]) -> __m128i {
    let powers = &key.powers[POWERS - blocks.len()..];
    let [mut low, mut middle, mut high] = [_mm_setzero_si128(); 3];
    let mut carried = sum;
    for (block, power) in blocks.iter().zip(powers) {
        let term = multiply(_mm_xor_si128(load_reversed(block), carried), vector(*power));
        low = _mm_xor_si128(low, term[0]);
        middle = _mm_xor_si128(middle, term[1]);
        high = _mm_xor_si128(high, term[2]);
        carried = _mm_setzero_si128();
    }
    reduce([low, middle, high])
}

/// Like `absorb_avx`, 16 blocks at a time in 256-bit vectors.
#[target_feature(enable = "vpclmulqdq,pclmulqdq,avx2")]
pub(crate) fn absorb_vpclmul(key: &Key, hash: &mut [u8; 16], data: &[u8]) {
    let mut chunks = data.chunks_exact(16 * POWERS);
    let mut sum = vector(u128::from_be_bytes(*hash));
    for chunk in &mut chunks {
        sum = absorb_pairs(key, sum, chunk.as_chunks::<32>().0);
    }
    *hash = integer(sum).to_be_bytes();
    if !chunks.remainder().is_empty() {
        absorb_avx(key, hash, chunks.remainder());
    }
}

/// Adds [`POWERS`] blocks to `sum`.
#[target_feature(enable = "vpclmulqdq,pclmulqdq,avx2")]
#[inline]
fn absorb_pairs(key: &Key, sum: __m128i, pairs: &[[u8; 32]]) -> __m128i {
    let mut carried = _mm256_zextsi128_si256(sum);
    let (mut low, mut middle, mut high) = (_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256());
    let reverse = _mm256_broadcastsi128_si256(reversal());
    for (pair, powers) in pairs.iter().zip(key.powers.as_chunks::<2>().0) {
        // SAFETY: both arrays are 32 bytes, and the loads are unaligned.
        let (blocks, powers) =
            unsafe { (_mm256_loadu_si256(pair.as_ptr().cast()), _mm256_loadu_si256(powers.as_ptr().cast())) };
        let blocks = _mm256_xor_si256(_mm256_shuffle_epi8(blocks, reverse), carried);
        carried = _mm256_setzero_si256();
        low = _mm256_xor_si256(low, _mm256_clmulepi64_epi128::<0x00>(blocks, powers));
        high = _mm256_xor_si256(high, _mm256_clmulepi64_epi128::<0x11>(blocks, powers));
        let cross = _mm256_clmulepi64_epi128::<0x01>(blocks, powers);
        middle = _mm256_xor_si256(middle, _mm256_xor_si256(cross, _mm256_clmulepi64_epi128::<0x10>(blocks, powers)));
    }
    reduce([halves(low), halves(middle), halves(high)])
}

/// The sum of both halves.
#[target_feature(enable = "avx2")]
#[inline]
fn halves(v: __m256i) -> __m128i {
    _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v))
}

/// From this many bytes on the clock is already the lower one of 512-bit work: a whole bitsliced batch.
const WIDE_PAYS: usize = 8192;

/// Like `absorb_avx`, with one 512-bit shuffle to reverse four blocks.
///
/// Shuffles and carry-less products share a port. So the reversed blocks go through memory, from where both halves of a
/// block load without a shuffle, and three products by Karatsuba take the place of four.
#[target_feature(enable = "avx512f,avx512bw,pclmulqdq,avx2")]
pub(crate) fn absorb_avx512(key: &Key, hash: &mut [u8; 16], data: &[u8]) {
    if data.len() < WIDE_PAYS {
        return absorb_avx(key, hash, data);
    }
    let mut chunks = data.chunks_exact(16 * POWERS);
    let mut sum = vector(u128::from_be_bytes(*hash));
    for chunk in &mut chunks {
        let mut blocks = reversed(chunk.as_chunks::<64>().0);
        // Else the compiler knows better and takes the way through the busy port.
        let blocks = core::hint::black_box(&mut blocks);
        sum = absorb_reversed(key, sum, &blocks.0);
    }
    *hash = integer(sum).to_be_bytes();
    if !chunks.remainder().is_empty() {
        absorb_avx(key, hash, chunks.remainder());
    }
}

/// [`POWERS`] blocks, each with its bytes reversed: its low half first.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn reversed(quads: &[[u8; 64]]) -> Reversed {
    let mut out = Reversed([[0; 2]; POWERS]);
    let reverse = _mm512_broadcast_i32x4(reversal());
    for (quad, out) in quads.iter().zip(out.0.as_chunks_mut::<4>().0) {
        // SAFETY: both arrays are 64 bytes, and the accesses are unaligned.
        unsafe {
            let blocks = _mm512_loadu_si512(quad.as_ptr().cast());
            _mm512_storeu_si512(out.as_mut_ptr().cast(), _mm512_shuffle_epi8(blocks, reverse));
        }
    }
    out
}

/// Reversed blocks, aligned so that no store is split.
#[repr(align(64))]
struct Reversed([[u64; 2]; POWERS]);

/// Adds [`POWERS`] reversed blocks to `sum`.
#[target_feature(enable = "avx2,pclmulqdq")]
#[inline]
fn absorb_reversed(key: &Key, sum: __m128i, blocks: &[[u64; 2]; POWERS]) -> __m128i {
    let [mut low, mut middle, mut high] = [_mm_setzero_si128(); 3];
    for (i, halves) in blocks.iter().enumerate() {
        // SAFETY: the first load is of the whole array of 16 bytes, the second of its upper 8.
        let (mut block, upper) =
            unsafe { (_mm_loadu_si128(halves.as_ptr().cast()), _mm_loadl_epi64((&raw const halves[1]).cast())) };
        let mut folded = _mm_xor_si128(block, upper);
        if i == 0 {
            block = _mm_xor_si128(block, sum);
            folded = _mm_xor_si128(block, _mm_srli_si128::<8>(block));
        }
        let power = vector(key.powers[i]);
        low = _mm_xor_si128(low, _mm_clmulepi64_si128::<0x00>(block, power));
        high = _mm_xor_si128(high, _mm_clmulepi64_si128::<0x11>(block, power));
        let fold = _mm_cvtsi64_si128(key.folded[i] as i64);
        middle = _mm_xor_si128(middle, _mm_clmulepi64_si128::<0x00>(folded, fold));
    }
    reduce([low, _mm_xor_si128(middle, _mm_xor_si128(low, high)), high])
}

#[target_feature(enable = "pclmulqdq,ssse3,sse4.1")]
#[inline]
fn multiply(a: __m128i, b: __m128i) -> Product {
    let cross = _mm_xor_si128(_mm_clmulepi64_si128::<0x01>(a, b), _mm_clmulepi64_si128::<0x10>(a, b));
    [_mm_clmulepi64_si128::<0x00>(a, b), cross, _mm_clmulepi64_si128::<0x11>(a, b)]
}

/// `product · x⁻¹²⁸`.
///
/// The low 64 bits `l` are cleared by adding `l` times the polynomial, which is 1 at the bottom: what is left of it is
/// `l·(x¹²⁸ + x⁶⁴·(x⁶³ + x⁶² + x⁵⁷))`. Twice, for the low 128 bits.
#[target_feature(enable = "pclmulqdq,ssse3,sse4.1")]
#[inline]
fn reduce([low, middle, high]: Product) -> __m128i {
    let polynomial = _mm_set_epi64x(0, 0xC200000000000000u64 as i64);
    let low = _mm_xor_si128(low, _mm_slli_si128::<8>(middle));
    let high = _mm_xor_si128(high, _mm_srli_si128::<8>(middle));
    let once = _mm_xor_si128(_mm_shuffle_epi32::<0x4E>(low), _mm_clmulepi64_si128::<0x00>(low, polynomial));
    let twice = _mm_xor_si128(_mm_shuffle_epi32::<0x4E>(once), _mm_clmulepi64_si128::<0x00>(once, polynomial));
    _mm_xor_si128(high, twice)
}

#[target_feature(enable = "pclmulqdq,ssse3,sse4.1")]
#[inline]
fn load_reversed(block: &[u8; 16]) -> __m128i {
    // SAFETY: the array is 16 bytes, and the load is unaligned.
    let block = unsafe { _mm_loadu_si128(block.as_ptr().cast()) };
    _mm_shuffle_epi8(block, reversal())
}

#[target_feature(enable = "sse2")]
#[inline]
fn reversal() -> __m128i {
    _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
}

#[target_feature(enable = "sse2")]
#[inline]
fn vector(integer: u128) -> __m128i {
    _mm_set_epi64x((integer >> 64) as i64, integer as i64)
}

#[target_feature(enable = "sse4.1")]
#[inline]
fn integer(vector: __m128i) -> u128 {
    u128::from(_mm_extract_epi64::<1>(vector) as u64) << 64 | u128::from(_mm_extract_epi64::<0>(vector) as u64)
}
