//! Keys that are wrong, missing, disabled, destroyed, or not for this connection.

use strongroom_iam::Transport;
use strongroom_model::encryption::{
    BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionRule, EncryptionWish, KmsWish,
};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::KeyReference;
use strongroom_model::operation::key::Switch;
use strongroom_model::operation::object::{GetObject, PutObject};
use strongroom_model::operation::{AdminOperation, BucketOperation, KeyOperation, ObjectOperation, Operation};
use strongroom_model::outcome::{AdminOutcome, BucketOutcome};
use strongroom_model::setting::{Setting, SettingKind};
use strongroom_store::{Body, Trailer};

use super::bench::{Bench, Method, bucket_name, customer_key, get, pieces, put};

fn code<T>(result: Result<T, Failure>) -> Option<FailureCode> {
    result.err().map(|failure| failure.code)
}

fn under(key: &KeyReference) -> EncryptionWish {
    EncryptionWish::Kms(KmsWish {
        key: Some(key.clone()),
        algorithm: DataAlgorithm::Aes256,
        context: Default::default(),
        bucket_key: None,
        project: None,
    })
}

#[tokio::test]
async fn an_object_under_a_customers_key_needs_that_key() {
    let bench = Bench::memory().await;
    for size in [5, 100_000] {
        bench.put("k", &vec![1; size], Method::Customer).await.unwrap();
        let with = |key: Option<[u8; 32]>| GetObject { customer_key: key.map(customer_key), ..get("k") };
        let wrong = Some([9; 32]);
        assert_eq!(code(bench.get_as(with(None)).await), Some(FailureCode::CustomerKeyRequired));
        assert_eq!(code(bench.head(with(None)).await), Some(FailureCode::CustomerKeyRequired));
        assert_eq!(code(bench.get_as(with(wrong)).await), Some(FailureCode::CustomerKeyWrong));
        assert_eq!(code(bench.head(with(wrong)).await), Some(FailureCode::CustomerKeyWrong));
    }
    for method in [Method::Plain, Method::ManagedAes, Method::KmsAes] {
        bench.put("k", b"x", method).await.unwrap();
        let needless = || GetObject { customer_key: Some(customer_key([9; 32])), ..get("k") };
        assert_eq!(code(bench.get_as(needless()).await), Some(FailureCode::CustomerKeyNotApplicable), "{method:?}");
        assert_eq!(code(bench.head(needless()).await), Some(FailureCode::CustomerKeyNotApplicable), "{method:?}");
    }
}

#[tokio::test]
async fn a_disabled_key_stops_its_objects_until_it_is_enabled() {
    let bench = Bench::memory().await;
    let key = bench.create_key(None).await;
    bench.put_as(PutObject { encryption: under(&key), ..put("small") }, b"small").await.unwrap();
    bench.put_as(PutObject { encryption: under(&key), ..put("large") }, &[7; 100_000]).await.unwrap();
    bench.put("other", b"x", Method::KmsAes).await.unwrap();

    let steps = [
        (KeyOperation::Disable(Switch::repeatable(key.clone())), FailureCode::KeyDisabled),
        (KeyOperation::ScheduleDeletion { key: key.clone(), days: 7 }, FailureCode::KeyPendingDeletion),
    ];
    for (step, expected) in steps {
        bench.key(step).await.unwrap();
        for name in ["small", "large"] {
            assert_eq!(code(bench.get(name, Method::Plain).await), Some(expected));
            bench.head(get(name)).await.unwrap();
        }
        let write = PutObject { encryption: under(&key), ..put("small") };
        assert_eq!(code(bench.put_as(write, b"new").await), Some(expected));
        assert_eq!(bench.get("other", Method::KmsAes).await.unwrap(), "x");
        assert_eq!(bench.list().await.objects.len(), 3);
    }
    bench.key(KeyOperation::CancelDeletion(key.clone())).await.unwrap();
    bench.key(KeyOperation::Enable(Switch::repeatable(key))).await.unwrap();
    assert_eq!(bench.get("small", Method::Plain).await.unwrap(), "small");
    assert_eq!(bench.get("large", Method::Plain).await.unwrap(), vec![7; 100_000]);
}

#[tokio::test]
async fn a_key_whose_time_has_come_is_destroyed_by_the_reaper() {
    let bench = Bench::memory().await;
    let key = bench.create_key(None).await;
    bench.put_as(PutObject { encryption: under(&key), ..put("k") }, b"gone").await.unwrap();
    let schedule = KeyOperation::ScheduleDeletion { key: key.clone(), days: 7 };
    bench.key(schedule).await.unwrap();
    assert_eq!(bench.reap_later().await.keys_destroyed, 0);
    bench.advance(7 * 86_400_000 + 1);
    assert_eq!(bench.reap_later().await.keys_destroyed, 1);
    assert_eq!(code(bench.get("k", Method::Plain).await), Some(FailureCode::KeyNotFound));
}

