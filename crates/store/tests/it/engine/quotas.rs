//! Quotas: whatever path bytes take into a bucket, there is an end to it; and what a bucket holds is told.

use std::sync::Arc;

use futures_util::stream;
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::FailureCode;
use strongroom_model::metadata::StorageClass;
use strongroom_model::name::PartNumber;
use strongroom_model::operation::append::{AppendObject, LaterEncryption};
use strongroom_model::operation::bucket::UsageReport;
use strongroom_model::operation::copy::{CopyPart, Unchanged};
use strongroom_model::operation::object::PutObject;
use strongroom_model::operation::upload::{NamedParts, UploadHolders, UploadName, WritePart};
use strongroom_model::operation::{BucketOperation, ObjectOperation, Operation, UploadOperation};
use strongroom_model::outcome::bucket::BucketUsage;
use strongroom_model::outcome::{BucketOutcome, UploadOutcome};
use strongroom_model::setting::Setting;
use strongroom_store::{Body, Trailer, stream::ByteStream};

use super::bench::{BUCKET, Bench, Method, bucket_name, get, noise, put};
use super::uploads::{complete, initiate, number};

impl Bench {
    async fn set_quota(&self, quota: Option<u64>) {
        let operation = BucketOperation::PutSetting(bucket_name(BUCKET), Setting::Quota(quota));
        self.bucket(operation).await.unwrap();
    }

    async fn usage(&self) -> BucketUsage {
        let operation = BucketOperation::Usage(bucket_name(BUCKET), UsageReport::Stat);
        match self.bucket(operation).await.unwrap() {
            BucketOutcome::Usage(usage, UsageReport::Stat) => usage,
            other => panic!("{other:?}"),
        }
    }

    async fn initiated(&self) -> UploadName {
        match self.upload(UploadOperation::Initiate(initiate("upload", Method::Plain)), None).await.unwrap() {
            UploadOutcome::Initiated(initiated) => initiated.upload,
            other => panic!("{other:?}"),
        }
    }
}

fn part(upload: &UploadName, at: PartNumber) -> WritePart {
    WritePart {
        holders: UploadHolders::InitiatorAndOwner,
        upload: upload.clone(),
        number: at,
        expected: Default::default(),
        keep: Vec::new(),
        tag: TagPromise::PlainOnly,
        customer_key: None,
    }
}

#[tokio::test]
async fn a_quota_holds_on_every_path() {
    let bench = Bench::memory().await;
    bench.put("source", &noise(600), Method::Plain).await.unwrap();
    bench.set_quota(Some(1000)).await;
    let exceeded = FailureCode::QuotaExceeded;
    assert_eq!(bench.put("large", &noise(70_000), Method::Plain).await.unwrap_err().code, exceeded);
    assert_eq!(bench.put("small", &noise(401), Method::ManagedAes).await.unwrap_err().code, exceeded);
    let copied = bench.copy("source", Method::Plain, "copy", Method::Plain).await;
    assert_eq!(copied.unwrap_err().code, exceeded);
    assert_eq!(bench.append("log", 0, &noise(401), Method::Plain).await.unwrap_err().code, exceeded);
    bench.append("log", 0, &noise(100), Method::Plain).await.unwrap();
    assert_eq!(bench.append("log", 100, &noise(301), Method::Plain).await.unwrap_err().code, exceeded);
    bench.append("log", 100, &noise(200), Method::Plain).await.unwrap();
    let upload = bench.initiated().await;
    let write = |at, size| {
        let (bench, operation) = (&bench, UploadOperation::WritePart(part(&upload, number(at))));
        async move { bench.upload(operation, Some(&noise(size))).await }
    };
    assert_eq!(write(1, 101).await.unwrap_err().code, exceeded);
    write(1, 99).await.unwrap();
    let copied = CopyPart { source: get("source"), part: part(&upload, number(2)), unchanged: Unchanged::Failed };
    let copied = bench.upload(UploadOperation::CopyPart(Box::new(copied)), None).await;
    assert_eq!(copied.unwrap_err().code, exceeded);
    assert_eq!(bench.put("small", &noise(2), Method::Plain).await.unwrap_err().code, exceeded, "parts count");
    bench.put("small", &noise(1), Method::Plain).await.unwrap();
    bench.upload(UploadOperation::Complete(complete(&upload, NamedParts::All)), None).await.unwrap();
    assert_eq!(bench.put("more", &noise(1), Method::Plain).await.unwrap_err().code, exceeded);
    bench.put("empty", b"", Method::Plain).await.unwrap();
    bench.delete("source").await.unwrap();
    bench.put("more", &noise(600), Method::Plain).await.unwrap();
    bench.set_quota(None).await;
    bench.put("small", &noise(5000), Method::Plain).await.unwrap();
}

