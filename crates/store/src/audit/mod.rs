//! The audit trail: who used which key for what, and who administered, in files that cannot be changed unnoticed.
//!
//! Lines of JSON, each naming the hash of the one before it; behind every group of them a signature, or a mark and soon a signature; beside
//! them a file that says, signed, where the trail ends. docs/AUDIT.md describes the format for who verifies it with a program of their own.

mod folder;
mod query;
mod record;
mod recovery;
mod signing;
mod trail;
mod verify;
mod writer;

use std::{error::Error, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::surroundings::EntropyError;

pub use query::query;
pub use record::{LINE_BYTES_MAX, Outcome, Record};
pub use signing::{PublicKey, claimed_key, public_key};
pub(crate) use trail::Trail;
pub use trail::{AuditError, AuditMetrics};
pub use verify::verify;

/// Bytes after which a segment is full: a minute of a busy server, and read again within a second at its start.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// The trail's folder in the data folder.
pub const FOLDER: &str = "audit";

/// How the trail is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Its folder; none is [`FOLDER`] in the data folder.
    pub folder: Option<PathBuf>,
    /// What happens while it cannot be written.
    pub on_failure: OnFailure,
    /// See [`SEGMENT_BYTES`].
    pub segment_bytes: u64,
    /// Whether a record counts only once it is synced. What stands on memory alone has no use for that.
    pub durable: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { folder: None, on_failure: OnFailure::default(), segment_bytes: SEGMENT_BYTES, durable: true }
    }
}

/// What happens while the trail cannot be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// No key is used and nothing is administered.
    #[default]
    Reject,
    /// Everything goes on; what is not recorded is counted.
    Continue,
}

/// Why the trail does not open; the text is meant for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error("another process writes the audit trail in {}", path.display())]
    InUse {
        /// Its folder.
        path: PathBuf,
    },
    /// There is a trail, and not the key that signs it.
    #[error("the audit trail in {} has no signing.key: put it back, or move the folder away", path.display())]
    KeyMissing {
        /// Its folder.
        path: PathBuf,
    },
    /// The key's file is not as it was written, or the root key is another one.
    #[error("the audit key {} does not open under this root key: put back the right one of both", path.display())]
    KeyDamaged {
        /// The file.
        path: PathBuf,
    },
    /// The file `head` is missing, or not what was signed.
    #[error(
        "the audit trail's file `head` is missing or was changed: run `strongroom audit verify`, then move the folder away"
    )]
    EndMissing,
    /// Lines that were signed are gone.
    #[error(
        "the audit trail ends at line {lines} and was signed up to line {signed}: run `strongroom audit verify`, then move the folder away"
    )]
    Truncated {
        /// The last line that is there.
        lines: u64,
        /// The last line that was.
        signed: u64,
    },
    /// Lines are not what was signed.
    #[error(
        "segment {segment} of the audit trail was changed: run `strongroom audit verify`, then move the folder away"
    )]
    Altered {
        /// Which.
        segment: u64,
    },
    /// The root key cannot wrap, or cannot be read.
    #[error("the audit key cannot be kept under the root key")]
    Root(#[source] Box<dyn Error + Send + Sync>),
    /// No key can be drawn.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The system refuses it.
    #[error("cannot use {} for the audit trail", path.display())]
    Io {
        /// The file, or the folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests;
