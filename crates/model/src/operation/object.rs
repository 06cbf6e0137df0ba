//! Operations on objects.

use super::amend::{SetMetadata, UpdateEncryption};
use super::append::{AppendObject, SealAppend};
use super::copy::CopyObject;
use super::symlink::PutSymlink;
use crate::action::{Action, Required, Resource};
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::condition::Conditions;
use crate::encryption::EncryptionWish;
use crate::etag::TagPromise;
use crate::metadata::{ContentHeaders, ObjectMetadata, StorageClass};
use crate::name::{BucketName, ObjectKey, PartNumber, VersionId};
use crate::range::RangeSpec;
use crate::secret::CustomerKey;
use crate::setting::{ObjectSetting, ObjectSettingKind, ObjectSettingsWish};

/// An operation on objects.
#[derive(Debug)]
pub enum ObjectOperation {
    /// Write an object in one request.
    Put(PutObject),
    /// Write an object whose bytes are another's.
    Copy(Box<CopyObject>),
    /// Write bytes behind those that an object has.
    Append(Box<AppendObject>),
    /// End the appending to an object.
    SealAppend(SealAppend),
    /// Write a symbolic link.
    PutSymlink(PutSymlink),
    /// Read where a symbolic link leads.
    GetSymlink(ObjectTarget),
    /// Change an object's metadata.
    SetMetadata(SetMetadata),
    /// Wrap an object's data key under another master key.
    UpdateEncryption(UpdateEncryption),
    /// Read an object, or a range of it.
    Get(GetObject),
    /// Read an object's metadata.
    Head(GetObject),
    /// Read the few things that are true of an object whatever its writer said of it.
    Meta(GetObject),
    /// Read what is known of an object and its parts.
    Attributes(GetAttributes),
    /// Delete one object.
    Delete(DeleteObject),
    /// Delete many objects.
    DeleteMany(DeleteObjects),
    /// Read a document of an object version.
    GetSetting(ObjectTarget, ObjectSettingKind),
    /// Replace a document of an object version.
    PutSetting(PutObjectSetting),
    /// Remove a document of an object version.
    DeleteSetting(ObjectTarget, ObjectSettingKind),
}

/// An object version, named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectTarget {
    /// In which bucket.
    pub bucket: BucketName,
    /// Which key.
    pub key: ObjectKey,
    /// Which version; none is the current one.
    pub version: Option<VersionId>,
}

/// Replace a document of an object version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutObjectSetting {
    /// Whose document.
    pub target: ObjectTarget,
    /// The document.
    pub setting: ObjectSetting,
    /// Whether a retention that may be overridden is to be overridden.
    pub bypass_governance: bool,
}

/// Write an object in one request. The bytes travel beside it.
#[derive(Debug)]
pub struct PutObject {
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
    /// Conditions on the object now there (`If-Match`, `If-None-Match`, `x-oss-forbid-overwrite`).
    pub conditions: Conditions,
    /// What the body must come to.
    pub expected: ExpectedDigests,
    /// Checksums to compute, keep and answer, those expected included.
    pub keep: Vec<ChecksumAlgorithm>,
    /// When the tag is the MD5 of the bytes.
    pub tag: TagPromise,
}

/// Digests that the client declared ahead of the body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedDigests {
    /// `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// Checksum headers.
    pub checksums: Vec<Checksum>,
}

/// Read an object or its metadata.
#[derive(Debug)]
pub struct GetObject {
    /// From which bucket.
    pub bucket: BucketName,
    /// Which key.
    pub key: ObjectKey,
    /// Which version; none is the current one.
    pub version: Option<VersionId>,
    /// Which bytes; none is all of them.
    pub range: Option<RangeSpec>,
    /// Which part's bytes, in place of a range.
    pub part: Option<PartNumber>,
    /// What a range without a single byte of the object gets.
    pub unsatisfiable: Unsatisfiable,
    /// Conditions on the object.
    pub conditions: Conditions,
    /// The customer's key, of which the MD5 was given or not.
    pub customer_key: Option<CustomerKey>,
    /// `response-*` parameters: headers that the answer is to carry in place of the stored ones.
    pub overrides: ContentHeaders,
    /// Whether the caller asked to see the stored checksums.
    pub show_checksums: bool,
}

