//! An ordered key-value store with three verbs: `get`, `scan`, `commit`; and `snapshot`, for reading all of it as it was at one
//! moment. The catalog is written once over this trait.
//!
//! Every engine is one file here, and passes [`suite`]. Keys order as bytes do. Each key carries a *version*, a number
//! that every write raises and that is never used again, not even for a key that was deleted and made anew: a check of a
//! version that succeeds proves that nothing happened to the key in between.

mod batch;
pub(crate) mod bulk;
mod committer;
mod error;
pub mod faults;
mod fjall;
mod high_water;
mod journal;
mod layout;
pub(crate) mod ledger;
mod memory;
mod ring;
mod slot;
pub mod suite;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::fjall::FjallKv;
pub use batch::{Batch, Check, Expected, KeyRange, Put, after_prefix};
pub use error::{KvError, OpenError};
pub use ledger::LedgerError;
pub use memory::MemoryKv;

/// Longest key, in bytes. An object row's key is a bucket id, a name of up to 1,024 bytes and a version; the rest is room.
pub const KEY_BYTES: usize = 4 * 1024;

/// Longest value, in bytes. An inline object is 64 KiB sealed; bucket documents and part lists may need ten times that.
pub const VALUE_BYTES: usize = 2 * 1024 * 1024;

/// Most checks, puts and deletes together in one batch. The largest completes an upload of 10,000 parts: each part's row is checked
/// and deleted.
pub const BATCH_OPERATIONS: usize = 24 * 1024;

/// Most bytes of keys and values in one batch: what one commit may hold in memory and write at once.
pub const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Which engine holds the catalog, as an operator configures it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Config {
    /// The embedded engine.
    Fjall {
        /// The folder that holds the store, and nothing else; made if it does not exist.
        path: PathBuf,
    },
}

/// Opens, or makes, the configured engine.
///
/// # Errors
/// See [`OpenError`]: each says what the operator should do.
pub async fn open(config: &Config) -> Result<Arc<dyn Kv>, OpenError> {
    match config {
        Config::Fjall { path } => Ok(Arc::new(FjallKv::open(path).await?)),
    }
}

/// A value as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// The version to check for when committing a change that relies on this value.
    pub version: u64,
}

/// A key and its value, as a scan found them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// The version, as in [`Entry`].
    pub version: u64,
}

/// The verdict on a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a batch in conflict has changed nothing"]
pub enum Commit {
    /// Every check held; the whole batch is applied, visible to every later read, and durable.
    Committed,
    /// A check did not hold; nothing was changed. Read again, and decide again.
    Conflict,
}

/// The store. Safe to share; every method may be called from many tasks at once.
#[async_trait]
pub trait Kv: Send + Sync {
    /// The value of `key`, if it has one. Sees every batch that was committed before the call.
    ///
    /// # Errors
    /// [`KvError::TooLarge`] for a key that no store accepts, else the engine's trouble.
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError>;

    /// The first `limit` rows of `range`, in its direction, as they were at one moment: no batch is seen in part. Rows
    /// come with their values, so a caller keeps large values out of the ranges that it scans.
    ///
    /// # Errors
    /// The engine's trouble.
    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError>;

    /// Applies the whole batch if all its checks hold, else nothing. Serializable: batches take effect in one order,
    /// and the checks of each see exactly the batches before it. A batch of checks alone is a question about the present.
    ///
    /// The outcome does not depend on the caller: dropping the returned future does not take the batch back.
    ///
    /// # Errors
    /// [`KvError::TooLarge`] and [`KvError::DuplicateKey`] changed nothing. After any other error the outcome is unknown
    /// until the key is read again.
    async fn commit(&self, batch: Batch) -> Result<Commit, KvError>;

    /// Hands over writes that need no verdict, and returns before they are durable: an intent row costs nobody a wait.
    /// They take effect in order: before every batch that is committed after this returned, whose durability includes
    /// theirs. Until then neither a read nor a restart need show them.
    ///
    /// # Errors
    /// As `commit`; trouble after the hand-over shows in the next `commit`.
    async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError>;

    /// All rows as they are now, however long reading them takes. What is deleted meanwhile stays on the disk for as long, so it
    /// is for backups.
    ///
    /// # Errors
    /// The engine's trouble.
    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError>;

    /// A number that is told only while no row is changing whose key begins with the byte `family`, and that is another one,
    /// never told before, once any of them has changed: what was read after it was told is what is there for as long as it is
    /// told. None if the store cannot tell, since others may write to it too.
    fn steady(&self, _family: u8) -> Option<u64> {
        None
    }
}

/// A store as it was at one moment. Batches that are committed later do not show.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// The number of the last batch that shows: the version of what that batch wrote.
    fn sequence(&self) -> u64;

    /// As [`Kv::scan`], at the snapshot's moment.
    ///
    /// # Errors
    /// The engine's trouble; it may also have given up the snapshot, to open its files anew.
    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_names_the_engine_and_refuses_what_it_does_not_know() {
        let config: Config = serde_json::from_str(r#"{"type":"fjall","path":"/srv/catalog"}"#).unwrap();
        assert_eq!(config, Config::Fjall { path: "/srv/catalog".into() });
        for bad in [
            r#"{"path":"/srv/catalog"}"#,
            r#"{"type":"fjall"}"#,
            r#"{"type":"memory"}"#,
            r#"{"type":"fjall","path":"/srv/catalog","sync":false}"#,
        ] {
            assert!(serde_json::from_str::<Config>(bad).is_err(), "{bad}");
        }
    }
}
