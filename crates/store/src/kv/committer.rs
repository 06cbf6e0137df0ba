//! The thread that owns all writes: it takes what is queued, decides each batch in order, writes all that passed as one
//! group with one sync, and answers all. No timer: while a group is synced, the next one gathers by itself.

use std::{
    collections::HashMap,
    error::Error,
    fs,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use fjall::PersistMode;
use tokio::sync::{mpsc, oneshot};

use super::{
    Batch, Commit, KvError, Put,
    fjall::{Engine, reopen, unavailable},
    high_water::HighWater,
    layout,
    ring::Position,
    slot::{Slot, is_writable},
};

/// Most batches in a group: enough that the sync is a small part of each one's cost, few enough that the first of them
/// does not wait long for the last.
const GROUP_BATCHES: usize = 512;

/// Most bytes in a group, its last batch excepted: a few milliseconds of writing.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// Time between two attempts to go on after a failure.
const REVIVAL: Duration = Duration::from_secs(1);

/// What it takes to open the engine anew.
pub(super) struct Home {
    /// The store's folder.
    pub(super) path: PathBuf,
    /// Held on the folder, whichever engine is in use.
    pub(super) lock: Arc<fs::File>,
    /// Where readers find the engine.
    pub(super) slot: Arc<Slot>,
}

/// A batch on its way to the committer.
pub(super) struct Request {
    pub(super) batch: Batch,
    /// Who waits for the verdict, and so for the sync; nobody, if the batch was only submitted.
    pub(super) reply: Option<oneshot::Sender<Result<Commit, KvError>>>,
}

/// The state of the thread.
pub(super) struct Committer {
    home: Home,
    engine: Arc<Engine>,
    position: Position,
    mark: HighWater,
    /// Submitted batches were written that no sync has covered yet.
    unsynced: bool,
    /// Why nothing is written any more, and when going on was last tried.
    stopped: Option<(KvError, Instant)>,
}

/// What a group has changed so far: the engine's values and their versions, or none where a key was deleted. The engine
/// gets each key once, since it could not tell two writes of one group apart.
type Changes = HashMap<Bytes, Option<(u64, Bytes)>>;

impl Committer {
    pub(super) fn new(home: Home, engine: Arc<Engine>, position: Position, mark: HighWater) -> Self {
        Self { home, engine, position, mark, unsynced: false, stopped: None }
    }

    /// Works until all senders are gone and the queue is empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        while let Some(first) = queue.blocking_recv() {
            let Some(revived) = self.revived(&mut queue) else { return };
            self = revived;
            self.commit_group(gather(first, &mut queue));
        }
        if let Err(error) = self.sync_submitted().and_then(|()| self.mark.sync().map_err(stopped)) {
            tracing::error!(%error, "the key-value store could not be synced while it closed");
        }
    }

    fn commit_group(&mut self, group: Vec<Request>) {
        let mut changes = Changes::new();
        let mut sequence = self.position.sequence;
        let mut verdicts = Vec::with_capacity(group.len());
        for Request { batch, reply } in group {
            let verdict = self.decide(batch, &mut sequence, &mut changes);
            // A submitted batch has no checks, so its verdict says nothing.
            verdicts.extend(reply.map(|reply| (reply, verdict)));
        }
        let written = self.write_unless_stopped(changes, sequence, !verdicts.is_empty());
        for (reply, verdict) in verdicts {
            // A caller who no longer waits has no use for the verdict.
            let _gone = reply.send(written.clone().and(verdict));
        }
    }

    /// After one failure nothing more is written: what the engine holds in memory may not be what is on disk.
    fn write_unless_stopped(&mut self, changes: Changes, sequence: u64, awaited: bool) -> Result<(), KvError> {
        if let Some((error, _)) = &self.stopped {
            return Err(error.clone());
        }
        self.write(changes, sequence, awaited).inspect_err(|error| {
            tracing::error!(%error, cause = error.source(), "a group of commits could not be written");
            self.stopped = Some((error.clone(), Instant::now()));
        })
    }

    /// Opens the engine anew, if it has stopped and the disk takes writes again. While that fails, there is no engine, so it is
    /// tried until it succeeds; who comes meanwhile is told so. None if by then nobody can come any more.
    fn revived(mut self, queue: &mut mpsc::Receiver<Request>) -> Option<Self> {
        let Some((error, tried)) = &mut self.stopped else { return Some(self) };
        if tried.elapsed() < REVIVAL {
            return Some(self);
        }
        *tried = Instant::now();
        let error = error.clone();
        if !is_writable(&self.home.path) {
            return Some(self);
        }
        let Self { home, engine, position, mark, .. } = self;
        if !home.slot.close(engine) {
            let engine = home.slot.engine().expect("an engine that was not closed is in use");
            let stopped = Some((error, Instant::now()));
            return Some(Self { home, engine, position, mark, unsynced: false, stopped });
        }
        loop {
            match reopen(&home.path, &home.lock) {
                Ok((engine, position)) => {
                    tracing::warn!(commits = position.sequence, "the key-value store was opened anew, and goes on");
                    let engine = Arc::new(engine);
                    home.slot.put(Arc::clone(&engine));
                    return Some(Self { home, engine, position, mark, unsynced: false, stopped: None });
                }
                Err(trouble) => tracing::error!(%trouble, cause = trouble.source(), "it could not be opened anew"),
            }
            let pause = Instant::now() + REVIVAL;
            while Instant::now() < pause {
                if queue.is_closed() && queue.is_empty() {
                    return None;
                }
                while let Ok(Request { reply, .. }) = queue.try_recv() {
                    // A caller who no longer waits has no use for the answer.
                    let _gone = reply.map(|reply| reply.send(Err(error.clone())));
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// Checks a batch against the engine and the batches before it in the group, and adds its changes if it passes.
    fn decide(&self, batch: Batch, sequence: &mut u64, changes: &mut Changes) -> Result<Commit, KvError> {
        for check in &batch.checks {
            if !check.expected.holds(self.version(&check.key, changes)?) {
                return Ok(Commit::Conflict);
            }
        }
        if batch.puts.is_empty() && batch.deletes.is_empty() {
            return Ok(Commit::Committed);
        }
        *sequence += 1;
        for Put { key, value } in batch.puts {
            changes.insert(key, Some((*sequence, layout::encode_value(*sequence, &value))));
        }
        changes.extend(batch.deletes.into_iter().map(|key| (key, None)));
        Ok(Commit::Committed)
    }

    fn version(&self, key: &Bytes, changes: &Changes) -> Result<Option<u64>, KvError> {
        if let Some(changed) = changes.get(key) {
            return Ok(changed.as_ref().map(|(version, _)| *version));
        }
        let stored = self.engine.rows.get(layout::row_key(key)).map_err(unavailable)?;
        stored.map(|stored| layout::decode_version(&stored)).transpose()
    }

    /// Writes a group; with `awaited`, it and all before it are durable afterwards.
    fn write(&mut self, changes: Changes, sequence: u64, awaited: bool) -> Result<(), KvError> {
        if changes.is_empty() {
            return if awaited { self.sync_submitted() } else { Ok(()) };
        }
        let position = Position { group: self.position.group + 1, sequence };
        let durability = if awaited { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch = self.engine.database.batch().durability(Some(durability));
        batch.insert(&self.engine.rows, layout::ring_key(position), position.encode());
        for (key, change) in changes {
            match change {
                Some((_, stored)) => batch.insert(&self.engine.rows, layout::row_key(&key), stored),
                None => batch.remove(&self.engine.rows, layout::row_key(&key)),
            }
        }
        batch.commit().map_err(stopped)?;
        self.position = position;
        self.unsynced = !awaited;
        if awaited { self.mark.record(sequence).map_err(stopped) } else { Ok(()) }
    }

    fn sync_submitted(&mut self) -> Result<(), KvError> {
        if self.unsynced {
            self.engine.database.persist(PersistMode::SyncData).map_err(stopped)?;
            self.mark.record(self.position.sequence).map_err(stopped)?;
            self.unsynced = false;
        }
        Ok(())
    }
}

/// What is queued now, within the limits of a group.
fn gather(first: Request, queue: &mut mpsc::Receiver<Request>) -> Vec<Request> {
    let mut bytes = first.batch.bytes();
    let mut group = vec![first];
    while group.len() < GROUP_BATCHES && bytes < GROUP_BYTES {
        let Ok(request) = queue.try_recv() else { break };
        bytes += request.batch.bytes();
        group.push(request);
    }
    group
}

/// The engine failed to write or sync: from now on it refuses writes, and so do we.
fn stopped(error: impl Error + Send + Sync + 'static) -> KvError {
    KvError::Stopped(Arc::new(error))
}
