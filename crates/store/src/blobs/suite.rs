//! What every blob store must do. A store is right if [`run`] passes on it.

use std::{collections::BTreeMap, io, ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::task::JoinSet;

use super::{BlobError, BlobId, Blobs};
use crate::stream::{ByteStream, collect, once};

/// Larger than any window or buffer of a store.
const BIG: usize = 32 << 20;

/// Runs every case, each on a new, empty store. Must run on a runtime with several threads, so that tasks truly meet.
///
/// # Panics
/// Where the store is wrong.
pub async fn run(fresh: impl AsyncFn() -> Arc<dyn Blobs>) {
    lengths_around_borders(&*fresh().await).await;
    pieces_of_all_kinds(&*fresh().await).await;
    ranges(&*fresh().await).await;
    ranges_that_do_not_lie_within(&*fresh().await).await;
    missing_blobs(&*fresh().await).await;
    a_second_put_changes_nothing(&*fresh().await).await;
    a_failed_stream_leaves_nothing(&*fresh().await).await;
    an_abandoned_put_leaves_nothing(&*fresh().await).await;
    deleted_and_deleted_again(&*fresh().await).await;
    an_open_stream_outlives_its_blob(&*fresh().await).await;
    list_in_order_and_in_pages(&*fresh().await).await;
    concurrent_puts_of_many_blobs(fresh().await).await;
    concurrent_puts_of_one_id_have_one_winner(fresh().await).await;
    a_big_blob(&*fresh().await).await;
}

async fn lengths_around_borders(blobs: &dyn Blobs) {
    const PAGE: usize = 4096;
    const CHUNK: usize = 64 << 10;
    const MEBIBYTE: usize = 1 << 20;
    let borders = [PAGE, CHUNK, MEBIBYTE / 2, MEBIBYTE, 2 * MEBIBYTE, 4 * MEBIBYTE];
    let lengths = borders.iter().flat_map(|border| [border - 1, *border, border + 1]);
    for len in [0, 1, 511, 512, 513].into_iter().chain(lengths) {
        let bytes = pattern(len);
        assert_eq!(blobs.put(&id(len), in_pieces(&bytes, CHUNK + 16)).await.expect("put"), len as u64);
        assert_eq!(whole(blobs, &id(len), len).await, bytes, "{len} bytes");
    }
}

async fn pieces_of_all_kinds(blobs: &dyn Blobs) {
    let bytes = pattern((2 << 20) + 5);
    for (number, piece) in [7, 4096, 65_536, 1 << 20, (1 << 20) + 1, usize::MAX].into_iter().enumerate() {
        blobs.put(&id(number), in_pieces(&bytes, piece)).await.expect("put");
        assert_eq!(whole(blobs, &id(number), bytes.len()).await, bytes, "pieces of {piece}");
    }
    let with_empty = stream::iter([&b""[..], b"a", b"", b"", b"b", b""].map(|piece| Ok(Bytes::from_static(piece))));
    assert_eq!(blobs.put(&id(100), Box::pin(with_empty)).await.expect("put"), 2);
    assert_eq!(whole(blobs, &id(100), 2).await, "ab");
}

async fn ranges(blobs: &dyn Blobs) {
    let bytes = pattern((3 << 20) + 77);
    blobs.put(&id(0), in_pieces(&bytes, 65_552)).await.expect("put");
    let len = bytes.len();
    let window = 1 << 19;
    let mut cases = vec![0..0, 0..1, 1..1, len - 1..len, len..len, 0..len, 1..len - 1, 4095..4097, 65_552..131_104];
    for start in [0, 1, window - 1, window, window + 1] {
        for size in [1, window - 1, window, window + 1, 2 * window, 2 * window + 1] {
            cases.push(start..start + size);
        }
    }
    for range in cases {
        let read = read(blobs, &id(0), range.start as u64..range.end as u64).await.expect("read");
        assert_eq!(read, bytes.slice(range.clone()), "{range:?}");
    }
}

async fn ranges_that_do_not_lie_within(blobs: &dyn Blobs) {
    for len in [0, 10, 2 << 20] {
        blobs.put(&id(len), once(pattern(len))).await.expect("put");
        let len = len as u64;
        for range in [0..len + 1, len..len + 1, len + 5..len + 6, 0..len + (8 << 20), len..u64::MAX] {
            let error = read(blobs, &id(len as usize), range.clone()).await.expect_err("more than there is");
            assert!(matches!(error, BlobError::Short { len: found, .. } if found == len), "{range:?}: {error:?}");
        }
    }
}

async fn missing_blobs(blobs: &dyn Blobs) {
    for range in [0..0, 0..1, 0..u64::MAX] {
        let error = read(blobs, &id(7), range).await.expect_err("there is none");
        assert!(matches!(error, BlobError::NotFound(named) if named == id(7)), "{error:?}");
    }
    assert!(names(blobs).await.is_empty());
}

async fn a_second_put_changes_nothing(blobs: &dyn Blobs) {
    for (number, second) in [(0, pattern(10)), (1, pattern(3 << 20)), (2, Bytes::new())] {
        blobs.put(&id(number), once(Bytes::from_static(b"the first"))).await.expect("put");
        let error = blobs.put(&id(number), once(second)).await.expect_err("the id is taken");
        assert!(matches!(error, BlobError::AlreadyExists(named) if named == id(number)), "{error:?}");
        assert_eq!(whole(blobs, &id(number), 9).await, "the first");
    }
}

async fn a_failed_stream_leaves_nothing(blobs: &dyn Blobs) {
    for (number, len) in [0, 1, 100_000, 1 << 20, (5 << 20) + 1].into_iter().enumerate() {
        let bytes = in_pieces(&pattern(len), 65_552);
        let cut = stream::once(async { Err(io::Error::other("the client went away")) });
        let error = blobs.put(&id(number), Box::pin(bytes.chain(cut))).await.expect_err("the stream failed");
        assert!(matches!(&error, BlobError::Stream(cause) if cause.to_string() == "the client went away"), "{error:?}");
        assert!(matches!(read(blobs, &id(number), 0..0).await, Err(BlobError::NotFound(_))), "{len} bytes came");
    }
    assert!(names(blobs).await.is_empty());
    blobs.put(&id(0), once(pattern(5))).await.expect("the id is free after a failed put");
}

async fn an_abandoned_put_leaves_nothing(blobs: &dyn Blobs) {
    for len in [0, 1 << 20, 3 << 20] {
        let stalled = in_pieces(&pattern(len), 65_552).chain(stream::pending());
        let id = id(len);
        let put = blobs.put(&id, Box::pin(stalled));
        assert!(tokio::time::timeout(Duration::from_millis(50), put).await.is_err(), "the body never ends");
        assert!(matches!(read(blobs, &id, 0..0).await, Err(BlobError::NotFound(_))), "{len} bytes came");
    }
    let polled_once = blobs.put(&id(9), in_pieces(&pattern(2 << 20), 65_552)).now_or_never();
    let expected = if polled_once.is_some() { vec![id(9)] } else { Vec::new() };
    assert_eq!(names(blobs).await, expected);
}

async fn deleted_and_deleted_again(blobs: &dyn Blobs) {
    for number in 0..3 {
        blobs.put(&id(number), once(pattern(number * 1000))).await.expect("put");
    }
    blobs.delete(&id(1)).await.expect("delete");
    assert!(matches!(read(blobs, &id(1), 0..1).await, Err(BlobError::NotFound(_))));
    blobs.delete(&id(1)).await.expect("delete of what is gone");
    blobs.delete(&id(77)).await.expect("delete of what never was");
    assert_eq!(names(blobs).await, sorted([id(0), id(2)]));
    assert_eq!(whole(blobs, &id(2), 2000).await, pattern(2000));
}

async fn an_open_stream_outlives_its_blob(blobs: &dyn Blobs) {
    let bytes = pattern(8 << 20);
    blobs.put(&id(1), in_pieces(&bytes, 1 << 20)).await.expect("put");
    let stream = blobs.read(&id(1), 0..bytes.len() as u64).await.expect("read");
    blobs.delete(&id(1)).await.expect("delete");
    assert_eq!(collect(stream, bytes.len()).await.expect("what was open stays readable"), bytes);
}

async fn list_in_order_and_in_pages(blobs: &dyn Blobs) {
    assert!(names(blobs).await.is_empty());
    let mut expected = BTreeMap::new();
    for number in 0..60 {
        // Three to a first byte, to meet the borders between a store's folders, and both ends.
        let mut bytes = *id(number).as_bytes();
        bytes[0] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][number % 6].max(if number < 18 { 0 } else { bytes[0] });
        let id = BlobId::from_bytes(bytes);
        blobs.put(&id, once(pattern(number))).await.expect("put");
        expected.insert(id, number as u64);
    }
    let all = blobs.list(None, usize::MAX).await.expect("list");
    let found: Vec<_> = all.iter().map(|entry| (entry.id, entry.len)).collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    for limit in [1, 2, 7, 59, 60, 61] {
        let mut paged = Vec::new();
        loop {
            let page = blobs.list(paged.last(), limit).await.expect("list");
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            paged.extend(page.into_iter().map(|entry| entry.id));
        }
        assert_eq!(paged, all.iter().map(|entry| entry.id).collect::<Vec<_>>(), "in pages of {limit}");
    }
    assert!(blobs.list(None, 0).await.expect("list").is_empty());
    assert!(blobs.list(Some(&BlobId::from_bytes([0xff; 16])), 10).await.expect("list").is_empty());
}

