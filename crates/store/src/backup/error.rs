//! Why nothing is restored; the texts are meant for the operator.

use std::{io, path::PathBuf};

use strongroom_model::failure::Failure;

use crate::{FolderError, blobs::BlobError, catalog, catalog::CatalogError, key_file::KeyFileError, kms, kv};

/// Why a backup cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It does not begin as a backup does.
    #[error("this is no backup of a Strongroom catalog")]
    Foreign,
    /// A newer program wrote it.
    #[error("the backup has format {found}, which this program does not know: use the program that wrote it")]
    Newer {
        /// The format's version.
        found: u8,
    },
    /// It is sealed under another root key.
    #[error("the root key from {provider} is not the one that this backup is sealed under: put that one in its place")]
    WrongRoot {
        /// Where the root key is from.
        provider: String,
    },
    /// It is not as it was written.
    #[error(
        "the backup is damaged or was changed, at byte {at} or soon after: nothing of it was restored; use another one"
    )]
    Damaged {
        /// As far as it was sound.
        at: u64,
    },
    /// The key file beside the data is of another catalog.
    #[error("{} is not the metadata key of this backup: move it away, and the one in the backup takes its place", path.display())]
    OtherMetadataKey {
        /// The key file.
        path: PathBuf,
    },
    /// There is something where the data is to go.
    #[error("{} is not empty: restore into a folder with nothing in it but keys, and blobs if they are still there", path.display())]
    NotEmpty {
        /// What is in the way.
        path: PathBuf,
    },
    /// The system refuses to read or write.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The backup cannot be read to its end.
    #[error("the backup cannot be read")]
    Read(#[source] io::Error),
    /// The root key cannot be had.
    #[error(transparent)]
    Root(#[from] kms::OpenError),
    /// A key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The key-value store does not open.
    #[error(transparent)]
    OpenKv(#[from] kv::OpenError),
    /// The restored catalog does not open.
    #[error(transparent)]
    OpenCatalog(#[from] catalog::OpenError),
    /// Rows cannot be read or written.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Blobs cannot be read or written.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// Rows or blobs cannot be looked at.
    #[error("what was restored cannot be looked at")]
    Store(#[source] Failure),
}

impl From<kv::KvError> for RestoreError {
    fn from(error: kv::KvError) -> Self {
        Self::Catalog(error.into())
    }
}
