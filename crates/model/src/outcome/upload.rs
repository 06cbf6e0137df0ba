//! Answers about multipart uploads.

use crate::account::{AccountId, Principal};
use crate::checksum::Checksum;
use crate::encryption::AppliedEncryption;
use crate::etag::ETag;
use crate::lifecycle::ExpirationNotice;
use crate::metadata::StorageClass;
use crate::name::{ObjectKey, PartNumber, UploadId, VersionId};
use crate::operation::upload::{ListParts, ListUploads, UploadChecksum, UploadName};
use crate::time::Timestamp;

/// The answer to an operation on a multipart upload.
#[derive(Debug)]
pub enum UploadOutcome {
    /// Begun.
    Initiated(UploadInitiated),
    /// A part was written.
    PartWritten(PartWritten),
    /// A part was copied.
    PartCopied(PartCopied),
    /// The object was made.
    Completed(UploadCompleted),
    /// Given up.
    Aborted,
    /// Parts.
    Parts(ListedParts),
    /// Open uploads.
    Uploads(ListedUploads),
}

/// An upload that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadInitiated {
    /// The upload.
    pub upload: UploadName,
    /// The encryption that its object will have.
    pub encryption: AppliedEncryption,
    /// The checksum that it keeps.
    pub checksum: Option<UploadChecksum>,
    /// Whether names are to be percent-encoded.
    pub url_encoded: bool,
}

/// A part that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartWritten {
    /// Its tag.
    pub etag: ETag,
    /// MD5 of the plaintext, if it was computed.
    pub md5: Option<[u8; 16]>,
    /// When it was written.
    pub last_modified: Timestamp,
    /// The encryption it has.
    pub encryption: AppliedEncryption,
    /// Its checksums that the client is to be told.
    pub checksums: Vec<Checksum>,
}

/// A part that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartCopied {
    /// The part.
    pub written: PartWritten,
    /// The source's version, in a bucket that keeps versions.
    pub source_version: Option<VersionId>,
}

/// An object that was made of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadCompleted {
    /// The upload, which is no more.
    pub upload: UploadName,
    /// The object's tag.
    pub etag: ETag,
    /// The new version, in a bucket that keeps versions.
    pub version: Option<VersionId>,
    /// The encryption the object has.
    pub encryption: AppliedEncryption,
    /// Its checksums.
    pub checksums: Vec<Checksum>,
    /// Whether the client asked for its checksum.
    pub checksum_asked: bool,
    /// Its storage class.
    pub storage_class: StorageClass,
    /// When it will go, if the bucket's rules say so.
    pub expiration: Option<ExpirationNotice>,
    /// Whether names are to be percent-encoded.
    pub url_encoded: bool,
}

/// A page of an upload's parts.
#[derive(Debug)]
pub struct ListedParts {
    /// What was asked.
    pub request: ListParts,
    /// Who began the upload.
    pub initiator: Principal,
    /// Whose the bucket is.
    pub owner: AccountId,
    /// The object's storage class.
    pub storage_class: StorageClass,
    /// The checksum that the upload keeps.
    pub checksum: Option<UploadChecksum>,
    /// The parts, in the order of their numbers.
    pub parts: Vec<ListedPart>,
    /// Whether there are more after the last.
    pub truncated: bool,
}

/// A part in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its tag.
    pub etag: ETag,
    /// Its plaintext's length in bytes.
    pub size: u64,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its checksums that were kept.
    pub checksums: Vec<Checksum>,
}

/// A page of a bucket's open uploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUploads {
    /// What was asked.
    pub request: ListUploads,
    /// Whose the bucket is.
    pub owner: AccountId,
    /// The uploads.
    pub uploads: Vec<ListedUpload>,
    /// The common prefixes, in byte order, without duplicates.
    pub common_prefixes: Vec<String>,
    /// Where the next page begins, if there is more: after this key or common prefix, and this upload of the key.
    pub next: Option<(String, Option<UploadId>)>,
}

/// An upload in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUpload {
    /// The key of the object to be.
    pub key: ObjectKey,
    /// Its id.
    pub id: UploadId,
    /// Who began it.
    pub initiator: Principal,
    /// The object's storage class.
    pub storage_class: StorageClass,
    /// When it was begun.
    pub initiated: Timestamp,
    /// The checksum that it keeps.
    pub checksum: Option<UploadChecksum>,
}
