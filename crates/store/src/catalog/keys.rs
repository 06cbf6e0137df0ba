//! Master keys, wrapped: the rows of the key service. It decides; this file keeps the rows that belong together in step.
//!
//! A key's row holds all of it but its grants. Beside it lie the index of its account, one row per alias, the mark of an
//! account's standing keys, and a row in the order of time for each moment at which something is to be done with it. Every
//! method is one commit.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_model::account::AccountId;
use strongroom_model::key::{KeyOrigin, KeySpec, KeyState, KeyTags, VersionCause};
use strongroom_model::policy::PolicyDocument;
use strongroom_model::time::Timestamp;

use super::grants::of_key;
use super::key_rows::{
    AliasRow, CauseRow, DueRow, OriginRow, OwnedRow, RootRow, SpecRow, StandingRow, StateRow, account, key_policy,
    moment, timestamp,
};
use super::record::Key;
use super::{Catalog, CatalogError, Change, Found};
use crate::kv::{Commit, Expected, KeyRange, after_prefix};

/// The public name of a key (FORMAT.md §8.1).
pub(crate) type Fingerprint = [u8; 16];

/// What a master key is to its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Role {
    /// Made by the account's people.
    Customer,
    /// Answers when SSE-KMS is asked for and no key is named.
    Default,
    /// Seals where the service manages the keys. Nobody can name or list it.
    Managed,
}

/// A master key with all its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MasterKey {
    /// A lower-case UUID.
    pub(crate) id: String,
    /// The owner.
    #[serde(with = "account")]
    pub(crate) account: AccountId,
    /// What it is to its owner.
    pub(crate) role: Role,
    /// Its cipher.
    #[serde(with = "SpecRow")]
    pub(crate) spec: KeySpec,
    /// The owner's words.
    pub(crate) description: String,
    /// The names that point at it, without `alias/`.
    pub(crate) aliases: BTreeSet<String>,
    /// Where in its life it is.
    #[serde(with = "StateRow")]
    pub(crate) state: KeyState,
    /// When it was made.
    #[serde(with = "timestamp")]
    pub(crate) created: Timestamp,
    /// Numbered from 1 without gaps; the last one seals, all open. Empty only until the first material is imported.
    pub(crate) versions: Vec<KeyVersion>,
    /// Imported material that becomes the next version when the key is rotated.
    pub(crate) upcoming: Option<KeyVersion>,
    /// Where its material comes from.
    #[serde(with = "OriginRow")]
    pub(crate) origin: KeyOrigin,
    /// The owner's tags.
    pub(crate) tags: KeyTags,
    /// The owner's policy, as it was written.
    #[serde(with = "key_policy")]
    pub(crate) policy: Option<PolicyDocument>,
    /// The project it was made in (Huawei); none if that is the default one.
    pub(crate) project: Option<String>,
    /// Days between two automatic rotations, also while they are off.
    pub(crate) rotation_days: u32,
    /// When it rotates by itself next.
    #[serde(with = "moment")]
    pub(crate) rotation_next: Option<Timestamp>,
    /// Why it must not be deleted.
    pub(crate) protection: Option<String>,
}

/// One version of a master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyVersion {
    /// When it was made.
    #[serde(with = "timestamp")]
    pub(crate) created: Timestamp,
    /// How it came to be.
    #[serde(with = "CauseRow")]
    pub(crate) cause: VersionCause,
    /// The name of the key inside.
    pub(crate) fingerprint: Fingerprint,
    /// The key under the root key (FORMAT.md §8); none if it was imported and deleted.
    pub(crate) wrapped: Option<Vec<u8>>,
    /// When imported material is deleted by itself.
    #[serde(with = "moment")]
    pub(crate) expires: Option<Timestamp>,
}

impl MasterKey {
    /// The number of the version that seals.
    pub(crate) fn current(&self) -> u32 {
        u32::try_from(self.versions.len()).expect("versions are limited to far fewer than 2^32")
    }

