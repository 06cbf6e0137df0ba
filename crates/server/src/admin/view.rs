//! Documents that the admin API answers; the command line reads them back.

use serde::{Deserialize, Serialize};
use strongroom_model::{
    encryption::{AppliedEncryption, BucketEncryption, DataAlgorithm, DefaultMethod},
    key::{KeyDescription, KeyState},
    name::{AccessKeyId, VersionId},
    outcome::{
        admin::{ObjectDescription, UserFacts},
        bucket::BucketFacts,
    },
    secret::SecretKey,
};

use super::request::Spec;

/// A customer master key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Key {
    /// Its id.
    pub(crate) id: String,
    /// The region it lives in.
    pub(crate) region: String,
    /// The account that owns it.
    pub(crate) account: String,
    /// Whether it is the account's default key.
    pub(crate) default: bool,
    /// What its owner wrote of it.
    pub(crate) description: String,
    /// Its aliases.
    pub(crate) aliases: Vec<String>,
    /// Its cipher.
    pub(crate) spec: Spec,
    /// `enabled`, `disabled`, `pending-deletion` or `pending-import`.
    pub(crate) state: String,
    /// When it is destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deletion: Option<String>,
    /// When it was made.
    pub(crate) created: String,
    /// The version that seals now.
    pub(crate) version: u32,
}

/// `GET /v1/keys`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Keys {
    /// In the order of their creation.
    pub(crate) keys: Vec<Key>,
}

/// A user.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct User {
    /// Its name.
    pub(crate) name: String,
    /// When it was made.
    pub(crate) created: String,
    /// Its access keys.
    pub(crate) access_keys: Vec<String>,
    /// Its policies.
    pub(crate) policies: Vec<String>,
    /// The groups it is in.
    pub(crate) groups: Vec<String>,
}

/// `GET /v1/users`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Users {
    /// In the order of their names.
    pub(crate) users: Vec<User>,
}

/// `POST /v1/users`: the only answer with a secret in it. Not `Debug`, so that no log can hold it.
#[derive(Serialize, Deserialize)]
pub(crate) struct UserCreated {
    /// The user's name.
    pub(crate) name: String,
    /// When it was made.
    pub(crate) created: String,
    /// Its access key.
    pub(crate) access_key: String,
    /// The secret of its access key.
    pub(crate) secret_key: String,
}

/// A bucket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Its name.
    pub(crate) name: String,
    /// The account that owns it.
    pub(crate) owner: String,
    /// Where it is.
    pub(crate) location: String,
    /// When it was made.
    pub(crate) created: String,
    /// Its default encryption, in words.
    pub(crate) encryption: String,
}

/// `GET /v1/buckets`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Buckets {
    /// In the order of their names.
    pub(crate) buckets: Vec<Bucket>,
}

/// `GET /v1/objects`: how an object is stored and sealed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Object {
    /// In which bucket.
    pub(crate) bucket: String,
    /// Its key.
    pub(crate) key: String,
    /// Its version, in a bucket that keeps versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Length of its bytes.
    pub(crate) size: u64,
    /// Its tag.
    pub(crate) etag: String,
    /// When it was written.
    pub(crate) last_modified: String,
    /// How it is sealed, in words.
    pub(crate) encryption: String,
    /// The master key that wraps its data key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    /// The version of that key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_version: Option<u32>,
    /// The fingerprint of that key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_fingerprint: Option<String>,
    /// The cipher suite.
    pub(crate) suite: String,
    /// How many sealed chunks it is made of.
    pub(crate) chunks: u64,
    /// Whether its bytes lie in the catalog.
    pub(crate) inline: bool,
    /// Length of its sealed form in bytes.
    pub(crate) stored_bytes: u64,
}

/// `POST /v1/check`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Check {
    /// The key service that wrapped and unwrapped a fresh key.
    pub(crate) provider: String,
    /// What was proved, in words.
    pub(crate) proof: String,
}

/// Any failure.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Error {
    /// Its code.
    pub(crate) code: String,
    /// What happened and what to do, in words.
    pub(crate) message: String,
    /// Finds the request in the log.
    pub(crate) request_id: String,
}

