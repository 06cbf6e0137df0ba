//! Inventories: one row for all of a bucket's, with the time of each one's last report.

use serde::{Deserialize, Serialize};
use strongroom_model::inventory::{
    Destination, Frequency, Inventory, InventoryField, InventoryFilter, InventoryId, ReportEncryption, ReportForm,
};
use strongroom_model::key::KeyReference;
use strongroom_model::name::BucketName;
use strongroom_model::time::Timestamp;

use super::buckets::{Bucket, BucketId, Life, life_of};
use super::record::{Family, Key, first_version};
use super::walk::{Cursor, behind};
use super::{ATTEMPTS, Catalog, CatalogError, Change};
use crate::kv::{Commit, Expected, KvError};

/// Buckets whose inventories one scan fetches: each may have a thousand.
const BUCKETS_PAGE: usize = 16;

/// An inventory, and when it was last followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What it reports.
    pub(crate) inventory: Inventory,
    /// When its last report began, or, before the first, when it was made.
    pub(crate) last: Timestamp,
}

/// The inventories of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketInventories {
    /// The bucket's id.
    pub(crate) bucket: BucketId,
    /// Its name.
    pub(crate) name: BucketName,
    /// The inventories, in the order of their names.
    pub(crate) standing: Vec<Standing>,
}

/// What became of an inventory that was to be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InventoryPut {
    /// It is there.
    Done,
    /// There are as many as there may be.
    TooMany,
    /// The bucket is gone, or about to go.
    BucketGone,
}

impl Catalog {
    /// The bucket's inventories, in the order of their names.
    pub(crate) async fn inventories(&self, bucket: BucketId) -> Result<Vec<Standing>, CatalogError> {
        let found = self.get(&inventories_of(bucket)).await?;
        Ok(found.map(|found| found.record.into_bucket(bucket)).transpose()?.map_or(Vec::new(), |it| it.standing))
    }

