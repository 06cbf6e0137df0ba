//! How far the lifecycle rules are followed: one row, so that a restart goes on where the last process was.

use serde::{Deserialize, Serialize};
use strongroom_model::name::{BucketName, ObjectKey};
use strongroom_model::outcome::job::{JobState, LifecycleReport, LifecycleTally};
use strongroom_model::time::Timestamp;

use super::record::{Family, Key, first_version};
use super::scrubs::kept_state;
use super::{Catalog, CatalogError, Change};

/// A run, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LifecycleProgress {
    /// What it has done.
    pub(crate) report: LifecycleReport,
    /// In the bucket of the report, it goes on behind this key; none: from its beginning.
    pub(crate) behind: Option<ObjectKey>,
    /// It is to go on, unless it is at its end.
    pub(crate) wanted: bool,
}

impl Catalog {
    /// How far the last run came, if there was one.
    pub(crate) async fn lifecycle_progress(&self) -> Result<Option<LifecycleProgress>, CatalogError> {
        let found = self.get(&Key::<LifecycleRunRow>::new(&[])).await?;
        found.map(|found| found.record.into_progress()).transpose()
    }

    /// Keeps how far the run is. There is one at a time.
    pub(crate) async fn save_lifecycle(&self, progress: &LifecycleProgress) -> Result<(), CatalogError> {
        let row = LifecycleRunRow::new(progress);
        let _unchecked = self.commit(Change::new().put(&Key::new(&[]), &row)).await?;
        Ok(())
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct LifecycleRunRow {
    wanted: bool,
    finished: bool,
    started: Option<i64>,
    ended: Option<i64>,
    bucket: Option<String>,
    behind: Option<String>,
    /// In the order of [`LifecycleTally`].
    done: [u64; 10],
}

first_version!(LifecycleRunRow, Family::LifecycleRun);

impl LifecycleRunRow {
    fn new(progress: &LifecycleProgress) -> Self {
        let report = &progress.report;
        let done = &report.done;
        Self {
            wanted: progress.wanted,
            finished: report.state == JobState::Finished,
            started: report.started.map(Timestamp::millis),
            ended: report.ended.map(Timestamp::millis),
            bucket: report.bucket.as_ref().map(|bucket| bucket.as_str().to_owned()),
            behind: progress.behind.as_ref().map(|key| key.as_str().to_owned()),
            done: [
                done.buckets,
                done.keys,
                done.expired,
                done.marked,
                done.noncurrent,
                done.markers,
                done.uploads,
                done.locked,
                done.changed,
                done.troubles,
            ],
        }
    }

    fn into_progress(self) -> Result<LifecycleProgress, CatalogError> {
        let malformed = || CatalogError::Inconsistent("the place of a run of the lifecycle rules");
        let bucket = self.bucket.map(|name| BucketName::parse(&name).map_err(|_| malformed())).transpose()?;
        let behind = self.behind.map(|key| ObjectKey::parse(&key).map_err(|_| malformed())).transpose()?;
        let [buckets, keys, expired, marked, noncurrent, markers, uploads, locked, changed, troubles] = self.done;
        let report = LifecycleReport {
            state: kept_state(self.finished, self.started),
            started: self.started.map(Timestamp::from_millis),
            ended: self.ended.map(Timestamp::from_millis),
            bucket,
            done: LifecycleTally {
                buckets,
                keys,
                expired,
                marked,
                noncurrent,
                markers,
                uploads,
                locked,
                changed,
                troubles,
            },
        };
        Ok(LifecycleProgress { report, behind, wanted: self.wanted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::record::{decode, encode};

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_form_of_version_1() {
        let done = LifecycleTally {
            buckets: 1,
            keys: 300,
            expired: 3,
            marked: 4,
            noncurrent: 5,
            markers: 6,
            uploads: 7,
            locked: 8,
            changed: 9,
            troubles: 10,
        };
        let report = LifecycleReport {
            state: JobState::Running,
            started: Some(Timestamp::from_millis(1000)),
            ended: None,
            bucket: Some(BucketName::parse("abc").unwrap()),
            done,
        };
        let progress = LifecycleProgress { report, behind: Some(ObjectKey::parse("k").unwrap()), wanted: true };
        let golden = "01 01 00 01d00f 00 0103616263 01016b 01 ac02 03 04 05 06 07 08 09 0a";
        let row = encode(&LifecycleRunRow::new(&progress));
        assert_eq!(hex::encode(&row), golden.replace(' ', ""));
        let read = decode::<LifecycleRunRow>(&row).unwrap().into_progress().unwrap();
        assert_eq!(read.report.state, JobState::Stopped, "what was under way is interrupted");
        assert_eq!((read.report.done, read.behind, read.wanted), (done, progress.behind, true));
    }
}
