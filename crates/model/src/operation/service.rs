//! Operations on the service as a whole.

use crate::action::{Action, Required, Resource};

/// An operation on the service as a whole.
#[derive(Debug)]
pub enum ServiceOperation {
    /// List the caller's buckets.
    ListBuckets(ListBuckets),
    /// The unsigned question of the OBS clients: which dialect is spoken here?
    Probe,
}

/// List the caller's buckets, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListBuckets {
    /// Only names that begin so.
    pub prefix: String,
    /// Only names after this one.
    pub marker: String,
    /// How many at most; none asks for all in one answer.
    pub max_keys: Option<u32>,
}

impl ServiceOperation {
    /// The operation's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ListBuckets(_) => "ListBuckets",
            Self::Probe => "Probe",
        }
    }

    pub(super) fn required(&self) -> Vec<Required> {
        let action = match self {
            Self::ListBuckets(_) => Action::ListBuckets,
            Self::Probe => Action::Probe,
        };
        vec![Required::new(action, Resource::Service)]
    }
}
