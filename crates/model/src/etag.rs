//! Entity tags.

/// An object's entity tag. Dialects differ in letter case and in quotes, so the tag is kept as what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag {
    /// MD5 of the plaintext where that is promised, else random; for several parts, of their concatenated tags.
    pub digest: [u8; 16],
    /// The number of parts, for an object made of parts.
    pub parts: Option<u32>,
}

impl ETag {
    /// The tag in lower-case hex, with `-N` for an object of N parts, without quotes.
    pub fn lower_hex(&self) -> String {
        let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
        let digits: String = self.digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        match self.parts {
            Some(parts) => format!("{digits}-{parts}"),
            None => digits,
        }
    }

    /// Whether a tag that a client wrote, with or without quotes and in any letter case, is this one.
    pub fn is_spelled(&self, text: &str) -> bool {
        let text = text.trim();
        let text = text.strip_prefix("W/").unwrap_or(text);
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        bare.eq_ignore_ascii_case(&self.lower_hex())
    }
}

/// When an object's tag is the MD5 of its plaintext. Computing an MD5 is the slowest thing a write can do, so it is
/// done only where a dialect promises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagPromise {
    /// Always (OSS).
    Always,
    /// For plain objects and under keys that the service manages (S3).
    UnlessKeyed,
    /// For plain objects only (OBS).
    PlainOnly,
    /// Never (appendable objects of OSS).
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_compare_whatever_the_case_and_quotes() {
        let tag = ETag { digest: [0xab; 16], parts: None };
        let hex = "abababababababababababababababab";
        assert_eq!(tag.lower_hex(), hex);
        for text in [hex.to_owned(), format!("\"{hex}\""), hex.to_uppercase(), format!("\"{}\"", hex.to_uppercase())] {
            assert!(tag.is_spelled(&text), "{text}");
        }
        assert!(!tag.is_spelled("\"abab\""));
        assert_eq!(ETag { parts: Some(3), ..tag }.lower_hex(), format!("{hex}-3"));
    }
}
