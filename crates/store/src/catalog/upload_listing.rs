//! How a bucket's open uploads are listed: as objects are, but that a key may have several.

use strongroom_model::name::{ObjectKey, PartNumber, UploadId};
use strongroom_model::operation::upload::ListUploads;
use strongroom_model::outcome::bucket::BucketUsage;

use super::buckets::BucketId;
use super::listing::{Listed, Walk, text};
use super::record::Key;
use super::upload_rows::UploadRow;
use super::uploads::{Upload, upload_key};
use super::{Catalog, CatalogError, Located, after};
use crate::kv::KeyRange;

/// Rows that one scan fetches. They are larger than those of objects, for they hold an object's metadata.
const UPLOADS_PAGE: usize = 256;

/// A page of a listing.
#[derive(Default)]
pub(crate) struct UploadsPage {
    /// The uploads, in the byte order of their keys, those of one key in the order of their ids.
    pub(crate) uploads: Vec<(ObjectKey, UploadId, Upload)>,
    /// The common prefixes, in byte order.
    pub(crate) common_prefixes: Vec<String>,
    /// The last key or common prefix of the page, and the last upload of the key, if there are more.
    pub(crate) next: Option<(String, Option<UploadId>)>,
    last: Option<(String, Option<UploadId>)>,
}

impl Catalog {
    /// The page that `request` asks for; who asks has seen to its limit.
    pub(crate) async fn list_uploads(
        &self,
        bucket: BucketId,
        request: &ListUploads,
    ) -> Result<UploadsPage, CatalogError> {
        let mut page = UploadsPage::default();
        if request.max_uploads == 0 {
            return Ok(page);
        }
        if let Some(id) = request.upload_marker.filter(|_| marks_a_key(request)) {
            let mut range = Key::<UploadRow>::range(&[&bucket.0, request.key_marker.as_bytes(), b"\0"]);
            range.start = after(&upload_key(bucket, &request.key_marker, id));
            if !self.list_key(&mut page, request, bucket, range).await? {
                return Ok(page);
            }
        }
        let mut walk = Walk::new(&request.prefix, &request.delimiter, &request.key_marker);
        while let Some(start) = walk.next().map(|next| beyond_rows(next)) {
            let mut range = Key::<UploadRow>::range(&[&bucket.0]);
            range.start = Key::<UploadRow>::new(&[&bucket.0, &start]).as_bytes().clone();
            if let Some(end) = walk.end() {
                range.end = Some(Key::<UploadRow>::new(&[&bucket.0, &end]).as_bytes().clone());
            }
            let rows = self.scan::<UploadRow>(range, 1).await?;
            let Some(row) = rows.first() else { break };
            let (key, _) = names(bucket, &row.key)?;
            let whole = match walk.step(key.as_str().as_bytes()) {
                Listed::Passed => continue,
                Listed::Group(group) => page.add_group(request, text(group)?),
                Listed::Object => {
                    let range = Key::<UploadRow>::range(&[&bucket.0, key.as_str().as_bytes(), b"\0"]);
                    self.list_key(&mut page, request, bucket, range).await?
                }
            };
            if !whole {
                break;
            }
        }
        Ok(page)
    }

    /// Adds the bucket's open uploads and their parts to `usage`.
    pub(super) async fn count_uploads(&self, bucket: BucketId, usage: &mut BucketUsage) -> Result<(), CatalogError> {
        let mut range = Key::<UploadRow>::range(&[&bucket.0]);
        loop {
            let rows = self.scan::<UploadRow>(range.clone(), UPLOADS_PAGE).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            range.start = after(&last.key);
            for row in rows {
                let (_key, id) = names(bucket, &row.key)?;
                let parts = self.parts(id, 0, PartNumber::MAX as usize).await?;
                usage.uploads += 1;
                usage.parts += parts.len() as u64;
                usage.part_bytes += parts.iter().map(|(part, _)| part.size).sum::<u64>();
            }
        }
    }

    /// Adds the uploads of one key; false if the page is full before they end.
    async fn list_key(
        &self,
        page: &mut UploadsPage,
        request: &ListUploads,
        bucket: BucketId,
        mut range: KeyRange,
    ) -> Result<bool, CatalogError> {
        loop {
            let rows = self.scan::<UploadRow>(range.clone(), UPLOADS_PAGE).await?;
            let Some(last) = rows.last() else { return Ok(true) };
            range.start = after(&last.key);
            for Located { key, record, .. } in rows {
                if page.is_full(request) {
                    return Ok(false);
                }
                let (key, id) = names(bucket, &key)?;
                page.last = Some((key.as_str().to_owned(), Some(id)));
                page.uploads.push((key, id, record.into_upload()?));
            }
        }
    }
}

impl UploadsPage {
    fn add_group(&mut self, request: &ListUploads, group: &str) -> bool {
        if self.is_full(request) {
            return false;
        }
        self.last = Some((group.to_owned(), None));
        self.common_prefixes.push(group.to_owned());
        true
    }

    /// Whether there is no room; then there is more, and where the next page begins.
    fn is_full(&mut self, request: &ListUploads) -> bool {
        let full = self.uploads.len() + self.common_prefixes.len() == request.max_uploads as usize;
        if full {
            self.next = self.last.take();
        }
        full
    }
}

/// Whether uploads of the marker's own key are listed one by one.
fn marks_a_key(request: &ListUploads) -> bool {
    let rest = request.key_marker.strip_prefix(request.prefix.as_str());
    rest.is_some_and(|rest| request.delimiter.is_empty() || !rest.contains(request.delimiter.as_str()))
}

/// The least part of a row's key for object keys from `next` on. After an object's key, that is beyond its own rows, in which a NUL
/// follows the key.
fn beyond_rows(next: &[u8]) -> Vec<u8> {
    let mut start = next.to_vec();
    if let Some(last @ 0) = start.last_mut() {
        *last = 1;
    }
    start
}

/// The key and the id in an upload's catalog key.
fn names(bucket: BucketId, key: &Key<UploadRow>) -> Result<(ObjectKey, UploadId), CatalogError> {
    let malformed = || CatalogError::Inconsistent("an upload's key");
    let rest = key.parts().get(bucket.0.len()..).ok_or_else(malformed)?;
    let split = rest.len().checked_sub(17).ok_or_else(malformed)?;
    let id = rest[split + 1..].try_into().map_err(|_| malformed())?;
    let key = ObjectKey::parse(text(&rest[..split])?).map_err(|_| malformed())?;
    Ok((key, UploadId(id)))
}
