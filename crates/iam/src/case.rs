//! The facts that a decision may rest on.

use std::sync::Arc;

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::acl::Acl;
use strongroom_model::circumstance::Circumstances;
use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::policy::LocalName;
use strongroom_model::public_access::PublicAccessBlock;
use strongroom_model::time::Timestamp;

use crate::keys::KeyCase;
use crate::policy::Policy;

/// Everything, besides the operation, that a decision may rest on.
#[derive(Debug, Clone)]
pub struct Case {
    /// Who asks, and what its own account lets it do.
    pub subject: Subject,
    /// Where, when and how.
    pub circumstances: Circumstances,
    /// What the connection may carry.
    pub transport: Transport,
    /// The region of the server, which names of keys have in them.
    pub region: Region,
    /// The bucket that the operation is about; none if it is about none, or about one that does not exist.
    pub bucket: Option<BucketCase>,
    /// The bucket of a second object that the operation reads, if that is another one.
    pub source_bucket: Option<BucketCase>,
    /// The master keys that the operation names, as far as there are any.
    pub keys: Vec<KeyCase>,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Requester {
    /// Who.
    pub principal: Principal,
    /// The access key that signed.
    pub access_key: Option<AccessKeyId>,
    /// The session, if the access key is a temporary one.
    pub session: Option<Session>,
}

impl From<Principal> for Requester {
    fn from(principal: Principal) -> Self {
        Self { principal, access_key: None, session: None }
    }
}

/// Who asks, and what its own account lets it do.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Who.
    pub requester: Requester,
    /// The groups it is in.
    pub groups: Vec<LocalName>,
    /// Its policies and those of its groups.
    pub policies: Vec<NamedPolicy>,
}

/// A policy and what it is called.
#[derive(Debug, Clone)]
pub struct NamedPolicy {
    /// Its name inside its account.
    pub name: String,
    /// What it says.
    pub policy: Arc<Policy>,
}

/// What a temporary access key was issued with.
#[derive(Debug, Clone)]
pub struct Session {
    /// When.
    pub issued: Timestamp,
    /// What it may do at most; none is all that its principal may.
    pub policy: Option<Arc<Policy>>,
}

/// What decisions need to know of a bucket.
#[derive(Debug, Clone)]
pub struct BucketCase {
    /// Its name.
    pub name: strongroom_model::name::BucketName,
    /// Its identity: another bucket of the same name has another one.
    pub id: [u8; 16],
    /// Whose it is.
    pub owner: AccountId,
    /// Its access control list.
    pub acl: Acl,
    /// Its policy.
    pub policy: Option<Arc<Policy>>,
    /// What nobody may make public.
    pub block: PublicAccessBlock,
    /// Whether caches are told that all answers about it depend on their request's origin.
    pub always_varies: bool,
}

/// What a connection may carry, by `transport.require_tls` and the kind of connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// Whether customer-provided keys may travel on it.
    pub customer_keys: bool,
    /// Whether SSE-KMS objects may travel on it.
    pub kms: bool,
}

impl Transport {
    /// A connection that may carry everything: TLS, or the host's own loopback.
    pub const TRUSTED: Self = Self { customer_keys: true, kms: true };
}

impl Case {
    /// What is known of the bucket of that name.
    pub(crate) fn bucket_named(&self, name: &strongroom_model::name::BucketName) -> Option<&BucketCase> {
        [&self.bucket, &self.source_bucket].into_iter().flatten().find(|bucket| bucket.name == *name)
    }
}
