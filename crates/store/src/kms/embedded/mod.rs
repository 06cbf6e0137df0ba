//! Our own key service: master keys in the catalog, wrapped under the root key.

mod lookup;
mod manage;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_model::account::AccountId;
use strongroom_model::key::{KeyDescription, KeyName, KeyReference, KeySpec, KeyState};
use strongroom_model::name::Region;
use strongroom_model::operation::admin::CreateKey;
use strongroom_seal::{
    AES_256_GCM, Binding, ContentKey, Envelope, Error, KeyBinding, KeyBytes, SM4_GCM, Suite, fingerprint, unwrap, wrap,
};

use super::{DataKey, KeySelector, Kms, KmsError, bounded::Bounded, root::Root};
use crate::{
    catalog::{
        Catalog,
        keys::{KeyVersion, MasterKey, Role},
    },
    surroundings::{Clock, Entropy},
};
use lookup::{Known, Name};

/// Master keys that are kept unwrapped at most: one for each of a thousand busy tenants.
const KNOWN_KEYS: usize = 1024;

/// Aliases and standing keys whose ids are kept at most.
const KNOWN_NAMES: usize = 4096;

/// The key service.
pub(super) struct Embedded {
    catalog: Arc<Catalog>,
    root: Root,
    region: Region,
    clock: Clock,
    entropy: Entropy,
    known: Bounded<String, Known>,
    names: Bounded<Name, String>,
}

