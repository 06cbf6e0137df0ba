//! Access keys and account numbers, made up.

use strongroom_model::account::AccountId;
use strongroom_model::name::AccessKeyId;
use strongroom_model::secret::SecretKey;
use zeroize::Zeroizing;

use crate::{
    catalog::identities::NewAccessKey,
    surroundings::{Entropy, EntropyError},
};

/// Characters of an access key's id, as AWS has them: 100 random bits.
const ID_LEN: usize = 20;
const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Characters of a secret, as AWS has them: 240 random bits. None of them needs quoting in a shell or a URL.
const SECRET_LEN: usize = 40;
const SECRET_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The least number of twelve digits.
const ACCOUNT_MIN: u64 = 100_000_000_000;

/// A new access key.
pub(crate) fn access_key(entropy: &Entropy) -> Result<NewAccessKey, EntropyError> {
    let id = spell::<ID_LEN>(entropy, ID_ALPHABET)?;
    let id = AccessKeyId::parse(&id).expect("letters and digits are visible ASCII");
    let secret = spell::<SECRET_LEN>(entropy, SECRET_ALPHABET)?;
    Ok(NewAccessKey { id, secret: SecretKey::new(secret) })
}

/// A new account number. Not quite uniform, which does not matter to a number that is no secret.
pub(crate) fn account(entropy: &Entropy) -> Result<AccountId, EntropyError> {
    let number = u64::from_be_bytes(entropy.array()?) % (AccountId::NUMBER_MAX + 1 - ACCOUNT_MIN) + ACCOUNT_MIN;
    Ok(AccountId::new(number).expect("it has twelve digits"))
}

/// Random characters of an alphabet whose length divides 256, so that each is equally likely.
fn spell<const N: usize>(entropy: &Entropy, alphabet: &[u8]) -> Result<String, EntropyError> {
    let mut random = Zeroizing::new([0; N]);
    entropy.fill(&mut *random)?;
    Ok(random.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_character_comes_of_its_bytes() {
        let counting = Entropy::new(|bytes| {
            bytes.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n);
            Ok(())
        });
        let key = access_key(&counting).unwrap();
        assert_eq!(key.id.as_str(), "ABCDEFGHIJKLMNOPQRST");
        assert_eq!(key.secret.expose(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn");
        assert!(account(&counting).unwrap().aws().parse::<u64>().unwrap() >= ACCOUNT_MIN);
        assert_eq!(SECRET_ALPHABET.iter().collect::<HashSet<_>>().len(), 64);
    }
}
