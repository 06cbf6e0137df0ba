//! A body that is the object's data.

use std::ops::RangeInclusive;

use futures_util::stream;
use ring::digest::{Context, SHA256};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_store::stream::ByteStream;
use strongroom_wire::PayloadProof;

use super::{Source, broken, unheld};

struct Plain {
    source: Source,
    length: Option<u64>,
    sizes: RangeInclusive<u64>,
    seen: u64,
    signed: Option<Signed>,
}

/// The SHA-256 that the client signed, and the one in the making.
struct Signed {
    context: Context,
    expected: [u8; 32],
}

/// The data of `source`, which must be `length` bytes long, if that is given, within `sizes`, and have the digest that was
/// signed.
///
/// # Errors
/// `InvalidRequest` if what was signed are chunks, and there are none.
pub(super) fn stream(
    source: Source,
    length: Option<u64>,
    sizes: RangeInclusive<u64>,
    proof: Option<PayloadProof>,
) -> Result<ByteStream, Failure> {
    let signed = match proof {
        Some(PayloadProof::Sha256(expected)) => Some(Signed { context: Context::new(&SHA256), expected }),
        Some(PayloadProof::Chunked(_)) => return Err(unheld()),
        Some(PayloadProof::Unsigned) | None => None,
    };
    let plain = Plain { source, length, sizes, seen: 0, signed };
    Ok(Box::pin(stream::try_unfold(plain, |mut plain| async {
        match plain.source.next().await.map_err(broken)? {
            Some(piece) => {
                plain.take(&piece).map_err(broken)?;
                Ok(Some((piece, plain)))
            }
            None => plain.finish().map(|()| None).map_err(broken),
        }
    })))
}

impl Plain {
    fn take(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.seen += piece.len() as u64;
        if self.seen > *self.sizes.end() {
            return Err(FailureCode::EntityTooLarge.into());
        }
        if self.length.is_some_and(|length| self.seen > length) {
            return Err(FailureCode::IncompleteBody.into());
        }
        if let Some(signed) = &mut self.signed {
            signed.context.update(piece);
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        if self.length.is_some_and(|length| self.seen != length) {
            return Err(FailureCode::IncompleteBody.into());
        }
        if self.seen < *self.sizes.start() {
            return Err(FailureCode::EntityTooSmall.into());
        }
        let digest_differs = |signed: Signed| signed.context.finish().as_ref() != signed.expected;
        if self.signed.is_some_and(digest_differs) {
            return Err(FailureCode::ContentSha256Mismatch.into());
        }
        Ok(())
    }
}
