//! What is done apart from requests, from time to time.

mod inventory;
mod lifecycle;
mod pace;
pub(crate) mod reaper;
mod scrub;

use tokio::sync::watch;

pub use inventory::{Deposit, InventoryJob};
pub use lifecycle::LifecycleJob;
pub use reaper::{Reaper, ReaperReport};
pub use scrub::{Schedule, Scrub};

/// Waits until `stop` says true or is dropped.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _either = stop.wait_for(|stop| *stop).await;
}
