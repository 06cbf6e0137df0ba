//! Inventories: reports of what a bucket holds, written into a bucket from time to time.

mod report;

use crate::key::KeyReference;
use crate::name::{BucketName, ObjectKey};
use crate::time::Timestamp;

pub use report::{ReportFile, ReportRow, ReportedContent, ReportedObject};

/// The name of an inventory, unique in its bucket: 1 to 64 letters, digits, or any of `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InventoryId(String);

/// Text that is no name of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an inventory")]
pub struct InvalidInventoryId;

/// What an inventory reports, how often, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Its name.
    pub id: InventoryId,
    /// Whether reports are written.
    pub enabled: bool,
    /// In whose form.
    pub form: ReportForm,
    /// Of which objects.
    pub filter: InventoryFilter,
    /// How often.
    pub frequency: Frequency,
    /// Whether all versions are listed, rather than the current ones.
    pub all_versions: bool,
    /// What is told of each object besides its name, in the order of the document.
    pub fields: Vec<InventoryField>,
    /// Where reports go.
    pub destination: Destination,
}

/// In the form of whose service a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportForm {
    /// Amazon S3's.
    Amazon,
    /// Alibaba Cloud OSS's.
    Alibaba,
    /// Huawei Cloud OBS's.
    Huawei,
}

/// Which objects an inventory lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InventoryFilter {
    /// Keys that begin so.
    pub prefix: String,
    /// Objects written at this time or later.
    pub modified_from: Option<Timestamp>,
    /// Objects written at this time or before.
    pub modified_to: Option<Timestamp>,
    /// Objects of at least so many bytes.
    pub least: Option<u64>,
    /// Objects of at most so many bytes.
    pub most: Option<u64>,
}

/// How often reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// After every midnight (UTC).
    Daily,
    /// After the midnight (UTC) with which Sunday begins.
    Weekly,
}

/// Where reports go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Into which bucket.
    pub bucket: BucketName,
    /// What their keys begin with; empty for nothing.
    pub prefix: String,
    /// How they are encrypted; none is as the bucket says.
    pub encryption: Option<ReportEncryption>,
    /// The account that the document names as the bucket's owner. Told again, and otherwise of no meaning.
    pub account: Option<String>,
    /// The role that the document names to write them (OSS). Told again, and otherwise of no meaning: reports are written as
    /// by the owner of the bucket that is listed.
    pub role: Option<String>,
}

/// How reports are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportEncryption {
    /// By a key that the service manages.
    Managed,
    /// By a customer master key; none is the account's default key.
    Kms(Option<KeyReference>),
}

/// Something that an inventory tells of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are those of the services' documents, or say the same in other words")]
pub enum InventoryField {
    Size,
    LastModified,
    ETag,
    StorageClass,
    IsMultipart,
    ReplicationStatus,
    EncryptionStatus,
    RetainUntil,
    LockMode,
    LegalHold,
    AccessTier,
    BucketKeyStatus,
    ChecksumAlgorithm,
    Owner,
    TransitionTime,
    TagCount,
    Kind,
    Crc64,
    VersionId,
}

/// The words for the fields; the services call the same thing the same.
const FIELDS: [(&str, InventoryField); 19] = [
    ("Size", InventoryField::Size),
    ("LastModifiedDate", InventoryField::LastModified),
    ("ETag", InventoryField::ETag),
    ("StorageClass", InventoryField::StorageClass),
    ("IsMultipartUploaded", InventoryField::IsMultipart),
    ("ReplicationStatus", InventoryField::ReplicationStatus),
    ("EncryptionStatus", InventoryField::EncryptionStatus),
    ("ObjectLockRetainUntilDate", InventoryField::RetainUntil),
    ("ObjectLockMode", InventoryField::LockMode),
    ("ObjectLockLegalHoldStatus", InventoryField::LegalHold),
    ("IntelligentTieringAccessTier", InventoryField::AccessTier),
    ("BucketKeyStatus", InventoryField::BucketKeyStatus),
    ("ChecksumAlgorithm", InventoryField::ChecksumAlgorithm),
    ("ObjectOwner", InventoryField::Owner),
    ("TransitionTime", InventoryField::TransitionTime),
    ("TaggingCount", InventoryField::TagCount),
    ("ObjectType", InventoryField::Kind),
    ("Crc64", InventoryField::Crc64),
    ("VersionId", InventoryField::VersionId),
];

