//! The hashes and message authentication codes of every scheme: the one place that knows where they come from.

use ring::{digest, hmac};

/// A hash under a key, by which a scheme signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mac {
    /// HMAC-SHA1: the schemes of the first generation prescribe it. As a MAC it is not broken, old as it is.
    Sha1,
    /// HMAC-SHA256.
    Sha256,
}

/// A key ready to sign with.
#[derive(Clone)]
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    /// A key of `bytes`, whatever their length.
    pub(crate) fn new(mac: Mac, bytes: &[u8]) -> Self {
        let algorithm = match mac {
            Mac::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Mac::Sha256 => hmac::HMAC_SHA256,
        };
        Self(hmac::Key::new(algorithm, bytes))
    }

    /// The code of `message`: 20 or 32 bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, message).as_ref().to_vec()
    }

    /// Whether `code` is the code of `message`; takes as long for a near miss as for a far one.
    pub(crate) fn verify(&self, message: &[u8], code: &[u8]) -> bool {
        hmac::verify(&self.0, message, code).is_ok()
    }
}

/// A SHA-256 in the making.
#[derive(Clone)]
pub(crate) struct Sha256(digest::Context);

impl Sha256 {
    /// Of nothing yet.
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Takes in more.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest, as 64 lower-case hex digits.
    pub(crate) fn finish_hex(self) -> String {
        hex::encode(self.0.finish().as_ref())
    }
}

/// The SHA-256 of `bytes` as 64 lower-case hex digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes).as_ref())
}
