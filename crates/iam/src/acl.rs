//! Access control lists to actions.

use std::borrow::Cow;

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
    if bucket.owner_is(principal) {
        return Answer::Silent;
    }
    let (account, list) = (principal.account(), bucket.effective(&bucket.acl));
    let allowed = |permission| match list.allows(account, permission) {
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
        Action::GetObject | Action::GetObjectVersion if list.delivers(account, Permission::Read) => Answer::Allowed,
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
        | Action::Worm(_)
        | Action::GetPolicyStatus
        | Action::GetUsage
        | Action::AbortUpload
        | Action::ListParts
        | Action::Key(_)
        | Action::Identity(_)
        | Action::Inspect
        | Action::ReadAudit
        | Action::Maintain => Answer::Silent,
    }
}

/// Whether an object's own list lets `principal` read it.
pub(crate) fn object_admits(list: &Acl, principal: &Principal, bucket: &BucketCase) -> bool {
    let list = if *list == Acl::Inherited { &bucket.acl } else { list };
    bucket.effective(list).allows(principal.account(), Permission::Read)
}

impl BucketCase {
    /// What counts of a list of the bucket or of an object in it.
    fn effective<'a>(&self, list: &'a Acl) -> Cow<'a, Acl> {
        if self.block.ignore_acls && list.is_public() { Cow::Owned(list.without_public()) } else { Cow::Borrowed(list) }
    }

    /// Whether `principal` is of the owner's account.
    pub(crate) fn owner_is(&self, principal: &Principal) -> bool {
        is_of(principal, self.owner)
    }
}

/// Whether `principal` is of the account.
pub(crate) fn is_of(principal: &Principal, account: AccountId) -> bool {
    principal.account() == Some(account)
}
