//! Versions: any sequence of writes, deletions and switches leaves what a list of versions for each key would have.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use strongroom_model::failure::FailureCode;
use strongroom_model::name::VersionId;
use strongroom_model::operation::bucket::ListVersions;
use strongroom_model::operation::object::{DeleteEntry, DeleteObjects, GetObject};
use strongroom_model::operation::{BucketOperation, ObjectOperation, Operation};
use strongroom_model::outcome::bucket::{ListedVersion, ListedVersions, VersionContent};
use strongroom_model::outcome::{BucketOutcome, ObjectOutcome, Outcome};
use strongroom_model::setting::{Setting, Versioning};

use super::bench::{BUCKET, Bench, METHODS, Method, bucket_name, get, noise, object_key};

/// What is written or deleted, and how the bucket is switched.
#[derive(Clone, Debug)]
enum Step {
    Put(u8, usize, usize),
    Delete(u8),
    DeleteVersion(u8, Pick),
    DeleteMany(Vec<(u8, Option<Pick>)>),
    Switch(bool),
    DeleteBucket,
    Reap,
    Restart,
}

/// One of the versions that there are, counted from the newest; or one that there is not.
#[derive(Clone, Copy, Debug)]
enum Pick {
    Nth(usize),
    Null,
    Unknown,
}

/// A version as the model has it: an object of that size and method, or a delete marker.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    id: VersionId,
    object: Option<(usize, Method)>,
}

/// The versions of each key, newest first.
#[derive(Default)]
struct Model {
    versioning: Versioning,
    keys: BTreeMap<String, Vec<Version>>,
}

const UNKNOWN: VersionId = VersionId::Id([9; 16]);

impl Model {
    fn pick(&self, key: &str, pick: Pick) -> VersionId {
        let versions = self.keys.get(key).map_or(&[][..], Vec::as_slice);
        match pick {
            Pick::Nth(n) if !versions.is_empty() => versions[n % versions.len()].id,
            Pick::Null => VersionId::Null,
            Pick::Nth(_) | Pick::Unknown => UNKNOWN,
        }
    }

    /// A version is added: in the place of the null version, unless versions are kept.
    fn add(&mut self, key: &str, id: VersionId, object: Option<(usize, Method)>) {
        assert_eq!(id == VersionId::Null, self.versioning != Versioning::Enabled);
        let versions = self.keys.entry(key.to_owned()).or_default();
        versions.retain(|version| version.id != id);
        versions.insert(0, Version { id, object });
    }

    /// What deleting answers as the marker, if `made` is the id of one that was made.
    fn delete(&mut self, key: &str, version: Option<VersionId>, made: Option<VersionId>) -> Option<VersionId> {
        let marker = match (version, self.versioning) {
            (Some(id), _) => {
                let versions = self.keys.entry(key.to_owned()).or_default();
                let marker = versions.iter().any(|version| version.id == id && version.object.is_none());
                versions.retain(|version| version.id != id);
                marker.then_some(id)
            }
            (None, Versioning::Never) => {
                self.keys.remove(key);
                None
            }
            (None, _) => {
                self.add(key, made.expect("a marker is made"), None);
                made
            }
        };
        self.keys.retain(|_, versions| !versions.is_empty());
        marker
    }

