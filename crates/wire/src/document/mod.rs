//! XML in and out: one bounded reader, one writer.

pub(crate) mod acl;
pub(crate) mod completion;
pub(crate) mod cors;
pub(crate) mod creation;
pub(crate) mod deletion;
pub(crate) mod encryption;
pub(crate) mod inventory;
pub(crate) mod lifecycle;
pub(crate) mod lock;
pub(crate) mod public_access;
pub(crate) mod reader;
pub(crate) mod storage;
pub(crate) mod tagging;
pub(crate) mod versioning;
pub(crate) mod writer;

use strongroom_model::failure::{Failure, FailureCode};

/// The longest document that configures a bucket, in bytes: the services state 20 KB for the longest of them.
pub(crate) const SETTING_LIMIT: usize = 64 * 1024;

/// The longest document of lifecycle rules, in bytes: a thousand rules with a prefix of 1,024 bytes and a few tags each.
pub(crate) const LIFECYCLE_LIMIT: usize = 2 * 1024 * 1024;

/// The longest document of a batch deletion, in bytes: a thousand keys of 1,024 bytes, escaped, and their versions.
pub(crate) const DELETION_LIMIT: usize = 2 * 1024 * 1024;

/// The longest document that completes an upload, in bytes: ten thousand parts with number, tag and checksum, and room for white
/// space.
pub(crate) const COMPLETION_LIMIT: usize = 4 * 1024 * 1024;

/// An element of a document that was read. Namespaces and attributes are left out: no dialect needs them, and SDKs
/// differ in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Its name without a prefix.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its text as it stands.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Its text without the white space around it.
    pub(crate) fn word(&self) -> &str {
        self.text.trim()
    }

    /// All its children.
    pub(crate) fn children(&self) -> &[Self] {
        &self.children
    }

    /// Its children of that name.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Its only child of that name.
    ///
    /// # Errors
    /// `MalformedXml` if there are more.
    pub(crate) fn at_most_one<'e>(&'e self, name: &'e str) -> Result<Option<&'e Self>, Failure> {
        let mut found = self.all(name);
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            (_, Some(_)) => Err(malformed(format!("more than one {name}"))),
        }
    }

    /// Its only child of that name, which it must have.
    ///
    /// # Errors
    /// `MalformedXml` if there is none or more.
    pub(crate) fn one<'e>(&'e self, name: &'e str) -> Result<&'e Self, Failure> {
        self.at_most_one(name)?.ok_or_else(|| malformed(format!("no {name}")))
    }

    /// The text of its only child of that name, without white space around it; an empty one is as good as none.
    ///
    /// # Errors
    /// `MalformedXml` if there are more.
    pub(crate) fn child_word<'e>(&'e self, name: &'e str) -> Result<Option<&'e str>, Failure> {
        Ok(self.at_most_one(name)?.map(Self::word).filter(|word| !word.is_empty()))
    }

    /// What its only child of that name says: `true` or `false`; none is false.
    ///
    /// # Errors
    /// `MalformedXml` if it says anything else.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.child_word(name)? {
            None => Ok(false),
            Some(word) if word.eq_ignore_ascii_case("true") => Ok(true),
            Some(word) if word.eq_ignore_ascii_case("false") => Ok(false),
            Some(word) => Err(malformed(format!("{name} is {word}"))),
        }
    }
}

/// `MalformedXml`, with the reason for the log.
pub(crate) fn malformed(reason: impl Into<String>) -> Failure {
    Failure::new(FailureCode::MalformedXml).caused_by(reason.into())
}
