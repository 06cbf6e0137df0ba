//! The actions on identities, which all three vendors name much alike.

use strongroom_model::action::{Action, IdentityAction as Do};

/// Names of actions, as AWS IAM and RAM have them, and those of our own for what only a server has.
pub(super) const NAMES: &[(&str, &[Action])] = &[
    ("CreateAccount", &[Action::Identity(Do::CreateAccount)]),
    ("ListAccounts", &[Action::Identity(Do::ListAccounts)]),
    ("DeleteAccount", &[Action::Identity(Do::DeleteAccount)]),
    ("CreateUser", &[Action::Identity(Do::CreateUser)]),
    ("ListUsers", &[Action::Identity(Do::ListUsers)]),
    ("DeleteUser", &[Action::Identity(Do::DeleteUser)]),
    ("CreateGroup", &[Action::Identity(Do::CreateGroup)]),
    ("ListGroups", &[Action::Identity(Do::ListGroups)]),
    ("DeleteGroup", &[Action::Identity(Do::DeleteGroup)]),
    ("AddUserToGroup", &[Action::Identity(Do::AddMember)]),
    ("RemoveUserFromGroup", &[Action::Identity(Do::RemoveMember)]),
    ("CreatePolicy", &[Action::Identity(Do::PutPolicy)]),
    ("CreatePolicyVersion", &[Action::Identity(Do::PutPolicy)]),
    ("GetPolicy", &[Action::Identity(Do::GetPolicy)]),
    ("ListPolicies", &[Action::Identity(Do::ListPolicies)]),
    ("DeletePolicy", &[Action::Identity(Do::DeletePolicy)]),
    ("AttachUserPolicy", &[Action::Identity(Do::AttachPolicy)]),
    ("AttachGroupPolicy", &[Action::Identity(Do::AttachPolicy)]),
    ("AttachPolicyToUser", &[Action::Identity(Do::AttachPolicy)]),
    ("AttachPolicyToGroup", &[Action::Identity(Do::AttachPolicy)]),
    ("DetachUserPolicy", &[Action::Identity(Do::DetachPolicy)]),
    ("DetachGroupPolicy", &[Action::Identity(Do::DetachPolicy)]),
    ("DetachPolicyFromUser", &[Action::Identity(Do::DetachPolicy)]),
    ("DetachPolicyFromGroup", &[Action::Identity(Do::DetachPolicy)]),
    ("CreateAccessKey", &[Action::Identity(Do::CreateAccessKey)]),
    ("ListAccessKeys", &[Action::Identity(Do::ListAccessKeys)]),
    ("UpdateAccessKey", &[Action::Identity(Do::UpdateAccessKey)]),
    ("DeleteAccessKey", &[Action::Identity(Do::DeleteAccessKey)]),
    ("SimulatePrincipalPolicy", &[Action::Identity(Do::Simulate)]),
];

/// Names of the services that issue temporary access keys.
pub(super) const TOKENS: &[(&str, &[Action])] = &[
    ("GetSessionToken", &[Action::Identity(Do::IssueToken)]),
    ("GetFederationToken", &[Action::Identity(Do::IssueToken)]),
    ("AssumeRole", &[Action::Identity(Do::IssueToken)]),
];

/// Names of the server's own actions.
pub(super) const SERVER: &[(&str, &[Action])] =
    &[("Inspect", &[Action::Inspect]), ("Maintain", &[Action::Maintain]), ("ReadAudit", &[Action::ReadAudit])];
