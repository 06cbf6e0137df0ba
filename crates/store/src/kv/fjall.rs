//! A [`Kv`] on fjall, a log-structured merge tree in this process.
//!
//! One thread owns all writes (see `committer`); reads go to the engine directly, each on a snapshot of its own, which
//! never shows a group of commits in part. The folder holds:
//!
//! ```text
//! lock           held while the store is open
//! engine/        fjall's own files; while a start decides about a torn one of them, that too (see `journal`)
//! acknowledged   the number of the last acknowledged commit (see `high_water`)
//! making         only while the engine is made, at the first start
//! ```

use std::{
    fs, io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    thread,
};

use async_trait::async_trait;
use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, Readable as _};
use tokio::sync::{mpsc, oneshot};

use super::{
    Batch, Commit, Entry, KeyRange, Kv, KvError, OpenError, Put, Row, Snapshot,
    batch::validate_key,
    committer::{Committer, Home, Request},
    high_water::{self, HighWater, Mark},
    journal, layout,
    ring::{self, Position},
    slot::Slot,
};
use crate::folder::sync_names;

/// Batches that may wait for the committer; a caller beyond that waits to hand over. Two groups: one waits while one is
/// written.
const QUEUED_BATCHES: usize = 1024;

/// Scans of at most so many rows run on the caller's thread; a hand-over to another costs about as much as they take.
const INLINE_SCAN_ROWS: usize = 64;

/// Says that the engine beside it was not wholly made.
const MAKING: &str = "making";

/// Memory for blocks read from tables.
const CACHE_BYTES: u64 = 48 * 1024 * 1024;

/// Memory for rows not yet in tables, one such buffer being filled while others are written out. Larger ones commit no
/// faster (measured with 16, 32 and 64 MiB), take longer to recover at start, and twice their size in memory.
const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;

/// Values from this size on are kept out of the tree, in files of values, and not rewritten each time the tree merges.
/// Measured with 64 writers: inline objects of 64 KiB commit 1.5 times as often so, with two thirds of the bytes written,
/// and are read faster; objects of 4 KiB gain nothing and are read at a third of the speed.
const SEPARATED_VALUE_BYTES: u32 = 16 * 1024;

/// An open store. Dropping it finishes what was handed over and closes the files.
pub struct FjallKv {
    slot: Arc<Slot>,
    /// Taken only by drop, to tell the committer that no more will come.
    requests: Option<mpsc::Sender<Request>>,
    committer: Option<thread::JoinHandle<()>>,
}

/// The engine's handles; the lock is let go after them.
pub(super) struct Engine {
    pub(super) rows: Keyspace,
    pub(super) database: Database,
    _lock: Arc<fs::File>,
}

impl FjallKv {
    /// Opens, or makes, the store in this folder.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking({
            let path = path.clone();
            move || open(&path)
        });
        opened.await.map_err(|panic| OpenError::Engine { path, source: panic.into() })?
    }

    async fn send(&self, request: Request) -> Result<(), KvError> {
        let requests = self.requests.as_ref().expect("only drop takes the sender");
        requests.send(request).await.map_err(|_| stopped())
    }
}

impl Drop for FjallKv {
    fn drop(&mut self) {
        self.requests = None;
        if self.committer.take().is_some_and(|committer| committer.join().is_err()) {
            tracing::error!("the committer of the key-value store had panicked");
        }
    }
}

#[async_trait]
impl Kv for FjallKv {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
        validate_key(key)?;
        let engine = self.slot.engine()?;
        let found = engine.database.snapshot().get(&engine.rows, layout::row_key(key));
        found.map_err(unavailable)?.map(|stored| layout::decode_value(stored.into())).transpose()
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        let engine = self.slot.engine()?;
        if limit <= INLINE_SCAN_ROWS {
            return engine.scan(range, limit);
        }
        let scan = tokio::task::spawn_blocking(move || engine.scan(range, limit));
        scan.await.map_err(|panic| KvError::Unavailable(Arc::new(panic)))?
    }

    async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
        batch.validate()?;
        let (reply, verdict) = oneshot::channel();
        self.send(Request { batch, reply: Some(reply) }).await?;
        verdict.await.map_err(|_| stopped())?
    }

    async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
        let batch = Batch { puts, ..Batch::new() };
        batch.validate()?;
        self.send(Request { batch, reply: None }).await
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
        let engine = self.slot.engine()?;
        let taken = tokio::task::spawn_blocking(move || {
            let snapshot = engine.database.snapshot();
            let survey = engine.survey(&snapshot).map_err(|problem| KvError::Unavailable(Arc::new(problem)))?;
            let engine = Arc::downgrade(&engine);
            Ok(Arc::new(Still { snapshot, engine, sequence: survey.last.sequence }) as Arc<dyn Snapshot>)
        });
        taken.await.map_err(|panic| KvError::Unavailable(Arc::new(panic)))?
    }
}

