//! What can be answered: plain data, with no dialect in it.

pub mod admin;
pub mod audit;
pub mod backup;
pub mod bucket;
pub mod identity;
pub mod job;
pub mod key;
pub mod object;
pub mod scrub;
pub mod upload;

pub use admin::AdminOutcome;
pub use bucket::BucketOutcome;
pub use job::LifecycleReport;
pub use key::KeyOutcome;
pub use object::ObjectOutcome;
pub use scrub::ScrubReport;
pub use upload::UploadOutcome;

/// The answer to an operation that succeeded.
#[derive(Debug)]
pub enum Outcome {
    /// The server speaks the dialect that was asked after.
    Probed,
    /// The caller's buckets.
    Buckets(bucket::ListedBuckets),
    /// About one bucket.
    Bucket(BucketOutcome),
    /// About objects.
    Object(ObjectOutcome),
    /// About objects written in parts.
    Upload(UploadOutcome),
    /// About customer master keys.
    Key(KeyOutcome),
    /// About the server.
    Admin(AdminOutcome),
}
