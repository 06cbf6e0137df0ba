//! One report: files of rows, as large as they get, then the manifest that names them, and the manifest's checksum.

use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use md5::{Digest as _, Md5};
use strongroom_model::encryption::{DataAlgorithm, EncryptionContext, EncryptionWish, KmsWish};
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::inventory::{
    Inventory, ReportEncryption, ReportFile, ReportForm, ReportRow, ReportedContent, ReportedObject,
};
use strongroom_model::metadata::{ContentHeaders, ObjectMetadata};
use strongroom_model::name::ObjectKey;
use strongroom_model::operation::object::PutObject;
use strongroom_model::time::Timestamp;
use tokio::sync::mpsc;

use super::{InventoryJob, Tools};
use crate::{
    catalog::{CatalogError, buckets::Bucket, inventories::BucketInventories, lifecycles::Head, objects::VersionEntry},
    jobs::pace::Pace,
    stream::{ByteStream, once},
};

/// Rows of one file, about: what spreadsheets and query engines take well.
const ROWS_PER_FILE: u64 = 1_000_000;

/// Rows written in a second at most, so that clients hardly notice.
const ROWS_PER_SECOND: u64 = 10_000;

/// Noncurrent versions that one look fetches.
const VERSIONS_PAGE: usize = 250;

/// Bytes that are handed on at once.
const PIECE: usize = 64 * 1024;

/// Pieces that wait for the blob store.
const PIECES_WAITING: usize = 4;

/// What a report is made of.
struct Source<'a> {
    bucket: Arc<Bucket>,
    inventory: &'a Inventory,
    began: Timestamp,
    pace: Pace,
}

/// How far a report is.
#[derive(Default)]
struct Place {
    behind: Option<ObjectKey>,
    at_end: bool,
}

/// Why a file has not all its rows.
enum Cut {
    /// Somebody has stopped the job.
    Stopped,
    /// Whoever stores the file has given up, and says why.
    Unread,
    /// The catalog's trouble.
    Failed(Failure),
}

/// Takes rows, and hands on the bytes of a file; then a none, without which the file is not whole.
struct Sink {
    pieces: mpsc::Sender<Option<Bytes>>,
    encoder: Encoder,
    md5: Md5,
    size: u64,
    rows: u64,
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Plain(Vec<u8>),
}

impl From<CatalogError> for Cut {
    fn from(error: CatalogError) -> Self {
        Self::Failed(error.into())
    }
}

impl InventoryJob {
    /// Writes a report that begins now. False if somebody has stopped the job before its end.
    pub(super) async fn write(
        &self,
        bucket: &BucketInventories,
        inventory: &Inventory,
        began: Timestamp,
        tools: Tools<'_>,
    ) -> Result<bool, Failure> {
        let found = self.catalog.bucket(&bucket.name).await?.filter(|found| found.id == bucket.bucket);
        let bucket = found.ok_or(FailureCode::NoSuchBucket)?;
        let source = Source { bucket, inventory, began, pace: Pace::new(Some(ROWS_PER_SECOND)) };
        let (mut place, mut files) = (Place::default(), Vec::new());
        while !place.at_end {
            match self.file(&source, &mut place, tools).await? {
                Some(file) => files.push(file),
                None => return Ok(false),
            }
        }
        let name = &source.bucket.facts.name;
        let manifest = inventory.manifest(name, began, &files);
        let checksum = hex::encode(Md5::digest(&manifest));
        let texts = [
            (inventory.manifest_key(name, began), "application/json", manifest),
            (inventory.checksum_key(name, began), "text/plain", checksum),
        ];
        for (key, kind, text) in texts {
            let put = source.put(&key, kind)?;
            tools.deposit.deposit(source.bucket.facts.owner, put, once(Bytes::from(text))).await?;
        }
        Ok(true)
    }

