//! What can go wrong with the catalog, while it opens and while it runs.

use std::path::PathBuf;

use strongroom_model::failure::{Failure, FailureCode};

use super::record::RecordError;
use crate::{key_file::KeyFileError, kv::KvError, surroundings::EntropyError};

/// Trouble with one call.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The key-value store's trouble.
    #[error(transparent)]
    Kv(#[from] KvError),
    /// A row does not open: it was changed or moved, or is not of this catalog.
    #[error("a catalog row does not open")]
    Sealed(#[from] strongroom_seal::Error),
    /// A row opens, and holds no record that is known.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Nothing can be sealed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// Others changed the same rows, time and again.
    #[error("gave up after {0} conflicting commits")]
    Contended(u32),
    /// Rows that belong together do not agree; the text says which.
    #[error("the catalog is inconsistent: {0}")]
    Inconsistent(&'static str),
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        let code = match &error {
            CatalogError::Kv(KvError::Unavailable(_) | KvError::Stopped(_)) => FailureCode::ServiceUnavailable,
            CatalogError::Kv(KvError::Damaged) | CatalogError::Sealed(_) => FailureCode::Damaged,
            CatalogError::Record(RecordError::Malformed) | CatalogError::Inconsistent(_) => FailureCode::Damaged,
            CatalogError::Contended(_) => FailureCode::SlowDown,
            CatalogError::Kv(KvError::TooLarge { .. } | KvError::DuplicateKey)
            | CatalogError::Record(RecordError::Newer { .. })
            | CatalogError::Entropy(_) => FailureCode::Internal,
        };
        Self::new(code).caused_by(error)
    }
}

/// Why the catalog refuses to open; the text is meant for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The catalog exists, and the key that it is sealed under does not.
    #[error("the catalog is sealed, and its key {} is missing: put back this file from a backup", path.display())]
    KeyMissing {
        /// Where the key file should be.
        path: PathBuf,
    },
    /// The key is another catalog's.
    #[error("{} is not the key of this catalog: put back the key file that belongs to this data folder", path.display())]
    WrongKey {
        /// The key file.
        path: PathBuf,
    },
    /// The key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A newer program made or changed the catalog.
    #[error("the catalog was written by a newer program (layout {found}; this one knows {known}): use that program")]
    Newer {
        /// The catalog's layout.
        found: u32,
        /// The greatest layout known.
        known: u32,
    },
    /// The store has rows, and none that says it is a catalog.
    #[error("the key-value store holds something that is no catalog: choose another folder")]
    Foreign,
    /// Reading or writing failed.
    #[error("the catalog cannot be opened")]
    Catalog(#[from] CatalogError),
}
