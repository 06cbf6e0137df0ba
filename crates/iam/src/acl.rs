//! Access control lists to actions.

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::acl::{Acl, Permission};
use strongroom_model::action::Action;
use strongroom_model::setting::SettingKind;

use crate::case::BucketCase;

/// What the lists say of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It may be done.
    Allowed,
    /// The object's own list decides.
    AsksObject,
    /// They say nothing of it.
    Silent,
}

/// What a bucket's list, and those of its objects, say of an action. Objects belong to their bucket's owner here, so that
/// lists matter to strangers only.
pub(crate) fn judge(action: Action, principal: &Principal, bucket: &BucketCase) -> Answer {
    if bucket.block.ignore_acls || bucket.owner_is(principal) {
        return Answer::Silent;
    }
    let account = principal.account();
    let allowed = |permission| match bucket.acl.allows(account, permission) {
        true => Answer::Allowed,
        false => Answer::Silent,
    };
    match action {
        Action::HeadBucket | Action::ListObjects | Action::ListVersions | Action::ListUploads => {
            allowed(Permission::Read)
        }
        Action::PutObject | Action::SealAppend | Action::DeleteObject | Action::DeleteObjectVersion => {
            allowed(Permission::Write)
        }
        Action::GetSetting(SettingKind::Acl) => allowed(Permission::ReadAcl),
        Action::PutSetting(SettingKind::Acl) => allowed(Permission::WriteAcl),
        Action::GetObject | Action::GetObjectVersion if bucket.acl.delivers(account, Permission::Read) => {
            Answer::Allowed
        }
        Action::GetObject | Action::GetObjectVersion => Answer::AsksObject,
        Action::Probe
        | Action::ListBuckets
        | Action::CreateBucket
        | Action::DeleteBucket
        | Action::GetBucketLocation
        | Action::GetBucketInfo
        | Action::GetSetting(_)
        | Action::PutSetting(_)
        | Action::DeleteSetting(_)
        | Action::GetObjectSetting(_)
        | Action::PutObjectSetting(_)
        | Action::BypassGovernance
        | Action::GetPolicyStatus
        | Action::GetUsage
        | Action::AbortUpload
        | Action::ListParts
        | Action::Key(_)
        | Action::Identity(_)
        | Action::Inspect
        | Action::Maintain => Answer::Silent,
    }
}

/// Whether an object's own list lets `principal` read it.
pub(crate) fn object_admits(list: &Acl, principal: &Principal, bucket: &BucketCase) -> bool {
    if bucket.block.ignore_acls {
        return false;
    }
    let list = if *list == Acl::Inherited { &bucket.acl } else { list };
    list.allows(principal.account(), Permission::Read)
}

impl BucketCase {
    /// Whether `principal` is of the owner's account.
    pub(crate) fn owner_is(&self, principal: &Principal) -> bool {
        is_of(principal, self.owner)
    }
}

/// Whether `principal` is of the account.
pub(crate) fn is_of(principal: &Principal, account: AccountId) -> bool {
    principal.account() == Some(account)
}
