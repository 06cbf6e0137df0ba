//! In front of every key service: data keys and bucket keys that were unwrapped a moment ago, and the counters.
//!
//! The cache answers only for the same envelope and the same binding, and the envelope's commitment is compared again, so a hit
//! says nothing that the service behind would not say, but for a change of a key's state on another node.

use std::sync::{Arc, atomic::AtomicU64};

use async_trait::async_trait;
use strongroom_model::account::{AccountId, Principal};
use strongroom_model::operation::KeyOperation;
use strongroom_model::outcome::KeyOutcome;
use strongroom_seal::{Binding, BucketBinding, ContentKey, Envelope, EnvelopeKey, KeyBytes, Suite, WrappedKey, unwrap};

use super::{
    BucketKey, CurrentVersion, DataKey, KeyFacts, KeySelector, Kms, KmsError, Tended, Unwrapped, Wrapped,
    bounded::{Bounded, Moment},
    bucket_keys::digest,
    metrics::{Metrics, count},
};
use crate::surroundings::Clock;

/// Data keys kept at most: of the objects that are read again within seconds, in a few MiB at worst.
const DATA_KEYS: usize = 1024;

/// Unwrapped bucket keys kept at most: of the buckets that are read within seconds, each of which has a few.
const BUCKET_KEYS: usize = 1024;

/// A key service behind a cache.
pub(super) struct Cached {
    inner: Arc<dyn Kms>,
    metrics: Arc<Metrics>,
    clock: Clock,
    /// By their wrapped form, which a random salt makes unlike every other.
    unwrapped: Bounded<Vec<u8>, Known>,
    /// By the digest of all that was unwrapped and of what for.
    bucket_keys: Bounded<[u8; 32], KeyBytes>,
}

/// A data key, and what it was unwrapped for.
struct Known {
    envelope: Envelope,
    binding: Vec<u8>,
    data_key: KeyBytes,
}

impl Cached {
    /// Puts a cache before `inner`.
    pub(super) fn new(inner: Arc<dyn Kms>, metrics: Arc<Metrics>, clock: Clock, lifetime_ms: u64) -> Self {
        let (unwrapped, bucket_keys) = (Bounded::new(DATA_KEYS, lifetime_ms), Bounded::new(BUCKET_KEYS, lifetime_ms));
        Self { inner, metrics, clock, unwrapped, bucket_keys }
    }

    fn remembered(&self, place: &[u8], envelope: &Envelope, binding: &[u8]) -> Option<ContentKey> {
        let hit = self.unwrapped.get(&place.to_vec(), (self.clock)())?;
        if hit.envelope != *envelope || hit.binding != binding {
            return None;
        }
        envelope.unlock(Some(copy(&hit.data_key))).ok()
    }

    fn remember(&self, place: Vec<u8>, envelope: &Envelope, binding: Vec<u8>, content: &ContentKey, moment: Moment) {
        if let Some(data_key) = content.data_key() {
            let known = Known { envelope: envelope.clone(), binding, data_key: copy(data_key) };
            self.unwrapped.insert(place, Arc::new(known), moment);
        }
    }

    /// By way of the bucket key `over` it: one call for all data keys under that. They are unwrapped here, which takes no longer than to
    /// find them, and so are not kept.
    async fn unwrap_by_bucket_key(
        &self,
        envelope: &Envelope,
        (key, over): (&EnvelopeKey, &WrappedKey),
        binding: &Binding<'_>,
    ) -> Result<Unwrapped, KmsError> {
        let damaged = |error: strongroom_seal::Error| KmsError::Damaged(error.into());
        let place = binding.bucket_key();
        let id = digest([&over.encode(), key.key_id.as_bytes(), &key.key_version.to_be_bytes(), &place.encode()]);
        let moment = self.bucket_keys.moment((self.clock)());
        let known = self.bucket_keys.get(&id, (self.clock)());
        let cached = known.is_some();
        let bucket_key = match known {
            Some(known) => {
                count(&self.metrics.cache_hits);
                known
            }
            None => Arc::new(self.unwrap_bucket_key(key, &place).await?),
        };
        let data_key = unwrap(&bucket_key, &key.wrapped, &binding.encode()).map_err(damaged)?;
        let content = envelope.unlock(Some(data_key)).map_err(damaged)?;
        // Only now is it known to be the right one.
        if !cached {
            self.bucket_keys.insert(id, bucket_key, moment);
        }
        Ok(Unwrapped { content, cached })
    }

