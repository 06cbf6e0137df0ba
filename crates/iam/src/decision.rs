//! One decision, and the statement that made it.

use std::fmt;

use strongroom_model::account::AccountId;
use strongroom_model::account::Principal;
use strongroom_model::action::{Action, Resource};
use strongroom_model::setting::SettingKind;

use crate::acl::{self, Answer};
use crate::case::{BucketCase, Case};
use crate::policy::fact::Facts;
use crate::policy::principals::Reach;
use crate::policy::resources::Target;
use crate::policy::{Effect, Policy, Question};

/// Whether something may be done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be.
    pub answer: Permission,
    /// Why.
    pub reason: Reason,
}

/// Whether something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Allowed,
    /// It may if the object's own access control list says so.
    IfObjectAdmits,
    /// It may not.
    Denied,
}

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Everybody may.
    Everybody,
    /// A statement that denies it.
    DeniedBy(Statement),
    /// A statement that allows it.
    AllowedBy(Statement),
    /// An access control list.
    AccessControlList,
    /// The bucket's owner allows it, but nothing in the caller's own account does.
    NotPassedOn(Statement),
    /// The caller's own account allows it, but the bucket's owner does not.
    NotGrantedByOwner,
    /// The caller's own policies allow it, but neither the key's policy nor a grant on it does.
    NotGrantedByKey,
    /// The grant on the key that has this id.
    Granted(String),
    /// The session's policy does not allow what its principal may do.
    NotInSession,
    /// Nothing allows it.
    NothingAllows,
}

/// A statement, by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// In which policy.
    pub policy: PolicyPlace,
    /// Which of its statements, from 1.
    pub number: usize,
    /// The statement's own name.
    pub sid: Option<String>,
}

/// Which policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyPlace {
    /// One of the caller's own account, by name.
    Identity(String),
    /// The bucket's.
    Bucket,
    /// The master key's.
    Key,
    /// That of the temporary access key.
    Session,
}

impl Decision {
    pub(crate) fn new(answer: Permission, reason: Reason) -> Self {
        Self { answer, reason }
    }

    pub(crate) fn denied(reason: Reason) -> Self {
        Self::new(Permission::Denied, reason)
    }
}

/// Decides about one action on one resource.
///
/// Nothing is allowed but what a statement or a list allows; nothing is allowed that a statement denies. In the
/// principal's own account either side suffices, its own policies or the bucket's; across accounts both must allow.
pub(crate) fn decide(action: Action, resource: &Resource, case: &Case, facts: &Facts<'_>) -> Decision {
    if action == Action::Probe {
        return Decision::new(Permission::Allowed, Reason::Everybody);
    }
    let bucket = match resource {
        // A bucket of that name may be anybody's, and says nothing about making one.
        Resource::Bucket(_) if action == Action::CreateBucket => None,
        Resource::Bucket(name) | Resource::Object(name, _) => case.bucket_named(name),
        _ => None,
    };
    match resource {
        // A key that was not found is nobody's; one that was is decided about in `keys`.
        Resource::Key(reference) => {
            let named = reference.account.as_deref().and_then(AccountId::parse);
            match named.or(case.subject.requester.principal.account()) {
                Some(owner) => {
                    let target = Target::new(resource, Some(owner));
                    Sides::look(action, &target, None, case, facts).settle(Answer::Silent, true)
                }
                None => Decision::denied(Reason::NothingAllows),
            }
        }
        _ => decide_for(action, resource, bucket, case, facts),
    }
}

fn decide_for(
    action: Action,
    resource: &Resource,
    bucket: Option<&BucketCase>,
    case: &Case,
    facts: &Facts<'_>,
) -> Decision {
    let principal = &case.subject.requester.principal;
    let owner = bucket.map(|bucket| bucket.owner).or(principal.account());
    let target = Target::new(resource, owner);
    let consulted = bucket.filter(|bucket| !is_rescue(action, principal, bucket)).and_then(|bucket| {
        let policy = bucket.policy.as_deref()?;
        let restricted = bucket.block.restrict_buckets && policy.is_public() && !bucket.owner_is(principal);
        Some(Consulted { policy, place: PolicyPlace::Bucket, allows: !restricted })
    });
    let sides = Sides::look(action, &target, consulted, case, facts);
    let lists = bucket.map_or(Answer::Silent, |bucket| acl::judge(action, principal, bucket));
    sides.settle(lists, owner.is_some_and(|owner| acl::is_of(principal, owner)))
}

/// An account may always see and remove the policy of a bucket of its own: else one wrong statement would lock it out for
/// ever. Its own policies still decide.
fn is_rescue(action: Action, principal: &Principal, bucket: &BucketCase) -> bool {
    let about_policy = matches!(
        action,
        Action::GetSetting(SettingKind::Policy)
            | Action::PutSetting(SettingKind::Policy)
            | Action::DeleteSetting(SettingKind::Policy)
    );
    about_policy && *principal == Principal::Root(bucket.owner)
}

/// The policy of what something is done to.
pub(crate) struct Consulted<'a> {
    /// It.
    pub(crate) policy: &'a Policy,
    /// What it is called.
    pub(crate) place: PolicyPlace,
    /// Whether its allowances count; its denials always do.
    pub(crate) allows: bool,
}

