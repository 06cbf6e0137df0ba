//! The reaper: the only code that removes blobs. It also ends what was left half-done by a process that died, and does
//! with master keys what the time has come for.

use std::{sync::Arc, time::Duration};

use strongroom_model::failure::Failure;
use strongroom_model::time::Timestamp;
use tokio::sync::watch;

use crate::{
    audit::{Record, Trail},
    blob_id::BlobId,
    blobs::{BlobEntry, Blobs},
    catalog::{
        Catalog, CatalogError,
        blobs::{Dead, Pending, RunId},
    },
    kms::{BucketKeys, Kms, Tended},
    leases::Leases,
    metrics::Counters,
    surroundings::Clock,
};

/// Time between two runs: with the readers' grace, what bounds the space that overwritten objects hold. A run with nothing
/// to do is two scans of nothing.
const INTERVAL: Duration = Duration::from_secs(15);

/// How long a blob may be pending: longer than any client takes for one request, since its write fails afterwards.
pub(crate) const PENDING_MAX_MS: i64 = 24 * 3_600_000;

/// How old a blob must be to count as an orphan if no row knows it: its row may be on its way for as long as a commit takes.
const ORPHAN_MIN_MS: i64 = 3_600_000;

/// Time between two looks at all blobs for orphans. They appear only when a process dies between writing an intent row
/// and its sync, so they are few, and looking costs a read for each blob there is.
const ORPHANS_INTERVAL_MS: i64 = 24 * 3_600_000;

/// What is due later than in so long was made so before the clock was set back: nothing waits longer than what a recovery leaves.
const SET_BACK_MS: i64 = crate::recover::KEPT_MS + 3_600_000;

/// Blobs that one listing of the store answers.
const BLOBS_PAGE: usize = 1000;

/// What a run has done, and what it has left for later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReaperReport {
    /// Blobs removed because their object was overwritten or deleted, or its write failed.
    pub removed: u64,
    /// Blobs that wait until readers which began before are done.
    pub waiting: u64,
    /// Pending blobs given up because their process is gone or they are too old.
    pub given_up: u64,
    /// Pending blobs that are still being written.
    pub pending: u64,
    /// Blobs removed because no row knew them.
    pub orphans: u64,
    /// Parts of ended uploads that no object has, given up.
    pub parts_swept: u64,
    /// Buckets whose deletion was not finished, and called off.
    pub deletions_called_off: u64,
    /// Master keys destroyed.
    pub keys_destroyed: u64,
    /// Master keys rotated.
    pub keys_rotated: u64,
    /// Master keys whose imported material was deleted.
    pub key_material_expired: u64,
}

/// Removes what nothing needs any more.
pub struct Reaper {
    catalog: Arc<Catalog>,
    blobs: Arc<dyn Blobs>,
    kms: Arc<dyn Kms>,
    bucket_keys: Arc<BucketKeys>,
    trail: Arc<Trail>,
    run: RunId,
    counters: Counters,
    leases: Leases,
    /// When all blobs were last looked at.
    orphans_sought: Option<Timestamp>,
}

/// What a reaper is made of.
pub(crate) struct Parts {
    /// The rows.
    pub(crate) catalog: Arc<Catalog>,
    /// The blobs.
    pub(crate) blobs: Arc<dyn Blobs>,
    /// The keys.
    pub(crate) kms: Arc<dyn Kms>,
    /// Those in use.
    pub(crate) bucket_keys: Arc<BucketKeys>,
    /// What tells of them.
    pub(crate) trail: Arc<Trail>,
    /// The process that it works for. All that other processes have left pending is given up, because a data folder has one
    /// process at a time.
    pub(crate) run: RunId,
    /// Shared with the engine.
    pub(crate) counters: Counters,
    /// What the engine's readers hold.
    pub(crate) leases: Leases,
}

