//! Buckets: making, finding, listing, limits.

use strongroom_iam::Transport;
use strongroom_model::account::{AccountId, Principal};
use strongroom_model::acl::AclWish;
use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionRule};
use strongroom_model::failure::FailureCode;
use strongroom_model::metadata::{CannedAcl, StorageClass};
use strongroom_model::name::Region;
use strongroom_model::operation::bucket::CreateBucket;
use strongroom_model::operation::service::ListBuckets;
use strongroom_model::operation::{BucketOperation, Operation, ServiceOperation};
use strongroom_model::outcome::bucket::ListedBuckets;
use strongroom_model::outcome::{BucketOutcome, Outcome};
use strongroom_model::setting::{Setting, SettingKind};
use strongroom_model::tag::TagSet;

use super::bench::{BUCKET, Bench, Method, bucket_name};

fn create(name: &str) -> CreateBucket {
    CreateBucket {
        bucket: bucket_name(name),
        location: Some(Region::parse("cn-north-4").unwrap()),
        acl: AclWish::Canned(CannedAcl::PublicRead),
        tags: TagSet::default(),
        storage_class: StorageClass::InfrequentAccess,
        encryption: None,
        always_encrypted: true,
        lock: false,
    }
}

async fn list(bench: &Bench, request: ListBuckets) -> ListedBuckets {
    let operation = Operation::Service(ServiceOperation::ListBuckets(request));
    match bench.run(operation, None).await.unwrap().outcome {
        Outcome::Buckets(listed) => listed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_bucket_keeps_what_it_was_made_with() {
    let bench = Bench::memory().await;
    let made = bench.bucket(BucketOperation::Create(create("mine"))).await.unwrap();
    let BucketOutcome::Created(made) = made else { panic!() };
    let aes = BucketEncryption { method: DefaultMethod::Managed(DataAlgorithm::Aes256), bucket_key: false };
    assert_eq!((made.location.as_str(), made.acl.closest()), ("cn-north-4", CannedAcl::PublicRead));
    assert_eq!((made.storage_class, made.encryption.clone()), (StorageClass::InfrequentAccess, Some(aes)));
    bench.advance(1000);
    let again = CreateBucket { acl: AclWish::Canned(CannedAcl::Private), ..create("mine") };
    for operation in [
        BucketOperation::Create(again),
        BucketOperation::Head(made.name.clone()),
        BucketOperation::Location(made.name.clone()),
        BucketOperation::Info(made.name.clone()),
    ] {
        let found = match bench.bucket(operation).await.unwrap() {
            BucketOutcome::Created(it)
            | BucketOutcome::Head(it)
            | BucketOutcome::Location(it)
            | BucketOutcome::Info(it) => it,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, made);
    }
}

#[tokio::test]
async fn an_always_encrypted_bucket_returns_to_its_first_rule() {
    let bench = Bench::memory().await;
    bench.bucket(BucketOperation::Create(create("mine"))).await.unwrap();
    let name = || bucket_name("mine");
    let sm4 = BucketEncryption { method: DefaultMethod::Managed(DataAlgorithm::Sm4), bucket_key: true };
    bench.bucket(BucketOperation::PutSetting(name(), Setting::Encryption(sm4.into()))).await.unwrap();
    for _ in 0..2 {
        bench.bucket(BucketOperation::DeleteSetting(name(), SettingKind::Encryption)).await.unwrap();
        let read = bench.bucket(BucketOperation::GetSetting(name(), SettingKind::Encryption)).await.unwrap();
        let BucketOutcome::Setting(Setting::Encryption(read)) = read else { panic!() };
        assert_eq!(read.default.unwrap().method, DefaultMethod::Managed(DataAlgorithm::Aes256));
    }
}

#[tokio::test]
async fn a_rule_may_block_customers_keys_and_leave_the_rest_as_it_is() {
    let bench = Bench::memory().await;
    bench.put("before", b"x", Method::Customer).await.unwrap();
    let name = || bucket_name("bucket");
    let put = async |rule| bench.bucket(BucketOperation::PutSetting(name(), Setting::Encryption(rule))).await.unwrap();
    let read = async || match bench.bucket(BucketOperation::GetSetting(name(), SettingKind::Encryption)).await.unwrap()
    {
        BucketOutcome::Setting(Setting::Encryption(rule)) => rule,
        other => panic!("{other:?}"),
    };
    put(EncryptionRule { default: None, blocks_customer_keys: Some(true) }).await;
    let base = BucketEncryption { method: DefaultMethod::Managed(DataAlgorithm::Aes256), bucket_key: false };
    assert_eq!(read().await, EncryptionRule { default: Some(base), blocks_customer_keys: Some(true) });
    let refused = bench.put("k", b"x", Method::Customer).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::CustomerKeysBlocked);
    bench.put("k", b"x", Method::Plain).await.unwrap();
    assert_eq!(bench.get("before", Method::Customer).await.unwrap()[..], *b"x", "what is there stays readable");
    let sm4 = BucketEncryption { method: DefaultMethod::Managed(DataAlgorithm::Sm4), bucket_key: true };
    put(sm4.clone().into()).await;
    assert_eq!(read().await, EncryptionRule { default: Some(sm4.clone()), blocks_customer_keys: Some(true) });
    bench.bucket(BucketOperation::DeleteSetting(name(), SettingKind::Encryption)).await.unwrap();
    let refused = bench.put("k", b"x", Method::Customer).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::CustomerKeysBlocked);
    put(EncryptionRule { default: Some(sm4), blocks_customer_keys: Some(false) }).await;
    bench.put("k", b"x", Method::Customer).await.unwrap();
}

