//! Any sequence of operations on a bucket's objects leaves what a list of versions for each key would have: writes, copies, uploads
//! in parts, deletions, switches of versioning, of the default encryption and of a master key, in every method, across
//! restarts and runs of the reaper.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use strongroom_model::encryption::{
    AppliedEncryption, BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionContext, EncryptionWish, KmsWish,
};
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::KeyReference;
use strongroom_model::metadata::ObjectMetadata;
use strongroom_model::name::{PartNumber, VersionId};
use strongroom_model::operation::bucket::ListVersions;
use strongroom_model::operation::copy::CopyObject;
use strongroom_model::operation::key::Switch;
use strongroom_model::operation::object::{DeleteEntry, DeleteObjects, GetObject, PutObject};
use strongroom_model::operation::upload::{
    CompleteUpload, InitiateUpload, NamedPart, NamedParts, UploadHolders, UploadName, UploadOperation, WritePart,
};
use strongroom_model::operation::{BucketOperation, KeyOperation, ObjectOperation, Operation};
use strongroom_model::outcome::bucket::{ListedVersion, ListedVersions, VersionContent};
use strongroom_model::outcome::upload::UploadOutcome;
use strongroom_model::outcome::{BucketOutcome, ObjectOutcome, Outcome};
use strongroom_model::secret::CustomerKey;
use strongroom_model::setting::{Setting, SettingKind, Versioning};
use strongroom_store::{Body, Trailer};

use super::bench::{BUCKET, Bench, METHODS, Method, bucket_name, copy, get, noise, object_key, pieces, put};

/// What is written or deleted, and how the bucket is switched. Open uploads are counted from the oldest.
#[derive(Clone, Debug)]
enum Step {
    Put(u8, usize, usize),
    Copy(u8, Option<Pick>, u8, usize),
    Begin(u8, usize),
    Part(usize, u32, usize),
    Complete(usize, Which),
    Abort(usize),
    Default(usize),
    Master(bool),
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

/// Which parts are completed.
#[derive(Clone, Copy, Debug)]
enum Which {
    All,
    Even,
    Odd,
}

/// What seals an object: a method of the bench, or a master key that is switched on and off.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seal {
    Method(Method),
    Master,
}

/// An object as the model has it.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    /// Its bytes are noise of each of these lengths, one after the other.
    lengths: Vec<usize>,
    seal: Seal,
    /// What its writer said of it.
    note: String,
    /// How many blobs it has.
    blobs: usize,
}

/// A version as the model has it: an object, or a delete marker.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    id: VersionId,
    object: Option<Held>,
}

/// An open upload.
struct Upload {
    name: UploadName,
    seal: Seal,
    note: String,
    /// By number: length and tag.
    parts: BTreeMap<u32, (usize, String)>,
}

/// The versions of each key, newest first; and how things are set.
#[derive(Default)]
struct Model {
    versioning: Versioning,
    keys: BTreeMap<String, Vec<Version>>,
    uploads: Vec<Upload>,
    /// The bucket's default, if it has one.
    default: Option<Method>,
    master_off: bool,
}

const UNKNOWN: VersionId = VersionId::Id([9; 16]);

impl Held {
    fn bytes(&self) -> Vec<u8> {
        self.lengths.iter().flat_map(|length| noise(*length)).collect()
    }

    fn size(&self) -> usize {
        self.lengths.iter().sum()
    }
}

impl Seal {
    /// All methods, and the master key.
    fn of(number: usize) -> Self {
        METHODS.get(number).map_or(Self::Master, |method| Self::Method(*method))
    }

    fn wish(self, master: &KeyReference) -> EncryptionWish {
        match self {
            Self::Method(method) => method.wish(),
            Self::Master => EncryptionWish::Kms(KmsWish {
                key: Some(master.clone()),
                algorithm: DataAlgorithm::Aes256,
                context: EncryptionContext::default(),
                bucket_key: None,
                project: None,
            }),
        }
    }

