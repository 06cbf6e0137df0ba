//! Makes the vectors, always the same. What is genuine comes from the crate; what no honest writer makes is cut and
//! pasted from genuine bytes, or forged with the keys over the independent ciphers.
//!
//! To add one: write it here, then `STRONGROOM_UPDATE_VECTORS=1 cargo test -p strongroom-seal vectors`.

use std::collections::BTreeMap;

use strongroom_seal::{
    AES_256_GCM, AES_256_GCM_TWICE, CHUNK, ContentKey, Envelope, Error, Header, Identity, KeyBytes, Manifest, PLAIN,
    Part, PartId, SM4_GCM, SUITES, Sealer, Suite, WrappedKey, wrap,
};

use crate::independent::{self, Place, schedule};
use crate::vector::{Vector, pattern};

/// All vectors, in the order of their names.
pub(crate) fn generate() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for suite in SUITES {
        let maker = Maker { suite };
        vectors.extend(maker.genuine_parts());
        vectors.extend(maker.hostile_parts());
        vectors.extend(maker.manifests());
        vectors.extend(maker.objects());
        vectors.extend(maker.blobs());
        if suite.is_keyed() {
            vectors.extend(maker.keyed_only());
            vectors.extend(maker.wrapped_keys());
            vectors.extend(maker.envelopes());
            vectors.extend(maker.bucket_keys());
        }
        if suite.layers == 2 {
            vectors.extend(maker.layers());
        }
    }
    vectors.sort_by(|a, b| format!("{}.seal", a.name).cmp(&format!("{}.seal", b.name)));
    vectors
}

/// Keys and salts of the vectors: `len` bytes counting up from `start`.
pub(crate) fn counting(start: u8, len: u8) -> Vec<u8> {
    (0..len).map(|i| start.wrapping_add(i)).collect()
}

fn salt(start: u8) -> [u8; 32] {
    counting(start, 32).try_into().unwrap()
}

fn kek(start: u8) -> KeyBytes {
    KeyBytes::new(&counting(start, 32)).unwrap()
}

const KEK: u8 = 0x20;
const OTHER_KEK: u8 = 0xE0;
const DEK: u8 = 0x60;
const OTHER_DEK: u8 = 0xA0;
const BUCKET_KEY: u8 = 0x90;
const WRAP_SALT: u8 = 0x01;
const BUCKET_SALT: u8 = 0x55;
const MANIFEST_SALT: u8 = 0x33;
const PART: PartId = PartId { salt: *b"salt of the first upload attempt", number: 1 };
const RETRY: PartId = PartId { salt: *b"salt of another upload's attempt", number: 1 };

fn place() -> Place {
    let text = str::to_owned;
    Place { account: text("acc-1"), bucket: text("b-77"), key: text("reports/2026/été.csv"), version: text("v-0009") }
}

fn other_place() -> Place {
    Place { key: "reports/2026/hiver.csv".to_owned(), version: "v-0010".to_owned(), ..place() }
}

fn context() -> BTreeMap<String, String> {
    [("department", "finance"), ("owner", "alice")].map(|(n, v)| (n.to_owned(), v.to_owned())).into()
}

/// Bytes of it in an envelope.
fn context_len() -> usize {
    context().iter().map(|(name, value)| 4 + name.len() + value.len()).sum()
}

fn pairs(context: &BTreeMap<String, String>) -> Vec<(String, String)> {
    context.clone().into_iter().collect()
}

fn hex_or_dash(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { hex::encode(bytes) }
}

/// What a vector expects.
enum Expect {
    Pattern(usize),
    Bytes(Vec<u8>),
    Refused(Error),
}

use Expect::{Bytes, Pattern, Refused};

/// Vectors of one suite.
struct Maker {
    suite: &'static Suite,
}

impl Maker {
    fn genuine_parts(&self) -> Vec<Vector> {
        let sizes = [
            ("empty", 0),
            ("one_byte", 1),
            ("exact_one_chunk", CHUNK),
            ("chunk_and_a_byte", CHUNK + 1),
            ("exact_two_chunks", 2 * CHUNK),
        ];
        sizes.map(|(name, size)| self.part(name, Pattern(size), self.sealed(&PART, size))).into()
    }

