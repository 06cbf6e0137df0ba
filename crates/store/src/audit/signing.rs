//! The key that signs the trail's heads: Ed25519, drawn for this trail, its seed kept beside it wrapped under the root key.
//!
//! Whoever has the public key can hold the trail against it and needs no secret for that; nobody without the root key can sign.
//!
//! A signature costs as much as all else about a group of records. So what need not last yet gets a mark: an HMAC that the server
//! itself believes after a crash, and a signature behind it within a second, for everybody else.

use std::{
    io,
    path::{Path, PathBuf},
};

use ring::{
    hkdf, hmac,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use strongroom_seal::{KeyBytes, WrappedKey, unwrap};

use super::{OpenError, folder::read_small};
use crate::{
    folder::write_whole,
    key_file::{self, Purpose},
    kms::{Root, own_place},
    surroundings::Entropy,
};

/// The file's first line.
const FIRST_LINE: &str = "strongroom audit key, version 1";

/// The file's name in the trail's folder.
pub(super) const FILE: &str = "signing.key";

/// What the seed's wrap is bound to.
const PLACE: &str = "audit";

/// An Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key that 64 hex digits spell.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Whether `signature`, in hex, is this key's over `text`.
    pub(super) fn has_signed(&self, text: &str, signature: &str) -> bool {
        let Ok(signature) = hex::decode(signature) else { return false };
        UnparsedPublicKey::new(&ED25519, self.0).verify(text.as_bytes(), &signature).is_ok()
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// What the key of marks is derived by (RFC 5869), apart from the seed's own use: the salt.
const MARK_SALT: &[u8] = b"strongroom audit mark key 1";

/// Signs and marks.
pub(super) struct Signer {
    pair: Ed25519KeyPair,
    mark: hmac::Key,
}

impl Signer {
    /// The signature over `text`, in hex.
    pub(super) fn sign(&self, text: &str) -> String {
        hex::encode(self.pair.sign(text.as_bytes()))
    }

    /// The mark over `text`, in hex.
    pub(super) fn mark(&self, text: &str) -> String {
        hex::encode(hmac::sign(&self.mark, text.as_bytes()))
    }

    /// Whether `mark`, in hex, is this key's over `text`.
    pub(super) fn has_marked(&self, text: &str, mark: &str) -> bool {
        hex::decode(mark).is_ok_and(|mark| hmac::verify(&self.mark, text.as_bytes(), &mark).is_ok())
    }

    pub(super) fn public_key(&self) -> PublicKey {
        PublicKey(self.pair.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes"))
    }

    fn from_seed(seed: &KeyBytes) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).ok()?;
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, MARK_SALT).extract(seed.expose());
        let mark = derived.expand(&[], hmac::HMAC_SHA256).ok()?.into();
        Some(Self { pair, mark })
    }
}

/// The trail's key; none if it has none yet.
pub(super) fn open(folder: &Path, root: &Root) -> Result<Option<Signer>, OpenError> {
    let Some((path, kept)) = read(folder)? else { return Ok(None) };
    let seed =
        root.unwrap(&own_place(PLACE), &kept.wrapped).map_err(|_| OpenError::KeyDamaged { path: path.clone() })?;
    kept.signer(&seed).ok_or(OpenError::KeyDamaged { path }).map(Some)
}

/// Draws a key for a new trail.
pub(super) fn create(folder: &Path, root: &Root, entropy: &Entropy) -> Result<Signer, OpenError> {
    let seed = entropy.key(32)?;
    let path = folder.join(FILE);
    let signer = Signer::from_seed(&seed).ok_or_else(|| OpenError::KeyDamaged { path: path.clone() })?;
    let wrapped = root.wrap(&own_place(PLACE), &seed).map_err(|error| OpenError::Root(error.into()))?;
    let text = format!("{FIRST_LINE}\n{}\n{}\n", signer.public_key(), hex::encode(wrapped));
    write_whole(&path, text.as_bytes()).map_err(|source| OpenError::Io { path, source })?;
    Ok(signer)
}

