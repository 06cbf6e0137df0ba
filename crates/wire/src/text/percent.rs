//! Percent-encoding, as paths, queries and `encoding-type=url` have it.

use percent_encoding::percent_decode_str;
use strongroom_model::failure::{Failure, FailureCode};

use crate::signature::head::encoded_path;

/// Decodes a part of a path: strict UTF-8, a plus sign means itself.
pub(crate) fn decode(text: &str) -> Result<String, Failure> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|cause| Failure::new(FailureCode::InvalidUri).caused_by(cause))
}

/// Decodes a part of a query, or of a document under `encoding-type=url`: strict UTF-8, a plus sign means a blank.
pub(crate) fn decode_form(text: &str) -> Result<String, Failure> {
    decode(&text.replace('+', "%20"))
}

/// Encodes all but the unreserved and the slash. Clients that read a plus sign as a blank and those that do not both
/// get the same text back.
pub(crate) fn encode_path(text: &str) -> String {
    encoded_path(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_is_a_blank_in_forms_alone() {
        assert_eq!(decode("a+b%2Bc%20d").unwrap(), "a+b+c d");
        assert_eq!(decode_form("a+b%2Bc%20d").unwrap(), "a b+c d");
        assert_eq!(encode_path("a b+c/~é"), "a%20b%2Bc/~%C3%A9");
    }

    #[test]
    fn broken_utf8_is_no_text() {
        assert_eq!(decode("%C3%28").unwrap_err().code, FailureCode::InvalidUri);
        assert_eq!(decode("100%").unwrap(), "100%");
    }
}
