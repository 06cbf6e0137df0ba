//! Listing buckets and objects, without any call to the key service.

use strongroom_model::failure::Failure;
use strongroom_model::name::ObjectKey;
use strongroom_model::operation::bucket::{ListObjects, ListVersions};
use strongroom_model::operation::service::ListBuckets;
use strongroom_model::outcome::bucket::{
    ListedBuckets, ListedObject, ListedObjects, ListedVersion, ListedVersions, VersionContent,
};

use super::buckets::BUCKETS_MAX;
use super::{Caller, Engine};
use crate::catalog::{
    objects::{Entry, VersionEntry},
    versions::FoundVersion,
};

impl Engine {
    /// Lists the buckets of the caller's account.
    pub(super) async fn list_buckets(&self, caller: &Caller, request: ListBuckets) -> Result<ListedBuckets, Failure> {
        let owner = caller.account()?;
        let wanted = request.max_keys.map_or(BUCKETS_MAX, |max| (max as usize).min(BUCKETS_MAX));
        let found = self.catalog.buckets_of(owner, &request.prefix, &request.marker, wanted + 1).await?;
        let truncated = found.len() > wanted;
        let buckets = found.into_iter().take(wanted).map(|bucket| bucket.facts).collect();
        Ok(ListedBuckets { request, owner, buckets, truncated })
    }

    /// Lists a bucket's objects.
    pub(super) async fn list_objects(
        &self,
        caller: &Caller,
        mut request: ListObjects,
    ) -> Result<ListedObjects, Failure> {
        request.max_keys = request.max_keys.min(ListObjects::MAX_KEYS);
        let bucket = self.bucket(caller, &request.bucket).await?;
        let page = self.catalog.list_objects(bucket.id, &request).await?;
        let objects = page.objects.into_iter().map(|(key, entry)| listed(key, &entry));
        Ok(ListedObjects {
            owner: bucket.facts.owner,
            location: bucket.facts.location.clone(),
            objects: objects.collect(),
            common_prefixes: page.common_prefixes,
            next: page.next,
            request,
        })
    }

    /// Lists the versions of a bucket's objects.
    pub(super) async fn list_versions(
        &self,
        caller: &Caller,
        mut request: ListVersions,
    ) -> Result<ListedVersions, Failure> {
        request.max_keys = request.max_keys.min(ListObjects::MAX_KEYS);
        let bucket = self.bucket(caller, &request.bucket).await?;
        let page = self.catalog.list_versions(bucket.id, &request).await?;
        let versions = page.versions.into_iter().map(|FoundVersion { key, version, is_latest }| {
            let id = version.id();
            let content = match version {
                VersionEntry::Object(entry) => VersionContent::Object(listed(key, &entry)),
                VersionEntry::Marker(marker) => VersionContent::Marker { key, last_modified: marker.last_modified },
            };
            ListedVersion { id, is_latest, content }
        });
        Ok(ListedVersions {
            owner: bucket.facts.owner,
            location: bucket.facts.location.clone(),
            versions: versions.collect(),
            common_prefixes: page.common_prefixes,
            next: page.next,
            request,
        })
    }
}

fn listed(key: ObjectKey, entry: &Entry) -> ListedObject {
    ListedObject {
        key,
        last_modified: entry.last_modified,
        etag: entry.etag,
        size: entry.size,
        storage_class: entry.storage_class,
        kind: entry.kind,
    }
}
