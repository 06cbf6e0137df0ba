//! Reads a document whole, within bounds.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use strongroom_model::failure::{Failure, FailureCode};

use super::{Element, malformed};

/// How deep elements may nest: no document of the dialects goes beyond nine.
const DEPTH_MAX: usize = 16;

/// How many elements a document may have: ten thousand parts of an upload with all that may stand in each.
const ELEMENTS_MAX: usize = 64_000;

/// Reads a document into its root element, which must be called `root`.
///
/// There is no document type, and there are no entities but the predefined ones and characters; the caller has bounded
/// the length.
///
/// # Errors
/// `MissingBody` for nothing but white space, `MalformedXml`.
pub(crate) fn read(document: &[u8], root: &str) -> Result<Element, Failure> {
    let text = std::str::from_utf8(document).map_err(|cause| malformed(cause.to_string()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(FailureCode::MissingBody.into());
    }
    let element = Tree::default().read(text)?;
    if element.name() == root { Ok(element) } else { Err(malformed(format!("the root is {}", element.name()))) }
}

/// A tree that grows: the open elements, outermost first, and the root once it is closed.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn read(mut self, text: &str) -> Result<Element, Failure> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        loop {
            match reader.read_event().map_err(|cause| malformed(cause.to_string()))? {
                Event::Start(tag) => self.start(tag.local_name().as_ref())?,
                Event::Empty(tag) => {
                    self.start(tag.local_name().as_ref())?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(text) => self.text(&text.xml10_content())?,
                Event::GeneralRef(reference) => self.text(character(&reference)?.encode_utf8(&mut [0; 4]))?,
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::DocType(_) => return Err(malformed("a document type")),
                Event::Eof => return self.finish(),
            }
        }
    }

    fn start(&mut self, name: &str) -> Result<(), Failure> {
        self.elements += 1;
        if self.open.len() == DEPTH_MAX || self.elements > ELEMENTS_MAX {
            return Err(malformed("too many elements, or too deep"));
        }
        if self.root.is_some() {
            return Err(malformed("more than one root"));
        }
        self.open.push(Element { name: name.to_owned(), ..Element::default() });
        Ok(())
    }

    fn end(&mut self) {
        let Some(closed) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => self.root = Some(closed),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        if text.chars().any(|character| !is_xml(character)) {
            return Err(malformed("a character that XML excludes"));
        }
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(malformed("text outside of the root")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, Failure> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(malformed("an element is not closed")),
        }
    }
}

/// Whether XML 1.0 lets a document hold the character.
pub(super) fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn character(reference: &BytesRef<'_>) -> Result<char, Failure> {
    let numbered = reference.resolve_char_ref().map_err(|cause| malformed(cause.to_string()))?;
    let named = || match reference.xml10_content().as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    };
    numbered.or_else(named).ok_or_else(|| malformed("an entity that is not predefined"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop, proptest};

    use super::*;

    fn code(document: &[u8]) -> FailureCode {
        read(document, "A").unwrap_err().code
    }

    #[test]
    fn reads_elements_whatever_their_namespace() {
        let text = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<x:A xmlns:x='u' k=\"v\"><!-- c -->\
                    <B> a&lt;&#x62;&#99;<![CDATA[<d>]]> </B><C/></x:A>\n";
        let root = read(text.as_bytes(), "A").unwrap();
        assert_eq!(root.one("B").unwrap().text(), " a<bc<d> ");
        assert_eq!(root.one("B").unwrap().word(), "a<bc<d>");
        assert_eq!(root.child_word("C").unwrap(), None);
        assert_eq!(root.one("D").unwrap_err().code, FailureCode::MalformedXml);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        assert_eq!(code(b"  \n"), FailureCode::MissingBody);
        for text in [
            "<A>",
            "<A></B>",
            "</A>",
            "<A/><A/>",
            "<A/>x",
            "x<A/>",
            "text",
            "<B/>",
            "<A>&unknown;</A>",
            "<A>&#0;</A>",
            "<A>&</A>",
            "<A>\u{1}</A>",
            "<!DOCTYPE A [<!ENTITY e \"x\">]><A>&e;</A>",
            "<A",
        ] {
            assert_eq!(code(text.as_bytes()), FailureCode::MalformedXml, "{text}");
        }
        assert_eq!(code(b"<A>\xff</A>"), FailureCode::MalformedXml);
    }

    #[test]
    fn bombs_are_refused() {
        let deep = format!("<A>{}{}</A>", "<B>".repeat(DEPTH_MAX), "</B>".repeat(DEPTH_MAX));
        assert_eq!(code(deep.as_bytes()), FailureCode::MalformedXml);
        let many = format!("<A>{}</A>", "<B/>".repeat(ELEMENTS_MAX));
        assert_eq!(code(many.as_bytes()), FailureCode::MalformedXml);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[<>/A-C&;!\\[\\]'\"? -]{0,60}") {
            let _ = read(&bytes, "A");
            let _ = read(text.as_bytes(), "A");
        }
    }
}
