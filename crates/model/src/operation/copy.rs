//! Copies: a read of one object into the write of another.

use super::object::{GetObject, PutObject};
use super::symlink::Links;
use super::upload::WritePart;
use crate::action::Required;
use crate::checksum::ChecksumAlgorithm;

/// Write an object whose bytes are another's. What the target is sealed with follows from the target's wish and the
/// target's bucket, and never from the source.
#[derive(Debug)]
pub struct CopyObject {
    /// What is read. Its conditions are those on the source.
    pub source: GetObject,
    /// What is written. Its metadata are those of the request, which count as `metadata_from` says; its `keep` is empty, as
    /// `checksums` say what is kept.
    pub target: PutObject,
    /// Where the target's metadata come from.
    pub metadata_from: MetadataFrom,
    /// Where its tags come from.
    pub tags_from: MetadataFrom,
    /// Which checksums the target keeps.
    pub checksums: CopiedChecksums,
    /// What a copy of an object onto itself must be.
    pub onto_itself: OntoItself,
    /// How an unmet condition on the source is answered that says "only if it is another than I have".
    pub unchanged: Unchanged,
    /// What becomes of a source that is a symbolic link.
    pub links: Links,
}

/// Write a part whose bytes are an object's, or a range of them.
#[derive(Debug)]
pub struct CopyPart {
    /// What is read.
    pub source: GetObject,
    /// What is written.
    pub part: WritePart,
    /// As in [`CopyObject`].
    pub unchanged: Unchanged,
}

/// Where a copy's metadata come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataFrom {
    /// From the source.
    Source,
    /// From the request.
    Request,
}

/// Which checksums a copy keeps. All are computed anew, over the whole of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopiedChecksums {
    /// This one and no other.
    Only(ChecksumAlgorithm),
    /// Those that the source has; if it has none, this one.
    OfSource {
        /// The checksum of a copy whose source has none.
        otherwise: Option<ChecksumAlgorithm>,
    },
}

/// What a copy of an object onto itself must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OntoItself {
    /// Anything; its metadata are always those of the request (OSS).
    Replaces,
    /// It must change something: metadata, storage class or encryption (S3).
    Changes,
    /// The same, and it must not leave in the clear what was encrypted (OBS).
    ChangesAndStaysEncrypted,
}

/// How an unmet `If-None-Match` or `If-Modified-Since` on a copy's source is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchanged {
    /// As any unmet condition: 412.
    Failed,
    /// As that of a read: 304 (OSS).
    NotModified,
}

impl CopyObject {
    /// The largest source of one copy in bytes, as the services state it: 5 GiB. Larger ones are copied in parts.
    pub const SOURCE_BYTES_MAX: u64 = 5 << 30;

    /// A read of the source and a write of the target.
    pub(super) fn required(&self) -> Vec<Required> {
        [vec![self.source.required()], self.target.required()].concat()
    }
}
