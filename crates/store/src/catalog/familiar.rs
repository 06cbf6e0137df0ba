//! Records that nearly every request reads and few ever change: who holds an access key, what its principal may do, buckets. What was
//! made of such a record serves again as long as the store says that no row of its family can have changed ([`Kv::steady`]), so
//! that it is never older than the row itself.
//!
//! [`Kv::steady`]: crate::kv::Kv::steady

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::record::{Key, Record};
use super::{Catalog, CatalogError};

/// Records that are remembered. The longest are buckets, with some 85 KB of policy and CORS rules, so that all of them take some
/// twenty megabytes at worst; when there are more, all are forgotten.
const FAMILIAR_MAX: usize = 256;

/// What was made of records, by their places.
#[derive(Default)]
pub(super) struct Familiar(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// What the store told before they were read.
    steady: u64,
    made: HashMap<Bytes, Arc<dyn Any + Send + Sync>>,
}

impl Catalog {
    /// What `make` makes of the record at `key`, if there is one. Every caller for a family makes the same of its records.
    pub(super) async fn familiar<R: Record, T: Send + Sync + 'static>(
        &self,
        key: &Key<R>,
        make: impl FnOnce(R) -> Result<T, CatalogError>,
    ) -> Result<Option<Arc<T>>, CatalogError> {
        let steady = self.kv.steady(R::FAMILY as u8);
        if let Some(known) = steady.and_then(|steady| self.familiar.get(key.as_bytes(), steady)) {
            return Ok(Some(known));
        }
        let Some(found) = self.get(key).await? else { return Ok(None) };
        let made = Arc::new(make(found.record)?);
        if let Some(steady) = steady {
            self.familiar.insert(key.as_bytes().clone(), made.clone(), steady);
        }
        Ok(Some(made))
    }
}

