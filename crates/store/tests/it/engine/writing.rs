//! Conditions, digests and tags of writes; batch deletion.

use std::sync::Arc;

use async_trait::async_trait;
use md5::{Digest as _, Md5};
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_model::condition::{Conditions, TagList};
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::FailureCode;
use strongroom_model::name::VersionId;
use strongroom_model::operation::object::{DeleteEntry, DeleteObjects, ExpectedDigests, GetObject, PutObject};
use strongroom_model::operation::{ObjectOperation, Operation};
use strongroom_model::outcome::{ObjectOutcome, Outcome};
use strongroom_store::{
    Body, Trailer,
    blobs::MemoryBlobs,
    kv::{Batch, Commit, Entry, KeyRange, Kv, KvError, MemoryKv, Put, Row, Snapshot},
};

use super::bench::{BUCKET, Bench, Method, bucket_name, get, noise, object_key, pieces, put};

fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

#[tokio::test]
async fn conditions_decide_over_writes_and_reads() {
    let bench = Bench::memory().await;
    let first = bench.put("k", b"1", Method::Plain).await.unwrap().etag;
    let tags = |tag: &str| Some(TagList::Tags(vec![tag.to_owned()]));
    let rows = [
        (Conditions { if_none_match: Some(TagList::Any), ..Default::default() }, false),
        (Conditions { if_match: tags("\"00000000000000000000000000000000\""), ..Default::default() }, false),
        (Conditions { if_match: tags(&first.lower_hex()), ..Default::default() }, true),
    ];
    for (conditions, holds) in rows {
        let asked = PutObject { conditions, ..put("k") };
        match bench.put_as(asked, b"2").await {
            Ok(_) => assert!(holds),
            Err(failure) => assert_eq!((failure.code, holds), (FailureCode::PreconditionFailed, false)),
        }
    }
    let second = bench.head(get("k")).await.unwrap().facts;
    let unchanged = Conditions { if_none_match: tags(&second.etag.lower_hex()), ..Default::default() };
    let read = bench.get_as(GetObject { conditions: unchanged, ..get("k") }).await;
    assert_eq!(read.unwrap_err().code, FailureCode::NotModified);
    let changed = Conditions { if_match: tags(&first.lower_hex()), ..Default::default() };
    let read = bench.head(GetObject { conditions: changed, ..get("k") }).await;
    assert_eq!(read.unwrap_err().code, FailureCode::PreconditionFailed);
}

#[tokio::test]
async fn a_body_must_come_to_what_was_declared() {
    let bench = Bench::memory().await;
    for size in [9, 200_000] {
        let bytes = noise(size);
        for method in [Method::Plain, Method::KmsAes] {
            let wrong = ExpectedDigests { md5: Some([0; 16]), checksums: Vec::new() };
            let asked = PutObject { expected: wrong, encryption: method.wish(), ..put("k") };
            assert_eq!(bench.put_as(asked, &bytes).await.unwrap_err().code, FailureCode::BadDigest);
            let right = ExpectedDigests { md5: Some(md5(&bytes)), checksums: Vec::new() };
            let asked = PutObject { expected: right, encryption: method.wish(), ..put("k") };
            assert_eq!(bench.put_as(asked, &bytes).await.unwrap().md5, Some(md5(&bytes)));
        }
    }
    bench.reap_later().await;
    assert_eq!(bench.blob_count().await, 1);
}

#[tokio::test]
async fn checksums_are_kept_and_those_behind_the_body_are_checked() {
    let bench = Bench::memory().await;
    let crc = Checksum::whole(ChecksumAlgorithm::Crc32, vec![0xcb, 0xf4, 0x39, 0x26]);
    for (trailing, expected) in
        [(crc.clone(), None), (Checksum { value: vec![0; 4], ..crc.clone() }, Some(FailureCode::BadDigest))]
    {
        let trailer = Trailer::default();
        trailer.set(vec![trailing]).unwrap();
        let asked = PutObject { keep: vec![ChecksumAlgorithm::Crc32], ..put("k") };
        let body = Body { bytes: pieces(b"123456789"), trailer, declared: None };
        let operation = Operation::Object(ObjectOperation::Put(asked));
        assert_eq!(bench.run(operation, Some(body)).await.err().map(|failure| failure.code), expected);
    }
    assert_eq!(bench.head(get("k")).await.unwrap().facts.checksums, [crc]);
}

