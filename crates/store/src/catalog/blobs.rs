//! Blobs, from intent to removal. A blob is *pending* while it is written, *live* from the commit of the object version that it
//! belongs to, and listed as *dead* from the commit that ends that version. Only the reaper removes dead ones.

use serde::{Deserialize, Serialize};
use strongroom_model::time::Timestamp;

use super::record::{Family, Key, Record, first_version};
use super::{Catalog, CatalogError, Change, PAGE, after};
use crate::blob_id::BlobId;
use crate::kv::{Commit, Expected};

/// The process that writes a blob: 16 bytes that it drew at its start.
pub(crate) type RunId = [u8; 16];

/// A blob that is being written, or was when its process died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    /// The blob.
    pub(crate) blob: BlobId,
    /// Since when.
    pub(crate) since: Timestamp,
    /// By which process.
    pub(crate) run: RunId,
}

/// Blobs that nothing points to any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dead {
    /// What names the row: the id of the object version that they belonged to, or the blob's own if it never did.
    pub(crate) id: [u8; 16],
    /// The blobs.
    pub(crate) blobs: Vec<BlobId>,
    /// When they may go: readers that began before may need them until then.
    pub(crate) due: Timestamp,
}

impl Catalog {
    /// Says that a blob is about to be written, without waiting for the disk: the commit that makes it live waits for both.
    pub(crate) async fn begin_blob(&self, pending: &Pending) -> Result<(), CatalogError> {
        let row = PendingRow { since: pending.since.millis(), run: pending.run };
        self.submit(Change::new().put(&pending_key(pending.blob), &row)).await
    }

    /// Gives up a pending blob: the reaper may remove it. Nothing happens to a blob that is live by now, which is so
    /// when a commit took effect and its answer was lost.
    pub(crate) async fn abandon_blob(&self, blob: BlobId, now: Timestamp) -> Result<Commit, CatalogError> {
        let key = pending_key(blob);
        let dead = DeadRow { blobs: vec![blob], due: now.millis() };
        let change = Change::new().check(&key, Expected::Present).delete(&key).put(&dead_key(*blob.as_bytes()), &dead);
        self.commit(change).await
    }

    /// A page of pending blobs, those after `last`.
    pub(crate) async fn pending_blobs(&self, last: Option<BlobId>) -> Result<Vec<Pending>, CatalogError> {
        let mut range = Key::<PendingRow>::range(&[]);
        if let Some(last) = last {
            range.start = after(&pending_key(last));
        }
        let page = self.scan::<PendingRow>(range, PAGE).await?;
        let pending = page.into_iter().map(|located| {
            let blob = BlobId::from_bytes(id_of(&located.key)?);
            Ok(Pending { blob, since: Timestamp::from_millis(located.record.since), run: located.record.run })
        });
        pending.collect()
    }

    /// A page of what may be removed, sooner or later: the rows after `last`.
    pub(crate) async fn dead_blobs(&self, last: Option<[u8; 16]>) -> Result<Vec<Dead>, CatalogError> {
        let mut range = Key::<DeadRow>::range(&[]);
        if let Some(last) = last {
            range.start = after(&dead_key(last));
        }
        let page = self.scan::<DeadRow>(range, PAGE).await?;
        let dead = page.into_iter().map(|located| {
            let DeadRow { blobs, due } = located.record;
            Ok(Dead { id: id_of(&located.key)?, blobs, due: Timestamp::from_millis(due) })
        });
        dead.collect()
    }

    /// Forgets dead blobs, which were removed.
    pub(crate) async fn forget_dead(&self, dead: &Dead) -> Result<(), CatalogError> {
        // The dead row goes last: as long as it is there, an interrupted removal is taken up again.
        for blobs in dead.blobs.chunks(PAGE) {
            let change = blobs.iter().fold(Change::new(), |change, blob| change.delete(&live_key(*blob)));
            let _unchecked = self.commit(change).await?;
        }
        let _unchecked = self.commit(Change::new().delete(&dead_key(dead.id))).await?;
        Ok(())
    }

