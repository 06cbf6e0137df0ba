//! Laws that hold for all inputs: what was sealed comes back, what was touched does not, and no input makes a decoder panic.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use strongroom_seal::{
    AES_256_GCM, Binding, CHUNK, ContentKey, Envelope, Error, Header, Identity, KeyBytes, Manifest, ManifestKey,
    Opener, Part, PartId, RowSession, SM4_GCM, SUITES, Sealer, Suite, Window, WrappedKey, plain_len, sealed_len,
    unwrap, wrap,
};

use crate::generate::{counting, inline, seal_part, wrapping};
use crate::independent;
use crate::vector::pattern;
use crate::vectors::{data_key as opened_key, open_part};

/// Sizes on both sides of every border, and some between.
fn sizes() -> impl Strategy<Value = usize> {
    let border = (0..4_usize, -2..=2_isize).prop_map(|(chunks, by)| (chunks * CHUNK).saturating_add_signed(by));
    prop_oneof![border, 0..3 * CHUNK]
}

fn suites() -> impl Strategy<Value = &'static Suite> {
    select(SUITES.to_vec())
}

fn part_ids() -> impl Strategy<Value = PartId> {
    (any::<[u8; 32]>(), 1..10_000_u32).prop_map(|(salt, number)| PartId { salt, number })
}

fn contexts() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(".{0,12}", ".{0,12}", 0..4)
}

fn data_key(suite: &Suite) -> Vec<u8> {
    counting(0x60, suite.key_len as u8)
}

fn content(suite: &'static Suite) -> ContentKey {
    match suite.is_keyed() {
        true => ContentKey::fresh(suite, KeyBytes::new(&data_key(suite)).unwrap()).unwrap(),
        false => ContentKey::plain(),
    }
}

fn kek() -> KeyBytes {
    KeyBytes::new(&[0x21; 32]).unwrap()
}

fn envelope(suite: &'static Suite, identity: &Identity, context: &BTreeMap<String, String>) -> Envelope {
    let content = content(suite);
    let Some(key) = content.data_key() else { return Envelope::plain() };
    let wrapped = wrap(&kek(), wrapping(suite), &[5; 32], &identity.binding(context).encode(), key).unwrap();
    Envelope::sealed(&content, "key-1".to_owned(), 7, context.clone(), wrapped).unwrap()
}

/// All envelopes that an object of the suite may have there.
fn envelopes(suite: &'static Suite, identity: &Identity, context: &BTreeMap<String, String>) -> Vec<Envelope> {
    let mut envelopes = vec![envelope(suite, identity, context)];
    if suite.is_keyed() && suite.layers == 1 {
        let made = [&AES_256_GCM, &SM4_GCM].map(|wrapping| under_bucket_key(suite, wrapping, identity, context));
        envelopes.extend(made.map(Result::unwrap));
    }
    envelopes
}

/// The data key under a bucket key, and that under the master key.
fn under_bucket_key(
    suite: &'static Suite,
    wrapping: &'static Suite,
    identity: &Identity,
    context: &BTreeMap<String, String>,
) -> Result<Envelope, Error> {
    let (content, place) = (content(suite), identity.binding(context));
    let bucket_key = KeyBytes::new(&counting(0x90, wrapping.key_len as u8))?;
    let over = wrap(&kek(), wrapping, &[6; 32], &place.bucket_key().encode(), &bucket_key)?;
    let wrapped = wrap(&bucket_key, wrapping, &[5; 32], &place.encode(), content.data_key().unwrap())?;
    Envelope::sealed(&content, "key-1".to_owned(), 7, context.clone(), wrapped)?.under(over)
}

prop_compose! {
    fn identities()(fields in [".{0,20}", ".{0,20}", ".{0,20}", ".{0,20}", ".{0,20}"]) -> Identity {
        let [account, bucket, bucket_name, key, version] = fields;
        Identity { account, bucket, bucket_name, key, version }
    }
}

prop_compose! {
    fn manifests()(
        rows in vec((any::<[u8; 32]>(), 0..1_u64 << 40, any::<u32>(), any::<[u8; 16]>(), 1..50_u32), 1..20),
        checksums in vec(any::<u8>(), 0..80),
    ) -> Manifest {
        let mut number = 0;
        let parts = rows.into_iter().map(|(salt, size, header_len, blob, step)| {
            number += step;
            Part { id: PartId { salt, number }, size, header_len, blob }
        });
        Manifest::new(parts.collect(), checksums).unwrap()
    }
}

