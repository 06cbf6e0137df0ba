//! What must hold whatever bytes are stored. The fuzz targets in `fuzz/` run these functions over inputs that they make
//! up; the tests at the end run them over the inputs worth keeping. So this file knows nothing of its crate's other tests.
//!
//! Each function panics if a law is broken, and answers whether it had anything to accept.

use std::collections::BTreeMap;

use strongroom_seal::{
    AES_256_GCM, CHUNK, ContentKey, Envelope, EnvelopeKey, Error, Header, Identity, KeyBytes, MAX_HEADER, Manifest,
    Opener, Part, PartId, RowSession, SUITES, Sealer, Suite, Window, WrappedKey, plain_len, unwrap, wrap,
};

/// The AAD of the records that [`decoders`] opens.
const AAD: &[u8] = b"where the record belongs";

/// The part that [`decoders`] and [`opener`] read.
const PART: PartId = PartId { salt: [4; 32], number: 1 };

/// The master key of every envelope here.
const KEY_ID: &str = "key-1";
const KEY_VERSION: u32 = 7;

/// What is stored of one object version: envelope, manifest and sealed part.
type Stored = [Vec<u8>; 3];

/// The first byte chooses the suite, the second (modulo three) how many whole chunks the object has, and (a third of it, if
/// odd) that its data key is under a bucket key, the third the bytes after the chunks. Then come changes of four bytes each, see [`change`]. What was changed is refused, or the change made no
/// difference: what comes out is what went in, or nothing.
pub(crate) fn opener(data: &[u8]) -> bool {
    let Some((&[suite, chunks, tail], changes)) = data.split_first_chunk() else { return false };
    let suite = SUITES[usize::from(suite) % SUITES.len()];
    let plain = pattern(usize::from(chunks) % 3 * CHUNK + usize::from(tail));
    let genuine = stored(suite, &plain, chunks / 3 % 2 == 1);
    let mut changed = genuine.clone();
    // More changes than this hit nothing that fewer would not.
    for edit in changes.as_chunks::<4>().0.iter().take(8) {
        change(&mut changed, edit);
    }
    let read = read_object(&changed);
    if changed == genuine {
        assert!(read == Ok(plain), "{suite:?}: what nobody changed is refused");
        return true;
    }
    assert!(read.is_err(), "{suite:?}: something changed was read");
    false
}

/// One change: what to do and to which record, where in the record (in 65,536ths of its length), and with what.
fn change(records: &mut Stored, &[what, high, low, with]: &[u8; 4]) {
    let record = &mut records[usize::from(what) % 3];
    let at = record.len() * usize::from(u16::from_be_bytes([high, low])) / 65_536;
    match what / 3 % 6 {
        0 if at < record.len() => record[at] ^= with,
        1 => record.truncate(at),
        2 => record.insert(at, with),
        3 => drop(record.drain(at..record.len().min(at + usize::from(with)))),
        4 => record.rotate_left(at),
        _ => record.extend_from_within(at..),
    }
}

/// An envelope of the suite; by way of a bucket key if that is wanted, and if there can be one.
fn sealed_envelope(suite: &'static Suite, by_bucket_key: bool) -> Envelope {
    let (content, context) = (content(suite), context());
    let Some(key) = content.data_key() else { return Envelope::plain() };
    let place = identity();
    let place = place.binding(&context);
    let by_bucket_key = by_bucket_key && suite.layers == 1;
    let bucket_key = KeyBytes::new(&vec![0x31; suite.key_len]).expect("a suite's keys have 16, 32 or 64 bytes");
    let over = if by_bucket_key { &bucket_key } else { &kek() };
    let wrapped = wrap(over, wrapping(suite), &[5; 32], &place.encode(), key).expect("the key suits every suite");
    let envelope = Envelope::sealed(&content, KEY_ID.to_owned(), KEY_VERSION, context.clone(), wrapped);
    let envelope = envelope.expect("its fields are short");
    if !by_bucket_key {
        return envelope;
    }
    let over = wrap(&kek(), wrapping(suite), &[6; 32], &place.bucket_key().encode(), &bucket_key);
    envelope.under(over.expect("the key suits every suite")).expect("a bucket key of the same suite")
}

fn stored(suite: &'static Suite, plain: &[u8], by_bucket_key: bool) -> Stored {
    let (content, envelope) = (content(suite), sealed_envelope(suite, by_bucket_key));
    let context = if suite.is_keyed() { context() } else { BTreeMap::new() };
    let part = Part { id: PART, size: plain.len() as u64, header_len: 0, blob: [0; 16] };
    let manifest = Manifest::new(vec![part], b"etag".to_vec()).expect("one part is a manifest");
    let manifest = manifest.seal(&content, &[8; 32], &identity().binding(&context).encode());
    [envelope.encode(), manifest, seal_part(&content, plain)]
}

