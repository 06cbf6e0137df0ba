//! What would be decided: the dry run.

use strongroom_model::action::{Action, Resource};
use strongroom_model::encryption::EncryptionContext;

use crate::case::Case;
use crate::decision::{Decision, decide};
use crate::facts;
use crate::keys::{self, Use};
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
    let key = match (action, resource) {
        (Action::Key(action), Resource::Key(reference)) => case.key_named(reference).map(|key| (action, key)),
        _ => None,
    };
    match key {
        Some((action, key)) => {
            let context = EncryptionContext::new();
            let gather = || {
                let mut facts = gather();
                facts::insert_key_use(&mut facts, &context, case);
                facts
            };
            keys::decide(&Use::new(action, Some(&context)), key, case, &Facts::new(&gather))
        }
        None => decide(action, resource, case, &Facts::new(&gather)),
    }
}