/// What a ranged GET of one part does with its stored bytes.
fn read_range(
    content: &ContentKey,
    id: &PartId,
    size: u64,
    range: Range<u64>,
    stored: &[u8],
) -> Result<Vec<u8>, Error> {
    let window = Window::plan(content.suite(), size, range)?;
    let cipher = stored.get(window.cipher.start as usize..window.cipher.end as usize).ok_or(Error::Refused)?;
    let (opener, mut plain, mut rest) = (Opener::new(content, id), Vec::new(), cipher.to_vec());
    for (index, last, len) in window.chunks(content.suite()) {
        let after = rest.split_off(len);
        let opened = opener.open(index, last, &mut rest)?;
        plain.extend_from_slice(&rest[..opened]);
        rest = after;
    }
    assert!(rest.is_empty(), "the chunks of a window cover it");
    Ok(plain[window.skip..][..window.take as usize].to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_was_sealed_comes_back(suite in suites(), id in part_ids(), size in sizes()) {
        let (content, plain) = (content(suite), pattern(size));
        let sealed = seal_part(&content, &id, &plain);
        prop_assert_eq!(sealed.len() as u64, sealed_len(suite, size as u64));
        prop_assert_eq!(plain_len(suite, sealed.len() as u64), Some(size as u64));
        prop_assert!(open_part(&content, &id, &sealed).as_ref() == Ok(&plain));
    }

    #[test]
    fn the_independent_reader_reads_what_the_crate_writes(suite in suites(), id in part_ids(), size in sizes()) {
        let sealed = seal_part(&content(suite), &id, &pattern(size));
        let opened = independent::part(suite.id, &data_key(suite), &id.salt, id.number, &sealed);
        prop_assert!(opened == Some(pattern(size)));
    }

    #[test]
    fn a_range_is_the_slice(
        suite in suites(), id in part_ids(), size in sizes(), a in any::<prop::sample::Index>(), b in sizes(),
    ) {
        prop_assume!(size > 0);
        let start = a.index(size);
        let end = size.min(start + 1 + b);
        let (content, plain) = (content(suite), pattern(size));
        let sealed = seal_part(&content, &id, &plain);
        let read = read_range(&content, &id, size as u64, start as u64..end as u64, &sealed);
        prop_assert!(read.as_deref() == Ok(&plain[start..end]));
    }

    #[test]
    fn a_range_of_a_changed_part_is_exact_or_refused(
        suite in suites(), size in 1..3 * CHUNK, at in any::<prop::sample::Index>(), bit in 0..8, a in any::<prop::sample::Index>(),
    ) {
        let (content, id, plain) = (content(suite), PartId { salt: [4; 32], number: 1 }, pattern(size));
        let mut sealed = seal_part(&content, &id, &plain);
        let at = at.index(sealed.len());
        sealed[at] ^= 1_u8 << bit;
        let start = a.index(size);
        let touched = Window::plan(suite, size as u64, start as u64..size as u64).unwrap().cipher.contains(&(at as u64));
        let read = read_range(&content, &id, size as u64, start as u64..size as u64, &sealed);
        let exact = read.as_deref() == Ok(&plain[start..]);
        prop_assert!(exact != touched && (exact || read == Err(Error::Refused)));
    }

    #[test]
    fn another_length_is_refused(suite in suites(), size in sizes(), by in -70_000..70_000_isize) {
        prop_assume!(by != 0);
        let (content, id) = (content(suite), PartId { salt: [4; 32], number: 1 });
        let mut sealed = seal_part(&content, &id, &pattern(size));
        sealed.resize(sealed.len().saturating_add_signed(by), 0);
        prop_assert!(open_part(&content, &id, &sealed).is_err());
    }

    #[test]
    fn a_refused_chunk_is_wiped(suite in suites(), size in 1..CHUNK, at in any::<prop::sample::Index>()) {
        let (content, id) = (content(suite), PartId { salt: [4; 32], number: 1 });
        let mut sealed = seal_part(&content, &id, &pattern(size));
        let at = at.index(sealed.len());
        sealed[at] ^= 0x80;
        prop_assert_eq!(Opener::new(&content, &id).open(0, true, &mut sealed), Err(Error::Refused));
        prop_assert!(sealed[..size].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn chunks_open_only_in_their_place(suite in suites(), index in 0..3_u32, as_index in 0..3_u32, last in any::<bool>()) {
        let (content, id) = (content(suite), PartId { salt: [4; 32], number: 1 });
        let sealed = seal_part(&content, &id, &pattern(3 * CHUNK));
        let mut chunk = sealed.chunks(CHUNK + suite.tag_len).nth(index as usize).unwrap().to_vec();
        let opened = Opener::new(&content, &id).open(as_index, last, &mut chunk);
        prop_assert_eq!(opened.is_ok(), index == as_index && last == (index == 2));
    }

    /// The key of a manifest, kept and read again, seals what the data key would have, which is not needed for it any more.
    #[test]
    fn a_kept_key_seals_the_manifest(suite in suites(), manifest in manifests(), salt in any::<[u8; 32]>()) {
        let kept = ManifestKey::derive(&content(suite), salt).expose();
        let sealed = manifest.seal_under(ManifestKey::from_kept(&kept).unwrap(), b"place");
        prop_assert_eq!(&sealed, &manifest.seal(&content(suite), &salt, b"place"));
        prop_assert!(ManifestKey::from_kept(&kept[..kept.len() - 1]).is_err());
        let key = data_key(suite);
        prop_assert!(!kept.windows(16).any(|piece| key.windows(16).any(|key| key == piece)));
    }

    #[test]
    fn a_manifest_comes_back(suite in suites(), manifest in manifests(), salt in any::<[u8; 32]>(), aad in vec(any::<u8>(), 0..40)) {
        let content = content(suite);
        let sealed = manifest.seal(&content, &salt, &aad);
        prop_assert_eq!(Manifest::open(&content, &aad, &sealed), Ok(manifest));
        prop_assert!(independent::manifest(suite.id, &data_key(suite), &aad, &sealed).is_some());
    }

    #[test]
    fn the_extents_of_a_range_are_the_range(sizes in vec(0..50_u64, 1..12), a in 0..600_u64, b in 1..600_u64) {
        let parts = sizes.iter().zip(1..).map(|(&size, number)| inline(PartId { salt: [0; 32], number }, size));
        let manifest = Manifest::new(parts.collect(), Vec::new()).unwrap();
        let total: u64 = sizes.iter().sum();
        let bytes: Vec<_> = sizes.iter().zip(1_u32..).flat_map(|(&size, number)| (0..size).map(move |at| (number, at))).collect();
        if a + b > total {
            prop_assert!(manifest.locate(a..a + b).is_err());
        } else {
            let extents = manifest.locate(a..a + b).unwrap();
            let located: Vec<_> = extents.flat_map(|e| e.range.map(move |at| (e.part.id.number, at))).collect();
            prop_assert_eq!(located, &bytes[a as usize..(a + b) as usize]);
        }
    }

    #[test]
    fn an_envelope_comes_back(suite in suites(), identity in identities(), context in contexts()) {
        let made = envelope(suite, &identity, &context);
        let envelope = Envelope::decode(&made.encode()).unwrap();
        prop_assert_eq!(&envelope, &made);
        if let Some(key) = envelope.key() {
            let data_key = unwrap(&kek(), &key.wrapped, &identity.binding(&key.context).encode()).unwrap();
            prop_assert!(envelope.unlock(Some(data_key)).is_ok());
        }
    }

    /// One bucket key serves all objects of its bucket that have its context, and opens for no other bucket and context.
    #[test]
    fn a_bucket_key_serves_its_bucket(
        suite in suites(), wrapping in select(vec![&AES_256_GCM, &SM4_GCM]),
        one in identities(), other in identities(), context in contexts(), other_context in contexts(),
    ) {
        prop_assume!(suite.is_keyed());
        let made = |identity: &Identity| under_bucket_key(suite, wrapping, identity, &context);
        if suite.layers == 2 {
            prop_assert_eq!(made(&one).err(), Some(Error::Malformed("envelope")));
            return Ok(());
        }
        let here = made(&one).unwrap();
        prop_assert_eq!(&Envelope::decode(&here.encode()).unwrap(), &here);
        let key = here.key().unwrap();
        let opened = opened_key(&kek(), key, &one.binding(&context)).unwrap();
        prop_assert!(here.unlock(Some(opened)).is_ok());

        let beside = Identity { key: other.key.clone(), version: other.version.clone(), ..one.clone() };
        let there = made(&beside).unwrap();
        prop_assert_eq!(&key.bucket_key, &there.key().unwrap().bucket_key);
        let moved = opened_key(&kek(), key, &beside.binding(&context));
        prop_assert_eq!(moved.is_ok(), (&one.key, &one.version) == (&beside.key, &beside.version));

        let elsewhere = other.binding(&other_context);
        let place = |binding: &Binding<'_>| (binding.account.to_owned(), binding.bucket.to_owned());
        let same = place(&elsewhere) == place(&one.binding(&context)) && other_context == context;
        let over = key.bucket_key.as_ref().unwrap();
        prop_assert_eq!(unwrap(&kek(), over, &elsewhere.bucket_key().encode()).is_ok(), same);
        prop_assert!(unwrap(&kek(), over, &one.binding(&context).encode()).is_err());
        prop_assert!(unwrap(&kek(), &key.wrapped, &one.binding(&context).encode()).is_err());
    }

    #[test]
    fn a_header_comes_back(
        suite in suites(), identity in identities(), context in contexts(), id in part_ids(), hint in vec(any::<u8>(), 0..200),
    ) {
        let (content, envelope) = (content(suite), envelope(suite, &identity, &context));
        let mut blob = Header::encode(&identity, &id, &envelope, &content, &hint).unwrap();
        let len = blob.len();
        blob.extend_from_slice(b"chunks");
        let (header, header_len) = Header::decode(&blob).unwrap();
        prop_assert_eq!(header_len, len);
        prop_assert_eq!((header.identity(), header.part(), header.envelope()), (&identity, &id, &envelope));
        prop_assert_eq!(header.open(&content), Ok(hint));
    }

    #[test]
    fn different_identities_have_different_bindings(a in identities(), b in identities(), x in contexts(), y in contexts()) {
        let fields = |i: &Identity| [&i.account, &i.bucket, &i.key, &i.version].map(String::clone);
        let same = fields(&a) == fields(&b) && x == y;
        prop_assert_eq!(a.binding(&x).encode() == b.binding(&y).encode(), same);
    }

    #[test]
    fn the_same_text_cut_elsewhere_is_another_binding(text in "[ab]{0,6}", cut in 0..7_usize, other in 0..7_usize) {
        let context = BTreeMap::new();
        let encode = |cut: usize| {
            let (bucket, key) = text.split_at(cut.min(text.len()));
            Binding { account: "", bucket, key, version: "", context: &context }.encode()
        };
        prop_assert_eq!(encode(cut) == encode(other), cut.min(text.len()) == other.min(text.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn decoders_survive_anything(noise in vec(any::<u8>(), 0..400), suite in suites()) {
        decode_everything(&noise, suite);
    }

    /// Noise that starts like the real thing gets further.
    #[test]
    fn decoders_survive_damage(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(), suite in suites()) {
        for mut record in records(suite) {
            let at = at.index(record.len());
            record[at] = byte;
            record.truncate(cut.index(record.len()) + 1);
            decode_everything(&record, suite);
        }
    }
}

fn decode_everything(bytes: &[u8], suite: &'static Suite) {
    let content = content(suite);
    // What matters is that none of these panics; canonical forms are checked where one is accepted.
    if let Ok(envelope) = Envelope::decode(bytes) {
        assert_eq!(envelope.encode(), bytes);
    }
    if let Ok(wrapped) = WrappedKey::decode(bytes) {
        assert_eq!(wrapped.encode(), bytes);
    }
    if let Ok((header, len)) = Header::decode(bytes) {
        assert!(len <= bytes.len());
        drop(header.open(&content));
    }
    drop(Manifest::open(&content, b"", bytes));
    if let Ok(salt) = RowSession::salt_of(bytes) {
        drop(RowSession::new(&kek(), &AES_256_GCM, salt).unwrap().open(b"", bytes));
    }
    drop(open_part(&content, &PartId { salt: [4; 32], number: 1 }, bytes));
}

/// One genuine record of each kind.
fn records(suite: &'static Suite) -> Vec<Vec<u8>> {
    let content = content(suite);
    let text = str::to_owned;
    let identity =
        Identity { account: text("a"), bucket: text("b"), bucket_name: text("n"), key: text("k"), version: text("v") };
    let context = BTreeMap::from([(text("c"), text("d"))]);
    let envelope = envelopes(suite, &identity, &context).pop().unwrap();
    let id = PartId { salt: [4; 32], number: 1 };
    let manifest = Manifest::new(vec![inline(id, 9)], vec![1; 9]).unwrap();
    let mut records = vec![
        envelope.encode(),
        manifest.seal(&content, &[8; 32], b""),
        Header::encode(&identity, &id, &envelope, &content, b"hint").unwrap(),
        seal_part(&content, &id, b"some bytes"),
    ];
    records.extend(envelope.key().map(|key| key.wrapped.encode()));
    records
}

/// Every single-bit change anywhere in everything stored for an object: refused, or the exact plaintext.
#[test]
fn every_bit_of_a_stored_object_counts() {
    for suite in SUITES {
        let text = str::to_owned;
        let identity = Identity {
            account: text("acc"),
            bucket: text("b-1"),
            bucket_name: String::new(),
            key: text("k"),
            version: text("v"),
        };
        let context = BTreeMap::from([(text("c"), text("d"))]);
        let id = PartId { salt: [4; 32], number: 1 };
        let envelopes = envelopes(suite, &identity, &context);
        let context = if suite.is_keyed() { context } else { BTreeMap::new() };
        let binding = identity.binding(&context).encode();
        let manifest = Manifest::new(vec![inline(id, 50)], vec![7; 5]).unwrap();
        let manifest = manifest.seal(&content(suite), &[8; 32], &binding);
        let body = seal_part(&content(suite), &id, &pattern(50));
        for (number, envelope) in envelopes.iter().enumerate() {
            let stored = [envelope.encode(), manifest.clone(), body.clone()];
            assert_eq!(read(&identity, &stored), Some(pattern(50)));
            // Manifest and body are the same for all.
            for record in 0..if number == 0 { 3 } else { 1 } {
                for bit in 0..stored[record].len() * 8 {
                    let mut changed = stored.clone();
                    changed[record][bit / 8] ^= 1 << (bit % 8);
                    let read = read(&identity, &changed);
                    assert_eq!(read, None, "{suite:?}, envelope {number}, record {record}, bit {bit}");
                }
            }
        }
    }
}

/// The same for a blob that is read alone, as recovery does.
#[test]
fn every_bit_of_a_blob_counts() {
    for suite in SUITES {
        let [.., header, body] = &records(suite)[..4] else { panic!("four kinds of record for every suite") };
        let blob = [&header[..], body].concat();
        assert_eq!(read_blob(&blob), Some((b"some bytes".to_vec(), b"hint".to_vec())));
        for bit in 0..blob.len() * 8 {
            let mut changed = blob.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read_blob(&changed), None, "{suite:?}, bit {bit}");
        }
    }
}

fn read_blob(blob: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (header, len) = Header::decode(blob).ok()?;
    let data_key = match header.envelope().key() {
        Some(key) => Some(opened_key(&kek(), key, &header.identity().binding(&key.context)).ok()?),
        None => None,
    };
    let content = header.envelope().unlock(data_key).ok()?;
    let hint = header.open(&content).ok()?;
    Some((open_part(&content, header.part(), &blob[len..]).ok()?, hint))
}

/// Reads an object as the store does, fetching the key that the envelope names.
fn read(identity: &Identity, [envelope, manifest, body]: &[Vec<u8>; 3]) -> Option<Vec<u8>> {
    let envelope = Envelope::decode(envelope).ok()?;
    let none = BTreeMap::new();
    let binding = identity.binding(envelope.key().map_or(&none, |key| &key.context)).encode();
    let data_key = match envelope.key() {
        Some(key) if (key.key_id.as_str(), key.key_version) == ("key-1", 7) => {
            Some(opened_key(&kek(), key, &identity.binding(&key.context)).ok()?)
        }
        Some(_) => return None,
        None => None,
    };
    let content = envelope.unlock(data_key).ok()?;
    let manifest = Manifest::open(&content, &binding, manifest).ok()?;
    let part = manifest.parts().first()?;
    (part.sealed_len(content.suite()) == body.len() as u64).then_some(())?;
    open_part(&content, &part.id, body).ok()
}

#[test]
fn a_manifest_of_ten_thousand_parts_fits() {
    let parts = (1..=10_000).map(|number| inline(PartId { salt: [number as u8; 32], number }, 5 << 20));
    let manifest = Manifest::new(parts.collect(), vec![1; 64]).unwrap();
    for suite in SUITES {
        let sealed = manifest.seal(&content(suite), &[8; 32], b"place");
        assert!(sealed.len() < 650_000, "{} bytes", sealed.len());
        assert_eq!(Manifest::open(&content(suite), b"place", &sealed).as_ref(), Ok(&manifest));
    }
}

#[test]
fn limits_are_kept() {
    let id = |number| PartId { salt: [0; 32], number };
    let new = |parts: Vec<Part>, checksums: usize| Manifest::new(parts, vec![0; checksums]).err();
    assert_eq!(new(vec![inline(id(1), 1 << 40)], 4_096), None);
    assert_eq!(new(vec![inline(id(1), (1 << 40) + 1)], 0), Some(Error::TooLarge("part")));
    assert_eq!(new(vec![inline(id(1), 1)], 4_097), Some(Error::TooLarge("checksums field")));
    assert_eq!(new((1..=65_537).map(|n| inline(id(n), 1)).collect(), 0), Some(Error::TooLarge("part list")));
    assert_eq!(new(vec![inline(id(0), 1)], 0), Some(Error::Malformed("manifest")));
    assert_eq!(new(vec![inline(id(2), 1), inline(id(2), 1)], 0), Some(Error::Malformed("manifest")));
    assert_eq!(new(Vec::new(), 0), Some(Error::Malformed("manifest")));

    let content = content(&AES_256_GCM);
    let wrapped = || wrap(&kek(), &AES_256_GCM, &[5; 32], b"", content.data_key().unwrap()).unwrap();
    let sealed = |key_id: usize, value: usize| {
        let context = BTreeMap::from([("n".to_owned(), "v".repeat(value))]);
        Envelope::sealed(&content, "k".repeat(key_id), 1, context, wrapped())
    };
    let largest = sealed(256, 8_187).unwrap();
    assert_eq!(Envelope::decode(&largest.encode()).as_ref(), Ok(&largest));
    assert_eq!(sealed(257, 0).err(), Some(Error::TooLarge("key id")));
    assert_eq!(sealed(256, 8_188).err(), Some(Error::TooLarge("encryption context")));

    let long = |len: usize| "x".repeat(len);
    let identity = |len| Identity {
        account: long(len),
        bucket: long(len),
        bucket_name: long(len),
        key: long(len),
        version: long(len),
    };
    let header = |len, hint: usize| Header::encode(&identity(len), &id(1), &largest, &content, &vec![0; hint]);
    let (decoded, len) = Header::decode(&header(1_024, 16_384).unwrap()).unwrap();
    assert!(len <= 32_768 && decoded.open(&content).is_ok());
    assert_eq!(header(1_025, 0), Err(Error::TooLarge("identity field")));
    assert_eq!(header(1, 16_385), Err(Error::TooLarge("hint")));
}

/// A sealer that was told "last" never seals again, and a part whose last chunk is missing cannot be opened.
#[test]
fn an_unfinished_part_cannot_be_read() {
    for suite in SUITES {
        let (content, id) = (content(suite), PartId { salt: [4; 32], number: 1 });
        let mut sealer = Sealer::new(&content, &id);
        let mut chunk = pattern(CHUNK);
        let tag = sealer.seal(&mut chunk, false).unwrap();
        chunk.extend(tag.as_ref());
        assert!(!sealer.is_ended());
        assert_eq!(open_part(&content, &id, &chunk), Err(Error::Refused));
    }
}
