//! Drives blocking work: by so many threads, for so long, and measures it. What `drive` is to requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::ProgressBar;

use crate::measure::Measured;

/// Lets `clients` threads do `work`, each one thing at a time and at least once, until `duration` has passed. Whoever does it is told its number; the
/// numbers done are those from zero on, without a gap. `bytes` go up or down each time.
///
/// # Errors
/// The first that fails: a load in which anything failed has no figure.
pub fn drive<E: Send>(
    clients: u64,
    duration: Duration,
    bytes: u64,
    bar: &ProgressBar,
    work: impl Fn(u64) -> Result<(), E> + Sync,
) -> Result<Measured, E> {
    let (next, start) = (AtomicU64::new(0), Instant::now());
    let client = || -> Result<Histogram<u64>, E> {
        let mut latencies = Measured::histogram();
        loop {
            let begin = Instant::now();
            work(next.fetch_add(1, Ordering::Relaxed))?;
            latencies.saturating_record(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX).max(1));
            bar.inc(1);
            if start.elapsed() >= duration {
                return Ok(latencies);
            }
        }
    };
    let mut latencies = Measured::histogram();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        clients.into_iter().try_for_each(|client| {
            let part = client.join().expect("a client does not panic")?;
            latencies.add(&part).expect("all histograms have the same bounds");
            Ok(())
        })
    })?;
    let requests = latencies.len();
    let (bytes, elapsed) = (requests * bytes, start.elapsed());
    Ok(Measured { requests, bytes, elapsed, latencies, server_cpu: None, key_calls: None, memory: None })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn every_number_is_done_once() {
        let done = Mutex::new(BTreeSet::new());
        let work = |number| if done.lock().expect("no panic").insert(number) { Ok(()) } else { Err(number) };
        let measured = drive(3, Duration::from_millis(20), 7, &ProgressBar::hidden(), work).expect("no failure");
        let done = done.into_inner().expect("no panic");
        assert!(measured.requests >= 3);
        assert!(done.into_iter().eq(0..measured.requests));
        assert_eq!(measured.bytes, 7 * measured.requests);
    }

    #[test]
    fn a_failure_is_told() {
        let work = |number| if number == 5 { Err(number) } else { Ok(()) };
        assert_eq!(drive(2, Duration::from_secs(1), 0, &ProgressBar::hidden(), work).err(), Some(5));
    }
}
