//! Answers about the server.

use crate::account::UserName;
use crate::name::{AccessKeyId, BucketName, ObjectKey};
use crate::outcome::audit::AuditReport;
use crate::outcome::backup::BackupFacts;
use crate::outcome::bucket::BucketFacts;
use crate::outcome::identity::IdentityOutcome;
use crate::outcome::job::LifecycleReport;
use crate::outcome::object::ObjectFacts;
use crate::outcome::scrub::ScrubReport;
use crate::secret::SecretKey;
use crate::time::Timestamp;

/// The answer to an operation on the server.
#[derive(Debug)]
pub enum AdminOutcome {
    /// It is done; there is nothing more to say.
    Done,
    /// A user was made; the only time that its secret is shown.
    UserCreated {
        /// The user.
        user: UserFacts,
        /// The secret of its access key.
        secret: SecretKey,
    },
    /// The account's users.
    Users(Vec<UserFacts>),
    /// About identities.
    Identity(IdentityOutcome),
    /// All buckets.
    Buckets(Vec<BucketFacts>),
    /// How an object is stored and sealed.
    Object(ObjectDescription),
    /// A key was wrapped and unwrapped and came back the same.
    KeysProven {
        /// The key service that did it, as configured.
        provider: String,
    },
    /// How far the scrub is.
    Scrub(ScrubReport),
    /// A backup, whose bytes are the answer's body.
    Backup(BackupFacts),
    /// How far the lifecycle rules are followed.
    Lifecycle(LifecycleReport),
    /// Lines of the audit trail, as they stand there.
    AuditRecords(Vec<String>),
    /// What a verification of the audit trail has found.
    Audit(AuditReport),
}

/// What is known of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFacts {
    /// The user's name.
    pub name: UserName,
    /// When it was made.
    pub created: Timestamp,
    /// Its access keys.
    pub access_keys: Vec<AccessKeyId>,
    /// Its policies.
    pub policies: Vec<String>,
    /// The groups it is in.
    pub groups: Vec<String>,
}

/// How an object is stored and sealed. Never a key, wrapped or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectDescription {
    /// In which bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// What reads answer.
    pub facts: ObjectFacts,
    /// The cipher suite's name, as docs/FORMAT.md has it.
    pub suite: String,
    /// The version of the master key that wraps its data key.
    pub key_version: Option<u32>,
    /// The master key's fingerprint in hex.
    pub key_fingerprint: Option<String>,
    /// How many sealed chunks it is made of.
    pub chunks: u64,
    /// Whether its bytes lie in the catalog rather than in a blob.
    pub inline: bool,
    /// Length of its sealed form in bytes.
    pub stored_bytes: u64,
}
