//! The SM4 kernels: each XORs a counter-mode key stream into a buffer.

pub(crate) mod circuit;
pub(crate) mod portable;