    /// Puts an inventory, in place of the one of its name. There may be `most`.
    pub(crate) async fn put_inventory(
        &self,
        bucket: &Bucket,
        inventory: &Inventory,
        now: Timestamp,
        most: usize,
    ) -> Result<InventoryPut, CatalogError> {
        let key = inventories_of(bucket.id);
        for _ in 0..ATTEMPTS {
            let Life::Active(alive) = self.life(bucket.id).await? else { return Ok(InventoryPut::BucketGone) };
            let found = self.get(&key).await?;
            let expected = found.as_ref().map_or(Expected::Absent, |found| Expected::Version(found.version));
            let kept = found.map(|found| found.record.into_bucket(bucket.id)).transpose()?;
            let mut standing = kept.map_or(Vec::new(), |kept| kept.standing);
            match standing.binary_search_by(|it| it.inventory.id.cmp(&inventory.id)) {
                Ok(at) => standing[at].inventory = inventory.clone(),
                Err(_) if standing.len() >= most => return Ok(InventoryPut::TooMany),
                Err(at) => standing.insert(at, Standing { inventory: inventory.clone(), last: now }),
            }
            let row = InventoriesRow::new(&bucket.facts.name, &standing);
            let change = Change::new()
                .check(&life_of(bucket.id), Expected::Version(alive.version))
                .check(&key, expected)
                .put(&key, &row);
            match self.commit(change).await {
                Ok(Commit::Committed) => return Ok(InventoryPut::Done),
                Ok(Commit::Conflict) => {}
                // As many as may be have room in one row, unless most of them name the longest prefixes, keys and roles there are.
                Err(CatalogError::Kv(KvError::TooLarge { .. })) => return Ok(InventoryPut::TooMany),
                Err(error) => return Err(error),
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Removes an inventory. False if there is none of that name.
    pub(crate) async fn delete_inventory(&self, bucket: BucketId, id: &InventoryId) -> Result<bool, CatalogError> {
        self.change_inventories(bucket, |standing| {
            let before = standing.len();
            standing.retain(|it| it.inventory.id != *id);
            standing.len() < before
        })
        .await
    }

    /// Notes when an inventory's report began. False if there is no inventory of that name any more.
    pub(crate) async fn inventory_followed(
        &self,
        bucket: BucketId,
        id: &InventoryId,
        began: Timestamp,
    ) -> Result<bool, CatalogError> {
        self.change_inventories(bucket, |standing| {
            let found = standing.iter_mut().find(|it| it.inventory.id == *id);
            found.map(|it| it.last = began).is_some()
        })
        .await
    }

    async fn change_inventories(
        &self,
        bucket: BucketId,
        change: impl Fn(&mut Vec<Standing>) -> bool + Send,
    ) -> Result<bool, CatalogError> {
        let key = inventories_of(bucket);
        for _ in 0..ATTEMPTS {
            let Some(found) = self.get(&key).await? else { return Ok(false) };
            let mut kept = found.record.into_bucket(bucket)?;
            if !change(&mut kept.standing) {
                return Ok(false);
            }
            let changed = match kept.standing.is_empty() {
                true => Change::new().remove(&key, found.version),
                false => Change::new().replace(&key, found.version, &InventoriesRow::new(&kept.name, &kept.standing)),
            };
            if self.commit(changed).await? == Commit::Committed {
                return Ok(true);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// The next buckets with inventories, those behind `cursor`; none at the end. A row that does not open hides no other.
    pub(crate) async fn walk_inventories(
        &self,
        cursor: Option<&Cursor>,
    ) -> Result<Vec<(Cursor, Result<BucketInventories, CatalogError>)>, CatalogError> {
        let rows = self.kv.scan(behind(Key::<InventoriesRow>::range(&[]), cursor), BUCKETS_PAGE).await?;
        let read = rows.into_iter().map(|row| {
            let id = Key::<InventoriesRow>::from_bytes(row.key.clone()).parts().try_into();
            let bucket = id
                .map_err(|_| CatalogError::Inconsistent("the key of a bucket's inventories"))
                .and_then(|id| self.unseal::<InventoriesRow>(&row.key, &row.value)?.into_bucket(BucketId(id)));
            (row.key, bucket)
        });
        Ok(read.collect())
    }
}

/// The key of the row that holds the bucket's inventories.
pub(super) fn inventories_of(bucket: BucketId) -> Key<InventoriesRow> {
    Key::new(&[&bucket.0])
}

/// See [`BucketInventories`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InventoriesRow {
    bucket: String,
    inventories: Vec<InventoryRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct InventoryRow {
    id: String,
    last: i64,
    enabled: bool,
    #[serde(with = "ReportFormRow")]
    form: ReportForm,
    prefix: String,
    modified: (Option<i64>, Option<i64>),
    sizes: (Option<u64>, Option<u64>),
    weekly: bool,
    all_versions: bool,
    /// The words for the fields.
    fields: Vec<String>,
    to_bucket: String,
    to_prefix: String,
    encryption: Option<ReportEncryptionRow>,
    account: Option<String>,
    role: Option<String>,
}

/// A variant's place is its number on disk: the list grows at its end only.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ReportForm")]
enum ReportFormRow {
    Amazon,
    Alibaba,
    Huawei,
}

/// A variant's place is its number on disk: the list grows at its end only.
#[derive(Debug, Serialize, Deserialize)]
enum ReportEncryptionRow {
    Managed,
    /// The key as its owner spelled it.
    Kms(Option<String>),
}

first_version!(InventoriesRow, Family::Inventories);

impl InventoriesRow {
    fn new(bucket: &BucketName, standing: &[Standing]) -> Self {
        Self { bucket: bucket.as_str().to_owned(), inventories: standing.iter().map(InventoryRow::new).collect() }
    }

    fn into_bucket(self, bucket: BucketId) -> Result<BucketInventories, CatalogError> {
        let name = BucketName::parse(&self.bucket).map_err(|_| malformed())?;
        let standing = self.inventories.into_iter().map(InventoryRow::into_standing).collect::<Result<_, _>>()?;
        Ok(BucketInventories { bucket, name, standing })
    }
}

impl InventoryRow {
    fn new(standing: &Standing) -> Self {
        let Inventory { id, enabled, form, filter, frequency, all_versions, fields, destination } = &standing.inventory;
        let Destination { bucket, prefix, encryption, account, role } = destination.clone();
        Self {
            id: id.as_str().to_owned(),
            last: standing.last.millis(),
            enabled: *enabled,
            form: *form,
            prefix: filter.prefix.clone(),
            modified: (filter.modified_from.map(Timestamp::millis), filter.modified_to.map(Timestamp::millis)),
            sizes: (filter.least, filter.most),
            weekly: *frequency == Frequency::Weekly,
            all_versions: *all_versions,
            fields: fields.iter().map(|field| field.word().to_owned()).collect(),
            to_bucket: bucket.as_str().to_owned(),
            to_prefix: prefix,
            encryption: encryption.map(|encryption| match encryption {
                ReportEncryption::Managed => ReportEncryptionRow::Managed,
                ReportEncryption::Kms(key) => ReportEncryptionRow::Kms(key.map(|key| key.text)),
            }),
            account,
            role,
        }
    }

    fn into_standing(self) -> Result<Standing, CatalogError> {
        let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
        let fields = self.fields.iter().map(|word| InventoryField::parse(word).ok_or_else(malformed));
        let inventory = Inventory {
            id: InventoryId::parse(&self.id).map_err(|_| malformed())?,
            enabled: self.enabled,
            form: self.form,
            filter: InventoryFilter {
                prefix: self.prefix,
                modified_from: time(self.modified.0),
                modified_to: time(self.modified.1),
                least: self.sizes.0,
                most: self.sizes.1,
            },
            frequency: if self.weekly { Frequency::Weekly } else { Frequency::Daily },
            all_versions: self.all_versions,
            fields: fields.collect::<Result<_, _>>()?,
            destination: Destination {
                bucket: BucketName::parse(&self.to_bucket).map_err(|_| malformed())?,
                prefix: self.to_prefix,
                encryption: self.encryption.map(|encryption| match encryption {
                    ReportEncryptionRow::Managed => ReportEncryption::Managed,
                    ReportEncryptionRow::Kms(key) => ReportEncryption::Kms(key.map(|key| KeyReference::parse(&key))),
                }),
                account: self.account,
                role: self.role,
            },
        };
        Ok(Standing { inventory, last: Timestamp::from_millis(self.last) })
    }
}

fn malformed() -> CatalogError {
    CatalogError::Inconsistent("an inventory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::record::{decode, encode};

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_form_of_version_1() {
        let kms = |key: &str| Some(ReportEncryption::Kms(Some(KeyReference::parse(key))));
        for (encryption, golden) in
            [(None, "00"), (Some(ReportEncryption::Managed), "01 00"), (kms("k"), "01 01 01 016b")]
        {
            let inventory = Inventory {
                id: InventoryId::parse("i").unwrap(),
                enabled: true,
                form: ReportForm::Huawei,
                filter: InventoryFilter {
                    prefix: "p".into(),
                    modified_from: Some(Timestamp::from_millis(1000)),
                    modified_to: None,
                    least: Some(300),
                    most: None,
                },
                frequency: Frequency::Weekly,
                all_versions: true,
                fields: vec![InventoryField::Size],
                destination: Destination {
                    bucket: BucketName::parse("def").unwrap(),
                    prefix: "q".into(),
                    encryption,
                    account: Some("a".into()),
                    role: None,
                },
            };
            let standing = Standing { inventory, last: Timestamp::from_millis(1000) };
            let name = BucketName::parse("abc").unwrap();
            let golden = format!(
                "01 03616263 01 0169 d00f 01 02 0170 01d00f 00 01ac02 00 01 01 01 0453697a65 03646566 0171 {golden} 010161 00"
            );
            let row = encode(&InventoriesRow::new(&name, std::slice::from_ref(&standing)));
            assert_eq!(hex::encode(&row), golden.replace(' ', ""));
            let bucket = BucketId([7; 16]);
            let read = decode::<InventoriesRow>(&row).unwrap().into_bucket(bucket).unwrap();
            assert_eq!(read, BucketInventories { bucket, name, standing: vec![standing] });
        }
    }
}
