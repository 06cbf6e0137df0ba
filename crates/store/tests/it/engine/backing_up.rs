//! Backups: what holds the reaper, what is refused, and that a restored store is the store.

use std::{fs, path::Path};

use bytes::Bytes;
use strongroom_iam::Transport;
use strongroom_model::account::Principal;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::admin::Backup;
use strongroom_model::operation::{AdminOperation, Operation};
use strongroom_model::outcome::backup::BackupFacts;
use strongroom_model::outcome::{AdminOutcome, Outcome};
use strongroom_store::stream::{ByteStream, collect};
use strongroom_store::{Reply, Restore, RestoreError, Restored, Stage, restore, surroundings::Entropy};
use tempfile::TempDir;

use super::bench::{Bench, METHODS, Method, config, noise};

const WITH_BLOBS: Backup = Backup { with_blobs: true, keep_minutes: 0 };

async fn begin(bench: &Bench, backup: Backup) -> (BackupFacts, ByteStream) {
    let reply = bench.run(Operation::Admin(AdminOperation::Backup(backup)), None).await.unwrap();
    let Reply { outcome: Outcome::Admin(AdminOutcome::Backup(facts)), body: Some(body) } = reply else {
        panic!("{:?}", reply.outcome)
    };
    (facts, body)
}

async fn back_up(bench: &Bench, backup: Backup) -> Bytes {
    let (facts, body) = begin(bench, backup).await;
    let bytes = collect(body, usize::MAX).await.unwrap();
    assert_eq!(bytes.len() as u64, facts.length);
    bytes
}

/// An empty folder but for the root key of `from`.
fn place(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::copy(from.join("keys/root.key"), folder.path().join("keys/root.key")).unwrap();
    folder
}

async fn restore_into(folder: &TempDir, backup: &[u8]) -> Result<Restored, RestoreError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), backup).unwrap();
    let config = config(folder.path());
    let asked = Restore { file: file.path().to_owned(), data: config.data, kv: None, blobs: None, kms: config.kms };
    let entropy = Entropy::new(|bytes| {
        use std::io::Read as _;
        fs::File::open("/dev/urandom").unwrap().read_exact(bytes).unwrap();
        Ok(())
    });
    let mut stages = Vec::new();
    let restored = restore(&asked, entropy, |progress| {
        assert!(progress.done <= progress.total, "{progress:?}");
        if stages.last() != Some(&progress.stage) {
            stages.push(progress.stage);
        }
    })
    .await;
    if restored.is_ok() {
        assert!(stages.starts_with(&[Stage::Verifying, Stage::Writing]), "{stages:?}");
    }
    restored
}

#[tokio::test]
async fn every_object_in_every_sealing_comes_back() {
    let bench = Bench::disk().await;
    for (n, method) in METHODS.into_iter().enumerate() {
        for size in [0, 5_000, 200_000] {
            bench.put(&format!("{n}/{size}"), &noise(size + n), method).await.unwrap();
        }
    }
    let (facts, body) = begin(&bench, WITH_BLOBS).await;
    let large = METHODS.len() as u64;
    assert_eq!((facts.blobs, facts.missing_blobs), (large, 0));
    bench.put("0/5000", b"overwritten since", Method::Plain).await.unwrap();
    bench.put("since", b"x", Method::Plain).await.unwrap();
    bench.delete("1/200000").await.unwrap();
    let bytes = collect(body, usize::MAX).await.unwrap();

    let folder = place(bench.folder.path());
    let restored = restore_into(&folder, &bytes).await.unwrap();
    assert_eq!((restored.blobs, restored.missing), (large, 0));
    assert_eq!((restored.rows, restored.sequence), (facts.rows, facts.sequence));
    let bench = Bench::disk_in(folder).await;
    for (n, method) in METHODS.into_iter().enumerate() {
        for size in [0, 5_000, 200_000] {
            assert_eq!(bench.get(&format!("{n}/{size}"), method).await.unwrap(), noise(size + n), "{n}/{size}");
        }
    }
    assert_eq!(bench.get("since", Method::Plain).await.unwrap_err().code, FailureCode::NoSuchKey);
    bench.put("new", &noise(100_000), Method::KmsAes).await.unwrap();
    assert_eq!(bench.get("new", Method::KmsAes).await.unwrap(), noise(100_000), "it goes on from there");
    assert_eq!(bench.scrub.run_once(&bench.clock()).await.unwrap().found, 0);
}

