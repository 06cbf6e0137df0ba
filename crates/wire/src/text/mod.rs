//! Spellings that heads and documents share.

pub(crate) mod bytes;
pub(crate) mod percent;
