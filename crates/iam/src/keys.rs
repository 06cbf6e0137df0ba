//! Decisions about master keys: what the caller's own policies, the key's policy and the grants on the key say together.
//!
//! A key without a policy of its own leaves everything to the policies of its owner's account. A policy that it has decides
//! whom that still is true for. A grant suffices in the key's own account, unless something denies. Across accounts the key's
//! owner must consent by the key's policy or a grant, and the caller's own policies must allow it besides.

use std::sync::Arc;

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::action::{Action, KeyAction, Resource};
use strongroom_model::encryption::EncryptionContext;
use strongroom_model::grant::{Grant, GrantTerms, GranteeKind};
use strongroom_model::key::{KeyName, KeyReference, KeyTarget};
use strongroom_model::operation::KeyOperation;

use crate::acl;
use crate::case::Case;
use crate::decision::{Consulted, Decision, Permission, PolicyPlace, Reason, Sides};
use crate::facts;
use crate::policy::Policy;
use crate::policy::fact::{Facts, Known};
use crate::policy::principals::Reach;
use crate::policy::resources::Target;

/// What decisions need to know of a master key.
#[derive(Debug, Clone)]
pub struct KeyCase {
    /// How the operation refers to it; none for the key that a ciphertext names.
    pub reference: Option<String>,
    /// Its name.
    pub name: KeyName,
    /// Whether it serves its owner's account alone, whatever its policy and its grants say.
    pub own_account_only: bool,
    /// Its policy; none for the usual one.
    pub policy: Option<Arc<Policy>>,
    /// The grants on it.
    pub grants: Arc<[Grant]>,
}

impl KeyCase {
    /// A key of which nothing but its name is known: nobody has granted anything.
    pub fn bare(name: KeyName) -> Self {
        Self { reference: None, name, own_account_only: true, policy: None, grants: Arc::new([]) }
    }
}

/// What is to be done with a key.
pub(crate) struct Use<'a> {
    /// What.
    pub(crate) action: KeyAction,
    /// With which encryption context, if it has one.
    pub(crate) context: Option<&'a EncryptionContext>,
    /// What is to be granted.
    pub(crate) terms: Option<&'a GrantTerms>,
    /// Which grant is to be ended.
    pub(crate) ended: Option<&'a str>,
}

impl<'a> Use<'a> {
    /// An action with a context alone.
    pub(crate) fn new(action: KeyAction, context: Option<&'a EncryptionContext>) -> Self {
        Self { action, context, terms: None, ended: None }
    }

    fn of(operation: &'a KeyOperation, action: KeyAction) -> Self {
        let context = match operation {
            KeyOperation::Use(used) => used.context(action),
            _ => None,
        };
        let terms = match operation {
            KeyOperation::CreateGrant { terms, .. } => Some(terms),
            _ => None,
        };
        let ended = match operation {
            KeyOperation::EndGrant { grant, .. } => Some(grant.as_str()),
            _ => None,
        };
        Self { action, context, terms, ended }
    }
}

/// Decides about one thing that an operation on keys requires. None if it is about no key that was found: the caller's own
/// policies alone say then whether it may hear so.
pub(crate) fn decide_operation(
    operation: &KeyOperation,
    action: Action,
    resource: &Resource,
    case: &Case,
    gather: &dyn Fn() -> Known,
) -> Option<Decision> {
    let Action::Key(action) = action else { return None };
    let key = match resource {
        Resource::Key(reference) => case.key_named(reference),
        Resource::Keys if operation.unnamed_ciphertext().is_some() => case.unnamed_key(),
        _ => None,
    };
    let used = Use::of(operation, action);
    let gather = || {
        let mut facts = gather();
        used.context.iter().for_each(|context| facts::insert_context(&mut facts, context));
        facts
    };
    key.map(|key| decide(&used, key, case, &Facts::new(&gather)))
}

/// Decides about a use of a key.
pub(crate) fn decide(used: &Use<'_>, key: &KeyCase, case: &Case, facts: &Facts<'_>) -> Decision {
    let principal = &case.subject.requester.principal;
    let owner = key.name.account;
    let resource = Resource::Key(facts::reference(&key.name));
    let target = Target::new(&resource, Some(owner));
    let consulted = key.policy.as_deref().map(|policy| Consulted { policy, place: PolicyPlace::Key, allows: true });
    let sides = Sides::look(Action::Key(used.action), &target, consulted, case, facts);
    if let Some(statement) = sides.denied {
        return Decision::denied(Reason::DeniedBy(statement));
    }
    let grant = strongest(used, key, principal);
    let allowed = |reason| Decision::new(Permission::Allowed, reason);
    let decision = match acl::is_of(principal, owner) {
        true => {
            let delegated = key.policy.is_none() || sides.owners.is_some();
            match (sides.own, sides.owners, grant) {
                (_, Some((statement, reach)), _) if reach >= Reach::Itself => allowed(Reason::AllowedBy(statement)),
                (Some(own), _, _) if delegated => allowed(Reason::AllowedBy(own)),
                (_, _, Some((grant, Reach::Itself))) => allowed(Reason::Granted(grant.id.clone())),
                (Some(_), _, Some((grant, _))) => allowed(Reason::Granted(grant.id.clone())),
                (Some(_), _, None) => Decision::denied(Reason::NotGrantedByKey),
                (None, _, _) => Decision::denied(Reason::NothingAllows),
            }
        }
        false => {
            let open = crosses_accounts(used.action) && !key.own_account_only && !key.name.is_default;
            match (sides.own, sides.owners.filter(|_| open), grant.filter(|_| open)) {
                (Some(_), Some((statement, _)), _) => allowed(Reason::AllowedBy(statement)),
                (Some(_), None, Some((grant, _))) => allowed(Reason::Granted(grant.id.clone())),
                (Some(_), None, None) => Decision::denied(Reason::NotGrantedByKey),
                (None, Some((statement, _)), _) => Decision::denied(Reason::NotPassedOn(statement)),
                (None, None, _) => Decision::denied(Reason::NothingAllows),
            }
        }
    };
    match decision.answer {
        Permission::Allowed if sides.session_refuses => Decision::denied(Reason::NotInSession),
        _ => decision,
    }
}

