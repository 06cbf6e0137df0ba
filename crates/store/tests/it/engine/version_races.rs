//! Changes of one key's history that happen at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use strongroom_model::failure::FailureCode;
use strongroom_model::name::VersionId;
use strongroom_model::operation::object::GetObject;
use strongroom_model::outcome::bucket::{ListedVersion, VersionContent};
use strongroom_model::setting::Versioning;
use strongroom_store::kv::KeyRange;

use super::bench::{BUCKET, Bench, Method, get, noise};

/// Rounds in which a race may fail to come about before the test says that it was not run.
const ROUNDS_MAX: u64 = 3000;

async fn versioned(bench: Bench) -> Arc<Bench> {
    bench.switch(Versioning::Enabled).await;
    Arc::new(bench)
}

async fn read(bench: &Bench, key: &str, version: VersionId) -> Result<Vec<u8>, FailureCode> {
    let asked = GetObject { version: Some(version), ..get(key) };
    bench.get_as(asked).await.map(|(_, bytes)| bytes.to_vec()).map_err(|failure| failure.code)
}

fn is_marker(listed: &ListedVersion) -> bool {
    matches!(listed.content, VersionContent::Marker { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_writer_of_one_key_leaves_its_version() {
    let bench = versioned(Bench::disk().await).await;
    let writers = (0..48).map(|n: usize| {
        let bench = bench.clone();
        let size = if n.is_multiple_of(4) { 70_000 + n } else { 1000 + n };
        tokio::spawn(async move {
            match n % 6 {
                5 => (bench.delete_version("k", None).await.unwrap(), None),
                _ => (bench.put("k", &noise(size), Method::ManagedAes).await.unwrap().version.unwrap(), Some(size)),
            }
        })
    });
    let mut written = BTreeMap::new();
    for writer in writers.collect::<Vec<_>>() {
        let (version, size) = writer.await.unwrap();
        assert_eq!(written.insert(version, size), None);
    }
    bench.reap_later().await;
    let listed = bench.all_versions(7).await;
    assert_eq!(listed.iter().map(|it| it.id).collect::<BTreeSet<_>>(), written.keys().copied().collect());
    assert_eq!(listed.iter().map(|it| it.is_latest).collect::<Vec<_>>(), [vec![true], vec![false; 47]].concat());
    for listed in &listed {
        assert_eq!(is_marker(listed), written[&listed.id].is_none());
        if let Some(size) = written[&listed.id] {
            assert!(read(&bench, "k", listed.id).await.unwrap() == noise(size));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_bucket_is_left_with_one_null_version() {
    let bench = versioned(Bench::memory().await).await;
    let kept = bench.put("k", &noise(70_000), Method::Plain).await.unwrap().version.unwrap();
    bench.switch(Versioning::Suspended).await;
    let writers = (0..32).map(|n: usize| {
        let bench = bench.clone();
        tokio::spawn(async move {
            match n % 4 {
                0 => drop(bench.delete_version("k", None).await),
                1 => drop(bench.delete_version("k", Some(VersionId::Null)).await),
                _ => assert_eq!(
                    bench.put("k", &noise(70_000 + n), Method::Plain).await.unwrap().version,
                    Some(VersionId::Null)
                ),
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(bench.put("k", &noise(80_000), Method::Plain).await.unwrap().version, Some(VersionId::Null));
    bench.reap_later().await;
    let listed: Vec<_> = bench.all_versions(1).await.iter().map(|it| (it.id, it.is_latest)).collect();
    assert_eq!(listed, [(VersionId::Null, true), (kept, false)]);
    assert_eq!(bench.blob_count().await, 2);
    assert!(read(&bench, "k", kept).await.unwrap() == noise(70_000));
}

/// A write is before the switch or after it: what was told that it has an id keeps it, and all others are one null version.
#[tokio::test(flavor = "multi_thread")]
async fn writes_race_a_switch() {
    let mut kinds = BTreeSet::new();
    for round in 0..ROUNDS_MAX {
        if round >= 30 && kinds.contains(&(true, true)) {
            break;
        }
        let bench = Arc::new(Bench::memory().await);
        let writers: Vec<_> = (0..6)
            .map(|n: usize| {
                let bench = bench.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(std::time::Duration::from_micros(30 * n as u64 * round % 700)).await;
                    bench.put("k", &noise(100 + n), Method::Plain).await.unwrap().version
                })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_micros(15 * round % 450)).await;
        bench.switch(Versioning::Enabled).await;
        let mut told = BTreeSet::new();
        for writer in writers {
            told.insert(writer.await.unwrap().unwrap_or(VersionId::Null));
        }
        assert_eq!(bench.all_versions(1000).await.into_iter().map(|it| it.id).collect::<BTreeSet<_>>(), told);
        kinds.insert((told.contains(&VersionId::Null), told.len() > 1));
    }
    assert!(kinds.contains(&(true, true)), "no race was run: {kinds:?}");
}

/// Versions come, go and are promoted while listings and reads go on: what is there all the time is seen all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_stays_is_always_seen() {
    let bench = versioned(Bench::memory().await).await;
    let mut pinned = BTreeSet::new();
    let mut passing = Vec::new();
    for n in 0..4 {
        pinned.insert(bench.put("k", &noise(n), Method::Plain).await.unwrap().version.unwrap());
        passing.push(bench.put("k", &noise(n), Method::Plain).await.unwrap().version.unwrap());
    }
    let done = Arc::new(AtomicBool::new(false));
    let changes = tokio::spawn({
        let (bench, done) = (bench.clone(), done.clone());
        async move {
            for round in 0..300 {
                // The latest goes, one in between goes, or all above the last pinned one go at once; and come again.
                match round % 3 {
                    0 => drop(bench.delete_version("k", passing.pop()).await),
                    1 => drop(bench.delete_version("k", Some(passing.remove(0))).await),
                    _ => {
                        for version in passing.drain(..) {
                            bench.delete_version("k", Some(version)).await;
                        }
                    }
                }
                while passing.len() < 4 {
                    passing.push(match round % 2 {
                        0 => bench.delete_version("k", None).await.unwrap(),
                        _ => bench.put("k", &noise(5), Method::Plain).await.unwrap().version.unwrap(),
                    });
                }
            }
            done.store(true, Ordering::SeqCst);
        }
    });
    let mut listings = 0;
    while !done.load(Ordering::SeqCst) {
        for max_keys in [2, 5, 1000] {
            let seen: BTreeSet<_> = bench.all_versions(max_keys).await.into_iter().map(|it| it.id).collect();
            assert!(pinned.is_subset(&seen), "listing by {max_keys}: {seen:?}");
        }
        for version in &pinned {
            assert!(read(&bench, "k", *version).await.is_ok());
        }
        listings += 1;
    }
    changes.await.unwrap();
    assert!(listings > 5, "hardly anything was listed");
}

/// A marker is a write: a bucket that goes leaves none behind, and one with a marker in it stays.
#[tokio::test(flavor = "multi_thread")]
async fn markers_race_the_deletion_of_their_bucket() {
    let (mut went, mut stayed) = (0, 0);
    for round in 0..ROUNDS_MAX {
        if round >= 60 && went > 0 && stayed > 0 {
            break;
        }
        let early = round % 60;
        let bench = versioned(Bench::memory().await).await;
        let deleter = tokio::spawn({
            let bench = bench.clone();
            async move {
                tokio::time::sleep(std::time::Duration::from_micros(early * 20)).await;
                bench.delete("k").await.map_err(|failure| failure.code)
            }
        });
        tokio::time::sleep(std::time::Duration::from_micros((60 - early) * 20)).await;
        let deleted = bench.delete_bucket(BUCKET).await.map_err(|failure| failure.code);
        let marked = deleter.await.unwrap();
        match (deleted, marked) {
            (Ok(()), Ok(()) | Err(FailureCode::NoSuchBucket | FailureCode::Conflict)) => {
                went += 1;
                for family in [0x40, 0x41, 0x42] {
                    assert!(bench.kv.scan(KeyRange::prefix(vec![family]), 1).await.unwrap().is_empty());
                }
            }
            (Err(FailureCode::BucketNotEmpty), Ok(())) => {
                stayed += 1;
                assert!(is_marker(&bench.all_versions(1000).await[0]));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(went > 0 && stayed > 0, "{went} went, {stayed} stayed: no race was run");
}
