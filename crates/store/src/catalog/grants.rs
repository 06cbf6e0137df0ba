//! Grants on master keys. A grant lies under its account and key, so that an account's are one scan and a key's are another.

use serde::{Deserialize, Serialize};
use strongroom_model::account::AccountId;
use strongroom_model::encryption::EncryptionContext;
use strongroom_model::grant::{Grant, GrantAction, GrantConstraint, GrantTerms, GranteeKind};
use strongroom_model::key::KeyName;
use strongroom_model::time::Timestamp;

use super::key_rows::timestamp;
use super::keys::{MasterKey, account_part, by_id};
use super::record::{Family, Key, first_version};
use super::{Catalog, CatalogError, Change, Found};
use crate::kv::{Commit, Expected};

/// Grants that an account can have: as many keys as it may have, each with as many grants as it may have. A scan of them all
/// is for listing what one may retire, which is rare.
const GRANTS_OF_ACCOUNT: usize = 100_000;

/// A grant as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantRow {
    /// Sixty-four hex digits.
    pub(crate) id: String,
    /// On which key.
    pub(crate) key: String,
    /// Who granted it.
    pub(crate) issuer: String,
    /// When.
    #[serde(with = "timestamp")]
    pub(crate) created: Timestamp,
    /// What it says.
    #[serde(with = "TermsRow")]
    pub(crate) terms: GrantTerms,
}

first_version!(GrantRow, Family::Grant);

impl GrantRow {
    /// The grant, on the key of that name.
    pub(crate) fn on(self, key: KeyName) -> Grant {
        Grant { id: self.id, key, issuer: self.issuer, created: self.created, terms: self.terms }
    }
}

impl Catalog {
    /// The grants on a key, in the order of their ids.
    pub(crate) async fn grants_of_key(&self, account: AccountId, key: &str) -> Result<Vec<GrantRow>, CatalogError> {
        let range = Key::<GrantRow>::range(&[&account_part(account), key.as_bytes(), b"\0"]);
        let rows = self.scan::<GrantRow>(range, GRANTS_OF_ACCOUNT).await?;
        Ok(rows.into_iter().map(|row| row.record).collect())
    }

    /// All grants on the account's keys.
    pub(crate) async fn grants_of_account(&self, account: AccountId) -> Result<Vec<GrantRow>, CatalogError> {
        let rows = self.scan::<GrantRow>(Key::<GrantRow>::range(&[&account_part(account)]), GRANTS_OF_ACCOUNT).await?;
        Ok(rows.into_iter().map(|row| row.record).collect())
    }

    /// Writes a new grant on `key`, which must be as it was found: a key that is destroyed takes its grants along.
    pub(crate) async fn insert_grant(&self, key: &Found<MasterKey>, grant: &GrantRow) -> Result<Commit, CatalogError> {
        let row = of_key(key.record.account, &grant.key, &grant.id);
        // The key's row is written as it is, so that two grants at once cannot pass the limit together.
        let change = Change::new().replace(&by_id(&key.record.id), key.version, &key.record);
        self.commit(change.insert(&row, grant)).await
    }

    /// Removes a grant, which must be there.
    pub(crate) async fn remove_grant(&self, account: AccountId, grant: &GrantRow) -> Result<Commit, CatalogError> {
        let row = of_key(account, &grant.key, &grant.id);
        self.commit(Change::new().check(&row, Expected::Present).delete(&row)).await
    }
}

/// Where a grant is.
pub(super) fn of_key(account: AccountId, key: &str, grant: &str) -> Key<GrantRow> {
    Key::new(&[&account_part(account), key.as_bytes(), b"\0", grant.as_bytes()])
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "GrantTerms")]
struct TermsRow {
    grantee: String,
    #[serde(with = "KindRow")]
    grantee_kind: GranteeKind,
    retiring: Option<String>,
    #[serde(with = "actions")]
    actions: Vec<GrantAction>,
    name: Option<String>,
    #[serde(with = "constraint")]
    constraint: Option<GrantConstraint>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "GranteeKind")]
enum KindRow {
    User,
    Account,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "GrantAction")]
enum ActionRow {
    Describe,
    CreateGrant,
    RetireGrant,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    Encrypt,
    Decrypt,
    EncryptDataKey,
    DecryptDataKey,
    ReEncryptFrom,
    ReEncryptTo,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "GrantConstraint")]
enum ConstraintRow {
    Equals(EncryptionContext),
    Subset(EncryptionContext),
}

/// A list of what `ActionRow` spells.
mod actions {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use strongroom_model::grant::GrantAction;

    use super::ActionRow;

    #[derive(Serialize, Deserialize)]
    struct One(#[serde(with = "ActionRow")] GrantAction);

    pub(super) fn serialize<S: Serializer>(actions: &[GrantAction], to: S) -> Result<S::Ok, S::Error> {
        actions.iter().map(|action| One(*action)).collect::<Vec<_>>().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<GrantAction>, D::Error> {
        Ok(Vec::<One>::deserialize(from)?.into_iter().map(|One(action)| action).collect())
    }
}

/// What `ConstraintRow` spells, or nothing.
mod constraint {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use strongroom_model::grant::GrantConstraint;

    use super::ConstraintRow;

    #[derive(Serialize, Deserialize)]
    struct One(#[serde(with = "ConstraintRow")] GrantConstraint);

    pub(super) fn serialize<S: Serializer>(constraint: &Option<GrantConstraint>, to: S) -> Result<S::Ok, S::Error> {
        constraint.clone().map(One).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<GrantConstraint>, D::Error> {
        Ok(Option::<One>::deserialize(from)?.map(|One(constraint)| constraint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::record::{decode, encode};

    /// Version 1, written down from the postcard specification. It must be read for ever.
    #[test]
    fn the_golden_form_of_version_1() {
        let grant = GrantRow {
            id: "g".into(),
            key: "ab".into(),
            issuer: "i".into(),
            created: Timestamp::from_millis(5),
            terms: GrantTerms {
                grantee: "u".into(),
                grantee_kind: GranteeKind::Account,
                retiring: Some("r".into()),
                actions: vec![GrantAction::Decrypt, GrantAction::Describe],
                name: None,
                constraint: Some(GrantConstraint::Subset([("a".to_owned(), "b".to_owned())].into())),
            },
        };
        let golden = "01 0167 026162 0169 0a 0175 01 01 0172 02 06 00 00 01 01 01 0161 0162";
        assert_eq!(hex::encode(&*encode(&grant)), golden.replace(' ', ""));
        assert_eq!(decode::<GrantRow>(&encode(&grant)), Ok(grant));
    }
}
