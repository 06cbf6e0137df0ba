//! The trail as the rest of the store has it: somewhere to put records.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use strongroom_model::failure::{Failure, FailureCode};
use tokio::sync::{mpsc, oneshot};

use super::{
    Config, OnFailure, OpenError,
    folder::{self, EndFile},
    record::{End, Outcome, Record, end_text, no_line},
    recovery::{Position, Recovered, recover},
    signing::{self, Signer},
    writer::{Request, Writer, append_only},
};
use crate::{
    kms::Root,
    surroundings::{Clock, Entropy},
};

/// Records that may wait for the writer; one more waits before it is taken.
const QUEUE: usize = 4096;

/// The records of what the server does of its own accord name this principal.
pub(crate) const SERVER: &str = "strongroom";

/// The trail cannot be written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the audit trail cannot be written: {0}")]
pub struct AuditError(Arc<io::Error>);

impl AuditError {
    pub(super) fn of(error: &io::Error) -> Self {
        let copy = match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        Self(Arc::new(copy))
    }

    fn stopped() -> Self {
        Self(Arc::new(io::Error::other("its writer has stopped")))
    }
}

/// Nothing was done, and it may be tried again.
impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        Self::new(FailureCode::ServiceUnavailable).caused_by(error)
    }
}

/// What the trail counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditMetrics {
    /// Records written since the start of the process.
    pub records: u64,
    /// Syncs that they took.
    pub groups: u64,
    /// Records that were given up.
    pub unwritten: u64,
    /// Lines that the trail has, from its beginning: who notes this elsewhere knows how many there must be.
    pub lines: u64,
    /// Whether it could not be written when that was last tried.
    pub failing: bool,
}

/// What the writer shares.
#[derive(Default)]
pub(super) struct State {
    pub(super) records: AtomicU64,
    pub(super) groups: AtomicU64,
    pub(super) unwritten: AtomicU64,
    pub(super) lines: AtomicU64,
    pub(super) failing: AtomicBool,
}

/// The trail, open.
pub(crate) struct Trail {
    queue: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    state: Arc<State>,
    on_failure: OnFailure,
    folder: PathBuf,
    clock: Clock,
    public_key: signing::PublicKey,
}

