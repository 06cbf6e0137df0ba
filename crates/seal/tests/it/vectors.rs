//! Every vector, opened by the crate and by the independent reader; and the vectors are what their generator makes.

use std::fs;

use strongroom_seal::{
    Binding, CHUNK, ContentKey, Envelope, EnvelopeKey, Error, Header, KeyBytes, Manifest, Opener, PartId, SUITES,
    Suite, Window, WrappedKey, plain_len, unwrap,
};

use crate::generate::generate;
use crate::independent;
use crate::vector::{Vector, folder};

/// Plaintext, and the hint of a blob.
type Opened = (Vec<u8>, Option<Vec<u8>>);

#[test]
fn the_crate_opens_or_refuses_every_vector() {
    for vector in Vector::all() {
        match (ours(&vector), vector.expected()) {
            (Ok((plain, hint)), Some(expected)) => {
                assert!(plain == expected, "{}: other bytes came out", vector.name);
                assert_eq!(hint, vector.find("hint").map(|_| vector.bytes("hint")), "{}", vector.name);
            }
            (Err(error), None) => assert_eq!(error.to_string(), vector.text("reason"), "{}", vector.name),
            (Ok(_), None) => panic!("{} was opened", vector.name),
            (Err(error), Some(_)) => panic!("{}: {error}", vector.name),
        }
    }
}

#[test]
fn the_independent_reader_agrees_on_every_vector() {
    for vector in Vector::all() {
        let opened = theirs(&vector);
        let hint = opened.as_ref().and_then(|(_, hint)| hint.clone());
        assert!(opened.map(|(plain, _)| plain) == vector.expected(), "{}", vector.name);
        assert_eq!(hint, vector.find("hint").map(|_| vector.bytes("hint")), "{}", vector.name);
    }
}

/// A released vector never changes: if this fails, the format did. `STRONGROOM_UPDATE_VECTORS=1` writes new ones.
#[test]
fn the_vectors_are_what_the_generator_makes() {
    let generated = generate();
    if std::env::var_os("STRONGROOM_UPDATE_VECTORS").is_some() {
        for vector in &generated {
            fs::write(folder().join(format!("{}.seal", vector.name)), vector.write()).unwrap();
        }
    }
    let stored = Vector::all();
    let names = |vectors: &[Vector]| vectors.iter().map(|vector| vector.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&stored), names(&generated));
    for (stored, generated) in stored.iter().zip(&generated) {
        assert!(stored == generated, "{}", stored.name);
    }
}

#[test]
fn every_suite_has_vectors_of_every_kind_it_can_have() {
    let names: Vec<_> = Vector::all().into_iter().map(|vector| vector.name).collect();
    for suite in SUITES {
        for threat in ["empty", "exact_two_chunks", "truncated_at_chunk", "reordered", "manifest", "object", "blob"] {
            assert!(names.contains(&format!("{threat}.{}", suite.name)), "{threat}.{}", suite.name);
        }
        let one_layer = suite.is_keyed() && suite.layers == 1;
        for threat in ["bucket_key_object", "bucket_key_blob", "bucket_key_of_other_bucket"] {
            assert_eq!(names.contains(&format!("{threat}.{}", suite.name)), one_layer, "{threat}.{}", suite.name);
        }
    }
}

fn ours(vector: &Vector) -> Result<Opened, Error> {
    let plain = match vector.text("kind") {
        "part" => {
            let salt = vector.bytes("salt").try_into().unwrap();
            open_part(&content(vector)?, &PartId { salt, number: vector.number("number") }, &vector.body)?
        }
        "wrapped-key" => unwrap_bytes(vector, &vector.body)?,
        "envelope" => {
            let content = unlock(vector, &vector.body)?.0;
            content.data_key().expect("only keyed envelopes are vectors of this kind").expose().to_vec()
        }
        "manifest" => {
            let context = vector.context();
            let place = vector.place();
            let binding = bind(&place, &context);
            plain_manifest(&Manifest::open(&content(vector)?, &binding.encode(), &vector.body)?)
        }
        "object" => object(vector)?,
        "blob" => return blob(vector).map(|(plain, hint)| (plain, Some(hint))),
        other => panic!("{}: kind {other}", vector.name),
    };
    Ok((plain, None))
}

fn theirs(vector: &Vector) -> Option<Opened> {
    let body = &vector.body;
    let suite = || vector.number("suite") as u8;
    let plain = match vector.text("kind") {
        "part" => {
            let (dek, salt) = (vector.bytes("dek"), vector.bytes("salt"));
            independent::part(suite(), &dek, &salt, vector.number("number"), body)?
        }
        "wrapped-key" => independent::unwrap(&vector.bytes("kek"), &binding(vector), body)?,
        "envelope" => independent::envelope(&vector.bytes("kek"), &vector.place(), body)?.dek,
        "manifest" => independent::manifest(suite(), &vector.bytes("dek"), &binding(vector), body)?,
        "object" => {
            let (envelope, manifest) = (vector.bytes("envelope"), vector.bytes("manifest"));
            independent::object(&vector.bytes("kek"), &vector.place(), &envelope, &manifest, body)?
        }
        _ => return independent::blob(&vector.bytes("kek"), body).map(|(plain, hint)| (plain, Some(hint))),
    };
    Some((plain, None))
}

