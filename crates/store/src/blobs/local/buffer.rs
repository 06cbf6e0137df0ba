//! Page-aligned buffers, made once and lent for one write each: a fresh megabyte costs more to touch than to encrypt.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What direct writes must be aligned to, in memory, in the file, and in length: the page, which no disk's block exceeds.
pub(super) const ALIGNMENT: usize = 4096;

/// Bytes of one write: large enough that a direct write costs little more than its copy, small enough that two of them
/// for each body in transit fit in memory. A mebibyte fits with the head, the tags and the record that it is sealed with, so that
/// bodies of this common size are one write. A multiple of [`ALIGNMENT`].
pub(super) const WINDOW: usize = (1 << 20) + (64 << 10);

/// The buffers, and the right to use one.
pub(super) struct Pool {
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Buffer>>,
}

/// A buffer on loan; it goes back when dropped.
pub(super) struct Lent {
    pool: Arc<Pool>,
    buffer: Option<Buffer>,
    _permit: OwnedSemaphorePermit,
}

/// `WINDOW` aligned bytes within a somewhat larger allocation.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Pool {
    /// A pool that lends up to so many buffers at once, and makes them as they are first needed.
    pub(super) fn new(buffers: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(buffers)), idle: Mutex::default() }
    }

    /// Waits for a buffer.
    pub(super) async fn lend(self: &Arc<Self>) -> Lent {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        Lent { pool: Arc::clone(self), buffer: self.idle().pop(), _permit: permit }
    }

    /// The list is whole at every moment, so a panic elsewhere while it was locked does no harm.
    fn idle(&self) -> MutexGuard<'_, Vec<Buffer>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Offers one aligned page of zeros to `write`.
pub(super) fn with_page<T>(write: impl FnOnce(&[u8]) -> T) -> T {
    write(&Buffer::new().bytes()[..ALIGNMENT])
}

impl Lent {
    /// Copies the pieces in, up to `WINDOW` bytes together, then zeros to the next multiple of `alignment`; answers them.
    pub(super) fn fill(&mut self, pieces: &[Bytes], alignment: usize) -> &[u8] {
        let bytes = self.buffer.get_or_insert_with(Buffer::new).bytes();
        let mut end = 0;
        for piece in pieces {
            bytes[end..end + piece.len()].copy_from_slice(piece);
            end += piece.len();
        }
        let padded = end.next_multiple_of(alignment);
        bytes[end..padded].fill(0);
        &bytes[..padded]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.pool.idle().extend(self.buffer.take());
    }
}

impl Buffer {
    fn new() -> Self {
        let bytes = vec![0; WINDOW + ALIGNMENT];
        let start = bytes.as_ptr().align_offset(ALIGNMENT);
        Self { bytes, start }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + WINDOW]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_filled_buffer_is_aligned_padded_with_zeros_and_used_again() {
        let pool = Arc::new(Pool::new(1));
        let mut lent = pool.lend().await;
        let full = lent.fill(&[Bytes::from(vec![1; WINDOW])], ALIGNMENT);
        assert_eq!((full.len(), full.as_ptr().addr() % ALIGNMENT), (WINDOW, 0));
        let address = full.as_ptr().addr();
        drop(lent);
        let mut lent = pool.lend().await;
        let some = lent.fill(&[Bytes::from_static(b"ab"), Bytes::new(), Bytes::from_static(b"c")], ALIGNMENT);
        assert_eq!((some.as_ptr().addr(), some.len()), (address, ALIGNMENT));
        assert_eq!(&some[..4], b"abc\0");
        assert!(some[3..].iter().all(|byte| *byte == 0), "nothing of an earlier blob is written into the padding");
        assert_eq!(lent.fill(&[Bytes::from_static(b"abc")], 1), b"abc");
        assert!(lent.fill(&[], ALIGNMENT).is_empty());
    }

    #[tokio::test]
    async fn no_more_buffers_are_lent_than_there_are() {
        let pool = Arc::new(Pool::new(2));
        let _first = pool.lend().await;
        let second = pool.lend().await;
        assert!(futures_util::FutureExt::now_or_never(pool.lend()).is_none());
        drop(second);
        pool.lend().await;
    }
}
