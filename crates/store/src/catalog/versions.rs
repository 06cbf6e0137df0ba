//! How the versions of a bucket are listed: keys in their order, the versions of each newest first.
//!
//! The latest versions and the noncurrent ones lie in two families, and a scan sees one of them at one moment. So that no version
//! falls between two looks, the latest one names the newest noncurrent one: as long as that is there, none of those
//! below it has become the latest.

use strongroom_model::name::{ObjectKey, VersionId};
use strongroom_model::operation::bucket::ListVersions;

use super::buckets::BucketId;
use super::listing::{Listed, Walk, key_of, parse, range, text};
use super::object_rows::LatestRow;
use super::objects::{Latest, VersionEntry};
use super::{ATTEMPTS, Catalog, CatalogError, PAGE};

/// Rows that a scan with a delimiter fetches at once, as in a listing of objects.
const DELIMITED_PAGE: usize = 64;

/// A version as it is listed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FoundVersion {
    /// Its key.
    pub(crate) key: ObjectKey,
    /// The version.
    pub(crate) version: VersionEntry,
    /// Whether it is the latest one of its key.
    pub(crate) is_latest: bool,
}

/// A page of versions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct VersionsPage {
    /// The versions.
    pub(crate) versions: Vec<FoundVersion>,
    /// The common prefixes, in byte order.
    pub(crate) common_prefixes: Vec<String>,
    /// Where the page ends, if there are more: a key and its version, or a common prefix.
    pub(crate) next: Option<(String, Option<VersionId>)>,
    /// Where it has come so far.
    last: Option<(String, Option<VersionId>)>,
}

impl Catalog {
    /// The page of versions that `request` asks for; who asks has seen to its limit.
    pub(crate) async fn list_versions(
        &self,
        bucket: BucketId,
        request: &ListVersions,
    ) -> Result<VersionsPage, CatalogError> {
        let max = request.max_keys as usize;
        let mut page = VersionsPage::default();
        let mut walk = Walk::new(&request.prefix, &request.delimiter, &request.key_marker);
        if max > 0
            && let Some(version) = request.version_marker
            && let Some(key) = resumed(request)
            && !self.resume(bucket, &key, version, max, &mut page).await?
        {
            return Ok(page);
        }
        let fetched = if request.delimiter.is_empty() { PAGE } else { DELIMITED_PAGE };
        while let (Some(start), true) = (walk.next(), max > 0) {
            let rows = self.kv.scan(range(bucket, start, walk.end()), fetched).await?;
            for row in &rows {
                let key = key_of(bucket, &row.key);
                let more = match walk.step(key) {
                    Listed::Passed => continue,
                    Listed::Group(group) => page.add_group(text(group)?.to_owned(), max),
                    Listed::Object => {
                        let latest = self.unseal::<LatestRow>(&row.key, &row.value)?.into_latest();
                        self.add_history(bucket, &parse(text(key)?)?, latest, max, &mut page).await?
                    }
                };
                if !more {
                    return Ok(page);
                }
            }
            if rows.len() < fetched {
                break;
            }
        }
        Ok(page)
    }

    /// Adds all versions of a key; false if the page is full.
    async fn add_history(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        mut latest: Latest,
        max: usize,
        page: &mut VersionsPage,
    ) -> Result<bool, CatalogError> {
        for _ in 0..ATTEMPTS {
            let Some(before) = latest.before else { return Ok(page.add(key, latest.version, true, max)) };
            // One more than there is room for shows that there are more; the latest takes room as well.
            let below = Some(latest.version.generation());
            let noncurrent = self.noncurrents(bucket, key, below, max - page.len() + 1).await?;
            if noncurrent.first().is_some_and(|newest| newest.version.generation() == before) {
                let more = page.add(key, latest.version, true, max);
                return Ok(more && noncurrent.into_iter().all(|it| page.add(key, it.version, false, max)));
            }
            match self.latest(bucket, key).await? {
                Some((now, _)) => latest = now,
                None => return Ok(true),
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Adds the versions of a key that come after one of them; all, if that one is not there any more: those who delete
    /// page after page ask so. False if the page is full.
    async fn resume(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        after: VersionId,
        max: usize,
        page: &mut VersionsPage,
    ) -> Result<bool, CatalogError> {
        for _ in 0..ATTEMPTS {
            let Some((latest, row)) = self.latest(bucket, key).await? else { return Ok(true) };
            let Some(generation) = self.generation(bucket, key, &latest, after).await? else {
                return self.add_history(bucket, key, latest, max, page).await;
            };
            let noncurrent = self.noncurrents(bucket, key, Some(generation), max + 1).await?;
            // As long as the latest is not one of those below, none of them has become it.
            let now = self.latest(bucket, key).await?;
            if now.is_some_and(|(now, version)| version == row || now.version.generation() >= generation) {
                return Ok(noncurrent.into_iter().all(|it| page.add(key, it.version, false, max)));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }
}

impl VersionsPage {
    fn len(&self) -> usize {
        self.versions.len() + self.common_prefixes.len()
    }

    /// Adds a version; false if the page is full, and it is the first that is not on it.
    fn add(&mut self, key: &ObjectKey, version: VersionEntry, is_latest: bool, max: usize) -> bool {
        let room = self.has_room(max);
        if room {
            self.last = Some((key.as_str().to_owned(), Some(version.id())));
            self.versions.push(FoundVersion { key: key.clone(), version, is_latest });
        }
        room
    }

    fn add_group(&mut self, group: String, max: usize) -> bool {
        let room = self.has_room(max);
        if room {
            self.last = Some((group.clone(), None));
            self.common_prefixes.push(group);
        }
        room
    }

    fn has_room(&mut self, max: usize) -> bool {
        let room = self.len() < max;
        if !room {
            self.next = self.last.take();
        }
        room
    }
}

/// The key within which a listing goes on, if it is one that the listing would show by itself.
fn resumed(request: &ListVersions) -> Option<ObjectKey> {
    let key = ObjectKey::parse(&request.key_marker).ok()?;
    let rest = key.as_str().strip_prefix(&request.prefix)?;
    let alone = request.delimiter.is_empty() || !rest.contains(&request.delimiter);
    alone.then_some(key)
}
