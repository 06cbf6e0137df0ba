//! What the kernels that work on whole vectors share: counter mode over a vector type.
//!
//! A vector holds one 32-bit word of each of [`Wide::BLOCKS`] blocks. `N` such groups are in flight at once, since one
//! round is a long chain of dependent instructions. All functions are inlined into the `#[target_feature]` function of
//! a kernel, the only way for one source to serve several instruction sets. For the same reason there are no closures
//! here: a closure is a function of its own, without the instructions.

use crate::basis::OffsetKeys;
use crate::kernel::portable;

/// The most bytes that one batch of any kernel has.
const MAX_BATCH: usize = 1024;

/// A vector of 32-bit words and the cipher's operations on it.
///
/// # Safety
/// Every function may only be called where the CPU has the instructions of the implementation.
pub(crate) trait Wide {
    type V: Copy;
    /// Words of a vector, one of each block: four for each 128-bit lane.
    const BLOCKS: usize;
    /// `word` in every place.
    unsafe fn splat(word: u32) -> Self::V;
    /// The counters of a group from `first` on: lane `l` of `L` has in place `j` the counter of block `L·j + l`.
    unsafe fn counters(first: u32) -> Self::V;
    unsafe fn xor(a: Self::V, b: Self::V) -> Self::V;
    /// τ on each byte (see `basis`).
    unsafe fn into_basis(v: Self::V) -> Self::V;
    /// τ⁻¹ on each byte.
    unsafe fn out_of_basis(v: Self::V) -> Self::V;
    /// Reverses the bytes of each word.
    unsafe fn swap_bytes(v: Self::V) -> Self::V;
    /// The next word of the state from four and the round's word of the key.
    unsafe fn round(a: Self::V, b: Self::V, c: Self::V, d: Self::V, key: u32) -> Self::V;
    /// Exchanges words and blocks: vector `j` gets the four words of place `j` of each lane.
    unsafe fn transpose(words: [Self::V; 4]) -> [Self::V; 4];
    /// XORs `v` into the `4 · BLOCKS` bytes at `data`, which need no alignment.
    unsafe fn xor_into(data: *mut u8, v: Self::V);
}

/// XORs the key stream into `data`, its first block made from `counter`, `N` groups at a time.
///
/// # Safety
/// The CPU has the instructions of `W`.
#[inline(always)]
pub(crate) unsafe fn ctr<W: Wide, const N: usize>(
    keys: &OffsetKeys,
    nonce: &[u8; 12],
    mut counter: u32,
    data: &mut [u8],
) {
    let group = 16 * W::BLOCKS;
    let mut batches = data.chunks_exact_mut(N * group);
    for batch in &mut batches {
        // SAFETY: the batch has the bytes of N groups; the instructions are the caller's promise.
        unsafe { batch_into::<W, N>(keys, nonce, counter, batch) };
        counter = counter.wrapping_add((N * W::BLOCKS) as u32);
    }
    let rest = batches.into_remainder();
    if rest.is_empty() {
        return;
    }
    let mut buffer = [0; MAX_BATCH];
    buffer[..rest.len()].copy_from_slice(rest);
    // SAFETY: the buffer has the bytes of any batch; the instructions are the caller's promise.
    unsafe {
        if rest.len() <= group {
            batch_into::<W, 1>(keys, nonce, counter, &mut buffer[..group]);
        } else {
            batch_into::<W, N>(keys, nonce, counter, &mut buffer[..N * group]);
        }
    }
    rest.copy_from_slice(&buffer[..rest.len()]);
    wipe(&mut buffer);
}

/// Overwrites what is left of the key stream, whole vectors at a time where `zeroize` would take single bytes.
#[inline(always)]
fn wipe(buffer: &mut [u8; MAX_BATCH]) {
    buffer.fill(0);
    // The compiler may not know that nobody reads it.
    core::hint::black_box(buffer);
}

