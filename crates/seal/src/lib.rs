//! The sealed format: bytes in, bytes out, nobody can tamper.
//!
//! `docs/FORMAT.md` is the specification; every item here names its section. The crate is pure: it reads no
//! clock, draws no randomness (salts and keys are handed in), does no I/O and knows nothing of objects beyond
//! the strings that bind a key to its place.
//!
//! Writing: [`ContentKey::fresh`] → [`wrap`] → [`Envelope::sealed`] → [`Header::encode`], [`Sealer`] per part →
//! [`Manifest::seal`]. Reading: [`Envelope::decode`] → [`unwrap`] → [`Envelope::unlock`] → [`Manifest::open`] →
//! [`Manifest::locate`], [`Window::plan`] → [`Opener`]. A [`ContentKey`] for reading comes only from
//! [`Envelope::unlock`], so that nothing can be opened before the key commitment was compared. The catalog's own rows are
//! sealed by a [`RowSession`].

mod binding;
mod cipher;
mod ciphertext;
mod codec;
mod crypto;
mod derive;
mod envelope;
mod error;
mod header;
mod key;
mod manifest;
mod part;
mod row;
mod suite;
mod window;
mod wrapping;

pub use binding::{Binding, BucketBinding, ClientBinding, KeyBinding};
pub use cipher::Tag;
pub use ciphertext::{Ciphertext, KeyTag, MAX_CLIENT_DATA};
pub use envelope::{Envelope, EnvelopeKey, MAX_CONTEXT, MAX_KEY_ID};
pub use error::Error;
pub use header::{Header, Identity, MAX_HEADER, MAX_HINT, MAX_IDENTITY_FIELD};
pub use key::{ContentKey, KeyBytes, fingerprint};
pub use manifest::{BlobId, Extent, MAX_CHECKSUMS, MAX_PARTS, Manifest, ManifestKey, Part};
pub use part::{MAX_PART, Opener, PartId, Sealer};
pub use row::{RowSession, SessionSalt};
pub use suite::{AES_256_GCM, AES_256_GCM_TWICE, PLAIN, SM4_GCM, SUITES, Suite};
pub use window::{Window, chunk_count, plain_len, sealed_len};
pub use wrapping::{WrappedKey, unwrap, wrap};

/// The version of the format that this crate writes, and the only one it reads (FORMAT.md §15).
pub const FORMAT_VERSION: u8 = 1;

/// Plaintext bytes of every chunk but a part's last (FORMAT.md §5): small enough for cheap ranged reads, large
/// enough that the tags cost 0.024 %.
pub const CHUNK: usize = 65_536;

/// A random value that makes one sealing unlike every other (FORMAT.md §4): drawn anew for each part-upload
/// attempt, manifest and wrap, and never used twice under one key.
pub type Salt = [u8; 32];