    fn hostile_parts(&self) -> Vec<Vector> {
        let tag = self.suite.tag_len;
        let full = CHUNK + tag;
        let (one, two, long) =
            (self.sealed(&PART, CHUNK), self.sealed(&PART, 2 * CHUNK), self.sealed(&PART, CHUNK + 1));
        let small = self.sealed(&PART, 100);
        let malformed = Error::Malformed("part");
        let refused = |name, body| self.part(name, Refused(Error::Refused), body);
        vec![
            self.part("empty_truncated", Refused(malformed), Vec::new()),
            self.part("empty_truncated_in_tag", Refused(malformed), vec![0; tag - 1]),
            self.part("trailing_empty_chunk", Refused(malformed), [&one[..], &self.forged(1, true, &[])].concat()),
            refused("truncated_at_chunk", long[..full].to_vec()),
            refused("truncated_in_chunk", small[..small.len() - 5].to_vec()),
            refused("first_chunk_dropped", long[full..].to_vec()),
            refused("reordered", [&two[full..], &two[..full]].concat()),
            refused("appended_chunk", [&one[..], &self.forged(1, true, &pattern(1))].concat()),
            refused("appended_byte", [&small[..], &[0]].concat()),
            refused("last_flag_missing", self.forged(0, false, &pattern(100))),
            refused("wrong_index", self.forged(1, true, &pattern(100))),
            refused("bitflip_data", flipped(&small, 7)),
            refused("bitflip_tag", flipped(&small, small.len() - 1)),
            refused("spliced_from_other_attempt", self.sealed(&RETRY, 100)),
        ]
    }

    /// Threats that a CRC without a key does not meet.
    fn keyed_only(&self) -> Vec<Vector> {
        let full = CHUNK + self.suite.tag_len;
        let second = PartId { number: 2, ..PART };
        let spliced = [&self.sealed(&PART, CHUNK + 1)[..full], &self.sealed(&second, CHUNK + 1)[full..]].concat();
        let mut other_key = self.part("wrong_data_key", Refused(Error::Refused), self.sealed(&PART, 100));
        set(&mut other_key, "dek", hex::encode(counting(OTHER_DEK, self.suite.key_len as u8)));
        let mut number = self.part("wrong_part_number", Refused(Error::Refused), self.sealed(&PART, 100));
        set(&mut number, "number", "2".to_owned());
        vec![self.part("spliced_from_other_part", Refused(Error::Refused), spliced), other_key, number]
    }

    /// What stands for a layer that is missing, or is another.
    fn layers(&self) -> Vec<Vector> {
        let refused = |name, body| self.part(name, Refused(Error::Refused), body);
        let dek = counting(DEK, self.suite.key_len as u8);
        let body = self.sealed(&PART, 100);
        let (key, prefix) = self.schedule(&PART.salt, "part", &PART.number.to_be_bytes(), 7);
        let nonce: [u8; 12] = [&prefix[..], &[0, 0, 0, 0, 1]].concat().try_into().unwrap();
        let alone =
            |key: &[u8]| [&independent::seal(AES_256_GCM.id, key, nonce, &[], &pattern(100))[..], &[0; 16]].concat();
        let mut exchanged = refused("data_keys_exchanged", body.clone());
        set(&mut exchanged, "dek", hex::encode([&dek[32..], &dek[..32]].concat()));
        let mut equal = refused("data_keys_equal", body.clone());
        set(&mut equal, "dek", hex::encode([&dek[..32], &dek[..32]].concat()));
        let outer = independent::seal(AES_256_GCM.id, &key[32..], nonce, &[], &pattern(116));
        vec![
            refused("inner_layer_alone", alone(&key[..32])),
            refused("outer_layer_alone", alone(&key[32..])),
            refused("outer_layer_over_nothing", outer),
            refused("bitflip_inner_tag", flipped(&body, 100)),
            exchanged,
            equal,
        ]
    }

