//! The data folder: the mark that says it is one, of a layout that is known.
//!
//! ```text
//! STRONGROOM   the mark
//! catalog/     the key-value store
//! blobs/       the blob store
//! ledger/      a copy of the rows without which nothing can be rebuilt
//! keys/        the metadata key, and the root key if it is a file
//! ```
//!
//! Each store inside locks itself against a second process.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// The arrangement that this program makes, and the greatest that it opens.
const LAYOUT: u32 = 1;

/// The mark's text, before the number of the layout.
const MARK: &str = "strongroom data folder, layout ";

/// Longest mark that is read.
const MARK_BYTES: u64 = 256;

/// Why a folder is not opened; the text is meant for the operator.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is something in it, and it is not ours.
    #[error("{} is not empty and no data folder: choose an empty folder, or one that does not exist yet", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// A newer program made it or has changed it.
    #[error("{} has layout {found}, and this program knows none above {LAYOUT}: use the newer program", path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its layout.
        found: u32,
    },
    /// The system refuses it.
    #[error("cannot use the data folder {}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// The ledger of this data folder's catalog.
pub(crate) fn ledger(path: &Path) -> PathBuf {
    path.join("ledger/rows")
}

/// Sees that `path` is a data folder. One that does not exist, or is empty, becomes one that only its owner can enter.
///
/// # Errors
/// See [`FolderError`].
pub(crate) fn claim(path: &Path) -> Result<(), FolderError> {
    let outcome = claim_or_io(path);
    outcome.unwrap_or_else(|source| Err(FolderError::Io { path: path.into(), source }))
}

fn claim_or_io(path: &Path) -> io::Result<Result<(), FolderError>> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mark = path.join("STRONGROOM");
    match File::open(&mark) {
        Ok(file) => Ok(check(path, file)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match is_unused(path, &draft_of(&mark))? {
            false => Ok(Err(FolderError::Foreign { path: path.into() })),
            true => make(&mark).map(Ok),
        },
        Err(error) => Err(error),
    }
}

/// Whether there is nothing in the folder, or nothing but the draft of a mark: there the power went while it was made.
fn is_unused(path: &Path, draft: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        if entry?.path() != draft {
            return Ok(false);
        }
    }
    Ok(true)
}

fn check(path: &Path, mark: File) -> io::Result<Result<(), FolderError>> {
    let mut text = String::new();
    mark.take(MARK_BYTES).read_to_string(&mut text)?;
    let layout = text.strip_prefix(MARK).and_then(|rest| rest.trim_end().parse::<u32>().ok());
    Ok(match layout {
        Some(LAYOUT) => Ok(()),
        Some(found) if found > LAYOUT => Err(FolderError::Newer { path: path.into(), found }),
        _ => Err(FolderError::Foreign { path: path.into() }),
    })
}

/// Makes the names in the folder survive loss of power: those of the stores in it, which may be new.
///
/// # Errors
/// [`FolderError::Io`].
pub(crate) fn settle(path: &Path) -> Result<(), FolderError> {
    sync_names(path).map_err(|source| FolderError::Io { path: path.into(), source })
}

/// Makes the folder, if there is none, for its owner alone.
///
/// # Errors
/// [`FolderError::Io`].
pub(crate) fn make_private(path: &Path) -> Result<(), FolderError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| FolderError::Io { path: path.into(), source })
}

/// Makes a data folder of one whose stores are there already.
///
/// # Errors
/// [`FolderError::Io`].
pub(crate) fn settle_new(path: &Path) -> Result<(), FolderError> {
    make(&path.join("STRONGROOM")).map_err(|source| FolderError::Io { path: path.into(), source })
}

fn make(mark: &Path) -> io::Result<()> {
    write_whole(mark, format!("{MARK}{LAYOUT}\n").as_bytes()).map(drop)
}

/// Writes a new file, for its owner alone, or puts it into the place of another one: it is there whole, or not at all. Answers it, open at
/// its end.
///
/// # Errors
/// What the system says.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let draft = draft_of(path);
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_names(path.parent().unwrap_or(Path::new(".")))?;
    Ok(file)
}

/// Makes the names in the folder survive loss of power.
///
/// # Errors
/// What the system says.
pub(crate) fn sync_names(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn draft_of(path: &Path) -> PathBuf {
    path.with_extension("new")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_becomes_ours_and_stays_it() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("new/data");
        claim(&path).unwrap();
        claim(&path).unwrap();
        fs::write(path.join("anything"), "else").unwrap();
        claim(&path).unwrap();
    }

    /// As `conformance/test_power_loss.py` has found one: the power went within a millisecond of the first start.
    #[test]
    fn a_mark_that_was_not_finished_is_made_anew() {
        for draft in ["", "strongroom data"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("STRONGROOM.new"), draft).unwrap();
            claim(folder.path()).unwrap();
            assert_eq!(fs::read(folder.path().join("STRONGROOM")).unwrap(), b"strongroom data folder, layout 1\n");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("STRONGROOM.new"), "").unwrap();
        fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        assert!(matches!(claim(folder.path()), Err(FolderError::Foreign { .. })));
    }

    #[test]
    fn foreign_and_newer_folders_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        assert!(matches!(claim(folder.path()), Err(FolderError::Foreign { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let newer = tempfile::tempdir().unwrap();
        claim(newer.path()).unwrap();
        fs::write(newer.path().join("STRONGROOM"), "strongroom data folder, layout 2\n").unwrap();
        assert!(matches!(claim(newer.path()), Err(FolderError::Newer { found: 2, .. })));
        for foreign in ["", "strongroom data folder", "strongroom data folder, layout 0", "something else"] {
            fs::write(newer.path().join("STRONGROOM"), foreign).unwrap();
            assert!(matches!(claim(newer.path()), Err(FolderError::Foreign { .. })), "{foreign}");
        }
    }
}
