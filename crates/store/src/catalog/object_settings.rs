//! Changing the documents of an object version in place: the bytes, the tag and the time stay as they are.

use strongroom_model::failure::Failure;
use strongroom_model::name::{ObjectKey, VersionId};
use strongroom_model::setting::ObjectSettings;

use super::buckets::BucketId;
use super::object_rows::{ContentRow, LatestRow};
use super::objects::{Marker, VersionEntry, content_key, latest_key};
use super::{ATTEMPTS, Catalog, CatalogError, Change};
use crate::kv::Commit;

/// What makes new documents of the old ones, or says why not. It may be asked again when others change the same.
pub(crate) type SettingsChange<'a> = dyn Fn(&mut ObjectSettings) -> Result<(), Failure> + Sync + 'a;

/// What became of a change.
pub(crate) enum SettingsChanged {
    /// The version of this id has the new documents.
    Changed(VersionId),
    /// The version is a delete marker, which has none.
    Marker(Marker),
    /// There is no such version.
    Nothing,
}

impl Catalog {
    /// Changes the documents of the version of that id, or of the latest. The head of the key's history is written anew,
    /// unchanged: so whoever deletes the version at the same time looks at its documents again.
    ///
    /// # Errors
    /// What `change` says, or the catalog's trouble.
    pub(crate) async fn change_object_settings(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        id: Option<VersionId>,
        change: &SettingsChange<'_>,
    ) -> Result<SettingsChanged, Failure> {
        let head = latest_key(bucket, key);
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let Some((latest, row)) = self.latest(bucket, key).await? else { return Ok(SettingsChanged::Nothing) };
            let version = match id {
                None => latest.version.clone(),
                Some(id) if latest.version.is_called(id) => latest.version.clone(),
                Some(id) => {
                    let Some(generation) = self.generation(bucket, key, &latest, id).await? else {
                        return Ok(SettingsChanged::Nothing);
                    };
                    match self.noncurrent(bucket, key, generation).await? {
                        Some(noncurrent) if noncurrent.version.is_called(id) => noncurrent.version,
                        Some(_) | None => return Ok(SettingsChanged::Nothing),
                    }
                }
            };
            let entry = match version {
                VersionEntry::Object(entry) => entry,
                VersionEntry::Marker(marker) => return Ok(SettingsChanged::Marker(marker)),
            };
            let content_key = content_key(bucket, key, entry.uid);
            let found = self.get(&content_key).await?.map(|found| found.record.into_parts()).transpose()?;
            // If it is gone, the head is another by now.
            let Some((generation, Some(mut content))) = found else { continue };
            change(&mut content.settings)?;
            let changed = Change::new()
                .replace(&head, row, &LatestRow::new(&latest))
                .put(&content_key, &ContentRow::new(generation, &content));
            if self.commit(changed).await? == Commit::Committed {
                return Ok(SettingsChanged::Changed(entry.id()));
            }
            if turn.is_none() {
                turn = Some(self.turns.take([head.as_bytes()].into_iter()).await);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }
}
