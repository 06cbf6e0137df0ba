//! The catalog: typed, sealed records over a [`Kv`]. Each file here adds the methods for one kind of thing.
//!
//! Read outside, decide, then `commit` a `Change` whose checks name what the decision relied upon; on
//! `Conflict` read again. docs/CATALOG.md lists all rows.

mod access_keys;
pub(crate) mod amend;
pub(crate) mod blobs;
pub(crate) mod buckets;
mod error;
mod familiar;
pub(crate) mod grants;
mod head;
pub(crate) mod history;
pub(crate) mod holds;
pub(crate) mod identities;
pub(crate) mod inventories;
mod key_rows;
pub(crate) mod keys;
pub(crate) mod lifecycle_runs;
pub(crate) mod lifecycles;
pub(crate) mod listing;
mod object_rows;
pub(crate) mod object_settings;
pub(crate) mod objects;
mod protection;
pub(crate) mod rebuilding;
mod record;
pub(crate) mod recovery;
pub(crate) mod rights;
pub(crate) mod scrubs;
mod sealing;
mod setting_rows;
mod spelling;
pub(crate) mod tokens;
mod turns;
mod upload_listing;
mod upload_rows;
pub(crate) mod uploads;
pub(crate) mod version_records;
pub(crate) mod versions;
pub(crate) mod walk;
pub(crate) mod whole;

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use zeroize::Zeroizing;

pub use error::{CatalogError, OpenError};
pub use record::RecordError;

use crate::{
    kv::{Batch, Commit, Expected, KeyRange, Kv, Put},
    surroundings::Entropy,
};
use familiar::Familiar;
use record::{Key, Record};
use sealing::Sealer;
use turns::Turns;

/// Attempts at a change before its caller is told to come back: with random luck a few suffice.
pub(crate) const ATTEMPTS: u32 = 32;

/// Families of rows that the ledger has a copy of: master keys, identities, buckets.
pub(crate) const LEDGER_FAMILIES: std::ops::RangeInclusive<u8> = 0x10..=0x3f;

/// Records that one scan fetches, where more may follow: few enough to hold, enough to make the scans few.
const PAGE: usize = 1000;

/// The rows of one store, opened.
pub struct Catalog {
    kv: Arc<dyn Kv>,
    sealer: Sealer,
    turns: Turns,
    familiar: Familiar,
}

/// A record as it was found.
pub(crate) struct Found<R> {
    /// The record.
    pub(crate) record: R,
    /// The version to check for when committing a change that relies on it.
    pub(crate) version: u64,
}

/// A record as a scan found it.
pub(crate) struct Located<R> {
    /// Where.
    pub(crate) key: Key<R>,
    /// The record.
    pub(crate) record: R,
    /// As in [`Found`].
    pub(crate) version: u64,
}

/// Checks and writes of records that happen together or not at all: a [`Batch`] yet to be sealed.
#[derive(Default)]
pub(crate) struct Change {
    batch: Batch,
    puts: Vec<(Bytes, Zeroizing<Vec<u8>>)>,
}

impl Catalog {
    /// Opens the catalog in `kv`. The key file at `key_path` is made along with a new catalog.
    ///
    /// # Errors
    /// See [`OpenError`]: each says what the operator should do.
    pub async fn open(kv: Arc<dyn Kv>, key_path: &Path, entropy: Entropy) -> Result<Self, OpenError> {
        let key = head::find_key(&*kv, key_path, &entropy).await?;
        let sealer = Sealer::new(key, entropy);
        let catalog = Self { kv, sealer, turns: Turns::new(), familiar: Familiar::default() };
        catalog.claim(key_path).await?;
        Ok(catalog)
    }

    /// The record at `key`, if there is one.
    async fn get<R: Record>(&self, key: &Key<R>) -> Result<Option<Found<R>>, CatalogError> {
        let Some(entry) = self.kv.get(key.as_bytes()).await? else { return Ok(None) };
        let record = self.unseal(key.as_bytes(), &entry.value)?;
        Ok(Some(Found { record, version: entry.version }))
    }

