//! How far the scrub is: one row, so that a restart goes on where the last process was.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_model::name::BucketName;
use strongroom_model::outcome::job::JobState;
use strongroom_model::outcome::scrub::{Finding, ScrubReport, ScrubTally, ScrubbedBucket, Trouble};
use strongroom_model::time::Timestamp;

use super::record::{Family, Key, first_version};
use super::{Catalog, CatalogError, Change};
use crate::blob_id::BlobId;

/// A scrub, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// What it has seen.
    pub(crate) report: ScrubReport,
    /// Where it goes on.
    pub(crate) place: Place,
    /// Bytes read per second at most; none is as many as it can.
    pub(crate) rate: Option<u64>,
    /// It is to go on, unless it is at its end.
    pub(crate) wanted: bool,
}

/// Where a scrub goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// Behind this row of this bucket, or at its beginning.
    Versions {
        /// The bucket's name; empty before the first.
        bucket: String,
        /// The row.
        row: Option<Bytes>,
    },
    /// Behind this blob, or at the first.
    Blobs(Option<BlobId>),
}

impl Default for Place {
    fn default() -> Self {
        Self::Versions { bucket: String::new(), row: None }
    }
}

impl Catalog {
    /// How far the last scrub came, if there was one.
    pub(crate) async fn scrub_progress(&self) -> Result<Option<Progress>, CatalogError> {
        let found = self.get(&Key::<ScrubRow>::new(&[])).await?;
        found.map(|found| found.record.into_progress()).transpose()
    }

    /// Keeps how far the scrub is. There is one at a time.
    pub(crate) async fn save_scrub(&self, progress: &Progress) -> Result<(), CatalogError> {
        let _unchecked = self.commit(Change::new().put(&Key::new(&[]), &ScrubRow::new(progress))).await?;
        Ok(())
    }
}

