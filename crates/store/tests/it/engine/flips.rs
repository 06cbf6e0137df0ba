//! One byte changed anywhere in what is stored: an error, or the exact plaintext. Never other bytes, never a body that ends
//! cleanly and is short.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use strongroom_model::operation::object::GetObject;
use strongroom_model::setting::Versioning;
use strongroom_store::{
    blobs::{BlobEntry, BlobError, BlobId, Blobs, MemoryBlobs},
    kv::{Batch, Commit, Entry, KeyRange, Kv, KvError, MemoryKv, Put, Row, Snapshot},
    stream::{ByteStream, collect, once},
};

use super::bench::{BUCKET, Bench, Method, get, noise};
use super::uploads::{initiate, named};

/// Family numbers of docs/CATALOG.md.
const ENTRIES: u8 = 0x40;
const CONTENTS: u8 = 0x41;
const NONCURRENT: u8 = 0x42;

/// What is read from below comes with one byte changed, where `place` says.
#[derive(Default)]
struct Flipping {
    kv: MemoryKv,
    blobs: MemoryBlobs,
    place: Mutex<Option<Place>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the values of that family.
    Row(u8, usize),
    /// In every blob.
    Blob(usize),
}

impl Flipping {
    fn place(&self) -> Option<Place> {
        *self.place.lock().unwrap()
    }
}

#[async_trait]
impl Kv for Flipping {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
        let mut found = self.kv.get(key).await?;
        if let (Some(Place::Row(family, at)), Some(entry)) = (self.place(), &mut found)
            && key[0] == family
        {
            entry.value = flipped(&entry.value, at);
        }
        Ok(found)
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        let mut rows = self.kv.scan(range, limit).await?;
        if let Some(Place::Row(family, at)) = self.place() {
            for row in rows.iter_mut().filter(|row| row.key[0] == family) {
                row.value = flipped(&row.value, at);
            }
        }
        Ok(rows)
    }

    async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
        self.kv.commit(batch).await
    }

    async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
        self.kv.submit(puts).await
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
        self.kv.snapshot().await
    }
}

#[async_trait]
impl Blobs for Flipping {
    async fn put(&self, id: &BlobId, bytes: ByteStream) -> Result<u64, BlobError> {
        self.blobs.put(id, bytes).await
    }

    async fn read(&self, id: &BlobId, range: Range<u64>) -> Result<ByteStream, BlobError> {
        let stream = self.blobs.read(id, range.clone()).await?;
        match self.place() {
            Some(Place::Blob(at)) if range.contains(&(at as u64)) => {
                let bytes = collect(stream, usize::MAX).await.unwrap();
                Ok(once(flipped(&bytes, at - range.start as usize)))
            }
            _ => Ok(stream),
        }
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        self.blobs.delete(id).await
    }

    async fn list(&self, after: Option<&BlobId>, limit: usize) -> Result<Vec<BlobEntry>, BlobError> {
        self.blobs.list(after, limit).await
    }
}

fn flipped(bytes: &[u8], at: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << (at % 8);
    bytes.into()
}

async fn bench() -> (Bench, Arc<Flipping>) {
    let below = Arc::new(Flipping::default());
    let bench = Bench::over(below.clone(), below.clone(), tempfile::tempdir().unwrap()).await.unwrap();
    bench.create_bucket(BUCKET, None).await.unwrap();
    (bench, below)
}

/// Where the chunks of the first blob end, and the record of its version begins (FORMAT.md §11.1), which readers do not read.
async fn end_of_chunks(below: &Flipping) -> usize {
    let blobs = below.blobs.list(None, 1).await.unwrap();
    let Some(blob) = blobs.first() else { return 0 };
    let end = collect(below.blobs.read(&blob.id, blob.len - 12..blob.len).await.unwrap(), 12).await.unwrap();
    assert_eq!(&end[4..], b"\x93SRREC1\n");
    blob.len as usize - 12 - u32::from_be_bytes(end[..4].try_into().unwrap()) as usize
}

/// Length of the values of that family.
async fn row_len(below: &Flipping, family: u8) -> usize {
    let rows = below.kv.scan(KeyRange::prefix(vec![family]), 2).await.unwrap();
    assert_eq!(rows.len(), 1);
    rows[0].value.len()
}

/// Reads with a byte changed. In blobs of suite 0, a header that nobody reads may change.
async fn read_flipped(bench: &Bench, below: &Flipping, method: Method, expected: &[u8], place: Place) -> bool {
    *below.place.lock().unwrap() = Some(place);
    let read = bench.get("k", method).await;
    *below.place.lock().unwrap() = None;
    if let Ok(body) = &read {
        assert!(body == expected, "{method:?}, {} bytes, {place:?}: other bytes", expected.len());
    }
    read.is_err()
}

