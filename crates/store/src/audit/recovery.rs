//! Finding the place where the last process stopped writing, and cutting off what it had not finished.
//!
//! What must last is acknowledged only when the head behind it is on the disk, and all else when the mark behind it is written. So
//! nothing that was acknowledged follows the last of both, unless the power went, and what does is cut off; and what the file `head` names, and is not there, was
//! on the disk.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

use super::{
    OpenError,
    folder::{self, Lines},
    record::{Line, end_text, hash, head_text, mark_text, no_line},
    signing::Signer,
};
use crate::folder::sync_names;

/// Where the next line goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    /// Into which segment; 0 if there is none yet.
    pub(super) segment: u64,
    /// At which byte of it.
    pub(super) length: u64,
    /// The number of the last line.
    pub(super) n: u64,
    /// Its hash.
    pub(super) last: String,
    /// Whether that is a head, so that everybody believes what is before it.
    pub(super) is_signed: bool,
}

impl Position {
    /// That of a new trail.
    pub(super) fn start() -> Self {
        Self { segment: 0, length: 0, n: 0, last: no_line(), is_signed: true }
    }
}

/// What was found.
pub(super) struct Recovered {
    pub(super) position: Position,
    /// Bytes behind the last head or mark, which were cut off.
    pub(super) cut: u64,
}

/// Finds the place where the trail of `signer` goes on.
pub(super) fn recover(folder: &Path, signer: &Signer) -> Result<Recovered, OpenError> {
    let io = |source| OpenError::Io { path: folder.to_owned(), source };
    let end = folder::read_end(folder).map_err(io)?.ok_or(OpenError::EndMissing)?;
    if !signer.public_key().has_signed(&end_text(end.n, &end.last), &end.end) {
        return Err(OpenError::EndMissing);
    }
    let (mut position, mut cut) = (Position::start(), 0);
    for number in folder::segments(folder).map_err(io)?.into_iter().rev() {
        let scan = scan(&folder::segment(folder, number), end.n).map_err(io)?;
        let behind = scan.length - scan.proved.as_ref().map_or(0, |proved| proved.length);
        if scan.at_end.is_some_and(|hash| hash != end.last) {
            return Err(OpenError::Altered { segment: number });
        }
        if let Some(Proved { line, hash, length }) = scan.proved {
            if !is_proof(&line, signer) {
                return Err(OpenError::Altered { segment: number });
            }
            position = Position { segment: number, length, n: line.n, last: hash, is_signed: line.head.is_some() };
        }
        // A segment without either was begun by a write that was not whole: the one before it is the last.
        cut += behind;
        if position.segment > 0 {
            break;
        }
    }
    if end.n > position.n {
        return Err(OpenError::Truncated { lines: position.n, signed: end.n });
    }
    cut_off(folder, &position).map_err(io)?;
    Ok(Recovered { position, cut })
}

/// Whether a head or a mark is what the signer makes.
fn is_proof(line: &Line, signer: &Signer) -> bool {
    match (&line.head, &line.mark) {
        (Some(head), _) => signer.public_key().has_signed(&head_text(line.n, &line.prev), head),
        (None, Some(mark)) => signer.has_marked(&mark_text(line.n, &line.prev), mark),
        (None, None) => false,
    }
}

/// Removes what follows the last head or mark.
fn cut_off(folder: &Path, position: &Position) -> io::Result<()> {
    for number in folder::segments(folder)? {
        let path = folder::segment(folder, number);
        if number > position.segment {
            fs::remove_file(path)?;
        } else if number == position.segment && fs::metadata(&path)?.len() > position.length {
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(position.length)?;
            file.sync_all()?;
        }
    }
    sync_names(folder)
}

/// What a segment says of itself.
struct Scan {
    /// Its length in bytes.
    length: u64,
    /// The last head or mark before the first line that does not follow the one before it.
    proved: Option<Proved>,
    /// The hash of the line that the end is about, if it is here.
    at_end: Option<String>,
}

struct Proved {
    line: Line,
    hash: String,
    /// Where it ends in the segment.
    length: u64,
}

/// Reads a segment up to the first line that does not follow the one before it. What the first line follows is not asked.
///
/// Whatever is before the end was synced before that was noted, so the reading begins there if it is in this segment: a start
/// takes the time of the last second's lines and not that of a whole segment, which is the verification's to read.
fn scan(path: &Path, end: u64) -> io::Result<Scan> {
    let length = File::open(path)?.metadata()?.len();
    let mut scan = Scan { length, proved: None, at_end: None };
    let begin = folder::find_line(path, length, end)?;
    let mut lines = Lines::open(path, begin.unwrap_or(0))?;
    let mut before: Option<(u64, String)> = None;
    while let Some(raw) = lines.read()? {
        let Some(line) = Line::parse(&raw.bytes).filter(|_| raw.is_whole) else { break };
        let follows = match &before {
            Some((n, last)) => line.n == n + 1 && line.prev == *last,
            None => line.segment.is_some() || begin.is_some(),
        };
        if !follows {
            break;
        }
        let hash = hash(&raw.bytes);
        if line.n == end {
            scan.at_end = Some(hash.clone());
        }
        before = Some((line.n, hash.clone()));
        if line.head.is_some() || line.mark.is_some() {
            scan.proved = Some(Proved { line, hash, length: raw.end });
        }
    }
    Ok(scan)
}