/// The store at one moment. It does not keep the engine from being closed and opened anew.
struct Still {
    snapshot: fjall::Snapshot,
    engine: Weak<Engine>,
    sequence: u64,
}

#[async_trait]
impl Snapshot for Still {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        let gone = || KvError::Unavailable(Arc::new(io::Error::other("the engine was opened anew since the snapshot")));
        let engine = self.engine.upgrade().ok_or_else(gone)?;
        let snapshot = self.snapshot.clone();
        let scan = tokio::task::spawn_blocking(move || engine.scan_in(&snapshot, range, limit));
        scan.await.map_err(|panic| KvError::Unavailable(Arc::new(panic)))?
    }
}

impl Engine {
    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        self.scan_in(&self.database.snapshot(), range, limit)
    }

    fn scan_in(&self, snapshot: &fjall::Snapshot, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let end = range.end.map_or_else(layout::after_rows, |end| layout::row_key(&end));
        let bounds = (Bound::Included(layout::row_key(&range.start)), Bound::Excluded(end));
        let found = snapshot.range(&self.rows, bounds);
        if range.reverse { found.rev().take(limit).map(row).collect() } else { found.take(limit).map(row).collect() }
    }

    /// Where the store ends, and whether it is whole.
    fn survey(&self, snapshot: &fjall::Snapshot) -> Result<ring::Survey, OpenProblem> {
        let slots = snapshot.prefix(&self.rows, layout::ring_prefix()).map(|guard| {
            let slot = guard.value()?;
            Position::decode(&slot).ok_or(OpenProblem::Engine("a slot of the ring is damaged".into()))
        });
        Ok(ring::survey(slots.collect::<Result<_, OpenProblem>>()?))
    }

    /// Forgets all groups but the last, so that an accepted hole is not found again.
    fn restart_ring(&self, last: Position) -> Result<(), OpenProblem> {
        let mut batch = self.database.batch().durability(Some(fjall::PersistMode::SyncData));
        for guard in self.rows.prefix(layout::ring_prefix()) {
            let key = guard.key()?;
            if *key != *layout::ring_key(last) {
                batch.remove(&self.rows, key);
            }
        }
        Ok(batch.commit()?)
    }
}

fn row(guard: fjall::Guard) -> Result<Row, KvError> {
    let (key, stored) = guard.into_inner().map_err(unavailable)?;
    let Entry { value, version } = layout::decode_value(stored.into())?;
    Ok(Row { key: Bytes::from(key).slice(1..), value, version })
}

/// Reading failed; writing goes on.
pub(super) fn unavailable(error: fjall::Error) -> KvError {
    KvError::Unavailable(Arc::new(error))
}

fn stopped() -> KvError {
    KvError::Stopped(Arc::new(io::Error::other("the committer has ended")))
}

/// Why opening failed, before the folder's name is added.
#[derive(Debug, thiserror::Error)]
enum OpenProblem {
    #[error(transparent)]
    Fjall(#[from] fjall::Error),
    #[error("{0}")]
    Engine(Box<dyn std::error::Error + Send + Sync>),
}

fn open(path: &Path) -> Result<FjallKv, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(io)?;
    let lock = Arc::new(lock(path)?);
    let mark = high_water::read(path).map_err(io)?;
    let is_new = begin_making(path, mark == Mark::Missing).map_err(io)?;
    let (engine, position) = open_whole(path, &lock, &mark)?;
    let mark = HighWater::open(path).and_then(|mark| mark.record(position.sequence).map(|()| mark)).map_err(io)?;
    if is_new {
        end_making(path).map_err(io)?;
    }
    start(path.to_owned(), lock, engine, position, mark).map_err(io)
}

