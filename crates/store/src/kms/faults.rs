//! A key service that goes wrong on order, around any provider: for crash tests, and for what a key service far away may do.

use std::{
    future::{Future, pending},
    io,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use strongroom_model::{
    account::{AccountId, Principal},
    operation::KeyOperation,
    outcome::KeyOutcome,
};
use strongroom_seal::{Binding, BucketBinding, ContentKey, Envelope, EnvelopeKey, KeyBytes, Suite};

use super::{BucketKey, CurrentVersion, DataKey, KeyFacts, KeySelector, Kms, KmsError, Tended, Unwrapped, Wrapped};
use crate::faults::Faults;

/// What the key service does, as long as it is told to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// What it should.
    #[default]
    Right,
    /// It never answers.
    Hangs,
    /// It answers with a key that is another one, and says that all is well.
    WrongKeys,
    /// It has lost the version of the key that is wanted.
    VersionLost,
}

/// Any provider, under a plan of faults, and of a conduct that can be changed.
pub struct FaultyKms {
    inner: Arc<dyn Kms>,
    faults: Arc<Faults>,
    conduct: Arc<Mutex<Conduct>>,
}

impl FaultyKms {
    /// Puts `inner` under the plan, and has it behave as `conduct` says at each call.
    pub fn new(inner: Arc<dyn Kms>, faults: Arc<Faults>, conduct: Arc<Mutex<Conduct>>) -> Self {
        Self { inner, faults, conduct }
    }

    /// Makes a call as planned, unless the service hangs.
    async fn call<T>(&self, call: impl Future<Output = Result<T, KmsError>>) -> Result<T, KmsError> {
        if self.conduct() == Conduct::Hangs {
            return pending().await;
        }
        self.faults.around(call, injected).await
    }

    fn conduct(&self) -> Conduct {
        *self.conduct.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn injected() -> KmsError {
    KmsError::Unavailable(io::Error::other("injected fault").into())
}

/// Another key than `right`: each of its bits is turned.
fn another(right: &ContentKey) -> Result<ContentKey, KmsError> {
    let Some(key) = right.data_key() else { return Ok(ContentKey::plain()) };
    ContentKey::fresh(right.suite(), turned(key)?).map_err(|error| KmsError::Damaged(error.into()))
}

fn turned(key: &KeyBytes) -> Result<KeyBytes, KmsError> {
    let turned: Vec<u8> = key.expose().iter().map(|byte| !byte).collect();
    KeyBytes::new(&turned).map_err(|error| KmsError::Damaged(error.into()))
}

fn version_lost() -> KmsError {
    KmsError::Damaged("the key has no such version".into())
}

#[async_trait]
impl Kms for FaultyKms {
    async fn data_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        suite: &'static Suite,
        binding: &Binding<'_>,
    ) -> Result<DataKey, KmsError> {
        self.call(self.inner.data_key(account, which, suite, binding)).await
    }

    async fn wrap(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        content: &ContentKey,
        binding: &Binding<'_>,
    ) -> Result<Wrapped, KmsError> {
        self.call(self.inner.wrap(account, which, content, binding)).await
    }

    async fn current_version(&self, account: AccountId, which: KeySelector<'_>) -> Result<CurrentVersion, KmsError> {
        self.call(self.inner.current_version(account, which)).await
    }

    async fn bucket_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        place: &BucketBinding<'_>,
    ) -> Result<BucketKey, KmsError> {
        self.call(self.inner.bucket_key(account, which, place)).await
    }

    async fn unwrap_bucket_key(&self, key: &EnvelopeKey, place: &BucketBinding<'_>) -> Result<KeyBytes, KmsError> {
        let call = self.call(self.inner.unwrap_bucket_key(key, place));
        match self.conduct() {
            Conduct::VersionLost => Err(version_lost()),
            Conduct::WrongKeys => turned(&call.await?),
            Conduct::Right | Conduct::Hangs => call.await,
        }
    }

    async fn unwrap(&self, envelope: &Envelope, binding: &Binding<'_>) -> Result<Unwrapped, KmsError> {
        match self.conduct() {
            Conduct::VersionLost => Err(version_lost()),
            Conduct::WrongKeys => {
                let Unwrapped { content, cached } = self.call(self.inner.unwrap(envelope, binding)).await?;
                Ok(Unwrapped { content: another(&content)?, cached })
            }
            Conduct::Right | Conduct::Hangs => self.call(self.inner.unwrap(envelope, binding)).await,
        }
    }

    async fn facts(&self, account: AccountId, which: KeySelector<'_>) -> Result<Arc<KeyFacts>, KmsError> {
        self.call(self.inner.facts(account, which)).await
    }

    async fn operate(&self, principal: &Principal, operation: KeyOperation) -> Result<KeyOutcome, KmsError> {
        self.call(self.inner.operate(principal, operation)).await
    }

    async fn tend(&self) -> Result<Tended, KmsError> {
        self.call(self.inner.tend()).await
    }

    async fn wrap_own(&self, place: &str, key: &KeyBytes) -> Result<Vec<u8>, KmsError> {
        self.call(self.inner.wrap_own(place, key)).await
    }

    async fn prove(&self) -> Result<String, KmsError> {
        self.call(self.inner.prove()).await
    }
}
