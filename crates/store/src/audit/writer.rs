//! The thread that writes: it takes what waits, writes it as one group, and answers. Who must have it on the disk waits for a head
//! and a sync, which all of the group share, while the next one gathers by itself; a group of which nobody must has a mark, and head
//! and sync come within a second.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use tokio::sync::{mpsc, oneshot};

use super::{
    folder::{self, EndFile},
    record::{End, FORMAT, LINE_BYTES_MAX, Line, Opening, Outcome, Record, end_text, hash, head_text, mark_text},
    recovery::Position,
    signing::Signer,
    trail::{AuditError, State},
};
use crate::{folder::sync_names, surroundings::Clock};

/// Most records in a group: enough that the sync is a small part of each one's cost.
const GROUP_RECORDS: usize = 1024;

/// Most records that are written and not synced: they are kept, to be written again if the sync fails.
const UNSYNCED_RECORDS: usize = 16 * 1024;

/// Most records that wait to be written late, after a failure: what was done and could not be recorded at once.
const LATE_RECORDS: usize = 2 * UNSYNCED_RECORDS;

/// How long what is written, and the file that says where the trail ends, may wait for their syncs if nobody else does.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// A record on its way.
pub(super) struct Request {
    /// What is to be written; none asks only whether anything can be.
    pub(super) record: Option<Record>,
    /// Whether what it tells of has been done whatever comes of it: then it is written as soon as that is possible.
    pub(super) is_fact: bool,
    /// Whether it must be on the disk when that is answered; else it is enough that this process can no longer lose it.
    pub(super) must_last: bool,
    /// Who waits, if anybody does.
    pub(super) reply: Option<Reply>,
}

/// Tells whoever waits.
pub(super) type Reply = oneshot::Sender<Result<(), AuditError>>;

/// When what a record tells of has happened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Happens {
    /// Whatever comes of the record.
    Anyway,
    /// Once the record is written, for then its request is answered.
    OnceWritten,
    /// Once it is on the disk.
    OnceSynced,
}

/// The state of the thread.
pub(super) struct Writer {
    pub(super) folder: PathBuf,
    pub(super) signer: Signer,
    pub(super) segment_bytes: u64,
    pub(super) durable: bool,
    pub(super) clock: Clock,
    pub(super) state: Arc<State>,
    /// Where the next line goes. What is in the file beyond it counts for nothing.
    pub(super) position: Position,
    /// Up to where everything is on the disk.
    pub(super) synced: Position,
    /// The records between the two, and whether each has happened, so that it must not be lost.
    pub(super) unsynced: Vec<(Record, bool)>,
    /// The segment that is being written; none if it is yet to be begun.
    pub(super) file: Option<File>,
    pub(super) end: EndFile,
    /// Whether what is on the disk ends elsewhere than the end says.
    pub(super) end_due: bool,
    /// When file and end were last synced, and whether the end has changed since.
    pub(super) settled: Instant,
    pub(super) end_changed: bool,
    /// What was done and is not written yet.
    pub(super) late: VecDeque<Record>,
    /// The process's hold on the folder.
    pub(super) _lock: File,
}

/// What the thread finds in its queue.
enum Next {
    Request(Request),
    Nothing,
    Closed,
}

