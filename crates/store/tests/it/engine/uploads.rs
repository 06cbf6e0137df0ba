//! Multipart uploads through the engine: in every method, against a model, under races, and what is left of them.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use proptest::{collection::vec, prelude::*, sample::subsequence};
use strongroom_iam::Transport;
use strongroom_model::account::Principal;
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm, ChecksumScope};
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{PartNumber, UploadId};
use strongroom_model::operation::object::GetObject;
use strongroom_model::operation::upload::{
    CompleteUpload, InitiateUpload, ListParts, ListUploads, NamedPart, NamedParts, UploadChecksum, UploadHolders,
    UploadName, WritePart,
};
use strongroom_model::operation::{BucketOperation, ObjectOperation, Operation, UploadOperation};
use strongroom_model::outcome::upload::{ListedPart, ListedUploads, PartWritten, UploadCompleted};
use strongroom_model::outcome::{Outcome, UploadOutcome};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::range::RangeSpec;
use strongroom_model::setting::Setting;
use strongroom_store::{Body, Trailer, kv::KeyRange};

use super::bench::{BUCKET, Bench, METHODS, Method, bucket_name, customer_key, get, noise, object_key, pieces};

/// Family numbers of docs/CATALOG.md.
const UPLOADS: u8 = 0x48;
const PARTS: u8 = 0x49;
const ENDED: u8 = 0x4a;
const LIVE: u8 = 0x51;

/// Besides those of its parts, an object has a blob for its record (FORMAT.md §11.1).
const RECORD: usize = 1;

pub(crate) fn initiate(key: &str, method: Method) -> InitiateUpload {
    InitiateUpload {
        bucket: bucket_name(BUCKET),
        key: object_key(key),
        metadata: Default::default(),
        storage_class: None,
        settings: Default::default(),
        encryption: method.wish(),
        conditions: Default::default(),
        checksum: None,
        url_encoded: false,
    }
}

pub(crate) fn complete(upload: &UploadName, parts: NamedParts) -> CompleteUpload {
    CompleteUpload {
        holders: UploadHolders::InitiatorAndOwner,
        upload: upload.clone(),
        parts,
        least_part: 0,
        conditions: Default::default(),
        customer_key: None,
        size: None,
        expected: Vec::new(),
        scope: None,
        url_encoded: false,
    }
}

pub(crate) fn number(number: u32) -> PartNumber {
    PartNumber::new(number).unwrap()
}

pub(crate) fn named(parts: &[(u32, PartWritten)]) -> NamedParts {
    let part = |(at, written): &(u32, PartWritten)| NamedPart {
        number: number(*at),
        tag: written.etag.lower_hex(),
        checksums: Vec::new(),
    };
    NamedParts::These(parts.iter().map(part).collect())
}

