//! What the conformance suite cannot reach: several nodes, failing stores, damaged rows, the clock.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering},
    },
};

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use strongroom_model::failure::Subject;
use strongroom_model::key::KeyReference;
use strongroom_model::operation::key::{CreateKey, ImportMaterial, ImportWrapping, KeyUse, Purpose as KeyPurpose};
use strongroom_model::secret::Plaintext;
use strongroom_model::time::Timestamp;

use super::*;
use crate::{
    faults::{Fault, Faults},
    key_file::{self, Purpose},
    kms::{self, CACHE_SECONDS, Config, KmsMetrics, OpenError, Opened, RootConfig},
    kv::{Batch, Commit, Entry, KeyRange, Kv, KvError, MemoryKv, Put, Row, Snapshot, faults::FaultyKv},
};

static NO_CONTEXT: BTreeMap<String, String> = BTreeMap::new();
pub(in crate::kms) const HOME: Binding<'static> =
    Binding { account: "000000000007", bucket: "bucket", key: "key", version: "version", context: &NO_CONTEXT };
const DAY_MS: i64 = 86_400_000;

/// One store, and the nodes on it. Each node has its own randomness; all have one clock and one root key.
pub(in crate::kms) struct World {
    folder: tempfile::TempDir,
    kv: Arc<MemoryKv>,
    now: Arc<AtomicI64>,
    seeds: AtomicU8,
}

impl World {
    pub(in crate::kms) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, kv: Arc::default(), now: Arc::new(AtomicI64::new(1_000_000)), seeds: AtomicU8::new(0) }
    }

    pub(in crate::kms) async fn node(&self) -> Opened {
        self.node_on(Arc::clone(&self.kv) as Arc<dyn Kv>, "root.key").await.unwrap()
    }

    async fn node_on(&self, kv: Arc<dyn Kv>, root: &str) -> Result<Opened, OpenError> {
        let entropy = counting(self.seeds.fetch_add(1, Ordering::SeqCst));
        let catalog = Catalog::open(kv, &self.path("metadata.key"), entropy.clone()).await.unwrap();
        let root = RootConfig::File { path: self.path(root) };
        let config = Config::Embedded { root, cache_seconds: CACHE_SECONDS };
        let now = Arc::clone(&self.now);
        let clock: Clock = Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)));
        kms::open(&config, Arc::new(catalog), Region::parse("r").unwrap(), clock, entropy, None).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(in crate::kms) fn pass(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }
}

/// A store in which others are quicker.
struct Meddled {
    kv: Arc<MemoryKv>,
    /// Makes the default key before the next commit.
    overtaker: Mutex<Option<Opened>>,
    /// Every commit is in conflict.
    contended: bool,
}

#[async_trait]
impl Kv for Meddled {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
        self.kv.get(key).await
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        self.kv.scan(range, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
        let overtaker = self.overtaker.lock().unwrap().take();
        if let Some(overtaker) = overtaker {
            sealed(&overtaker, KeySelector::Default).await.unwrap();
        }
        if self.contended { Ok(Commit::Conflict) } else { self.kv.commit(batch).await }
    }

    async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
        self.kv.submit(puts).await
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
        self.kv.snapshot().await
    }
}