    /// Writes the next file of rows. None if somebody has stopped the job.
    async fn file(
        &self,
        source: &Source<'_>,
        place: &mut Place,
        tools: Tools<'_>,
    ) -> Result<Option<ReportFile>, Failure> {
        let name = &source.bucket.facts.name;
        let key = source.inventory.file_key(name, source.began, &unique(self.entropy.array()?));
        let kind = if source.inventory.is_compressed() { "application/gzip" } else { "text/csv" };
        let put = source.put(&key, kind)?;
        let (pieces, waiting) = mpsc::channel(PIECES_WAITING);
        let deposited = tools.deposit.deposit(source.bucket.facts.owner, put, body(waiting));
        let rows = self.rows(source, place, Sink::new(pieces, source.inventory.is_compressed()));
        match tokio::join!(deposited, rows) {
            (Ok(()), Ok((size, md5))) => Ok(Some(ReportFile { key, size, md5 })),
            (_, Err(Cut::Stopped)) => Ok(None),
            (_, Err(Cut::Failed(failure))) | (Err(failure), _) => Err(failure),
            (Ok(()), Err(Cut::Unread)) => Err(FailureCode::Internal.into()),
        }
    }

    /// Fills a file, and answers its length and its MD5.
    async fn rows(&self, source: &Source<'_>, place: &mut Place, mut sink: Sink) -> Result<(u64, [u8; 16]), Cut> {
        self.fill(source, place, &mut sink).await?;
        sink.finish().await
    }

    async fn fill(&self, source: &Source<'_>, place: &mut Place, sink: &mut Sink) -> Result<(), Cut> {
        let prefix = &source.inventory.filter.prefix;
        while sink.rows < ROWS_PER_FILE {
            if self.progress().stopped {
                return Err(Cut::Stopped);
            }
            // Not only when the next piece is full: of a large bucket, a narrow filter may leave few rows.
            if sink.pieces.is_closed() {
                return Err(Cut::Unread);
            }
            let page = self.catalog.heads(source.bucket.id, prefix, place.behind.as_ref()).await?;
            let Some(last) = page.last() else {
                place.at_end = true;
                return Ok(());
            };
            place.behind = Some(last.key.clone());
            let before = sink.rows;
            for head in &page {
                self.key(source, head, sink).await?;
            }
            self.progress().report.rows += sink.rows - before;
        }
        Ok(())
    }

    /// The rows of one key.
    async fn key(&self, source: &Source<'_>, head: &Head, sink: &mut Sink) -> Result<(), Cut> {
        self.version(source, &head.key, &head.latest.version, true, sink).await?;
        if !source.inventory.all_versions || head.latest.before.is_none() {
            return Ok(());
        }
        let mut below = Some(head.latest.version.generation());
        loop {
            let page = self.catalog.noncurrents(source.bucket.id, &head.key, below, VERSIONS_PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            below = Some(last.version.generation());
            for noncurrent in &page {
                self.version(source, &head.key, &noncurrent.version, false, sink).await?;
            }
        }
    }

    async fn version(
        &self,
        source: &Source<'_>,
        key: &ObjectKey,
        version: &VersionEntry,
        is_latest: bool,
        sink: &mut Sink,
    ) -> Result<(), Cut> {
        source.pace.spend(1).await;
        let inventory = source.inventory;
        let entry = version.object();
        let content = match entry {
            Some(entry) if inventory.needs_content() => {
                let content = self.catalog.content(source.bucket.id, key, entry.uid).await?.flatten();
                // Without a content, it is gone by now.
                let Some(content) = content else { return Ok(()) };
                Some(content)
            }
            Some(_) => None,
            None if inventory.all_versions => None,
            None => return Ok(()),
        };
        let content = content.as_ref().map(|content| ReportedContent {
            encryption: &content.encryption,
            lock: &content.settings.lock,
            checksums: &content.checksums,
            tag_count: content.settings.tags.as_slice().len(),
        });
        let object = entry.map(|entry| ReportedObject {
            size: entry.size,
            etag: &entry.etag,
            storage_class: entry.storage_class,
            kind: entry.kind,
            content,
        });
        let row = ReportRow {
            bucket: &source.bucket.facts.name,
            owner: source.bucket.facts.owner,
            key: key.as_str(),
            version: version.id(),
            is_latest,
            last_modified: version.last_modified(),
            object,
        };
        if inventory.lists(&row) {
            let mut line = String::new();
            inventory.write_row(&row, &mut line);
            sink.row(&line).await?;
        }
        Ok(())
    }
}

impl Source<'_> {
    /// The request that stores a file of the report, encrypted as the inventory says, else as its bucket does.
    fn put(&self, key: &str, content_type: &str) -> Result<PutObject, Failure> {
        let destination = &self.inventory.destination;
        let encryption = match &destination.encryption {
            None => EncryptionWish::Unspecified,
            Some(ReportEncryption::Managed) => EncryptionWish::Managed(DataAlgorithm::Aes256),
            Some(ReportEncryption::Kms(key)) => EncryptionWish::Kms(KmsWish {
                key: key.clone(),
                algorithm: DataAlgorithm::Aes256,
                context: EncryptionContext::new(),
                bucket_key: None,
                project: None,
            }),
        };
        let content = ContentHeaders { content_type: Some(content_type.to_owned()), ..ContentHeaders::default() };
        Ok(PutObject {
            bucket: destination.bucket.clone(),
            key: ObjectKey::parse(key).map_err(|error| Failure::new(FailureCode::InvalidObjectKey).caused_by(error))?,
            metadata: ObjectMetadata { content, ..ObjectMetadata::default() },
            storage_class: None,
            settings: Default::default(),
            encryption,
            conditions: Default::default(),
            expected: Default::default(),
            keep: Vec::new(),
            tag: match self.inventory.form {
                ReportForm::Alibaba => TagPromise::Always,
                ReportForm::Amazon | ReportForm::Huawei => TagPromise::UnlessKeyed,
            },
        })
    }
}

