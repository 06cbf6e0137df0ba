//! Answers about buckets.

use crate::account::AccountId;
use crate::acl::Acl;
use crate::cors::CorsGrant;
use crate::encryption::BucketEncryption;
use crate::etag::ETag;
use crate::inventory::{Inventory, InventoryId};
use crate::lock::{BucketLock, Worm};
use crate::metadata::{ObjectKind, StorageClass};
use crate::name::{BucketName, ObjectKey, Region, VersionId};
use crate::operation::bucket::{ListObjects, ListVersions, UsageReport};
use crate::operation::service::ListBuckets;
use crate::public_access::PublicAccessBlock;
use crate::setting::{Setting, SettingKind, Versioning};
use crate::tag::TagSet;
use crate::time::Timestamp;

/// The answer to an operation on one bucket.
#[derive(Debug)]
pub enum BucketOutcome {
    /// Created, or there already and the caller's own.
    Created(BucketFacts),
    /// Deleted.
    Deleted,
    /// The least about it (HeadBucket).
    Head(BucketFacts),
    /// Where it is.
    Location(BucketFacts),
    /// All about it.
    Info(BucketFacts),
    /// Its objects.
    Objects(ListedObjects),
    /// The versions of its objects.
    Versions(ListedVersions),
    /// A configuration document.
    Setting(Setting),
    /// How much it holds.
    Usage(BucketUsage, UsageReport),
    /// A configuration document was replaced.
    SettingPut(SettingKind),
    /// A configuration document was removed, or was not there.
    SettingDeleted,
    /// The policy that keeps all its objects.
    Worm(Worm),
    /// A policy of this id was made.
    WormInitiated([u8; 16]),
    /// The policy was locked or prolonged.
    WormChanged,
    /// An inventory.
    Inventory(Box<Inventory>),
    /// An inventory was put.
    InventoryPut,
    /// A page of its inventories.
    Inventories(ListedInventories),
    /// Whether the bucket's policy lets in whoever comes.
    PolicyStatus {
        /// Whether it does.
        is_public: bool,
    },
    /// Pages of that origin may read the answer.
    CrossOrigin(CorsGrant),
}

/// What is known of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketFacts {
    /// Its name.
    pub name: BucketName,
    /// Its owner.
    pub owner: AccountId,
    /// Where it is, as its creator spelled it.
    pub location: Region,
    /// When it was made.
    pub created: Timestamp,
    /// Its access control list.
    pub acl: Acl,
    /// Its tags.
    pub tags: TagSet,
    /// How its objects are locked; none if they cannot be.
    pub lock: Option<BucketLock>,
    /// The policy that keeps all its objects, in force or not any more.
    pub worm: Option<Worm>,
    /// Bytes that its objects may come to; none if there is no limit.
    pub quota: Option<u64>,
    /// The storage class of objects that ask for none.
    pub storage_class: StorageClass,
    /// Its default encryption.
    pub encryption: Option<BucketEncryption>,
    /// Whether nobody may write to it under a key of the client's own (SSE-C).
    pub blocks_customer_keys: bool,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// What nobody may make public, if its owner has said so.
    pub public_access_block: Option<PublicAccessBlock>,
}

/// How much a bucket holds: all versions, and the parts of open uploads apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketUsage {
    /// What its objects come to, by storage class.
    pub classes: Vec<ClassUsage>,
    /// Delete markers.
    pub delete_markers: u64,
    /// Open uploads.
    pub uploads: u64,
    /// Their parts.
    pub parts: u64,
    /// Bytes of plaintext in those parts.
    pub part_bytes: u64,
    /// When it was counted.
    pub counted: Timestamp,
}

/// What the objects of one storage class come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassUsage {
    /// The class.
    pub class: StorageClass,
    /// Bytes of plaintext.
    pub bytes: u64,
    /// Objects and versions of them.
    pub objects: u64,
}

impl BucketUsage {
    /// Bytes of plaintext in all classes.
    pub fn bytes(&self) -> u64 {
        self.classes.iter().map(|usage| usage.bytes).sum()
    }

    /// Objects and versions of them in all classes.
    pub fn objects(&self) -> u64 {
        self.classes.iter().map(|usage| usage.objects).sum()
    }

    /// All that was counted, one by one.
    pub fn rows(&self) -> u64 {
        self.objects() + self.delete_markers + self.uploads + self.parts
    }

    /// Adds an object.
    pub fn add(&mut self, class: StorageClass, bytes: u64) {
        match self.classes.iter_mut().find(|usage| usage.class == class) {
            Some(usage) => {
                usage.bytes = usage.bytes.saturating_add(bytes);
                usage.objects += 1;
            }
            None => self.classes.push(ClassUsage { class, bytes, objects: 1 }),
        }
    }
}

/// The caller's buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBuckets {
    /// What was asked.
    pub request: ListBuckets,
    /// Whose they are.
    pub owner: AccountId,
    /// The buckets, in the order of their names.
    pub buckets: Vec<BucketFacts>,
    /// Whether there are more after the last.
    pub truncated: bool,
}

/// A page of a bucket's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObjects {
    /// What was asked.
    pub request: ListObjects,
    /// Whose they are.
    pub owner: AccountId,
    /// Where the bucket is.
    pub location: Region,
    /// The objects, in the byte order of their keys.
    pub objects: Vec<ListedObject>,
    /// The common prefixes, in byte order, without duplicates.
    pub common_prefixes: Vec<String>,
    /// The last key or common prefix of this page, if there are more after it.
    pub next: Option<String>,
}

/// One object in a listing. Needs no key-service call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: ObjectKey,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its tag.
    pub etag: ETag,
    /// Its plaintext's length in bytes.
    pub size: u64,
    /// Its storage class.
    pub storage_class: StorageClass,
    /// How it came to be.
    pub kind: ObjectKind,
}

/// A page of a bucket's inventories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedInventories {
    /// The inventories, in the order of their names.
    pub inventories: Vec<Inventory>,
    /// Behind which name the page begins, as asked.
    pub after: Option<String>,
    /// The last name of this page, if there are more behind it.
    pub next: Option<InventoryId>,
}

/// A page of the versions of a bucket's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersions {
    /// What was asked.
    pub request: ListVersions,
    /// Whose they are.
    pub owner: AccountId,
    /// Where the bucket is.
    pub location: Region,
    /// The versions: keys in byte order, the versions of each newest first.
    pub versions: Vec<ListedVersion>,
    /// The common prefixes, in byte order, without duplicates.
    pub common_prefixes: Vec<String>,
    /// The last key and version, or the last common prefix, of this page, if there are more after it.
    pub next: Option<(String, Option<VersionId>)>,
}

/// One version in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// Its id.
    pub id: VersionId,
    /// Whether it is the latest of its key.
    pub is_latest: bool,
    /// What it is.
    pub content: VersionContent,
}

/// What a version is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionContent {
    /// An object.
    Object(ListedObject),
    /// A delete marker.
    Marker {
        /// Its key.
        key: ObjectKey,
        /// When the object was deleted.
        last_modified: Timestamp,
    },
}
