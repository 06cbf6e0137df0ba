//! The records of FORMAT.md §5 to §11, and the reading of §12.

use super::aead::{hkdf, key_len, open, tag_len};

const CHUNK: usize = 65_536;

/// The identity fields of a binding (§7), without the context.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: String,
}

impl Place {
    pub(crate) fn binding(&self, context: &[(String, String)]) -> Vec<u8> {
        bound(1, &[&self.account, &self.bucket, &self.key, &self.version], context)
    }

    /// Of a bucket key over the data key of what lies here.
    pub(crate) fn bucket_binding(&self, context: &[(String, String)]) -> Vec<u8> {
        bound(4, &[&self.account, &self.bucket], context)
    }
}

fn bound(purpose: u8, fields: &[&String], context: &[(String, String)]) -> Vec<u8> {
    let mut out = vec![1, purpose];
    for field in fields {
        out.extend((field.len() as u32).to_be_bytes());
        out.extend(field.as_bytes());
    }
    out.extend((context.len() as u32).to_be_bytes());
    for field in context.iter().flat_map(|(name, value)| [name, value]) {
        out.extend((field.len() as u32).to_be_bytes());
        out.extend(field.as_bytes());
    }
    out
}

/// §4: the key for a cipher (suite 0: the salt) and `more` bytes of nonce material.
pub(crate) fn schedule(
    suite: u8,
    ikm: &[u8],
    salt: &[u8],
    label: &str,
    rest: &[u8],
    more: usize,
) -> (Vec<u8>, Vec<u8>) {
    if suite == 0 {
        return (salt.to_vec(), vec![0; more]);
    }
    if suite == 4 {
        let mut inner = hkdf(&ikm[..32], salt, &info(label, suite, &[rest, &[1]].concat()), 32 + more);
        let more = inner.split_off(32);
        let outer = hkdf(&ikm[32..], salt, &info(label, suite, &[rest, &[2]].concat()), 32);
        return ([inner, outer].concat(), more);
    }
    let key_len = key_len(suite).unwrap();
    let mut key = hkdf(ikm, salt, &info(label, suite, rest), key_len + more);
    let more = key.split_off(key_len);
    (key, more)
}

/// §5: all chunks of a part whose size follows from its length.
pub(crate) fn part(suite: u8, dek: &[u8], salt: &[u8], number: u32, sealed: &[u8]) -> Option<Vec<u8>> {
    let tag = tag_len(suite)?;
    if dek.len() != key_len(suite)? || sealed.is_empty() {
        return None;
    }
    let (key, prefix) = schedule(suite, dek, salt, "part", &number.to_be_bytes(), 7);
    let chunks: Vec<_> = sealed.chunks(CHUNK + tag).collect();
    let mut plain = Vec::new();
    for (index, chunk) in chunks.iter().enumerate() {
        let last = index + 1 == chunks.len();
        if chunk.len() == tag && index > 0 {
            return None;
        }
        let nonce = [&prefix[..], &(index as u32).to_be_bytes(), &[u8::from(last)]].concat();
        plain.extend(open(suite, &key, nonce.try_into().ok()?, &[], chunk)?);
    }
    Some(plain)
}

/// §8.
pub(crate) fn unwrap(kek: &[u8], aad: &[u8], record: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Bytes(record);
    let (1, suite @ (1 | 2)) = (bytes.u8()?, bytes.u8()?) else { return None };
    let (fingerprint, salt) = (bytes.take(16)?, bytes.take(32)?);
    if !matches!(bytes.0.len(), 32 | 48 | 80) || kek.len() < key_len(suite)? {
        return None;
    }
    let (key, more) = schedule(suite, kek, salt, "wrap", &[], 28);
    if more[12..] != *fingerprint {
        return None;
    }
    open(suite, &key, more[..12].try_into().ok()?, aad, bytes.0)
}

/// §9: suite, data key and context.
pub(crate) fn envelope(kek: &[u8], place: &Place, record: &[u8]) -> Option<Unlocked> {
    let mut bytes = Bytes(record);
    let (1, suite) = (bytes.u8()?, bytes.u8()?) else { return None };
    if key_len(suite)? == 0 {
        return bytes.0.is_empty().then(|| Unlocked { suite, ..Unlocked::default() });
    }
    let key_id = bytes.text16(256)?;
    let _key_version = bytes.u32()?;
    let mut pairs = Bytes(bytes.bytes16(8192)?);
    let mut context: Vec<(String, String)> = Vec::new();
    while !pairs.0.is_empty() {
        context.push((pairs.text16(8192)?, pairs.text16(8192)?));
    }
    if !context.is_sorted_by(|a, b| a.0 < b.0) || key_id.len() > 256 {
        return None;
    }
    let bucket_key = bytes.bytes16(98)?;
    let wrapped = bytes.bytes16(130)?;
    let commitment = bytes.take(32)?;
    let kek = if bucket_key.is_empty() {
        kek.to_vec()
    } else {
        if suite == 4 || key_id.is_empty() || bucket_key.get(1)? != wrapped.get(1)? {
            return None;
        }
        let opened = unwrap(kek, &place.bucket_binding(&context), bucket_key)?;
        (opened.len() == key_len(bucket_key[1])?).then_some(opened)?
    };
    let dek = unwrap(&kek, &place.binding(&context), wrapped)?;
    let salt = &wrapped[18..50];
    let expected = hkdf(&dek, salt, &info("commitment", suite, &[]), 32);
    let ok = bytes.0.is_empty() && dek.len() == key_len(suite)? && expected == commitment;
    ok.then_some(Unlocked { suite, dek, context })
}