const METHODS: [Method; 6] =
    [Method::Plain, Method::ManagedAes, Method::KmsSm4, Method::KmsBucketKey, Method::KmsTwice, Method::Customer];

/// Bytes that follow the ciphertext of a chunk (FORMAT.md §3).
const fn tag_len(method: Method) -> usize {
    match method {
        Method::Plain => 8,
        Method::KmsTwice => 32,
        _ => 16,
    }
}

#[tokio::test]
async fn every_byte_of_both_rows() {
    for method in METHODS {
        for size in [0, 1, 300, 70_000] {
            let (bench, below) = bench().await;
            let bytes = noise(size);
            bench.put("k", &bytes, method).await.unwrap();
            for family in [ENTRIES, CONTENTS] {
                for at in 0..row_len(&below, family).await {
                    let refused = read_flipped(&bench, &below, method, &bytes, Place::Row(family, at)).await;
                    assert!(refused, "{method:?}, {size} bytes, byte {at} of row {family:#x}");
                }
            }
            assert_eq!(bench.get("k", method).await.unwrap(), bytes);
        }
    }
}

/// A version that is not the latest: its own rows, which are found by its id, and its blob.
#[tokio::test]
async fn every_byte_of_an_older_version() {
    for method in METHODS {
        for size in [1, 300, 70_000] {
            let (bench, below) = bench().await;
            bench.switch(Versioning::Enabled).await;
            let bytes = noise(size);
            let version = bench.put("k", &bytes, method).await.unwrap().version;
            let contents = row_len(&below, CONTENTS).await;
            let blob = end_of_chunks(&below).await;
            bench.put("k", b"newer", Method::Plain).await.unwrap();
            let read = async |place| {
                *below.place.lock().unwrap() = place;
                let key = method.key_for_reading();
                let read = bench.get_as(GetObject { version, customer_key: key, ..get("k") }).await;
                *below.place.lock().unwrap() = None;
                read.map(|(_, body)| assert!(body == bytes, "{method:?}, {size} bytes, {place:?}: other bytes"))
            };
            read(None).await.unwrap();
            for at in 0..row_len(&below, NONCURRENT).await {
                assert!(read(Some(Place::Row(NONCURRENT, at))).await.is_err(), "{method:?}, {size} bytes, byte {at}");
            }
            for at in 0..contents {
                assert!(read(Some(Place::Row(CONTENTS, at))).await.is_err(), "{method:?}, {size} bytes, byte {at}");
            }
            for at in (0..blob).step_by(499) {
                let refused = read(Some(Place::Blob(at))).await.is_err();
                assert!(refused || at < 1000, "{method:?}, {size} bytes, byte {at} of a blob");
            }
        }
    }
}

/// The rows of one version in the place of another's of the same key.
#[tokio::test]
async fn versions_that_are_exchanged_are_refused() {
    let (bench, below) = bench().await;
    bench.switch(Versioning::Enabled).await;
    let mut versions = Vec::new();
    for n in 0..3 {
        versions.push(bench.put("k", &noise(100 + n), Method::ManagedAes).await.unwrap().version);
    }
    for (family, count) in [(CONTENTS, 3), (NONCURRENT, 2)] {
        let rows = below.kv.scan(KeyRange::prefix(vec![family]), 4).await.unwrap();
        assert_eq!(rows.len(), count);
        let last = rows.len() - 1;
        let put = |batch: Batch, from: usize, to: usize| batch.put(rows[to].key.clone(), rows[from].value.clone());
        let _ = below.kv.commit(put(put(Batch::new(), 0, last), last, 0)).await.unwrap();
        let mut refused = 0;
        for version in &versions {
            refused += usize::from(bench.get_as(GetObject { version: *version, ..get("k") }).await.is_err());
        }
        assert_eq!(refused, 2, "row {family:#x}");
        let _ = below.kv.commit(put(put(Batch::new(), 0, 0), last, last)).await.unwrap();
    }
    for (n, version) in versions.into_iter().enumerate() {
        assert_eq!(bench.get_as(GetObject { version, ..get("k") }).await.unwrap().1, noise(100 + n));
    }
}

