//! What must hold whatever bytes arrive. The fuzz targets in `fuzz/` run these functions over inputs that they make up;
//! the tests at the end run them over the inputs worth keeping. So this file knows nothing of its crate's other tests.
//!
//! Each function panics if a law is broken, and answers whether it had anything to accept.

use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, LOCATION};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Uri};
use quick_xml::Reader;
use quick_xml::events::Event;
use strongroom_model::action::{Action, Resource};
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_model::encryption::{AppliedEncryption, EncryptionRule};
use strongroom_model::etag::ETag;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::StorageClass;
use strongroom_model::name::{BucketName, ObjectKey, Region, RequestId};
use strongroom_model::operation::object::DeleteObjects;
use strongroom_model::operation::upload::UploadOperation;
use strongroom_model::operation::{BucketOperation, ObjectOperation, Operation};
use strongroom_model::outcome::object::ObjectWritten;
use strongroom_model::outcome::{BucketOutcome, ObjectOutcome, Outcome};
use strongroom_model::secret::SecretKey;
use strongroom_model::setting::{ObjectSetting, Setting};
use strongroom_model::time::Timestamp;
use strongroom_wire::chunked::{ChunkError, Chunks, Step};
use strongroom_wire::dialect::S3;
use strongroom_wire::signature::chunk::{ChunkDigest, ChunkSeed};
use strongroom_wire::{
    Asked, Claim, DIALECTS, Dialect, Exchange, Form, FormReply, FormStep, Framing, Intent, Payload, PayloadProof, Site,
    recognise, recognise_form,
};

/// 2026-11-22T00:31:27Z, at which most of the signed seeds are valid.
const NOW: Timestamp = Timestamp::from_seconds(1_795_307_487);

/// The greatest object that one request may bring, as `chunked.rs` has it.
const OBJECT_MAX: u64 = 5 << 30;

/// The bytes are the head of an HTTP/1.1 request, or what there is of one.
pub(crate) fn head(data: &[u8]) -> bool {
    let Some(parts) = parse_head(data) else { return false };
    let site = site();
    assert!(DIALECTS.iter().any(|dialect| dialect.name == recognise(&parts).name));
    let mut accepted = false;
    for dialect in DIALECTS {
        match dialect.decode(&parts, &site) {
            Ok(intent) => {
                accepted = true;
                check_intent(dialect, &parts, &site, &intent);
            }
            Err(failure) => check_answer(dialect, &parts, &site, &failure),
        }
    }
    accepted
}

/// A request line and headers. What `hyper` would not let through is left out, so that the rest gets further.
fn parse_head(data: &[u8]) -> Option<Parts> {
    let mut lines = data.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut words = lines.next()?.split(|&byte| byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let uri = Uri::try_from(words.next()?).ok()?;
    let (mut parts, ()) = http::Request::builder().method(method).uri(uri).body(()).ok()?.into_parts();
    for line in lines {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            parts.headers.append(name, value);
        }
    }
    Some(parts)
}

fn check_intent(dialect: &'static Dialect, parts: &Parts, site: &Site, intent: &Intent) {
    assert!(intent.alternative.as_ref().is_none_or(|other| other.alternative.is_none()), "readings do not nest");
    match &intent.asked {
        Asked::Complete(operation) => check_target(dialect, parts, site, operation, &intent.asked),
        Asked::Streamed(operation, plan) => {
            assert!(plan.length.is_none_or(|length| length <= OBJECT_MAX), "{plan:?}");
            assert!(plan.framing == Framing::Plain || plan.length.is_some(), "{plan:?}");
            check_target(dialect, parts, site, operation, &intent.asked);
        }
        Asked::Documented(draft) => assert!(draft.limit <= 2 << 20, "{draft:?}"),
        Asked::Form(_) => assert!(matches!(intent.claim, Claim::Anonymous), "a form's head claims nothing"),
    }
    if let Claim::Signed(signed) = &intent.claim {
        let refused = signed.verify(&SecretKey::new("nobody signs with this".to_owned()), NOW);
        check_answer(dialect, parts, site, &refused.expect_err("no head is signed with this secret"));
    }
}

