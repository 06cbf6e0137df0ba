//! A copy of the few rows without which nothing else can be rebuilt, in a file of its own beside the catalog: master keys, identities
//! and buckets. A commit that touches one of them is acknowledged when the copy has it too, so the copy is never behind what
//! clients were told. `strongroom recover` reads it when the catalog is lost.
//!
//! The file begins with a line that says what it is, and goes on with entries: one byte (1 put, 2 delete), the lengths of key and value
//! (2 and 4 bytes), key, value as it is stored (sealed), and the CRC-64/NVME of all that. It is written anew at each start, when it has
//! grown to twice its length, and whenever it may have missed something. An end that was torn by a crash was never acknowledged.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use tokio::sync::Mutex;

use super::{Batch, Commit, Entry, KeyRange, Kv, KvError, Put, Row, Snapshot};
use crate::folder::write_whole;

/// The file's first line.
const FIRST_LINE: &[u8] = b"strongroom ledger, version 1\n";

/// Bytes of an entry before its key.
const ENTRY_HEAD: usize = 1 + 2 + 4;

/// Bytes of the checksum that ends an entry.
const CRC_BYTES: usize = 8;

/// Bytes of changes that the file takes at least before it is written anew: thousands of changes.
const ROOM_MIN: usize = 4 * 1024 * 1024;

const PUT: u8 = 1;
const DELETE: u8 = 2;

/// Rows that one look fetches while the file is written anew.
const PAGE: usize = 1000;

/// Why the ledger cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The catalog has no row, and the ledger tells that it had.
    #[error(
        "{} tells of a catalog, and there is none: run `strongroom restore` with a backup, or `strongroom recover`; to begin \
         anew and give up everything, delete that file",
        path.display()
    )]
    CatalogLost {
        /// The ledger.
        path: PathBuf,
    },
    /// The catalog does not answer.
    #[error(transparent)]
    Kv(#[from] KvError),
    /// The system refuses to read or write.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// Rows as a ledger tells them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// In the order of their keys.
    pub(crate) rows: BTreeMap<Bytes, Bytes>,
    /// Bytes at the end that tell nothing: an entry that was torn, or damage.
    pub(crate) lost_bytes: u64,
}

/// Any store, and the ledger of it.
pub(crate) struct LedgerKv {
    inner: Arc<dyn Kv>,
    families: std::ops::RangeInclusive<u8>,
    ledger: Mutex<Ledger>,
    /// See [`Kv::steady`]; odd while rows of the ledger's may be changing. Only the holder of the ledger changes it.
    changes: AtomicU64,
}

struct Ledger {
    path: PathBuf,
    /// None if the file may have missed something, or is full.
    file: Option<Arc<File>>,
    /// Bytes that it takes until it is.
    room: usize,
}

/// What the file at `path` tells; nothing if there is none.
///
/// # Errors
/// The system's; `InvalidData` if it is no ledger.
pub(crate) fn read(path: &Path) -> io::Result<Option<Told>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => Bytes::from(bytes?),
    };
    if !bytes.starts_with(FIRST_LINE) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no ledger"));
    }
    let mut told = Told::default();
    let mut rest = bytes.slice(FIRST_LINE.len()..);
    while let Some((entry, after)) = next_entry(&rest) {
        match entry.0 {
            PUT => told.rows.insert(entry.1, entry.2),
            _ => told.rows.remove(&entry.1),
        };
        rest = after;
    }
    told.lost_bytes = rest.len() as u64;
    Ok(Some(told))
}

fn next_entry(rest: &Bytes) -> Option<((u8, Bytes, Bytes), Bytes)> {
    let head = rest.get(..ENTRY_HEAD)?;
    let key_len = usize::from(u16::from_be_bytes([head[1], head[2]]));
    let value_len = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let end = ENTRY_HEAD + key_len + value_len;
    let crc = rest.get(end..end + CRC_BYTES)?;
    let is_whole = checksum(CrcAlgorithm::Crc64Nvme, &rest[..end]).to_be_bytes() == crc;
    let value = ENTRY_HEAD + key_len;
    (is_whole && matches!(head[0], PUT | DELETE))
        .then(|| ((head[0], rest.slice(ENTRY_HEAD..value), rest.slice(value..end)), rest.slice(end + CRC_BYTES..)))
}

