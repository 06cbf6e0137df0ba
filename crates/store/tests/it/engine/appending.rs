//! Appendable objects: what was appended comes back, whatever the pieces; and nothing acknowledged is lost.

use std::sync::Arc;

use proptest::{collection::vec, prelude::*};
use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::ObjectKind;
use strongroom_model::operation::append::{AppendObject, LaterEncryption, SealAppend};
use strongroom_model::operation::object::{GetObject, PutObject};
use strongroom_model::operation::{ObjectOperation, Operation};
use strongroom_model::outcome::object::{ObjectAppended, ObjectFacts};
use strongroom_model::outcome::{ObjectOutcome, Outcome};
use strongroom_store::{Body, Trailer};

use super::bench::{BUCKET, Bench, METHODS, Method, bucket_name, get, noise, object_key, pieces, put};

impl Bench {
    pub(crate) async fn append(
        &self,
        key: &str,
        position: u64,
        bytes: &[u8],
        method: Method,
    ) -> Result<ObjectAppended, Failure> {
        let put = PutObject {
            encryption: method.wish(),
            keep: vec![ChecksumAlgorithm::Crc64Ecma],
            tag: TagPromise::PlainOnly,
            ..put(key)
        };
        let append = AppendObject { put, position, later: LaterEncryption::Overlooked };
        let body = Body { bytes: pieces(bytes), trailer: Trailer::default(), declared: None };
        let asked = Operation::Object(ObjectOperation::Append(Box::new(append)));
        match self.run(asked, Some(body)).await?.outcome {
            Outcome::Object(ObjectOutcome::Appended(appended)) => Ok(appended),
            other => panic!("{other:?}"),
        }
    }
}

fn crc64(bytes: &[u8]) -> Vec<u8> {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, bytes).to_be_bytes().to_vec()
}

async fn grows(bench: &Bench, method: Method, sizes: &[usize]) {
    bench.delete("log").await.unwrap();
    let mut whole = Vec::new();
    for (number, size) in sizes.iter().enumerate() {
        let piece = noise(size + number);
        let answer = bench.append("log", whole.len() as u64, &piece, method).await.unwrap();
        whole.extend_from_slice(&piece);
        assert_eq!(answer.position, whole.len() as u64);
        assert_eq!(answer.written.checksums[0].value, crc64(&whole), "{method:?} {sizes:?}");
        assert!(bench.get("log", method).await.unwrap() == whole, "{method:?} {sizes:?}");
    }
    let read = GetObject { customer_key: method.key_for_reading(), ..get("log") };
    let facts = bench.head(read).await.unwrap().facts;
    assert_eq!((facts.size, facts.kind, facts.md5), (whole.len() as u64, ObjectKind::Appendable, None));
}

#[tokio::test]
async fn every_method_grows_by_pieces_of_every_size() {
    let bench = Bench::memory().await;
    for method in METHODS {
        for sizes in [
            &[0, 0, 5][..],
            &[1, 1, 1],
            &[65_536],
            &[65_535, 0, 0],
            &[65_536, 0, 100],
            &[100, 65_436, 1],
            &[200_000, 10, 65_526, 70_000, 3],
        ] {
            grows(&bench, method, sizes).await;
        }
    }
}

/// Small appends join the last part until it is longer than a chunk: so the blobs are as few as the chunks.
#[tokio::test]
async fn small_appends_do_not_make_a_blob_each() {
    let bench = Bench::memory().await;
    for number in 0..100 {
        bench.append("log", number * 3_000, &noise(3_000), Method::ManagedAes).await.unwrap();
    }
    assert_eq!(bench.blob_count().await, 4, "300,000 bytes in parts of 66,000, and a rest in the catalog");
    bench.delete("log").await.unwrap();
    bench.reap_later().await;
    assert_eq!(bench.blob_count().await, 0);
}

#[tokio::test]
async fn of_many_who_append_at_one_place_one_does() {
    let bench = Arc::new(Bench::memory().await);
    for (position, size) in [(0, 10), (10, 80_000), (80_010, 20)] {
        let writers = (0..8).map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.append("log", position, &noise(size), Method::ManagedSm4).await })
        });
        let mut done = 0;
        for writer in writers.collect::<Vec<_>>() {
            match writer.await.unwrap() {
                Ok(answer) => {
                    assert_eq!(answer.position, position + size as u64);
                    done += 1;
                }
                Err(failure) => {
                    assert_eq!(failure.code, FailureCode::PositionNotEqualToLength, "{failure}");
                    assert_eq!(failure.details[0].1, (position + size as u64).to_string());
                }
            }
        }
        assert_eq!(done, 1);
    }
    bench.reap_later().await;
    assert_eq!(bench.blob_count().await, 1, "what the others wrote is gone");
}

