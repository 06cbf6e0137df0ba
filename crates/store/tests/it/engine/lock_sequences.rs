//! No sequence of operations destroys what is kept before its time: random ones against a list of versions, each with what keeps
//! it, and against a map of objects with the time of each, in a bucket that a policy keeps.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lock::{BucketLock, DefaultRetention, Retention, RetentionMode, RetentionPeriod};
use strongroom_model::name::VersionId;
use strongroom_model::operation::bucket::WormOperation;
use strongroom_model::operation::object::{GetObject, PutObject};
use strongroom_model::operation::upload::InitiateUpload;
use strongroom_model::setting::{ObjectSetting, ObjectSettingsWish, Setting, Versioning};
use strongroom_model::time::Timestamp;

use super::bench::{BUCKET, Bench, Method, copy, get, noise};
use super::locks::{COMPLIANCE, DAY_MS, GOVERNANCE, locked};
use super::uploads::{initiate, named};

const HOUR_MS: i64 = DAY_MS / 24;

/// A retention for so many hours, strict or not.
type Wish = Option<(bool, i64)>;

#[derive(Clone, Debug)]
enum Step {
    Put(u8, usize, Wish, bool),
    Copy(u8, u8, Wish),
    Upload(u8, usize, Wish, bool),
    Append(u8),
    Delete(u8),
    DeleteVersion(u8, usize, bool),
    DeleteMany(Vec<(u8, usize)>, bool),
    Retain(u8, usize, Wish, bool),
    Hold(u8, usize, bool),
    Default(Option<(bool, u32)>),
    Suspend,
    Rewrap(u8, usize),
    Describe(u8),
    DeleteBucket,
    Advance(i64),
    Reap,
    Restart,
}

/// A version as the model has it. A delete marker has no size.
#[derive(Clone, Debug)]
struct Held {
    id: VersionId,
    size: Option<usize>,
    strict: bool,
    until: i64,
    hold: bool,
}

/// The versions of each key, newest first; and the bucket's own retention.
#[derive(Default)]
struct Model {
    keys: BTreeMap<u8, Vec<Held>>,
    default: Option<(bool, u32)>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (key, nth) = (0..3_u8, 0..4_usize);
    let wish = || option::of((any::<bool>(), 1..60_i64));
    let size = prop_oneof![3 => 0..50_usize, 1 => 65_537..70_000_usize];
    let step = prop_oneof![
        6 => (key.clone(), size.clone(), wish(), any::<bool>()).prop_map(|(k, s, w, h)| Step::Put(k, s, w, h)),
        2 => (key.clone(), key.clone(), wish()).prop_map(|(from, to, wish)| Step::Copy(from, to, wish)),
        2 => (key.clone(), 0..50_usize, wish(), any::<bool>()).prop_map(|(k, s, w, h)| Step::Upload(k, s, w, h)),
        1 => key.clone().prop_map(Step::Append),
        3 => key.clone().prop_map(Step::Delete),
        8 => (key.clone(), nth.clone(), any::<bool>()).prop_map(|(k, n, b)| Step::DeleteVersion(k, n, b)),
        3 => (vec((key.clone(), nth.clone()), 1..5), any::<bool>()).prop_map(|(many, b)| Step::DeleteMany(many, b)),
        5 => (key.clone(), nth.clone(), wish(), any::<bool>()).prop_map(|(k, n, w, b)| Step::Retain(k, n, w, b)),
        3 => (key.clone(), nth.clone(), any::<bool>()).prop_map(|(k, n, held)| Step::Hold(k, n, held)),
        2 => option::of((any::<bool>(), 1..3_u32)).prop_map(Step::Default),
        1 => Just(Step::Suspend),
        1 => (key.clone(), nth).prop_map(|(k, n)| Step::Rewrap(k, n)),
        1 => key.prop_map(Step::Describe),
        1 => Just(Step::DeleteBucket),
        4 => (1..40_i64).prop_map(Step::Advance),
        1 => Just(Step::Reap),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..50)
}

fn name(key: u8) -> String {
    format!("dir/{key}")
}

fn mode(strict: bool) -> RetentionMode {
    if strict { COMPLIANCE } else { GOVERNANCE }
}

fn asked(bench: &Bench, wish: Wish, hold: bool) -> ObjectSettingsWish {
    let until = |hours: i64| bench.now().plus_millis(hours * HOUR_MS);
    locked(wish.map(|(strict, hours)| Retention { mode: mode(strict), until: until(hours) }), hold)
}