    /// A call that may change the state of keys: whatever comes of it, keys are asked for anew.
    async fn managing<T>(&self, call: impl Future<Output = Result<T, KmsError>>) -> Result<T, KmsError> {
        let _forgetting = (self.unwrapped.clear_at_last(), self.bucket_keys.clear_at_last());
        self.counted(&self.metrics.management_calls, call).await
    }

    async fn counted<T>(
        &self,
        counter: &AtomicU64,
        call: impl Future<Output = Result<T, KmsError>>,
    ) -> Result<T, KmsError> {
        count(counter);
        call.await
    }
}

fn copy(key: &KeyBytes) -> KeyBytes {
    KeyBytes::new(key.expose()).expect("a key has the length of a key")
}

#[async_trait]
impl Kms for Cached {
    /// Neither counted nor kept here: the service behind keeps it, and it is no use of a key.
    async fn facts(&self, account: AccountId, which: KeySelector<'_>) -> Result<Arc<KeyFacts>, KmsError> {
        self.inner.facts(account, which).await
    }

    async fn data_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        suite: &'static Suite,
        binding: &Binding<'_>,
    ) -> Result<DataKey, KmsError> {
        self.counted(&self.metrics.data_key_calls, self.inner.data_key(account, which, suite, binding)).await
    }

    async fn wrap(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        content: &ContentKey,
        binding: &Binding<'_>,
    ) -> Result<Wrapped, KmsError> {
        self.counted(&self.metrics.data_key_calls, self.inner.wrap(account, which, content, binding)).await
    }

    /// Not counted either: it is no use of a key.
    async fn current_version(&self, account: AccountId, which: KeySelector<'_>) -> Result<CurrentVersion, KmsError> {
        self.inner.current_version(account, which).await
    }

    async fn bucket_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        place: &BucketBinding<'_>,
    ) -> Result<BucketKey, KmsError> {
        self.counted(&self.metrics.data_key_calls, self.inner.bucket_key(account, which, place)).await
    }

    async fn unwrap_bucket_key(&self, key: &EnvelopeKey, place: &BucketBinding<'_>) -> Result<KeyBytes, KmsError> {
        self.counted(&self.metrics.unwrap_calls, self.inner.unwrap_bucket_key(key, place)).await
    }

    async fn unwrap(&self, envelope: &Envelope, binding: &Binding<'_>) -> Result<Unwrapped, KmsError> {
        if let Some((key, over)) = envelope.key().and_then(|key| Some((key, key.bucket_key.as_ref()?))) {
            return self.unwrap_by_bucket_key(envelope, (key, over), binding).await;
        }
        let place = envelope.key().map(|key| key.wrapped.encode()).unwrap_or_default();
        let bound = binding.encode();
        if let Some(content) = self.remembered(&place, envelope, &bound) {
            count(&self.metrics.cache_hits);
            return Ok(Unwrapped { content, cached: true });
        }
        let moment = self.unwrapped.moment((self.clock)());
        let unwrapped = self.counted(&self.metrics.unwrap_calls, self.inner.unwrap(envelope, binding)).await?;
        self.remember(place, envelope, bound, &unwrapped.content, moment);
        Ok(unwrapped)
    }

    async fn operate(&self, principal: &Principal, operation: KeyOperation) -> Result<KeyOutcome, KmsError> {
        let call = |operation| self.inner.operate(principal, operation);
        match operation.is_read() {
            true => self.counted(&self.metrics.management_calls, call(operation)).await,
            false => self.managing(call(operation)).await,
        }
    }

    async fn tend(&self) -> Result<Tended, KmsError> {
        self.managing(self.inner.tend()).await
    }

    async fn wrap_own(&self, place: &str, key: &KeyBytes) -> Result<Vec<u8>, KmsError> {
        self.counted(&self.metrics.management_calls, self.inner.wrap_own(place, key)).await
    }

    async fn prove(&self) -> Result<String, KmsError> {
        self.counted(&self.metrics.management_calls, self.inner.prove()).await
    }
}