/// The state of a job that an earlier process has left. What was under way when it was kept is interrupted now.
pub(super) fn kept_state(finished: bool, started: Option<i64>) -> JobState {
    match (finished, started) {
        (true, _) => JobState::Finished,
        (false, Some(_)) => JobState::Stopped,
        (false, None) => JobState::Never,
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct ScrubRow {
    place: Place,
    rate: Option<u64>,
    wanted: bool,
    finished: bool,
    started: Option<i64>,
    ended: Option<i64>,
    expected: (u64, u64),
    done: (u64, u64),
    blobs: u64,
    buckets: Vec<BucketTallyRow>,
    findings: Vec<FindingRow>,
    found: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct BucketTallyRow {
    bucket: String,
    tally: (u64, u64),
    closed: u64,
    found: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct FindingRow {
    #[serde(with = "TroubleRow")]
    trouble: Trouble,
    bucket: Option<String>,
    key: Option<String>,
    version: Option<String>,
    blob: Option<String>,
    detail: String,
}

/// A variant's place is its number on disk: the list grows at its end only.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Trouble")]
enum TroubleRow {
    Rows,
    Key,
    Envelope,
    Blob,
    Header,
    Bytes,
    Orphan,
}

first_version!(ScrubRow, Family::Scrub);

impl ScrubRow {
    fn new(progress: &Progress) -> Self {
        let report = &progress.report;
        let tally = |tally: ScrubTally| (tally.versions, tally.bytes);
        Self {
            place: progress.place.clone(),
            rate: progress.rate,
            wanted: progress.wanted,
            finished: report.state == JobState::Finished,
            started: report.started.map(Timestamp::millis),
            ended: report.ended.map(Timestamp::millis),
            expected: tally(report.expected),
            done: tally(report.done),
            blobs: report.blobs,
            buckets: report.buckets.iter().map(BucketTallyRow::new).collect(),
            findings: report.findings.iter().map(FindingRow::new).collect(),
            found: report.found,
        }
    }

    fn into_progress(self) -> Result<Progress, CatalogError> {
        let report = ScrubReport {
            state: kept_state(self.finished, self.started),
            started: self.started.map(Timestamp::from_millis),
            ended: self.ended.map(Timestamp::from_millis),
            expected: tally(self.expected),
            done: tally(self.done),
            blobs: self.blobs,
            buckets: self.buckets.into_iter().map(BucketTallyRow::into_bucket).collect::<Result<_, _>>()?,
            findings: self.findings.into_iter().map(FindingRow::into_finding).collect::<Result<_, _>>()?,
            found: self.found,
        };
        Ok(Progress { report, place: self.place, rate: self.rate, wanted: self.wanted })
    }
}

impl BucketTallyRow {
    fn new(bucket: &ScrubbedBucket) -> Self {
        Self {
            bucket: bucket.bucket.as_str().to_owned(),
            tally: (bucket.tally.versions, bucket.tally.bytes),
            closed: bucket.closed,
            found: bucket.found,
        }
    }

    fn into_bucket(self) -> Result<ScrubbedBucket, CatalogError> {
        let bucket = name(&self.bucket)?;
        Ok(ScrubbedBucket { bucket, tally: tally(self.tally), closed: self.closed, found: self.found })
    }
}

impl FindingRow {
    fn new(finding: &Finding) -> Self {
        Self {
            trouble: finding.trouble,
            bucket: finding.bucket.as_ref().map(|bucket| bucket.as_str().to_owned()),
            key: finding.key.clone(),
            version: finding.version.clone(),
            blob: finding.blob.clone(),
            detail: finding.detail.clone(),
        }
    }

    fn into_finding(self) -> Result<Finding, CatalogError> {
        let bucket = self.bucket.as_deref().map(name).transpose()?;
        let Self { trouble, key, version, blob, detail, .. } = self;
        Ok(Finding { trouble, bucket, key, version, blob, detail })
    }
}

fn tally((versions, bytes): (u64, u64)) -> ScrubTally {
    ScrubTally { versions, bytes }
}

fn name(text: &str) -> Result<BucketName, CatalogError> {
    BucketName::parse(text).map_err(|_| CatalogError::Inconsistent("a scrubbed bucket's name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::record::{decode, encode};

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_form_of_version_1() {
        let bucket = BucketName::parse("abc").unwrap();
        let tally = ScrubTally { versions: 1, bytes: 300 };
        let finding = Finding {
            trouble: Trouble::Blob,
            bucket: Some(bucket.clone()),
            key: Some("k".into()),
            version: None,
            blob: Some("b".into()),
            detail: "d".into(),
        };
        let progress = Progress {
            report: ScrubReport {
                state: JobState::Finished,
                started: Some(Timestamp::from_millis(1)),
                ended: None,
                expected: tally,
                done: tally,
                blobs: 5,
                buckets: vec![ScrubbedBucket { bucket, tally, closed: 2, found: 3 }],
                findings: vec![finding],
                found: 7,
            },
            place: Place::Blobs(Some(BlobId::from_bytes([0x44; 16]))),
            rate: Some(9),
            wanted: true,
        };
        let golden = "01 0101 44444444444444444444444444444444 0109 01 01 0102 00 01ac02 01ac02 05 \
                      01 03616263 01ac02 02 03 01 03 0103616263 01016b 00 010162 0164 07";
        let row = encode(&ScrubRow::new(&progress));
        assert_eq!(hex::encode(&row), golden.replace(' ', ""));
        assert_eq!(decode::<ScrubRow>(&row).unwrap().into_progress().unwrap(), progress);
        let versions = Place::Versions { bucket: "abc".into(), row: Some(Bytes::from_static(b"r")) };
        let report = ScrubReport { state: JobState::Running, started: progress.report.started, ..Default::default() };
        let running = Progress { place: versions, report, ..Progress::default() };
        let row = encode(&ScrubRow::new(&running));
        assert_eq!(hex::encode(&row), "01 00 03616263 010172 00 00 00 0102 00 0000 0000 00 00 00 00".replace(' ', ""));
        let read = decode::<ScrubRow>(&row).unwrap().into_progress().unwrap();
        assert_eq!(read.report.state, JobState::Stopped, "what was under way is interrupted");
    }
}
