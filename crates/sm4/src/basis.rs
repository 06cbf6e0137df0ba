//! SM4 seen from the AES field: the constants by which AES instructions, or GFNI's, compute the SM4 S-box.
//!
//! All fields of 256 elements are the same, so there is a linear map φ from SM4's field to the AES field that keeps
//! products. With `S(x) = A·I(A·x + c) + c` (see `circuit`) and φ∘I = I∘φ, the state is kept as `τ·x`, `τ = φ·A`, in
//! every byte: a linear change that XOR does not notice. Then `I(τ·x + φ·c)` is the inversion that the machine has.
//!
//! `AESENCLAST` gives `M·I(u) + 0x63` (and shifts rows, and XORs an operand), GFNI gives any `N·I(u)`. Behind it come
//! the rest of S, the linear transform L, and τ again. L = 1 + ⋘2 + ⋘10 + ⋘18 + ⋘24 on a word of bytes b₀ (low) … b₃ is
//! `X·b_k + Y·(b_{k-1} + b_{k-2}) + (X+Y)·b_{k-3}` in byte k, with `X·b = b + (b ≪ 2)` and `Y·b = b ⋘ 2`: two byte maps,
//! then whole-byte rotations.
//!
//! The round keys cost nothing: word i of the state is kept with an offset cᵢ, such that
//! `cᵢ₊₁ + cᵢ₊₂ + cᵢ₊₃ = τ·rkᵢ + φ·c`, so the sum of the three words is already the input of the inversion. What is
//! left, `cᵢ + cᵢ₊₄` and the constants of S behind L, is one word a round: the XOR operand of `AESENCLAST` after the
//! inverse of the byte maps, or one more operand of the last XORs.
//!
//! Everything here is computed by the compiler from the definitions.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::schedule::{RoundKeys, diffuse};

/// A linear map of bytes; entry `i` is the image of bit `i`.
pub(crate) type Matrix = [u8; 8];

const SM4_POLYNOMIAL: u16 = 0x1F5;
const AES_POLYNOMIAL: u16 = 0x11B;
/// The constant `c` of the SM4 S-box.
const C: u8 = 0xD3;
/// The constant of the AES S-box.
const AES_C: u8 = 0x63;

/// `A` of the SM4 S-box: row `i` is `0xA7` rotated left by `i`.
const A: Matrix = circulant(0xA7);
/// `M` of the AES S-box: row `i` is `0xF1` rotated left by `i`.
const M: Matrix = circulant(0xF1);
/// φ: xⁱ goes to the i-th power of a root of SM4's polynomial in the AES field.
const PHI: Matrix = isomorphism();
const IDENTITY: Matrix = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80];
const X: Matrix = [0x05, 0x0A, 0x14, 0x28, 0x50, 0xA0, 0x40, 0x80];
const Y: Matrix = [0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x01, 0x02];

/// τ, into the basis of the state.
pub(crate) const INTO: Matrix = compose(PHI, A);
/// τ⁻¹, back to plain bytes.
pub(crate) const OUT_OF: Matrix = invert(INTO);

/// From the AES field's inverse to the linear part of S.
const AFTER_INVERSE: Matrix = compose(A, invert(PHI));
/// From the output of the AES S-box to the linear part of S.
const AFTER_AES: Matrix = compose(AFTER_INVERSE, invert(M));

/// `X` and `Y` behind `AESENCLAST`, ending in the basis of the state.
pub(crate) const AES_X: Matrix = compose(INTO, compose(X, AFTER_AES));
pub(crate) const AES_Y: Matrix = compose(INTO, compose(Y, AFTER_AES));
/// `X` and `Y` behind the bare inverse, ending in the basis of the state.
pub(crate) const GFNI_X: Matrix = compose(INTO, compose(X, AFTER_INVERSE));
pub(crate) const GFNI_Y: Matrix = compose(INTO, compose(Y, AFTER_INVERSE));

/// What the wide kernels need of a key.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct OffsetKeys {
    /// The word that each round XORs.
    pub(crate) rounds: [u32; 32],
    /// The offset c₃ of the fourth input word; the other three have none.
    pub(crate) first: u32,
    /// The plain offsets τ⁻¹·c of the output, in the order of its words.
    pub(crate) last: [u32; 4],
}

impl OffsetKeys {
    /// For kernels that XOR the round word through `AESENCLAST`.
    pub(crate) fn for_aes(keys: &RoundKeys) -> Self {
        let constant = apply(AFTER_AES, AES_C) ^ C;
        let mut offsets = Self::for_constant(keys, constant);
        for word in &mut offsets.rounds {
            // Undo τ, then L, then the linear part of S.
            *word = map(invert(AFTER_AES), undiffuse(map(OUT_OF, *word)));
        }
        offsets
    }

    /// For kernels that XOR the round word into the next state.
    pub(crate) fn for_gfni(keys: &RoundKeys) -> Self {
        Self::for_constant(keys, C)
    }

    /// For kernels that compute the whole S-box on plain bytes.
    pub(crate) fn plain(keys: &RoundKeys) -> Self {
        Self::from_inputs(keys.0.iter().copied(), 0, IDENTITY)
    }

