//! A second reader, written from `docs/FORMAT.md` alone over other cryptographic libraries (RustCrypto's AES-GCM, HKDF,
//! SM4 block cipher and GHASH; a CRC bit by bit). It shares no code with the crate. `None` means *refused*.

mod aead;
mod reader;

pub(crate) use aead::seal;
pub(crate) use reader::{Place, blob, envelope, manifest, object, part, schedule, unwrap};
