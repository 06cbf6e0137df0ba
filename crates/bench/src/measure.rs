//! What one run of a load measured, and how several become one figure.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency that a histogram holds, in microseconds: ten minutes.
const LATENCY_MAX: u64 = 600_000_000;

/// What one run of one load measured.
pub struct Measured {
    /// Requests that succeeded.
    pub requests: u64,
    /// Bytes of bodies, up or down.
    pub bytes: u64,
    /// Wall time.
    pub elapsed: Duration,
    /// Latencies in microseconds.
    pub latencies: Histogram<u64>,
    /// CPU time the server took, if its process is known.
    pub server_cpu: Option<Duration>,
    /// Calls of the key service, if the server's metrics are known.
    pub key_calls: Option<u64>,
    /// Bytes that the server has resident after the run, if its process is known.
    pub memory: Option<u64>,
}

/// A figure over several runs: the median, and the least and greatest.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    /// The middle value.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Measured {
    /// A histogram to fill.
    pub fn histogram() -> Histogram<u64> {
        Histogram::new_with_bounds(1, LATENCY_MAX, 3).expect("the bounds are in order and three digits are few")
    }

    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// Megabytes (10^6) of bodies a second.
    pub fn megabytes(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.elapsed.as_secs_f64()
    }

    /// Microseconds of the server's CPU a request.
    pub fn cpu_per_request(&self) -> Option<f64> {
        self.server_cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / self.requests.max(1) as f64)
    }

    /// Calls of the key service a request.
    pub fn calls_per_request(&self) -> Option<f64> {
        self.key_calls.map(|calls| calls as f64 / self.requests.max(1) as f64)
    }
}

impl Spread {
    /// The spread of `values`; none if there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let (least, greatest) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        Some(Self { median, least, greatest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]).map(|spread| spread.median), Some(2.0));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).map(|spread| spread.median), Some(2.5));
        assert!(Spread::of([]).is_none());
    }
}
