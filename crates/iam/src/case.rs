//! The facts that a decision may rest on.

use strongroom_model::account::AccountId;
use strongroom_model::name::BucketName;

/// Everything, besides principal and operation, that a decision may rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Whose bucket the operation is about; none if it is about no bucket, or about one that does not exist.
    pub bucket_owner: Option<AccountId>,
    /// The bucket that a copy reads, and whose it is, if it is about one.
    pub source: Option<(BucketName, Option<AccountId>)>,
    /// What the connection may carry.
    pub transport: Transport,
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
