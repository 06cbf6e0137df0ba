//! From a key and a salt to a cipher (FORMAT.md §4), and the record that is sealed whole (§6).

use zeroize::Zeroizing;

use crate::cipher::{Aead, Nonce};
use crate::codec::Reader;
use crate::crypto::hkdf;
use crate::error::Error;
use crate::key::KeyBytes;
use crate::suite::Suite;
use crate::{FORMAT_VERSION, Salt};

/// The longest derivation: a wrapping key of 32 bytes, its nonce and its fingerprint.
const MAX_OUTPUT: usize = 32 + 12 + 16;

/// Version, suite and salt of a sealed record.
const RECORD_HEAD: usize = 1 + 1 + 32;

/// Fills `out` from a key, as the row of `label` in §4 says; `label` has no zero byte.
pub(crate) fn derive(ikm: &KeyBytes, salt: &[u8], label: &str, suite: u8, rest: &[u8], out: &mut [u8]) {
    let info: [&[u8]; 4] = [b"strongroom/seal/", label.as_bytes(), &[0, FORMAT_VERSION, suite], rest];
    hkdf(ikm.expose(), salt, &info, out);
}

/// The cipher that `label` derives, and `N` more bytes: its nonce, or what else the section says. A suite without a
/// key is started by the salt, and its `N` bytes are zero (§3.1).
pub(crate) fn cipher<const N: usize>(
    suite: &Suite,
    ikm: Option<&KeyBytes>,
    salt: &Salt,
    label: &str,
    rest: &[u8],
) -> (Box<dyn Aead>, [u8; N]) {
    let Some(ikm) = ikm else { return ((suite.start)(salt), [0; N]) };
    let mut output = Zeroizing::new([0; MAX_OUTPUT]);
    let output = &mut output[..suite.key_len + N];
    derive(ikm, salt, label, suite.id, rest, output);
    let (key, more) = output.split_at(suite.key_len);
    ((suite.start)(key), more.try_into().expect("the output has the key's length and N"))
}

/// Seals `plain` whole, as §6 lays it out.
pub(crate) fn seal_record(
    suite: &Suite,
    ikm: Option<&KeyBytes>,
    salt: &Salt,
    label: &str,
    aad: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(RECORD_HEAD + plain.len() + suite.tag_len);
    out.extend_from_slice(&[FORMAT_VERSION, suite.id]);
    out.extend_from_slice(salt);
    out.extend_from_slice(plain);
    let (aead, nonce): (_, Nonce) = cipher(suite, ikm, salt, label, &[]);
    let tag = aead.seal(&nonce, aad, &mut out[RECORD_HEAD..]);
    out.extend_from_slice(tag.as_ref());
    out
}

/// Opens what [`seal_record`] made with the same suite, key, label and AAD.
pub(crate) fn open_record(
    suite: &Suite,
    ikm: Option<&KeyBytes>,
    label: &'static str,
    aad: &[u8],
    record: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut reader = Reader::new(label, record);
    reader.version()?;
    if reader.suite()? != suite {
        return Err(Error::Refused);
    }
    let salt: Salt = reader.array()?;
    let sealed = reader.rest();
    let split = sealed.len().checked_sub(suite.tag_len).ok_or(Error::Malformed(label))?;
    let mut plain = Zeroizing::new(sealed[..split].to_vec());
    let (aead, nonce): (_, Nonce) = cipher(suite, ikm, &salt, label, &[]);
    aead.open(&nonce, aad, &mut plain, &sealed[split..])?;
    Ok(plain)
}
