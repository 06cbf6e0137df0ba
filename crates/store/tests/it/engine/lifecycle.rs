//! The lifecycle rules: followed by a clock that is moved by hand, in buckets that keep versions and in those that do not; and what
//! requests tell of them.

use std::{sync::Arc, time::Duration};

use strongroom_model::failure::FailureCode;
use strongroom_model::lifecycle::{
    Expiration, Lifecycle, LifecycleRule, NoncurrentExpiration, RuleScope, ScopeException, UploadExpiration,
};
use strongroom_model::operation::bucket::{ListVersions, WormOperation};
use strongroom_model::operation::object::{GetObject, PutObject};
use strongroom_model::operation::upload::ListUploads;
use strongroom_model::operation::{AdminOperation, BucketOperation, Operation, UploadOperation};
use strongroom_model::outcome::bucket::VersionContent;
use strongroom_model::outcome::job::{JobState, LifecycleTally};
use strongroom_model::outcome::{AdminOutcome, BucketOutcome, Outcome, UploadOutcome};
use strongroom_model::setting::{ObjectSetting, ObjectSettingsWish, Setting, SettingKind, Versioning};
use strongroom_model::tag::TagSet;
use strongroom_model::time::Timestamp;
use strongroom_store::kv::{Batch, KeyRange};
use tokio::sync::watch;

use super::bench::{BUCKET, Bench, Method, bucket_name, get, put};
use super::locks::{COMPLIANCE, GOVERNANCE, locked};
use super::uploads::initiate;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The family of the rows that hold lifecycle rules, see docs/CATALOG.md.
const RULES: u8 = 0x33;

/// Less time than a run takes for a page of keys.
const MOMENT: Duration = Duration::from_millis(1);

fn rule(id: &str, prefix: &str) -> LifecycleRule {
    LifecycleRule {
        id: id.to_owned(),
        enabled: true,
        scope: RuleScope { prefix: prefix.to_owned(), ..RuleScope::default() },
        expiration: None,
        noncurrent: None,
        uploads: None,
    }
}

pub(crate) fn expiring(id: &str, prefix: &str, expiration: Expiration) -> LifecycleRule {
    LifecycleRule { expiration: Some(expiration), ..rule(id, prefix) }
}

async fn set(bench: &Bench, setting: Setting) {
    bench.bucket(BucketOperation::PutSetting(bucket_name(BUCKET), setting)).await.unwrap();
}

async fn set_rules(bench: &Bench, rules: Vec<LifecycleRule>) {
    set(bench, Setting::Lifecycle(Lifecycle { rules })).await;
}

async fn followed(bench: &Bench) -> LifecycleTally {
    let report = bench.lifecycle.run_once(&bench.clock()).await.unwrap();
    assert_eq!(report.state, JobState::Finished);
    report.done
}

async fn keys(bench: &Bench) -> Vec<String> {
    let listed = bench.list().await;
    listed.objects.into_iter().map(|object| object.key.as_str().to_owned()).collect()
}

/// Of every version, newest first: its key, and whether it is an object.
async fn versions(bench: &Bench) -> Vec<(String, bool)> {
    let list = ListVersions {
        bucket: bucket_name(BUCKET),
        prefix: String::new(),
        delimiter: String::new(),
        key_marker: String::new(),
        version_marker: None,
        max_keys: 1000,
        url_encoded: false,
    };
    let BucketOutcome::Versions(listed) = bench.bucket(BucketOperation::ListVersions(list)).await.unwrap() else {
        panic!("it lists versions")
    };
    let told = listed.versions.into_iter().map(|version| match version.content {
        VersionContent::Object(object) => (object.key.as_str().to_owned(), true),
        VersionContent::Marker { key, .. } => (key.as_str().to_owned(), false),
    });
    told.collect()
}

fn tagged(key: &str, tag: &str) -> PutObject {
    let tags = TagSet::restored(vec![("class".to_owned(), tag.to_owned())]);
    PutObject { settings: ObjectSettingsWish { tags, ..ObjectSettingsWish::default() }, ..put(key) }
}

