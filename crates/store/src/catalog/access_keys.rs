//! The access keys of users: one more, switched on and off, gone.

use strongroom_model::account::{AccountId, UserName};
use strongroom_model::name::AccessKeyId;
use strongroom_model::outcome::identity::AccessKeyFacts;
use strongroom_model::time::Timestamp;

use super::identities::{AccessKeyRow, NewAccessKey, UserRow, by_access_key, by_name, parse_id};
use super::rights::Changed;
use super::{ATTEMPTS, Catalog, CatalogError, Change, Found};
use crate::kv::Commit;

/// Access keys of one user at most: enough to rotate. AWS allows 2.
const ACCESS_KEYS_PER_USER: usize = 10;

impl Catalog {
    /// Makes one more access key for a user.
    pub(crate) async fn add_access_key(
        &self,
        account: AccountId,
        user: &UserName,
        key: &NewAccessKey,
        now: Timestamp,
    ) -> Result<Changed, CatalogError> {
        let place = by_name(account, user);
        for _ in 0..ATTEMPTS {
            let Some(Found { mut record, version }) = self.get(&place).await? else {
                return Ok(Changed::NotThere);
            };
            if record.access_keys.len() >= ACCESS_KEYS_PER_USER {
                return Ok(Changed::TooMany);
            }
            record.access_keys.push(key.id.as_str().to_owned());
            let change = Change::new()
                .replace(&place, version, &record)
                .insert(&by_access_key(&key.id), &AccessKeyRow::new(account, Some(user), key, now));
            if self.commit(change).await? == Commit::Committed {
                return Ok(Changed::Done);
            }
            if self.get(&by_access_key(&key.id)).await?.is_some() {
                return Ok(Changed::Taken);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// A user's access keys; none if there is no such user.
    pub(crate) async fn access_keys(
        &self,
        account: AccountId,
        user: &UserName,
    ) -> Result<Option<Vec<AccessKeyFacts>>, CatalogError> {
        let Some(found) = self.get(&by_name(account, user)).await? else { return Ok(None) };
        let mut facts = Vec::new();
        for id in &found.record.access_keys {
            let id = parse_id(id)?;
            if let Some(Found { record: AccessKeyRow { enabled, created, .. }, .. }) =
                self.get(&by_access_key(&id)).await?
            {
                facts.push(AccessKeyFacts { id, enabled, created });
            }
        }
        Ok(Some(facts))
    }

    /// Enables or disables a user's access key.
    pub(crate) async fn set_access_key(
        &self,
        account: AccountId,
        user: &UserName,
        id: &AccessKeyId,
        enabled: bool,
    ) -> Result<Changed, CatalogError> {
        if !self.has_access_key(account, user, id).await? {
            return Ok(Changed::NotThere);
        }
        let set = |row: &mut AccessKeyRow| {
            row.enabled = enabled;
            Changed::Done
        };
        for _ in 0..ATTEMPTS {
            if let Some(changed) = self.rewrite(&by_access_key(id), Change::new(), set).await? {
                return Ok(changed);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Deletes a user's access key.
    pub(crate) async fn delete_access_key(
        &self,
        account: AccountId,
        user: &UserName,
        id: &AccessKeyId,
    ) -> Result<Changed, CatalogError> {
        for _ in 0..ATTEMPTS {
            if !self.has_access_key(account, user, id).await? {
                return Ok(Changed::NotThere);
            }
            let removed = Change::new().delete(&by_access_key(id));
            let forget = |row: &mut UserRow| {
                row.access_keys.retain(|other| other != id.as_str());
                Changed::Done
            };
            if let Some(changed) = self.rewrite(&by_name(account, user), removed, forget).await? {
                return Ok(changed);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    async fn has_access_key(
        &self,
        account: AccountId,
        user: &UserName,
        id: &AccessKeyId,
    ) -> Result<bool, CatalogError> {
        let found = self.get(&by_name(account, user)).await?;
        Ok(found.is_some_and(|found| found.record.access_keys.iter().any(|other| other == id.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strongroom_model::secret::SecretKey;

    use super::*;
    use crate::catalog::identities::Addition;
    use crate::kv::MemoryKv;

    const NOW: Timestamp = Timestamp::from_millis(1);

    fn account() -> AccountId {
        AccountId::new(7).unwrap()
    }

    fn ann() -> UserName {
        UserName::parse("ann").unwrap()
    }

    fn access_key(id: &str) -> NewAccessKey {
        NewAccessKey { id: AccessKeyId::parse(id).unwrap(), secret: SecretKey::new("s".repeat(40)) }
    }

    #[tokio::test]
    async fn access_keys_are_added_switched_and_deleted_for_the_user_that_has_them() {
        let catalog = Catalog::over(Arc::new(MemoryKv::new())).await;
        assert_eq!(catalog.create_account(account(), &access_key("ROOT"), NOW).await.unwrap(), Addition::Added);
        assert_eq!(catalog.create_user(account(), &ann(), &access_key("ANN1"), NOW).await.unwrap(), Addition::Added);
        let id = |text: &str| AccessKeyId::parse(text).unwrap();
        let good = async |text: &str| catalog.credential(&id(text)).await.unwrap().is_some();
        let add = async |text: &str| catalog.add_access_key(account(), &ann(), &access_key(text), NOW).await.unwrap();
        assert_eq!(add("ANN2").await, Changed::Done);
        assert_eq!(add("ROOT").await, Changed::Taken);
        assert!(good("ANN1").await && good("ANN2").await);
        assert_eq!(catalog.set_access_key(account(), &ann(), &id("ANN2"), false).await.unwrap(), Changed::Done);
        assert!(!good("ANN2").await && good("ANN1").await);
        let shown = catalog.access_keys(account(), &ann()).await.unwrap().unwrap();
        assert_eq!(
            shown.iter().map(|key| (key.id.as_str(), key.enabled)).collect::<Vec<_>>(),
            [("ANN1", true), ("ANN2", false)]
        );
        // Those of others are out of reach.
        for other in ["ROOT", "NONE"] {
            assert_eq!(catalog.set_access_key(account(), &ann(), &id(other), false).await.unwrap(), Changed::NotThere);
            assert_eq!(catalog.delete_access_key(account(), &ann(), &id(other)).await.unwrap(), Changed::NotThere);
        }
        assert!(good("ROOT").await);
        assert_eq!(catalog.delete_access_key(account(), &ann(), &id("ANN1")).await.unwrap(), Changed::Done);
        assert!(!good("ANN1").await);
        for number in 1..ACCESS_KEYS_PER_USER {
            assert_eq!(add(&format!("MORE{number}")).await, Changed::Done, "{number}");
        }
        assert_eq!(add("LAST").await, Changed::TooMany);
    }
}
