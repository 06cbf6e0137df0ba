//! How master keys are written into rows.

use serde::{Deserialize, Serialize};
use strongroom_model::key::{KeyOrigin, KeySpec, KeyState, VersionCause};
use strongroom_model::time::Timestamp;

use super::keys::{Fingerprint, MasterKey};
use super::record::{Family, first_version};

/// Which root key wraps the master keys.
#[derive(Serialize, Deserialize)]
pub(super) struct RootRow {
    pub(super) fingerprint: Fingerprint,
}

/// A key in the index of its account; the catalog key says all.
#[derive(Serialize, Deserialize)]
pub(super) struct OwnedRow {}

/// Where an alias points.
#[derive(Serialize, Deserialize)]
pub(crate) struct AliasRow {
    pub(crate) key: String,
}

/// Which key an account has in a standing role.
#[derive(Serialize, Deserialize)]
pub(super) struct StandingRow {
    pub(super) key: String,
}

/// A key with which something is to be done; the catalog key says when.
#[derive(Serialize, Deserialize)]
pub(super) struct DueRow {}

first_version!(RootRow, Family::Root);
first_version!(MasterKey, Family::Key);
first_version!(OwnedRow, Family::KeyOfAccount);
first_version!(AliasRow, Family::KeyAlias);
first_version!(StandingRow, Family::StandingKey);
first_version!(DueRow, Family::KeyDue);

#[derive(Serialize, Deserialize)]
#[serde(remote = "KeySpec")]
pub(super) enum SpecRow {
    Aes256,
    Sm4,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "KeyState")]
pub(super) enum StateRow {
    Enabled,
    Disabled,
    PendingDeletion {
        #[serde(with = "timestamp")]
        deletion: Timestamp,
    },
    PendingImport,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "KeyOrigin")]
pub(super) enum OriginRow {
    Service,
    External,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "VersionCause")]
pub(super) enum CauseRow {
    Creation,
    Interval,
    Demand,
}

/// Milliseconds since 1970.
pub(super) mod timestamp {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use strongroom_model::time::Timestamp;

    pub(in crate::catalog) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        time.millis().serialize(to)
    }

    pub(in crate::catalog) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_millis)
    }
}

/// Milliseconds since 1970, or never.
pub(super) mod moment {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use strongroom_model::time::Timestamp;

    pub(in crate::catalog) fn serialize<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        time.map(Timestamp::millis).serialize(to)
    }

    pub(in crate::catalog) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(Timestamp::from_millis))
    }
}

/// An account's number.
pub(super) mod account {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};
    use strongroom_model::account::AccountId;

    pub(in crate::catalog) fn serialize<S: Serializer>(account: &AccountId, to: S) -> Result<S::Ok, S::Error> {
        account.number().serialize(to)
    }

    pub(in crate::catalog) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AccountId, D::Error> {
        let number = u64::deserialize(from)?;
        AccountId::new(number).ok_or_else(|| D::Error::custom("an account number of more than twelve digits"))
    }
}

/// A key's policy, or nothing.
pub(super) mod key_policy {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use strongroom_model::policy::{PolicyDocument, PolicyLanguage};

    use crate::catalog::spelling::PolicyLanguageRow;

    #[derive(Serialize, Deserialize)]
    struct One {
        #[serde(with = "PolicyLanguageRow")]
        language: PolicyLanguage,
        text: String,
    }

    pub(in crate::catalog) fn serialize<S: Serializer>(
        policy: &Option<PolicyDocument>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let one = policy.as_ref().map(|policy| One { language: policy.language, text: policy.text.clone() });
        one.serialize(to)
    }

    pub(in crate::catalog) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<PolicyDocument>, D::Error> {
        Ok(Option::<One>::deserialize(from)?.map(|One { language, text }| PolicyDocument { language, text }))
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::account::AccountId;
    use strongroom_model::policy::{PolicyDocument, PolicyLanguage};

    use super::*;
    use crate::catalog::{
        keys::{KeyVersion, Role},
        record::{Record, decode, encode},
    };

    /// Version 1, written down from the postcard specification. It must be read for ever.
    #[test]
    fn the_golden_forms_of_version_1() {
        let key = MasterKey {
            id: "ab".into(),
            account: AccountId::new(7).unwrap(),
            role: Role::Managed,
            spec: KeySpec::Sm4,
            description: "d".into(),
            aliases: ["x".to_owned()].into(),
            state: KeyState::PendingDeletion { deletion: Timestamp::from_millis(5) },
            created: Timestamp::from_millis(-1),
            versions: vec![KeyVersion {
                created: Timestamp::from_millis(300),
                cause: VersionCause::Demand,
                fingerprint: [0x11; 16],
                wrapped: Some(vec![9, 0xff]),
                expires: None,
            }],
            upcoming: Some(KeyVersion {
                created: Timestamp::from_millis(301),
                cause: VersionCause::Creation,
                fingerprint: [0x22; 16],
                wrapped: None,
                expires: Some(Timestamp::from_millis(3)),
            }),
            origin: KeyOrigin::External,
            tags: [("k".to_owned(), "v".to_owned())].into(),
            policy: Some(PolicyDocument { language: PolicyLanguage::Amazon, text: "p".into() }),
            project: Some("q".into()),
            rotation_days: 365,
            rotation_next: Some(Timestamp::from_millis(4)),
            protection: None,
        };
        let golden = "01 026162 07 02 01 0164 01 0178 02 0a 01 \
            01 d804 02 11111111111111111111111111111111 01 0209ff 00 \
            01 da04 00 22222222222222222222222222222222 00 01 06 \
            01 01 016b 0176 01 02 0170 01 0171 ed02 01 08 00";
        is_golden(&key, golden);
        assert_eq!(decode::<MasterKey>(&hex::decode(golden.replace(' ', "")).unwrap()), Ok(key));
        is_golden(&RootRow { fingerprint: [0x22; 16] }, "01 22222222222222222222222222222222");
        is_golden(&AliasRow { key: "ab".into() }, "01 026162");
        is_golden(&StandingRow { key: "ab".into() }, "01 026162");
        is_golden(&OwnedRow {}, "01");
        is_golden(&DueRow {}, "01");
    }

    fn is_golden<R: Record>(record: &R, golden: &str) {
        assert_eq!(hex::encode(encode(record)), golden.replace(' ', ""));
        let again = decode::<R>(&encode(record)).unwrap();
        assert_eq!(encode(&again), encode(record));
    }
}
