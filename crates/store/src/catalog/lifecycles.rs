//! Lifecycle rules: one row for all of a bucket's, apart from the bucket's own, which every request reads; that one says whether there
//! are any. And what following the rules needs: the histories of a bucket's keys, one after the other.

use serde::{Deserialize, Serialize};
use strongroom_model::lifecycle::{
    Expiration, Lifecycle, LifecycleRule, NoncurrentExpiration, RuleScope, ScopeException, UploadExpiration,
};
use strongroom_model::name::{BucketName, ObjectKey};
use strongroom_model::time::Timestamp;

use super::buckets::{Bucket, BucketId, BucketRow, by_name};
use super::object_rows::LatestRow;
use super::objects::{Latest, latest_key};
use super::record::{Family, Key, first_version};
use super::walk::parse_key;
use super::{ATTEMPTS, Catalog, CatalogError, Change, after};
use crate::kv::Commit;

/// Heads of histories that one scan fetches.
const HEADS_PAGE: usize = 256;

/// The head of a key's history.
#[derive(Debug)]
pub(crate) struct Head {
    /// The key.
    pub(crate) key: ObjectKey,
    /// What the head says.
    pub(crate) latest: Latest,
    /// The version of its row, which every change of the history alters.
    pub(crate) row: u64,
}

impl Catalog {
    /// The bucket's rules, if it has any.
    pub(crate) async fn lifecycle(&self, bucket: BucketId) -> Result<Option<Lifecycle>, CatalogError> {
        let found = self.get(&rules_of(bucket)).await?;
        Ok(found.map(|found| found.record.into_lifecycle()))
    }

