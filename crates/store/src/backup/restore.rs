//! Restoring a backup into an empty data folder. The whole file is read and found sound before anything of it is written, and the
//! folder becomes a data folder with the last step: what is interrupted can be cleared away and begun anew.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::stream;
use strongroom_model::time::Timestamp;
use tokio::sync::mpsc;

use super::{
    Inventory, RestoreError,
    read::{Entry, Reader},
};
use crate::{
    blobs::{self, BlobError, BlobId, Blobs},
    catalog::Catalog,
    folder,
    key_file::{self, Purpose},
    kms,
    kv::{self, Kv, bulk::Bulk},
    stream::ByteStream,
    surroundings::Entropy,
};

/// What is read of the file at a time.
const READ_BYTES: usize = 256 * 1024;

/// Pieces that wait between reading and writing.
const QUEUE: usize = 8;

/// Missing blobs of which it is said whose they were; beyond, they are counted.
const NAMED_MAX: usize = 1000;

/// What to restore, and whereto.
pub struct Restore {
    /// The backup.
    pub file: PathBuf,
    /// The data folder: empty, but for `keys`, which has the root key, and perhaps `blobs`.
    pub data: PathBuf,
    /// The catalog's engine; none is the embedded one, in the data folder.
    pub kv: Option<kv::Config>,
    /// The blob store; none is files in the data folder.
    pub blobs: Option<blobs::Config>,
    /// The key service, whose root key opens the backup.
    pub kms: kms::Config,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Bytes of the backup done, or blobs.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The backup is read from end to end.
    Verifying,
    /// Its rows and blobs are written.
    Writing,
    /// The blobs that rows name are looked for.
    Blobs,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The moment that the catalog is of.
    pub created: Timestamp,
    /// The number of the last commit that it has.
    pub sequence: u64,
    /// Its rows.
    pub rows: u64,
    /// The blobs that it needs and has.
    pub blobs: u64,
    /// How many it needs and has not: what they belong to cannot be read.
    pub missing: u64,
    /// The first of these.
    pub missing_blobs: Vec<MissingBlob>,
}

/// A blob that is needed and not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingBlob {
    /// The blob.
    pub blob: BlobId,
    /// The bucket and the key of the object that it belongs to; none, if it is a part of an open upload.
    pub object: Option<(String, String)>,
}

/// Restores a backup.
///
/// # Errors
/// See [`RestoreError`]: each says what the operator should do.
pub async fn restore(
    restore: &Restore,
    entropy: Entropy,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Restored, RestoreError> {
    check_empty(&restore.data)?;
    let root = kms::open_root(&restore.kms, &entropy)?;
    let mut reader = Reader::open(&root, read_file(&restore.file)?).await?;
    verify(&mut reader, &mut progress).await?;

    let reader = Reader::open(&root, read_file(&restore.file)?).await?;
    let head = reader.head().clone();
    folder::make_private(&restore.data)?;
    let kv_config = restore.kv.clone().unwrap_or(kv::Config::Fjall { path: restore.data.join("catalog") });
    let kv = kv::open(&kv_config).await?;
    if !kv.scan(kv::KeyRange::from(""), 1).await?.is_empty() {
        return Err(RestoreError::NotEmpty { path: restore.data.join("catalog") });
    }
    let blobs_config = restore.blobs.clone().unwrap_or(blobs::Config::Local { path: restore.data.join("blobs") });
    let blobs = blobs::open(&blobs_config).await?;
    let metadata_key = restore.data.join("keys/metadata.key");
    write(reader, &metadata_key, &kv, &blobs, &mut progress).await?;

    let catalog = Catalog::open(kv, &metadata_key, entropy).await?;
    let found = look_for_blobs(&catalog, &blobs, &mut progress).await?;
    folder::settle_new(&restore.data)?;
    Ok(Restored {
        created: head.created,
        sequence: head.sequence,
        rows: head.rows,
        blobs: found.there,
        missing: found.missing,
        missing_blobs: owners(&catalog, found.named).await?,
    })
}

/// A folder that is not there, or has nothing in it but keys and blobs.
fn check_empty(data: &Path) -> Result<(), RestoreError> {
    let io = |source| RestoreError::Io { path: data.into(), source };
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(io)?,
    };
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        if name != "keys" && name != "blobs" {
            return Err(RestoreError::NotEmpty { path: data.into() });
        }
    }
    Ok(())
}

