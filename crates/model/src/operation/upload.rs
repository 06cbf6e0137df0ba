//! Operations on multipart uploads: objects written in parts, each in a request of its own.

use crate::action::{Action, Required, Resource};
use crate::checksum::{Checksum, ChecksumAlgorithm, ChecksumScope};
use crate::condition::Conditions;
use crate::encryption::EncryptionWish;
use crate::etag::TagPromise;
use crate::metadata::{ObjectMetadata, StorageClass};
use crate::name::{BucketName, ObjectKey, PartNumber, UploadId};
use crate::operation::copy::CopyPart;
use crate::operation::object::ExpectedDigests;
use crate::secret::CustomerKey;
use crate::setting::ObjectSettingsWish;

/// An operation on a multipart upload.
#[derive(Debug)]
pub enum UploadOperation {
    /// Begin an upload.
    Initiate(InitiateUpload),
    /// Write a part, in place of the one of that number, if there is one.
    WritePart(WritePart),
    /// The same, of an object's bytes.
    CopyPart(Box<CopyPart>),
    /// Make an object of the parts.
    Complete(CompleteUpload),
    /// Give the upload up.
    Abort(UploadName),
    /// List the parts that were written.
    ListParts(ListParts),
    /// List a bucket's open uploads.
    List(ListUploads),
}

/// Begin an upload. Metadata, access and encryption of the object are settled here.
#[derive(Debug)]
pub struct InitiateUpload {
    /// Into which bucket.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// Headers and user metadata to keep.
    pub metadata: ObjectMetadata,
    /// The storage class asked for; none leaves it to the bucket.
    pub storage_class: Option<StorageClass>,
    /// Tags, access control list, retention and legal hold asked for.
    pub settings: ObjectSettingsWish,
    /// The encryption asked for.
    pub encryption: EncryptionWish,
    /// Conditions on the object that is there now.
    pub conditions: Conditions,
    /// The checksum to keep.
    pub checksum: Option<UploadChecksum>,
    /// Whether the answer percent-encodes names.
    pub url_encoded: bool,
}

/// The checksum that an upload keeps of its parts, and of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadChecksum {
    /// Which digest.
    pub algorithm: ChecksumAlgorithm,
    /// Over what the object's is.
    pub scope: ChecksumScope,
    /// Whether the client asked for it; else the dialect keeps it unasked, and says little of it.
    pub asked: bool,
}

/// An upload, named in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadName {
    /// In which bucket.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// Its id.
    pub id: UploadId,
}

/// Whose an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadHolders {
    /// The account's that began it, and the bucket's owner's.
    InitiatorAndOwner,
    /// The account's that began it (OBS).
    Initiator,
}

/// Write a part. The bytes travel beside it.
#[derive(Debug)]
pub struct WritePart {
    /// Of which upload.
    pub upload: UploadName,
    /// Under which number.
    pub number: PartNumber,
    /// The customer's key, which must be the upload's.
    pub customer_key: Option<CustomerKey>,
    /// What the body must come to.
    pub expected: ExpectedDigests,
    /// Checksums to compute and answer, those expected included.
    pub keep: Vec<ChecksumAlgorithm>,
    /// When the part's tag is the MD5 of the bytes.
    pub tag: TagPromise,
    /// Who may write it.
    pub holders: UploadHolders,
}

/// Make an object of parts.
#[derive(Debug)]
pub struct CompleteUpload {
    /// Of which upload.
    pub upload: UploadName,
    /// Of which parts.
    pub parts: NamedParts,
    /// Who may do so.
    pub holders: UploadHolders,
    /// Bytes that every part but the last must have.
    pub least_part: u64,
    /// Conditions on the object now there.
    pub conditions: Conditions,
    /// The customer's key; it is not needed, but if it is given it must be the upload's.
    pub customer_key: Option<CustomerKey>,
    /// What the object's size must come to.
    pub size: Option<u64>,
    /// What the object's checksums must come to.
    pub expected: Vec<Checksum>,
    /// Over what the client takes the object's checksum to be.
    pub scope: Option<ChecksumScope>,
    /// Whether the answer percent-encodes names.
    pub url_encoded: bool,
}

