//! What the layers below report, and what a caller is answered.

use std::io;

use strongroom_model::failure::{Failure, FailureCode};

use crate::{blobs::BlobError, surroundings::EntropyError};

/// What sealing and opening report about stored bytes.
pub(crate) fn of_stored(error: strongroom_seal::Error) -> Failure {
    use strongroom_seal::Error;
    let code = match error {
        Error::ChunkLength(_) | Error::Commitment | Error::Malformed(_) | Error::Refused | Error::WrongKey => {
            FailureCode::Damaged
        }
        // Of these, only a program older or newer than the bytes, or a fault, can be the cause.
        Error::UnknownSuite(_)
        | Error::UnknownVersion(_)
        | Error::Ended
        | Error::KeyLength
        | Error::Range
        | Error::TooLarge(_) => FailureCode::Internal,
    };
    Failure::new(code).caused_by(error)
}

/// What sealing reports about what a client sent.
pub(crate) fn of_sealing(error: strongroom_seal::Error) -> Failure {
    use strongroom_seal::Error;
    let code = match error {
        Error::TooLarge("encryption context") => FailureCode::InvalidEncryptionContext,
        Error::TooLarge("hint") => FailureCode::MetadataTooLarge,
        Error::TooLarge("part") => FailureCode::EntityTooLarge,
        _ => FailureCode::Internal,
    };
    Failure::new(code).caused_by(error)
}

/// What the blob store reports about a blob that a row names.
impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        let code = match error {
            BlobError::Stream(error) => return of_stream(error, FailureCode::IncompleteBody),
            BlobError::NotFound(_) | BlobError::Short { .. } => FailureCode::Damaged,
            BlobError::NoSpace(_) => FailureCode::NoSpace,
            BlobError::Unavailable(_) | BlobError::InUse { .. } => FailureCode::ServiceUnavailable,
            BlobError::AlreadyExists(_) => FailureCode::Internal,
        };
        Self::new(code).caused_by(error)
    }
}

/// Without randomness nothing is made.
impl From<EntropyError> for Failure {
    fn from(error: EntropyError) -> Self {
        Self::new(FailureCode::Internal).caused_by(error)
    }
}

/// What ended a stream: the failure it carries, or `otherwise`.
pub(crate) fn of_stream(error: io::Error, otherwise: FailureCode) -> Failure {
    if error.get_ref().is_none() {
        return Failure::new(otherwise).caused_by(error);
    }
    let carried = error.into_inner().expect("it was seen to carry one");
    match carried.downcast::<Failure>() {
        Ok(failure) => *failure,
        Err(carried) => match carried.downcast::<BlobError>() {
            Ok(error) => (*error).into(),
            Err(carried) => Failure::new(otherwise).caused_by(carried),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob_id::BlobId;

    #[test]
    fn a_stream_is_answered_with_what_it_carries() {
        let code = |error| of_stream(error, FailureCode::IncompleteBody).code;
        assert_eq!(code(io::Error::other(Failure::new(FailureCode::BadDigest))), FailureCode::BadDigest);
        assert_eq!(code(io::Error::other(BlobError::NotFound(BlobId::from_bytes([0; 16])))), FailureCode::Damaged);
        assert_eq!(code(io::Error::other("reset")), FailureCode::IncompleteBody);
        assert_eq!(code(io::ErrorKind::ConnectionReset.into()), FailureCode::IncompleteBody);
        let nested = BlobError::Stream(io::Error::other(Failure::new(FailureCode::RequestTimeout)));
        assert_eq!(Failure::from(nested).code, FailureCode::RequestTimeout);
    }
}
