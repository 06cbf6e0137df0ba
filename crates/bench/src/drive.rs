//! Drives requests: by so many connections, for so long, and measures them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::ProgressBar;

use crate::endpoint::LoadError;
use crate::measure::Measured;
use crate::process;

/// How many requests there are, and when.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Requests under way at once, each on a connection of its own.
    pub connections: u64,
    /// Wall time at most.
    pub duration: Duration,
    /// Requests at most, if they are counted.
    pub count: Option<u64>,
    /// Requests a second that are due, if they do not wait for one another: a latency then counts from when its request was
    /// due, so that a server that stalls cannot hide it by keeping the next ones from being made.
    pub rate: Option<f64>,
}

/// Where the costs of the server can be read.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// The server's process.
    pub pid: Option<u32>,
    /// The URL of its metrics.
    pub metrics: Option<String>,
}

/// Requests to make.
pub trait Work: Send + Sync + 'static {
    /// Makes the request of that number, by the connection of that number.
    fn request(&self, number: u64, connection: u64) -> impl Future<Output = Result<(), LoadError>> + Send;

    /// Bytes of body that a request sends or receives, if all send or receive as many.
    fn bytes_of_a_request(&self) -> u64;
}

struct Drive<W> {
    work: W,
    pace: Pace,
    next: AtomicU64,
    start: Instant,
    bar: ProgressBar,
}

/// Makes the requests of `work` and measures them.
///
/// # Errors
/// The first request that fails: a load in which anything failed has no figure.
pub async fn drive<W: Work>(work: W, pace: Pace, watched: &Watched, bar: &ProgressBar) -> Result<Measured, LoadError> {
    let before = (watched.pid.and_then(process::cpu_time), calls(watched).await);
    let drive = Arc::new(Drive { work, pace, next: AtomicU64::new(0), start: Instant::now(), bar: bar.clone() });
    let connections: Vec<_> =
        (0..pace.connections).map(|connection| tokio::spawn(drive.clone().connection(connection))).collect();
    let mut latencies = Measured::histogram();
    for connection in connections {
        let part = connection.await.expect("a worker does not panic")?;
        latencies.add(&part).expect("all histograms have the same bounds");
    }
    let elapsed = drive.start.elapsed();
    let after = (watched.pid.and_then(process::cpu_time), calls(watched).await);
    let requests = latencies.len();
    Ok(Measured {
        requests,
        bytes: requests * drive.work.bytes_of_a_request(),
        elapsed,
        latencies,
        server_cpu: after.0.zip(before.0).map(|(after, before)| after - before),
        key_calls: after.1.zip(before.1).map(|(after, before)| after - before),
        memory: watched.pid.and_then(process::memory),
    })
}

impl<W: Work> Drive<W> {
    async fn connection(self: Arc<Self>, connection: u64) -> Result<Histogram<u64>, LoadError> {
        let mut latencies = Measured::histogram();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let is_last = self.pace.count.is_some_and(|count| number >= count);
            if is_last || self.start.elapsed() >= self.pace.duration {
                return Ok(latencies);
            }
            let begin = self.pace.turn(self.start, number).await;
            self.work.request(number, connection).await?;
            let micros = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
            latencies.saturating_record(micros.max(1));
            self.bar.inc(1);
        }
    }
}

impl Pace {
    /// Waits until the request of that number is due; answers from when on its latency counts.
    async fn turn(&self, start: Instant, number: u64) -> Instant {
        let Some(rate) = self.rate else { return Instant::now() };
        let due = start + Duration::from_secs_f64(number as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        due
    }
}

async fn calls(watched: &Watched) -> Option<u64> {
    match &watched.metrics {
        Some(url) => process::key_service_calls(url).await,
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(Arc<AtomicU64>);

    impl Work for Counted {
        async fn request(&self, _number: u64, _connection: u64) -> Result<(), LoadError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }

        fn bytes_of_a_request(&self) -> u64 {
            7
        }
    }

    fn pace(count: u64, rate: Option<f64>) -> Pace {
        Pace { connections: 3, duration: Duration::from_secs(60), count: Some(count), rate }
    }

    #[tokio::test]
    async fn as_many_requests_are_made_as_are_asked_for() {
        let made = Arc::new(AtomicU64::new(0));
        let work = Counted(made.clone());
        let measured =
            drive(work, pace(10, None), &Watched::default(), &ProgressBar::hidden()).await.expect("no failure");
        assert_eq!((made.load(Ordering::Relaxed), measured.requests, measured.bytes), (10, 10, 70));
    }

    #[tokio::test]
    async fn latencies_of_a_given_rate_count_from_when_a_request_was_due() {
        let start = Instant::now() - Duration::from_millis(500);
        let pace = pace(1000, Some(1000.0));
        assert_eq!(pace.turn(start, 100).await, start + Duration::from_millis(100), "it was due long ago");
        assert!(pace.turn(start, 510).await <= Instant::now(), "it is waited for");
    }
}
