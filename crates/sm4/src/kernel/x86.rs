//! Where the x86 kernels are called from: the types whose values exist only on a CPU that can run them.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::basis::OffsetKeys;
use crate::engine::{Engine, Hash, Pair, Stream};
use crate::ghash::carryless;
use crate::kernel::{Kernel, aesni, avx2, bitslice, gfni};
use crate::schedule::RoundKeys;

/// The engine of `kernel`, if this CPU can run it and it is not the portable one.
///
/// The types below are private to this module and made nowhere else, so that each of their values is proof that the CPU
/// was asked.
pub(super) fn engine(kernel: Kernel, keys: &RoundKeys) -> Option<Box<dyn Engine>> {
    if !kernel.runs_here() {
        return None;
    }
    Some(match kernel {
        Kernel::Avx512Gfni => Box::new(Pair::<Gfni512, Vpclmul>::new(keys)),
        Kernel::Avx512Bitslice => Box::new(Pair::<Bitslice, Avx512>::new(keys)),
        Kernel::Avx2Gfni => Box::new(Pair::<Gfni256, Vpclmul>::new(keys)),
        Kernel::Avx2Vaes if std::is_x86_feature_detected!("vpclmulqdq") => Box::new(Pair::<Vaes, Vpclmul>::new(keys)),
        Kernel::Avx2Vaes => Box::new(Pair::<Vaes, Avx>::new(keys)),
        Kernel::Avx2Aes => Box::new(Pair::<Avx2, Avx>::new(keys)),
        Kernel::AesNi => Box::new(Pair::<AesNi, Sse>::new(keys)),
        Kernel::Portable => return None,
    })
}

/// Defines a stream cipher by its keys and its counter mode.
macro_rules! stream {
    ($name:ident, $keys:ident, $ctr:path) => {
        #[derive(Zeroize, ZeroizeOnDrop)]
        struct $name(OffsetKeys);

        impl Stream for $name {
            fn new(keys: &RoundKeys) -> Self {
                Self(OffsetKeys::$keys(keys))
            }

            fn apply(&self, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
                // SAFETY: a value of this type exists only after `engine` found the CPU to have the instructions.
                unsafe { $ctr(&self.0, nonce, counter, data) }
            }
        }
    };
}

stream!(AesNi, for_aes, aesni::ctr);
stream!(Avx2, for_aes, avx2::ctr);
stream!(Vaes, for_aes, avx2::ctr_vaes);
stream!(Gfni256, for_gfni, gfni::ctr);
stream!(Gfni512, for_gfni, gfni::ctr_512);

/// Whole batches bitsliced, and what is left by `avx2`.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Bitslice {
    batches: bitslice::Keys,
    rest: OffsetKeys,
}

/// From this many bytes on, a bitsliced batch that is not full still costs less than `avx2`.
const PARTIAL_BATCH_PAYS: usize = bitslice::BATCH_BYTES * 5 / 8;

impl Stream for Bitslice {
    fn new(keys: &RoundKeys) -> Self {
        Self { batches: bitslice::Keys::new(keys), rest: OffsetKeys::for_aes(keys) }
    }

    fn apply(&self, nonce: &[u8; 12], mut counter: u32, data: &mut [u8]) {
        let (batches, rest) = data.as_chunks_mut::<{ bitslice::BATCH_BYTES }>();
        for batch in batches {
            // SAFETY: a value of this type exists only after `engine` found the CPU to have the instructions.
            unsafe { bitslice::ctr_batch(&self.batches, nonce, counter, batch) };
            counter = counter.wrapping_add(bitslice::BATCH as u32);
        }
        if rest.len() >= PARTIAL_BATCH_PAYS {
            let mut batch = [0; bitslice::BATCH_BYTES];
            batch[..rest.len()].copy_from_slice(rest);
            // SAFETY: as above.
            unsafe { bitslice::ctr_batch(&self.batches, nonce, counter, &mut batch) };
            rest.copy_from_slice(&batch[..rest.len()]);
            batch.zeroize();
        } else if !rest.is_empty() {
            // SAFETY: as above.
            unsafe { avx2::ctr(&self.rest, nonce, counter, rest) };
        }
    }
}

/// Defines a hash by its function.
macro_rules! hash {
    ($name:ident, $absorb:path) => {
        #[derive(Zeroize, ZeroizeOnDrop)]
        struct $name(carryless::Key);

        impl Hash for $name {
            fn new(h: &[u8; 16]) -> Self {
                // SAFETY: this is called by `engine` alone, after it found the CPU to have the instructions.
                Self(unsafe { carryless::Key::new(h) })
            }

            fn absorb(&self, hash: &mut [u8; 16], data: &[u8]) {
                // SAFETY: a value of this type exists only after `engine` found the CPU to have the instructions.
                unsafe { $absorb(&self.0, hash, data) }
            }
        }
    };
}

hash!(Sse, carryless::absorb_sse);
hash!(Avx, carryless::absorb_avx);
hash!(Avx512, carryless::absorb_avx512);
hash!(Vpclmul, carryless::absorb_vpclmul);

#[cfg(test)]
mod tests {
    use super::{AesNi, Avx2, Bitslice, Gfni256, Gfni512, Kernel, RoundKeys, Stream, Vaes};
    use crate::kernel::portable;

    /// GCM's counter starts at 1 and a message ends long before it wraps, so only a test of the stream alone gets there.
    fn check_wrap<S: Stream>(kernel: Kernel) {
        if !kernel.runs_here() {
            eprintln!("skipped {kernel:?}: this CPU has not the instructions");
            return;
        }
        let keys = RoundKeys::new(&[0x11; 16]);
        let (stream, reference) = (S::new(&keys), <portable::Stream as Stream>::new(&keys));
        let nonce = [0x22; 12];
        for before in [0, 1, 5, 31, 100, 511, 600] {
            let mut data = vec![0x33; 20_000];
            stream.apply(&nonce, 0u32.wrapping_sub(before), &mut data);
            // Block by block, where the counter cannot go wrong.
            for (i, block) in data.chunks_mut(16).enumerate() {
                reference.apply(&nonce, (i as u32).wrapping_sub(before), block);
            }
            assert!(data.iter().all(|&byte| byte == 0x33), "{kernel:?}, {before} blocks before the wrap");
        }
    }

    #[test]
    fn counter_wraps_at_32_bits() {
        check_wrap::<AesNi>(Kernel::AesNi);
        check_wrap::<Avx2>(Kernel::Avx2Aes);
        check_wrap::<Vaes>(Kernel::Avx2Vaes);
        check_wrap::<Gfni256>(Kernel::Avx2Gfni);
        check_wrap::<Gfni512>(Kernel::Avx512Gfni);
        check_wrap::<Bitslice>(Kernel::Avx512Bitslice);
        check_wrap::<portable::Stream>(Kernel::Portable);
    }
}
