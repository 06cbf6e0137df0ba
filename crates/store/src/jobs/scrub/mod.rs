//! The scrub: looks at everything that is stored, as a reader would who reads all of it, and says what is not as it was
//! acknowledged. It changes nothing. One runs at a time; it can be interrupted anywhere, and goes on from there.

mod examine;
mod pass;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_model::failure::{Failure, FailureCode, chain};
use strongroom_model::operation::admin::StartScrub;
use strongroom_model::outcome::job::JobState;
use strongroom_model::outcome::scrub::ScrubReport;
use strongroom_model::time::Timestamp;
use tokio::sync::{Notify, watch};

use super::{Interruption, ended, goes_to_work, rested, told};
use crate::{
    blobs::Blobs,
    catalog::{Catalog, CatalogError, scrubs::Progress},
    key_user::KeyUser,
    leases::Leases,
    surroundings::Clock,
};
use examine::Examiner;

/// When the server scrubs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Days from the end of one to the beginning of the next; none is never.
    pub days: Option<u32>,
    /// Bytes read per second at most.
    pub rate: u64,
}

/// See the module.
pub struct Scrub {
    examiner: Examiner,
    progress: Mutex<Progress>,
    wake: Notify,
}

impl Scrub {
    /// Takes up what an earlier process has left. Nothing runs yet.
    pub(crate) async fn open(
        catalog: Arc<Catalog>,
        blobs: Arc<dyn Blobs>,
        keys: KeyUser,
        leases: Leases,
    ) -> Result<Self, CatalogError> {
        let progress = catalog.scrub_progress().await?.unwrap_or_default();
        let examiner = Examiner { catalog, blobs, keys, leases };
        Ok(Self { examiner, progress: Mutex::new(progress), wake: Notify::new() })
    }

    /// Has it begin, or go on.
    ///
    /// # Errors
    /// `Conflict` if one runs already.
    pub(crate) fn start(&self, asked: StartScrub) -> Result<ScrubReport, Failure> {
        let mut progress = self.progress();
        if progress.report.state == JobState::Running {
            return Err(Failure::new(FailureCode::Conflict).with_message("A scrub is under way."));
        }
        if asked.anew || progress.report.state != JobState::Stopped {
            *progress = Progress::default();
        }
        progress.rate = asked.rate;
        progress.report.state = JobState::Running;
        progress.wanted = true;
        self.wake.notify_one();
        Ok(progress.report.clone())
    }

    /// Has it stop at the next object, if one runs.
    pub(crate) fn stop(&self) -> ScrubReport {
        let mut progress = self.progress();
        progress.wanted = false;
        progress.report.clone()
    }

    /// How far it is.
    pub fn report(&self) -> ScrubReport {
        self.progress().report.clone()
    }

    /// One whole scrub at full speed, from the beginning: for whoever drives it by hand.
    ///
    /// # Errors
    /// The trouble of a store that is away.
    pub async fn run_once(&self, clock: &Clock) -> Result<ScrubReport, Failure> {
        self.start(StartScrub { rate: None, anew: true })?;
        self.work(clock).await.map(|()| self.report())
    }

    /// Scrubs when it is told to, or when it is time, until `stop` says true or is dropped.
    pub async fn run(self: Arc<Self>, schedule: Schedule, clock: Clock, mut stop: watch::Receiver<bool>) {
        loop {
            self.begin_if_due(schedule, clock()).await;
            let stopped = tokio::select! {
                worked = self.work(&clock) => {
                    if let Err(failure) = worked {
                        tracing::warn!(error = %chain(&failure), "the scrub was hindered, and goes on later");
                    }
                    false
                }
                () = told(&mut stop) => true,
            };
            if stopped {
                return self.keep().await;
            }
            if !rested(&self.wake, &mut stop).await {
                return;
            }
        }
    }

    async fn begin_if_due(&self, schedule: Schedule, now: Timestamp) {
        let Some(days) = schedule.days else { return };
        let first_seen = {
            let mut progress = self.progress();
            let ScrubReport { state, ended, .. } = progress.report;
            let pause_ms = u64::from(days) * 24 * 3_600_000;
            // Either way: one that ended so far in the future ended before the clock was set back.
            let due = ended.is_some_and(|ended| ended.distance_millis(now) >= pause_ms);
            if due && matches!(state, JobState::Finished | JobState::Never) {
                *progress = Progress { rate: Some(schedule.rate), wanted: true, ..Progress::default() };
            }
            // The first is due so long after the first start, whose time is kept for that.
            let first_seen = ended.is_none() && state == JobState::Never;
            if first_seen {
                progress.report.ended = Some(now);
            }
            first_seen
        };
        if first_seen {
            self.keep().await;
        }
    }

    /// Works until all is seen, or somebody stops it; nothing, if none is wanted.
    async fn work(&self, clock: &Clock) -> Result<(), Failure> {
        {
            let mut progress = self.progress();
            let wanted = progress.wanted;
            if !goes_to_work(&mut progress.report.state, wanted) {
                return Ok(());
            }
        }
        let result = self.pass(clock).await;
        {
            let progress = &mut *self.progress();
            progress.report.ended = Some(clock());
            ended(&result, &mut progress.report.state, &mut progress.wanted);
        }
        self.save().await?;
        match result {
            Ok(()) => {
                let ScrubReport { done, found, .. } = self.report();
                tracing::info!(versions = done.versions, bytes = done.bytes, found, "the scrub has seen everything");
                Ok(())
            }
            Err(Interruption::Stopped) => Ok(()),
            Err(Interruption::Away(failure)) => Err(failure),
        }
    }

    /// Keeps how far it has come, if it can.
    async fn keep(&self) {
        if let Err(error) = self.save().await {
            tracing::warn!(error = %chain(&error), "how far the scrub has come was not kept");
        }
    }

    async fn save(&self) -> Result<(), CatalogError> {
        let progress = self.progress().clone();
        self.examiner.catalog.save_scrub(&progress).await
    }

    /// No method leaves the state half changed, so a panic elsewhere while it was locked does no harm.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