/// # Safety
/// The CPU has the instructions of `W`.
#[inline(always)]
unsafe fn batch_into<W: Wide, const N: usize>(keys: &OffsetKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    assert_eq!(data.len(), N * W::BLOCKS * 16);
    // SAFETY: the instructions are the caller's promise, and every write is within `data` by the assertion: group `n`
    // has four vectors of 4 · BLOCKS bytes.
    unsafe {
        let [a, b, c, d] = encrypt::<W, N>(keys, nonce, counter);
        for n in 0..N {
            let words = [
                plain::<W>(d[n], keys.last[0]),
                plain::<W>(c[n], keys.last[1]),
                plain::<W>(b[n], keys.last[2]),
                plain::<W>(a[n], keys.last[3]),
            ];
            let masks = W::transpose(words);
            let start = data.as_mut_ptr().add(n * W::BLOCKS * 16);
            W::xor_into(start, masks[0]);
            W::xor_into(start.add(W::BLOCKS * 4), masks[1]);
            W::xor_into(start.add(W::BLOCKS * 8), masks[2]);
            W::xor_into(start.add(W::BLOCKS * 12), masks[3]);
        }
    }
}

/// The 32 rounds on `N` groups of counter blocks; the result is in the order of the state.
///
/// # Safety
/// The CPU has the instructions of `W`.
#[inline(always)]
unsafe fn encrypt<W: Wide, const N: usize>(keys: &OffsetKeys, nonce: &[u8; 12], counter: u32) -> [[W::V; N]; 4] {
    // SAFETY: the instructions are the caller's promise.
    unsafe {
        let [first, second, third] = [
            W::into_basis(W::splat(portable::word(nonce, 0))),
            W::into_basis(W::splat(portable::word(nonce, 1))),
            W::into_basis(W::splat(portable::word(nonce, 2))),
        ];
        let (mut a, mut b, mut c, mut d) = ([first; N], [second; N], [third; N], [first; N]);
        for (n, d) in d.iter_mut().enumerate() {
            let counters = W::counters(counter.wrapping_add((n * W::BLOCKS) as u32));
            *d = W::xor(W::into_basis(counters), W::splat(keys.first));
        }
        for four in keys.rounds.as_chunks::<4>().0 {
            step::<W, N>(&mut a, &b, &c, &d, four[0]);
            step::<W, N>(&mut b, &c, &d, &a, four[1]);
            step::<W, N>(&mut c, &d, &a, &b, four[2]);
            step::<W, N>(&mut d, &a, &b, &c, four[3]);
        }
        [a, b, c, d]
    }
}

/// A word of the output from one of the state: plain, without its offset, and big-endian.
///
/// # Safety
/// The CPU has the instructions of `W`.
#[inline(always)]
unsafe fn plain<W: Wide>(word: W::V, offset: u32) -> W::V {
    // SAFETY: the instructions are the caller's promise.
    unsafe { W::swap_bytes(W::xor(W::out_of_basis(word), W::splat(offset))) }
}

/// # Safety
/// The CPU has the instructions of `W`.
#[inline(always)]
unsafe fn step<W: Wide, const N: usize>(a: &mut [W::V; N], b: &[W::V; N], c: &[W::V; N], d: &[W::V; N], key: u32) {
    for n in 0..N {
        // SAFETY: the instructions are the caller's promise.
        a[n] = unsafe { W::round(a[n], b[n], c[n], d[n], key) };
    }
}

/// Defines the functions of an implementation of [`Wide`] from expressions of intrinsics.
macro_rules! by_intrinsics {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        #[inline(always)]
        unsafe fn $name($($argument: $type),*) $(-> $result)? {
            // SAFETY: the caller of a function of `Wide` promises the instructions, and valid pointers.
            unsafe { $body }
        }
    )*};
}
pub(crate) use by_intrinsics;

/// The sixteen bytes that make `PSHUFB` rotate each word left by `bytes`, after undoing the ShiftRows of `AESENCLAST`.
///
/// ShiftRows moves the byte in row `r` of column `c` to column `c - r`; a word of the state is a column.
pub(crate) const fn rotate_and_unshift(bytes: usize) -> [u8; 16] {
    let mut out = [0; 16];
    let mut i = 0;
    while i < 16 {
        let (column, row) = (i / 4, (i + 4 - bytes) % 4);
        out[i] = (4 * ((column + 4 - row) % 4) + row) as u8;
        i += 1;
    }
    out
}

/// Reverses the bytes of each word, as an operand of `PSHUFB`.
pub(crate) const SWAP_BYTES: [u8; 16] = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
