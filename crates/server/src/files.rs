//! The only place of this crate that touches files: configuration, certificates, the admin token.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Greatest length of any file that this crate reads, in bytes; certificate chains are the longest of them.
const READ_BYTES_MAX: u64 = 1024 * 1024;

/// Reads a small text file.
///
/// # Errors
/// The system's, or `InvalidData` for a file that is too long or not UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(READ_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > READ_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("longer than {READ_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// Reads a file that only its owner may read.
///
/// # Errors
/// As [`read_text`], and `PermissionDenied` if others could have read or changed it.
pub(crate) fn read_secret(path: &Path) -> io::Result<String> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let message = format!("its mode is {mode:o}, so others may know it; delete it, or run chmod 600 on it");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    read_text(path)
}

/// Makes a folder, and those above it, for its owner alone. One that exists stays as it is.
///
/// # Errors
/// The system's.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether there is something of that name.
///
/// # Errors
/// The system's, other than that there is nothing.
pub(crate) fn exists(path: &Path) -> io::Result<bool> {
    path.try_exists()
}

/// Writes a whole new file, or replaces one, so that a crash leaves the old or the new and never half of either.
///
/// # Errors
/// The system's.
pub(crate) fn write_whole(path: &Path, content: &str, mode: Mode) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode as u32).open(&temporary)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    fs::File::open(folder)?.sync_all()
}

/// A long file that is being written, for its owner alone. It gets its name when it is whole; dropped before, it is removed.
pub(crate) struct Draft {
    file: fs::File,
    draft: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// Begins one. What has its name already is not replaced.
    ///
    /// # Errors
    /// `AlreadyExists`, and the system's.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        if path.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let mut draft = path.as_os_str().to_owned();
        draft.push(".partial");
        let draft = PathBuf::from(draft);
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        Ok(Self { file, draft, path: path.to_owned() })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Gives it its name, durably.
    ///
    /// # Errors
    /// `AlreadyExists`, and the system's.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        // A link never replaces a file; dropping removes the other name.
        fs::hard_link(&self.draft, &self.path)?;
        let folder = self.path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.draft) {
            tracing::warn!(path = %self.draft.display(), %error, "a file that was being written stays");
        }
    }
}

/// Who may read a file that we write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// Its owner.
    Private = 0o600,
    /// Everyone.
    Public = 0o644,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_written_for_the_owner_and_read_only_if_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_whole(&path, "abc", Mode::Private).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_secret(&path).unwrap(), "abc");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read_secret(&path).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_file_is_replaced_whole_even_after_a_crash_left_half_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        fs::write(path.with_extension("new"), "half").unwrap();
        write_whole(&path, "one", Mode::Public).unwrap();
        write_whole(&path, "two", Mode::Public).unwrap();
        assert_eq!(read_text(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn endless_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        fs::write(&path, vec![b'a'; READ_BYTES_MAX as usize + 1]).unwrap();
        assert_eq!(read_text(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