/// The bench's clock begins at midnight, so that an object of its first moment waits a day more than it would one later.
#[tokio::test]
async fn days_are_counted_and_rounded_to_midnight() {
    let bench = Bench::disk().await;
    bench.advance(10 * HOUR + HOUR / 2);
    bench.put("logs/old", b"x", Method::Plain).await.unwrap();
    bench.put("logs/large", &vec![7; 200_000], Method::KmsAes).await.unwrap();
    bench.put("kept", b"x", Method::Plain).await.unwrap();
    set_rules(&bench, vec![expiring("r", "logs/", Expiration::After(3))]).await;
    bench.advance(3 * DAY);
    assert_eq!(followed(&bench).await.removed(), 0, "three days later, but not midnight");
    bench.advance(13 * HOUR + HOUR / 2 - 1);
    assert_eq!(followed(&bench).await.removed(), 0, "the last moment of the day");
    bench.put("logs/new", b"x", Method::Plain).await.unwrap();
    bench.advance(1);
    let done = followed(&bench).await;
    assert_eq!((done.expired, done.marked, done.keys, done.buckets), (2, 0, 3, 1));
    assert_eq!(keys(&bench).await, ["kept", "logs/new"]);
    // What it removed, the reaper frees as after any deletion.
    bench.advance(60_000);
    let reaped = bench.reaper.lock().await.run_once(bench.now()).await.unwrap();
    assert_eq!(reaped.removed, 1);
}

#[tokio::test]
async fn dates_sizes_tags_and_exceptions() {
    let bench = Bench::memory().await;
    bench.advance(HOUR);
    for (key, tag, size) in [("a/1", "x", 10), ("a/2", "y", 10), ("a/3", "x", 100), ("a/keep/4", "x", 10)] {
        bench.put_as(tagged(key, tag), &vec![1; size]).await.unwrap();
    }
    bench.put("b", b"", Method::Plain).await.unwrap();
    let scope = RuleScope {
        prefix: "a/".to_owned(),
        tags: vec![("class".to_owned(), "x".to_owned())],
        smaller_than: Some(100),
        except: vec![ScopeException { prefix: "a/keep/".to_owned(), tag: None }],
        ..RuleScope::default()
    };
    let past = Timestamp::from_millis(bench.now().millis() - HOUR);
    set_rules(&bench, vec![LifecycleRule { scope, ..expiring("r", "", Expiration::On(past)) }]).await;
    let done = followed(&bench).await;
    assert_eq!((done.expired, done.keys), (1, 4), "keys outside of the prefix are not looked at");
    assert_eq!(keys(&bench).await, ["a/2", "a/3", "a/keep/4", "b"]);
    let limit = bench.now();
    bench.advance(1);
    bench.put("b2", b"", Method::Plain).await.unwrap();
    let mut off = expiring("off", "a/", Expiration::On(past));
    off.enabled = false;
    set_rules(&bench, vec![expiring("r", "b", Expiration::WrittenBefore(limit.plus_millis(1))), off]).await;
    assert_eq!(followed(&bench).await.expired, 0, "not before midnight");
    bench.advance(DAY);
    assert_eq!(followed(&bench).await.expired, 1);
    assert_eq!(keys(&bench).await, ["a/2", "a/3", "a/keep/4", "b2"]);
}

#[tokio::test]
async fn where_versions_are_kept_an_object_goes_under_a_marker_and_the_marker_goes_last() {
    let bench = Bench::memory().await;
    set(&bench, Setting::Versioning(Versioning::Enabled)).await;
    bench.advance(HOUR);
    bench.put("k", b"one", Method::ManagedAes).await.unwrap();
    bench.put("k", b"two", Method::ManagedAes).await.unwrap();
    let noncurrent = Some(NoncurrentExpiration { days: 1, newer_kept: None });
    let both = LifecycleRule { noncurrent, ..expiring("r", "", Expiration::After(1)) };
    set_rules(&bench, vec![both]).await;
    bench.advance(2 * DAY);
    let done = followed(&bench).await;
    assert_eq!((done.noncurrent, done.marked, done.expired, done.markers), (1, 1, 0, 0));
    assert_eq!(keys(&bench).await, Vec::<String>::new());
    assert_eq!(versions(&bench).await, [("k".to_owned(), false), ("k".to_owned(), true)]);
    assert_eq!(followed(&bench).await.removed(), 0, "what became noncurrent just now has its day");
    bench.advance(DAY + 23 * HOUR);
    let done = followed(&bench).await;
    assert_eq!(
        (done.noncurrent, done.markers),
        (1, 1),
        "the version, and then the marker of that age with nothing behind it"
    );
    assert_eq!(versions(&bench).await, []);
}

