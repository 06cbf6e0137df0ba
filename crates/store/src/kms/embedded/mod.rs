//! Our own key service: master keys in the catalog, wrapped under the root key.

mod alias;
mod crypt;
mod grant;
mod import;
mod lifecycle;
mod lookup;
mod manage;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_model::account::{AccountId, Principal};
use strongroom_model::failure::FailureCode;
use strongroom_model::key::{KeyName, KeyOrigin, KeyRotation, KeySpec, KeyState, VersionCause};
use strongroom_model::name::Region;
use strongroom_model::operation::KeyOperation;
use strongroom_model::outcome::KeyOutcome;
use strongroom_seal::{
    AES_256_GCM, Binding, BucketBinding, ContentKey, Envelope, EnvelopeKey, KeyBinding, KeyBytes, SM4_GCM, Suite,
    WrappedKey, fingerprint, unwrap, wrap,
};

use super::{
    BucketKey, CurrentVersion, DataKey, KeyFacts, KeySelector, Kms, KmsError, Tended, Unwrapped, Wrapped,
    bounded::Bounded, not_enveloped, own_place, root::Root,
};
use crate::{
    catalog::{
        Catalog,
        keys::{KeyVersion, MasterKey, Role},
    },
    surroundings::{Clock, Entropy},
};
use lookup::Known;

/// Master keys that are kept unwrapped at most: one for each of a thousand busy tenants.
const KNOWN_KEYS: usize = 1024;

/// Standing keys whose ids are kept at most: two for each of two thousand accounts.
const KNOWN_STANDING: usize = 4096;

/// The key service.
pub(super) struct Embedded {
    catalog: Arc<Catalog>,
    root: Arc<Root>,
    region: Region,
    clock: Clock,
    entropy: Entropy,
    known: Bounded<String, Known>,
    standing: Bounded<(AccountId, Role), String>,
}

impl Embedded {
    /// The service over these keys; keys and their states are believed for `lifetime_ms`.
    pub(super) fn new(
        catalog: Arc<Catalog>,
        root: Arc<Root>,
        region: Region,
        clock: Clock,
        entropy: Entropy,
        lifetime_ms: u64,
    ) -> Self {
        let known = Bounded::new(KNOWN_KEYS, lifetime_ms);
        let standing = Bounded::new(KNOWN_STANDING, lifetime_ms);
        Self { catalog, root, region, clock, entropy, known, standing }
    }

    /// How the key is called.
    fn name(&self, key: &MasterKey) -> KeyName {
        KeyName {
            id: key.id.clone(),
            account: key.account,
            region: self.region.clone(),
            is_default: key.role == Role::Default,
        }
    }

    /// Whether the key may seal and open now. Imported material ends at its time, however late its row is tended.
    fn check_usable(&self, key: &MasterKey) -> Result<(), KmsError> {
        lifecycle::usable(key).map_err(|obstacle| self.obstructed(key, obstacle))?;
        match lifecycle::has_expired(key, (self.clock)()) {
            true => Err(KmsError::PendingImport(self.name(key))),
            false => Ok(()),
        }
    }

    /// A key that is nobody's yet, with its first version if the service draws its material.
    fn fresh_key(
        &self,
        account: AccountId,
        role: Role,
        spec: KeySpec,
        origin: KeyOrigin,
    ) -> Result<MasterKey, KmsError> {
        let mut key = MasterKey {
            id: uuid::Builder::from_random_bytes(self.entropy.array()?).into_uuid().to_string(),
            account,
            role,
            spec,
            description: String::new(),
            aliases: Default::default(),
            state: KeyState::PendingImport,
            created: (self.clock)(),
            versions: Vec::new(),
            upcoming: None,
            origin,
            tags: Default::default(),
            policy: None,
            project: None,
            rotation_days: KeyRotation::DAYS,
            rotation_next: None,
            protection: None,
        };
        if origin == KeyOrigin::Service {
            let first = self.drawn_version(&key, VersionCause::Creation)?;
            key.versions.push(first);
            key.state = KeyState::Enabled;
        }
        Ok(key)
    }

