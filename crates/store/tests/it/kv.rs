//! Key-value engines: the suite, a comparison with the model, locking, lost commits, and `kill -9`.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use proptest::{
    prelude::{Just, Strategy, any, prop_oneof},
    test_runner::{Config, TestRunner},
};
use strongroom_store::kv::{Batch, Commit, Expected, FjallKv, KeyRange, Kv, MemoryKv, OpenError, Put, Row, suite};
use tempfile::TempDir;

async fn open(path: &Path) -> Arc<dyn Kv> {
    Arc::new(opened(path).await.unwrap())
}

/// What becomes of opening the store that nobody uses. A process that another test starts has the locks of this one too, from
/// its fork until it becomes its program.
async fn opened(path: &Path) -> Result<FjallKv, OpenError> {
    for _ in 0..1000 {
        match FjallKv::open(path).await {
            Err(OpenError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
            opened => return opened,
        }
    }
    panic!("{} is still in use", path.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_conforms() {
    suite::run(async || Arc::new(MemoryKv::new()) as Arc<dyn Kv>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fjall_conforms() {
    let folder = TempDir::new().unwrap();
    let stores = AtomicU32::new(0);
    let fresh = async || open(&folder.path().join(stores.fetch_add(1, Ordering::Relaxed).to_string())).await;
    suite::run(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fjall_is_durable() {
    let folder = TempDir::new().unwrap();
    suite::run_reopening(async || open(folder.path()).await).await;
}

/// One step of a random history. Keys and versions are drawn from few, so that they meet.
#[derive(Clone, Debug)]
enum Step {
    Commit { checks: Vec<(u8, Guess)>, puts: Vec<(u8, u8)>, deletes: Vec<u8> },
    Submit { key: u8, value: u8 },
    Scan { start: u8, end: Option<u8>, reverse: bool, limit: usize },
    Reopen,
}

#[derive(Clone, Debug)]
enum Guess {
    Absent,
    Present,
    Current,
    Stale,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..6_u8;
    let guess = prop_oneof![1 => Just(Guess::Absent), 3 => Just(Guess::Present), 4 => Just(Guess::Current), 1 => Just(Guess::Stale)];
    let commit = (
        proptest::collection::vec((key(), guess), 0..3),
        proptest::collection::btree_map(key(), any::<u8>(), 0..4),
        proptest::collection::btree_set(key(), 0..3),
    );
    prop_oneof![
        12 => commit.prop_map(|(checks, puts, mut deletes)| {
            deletes.retain(|key| !puts.contains_key(key));
            Step::Commit { checks, puts: puts.into_iter().collect(), deletes: deletes.into_iter().collect() }
        }),
        4 => (key(), any::<u8>()).prop_map(|(key, value)| Step::Submit { key, value }),
        6 => (key(), proptest::option::of(key()), any::<bool>(), 0..5_usize)
            .prop_map(|(start, end, reverse, limit)| Step::Scan { start, end, reverse, limit }),
        1 => Just(Step::Reopen),
    ]
}

/// The model and fjall go through the same random histories, closings and openings included, and answer the same.
#[test]
fn fjall_equals_the_model_on_random_histories() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let histories = proptest::collection::vec(step(), 1..60);
    let compared = runner.run(&histories, |steps| {
        runtime.block_on(compare(&steps));
        Ok(())
    });
    compared.unwrap();
}

async fn compare(steps: &[Step]) {
    let folder = TempDir::new().unwrap();
    let model = MemoryKv::new();
    let mut engine = open(folder.path()).await;
    for step in steps {
        match step {
            Step::Commit { checks, puts, deletes } => {
                let write = |mut batch: Batch| {
                    batch.puts = puts.iter().map(|(key, value)| put(*key, *value)).collect();
                    batch.deletes = deletes.iter().map(|key| vec![*key].into()).collect();
                    batch
                };
                let expected = model.commit(write(with_checks(&model, checks).await)).await.unwrap();
                let found = engine.commit(write(with_checks(&*engine, checks).await)).await.unwrap();
                assert_eq!(found, expected, "{step:?}");
            }
            Step::Submit { key, value } => {
                model.submit(vec![put(*key, *value)]).await.unwrap();
                engine.submit(vec![put(*key, *value)]).await.unwrap();
                assert_eq!(engine.commit(Batch::new()).await.unwrap(), Commit::Committed);
            }
            Step::Scan { start, end, reverse, limit } => {
                let end = end.map(|end| vec![end].into());
                let range = KeyRange { start: vec![*start].into(), end, reverse: *reverse };
                let found = content(engine.scan(range.clone(), *limit).await.unwrap());
                assert_eq!(found, content(model.scan(range, *limit).await.unwrap()), "{step:?}");
            }
            Step::Reopen => {
                drop(engine);
                engine = open(folder.path()).await;
            }
        }
    }
    let everything = |kv| async move { content(Kv::scan(kv, KeyRange::from(""), 100).await.unwrap()) };
    assert_eq!(everything(&*engine).await, everything(&model as &dyn Kv).await);
}

async fn with_checks(kv: &dyn Kv, checks: &[(u8, Guess)]) -> Batch {
    let mut batch = Batch::new();
    for (key, guess) in checks {
        let version = kv.get(&[*key]).await.unwrap().map(|entry| entry.version);
        let expected = match guess {
            Guess::Absent => Expected::Absent,
            Guess::Present => Expected::Present,
            Guess::Current => version.map_or(Expected::Absent, Expected::Version),
            Guess::Stale => Expected::Version(version.map_or(1, |version| version - 1)),
        };
        batch = batch.check(vec![*key], expected);
    }
    batch
}

fn put(key: u8, value: u8) -> Put {
    Put { key: vec![key].into(), value: vec![value].into() }
}

/// Rows without versions, which engines may count differently.
fn content(rows: Vec<Row>) -> Vec<(Bytes, Bytes)> {
    rows.into_iter().map(|row| (row.key, row.value)).collect()
}

#[tokio::test]
async fn a_second_opener_is_told_that_the_store_is_in_use() {
    let folder = TempDir::new().unwrap();
    let first = open(folder.path()).await;
    let second = FjallKv::open(folder.path()).await.err().unwrap();
    assert!(matches!(&second, OpenError::InUse { path } if path == folder.path()), "{second}");
    drop(first);
    open(folder.path()).await;
}

#[tokio::test]
async fn a_first_start_that_died_half_way_is_forgotten() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("engine/keyspaces/1")).unwrap();
    fs::write(folder.path().join("making"), "").unwrap();
    fs::write(folder.path().join("engine/0.jnl"), [0; 100]).unwrap();
    let kv = open(folder.path()).await;
    assert_eq!(kv.commit(Batch::new().put("key", "1")).await.unwrap(), Commit::Committed);
}

/// A closed store with these keys, committed one by one.
async fn closed_store(folder: &Path, keys: &[&'static str]) {
    let kv = open(folder).await;
    for key in keys {
        assert_eq!(kv.commit(Batch::new().put(*key, vec![b'v'; 100])).await.unwrap(), Commit::Committed);
    }
}

fn journal(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join("engine")).unwrap().map(|file| file.unwrap().path());
    let journals: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "jnl")).collect();
    let [journal] = &journals[..] else { panic!("one journal was expected: {journals:?}") };
    journal.clone()
}

/// Where in the journal the record of this key begins to be about it.
fn position_of(key: &str, journal: &[u8]) -> usize {
    journal.windows(key.len()).position(|window| window == key.as_bytes()).unwrap()
}

async fn refusal(folder: &Path) -> OpenError {
    opened(folder).await.err().expect("the store must not open")
}

#[tokio::test]
async fn a_store_that_lost_its_last_acknowledged_commit_does_not_open_until_the_loss_is_accepted() {
    let folder = TempDir::new().unwrap();
    closed_store(folder.path(), &["first", "second", "third"]).await;
    let journal = journal(folder.path());
    let mut bytes = fs::read(&journal).unwrap();
    bytes.truncate(position_of("third", &bytes));
    fs::write(&journal, bytes).unwrap();
    for _ in 0..2 {
        let error = refusal(folder.path()).await;
        assert!(matches!(&error, OpenError::LostCommits { found: 2, acknowledged: 3, .. }), "{error}");
        assert!(error.to_string().contains("delete") && error.to_string().contains("acknowledged"), "{error}");
    }
    fs::remove_file(folder.path().join("acknowledged")).unwrap();
    let kv = open(folder.path()).await;
    assert!(kv.get(b"second").await.unwrap().is_some());
    assert_eq!(kv.get(b"third").await.unwrap(), None);
    drop(kv);
    open(folder.path()).await;
}

/// fjall ends its journal at the first byte that it does not understand; what followed is gone without a word.
#[tokio::test]
async fn a_journal_damaged_in_the_middle_is_noticed() {
    let folder = TempDir::new().unwrap();
    closed_store(folder.path(), &["first", "second", "third"]).await;
    let journal = journal(folder.path());
    let mut bytes = fs::read(&journal).unwrap();
    let damaged = position_of("second", &bytes);
    bytes[damaged - 40..damaged].fill(0xee);
    fs::write(&journal, bytes).unwrap();
    let error = refusal(folder.path()).await;
    assert!(matches!(&error, OpenError::LostCommits { acknowledged: 3, .. } | OpenError::Engine { .. }), "{error}");
}

/// What a disk writes whole.
const SECTOR: usize = 512;

/// A closed store of three commits, of which the last lacks those of its sectors that `missing` has a bit for; and the mark from before that
/// commit. None if it has not so many.
async fn torn_store(folder: &Path, missing: usize) -> Option<Vec<u8>> {
    closed_store(folder, &["first", "second"]).await;
    let mark = fs::read(folder.join("acknowledged")).unwrap();
    let journal = journal(folder);
    let end = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let before = end(&fs::read(&journal).unwrap());
    let kv = open(folder).await;
    assert_eq!(kv.commit(Batch::new().put("third", vec![b'v'; 3 * SECTOR])).await.unwrap(), Commit::Committed);
    drop(kv);
    let mut bytes = fs::read(&journal).unwrap();
    let after = end(&bytes);
    let sectors: Vec<_> = (before / SECTOR..after.div_ceil(SECTOR)).collect();
    for (bit, sector) in sectors.iter().enumerate() {
        if missing >> bit & 1 == 1 {
            bytes[(sector * SECTOR).max(before)..((sector + 1) * SECTOR).min(after)].fill(0);
        }
    }
    fs::write(&journal, bytes).unwrap();
    (missing < 1 << sectors.len()).then_some(mark)
}

/// How many files a cut has left.
fn leftovers(folder: &Path) -> usize {
    let files = fs::read_dir(folder.join("engine")).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "torn" || extension == "cut")).count()
}