/// What declares its length is refused ahead of its bytes: the stream would tell if anybody looked at it.
#[tokio::test]
async fn a_body_that_cannot_fit_is_not_read() {
    let bench = Bench::memory().await;
    bench.set_quota(Some(1000)).await;
    let upload = bench.initiated().await;
    bench.append("log", 0, &noise(10), Method::Plain).await.unwrap();
    let append = AppendObject { put: put("log"), position: 10, later: LaterEncryption::Overlooked };
    for operation in [
        Operation::Object(ObjectOperation::Put(put("k"))),
        Operation::Object(ObjectOperation::Append(Box::new(append))),
        Operation::Upload(UploadOperation::WritePart(part(&upload, number(1)))),
    ] {
        let name = operation.name();
        let bytes: ByteStream = Box::pin(stream::poll_fn(|_| panic!("the body was read")));
        let body = Body { bytes, trailer: Trailer::default(), declared: Some(1001) };
        let refused = bench.run(operation, Some(body)).await.err().expect(name);
        assert_eq!(refused.code, FailureCode::QuotaExceeded, "{name}");
    }
    bench.put("k", &noise(990), Method::Plain).await.unwrap();
}

/// Many writers at once come to the quota, and not beyond it.
#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_do_not_pass_a_quota() {
    let bench = Arc::new(Bench::memory().await);
    bench.set_quota(Some(1000)).await;
    let writers = (0..40).map(|writer| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.put(&format!("k{writer}"), &noise(100), Method::Plain).await.is_ok() })
    });
    let written = futures_util::future::join_all(writers).await;
    let written = written.into_iter().filter(|written| *written.as_ref().unwrap()).count() as u64;
    assert_eq!(bench.usage().await.bytes(), written * 100);
    assert!(written <= 10, "{written}");
    for more in written..10 {
        bench.put(&format!("more{more}"), &noise(100), Method::Plain).await.unwrap();
    }
    assert!(bench.put("more", &noise(1), Method::Plain).await.is_err());
}

/// Another process on the same store, whose writes this one does not see, is noticed before long.
#[tokio::test]
async fn what_others_write_is_noticed_in_time() {
    let mut bench = Bench::memory().await;
    bench.set_quota(Some(1000)).await;
    bench.put("k", &noise(100), Method::Plain).await.unwrap();
    let folder = std::mem::replace(&mut bench.folder, tempfile::tempdir().unwrap());
    let other = Bench::over(bench.kv.clone(), bench.blobs.clone(), folder).await.unwrap();
    other.put("others", &noise(900), Method::Plain).await.unwrap();
    bench.advance(10_000);
    assert_eq!(bench.put("k", &noise(1), Method::Plain).await.unwrap_err().code, FailureCode::QuotaExceeded);
}

#[tokio::test]
async fn what_a_bucket_holds_is_told_by_class() {
    let bench = Bench::memory().await;
    let class = BucketOperation::PutSetting(bucket_name(BUCKET), Setting::StorageClass(StorageClass::InfrequentAccess));
    bench.bucket(class).await.unwrap();
    bench.put("default", &noise(10), Method::Plain).await.unwrap();
    let archived = PutObject { storage_class: Some(StorageClass::Archive), ..put("asked") };
    bench.put_as(archived, &noise(5)).await.unwrap();
    let upload = bench.initiated().await;
    bench.upload(UploadOperation::WritePart(part(&upload, number(7))), Some(&noise(3))).await.unwrap();
    let usage = bench.usage().await;
    let classes: Vec<_> = usage.classes.iter().map(|usage| (usage.class, usage.bytes, usage.objects)).collect();
    assert_eq!(classes, [(StorageClass::Archive, 5, 1), (StorageClass::InfrequentAccess, 10, 1)]);
    assert_eq!((usage.uploads, usage.parts, usage.part_bytes, usage.delete_markers), (1, 1, 3, 0));
}