    /// The version with that number, if there is one.
    pub(crate) fn version(&self, number: u32) -> Option<&KeyVersion> {
        self.versions.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The moments at which something is to be done with the key: destroy it, rotate it, delete imported material. A key
    /// that is not in use is not rotated; one that was due meanwhile is, once it is in use again.
    pub(crate) fn due(&self) -> BTreeSet<Timestamp> {
        let deletion = match self.state {
            KeyState::PendingDeletion { deletion } => Some(deletion),
            KeyState::Enabled | KeyState::Disabled | KeyState::PendingImport => None,
        };
        let rotation = self.rotation_next.filter(|_| self.state == KeyState::Enabled);
        let versions = self.versions.iter().chain(&self.upcoming);
        let expiries = versions.filter(|version| version.wrapped.is_some()).filter_map(|version| version.expires);
        deletion.into_iter().chain(rotation).chain(expiries).collect()
    }
}

impl Catalog {
    /// The name of the root key under which all master keys are wrapped, once there is one.
    pub(crate) async fn root(&self) -> Result<Option<Fingerprint>, CatalogError> {
        Ok(self.get(&by_nothing()).await?.map(|found| found.record.fingerprint))
    }

    /// Makes `ours` the root key, unless there is one by then. Answers its name in both cases.
    pub(crate) async fn settle_root(&self, ours: Fingerprint) -> Result<Fingerprint, CatalogError> {
        let change = Change::new().insert(&by_nothing(), &RootRow { fingerprint: ours });
        if self.commit(change).await? == Commit::Committed {
            return Ok(ours);
        }
        self.root().await?.ok_or(CatalogError::Inconsistent("the root key's row was removed"))
    }

    /// The master key with that id.
    pub(crate) async fn master_key(&self, id: &str) -> Result<Option<Found<MasterKey>>, CatalogError> {
        self.get(&by_id(id)).await
    }

    /// Up to `limit` master keys that the account can see, in the order of their creation.
    pub(crate) async fn master_keys_of(
        &self,
        account: AccountId,
        limit: usize,
    ) -> Result<Vec<MasterKey>, CatalogError> {
        let rows = self.scan::<OwnedRow>(Key::<OwnedRow>::range(&[&account_part(account)]), limit).await?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let id = id_at(row.key.parts(), 16)?;
            // One that is gone was destroyed between the two looks.
            keys.extend(self.master_key(id).await?.map(|found| found.record));
        }
        Ok(keys)
    }

    /// How many master keys the account can see, counted up to `limit`.
    pub(crate) async fn count_master_keys(&self, account: AccountId, limit: usize) -> Result<usize, CatalogError> {
        let range = Key::<OwnedRow>::range(&[&account_part(account)]);
        Ok(self.scan::<OwnedRow>(range, limit).await?.len())
    }

    /// The id of the key that the account's alias points at.
    pub(crate) async fn aliased_key(&self, account: AccountId, alias: &str) -> Result<Option<String>, CatalogError> {
        Ok(self.get(&by_alias(account, alias)).await?.map(|found| found.record.key))
    }

    /// The id of the account's key in that role.
    pub(crate) async fn standing_key(&self, account: AccountId, role: Role) -> Result<Option<String>, CatalogError> {
        Ok(self.get(&by_role(account, role)).await?.map(|found| found.record.key))
    }

    /// Writes a new key with its aliases, and its mark if it has a standing role. `Conflict` means that an alias, or the
    /// role, is another key's: of any number of writers at once, one wins.
    pub(crate) async fn insert_key(&self, key: &MasterKey) -> Result<Commit, CatalogError> {
        let pointed = || key.id.clone();
        let mut change = Change::new().insert(&by_id(&key.id), key);
        for alias in &key.aliases {
            change = change.insert(&by_alias(key.account, alias), &AliasRow { key: pointed() });
        }
        if key.role != Role::Customer {
            change = change.insert(&by_role(key.account, key.role), &StandingRow { key: pointed() });
        }
        if key.role != Role::Managed {
            change = change.put(&by_owner(key), &OwnedRow {});
        }
        for due in key.due() {
            change = change.put(&by_due(due, &key.id), &DueRow {});
        }
        self.commit(change).await
    }

