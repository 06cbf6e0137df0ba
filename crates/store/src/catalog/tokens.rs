//! Temporary access keys. They are in no row: all that is known of one is in the token that its holder presents, sealed
//! like a row, for the place that its id would have. What is changed, or belongs to another access key, does not open.

use serde::{Deserialize, Serialize};
use strongroom_model::account::{AccountId, Principal, UserName};
use strongroom_model::name::AccessKeyId;
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use zeroize::Zeroizing;

use super::identities::StoredSecret;
use super::key_rows::{account, timestamp};
use super::record::{Family, Key, decode, encode, first_version};
use super::spelling::PolicyLanguageRow;
use super::{Catalog, CatalogError};

/// What a temporary access key was issued with.
pub(crate) struct Token {
    /// To whom.
    pub(crate) principal: Principal,
    /// Its secret.
    pub(crate) secret: SecretKey,
    /// When.
    pub(crate) issued: Timestamp,
    /// Until when it is good.
    pub(crate) expires: Timestamp,
    /// What it may do at most.
    pub(crate) policy: Option<PolicyDocument>,
}

#[derive(Serialize, Deserialize)]
struct TokenRow {
    #[serde(with = "account")]
    account: AccountId,
    /// None for the account itself.
    user: Option<String>,
    secret: StoredSecret,
    #[serde(with = "timestamp")]
    issued: Timestamp,
    #[serde(with = "timestamp")]
    expires: Timestamp,
    policy: Option<SessionPolicyRow>,
}

#[derive(Serialize, Deserialize)]
struct SessionPolicyRow {
    #[serde(with = "PolicyLanguageRow")]
    language: PolicyLanguage,
    text: String,
}

first_version!(TokenRow, Family::Token);

impl Catalog {
    /// The token that a temporary access key of that id goes with.
    pub(crate) fn seal_token(&self, id: &AccessKeyId, token: Token) -> Result<SecretKey, CatalogError> {
        let (account, user) = match token.principal {
            Principal::Root(account) => (account, None),
            Principal::User(account, name) => (account, Some(name.as_str().to_owned())),
            Principal::Anonymous => return Err(CatalogError::Inconsistent("a token is for nobody")),
        };
        let row = TokenRow {
            account,
            user,
            secret: StoredSecret(Zeroizing::new(token.secret.expose().to_owned())),
            issued: token.issued,
            expires: token.expires,
            policy: token.policy.map(|PolicyDocument { language, text }| SessionPolicyRow { language, text }),
        };
        let sealed = self.sealer.seal(place(id).as_bytes(), &encode(&row))?;
        Ok(SecretKey::new(hex::encode(sealed)))
    }

    /// What a token says, if it is that of the access key.
    pub(crate) fn open_token(&self, id: &AccessKeyId, token: &str) -> Result<Token, CatalogError> {
        let none = CatalogError::Inconsistent("a token is not of its form");
        let Ok(sealed) = hex::decode(token) else { return Err(none) };
        let row: TokenRow = decode(&self.sealer.open(place(id).as_bytes(), &sealed)?)?;
        let principal = match row.user {
            None => Principal::Root(row.account),
            Some(name) => Principal::User(row.account, UserName::parse(&name).map_err(|_| none)?),
        };
        let StoredSecret(mut secret) = row.secret;
        let secret = SecretKey::new(std::mem::take(&mut *secret));
        let policy = row.policy.map(|SessionPolicyRow { language, text }| PolicyDocument { language, text });
        Ok(Token { principal, secret, issued: row.issued, expires: row.expires, policy })
    }
}

fn place(id: &AccessKeyId) -> Key<TokenRow> {
    Key::new(&[id.as_str().as_bytes()])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{kv::MemoryKv, surroundings::Entropy};

    async fn catalog(seed: u8) -> Catalog {
        let folder = tempfile::tempdir().unwrap();
        let entropy = Entropy::new(move |bytes| {
            bytes.fill(seed);
            Ok(())
        });
        Catalog::open(Arc::new(MemoryKv::new()), &folder.path().join("metadata.key"), entropy).await.unwrap()
    }

    fn token(principal: Principal) -> Token {
        Token {
            principal,
            secret: SecretKey::new("the secret of a temporary key".to_owned()),
            issued: Timestamp::from_millis(1),
            expires: Timestamp::from_millis(2),
            policy: Some(PolicyDocument { language: PolicyLanguage::Amazon, text: "{}".to_owned() }),
        }
    }

    fn id(text: &str) -> AccessKeyId {
        AccessKeyId::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_token_says_what_it_was_issued_with_and_nothing_to_those_who_read_it() {
        let catalog = catalog(1).await;
        let account = AccountId::new(7).unwrap();
        for principal in [Principal::Root(account), Principal::User(account, UserName::parse("ann").unwrap())] {
            let sealed = catalog.seal_token(&id("AK"), token(principal.clone())).unwrap();
            let text = hex::decode(sealed.expose()).unwrap();
            assert!(!text.windows(6).any(|window| window == b"secret"), "it is sealed");
            let opened = catalog.open_token(&id("AK"), sealed.expose()).unwrap();
            let expected = token(principal);
            assert_eq!((opened.principal, opened.policy), (expected.principal, expected.policy));
            assert_eq!((opened.issued, opened.expires), (expected.issued, expected.expires));
            assert_eq!(opened.secret.expose(), expected.secret.expose());
        }
        assert!(catalog.seal_token(&id("AK"), token(Principal::Anonymous)).is_err());
    }

    #[tokio::test]
    async fn a_token_is_for_one_access_key_of_one_server_as_it_was_made() {
        let (catalog, elsewhere) = (catalog(1).await, catalog(2).await);
        let sealed = catalog.seal_token(&id("AK"), token(Principal::Root(AccountId::new(7).unwrap()))).unwrap();
        let text = sealed.expose();
        assert!(catalog.open_token(&id("OTHER"), text).is_err());
        assert!(elsewhere.open_token(&id("AK"), text).is_err());
        for place in [0, text.len() / 2, text.len() - 1] {
            let mut changed = text.to_owned().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(catalog.open_token(&id("AK"), &changed).is_err(), "digit {place}");
        }
        for nonsense in ["", "x", "00", &text[..text.len() - 2]] {
            assert!(catalog.open_token(&id("AK"), nonsense).is_err(), "{nonsense}");
        }
    }
}
