//! Storing one blob: pieces are gathered on the caller's task, while the window before them is written on a thread for
//! that, past the page cache where the file system allows it.

use std::{io, sync::Arc};

use bytes::Bytes;
use futures_util::StreamExt as _;
use rustix::{
    fs::{FallocateFlags, fallocate, fdatasync, ftruncate},
    io::{Errno, pwrite},
};

use super::{
    BlobError, BlobId, LocalError, blocking,
    buffer::{Lent, Pool, WINDOW},
    folder::{Folder, Temporary},
};
use crate::stream::ByteStream;

/// Disk space is reserved in steps of this size, so that a large blob lies in few extents. One of a single window needs none.
const RESERVATION: u64 = 16 << 20;

/// Pieces in a window; beyond that they are joined, so that a stream of tiny pieces needs no more memory than others.
const PIECES: usize = 1024;

/// Stores one blob. Holds up to two windows: one being gathered, one being written.
pub(super) async fn put(
    folder: &Arc<Folder>,
    buffers: &Arc<Pool>,
    id: BlobId,
    bytes: ByteStream,
) -> Result<u64, BlobError> {
    let mut gatherer = Gatherer { bytes, rest: Bytes::new() };
    let mut window = gatherer.next().await.map_err(BlobError::Stream)?;
    let folder = Arc::clone(folder);
    if window.is_last {
        let buffer = buffers.lend().await;
        return Ok(blocking(move || Writer::create(folder, id)?.finish(window, buffer)).await?);
    }
    let mut writer = blocking(move || Writer::create(folder, id)).await?;
    while !window.is_last {
        let buffer = buffers.lend().await;
        let writing = tokio::task::spawn_blocking(move || writer.write(window, buffer));
        let gathered = gatherer.next().await;
        writer = writing.await.map_err(LocalError::from)??;
        window = match gathered {
            Ok(window) => window,
            Err(error) => return Err(writer.abandon(error).await),
        };
    }
    let buffer = buffers.lend().await;
    Ok(blocking(move || writer.finish(window, buffer)).await?)
}

/// Part of a body: all but the last are full.
struct Window {
    pieces: Vec<Bytes>,
    len: usize,
    is_last: bool,
}

/// Cuts a stream into windows.
struct Gatherer {
    bytes: ByteStream,
    /// What was left of the last piece.
    rest: Bytes,
}

impl Gatherer {
    async fn next(&mut self) -> io::Result<Window> {
        let mut window = Window { pieces: Vec::new(), len: 0, is_last: false };
        while window.len < WINDOW {
            while self.rest.is_empty() {
                match self.bytes.next().await.transpose()? {
                    Some(piece) => self.rest = piece,
                    None => return Ok(Window { is_last: true, ..window }),
                }
            }
            let taken = self.rest.len().min(WINDOW - window.len);
            window.push(self.rest.split_to(taken));
        }
        Ok(window)
    }
}

impl Window {
    fn push(&mut self, piece: Bytes) {
        if self.pieces.len() == PIECES {
            self.pieces = vec![self.pieces.concat().into()];
        }
        self.len += piece.len();
        self.pieces.push(piece);
    }
}

/// A blob on its way to disk. Dropped anywhere before the end of [`Writer::finish`], it leaves nothing.
struct Writer {
    folder: Arc<Folder>,
    id: BlobId,
    temporary: Temporary,
    /// Bytes of the blob in the file.
    written: u64,
    /// Bytes for which there is disk space; `u64::MAX` where space cannot be reserved.
    reserved: u64,
}

impl Writer {
    /// Makes the file. Blocks.
    fn create(folder: Arc<Folder>, id: BlobId) -> Result<Self, LocalError> {
        let temporary = folder.create(id)?;
        Ok(Self { folder, id, temporary, written: 0, reserved: 0 })
    }

