//! Documents that configure a bucket, and those that belong to an object version: one put, one get and one delete for all
//! of each.

use crate::acl::{Acl, AclDocument, AclWish};
use crate::cors::CorsRules;
use crate::encryption::EncryptionRule;
use crate::lifecycle::Lifecycle;
use crate::lock::{BucketLock, LockWish, ObjectLock, Retention};
use crate::metadata::{CannedAcl, StorageClass};
use crate::policy::PolicyDocument;
use crate::public_access::PublicAccessBlock;
use crate::tag::TagSet;

/// Which document of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingKind {
    /// Default encryption.
    Encryption,
    /// Whether versions are kept.
    Versioning,
    /// Who may do what.
    Policy,
    /// Tags.
    Tagging,
    /// The access control list, which cannot be deleted.
    Acl,
    /// The storage class of objects that ask for none, which cannot be deleted.
    StorageClass,
    /// How much the bucket may hold, which cannot be deleted.
    Quota,
    /// Which pages of other origins may read its answers.
    Cors,
    /// What nobody may make public.
    PublicAccessBlock,
    /// When objects, versions and uploads go.
    Lifecycle,
    /// How versions are locked, which cannot be deleted.
    ObjectLock,
}

/// The content of a bucket's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// Default encryption.
    Encryption(EncryptionRule),
    /// Whether versions are kept. Never is what a bucket begins with, and nobody can return to.
    Versioning(Versioning),
    /// Who may do what, as its owner wrote it.
    Policy(PolicyDocument),
    /// Tags.
    Tagging(TagSet),
    /// The access control list.
    Acl(AclDocument),
    /// The storage class of objects that ask for none.
    StorageClass(StorageClass),
    /// Bytes that the bucket's objects may come to, all versions counted; none if there is no limit.
    Quota(Option<u64>),
    /// Which pages of other origins may read its answers.
    Cors(CorsRules),
    /// What nobody may make public; none if its owner has said nothing of it.
    PublicAccessBlock(Option<PublicAccessBlock>),
    /// When objects, versions and uploads go.
    Lifecycle(Lifecycle),
    /// How versions are locked.
    ObjectLock(BucketLock),
}

/// Whether a bucket keeps the versions of its objects that are overwritten or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versioning {
    /// It never did.
    #[default]
    Never,
    /// It does.
    Enabled,
    /// It did, and what it has kept is still there. What is written now is each key's null version.
    Suspended,
}

/// Which document of an object version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectSettingKind {
    /// Tags.
    Tagging,
    /// The access control list, which cannot be deleted.
    Acl,
    /// Retention, which cannot be deleted.
    Retention,
    /// Legal hold, which cannot be deleted.
    LegalHold,
}

/// The content of an object version's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectSetting {
    /// Tags.
    Tagging(TagSet),
    /// The access control list.
    Acl(AclDocument),
    /// Retention; none takes it away.
    Retention(Option<Retention>),
    /// Whether the version is held.
    LegalHold(bool),
}

/// All documents of an object version. They are kept beside its bytes, and may change while those do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSettings {
    /// Its tags.
    pub tags: TagSet,
    /// Its access control list.
    pub acl: Acl,
    /// What keeps it from being destroyed.
    pub lock: ObjectLock,
}

/// The documents that the head of a write asks for, of whatever kind the write is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSettingsWish {
    /// Tags.
    pub tags: TagSet,
    /// The access control list.
    pub acl: AclWish,
    /// Retention and legal hold.
    pub lock: LockWish,
}

impl Setting {
    /// Which document this is.
    pub fn kind(&self) -> SettingKind {
        match self {
            Self::Encryption(_) => SettingKind::Encryption,
            Self::Versioning(_) => SettingKind::Versioning,
            Self::Policy(_) => SettingKind::Policy,
            Self::Tagging(_) => SettingKind::Tagging,
            Self::Acl(_) => SettingKind::Acl,
            Self::StorageClass(_) => SettingKind::StorageClass,
            Self::Quota(_) => SettingKind::Quota,
            Self::Cors(_) => SettingKind::Cors,
            Self::PublicAccessBlock(_) => SettingKind::PublicAccessBlock,
            Self::Lifecycle(_) => SettingKind::Lifecycle,
            Self::ObjectLock(_) => SettingKind::ObjectLock,
        }
    }
}

impl SettingKind {
    /// The names of the operations that read, replace and remove the document.
    pub(crate) fn names(self) -> [&'static str; 3] {
        match self {
            Self::Encryption => ["GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption"],
            Self::Versioning => ["GetBucketVersioning", "PutBucketVersioning", "DeleteBucketVersioning"],
            Self::Policy => ["GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"],
            Self::Tagging => ["GetBucketTagging", "PutBucketTagging", "DeleteBucketTagging"],
            Self::Acl => ["GetBucketAcl", "PutBucketAcl", "DeleteBucketAcl"],
            Self::StorageClass => ["GetBucketStorageClass", "PutBucketStorageClass", "DeleteBucketStorageClass"],
            Self::Quota => ["GetBucketQuota", "PutBucketQuota", "DeleteBucketQuota"],
            Self::Cors => ["GetBucketCors", "PutBucketCors", "DeleteBucketCors"],
            Self::PublicAccessBlock => ["GetPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock"],
            Self::Lifecycle => ["GetBucketLifecycle", "PutBucketLifecycle", "DeleteBucketLifecycle"],
            Self::ObjectLock => ["GetBucketObjectLock", "PutBucketObjectLock", "DeleteBucketObjectLock"],
        }
    }
}

impl ObjectSetting {
    /// Which document this is.
    pub fn kind(&self) -> ObjectSettingKind {
        match self {
            Self::Tagging(_) => ObjectSettingKind::Tagging,
            Self::Acl(_) => ObjectSettingKind::Acl,
            Self::Retention(_) => ObjectSettingKind::Retention,
            Self::LegalHold(_) => ObjectSettingKind::LegalHold,
        }
    }
}

impl ObjectSettingKind {
    /// The names of the operations that read, replace and remove the document.
    pub(crate) fn names(self) -> [&'static str; 3] {
        match self {
            Self::Tagging => ["GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"],
            Self::Acl => ["GetObjectAcl", "PutObjectAcl", "DeleteObjectAcl"],
            Self::Retention => ["GetObjectRetention", "PutObjectRetention", "DeleteObjectRetention"],
            Self::LegalHold => ["GetObjectLegalHold", "PutObjectLegalHold", "DeleteObjectLegalHold"],
        }
    }
}

/// Nothing asked for, in a dialect whose objects are private unless they say otherwise.
impl Default for ObjectSettingsWish {
    fn default() -> Self {
        Self { tags: TagSet::default(), acl: AclWish::Unspecified(CannedAcl::Private), lock: LockWish::default() }
    }
}

impl ObjectSettingsWish {
    /// The documents whose replacing the caller must be allowed besides the write.
    pub(crate) fn asked(&self) -> Vec<ObjectSettingKind> {
        let asked = [
            (ObjectSettingKind::Tagging, !self.tags.is_empty()),
            (ObjectSettingKind::Acl, self.acl.is_asked()),
            (ObjectSettingKind::Retention, self.lock.retention.is_some()),
            (ObjectSettingKind::LegalHold, self.lock.legal_hold),
        ];
        asked.into_iter().filter(|(_, asked)| *asked).map(|(kind, _)| kind).collect()
    }
}
