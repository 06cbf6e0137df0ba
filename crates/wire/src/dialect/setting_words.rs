//! How a dialect speaks of the documents of buckets and objects beyond encryption.

use strongroom_model::account::AccountId;
use strongroom_model::acl::Permission;
use strongroom_model::inventory::ReportForm;
use strongroom_model::lock::RetentionMode;
use strongroom_model::metadata::CannedAcl;
use strongroom_model::operation::copy::MetadataFrom;
use strongroom_model::tag::TagLimits;

/// How a dialect speaks of tags, access control lists and locks. Field names follow the dialect's prefix.
#[derive(Debug, Clone, Copy)]
pub struct SettingWords {
    /// Limits of a bucket's tags.
    pub bucket_tags: TagLimits,
    /// Limits of an object's tags.
    pub object_tags: TagLimits,
    /// Which characters a tag's name may have.
    pub in_tag_key: fn(char) -> bool,
    /// Which characters a tag's value may have.
    pub in_tag_value: fn(char) -> bool,
    /// Whether a bucket without tags is answered as a failure rather than by an empty set.
    pub no_bucket_tags_fails: bool,
    /// The same of an object.
    pub no_object_tags_fails: bool,
    /// Where the tags of a copy come from whose request does not say.
    pub copied_tags: MetadataFrom,
    /// The field of CreateBucket that has the bucket's tags.
    pub creation_tags: Option<&'static str>,
    /// The status of the answer to a bucket's tags.
    pub bucket_tags_put: u16,
    /// The access control list of an object whose writer asks for none.
    pub object_acl_default: CannedAcl,
    /// How rules for other origins differ.
    pub cors: CorsWords,
    /// How the document of what nobody may make public looks.
    pub public_access: PublicAccessDocument,
    /// How a bucket's storage class is answered.
    pub class_document: ClassDocument,
    /// How lists name their grants.
    pub acl: AclStyle,
    /// Fields of grants: the permission, and whether the same holds for the objects of a bucket.
    pub grants: &'static [(&'static str, Permission, bool)],
    /// Lifecycle rules.
    pub lifecycle: LifecycleWords,
    /// How locks are spoken of.
    pub lock: LockWords,
    /// Inventories.
    pub inventory: InventoryWords,
}

/// How a dialect speaks of inventories.
#[derive(Debug, Clone, Copy)]
pub struct InventoryWords {
    /// In whose form its reports are.
    pub form: ReportForm,
    /// The query parameter that names one.
    pub id: &'static str,
    /// The root of a listing.
    pub list: &'static str,
    /// The element around the description of a bucket that reports go to, if there is one.
    pub wrapper: Option<&'static str>,
    /// What comes before that bucket's name.
    pub bucket_prefix: &'static str,
    /// The element that asks for encryption under a key that the service manages.
    pub managed: &'static str,
}

/// How a dialect speaks of lifecycle rules.
#[derive(Debug, Clone, Copy)]
pub struct LifecycleWords {
    /// Whether a filter says all of what a rule concerns (S3, OBS), rather than prefix and tags beside it (OSS).
    pub filters: bool,
    /// Whether a rule must say what it concerns, all rules in the same way, and `And` must join two conditions at least.
    pub strict: bool,
    /// How far rules may concern the same objects.
    pub overlap: Overlap,
    /// The field that allows all of that for one request.
    pub overlap_allowed: Option<&'static str>,
    /// The element that ends open uploads.
    pub abort: &'static str,
    /// The element in it that says after how many days.
    pub abort_days: &'static str,
}

/// How far rules may concern the same objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// As they like.
    Allowed,
    /// Not where both have the same action.
    RefusedOfOneAction,
    /// Not at all.
    Refused,
}

/// How a dialect speaks of what keeps versions from being destroyed.
#[derive(Debug, Clone, Copy)]
pub struct LockWords {
    /// The field with a retention's mode.
    pub mode: &'static str,
    /// The field with a retention's end.
    pub until: &'static str,
    /// The field with a legal hold, if there are any.
    pub legal_hold: Option<&'static str>,
    /// The field that overrides a retention which may be overridden, if any may be.
    pub bypass: Option<&'static str>,
    /// The field of CreateBucket that lets the bucket's versions be locked.
    pub creation: Option<&'static str>,
    /// Whether what asks for a lock must bring a digest of its body: what cannot be deleted had better be what was sent.
    pub digested: bool,
    /// The words for modes.
    pub modes: &'static [(&'static str, RetentionMode)],
    /// Whether a retention's end may be in milliseconds since 1970.
    pub in_millis: bool,
    /// The root of a bucket's document.
    pub root: &'static str,
    /// Its element that says that versions can be locked.
    pub enabled: &'static str,
}

/// How a dialect's rules for other origins differ.
#[derive(Debug, Clone, Copy)]
pub struct CorsWords {
    /// The most rules of a bucket.
    pub rules: usize,
    /// What browsers are told of rules that do not say how long they hold, in seconds.
    pub max_age: Option<u32>,
    /// Whether the document tells of caches, as `ResponseVary`.
    pub tells_vary: bool,
}

/// The two forms of the document of what nobody may make public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicAccessDocument {
    /// Four switches. A bucket without the document is answered as a failure (S3, OBS).
    Switches,
    /// One switch for all, which is off without a document (OSS).
    One,
}

/// The two forms in which a bucket's storage class is put and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassDocument {
    /// `StorageClass`, which is the word (OBS).
    Plain,
    /// `StoragePolicy` with `DefaultStorageClass` (the OBS clients in the dialect of S3).
    Policy,
}

/// How documents of access control lists look.
#[derive(Debug, Clone, Copy)]
pub enum AclStyle {
    /// One of the ready-made lists, as `Grant` (OSS). It is put by a field; there is no document to put.
    Canned,
    /// Grants to accounts and groups, of which the schema's type tells the kind (S3).
    Typed {
        /// How an account is spelled.
        account: fn(AccountId) -> String,
        /// How its `DisplayName` is spelled.
        shown: fn(AccountId) -> String,
    },
    /// Grants to domains, or to `Canned` everyone, with `Delivered` for those that objects have as well (OBS).
    Delivered {
        /// How an account is spelled.
        account: fn(AccountId) -> String,
    },
}