/// Read what is known of an object and its parts.
#[derive(Debug)]
pub struct GetAttributes {
    /// Which object, under which conditions, with which key.
    pub object: GetObject,
    /// What to tell.
    pub wanted: Vec<ObjectAttribute>,
    /// Only parts after this number.
    pub after: u32,
    /// How many parts at most: 0 to 1,000.
    pub max_parts: u32,
}

/// Something that GetObjectAttributes tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectAttribute {
    /// The tag.
    Tag,
    /// The checksum.
    Checksum,
    /// The parts.
    Parts,
    /// The storage class.
    StorageClass,
    /// The size.
    Size,
}

/// What a range beyond the object's end gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsatisfiable {
    /// 416 `InvalidRange`.
    Refused,
    /// The whole object (OSS without `x-oss-range-behavior: standard`).
    Whole,
}

/// Delete one object. Deleting what is not there succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteObject {
    /// From which bucket.
    pub bucket: BucketName,
    /// Which key.
    pub key: ObjectKey,
    /// Which version, for good; none deletes the object as the bucket keeps versions or not.
    pub version: Option<VersionId>,
    /// Conditions on what is deleted (`If-Match`).
    pub conditions: Conditions,
    /// Whether a retention of the version that may be overridden is to be overridden.
    pub bypass_governance: bool,
}

/// Delete many objects, each for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteObjects {
    /// From which bucket.
    pub bucket: BucketName,
    /// Whether the answer names failures only.
    pub quiet: bool,
    /// Whether the answer percent-encodes keys.
    pub url_encoded: bool,
    /// Which: at most [`DeleteObjects::KEYS_MAX`].
    pub entries: Vec<DeleteEntry>,
}

/// One object of a batch deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteEntry {
    /// Which key.
    pub key: ObjectKey,
    /// As in [`DeleteObject`].
    pub version: Option<VersionId>,
    /// As in [`DeleteObject`].
    pub conditions: Conditions,
    /// As in [`DeleteObject`].
    pub bypass_governance: bool,
}

impl DeleteEntry {
    /// What the caller must be allowed to do to the object: the verdicts on a batch are in this order, entry after entry.
    pub fn actions(&self) -> Vec<Action> {
        actions_of_deletion(self.version, &self.conditions, self.bypass_governance)
    }
}

impl DeleteObjects {
    /// The most keys of one batch, as all three services state it.
    pub const KEYS_MAX: usize = 1000;
}

impl PutObject {
    /// A write, and a replacing of each document that is asked for with it.
    pub(super) fn required(&self) -> Vec<Required> {
        let object = || Resource::Object(self.bucket.clone(), self.key.clone());
        let documents = self.settings.asked().into_iter().map(Action::PutObjectSetting);
        let actions = std::iter::once(Action::PutObject).chain(documents);
        actions.map(|action| Required::new(action, object())).collect()
    }
}

impl GetObject {
    pub(super) fn required(&self) -> Required {
        Required::new(action_of_read(self.version), Resource::Object(self.bucket.clone(), self.key.clone()))
    }
}