/// The file, read by a thread of its own.
fn read_file(path: &Path) -> Result<ByteStream, RestoreError> {
    let mut file = fs::File::open(path).map_err(|source| RestoreError::Io { path: path.into(), source })?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let _detached = tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; READ_BYTES];
            let read = file.read(&mut piece);
            let piece = read.map(|len| {
                piece.truncate(len);
                Bytes::from(piece)
            });
            let is_end = piece.as_ref().map_or(true, Bytes::is_empty);
            // Nobody reads on after a refusal.
            if sender.blocking_send(piece).is_err() || is_end {
                return;
            }
        }
    });
    Ok(stream_of(receiver))
}

fn stream_of(receiver: mpsc::Receiver<io::Result<Bytes>>) -> ByteStream {
    Box::pin(stream::unfold(
        receiver,
        |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) },
    ))
}

async fn verify(reader: &mut Reader, progress: &mut (impl FnMut(Progress) + Send)) -> Result<(), RestoreError> {
    while reader.next().await?.is_some() {
        progress(Progress { stage: Stage::Verifying, done: reader.position(), total: reader.file_len() });
    }
    Ok(())
}

/// Writes all rows and blobs of a backup that was found sound.
async fn write(
    mut reader: Reader,
    metadata_key: &Path,
    kv: &Arc<dyn Kv>,
    blobs: &Arc<dyn Blobs>,
    progress: &mut (impl FnMut(Progress) + Send),
) -> Result<(), RestoreError> {
    let mut rows = Bulk::new(Arc::clone(kv));
    while let Some(entry) = reader.next().await? {
        match entry {
            Entry::MetadataKey(key) => {
                if !key_file::put(metadata_key, Purpose::Metadata, &key)? {
                    return Err(RestoreError::OtherMetadataKey { path: metadata_key.into() });
                }
            }
            Entry::Row(row) => rows.put(row).await?,
            Entry::Blob(id) => write_blob(&mut reader, blobs, id).await?,
        }
        progress(Progress { stage: Stage::Writing, done: reader.position(), total: reader.file_len() });
    }
    Ok(rows.finish().await?)
}

async fn write_blob(reader: &mut Reader, blobs: &Arc<dyn Blobs>, id: BlobId) -> Result<(), RestoreError> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let feeding = async move {
        while let Some(piece) = reader.blob_piece().await? {
            if sender.send(Ok(piece)).await.is_err() {
                // The store has given up, and says why.
                break;
            }
        }
        Ok::<_, RestoreError>(())
    };
    let (stored, fed) = tokio::join!(blobs.put(&id, stream_of(receiver)), feeding);
    fed?;
    match stored {
        // It lies there already: a blob is written once.
        Err(BlobError::AlreadyExists(_)) => Ok(()),
        stored => Ok(stored.map(drop)?),
    }
}

/// Which blobs are there in the end.
#[derive(Default)]
struct Found {
    there: u64,
    missing: u64,
    named: HashSet<BlobId>,
}

/// Looks for every blob that rows need.
async fn look_for_blobs(
    catalog: &Catalog,
    blobs: &Arc<dyn Blobs>,
    progress: &mut (impl FnMut(Progress) + Send),
) -> Result<Found, RestoreError> {
    let needed = catalog.needed_blobs(catalog.snapshot().await?).await?;
    let mut inventory = Inventory::new(Arc::clone(blobs), needed);
    let mut found = Found::default();
    while let Some((id, length)) = inventory.next().await.map_err(RestoreError::Store)? {
        if length.is_some() {
            found.there += 1;
        } else {
            found.missing += 1;
            if found.named.len() < NAMED_MAX {
                found.named.insert(id);
            }
        }
        let seen = found.there + found.missing;
        progress(Progress { stage: Stage::Blobs, done: seen, total: seen });
    }
    Ok(found)
}

/// Which objects have these blobs.
async fn owners(catalog: &Catalog, mut blobs: HashSet<BlobId>) -> Result<Vec<MissingBlob>, RestoreError> {
    let mut missing = Vec::new();
    let mut after = String::new();
    while !blobs.is_empty() {
        let buckets = catalog.walk_buckets(&after).await?;
        let Some((last, _)) = buckets.last() else { break };
        after.clone_from(last);
        for (name, bucket) in buckets {
            let id = bucket?.id;
            let mut cursor = None;
            loop {
                let page = catalog.walk(id, cursor.as_ref()).await?;
                let Some(last) = page.last() else { break };
                cursor = Some(last.cursor.clone());
                for walked in page {
                    let (key, version) = walked.version?;
                    let content = catalog.content(id, &key, version.uid()).await?.flatten();
                    for blob in content.iter().flat_map(|content| &content.blobs).filter(|blob| blobs.remove(blob)) {
                        missing.push(MissingBlob { blob: *blob, object: Some((name.clone(), walked.name.clone())) });
                    }
                }
            }
        }
    }
    missing.extend(blobs.into_iter().map(|blob| MissingBlob { blob, object: None }));
    Ok(missing)
}
