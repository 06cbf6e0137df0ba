//! Blobs as files of this machine, by a small writer and reader of our own.
//!
//! ```text
//! lock             held while the store is open
//! temporary/       blobs being written; emptied at every start
//! 00/ … ff/        whole blobs, each in the folder of its first byte: 0a/0a1b…
//! ```
//!
//! A blob is written to a temporary file, synced, renamed into its folder, and the folder synced: it is under its name
//! only when all of it is on disk. Nothing here runs on the caller's thread but the gathering of pieces.

mod buffer;
mod error;
mod folder;
mod reader;
mod writer;

use std::{ops::Range, path::Path, sync::Arc};

use async_trait::async_trait;

use super::{BlobEntry, BlobError, BlobId, Blobs};
use crate::stream::ByteStream;
use buffer::Pool;
use error::LocalError;
use folder::Folder;

/// Writes and syncs under way at once, and so the number of write buffers. More of them only queue at the disk; with 64
/// at once, syncs of files and folders were slower than with eight.
const CONCURRENT_WRITES: usize = 16;

/// An open store.
pub struct LocalBlobs {
    folder: Arc<Folder>,
    buffers: Arc<Pool>,
}

impl LocalBlobs {
    /// Opens, or makes, the store in this folder, and removes what earlier processes left half written.
    ///
    /// # Errors
    /// [`BlobError::InUse`], [`BlobError::NoSpace`] or [`BlobError::Unavailable`].
    pub async fn open(path: &Path) -> Result<Self, BlobError> {
        let path = path.to_owned();
        let folder = blocking(move || Folder::open(&path)).await?;
        Ok(Self { folder: Arc::new(folder), buffers: Arc::new(Pool::new(CONCURRENT_WRITES)) })
    }
}

#[async_trait]
impl Blobs for LocalBlobs {
    async fn put(&self, id: &BlobId, bytes: ByteStream) -> Result<u64, BlobError> {
        writer::put(&self.folder, &self.buffers, *id, bytes).await
    }

    async fn read(&self, id: &BlobId, range: Range<u64>) -> Result<ByteStream, BlobError> {
        reader::read(&self.folder, *id, range).await
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        let (folder, id) = (Arc::clone(&self.folder), *id);
        Ok(blocking(move || folder.remove(id)).await?)
    }

    async fn list(&self, after: Option<&BlobId>, limit: usize) -> Result<Vec<BlobEntry>, BlobError> {
        let (folder, after) = (Arc::clone(&self.folder), after.copied());
        Ok(blocking(move || folder.list(after, limit)).await?)
    }
}

/// Runs file operations where they may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LocalError> + Send + 'static,
) -> Result<T, LocalError> {
    tokio::task::spawn_blocking(work).await?
}
