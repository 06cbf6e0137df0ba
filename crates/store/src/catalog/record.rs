//! Typed rows: which families there are, how a record is spelled, and how it comes from its previous version.
//!
//! A record is stored as its version byte and its postcard form, sealed by [`super::sealing`]. The first byte of its
//! catalog key is its family, and the key is authenticated with the value, so a value can never be read as a record of
//! another family. Released versions are never changed: a change of a record is a new type with [`Record::VERSION`] one
//! higher, the old type as [`Record::Previous`], and a golden file of the old version in the tests.

use std::{fmt, marker::PhantomData};

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::kv::KeyRange;

/// The kinds of rows; the number is the first byte of their catalog keys and never changes. docs/CATALOG.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Family {
    /// What the catalog is, and the proof that the metadata key opens it.
    Head = 0x01,
    /// Which root key wraps the master keys.
    Root = 0x10,
    /// Master keys, by id.
    Key = 0x11,
    /// The ids of an account's master keys, in the order of creation.
    KeyOfAccount = 0x12,
    /// Aliases of master keys.
    KeyAlias = 0x13,
    /// The keys of an account that answer without being named.
    StandingKey = 0x14,
    /// Master keys with which something is to be done, in the order of its time.
    KeyDue = 0x15,
    /// Grants on master keys, by account, key and id.
    Grant = 0x16,
    /// Accounts, by number.
    Account = 0x20,
    /// Users of an account, by name.
    User = 0x21,
    /// Access keys, by id.
    AccessKey = 0x22,
    /// Policies of an account, by name.
    Policy = 0x23,
    /// Groups of an account, by name.
    Group = 0x24,
    /// Temporary access keys, which are in no row: the number keeps their sealed form apart from all others.
    Token = 0x25,
    /// Buckets, by name.
    Bucket = 0x30,
    /// Whether a bucket may be written to, by bucket id.
    BucketLife = 0x31,
    /// The names of an account's buckets.
    BucketOfAccount = 0x32,
    /// The lifecycle rules of a bucket, by bucket id.
    Lifecycle = 0x33,
    /// The inventories of a bucket, by bucket id.
    Inventories = 0x34,
    /// The latest version of each key as listings show it, by bucket id and key.
    Object = 0x40,
    /// The rest of every object version, its sealed bytes included if they are few, by bucket id, key and version.
    Content = 0x41,
    /// The versions that are not the latest any more, by bucket id and key, newest first.
    Noncurrent = 0x42,
    /// Object versions whose records were found by a recovery, until it has rebuilt them; else the number keeps records of
    /// versions in blobs apart from all rows.
    VersionRecord = 0x43,
    /// Open multipart uploads, by bucket id, key and upload id.
    Upload = 0x48,
    /// Parts of uploads, by upload id and number.
    Part = 0x49,
    /// Uploads that have ended and of which parts may be left, by id.
    EndedUpload = 0x4a,
    /// Blobs that are being written, by id.
    PendingBlob = 0x50,
    /// Blobs that belong to an object version, by id.
    LiveBlob = 0x51,
    /// Blobs to be removed, by the object version that they belonged to.
    DeadBlobs = 0x52,
    /// Times until which no blob is removed, by the backup that asks for it.
    BlobHold = 0x53,
    /// How far the scrub is.
    Scrub = 0x70,
    /// How far the lifecycle rules are followed.
    LifecycleRun = 0x71,
}

impl Family {
    /// Whether its records may hold what must not be seen: then the bytes that they are read from are wiped. Rows of objects hold
    /// what is sealed, or wrapped, and what listings and answers show.
    pub(super) fn holds_secrets(self) -> bool {
        !matches!(self, Self::Object | Self::Content | Self::Noncurrent)
    }
}

/// What a row holds.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// The rows that hold it.
    const FAMILY: Family;
    /// The version of this type, from 1.
    const VERSION: u8;
    /// The type before this one; [`Never`] for version 1.
    type Previous: Record;

    /// This type's form of what the type before it held.
    fn from_previous(previous: Self::Previous) -> Self;
}

/// What came before version 1. No value of it exists, so `match previous {}` is the whole of `from_previous`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Never {}

impl Record for Never {
    /// Never looked at: nothing is read or written as this type.
    const FAMILY: Family = Family::Head;
    const VERSION: u8 = 0;
    type Previous = Self;

    fn from_previous(previous: Self) -> Self {
        previous
    }
}

/// Makes a type the first version of its family's record.
macro_rules! first_version {
    ($record:ty, $family:expr) => {
        impl $crate::catalog::record::Record for $record {
            const FAMILY: $crate::catalog::record::Family = $family;
            const VERSION: u8 = 1;
            type Previous = $crate::catalog::record::Never;

            fn from_previous(previous: $crate::catalog::record::Never) -> Self {
                match previous {}
            }
        }
    };
}
pub(crate) use first_version;

