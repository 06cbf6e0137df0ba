//! What is kept is not destroyed: retention, legal hold, the bucket's own retention, and the policy that keeps all objects.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lock::{
    BucketLock, DefaultRetention, LockWish, ObjectLock, Retention, RetentionMode, RetentionPeriod, Worm,
};
use strongroom_model::metadata::ObjectMetadata;
use strongroom_model::name::VersionId;
use strongroom_model::operation::amend::{SetMetadata, Unnamed, UpdateEncryption};
use strongroom_model::operation::bucket::{CreateBucket, WormOperation};
use strongroom_model::operation::object::{
    DeleteEntry, DeleteObject, DeleteObjects, GetObject, ObjectTarget, PutObject, PutObjectSetting,
};
use strongroom_model::operation::{BucketOperation, ObjectOperation, Operation};
use strongroom_model::outcome::{BucketOutcome, ObjectOutcome, Outcome};
use strongroom_model::setting::{
    ObjectSetting, ObjectSettingKind, ObjectSettingsWish, Setting, SettingKind, Versioning,
};
use strongroom_model::time::Timestamp;

use super::bench::{BUCKET, Bench, Method, bucket_name, copy, get, noise, object_key, pieces, put};
use super::uploads::{initiate, named};

pub(crate) const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) const COMPLIANCE: RetentionMode = RetentionMode::Compliance;
pub(crate) const GOVERNANCE: RetentionMode = RetentionMode::Governance;

/// The documents of a write that asks for this.
pub(crate) fn locked(retention: Option<Retention>, legal_hold: bool) -> ObjectSettingsWish {
    ObjectSettingsWish { lock: LockWish { retention, legal_hold }, ..Default::default() }
}

pub(crate) fn target(key: &str, version: Option<VersionId>) -> ObjectTarget {
    ObjectTarget { bucket: bucket_name(BUCKET), key: object_key(key), version }
}

impl Bench {
    /// With a bucket whose versions can be locked.
    pub(crate) async fn locking(default: Option<DefaultRetention>) -> Self {
        let bench = Self::memory().await;
        bench.set(Setting::Versioning(Versioning::Enabled)).await.unwrap();
        bench.set(Setting::ObjectLock(BucketLock { default })).await.unwrap();
        bench
    }

    pub(crate) async fn set(&self, setting: Setting) -> Result<(), Failure> {
        self.bucket(BucketOperation::PutSetting(bucket_name(BUCKET), setting)).await.map(drop)
    }

    pub(crate) fn until(&self, mode: RetentionMode, days: i64) -> Retention {
        Retention { mode, until: self.now().plus_millis(days * DAY_MS) }
    }

    /// Writes a version that is kept so, and answers its id.
    pub(crate) async fn put_locked(
        &self,
        key: &str,
        bytes: &[u8],
        wish: ObjectSettingsWish,
    ) -> Result<VersionId, Failure> {
        let written = self.put_as(PutObject { settings: wish, ..put(key) }, bytes).await?;
        Ok(written.version.expect("the bucket keeps versions"))
    }

    pub(crate) async fn destroy(
        &self,
        key: &str,
        version: Option<VersionId>,
        bypass: bool,
    ) -> Result<Option<VersionId>, Failure> {
        let delete = DeleteObject {
            bucket: bucket_name(BUCKET),
            key: object_key(key),
            version,
            conditions: Default::default(),
            bypass_governance: bypass,
        };
        match self.run(Operation::Object(ObjectOperation::Delete(delete)), None).await?.outcome {
            Outcome::Object(ObjectOutcome::Deleted { marker, .. }) => Ok(marker),
            other => panic!("{other:?}"),
        }
    }

