//! The SM4 S-box as a circuit of XOR, AND and NOT: constant time on any machine, as wide as the word it runs on.
//!
//! The S-box is `S(x) = A·I(A·x + c) + c`: `A` is the circulant matrix whose row `i` is `0xA7` rotated left by `i`,
//! `c = 0xD3`, and `I` is inversion (with `I(0) = 0`) in GF(2⁸) modulo x⁸+x⁷+x⁶+x⁵+x⁴+x²+1.
//!
//! Inversion is cheap in a tower of quadratic extensions, each with a normal basis of trace one: GF(4) over `(W, W²)`,
//! GF(16) over `(Z, Z⁴)`, GF(256) over `(Y, Y¹⁶)`, here with `W = 0x5C`, `Z = 0x50`, `Y = 0xBE`. For
//! `g = g₁·Y¹⁶ + g₀·Y` with norm `Δ = ν·(g₁+g₀)² + g₁·g₀`, `ν = Y¹⁷`, the inverse is `Δ⁻¹·g₀·Y¹⁶ + Δ⁻¹·g₁·Y`.
//! A product in GF(16) is nine ANDs (Karatsuba twice) of nine linear forms of each operand, in the order
//! `a0, a1, a0+a1, a2, a3, a2+a3, a0+a2, a1+a3, a0+a1+a2+a3`. `A` and the change of basis are merged into the linear
//! layers at both ends, and each layer was shortened by merging the pair of terms that most of its rows share.
//! `(W, Z, Y)` is the choice of the 64 that gave the fewest gates. The tests compare all 256 values with the definition.

use core::ops::{BitAnd, BitXor, Not};

/// A word of lanes: bit `i` of every byte lives in one word, so one operation works on all lanes.
pub(crate) trait Lanes: Copy + BitAnd<Output = Self> + BitXor<Output = Self> + Not<Output = Self> {}
impl<T: Copy + BitAnd<Output = T> + BitXor<Output = T> + Not<Output = T>> Lanes for T {}

/// The S-box on bit planes; `x[i]` holds bit `i` (0 is the least significant) of every byte.
#[inline(always)]
pub(crate) fn sbox<T: Lanes>(mut x: [T; 8]) -> [T; 8] {
    // A⁻¹·c = 0x75, so A·x + c = A·(x + 0x75).
    for bit in [0, 2, 4, 5, 6] {
        x[bit] = !x[bit];
    }
    let (high, low, squares) = input_forms(x);
    let inverse = invert_gf16(norm(and9(high, low), squares));
    let forms = forms_gf16(inverse);
    let mut y = output(and9(forms, high), and9(forms, low));
    // c = 0xD3.
    for bit in [0, 1, 4, 6, 7] {
        y[bit] = !y[bit];
    }
    y
}

/// The nine forms of `g₁`, the nine of `g₀`, and the four bits of `ν·(g₁+g₀)²`.
#[inline(always)]
fn input_forms<T: Lanes>(x: [T; 8]) -> ([T; 9], [T; 9], [T; 4]) {
    let t0 = x[0] ^ x[6];
    let t1 = x[2] ^ x[5];
    let t2 = x[4] ^ t0;
    let t3 = x[7] ^ t1;
    let t4 = x[3] ^ t3;
    let t5 = x[1] ^ x[5];
    let t6 = x[1] ^ t0;
    let t7 = x[6] ^ x[7];
    let t8 = x[6] ^ t5;
    let t9 = x[1] ^ x[7];
    let t10 = x[3] ^ t7;
    let t11 = x[2] ^ x[4];
    let t12 = x[5] ^ t10;
    let t13 = x[2] ^ t2;
    let t14 = x[1] ^ t1;
    let t15 = x[2] ^ t6;
    let t16 = x[4] ^ t5;
    let t17 = x[2] ^ t7;
    let t18 = x[3] ^ t8;
    let t19 = x[6] ^ t11;
    let t20 = x[4] ^ t8;
    let t21 = x[5] ^ t2;
    let t22 = t1 ^ t6;
    let t23 = x[6] ^ t4;
    let t24 = x[3] ^ x[4];
    let t25 = x[4] ^ t4;
    let t26 = t2 ^ t9;
    ([t21, t6, t16, t2, x[2], t13, x[5], t15, t22], [t14, t19, t20, t9, t12, t18, t3, t25, t24], [t23, t26, t4, t17])
}

#[inline(always)]
fn and9<T: Lanes>(a: [T; 9], b: [T; 9]) -> [T; 9] {
    core::array::from_fn(|i| a[i] & b[i])
}