/// The tag is the MD5 exactly where it is promised, and is no MD5 of anything elsewhere.
#[tokio::test]
async fn tags_are_what_the_dialect_promises() {
    let bench = Bench::memory().await;
    let rows = [
        (TagPromise::Always, [true, true, true, true]),
        (TagPromise::UnlessKeyed, [true, true, false, false]),
        (TagPromise::PlainOnly, [true, false, false, false]),
    ];
    let methods = [Method::Plain, Method::ManagedAes, Method::KmsAes, Method::Customer];
    for (tag, promised) in rows {
        for (method, promised) in methods.into_iter().zip(promised) {
            let asked = || PutObject { tag, encryption: method.wish(), ..put("k") };
            let written = bench.put_as(asked(), b"body").await.unwrap();
            assert_eq!(written.etag.digest == md5(b"body"), promised, "{tag:?} {method:?}");
            assert_eq!(written.md5.is_some(), promised, "{tag:?} {method:?}: computed only where it is promised");
            let again = bench.put_as(asked(), b"body").await.unwrap();
            assert_eq!(again.etag == written.etag, promised, "{tag:?} {method:?}");
        }
    }
}

#[tokio::test]
async fn a_batch_deletes_each_for_itself() {
    let bench = Bench::memory().await;
    let names: Vec<String> = (0..600).map(|n| format!("k{n}")).collect();
    for name in &names {
        bench.put(name, b"x", Method::Plain).await.unwrap();
    }
    bench.put("large", &noise(70_000), Method::Plain).await.unwrap();
    bench.put("kept", b"x", Method::Plain).await.unwrap();
    let entry = |name: &str| DeleteEntry {
        key: object_key(name),
        version: None,
        conditions: Default::default(),
        bypass_governance: false,
    };
    let mut entries: Vec<_> = names.iter().map(|name| entry(name)).collect();
    entries.extend([entry("large"), entry("never there"), entry("large")]);
    entries.push(DeleteEntry {
        key: object_key("kept"),
        version: Some(VersionId::Id([1; 16])),
        conditions: Default::default(),
        bypass_governance: false,
    });
    let asked =
        DeleteObjects { bucket: bucket_name("bucket"), quiet: true, url_encoded: false, entries: entries.clone() };
    let outcome = bench.run(Operation::Object(ObjectOperation::DeleteMany(asked)), None).await.unwrap().outcome;
    let Outcome::Object(ObjectOutcome::ManyDeleted(deleted)) = outcome else { panic!() };
    assert!(deleted.quiet && deleted.results.iter().all(|result| result.result.is_ok()));
    assert!(deleted.results.iter().map(|result| &result.key).eq(entries.iter().map(|entry| &entry.key)));
    let left: Vec<_> = bench.list().await.objects.into_iter().map(|object| object.key).collect();
    assert_eq!(left, [object_key("kept")]);
    bench.reap_later().await;
    assert_eq!(bench.blob_count().await, 0);
}

/// A store that takes few changes at once.
#[derive(Default)]
struct Narrow(MemoryKv);

const DELETES_AT_ONCE: usize = 16;

#[async_trait]
impl Kv for Narrow {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
        self.0.get(key).await
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        self.0.scan(range, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
        match batch.deletes.len() {
            ..=DELETES_AT_ONCE => self.0.commit(batch).await,
            amount => Err(KvError::TooLarge { what: "deletes in a batch", amount, limit: DELETES_AT_ONCE }),
        }
    }

    async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
        self.0.submit(puts).await
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
        self.0.snapshot().await
    }
}

/// Objects of thousands of parts fill a commit long before their number does.
#[tokio::test]
async fn a_batch_too_long_for_one_commit_is_deleted_in_several() {
    let kv = Arc::new(Narrow::default());
    let bench = Bench::over(kv, Arc::new(MemoryBlobs::new()), tempfile::tempdir().unwrap()).await.unwrap();
    bench.create_bucket(BUCKET, None).await.unwrap();
    let mut entries = Vec::new();
    for n in 0..50 {
        bench.put(&format!("k{n}"), b"x", Method::Plain).await.unwrap();
        entries.push(DeleteEntry {
            key: object_key(&format!("k{n}")),
            version: None,
            conditions: Default::default(),
            bypass_governance: false,
        });
    }
    let asked = DeleteObjects { bucket: bucket_name(BUCKET), quiet: false, url_encoded: false, entries };
    let reply = bench.run(Operation::Object(ObjectOperation::DeleteMany(asked)), None).await.unwrap();
    let Outcome::Object(ObjectOutcome::ManyDeleted(many)) = reply.outcome else { panic!("{:?}", reply.outcome) };
    assert!(many.results.len() == 50 && many.results.iter().all(|entry| entry.result.is_ok()));
    assert!(bench.list().await.objects.is_empty());
}
