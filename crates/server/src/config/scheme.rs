//! What seals objects that neither the request nor the bucket said anything about.

use serde::{Deserialize, Serialize};

/// The values of `encryption.default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum DefaultScheme {
    /// Stored as it comes.
    #[default]
    #[serde(rename = "none")]
    None,
    /// AES-256-GCM under a key that the service manages.
    #[serde(rename = "AES256")]
    Aes256,
    /// SM4-GCM under a key that the service manages.
    #[serde(rename = "SM4")]
    Sm4,
    /// AES-256-GCM under a customer master key.
    #[serde(rename = "kms")]
    Kms,
    /// SM4-GCM under a customer master key.
    #[serde(rename = "kms:SM4")]
    KmsSm4,
}

impl DefaultScheme {
    /// Whether `encryption.key` means something with it.
    pub(crate) fn takes_key(self) -> bool {
        matches!(self, Self::Kms | Self::KmsSm4)
    }
}
