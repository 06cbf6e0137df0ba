//! How a bucket is listed: from seek to seek, past what a common prefix stands for instead of through it.

use bytes::Bytes;
use strongroom_model::name::ObjectKey;
use strongroom_model::operation::bucket::ListObjects;

use super::buckets::BucketId;
use super::object_rows::LatestRow;
use super::objects::{Entry, VersionEntry};
use super::record::Key;
use super::{Catalog, CatalogError, PAGE};
use crate::kv::{KeyRange, after_prefix};

/// Rows that a scan with a delimiter fetches at once. Most may turn out to be in one group, and all but the first of it are
/// fetched for nothing; so this is small, while a listing of single objects still needs few scans.
const DELIMITED_PAGE: usize = 64;

/// Delete markers that one page passes over before it ends early, where it can: their keys are gone for those who list
/// objects, and a bucket may be full of them. A page cannot end inside what a common prefix stands for.
const MARKERS_MAX: usize = 10_000;

/// A page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ListingPage {
    /// The objects, in the byte order of their keys.
    pub(crate) objects: Vec<(ObjectKey, Entry)>,
    /// The common prefixes, in byte order.
    pub(crate) common_prefixes: Vec<String>,
    /// The last key or common prefix of the page, if there are more.
    pub(crate) next: Option<String>,
    /// The last key or common prefix so far.
    last: Option<String>,
}

impl Catalog {
    /// The page that `request` asks for; who asks has seen to its limit.
    pub(crate) async fn list_objects(
        &self,
        bucket: BucketId,
        request: &ListObjects,
    ) -> Result<ListingPage, CatalogError> {
        let mut page = ListingPage::default();
        let mut markers = 0;
        let mut walk = Walk::new(&request.prefix, &request.delimiter, &request.after);
        let fetched = if request.delimiter.is_empty() { PAGE } else { DELIMITED_PAGE };
        while let (Some(start), true) = (walk.next(), request.max_keys > 0) {
            let rows = self.kv.scan(range(bucket, start, walk.end()), fetched).await?;
            for row in &rows {
                let key = key_of(bucket, &row.key);
                let listed = walk.step(key);
                if listed == Listed::Passed {
                    continue;
                }
                let latest = self.unseal::<LatestRow>(&row.key, &row.value)?.into_latest();
                let VersionEntry::Object(entry) = latest.version else {
                    walk.pass(key);
                    markers += 1;
                    if markers >= MARKERS_MAX && listed == Listed::Object {
                        page.next = Some(text(key)?.to_owned());
                        return Ok(page);
                    }
                    continue;
                };
                if page.objects.len() + page.common_prefixes.len() == request.max_keys as usize {
                    page.next = page.last.take();
                    return Ok(page);
                }
                page.add(key, listed, entry)?;
            }
            if rows.len() < fetched {
                break;
            }
        }
        Ok(page)
    }
}

impl ListingPage {
    /// Adds what is listed at `key`.
    fn add(&mut self, key: &[u8], listed: Listed<'_>, entry: Entry) -> Result<(), CatalogError> {
        let name = text(if let Listed::Group(group) = listed { group } else { key })?.to_owned();
        match listed {
            Listed::Group(_) => self.common_prefixes.push(name.clone()),
            Listed::Object | Listed::Passed => self.objects.push((parse(&name)?, entry)),
        }
        self.last = Some(name);
        Ok(())
    }
}

/// The object key in the catalog key of a row.
pub(super) fn key_of(bucket: BucketId, row: &Bytes) -> &[u8] {
    row.get(1 + bucket.0.len()..).unwrap_or_default()
}

/// The key of an object, as a row has it.
pub(super) fn parse(key: &str) -> Result<ObjectKey, CatalogError> {
    ObjectKey::parse(key).map_err(|_| CatalogError::Inconsistent("an object's key"))
}

