//! Why something could not be sealed or opened.

/// The failures of this crate. The reading ones tell three remedies apart: bring another key
/// ([`Error::WrongKey`]), restore a backup ([`Error::Refused`], [`Error::Commitment`], [`Error::Malformed`]), or use a
/// newer program ([`Error::UnknownSuite`], [`Error::UnknownVersion`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A chunk that is not the last has not exactly [`CHUNK`](crate::CHUNK) bytes, or the last one is empty though
    /// it is not the only one, or too long (FORMAT.md §5).
    #[error("a chunk of {0} plaintext bytes is not allowed at this place")]
    ChunkLength(usize),
    /// The unwrapped data key is not the one the envelope committed to (FORMAT.md §9).
    #[error("the data key does not match its commitment")]
    Commitment,
    /// The part's last chunk was sealed already.
    #[error("the part has ended")]
    Ended,
    /// A key has a length its use does not allow (FORMAT.md §3, §8).
    #[error("a key has the wrong length for its use")]
    KeyLength,
    /// The bytes do not follow the layout; the text names the record.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A range that is empty, reversed or not within the part or object.
    #[error("the range is not within the data")]
    Range,
    /// The tag is wrong: the bytes were changed, moved, or belong to another identity.
    #[error("refused: not what was sealed here")]
    Refused,
    /// A limit of FORMAT.md §13 is passed; the text names it.
    #[error("{0} is too large")]
    TooLarge(&'static str),
    /// The suite is not known or not allowed in this place (FORMAT.md §3).
    #[error("unknown or unsuitable suite {0}")]
    UnknownSuite(u8),
    /// The record has a format version this crate does not read (FORMAT.md §15).
    #[error("unknown format version {0}")]
    UnknownVersion(u8),
    /// The key-encryption key is not the one that wrapped this key (FORMAT.md §8).
    #[error("wrapped under another key")]
    WrongKey,
}