/// The power went while the third was written: nobody was told of it, and whatever the disk has kept of it, it is gone, whole.
#[tokio::test]
async fn a_torn_commit_that_was_not_acknowledged_is_cut_off() {
    for missing in 1.. {
        let folder = TempDir::new().unwrap();
        let Some(mark) = torn_store(folder.path(), missing).await else {
            assert!(missing >= 1 << 4, "three sectors of a value lie in four");
            break;
        };
        fs::write(folder.path().join("acknowledged"), mark).unwrap();
        let kv = open(folder.path()).await;
        assert_eq!(kv.get(b"third").await.unwrap(), None, "{missing:b}");
        assert_eq!(leftovers(folder.path()), 0, "{missing:b}");
        assert_eq!(kv.commit(Batch::new().put("fourth", "4")).await.unwrap(), Commit::Committed);
        drop(kv);
        let kv = open(folder.path()).await;
        for key in [&b"first"[..], b"second", b"fourth"] {
            assert!(kv.get(key).await.unwrap().is_some(), "{missing:b} {key:?}");
        }
    }
}

/// The same of one that was acknowledged is a loss, and leaves the files as they are until it is accepted.
#[tokio::test]
async fn a_torn_commit_that_was_acknowledged_is_missed() {
    let folder = TempDir::new().unwrap();
    torn_store(folder.path(), 0b10).await.unwrap();
    let before = fs::read(journal(folder.path())).unwrap();
    for _ in 0..2 {
        let error = refusal(folder.path()).await;
        assert!(matches!(&error, OpenError::LostCommits { found: 2, acknowledged: 3, .. }), "{error}");
        assert!(fs::read(journal(folder.path())).unwrap() == before, "the journal is as it was");
        assert_eq!(leftovers(folder.path()), 0);
    }
    fs::remove_file(folder.path().join("acknowledged")).unwrap();
    let kv = open(folder.path()).await;
    assert!(kv.get(b"second").await.unwrap().is_some());
    assert_eq!(kv.get(b"third").await.unwrap(), None);
}

