//! Results as a Markdown table and as JSON: each figure beside its ratio to the first contender of the same load.

use serde::Serialize;

use crate::measure::{Measured, Spread};

/// One line of the report: one contender in one load, over all rounds.
#[derive(Debug, Serialize)]
pub struct Line {
    /// The load, such as `PUT 4 KiB`.
    pub load: String,
    /// The contender, such as `SSE-KMS AES-256`.
    pub contender: String,
    /// Requests a second.
    pub rate: Spread,
    /// Megabytes (10^6) a second.
    pub megabytes: Spread,
    /// Throughput as a multiple of the first contender's in the same round.
    pub ratio: Spread,
    /// Median latency in milliseconds, over all rounds.
    pub p50_ms: f64,
    /// 99th percentile of latency in milliseconds, over all rounds.
    pub p99_ms: f64,
    /// Microseconds of the server's CPU a request.
    pub cpu_us: Option<Spread>,
    /// The same as a multiple of the first contender's in the same round.
    pub cpu_ratio: Option<Spread>,
    /// Key-service calls a request.
    pub key_calls: Option<f64>,
    /// The most MiB that the server had resident after a round.
    pub memory_mib: Option<u64>,
}

impl Line {
    /// The line of `contender`, whose rounds are `runs`, against `base`, the first contender's rounds.
    pub fn new(load: &str, contender: &str, runs: &[Measured], base: &[Measured]) -> Self {
        let mut latencies = Measured::histogram();
        for run in runs {
            latencies.add(&run.latencies).expect("all histograms have the same bounds");
        }
        let spread = |values: Vec<f64>| Spread::of(values).expect("a load has at least one round");
        let pairs = || runs.iter().zip(base);
        let cpu_ratios = pairs().filter_map(|(run, base)| Some(run.cpu_per_request()? / base.cpu_per_request()?));
        // A run shorter than a tick of the clock has no CPU time to compare with.
        let cpu_ratios = cpu_ratios.filter(|ratio| ratio.is_finite());
        let calls: Vec<f64> = runs.iter().filter_map(Measured::calls_per_request).collect();
        Self {
            load: load.to_owned(),
            contender: contender.to_owned(),
            rate: spread(runs.iter().map(Measured::rate).collect()),
            megabytes: spread(runs.iter().map(Measured::megabytes).collect()),
            ratio: spread(pairs().map(|(run, base)| run.rate() / base.rate()).collect()),
            p50_ms: latencies.value_at_quantile(0.5) as f64 / 1e3,
            p99_ms: latencies.value_at_quantile(0.99) as f64 / 1e3,
            cpu_us: Spread::of(runs.iter().filter_map(Measured::cpu_per_request)),
            cpu_ratio: Spread::of(cpu_ratios),
            key_calls: Spread::of(calls).map(|spread| spread.median),
            memory_mib: runs.iter().filter_map(|run| run.memory).max().map(|bytes| bytes >> 20),
        }
    }

    /// The cells of a table that every load has, from its name to its CPU.
    pub fn cells(&self) -> String {
        format!(
            "| {} | {} | {:.0} | {:.1} | {:.2} ({:.2}–{:.2}) | {:.2} | {:.2} | {} | {} |",
            self.load,
            self.contender,
            self.rate.median,
            self.megabytes.median,
            self.ratio.median,
            self.ratio.least,
            self.ratio.greatest,
            self.p50_ms,
            self.p99_ms,
            optional(self.cpu_us.map(|spread| spread.median), 0),
            optional(self.cpu_ratio.map(|spread| spread.median), 2),
        )
    }
}

/// A figure with so many digits after its point, or a dash where there is none.
pub fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}

/// The lines as a Markdown table.
pub fn markdown(lines: &[Line]) -> String {
    let mut table = String::from(
        "| load | contender | requests/s | MB/s | ratio (spread) | p50 ms | p99 ms | server CPU µs/request | CPU ratio | key calls/request | server MiB |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for line in lines {
        table.push_str(&format!(
            "{} {} | {} |\n",
            line.cells(),
            optional(line.key_calls, 2),
            optional(line.memory_mib.map(|mebibytes| mebibytes as f64), 0),
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn run(requests: u64) -> Measured {
        let mut latencies = Measured::histogram();
        latencies.record(1500).expect("within bounds");
        Measured {
            requests,
            bytes: requests * 1_000_000,
            elapsed: Duration::from_secs(2),
            latencies,
            server_cpu: Some(Duration::from_millis(requests)),
            key_calls: Some(requests),
            memory: Some(requests << 20),
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let line = Line::new("PUT 4 KiB", "x", &[run(50), run(150)], &[run(100), run(100)]);
        assert_eq!((line.ratio.least, line.ratio.median, line.ratio.greatest), (0.5, 1.0, 1.5));
        assert_eq!(line.rate.median, 50.0);
        assert_eq!(line.key_calls, Some(1.0));
        assert_eq!(line.cpu_us.map(|spread| spread.median), Some(1000.0));
        let table = markdown(&[line]);
        assert!(
            table.contains("| PUT 4 KiB | x | 50 | 50.0 | 1.00 (0.50–1.50) | 1.50 | 1.50 | 1000 | 1.00 | 1.00 | 150 |"),
            "{table}"
        );
    }
}
