//! GHASH, the universal hash of GCM.

pub(crate) mod portable;
