//! A request, parsed once, believed by nobody yet.

use std::fmt;

use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::circumstance::RequestWords;
use strongroom_model::failure::Failure;
use strongroom_model::operation::Operation;

use crate::claim::Claim;
use crate::decode::digest::DocumentDigests;
use crate::form::FormReader;

/// What a request's head says: what is asked, and by whom.
#[derive(Debug)]
pub struct Intent {
    /// What is asked.
    pub asked: Asked,
    /// Who says to ask it.
    pub claim: Claim,
    /// What else the head says that a policy may test.
    pub words: RequestWords,
    /// The other reading of an ambiguous host, to be tried when the signature does not fit this one: `ali-oss` writes the
    /// bucket into the host whether or not it is in the path as well.
    pub alternative: Option<Box<Intent>>,
}

/// What is asked, as far as the head tells.
#[derive(Debug)]
pub enum Asked {
    /// All of it; no body is expected.
    Complete(Operation),
    /// All of it, and the body is an object's data.
    Streamed(Operation, StreamPlan),
    /// A document in the body completes it.
    Documented(Draft),
    /// The fields of a form in the body say all of it, and the form's file is the object's data. The claim is in the form
    /// too.
    Form(FormReader),
}

impl Asked {
    /// The operation's name, known before its body is.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Complete(operation) | Self::Streamed(operation, _) => operation.name(),
            Self::Documented(draft) => draft.name,
            Self::Form(_) => "PostObject",
        }
    }
}

/// How an object's data arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamPlan {
    /// Length of the data without its framing, in bytes, if it was declared.
    pub length: Option<u64>,
    /// How it is framed inside the HTTP body.
    pub framing: Framing,
}

/// How data is framed inside the HTTP body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// It is the body.
    Plain,
    /// In chunks of the `aws-chunked` encoding.
    AwsChunked {
        /// Whether every chunk carries a signature.
        signed: bool,
        /// The checksum that follows the last chunk.
        trailer: Option<ChecksumAlgorithm>,
    },
    /// It is the file of a form, which the form's policy may hold to a size.
    File {
        /// The fewest bytes.
        least: u64,
        /// The most bytes.
        most: u64,
    },
}

/// An operation that lacks its document.
pub struct Draft {
    /// The operation's name.
    pub name: &'static str,
    /// Greatest length of the document in bytes; a longer one is answered `DocumentTooLarge` by whoever reads it.
    pub limit: usize,
    digests: DocumentDigests,
    finish: Finish,
}

/// What turns a document into an operation.
pub(crate) type Finish = Box<dyn FnOnce(&[u8]) -> Result<Operation, Failure> + Send>;

impl Draft {
    pub(crate) fn new(name: &'static str, limit: usize, digests: DocumentDigests, finish: Finish) -> Self {
        Self { name, limit, digests, finish }
    }

    /// Holds `document` against the digests that the head declared and completes the operation with it.
    ///
    /// # Errors
    /// `BadDigest`, `MissingBody`, `MalformedXml`, or whatever its content is refused for.
    pub fn finish(self, document: &[u8]) -> Result<Operation, Failure> {
        self.digests.verify(document)?;
        (self.finish)(document)
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({}, up to {} bytes)", self.name, self.limit)
    }
}
