//! Durable group commits to fjall: one thread takes what has queued, writes it with one sync, and answers all, as the store's
//! committer does; with nothing around it.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fjall::{Database, DatabaseBuilder, Keyspace, KeyspaceCreateOptions, PersistMode};

/// Changes that one sync may carry, as in the store.
const GROUP_MAX: usize = 512;

/// Bytes of values that one sync may carry, the last one excepted, as in the store.
const GROUP_BYTES: usize = 4 << 20;

/// How long the engine must have had nothing to do to have settled, and how often that is looked at.
const QUIET: Duration = Duration::from_millis(100);
const GLANCE: Duration = Duration::from_millis(10);

/// How long it may take to settle: a hundred times what some gigabytes need.
const SETTLE_MAX: Duration = Duration::from_secs(300);

/// A row's name: what kind of row it is, and its number, stirred.
pub type Key = [u8; 17];

/// An engine, and the thread that commits.
pub struct Tree {
    queue: SyncSender<Request>,
    committer: JoinHandle<Result<(), fjall::Error>>,
    rows: Keyspace,
    database: Database,
}

/// What is committed together.
pub struct Change {
    /// A row to write.
    pub put: (Key, Bytes),
    /// A row to remove.
    pub remove: Option<Key>,
}

/// Why nothing was committed or found.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The engine says so.
    #[error(transparent)]
    Engine(#[from] fjall::Error),
    /// The thread that commits has ended; closing the tree says why.
    #[error("the committer has ended")]
    Ended,
    /// The engine goes on and on.
    #[error("the engine has not settled in {} s", SETTLE_MAX.as_secs())]
    Restless,
}

/// A change on its way, and where to say that it is durable, if anybody waits for that.
struct Request {
    change: Change,
    done: Option<SyncSender<()>>,
}

/// The name of the row of that kind and number. Neighbours by number are far from each other by name.
pub fn key(kind: u8, number: u64) -> Key {
    let stirred = (u128::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let mut key = [kind; 17];
    key[1..].copy_from_slice(&stirred.to_be_bytes());
    key
}

impl Tree {
    /// Opens, or makes, a database with one keyspace of these options.
    ///
    /// # Errors
    /// If fjall fails.
    pub fn open(database: DatabaseBuilder<Database>, options: &KeyspaceCreateOptions) -> Result<Self, CommitError> {
        let database = database.open()?;
        let rows = database.keyspace("rows", || options.clone())?;
        let (queue, requests) = mpsc::sync_channel(GROUP_MAX);
        let committer = thread::spawn({
            let (database, rows) = (database.clone(), rows.clone());
            move || commit_all(&database, &rows, &requests)
        });
        Ok(Self { queue, committer, rows, database })
    }

    /// Commits a change; it is durable when this returns.
    ///
    /// # Errors
    /// [`CommitError::Ended`].
    pub fn commit(&self, change: Change) -> Result<(), CommitError> {
        let (done, answered) = mpsc::sync_channel(1);
        self.queue.send(Request { change, done: Some(done) }).map_err(|_| CommitError::Ended)?;
        answered.recv().map_err(|_| CommitError::Ended)
    }

    /// Hands over a change, which is durable with the next one that is committed.
    ///
    /// # Errors
    /// [`CommitError::Ended`].
    pub fn submit(&self, change: Change) -> Result<(), CommitError> {
        self.queue.send(Request { change, done: None }).map_err(|_| CommitError::Ended)
    }

    /// The value of a row, read on a snapshot as the store reads.
    ///
    /// # Errors
    /// If fjall fails.
    pub fn get(&self, key: &Key) -> Result<Option<Bytes>, CommitError> {
        use fjall::Readable as _;
        Ok(self.database.snapshot().get(&self.rows, key)?.map(Bytes::from))
    }

    /// Has what is in memory written into tables, and waits until the engine has merged what it wants to merge.
    ///
    /// # Errors
    /// If fjall fails, or [`CommitError::Restless`].
    pub fn settle(&self) -> Result<(), CommitError> {
        self.rows.rotate_memtable()?;
        let (begin, mut busy) = (Instant::now(), Instant::now());
        while busy.elapsed() < QUIET {
            if self.rows.sealed_memtable_count() > 0 || self.database.active_compactions() > 0 {
                busy = Instant::now();
            }
            if begin.elapsed() > SETTLE_MAX {
                return Err(CommitError::Restless);
            }
            thread::sleep(GLANCE);
        }
        Ok(())
    }

    /// Commits what was handed over, and closes the database.
    ///
    /// # Errors
    /// What the committer ended by, if it failed.
    pub fn close(self) -> Result<(), CommitError> {
        drop(self.queue);
        Ok(self.committer.join().expect("the committer does not panic")?)
    }
}

fn commit_all(database: &Database, rows: &Keyspace, requests: &Receiver<Request>) -> Result<(), fjall::Error> {
    while let Ok(first) = requests.recv() {
        let group = gather(first, requests);
        let awaited = group.iter().any(|request| request.done.is_some());
        let durability = if awaited { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch = database.batch().durability(Some(durability));
        let mut waiting = Vec::with_capacity(group.len());
        for Request { change: Change { put: (key, value), remove }, done } in group {
            batch.insert(rows, key, value);
            if let Some(key) = remove {
                batch.remove(rows, key);
            }
            waiting.extend(done);
        }
        batch.commit()?;
        for done in waiting {
            // A client that gave up waiting needs no answer.
            let _ = done.send(());
        }
    }
    Ok(())
}

/// What is queued now, within the limits of a group.
fn gather(first: Request, requests: &Receiver<Request>) -> Vec<Request> {
    let mut bytes = first.change.put.1.len();
    let mut group = vec![first];
    while group.len() < GROUP_MAX && bytes < GROUP_BYTES {
        let Ok(request) = requests.try_recv() else { break };
        bytes += request.change.put.1.len();
        group.push(request);
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &std::path::Path) -> Tree {
        Tree::open(Database::builder(folder), &KeyspaceCreateOptions::default()).expect("an empty folder")
    }

    #[test]
    fn what_was_committed_and_what_was_handed_over_before_is_there_after_closing() {
        let folder = tempfile::tempdir().expect("a folder");
        let row = |kind, number| (key(kind, number), Bytes::from(format!("row {kind} {number}")));
        let tree = open(folder.path());
        for number in 0..100 {
            tree.submit(Change { put: row(0, number), remove: None }).expect("handed over");
            tree.commit(Change { put: row(1, number), remove: Some(key(0, number / 2)) }).expect("committed");
        }
        tree.close().expect("closed");
        let tree = open(folder.path());
        for number in 0..100 {
            assert_eq!(tree.get(&key(1, number)).expect("read"), Some(row(1, number).1));
            assert_eq!(tree.get(&key(0, number)).expect("read"), (number >= 50).then(|| row(0, number).1), "{number}");
        }
        tree.settle().expect("settled");
        tree.close().expect("closed");
    }
}
