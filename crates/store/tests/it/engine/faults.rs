//! Every call to the stores fails once, in every way: no object is half there, nothing acknowledged is lost, and nothing is left
//! behind once the reaper has run.

use std::sync::Arc;

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::VersionId;
use strongroom_model::operation::object::{DeleteObject, GetObject};
use strongroom_model::operation::upload::UploadName;
use strongroom_model::operation::{ObjectOperation, Operation};
use strongroom_model::outcome::bucket::{ListedVersion, VersionContent};
use strongroom_model::outcome::upload::PartWritten;
use strongroom_model::setting::Versioning;
use strongroom_store::{
    blobs::{Blobs, MemoryBlobs, faults::FaultyBlobs},
    faults::{Fault, Faults},
    kv::{KeyRange, Kv, MemoryKv, faults::FaultyKv},
};

use super::bench::{BUCKET, Bench, Method, bucket_name, get, noise, object_key};
use super::uploads::{initiate, named};

/// Family numbers of docs/CATALOG.md.
const LATEST: u8 = 0x40;
const CONTENTS: u8 = 0x41;
const NONCURRENT: u8 = 0x42;
const PENDING: u8 = 0x50;
const LIVE: u8 = 0x51;
const DEAD: u8 = 0x52;

const WAYS: [Fault; 4] = [Fault::Refused, Fault::AnswerLost, Fault::StoppedBefore, Fault::StoppedAfter];

/// More calls than any operation makes.
const CALLS_MAX: u64 = 100;

#[derive(Clone)]
struct Stores {
    kv: Arc<dyn Kv>,
    blobs: Arc<dyn Blobs>,
    keys: std::path::PathBuf,
}

impl Stores {
    /// A new process over these stores; its calls go as planned.
    async fn open(&self, faults: Arc<Faults>) -> Bench {
        let kv = Arc::new(FaultyKv::new(self.kv.clone(), faults.clone()));
        let blobs = Arc::new(FaultyBlobs::new(self.blobs.clone(), faults));
        let folder = tempfile::tempdir().unwrap();
        if self.keys.exists() {
            copy_keys(&self.keys, folder.path());
        }
        let bench = Bench::over(kv, blobs, folder).await.unwrap();
        if !self.keys.exists() {
            copy_keys(bench.folder.path(), &self.keys);
        }
        bench
    }

    async fn rows(&self, family: u8) -> usize {
        self.kv.scan(KeyRange::prefix(vec![family]), usize::MAX).await.unwrap().len()
    }
}

fn copy_keys(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to.join("keys")).unwrap();
    for name in ["metadata.key", "root.key"] {
        std::fs::copy(from.join("keys").join(name), to.join("keys").join(name)).unwrap();
    }
}

/// New stores with a bucket and the object "k".
async fn with_object(before: &[u8], keys: &std::path::Path) -> Stores {
    let stores = Stores { kv: Arc::new(MemoryKv::new()), blobs: Arc::new(MemoryBlobs::new()), keys: keys.join("copy") };
    let bench = stores.open(Arc::default()).await;
    bench.create_bucket(BUCKET, None).await.unwrap();
    bench.put("k", before, Method::ManagedAes).await.unwrap();
    bench.put("standing key", b"", Method::KmsSm4).await.unwrap();
    bench.delete("standing key").await.unwrap();
    bench.reap_later().await;
    stores
}

/// After a restart: "k" is one of these, everything else is gone, and each blob there belongs to it.
async fn check(stores: &Stores, allowed: &[Option<&[u8]>], method: Method, what: &str) {
    let bench = stores.open(Arc::default()).await;
    let found = match bench.get("k", method).await {
        Ok(found) => Some(found),
        Err(failure) => {
            assert_eq!(failure.code, FailureCode::NoSuchKey, "{what}");
            None
        }
    };
    assert!(allowed.contains(&found.as_deref()), "{what}: {:?} bytes", found.map(|found| found.len()));
    bench.reap_later().await;
    let blobs = usize::from(found.as_ref().is_some_and(|found| found.len() > 65_536));
    assert_eq!(bench.blob_count().await, blobs, "{what}: blobs");
    assert_eq!((stores.rows(PENDING).await, stores.rows(DEAD).await), (0, 0), "{what}: rows of blobs");
    assert_eq!(stores.rows(LIVE).await, blobs, "{what}: live rows");
    assert_eq!(found, bench.get("k", method).await.ok(), "{what}: after the reaper");
}

