//! What would be decided: the dry run.

use strongroom_model::action::{Action, Resource};
use strongroom_model::encryption::EncryptionContext;

use crate::case::Case;
use crate::decision::{Decision, decide, decide_key};
use crate::facts;
use crate::policy::fact::Facts;

/// The encryption headers of a request that is only imagined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImaginedEncryption {
    /// The method, in any dialect's word.
    pub method: Option<String>,
    /// The master key.
    pub key: Option<String>,
    /// The algorithm of a customer's key.
    pub customer_algorithm: Option<String>,
}

/// Decides about one action on one resource as [`crate::authorize()`] would.
pub fn simulate(action: Action, resource: &Resource, encryption: &ImaginedEncryption, case: &Case) -> Decision {
    let gather = || {
        let mut facts = facts::of_case(case);
        facts::insert_imagined(&mut facts, encryption, case);
        facts
    };
    match (action, resource, case.subject.requester.principal.account()) {
        (Action::Key(action), Resource::Key(_), Some(account)) => {
            let gather = || {
                let mut facts = gather();
                facts::insert_key_use(&mut facts, &EncryptionContext::new(), case);
                facts
            };
            decide_key(Action::Key(action), resource, account, case, &Facts::new(&gather))
        }
        _ => decide(action, resource, case, &Facts::new(&gather)),
    }
}