impl Reaper {
    /// Puts the parts to work.
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { catalog, blobs, kms, bucket_keys, trail, run, counters, leases } = parts;
        Self { catalog, blobs, kms, bucket_keys, trail, run, counters, leases, orphans_sought: None }
    }

    /// Does all that is due at `now`.
    ///
    /// # Errors
    /// The first trouble; what was done before it is done, the rest is left to the next run.
    pub async fn run_once(&mut self, now: Timestamp) -> Result<ReaperReport, Failure> {
        // Whatever hinders the rest, keys go when their time is over.
        self.bucket_keys.evict();
        let tended = self.tend_keys().await;
        let swept = self.sweep(now).await;
        if let (Err(_), Err(other)) = (&tended, &swept) {
            tracing::warn!(error = other as &dyn std::error::Error, "the reaper was hindered besides");
        }
        let (tended, report) = (tended?, swept?);
        Ok(ReaperReport {
            keys_destroyed: tended.destroyed.len() as u64,
            keys_rotated: tended.rotated.len() as u64,
            key_material_expired: tended.expired.len() as u64,
            ..report
        })
    }

    /// Does what is due with objects.
    async fn sweep(&mut self, now: Timestamp) -> Result<ReaperReport, Failure> {
        let mut report = ReaperReport { parts_swept: self.sweep_uploads(now).await?, ..ReaperReport::default() };
        self.give_up_stale(now, &mut report).await?;
        self.remove_dead(now, &mut report).await?;
        if self.orphans_sought.is_none_or(|last| last.distance_millis(now) >= ORPHANS_INTERVAL_MS.unsigned_abs()) {
            self.remove_orphans(now, &mut report).await?;
            self.orphans_sought = Some(now);
        }
        report.deletions_called_off = self.catalog.call_off_stalled_deletions(now).await?;
        self.counters.reaped(report.removed + report.orphans, report.waiting, report.pending);
        Ok(report)
    }

    /// Does what is due with master keys, and tells the audit trail.
    async fn tend_keys(&self) -> Result<Tended, Failure> {
        let tended = self.kms.tend().await?;
        for (operation, keys) in
            [("DestroyKey", &tended.destroyed), ("RotateKey", &tended.rotated), ("DeleteKeyMaterial", &tended.expired)]
        {
            for key in keys {
                self.trail.note(Record { key: Some(key.id.clone()), ..self.trail.of_server(operation) });
            }
        }
        Ok(tended)
    }

    /// Runs now and then, until `stop` says true or is dropped. Trouble is logged, and tried again at the next run.
    pub async fn run(mut self, clock: Clock, mut stop: watch::Receiver<bool>) {
        loop {
            match self.run_once(clock()).await {
                Ok(report) if report == ReaperReport::default() => {}
                Ok(report) => tracing::debug!(?report, "reaped"),
                Err(failure) => tracing::warn!(error = &failure as &dyn std::error::Error, "the reaper was hindered"),
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                _stopped = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Finishes what requests that ended an upload could not, or were doing when their process died.
    async fn sweep_uploads(&self, now: Timestamp) -> Result<u64, CatalogError> {
        let mut swept = 0;
        loop {
            let ended = self.catalog.ended_uploads().await?;
            if ended.is_empty() {
                return Ok(swept);
            }
            for id in ended {
                swept += self.catalog.sweep_upload(id, now).await?;
            }
        }
    }

    async fn give_up_stale(&self, now: Timestamp, report: &mut ReaperReport) -> Result<(), CatalogError> {
        let mut last = None;
        loop {
            let page = self.catalog.pending_blobs(last).await?;
            let Some(end) = page.last() else { return Ok(()) };
            last = Some(end.blob);
            for pending in page {
                if self.is_stale(&pending, now) {
                    // In conflict, it has become live in this moment.
                    let _given_up = self.catalog.abandon_blob(pending.blob, now).await?;
                    report.given_up += 1;
                } else {
                    report.pending += 1;
                }
            }
        }
    }

    fn is_stale(&self, pending: &Pending, now: Timestamp) -> bool {
        pending.run != self.run || pending.since.plus_millis(PENDING_MAX_MS) < now
    }

    async fn remove_dead(&self, now: Timestamp, report: &mut ReaperReport) -> Result<(), Failure> {
        let mut last = None;
        loop {
            let page = self.catalog.dead_blobs(last).await?;
            let Some(end) = page.last() else { return Ok(()) };
            last = Some(end.id);
            // Asked after the look: what is dead in it was dead before any hold that begins from here on.
            let held = self.catalog.are_blobs_held(now).await?;
            for dead in page {
                let count = dead.blobs.len() as u64;
                if held || waits(&dead, now) || self.leases.is_held(&dead.id) {
                    report.waiting += count;
                } else {
                    self.remove(&dead).await?;
                    report.removed += count;
                }
            }
        }
    }

    async fn remove(&self, dead: &Dead) -> Result<(), Failure> {
        for blob in &dead.blobs {
            self.delete(blob).await?;
        }
        Ok(self.catalog.forget_dead(dead).await?)
    }

    async fn remove_orphans(&self, now: Timestamp, report: &mut ReaperReport) -> Result<(), Failure> {
        let mut last = None;
        loop {
            let page = self.blobs.list(last.as_ref(), BLOBS_PAGE).await?;
            let Some(end) = page.last() else { return Ok(()) };
            last = Some(end.id);
            for entry in page {
                if is_older_than_any_commit(&entry, now) && !self.catalog.knows_blob(entry.id).await? {
                    tracing::info!(blob = %entry.id, "removing a blob that no row knows");
                    self.delete(&entry.id).await?;
                    report.orphans += 1;
                }
            }
        }
    }

    async fn delete(&self, blob: &BlobId) -> Result<(), Failure> {
        Ok(self.blobs.delete(blob).await?)
    }
}

/// Whether readers may still come who began while it was live.
fn waits(dead: &Dead, now: Timestamp) -> bool {
    dead.due > now && dead.due <= now.plus_millis(SET_BACK_MS)
}

/// Whether no row of it can be on its way any more. A blob of unknown age may have been written just now.
pub(super) fn is_older_than_any_commit(entry: &BlobEntry, now: Timestamp) -> bool {
    let modified = entry.modified_ms.and_then(|millis| i64::try_from(millis).ok());
    modified.is_some_and(|millis| Timestamp::from_millis(millis).plus_millis(ORPHAN_MIN_MS) < now)
}
