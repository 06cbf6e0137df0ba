//! Documents that configure a bucket: one put, one get and one delete for all of them.

use crate::encryption::EncryptionRule;
use crate::policy::PolicyDocument;

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingKind {
    /// Default encryption.
    Encryption,
    /// Whether versions are kept.
    Versioning,
    /// Who may do what.
    Policy,
}

/// A document's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// Default encryption.
    Encryption(EncryptionRule),
    /// Whether versions are kept. Never is what a bucket begins with, and nobody can return to.
    Versioning(Versioning),
    /// Who may do what, as its owner wrote it.
    Policy(PolicyDocument),
}

/// Whether a bucket keeps the versions of its objects that are overwritten or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versioning {
    /// It never did.
    #[default]
    Never,
    /// It does.
    Enabled,
    /// It did, and what it has kept is still there. What is written now is each key's null version.
    Suspended,
}

impl Setting {
    /// Which document this is.
    pub fn kind(&self) -> SettingKind {
        match self {
            Self::Encryption(_) => SettingKind::Encryption,
            Self::Versioning(_) => SettingKind::Versioning,
            Self::Policy(_) => SettingKind::Policy,
        }
    }
}
