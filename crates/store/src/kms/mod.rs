//! The key service: master keys that never leave it, data keys that it gives out wrapped.
//!
//! Every provider is one file here behind [`Kms`], and passes [`suite`]. Engines use a provider through [`open`], which puts
//! a bounded cache and counters in front of it. State changes made through one [`Kms`] take effect in it at once, and in
//! all others within the cache's lifetime.

mod bounded;
mod bucket_keys;
mod cache;
mod calls;
mod embedded;
mod error;
pub mod faults;
mod metrics;
mod patient;
mod reference;
mod root;
pub mod suite;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use strongroom_model::account::{AccountId, Principal};
use strongroom_model::grant::Grant;
use strongroom_model::key::{KeyName, KeyReference};
use strongroom_model::name::Region;
use strongroom_model::operation::KeyOperation;
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::policy::PolicyDocument;
use strongroom_seal::{
    Binding, BucketBinding, Ciphertext, ContentKey, Envelope, EnvelopeKey, Error, KeyBinding, KeyBytes, Suite,
    WrappedKey,
};
use uuid::Uuid;

use crate::{
    catalog::Catalog,
    surroundings::{Clock, Entropy},
};

pub use bucket_keys::{BUCKET_KEY_SECONDS, BUCKET_KEY_WRAPS};
pub(crate) use bucket_keys::{BucketKeyFor, BucketKeys};
use cache::Cached;
use embedded::Embedded;
pub use error::{KmsError, OpenError};
pub use metrics::{KmsMetrics, Metrics};
use patient::Patient;
pub use root::Config as RootConfig;
pub(crate) use root::Root;

/// How long a key's state, or a key, may be believed without looking, in seconds, unless configured: so long may reads go on
/// when a key is disabled on another node.
pub const CACHE_SECONDS: u32 = 5;

/// The longest time that may be configured: a key that is disabled in an emergency must stop within minutes.
pub const CACHE_SECONDS_MAX: u32 = 300;

/// Master keys that an account may have: what one listing shows.
pub const KEYS_PER_ACCOUNT: usize = 1000;

/// Aliases that one key may have, as AWS allows.
pub const ALIASES_PER_KEY: usize = 50;

/// Versions that one key may have: daily rotation for almost three years.
pub const VERSIONS_PER_KEY: usize = 1000;

/// Longest description in bytes, as AWS allows.
pub const DESCRIPTION_BYTES: usize = 8192;

/// Tags that one key may have, as AWS allows.
pub const TAGS_PER_KEY: usize = 50;

/// Grants that one key may have, as Huawei allows.
pub const GRANTS_PER_KEY: usize = 100;

/// Which provider holds the master keys, as an operator configures it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Config {
    /// Our own, which keeps them in the catalog, wrapped under a root key.
    Embedded {
        /// Where the root key is.
        root: RootConfig,
        /// See [`CACHE_SECONDS`]; 0 asks anew each time.
        #[serde(default = "cache_seconds")]
        cache_seconds: u32,
    },
}

/// Which master key is to wrap a data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySelector<'a> {
    /// The account's default key, which is made when it is first wanted.
    Default,
    /// The key that the client named.
    Reference(&'a KeyReference),
    /// The key with which the service seals when it manages the keys; made when first wanted, and never shown.
    Managed,
}

impl<'a> KeySelector<'a> {
    /// The key that a client named, which may be the default one by one of its names, or that alone.
    pub fn of(named: Option<&'a KeyReference>) -> Self {
        match named {
            Some(reference) if !reference::is_default(reference) => Self::Reference(reference),
            _ => Self::Default,
        }
    }
}

/// What there is to be known of a master key to decide about its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its name.
    pub name: KeyName,
    /// The project it was made in; none if that is the default one.
    pub project: Option<String>,
    /// Its policy, if its owner wrote one.
    pub policy: Option<PolicyDocument>,
    /// The grants on it.
    pub grants: Arc<[Grant]>,
}

/// The key that a ciphertext of [`KeyOperation::Use`] names, if it is of the form of one.
pub fn named_in(ciphertext: &[u8]) -> Option<KeyReference> {
    let sealed = Ciphertext::decode(ciphertext).ok()?;
    Some(KeyReference::parse(&Uuid::from_bytes(sealed.key).to_string()))
}

/// A fresh data key. Plaintext and stored key travel apart.
pub struct DataKey {
    /// For sealing, once, and then to be dropped.
    pub content: ContentKey,
    /// For the catalog.
    pub envelope: Envelope,
    /// The master key that wraps it, itself or by a bucket key.
    pub name: KeyName,
    /// Whether the bucket key was known, so that the service was not asked.
    pub cached: bool,
}

/// A data key, wrapped.
pub struct Wrapped {
    /// For the catalog.
    pub envelope: Envelope,
    /// The master key that wraps it, itself or by a bucket key.
    pub name: KeyName,
    /// See [`DataKey::cached`].
    pub cached: bool,
}

