//! How a bucket is listed: from seek to seek, past what a common prefix stands for instead of through it.

use bytes::Bytes;
use strongroom_model::name::ObjectKey;
use strongroom_model::operation::bucket::ListObjects;

use super::buckets::BucketId;
use super::object_rows::EntryRow;
use super::objects::Entry;
use super::record::Key;
use super::{Catalog, CatalogError, PAGE};
use crate::kv::{KeyRange, after_prefix};

/// Rows that a scan with a delimiter fetches at once. Most may turn out to be in one group, and all but the first of it are
/// fetched for nothing; so this is small, while a listing of single objects still needs few scans.
const DELIMITED_PAGE: usize = 64;

/// A page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ListingPage {
    /// The objects, in the byte order of their keys.
    pub(crate) objects: Vec<(ObjectKey, Entry)>,
    /// The common prefixes, in byte order.
    pub(crate) common_prefixes: Vec<String>,
    /// The last key or common prefix of the page, if there are more.
    pub(crate) next: Option<String>,
}

impl Catalog {
    /// The page that `request` asks for; who asks has seen to its limit.
    pub(crate) async fn list_objects(
        &self,
        bucket: BucketId,
        request: &ListObjects,
    ) -> Result<ListingPage, CatalogError> {
        let mut page = ListingPage::default();
        let mut last = None;
        let mut walk = Walk::new(request);
        let fetched = if request.delimiter.is_empty() { PAGE } else { DELIMITED_PAGE };
        while let (Some(start), true) = (walk.next(), request.max_keys > 0) {
            let rows = self.kv.scan(range(bucket, start, walk.end()), fetched).await?;
            for row in &rows {
                let key = Key::<EntryRow>::from_bytes(row.key.clone());
                let key = key.parts().get(bucket.0.len()..).unwrap_or_default();
                let listed = walk.step(key);
                if listed == Listed::Passed {
                    continue;
                }
                if page.objects.len() + page.common_prefixes.len() == request.max_keys as usize {
                    page.next = last;
                    return Ok(page);
                }
                last = Some(page.add(key, listed, || self.unseal(&row.key, &row.value))?);
            }
            if rows.len() < fetched {
                break;
            }
        }
        Ok(page)
    }
}

impl ListingPage {
    /// Adds what is listed at `key`, and answers its text.
    fn add(
        &mut self,
        key: &[u8],
        listed: Listed<'_>,
        row: impl FnOnce() -> Result<EntryRow, CatalogError>,
    ) -> Result<String, CatalogError> {
        if let Listed::Group(group) = listed {
            let group = text(group)?;
            self.common_prefixes.push(group.to_owned());
            return Ok(group.to_owned());
        }
        let key = text(key)?;
        let name = ObjectKey::parse(key).map_err(|_| CatalogError::Inconsistent("an object's key"))?;
        self.objects.push((name, row()?.into_entry()));
        Ok(key.to_owned())
    }
}

/// The rows of the bucket from `start` on, and below `end`.
fn range(bucket: BucketId, start: &[u8], end: Option<Bytes>) -> KeyRange {
    let mut range = Key::<EntryRow>::range(&[&bucket.0]);
    if let Some(end) = end {
        range.end = Some(Key::<EntryRow>::new(&[&bucket.0, &end]).as_bytes().clone());
    }
    range.start = Key::<EntryRow>::new(&[&bucket.0, start]).as_bytes().clone();
    range
}

fn text(bytes: &[u8]) -> Result<&str, CatalogError> {
    std::str::from_utf8(bytes).map_err(|_| CatalogError::Inconsistent("an object's key"))
}

/// What is wanted of a listing, and how far it has come. Pure: it says where to look next and is told what was there.
pub(super) struct Walk<'a> {
    prefix: &'a [u8],
    delimiter: &'a [u8],
    /// The least key that is still of interest; none if there can be no more.
    next: Option<Bytes>,
}

/// What a key is in a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed<'k> {
    /// An object of its own.
    Object,
    /// The first of those that this common prefix stands for.
    Group(&'k [u8]),
    /// One of those passed over.
    Passed,
}

impl<'a> Walk<'a> {
    /// Before the first key.
    pub(super) fn new(request: &'a ListObjects) -> Self {
        let (prefix, delimiter) = (request.prefix.as_bytes(), request.delimiter.as_bytes());
        let after = request.after.as_bytes();
        let mut walk = Self { prefix, delimiter, next: Some(Bytes::copy_from_slice(prefix)) };
        match walk.group(after) {
            // A common prefix at or before `after` is not listed, nor anything that it stands for.
            Some(group) => walk.next = after_prefix(group),
            None if after >= prefix => walk.next = Some([after, b"\0"].concat().into()),
            None => {}
        }
        walk
    }

    /// The least key still of interest. Keys are below [`Walk::end`] besides.
    pub(super) fn next(&self) -> Option<&Bytes> {
        self.next.as_ref()
    }

    /// The least key beyond the prefix; none if every key at all may follow.
    pub(super) fn end(&self) -> Option<Bytes> {
        after_prefix(self.prefix)
    }

    /// Takes the next key, in order.
    pub(super) fn step<'k>(&mut self, key: &'k [u8]) -> Listed<'k> {
        if self.next.as_ref().is_none_or(|next| key < next) {
            return Listed::Passed;
        }
        match self.group(key) {
            Some(group) => {
                self.next = after_prefix(group);
                Listed::Group(group)
            }
            None => {
                self.next = Some([key, b"\0"].concat().into());
                Listed::Object
            }
        }
    }

    /// The common prefix that stands for `key`, if one does.
    fn group<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        let rest = key.strip_prefix(self.prefix)?;
        if self.delimiter.is_empty() {
            return None;
        }
        let at = rest.windows(self.delimiter.len()).position(|window| window == self.delimiter)?;
        Some(&key[..self.prefix.len() + at + self.delimiter.len()])
    }
}
