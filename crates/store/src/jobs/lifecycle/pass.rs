//! The way of a run through all buckets that have rules: key by key, and then upload by upload.

use std::error::Error;

use strongroom_model::condition::Conditions;
use strongroom_model::failure::{FailureCode, chain};
use strongroom_model::lifecycle::Lifecycle;
use strongroom_model::name::{BucketName, ObjectKey, UploadId, VersionId};
use strongroom_model::operation::upload::ListUploads;
use strongroom_model::outcome::job::LifecycleTally;
use strongroom_model::time::Timestamp;
use tokio::time::Instant;

use super::{
    LifecycleJob,
    judge::{Fate, Judge},
};
use crate::{
    catalog::{
        CatalogError,
        buckets::Bucket,
        history::{DELETIONS_MAX, Deleted, Deletion, Moment},
        lifecycles::Head,
        objects::VersionUid,
        uploads::UploadPlace,
    },
    jobs::{Interruption, SAVE_INTERVAL, pace::Pace},
    kv::KvError,
    surroundings::Clock,
};

/// Keys and uploads looked at in a second at most, so that clients hardly notice: a hundred million take three hours.
const KEYS_PER_SECOND: u64 = 10_000;

/// Uploads that one look fetches.
const UPLOADS_PAGE: u32 = 250;

/// What goes along with a run.
struct Walk<'a> {
    clock: &'a Clock,
    pace: Pace,
    /// What is due by then goes.
    now: Timestamp,
    saved: Instant,
}

/// Something to be deleted.
#[derive(Debug, Clone)]
struct Doomed {
    key: ObjectKey,
    /// Which version; none, and the object is deleted as the bucket keeps versions or not.
    version: Option<VersionId>,
    /// The version of the row that heads the history that was judged.
    head: u64,
    /// Whether it is a noncurrent version.
    noncurrent: bool,
}

impl LifecycleJob {
    /// Goes from where it is to the end.
    pub(super) async fn pass(&self, clock: &Clock) -> Result<(), Interruption> {
        let (interrupted, behind, started) = {
            let progress = self.progress();
            (progress.report.bucket.clone(), progress.behind.clone(), progress.report.started)
        };
        let now = started.unwrap_or_else(|| clock());
        let mut walk = Walk { clock, pace: Pace::new(Some(KEYS_PER_SECOND)), now, saved: Instant::now() };
        let mut last = String::new();
        if let Some(name) = interrupted {
            let gone_through = self.go_on(&name, behind, &mut walk).await;
            self.survived(name.as_str(), gone_through)?;
            last = name.as_str().to_owned();
        }
        loop {
            let page = self.catalog.walk_buckets(&last).await?;
            let Some((end, _)) = page.last() else { return Ok(()) };
            last.clone_from(end);
            for (name, found) in page {
                match found {
                    Ok(bucket) if bucket.has_lifecycle => {
                        self.enter(&bucket.facts.name);
                        let gone_through = self.bucket(&bucket, None, &mut walk).await;
                        self.survived(&name, gone_through)?;
                    }
                    Ok(_) => {}
                    Err(error) => self.trouble(&name, None, &error),
                }
            }
        }
    }

    /// The bucket in which the run was interrupted. It may be gone by now, and then there is nothing to do in it.
    async fn go_on(
        &self,
        name: &BucketName,
        behind: Option<ObjectKey>,
        walk: &mut Walk<'_>,
    ) -> Result<(), Interruption> {
        match self.catalog.bucket(name).await? {
            Some(bucket) => self.bucket(&bucket, behind, walk).await,
            None => Ok(()),
        }
    }

    /// Damage in one bucket does not hold up the others.
    fn survived(&self, bucket: &str, gone_through: Result<(), Interruption>) -> Result<(), Interruption> {
        match gone_through {
            Err(Interruption::Away(failure)) if failure.code == FailureCode::Damaged => {
                self.trouble(bucket, None, &failure);
                Ok(())
            }
            other => other,
        }
    }

