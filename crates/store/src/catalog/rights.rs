//! What identities may do: policies, groups, and who holds which.
//!
//! A holder's row names its policies. Attaching one rewrites the policy's row as it is, so that a policy cannot go while it
//! is being attached.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_model::account::{AccountId, Principal, UserName};
use strongroom_model::operation::identity::Holder;
use strongroom_model::outcome::identity::{GroupFacts, PolicyFacts};
use strongroom_model::policy::{LocalName, PolicyDocument, PolicyLanguage};
use strongroom_model::time::Timestamp;

use super::identities::{AccountRow, USERS_MAX, UserRow, account_part, by_name, by_number};
use super::key_rows::timestamp;
use super::record::{Family, Key, Record, first_version};
use super::spelling::PolicyLanguageRow;
use super::{ATTEMPTS, Catalog, CatalogError, Change, Found, Located};
use crate::kv::Commit;

/// The policy that an account's root begins with: an ordinary one.
pub(crate) const EVERYTHING: &str = "Administrator";

/// What it says.
const EVERYTHING_TEXT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Policies, and groups, of one account at most: what one listing shows. AWS allows 1,500 and 300.
const NAMED_MAX: usize = 1500;

/// Policies of one holder, and groups of one user, at most: what one decision reads. AWS allows 10 each.
const HELD_MAX: usize = 20;

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what was refused has not happened"]
pub(crate) enum Changed {
    /// It was made, or was so already.
    Done,
    /// The thing to be changed is not there.
    NotThere,
    /// The other thing that it names is not there.
    OtherNotThere,
    /// It is there already.
    Taken,
    /// Somebody still holds it, or is in it.
    InUse,
    /// There are as many as there may be.
    TooMany,
}