/// Names are valid, and the same operation is understood when the object that is asked for is spelled in another way: in the path,
/// with every byte encoded.
fn check_target(dialect: &'static Dialect, parts: &Parts, site: &Site, operation: &Operation, asked: &Asked) {
    for required in operation.required() {
        let Resource::Object(bucket, key) = required.resource else { continue };
        assert_eq!(BucketName::parse(bucket.as_str()).as_ref(), Ok(&bucket));
        assert_eq!(ObjectKey::parse(key.as_str()).as_ref(), Ok(&key));
        if is_copy(operation) && matches!(required.action, Action::GetObject | Action::GetObjectVersion) {
            // The source, which is named in a header.
            continue;
        }
        let mut path = format!("/{}/", bucket.as_str());
        for byte in key.as_str().bytes() {
            write!(path, "%{byte:02X}").expect("a string takes all that is written to it");
        }
        if let Some(query) = parts.uri.query() {
            path = path + "?" + query;
        }
        let mut respelled = parts.clone();
        respelled.uri = path.parse().expect("a path of unreserved and encoded characters");
        respelled.headers.insert(HOST, HeaderValue::from_static("127.0.0.1"));
        let again = dialect.decode(&respelled, site).expect("the same names in another spelling");
        assert_eq!(format!("{:?}", again.asked), format!("{asked:?}"));
    }
}

fn is_copy(operation: &Operation) -> bool {
    matches!(operation, Operation::Object(ObjectOperation::Copy(_)) | Operation::Upload(UploadOperation::CopyPart(_)))
}

/// The answer to a failure is an error, and nothing that the client sent becomes markup in it.
fn check_answer(dialect: &Dialect, parts: &Parts, site: &Site, failure: &Failure) {
    let host = parts.headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let answer = dialect.encode_failure(failure, &exchange(&parts.method, host, parts.uri.path(), site));
    assert!(answer.status().as_u16() >= 300, "{failure:?} is answered {}", answer.status());
    match answer.body() {
        Payload::Document(document) => {
            assert_ne!(parts.method, Method::HEAD, "an answer to HEAD has a body");
            check_error_document(document);
        }
        Payload::Empty => assert_eq!(parts.method, Method::HEAD, "{failure:?} is answered without a document"),
        Payload::Object { .. } => panic!("{failure:?} is answered with an object"),
    }
}

/// A root called `Error` whose children hold text alone, of characters that XML allows.
fn check_error_document(document: &[u8]) {
    let text = std::str::from_utf8(document).expect("a document is UTF-8");
    assert!(!text.chars().any(|c| c < ' ' && !"\t\r\n".contains(c) || "\u{fffe}\u{ffff}".contains(c)), "{text:?}");
    let (mut reader, mut depth) = (Reader::from_str(text), 0);
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error} in {text:?}")) {
            Event::Start(tag) => {
                assert!(depth == 1 || depth == 0 && tag.name().as_ref() == "Error", "{text:?}");
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            Event::Decl(_) => assert_eq!(depth, 0, "{text:?}"),
            Event::Text(content) if depth == 0 => assert_eq!(content.trim(), "", "{text:?}"),
            Event::Text(_) => {}
            Event::GeneralRef(_) => assert_eq!(depth, 2, "{text:?}"),
            Event::Eof => break,
            other => panic!("{other:?} in {text:?}"),
        }
    }
    assert_eq!(depth, 0, "{text:?}");
}

/// The heads that a document completes.
const DOCUMENTED: [(Method, &str); 3] =
    [(Method::PUT, "/bkt1?encryption"), (Method::POST, "/bkt1?delete"), (Method::PUT, "/bkt1")];

/// The least first byte that means one of [`SETTINGS`].
const SETTINGS_FROM: u8 = 192;

/// The heads of the documents that configure buckets and objects. New ones are added at the end.
const SETTINGS: [(Method, &str); 9] = [
    (Method::PUT, "/bkt1?tagging"),
    (Method::PUT, "/bkt1/key?tagging"),
    (Method::PUT, "/bkt1?acl"),
    (Method::PUT, "/bkt1/key?acl"),
    (Method::PUT, "/bkt1?quota"),
    (Method::PUT, "/bkt1?storageClass"),
    (Method::PUT, "/bkt1?cors"),
    (Method::PUT, "/bkt1?publicAccessBlock"),
    (Method::PUT, "/bkt1?lifecycle"),
];

