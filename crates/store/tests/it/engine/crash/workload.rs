//! The scripts: what clients and jobs change of objects, in every kind of sealing, small ones and large ones; and what else they
//! change.

use strongroom_model::account::UserName;
use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::{KeyReference, KeySpec};
use strongroom_model::operation::bucket::ListVersions;
use strongroom_model::operation::key::{CreateKey, KeyOperation, Switch};
use strongroom_model::operation::object::{DeleteEntry, DeleteObject, DeleteObjects};
use strongroom_model::operation::upload::{ListUploads, NamedParts, UploadName, UploadOperation};
use strongroom_model::operation::{AdminOperation, BucketOperation, ObjectOperation, Operation};
use strongroom_model::outcome::bucket::VersionContent;
use strongroom_model::outcome::upload::UploadOutcome;
use strongroom_model::outcome::{BucketOutcome, ObjectOutcome, Outcome};
use strongroom_model::setting::{Setting, Versioning};

use super::super::amending::update;
use super::super::bench::{BUCKET, Bench, Method, bucket_name, object_key};
use super::super::uploads::initiate;
use super::checker::marked;
use super::things::{self, LOG, Thing};

/// One request of a client, or one run of a job.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    CreateBucket(&'static str),
    DeleteBucket(&'static str),
    EncryptByDefault,
    Version(Versioning),
    CreateKey(&'static str),
    SwitchKey(&'static str, bool),
    ScheduleDeletion(&'static str),
    CancelDeletion(&'static str),
    CreateUser(&'static str),
    DeleteUser(&'static str),
    Put(&'static str, usize, Method),
    PutUnder(&'static str, usize, &'static str),
    /// An object of several parts.
    Upload(&'static str, &'static [usize], Method),
    /// An upload that comes to nothing.
    Abort(&'static str, usize),
    Copy(&'static str, &'static str, Method),
    /// The object grows from the first size to the second.
    Append(&'static str, usize, usize, Method),
    SetMetadata(&'static str),
    /// The object comes to be sealed under that master key.
    Rewrap(&'static str, &'static str),
    Delete(&'static str),
    DeleteMany(&'static [&'static str]),
    DeleteVersion(&'static str, usize),
    Read(&'static str),
    Make(Thing),
    Unmake(Thing),
    Reap,
    Scrub,
}

/// One that lives in the catalog, and one that lives in a blob.
const SMALL: usize = 300;
const LARGE: usize = 66_000;

pub(super) const OBJECTS: &[Step] = &[
    Step::CreateBucket(BUCKET),
    Step::CreateBucket("second"),
    Step::CreateKey("payroll"),
    Step::CreateUser("alice"),
    Step::Put("a", SMALL, Method::ManagedAes),
    Step::Put("b", LARGE, Method::KmsAes),
    Step::Put("b", LARGE + 1, Method::Customer),
    Step::Put("c", LARGE, Method::KmsSm4),
    Step::Put("c", SMALL, Method::ManagedSm4),
    Step::Read("c"),
    Step::Upload("u", &[LARGE, LARGE + 9, SMALL], Method::KmsBucketKey),
    Step::Abort("u", LARGE),
    Step::Copy("c", "copied", Method::KmsTwice),
    Step::Copy("u", "copied", Method::ManagedAes),
    Step::Append("log", 0, LARGE, Method::KmsSm4),
    Step::Append("log", LARGE, LARGE + 700, Method::KmsSm4),
    Step::SetMetadata("copied"),
    Step::Rewrap("u", "payroll"),
    Step::Delete("a"),
    Step::Reap,
    Step::DeleteMany(&["b", "c", "never"]),
    Step::EncryptByDefault,
    Step::PutUnder("d", LARGE, "payroll"),
    Step::Read("d"),
    Step::SwitchKey("payroll", false),
    Step::SwitchKey("payroll", true),
    Step::Version(Versioning::Enabled),
    Step::Put("d", LARGE + 2, Method::KmsSm4),
    Step::Put("e", SMALL, Method::KmsAes),
    Step::Delete("d"),
    Step::DeleteVersion("d", 0),
    Step::Put("d", SMALL + 1, Method::ManagedAes),
    Step::DeleteVersion("d", 1),
    Step::Version(Versioning::Suspended),
    Step::Put("d", LARGE + 3, Method::ManagedSm4),
    Step::Put("e", LARGE + 4, Method::Customer),
    Step::Delete("e"),
    Step::DeleteMany(&["d", "f"]),
    Step::DeleteVersion("f", 0),
    Step::DeleteUser("alice"),
    Step::DeleteBucket("second"),
    Step::Scrub,
    Step::Reap,
];

/// Each thing is made once at most, and taken away once at most.
pub(super) const THINGS: &[Step] = &[
    Step::CreateBucket(BUCKET),
    Step::CreateBucket("second"),
    Step::CreateKey("payroll"),
    Step::CreateUser("alice"),
    Step::Put("a", SMALL, Method::ManagedAes),
    Step::Append(LOG, 0, SMALL, Method::KmsAes),
    Step::Make(Thing::SealedAppend),
    Step::Make(Thing::BucketTags),
    Step::Make(Thing::BucketAcl),
    Step::Make(Thing::BucketPolicy),
    Step::Make(Thing::Rules),
    Step::Make(Thing::Inventory),
    Step::Make(Thing::Worm),
    Step::Make(Thing::ObjectTags),
    Step::Make(Thing::ObjectAcl),
    Step::Version(Versioning::Enabled),
    Step::Make(Thing::Locking),
    Step::Make(Thing::Retention),
    Step::Make(Thing::Hold),
    Step::Make(Thing::Account),
    Step::Make(Thing::Policy),
    Step::Make(Thing::Group),
    Step::Make(Thing::UsersPolicy),
    Step::Make(Thing::GroupsPolicy),
    Step::Make(Thing::Membership),
    Step::Make(Thing::AccessKey),
    Step::Make(Thing::AccessKeyOff),
    Step::Make(Thing::Alias),
    Step::Make(Thing::KeyTags),
    Step::Make(Thing::KeyText),
    Step::Make(Thing::KeyPolicy),
    Step::Make(Thing::KeyRotation),
    Step::Make(Thing::KeyVersion),
    Step::Make(Thing::Protection),
    Step::Make(Thing::Grant),
    Step::Make(Thing::BroughtKey),
    Step::Make(Thing::Material),
    Step::Reap,
    Step::Unmake(Thing::Material),
    Step::Unmake(Thing::Grant),
    Step::Unmake(Thing::Protection),
    Step::Unmake(Thing::KeyRotation),
    Step::Unmake(Thing::KeyText),
    Step::Unmake(Thing::KeyTags),
    Step::Unmake(Thing::Alias),
    Step::ScheduleDeletion("payroll"),
    Step::CancelDeletion("payroll"),
    Step::Unmake(Thing::AccessKeyOff),
    Step::Unmake(Thing::AccessKey),
    Step::Unmake(Thing::Membership),
    Step::Unmake(Thing::GroupsPolicy),
    Step::Unmake(Thing::UsersPolicy),
    Step::Unmake(Thing::Group),
    Step::Unmake(Thing::Policy),
    Step::Unmake(Thing::Hold),
    Step::Unmake(Thing::Retention),
    Step::Unmake(Thing::ObjectAcl),
    Step::Unmake(Thing::ObjectTags),
    Step::Unmake(Thing::Worm),
    Step::Unmake(Thing::Inventory),
    Step::Unmake(Thing::Rules),
    Step::Unmake(Thing::BucketPolicy),
    Step::Unmake(Thing::BucketAcl),
    Step::Unmake(Thing::BucketTags),
    Step::Scrub,
];

/// Does the step, and says what a client would be answered.
pub(super) async fn perform(bench: &Bench, step: &Step) -> Result<(), Failure> {
    match *step {
        Step::CreateBucket(name) => bench.create_bucket(name, None).await.map(drop),
        Step::DeleteBucket(name) => bench.delete_bucket(name).await,
        Step::EncryptByDefault => {
            let method = DefaultMethod::Managed(DataAlgorithm::Aes256);
            bench.set(Setting::Encryption(BucketEncryption { method, bucket_key: false }.into())).await
        }
        Step::Version(versioning) => bench.set(Setting::Versioning(versioning)).await,
        Step::CreateKey(alias) => create_key(bench, alias).await,
        Step::SwitchKey(alias, on) => switch_key(bench, alias, on).await,
        Step::ScheduleDeletion(alias) => {
            bench.key(KeyOperation::ScheduleDeletion { key: reference(alias), days: 7 }).await.map(drop)
        }
        Step::CancelDeletion(alias) => cancel_deletion(bench, alias).await,
        Step::CreateUser(name) => {
            bench.admin(AdminOperation::CreateUser(UserName::parse(name).unwrap())).await.map(drop)
        }
        Step::DeleteUser(name) => {
            bench.admin(AdminOperation::DeleteUser(UserName::parse(name).unwrap())).await.map(drop)
        }
        Step::Put(key, size, method) => bench.put(key, &marked(size), method).await.map(drop),
        Step::PutUnder(key, size, alias) => bench.put_with_key(key, &marked(size), &reference(alias)).await.map(drop),
        Step::Upload(key, sizes, method) => {
            let upload = bench.begin(initiate(key, method)).await?;
            write_parts(bench, &upload, sizes, method).await?;
            bench.complete(&upload, NamedParts::All).await.map(drop)
        }
        Step::Abort(key, size) => {
            let upload = bench.begin(initiate(key, Method::ManagedSm4)).await?;
            write_parts(bench, &upload, &[size], Method::ManagedSm4).await?;
            bench.abort(&upload).await
        }
        Step::Copy(from, to, method) => bench.copy(from, Method::Plain, to, method).await.map(drop),
        Step::Append(key, from, to, method) => {
            bench.append(key, from as u64, &marked(to)[from..], method).await.map(drop)
        }
        Step::SetMetadata(key) => bench.set_metadata(key).await,
        Step::Rewrap(key, alias) => update(bench, key, &reference(alias)).await,
        Step::Delete(key) => delete(bench, key, None).await,
        Step::DeleteMany(keys) => delete_many(bench, keys).await,
        Step::DeleteVersion(key, nth) => delete_nth(bench, key, nth).await,
        Step::Read(key) => bench.get(key, Method::Plain).await.map(drop),
        Step::Make(thing) => things::make(bench, thing).await,
        Step::Unmake(thing) => things::unmake(bench, thing).await,
        Step::Reap => {
            let later = bench.now().plus_millis(3_600_000);
            bench.reaper.lock().await.run_once(later).await.map(drop)
        }
        Step::Scrub => bench.scrub.run_once(&bench.clock()).await.map(drop),
    }
}

async fn create_key(bench: &Bench, alias: &str) -> Result<(), Failure> {
    let asked = CreateKey { alias: Some(alias.to_owned()), ..CreateKey::new(KeySpec::Aes256) };
    bench.key(KeyOperation::Create(asked)).await.map(drop)
}

/// Calls off that a key is deleted.
pub(super) async fn cancel_deletion(bench: &Bench, alias: &str) -> Result<(), Failure> {
    bench.key(KeyOperation::CancelDeletion(reference(alias))).await.map(drop)
}

/// Turns a key off or on.
pub(super) async fn switch_key(bench: &Bench, alias: &str, on: bool) -> Result<(), Failure> {
    let switch = Switch::repeatable(reference(alias));
    bench.key(if on { KeyOperation::Enable(switch) } else { KeyOperation::Disable(switch) }).await.map(drop)
}

/// Parts of these sizes, which together are the object of their sum.
async fn write_parts(bench: &Bench, upload: &UploadName, sizes: &[usize], method: Method) -> Result<(), Failure> {
    let whole = marked(sizes.iter().sum());
    let mut rest = whole.as_slice();
    for (number, size) in (1..).zip(sizes) {
        let (bytes, behind) = rest.split_at(*size);
        rest = behind;
        bench.write_part(upload, number, bytes, method).await?;
    }
    Ok(())
}

/// Gives up what is left of uploads that a fault has stopped.
pub(super) async fn abort_all(bench: &Bench) {
    let list = ListUploads {
        bucket: bucket_name(BUCKET),
        prefix: String::new(),
        delimiter: String::new(),
        key_marker: String::new(),
        upload_marker: None,
        max_uploads: 1000,
        url_encoded: false,
    };
    let listed = match bench.upload(UploadOperation::List(list), None).await {
        Ok(UploadOutcome::Uploads(listed)) => listed,
        Ok(other) => panic!("{other:?}"),
        Err(failure) => return assert_eq!(failure.code, FailureCode::NoSuchBucket),
    };
    for open in listed.uploads {
        let upload = UploadName { bucket: bucket_name(BUCKET), key: open.key, id: open.id };
        bench.abort(&upload).await.unwrap();
    }
}

fn reference(alias: &str) -> KeyReference {
    KeyReference::parse(&format!("alias/{alias}"))
}

async fn delete(bench: &Bench, key: &str, version: Option<strongroom_model::name::VersionId>) -> Result<(), Failure> {
    let delete = DeleteObject {
        bucket: bucket_name(BUCKET),
        key: object_key(key),
        version,
        conditions: Default::default(),
        bypass_governance: false,
    };
    bench.run(Operation::Object(ObjectOperation::Delete(delete)), None).await.map(drop)
}

/// All keys go in one commit, so one failure is the failure of all.
async fn delete_many(bench: &Bench, keys: &[&str]) -> Result<(), Failure> {
    let entry = |key: &&str| DeleteEntry {
        key: object_key(key),
        version: None,
        conditions: Default::default(),
        bypass_governance: false,
    };
    let entries = keys.iter().map(entry).collect();
    let asked = DeleteObjects { bucket: bucket_name(BUCKET), quiet: false, url_encoded: false, entries };
    let reply = bench.run(Operation::Object(ObjectOperation::DeleteMany(asked)), None).await?;
    let Outcome::Object(ObjectOutcome::ManyDeleted(many)) = reply.outcome else { panic!("{:?}", reply.outcome) };
    many.results.into_iter().try_for_each(|entry| entry.result.map(drop))
}

async fn delete_nth(bench: &Bench, key: &str, nth: usize) -> Result<(), Failure> {
    let list = ListVersions {
        bucket: bucket_name(BUCKET),
        prefix: key.to_owned(),
        delimiter: String::new(),
        key_marker: String::new(),
        version_marker: None,
        max_keys: 1000,
        url_encoded: false,
    };
    let BucketOutcome::Versions(listed) = bench.bucket(BucketOperation::ListVersions(list)).await? else {
        panic!("versions were asked for")
    };
    let mut ids = listed.versions.into_iter().filter(|listed| match &listed.content {
        VersionContent::Object(object) => object.key.as_str() == key,
        VersionContent::Marker { key: marked, .. } => marked.as_str() == key,
    });
    let id = ids.nth(nth).ok_or(FailureCode::NoSuchVersion)?.id;
    delete(bench, key, Some(id)).await
}
