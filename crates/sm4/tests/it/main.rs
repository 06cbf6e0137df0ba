//! The published vectors of SM4 and SM4-GCM, and every kernel against other implementations.

mod differential;
#[cfg(libgcrypt)]
mod libgcrypt;
mod vectors;