/// Who reads while others append sees the object as it was between two appends, whole.
#[tokio::test]
async fn readers_see_whole_appends() {
    let bench = Arc::new(Bench::memory().await);
    bench.append("log", 0, &[1; 1000], Method::ManagedAes).await.unwrap();
    let writer = Arc::clone(&bench);
    let writing = tokio::spawn(async move {
        for number in 1..60_u8 {
            writer.append("log", u64::from(number) * 1000, &[number + 1; 1000], Method::ManagedAes).await.unwrap();
        }
    });
    while !writing.is_finished() {
        let (read, bytes) = bench.get_as(get("log")).await.unwrap();
        assert_eq!(bytes.len() as u64, read.facts.size);
        assert_eq!(bytes.len() % 1000, 0);
        assert!(bytes.iter().enumerate().all(|(at, byte)| usize::from(*byte) == at / 1000 + 1));
        assert_eq!(read.facts.checksums[0].value, crc64(&bytes));
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn only_an_appendable_object_grows() {
    let bench = Bench::memory().await;
    bench.put("k", b"abc", Method::Plain).await.unwrap();
    let code = |answer: Result<ObjectAppended, Failure>| answer.unwrap_err().code;
    assert_eq!(code(bench.append("k", 3, b"d", Method::Plain).await), FailureCode::ObjectNotAppendable);
    assert_eq!(code(bench.append("new", 1, b"d", Method::Plain).await), FailureCode::PositionNotEqualToLength);
    bench.append("c", 0, b"abc", Method::Customer).await.unwrap();
    assert_eq!(code(bench.append("c", 3, b"d", Method::Plain).await), FailureCode::CustomerKeyRequired);
}

#[tokio::test]
async fn an_object_whose_appending_has_ended_grows_no_more() {
    let bench = Bench::memory().await;
    bench.append("log", 0, b"abc", Method::ManagedAes).await.unwrap();
    bench.put("plain", b"abc", Method::Plain).await.unwrap();
    let seal = async |key: &str, position| {
        let seal = SealAppend { bucket: bucket_name(BUCKET), key: object_key(key), position };
        match bench.run(Operation::Object(ObjectOperation::SealAppend(seal)), None).await?.outcome {
            Outcome::Object(ObjectOutcome::AppendSealed { at, .. }) => Ok::<_, Failure>(at),
            other => panic!("{other:?}"),
        }
    };
    let early = seal("log", 2).await.unwrap_err();
    assert_eq!((early.code, early.details[0].1.as_str()), (FailureCode::PositionNotEqualToLength, "3"));
    assert_eq!(seal("plain", 3).await.unwrap_err().code, FailureCode::ObjectNotAppendable);
    assert_eq!(seal("none", 0).await.unwrap_err().code, FailureCode::NoSuchKey);
    assert_eq!(bench.append("log", 3, b"d", Method::ManagedAes).await.unwrap().position, 4);
    let written = bench.head(get("log")).await.unwrap().facts;
    assert_eq!(written.sealed, None);
    bench.advance(5000);
    let at = bench.now();
    assert_eq!(seal("log", 4).await.unwrap(), at);
    bench.advance(5000);
    assert_eq!(seal("log", 4).await.unwrap(), at, "when it ended first");
    let refused = bench.append("log", 4, b"e", Method::ManagedAes).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::ObjectNotAppendable);
    let facts = bench.head(get("log")).await.unwrap().facts;
    assert_eq!(facts, ObjectFacts { sealed: Some(at), ..written }, "nothing else has changed");
    assert_eq!(bench.get("log", Method::ManagedAes).await.unwrap(), b"abcd"[..]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_come_to_the_whole(
        sizes in vec(prop_oneof![0..50_usize, 65_400..65_600_usize, 65_600..140_000_usize], 1..9),
        method in 0..METHODS.len(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::memory().await;
            grows(&bench, METHODS[method], &sizes).await;
            bench.delete("log").await.unwrap();
            bench.reap_later().await;
            assert_eq!(bench.blob_count().await, 0);
        });
    }
}
