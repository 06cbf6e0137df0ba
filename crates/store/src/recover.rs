//! Rebuilding a lost catalog: master keys, identities and buckets from the ledger, object versions from the records at the ends of their
//! blobs. What no blob tells of is not rebuilt, and is said; nothing that might still be of use is removed for a month.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use strongroom_model::{setting::Versioning, time::Timestamp};

use crate::{
    FolderError,
    blobs::{self, BlobEntry, BlobError, BlobId, Blobs},
    catalog::{
        self, Catalog, CatalogError,
        buckets::{Alive, Life},
        rebuilding::Rebuilt,
        version_records::{self, VersionRecord},
    },
    folder,
    key_file::{self, KeyFileError, Purpose},
    kv::{self, Put, bulk::Bulk, ledger},
    stream::collect,
    surroundings::{Clock, Entropy},
};

/// Blobs that one listing answers.
const PAGE: usize = 1000;

/// How long what no rebuilt version needs stays: time to find out that it was needed after all.
pub(crate) const KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// Versions that lack a blob, of which it is said which they are; beyond, they are counted.
const NAMED_MAX: usize = 1000;

/// What to rebuild.
pub struct Recover {
    /// The data folder, without a catalog.
    pub data: PathBuf,
    /// The catalog's engine; none is the embedded one, in the data folder.
    pub kv: Option<kv::Config>,
    /// The blob store; none is files in the data folder.
    pub blobs: Option<blobs::Config>,
}

/// What was rebuilt, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Rows of master keys, identities and buckets.
    pub rows: u64,
    /// Bytes at the ledger's end that tell nothing.
    pub ledger_bytes_lost: u64,
    /// Blobs that there are.
    pub blobs: u64,
    /// Object versions that can be read again.
    pub versions: u64,
    /// Versions that later ones have overwritten: their blobs are kept for a month.
    pub overwritten: u64,
    /// Versions that were refused, since they would have overwritten what was kept.
    pub refused: u64,
    /// Versions in buckets that the ledger does not know: deleted ones, most likely.
    pub without_bucket: u64,
    /// Versions that lack a blob.
    pub incomplete: u64,
    /// The first of these: bucket's id and key.
    pub incomplete_versions: Vec<(String, String)>,
    /// Blobs that no rebuilt version needs: parts of open uploads, remains of appends, what was refused, and what has no readable
    /// record. They are kept for a month.
    pub unneeded_blobs: u64,
}