    fn wrapped_keys(&self) -> Vec<Vector> {
        let (place, context) = (place(), context());
        let dek = self.dek(DEK);
        let wrapped = self.wrapped(DEK, &place, WRAP_SALT).encode();
        let vector = |name, expect, place: &Place, context: &BTreeMap<_, _>, body: &[u8]| {
            let mut head = vec![("kek".to_owned(), hex::encode(counting(KEK, 32)))];
            head.extend(place_fields(place));
            head.extend(context_fields(context));
            self.vector(name, "wrapped-key", head, expect, body.to_vec())
        };
        let refused = |name, place: &Place| vector(name, Refused(Error::Refused), place, &context, &wrapped);
        let with = |change: &dyn Fn(&mut Place)| {
            let mut changed = place.clone();
            change(&mut changed);
            changed
        };
        let shifted = with(&|place| (place.account, place.bucket) = ("acc-1b".to_owned(), "-77".to_owned()));
        let changed = BTreeMap::from([("department".to_owned(), "finance".to_owned())]);
        let mut wrong_kek = vector("wrong_kek", Refused(Error::WrongKey), &place, &context, &wrapped);
        set(&mut wrong_kek, "kek", hex::encode(counting(OTHER_KEK, 32)));
        let mut unkeyed = wrapped.clone();
        unkeyed[1] = 0;
        let mut layered = wrapped.clone();
        layered[1] = AES_256_GCM_TWICE.id;
        vec![
            vector("wrapped_key", Bytes(dek.expose().to_vec()), &place, &context, &wrapped),
            wrong_kek,
            refused("wrong_account", &with(&|place| place.account.push('x'))),
            refused("wrong_bucket", &with(&|place| place.bucket.push('x'))),
            refused("wrong_object_key", &with(&|place| place.key.push('x'))),
            refused("wrong_version", &with(&|place| place.version.push('x'))),
            refused("binding_shifted", &shifted),
            vector("wrong_context", Refused(Error::Refused), &place, &changed, &wrapped),
            vector("wrapped_key_bitflip", Refused(Error::Refused), &place, &context, &flipped(&wrapped, 55)),
            vector("wrapped_key_salt_changed", Refused(Error::WrongKey), &place, &context, &flipped(&wrapped, 20)),
            vector("wrapped_key_truncated", malformed("wrapped key"), &place, &context, &wrapped[..wrapped.len() - 1]),
            vector("wrapped_key_unkeyed_suite", Refused(Error::UnknownSuite(0)), &place, &context, &unkeyed),
            vector("wrapped_key_layered_suite", Refused(Error::UnknownSuite(4)), &place, &context, &layered),
        ]
    }

    fn envelopes(&self) -> Vec<Vector> {
        let place = place();
        let good = self.envelope(DEK, &place).encode();
        let vector = |name, expect, body: Vec<u8>| {
            let mut head = vec![("kek".to_owned(), hex::encode(counting(KEK, 32)))];
            head.extend(place_fields(&place));
            self.vector(name, "envelope", head, expect, body)
        };
        let byte = |at: usize, value| {
            let mut changed = good.clone();
            changed[at] = value;
            changed
        };
        let other_suite = if self.suite == &AES_256_GCM { &SM4_GCM } else { &AES_256_GCM };
        let moved = self.wrapped(DEK, &other_place(), WRAP_SALT).encode();
        let (before, after) = (good.len() - 32 - moved.len(), good.len() - 32);
        let mut version = vector("key_version_wrong", Refused(Error::WrongKey), good.clone());
        set(&mut version, "kek", hex::encode(counting(OTHER_KEK, 32)));
        let foreign = self.envelope_of(&self.content(OTHER_DEK), self.wrapped(DEK, &place, WRAP_SALT)).encode();
        let refused = Error::Refused;
        vec![
            vector("envelope", Bytes(self.dek(DEK).expose().to_vec()), good.clone()),
            version,
            vector("wrong_suite", Refused(Error::KeyLength), byte(1, other_suite.id)),
            vector("reserved_suite", Refused(Error::UnknownSuite(3)), byte(1, 3)),
            vector("unknown_suite", Refused(Error::UnknownSuite(200)), byte(1, 200)),
            vector("suite_zeroed", malformed("envelope"), byte(1, 0)),
            vector("unknown_version", Refused(Error::UnknownVersion(2)), byte(0, 2)),
            vector("wrong_commitment", Refused(Error::Commitment), flipped(&good, good.len() - 1)),
            vector("commitment_of_other_key", Refused(Error::Commitment), foreign),
            vector("envelope_wrapped_key_moved", Refused(refused), [&good[..before], &moved, &good[after..]].concat()),
            vector("envelope_context_changed", Refused(refused), replaced(&good, b"finance", b"finanCe")),
            vector(
                "envelope_context_not_canonical",
                malformed("envelope"),
                replaced(&good, b"department", b"zepartment"),
            ),
            vector("envelope_truncated", malformed("envelope"), good[..good.len() - 1].to_vec()),
            vector("envelope_trailing_byte", malformed("envelope"), [&good[..], &[0]].concat()),
        ]
    }

