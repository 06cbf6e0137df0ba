//! From what was asked for to a master key: what is known, else what the catalog says.

use std::sync::{Arc, OnceLock};

use strongroom_model::account::AccountId;
use strongroom_model::failure::Subject;
use strongroom_model::key::{KeyName, KeyOrigin, KeyReference, KeySpec};
use strongroom_seal::KeyBytes;

use super::Embedded;
use crate::{
    catalog::{
        ATTEMPTS, CatalogError, Found,
        grants::GrantRow,
        keys::{KeyVersion, MasterKey, Role},
    },
    kms::{
        KeyFacts, KeySelector, KmsError,
        reference::{Target, owner, resolve},
    },
    kv::Commit,
};

/// A master key as it was read, and those of its versions that were unwrapped since.
pub(super) struct Known {
    pub(super) key: MasterKey,
    /// The same for decisions, with the grants that lie beside it.
    pub(super) facts: Arc<KeyFacts>,
    unwrapped: Vec<OnceLock<KeyBytes>>,
}

impl Known {
    fn new(name: KeyName, key: MasterKey, grants: Vec<GrantRow>) -> Self {
        let unwrapped = key.versions.iter().map(|_| OnceLock::new()).collect();
        let grants = grants.into_iter().map(|row| row.on(name.clone())).collect();
        let facts = KeyFacts { name, project: key.project.clone(), policy: key.policy.clone(), grants };
        Self { key, facts: Arc::new(facts), unwrapped }
    }

    /// The version with that number, and where its key is kept.
    pub(super) fn version(&self, number: u32) -> Option<(&KeyVersion, &OnceLock<KeyBytes>)> {
        let version = self.key.version(number)?;
        Some((version, &self.unwrapped[number as usize - 1]))
    }
}

impl Embedded {
    /// The key to seal with.
    pub(super) async fn select(&self, account: AccountId, which: KeySelector<'_>) -> Result<Arc<Known>, KmsError> {
        let reference = match which {
            KeySelector::Default => return self.standing(account, Role::Default).await,
            KeySelector::Managed => return self.standing(account, Role::Managed).await,
            KeySelector::Reference(reference) => reference,
        };
        let account = owner(reference, account);
        if let Target::Default = resolve(reference, account, &self.region)? {
            return self.standing(account, Role::Default).await;
        }
        let id = self.id_of(account, reference).await?;
        let known = self.load(&id).await?.filter(|known| is_visible(&known.key, account));
        known.ok_or_else(|| self.no_key(id, account))
    }

    /// The key that a client manages, as the catalog has it now.
    pub(super) async fn find(
        &self,
        account: AccountId,
        reference: &KeyReference,
    ) -> Result<Found<MasterKey>, KmsError> {
        let account = owner(reference, account);
        let id = self.id_of(account, reference).await?;
        let found = self.catalog.master_key(&id).await?.filter(|found| is_visible(&found.record, account));
        found.ok_or_else(|| self.no_key(id, account))
    }

    /// What is known of the key that `which` selects, whosever it is.
    pub(super) async fn look(&self, account: AccountId, which: KeySelector<'_>) -> Result<Arc<KeyFacts>, KmsError> {
        let KeySelector::Reference(reference) = which else {
            return Ok(Arc::clone(&self.select(account, which).await?.facts));
        };
        let named = reference.account.as_deref().and_then(AccountId::parse);
        let account = named.unwrap_or_else(|| owner(reference, account));
        let id = self.id_of(account, reference).await?;
        let is_it = |known: &Arc<Known>| {
            known.key.role != Role::Managed && (reference.account.is_none() || known.key.account == account)
        };
        let known = self.load(&id).await?.filter(is_it).ok_or_else(|| self.no_key(id, account))?;
        Ok(Arc::clone(&known.facts))
    }