    /// What may become the key's next version, its material drawn here.
    fn drawn_version(&self, key: &MasterKey, cause: VersionCause) -> Result<KeyVersion, KmsError> {
        let material = self.entropy.key(suite_of(key.spec).key_len)?;
        self.wrapped_version(key, key.current() + 1, cause, &material)
    }

    /// Version `number` of the key, its material wrapped under the root key.
    fn wrapped_version(
        &self,
        key: &MasterKey,
        number: u32,
        cause: VersionCause,
        material: &KeyBytes,
    ) -> Result<KeyVersion, KmsError> {
        let account = key.account.aws();
        let place = KeyBinding { account: &account, key_id: &key.id, key_version: number };
        let wrapped = Some(self.root.wrap(&place, material)?);
        Ok(KeyVersion { created: (self.clock)(), cause, fingerprint: fingerprint(material), wrapped, expires: None })
    }

    /// The key of that version, unwrapped. None if there is no such version, or its material was deleted.
    fn material<'a>(&self, known: &'a Known, number: u32) -> Result<Option<&'a KeyBytes>, KmsError> {
        let Some((version, slot)) = known.version(number) else { return Ok(None) };
        if let Some(material) = slot.get() {
            return Ok(Some(material));
        }
        let Some(wrapped) = &version.wrapped else { return Ok(None) };
        let account = known.key.account.aws();
        let place = KeyBinding { account: &account, key_id: &known.key.id, key_version: number };
        let material = self.root.unwrap(&place, wrapped)?;
        if fingerprint(&material) != version.fingerprint {
            return Err(KmsError::Damaged("a master key is not the one that its row names".into()));
        }
        Ok(Some(slot.get_or_init(|| material)))
    }

    /// `key` under the current version, for the place that `aad` says.
    fn wrap_under(&self, known: &Known, key: &KeyBytes, aad: &[u8]) -> Result<WrappedKey, KmsError> {
        let kek = self.material(known, known.key.current())?;
        let kek = kek.expect("a key in use has the material of its current version");
        let wrapped = wrap(kek, suite_of(known.key.spec), &self.entropy.array()?, aad, key);
        Ok(wrapped.expect("a master key has the length of its suite's keys"))
    }

    /// What is in `wrapped`, which the master key version that `key` names has wrapped, if that may open now.
    async fn unwrap_under(
        &self,
        key: &EnvelopeKey,
        wrapped: &WrappedKey,
        account: &str,
        aad: &[u8],
    ) -> Result<KeyBytes, KmsError> {
        let known = self.known_version(AccountId::parse(account), &key.key_id, key.key_version).await?;
        self.check_usable(&known.key)?;
        let kek = self.material(&known, key.key_version)?;
        let kek = kek.ok_or_else(|| KmsError::Damaged("an envelope names no version of its key".into()))?;
        unwrap(kek, wrapped, aad).map_err(|error| KmsError::Damaged(error.into()))
    }

    /// `content`'s data key in an envelope, under the current version.
    fn envelope(&self, known: &Known, content: &ContentKey, binding: &Binding<'_>) -> Result<Envelope, KmsError> {
        let number = known.key.current();
        let data_key = content.data_key().expect("a fresh content key has a data key");
        let wrapped = self.wrap_under(known, data_key, &binding.encode())?;
        Envelope::sealed(content, known.key.id.clone(), number, binding.context.clone(), wrapped).map_err(not_enveloped)
    }
}

/// The suite under which a master key wraps.
fn suite_of(spec: KeySpec) -> &'static Suite {
    match spec {
        KeySpec::Aes256 => &AES_256_GCM,
        KeySpec::Sm4 => &SM4_GCM,
    }
}