/// Why bytes that opened well are no record of the type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A newer program wrote it.
    #[error("a record has version {found}, and this program knows none above {known}")]
    Newer {
        /// The record's version.
        found: u8,
        /// The greatest version known.
        known: u8,
    },
    /// No version of the type is spelled like this.
    #[error("a record is malformed")]
    Malformed,
}

/// The stored form of `record`. It may hold secrets, so it is wiped when dropped.
pub(crate) fn encode<R: Record>(record: &R) -> Zeroizing<Vec<u8>> {
    let encoded = postcard::to_extend(record, vec![R::VERSION]);
    Zeroizing::new(encoded.expect("records consist of what postcard can spell, and a vector takes all of it"))
}

/// The record stored as `bytes`, brought up to the version of `R`.
///
/// # Errors
/// See [`RecordError`].
pub(crate) fn decode<R: Record>(bytes: &[u8]) -> Result<R, RecordError> {
    match bytes.split_first() {
        Some((version, _)) if *version > R::VERSION => Err(RecordError::Newer { found: *version, known: R::VERSION }),
        Some((version, body)) if *version > 0 => decode_version(*version, body),
        _ => Err(RecordError::Malformed),
    }
}

/// `version` is at least 1 and at most `R`'s, so the descent ends before [`Never`].
fn decode_version<R: Record>(version: u8, body: &[u8]) -> Result<R, RecordError> {
    if version < R::VERSION {
        return decode_version::<R::Previous>(version, body).map(R::from_previous);
    }
    match postcard::take_from_bytes(body) {
        Ok((record, [])) => Ok(record),
        _ => Err(RecordError::Malformed),
    }
}

/// The catalog key of a row that holds an `R`.
pub(crate) struct Key<R> {
    bytes: Bytes,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Key<R> {
    /// The family's byte, then `parts` one after the other. Parts of varying length must be the last, or tell their end.
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        Self::from_bytes([&[R::FAMILY as u8], parts.concat().as_slice()].concat().into())
    }

    /// All keys of the family that begin with `parts`; none of `parts`, and it is the whole family.
    pub(crate) fn range(parts: &[&[u8]]) -> KeyRange {
        KeyRange::prefix(Self::new(parts).bytes)
    }

    /// The key itself, which a scan of the family found.
    pub(super) fn from_bytes(bytes: Bytes) -> Self {
        Self { bytes, record: PhantomData }
    }

    /// The key itself.
    pub(crate) fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What follows the family's byte.
    pub(crate) fn parts(&self) -> &[u8] {
        &self.bytes[1..]
    }
}

impl<R> Clone for Key<R> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), record: PhantomData }
    }
}

impl<R> fmt::Debug for Key<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.bytes.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Old {
        size: u32,
    }

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct New {
        size: u64,
        note: String,
    }

    impl Record for Old {
        const FAMILY: Family = Family::Account;
        const VERSION: u8 = 1;
        type Previous = Never;

        fn from_previous(previous: Never) -> Self {
            match previous {}
        }
    }

    impl Record for New {
        const FAMILY: Family = Family::Account;
        const VERSION: u8 = 2;
        type Previous = Old;

        fn from_previous(previous: Old) -> Self {
            Self { size: previous.size.into(), note: "was 1".into() }
        }
    }

    #[test]
    fn a_record_comes_back_and_an_older_one_comes_up() {
        let new = New { size: 7, note: "n".into() };
        assert_eq!(decode::<New>(&encode(&new)), Ok(new));
        assert_eq!(decode::<New>(&encode(&Old { size: 5 })), Ok(New { size: 5, note: "was 1".into() }));
    }

    #[test]
    fn what_is_newer_or_malformed_is_told_apart() {
        let newer = encode(&New { size: 7, note: String::new() });
        assert_eq!(decode::<Old>(&newer), Err(RecordError::Newer { found: 2, known: 1 }));
        for malformed in [&b""[..], b"\0", b"\0\x05", b"\x01", b"\x01\x05\x00", b"\x02\x05\x02n"] {
            assert_eq!(decode::<New>(malformed), Err(RecordError::Malformed), "{malformed:?}");
        }
    }

    #[test]
    fn keys_begin_with_their_family() {
        let key = Key::<Old>::new(&[b"a", b"bc"]);
        assert_eq!(key.as_bytes().as_ref(), b"\x20abc");
        assert_eq!(key.parts(), b"abc");
        assert_eq!(Key::<Old>::range(&[]), KeyRange::between(&b"\x20"[..], &b"\x21"[..]));
    }
}