    fn all(&self) -> Vec<(String, Version, bool)> {
        let of_key = |(key, versions): (&String, &Vec<Version>)| {
            let key = key.clone();
            versions.iter().enumerate().map(move |(n, it)| (key.clone(), it.clone(), n == 0)).collect::<Vec<_>>()
        };
        self.keys.iter().flat_map(of_key).collect()
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..4_u8;
    let size = prop_oneof![4 => 1..100_usize, 1 => 65_537..70_000_usize];
    let pick = prop_oneof![6 => (0..5_usize).prop_map(Pick::Nth), 1 => Just(Pick::Null), 1 => Just(Pick::Unknown)];
    let step = prop_oneof![
        8 => (key.clone(), 0..METHODS.len(), size).prop_map(|(key, method, size)| Step::Put(key, method, size)),
        3 => key.clone().prop_map(Step::Delete),
        5 => (key.clone(), pick.clone()).prop_map(|(key, pick)| Step::DeleteVersion(key, pick)),
        2 => vec((key, proptest::option::of(pick)), 1..6).prop_map(Step::DeleteMany),
        3 => any::<bool>().prop_map(Step::Switch),
        1 => Just(Step::DeleteBucket),
        1 => Just(Step::Reap),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..40)
}

fn name(key: u8) -> String {
    ["a", "dir/b", "dir/b2", "z"][key as usize].to_owned()
}

fn list_versions() -> ListVersions {
    ListVersions {
        bucket: bucket_name(BUCKET),
        prefix: String::new(),
        delimiter: String::new(),
        key_marker: String::new(),
        version_marker: None,
        max_keys: 1000,
        url_encoded: false,
    }
}

impl Bench {
    pub(crate) async fn switch(&self, versioning: Versioning) {
        let put = BucketOperation::PutSetting(bucket_name(BUCKET), Setting::Versioning(versioning));
        assert!(matches!(self.bucket(put).await.unwrap(), BucketOutcome::SettingPut(_)));
    }

    pub(crate) async fn delete_version(&self, key: &str, version: Option<VersionId>) -> Option<VersionId> {
        let entry = DeleteEntry { key: object_key(key), version, conditions: Default::default() };
        self.delete_many(vec![entry]).await.remove(0)
    }

    async fn delete_many(&self, entries: Vec<DeleteEntry>) -> Vec<Option<VersionId>> {
        let asked = DeleteObjects { bucket: bucket_name(BUCKET), quiet: false, url_encoded: false, entries };
        let reply = self.run(Operation::Object(ObjectOperation::DeleteMany(asked)), None).await.unwrap();
        let Outcome::Object(ObjectOutcome::ManyDeleted(many)) = reply.outcome else { panic!("{:?}", reply.outcome) };
        many.results.into_iter().map(|entry| entry.result.unwrap()).collect()
    }

    pub(crate) async fn list_versions(&self, list: ListVersions) -> ListedVersions {
        match self.bucket(BucketOperation::ListVersions(list)).await.unwrap() {
            BucketOutcome::Versions(listed) => listed,
            other => panic!("{other:?}"),
        }
    }

