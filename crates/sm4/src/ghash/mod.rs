//! GHASH, the universal hash of GCM.

#[cfg(target_arch = "x86_64")]
pub(crate) mod carryless;
pub(crate) mod portable;