impl Embedded {
    /// The service over these keys; keys and their states are believed for `lifetime_ms`.
    pub(super) fn new(
        catalog: Arc<Catalog>,
        root: Root,
        region: Region,
        clock: Clock,
        entropy: Entropy,
        lifetime_ms: u64,
    ) -> Self {
        let known = Bounded::new(KNOWN_KEYS, lifetime_ms);
        let names = Bounded::new(KNOWN_NAMES, lifetime_ms);
        Self { catalog, root, region, clock, entropy, known, names }
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

    /// Whether the key may seal and open now.
    fn check_usable(&self, key: &MasterKey) -> Result<(), KmsError> {
        match key.state {
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(KmsError::Disabled(self.name(key))),
            KeyState::PendingDeletion { .. } => Err(KmsError::PendingDeletion(self.name(key))),
        }
    }

    /// A key that is nobody's yet. Its versions are empty.
    fn fresh_key(&self, account: AccountId, role: Role, spec: KeySpec) -> Result<MasterKey, KmsError> {
        let id = uuid::Builder::from_random_bytes(self.entropy.array()?).into_uuid().to_string();
        let mut key = MasterKey {
            id,
            account,
            role,
            spec,
            description: String::new(),
            aliases: Default::default(),
            state: KeyState::Enabled,
            created: (self.clock)(),
            versions: Vec::new(),
        };
        self.add_version(&mut key)?;
        Ok(key)
    }

    /// Gives the key a new version, which is the one that seals.
    fn add_version(&self, key: &mut MasterKey) -> Result<(), KmsError> {
        let material = self.entropy.key(suite_of(key.spec).key_len)?;
        let account = key.account.aws();
        let place = KeyBinding { account: &account, key_id: &key.id, key_version: key.current() + 1 };
        let wrapped = self.root.wrap(&place, &material)?;
        key.versions.push(KeyVersion { created: (self.clock)(), fingerprint: fingerprint(&material), wrapped });
        Ok(())
    }

    /// The key of that version, unwrapped. None if there is no such version.
    fn material<'a>(&self, known: &'a Known, number: u32) -> Result<Option<&'a KeyBytes>, KmsError> {
        let Some((version, slot)) = known.version(number) else { return Ok(None) };
        if let Some(material) = slot.get() {
            return Ok(Some(material));
        }
        let account = known.key.account.aws();
        let place = KeyBinding { account: &account, key_id: &known.key.id, key_version: number };
        let material = self.root.unwrap(&place, &version.wrapped)?;
        if fingerprint(&material) != version.fingerprint {
            return Err(KmsError::Damaged("a master key is not the one that its row names".into()));
        }
        Ok(Some(slot.get_or_init(|| material)))
    }

    /// `content`'s data key in an envelope, under the current version.
    fn envelope(&self, known: &Known, content: &ContentKey, binding: &Binding<'_>) -> Result<Envelope, KmsError> {
        let number = known.key.current();
        let kek = self.material(known, number)?.expect("the current version is one of the versions");
        let data_key = content.data_key().expect("a fresh content key has a data key");
        let wrapped = wrap(kek, suite_of(known.key.spec), &self.entropy.array()?, &binding.encode(), data_key)
            .expect("a master key has the length of its suite's keys");
        Envelope::sealed(content, known.key.id.clone(), number, binding.context.clone(), wrapped).map_err(|error| {
            match error {
                Error::TooLarge(_) => KmsError::Invalid("the encryption context is too long"),
                other => KmsError::Damaged(other.into()),
            }
        })
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
        Ok(DataKey { content, envelope, name: self.name(&known.key) })
    }

    async fn unwrap(&self, envelope: &Envelope, binding: &Binding<'_>) -> Result<ContentKey, KmsError> {
        let damaged = |error: Error| KmsError::Damaged(error.into());
        let key = envelope.key().ok_or_else(|| KmsError::Damaged("an envelope without a key".into()))?;
        let known = self.known_version(AccountId::parse(binding.account), &key.key_id, key.key_version).await?;
        self.check_usable(&known.key)?;
        let kek = self.material(&known, key.key_version)?;
        let kek = kek.ok_or_else(|| KmsError::Damaged("an envelope names no version of its key".into()))?;
        let data_key = unwrap(kek, &key.wrapped, &binding.encode()).map_err(damaged)?;
        envelope.unlock(Some(data_key)).map_err(damaged)
    }

    async fn create(&self, account: AccountId, asked: &CreateKey) -> Result<KeyDescription, KmsError> {
        self.create_key(account, asked).await
    }

    async fn describe(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        Ok(self.description(&self.find(account, key).await?.record))
    }

    async fn list(&self, account: AccountId) -> Result<Vec<KeyDescription>, KmsError> {
        let keys = self.catalog.master_keys_of(account, super::KEYS_PER_ACCOUNT).await?;
        Ok(keys.iter().map(|key| self.description(key)).collect())
    }

    async fn enable(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.change(account, key, |key| self.turn(key, KeyState::Enabled)).await
    }

    async fn disable(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.change(account, key, |key| self.turn(key, KeyState::Disabled)).await
    }

    async fn schedule_deletion(
        &self,
        account: AccountId,
        key: &KeyReference,
        days: u32,
    ) -> Result<KeyDescription, KmsError> {
        let deletion = self.deletion_in(days)?;
        self.change(account, key, |key| self.turn(key, KeyState::PendingDeletion { deletion })).await
    }

    async fn cancel_deletion(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.change(account, key, |key| self.call_off(key)).await
    }

    async fn set_alias(&self, account: AccountId, alias: &str, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.point(account, alias, key).await
    }

    async fn remove_alias(&self, account: AccountId, alias: &str) -> Result<(), KmsError> {
        self.unpoint(account, alias).await
    }

    async fn rotate(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.change(account, key, |key| self.renew(key)).await
    }

    async fn destroy_due(&self) -> Result<Vec<KeyName>, KmsError> {
        self.destroy((self.clock)()).await
    }

    async fn prove(&self) -> Result<String, KmsError> {
        let place = KeyBinding { account: "", key_id: "proof", key_version: 0 };
        let key = self.entropy.key(AES_256_GCM.key_len)?;
        let back = self.root.unwrap(&place, &self.root.wrap(&place, &key)?)?;
        match back.expose() == key.expose() {
            true => Ok(format!("embedded, root key from {}", self.root.provider())),
            false => Err(KmsError::Damaged("a wrapped key came back as another".into())),
        }
    }
}