impl Bench {
    pub(crate) async fn upload(
        &self,
        operation: UploadOperation,
        body: Option<&[u8]>,
    ) -> Result<UploadOutcome, Failure> {
        let body = body.map(|bytes| Body { bytes: pieces(bytes), trailer: Trailer::default(), declared: None });
        match self.run(Operation::Upload(operation), body).await?.outcome {
            Outcome::Upload(outcome) => Ok(outcome),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn begin(&self, initiate: InitiateUpload) -> Result<UploadName, Failure> {
        match self.upload(UploadOperation::Initiate(initiate), None).await? {
            UploadOutcome::Initiated(initiated) => Ok(initiated.upload),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn write_part(
        &self,
        upload: &UploadName,
        at: u32,
        bytes: &[u8],
        method: Method,
    ) -> Result<PartWritten, Failure> {
        let write = WritePart {
            holders: UploadHolders::InitiatorAndOwner,
            upload: upload.clone(),
            number: number(at),
            customer_key: method.key_for_reading(),
            expected: Default::default(),
            keep: Vec::new(),
            tag: TagPromise::UnlessKeyed,
        };
        match self.upload(UploadOperation::WritePart(write), Some(bytes)).await? {
            UploadOutcome::PartWritten(written) => Ok(written),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn complete(&self, upload: &UploadName, parts: NamedParts) -> Result<UploadCompleted, Failure> {
        self.complete_as(complete(upload, parts)).await
    }

    async fn complete_as(&self, complete: CompleteUpload) -> Result<UploadCompleted, Failure> {
        match self.upload(UploadOperation::Complete(complete), None).await? {
            UploadOutcome::Completed(completed) => Ok(completed),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn abort(&self, upload: &UploadName) -> Result<(), Failure> {
        self.upload(UploadOperation::Abort(upload.clone()), None).await.map(drop)
    }

    async fn parts(&self, upload: &UploadName) -> Result<Vec<ListedPart>, Failure> {
        let list = ListParts { upload: upload.clone(), after: 0, max_parts: 1000, url_encoded: false };
        match self.upload(UploadOperation::ListParts(list), None).await? {
            UploadOutcome::Parts(listed) => Ok(listed.parts),
            other => panic!("{other:?}"),
        }
    }

    async fn uploads(&self, list: ListUploads) -> ListedUploads {
        match self.upload(UploadOperation::List(list), None).await.unwrap() {
            UploadOutcome::Uploads(listed) => listed,
            other => panic!("{other:?}"),
        }
    }

    /// An object of these parts.
    pub(crate) async fn put_parts(&self, key: &str, bodies: &[Vec<u8>], method: Method) -> UploadCompleted {
        let upload = self.begin(initiate(key, method)).await.unwrap();
        let mut written = Vec::new();
        for (at, body) in (1..).zip(bodies) {
            written.push((at, self.write_part(&upload, at, body, method).await.unwrap()));
        }
        self.complete(&upload, named(&written)).await.unwrap()
    }

    async fn rows(&self, family: u8) -> usize {
        self.kv.scan(KeyRange::prefix(vec![family]), usize::MAX).await.unwrap().len()
    }

    /// Nothing of any upload is left, and no blob but the objects' own.
    async fn is_tidy(&self, blobs: usize) {
        self.reap_later().await;
        assert_eq!((self.rows(UPLOADS).await, self.rows(PARTS).await, self.rows(ENDED).await), (0, 0, 0));
        assert_eq!((self.blob_count().await, self.rows(LIVE).await), (blobs, blobs));
    }
}

fn list_uploads() -> ListUploads {
    ListUploads {
        bucket: bucket_name(BUCKET),
        prefix: String::new(),
        delimiter: String::new(),
        key_marker: String::new(),
        upload_marker: None,
        max_uploads: 1000,
        url_encoded: false,
    }
}

/// A body of `len` bytes that is like no other.
fn body(seed: usize, len: usize) -> Vec<u8> {
    noise(len + 1_000_000 + seed * 13)[1_000_000 + seed * 13..].to_vec()
}

#[tokio::test]
async fn in_every_method() {
    let bench = Bench::memory().await;
    for method in METHODS {
        let bodies = [body(1, 70_000), body(2, 65_536), body(3, 1), body(4, 0), body(5, 200_000)];
        let whole = bodies.concat();
        let completed = bench.put_parts("k", &bodies, method).await;
        assert_eq!(completed.etag.parts, Some(5));
        assert_eq!(bench.get("k", method).await.unwrap(), whole, "{method:?}");
        for (first, last) in [(0, 0), (69_999, 70_000), (70_000, 135_536), (135_530, 140_000), (0, whole.len() - 1)] {
            let range = RangeSpec::Between { first: first as u64, last: last as u64 };
            assert_eq!(bench.get_range("k", method, range).await.unwrap(), whole[first..=last], "{method:?}");
        }
        for (at, body) in (1..).zip(&bodies) {
            let part = Some(number(at));
            let read = bench.get_as(GetObject { part, customer_key: method.key_for_reading(), ..get("k") }).await;
            match body.is_empty() {
                true => assert_eq!(read.unwrap_err().code, FailureCode::InvalidRange),
                false => {
                    let (read, bytes) = read.unwrap();
                    assert_eq!((read.part.unwrap().count, bytes.as_ref()), (Some(5), body.as_slice()), "{method:?}");
                }
            }
        }
        let beyond = GetObject { part: Some(number(6)), customer_key: method.key_for_reading(), ..get("k") };
        assert_eq!(bench.head(beyond).await.unwrap_err().code, FailureCode::InvalidPartNumber);
    }
    bench.is_tidy(5 + RECORD).await;
}

/// One call when an upload begins, one at most for each part, and one for what seals the list of parts; none of them under a
/// customer's key, and a completion needs not even that.
#[tokio::test]
async fn calls_to_the_key_service() {
    let bench = Bench::memory().await;
    bench.put("standing keys", b"", Method::KmsAes).await.unwrap();
    bench.put("standing keys", b"", Method::ManagedAes).await.unwrap();
    let bodies = [body(1, 10), body(2, 20), body(3, 30)];
    for (method, calls) in [(Method::Plain, 0), (Method::ManagedSm4, 5), (Method::KmsAes, 5), (Method::Customer, 0)] {
        let before = bench.key_service_calls();
        bench.put_parts("k", &bodies, method).await;
        assert!(bench.key_service_calls() - before <= calls, "{method:?}");
        assert_eq!(bench.key_service_calls() > before, calls > 0, "{method:?}");
    }
}

#[tokio::test]
async fn a_customers_key_is_checked_on_every_part() {
    let bench = Bench::memory().await;
    let upload = bench.begin(initiate("k", Method::Customer)).await.unwrap();
    let code = |result: Result<PartWritten, Failure>| result.unwrap_err().code;
    assert_eq!(code(bench.write_part(&upload, 1, b"x", Method::Plain).await), FailureCode::UploadKeyRequired);
    let write = |key| WritePart {
        holders: UploadHolders::InitiatorAndOwner,
        upload: upload.clone(),
        number: number(1),
        customer_key: Some(customer_key(key)),
        expected: Default::default(),
        keep: Vec::new(),
        tag: TagPromise::Always,
    };
    let wrong = bench.upload(UploadOperation::WritePart(write([9; 32])), Some(b"x")).await;
    assert_eq!(wrong.unwrap_err().code, FailureCode::UploadKeyWrong);
    let over_http = Transport { customer_keys: false, ..Transport::TRUSTED };
    let part = UploadOperation::WritePart(write(super::bench::CUSTOMER_KEY));
    let part_body = Body { bytes: pieces(b"x"), trailer: Trailer::default(), declared: None };
    let plain_http = bench.run_over(Operation::Upload(part), Some(part_body), over_http).await;
    assert_eq!(plain_http.err().unwrap().code, FailureCode::CustomerKeyNeedsTls);
    let written = bench.write_part(&upload, 1, b"x", Method::Customer).await.unwrap();
    let parts = named(&[(1, written)]);
    let wrong = CompleteUpload { customer_key: Some(customer_key([9; 32])), ..complete(&upload, parts.clone()) };
    assert_eq!(bench.complete_as(wrong).await.unwrap_err().code, FailureCode::UploadKeyWrong);
    bench.complete(&upload, parts).await.unwrap();
    assert_eq!(bench.get("k", Method::Customer).await.unwrap(), "x");
    let plain = bench.begin(initiate("k", Method::ManagedAes)).await.unwrap();
    assert_eq!(code(bench.write_part(&plain, 1, b"x", Method::Customer).await), FailureCode::UploadKeyRequired);
}

#[tokio::test]
async fn conditions_are_judged_when_the_object_is_made() {
    use strongroom_model::condition::{Conditions, TagList};
    let bench = Bench::memory().await;
    let upload = bench.begin(initiate("k", Method::Plain)).await.unwrap();
    let parts = named(&[(1, bench.write_part(&upload, 1, b"new", Method::Plain).await.unwrap())]);
    bench.put("k", b"in between", Method::Plain).await.unwrap();
    let absent = Conditions { if_none_match: Some(TagList::Any), ..Default::default() };
    let refused = bench.complete_as(CompleteUpload { conditions: absent, ..complete(&upload, parts.clone()) }).await;
    assert_eq!(refused.unwrap_err().code, FailureCode::PreconditionFailed);
    assert_eq!(bench.get("k", Method::Plain).await.unwrap(), "in between");
    bench.complete(&upload, parts).await.unwrap();
    assert_eq!(bench.get("k", Method::Plain).await.unwrap(), "new");
}

/// The CRC of a whole, put together from those of its parts, is that of the bytes; and a composite one is that of the values.
#[tokio::test]
async fn checksums_of_the_whole_and_of_the_parts() {
    let bench = Bench::memory().await;
    let bodies = [body(1, 70_001), body(2, 3), body(3, 0), body(4, 12_345)];
    let whole = bodies.concat();
    let crc = |algorithm, bytes: &[u8]| crc_fast::checksum(algorithm, bytes).to_be_bytes();
    use crc_fast::CrcAlgorithm::{Crc32Iscsi, Crc32IsoHdlc, Crc64Nvme, Crc64Xz};
    let expected = [
        (ChecksumAlgorithm::Crc32, ChecksumScope::Whole, crc(Crc32IsoHdlc, &whole)[4..].to_vec(), None),
        (ChecksumAlgorithm::Crc32c, ChecksumScope::Whole, crc(Crc32Iscsi, &whole)[4..].to_vec(), None),
        (ChecksumAlgorithm::Crc64Nvme, ChecksumScope::Whole, crc(Crc64Nvme, &whole).to_vec(), None),
        (ChecksumAlgorithm::Crc64Ecma, ChecksumScope::Whole, crc(Crc64Xz, &whole).to_vec(), None),
        (
            ChecksumAlgorithm::Crc32,
            ChecksumScope::Composite,
            crc(Crc32IsoHdlc, &bodies.each_ref().map(|body| crc(Crc32IsoHdlc, body)[4..].to_vec()).concat())[4..]
                .to_vec(),
            Some(4),
        ),
    ];
    for (algorithm, scope, value, parts) in expected {
        let asked = UploadChecksum { algorithm, scope, asked: true };
        let upload =
            bench.begin(InitiateUpload { checksum: Some(asked), ..initiate("k", Method::KmsSm4) }).await.unwrap();
        for (at, body) in (1..).zip(&bodies) {
            bench.write_part(&upload, at, body, Method::KmsSm4).await.unwrap();
        }
        let completed = bench.complete(&upload, NamedParts::All).await.unwrap();
        let told = &completed.checksums[..];
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].algorithm, &told[0].value, told[0].parts), (algorithm, &value, parts));
        assert_eq!(bench.head(get("k")).await.unwrap().facts.checksums, completed.checksums);
        assert_eq!(bench.get("k", Method::KmsSm4).await.unwrap(), whole);
    }
}

/// A client may send a CRC with each part, and that of the whole at the end, without saying so when it begins.
#[tokio::test]
async fn a_checksum_that_only_the_completion_names() {
    let bench = Bench::memory().await;
    let bodies = [body(1, 70_001), body(2, 300)];
    let upload = bench.begin(initiate("k", Method::ManagedAes)).await.unwrap();
    for (at, body) in (1..).zip(&bodies) {
        let write = WritePart {
            holders: UploadHolders::InitiatorAndOwner,
            upload: upload.clone(),
            number: number(at),
            customer_key: None,
            expected: Default::default(),
            keep: vec![ChecksumAlgorithm::Crc64Ecma],
            tag: TagPromise::Always,
        };
        bench.upload(UploadOperation::WritePart(write), Some(body)).await.unwrap();
    }
    let value = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &bodies.concat()).to_be_bytes().to_vec();
    let whole = |value| vec![Checksum::whole(ChecksumAlgorithm::Crc64Ecma, value)];
    for (wrong, code) in [
        (whole(vec![7; 8]), FailureCode::BadDigest),
        (vec![Checksum::whole(ChecksumAlgorithm::Crc32, vec![7; 4])], FailureCode::InvalidRequest),
    ] {
        let refused = bench.complete_as(CompleteUpload { expected: wrong, ..complete(&upload, NamedParts::All) }).await;
        assert_eq!(refused.unwrap_err().code, code);
    }
    let expected = whole(value);
    let done = CompleteUpload { expected: expected.clone(), ..complete(&upload, NamedParts::All) };
    assert_eq!(bench.complete_as(done).await.unwrap().checksums, expected);
}

/// The right to write is everybody's here; still, an upload is its initiator's account's, and in some dialects the bucket's owner's too.
#[tokio::test]
async fn an_upload_goes_on_in_the_account_that_began_it() {
    let bench = Bench::memory().await;
    let text = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*"}]}"#;
    let policy = Setting::Policy(PolicyDocument { language: PolicyLanguage::Amazon, text: text.to_owned() });
    bench.bucket(BucketOperation::PutSetting(bucket_name(BUCKET), policy)).await.unwrap();
    let run = async |who: &Principal, operation: UploadOperation| {
        let body = Body { bytes: pieces(b"part"), trailer: Trailer::default(), declared: None };
        let body = matches!(operation, UploadOperation::WritePart(_)).then_some(body);
        let done = bench.run_as(who.clone(), Operation::Upload(operation), body, Transport::TRUSTED).await;
        done.map(|reply| reply.outcome).map_err(|failure| failure.code)
    };
    let (owner, stranger) = (Principal::Root(bench.account), Principal::Anonymous);
    for (initiator, other) in [(&owner, &stranger), (&stranger, &owner)] {
        let begun = run(initiator, UploadOperation::Initiate(initiate("k", Method::Plain))).await;
        let Ok(Outcome::Upload(UploadOutcome::Initiated(begun))) = begun else { panic!("{begun:?}") };
        let part = |holders| {
            UploadOperation::WritePart(WritePart {
                holders,
                upload: begun.upload.clone(),
                number: number(1),
                customer_key: None,
                expected: Default::default(),
                keep: Vec::new(),
                tag: TagPromise::UnlessKeyed,
            })
        };
        let all =
            |holders| UploadOperation::Complete(CompleteUpload { holders, ..complete(&begun.upload, NamedParts::All) });
        let both = UploadHolders::InitiatorAndOwner;
        run(initiator, part(UploadHolders::Initiator)).await.unwrap();
        for holders in [UploadHolders::Initiator, both] {
            if (other, holders) != (&owner, both) {
                let refused = [run(other, part(holders)).await, run(other, all(holders)).await];
                let refused = refused.map(|refused| refused.expect_err("this is not theirs"));
                let expected =
                    if other == &stranger { FailureCode::AnonymousDenied } else { FailureCode::AccessDenied };
                assert_eq!(refused, [expected; 2], "{other:?} {holders:?}");
            }
        }
        let last = if other == &owner { (other, both) } else { (initiator, UploadHolders::Initiator) };
        run(last.0, part(last.1)).await.unwrap();
        run(last.0, all(last.1)).await.unwrap();
        assert_eq!(bench.get("k", Method::Plain).await.unwrap(), &b"part"[..]);
    }
}

#[tokio::test]
async fn ten_thousand_parts() {
    let bench = Bench::memory().await;
    let upload = bench.begin(initiate("k", Method::ManagedAes)).await.unwrap();
    for at in 1..=10_000 {
        bench.write_part(&upload, at, &at.to_be_bytes(), Method::ManagedAes).await.unwrap();
    }
    let completed = bench.complete(&upload, NamedParts::All).await.unwrap();
    assert_eq!(completed.etag.parts, Some(10_000));
    let range = RangeSpec::Between { first: 4 * 7_777, last: 4 * 7_779 - 1 };
    let read = bench.get_range("k", Method::ManagedAes, range).await.unwrap();
    assert_eq!(read, [7_778_u32.to_be_bytes(), 7_779_u32.to_be_bytes()].concat());
    bench.is_tidy(10_000 + RECORD).await;
    bench.delete("k").await.unwrap();
    bench.is_tidy(0).await;
}

/// A version that is being read keeps all its blobs, although it was overwritten long ago and the reaper has run.
#[tokio::test]
async fn a_reader_keeps_what_it_reads() {
    let bench = Bench::memory().await;
    let bodies = [body(1, 200_000), body(2, 200_000), body(3, 200_000)];
    bench.put_parts("k", &bodies, Method::ManagedAes).await;
    let reply = bench.run(Operation::Object(ObjectOperation::Get(get("k"))), None).await.unwrap();
    let mut stream = reply.body.unwrap();
    let mut read = stream.next().await.unwrap().unwrap().to_vec();
    bench.put("k", b"another", Method::Plain).await.unwrap();
    let report = bench.reap_later().await;
    assert_eq!((report.removed, report.waiting), (0, 3 + RECORD as u64));
    while let Some(piece) = stream.next().await {
        read.extend_from_slice(&piece.unwrap());
    }
    assert!(read == bodies.concat());
    drop(stream);
    let report = bench.reap_later().await;
    assert_eq!((report.removed, report.waiting), (3 + RECORD as u64, 0));
    bench.is_tidy(0).await;
}

/// While parts are written over and over, completions either fail or make an object that opens, of parts that belong together.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn completions_against_parts_that_are_replaced() {
    let bench = std::sync::Arc::new(Bench::memory().await);
    for round in 0..20 {
        let upload = bench.begin(initiate("k", Method::KmsAes)).await.unwrap();
        for at in 1..=3 {
            bench.write_part(&upload, at, &[at as u8; 100], Method::KmsAes).await.unwrap();
        }
        let writers = (1..=3).map(|at| {
            let (bench, upload) = (bench.clone(), upload.clone());
            tokio::spawn(async move {
                for turn in 0..10 {
                    match bench.write_part(&upload, at, &[at as u8; 100], Method::KmsAes).await {
                        Ok(_) => {}
                        Err(failure) => {
                            assert_eq!(failure.code, FailureCode::NoSuchUpload);
                            return turn;
                        }
                    }
                }
                10
            })
        });
        let writers: Vec<_> = writers.collect();
        tokio::time::sleep(std::time::Duration::from_millis(round % 5)).await;
        let completed = bench.complete(&upload, NamedParts::All).await;
        for writer in writers {
            writer.await.unwrap();
        }
        if completed.is_err() {
            bench.complete(&upload, NamedParts::All).await.unwrap();
        }
        assert_eq!(bench.get("k", Method::KmsAes).await.unwrap(), [[1; 100], [2; 100], [3; 100]].concat());
        bench.is_tidy(3 + RECORD).await;
    }
}

#[tokio::test]
async fn uploads_list_by_key_and_then_as_they_began() {
    let bench = Bench::memory().await;
    let mut begun = Vec::new();
    for key in ["a", "a", "a/1", "a/2", "a0", "b/1", "b/2", "c"] {
        begun.push((key.to_owned(), bench.begin(initiate(key, Method::Plain)).await.unwrap().id));
        bench.advance(1);
    }
    let model = |list: &ListUploads| -> (Vec<(String, UploadId)>, Vec<String>) {
        let (mut uploads, mut groups) = (Vec::new(), Vec::<String>::new());
        for (key, id) in &begun {
            let Some(rest) = key.strip_prefix(&list.prefix) else { continue };
            let group = if list.delimiter.is_empty() { None } else { rest.find(&list.delimiter) };
            match group {
                Some(at) => {
                    let group = key[..list.prefix.len() + at + list.delimiter.len()].to_owned();
                    if groups.last() != Some(&group) {
                        groups.push(group);
                    }
                }
                None => uploads.push((key.clone(), *id)),
            }
        }
        (uploads, groups)
    };
    for (prefix, delimiter) in [("", ""), ("a", ""), ("", "/"), ("a", "/"), ("a/", "/"), ("b/1", "/"), ("x", "")] {
        for max_uploads in [1, 2, 3, 1000] {
            let whole = ListUploads { prefix: prefix.into(), delimiter: delimiter.into(), ..list_uploads() };
            let (mut uploads, mut groups, mut next) = (Vec::new(), Vec::new(), Some((String::new(), None)));
            while let Some((key_marker, upload_marker)) = next {
                let page = bench.uploads(ListUploads { key_marker, upload_marker, max_uploads, ..whole.clone() }).await;
                assert!(page.uploads.len() + page.common_prefixes.len() <= max_uploads as usize);
                uploads.extend(page.uploads.into_iter().map(|upload| (upload.key.as_str().to_owned(), upload.id)));
                groups.extend(page.common_prefixes);
                next = page.next;
            }
            assert_eq!((uploads, groups), model(&whole), "{prefix:?} {delimiter:?} {max_uploads}");
        }
    }
    let after_key = bench.uploads(ListUploads { key_marker: "a".into(), ..list_uploads() }).await;
    assert_eq!(after_key.uploads[0].key.as_str(), "a/1");
}

#[derive(Clone, Debug)]
enum Step {
    Write(u32, usize),
    Complete(Vec<u32>),
    Abort,
    Reap,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![0..100_usize, 65_530..65_540_usize, 65_541..140_000_usize];
    let step = prop_oneof![
        8 => (1..6_u32, size).prop_map(|(at, size)| Step::Write(at, size)),
        2 => subsequence((1..6_u32).collect::<Vec<_>>(), 1..5).prop_map(Step::Complete),
        1 => Just(Step::Abort),
        1 => Just(Step::Reap),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Any sequence of steps leaves what a map of numbers to bytes would have, and no blob too many.
    #[test]
    fn sequences(steps in steps(), method in 0..METHODS.len()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(steps, METHODS[method]));
    }
}

async fn run(steps: Vec<Step>, method: Method) {
    let mut bench = Bench::memory().await;
    let mut upload = bench.begin(initiate("k", method)).await.unwrap();
    let mut parts = BTreeMap::<u32, (Vec<u8>, PartWritten)>::new();
    let mut object: Option<(Vec<u8>, usize)> = None;
    for (turn, step) in steps.into_iter().enumerate() {
        match step {
            Step::Write(at, size) => {
                let bytes = body(turn, size);
                let written = bench.write_part(&upload, at, &bytes, method).await.unwrap();
                parts.insert(at, (bytes, written));
            }
            Step::Complete(numbers) => {
                let found: Option<Vec<_>> =
                    numbers.iter().map(|at| parts.get(at).map(|(_, written)| (*at, written.clone()))).collect();
                let Some(found) = found else { continue };
                let completed = bench.complete(&upload, named(&found)).await.unwrap();
                assert_eq!(bench.complete(&upload, named(&found)).await.unwrap(), completed);
                object = Some((numbers.iter().flat_map(|at| parts[at].0.clone()).collect(), numbers.len()));
                parts.clear();
                upload = bench.begin(initiate("k", method)).await.unwrap();
            }
            Step::Abort => {
                bench.abort(&upload).await.unwrap();
                assert_eq!(bench.abort(&upload).await.unwrap_err().code, FailureCode::NoSuchUpload);
                parts.clear();
                upload = bench.begin(initiate("k", method)).await.unwrap();
            }
            Step::Reap => drop(bench.reap_later().await),
            Step::Restart => bench = bench.reopen().await,
        }
        let listed: Vec<_> =
            bench.parts(&upload).await.unwrap().iter().map(|part| (part.number.get(), part.size)).collect();
        let expected: Vec<_> = parts.iter().map(|(at, (bytes, _))| (*at, bytes.len() as u64)).collect();
        assert_eq!(listed, expected);
        match &object {
            Some((bytes, _)) => assert!(bench.get("k", method).await.unwrap() == *bytes),
            None => assert_eq!(bench.get("k", method).await.unwrap_err().code, FailureCode::NoSuchKey),
        }
    }
    bench.abort(&upload).await.unwrap();
    bench.is_tidy(object.map_or(0, |(_, parts)| parts + RECORD)).await;
}