#[async_trait]
impl Kms for Embedded {
    async fn facts(&self, account: AccountId, which: KeySelector<'_>) -> Result<Arc<KeyFacts>, KmsError> {
        self.look(account, which).await
    }

    async fn data_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        suite: &'static Suite,
        binding: &Binding<'_>,
    ) -> Result<DataKey, KmsError> {
        let known = self.select(account, which).await?;
        self.check_usable(&known.key)?;
        let content = ContentKey::fresh(suite, self.entropy.key(suite.key_len)?)
            .map_err(|_| KmsError::Invalid("this suite has no data key"))?;
        let envelope = self.envelope(&known, &content, binding)?;
        Ok(DataKey { content, envelope, name: self.name(&known.key), cached: false })
    }

    async fn wrap(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        content: &ContentKey,
        binding: &Binding<'_>,
    ) -> Result<Wrapped, KmsError> {
        let known = self.select(account, which).await?;
        self.check_usable(&known.key)?;
        let envelope = self.envelope(&known, content, binding)?;
        Ok(Wrapped { envelope, name: self.name(&known.key), cached: false })
    }

    async fn current_version(&self, account: AccountId, which: KeySelector<'_>) -> Result<CurrentVersion, KmsError> {
        let known = self.select(account, which).await?;
        self.check_usable(&known.key)?;
        Ok(CurrentVersion { name: self.name(&known.key), number: known.key.current() })
    }

    async fn bucket_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        place: &BucketBinding<'_>,
    ) -> Result<BucketKey, KmsError> {
        let known = self.select(account, which).await?;
        self.check_usable(&known.key)?;
        let suite = suite_of(known.key.spec);
        let key = self.entropy.key(suite.key_len)?;
        let wrapped = self.wrap_under(&known, &key, &place.encode())?;
        Ok(BucketKey { key, wrapped, name: self.name(&known.key), key_version: known.key.current() })
    }

    async fn unwrap_bucket_key(&self, key: &EnvelopeKey, place: &BucketBinding<'_>) -> Result<KeyBytes, KmsError> {
        let wrapped = key.bucket_key.as_ref();
        let wrapped = wrapped.ok_or_else(|| KmsError::Damaged("an envelope without a bucket key".into()))?;
        self.unwrap_under(key, wrapped, place.account, &place.encode()).await
    }

    async fn unwrap(&self, envelope: &Envelope, binding: &Binding<'_>) -> Result<Unwrapped, KmsError> {
        let key = envelope.key().ok_or_else(|| KmsError::Damaged("an envelope without a key".into()))?;
        let data_key = self.unwrap_under(key, &key.wrapped, binding.account, &binding.encode()).await?;
        let content = envelope.unlock(Some(data_key)).map_err(|error| KmsError::Damaged(error.into()))?;
        Ok(Unwrapped { content, cached: false })
    }

    async fn operate(&self, principal: &Principal, operation: KeyOperation) -> Result<KeyOutcome, KmsError> {
        let account = principal.account().ok_or(KmsError::Failed(FailureCode::AnonymousDenied))?;
        self.dispatch(principal, account, operation).await
    }

    async fn tend(&self) -> Result<Tended, KmsError> {
        self.do_due((self.clock)()).await
    }

    async fn wrap_own(&self, place: &str, key: &KeyBytes) -> Result<Vec<u8>, KmsError> {
        self.root.wrap(&own_place(place), key)
    }

    async fn prove(&self) -> Result<String, KmsError> {
        let place = own_place("proof");
        let key = self.entropy.key(AES_256_GCM.key_len)?;
        let back = self.root.unwrap(&place, &self.root.wrap(&place, &key)?)?;
        match back.expose() == key.expose() {
            true => Ok(format!("embedded, root key from {}", self.root.provider())),
            false => Err(KmsError::Damaged("a wrapped key came back as another".into())),
        }
    }
}
