//! The lifecycle rules, followed: once a day, soon after midnight (UTC), when all that is due has its time; or when somebody says
//! so. One run at a time; it can be interrupted anywhere, and goes on from there.
//!
//! Nothing is removed but by the commits that clients' deletions go through, and only as long as the history of the key is what was
//! judged: an object that is written over meanwhile stays.

mod judge;
mod pass;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_model::failure::{Failure, FailureCode, chain};
use strongroom_model::lifecycle::DAY_MS;
use strongroom_model::outcome::job::{JobState, LifecycleReport};
use strongroom_model::time::Timestamp;
use tokio::sync::{Notify, watch};

use super::{Interruption, ended, goes_to_work, rested, told};
use crate::{
    catalog::{Catalog, CatalogError, lifecycle_runs::LifecycleProgress},
    surroundings::{Clock, Entropy},
};

/// See the module.
pub struct LifecycleJob {
    catalog: Arc<Catalog>,
    entropy: Entropy,
    progress: Mutex<LifecycleProgress>,
    wake: Notify,
}

impl LifecycleJob {
    /// Takes up what an earlier process has left. Nothing runs yet.
    pub(crate) async fn open(catalog: Arc<Catalog>, entropy: Entropy) -> Result<Self, CatalogError> {
        let progress = Mutex::new(catalog.lifecycle_progress().await?.unwrap_or_default());
        Ok(Self { catalog, entropy, progress, wake: Notify::new() })
    }

    /// Has a run begin, or an interrupted one go on.
    ///
    /// # Errors
    /// `Conflict` if one is under way already.
    pub(crate) fn start(&self) -> Result<LifecycleReport, Failure> {
        let mut progress = self.progress();
        if progress.report.state == JobState::Running {
            return Err(Failure::new(FailureCode::Conflict).with_message("A run is under way."));
        }
        progress.begin();
        self.wake.notify_one();
        Ok(progress.report.clone())
    }

    /// Has it stop at the next page of keys, if one runs.
    pub(crate) fn stop(&self) -> LifecycleReport {
        let mut progress = self.progress();
        progress.wanted = false;
        progress.report.clone()
    }

    /// How far it is.
    pub fn report(&self) -> LifecycleReport {
        self.progress().report.clone()
    }

    /// One whole run: for whoever drives it by hand.
    ///
    /// # Errors
    /// The trouble of a catalog that is away.
    pub async fn run_once(&self, clock: &Clock) -> Result<LifecycleReport, Failure> {
        self.start()?;
        self.work(clock).await.map(|()| self.report())
    }

    /// Runs once a day, and when it is told to, until `stop` says true or is dropped.
    pub async fn run(self: Arc<Self>, clock: Clock, mut stop: watch::Receiver<bool>) {
        loop {
            self.begin_if_due(clock());
            let stopped = tokio::select! {
                worked = self.work(&clock) => {
                    if let Err(failure) = worked {
                        let error = chain(&failure);
                        tracing::warn!(error, "the lifecycle rules could not be followed to the end, and are later");
                    }
                    false
                }
                () = told(&mut stop) => true,
            };
            if stopped {
                if let Err(error) = self.save().await {
                    tracing::warn!(error = chain(&error), "how far the lifecycle rules are followed was not kept");
                }
                return;
            }
            if !rested(&self.wake, &mut stop).await {
                return;
            }
        }
    }

    /// A run is due if none has begun today. One that somebody has stopped waits for the next midnight, too.
    fn begin_if_due(&self, now: Timestamp) {
        let day = |at: Timestamp| at.millis().div_euclid(DAY_MS);
        let mut progress = self.progress();
        // One of a day that is yet to come began before the clock was set back.
        let begun = progress.report.started.is_some_and(|started| day(started) == day(now));
        // One that is under way and not wanted was stopped before it was at work.
        if !begun && !progress.wanted && progress.report.state != JobState::Running {
            *progress = LifecycleProgress::default();
            progress.begin();
        }
    }

    /// Works until everything is seen, or somebody stops it; nothing, if no run is wanted.
    async fn work(&self, clock: &Clock) -> Result<(), Failure> {
        {
            let mut progress = self.progress();
            let wanted = progress.wanted;
            if wanted || progress.report.state == JobState::Running {
                progress.report.started.get_or_insert_with(|| clock());
            }
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
                tracing::info!(done = ?self.report().done, "the lifecycle rules were followed");
                Ok(())
            }
            Err(Interruption::Stopped) => Ok(()),
            Err(Interruption::Away(failure)) => Err(failure),
        }
    }

    async fn save(&self) -> Result<(), CatalogError> {
        let progress = self.progress().clone();
        self.catalog.save_lifecycle(&progress).await
    }

    /// No method leaves the state half changed, so a panic elsewhere while it was locked does no harm.
    fn progress(&self) -> MutexGuard<'_, LifecycleProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LifecycleProgress {
    /// Goes on where it was interrupted, or begins anew.
    fn begin(&mut self) {
        if self.report.state != JobState::Stopped {
            *self = Self::default();
        }
        self.report.state = JobState::Running;
        self.wanted = true;
    }
}
