//! Accounts, users, and the access keys that prove who asks.
//!
//! An access key's row is found by its id, which a request names, and holds the secret; nothing else does. A user's row lists
//! its access keys, so that they go when it goes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_model::account::{AccountId, Principal, UserName};
use strongroom_model::name::AccessKeyId;
use strongroom_model::outcome::admin::UserFacts;
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use zeroize::Zeroizing;

use super::key_rows::{account, timestamp};
use super::record::{Family, Key, first_version};
use super::rights::{EVERYTHING, PolicyRow, policy_of_everything};
use super::{ATTEMPTS, Catalog, CatalogError, Change, Located};
use crate::kv::{Commit, Expected};

/// Accounts of one store at most: what one listing shows.
const ACCOUNTS_MAX: usize = 1000;

/// Users of one account at most: what one listing shows. AWS allows 5,000.
pub(crate) const USERS_MAX: usize = 5000;

/// Access keys of one store at most: all users of five accounts, with one each.
const ACCESS_KEYS_MAX: usize = 5 * USERS_MAX;

/// A new access key with its secret.
pub(crate) struct NewAccessKey {
    /// Its public half.
    pub(crate) id: AccessKeyId,
    /// Its secret half.
    pub(crate) secret: SecretKey,
}

/// Who holds an access key.
pub(crate) struct KeyHolder {
    /// Whom it stands for.
    pub(crate) principal: Principal,
    /// Its secret half.
    pub(crate) secret: Arc<SecretKey>,
    /// Whether it may be used.
    enabled: bool,
}