/// The first byte says which dialect and which kind of document (modulo nine: OBS, OSS, S3 by threes; from
/// [`SETTINGS_FROM`] on the settings, each in OBS, OSS and S3); the rest is it.
pub(crate) fn document(data: &[u8]) -> bool {
    let Some((&selector, document)) = data.split_first() else { return false };
    let (dialect, (method, uri)) = match selector.checked_sub(SETTINGS_FROM).map(usize::from) {
        Some(place) => (DIALECTS[place % DIALECTS.len()], &SETTINGS[place / DIALECTS.len() % SETTINGS.len()]),
        None => {
            let place = usize::from(selector);
            (DIALECTS[place / DOCUMENTED.len() % DIALECTS.len()], &DOCUMENTED[place % DOCUMENTED.len()])
        }
    };
    let Ok(operation) = finish(dialect, method, uri, document) else { return false };
    match &operation {
        Operation::Bucket(BucketOperation::PutSetting(_, setting)) => check_setting(dialect, uri, setting),
        Operation::Object(ObjectOperation::PutSetting(put)) => check_object_setting(dialect, uri, &put.setting),
        Operation::Object(ObjectOperation::DeleteMany(many)) => {
            assert!((1..=DeleteObjects::KEYS_MAX).contains(&many.entries.len()));
            let valid = many.entries.iter().all(|entry| ObjectKey::parse(entry.key.as_str()).is_ok());
            assert!(valid, "{many:?}");
        }
        Operation::Bucket(BucketOperation::Create(create)) => {
            let valid = create.location.as_ref().is_none_or(|region| Region::parse(region.as_str()).is_ok());
            assert!(valid, "{create:?}");
        }
        other => panic!("{uri} became {other:?}"),
    }
    if !document.trim_ascii().is_empty() {
        let commented = [document, b"<!-- says nothing -->\n"].concat();
        let again = finish(dialect, method, uri, &commented).expect("a comment after the root changes nothing");
        assert_eq!(format!("{again:?}"), format!("{operation:?}"));
    }
    true
}

fn finish(dialect: &'static Dialect, method: &Method, uri: &str, document: &[u8]) -> Result<Operation, Failure> {
    let (parts, ()) =
        http::Request::builder().method(method).uri(uri).body(()).expect("a head of constants").into_parts();
    // One that is refused already is of a dialect that puts this document by fields only.
    let intent = dialect.decode(&parts, &site())?;
    match intent.asked {
        Asked::Documented(draft) => draft.finish(document),
        other => panic!("{uri} wants no document: {other:?}"),
    }
}

/// What the dialect writes of a setting, it reads again as the same; what is blocked, only S3 tells. A rule that leaves
/// something out is not answered as it is: the bucket has more to tell; and a set without tags is a failure in some.
fn check_setting(dialect: &'static Dialect, uri: &str, setting: &Setting) {
    let shown = match setting {
        Setting::Encryption(EncryptionRule { default: None, .. }) => return,
        Setting::Encryption(rule) => {
            let blocked = rule.blocks_customer_keys.filter(|blocks| *blocks && dialect.name == "s3");
            &Setting::Encryption(EncryptionRule { blocks_customer_keys: blocked, ..rule.clone() })
        }
        other => other,
    };
    let site = site();
    let outcome = Outcome::Bucket(BucketOutcome::Setting(setting.clone()));
    if matches!(setting, Setting::Tagging(tags) if tags.is_empty()) {
        return;
    }
    let answer = dialect.encode(&outcome, &exchange(&Method::GET, "localhost", "/bkt1", &site));
    let Payload::Document(written) = answer.into_body() else { panic!("{setting:?} is no document") };
    match finish(dialect, &Method::PUT, uri, &written) {
        Ok(Operation::Bucket(BucketOperation::PutSetting(_, read))) => assert_eq!(&read, shown),
        other => panic!("{written:?} became {other:?}"),
    }
}

