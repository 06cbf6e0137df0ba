//! A blob store that forgets everything with the process: for tests.

use std::{
    collections::BTreeMap,
    ops::{Bound, Range},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{BlobEntry, BlobError, BlobId, Blobs};
use crate::stream::{self, ByteStream};

/// All blobs, behind one lock.
#[derive(Default)]
pub struct MemoryBlobs {
    blobs: Mutex<BTreeMap<BlobId, Bytes>>,
}

impl MemoryBlobs {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change is one call on the map, so a panic elsewhere while it was locked does no harm.
    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BlobId, Bytes>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put(&self, id: &BlobId, bytes: ByteStream) -> Result<u64, BlobError> {
        let bytes = stream::collect(bytes, usize::MAX).await.map_err(BlobError::Stream)?;
        let len = bytes.len() as u64;
        let mut blobs = self.blobs();
        if blobs.contains_key(id) {
            return Err(BlobError::AlreadyExists(*id));
        }
        blobs.insert(*id, bytes);
        Ok(len)
    }

    async fn read(&self, id: &BlobId, range: Range<u64>) -> Result<ByteStream, BlobError> {
        let bytes = self.blobs().get(id).cloned().ok_or(BlobError::NotFound(*id))?;
        let len = bytes.len() as u64;
        if range.end > len {
            return Err(BlobError::Short { id: *id, len, wanted: range.end });
        }
        let wanted = range.start.min(range.end) as usize..range.end as usize;
        Ok(stream::once(bytes.slice(wanted)))
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        self.blobs().remove(id);
        Ok(())
    }

    async fn list(&self, after: Option<&BlobId>, limit: usize) -> Result<Vec<BlobEntry>, BlobError> {
        let start = after.map_or(Bound::Unbounded, |id| Bound::Excluded(*id));
        let blobs = self.blobs();
        let entries = blobs.range((start, Bound::Unbounded)).take(limit);
        Ok(entries.map(|(id, bytes)| BlobEntry { id: *id, len: bytes.len() as u64, modified_ms: None }).collect())
    }
}
