//! Signing keys that were derived a moment ago: to derive one takes five hashes more than to sign with it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use strongroom_model::name::AccessKeyId;
use strongroom_model::secret::SecretKey;
use subtle::ConstantTimeEq as _;

use super::crypto::MacKey;
use super::scope::Scope;
use crate::claim::KeyRule;

/// Keys kept at most: of as many clients as sign within a day from one node, in some hundred bytes each. When there are
/// more, all are forgotten.
const KEYS_MAX: usize = 4096;

/// The keys of scoped schemes that were derived of late, each with the secret that it came from: one whose secret is another by
/// now is derived anew.
#[derive(Default)]
pub struct SigningKeys(Mutex<HashMap<(AccessKeyId, Scope), Derived>>);

struct Derived {
    secret: SecretKey,
    key: MacKey,
}

impl SigningKeys {
    /// The key that signs by `rule` for the holder of `secret`.
    pub(crate) fn key(&self, id: &AccessKeyId, rule: &KeyRule, secret: &SecretKey) -> MacKey {
        let KeyRule::Scoped { scope, .. } = rule else { return rule.key(secret) };
        let place = (id.clone(), scope.clone());
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = keys.get(&place).filter(|known| known.comes_from(secret)) {
            return known.key.clone();
        }
        if keys.len() >= KEYS_MAX {
            keys.clear();
        }
        let key = rule.key(secret);
        keys.insert(place, Derived { secret: SecretKey::new(secret.expose().to_owned()), key: key.clone() });
        key
    }
}

impl Derived {
    fn comes_from(&self, secret: &SecretKey) -> bool {
        self.secret.expose().as_bytes().ct_eq(secret.expose().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::oss4;

    fn rule(date: &str) -> KeyRule {
        let credential = format!("AK/{date}/cn-hangzhou/oss/aliyun_v4_request");
        let (_, scope) = Scope::read(&credential, &oss4::WORDS, None).unwrap();
        KeyRule::Scoped { scope, time: format!("{date}T000000Z") }
    }

    #[test]
    fn a_key_is_that_of_its_secret_and_day_however_often_it_is_asked_for() {
        let (keys, id) = (SigningKeys::default(), AccessKeyId::parse("AK").unwrap());
        for secret in ["one", "two", "one"].map(|text| SecretKey::new(text.to_owned())) {
            for rule in [rule("20261121"), rule("20261122"), rule("20261121")] {
                let code = rule.key(&secret).sign(b"message");
                assert!(keys.key(&id, &rule, &secret).verify(b"message", &code));
            }
        }
    }
}
