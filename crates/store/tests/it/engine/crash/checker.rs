//! The one checker: whatever has happened, this holds once a process has opened the stores again.
//!
//! * What clients see is one of the worlds that the answers allow; every object of it reads back, by version and by name.
//! * After a run of the reaper there are as many blobs as versions that need one, no pending one and no dead one.
//! * The scrub, which opens every chunk and header and looks for what nothing needs, finds nothing.
//! * Nothing in the stores is plaintext.

use std::collections::BTreeMap;

use strongroom_model::key::{KeyOrigin, KeyState};
use strongroom_model::name::VersionId;
use strongroom_model::operation::object::GetObject;
use strongroom_model::operation::service::{ListBuckets, ServiceOperation};
use strongroom_model::operation::{AdminOperation, BucketOperation, Operation};
use strongroom_model::outcome::bucket::VersionContent;
use strongroom_model::outcome::{AdminOutcome, BucketOutcome, Outcome};
use strongroom_model::setting::{Setting, SettingKind, Versioning};
use strongroom_store::{kv::KeyRange, stream::collect};

use super::super::bench::{BUCKET, Bench, METHODS, Method, bucket_name, get, noise};
use super::things::{self, all_keys};
use super::workload::{abort_all, cancel_deletion, switch_key};
use super::world::{Bucket, Life, Version, World, Worlds};

/// Begins every object of the script, so that it is known when it is seen.
const MARKER: &[u8] = b"nobody but its owner may ever read this line";

/// Family numbers of docs/CATALOG.md.
const PENDING: u8 = 0x50;
const LIVE: u8 = 0x51;
const DEAD: u8 = 0x52;

/// The longest object of the script.
const LONGEST: usize = 140_000;

/// The bytes of an object of the script: a longer one begins as a shorter one does, so that objects can grow.
pub(super) fn marked(size: usize) -> Vec<u8> {
    [MARKER, &noise(LONGEST)[..size - MARKER.len()]].concat()
}

/// Holds a process that has just opened the stores against the worlds that there may be.
pub(super) async fn check(bench: &Bench, worlds: &Worlds, what: &str) {
    // What is sealed under a key that was left disabled reads back once it is enabled.
    let keys = keys(bench).await;
    for (alias, life) in &keys {
        if *life == Life::Doomed {
            cancel_deletion(bench, alias).await.unwrap();
        }
        if *life != Life::Enabled {
            switch_key(bench, alias, true).await.unwrap();
        }
    }
    let before = observe(bench, keys.clone(), what).await;
    assert!(worlds.contains(&before), "{what}: found {before:#?}, which is none of {worlds:#?}");
    let report = bench.scrub.run_once(&bench.clock()).await.unwrap();
    assert_eq!(report.found, 0, "{what}, before the reaper: {:?}", report.findings);
    abort_all(bench).await;
    bench.reap_later().await;
    let after = observe(bench, keys, what).await;
    assert_eq!(before, after, "{what}: the reaper changes nothing that a client sees");
    nothing_is_left_behind(bench, what).await;
    let report = bench.scrub.run_once(&bench.clock()).await.unwrap();
    assert_eq!(report.found, 0, "{what}: {:?}", report.findings);
    assert_eq!(report.done, report.expected, "{what}");
    let versions: usize = after.buckets.values().flat_map(|bucket| bucket.objects.values()).map(Vec::len).sum();
    assert_eq!(report.done.versions as usize, versions, "{what}: rows of versions that no client sees");
    nothing_is_plain(bench, what).await;
}

/// That each of these blobs is needed is then for the scrub to say.
async fn nothing_is_left_behind(bench: &Bench, what: &str) {
    let [pending, live, dead] = [rows(bench, PENDING).await, rows(bench, LIVE).await, rows(bench, DEAD).await];
    assert_eq!((pending, dead), (0, 0), "{what}: rows of blobs");
    assert_eq!(live, bench.blob_count().await, "{what}: live rows, and blobs");
}

async fn rows(bench: &Bench, family: u8) -> usize {
    bench.kv.scan(KeyRange::prefix(vec![family]), usize::MAX).await.unwrap().len()
}

async fn nothing_is_plain(bench: &Bench, what: &str) {
    let is_plain = |bytes: &[u8]| bytes.windows(16).any(|window| window == &MARKER[..16]);
    for row in bench.kv.scan(KeyRange::from(""), usize::MAX).await.unwrap() {
        assert!(!is_plain(&row.value), "{what}: plaintext in row {}", row.key.escape_ascii());
    }
    for blob in bench.blobs.list(None, usize::MAX).await.unwrap() {
        // Chunks begin behind the header, and the marker stands at the beginning of the first.
        let head = bench.blobs.read(&blob.id, 0..blob.len.min(4096)).await.unwrap();
        assert!(!is_plain(&collect(head, usize::MAX).await.unwrap()), "{what}: plaintext in blob {}", blob.id);
    }
}

