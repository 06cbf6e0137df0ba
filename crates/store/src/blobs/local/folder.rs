//! The folder on disk: where files are, and the operations on their names. All of it blocks.

use std::{
    fmt::Display,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, CWD, Dir, FlockOperation, Mode, OFlags, RenameFlags},
    io::Errno,
};

use super::{
    super::BlobEntry,
    BlobId, LocalError,
    buffer::{ALIGNMENT, with_page},
};

const TEMPORARY: &str = "temporary";

/// The open folder.
pub(super) struct Folder {
    root: OwnedFd,
    _lock: OwnedFd,
    /// Files may be written past the page cache.
    direct: bool,
    /// Tells temporary files of one id apart.
    next_temporary: AtomicU64,
}

/// A file that is being written. Dropped before it is [`Folder::publish`]ed, it is removed.
pub(super) struct Temporary {
    pub(super) file: OwnedFd,
    pub(super) name: String,
    folder: Arc<Folder>,
    published: bool,
}

impl Folder {
    /// Opens or makes the folder, and empties `temporary`.
    pub(super) fn open(path: &Path) -> Result<Self, LocalError> {
        fs::create_dir_all(path).map_err(LocalError::system("make", path.display()))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, path, flags, Mode::empty());
        let root = root.map_err(LocalError::system("open", path.display()))?;
        let lock = lock(&root, path)?;
        let folder = Self { root, _lock: lock, direct: false, next_temporary: AtomicU64::new(0) };
        folder.make(TEMPORARY)?;
        for first_byte in 0..=u8::MAX {
            folder.make(shard(first_byte))?;
        }
        folder.remove_temporaries()?;
        folder.sync(".")?;
        Ok(Self { direct: folder.probe_direct()?, ..folder })
    }

    /// The length to which writes are padded: one, unless they pass by the page cache.
    pub(super) fn alignment(&self) -> usize {
        if self.direct { ALIGNMENT } else { 1 }
    }

    /// Makes a temporary file for this blob.
    pub(super) fn create(self: &Arc<Self>, id: BlobId) -> Result<Temporary, LocalError> {
        let name = format!("{TEMPORARY}/{id}.{}", self.next_temporary.fetch_add(1, Ordering::Relaxed));
        let direct = if self.direct { OFlags::DIRECT } else { OFlags::empty() };
        let file = self.open_file(&name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | direct)?;
        Ok(Temporary { file, name, folder: Arc::clone(self), published: false })
    }

    /// Gives a synced temporary file the name of its blob, for good.
    pub(super) fn publish(&self, mut temporary: Temporary, id: BlobId) -> Result<(), LocalError> {
        let name = name(id);
        match self.rename_new(&temporary.name, &name) {
            Ok(()) => temporary.published = true,
            Err(Errno::EXIST) => return Err(LocalError::AlreadyExists(id)),
            Err(error) => return Err(LocalError::system("rename to", name)(error)),
        }
        self.sync(&shard_of(id)).inspect_err(|_| {
            // It may not last, so it must not be there. If this fails too, the lister will find it.
            let _unlinked = rustix::fs::unlinkat(&self.root, &name, AtFlags::empty());
        })
    }

    /// Opens a blob to read it; answers its length too.
    pub(super) fn open_blob(&self, id: BlobId) -> Result<(OwnedFd, u64), LocalError> {
        let name = name(id);
        let file = match rustix::fs::openat(&self.root, &name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NOENT) => return Err(LocalError::NotFound(id)),
            file => file.map_err(LocalError::system("open", &name))?,
        };
        let stat = rustix::fs::fstat(&file).map_err(LocalError::system("examine", &name))?;
        Ok((file, stat.st_size.unsigned_abs()))
    }

    /// Removes a blob for good, if there is one.
    pub(super) fn remove(&self, id: BlobId) -> Result<(), LocalError> {
        match rustix::fs::unlinkat(&self.root, name(id), AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(LocalError::system("remove", name(id))(error)),
            Ok(()) => self.sync(&shard_of(id)),
        }
    }

    /// The first blobs after this one, shard by shard.
    pub(super) fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobEntry>, LocalError> {
        let mut entries = Vec::new();
        for first_byte in after.map_or(0, |id| id.as_bytes()[0])..=u8::MAX {
            if entries.len() >= limit {
                break;
            }
            let mut ids: Vec<BlobId> =
                self.names(&shard(first_byte))?.iter().filter_map(|name| name.parse().ok()).collect();
            ids.retain(|id| id.as_bytes()[0] == first_byte && after.is_none_or(|after| *id > after));
            ids.sort_unstable();
            for id in ids {
                entries.extend(self.entry(id)?);
                if entries.len() == limit {
                    break;
                }
            }
        }
        Ok(entries)
    }

    /// What a listing says of a blob; nothing if it has just been removed.
    fn entry(&self, id: BlobId) -> Result<Option<BlobEntry>, LocalError> {
        let stat = match rustix::fs::statat(&self.root, name(id), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            stat => stat.map_err(LocalError::system("examine", name(id)))?,
        };
        let modified_ms =
            u64::try_from(stat.st_mtime).ok().map(|seconds| seconds * 1000 + stat.st_mtime_nsec / 1_000_000);
        Ok(Some(BlobEntry { id, len: stat.st_size.unsigned_abs(), modified_ms }))
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, LocalError> {
        let file = self.open_file(folder, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let names = Dir::new(file).and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<Result<Vec<_>, Errno>>()
        });
        let mut names = names.map_err(LocalError::system("list", folder))?;
        names.retain(|name| name != "." && name != "..");
        Ok(names)
    }

    fn make(&self, name: impl Display) -> Result<(), LocalError> {
        match rustix::fs::mkdirat(&self.root, name.to_string(), Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(LocalError::system("make", name)(error)),
        }
    }

    fn remove_temporaries(&self) -> Result<(), LocalError> {
        for name in self.names(TEMPORARY)? {
            let name = format!("{TEMPORARY}/{name}");
            rustix::fs::unlinkat(&self.root, &name, AtFlags::empty()).map_err(LocalError::system("remove", &name))?;
        }
        Ok(())
    }

    /// Whether this file system takes direct writes, found out by one.
    fn probe_direct(&self) -> Result<bool, LocalError> {
        let name = format!("{TEMPORARY}/probe");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::DIRECT | OFlags::CLOEXEC;
        let works = rustix::fs::openat(&self.root, &name, flags, Mode::RUSR | Mode::WUSR)
            .and_then(|file| with_page(|page| rustix::io::pwrite(&file, page, 0)));
        match rustix::fs::unlinkat(&self.root, &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(LocalError::system("remove", name)(error)),
        }
        match works {
            Ok(written) => Ok(written == ALIGNMENT),
            Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(LocalError::system("write", name)(error)),
        }
    }

    fn open_file(&self, name: &str, flags: OFlags) -> Result<OwnedFd, LocalError> {
        let file = rustix::fs::openat(&self.root, name, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
        file.map_err(LocalError::system("open", name))
    }

    /// Makes the names in a folder survive loss of power.
    fn sync(&self, folder: &str) -> Result<(), LocalError> {
        let file = self.open_file(folder, OFlags::RDONLY | OFlags::DIRECTORY)?;
        rustix::fs::fsync(file).map_err(LocalError::system("sync", folder))
    }

    /// Renames, unless the new name is taken. Some file systems cannot rename so, but all can link so.
    fn rename_new(&self, from: &str, to: &str) -> Result<(), Errno> {
        match rustix::fs::renameat_with(&self.root, from, &self.root, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                rustix::fs::linkat(&self.root, from, &self.root, to, AtFlags::empty())?;
                rustix::fs::unlinkat(&self.root, from, AtFlags::empty())
            }
            renamed => renamed,
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = rustix::fs::unlinkat(&self.folder.root, &self.name, AtFlags::empty())
        {
            tracing::warn!(name = self.name, %error, "a temporary file stays until the next start");
        }
    }
}

/// One process at a time: another would take our temporary files for left-overs. The lock dies with the process.
fn lock(root: &OwnedFd, path: &Path) -> Result<OwnedFd, LocalError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let lock =
        rustix::fs::openat(root, "lock", flags, Mode::RUSR | Mode::WUSR).map_err(LocalError::system("open", "lock"))?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(Errno::WOULDBLOCK) => Err(LocalError::InUse { path: path.to_owned() }),
        Err(error) => Err(LocalError::system("lock", path.display())(error)),
    }
}

fn shard(first_byte: u8) -> String {
    format!("{first_byte:02x}")
}

fn shard_of(id: BlobId) -> String {
    shard(id.as_bytes()[0])
}

fn name(id: BlobId) -> String {
    format!("{}/{id}", shard_of(id))
}
