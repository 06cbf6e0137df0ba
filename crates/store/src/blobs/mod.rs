//! Immutable files of sealed bytes, each written once under a random name. The blob store knows nothing of what is in them.
//!
//! Every store is one module here, and passes [`suite`].

mod error;
pub mod faults;
mod local;
mod memory;
pub mod suite;

use std::{ops::Range, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use crate::blob_id::BlobId;
use crate::stream::ByteStream;
pub use error::BlobError;
pub use local::LocalBlobs;
pub use memory::MemoryBlobs;

/// Where blobs are kept, as an operator configures it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Config {
    /// Files on this machine.
    Local {
        /// The folder that holds the blobs, and nothing else; made if it does not exist.
        path: PathBuf,
    },
}

/// Opens, or makes, the configured store.
///
/// # Errors
/// [`BlobError::InUse`] if another process has it open, else [`BlobError::Unavailable`].
pub async fn open(config: &Config) -> Result<Arc<dyn Blobs>, BlobError> {
    match config {
        Config::Local { path } => Ok(Arc::new(LocalBlobs::open(path).await?)),
    }
}

/// A blob, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// Its name.
    pub id: BlobId,
    /// Its length in bytes.
    pub len: u64,
    /// When it was stored, in milliseconds since 1970-01-01 UTC, if the store knows.
    pub modified_ms: Option<u64>,
}

/// The store. Safe to share; every method may be called from many tasks at once.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores a new blob and answers its length. When this returns, the blob is whole and survives loss of power; until
    /// then, and after any error, nothing under this id is ever read or listed. Dropping the future abandons the blob
    /// in the same way.
    ///
    /// # Errors
    /// [`BlobError::AlreadyExists`] and the old blob is as it was; [`BlobError::Stream`] if `bytes` ends in an error;
    /// [`BlobError::NoSpace`]; [`BlobError::Unavailable`].
    async fn put(&self, id: &BlobId, bytes: ByteStream) -> Result<u64, BlobError>;

    /// The bytes of the blob in `range`, all of them: a stream that ends without an error has delivered the whole range.
    ///
    /// # Errors
    /// [`BlobError::NotFound`]; [`BlobError::Short`] if the range does not lie within the blob; [`BlobError::Unavailable`].
    /// The stream's errors carry a `BlobError` inside.
    async fn read(&self, id: &BlobId, range: Range<u64>) -> Result<ByteStream, BlobError>;

    /// Removes the blob for good; one that does not exist is no error. A stream that [`read`](Self::read) has answered
    /// before still delivers its range. Only the reaper calls this.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    async fn delete(&self, id: &BlobId) -> Result<(), BlobError>;

    /// Up to `limit` whole blobs with ids greater than `after`, in order of id. Blobs that come or go meanwhile may or
    /// may not be in it; all others are.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    async fn list(&self, after: Option<&BlobId>, limit: usize) -> Result<Vec<BlobEntry>, BlobError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_names_the_store_and_refuses_what_it_does_not_know() {
        let config: Config = serde_json::from_str(r#"{"type":"local","path":"/srv/blobs"}"#).unwrap();
        assert_eq!(config, Config::Local { path: "/srv/blobs".into() });
        for bad in [r#"{"type":"local"}"#, r#"{"type":"s3"}"#, r#"{"type":"local","path":"/srv/blobs","fsync":false}"#]
        {
            assert!(serde_json::from_str::<Config>(bad).is_err(), "{bad}");
        }
    }
}
