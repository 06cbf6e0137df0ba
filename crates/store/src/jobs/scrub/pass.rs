//! The way of a scrub through everything: bucket by bucket, version by version, and then blob by blob.

use std::sync::Arc;

use strongroom_model::failure::{Failure, chain};
use strongroom_model::name::BucketName;
use strongroom_model::outcome::scrub::{Finding, ScrubTally, ScrubbedBucket, Trouble};
use tokio::time::Instant;

use super::{
    Scrub,
    examine::{Hindrance, Verdict},
};
use crate::{
    blob_id::BlobId,
    blobs::BlobEntry,
    catalog::{CatalogError, buckets::Bucket, scrubs::Place, walk::Walked},
    jobs::{Interruption, SAVE_INTERVAL, pace::Pace},
    surroundings::Clock,
};

/// Findings that a report lists; the log has them all.
const FINDINGS_MAX: usize = 500;

/// Buckets that a report lists one by one.
const BUCKETS_MAX: usize = 2000;

/// What one version costs at least: looking at an empty object takes reads of rows, too.
const VERSION_BYTES: u64 = 4096;

/// Blobs that one look fetches.
const PAGE: usize = 256;

/// What goes along with a pass.
struct Walk<'a> {
    clock: &'a Clock,
    pace: Pace,
    saved: Instant,
}

impl Scrub {
    /// Goes from where it is to the end.
    pub(super) async fn pass(&self, clock: &Clock) -> Result<(), Interruption> {
        let (place, rate) = {
            let progress = self.progress();
            (progress.place.clone(), progress.rate)
        };
        let mut walk = Walk { clock, pace: Pace::new(rate), saved: Instant::now() };
        let after = match place {
            Place::Versions { bucket, row } => {
                if self.report().started.is_none() {
                    self.weigh(clock).await?;
                }
                Box::pin(self.versions(bucket, row, &mut walk)).await?;
                None
            }
            Place::Blobs(after) => after,
        };
        self.blobs(after, &mut walk).await
    }

    async fn weigh(&self, clock: &Clock) -> Result<(), Interruption> {
        let mut expected = ScrubTally::default();
        let mut last = String::new();
        loop {
            let buckets = self.examiner.catalog.walk_buckets(&last).await?;
            let Some((end, _)) = buckets.last() else { break };
            last.clone_from(end);
            for bucket in buckets.into_iter().flat_map(|(_, bucket)| bucket) {
                let (versions, bytes) = self.examiner.catalog.weigh(bucket.id).await?;
                expected.versions += versions;
                expected.bytes += bytes;
            }
        }
        let mut progress = self.progress();
        progress.report.expected = expected;
        progress.report.started = Some(clock());
        Ok(())
    }

    /// Every version of every bucket, from row `row` of `bucket` on.
    async fn versions(
        &self,
        mut bucket: String,
        mut row: Option<bytes::Bytes>,
        walk: &mut Walk<'_>,
    ) -> Result<(), Interruption> {
        let catalog = &self.examiner.catalog;
        loop {
            // An interrupted bucket comes first again, unless it is gone.
            let interrupted = match row {
                Some(_) => self.named(&bucket).await,
                None => None,
            };
            let buckets = match interrupted {
                Some(interrupted) => vec![(bucket.clone(), Ok(Arc::unwrap_or_clone(interrupted)))],
                None => catalog.walk_buckets(&bucket).await?,
            };
            if buckets.is_empty() {
                return Ok(());
            }
            for (name, found) in buckets {
                bucket = name;
                match found {
                    Ok(found) => {
                        self.enter(&found);
                        self.versions_of(&found, row.take(), walk).await?;
                    }
                    Err(error) => self.note(of_bucket(&bucket, &error)),
                }
            }
        }
    }

    async fn named(&self, name: &str) -> Option<Arc<Bucket>> {
        let name = BucketName::parse(name).ok()?;
        self.examiner.catalog.bucket(&name).await.ok().flatten()
    }

    async fn versions_of(
        &self,
        bucket: &Bucket,
        mut row: Option<bytes::Bytes>,
        walk: &mut Walk<'_>,
    ) -> Result<(), Interruption> {
        loop {
            let page = self.examiner.catalog.walk(bucket.id, row.as_ref()).await?;
            let Some(last) = page.last() else { return Ok(()) };
            row = Some(last.cursor.clone());
            for walked in page {
                let cursor = walked.cursor.clone();
                self.version(bucket, walked, walk).await?;
                let place = Place::Versions { bucket: bucket.facts.name.as_str().to_owned(), row: Some(cursor) };
                self.arrive(place, walk).await?;
            }
        }
    }

