//! GCM from a counter-mode stream and a GHASH, whichever they are.

use zeroize::Zeroize;

use crate::schedule::RoundKeys;

/// Bytes that are encrypted and then hashed while they are in the first-level cache; a whole batch of every kernel.
const SEGMENT: usize = 8192;

/// SM4 in counter mode under one key.
pub(crate) trait Stream: Send + Sync {
    fn new(keys: &RoundKeys) -> Self
    where
        Self: Sized;
    /// XORs the key stream into `data`; its first block is made from `counter`, which wraps at 2³².
    fn apply(&self, nonce: &[u8; 12], counter: u32, data: &mut [u8]);
}

/// GHASH under one key.
pub(crate) trait Hash: Send + Sync {
    fn new(h: &[u8; 16]) -> Self
    where
        Self: Sized;
    /// Absorbs `data`, padded with zeros to whole blocks.
    fn absorb(&self, hash: &mut [u8; 16], data: &[u8]);
}

/// GCM under one key, without the comparison of tags.
pub(crate) trait Engine: Send + Sync {
    /// Encrypts `data` and returns the tag.
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; 16];
    /// Decrypts `data` and returns the tag that it should have; the plaintext is not yet authentic.
    fn open(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; 16];
}

/// An engine made of two parts.
pub(crate) struct Pair<S, H> {
    stream: S,
    hash: H,
}

impl<S: Stream, H: Hash> Pair<S, H> {
    pub(crate) fn new(keys: &RoundKeys) -> Self {
        let mut h = [0; 16];
        crate::kernel::portable::crypt_block(keys.0.iter(), &mut h);
        let pair = Self { stream: S::new(keys), hash: H::new(&h) };
        h.zeroize();
        pair
    }

    /// Absorbs the lengths in bits and masks the hash with the block of counter 1.
    fn finish(&self, nonce: &[u8; 12], mut hash: [u8; 16], aad: usize, data: usize) -> [u8; 16] {
        let lengths = ((aad as u128 * 8) << 64) | (data as u128 * 8);
        self.hash.absorb(&mut hash, &lengths.to_be_bytes());
        self.stream.apply(nonce, 1, &mut hash);
        hash
    }
}

impl<S: Stream, H: Hash> Engine for Pair<S, H> {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; 16] {
        let mut hash = [0; 16];
        self.hash.absorb(&mut hash, aad);
        for (counter, segment) in segments(data) {
            self.stream.apply(nonce, counter, segment);
            self.hash.absorb(&mut hash, segment);
        }
        self.finish(nonce, hash, aad.len(), data.len())
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; 16] {
        let mut hash = [0; 16];
        self.hash.absorb(&mut hash, aad);
        for (counter, segment) in segments(data) {
            self.hash.absorb(&mut hash, segment);
            self.stream.apply(nonce, counter, segment);
        }
        self.finish(nonce, hash, aad.len(), data.len())
    }
}

/// The data in segments, each with the counter of its first block; the data starts at counter 2.
fn segments(data: &mut [u8]) -> impl Iterator<Item = (u32, &mut [u8])> {
    const BLOCKS: u32 = (SEGMENT / 16) as u32;
    data.chunks_mut(SEGMENT).enumerate().map(|(i, segment)| ((i as u32).wrapping_mul(BLOCKS).wrapping_add(2), segment))
}