/// A start that died after it had cut the journal, and before it knew whether that was right, has cut nothing.
#[tokio::test]
async fn a_cut_that_was_not_decided_is_undone() {
    let folder = TempDir::new().unwrap();
    closed_store(folder.path(), &["first", "second"]).await;
    let journal = journal(folder.path());
    let whole = fs::read(&journal).unwrap();
    fs::write(journal.with_extension("torn"), &whole).unwrap();
    fs::write(&journal, &whole[..position_of("second", &whole) - 60]).unwrap();
    let kv = open(folder.path()).await;
    assert!(kv.get(b"second").await.unwrap().is_some());
    assert_eq!(leftovers(folder.path()), 0);
}

#[tokio::test]
async fn a_store_without_its_engine_and_one_with_a_damaged_mark_do_not_open() {
    let folder = TempDir::new().unwrap();
    closed_store(folder.path(), &["first"]).await;
    let mark = folder.path().join("acknowledged");
    let good = fs::read(&mark).unwrap();
    fs::write(&mark, b"garbage").unwrap();
    let error = refusal(folder.path()).await;
    assert!(matches!(&error, OpenError::DamagedMark { mark: named } if *named == mark), "{error}");
    fs::write(&mark, good).unwrap();
    fs::remove_dir_all(folder.path().join("engine")).unwrap();
    let error = refusal(folder.path()).await;
    assert!(matches!(&error, OpenError::LostCommits { found: 0, acknowledged: 1, .. }), "{error}");
}

