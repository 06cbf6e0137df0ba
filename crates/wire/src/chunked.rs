//! The `aws-chunked` encoding: an object's data in chunks of its own inside the HTTP body, signed or not, with a trailer
//! or not.
//!
//! ```text
//! <size in hex>[;chunk-signature=<64 hex digits>] CR LF  <data> CR LF       any number of times
//! 0[;chunk-signature=<64 hex digits>] CR LF
//! [x-amz-checksum-<algorithm>:<base64> CR LF]
//! [x-amz-trailer-signature:<64 hex digits> CR LF]
//! CR LF
//! ```
//!
//! [`Chunks`] is pushed bytes and yields data. Data comes out as it comes in, for a chunk may be as large as an object: the
//! verdict on a signed chunk is given before its last piece is released. **Nothing of a body may be believed, or
//! committed, before [`Step::Finished`].**

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{Buf, Bytes};
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_model::failure::{Failure, FailureCode};

use crate::signature::chunk::{ChunkDigest, ChunkSeed};

/// Longest line before a chunk, in bytes with its end: sixteen digits, a signature, and room to spare.
pub const CHUNK_LINE_MAX: usize = 128;

/// Greatest size of one chunk in bytes: that of the largest object a single request may bring, 5 GiB.
pub const CHUNK_SIZE_MAX: u64 = 5 << 30;

/// Longest trailer in bytes: a SHA-256 in base64 and a signature take less than two hundred.
pub const TRAILER_MAX: usize = 1024;

/// The trailer's line with the trailer's signature.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Reads one body.
#[derive(Debug)]
pub struct Chunks {
    /// The chain of signatures, if chunks are signed.
    seed: Option<ChunkSeed>,
    /// The checksum that the head announced as a trailer.
    announced: Option<ChecksumAlgorithm>,
    /// Length of the data, if the head declared it.
    declared: Option<u64>,
    /// Length of the data that has come.
    received: u64,
    state: State,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    trailer: Trailer,
}