    /// Data keys under a bucket key, and that under the master key.
    fn bucket_keys(&self) -> Vec<Vector> {
        let here = place();
        let vector = |name, expect, body: Vec<u8>| {
            let mut head = vec![("kek".to_owned(), hex::encode(counting(KEK, 32)))];
            head.extend(place_fields(&here));
            self.vector(name, "envelope", head, expect, body)
        };
        let refused = Refused(Error::Refused);
        // No honest writer makes it for two layers.
        let good = self.forged_envelope(&self.bucket_key(BUCKET_KEY, &here), BUCKET_KEY, "key-0042");
        if self.suite.layers == 2 {
            return vec![vector("bucket_key_over_two_layers", malformed("envelope"), good)];
        }
        let with = |over: &[u8]| self.forged_envelope(over, BUCKET_KEY, "key-0042");
        let over = self.bucket_key(BUCKET_KEY, &here);
        let at = 2 + 2 + "key-0042".len() + 4 + 2 + context_len() + 2;
        let elsewhere = Place { bucket: "b-78".to_owned(), ..place() };
        let foreign = Place { account: "acc-2".to_owned(), ..place() };
        let other_suite = if self.suite == &AES_256_GCM { &SM4_GCM } else { &AES_256_GCM };
        let aad = here.bucket_binding(&pairs(&context()));
        let sealed = |suite: &'static Suite, aad: &[u8], len| {
            let key = KeyBytes::new(&counting(BUCKET_KEY, len)).unwrap();
            wrap(&kek(KEK), suite, &salt(BUCKET_SALT), aad, &key).unwrap().encode()
        };
        let of_no_context = sealed(self.suite, &here.bucket_binding(&[]), self.suite.key_len as u8);
        let of_object = sealed(self.suite, &here.binding(&pairs(&context())), self.suite.key_len as u8);
        let other_len = 48 - self.suite.key_len as u8;
        let of_customer = self.forged_envelope(&over, BUCKET_KEY, "");
        let mut master = vector("bucket_key_master_wrong", Refused(Error::WrongKey), good.clone());
        set(&mut master, "kek", hex::encode(counting(OTHER_KEK, 32)));
        let mut vectors = vec![
            vector("bucket_key", Bytes(self.dek(DEK).expose().to_vec()), good.clone()),
            master,
            vector("bucket_key_dropped", Refused(Error::WrongKey), with(&[])),
            vector("bucket_key_exchanged", Refused(Error::WrongKey), with(&self.bucket_key(OTHER_DEK, &here))),
            vector("bucket_key_of_other_bucket", refused, with(&self.bucket_key(BUCKET_KEY, &elsewhere))),
            vector(
                "bucket_key_of_other_account",
                Refused(Error::Refused),
                with(&self.bucket_key(BUCKET_KEY, &foreign)),
            ),
            vector("bucket_key_of_other_context", Refused(Error::Refused), with(&of_no_context)),
            vector("bucket_key_is_a_data_key", Refused(Error::Refused), with(&of_object)),
            vector("bucket_key_bitflip", Refused(Error::Refused), flipped(&good, at + 55)),
            vector("bucket_key_salt_changed", Refused(Error::WrongKey), flipped(&good, at + 20)),
            vector("bucket_key_of_other_suite", malformed("envelope"), with(&sealed(other_suite, &aad, 32))),
            vector("bucket_key_of_other_length", malformed("envelope"), with(&sealed(self.suite, &aad, other_len))),
            vector("bucket_key_truncated", malformed("wrapped key"), with(&over[..over.len() - 1])),
            vector("bucket_key_of_a_customers", malformed("envelope"), of_customer),
        ];
        vectors.extend(self.stored_under_bucket_key());
        vectors
    }

    /// A whole object, and a blob alone, whose data key is under a bucket key.
    fn stored_under_bucket_key(&self) -> Vec<Vector> {
        let (here, content) = (place(), self.content(DEK));
        let envelope =
            Envelope::decode(&self.forged_envelope(&self.bucket_key(BUCKET_KEY, &here), BUCKET_KEY, "key-0042"));
        let envelope = envelope.unwrap();
        let stored = self.stored(DEK, &here, &PART);
        let object = |name, expect, place: &Place| {
            let mut head = vec![("kek".to_owned(), hex::encode(counting(KEK, 32)))];
            head.extend(place_fields(place));
            head.push(("envelope".to_owned(), hex::encode(envelope.encode())));
            head.push(("manifest".to_owned(), hex::encode(&stored.manifest)));
            self.vector(name, "object", head, expect, stored.body.clone())
        };
        let Place { account, bucket, key, version } = place();
        let identity = Identity { account, bucket, bucket_name: "my-bucket".to_owned(), key, version };
        let header = Header::encode(&identity, &PART, &envelope, &content, HINT).unwrap();
        let head = vec![("kek".to_owned(), hex::encode(counting(KEK, 32)))];
        let body = [header, self.sealed(&PART, 100)].concat();
        let mut blob = self.vector("bucket_key_blob", "blob", head, Pattern(100), body);
        blob.head.push(("hint".to_owned(), hex::encode(HINT)));
        vec![
            object("bucket_key_object", Pattern(100), &here),
            object("bucket_key_object_moved", Refused(Error::Refused), &other_place()),
            blob,
        ]
    }

    /// A bucket key, wrapped for the bucket of that place.
    fn bucket_key(&self, start: u8, place: &Place) -> Vec<u8> {
        let suite = wrapping(self.suite);
        let key = KeyBytes::new(&counting(start, suite.key_len as u8)).unwrap();
        let aad = place.bucket_binding(&pairs(&context()));
        wrap(&kek(KEK), suite, &salt(BUCKET_SALT), &aad, &key).unwrap().encode()
    }

    /// An envelope whose data key is under the bucket key of those bytes, and which has `over` as its bucket key, whatever that is.
    fn forged_envelope(&self, over: &[u8], bucket_key: u8, key_id: &str) -> Vec<u8> {
        let suite = wrapping(self.suite);
        let bucket_key = KeyBytes::new(&counting(bucket_key, suite.key_len as u8)).unwrap();
        let aad = place().binding(&pairs(&context()));
        let wrapped = wrap(&bucket_key, suite, &salt(WRAP_SALT), &aad, &self.dek(DEK)).unwrap();
        let plain = Envelope::sealed(&self.content(DEK), key_id.to_owned(), 3, context(), wrapped).unwrap().encode();
        let at = 2 + 2 + key_id.len() + 4 + 2 + context_len();
        assert_eq!(plain[at..at + 2], [0, 0], "without a bucket key, its field is empty");
        [&plain[..at], &(over.len() as u16).to_be_bytes(), over, &plain[at + 2..]].concat()
    }

    fn manifests(&self) -> Vec<Vector> {
        let (place, content) = (place(), self.content(DEK));
        let aad = place.binding(&pairs(&self.context()));
        let three = manifest(&[(1, 5 << 30), (2, 5 << 30), (9, 4_321)]);
        let sealed = three.seal(&content, &salt(MANIFEST_SALT), &aad);
        let plain = crate::vectors::plain_manifest(&three);
        let vector = |name, expect, place: &Place, body: Vec<u8>| {
            let dek = content.data_key().map_or("-".to_owned(), |key| hex::encode(key.expose()));
            let mut head = vec![("suite".to_owned(), self.suite.id.to_string()), ("dek".to_owned(), dek)];
            head.extend(place_fields(place));
            head.extend(context_fields(&self.context()));
            self.vector(name, "manifest", head, expect, body)
        };
        let refused = |name, body| vector(name, Refused(Error::Refused), &place, body);
        let forged = |name, plain: &[u8]| {
            let (key, nonce) = self.schedule(&salt(MANIFEST_SALT), "manifest", &[], 12);
            let body = independent::seal(self.suite.id, &key, nonce.try_into().unwrap(), &aad, plain);
            let head = [&[1, self.suite.id][..], &salt(MANIFEST_SALT)].concat();
            vector(name, malformed("manifest"), &place, [head, body].concat())
        };
        // Version, suite and salt; total, checksums with their length, count; then the entries.
        let (first, entry) = (34 + 8 + 2 + three.checksums().len() + 4, 64);
        let (second, third, end) = (first + entry, first + 2 * entry, first + 3 * entry);
        let swapped = [&sealed[..first], &sealed[second..third], &sealed[first..second], &sealed[third..]].concat();
        let dropped = [&sealed[..third], &sealed[end..]].concat();
        let mut other_total = plain.clone();
        other_total[7] ^= 1;
        let mut descending = plain.clone();
        descending[first - 34 + 3] = 7;
        let empty = manifest(&[(1, 0)]);
        let other_suite = if self.suite.id == 0 { 1 } else { 0 };
        let mut relabelled = sealed.clone();
        relabelled[1] = other_suite;
        vec![
            vector("manifest", Bytes(plain.clone()), &place, sealed.clone()),
            vector(
                "manifest_of_empty_object",
                Bytes(crate::vectors::plain_manifest(&empty)),
                &place,
                empty.seal(&content, &salt(MANIFEST_SALT), &aad),
            ),
            refused("manifest_part_dropped", dropped),
            refused("manifest_reordered", swapped),
            refused("manifest_bitflip", flipped(&sealed, first + 40)),
            refused("manifest_salt_changed", flipped(&sealed, 10)),
            refused("manifest_truncated", sealed[..sealed.len() - 1].to_vec()),
            refused("manifest_of_other_suite", relabelled),
            vector("manifest_moved", Refused(Error::Refused), &other_place(), sealed.clone()),
            forged("manifest_total_wrong", &other_total),
            forged("manifest_numbers_descend", &descending),
            forged("manifest_without_parts", &[&[0; 10][..], &[0; 4]].concat()),
            forged("manifest_trailing_byte", &[&plain[..], &[0]].concat()),
        ]
    }

    fn objects(&self) -> Vec<Vector> {
        let (here, there) = (self.stored(DEK, &place(), &PART), self.stored(OTHER_DEK, &other_place(), &RETRY));
        let vector = |name, expect, place: &Place, envelope: &[u8], manifest: &[u8], body: &[u8]| {
            let mut head = vec![("kek".to_owned(), hex::encode(counting(KEK, 32)))];
            head.extend(place_fields(place));
            head.push(("envelope".to_owned(), hex::encode(envelope)));
            head.push(("manifest".to_owned(), hex::encode(manifest)));
            self.vector(name, "object", head, expect, body.to_vec())
        };
        let refused = Refused(Error::Refused);
        let mut vectors = vec![
            vector("object", Pattern(100), &place(), &here.envelope, &here.manifest, &here.body),
            vector("swapped_between_objects", refused, &other_place(), &here.envelope, &here.manifest, &here.body),
            vector("body_swapped", Refused(Error::Refused), &place(), &here.envelope, &here.manifest, &there.body),
            vector("manifest_swapped", Refused(Error::Refused), &place(), &here.envelope, &there.manifest, &there.body),
            vector("object_truncated", malformed("part"), &place(), &here.envelope, &here.manifest, &here.body[1..]),
        ];
        if self.suite.is_keyed() {
            let (plain, refused) = (Envelope::plain().encode(), Refused(Error::Refused));
            vectors.push(vector("downgraded_to_plain", refused, &place(), &plain, &here.manifest, &here.body));
        }
        vectors
    }

    fn blobs(&self) -> Vec<Vector> {
        let content = self.content(DEK);
        let blob = [self.header(&content), self.sealed(&PART, 100)].concat();
        let vector = |name, expect, body: Vec<u8>| {
            let head = vec![("kek".to_owned(), hex::encode(counting(KEK, 32)))];
            let mut vector = self.vector(name, "blob", head, expect, body);
            if name == "blob" {
                vector.head.push(("hint".to_owned(), hex::encode(HINT)));
            }
            vector
        };
        let refused = |name, body| vector(name, Refused(Error::Refused), body);
        let header_len = self.header(&content).len();
        let number_at = 8 + 2 + 4 + 3;
        vec![
            vector("blob", Pattern(100), blob.clone()),
            refused("header_object_key_tampered", replaced(&blob, b"reports", b"rapport")),
            refused("header_bucket_name_tampered", replaced(&blob, b"my-bucket", b"my-basket")),
            refused("header_part_number_tampered", flipped(&blob, number_at)),
            refused("header_salt_tampered", flipped(&blob, number_at + 1)),
            refused("header_hint_tampered", flipped(&blob, header_len - self.suite.tag_len - 1)),
            refused("header_tag_tampered", flipped(&blob, header_len - 1)),
            refused("blob_truncated", blob[..blob.len() - 1].to_vec()),
            vector("header_truncated", malformed("blob header"), blob[..header_len - 1].to_vec()),
            vector("header_length_too_long", malformed("blob header"), flipped(&blob, 13)),
            vector("header_magic_tampered", malformed("blob header"), flipped(&blob, 0)),
            vector("header_unknown_version", Refused(Error::UnknownVersion(9)), {
                let mut changed = blob.clone();
                changed[8] = 9;
                changed
            }),
        ]
    }

    fn vector(&self, name: &str, kind: &str, fields: Vec<(String, String)>, expect: Expect, body: Vec<u8>) -> Vector {
        let mut head = vec![("kind".to_owned(), kind.to_owned())];
        head.extend(fields);
        let outcome = match expect {
            Pattern(len) => [("expect", "plaintext".to_owned()), ("plaintext", format!("pattern {len}"))],
            Bytes(bytes) => [("expect", "plaintext".to_owned()), ("plaintext", hex_or_dash(&bytes))],
            Refused(error) => [("expect", "refused".to_owned()), ("reason", error.to_string())],
        };
        head.extend(outcome.map(|(field, value)| (field.to_owned(), value)));
        Vector { name: format!("{name}.{}", self.suite.name), head, body }
    }

    fn part(&self, name: &str, expect: Expect, body: Vec<u8>) -> Vector {
        let dek = if self.suite.is_keyed() { counting(DEK, self.suite.key_len as u8) } else { Vec::new() };
        let fields = [
            ("suite", self.suite.id.to_string()),
            ("dek", hex_or_dash(&dek)),
            ("salt", hex::encode(PART.salt)),
            ("number", PART.number.to_string()),
        ];
        let head = fields.map(|(field, value)| (field.to_owned(), value)).into();
        self.vector(name, "part", head, expect, body)
    }

    fn dek(&self, start: u8) -> KeyBytes {
        KeyBytes::new(&counting(start, self.suite.key_len as u8)).unwrap()
    }

    fn content(&self, start: u8) -> ContentKey {
        if self.suite == &PLAIN {
            return ContentKey::plain();
        }
        ContentKey::fresh(self.suite, self.dek(start)).unwrap()
    }

    /// A plain object has no envelope to keep a context in.
    fn context(&self) -> BTreeMap<String, String> {
        if self.suite.is_keyed() { context() } else { BTreeMap::new() }
    }

    fn sealed(&self, part: &PartId, size: usize) -> Vec<u8> {
        seal_part(&self.content(DEK), part, &pattern(size))
    }

    /// A chunk of [`PART`] sealed with an index and flag of our choice.
    fn forged(&self, index: u32, last: bool, plain: &[u8]) -> Vec<u8> {
        let (key, prefix) = self.schedule(&PART.salt, "part", &PART.number.to_be_bytes(), 7);
        let nonce = [&prefix[..], &index.to_be_bytes(), &[u8::from(last)]].concat();
        independent::seal(self.suite.id, &key, nonce.try_into().unwrap(), &[], plain)
    }

    fn schedule(&self, salt: &[u8], label: &str, rest: &[u8], more: usize) -> (Vec<u8>, Vec<u8>) {
        schedule(self.suite.id, &counting(DEK, self.suite.key_len as u8), salt, label, rest, more)
    }

    fn wrapped(&self, dek: u8, place: &Place, wrap_salt: u8) -> WrappedKey {
        let aad = place.binding(&pairs(&context()));
        wrap(&kek(KEK), wrapping(self.suite), &salt(wrap_salt), &aad, &self.dek(dek)).unwrap()
    }

    fn envelope(&self, dek: u8, place: &Place) -> Envelope {
        match self.suite.is_keyed() {
            true => self.envelope_of(&self.content(dek), self.wrapped(dek, place, WRAP_SALT)),
            false => Envelope::plain(),
        }
    }

    fn envelope_of(&self, content: &ContentKey, wrapped: WrappedKey) -> Envelope {
        Envelope::sealed(content, "key-0042".to_owned(), 3, context(), wrapped).unwrap()
    }

    fn stored(&self, dek: u8, place: &Place, part: &PartId) -> Stored {
        let content = self.content(dek);
        let manifest = Manifest::new(vec![inline(*part, 100)], b"etag".to_vec()).unwrap();
        Stored {
            envelope: self.envelope(dek, place).encode(),
            manifest: manifest.seal(&content, &salt(MANIFEST_SALT), &place.binding(&pairs(&self.context()))),
            body: seal_part(&content, part, &pattern(100)),
        }
    }

    fn header(&self, content: &ContentKey) -> Vec<u8> {
        let Place { account, bucket, key, version } = place();
        let identity = Identity { account, bucket, bucket_name: "my-bucket".to_owned(), key, version };
        Header::encode(&identity, &PART, &self.envelope(DEK, &place()), content, HINT).unwrap()
    }
}