/// What an envelope gives.
#[derive(Default)]
pub(crate) struct Unlocked {
    pub(crate) suite: u8,
    pub(crate) dek: Vec<u8>,
    pub(crate) context: Vec<(String, String)>,
}

/// §10: the plaintext of a manifest that keeps all rules.
pub(crate) fn manifest(suite: u8, dek: &[u8], aad: &[u8], record: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Bytes(record);
    if bytes.u8()? != 1 || bytes.u8()? != suite || dek.len() != key_len(suite)? {
        return None;
    }
    let (key, nonce) = schedule(suite, dek, bytes.take(32)?, "manifest", &[], 12);
    let plain = open(suite, &key, nonce.try_into().ok()?, aad, bytes.0)?;
    parts(&plain)?;
    Some(plain)
}

/// (number, salt, size) of each part.
fn parts(plain: &[u8]) -> Option<Vec<(u32, Vec<u8>, u64)>> {
    let mut bytes = Bytes(plain);
    let total = bytes.u64()?;
    bytes.bytes16(4096)?;
    let count = bytes.u32()?;
    let mut parts = Vec::new();
    while !bytes.0.is_empty() {
        parts.push((bytes.u32()?, bytes.take(32)?.to_vec(), bytes.u64()?));
        bytes.take(4 + 16)?;
    }
    let sizes = parts.iter().all(|part| part.2 <= 1 << 40) && parts.iter().map(|part| part.2).sum::<u64>() == total;
    let numbers = parts.first()?.0 >= 1 && parts.is_sorted_by(|a, b| a.0 < b.0);
    (sizes && numbers && parts.len() == count as usize && parts.len() <= 65_536).then_some(parts)
}

/// §12, an object of one inline part.
pub(crate) fn object(kek: &[u8], place: &Place, env: &[u8], man: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let unlocked = envelope(kek, place, env)?;
    let plain = manifest(unlocked.suite, &unlocked.dek, &place.binding(&unlocked.context), man)?;
    let [(number, salt, size)] = &parts(&plain)?[..] else { return None };
    let opened = part(unlocked.suite, &unlocked.dek, salt, *number, sealed)?;
    (opened.len() as u64 == *size).then_some(opened)
}

/// §12, a blob alone: plaintext and hint.
pub(crate) fn blob(kek: &[u8], blob: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Bytes(blob);
    if bytes.take(8)? != b"\x93SRBLOB\n" || bytes.u8()? != 1 {
        return None;
    }
    let suite = bytes.u8()?;
    let len = bytes.u32()? as usize;
    if len > 32_768 {
        return None;
    }
    let (header, chunks) = blob.split_at_checked(len)?;
    bytes = Bytes(header.get(14..)?);
    let number = bytes.u32()?;
    let salt = bytes.take(32)?;
    let mut text = || bytes.text16(1024);
    let (account, bucket, _name, key, version) = (text()?, text()?, text()?, text()?, text()?);
    let unlocked = envelope(kek, &Place { account, bucket, key, version }, bytes.bytes16(65_535)?)?;
    let hint_len = bytes.u16()?;
    let aad = &header[..header.len() - bytes.0.len()];
    if unlocked.suite != suite || hint_len > 16_384 || bytes.0.len() != usize::from(hint_len) + tag_len(suite)? {
        return None;
    }
    let (header_key, nonce) = schedule(suite, &unlocked.dek, salt, "header", &number.to_be_bytes(), 12);
    let hint = open(suite, &header_key, nonce.try_into().ok()?, aad, bytes.0)?;
    Some((part(suite, &unlocked.dek, salt, number, chunks)?, hint))
}

fn info(label: &str, suite: u8, rest: &[u8]) -> Vec<u8> {
    [b"strongroom/seal/", label.as_bytes(), &[0, 1, suite], rest].concat()
}

/// §2: a record, read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn bytes16(&mut self, limit: usize) -> Option<&'a [u8]> {
        let len = usize::from(self.u16()?);
        if len > limit { None } else { self.take(len) }
    }

    fn text16(&mut self, limit: usize) -> Option<String> {
        String::from_utf8(self.bytes16(limit)?.to_vec()).ok()
    }
}