    async fn version(&self, bucket: &Bucket, walked: Walked, walk: &Walk<'_>) -> Result<(), Interruption> {
        walk.pace.spend(VERSION_BYTES).await;
        let finding = |trouble, version, blob: Option<BlobId>, detail| Finding {
            trouble,
            bucket: Some(bucket.facts.name.clone()),
            key: Some(walked.name.clone()),
            version,
            blob: blob.map(|blob| blob.to_string()),
            detail,
        };
        let (key, version) = match &walked.version {
            Ok(version) => version,
            Err(error) => {
                let detail = chain(error);
                self.count(0, false, Some(finding(Trouble::Rows, None, None, detail)));
                return Ok(());
            }
        };
        let verdict = self.examiner.version(bucket, (key, version), &walked.cursor, &walk.pace).await?;
        let (closed, found) = match verdict {
            Verdict::Gone => return Ok(()),
            Verdict::Sound => (false, None),
            Verdict::Closed => (true, None),
            Verdict::Unsound(trouble, blob, detail) => {
                (false, Some(finding(trouble, Some(hex::encode(version.uid().0)), blob, detail)))
            }
        };
        self.count(version.object().map_or(0, |entry| entry.size), closed, found);
        Ok(())
    }

    /// Every blob must be one that some row knows, and, if it is live, one that a version names.
    async fn blobs(&self, mut after: Option<BlobId>, walk: &mut Walk<'_>) -> Result<(), Interruption> {
        loop {
            let page = self.examiner.blobs.list(after.as_ref(), PAGE).await.map_err(Failure::from)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for blob in page {
                walk.pace.spend(VERSION_BYTES).await;
                if let Some((trouble, detail)) = self.stray(&blob, walk).await? {
                    let blob = Some(blob.id.to_string());
                    self.note(Finding { trouble, bucket: None, key: None, version: None, blob, detail });
                }
                self.progress().report.blobs += 1;
            }
            self.arrive(Place::Blobs(after), walk).await?;
        }
    }

    /// What is wrong about there being this blob, if anything.
    async fn stray(&self, blob: &BlobEntry, walk: &Walk<'_>) -> Result<Option<(Trouble, String)>, Interruption> {
        let unneeded = match self.examiner.is_unneeded(blob, (walk.clock)()).await {
            Ok(unneeded) => unneeded,
            Err(Hindrance::Found(trouble, _, detail)) => return Ok(Some((trouble, detail))),
            Err(Hindrance::Away(failure)) => return Err(failure.into()),
        };
        Ok(unneeded.map(|why| (Trouble::Orphan, why.to_owned())))
    }

    fn enter(&self, bucket: &Bucket) {
        let mut progress = self.progress();
        let buckets = &mut progress.report.buckets;
        let is_new = buckets.last().is_none_or(|last| last.bucket != bucket.facts.name);
        if is_new && buckets.len() < BUCKETS_MAX {
            let bucket = bucket.facts.name.clone();
            buckets.push(ScrubbedBucket { bucket, tally: ScrubTally::default(), closed: 0, found: 0 });
        }
    }

    fn count(&self, bytes: u64, closed: bool, found: Option<Finding>) {
        {
            let mut progress = self.progress();
            let report = &mut progress.report;
            report.done.versions += 1;
            report.done.bytes += bytes;
            if let Some(bucket) = report.buckets.last_mut() {
                bucket.tally.versions += 1;
                bucket.tally.bytes += bytes;
                bucket.closed += u64::from(closed);
                bucket.found += u64::from(found.is_some());
            }
        }
        found.into_iter().for_each(|finding| self.note(finding));
    }

    fn note(&self, finding: Finding) {
        tracing::warn!(
            trouble = finding.trouble.word(),
            bucket = finding.bucket.as_ref().map(|bucket| bucket.as_str()),
            key = finding.key,
            version = finding.version,
            blob = finding.blob,
            detail = finding.detail,
            "the scrub has found damage"
        );
        let mut progress = self.progress();
        let report = &mut progress.report;
        report.found += 1;
        if report.findings.len() < FINDINGS_MAX {
            report.findings.push(finding);
        }
    }

    /// Notes the place, keeps it now and then, and sees whether to go on.
    async fn arrive(&self, place: Place, walk: &mut Walk<'_>) -> Result<(), Interruption> {
        let wanted = {
            let mut progress = self.progress();
            progress.place = place;
            progress.report.ended = Some((walk.clock)());
            progress.wanted
        };
        if !wanted {
            return Err(Interruption::Stopped);
        }
        if walk.saved.elapsed() >= SAVE_INTERVAL {
            self.save().await?;
            walk.saved = Instant::now();
        }
        Ok(())
    }
}

fn of_bucket(name: &str, error: &CatalogError) -> Finding {
    let detail = format!("the row of bucket {name}: {}", chain(error));
    Finding {
        trouble: Trouble::Rows,
        bucket: BucketName::parse(name).ok(),
        key: None,
        version: None,
        blob: None,
        detail,
    }
}
