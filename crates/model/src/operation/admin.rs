//! Operations on the server itself, asked through the admin API.

use crate::account::UserName;
use crate::action::{Action, KeyAction, Required, Resource};
use crate::key::{KeyReference, KeySpec};
use crate::name::{BucketName, ObjectKey, VersionId};

/// An operation on the server itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminOperation {
    /// Make a customer master key.
    CreateKey(CreateKey),
    /// List the customer master keys.
    ListKeys,
    /// Describe one customer master key.
    DescribeKey(KeyReference),
    /// Let a key seal and open.
    EnableKey(KeyReference),
    /// Stop a key from sealing and opening.
    DisableKey(KeyReference),
    /// Plan a key's destruction.
    ScheduleKeyDeletion {
        /// Which key.
        key: KeyReference,
        /// Days until then: [`AdminOperation::PENDING_DAYS`].
        pending_days: u32,
    },
    /// Keep a key whose destruction was planned; it comes back disabled.
    CancelKeyDeletion(KeyReference),
    /// Point an alias at a key, whether it is new or pointed elsewhere.
    SetAlias {
        /// The alias, without `alias/`.
        alias: String,
        /// Which key.
        key: KeyReference,
    },
    /// Remove an alias.
    RemoveAlias(String),
    /// Make a user with a first access key.
    CreateUser(UserName),
    /// List the account's users.
    ListUsers,
    /// Delete a user and all access keys of it.
    DeleteUser(UserName),
    /// List all buckets.
    ListBuckets,
    /// How an object is stored and sealed; never a key.
    DescribeObject {
        /// In which bucket.
        bucket: BucketName,
        /// Which key.
        key: ObjectKey,
        /// Which version; none is the current one.
        version: Option<VersionId>,
    },
    /// Wrap and unwrap a fresh key, to prove that the key service works.
    ProveKeys,
    /// Look at everything that is stored: go on where the last scrub was interrupted, or begin anew.
    StartScrub(StartScrub),
    /// How far the scrub is.
    DescribeScrub,
    /// Interrupt the scrub.
    StopScrub,
}

/// Look at everything that is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StartScrub {
    /// Bytes read per second at most; none is as many as it can.
    pub rate: Option<u64>,
    /// From the beginning, even if the last one was interrupted.
    pub anew: bool,
}

/// Make a customer master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateKey {
    /// Its cipher.
    pub spec: KeySpec,
    /// What its owner writes of it.
    pub description: String,
    /// A first alias, without `alias/`.
    pub alias: Option<String>,
}

impl AdminOperation {
    /// The days that a deletion may be pending: the widest of the three services (Huawei: 7 to 1,096).
    pub const PENDING_DAYS: std::ops::RangeInclusive<u32> = 7..=1096;

    /// The operation's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateKey(_) => "CreateKey",
            Self::ListKeys => "ListKeys",
            Self::DescribeKey(_) => "DescribeKey",
            Self::EnableKey(_) => "EnableKey",
            Self::DisableKey(_) => "DisableKey",
            Self::ScheduleKeyDeletion { .. } => "ScheduleKeyDeletion",
            Self::CancelKeyDeletion(_) => "CancelKeyDeletion",
            Self::SetAlias { .. } => "SetAlias",
            Self::RemoveAlias(_) => "RemoveAlias",
            Self::CreateUser(_) => "CreateUser",
            Self::ListUsers => "ListUsers",
            Self::DeleteUser(_) => "DeleteUser",
            Self::ListBuckets => "AdminListBuckets",
            Self::DescribeObject { .. } => "DescribeObject",
            Self::ProveKeys => "ProveKeys",
            Self::StartScrub(_) => "StartScrub",
            Self::DescribeScrub => "DescribeScrub",
            Self::StopScrub => "StopScrub",
        }
    }

    pub(super) fn required(&self) -> Vec<Required> {
        let keys = |action| Required::new(Action::Key(action), Resource::Keys);
        let key = |action, key: &KeyReference| Required::new(Action::Key(action), Resource::Key(key.clone()));
        let alias = |alias: &str| Resource::Key(KeyReference::parse(&format!("alias/{alias}")));
        let administration = |action| Required::new(action, Resource::Administration);
        vec![match self {
            Self::CreateKey(_) | Self::ProveKeys => keys(KeyAction::Create),
            Self::ListKeys => keys(KeyAction::List),
            Self::DescribeKey(reference) => key(KeyAction::Describe, reference),
            Self::EnableKey(reference) => key(KeyAction::Enable, reference),
            Self::DisableKey(reference) => key(KeyAction::Disable, reference),
            Self::ScheduleKeyDeletion { key: reference, .. } => key(KeyAction::ScheduleDeletion, reference),
            Self::CancelKeyDeletion(reference) => key(KeyAction::CancelDeletion, reference),
            Self::SetAlias { key: reference, .. } => key(KeyAction::SetAlias, reference),
            Self::RemoveAlias(name) => Required::new(Action::Key(KeyAction::DeleteAlias), alias(name)),
            Self::CreateUser(_) | Self::ListUsers | Self::DeleteUser(_) => administration(Action::AdministerIdentities),
            Self::ListBuckets | Self::DescribeObject { .. } | Self::DescribeScrub => administration(Action::Inspect),
            Self::StartScrub(_) | Self::StopScrub => administration(Action::Maintain),
        }]
    }
}