/// The next process over the same stores, at the same time.
async fn restarted(bench: Bench) -> Bench {
    let now = bench.now();
    let next = bench.reopen().await;
    next.advance(now.millis() - next.now().millis());
    next
}

fn is_locked<T>(result: &Result<T, Failure>) -> bool {
    match result {
        Ok(_) => false,
        Err(failure) if failure.code == FailureCode::ObjectLocked => true,
        Err(failure) => panic!("{failure}"),
    }
}

impl Held {
    fn is_kept(&self, now: i64, bypass: bool) -> bool {
        self.size.is_some() && (self.hold || (self.until > now && (self.strict || !bypass)))
    }
}

impl Model {
    fn nth(&mut self, key: u8, nth: usize) -> Option<&mut Held> {
        self.keys.get_mut(&key)?.get_mut(nth)
    }

    /// A new latest version, with the bucket's retention if its writer asked for none.
    fn write(&mut self, bench: &Bench, key: u8, id: Option<VersionId>, size: Option<usize>, wish: Wish, hold: bool) {
        let now = bench.now().millis();
        let default = self.default.filter(|_| size.is_some());
        let hours = wish.or(default.map(|(strict, days)| (strict, i64::from(days) * 24)));
        let (strict, until) = hours.map_or((false, i64::MIN), |(strict, hours)| (strict, now + hours * HOUR_MS));
        let held = Held { id: id.unwrap(), size, strict, until, hold };
        self.keys.entry(key).or_default().insert(0, held);
    }

    async fn apply(&mut self, bench: Bench, step: &Step) -> Bench {
        let now = bench.now().millis();
        match step {
            Step::Put(key, size, wish, hold) => self.put(&bench, *key, *size, *wish, *hold).await,
            Step::Copy(from, to, wish) => self.copy(&bench, *from, *to, *wish).await,
            Step::Upload(key, size, wish, hold) => self.upload(&bench, *key, *size, *wish, *hold).await,
            Step::Append(key) => {
                assert!(is_locked(&bench.append(&name(*key), 0, b"x", Method::Plain).await));
            }
            Step::Delete(key) => {
                let marker = bench.destroy(&name(*key), None, false).await.unwrap();
                self.write(&bench, *key, marker, None, None, false);
            }
            Step::DeleteVersion(key, nth, bypass) => {
                let Some(held) = self.nth(*key, *nth).cloned() else { return bench };
                let deleted = bench.destroy(&name(*key), Some(held.id), *bypass).await;
                assert_eq!(is_locked(&deleted), held.is_kept(now, *bypass), "{held:?} at {now}");
                if deleted.is_ok() {
                    self.keys.entry(*key).or_default().remove(*nth);
                }
            }
            Step::DeleteMany(wanted, bypass) => self.delete_many(&bench, wanted, *bypass).await,
            Step::Retain(key, nth, wish, bypass) => self.retain(&bench, (*key, *nth), *wish, *bypass).await,
            Step::Hold(key, nth, hold) => {
                let Some(held) = self.nth(*key, *nth).filter(|held| held.size.is_some()) else { return bench };
                let document = ObjectSetting::LegalHold(*hold);
                bench.put_document(&name(*key), Some(held.id), document, false).await.unwrap();
                held.hold = *hold;
            }
            Step::Default(default) => {
                self.default = *default;
                let period = |days| RetentionPeriod::Days(days);
                let default =
                    default.map(|(strict, days)| DefaultRetention { mode: mode(strict), period: period(days) });
                bench.set(Setting::ObjectLock(BucketLock { default })).await.unwrap();
            }
            Step::Suspend => {
                let refused = bench.set(Setting::Versioning(Versioning::Suspended)).await;
                assert_eq!(refused.unwrap_err().code, FailureCode::VersioningLocked);
            }
            Step::Rewrap(key, nth) => {
                let held = self.nth(*key, *nth).filter(|held| held.size.is_some()).cloned();
                let Some(held) = held else { return bench };
                match bench.rewrap(&name(*key), Some(held.id)).await {
                    Ok(()) => {}
                    Err(failure) => assert_eq!(failure.code, FailureCode::EncryptionNotChangeable),
                }
            }
            Step::Describe(key) => {
                let is_there = self.keys.get(key).and_then(|held| held.first()?.size).is_some();
                assert_eq!(bench.set_metadata(&name(*key)).await.is_ok(), is_there);
            }
            Step::DeleteBucket => {
                let is_empty = self.keys.values().all(Vec::is_empty);
                if !is_empty {
                    let refused = bench.delete_bucket(BUCKET).await.unwrap_err();
                    assert_eq!(refused.code, FailureCode::BucketNotEmpty);
                }
            }
            Step::Advance(hours) => bench.advance(hours * HOUR_MS),
            Step::Reap => drop(bench.reap_later().await),
            Step::Restart => return restarted(bench).await,
        }
        bench
    }