    /// Writes `new`, which differs in neither id, owner, role nor aliases, in the place of `old`.
    pub(crate) async fn replace_key(&self, old: &Found<MasterKey>, new: &MasterKey) -> Result<Commit, CatalogError> {
        let change = Change::new().replace(&by_id(&new.id), old.version, new);
        let (before, after) = (old.record.due(), new.due());
        let change = before.difference(&after).fold(change, |change, due| change.delete(&by_due(*due, &new.id)));
        let change =
            after.difference(&before).fold(change, |change, due| change.put(&by_due(*due, &new.id), &DueRow {}));
        self.commit(change).await
    }

    /// Points `alias` of the key's owner at the key, if what it points at is as `expected`, and away from that.
    pub(crate) async fn point_alias(
        &self,
        alias: &str,
        pointed: Option<&Found<AliasRow>>,
        target: &Found<MasterKey>,
    ) -> Result<Commit, CatalogError> {
        let row = by_alias(target.record.account, alias);
        let expected = pointed.map_or(Expected::Absent, |found| Expected::Version(found.version));
        let mut change = Change::new().check(&row, expected);
        if let Some(Found { record: AliasRow { key }, .. }) = pointed {
            if *key == target.record.id {
                return Ok(Commit::Committed);
            }
            let Some(other) = self.master_key(key).await? else { return Ok(Commit::Conflict) };
            change = with_aliases(change, &other, |aliases| aliases.remove(alias));
        }
        change = change.put(&row, &AliasRow { key: target.record.id.clone() });
        change = with_aliases(change, target, |aliases| aliases.insert(alias.to_owned()));
        self.commit(change).await
    }

    /// What the account's alias points at, as it is found.
    pub(crate) async fn pointed_alias(
        &self,
        account: AccountId,
        alias: &str,
    ) -> Result<Option<Found<AliasRow>>, CatalogError> {
        self.get(&by_alias(account, alias)).await
    }

    /// Gives the key `alias`, which nothing has, in the place of `old`.
    pub(crate) async fn rename_alias(
        &self,
        old: Option<&str>,
        alias: &str,
        target: &Found<MasterKey>,
    ) -> Result<Commit, CatalogError> {
        let account = target.record.account;
        let pointer = AliasRow { key: target.record.id.clone() };
        let mut change = Change::new().insert(&by_alias(account, alias), &pointer);
        if let Some(old) = old {
            change = change.delete(&by_alias(account, old));
        }
        let change = with_aliases(change, target, |aliases| {
            aliases.retain(|known| Some(known.as_str()) != old);
            aliases.insert(alias.to_owned())
        });
        self.commit(change).await
    }

    /// Removes `alias`, which must point at `target`.
    pub(crate) async fn remove_alias(&self, alias: &str, target: &Found<MasterKey>) -> Result<Commit, CatalogError> {
        let row = by_alias(target.record.account, alias);
        let change = Change::new().check(&row, Expected::Present).delete(&row);
        self.commit(with_aliases(change, target, |aliases| aliases.remove(alias))).await
    }

    /// Up to `limit` ids of keys with which something was to be done by `now`, the most overdue first.
    pub(crate) async fn due_keys(&self, now: Timestamp, limit: usize) -> Result<Vec<String>, CatalogError> {
        let all = Key::<DueRow>::range(&[]);
        let due = Key::<DueRow>::new(&[&time_part(now)]);
        let range = KeyRange { end: after_prefix(due.as_bytes()), ..all };
        let rows = self.scan::<DueRow>(range, limit).await?;
        rows.iter().map(|row| id_at(row.key.parts(), 8).map(str::to_owned)).collect()
    }

