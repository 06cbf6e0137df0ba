//! What may be destroyed: a version that neither its own retention or legal hold nor its bucket's policy keeps. Whatever takes a
//! version away, for whatever reason, must have it condemned first, and there is no other way to free one.
//!
//! What was looked at is what the commit relies on: the head of the history is written anew with every change of a version's
//! lock, and the life of the bucket with every change of its policy, and the commit checks both as they were read.

use strongroom_model::time::Timestamp;

use super::buckets::Alive;
use super::history::{Moment, Place};
use super::objects::{Content, Entry, VersionEntry, VersionUid, content_key};
use super::{Catalog, CatalogError, Change};
use crate::blob_id::BlobId;

/// Under which terms something is to be destroyed or changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// What the bucket says, as the commit will check it.
    pub(super) alive: Alive,
    /// Now.
    pub(super) now: Timestamp,
    /// Whether a retention that may be overridden is.
    pub(super) bypass: bool,
}

/// A version that nothing keeps, and that can be freed. Only [`Catalog::condemn`] makes one.
pub(super) struct Condemned {
    uid: VersionUid,
    blobs: Vec<BlobId>,
}

impl Catalog {
    /// Looks whether anything keeps a version of a history that was read just now; none if something does.
    pub(super) async fn condemn(
        &self,
        place: Place<'_>,
        version: &VersionEntry,
        terms: Terms,
    ) -> Result<Option<Condemned>, CatalogError> {
        let uid = version.uid();
        let Some(entry) = version.object() else { return Ok(Some(Condemned { uid, blobs: Vec::new() })) };
        if terms.is_kept_by_bucket(entry) {
            return Ok(None);
        }
        if !entry.has_blobs && terms.alive.lock.is_none() {
            return Ok(Some(Condemned { uid, blobs: Vec::new() }));
        }
        // If the content is not there, the history has changed, and the commit will be in conflict.
        let content = match self.get(&content_key(place.bucket, place.key, uid)).await? {
            Some(found) => found.record.into_parts()?.1,
            None => None,
        };
        let kept = content.as_ref().is_some_and(|content| terms.is_kept_by_itself(content));
        Ok((!kept).then(|| Condemned { uid, blobs: content.map_or(Vec::new(), |content| content.blobs) }))
    }
}

impl Condemned {
    /// Takes away the version's content, and gives up its blobs. Its entry is the caller's.
    pub(super) fn free(self, place: Place<'_>, moment: Moment, change: Change) -> Change {
        let change = change.delete(&content_key(place.bucket, place.key, self.uid));
        match self.blobs.is_empty() {
            true => change,
            false => change.make_dead(self.uid.0, self.blobs, moment.freed_due),
        }
    }
}

impl Terms {
    /// Whether the bucket's policy keeps a version of this entry.
    pub(super) fn is_kept_by_bucket(&self, entry: &Entry) -> bool {
        self.alive.worm.is_some_and(|worm| !worm.permits_destruction(entry.last_modified, self.now))
    }

    fn is_kept_by_itself(&self, content: &Content) -> bool {
        self.alive.lock.is_some() && !content.settings.lock.permits_destruction(self.now, self.bypass)
    }
}