async fn concurrent_puts_of_many_blobs(blobs: Arc<dyn Blobs>) {
    let puts: JoinSet<()> = (0..48)
        .map(|number| {
            let blobs = Arc::clone(&blobs);
            async move {
                let bytes = pattern(number * 77_777);
                blobs.put(&id(number), in_pieces(&bytes, 65_552)).await.expect("put");
                assert_eq!(whole(&*blobs, &id(number), bytes.len()).await, bytes);
            }
        })
        .collect();
    puts.join_all().await;
    assert_eq!(names(&*blobs).await.len(), 48);
}

async fn concurrent_puts_of_one_id_have_one_winner(blobs: Arc<dyn Blobs>) {
    for round in 0..5 {
        let puts: JoinSet<_> = (1..=6)
            .map(|number| {
                let (blobs, bytes) = (Arc::clone(&blobs), pattern(number * 300_000));
                async move { blobs.put(&id(round), in_pieces(&bytes, 65_552)).await }
            })
            .collect();
        let (stored, refused): (Vec<_>, Vec<_>) = puts.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(stored.len(), 1);
        assert!(refused.iter().all(|put| matches!(put, Err(BlobError::AlreadyExists(_)))), "{refused:?}");
        let len = *stored[0].as_ref().expect("partitioned") as usize;
        assert_eq!(whole(&*blobs, &id(round), len).await, pattern(len));
        assert_eq!(blobs.list(None, 100).await.expect("list").len(), round + 1);
    }
}

