//! How the versions of a key come and go. The entry of the latest one heads a key's history: every change of the history, wherever it
//! is, checks the head as it was read, and writes it anew or removes it. So changes of one key take effect one after the
//! other, and what else they read of the history needs no check of its own.
//!
//! This is the only place where versions are destroyed, and [`super::protection`] says which may be.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_model::condition::{Conditions, Verdict};
use strongroom_model::lock::BucketLock;
use strongroom_model::name::{ObjectKey, VersionId};
use strongroom_model::setting::Versioning;
use strongroom_model::time::Timestamp;

use super::buckets::{Alive, BucketId, Life, life_of};
use super::object_rows::{ContentRow, LatestRow, NoncurrentRow};
use super::objects::{
    Content, Entry, Latest, Marker, Noncurrent, VersionEntry, VersionUid, content_key, latest_key, noncurrent_key,
};
use super::protection::{Condemned, Terms};
use super::record::Key;
use super::uploads::Completion;
use super::{ATTEMPTS, Catalog, CatalogError, Change};
use crate::blob_id::BlobId;
use crate::kv::{Commit, Expected};

/// The most versions that one call deletes: so few commits delete a thousand, and one key that is written at the same
/// time makes only so many be tried again. A batch has room for four times as many.
pub(crate) const DELETIONS_MAX: usize = 250;

/// How long a blob outlives its object, overwritten or deleted: the time that a reader may take from reading the object's
/// row to opening its blob. An open blob stays readable to its end, so this is generous, and short enough that a load of
/// overwrites does not fill the disk with what nobody can name any more.
pub(crate) const READERS_GRACE_MS: i64 = 30 * 1000;

/// An object version to be written.
#[derive(Debug)]
pub(crate) struct NewVersion<'a> {
    /// Into which bucket.
    pub(crate) bucket: BucketId,
    /// Under which key.
    pub(crate) key: &'a ObjectKey,
    /// Its entry; the generation, and whether it is the null version, are set by the commit.
    pub(crate) entry: Entry,
    /// Its content.
    pub(crate) content: Content,
    /// The lock of the bucket by which its documents were made.
    pub(crate) lock: Option<BucketLock>,
    /// Conditions on the object now there.
    pub(crate) conditions: &'a Conditions,
    /// When the blobs of a version that is overwritten may go.
    pub(crate) freed_due: Timestamp,
    /// The upload that ends with it; its blobs are live already. Without one they are pending.
    pub(crate) completion: Option<&'a Completion<'a>>,
    /// The blob that holds nothing but the version's record, and is pending still: that of an upload.
    pub(crate) record: Option<BlobId>,
}

/// What became of a version that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commitment {
    /// It is the latest version, and has this id if the bucket keeps versions or did so once.
    Committed(Option<VersionId>),
    /// The bucket is gone.
    BucketGone,
    /// The bucket is under deletion.
    BucketDeleting,
    /// The condition of this name does not hold.
    ConditionFailed(&'static str),
    /// A condition speaks of an object to be written over, and there is none.
    NothingToMatch,
    /// It took so long that the reaper gave up its blobs.
    BlobsGivenUp,
    /// The upload has ended otherwise, or a part was replaced.
    UploadChanged,
    /// What it would overwrite is kept.
    Locked,
    /// The bucket's lock is another one by now, and would have made other documents.
    LockChanged,
}

/// Something to be deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deletion<'a> {
    /// Under which key.
    pub(crate) key: &'a ObjectKey,
    /// Which version, for good; none, and the object is deleted as the bucket keeps versions or not.
    pub(crate) version: Option<VersionId>,
    /// Conditions on what is deleted.
    pub(crate) conditions: &'a Conditions,
    /// The id of the delete marker, if one is made.
    pub(crate) marker: VersionUid,
    /// The version of the row of the history's head that whoever decided upon the deletion relied on; none for clients.
    pub(crate) relies_on: Option<u64>,
    /// Whether what keeps the named version is overridden, if it may be.
    pub(crate) bypass: bool,
}

