//! The scrub in the admin API: its documents, asked and answered.

use serde::{Deserialize, Serialize};
use strongroom_model::{
    operation::admin::StartScrub,
    outcome::scrub::{Finding, ScrubReport, ScrubTally, ScrubbedBucket},
};

use super::job::Times;

/// `POST /v1/scrub`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewScrub {
    /// MiB read per second at most; none is as many as the disk gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mib_per_second: Option<u32>,
    /// From the beginning, even if the last one was interrupted.
    pub(crate) anew: bool,
}

/// `GET`, `POST` and `DELETE /v1/scrub`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Scrub {
    /// Where it stands.
    #[serde(flatten)]
    pub(crate) times: Times,
    /// What there was to look at when it began.
    pub(crate) expected: Tally,
    /// What it has looked at.
    pub(crate) done: Tally,
    /// Blobs held against the rows that name them.
    pub(crate) blobs: u64,
    /// How many things are wrong.
    pub(crate) found: u64,
    /// The buckets that it has come to.
    pub(crate) buckets: Vec<Bucket>,
    /// What is wrong, as far as there is room.
    pub(crate) findings: Vec<Damage>,
}

/// An amount of objects.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Object versions.
    pub(crate) versions: u64,
    /// Bytes of plaintext.
    pub(crate) bytes: u64,
}

/// One bucket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Its name.
    pub(crate) bucket: String,
    /// What it holds.
    pub(crate) versions: u64,
    /// Bytes of plaintext in them.
    pub(crate) bytes: u64,
    /// Versions among these that only a customer's key opens.
    pub(crate) closed: u64,
    /// What is wrong in it.
    pub(crate) found: u64,
}

/// Something that is not as it was acknowledged.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Damage {
    /// `rows`, `key`, `envelope`, `blob`, `header`, `bytes` or `orphan`.
    pub(crate) trouble: String,
    /// In which bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bucket: Option<String>,
    /// Under which key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The store's own id of the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// The blob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blob: Option<String>,
    /// What was seen.
    pub(crate) detail: String,
}

impl From<NewScrub> for StartScrub {
    fn from(asked: NewScrub) -> Self {
        Self { rate: asked.mib_per_second.map(|mib| u64::from(mib) << 20), anew: asked.anew }
    }
}

impl From<ScrubReport> for Scrub {
    fn from(report: ScrubReport) -> Self {
        Self {
            times: Times::new(report.state, report.started, report.ended),
            expected: report.expected.into(),
            done: report.done.into(),
            blobs: report.blobs,
            found: report.found,
            buckets: report.buckets.into_iter().map(Into::into).collect(),
            findings: report.findings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ScrubTally> for Tally {
    fn from(tally: ScrubTally) -> Self {
        Self { versions: tally.versions, bytes: tally.bytes }
    }
}

impl From<ScrubbedBucket> for Bucket {
    fn from(bucket: ScrubbedBucket) -> Self {
        Self {
            bucket: bucket.bucket.as_str().to_owned(),
            versions: bucket.tally.versions,
            bytes: bucket.tally.bytes,
            closed: bucket.closed,
            found: bucket.found,
        }
    }
}

impl From<Finding> for Damage {
    fn from(finding: Finding) -> Self {
        let Finding { trouble, bucket, key, version, blob, detail } = finding;
        let bucket = bucket.map(|bucket| bucket.as_str().to_owned());
        Self { trouble: trouble.word().to_owned(), bucket, key, version, blob, detail }
    }
}