/// Which parts an object is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedParts {
    /// All that were written.
    All,
    /// These: at most [`PartNumber::MAX`].
    These(Vec<NamedPart>),
}

/// A part as a completion names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its tag as the client spelled it.
    pub tag: String,
    /// Its checksums.
    pub checksums: Vec<Checksum>,
}

/// List the parts that were written, in the order of their numbers.
#[derive(Debug)]
pub struct ListParts {
    /// Of which upload.
    pub upload: UploadName,
    /// Only parts after this number.
    pub after: u32,
    /// How many at most: 0 to 1,000.
    pub max_parts: u32,
    /// Whether the answer percent-encodes names.
    pub url_encoded: bool,
}

/// List a bucket's open uploads in the order of their keys, those of one key in the order in which they began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUploads {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share what is between the prefix and this delimiter are listed as one common prefix. Empty: none.
    pub delimiter: String,
    /// Only keys and common prefixes after this text; empty: from the beginning.
    pub key_marker: String,
    /// Of the marker's own key, those uploads that come after this one; none: none of them.
    pub upload_marker: Option<UploadId>,
    /// How many uploads and common prefixes at most: 0 to 1,000.
    pub max_uploads: u32,
    /// Whether the answer percent-encodes names.
    pub url_encoded: bool,
}

impl ListParts {
    /// The most that one answer lists, as all three services state it.
    pub const PARTS_MAX: u32 = 1000;
}

impl ListUploads {
    /// The most that one answer lists, as all three services state it.
    pub const UPLOADS_MAX: u32 = 1000;
}

impl UploadOperation {
    /// The operation's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Initiate(_) => "CreateMultipartUpload",
            Self::WritePart(_) => "UploadPart",
            Self::CopyPart(_) => "UploadPartCopy",
            Self::Complete(_) => "CompleteMultipartUpload",
            Self::Abort(_) => "AbortMultipartUpload",
            Self::ListParts(_) => "ListParts",
            Self::List(_) => "ListMultipartUploads",
        }
    }

    /// The bucket it is about.
    pub fn bucket(&self) -> &BucketName {
        match self {
            Self::Initiate(initiate) => &initiate.bucket,
            Self::WritePart(write) => &write.upload.bucket,
            Self::CopyPart(copy) => &copy.part.upload.bucket,
            Self::Complete(complete) => &complete.upload.bucket,
            Self::Abort(upload) => &upload.bucket,
            Self::ListParts(list) => &list.upload.bucket,
            Self::List(list) => &list.bucket,
        }
    }

    pub(super) fn required(&self) -> Vec<Required> {
        let object = |bucket: &BucketName, key: &ObjectKey| Resource::Object(bucket.clone(), key.clone());
        let upload = |name: &UploadName| object(&name.bucket, &name.key);
        let (action, resource) = match self {
            Self::CopyPart(copy) => {
                let target = Required::new(Action::PutObject, upload(&copy.part.upload));
                return vec![copy.source.required(), target];
            }
            Self::Initiate(initiate) => {
                let documents = initiate.settings.asked().into_iter().map(Action::PutObjectSetting);
                let actions = std::iter::once(Action::PutObject).chain(documents);
                return actions.map(|action| Required::new(action, object(&initiate.bucket, &initiate.key))).collect();
            }
            Self::WritePart(write) => (Action::PutObject, upload(&write.upload)),
            Self::Complete(complete) => (Action::PutObject, upload(&complete.upload)),
            Self::Abort(name) => (Action::AbortUpload, upload(name)),
            Self::ListParts(list) => (Action::ListParts, upload(&list.upload)),
            Self::List(list) => (Action::ListUploads, Resource::Bucket(list.bucket.clone())),
        };
        vec![Required::new(action, resource)]
    }
}
