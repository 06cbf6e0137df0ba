//! The number of the last acknowledged commit, in a small file beside the engine.
//!
//! The engine's journal ends where its bytes stop making sense, so a damaged journal looks like a shorter one, and the
//! store would open with less than it had promised. The committer therefore writes the number of each synced commit here
//! *before* it answers, without a sync of its own, which would halve the commit rate. What that detects at the next start:
//!
//! * the process was killed, or stopped: every acknowledged commit that is missing;
//! * the machine lost power: those that were acknowledged before the kernel last wrote this file back, which it does
//!   within half a minute or so. The file is never *ahead* of the synced journal, so there are no false alarms.

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::{
    fd::OwnedFd,
    fs::{Mode, OFlags, fdatasync, fsync, open, rename},
    io::{Errno, pread, pwrite},
};

/// The number and its complement: a damaged file is told from a true number.
const BYTES: usize = 16;

/// The open file.
pub(super) struct HighWater {
    file: OwnedFd,
}

/// What the file said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// There is no such file.
    Missing,
    /// It does not hold a number.
    Damaged,
    /// The number of the last acknowledged commit, as far as the disk knows.
    At(u64),
}

/// The file in a store's folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("acknowledged")
}

/// Reads the number, before the engine opens.
pub(super) fn read(folder: &Path) -> io::Result<Mark> {
    let file = match open(path(folder), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Mark::Missing),
        file => file?,
    };
    let mut bytes = [0; BYTES + 1];
    let len = pread(&file, &mut bytes, 0)?;
    Ok(decode(&bytes[..len]).map_or(Mark::Damaged, Mark::At))
}

impl HighWater {
    /// Opens the file to record commits, and makes it first, saying zero, if there is none. The new file appears whole or
    /// not at all.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let path = path(folder);
        match open(&path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => return Ok(Self { file }),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let new = folder.join("acknowledged.new");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let mark = Self { file: open(&new, flags, Mode::RUSR | Mode::WUSR)? };
        mark.record(0)?;
        mark.sync()?;
        rename(&new, &path)?;
        fsync(open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)?;
        Ok(mark)
    }

    /// Records a commit that the engine has synced. A few bytes over ones already there: a write into the page cache.
    pub(super) fn record(&self, sequence: u64) -> io::Result<()> {
        match pwrite(&self.file, &encode(sequence), 0)? {
            BYTES => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    /// Makes the last record survive loss of power too: for an orderly stop.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(fdatasync(&self.file)?)
    }
}

fn encode(sequence: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&sequence.to_le_bytes());
    bytes[8..].copy_from_slice(&(!sequence).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let (sequence, complement) = bytes.split_first_chunk::<8>()?;
    let sequence = u64::from_le_bytes(*sequence);
    (complement == (!sequence).to_le_bytes()).then_some(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_last_number_across_opens() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), Mark::Missing);
        let mark = HighWater::open(folder.path()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Mark::At(0));
        mark.record(u64::MAX).unwrap();
        drop(mark);
        HighWater::open(folder.path()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Mark::At(u64::MAX));
    }

    #[test]
    fn any_flipped_bit_and_any_other_length_is_seen() {
        let good = encode(0x0123_4567_89ab_cdef);
        assert_eq!(decode(&good), Some(0x0123_4567_89ab_cdef));
        for bit in 0..BYTES * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bad), None, "bit {bit}");
        }
        for len in 0..BYTES {
            assert_eq!(decode(&good[..len]), None, "{len} bytes");
        }
        assert_eq!(decode(&[&good[..], &[0]].concat()), None);
    }
}
