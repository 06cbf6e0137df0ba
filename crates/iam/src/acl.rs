//! Access control lists to actions.

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::action::Action;
use strongroom_model::metadata::CannedAcl;

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

/// To whom a list gives something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Audience {
    Nobody,
    SignedIn,
    Everyone,
}

/// What a bucket's list, and those of its objects, say of an action. Objects belong to their bucket's owner here, so that
/// lists matter to strangers only.
pub(crate) fn judge(action: Action, principal: &Principal, bucket: &BucketCase) -> Answer {
    if bucket.block.ignore_acls || bucket.owner_is(principal) {
        return Answer::Silent;
    }
    let allowed = |audience: Audience| if audience.has(principal) { Answer::Allowed } else { Answer::Silent };
    match action {
        Action::HeadBucket | Action::ListObjects | Action::ListVersions | Action::ListUploads => {
            allowed(readers(bucket.acl))
        }
        Action::PutObject | Action::DeleteObject | Action::DeleteObjectVersion => allowed(writers(bucket.acl)),
        Action::GetObject | Action::GetObjectVersion if is_delivered(bucket.acl) => Answer::Allowed,
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
        | Action::GetPolicyStatus
        | Action::AbortUpload
        | Action::ListParts
        | Action::Key(_)
        | Action::Identity(_)
        | Action::Inspect
        | Action::Maintain => Answer::Silent,
    }
}

/// Whether an object's own list lets `principal` read it.
pub(crate) fn object_admits(acl: CannedAcl, principal: &Principal, bucket: &BucketCase) -> bool {
    if bucket.block.ignore_acls {
        return false;
    }
    let acl = if acl == CannedAcl::Inherit { bucket.acl } else { acl };
    readers(acl).has(principal)
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

impl Audience {
    fn has(self, principal: &Principal) -> bool {
        match self {
            Self::Nobody => false,
            Self::SignedIn => principal.account().is_some(),
            Self::Everyone => true,
        }
    }
}

fn readers(acl: CannedAcl) -> Audience {
    match acl {
        CannedAcl::PublicRead
        | CannedAcl::PublicReadWrite
        | CannedAcl::PublicReadDelivered
        | CannedAcl::PublicReadWriteDelivered => Audience::Everyone,
        CannedAcl::AuthenticatedRead => Audience::SignedIn,
        CannedAcl::Private
        | CannedAcl::BucketOwnerRead
        | CannedAcl::BucketOwnerFullControl
        | CannedAcl::LogDeliveryWrite
        | CannedAcl::Inherit => Audience::Nobody,
    }
}

fn writers(acl: CannedAcl) -> Audience {
    match acl {
        CannedAcl::PublicReadWrite | CannedAcl::PublicReadWriteDelivered => Audience::Everyone,
        _ => Audience::Nobody,
    }
}

fn is_delivered(acl: CannedAcl) -> bool {
    matches!(acl, CannedAcl::PublicReadDelivered | CannedAcl::PublicReadWriteDelivered)
}