impl Trail {
    /// Opens the trail, or begins one.
    ///
    /// # Errors
    /// See [`OpenError`]: a trail that is not as it was left is not gone on with.
    pub(crate) fn open(
        path: &Path,
        config: &Config,
        root: &Root,
        clock: Clock,
        entropy: &Entropy,
    ) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        folder::make(path).map_err(io)?;
        let lock = folder::lock(path).map_err(io)?.ok_or_else(|| OpenError::InUse { path: path.to_owned() })?;
        let signer = match signing::open(path, root)? {
            Some(signer) => signer,
            None if folder::segments(path).map_err(io)?.is_empty() => signing::create(path, root, entropy)?,
            None => return Err(OpenError::KeyMissing { path: path.to_owned() }),
        };
        begin_if_new(path, &signer).map_err(io)?;
        let Recovered { position, cut } = recover(path, &signer)?;
        let file = match position.segment {
            0 => None,
            number => Some(append_only(&folder::segment(path, number), false).map_err(io)?),
        };
        let mut late = VecDeque::from([of_server(&clock, "TrailOpened", None)]);
        if cut > 0 {
            tracing::warn!(bytes = cut, "cut an unfinished write off the audit trail; what had to last was before it");
            let detail = format!("{cut} bytes of a write that was not whole were cut off");
            late.push_back(of_server(&clock, "TrailRecovered", Some(detail)));
        }
        let state = Arc::<State>::default();
        state.lines.store(position.n, Ordering::Relaxed);
        let public_key = signer.public_key();
        let writer = Writer {
            folder: path.to_owned(),
            signer,
            segment_bytes: config.segment_bytes,
            durable: config.durable,
            clock: Arc::clone(&clock),
            state: Arc::clone(&state),
            synced: position.clone(),
            position,
            unsynced: Vec::new(),
            file,
            end: EndFile::open(path).map_err(io)?,
            settled: Instant::now(),
            end_due: false,
            end_changed: false,
            late,
            _lock: lock,
        };
        let (queue, requests) = mpsc::channel(QUEUE);
        let writer = thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(requests)).map_err(io)?;
        let (queue, writer) = (Some(queue), Some(writer));
        let on_failure = config.on_failure;
        let trail = Self { queue, writer, state, on_failure, folder: path.to_owned(), clock, public_key };
        // What is late already, the opening itself, need not wait for the first use of a key.
        trail.enqueue(None);
        Ok(trail)
    }

    /// Records the use of a key, or an attempt at something. When this returns, the record is durable, and only then may what
    /// it tells of be answered.
    ///
    /// # Errors
    /// That it cannot be, unless the operator wants to go on without.
    pub(crate) async fn record(&self, record: Record) -> Result<(), AuditError> {
        self.submit(Some(record), self.on_failure == OnFailure::Continue, true).await
    }

    /// Records the use of a data key that this process already has. When this returns, the record is written, and no end of the
    /// process can lose it; a loss of power can for a second.
    ///
    /// # Errors
    /// As [`Trail::record`].
    pub(crate) async fn record_known(&self, record: Record) -> Result<(), AuditError> {
        self.submit(Some(record), self.on_failure == OnFailure::Continue, false).await
    }

    /// The same of something that has been done already: if it cannot be recorded now, it will be as soon as that is possible.
    ///
    /// # Errors
    /// As [`Trail::record`].
    pub(crate) async fn record_fact(&self, record: Record) -> Result<(), AuditError> {
        self.submit(Some(record), true, true).await
    }

    /// Holds that something may be done that is to be recorded afterwards: the trail could be written when that was last tried,
    /// or can be now.
    ///
    /// # Errors
    /// As [`Trail::record`].
    pub(crate) async fn check(&self) -> Result<(), AuditError> {
        match self.state.failing.load(Ordering::SeqCst) {
            false => Ok(()),
            true => self.submit(None, false, true).await,
        }
    }

    /// Records what the server does of its own accord; nobody waits for it, and it is on the disk within a second.
    pub(crate) fn note(&self, record: Record) {
        self.enqueue(Some(record));
    }

    /// Writes all that waits: the last thing that a server does.
    pub(crate) async fn close(&self) {
        let closed = self.record_fact(self.of_server("TrailClosed")).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the audit trail ends without its last record");
        }
    }

    /// A record of the server's own doing.
    pub(crate) fn of_server(&self, operation: &str) -> Record {
        of_server(&self.clock, operation, None)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its signatures are held against.
    pub(crate) fn public_key(&self) -> signing::PublicKey {
        self.public_key
    }

    /// What has been counted so far.
    pub(crate) fn metrics(&self) -> AuditMetrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let State { records, groups, unwritten, lines, failing } = &*self.state;
        AuditMetrics {
            records: read(records),
            groups: read(groups),
            unwritten: read(unwritten),
            lines: read(lines),
            failing: failing.load(Ordering::SeqCst),
        }
    }

    fn enqueue(&self, record: Option<Record>) {
        let count = u64::from(record.is_some());
        let request = Request { record, is_fact: true, must_last: false, reply: None };
        if self.queue.as_ref().is_none_or(|queue| queue.try_send(request).is_err()) {
            self.state.unwritten.fetch_add(count, Ordering::Relaxed);
        }
    }

    async fn submit(&self, record: Option<Record>, is_fact: bool, must_last: bool) -> Result<(), AuditError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(AuditError::stopped)?;
        let sent = queue.send(Request { record, is_fact, must_last, reply: Some(reply) }).await;
        let written = match sent {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(AuditError::stopped())),
            Err(_) => Err(AuditError::stopped()),
        };
        match self.on_failure {
            OnFailure::Reject => written,
            OnFailure::Continue => Ok(()),
        }
    }
}

/// What waits is written, and the folder is free, before the trail is gone.
impl Drop for Trail {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the audit trail ended by a fault of its own");
        }
    }
}

/// A new trail has no lines yet, and says so. One whose first process died this early is still new.
fn begin_if_new(path: &Path, signer: &Signer) -> io::Result<()> {
    if folder::has_end(path)? || !folder::segments(path)?.is_empty() {
        return Ok(());
    }
    let Position { n, last, .. } = Position::start();
    debug_assert_eq!(last, no_line());
    let end = End { n, end: signer.sign(&end_text(n, &last)), last };
    EndFile::create(path, &end).map(drop)
}

fn of_server(clock: &Clock, operation: &str, detail: Option<String>) -> Record {
    Record {
        time: clock().to_string(),
        principal: SERVER.to_owned(),
        operation: operation.to_owned(),
        outcome: Outcome::Done,
        reason: detail,
        ..Record::default()
    }
}
