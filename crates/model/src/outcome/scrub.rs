//! What a scrub has looked at, and what it has found.

use crate::name::BucketName;
use crate::outcome::job::JobState;
use crate::time::Timestamp;

/// How far the last scrub came, or has come so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Whether it goes on.
    pub state: JobState,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended, or was last seen to go on.
    pub ended: Option<Timestamp>,
    /// What there was to look at when it began.
    pub expected: ScrubTally,
    /// What it has looked at.
    pub done: ScrubTally,
    /// Blobs that were held against the rows that name them.
    pub blobs: u64,
    /// The buckets that it has come to, in the order of their names.
    pub buckets: Vec<ScrubbedBucket>,
    /// What is wrong: the first of them, as far as there is room.
    pub findings: Vec<Finding>,
    /// How many things are wrong.
    pub found: u64,
}

/// An amount of objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScrubTally {
    /// Object versions.
    pub versions: u64,
    /// Bytes of plaintext in them.
    pub bytes: u64,
}

/// What a scrub has to say of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrubbedBucket {
    /// Which.
    pub bucket: BucketName,
    /// What it holds.
    pub tally: ScrubTally,
    /// Versions among these that only a customer's key opens: their bytes are all there, and could not be opened.
    pub closed: u64,
    /// What is wrong in it.
    pub found: u64,
}

/// Something that is not as it was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of trouble.
    pub trouble: Trouble,
    /// In which bucket, if in one.
    pub bucket: Option<BucketName>,
    /// Under which key, if under one.
    pub key: Option<String>,
    /// The store's own id of the version in hex, if it is a version's.
    pub version: Option<String>,
    /// The blob, if it is one's.
    pub blob: Option<String>,
    /// What was seen, for people.
    pub detail: String,
}

/// A kind of trouble with what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A row of the catalog does not open, or rows that belong together do not agree.
    Rows,
    /// The bytes are well or not, but their master key does not open them now: it is disabled, or on its way out, or gone.
    Key,
    /// The envelope or the manifest is damaged.
    Envelope,
    /// A blob is gone, or too short.
    Blob,
    /// A blob's header is damaged: the object can be read, but would not be recovered if the catalog were lost.
    Header,
    /// Bytes do not authenticate.
    Bytes,
    /// A blob that no row names.
    Orphan,
}

impl Trouble {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Key => "key",
            Self::Envelope => "envelope",
            Self::Blob => "blob",
            Self::Header => "header",
            Self::Bytes => "bytes",
            Self::Orphan => "orphan",
        }
    }
}