impl Familiar {
    fn get<T: Send + Sync + 'static>(&self, place: &Bytes, steady: u64) -> Option<Arc<T>> {
        let known = self.known();
        let made = known.made.get(place).filter(|_| known.steady == steady)?;
        Arc::clone(made).downcast().ok()
    }

    /// Remembers what was read after the store told `steady`. If rows have changed since, that is never told again, and this is
    /// never answered.
    fn insert(&self, place: Bytes, made: Arc<dyn Any + Send + Sync>, steady: u64) {
        let mut known = self.known();
        if steady < known.steady {
            return;
        }
        if steady > known.steady || known.made.len() >= FAMILIAR_MAX {
            known.made.clear();
        }
        known.steady = steady;
        known.made.insert(place, made);
    }

    /// Every change leaves the map whole, so a panic elsewhere while it was locked does no harm.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use async_trait::async_trait;
    use strongroom_model::account::AccountId;
    use strongroom_model::policy::{LocalName, PolicyDocument, PolicyLanguage};
    use strongroom_model::time::Timestamp;

    use super::*;
    use crate::catalog::LEDGER_FAMILIES;
    use crate::catalog::rights::Changed;
    use crate::kv::ledger::LedgerKv;
    use crate::kv::{Batch, Commit, Entry, KeyRange, Kv, KvError, MemoryKv, Put, Row, Snapshot};

    /// Counts how often a row was read, and loses the answer to a commit if told so.
    #[derive(Default)]
    struct Watched {
        inner: MemoryKv,
        reads: AtomicUsize,
        loses_next: AtomicBool,
    }

    #[async_trait]
    impl Kv for Watched {
        async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            self.inner.get(key).await
        }

        async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
            self.inner.scan(range, limit).await
        }

        async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
            let verdict = self.inner.commit(batch).await?;
            match self.loses_next.swap(false, Ordering::SeqCst) {
                true => Err(KvError::Unavailable(Arc::new(io::Error::other("lost")))),
                false => Ok(verdict),
            }
        }

        async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
            self.inner.submit(puts).await
        }

        async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
            self.inner.snapshot().await
        }
    }

    struct Fixture {
        catalog: Catalog,
        store: Arc<Watched>,
        _folder: tempfile::TempDir,
    }

    /// A catalog; over a ledger, which tells when its rows may have changed, or not.
    async fn fixture(with_ledger: bool) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Watched::default());
        let mut kv = Arc::clone(&store) as Arc<dyn Kv>;
        if with_ledger {
            let path = folder.path().join("ledger/rows");
            kv = Arc::new(LedgerKv::open(kv, LEDGER_FAMILIES, path).await.unwrap());
        }
        Fixture { catalog: Catalog::over(kv).await, store, _folder: folder }
    }

    impl Fixture {
        async fn put(&self, text: &str) -> Result<Changed, CatalogError> {
            let document = PolicyDocument { language: PolicyLanguage::Amazon, text: text.to_owned() };
            self.catalog.put_policy(account(), &name(), &document, Timestamp::from_seconds(0)).await
        }

        /// The policy's text, and how often a row was read for it.
        async fn read(&self) -> (Option<String>, usize) {
            let before = self.store.reads.load(Ordering::SeqCst);
            let found = self.catalog.policy(account(), name().as_str()).await.unwrap();
            let reads = self.store.reads.load(Ordering::SeqCst) - before;
            (found.map(|found| found.document.text.clone()), reads)
        }
    }

    fn account() -> AccountId {
        AccountId::new(7).unwrap()
    }

    fn name() -> LocalName {
        LocalName::parse("p").unwrap()
    }

    fn text(text: &str, reads: usize) -> (Option<String>, usize) {
        (Some(text.to_owned()), reads)
    }

    #[tokio::test]
    async fn a_record_is_read_once_until_it_changes() {
        let fixture = fixture(true).await;
        assert_eq!(fixture.read().await, (None, 1));
        for policy in ["one", "two"] {
            assert_eq!(fixture.put(policy).await.unwrap(), Changed::Done);
            assert_eq!([fixture.read().await, fixture.read().await], [text(policy, 1), text(policy, 0)]);
        }
        assert_eq!(fixture.catalog.delete_policy(account(), &name()).await.unwrap(), Changed::Done);
        assert_eq!(fixture.read().await, (None, 1));
    }

    #[tokio::test]
    async fn a_store_that_cannot_tell_is_asked_every_time() {
        let fixture = fixture(false).await;
        assert_eq!(fixture.put("one").await.unwrap(), Changed::Done);
        assert_eq!([fixture.read().await, fixture.read().await], [text("one", 1), text("one", 1)]);
    }

    #[tokio::test]
    async fn a_change_whose_answer_was_lost_is_seen() {
        let fixture = fixture(true).await;
        assert_eq!(fixture.put("one").await.unwrap(), Changed::Done);
        assert_eq!([fixture.read().await, fixture.read().await], [text("one", 1), text("one", 0)]);
        fixture.store.loses_next.store(true, Ordering::SeqCst);
        assert!(fixture.put("two").await.is_err());
        assert_eq!([fixture.read().await, fixture.read().await], [text("two", 1), text("two", 1)]);
        assert_eq!(fixture.put("three").await.unwrap(), Changed::Done);
        assert_eq!([fixture.read().await, fixture.read().await], [text("three", 1), text("three", 0)]);
    }

    #[test]
    fn what_was_read_before_a_change_is_never_answered_after_it() {
        let (familiar, place) = (Familiar::default(), Bytes::from_static(b"place"));
        familiar.insert(place.clone(), Arc::new(1_u8), 2);
        assert_eq!(familiar.get::<u8>(&place, 2).as_deref(), Some(&1));
        assert_eq!(familiar.get::<u8>(&place, 4), None);
        familiar.insert(place.clone(), Arc::new(2_u8), 4);
        // A slow reader from before the change.
        familiar.insert(place.clone(), Arc::new(1_u8), 2);
        assert_eq!(familiar.get::<u8>(&place, 4).as_deref(), Some(&2));
        assert_eq!(familiar.get::<u16>(&place, 4), None, "as something else");
    }

    #[test]
    fn no_more_than_the_limit_is_remembered() {
        let familiar = Familiar::default();
        for n in 0..2 * FAMILIAR_MAX {
            familiar.insert(Bytes::from(n.to_string()), Arc::new(n), 0);
            assert!(familiar.known().made.len() <= FAMILIAR_MAX);
        }
    }
}
