//! Deleting objects and versions of them. Their blobs are the reaper's from then on.

use std::collections::{HashMap, VecDeque};

use strongroom_iam::Verdict;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{ObjectKey, VersionId};
use strongroom_model::operation::object::{DeleteEntry, DeleteObject, DeleteObjects};
use strongroom_model::outcome::ObjectOutcome;
use strongroom_model::outcome::object::{DeletedEntry, ManyDeleted};

use super::{Caller, Engine, precondition};
use crate::catalog::{
    CatalogError,
    buckets::BucketId,
    history::{DELETIONS_MAX, Deleted, Deletion, Moment},
    objects::VersionUid,
};
use crate::kv::KvError;

impl Engine {
    /// Deletes one object, or one version; what is not there is deleted already.
    pub(super) async fn delete_object(&self, caller: &Caller, delete: DeleteObject) -> Result<ObjectOutcome, Failure> {
        let bucket = self.bucket(caller, &delete.bucket).await?;
        let DeleteObject { key, version, conditions, bypass_governance, .. } = delete;
        let entry = DeleteEntry { key, version, conditions, bypass_governance };
        let deleted = self.delete_group(bucket.id, &[&entry]).await?;
        let deleted = deleted.into_iter().next().expect("each deletion has a result");
        Ok(ObjectOutcome::Deleted { version, marker: marker_of(deleted, version)? })
    }

    /// Deletes many objects and versions, each for itself, in groups of one commit each.
    pub(super) async fn delete_objects(&self, caller: &Caller, delete: DeleteObjects) -> Result<ManyDeleted, Failure> {
        if delete.entries.len() > DeleteObjects::KEYS_MAX {
            return Err(FailureCode::MalformedXml.into());
        }
        let bucket = self.bucket(caller, &delete.bucket).await?;
        let allowed = allowed(&delete.entries, &caller.verdicts);
        let mut results: Vec<_> = delete.entries.iter().map(|_| Err(FailureCode::AccessDenied.into())).collect();
        let mut wanted = (0..results.len()).filter(|at| allowed[*at]).collect();
        while let Some(group) = next_group(&delete.entries, &mut wanted) {
            let entries: Vec<_> = group.iter().map(|at| &delete.entries[*at]).collect();
            match self.delete_group(bucket.id, &entries).await {
                Ok(deleted) => {
                    for (at, deleted) in group.into_iter().zip(deleted) {
                        results[at] = marker_of(deleted, delete.entries[at].version);
                    }
                }
                Err(failure) => {
                    let error = &failure as &dyn std::error::Error;
                    tracing::warn!(error, keys = group.len(), "a group was not deleted");
                    group.into_iter().for_each(|at| results[at] = Err(Failure::new(failure.code)));
                }
            }
        }
        let results = delete.entries.into_iter().zip(results);
        let results = results.map(|(entry, result)| DeletedEntry { key: entry.key, version: entry.version, result });
        Ok(ManyDeleted { quiet: delete.quiet, url_encoded: delete.url_encoded, results: results.collect() })
    }

    /// Deletes what can be deleted in one commit. If that would be too long, because of objects of thousands of parts, it is
    /// done by halves.
    async fn delete_group(&self, bucket: BucketId, entries: &[&DeleteEntry]) -> Result<Vec<Deleted>, Failure> {
        let moment = Moment::at(self.now());
        let wanted: Result<Vec<_>, Failure> = entries
            .iter()
            .map(|entry| {
                let marker = VersionUid(self.entropy.array()?);
                Ok(Deletion {
                    key: &entry.key,
                    version: entry.version,
                    conditions: &entry.conditions,
                    marker,
                    relies_on: None,
                    bypass: entry.bypass_governance,
                })
            })
            .collect();
        match self.catalog.delete(bucket, &wanted?, moment).await {
            Err(CatalogError::Kv(KvError::TooLarge { .. })) if entries.len() > 1 => {
                let (some, others) = entries.split_at(entries.len() / 2);
                let mut deleted = Box::pin(self.delete_group(bucket, some)).await?;
                deleted.extend(Box::pin(self.delete_group(bucket, others)).await?);
                Ok(deleted)
            }
            deleted => Ok(deleted?),
        }
    }
}

/// Whether each entry may be deleted: each has a verdict for everything that it requires.
fn allowed(entries: &[DeleteEntry], verdicts: &[Verdict]) -> Vec<bool> {
    let mut verdicts = verdicts.iter();
    let of_entry = entries.iter().map(|entry| {
        let needed = entry.actions().len();
        let own = verdicts.by_ref().take(needed);
        own.filter(|verdict| **verdict == Verdict::Allowed).count() == needed
    });
    of_entry.collect()
}

/// Takes what can be deleted in one commit: of each key either the object or versions of it, so that what is asked of one
/// key is done in the order in which it is asked.
fn next_group(entries: &[DeleteEntry], wanted: &mut VecDeque<usize>) -> Option<Vec<usize>> {
    let mut group = Vec::new();
    let mut keys = HashMap::<&ObjectKey, Option<VersionId>>::new();
    while let Some(at) = wanted.front().filter(|_| group.len() < DELETIONS_MAX) {
        let DeleteEntry { key, version, .. } = &entries[*at];
        let before = keys.insert(key, *version);
        if before.is_some_and(|before| before.is_none() || version.is_none()) {
            break;
        }
        group.extend(wanted.pop_front());
    }
    (!group.is_empty()).then_some(group)
}

/// The delete marker that was made, or that was the version deleted.
fn marker_of(deleted: Deleted, version: Option<VersionId>) -> Result<Option<VersionId>, Failure> {
    match deleted {
        Deleted::Nothing | Deleted::Removed { marker: false } => Ok(None),
        Deleted::Removed { marker: true } => Ok(version),
        Deleted::Marked(marker) => Ok(Some(marker)),
        Deleted::ConditionFailed(condition) => Err(precondition::failed(condition)),
        Deleted::BucketDeleting | Deleted::Changed => Err(FailureCode::Conflict.into()),
        Deleted::Locked => Err(FailureCode::ObjectLocked.into()),
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::condition::{Conditions, TagList};

    use super::*;

    #[test]
    fn an_entry_on_a_condition_needs_two_verdicts() {
        let key = ObjectKey::parse("k").unwrap();
        let plain = || DeleteEntry {
            key: key.clone(),
            version: None,
            conditions: Conditions::default(),
            bypass_governance: false,
        };
        let if_match = Conditions { if_match: Some(TagList::Any), ..Conditions::default() };
        let conditional = || DeleteEntry { conditions: if_match.clone(), ..plain() };
        let entries = [plain(), conditional(), conditional(), plain(), plain()];
        let (yes, no) = (Verdict::Allowed, Verdict::Denied);
        let verdicts = [yes, yes, no, yes, yes, no, yes];
        assert_eq!(allowed(&entries, &verdicts), [true, false, true, false, true]);
        assert_eq!(allowed(&entries, &verdicts[..4]), [true, false, false, false, false]);
    }
}