/// The version of a master key that seals now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentVersion {
    /// The key.
    pub name: KeyName,
    /// The version's number.
    pub number: u32,
}

/// A fresh bucket key (FORMAT.md §9.1). Plaintext and stored key travel apart.
pub struct BucketKey {
    /// For wrapping data keys; as long as the keys of the suite that [`BucketKey::wrapped`] is wrapped with.
    pub key: KeyBytes,
    /// For the envelopes of those data keys.
    pub wrapped: WrappedKey,
    /// The master key that wraps it.
    pub name: KeyName,
    /// The version of that key.
    pub key_version: u32,
}

/// A data key that was wrapped.
pub struct Unwrapped {
    /// It.
    pub content: ContentKey,
    /// Whether it, or the bucket key over it, was still known, so that the service behind was not asked.
    pub cached: bool,
}

/// A key service. Safe to share; every method may be called from many tasks at once.
///
/// A client's reference is looked up in `account`: a key of another account is not found, unless it was found before
/// ([`KeyTarget::Found`](strongroom_model::key::KeyTarget)) and the caller was let use it.
#[async_trait]
pub trait Kms: Send + Sync {
    /// What is known of the key that `which` selects: a look at it for deciding about a use, and no use. A key that a
    /// reference names by its id is found whosever it is, an alias in the account that the reference names, else in
    /// `account`. No key is made but that of [`KeySelector::Default`].
    ///
    /// # Errors
    /// As the reference deserves; [`KmsError::Unavailable`].
    async fn facts(&self, account: AccountId, which: KeySelector<'_>) -> Result<Arc<KeyFacts>, KmsError>;

    /// A fresh data key for an object of `suite`, wrapped under the master key that `which` selects, and bound to the
    /// object's identity and to the client's context, both in `binding`.
    ///
    /// # Errors
    /// As the reference deserves; [`KmsError::Disabled`], [`KmsError::PendingDeletion`]; [`KmsError::Invalid`] for a
    /// context that is too long; [`KmsError::Unavailable`].
    async fn data_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        suite: &'static Suite,
        binding: &Binding<'_>,
    ) -> Result<DataKey, KmsError>;

    /// A data key that is there already, wrapped under the master key that `which` selects, and bound as `binding` says.
    ///
    /// # Errors
    /// As [`Kms::data_key`].
    async fn wrap(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        content: &ContentKey,
        binding: &Binding<'_>,
    ) -> Result<Wrapped, KmsError>;

    /// The version under which the key that `which` selects seals now: a look before a use that the service will not see, and no use.
    ///
    /// # Errors
    /// As [`Kms::data_key`], but for what is wrong with a context.
    async fn current_version(&self, account: AccountId, which: KeySelector<'_>) -> Result<CurrentVersion, KmsError>;

    /// A fresh bucket key for that place, wrapped under the master key that `which` selects, in its suite.
    ///
    /// # Errors
    /// As [`Kms::data_key`].
    async fn bucket_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        place: &BucketBinding<'_>,
    ) -> Result<BucketKey, KmsError>;

