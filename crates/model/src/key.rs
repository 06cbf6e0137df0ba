//! Customer master keys: how clients refer to them and what the service says of them.

use std::collections::BTreeMap;

use crate::account::AccountId;
use crate::name::Region;
use crate::time::Timestamp;

/// A customer master key as a client referred to it, in any spelling of any vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReference {
    /// The text exactly as given: some documents echo it verbatim.
    pub text: String,
    /// The region that the text names, if it names one.
    pub region: Option<String>,
    /// The account that the text names, if it names one.
    pub account: Option<String>,
    /// What the text points at.
    pub target: KeyTarget,
}

/// What a key reference points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTarget {
    /// A key id, in lower case if it has the form of one; not all have it.
    Id(String),
    /// An alias, without the leading `alias/`.
    Alias(String),
    /// A key that was found, and about which was decided: no text of a client's comes to this.
    Found(KeyName),
}

impl KeyReference {
    /// Greatest length of a reference: the longest ARN that AWS accepts.
    pub const LENGTH_MAX: usize = 2048;

    /// Reads any accepted spelling: `id`, `key/id`, `alias/name`, `region:domain:key/id`,
    /// `arn:<partition>:kms:<region>:<account>:key/id` or `…:alias/name`, `acs:kms:<region>:<uid>:key/id`.
    ///
    /// Text of no known form becomes an id that no key has, so that the answer is the dialect's "no such key".
    pub fn parse(text: &str) -> Self {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let (region, account, rest) = match parts.as_slice() {
            ["arn", _, "kms", region, account, rest] => (Some(*region), Some(*account), *rest),
            ["acs", "kms", region, account, rest] => (Some(*region), Some(*account), *rest),
            [region, account, rest] if rest.starts_with("key/") || rest.starts_with("alias/") => {
                (Some(*region), Some(*account), *rest)
            }
            _ => (None, None, text),
        };
        let target = match rest.strip_prefix("alias/") {
            Some(alias) => KeyTarget::Alias(alias.to_owned()),
            None => KeyTarget::Id(id_of(rest.strip_prefix("key/").unwrap_or(rest))),
        };
        Self { text: text.to_owned(), region: region.map(str::to_owned), account: account.map(str::to_owned), target }
    }

    /// A key that was found under the text of `self`.
    pub fn found(&self, name: KeyName) -> Self {
        Self { text: self.text.clone(), region: None, account: None, target: KeyTarget::Found(name) }
    }

    /// Whether the reference has the form of something that could exist: a UUID, or a non-empty alias.
    pub fn is_well_formed(&self) -> bool {
        match &self.target {
            KeyTarget::Id(id) => is_uuid(id),
            KeyTarget::Alias(alias) => !alias.is_empty(),
            KeyTarget::Found(_) => true,
        }
    }
}

/// One key has one id, in lower case, which policies are held against: another spelling must not get around them.
fn id_of(text: &str) -> String {
    if is_uuid(text) { text.to_ascii_lowercase() } else { text.to_owned() }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths_fit = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
    lengths_fit && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A customer master key that exists, with all that its spellings need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// The key's id: a lower-case UUID.
    pub id: String,
    /// The account that owns the key.
    pub account: AccountId,
    /// The region the key lives in.
    pub region: Region,
    /// Whether this is the account's default key, which no client made.
    pub is_default: bool,
}

/// What cipher a customer master key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySpec {
    /// AES with 256-bit keys.
    Aes256,
    /// SM4 (GB/T 32907), 128-bit keys.
    Sm4,
}

/// The life of a customer master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// In use.
    Enabled,
    /// Refuses to seal and to open until enabled again.
    Disabled,
    /// Has no material, or not all of it: the customer has yet to bring it.
    PendingImport,
    /// Refuses to seal and to open; destroyed at the given time unless the deletion is cancelled.
    PendingDeletion {
        /// When the key material is destroyed.
        deletion: Timestamp,
    },
}

