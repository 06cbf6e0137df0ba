//! Streams of plaintext into streams of sealed chunks, what was promised of them held true on the way. `crate::opening` goes the
//! other way.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use strongroom_model::checksum::Checksum;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::object::ExpectedDigests;
use strongroom_seal::{CHUNK, ContentKey, PartId, Sealer};

use super::digests::{Digests, Tally};
use crate::stream::{ByteStream, Pieces, once};

/// The longest tag of any suite: what a chunk's buffer has room for beyond the chunk.
const TAG_MAX: usize = 16;

/// The checksums that arrived behind a body; filled, if at all, before its stream ends.
pub type Trailer = Arc<OnceLock<Vec<Checksum>>>;

/// What is wanted of a plaintext, besides sealing it.
pub(super) struct Inspection {
    /// The digests to compute.
    pub(super) digests: Digests,
    /// What they must come to.
    pub(super) expected: ExpectedDigests,
    /// What else they must come to.
    pub(super) trailer: Trailer,
    /// Bytes of plaintext at most.
    pub(super) limit: u64,
    /// Where the result goes, before the sealed stream ends.
    pub(super) tally: Arc<OnceLock<Tally>>,
}

/// The sealed chunks of `plaintext`, behind `head`. If the plaintext does not come to what was declared of it, or ends in
/// an error, so does the result, before the last chunk: what was written can never be read.
pub(super) fn seal_stream(
    content: &ContentKey,
    part: &PartId,
    head: Bytes,
    plaintext: ByteStream,
    inspection: Inspection,
) -> ByteStream {
    let sealing =
        Sealing { sealer: Sealer::new(content, part), source: Pieces::new(plaintext), inspection: Some(inspection) };
    let chunks = stream::try_unfold(sealing, |mut sealing| async move {
        let chunk = sealing.next_chunk().await?;
        Ok(chunk.map(|chunk| (chunk, sealing)))
    });
    Box::pin(once(head).chain(chunks))
}

struct Sealing {
    sealer: Sealer,
    source: Pieces,
    /// None once the last chunk was sealed.
    inspection: Option<Inspection>,
}

impl Sealing {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let Some(mut inspection) = self.inspection.take() else { return Ok(None) };
        let mut chunk = Vec::with_capacity(CHUNK + TAG_MAX);
        self.source.fill(&mut chunk, CHUNK).await?;
        let last = self.source.has_ended().await?;
        inspection.take(&chunk).map_err(io::Error::other)?;
        if last {
            inspection.conclude().map_err(io::Error::other)?;
        } else {
            self.inspection = Some(inspection);
        }
        let tag = self.sealer.seal(&mut chunk, last).map_err(io::Error::other)?;
        chunk.extend_from_slice(tag.as_ref());
        Ok(Some(chunk.into()))
    }
}

impl Inspection {
    fn take(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        self.digests.update(chunk);
        if self.digests.size() > self.limit { Err(FailureCode::EntityTooLarge.into()) } else { Ok(()) }
    }

    fn conclude(self) -> Result<(), Failure> {
        let tally = self.digests.finish();
        tally.verify(&self.expected, self.trailer.get().map_or(&[], Vec::as_slice))?;
        self.tally.set(tally).map_err(|_| FailureCode::Internal.into())
    }
}

/// Reads up to `limit` bytes. The stream that comes back, if any, is what did not fit, and is not empty.
pub(super) async fn take_up_to(plaintext: ByteStream, limit: usize) -> io::Result<(Bytes, Option<ByteStream>)> {
    let mut pieces = Pieces::new(plaintext);
    let mut taken = Vec::new();
    pieces.fill(&mut taken, limit).await?;
    if pieces.has_ended().await? {
        return Ok((taken.into(), None));
    }
    Ok((taken.into(), Some(pieces.into_rest())))
}

#[cfg(test)]
mod tests {
    use strongroom_seal::{Manifest, Part};

    use super::*;
    use crate::{
        opening::{Source, first, open_stream},
        stream::collect,
    };

    const PART: PartId = PartId { salt: [1; 32], number: 1 };

    fn inspection(limit: u64) -> (Inspection, Arc<OnceLock<Tally>>) {
        let tally = Arc::new(OnceLock::new());
        let inspection = Inspection {
            digests: Digests::new(false, []),
            expected: ExpectedDigests::default(),
            trailer: Trailer::default(),
            limit,
            tally: tally.clone(),
        };
        (inspection, tally)
    }

    fn pieces(bytes: &[u8], len: usize) -> ByteStream {
        let pieces: Vec<_> = bytes.chunks(len).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Box::pin(stream::iter(pieces))
    }

    /// However the plaintext arrives, the sealed form is the same, and opens to it in any range.
    #[tokio::test]
    async fn pieces_of_any_length_seal_alike() {
        let plain: Vec<u8> = (0..2 * CHUNK + 5).map(|n| (n % 251) as u8).collect();
        let mut forms = Vec::new();
        for len in [1000, CHUNK - 1, CHUNK, CHUNK + 1, plain.len()] {
            let (inspection, tally) = inspection(plain.len() as u64);
            let head = Bytes::from_static(b"head");
            let sealed = seal_stream(&ContentKey::plain(), &PART, head, pieces(&plain, len), inspection);
            forms.push(collect(sealed, usize::MAX).await.unwrap());
            assert_eq!(tally.get().unwrap().size, plain.len() as u64);
        }
        assert!(forms.windows(2).all(|pair| pair[0] == pair[1]));
        let part = Part { id: PART, size: plain.len() as u64, header_len: 0, blob: [0; 16] };
        let manifest = Manifest::new(vec![part], Vec::new()).unwrap();
        for range in [0..plain.len(), 5..6, CHUNK - 1..CHUNK + 1, plain.len() - 1..plain.len()] {
            let source = Source::from(forms[0].slice(4..));
            let wanted = range.start as u64..range.end as u64;
            let opened = open_stream(ContentKey::plain(), &manifest, wanted, source).unwrap();
            assert_eq!(collect(first(opened).await.unwrap(), usize::MAX).await.unwrap(), plain[range]);
        }
    }

    #[tokio::test]
    async fn a_body_past_its_limit_is_too_large() {
        for (size, fits) in [(70_000, true), (70_001, false)] {
            let (inspection, tally) = inspection(70_000);
            let body = pieces(&vec![1; size], 999);
            let sealed = seal_stream(&ContentKey::plain(), &PART, Bytes::new(), body, inspection);
            let sealed = collect(sealed, usize::MAX).await;
            assert_eq!((sealed.is_ok(), tally.get().is_some()), (fits, fits));
            if let Err(error) = sealed {
                let failure = crate::failure::of_stream(error, FailureCode::Internal);
                assert_eq!(failure.code, FailureCode::EntityTooLarge);
            }
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_comes_back_behind_what_does() {
        for (size, fits) in [(0, true), (9, true), (10, true), (11, false), (100, false)] {
            let bytes = vec![7; size];
            let (taken, rest) = take_up_to(pieces(&bytes, 6), 10).await.unwrap();
            assert_eq!((taken.len(), rest.is_none()), (size.min(10), fits));
            if let Some(rest) = rest {
                assert_eq!(collect(rest, usize::MAX).await.unwrap().len(), size - 10);
            }
        }
    }
}
