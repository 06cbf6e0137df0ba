//! A body in the `aws-chunked` encoding: the object's data in chunks, signed or not, with a checksum after it or not.

use bytes::Bytes;
use futures_util::stream;
use strongroom_model::{
    checksum::ChecksumAlgorithm,
    failure::{Failure, FailureCode},
};
use strongroom_store::{Trailer, stream::ByteStream};
use strongroom_wire::{
    PayloadProof,
    chunked::{Chunks, Step},
};

use super::{OBJECT_BYTES_MAX, Source, broken, unheld};

/// How the head says that the chunks come.
pub(super) struct Framed {
    /// Length of the data without its framing, if it was declared.
    pub(super) length: Option<u64>,
    /// Whether every chunk carries a signature.
    pub(super) signed: bool,
    /// The checksum that follows the last chunk.
    pub(super) trailer: Option<ChecksumAlgorithm>,
}

struct State {
    source: Source,
    chunks: Chunks,
    input: Bytes,
    seen: u64,
    trailer: Trailer,
}

/// The data in the chunks of `source`. The trailing checksum is in `trailer` before the stream ends.
pub(super) fn stream(
    source: Source,
    framed: &Framed,
    proof: Option<PayloadProof>,
    trailer: Trailer,
) -> Result<ByteStream, Failure> {
    let seed = match (framed.signed, proof) {
        (true, Some(PayloadProof::Chunked(seed))) => Some(seed),
        (true, _) => return Err(unheld()),
        (false, None | Some(PayloadProof::Unsigned)) => None,
        (false, _) => return Err(unheld()),
    };
    let chunks = Chunks::new(seed, framed.trailer, framed.length);
    let state = State { source, chunks, input: Bytes::new(), seen: 0, trailer };
    Ok(Box::pin(stream::try_unfold(state, |mut state| async {
        let piece = state.next().await.map_err(broken)?;
        Ok(match piece {
            Some(piece) => Some((piece, state)),
            None => {
                state.finish().map_err(broken)?;
                None
            }
        })
    })))
}

impl State {
    /// The next piece of data; none when the HTTP body has ended.
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Step::Data(piece) = self.chunks.step(&mut self.input)? {
                self.seen += piece.len() as u64;
                if self.seen > OBJECT_BYTES_MAX {
                    return Err(FailureCode::EntityTooLarge.into());
                }
                return Ok(Some(piece));
            }
            match self.source.next().await? {
                Some(more) => self.input = more,
                None => return Ok(None),
            }
        }
    }

    fn finish(self) -> Result<(), Failure> {
        if let Some(checksum) = self.chunks.finish()? {
            self.trailer
                .set(vec![checksum])
                .map_err(|_| Failure::new(FailureCode::Internal).caused_by("the trailer of one body was read twice"))?;
        }
        Ok(())
    }
}
