//! What the owners of master keys do with them. The state machine is here, and nowhere else.

use strongroom_model::account::AccountId;
use strongroom_model::key::{KeyDescription, KeyName, KeyReference, KeyState};
use strongroom_model::operation::AdminOperation;
use strongroom_model::operation::admin::CreateKey;
use strongroom_model::time::Timestamp;

use super::Embedded;
use crate::{
    catalog::{
        ATTEMPTS, CatalogError,
        keys::{MasterKey, Role},
    },
    kms::{ALIASES_PER_KEY, DESCRIPTION_BYTES, KEYS_PER_ACCOUNT, KmsError, VERSIONS_PER_KEY, reference},
    kv::Commit,
};

/// Keys destroyed in one call at most; the next call goes on.
const DESTROYED_AT_ONCE: usize = 1000;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Embedded {
    pub(super) fn description(&self, key: &MasterKey) -> KeyDescription {
        KeyDescription {
            name: self.name(key),
            description: key.description.clone(),
            aliases: key.aliases.iter().cloned().collect(),
            spec: key.spec,
            state: key.state,
            created: key.created,
            version: key.current(),
        }
    }

    pub(super) async fn create_key(&self, account: AccountId, asked: &CreateKey) -> Result<KeyDescription, KmsError> {
        if asked.description.len() > DESCRIPTION_BYTES {
            return Err(KmsError::Invalid("a key's description may have 8,192 bytes"));
        }
        let alias = asked.alias.as_deref().map(reference::alias).transpose()?;
        if self.catalog.count_master_keys(account, KEYS_PER_ACCOUNT).await? == KEYS_PER_ACCOUNT {
            return Err(KmsError::Invalid("an account may have 1,000 keys"));
        }
        let mut key = self.fresh_key(account, Role::Customer, asked.spec)?;
        key.description.clone_from(&asked.description);
        key.aliases.extend(alias.map(str::to_owned));
        match (self.catalog.insert_key(&key).await?, alias) {
            (Commit::Committed, _) => Ok(self.description(&key)),
            (Commit::Conflict, Some(alias)) => Err(KmsError::NameTaken(alias.to_owned())),
            (Commit::Conflict, None) => Err(CatalogError::Inconsistent("a fresh key's id exists already").into()),
        }
    }

    /// Changes a key by `alter`, in one checked commit.
    pub(super) async fn change(
        &self,
        account: AccountId,
        reference: &KeyReference,
        alter: impl Fn(&mut MasterKey) -> Result<(), KmsError> + Send + Sync,
    ) -> Result<KeyDescription, KmsError> {
        let _forgetting = self.known.clear_at_last();
        for _ in 0..ATTEMPTS {
            let found = self.find(account, reference).await?;
            self.refuse_default(&found.record)?;
            let mut new = found.record.clone();
            alter(&mut new)?;
            if new == found.record || self.catalog.replace_key(&found, &new).await? == Commit::Committed {
                return Ok(self.description(&new));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// Turns a key that is not pending deletion to `state`.
    pub(super) fn turn(&self, key: &mut MasterKey, state: KeyState) -> Result<(), KmsError> {
        if let KeyState::PendingDeletion { .. } = key.state {
            return Err(self.conflict(key, "the key is pending deletion"));
        }
        key.state = state;
        Ok(())
    }

    /// Calls off a key's deletion.
    pub(super) fn call_off(&self, key: &mut MasterKey) -> Result<(), KmsError> {
        let KeyState::PendingDeletion { .. } = key.state else {
            return Err(self.conflict(key, "the key is not pending deletion"));
        };
        key.state = KeyState::Disabled;
        Ok(())
    }

    /// Gives a key a new version.
    pub(super) fn renew(&self, key: &mut MasterKey) -> Result<(), KmsError> {
        self.check_usable(key)?;
        if key.versions.len() == VERSIONS_PER_KEY {
            return Err(self.conflict(key, "a key may have 1,000 versions"));
        }
        self.add_version(key)
    }

    /// When a deletion asked for now is due.
    pub(super) fn deletion_in(&self, days: u32) -> Result<Timestamp, KmsError> {
        if AdminOperation::PENDING_DAYS.contains(&days) {
            return Ok((self.clock)().plus_millis(i64::from(days) * DAY_MS));
        }
        Err(KmsError::Invalid("a deletion may be pending for 7 to 1,096 days"))
    }

    pub(super) async fn point(
        &self,
        account: AccountId,
        alias: &str,
        reference: &KeyReference,
    ) -> Result<KeyDescription, KmsError> {
        let alias = reference::alias(alias)?;
        let _forgetting = (self.known.clear_at_last(), self.names.clear_at_last());
        for _ in 0..ATTEMPTS {
            let target = self.find(account, reference).await?;
            self.refuse_alias(&target.record, alias)?;
            if self.catalog.point_alias(alias, &target).await? == Commit::Committed {
                let mut new = target.record;
                new.aliases.insert(alias.to_owned());
                return Ok(self.description(&new));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    pub(super) async fn unpoint(&self, account: AccountId, text: &str) -> Result<(), KmsError> {
        let alias = reference::alias(text)?;
        let _forgetting = (self.known.clear_at_last(), self.names.clear_at_last());
        for _ in 0..ATTEMPTS {
            let id = self.catalog.aliased_key(account, alias).await?;
            let id = id.ok_or_else(|| KmsError::AliasNotFound(text.to_owned()))?;
            // A key that is gone took its aliases along since the last line.
            let Some(target) = self.catalog.master_key(&id).await? else { continue };
            if self.catalog.remove_alias(alias, &target).await? == Commit::Committed {
                return Ok(());
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// Destroys what was due by `now`. What changes meanwhile is left to the next call.
    pub(super) async fn destroy(&self, now: Timestamp) -> Result<Vec<KeyName>, KmsError> {
        let _forgetting = (self.known.clear_at_last(), self.names.clear_at_last());
        let mut destroyed = Vec::new();
        for id in self.catalog.due_deletions(now, DESTROYED_AT_ONCE).await? {
            let Some(found) = self.catalog.master_key(&id).await? else { continue };
            let due = matches!(found.record.state, KeyState::PendingDeletion { deletion } if deletion <= now);
            if due && self.catalog.destroy_key(&found).await? == Commit::Committed {
                destroyed.push(self.name(&found.record));
            }
        }
        Ok(destroyed)
    }

    fn refuse_default(&self, key: &MasterKey) -> Result<(), KmsError> {
        match key.role {
            Role::Customer => Ok(()),
            Role::Default | Role::Managed => Err(self.conflict(key, "the default key cannot be changed")),
        }
    }

    fn refuse_alias(&self, key: &MasterKey, alias: &str) -> Result<(), KmsError> {
        self.refuse_default(key)?;
        if let KeyState::PendingDeletion { .. } = key.state {
            return Err(self.conflict(key, "the key is pending deletion"));
        }
        if key.aliases.len() >= ALIASES_PER_KEY && !key.aliases.contains(alias) {
            return Err(self.conflict(key, "a key may have 50 aliases"));
        }
        Ok(())
    }

    fn conflict(&self, key: &MasterKey, reason: &'static str) -> KmsError {
        KmsError::StateConflict { name: self.name(key), reason }
    }
}
