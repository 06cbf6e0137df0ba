//! Copies: whatever the source is sealed with, the target is sealed as it was asked for; and a source that breaks off leaves
//! nothing.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use strongroom_iam::Transport;
use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::encryption::{AppliedEncryption, DataAlgorithm};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lock::BucketLock;
use strongroom_model::metadata::{ObjectKind, ObjectMetadata, StorageClass};
use strongroom_model::operation::copy::{CopiedChecksums, CopyObject, MetadataFrom};
use strongroom_model::operation::object::{GetObject, PutObject};
use strongroom_model::operation::{BucketOperation, ObjectOperation, Operation};
use strongroom_model::setting::{ObjectSetting, Setting, Versioning};
use strongroom_store::blobs::MemoryBlobs;
use strongroom_store::kv::{Batch, Commit, Entry, KeyRange, Kv, KvError, MemoryKv, Put, Row, Snapshot};
use tokio::sync::oneshot;

use super::bench::{BUCKET, Bench, METHODS, Method, bucket_name, copy, get, noise, put};

const SIZES: [usize; 4] = [0, 300, 65_536, 200_000];

fn is(applied: &AppliedEncryption, method: Method) -> bool {
    match (method, applied) {
        (Method::Plain, AppliedEncryption::Plain) | (Method::Customer, AppliedEncryption::Customer { .. }) => true,
        (Method::ManagedAes, AppliedEncryption::Managed(DataAlgorithm::Aes256)) => true,
        (Method::ManagedSm4, AppliedEncryption::Managed(DataAlgorithm::Sm4)) => true,
        (Method::KmsAes, AppliedEncryption::Kms(kms)) => kms.algorithm == DataAlgorithm::Aes256,
        (Method::KmsSm4, AppliedEncryption::Kms(kms)) => kms.algorithm == DataAlgorithm::Sm4 && !kms.bucket_key,
        (Method::KmsBucketKey, AppliedEncryption::Kms(kms)) => kms.algorithm == DataAlgorithm::Sm4 && kms.bucket_key,
        (Method::KmsTwice, AppliedEncryption::Kms(kms)) => kms.algorithm == DataAlgorithm::Aes256Twice,
        _ => false,
    }
}

#[tokio::test]
async fn every_method_to_every_method() {
    let bench = Bench::memory().await;
    for size in SIZES {
        let bytes = noise(size);
        for source in METHODS {
            bench.put("source", &bytes, source).await.unwrap();
            for target in METHODS {
                let calls = bench.key_service_calls();
                let copied = bench.copy("source", source, "target", target).await.unwrap();
                assert!(bench.key_service_calls() <= calls + 2, "{source:?} to {target:?}: one key opened, one made");
                assert!(is(&copied.written.encryption, target), "{source:?} to {target:?}");
                assert!(bench.get("target", target).await.unwrap() == bytes, "{source:?} to {target:?}, {size} bytes");
            }
            let onto_itself = bench.copy("source", source, "source", Method::KmsSm4).await.unwrap();
            assert!(is(&onto_itself.written.encryption, Method::KmsSm4));
            assert!(bench.get("source", Method::KmsSm4).await.unwrap() == bytes);
        }
    }
    bench.reap_later().await;
    assert_eq!(bench.blob_count().await, 2, "one for each of the two large objects that are left");
}

/// Neither bytes nor wrapped keys are shared: a copy outlives its source.
#[tokio::test]
async fn a_copy_outlives_its_source() {
    let bench = Bench::memory().await;
    for size in SIZES {
        bench.put("source", &noise(size), Method::ManagedAes).await.unwrap();
        bench.copy("source", Method::ManagedAes, "target", Method::ManagedAes).await.unwrap();
        bench.delete("source").await.unwrap();
        bench.reap_later().await;
        assert!(bench.get("target", Method::ManagedAes).await.unwrap() == noise(size));
    }
}

/// What only the engine reads travels on no connection; what the target needs does, and so does the source's key.
#[tokio::test]
async fn only_what_travels_needs_a_trusted_connection() {
    let bench = Bench::memory().await;
    for method in [Method::KmsAes, Method::Customer, Method::Plain] {
        bench.put(&format!("{method:?}"), b"x", method).await.unwrap();
    }
    let untrusted = Transport { customer_keys: false, kms: false };
    for (source, target, expected) in [
        (Method::KmsAes, Method::Plain, Ok(())),
        (Method::Plain, Method::KmsAes, Err(FailureCode::KmsNeedsTls)),
        (Method::Plain, Method::Customer, Err(FailureCode::CustomerKeyNeedsTls)),
        (Method::Customer, Method::Plain, Err(FailureCode::CustomerKeyNeedsTls)),
    ] {
        let asked =
            Operation::Object(ObjectOperation::Copy(Box::new(copy(&format!("{source:?}"), source, "t", target))));
        let answer = bench.run_over(asked, None, untrusted).await;
        assert_eq!(answer.map(drop).map_err(|failure| failure.code), expected, "{source:?} to {target:?}");
    }
}