#[tokio::test]
async fn unknown_keys_fail_before_anything_is_written() {
    let bench = Bench::memory().await;
    for (text, expected) in [
        ("00000000-0000-0000-0000-000000000000", FailureCode::KeyNotFound),
        ("fake-key-id", FailureCode::KeyMalformed),
        ("alias/none", FailureCode::AliasNotFound),
        (
            "arn:aws:kms:elsewhere-1:000000000001:key/00000000-0000-0000-0000-000000000000",
            FailureCode::KeyOfOtherRegion,
        ),
    ] {
        let encryption = under(&KeyReference::parse(text));
        let refused = bench.put_as(PutObject { encryption, ..put("k") }, &[1; 100_000]).await;
        assert_eq!(code(refused), Some(expected), "{text}");
    }
    assert_eq!(bench.blob_count().await, 0);
    assert!(bench.list().await.objects.is_empty());
}

#[tokio::test]
async fn a_buckets_default_applies_to_new_objects_only() {
    let bench = Bench::memory().await;
    bench.put("before", b"x", Method::Plain).await.unwrap();
    let bad_key = Some(KeyReference::parse("123"));
    let method = DefaultMethod::Kms { key: bad_key, algorithm: DataAlgorithm::Aes256, project: None };
    let setting = Setting::Encryption(EncryptionRule {
        default: Some(BucketEncryption { method, bucket_key: false }),
        blocks_customer_keys: Some(false),
    });
    let name = || bucket_name("bucket");
    bench.bucket(BucketOperation::PutSetting(name(), setting.clone())).await.unwrap();
    let BucketOutcome::Setting(read) =
        bench.bucket(BucketOperation::GetSetting(name(), SettingKind::Encryption)).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(read, setting, "the key is kept as it was spelled, and looked up only when an object is written");
    assert_eq!(code(bench.put("after", b"x", Method::Plain).await), Some(FailureCode::KeyMalformed));
    assert_eq!(bench.get("before", Method::Plain).await.unwrap(), "x");
    bench.bucket(BucketOperation::DeleteSetting(name(), SettingKind::Encryption)).await.unwrap();
    bench.put("after", b"x", Method::Plain).await.unwrap();
    let none = bench.bucket(BucketOperation::GetSetting(name(), SettingKind::Encryption)).await;
    assert_eq!(code(none), Some(FailureCode::NoEncryptionConfiguration));
}

#[tokio::test]
async fn some_things_do_not_travel_on_some_connections() {
    let bench = Bench::memory().await;
    let bare = Transport { customer_keys: false, kms: false };
    for method in [Method::Plain, Method::ManagedAes, Method::KmsAes, Method::Customer] {
        bench.put("k", b"x", method).await.unwrap();
        let expected = match method {
            Method::KmsAes => Some(FailureCode::KmsNeedsTls),
            Method::Customer => Some(FailureCode::CustomerKeyNeedsTls),
            _ => None,
        };
        let read = GetObject { customer_key: method.key_for_reading(), ..get("k") };
        let reading = bench.run_over(Operation::Object(ObjectOperation::Get(read)), None, bare).await;
        assert_eq!(code(reading), expected, "GET {method:?}");
        let write = PutObject { encryption: method.wish(), ..put("k") };
        let body = Body { bytes: pieces(b"x"), trailer: Trailer::default(), declared: None };
        let writing = bench.run_over(Operation::Object(ObjectOperation::Put(write)), Some(body), bare).await;
        assert_eq!(code(writing), expected, "PUT {method:?}");
    }
}

#[tokio::test]
async fn keys_are_proven_and_objects_described() {
    let bench = Bench::memory().await;
    assert!(matches!(bench.admin(AdminOperation::ProveKeys).await.unwrap(), AdminOutcome::KeysProven { .. }));
    for (size, chunks, inline) in [(10, 1, true), (65_536, 1, true), (65_537, 2, false)] {
        bench.put("k", &vec![1; size], Method::KmsSm4).await.unwrap();
        let describe =
            AdminOperation::DescribeObject { bucket: bucket_name("bucket"), key: put("k").key, version: None };
        let AdminOutcome::Object(found) = bench.admin(describe).await.unwrap() else { panic!() };
        assert_eq!((found.chunks, found.inline, found.suite.as_str()), (chunks, inline, "sm4-gcm"));
        assert_eq!((found.stored_bytes, found.key_version), (size as u64 + 16 * chunks, Some(1)));
    }
}
