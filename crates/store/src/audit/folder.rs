//! The trail's folder: its segments by number, and the small files beside them.
//!
//! ```text
//! signing.key      the key that signs, wrapped
//! head             where the trail ends, signed: what was cut off is missed by it
//! 00000001.jsonl   segments, each a file of lines
//! lock             held by the process that writes
//! ```

use std::{
    cmp::Ordering,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::record::{End, LINE_BYTES_MAX};
use crate::folder::write_whole;

/// The name of the file that says where the trail ends.
const HEAD: &str = "head";

/// Length of that file: one line, filled up with spaces. One block of a disk, which is written whole.
const HEAD_BYTES: usize = 512;

/// Longest small file that is read.
const SMALL_BYTES: u64 = 4096;

/// Bytes of a segment that are read at once.
const READ_BYTES: usize = 256 * 1024;

/// What segments' names end in.
const EXTENSION: &str = "jsonl";

/// Makes the folder, for its owner alone, and the names in it last.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    match folder.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Keeps every other process from writing for as long as the answer lives; none if another one does.
pub(super) fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// The file of that segment.
pub(super) fn segment(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.{EXTENSION}"))
}

/// The numbers of the segments that there are, ascending.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        numbers.extend(number.filter(|number| path == segment(folder, *number)));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads a small file whole.
pub(super) fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SMALL_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file that says where the trail ends, which is written in place.
pub(super) struct EndFile(File);

impl EndFile {
    /// Makes it.
    pub(super) fn create(folder: &Path, end: &End) -> io::Result<Self> {
        write_whole(&folder.join(HEAD), &padded(end))?;
        Self::open(folder)
    }

    /// Opens the one that there is.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open(folder.join(HEAD)).map(Self)
    }

    /// Replaces what it says. The system writes it out when it likes, or with [`EndFile::sync`].
    pub(super) fn write(&self, end: &End) -> io::Result<()> {
        self.0.write_all_at(&padded(end), 0)
    }

    /// Makes it survive loss of power.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

fn padded(end: &End) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(end).expect("an end has a number and two texts");
    assert!(bytes.len() < HEAD_BYTES, "an end's line has some 250 bytes");
    bytes.resize(HEAD_BYTES - 1, b' ');
    bytes.push(b'\n');
    bytes
}

/// Where the trail ends by its own word; none if there is no word, or none that can be understood.
pub(super) fn read_end(folder: &Path) -> io::Result<Option<End>> {
    match read_small(&folder.join(HEAD)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether there is such a word, understood or not.
pub(super) fn has_end(folder: &Path) -> io::Result<bool> {
    fs::exists(folder.join(HEAD))
}

/// The lines of a segment, one after the other.
pub(super) struct Lines {
    reader: BufReader<File>,
    offset: u64,
}

/// One line of a file.
pub(super) struct RawLine {
    /// Its bytes, without its end.
    pub(super) bytes: Vec<u8>,
    /// Where the next one begins.
    pub(super) end: u64,
    /// Whether it has an end. One that has none, or is too long, is the last that is read.
    pub(super) is_whole: bool,
}

impl Lines {
    /// Those of the file from that byte on, where a line begins.
    pub(super) fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { reader: BufReader::with_capacity(READ_BYTES, file), offset })
    }

    /// The next line, if there is one.
    pub(super) fn read(&mut self) -> io::Result<Option<RawLine>> {
        let mut bytes = Vec::new();
        let limit = LINE_BYTES_MAX as u64;
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut bytes)? as u64;
        if read == 0 {
            return Ok(None);
        }
        self.offset += read;
        let is_whole = bytes.last() == Some(&b'\n');
        if is_whole {
            bytes.pop();
        }
        Ok(Some(RawLine { bytes, end: self.offset, is_whole }))
    }
}

/// Where the line of that number begins in a segment of that length, if it is where it should be: numbers only ascend, so it is
/// looked for by halves. What cannot be read as a line is taken for one that comes later, as the remains of a crash do.
pub(super) fn find_line(path: &Path, length: u64, n: u64) -> io::Result<Option<u64>> {
    let (mut low, mut high) = (0, length);
    while high - low > READ_BYTES as u64 {
        let middle = low + (high - low) / 2;
        match line_after(path, middle)? {
            Some((begin, number)) if number <= n => low = begin,
            _ => high = middle,
        }
    }
    let mut lines = Lines::open(path, low)?;
    let mut begin = low;
    while let Some(raw) = lines.read()? {
        match number(&raw).map(|number| number.cmp(&n)) {
            Some(Ordering::Equal) => return Ok(Some(begin)),
            Some(Ordering::Less) => begin = raw.end,
            Some(Ordering::Greater) | None => break,
        }
    }
    Ok(None)
}

/// Where the first line begins that does so behind `offset`, and its number.
fn line_after(path: &Path, offset: u64) -> io::Result<Option<(u64, u64)>> {
    let mut lines = Lines::open(path, offset)?;
    let Some(rest) = lines.read()? else { return Ok(None) };
    let found = lines.read()?.and_then(|raw| number(&raw));
    Ok(found.map(|number| (rest.end, number)))
}

/// The number that a line says first of itself.
fn number(raw: &RawLine) -> Option<u64> {
    let digits = raw.bytes.strip_prefix(b"{\"n\":")?.split(|byte| *byte == b',').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against reading all lines; behind them lies what a crash may leave.
    #[test]
    fn a_line_is_found_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00000002.jsonl");
        let lines =
            (1000..9000_u64).map(|n| format!("{{\"n\":{n},{}}}\n", "x".repeat(usize::try_from(n % 97 * 11).unwrap())));
        let begins = lines.clone().scan(0, |offset, line| Some(std::mem::replace(offset, *offset + line.len() as u64)));
        let begins: Vec<u64> = begins.collect();
        let whole: String = lines.collect();
        for remains in [Vec::new(), vec![0; 3 << 20], b"{\"n\":9000,".to_vec(), b"\n".repeat(1 << 20)] {
            let bytes = [whole.as_bytes(), &remains].concat();
            fs::write(&path, &bytes).unwrap();
            let find = |n| find_line(&path, bytes.len() as u64, n).unwrap();
            for (begin, n) in begins.iter().zip(1000..).step_by(13) {
                assert_eq!(find(n), Some(*begin), "{n} before {} bytes", remains.len());
            }
            assert_eq!([find(0), find(999), find(9001)], [None; 3]);
        }
    }
}
