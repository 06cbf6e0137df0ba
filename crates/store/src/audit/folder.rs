//! The trail's folder: its segments by number, and the small files beside them.
//!
//! ```text
//! signing.key      the key that signs, wrapped
//! head             where the trail ends, signed: what was cut off is missed by it
//! 00000001.jsonl   segments, each a file of lines
//! lock             held by the process that writes
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::record::{End, LINE_BYTES_MAX};

/// The name of the file that says where the trail ends.
const HEAD: &str = "head";

/// Length of that file: one line, filled up with spaces. One block of a disk, which is written whole.
const HEAD_BYTES: usize = 512;

/// Longest small file that is read.
const SMALL_BYTES: u64 = 4096;

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

/// Writes a new file that is there whole, or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_names(path.parent().unwrap_or(Path::new(".")))
}

/// Makes the names in the folder survive loss of power.
pub(super) fn sync_names(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
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
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: BufReader::with_capacity(256 * 1024, File::open(path)?), offset: 0 })
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