#[tokio::test]
async fn a_lone_marker_goes_by_its_own_rule_and_one_with_versions_stays() {
    let bench = Bench::memory().await;
    set(&bench, Setting::Versioning(Versioning::Enabled)).await;
    bench.delete("alone").await.unwrap();
    bench.put("behind", b"x", Method::Plain).await.unwrap();
    bench.delete("behind").await.unwrap();
    set_rules(&bench, vec![expiring("r", "", Expiration::LoneMarkers)]).await;
    let done = followed(&bench).await;
    assert_eq!((done.markers, done.removed()), (1, 1));
    assert_eq!(versions(&bench).await, [("behind".to_owned(), false), ("behind".to_owned(), true)]);
}

/// More versions than one commit deletes, and a number of newer ones that stay.
#[tokio::test]
async fn noncurrent_versions_go_by_age_and_number() {
    let bench = Bench::memory().await;
    set(&bench, Setting::Versioning(Versioning::Enabled)).await;
    bench.advance(HOUR);
    for _ in 0..520 {
        bench.put("k", b"", Method::Plain).await.unwrap();
    }
    let noncurrent = Some(NoncurrentExpiration { days: 5, newer_kept: Some(2) });
    set_rules(&bench, vec![LifecycleRule { noncurrent, ..rule("r", "") }]).await;
    bench.advance(5 * DAY);
    assert_eq!(followed(&bench).await.removed(), 0);
    bench.advance(DAY);
    assert_eq!(followed(&bench).await.noncurrent, 517);
    assert_eq!(versions(&bench).await.len(), 3);
    assert_eq!(bench.get("k", Method::Plain).await.unwrap(), "");
}

#[tokio::test]
async fn where_versioning_is_suspended_the_null_version_gives_way_to_a_null_marker() {
    let bench = Bench::memory().await;
    set(&bench, Setting::Versioning(Versioning::Enabled)).await;
    bench.put("k", b"kept", Method::Plain).await.unwrap();
    set(&bench, Setting::Versioning(Versioning::Suspended)).await;
    bench.advance(HOUR);
    bench.put("k", b"null", Method::Plain).await.unwrap();
    set_rules(&bench, vec![expiring("r", "", Expiration::After(1))]).await;
    bench.advance(2 * DAY);
    assert_eq!(followed(&bench).await.marked, 1);
    assert_eq!(versions(&bench).await, [("k".to_owned(), false), ("k".to_owned(), true)]);
}

#[tokio::test]
async fn old_uploads_are_aborted_and_their_parts_go() {
    let bench = Bench::disk().await;
    bench.advance(HOUR);
    let old = bench.begin(initiate("logs/a", Method::Plain)).await.unwrap();
    bench.write_part(&old, 1, &vec![1; 200_000], Method::Plain).await.unwrap();
    bench.begin(initiate("other", Method::Plain)).await.unwrap();
    bench.advance(DAY);
    bench.begin(initiate("logs/b", Method::Plain)).await.unwrap();
    let uploads = Some(UploadExpiration::After(1));
    set_rules(&bench, vec![LifecycleRule { uploads, ..rule("r", "logs/") }]).await;
    bench.advance(23 * HOUR);
    assert_eq!(followed(&bench).await.uploads, 1);
    let list = ListUploads {
        bucket: bucket_name(BUCKET),
        prefix: String::new(),
        delimiter: String::new(),
        key_marker: String::new(),
        upload_marker: None,
        max_uploads: 10,
        url_encoded: false,
    };
    let listed = bench.run(Operation::Upload(UploadOperation::List(list)), None).await.unwrap().outcome;
    let Outcome::Upload(UploadOutcome::Uploads(listed)) = listed else { panic!("{listed:?}") };
    let left: Vec<_> = listed.uploads.iter().map(|upload| upload.key.as_str()).collect();
    assert_eq!(left, ["logs/b", "other"]);
    let reaped = bench.reaper.lock().await.run_once(bench.now()).await.unwrap();
    assert_eq!(reaped.removed, 1, "the part's blob");
}

