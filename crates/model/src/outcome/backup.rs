//! What is said of a backup before its bytes.

use crate::time::Timestamp;

/// A backup that is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupFacts {
    /// The moment that it shows.
    pub created: Timestamp,
    /// The number of the last commit that it shows.
    pub sequence: u64,
    /// Rows of the catalog in it.
    pub rows: u64,
    /// Blobs in it.
    pub blobs: u64,
    /// Blobs that rows need and the blob store has not.
    pub missing_blobs: u64,
    /// Bytes that it will have.
    pub length: u64,
}
