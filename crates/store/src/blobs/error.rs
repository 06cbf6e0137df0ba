//! What can go wrong with a blob store, in the kinds that a caller can act on.

use std::{error::Error, io, path::PathBuf};

use super::BlobId;

/// Trouble with one call.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("blob {0} does not exist")]
    NotFound(BlobId),
    /// The id is taken; the blob under it is untouched.
    #[error("blob {0} exists already")]
    AlreadyExists(BlobId),
    /// The range asked for does not lie within the blob, or the blob was cut off while it was read: since rows name only
    /// blobs wholly stored, it was damaged since.
    #[error("blob {id} has {len} bytes, where {wanted} were wanted")]
    Short {
        /// The blob.
        id: BlobId,
        /// Its length.
        len: u64,
        /// The length that the range asked for.
        wanted: u64,
    },
    /// The bytes handed in ended in an error; the blob was abandoned. Not the store's fault.
    #[error("the bytes to be stored ended in an error")]
    Stream(#[source] io::Error),
    /// The store is full.
    #[error("no space is left for blobs")]
    NoSpace(#[source] Box<dyn Error + Send + Sync>),
    /// The store is not available now, or not at all; a later call may succeed.
    #[error("the blob store is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Another process has the store open.
    #[error("{} is in use by another process: stop that process, or choose another folder", path.display())]
    InUse {
        /// The store's folder.
        path: PathBuf,
    },
}

impl BlobError {
    /// As an item of a stream: the kind says whether bytes are missing or the store is.
    pub(super) fn into_io(self) -> io::Error {
        let kind = match self {
            Self::NotFound(_) => io::ErrorKind::NotFound,
            Self::Short { .. } => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, self)
    }
}
