//! Which of the blobs that a snapshot needs are there.

use std::{collections::VecDeque, sync::Arc};

use strongroom_model::failure::Failure;

use crate::{
    blobs::{BlobEntry, BlobId, Blobs},
    catalog::whole::NeededBlobs,
};

/// Blobs that one listing answers.
const PAGE: usize = 1000;

/// The blobs that rows need, held against those that a store has; both come in the order of their ids.
pub(crate) struct Inventory {
    blobs: Arc<dyn Blobs>,
    needed: NeededBlobs,
    wanted: VecDeque<BlobId>,
    listed: VecDeque<BlobEntry>,
    /// Where the listing goes on; none when it has ended.
    after: Option<Option<BlobId>>,
}

impl Inventory {
    /// From the first one on.
    pub(crate) fn new(blobs: Arc<dyn Blobs>, needed: NeededBlobs) -> Self {
        Self { blobs, needed, wanted: VecDeque::new(), listed: VecDeque::new(), after: Some(None) }
    }

    /// The next blob that is needed, and its length, if it is there.
    pub(crate) async fn next(&mut self) -> Result<Option<(BlobId, Option<u64>)>, Failure> {
        while self.wanted.is_empty() {
            let Some(page) = self.needed.next_page().await? else { return Ok(None) };
            self.wanted.extend(page);
        }
        let Some(id) = self.wanted.pop_front() else { return Ok(None) };
        Ok(Some((id, self.length(id).await?)))
    }

    async fn length(&mut self, id: BlobId) -> Result<Option<u64>, Failure> {
        loop {
            while self.listed.front().is_some_and(|entry| entry.id < id) {
                self.listed.pop_front();
            }
            if let Some(entry) = self.listed.front() {
                return Ok((entry.id == id).then_some(entry.len));
            }
            let Some(after) = self.after else { return Ok(None) };
            let page = self.blobs.list(after.as_ref(), PAGE).await?;
            self.after = page.last().map(|last| Some(last.id));
            self.listed.extend(page);
        }
    }
}
