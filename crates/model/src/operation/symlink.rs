//! Symbolic links: objects that stand for another one of their bucket.

use super::object::PutObject;
use crate::action::Required;
use crate::name::ObjectKey;

/// Write a symbolic link. Whether there is a target, and who may read it, is looked at when the link is read.
#[derive(Debug)]
pub struct PutSymlink {
    /// The link. It has no bytes, and so neither an encryption nor digests.
    pub link: PutObject,
    /// The object that it stands for.
    pub target: ObjectKey,
}

/// Whether what reads a link gets the link, or what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// What it stands for.
    Followed,
    /// The link itself (the source of a copy in OSS).
    Taken,
}

impl PutSymlink {
    /// A write as any other.
    pub(super) fn required(&self) -> Vec<Required> {
        self.link.required()
    }
}
