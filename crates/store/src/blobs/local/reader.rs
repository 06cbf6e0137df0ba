//! Reading one blob: a short range in one step, a long one in windows, of which one is read ahead.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    stream::{self, Stream},
};
use rustix::{buffer::spare_capacity, fd::OwnedFd, io::pread};
use tokio::task::JoinHandle;

use super::{BlobError, BlobId, LocalError, blocking, folder::Folder};
use crate::stream::ByteStream;

/// Bytes read in one step: eight sealed chunks, so that the reader of chunks finds each whole in one window. Two windows are in
/// memory for each reader; a hand-over between threads is small against the reading of one.
const WINDOW: u64 = 8 * ((64 << 10) + 16);

/// Opens the blob and answers a stream of the range.
pub(super) async fn read(folder: &Arc<Folder>, id: BlobId, range: Range<u64>) -> Result<ByteStream, BlobError> {
    let folder = Arc::clone(folder);
    let mut rest = range.clone();
    let first = Window::next(&mut rest);
    let (file, first) = blocking(move || {
        let (file, len) = folder.open_blob(id)?;
        if range.end > len {
            return Err(LocalError::Short { id, len, wanted: range.end });
        }
        let first = first.map(|window| window.read(&file, id)).transpose()?;
        Ok((Arc::new(file), first.unwrap_or_default()))
    })
    .await?;
    let mut reader = Reader { file, id, rest };
    let Some(ahead) = reader.read_ahead() else { return Ok(crate::stream::once(first)) };
    Ok(Box::pin(stream::once(async { Ok(first) }).chain(windows(reader, ahead))))
}

type Reading = JoinHandle<Result<Bytes, LocalError>>;

/// The windows after the first: while one is sent, the next is read.
fn windows(reader: Reader, ahead: Reading) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((reader, Some(ahead)), |(mut reader, ahead)| async {
        let Some(ahead) = ahead else { return Ok(None) };
        let window =
            ahead.await.map_err(LocalError::from).flatten().map_err(|error| BlobError::from(error).into_io())?;
        let next = reader.read_ahead();
        Ok(Some((window, (reader, next))))
    })
}

/// What is still to be read, and where from.
struct Reader {
    file: Arc<OwnedFd>,
    id: BlobId,
    rest: Range<u64>,
}

impl Reader {
    fn read_ahead(&mut self) -> Option<Reading> {
        let window = Window::next(&mut self.rest)?;
        let (file, id) = (Arc::clone(&self.file), self.id);
        Some(tokio::task::spawn_blocking(move || window.read(&file, id)))
    }
}

/// What is read in one step, and the memory for it. That is taken by whoever asks and not by the thread that reads: of those
/// there are many, and each would keep for itself what was freed.
struct Window {
    range: Range<u64>,
    bytes: Vec<u8>,
}

impl Window {
    /// Takes the first one off what is still to be read.
    fn next(rest: &mut Range<u64>) -> Option<Self> {
        let range = rest.start..rest.end.min(rest.start.saturating_add(WINDOW));
        rest.start = range.end.max(rest.start);
        let len = usize::try_from(range.end.saturating_sub(range.start)).expect("a window fits in memory");
        (len > 0).then(|| Self { range, bytes: Vec::with_capacity(len) })
    }

    /// Exactly its bytes. Blocks.
    fn read(self, file: &OwnedFd, id: BlobId) -> Result<Bytes, LocalError> {
        let Self { range, mut bytes } = self;
        while range.start + (bytes.len() as u64) < range.end {
            let offset = range.start + bytes.len() as u64;
            let count = pread(file, spare_capacity(&mut bytes), offset);
            if count.map_err(LocalError::system("read", id))? == 0 {
                return Err(LocalError::Short { id, len: offset, wanted: range.end });
            }
        }
        // The allocation may have been larger than asked for.
        bytes.truncate((range.end - range.start) as usize);
        Ok(bytes.into())
    }
}