impl Sink {
    fn new(pieces: mpsc::Sender<Option<Bytes>>, compressed: bool) -> Self {
        let encoder = match compressed {
            true => Encoder::Gzip(GzEncoder::new(Vec::new(), Compression::default())),
            false => Encoder::Plain(Vec::new()),
        };
        Self { pieces, encoder, md5: Md5::new(), size: 0, rows: 0 }
    }

    async fn row(&mut self, line: &str) -> Result<(), Cut> {
        self.rows += 1;
        let written = match &mut self.encoder {
            Encoder::Gzip(encoder) => encoder.write_all(line.as_bytes()),
            Encoder::Plain(buffer) => buffer.write_all(line.as_bytes()),
        };
        written.expect("a vector takes all that is written to it");
        let buffer = match &mut self.encoder {
            Encoder::Gzip(encoder) => encoder.get_mut(),
            Encoder::Plain(buffer) => buffer,
        };
        if buffer.len() < PIECE {
            return Ok(());
        }
        let piece = std::mem::take(buffer);
        self.hand_on(piece).await
    }

    /// Hands on the rest of the file, and tells that it was the rest.
    async fn finish(mut self) -> Result<(u64, [u8; 16]), Cut> {
        let rest = match std::mem::replace(&mut self.encoder, Encoder::Plain(Vec::new())) {
            Encoder::Gzip(encoder) => encoder.finish().expect("a vector takes all that is written to it"),
            Encoder::Plain(buffer) => buffer,
        };
        self.hand_on(rest).await?;
        self.pieces.send(None).await.map_err(|_| Cut::Unread)?;
        Ok((self.size, self.md5.finalize().into()))
    }

    async fn hand_on(&mut self, piece: Vec<u8>) -> Result<(), Cut> {
        self.md5.update(&piece);
        self.size += piece.len() as u64;
        self.pieces.send(Some(piece.into())).await.map_err(|_| Cut::Unread)
    }
}

/// The bytes of a file. If its rows end before it does, because the job is stopped, fails, or is dropped with the whole process,
/// that is an error to whoever stores it: no file is stored half.
fn body(waiting: mpsc::Receiver<Option<Bytes>>) -> ByteStream {
    Box::pin(stream::unfold(Some(waiting), |waiting| async move {
        let mut waiting = waiting?;
        match waiting.recv().await {
            Some(Some(piece)) => Some((Ok(piece), Some(waiting))),
            Some(None) => None,
            None => Some((Err(io::Error::other("the report was interrupted")), None)),
        }
    }))
}

/// Random bytes in the form of a UUID of version 4.
fn unique(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_uuid() {
        assert_eq!(unique([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
