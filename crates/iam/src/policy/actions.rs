//! What a statement is about doing.

use std::collections::BTreeSet;

use strongroom_model::action::Action;

/// The parts of the server that actions belong to; a language has a prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    /// Buckets and objects.
    Storage,
    /// Master keys.
    Keys,
    /// Accounts, users, groups, policies, access keys.
    Identities,
    /// The server itself.
    Server,
}

/// The actions that a statement is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Actions {
    /// Whether it is about all but those below.
    pub(crate) negated: bool,
    /// Every action of these.
    pub(crate) services: BTreeSet<Service>,
    /// These as well.
    pub(crate) single: BTreeSet<Action>,
}

impl Actions {
    /// Whether the statement is about `action`.
    pub(crate) fn contains(&self, action: Action) -> bool {
        let named = self.single.contains(&action) || service(action).is_some_and(|it| self.services.contains(&it));
        named != self.negated
    }

    /// Adds every action there is.
    pub(crate) fn insert_all(&mut self) {
        self.services.extend([Service::Storage, Service::Keys, Service::Identities, Service::Server]);
    }
}

/// The service that an action belongs to; none for what everybody may do.
pub(crate) fn service(action: Action) -> Option<Service> {
    match action {
        Action::Probe => None,
        Action::Key(_) => Some(Service::Keys),
        Action::Identity(_) => Some(Service::Identities),
        Action::Inspect | Action::Maintain | Action::ReadAudit => Some(Service::Server),
        Action::ListBuckets
        | Action::CreateBucket
        | Action::DeleteBucket
        | Action::HeadBucket
        | Action::GetBucketLocation
        | Action::GetBucketInfo
        | Action::ListObjects
        | Action::ListVersions
        | Action::GetSetting(_)
        | Action::PutSetting(_)
        | Action::DeleteSetting(_)
        | Action::GetPolicyStatus
        | Action::GetUsage
        | Action::PutObject
        | Action::SealAppend
        | Action::GetObject
        | Action::GetObjectVersion
        | Action::DeleteObject
        | Action::DeleteObjectVersion
        | Action::GetObjectSetting(_)
        | Action::PutObjectSetting(_)
        | Action::BypassGovernance
        | Action::Worm(_)
        | Action::AbortUpload
        | Action::ListParts
        | Action::ListUploads => Some(Service::Storage),
    }
}