    /// What became of each.
    pub(crate) async fn destroy_all(
        &self,
        wanted: &[(&str, Option<VersionId>)],
        bypass: bool,
    ) -> Vec<Result<Option<VersionId>, FailureCode>> {
        let entry = |(key, version): &(&str, Option<VersionId>)| DeleteEntry {
            key: object_key(key),
            version: *version,
            conditions: Default::default(),
            bypass_governance: bypass,
        };
        let entries = wanted.iter().map(entry).collect();
        let many = DeleteObjects { bucket: bucket_name(BUCKET), quiet: false, url_encoded: false, entries };
        match self.run(Operation::Object(ObjectOperation::DeleteMany(many)), None).await.unwrap().outcome {
            Outcome::Object(ObjectOutcome::ManyDeleted(many)) => {
                many.results.into_iter().map(|entry| entry.result.map_err(|failure| failure.code)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn put_document(
        &self,
        key: &str,
        version: Option<VersionId>,
        setting: ObjectSetting,
        bypass: bool,
    ) -> Result<(), Failure> {
        let put = PutObjectSetting { target: target(key, version), setting, bypass_governance: bypass };
        self.run(Operation::Object(ObjectOperation::PutSetting(put)), None).await.map(drop)
    }

    async fn document(&self, key: &str, kind: ObjectSettingKind) -> Result<ObjectSetting, Failure> {
        let read = Operation::Object(ObjectOperation::GetSetting(target(key, None), kind));
        match self.run(read, None).await?.outcome {
            Outcome::Object(ObjectOutcome::Setting { setting, .. }) => Ok(setting),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn lock_of(&self, key: &str, version: Option<VersionId>) -> Result<ObjectLock, Failure> {
        Ok(self.head(GetObject { version, ..get(key) }).await?.facts.lock)
    }

    pub(crate) async fn worm(&self, operation: WormOperation) -> Result<BucketOutcome, Failure> {
        self.bucket(BucketOperation::Worm(bucket_name(BUCKET), operation)).await
    }

    pub(crate) async fn initiate_worm(&self, days: u32) -> Result<[u8; 16], Failure> {
        match self.worm(WormOperation::Initiate { days }).await? {
            BucketOutcome::WormInitiated(id) => Ok(id),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn set_metadata(&self, key: &str) -> Result<(), Failure> {
        let set = SetMetadata {
            bucket: bucket_name(BUCKET),
            key: object_key(key),
            version: None,
            metadata: ObjectMetadata { user: vec![("n".into(), "v".into())], ..Default::default() },
            storage_class: None,
            unnamed: Unnamed::Kept,
        };
        self.run(Operation::Object(ObjectOperation::SetMetadata(set)), None).await.map(drop)
    }

    pub(crate) async fn rewrap(&self, key: &str, version: Option<VersionId>) -> Result<(), Failure> {
        let update = UpdateEncryption {
            bucket: bucket_name(BUCKET),
            key: object_key(key),
            version,
            master_key: self.create_key(None).await,
            bucket_key: false,
        };
        self.run(Operation::Object(ObjectOperation::UpdateEncryption(update)), None).await.map(drop)
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> FailureCode {
    result.unwrap_err().code
}

#[tokio::test]
async fn a_retention_ends_when_it_ends_and_a_hold_when_it_is_taken_away() {
    let bench = Bench::locking(None).await;
    for size in [10, 70_000] {
        let kept = bench.put_locked("k", &noise(size), locked(Some(bench.until(COMPLIANCE, 2)), false)).await.unwrap();
        let held = bench.put_locked("k", b"held", locked(None, true)).await.unwrap();
        bench.put("k", b"free", Method::Plain).await.unwrap();
        bench.advance(2 * DAY_MS - 1);
        for version in [kept, held] {
            assert_eq!(code(bench.destroy("k", Some(version), true).await), FailureCode::ObjectLocked);
        }
        let read = GetObject { version: Some(kept), ..get("k") };
        assert!(bench.get_as(read).await.unwrap().1 == noise(size));
        bench.advance(1);
        bench.destroy("k", Some(kept), false).await.unwrap();
        assert_eq!(code(bench.destroy("k", Some(held), true).await), FailureCode::ObjectLocked);
        bench.put_document("k", Some(held), ObjectSetting::LegalHold(false), false).await.unwrap();
        bench.destroy("k", Some(held), false).await.unwrap();
    }
    bench.reap_later().await;
    assert_eq!(bench.blob_count().await, 0);
}

#[tokio::test]
async fn who_may_bypass_governance_may_destroy_and_shorten_and_nobody_may_so_with_compliance() {
    let bench = Bench::locking(None).await;
    let shorter = |mode| ObjectSetting::Retention(Some(bench.until(mode, 1)));
    let longer = |mode| ObjectSetting::Retention(Some(bench.until(mode, 9)));
    let put = async |mode| bench.put_locked("k", b"x", locked(Some(bench.until(mode, 5)), false)).await.unwrap();
    let version = Some(put(GOVERNANCE).await);
    assert_eq!(code(bench.destroy("k", version, false).await), FailureCode::ObjectLocked);
    for weaker in [shorter(GOVERNANCE), ObjectSetting::Retention(None)] {
        let refused = bench.put_document("k", version, weaker.clone(), false).await;
        assert_eq!(code(refused), FailureCode::ObjectLocked, "{weaker:?}");
        bench.put_document("k", version, longer(GOVERNANCE), true).await.unwrap();
        bench.put_document("k", version, weaker, true).await.unwrap();
        bench.put_document("k", version, longer(GOVERNANCE), true).await.unwrap();
    }
    bench.destroy("k", version, true).await.unwrap();

    let version = Some(put(GOVERNANCE).await);
    bench.put_document("k", version, longer(COMPLIANCE), false).await.unwrap();
    for weaker in [shorter(COMPLIANCE), longer(GOVERNANCE), ObjectSetting::Retention(None)] {
        let refused = bench.put_document("k", version, weaker.clone(), true).await;
        assert_eq!(code(refused), FailureCode::ObjectLocked, "{weaker:?}");
    }
    assert_eq!(code(bench.destroy("k", version, true).await), FailureCode::ObjectLocked);
    let over = Retention { mode: COMPLIANCE, until: bench.now() };
    let past = bench.put_document("k", version, ObjectSetting::Retention(Some(over)), true).await;
    assert_eq!(code(past), FailureCode::RetentionInPast);
    assert_eq!(code(bench.put_locked("k", b"x", locked(Some(over), false)).await), FailureCode::RetentionInPast);
}

#[tokio::test]
async fn deletions_without_a_version_and_overwrites_add_versions() {
    let bench = Bench::locking(None).await;
    let kept = bench.put_locked("k", b"first", locked(Some(bench.until(COMPLIANCE, 1)), true)).await.unwrap();
    bench.put("k", b"second", Method::Plain).await.unwrap();
    let marker = bench.destroy("k", None, false).await.unwrap();
    assert!(marker.is_some());
    assert_eq!(code(bench.get("k", Method::Plain).await), FailureCode::NoSuchKey);
    let read = GetObject { version: Some(kept), ..get("k") };
    assert_eq!(bench.get_as(read).await.unwrap().1, &b"first"[..]);
    bench.destroy("k", marker, false).await.unwrap();
    assert_eq!(bench.get("k", Method::Plain).await.unwrap(), &b"second"[..]);
}

#[tokio::test]
async fn a_batch_deletes_what_it_may_and_names_the_rest() {
    let bench = Bench::locking(None).await;
    let put = async |key, mode: Option<RetentionMode>| {
        let wish = mode.map_or_else(ObjectSettingsWish::default, |mode| locked(Some(bench.until(mode, 1)), false));
        (key, Some(bench.put_locked(key, &noise(70_000), wish).await.unwrap()))
    };
    let wanted = [
        put("a", Some(COMPLIANCE)).await,
        put("a", None).await,
        put("b", Some(GOVERNANCE)).await,
        put("c", None).await,
        ("d", None),
    ];
    let kept = |result: &Result<Option<VersionId>, FailureCode>| *result == Err(FailureCode::ObjectLocked);
    let results = bench.destroy_all(&wanted, false).await;
    assert_eq!(results.iter().map(kept).collect::<Vec<_>>(), [true, false, true, false, false]);
    let results = bench.destroy_all(&wanted, true).await;
    assert_eq!(results.iter().map(kept).collect::<Vec<_>>(), [true, false, false, false, false]);
    assert_eq!(code(bench.delete_bucket(BUCKET).await), FailureCode::BucketNotEmpty);
}

#[tokio::test]
async fn the_buckets_retention_counts_from_when_a_version_is_there() {
    let default = DefaultRetention { mode: COMPLIANCE, period: RetentionPeriod::Days(3) };
    let bench = Bench::locking(Some(default)).await;
    let expected = |bench: &Bench| ObjectLock { retention: Some(bench.until(COMPLIANCE, 3)), legal_hold: false };
    bench.put("put", b"x", Method::Plain).await.unwrap();
    assert_eq!(bench.lock_of("put", None).await.unwrap(), expected(&bench));
    bench.advance(DAY_MS);
    bench.copy_as(copy("put", Method::Plain, "copied", Method::Plain)).await.unwrap();
    assert_eq!(bench.lock_of("copied", None).await.unwrap(), expected(&bench));

    let own = Some(bench.until(GOVERNANCE, 20));
    let plain = bench.begin(initiate("parts", Method::Plain)).await.unwrap();
    let asking = bench.begin(strongroom_model::operation::upload::InitiateUpload {
        settings: locked(own, true),
        ..initiate("asking", Method::Plain)
    });
    let asking = asking.await.unwrap();
    bench.advance(5 * DAY_MS);
    for upload in [&plain, &asking] {
        let part = bench.write_part(upload, 1, b"x", Method::Plain).await.unwrap();
        bench.complete(upload, named(&[(1, part)])).await.unwrap();
    }
    assert_eq!(bench.lock_of("parts", None).await.unwrap(), expected(&bench));
    assert_eq!(bench.lock_of("asking", None).await.unwrap(), ObjectLock { retention: own, legal_hold: true });
    bench.set(Setting::ObjectLock(BucketLock::default())).await.unwrap();
    bench.put("later", b"x", Method::Plain).await.unwrap();
    assert_eq!(bench.lock_of("later", None).await.unwrap(), ObjectLock::default());
    assert_eq!(bench.lock_of("parts", None).await.unwrap(), expected(&bench), "what was given stays");
}

/// The bucket's lock is set while bytes come: what is there afterwards has the retention that the bucket then gives.
#[tokio::test]
async fn a_write_that_began_before_the_buckets_retention_is_to_be_asked_again() {
    let default = Some(DefaultRetention { mode: COMPLIANCE, period: RetentionPeriod::Days(3) });
    for size in [10, 70_000] {
        let bench = Arc::new(Bench::locking(None).await);
        let other = bench.clone();
        let meanwhile = stream::once(async move {
            other.set(Setting::ObjectLock(BucketLock { default })).await.unwrap();
            Ok(Bytes::new())
        });
        let written = bench.put_stream(put("k"), Box::pin(pieces(&noise(size)).chain(meanwhile))).await;
        assert_eq!(code(written), FailureCode::Conflict, "{size} bytes");
        assert_eq!(code(bench.get("k", Method::Plain).await), FailureCode::NoSuchKey);
        bench.put("k", &noise(size), Method::Plain).await.unwrap();
        let kept = bench.lock_of("k", None).await.unwrap().retention;
        assert_eq!(kept, Some(bench.until(COMPLIANCE, 3)));
        bench.reap_later().await;
        assert_eq!(bench.blob_count().await, usize::from(size == 70_000), "that of the write that was refused is gone");
    }
}

#[tokio::test]
async fn a_bucket_that_locks_keeps_versions_for_good() {
    let bench = Bench::memory().await;
    let read = || bench.bucket(BucketOperation::GetSetting(bucket_name(BUCKET), SettingKind::ObjectLock));
    let lock = || bench.set(Setting::ObjectLock(BucketLock::default()));
    assert_eq!(code(read().await), FailureCode::NoBucketLock);
    assert_eq!(code(lock().await), FailureCode::LockNeedsVersioning);
    let wish = locked(Some(bench.until(COMPLIANCE, 1)), false);
    let refused = bench.put_as(PutObject { settings: wish, ..put("k") }, b"x").await;
    assert_eq!(code(refused), FailureCode::NoObjectLock);
    bench.put("k", b"before", Method::Plain).await.unwrap();
    for kind in [ObjectSettingKind::Retention, ObjectSettingKind::LegalHold] {
        assert_eq!(code(bench.document("k", kind).await), FailureCode::NoObjectLock);
    }
    bench.set(Setting::Versioning(Versioning::Enabled)).await.unwrap();
    lock().await.unwrap();
    assert!(matches!(read().await, Ok(BucketOutcome::Setting(Setting::ObjectLock(BucketLock { default: None })))));
    let suspended = Setting::Versioning(Versioning::Suspended);
    assert_eq!(code(bench.set(suspended).await), FailureCode::VersioningLocked);
    assert_eq!(code(bench.document("k", ObjectSettingKind::Retention).await), FailureCode::NoRetention);
    assert_eq!(bench.document("k", ObjectSettingKind::LegalHold).await.unwrap(), ObjectSetting::LegalHold(false));

    // What was there before is the null version, and can be locked as well.
    bench.put_document("k", None, ObjectSetting::LegalHold(true), false).await.unwrap();
    bench.put("k", b"after", Method::Plain).await.unwrap();
    let null = Some(VersionId::Null);
    assert_eq!(code(bench.destroy("k", null, true).await), FailureCode::ObjectLocked);
    let read = GetObject { version: null, ..get("k") };
    assert_eq!(bench.get_as(read).await.unwrap().1, &b"before"[..]);
}

#[tokio::test]
async fn a_bucket_may_lock_from_the_beginning() {
    let bench = Bench::memory().await;
    let create = CreateBucket {
        bucket: bucket_name("locking"),
        location: None,
        acl: strongroom_model::acl::AclWish::Unspecified(strongroom_model::metadata::CannedAcl::Private),
        tags: Default::default(),
        storage_class: Default::default(),
        encryption: None,
        always_encrypted: false,
        lock: true,
    };
    let created = bench.bucket(BucketOperation::Create(create)).await.unwrap();
    let BucketOutcome::Created(facts) = created else { panic!("{created:?}") };
    assert_eq!((facts.lock, facts.versioning), (Some(BucketLock::default()), Versioning::Enabled));
    let wish = locked(None, true);
    let written = bench.put_as(PutObject { bucket: bucket_name("locking"), settings: wish, ..put("k") }, b"x").await;
    let delete = DeleteObject {
        bucket: bucket_name("locking"),
        key: object_key("k"),
        version: written.unwrap().version,
        conditions: Default::default(),
        bypass_governance: true,
    };
    let refused = bench.run(Operation::Object(ObjectOperation::Delete(delete)), None).await;
    assert_eq!(refused.err().map(|failure| failure.code), Some(FailureCode::ObjectLocked));
}

#[tokio::test]
async fn of_what_is_kept_the_wrapping_may_change_and_nothing_is_appended() {
    let bench = Bench::locking(None).await;
    let kept = PutObject {
        settings: locked(Some(bench.until(COMPLIANCE, 1)), true),
        encryption: Method::ManagedAes.wish(),
        ..put("k")
    };
    bench.put_as(kept, &noise(70_000)).await.unwrap();
    let before = bench.head(get("k")).await.unwrap().facts;
    bench.rewrap("k", None).await.unwrap();
    let after = bench.head(get("k")).await.unwrap().facts;
    assert_eq!((after.lock, after.etag, after.version), (before.lock, before.etag, before.version));
    assert!(bench.get("k", Method::KmsAes).await.unwrap() == noise(70_000));
    bench.set_metadata("k").await.unwrap();
    assert_eq!(bench.lock_of("k", None).await.unwrap(), before.lock);
    assert_eq!(code(bench.append("new", 0, b"x", Method::Plain).await), FailureCode::ObjectLocked);
}

#[tokio::test]
async fn an_append_that_began_before_the_bucket_locked_is_refused() {
    let bench = Bench::memory().await;
    bench.set(Setting::Versioning(Versioning::Enabled)).await.unwrap();
    bench.append("log", 0, b"first", Method::Plain).await.unwrap();
    bench.set(Setting::ObjectLock(BucketLock::default())).await.unwrap();
    assert_eq!(code(bench.append("log", 5, b"second", Method::Plain).await), FailureCode::ObjectLocked);
    assert_eq!(bench.get("log", Method::Plain).await.unwrap(), &b"first"[..]);
}

#[tokio::test]
async fn a_policy_on_the_bucket_keeps_all_objects_for_its_days() {
    let bench = Bench::memory().await;
    bench.put("old", b"old", Method::ManagedAes).await.unwrap();
    bench.append("log", 0, b"log", Method::Plain).await.unwrap();
    bench.advance(DAY_MS);
    let id = bench.initiate_worm(3).await.unwrap();
    bench.worm(WormOperation::Complete { id }).await.unwrap();
    bench.put("new", &noise(70_000), Method::Plain).await.unwrap();
    for key in ["old", "new"] {
        assert_eq!(code(bench.put(key, b"other", Method::Plain).await), FailureCode::ObjectLocked, "{key}");
        assert_eq!(code(bench.copy("log", Method::Plain, key, Method::Plain).await), FailureCode::ObjectLocked);
        assert_eq!(code(bench.delete(key).await), FailureCode::ObjectLocked, "{key}");
        assert_eq!(code(bench.set_metadata(key).await), FailureCode::ObjectLocked, "{key}");
        let upload = bench.begin(initiate(key, Method::Plain)).await.unwrap();
        let part = bench.write_part(&upload, 1, b"x", Method::Plain).await.unwrap();
        let refused = bench.complete(&upload, named(&[(1, part)])).await;
        assert_eq!(code(refused), FailureCode::ObjectLocked, "{key}");
        bench.abort(&upload).await.unwrap();
    }
    assert_eq!(code(bench.append("log", 3, b"x", Method::Plain).await), FailureCode::ObjectLocked);
    bench.rewrap("old", None).await.unwrap();
    assert_eq!(bench.get("old", Method::KmsAes).await.unwrap(), &b"old"[..]);
    let suspended = bench.set(Setting::Versioning(Versioning::Enabled)).await;
    assert_eq!(code(suspended), FailureCode::InvalidWorm);

    bench.advance(2 * DAY_MS);
    let wanted = [("log", None), ("new", None), ("old", None), ("absent", None)];
    let results = bench.destroy_all(&wanted, true).await;
    let kept: Vec<_> = results.iter().map(|result| result.is_err()).collect();
    assert_eq!(kept, [false, true, false, false], "those of the first day are three days old");
    bench.advance(DAY_MS);
    bench.put("new", b"other", Method::Plain).await.unwrap();
    bench.delete_bucket(BUCKET).await.unwrap_err();
}

#[tokio::test]
async fn a_policy_is_made_locked_and_prolonged_and_in_no_other_order() {
    use WormOperation::{Abort, Complete, Extend, Get, Initiate};
    let bench = Bench::memory().await;
    let seen = async || match bench.worm(Get).await {
        Ok(BucketOutcome::Worm(worm)) => Ok(worm),
        Ok(other) => panic!("{other:?}"),
        Err(failure) => Err(failure.code),
    };
    let refused = async |operation| code(bench.worm(operation).await);
    assert_eq!(seen().await, Err(FailureCode::NoWorm));
    assert_eq!(refused(Abort).await, FailureCode::NoWorm);
    for days in [0, Worm::DAYS_MAX + 1] {
        assert_eq!(refused(Initiate { days }).await, FailureCode::InvalidWorm);
    }
    let first = bench.initiate_worm(2).await.unwrap();
    assert_eq!(refused(Initiate { days: 1 }).await, FailureCode::InvalidWorm);
    assert_eq!(refused(Extend { id: first, days: 3 }).await, FailureCode::InvalidWorm, "it is not locked");
    assert_eq!(refused(Complete { id: [0; 16] }).await, FailureCode::NoWorm);
    bench.worm(Abort).await.unwrap();
    assert_eq!(seen().await, Err(FailureCode::NoWorm));

    let second = bench.initiate_worm(2).await.unwrap();
    bench.put("k", b"x", Method::Plain).await.unwrap();
    bench.advance(DAY_MS - 1);
    assert_eq!(code(bench.delete("k").await), FailureCode::ObjectLocked, "a policy not locked yet keeps, too");
    bench.advance(1);
    assert_eq!(seen().await, Err(FailureCode::NoWorm), "nobody locked it within a day");
    assert_eq!(refused(Complete { id: second }).await, FailureCode::NoWorm);
    bench.delete("k").await.unwrap();

    let made = bench.now();
    let third = bench.initiate_worm(2).await.unwrap();
    bench.worm(Complete { id: third }).await.unwrap();
    assert_eq!(seen().await, Ok(Worm { id: third, days: 2, created: made, locked: true }));
    for operation in [Abort, Initiate { days: 9 }, Complete { id: third }] {
        assert_eq!(refused(operation).await, FailureCode::WormLocked, "{operation:?}");
    }
    assert_eq!(refused(Extend { id: third, days: 1 }).await, FailureCode::InvalidWorm);
    bench.worm(Extend { id: third, days: 5 }).await.unwrap();
    bench.put("k", b"x", Method::Plain).await.unwrap();
    bench.advance(5 * DAY_MS - 1);
    assert_eq!(code(bench.delete("k").await), FailureCode::ObjectLocked);
    bench.advance(1);
    bench.delete("k").await.unwrap();
    bench.delete_bucket(BUCKET).await.unwrap();
}

#[tokio::test]
async fn a_policy_and_versions_exclude_each_other() {
    let bench = Bench::locking(None).await;
    assert_eq!(code(bench.initiate_worm(1).await), FailureCode::InvalidWorm);
}

/// Whichever comes first: if the version is held, it is there.
#[tokio::test(flavor = "multi_thread")]
async fn holds_race_deletions() {
    let (mut held, mut gone) = (0, 0);
    for round in 0..60 {
        let bench = Arc::new(Bench::locking(None).await);
        let version = Some(bench.put_locked("k", b"x", ObjectSettingsWish::default()).await.unwrap());
        let (holder, deleter) = (bench.clone(), bench.clone());
        let hold =
            async move { holder.put_document("k", version, ObjectSetting::LegalHold(true), false).await.is_ok() };
        let delete = async move { deleter.destroy("k", version, false).await.is_ok() };
        // Each begins first in half of the rounds, so that each wins some.
        let (hold, delete) = if round % 2 == 0 {
            let hold = tokio::spawn(hold);
            (hold, tokio::spawn(delete))
        } else {
            let delete = tokio::spawn(delete);
            (tokio::spawn(hold), delete)
        };
        let (is_held, is_deleted) = (hold.await.unwrap(), delete.await.unwrap());
        let is_there = bench.get_as(GetObject { version, ..get("k") }).await.is_ok();
        assert_eq!((is_deleted, is_there), (!is_held, is_held));
        if is_held { held += 1 } else { gone += 1 }
    }
    assert!(held > 0 && gone > 0, "{held} were held, {gone} are gone");
}

/// Whichever comes first: once the policy is there, so is what it keeps.
#[tokio::test(flavor = "multi_thread")]
async fn policies_race_deletions_and_overwrites() {
    for round in 0..40 {
        let bench = Arc::new(Bench::memory().await);
        bench.put("k", b"first", Method::Plain).await.unwrap();
        let other = bench.clone();
        let change = tokio::spawn(async move {
            match round % 2 {
                0 => other.delete("k").await.is_ok(),
                _ => other.put("k", b"second", Method::Plain).await.is_ok(),
            }
        });
        bench.initiate_worm(1).await.unwrap();
        let at_once = bench.get("k", Method::Plain).await.ok();
        let changed = change.await.unwrap();
        let later = bench.get("k", Method::Plain).await.ok();
        assert!(at_once == later, "what was there when the policy was made is there");
        assert_eq!(later.as_deref() == Some(&b"first"[..]), !changed);
    }
}

#[tokio::test]
async fn times_at_the_ends_of_time_are_clamped() {
    let forever = DefaultRetention { mode: GOVERNANCE, period: RetentionPeriod::Years(100) };
    let bench = Bench::locking(Some(forever)).await;
    bench.put("k", b"x", Method::Plain).await.unwrap();
    let until = bench.lock_of("k", None).await.unwrap().retention.unwrap().until;
    assert_eq!(until, bench.now().plus_millis(36_500 * DAY_MS));
    let end = Retention { mode: GOVERNANCE, until: Timestamp::from_millis(i64::MAX) };
    bench.put_document("k", None, ObjectSetting::Retention(Some(end)), false).await.unwrap();
    assert_eq!(bench.lock_of("k", None).await.unwrap().retention, Some(end));
}
