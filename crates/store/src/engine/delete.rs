//! Deleting objects. Their blobs are the reaper's from then on.

use std::collections::{BTreeSet, HashMap};

use strongroom_iam::Verdict;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{ObjectKey, VersionId};
use strongroom_model::operation::object::{DeleteObject, DeleteObjects};
use strongroom_model::outcome::ObjectOutcome;
use strongroom_model::outcome::object::{DeletedEntry, ManyDeleted};

use super::put::READERS_GRACE_MS;
use super::{Caller, Engine};
use crate::catalog::{buckets::BucketId, objects::DELETIONS_MAX};

impl Engine {
    /// Deletes one object; what is not there is deleted already.
    pub(super) async fn delete_object(&self, delete: DeleteObject) -> Result<ObjectOutcome, Failure> {
        let bucket = self.bucket(&delete.bucket).await?;
        if is_there(delete.version) {
            self.delete_group(bucket.id, &[&delete.key]).await?;
        }
        Ok(ObjectOutcome::Deleted { version: None })
    }

    /// Deletes many objects, each for itself, in groups of one commit each.
    pub(super) async fn delete_objects(&self, caller: &Caller, delete: DeleteObjects) -> Result<ManyDeleted, Failure> {
        if delete.entries.len() > DeleteObjects::KEYS_MAX {
            return Err(FailureCode::MalformedXml.into());
        }
        let bucket = self.bucket(&delete.bucket).await?;
        let allowed: Vec<bool> = caller.verdicts.iter().map(|verdict| *verdict == Verdict::Allowed).collect();
        let wanted =
            delete.entries.iter().zip(&allowed).filter(|(entry, allowed)| **allowed && is_there(entry.version));
        let keys: Vec<&ObjectKey> = wanted.map(|(entry, _)| &entry.key).collect::<BTreeSet<_>>().into_iter().collect();
        let mut failed = HashMap::new();
        for group in keys.chunks(DELETIONS_MAX) {
            if let Err(failure) = self.delete_group(bucket.id, group).await {
                tracing::warn!(
                    error = &failure as &dyn std::error::Error,
                    keys = group.len(),
                    "a group was not deleted"
                );
                failed.extend(group.iter().map(|key| ((*key).clone(), failure.code)));
            }
        }
        let results = delete.entries.into_iter().zip(allowed).map(|(entry, allowed)| {
            let result = match (allowed, failed.get(&entry.key)) {
                (false, _) => Err(FailureCode::AccessDenied.into()),
                (true, Some(code)) => Err(Failure::new(*code)),
                (true, None) => Ok(()),
            };
            DeletedEntry { key: entry.key, version: entry.version, result }
        });
        Ok(ManyDeleted { quiet: delete.quiet, url_encoded: delete.url_encoded, results: results.collect() })
    }

    async fn delete_group(&self, bucket: BucketId, keys: &[&ObjectKey]) -> Result<(), Failure> {
        let freed_due = self.now().plus_millis(READERS_GRACE_MS);
        Ok(self.catalog.delete_objects(bucket, keys, freed_due).await?)
    }
}

/// No bucket keeps versions yet, so that none has an id.
fn is_there(version: Option<VersionId>) -> bool {
    matches!(version, None | Some(VersionId::Null))
}