fn binding(vector: &Vector) -> Vec<u8> {
    vector.place().binding(&vector.context().into_iter().collect::<Vec<_>>())
}

fn bind<'a>(place: &'a independent::Place, context: &'a std::collections::BTreeMap<String, String>) -> Binding<'a> {
    Binding { account: &place.account, bucket: &place.bucket, key: &place.key, version: &place.version, context }
}

fn content(vector: &Vector) -> Result<ContentKey, Error> {
    let suite = Suite::by_id(vector.number("suite") as u8)?;
    if suite.is_keyed() {
        ContentKey::fresh(suite, KeyBytes::new(&vector.bytes("dek"))?)
    } else {
        Ok(ContentKey::plain())
    }
}

fn kek(vector: &Vector) -> Result<KeyBytes, Error> {
    KeyBytes::new(&vector.bytes("kek"))
}

fn unwrap_bytes(vector: &Vector, record: &[u8]) -> Result<Vec<u8>, Error> {
    let wrapped = WrappedKey::decode(record)?;
    let (place, context) = (vector.place(), vector.context());
    Ok(unwrap(&kek(vector)?, &wrapped, &bind(&place, &context).encode())?.expose().to_vec())
}

/// The content key of an envelope at the vector's place, and the binding.
fn unlock(vector: &Vector, record: &[u8]) -> Result<(ContentKey, Vec<u8>), Error> {
    let envelope = Envelope::decode(record)?;
    let place = vector.place();
    let Some(key) = envelope.key() else {
        return Ok((envelope.unlock(None)?, bind(&place, &Default::default()).encode()));
    };
    let binding = bind(&place, &key.context).encode();
    let data_key = data_key(&kek(vector)?, key, &bind(&place, &key.context))?;
    Ok((envelope.unlock(Some(data_key))?, binding))
}

/// What an envelope's key comes to at that place: by way of the bucket key, if there is one.
pub(crate) fn data_key(kek: &KeyBytes, key: &EnvelopeKey, place: &Binding<'_>) -> Result<KeyBytes, Error> {
    match &key.bucket_key {
        Some(bucket_key) => {
            let bucket_key = unwrap(kek, bucket_key, &place.bucket_key().encode())?;
            unwrap(&bucket_key, &key.wrapped, &place.encode())
        }
        None => unwrap(kek, &key.wrapped, &place.encode()),
    }
}

fn object(vector: &Vector) -> Result<Vec<u8>, Error> {
    let (content, binding) = unlock(vector, &vector.bytes("envelope"))?;
    let manifest = Manifest::open(&content, &binding, &vector.bytes("manifest"))?;
    let mut plain = Vec::new();
    for extent in manifest.locate(0..manifest.size())? {
        if vector.body.len() as u64 != extent.part.sealed_len(content.suite()) {
            return Err(Error::Malformed("part"));
        }
        plain.extend(open_part(&content, &extent.part.id, &vector.body)?);
    }
    Ok(plain)
}

fn blob(vector: &Vector) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let (header, len) = Header::decode(&vector.body)?;
    let envelope = header.envelope();
    let data_key = match envelope.key() {
        Some(key) => Some(data_key(&kek(vector)?, key, &header.identity().binding(&key.context))?),
        None => None,
    };
    let content = envelope.unlock(data_key)?;
    let hint = header.open(&content)?;
    Ok((open_part(&content, header.part(), &vector.body[len..])?, hint))
}

/// The whole of a part whose size follows from its length.
pub(crate) fn open_part(content: &ContentKey, part: &PartId, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let suite = content.suite();
    let size = plain_len(suite, sealed.len() as u64).ok_or(Error::Malformed("part"))?;
    let window = Window::plan(suite, size, 0..size)?;
    let opener = Opener::new(content, part);
    let mut plain = Vec::new();
    let mut rest = sealed;
    for (index, last, len) in window.chunks(suite) {
        let (chunk, after) = rest.split_at(len);
        let mut chunk = chunk.to_vec();
        let opened = opener.open(index, last, &mut chunk)?;
        assert!(opened <= CHUNK);
        plain.extend_from_slice(&chunk[..opened]);
        rest = after;
    }
    Ok(plain)
}

/// The plaintext layout of FORMAT.md §10, from what the crate read.
pub(crate) fn plain_manifest(manifest: &Manifest) -> Vec<u8> {
    let mut out = manifest.size().to_be_bytes().to_vec();
    out.extend((manifest.checksums().len() as u16).to_be_bytes());
    out.extend(manifest.checksums());
    out.extend((manifest.parts().len() as u32).to_be_bytes());
    for part in manifest.parts() {
        out.extend(part.id.number.to_be_bytes());
        out.extend(part.id.salt);
        out.extend(part.size.to_be_bytes());
        out.extend(part.header_len.to_be_bytes());
        out.extend(part.blob);
    }
    out
}