/// The rows of an appendable object, which has a part in a blob and one in its content.
#[tokio::test]
async fn bytes_of_the_rows_of_an_appendable_object() {
    for method in METHODS {
        let (bench, below) = bench().await;
        let bytes = [noise(70_000), noise(300)].concat();
        bench.append("k", 0, &bytes[..70_000], method).await.unwrap();
        bench.append("k", 70_000, &bytes[70_000..], method).await.unwrap();
        for family in [ENTRIES, CONTENTS] {
            for at in (0..row_len(&below, family).await).step_by(3) {
                let place = Place::Row(family, at);
                *below.place.lock().unwrap() = Some(place);
                let appended = bench.append("k", 70_300, b"more", method).await;
                *below.place.lock().unwrap() = None;
                assert!(appended.is_err(), "{method:?}: an append to a changed object, byte {at} of row {family:#x}");
                let refused = read_flipped(&bench, &below, method, &bytes, place).await;
                assert!(refused, "{method:?}, byte {at} of row {family:#x}");
            }
        }
        assert!(bench.get("k", method).await.unwrap() == bytes);
    }
}

/// A full inline object: its row is 64 KiB sealed as one, so that a byte here and there stands for the rest.
#[tokio::test]
async fn bytes_of_the_largest_row() {
    for method in METHODS {
        let (bench, below) = bench().await;
        let bytes = noise(65_536);
        bench.put("k", &bytes, method).await.unwrap();
        let len = row_len(&below, CONTENTS).await;
        for at in (0..600).chain((600..len - 600).step_by(499)).chain(len - 600..len) {
            let refused = read_flipped(&bench, &below, method, &bytes, Place::Row(CONTENTS, at)).await;
            assert!(refused, "{method:?}, byte {at}");
        }
    }
}

/// The chunks of a blob: all bytes around their borders, and a sample of those between.
#[tokio::test]
async fn bytes_of_a_blob() {
    for method in METHODS {
        for size in [65_537, 131_072, 131_075] {
            let (bench, below) = bench().await;
            let bytes = noise(size);
            bench.put("k", &bytes, method).await.unwrap();
            let len = end_of_chunks(&below).await;
            let chunks = size.div_ceil(65_536);
            let tag = tag_len(method);
            let header = len - size - chunks * tag;
            let borders = (1..=chunks).map(|n| header + n * (65_536 + tag));
            let near = |at: usize| borders.clone().any(|border| at.abs_diff(border.min(len)) < 40);
            for at in (0..len).filter(|at| *at < header + 40 || near(*at) || at % 997 == 0) {
                let refused = read_flipped(&bench, &below, method, &bytes, Place::Blob(at)).await;
                // The manifest says where the chunks begin; the header is for recovery, and has a tag of its own.
                assert_eq!(refused, at >= header, "{method:?}, {size} bytes, byte {at} of a blob");
            }
        }
    }
}

/// Every single byte of one blob.
async fn every_byte_of_a_blob(method: Method) {
    let (bench, below) = bench().await;
    let bytes = noise(65_537);
    bench.put("k", &bytes, method).await.unwrap();
    let len = end_of_chunks(&below).await;
    let header = len - bytes.len() - 2 * tag_len(method);
    for at in 0..len {
        let refused = read_flipped(&bench, &below, method, &bytes, Place::Blob(at)).await;
        assert_eq!(refused, at >= header, "{method:?}, byte {at}");
    }
}

#[tokio::test]
async fn every_byte_of_an_aes_blob() {
    every_byte_of_a_blob(Method::ManagedAes).await;
}

#[tokio::test]
async fn every_byte_of_an_sm4_blob() {
    every_byte_of_a_blob(Method::KmsSm4).await;
}

/// A copy reads its source as any reader does: from a changed one nothing is made.
#[tokio::test]
async fn a_changed_source_is_not_copied() {
    for method in METHODS {
        for size in [300, 131_075] {
            let (bench, below) = bench().await;
            let bytes = noise(size);
            bench.put("k", &bytes, method).await.unwrap();
            let places: Vec<_> = match end_of_chunks(&below).await {
                end @ 1.. => (1..=60).map(|n| Place::Blob(end - n * 2180)).collect(),
                0 => (0..row_len(&below, CONTENTS).await).step_by(7).map(|at| Place::Row(CONTENTS, at)).collect(),
            };
            for place in places {
                *below.place.lock().unwrap() = Some(place);
                let copied = bench.copy("k", method, "copy", Method::KmsAes).await;
                *below.place.lock().unwrap() = None;
                assert!(copied.is_err(), "{method:?}, {size} bytes, {place:?}");
                assert!(bench.get("copy", Method::KmsAes).await.is_err(), "{method:?}, {size} bytes, {place:?}");
            }
            bench.copy("k", method, "copy", Method::KmsAes).await.unwrap();
            assert!(bench.get("copy", Method::KmsAes).await.unwrap() == bytes);
        }
    }
}