/// Opens an engine anew, of which this process has closed its handles.
pub(super) fn reopen(path: &Path, lock: &Arc<fs::File>) -> Result<(Engine, Position), OpenError> {
    let mark = high_water::read(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    open_whole(path, lock, &mark)
}

/// Opens the engine, and sees that it has all that was acknowledged. What the last group has left that was under way when the power
/// went is cut off.
fn open_whole(path: &Path, lock: &Arc<fs::File>, mark: &Mark) -> Result<(Engine, Position), OpenError> {
    let (io, engine) = (|source| OpenError::Io { path: path.to_owned(), source }, engine_path(path));
    let open = || {
        let engine = open_engine(path, Arc::clone(lock))?;
        let position = verify(path, &engine, mark)?;
        Ok((engine, position))
    };
    journal::undo_unfinished(&engine).map_err(io)?;
    let refused = match open() {
        Err(error) if is_about_a_journal(&error) => error,
        opened => return opened,
    };
    let Some(cut) = journal::cut(&engine).map_err(io)? else { return Err(refused) };
    match open() {
        Ok(opened) => cut.accept().map(|()| opened).map_err(io),
        Err(refused) => {
            if let Err(error) = cut.undo() {
                tracing::error!(%error, "the engine's journal could not be put back as it was: the next start does so");
            }
            Err(refused)
        }
    }
}

fn is_about_a_journal(error: &OpenError) -> bool {
    let OpenError::Engine { source, .. } = error else { return false };
    matches!(source.downcast_ref(), Some(fjall::Error::JournalRecovery(_)))
}

fn start(
    path: PathBuf,
    lock: Arc<fs::File>,
    engine: Engine,
    position: Position,
    mark: HighWater,
) -> io::Result<FjallKv> {
    let (requests, queue) = mpsc::channel(QUEUED_BATCHES);
    let engine = Arc::new(engine);
    let slot = Arc::new(Slot::new(Arc::clone(&engine)));
    let home = Home { path, lock, slot: Arc::clone(&slot) };
    let committer = Committer::new(home, engine, position, mark);
    let committer = thread::Builder::new().name("kv-committer".into()).spawn(move || committer.run(queue))?;
    Ok(FjallKv { slot, requests: Some(requests), committer: Some(committer) })
}

fn engine_path(path: &Path) -> PathBuf {
    path.join("engine")
}

/// The lock dies with the process, however it dies.
fn lock(path: &Path) -> Result<fs::File, OpenError> {
    let file = path.join("lock");
    let io = |source| OpenError::Io { path: file.clone(), source };
    let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&file).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(io(error)),
    }
}

/// Before an engine is made, says so in a file that stays until it is made, whole, and on the disk: what a first start left that
/// died in between, or lost its power, has never held a row, and is begun anew. Answers whether one is to be made.
fn begin_making(path: &Path, no_mark: bool) -> io::Result<bool> {
    let (making, engine) = (path.join(MAKING), engine_path(path));
    let is_half_made = making.try_exists()?;
    if is_half_made {
        absent_as_none(fs::remove_dir_all(&engine))?;
    }
    if !is_half_made && (!no_mark || engine.try_exists()?) {
        return Ok(false);
    }
    fs::File::create(&making)?.sync_all()?;
    sync_names(path)?;
    Ok(true)
}

/// The engine is made: its folders, which it does not sync all by itself, are on the disk from here on.
fn end_making(path: &Path) -> io::Result<()> {
    sync_folders(&engine_path(path))?;
    sync_names(path)?;
    fs::remove_file(path.join(MAKING))?;
    sync_names(path)
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_names(folder)
}

fn absent_as_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

fn open_engine(path: &Path, lock: Arc<fs::File>) -> Result<Engine, OpenError> {
    let opened = Database::builder(engine_path(path)).cache_size(CACHE_BYTES).open().and_then(|database| {
        let rows = database.keyspace("rows", || {
            let separation = KvSeparationOptions::default().separation_threshold(SEPARATED_VALUE_BYTES);
            KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES).with_kv_separation(Some(separation))
        })?;
        Ok((database, rows))
    });
    let (database, rows) = opened.map_err(|error| match error {
        fjall::Error::Locked => OpenError::InUse { path: path.to_owned() },
        error => OpenError::Engine { path: path.to_owned(), source: error.into() },
    })?;
    Ok(Engine { rows, database, _lock: lock })
}

/// Where the store ends, if that is where it was acknowledged to end, or if the operator removed the mark and so accepts
/// what there is.
fn verify(path: &Path, engine: &Engine, mark: &Mark) -> Result<Position, OpenError> {
    let failed = |problem: OpenProblem| OpenError::Engine { path: path.to_owned(), source: problem.into() };
    let ring::Survey { last, before_hole } = engine.survey(&engine.database.snapshot()).map_err(failed)?;
    let whole_up_to = before_hole.unwrap_or(last);
    let lost = |acknowledged| OpenError::LostCommits {
        path: path.to_owned(),
        mark: high_water::path(path),
        found: whole_up_to.sequence,
        acknowledged,
    };
    match mark {
        Mark::Damaged => Err(OpenError::DamagedMark { mark: high_water::path(path) }),
        Mark::At(acknowledged) if last.sequence < *acknowledged => Err(lost(*acknowledged)),
        Mark::At(_) if before_hole.is_some() => Err(lost(last.sequence)),
        Mark::At(_) => Ok(last),
        Mark::Missing => {
            if last.group > 0 {
                tracing::warn!(commits = last.sequence, "no record of acknowledged commits: taking the store as it is");
                engine.restart_ring(last).map_err(failed)?;
            }
            Ok(last)
        }
    }
}