    /// The first `limit` records of `range`, which [`Key::range`] made, as they were at one moment.
    async fn scan<R: Record>(&self, range: KeyRange, limit: usize) -> Result<Vec<Located<R>>, CatalogError> {
        let rows = self.kv.scan(range, limit).await?;
        let located = rows.into_iter().map(|row| {
            let record = self.unseal(&row.key, &row.value)?;
            Ok(Located { key: Key::from_bytes(row.key), record, version: row.version })
        });
        located.collect()
    }

    /// Applies the whole change if all its checks hold, else nothing; durable when it answers.
    async fn commit(&self, change: Change) -> Result<Commit, CatalogError> {
        let mut batch = change.batch;
        batch.puts = self.seal(change.puts)?;
        Ok(self.kv.commit(batch).await?)
    }

    /// Hands over rows that need no verdict, without waiting for the disk; see [`Kv::submit`]. The checks and deletes of
    /// `change` are none.
    async fn submit(&self, change: Change) -> Result<(), CatalogError> {
        debug_assert!(change.batch.checks.is_empty() && change.batch.deletes.is_empty(), "only puts are submitted");
        Ok(self.kv.submit(self.seal(change.puts)?).await?)
    }

    fn seal(&self, puts: Vec<(Bytes, Zeroizing<Vec<u8>>)>) -> Result<Vec<Put>, CatalogError> {
        let sealed = puts.into_iter().map(|(key, record)| {
            let value = self.sealer.seal(&key, &record)?.into();
            Ok(Put { key, value })
        });
        sealed.collect()
    }

    fn unseal<R: Record>(&self, key: &[u8], value: &[u8]) -> Result<R, CatalogError> {
        debug_assert_eq!(key.first(), Some(&(R::FAMILY as u8)), "a range of one family was read as another");
        let mut opened = self.sealer.open(key, value)?;
        let record = record::decode(&opened);
        if !R::FAMILY.holds_secrets() {
            // Without wiping it, byte by byte: of a small object that would take longer than opening it.
            drop(std::mem::take(&mut *opened));
        }
        Ok(record?)
    }
}

#[cfg(test)]
impl Catalog {
    /// The catalog in `kv`, whose key no file keeps, and whose chance is not by chance.
    pub(crate) async fn over(kv: Arc<dyn Kv>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entropy = Entropy::new(|bytes| {
            bytes.fill(1);
            Ok(())
        });
        Self::open(kv, &folder.path().join("metadata.key"), entropy).await.unwrap()
    }
}

/// The least key after `key`: where a scan goes on that came as far as `key`.
fn after<R: Record>(key: &Key<R>) -> Bytes {
    [key.as_bytes(), &b"\0"[..]].concat().into()
}

impl Change {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a condition.
    #[must_use]
    pub(crate) fn check<R: Record>(mut self, key: &Key<R>, expected: Expected) -> Self {
        self.batch = self.batch.check(key.as_bytes().clone(), expected);
        self
    }

    /// Adds a record to write.
    #[must_use]
    pub(crate) fn put<R: Record>(mut self, key: &Key<R>, record: &R) -> Self {
        self.puts.push((key.as_bytes().clone(), record::encode(record)));
        self
    }

    /// Adds a row to remove.
    #[must_use]
    pub(crate) fn delete<R: Record>(mut self, key: &Key<R>) -> Self {
        self.batch = self.batch.delete(key.as_bytes().clone());
        self
    }

    /// Adds a record that must not have been there.
    #[must_use]
    pub(crate) fn insert<R: Record>(self, key: &Key<R>, record: &R) -> Self {
        self.check(key, Expected::Absent).put(key, record)
    }

    /// Adds the removal of a row that was found with `version`.
    #[must_use]
    pub(crate) fn remove<R: Record>(self, key: &Key<R>, version: u64) -> Self {
        self.check(key, Expected::Version(version)).delete(key)
    }

    /// Adds a record in place of the one that was found with `version`.
    #[must_use]
    pub(crate) fn replace<R: Record>(self, key: &Key<R>, version: u64, record: &R) -> Self {
        self.check(key, Expected::Version(version)).put(key, record)
    }
}
