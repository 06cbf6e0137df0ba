//! The inventories: reports of what buckets hold, written into buckets when it is their time, or when somebody says so. One at a
//! time. A report that is interrupted leaves no manifest, and is written anew.

mod report;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use strongroom_model::account::AccountId;
use strongroom_model::failure::{Failure, FailureCode, chain};
use strongroom_model::operation::object::PutObject;
use strongroom_model::outcome::job::{InventoryReport, JobState};
use strongroom_model::time::Timestamp;
use tokio::sync::{Notify, watch};

use super::{rested, told};
use crate::{
    catalog::{
        Catalog, CatalogError,
        inventories::{BucketInventories, Standing},
    },
    stream::ByteStream,
    surroundings::{Clock, Entropy},
};

/// Writes objects as an account would that asks for it.
#[async_trait]
pub trait Deposit: Send + Sync {
    /// Writes an object as `account`.
    ///
    /// # Errors
    /// What the account would be answered.
    async fn deposit(&self, account: AccountId, put: PutObject, bytes: ByteStream) -> Result<(), Failure>;
}

/// See the module.
pub struct InventoryJob {
    catalog: Arc<Catalog>,
    entropy: Entropy,
    progress: Mutex<Progress>,
    wake: Notify,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    report: InventoryReport,
    /// Somebody wants all reports now.
    wanted: bool,
    /// Somebody wants it to stop.
    stopped: bool,
}

/// What a run has to work with.
#[derive(Clone, Copy)]
struct Tools<'a> {
    deposit: &'a dyn Deposit,
    clock: &'a Clock,
}

impl InventoryJob {
    /// Nothing runs yet.
    pub(crate) fn new(catalog: Arc<Catalog>, entropy: Entropy) -> Self {
        Self { catalog, entropy, progress: Mutex::default(), wake: Notify::new() }
    }

    /// Has all reports written, whether they are due or not.
    ///
    /// # Errors
    /// `Conflict` if that is under way already.
    pub(crate) fn start(&self) -> Result<InventoryReport, Failure> {
        let mut progress = self.progress();
        if progress.report.state == JobState::Running {
            return Err(Failure::new(FailureCode::Conflict).with_message("Reports are being written."));
        }
        let report = InventoryReport { state: JobState::Running, ..InventoryReport::default() };
        *progress = Progress { report: report.clone(), wanted: true, stopped: false };
        self.wake.notify_one();
        Ok(report)
    }

    /// Has it stop at the next page of keys. The report under way is not finished.
    pub(crate) fn stop(&self) -> InventoryReport {
        let mut progress = self.progress();
        progress.stopped = true;
        progress.report.clone()
    }

    /// How far it is.
    pub fn report(&self) -> InventoryReport {
        self.progress().report.clone()
    }

    /// All reports at once: for whoever drives it by hand.
    ///
    /// # Errors
    /// The catalog's trouble.
    pub async fn run_once(&self, deposit: &dyn Deposit, clock: &Clock) -> Result<InventoryReport, Failure> {
        self.start()?;
        self.work(Tools { deposit, clock }).await?;
        Ok(self.report())
    }

    /// The reports that are due: for whoever drives it by hand.
    ///
    /// # Errors
    /// The catalog's trouble.
    pub async fn run_due(&self, deposit: &dyn Deposit, clock: &Clock) -> Result<InventoryReport, Failure> {
        self.work(Tools { deposit, clock }).await?;
        Ok(self.report())
    }

    /// Writes reports when they are due, and when it is told to, until `stop` says true or is dropped.
    pub async fn run(self: Arc<Self>, deposit: Arc<dyn Deposit>, clock: Clock, mut stop: watch::Receiver<bool>) {
        loop {
            let tools = Tools { deposit: &*deposit, clock: &clock };
            tokio::select! {
                worked = self.work(tools) => {
                    if let Err(failure) = worked {
                        tracing::warn!(error = chain(&failure), "no inventory could be looked for, and is later");
                    }
                }
                () = told(&mut stop) => return,
            }
            if !rested(&self.wake, &mut stop).await {
                return;
            }
        }
    }

    /// Writes all reports that are wanted or due. One that cannot be written does not hold up the others.
    async fn work(&self, tools: Tools<'_>) -> Result<(), Failure> {
        let everything = std::mem::take(&mut self.progress().wanted);
        let worked = self.follow(everything, tools).await;
        let mut progress = self.progress();
        if progress.report.state == JobState::Running && !progress.wanted {
            progress.report.ended = Some((tools.clock)());
            let whole = worked.is_ok() && !progress.stopped;
            progress.report.state = if whole { JobState::Finished } else { JobState::Stopped };
        }
        Ok(worked?)
    }

    async fn follow(&self, everything: bool, tools: Tools<'_>) -> Result<(), CatalogError> {
        let mut behind = None;
        loop {
            let page = self.catalog.walk_inventories(behind.as_ref()).await?;
            let Some((end, _)) = page.last() else { return Ok(()) };
            behind = Some(end.clone());
            for bucket in page.into_iter().filter_map(|(_, read)| self.known(read, everything)) {
                for standing in &bucket.standing {
                    let now = (tools.clock)();
                    let Standing { inventory, last } = standing;
                    let due = everything || inventory.frequency.is_due(*last, now);
                    if !inventory.enabled || !due {
                        continue;
                    }
                    self.begin(&bucket, standing, now);
                    self.one(&bucket, standing, now, tools).await?;
                    if self.progress().stopped {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The inventories of a bucket, if their row can be read.
    fn known(&self, read: Result<BucketInventories, CatalogError>, everything: bool) -> Option<BucketInventories> {
        let told = read.inspect_err(|error| {
            tracing::warn!(error = chain(error), "the inventories of a bucket could not be read");
            // A look at what is due comes every minute, and would count it again and again.
            self.progress().report.troubles += u64::from(everything);
        });
        told.ok()
    }

    /// One report. Trouble of the moment is left for the next look, any other for the next time the report is due.
    async fn one(
        &self,
        bucket: &BucketInventories,
        standing: &Standing,
        now: Timestamp,
        tools: Tools<'_>,
    ) -> Result<(), CatalogError> {
        let inventory = &standing.inventory;
        let written = self.write(bucket, inventory, now, tools).await;
        let later = match &written {
            Ok(true) => {
                self.progress().report.reports += 1;
                false
            }
            // Stopped by hand.
            Ok(false) => true,
            Err(failure) => {
                let (name, id, error) = (bucket.name.as_str(), inventory.id.as_str(), chain(failure));
                tracing::warn!(bucket = name, inventory = id, error, "the report of an inventory could not be written");
                self.progress().report.troubles += 1;
                use FailureCode as Code;
                matches!(failure.code, Code::ServiceUnavailable | Code::KeyServiceUnavailable | Code::SlowDown)
            }
        };
        if !later {
            self.catalog.inventory_followed(bucket.bucket, &inventory.id, now).await?;
        }
        Ok(())
    }

    fn begin(&self, bucket: &BucketInventories, standing: &Standing, now: Timestamp) {
        let mut progress = self.progress();
        if progress.report.state != JobState::Running {
            *progress = Progress::default();
            progress.report.state = JobState::Running;
        }
        progress.report.started.get_or_insert(now);
        progress.report.current = Some((bucket.name.clone(), standing.inventory.id.clone()));
    }

    /// No method leaves the state half changed, so a panic elsewhere while it was locked does no harm.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