    /// All keys and uploads of a bucket that its rules may concern, as long as it has any.
    async fn bucket(
        &self,
        bucket: &Bucket,
        mut behind: Option<ObjectKey>,
        walk: &mut Walk<'_>,
    ) -> Result<(), Interruption> {
        // The rules are read again for each page, so that none is followed that was taken away.
        while let Some(rules) = self.catalog.lifecycle(bucket.id).await? {
            let Some(prefix) = rules.common_prefix() else { return Ok(()) };
            let page = match self.catalog.heads(bucket.id, prefix, behind.as_ref()).await {
                Ok(page) => page,
                Err(error) => {
                    // A row that cannot be read is the scrub's to name; what lies behind it waits.
                    self.overlook(bucket, None, error)?;
                    break;
                }
            };
            let Some(last) = page.last() else { break };
            behind = Some(last.key.clone());
            self.keys(bucket, &rules, page, walk).await?;
            self.arrive(behind.clone(), walk).await?;
        }
        self.uploads(bucket, walk).await
    }

    async fn keys(
        &self,
        bucket: &Bucket,
        rules: &Lifecycle,
        page: Vec<Head>,
        walk: &Walk<'_>,
    ) -> Result<(), Interruption> {
        let judge = Judge { catalog: &self.catalog, bucket: bucket.id, rules, now: walk.now };
        let mut doomed = Vec::new();
        for head in page {
            walk.pace.spend(1).await;
            self.progress().report.done.keys += 1;
            let key = head.key.clone();
            let judged = if head.latest.before.is_some() {
                self.history(&judge, bucket, &head.key, walk).await.map(|()| None)
            } else {
                doom(&judge, head).await
            };
            match judged {
                Ok(found) => doomed.extend(found),
                Err(error) => self.overlook(bucket, Some(&key), error)?,
            }
            if doomed.len() == DELETIONS_MAX {
                self.delete(bucket, std::mem::take(&mut doomed), walk).await?;
            }
        }
        Ok(self.delete(bucket, doomed, walk).await?)
    }

    /// A key with noncurrent versions: those first, newest first, a group at a time; then the head.
    async fn history(
        &self,
        judge: &Judge<'_>,
        bucket: &Bucket,
        key: &ObjectKey,
        walk: &Walk<'_>,
    ) -> Result<(), CatalogError> {
        let (mut below, mut newer) = (None, 0);
        while let Some(head) = self.catalog.history_head(bucket.id, key).await? {
            let page = self.catalog.noncurrents(bucket.id, key, below, DELETIONS_MAX).await?;
            let Some(last) = page.last() else { break };
            below = Some(last.version.generation());
            let mut doomed = Vec::new();
            for found in &page {
                walk.pace.spend(1).await;
                if judge.noncurrent(key, found, newer).await? {
                    let version = Some(found.version.id());
                    doomed.push(Doomed { key: key.clone(), version, head: head.row, noncurrent: true });
                }
                newer += 1;
            }
            self.delete(bucket, doomed, walk).await?;
        }
        let Some(head) = self.catalog.history_head(bucket.id, key).await? else { return Ok(()) };
        let doomed = doom(judge, head).await?;
        self.delete(bucket, doomed.into_iter().collect(), walk).await
    }

    /// Deletes what can be deleted in one commit, and counts what came of it. If that would be too long, because of objects of
    /// thousands of parts, it is done by halves.
    async fn delete(&self, bucket: &Bucket, doomed: Vec<Doomed>, walk: &Walk<'_>) -> Result<(), CatalogError> {
        if doomed.is_empty() {
            return Ok(());
        }
        let none = Conditions::default();
        let deletions = doomed.iter().map(|it| {
            let marker = VersionUid(self.entropy.array()?);
            let relies_on = Some(it.head);
            let Doomed { key, version, .. } = it;
            Ok(Deletion { key, version: *version, conditions: &none, marker, relies_on, bypass: false })
        });
        let deletions = deletions.collect::<Result<Vec<_>, CatalogError>>()?;
        match self.catalog.delete(bucket.id, &deletions, Moment::at((walk.clock)())).await {
            Ok(results) => {
                let mut progress = self.progress();
                doomed.iter().zip(results).for_each(|(it, result)| count(&mut progress.report.done, it, result));
                Ok(())
            }
            Err(CatalogError::Kv(KvError::TooLarge { .. })) if doomed.len() > 1 => {
                let mut some = doomed;
                let others = some.split_off(some.len() / 2);
                Box::pin(self.delete(bucket, some, walk)).await?;
                Box::pin(self.delete(bucket, others, walk)).await
            }
            Err(error) => self.overlook(bucket, doomed.first().map(|it| &it.key), error),
        }
    }