    async fn put(&mut self, bench: &Bench, key: u8, size: usize, wish: Wish, hold: bool) {
        let put = PutObject { settings: asked(bench, wish, hold), ..super::bench::put(&name(key)) };
        let put = PutObject { encryption: Method::ManagedAes.wish(), ..put };
        let written = bench.put_as(put, &noise(size)).await.unwrap();
        self.write(bench, key, written.version, Some(size), wish, hold);
    }

    async fn copy(&mut self, bench: &Bench, from: u8, to: u8, wish: Wish) {
        let mut copy = copy(&name(from), Method::ManagedAes, &name(to), Method::ManagedSm4);
        copy.target.settings = asked(bench, wish, false);
        let source = self.keys.get(&from).and_then(|held| held.first()?.size);
        match (source, bench.copy_as(copy).await) {
            (Some(size), copied) => {
                let id = copied.unwrap().written.version;
                self.write(bench, to, id, Some(size), wish, false);
            }
            (None, copied) => assert_eq!(copied.unwrap_err().code, FailureCode::NoSuchKey),
        }
    }

    async fn upload(&mut self, bench: &Bench, key: u8, size: usize, wish: Wish, hold: bool) {
        let settings = asked(bench, wish, hold);
        let upload = bench.begin(InitiateUpload { settings, ..initiate(&name(key), Method::Plain) });
        let upload = upload.await.unwrap();
        let part = bench.write_part(&upload, 1, &noise(size), Method::Plain).await.unwrap();
        let completed = bench.complete(&upload, named(&[(1, part)])).await.unwrap();
        self.write(bench, key, completed.version, Some(size), wish, hold);
    }

    async fn delete_many(&mut self, bench: &Bench, wanted: &[(u8, usize)], bypass: bool) {
        let now = bench.now().millis();
        let mut picked: Vec<(u8, Held)> = Vec::new();
        for (key, nth) in wanted {
            let held = self.nth(*key, *nth).cloned();
            let fresh = held.filter(|held| picked.iter().all(|(_, other)| other.id != held.id));
            picked.extend(fresh.map(|held| (*key, held)));
        }
        if picked.is_empty() {
            return;
        }
        let names: Vec<_> = picked.iter().map(|(key, held)| (name(*key), held.id)).collect();
        let asked: Vec<_> = names.iter().map(|(name, id)| (name.as_str(), Some(*id))).collect();
        let results = bench.destroy_all(&asked, bypass).await;
        for ((key, held), result) in picked.iter().zip(results) {
            let expected = if held.is_kept(now, bypass) { Some(FailureCode::ObjectLocked) } else { None };
            assert_eq!(result.err(), expected, "{held:?} at {now}");
            if expected.is_none() {
                self.keys.entry(*key).or_default().retain(|other| other.id != held.id);
            }
        }
    }

    async fn retain(&mut self, bench: &Bench, (key, nth): (u8, usize), wish: Wish, bypass: bool) {
        let now = bench.now().millis();
        let Some(held) = self.nth(key, nth).filter(|held| held.size.is_some()) else { return };
        let next = wish.map(|(strict, hours)| (strict, now + hours * HOUR_MS));
        let to_be = |(strict, until)| Retention { mode: mode(strict), until: Timestamp::from_millis(until) };
        let document = ObjectSetting::Retention(next.map(to_be));
        let put = bench.put_document(&name(key), Some(held.id), document, bypass).await;
        let over = held.until <= now || (bypass && !held.strict);
        let stronger = next.is_some_and(|(strict, until)| until >= held.until && (strict || !held.strict));
        assert_eq!(is_locked(&put), !(over || stronger), "{held:?} to {next:?} at {now}");
        if put.is_ok() {
            (held.strict, held.until) = next.unwrap_or((false, i64::MIN));
        }
    }