/// Where a customer master key's material comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The key service draws it.
    Service,
    /// The customer brings it.
    External,
}

/// The public name of the material of one version of a key: the same material has the same name, in whatever version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaterialId(pub [u8; 32]);

/// A key's tags: names and values of the owner's choice.
pub type KeyTags = BTreeMap<String, String>;

/// When a key gets new versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRotation {
    /// Days between two automatic rotations, also while they are off.
    pub days: u32,
    /// When the next automatic rotation is due; none while they are off.
    pub next: Option<Timestamp>,
    /// When the key was last rotated, by itself or on demand.
    pub last: Option<Timestamp>,
    /// How often it was rotated.
    pub count: u32,
}

impl KeyRotation {
    /// Days between two rotations unless the owner says otherwise, as all three services have it.
    pub const DAYS: u32 = 365;
}

/// All that the key service says of a customer master key. Never key material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescription {
    /// Its name.
    pub name: KeyName,
    /// What its owner wrote of it.
    pub description: String,
    /// Its aliases, without the leading `alias/`, sorted.
    pub aliases: Vec<String>,
    /// Its cipher.
    pub spec: KeySpec,
    /// Where in its life it is.
    pub state: KeyState,
    /// When it was made.
    pub created: Timestamp,
    /// The version that seals now; earlier ones only open. 0 for a key that has no material yet.
    pub version: u32,
    /// Where its material comes from.
    pub origin: KeyOrigin,
    /// The name of the material of that version, while it has it.
    pub material: Option<MaterialId>,
    /// When imported material is deleted by itself.
    pub expires: Option<Timestamp>,
    /// Its rotation.
    pub rotation: KeyRotation,
    /// Its tags.
    pub tags: KeyTags,
    /// Why it must not be deleted, if its owner protects it from that.
    pub protection: Option<String>,
}

/// One version of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyVersionFacts {
    /// Its number, from 1.
    pub number: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The name of its material.
    pub material: MaterialId,
    /// How it came to be.
    pub cause: VersionCause,
}

/// How a version of a key came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionCause {
    /// With the key itself.
    Creation,
    /// The key's interval had passed.
    Interval,
    /// Somebody asked for it.
    Demand,
}

/// An alias, and what it points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasFacts {
    /// The alias, without `alias/`.
    pub alias: String,
    /// The key.
    pub key: KeyName,
    /// When the key was made.
    pub created: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "522d6070-5ad3-4765-9737-9312ddc72cdb";

    #[test]
    fn every_spelling_of_a_key_points_at_the_same_id() {
        for text in [
            ID.to_owned(),
            format!("cn-north-4:783fc6652cf246c096ea836694f71855:key/{ID}"),
            format!("arn:aws:kms:us-east-1:123456789012:key/{ID}"),
            format!("acs:kms:cn-hangzhou:1083000000000000:key/{ID}"),
            format!("key/{ID}"),
            ID.to_uppercase(),
        ] {
            let reference = KeyReference::parse(&text);
            assert_eq!(reference.target, KeyTarget::Id(ID.to_owned()), "{text}");
            assert!(reference.is_well_formed(), "{text}");
            assert_eq!(reference.text, text);
        }
    }

    #[test]
    fn aliases_are_told_from_ids() {
        for text in ["alias/acs/oss", "arn:aws:kms:r:1:alias/acs/oss", "r:d:alias/acs/oss"] {
            assert_eq!(KeyReference::parse(text).target, KeyTarget::Alias("acs/oss".to_owned()), "{text}");
        }
        assert_eq!(KeyReference::parse("arn:aws:kms:us-west-2:1:key/x").region.as_deref(), Some("us-west-2"));
    }

    #[test]
    fn nonsense_is_an_id_that_no_key_can_have() {
        for text in ["fake-key-id", "aws/s3", "", "a:b", "arn:aws:s3:::bucket"] {
            assert!(!KeyReference::parse(text).is_well_formed(), "{text}");
        }
    }
}