/// Never gives the same bytes twice, nor those of another seed.
fn counting(seed: u8) -> Entropy {
    let next = AtomicU64::new(0);
    Entropy::new(move |bytes| {
        for chunk in bytes.chunks_mut(16) {
            let mut block = [seed; 16];
            block[..8].copy_from_slice(&next.fetch_add(1, Ordering::SeqCst).to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    })
}

pub(in crate::kms) fn account() -> AccountId {
    AccountId::new(7).unwrap()
}

pub(in crate::kms) fn named(name: &KeyName) -> KeyReference {
    KeyReference::parse(&name.id)
}

async fn sealed(node: &Opened, which: KeySelector<'_>) -> Result<DataKey, KmsError> {
    node.kms.data_key(account(), which, &AES_256_GCM, &HOME).await
}

async fn opens(node: &Opened, sealed: &DataKey) -> Result<(), KmsError> {
    let opened = node.kms.unwrap(&sealed.envelope, &HOME).await?;
    assert!(opened.content.data_key().unwrap().expose() == sealed.content.data_key().unwrap().expose());
    Ok(())
}

pub(in crate::kms) async fn made(node: &Opened) -> KeyName {
    node.kms.create(account(), &CreateKey::new(KeySpec::Aes256)).await.unwrap().name
}

/// minio#17377: two nodes made "the same" key, and what was sealed under the loser was lost.
#[tokio::test]
async fn nodes_that_make_the_default_key_at_once_make_one() {
    for role in [KeySelector::Default, KeySelector::Managed] {
        let world = World::new();
        let (one, two) = (world.node().await, world.node().await);
        let (first, second) = tokio::join!(sealed(&one, role), sealed(&two, role));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(first.name, second.name);
        opens(&two, &first).await.unwrap();
        opens(&one, &second).await.unwrap();
    }
}

/// The interleaving that a race needs: the other node's key appears after this one has looked and before it commits.
#[tokio::test]
async fn the_loser_of_a_race_uses_the_winners_key() {
    let world = World::new();
    let winner = world.node().await;
    let kv = Arc::new(Meddled { kv: Arc::clone(&world.kv), overtaker: Mutex::default(), contended: false });
    let loser = world.node_on(Arc::clone(&kv) as Arc<dyn Kv>, "root.key").await.unwrap();
    *kv.overtaker.lock().unwrap() = Some(world.node().await);
    let lost = sealed(&loser, KeySelector::Default).await.unwrap();
    assert!(kv.overtaker.lock().unwrap().is_none(), "the loser has committed, and was overtaken");
    assert_eq!(lost.name, sealed(&winner, KeySelector::Default).await.unwrap().name);
    opens(&winner, &lost).await.unwrap();
    assert_eq!(winner.kms.list(account()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_root_key_and_a_missing_one_are_refused_at_the_start() {
    let world = World::new();
    drop(world.node().await);
    let kv = || Arc::clone(&world.kv) as Arc<dyn Kv>;
    let missing = world.node_on(kv(), "gone.key").await.err().unwrap();
    assert!(matches!(missing, OpenError::RootMissing { .. }) && !world.path("gone.key").exists());
    key_file::create(&world.path("wrong.key"), Purpose::Root, &counting(200)).unwrap();
    let wrong = world.node_on(kv(), "wrong.key").await.err().unwrap();
    assert!(wrong.to_string().contains("wrong.key is not the one that the master keys are wrapped under"), "{wrong}");
    let metadata = world.node_on(kv(), "metadata.key").await.err().unwrap();
    assert!(matches!(metadata, OpenError::KeyFile(_)), "a key file for another purpose");
}

#[tokio::test]
async fn a_key_that_is_disabled_stops_here_at_once_and_elsewhere_within_the_bound() {
    let world = World::new();
    let (here, there) = (world.node().await, world.node().await);
    let key = made(&here).await;
    let data = sealed(&here, KeySelector::Reference(&named(&key))).await.unwrap();
    opens(&there, &data).await.unwrap();
    // The worst case: the far node reads the key just before it is disabled, and the data key just before that ends.
    let bound = i64::from(CACHE_SECONDS) * 1000;
    here.kms.disable(account(), &named(&key)).await.unwrap();
    assert!(matches!(opens(&here, &data).await, Err(KmsError::Disabled(name)) if name == key));
    world.pass(bound / 2 - 1);
    opens(&there, &data).await.unwrap();
    world.pass(bound / 2 + 1);
    assert!(matches!(opens(&there, &data).await, Err(KmsError::Disabled(_))));
    assert!(matches!(sealed(&there, KeySelector::Reference(&named(&key))).await, Err(KmsError::Disabled(_))));
}

#[tokio::test]
async fn a_version_made_on_another_node_is_found_before_the_cache_ends() {
    let world = World::new();
    let (here, there) = (world.node().await, world.node().await);
    let key = made(&here).await;
    let old = sealed(&there, KeySelector::Reference(&named(&key))).await.unwrap();
    here.kms.rotate(account(), &named(&key)).await.unwrap();
    let new = sealed(&here, KeySelector::Reference(&named(&key))).await.unwrap();
    assert_eq!(new.envelope.key().unwrap().key_version, 2);
    opens(&there, &new).await.unwrap();
    opens(&here, &old).await.unwrap();
}

#[tokio::test]
async fn calls_are_counted_and_a_second_read_is_none() {
    let world = World::new();
    let node = world.node().await;
    let data = sealed(&node, KeySelector::Default).await.unwrap();
    for _ in 0..3 {
        opens(&node, &data).await.unwrap();
    }
    let expected = KmsMetrics { data_key_calls: 1, unwrap_calls: 1, management_calls: 0, cache_hits: 2 };
    assert_eq!(node.metrics.snapshot(), expected);
    assert_eq!(expected.calls(), 2);
    world.pass(i64::from(CACHE_SECONDS) * 1000);
    opens(&node, &data).await.unwrap();
    assert_eq!(node.metrics.snapshot().unwrap_calls, 2);
}

#[tokio::test]
async fn a_due_key_is_destroyed_for_good_and_no_other() {
    let world = World::new();
    let node = world.node().await;
    let (doomed, kept) = (made(&node).await, made(&node).await);
    let data = sealed(&node, KeySelector::Reference(&named(&doomed))).await.unwrap();
    node.kms.set_alias(account(), "doomed", &named(&doomed)).await.unwrap();
    for (key, days) in [(&doomed, 7), (&kept, 8)] {
        node.kms.schedule_deletion(account(), &named(key), days).await.unwrap();
    }
    world.pass(7 * DAY_MS - 1);
    assert!(node.kms.tend().await.unwrap().destroyed.is_empty());
    world.pass(1);
    assert_eq!(node.kms.tend().await.unwrap().destroyed, std::slice::from_ref(&doomed));
    assert!(node.kms.tend().await.unwrap().destroyed.is_empty());
    assert!(matches!(opens(&node, &data).await, Err(KmsError::NotFound(Subject::Key(name))) if name == doomed));
    let alias = KeyReference::parse("alias/doomed");
    assert!(matches!(node.kms.describe(account(), &alias).await, Err(KmsError::AliasNotFound(_))));
    node.kms.cancel_deletion(account(), &named(&kept)).await.unwrap();
    world.pass(2 * DAY_MS);
    assert!(node.kms.tend().await.unwrap().destroyed.is_empty());
    assert_eq!(node.kms.list(account()).await.unwrap().len(), 1);
}

/// Whatever call to the store fails, and however, an answered key works afterwards, and there is one default key.
#[tokio::test]
async fn a_failing_store_loses_no_key_that_was_answered() {
    for call in 1..12 {
        for fault in [Fault::Refused, Fault::AnswerLost] {
            let world = World::new();
            drop(world.node().await);
            let faults = Arc::new(Faults::none());
            let opening = world.node_on(faulty(&world, &faults), "root.key").await;
            drop(opening);
            let faults = Arc::new(Faults::at(faults.calls() + call, fault));
            let node = world.node_on(faulty(&world, &faults), "root.key").await.unwrap();
            let mut answered = Vec::new();
            for _ in 0..3 {
                match sealed(&node, KeySelector::Default).await {
                    Ok(data) => answered.push(data),
                    Err(error) => assert!(matches!(error, KmsError::Unavailable(_)), "{error:?}"),
                }
            }
            assert!(answered.len() >= 2, "one fault spoils one call");
            let after = world.node().await;
            for data in &answered {
                opens(&after, data).await.unwrap();
            }
            assert_eq!(after.kms.list(account()).await.unwrap().len(), 1);
        }
    }
}

fn faulty(world: &World, faults: &Arc<Faults>) -> Arc<dyn Kv> {
    Arc::new(FaultyKv::new(Arc::clone(&world.kv) as Arc<dyn Kv>, Arc::clone(faults)))
}

/// A store in which every commit is in conflict ends in an answer, not in a loop.
#[tokio::test]
async fn endless_conflict_ends() {
    let world = World::new();
    let key = made(&world.node().await).await;
    let kv = Meddled { kv: Arc::clone(&world.kv), overtaker: Mutex::default(), contended: true };
    let node = world.node_on(Arc::new(kv), "root.key").await.unwrap();
    assert!(matches!(sealed(&node, KeySelector::Default).await, Err(KmsError::Unavailable(_))));
    assert!(matches!(node.kms.disable(account(), &named(&key)).await, Err(KmsError::Unavailable(_))));
    assert!(matches!(node.kms.set_alias(account(), "a", &named(&key)).await, Err(KmsError::Unavailable(_))));
}

/// A version that no key has, in a ciphertext that anybody can make up, costs a look at that key, and no other key anything.
#[tokio::test]
async fn a_made_up_ciphertext_leaves_other_keys_known() {
    let world = World::new();
    let faults = Arc::new(Faults::none());
    let node = world.node_on(faulty(&world, &faults), "root.key").await.unwrap();
    let (busy, other) = (made(&node).await, made(&node).await);
    let encrypt = KeyUse::Encrypt {
        key: named(&other),
        plaintext: Plaintext::new(vec![1; 4].into()),
        context: BTreeMap::new(),
        purpose: KeyPurpose::Data,
    };
    let KeyOutcome::Encrypted { mut ciphertext, .. } = used(&node, encrypt).await.unwrap() else { panic!("sealed") };
    sealed(&node, KeySelector::Reference(&named(&busy))).await.unwrap();
    // Behind version, suite and the key's id (FORMAT.md §17).
    ciphertext[18..22].copy_from_slice(&9_u32.to_be_bytes());
    assert!(matches!(used(&node, decrypt(ciphertext)).await, Err(KmsError::Failed(FailureCode::CiphertextInvalid))));
    let calls = faults.calls();
    sealed(&node, KeySelector::Reference(&named(&busy))).await.unwrap();
    assert_eq!(faults.calls(), calls, "the busy key is still known");
}

fn decrypt(ciphertext: Vec<u8>) -> KeyUse {
    KeyUse::Decrypt { key: None, ciphertext, context: BTreeMap::new(), purpose: KeyPurpose::Data }
}

async fn used(node: &Opened, operation: KeyUse) -> Result<KeyOutcome, KmsError> {
    node.kms.operate(&Principal::Root(account()), KeyOperation::Use(operation)).await
}

/// What the importing of `material` into the key needs, as a customer makes it.
async fn brought(node: &Opened, key: &KeyName, material: &[u8], expires: Option<Timestamp>) -> ImportMaterial {
    let wrapping = ImportWrapping::RsaOaepSha256Of2048;
    let asked = KeyOperation::GetImportParameters { key: named(key), wrapping };
    let answer = node.kms.operate(&Principal::Root(account()), asked).await.unwrap();
    let KeyOutcome::ImportParameters(parameters) = answer else { panic!("parameters were asked for") };
    let public = PublicEncryptingKey::from_der(&parameters.public_key).unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let mut wrapped = vec![0; public.ciphertext_size()];
    public.encrypt(&OAEP_SHA256_MGF1SHA256, material, &mut wrapped, None).unwrap();
    let (key, token) = (named(key), parameters.token);
    ImportMaterial { key, token, wrapped, expires, for_rotation: false, material: None }
}

async fn imported(node: &Opened, import: ImportMaterial) -> Result<KeyOutcome, KmsError> {
    node.kms.operate(&Principal::Root(account()), KeyOperation::ImportMaterial(import)).await
}

fn is_refused(answer: Result<KeyOutcome, KmsError>, expected: FailureCode) -> bool {
    matches!(answer, Err(KmsError::Refused { code, .. }) if code == expected)
}

#[tokio::test]
async fn imported_material_ends_at_its_time_and_comes_back_only_as_itself() {
    let world = World::new();
    let node = world.node().await;
    let external = CreateKey { origin: KeyOrigin::External, ..CreateKey::new(KeySpec::Aes256) };
    let key = node.kms.create(account(), &external).await.unwrap().name;
    let end = Timestamp::from_millis(world.now.load(Ordering::SeqCst) + 1000);
    imported(&node, brought(&node, &key, &[7; 32], Some(end)).await).await.unwrap();
    let data = sealed(&node, KeySelector::Reference(&named(&key))).await.unwrap();
    world.pass(999);
    opens(&node, &data).await.unwrap();
    // Nobody has tended the key, and no cache has ended.
    world.pass(1);
    assert!(matches!(sealed(&node, KeySelector::Reference(&named(&key))).await, Err(KmsError::PendingImport(_))));
    assert_eq!(node.kms.tend().await.unwrap().expired, std::slice::from_ref(&key));
    assert!(matches!(opens(&node, &data).await, Err(KmsError::PendingImport(_))));
    let other = imported(&node, brought(&node, &key, &[8; 32], None).await).await;
    assert!(is_refused(other, FailureCode::KeyMaterialMismatch));
    imported(&node, brought(&node, &key, &[7; 32], None).await).await.unwrap();
    opens(&node, &data).await.unwrap();
}

#[tokio::test]
async fn a_token_is_for_one_key_and_one_day_and_material_has_the_length_of_its_cipher() {
    let world = World::new();
    let node = world.node().await;
    let external = CreateKey { origin: KeyOrigin::External, ..CreateKey::new(KeySpec::Aes256) };
    let key = node.kms.create(account(), &external).await.unwrap().name;
    let other = node.kms.create(account(), &external).await.unwrap().name;
    let short = imported(&node, brought(&node, &key, &[7; 16], None).await).await;
    assert!(is_refused(short, FailureCode::KeyMaterialInvalid));
    let import = brought(&node, &key, &[7; 32], None).await;
    let astray = imported(&node, ImportMaterial { key: named(&other), ..import.clone() }).await;
    assert!(is_refused(astray, FailureCode::ImportTokenInvalid));
    world.pass(DAY_MS);
    assert!(is_refused(imported(&node, import).await, FailureCode::ImportTokenExpired));
}

/// Types that hold secrets must not be printable: this fails to compile when one is.
#[test]
fn no_secret_can_be_printed() {
    macro_rules! not_debug {
        ($($secret:ty),*) => {$({
            trait Candidate<Why> { fn only() {} }
            struct Printable;
            impl<T: ?Sized> Candidate<()> for T {}
            impl<T: ?Sized + Debug> Candidate<Printable> for T {}
            // With Debug there are two candidates, and the compiler cannot choose.
            <$secret as Candidate<_>>::only();
        })*};
    }
    not_debug!(KeyBytes, ContentKey, DataKey, Root, Known, Embedded, Catalog, Entropy);
    not_debug!(crate::catalog::identities::NewAccessKey);
}
