//! A file for each value, written by the system calls of the store's blob writer in their order: a temporary file is made, written
//! past the page cache where the file system allows it, cut to its length, synced, renamed into one of 256 folders, and the
//! folder synced.
//!
//! The calls are repeated here, since this program must not know the store.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// What direct writes are aligned to, in memory, in the file, and in length.
const ALIGNMENT: usize = 4096;

/// Writes and syncs under way at once, as in the store.
const CONCURRENT_WRITES: usize = 16;

const TEMPORARY: &str = "temporary";

/// The folder.
pub(super) struct Files {
    root: OwnedFd,
    /// Files are written past the page cache.
    direct: bool,
    lend: Mutex<Receiver<Buffer>>,
    give_back: SyncSender<Buffer>,
}

/// Aligned bytes within a somewhat larger allocation.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Files {
    /// Makes the folder, for files of at most `size` bytes.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(path: &Path, size: usize) -> std::io::Result<Self> {
        fs::create_dir_all(path.join(TEMPORARY))?;
        for shard in 0..=u8::MAX {
            fs::create_dir_all(path.join(format!("{shard:02x}")))?;
        }
        let (give_back, lend) = mpsc::sync_channel(CONCURRENT_WRITES);
        for _ in 0..CONCURRENT_WRITES {
            give_back.send(Buffer::new(size)).expect("the receiver is here");
        }
        let root = rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let files = Self { root, direct: true, lend: Mutex::new(lend), give_back };
        Ok(Self { direct: files.takes_direct_writes()?, ..files })
    }

    /// Writes a file; it is whole and durable when this returns.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn write(&self, name: &[u8; 16], bytes: &[u8]) -> Result<(), Errno> {
        let temporary = format!("{TEMPORARY}/{}", spelled(name));
        let file = self.create(&temporary)?;
        let mut buffer = self.borrow();
        let written = self.fill(&file, bytes, &mut buffer);
        self.give_back.send(buffer).expect("the receiver is here, and has room for all buffers");
        written?;
        let shard = format!("{:02x}", name[0]);
        rustix::fs::renameat_with(&self.root, &temporary, &self.root, path(name), RenameFlags::NOREPLACE)?;
        let shard = self.open_file(&shard, OFlags::RDONLY | OFlags::DIRECTORY)?;
        rustix::fs::fsync(shard)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn read(&self, name: &[u8; 16]) -> Result<Bytes, Errno> {
        let file = self.open_file(&path(name), OFlags::RDONLY)?;
        let size = usize::try_from(rustix::fs::fstat(&file)?.st_size).map_err(|_| Errno::FBIG)?;
        let mut bytes = Vec::with_capacity(size);
        while bytes.len() < size {
            let offset = bytes.len() as u64;
            if rustix::io::pread(&file, spare_capacity(&mut bytes), offset)? == 0 {
                return Err(Errno::IO);
            }
        }
        bytes.truncate(size);
        Ok(bytes.into())
    }

    /// Has the file system write all that it holds back, so that what is counted next is nobody else's.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn flush(folder: &Path) -> Result<(), Errno> {
        let folder =
            rustix::fs::openat(CWD, folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::fs::syncfs(folder)
    }

    /// Empties all files in this folder, which nobody has open.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn empty(folder: &Path) -> std::io::Result<()> {
        for shard in fs::read_dir(folder)? {
            for file in fs::read_dir(shard?.path())? {
                fs::File::create(file?.path())?;
            }
        }
        Ok(())
    }

    fn fill(&self, file: &OwnedFd, bytes: &[u8], buffer: &mut Buffer) -> Result<(), Errno> {
        let aligned = buffer.holding(bytes, if self.direct { ALIGNMENT } else { 1 });
        let mut offset = 0;
        while offset < aligned.len() {
            match rustix::io::pwrite(file, &aligned[offset..], offset as u64)? {
                0 => return Err(Errno::IO),
                count => offset += count,
            }
        }
        rustix::fs::ftruncate(file, bytes.len() as u64)?;
        rustix::fs::fdatasync(file)
    }

    fn takes_direct_writes(&self) -> Result<bool, Errno> {
        let probe = format!("{TEMPORARY}/probe");
        let mut page = Buffer::new(ALIGNMENT);
        let works = self.create(&probe).and_then(|file| self.fill(&file, &[0; ALIGNMENT], &mut page));
        match rustix::fs::unlinkat(&self.root, &probe, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
        match works {
            Ok(()) => Ok(true),
            Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn create(&self, name: &str) -> Result<OwnedFd, Errno> {
        let direct = if self.direct { OFlags::DIRECT } else { OFlags::empty() };
        self.open_file(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | direct)
    }

    fn open_file(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(&self.root, name, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)
    }

    /// Waits for a buffer. Whoever waits holds the lock, so that the others wait for the lock in its place.
    fn borrow(&self) -> Buffer {
        let lend = self.lend.lock().unwrap_or_else(PoisonError::into_inner);
        lend.recv().expect("the sender is here")
    }
}

impl Buffer {
    fn new(size: usize) -> Self {
        let bytes = vec![0; size.next_multiple_of(ALIGNMENT) + ALIGNMENT];
        let start = bytes.as_ptr().align_offset(ALIGNMENT);
        Self { bytes, start }
    }

    /// These bytes, then zeros to the next multiple of `alignment`.
    fn holding(&mut self, bytes: &[u8], alignment: usize) -> &[u8] {
        let padded = bytes.len().next_multiple_of(alignment);
        let held = &mut self.bytes[self.start..self.start + padded];
        held[..bytes.len()].copy_from_slice(bytes);
        held[bytes.len()..].fill(0);
        held
    }
}

fn path(name: &[u8; 16]) -> String {
    format!("{:02x}/{}", name[0], spelled(name))
}

fn spelled(name: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_any_length_are_there_under_their_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(folder.path(), 3 * ALIGNMENT).expect("an empty folder");
        let lengths = [1, ALIGNMENT - 1, ALIGNMENT, ALIGNMENT + 1, 3 * ALIGNMENT];
        for (len, number) in lengths.into_iter().zip(0xfa..) {
            let (name, bytes) = ([number; 16], vec![7; len]);
            files.write(&name, &bytes).expect("written");
            assert_eq!(files.read(&name), Ok(Bytes::from(bytes.clone())));
            assert_eq!(fs::read(folder.path().join(path(&name))).expect("a file"), bytes);
            assert_eq!(files.write(&name, b"another"), Err(Errno::EXIST), "a name is used once");
            fs::remove_file(folder.path().join(TEMPORARY).join(spelled(&name))).expect("what the refused one left");
        }
        assert_eq!(fs::read_dir(folder.path().join(TEMPORARY)).expect("a folder").count(), 0);
    }
}