const HINT: &[u8] = b"content-type: text/csv";

/// An object as the catalog holds it.
struct Stored {
    envelope: Vec<u8>,
    manifest: Vec<u8>,
    body: Vec<u8>,
}

/// The chunks of a part, sealed by the crate.
pub(crate) fn seal_part(content: &ContentKey, part: &PartId, plain: &[u8]) -> Vec<u8> {
    let mut sealer = Sealer::new(content, part);
    let mut out = Vec::new();
    let count = plain.len().div_ceil(CHUNK).max(1);
    for index in 0..count {
        let mut chunk = plain[index * CHUNK..plain.len().min((index + 1) * CHUNK)].to_vec();
        let tag = sealer.seal(&mut chunk, index + 1 == count).unwrap();
        out.extend(chunk);
        out.extend(tag.as_ref());
    }
    assert!(sealer.is_ended());
    out
}

/// The suite that data keys of `suite` are wrapped with: the suite itself, if it wraps.
pub(crate) fn wrapping(suite: &'static Suite) -> &'static Suite {
    if suite.wraps() { suite } else { &AES_256_GCM }
}

/// A part without a blob.
pub(crate) fn inline(id: PartId, size: u64) -> Part {
    Part { id, size, header_len: 0, blob: [0; 16] }
}

fn manifest(parts: &[(u32, u64)]) -> Manifest {
    let part = |&(number, size): &(u32, u64)| {
        let id = PartId { salt: salt(number as u8), number };
        Part { id, size, header_len: 300, blob: [number as u8; 16] }
    };
    Manifest::new(parts.iter().map(part).collect(), b"etag and digests".to_vec()).unwrap()
}

fn malformed(what: &'static str) -> Expect {
    Refused(Error::Malformed(what))
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at] ^= 1;
    changed
}

/// The first occurrence of `from` becomes `to`, of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("the text occurs");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

fn set(vector: &mut Vector, field: &str, value: String) {
    let entry = vector.head.iter_mut().find(|(name, _)| name == field).expect("the field exists");
    entry.1 = value;
}

fn place_fields(place: &Place) -> [(String, String); 4] {
    let fields =
        [("account", &place.account), ("bucket", &place.bucket), ("key", &place.key), ("version", &place.version)];
    fields.map(|(name, value)| (name.to_owned(), value.clone()))
}

fn context_fields(context: &BTreeMap<String, String>) -> Vec<(String, String)> {
    context.iter().map(|(name, value)| ("context".to_owned(), format!("{name}={value}"))).collect()
}
