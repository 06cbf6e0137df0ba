//! Bucket keys: what they spare, and what they do not change.

use futures_util::future::join_all;
use strongroom_model::encryption::{
    AppliedEncryption, BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionContext, EncryptionRule,
    EncryptionWish, KmsWish,
};
use strongroom_model::failure::FailureCode;
use strongroom_model::key::{KeyReference, KeySpec};
use strongroom_model::operation::key::{CreateKey, Switch};
use strongroom_model::operation::object::PutObject;
use strongroom_model::operation::{BucketOperation, KeyOperation, ObjectOperation, Operation};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::setting::Setting;

use super::bench::{BUCKET, Bench, Method, bucket_name, copy, get, noise, put};

/// Longer than keys are believed in here.
const BELIEVED_SECONDS: u32 = 60;

fn wish(key: &KeyReference, algorithm: DataAlgorithm, bucket_key: bool) -> EncryptionWish {
    EncryptionWish::Kms(KmsWish {
        key: Some(key.clone()),
        algorithm,
        context: EncryptionContext::new(),
        bucket_key: Some(bucket_key),
        project: None,
    })
}

async fn write(bench: &Bench, key: &str, encryption: EncryptionWish) -> Result<bool, FailureCode> {
    let written = bench.put_as(PutObject { encryption, ..put(key) }, key.as_bytes()).await;
    match written.map_err(|failure| failure.code)?.encryption {
        AppliedEncryption::Kms(applied) => Ok(applied.bucket_key),
        AppliedEncryption::Managed(_) => Ok(false),
        other => panic!("{other:?}"),
    }
}

async fn rotate(bench: &Bench, key: &KeyReference) {
    bench.key(KeyOperation::Rotate { key: key.clone(), demands_max: None }).await.unwrap();
}

async fn master(bench: &Bench, spec: KeySpec) -> KeyReference {
    match bench.key(KeyOperation::Create(CreateKey::new(spec))).await.unwrap() {
        KeyOutcome::Key(made) => KeyReference::parse(&made.name.id),
        other => panic!("{other:?}"),
    }
}

/// Ten objects: calls for writing them, and for reading them with nothing known.
async fn cost(bench: &Bench, wish: impl Fn() -> EncryptionWish, has_bucket_key: bool) -> (u64, u64) {
    let before = bench.engine.metrics().kms;
    for n in 0..10 {
        assert_eq!(write(bench, &format!("k{n}"), wish()).await, Ok(has_bucket_key));
    }
    for n in 0..10 {
        let name = format!("k{n}");
        assert_eq!(bench.get(&name, Method::KmsAes).await.unwrap(), name);
    }
    let after = bench.engine.metrics().kms;
    (after.data_key_calls - before.data_key_calls, after.unwrap_calls - before.unwrap_calls)
}

#[tokio::test]
async fn ten_writes_are_one_call_and_ten_reads_one() {
    use DataAlgorithm::{Aes256, Aes256Twice, Sm4};
    let bench = Bench::believing(BELIEVED_SECONDS).await;
    for spec in [KeySpec::Aes256, KeySpec::Sm4] {
        let key = master(&bench, spec).await;
        for algorithm in [Aes256, Sm4] {
            assert_eq!(cost(&bench, || wish(&key, algorithm, false), false).await, (10, 10));
            // One bucket key for both algorithms of data: what it wraps is keys.
            let calls = if algorithm == Aes256 { (1, 1) } else { (0, 0) };
            assert_eq!(cost(&bench, || wish(&key, algorithm, true), true).await, calls, "{spec:?} {algorithm:?}");
        }
        assert_eq!(cost(&bench, || wish(&key, Aes256Twice, true), false).await, (10, 10), "two layers have none");
    }
    assert_eq!(cost(&bench, || EncryptionWish::Managed(Aes256), false).await, (10, 10));
}

#[tokio::test]
async fn the_buckets_default_gives_one_and_a_request_can_refuse_it() {
    let bench = Bench::believing(BELIEVED_SECONDS).await;
    let key = bench.create_key(None).await;
    let method = DefaultMethod::Kms { key: Some(key.clone()), algorithm: DataAlgorithm::Aes256, project: None };
    let rule = EncryptionRule::from(BucketEncryption { method, bucket_key: true });
    bench.bucket(BucketOperation::PutSetting(bucket_name(BUCKET), Setting::Encryption(rule))).await.unwrap();
    assert_eq!(cost(&bench, || EncryptionWish::Unspecified, true).await, (1, 1));
    let open = |bucket_key| {
        let EncryptionWish::Kms(wish) = wish(&key, DataAlgorithm::Aes256, true) else { unreachable!() };
        EncryptionWish::Kms(KmsWish { bucket_key, ..wish })
    };
    assert_eq!(cost(&bench, || open(None), true).await, (0, 0));
    assert_eq!(cost(&bench, || open(Some(false)), false).await, (10, 10));
    assert_eq!(cost(&bench, || EncryptionWish::Managed(DataAlgorithm::Aes256), false).await, (10, 10));
}

#[tokio::test]
async fn many_at_once_are_one_call() {
    let bench = Bench::memory().await;
    let key = bench.create_key(None).await;
    let before = bench.key_service_calls();
    let names: Vec<_> = (0..40).map(|n| format!("k{n}")).collect();
    let written = names.iter().map(|name| write(&bench, name, wish(&key, DataAlgorithm::Sm4, true)));
    assert!(join_all(written).await.into_iter().all(|written| written == Ok(true)));
    assert_eq!(bench.key_service_calls() - before, 1);
}

