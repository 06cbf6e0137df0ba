//! Documents that the admin API takes.

use serde::{Deserialize, Serialize};
use strongroom_model::{
    failure::{Failure, FailureCode},
    key::KeySpec,
};

/// `POST /v1/keys`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewKey {
    /// Its cipher.
    pub(crate) spec: Spec,
    /// What its owner writes of it.
    pub(crate) description: String,
    /// A first alias, without `alias/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alias: Option<String>,
}

/// The cipher of a master key, as the API spells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum Spec {
    /// AES with 256-bit keys.
    #[default]
    #[serde(rename = "AES_256")]
    #[value(name = "AES_256", alias = "aes256")]
    Aes256,
    /// SM4, with 128-bit keys.
    #[serde(rename = "SM4")]
    #[value(name = "SM4", alias = "sm4")]
    Sm4,
}

/// `POST /v1/keys/{key}/schedule-deletion`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deletion {
    /// Days until the key is destroyed.
    pub(crate) pending_days: u32,
}

/// `PUT /v1/aliases/{alias}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasTarget {
    /// The key, in any spelling.
    pub(crate) key: String,
}

/// `POST /v1/users`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// The user's name.
    pub(crate) name: String,
}

/// Reads a document; an empty one is `{}`.
///
/// # Errors
/// `InvalidArgument` with the reason and the place.
pub(super) fn read<'a, T: Deserialize<'a>>(document: &'a [u8]) -> Result<T, Failure> {
    let document = if document.is_empty() { b"{}" } else { document };
    serde_json::from_slice(document).map_err(|error| {
        Failure::new(FailureCode::InvalidArgument).with_message(format!("The document cannot be used: {error}."))
    })
}

impl Spec {
    /// As the API spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aes256 => "AES_256",
            Self::Sm4 => "SM4",
        }
    }
}

impl From<Spec> for KeySpec {
    fn from(spec: Spec) -> Self {
        match spec {
            Spec::Aes256 => Self::Aes256,
            Spec::Sm4 => Self::Sm4,
        }
    }
}

impl From<KeySpec> for Spec {
    fn from(spec: KeySpec) -> Self {
        match spec {
            KeySpec::Aes256 => Self::Aes256,
            KeySpec::Sm4 => Self::Sm4,
        }
    }
}
