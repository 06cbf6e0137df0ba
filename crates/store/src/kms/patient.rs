//! A bound on waiting for a key service: one that hangs costs its callers so long, and no more.

use std::{future::Future, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use strongroom_model::{
    account::{AccountId, Principal},
    operation::KeyOperation,
    outcome::KeyOutcome,
};
use strongroom_seal::{Binding, BucketBinding, ContentKey, Envelope, EnvelopeKey, KeyBytes, Suite};
use tokio::time::timeout;

use super::{BucketKey, CurrentVersion, DataKey, KeyFacts, KeySelector, Kms, KmsError, Tended, Unwrapped, Wrapped};

/// How long a key is waited for. Clients' own patience is a minute or more, and a key service that answers at all answers within a
/// second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Any key service, with a bound on the calls that requests for objects wait for. Changes of keys run to their end.
pub(super) struct Patient {
    inner: Arc<dyn Kms>,
}

impl Patient {
    /// Bounds the waiting for `inner`.
    pub(super) fn new(inner: Arc<dyn Kms>) -> Self {
        Self { inner }
    }
}

/// What comes of `call`, if it comes in time.
pub(super) async fn bounded<T>(call: impl Future<Output = Result<T, KmsError>>) -> Result<T, KmsError> {
    let late = |_| KmsError::Unavailable(io::Error::from(io::ErrorKind::TimedOut).into());
    timeout(PATIENCE, call).await.map_err(late)?
}

#[async_trait]
impl Kms for Patient {
    async fn data_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        suite: &'static Suite,
        binding: &Binding<'_>,
    ) -> Result<DataKey, KmsError> {
        bounded(self.inner.data_key(account, which, suite, binding)).await
    }

    async fn wrap(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        content: &ContentKey,
        binding: &Binding<'_>,
    ) -> Result<Wrapped, KmsError> {
        bounded(self.inner.wrap(account, which, content, binding)).await
    }

    async fn current_version(&self, account: AccountId, which: KeySelector<'_>) -> Result<CurrentVersion, KmsError> {
        bounded(self.inner.current_version(account, which)).await
    }

    async fn bucket_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        place: &BucketBinding<'_>,
    ) -> Result<BucketKey, KmsError> {
        bounded(self.inner.bucket_key(account, which, place)).await
    }

    async fn unwrap_bucket_key(&self, key: &EnvelopeKey, place: &BucketBinding<'_>) -> Result<KeyBytes, KmsError> {
        bounded(self.inner.unwrap_bucket_key(key, place)).await
    }

    async fn unwrap(&self, envelope: &Envelope, binding: &Binding<'_>) -> Result<Unwrapped, KmsError> {
        bounded(self.inner.unwrap(envelope, binding)).await
    }

    async fn facts(&self, account: AccountId, which: KeySelector<'_>) -> Result<Arc<KeyFacts>, KmsError> {
        bounded(self.inner.facts(account, which)).await
    }

    async fn operate(&self, principal: &Principal, operation: KeyOperation) -> Result<KeyOutcome, KmsError> {
        self.inner.operate(principal, operation).await
    }

    async fn tend(&self) -> Result<Tended, KmsError> {
        self.inner.tend().await
    }

    async fn wrap_own(&self, place: &str, key: &KeyBytes) -> Result<Vec<u8>, KmsError> {
        bounded(self.inner.wrap_own(place, key)).await
    }

    async fn prove(&self) -> Result<String, KmsError> {
        bounded(self.inner.prove()).await
    }
}
