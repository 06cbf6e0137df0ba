//! The engine's newest journal, whose end loss of power may have torn.
//!
//! The engine cuts off a last group that has no end. One that has its end, and lacks a sector before it because the disk wrote them in
//! another order, it takes for damage, and does not open. Nobody was told that such a group is there: it is cut off here in the same
//! way. Whether nothing else was cut off, the marks of acknowledged commits say, once the engine is open; until then the
//! journal is kept as it was, beside the one that was cut.
//!
//! ```text
//! engine/7.jnl   the newest journal, cut
//! engine/7.torn  the same as it was; a start that finds it puts it back
//! engine/7.cut   the one that was cut, before it has its name
//! ```
//!
//! The form of journals is that of fjall 3 (`journal/entry.rs` there): groups, each of a start with the number of its entries, these, and
//! an end with XXH3 over them. What is not of this form counts as torn, so that a form that we do not know is refused by the marks.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::Xxh3;

use crate::folder::sync_names;

/// What entries begin with.
const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;

/// What a start has: its kind, the number of entries, and the group's own.
const START_BYTES: usize = 1 + 4 + 8;
/// What an item has before its key: kinds of entry, value and compression, the keyspace, the lengths of key and value, and that of the value as
/// it is stored.
const ITEM_BYTES: usize = 3 + 8 + 2 + 4 + 4;
/// What the emptying of a keyspace has.
const CLEAR_BYTES: usize = 1 + 8;
/// What an end has: its kind, the hash, and four bytes that are always the same.
const END_BYTES: usize = 1 + 8 + 4;
const MAGIC: [u8; 4] = [b'F', b'J', b'L', 3];

const JOURNAL: &str = "jnl";
const TORN: &str = "torn";
const DRAFT: &str = "cut";

/// A journal whose end was cut off.
pub(super) struct Cut {
    journal: PathBuf,
    /// Where the whole groups end.
    whole: u64,
}

/// Cuts off the newest journal of the engine in this folder, which is closed, what follows its last whole group; none if nothing does.
pub(super) fn cut(engine: &Path) -> io::Result<Option<Cut>> {
    let Some(journal) = newest(engine)? else { return Ok(None) };
    let whole = whole_length(&journal)?;
    if is_blank_after(&journal, whole)? {
        return Ok(None);
    }
    let cut = Cut { journal, whole };
    let draft = cut.journal.with_extension(DRAFT);
    let mut file = File::create(&draft)?;
    io::copy(&mut File::open(&cut.journal)?.take(whole), &mut file)?;
    file.sync_all()?;
    fs::hard_link(&cut.journal, cut.torn())?;
    sync_names(engine)?;
    fs::rename(draft, &cut.journal)?;
    sync_names(engine)?;
    Ok(Some(cut))
}

impl Cut {
    /// The engine holds all that it should: what was cut off is forgotten. Nothing may be committed before.
    pub(super) fn accept(self) -> io::Result<()> {
        let (journal, whole) = (self.journal.display(), self.whole);
        tracing::warn!(%journal, whole, "cut a group off the journal that was never acknowledged: the power went while it was written");
        fs::remove_file(self.torn())?;
        sync_folder_of(&self.journal)
    }

    /// The engine lacks something: everything is as before. The engine is closed.
    pub(super) fn undo(self) -> io::Result<()> {
        put_back(&self.torn())
    }

    fn torn(&self) -> PathBuf {
        self.journal.with_extension(TORN)
    }
}

/// Undoes a cut of which the process that made it did not learn whether it was right.
pub(super) fn undo_unfinished(engine: &Path) -> io::Result<()> {
    for file in files(engine)? {
        if has_extension(&file, TORN) {
            put_back(&file)?;
        }
    }
    Ok(())
}

fn put_back(torn: &Path) -> io::Result<()> {
    let journal = torn.with_extension(JOURNAL);
    // Two names of one file would both stay if one were renamed to the other.
    match fs::remove_file(&journal) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::rename(torn, &journal)?,
    }
    sync_folder_of(&journal)
}

fn sync_folder_of(file: &Path) -> io::Result<()> {
    sync_names(file.parent().expect("a journal is in a folder"))
}

fn newest(engine: &Path) -> io::Result<Option<PathBuf>> {
    let number = |path: &Path| path.file_stem()?.to_str()?.parse::<u64>().ok();
    let journals = files(engine)?.into_iter().filter(|path| has_extension(path, JOURNAL));
    Ok(journals.max_by_key(|path| number(path)))
}

fn files(engine: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(engine) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// Whether nothing but the zeros of space that is reserved follows.
fn is_blank_after(journal: &Path, whole: u64) -> io::Result<bool> {
    let mut file = File::open(journal)?;
    file.seek(SeekFrom::Start(whole))?;
    for byte in BufReader::new(file).bytes() {
        if byte? != 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How far groups follow each other that are as they were written.
fn whole_length(journal: &Path) -> io::Result<u64> {
    let (mut reader, mut whole) = (BufReader::new(File::open(journal)?), 0);
    loop {
        match read_group(&mut reader) {
            Ok(length) => whole += length as u64,
            Err(error) if [io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidData].contains(&error.kind()) => {
                return Ok(whole);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Reads one group, and answers its length.
///
/// # Errors
/// `UnexpectedEof` or `InvalidData` if there is none.
fn read_group(reader: &mut impl Read) -> io::Result<usize> {
    let start: [u8; START_BYTES] = read(reader)?;
    let [START, a, b, c, d, ..] = start else { return Err(io::ErrorKind::InvalidData.into()) };
    let (mut length, mut hash) = (START_BYTES, Xxh3::new());
    for _ in 0..u32::from_le_bytes([a, b, c, d]) {
        let entry = read_entry(reader)?;
        length += entry.len();
        hash.update(&entry);
    }
    let end: [u8; END_BYTES] = read(reader)?;
    if end != *[&[END][..], &hash.digest().to_le_bytes(), &MAGIC].concat() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(length + END_BYTES)
}

fn read_entry(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let [kind] = read(reader)?;
    match kind {
        CLEAR => {
            let keyspace: [u8; CLEAR_BYTES - 1] = read(reader)?;
            Ok([&[kind][..], &keyspace].concat())
        }
        ITEM => {
            let head: [u8; ITEM_BYTES - 1] = read(reader)?;
            let [.., k0, k1, _, _, _, _, v0, v1, v2, v3] = head;
            let (key, value) = (u16::from_le_bytes([k0, k1]), u32::from_le_bytes([v0, v1, v2, v3]));
            let (mut entry, len) = ([&[kind][..], &head].concat(), u64::from(key) + u64::from(value));
            // A length that is torn itself takes no more memory than there are bytes.
            match reader.take(len).read_to_end(&mut entry)? as u64 == len {
                true => Ok(entry),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn read<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map(|()| bytes)
}
