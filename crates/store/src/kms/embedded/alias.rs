//! Aliases: names that point at keys, each at one.

use strongroom_model::account::AccountId;
use strongroom_model::failure::FailureCode;
use strongroom_model::key::{AliasFacts, KeyDescription, KeyReference};
use strongroom_model::operation::key::{AliasBefore, Page};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::outcome::key::Listed;

use super::{Embedded, lifecycle};
use crate::{
    catalog::{
        ATTEMPTS, CatalogError,
        keys::{MasterKey, Role},
    },
    kms::{
        ALIASES_PER_KEY, KEYS_PER_ACCOUNT, KmsError,
        reference::{self, DEFAULT_ALIASES},
    },
    kv::Commit,
};

impl Embedded {
    /// Points an alias at a key, if what it pointed at before is as `before` says.
    pub(super) async fn point(
        &self,
        account: AccountId,
        text: &str,
        reference: &KeyReference,
        before: AliasBefore,
    ) -> Result<KeyDescription, KmsError> {
        let alias = reference::alias(text)?;
        let _forgetting = self.known.clear_at_last();
        for _ in 0..ATTEMPTS {
            let pointed = self.catalog.pointed_alias(account, alias).await?;
            match (before, &pointed) {
                (AliasBefore::Free, Some(_)) => return Err(KmsError::NameTaken(alias.to_owned())),
                (AliasBefore::Taken, None) => return Err(KmsError::AliasNotFound(text.to_owned())),
                _ => {}
            }
            let target = self.find(account, reference).await?;
            self.refuse_alias(&target.record, alias)?;
            if self.catalog.point_alias(alias, pointed.as_ref(), &target).await? == Commit::Committed {
                let mut new = target.record;
                new.aliases.insert(alias.to_owned());
                return Ok(self.description(&new));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// Gives a key another alias in the place of its first one.
    pub(super) async fn rename(
        &self,
        account: AccountId,
        reference: &KeyReference,
        text: &str,
    ) -> Result<KeyDescription, KmsError> {
        let alias = reference::alias(text)?;
        let _forgetting = self.known.clear_at_last();
        for _ in 0..ATTEMPTS {
            let target = self.find(account, reference).await?;
            self.refuse_alias(&target.record, alias)?;
            let old = target.record.aliases.first().cloned();
            if old.as_deref() == Some(alias) {
                return Ok(self.description(&target.record));
            }
            if self.catalog.aliased_key(account, alias).await?.is_some() {
                return Err(KmsError::NameTaken(alias.to_owned()));
            }
            if self.catalog.rename_alias(old.as_deref(), alias, &target).await? == Commit::Committed {
                let mut new = target.record;
                new.aliases.retain(|known| Some(known) != old.as_ref());
                new.aliases.insert(alias.to_owned());
                return Ok(self.description(&new));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// Removes an alias.
    pub(super) async fn unpoint(&self, account: AccountId, text: &str) -> Result<(), KmsError> {
        let alias = reference::alias(text)?;
        let _forgetting = self.known.clear_at_last();
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

    /// The aliases of a key, or of all. The default key answers to the vendors' own.
    pub(super) async fn list_aliases(
        &self,
        account: AccountId,
        key: Option<KeyReference>,
        page: Page,
    ) -> Result<KeyOutcome, KmsError> {
        let keys = match key {
            Some(key) => vec![self.find(account, &key).await?.record],
            None => self.catalog.master_keys_of(account, KEYS_PER_ACCOUNT).await?,
        };
        let mut aliases: Vec<AliasFacts> = keys.iter().flat_map(|key| self.aliases_of(key)).collect();
        aliases.sort_unstable_by(|a, b| a.alias.cmp(&b.alias));
        Ok(KeyOutcome::Aliases(Listed::cut(aliases, page)))
    }

    fn aliases_of(&self, key: &MasterKey) -> Vec<AliasFacts> {
        let standing = if key.role == Role::Default { &DEFAULT_ALIASES[..] } else { &[] };
        let all = key.aliases.iter().map(String::as_str).chain(standing.iter().copied());
        let facts = |alias: &str| AliasFacts { alias: alias.to_owned(), key: self.name(key), created: key.created };
        all.map(facts).collect()
    }

    fn refuse_alias(&self, key: &MasterKey, alias: &str) -> Result<(), KmsError> {
        let allowed = lifecycle::manageable(key).and_then(|()| lifecycle::kept(key));
        allowed.map_err(|obstacle| self.obstructed(key, obstacle))?;
        if key.aliases.len() >= ALIASES_PER_KEY && !key.aliases.contains(alias) {
            return Err(KmsError::Refused { name: self.name(key), code: FailureCode::KeyLimitExceeded });
        }
        Ok(())
    }
}
