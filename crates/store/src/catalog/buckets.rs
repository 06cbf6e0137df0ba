//! Buckets: a row by name, which says all about a bucket; a row of its life, which every change of its objects checks;
//! and an index by owner. The life is a row apart so that a change of settings disturbs no writer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_model::account::AccountId;
use strongroom_model::cors::CorsRules;
use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod};
use strongroom_model::failure::Failure;
use strongroom_model::key::KeyReference;
use strongroom_model::lock::{BucketLock, Worm};
use strongroom_model::metadata::StorageClass;
use strongroom_model::name::{BucketName, Region};
use strongroom_model::outcome::bucket::BucketFacts;
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::setting::Versioning;
use strongroom_model::tag::TagSet;
use strongroom_model::time::Timestamp;

use super::inventories::inventories_of;
use super::lifecycles::rules_of;
use super::record::{Family, Key, first_version};
use super::setting_rows::{AclRow, BucketLockRow, CorsRow, PublicAccessBlockRow, WormRow};
use super::spelling::{DataAlgorithmRow, PolicyLanguageRow, StorageClassRow, VersioningRow};
use super::{ATTEMPTS, Catalog, CatalogError, Change, Found, Located, PAGE, after};
use crate::kv::{Commit, Expected};

/// A bucket's permanent id: 16 random bytes, drawn anew for every bucket that is made, whatever its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct BucketId(pub(crate) [u8; 16]);

/// A bucket that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Its id.
    pub(crate) id: BucketId,
    /// What can be told of it.
    pub(crate) facts: BucketFacts,
    /// Whether removing its default encryption brings back the rule AES256.
    pub(crate) always_encrypted: bool,
    /// Whether somebody has set its default encryption, be it to what it was.
    pub(crate) rule_was_set: bool,
    /// Who may do what with it, as its owner wrote it.
    pub(crate) policy: Option<PolicyDocument>,
    /// Which pages of other origins may read its answers.
    pub(crate) cors: Option<CorsRules>,
    /// Whether it has lifecycle rules, which have a row of their own.
    pub(crate) has_lifecycle: bool,
}

/// What became of a bucket that was to be made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// It was made.
    Created,
    /// There is one of that name.
    Exists(Arc<Bucket>),
}

/// A bucket under deletion, which nobody can write to. It must be finished or called off.
#[derive(Debug)]
pub(crate) struct Deletion {
    bucket: Bucket,
    name_version: u64,
    life: Alive,
}

/// What stands in the way of a deletion, or of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Objects may come and go.
    Active(Alive),
    /// The bucket is under deletion: objects may only go.
    Deleting(Alive),
    /// There is no such bucket any more.
    Gone,
}

/// What a change of a bucket's objects relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alive {
    /// The version of the row of its life, to be checked.
    pub(crate) version: u64,
    /// Whether the bucket keeps versions.
    pub(crate) versioning: Versioning,
    /// How its versions are locked: if they may be, whoever destroys one must look, and a version that is written gets this lock.
    pub(crate) lock: Option<BucketLock>,
    /// The policy that keeps all its objects, if there is one.
    pub(crate) worm: Option<Worm>,
}

/// What became of a change of what writers rely on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LifeChange {
    /// The bucket is this now.
    Done(Box<Bucket>),
    /// There is no such bucket.
    BucketGone,
    /// The bucket is under deletion.
    BucketDeleting,
}

/// How long a deletion takes at most: it scans one row and commits. One that is older was left behind by a process that
/// died.
const DELETION_MAX_MS: u64 = 60_000;

impl Catalog {
    /// The bucket of that name.
    pub(crate) async fn bucket(&self, name: &BucketName) -> Result<Option<Arc<Bucket>>, CatalogError> {
        self.familiar(&by_name(name), |row| row.into_bucket(name.clone())).await
    }