/// The same of an object's. A set without tags is answered as a failure in some dialects.
fn check_object_setting(dialect: &'static Dialect, uri: &str, setting: &ObjectSetting) {
    let site = site();
    if matches!(setting, ObjectSetting::Tagging(tags) if tags.is_empty()) {
        return;
    }
    let outcome = Outcome::Object(ObjectOutcome::Setting { version: None, setting: setting.clone() });
    let answer = dialect.encode(&outcome, &exchange(&Method::GET, "localhost", "/bkt1/key", &site));
    let Payload::Document(written) = answer.into_body() else { panic!("{setting:?} is no document") };
    match finish(dialect, &Method::PUT, uri, &written) {
        Ok(Operation::Object(ObjectOperation::PutSetting(read))) => assert_eq!(&read.setting, setting),
        other => panic!("{written:?} became {other:?}"),
    }
}

/// The checksums that a head may announce, and the fields of the trailer for them.
const TRAILERS: [(ChecksumAlgorithm, &str); 5] = [
    (ChecksumAlgorithm::Crc32, "x-amz-checksum-crc32"),
    (ChecksumAlgorithm::Crc32c, "x-amz-checksum-crc32c"),
    (ChecksumAlgorithm::Crc64Nvme, "x-amz-checksum-crc64nvme"),
    (ChecksumAlgorithm::Sha1, "x-amz-checksum-sha1"),
    (ChecksumAlgorithm::Sha256, "x-amz-checksum-sha256"),
];

/// The first byte says how the head announced the body: bit 0, that chunks are signed; bit 1, its length, which is the
/// second byte; bits 2 to 4, the trailer. Bit 7 signs the rest as data and damages it, see [`forged`]. The third byte
/// says how the body is cut when it arrives.
pub(crate) fn chunked(data: &[u8]) -> bool {
    let Some((&[mode, length, cut], rest)) = data.split_first_chunk() else { return false };
    if mode & 0x80 != 0 {
        return forged(rest, cut);
    }
    let declared = (mode & 2 != 0).then_some(u64::from(length));
    let announced = TRAILERS.get(usize::from(mode >> 2 & 7));
    let chunks = || Chunks::new((mode & 1 != 0).then(seed), announced.map(|(algorithm, _)| *algorithm), declared);
    let whole = read(chunks(), rest, None);
    assert_eq!(read(chunks(), rest, Some(cut)), whole, "how a body is cut makes no difference");
    let Ok((data, checksum)) = whole else { return false };
    assert!(data.len() < rest.len(), "a body is longer than its data");
    assert!(declared.is_none_or(|declared| declared == data.len() as u64));
    assert_eq!(checksum.as_ref().map(|sum| sum.algorithm), announced.map(|(algorithm, _)| *algorithm));
    let rewritten = written(&data, announced.map(|(_, name)| *name).zip(checksum.as_ref()));
    let unsigned = Chunks::new(None, announced.map(|(algorithm, _)| *algorithm), Some(data.len() as u64));
    assert_eq!(read(unsigned, &rewritten, Some(cut)), Ok((data, checksum)));
    true
}

/// Signs data in chunks of the third byte's length and one, and changes a byte where the first two say, by the fourth;
/// if that is zero, the body ends there. Whatever is read of it is the data that was signed.
fn forged(input: &[u8], cut: u8) -> bool {
    let Some((&[high, low, size, change], data)) = input.split_first_chunk() else { return false };
    let (mut seed_for_writing, mut body) = (seed(), Vec::new());
    for piece in data.chunks(usize::from(size) + 1).chain([&b""[..]]) {
        let mut digest = ChunkDigest::new();
        digest.update(piece);
        let signature = seed_for_writing.sign_chunk(digest);
        body.extend_from_slice(format!("{:x};chunk-signature={signature}\r\n", piece.len()).as_bytes());
        body.extend_from_slice(piece);
        body.extend_from_slice(b"\r\n");
    }
    let at = usize::from(u16::from_be_bytes([high, low])) % (body.len() + 1);
    let is_whole = at == body.len();
    match change {
        0 => body.truncate(at),
        _ if !is_whole => body[at] ^= change,
        _ => {}
    }
    match read(Chunks::new(Some(seed()), None, None), &body, Some(cut)) {
        Ok((read, None)) => assert!(read == data && (is_whole || change != 0), "what was forged has been read"),
        Ok((_, Some(checksum))) => panic!("{checksum:?} was not announced"),
        Err(error) => assert!(!is_whole, "{error} in a body that nobody touched"),
    }
    is_whole
}

