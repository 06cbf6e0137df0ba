//! Operations on accounts, users' rights, groups, policies and access keys.

use std::net::IpAddr;

use crate::account::UserName;
use crate::action::{Action, IdentityAction, Required, Resource};
use crate::name::AccessKeyId;
use crate::policy::{LocalName, PolicyDocument};

/// An operation on identities of the caller's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityOperation {
    /// Make an account, whose root holds a policy of everything.
    CreateAccount,
    /// List the accounts.
    ListAccounts,
    /// Make a policy, or replace it.
    PutPolicy {
        /// Its name.
        name: LocalName,
        /// What it says.
        document: PolicyDocument,
    },
    /// Read a policy.
    GetPolicy(LocalName),
    /// List the policies.
    ListPolicies,
    /// Delete a policy that is attached to nobody.
    DeletePolicy(LocalName),
    /// Attach a policy.
    AttachPolicy {
        /// Which.
        policy: LocalName,
        /// To whom.
        holder: Holder,
    },
    /// Detach a policy.
    DetachPolicy {
        /// Which.
        policy: LocalName,
        /// From whom.
        holder: Holder,
    },
    /// Make a group.
    CreateGroup(LocalName),
    /// List the groups.
    ListGroups,
    /// Delete a group without members.
    DeleteGroup(LocalName),
    /// Put a user into a group.
    AddMember {
        /// Which group.
        group: LocalName,
        /// Which user.
        user: UserName,
    },
    /// Take a user out of a group.
    RemoveMember {
        /// Which group.
        group: LocalName,
        /// Which user.
        user: UserName,
    },
    /// Make one more access key for a user.
    CreateAccessKey(UserName),
    /// List a user's access keys.
    ListAccessKeys(UserName),
    /// Enable or disable an access key of a user.
    SetAccessKey {
        /// Whose.
        user: UserName,
        /// Which.
        id: AccessKeyId,
        /// Whether it is to be good.
        enabled: bool,
    },
    /// Delete an access key of a user.
    DeleteAccessKey {
        /// Whose.
        user: UserName,
        /// Which.
        id: AccessKeyId,
    },
    /// Issue a temporary access key to oneself.
    IssueToken {
        /// How long it is good: [`IdentityOperation::TOKEN_SECONDS`].
        seconds: u32,
        /// What it may do at most; none is all that the caller may.
        policy: Option<PolicyDocument>,
    },
    /// Ask what a principal of the account, or whoever has not signed in, would be allowed.
    Simulate(Box<Simulation>),
}

/// Who holds a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// The account's root.
    Root,
    /// A user.
    User(UserName),
    /// A group.
    Group(LocalName),
}

/// Who would ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker {
    /// Somebody who has not signed in.
    Nobody,
    /// The account's root.
    Root,
    /// A user.
    User(UserName),
}

/// A request that is only imagined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// Who would ask.
    pub asker: Asker,
    /// To do what, in the words of any language.
    pub action: String,
    /// To what.
    pub resource: Resource,
    /// The encryption method it would ask for, in any dialect's word.
    pub encryption: Option<String>,
    /// The master key it would ask for.
    pub encryption_key: Option<String>,
    /// The algorithm of the customer's key it would bring.
    pub customer_algorithm: Option<String>,
    /// The canned access control list it would ask for.
    pub acl: Option<String>,
    /// Where it would come from.
    pub referer: Option<String>,
    /// Which program it would come from.
    pub user_agent: Option<String>,
    /// The address it would come from.
    pub source: Option<IpAddr>,
    /// Whether it would come over TLS.
    pub tls: bool,
}

impl Holder {
    fn path(&self) -> String {
        match self {
            Self::Root => "root".to_owned(),
            Self::User(user) => path_of(user),
            Self::Group(group) => format!("group/{group}"),
        }
    }
}

impl IdentityOperation {
    /// How long a temporary access key may be good, in seconds: the widest of the three services (AWS: 15 minutes to 36
    /// hours).
    pub const TOKEN_SECONDS: std::ops::RangeInclusive<u32> = 900..=129_600;

    /// Longest policy of a temporary access key in bytes, as AWS states it: the token carries it.
    pub const SESSION_POLICY_BYTES: usize = 2048;

    /// The operation's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateAccount => "CreateAccount",
            Self::ListAccounts => "ListAccounts",
            Self::PutPolicy { .. } => "PutPolicy",
            Self::GetPolicy(_) => "GetPolicy",
            Self::ListPolicies => "ListPolicies",
            Self::DeletePolicy(_) => "DeletePolicy",
            Self::AttachPolicy { .. } => "AttachPolicy",
            Self::DetachPolicy { .. } => "DetachPolicy",
            Self::CreateGroup(_) => "CreateGroup",
            Self::ListGroups => "ListGroups",
            Self::DeleteGroup(_) => "DeleteGroup",
            Self::AddMember { .. } => "AddMember",
            Self::RemoveMember { .. } => "RemoveMember",
            Self::CreateAccessKey(_) => "CreateAccessKey",
            Self::ListAccessKeys(_) => "ListAccessKeys",
            Self::SetAccessKey { .. } => "SetAccessKey",
            Self::DeleteAccessKey { .. } => "DeleteAccessKey",
            Self::IssueToken { .. } => "IssueToken",
            Self::Simulate(_) => "SimulatePolicy",
        }
    }

    pub(super) fn required(&self) -> Vec<Required> {
        use IdentityAction as Do;
        let policy = |name: &LocalName| format!("policy/{name}");
        let group = |name: &LocalName| format!("group/{name}");
        let (action, path) = match self {
            Self::CreateAccount => (Do::CreateAccount, String::new()),
            Self::ListAccounts => (Do::ListAccounts, String::new()),
            Self::PutPolicy { name, .. } => (Do::PutPolicy, policy(name)),
            Self::GetPolicy(name) => (Do::GetPolicy, policy(name)),
            Self::ListPolicies => (Do::ListPolicies, String::new()),
            Self::DeletePolicy(name) => (Do::DeletePolicy, policy(name)),
            Self::AttachPolicy { holder, .. } => (Do::AttachPolicy, holder.path()),
            Self::DetachPolicy { holder, .. } => (Do::DetachPolicy, holder.path()),
            Self::CreateGroup(name) => (Do::CreateGroup, group(name)),
            Self::ListGroups => (Do::ListGroups, String::new()),
            Self::DeleteGroup(name) => (Do::DeleteGroup, group(name)),
            Self::AddMember { group: name, .. } => (Do::AddMember, group(name)),
            Self::RemoveMember { group: name, .. } => (Do::RemoveMember, group(name)),
            Self::CreateAccessKey(user) => (Do::CreateAccessKey, path_of(user)),
            Self::ListAccessKeys(user) => (Do::ListAccessKeys, path_of(user)),
            Self::SetAccessKey { user, .. } => (Do::UpdateAccessKey, path_of(user)),
            Self::DeleteAccessKey { user, .. } => (Do::DeleteAccessKey, path_of(user)),
            Self::IssueToken { .. } => (Do::IssueToken, String::new()),
            Self::Simulate(_) => (Do::Simulate, String::new()),
        };
        vec![Required::new(Action::Identity(action), Resource::Identity(path))]
    }
}

fn path_of(user: &UserName) -> String {
    format!("user/{}", user.as_str())
}
