//! Loads: an operation on objects of one size, by so many connections, for so long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::ValueEnum;
use hdrhistogram::Histogram;
use indicatif::ProgressBar;

use crate::endpoint::{Endpoint, LoadError};
use crate::measure::Measured;
use crate::mode::Mode;
use crate::process;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Action {
    /// Objects are written.
    Put,
    /// Objects are read whole.
    Get,
}

/// A load.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// What is done.
    pub action: Action,
    /// Plaintext bytes of each object.
    pub size: u64,
    /// Requests under way at once, each on a connection of its own.
    pub connections: u64,
    /// Wall time of one run.
    pub duration: Duration,
}

/// Where the costs of the server can be read.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// The server's process.
    pub pid: Option<u32>,
    /// The URL of its metrics.
    pub metrics: Option<String>,
}

/// Objects of each mode and size that a read chooses among: enough that no one object's place matters.
pub const READ_OBJECTS: u64 = 16;

impl Load {
    /// The load's name in tables.
    pub fn name(&self) -> String {
        let action = match self.action {
            Action::Put => "PUT",
            Action::Get => "GET",
        };
        format!("{action} {}", size_name(self.size))
    }

    /// Writes the objects that the load reads.
    ///
    /// # Errors
    /// The first request that fails.
    pub async fn prepare(&self, endpoint: &Endpoint, mode: Mode) -> Result<(), LoadError> {
        let body = self.body()?;
        let count = if self.action == Action::Get { READ_OBJECTS } else { 0 };
        for number in 0..count {
            endpoint.put(&self.key(mode, number), body.clone(), mode).await?;
        }
        Ok(())
    }

    /// Runs the load once and measures it.
    ///
    /// # Errors
    /// The first request that fails: a load in which anything failed has no figure.
    pub async fn run(
        self,
        endpoint: &Arc<Endpoint>,
        mode: Mode,
        watched: &Watched,
        bar: &ProgressBar,
    ) -> Result<Measured, LoadError> {
        let body = self.body()?;
        let next = Arc::new(AtomicU64::new(0));
        let before = (watched.pid.and_then(process::cpu_time), calls(watched).await);
        let start = Instant::now();
        let workers: Vec<_> = (0..self.connections)
            .map(|_| tokio::spawn(self.work(endpoint.clone(), mode, body.clone(), next.clone(), start, bar.clone())))
            .collect();
        let mut latencies = Measured::histogram();
        for worker in workers {
            let part = worker.await.expect("a worker does not panic")?;
            latencies.add(&part).expect("all histograms have the same bounds");
        }
        let elapsed = start.elapsed();
        let after = (watched.pid.and_then(process::cpu_time), calls(watched).await);
        let requests = latencies.len();
        Ok(Measured {
            requests,
            bytes: requests * self.size,
            elapsed,
            latencies,
            server_cpu: after.0.zip(before.0).map(|(after, before)| after - before),
            key_calls: after.1.zip(before.1).map(|(after, before)| after - before),
        })
    }

    async fn work(
        self,
        endpoint: Arc<Endpoint>,
        mode: Mode,
        body: Bytes,
        next: Arc<AtomicU64>,
        start: Instant,
        bar: ProgressBar,
    ) -> Result<Histogram<u64>, LoadError> {
        let mut latencies = Measured::histogram();
        while start.elapsed() < self.duration {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let begin = Instant::now();
            match self.action {
                Action::Put => endpoint.put(&self.key(mode, number), body.clone(), mode).await?,
                Action::Get => endpoint.get(&self.key(mode, number % READ_OBJECTS), self.size, mode).await?,
            }
            let micros = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
            latencies.saturating_record(micros.max(1));
            bar.inc(1);
        }
        Ok(latencies)
    }

    /// Keys repeat after a while, so that a long load overwrites rather than fills the disk.
    fn key(&self, mode: Mode, number: u64) -> String {
        let distinct = (1 << 30) / self.size.max(1) + READ_OBJECTS;
        let action = if self.action == Action::Put { "put" } else { "get" };
        format!("{action}-{}-{mode:?}-{}", self.size, number % distinct).to_lowercase()
    }

    /// Random bytes: nothing on the way may find them easier than a client's.
    fn body(&self) -> Result<Bytes, LoadError> {
        let mut body = vec![0; usize::try_from(self.size).unwrap_or(usize::MAX)];
        getrandom::fill(&mut body).expect("the operating system has randomness");
        Ok(Bytes::from(body))
    }
}

async fn calls(watched: &Watched) -> Option<u64> {
    match &watched.metrics {
        Some(url) => process::key_service_calls(url).await,
        None => None,
    }
}

/// A size as people write it.
fn size_name(size: u64) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size / 1024),
        _ => format!("{} MiB", size / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_people_write_them() {
        assert_eq!([1, 4096, 1 << 20, 64 << 20].map(size_name), ["1 B", "4 KiB", "1 MiB", "64 MiB"]);
    }
}
