//! The three places where an object may live, each as the store would have it there.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use fjall::{Database, KeyspaceCreateOptions, KvSeparationOptions};
use rustix::io::Errno;

use super::files::Files;
use super::values::Values;
use crate::commits::{Change, CommitError, Tree, key};

/// The engine's options as the store sets them (`crates/store/src/kv/fjall.rs`), repeated because this program must not know the
/// store; a test holds them against its source.
const CACHE_BYTES: u64 = 48 * 1024 * 1024;
const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;
const SEPARATED_VALUE_BYTES: u32 = 16 * 1024;

/// Bytes of a row that says where an object's file is: about what the store's takes, key and manifest included.
const ROW_BYTES: usize = 512;

/// Bytes of a row that says that a file is being written, as in the store: when, and by which process.
const INTENT_BYTES: usize = 24;

/// Kinds of rows.
const INTENT: u8 = 0;
const OBJECT: u8 = 1;

/// Folders of a place.
const ENGINE: &str = "engine";
const FILES: &str = "files";

/// Where objects live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In their rows, and the rows in the tree: one group commit, and every merge writes them anew.
    Tree,
    /// In their rows, of which the engine keeps large values in files of values beside the tree: one group commit.
    Separated,
    /// In a file for each: an intent that nobody waits for, the file, and a row in a group commit.
    File,
}

/// A place with objects in it.
pub(super) struct Home {
    tree: Tree,
    /// Files of their own, if objects live there.
    files: Option<Files>,
}

/// What can go wrong with an object.
#[derive(Debug, thiserror::Error)]
pub(super) enum HomeError {
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error("a file: {0}")]
    File(#[from] Errno),
    #[error("object {0} is not what was written")]
    Changed(u64),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Place {
    /// All of them; the first is what the others are compared with.
    pub(super) const ALL: [Self; 3] = [Self::Tree, Self::Separated, Self::File];

    /// The place's name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Separated => "separated",
            Self::File => "file",
        }
    }

    fn engine_options(self) -> KeyspaceCreateOptions {
        let separation = KvSeparationOptions::default().separation_threshold(SEPARATED_VALUE_BYTES);
        // Where objects live in files, the engine is the store's.
        let separation = (self != Self::Tree).then_some(separation);
        KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES).with_kv_separation(separation)
    }
}

impl Home {
    /// Opens, or makes, a place in this folder for objects of at most `size` bytes.
    ///
    /// # Errors
    /// What the engine or the system says.
    pub(super) fn open(place: Place, folder: &Path, size: usize) -> Result<Self, HomeError> {
        let database = Database::builder(folder.join(ENGINE)).cache_size(CACHE_BYTES);
        let tree = Tree::open(database, &place.engine_options())?;
        let files = (place == Place::File).then(|| Files::open(&folder.join(FILES), size)).transpose()?;
        Ok(Self { tree, files })
    }

    /// Writes the object of that number; it is durable when this returns.
    ///
    /// # Errors
    /// What the engine or the system says.
    pub(super) fn write(&self, values: &Values, number: u64) -> Result<(), HomeError> {
        let (object, value) = (key(OBJECT, number), values.value(number));
        let Some(files) = &self.files else {
            return Ok(self.tree.commit(Change { put: (object, value), remove: None })?);
        };
        // Copied: the engine keeps what it is given in memory, and would keep the whole value for the sake of a slice of it.
        let piece = |len: usize| Bytes::copy_from_slice(&value[..len.min(value.len())]);
        let (intent, row) = (key(INTENT, number), piece(ROW_BYTES));
        self.tree.submit(Change { put: (intent, piece(INTENT_BYTES)), remove: None })?;
        files.write(&file_name(number), &value)?;
        Ok(self.tree.commit(Change { put: (object, row), remove: Some(intent) })?)
    }

    /// Reads the object of that number.
    ///
    /// # Errors
    /// What the engine or the system says; [`HomeError::Changed`] if it is not there.
    pub(super) fn read(&self, number: u64) -> Result<Bytes, HomeError> {
        let row = self.tree.get(&key(OBJECT, number))?.ok_or(HomeError::Changed(number))?;
        match &self.files {
            None => Ok(row),
            Some(files) => Ok(files.read(&file_name(number))?),
        }
    }

