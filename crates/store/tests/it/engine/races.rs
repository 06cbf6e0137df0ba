//! Things that happen at the same time.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use strongroom_model::condition::{Conditions, TagList};
use strongroom_model::failure::FailureCode;
use strongroom_model::operation::object::PutObject;
use strongroom_store::{kv::KeyRange, stream::ByteStream};
use tokio::sync::mpsc;

use super::bench::{BUCKET, Bench, Method, noise, put};

/// A body whose pieces come from a channel; it ends when the channel does.
fn channel() -> (mpsc::UnboundedSender<io::Result<Bytes>>, ByteStream) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let pieces = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    (sender, pieces.boxed())
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come to be");
}

/// The server drops its request when the client leaves. What the body then does decides.
#[tokio::test]
async fn a_write_runs_to_its_end_without_its_client() {
    let bench = Arc::new(Bench::memory().await);
    for size in [10, 200_000] {
        let (sender, body) = channel();
        let writer = tokio::spawn({
            let bench = bench.clone();
            async move { bench.put_stream(put("whole"), body).await.map(drop) }
        });
        sender.send(Ok(noise(size)[..5].to_vec().into())).unwrap();
        until(async || bench.engine.metrics().changes_under_way == 1).await;
        writer.abort();
        assert!(writer.await.unwrap_err().is_cancelled());
        sender.send(Ok(noise(size)[5..].to_vec().into())).unwrap();
        drop(sender);
        until(async || bench.get("whole", Method::Plain).await.is_ok_and(|body| body == noise(size))).await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let bench = Arc::new(Bench::memory().await);
    for sent in [10, 200_000] {
        let (sender, body) = channel();
        let writer = tokio::spawn({
            let bench = bench.clone();
            async move { bench.put_stream(put("half"), body).await.map(drop) }
        });
        sender.send(Ok(noise(sent).into())).unwrap();
        until(async || bench.engine.metrics().changes_under_way == 1).await;
        writer.abort();
        sender.send(Err(io::Error::other("reset"))).unwrap();
        until(async || bench.engine.metrics().changes_under_way == 0).await;
        assert_eq!(bench.get("half", Method::Plain).await.unwrap_err().code, FailureCode::NoSuchKey);
        bench.reap_later().await;
        assert_eq!(bench.blob_count().await, 0);
    }
}

#[tokio::test]
async fn shutdown_waits_for_writes_and_takes_no_more() {
    let bench = Arc::new(Bench::memory().await);
    let (sender, body) = channel();
    let writer = tokio::spawn({
        let bench = bench.clone();
        async move { bench.put_stream(put("k"), body).await.map(drop) }
    });
    until(async || bench.engine.metrics().changes_under_way == 1).await;
    let shutdown = tokio::spawn({
        let bench = bench.clone();
        async move { bench.engine.shutdown().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!shutdown.is_finished());
    assert_eq!(bench.put("k", b"x", Method::Plain).await.unwrap_err().code, FailureCode::ServiceUnavailable);
    sender.send(Ok(noise(10).into())).unwrap();
    drop(sender);
    shutdown.await.unwrap();
    writer.await.unwrap().unwrap();
    assert_eq!(bench.get("k", Method::Plain).await.unwrap(), noise(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_of_one_key_leave_one_whole_object() {
    let bench = Arc::new(Bench::disk().await);
    let writers = (0..64).map(|n: usize| {
        let bench = bench.clone();
        // Every other one is large; each has bytes of its own.
        let size = if n.is_multiple_of(2) { 1000 + n } else { 70_000 + n };
        tokio::spawn(async move { bench.put("k", &noise(size), Method::ManagedAes).await.map(drop) })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let body = bench.get("k", Method::ManagedAes).await.unwrap();
    assert!(body == noise(body.len()));
    assert_eq!(bench.list().await.objects.len(), 1);
    bench.reap_later().await;
    assert_eq!(bench.blob_count().await, usize::from(body.len() > 65_536));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_insist_on_absence_one_writes() {
    let bench = Arc::new(Bench::memory().await);
    let writers = (0..32).map(|n: usize| {
        let bench = bench.clone();
        let absent = Conditions { if_none_match: Some(TagList::Any), ..Default::default() };
        let asked = PutObject { conditions: absent, ..put("k") };
        tokio::spawn(async move { bench.put_as(asked, &noise(10 + n)).await.map_err(|failure| failure.code) })
    });
    let mut written = 0;
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.unwrap() {
            Ok(_) => written += 1,
            Err(code) => assert_eq!(code, FailureCode::PreconditionFailed),
        }
    }
    assert_eq!(written, 1);
}

/// Either the bucket goes, and no write into it was acknowledged; or it stays with all that was.
#[tokio::test(flavor = "multi_thread")]
async fn writes_race_the_deletion_of_their_bucket() {
    let (mut went, mut stayed) = (0, 0);
    for round in 0..60_u64 {
        let bench = Arc::new(Bench::memory().await);
        let writers: Vec<_> = (0..4)
            .map(|n: usize| {
                let bench = bench.clone();
                let size = if n == 0 { 70_000 } else { 10 };
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_micros(round * 40)).await;
                    bench.put(&format!("k{n}"), &noise(size), Method::Plain).await.map_err(|failure| failure.code)
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_micros((60 - round) * 40)).await;
        let deleted = bench.delete_bucket(BUCKET).await.map_err(|failure| failure.code);
        let mut acknowledged = 0;
        for writer in writers {
            match writer.await.unwrap() {
                Ok(_) => acknowledged += 1,
                Err(FailureCode::NoSuchBucket | FailureCode::Conflict) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        match deleted {
            Ok(()) => {
                went += 1;
                assert_eq!(acknowledged, 0);
                for family in [0x40, 0x41] {
                    assert!(bench.kv.scan(KeyRange::prefix(vec![family]), 1).await.unwrap().is_empty());
                }
            }
            Err(FailureCode::BucketNotEmpty) => {
                stayed += 1;
                assert_eq!(bench.list().await.objects.len(), acknowledged);
                bench.put("later", b"x", Method::Plain).await.unwrap();
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(went > 0 && stayed > 0, "{went} went, {stayed} stayed: no race was run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_made_and_deleted_once() {
    let bench = Arc::new(Bench::memory().await);
    let deleters = (0..8).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.delete_bucket(BUCKET).await.map_err(|failure| failure.code) })
    });
    let mut deleted = 0;
    for deleter in deleters.collect::<Vec<_>>() {
        match deleter.await.unwrap() {
            Ok(()) => deleted += 1,
            Err(code) => assert!(matches!(code, FailureCode::NoSuchBucket | FailureCode::Conflict), "{code:?}"),
        }
    }
    assert_eq!(deleted, 1);
    let makers = (0..8).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.create_bucket(BUCKET, None).await.unwrap().created })
    });
    for maker in makers.collect::<Vec<_>>() {
        maker.await.unwrap();
    }
    bench.put("k", b"x", Method::Plain).await.unwrap();
    assert_eq!(bench.delete_bucket(BUCKET).await.unwrap_err().code, FailureCode::BucketNotEmpty);
}
