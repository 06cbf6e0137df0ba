//! Operations on one bucket.

use crate::acl::AclWish;
use crate::action::{Action, Required, Resource, WormAction};
use crate::cors::CrossOrigin;
use crate::encryption::BucketEncryption;
use crate::inventory::{Inventory, InventoryId};
use crate::metadata::StorageClass;
use crate::name::{BucketName, Region, VersionId};
use crate::setting::{Setting, SettingKind};
use crate::tag::TagSet;

/// An operation on one bucket.
#[derive(Debug)]
pub enum BucketOperation {
    /// Create a bucket.
    Create(CreateBucket),
    /// Delete an empty bucket.
    Delete(BucketName),
    /// See that a bucket exists and the least about it.
    Head(BucketName),
    /// The unsigned question of the OBS clients, asked of a bucket's host.
    Probe(BucketName),
    /// Where the bucket is.
    Location(BucketName),
    /// All about the bucket (OSS GetBucketInfo).
    Info(BucketName),
    /// List objects.
    ListObjects(ListObjects),
    /// List the versions of objects.
    ListVersions(ListVersions),
    /// Read a configuration document.
    GetSetting(BucketName, SettingKind),
    /// Replace a configuration document.
    PutSetting(BucketName, Setting),
    /// Remove a configuration document.
    DeleteSetting(BucketName, SettingKind),
    /// Whether the bucket's policy lets in whoever comes.
    PolicyStatus(BucketName),
    /// Remove the tags of these names.
    RemoveTags(BucketName, Vec<String>),
    /// Read an inventory.
    GetInventory(BucketName, InventoryId),
    /// Put an inventory, in place of the one of its name.
    PutInventory(BucketName, Box<Inventory>),
    /// Remove an inventory.
    DeleteInventory(BucketName, InventoryId),
    /// List the inventories.
    ListInventories(ListInventories),
    /// How much the bucket holds.
    Usage(BucketName, UsageReport),
    /// Whether a page of another origin may read the answer to a request.
    CrossOrigin(BucketName, CrossOrigin),
    /// The policy that keeps all objects of the bucket.
    Worm(BucketName, WormOperation),
}

/// What the question after a bucket's usage is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageReport {
    /// `?storageinfo` (OBS).
    StorageInfo,
    /// `?stat` (OSS).
    Stat,
}

/// What is done with the policy that keeps all objects of a bucket (OSS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WormOperation {
    /// Make one, which is not locked yet, of 1 to [`crate::lock::Worm::DAYS_MAX`] days.
    Initiate {
        /// For how many days objects are kept.
        days: u32,
    },
    /// Take it back.
    Abort,
    /// Lock it for good.
    Complete {
        /// Which: the one that was made.
        id: [u8; 16],
    },
    /// Prolong it.
    Extend {
        /// Which.
        id: [u8; 16],
        /// For how many days objects are kept now.
        days: u32,
    },
    /// Tell of it.
    Get,
}

/// Create a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateBucket {
    /// Its name.
    pub bucket: BucketName,
    /// The location asked for; none means the server's region.
    pub location: Option<Region>,
    /// The access control list asked for.
    pub acl: AclWish,
    /// The tags asked for.
    pub tags: TagSet,
    /// The default storage class asked for.
    pub storage_class: StorageClass,
    /// The default encryption asked for in headers (OBS, OSS).
    pub encryption: Option<BucketEncryption>,
    /// Whether the dialect starts buckets with the rule AES256, as AWS does for V4-signed requests.
    pub always_encrypted: bool,
    /// Whether its versions can be locked, so that it keeps versions from the beginning.
    pub lock: bool,
}

/// List a bucket's objects in the byte order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjects {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share what is between the prefix and this delimiter are listed as one common prefix. Empty: none.
    pub delimiter: String,
    /// Only keys and common prefixes after this text; what the three ways below come to.
    pub after: String,
    /// `marker` as given (version 1).
    pub marker: Option<String>,
    /// `start-after` as given (version 2).
    pub start_after: Option<String>,
    /// `continuation-token` as given (version 2).
    pub continuation_token: Option<String>,
    /// How many keys and common prefixes at most: 0 to 1,000.
    pub max_keys: u32,
    /// Whether the answer is to percent-encode names.
    pub url_encoded: bool,
    /// Which form of the answer.
    pub version: ListVersion,
    /// Whether version 2 is to name owners.
    pub fetch_owner: bool,
}

/// List the versions of a bucket's objects: keys in their byte order, the versions of each newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListVersions {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// As in [`ListObjects`].
    pub delimiter: String,
    /// Only keys and common prefixes after this text.
    pub key_marker: String,
    /// And the versions of the key `key_marker` after this one.
    pub version_marker: Option<VersionId>,
    /// How many versions and common prefixes at most: 0 to [`ListObjects::MAX_KEYS`].
    pub max_keys: u32,
    /// Whether the answer is to percent-encode names.
    pub url_encoded: bool,
}

/// List a bucket's inventories in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListInventories {
    /// The bucket.
    pub bucket: BucketName,
    /// Only those behind this name.
    pub after: Option<String>,
}

/// The two forms of listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListVersion {
    /// `marker`, `NextMarker`.
    V1,
    /// `list-type=2`.
    V2,
}