/// Set for the process that is to be killed: the folder of its store.
const VICTIM: &str = "STRONGROOM_TEST_KV_VICTIM";
/// Rounds of killing.
const KILLS: usize = 8;

/// Not a test of its own: what the process does that `acknowledged_commits_survive_kill_9` starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victim() {
    let Ok(folder) = std::env::var(VICTIM) else { return };
    let kv = open(Path::new(&folder)).await;
    let writers = (0..8).map(|writer| {
        let kv = Arc::clone(&kv);
        tokio::spawn(async move {
            let start = kv.scan(KeyRange::prefix(format!("{writer}/")).reversed(), 1).await.unwrap();
            let start: u64 = start.first().map_or(0, |row| String::from_utf8_lossy(&row.key[2..]).parse().unwrap());
            for number in start + 1.. {
                let key = format!("{writer}/{number:08}");
                let size = [10, 300, 5_000, 70_000][number as usize % 4];
                kv.submit(vec![Put { key: format!("i{key}").into(), value: "".into() }]).await.unwrap();
                let batch = Batch::new().put(key.clone(), vec![number as u8; size]);
                assert_eq!(kv.commit(batch).await.unwrap(), Commit::Committed);
                println!("{key}");
            }
        })
    });
    futures_util::future::join_all(writers.collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_commits_survive_kill_9() {
    let folder = TempDir::new().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["kv::victim", "--exact", "--nocapture", "--test-threads=1"])
            .env(VICTIM, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
        let is_key = |line: &String| line.as_bytes().get(1) == Some(&b'/') && line.len() == 10;
        acknowledged.extend(lines.by_ref().filter(is_key).take(100 + 77 * round));
        victim.kill().unwrap();
        victim.wait().unwrap();
        acknowledged.extend(lines.filter(is_key));
        let kv = open(folder.path()).await;
        for key in &acknowledged {
            let number: u64 = key[2..].parse().unwrap();
            let entry = kv.get(key.as_bytes()).await.unwrap().unwrap_or_else(|| panic!("{key} was acknowledged"));
            assert!(entry.value.iter().all(|byte| *byte == number as u8), "{key} is whole");
            assert!(kv.get(format!("i{key}").as_bytes()).await.unwrap().is_some(), "{key}: submitted before it");
        }
    }
    assert!(acknowledged.len() >= (0..KILLS).map(|round| 100 + 77 * round).sum());
}
