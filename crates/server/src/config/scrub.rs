//! When, and how fast, everything that is stored is looked at.

use serde::{Deserialize, Serialize};
use strongroom_store::Schedule;

/// `[scrub]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Scrub {
    /// Days from the end of one scrub to the beginning of the next; 0 is never.
    pub(crate) every_days: u32,
    /// MiB read per second at most.
    pub(crate) mib_per_second: u32,
}

impl Scrub {
    /// As the store takes it.
    pub(crate) fn schedule(&self) -> Schedule {
        let days = (self.every_days > 0).then_some(self.every_days);
        Schedule { days, rate: u64::from(self.mib_per_second) << 20 }
    }
}

impl Default for Scrub {
    /// A terabyte takes a day and a half so, and a disk that gives 200 MB/s does not notice. Latent damage is found within a
    /// month, while backups from before it still exist.
    fn default() -> Self {
        Self { every_days: 30, mib_per_second: 8 }
    }
}
