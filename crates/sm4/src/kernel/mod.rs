//! The kernels: counter mode and GHASH for each class of CPU, and the choice among them at run time.

#[cfg(target_arch = "x86_64")]
pub(crate) mod aesni;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod bitslice;
pub(crate) mod circuit;
#[cfg(target_arch = "x86_64")]
pub(crate) mod gfni;
pub(crate) mod portable;
#[cfg(target_arch = "x86_64")]
mod wide;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::engine::{Engine, Pair};
use crate::schedule::RoundKeys;

/// One way to compute SM4-GCM. All give the same bytes, all in constant time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// 512-bit vectors with GFNI, GHASH with VPCLMULQDQ: Ice Lake, Zen 4 and later.
    Avx512Gfni,
    /// Bitsliced over 512-bit vectors, GHASH with PCLMULQDQ: Skylake-X, Cascade Lake.
    Avx512Bitslice,
    /// 256-bit vectors with GFNI, GHASH with VPCLMULQDQ: Alder Lake and later.
    Avx2Gfni,
    /// 256-bit vectors with VAES, GHASH with VPCLMULQDQ where the CPU has that too: Zen 3.
    Avx2Vaes,
    /// 256-bit vectors with AES on 128-bit halves, GHASH with PCLMULQDQ: Haswell to Comet Lake, Zen 1 and 2.
    Avx2Aes,
    /// 128-bit vectors with AES-NI, GHASH with PCLMULQDQ: Westmere and later, and the small cores.
    AesNi,
    /// Bitsliced over 64-bit integers: any CPU.
    Portable,
}

impl Kernel {
    /// Every kernel, the best first.
    pub const ALL: [Self; 7] = [
        Self::Avx512Gfni,
        Self::Avx512Bitslice,
        Self::Avx2Gfni,
        Self::Avx2Vaes,
        Self::Avx2Aes,
        Self::AesNi,
        Self::Portable,
    ];

    /// The best kernel that this CPU runs.
    pub fn best() -> Self {
        Self::ALL.into_iter().find(|kernel| kernel.runs_here()).unwrap_or(Self::Portable)
    }

    /// Whether this CPU, and the operating system, have the instructions.
    #[cfg(target_arch = "x86_64")]
    pub fn runs_here(self) -> bool {
        use std::is_x86_feature_detected as has;
        let aes = has!("aes") && has!("pclmulqdq") && has!("ssse3") && has!("sse4.1");
        let avx2 = has!("avx") && has!("avx2") && has!("pclmulqdq");
        let avx512 = avx2 && has!("avx512f") && has!("avx512bw");
        match self {
            Self::Avx512Gfni => avx512 && has!("gfni") && has!("vpclmulqdq"),
            Self::Avx512Bitslice => avx512 && aes,
            Self::Avx2Gfni => avx2 && has!("gfni") && has!("vpclmulqdq"),
            Self::Avx2Vaes => avx2 && has!("vaes"),
            Self::Avx2Aes => avx2 && aes,
            Self::AesNi => aes,
            Self::Portable => true,
        }
    }

    /// Whether this CPU has the instructions.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn runs_here(self) -> bool {
        self == Self::Portable
    }

    /// The key, made ready for this kernel; the portable one where the CPU cannot run it.
    pub(crate) fn engine(self, keys: &RoundKeys) -> Box<dyn Engine> {
        #[cfg(target_arch = "x86_64")]
        if let Some(engine) = x86::engine(self, keys) {
            return engine;
        }
        Box::new(Pair::<portable::Stream, crate::ghash::portable::Key>::new(keys))
    }
}
