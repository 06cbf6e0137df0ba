//! Access keys and account numbers, made up.

use std::ops::RangeInclusive;

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

/// The number of the first account: from the lower half, since all others are greater, and there must be some.
pub(crate) fn first_account(entropy: &Entropy) -> Result<AccountId, EntropyError> {
    number_within(ACCOUNT_MIN..=AccountId::NUMBER_MAX / 2, entropy)
}

/// A number for another account, greater than `first`.
pub(crate) fn account(first: AccountId, entropy: &Entropy) -> Result<AccountId, EntropyError> {
    number_within(first.number() + 1..=AccountId::NUMBER_MAX, entropy)
}

/// Not quite uniform, which does not matter to a number that is no secret.
fn number_within(range: RangeInclusive<u64>, entropy: &Entropy) -> Result<AccountId, EntropyError> {
    let (least, most) = range.into_inner();
    let number = least + u64::from_be_bytes(entropy.array()?) % (most - least + 1);
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
        let first = first_account(&counting).unwrap();
        assert!((ACCOUNT_MIN..=AccountId::NUMBER_MAX / 2).contains(&first.number()));
        for greatest in [first, AccountId::new(AccountId::NUMBER_MAX - 1).unwrap()] {
            assert!(account(greatest, &counting).unwrap() > greatest);
        }
        assert_eq!(SECRET_ALPHABET.iter().collect::<HashSet<_>>().len(), 64);
    }
}