    /// The bucket key of an envelope, which must have one, if `place` is what it was wrapped for.
    ///
    /// # Errors
    /// As [`Kms::unwrap`].
    async fn unwrap_bucket_key(&self, key: &EnvelopeKey, place: &BucketBinding<'_>) -> Result<KeyBytes, KmsError>;

    /// The key inside `envelope`, which must have one, if `binding` is what it was wrapped for. Of an envelope with a bucket key a provider
    /// unwraps that alone, by [`Kms::unwrap_bucket_key`]; what [`open`] puts in front does the rest.
    ///
    /// # Errors
    /// [`KmsError::NotFound`] if the master key was destroyed; [`KmsError::Disabled`], [`KmsError::PendingDeletion`];
    /// [`KmsError::Damaged`] if the envelope was changed, or belongs elsewhere; [`KmsError::Unavailable`].
    async fn unwrap(&self, envelope: &Envelope, binding: &Binding<'_>) -> Result<Unwrapped, KmsError>;

    /// Does what `principal` asks with its account's keys.
    ///
    /// # Errors
    /// As the reference to the key deserves; what the key's state, its origin and the limits forbid; what is wrong with what
    /// was asked; [`KmsError::Unavailable`].
    async fn operate(&self, principal: &Principal, operation: KeyOperation) -> Result<KeyOutcome, KmsError>;

    /// Does what the time has come for: destroys keys, rotates them, deletes imported material. To be called every now and
    /// then.
    ///
    /// # Errors
    /// [`KmsError::Unavailable`].
    async fn tend(&self) -> Result<Tended, KmsError>;

    /// A key of the store's own, wrapped under the root key for the place that `place` names: what a backup is sealed under.
    ///
    /// # Errors
    /// [`KmsError::Unavailable`].
    async fn wrap_own(&self, place: &str, key: &KeyBytes) -> Result<Vec<u8>, KmsError>;

    /// Wraps and unwraps a fresh key, and says by what.
    ///
    /// # Errors
    /// Whatever stands in the way of sealing and opening.
    async fn prove(&self) -> Result<String, KmsError>;
}

/// What [`Kms::tend`] has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tended {
    /// Keys that were destroyed.
    pub destroyed: Vec<KeyName>,
    /// Keys that were rotated.
    pub rotated: Vec<KeyName>,
    /// Keys whose imported material was deleted.
    pub expired: Vec<KeyName>,
}

/// An opened key service.
pub struct Opened {
    /// The service.
    pub kms: Arc<dyn Kms>,
    /// The bucket keys in use.
    pub(crate) bucket_keys: Arc<BucketKeys>,
    /// What it counts.
    pub metrics: Arc<Metrics>,
    /// The root key, for the keys of the system itself.
    pub(crate) root: Arc<Root>,
}

/// What is put around a provider, behind the cache and the bound on waiting: for tests.
pub type Around = Arc<dyn Fn(Arc<dyn Kms>) -> Arc<dyn Kms> + Send + Sync>;

/// Opens the configured key service. A new catalog gets a new root key.
///
/// # Errors
/// See [`OpenError`]: each says what the operator should do.
pub async fn open(
    config: &Config,
    catalog: Arc<Catalog>,
    region: Region,
    clock: Clock,
    entropy: Entropy,
    around: Option<&Around>,
) -> Result<Opened, OpenError> {
    let Config::Embedded { root, cache_seconds } = config;
    if *cache_seconds > CACHE_SECONDS_MAX {
        return Err(OpenError::Config("kms.cache_seconds may be 300 at most"));
    }
    // Two caches lie one behind the other, of master keys and of data keys; together they believe as long as allowed.
    let lifetime_ms = u64::from(*cache_seconds) * 1000 / 2;
    let root = Arc::new(root::open(root, &catalog, &entropy).await?);
    let embedded = Embedded::new(catalog, Arc::clone(&root), region, Arc::clone(&clock), entropy.clone(), lifetime_ms);
    let provider: Arc<dyn Kms> = Arc::new(embedded);
    let provider = around.map_or_else(|| Arc::clone(&provider), |around| around(Arc::clone(&provider)));
    let metrics = Arc::<Metrics>::default();
    let provider = Arc::new(Patient::new(provider));
    let kms: Arc<dyn Kms> = Arc::new(Cached::new(provider, Arc::clone(&metrics), Arc::clone(&clock), lifetime_ms));
    let bucket_keys = BucketKeys::new(Arc::clone(&kms), Arc::clone(&metrics), clock, entropy);
    Ok(Opened { kms, bucket_keys: Arc::new(bucket_keys), metrics, root })
}

/// The root key alone, for a catalog that is yet to be restored.
///
/// # Errors
/// [`OpenError::RootMissing`], [`OpenError::KeyFile`].
pub(crate) fn open_root(config: &Config, entropy: &Entropy) -> Result<Root, OpenError> {
    let Config::Embedded { root, .. } = config;
    root::open_alone(root, entropy)
}

/// Where a key of the store's own is, which no catalog names.
pub(crate) fn own_place(place: &str) -> KeyBinding<'_> {
    KeyBinding { account: "", key_id: place, key_version: 0 }
}

/// Why a data key cannot be put into an envelope.
fn not_enveloped(error: Error) -> KmsError {
    match error {
        Error::TooLarge(_) => KmsError::Invalid("the encryption context is too long"),
        other => KmsError::Damaged(other.into()),
    }
}

fn cache_seconds() -> u32 {
    CACHE_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_names_the_provider_and_refuses_what_it_does_not_know() {
        let config: Config =
            serde_json::from_str(r#"{"type":"embedded","root":{"type":"file","path":"/srv/root.key"}}"#).unwrap();
        let root = RootConfig::File { path: "/srv/root.key".into() };
        assert_eq!(config, Config::Embedded { root, cache_seconds: 5 });
        for bad in [
            r#"{"type":"embedded"}"#,
            r#"{"type":"remote","root":{"type":"file","path":"/srv/root.key"}}"#,
            r#"{"type":"embedded","root":{"type":"hsm","path":"/srv/root.key"}}"#,
            r#"{"type":"embedded","root":{"type":"file","path":"/srv/root.key"},"cache":5}"#,
            r#"{"type":"embedded","root":{"type":"file","path":"/srv/root.key","mode":1}}"#,
        ] {
            assert!(serde_json::from_str::<Config>(bad).is_err(), "{bad}");
        }
    }
}
