//! Changes in place: metadata, and the master key over a data key. The bytes stay where they are.

use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::KeyReference;
use strongroom_model::metadata::ObjectMetadata;
use strongroom_model::operation::amend::{SetMetadata, Unnamed, UpdateEncryption};
use strongroom_model::operation::key::Switch;
use strongroom_model::operation::object::PutObject;
use strongroom_model::operation::{KeyOperation, ObjectOperation, Operation};

use super::bench::{Bench, Method, bucket_name, get, noise, object_key, put};

pub(crate) async fn update(bench: &Bench, key: &str, master_key: &KeyReference) -> Result<(), Failure> {
    let update = UpdateEncryption {
        bucket: bucket_name("bucket"),
        key: object_key(key),
        version: None,
        master_key: master_key.clone(),
        bucket_key: true,
    };
    bench.run(Operation::Object(ObjectOperation::UpdateEncryption(update)), None).await.map(drop)
}

#[tokio::test]
async fn a_data_key_is_wrapped_anew_and_nothing_else_changes() {
    let bench = Bench::memory().await;
    let master = bench.create_key(None).await;
    for method in [Method::ManagedAes, Method::ManagedSm4, Method::KmsAes, Method::KmsSm4] {
        for size in [0, 300, 200_000] {
            bench.put("k", &noise(size), method).await.unwrap();
            let before = bench.head(get("k")).await.unwrap().facts;
            let blobs = bench.blobs.list(None, 10).await.unwrap();
            bench.advance(5000);
            update(&bench, "k", &master).await.unwrap();
            let after = bench.head(get("k")).await.unwrap().facts;
            let AppliedEncryption::Kms(applied) = &after.encryption else { panic!("{:?}", after.encryption) };
            assert_eq!((applied.key.id.as_str(), applied.bucket_key), (master.text.as_str(), true));
            assert_eq!((after.etag, after.last_modified), (before.etag, before.last_modified));
            let ids = |list: &[strongroom_store::blobs::BlobEntry]| list.iter().map(|it| it.id).collect::<Vec<_>>();
            assert_eq!(ids(&bench.blobs.list(None, 10).await.unwrap()), ids(&blobs), "no byte was written");
            assert!(bench.get("k", Method::KmsAes).await.unwrap() == noise(size), "{method:?}, {size} bytes");
            bench.delete("k").await.unwrap();
            bench.reap_later().await;
        }
    }
}

#[tokio::test]
async fn the_new_master_key_decides_from_then_on() {
    let bench = Bench::memory().await;
    let (first, second) = (bench.create_key(None).await, bench.create_key(None).await);
    bench.put("k", b"secret", Method::ManagedAes).await.unwrap();
    update(&bench, "k", &first).await.unwrap();
    update(&bench, "k", &second).await.unwrap();
    bench.key(KeyOperation::Disable(Switch::repeatable(first.clone()))).await.unwrap();
    assert_eq!(bench.get("k", Method::KmsAes).await.unwrap(), &b"secret"[..]);
    assert_eq!(update(&bench, "k", &first).await.unwrap_err().code, FailureCode::KeyDisabled);
    bench.key(KeyOperation::Disable(Switch::repeatable(second))).await.unwrap();
    assert_eq!(bench.get("k", Method::KmsAes).await.unwrap_err().code, FailureCode::KeyDisabled);
}

#[tokio::test]
async fn what_is_not_under_one_key_of_the_service_is_not_changed() {
    let bench = Bench::memory().await;
    let master = bench.create_key(None).await;
    for method in [Method::Plain, Method::Customer, Method::KmsTwice] {
        bench.put("k", b"x", method).await.unwrap();
        assert_eq!(update(&bench, "k", &master).await.unwrap_err().code, FailureCode::EncryptionNotChangeable);
    }
    assert_eq!(update(&bench, "nothing", &master).await.unwrap_err().code, FailureCode::NoSuchKey);
}

#[tokio::test]
async fn metadata_change_and_the_bytes_do_not() {
    let bench = Bench::memory().await;
    let metadata = |user: &[(&str, &str)]| ObjectMetadata {
        user: user.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..ObjectMetadata::default()
    };
    for size in [300, 200_000] {
        let asked = PutObject { metadata: metadata(&[("a", "1")]), encryption: Method::KmsSm4.wish(), ..put("k") };
        let written = bench.put_as(asked, &noise(size)).await.unwrap();
        let set = SetMetadata {
            bucket: bucket_name("bucket"),
            key: object_key("k"),
            version: None,
            metadata: metadata(&[("b", "2")]),
            storage_class: None,
            unnamed: Unnamed::Kept,
        };
        bench.run(Operation::Object(ObjectOperation::SetMetadata(set)), None).await.unwrap();
        let facts = bench.head(get("k")).await.unwrap().facts;
        assert_eq!(facts.metadata, metadata(&[("a", "1"), ("b", "2")]));
        assert_eq!((facts.etag, &facts.encryption), (written.etag, &written.encryption));
        assert!(bench.get("k", Method::KmsSm4).await.unwrap() == noise(size));
    }
}
