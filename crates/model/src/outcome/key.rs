//! Answers about customer master keys.

use crate::grant::Grant;
use crate::key::{AliasFacts, KeyDescription, KeyName, KeySpec, KeyVersionFacts, MaterialId};
use crate::policy::PolicyDocument;
use crate::secret::Plaintext;
use crate::time::Timestamp;

/// The answer to an operation on customer master keys.
#[derive(Debug)]
pub enum KeyOutcome {
    /// A key as it now is.
    Key(KeyDescription),
    /// Some of the account's keys, in the order of their creation.
    Keys(Listed<KeyDescription>),
    /// Aliases, in the order of their names.
    Aliases(Listed<AliasFacts>),
    /// Versions of a key, the first one first.
    Versions(KeyName, Listed<KeyVersionFacts>),
    /// A key's policy; none if its owner wrote none.
    Policy(KeyName, Option<PolicyDocument>),
    /// A grant was made, or was there already.
    Granted(Grant),
    /// Grants, in the order of their ids.
    Grants(Listed<Grant>),
    /// What key material is wrapped with to be imported.
    ImportParameters(ImportParameters),
    /// A data key.
    DataKey {
        /// What sealed it.
        key: UsedKey,
        /// It, sealed.
        ciphertext: Vec<u8>,
        /// It, if it was to be shown.
        plaintext: Option<Plaintext>,
    },
    /// Something was sealed.
    Encrypted {
        /// What sealed it.
        key: UsedKey,
        /// It, sealed.
        ciphertext: Vec<u8>,
    },
    /// Something was opened.
    Decrypted {
        /// What had sealed it.
        key: UsedKey,
        /// It.
        plaintext: Plaintext,
        /// SHA-256 of a data key, or SM3 if an SM4 key had sealed it.
        digest: Option<[u8; 32]>,
    },
    /// Something was opened and sealed anew.
    ReEncrypted {
        /// What had sealed it.
        source: UsedKey,
        /// What seals it now.
        key: UsedKey,
        /// It, sealed.
        ciphertext: Vec<u8>,
    },
    /// Random bytes.
    Random(Plaintext),
    /// How many keys there may be and are.
    Quotas(KeyQuotas),
    /// It is done; there is nothing more to say.
    Done,
}

/// Some entries of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// How many come before them.
    pub offset: usize,
    /// How many there are in all.
    pub total: usize,
}

impl<T> Listed<T> {
    /// The part of `all` that `page` asks for.
    pub fn cut(all: Vec<T>, page: crate::operation::key::Page) -> Self {
        let total = all.len();
        let offset = page.offset.min(total);
        Self { entries: all.into_iter().skip(offset).take(page.limit).collect(), offset, total }
    }

    /// How many entries come before the next part, if there is one.
    pub fn next(&self) -> Option<usize> {
        let next = self.offset + self.entries.len();
        (next < self.total).then_some(next)
    }
}

/// A key that sealed or opened something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedKey {
    /// Its name.
    pub name: KeyName,
    /// The version that did.
    pub version: u32,
    /// The name of that version's material.
    pub material: MaterialId,
    /// Its cipher.
    pub spec: KeySpec,
}

/// What key material is wrapped with to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportParameters {
    /// For which key.
    pub key: KeyName,
    /// To be handed back with the material.
    pub token: Vec<u8>,
    /// The RSA key that wraps it: a SubjectPublicKeyInfo in DER (RFC 5280 §4.1).
    pub public_key: Vec<u8>,
    /// How long both are good for.
    pub expires: Timestamp,
}

/// How many keys there may be and are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyQuotas {
    /// Keys that the account may have.
    pub keys_max: usize,
    /// Keys that it has.
    pub keys: usize,
    /// Keys of those that its people made.
    pub custom: usize,
    /// Grants that one key may have.
    pub grants_per_key: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::key::Page;

    #[test]
    fn pages_follow_one_another_to_the_end() {
        let all = || (0..5).collect::<Vec<_>>();
        let first = Listed::cut(all(), Page { offset: 0, limit: 2 });
        assert_eq!((first.entries.as_slice(), first.total, first.next()), (&[0, 1][..], 5, Some(2)));
        let last = Listed::cut(all(), Page { offset: 4, limit: 2 });
        assert_eq!((last.entries.as_slice(), last.next()), (&[4][..], None));
        let beyond = Listed::cut(all(), Page { offset: 9, limit: 2 });
        assert_eq!((beyond.entries.len(), beyond.next()), (0, None));
        assert_eq!(Listed::cut(all(), Page::default()).entries.len(), 5);
    }
}
