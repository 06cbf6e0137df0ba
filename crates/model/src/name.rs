//! Names a client gives to things. A name exists only when it is valid.

use std::fmt;

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Shorter than the least length, or empty.
    #[error("too short")]
    TooShort,
    /// Longer than the greatest length.
    #[error("too long")]
    TooLong,
    /// Holds a character, or a sequence of characters, that the rules exclude.
    #[error("malformed")]
    Malformed,
}

/// A bucket's name: 3 to 63 of `a-z 0-9 - .`, beginning and ending with a letter or digit, without `..`, `.-` or `-.`,
/// and not an IPv4 address. The union of what OBS, OSS and S3 accept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

impl BucketName {
    /// Least length in bytes.
    pub const LENGTH_MIN: usize = 3;
    /// Greatest length in bytes: a bucket is a DNS label.
    pub const LENGTH_MAX: usize = 63;

    /// Checks `text` against the rules.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.len() < Self::LENGTH_MIN {
            return Err(InvalidName::TooShort);
        }
        if text.len() > Self::LENGTH_MAX {
            return Err(InvalidName::TooLong);
        }
        let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let well_formed = bytes.iter().all(|&byte| edge(byte) || byte == b'-' || byte == b'.')
            && edge(bytes[0])
            && edge(bytes[bytes.len() - 1])
            && !["..", ".-", "-."].iter().any(|pair| text.contains(pair))
            && text.parse::<std::net::Ipv4Addr>().is_err();
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidName::Malformed) }
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object's key: 1 to 1,024 bytes of UTF-8 without NUL and without a `..` segment.
///
/// Keys are never file names here, so `..` would do no harm; it is refused because every client that normalises paths
/// would reach another object than the one it named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Greatest length in bytes of UTF-8.
    pub const LENGTH_MAX: usize = 1024;

    /// Checks `text` against the rules.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::TooShort);
        }
        if text.len() > Self::LENGTH_MAX {
            return Err(InvalidName::TooLong);
        }
        if text.contains('\0') || text.split('/').any(|segment| segment == "..") {
            return Err(InvalidName::Malformed);
        }
        Ok(Self(text.to_owned()))
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An access key's public half: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessKeyId(String);

impl AccessKeyId {
    /// Greatest length in bytes, as AWS IAM states it.
    pub const LENGTH_MAX: usize = 128;

    /// Checks `text` against the rules.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        match text.len() {
            0 => Err(InvalidName::TooShort),
            1..=Self::LENGTH_MAX if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(text.to_owned())),
            1..=Self::LENGTH_MAX => Err(InvalidName::Malformed),
            _ => Err(InvalidName::TooLong),
        }
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A region, as clients spell it in a location or a signing scope: 1 to 64 of `a-z A-Z 0-9 - _`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

impl Region {
    /// Greatest length in bytes: longer than any vendor's.
    pub const LENGTH_MAX: usize = 64;

    /// Checks `text` against the rules.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        match text.len() {
            0 => Err(InvalidName::TooShort),
            1..=Self::LENGTH_MAX if text.bytes().all(allowed) => Ok(Self(text.to_owned())),
            1..=Self::LENGTH_MAX => Err(InvalidName::Malformed),
            _ => Err(InvalidName::TooLong),
        }
    }

    /// The region's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A version of an object: 16 bytes, shown as 32 hex digits, or the null version of a bucket that keeps no versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionId {
    /// The one version of an object in a bucket that never had, or has suspended, versioning.
    Null,
    /// A version with an identity of its own.
    Id([u8; 16]),
}

/// A multipart upload: 16 bytes, shown as 32 hex digits. The version that the upload becomes has the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub [u8; 16]);

/// The number of a part of an upload: 1 to 10,000, in all three services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(u16);

impl PartNumber {
    /// The greatest number.
    pub const MAX: u32 = 10_000;

    /// The part of that number, if there can be one.
    pub fn new(number: u32) -> Option<Self> {
        u16::try_from(number).ok().filter(|_| (1..=Self::MAX).contains(&number)).map(Self)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.into()
    }
}

/// Identifies one request in answers and logs; each dialect shows as many of its digits as its clients expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub [u8; 16]);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half)]);
        let digits: String = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        f.write_str(&digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules_of_all_three_services() {
        for good in ["abc", "a-b", "my.bucket", "0ab", &"a".repeat(63)] {
            assert!(BucketName::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["ab", "Abc", "a_b", "-ab", "ab-", "a..b", "a.-b", "a-.b", "192.168.1.1", "a/b", "é23", &"a".repeat(64)]
        {
            assert!(BucketName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn object_keys_are_bounded_and_carry_no_traps() {
        for good in ["a", "dir/a b+c~é&=.txt", "..a", "a..", "/leading", "a//b", &"k".repeat(1024)] {
            assert!(ObjectKey::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a\0b", "..", "../a", "a/../b", "a/..", &"k".repeat(1025)] {
            assert!(ObjectKey::parse(bad).is_err(), "{bad}");
        }
    }
}
