//! The embedded key service: its conformance suite, and its states against a model.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use strongroom_model::{
    account::AccountId,
    key::{KeyReference, KeySpec, KeyState},
    name::Region,
    operation::key::CreateKey,
    time::Timestamp,
};
use strongroom_seal::{AES_256_GCM, Binding};
use strongroom_store::{
    catalog::Catalog,
    kms::{self, Config, DataKey, KeySelector, Kms, KmsError, Opened, RootConfig, suite},
    kv::MemoryKv,
    surroundings::{Clock, Entropy},
};

const DAY_MS: i64 = 86_400_000;

#[tokio::test]
async fn the_embedded_service_conforms_with_and_without_a_cache() {
    for cache_seconds in [0, 5] {
        let folder = tempfile::tempdir().unwrap();
        let opened = open(folder.path(), cache_seconds, Arc::default()).await;
        let region = Region::parse("us-east-1").unwrap();
        suite::run(&suite::Subject { kms: opened.kms, region, account: account(7), other: account(8) }).await;
    }
}

#[tokio::test]
async fn a_cache_that_believes_too_long_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = try_open(folder.path(), kms::CACHE_SECONDS_MAX + 1, Arc::default()).await;
    assert_eq!(refused.err().unwrap().to_string(), "kms.cache_seconds may be 300 at most");
}

/// What a key's owner may do, and time.
#[derive(Clone, Debug)]
enum Step {
    Create,
    Enable(usize),
    Disable(usize),
    Schedule(usize, u32),
    Cancel(usize),
    Rotate(usize),
    Alias(usize, u8),
    Unalias(u8),
    Seal(usize),
    Pass(i64),
    Destroy,
}

/// What is to be expected of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expected {
    id: String,
    state: KeyState,
    version: u32,
    aliases: Vec<String>,
}

struct World {
    kms: Arc<dyn Kms>,
    now: Arc<AtomicI64>,
    /// All keys ever made; those that were destroyed are none.
    model: Vec<Option<Expected>>,
    sealed: Vec<(usize, DataKey)>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..3_usize;
    let step = prop_oneof![
        2 => Just(Step::Create),
        1 => key().prop_map(Step::Enable),
        1 => key().prop_map(Step::Disable),
        1 => (key(), 7..10_u32).prop_map(|(key, days)| Step::Schedule(key, days)),
        1 => key().prop_map(Step::Cancel),
        1 => key().prop_map(Step::Rotate),
        1 => (key(), any::<u8>()).prop_map(|(key, alias)| Step::Alias(key, alias % 3)),
        1 => any::<u8>().prop_map(|alias| Step::Unalias(alias % 3)),
        3 => key().prop_map(Step::Seal),
        1 => (1..4 * DAY_MS).prop_map(Step::Pass),
        1 => Just(Step::Destroy),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// After any history, every key is as the model says, and what was sealed opens exactly when its key is enabled.
    #[test]
    fn keys_live_as_their_state_machine_says(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let now = Arc::new(AtomicI64::new(0));
            let kms = open(folder.path(), 5, Arc::clone(&now)).await.kms;
            let mut world = World { kms, now, model: Vec::new(), sealed: Vec::new() };
            for step in &steps {
                world.take(step).await?;
            }
            world.compare().await
        })?;
    }
}

