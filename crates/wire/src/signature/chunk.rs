//! The chain of chunk signatures in a streamed body: each covers the one before it.

use std::fmt;

use super::crypto::{MacKey, Sha256, sha256_hex};
use super::scope::Scope;

/// Where a chain of chunk signatures stands: the key, the scope, and the last signature of the chain.
pub struct ChunkSeed {
    key: MacKey,
    /// `<time>` LF `<scope>`: the same in every link.
    time_and_scope: String,
    /// The last signature of the chain, in hex.
    previous: String,
    trailer: bool,
}

/// The SHA-256 of a chunk's data in the making.
#[derive(Clone)]
pub struct ChunkDigest(Sha256);

impl ChunkSeed {
    pub(crate) fn new(key: MacKey, scope: &Scope, time: &str, signature: String, trailer: bool) -> Self {
        Self { key, time_and_scope: format!("{time}\n{}", scope.text()), previous: signature, trailer }
    }

    /// Whether a signed trailer ends the body.
    pub fn trailer(&self) -> bool {
        self.trailer
    }

    /// Signs the next chunk, in 64 hex digits, and moves the chain on.
    pub fn sign_chunk(&mut self, digest: ChunkDigest) -> String {
        let text = self.chunk_text(digest);
        self.advance(&text)
    }

    /// Signs the trailer's lines (`name:value` and LF each), and ends the chain.
    pub fn sign_trailer(&mut self, lines: &[u8]) -> String {
        let text = self.trailer_text(lines);
        self.advance(&text)
    }

    /// Whether `signature` is the next chunk's; the chain moves on if so.
    pub(crate) fn verify_chunk(&mut self, digest: ChunkDigest, signature: &str) -> bool {
        let text = self.chunk_text(digest);
        self.accept(&text, signature)
    }

    /// Whether `signature` is that of the trailer's lines.
    pub(crate) fn verify_trailer(&mut self, lines: &[u8], signature: &str) -> bool {
        let text = self.trailer_text(lines);
        self.accept(&text, signature)
    }

    fn chunk_text(&self, digest: ChunkDigest) -> String {
        let (empty, data) = (sha256_hex(b""), digest.0.finish_hex());
        format!("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{empty}\n{data}", self.time_and_scope, self.previous)
    }

    fn trailer_text(&self, lines: &[u8]) -> String {
        format!("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}", self.time_and_scope, self.previous, sha256_hex(lines))
    }

    fn advance(&mut self, text: &str) -> String {
        self.previous = hex::encode(self.key.sign(text.as_bytes()));
        self.previous.clone()
    }

    fn accept(&mut self, text: &str, signature: &str) -> bool {
        let presented = hex::decode(signature).unwrap_or_default();
        let right = self.key.verify(text.as_bytes(), &presented);
        if right {
            self.previous = signature.to_ascii_lowercase();
        }
        right
    }
}

impl ChunkDigest {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Takes in more of the chunk's data.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
}

impl Default for ChunkDigest {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows nothing of the data.
impl fmt::Debug for ChunkDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkDigest").finish_non_exhaustive()
    }
}

/// Shows no key and no signature.
impl fmt::Debug for ChunkSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSeed").field("trailer", &self.trailer).finish_non_exhaustive()
    }
}