impl ObjectOperation {
    /// The operation's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Put(_) => "PutObject",
            Self::Copy(_) => "CopyObject",
            Self::Append(_) => "AppendObject",
            Self::SealAppend(_) => "SealAppendObject",
            Self::PutSymlink(_) => "PutSymlink",
            Self::GetSymlink(_) => "GetSymlink",
            Self::SetMetadata(_) => "SetObjectMetadata",
            Self::UpdateEncryption(_) => "UpdateObjectEncryption",
            Self::Get(_) => "GetObject",
            Self::Head(_) => "HeadObject",
            Self::Meta(_) => "GetObjectMeta",
            Self::Attributes(_) => "GetObjectAttributes",
            Self::Delete(_) => "DeleteObject",
            Self::DeleteMany(_) => "DeleteObjects",
            Self::GetSetting(_, kind) => kind.names()[0],
            Self::PutSetting(put) => put.setting.kind().names()[1],
            Self::DeleteSetting(_, kind) => kind.names()[2],
        }
    }

    /// The bucket it is about; of a copy, the one that is written to.
    pub fn bucket(&self) -> &BucketName {
        match self {
            Self::Put(put) => &put.bucket,
            Self::Copy(copy) => &copy.target.bucket,
            Self::Append(append) => &append.put.bucket,
            Self::SealAppend(seal) => &seal.bucket,
            Self::PutSymlink(put) => &put.link.bucket,
            Self::SetMetadata(set) => &set.bucket,
            Self::UpdateEncryption(update) => &update.bucket,
            Self::Get(get)
            | Self::Head(get)
            | Self::Meta(get)
            | Self::Attributes(GetAttributes { object: get, .. }) => &get.bucket,
            Self::Delete(delete) => &delete.bucket,
            Self::DeleteMany(many) => &many.bucket,
            Self::PutSetting(put) => &put.target.bucket,
            Self::GetSymlink(target) | Self::GetSetting(target, _) | Self::DeleteSetting(target, _) => &target.bucket,
        }
    }

    pub(super) fn required(&self) -> Vec<Required> {
        let object = |bucket: &BucketName, key: &ObjectKey| Resource::Object(bucket.clone(), key.clone());
        let all = |bucket: &BucketName, key: &ObjectKey, actions: Vec<Action>| {
            let resource = object(bucket, key);
            actions.into_iter().map(move |action| Required::new(action, resource.clone()))
        };
        match self {
            Self::Put(put) => put.required(),
            Self::Copy(copy) => copy.required(),
            Self::Append(append) => append.put.required(),
            Self::SealAppend(seal) => vec![Required::new(Action::SealAppend, object(&seal.bucket, &seal.key))],
            Self::PutSymlink(put) => put.required(),
            Self::GetSymlink(target) => {
                vec![Required::new(action_of_read(target.version), object(&target.bucket, &target.key))]
            }
            Self::SetMetadata(set) => vec![Required::new(Action::PutObject, object(&set.bucket, &set.key))],
            Self::UpdateEncryption(update) => {
                vec![Required::new(Action::PutObject, object(&update.bucket, &update.key))]
            }
            Self::Get(get)
            | Self::Head(get)
            | Self::Meta(get)
            | Self::Attributes(GetAttributes { object: get, .. }) => vec![get.required()],
            Self::Delete(one) => {
                let actions = actions_of_deletion(one.version, &one.conditions, one.bypass_governance);
                all(&one.bucket, &one.key, actions).collect()
            }
            Self::DeleteMany(many) => {
                let required = |entry: &DeleteEntry| all(&many.bucket, &entry.key, entry.actions());
                many.entries.iter().flat_map(required).collect()
            }
            Self::GetSetting(target, kind) => {
                vec![Required::new(Action::GetObjectSetting(*kind), object(&target.bucket, &target.key))]
            }
            Self::PutSetting(put) => {
                let bypass = put.bypass_governance.then_some(Action::BypassGovernance);
                let actions = [Action::PutObjectSetting(put.setting.kind())].into_iter().chain(bypass);
                let target = || object(&put.target.bucket, &put.target.key);
                actions.map(|action| Required::new(action, target())).collect()
            }
            Self::DeleteSetting(target, kind) => {
                vec![Required::new(Action::PutObjectSetting(*kind), object(&target.bucket, &target.key))]
            }
        }
    }
}

fn action_of_read(version: Option<VersionId>) -> Action {
    if version.is_some() { Action::GetObjectVersion } else { Action::GetObject }
}

/// Whether a condition holds tells what is there, which only readers may know; AWS asks for the same two. There is nothing to
/// override where no version is named: what is latest then stays as a version.
fn actions_of_deletion(version: Option<VersionId>, conditions: &Conditions, bypass: bool) -> Vec<Action> {
    let (delete, read) = match version {
        Some(_) => (Action::DeleteObjectVersion, Action::GetObjectVersion),
        None => (Action::DeleteObject, Action::GetObject),
    };
    let read = (*conditions != Conditions::default()).then_some(read);
    let bypass = (bypass && version.is_some()).then_some(Action::BypassGovernance);
    [delete].into_iter().chain(read).chain(bypass).collect()
}