/// The public key that the trail in `folder` must be signed by, if the root key in the file `root` is the server's.
///
/// # Errors
/// [`OpenError::KeyDamaged`], also for another root key; [`OpenError::Io`], [`OpenError::Root`].
pub fn public_key(folder: &Path, root: &Path) -> Result<PublicKey, OpenError> {
    let missing = |path: PathBuf| OpenError::Io { path, source: io::ErrorKind::NotFound.into() };
    let root_key = key_file::read(root, Purpose::Root).map_err(|error| OpenError::Root(error.into()))?;
    let root_key = root_key.ok_or_else(|| missing(root.to_owned()))?;
    let (path, kept) = read(folder)?.ok_or_else(|| missing(folder.join(FILE)))?;
    let wrapped = WrappedKey::decode(&kept.wrapped).ok();
    let seed = wrapped.and_then(|wrapped| unwrap(&root_key, &wrapped, &own_place(PLACE).encode()).ok());
    let signer = seed.and_then(|seed| kept.signer(&seed));
    signer.map(|signer| signer.public_key()).ok_or(OpenError::KeyDamaged { path })
}

/// The public key that the trail's own folder names: it proves that the trail is of one piece, and not whose it is.
///
/// # Errors
/// [`OpenError::KeyDamaged`], [`OpenError::Io`].
pub fn claimed_key(folder: &Path) -> Result<PublicKey, OpenError> {
    match read(folder)? {
        Some((_, kept)) => Ok(kept.public_key),
        None => Err(OpenError::Io { path: folder.join(FILE), source: io::ErrorKind::NotFound.into() }),
    }
}

struct Kept {
    public_key: PublicKey,
    wrapped: Vec<u8>,
}

impl Kept {
    fn signer(&self, seed: &KeyBytes) -> Option<Signer> {
        Signer::from_seed(seed).filter(|signer| signer.public_key() == self.public_key)
    }
}

fn read(folder: &Path) -> Result<Option<(PathBuf, Kept)>, OpenError> {
    let path = folder.join(FILE);
    let text = match read_small(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::Io { path, source }),
    };
    match parse(&text) {
        Some(kept) => Ok(Some((path, kept))),
        None => Err(OpenError::KeyDamaged { path }),
    }
}

fn parse(text: &[u8]) -> Option<Kept> {
    let mut lines = std::str::from_utf8(text).ok()?.lines();
    let (first, public_key, wrapped) = (lines.next()?, lines.next()?, lines.next()?);
    let kept = Kept { public_key: PublicKey::parse(public_key)?, wrapped: hex::decode(wrapped).ok()? };
    (first == FIRST_LINE && lines.next().is_none()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.1, test 2.
    #[test]
    fn signatures_are_those_of_rfc_8032() {
        let seed = hex::decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
        let signer = Signer::from_seed(&KeyBytes::new(&seed).unwrap()).unwrap();
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        assert_eq!(signer.public_key().to_string(), public);
        let signature = concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert_eq!(signer.sign("r"), signature);
        let key = PublicKey::parse(public).unwrap();
        assert!(key.has_signed("r", signature));
        for (text, signature) in [("s", signature), ("r", &signature[2..]), ("r", "")] {
            assert!(!key.has_signed(text, signature));
        }
    }

    /// Computed by Python's `hmac`, of which HKDF is two calls.
    #[test]
    fn marks_are_those_of_another_implementation() {
        let seed = hex::decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
        let signer = Signer::from_seed(&KeyBytes::new(&seed).unwrap()).unwrap();
        let mark = "61c6ce1ba8357bf37496e40c238827f61eac5e6c6dfcf8543dd4752a5d993c76";
        assert_eq!(signer.mark("r"), mark);
        assert!(signer.has_marked("r", mark));
        for (text, mark) in [("s", mark), ("r", &mark[2..]), ("r", "")] {
            assert!(!signer.has_marked(text, mark));
        }
    }
}
