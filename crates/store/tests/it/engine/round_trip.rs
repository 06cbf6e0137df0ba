//! What goes in comes out, in every method and size class.

use strongroom_model::encryption::{AppliedEncryption, DataAlgorithm};
use strongroom_model::failure::FailureCode;
use strongroom_model::metadata::{ContentHeaders, ObjectMetadata};
use strongroom_model::operation::object::{GetObject, PutObject, Unsatisfiable};
use strongroom_model::range::RangeSpec;

use super::bench::{Bench, METHODS, Method, get, noise, put};

const SIZES: [usize; 7] = [0, 1, 65_535, 65_536, 65_537, 131_072, (1 << 20) + 3];

async fn every_method_and_size(bench: &Bench) {
    for method in METHODS {
        for size in SIZES {
            let (key, bytes) = (format!("{method:?}/{size}"), noise(size));
            let written = bench.put(&key, &bytes, method).await.unwrap();
            let read = GetObject { customer_key: method.key_for_reading(), ..get(&key) };
            let (answer, body) = bench.get_as(read).await.unwrap();
            assert!(body == bytes, "{key}");
            assert_eq!((answer.facts.size, answer.range.clone()), (size as u64, None), "{key}");
            assert_eq!((answer.facts.etag, &answer.facts.encryption), (written.etag, &written.encryption), "{key}");
            let head = bench.head(GetObject { customer_key: method.key_for_reading(), ..get(&key) }).await.unwrap();
            assert_eq!(head, answer, "{key}");
            ranges(bench, &key, method, &bytes).await;
        }
    }
}

async fn ranges(bench: &Bench, key: &str, method: Method, bytes: &[u8]) {
    let size = bytes.len() as u64;
    for first in [0, 1, 65_535, 65_536, 65_537, 131_071, size.saturating_sub(1), size] {
        for last in [first, first + 1, first + 65_536, first + 70_000, u64::MAX] {
            let range = RangeSpec::Between { first, last };
            let expected = bytes.get(first as usize..(last.saturating_add(1).min(size)) as usize);
            match bench.get_range(key, method, range).await {
                Ok(body) => assert!(Some(&body[..]) == expected, "{key} {first}-{last}"),
                Err(failure) => {
                    assert!(first >= size, "{key} {first}-{last}: {failure}");
                    assert_eq!(failure.code, FailureCode::InvalidRange);
                }
            }
        }
    }
    if size > 0 {
        let tail = bench.get_range(key, method, RangeSpec::Last { length: 3 }).await.unwrap();
        assert_eq!(tail, bytes[bytes.len().saturating_sub(3)..]);
    }
}

#[tokio::test]
async fn over_memory() {
    every_method_and_size(&Bench::memory().await).await;
}

#[tokio::test]
async fn over_files_and_after_a_restart() {
    let bench = Bench::disk().await;
    every_method_and_size(&bench).await;
    let Bench { engine, reaper, scrub, lifecycle, inventory, kv, blobs, folder, .. } = bench;
    drop((engine, reaper, scrub, lifecycle, inventory, kv, blobs));
    let bench = Bench::disk_in(folder).await;
    for method in METHODS {
        for size in SIZES {
            assert!(bench.get(&format!("{method:?}/{size}"), method).await.unwrap() == noise(size));
        }
    }
}

#[tokio::test]
async fn answers_name_the_encryption() {
    let bench = Bench::memory().await;
    let expected = |method| match method {
        Method::Plain => AppliedEncryption::Plain,
        Method::ManagedAes => AppliedEncryption::Managed(DataAlgorithm::Aes256),
        Method::ManagedSm4 => AppliedEncryption::Managed(DataAlgorithm::Sm4),
        Method::Customer => AppliedEncryption::Customer { key_md5: Some([0xaa; 16]) },
        Method::KmsAes | Method::KmsSm4 | Method::KmsTwice | Method::KmsBucketKey => {
            unreachable!("they have a test of their own")
        }
    };
    for method in [Method::Plain, Method::ManagedAes, Method::ManagedSm4, Method::Customer] {
        assert_eq!(bench.put("k", b"x", method).await.unwrap().encryption, expected(method));
        let read = GetObject { customer_key: method.key_for_reading(), ..get("k") };
        assert_eq!(bench.get_as(read).await.unwrap().0.facts.encryption, expected(method));
    }
    for (method, algorithm) in [
        (Method::KmsAes, DataAlgorithm::Aes256),
        (Method::KmsSm4, DataAlgorithm::Sm4),
        (Method::KmsTwice, DataAlgorithm::Aes256Twice),
        (Method::KmsBucketKey, DataAlgorithm::Sm4),
    ] {
        let AppliedEncryption::Kms(kms) = bench.put("k", b"x", method).await.unwrap().encryption else { panic!() };
        assert!(kms.key.is_default && kms.key.account == bench.account);
        assert_eq!((kms.algorithm, kms.key.region.as_str()), (algorithm, "test-1"));
        assert_eq!(kms.bucket_key, method == Method::KmsBucketKey);
        assert_eq!(kms.context.get("tenant").map(String::as_str), Some("é"));
    }
}

#[tokio::test]
async fn metadata_comes_back_and_goes_with_its_object() {
    let bench = Bench::memory().await;
    let metadata = ObjectMetadata {
        content: ContentHeaders {
            content_type: Some("text/plain".into()),
            cache_control: Some("no-store".into()),
            content_disposition: Some("inline".into()),
            content_encoding: Some("gzip".into()),
            content_language: Some("de".into()),
            expires: Some("never".into()),
        },
        user: vec![("a".into(), "1".into()), ("b".into(), "ü".into())],
    };
    for size in [1, 70_000] {
        let asked = PutObject { metadata: metadata.clone(), ..put("k") };
        bench.put_as(asked, &noise(size)).await.unwrap();
        assert_eq!(bench.head(get("k")).await.unwrap().facts.metadata, metadata);
        bench.put("k", &noise(size), Method::Plain).await.unwrap();
        assert_eq!(bench.head(get("k")).await.unwrap().facts.metadata, ObjectMetadata::default());
    }
}

#[tokio::test]
async fn a_range_beyond_the_end_is_refused_or_ignored_as_asked() {
    let bench = Bench::memory().await;
    bench.put("k", b"abc", Method::Plain).await.unwrap();
    let beyond = Some(RangeSpec::From { first: 3 });
    let refused = bench.get_as(GetObject { range: beyond, ..get("k") }).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::InvalidRange);
    let whole = GetObject { range: beyond, unsatisfiable: Unsatisfiable::Whole, ..get("k") };
    let (answer, body) = bench.get_as(whole).await.unwrap();
    assert_eq!((answer.range, &body[..]), (None, &b"abc"[..]));
}
