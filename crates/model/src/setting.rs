//! Documents that configure a bucket: one put, one get and one delete for all of them.

use crate::encryption::BucketEncryption;

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingKind {
    /// Default encryption.
    Encryption,
}

/// A document's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// Default encryption.
    Encryption(BucketEncryption),
}

impl Setting {
    /// Which document this is.
    pub fn kind(&self) -> SettingKind {
        match self {
            Self::Encryption(_) => SettingKind::Encryption,
        }
    }
}
