//! Secrets that requests carry or are checked against. None can be printed, cloned or compared by accident.

use zeroize::Zeroizing;

/// The secret half of an access key.
pub struct SecretKey(Zeroizing<String>);

impl SecretKey {
    /// Takes possession of the secret's text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself, for signing and sealing only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A customer-provided encryption key (SSE-C): 32 bytes that live for one request.
pub struct CustomerKey {
    bytes: Zeroizing<[u8; 32]>,
    md5: [u8; 16],
}

impl CustomerKey {
    /// Takes the raw key and the MD5 of its 32 bytes, which the caller has verified against them.
    pub fn new(bytes: Zeroizing<[u8; 32]>, md5: [u8; 16]) -> Self {
        Self { bytes, md5 }
    }

    /// The key itself, for wrapping and unwrapping a data key only.
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The digest that answers echo; it says nothing about a random key.
    pub fn md5(&self) -> [u8; 16] {
        self.md5
    }
}

/// Bytes that a client has the key service seal, or that it gives out: data, a data key, random bytes.
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl Plaintext {
    /// Takes possession of the bytes.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves, for sealing and for the answer only.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plaintext(redacted)")
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(redacted)")
    }
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerKey(redacted)")
    }
}