    /// Removes every row of the key, its wrapped versions and its grants among them.
    pub(crate) async fn destroy_key(&self, old: &Found<MasterKey>) -> Result<Commit, CatalogError> {
        let (row, key) = (by_id(&old.record.id), &old.record);
        let mut change = Change::new().remove(&row, old.version).delete(&by_owner(key));
        for alias in &key.aliases {
            change = change.delete(&by_alias(key.account, alias));
        }
        for due in key.due() {
            change = change.delete(&by_due(due, &key.id));
        }
        for grant in self.grants_of_key(key.account, &key.id).await? {
            change = change.delete(&of_key(key.account, &key.id, &grant.id));
        }
        self.commit(change).await
    }
}

fn with_aliases(change: Change, key: &Found<MasterKey>, alter: impl FnOnce(&mut BTreeSet<String>) -> bool) -> Change {
    let mut new = key.record.clone();
    alter(&mut new.aliases);
    change.replace(&by_id(&new.id), key.version, &new)
}

fn by_nothing() -> Key<RootRow> {
    Key::new(&[])
}

/// Where the key with that id is.
pub(super) fn by_id(id: &str) -> Key<MasterKey> {
    Key::new(&[id.as_bytes()])
}

fn by_owner(key: &MasterKey) -> Key<OwnedRow> {
    Key::new(&[&account_part(key.account), &time_part(key.created), key.id.as_bytes()])
}

fn by_alias(account: AccountId, alias: &str) -> Key<AliasRow> {
    Key::new(&[&account_part(account), alias.as_bytes()])
}

fn by_role(account: AccountId, role: Role) -> Key<StandingRow> {
    Key::new(&[&account_part(account), &[role as u8]])
}

fn by_due(due: Timestamp, id: &str) -> Key<DueRow> {
    Key::new(&[&time_part(due), id.as_bytes()])
}

/// An account's part of a key.
pub(super) fn account_part(account: AccountId) -> [u8; 8] {
    account.number().to_be_bytes()
}

/// Orders as times do, those before 1970 included.
fn time_part(time: Timestamp) -> [u8; 8] {
    (time.millis() ^ i64::MIN).to_be_bytes()
}