    /// Everything is there, whole, and kept as it should be.
    async fn is_that_of(&self, bench: &Bench) {
        for (key, held) in self.keys.iter().flat_map(|(key, all)| all.iter().map(move |held| (key, held))) {
            let Some(size) = held.size else { continue };
            let (read, bytes) = bench.get_as(GetObject { version: Some(held.id), ..get(&name(*key)) }).await.unwrap();
            assert!(bytes == noise(size), "{held:?}");
            let until = read.facts.lock.retention.map_or(i64::MIN, |retention| retention.until.millis());
            assert_eq!((read.facts.lock.legal_hold, until), (held.hold, held.until));
        }
    }
}

/// What is done in a bucket that a policy keeps.
#[derive(Clone, Debug)]
enum Kept {
    Put(u8, usize),
    Copy(u8, u8),
    Upload(u8, usize),
    Append(u8),
    Delete(u8),
    DeleteMany(Vec<u8>),
    Describe(u8),
    Initiate(u32),
    Abort,
    Complete,
    Extend(u32),
    Enable,
    Advance(i64),
}

fn kept_steps() -> impl Strategy<Value = Vec<Kept>> {
    let key = 0..4_u8;
    let size = prop_oneof![3 => 0..50_usize, 1 => 65_537..70_000_usize];
    let step = prop_oneof![
        5 => (key.clone(), size).prop_map(|(key, size)| Kept::Put(key, size)),
        2 => (key.clone(), key.clone()).prop_map(|(from, to)| Kept::Copy(from, to)),
        2 => (key.clone(), 0..50_usize).prop_map(|(key, size)| Kept::Upload(key, size)),
        2 => key.clone().prop_map(Kept::Append),
        4 => key.clone().prop_map(Kept::Delete),
        2 => vec(key.clone(), 1..4).prop_map(Kept::DeleteMany),
        2 => key.prop_map(Kept::Describe),
        3 => (1..3_u32).prop_map(Kept::Initiate),
        1 => Just(Kept::Abort),
        2 => Just(Kept::Complete),
        1 => (1..5_u32).prop_map(Kept::Extend),
        1 => Just(Kept::Enable),
        4 => (1..30_i64).prop_map(Kept::Advance),
    ];
    vec(step, 1..50)
}

/// The objects: their bytes, when each was written last, and whether it grows by appending; and the policy: its id, its days, when it was
/// made, whether it is locked.
#[derive(Default)]
struct Bucket {
    objects: BTreeMap<u8, (Vec<u8>, i64, bool)>,
    policy: Option<([u8; 16], u32, i64, bool)>,
}

impl Bucket {
    fn policy(&self, now: i64) -> Option<([u8; 16], u32, i64, bool)> {
        self.policy.filter(|(_, _, made, is_locked)| *is_locked || now < made + DAY_MS)
    }

    fn keeps(&self, key: u8, now: i64) -> bool {
        let until = |(_, written, _): &(Vec<u8>, i64, bool), days: u32| written + i64::from(days) * DAY_MS;
        let policy = self.policy(now);
        policy.is_some_and(|(_, days, ..)| self.objects.get(&key).is_some_and(|object| now < until(object, days)))
    }

    /// What a write over a key comes to.
    fn write<T>(&mut self, key: u8, now: i64, bytes: Vec<u8>, result: Result<T, Failure>) {
        assert_eq!(is_locked(&result), self.keeps(key, now), "{key} at {now}");
        if result.is_ok() {
            self.objects.insert(key, (bytes, now, false));
        }
    }

    async fn apply(&mut self, bench: &Bench, step: &Kept) {
        let now = bench.now().millis();
        match step {
            Kept::Put(key, size) => {
                let put = bench.put(&name(*key), &noise(*size), Method::Plain).await;
                self.write(*key, now, noise(*size), put);
            }
            Kept::Copy(from, to) => {
                let source = self.objects.get(from).map(|(bytes, ..)| bytes.clone());
                let copied = bench.copy(&name(*from), Method::Plain, &name(*to), Method::ManagedAes).await;
                match source {
                    Some(bytes) => self.write(*to, now, bytes, copied),
                    None => assert_eq!(copied.unwrap_err().code, FailureCode::NoSuchKey),
                }
            }
            Kept::Upload(key, size) => {
                let upload = bench.begin(initiate(&name(*key), Method::Plain)).await.unwrap();
                let part = bench.write_part(&upload, 1, &noise(*size), Method::Plain).await.unwrap();
                let completed = bench.complete(&upload, named(&[(1, part)])).await;
                self.write(*key, now, noise(*size), completed);
            }
            Kept::Append(key) => self.append(bench, *key).await,
            Kept::Delete(key) => {
                let deleted = bench.delete(&name(*key)).await;
                assert_eq!(is_locked(&deleted), self.keeps(*key, now));
                if deleted.is_ok() {
                    self.objects.remove(key);
                }
            }
            Kept::DeleteMany(keys) => {
                let names: Vec<_> = keys.iter().map(|key| name(*key)).collect();
                let wanted: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
                for (key, result) in keys.iter().zip(bench.destroy_all(&wanted, true).await) {
                    assert_eq!(result.is_err(), self.keeps(*key, now));
                    if result.is_ok() {
                        self.objects.remove(key);
                    }
                }
            }
            Kept::Describe(key) if self.objects.contains_key(key) => {
                let described = bench.set_metadata(&name(*key)).await;
                assert_eq!(is_locked(&described), self.keeps(*key, now));
                if described.is_ok() {
                    self.objects.entry(*key).and_modify(|object| object.1 = now);
                }
            }
            Kept::Describe(_) => {}
            Kept::Initiate(_) | Kept::Abort | Kept::Complete | Kept::Extend(_) | Kept::Enable => {
                self.govern(bench, step, now).await;
            }
            Kept::Advance(hours) => bench.advance(hours * HOUR_MS),
        }
    }