fn write_entry(bytes: &mut Vec<u8>, kind: u8, key: &[u8], value: &[u8]) {
    let start = bytes.len();
    bytes.push(kind);
    bytes.extend_from_slice(&u16::try_from(key.len()).expect("keys have at most 4 KiB").to_be_bytes());
    bytes.extend_from_slice(&u32::try_from(value.len()).expect("values have at most 2 MiB").to_be_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(value);
    let crc = checksum(CrcAlgorithm::Crc64Nvme, &bytes[start..]);
    bytes.extend_from_slice(&crc.to_be_bytes());
}

impl LedgerKv {
    /// Keeps a ledger of the rows of `inner` whose keys begin with one of `families`, in the file at `path`.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub(crate) async fn open(
        inner: Arc<dyn Kv>,
        families: std::ops::RangeInclusive<u8>,
        path: PathBuf,
    ) -> Result<Self, LedgerError> {
        let io = |source| LedgerError::Io { path: path.clone(), source };
        let is_empty = inner.scan(KeyRange::from(""), 1).await?.is_empty();
        // A ledger that cannot be read is no reason to lose it.
        if is_empty && read(&path).map_err(io)?.is_some_and(|told| !told.rows.is_empty()) {
            return Err(LedgerError::CatalogLost { path });
        }
        let mut ledger = Ledger { path: path.clone(), file: None, room: 0 };
        ledger.rewrite(&*inner, &families).await?.map_err(io)?;
        Ok(Self { inner, families, ledger: Mutex::new(ledger), changes: AtomicU64::new(0) })
    }

    fn is_kept(&self, key: &[u8]) -> bool {
        key.first().is_some_and(|family| self.families.contains(family))
    }

    /// What the ledger is to say of a batch; nothing, if it touches no row of the ledger's.
    fn entries(&self, batch: &Batch) -> Vec<u8> {
        let mut entries = Vec::new();
        for put in batch.puts.iter().filter(|put| self.is_kept(&put.key)) {
            write_entry(&mut entries, PUT, &put.key, &put.value);
        }
        for key in batch.deletes.iter().filter(|key| self.is_kept(key)) {
            write_entry(&mut entries, DELETE, key, b"");
        }
        entries
    }
}

impl Ledger {
    /// Writes the file from the rows as they are, those included whose writer did not wait for a verdict.
    async fn rewrite(
        &mut self,
        inner: &dyn Kv,
        families: &std::ops::RangeInclusive<u8>,
    ) -> Result<io::Result<()>, KvError> {
        // Batches that were handed over before this one show from here on, or never will.
        let _no_question = inner.commit(Batch::new()).await?;
        let snapshot = inner.snapshot().await?;
        let mut bytes = FIRST_LINE.to_vec();
        let mut range = KeyRange::between(vec![*families.start()], vec![families.end() + 1]);
        loop {
            let page = snapshot.scan(range.clone(), PAGE).await?;
            let Some(last) = page.last() else { break };
            range.start = [last.key.as_ref(), b"\0"].concat().into();
            page.iter().for_each(|row| write_entry(&mut bytes, PUT, &row.key, &row.value));
        }
        let (path, room) = (self.path.clone(), bytes.len().max(ROOM_MIN));
        let written = tokio::task::spawn_blocking(move || {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
            write_whole(&path, &bytes)
        });
        Ok(match written.await.map_err(|panic| KvError::Unavailable(Arc::new(panic)))? {
            Ok(file) => {
                (self.file, self.room) = (Some(Arc::new(file)), room);
                Ok(())
            }
            Err(error) => Err(error),
        })
    }
}

#[async_trait]
impl Kv for LedgerKv {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
        self.inner.get(key).await
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        self.inner.scan(range, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
        let entries = self.entries(&batch);
        if entries.is_empty() {
            return self.inner.commit(batch).await;
        }
        // One after the other, so that the file has them in the order in which they took effect.
        let mut ledger = self.ledger.lock().await;
        if ledger.file.is_none() {
            ledger.rewrite(&*self.inner, &self.families).await?.map_err(missed)?;
        }
        // Until it has this commit, the file may have missed something: also if the caller goes away meanwhile.
        let file = ledger.file.take().ok_or_else(|| missed(io::ErrorKind::NotFound.into()))?;
        // It stays odd after an error, and if the caller goes away: then nobody knows what the rows are before the next commit
        // has its verdict, which comes after this one's.
        self.changes.fetch_or(1, Ordering::SeqCst);
        let verdict = self.inner.commit(batch).await?;
        self.changes.fetch_add(1, Ordering::SeqCst);
        if verdict == Commit::Committed {
            ledger.room = ledger.room.saturating_sub(entries.len());
            let file = Arc::clone(&file);
            let append = move || (&*file).write_all(&entries).and_then(|()| file.sync_data());
            let appended = tokio::task::spawn_blocking(append).await;
            appended.map_err(|panic| KvError::Unavailable(Arc::new(panic)))?.map_err(missed)?;
        }
        ledger.file = (ledger.room > 0).then_some(file);
        Ok(verdict)
    }