    /// Whether a blob is pending.
    pub(super) async fn is_pending(&self, blob: BlobId) -> Result<bool, CatalogError> {
        Ok(self.get(&pending_key(blob)).await?.is_some())
    }

    /// Whether any row knows the blob: as pending, live, or given up.
    pub(crate) async fn knows_blob(&self, blob: BlobId) -> Result<bool, CatalogError> {
        Ok(self.is_pending(blob).await?
            || self.get(&live_key(blob)).await?.is_some()
            || self.get(&dead_key(*blob.as_bytes())).await?.is_some())
    }
}

impl Catalog {
    /// Whether a blob is live: some version had it, and it was not removed since.
    pub(crate) async fn is_live(&self, blob: BlobId) -> Result<bool, CatalogError> {
        Ok(self.get(&live_key(blob)).await?.is_some())
    }

    /// Whether a blob is listed to be removed. Looks through all that are: they are few, and who asks has reason to.
    pub(crate) async fn is_doomed(&self, blob: BlobId) -> Result<bool, CatalogError> {
        let mut last = None;
        loop {
            let page = self.dead_blobs(last).await?;
            let Some(end) = page.last() else { return Ok(false) };
            if page.iter().any(|dead| dead.blobs.contains(&blob)) {
                return Ok(true);
            }
            last = Some(end.id);
        }
    }
}

impl Change {
    /// Makes a pending blob live. In conflict if the reaper has given it up.
    #[must_use]
    pub(super) fn make_live(self, blob: BlobId) -> Self {
        let key = pending_key(blob);
        self.check(&key, Expected::Present).delete(&key).adopt(blob)
    }

    /// Makes a blob live that no row knows, for a catalog that is rebuilt.
    #[must_use]
    pub(super) fn adopt(self, blob: BlobId) -> Self {
        self.put(&live_key(blob), &LiveRow {})
    }

    /// Ends the life of a version's blobs; `due` is when they may go.
    #[must_use]
    pub(super) fn make_dead(self, version: [u8; 16], blobs: Vec<BlobId>, due: Timestamp) -> Self {
        self.put(&dead_key(version), &DeadRow { blobs, due: due.millis() })
    }
}

fn pending_key(blob: BlobId) -> Key<PendingRow> {
    Key::new(&[blob.as_bytes()])
}

fn live_key(blob: BlobId) -> Key<LiveRow> {
    Key::new(&[blob.as_bytes()])
}

fn dead_key(version: [u8; 16]) -> Key<DeadRow> {
    Key::new(&[&version])
}

fn id_of<R: Record>(key: &Key<R>) -> Result<[u8; 16], CatalogError> {
    key.parts().try_into().map_err(|_| CatalogError::Inconsistent("the key of a blob's row"))
}

#[derive(Debug, Serialize, Deserialize)]
struct PendingRow {
    since: i64,
    run: RunId,
}

#[derive(Debug, Serialize, Deserialize)]
struct LiveRow {}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeadRow {
    pub(super) blobs: Vec<BlobId>,
    due: i64,
}

first_version!(PendingRow, Family::PendingBlob);
first_version!(LiveRow, Family::LiveBlob);
first_version!(DeadRow, Family::DeadBlobs);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::record::encode;

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_forms_of_version_1() {
        let hex = |row: &[u8]| hex::encode(row);
        assert_eq!(hex(&encode(&PendingRow { since: 1000, run: [0x22; 16] })), format!("01d00f{}", "22".repeat(16)));
        assert_eq!(hex(&encode(&LiveRow {})), "01");
        let blobs = vec![BlobId::from_bytes([0x11; 16]), BlobId::from_bytes([0x22; 16])];
        let golden = format!("0102{}{}d00f", "11".repeat(16), "22".repeat(16));
        assert_eq!(hex(&encode(&DeadRow { blobs, due: 1000 })), golden);
    }
}