/// What each side says.
#[derive(Default)]
pub(crate) struct Sides {
    /// The statement that denies it, on whatever side.
    pub(crate) denied: Option<Statement>,
    /// The statement of the caller's own policies that allows it.
    pub(crate) own: Option<Statement>,
    /// That of the owner's, and how much it is about the caller.
    pub(crate) owners: Option<(Statement, Reach)>,
    /// Whether there is a session policy, and it does not allow.
    pub(crate) session_refuses: bool,
}

impl Sides {
    /// Asks all of them.
    pub(crate) fn look(
        action: Action,
        target: &Target,
        consulted: Option<Consulted<'_>>,
        case: &Case,
        facts: &Facts<'_>,
    ) -> Self {
        let subject = &case.subject;
        let principal = &subject.requester.principal;
        let question = Question { principal, groups: &subject.groups, action, target, facts };
        let mut sides = Self::default();
        for named in &subject.policies {
            let place = PolicyPlace::Identity(named.name.clone());
            sides.note_denial(&named.policy, &place, &question);
            if sides.own.is_none() {
                sides.own = find(&named.policy, Effect::Allow, &place, &question).map(|(statement, _)| statement);
            }
        }
        if let Some(policy) = subject.requester.session.as_ref().and_then(|session| session.policy.as_ref()) {
            sides.note_denial(policy, &PolicyPlace::Session, &question);
            sides.session_refuses = policy.find(Effect::Allow, &question).is_none();
        }
        if let Some(Consulted { policy, place, allows }) = consulted {
            sides.note_denial(policy, &place, &question);
            if allows {
                sides.owners = find(policy, Effect::Allow, &place, &question);
            }
        }
        sides
    }

    fn note_denial(&mut self, policy: &Policy, place: &PolicyPlace, question: &Question<'_>) {
        if self.denied.is_none() {
            self.denied = find(policy, Effect::Deny, place, question).map(|(statement, _)| statement);
        }
    }

    /// `at_home`: whether the resource is of the principal's own account.
    fn settle(self, lists: Answer, at_home: bool) -> Decision {
        if let Some(statement) = self.denied {
            return Decision::denied(Reason::DeniedBy(statement));
        }
        let direct = self.owners.as_ref().filter(|(_, reach)| *reach >= Reach::Itself).map(|(it, _)| it.clone());
        let decision = match (at_home, self.own, self.owners) {
            (true, Some(own), _) => Decision::new(Permission::Allowed, Reason::AllowedBy(own)),
            (true, None, _) => match direct {
                Some(statement) => Decision::new(Permission::Allowed, Reason::AllowedBy(statement)),
                None => Decision::denied(Reason::NothingAllows),
            },
            (false, own, owners) => settle_abroad(own, owners, lists),
        };
        match decision.answer {
            Permission::Denied => decision,
            _ if self.session_refuses => Decision::denied(Reason::NotInSession),
            _ => decision,
        }
    }
}

/// Across accounts. What is given to everyone, signed in or not, need not be passed on by the caller's account.
fn settle_abroad(own: Option<Statement>, owners: Option<(Statement, Reach)>, lists: Answer) -> Decision {
    match (owners, lists) {
        (Some((statement, Reach::Everyone)), _) => Decision::new(Permission::Allowed, Reason::AllowedBy(statement)),
        (_, Answer::Allowed) => Decision::new(Permission::Allowed, Reason::AccessControlList),
        (Some((statement, _)), _) if own.is_some() => Decision::new(Permission::Allowed, Reason::AllowedBy(statement)),
        (_, Answer::AsksObject) => Decision::new(Permission::IfObjectAdmits, Reason::AccessControlList),
        (Some((statement, _)), Answer::Silent) => Decision::denied(Reason::NotPassedOn(statement)),
        (None, Answer::Silent) if own.is_some() => Decision::denied(Reason::NotGrantedByOwner),
        (None, Answer::Silent) => Decision::denied(Reason::NothingAllows),
    }
}

fn find(policy: &Policy, effect: Effect, place: &PolicyPlace, question: &Question<'_>) -> Option<(Statement, Reach)> {
    let (place_in_policy, statement, reach) = policy.find(effect, question)?;
    let sid = statement.sid.clone();
    Some((Statement { policy: place.clone(), number: place_in_policy + 1, sid }, reach))
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answer {
            Permission::Allowed => write!(f, "allowed: {}", self.reason),
            Permission::IfObjectAdmits => write!(f, "allowed if the object's access control list says so"),
            Permission::Denied => write!(f, "denied: {}", self.reason),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("everybody may"),
            Self::DeniedBy(statement) | Self::AllowedBy(statement) => write!(f, "by {statement}"),
            Self::AccessControlList => f.write_str("by the access control list"),
            Self::NotPassedOn(statement) => {
                write!(f, "{statement} allows it, but no policy of the principal's own account does")
            }
            Self::NotGrantedByOwner => f.write_str("the bucket's owner grants it to nobody of another account"),
            Self::NotGrantedByKey => f.write_str("neither the key's policy nor a grant on it allows it"),
            Self::Granted(id) => write!(f, "by the grant {id}"),
            Self::NotInSession => f.write_str("the session's policy does not allow it"),
            Self::NothingAllows => f.write_str("no statement allows it"),
        }
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {}", self.number)?;
        if let Some(sid) = &self.sid {
            write!(f, " ({sid})")?;
        }
        match &self.policy {
            PolicyPlace::Identity(name) => write!(f, " of the policy {name}"),
            PolicyPlace::Bucket => f.write_str(" of the bucket's policy"),
            PolicyPlace::Key => f.write_str(" of the key's policy"),
            PolicyPlace::Session => f.write_str(" of the session's policy"),
        }
    }
}