    /// Replaces the rules of the bucket that has this id, or takes them away. None if there is no such bucket any more.
    pub(crate) async fn set_lifecycle(
        &self,
        name: &BucketName,
        id: BucketId,
        rules: Option<&Lifecycle>,
    ) -> Result<Option<Bucket>, CatalogError> {
        let key = by_name(name);
        for _ in 0..ATTEMPTS {
            let Some(found) = self.get(&key).await? else { return Ok(None) };
            let mut bucket = found.record.into_bucket(name.clone())?;
            if bucket.id != id {
                return Ok(None);
            }
            bucket.has_lifecycle = rules.is_some();
            let change = Change::new().replace(&key, found.version, &BucketRow::new(&bucket));
            let change = match rules {
                Some(rules) => change.put(&rules_of(id), &LifecycleRow::new(rules)),
                None => change.delete(&rules_of(id)),
            };
            if self.commit(change).await? == Commit::Committed {
                return Ok(Some(bucket));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// The next heads of histories of the bucket, whose keys begin with `prefix`, behind `last`; none at the end.
    pub(crate) async fn heads(
        &self,
        bucket: BucketId,
        prefix: &str,
        last: Option<&ObjectKey>,
    ) -> Result<Vec<Head>, CatalogError> {
        let mut range = Key::<LatestRow>::range(&[&bucket.0, prefix.as_bytes()]);
        if let Some(last) = last {
            range.start = range.start.max(after(&latest_key(bucket, last)));
        }
        let found = self.scan::<LatestRow>(range, HEADS_PAGE).await?;
        let heads = found.into_iter().map(|found| {
            let key = parse_key(found.key.parts().get(bucket.0.len()..).unwrap_or_default())?;
            Ok(Head { key, latest: found.record.into_latest(), row: found.version })
        });
        heads.collect()
    }

    /// The head of one key's history, if it has one.
    pub(crate) async fn history_head(&self, bucket: BucketId, key: &ObjectKey) -> Result<Option<Head>, CatalogError> {
        let found = self.latest(bucket, key).await?;
        Ok(found.map(|(latest, row)| Head { key: key.clone(), latest, row }))
    }
}

/// The key of the row that holds the bucket's rules.
pub(super) fn rules_of(bucket: BucketId) -> Key<LifecycleRow> {
    Key::new(&[&bucket.0])
}

/// See [`Lifecycle`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LifecycleRow {
    rules: Vec<RuleRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RuleRow {
    id: String,
    enabled: bool,
    prefix: String,
    tags: Vec<(String, String)>,
    larger_than: Option<u64>,
    smaller_than: Option<u64>,
    except: Vec<(String, Option<(String, String)>)>,
    filtered: bool,
    expiration: Option<ExpirationRow>,
    noncurrent: Option<(u32, Option<u32>)>,
    uploads: Option<UploadsRow>,
}

/// A variant's place is its number on disk: the list grows at its end only.
#[derive(Debug, Serialize, Deserialize)]
enum ExpirationRow {
    After(u32),
    On(i64),
    WrittenBefore(i64),
    LoneMarkers,
}

/// A variant's place is its number on disk: the list grows at its end only.
#[derive(Debug, Serialize, Deserialize)]
enum UploadsRow {
    After(u32),
    BegunBefore(i64),
}

first_version!(LifecycleRow, Family::Lifecycle);

impl LifecycleRow {
    fn new(lifecycle: &Lifecycle) -> Self {
        Self { rules: lifecycle.rules.iter().map(RuleRow::new).collect() }
    }

    fn into_lifecycle(self) -> Lifecycle {
        Lifecycle { rules: self.rules.into_iter().map(RuleRow::into_rule).collect() }
    }
}

impl RuleRow {
    fn new(rule: &LifecycleRule) -> Self {
        let scope = rule.scope.clone();
        Self {
            id: rule.id.clone(),
            enabled: rule.enabled,
            prefix: scope.prefix,
            tags: scope.tags,
            larger_than: scope.larger_than,
            smaller_than: scope.smaller_than,
            except: scope.except.into_iter().map(|exception| (exception.prefix, exception.tag)).collect(),
            filtered: scope.filtered,
            expiration: rule.expiration.map(|expiration| match expiration {
                Expiration::After(days) => ExpirationRow::After(days),
                Expiration::On(date) => ExpirationRow::On(date.millis()),
                Expiration::WrittenBefore(date) => ExpirationRow::WrittenBefore(date.millis()),
                Expiration::LoneMarkers => ExpirationRow::LoneMarkers,
            }),
            noncurrent: rule.noncurrent.map(|noncurrent| (noncurrent.days, noncurrent.newer_kept)),
            uploads: rule.uploads.map(|uploads| match uploads {
                UploadExpiration::After(days) => UploadsRow::After(days),
                UploadExpiration::BegunBefore(date) => UploadsRow::BegunBefore(date.millis()),
            }),
        }
    }

    fn into_rule(self) -> LifecycleRule {
        let scope = RuleScope {
            prefix: self.prefix,
            tags: self.tags,
            larger_than: self.larger_than,
            smaller_than: self.smaller_than,
            except: self.except.into_iter().map(|(prefix, tag)| ScopeException { prefix, tag }).collect(),
            filtered: self.filtered,
        };
        LifecycleRule {
            id: self.id,
            enabled: self.enabled,
            scope,
            expiration: self.expiration.map(|expiration| match expiration {
                ExpirationRow::After(days) => Expiration::After(days),
                ExpirationRow::On(date) => Expiration::On(Timestamp::from_millis(date)),
                ExpirationRow::WrittenBefore(date) => Expiration::WrittenBefore(Timestamp::from_millis(date)),
                ExpirationRow::LoneMarkers => Expiration::LoneMarkers,
            }),
            noncurrent: self.noncurrent.map(|(days, newer_kept)| NoncurrentExpiration { days, newer_kept }),
            uploads: self.uploads.map(|uploads| match uploads {
                UploadsRow::After(days) => UploadExpiration::After(days),
                UploadsRow::BegunBefore(date) => UploadExpiration::BegunBefore(Timestamp::from_millis(date)),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::record::{decode, encode};

    fn rule(expiration: Expiration, uploads: UploadExpiration) -> LifecycleRule {
        LifecycleRule {
            id: "r".into(),
            enabled: true,
            scope: RuleScope {
                prefix: "p".into(),
                tags: vec![("k".into(), "v".into())],
                larger_than: Some(1),
                smaller_than: Some(300),
                except: vec![ScopeException { prefix: "x".into(), tag: Some(("a".into(), "b".into())) }],
                filtered: true,
            },
            expiration: Some(expiration),
            noncurrent: Some(NoncurrentExpiration { days: 3, newer_kept: Some(4) }),
            uploads: Some(uploads),
        }
    }

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_form_of_version_1() {
        let time = Timestamp::from_millis(1000);
        let forms = [
            (Expiration::After(2), UploadExpiration::After(5), "01 00 02", "01 00 05"),
            (Expiration::On(time), UploadExpiration::BegunBefore(time), "01 01 d00f", "01 01 d00f"),
            (Expiration::WrittenBefore(time), UploadExpiration::After(5), "01 02 d00f", "01 00 05"),
            (Expiration::LoneMarkers, UploadExpiration::After(5), "01 03", "01 00 05"),
        ];
        for (expiration, uploads, expired, aborted) in forms {
            let lifecycle = Lifecycle { rules: vec![rule(expiration, uploads)] };
            let golden = format!(
                "01 01 0172 01 0170 01 016b 0176 01 01 01 ac02 01 0178 01 0161 0162 01 {expired} 01 03 01 04 {aborted}"
            );
            let row = encode(&LifecycleRow::new(&lifecycle));
            assert_eq!(hex::encode(&row), golden.replace(' ', ""));
            assert_eq!(decode::<LifecycleRow>(&row).unwrap().into_lifecycle(), lifecycle);
        }
    }
}
