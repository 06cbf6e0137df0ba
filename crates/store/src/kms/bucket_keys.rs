//! Bucket keys in use (FORMAT.md §9.1): the level between a master key and the data keys of a bucket. The key service makes one with one
//! call, and many data keys are wrapped under it here.
//!
//! Whether the master key may seal is asked before each of them all the same, and under which version: so a key that is disabled, or
//! rotated, has no more data keys than without bucket keys. What is spared is the call that uses it.

use std::sync::Arc;

use ring::digest::{Context, SHA256};
use strongroom_model::account::AccountId;
use strongroom_seal::{Binding, ContentKey, Envelope, Suite, wrap};
use tokio::sync::Mutex;

use super::{
    BucketKey, DataKey, KeySelector, Kms, KmsError, Wrapped,
    bounded::Bounded,
    metrics::{Metrics, count},
    not_enveloped,
    patient::bounded,
};
use crate::surroundings::{Clock, Entropy};

/// How long a bucket key is used, in seconds: as long as the services whose clients ask for it do.
pub const BUCKET_KEY_SECONDS: u32 = 180;

/// Data keys that one bucket key wraps at most: what one of them that gets known can give away. Nonces would allow far more.
pub const BUCKET_KEY_WRAPS: u32 = 1 << 20;

/// Bucket keys in use at most, in less than a KiB each. A requester who uses up more, by contexts that are all different, costs others calls
/// and nothing else.
const BUCKET_KEYS: usize = 1024;

/// The bucket keys that data keys are wrapped under. They are in memory alone, and wiped when their time is over.
pub(crate) struct BucketKeys {
    kms: Arc<dyn Kms>,
    metrics: Arc<Metrics>,
    clock: Clock,
    entropy: Entropy,
    /// By the digest of requester, master key, its version, and place.
    held: Bounded<[u8; 32], Slot>,
}

/// Whose data key it is to be: a bucket key is for one requester and one master key.
pub(crate) struct BucketKeyFor<'a> {
    /// Who asks.
    pub(crate) requester: String,
    /// In which account the key is looked up.
    pub(crate) account: AccountId,
    /// The master key.
    pub(crate) which: KeySelector<'a>,
}

/// Where one bucket key is, or is to be: who comes while it is made waits for it.
type Slot = Mutex<Option<InUse>>;

struct InUse {
    bucket_key: Arc<BucketKey>,
    wraps: u32,
}

impl BucketKeys {
    /// None yet, of what `kms` makes.
    pub(super) fn new(kms: Arc<dyn Kms>, metrics: Arc<Metrics>, clock: Clock, entropy: Entropy) -> Self {
        let held = Bounded::new(BUCKET_KEYS, u64::from(BUCKET_KEY_SECONDS) * 1000);
        Self { kms, metrics, clock, entropy, held }
    }

    /// A fresh data key for an object of `suite`, under a bucket key: see [`Kms::data_key`].
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn data_key(
        &self,
        whose: BucketKeyFor<'_>,
        suite: &'static Suite,
        binding: &Binding<'_>,
    ) -> Result<DataKey, KmsError> {
        let (bucket_key, cached) = self.bucket_key(whose, binding).await?;
        let content = ContentKey::fresh(suite, self.entropy.key(suite.key_len)?)
            .map_err(|_| KmsError::Invalid("this suite has no data key"))?;
        let envelope = self.envelope(&bucket_key, &content, binding)?;
        Ok(DataKey { content, envelope, name: bucket_key.name.clone(), cached })
    }

    /// A data key that is there already, under a bucket key: see [`Kms::wrap`].
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn wrap(
        &self,
        whose: BucketKeyFor<'_>,
        content: &ContentKey,
        binding: &Binding<'_>,
    ) -> Result<Wrapped, KmsError> {
        let (bucket_key, cached) = self.bucket_key(whose, binding).await?;
        let envelope = self.envelope(&bucket_key, content, binding)?;
        Ok(Wrapped { envelope, name: bucket_key.name.clone(), cached })
    }

    /// Wipes those whose time is over, if nobody else comes to do it.
    pub(crate) fn evict(&self) {
        self.held.evict((self.clock)());
    }

    /// The bucket key for that requester and place, and whether it was known.
    async fn bucket_key(
        &self,
        whose: BucketKeyFor<'_>,
        binding: &Binding<'_>,
    ) -> Result<(Arc<BucketKey>, bool), KmsError> {
        let BucketKeyFor { requester, account, which } = whose;
        let current = self.kms.current_version(account, which).await?;
        let place = binding.bucket_key();
        let number = current.number.to_be_bytes();
        let id = digest([requester.as_bytes(), current.name.id.as_bytes(), &number, &place.encode()]);
        let slot = self.held.get_or_insert_with(&id, (self.clock)(), Slot::default);
        bounded(async {
            let mut held = slot.lock().await;
            if let Some(in_use) = held.as_mut().filter(|in_use| in_use.wraps < BUCKET_KEY_WRAPS) {
                in_use.wraps += 1;
                count(&self.metrics.cache_hits);
                return Ok((Arc::clone(&in_use.bucket_key), true));
            }
            let bucket_key = Arc::new(self.kms.bucket_key(account, which, &place).await?);
            *held = Some(InUse { bucket_key: Arc::clone(&bucket_key), wraps: 1 });
            Ok((bucket_key, false))
        })
        .await
    }

    fn envelope(
        &self,
        bucket_key: &BucketKey,
        content: &ContentKey,
        binding: &Binding<'_>,
    ) -> Result<Envelope, KmsError> {
        let suite = bucket_key.wrapped.suite();
        let data_key = content.data_key().ok_or(KmsError::Invalid("this suite has no data key"))?;
        let wrapped = wrap(&bucket_key.key, suite, &self.entropy.array()?, &binding.encode(), data_key);
        let wrapped = wrapped.map_err(|error| KmsError::Damaged(error.into()))?;
        let (id, number, context) = (bucket_key.name.id.clone(), bucket_key.key_version, binding.context.clone());
        let envelope = Envelope::sealed(content, id, number, context, wrapped);
        envelope.and_then(|envelope| envelope.under(bucket_key.wrapped.clone())).map_err(not_enveloped)
    }
}

/// One number for all of `fields`, so that maps need not keep them.
pub(super) fn digest<const N: usize>(fields: [&[u8]; N]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for field in fields {
        context.update(&(field.len() as u64).to_be_bytes());
        context.update(field);
    }
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests;
