//! A blob store that goes wrong on order, around any store: for crash tests.

use std::{io, ops::Range, sync::Arc};

use async_trait::async_trait;

use super::{BlobEntry, BlobError, BlobId, Blobs};
use crate::{faults::Faults, stream::ByteStream};

/// Any store, under a plan of faults.
pub struct FaultyBlobs {
    inner: Arc<dyn Blobs>,
    faults: Arc<Faults>,
}

impl FaultyBlobs {
    /// Puts `inner` under the plan.
    pub fn new(inner: Arc<dyn Blobs>, faults: Arc<Faults>) -> Self {
        Self { inner, faults }
    }
}

#[async_trait]
impl Blobs for FaultyBlobs {
    async fn put(&self, id: &BlobId, bytes: ByteStream) -> Result<u64, BlobError> {
        self.faults.around(self.inner.put(id, bytes), injected).await
    }

    async fn read(&self, id: &BlobId, range: Range<u64>) -> Result<ByteStream, BlobError> {
        self.faults.around(self.inner.read(id, range), injected).await
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        self.faults.around(self.inner.delete(id), injected).await
    }

    async fn list(&self, after: Option<&BlobId>, limit: usize) -> Result<Vec<BlobEntry>, BlobError> {
        self.faults.around(self.inner.list(after, limit), injected).await
    }
}

fn injected() -> BlobError {
    BlobError::Unavailable(io::Error::other("injected fault").into())
}