async fn a_big_blob(blobs: &dyn Blobs) {
    let bytes = pattern(BIG + 12_345);
    assert_eq!(blobs.put(&id(0), in_pieces(&bytes, 65_552)).await.expect("put"), bytes.len() as u64);
    assert_eq!(whole(blobs, &id(0), bytes.len()).await, bytes);
    let middle = read(blobs, &id(0), BIG as u64 / 2..BIG as u64 / 2 + 100).await.expect("read");
    assert_eq!(middle, bytes.slice(BIG / 2..BIG / 2 + 100));
    // Given up after the first piece: nothing may be held up by the rest.
    let mut given_up = blobs.read(&id(0), 0..bytes.len() as u64).await.expect("read");
    given_up.next().await.expect("a piece").expect("read");
    drop(given_up);
    blobs.delete(&id(0)).await.expect("delete");
}

/// A different id for each number, in an order that is not that of the numbers.
fn id(number: usize) -> BlobId {
    let mixed = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    BlobId::from_bytes(mixed.to_be_bytes())
}

fn sorted<const N: usize>(mut ids: [BlobId; N]) -> [BlobId; N] {
    ids.sort_unstable();
    ids
}

/// Bytes in which no two stretches of equal length are alike for long.
fn pattern(len: usize) -> Bytes {
    (0..len).map(|at| (at ^ (at >> 8) ^ (at / 4093)) as u8).collect()
}

fn in_pieces(bytes: &Bytes, size: usize) -> ByteStream {
    let pieces = (0..bytes.len()).step_by(size).map(|start| {
        let end = bytes.len().min(start.saturating_add(size));
        Ok(bytes.slice(start..end))
    });
    Box::pin(stream::iter(pieces.collect::<Vec<_>>()))
}

async fn whole(blobs: &dyn Blobs, id: &BlobId, len: usize) -> Bytes {
    read(blobs, id, 0..len as u64).await.expect("read")
}

/// Reads to the end; the error is that of the call, or the one that the stream ended in.
async fn read(blobs: &dyn Blobs, id: &BlobId, range: Range<u64>) -> Result<Bytes, BlobError> {
    let stream = blobs.read(id, range).await?;
    collect(stream, 2 * BIG).await.map_err(|error| error.downcast().expect("the stream's errors carry a BlobError"))
}

async fn names(blobs: &dyn Blobs) -> Vec<BlobId> {
    blobs.list(None, usize::MAX).await.expect("list").into_iter().map(|entry| entry.id).collect()
}
