//! Percent-encoding, as paths, queries and `encoding-type=url` have it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use strongroom_model::failure::{Failure, FailureCode};

/// What RFC 3986 leaves as it is: letters, digits, and `- . _ ~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same, for texts whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Decodes a part of a path: strict UTF-8, a plus sign means itself.
pub(crate) fn decode(text: &str) -> Result<String, Failure> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|cause| Failure::new(FailureCode::InvalidUri).caused_by(cause))
}

/// Decodes a part of a query, or of a document under `encoding-type=url`: strict UTF-8, a plus sign means a blank.
pub(crate) fn decode_form(text: &str) -> Result<String, Failure> {
    decode(&text.replace('+', "%20"))
}

/// Encodes all but the unreserved.
#[cfg(test)]
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Encodes all but the unreserved and the slash. Clients that read a plus sign as a blank and those that do not both
/// get the same text back.
pub(crate) fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, RESERVED_IN_PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_is_a_blank_in_forms_alone() {
        assert_eq!(decode("a+b%2Bc%20d").unwrap(), "a+b+c d");
        assert_eq!(decode_form("a+b%2Bc%20d").unwrap(), "a b+c d");
        assert_eq!(encode("a b+c/é"), "a%20b%2Bc%2F%C3%A9");
        assert_eq!(encode_path("a b+c/~"), "a%20b%2Bc/~");
    }

    #[test]
    fn broken_utf8_is_no_text() {
        assert_eq!(decode("%C3%28").unwrap_err().code, FailureCode::InvalidUri);
        assert_eq!(decode("100%").unwrap(), "100%");
    }
}