/// Everything that a client can see, all of it read.
async fn observe(bench: &Bench, keys: BTreeMap<String, Life>, what: &str) -> World {
    let mut world = World { keys, ..World::default() };
    let list = Operation::Service(ServiceOperation::ListBuckets(ListBuckets::default()));
    let Outcome::Buckets(listed) = bench.run(list, None).await.unwrap().outcome else { panic!("{what}") };
    for bucket in listed.buckets {
        let name = bucket.name.as_str().to_owned();
        let mut seen = Bucket { versioning: versioning(bench, &name).await, ..Bucket::default() };
        seen.encrypted = bucket.encryption.is_some();
        if name == BUCKET {
            seen.objects = objects(bench, what).await;
        }
        world.buckets.insert(name, seen);
    }
    let AdminOutcome::Users(users) = bench.admin(AdminOperation::ListUsers).await.unwrap() else { panic!("{what}") };
    world.things = things::seen(bench).await;
    world.users = users.iter().map(|user| user.name.as_str().to_owned()).collect();
    world
}

async fn versioning(bench: &Bench, name: &str) -> Versioning {
    let get = BucketOperation::GetSetting(bucket_name(name), SettingKind::Versioning);
    match bench.bucket(get).await.unwrap() {
        BucketOutcome::Setting(Setting::Versioning(versioning)) => versioning,
        other => panic!("{other:?}"),
    }
}

/// The master keys whose material the service made.
async fn keys(bench: &Bench) -> BTreeMap<String, Life> {
    let own = all_keys(bench).await.into_iter().filter(|key| key.origin == KeyOrigin::Service);
    own.map(|key| (key.aliases[0].clone(), life(key.state))).collect()
}

fn life(state: KeyState) -> Life {
    match state {
        KeyState::Enabled => Life::Enabled,
        KeyState::Disabled => Life::Disabled,
        KeyState::PendingDeletion { .. } => Life::Doomed,
        other => panic!("{other:?}"),
    }
}

async fn objects(bench: &Bench, what: &str) -> BTreeMap<String, Vec<Version>> {
    let mut objects = BTreeMap::<String, Vec<Version>>::new();
    let mut current = Vec::new();
    for listed in bench.all_versions(1000).await {
        let null = listed.id == VersionId::Null;
        let (key, object) = match listed.content {
            VersionContent::Object(object) => {
                let key = object.key.as_str().to_owned();
                let method = read(bench, &key, Some(listed.id), object.size as usize, what).await;
                if listed.is_latest {
                    current.push(key.clone());
                    assert_eq!(read(bench, &key, None, object.size as usize, what).await, method, "{what}: {key}");
                }
                (key, Some((object.size as usize, method)))
            }
            VersionContent::Marker { key, .. } => (key.as_str().to_owned(), None),
        };
        objects.entry(key).or_default().push(Version { null, object });
    }
    let names: Vec<_> = bench.list().await.objects.iter().map(|object| object.key.as_str().to_owned()).collect();
    assert_eq!(names, current, "{what}: the two listings agree");
    objects
}

/// Reads an object, which must have the bytes that belong to its size, and answers how it is sealed.
async fn read(bench: &Bench, key: &str, version: Option<VersionId>, size: usize, what: &str) -> Method {
    for customer_key in [None, Method::Customer.key_for_reading()] {
        let brought = customer_key.is_some();
        match bench.get_as(GetObject { version, customer_key, ..get(key) }).await {
            Ok((answer, bytes)) => {
                assert!(bytes == marked(size), "{what}: {key} has other bytes");
                return method(&answer.facts.encryption, brought);
            }
            Err(failure) if !brought => {
                let code = failure.code;
                let expected = strongroom_model::failure::FailureCode::CustomerKeyRequired;
                assert_eq!(code, expected, "{what}: {key}: {}", strongroom_model::failure::chain(&failure));
            }
            Err(failure) => panic!("{what}: {key}: {}", strongroom_model::failure::chain(&failure)),
        }
    }
    unreachable!("the second attempt answers or panics")
}

fn method(applied: &strongroom_model::encryption::AppliedEncryption, brought: bool) -> Method {
    use strongroom_model::encryption::{AppliedEncryption, DataAlgorithm};
    let found = match applied {
        AppliedEncryption::Plain => Method::Plain,
        AppliedEncryption::Managed(DataAlgorithm::Aes256 | DataAlgorithm::Aes256Twice) => Method::ManagedAes,
        AppliedEncryption::Managed(DataAlgorithm::Sm4) => Method::ManagedSm4,
        AppliedEncryption::Kms(kms) if kms.bucket_key => Method::KmsBucketKey,
        AppliedEncryption::Kms(kms) if kms.algorithm == DataAlgorithm::Sm4 => Method::KmsSm4,
        AppliedEncryption::Kms(kms) if kms.algorithm == DataAlgorithm::Aes256Twice => Method::KmsTwice,
        AppliedEncryption::Kms(_) => Method::KmsAes,
        AppliedEncryption::Customer { .. } => Method::Customer,
    };
    assert!(METHODS.contains(&found) && brought == (found == Method::Customer));
    found
}
