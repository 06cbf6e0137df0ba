//! Backups: all rows of the catalog as they were at one moment and, if asked for, the blobs that they need, in one sealed file
//! (FORMAT.md §18). One is taken while requests are served, and restored into an empty data folder with the root key alone.

mod error;
mod inventory;
mod read;
mod restore;
mod write;

use strongroom_model::time::Timestamp;
use strongroom_seal::{AES_256_GCM, ContentKey, KeyBytes, PartId, Salt};

use crate::kms::{Root, own_place};

pub use error::RestoreError;
pub(crate) use inventory::Inventory;
pub use restore::{MissingBlob, Progress, Restore, Restored, Stage, restore};
pub(crate) use write::{Parts, begin};

/// Begins every backup: 0x93 "SRBKUP" LF.
const MAGIC: [u8; 8] = *b"\x93SRBKUP\n";

/// The version of the layout, which is in every derivation by way of the wrap's place.
const VERSION: u8 = 1;

/// Bytes of a head without its key: magic, version, suite, five numbers, salt.
const FACTS_BYTES: usize = 8 + 1 + 1 + 5 * 8 + 32;

/// Bytes of an AES-256 key wrapped under another (FORMAT.md §8).
const WRAPPED_BYTES: usize = 98;

/// Bytes of a head.
const HEAD_BYTES: usize = FACTS_BYTES + WRAPPED_BYTES;

/// What stands at the beginning of a backup. It can be read by anyone, and changed by nobody: the key of the rest is
/// bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The moment of the snapshot.
    pub(crate) created: Timestamp,
    /// The number of the last commit in it.
    pub(crate) sequence: u64,
    /// Rows in it.
    pub(crate) rows: u64,
    /// Blobs in it.
    pub(crate) blobs: u64,
    /// Bytes of plaintext behind the head.
    pub(crate) length: u64,
    /// Of the one part that the rest is.
    pub(crate) salt: Salt,
}

/// What begins each entry of the plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    /// The metadata key: 32 bytes. Once, first.
    MetadataKey = 1,
    /// A row: its key and its value, behind their lengths (2 and 4 bytes).
    Row = 2,
    /// A blob: its id, its length (8 bytes), and its bytes.
    Blob = 3,
}

impl Tag {
    fn of(byte: u8) -> Option<Self> {
        [Self::MetadataKey, Self::Row, Self::Blob].into_iter().find(|tag| *tag as u8 == byte)
    }
}

/// Bytes of the entry that holds the metadata key.
const KEY_ENTRY: u64 = 1 + 32;

/// Bytes of a row's entry besides key and value.
const ROW_ENTRY: u64 = 1 + 2 + 4;

/// Bytes of a blob's entry besides its own.
const BLOB_ENTRY: u64 = 1 + 16 + 8;

impl Head {
    fn facts(&self) -> [u8; FACTS_BYTES] {
        let mut facts = Vec::with_capacity(FACTS_BYTES);
        facts.extend_from_slice(&MAGIC);
        facts.extend_from_slice(&[VERSION, AES_256_GCM.id]);
        facts.extend_from_slice(&self.created.millis().to_be_bytes());
        for number in [self.sequence, self.rows, self.blobs, self.length] {
            facts.extend_from_slice(&number.to_be_bytes());
        }
        facts.extend_from_slice(&self.salt);
        facts.try_into().expect("the fields have these lengths")
    }

    /// The place for which the key of the rest is wrapped: it says all that the head says.
    fn place(&self) -> String {
        format!("backup/{}", hex::encode(self.facts()))
    }

    /// The head as it is written, `wrapped` being the key of the rest.
    fn encode(&self, wrapped: &[u8]) -> Vec<u8> {
        [&self.facts()[..], wrapped].concat()
    }

    /// Reads a head, and opens the key of the rest.
    fn decode(head: &[u8; HEAD_BYTES], root: &Root) -> Result<(Self, ContentKey), RestoreError> {
        let (facts, wrapped) = head.split_at(FACTS_BYTES);
        if facts[..8] != MAGIC {
            return Err(RestoreError::Foreign);
        }
        if facts[8] != VERSION || facts[9] != AES_256_GCM.id {
            return Err(RestoreError::Newer { found: facts[8] });
        }
        let number = |at: usize| {
            let bytes = facts[10 + 8 * at..18 + 8 * at].try_into().expect("eight bytes are eight bytes");
            u64::from_be_bytes(bytes)
        };
        let head = Self {
            created: Timestamp::from_millis(number(0).cast_signed()),
            sequence: number(1),
            rows: number(2),
            blobs: number(3),
            length: number(4),
            salt: facts[50..].try_into().expect("the salt ends the facts"),
        };
        let key = head.unwrap(root, wrapped)?;
        Ok((head, key))
    }

    fn unwrap(&self, root: &Root, wrapped: &[u8]) -> Result<ContentKey, RestoreError> {
        match root.unwrap_if_ours(&own_place(&self.place()), wrapped) {
            Ok(Some(key)) => Ok(content_key(key)),
            Ok(None) => Err(RestoreError::WrongRoot { provider: root.provider().to_owned() }),
            Err(_) => Err(RestoreError::Damaged { at: 0 }),
        }
    }

    fn part(&self) -> PartId {
        PartId { salt: self.salt, number: 1 }
    }
}

fn content_key(key: KeyBytes) -> ContentKey {
    ContentKey::fresh(&AES_256_GCM, key).expect("a wrapped key of a backup has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Laid out by hand from FORMAT.md §18.
    #[test]
    fn a_head_says_what_the_format_says() {
        let head =
            Head { created: Timestamp::from_millis(1), sequence: 2, rows: 3, blobs: 4, length: 5, salt: [0x66; 32] };
        let expected = format!(
            "93535242 4b55500a 01 01 {:016x} {:016x} {:016x} {:016x} {:016x} {}",
            1,
            2,
            3,
            4,
            5,
            "66".repeat(32)
        );
        assert_eq!(hex::encode(head.facts()), expected.replace(' ', ""));
    }
}
