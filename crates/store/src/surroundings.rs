//! Time and randomness, which this crate never finds for itself: the server hands in the system's, tests their own.

use std::{error::Error, sync::Arc};

use strongroom_model::time::Timestamp;
use strongroom_seal::KeyBytes;
use zeroize::Zeroizing;

/// Says what time it is. Time may jump, also backwards; nothing here is unsafe when it does.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The source of randomness has failed. Nothing is ever made from a weaker one.
#[derive(Debug, thiserror::Error)]
#[error("the source of randomness has failed")]
pub struct EntropyError(#[source] Box<dyn Error + Send + Sync>);

impl EntropyError {
    /// With the source's own answer, for the log.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// A cryptographic source of random bytes: keys, salts and ids come from it and from nowhere else.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) -> Result<(), EntropyError> + Send + Sync;

impl Entropy {
    /// The source that `fill` draws from. `fill` overwrites the whole of its slice, or fails.
    pub fn new(fill: impl Fn(&mut [u8]) -> Result<(), EntropyError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Overwrites `bytes` with random ones.
    ///
    /// # Errors
    /// The source's failure; then the content of `bytes` is unspecified.
    pub fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        (self.0)(bytes)
    }

    /// `N` random bytes that are no secret: a salt, an id.
    ///
    /// # Errors
    /// The source's failure.
    pub fn array<const N: usize>(&self) -> Result<[u8; N], EntropyError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A random key of 16 or 32 bytes.
    ///
    /// # Errors
    /// The source's failure.
    ///
    /// # Panics
    /// For any other length.
    pub fn key(&self, len: usize) -> Result<KeyBytes, EntropyError> {
        let mut bytes = Zeroizing::new([0; 64]);
        self.fill(&mut bytes[..len])?;
        Ok(KeyBytes::new(&bytes[..len]).expect("suites have keys of 16, 32 or 64 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_source_gives_nothing() {
        let broken = Entropy::new(|_| Err(EntropyError::new("no device")));
        assert!(broken.array::<16>().is_err());
        assert!(broken.key(32).is_err());
    }

    #[test]
    fn keys_are_what_the_source_drew() {
        let sevens = Entropy::new(|bytes| {
            bytes.fill(7);
            Ok(())
        });
        assert_eq!(sevens.key(16).unwrap().expose(), [7; 16]);
        assert_eq!(sevens.array::<3>().unwrap(), [7; 3]);
    }
}