/// The grant that lets `principal` do it most directly, and how much it is about it: an account passes on to its users by
/// policies of its own.
fn strongest<'a>(used: &Use<'_>, key: &'a KeyCase, principal: &Principal) -> Option<(&'a Grant, Reach)> {
    let reaches = key.grants.iter().map(|grant| (grant, reach(used, grant, principal, key.name.account)));
    reaches.filter(|(_, reach)| *reach > Reach::None).max_by_key(|(_, reach)| *reach)
}

fn reach(used: &Use<'_>, grant: &Grant, principal: &Principal, home: AccountId) -> Reach {
    let terms = &grant.terms;
    let ends_this = used.action == KeyAction::RetireGrant && used.ended == Some(grant.id.as_str());
    let as_retiring = match &terms.retiring {
        Some(retiring) if ends_this => about(retiring, GranteeKind::User, principal, home),
        _ => Reach::None,
    };
    let lets = terms.actions.iter().any(|action| action.lets(used.action))
        && (used.action != KeyAction::RetireGrant || ends_this)
        && used.context.is_none_or(|context| terms.constraint.as_ref().is_none_or(|it| it.admits(context)))
        && (used.action != KeyAction::CreateGrant || used.terms.is_some_and(|given| is_within(given, terms)));
    let as_grantee = if lets { about(&terms.grantee, terms.grantee_kind, principal, home) } else { Reach::None };
    as_retiring.max(as_grantee)
}

/// Whoever may grant by a grant alone may grant no more than it has, in no more cases.
fn is_within(given: &GrantTerms, held: &GrantTerms) -> bool {
    let actions = given.actions.iter().all(|action| held.actions.contains(action));
    let constraint = match &held.constraint {
        None => true,
        Some(held) => given.constraint.as_ref().is_some_and(|given| held.includes(given)),
    };
    actions && constraint
}

/// How much a text that a grant has is about `principal`.
fn about(text: &str, kind: GranteeKind, principal: &Principal, home: AccountId) -> Reach {
    let named = match kind {
        GranteeKind::User => Principal::parse(text, home),
        GranteeKind::Account => AccountId::parse(text).map(Principal::Root),
    };
    match (named, principal) {
        (Some(named), principal) if named == *principal => Reach::Itself,
        (Some(Principal::Root(account)), Principal::User(its, _)) if account == *its => Reach::Account,
        _ => Reach::None,
    }
}

/// What those of other accounts can be let do with a key at all, as AWS has it.
fn crosses_accounts(action: KeyAction) -> bool {
    matches!(
        action,
        KeyAction::Describe
            | KeyAction::GetRotation
            | KeyAction::ListGrants
            | KeyAction::CreateGrant
            | KeyAction::RevokeGrant
            | KeyAction::RetireGrant
            | KeyAction::GenerateDataKey
            | KeyAction::GenerateDataKeyWithoutPlaintext
            | KeyAction::Encrypt
            | KeyAction::Decrypt
            | KeyAction::EncryptDataKey
            | KeyAction::DecryptDataKey
            | KeyAction::ReEncryptFrom
            | KeyAction::ReEncryptTo
    )
}

impl Case {
    /// What is known of the key that `reference` names, if it was found.
    pub(crate) fn key_named(&self, reference: &KeyReference) -> Option<&KeyCase> {
        self.keys.iter().find(|key| match &reference.target {
            KeyTarget::Found(name) => key.name == *name,
            KeyTarget::Id(_) | KeyTarget::Alias(_) => key.reference.as_ref() == Some(&reference.text),
        })
    }

    /// What is known of the key that a ciphertext names.
    pub(crate) fn unnamed_key(&self) -> Option<&KeyCase> {
        self.keys.iter().find(|key| key.reference.is_none())
    }
}

/// Whether `principal` could still replace the policy of a key of that name, were it `policy`.
pub(crate) fn keeps_policy(policy: Arc<Policy>, name: KeyName, case: &Case) -> bool {
    let key = KeyCase { policy: Some(policy), ..KeyCase::bare(name) };
    let gather = || facts::of_case(case);
    decide(&Use::new(KeyAction::PutPolicy, None), &key, case, &Facts::new(&gather)).answer == Permission::Allowed
}
