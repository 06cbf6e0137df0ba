//! Counters, and their Prometheus text.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Upper bounds of the duration histogram, in seconds: from an inline read to a gigabyte over a slow line.
const DURATION_BOUNDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0];

/// The counters of this process.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<OperationLabels, Histogram, fn() -> Histogram>,
    received: Counter,
    sent: Counter,
    cut: Counter,
    in_flight: Gauge<i64, AtomicI64>,
    connections: Gauge<i64, AtomicI64>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    dialect: &'static str,
    operation: &'static str,
    status: u32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

/// One request that has been answered.
pub(crate) struct Finished {
    /// In which dialect.
    pub(crate) dialect: &'static str,
    /// What was asked.
    pub(crate) operation: &'static str,
    /// The answer's status.
    pub(crate) status: u16,
    /// Time from head to last byte.
    pub(crate) took: Duration,
    /// Bytes of the request's body that were read.
    pub(crate) received: u64,
    /// Bytes of the answer's body that were sent.
    pub(crate) sent: u64,
    /// Whether the answer's body could not be sent whole for a reason of our own.
    pub(crate) cut: bool,
}

impl Metrics {
    /// Counters at zero, and the engine's own beside them.
    pub(crate) fn new(engine: impl prometheus_client::collector::Collector) -> Self {
        let mut registry = Registry::with_prefix("strongroom");
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_BOUNDS)),
            received: Counter::default(),
            sent: Counter::default(),
            cut: Counter::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register(
            "request_seconds",
            "Time from a request's head to its answer's last byte",
            metrics.durations.clone(),
        );
        registry.register("received_bytes", "Bytes of request bodies read", metrics.received.clone());
        registry.register("sent_bytes", "Bytes of answer bodies sent", metrics.sent.clone());
        registry.register(
            "answers_cut",
            "Answers broken off because stored bytes could not be read",
            metrics.cut.clone(),
        );
        registry.register("requests_in_flight", "Requests being answered", metrics.in_flight.clone());
        registry.register("connections_open", "Connections open", metrics.connections.clone());
        registry.register_collector(Box::new(engine));
        Self { registry, ..metrics }
    }

    /// Counts a connection for as long as the answer lives.
    pub(crate) fn connection_opened(self: &Arc<Self>) -> Held {
        Held::new(self.connections.clone())
    }

    /// Counts a request for as long as the answer lives.
    pub(crate) fn request_begun(self: &Arc<Self>) -> Held {
        Held::new(self.in_flight.clone())
    }

    /// Counts an answered request.
    pub(crate) fn request_finished(&self, finished: &Finished) {
        let Finished { dialect, operation, status, .. } = *finished;
        self.requests.get_or_create(&RequestLabels { dialect, operation, status: status.into() }).inc();
        self.durations.get_or_create(&OperationLabels { operation }).observe(finished.took.as_secs_f64());
        self.received.inc_by(finished.received);
        self.sent.inc_by(finished.sent);
        self.cut.inc_by(finished.cut.into());
    }

    /// The text that Prometheus scrapes.
    ///
    /// # Errors
    /// A metric that cannot be written as text.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Raises a gauge while it lives.
pub(crate) struct Held(Gauge<i64, AtomicI64>);

impl Held {
    fn new(gauge: Gauge<i64, AtomicI64>) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A count that one task writes and another reads when the first is done.
pub(crate) type SharedCount = Arc<AtomicU64>;