    /// Aborts the uploads whose time has come.
    async fn uploads(&self, bucket: &Bucket, walk: &mut Walk<'_>) -> Result<(), Interruption> {
        let (mut key_marker, mut upload_marker): (String, Option<UploadId>) = Default::default();
        while let Some(rules) = self.catalog.lifecycle(bucket.id).await? {
            let Some(prefix) = rules.common_prefix() else { return Ok(()) };
            let request = ListUploads {
                bucket: bucket.facts.name.clone(),
                prefix: prefix.to_owned(),
                delimiter: String::new(),
                key_marker,
                upload_marker,
                max_uploads: UPLOADS_PAGE,
                url_encoded: false,
            };
            let page = self.catalog.list_uploads(bucket.id, &request).await?;
            for (key, id, upload) in page.uploads {
                walk.pace.spend(1).await;
                let due = rules.upload_expiration(key.as_str(), upload.initiated);
                let place = UploadPlace { bucket: bucket.id, key: &key, id };
                // One that is completed in this moment is no upload any more.
                if due.is_some_and(|due| due <= walk.now) && self.catalog.abort_upload(place).await? {
                    self.catalog.sweep_upload(id, (walk.clock)()).await?;
                    self.progress().report.done.uploads += 1;
                }
            }
            let Some(next) = page.next else { return Ok(()) };
            (key_marker, upload_marker) = next;
            let behind = self.progress().behind.clone();
            self.arrive(behind, walk).await?;
        }
        Ok(())
    }

    fn enter(&self, bucket: &BucketName) {
        let mut progress = self.progress();
        progress.report.bucket = Some(bucket.clone());
        progress.report.done.buckets += 1;
        progress.behind = None;
    }

    /// Goes on past what is wrong with one key; not if the whole catalog is away.
    fn overlook(&self, bucket: &Bucket, key: Option<&ObjectKey>, error: CatalogError) -> Result<(), CatalogError> {
        match error {
            CatalogError::Kv(error @ (KvError::Unavailable(_) | KvError::Stopped(_))) => Err(error.into()),
            error => {
                self.trouble(bucket.facts.name.as_str(), key, &error);
                Ok(())
            }
        }
    }

    fn trouble(&self, bucket: &str, key: Option<&ObjectKey>, error: &(dyn Error + 'static)) {
        let (key, error) = (key.map(|key| key.as_str()), chain(error));
        tracing::warn!(bucket, key, error, "the lifecycle rules could not be followed here");
        self.progress().report.done.troubles += 1;
    }

    /// Notes the place, keeps it now and then, and sees whether to go on.
    async fn arrive(&self, behind: Option<ObjectKey>, walk: &mut Walk<'_>) -> Result<(), Interruption> {
        let wanted = {
            let mut progress = self.progress();
            progress.behind = behind;
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

/// What is to be deleted of the head of a history, if anything.
async fn doom(judge: &Judge<'_>, head: Head) -> Result<Option<Doomed>, CatalogError> {
    let version = match judge.latest(&head).await? {
        Fate::Stays => return Ok(None),
        Fate::Expires => None,
        Fate::MarkerGoes => Some(head.latest.version.id()),
    };
    Ok(Some(Doomed { key: head.key, version, head: head.row, noncurrent: false }))
}

fn count(done: &mut LifecycleTally, doomed: &Doomed, result: Deleted) {
    let counter = match result {
        Deleted::Removed { .. } if doomed.noncurrent => &mut done.noncurrent,
        Deleted::Removed { .. } if doomed.version.is_some() => &mut done.markers,
        Deleted::Removed { .. } => &mut done.expired,
        Deleted::Marked(_) => &mut done.marked,
        Deleted::Locked => &mut done.locked,
        Deleted::Nothing | Deleted::Changed | Deleted::BucketDeleting | Deleted::ConditionFailed(_) => {
            &mut done.changed
        }
    };
    *counter += 1;
}