impl World {
    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let account = account(7);
        match *step {
            Step::Create if self.model.len() < 3 => {
                let asked = CreateKey::new(KeySpec::Aes256);
                let id = self.kms.create(account, &asked).await.unwrap().name.id;
                self.model.push(Some(Expected { id, state: KeyState::Enabled, version: 1, aliases: Vec::new() }));
            }
            Step::Create => {}
            Step::Pass(millis) => drop(self.now.fetch_add(millis, Ordering::SeqCst)),
            Step::Destroy => {
                let now = self.time();
                let due =
                    |key: &Expected| matches!(key.state, KeyState::PendingDeletion { deletion } if deletion <= now);
                let expected = self.model.iter().flatten().filter(|key| due(key)).count();
                prop_assert_eq!(self.kms.tend().await.unwrap().destroyed.len(), expected);
                self.model.iter_mut().for_each(|key| drop(key.take_if(|key| due(key))));
            }
            Step::Unalias(alias) => {
                let removed = self.kms.remove_alias(account, &name(alias)).await.is_ok();
                prop_assert_eq!(removed, self.unalias(&name(alias)));
            }
            Step::Enable(key)
            | Step::Disable(key)
            | Step::Schedule(key, _)
            | Step::Cancel(key)
            | Step::Rotate(key)
            | Step::Alias(key, _)
            | Step::Seal(key) => self.use_key(key, step).await?,
        }
        Ok(())
    }

    /// Takes a step with a key, and sees that it succeeds exactly when the model says so.
    async fn use_key(&mut self, index: usize, step: &Step) -> Result<(), TestCaseError> {
        let Some(Some(expected)) = self.model.get(index).cloned() else { return Ok(()) };
        let (account, key) = (account(7), KeyReference::parse(&expected.id));
        let pending = matches!(expected.state, KeyState::PendingDeletion { .. });
        let enabled = expected.state == KeyState::Enabled;
        let mut after = expected.clone();
        let (allowed, done) = match *step {
            Step::Enable(_) => {
                after.state = KeyState::Enabled;
                (!pending, self.kms.enable(account, &key).await.is_ok())
            }
            Step::Disable(_) => {
                after.state = KeyState::Disabled;
                (!pending, self.kms.disable(account, &key).await.is_ok())
            }
            Step::Schedule(_, days) => {
                after.state = KeyState::PendingDeletion { deletion: self.time().plus_millis(i64::from(days) * DAY_MS) };
                (!pending, self.kms.schedule_deletion(account, &key, days).await.is_ok())
            }
            Step::Cancel(_) => {
                after.state = KeyState::Disabled;
                (pending, self.kms.cancel_deletion(account, &key).await.is_ok())
            }
            Step::Rotate(_) => {
                after.version += 1;
                (enabled, self.kms.rotate(account, &key).await.is_ok())
            }
            Step::Alias(_, alias) => {
                let done = self.kms.set_alias(account, &name(alias), &key).await.is_ok();
                if done {
                    self.unalias(&name(alias));
                    after.aliases = self.model[index].clone().unwrap().aliases;
                    after.aliases.push(name(alias));
                    after.aliases.sort();
                }
                (!pending, done)
            }
            _ => {
                let sealed = seal(&*self.kms, &key).await;
                let done = sealed.is_ok();
                self.sealed.extend(sealed.ok().map(|sealed| (index, sealed)));
                (enabled, done)
            }
        };
        prop_assert_eq!(done, allowed);
        if done {
            self.model[index] = Some(after);
        }
        Ok(())
    }

    /// Takes the alias from whichever key has it; false if none has.
    fn unalias(&mut self, alias: &str) -> bool {
        let mut aliases = self.model.iter_mut().flatten().map(|key| &mut key.aliases);
        aliases.any(|aliases| aliases.iter().position(|it| it == alias).map(|at| aliases.remove(at)).is_some())
    }

    async fn compare(&self) -> Result<(), TestCaseError> {
        let mut found: Vec<_> = self.kms.list(account(7)).await.unwrap();
        found.sort_by_key(|key| self.model.iter().position(|it| it.as_ref().is_some_and(|it| it.id == key.name.id)));
        let found: Vec<_> = found
            .into_iter()
            .map(|key| Expected { id: key.name.id, state: key.state, version: key.version, aliases: key.aliases })
            .collect();
        prop_assert_eq!(&found, &self.model.iter().flatten().cloned().collect::<Vec<_>>());
        for (index, sealed) in &self.sealed {
            let expected = match &self.model[*index] {
                None => "not found",
                Some(Expected { state: KeyState::Enabled, .. }) => "opened",
                Some(Expected { state: KeyState::Disabled, .. }) => "disabled",
                Some(Expected { state: KeyState::PendingDeletion { .. }, .. }) => "pending",
                Some(Expected { state: KeyState::PendingImport, .. }) => "without material",
            };
            prop_assert_eq!(fate(&*self.kms, sealed).await, expected);
        }
        Ok(())
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }
}

async fn seal(kms: &dyn Kms, key: &KeyReference) -> Result<DataKey, KmsError> {
    kms.data_key(account(7), KeySelector::Reference(key), &AES_256_GCM, &place(&BTreeMap::new())).await
}

async fn fate(kms: &dyn Kms, sealed: &DataKey) -> &'static str {
    match kms.unwrap(&sealed.envelope, &place(&BTreeMap::new())).await {
        Ok(opened) => {
            assert!(opened.content.data_key().unwrap().expose() == sealed.content.data_key().unwrap().expose());
            "opened"
        }
        Err(KmsError::NotFound(_)) => "not found",
        Err(KmsError::Disabled(_)) => "disabled",
        Err(KmsError::PendingDeletion(_)) => "pending",
        Err(KmsError::PendingImport(_)) => "without material",
        Err(other) => panic!("{other:?}"),
    }
}

fn place(context: &BTreeMap<String, String>) -> Binding<'_> {
    Binding { account: "account", bucket: "bucket", key: "key", version: "version", context }
}

fn name(alias: u8) -> String {
    format!("alias-{alias}")
}

fn account(number: u64) -> AccountId {
    AccountId::new(number).unwrap()
}

async fn open(folder: &Path, cache_seconds: u32, now: Arc<AtomicI64>) -> Opened {
    try_open(folder, cache_seconds, now).await.unwrap()
}

async fn try_open(folder: &Path, cache_seconds: u32, now: Arc<AtomicI64>) -> Result<Opened, kms::OpenError> {
    let entropy = seeded(9);
    let catalog =
        Catalog::open(Arc::new(MemoryKv::new()), &folder.join("metadata.key"), entropy.clone()).await.unwrap();
    let config = Config::Embedded { root: RootConfig::File { path: folder.join("root.key") }, cache_seconds };
    let clock: Clock = Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)));
    kms::open(&config, Arc::new(catalog), Region::parse("us-east-1").unwrap(), clock, entropy).await
}

/// Bytes that repeat from run to run, never within one: SplitMix64.
fn seeded(seed: u64) -> Entropy {
    let state = AtomicU64::new(seed);
    Entropy::new(move |bytes| {
        for chunk in bytes.chunks_mut(8) {
            let mut word = state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    })
}
