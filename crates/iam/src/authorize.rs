//! The decision about an operation as a whole.

use std::sync::Arc;

use strongroom_model::account::Principal;
use strongroom_model::action::{Action, Required, Resource};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::{ObjectOperation, Operation};

use crate::case::Case;
use crate::decision::{Decision, Permission, decide};
use crate::facts;
use crate::granted::{Granted, Rights, Verdict};
use crate::keys;
use crate::policy::fact::{Facts, Known};

/// Why an operation may not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Whether it is because nobody has signed the request.
    pub anonymous: bool,
    /// What the first refusal rested on; none for a batch of nothing.
    pub decision: Option<Decision>,
    /// What was refused first.
    pub missing: Option<Action>,
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        let code = if denied.anonymous { FailureCode::AnonymousDenied } else { FailureCode::AccessDenied };
        match denied.decision {
            Some(decision) => Self::new(code).caused_by(decision.to_string()),
            None => Self::new(code),
        }
    }
}

/// Decides whether `operation` may run, given the facts of `case`.
///
/// A batch is granted if anything in it is; its verdicts say what. Everything else is granted whole or not at all.
///
/// # Errors
/// [`Denied`] says what decided.
pub fn authorize(operation: Operation, case: Case) -> Result<Granted, Denied> {
    let gather = || facts::of_operation(&operation, &case);
    let facts = Facts::new(&gather);
    let required = operation.required();
    let decisions: Vec<Decision> =
        required.iter().map(|required| decide_required(&operation, required, &case, &facts, &gather)).collect();
    let refused = decisions.iter().position(|decision| decision.answer == Permission::Denied);
    let suffices = match refused {
        // An empty batch comes from no decoder; it is granted to those who may know the bucket.
        _ if decisions.is_empty() => may_list(&operation, &case, &facts),
        None => true,
        Some(_) => is_batch(&operation) && decisions.iter().any(|it| it.answer != Permission::Denied),
    };
    if !suffices {
        return Err(Denied {
            anonymous: case.subject.requester.principal == Principal::Anonymous,
            decision: refused.map(|place| decisions[place].clone()),
            missing: refused.map(|place| required[place].action),
        });
    }
    let verdicts = decisions.iter().map(|decision| match decision.answer {
        Permission::Allowed | Permission::IfObjectAdmits => Verdict::Allowed,
        Permission::Denied => Verdict::Denied,
    });
    let verdicts = verdicts.collect();
    let asked = required.into_iter().zip(&decisions).filter_map(|(required, decision)| match required.resource {
        Resource::Object(bucket, key) if decision.answer == Permission::IfObjectAdmits => Some((bucket, key)),
        _ => None,
    });
    let asked = asked.collect();
    let may_list = may_list(&operation, &case, &facts);
    Ok(Granted::new(operation, verdicts, may_list, Rights::new(Arc::new(case), asked)))
}

fn decide_required(
    operation: &Operation,
    required: &Required,
    case: &Case,
    facts: &Facts<'_>,
    gather: &dyn Fn() -> Known,
) -> Decision {
    let of_key = match operation {
        Operation::Key(operation) => {
            keys::decide_operation(operation, required.action, &required.resource, case, gather)
        }
        _ => None,
    };
    of_key.unwrap_or_else(|| decide(required.action, &required.resource, case, facts))
}

fn is_batch(operation: &Operation) -> bool {
    matches!(operation, Operation::Object(ObjectOperation::DeleteMany(_)))
}

/// Whether the caller may list the bucket that the operation is about.
fn may_list(operation: &Operation, case: &Case, facts: &Facts<'_>) -> bool {
    let bucket = match operation {
        Operation::Bucket(operation) => operation.bucket(),
        Operation::Object(operation) => operation.bucket(),
        Operation::Upload(operation) => operation.bucket(),
        Operation::Service(_) | Operation::Key(_) | Operation::Admin(_) => return false,
    };
    let resource = Resource::Bucket(bucket.clone());
    decide(Action::ListObjects, &resource, case, facts).answer == Permission::Allowed
}