/// A range that does not touch the changed chunk is answered, one that does is not.
#[tokio::test]
async fn a_range_reads_only_what_it_needs() {
    use strongroom_model::range::RangeSpec;
    let (bench, below) = bench().await;
    let bytes = noise(200_000);
    bench.put("k", &bytes, Method::ManagedAes).await.unwrap();
    let len = end_of_chunks(&below).await;
    *below.place.lock().unwrap() = Some(Place::Blob(len - 1));
    let early = bench.get_range("k", Method::ManagedAes, RangeSpec::Between { first: 10, last: 100_000 }).await;
    assert_eq!(early.unwrap(), bytes[10..100_001]);
    assert!(bench.get_range("k", Method::ManagedAes, RangeSpec::Last { length: 1 }).await.is_err());
    assert_eq!(bench.engine.metrics().damaged_reads, 1);
    // The first chunks were sent before the last one was found damaged: this answer was cut.
    assert!(bench.get("k", Method::ManagedAes).await.is_err());
    assert_eq!(bench.engine.metrics().broken_bodies, 1);
}

/// Rows and blobs of one object in the place of another's.
#[tokio::test]
async fn what_is_moved_is_refused() {
    for size in [100, 70_000] {
        let (bench, below) = bench().await;
        bench.put("k", &noise(size), Method::ManagedAes).await.unwrap();
        bench.put("other", &noise(size), Method::ManagedAes).await.unwrap();
        for family in [ENTRIES, CONTENTS] {
            let rows = below.kv.scan(KeyRange::prefix(vec![family]), 2).await.unwrap();
            let exchanged = Batch::new()
                .put(rows[0].key.clone(), rows[1].value.clone())
                .put(rows[1].key.clone(), rows[0].value.clone());
            let _ = below.kv.commit(exchanged).await.unwrap();
            for key in ["k", "other"] {
                assert!(bench.get(key, Method::ManagedAes).await.is_err(), "{size} bytes, row {family:#x}, {key}");
            }
            let restored = Batch::new()
                .put(rows[0].key.clone(), rows[0].value.clone())
                .put(rows[1].key.clone(), rows[1].value.clone());
            let _ = below.kv.commit(restored).await.unwrap();
        }
        assert_eq!(bench.get("k", Method::ManagedAes).await.unwrap(), noise(size));
    }
}

/// An upload's own rows: a part is not written, and nothing is completed, over a changed one.
#[tokio::test]
async fn rows_of_an_upload() {
    const UPLOADS: u8 = 0x48;
    const PARTS: u8 = 0x49;
    for method in METHODS {
        let (bench, below) = bench().await;
        let upload = bench.begin(initiate("k", method)).await.unwrap();
        let written = bench.write_part(&upload, 1, &noise(300), method).await.unwrap();
        for at in 0..row_len(&below, UPLOADS).await {
            *below.place.lock().unwrap() = Some(Place::Row(UPLOADS, at));
            assert!(bench.write_part(&upload, 2, b"x", method).await.is_err(), "{method:?}, byte {at}");
            assert!(bench.complete(&upload, named(&[(1, written.clone())])).await.is_err(), "{method:?}, byte {at}");
        }
        for at in 0..row_len(&below, PARTS).await {
            *below.place.lock().unwrap() = Some(Place::Row(PARTS, at));
            assert!(bench.complete(&upload, named(&[(1, written.clone())])).await.is_err(), "{method:?}, byte {at}");
        }
        *below.place.lock().unwrap() = None;
        bench.complete(&upload, named(&[(1, written)])).await.unwrap();
        assert_eq!(bench.get("k", method).await.unwrap(), noise(300));
    }
}

/// An object of three parts: its rows, byte by byte, and the same place in each of its blobs.
#[tokio::test]
async fn an_object_made_of_parts() {
    for method in METHODS {
        let (bench, below) = bench().await;
        let bodies = [noise(70_000), noise(65_536), noise(66_000)];
        let whole = bodies.concat();
        bench.put_parts("k", &bodies, method).await;
        for family in [ENTRIES, CONTENTS] {
            for at in 0..row_len(&below, family).await {
                let refused = read_flipped(&bench, &below, method, &whole, Place::Row(family, at)).await;
                assert!(refused, "{method:?}, byte {at} of row {family:#x}");
            }
        }
        let blobs = below.blobs.list(None, 4).await.unwrap();
        let least = blobs.iter().map(|blob| blob.len as usize).filter(|len| *len > 60_000).min().unwrap();
        for at in (0..least).filter(|at| *at < 600 || at % 1501 == 0) {
            let refused = read_flipped(&bench, &below, method, &whole, Place::Blob(at)).await;
            assert!(refused || at < 600, "{method:?}, byte {at} of the blobs");
        }
        assert_eq!(bench.get("k", method).await.unwrap(), whole);
    }
}