/// What a push has come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A piece of the object's data, never empty.
    Data(Bytes),
    /// All input is used up, and more must come.
    NeedsMore,
    /// The body has ended as it should.
    Finished,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The bytes are not of this encoding.
    #[error("the body is not of the aws-chunked encoding: {0}")]
    Malformed(&'static str),
    /// A signature is not that of its chunk.
    #[error("a chunk's signature does not match")]
    Signature,
    /// The data is longer or shorter than declared.
    #[error("the data is not of its declared length")]
    Length,
    /// The trailer is not the one announced.
    #[error("the trailer is not as announced: {0}")]
    Trailer(&'static str),
}

#[derive(Debug)]
enum State {
    /// Before a chunk.
    Opening,
    /// Within a chunk's data.
    Data(Chunk),
    /// After a chunk's data.
    Closing,
    /// After the last chunk.
    Trailer,
    /// At the end.
    Finished {
        /// How many line ends came after it: one does no harm, and `minio-go` sends it.
        surplus: u8,
    },
}

#[derive(Debug)]
struct Chunk {
    left: u64,
    signature: Option<String>,
    digest: Option<ChunkDigest>,
}

#[derive(Debug, Default)]
struct Trailer {
    /// Bytes of it that have come.
    length: usize,
    /// Its lines as they are signed: `name:value` and LF each.
    signed: Vec<u8>,
    checksum: Option<Checksum>,
    signature: Option<String>,
}

impl Chunks {
    /// Begins to read a body.
    ///
    /// `seed` comes from the [`Proof`](crate::claim::Proof) of a request whose chunks are signed; `announced` is what its
    /// `x-amz-trailer` names; `declared` is the data's length without the framing.
    pub fn new(seed: Option<ChunkSeed>, announced: Option<ChecksumAlgorithm>, declared: Option<u64>) -> Self {
        let (state, trailer) = (State::Opening, Trailer::default());
        Self { seed, announced, declared, received: 0, state, line: Vec::new(), trailer }
    }

    /// Takes from `input` what makes the next step. Call again until it needs more or has finished.
    ///
    /// # Errors
    /// The first thing wrong; the body is then of no use.
    pub fn step(&mut self, input: &mut Bytes) -> Result<Step, ChunkError> {
        loop {
            if let State::Finished { surplus } = &mut self.state {
                return finished(surplus, input);
            }
            if input.is_empty() {
                return Ok(Step::NeedsMore);
            }
            if let State::Data(chunk) = &mut self.state {
                let piece = input.split_to(input.len().min(usize::try_from(chunk.left).unwrap_or(usize::MAX)));
                self.take_data(&piece)?;
                return Ok(Step::Data(piece));
            }
            let Some(line) = self.take_line(input)? else { return Ok(Step::NeedsMore) };
            match self.state {
                State::Opening => self.open(&line)?,
                State::Closing if line == b"\r\n" => self.state = State::Opening,
                State::Closing => return Err(ChunkError::Malformed("no line end after a chunk")),
                _ => self.take_trailer(&line)?,
            }
        }
    }

    /// The checksum in the trailer, of a body that has finished.
    ///
    /// # Errors
    /// [`ChunkError::Malformed`] if the body has not finished: it was cut off.
    pub fn finish(self) -> Result<Option<Checksum>, ChunkError> {
        match self.state {
            State::Finished { .. } => Ok(self.trailer.checksum),
            _ => Err(ChunkError::Malformed("the body ends too soon")),
        }
    }

    /// Reads a chunk's first line.
    fn open(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let line = line.strip_suffix(b"\r\n").and_then(|line| std::str::from_utf8(line).ok());
        let line = line.ok_or(ChunkError::Malformed("a chunk's line is not text"))?;
        let (size, signature) = match (line.split_once(";chunk-signature="), &self.seed) {
            (Some((size, signature)), Some(_)) => (size, Some(signature.to_owned())),
            (None, None) => (line, None),
            (Some(_), None) => return Err(ChunkError::Malformed("a chunk is signed, but the request is not")),
            (None, Some(_)) => return Err(ChunkError::Malformed("a chunk is not signed")),
        };
        let left = chunk_size(size)?;
        self.received = self.received.checked_add(left).ok_or(ChunkError::Length)?;
        if self.declared.is_some_and(|declared| self.received > declared) {
            return Err(ChunkError::Length);
        }
        let digest = self.seed.is_some().then(ChunkDigest::new);
        let chunk = Chunk { left, signature, digest };
        if left > 0 {
            self.state = State::Data(chunk);
            return Ok(());
        }
        self.verify(chunk)?;
        self.state = State::Trailer;
        if self.declared.is_some_and(|declared| self.received != declared) { Err(ChunkError::Length) } else { Ok(()) }
    }

    /// Takes in a piece of the chunk that is open, and judges it when it is whole.
    fn take_data(&mut self, piece: &[u8]) -> Result<(), ChunkError> {
        let State::Data(chunk) = &mut self.state else { return Ok(()) };
        chunk.left -= piece.len() as u64;
        if let Some(digest) = &mut chunk.digest {
            digest.update(piece);
        }
        if chunk.left > 0 {
            return Ok(());
        }
        match std::mem::replace(&mut self.state, State::Closing) {
            State::Data(chunk) => self.verify(chunk),
            _ => Ok(()),
        }
    }

    fn verify(&mut self, chunk: Chunk) -> Result<(), ChunkError> {
        let right = match (&mut self.seed, chunk.digest, chunk.signature) {
            (None, None, None) => true,
            (Some(seed), Some(digest), Some(signature)) => seed.verify_chunk(digest, &signature),
            _ => false,
        };
        if right { Ok(()) } else { Err(ChunkError::Signature) }
    }

    /// Reads a line of the trailer. Some clients end lines with LF alone, and put an empty one before the signature.
    fn take_trailer(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let signed = self.seed.as_ref().is_some_and(ChunkSeed::trailer);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line));
        let line = line.map_err(|_| ChunkError::Trailer("it is not text"))?;
        if line.is_empty() {
            let waits = signed && self.trailer.signature.is_none();
            return if waits { Ok(()) } else { self.end() };
        }
        let (name, value) = line.split_once(':').ok_or(ChunkError::Trailer("a line has no colon"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == TRAILER_SIGNATURE && signed && self.trailer.signature.is_none() {
            self.trailer.signature = Some(value.to_owned());
            return Ok(());
        }
        let algorithm = self.announced.filter(|&announced| trailer_name(announced) == Some(name.as_str()));
        let algorithm = algorithm.ok_or(ChunkError::Trailer("a field was not announced"))?;
        if self.trailer.checksum.is_some() || self.trailer.signature.is_some() {
            return Err(ChunkError::Trailer("a field is out of place"));
        }
        let digest = BASE64_STANDARD.decode(value).ok().filter(|digest| digest.len() == algorithm.length());
        let digest = digest.ok_or(ChunkError::Trailer("the checksum is not well formed"))?;
        self.trailer.signed.extend_from_slice(format!("{name}:{value}\n").as_bytes());
        self.trailer.checksum = Some(Checksum::whole(algorithm, digest));
        Ok(())
    }

    fn end(&mut self) -> Result<(), ChunkError> {
        if self.announced.is_some() && self.trailer.checksum.is_none() {
            return Err(ChunkError::Trailer("the checksum announced is missing"));
        }
        if let (Some(seed), Some(signature)) = (&mut self.seed, &self.trailer.signature)
            && !seed.verify_trailer(&self.trailer.signed, signature)
        {
            return Err(ChunkError::Signature);
        }
        self.state = State::Finished { surplus: 0 };
        Ok(())
    }

    /// Takes a line with its end from `input`, or keeps what there is of one.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, ChunkError> {
        let end = input.iter().position(|&byte| byte == b'\n').map(|index| index + 1);
        let taken = input.split_to(end.unwrap_or(input.len()));
        let length = self.line.len() + taken.len();
        let complaint = match self.state {
            State::Trailer => {
                self.trailer.length += taken.len();
                (self.trailer.length > TRAILER_MAX).then_some("a line is too long")
            }
            State::Closing => (length > b"\r\n".len()).then_some("no line end after a chunk"),
            _ => (length > CHUNK_LINE_MAX).then_some("a line is too long"),
        };
        if let Some(complaint) = complaint {
            return Err(ChunkError::Malformed(complaint));
        }
        self.line.extend_from_slice(&taken);
        Ok(end.map(|_| std::mem::take(&mut self.line)))
    }
}

