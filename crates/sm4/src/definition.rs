//! The S-box as GB/T 32907 defines it algebraically: slow and plain, for the tests that check every kernel's constants.

/// The field's reduction polynomial, x⁸+x⁷+x⁶+x⁵+x⁴+x²+1.
const POLYNOMIAL: u16 = 0x1F5;

/// `S(x) = A·I(A·x + c) + c`.
pub(crate) fn sbox(x: u8) -> u8 {
    affine(invert(affine(x)))
}

/// `A·x + c`: row `i` of `A` is `0xA7` rotated left by `i`; `c = 0xD3`.
pub(crate) fn affine(x: u8) -> u8 {
    let linear = (0..8).fold(0, |out, i| out | ((0xA7u8.rotate_left(i) & x).count_ones() as u8 & 1) << i);
    linear ^ 0xD3
}

fn invert(x: u8) -> u8 {
    // x²⁵⁴ = x⁻¹, and 0 for 0.
    (0..254).fold(1, |power, _| multiply(power, x, POLYNOMIAL))
}

/// The product in GF(2⁸) modulo `polynomial`.
pub(crate) fn multiply(a: u8, b: u8, polynomial: u16) -> u8 {
    let mut shifted = u16::from(a);
    let mut product = 0;
    for bit in 0..8 {
        if b >> bit & 1 == 1 {
            product ^= shifted;
        }
        shifted <<= 1;
        if shifted & 0x100 != 0 {
            shifted ^= polynomial;
        }
    }
    product as u8
}

#[cfg(test)]
mod tests {
    /// The first row of the table printed in GB/T 32907.
    #[test]
    fn first_row_of_the_standard() {
        let row: [u8; 16] = core::array::from_fn(|x| super::sbox(x as u8));
        let printed = [0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb, 0x2c, 0x05];
        assert_eq!(row, printed);
    }
}
