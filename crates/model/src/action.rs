//! What authorization is asked about: actions on resources.

use crate::key::KeyReference;
use crate::name::{BucketName, ObjectKey};
use crate::setting::{ObjectSettingKind, SettingKind};

/// Something a principal may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Ask which dialect the server speaks, as the OBS clients need, or what browsers may do; open to everyone.
    Probe,
    /// List the account's buckets.
    ListBuckets,
    /// Create a bucket.
    CreateBucket,
    /// Delete a bucket.
    DeleteBucket,
    /// See that a bucket exists.
    HeadBucket,
    /// See where a bucket is.
    GetBucketLocation,
    /// See all that a bucket is configured to.
    GetBucketInfo,
    /// List a bucket's objects.
    ListObjects,
    /// List the versions of a bucket's objects.
    ListVersions,
    /// Read a configuration document of a bucket.
    GetSetting(SettingKind),
    /// Write a configuration document of a bucket.
    PutSetting(SettingKind),
    /// Delete a configuration document of a bucket.
    DeleteSetting(SettingKind),
    /// See whether a bucket's policy lets in whoever comes.
    GetPolicyStatus,
    /// Write an object.
    PutObject,
    /// End the appending to an object.
    SealAppend,
    /// Read an object or its metadata.
    GetObject,
    /// Read a named version of an object.
    GetObjectVersion,
    /// Delete an object.
    DeleteObject,
    /// Delete a named version of an object.
    DeleteObjectVersion,
    /// Give up a multipart upload.
    AbortUpload,
    /// List the parts of a multipart upload.
    ListParts,
    /// List a bucket's open multipart uploads.
    ListUploads,
    /// See how much a bucket holds.
    GetUsage,
    /// Read a document of an object version.
    GetObjectSetting(ObjectSettingKind),
    /// Write or delete a document of an object version, or ask for one while writing the object.
    PutObjectSetting(ObjectSettingKind),
    /// Override a retention that may be overridden.
    BypassGovernance,
    /// Deal with the policy that keeps all objects of a bucket.
    Worm(WormAction),
    /// Use or administer a customer master key.
    Key(KeyAction),
    /// Administer accounts, users, groups, policies and access keys.
    Identity(IdentityAction),
    /// See how objects and the server are set up, without their content.
    Inspect,
    /// Start and stop what the server does apart from requests.
    Maintain,
    /// Read the audit trail, and have it verified.
    ReadAudit,
}

/// What can be done with identities: the permissions as AWS IAM divides them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityAction {
    /// Make an account.
    CreateAccount,
    /// List the accounts.
    ListAccounts,
    /// Delete an account.
    DeleteAccount,
    /// Make a user.
    CreateUser,
    /// List the users.
    ListUsers,
    /// Delete a user.
    DeleteUser,
    /// Make a group.
    CreateGroup,
    /// List the groups.
    ListGroups,
    /// Delete a group.
    DeleteGroup,
    /// Put a user into a group.
    AddMember,
    /// Take a user out of a group.
    RemoveMember,
    /// Make a policy, or replace it.
    PutPolicy,
    /// Read a policy.
    GetPolicy,
    /// List the policies.
    ListPolicies,
    /// Delete a policy.
    DeletePolicy,
    /// Attach a policy to a user, a group or the account.
    AttachPolicy,
    /// Detach a policy.
    DetachPolicy,
    /// Make an access key.
    CreateAccessKey,
    /// List access keys.
    ListAccessKeys,
    /// Enable or disable an access key.
    UpdateAccessKey,
    /// Delete an access key.
    DeleteAccessKey,
    /// Issue a temporary access key to oneself.
    IssueToken,
    /// Ask what a principal may do.
    Simulate,
}

/// What can be done with customer master keys: the permissions that the three key services name, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAction {
    /// Make a key.
    Create,
    /// List keys.
    List,
    /// See what a key is.
    Describe,
    /// Let a key seal and open.
    Enable,
    /// Stop a key.
    Disable,
    /// Change a key's description.
    UpdateDescription,
    /// Plan a key's destruction.
    ScheduleDeletion,
    /// Take that back.
    CancelDeletion,
    /// Protect a key from deletion, or end that.
    Protect,
    /// Make an alias, or point it elsewhere.
    SetAlias,
    /// Remove an alias.
    DeleteAlias,
    /// List aliases.
    ListAliases,
    /// Get a fresh data key, in plain and wrapped.
    GenerateDataKey,
    /// Get a fresh data key, wrapped alone.
    GenerateDataKeyWithoutPlaintext,
    /// Encrypt a small text.
    Encrypt,
    /// Decrypt what the key has encrypted or wrapped.
    Decrypt,
    /// Encrypt a data key of one's own.
    EncryptDataKey,
    /// Decrypt a data key.
    DecryptDataKey,
    /// Encrypt under another key what this one has encrypted.
    ReEncryptFrom,
    /// Encrypt under this key what another one has encrypted.
    ReEncryptTo,
    /// Get random bytes.
    GenerateRandom,
    /// Have a key rotated from time to time, or change the interval.
    EnableRotation,
    /// Stop that.
    DisableRotation,
    /// See whether and when a key is rotated.
    GetRotation,
    /// Rotate a key now.
    Rotate,
    /// List a key's versions.
    ListVersions,
    /// Grant the use of a key to somebody.
    CreateGrant,
    /// List a key's grants.
    ListGrants,
    /// Take a grant back.
    RevokeGrant,
    /// Give a grant up.
    RetireGrant,
    /// Read a key's policy.
    GetPolicy,
    /// Replace a key's policy.
    PutPolicy,
    /// Put tags on a key.
    Tag,
    /// Take tags off a key.
    Untag,
    /// See a key's tags.
    ListTags,
    /// Get what importing a key's material needs.
    GetImportParameters,
    /// Import a key's material.
    ImportMaterial,
    /// Delete imported material.
    DeleteMaterial,
    /// See how many keys there may be.
    GetQuota,
}

/// What is done with the policy that keeps all objects of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WormAction {
    /// Make one.
    Initiate,
    /// Take one back that is not locked.
    Abort,
    /// Lock it.
    Complete,
    /// Prolong it.
    Extend,
    /// See it.
    Get,
}

/// What an action is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// The service as a whole.
    Service,
    /// A bucket.
    Bucket(BucketName),
    /// An object, which need not exist.
    Object(BucketName, ObjectKey),
    /// A customer master key, as the caller referred to it.
    Key(KeyReference),
    /// The account's customer master keys as a whole.
    Keys,
    /// An identity of the caller's account: `user/<name>`, `group/<name>`, `policy/<name>`, `account/<number>`, or nothing
    /// for all of them.
    Identity(String),
    /// The server's own administration.
    Administration,
}

/// One thing that must be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// What is done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
}

impl Required {
    /// `action` on `resource`.
    pub fn new(action: Action, resource: Resource) -> Self {
        Self { action, resource }
    }
}