#[tokio::test]
async fn buckets_are_listed_in_pages_of_the_order_of_their_names() {
    let bench = Bench::memory().await;
    for name in ["abc", "abd", "zzz"] {
        bench.create_bucket(name, None).await.unwrap();
    }
    let names = |listed: &ListedBuckets| {
        listed.buckets.iter().map(|bucket| bucket.name.as_str().to_owned()).collect::<Vec<_>>()
    };
    let all = list(&bench, ListBuckets::default()).await;
    assert_eq!(
        (names(&all), all.truncated, all.owner),
        (vec!["abc".into(), "abd".into(), BUCKET.into(), "zzz".into()], false, bench.account)
    );
    let page = list(&bench, ListBuckets { max_keys: Some(2), ..Default::default() }).await;
    assert_eq!((names(&page), page.truncated), (vec!["abc".into(), "abd".into()], true));
    let rest = list(&bench, ListBuckets { marker: "abd".into(), max_keys: Some(2), ..Default::default() }).await;
    assert_eq!((names(&rest), rest.truncated), (vec![BUCKET.into(), "zzz".into()], false));
    let begun = list(&bench, ListBuckets { prefix: "ab".into(), marker: "a".into(), max_keys: None }).await;
    assert_eq!(names(&begun), ["abc", "abd"]);
    assert!(
        names(&list(&bench, ListBuckets { prefix: "ab".into(), marker: "b".into(), max_keys: None }).await).is_empty()
    );
}

#[tokio::test]
async fn another_accounts_bucket_is_out_of_reach() {
    let bench = Bench::memory().await;
    let stranger = Principal::Root(AccountId::new(1).unwrap());
    for (operation, code) in [
        // An account that nobody made has no policy that lets it create anything.
        (BucketOperation::Create(create(BUCKET)), FailureCode::AccessDenied),
        (BucketOperation::Head(bucket_name(BUCKET)), FailureCode::AccessDenied),
    ] {
        let operation = Operation::Bucket(operation);
        let refused = bench.run_as(stranger.clone(), operation, None, Transport::TRUSTED).await.err().unwrap();
        assert_eq!(refused.code, code);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_missing() {
    let bench = Bench::memory().await;
    let none = || bucket_name("none");
    for operation in [
        BucketOperation::Head(none()),
        BucketOperation::Delete(none()),
        BucketOperation::GetSetting(none(), SettingKind::Encryption),
        BucketOperation::DeleteSetting(none(), SettingKind::Encryption),
    ] {
        assert_eq!(bench.bucket(operation).await.unwrap_err().code, FailureCode::NoSuchBucket);
    }
    assert_eq!(bench.get("none", Method::Plain).await.unwrap_err().code, FailureCode::NoSuchKey);
    bench.delete("none").await.unwrap();
}

#[tokio::test]
async fn an_account_has_a_thousand_buckets_and_no_more() {
    let bench = Bench::memory().await;
    for n in 1..1000 {
        bench.create_bucket(&format!("bucket-{n}"), None).await.unwrap();
    }
    let refused = bench.create_bucket("one-too-many", None).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::TooManyBuckets);
    bench.create_bucket("bucket-7", None).await.unwrap();
    assert_eq!(list(&bench, ListBuckets::default()).await.buckets.len(), 1000);
    bench.delete_bucket("bucket-7").await.unwrap();
    bench.create_bucket("in-its-place", None).await.unwrap();
}

/// A process that dies between marking a bucket and deleting it leaves it closed, for a while; or until its clock is set back.
#[tokio::test]
async fn an_unfinished_deletion_is_called_off() {
    for later_ms in [3_600_000, -3_600_000] {
        let bench = bench_with_a_deletion_begun().await;
        let now = bench.now().plus_millis(later_ms);
        let report = bench.reaper.lock().await.run_once(now).await.unwrap();
        assert_eq!(report.deletions_called_off, 1);
        bench.put("k", b"x", Method::Plain).await.unwrap();
    }
}

/// One of the calls of a deletion marks the bucket: the process dies after each in turn, until it was that one.
async fn bench_with_a_deletion_begun() -> Bench {
    use std::sync::Arc;
    use strongroom_store::faults::{Fault, Faults};
    use strongroom_store::kv::faults::FaultyKv;

    for n in 1..32 {
        let bench = Bench::memory().await;
        let (kv, blobs, folder) = (bench.kv.clone(), bench.blobs.clone(), bench.folder);
        let calls = Arc::new(Faults::none());
        let counted = Arc::new(FaultyKv::new(kv.clone(), calls.clone()));
        let opened = Bench::over(counted, blobs.clone(), folder).await.unwrap();
        let dying = Arc::new(Faults::at(calls.calls() + n, Fault::StoppedAfter));
        let doomed = Arc::new(FaultyKv::new(kv.clone(), dying));
        let opened = Bench::over(doomed, blobs.clone(), opened.folder).await.unwrap();
        assert!(opened.delete_bucket(BUCKET).await.is_err());
        let bench = Bench::over(kv, blobs, opened.folder).await.unwrap();
        let Err(refused) = bench.put("k", b"x", Method::Plain).await else { continue };
        assert_eq!(refused.code, FailureCode::Conflict);
        return bench;
    }
    panic!("no call of a deletion leaves the bucket marked");
}
