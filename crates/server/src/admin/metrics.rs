//! The engine's counts, read at each scrape.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use strongroom_store::Engine;

/// Reads the counts of an engine, for as long as there is one.
pub(crate) struct EngineMetrics(Weak<Engine>);

impl EngineMetrics {
    /// The counts of `engine`.
    pub(crate) fn new(engine: &Arc<Engine>) -> Self {
        Self(Arc::downgrade(engine))
    }
}

impl Collector for EngineMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(engine) = self.0.upgrade() else { return Ok(()) };
        let now = engine.metrics();
        for (name, help, count) in [
            ("key_service_calls", "Calls to the key service", now.kms.calls()),
            ("key_service_data_keys", "Those for a fresh data key or bucket key", now.kms.data_key_calls),
            ("key_service_unwraps", "Those to unwrap a data key or bucket key", now.kms.unwrap_calls),
            (
                "key_cache_hits",
                "Data keys and bucket keys that were known, so that the key service was not asked",
                now.kms.cache_hits,
            ),
            ("audit_records", "Records written to the audit trail", now.audit.records),
            ("audit_syncs", "Syncs of the audit trail that they took", now.audit.groups),
            ("audit_unwritten", "Records that the audit trail could not take, and that are lost", now.audit.unwritten),
            ("inline_writes", "Objects written into the catalog", now.inline_writes),
            ("blob_writes", "Objects written into blobs", now.blob_writes),
            ("blobs_abandoned", "Blobs given up because a write failed", now.abandoned_blobs),
            ("blobs_reaped", "Blobs removed by the reaper", now.blobs_reaped),
            ("damaged_reads", "Reads refused because stored bytes fail authentication", now.damaged_reads),
        ] {
            write(&mut encoder, name, help, &ConstCounter::new(count))?;
        }
        for (name, help, level) in [
            ("audit_failing", "Whether the audit trail could not be written when last tried", now.audit.failing.into()),
            ("audit_lines", "Lines that the audit trail has since its beginning", now.audit.lines),
            ("changes_under_way", "Changes being made", now.changes_under_way),
            ("blobs_dead", "Dead blobs left for readers when the reaper last ran", now.blobs_dead),
            ("blobs_pending", "Pending blobs left when the reaper last ran", now.blobs_pending),
            ("scrub_versions", "Object versions that the last scrub has looked at so far", now.scrub_versions),
            ("scrub_expected_versions", "Object versions that there were when it began", now.scrub_expected),
            ("scrub_findings", "What it has found damaged", now.scrub_found),
            (
                "lifecycle_keys",
                "Keys that the last run of the lifecycle rules has looked at so far",
                now.lifecycle_keys,
            ),
            ("lifecycle_removed", "What it has removed", now.lifecycle_removed),
            ("lifecycle_locked", "What was due and is locked", now.lifecycle_locked),
            ("lifecycle_troubles", "What it could not deal with", now.lifecycle_troubles),
        ] {
            write(&mut encoder, name, help, &ConstGauge::new(i64::try_from(level).unwrap_or(i64::MAX)))?;
        }
        Ok(())
    }
}

fn write(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> Result<(), fmt::Error> {
    let metric_encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
    metric.encode(metric_encoder)
}

impl fmt::Debug for EngineMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineMetrics")
    }
}
