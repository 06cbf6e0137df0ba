//! What the reaper removes, and when.

use std::time::{SystemTime, UNIX_EPOCH};

use strongroom_model::time::Timestamp;
use strongroom_store::blobs::BlobId;

use super::bench::{Bench, Method, get, noise, pieces, put};

#[tokio::test]
async fn overwritten_and_deleted_blobs_wait_for_readers_and_then_go() {
    let bench = Bench::memory().await;
    bench.put("a", &noise(70_000), Method::ManagedAes).await.unwrap();
    bench.put("b", &noise(70_000), Method::Plain).await.unwrap();
    let reply = bench.get_as(get("a")).await.unwrap();
    bench.put("a", b"small now", Method::Plain).await.unwrap();
    bench.delete("b").await.unwrap();
    let report = bench.reaper.lock().await.run_once(bench.now()).await.unwrap();
    assert_eq!((report.removed, report.waiting, bench.blob_count().await), (0, 2, 2));
    assert_eq!(reply.1, noise(70_000));
    let report = bench.reap_later().await;
    assert_eq!((report.removed, report.waiting, bench.blob_count().await), (2, 0, 0));
    assert_eq!(bench.engine.metrics().blobs_reaped, 2);
}

#[tokio::test]
async fn a_failed_write_leaves_nothing_that_stays() {
    let bench = Bench::disk().await;
    let broken = futures_util::StreamExt::chain(
        pieces(&noise(200_000)),
        futures_util::stream::iter([Err(std::io::Error::other("the client is gone"))]),
    );
    assert!(bench.put_stream(put("k"), Box::pin(broken)).await.is_err());
    assert_eq!(bench.blob_count().await, 0, "what is not whole was never a blob");
    let report = bench.reaper.lock().await.run_once(bench.now()).await.unwrap();
    assert_eq!((report.removed, report.pending), (1, 0), "its row goes at once: no reader can need it");
    assert!(bench.list().await.objects.is_empty());
}

#[tokio::test]
async fn what_no_row_knows_goes_when_it_is_old() {
    let bench = Bench::disk().await;
    bench.put("k", &noise(70_000), Method::Plain).await.unwrap();
    bench.blobs.put(&BlobId::from_bytes([9; 16]), pieces(b"nobody's")).await.unwrap();
    let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let real = Timestamp::from_millis(real.try_into().unwrap());
    let report = bench.reaper.lock().await.run_once(real.plus_millis(60_000)).await.unwrap();
    assert_eq!((report.orphans, bench.blob_count().await), (0, 2), "its row may be on its way");
    let report = bench.reaper.lock().await.run_once(real.plus_millis(25 * 3_600_000)).await.unwrap();
    assert_eq!((report.orphans, bench.blob_count().await), (1, 1));
    assert_eq!(bench.get("k", Method::Plain).await.unwrap(), noise(70_000));
}