#[tokio::test]
async fn a_source_that_breaks_off_leaves_nothing() {
    for size in [300, 200_000] {
        let bench = Bench::memory().await;
        bench.put("source", &noise(size), Method::ManagedAes).await.unwrap();
        bench.put("target", b"before", Method::Plain).await.unwrap();
        for blob in bench.blobs.list(None, 10).await.unwrap() {
            bench.blobs.delete(&blob.id).await.unwrap();
        }
        let copied = bench.copy("source", Method::ManagedAes, "target", Method::KmsAes).await;
        assert_eq!(copied.is_ok(), size == 300, "a small object is in its row");
        if let Err(failure) = copied {
            assert_eq!(failure.code, FailureCode::Damaged);
            assert_eq!(bench.get("target", Method::Plain).await.unwrap(), &b"before"[..]);
        }
        bench.reap_later().await;
        assert_eq!(bench.blob_count().await, 0);
    }
}

async fn refused(bench: &Bench, copy: CopyObject) -> Failure {
    bench.copy_as(copy).await.expect_err("this copy is refused")
}

#[tokio::test]
async fn the_source_is_read_as_any_reader_reads() {
    let bench = Bench::memory().await;
    bench.put("k", b"x", Method::Customer).await.unwrap();
    let code = |failure: Failure| failure.code;
    let without_key = CopyObject { source: get("k"), ..copy("k", Method::Plain, "t", Method::Plain) };
    assert_eq!(code(refused(&bench, without_key).await), FailureCode::CustomerKeyRequired);
    bench.put("k", b"x", Method::Plain).await.unwrap();
    let with_key = copy("k", Method::Customer, "t", Method::Plain);
    assert_eq!(code(refused(&bench, with_key).await), FailureCode::CustomerKeyNotApplicable);
    let nothing = copy("nothing", Method::Plain, "t", Method::Plain);
    assert_eq!(code(refused(&bench, nothing).await), FailureCode::NoSuchKey);
    let mut elsewhere = copy("k", Method::Plain, "t", Method::Plain);
    elsewhere.source = GetObject { bucket: bucket_name("nobodys"), ..get("k") };
    let failure = refused(&bench, elsewhere).await;
    assert_eq!(failure.code, FailureCode::NoSuchBucket);
    assert!(matches!(failure.subject, Some(strongroom_model::failure::Subject::Text(name)) if name == "nobodys"));
}

/// What the target keeps is of its own bytes, by the algorithms of the source unless another is asked for.
#[tokio::test]
async fn a_kept_checksum_is_computed_anew() {
    let bench = Bench::memory().await;
    let asked = PutObject { keep: vec![ChecksumAlgorithm::Sha256], ..put("k") };
    let written = bench.put_as(asked, b"123456789").await.unwrap();
    let algorithms = |copied: &strongroom_model::outcome::object::ObjectCopied| {
        copied.written.checksums.iter().map(|checksum| checksum.algorithm).collect::<Vec<_>>()
    };
    let kept = bench.copy("k", Method::Plain, "t", Method::ManagedAes).await.unwrap();
    assert_eq!(kept.written.checksums, written.checksums);
    let asked = CopiedChecksums::Only(ChecksumAlgorithm::Crc32);
    let other = bench.copy_as(CopyObject { checksums: asked, ..copy("k", Method::Plain, "t", Method::Plain) }).await;
    assert_eq!(algorithms(&other.unwrap()), [ChecksumAlgorithm::Crc32]);
    bench.put("bare", b"123456789", Method::Plain).await.unwrap();
    let otherwise = CopiedChecksums::OfSource { otherwise: Some(ChecksumAlgorithm::Crc64Nvme) };
    let first = bench.copy_as(CopyObject { checksums: otherwise, ..copy("bare", Method::Plain, "t", Method::Plain) });
    assert_eq!(algorithms(&first.await.unwrap()), [ChecksumAlgorithm::Crc64Nvme]);
}

/// The blobs and the chunks of a key stay the very ones that they were.
#[tokio::test]
async fn a_copy_onto_itself_that_changes_no_byte_moves_none() {
    let bench = Bench::memory().await;
    let user = |value: &str| ObjectMetadata { user: vec![("a".to_owned(), value.to_owned())], ..Default::default() };
    let onto_itself = |method: Method, value: &str| CopyObject {
        metadata_from: MetadataFrom::Request,
        target: PutObject {
            metadata: user(value),
            storage_class: Some(StorageClass::Archive),
            ..copy("k", method, "k", method).target
        },
        ..copy("k", method, "k", method)
    };
    for method in METHODS {
        for size in [300, 200_000] {
            let before = bench.put("k", &noise(size), method).await.unwrap();
            let blobs = async || bench.blobs.list(None, 10).await.unwrap().iter().map(|it| it.id).collect::<Vec<_>>();
            let (there, calls) = (blobs().await, bench.key_service_calls());
            bench.advance(5000);
            let copied = bench.copy_as(onto_itself(method, "new")).await.unwrap().written;
            let stays = matches!(method, Method::Plain | Method::ManagedAes | Method::ManagedSm4);
            if stays {
                assert_eq!(
                    (blobs().await, bench.key_service_calls(), copied.etag),
                    (there, calls, before.etag),
                    "{method:?}"
                );
            } else {
                assert!(size == 300 || blobs().await != there, "{method:?}");
            }
            let facts =
                bench.head(GetObject { customer_key: method.key_for_reading(), ..get("k") }).await.unwrap().facts;
            assert_eq!((facts.metadata, facts.storage_class), (user("new"), StorageClass::Archive));
            assert_eq!((facts.last_modified, copied.last_modified), (bench.now(), bench.now()));
            assert!(is(&facts.encryption, method));
            assert!(bench.get("k", method).await.unwrap() == noise(size));
            bench.delete("k").await.unwrap();
            bench.reap_later().await;
        }
    }
}

