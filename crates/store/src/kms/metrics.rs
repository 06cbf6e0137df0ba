//! What the key service counts: the budget is one call for a write, at most one for a read, none for HEAD and listings.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KmsMetrics {
    /// Calls for a fresh data key or bucket key.
    pub data_key_calls: u64,
    /// Calls to unwrap one, cache hits not among them.
    pub unwrap_calls: u64,
    /// All other calls.
    pub management_calls: u64,
    /// Keys that were known, bucket keys among them, so that the service was not asked.
    pub cache_hits: u64,
}

impl KmsMetrics {
    /// All calls that reached the key service.
    pub fn calls(&self) -> u64 {
        self.data_key_calls + self.unwrap_calls + self.management_calls
    }
}

/// The counters.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(super) data_key_calls: AtomicU64,
    pub(super) unwrap_calls: AtomicU64,
    pub(super) management_calls: AtomicU64,
    pub(super) cache_hits: AtomicU64,
}

impl Metrics {
    /// The counts now.
    pub fn snapshot(&self) -> KmsMetrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        KmsMetrics {
            data_key_calls: read(&self.data_key_calls),
            unwrap_calls: read(&self.unwrap_calls),
            management_calls: read(&self.management_calls),
            cache_hits: read(&self.cache_hits),
        }
    }
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