/// Why something new was not made; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what was refused does not exist"]
pub(crate) enum Addition {
    /// It was made.
    Added,
    /// The account, or user, exists already.
    NameTaken,
    /// The access key's id exists already.
    AccessKeyTaken,
    /// There are as many users as there may be.
    TooMany,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AccountRow {
    #[serde(with = "timestamp")]
    created: Timestamp,
    /// Names of its root's policies.
    pub(super) policies: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct UserRow {
    #[serde(with = "timestamp")]
    created: Timestamp,
    pub(super) access_keys: Vec<String>,
    /// Names of its policies.
    pub(super) policies: Vec<String>,
    /// Names of its groups.
    pub(super) groups: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AccessKeyRow {
    #[serde(with = "account")]
    account: AccountId,
    /// None for the account itself.
    user: Option<String>,
    #[serde(with = "timestamp")]
    pub(super) created: Timestamp,
    secret: StoredSecret,
    pub(super) enabled: bool,
}

/// A secret on its way into or out of a sealed row.
pub(super) struct StoredSecret(pub(super) Zeroizing<String>);

first_version!(AccountRow, Family::Account);
first_version!(UserRow, Family::User);
first_version!(AccessKeyRow, Family::AccessKey);

impl Catalog {
    /// All accounts, by number.
    pub(crate) async fn accounts(&self) -> Result<Vec<AccountId>, CatalogError> {
        let located = self.scan::<AccountRow>(Key::<AccountRow>::range(&[]), ACCOUNTS_MAX).await?;
        located.iter().map(|row| account_at(row.key.parts())).collect()
    }

    /// Makes an account whose own access key is `root`.
    pub(crate) async fn create_account(
        &self,
        account: AccountId,
        root: &NewAccessKey,
        now: Timestamp,
    ) -> Result<Addition, CatalogError> {
        let row = by_number(account);
        let change = Change::new()
            .insert(&row, &AccountRow { created: now, policies: vec![EVERYTHING.to_owned()] })
            .insert(&policy_of_everything(account), &PolicyRow::of_everything(now))
            .insert(&by_access_key(&root.id), &AccessKeyRow::new(account, None, root, now));
        if self.commit(change).await? == Commit::Committed {
            return Ok(Addition::Added);
        }
        let taken = self.get(&row).await?.is_some();
        Ok(if taken { Addition::NameTaken } else { Addition::AccessKeyTaken })
    }

    /// Makes `root` the only access key of the account itself. Nothing is written if it is that already.
    pub(crate) async fn replace_root(
        &self,
        account: AccountId,
        root: &NewAccessKey,
        now: Timestamp,
    ) -> Result<Addition, CatalogError> {
        for _ in 0..ATTEMPTS {
            let row = by_access_key(&root.id);
            let all = self.scan::<AccessKeyRow>(Key::<AccessKeyRow>::range(&[]), ACCESS_KEYS_MAX).await?;
            let is_root = |it: &Located<AccessKeyRow>| it.record.account == account && it.record.user.is_none();
            let same = |it: &Located<AccessKeyRow>| it.key.as_bytes() == row.as_bytes();
            if all.iter().any(|it| same(it) && !is_root(it)) {
                return Ok(Addition::AccessKeyTaken);
            }
            let roots: Vec<_> = all.into_iter().filter(is_root).collect();
            let unchanged =
                |it: &Located<AccessKeyRow>| same(it) && it.record.secret.0.as_str() == root.secret.expose();
            if roots.len() == 1 && roots.iter().all(unchanged) {
                return Ok(Addition::Added);
            }
            let others = roots.iter().filter(|it| !same(it));
            let change = others.fold(Change::new(), |change, it| change.remove(&it.key, it.version));
            let expected =
                roots.iter().find(|it| same(it)).map_or(Expected::Absent, |it| Expected::Version(it.version));
            let change = change.check(&row, expected).put(&row, &AccessKeyRow::new(account, None, root, now));
            if self.commit(change).await? == Commit::Committed {
                return Ok(Addition::Added);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Who signs with that access key, and the secret to check the signature against.
    pub(crate) async fn credential(&self, id: &AccessKeyId) -> Result<Option<Arc<KeyHolder>>, CatalogError> {
        let found = self.familiar(&by_access_key(id), AccessKeyRow::into_holder).await?;
        Ok(found.filter(|holder| holder.enabled))
    }

    /// Makes a user with a first access key.
    pub(crate) async fn create_user(
        &self,
        account: AccountId,
        name: &UserName,
        access_key: &NewAccessKey,
        now: Timestamp,
    ) -> Result<Addition, CatalogError> {
        let users = self.scan::<UserRow>(Key::<UserRow>::range(&[&account_part(account)]), USERS_MAX).await?;
        if users.len() == USERS_MAX {
            return Ok(Addition::TooMany);
        }
        let row = by_name(account, name);
        let access_keys = vec![access_key.id.as_str().to_owned()];
        let user = UserRow { created: now, access_keys, policies: Vec::new(), groups: Vec::new() };
        let change = Change::new()
            .insert(&row, &user)
            .insert(&by_access_key(&access_key.id), &AccessKeyRow::new(account, Some(name), access_key, now));
        if self.commit(change).await? == Commit::Committed {
            return Ok(Addition::Added);
        }
        let taken = self.get(&row).await?.is_some();
        Ok(if taken { Addition::NameTaken } else { Addition::AccessKeyTaken })
    }

    /// The account's users, by name.
    pub(crate) async fn users(&self, account: AccountId) -> Result<Vec<UserFacts>, CatalogError> {
        let located = self.scan::<UserRow>(Key::<UserRow>::range(&[&account_part(account)]), USERS_MAX).await?;
        located.into_iter().map(facts).collect()
    }

    /// Deletes the user and all its access keys; false if there is no such user.
    pub(crate) async fn delete_user(&self, account: AccountId, name: &UserName) -> Result<bool, CatalogError> {
        let row = by_name(account, name);
        for _ in 0..ATTEMPTS {
            let Some(found) = self.get(&row).await? else { return Ok(false) };
            let mut change = Change::new().remove(&row, found.version);
            for id in &found.record.access_keys {
                change = change.delete(&by_access_key(&parse_id(id)?));
            }
            if self.commit(change).await? == Commit::Committed {
                return Ok(true);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }
}

impl AccessKeyRow {
    pub(super) fn new(account: AccountId, user: Option<&UserName>, key: &NewAccessKey, created: Timestamp) -> Self {
        let secret = StoredSecret(Zeroizing::new(key.secret.expose().to_owned()));
        Self { account, user: user.map(|name| name.as_str().to_owned()), created, secret, enabled: true }
    }

    fn into_holder(self) -> Result<KeyHolder, CatalogError> {
        let principal = match self.user {
            None => Principal::Root(self.account),
            Some(name) => Principal::User(self.account, parse_name(&name)?),
        };
        let StoredSecret(mut secret) = self.secret;
        let secret = Arc::new(SecretKey::new(std::mem::take(&mut *secret)));
        Ok(KeyHolder { principal, secret, enabled: self.enabled })
    }
}

impl Serialize for StoredSecret {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for StoredSecret {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Zeroizing::new(text)))
    }
}

fn facts(located: Located<UserRow>) -> Result<UserFacts, CatalogError> {
    let name = located.key.parts().get(8..).and_then(|name| std::str::from_utf8(name).ok());
    let access_keys = located.record.access_keys.iter().map(|id| parse_id(id)).collect::<Result<_, _>>()?;
    let UserRow { created, policies, groups, .. } = located.record;
    Ok(UserFacts { name: parse_name(name.unwrap_or_default())?, created, access_keys, policies, groups })
}

fn parse_name(name: &str) -> Result<UserName, CatalogError> {
    UserName::parse(name).map_err(|_| CatalogError::Inconsistent("a row names a user whose name is none"))
}

pub(super) fn parse_id(id: &str) -> Result<AccessKeyId, CatalogError> {
    AccessKeyId::parse(id).map_err(|_| CatalogError::Inconsistent("a row names an access key whose id is none"))
}

fn account_at(parts: &[u8]) -> Result<AccountId, CatalogError> {
    let number = parts.try_into().map(u64::from_be_bytes).ok();
    number.and_then(AccountId::new).ok_or(CatalogError::Inconsistent("an account's row has no number"))
}

pub(super) fn account_part(account: AccountId) -> [u8; 8] {
    account.number().to_be_bytes()
}

pub(super) fn by_number(account: AccountId) -> Key<AccountRow> {
    Key::new(&[&account_part(account)])
}

pub(super) fn by_name(account: AccountId, name: &UserName) -> Key<UserRow> {
    Key::new(&[&account_part(account), name.as_str().as_bytes()])
}

pub(super) fn by_access_key(id: &AccessKeyId) -> Key<AccessKeyRow> {
    Key::new(&[id.as_str().as_bytes()])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        catalog::record::encode,
        kv::{KeyRange, Kv, MemoryKv},
    };

    fn account(number: u64) -> AccountId {
        AccountId::new(number).unwrap()
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn access_key(id: &str) -> NewAccessKey {
        NewAccessKey { id: AccessKeyId::parse(id).unwrap(), secret: SecretKey::new(format!("secret of {id}")) }
    }

    fn now() -> Timestamp {
        Timestamp::from_seconds(1)
    }

    #[tokio::test]
    async fn an_access_key_leads_to_its_principal_and_secret() {
        let catalog = Catalog::over(Arc::new(MemoryKv::new())).await;
        assert_eq!(catalog.create_account(account(5), &access_key("ROOT"), now()).await.unwrap(), Addition::Added);
        let added = catalog.create_user(account(5), &user("ann"), &access_key("ANN"), now()).await.unwrap();
        assert_eq!(added, Addition::Added);
        for (id, expected) in [("ROOT", Principal::Root(account(5))), ("ANN", Principal::User(account(5), user("ann")))]
        {
            let id = AccessKeyId::parse(id).unwrap();
            let holder = catalog.credential(&id).await.unwrap().unwrap();
            let (principal, secret) = (&holder.principal, &holder.secret);
            assert_eq!((principal, secret.expose()), (&expected, format!("secret of {}", id.as_str()).as_str()));
        }
        assert!(catalog.credential(&AccessKeyId::parse("root").unwrap()).await.unwrap().is_none());
        assert_eq!(catalog.accounts().await.unwrap(), [account(5)]);
    }

    #[tokio::test]
    async fn names_and_access_keys_are_taken_once_only() {
        let catalog = Catalog::over(Arc::new(MemoryKv::new())).await;
        let _ = catalog.create_account(account(5), &access_key("A"), now()).await.unwrap();
        let _ = catalog.create_user(account(5), &user("ann"), &access_key("B"), now()).await.unwrap();
        let again = catalog.create_account(account(5), &access_key("C"), now()).await.unwrap();
        assert_eq!(again, Addition::NameTaken);
        let other = catalog.create_account(account(6), &access_key("A"), now()).await.unwrap();
        assert_eq!(other, Addition::AccessKeyTaken);
        let same_name = catalog.create_user(account(5), &user("ann"), &access_key("C"), now()).await.unwrap();
        assert_eq!(same_name, Addition::NameTaken);
        let same_key = catalog.create_user(account(5), &user("bob"), &access_key("B"), now()).await.unwrap();
        assert_eq!(same_key, Addition::AccessKeyTaken);
        assert_eq!(catalog.users(account(5)).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_deleted_user_leaves_no_access_key() {
        let catalog = Catalog::over(Arc::new(MemoryKv::new())).await;
        for (number, name, id) in [(5, "ann", "A"), (5, "bob", "B"), (6, "ann", "C")] {
            let _ = catalog.create_user(account(number), &user(name), &access_key(id), now()).await.unwrap();
        }
        assert!(catalog.delete_user(account(5), &user("ann")).await.unwrap());
        assert!(!catalog.delete_user(account(5), &user("ann")).await.unwrap());
        let left = catalog.users(account(5)).await.unwrap();
        let (policies, groups) = (Vec::new(), Vec::new());
        let access_keys = vec![access_key("B").id];
        let expected = UserFacts { name: user("bob"), created: now(), access_keys, policies, groups };
        assert_eq!(left, [expected]);
        assert!(catalog.credential(&access_key("A").id).await.unwrap().is_none());
        assert!(catalog.credential(&access_key("C").id).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn the_accounts_own_access_key_can_be_replaced() {
        let catalog = Catalog::over(Arc::new(MemoryKv::new())).await;
        let _ = catalog.create_account(account(5), &access_key("ROOT"), now()).await.unwrap();
        let _ = catalog.create_user(account(5), &user("ann"), &access_key("ANN"), now()).await.unwrap();
        let taken = catalog.replace_root(account(5), &access_key("ANN"), now()).await.unwrap();
        assert_eq!(taken, Addition::AccessKeyTaken);
        for id in ["NEW", "NEW"] {
            let replaced = catalog.replace_root(account(5), &access_key(id), now()).await.unwrap();
            assert_eq!(replaced, Addition::Added);
        }
        let changed = NewAccessKey { secret: SecretKey::new("other".into()), ..access_key("NEW") };
        let _ = catalog.replace_root(account(5), &changed, now()).await.unwrap();
        let holder = catalog.credential(&changed.id).await.unwrap().unwrap();
        let (principal, secret) = (&holder.principal, &holder.secret);
        assert_eq!((principal, secret.expose()), (&Principal::Root(account(5)), "other"));
        assert!(catalog.credential(&access_key("ROOT").id).await.unwrap().is_none());
        assert!(catalog.credential(&access_key("ANN").id).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn no_stored_value_shows_a_secret() {
        let kv = Arc::new(MemoryKv::new());
        let catalog = Catalog::over(Arc::clone(&kv) as Arc<dyn Kv>).await;
        let _ = catalog.create_account(account(5), &access_key("ROOT"), now()).await.unwrap();
        for row in kv.scan(KeyRange::from(Vec::new()), 100).await.unwrap() {
            assert!(!row.value.windows(6).any(|window| window == b"secret"));
        }
    }

    /// Version 1, written down from the postcard specification. It must be read for ever.
    #[test]
    fn the_golden_forms_of_version_1() {
        let created = Timestamp::from_millis(1);
        let (policies, groups) = (vec!["P".into()], vec!["G".into()]);
        let ann = UserRow { created, access_keys: vec!["A".into()], policies, groups };
        let row = AccessKeyRow::new(account(7), Some(&user("ann")), &access_key("A"), created);
        let forms = [encode(&AccountRow { created, policies: Vec::new() }), encode(&ann), encode(&row)];
        let secret = hex::encode("secret of A");
        let golden = [
            "01 02 00".to_owned(),
            "01 02 01 0141 01 0150 01 0147".to_owned(),
            format!("01 07 0103616e6e 02 0b{secret} 01"),
        ];
        assert_eq!(forms.map(hex::encode), golden.map(|form| form.replace(' ', "")));
    }
}