    /// All versions, by pages of that many.
    pub(crate) async fn all_versions(&self, max_keys: u32) -> Vec<ListedVersion> {
        let (mut versions, mut list) = (Vec::new(), ListVersions { max_keys, ..list_versions() });
        loop {
            let page = self.list_versions(list.clone()).await;
            assert!(page.versions.len() <= max_keys as usize);
            versions.extend(page.versions);
            let Some((key, version)) = page.next else { return versions };
            (list.key_marker, list.version_marker) = (key, version);
        }
    }
}

async fn apply(bench: Bench, model: &mut Model, step: &Step) -> Bench {
    match step {
        Step::Put(key, method, size) => {
            let (key, method) = (name(*key), METHODS[*method]);
            let written = bench.put(&key, &noise(*size), method).await.unwrap();
            assert_eq!(written.version.is_none(), model.versioning == Versioning::Never);
            model.add(&key, written.version.unwrap_or(VersionId::Null), Some((*size, method)));
        }
        Step::Delete(key) => {
            let made = bench.delete_version(&name(*key), None).await;
            assert_eq!(model.delete(&name(*key), None, made), made);
        }
        Step::DeleteVersion(key, pick) => {
            let version = Some(model.pick(&name(*key), *pick));
            let marker = bench.delete_version(&name(*key), version).await;
            assert_eq!(model.delete(&name(*key), version, None), marker);
        }
        Step::DeleteMany(wanted) => {
            let entry = |(key, pick): &(u8, Option<Pick>)| {
                let version = pick.map(|pick| model.pick(&name(*key), pick));
                DeleteEntry { key: object_key(&name(*key)), version, conditions: Default::default() }
            };
            let entries: Vec<_> = wanted.iter().map(entry).collect();
            let markers = bench.delete_many(entries.clone()).await;
            let mut seen = Vec::new();
            for (entry, marker) in entries.iter().zip(markers) {
                if entry.version.is_none() {
                    seen.retain(|(key, _)| *key != &entry.key);
                }
                // The same version twice in one commit is told of as the first time.
                if entry.version.is_none() || !seen.contains(&(&entry.key, entry.version)) {
                    assert_eq!(model.delete(entry.key.as_str(), entry.version, marker), marker);
                }
                seen.push((&entry.key, entry.version));
            }
        }
        Step::Switch(on) => {
            model.versioning = if *on { Versioning::Enabled } else { Versioning::Suspended };
            bench.switch(model.versioning).await;
        }
        Step::DeleteBucket => match bench.delete_bucket(BUCKET).await {
            Ok(()) => {
                assert!(model.keys.is_empty());
                bench.create_bucket(BUCKET, None).await.unwrap();
                model.versioning = Versioning::Never;
            }
            Err(failure) => {
                assert_eq!((failure.code, model.keys.is_empty()), (FailureCode::BucketNotEmpty, false));
            }
        },
        Step::Reap => drop(bench.reap_later().await),
        Step::Restart => return Bench::over(bench.kv, bench.blobs, bench.folder).await.unwrap(),
    }
    bench
}

/// Compares listings and every version with the model.
async fn compare(bench: &Bench, model: &Model, max_keys: u32) {
    let listed = bench.all_versions(max_keys).await.into_iter().map(|listed| match listed.content {
        VersionContent::Object(object) => (object.key, listed.id, listed.is_latest, Some(object.size as usize)),
        VersionContent::Marker { key, .. } => (key, listed.id, listed.is_latest, None),
    });
    let expected = model.all();
    let found: Vec<_> = listed.map(|(key, id, latest, size)| (key.as_str().to_owned(), id, latest, size)).collect();
    let sizes = |(key, version, latest): &(String, Version, bool)| {
        (key.clone(), version.id, *latest, version.object.map(|(size, _)| size))
    };
    assert_eq!(found, expected.iter().map(sizes).collect::<Vec<_>>());
    let objects = bench.list().await.objects;
    let current = expected.iter().filter(|(_, version, latest)| *latest && version.object.is_some());
    let current: Vec<_> = current.map(|(key, ..)| key.as_str()).collect();
    assert_eq!(objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), current);
    for (key, version, latest) in &expected {
        read(bench, model, key, version, Some(version.id)).await;
        if *latest {
            read(bench, model, key, version, None).await;
        }
    }
    let unknown = GetObject { version: Some(UNKNOWN), ..get("a") };
    assert_eq!(bench.get_as(unknown).await.unwrap_err().code, FailureCode::NoSuchVersion);
}

async fn read(bench: &Bench, model: &Model, key: &str, version: &Version, id: Option<VersionId>) {
    let method = version.object.map_or(Method::Plain, |(_, method)| method);
    let asked = GetObject { version: id, customer_key: method.key_for_reading(), ..get(key) };
    match (bench.get_as(asked).await, version.object) {
        (Ok((read, bytes)), Some((size, _))) => {
            assert!(bytes == noise(size));
            let shown = (model.versioning != Versioning::Never).then_some(version.id);
            assert_eq!(read.facts.version, shown);
        }
        (Err(failure), None) => {
            let code = if id.is_some() { FailureCode::MethodNotAllowed } else { FailureCode::NoSuchKey };
            assert_eq!((failure.code, failure.marker), (code, Some(version.id)));
        }
        (result, object) => panic!("{key} {id:?}: {object:?}, but {:?}", result.map(|(read, _)| read)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn histories_are_those_of_the_model(steps in steps(), max_keys in 1..6_u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut bench, mut model) = (Bench::memory().await, Model::default());
            for step in &steps {
                bench = apply(bench, &mut model, step).await;
            }
            compare(&bench, &model, max_keys).await;
            bench.reap_later().await;
            let blobs = model.all().iter().filter(|(_, it, _)| it.object.is_some_and(|(size, _)| size > 65_536)).count();
            assert_eq!(bench.blob_count().await, blobs);
            compare(&bench, &model, 1000).await;
        });
    }
}