/// The id that ends an index key, after `skip` bytes of what orders it.
fn id_at(parts: &[u8], skip: usize) -> Result<&str, CatalogError> {
    let id = parts.get(skip..).and_then(|id| std::str::from_utf8(id).ok());
    id.ok_or(CatalogError::Inconsistent("an index of master keys has a row without an id"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kv::MemoryKv;

    const ACCOUNT: u64 = 7;

    async fn catalog() -> Catalog {
        Catalog::over(Arc::new(MemoryKv::new())).await
    }

    fn key(id: &str, role: Role, created: i64, aliases: &[&str]) -> MasterKey {
        let version = KeyVersion {
            created: Timestamp::from_millis(created),
            cause: VersionCause::Creation,
            fingerprint: [1; 16],
            wrapped: Some(vec![2; 98]),
            expires: None,
        };
        MasterKey {
            id: id.into(),
            account: AccountId::new(ACCOUNT).unwrap(),
            role,
            spec: KeySpec::Aes256,
            description: "d".into(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            state: KeyState::Enabled,
            created: Timestamp::from_millis(created),
            versions: vec![version],
            upcoming: None,
            origin: KeyOrigin::Service,
            tags: KeyTags::new(),
            policy: None,
            project: None,
            rotation_days: 365,
            rotation_next: None,
            protection: None,
        }
    }

    async fn rows(catalog: &Catalog) -> usize {
        catalog.kv.scan(KeyRange::from(Vec::new()), 100).await.unwrap().len()
    }

    #[tokio::test]
    async fn keys_are_listed_in_the_order_of_creation_without_the_hidden_one() {
        let catalog = catalog().await;
        for (id, role, created) in
            [("c", Role::Customer, -5), ("a", Role::Customer, 20), ("b", Role::Default, 10), ("m", Role::Managed, 1)]
        {
            assert_eq!(catalog.insert_key(&key(id, role, created, &[])).await.unwrap(), Commit::Committed);
        }
        let account = AccountId::new(ACCOUNT).unwrap();
        let listed = catalog.master_keys_of(account, 10).await.unwrap();
        assert_eq!(listed.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
        assert_eq!(catalog.standing_key(account, Role::Managed).await.unwrap().as_deref(), Some("m"));
        assert!(catalog.master_keys_of(AccountId::new(8).unwrap(), 10).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_alias_and_a_role_belong_to_one_key_only() {
        let catalog = catalog().await;
        let first = key("a", Role::Default, 1, &["x"]);
        assert_eq!(catalog.insert_key(&first).await.unwrap(), Commit::Committed);
        assert_eq!(catalog.insert_key(&key("b", Role::Customer, 1, &["x"])).await.unwrap(), Commit::Conflict);
        assert_eq!(catalog.insert_key(&key("b", Role::Default, 1, &[])).await.unwrap(), Commit::Conflict);
        assert!(catalog.master_key("b").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_alias_moves_and_goes_in_step_with_the_keys() {
        let catalog = catalog().await;
        let account = AccountId::new(ACCOUNT).unwrap();
        for id in ["a", "b"] {
            let _ = catalog.insert_key(&key(id, Role::Customer, 1, &[id])).await.unwrap();
        }
        let target = catalog.master_key("b").await.unwrap().unwrap();
        for before in ["a", "b"] {
            let pointed = catalog.pointed_alias(account, "a").await.unwrap();
            assert_eq!(pointed.as_ref().map(|found| found.record.key.as_str()), Some(before));
            assert_eq!(catalog.point_alias("a", pointed.as_ref(), &target).await.unwrap(), Commit::Committed);
        }
        assert_eq!(catalog.remove_alias("b", &target).await.unwrap(), Commit::Conflict, "the key has changed since");
        assert_eq!(catalog.aliased_key(account, "a").await.unwrap().as_deref(), Some("b"));
        assert!(catalog.master_key("a").await.unwrap().unwrap().record.aliases.is_empty());
        let target = catalog.master_key("b").await.unwrap().unwrap();
        assert_eq!(catalog.remove_alias("b", &target).await.unwrap(), Commit::Committed);
        assert!(catalog.aliased_key(account, "b").await.unwrap().is_none());
        assert!(catalog.master_key("b").await.unwrap().unwrap().record.aliases.iter().eq(["a"]));
    }

    #[tokio::test]
    async fn a_planned_destruction_is_due_in_its_time_and_leaves_no_row() {
        let catalog = catalog().await;
        let empty = rows(&catalog).await;
        let _ = catalog.insert_key(&key("a", Role::Customer, 1, &["x", "y"])).await.unwrap();
        for deletion in [100, 50] {
            let found = catalog.master_key("a").await.unwrap().unwrap();
            let mut new = found.record.clone();
            new.state = KeyState::PendingDeletion { deletion: Timestamp::from_millis(deletion) };
            assert_eq!(catalog.replace_key(&found, &new).await.unwrap(), Commit::Committed);
        }
        assert!(catalog.due_keys(Timestamp::from_millis(49), 10).await.unwrap().is_empty());
        assert_eq!(catalog.due_keys(Timestamp::from_millis(50), 10).await.unwrap(), ["a"]);
        let found = catalog.master_key("a").await.unwrap().unwrap();
        assert_eq!(catalog.destroy_key(&found).await.unwrap(), Commit::Committed);
        assert_eq!(rows(&catalog).await, empty);
    }

    #[test]
    fn version_numbers_begin_with_1() {
        let key = key("a", Role::Customer, 1, &[]);
        assert_eq!(key.current(), 1);
        assert!(key.version(1).is_some() && key.version(0).is_none() && key.version(2).is_none());
    }
}