/// The rows of the bucket from `start` on, and below `end`.
pub(super) fn range(bucket: BucketId, start: &[u8], end: Option<Bytes>) -> KeyRange {
    let mut range = Key::<LatestRow>::range(&[&bucket.0]);
    if let Some(end) = end {
        range.end = Some(Key::<LatestRow>::new(&[&bucket.0, &end]).as_bytes().clone());
    }
    range.start = Key::<LatestRow>::new(&[&bucket.0, start]).as_bytes().clone();
    range
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, CatalogError> {
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
    pub(super) fn new(prefix: &'a str, delimiter: &'a str, after: &str) -> Self {
        let (prefix, delimiter, after) = (prefix.as_bytes(), delimiter.as_bytes(), after.as_bytes());
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
                self.pass(key);
                Listed::Object
            }
        }
    }

    /// Takes back that the key just taken counts: a common prefix may yet stand for others.
    pub(super) fn pass(&mut self, key: &[u8]) {
        self.next = Some([key, b"\0"].concat().into());
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

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        sync::Arc,
    };

    use proptest::prelude::*;
    use strongroom_model::etag::ETag;
    use strongroom_model::metadata::{ObjectKind, StorageClass};
    use strongroom_model::name::BucketName;
    use strongroom_model::operation::bucket::ListVersion;
    use strongroom_model::time::Timestamp;

    use super::*;
    use crate::catalog::Change;
    use crate::catalog::objects::{Latest, Marker, VersionUid, latest_key};
    use crate::kv::{Commit, MemoryKv};

    const BUCKET: BucketId = BucketId([0xff; 16]);
    /// What stands for a delete marker among sizes.
    const MARKER: u64 = 0;
    const NEIGHBOUR: BucketId = BucketId([0xfe; 16]);

    fn request(prefix: &str, delimiter: &str, after: &str, max_keys: u32) -> ListObjects {
        ListObjects {
            bucket: BucketName::parse("bucket").unwrap(),
            prefix: prefix.into(),
            delimiter: delimiter.into(),
            after: after.into(),
            marker: None,
            start_after: None,
            continuation_token: None,
            max_keys,
            url_encoded: false,
            version: ListVersion::V1,
            fetch_owner: false,
        }
    }

    fn entry(size: u64) -> Entry {
        Entry {
            uid: VersionUid([7; 16]),
            generation: 1,
            is_null: true,
            size,
            etag: ETag { digest: [1; 16], parts: None },
            last_modified: Timestamp::from_seconds(1),
            storage_class: StorageClass::Standard,
            kind: ObjectKind::Normal,
            has_blobs: false,
            revision: 0,
        }
    }

    /// An object of that size, or a delete marker.
    fn latest(size: u64) -> Latest {
        let last_modified = Timestamp::from_seconds(1);
        let marker = Marker { uid: VersionUid([7; 16]), generation: 1, is_null: true, last_modified };
        let version = if size == MARKER { VersionEntry::Marker(marker) } else { VersionEntry::Object(entry(size)) };
        Latest { version, null: None, before: None }
    }

    async fn catalog(keys: &BTreeMap<String, u64>) -> Catalog {
        let catalog = Catalog::over(Arc::new(MemoryKv::new())).await;
        for (key, size) in keys {
            for (bucket, size) in [(BUCKET, *size), (NEIGHBOUR, 99)] {
                let key = latest_key(bucket, &ObjectKey::parse(key).unwrap());
                let change = Change::new().put(&key, &LatestRow::new(&latest(size)));
                assert_eq!(catalog.commit(change).await.unwrap(), Commit::Committed);
            }
        }
        catalog
    }

    /// What a listing is, said by the definition: all keys, rolled up, in order, from `after` on.
    fn model(keys: &BTreeMap<String, u64>, request: &ListObjects) -> (Vec<String>, Vec<String>, Option<String>) {
        let rolled_up: BTreeSet<(String, bool)> = keys
            .iter()
            .filter(|(_, size)| **size != MARKER)
            .filter_map(|(key, _)| {
                let rest = key.strip_prefix(&request.prefix)?;
                let at = if request.delimiter.is_empty() { None } else { rest.find(&request.delimiter) };
                Some(match at {
                    Some(at) => (key[..request.prefix.len() + at + request.delimiter.len()].to_owned(), true),
                    None => (key.clone(), false),
                })
            })
            .filter(|(text, _)| *text > request.after)
            .collect();
        let page: Vec<_> = rolled_up.iter().take(request.max_keys as usize).cloned().collect();
        let next = page.last().filter(|_| rolled_up.len() > page.len()).map(|(text, _)| text.clone());
        let of_kind =
            |wanted| page.iter().filter(|(_, group)| *group == wanted).map(|(text, _)| text.clone()).collect();
        (of_kind(false), of_kind(true), next)
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    fn texts() -> impl Strategy<Value = String> {
        "[ab/é\u{10ffff}]{0,4}"
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn pages_are_those_of_the_definition(
            keys in prop::collection::btree_map("[ab/é\u{10ffff}]{1,5}", 0u64..9, 0..40),
            prefix in texts(),
            delimiter in "(|/|a|/a|é)",
            after in texts(),
            max_keys in 0u32..12,
        ) {
            runtime().block_on(async {
                let catalog = catalog(&keys).await;
                let request = request(&prefix, &delimiter, &after, max_keys);
                let page = catalog.list_objects(BUCKET, &request).await.unwrap();
                let sizes: Vec<_> = page.objects.iter().map(|(key, entry)| (key.as_str(), entry.size)).collect();
                let (objects, groups, next) = model(&keys, &request);
                let expected: Vec<_> = objects.iter().map(|key| (key.as_str(), keys[key])).collect();
                assert_eq!((sizes, page.common_prefixes, page.next), (expected, groups, next));
            });
        }

        #[test]
        fn page_after_page_is_the_whole(
            keys in prop::collection::btree_map("[ab/]{1,5}", 0u64..9, 0..40),
            delimiter in "(|/|a)",
            max_keys in 1u32..5,
        ) {
            runtime().block_on(async {
                let catalog = catalog(&keys).await;
                let whole = catalog.list_objects(BUCKET, &request("", &delimiter, "", 1000)).await.unwrap();
                let (mut objects, mut groups, mut after) = (Vec::new(), Vec::new(), Some(String::new()));
                while let Some(from) = after {
                    let page = catalog.list_objects(BUCKET, &request("", &delimiter, &from, max_keys)).await.unwrap();
                    objects.extend(page.objects);
                    groups.extend(page.common_prefixes);
                    after = page.next;
                }
                assert_eq!((objects, groups), (whole.objects, whole.common_prefixes));
            });
        }
    }

    /// More rows than one scan fetches, in groups larger than one scan fetches.
    #[tokio::test]
    async fn markers_end_a_page_early_but_not_a_group() {
        let count = MARKERS_MAX + 5;
        let markers = |group: &str| (0..count).map(|n| (format!("{group}{n:05}"), MARKER)).collect::<Vec<_>>();
        let keys = markers("a/").into_iter().chain(markers("b")).chain([("a/z".to_owned(), 1), ("c".to_owned(), 1)]);
        let catalog = catalog(&keys.collect()).await;
        let page = catalog.list_objects(BUCKET, &request("", "/", "", 1000)).await.unwrap();
        assert_eq!((page.objects.len(), page.common_prefixes), (0, vec!["a/".to_owned()]));
        let next = page.next.unwrap();
        assert!(next.starts_with("b0"), "{next}");
        let page = catalog.list_objects(BUCKET, &request("", "/", &next, 1000)).await.unwrap();
        let next = page.next.unwrap_or(next);
        let page = catalog.list_objects(BUCKET, &request("", "/", &next, 1000)).await.unwrap();
        assert_eq!((page.objects[0].0.as_str(), page.next), ("c", None));
    }

    #[tokio::test]
    async fn long_groups_are_passed_over() {
        let group = |name: &str| (0..200).map(|n| (format!("{name}/{n:03}"), 1)).collect::<Vec<_>>();
        let single = (0..150).map(|n| (format!("k{n:03}"), 1));
        let keys: BTreeMap<_, _> = group("a").into_iter().chain(group("z")).chain(single).collect();
        let catalog = catalog(&keys).await;
        let page = catalog.list_objects(BUCKET, &request("", "/", "", 1000)).await.unwrap();
        assert_eq!((page.objects.len(), page.common_prefixes), (150, vec!["a/".to_owned(), "z/".to_owned()]));
        let page = catalog.list_objects(BUCKET, &request("", "/", "a/1", 1)).await.unwrap();
        assert_eq!(page.objects[0].0.as_str(), "k000");
        assert_eq!(page.next.as_deref(), Some("k000"));
    }
}