/// What a GET does with what is stored.
fn read_object([envelope, manifest, body]: &Stored) -> Result<Vec<u8>, Error> {
    let envelope = Envelope::decode(envelope)?;
    let context = envelope.key().map(|key| key.context.clone()).unwrap_or_default();
    let binding = identity().binding(&context).encode();
    let data_key = envelope.key().map(|key| data_key(&fetched(key), key)).transpose()?;
    let content = envelope.unlock(data_key)?;
    let manifest = Manifest::open(&content, &binding, manifest)?;
    let mut plain = Vec::new();
    for extent in manifest.locate(0..manifest.size())? {
        if body.len() as u64 != extent.part.sealed_len(content.suite()) {
            return Err(Error::Malformed("part"));
        }
        plain.extend(open_part(&content, &extent.part.id, body)?);
    }
    Ok(plain)
}

/// What an envelope's key comes to, by way of the bucket key if there is one.
fn data_key(master: &KeyBytes, key: &EnvelopeKey) -> Result<KeyBytes, Error> {
    let place = identity();
    let place = place.binding(&key.context);
    match &key.bucket_key {
        Some(over) => unwrap(&unwrap(master, over, &place.bucket_key().encode())?, &key.wrapped, &place.encode()),
        None => unwrap(master, &key.wrapped, &place.encode()),
    }
}

/// The master key that an envelope names: what the key service has under another name or version is another key.
fn fetched(key: &EnvelopeKey) -> KeyBytes {
    let named = key.key_id == KEY_ID && key.key_version == KEY_VERSION;
    if named { kek() } else { KeyBytes::new(&[0x22; 32]).expect("keys have 16 or 32 bytes") }
}

/// The first byte chooses the suite; the rest is given to every decoder, and to every opener under keys that the corpus
/// has genuine records for. Whatever is accepted is what its encoder or sealer writes, to the byte: records have one form.
pub(crate) fn decoders(data: &[u8]) -> bool {
    let Some((&suite, record)) = data.split_first() else { return false };
    let content = content(SUITES[usize::from(suite) % SUITES.len()]);
    let accepted = [
        envelope(record),
        wrapped_key(record),
        header(&content, record),
        manifest(&content, record),
        row(record),
        part(&content, record),
    ];
    accepted.contains(&true)
}

fn envelope(record: &[u8]) -> bool {
    let Ok(envelope) = Envelope::decode(record) else { return false };
    assert_eq!(envelope.encode(), record);
    assert_eq!(envelope.suite().is_keyed(), envelope.key().is_some());
    let unwrapped = envelope.key().map(|key| data_key(&kek(), key));
    if let Ok(data_key) = unwrapped.transpose() {
        // Whoever holds the key may still have been handed another envelope's commitment.
        match envelope.unlock(data_key) {
            Ok(content) => assert_eq!(content.suite(), envelope.suite()),
            Err(error) => assert!(matches!(error, Error::Commitment | Error::KeyLength), "{error}"),
        }
    }
    true
}

fn wrapped_key(record: &[u8]) -> bool {
    let Ok(wrapped) = WrappedKey::decode(record) else { return false };
    assert_eq!(wrapped.encode(), record);
    if let Ok(key) = unwrap(&kek(), &wrapped, AAD) {
        let salt = field(record, 18);
        assert_eq!(wrap(&kek(), wrapped.suite(), &salt, AAD, &key).as_ref(), Ok(&wrapped));
    }
    true
}

fn header(content: &ContentKey, record: &[u8]) -> bool {
    let Ok((header, len)) = Header::decode(record) else { return false };
    assert!(len <= record.len() && len <= MAX_HEADER);
    if let Ok(hint) = header.open(content) {
        let written = Header::encode(header.identity(), header.part(), header.envelope(), content, &hint);
        assert_eq!(written.as_deref(), Ok(&record[..len]));
    }
    true
}

fn manifest(content: &ContentKey, record: &[u8]) -> bool {
    let Ok(manifest) = Manifest::open(content, AAD, record) else { return false };
    assert_eq!(manifest.seal(content, &field(record, 2), AAD), record);
    let located: u64 = manifest
        .locate(0..manifest.size())
        .expect("the whole of an object can be located")
        .map(|extent| extent.range.end - extent.range.start)
        .sum();
    assert_eq!(located, manifest.size());
    true
}

fn row(record: &[u8]) -> bool {
    let Ok(salt) = RowSession::salt_of(record) else { return false };
    SUITES.into_iter().filter(|suite| suite.wraps()).any(|suite| {
        let session = RowSession::new(&kek(), suite, salt).expect("a key of 32 bytes suits every suite");
        let Ok(row) = session.open(AAD, record) else { return false };
        assert_eq!(session.seal(u64::from_be_bytes(field(record, 18)), AAD, &row), record);
        true
    })
}

fn part(content: &ContentKey, record: &[u8]) -> bool {
    let Ok(plain) = open_part(content, &PART, record) else { return false };
    assert!(seal_part(content, &plain) == record);
    true
}

/// The bytes of an accepted record's field.
fn field<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    *record[at..].first_chunk().expect("a record that was accepted has all its fields")
}

fn seal_part(content: &ContentKey, plain: &[u8]) -> Vec<u8> {
    let (mut sealer, mut out) = (Sealer::new(content, &PART), Vec::new());
    let count = plain.len().div_ceil(CHUNK).max(1);
    for index in 0..count {
        let mut chunk = plain[index * CHUNK..plain.len().min((index + 1) * CHUNK)].to_vec();
        let tag = sealer.seal(&mut chunk, index + 1 == count).expect("chunks are cut as they must be");
        out.extend(chunk);
        out.extend(tag.as_ref());
    }
    out
}

