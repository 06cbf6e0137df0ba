//! Writes documents: no white space between elements, for parsers that keep it.

use std::fmt::{Display, Write as _};

use quick_xml::escape::escape;

use super::reader::is_xml;

/// A document in the making.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    text: String,
}

impl Writer {
    /// Begins a document with a declaration, and ends it with its root.
    pub fn document(declaration: &str, root: &str, namespace: Option<&str>, content: impl FnOnce(&mut Self)) -> Self {
        let mut writer = Self { text: String::with_capacity(512) };
        writer.text.push_str(declaration);
        writer.push(format_args!("<{root}"));
        if let Some(namespace) = namespace {
            writer.push(format_args!(" xmlns=\"{namespace}\""));
        }
        writer.text.push('>');
        content(&mut writer);
        writer.push(format_args!("</{root}>"));
        writer
    }

    /// An element with children.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.push(format_args!("<{name}>"));
        content(self);
        self.push(format_args!("</{name}>"));
    }

    /// An element with attributes, which are text of our own, and children.
    pub fn element_with(&mut self, name: &str, attributes: &str, content: impl FnOnce(&mut Self)) {
        self.push(format_args!("<{name} {attributes}>"));
        content(self);
        self.push(format_args!("</{name}>"));
    }

    /// An element with text.
    pub fn leaf(&mut self, name: &str, text: impl Display) {
        self.element(name, |writer| writer.text(&text.to_string()));
    }

    /// The same, if there is a text.
    pub fn optional(&mut self, name: &str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }

    /// Text of the element that is open. A character that XML excludes becomes U+FFFD: clients that have such names ask
    /// for `encoding-type=url`.
    pub fn text(&mut self, text: &str) {
        let shown: String =
            text.chars().map(|character| if is_xml(character) { character } else { '\u{fffd}' }).collect();
        self.text.push_str(&escape(shown.as_str()).replace('\r', "&#13;"));
    }

    /// The document.
    pub fn into_bytes(self) -> bytes::Bytes {
        self.text.into()
    }

    fn push(&mut self, piece: std::fmt::Arguments<'_>) {
        self.text.write_fmt(piece).expect("a string takes all that is written to it");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};

    use super::*;
    use crate::document::reader;

    fn leaf(text: &str) -> Writer {
        Writer::document("<?xml version=\"1.0\"?>", "A", Some("urn:x"), |writer| writer.leaf("B", text))
    }

    #[test]
    fn markup_is_escaped() {
        let expected = "<?xml version=\"1.0\"?><A xmlns=\"urn:x\"><B>&lt;a&gt; &amp; &quot;b&quot; &apos;</B></A>";
        assert_eq!(leaf("<a> & \"b\" '").into_bytes(), expected);
        assert_eq!(leaf("\u{1}").text, "<?xml version=\"1.0\"?><A xmlns=\"urn:x\"><B>\u{fffd}</B></A>");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn every_printable_text_comes_back(text in "[\\PC\\t\\r\\n]{0,60}") {
            let root = reader::read(&leaf(&text).into_bytes(), "A").unwrap();
            assert_eq!(root.one("B").unwrap().text(), text);
        }
    }
}
