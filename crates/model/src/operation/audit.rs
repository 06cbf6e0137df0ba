//! What is asked of the audit trail.

use crate::time::Timestamp;

/// Which records are wanted: those that every field given lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFilter {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this one.
    pub until: Option<Timestamp>,
    /// Of this principal: `<account>:user/<name>`, or without the account.
    pub principal: Option<String>,
    /// About the master key of this id.
    pub key: Option<String>,
    /// About this bucket.
    pub bucket: Option<String>,
    /// About objects of this key.
    pub object: Option<String>,
    /// Of the request whose id begins so: some dialects show the first digits only.
    pub request: Option<String>,
    /// Of operations of this name.
    pub operation: Option<String>,
    /// That ended so: `done`, `denied` or `failed`.
    pub outcome: Option<String>,
    /// Only lines after this one.
    pub after: u64,
    /// How many at most: [`AuditFilter::LIMIT_MAX`].
    pub limit: usize,
}

impl AuditFilter {
    /// The most records of one answer: some megabytes of them.
    pub const LIMIT_MAX: usize = 10_000;

    /// How many are answered unless more are asked for.
    pub const LIMIT: usize = 1000;
}

impl Default for AuditFilter {
    fn default() -> Self {
        Self {
            from: None,
            until: None,
            principal: None,
            key: None,
            bucket: None,
            object: None,
            request: None,
            operation: None,
            outcome: None,
            after: 0,
            limit: Self::LIMIT,
        }
    }
}
