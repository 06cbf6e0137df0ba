//! The thread that writes: it takes what waits, writes it as one group with one head and one sync, and answers all.
//! No timer: while a group is synced, the next one gathers by itself.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use tokio::sync::{mpsc, oneshot};

use super::{
    folder::{self, EndFile},
    record::{End, FORMAT, LINE_BYTES_MAX, Line, Opening, Outcome, Record, end_text, hash, head_text},
    recovery::Position,
    signing::Signer,
    trail::{AuditError, State},
};
use crate::surroundings::Clock;

/// Most records in a group: enough that the sync is a small part of each one's cost.
const GROUP_RECORDS: usize = 1024;

/// Most records that wait to be written late, after a failure: what was done and could not be recorded at once.
const LATE_RECORDS: usize = 16 * 1024;

/// How long the file that says where the trail ends may wait for its sync, while groups follow one another.
const END_INTERVAL: Duration = Duration::from_secs(1);

/// A record on its way.
pub(super) struct Request {
    /// What is to be written; none asks only whether anything can be.
    pub(super) record: Option<Record>,
    /// Whether what it tells of has been done whatever comes of it: then it is written as soon as that is possible.
    pub(super) is_fact: bool,
    /// Who waits for it to be durable, if anybody does.
    pub(super) reply: Option<oneshot::Sender<Result<(), AuditError>>>,
}

/// The state of the thread.
pub(super) struct Writer {
    pub(super) folder: PathBuf,
    pub(super) signer: Signer,
    pub(super) segment_bytes: u64,
    pub(super) durable: bool,
    pub(super) clock: Clock,
    pub(super) state: Arc<State>,
    /// Where the next line goes. What is on the disk beyond it is not acknowledged.
    pub(super) position: Position,
    /// The segment that is being written; none if it is yet to be begun.
    pub(super) file: Option<File>,
    pub(super) end: EndFile,
    /// When the end was last synced, and whether it has changed since.
    pub(super) end_synced: Instant,
    pub(super) end_changed: bool,
    /// What was done and is not written yet.
    pub(super) late: VecDeque<Record>,
    /// The process's hold on the folder.
    pub(super) _lock: File,
}

impl Writer {
    /// Works until all senders are gone and the queue is empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP_RECORDS
                && let Ok(next) = queue.try_recv()
            {
                group.push(next);
            }
            self.serve(group);
            if self.end_changed && (queue.is_empty() || self.end_synced.elapsed() >= END_INTERVAL) {
                self.sync_end();
            }
        }
        if !self.late.is_empty() {
            self.serve(Vec::new());
        }
        self.sync_end();
    }

    /// Writes a group, and what is late before it, and answers all that wait.
    fn serve(&mut self, group: Vec<Request>) {
        let (mut records, mut facts, mut replies) = (Vec::from(std::mem::take(&mut self.late)), Vec::new(), Vec::new());
        facts.resize(records.len(), true);
        for Request { record, is_fact, reply } in group {
            facts.extend(record.is_some().then_some(is_fact));
            records.extend(record);
            replies.extend(reply);
        }
        let written = self.write(&records);
        self.state.failing.store(written.is_err(), Ordering::SeqCst);
        if let Err(error) = &written {
            tracing::error!(%error, "the audit trail cannot be written");
            self.keep(records, &facts);
        }
        for reply in replies {
            // A caller who no longer waits has no use for the answer.
            let _gone = reply.send(written.as_ref().map(drop).map_err(AuditError::of));
        }
    }

    /// Keeps what was done for a later group, as far as there is room.
    fn keep(&mut self, records: Vec<Record>, facts: &[bool]) {
        for (record, is_fact) in records.into_iter().zip(facts) {
            match *is_fact && self.late.len() < LATE_RECORDS {
                true => self.late.push_back(record),
                false => {
                    self.state.unwritten.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Writes records with a head behind them. When this returns, they are durable; after an error, none of them counts.
    fn write(&mut self, records: &[Record]) -> io::Result<()> {
        if records.is_empty() {
            self.reserve()?;
        }
        let begins = self.file.is_none() || self.position.length >= self.segment_bytes;
        let mut group = Group::after(&self.position);
        if begins {
            group.position.segment += 1;
            group.position.length = 0;
            group.open(self.opening(group.position.segment));
        }
        for record in records {
            group.record(record);
        }
        let text = head_text(group.position.n + 1, &group.position.last);
        group.head(self.signer.sign(&text));
        match begins {
            true => self.begin(&group)?,
            false => self.append(&group)?,
        }
        self.position = group.position;
        self.state.lines.store(self.position.n, Ordering::Relaxed);
        self.state.records.fetch_add(records.len() as u64, Ordering::Relaxed);
        self.state.groups.fetch_add(1, Ordering::Relaxed);
        self.note_end();
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
        file.write_all(&group.bytes)?;
        if self.durable { file.sync_data() } else { Ok(()) }
    }

    fn begin(&mut self, group: &Group) -> io::Result<()> {
        let path = folder::segment(&self.folder, group.position.segment);
        let mut file = append_only(&path, true)?;
        // A failed attempt may have left something.
        file.set_len(0)?;
        file.write_all(&group.bytes)?;
        file.sync_all()?;
        folder::sync_names(&self.folder)?;
        self.file = Some(file);
        Ok(())
    }

    fn opening(&self, number: u64) -> Opening {
        let (begun, public_key) = ((self.clock)().to_string(), self.signer.public_key().to_string());
        Opening { format: FORMAT, number, begun, public_key }
    }

    /// Says where the trail ends now. That lines are durable does not depend on it, so that no caller waits for it.
    fn note_end(&mut self) {
        let Position { n, last, .. } = &self.position;
        let end = End { n: *n, last: last.clone(), end: self.signer.sign(&end_text(*n, last)) };
        self.end_changed = true;
        if let Err(error) = self.end.write(&end) {
            tracing::error!(%error, "the end of the audit trail cannot be noted");
        }
    }

    fn sync_end(&mut self) {
        if self.durable
            && let Err(error) = self.end.sync()
        {
            tracing::error!(%error, "the end of the audit trail cannot be made durable");
        }
        (self.end_changed, self.end_synced) = (false, Instant::now());
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

    fn head(&mut self, signature: String) {
        let line = Line { head: Some(signature), ..self.next() };
        self.push(&line.spell());
    }

    fn next(&self) -> Line {
        Line { n: self.position.n + 1, prev: self.position.last.clone(), segment: None, record: None, head: None }
    }

    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'\n');
        self.position.n += 1;
        self.position.length += text.len() as u64 + 1;
        self.position.last = hash(text.as_bytes());
    }
}