impl From<KeyDescription> for Key {
    fn from(key: KeyDescription) -> Self {
        let (state, deletion) = match key.state {
            KeyState::Enabled => ("enabled", None),
            KeyState::Disabled => ("disabled", None),
            KeyState::PendingDeletion { deletion } => ("pending-deletion", Some(deletion.to_string())),
            KeyState::PendingImport => ("pending-import", None),
        };
        Self {
            id: key.name.id,
            region: key.name.region.to_string(),
            account: key.name.account.aws(),
            default: key.name.is_default,
            description: key.description,
            aliases: key.aliases,
            spec: key.spec.into(),
            state: state.to_owned(),
            deletion,
            created: key.created.to_string(),
            version: key.version,
        }
    }
}

impl From<UserFacts> for User {
    fn from(user: UserFacts) -> Self {
        Self {
            name: user.name.as_str().to_owned(),
            created: user.created.to_string(),
            access_keys: user.access_keys.iter().map(AccessKeyId::as_str).map(str::to_owned).collect(),
            policies: user.policies,
            groups: user.groups,
        }
    }
}

impl UserCreated {
    /// The answer that shows the secret, once.
    pub(super) fn new(user: UserFacts, secret: &SecretKey) -> Self {
        let User { name, created, access_keys, .. } = user.into();
        let access_key = access_keys.into_iter().next().unwrap_or_default();
        Self { name, created, access_key, secret_key: secret.expose().to_owned() }
    }
}

impl Check {
    /// The key service of that name has proved itself.
    pub(crate) fn proved(provider: String) -> Self {
        Self { provider, proof: "a fresh data key was wrapped and unwrapped, and came back the same".to_owned() }
    }
}

impl From<BucketFacts> for Bucket {
    fn from(bucket: BucketFacts) -> Self {
        Self {
            name: bucket.name.as_str().to_owned(),
            owner: bucket.owner.aws(),
            location: bucket.location.to_string(),
            created: bucket.created.to_string(),
            encryption: bucket.encryption.as_ref().map_or_else(|| "none".to_owned(), default_words),
        }
    }
}

impl From<ObjectDescription> for Object {
    fn from(object: ObjectDescription) -> Self {
        let version = object.facts.version.map(|version| match version {
            VersionId::Null => "null".to_owned(),
            VersionId::Id(id) => hex::encode(id),
        });
        let key_id = match &object.facts.encryption {
            AppliedEncryption::Kms(applied) => Some(applied.key.id.clone()),
            _ => None,
        };
        Self {
            bucket: object.bucket.as_str().to_owned(),
            key: object.key.as_str().to_owned(),
            version,
            size: object.facts.size,
            etag: object.facts.etag.lower_hex(),
            last_modified: object.facts.last_modified.to_string(),
            encryption: applied_words(&object.facts.encryption),
            key_id,
            key_version: object.key_version,
            key_fingerprint: object.key_fingerprint,
            suite: object.suite,
            chunks: object.chunks,
            inline: object.inline,
            stored_bytes: object.stored_bytes,
        }
    }
}

fn cipher(algorithm: DataAlgorithm) -> &'static str {
    match algorithm {
        DataAlgorithm::Aes256 => "AES256",
        DataAlgorithm::Sm4 => "SM4",
        DataAlgorithm::Aes256Twice => "AES256 twice",
    }
}

fn default_words(encryption: &BucketEncryption) -> String {
    match &encryption.method {
        DefaultMethod::Managed(algorithm) => format!("managed {}", cipher(*algorithm)),
        DefaultMethod::Kms { key: None, algorithm, .. } => format!("kms {}, default key", cipher(*algorithm)),
        DefaultMethod::Kms { key: Some(key), algorithm, .. } => format!("kms {}, key {}", cipher(*algorithm), key.text),
    }
}

fn applied_words(encryption: &AppliedEncryption) -> String {
    match encryption {
        AppliedEncryption::Plain => "none".to_owned(),
        AppliedEncryption::Managed(algorithm) => format!("managed {}", cipher(*algorithm)),
        AppliedEncryption::Kms(applied) => format!("kms {}", cipher(applied.algorithm)),
        AppliedEncryption::Customer { .. } => "customer key".to_owned(),
    }
}