#[tokio::test]
async fn a_changed_backup_is_refused_wherever_it_was_changed() {
    let bench = Bench::disk().await;
    for key in ["a", "b", "c"] {
        bench.put(key, &noise(60_000), Method::KmsAes).await.unwrap();
    }
    bench.put("blob", &noise(100_000), Method::Plain).await.unwrap();
    let whole = back_up(&bench, WITH_BLOBS).await;
    let folder = place(bench.folder.path());
    let refused = async |bytes: &[u8], what: &str| {
        let error = restore_into(&folder, bytes).await.err().unwrap_or_else(|| panic!("{what} was restored"));
        assert!(!error.to_string().is_empty());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{what} has left something: {error}");
        error
    };
    let (head, chunk) = (180, 65_536 + 16);
    let ends = (1..=(whole.len() - head) / chunk).map(|n| head + n * chunk);
    let around = ends.flat_map(|end| end - 17..=end);
    let spread = (head..whole.len()).step_by(whole.len() / 60);
    for at in (0..head + 4).chain(around).chain(spread).chain(whole.len() - 17..whole.len()) {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0x40;
        let error = refused(&bytes, &format!("a changed byte {at}")).await;
        if let RestoreError::Damaged { at: told } = error {
            assert!(told <= at as u64, "byte {at} was changed, and {told} bytes were called sound");
        }
    }
    for len in [0, 1, 8, 100, head - 1, head, head + 1, head + chunk, whole.len() - chunk, whole.len() - 1] {
        refused(&whole[..len], &format!("the first {len} bytes")).await;
    }
    refused(&[&whole[..], b"x"].concat(), "one byte more").await;
    let mut exchanged = whole.to_vec();
    let (first, second) = exchanged[head..].split_at_mut(chunk);
    first.swap_with_slice(&mut second[..chunk]);
    refused(&exchanged, "exchanged chunks").await;
    let spliced = back_up(&bench, WITH_BLOBS).await;
    refused(&[&whole[..head], &spliced[head..]].concat(), "another backup's rest").await;

    let other = place(Bench::disk().await.folder.path());
    assert!(matches!(restore_into(&other, &whole).await, Err(RestoreError::WrongRoot { .. })));
    assert_eq!(restore_into(&folder, &whole).await.unwrap().missing, 0, "unchanged, it is taken");
}

#[tokio::test]
async fn no_blob_goes_while_a_backup_needs_it() {
    let bench = Bench::disk().await;
    bench.put("k", &noise(100_000), Method::ManagedAes).await.unwrap();
    let reap = async |minutes: i64| {
        let later = bench.now().plus_millis(minutes * 60_000);
        bench.reaper.lock().await.run_once(later).await.unwrap()
    };
    let (_, body) = begin(&bench, WITH_BLOBS).await;
    bench.put("k", &noise(100_001), Method::ManagedAes).await.unwrap();
    assert_eq!((reap(2).await.removed, bench.blob_count().await), (0, 2), "a backup is under way");
    let bytes = collect(body, usize::MAX).await.unwrap();
    assert_eq!((reap(2).await.removed, bench.blob_count().await), (1, 1), "it has ended");
    let folder = place(bench.folder.path());
    assert_eq!(restore_into(&folder, &bytes).await.unwrap().missing, 0);
    assert_eq!(Bench::disk_in(folder).await.get("k", Method::ManagedAes).await.unwrap(), noise(100_000));

    back_up(&bench, Backup { with_blobs: false, keep_minutes: 60 }).await;
    bench.put("k", b"small", Method::ManagedAes).await.unwrap();
    assert_eq!((reap(59).await.removed, bench.blob_count().await), (0, 1), "for as long as was asked for");
    assert_eq!((reap(61).await.removed, bench.blob_count().await), (1, 0));

    let (_, abandoned) = begin(&bench, WITH_BLOBS).await;
    drop(abandoned);
    bench.put("k", &noise(100_000), Method::Plain).await.unwrap();
    bench.put("k", b"small", Method::Plain).await.unwrap();
    assert_eq!((reap(2).await.removed, reap(11).await.removed), (0, 1), "a hold ends by itself");
}

#[tokio::test]
async fn a_backup_is_the_first_accounts_business() {
    let bench = Bench::memory().await;
    let other = strongroom_model::account::AccountId::parse("999999999999").unwrap();
    let operation = Operation::Admin(AdminOperation::Backup(Backup::default()));
    let refused: Result<Reply, Failure> =
        bench.run_as(Principal::Root(other), operation, None, Transport::TRUSTED).await;
    assert_eq!(refused.err().unwrap().code, FailureCode::AccessDenied);
}
