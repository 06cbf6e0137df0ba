//! A body that is a document, read whole.

use bytes::{Bytes, BytesMut};
use ring::digest::{SHA256, digest};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_wire::PayloadProof;

use super::Source;

/// Reads a document of at most `limit` bytes, which must have the digest that was signed.
///
/// # Errors
/// `DocumentTooLarge` as soon as it is longer, `ContentSha256Mismatch`, and those of [`Source::next`]. Documents are not
/// framed in signed chunks: `NotImplemented`.
pub(crate) async fn read(mut source: Source, limit: usize, proof: Option<&PayloadProof>) -> Result<Bytes, Failure> {
    let mut document = BytesMut::new();
    while let Some(piece) = source.next().await? {
        if piece.len() > limit - document.len() {
            return Err(FailureCode::DocumentTooLarge.into());
        }
        document.extend_from_slice(&piece);
    }
    match proof {
        Some(PayloadProof::Sha256(expected)) if digest(&SHA256, &document).as_ref() != expected => {
            Err(FailureCode::ContentSha256Mismatch.into())
        }
        Some(PayloadProof::Chunked(_)) => {
            Err(Failure::new(FailureCode::NotImplemented).with_message("Documents cannot be sent in signed chunks."))
        }
        _ => Ok(document.freeze()),
    }
}