/// Reads a body whole, or in pieces of 1 to 64 bytes that follow from `cut`.
fn read(mut chunks: Chunks, body: &[u8], cut: Option<u8>) -> Result<(Vec<u8>, Option<Checksum>), ChunkError> {
    let (mut data, mut rest, mut state) = (Vec::new(), body, cut.unwrap_or_default());
    while !rest.is_empty() {
        let length = if cut.is_some() { usize::from(state % 64) + 1 } else { rest.len() };
        state = state.wrapping_mul(5).wrapping_add(1);
        let (piece, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        let mut input = Bytes::copy_from_slice(piece);
        while let Step::Data(bytes) = chunks.step(&mut input)? {
            assert!(!bytes.is_empty(), "a piece of data is never empty");
            data.extend_from_slice(&bytes);
        }
        assert!(input.is_empty(), "all input is used up");
    }
    chunks.finish().map(|checksum| (data, checksum))
}

/// The plainest body that says the same.
fn written(data: &[u8], trailer: Option<(&str, &Checksum)>) -> Vec<u8> {
    let mut body = Vec::new();
    if !data.is_empty() {
        body.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n");
    if let Some((name, checksum)) = trailer {
        body.extend_from_slice(format!("{name}:{}\r\n", BASE64_STANDARD.encode(&checksum.value)).as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    body
}

/// The first byte says how the form is cut when it arrives; the rest is it, its parts parted by the boundary `b`.
pub(crate) fn form(data: &[u8]) -> bool {
    let Some((&cut, body)) = data.split_first() else { return false };
    let host = "localhost";
    let (parts, ()) = http::Request::builder()
        .method(Method::POST)
        .uri("/bkt1")
        .header(HOST, host)
        .header(CONTENT_TYPE, "multipart/form-data; boundary=b")
        .body(())
        .expect("a head of constants")
        .into_parts();
    let (site, origin) = (site(), Uri::from_static("http://localhost/"));
    let mut accepted = false;
    for dialect in DIALECTS {
        let whole = read_form(dialect, &parts, &site, body, None);
        let in_pieces = read_form(dialect, &parts, &site, body, Some(cut));
        let (form, file) = match (whole, in_pieces) {
            (Ok((form, file)), Ok((again, file_again))) => {
                assert_eq!(
                    (format!("{form:?}"), &file),
                    (format!("{again:?}"), &file_again),
                    "cuts make no difference"
                );
                (form, file)
            }
            (Err(failure), Err(again)) => {
                assert_eq!(failure.code, again.code, "cuts make no difference");
                check_answer(dialect, &parts, &site, &failure);
                continue;
            }
            (whole, in_pieces) => panic!("cuts make a difference: {whole:?} is not {in_pieces:?}"),
        };
        assert!(file.len() < body.len(), "a form is longer than its file");
        match recognise_form(&form, dialect).decode_form(&parts, &form, &site, &origin) {
            Ok((intent, reply)) => {
                accepted = true;
                check_form(recognise_form(&form, dialect), &parts, &site, &intent, &reply);
            }
            Err(failure) => check_answer(dialect, &parts, &site, &failure),
        }
    }
    accepted
}

/// A form that makes sense writes one object of a size, for nobody or for whoever signed it, and is answered without harm.
fn check_form(dialect: &'static Dialect, parts: &Parts, site: &Site, intent: &Intent, reply: &FormReply) {
    let Asked::Streamed(operation @ Operation::Object(ObjectOperation::Put(put)), plan) = &intent.asked else {
        panic!("a form asks for {:?}", intent.asked)
    };
    assert!(operation.required().iter().all(|required| matches!(required.resource, Resource::Object(..))));
    assert!(ObjectKey::parse(put.key.as_str()).is_ok() && put.bucket.as_str() == "bkt1");
    assert!(matches!(plan.framing, Framing::File { most, .. } if most <= OBJECT_MAX), "{plan:?}");
    if let Claim::Signed(signed) = &intent.claim {
        let refused = signed.verify(&SecretKey::new("nobody signs with this".to_owned()), NOW);
        check_answer(dialect, parts, site, &refused.expect_err("no form is signed with this secret"));
    }
    let written = ObjectWritten {
        etag: ETag { digest: [7; 16], parts: None },
        md5: None,
        version: None,
        encryption: AppliedEncryption::Plain,
        checksums: Vec::new(),
        storage_class: StorageClass::Standard,
        last_modified: Timestamp::from_seconds(0),
        expiration: None,
    };
    let outcome = Outcome::Object(ObjectOutcome::Put(written));
    let exchange = Exchange { form: Some(reply), ..exchange(&Method::POST, "localhost", "/bkt1", site) };
    let answer = dialect.encode(&outcome, &exchange);
    assert!([200, 201, 204, 303].contains(&answer.status().as_u16()), "{:?}", answer.status());
    assert!(answer.headers().contains_key(LOCATION), "a key is never in the way of a Location");
    if let Payload::Document(document) = answer.body() {
        assert_eq!(answer.status(), 201);
        assert!(std::str::from_utf8(document).is_ok());
    }
}

/// Reads a form whole, or in pieces of 1 to 64 bytes that follow from `cut`.
fn read_form(
    dialect: &'static Dialect,
    parts: &Parts,
    site: &Site,
    body: &[u8],
    cut: Option<u8>,
) -> Result<(Form, Vec<u8>), Failure> {
    let Asked::Form(mut reader) = dialect.decode(parts, site)?.asked else { panic!("the head announces a form") };
    let (mut rest, mut state) = (body, cut.unwrap_or_default());
    let mut next = || {
        let length = if cut.is_some() { usize::from(state % 64) + 1 } else { rest.len() };
        state = state.wrapping_mul(5).wrapping_add(1);
        let (piece, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        if piece.is_empty() { Err(FailureCode::MalformedForm) } else { Ok(Bytes::copy_from_slice(piece)) }
    };
    while reader.step()? != FormStep::Finished {
        reader.feed(next()?);
    }
    let ((form, mut file), mut data) = (reader.finish(), Vec::new());
    loop {
        match file.step()? {
            FormStep::Data(piece) => data.extend_from_slice(&piece),
            FormStep::NeedsMore => file.feed(next()?),
            FormStep::Finished => return Ok((form, data)),
        }
    }
}

/// Where the chain of signatures of AWS's published example begins.
fn seed() -> ChunkSeed {
    let vector = include_str!("../../vectors/s3/aws-chunked.http");
    let published =
        vector.find("PUT ").and_then(|at| parse_head(&vector.as_bytes()[at..])).expect("the vector has a head");
    let Ok(Intent { claim: Claim::Signed(signed), .. }) = S3.decode(&published, &site()) else {
        panic!("the published head is signed")
    };
    let secret = SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    match signed.verify(&secret, Timestamp::from_seconds(1_369_353_600)).expect("it is signed right").payload {
        PayloadProof::Chunked(seed) => seed,
        other => panic!("its chunks are signed, but the proof is {other:?}"),
    }
}

fn site() -> Site {
    let domains = vec!["localhost".to_owned(), "oss.example.com".to_owned()];
    let region = Region::parse("us-east-1").expect("a region of constants");
    Site { domains, region, strict_region: false, s3_always_on: true }
}

fn exchange<'a>(method: &'a Method, host: &'a str, path: &'a str, site: &'a Site) -> Exchange<'a> {
    Exchange { request_id: RequestId([7; 16]), method, host, path, now: NOW, site, form: None }
}

#[cfg(test)]
mod replay {
    use std::fs;
    use std::panic::catch_unwind;
    use std::path::Path;

    /// Runs a property over its corpus, which holds what is accepted as well as what is refused.
    fn replay(target: &str, property: fn(&[u8]) -> bool) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let (mut accepted, mut refused) = (0, 0);
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
    fn heads() {
        replay("head", super::head);
    }

    #[test]
    fn documents() {
        replay("document", super::document);
    }

    #[test]
    fn forms() {
        replay("form", super::form);
    }

    #[test]
    fn chunked_bodies() {
        replay("chunked", super::chunked);
    }
}
