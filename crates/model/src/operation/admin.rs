//! Operations on the server itself, asked through the admin API.

use crate::account::UserName;
use crate::action::{Action, IdentityAction, KeyAction, Required, Resource};
use crate::name::{BucketName, ObjectKey, VersionId};

use super::audit::AuditFilter;
use super::identity::IdentityOperation;

/// An operation on the server itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminOperation {
    /// Make a user with a first access key.
    CreateUser(UserName),
    /// List the account's users.
    ListUsers,
    /// Delete a user and all access keys of it.
    DeleteUser(UserName),
    /// Do something with identities.
    Identity(IdentityOperation),
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
    /// Follow all buckets' lifecycle rules now: go on where the last run was interrupted, or begin anew.
    StartLifecycle,
    /// How far the lifecycle rules are followed.
    DescribeLifecycle,
    /// Interrupt the run of the lifecycle rules.
    StopLifecycle,
    /// Find records of the audit trail.
    QueryAudit(Box<AuditFilter>),
    /// Hold the audit trail against its signatures.
    VerifyAudit,
    /// Take a backup of the whole store.
    Backup(Backup),
}

/// Take a backup of the whole store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backup {
    /// Whether the blobs go along; else the backup names those that it needs.
    pub with_blobs: bool,
    /// Minutes after its end for which no blob that it needs is removed, so that they can be copied; [`Backup::KEEP_MINUTES_MAX`]
    /// at most.
    pub keep_minutes: u32,
}

impl Backup {
    /// A week: what is overwritten stays on the disk for as long.
    pub const KEEP_MINUTES_MAX: u32 = 7 * 24 * 60;
}

/// Look at everything that is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StartScrub {
    /// Bytes read per second at most; none is as many as it can.
    pub rate: Option<u64>,
    /// From the beginning, even if the last one was interrupted.
    pub anew: bool,
}

impl AdminOperation {
    /// The operation's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateUser(_) => "CreateUser",
            Self::ListUsers => "ListUsers",
            Self::DeleteUser(_) => "DeleteUser",
            Self::Identity(operation) => operation.name(),
            Self::ListBuckets => "AdminListBuckets",
            Self::DescribeObject { .. } => "DescribeObject",
            Self::ProveKeys => "ProveKeys",
            Self::StartScrub(_) => "StartScrub",
            Self::DescribeScrub => "DescribeScrub",
            Self::StopScrub => "StopScrub",
            Self::Backup(_) => "Backup",
            Self::StartLifecycle => "StartLifecycle",
            Self::DescribeLifecycle => "DescribeLifecycle",
            Self::StopLifecycle => "StopLifecycle",
            Self::QueryAudit(_) => "QueryAudit",
            Self::VerifyAudit => "VerifyAudit",
        }
    }

    pub(super) fn required(&self) -> Vec<Required> {
        let user = |action, name: &UserName| {
            Required::new(Action::Identity(action), Resource::Identity(format!("user/{}", name.as_str())))
        };
        let administration = |action| Required::new(action, Resource::Administration);
        vec![match self {
            Self::Identity(operation) => return operation.required(),
            Self::ProveKeys => Required::new(Action::Key(KeyAction::Create), Resource::Keys),
            Self::CreateUser(name) => user(IdentityAction::CreateUser, name),
            Self::ListUsers => {
                Required::new(Action::Identity(IdentityAction::ListUsers), Resource::Identity(String::new()))
            }
            Self::DeleteUser(name) => user(IdentityAction::DeleteUser, name),
            Self::ListBuckets | Self::DescribeObject { .. } | Self::DescribeScrub | Self::DescribeLifecycle => {
                administration(Action::Inspect)
            }
            Self::StartScrub(_) | Self::StopScrub | Self::StartLifecycle | Self::StopLifecycle | Self::Backup(_) => {
                administration(Action::Maintain)
            }
            Self::QueryAudit(_) | Self::VerifyAudit => administration(Action::ReadAudit),
        }]
    }
}
