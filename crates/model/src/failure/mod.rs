//! What can go wrong, as a caller may see it.

mod code;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::key::KeyName;
use crate::name::VersionId;

pub use code::FailureCode;

/// A request that failed: one thing to encode, one thing to log.
///
/// `source` is for the log alone; the answer is made of the rest.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure.
    pub code: FailureCode,
    /// Words for the caller in place of the dialect's usual ones.
    pub message: Option<Cow<'static, str>>,
    /// What the failure is about; the dialect's words may name it.
    pub subject: Option<Subject>,
    /// Further elements of the error document (`ArgumentName`, …).
    pub details: Vec<(&'static str, String)>,
    /// The delete marker that was found in place of an object: answers name it in their headers.
    pub marker: Option<VersionId>,
    /// The cause, never shown to the caller.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// An error with all its causes, for the log: from the outermost to the first.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What a failure is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A customer master key that exists.
    Key(KeyName),
    /// A customer master key, or another thing, as the caller spelled it.
    Text(String),
}

impl Failure {
    /// A failure with the dialect's usual words.
    pub fn new(code: FailureCode) -> Self {
        Self { code, message: None, subject: None, details: Vec::new(), marker: None, source: None }
    }

    /// The same with other words for the caller.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The same, about `subject`.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The same with one more element of the error document.
    #[must_use]
    pub fn with_detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// The same, because of a delete marker.
    #[must_use]
    pub fn at_marker(mut self, marker: VersionId) -> Self {
        self.marker = Some(marker);
        self
    }

    /// The same with its cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<FailureCode> for Failure {
    fn from(code: FailureCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.code)?;
        self.message.iter().try_for_each(|message| write!(f, ": {message}"))
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_cause_for_the_log_alone() {
        let failure = Failure::new(FailureCode::Internal).caused_by("disk 3 is gone").with_message("try again");
        assert_eq!(failure.to_string(), "Internal: try again");
        assert_eq!(failure.source().map(ToString::to_string).as_deref(), Some("disk 3 is gone"));
    }
}