    async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
        debug_assert!(puts.iter().all(|put| !self.is_kept(&put.key)), "rows of the ledger need a verdict");
        self.inner.submit(puts).await
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
        self.inner.snapshot().await
    }

    fn steady(&self, family: u8) -> Option<u64> {
        let changes = self.changes.load(Ordering::SeqCst);
        (self.families.contains(&family) && changes.is_multiple_of(2)).then_some(changes)
    }
}

fn missed(error: io::Error) -> KvError {
    KvError::Unavailable(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::{Expected, MemoryKv};

    async fn open(kv: &Arc<MemoryKv>, path: &Path) -> Result<LedgerKv, LedgerError> {
        LedgerKv::open(Arc::clone(kv) as Arc<dyn Kv>, 0x10..=0x3f, path.to_owned()).await
    }

    fn told(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
        let told = read(path).unwrap().unwrap();
        assert_eq!(told.lost_bytes, 0);
        told.rows.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }

    #[tokio::test]
    async fn it_tells_what_was_acknowledged_of_its_families_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (kv, path) = (Arc::new(MemoryKv::new()), folder.path().join("ledger/rows"));
        let ledger = open(&kv, &path).await.unwrap();
        let row = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
        let batch =
            Batch::new().put(&b"\x11a"[..], &b"1"[..]).put(&b"\x40b"[..], &b"2"[..]).put(&b"\x31c"[..], &b"3"[..]);
        assert_eq!(ledger.commit(batch).await.unwrap(), Commit::Committed);
        assert_eq!(told(&path), [row(b"\x11a", b"1"), row(b"\x31c", b"3")]);
        let conflict = Batch::new().check(&b"\x11a"[..], Expected::Absent).put(&b"\x11a"[..], &b"9"[..]);
        assert_eq!(ledger.commit(conflict).await.unwrap(), Commit::Conflict);
        let change = Batch::new().delete(&b"\x31c"[..]).put(&b"\x11a"[..], &b"4"[..]);
        assert_eq!(ledger.commit(change).await.unwrap(), Commit::Committed);
        assert_eq!(told(&path), [row(b"\x11a", b"4")]);
        drop(ledger);
        open(&kv, &path).await.unwrap();
        assert_eq!(told(&path), [row(b"\x11a", b"4")], "written anew, it tells the same");
        let lost = open(&Arc::new(MemoryKv::new()), &path).await.err().unwrap();
        assert!(matches!(lost, LedgerError::CatalogLost { .. }), "{lost}");
        assert_eq!(told(&path), [row(b"\x11a", b"4")], "a lost catalog does not take the ledger with it");
    }

    #[tokio::test]
    async fn what_it_cannot_write_is_not_acknowledged_and_made_up_for() {
        let folder = tempfile::tempdir().unwrap();
        let (kv, path) = (Arc::new(MemoryKv::new()), folder.path().join("ledger/rows"));
        let ledger = open(&kv, &path).await.unwrap();
        // A file that is open for reading alone cannot be written.
        ledger.ledger.lock().await.file = Some(Arc::new(File::open(&path).unwrap()));
        assert!(ledger.commit(Batch::new().put(&b"\x11a"[..], &b"1"[..])).await.is_err());
        assert_eq!(told(&path), []);
        assert_eq!(ledger.commit(Batch::new().put(&b"\x12b"[..], &b"2"[..])).await.unwrap(), Commit::Committed);
        assert_eq!(told(&path).len(), 2, "both are there, as in the store");
    }

    #[tokio::test]
    async fn it_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let (kv, path) = (Arc::new(MemoryKv::new()), folder.path().join("ledger/rows"));
        let ledger = open(&kv, &path).await.unwrap();
        for n in 0..100_u8 {
            let batch = Batch::new().put(&b"\x11a"[..], vec![n; 100_000]).put(vec![0x12, n], vec![n]);
            assert_eq!(ledger.commit(batch).await.unwrap(), Commit::Committed);
            let len = fs::metadata(&path).unwrap().len();
            assert!(len < 2 * ROOM_MIN as u64, "{len} bytes after {n} changes of 100 kB");
        }
        let told = told(&path);
        assert_eq!((told.len(), &told[0].1[..]), (101, &[99; 100_000][..]));
    }

    /// Batches take effect when the next one comes, as if they had waited in a queue, or had been on the disk when it failed.
    #[derive(Default)]
    struct Queueing {
        inner: MemoryKv,
        queue: std::sync::Mutex<Vec<Batch>>,
    }

    #[async_trait]
    impl Kv for Queueing {
        async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
            self.inner.get(key).await
        }

        async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
            self.inner.scan(range, limit).await
        }

        async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
            if batch.puts.iter().any(|put| put.value == "late") {
                self.queue.lock().unwrap().push(batch);
                return std::future::pending().await;
            }
            let queued = std::mem::take(&mut *self.queue.lock().unwrap());
            for batch in queued {
                let _no_question = self.inner.commit(batch).await?;
            }
            self.inner.commit(batch).await
        }

        async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
            self.inner.submit(puts).await
        }

        async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
            self.inner.snapshot().await
        }
    }

    #[tokio::test]
    async fn it_has_what_took_effect_after_its_writer_had_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (kv, path) = (Arc::new(Queueing::default()), folder.path().join("ledger/rows"));
        let ledger = LedgerKv::open(kv, 0x10..=0x3f, path.clone()).await.unwrap();
        let late = ledger.commit(Batch::new().put(&b"\x11a"[..], &b"late"[..]));
        assert!(futures_util::FutureExt::now_or_never(late).is_none(), "its writer does not wait");
        assert_eq!(ledger.commit(Batch::new().put(&b"\x12b"[..], &b"2"[..])).await.unwrap(), Commit::Committed);
        assert_eq!(told(&path).len(), 2, "both are there, as in the store");
    }

    #[tokio::test]
    async fn it_tells_when_its_rows_may_have_changed_and_of_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger/rows");
        let ledger = LedgerKv::open(Arc::new(Queueing::default()), 0x10..=0x3f, path).await.unwrap();
        let commit = async |key: &'static [u8]| ledger.commit(Batch::new().put(key, &b"1"[..])).await.unwrap();
        let before = ledger.steady(0x30).expect("nothing is changing");
        assert_eq!(
            (ledger.steady(0x0f), ledger.steady(0x40)),
            (None, None),
            "rows that it does not see all changes of"
        );
        assert_eq!(commit(b"\x40object").await, Commit::Committed);
        assert_eq!(ledger.steady(0x30), Some(before));
        assert_eq!(commit(b"\x22key").await, Commit::Committed);
        let after = ledger.steady(0x30).expect("it has its verdict");
        assert!(after > before);
        // A writer who goes away leaves it open what the rows are: until another one has had its turn.
        let late = ledger.commit(Batch::new().put(&b"\x22key"[..], &b"late"[..]));
        assert!(futures_util::FutureExt::now_or_never(late).is_none(), "its writer does not wait");
        assert_eq!(ledger.steady(0x30), None);
        assert_eq!(commit(b"\x22other").await, Commit::Committed);
        assert!(ledger.steady(0x30).is_some_and(|now| now > after));
    }

    #[test]
    fn a_torn_end_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let mut bytes = FIRST_LINE.to_vec();
        write_entry(&mut bytes, PUT, b"\x11a", b"value");
        let whole = bytes.len();
        write_entry(&mut bytes, PUT, b"\x11b", b"value");
        for len in whole..bytes.len() {
            fs::write(&path, &bytes[..len]).unwrap();
            let told = read(&path).unwrap().unwrap();
            assert_eq!((told.rows.len(), told.lost_bytes), (1, (len - whole) as u64));
        }
        for at in whole..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert_eq!(read(&path).unwrap().unwrap().rows.len(), 1, "byte {at}");
        }
        fs::write(&path, &bytes[1..]).unwrap();
        assert!(read(&path).is_err());
        assert_eq!(read(&folder.path().join("none")).unwrap(), None);
    }
}
