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
    let (mut reader, first) = blocking(move || {
        let (file, len) = folder.open_blob(id)?;
        if range.end > len {
            return Err(LocalError::Short { id, len, wanted: range.end });
        }
        let mut reader = Reader { file: Arc::new(file), id, rest: range };
        let first = reader.next_window().map(|window| reader.read(window)).transpose()?;
        Ok((reader, first.unwrap_or_default()))
    })
    .await?;
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
#[derive(Clone)]
struct Reader {
    file: Arc<OwnedFd>,
    id: BlobId,
    rest: Range<u64>,
}

impl Reader {
    fn next_window(&mut self) -> Option<Range<u64>> {
        let end = self.rest.end.min(self.rest.start.saturating_add(WINDOW));
        let window = self.rest.start..end;
        self.rest.start = end.max(self.rest.start);
        (!window.is_empty()).then_some(window)
    }

    fn read_ahead(&mut self) -> Option<Reading> {
        let window = self.next_window()?;
        let reader = self.clone();
        Some(tokio::task::spawn_blocking(move || reader.read(window)))
    }

    /// Exactly the bytes of this window. Blocks.
    fn read(&self, window: Range<u64>) -> Result<Bytes, LocalError> {
        let len = usize::try_from(window.end - window.start).expect("a window fits in memory");
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let offset = window.start + bytes.len() as u64;
            let count = pread(&*self.file, spare_capacity(&mut bytes), offset);
            if count.map_err(LocalError::system("read", self.id))? == 0 {
                return Err(LocalError::Short { id: self.id, len: offset, wanted: window.end });
            }
        }
        // The allocation may have been larger than asked for.
        bytes.truncate(len);
        Ok(bytes.into())
    }
}
