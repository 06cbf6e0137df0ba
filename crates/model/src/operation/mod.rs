//! What can be asked. A struct per operation, in six groups; parsed once, by `wire` or by the admin API.

pub mod admin;
pub mod amend;
pub mod append;
pub mod audit;
pub mod bucket;
pub mod copy;
pub mod identity;
pub mod key;
mod key_use;
pub mod object;
pub mod service;
pub mod symlink;
pub mod upload;

use crate::action::Required;

pub use admin::AdminOperation;
pub use bucket::BucketOperation;
pub use identity::IdentityOperation;
pub use key::KeyOperation;
pub use object::ObjectOperation;
pub use service::ServiceOperation;
pub use upload::UploadOperation;

/// One request, understood.
#[derive(Debug)]
pub enum Operation {
    /// About the whole service.
    Service(ServiceOperation),
    /// About one bucket.
    Bucket(BucketOperation),
    /// About objects.
    Object(ObjectOperation),
    /// About objects written in parts.
    Upload(UploadOperation),
    /// About customer master keys.
    Key(KeyOperation),
    /// About the server: users, inspection.
    Admin(AdminOperation),
}

impl Operation {
    /// The operation's name in logs, metrics and the authorization matrix.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Service(operation) => operation.name(),
            Self::Bucket(operation) => operation.name(),
            Self::Object(operation) => operation.name(),
            Self::Key(operation) => operation.name(),
            Self::Upload(operation) => operation.name(),
            Self::Admin(operation) => operation.name(),
        }
    }

    /// All that the caller must be allowed to do for it: one pair for most, one per key for a batch.
    pub fn required(&self) -> Vec<Required> {
        match self {
            Self::Service(operation) => operation.required(),
            Self::Bucket(operation) => operation.required(),
            Self::Object(operation) => operation.required(),
            Self::Key(operation) => operation.required(),
            Self::Upload(operation) => operation.required(),
            Self::Admin(operation) => operation.required(),
        }
    }
}
