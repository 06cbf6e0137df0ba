//! What exactly failed, for the log, and the kind it is of, for the caller.

use std::{io, path::PathBuf};

use rustix::io::Errno;
use tokio::task::JoinError;

use super::{BlobError, BlobId};

/// A failed operation on this machine's files.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalError {
    #[error("blob {0} does not exist")]
    NotFound(BlobId),
    #[error("blob {0} exists already")]
    AlreadyExists(BlobId),
    #[error("blob {id} has {len} bytes, where {wanted} were wanted")]
    Short { id: BlobId, len: u64, wanted: u64 },
    #[error("{} is in use by another process", path.display())]
    InUse { path: PathBuf },
    #[error("cannot {action} {name}")]
    System { action: &'static str, name: String, source: io::Error },
    #[error("a file operation panicked")]
    Panicked(#[from] JoinError),
}

impl LocalError {
    /// For `map_err`: which operation on which file the system refused.
    pub(super) fn system<E: Into<io::Error>>(action: &'static str, name: impl ToString) -> impl FnOnce(E) -> Self {
        move |source| Self::System { action, name: name.to_string(), source: source.into() }
    }

    fn is_full(&self) -> bool {
        let Self::System { source, .. } = self else { return false };
        [Errno::NOSPC, Errno::DQUOT].iter().any(|full| source.raw_os_error() == Some(full.raw_os_error()))
    }
}

impl From<LocalError> for BlobError {
    fn from(error: LocalError) -> Self {
        match error {
            LocalError::NotFound(id) => Self::NotFound(id),
            LocalError::AlreadyExists(id) => Self::AlreadyExists(id),
            LocalError::Short { id, len, wanted } => Self::Short { id, len, wanted },
            LocalError::InUse { path } => Self::InUse { path },
            full if full.is_full() => Self::NoSpace(full.into()),
            other => Self::Unavailable(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_spent_quota_are_no_space_and_the_rest_is_unavailable() {
        let of = |errno: Errno| BlobError::from(LocalError::system("write", "00/00")(errno));
        assert!(matches!(of(Errno::NOSPC), BlobError::NoSpace(_)));
        assert!(matches!(of(Errno::DQUOT), BlobError::NoSpace(_)));
        assert!(matches!(of(Errno::IO), BlobError::Unavailable(_)));
        assert!(matches!(of(Errno::MFILE), BlobError::Unavailable(_)));
    }
}
