//! Answers about identities.

use crate::account::AccountId;
use crate::name::AccessKeyId;
use crate::policy::{LocalName, PolicyDocument};
use crate::secret::SecretKey;
use crate::time::Timestamp;

/// The answer to an operation on identities.
#[derive(Debug)]
pub enum IdentityOutcome {
    /// It is done; there is nothing more to say.
    Done,
    /// An account was made; the only time that its root's secret is shown.
    AccountCreated {
        /// The account.
        account: AccountId,
        /// Its root's access key.
        access_key: AccessKeyId,
        /// The secret of that.
        secret: SecretKey,
    },
    /// The accounts, by number.
    Accounts(Vec<AccountId>),
    /// A policy.
    Policy(PolicyFacts),
    /// The policies, by name.
    Policies(Vec<PolicyFacts>),
    /// The groups, by name.
    Groups(Vec<GroupFacts>),
    /// An access key was made; the only time that its secret is shown.
    AccessKeyCreated {
        /// Its id.
        id: AccessKeyId,
        /// Its secret.
        secret: SecretKey,
    },
    /// A user's access keys.
    AccessKeys(Vec<AccessKeyFacts>),
    /// A temporary access key; the only time that it is shown.
    Token(Box<IssuedToken>),
    /// What would be decided.
    Simulated {
        /// Whether it would be allowed.
        allowed: bool,
        /// The decision in words, with the statement that makes it.
        decision: String,
    },
}

/// A policy and when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFacts {
    /// Its name.
    pub name: LocalName,
    /// What it says.
    pub document: PolicyDocument,
    /// When it was last written.
    pub written: Timestamp,
}

/// What is known of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFacts {
    /// Its name.
    pub name: LocalName,
    /// Its policies.
    pub policies: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// What is known of an access key. Never its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyFacts {
    /// Its id.
    pub id: AccessKeyId,
    /// Whether it is good.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// A temporary access key.
#[derive(Debug)]
pub struct IssuedToken {
    /// Its id.
    pub access_key: AccessKeyId,
    /// Its secret.
    pub secret: SecretKey,
    /// The security token that every request must carry.
    pub token: SecretKey,
    /// Until when it is good.
    pub expires: Timestamp,
}
