//! A [`Kv`] that forgets everything with the process: for tests, and the model that other engines are compared with.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Batch, Commit, Entry, KeyRange, Kv, KvError, Put, Row, Snapshot, batch::validate_key};

/// The whole store, behind one lock.
#[derive(Default)]
pub struct MemoryKv {
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    rows: BTreeMap<Bytes, Entry>,
    /// The number of the last commit, which is the version of what it wrote.
    sequence: u64,
}

impl MemoryKv {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// No method leaves the state half changed, so a panic elsewhere while it was locked does no harm.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Kv for MemoryKv {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
        validate_key(key)?;
        Ok(self.state().rows.get(key).cloned())
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        Ok(self.state().scan(range, limit))
    }

    async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
        batch.validate()?;
        Ok(self.state().commit(batch))
    }

    async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
        self.commit(Batch { puts, ..Batch::new() }).await.map(|_unchecked| ())
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
        Ok(Arc::new(self.state().clone()))
    }
}

#[async_trait]
impl Snapshot for State {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        Ok(Self::scan(self, range, limit))
    }
}

impl State {
    fn scan(&self, range: KeyRange, limit: usize) -> Vec<Row> {
        if range.is_empty() {
            return Vec::new();
        }
        let end = range.end.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.rows.range((Bound::Included(range.start), end)).map(|(key, entry)| Row {
            key: key.clone(),
            value: entry.value.clone(),
            version: entry.version,
        });
        if range.reverse { rows.rev().take(limit).collect() } else { rows.take(limit).collect() }
    }

    fn commit(&mut self, batch: Batch) -> Commit {
        let version_of = |key: &Bytes| self.rows.get(key).map(|entry| entry.version);
        if !batch.checks.iter().all(|check| check.expected.holds(version_of(&check.key))) {
            return Commit::Conflict;
        }
        self.sequence += 1;
        for Put { key, value } in batch.puts {
            self.rows.insert(key, Entry { value, version: self.sequence });
        }
        for key in batch.deletes {
            self.rows.remove(&key);
        }
        Commit::Committed
    }
}
