//! Request bodies: from the socket to the object's own bytes, or to a document.

mod chunked;
mod document;
mod plain;
mod source;

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_store::{Trailer, stream::ByteStream};
use strongroom_wire::{Framing, PayloadProof, StreamPlan};

pub(crate) use document::read as read_document;
pub(crate) use source::Source;

/// The largest object of one request, in bytes: 5 GiB, as all three services state it.
const OBJECT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// The object's own bytes: unframed, each chunk's signature, the declared length and the signed digest verified on the
/// way. A body that is not what its head said ends in an error that holds the [`Failure`]. A checksum that follows the
/// data is put into `trailer` before the stream ends.
pub(crate) fn plaintext(
    source: Source,
    plan: StreamPlan,
    proof: Option<PayloadProof>,
    trailer: Trailer,
) -> Result<ByteStream, Failure> {
    if plan.length.is_some_and(|length| length > OBJECT_BYTES_MAX) {
        return Err(FailureCode::EntityTooLarge.into());
    }
    match plan.framing {
        Framing::Plain => plain::stream(source, plan.length, 0..=OBJECT_BYTES_MAX, proof),
        Framing::File { least, most } => plain::stream(source, plan.length, least..=most, proof),
        Framing::AwsChunked { signed, trailer: named } => {
            let framed = chunked::Framed { length: plan.length, signed, trailer: named };
            chunked::stream(source, &framed, proof, trailer)
        }
    }
}

/// The body comes in another form than the one that was signed, so nothing could hold it against its signature.
fn unheld() -> Failure {
    let message = "The body comes in another encoding than the one that the request was signed for.";
    Failure::new(FailureCode::InvalidRequest).with_message(message)
}

/// A failure as the last item of a stream.
fn broken(failure: impl Into<Failure>) -> std::io::Error {
    std::io::Error::other(failure.into())
}