/// What makes a copy more than new metadata: other checksums, a bucket that keeps versions, an object of another kind.
#[tokio::test]
async fn a_copy_onto_itself_is_written_anew_where_that_is_seen() {
    let bench = Bench::memory().await;
    let onto_itself =
        || CopyObject { metadata_from: MetadataFrom::Request, ..copy("k", Method::Plain, "k", Method::Plain) };
    bench.put("k", b"abc", Method::Plain).await.unwrap();
    let checksums = CopiedChecksums::Only(ChecksumAlgorithm::Sha256);
    let copied = bench.copy_as(CopyObject { checksums, ..onto_itself() }).await.unwrap();
    assert_eq!(copied.written.checksums.len(), 1);
    bench.delete("k").await.unwrap();
    bench.append("k", 0, b"abc", Method::Plain).await.unwrap();
    bench.copy_as(onto_itself()).await.unwrap();
    assert_eq!(bench.head(get("k")).await.unwrap().facts.kind, ObjectKind::Normal);
    let keep = Setting::Versioning(Versioning::Enabled);
    bench.bucket(BucketOperation::PutSetting(bucket_name("bucket"), keep)).await.unwrap();
    let first = bench.put("k", b"abc", Method::Plain).await.unwrap().version;
    let second = bench.copy_as(onto_itself()).await.unwrap().written.version;
    assert!(first.is_some() && second.is_some() && first != second);
}

/// A store in which others come first: a commit can be made to wait until they are done.
#[derive(Default)]
struct Halting {
    kv: MemoryKv,
    next: Mutex<Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>>,
}

impl Halting {
    /// Has the next commit tell that it is there, and wait for its turn.
    fn halt(&self) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((tell, told), (go, turn)) = (oneshot::channel(), oneshot::channel());
        *self.next.lock().unwrap() = Some((tell, turn));
        (told, go)
    }
}

#[async_trait]
impl Kv for Halting {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
        self.kv.get(key).await
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        self.kv.scan(range, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
        let halted = self.next.lock().unwrap().take();
        if let Some((tell, turn)) = halted {
            tell.send(()).unwrap();
            turn.await.unwrap();
        }
        self.kv.commit(batch).await
    }

    async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
        self.kv.submit(puts).await
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
        self.kv.snapshot().await
    }
}

/// Between the look at the object and the commit, its bucket comes to keep versions, the version to be held, or a policy to be there.
#[tokio::test]
async fn a_copy_onto_itself_changes_nothing_that_is_kept_by_now() {
    for (kept, expected) in
        [("versions", FailureCode::Conflict), ("held", FailureCode::Conflict), ("policy", FailureCode::ObjectLocked)]
    {
        let kv = Arc::new(Halting::default());
        let bench = Bench::over(kv.clone(), Arc::new(MemoryBlobs::new()), tempfile::tempdir().unwrap()).await.unwrap();
        bench.create_bucket(BUCKET, None).await.unwrap();
        bench.put("k", b"abc", Method::Plain).await.unwrap();
        let facts = bench.head(get("k")).await.unwrap().facts;
        let (bench, before) = (Arc::new(bench), (facts.metadata, facts.last_modified));
        bench.advance(1000);
        let metadata = ObjectMetadata { user: vec![("a".to_owned(), "new".to_owned())], ..Default::default() };
        let asked = copy("k", Method::Plain, "k", Method::Plain);
        let target = PutObject { metadata, ..asked.target };
        let asked = CopyObject { metadata_from: MetadataFrom::Request, target, ..asked };
        let (told, go) = kv.halt();
        let copier = bench.clone();
        let copied = tokio::spawn(async move { copier.copy_as(asked).await });
        told.await.unwrap();
        match kept {
            "policy" => drop(bench.initiate_worm(1).await.unwrap()),
            _ => bench.set(Setting::Versioning(Versioning::Enabled)).await.unwrap(),
        }
        if kept == "held" {
            bench.set(Setting::ObjectLock(BucketLock::default())).await.unwrap();
            bench.put_document("k", None, ObjectSetting::LegalHold(true), false).await.unwrap();
        }
        go.send(()).unwrap();
        assert_eq!(copied.await.unwrap().unwrap_err().code, expected, "{kept}");
        let now = bench.head(get("k")).await.unwrap().facts;
        assert_eq!((now.metadata, now.last_modified), before, "{kept}");
        assert_eq!(now.lock.legal_hold, kept == "held");
    }
}
