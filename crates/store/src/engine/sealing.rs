//! Streams of plaintext into streams of sealed chunks, and back: the only place where the two meet.

use std::{
    io,
    ops::Range,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom_model::checksum::Checksum;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::object::ExpectedDigests;
use strongroom_seal::{CHUNK, ContentKey, Manifest, Opener, Part, PartId, Sealer, Window};

use super::digests::{Digests, Tally};
use crate::{
    blob_id::BlobId,
    blobs::Blobs,
    stream::{ByteStream, once},
};

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

/// A stream, read in amounts of the reader's choice.
struct Pieces {
    stream: ByteStream,
    /// What has come and was not taken yet.
    rest: Bytes,
    /// The stream has said so, and must not be asked again.
    ended: bool,
}

impl Pieces {
    fn new(stream: ByteStream) -> Self {
        Self { stream, rest: Bytes::new(), ended: false }
    }

    /// Fills `buffer` up to `len` bytes, or to the stream's end.
    async fn fill(&mut self, buffer: &mut Vec<u8>, len: usize) -> io::Result<()> {
        while buffer.len() < len && !self.has_ended().await? {
            let taken = self.rest.split_to(self.rest.len().min(len - buffer.len()));
            buffer.extend_from_slice(&taken);
        }
        Ok(())
    }

    /// Whether nothing more comes.
    async fn has_ended(&mut self) -> io::Result<bool> {
        while self.rest.is_empty() && !self.ended {
            match self.stream.next().await.transpose()? {
                Some(piece) => self.rest = piece,
                None => self.ended = true,
            }
        }
        Ok(self.rest.is_empty())
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
    Ok((taken.into(), Some(Box::pin(once(pieces.rest).chain(pieces.stream)))))
}

/// Where the sealed bytes of an object lie.
#[derive(Clone)]
pub(super) enum Source {
    /// In the catalog: the object's only part.
    Inline(Bytes),
    /// In blobs, which the manifest names.
    Blobs(Arc<dyn Blobs>),
}

impl Source {
    /// The ciphertext of `range`, counted from the part's first chunk.
    async fn read(&self, part: &Part, range: Range<u64>) -> io::Result<ByteStream> {
        match self {
            Self::Inline(bytes) => {
                let range = range.start as usize..range.end as usize;
                let piece = bytes.get(range).ok_or_else(|| damaged("an inline object is cut short"))?;
                Ok(once(bytes.slice_ref(piece)))
            }
            Self::Blobs(blobs) => {
                let head = u64::from(part.header_len);
                let id = BlobId::from_bytes(part.blob);
                blobs.read(&id, head + range.start..head + range.end).await.map_err(io::Error::other)
            }
        }
    }
}

/// The plaintext of `range`, opened chunk by chunk as it is asked for. `range` is within the object.
pub(super) fn open_stream(
    content: ContentKey,
    manifest: &Manifest,
    range: Range<u64>,
    source: Source,
) -> Result<ByteStream, strongroom_seal::Error> {
    let content = Arc::new(content);
    let plans: Vec<(Part, Window)> = manifest
        .locate(range)?
        .map(|extent| Ok((*extent.part, Window::plan(content.suite(), extent.part.size, extent.range)?)))
        .collect::<Result<_, _>>()?;
    let parts =
        stream::iter(plans).then(move |(part, window)| open_part(content.clone(), source.clone(), part, window));
    Ok(Box::pin(parts.try_flatten()))
}

async fn open_part(content: Arc<ContentKey>, source: Source, part: Part, window: Window) -> io::Result<ByteStream> {
    let stream = source.read(&part, window.cipher.clone()).await?;
    let opening = Opening {
        opener: Opener::new(&content, &part.id),
        chunks: Box::new(window.chunks(content.suite())),
        source: Pieces::new(stream),
        skip: window.skip,
        take: window.take,
    };
    Ok(Box::pin(stream::try_unfold(opening, |mut opening| async move {
        let chunk = opening.next_chunk().await?;
        Ok(chunk.map(|chunk| (chunk, opening)))
    })))
}

struct Opening {
    opener: Opener,
    chunks: Box<dyn Iterator<Item = (u32, bool, usize)> + Send>,
    source: Pieces,
    /// Bytes to drop before the first that was asked for.
    skip: usize,
    /// Bytes still to release.
    take: u64,
}

impl Opening {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let Some((index, last, len)) = self.chunks.next() else { return Ok(None) };
        let mut chunk = Vec::with_capacity(len);
        self.source.fill(&mut chunk, len).await?;
        if chunk.len() < len {
            return Err(damaged("the sealed bytes end too soon"));
        }
        let opened = self.opener.open(index, last, &mut chunk).map_err(damaged)?;
        let skip = std::mem::take(&mut self.skip);
        let take = u64::min(self.take, (opened - skip) as u64);
        self.take -= take;
        Ok(Some(Bytes::from(chunk).slice(skip..skip + take as usize)))
    }
}

/// Waits for the first chunk, so that damage found there is an answer of its own and not a broken connection.
///
/// # Errors
/// What the stream began with.
pub(super) async fn first(mut stream: ByteStream) -> io::Result<ByteStream> {
    match stream.next().await.transpose()? {
        Some(chunk) => Ok(Box::pin(once(chunk).chain(stream))),
        None => Ok(stream),
    }
}

fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(Failure::new(FailureCode::Damaged).caused_by(cause))
}

#[cfg(test)]
mod tests {
    use strongroom_seal::Part;

    use super::*;
    use crate::stream::collect;

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
            let source = Source::Inline(forms[0].slice(4..));
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