impl Writer {
    /// Works until all senders are gone and the queue is empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match next(&mut queue, &waker, self.settles_in()) {
                Next::Request(first) => {
                    let mut group = vec![first];
                    while group.len() < GROUP_RECORDS
                        && let Ok(next) = queue.try_recv()
                    {
                        group.push(next);
                    }
                    self.serve(group);
                }
                Next::Nothing => {}
                Next::Closed => break,
            }
            if self.settles_in() == Some(Duration::ZERO) {
                self.settle();
            }
        }
        if !self.late.is_empty() {
            self.serve(Vec::new());
        }
        self.settle();
    }

    /// When the syncs that nobody waits for are due; none if there are none.
    fn settles_in(&self) -> Option<Duration> {
        let waits = self.end_changed || !self.unsynced.is_empty();
        waits.then(|| match self.unsynced.len() < UNSYNCED_RECORDS {
            true => SYNC_INTERVAL.saturating_sub(self.settled.elapsed()),
            false => Duration::ZERO,
        })
    }

    /// Writes a group, and what is late before it, and answers all that wait.
    pub(super) fn serve(&mut self, group: Vec<Request>) {
        let late = std::mem::take(&mut self.late).into_iter();
        let mut records: Vec<_> = late.map(|record| (record, Happens::Anyway)).collect();
        let mut must_last = !records.is_empty() || group.is_empty();
        let (mut once_written, mut once_synced) = (Vec::new(), Vec::new());
        for Request { record, is_fact, must_last: lasts, reply } in group {
            let happens = match (is_fact, lasts) {
                (true, _) => Happens::Anyway,
                (false, false) => Happens::OnceWritten,
                (false, true) => Happens::OnceSynced,
            };
            records.extend(record.map(|record| (record, happens)));
            if lasts { &mut once_synced } else { &mut once_written }.extend(reply);
            must_last |= lasts;
        }
        let written = self.write(records, must_last);
        answer(once_written, &written);
        let synced = written.and_then(|()| if must_last { self.sync() } else { Ok(()) });
        self.note(&synced);
        answer(once_synced, &synced);
        self.note_end();
    }

    /// Keeps what was done for a later group, as far as there is room.
    fn keep(&mut self, records: Vec<(Record, bool)>) {
        for (record, has_happened) in records {
            match has_happened && self.late.len() < LATE_RECORDS {
                true => self.late.push_back(record),
                false => {
                    self.state.unwritten.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Writes records with a head or a mark behind them, where no crash of the process can lose them. After an error, none of
    /// them counts.
    fn write(&mut self, records: Vec<(Record, Happens)>, with_head: bool) -> io::Result<()> {
        let written = self.write_group(&records, with_head);
        let has_happened = |happens| match written {
            Ok(()) => happens != Happens::OnceSynced,
            Err(_) => happens == Happens::Anyway,
        };
        let records = records.into_iter().map(|(record, happens)| (record, has_happened(happens)));
        match &written {
            Ok(()) => self.unsynced.extend(records),
            Err(_) => self.keep(records.collect()),
        }
        written
    }

    fn write_group(&mut self, records: &[(Record, Happens)], with_head: bool) -> io::Result<()> {
        if records.is_empty() {
            self.reserve()?;
        }
        let begins = self.file.is_none() || self.position.length >= self.segment_bytes;
        if begins {
            // The segment before it is whole by then.
            self.sign_off()?;
            self.sync()?;
        }
        let mut group = Group::after(&self.position);
        if begins {
            group.position.segment += 1;
            group.position.length = 0;
            group.open(self.opening(group.position.segment));
        }
        for (record, _) in records {
            group.record(record);
        }
        match with_head || begins {
            true => group.head(&self.signer),
            false => group.mark(&self.signer),
        }
        match begins {
            true => self.begin(&group)?,
            false => self.append(&group)?,
        }
        self.state.records.fetch_add(records.len() as u64, Ordering::Relaxed);
        self.go_on_from(group.position);
        Ok(())
    }

    /// Signs what has only marks so far.
    fn sign_off(&mut self) -> io::Result<()> {
        if self.position.is_signed {
            return Ok(());
        }
        let mut group = Group::after(&self.position);
        group.head(&self.signer);
        self.append(&group)?;
        self.go_on_from(group.position);
        Ok(())
    }

    fn go_on_from(&mut self, position: Position) {
        self.state.lines.store(position.n, Ordering::Relaxed);
        self.position = position;
    }

    /// Makes all that is written, and signed, durable. After an error nobody knows what the disk has of it: what has happened is
    /// written again, behind what is known to be there.
    fn sync(&mut self) -> io::Result<()> {
        if self.position == self.synced {
            return Ok(());
        }
        let synced = match &self.file {
            Some(file) if self.durable => file.sync_data(),
            Some(_) | None => Ok(()),
        };
        let unsynced = std::mem::take(&mut self.unsynced);
        if synced.is_err() {
            if self.position.segment != self.synced.segment {
                // It is begun anew, with its opening.
                self.file = None;
            }
            self.position = self.synced.clone();
            self.keep(unsynced);
            return synced;
        }
        self.synced = self.position.clone();
        self.state.groups.fetch_add(1, Ordering::Relaxed);
        self.end_due = true;
        Ok(())
    }

    /// Sees that there is room for what is to be recorded, when that is all that is asked: a head alone may fit where no
    /// record does. A file system that cannot say so is believed to have it.
    fn reserve(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let (from, bytes) = (self.position.length, LINE_BYTES_MAX as u64);
        match fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes) {
            Err(Errno::NOSPC) => Err(Errno::NOSPC.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn append(&mut self, group: &Group) -> io::Result<()> {
        let mut file = self.file.as_ref().expect("a segment that is not begun is open");
        // What a failed write has left is overwritten, and what is longer than that cut off.
        if file.metadata()?.len() != self.position.length {
            file.set_len(self.position.length)?;
        }
        file.write_all(&group.bytes)
    }

    fn begin(&mut self, group: &Group) -> io::Result<()> {
        let path = folder::segment(&self.folder, group.position.segment);
        let mut file = append_only(&path, true)?;
        // A failed attempt may have left something.
        file.set_len(0)?;
        file.write_all(&group.bytes)?;
        file.sync_all()?;
        sync_names(&self.folder)?;
        self.file = Some(file);
        Ok(())
    }

    fn opening(&self, number: u64) -> Opening {
        let (begun, public_key) = ((self.clock)().to_string(), self.signer.public_key().to_string());
        Opening { format: FORMAT, number, begun, public_key }
    }

    /// Says where the trail ends on the disk. That lines last does not depend on it, so that no caller waits for it.
    fn note_end(&mut self) {
        if !std::mem::take(&mut self.end_due) {
            return;
        }
        let Position { n, last, .. } = &self.synced;
        let end = End { n: *n, last: last.clone(), end: self.signer.sign(&end_text(*n, last)) };
        self.end_changed = true;
        if let Err(error) = self.end.write(&end) {
            tracing::error!(%error, "the end of the audit trail cannot be noted");
        }
    }

    /// Syncs what nobody waits for.
    pub(super) fn settle(&mut self) {
        if !self.unsynced.is_empty() {
            let synced = self.sign_off().and_then(|()| self.sync());
            if synced.is_err() {
                // That it succeeds does not say that anything can be written.
                self.note(&synced);
            }
            self.note_end();
        }
        if self.durable
            && let Err(error) = self.end.sync()
        {
            tracing::error!(%error, "the end of the audit trail cannot be made durable");
        }
        (self.end_changed, self.settled) = (false, Instant::now());
    }

    /// Notes whether the trail can be written.
    fn note(&self, outcome: &io::Result<()>) {
        self.state.failing.store(outcome.is_err(), Ordering::SeqCst);
        if let Err(error) = outcome {
            tracing::error!(%error, "the audit trail cannot be written");
        }
    }
}

fn answer(replies: Vec<Reply>, outcome: &io::Result<()>) {
    for reply in replies {
        // A caller who no longer waits has no use for the answer.
        let _gone = reply.send(outcome.as_ref().map(drop).map_err(AuditError::of));
    }
}

/// Waits for what comes next, no longer than `limit` if there is one.
fn next(queue: &mut mpsc::Receiver<Request>, waker: &Waker, limit: Option<Duration>) -> Next {
    let begun = Instant::now();
    loop {
        match queue.poll_recv(&mut Context::from_waker(waker)) {
            Poll::Ready(Some(request)) => return Next::Request(request),
            Poll::Ready(None) => return Next::Closed,
            Poll::Pending => {}
        }
        match limit.map(|limit| limit.saturating_sub(begun.elapsed())) {
            None => thread::park(),
            Some(Duration::ZERO) => return Next::Nothing,
            Some(left) => thread::park_timeout(left),
        }
    }
}

/// Wakes the thread that waits for its queue.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Opens a segment to write at its end.
pub(super) fn append_only(path: &std::path::Path, create: bool) -> io::Result<File> {
    OpenOptions::new().create(create).append(true).mode(0o600).open(path)
}

/// Lines that are written together.
struct Group {
    bytes: Vec<u8>,
    position: Position,
}

impl Group {
    fn after(position: &Position) -> Self {
        Self { bytes: Vec::new(), position: position.clone() }
    }

    fn open(&mut self, opening: Opening) {
        let line = Line { segment: Some(opening), ..self.next() };
        self.push(&line.spell());
    }

    fn record(&mut self, record: &Record) {
        let line = Line { record: Some(record.clone()), ..self.next() };
        let text = line.spell();
        if text.len() < LINE_BYTES_MAX {
            return self.push(&text);
        }
        // Nothing that a request may carry comes to so much; if it did, its record would say so.
        let (context, reason) = (Default::default(), Some("the record was too long, and lost its context".to_owned()));
        let outcome = Outcome::Failed;
        let short = Record { context, reason, outcome, object: None, subject: None, key: None, ..record.clone() };
        self.push(&Line { record: Some(short), ..self.next() }.spell());
    }

    fn head(&mut self, signer: &Signer) {
        let next = self.next();
        let head = Some(signer.sign(&head_text(next.n, &next.prev)));
        self.push(&Line { head, ..next }.spell());
        self.position.is_signed = true;
    }

    fn mark(&mut self, signer: &Signer) {
        let next = self.next();
        let mark = Some(signer.mark(&mark_text(next.n, &next.prev)));
        self.push(&Line { mark, ..next }.spell());
    }

    fn next(&self) -> Line {
        Line::after(self.position.n, self.position.last.clone())
    }

    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'\n');
        self.position.n += 1;
        self.position.length += text.len() as u64 + 1;
        self.position.last = hash(text.as_bytes());
        self.position.is_signed = false;
    }
}