impl WormOperation {
    /// Whether it changes nothing.
    pub fn is_read(self) -> bool {
        self == Self::Get
    }

    fn name(self) -> &'static str {
        match self {
            Self::Initiate { .. } => "InitiateBucketWorm",
            Self::Abort => "AbortBucketWorm",
            Self::Complete { .. } => "CompleteBucketWorm",
            Self::Extend { .. } => "ExtendBucketWorm",
            Self::Get => "GetBucketWorm",
        }
    }

    fn action(self) -> WormAction {
        match self {
            Self::Initiate { .. } => WormAction::Initiate,
            Self::Abort => WormAction::Abort,
            Self::Complete { .. } => WormAction::Complete,
            Self::Extend { .. } => WormAction::Extend,
            Self::Get => WormAction::Get,
        }
    }
}

impl ListObjects {
    /// The most that one answer lists, as all three services state it.
    pub const MAX_KEYS: u32 = 1000;
}

impl BucketOperation {
    /// The operation's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateBucket",
            Self::Delete(_) => "DeleteBucket",
            Self::Head(_) => "HeadBucket",
            Self::Probe(_) => "ProbeBucket",
            Self::Location(_) => "GetBucketLocation",
            Self::Info(_) => "GetBucketInfo",
            Self::ListObjects(_) => "ListObjects",
            Self::ListVersions(_) => "ListObjectVersions",
            Self::GetSetting(_, kind) => kind.names()[0],
            Self::PutSetting(_, setting) => setting.kind().names()[1],
            Self::DeleteSetting(_, kind) => kind.names()[2],
            Self::RemoveTags(..) => SettingKind::Tagging.names()[2],
            Self::GetInventory(..) => "GetBucketInventory",
            Self::PutInventory(..) => "PutBucketInventory",
            Self::DeleteInventory(..) => "DeleteBucketInventory",
            Self::ListInventories(_) => "ListBucketInventory",
            Self::Usage(_, UsageReport::StorageInfo) => "GetBucketStorageInfo",
            Self::Usage(_, UsageReport::Stat) => "GetBucketStat",
            Self::PolicyStatus(_) => "GetBucketPolicyStatus",
            Self::CrossOrigin(..) => "OptionsPreflight",
            Self::Worm(_, worm) => worm.name(),
        }
    }

    /// The bucket it is about.
    pub fn bucket(&self) -> &BucketName {
        match self {
            Self::Create(create) => &create.bucket,
            Self::ListObjects(list) => &list.bucket,
            Self::ListVersions(list) => &list.bucket,
            Self::ListInventories(list) => &list.bucket,
            Self::Delete(bucket)
            | Self::Head(bucket)
            | Self::Probe(bucket)
            | Self::Location(bucket)
            | Self::Info(bucket)
            | Self::GetSetting(bucket, _)
            | Self::PutSetting(bucket, _)
            | Self::DeleteSetting(bucket, _)
            | Self::RemoveTags(bucket, _)
            | Self::GetInventory(bucket, _)
            | Self::PutInventory(bucket, _)
            | Self::DeleteInventory(bucket, _)
            | Self::Usage(bucket, _)
            | Self::CrossOrigin(bucket, _)
            | Self::Worm(bucket, _)
            | Self::PolicyStatus(bucket) => bucket,
        }
    }

    pub(super) fn required(&self) -> Vec<Required> {
        let action = match self {
            Self::Create(_) => Action::CreateBucket,
            Self::Delete(_) => Action::DeleteBucket,
            Self::Head(_) => Action::HeadBucket,
            Self::Location(_) => Action::GetBucketLocation,
            Self::Info(_) => Action::GetBucketInfo,
            Self::Probe(_) | Self::CrossOrigin(..) => Action::Probe,
            Self::ListObjects(_) => Action::ListObjects,
            Self::ListVersions(_) => Action::ListVersions,
            Self::GetSetting(_, kind) => Action::GetSetting(*kind),
            Self::PutSetting(_, setting) => Action::PutSetting(setting.kind()),
            Self::DeleteSetting(_, kind) => Action::DeleteSetting(*kind),
            Self::RemoveTags(..) => Action::DeleteSetting(SettingKind::Tagging),
            Self::GetInventory(..) => Action::GetInventory,
            Self::PutInventory(bucket, inventory) => return order(bucket, inventory),
            Self::DeleteInventory(..) => Action::DeleteInventory,
            Self::ListInventories(_) => Action::ListInventories,
            Self::Usage(..) => Action::GetUsage,
            Self::PolicyStatus(_) => Action::GetPolicyStatus,
            Self::Worm(_, worm) => Action::Worm(worm.action()),
        };
        vec![Required::new(action, Resource::Bucket(self.bucket().clone()))]
    }
}

/// Whoever orders reports must be allowed to write them where they go: the server writes them as the owner of what they list.
fn order(bucket: &BucketName, inventory: &Inventory) -> Vec<Required> {
    let report = inventory
        .some_key(bucket)
        .map(|key| Required::new(Action::PutObject, Resource::Object(inventory.destination.bucket.clone(), key)));
    let order = Required::new(Action::PutInventory, Resource::Bucket(bucket.clone()));
    [Some(order), report].into_iter().flatten().collect()
}
