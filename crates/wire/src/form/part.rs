//! The head of a form's part: whose value it is, and what a file was called.

use percent_encoding::percent_decode_str;

use super::multipart::Malformed;

/// The head of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PartHead {
    /// The field's name as it was sent.
    pub(crate) name: String,
    /// What the file was called at the client's.
    pub(crate) file_name: Option<String>,
    /// `Content-Type`, if it is there.
    pub(crate) content_type: Option<String>,
}

impl PartHead {
    /// Reads the lines before the empty one.
    ///
    /// # Errors
    /// [`Malformed`] for what is not UTF-8 text, and without a `Content-Disposition` of `form-data` with a name.
    pub(crate) fn parse(head: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(head).map_err(|_| Malformed("the head of a part is not UTF-8"))?;
        let lines = text.split("\r\n").filter_map(|line| line.split_once(':'));
        let value = |name: &str| {
            let found = lines.clone().find(|(found, _)| found.trim().eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim())
        };
        let disposition = value("content-disposition").ok_or(Malformed("a part has no Content-Disposition"))?;
        let content_type = value("content-type").filter(|text| !text.is_empty()).map(str::to_owned);
        let (kind, parameters) = disposition.split_once(';').unwrap_or((disposition, ""));
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Err(Malformed("a part is no form-data"));
        }
        let parameters = parameters_of(parameters).ok_or(Malformed("a Content-Disposition cannot be read"))?;
        let parameter = |name: &str| parameters.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        let (_, name) = parameter("name").ok_or(Malformed("a part has no name"))?;
        let extended = parameter("filename*").and_then(|(_, text)| extended(text));
        let file_name = extended.or_else(|| parameter("filename").map(|(_, text)| text.clone()));
        Ok(Self { name: name.clone(), file_name, content_type })
    }
}

/// `name=value` between semicolons; values may be quoted, and hold semicolons then.
pub(crate) fn parameters_of(text: &str) -> Option<Vec<(&str, String)>> {
    let mut parameters = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        parameters.push((name.trim(), value));
        let after = after.trim_start();
        rest = match after.strip_prefix(';') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(parameters)
}

/// What stands before the closing quote, and what follows it. A backslash escapes a quote or another backslash; before
/// anything else it is one, for there are browsers that send a file's whole path.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        match (character, characters.peek()) {
            ('"', _) => return Some((value, &text[place + 1..])),
            ('\\', Some(&(_, escaped @ ('"' | '\\')))) => {
                value.push(escaped);
                characters.next();
            }
            _ => value.push(character),
        }
    }
    None
}

/// `UTF-8''` and the percent-encoded text (RFC 8187).
fn extended(text: &str) -> Option<String> {
    let (charset, rest) = text.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    let decoded = percent_decode_str(encoded).decode_utf8().ok()?;
    charset.eq_ignore_ascii_case("utf-8").then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(head: &str) -> Option<(String, Option<String>, Option<String>)> {
        PartHead::parse(head.as_bytes()).ok().map(|head| (head.name, head.file_name, head.content_type))
    }

    #[test]
    fn heads_are_read_as_browsers_and_libraries_write_them() {
        let named = |name: &str, file: Option<&str>, kind: Option<&str>| {
            Some((name.to_owned(), file.map(str::to_owned), kind.map(str::to_owned)))
        };
        for (head, expected) in [
            ("Content-Disposition: form-data; name=\"key\"", named("key", None, None)),
            ("content-disposition:form-data;name=key", named("key", None, None)),
            (
                "Content-Disposition: form-data; name=\"file\"; filename=\"a;b \\\"c\\\".txt\"\r\nContent-Type: text/plain",
                named("file", Some("a;b \"c\".txt"), Some("text/plain")),
            ),
            (
                "Content-Type: \r\nContent-Disposition: form-data; filename=\"C:\\dir\\f.txt\"; name=\"file\"",
                named("file", Some("C:\\dir\\f.txt"), None),
            ),
            (
                "Content-Disposition: form-data; name=\"file\"; filename=\"x\"; filename*=UTF-8''%C3%A9.txt",
                named("file", Some("é.txt"), None),
            ),
            ("Content-Disposition: form-data; name=\"\"", named("", None, None)),
            ("Content-Disposition: attachment; name=\"a\"", None),
            ("Content-Disposition: form-data; filename=\"a\"", None),
            ("Content-Disposition: form-data; name=\"a", None),
            ("Content-Disposition: form-data; name=\"a\" b", None),
            ("Content-Type: text/plain", None),
        ] {
            assert_eq!(parsed(head), expected, "{head}");
        }
        assert!(PartHead::parse(b"Content-Disposition: form-data; name=\xff").is_err());
    }
}
