//! What a signed request says of its body, in the place of the body's hash.

use ring::digest::{SHA256, digest};
use strongroom_model::failure::{Failure, FailureCode};

use super::head::Head;
use super::scope::malformed;

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const UNSIGNED_CHUNKS: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const SIGNED_CHUNKS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_CHUNKS_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

/// What a signed request says of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadWord {
    /// Nothing: `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// It comes in chunks that are not signed, with a trailer.
    UnsignedChunks,
    /// It has this SHA-256.
    Sha256([u8; 32]),
    /// It comes in signed chunks.
    SignedChunks {
        /// A signed trailer follows them.
        trailer: bool,
    },
}

impl PayloadWord {
    /// Reads the value of `x-amz-content-sha256` or its like, which the failure names.
    ///
    /// # Errors
    /// `NotImplemented` for chunks signed with an asymmetric key, else `InvalidArgument`.
    pub fn parse(header: &'static str, word: &str) -> Result<Self, Failure> {
        match word {
            UNSIGNED => Ok(Self::Unsigned),
            UNSIGNED_CHUNKS => Ok(Self::UnsignedChunks),
            SIGNED_CHUNKS => Ok(Self::SignedChunks { trailer: false }),
            SIGNED_CHUNKS_TRAILER => Ok(Self::SignedChunks { trailer: true }),
            _ if word.starts_with("STREAMING-") => Err(FailureCode::NotImplemented.into()),
            _ => {
                let mut digest = [0; 32];
                hex::decode_to_slice(word, &mut digest).map_err(|_| unknown(header, word))?;
                Ok(Self::Sha256(digest))
            }
        }
    }

    /// What the signature of a request whose body was read covers of it: the body's own hash, which one that `header` states
    /// has to be. A body that was read cannot be left unsigned.
    ///
    /// # Errors
    /// As [`PayloadWord::parse`]; `ContentSha256Mismatch`.
    pub(crate) fn of_document(head: &Head<'_>, header: &'static str) -> Result<Self, Failure> {
        let stated = head.text_header(header).map(|word| Self::parse(header, word)).transpose()?;
        let own = head.document.map(|document| {
            Self::Sha256(digest(&SHA256, document).as_ref().try_into().expect("a SHA-256 has 32 bytes"))
        });
        match (stated, own) {
            (Some(Self::UnsignedChunks | Self::SignedChunks { .. }), _) => Err(FailureCode::NotImplemented.into()),
            (Some(stated), Some(own)) if stated != own => Err(FailureCode::ContentSha256Mismatch.into()),
            (Some(word), _) | (None, Some(word)) => Ok(word),
            (None, None) => Err(malformed("The body's hash is not stated.")),
        }
    }

    /// The value of `x-amz-content-sha256` or its like.
    pub fn text(&self) -> String {
        match self {
            Self::Unsigned => UNSIGNED.to_owned(),
            Self::UnsignedChunks => UNSIGNED_CHUNKS.to_owned(),
            Self::Sha256(digest) => hex::encode(digest),
            Self::SignedChunks { trailer: false } => SIGNED_CHUNKS.to_owned(),
            Self::SignedChunks { trailer: true } => SIGNED_CHUNKS_TRAILER.to_owned(),
        }
    }
}

fn unknown(header: &'static str, word: &str) -> Failure {
    Failure::new(FailureCode::InvalidArgument)
        .with_message("The payload's hash must be UNSIGNED-PAYLOAD, a STREAMING- word, or a SHA-256 in hex.")
        .with_detail("ArgumentName", header)
        .with_detail("ArgumentValue", word)
}
