//! Durable group commits to fjall with nothing around them: what the disk and the engine allow.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use hdrhistogram::Histogram;

use crate::measure::Measured;

/// Bytes of each value: a small object.
const VALUE: usize = 4096;

/// Commits that one sync may carry.
const GROUP_MAX: usize = 512;

/// One row to commit, and where to say that it is durable.
struct Row {
    key: [u8; 16],
    value: Vec<u8>,
    done: SyncSender<()>,
}

/// Lets `clients` commit one row at a time each for `duration`, through one committer.
///
/// # Errors
/// If fjall fails.
pub(super) fn run(path: &Path, clients: u64, duration: Duration) -> Result<Measured, fjall::Error> {
    let (queue, rows) = mpsc::sync_channel(GROUP_MAX);
    let start = Instant::now();
    let workers: Vec<_> = (0..clients)
        .map(|_| {
            let queue = queue.clone();
            thread::spawn(move || client(&queue, start, duration))
        })
        .collect();
    drop(queue);
    commit_all(path, &rows)?;
    let mut latencies = Measured::histogram();
    for worker in workers {
        latencies.add(worker.join().expect("a client does not panic")).expect("all histograms have the same bounds");
    }
    let requests = latencies.len();
    let bytes = requests * VALUE as u64;
    Ok(Measured {
        requests,
        bytes,
        elapsed: start.elapsed(),
        latencies,
        server_cpu: None,
        key_calls: None,
        memory: None,
    })
}

fn client(queue: &SyncSender<Row>, start: Instant, duration: Duration) -> Histogram<u64> {
    let mut latencies = Measured::histogram();
    while start.elapsed() < duration {
        let begin = Instant::now();
        let (mut key, mut value) = ([0; 16], vec![0; VALUE]);
        getrandom::fill(&mut key).expect("the operating system has randomness");
        getrandom::fill(&mut value).expect("the operating system has randomness");
        let (done, answered) = mpsc::sync_channel(1);
        if queue.send(Row { key, value, done }).is_err() || answered.recv().is_err() {
            break;
        }
        latencies.saturating_record(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX).max(1));
    }
    latencies
}

fn commit_all(path: &Path, rows: &Receiver<Row>) -> Result<(), fjall::Error> {
    let database = Database::builder(path).open()?;
    let keyspace = database.keyspace("rows", KeyspaceCreateOptions::default)?;
    while let Ok(first) = rows.recv() {
        let mut batch = database.batch().durability(Some(PersistMode::SyncData));
        let mut waiting = Vec::with_capacity(GROUP_MAX);
        for row in std::iter::once(first).chain(rows.try_iter().take(GROUP_MAX - 1)) {
            batch.insert(&keyspace, row.key, row.value);
            waiting.push(row.done);
        }
        batch.commit()?;
        for done in waiting {
            // A client that gave up waiting needs no answer.
            let _ = done.send(());
        }
    }
    Ok(())
}
