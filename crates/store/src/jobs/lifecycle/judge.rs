//! What the rules say of one key's versions.

use strongroom_model::lifecycle::{Lifecycle, RuleSubject};
use strongroom_model::name::ObjectKey;
use strongroom_model::tag::TagSet;
use strongroom_model::time::Timestamp;

use crate::catalog::{
    Catalog, CatalogError,
    buckets::BucketId,
    lifecycles::Head,
    objects::{Entry, Noncurrent, VersionEntry},
};

/// What is judged by.
pub(super) struct Judge<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) bucket: BucketId,
    pub(super) rules: &'a Lifecycle,
    /// When the run began: what is due by then.
    pub(super) now: Timestamp,
}

/// What is to become of the head of a key's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays.
    Stays,
    /// It is an object, and expires.
    Expires,
    /// It is a delete marker with nothing behind it, and goes.
    MarkerGoes,
}

impl Judge<'_> {
    /// What becomes of the latest version.
    pub(super) async fn latest(&self, head: &Head) -> Result<Fate, CatalogError> {
        let due = match &head.latest.version {
            VersionEntry::Object(entry) => self.expires(&head.key, entry).await?.then_some(Fate::Expires),
            VersionEntry::Marker(marker) if head.latest.before.is_none() => {
                let due = self.rules.lone_marker_expiration(head.key.as_str(), marker.last_modified);
                self.is_due(due).then_some(Fate::MarkerGoes)
            }
            VersionEntry::Marker(_) => None,
        };
        Ok(due.unwrap_or(Fate::Stays))
    }

    /// Whether a noncurrent version goes before which there are `newer` noncurrent ones.
    pub(super) async fn noncurrent(
        &self,
        key: &ObjectKey,
        found: &Noncurrent,
        newer: u32,
    ) -> Result<bool, CatalogError> {
        let due = |subject: Option<RuleSubject<'_>>| {
            self.rules.noncurrent_expiration(key.as_str(), subject, found.since, newer)
        };
        match found.version.object() {
            None => Ok(self.is_due(due(None))),
            Some(entry) => self.with_tags(key, entry, |subject: RuleSubject<'_>| due(Some(subject))).await,
        }
    }

    async fn expires(&self, key: &ObjectKey, entry: &Entry) -> Result<bool, CatalogError> {
        let due =
            |subject: RuleSubject<'_>| self.rules.expiration(subject, entry.last_modified).map(|notice| notice.at);
        self.with_tags(key, entry, due).await
    }

    /// Whether an object is due. Its tags are read only if it would be due whatever they are, or could be.
    async fn with_tags(
        &self,
        key: &ObjectKey,
        entry: &Entry,
        due: impl Fn(RuleSubject<'_>) -> Option<Timestamp>,
    ) -> Result<bool, CatalogError> {
        let subject = RuleSubject { key: key.as_str(), size: entry.size, tags: None };
        if !self.is_due(due(subject)) {
            return Ok(false);
        }
        if !self.rules.looks_at_tags() {
            return Ok(true);
        }
        // Without a content, it is gone by now.
        let content = self.catalog.content(self.bucket, key, entry.uid).await?.flatten();
        let tags: Option<TagSet> = content.map(|content| content.settings.tags);
        Ok(tags.is_some_and(|tags| self.is_due(due(RuleSubject { tags: Some(&tags), ..subject }))))
    }

    fn is_due(&self, due: Option<Timestamp>) -> bool {
        due.is_some_and(|due| due <= self.now)
    }
}
