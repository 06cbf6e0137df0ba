//! What the key service answers in place of a key, and what a client is answered for it.

use std::error::Error;

use strongroom_model::failure::{Failure, FailureCode, Subject};
use strongroom_model::key::{KeyName, MaterialId};

use crate::{catalog::CatalogError, key_file::KeyFileError, surroundings::EntropyError};

/// Why there is no key, or no change of one.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// No such key, though there could be one: its name, or the client's text if that says more.
    #[error("there is no such key")]
    NotFound(Subject),
    /// Not the form of a key's id; the text is the client's.
    #[error("{0} is no key id")]
    Malformed(String),
    /// A key of another region; the text is the client's.
    #[error("{0} is of another region")]
    OtherRegion(String),
    /// No such alias; the text is the client's.
    #[error("there is no alias {0}")]
    AliasNotFound(String),
    /// The key is disabled.
    #[error("key {} is disabled", .0.id)]
    Disabled(KeyName),
    /// The key is to be destroyed.
    #[error("key {} is pending deletion", .0.id)]
    PendingDeletion(KeyName),
    /// The key has no material, or not all of it.
    #[error("key {} is pending import", .0.id)]
    PendingImport(KeyName),
    /// The key's state does not allow this.
    #[error("key {} is {state}", name.id)]
    StateConflict {
        /// The key.
        name: KeyName,
        /// The state that stands in the way, as it completes "the key is …".
        state: &'static str,
    },
    /// Something else about the key, or about what was asked of it, does not allow this.
    #[error("key {}: {code:?}", name.id)]
    Refused {
        /// The key.
        name: KeyName,
        /// What stands in the way.
        code: FailureCode,
    },
    /// Other material waits for the key's next rotation.
    #[error("key {} has material for its next rotation", name.id)]
    MaterialPending {
        /// The key.
        name: KeyName,
        /// What was to be imported.
        material: MaterialId,
        /// What is there.
        pending: MaterialId,
    },
    /// No such grant; the text is its id.
    #[error("there is no grant {0}")]
    GrantNotFound(String),
    /// Something that is about no key, or about one that is not known.
    #[error("{0:?}")]
    Failed(FailureCode),
    /// Another key has this alias.
    #[error("alias {0} is taken")]
    NameTaken(String),
    /// The caller may not use the key.
    #[error("the use of key {} is denied", .0.id)]
    Denied(KeyName),
    /// Something in the request that is not allowed; the text says what is.
    #[error("{0}")]
    Invalid(&'static str),
    /// The key service, or what it rests upon, cannot be reached.
    #[error("the key service is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Stored key material does not open.
    #[error("stored key material is damaged")]
    Damaged(#[source] Box<dyn Error + Send + Sync>),
    /// The source of randomness has failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl KmsError {
    /// Whether it says that a reference leads to no key.
    pub(crate) fn is_about_reference(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::Malformed(_) | Self::OtherRegion(_) | Self::AliasNotFound(_))
    }
}

/// The one table from the key service's errors to failures.
impl From<KmsError> for Failure {
    fn from(error: KmsError) -> Self {
        let text = |text: &String| Some(Subject::Text(text.clone()));
        let key = |name: &KeyName| Some(Subject::Key(name.clone()));
        let (code, subject) = match &error {
            KmsError::NotFound(subject) => (FailureCode::KeyNotFound, Some(subject.clone())),
            KmsError::Malformed(reference) => (FailureCode::KeyMalformed, text(reference)),
            KmsError::OtherRegion(reference) => (FailureCode::KeyOfOtherRegion, text(reference)),
            KmsError::AliasNotFound(reference) => (FailureCode::AliasNotFound, text(reference)),
            KmsError::Disabled(name) => (FailureCode::KeyDisabled, key(name)),
            KmsError::PendingDeletion(name) => (FailureCode::KeyPendingDeletion, key(name)),
            KmsError::PendingImport(name) => (FailureCode::KeyPendingImport, key(name)),
            KmsError::StateConflict { name, state } => {
                return Self::new(FailureCode::KeyStateConflict)
                    .about(Subject::Key(name.clone()))
                    .with_detail("KeyState", *state);
            }
            KmsError::Refused { name, code } => (*code, key(name)),
            KmsError::MaterialPending { name, material, pending } => {
                return Self::new(FailureCode::KeyMaterialPending)
                    .about(Subject::Key(name.clone()))
                    .with_detail("KeyMaterialId", hex::encode(material.0))
                    .with_detail("PendingKeyMaterialId", hex::encode(pending.0));
            }
            KmsError::GrantNotFound(id) => (FailureCode::GrantNotFound, text(id)),
            KmsError::Failed(code) => (*code, None),
            KmsError::NameTaken(alias) => (FailureCode::KeyNameTaken, text(alias)),
            KmsError::Denied(name) => (FailureCode::KeyDenied, key(name)),
            KmsError::Invalid(reason) => return Self::new(FailureCode::InvalidArgument).with_message(*reason),
            KmsError::Unavailable(_) => (FailureCode::KeyServiceUnavailable, None),
            KmsError::Damaged(_) => (FailureCode::Damaged, None),
            KmsError::Entropy(_) => (FailureCode::Internal, None),
        };
        Self { subject, ..Self::new(code).caused_by(error) }
    }
}

/// The catalog beneath the key service is away exactly when a client is to try again.
impl From<CatalogError> for KmsError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Kv(_) | CatalogError::Contended(_) => Self::Unavailable(error.into()),
            CatalogError::Entropy(error) => Self::Entropy(error),
            CatalogError::Sealed(_) | CatalogError::Record(_) | CatalogError::Inconsistent(_) => {
                Self::Damaged(error.into())
            }
        }
    }
}

/// Why the key service refuses to start; the text is meant for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The master keys are wrapped under another root key.
    #[error("the root key {provider} is not the one that the master keys are wrapped under: put back the right one")]
    WrongRoot {
        /// Where the root key is from.
        provider: String,
    },
    /// There are master keys, and their root key is gone.
    #[error("the root key {provider} is missing: put it back from a backup, or every encrypted object stays closed")]
    RootMissing {
        /// Where the root key should be.
        provider: String,
    },
    /// The root key's file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A setting has a value that it may not have.
    #[error("{0}")]
    Config(&'static str),
    /// The catalog cannot be read.
    #[error("the key service cannot read the catalog")]
    Catalog(#[from] CatalogError),
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use strongroom_model::{account::AccountId, name::Region};

    use super::*;

    fn name() -> KeyName {
        KeyName {
            id: "k".into(),
            account: AccountId::new(1).unwrap(),
            region: Region::parse("r").unwrap(),
            is_default: false,
        }
    }

    #[test]
    fn failures_name_their_subject_and_hide_their_cause() {
        let failure = Failure::from(KmsError::Disabled(name()));
        assert_eq!((failure.code, failure.subject), (FailureCode::KeyDisabled, Some(Subject::Key(name()))));
        let failure = Failure::from(KmsError::AliasNotFound("arn:x".into()));
        assert_eq!(failure.subject, Some(Subject::Text("arn:x".into())));
        let failure = Failure::from(KmsError::Unavailable("socket 7".into()));
        assert_eq!((failure.code, failure.message.is_none()), (FailureCode::KeyServiceUnavailable, true));
        assert_eq!(failure.source().unwrap().source().unwrap().to_string(), "socket 7");
    }
}
