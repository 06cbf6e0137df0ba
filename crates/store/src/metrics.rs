//! What the engine counts.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::outcome::{LifecycleReport, ScrubReport};

use crate::{audit::AuditMetrics, kms::KmsMetrics};

/// Counts since the start of the process, and how much is under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// What the key service counts.
    pub kms: KmsMetrics,
    /// What the audit trail counts.
    pub audit: AuditMetrics,
    /// Objects written that live in the catalog.
    pub inline_writes: u64,
    /// Objects written that live in blobs.
    pub blob_writes: u64,
    /// Blobs given up because a write failed.
    pub abandoned_blobs: u64,
    /// Reads refused because stored bytes fail authentication.
    pub damaged_reads: u64,
    /// Answers cut off half-way because of trouble with what was stored.
    pub broken_bodies: u64,
    /// Changes under way.
    pub changes_under_way: u64,
    /// Blobs that the reaper has removed.
    pub blobs_reaped: u64,
    /// Dead blobs that the reaper has last seen and left, because readers may still need them.
    pub blobs_dead: u64,
    /// Pending blobs that the reaper has last seen and left.
    pub blobs_pending: u64,
    /// Object versions that the scrub under way, or the last one, has looked at.
    pub scrub_versions: u64,
    /// Object versions that there were when it began.
    pub scrub_expected: u64,
    /// What it has found.
    pub scrub_found: u64,
    /// Keys that the run of the lifecycle rules under way, or the last one, has looked at.
    pub lifecycle_keys: u64,
    /// What it has removed or put under a delete marker: versions, markers, uploads.
    pub lifecycle_removed: u64,
    /// What it has left because it is locked.
    pub lifecycle_locked: u64,
    /// What it could not deal with.
    pub lifecycle_troubles: u64,
}

/// The counters. Cloned, they are the same counters.
#[derive(Clone, Default)]
pub(crate) struct Counters(Arc<Cells>);

#[derive(Default)]
struct Cells {
    inline_writes: AtomicU64,
    blob_writes: AtomicU64,
    abandoned_blobs: AtomicU64,
    damaged_reads: AtomicU64,
    broken_bodies: AtomicU64,
    blobs_reaped: AtomicU64,
    blobs_dead: AtomicU64,
    blobs_pending: AtomicU64,
}

impl Counters {
    pub(crate) fn written(&self, inline: bool) {
        add(if inline { &self.0.inline_writes } else { &self.0.blob_writes }, 1);
    }

    pub(crate) fn abandoned_blob(&self) {
        add(&self.0.abandoned_blobs, 1);
    }

    pub(crate) fn broken_body(&self) {
        add(&self.0.broken_bodies, 1);
    }

    /// Counts a failure to read, if it is one of what was stored.
    pub(crate) fn note(&self, failure: &Failure) {
        if failure.code == FailureCode::Damaged {
            add(&self.0.damaged_reads, 1);
        }
    }

    /// What a run of the reaper has done and left.
    pub(crate) fn reaped(&self, removed: u64, dead: u64, pending: u64) {
        add(&self.0.blobs_reaped, removed);
        self.0.blobs_dead.store(dead, Ordering::Relaxed);
        self.0.blobs_pending.store(pending, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(
        &self,
        changes_under_way: usize,
        kms: KmsMetrics,
        audit: AuditMetrics,
        scrub: &ScrubReport,
        lifecycle: &LifecycleReport,
    ) -> Metrics {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let cells = &self.0;
        Metrics {
            kms,
            audit,
            inline_writes: read(&cells.inline_writes),
            blob_writes: read(&cells.blob_writes),
            abandoned_blobs: read(&cells.abandoned_blobs),
            damaged_reads: read(&cells.damaged_reads),
            broken_bodies: read(&cells.broken_bodies),
            changes_under_way: changes_under_way as u64,
            blobs_reaped: read(&cells.blobs_reaped),
            blobs_dead: read(&cells.blobs_dead),
            blobs_pending: read(&cells.blobs_pending),
            scrub_versions: scrub.done.versions,
            scrub_expected: scrub.expected.versions,
            scrub_found: scrub.found,
            lifecycle_keys: lifecycle.done.keys,
            lifecycle_removed: lifecycle.done.removed(),
            lifecycle_locked: lifecycle.done.locked,
            lifecycle_troubles: lifecycle.done.troubles,
        }
    }
}

fn add(cell: &AtomicU64, count: u64) {
    cell.fetch_add(count, Ordering::Relaxed);
}