    fn for_constant(keys: &RoundKeys, constant: u8) -> Self {
        let inputs = keys.0.iter().map(|key| map(INTO, *key) ^ splat(apply(PHI, C)));
        Self::from_inputs(inputs, map(INTO, diffuse(splat(constant))), OUT_OF)
    }

    /// `behind` is what a round adds besides; `out_of` leads the offsets of the output back to plain bytes.
    fn from_inputs(inputs: impl Iterator<Item = u32>, behind: u32, out_of: Matrix) -> Self {
        let mut offsets = [0; 36];
        for (i, input) in inputs.enumerate() {
            offsets[i + 3] = input ^ offsets[i + 1] ^ offsets[i + 2];
        }
        let result = Self {
            rounds: core::array::from_fn(|i| offsets[i] ^ offsets[i + 4] ^ behind),
            first: offsets[3],
            last: core::array::from_fn(|i| map(out_of, offsets[35 - i])),
        };
        offsets.zeroize();
        result
    }
}

/// `matrix` on each byte of `word`, in constant time.
pub(crate) const fn map(matrix: Matrix, word: u32) -> u32 {
    let mut out = 0;
    let mut bit = 0;
    while bit < 8 {
        // A byte of ones wherever the bit is set.
        let mask = (word >> bit & 0x01010101).wrapping_mul(0xFF);
        out ^= mask & splat(matrix[bit]);
        bit += 1;
    }
    out
}

/// The sixteen images of the low nibble, then of the high nibble: the tables of a `PSHUFB` lookup.
pub(crate) const fn nibbles(matrix: Matrix) -> [[u8; 16]; 2] {
    let mut tables = [[0; 16]; 2];
    let mut i = 0;
    while i < 16 {
        tables[0][i] = apply(matrix, i as u8);
        tables[1][i] = apply(matrix, (i as u8) << 4);
        i += 1;
    }
    tables
}

/// The operand of `GF2P8AFFINEQB`: row `i` of the matrix is byte `7 - i`.
pub(crate) const fn gfni_operand(matrix: Matrix) -> u64 {
    let mut operand = 0;
    let mut row = 0;
    while row < 8 {
        let mut column = 0;
        while column < 8 {
            operand |= ((matrix[column] >> row & 1) as u64) << (8 * (7 - row) + column);
            column += 1;
        }
        row += 1;
    }
    operand
}

/// The inverse of L. As a polynomial in the rotation ρ, L = 1+ρ²+ρ¹⁰+ρ¹⁸+ρ²⁴ and L³² = 1, so L⁻¹ = L·L²·L⁴·L⁸·L¹⁶, where
/// squaring doubles the exponents modulo 32: L² = 1+ρ¹⁶+ρ²⁰, L⁴ = ρ⁸, L⁸ = ρ¹⁶, L¹⁶ = 1.
fn undiffuse(word: u32) -> u32 {
    diffuse(word ^ word.rotate_left(16) ^ word.rotate_left(20)).rotate_left(24)
}

const fn splat(byte: u8) -> u32 {
    byte as u32 * 0x01010101
}

const fn apply(matrix: Matrix, byte: u8) -> u8 {
    map(matrix, byte as u32) as u8
}

/// `a` after `b`.
const fn compose(a: Matrix, b: Matrix) -> Matrix {
    let mut out = [0; 8];
    let mut bit = 0;
    while bit < 8 {
        out[bit] = apply(a, b[bit]);
        bit += 1;
    }
    out
}

const fn invert(matrix: Matrix) -> Matrix {
    let mut out = [0; 8];
    let mut byte = 0;
    while byte < 256 {
        let image = apply(matrix, byte as u8);
        if image.is_power_of_two() {
            out[image.trailing_zeros() as usize] = byte as u8;
        }
        byte += 1;
    }
    out
}

/// The circulant matrix whose row `i` is `row` rotated left by `i`.
const fn circulant(row: u8) -> Matrix {
    let mut out = [0; 8];
    let mut i = 0;
    while i < 8 {
        let rotated = row.rotate_left(i);
        let mut column = 0;
        while column < 8 {
            out[column] |= (rotated >> column & 1) << i;
            column += 1;
        }
        i += 1;
    }
    out
}

const fn isomorphism() -> Matrix {
    let mut root = 2;
    while evaluate(root) != 0 {
        root += 1;
    }
    powers(root)
}

/// SM4's polynomial at `root`, in the AES field.
const fn evaluate(root: u8) -> u8 {
    let powers = powers(root);
    let mut sum = multiply(powers[7], root);
    let mut i = 0;
    while i < 8 {
        if SM4_POLYNOMIAL >> i & 1 == 1 {
            sum ^= powers[i];
        }
        i += 1;
    }
    sum
}

const fn powers(root: u8) -> [u8; 8] {
    let mut powers = [1; 8];
    let mut i = 1;
    while i < 8 {
        powers[i] = multiply(powers[i - 1], root);
        i += 1;
    }
    powers
}

