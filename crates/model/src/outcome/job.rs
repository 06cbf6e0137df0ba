//! What jobs that run beside requests tell of themselves.

use crate::inventory::InventoryId;
use crate::name::BucketName;
use crate::time::Timestamp;

/// Whether a job goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JobState {
    /// It never ran.
    #[default]
    Never,
    /// It is at work.
    Running,
    /// It was interrupted, and goes on from there.
    Stopped,
    /// It has seen everything.
    Finished,
}

/// How far the last run of the lifecycle rules came, or has come so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleReport {
    /// Whether it goes on.
    pub state: JobState,
    /// When it began. What has its time later is left for the next run.
    pub started: Option<Timestamp>,
    /// When it ended, or was last seen to go on.
    pub ended: Option<Timestamp>,
    /// The bucket that it has come to.
    pub bucket: Option<BucketName>,
    /// What it has done.
    pub done: LifecycleTally,
}

/// What a run of the lifecycle rules has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LifecycleTally {
    /// Buckets with rules.
    pub buckets: u64,
    /// Keys looked at.
    pub keys: u64,
    /// Objects removed for good, where no versions are kept.
    pub expired: u64,
    /// Objects put under a delete marker, where versions are kept.
    pub marked: u64,
    /// Noncurrent versions removed for good.
    pub noncurrent: u64,
    /// Delete markers removed behind which there was nothing.
    pub markers: u64,
    /// Uploads aborted.
    pub uploads: u64,
    /// Versions that are due and locked; they stay.
    pub locked: u64,
    /// Objects that changed while they were judged; the next run looks again.
    pub changed: u64,
    /// Buckets, objects and uploads that could not be dealt with; the log says why.
    pub troubles: u64,
}

/// How far the writing of inventories' reports is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InventoryReport {
    /// Whether any are being written.
    pub state: JobState,
    /// When the first of them was begun.
    pub started: Option<Timestamp>,
    /// When the last of them ended.
    pub ended: Option<Timestamp>,
    /// Of which bucket, and by which inventory, the last one is.
    pub current: Option<(BucketName, InventoryId)>,
    /// Reports written.
    pub reports: u64,
    /// Rows in their files, and in that of the one under way.
    pub rows: u64,
    /// Reports that could not be written; the log says why.
    pub troubles: u64,
}

impl LifecycleTally {
    /// All that was removed or put under a delete marker.
    pub fn removed(&self) -> u64 {
        self.expired + self.marked + self.noncurrent + self.markers + self.uploads
    }
}