/// When a deletion happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Now.
    pub(crate) now: Timestamp,
    /// When the blobs of what is deleted may go.
    pub(crate) freed_due: Timestamp,
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// It was not there.
    Nothing,
    /// It is gone for good, and was a delete marker or not.
    Removed {
        /// Whether it was one.
        marker: bool,
    },
    /// A delete marker of this id is the latest version now.
    Marked(VersionId),
    /// The condition of this name does not hold.
    ConditionFailed(&'static str),
    /// A marker cannot be made, because the bucket is under deletion.
    BucketDeleting,
    /// The history is not what the deletion relies on any more.
    Changed,
    /// It is kept, as it was.
    Locked,
}

impl Moment {
    /// A deletion at `now`.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self { now, freed_due: now.plus_millis(READERS_GRACE_MS) }
    }
}

/// A key in its bucket.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) bucket: BucketId,
    pub(super) key: &'a ObjectKey,
}

/// Where a new latest version takes its place.
pub(super) struct Seat {
    generation: u64,
    is_null: bool,
    null: Option<u64>,
    before: Option<u64>,
}

impl Catalog {
    /// Makes a version the latest one, its blobs live, and those of a version that it overwrites dead: all in one commit.
    pub(crate) async fn commit_version(&self, mut new: NewVersion<'_>) -> Result<Commitment, CatalogError> {
        let place = Place { bucket: new.bucket, key: new.key };
        let key = latest_key(new.bucket, new.key);
        let moment = Moment { now: new.entry.last_modified, freed_due: new.freed_due };
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let alive = match self.life(new.bucket).await? {
                Life::Active(alive) => alive,
                Life::Deleting(_) => return Ok(Commitment::BucketDeleting),
                Life::Gone => return Ok(Commitment::BucketGone),
            };
            if alive.lock != new.lock {
                return Ok(Commitment::LockChanged);
            }
            let latest = self.latest(new.bucket, new.key).await?;
            let current = latest.as_ref().and_then(|(latest, _)| latest.version.object());
            match new.conditions.judge_write(current.map(|entry| &entry.etag), alive.versioning) {
                Verdict::Holds | Verdict::NotModified => {}
                Verdict::Failed(condition) => return Ok(Commitment::ConditionFailed(condition)),
                Verdict::Missing => return Ok(Commitment::NothingToMatch),
            }
            let terms = Terms { alive, now: moment.now, bypass: false };
            let displaced = self.displaced(place, latest.as_ref().map(|(latest, _)| latest), terms).await?;
            let Some(displaced) = displaced else { return Ok(Commitment::Locked) };
            let change = Change::new().check(&life_of(new.bucket), Expected::Version(alive.version));
            let change = free(place, displaced, moment, change);
            let (seat, change) = make_room(place, latest, alive.versioning, moment, change);
            let change = new.pending().iter().fold(change, |change, blob| change.make_live(*blob));
            if self.commit(new.take(seat, change)).await? == Commit::Committed {
                return Ok(Commitment::Committed(shown(alive.versioning, new.entry.id())));
            }
            if let Some(hopeless) = self.hopeless(&new).await? {
                return Ok(hopeless);
            }
            if turn.is_none() {
                turn = Some(self.turns.take([key.as_bytes()].into_iter()).await);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Why a commit in conflict would be so for ever, if it would.
    async fn hopeless(&self, new: &NewVersion<'_>) -> Result<Option<Commitment>, CatalogError> {
        if let Some(completion) = new.completion
            && !self.still_holds(completion).await?
        {
            return Ok(Some(Commitment::UploadChanged));
        }
        for blob in new.pending() {
            if !self.is_pending(*blob).await? {
                return Ok(Some(Commitment::BlobsGivenUp));
            }
        }
        Ok(None)
    }

    /// Deletes all of that, in one commit; what is not there is no error. They are at most [`DELETIONS_MAX`], and those of one
    /// key are either one without a version, or any number with one. Answers what became of each.
    pub(crate) async fn delete(
        &self,
        bucket: BucketId,
        wanted: &[Deletion<'_>],
        moment: Moment,
    ) -> Result<Vec<Deleted>, CatalogError> {
        let mut by_key = BTreeMap::<&ObjectKey, Vec<usize>>::new();
        for (at, deletion) in wanted.iter().enumerate() {
            by_key.entry(deletion.key).or_default().push(at);
        }
        let heads: Vec<_> = by_key.keys().map(|key| latest_key(bucket, key)).collect();
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let (alive, writable) = match self.life(bucket).await? {
                Life::Active(alive) => (alive, true),
                Life::Deleting(alive) => (alive, false),
                Life::Gone => return Ok(vec![Deleted::Nothing; wanted.len()]),
            };
            let mut change = Change::new().check(&life_of(bucket), Expected::Version(alive.version));
            let mut results = vec![Deleted::Nothing; wanted.len()];
            for (key, places) in &by_key {
                let place = Place { bucket, key };
                let latest = self.latest(bucket, key).await?;
                let row = latest.as_ref().map(|(_, row)| *row);
                if places.iter().any(|at| wanted[*at].relies_on.is_some_and(|relied| row != Some(relied))) {
                    places.iter().for_each(|at| results[*at] = Deleted::Changed);
                    continue;
                }
                change = match places[..] {
                    [at] if wanted[at].version.is_none() && !writable && alive.versioning != Versioning::Never => {
                        results[at] = Deleted::BucketDeleting;
                        change
                    }
                    [at] if wanted[at].version.is_none() => {
                        let asked = self.delete_latest(place, &wanted[at], latest, alive, moment, change).await?;
                        results[at] = asked.0;
                        asked.1
                    }
                    _ => {
                        let of_key = places.iter().map(|at| (*at, &wanted[*at]));
                        self.delete_versions(place, of_key, latest, (alive, moment), change, &mut results).await?
                    }
                };
            }
            let changed = results.iter().any(|it| matches!(it, Deleted::Removed { .. } | Deleted::Marked(_)));
            if !changed || self.commit(change).await? == Commit::Committed {
                return Ok(results);
            }
            if turn.is_none() {
                turn = Some(self.turns.take(heads.iter().map(Key::as_bytes)).await);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Deletes an object by its key alone.
    async fn delete_latest(
        &self,
        place: Place<'_>,
        deletion: &Deletion<'_>,
        latest: Option<(Latest, u64)>,
        alive: Alive,
        moment: Moment,
        change: Change,
    ) -> Result<(Deleted, Change), CatalogError> {
        let current = latest.as_ref().and_then(|(latest, _)| latest.version.object());
        if let Some(condition) = deletion.failed(current) {
            return Ok((Deleted::ConditionFailed(condition), change));
        }
        let terms = Terms { alive, now: moment.now, bypass: false };
        if alive.versioning == Versioning::Never {
            let Some((latest, row)) = latest else { return Ok((Deleted::Nothing, change)) };
            let condemned = self.condemn(place, &latest.version, terms).await?;
            let Some(condemned) = condemned else { return Ok((Deleted::Locked, change)) };
            let change = change.remove(&latest_key(place.bucket, place.key), row);
            return Ok((Deleted::Removed { marker: false }, condemned.free(place, moment, change)));
        }
        let displaced = self.displaced(place, latest.as_ref().map(|(latest, _)| latest), terms).await?;
        let Some(displaced) = displaced else { return Ok((Deleted::Locked, change)) };
        let change = free(place, displaced, moment, change);
        let (seat, change) = make_room(place, latest, alive.versioning, moment, change);
        let marker = Marker {
            uid: deletion.marker,
            generation: seat.generation,
            is_null: seat.is_null,
            last_modified: moment.now,
        };
        let content = ContentRow::of_marker(seat.generation);
        let id = marker.id();
        let change = change.put(&content_key(place.bucket, place.key, marker.uid), &content);
        Ok((Deleted::Marked(id), seat.give(place, VersionEntry::Marker(marker), change)))
    }

    /// Deletes versions of one key for good. If the latest is among them, the newest that is left takes its place.
    async fn delete_versions<'d>(
        &self,
        place: Place<'_>,
        wanted: impl Iterator<Item = (usize, &'d Deletion<'d>)> + Send,
        latest: Option<(Latest, u64)>,
        (alive, moment): (Alive, Moment),
        mut change: Change,
        results: &mut [Deleted],
    ) -> Result<Change, CatalogError> {
        let Some((latest, row)) = latest else { return Ok(change) };
        let mut gone = BTreeSet::new();
        for (at, deletion) in wanted {
            let Some(version) = self.named(place, &latest, deletion.version).await? else { continue };
            if let Some(condition) = deletion.failed(version.object()) {
                results[at] = Deleted::ConditionFailed(condition);
                continue;
            }
            if !gone.contains(&version.generation()) {
                let terms = Terms { alive, now: moment.now, bypass: deletion.bypass };
                let Some(condemned) = self.condemn(place, &version, terms).await? else {
                    results[at] = Deleted::Locked;
                    continue;
                };
                change = condemned.free(place, moment, change);
                if version.generation() != latest.version.generation() {
                    change = change.delete(&noncurrent_key(place.bucket, place.key, version.generation()));
                }
                gone.insert(version.generation());
            }
            results[at] = Deleted::Removed { marker: version.object().is_none() };
        }
        if gone.is_empty() { Ok(change) } else { self.close_ranks(place, latest, row, &gone, change).await }
    }

    /// Writes the head of a history out of which versions have gone: the same, or the newest that is left.
    async fn close_ranks(
        &self,
        place: Place<'_>,
        mut latest: Latest,
        row: u64,
        gone: &BTreeSet<u64>,
        change: Change,
    ) -> Result<Change, CatalogError> {
        let key = latest_key(place.bucket, place.key);
        let headless = gone.contains(&latest.version.generation());
        latest.null = latest.null.filter(|null| !gone.contains(null));
        if headless || latest.before.is_some_and(|before| gone.contains(&before)) {
            let left = self.noncurrents(place.bucket, place.key, None, gone.len() + 2).await?;
            let mut left = left.into_iter().filter(|version| !gone.contains(&version.version.generation()));
            if headless {
                let Some(next) = left.next() else { return Ok(change.remove(&key, row)) };
                let null = latest.null.filter(|_| !next.version.is_null());
                let before = left.next().map(|version| version.version.generation());
                let promoted = noncurrent_key(place.bucket, place.key, next.version.generation());
                let latest = Latest { version: next.version, null, before };
                return Ok(change.delete(&promoted).replace(&key, row, &LatestRow::new(&latest)));
            }
            latest.before = left.next().map(|version| version.version.generation());
        }
        Ok(change.replace(&key, row, &LatestRow::new(&latest)))
    }

    /// What a new latest version would destroy: the key's null version, if the bucket keeps no versions. None if that is kept.
    pub(super) async fn displaced(
        &self,
        place: Place<'_>,
        latest: Option<&Latest>,
        terms: Terms,
    ) -> Result<Option<Vec<Condemned>>, CatalogError> {
        let Some(latest) = latest.filter(|_| terms.alive.versioning != Versioning::Enabled) else {
            return Ok(Some(Vec::new()));
        };
        let null = match latest.null {
            _ if latest.version.is_null() => Some(latest.version.clone()),
            None => None,
            // If it is not there, the history has changed, and the commit will be in conflict.
            Some(null) => self.noncurrent(place.bucket, place.key, null).await?.map(|found| found.version),
        };
        let Some(null) = null else { return Ok(Some(Vec::new())) };
        Ok(self.condemn(place, &null, terms).await?.map(|condemned| vec![condemned]))
    }

    /// The version of that id in a history.
    async fn named(
        &self,
        place: Place<'_>,
        latest: &Latest,
        id: Option<VersionId>,
    ) -> Result<Option<VersionEntry>, CatalogError> {
        let Some(id) = id else { return Ok(None) };
        let Some(generation) = self.generation(place.bucket, place.key, latest, id).await? else { return Ok(None) };
        let found = if latest.version.generation() == generation {
            Some(latest.version.clone())
        } else {
            self.noncurrent(place.bucket, place.key, generation).await?.map(|found| found.version)
        };
        Ok(found.filter(|version| version.is_called(id)))
    }
}

impl Deletion<'_> {
    /// The condition that does not hold for what there is. To insist on what is not there is in vain.
    fn failed(&self, current: Option<&Entry>) -> Option<&'static str> {
        match self.conditions.judge_write(current.map(|entry| &entry.etag), Versioning::Never) {
            Verdict::Holds | Verdict::NotModified => None,
            Verdict::Failed(condition) => Some(condition),
            Verdict::Missing => Some("If-Match"),
        }
    }
}

impl NewVersion<'_> {
    /// Takes its seat: its rows, and the end of its upload. Its blobs are the caller's.
    pub(super) fn take(&mut self, seat: Seat, change: Change) -> Change {
        (self.entry.generation, self.entry.is_null) = (seat.generation, seat.is_null);
        let place = Place { bucket: self.bucket, key: self.key };
        let content = ContentRow::new(seat.generation, &self.content);
        let change = change.put(&content_key(self.bucket, self.key, self.entry.uid), &content);
        let change = self.completion.into_iter().fold(change, |change, completion| completion.end(change));
        seat.give(place, VersionEntry::Object(self.entry.clone()), change)
    }

    /// Its blobs that become live with it.
    fn pending(&self) -> &[BlobId] {
        if self.completion.is_some() { self.record.as_slice() } else { &self.content.blobs }
    }
}

impl Seat {
    /// Makes `version` the head of the history.
    fn give(self, place: Place<'_>, version: VersionEntry, change: Change) -> Change {
        let latest = Latest { version, null: self.null, before: self.before };
        change.put(&latest_key(place.bucket, place.key), &LatestRow::new(&latest))
    }
}

/// Clients hear of versions only in buckets that keep them, or did so once.
fn shown(versioning: Versioning, id: VersionId) -> Option<VersionId> {
    (versioning != Versioning::Never).then_some(id)
}

/// Makes room for a new latest version: the one that is latest becomes noncurrent, or goes, if the bucket keeps no versions
/// and it is the null version; a null version among the noncurrent ones goes then, too. What goes was condemned before.
pub(super) fn make_room(
    place: Place<'_>,
    latest: Option<(Latest, u64)>,
    versioning: Versioning,
    moment: Moment,
    change: Change,
) -> (Seat, Change) {
    let key = latest_key(place.bucket, place.key);
    let keeps = versioning == Versioning::Enabled;
    let Some((latest, row)) = latest else {
        let seat = Seat { generation: 1, is_null: !keeps, null: None, before: None };
        return (seat, change.check(&key, Expected::Absent));
    };
    let change = change.check(&key, Expected::Version(row));
    let old = latest.version;
    let generation = old.generation() + 1;
    if !keeps && old.is_null() {
        return (Seat { generation, is_null: true, null: None, before: latest.before }, change);
    }
    let (before, is_null) = (old.generation(), old.is_null());
    let noncurrent = Noncurrent { version: old, since: moment.now };
    let change = change.put(&noncurrent_key(place.bucket, place.key, before), &NoncurrentRow::new(&noncurrent));
    let (null, change) = match latest.null {
        _ if keeps && is_null => (Some(before), change),
        null if keeps => (null, change),
        None => (None, change),
        Some(null) => (None, change.delete(&noncurrent_key(place.bucket, place.key, null))),
    };
    (Seat { generation, is_null: !keeps, null, before: Some(before) }, change)
}

/// Takes away what was condemned.
pub(super) fn free(place: Place<'_>, condemned: Vec<Condemned>, moment: Moment, change: Change) -> Change {
    condemned.into_iter().fold(change, |change, condemned| condemned.free(place, moment, change))
}
