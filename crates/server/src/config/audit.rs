//! `[audit]`: the trail of who used which key for what.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use strongroom_store::audit;

/// `[audit]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    /// What happens while the trail cannot be written.
    pub(crate) on_failure: audit::OnFailure,
    /// The trail's folder; none is `audit` in the data folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<PathBuf>,
    /// MiB after which a segment is full, and the next one begun.
    pub(crate) segment_mib: u32,
}

impl Audit {
    /// As the store takes it.
    pub(crate) fn store(&self) -> audit::Config {
        let segment_bytes = u64::from(self.segment_mib) << 20;
        audit::Config { folder: self.folder.clone(), on_failure: self.on_failure, segment_bytes, durable: true }
    }
}

impl Default for Audit {
    fn default() -> Self {
        let audit::Config { on_failure, segment_bytes, .. } = audit::Config::default();
        Self {
            folder: None,
            on_failure,
            segment_mib: u32::try_from(segment_bytes >> 20).expect("the default is some MiB"),
        }
    }
}
