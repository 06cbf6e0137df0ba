//! Policies as their owners wrote them. What they mean is `iam`'s to say.

use crate::name::InvalidName;

/// The language of a policy: each vendor writes the same ideas in words of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyLanguage {
    /// Bucket policies and IAM policies of Huawei Cloud.
    Huawei,
    /// Bucket policies and RAM policies of Alibaba Cloud.
    Alibaba,
    /// Bucket policies and IAM policies of Amazon.
    Amazon,
}

impl PolicyLanguage {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::Huawei, Self::Alibaba, Self::Amazon];
}

/// A policy's text, given back exactly as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PolicyDocument {
    /// Its language.
    pub language: PolicyLanguage,
    /// The JSON document.
    pub text: String,
}

impl PolicyDocument {
    /// Longest document in bytes: 20 KB, as OBS and AWS state it for a bucket's policy; all others but a key's have less.
    pub const BYTES_MAX: usize = 20 * 1024;

    /// Longest policy of a master key in bytes, as AWS states it.
    pub const KEY_BYTES_MAX: usize = 32 * 1024;
}

/// A policy's or a group's name inside its account: 1 to 128 of `A-Z a-z 0-9 + = , . @ - _`, as AWS IAM states it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalName(String);

impl LocalName {
    /// Greatest length in bytes.
    pub const LENGTH_MAX: usize = 128;

    /// Checks `text` against the rules.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@-_".contains(&byte);
        match text.len() {
            0 => Err(InvalidName::TooShort),
            1..=Self::LENGTH_MAX if text.bytes().all(allowed) => Ok(Self(text.to_owned())),
            1..=Self::LENGTH_MAX => Err(InvalidName::Malformed),
            _ => Err(InvalidName::TooLong),
        }
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for LocalName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