/// Retention, legal hold, and a bucket's policy: what a client could not destroy, no rule does.
#[tokio::test]
async fn what_is_locked_stays_and_is_counted() {
    let bench = Bench::locking(None).await;
    bench.advance(HOUR);
    let held = bench.put_locked("k", b"held", locked(None, true)).await.unwrap();
    let retained = locked(Some(bench.until(GOVERNANCE, 10)), false);
    let retained = bench.put_locked("k", b"retained", retained).await.unwrap();
    let expired = locked(Some(bench.until(COMPLIANCE, 2)), false);
    bench.put_locked("k", b"let go", expired).await.unwrap();
    bench.put("k", b"latest", Method::Plain).await.unwrap();
    let noncurrent = Some(NoncurrentExpiration { days: 1, newer_kept: None });
    set_rules(&bench, vec![LifecycleRule { noncurrent, ..rule("r", "") }]).await;
    bench.advance(3 * DAY);
    let done = followed(&bench).await;
    assert_eq!((done.noncurrent, done.locked, done.removed(), done.troubles), (1, 2, 1, 0));
    for (version, bytes) in [(held, "held"), (retained, "retained")] {
        let read = GetObject { version: Some(version), ..get("k") };
        assert_eq!(bench.get_as(read).await.unwrap().1, bytes);
    }
    bench.advance(8 * DAY);
    let done = followed(&bench).await;
    assert_eq!((done.noncurrent, done.locked), (1, 1), "a retention ends, a hold does not");
    let lock = ObjectSetting::LegalHold(false);
    bench.put_document("k", Some(held), lock, false).await.unwrap();
    let done = followed(&bench).await;
    assert_eq!((done.noncurrent, done.locked), (1, 0));
    assert_eq!(versions(&bench).await, [("k".to_owned(), true)]);
}

#[tokio::test]
async fn what_a_buckets_policy_keeps_stays_and_is_counted() {
    let bench = Bench::memory().await;
    bench.advance(HOUR);
    bench.put("k", b"x", Method::Plain).await.unwrap();
    let id = bench.initiate_worm(5).await.unwrap();
    bench.worm(WormOperation::Complete { id }).await.unwrap();
    set_rules(&bench, vec![expiring("r", "", Expiration::After(1))]).await;
    bench.advance(3 * DAY);
    let done = followed(&bench).await;
    assert_eq!((done.locked, done.removed()), (1, 0));
    assert_eq!(bench.get("k", Method::Plain).await.unwrap(), "x");
    bench.advance(3 * DAY);
    let done = followed(&bench).await;
    assert_eq!((done.locked, done.expired), (0, 1));
}

/// Rules that do not open are one bucket's trouble: the others' are followed, and the run comes to its end.
#[tokio::test]
async fn damage_in_one_buckets_rules_holds_up_no_other() {
    let bench = Bench::memory().await;
    bench.advance(HOUR);
    let rules = vec![expiring("r", "", Expiration::After(1))];
    set_rules(&bench, rules.clone()).await;
    let row = bench.kv.scan(KeyRange::prefix(vec![RULES]), 10).await.unwrap().remove(0);
    let other = bucket_name("z-comes-later");
    assert!(*BUCKET < *other.as_str());
    bench.create_bucket(other.as_str(), None).await.unwrap();
    bench.put_as(PutObject { bucket: other.clone(), ..put("k") }, b"x").await.unwrap();
    let setting = Setting::Lifecycle(Lifecycle { rules });
    bench.bucket(BucketOperation::PutSetting(other, setting)).await.unwrap();
    let _ = bench.kv.commit(Batch::new().put(row.key, &b"nonsense"[..])).await.unwrap();
    bench.advance(3 * DAY);
    let done = followed(&bench).await;
    assert_eq!((done.buckets, done.troubles, done.expired), (2, 1, 1));
}

