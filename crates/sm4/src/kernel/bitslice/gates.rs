//! The S-box in gates of three inputs.

use core::arch::x86_64::{__m512i as V, _mm512_ternarylogic_epi64};

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
/// leaves the fewest gates alive, and go on. Then the order was walked likewise, towards gates whose output can overwrite an
/// input that nobody needs any more, since the instruction does just that. The tests compare all 256 values with the definition.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(super) fn sbox([x0, x1, x2, x3, x4, x5, x6, x7]: [V; 8]) -> [V; 8] {
    gates! {
        g0 = 0x5a(x4, x3, x3); g1 = 0x66(x1, x7, x1); g2 = 0x66(x2, x6, x2); g3 = 0x96(x0, x1, g2);
        g4 = 0x5a(g3, x5, x5); g5 = 0x66(x4, g2, x4); g6 = 0x96(x2, x0, g5); g7 = 0xa5(x4, x4, g3);
        g8 = 0x96(g6, g4, g2); g9 = 0x3c(g8, g0, g0); g10 = 0x5a(g9, g1, g1); g11 = 0x60(g9, x0, g5);
        g12 = 0x0a(g6, g1, g1); g13 = 0x5a(g6, x5, x5); g14 = 0x41(x6, g7, g5); g15 = 0x96(g10, g0, g5);
        g16 = 0x0a(g3, g3, g7); g17 = 0x48(x3, g3, g15); g18 = 0x0c(x5, g15, x5); g19 = 0x16(g18, g16, g17);
        g20 = 0x9a(g4, g0, g18); g21 = 0x44(x6, x6, g8); g22 = 0x96(g12, g19, g11); g23 = 0x96(g20, g14, g21);
        g24 = 0x6a(g13, g7, g21); g25 = 0xa6(x2, g10, g11); g26 = 0x69(g23, g6, g1); g27 = 0x96(g2, g25, x7);
        g28 = 0x3c(g27, g20, g27); g29 = 0x69(g19, g24, x6); g30 = 0x3c(g26, g29, g26); g31 = 0x28(g28, g22, g30);
        g32 = 0x4b(g31, g22, g26); g33 = 0x66(g28, g31, g28); g34 = 0x58(g31, g29, g32); g35 = 0xb3(g22, g32, g28);
        g36 = 0x90(g35, g13, g7); g37 = 0x9c(g29, g30, g33); g38 = 0x66(g37, g34, g37); g39 = 0xca(g28, g32, g22);
        g40 = 0x88(g10, g10, g38); g41 = 0x5a(g38, g39, g39); g42 = 0x84(g10, g41, g5); g43 = 0xc0(g34, g1, g1);
        g44 = 0x0a(g3, g3, g41); g45 = 0x28(x2, g3, g39); g46 = 0x3c(g39, g35, g39); g47 = 0x6c(g9, g43, g37);
        g48 = 0x5a(g46, g37, g37); g49 = 0xb4(g36, g39, g5); g50 = 0x66(g41, g48, g41); g51 = 0x0c(x5, g50, x5);
        g52 = 0x6a(g4, g48, g45); g53 = 0x28(g8, x6, g46); g54 = 0x48(x2, g37, g6); g55 = 0x3c(g51, g44, g44);
        g56 = 0x78(g47, g15, g50); g57 = 0x96(g52, g44, g43); g58 = 0x66(g53, g40, g53); g59 = 0xc6(g8, g55, g46);
        g60 = 0x78(g49, g35, g13); g61 = 0xc6(x2, g42, g38); g62 = 0x50(g34, g6, g6); g63 = 0x9c(g48, g60, g0);
        g64 = 0x69(g52, g51, g53); g65 = 0x96(g62, g54, g36); g66 = 0x69(g47, g59, g65); g67 = 0x96(g63, g45, g61);
        g68 = 0xa5(g42, g56, g56); g69 = 0x69(g67, g55, g54); g70 = 0x96(g63, g56, g55); g71 = 0x69(g60, g57, g40);
        g72 = 0x69(g69, g70, g43); g73 = 0x5a(g67, g62, g62); g74 = 0x96(g72, g58, g49); g75 = 0x66(g70, g53, g70);
    }
    [g68, g66, g75, g74, g71, g73, g64, g69]
}

#[cfg(test)]
mod tests {
    use core::arch::x86_64::{_mm512_cvtsi512_si32, _mm512_set1_epi32, _mm512_setzero_si512};

    use super::sbox;
    use crate::definition;

    #[target_feature(enable = "avx512f,avx512bw")]
    fn sbox_of_byte(value: u8) -> u8 {
        let mut planes = [_mm512_setzero_si512(); 8];
        for (bit, plane) in planes.iter_mut().enumerate() {
            *plane = _mm512_set1_epi32(-i32::from(value >> bit & 1));
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
