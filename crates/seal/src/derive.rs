//! From a key and a salt to a cipher (FORMAT.md §4), and the record that is sealed whole (§6).

use zeroize::Zeroizing;

use crate::cipher::{Aead, Nonce};
use crate::codec::Reader;
use crate::crypto::hkdf;
use crate::error::Error;
use crate::key::KeyBytes;
use crate::suite::Suite;
use crate::{FORMAT_VERSION, Salt};

/// The longest derivation: a wrapping key of 32 bytes, its nonce and its fingerprint; or the keys of two layers, and a nonce.
const MAX_OUTPUT: usize = 64 + 12;

/// Version, suite and salt of a sealed record.
const RECORD_HEAD: usize = 1 + 1 + 32;

/// Fills `out` from a key, as the row of `label` in §4 says; `label` has no zero byte.
pub(crate) fn derive(ikm: &KeyBytes, salt: &[u8], label: &str, suite: u8, rest: &[u8], out: &mut [u8]) {
    let info: [&[u8]; 4] = [b"strongroom/seal/", label.as_bytes(), &[0, FORMAT_VERSION, suite], rest];
    hkdf(ikm.expose(), salt, &info, out);
}

/// The keys of a suite's layers, and then what else `label` derives, to the end of `out`. Each layer's key comes from its own
/// data key alone, and what follows from that of the first (§3.2).
fn derive_layers(suite: &Suite, ikm: &KeyBytes, salt: &[u8], label: &str, rest: &[u8], out: &mut [u8]) {
    if suite.layers == 1 {
        return derive(ikm, salt, label, suite.id, rest, out);
    }
    let (keys, more) = out.split_at_mut(suite.key_len);
    let layer_len = suite.key_len / suite.layers;
    for (layer, (data_key, key)) in (1_u8..).zip(ikm.expose().chunks(layer_len).zip(keys.chunks_mut(layer_len))) {
        let mut output = Zeroizing::new([0; MAX_OUTPUT]);
        let output = &mut output[..layer_len + more.len()];
        let info: [&[u8]; 5] = [b"strongroom/seal/", label.as_bytes(), &[0, FORMAT_VERSION, suite.id], rest, &[layer]];
        hkdf(data_key, salt, &info, output);
        key.copy_from_slice(&output[..layer_len]);
        if layer == 1 {
            more.copy_from_slice(&output[layer_len..]);
        }
    }
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
    derive_layers(suite, ikm, salt, label, rest, output);
    let (key, more) = output.split_at(suite.key_len);
    ((suite.start)(key), more.try_into().expect("the output has the key's length and N"))
}

/// What seals one record (§6): the key and the nonce that a label derives, apart from the key that they come from.
pub(crate) struct RecordKey {
    suite: &'static Suite,
    salt: Salt,
    /// Key, then nonce; for a suite without a key none.
    output: Zeroizing<Vec<u8>>,
}

impl RecordKey {
    /// What `label` derives from `ikm`, which has the suite's key length.
    pub(crate) fn derive(suite: &'static Suite, ikm: Option<&KeyBytes>, salt: Salt, label: &str) -> Self {
        let mut output = Zeroizing::new(Vec::new());
        if let Some(ikm) = ikm {
            output.resize(suite.key_len + size_of::<Nonce>(), 0);
            derive_layers(suite, ikm, &salt, label, &[], &mut output);
        }
        Self { suite, salt, output }
    }

    /// Suite, salt, key and nonce, one after the other.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(1 + self.salt.len() + self.output.len()));
        out.push(self.suite.id);
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.output);
        out
    }

    /// What [`RecordKey::encode`] made.
    pub(crate) fn decode(what: &'static str, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(what, bytes);
        let suite = reader.suite()?;
        let salt = reader.array()?;
        let output = Zeroizing::new(reader.rest().to_vec());
        let length = if suite.is_keyed() { suite.key_len + size_of::<Nonce>() } else { 0 };
        if output.len() == length { Ok(Self { suite, salt, output }) } else { Err(Error::Malformed(what)) }
    }

    /// Seals `plain` whole, as §6 lays it out. A key seals one record, so it is used up.
    pub(crate) fn seal(self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let suite = self.suite;
        let mut out = Vec::with_capacity(RECORD_HEAD + plain.len() + suite.tag_len);
        out.extend_from_slice(&[FORMAT_VERSION, suite.id]);
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(plain);
        let (aead, nonce) = match self.output.split_at_checked(suite.key_len).filter(|_| suite.is_keyed()) {
            Some((key, nonce)) => {
                ((suite.start)(key), nonce.try_into().expect("the output has the key's length and a nonce"))
            }
            None => ((suite.start)(&self.salt), Nonce::default()),
        };
        let tag = aead.seal(&nonce, aad, &mut out[RECORD_HEAD..]);
        out.extend_from_slice(tag.as_ref());
        out
    }
}

/// Opens what [`RecordKey::seal`] made with the same suite, key, label and AAD.
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
