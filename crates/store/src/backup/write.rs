//! Taking a backup: a stream, made as it is sent, so that it needs no room on the server.

use std::{collections::VecDeque, io, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use strongroom_model::{
    failure::{Failure, FailureCode},
    outcome::backup::BackupFacts,
};
use strongroom_seal::{AES_256_GCM, CHUNK, MAX_PART, Sealer, sealed_len};
use tokio::time::{Duration, Instant};
use zeroize::Zeroizing;

use super::{BLOB_ENTRY, HEAD_BYTES, Head, Inventory, KEY_ENTRY, ROW_ENTRY, Tag, content_key};
use crate::{
    blobs::{BlobId, Blobs},
    catalog::{Catalog, holds::HoldId, whole::Rows},
    failure,
    kms::Kms,
    kv::Snapshot,
    stream::{ByteStream, Pieces, once},
    surroundings::{Clock, Entropy},
};

/// How long blobs are held at a time: so long after the death of a process that takes a backup the reaper goes on.
const HOLD: Duration = Duration::from_secs(600);

/// What a backup is made from.
pub(crate) struct Parts {
    /// The rows.
    pub(crate) catalog: Arc<Catalog>,
    /// The blobs.
    pub(crate) blobs: Arc<dyn Blobs>,
    /// Wraps the backup's key.
    pub(crate) kms: Arc<dyn Kms>,
    /// What time it is.
    pub(crate) clock: Clock,
    /// The backup's key and salt.
    pub(crate) entropy: Entropy,
    /// Whether the blobs go along.
    pub(crate) with_blobs: bool,
    /// How long blobs are held after the backup's end, in milliseconds.
    pub(crate) keep_ms: i64,
}

/// Holds all blobs, looks at everything once, to know how much it is, and answers that and the backup itself, of exactly
/// that length.
///
/// # Errors
/// The trouble of a store or of the key service; `EntityTooLarge` above 1 TiB.
pub(crate) async fn begin(parts: Parts) -> Result<(BackupFacts, ByteStream), Failure> {
    let mut hold = Hold::begin(&parts).await?;
    let snapshot = parts.catalog.snapshot().await?;
    let tally = tally(&parts, &snapshot, &mut hold).await?;
    if tally.length > MAX_PART {
        let message = "The backup would have more than 1 TiB: take it without the blobs, and copy their folder.";
        return Err(Failure::new(FailureCode::EntityTooLarge).with_message(message));
    }
    let head = Head {
        created: (parts.clock)(),
        sequence: snapshot.sequence(),
        rows: tally.rows,
        blobs: tally.blobs,
        length: tally.length,
        salt: parts.entropy.array()?,
    };
    let key = parts.entropy.key(AES_256_GCM.key_len)?;
    let wrapped = parts.kms.wrap_own(&head.place(), &key).await?;
    let sealer = Sealer::new(&content_key(key), &head.part());
    let facts = BackupFacts {
        created: head.created,
        sequence: head.sequence,
        rows: head.rows,
        blobs: head.blobs,
        missing_blobs: tally.missing,
        length: HEAD_BYTES as u64 + sealed_len(&AES_256_GCM, head.length),
    };
    let start = once(head.encode(&wrapped).into());
    let source = Source { step: Step::Key, parts, snapshot, hold };
    Ok((facts, Box::pin(start.chain(sealed(sealer, source.stream())))))
}

/// What there is to write.
#[derive(Default)]
struct Tally {
    rows: u64,
    blobs: u64,
    missing: u64,
    length: u64,
}

async fn tally(parts: &Parts, snapshot: &Arc<dyn Snapshot>, hold: &mut Hold) -> Result<Tally, Failure> {
    let mut tally = Tally { length: KEY_ENTRY, ..Tally::default() };
    let mut rows = Rows::all(Arc::clone(snapshot));
    while let Some(page) = rows.next_page().await? {
        tally.rows += page.len() as u64;
        tally.length += page.iter().map(|row| ROW_ENTRY + (row.key.len() + row.value.len()) as u64).sum::<u64>();
        hold.prolong().await?;
    }
    let mut inventory = inventory(parts, snapshot).await?;
    while let Some((_, length)) = inventory.next().await? {
        match length {
            None => tally.missing += 1,
            Some(length) if parts.with_blobs => {
                tally.blobs += 1;
                tally.length += BLOB_ENTRY + length;
            }
            Some(_) => {}
        }
        hold.prolong().await?;
    }
    Ok(tally)
}

async fn inventory(parts: &Parts, snapshot: &Arc<dyn Snapshot>) -> Result<Inventory, Failure> {
    let needed = parts.catalog.needed_blobs(Arc::clone(snapshot)).await?;
    Ok(Inventory::new(Arc::clone(&parts.blobs), needed))
}

/// Keeps the reaper from blobs, for a while at a time.
struct Hold {
    id: HoldId,
    catalog: Arc<Catalog>,
    clock: Clock,
    prolonged: Instant,
}

impl Hold {
    async fn begin(parts: &Parts) -> Result<Self, Failure> {
        let (catalog, clock) = (Arc::clone(&parts.catalog), Arc::clone(&parts.clock));
        let hold = Self { id: parts.entropy.array()?, catalog, clock, prolonged: Instant::now() };
        hold.until(HOLD.as_millis() as i64).await?;
        Ok(hold)
    }

    async fn prolong(&mut self) -> Result<(), Failure> {
        if self.prolonged.elapsed() > HOLD / 2 {
            self.until(HOLD.as_millis() as i64).await?;
            self.prolonged = Instant::now();
        }
        Ok(())
    }

    /// The backup has ended; what is still to be copied by hand stays for `keep_ms`.
    async fn end(&self, keep_ms: i64) -> Result<(), Failure> {
        match keep_ms {
            0 => Ok(self.catalog.release_blobs(self.id).await?),
            _ => self.until(keep_ms).await,
        }
    }

    async fn until(&self, from_now_ms: i64) -> Result<(), Failure> {
        Ok(self.catalog.hold_blobs(self.id, (self.clock)().plus_millis(from_now_ms)).await?)
    }
}

/// The plaintext of a backup, behind its head.
struct Source {
    step: Step,
    parts: Parts,
    snapshot: Arc<dyn Snapshot>,
    hold: Hold,
}

/// How far it is.
enum Step {
    Key,
    Rows(Rows, VecDeque<Bytes>),
    Blobs(Inventory),
    Blob(ByteStream, Inventory),
    Done,
}

impl Source {
    fn stream(self) -> ByteStream {
        Box::pin(stream::try_unfold(self, |mut source| async move {
            let piece = source.next().await.map_err(io::Error::other)?;
            Ok(piece.map(|piece| (piece, source)))
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            self.hold.prolong().await?;
            match std::mem::replace(&mut self.step, Step::Done) {
                Step::Key => {
                    self.step = Step::Rows(Rows::all(Arc::clone(&self.snapshot)), VecDeque::new());
                    let key = self.parts.catalog.metadata_key().expose();
                    let entry = Zeroizing::new([&[Tag::MetadataKey as u8], key].concat());
                    return Ok(Some(Bytes::from_owner(entry)));
                }
                Step::Rows(mut rows, mut pieces) => {
                    if let Some(piece) = pieces.pop_front() {
                        self.step = Step::Rows(rows, pieces);
                        return Ok(Some(piece));
                    }
                    self.step = match rows.next_page().await? {
                        Some(page) => Step::Rows(rows, page.into_iter().flat_map(row_entry).collect()),
                        None if self.parts.with_blobs => Step::Blobs(inventory(&self.parts, &self.snapshot).await?),
                        None => Step::Done,
                    };
                }
                Step::Blobs(mut inventory) => {
                    let Some((id, length)) = inventory.next().await? else { continue };
                    let Some(length) = length else {
                        self.step = Step::Blobs(inventory);
                        continue;
                    };
                    let bytes = self.parts.blobs.read(&id, 0..length).await?;
                    self.step = Step::Blob(bytes, inventory);
                    return Ok(Some(blob_entry(id, length)));
                }
                Step::Blob(mut bytes, inventory) => match bytes.next().await {
                    Some(piece) => {
                        let piece = piece.map_err(|error| failure::of_stream(error, FailureCode::Internal))?;
                        self.step = Step::Blob(bytes, inventory);
                        return Ok(Some(piece));
                    }
                    None => self.step = Step::Blobs(inventory),
                },
                Step::Done => {
                    self.hold.end(self.parts.keep_ms).await?;
                    return Ok(None);
                }
            }
        }
    }
}

fn row_entry(row: crate::kv::Row) -> [Bytes; 3] {
    let key_len = u16::try_from(row.key.len()).expect("keys have at most 4 KiB");
    let value_len = u32::try_from(row.value.len()).expect("values have at most 2 MiB");
    let mut head = vec![Tag::Row as u8];
    head.extend_from_slice(&key_len.to_be_bytes());
    head.extend_from_slice(&value_len.to_be_bytes());
    [head.into(), row.key, row.value]
}

fn blob_entry(id: BlobId, length: u64) -> Bytes {
    [&[Tag::Blob as u8], &id.as_bytes()[..], &length.to_be_bytes()].concat().into()
}

/// `plaintext`, cut into sealed chunks.
fn sealed(sealer: Sealer, plaintext: ByteStream) -> ByteStream {
    let state = (sealer, Pieces::new(plaintext));
    Box::pin(stream::try_unfold(state, |(mut sealer, mut pieces)| async move {
        if sealer.is_ended() {
            return Ok(None);
        }
        let mut chunk = Vec::with_capacity(CHUNK + AES_256_GCM.tag_len);
        pieces.fill(&mut chunk, CHUNK).await?;
        let last = pieces.has_ended().await?;
        let tag = sealer.seal(&mut chunk, last).map_err(io::Error::other)?;
        chunk.extend_from_slice(tag.as_ref());
        Ok::<_, io::Error>(Some((Bytes::from(chunk), (sealer, pieces))))
    }))
}
