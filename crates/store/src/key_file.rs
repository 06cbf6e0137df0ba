//! Files that hold one key of 32 bytes: the metadata key and the root key.
//!
//! Three lines of text: what the file is, the key in hex, and the key's fingerprint (FORMAT.md §8.1), which tells a damaged
//! file from a whole one. A file appears under its name whole and durable, or not at all, and is never overwritten.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use strongroom_seal::{KeyBytes, fingerprint};
use zeroize::Zeroizing;

use crate::surroundings::{Entropy, EntropyError};

/// Longest key file that is read: a whole one is shorter than 200 bytes.
const FILE_BYTES: u64 = 1024;

/// What a key is for; it is written into the file, so that files cannot be exchanged by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Seals the catalog's rows.
    Metadata,
    /// Wraps the master keys.
    Root,
}

impl Purpose {
    fn first_line(self) -> &'static str {
        match self {
            Self::Metadata => "strongroom metadata key, version 1",
            Self::Root => "strongroom root key, version 1",
        }
    }
}

/// Why a key file cannot be used; the text is meant for the operator.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file is not as it was written, or not a file of this kind.
    #[error("{} is damaged, or no {}: put back this file from a backup", path.display(), purpose.first_line())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it should be.
        purpose: Purpose,
    },
    /// The system refuses it.
    #[error("cannot use the key file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// No key can be drawn for a new file.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// The key in the file at `path`, if there is a file.
///
/// # Errors
/// [`KeyFileError::Damaged`], [`KeyFileError::Io`].
pub(crate) fn read(path: &Path, purpose: Purpose) -> Result<Option<KeyBytes>, KeyFileError> {
    let damaged = || KeyFileError::Damaged { path: path.into(), purpose };
    let text = match read_text(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(damaged()),
        Err(source) => return Err(KeyFileError::Io { path: path.into(), source }),
    };
    parse(&text, purpose).map(Some).ok_or_else(damaged)
}

/// Makes the file at `path`, and the folder that holds it, with a fresh key, unless there is a file by then. Answers the
/// file's key in both cases.
///
/// # Errors
/// See [`KeyFileError`].
pub(crate) fn create(path: &Path, purpose: Purpose, entropy: &Entropy) -> Result<KeyBytes, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.into(), source };
    let key = entropy.key(32)?;
    let draft = path.with_extension(format!("new-{}", hex::encode(entropy.array::<8>()?)));
    write_new(path, &draft, &spell(&key, purpose)).map_err(io)?;
    let key = read(path, purpose)?;
    key.ok_or_else(|| io(io::Error::new(io::ErrorKind::NotFound, "the file was removed while it was made")))
}

/// Makes the file at `path` with this key, unless there is a file by then. Answers whether the file has this key.
///
/// # Errors
/// See [`KeyFileError`].
pub(crate) fn put(path: &Path, purpose: Purpose, key: &KeyBytes) -> Result<bool, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.into(), source };
    write_new(path, &path.with_extension("new"), &spell(key, purpose)).map_err(io)?;
    Ok(read(path, purpose)?.is_some_and(|found| fingerprint(&found) == fingerprint(key)))
}

fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the key file can be read by others than its owner: chmod 600 it");
    }
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES as usize));
    file.take(FILE_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str, purpose: Purpose) -> Option<KeyBytes> {
    let mut lines = text.lines();
    let (first, key, check) = (lines.next()?, lines.next()?, lines.next()?);
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(key, bytes.as_mut_slice()).ok()?;
    let key = KeyBytes::new(bytes.as_slice()).ok()?;
    let whole = first == purpose.first_line() && check == hex::encode(fingerprint(&key)) && lines.next().is_none();
    whole.then_some(key)
}

fn spell(key: &KeyBytes, purpose: Purpose) -> Zeroizing<String> {
    let hex_key = Zeroizing::new(hex::encode(key.expose()));
    Zeroizing::new(format!("{}\n{}\n{}\n", purpose.first_line(), *hex_key, hex::encode(fingerprint(key))))
}

/// Writes `draft` to the disk and gives it the name `path`; a file of that name stays as it is.
fn write_new(path: &Path, draft: &Path, text: &str) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    let linked =
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(draft, path));
    fs::remove_file(draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(folder)?.sync_all(),
    }?;
    // The folder may be new: a key must not go with the power while what it seals stays.
    match folder.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entropy(byte: u8) -> Entropy {
        Entropy::new(move |bytes| {
            bytes.fill(byte);
            Ok(())
        })
    }

    #[test]
    fn a_new_file_is_private_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/metadata.key");
        assert!(read(&path, Purpose::Metadata).unwrap().is_none());
        assert_eq!(create(&path, Purpose::Metadata, &entropy(5)).unwrap().expose(), [5; 32]);
        assert_eq!(read(&path, Purpose::Metadata).unwrap().unwrap().expose(), [5; 32]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        create(&path, Purpose::Root, &entropy(5)).unwrap();
        assert_eq!(create(&path, Purpose::Root, &entropy(6)).unwrap().expose(), [5; 32]);
    }

    #[test]
    fn a_damaged_file_and_one_for_another_purpose_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        create(&path, Purpose::Root, &entropy(5)).unwrap();
        assert!(matches!(read(&path, Purpose::Metadata), Err(KeyFileError::Damaged { .. })));
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() - 1 {
            let mut changed = whole.clone();
            changed[at] ^= 4;
            fs::write(&path, &changed).unwrap();
            assert!(read(&path, Purpose::Root).is_err(), "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(read(&path, Purpose::Root).is_err(), "{at} bytes");
        }
        fs::write(&path, [&whole[..], b"more\n"].concat()).unwrap();
        assert!(read(&path, Purpose::Root).is_err());
    }
}