impl From<ChunkError> for Failure {
    fn from(error: ChunkError) -> Self {
        let code = match error {
            ChunkError::Malformed(_) | ChunkError::Length => FailureCode::IncompleteBody,
            ChunkError::Signature => FailureCode::SignatureDoesNotMatch,
            ChunkError::Trailer(_) => FailureCode::InvalidRequest,
        };
        Self::new(code).caused_by(error)
    }
}

/// At the end: anything but one line end is too much.
fn finished(surplus: &mut u8, input: &mut Bytes) -> Result<Step, ChunkError> {
    while let Some(&byte) = input.first() {
        if b"\r\n".get(usize::from(*surplus)) != Some(&byte) {
            return Err(ChunkError::Malformed("something follows the last chunk"));
        }
        *surplus += 1;
        input.advance(1);
    }
    Ok(Step::Finished)
}

fn chunk_size(digits: &str) -> Result<u64, ChunkError> {
    let hex = !digits.is_empty() && digits.len() <= 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let size = hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten();
    let size = size.ok_or(ChunkError::Malformed("a chunk's size is not a number"))?;
    if size > CHUNK_SIZE_MAX { Err(ChunkError::Malformed("a chunk is too large")) } else { Ok(size) }
}

/// The trailer's field for a checksum, if the encoding knows one.
fn trailer_name(algorithm: ChecksumAlgorithm) -> Option<&'static str> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some("x-amz-checksum-crc32"),
        ChecksumAlgorithm::Crc32c => Some("x-amz-checksum-crc32c"),
        ChecksumAlgorithm::Crc64Nvme => Some("x-amz-checksum-crc64nvme"),
        ChecksumAlgorithm::Sha1 => Some("x-amz-checksum-sha1"),
        ChecksumAlgorithm::Sha256 => Some("x-amz-checksum-sha256"),
        ChecksumAlgorithm::Crc64Ecma => None,
    }
}