    fn key_for_reading(self) -> Option<CustomerKey> {
        match self {
            Self::Method(method) => method.key_for_reading(),
            Self::Master => None,
        }
    }
}

impl Model {
    /// What a write that asks for `seal` gets.
    fn settled(&self, seal: Seal) -> Seal {
        match (seal, self.default) {
            (Seal::Method(Method::Plain), Some(default)) => Seal::Method(default),
            _ => seal,
        }
    }

    /// Why what is sealed so cannot be written or read now, if so.
    fn refusal(&self, seal: Seal) -> Option<FailureCode> {
        (seal == Seal::Master && self.master_off).then_some(FailureCode::KeyDisabled)
    }

    /// The object that there is under a key and a version.
    fn object(&self, key: &str, version: Option<VersionId>) -> Option<&Held> {
        let versions = self.keys.get(key)?;
        let found = match version {
            Some(id) => versions.iter().find(|version| version.id == id)?,
            None => versions.first()?,
        };
        found.object.as_ref()
    }

    fn pick(&self, key: &str, pick: Pick) -> VersionId {
        let versions = self.keys.get(key).map_or(&[][..], Vec::as_slice);
        match pick {
            Pick::Nth(n) if !versions.is_empty() => versions[n % versions.len()].id,
            Pick::Null => VersionId::Null,
            Pick::Nth(_) | Pick::Unknown => UNKNOWN,
        }
    }

    /// A version is added: in the place of the null version, unless versions are kept.
    fn add(&mut self, key: &str, id: Option<VersionId>, object: Option<Held>) {
        assert_eq!(id.is_none(), self.versioning == Versioning::Never);
        let id = id.unwrap_or(VersionId::Null);
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
                self.add(key, Some(made.expect("a marker is made")), None);
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
        8 => (key.clone(), 0..=METHODS.len(), size.clone()).prop_map(|(key, seal, size)| Step::Put(key, seal, size)),
        4 => (key.clone(), proptest::option::of(pick.clone()), key.clone(), 1..=METHODS.len())
            .prop_map(|(from, version, to, seal)| Step::Copy(from, version, to, seal)),
        3 => (key.clone(), 0..=METHODS.len()).prop_map(|(key, seal)| Step::Begin(key, seal)),
        7 => (0..3_usize, 1..5_u32, size).prop_map(|(upload, number, size)| Step::Part(upload, number, size)),
        3 => (0..3_usize, prop_oneof![Just(Which::All), Just(Which::Even), Just(Which::Odd)])
            .prop_map(|(upload, which)| Step::Complete(upload, which)),
        1 => (0..3_usize).prop_map(Step::Abort),
        1 => (0..4_usize).prop_map(Step::Default),
        1 => any::<bool>().prop_map(Step::Master),
        3 => key.clone().prop_map(Step::Delete),
        5 => (key.clone(), pick.clone()).prop_map(|(key, pick)| Step::DeleteVersion(key, pick)),
        2 => vec((key, proptest::option::of(pick)), 1..6).prop_map(Step::DeleteMany),
        3 => any::<bool>().prop_map(Step::Switch),
        1 => Just(Step::DeleteBucket),
        1 => Just(Step::Reap),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..50)
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

fn entry(key: &str, version: Option<VersionId>) -> DeleteEntry {
    DeleteEntry { key: object_key(key), version, conditions: Default::default(), bypass_governance: false }
}

impl Bench {
    pub(crate) async fn switch(&self, versioning: Versioning) {
        let put = BucketOperation::PutSetting(bucket_name(BUCKET), Setting::Versioning(versioning));
        assert!(matches!(self.bucket(put).await.unwrap(), BucketOutcome::SettingPut(_)));
    }

