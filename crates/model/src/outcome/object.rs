//! Answers about objects.

use std::ops::Range;

use crate::checksum::Checksum;
use crate::encryption::AppliedEncryption;
use crate::etag::ETag;
use crate::failure::Failure;
use crate::lifecycle::ExpirationNotice;
use crate::lock::ObjectLock;
use crate::metadata::{ContentHeaders, ObjectKind, ObjectMetadata, StorageClass};
use crate::name::{ObjectKey, PartNumber, UploadId, VersionId};
use crate::operation::object::ObjectAttribute;
use crate::setting::ObjectSetting;
use crate::time::Timestamp;

/// The answer to an operation on objects.
#[derive(Debug)]
pub enum ObjectOutcome {
    /// Written.
    Put(ObjectWritten),
    /// Copied.
    Copied(ObjectCopied),
    /// Appended.
    Appended(ObjectAppended),
    /// The object grows no more.
    AppendSealed {
        /// The version, in a bucket that keeps versions.
        version: Option<VersionId>,
        /// Since when.
        at: Timestamp,
    },
    /// Where a symbolic link leads.
    Symlink(SymlinkRead),
    /// The metadata were changed; what is known of the object now.
    MetadataSet(ObjectFacts),
    /// The data key is wrapped under another master key.
    EncryptionUpdated {
        /// The version, in a bucket that keeps versions.
        version: Option<VersionId>,
    },
    /// The object; its bytes travel beside the answer.
    Read(ObjectRead),
    /// The object's metadata.
    Head(ObjectRead),
    /// What is true of the object whatever its writer said of it.
    Meta(ObjectRead),
    /// What is known of an object and its parts.
    Attributes(ObjectAttributes),
    /// Deleted, or not there.
    Deleted {
        /// The version as asked.
        version: Option<VersionId>,
        /// The delete marker that was made, or that was the version deleted.
        marker: Option<VersionId>,
    },
    /// A batch was deleted.
    ManyDeleted(ManyDeleted),
    /// A document of an object version.
    Setting {
        /// The version, in a bucket that keeps versions.
        version: Option<VersionId>,
        /// The document.
        setting: ObjectSetting,
    },
    /// A document of an object version was replaced.
    SettingPut {
        /// The version, in a bucket that keeps versions.
        version: Option<VersionId>,
    },
    /// A document of an object version was removed, or was not there.
    SettingDeleted {
        /// The version, in a bucket that keeps versions.
        version: Option<VersionId>,
    },
}

/// What is answered to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectWritten {
    /// The new object's tag.
    pub etag: ETag,
    /// MD5 of the plaintext, if it was computed.
    pub md5: Option<[u8; 16]>,
    /// The new version, in a bucket that keeps versions or did so once.
    pub version: Option<VersionId>,
    /// The encryption the object has.
    pub encryption: AppliedEncryption,
    /// Checksums that were kept.
    pub checksums: Vec<Checksum>,
    /// Its storage class.
    pub storage_class: StorageClass,
    /// When it was written.
    pub last_modified: Timestamp,
    /// When it will go, if the bucket's rules say so.
    pub expiration: Option<ExpirationNotice>,
}

/// What is answered to a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCopied {
    /// The target.
    pub written: ObjectWritten,
    /// The source's version, in a bucket that keeps versions.
    pub source_version: Option<VersionId>,
}

/// What is answered to an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectAppended {
    /// The object as it is now; its checksums are those of all its bytes.
    pub written: ObjectWritten,
    /// Its length, where the next append begins.
    pub position: u64,
}

/// What is known of a symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymlinkRead {
    /// The object of the same bucket that it stands for.
    pub target: ObjectKey,
    /// The link's own.
    pub facts: ObjectFacts,
}

/// What is answered to a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRead {
    /// What is known of the object.
    pub facts: ObjectFacts,
    /// Which bytes are answered, if a range was asked for and granted.
    pub range: Option<Range<u64>>,
    /// What is told of the part, if one was asked for.
    pub part: Option<PartRead>,
    /// Headers in place of the stored ones.
    pub overrides: ContentHeaders,
    /// Whether the caller asked to see checksums.
    pub show_checksums: bool,
}

/// What is told of a part that was asked for by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRead {
    /// How many parts the object has; none if it was not made of parts.
    pub count: Option<u32>,
    /// The part's own checksums.
    pub checksums: Vec<Checksum>,
}

/// What is known of an object and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectAttributes {
    /// What is known of the object.
    pub facts: ObjectFacts,
    /// What to tell of it.
    pub wanted: Vec<ObjectAttribute>,
    /// How many parts it has; none if it was not made of parts.
    pub count: Option<u32>,
    /// The page of parts, if their digests were asked for when the object was begun.
    pub parts: Option<PartsPage>,
}

/// A page of an object's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartsPage {
    /// Only parts after this number.
    pub after: u32,
    /// How many at most.
    pub max: u32,
    /// Whether there are more.
    pub truncated: bool,
    /// The parts.
    pub parts: Vec<PartFacts>,
}

/// What is known of a part of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFacts {
    /// Its number.
    pub number: PartNumber,
    /// Its plaintext's length in bytes.
    pub size: u64,
    /// Its checksums that were kept.
    pub checksums: Vec<Checksum>,
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its plaintext's length in bytes.
    pub size: u64,
    /// Its tag.
    pub etag: ETag,
    /// MD5 of the plaintext, if it was computed.
    pub md5: Option<[u8; 16]>,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its version, in a bucket that keeps versions or did so once.
    pub version: Option<VersionId>,
    /// What its writer gave.
    pub metadata: ObjectMetadata,
    /// Its storage class.
    pub storage_class: StorageClass,
    /// The encryption it has.
    pub encryption: AppliedEncryption,
    /// Checksums that were kept.
    pub checksums: Vec<Checksum>,
    /// How it came to be.
    pub kind: ObjectKind,
    /// Since when nothing can be appended any more, if it was made by appending.
    pub sealed: Option<Timestamp>,
    /// The upload that it was made by, if it was made of parts.
    pub upload: Option<UploadId>,
    /// How many tags it has.
    pub tag_count: usize,
    /// What keeps it from being destroyed.
    pub lock: ObjectLock,
    /// When it will go, if it is the current version and the bucket's rules say so.
    pub expiration: Option<ExpirationNotice>,
}

/// The result of a batch deletion, in the order of the request.
#[derive(Debug)]
pub struct ManyDeleted {
    /// Whether only failures are to be answered.
    pub quiet: bool,
    /// Whether keys are to be percent-encoded.
    pub url_encoded: bool,
    /// Each key's result.
    pub results: Vec<DeletedEntry>,
}

/// One key's result in a batch deletion.
#[derive(Debug)]
pub struct DeletedEntry {
    /// The key.
    pub key: ObjectKey,
    /// The version as asked.
    pub version: Option<VersionId>,
    /// Deleted, with the delete marker that was made or was the version deleted; or why not.
    pub result: Result<Option<VersionId>, Failure>,
}