    /// Makes a bucket, if there is none of its name.
    pub(crate) async fn create_bucket(&self, bucket: &Bucket) -> Result<Creation, CatalogError> {
        let name = &bucket.facts.name;
        for _ in 0..ATTEMPTS {
            let change = Change::new()
                .insert(&by_name(name), &BucketRow::new(bucket))
                .insert(&life_of(bucket.id), &LifeRow::of_bucket(&bucket.facts))
                .put(&by_owner(bucket.facts.owner, name.as_str()), &OwnerRow {});
            if self.commit(change).await? == Commit::Committed {
                return Ok(Creation::Created);
            }
            if let Some(existing) = self.bucket(name).await? {
                return Ok(Creation::Exists(existing));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Up to `limit` buckets of `owner` whose names begin with `prefix` and come after `marker`, in order.
    pub(crate) async fn buckets_of(
        &self,
        owner: AccountId,
        prefix: &str,
        marker: &str,
        limit: usize,
    ) -> Result<Vec<Bucket>, CatalogError> {
        let mut range = Key::<OwnerRow>::range(&[&owner_part(owner), prefix.as_bytes()]);
        if marker >= prefix {
            range.start = after(&by_owner(owner, marker));
        }
        let mut buckets = Vec::new();
        for located in self.scan::<OwnerRow>(range, limit).await? {
            let name = parse_name(&located.key.parts()[size_of::<u64>()..])?;
            // Not by way of those that are remembered: a long list would have them all forgotten.
            if let Some(found) = self.get(&by_name(&name)).await? {
                buckets.push(found.record.into_bucket(name)?);
            }
        }
        Ok(buckets)
    }

    /// How many buckets `owner` has, counted up to `limit`.
    pub(crate) async fn count_buckets(&self, owner: AccountId, limit: usize) -> Result<usize, CatalogError> {
        let range = Key::<OwnerRow>::range(&[&owner_part(owner)]);
        Ok(self.scan::<OwnerRow>(range, limit).await?.len())
    }

    /// Changes what is told of a bucket. None if there is no such bucket.
    pub(crate) async fn change_bucket(
        &self,
        name: &BucketName,
        change: impl Fn(&mut Bucket) + Send,
    ) -> Result<Option<Bucket>, CatalogError> {
        let key = by_name(name);
        for _ in 0..ATTEMPTS {
            let Some(found) = self.get(&key).await? else { return Ok(None) };
            let mut bucket = found.record.into_bucket(name.clone())?;
            change(&mut bucket);
            let replaced = Change::new().replace(&key, found.version, &BucketRow::new(&bucket));
            if self.commit(replaced).await? == Commit::Committed {
                return Ok(Some(bucket));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Whether the bucket may be written to.
    pub(crate) async fn life(&self, bucket: BucketId) -> Result<Life, CatalogError> {
        Ok(match self.get(&life_of(bucket)).await? {
            None => Life::Gone,
            Some(Found { record, version }) => match record.deleting_since {
                None => Life::Active(record.into_alive(version)),
                Some(_) => Life::Deleting(record.into_alive(version)),
            },
        })
    }

    /// Changes what writers rely on: whether the bucket keeps versions, and what keeps its objects. Writes and deletions under way
    /// take effect as a whole before it or after it.
    ///
    /// # Errors
    /// What `change` says, which may be asked again when others change the same; or the catalog's trouble.
    pub(crate) async fn change_life(
        &self,
        name: &BucketName,
        change: impl Fn(&mut Bucket) -> Result<(), Failure> + Send,
    ) -> Result<LifeChange, Failure> {
        let key = by_name(name);
        for _ in 0..ATTEMPTS {
            let Some(found) = self.get(&key).await? else { return Ok(LifeChange::BucketGone) };
            let mut bucket = found.record.into_bucket(name.clone())?;
            let alive = match self.life(bucket.id).await? {
                Life::Active(alive) => alive,
                Life::Deleting(_) => return Ok(LifeChange::BucketDeleting),
                Life::Gone => continue,
            };
            change(&mut bucket)?;
            let changed = Change::new().replace(&key, found.version, &BucketRow::new(&bucket)).replace(
                &life_of(bucket.id),
                alive.version,
                &LifeRow::of_bucket(&bucket.facts),
            );
            if self.commit(changed).await? == Commit::Committed {
                return Ok(LifeChange::Done(Box::new(bucket)));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// Stops all writing to a bucket, in order to delete it. A deletion that another process, or another request, has
    /// begun is taken over: whoever comes first to its end, the other finds its versions gone. None if there is no bucket.
    pub(crate) async fn begin_deletion(
        &self,
        name: &BucketName,
        now: Timestamp,
    ) -> Result<Option<Deletion>, CatalogError> {
        for _ in 0..ATTEMPTS {
            let Some(Found { record, version: name_version }) = self.get(&by_name(name)).await? else {
                return Ok(None);
            };
            let bucket = record.into_bucket(name.clone())?;
            let life = life_of(bucket.id);
            let Some(Found { record, version }) = self.get(&life).await? else { continue };
            let row = LifeRow { deleting_since: Some(now.millis()), ..record };
            let marked = Change::new().replace(&life, version, &row);
            if self.commit(marked).await? == Commit::Conflict {
                continue;
            }
            // Versions are the store's own numbers, so that of what was written has to be read. If another took over in
            // between, both have the other's version, and the first of the two to end it ends it.
            let marked = self.get(&life).await?.filter(|found| found.record.deleting_since.is_some());
            if let Some(Found { record, version }) = marked {
                return Ok(Some(Deletion { bucket, name_version, life: record.into_alive(version) }));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Deletes the bucket, which was found empty after the deletion had begun.
    pub(crate) async fn finish_deletion(&self, deletion: &Deletion) -> Result<Commit, CatalogError> {
        let Deletion { bucket, name_version, life: Alive { version: life_version, .. } } = deletion;
        let (name, life) = (by_name(&bucket.facts.name), life_of(bucket.id));
        let change = Change::new()
            .check(&name, Expected::Version(*name_version))
            .check(&life, Expected::Version(*life_version))
            .delete(&name)
            .delete(&life)
            .delete(&rules_of(bucket.id))
            .delete(&inventories_of(bucket.id))
            .delete(&by_owner(bucket.facts.owner, bucket.facts.name.as_str()));
        self.commit(change).await
    }

    /// Lets the bucket be written to again. In conflict with another deletion nothing is done: that one decides.
    pub(crate) async fn call_off_deletion(&self, deletion: &Deletion) -> Result<Commit, CatalogError> {
        self.revive(&life_of(deletion.bucket.id), deletion.life).await
    }

    /// Lets all buckets be written to whose deletion was not finished in time, and those whose deletion is yet to begin at `now`,
    /// since the clock has been set back. Answers how many.
    pub(crate) async fn call_off_stalled_deletions(&self, now: Timestamp) -> Result<u64, CatalogError> {
        let mut revived = 0;
        let mut range = Key::<LifeRow>::range(&[]);
        loop {
            let page = self.scan::<LifeRow>(range.clone(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(revived) };
            range.start = after(&last.key);
            for Located { key, record, version } in page {
                let since = record.deleting_since.map(Timestamp::from_millis);
                let stalled = since.is_some_and(|since| since.distance_millis(now) > DELETION_MAX_MS);
                if stalled && self.revive(&key, record.into_alive(version)).await? == Commit::Committed {
                    revived += 1;
                }
            }
        }
    }

    async fn revive(&self, life: &Key<LifeRow>, alive: Alive) -> Result<Commit, CatalogError> {
        self.commit(Change::new().replace(life, alive.version, &LifeRow::of(&alive))).await
    }
}

impl Deletion {
    /// What is to be deleted.
    pub(crate) fn bucket(&self) -> &Bucket {
        &self.bucket
    }
}

/// The key of the row that every change of a bucket's objects checks.
pub(super) fn life_of(bucket: BucketId) -> Key<LifeRow> {
    Key::new(&[&bucket.0])
}

/// The key of the row that says all about a bucket.
pub(super) fn by_name(name: &BucketName) -> Key<BucketRow> {
    Key::new(&[name.as_str().as_bytes()])
}

fn by_owner(owner: AccountId, name: &str) -> Key<OwnerRow> {
    Key::new(&[&owner_part(owner), name.as_bytes()])
}

fn owner_part(owner: AccountId) -> [u8; 8] {
    owner.number().to_be_bytes()
}

pub(super) fn parse_name(name: &[u8]) -> Result<BucketName, CatalogError> {
    let name = std::str::from_utf8(name).ok().and_then(|name| BucketName::parse(name).ok());
    name.ok_or(CatalogError::Inconsistent("a bucket's name"))
}

/// Whether, and since when, a bucket is under deletion; and whether it keeps versions, and what keeps its objects, which its own row
/// repeats.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LifeRow {
    /// Milliseconds since the epoch.
    deleting_since: Option<i64>,
    #[serde(with = "VersioningRow")]
    versioning: Versioning,
    lock: Option<BucketLockRow>,
    worm: Option<WormRow>,
}

/// That an account owns the bucket that the key names.
#[derive(Debug, Serialize, Deserialize)]
struct OwnerRow {}

/// All about a bucket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BucketRow {
    id: BucketId,
    owner: u64,
    location: String,
    created: i64,
    acl: AclRow,
    tags: Vec<(String, String)>,
    lock: Option<BucketLockRow>,
    worm: Option<WormRow>,
    quota: Option<u64>,
    #[serde(with = "StorageClassRow")]
    storage_class: StorageClass,
    encryption: Option<EncryptionRow>,
    always_encrypted: bool,
    rule_was_set: bool,
    #[serde(with = "VersioningRow")]
    versioning: Versioning,
    blocks_customer_keys: bool,
    policy: Option<PolicyRow>,
    cors: Option<CorsRow>,
    public_access_block: Option<PublicAccessBlockRow>,
    has_lifecycle: bool,
}

/// A policy's text and its language.
#[derive(Debug, Serialize, Deserialize)]
struct PolicyRow {
    #[serde(with = "PolicyLanguageRow")]
    language: PolicyLanguage,
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct EncryptionRow {
    method: MethodRow,
    bucket_key: bool,
}

/// A variant's place is its number on disk: the list grows at its end only.
#[derive(Debug, Serialize, Deserialize)]
enum MethodRow {
    Managed {
        #[serde(with = "DataAlgorithmRow")]
        algorithm: DataAlgorithm,
    },
    Kms {
        /// The key as its owner spelled it.
        key: Option<String>,
        #[serde(with = "DataAlgorithmRow")]
        algorithm: DataAlgorithm,
        project: Option<String>,
    },
}

first_version!(BucketRow, Family::Bucket);
first_version!(LifeRow, Family::BucketLife);
first_version!(OwnerRow, Family::BucketOfAccount);

impl LifeRow {
    fn of_bucket(facts: &BucketFacts) -> Self {
        Self {
            deleting_since: None,
            versioning: facts.versioning,
            lock: facts.lock.as_ref().map(BucketLockRow::new),
            worm: facts.worm.as_ref().map(WormRow::new),
        }
    }

    fn of(alive: &Alive) -> Self {
        Self {
            deleting_since: None,
            versioning: alive.versioning,
            lock: alive.lock.as_ref().map(BucketLockRow::new),
            worm: alive.worm.as_ref().map(WormRow::new),
        }
    }

    fn into_alive(self, version: u64) -> Alive {
        let (lock, worm) = (self.lock.map(BucketLockRow::into_lock), self.worm.map(WormRow::into_worm));
        Alive { version, versioning: self.versioning, lock, worm }
    }
}

impl BucketRow {
    pub(super) fn new(bucket: &Bucket) -> Self {
        let facts = &bucket.facts;
        Self {
            id: bucket.id,
            owner: facts.owner.number(),
            location: facts.location.as_str().to_owned(),
            created: facts.created.millis(),
            acl: AclRow::new(&facts.acl),
            tags: facts.tags.as_slice().to_vec(),
            lock: facts.lock.as_ref().map(BucketLockRow::new),
            worm: facts.worm.as_ref().map(WormRow::new),
            quota: facts.quota,
            storage_class: facts.storage_class,
            encryption: facts.encryption.as_ref().map(EncryptionRow::new),
            always_encrypted: bucket.always_encrypted,
            rule_was_set: bucket.rule_was_set,
            versioning: facts.versioning,
            blocks_customer_keys: facts.blocks_customer_keys,
            policy: bucket.policy.clone().map(|PolicyDocument { language, text }| PolicyRow { language, text }),
            cors: bucket.cors.as_ref().map(CorsRow::new),
            public_access_block: facts.public_access_block.map(PublicAccessBlockRow::new),
            has_lifecycle: bucket.has_lifecycle,
        }
    }

    pub(super) fn into_bucket(self, name: BucketName) -> Result<Bucket, CatalogError> {
        let facts = BucketFacts {
            name,
            owner: AccountId::new(self.owner).ok_or(CatalogError::Inconsistent("a bucket's owner"))?,
            location: Region::parse(&self.location).map_err(|_| CatalogError::Inconsistent("a bucket's location"))?,
            created: Timestamp::from_millis(self.created),
            acl: self.acl.into_acl()?,
            tags: TagSet::restored(self.tags),
            lock: self.lock.map(BucketLockRow::into_lock),
            worm: self.worm.map(WormRow::into_worm),
            quota: self.quota,
            storage_class: self.storage_class,
            encryption: self.encryption.map(EncryptionRow::into_encryption),
            versioning: self.versioning,
            blocks_customer_keys: self.blocks_customer_keys,
            public_access_block: self.public_access_block.map(PublicAccessBlockRow::into_block),
        };
        let cors = self.cors.map(CorsRow::into_rules);
        let policy = self.policy.map(|PolicyRow { language, text }| PolicyDocument { language, text });
        let Self { id, always_encrypted, rule_was_set, has_lifecycle, .. } = self;
        Ok(Bucket { id, facts, always_encrypted, rule_was_set, policy, cors, has_lifecycle })
    }
}

impl EncryptionRow {
    fn new(encryption: &BucketEncryption) -> Self {
        let method = match &encryption.method {
            DefaultMethod::Managed(algorithm) => MethodRow::Managed { algorithm: *algorithm },
            DefaultMethod::Kms { key, algorithm, project } => MethodRow::Kms {
                key: key.as_ref().map(|key| key.text.clone()),
                algorithm: *algorithm,
                project: project.clone(),
            },
        };
        Self { method, bucket_key: encryption.bucket_key }
    }

    fn into_encryption(self) -> BucketEncryption {
        let method = match self.method {
            MethodRow::Managed { algorithm } => DefaultMethod::Managed(algorithm),
            MethodRow::Kms { key, algorithm, project } => {
                DefaultMethod::Kms { key: key.map(|text| KeyReference::parse(&text)), algorithm, project }
            }
        };
        BucketEncryption { method, bucket_key: self.bucket_key }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::acl::Acl;
    use strongroom_model::cors::{CorsMethod, CorsRule};
    use strongroom_model::lock::{BucketLock, DefaultRetention, RetentionMode, RetentionPeriod};

    use strongroom_model::public_access::PublicAccessBlock;

    use super::*;
    use crate::catalog::record::{Record, decode, encode};

    const WORM: Worm = Worm { id: [0x22; 16], days: 300, created: Timestamp::from_millis(1000), locked: true };

    /// The same in bytes.
    const WORM_GOLDEN: &str = "01 22222222222222222222222222222222 ac02 d00f 01";

    fn bucket(encryption: Option<BucketEncryption>) -> Bucket {
        let default = DefaultRetention { mode: RetentionMode::Compliance, period: RetentionPeriod::Years(3) };
        let facts = BucketFacts {
            name: BucketName::parse("name").unwrap(),
            owner: AccountId::new(300).unwrap(),
            location: Region::parse("r").unwrap(),
            created: Timestamp::from_millis(-1),
            acl: Acl::Inherited,
            tags: TagSet::restored(vec![("k".into(), "v".into())]),
            lock: Some(BucketLock { default: Some(default) }),
            worm: Some(WORM),
            quota: Some(7),
            storage_class: StorageClass::DeepArchive,
            encryption,
            versioning: Versioning::Suspended,
            blocks_customer_keys: true,
            public_access_block: Some(PublicAccessBlock { ignore_acls: true, ..PublicAccessBlock::default() }),
        };
        let rule = CorsRule {
            id: Some("i".into()),
            origins: vec!["*".into()],
            methods: vec![CorsMethod::Put, CorsMethod::Head],
            headers: vec!["h".into()],
            exposed: vec!["e".into()],
            max_age: Some(300),
        };
        let cors = Some(CorsRules { rules: vec![rule], always_varies: true });
        Bucket {
            id: BucketId([0x11; 16]),
            facts,
            always_encrypted: true,
            rule_was_set: true,
            policy: None,
            cors,
            has_lifecycle: true,
        }
    }

    /// The rules of [`bucket`].
    const CORS: &str = "01 01 01 0169 01 012a 02 01 04 01 0168 01 0165 01 ac02 01";

    fn is_golden<R: Record>(row: &R, golden: &str) {
        assert_eq!(hex::encode(encode(row)), golden.replace(' ', ""));
    }

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_forms_of_version_1() {
        let key = Some(KeyReference::parse("r:d:key/k"));
        let kms = DefaultMethod::Kms { key, algorithm: DataAlgorithm::Aes256, project: Some("p".into()) };
        let forms = [
            (None, "00"),
            (Some(DefaultMethod::Managed(DataAlgorithm::Sm4)), "01 00 01 01"),
            (Some(kms), "01 01 01 09723a643a6b65792f6b 00 01 0170 01"),
        ];
        for (method, golden) in forms {
            let bucket = bucket(method.map(|method| BucketEncryption { method, bucket_key: true }));
            let golden = format!(
                "01 11111111111111111111111111111111 ac02 0172 01 00 01 016b 0176 01 01 01 01 03 {WORM_GOLDEN} \
                 01 07 09 {golden} 01 01 02 01 00 {CORS} 01 00 01 00 00 01"
            );
            is_golden(&BucketRow::new(&bucket), &golden);
            let read = decode::<BucketRow>(&encode(&BucketRow::new(&bucket))).unwrap();
            assert_eq!(read.into_bucket(bucket.facts.name.clone()).unwrap(), bucket);
        }
        let policy = Some(PolicyDocument { language: PolicyLanguage::Amazon, text: "{}".into() });
        let with_policy = Bucket { policy, ..bucket(None) };
        let golden = format!(
            "01 11111111111111111111111111111111 ac02 0172 01 00 01 016b 0176 01 01 01 01 03 {WORM_GOLDEN} \
             01 07 09 00 01 01 02 01 01 02 027b7d {CORS} 01 00 01 00 00 01"
        );
        is_golden(&BucketRow::new(&with_policy), &golden);
        let read = decode::<BucketRow>(&encode(&BucketRow::new(&with_policy))).unwrap();
        assert_eq!(read.into_bucket(with_policy.facts.name.clone()).unwrap(), with_policy);
        let life = |versioning, lock, worm| LifeRow::of(&Alive { version: 0, versioning, lock, worm });
        is_golden(&life(Versioning::Never, None, None), "01 00 00 00 00");
        let lock = bucket(None).facts.lock;
        let kept = LifeRow { deleting_since: Some(1000), ..life(Versioning::Enabled, lock, Some(WORM)) };
        is_golden(&kept, &format!("01 01 d00f 01 01 01 01 01 03 {WORM_GOLDEN}"));
        let alive = Alive { version: 7, versioning: Versioning::Enabled, lock, worm: Some(WORM) };
        assert_eq!(decode::<LifeRow>(&encode(&kept)).unwrap().into_alive(7), alive);
        is_golden(&OwnerRow {}, "01");
    }
}