fn open_part(content: &ContentKey, id: &PartId, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let suite = content.suite();
    let size = plain_len(suite, sealed.len() as u64).ok_or(Error::Malformed("part"))?;
    let window = Window::plan(suite, size, 0..size)?;
    let (opener, mut plain, mut rest) = (Opener::new(content, id), Vec::new(), sealed);
    for (index, last, len) in window.chunks(suite) {
        let (chunk, after) = rest.split_at(len);
        let mut chunk = chunk.to_vec();
        let opened = opener.open(index, last, &mut chunk)?;
        plain.extend_from_slice(&chunk[..opened]);
        rest = after;
    }
    assert!(rest.is_empty(), "the chunks of a window cover it");
    Ok(plain)
}

/// What data keys of the suite are wrapped with.
fn wrapping(suite: &'static Suite) -> &'static Suite {
    if suite.wraps() { suite } else { &AES_256_GCM }
}

fn content(suite: &'static Suite) -> ContentKey {
    if !suite.is_keyed() {
        return ContentKey::plain();
    }
    let key = KeyBytes::new(&vec![0x60; suite.key_len]).expect("a suite's keys have 16, 32 or 64 bytes");
    ContentKey::fresh(suite, key).expect("the key has the suite's length")
}

fn kek() -> KeyBytes {
    KeyBytes::new(&[0x21; 32]).expect("keys have 16 or 32 bytes")
}

fn identity() -> Identity {
    let [account, bucket, bucket_name, key, version] = ["acc", "b-1", "name", "k", "v"].map(str::to_owned);
    Identity { account, bucket, bucket_name, key, version }
}

fn context() -> BTreeMap<String, String> {
    BTreeMap::from([("c".to_owned(), "d".to_owned())])
}

/// Bytes that differ from those of every other place nearby.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at + at / 251) as u8).collect()
}

#[cfg(test)]
mod replay {
    use std::fs;
    use std::panic::catch_unwind;
    use std::path::{Path, PathBuf};

    use super::*;

    fn folder(target: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
    }

    /// Runs a property over its corpus, which holds what is accepted as well as what is refused.
    fn replay(target: &str, property: fn(&[u8]) -> bool) {
        let (folder, mut accepted, mut refused) = (folder(target), 0, 0);
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            match catch_unwind(|| property(&input)) {
                Ok(true) => accepted += 1,
                Ok(false) => refused += 1,
                Err(_) => panic!("{} breaks a law of {target}", path.display()),
            }
        }
        assert!(
            accepted >= 5 && refused >= 5,
            "{target} has {accepted} inputs that are accepted, {refused} that are not"
        );
    }

    #[test]
    fn stored_objects() {
        replay("opener", opener);
    }

    #[test]
    fn records() {
        replay("decoders", decoders);
    }

    /// Without these, every record of the corpus could come to be refused at the door and nobody would notice.
    /// `STRONGROOM_UPDATE_VECTORS=1` writes them anew when the format changes.
    #[test]
    fn the_corpus_has_a_genuine_record_of_every_kind() {
        for (name, record) in genuine() {
            if std::env::var_os("STRONGROOM_UPDATE_VECTORS").is_some() {
                fs::write(folder("decoders").join(&name), &record).unwrap();
            }
            let stored = fs::read(folder("decoders").join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(stored == record && decoders(&record), "{name}");
        }
    }

    /// What the names say, after the byte that chooses the suite.
    fn genuine() -> Vec<(String, Vec<u8>)> {
        let mut seeds = Vec::new();
        for (number, suite) in (0_u8..).zip(SUITES) {
            let content = content(suite);
            let [envelope, under_bucket_key] = [false, true].map(|by| sealed_envelope(suite, by));
            let header = Header::encode(&identity(), &PART, &under_bucket_key, &content, b"hint").unwrap();
            let part = |number| Part { id: PartId { number, ..PART }, size: 9, header_len: 300, blob: [6; 16] };
            let parts = Manifest::new(vec![part(1), part(7)], b"etag".to_vec()).unwrap();
            let mut records = vec![
                ("envelope", envelope.encode()),
                ("envelope-bucket-key", under_bucket_key.encode()),
                ("header", [&header[..], b"chunks"].concat()),
                ("manifest", parts.seal(&content, &[8; 32], AAD)),
                ("part", seal_part(&content, b"some bytes")),
                ("part-empty", seal_part(&content, b"")),
            ];
            if let Some(key) = content.data_key() {
                records.push(("wrapped-key", wrap(&kek(), wrapping(suite), &[5; 32], AAD, key).unwrap().encode()));
                records.push(("row", RowSession::new(&kek(), wrapping(suite), [2; 16]).unwrap().seal(7, AAD, b"row")));
            }
            for (kind, record) in records {
                seeds.push((format!("{kind}.{}", suite.name), [&[number][..], &record].concat()));
            }
        }
        seeds
    }
}