    /// Has everything written that is still to be written.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) fn settle(&self) -> Result<(), HomeError> {
        Ok(self.tree.settle()?)
    }

    /// Closes the place.
    ///
    /// # Errors
    /// What the engine failed by.
    pub(super) fn close(self) -> Result<(), HomeError> {
        Ok(self.tree.close()?)
    }

    /// Gives back the space of the place in this folder. Files of objects are emptied and stay: ext4 without a journal keeps inodes
    /// from being used again for half a minute, and whoever makes a file meanwhile, which would be the next round, searches past all
    /// that were freed.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn empty(folder: &Path) -> Result<(), HomeError> {
        fs::remove_dir_all(folder.join(ENGINE))?;
        let files = folder.join(FILES);
        if files.try_exists()? {
            Files::empty(&files)?;
        }
        Ok(())
    }
}

fn file_name(number: u64) -> [u8; 16] {
    let [_kind, name @ ..] = key(OBJECT, number);
    name
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use indicatif::ProgressBar;

    use super::*;
    use crate::threads;

    /// Files below a folder that have this in their path, and their bytes.
    pub(in crate::thresholds) fn bytes_of_files(folder: &Path, part: &str) -> Vec<u64> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let (path, metadata) = (entry.path(), entry.metadata().expect("it is there"));
            if metadata.is_dir() {
                found.extend(bytes_of_files(&path, part));
            } else if path.to_string_lossy().contains(part) {
                found.push(metadata.len());
            }
        }
        found
    }

    #[test]
    fn each_place_holds_what_was_written_where_it_says() {
        // Neither a multiple of the alignment nor below the size from which values are kept apart.
        let values = Values::new(20_001);
        for place in Place::ALL {
            let folder = tempfile::tempdir().expect("a folder");
            let home = Home::open(place, folder.path(), values.size()).expect("an empty folder");
            let write = |number| home.write(&values, number);
            let hidden = ProgressBar::hidden();
            let written = threads::drive(8, Duration::from_millis(100), 1, &hidden, write).expect("written").requests;
            home.settle().expect("settled");
            for number in 0..written {
                assert_eq!(home.read(number).expect("read"), values.value(number), "{place:?} {number}");
            }
            assert!(matches!(home.read(written), Err(HomeError::Changed(_))));
            home.close().expect("closed");
            let apart: u64 = bytes_of_files(folder.path(), "/blobs/").iter().sum();
            let files = bytes_of_files(folder.path(), "/files/");
            assert_eq!(apart >= 20_001 * written, place == Place::Separated, "{place:?}: {apart} bytes");
            let expected = if place == Place::File { vec![20_001; written as usize] } else { Vec::new() };
            assert_eq!(files, expected, "{place:?}");
        }
    }

    #[test]
    fn what_was_acknowledged_is_there_when_the_place_is_opened_anew() {
        let values = Values::new(4096);
        for place in Place::ALL {
            let folder = tempfile::tempdir().expect("a folder");
            let open = || Home::open(place, folder.path(), values.size()).expect("a folder");
            let home = open();
            (0..20).for_each(|number| home.write(&values, number).expect("written"));
            home.close().expect("closed");
            let home = open();
            (0..20).for_each(|number| assert_eq!(home.read(number).expect("read"), values.value(number)));
            home.close().expect("closed");
        }
    }

    #[test]
    fn the_engine_is_set_up_as_the_store_sets_it_up() {
        let store = include_str!("../../../store/src/kv/fjall.rs");
        for line in [
            format!("const CACHE_BYTES: u64 = {} * 1024 * 1024;", CACHE_BYTES >> 20),
            format!("const MEMTABLE_BYTES: u64 = {} * 1024 * 1024;", MEMTABLE_BYTES >> 20),
            format!("const SEPARATED_VALUE_BYTES: u32 = {} * 1024;", SEPARATED_VALUE_BYTES >> 10),
        ] {
            assert!(store.contains(&line), "the store no longer says: {line}");
        }
    }
}