/// How "k" is overwritten.
#[derive(Clone, Copy)]
enum By {
    Put,
    /// A copy of "source", which goes before the stores are looked at.
    Copy,
}

impl By {
    async fn prepare(self, stores: &Stores, new: &[u8]) {
        if let Self::Copy = self {
            stores.open(Arc::default()).await.put("source", new, Method::KmsSm4).await.unwrap();
        }
    }

    async fn overwrite(self, bench: &Bench, new: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Put => bench.put("k", new, Method::ManagedAes).await.map(drop),
            Self::Copy => bench.copy("source", Method::KmsSm4, "k", Method::ManagedAes).await.map(drop),
        }
    }

    async fn clear(self, stores: &Stores) {
        if let Self::Copy = self {
            stores.open(Arc::default()).await.delete("source").await.unwrap();
        }
    }
}

async fn overwriting(by: By, before: usize, after: usize) {
    let (old, new) = (noise(before), noise(after));
    for way in WAYS {
        for call in 1..CALLS_MAX {
            let keys = tempfile::tempdir().unwrap();
            let stores = with_object(&old, keys.path()).await;
            by.prepare(&stores, &new).await;
            let none = Arc::<Faults>::default();
            drop(stores.open(none.clone()).await);
            let faults = Arc::new(Faults::at(none.calls() + call, way));
            let bench = stores.open(faults.clone()).await;
            let put = by.overwrite(&bench, &new).await;
            let reached = faults.calls() >= none.calls() + call;
            drop(bench);
            by.clear(&stores).await;
            let what = format!("{way:?} at call {call}, {before} → {after} bytes");
            match put {
                Ok(_) => check(&stores, &[Some(&new)], Method::ManagedAes, &what).await,
                Err(_) => check(&stores, &[Some(&old), Some(&new)], Method::ManagedAes, &what).await,
            }
            if !reached {
                assert!(call > 4, "the fault was passed too early to have been in a write");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_small_object_over_a_small_one() {
    overwriting(By::Put, 100, 200).await;
}

#[tokio::test]
async fn a_large_object_over_a_large_one() {
    overwriting(By::Put, 70_000, 140_000).await;
}

#[tokio::test]
async fn a_copy_of_a_small_object() {
    overwriting(By::Copy, 70_000, 100).await;
}

#[tokio::test]
async fn a_copy_of_a_large_object() {
    overwriting(By::Copy, 100, 70_000).await;
}

#[tokio::test]
async fn a_small_object_over_a_large_one_and_back() {
    overwriting(By::Put, 70_000, 10).await;
    overwriting(By::Put, 10, 70_000).await;
}

/// Every call of an append fails once: the object is as it was, or has grown, and what was acknowledged is never lost.
async fn appending(size: usize) {
    let (first, tail, piece) = (noise(70_000), noise(100), noise(size));
    let before = [first.clone(), tail.clone()].concat();
    let after = [before.clone(), piece.clone()].concat();
    for way in WAYS {
        for call in 1..CALLS_MAX {
            let keys = tempfile::tempdir().unwrap();
            let stores = with_object(b"", keys.path()).await;
            let bench = stores.open(Arc::default()).await;
            bench.append("log", 0, &first, Method::KmsSm4).await.unwrap();
            bench.append("log", 70_000, &tail, Method::KmsSm4).await.unwrap();
            drop(bench);
            let none = Arc::<Faults>::default();
            drop(stores.open(none.clone()).await);
            let faults = Arc::new(Faults::at(none.calls() + call, way));
            let bench = stores.open(faults.clone()).await;
            let appended = bench.append("log", before.len() as u64, &piece, Method::KmsSm4).await;
            let reached = faults.calls() >= none.calls() + call;
            drop(bench);
            let what = format!("{way:?} at call {call}, {size} bytes");
            let bench = stores.open(Arc::default()).await;
            let found = bench.get("log", Method::KmsSm4).await.unwrap();
            assert!(found == after || (found == before && appended.is_err()), "{what}: {} bytes", found.len());
            bench.reap_later().await;
            let blobs = if found == after && size > 65_436 { 2 } else { 1 };
            assert_eq!(bench.blob_count().await, blobs, "{what}: blobs");
            assert_eq!((stores.rows(PENDING).await, stores.rows(DEAD).await), (0, 0), "{what}: rows of blobs");
            assert!(bench.get("log", Method::KmsSm4).await.unwrap() == found, "{what}: after the reaper");
            let next = bench.append("log", found.len() as u64, b"more", Method::KmsSm4).await.unwrap();
            assert_eq!(next.position, found.len() as u64 + 4, "{what}: it still grows");
            if !reached {
                assert!(call > 4, "the fault was passed too early to have been in an append");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_small_append() {
    appending(300).await;
}

#[tokio::test]
async fn a_large_append() {
    appending(70_000).await;
}

#[tokio::test]
async fn deleting() {
    let old = noise(70_000);
    for way in WAYS {
        for call in 1..CALLS_MAX {
            let keys = tempfile::tempdir().unwrap();
            let stores = with_object(&old, keys.path()).await;
            let none = Arc::<Faults>::default();
            drop(stores.open(none.clone()).await);
            let faults = Arc::new(Faults::at(none.calls() + call, way));
            let bench = stores.open(faults.clone()).await;
            let deleted = bench.delete("k").await;
            let reached = faults.calls() >= none.calls() + call;
            drop(bench);
            let what = format!("{way:?} at call {call}");
            match deleted {
                Ok(()) => check(&stores, &[None], Method::ManagedAes, &what).await,
                Err(_) => check(&stores, &[None, Some(&old)], Method::ManagedAes, &what).await,
            }
            if !reached {
                break;
            }
        }
    }
}

/// What is done to a history of three versions: 0 is the oldest.
#[derive(Clone, Copy, Debug)]
enum Change {
    Write,
    WriteNull,
    Mark,
    Remove(usize),
}

impl Change {
    async fn make(self, bench: &Bench, versions: &[VersionId]) -> Result<(), Failure> {
        let delete = |version| DeleteObject {
            bucket: bucket_name(BUCKET),
            key: object_key("k"),
            version,
            conditions: Default::default(),
            bypass_governance: false,
        };
        let delete = match self {
            Self::Write | Self::WriteNull => {
                return bench.put("k", &noise(90_000), Method::ManagedAes).await.map(drop);
            }
            Self::Mark => delete(None),
            Self::Remove(at) => delete(Some(versions[at])),
        };
        bench.run(Operation::Object(ObjectOperation::Delete(delete)), None).await.map(drop)
    }

    /// The sizes of the versions afterwards, newest first; a delete marker has none.
    fn after(self) -> Vec<Option<usize>> {
        let mut sizes = vec![Some(72_000), Some(71_000), Some(70_000)];
        match self {
            Self::Write => sizes.insert(0, Some(90_000)),
            // The oldest is the null version.
            Self::WriteNull => sizes = vec![Some(90_000), Some(72_000), Some(71_000)],
            Self::Mark => sizes.insert(0, None),
            Self::Remove(at) => drop(sizes.remove(2 - at)),
        }
        sizes
    }
}

/// After a restart: the history is as it was or as it was to be; each version is whole; no row or blob is left over.
async fn check_history(stores: &Stores, allowed: &[Vec<Option<usize>>], what: &str) {
    let bench = stores.open(Arc::default()).await;
    bench.reap_later().await;
    let listed = bench.all_versions(1000).await;
    let size = |listed: &ListedVersion| match &listed.content {
        VersionContent::Object(object) => Some(object.size as usize),
        VersionContent::Marker { .. } => None,
    };
    let sizes: Vec<_> = listed.iter().map(size).collect();
    assert!(allowed.contains(&sizes), "{what}: {sizes:?}");
    for listed in &listed {
        let read = bench.get_as(GetObject { version: Some(listed.id), ..get("k") }).await;
        match size(listed) {
            Some(size) => assert!(read.unwrap().1 == noise(size), "{what}"),
            None => assert_eq!(read.unwrap_err().code, FailureCode::MethodNotAllowed, "{what}"),
        }
    }
    let blobs = sizes.iter().flatten().count();
    assert_eq!((bench.blob_count().await, stores.rows(LIVE).await), (blobs, blobs), "{what}: blobs");
    assert_eq!((stores.rows(PENDING).await, stores.rows(DEAD).await), (0, 0), "{what}: rows of blobs");
    let rows = (stores.rows(LATEST).await, stores.rows(NONCURRENT).await, stores.rows(CONTENTS).await);
    assert_eq!(rows, (1, sizes.len() - 1, sizes.len()), "{what}: rows of versions");
}

async fn changing(change: Change) {
    for way in WAYS {
        for call in 1..CALLS_MAX {
            let keys = tempfile::tempdir().unwrap();
            let stores = with_object(&noise(70_000), keys.path()).await;
            let bench = stores.open(Arc::default()).await;
            bench.switch(Versioning::Enabled).await;
            for size in [71_000, 72_000] {
                bench.put("k", &noise(size), Method::ManagedAes).await.unwrap();
            }
            let versions: Vec<_> = bench.all_versions(1000).await.iter().rev().map(|listed| listed.id).collect();
            if matches!(change, Change::WriteNull) {
                bench.switch(Versioning::Suspended).await;
            }
            drop(bench);
            let none = Arc::<Faults>::default();
            drop(stores.open(none.clone()).await);
            let faults = Arc::new(Faults::at(none.calls() + call, way));
            let bench = stores.open(faults.clone()).await;
            let made = change.make(&bench, &versions).await;
            let reached = faults.calls() >= none.calls() + call;
            drop(bench);
            let what = format!("{change:?}: {way:?} at call {call}");
            let before = vec![Some(72_000), Some(71_000), Some(70_000)];
            let allowed = if made.is_ok() { vec![change.after()] } else { vec![before, change.after()] };
            check_history(&stores, &allowed, &what).await;
            if !reached {
                assert!(call > 4, "the fault was passed too early to have been in a change");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_version_over_another() {
    changing(Change::Write).await;
    changing(Change::WriteNull).await;
}

#[tokio::test]
async fn a_delete_marker() {
    changing(Change::Mark).await;
}

#[tokio::test]
async fn any_version_of_a_history_deleted() {
    for at in 0..3 {
        changing(Change::Remove(at)).await;
    }
}

/// The reaper itself may be interrupted anywhere: what it left, the next run does.
#[tokio::test]
async fn reaping() {
    for way in WAYS {
        for call in 1..CALLS_MAX {
            let keys = tempfile::tempdir().unwrap();
            let stores = with_object(&noise(70_000), keys.path()).await;
            let bench = stores.open(Arc::default()).await;
            bench.put("k", &noise(80_000), Method::ManagedAes).await.unwrap();
            drop(bench);
            let none = Arc::<Faults>::default();
            drop(stores.open(none.clone()).await);
            let faults = Arc::new(Faults::at(none.calls() + call, way));
            let bench = stores.open(faults.clone()).await;
            let later = bench.now().plus_millis(3_600_000);
            let _interrupted = bench.reaper.lock().await.run_once(later).await;
            let reached = faults.calls() >= none.calls() + call;
            drop(bench);
            check(&stores, &[Some(&noise(80_000))], Method::ManagedAes, &format!("{way:?} at call {call}")).await;
            if !reached {
                break;
            }
        }
    }
}

/// An upload of two parts, begun, and the first of them written.
async fn with_upload(keys: &std::path::Path) -> (Stores, UploadName, Vec<(u32, PartWritten)>) {
    let stores = with_object(&noise(70_000), keys).await;
    let bench = stores.open(Arc::default()).await;
    let upload = bench.begin(initiate("k", Method::ManagedAes)).await.unwrap();
    let mut written = Vec::new();
    for at in 1..=3 {
        written.push((at, bench.write_part(&upload, at, &noise(100), Method::ManagedAes).await.unwrap()));
    }
    written.truncate(2);
    (stores, upload, written)
}

/// What is done to an upload of which a call fails.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Write,
    Complete,
    Abort,
}

/// Whatever fails: the old object or the new one is there, whole; what was acknowledged is so; and when the upload is ended
/// nothing of it is left.
async fn uploading(deed: Deed) {
    let (old, new) = (noise(70_000), [noise(100), noise(100)].concat());
    for way in WAYS {
        for call in 1..CALLS_MAX {
            let keys = tempfile::tempdir().unwrap();
            let (stores, upload, written) = with_upload(keys.path()).await;
            let none = Arc::<Faults>::default();
            drop(stores.open(none.clone()).await);
            let faults = Arc::new(Faults::at(none.calls() + call, way));
            let bench = stores.open(faults.clone()).await;
            let done = match deed {
                Deed::Write => bench.write_part(&upload, 2, &noise(200), Method::ManagedAes).await.map(Some),
                Deed::Complete => bench.complete(&upload, named(&written)).await.map(|_| None),
                Deed::Abort => bench.abort(&upload).await.map(|()| None),
            };
            let reached = faults.calls() >= none.calls() + call;
            drop(bench);
            let what = format!("{deed:?}, {way:?} at call {call}");
            let bench = stores.open(Arc::default()).await;
            bench.reap_later().await;
            let object = bench.get("k", Method::ManagedAes).await.unwrap();
            let completed = match (deed, &done) {
                (Deed::Complete, Ok(_)) => {
                    assert!(object == new, "{what}");
                    true
                }
                (Deed::Complete, Err(_)) => object == new,
                (Deed::Write, Ok(part)) => {
                    let parts = [written[0].clone(), (2, part.clone().unwrap())];
                    bench.complete(&upload, named(&parts)).await.unwrap();
                    let expected = [noise(100), noise(200)].concat();
                    assert!(bench.get("k", Method::ManagedAes).await.unwrap() == expected, "{what}");
                    true
                }
                (Deed::Write | Deed::Abort, _) => false,
            };
            if !completed {
                assert!(object == old, "{what}");
                let gone = bench.abort(&upload).await.err().map(|failure| failure.code);
                let may_be_gone = matches!(deed, Deed::Abort);
                assert!(gone.is_none() || (may_be_gone && gone == Some(FailureCode::NoSuchUpload)), "{what}: {gone:?}");
                assert!(done.is_err() || gone.is_some(), "{what}");
            }
            bench.reap_later().await;
            // The object's record has a blob of its own.
            let blobs = if completed { 3 } else { 1 };
            assert_eq!((bench.blob_count().await, stores.rows(LIVE).await), (blobs, blobs), "{what}: blobs");
            for family in [PENDING, DEAD, 0x48, 0x49, 0x4a] {
                assert_eq!(stores.rows(family).await, 0, "{what}: rows of {family:#x}");
            }
            if !reached {
                assert!(call > 3, "the fault was passed too early to have been in the deed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_part_over_a_part() {
    uploading(Deed::Write).await;
}

#[tokio::test]
async fn completing_an_upload() {
    uploading(Deed::Complete).await;
}

#[tokio::test]
async fn aborting_an_upload() {
    uploading(Deed::Abort).await;
}