/// The product in the AES field.
const fn multiply(a: u8, b: u8) -> u8 {
    let mut shifted = a as u16;
    let mut product = 0;
    let mut bit = 0;
    while bit < 8 {
        if b >> bit & 1 == 1 {
            product ^= shifted;
        }
        shifted <<= 1;
        if shifted & 0x100 != 0 {
            shifted ^= AES_POLYNOMIAL;
        }
        bit += 1;
    }
    product as u8
}

#[cfg(test)]
mod tests {
    use super::{
        AES_C, AES_X, AES_Y, AFTER_AES, AFTER_INVERSE, C, GFNI_X, GFNI_Y, INTO, M, OUT_OF, OffsetKeys, PHI, RoundKeys,
        X, Y, apply, diffuse, gfni_operand, map, multiply, undiffuse,
    };
    use crate::{definition, kernel::portable};

    fn inverse(x: u8) -> u8 {
        (0..254).fold(1, |power, _| multiply(power, x))
    }

    /// The AES S-box, checked at values printed in FIPS 197, figure 7.
    fn aes_sbox(x: u8) -> u8 {
        apply(M, inverse(x)) ^ AES_C
    }

    #[test]
    fn aes_matrix_is_the_one_of_fips_197() {
        assert_eq!([0x00, 0x01, 0x53, 0xff].map(aes_sbox), [0x63, 0x7c, 0xed, 0x16]);
    }

    #[test]
    fn both_ways_through_the_aes_field_give_the_sm4_sbox() {
        for x in 0..=255 {
            let input = apply(INTO, x) ^ apply(PHI, C);
            let by_aes = apply(AFTER_AES, aes_sbox(input) ^ AES_C) ^ C;
            let by_inverse = apply(AFTER_INVERSE, inverse(input)) ^ C;
            assert_eq!((by_aes, by_inverse), (definition::sbox(x), definition::sbox(x)));
        }
    }

    #[test]
    fn byte_maps_and_rotations_are_the_linear_transform() {
        for word in [1, 0x80, 0x8000, 0x0123_4567, 0xfedc_ba98] {
            let (x, y) = (map(X, word), map(Y, word));
            let out = x ^ y.rotate_left(8) ^ y.rotate_left(16) ^ (x ^ y).rotate_left(24);
            assert_eq!(out, diffuse(word));
            assert_eq!(undiffuse(out), word);
        }
    }

    /// `GF2P8AFFINEINVQB` on a byte, as Intel's manual defines it: bit `i` is the parity of the inverse with byte `7 - i`.
    fn affine_inverse(operand: u64, x: u8) -> u8 {
        let rows = operand.to_le_bytes();
        (0..8).fold(0, |out, i| out | ((rows[7 - i] & inverse(x)).count_ones() as u8 & 1) << i)
    }

    fn each_byte(word: u32, f: impl Fn(u8) -> u8) -> u32 {
        u32::from_le_bytes(word.to_le_bytes().map(f))
    }

    /// Encrypts in the basis of the state, given the two byte maps behind the inversion and where the key enters.
    fn encrypt(keys: &OffsetKeys, round: impl Fn(u32, u32) -> (u32, u32, u32), block: &mut [u8; 16]) {
        let mut state = portable::load(block).map(|word| map(INTO, word));
        state[3] ^= keys.first;
        for key in keys.rounds {
            let [a, b, c, d] = state;
            let (x, y, kept) = round(b ^ c ^ d, key);
            state = [b, c, d, a ^ kept ^ x ^ y.rotate_left(8) ^ y.rotate_left(16) ^ (x ^ y).rotate_left(24)];
        }
        let [a, b, c, d] = state.map(|word| map(OUT_OF, word));
        let offsets = keys.last;
        let words = [d ^ offsets[0], c ^ offsets[1], b ^ offsets[2], a ^ offsets[3]];
        *block = portable::store(words);
    }

    /// What the vector kernels compute, with the instructions modelled: also those that this CPU does not have.
    #[test]
    fn models_of_the_instructions_encrypt_like_the_portable_kernel() {
        let keys = RoundKeys::new(&[0x3C; 16]);
        for seed in 0..50u8 {
            let plain: [u8; 16] = core::array::from_fn(|i| seed.wrapping_mul(37) ^ (i as u8).wrapping_mul(91));
            let mut expected = plain;
            portable::crypt_block(keys.0.iter(), &mut expected);
            let mut by_aes = plain;
            let aes = |sum, key| {
                let output = each_byte(sum, aes_sbox) ^ key;
                (map(AES_X, output), map(AES_Y, output), 0)
            };
            encrypt(&OffsetKeys::for_aes(&keys), aes, &mut by_aes);
            assert_eq!(by_aes, expected);
            let mut by_gfni = plain;
            let gfni = |sum, key| {
                let [x, y] = [GFNI_X, GFNI_Y].map(|matrix| each_byte(sum, |x| affine_inverse(gfni_operand(matrix), x)));
                (x, y, key)
            };
            encrypt(&OffsetKeys::for_gfni(&keys), gfni, &mut by_gfni);
            assert_eq!(by_gfni, expected);
        }
    }
}