impl InventoryId {
    /// The longest name in characters, as S3 states it.
    pub const LENGTH_MAX: usize = 64;

    /// The name, if it is one.
    ///
    /// # Errors
    /// [`InvalidInventoryId`].
    pub fn parse(text: &str) -> Result<Self, InvalidInventoryId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        match text.len() {
            1..=Self::LENGTH_MAX if text.bytes().all(allowed) => Ok(Self(text.to_owned())),
            _ => Err(InvalidInventoryId),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Inventory {
    /// The inventories that a bucket may have, as S3 and OSS state it.
    pub const COUNT_MAX: usize = 1000;

    /// The most that one page of a listing shows, as the services state it.
    pub const PAGE: usize = 100;

    /// A key that reports of `source` have: whoever orders them must be allowed to write it.
    pub fn some_key(&self, source: &BucketName) -> Option<ObjectKey> {
        ObjectKey::parse(&format!("{}manifest.json", self.folder(source))).ok()
    }
}

impl InventoryField {
    /// The field of that word.
    pub fn parse(word: &str) -> Option<Self> {
        FIELDS.iter().find(|(known, _)| *known == word).map(|(_, field)| *field)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        FIELDS.iter().find(|(_, field)| *field == self).map_or("", |(word, _)| word)
    }
}

impl Frequency {
    /// Whether a report is due at `now`, when the last one was written, or the inventory made, at `last`.
    pub fn is_due(self, last: Timestamp, now: Timestamp) -> bool {
        const DAY_MS: i64 = crate::lifecycle::DAY_MS;
        // The first of January 1970 was a Thursday, so that the third day after it was a Sunday.
        let (period, first) = match self {
            Self::Daily => (DAY_MS, 0),
            Self::Weekly => (7 * DAY_MS, 3 * DAY_MS),
        };
        let number = |at: Timestamp| (at.millis() - first).div_euclid(period);
        number(last) != number(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_plain() {
        for text in ["a", "Report-1_2.3", &"i".repeat(64)] {
            assert_eq!(InventoryId::parse(text).unwrap().as_str(), text);
        }
        for text in ["", &"i".repeat(65), "a b", "a/b", "é"] {
            assert_eq!(InventoryId::parse(text), Err(InvalidInventoryId), "{text}");
        }
    }

    #[test]
    fn every_field_has_its_word() {
        for (word, field) in FIELDS {
            assert_eq!((InventoryField::parse(word), field.word()), (Some(field), word));
        }
        assert_eq!(InventoryField::parse("Colour"), None);
    }

    /// 2026-11-22 was a Sunday.
    #[test]
    fn reports_are_due_after_midnight_and_after_saturday() {
        let at = |day: i64, hour: i64| Timestamp::from_millis((20_779 + day) * 86_400_000 + hour * 3_600_000);
        assert_eq!(at(0, 0).to_string(), "2026-11-22T00:00:00.000Z");
        for (frequency, last, now, due) in [
            (Frequency::Daily, at(0, 5), at(0, 23), false),
            (Frequency::Daily, at(0, 5), at(1, 0), true),
            (Frequency::Daily, at(1, 0), at(1, 5), false),
            (Frequency::Weekly, at(0, 0), at(6, 23), false),
            (Frequency::Weekly, at(0, 0), at(7, 0), true),
            (Frequency::Weekly, at(-1, 23), at(0, 0), true),
            (Frequency::Daily, at(400, 0), at(0, 5), true),
            (Frequency::Weekly, at(400, 0), at(0, 5), true),
        ] {
            assert_eq!(frequency.is_due(last, now), due, "{frequency:?} {last} {now}");
        }
    }
}
