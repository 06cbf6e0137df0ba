//! How fast a job may go on.

use std::time::Duration;

use tokio::time::Instant;

/// Spreads work over time, so that on average no more than so much of it is done in a second: bytes, or whatever a job counts.
pub(super) struct Pace {
    began: Instant,
    rate: Option<u64>,
    spent: std::sync::atomic::AtomicU64,
}

impl Pace {
    /// At most `rate` a second; none is as fast as it goes.
    pub(super) fn new(rate: Option<u64>) -> Self {
        Self { began: Instant::now(), rate, spent: Default::default() }
    }

    /// Accounts for so much, and waits until it is allowed for.
    pub(super) async fn spend(&self, amount: u64) {
        let spent = amount + self.spent.fetch_add(amount, std::sync::atomic::Ordering::Relaxed);
        let Some(rate) = self.rate else { return tokio::task::yield_now().await };
        let due = self.began + Duration::from_secs_f64(spent as f64 / rate.max(1) as f64);
        tokio::time::sleep_until(due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_much_takes_so_long() {
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
