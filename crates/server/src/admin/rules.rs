//! Runs of the lifecycle rules, and of inventories, in the admin API.

use serde::{Deserialize, Serialize};
use strongroom_model::outcome::job::{InventoryReport, LifecycleReport, LifecycleTally};

use super::job::Times;

/// `GET`, `POST` and `DELETE /v1/lifecycle`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LifecycleRun {
    /// Where it stands.
    #[serde(flatten)]
    pub(crate) times: Times,
    /// The bucket that it has come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bucket: Option<String>,
    /// What it has done.
    pub(crate) done: Done,
}

/// What a run has done.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Done {
    /// Buckets with rules.
    pub(crate) buckets: u64,
    /// Keys looked at.
    pub(crate) keys: u64,
    /// Objects removed for good.
    pub(crate) expired: u64,
    /// Objects put under a delete marker.
    pub(crate) marked: u64,
    /// Noncurrent versions removed.
    pub(crate) noncurrent: u64,
    /// Delete markers removed.
    pub(crate) markers: u64,
    /// Uploads aborted.
    pub(crate) uploads: u64,
    /// Versions left because they are locked.
    pub(crate) locked: u64,
    /// Objects left because they changed in the same moment.
    pub(crate) changed: u64,
    /// What could not be dealt with.
    pub(crate) troubles: u64,
}

/// `GET`, `POST` and `DELETE /v1/inventory`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InventoryRun {
    /// Where it stands.
    #[serde(flatten)]
    pub(crate) times: Times,
    /// The bucket of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bucket: Option<String>,
    /// Its inventory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inventory: Option<String>,
    /// Reports written.
    pub(crate) reports: u64,
    /// Rows in their files.
    pub(crate) rows: u64,
    /// Reports that could not be written.
    pub(crate) troubles: u64,
}

impl From<InventoryReport> for InventoryRun {
    fn from(report: InventoryReport) -> Self {
        let (bucket, inventory) = report.current.unzip();
        Self {
            times: Times::new(report.state, report.started, report.ended),
            bucket: bucket.map(|bucket| bucket.as_str().to_owned()),
            inventory: inventory.map(|id| id.as_str().to_owned()),
            reports: report.reports,
            rows: report.rows,
            troubles: report.troubles,
        }
    }
}

impl From<LifecycleReport> for LifecycleRun {
    fn from(report: LifecycleReport) -> Self {
        Self {
            times: Times::new(report.state, report.started, report.ended),
            bucket: report.bucket.map(|bucket| bucket.as_str().to_owned()),
            done: report.done.into(),
        }
    }
}

impl From<LifecycleTally> for Done {
    fn from(tally: LifecycleTally) -> Self {
        Self {
            buckets: tally.buckets,
            keys: tally.keys,
            expired: tally.expired,
            marked: tally.marked,
            noncurrent: tally.noncurrent,
            markers: tally.markers,
            uploads: tally.uploads,
            locked: tally.locked,
            changed: tally.changed,
            troubles: tally.troubles,
        }
    }
}
