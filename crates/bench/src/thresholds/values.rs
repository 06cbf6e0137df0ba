//! What is written: bytes that cannot be compressed, as ciphertext cannot, made at the price of a copy.

use bytes::Bytes;

/// Random bytes of which every value is a piece: drawing them anew each time would be the load.
const NOISE: usize = 4 << 20;

/// Bytes at a value's start that tell its number.
const STAMP: usize = 8;

/// Values of one size.
pub(super) struct Values {
    noise: Vec<u8>,
    size: usize,
}

impl Values {
    /// Values of `size` bytes, which is at least [`STAMP`].
    pub(super) fn new(size: usize) -> Self {
        let mut noise = vec![0; NOISE + size];
        getrandom::fill(&mut noise).expect("the operating system has randomness");
        Self { noise, size }
    }

    /// Bytes of each.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The value of that number.
    pub(super) fn value(&self, number: u64) -> Bytes {
        let mut value = self.piece(number).to_vec();
        value[..STAMP].copy_from_slice(&number.to_le_bytes());
        value.into()
    }

    /// Whether this looks like the value of that number: by its length and both its ends, so that looking costs nothing.
    pub(super) fn looks_like(&self, number: u64, value: &[u8]) -> bool {
        let end = |bytes: &[u8]| bytes.last_chunk::<STAMP>().copied();
        value.len() == self.size && value.starts_with(&number.to_le_bytes()) && end(value) == end(self.piece(number))
    }

    fn piece(&self, number: u64) -> &[u8] {
        let start = number.wrapping_mul(1_000_003) as usize % NOISE;
        &self.noise[start..start + self.size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_value_of_its_own() {
        let values = Values::new(100);
        assert_eq!(values.value(3), values.value(3));
        assert_ne!(values.value(3)[STAMP..], values.value(4)[STAMP..]);
        assert!(values.looks_like(3, &values.value(3)));
        assert!(!values.looks_like(3, &values.value(4)));
        assert!(!values.looks_like(3, &values.value(3)[..99]));
        let mut torn = values.value(3).to_vec();
        torn[99] ^= 1;
        assert!(!values.looks_like(3, &torn));
    }
}