/// Why nothing is rebuilt; the text is meant for the operator.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// There is a catalog.
    #[error("{} is there: if it is damaged, move it away first", path.display())]
    NotLost {
        /// The catalog.
        path: PathBuf,
    },
    /// There is no ledger.
    #[error("{} is missing, which tells of keys and buckets: restore a backup", path.display())]
    NoLedger {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is no metadata key.
    #[error("{} is missing, and nothing can be read without it: put it back, or restore a backup, which holds it", path.display())]
    NoMetadataKey {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file cannot be used.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The key-value store does not open.
    #[error(transparent)]
    OpenKv(#[from] kv::OpenError),
    /// The new catalog does not open.
    #[error(transparent)]
    OpenCatalog(#[from] catalog::OpenError),
    /// Rows cannot be written.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Blobs cannot be read.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

impl From<kv::KvError> for RecoverError {
    fn from(error: kv::KvError) -> Self {
        Self::Catalog(error.into())
    }
}

/// Rebuilds the catalog of a data folder that has lost it. `progress` is told how many blobs were seen, of how many.
///
/// # Errors
/// See [`RecoverError`]: each says what the operator should do.
pub async fn recover(
    recover: &Recover,
    clock: Clock,
    entropy: Entropy,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Recovered, RecoverError> {
    folder::claim(&recover.data)?;
    let default = || kv::Config::Fjall { path: recover.data.join("catalog") };
    let kv::Config::Fjall { path: place } = recover.kv.clone().unwrap_or_else(default);
    if place.exists() {
        clear_if_empty(&place).await?;
    }
    let key_path = recover.data.join("keys/metadata.key");
    if key_file::read(&key_path, Purpose::Metadata)?.is_none() {
        return Err(RecoverError::NoMetadataKey { path: key_path });
    }
    let ledger_path = folder::ledger(&recover.data);
    let told = ledger::read(&ledger_path).map_err(|source| RecoverError::Io { path: ledger_path.clone(), source })?;
    let told = told.ok_or(RecoverError::NoLedger { path: ledger_path })?;

    // It gets its name when it is whole, for a server would take part of it for all there is.
    let making = place.with_extension("recovering");
    if making.exists() {
        fs::remove_dir_all(&making).map_err(|source| RecoverError::Io { path: making.clone(), source })?;
    }
    let kv = kv::open(&kv::Config::Fjall { path: making.clone() }).await?;
    let blobs_config = recover.blobs.clone().unwrap_or(blobs::Config::Local { path: recover.data.join("blobs") });
    let blobs = blobs::open(&blobs_config).await?;
    let catalog = Catalog::open(Arc::clone(&kv), &key_path, entropy).await?;
    let mut found = Recovered { ledger_bytes_lost: told.lost_bytes, ..Recovered::default() };
    found.rows = told.rows.len() as u64;
    let mut rows = Bulk::new(Arc::clone(&kv));
    for (key, value) in told.rows {
        rows.put(Put { key, value }).await?;
    }
    rows.finish().await?;
    let rebuilding = Rebuilding { catalog, blobs, now: clock() };
    rebuilding.run(&mut found, &mut progress).await?;
    // The store must be closed to get its name.
    drop((rebuilding, kv));
    let named = fs::rename(&making, &place);
    named.map_err(|source| RecoverError::Io { path: place.clone(), source })?;
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder::settle(folder.unwrap_or(Path::new(".")))?;
    Ok(found)
}

/// Removes what a start has made that found the catalog gone: a store without a row.
async fn clear_if_empty(place: &Path) -> Result<(), RecoverError> {
    let kv = kv::open(&kv::Config::Fjall { path: place.into() }).await?;
    let is_empty = kv.scan(kv::KeyRange::from(""), 1).await?.is_empty();
    drop(kv);
    if !is_empty {
        return Err(RecoverError::NotLost { path: place.into() });
    }
    fs::remove_dir_all(place).map_err(|source| RecoverError::Io { path: place.into(), source })
}

/// What is at work.
struct Rebuilding {
    catalog: Catalog,
    blobs: Arc<dyn Blobs>,
    now: Timestamp,
}

impl Rebuilding {
    async fn run(
        &self,
        found: &mut Recovered,
        progress: &mut (impl FnMut(u64, u64) + Send),
    ) -> Result<(), RecoverError> {
        let mut unneeded = self.gather(progress).await?;
        found.blobs = unneeded.len() as u64;
        while let Some(versions) = self.catalog.recorded_versions().await? {
            for (place, record) in versions {
                self.rebuild(record, &mut unneeded, found).await?;
                self.catalog.forget_record(&place).await?;
            }
        }
        found.unneeded_blobs = unneeded.len() as u64;
        let unneeded: Vec<_> = unneeded.into_iter().collect();
        self.catalog.list_dead(&unneeded, self.now.plus_millis(KEPT_MS)).await?;
        Ok(())
    }

    /// Writes the version as if it was written now, if there is all that it takes, and takes its blobs from the `unneeded` ones. No
    /// blob is of two versions.
    async fn rebuild(
        &self,
        record: VersionRecord,
        unneeded: &mut HashSet<BlobId>,
        found: &mut Recovered,
    ) -> Result<(), RecoverError> {
        let (Life::Active(alive) | Life::Deleting(alive)) = self.catalog.life(record.bucket).await? else {
            found.without_bucket += 1;
            return Ok(());
        };
        let blobs = record.content.blobs.clone();
        if !blobs.iter().all(|blob| unneeded.contains(blob)) {
            found.incomplete += 1;
            if found.incomplete_versions.len() < NAMED_MAX {
                found.incomplete_versions.push((hex::encode(record.bucket.0), record.key.as_str().to_owned()));
            }
            return Ok(());
        }
        let versioning = match alive.versioning {
            Versioning::Never => Versioning::Never,
            _ if record.entry.is_null => Versioning::Suspended,
            _ => Versioning::Enabled,
        };
        let due = self.now.plus_millis(KEPT_MS);
        match self.catalog.rebuild_version(record, Alive { versioning, ..alive }, due).await? {
            Rebuilt::Added => found.versions += 1,
            Rebuilt::Overwriting => found.overwritten += 1,
            Rebuilt::Refused => {
                found.refused += 1;
                return Ok(());
            }
        }
        for blob in &blobs {
            unneeded.remove(blob);
        }
        Ok(())
    }

    /// Keeps the records of all blobs in rows of their own; answers which blobs there are.
    async fn gather(&self, progress: &mut (impl FnMut(u64, u64) + Send)) -> Result<HashSet<BlobId>, RecoverError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.blobs.list(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            all.extend(page);
        }
        for (seen, entry) in all.iter().enumerate() {
            if let Some(record) = self.record(entry).await?
                && let Some((place, sealed)) = version_records::unframe(&record)
            {
                let _is_ours = self.catalog.keep_record(place, sealed).await?;
            }
            progress(seen as u64 + 1, all.len() as u64);
        }
        Ok(all.into_iter().map(|entry| entry.id).collect())
    }

    /// The record that the blob ends in, if it does; it is not opened yet.
    async fn record(&self, entry: &BlobEntry) -> Result<Option<Bytes>, RecoverError> {
        let Some(behind) = entry.len.checked_sub(version_records::END_BYTES) else { return Ok(None) };
        let end = self.read(entry, behind, entry.len).await?;
        let Some(start) = version_records::record_len(&end).and_then(|len| behind.checked_sub(len)) else {
            return Ok(None);
        };
        self.read(entry, start, behind).await.map(Some)
    }

    async fn read(&self, entry: &BlobEntry, start: u64, end: u64) -> Result<Bytes, RecoverError> {
        let stream = self.blobs.read(&entry.id, start..end).await?;
        let bytes = collect(stream, (end - start) as usize).await;
        bytes.map_err(|error| RecoverError::Blobs(BlobError::Unavailable(error.into())))
    }
}