/// What a principal holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Holdings {
    /// Names of its own policies.
    pub(crate) policies: Vec<String>,
    /// Names of its groups.
    pub(crate) groups: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PolicyRow {
    #[serde(with = "timestamp")]
    written: Timestamp,
    #[serde(with = "PolicyLanguageRow")]
    language: PolicyLanguage,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct GroupRow {
    #[serde(with = "timestamp")]
    created: Timestamp,
    policies: Vec<String>,
}

first_version!(PolicyRow, Family::Policy);
first_version!(GroupRow, Family::Group);

impl PolicyRow {
    pub(super) fn of_everything(written: Timestamp) -> Self {
        Self { written, language: PolicyLanguage::Amazon, text: EVERYTHING_TEXT.to_owned() }
    }

    fn into_facts(self, name: LocalName) -> PolicyFacts {
        let document = PolicyDocument { language: self.language, text: self.text };
        PolicyFacts { name, document, written: self.written }
    }
}

/// The place of the policy that an account's root begins with.
pub(super) fn policy_of_everything(account: AccountId) -> Key<PolicyRow> {
    Key::new(&[&account_part(account), EVERYTHING.as_bytes()])
}

impl Catalog {
    /// Makes a policy, or replaces it.
    pub(crate) async fn put_policy(
        &self,
        account: AccountId,
        name: &LocalName,
        document: &PolicyDocument,
        now: Timestamp,
    ) -> Result<Changed, CatalogError> {
        let key = policy_at(account, name.as_str());
        let row = PolicyRow { written: now, language: document.language, text: document.text.clone() };
        for _ in 0..ATTEMPTS {
            let change = match self.get(&key).await? {
                Some(found) => Change::new().replace(&key, found.version, &row),
                None if self.all::<PolicyRow>(account).await?.len() >= NAMED_MAX => return Ok(Changed::TooMany),
                None => Change::new().insert(&key, &row),
            };
            if self.commit(change).await? == Commit::Committed {
                return Ok(Changed::Done);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// A policy.
    pub(crate) async fn policy(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<Option<Arc<PolicyFacts>>, CatalogError> {
        self.familiar(&policy_at(account, name), |row| Ok(row.into_facts(local_name(name.as_bytes())?))).await
    }

    /// The account's policies, by name.
    pub(crate) async fn policies(&self, account: AccountId) -> Result<Vec<PolicyFacts>, CatalogError> {
        let rows = self.all::<PolicyRow>(account).await?;
        rows.into_iter().map(|row| Ok(row.record.into_facts(name_of(&row.key)?))).collect()
    }

    /// Deletes a policy that nobody holds.
    pub(crate) async fn delete_policy(&self, account: AccountId, name: &LocalName) -> Result<Changed, CatalogError> {
        let key = policy_at(account, name.as_str());
        for _ in 0..ATTEMPTS {
            let Some(found) = self.get(&key).await? else { return Ok(Changed::NotThere) };
            if self.is_held(account, name.as_str()).await? {
                return Ok(Changed::InUse);
            }
            if self.commit(Change::new().remove(&key, found.version)).await? == Commit::Committed {
                return Ok(Changed::Done);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Attaches a policy, or detaches it.
    pub(crate) async fn hold(
        &self,
        account: AccountId,
        holder: &Holder,
        policy: &LocalName,
        held: bool,
    ) -> Result<Changed, CatalogError> {
        let place = policy_at(account, policy.as_str());
        for _ in 0..ATTEMPTS {
            let row = self.get(&place).await?;
            let touched = match (&row, held) {
                (None, true) => return Ok(Changed::OtherNotThere),
                (Some(found), true) => Change::new().replace(&place, found.version, &found.record),
                (_, false) => Change::new(),
            };
            let change = |names: &mut Vec<String>| change_names(names, policy.as_str(), held);
            let changed = match holder {
                Holder::Root => {
                    self.rewrite(&by_number(account), touched, |row: &mut AccountRow| change(&mut row.policies)).await?
                }
                Holder::User(user) => {
                    self.rewrite(&by_name(account, user), touched, |row: &mut UserRow| change(&mut row.policies))
                        .await?
                }
                Holder::Group(group) => {
                    let key = group_at(account, group.as_str());
                    self.rewrite(&key, touched, |row: &mut GroupRow| change(&mut row.policies)).await?
                }
            };
            if let Some(changed) = changed {
                return Ok(changed);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Makes a group.
    pub(crate) async fn create_group(
        &self,
        account: AccountId,
        name: &LocalName,
        now: Timestamp,
    ) -> Result<Changed, CatalogError> {
        if self.all::<GroupRow>(account).await?.len() >= NAMED_MAX {
            return Ok(Changed::TooMany);
        }
        let row = GroupRow { created: now, policies: Vec::new() };
        let change = Change::new().insert(&group_at(account, name.as_str()), &row);
        Ok(if self.commit(change).await? == Commit::Committed { Changed::Done } else { Changed::Taken })
    }

    /// The account's groups, by name.
    pub(crate) async fn groups(&self, account: AccountId) -> Result<Vec<GroupFacts>, CatalogError> {
        let rows = self.all::<GroupRow>(account).await?;
        let facts = |row: Located<GroupRow>| {
            let GroupRow { created, policies } = row.record;
            Ok(GroupFacts { name: name_of(&row.key)?, policies, created })
        };
        rows.into_iter().map(facts).collect()
    }

    /// Deletes a group that has no members.
    pub(crate) async fn delete_group(&self, account: AccountId, name: &LocalName) -> Result<Changed, CatalogError> {
        let key = group_at(account, name.as_str());
        for _ in 0..ATTEMPTS {
            let Some(found) = self.get(&key).await? else { return Ok(Changed::NotThere) };
            let users = self.users(account).await?;
            if users.iter().any(|user| user.groups.iter().any(|group| group == name.as_str())) {
                return Ok(Changed::InUse);
            }
            if self.commit(Change::new().remove(&key, found.version)).await? == Commit::Committed {
                return Ok(Changed::Done);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// Puts a user into a group, or takes it out.
    pub(crate) async fn join(
        &self,
        account: AccountId,
        group: &LocalName,
        user: &UserName,
        member: bool,
    ) -> Result<Changed, CatalogError> {
        let place = group_at(account, group.as_str());
        for _ in 0..ATTEMPTS {
            let touched = match (self.get(&place).await?, member) {
                (None, true) => return Ok(Changed::OtherNotThere),
                (Some(found), true) => Change::new().replace(&place, found.version, &found.record),
                (_, false) => Change::new(),
            };
            let change = |row: &mut UserRow| change_names(&mut row.groups, group.as_str(), member);
            if let Some(changed) = self.rewrite(&by_name(account, user), touched, change).await? {
                return Ok(changed);
            }
        }
        Err(CatalogError::Contended(ATTEMPTS))
    }

    /// What a principal holds; nothing if it is not there.
    pub(crate) async fn holdings(&self, principal: &Principal) -> Result<Arc<Holdings>, CatalogError> {
        let held = match principal {
            Principal::Anonymous => None,
            Principal::Root(account) => {
                let of_account = |row: AccountRow| Ok(Holdings { policies: row.policies, groups: Vec::new() });
                self.familiar(&by_number(*account), of_account).await?
            }
            Principal::User(account, name) => {
                let of_user = |UserRow { policies, groups, .. }| Ok(Holdings { policies, groups });
                self.familiar(&by_name(*account, name), of_user).await?
            }
        };
        Ok(held.unwrap_or_default())
    }

    /// Names of a group's policies; none if it is not there.
    pub(crate) async fn policies_of_group(
        &self,
        account: AccountId,
        group: &str,
    ) -> Result<Arc<Vec<String>>, CatalogError> {
        let found = self.familiar(&group_at(account, group), |row| Ok(row.policies)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Whether anybody holds that policy.
    async fn is_held(&self, account: AccountId, policy: &str) -> Result<bool, CatalogError> {
        let holds = |names: &[String]| names.iter().any(|name| name == policy);
        let root = self.get(&by_number(account)).await?;
        Ok(root.is_some_and(|found| holds(&found.record.policies))
            || self.groups(account).await?.iter().any(|group| holds(&group.policies))
            || self.users(account).await?.iter().any(|user| holds(&user.policies)))
    }

    async fn all<R: Record>(&self, account: AccountId) -> Result<Vec<Located<R>>, CatalogError> {
        self.scan::<R>(Key::<R>::range(&[&account_part(account)]), USERS_MAX).await
    }

    /// Changes a row along with what else is to be committed. None in conflict.
    pub(super) async fn rewrite<R: Record>(
        &self,
        key: &Key<R>,
        along: Change,
        change: impl FnOnce(&mut R) -> Changed,
    ) -> Result<Option<Changed>, CatalogError> {
        let Some(Found { mut record, version }) = self.get(key).await? else { return Ok(Some(Changed::NotThere)) };
        let changed = change(&mut record);
        if changed != Changed::Done {
            return Ok(Some(changed));
        }
        let committed = self.commit(along.replace(key, version, &record)).await?;
        Ok((committed == Commit::Committed).then_some(Changed::Done))
    }
}

fn change_names(names: &mut Vec<String>, name: &str, held: bool) -> Changed {
    names.retain(|other| other != name);
    if held && names.len() >= HELD_MAX {
        return Changed::TooMany;
    }
    if held {
        names.push(name.to_owned());
    }
    Changed::Done
}

fn policy_at(account: AccountId, name: &str) -> Key<PolicyRow> {
    Key::new(&[&account_part(account), name.as_bytes()])
}

fn group_at(account: AccountId, name: &str) -> Key<GroupRow> {
    Key::new(&[&account_part(account), name.as_bytes()])
}

fn name_of<R: Record>(key: &Key<R>) -> Result<LocalName, CatalogError> {
    local_name(key.parts().get(8..).unwrap_or_default())
}

fn local_name(bytes: &[u8]) -> Result<LocalName, CatalogError> {
    let name = std::str::from_utf8(bytes).ok().and_then(|name| LocalName::parse(name).ok());
    name.ok_or(CatalogError::Inconsistent("a row is named by what is no name"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strongroom_model::name::AccessKeyId;
    use strongroom_model::secret::SecretKey;

    use super::*;
    use crate::catalog::identities::{Addition, NewAccessKey};
    use crate::kv::MemoryKv;

    const NOW: Timestamp = Timestamp::from_millis(1);

    fn account() -> AccountId {
        AccountId::new(7).unwrap()
    }

    fn name(text: &str) -> LocalName {
        LocalName::parse(text).unwrap()
    }

    fn ann() -> UserName {
        UserName::parse("ann").unwrap()
    }

    fn access_key(id: &str) -> NewAccessKey {
        NewAccessKey { id: AccessKeyId::parse(id).unwrap(), secret: SecretKey::new("s".repeat(40)) }
    }

    fn document() -> PolicyDocument {
        PolicyDocument { language: PolicyLanguage::Huawei, text: "{}".to_owned() }
    }

    /// A catalog with an account, and a user of it called ann.
    async fn catalog() -> Catalog {
        let catalog = Catalog::over(Arc::new(MemoryKv::new())).await;
        assert_eq!(catalog.create_account(account(), &access_key("ROOT"), NOW).await.unwrap(), Addition::Added);
        assert_eq!(catalog.create_user(account(), &ann(), &access_key("ANN1"), NOW).await.unwrap(), Addition::Added);
        catalog
    }

    async fn held_by(catalog: &Catalog, principal: Principal) -> Vec<String> {
        catalog.holdings(&principal).await.unwrap().policies.clone()
    }

    #[tokio::test]
    async fn a_policy_is_held_until_it_is_detached_and_cannot_go_before() {
        let catalog = catalog().await;
        let (policy, user) = (name("p"), Holder::User(ann()));
        assert_eq!(catalog.hold(account(), &user, &policy, true).await.unwrap(), Changed::OtherNotThere);
        assert_eq!(catalog.put_policy(account(), &policy, &document(), NOW).await.unwrap(), Changed::Done);
        assert_eq!(catalog.create_group(account(), &name("g"), NOW).await.unwrap(), Changed::Done);
        let nobody = Holder::User(UserName::parse("bob").unwrap());
        assert_eq!(catalog.hold(account(), &nobody, &policy, true).await.unwrap(), Changed::NotThere);
        for holder in [user, Holder::Root, Holder::Group(name("g"))] {
            for _again in 0..2 {
                assert_eq!(catalog.hold(account(), &holder, &policy, true).await.unwrap(), Changed::Done);
            }
            assert_eq!(catalog.delete_policy(account(), &policy).await.unwrap(), Changed::InUse, "{holder:?}");
            assert_eq!(catalog.hold(account(), &holder, &policy, false).await.unwrap(), Changed::Done);
        }
        assert!(held_by(&catalog, Principal::User(account(), ann())).await.is_empty());
        assert_eq!(held_by(&catalog, Principal::Root(account())).await, [EVERYTHING]);
        assert_eq!(catalog.delete_policy(account(), &policy).await.unwrap(), Changed::Done);
        assert_eq!(catalog.delete_policy(account(), &policy).await.unwrap(), Changed::NotThere);
        assert_eq!(catalog.policy(account(), "p").await.unwrap(), None);
    }

    #[tokio::test]
    async fn policies_are_replaced_and_listed_by_name_in_their_own_account() {
        let catalog = catalog().await;
        for text in ["{}", r#"{"Statement":[]}"#] {
            let document = PolicyDocument { text: text.to_owned(), ..document() };
            assert_eq!(catalog.put_policy(account(), &name("p"), &document, NOW).await.unwrap(), Changed::Done);
            assert_eq!(
                catalog.policy(account(), "p").await.unwrap().map(|facts| facts.document.clone()),
                Some(document)
            );
        }
        let listed = catalog.policies(account()).await.unwrap();
        assert_eq!(listed.iter().map(|facts| facts.name.as_str()).collect::<Vec<_>>(), [EVERYTHING, "p"]);
        assert!(catalog.policies(AccountId::new(8).unwrap()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_group_passes_on_what_it_holds_to_its_members_and_cannot_go_while_it_has_some() {
        let catalog = catalog().await;
        let group = name("g");
        assert_eq!(catalog.join(account(), &group, &ann(), true).await.unwrap(), Changed::OtherNotThere);
        assert_eq!(catalog.create_group(account(), &group, NOW).await.unwrap(), Changed::Done);
        assert_eq!(catalog.create_group(account(), &group, NOW).await.unwrap(), Changed::Taken);
        assert_eq!(catalog.join(account(), &group, &ann(), true).await.unwrap(), Changed::Done);
        assert_eq!(catalog.delete_group(account(), &group).await.unwrap(), Changed::InUse);
        let holdings = catalog.holdings(&Principal::User(account(), ann())).await.unwrap();
        assert_eq!(*holdings, Holdings { policies: Vec::new(), groups: vec!["g".to_owned()] });
        assert_eq!(catalog.put_policy(account(), &name("p"), &document(), NOW).await.unwrap(), Changed::Done);
        let holder = Holder::Group(group.clone());
        assert_eq!(catalog.hold(account(), &holder, &name("p"), true).await.unwrap(), Changed::Done);
        assert_eq!(*catalog.policies_of_group(account(), "g").await.unwrap(), ["p"]);
        assert_eq!(catalog.join(account(), &group, &ann(), false).await.unwrap(), Changed::Done);
        assert_eq!(catalog.delete_group(account(), &group).await.unwrap(), Changed::Done);
        assert!(catalog.policies_of_group(account(), "g").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn nobody_holds_more_than_one_decision_is_to_read() {
        let catalog = catalog().await;
        for number in 0..=HELD_MAX {
            let policy = name(&format!("p{number}"));
            assert_eq!(catalog.put_policy(account(), &policy, &document(), NOW).await.unwrap(), Changed::Done);
            let expected = if number < HELD_MAX { Changed::Done } else { Changed::TooMany };
            let held = catalog.hold(account(), &Holder::User(ann()), &policy, true).await.unwrap();
            assert_eq!(held, expected, "{number}");
        }
        // One that is held already is not one more.
        let again = catalog.hold(account(), &Holder::User(ann()), &name("p0"), true).await.unwrap();
        assert_eq!(again, Changed::Done);
    }

    /// Version 1, written down from the postcard specification. It must be read for ever.
    #[test]
    fn the_golden_forms_of_version_1() {
        use crate::catalog::record::{decode, encode};
        let policy =
            PolicyRow { written: Timestamp::from_millis(5), language: PolicyLanguage::Alibaba, text: "t".into() };
        assert_eq!(hex::encode(&*encode(&policy)), "010a010174");
        assert_eq!(decode::<PolicyRow>(&encode(&policy)).unwrap().text, "t");
        let group = GroupRow { created: Timestamp::from_millis(-1), policies: vec!["p".into(), "q".into()] };
        assert_eq!(hex::encode(&*encode(&group)), "01010201700171");
        assert_eq!(decode::<GroupRow>(&encode(&group)).unwrap().policies, ["p", "q"]);
    }
}
