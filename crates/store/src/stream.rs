//! The one stream type of this crate: a body on its way in or out, plain or sealed.

use std::{io, pin::Pin};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};

/// A body in pieces of any size. An `Err` item is the last one and means that the body is not whole: whoever writes it
/// somewhere must discard what came before. A clean end is a promise that everything was delivered.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A stream of exactly these bytes: one piece, or none if there is nothing to send.
pub fn once(bytes: Bytes) -> ByteStream {
    if bytes.is_empty() { Box::pin(stream::empty()) } else { Box::pin(stream::once(async { Ok(bytes) })) }
}

/// Gathers a stream into memory.
///
/// # Errors
/// The stream's own error, or `FileTooLarge` as soon as more than `limit` bytes have come.
pub async fn collect(mut stream: ByteStream, limit: usize) -> io::Result<Bytes> {
    let mut first = Bytes::new();
    let mut gathered = BytesMut::new();
    while let Some(piece) = stream.next().await.transpose()? {
        if piece.len() > limit - gathered.len() - first.len() {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("body of more than {limit} bytes")));
        }
        if gathered.is_empty() && first.is_empty() {
            first = piece;
            continue;
        }
        gathered.extend_from_slice(&std::mem::take(&mut first));
        gathered.extend_from_slice(&piece);
    }
    Ok(if gathered.is_empty() { first } else { gathered.freeze() })
}

/// A stream, read in amounts of the reader's choice.
pub(crate) struct Pieces {
    stream: ByteStream,
    /// What has come and was not taken yet.
    rest: Bytes,
    /// The stream has said so, and must not be asked again.
    ended: bool,
}

impl Pieces {
    /// Nothing is read yet.
    pub(crate) fn new(stream: ByteStream) -> Self {
        Self { stream, rest: Bytes::new(), ended: false }
    }

    /// Fills `buffer` up to `len` bytes, or to the stream's end.
    pub(crate) async fn fill(&mut self, buffer: &mut Vec<u8>, len: usize) -> io::Result<()> {
        while buffer.len() < len && !self.has_ended().await? {
            let taken = self.rest.split_to(self.rest.len().min(len - buffer.len()));
            buffer.extend_from_slice(&taken);
        }
        Ok(())
    }

    /// Whether nothing more comes.
    pub(crate) async fn has_ended(&mut self) -> io::Result<bool> {
        while self.rest.is_empty() && !self.ended {
            match self.stream.next().await.transpose()? {
                Some(piece) => self.rest = piece,
                None => self.ended = true,
            }
        }
        Ok(self.rest.is_empty())
    }

    /// What has not been taken yet.
    pub(crate) fn into_rest(self) -> ByteStream {
        Box::pin(once(self.rest).chain(self.stream))
    }
}

/// A stream, read in amounts of the reader's choice that may be changed in place. Bytes are copied only where an amount
/// spans two pieces, or somebody else holds the piece.
pub(crate) struct Windows {
    stream: ByteStream,
    rest: BytesMut,
}

impl Windows {
    /// Nothing is read yet.
    pub(crate) fn new(stream: ByteStream) -> Self {
        Self { stream, rest: BytesMut::new() }
    }

    /// The next `len` bytes, or what there is to the stream's end.
    pub(crate) async fn take(&mut self, len: usize) -> io::Result<BytesMut> {
        let mut taken = self.rest.split_to(len.min(self.rest.len()));
        while taken.len() < len
            && let Some(piece) = self.stream.next().await.transpose()?
        {
            let mut piece = piece.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared));
            let head = piece.split_to((len - taken.len()).min(piece.len()));
            self.rest = piece;
            if taken.is_empty() {
                taken = head;
            } else {
                taken.reserve(len - taken.len());
                taken.extend_from_slice(&head);
            }
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(parts: &[&'static str]) -> ByteStream {
        let parts: Vec<_> = parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect();
        Box::pin(stream::iter(parts))
    }

    #[tokio::test]
    async fn collects_pieces_in_order() {
        assert_eq!(collect(pieces(&["ab", "", "c", "def"]), 6).await.unwrap(), "abcdef");
        assert_eq!(collect(pieces(&[]), 0).await.unwrap(), "");
        assert_eq!(collect(once(Bytes::from_static(b"x")), 1).await.unwrap(), "x");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_an_error() {
        for parts in [&["abcdefg"][..], &["abcdef", "g"], &["a", "bcdef", "g"]] {
            assert_eq!(collect(pieces(parts), 6).await.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        }
    }

    #[tokio::test]
    async fn windows_are_taken_in_any_length() {
        let whole = "abcdefghij";
        for parts in [&["abcdefghij"][..], &["abc", "", "defgh", "ij"], &["a", "b", "cdefghij"]] {
            for len in 1..=11 {
                let mut windows = Windows::new(pieces(parts));
                let mut taken = Vec::new();
                while taken.len() < whole.len() {
                    let window = windows.take(len).await.unwrap();
                    assert_eq!(window.len(), len.min(whole.len() - taken.len()));
                    taken.extend_from_slice(&window);
                }
                assert_eq!(taken, whole.as_bytes());
                assert!(windows.take(len).await.unwrap().is_empty());
            }
        }
    }

    #[tokio::test]
    async fn a_window_within_a_piece_is_not_copied() {
        let piece = Bytes::from(vec![7; 100]);
        let start = piece.as_ptr();
        let mut windows = Windows::new(once(piece));
        let (first, second) = (windows.take(40).await.unwrap(), windows.take(60).await.unwrap());
        assert_eq!((first.as_ptr(), second.as_ptr()), (start, start.wrapping_add(40)));
    }

    #[tokio::test]
    async fn a_failed_stream_gives_no_bytes() {
        let failing: ByteStream =
            Box::pin(stream::iter([Ok(Bytes::from_static(b"ab")), Err(io::Error::other("cut off"))]));
        assert_eq!(collect(failing, 100).await.unwrap_err().to_string(), "cut off");
    }
}