#[tokio::test]
async fn it_ends_with_its_time_with_its_version_and_with_the_process() {
    let mut bench = Bench::memory().await;
    let key = bench.create_key(None).await;
    let calls = async |bench: &Bench, name: &str| {
        let before = bench.key_service_calls();
        assert_eq!(write(bench, name, wish(&key, DataAlgorithm::Aes256, true)).await, Ok(true));
        bench.key_service_calls() - before
    };
    assert_eq!((calls(&bench, "a").await, calls(&bench, "b").await), (1, 0));
    bench.advance(179_999);
    assert_eq!(calls(&bench, "c").await, 0);
    bench.advance(1);
    assert_eq!((calls(&bench, "d").await, calls(&bench, "e").await), (1, 0));
    rotate(&bench, &key).await;
    assert_eq!((calls(&bench, "f").await, calls(&bench, "g").await), (1, 0));
    bench = bench.reopen().await;
    assert_eq!((calls(&bench, "h").await, calls(&bench, "i").await), (1, 0));
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        assert_eq!(bench.get(name, Method::KmsAes).await.unwrap(), name);
    }
}

#[tokio::test]
async fn a_disabled_key_stops_writes_and_reads_at_once() {
    let bench = Bench::believing(BELIEVED_SECONDS).await;
    let key = bench.create_key(None).await;
    let wish = || wish(&key, DataAlgorithm::Aes256, true);
    write(&bench, "k", wish()).await.unwrap();
    bench.get("k", Method::KmsAes).await.unwrap();
    let steps = [
        (KeyOperation::Disable(Switch::repeatable(key.clone())), FailureCode::KeyDisabled),
        (KeyOperation::ScheduleDeletion { key: key.clone(), days: 7 }, FailureCode::KeyPendingDeletion),
    ];
    for (step, code) in steps {
        bench.key(step).await.unwrap();
        assert_eq!(write(&bench, "new", wish()).await, Err(code));
        assert_eq!(bench.get("k", Method::KmsAes).await.unwrap_err().code, code);
        bench.head(get("k")).await.unwrap();
    }
    bench.key(KeyOperation::CancelDeletion(key.clone())).await.unwrap();
    bench.key(KeyOperation::Enable(Switch::repeatable(key.clone()))).await.unwrap();
    let before = bench.engine.metrics().kms.data_key_calls;
    assert_eq!(write(&bench, "new", wish()).await, Ok(true));
    assert_eq!(bench.engine.metrics().kms.data_key_calls, before, "it has time left");
    assert_eq!(bench.get("k", Method::KmsAes).await.unwrap(), "k");
}

/// An upload, its parts and its completion; appends; a copy; wrapping anew: none of them asks for more than the one bucket key.
#[tokio::test]
async fn every_way_of_writing_uses_it() {
    let bench = Bench::believing(BELIEVED_SECONDS).await;
    let method = Method::KmsBucketKey;
    bench.put("first", &noise(100_000), method).await.unwrap();
    bench.get("first", method).await.unwrap();
    let calls = bench.key_service_calls();
    let parts = [noise(70_000), noise(1), noise(65_536)];
    let AppliedEncryption::Kms(applied) = bench.put_parts("parts", &parts, method).await.encryption else { panic!() };
    assert!(applied.bucket_key);
    for (position, bytes) in [(0, 10_000), (10_000, 90_000)] {
        bench.append("log", position, &noise(bytes), method).await.unwrap();
    }
    let copied = bench.copy_as(copy("parts", method, "copied", method)).await.unwrap();
    assert!(matches!(copied.written.encryption, AppliedEncryption::Kms(applied) if applied.bucket_key));
    for (key, bytes) in [("parts", parts.concat()), ("copied", parts.concat())] {
        assert!(bench.get(key, method).await.unwrap() == bytes);
    }
    assert!(bench.get("log", method).await.unwrap() == [noise(10_000), noise(90_000)].concat());
    assert_eq!(bench.key_service_calls(), calls);
    assert_eq!(bench.scrub.run_once(&bench.clock()).await.unwrap().found, 0);
}

/// Into another bucket, and out of the level and into it again: the new envelope is of where it is.
#[tokio::test]
async fn a_copy_has_the_bucket_key_of_its_own_bucket() {
    let bench = Bench::believing(BELIEVED_SECONDS).await;
    bench.create_bucket("second", None).await.unwrap();
    bench.put("k", &noise(70_000), Method::KmsBucketKey).await.unwrap();
    let mut asked = copy("k", Method::KmsBucketKey, "k", Method::KmsBucketKey);
    asked.target.bucket = bucket_name("second");
    let before = bench.engine.metrics().kms;
    bench.copy_as(asked).await.unwrap();
    let after = bench.engine.metrics().kms;
    assert_eq!((after.data_key_calls - before.data_key_calls, after.unwrap_calls - before.unwrap_calls), (1, 1));
    bench.delete("k").await.unwrap();
    let mut read = get("k");
    read.bucket = bucket_name("second");
    let read = bench.run(Operation::Object(ObjectOperation::Get(read)), None).await.unwrap();
    assert!(strongroom_store::stream::collect(read.body.unwrap(), usize::MAX).await.unwrap() == noise(70_000));
}