/// Writers overwrite what is due while the rules are followed. Whatever they wrote last is there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overwrite_in_the_same_moment_is_never_deleted() {
    let bench = Arc::new(Bench::memory().await);
    bench.advance(HOUR);
    for round in 0..4 {
        for key in 0..100 {
            bench.put(&format!("k{key:03}"), b"old", Method::Plain).await.unwrap();
        }
        let limit = bench.now().plus_millis(1);
        bench.advance(1);
        set_rules(&bench, vec![expiring("r", "", Expiration::WrittenBefore(limit))]).await;
        bench.advance(DAY);
        let writer = tokio::spawn({
            let bench = Arc::clone(&bench);
            async move {
                for key in (0..100).rev() {
                    bench.put(&format!("k{key:03}"), format!("new {round}").as_bytes(), Method::Plain).await.unwrap();
                }
            }
        });
        followed(&bench).await;
        writer.await.unwrap();
        for key in 0..100 {
            let read = bench.get(&format!("k{key:03}"), Method::Plain).await;
            assert_eq!(read.unwrap(), format!("new {round}"), "k{key:03}");
        }
    }
}

#[tokio::test]
async fn requests_tell_when_an_object_goes() {
    let bench = Bench::memory().await;
    set(&bench, Setting::Versioning(Versioning::Enabled)).await;
    bench.advance(HOUR);
    assert_eq!(bench.put("logs/a", b"x", Method::Plain).await.unwrap().expiration, None);
    let scope = RuleScope { tags: vec![("class".into(), "x".into())], ..RuleScope::default() };
    let by_tag = LifecycleRule { scope, ..expiring("by tag", "", Expiration::After(1)) };
    set_rules(&bench, vec![expiring("by name", "logs/", Expiration::After(9)), by_tag]).await;
    let told =
        |at: i64, rule: &str| Some((Timestamp::from_millis(bench.now().millis() - HOUR + at * DAY), rule.to_owned()));
    let written = bench.put_as(tagged("logs/a", "x"), b"x").await.unwrap();
    let seen = |notice: Option<strongroom_model::lifecycle::ExpirationNotice>| notice.map(|it| (it.at, it.rule));
    assert_eq!(seen(written.expiration), told(2, "by tag"));
    let head = bench.head(get("logs/a")).await.unwrap();
    assert_eq!(seen(head.facts.expiration), told(2, "by tag"));
    let named = GetObject { version: written.version, ..get("logs/a") };
    assert_eq!(bench.head(named).await.unwrap().facts.expiration, None, "nothing of a version that is named");
    let written = bench.put("logs/b", b"x", Method::Plain).await.unwrap();
    assert_eq!(seen(written.expiration), told(10, "by name"));
    assert_eq!(seen(bench.get_as(get("logs/b")).await.unwrap().0.facts.expiration), told(10, "by name"));
    assert_eq!(bench.put("other", b"x", Method::Plain).await.unwrap().expiration, None);
}

