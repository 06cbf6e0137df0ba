//! The catalog as a whole, for backups: all rows as they are, sealed, and which blobs they need.

use std::{collections::HashSet, sync::Arc};

use strongroom_seal::KeyBytes;

use super::blobs::DeadRow;
use super::record::{Family, Key};
use super::{Catalog, CatalogError};
use crate::blob_id::BlobId;
use crate::kv::{KeyRange, Row, Snapshot};

/// Rows that one look at a snapshot fetches: with inline objects of 64 KiB, 16 MiB.
const ROWS: usize = 256;

impl Catalog {
    /// All rows as they are now.
    pub(crate) async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, CatalogError> {
        Ok(self.kv.snapshot().await?)
    }

    /// The key that rows are sealed under.
    pub(crate) fn metadata_key(&self) -> &KeyBytes {
        self.sealer.key()
    }

    /// The blobs that the rows of `snapshot` need: those of versions and of parts of open uploads.
    pub(crate) async fn needed_blobs(&self, snapshot: Arc<dyn Snapshot>) -> Result<NeededBlobs, CatalogError> {
        let mut doomed = HashSet::new();
        let mut rows = Rows::of(Arc::clone(&snapshot), Key::<DeadRow>::range(&[]));
        while let Some(page) = rows.next_page().await? {
            for row in page {
                doomed.extend(self.unseal::<DeadRow>(&row.key, &row.value)?.blobs);
            }
        }
        let live = Rows::of(snapshot, live_range());
        Ok(NeededBlobs { live, doomed })
    }
}

/// Rows of a snapshot, page by page.
pub(crate) struct Rows {
    snapshot: Arc<dyn Snapshot>,
    range: KeyRange,
}

impl Rows {
    /// All of them.
    pub(crate) fn all(snapshot: Arc<dyn Snapshot>) -> Self {
        Self::of(snapshot, KeyRange::from(""))
    }

    fn of(snapshot: Arc<dyn Snapshot>, range: KeyRange) -> Self {
        Self { snapshot, range }
    }

    /// The next ones; none at the end.
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<Row>>, CatalogError> {
        let page = self.snapshot.scan(self.range.clone(), ROWS).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.range.start = [last.key.as_ref(), b"\0"].concat().into();
        Ok(Some(page))
    }
}

/// Blobs that a snapshot needs, in the order of their ids.
pub(crate) struct NeededBlobs {
    live: Rows,
    /// Live by their rows, but listed to be removed. They are few: a minute's overwrites.
    doomed: HashSet<BlobId>,
}

impl NeededBlobs {
    /// The next ones, perhaps none of a page; nothing at the end.
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<BlobId>>, CatalogError> {
        let Some(page) = self.live.next_page().await? else { return Ok(None) };
        let ids = page.iter().map(live_id);
        let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
        ids.retain(|id| !self.doomed.contains(id));
        Ok(Some(ids))
    }
}

fn live_range() -> KeyRange {
    KeyRange::prefix(vec![Family::LiveBlob as u8])
}

fn live_id(row: &Row) -> Result<BlobId, CatalogError> {
    let id = row.key.get(1..).and_then(|id| id.try_into().ok());
    id.map(BlobId::from_bytes).ok_or(CatalogError::Inconsistent("the key of a blob's row"))
}