    /// Changes the policy.
    async fn govern(&mut self, bench: &Bench, step: &Kept, now: i64) {
        match step {
            Kept::Initiate(days) => match bench.initiate_worm(*days).await {
                Ok(id) => {
                    assert!(self.policy(now).is_none());
                    self.policy = Some((id, *days, now, false));
                }
                Err(_) => assert!(self.policy(now).is_some()),
            },
            Kept::Abort => {
                let aborted = bench.worm(WormOperation::Abort).await.is_ok();
                assert_eq!(aborted, self.policy(now).is_some_and(|(.., is_locked)| !is_locked));
                self.policy = self.policy.filter(|_| !aborted);
            }
            Kept::Complete => {
                let Some((id, days, made, is_locked)) = self.policy(now) else { return };
                assert_eq!(bench.worm(WormOperation::Complete { id }).await.is_ok(), !is_locked);
                self.policy = Some((id, days, made, true));
            }
            Kept::Extend(longer) => {
                let Some((id, days, made, is_locked)) = self.policy(now) else { return };
                let extended = bench.worm(WormOperation::Extend { id, days: *longer }).await.is_ok();
                assert_eq!(extended, is_locked && *longer >= days);
                if extended {
                    self.policy = Some((id, *longer, made, true));
                }
            }
            Kept::Enable => {
                if self.policy(now).is_some() {
                    let refused = bench.set(Setting::Versioning(Versioning::Enabled)).await;
                    assert_eq!(refused.unwrap_err().code, FailureCode::InvalidWorm);
                }
            }
            other => panic!("{other:?} is about objects"),
        }
    }

    async fn append(&mut self, bench: &Bench, key: u8) {
        let now = bench.now().millis();
        let (mut bytes, is_appendable) = match self.objects.get(&key) {
            Some((bytes, _, is_appendable)) => (bytes.clone(), *is_appendable),
            None => (Vec::new(), true),
        };
        if !is_appendable {
            return;
        }
        let appended = bench.append(&name(key), bytes.len() as u64, b"more", Method::Plain).await;
        assert_eq!(is_locked(&appended), self.keeps(key, now));
        if appended.is_ok() {
            bytes.extend_from_slice(b"more");
            self.objects.insert(key, (bytes, now, true));
        }
    }

    async fn is_that_of(&self, bench: &Bench) {
        for (key, (bytes, ..)) in &self.objects {
            assert!(bench.get(&name(*key), Method::Plain).await.unwrap() == *bytes, "{key}");
        }
        assert_eq!(bench.list().await.objects.len(), self.objects.len());
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn keep_what_is_locked(steps in steps()) {
        run(async {
            let (mut bench, mut model) = (Bench::locking(None).await, Model::default());
            for step in &steps {
                bench = model.apply(bench, step).await;
                model.is_that_of(&bench).await;
            }
            bench.reap_later().await;
            model.is_that_of(&bench).await;
        });
    }

    #[test]
    fn keep_what_a_policy_keeps(steps in kept_steps()) {
        run(async {
            let (bench, mut bucket) = (Bench::memory().await, Bucket::default());
            for step in &steps {
                bucket.apply(&bench, step).await;
                bucket.is_that_of(&bench).await;
            }
            bench.reap_later().await;
            bucket.is_that_of(&bench).await;
        });
    }
}