#[tokio::test]
async fn rules_are_kept_named_and_taken_away() {
    let bench = Bench::memory().await;
    let read = || bench.bucket(BucketOperation::GetSetting(bucket_name(BUCKET), SettingKind::Lifecycle));
    assert_eq!(read().await.unwrap_err().code, FailureCode::NoLifecycle);
    let rules = vec![expiring("", "a", Expiration::After(1)), expiring("named", "b", Expiration::LoneMarkers)];
    set_rules(&bench, rules.clone()).await;
    let BucketOutcome::Setting(Setting::Lifecycle(kept)) = read().await.unwrap() else { panic!("it reads rules") };
    assert_eq!((kept.rules[0].id.len(), &kept.rules[1]), (24, &rules[1]), "a rule without a name has got one");
    bench.put("a", b"x", Method::Plain).await.unwrap();
    bench.bucket(BucketOperation::DeleteSetting(bucket_name(BUCKET), SettingKind::Lifecycle)).await.unwrap();
    assert_eq!(read().await.unwrap_err().code, FailureCode::NoLifecycle);
    bench.advance(9 * DAY);
    let done = followed(&bench).await;
    assert_eq!((done.buckets, done.removed()), (0, 0));
    assert_eq!(bench.put("a", b"x", Method::Plain).await.unwrap().expiration, None);
    // A bucket that goes takes its rules along: one of its name begins without.
    set_rules(&bench, rules).await;
    bench.delete("a").await.unwrap();
    bench.bucket(BucketOperation::Delete(bucket_name(BUCKET))).await.unwrap();
    bench.create_bucket(BUCKET, None).await.unwrap();
    assert_eq!(read().await.unwrap_err().code, FailureCode::NoLifecycle);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_before_it_is_at_work_can_be_begun_again() {
    let bench = Bench::memory().await;
    assert_eq!(followed(&bench).await.buckets, 0, "today's run, so that none is due by itself");
    bench.admin(AdminOperation::StartLifecycle).await.unwrap();
    bench.admin(AdminOperation::StopLifecycle).await.unwrap();
    let (_stop, stopped) = watch::channel(false);
    let _job = tokio::spawn(Arc::clone(&bench.lifecycle).run(bench.clock(), stopped));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.lifecycle.report().state, JobState::Stopped);
    bench.admin(AdminOperation::StartLifecycle).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.lifecycle.report().state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn it_runs_once_a_day_and_goes_on_where_it_was_stopped() {
    let bench = Bench::memory().await;
    bench.advance(HOUR);
    for key in 0..600 {
        bench.put(&format!("k{key:03}"), b"", Method::Plain).await.unwrap();
    }
    set_rules(&bench, vec![expiring("r", "", Expiration::After(1))]).await;
    bench.advance(2 * DAY);
    // Stopped as soon as it looks, after the first page of keys.
    let begun = bench.admin(AdminOperation::StartLifecycle).await.unwrap();
    assert!(matches!(begun, AdminOutcome::Lifecycle(report) if report.state == JobState::Running));
    let again = bench.admin(AdminOperation::StartLifecycle).await.unwrap_err();
    assert_eq!(again.code, FailureCode::Conflict);
    let (stop, stopped) = watch::channel(false);
    let job = tokio::spawn(Arc::clone(&bench.lifecycle).run(bench.clock(), stopped));
    while bench.lifecycle.report().done.keys == 0 {
        tokio::time::sleep(MOMENT).await;
    }
    bench.admin(AdminOperation::StopLifecycle).await.unwrap();
    while bench.lifecycle.report().state == JobState::Running {
        tokio::time::sleep(MOMENT).await;
    }
    let report = bench.lifecycle.report();
    assert_eq!((report.state, report.done.keys, report.done.expired), (JobState::Stopped, 256, 256));
    stop.send(true).unwrap();
    job.await.unwrap();
    let bench = bench.reopen().await;
    bench.advance(2 * DAY + HOUR);
    let AdminOutcome::Lifecycle(kept) = bench.admin(AdminOperation::DescribeLifecycle).await.unwrap() else {
        panic!("it tells of the run")
    };
    assert_eq!((kept.state, kept.done), (JobState::Stopped, report.done), "another process knows");
    assert_eq!(followed(&bench).await.expired, 600, "and goes on");
    // By itself, once for each day.
    let (_stop, stopped) = watch::channel(false);
    let _job = tokio::spawn(Arc::clone(&bench.lifecycle).run(bench.clock(), stopped));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.lifecycle.report().done.expired, 600, "today's run was there already");
    bench.advance(DAY);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let report = bench.lifecycle.report();
    assert_eq!((report.state, report.done.expired, report.started), (JobState::Finished, 0, Some(bench.now())));
}
