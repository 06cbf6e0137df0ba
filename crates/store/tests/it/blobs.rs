//! Blob stores: the suite, what is on disk afterwards, damage, faults, and a process that dies in the middle of a put.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use strongroom_store::{
    blobs::{BlobError, BlobId, Blobs, LocalBlobs, MemoryBlobs, faults::FaultyBlobs, suite},
    faults::{Fault, Faults},
    stream::{ByteStream, collect, once},
};
use tempfile::TempDir;

async fn open(path: &Path) -> LocalBlobs {
    LocalBlobs::open(path).await.unwrap()
}

fn id(number: u8) -> BlobId {
    BlobId::from_bytes([number; 16])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_conforms() {
    suite::run(async || Arc::new(MemoryBlobs::new()) as Arc<dyn Blobs>).await;
}

async fn conforms_in(folder: &Path) {
    let stores = AtomicU32::new(0);
    let fresh = async || {
        let path = folder.join(stores.fetch_add(1, Ordering::Relaxed).to_string());
        Arc::new(open(&path).await) as Arc<dyn Blobs>
    };
    suite::run(fresh).await;
    for store in fs::read_dir(folder).unwrap() {
        let temporary = store.unwrap().path().join("temporary");
        // What a dropped future was writing is removed by the thread that wrote it, a moment later.
        let patience = std::time::Instant::now();
        while fs::read_dir(&temporary).unwrap().next().is_some() {
            assert!(patience.elapsed().as_secs() < 10, "something stays in {}", temporary.display());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn local_files_conform() {
    conforms_in(TempDir::new().unwrap().path()).await;
}

/// Where files are in memory, direct writes may not be possible, so that the other way of writing runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn local_files_in_memory_conform() {
    if Path::new("/dev/shm").is_dir() {
        conforms_in(TempDir::new_in("/dev/shm").unwrap().path()).await;
    }
}

#[tokio::test]
async fn a_file_holds_exactly_the_bytes_of_its_blob() {
    let folder = TempDir::new().unwrap();
    let blobs = open(folder.path()).await;
    let bytes: Bytes = (0..3_000_001_u32).map(|at| (at / 7) as u8).collect();
    let pieces = bytes.chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect::<Vec<_>>();
    blobs.put(&id(0xab), Box::pin(stream::iter(pieces))).await.unwrap();
    let file = folder.path().join("ab").join("ab".repeat(16));
    assert_eq!(fs::read(&file).unwrap(), bytes);
    let on_disk = std::os::unix::fs::MetadataExt::blocks(&fs::metadata(&file).unwrap()) * 512;
    assert!(on_disk < bytes.len() as u64 + (1 << 20), "space reserved beyond the end is given back: {on_disk}");
}

#[tokio::test]
async fn a_store_survives_closing_and_foreign_files_are_not_blobs() {
    let folder = TempDir::new().unwrap();
    let blobs = open(folder.path()).await;
    blobs.put(&id(7), once(Bytes::from_static(b"kept"))).await.unwrap();
    drop(blobs);
    for foreign in ["07/README", "07/0707", &format!("07/{}", "08".repeat(16))] {
        fs::write(folder.path().join(foreign), "foreign").unwrap();
    }
    fs::write(folder.path().join("temporary/left over"), "half").unwrap();
    let blobs = open(folder.path()).await;
    let listed = blobs.list(None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|entry| (entry.id, entry.len)).collect::<Vec<_>>(), [(id(7), 4)]);
    let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
        - listed[0].modified_ms.unwrap();
    assert!(age < 60_000, "stored just now, it says {age} ms ago");
    assert_eq!(collect(blobs.read(&id(7), 0..4).await.unwrap(), 4).await.unwrap(), "kept");
    assert!(!folder.path().join("temporary/left over").exists());
}

#[tokio::test]
async fn a_second_opener_is_told_that_the_store_is_in_use() {
    let folder = TempDir::new().unwrap();
    let first = open(folder.path()).await;
    let second = LocalBlobs::open(folder.path()).await.err().unwrap();
    assert!(matches!(&second, BlobError::InUse { path } if path == folder.path()), "{second}");
    drop(first);
    open(folder.path()).await;
}

/// A blob cut off on disk while a reader is in the middle of it: the stream ends in an error, never cleanly.
#[tokio::test]
async fn a_blob_cut_off_while_it_is_read_is_an_error() {
    let folder = TempDir::new().unwrap();
    let blobs = open(folder.path()).await;
    let len = 8 << 20;
    blobs.put(&id(1), once(Bytes::from(vec![1; len]))).await.unwrap();
    let mut stream = blobs.read(&id(1), 0..len as u64).await.unwrap();
    let mut came = stream.next().await.unwrap().unwrap().len();
    let file = fs::OpenOptions::new().write(true).open(folder.path().join("01").join("01".repeat(16))).unwrap();
    file.set_len(5 << 20).unwrap();
    let error = loop {
        match stream.next().await.expect("a clean end would be a lie") {
            Ok(piece) => came += piece.len(),
            Err(error) => break error,
        }
    };
    assert!(came <= 5 << 20);
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    assert!(matches!(error.downcast::<BlobError>().unwrap(), BlobError::Short { len: found, .. } if found == 5 << 20));
}

#[tokio::test]
async fn faults_happen_at_the_call_they_were_ordered_for() {
    let inner = Arc::new(MemoryBlobs::new());
    let blobs = FaultyBlobs::new(inner.clone(), Arc::new(Faults::at(2, Fault::StoppedAfter)));
    blobs.put(&id(1), once(Bytes::from_static(b"1"))).await.unwrap();
    assert!(matches!(blobs.put(&id(2), once(Bytes::new())).await, Err(BlobError::Unavailable(_))));
    assert!(matches!(blobs.delete(&id(1)).await, Err(BlobError::Unavailable(_))));
    let left: Vec<_> = inner.list(None, 10).await.unwrap().into_iter().map(|entry| entry.id).collect();
    assert_eq!(left, [id(1), id(2)], "the second put took effect, the delete after the stop did not");
}

/// Set for the process that is to be killed: the folder of its store.
const VICTIM: &str = "STRONGROOM_TEST_BLOBS_VICTIM";
/// Rounds of killing.
const KILLS: usize = 6;

/// A body in sealed-chunk-sized pieces, told by its id.
fn body_of(id: BlobId) -> (usize, ByteStream) {
    let [first, second, ..] = *id.as_bytes();
    let len = usize::from(second) * 20_011;
    let pieces = (0..len).step_by(65_552).map(move |start| Ok(Bytes::from(vec![first; (len - start).min(65_552)])));
    (len, Box::pin(stream::iter(pieces)))
}

/// Not a test of its own: what the process does that `stored_blobs_survive_kill_9` starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victim() {
    let Ok(folder) = std::env::var(VICTIM) else { return };
    let blobs = Arc::new(open(Path::new(&folder)).await);
    let seed = std::process::id();
    let writers = (0..6_u32).map(|writer| {
        let blobs = Arc::clone(&blobs);
        tokio::spawn(async move {
            for number in 0.. {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&(seed ^ writer << 8 ^ number).wrapping_mul(0x9e37_79b1).to_be_bytes());
                bytes[4..].copy_from_slice(format!("{writer:03}{number:09}").as_bytes());
                let id = BlobId::from_bytes(bytes);
                match blobs.put(&id, body_of(id).1).await {
                    Ok(_) => println!("{id}"),
                    Err(BlobError::AlreadyExists(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    futures_util::future::join_all(writers.collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_blobs_survive_kill_9() {
    let folder = TempDir::new().unwrap();
    let mut stored = Vec::new();
    for round in 1..=KILLS {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["blobs::victim", "--exact", "--nocapture", "--test-threads=1"])
            .env(VICTIM, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ids = BufReader::new(victim.stdout.take().unwrap())
            .lines()
            .filter_map(|line| line.unwrap().parse::<BlobId>().ok());
        stored.extend(ids.by_ref().take(7 * round));
        victim.kill().unwrap();
        victim.wait().unwrap();
        stored.extend(ids);
        let blobs = open(folder.path()).await;
        for id in &stored {
            let len = body_of(*id).0;
            let bytes = collect(blobs.read(id, 0..len as u64).await.unwrap(), len).await.unwrap();
            assert!(bytes.iter().all(|byte| *byte == id.as_bytes()[0]), "{id} is whole");
        }
        for entry in blobs.list(None, usize::MAX).await.unwrap() {
            assert_eq!(entry.len, body_of(entry.id).0 as u64, "{}: no blob is listed in part", entry.id);
        }
        assert_eq!(left_over(folder.path()), Vec::<PathBuf>::new());
    }
}

fn left_over(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder.join("temporary")).unwrap().map(|file| file.unwrap().path()).collect()
}