    pub(crate) async fn delete_version(&self, key: &str, version: Option<VersionId>) -> Option<VersionId> {
        self.delete_many(vec![entry(key, version)]).await.remove(0)
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

/// A write's result against what was to be expected: its version, if it was to succeed and did.
fn expected<T>(result: Result<T, Failure>, refusal: Option<FailureCode>) -> Option<T> {
    match refusal {
        None => Some(result.unwrap()),
        Some(code) => {
            assert_eq!(result.err().map(|failure| failure.code), Some(code));
            None
        }
    }
}

fn noted(note: &str) -> ObjectMetadata {
    ObjectMetadata { user: vec![("note".to_owned(), note.to_owned())], ..Default::default() }
}

async fn put_step(bench: &Bench, master: &KeyReference, model: &mut Model, key: String, seal: Seal, size: usize) {
    let (settled, note) = (model.settled(seal), format!("written with {size}"));
    let asked = PutObject { encryption: seal.wish(master), metadata: noted(&note), ..put(&key) };
    let written = bench.put_as(asked, &noise(size)).await;
    if let Some(written) = expected(written, model.refusal(settled)) {
        let held = Held { lengths: vec![size], seal: settled, note, blobs: usize::from(size > 65_536) };
        model.add(&key, written.version, Some(held));
    }
}

/// The target is sealed as asked for, whatever the source is sealed with.
async fn copy_step(
    bench: &Bench,
    master: &KeyReference,
    model: &mut Model,
    (from, version): (String, Option<VersionId>),
    (to, seal): (String, Seal),
) {
    let held = model.object(&from, version).cloned();
    let key = held.as_ref().and_then(|held| held.seal.key_for_reading());
    let source = GetObject { version, customer_key: key, ..get(&from) };
    let target = PutObject { encryption: seal.wish(master), ..put(&to) };
    let copied = bench.copy_as(CopyObject { source, target, ..copy(&from, Method::Plain, &to, Method::Plain) }).await;
    match held {
        None => drop(copied.unwrap_err()),
        Some(held) => {
            let refusal = model.refusal(seal).or(model.refusal(held.seal));
            if let Some(copied) = expected(copied, refusal) {
                let blobs = usize::from(held.size() > 65_536);
                model.add(&to, copied.written.version, Some(Held { seal, blobs, ..held }));
            }
        }
    }
}

async fn upload(bench: &Bench, operation: UploadOperation, body: Option<&[u8]>) -> Result<UploadOutcome, Failure> {
    let body = body.map(|bytes| Body { bytes: pieces(bytes), trailer: Trailer::default(), declared: None });
    match bench.run(Operation::Upload(operation), body).await?.outcome {
        Outcome::Upload(outcome) => Ok(outcome),
        other => panic!("{other:?}"),
    }
}

async fn begin_step(bench: &Bench, master: &KeyReference, model: &mut Model, key: String, seal: Seal) {
    let (settled, note) = (model.settled(seal), format!("upload {}", model.uploads.len()));
    let asked = InitiateUpload {
        bucket: bucket_name(BUCKET),
        key: object_key(&key),
        metadata: noted(&note),
        storage_class: None,
        settings: Default::default(),
        encryption: seal.wish(master),
        conditions: Default::default(),
        checksum: None,
        url_encoded: false,
    };
    let begun = upload(bench, UploadOperation::Initiate(asked), None).await;
    if let Some(UploadOutcome::Initiated(begun)) = expected(begun, model.refusal(settled)) {
        model.uploads.push(Upload { name: begun.upload, seal: settled, note, parts: BTreeMap::new() });
    }
}

async fn part_step(bench: &Bench, model: &mut Model, at: usize, number: u32, size: usize) {
    let Some(open) = model.uploads.get(at) else { return };
    let part = WritePart {
        holders: UploadHolders::InitiatorAndOwner,
        upload: open.name.clone(),
        number: PartNumber::new(number).unwrap(),
        customer_key: open.seal.key_for_reading(),
        expected: Default::default(),
        keep: Vec::new(),
        tag: TagPromise::UnlessKeyed,
    };
    let written = upload(bench, UploadOperation::WritePart(part), Some(&noise(size))).await;
    if let Some(UploadOutcome::PartWritten(written)) = expected(written, model.refusal(open.seal)) {
        model.uploads[at].parts.insert(number, (size, written.etag.lower_hex()));
    }
}

async fn complete_step(bench: &Bench, model: &mut Model, at: usize, which: Which) {
    let Some(open) = model.uploads.get(at) else { return };
    let wanted = |number: u32| match which {
        Which::All => true,
        Which::Even => number.is_multiple_of(2),
        Which::Odd => !number.is_multiple_of(2),
    };
    let parts: Vec<_> = open.parts.iter().filter(|(number, _)| wanted(**number)).collect();
    if parts.is_empty() {
        return;
    }
    let named = |(number, (_, tag)): &(&u32, &(usize, String))| NamedPart {
        number: PartNumber::new(**number).unwrap(),
        tag: tag.clone(),
        checksums: Vec::new(),
    };
    let complete = CompleteUpload {
        holders: UploadHolders::InitiatorAndOwner,
        upload: open.name.clone(),
        parts: NamedParts::These(parts.iter().map(named).collect()),
        least_part: 0,
        conditions: Default::default(),
        customer_key: None,
        size: None,
        expected: Vec::new(),
        scope: None,
        url_encoded: false,
    };
    let lengths: Vec<_> = parts.iter().map(|(_, (size, _))| *size).collect();
    let completed = upload(bench, UploadOperation::Complete(complete), None).await;
    if let Some(UploadOutcome::Completed(completed)) = expected(completed, model.refusal(open.seal)) {
        let Upload { name, seal, note, .. } = model.uploads.remove(at);
        // Its record has a blob of its own.
        let held = Held { blobs: lengths.len() + 1, lengths, seal, note };
        model.add(name.key.as_str(), completed.version, Some(held));
    }
}

async fn set_default(bench: &Bench, model: &mut Model, number: usize) {
    let (method, default) = match number {
        0 => (None, None),
        1 => (Some(Method::ManagedSm4), Some(DefaultMethod::Managed(DataAlgorithm::Sm4))),
        2 => {
            (Some(Method::KmsSm4), Some(DefaultMethod::Kms { key: None, algorithm: DataAlgorithm::Sm4, project: None }))
        }
        _ => (Some(Method::ManagedAes), Some(DefaultMethod::Managed(DataAlgorithm::Aes256))),
    };
    let operation = match default {
        None => BucketOperation::DeleteSetting(bucket_name(BUCKET), SettingKind::Encryption),
        Some(method) => {
            let rule = BucketEncryption { method, bucket_key: false };
            BucketOperation::PutSetting(bucket_name(BUCKET), Setting::Encryption(rule.into()))
        }
    };
    bench.bucket(operation).await.unwrap();
    model.default = method;
}

async fn apply(bench: Bench, master: &KeyReference, model: &mut Model, step: &Step) -> Bench {
    match step {
        Step::Put(key, seal, size) => put_step(&bench, master, model, name(*key), Seal::of(*seal), *size).await,
        Step::Copy(from, version, to, seal) => {
            let version = version.map(|pick| model.pick(&name(*from), pick));
            copy_step(&bench, master, model, (name(*from), version), (name(*to), Seal::of(*seal))).await;
        }
        Step::Begin(key, seal) => begin_step(&bench, master, model, name(*key), Seal::of(*seal)).await,
        Step::Part(upload, number, size) => part_step(&bench, model, *upload, *number, *size).await,
        Step::Complete(upload, which) => complete_step(&bench, model, *upload, *which).await,
        Step::Abort(at) => {
            if *at < model.uploads.len() {
                upload(&bench, UploadOperation::Abort(model.uploads.remove(*at).name), None).await.unwrap();
            }
        }
        Step::Default(number) => set_default(&bench, model, *number).await,
        Step::Master(on) => {
            let switch = Switch::repeatable(master.clone());
            let operation = if *on { KeyOperation::Enable(switch) } else { KeyOperation::Disable(switch) };
            bench.key(operation).await.unwrap();
            model.master_off = !on;
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
            let picked =
                |(key, pick): &(u8, Option<Pick>)| entry(&name(*key), pick.map(|pick| model.pick(&name(*key), pick)));
            let entries: Vec<_> = wanted.iter().map(picked).collect();
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
                assert!(model.keys.is_empty() && model.uploads.is_empty());
                bench.create_bucket(BUCKET, None).await.unwrap();
                (model.versioning, model.default) = (Versioning::Never, None);
            }
            Err(failure) => {
                assert_eq!(failure.code, FailureCode::BucketNotEmpty);
                assert!(!model.keys.is_empty() || !model.uploads.is_empty());
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
        (key.clone(), version.id, *latest, version.object.as_ref().map(Held::size))
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
    let customer_key = version.object.as_ref().and_then(|held| held.seal.key_for_reading());
    let asked = GetObject { version: id, customer_key, ..get(key) };
    match (bench.get_as(asked).await, &version.object) {
        (Ok((read, bytes)), Some(held)) => {
            assert!(bytes == held.bytes(), "{key} {id:?}");
            assert_eq!(read.facts.metadata.user, [("note".to_owned(), held.note.clone())]);
            assert_eq!(read.facts.version, (model.versioning != Versioning::Never).then_some(version.id));
            assert!(is_sealed(&read.facts.encryption, held.seal), "{:?} is not {:?}", read.facts.encryption, held.seal);
        }
        (Err(failure), Some(held)) => assert_eq!(Some(failure.code), model.refusal(held.seal)),
        (Err(failure), None) => {
            let code = if id.is_some() { FailureCode::MethodNotAllowed } else { FailureCode::NoSuchKey };
            assert_eq!((failure.code, failure.marker), (code, Some(version.id)));
        }
        (Ok((read, _)), None) => panic!("{key} {id:?} is deleted: {read:?}"),
    }
}

fn is_sealed(applied: &AppliedEncryption, seal: Seal) -> bool {
    match (seal, applied) {
        (Seal::Method(Method::Plain), AppliedEncryption::Plain)
        | (Seal::Method(Method::Customer), AppliedEncryption::Customer { .. })
        | (Seal::Method(Method::ManagedAes), AppliedEncryption::Managed(DataAlgorithm::Aes256))
        | (Seal::Method(Method::ManagedSm4), AppliedEncryption::Managed(DataAlgorithm::Sm4)) => true,
        (Seal::Method(Method::KmsAes), AppliedEncryption::Kms(kms)) => {
            kms.key.is_default && kms.algorithm == DataAlgorithm::Aes256
        }
        (Seal::Method(Method::KmsSm4), AppliedEncryption::Kms(kms)) => {
            kms.key.is_default && kms.algorithm == DataAlgorithm::Sm4 && !kms.bucket_key
        }
        (Seal::Method(Method::KmsBucketKey), AppliedEncryption::Kms(kms)) => {
            kms.key.is_default && kms.algorithm == DataAlgorithm::Sm4 && kms.bucket_key
        }
        (Seal::Method(Method::KmsTwice), AppliedEncryption::Kms(kms)) => {
            kms.key.is_default && kms.algorithm == DataAlgorithm::Aes256Twice
        }
        (Seal::Master, AppliedEncryption::Kms(kms)) => !kms.key.is_default,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn histories_are_those_of_the_model(steps in steps(), max_keys in 1..6_u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut bench, mut model) = (Bench::memory().await, Model::default());
            let master = bench.create_key(None).await;
            for step in &steps {
                bench = apply(bench, &master, &mut model, step).await;
            }
            compare(&bench, &model, max_keys).await;
            bench.reap_later().await;
            let of_versions: usize = model.all().iter().filter_map(|(_, it, _)| Some(it.object.as_ref()?.blobs)).sum();
            let of_parts: usize = model.uploads.iter().map(|open| open.parts.len()).sum();
            assert_eq!(bench.blob_count().await, of_versions + of_parts);
            compare(&bench, &model, 1000).await;
        });
    }
}
