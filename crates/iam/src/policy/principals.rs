//! Whom a statement is about.

use strongroom_model::account::{AccountId, Principal, UserName};
use strongroom_model::policy::LocalName;

use super::Effect;

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principals {
    /// Whoever the policy is attached to: a policy of an identity.
    Holder,
    /// These.
    Only(Vec<Grantee>),
    /// Everybody but these.
    AllBut(Vec<Grantee>),
}

/// Somebody a resource's policy can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grantee {
    /// Everybody, whether signed in or not.
    Everyone,
    /// An account, which passes the right on to its users by policies of its own.
    Account(AccountId),
    /// An account and every user in it.
    Members(AccountId),
    /// Every user of an account.
    Users(AccountId),
    /// An account without its users.
    Root(AccountId),
    /// A user.
    User(AccountId, UserName),
    /// The users of a group.
    Group(AccountId, LocalName),
    /// Something that never asks here: a role, a service, another server's account.
    Nobody,
}

/// How much a statement is about a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Not at all.
    None,
    /// About its account, which may pass the right on.
    Account,
    /// About itself.
    Itself,
    /// About everyone.
    Everyone,
}

impl Principals {
    /// How much a statement of that effect is about `principal`, who is in `groups`.
    ///
    /// Whom a denial spares must be named itself; whom an allowance leaves out need only have its account named.
    pub(crate) fn reach(&self, effect: Effect, principal: &Principal, groups: &[LocalName]) -> Reach {
        let greatest = |grantees: &[Grantee]| {
            grantees.iter().map(|grantee| grantee.reach(principal, groups)).max().unwrap_or(Reach::None)
        };
        match self {
            Self::Holder => Reach::Itself,
            Self::Only(grantees) => greatest(grantees),
            Self::AllBut(grantees) => match (greatest(grantees), effect) {
                (Reach::None, _) | (Reach::Account, Effect::Deny) => Reach::Everyone,
                (Reach::Account, Effect::Allow) | (Reach::Itself | Reach::Everyone, _) => Reach::None,
            },
        }
    }

    /// Whether the statement is about whoever comes.
    pub(crate) fn is_public(&self) -> bool {
        match self {
            Self::Holder => false,
            Self::Only(grantees) => grantees.contains(&Grantee::Everyone),
            Self::AllBut(_) => true,
        }
    }
}

impl Grantee {
    fn reach(&self, principal: &Principal, groups: &[LocalName]) -> Reach {
        let itself = |is_meant: bool| if is_meant { Reach::Itself } else { Reach::None };
        let (account, user) = match principal {
            Principal::Anonymous => (None, None),
            Principal::Root(account) => (Some(*account), None),
            Principal::User(account, name) => (Some(*account), Some(name)),
        };
        match self {
            Self::Everyone => Reach::Everyone,
            Self::Nobody => Reach::None,
            Self::Account(meant) if account == Some(*meant) => match user {
                None => Reach::Itself,
                Some(_) => Reach::Account,
            },
            Self::Account(_) => Reach::None,
            Self::Members(meant) => itself(account == Some(*meant)),
            Self::Users(meant) => itself(account == Some(*meant) && user.is_some()),
            Self::Root(meant) => itself(account == Some(*meant) && user.is_none()),
            Self::User(meant, name) => itself(account == Some(*meant) && user == Some(name)),
            Self::Group(meant, name) => itself(account == Some(*meant) && user.is_some() && groups.contains(name)),
        }
    }
}