/// `Δ`, from the nine products of `g₁·g₀` and the square term.
#[inline(always)]
fn norm<T: Lanes>(p: [T; 9], s: [T; 4]) -> [T; 4] {
    let t0 = p[5] ^ p[6];
    let t1 = p[2] ^ p[6];
    let t2 = p[4] ^ s[3];
    let t3 = t0 ^ t2;
    let t4 = p[1] ^ p[8];
    let t5 = p[8] ^ t3;
    let t6 = s[1] ^ t4;
    let t7 = p[3] ^ s[2];
    let t8 = p[7] ^ t1;
    let t9 = p[0] ^ s[0];
    let t10 = t0 ^ t7;
    let t11 = t8 ^ t9;
    let t12 = t1 ^ t6;
    let t13 = p[7] ^ t10;
    [t11, t12, t13, t5]
}

/// `d⁻¹` in GF(16), by the same step one storey lower; inversion in GF(4) swaps the two coordinates.
#[inline(always)]
fn invert_gf16<T: Lanes>(d: [T; 4]) -> [T; 4] {
    let (sum_low, sum_high) = (d[0] ^ d[1], d[2] ^ d[3]);
    let q = [d[0] & d[2], d[1] & d[3], sum_low & sum_high];
    let t0 = d[1] ^ d[3];
    let t1 = q[2] ^ t0;
    let t2 = d[0] ^ t1;
    let t3 = q[1] ^ t1;
    let t4 = q[0] ^ t2;
    let t5 = d[2] ^ t4;
    let inverse = [t3, t5];
    let sum = inverse[0] ^ inverse[1];
    let times = |a0: T, a1: T, a_sum: T| {
        let shared = a_sum & sum;
        [(a0 & inverse[0]) ^ shared, (a1 & inverse[1]) ^ shared]
    };
    let [low0, low1] = times(d[2], d[3], sum_high);
    let [high0, high1] = times(d[0], d[1], sum_low);
    [low0, low1, high0, high1]
}

#[inline(always)]
fn forms_gf16<T: Lanes>(a: [T; 4]) -> [T; 9] {
    let (low, high) = (a[0] ^ a[1], a[2] ^ a[3]);
    [a[0], a[1], low, a[2], a[3], high, a[0] ^ a[2], a[1] ^ a[3], low ^ high]
}

/// `A` after the change of basis after the two products `Δ⁻¹·g₁` (`l`) and `Δ⁻¹·g₀` (`h`).
#[inline(always)]
fn output<T: Lanes>(l: [T; 9], h: [T; 9]) -> [T; 8] {
    let t0 = h[0] ^ h[1];
    let t1 = l[0] ^ t0;
    let t2 = l[7] ^ h[3];
    let t3 = l[4] ^ h[7];
    let t4 = h[8] ^ t1;
    let t5 = h[5] ^ h[6];
    let t6 = l[1] ^ t3;
    let t7 = t4 ^ t6;
    let t8 = l[5] ^ l[6];
    let t9 = l[2] ^ l[6];
    let t10 = l[1] ^ l[8];
    let t11 = h[4] ^ t5;
    let t12 = l[5] ^ t11;
    let t13 = l[3] ^ h[5];
    let t14 = l[2] ^ t0;
    let t15 = t5 ^ t9;
    let t16 = h[4] ^ t10;
    let t17 = h[0] ^ h[2];
    let t18 = t2 ^ t16;
    let t19 = t2 ^ t15;
    let t20 = l[7] ^ t8;
    let t21 = t2 ^ t17;
    let t22 = t9 ^ t10;
    let t23 = t12 ^ t14;
    let t24 = t1 ^ t18;
    let t25 = t7 ^ t20;
    let t26 = t8 ^ t21;
    let t27 = t13 ^ t26;
    let t28 = h[3] ^ h[7];
    let t29 = l[3] ^ t7;
    let t30 = t4 ^ t19;
    let t31 = t5 ^ t28;
    let t32 = t6 ^ t23;
    [t31, t27, t30, t32, t24, t29, t22, t25]
}

#[cfg(test)]
mod tests {
    use super::sbox;
    use crate::definition;

    #[test]
    fn circuit_is_the_definition() {
        for value in 0..=255u8 {
            let planes: [u8; 8] = core::array::from_fn(|bit| value >> bit & 1);
            let out = sbox(planes);
            let byte = (0..8).fold(0, |byte, bit| byte | (out[bit] & 1) << bit);
            assert_eq!(byte, definition::sbox(value), "S({value:#04x})");
        }
    }
}
