//! The decision.

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::action::{Action, Required, Resource};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::BucketName;
use strongroom_model::operation::{ObjectOperation, Operation};

use crate::case::Case;
use crate::granted::{Granted, Verdict};

/// Why an operation may not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Nobody has signed the request.
    Anonymous,
    /// The principal has no right to it.
    Forbidden,
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::new(match denied {
            Denied::Anonymous => FailureCode::AnonymousDenied,
            Denied::Forbidden => FailureCode::AccessDenied,
        })
    }
}

/// Decides whether `principal` may run `operation`, given the facts of `case`.
///
/// A batch is granted if anything in it is; its verdicts say what. An empty one is the owner's alone. Everything else is
/// granted whole or not at all.
///
/// # Errors
/// [`Denied`] says which of the two kinds of refusal it is.
pub fn authorize(operation: Operation, principal: Principal, case: &Case) -> Result<Granted, Denied> {
    let required = operation.required();
    let verdicts: Vec<Verdict> = required.iter().map(|required| judge(required, &principal, case)).collect();
    let allowed = verdicts.iter().filter(|verdict| **verdict == Verdict::Allowed).count();
    let suffices = match (is_batch(&operation), verdicts.is_empty()) {
        (true, true) => is_owner(&principal, case.bucket_owner),
        (true, false) => allowed > 0,
        (false, _) => allowed == verdicts.len(),
    };
    match (suffices, &principal) {
        (true, _) => {
            let may_list = is_owner(&principal, case.bucket_owner);
            Ok(Granted::new(operation, principal, verdicts, may_list, case.transport))
        }
        (false, Principal::Anonymous) => Err(Denied::Anonymous),
        (false, _) => Err(Denied::Forbidden),
    }
}

fn is_batch(operation: &Operation) -> bool {
    matches!(operation, Operation::Object(ObjectOperation::DeleteMany(_)))
}

fn judge(required: &Required, principal: &Principal, case: &Case) -> Verdict {
    let allowed = match (&required.resource, required.action) {
        (_, Action::Probe) => true,
        (Resource::Service | Resource::Administration | Resource::Key(_) | Resource::Keys, _)
        | (_, Action::CreateBucket) => principal.account().is_some(),
        (Resource::Bucket(bucket) | Resource::Object(bucket, _), _) => is_owner(principal, owner_of(bucket, case)),
    };
    if allowed { Verdict::Allowed } else { Verdict::Denied }
}

fn owner_of(bucket: &BucketName, case: &Case) -> Option<AccountId> {
    match &case.source {
        Some((name, owner)) if name == bucket => *owner,
        _ => case.bucket_owner,
    }
}

/// A bucket that does not exist has no owner to deny anything, so any signed-in caller gets to the "no such bucket".
fn is_owner(principal: &Principal, owner: Option<AccountId>) -> bool {
    match (principal.account(), owner) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(account), Some(owner)) => account == owner,
    }
}