    /// The key that sealed something for `account`, believed known only if it has the version that did.
    pub(super) async fn known_version(
        &self,
        account: Option<AccountId>,
        id: &str,
        number: u32,
    ) -> Result<Arc<Known>, KmsError> {
        let not_found = || match account {
            Some(account) => self.no_key(id.to_owned(), account),
            None => KmsError::NotFound(Subject::Text(id.to_owned())),
        };
        let known = self.load(id).await?.ok_or_else(not_found)?;
        if known.version(number).is_some() {
            return Ok(known);
        }
        // Another node has rotated the key since it was read here; or a ciphertext lies, which must cost other keys nothing.
        self.read(id).await?.ok_or_else(not_found)
    }

    /// The id of the key that `reference` names in `account`: the alias is looked up now, since rights hang on what it points at.
    async fn id_of(&self, account: AccountId, reference: &KeyReference) -> Result<String, KmsError> {
        let id = match resolve(reference, account, &self.region)? {
            Target::Id(id) => return Ok(id),
            Target::Alias(alias) => self.catalog.aliased_key(account, alias).await?,
            Target::Default => self.catalog.standing_key(account, Role::Default).await?,
        };
        id.ok_or_else(|| KmsError::AliasNotFound(reference.text.clone()))
    }

    /// There is no such key, called as it would be if there were.
    fn no_key(&self, id: String, account: AccountId) -> KmsError {
        KmsError::NotFound(Subject::Key(KeyName { id, account, region: self.region.clone(), is_default: false }))
    }

    /// The account's key in a standing role, made if this is the first time: of several that make it at once, on
    /// whatever nodes, one wins and all use that one.
    async fn standing(&self, account: AccountId, role: Role) -> Result<Arc<Known>, KmsError> {
        for _ in 0..ATTEMPTS {
            if let Some(id) = self.standing_id(account, role).await? {
                let missing = CatalogError::Inconsistent("an account's standing key does not exist");
                return self.load(&id).await?.ok_or_else(|| missing.into());
            }
            let key = self.fresh_key(account, role, KeySpec::Aes256, KeyOrigin::Service)?;
            if self.catalog.insert_key(&key).await? == Commit::Committed {
                return Ok(Arc::new(Known::new(self.name(&key), key, Vec::new())));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// The master key with that id.
    async fn load(&self, id: &str) -> Result<Option<Arc<Known>>, KmsError> {
        match self.known.get(&id.to_owned(), (self.clock)()) {
            Some(known) => Ok(Some(known)),
            None => self.read(id).await,
        }
    }

    /// The same as the catalog has it now; it is known from then on.
    async fn read(&self, id: &str) -> Result<Option<Arc<Known>>, KmsError> {
        let moment = self.known.moment((self.clock)());
        let Some(found) = self.catalog.master_key(id).await? else { return Ok(None) };
        // Nobody can grant anything on the keys that clients do not make.
        let grants = match found.record.role {
            Role::Customer => self.catalog.grants_of_key(found.record.account, id).await?,
            Role::Default | Role::Managed => Vec::new(),
        };
        let known = Arc::new(Known::new(self.name(&found.record), found.record, grants));
        self.known.insert(id.to_owned(), Arc::clone(&known), moment);
        Ok(Some(known))
    }

    /// The id of the account's key in a standing role, if there is one.
    async fn standing_id(&self, account: AccountId, role: Role) -> Result<Option<Arc<String>>, KmsError> {
        let (place, now) = ((account, role), (self.clock)());
        if let Some(id) = self.standing.get(&place, now) {
            return Ok(Some(id));
        }
        let moment = self.standing.moment(now);
        let id = self.catalog.standing_key(account, role).await?.map(Arc::new);
        if let Some(id) = &id {
            self.standing.insert(place, Arc::clone(id), moment);
        }
        Ok(id)
    }
}

/// Whether the account's people may know of the key.
pub(super) fn is_visible(key: &MasterKey, account: AccountId) -> bool {
    key.account == account && key.role != Role::Managed
}