    /// Writes a full window. Blocks.
    fn write(mut self, window: Window, mut buffer: Lent) -> Result<Self, LocalError> {
        self.reserve(window.len as u64)?;
        self.write_at_end(&window, &mut buffer)?;
        Ok(self)
    }

    /// Writes the last window, and makes the blob durable under its name. Blocks.
    fn finish(mut self, window: Window, mut buffer: Lent) -> Result<u64, LocalError> {
        self.write_at_end(&window, &mut buffer)?;
        // Cuts off the padding of the last window, and what was reserved beyond.
        ftruncate(&self.temporary.file, self.written).map_err(LocalError::system("truncate", &self.temporary.name))?;
        fdatasync(&self.temporary.file).map_err(LocalError::system("sync", &self.temporary.name))?;
        self.folder.publish(self.temporary, self.id)?;
        Ok(self.written)
    }

    fn reserve(&mut self, more: u64) -> Result<(), LocalError> {
        if self.written + more <= self.reserved {
            return Ok(());
        }
        match fallocate(&self.temporary.file, FallocateFlags::empty(), self.written, RESERVATION) {
            Ok(()) => self.reserved = self.written + RESERVATION,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.reserved = u64::MAX,
            Err(error) => return Err(LocalError::system("reserve space for", &self.temporary.name)(error)),
        }
        Ok(())
    }

    fn write_at_end(&mut self, window: &Window, buffer: &mut Lent) -> Result<(), LocalError> {
        let mut bytes = buffer.fill(&window.pieces, self.folder.alignment());
        let mut offset = self.written;
        while !bytes.is_empty() {
            let count = pwrite(&self.temporary.file, bytes, offset).and_then(none_is_an_error);
            let count = count.map_err(LocalError::system("write", &self.temporary.name))?;
            bytes = &bytes[count..];
            offset += count as u64;
        }
        self.written += window.len as u64;
        Ok(())
    }

    /// Removes the file where that may block.
    async fn abandon(self, error: io::Error) -> BlobError {
        match tokio::task::spawn_blocking(|| drop(self)).await {
            Ok(()) => BlobError::Stream(error),
            Err(panicked) => LocalError::from(panicked).into(),
        }
    }
}

fn none_is_an_error(count: usize) -> Result<usize, Errno> {
    if count == 0 { Err(Errno::IO) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn windows(pieces: impl IntoIterator<Item = usize>) -> Vec<(usize, usize, bool)> {
        let pieces: Vec<_> = pieces.into_iter().map(|len| Ok(Bytes::from(vec![7; len]))).collect();
        let mut gatherer = Gatherer { bytes: Box::pin(stream::iter(pieces)), rest: Bytes::new() };
        let mut found = Vec::new();
        while !found.last().is_some_and(|(_, _, is_last)| *is_last) {
            let window = gatherer.next().await.unwrap();
            assert_eq!(window.len, window.pieces.iter().map(Bytes::len).sum::<usize>());
            found.push((window.len, window.pieces.len(), window.is_last));
        }
        found
    }

    #[tokio::test]
    async fn all_windows_but_the_last_are_full() {
        assert_eq!(windows([]).await, [(0, 0, true)]);
        assert_eq!(windows([3, 0, 4]).await, [(7, 2, true)]);
        assert_eq!(windows([WINDOW]).await, [(WINDOW, 1, false), (0, 0, true)]);
        assert_eq!(windows([WINDOW - 1, 3]).await, [(WINDOW, 2, false), (2, 1, true)]);
        assert_eq!(windows([2 * WINDOW + 1]).await, [(WINDOW, 1, false), (WINDOW, 1, false), (1, 1, true)]);
    }

    #[tokio::test]
    async fn tiny_pieces_are_joined() {
        let found = windows(std::iter::repeat_n(1, 3 * PIECES)).await;
        assert_eq!((found[0].0, found.len()), (3 * PIECES, 1));
        assert!(found[0].1 <= PIECES);
    }
}
