//! Base64, which headers and documents put bytes in.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

/// The standard alphabet, padded.
pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Reads the standard alphabet, padded.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

/// An opaque token that needs no escaping in a URL.
pub(crate) fn token(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// The text of such a token.
pub(crate) fn from_token(token: &str) -> Option<String> {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10.
    #[test]
    fn base64_is_that_of_the_standard() {
        assert_eq!(base64(b"fooba"), "Zm9vYmE=");
        assert_eq!(from_base64("Zm9vYmE=").as_deref(), Some(&b"fooba"[..]));
        assert_eq!(from_base64("Zm9vYmE"), None);
    }

    #[test]
    fn tokens_come_back() {
        assert_eq!(from_token(&token("a/b?ü")).as_deref(), Some("a/b?ü"));
        assert_eq!(from_token("not a token"), None);
    }
}
