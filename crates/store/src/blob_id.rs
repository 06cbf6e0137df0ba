//! The name of a blob, which the catalog writes into its rows and the blob store into its file names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// 16 random bytes that name one blob for ever: drawn anew for each attempt to store one, never derived from a name a
/// client chose, and never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobId([u8; 16]);

/// The text is not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a blob id is 32 lower-case hexadecimal digits")]
pub struct InvalidBlobId;

impl BlobId {
    /// The id made of these bytes, which the caller drew at random.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

impl FromStr for BlobId {
    type Err = InvalidBlobId;

    fn from_str(text: &str) -> Result<Self, InvalidBlobId> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(InvalidBlobId);
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidBlobId)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let id = BlobId::from_bytes(*b"\x00\x01\x7f\x80\xfe\xff0123456789");
        assert_eq!(id.to_string(), "00017f80feff30313233343536373839");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn only_the_one_spelling_is_an_id() {
        let good = "00017f80feff30313233343536373839";
        for bad in ["", "00", &good[1..], &format!("{good}0"), &good.to_uppercase(), &good.replace('7', "g")] {
            assert_eq!(bad.parse::<BlobId>(), Err(InvalidBlobId), "{bad}");
        }
    }
}
