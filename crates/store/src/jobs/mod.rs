//! What is done apart from requests, from time to time.

mod inventory;
mod lifecycle;
mod pace;
pub(crate) mod reaper;
mod scrub;

use std::time::Duration;

use strongroom_model::failure::Failure;
use strongroom_model::outcome::job::JobState;
use tokio::sync::{Notify, watch};

use crate::catalog::CatalogError;

pub use inventory::{Deposit, InventoryJob};
pub use lifecycle::LifecycleJob;
pub use reaper::{Reaper, ReaperReport};
pub use scrub::{Schedule, Scrub};

/// How often a job looks whether it is time, and how soon it goes on when the absence of a store has interrupted it.
const INTERVAL: Duration = Duration::from_secs(60);

/// How often a job keeps how far it is: what a killed process has to look at again, which costs time alone.
const SAVE_INTERVAL: Duration = Duration::from_secs(15);

/// What ended a run before its end.
enum Interruption {
    /// Somebody has stopped it.
    Stopped,
    /// A store is away.
    Away(Failure),
}

/// Whether a run goes to work, and notes in its progress that it does. One that was stopped before it was at work is no longer
/// under way.
fn goes_to_work(state: &mut JobState, wanted: bool) -> bool {
    if wanted {
        *state = JobState::Running;
    } else if *state == JobState::Running {
        *state = JobState::Stopped;
    }
    wanted
}

/// Notes in a run's progress how its work ended. It goes on by itself only if a store was away.
fn ended(result: &Result<(), Interruption>, state: &mut JobState, wanted: &mut bool) {
    *state = if result.is_ok() { JobState::Finished } else { JobState::Stopped };
    *wanted &= matches!(result, Err(Interruption::Away(_)));
}

/// Waits until it is worth looking again: time has passed, or somebody says so. False if the process ends.
async fn rested(wake: &Notify, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(INTERVAL) => true,
        () = wake.notified() => true,
        () = told(stop) => false,
    }
}

/// Waits until `stop` says true or is dropped.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _either = stop.wait_for(|stop| *stop).await;
}

impl From<Failure> for Interruption {
    fn from(failure: Failure) -> Self {
        Self::Away(failure)
    }
}

impl From<CatalogError> for Interruption {
    fn from(error: CatalogError) -> Self {
        Self::Away(error.into())
    }
}
