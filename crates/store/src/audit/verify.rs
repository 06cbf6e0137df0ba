//! Holding a trail against itself and against the key that signed it.

use std::{io, path::Path};

use strongroom_model::outcome::audit::{AuditProblem, AuditReport};

use super::{
    folder::{self, Lines},
    record::{End, FORMAT, Line, Opening, end_text, hash, head_text, no_line},
    signing::PublicKey,
};

/// Problems that are told; one edit breaks the chain in one place, and more are only counted.
const PROBLEMS_TOLD: usize = 100;

/// Holds the trail in `folder` against itself and against `key`. It may be written meanwhile.
///
/// # Errors
/// What the system refuses.
pub fn verify(folder: &Path, key: &PublicKey) -> io::Result<AuditReport> {
    // First, since it may only say less than there is.
    let end = folder::read_end(folder)?.filter(|end| key.has_signed(&end_text(end.n, &end.last), &end.end));
    let mut walk = Walk::new(key, end);
    let numbers = folder::segments(folder)?;
    for (index, number) in numbers.iter().enumerate() {
        walk.begin(*number);
        walk.segment(&folder::segment(folder, *number))?;
        walk.close(index + 1 == numbers.len());
    }
    Ok(walk.finish())
}

/// How far it has come.
struct Walk<'a> {
    key: &'a PublicKey,
    end: Option<End>,
    report: AuditReport,
    /// The number and the hash of the line before.
    before: (u64, String),
    segment: u64,
    line: u64,
    /// The last head of this segment: its number, what it signs, the signature.
    head: Option<(u64, String, String)>,
    /// Bytes of this segment behind its last head.
    behind: u64,
    end_seen: bool,
}

impl<'a> Walk<'a> {
    fn new(key: &'a PublicKey, end: Option<End>) -> Self {
        let report = AuditReport { public_key: key.to_string(), ..AuditReport::default() };
        let end_seen = end.as_ref().is_some_and(|end| end.n == 0 && end.last == no_line());
        Self { key, end, report, before: (0, no_line()), segment: 0, line: 0, head: None, behind: 0, end_seen }
    }

    fn begin(&mut self, number: u64) {
        (self.line, self.head, self.behind) = (0, None, 0);
        let expected = self.segment + 1;
        self.segment = number;
        if number != expected {
            self.problem(format!("segments {expected} to {} are missing", number - 1));
        }
        self.report.segments += 1;
    }

    fn segment(&mut self, path: &Path) -> io::Result<()> {
        let mut lines = Lines::open(path, 0)?;
        let mut start = 0;
        while let Some(raw) = lines.read()? {
            self.line += 1;
            self.behind += raw.end - start;
            start = raw.end;
            match Line::parse(&raw.bytes).filter(|_| raw.is_whole) {
                Some(line) => self.line(line, hash(&raw.bytes)),
                // An unfinished write, if nothing follows it; `close` and the next line tell.
                None if !raw.is_whole => return Ok(()),
                None => self.problem("this is no line of a trail: it was changed".to_owned()),
            }
        }
        Ok(())
    }

    fn line(&mut self, line: Line, hash: String) {
        let (n, last) = &self.before;
        if line.n != n + 1 {
            self.problem(format!("line {} follows line {n}: lines were removed, added or moved", line.n));
        } else if line.prev != *last {
            self.problem("this does not follow the line before it: one of them was changed".to_owned());
        }
        if let Some(end) = &self.end
            && line.n == end.n
        {
            self.end_seen = hash == end.last;
        }
        self.report.lines += 1;
        match (&line.segment, &line.record, &line.head) {
            (Some(opening), _, _) => self.opening(opening),
            (_, Some(record), _) => {
                self.report.records += 1;
                self.report.first.get_or_insert_with(|| record.time.clone());
                self.report.last = Some(record.time.clone());
            }
            (_, _, Some(signature)) => {
                self.head = Some((line.n, line.prev.clone(), signature.clone()));
                self.behind = 0;
            }
            // A mark, which is the server's own: the head behind it signs what it is about.
            (None, None, None) => {}
        }
        if self.line == 1 && line.segment.is_none() {
            self.problem("the segment has no first line".to_owned());
        }
        self.before = (line.n, hash);
    }

    fn opening(&mut self, opening: &Opening) {
        if opening.number != self.segment || self.line != 1 {
            self.problem(format!("this begins segment {}", opening.number));
        }
        if opening.public_key != self.key.to_string() {
            self.problem(format!("this trail is signed by the key {}", opening.public_key));
        }
        if opening.format != FORMAT {
            self.problem(format!("format {} is not known", opening.format));
        }
    }

    /// The last head of a segment signs all before it, through the chain.
    fn close(&mut self, is_last: bool) {
        match self.head.take() {
            Some((n, prev, signature)) if self.key.has_signed(&head_text(n, &prev), &signature) => {
                self.report.signed = n;
            }
            Some(_) => self.problem("the signature of the segment's last head is wrong".to_owned()),
            None if !is_last => self.problem("the segment has no head".to_owned()),
            None => {}
        }
        match is_last {
            true => self.report.unsigned_bytes = self.behind,
            false if self.behind > 0 => self.problem("the segment does not end with a head".to_owned()),
            false => {}
        }
    }

    fn finish(mut self) -> AuditReport {
        let last = self.before.0;
        match &self.end {
            None => self.problem("the file `head` is missing, or not signed by this key".to_owned()),
            Some(end) if end.n > last => {
                let text =
                    format!("the trail ends at line {last}, and was signed up to line {}: it was cut off", end.n);
                self.problem(text);
            }
            Some(end) if !self.end_seen => {
                let text = format!("line {} is not the one that the file `head` names", end.n);
                self.problem(text);
            }
            Some(_) => {}
        }
        self.report.head = self.before.1;
        self.report
    }

    fn problem(&mut self, what: String) {
        self.report.problem_count += 1;
        if self.report.problems.len() < PROBLEMS_TOLD {
            self.report.problems.push(AuditProblem { segment: self.segment, line: self.line, what });
        }
    }
}
