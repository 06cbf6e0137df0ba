//! How fast a scrub may read.

use std::time::Duration;

use tokio::time::Instant;

/// Spreads reading over time, so that on average no more than so many bytes are read in a second.
pub(super) struct Pace {
    began: Instant,
    rate: Option<u64>,
    spent: std::sync::atomic::AtomicU64,
}

/// What one version costs at least: looking at an empty object takes reads of rows, too.
pub(super) const VERSION_BYTES: u64 = 4096;

impl Pace {
    /// At most `rate` bytes a second; none is as fast as it goes.
    pub(super) fn new(rate: Option<u64>) -> Self {
        Self { began: Instant::now(), rate, spent: Default::default() }
    }

    /// Accounts for `bytes`, and waits until they are allowed for.
    pub(super) async fn spend(&self, bytes: u64) {
        let spent = bytes + self.spent.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
        let Some(rate) = self.rate else { return tokio::task::yield_now().await };
        let due = self.began + Duration::from_secs_f64(spent as f64 / rate.max(1) as f64);
        tokio::time::sleep_until(due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_bytes_take_so_long() {
        let began = Instant::now();
        let pace = Pace::new(Some(1000));
        for _ in 0..5 {
            pace.spend(500).await;
        }
        let took = began.elapsed().as_secs_f64();
        assert!((2.4..2.6).contains(&took), "{took}");
        let began = Instant::now();
        Pace::new(None).spend(u64::MAX / 2).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
