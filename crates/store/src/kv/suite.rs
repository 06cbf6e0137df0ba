//! What every engine must do. An engine is right if [`run`] passes on it, and durable if [`run_reopening`] does too.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use super::{
    BATCH_BYTES, BATCH_OPERATIONS, Batch, Commit, Entry, Expected, KEY_BYTES, KeyRange, Kv, KvError, Put, VALUE_BYTES,
};

/// Runs every case, each on a new, empty store. Must run on a runtime with several threads, so that tasks truly meet.
///
/// # Panics
/// Where the engine is wrong.
pub async fn run(fresh: impl AsyncFn() -> Arc<dyn Kv>) {
    get_put_delete(&*fresh().await).await;
    checks(&*fresh().await).await;
    all_or_nothing(&*fresh().await).await;
    versions_are_never_used_again(&*fresh().await).await;
    scan_order_limit_and_direction(&*fresh().await).await;
    scan_bounds(&*fresh().await).await;
    prefixes(&*fresh().await).await;
    long_scans(&*fresh().await).await;
    snapshots_stand_still(&*fresh().await).await;
    big_values(&*fresh().await).await;
    limits(&*fresh().await).await;
    submitted_writes_precede_later_commits(&*fresh().await).await;
    abandoned_calls_leave_whole_batches(fresh().await).await;
    concurrent_counter(fresh().await).await;
    concurrent_creation_has_one_winner(fresh().await).await;
    transfers_keep_the_total(fresh().await).await;
    writers_read_their_own_writes(fresh().await).await;
}

/// Runs the cases that close a store and open it again. `open` opens the same store every time, empty at first; it is
/// called only when no handle from before is left.
///
/// # Panics
/// Where the engine is wrong.
pub async fn run_reopening(open: impl AsyncFn() -> Arc<dyn Kv>) {
    let kv = open().await;
    put(&*kv, "kept", "1").await;
    put(&*kv, "deleted", "1").await;
    assert_eq!(commit(&*kv, Batch::new().delete("deleted")).await, Commit::Committed);
    put(&*kv, "big", vec![7; VALUE_BYTES]).await;
    kv.submit(vec![Put { key: "submitted".into(), value: "1".into() }]).await.expect("submit");
    let before = entry(&*kv, "kept").await;
    drop(kv);

    let kv = open().await;
    assert_eq!(entry(&*kv, "kept").await, before, "value and version are kept");
    assert_eq!(get(&*kv, "deleted").await, None);
    assert_eq!(entry(&*kv, "big").await.value, vec![7; VALUE_BYTES]);
    assert_eq!(entry(&*kv, "submitted").await.value, "1", "an orderly stop loses nothing that was handed over");
    put(&*kv, "kept", "2").await;
    assert!(entry(&*kv, "kept").await.version > before.version, "versions go on where they were");
    drop(kv);

    let kv = open().await;
    assert_eq!(entry(&*kv, "kept").await.value, "2");
}

async fn get_put_delete(kv: &dyn Kv) {
    assert_eq!(get(kv, "key").await, None);
    put(kv, "key", "1").await;
    let first = entry(kv, "key").await;
    assert_eq!(first.value, "1");
    put(kv, "key", "2").await;
    let second = entry(kv, "key").await;
    assert_eq!(second.value, "2");
    assert!(second.version > first.version, "a write raises the version");
    put(kv, "other", "").await;
    assert_eq!(entry(kv, "key").await, second, "a write to another key changes nothing here");
    assert_eq!(entry(kv, "other").await.value, "", "an empty value is a value");
    put(kv, "", "at the empty key").await;
    assert_eq!(entry(kv, "").await.value, "at the empty key");
    assert_eq!(commit(kv, Batch::new().delete("key").delete("never there")).await, Commit::Committed);
    assert_eq!(get(kv, "key").await, None);
    assert_eq!(commit(kv, Batch::new()).await, Commit::Committed, "nothing is quickly done");
}

async fn checks(kv: &dyn Kv) {
    put(kv, "there", "1").await;
    let version = entry(kv, "there").await.version;
    let cases = [
        ("missing", Expected::Absent, true),
        ("missing", Expected::Present, false),
        ("missing", Expected::Version(0), false),
        ("missing", Expected::Version(version), false),
        ("there", Expected::Absent, false),
        ("there", Expected::Present, true),
        ("there", Expected::Version(version), true),
        ("there", Expected::Version(version + 1), false),
        ("there", Expected::Version(version - 1), false),
    ];
    for (key, expected, holds) in cases {
        let verdict = if holds { Commit::Committed } else { Commit::Conflict };
        assert_eq!(commit(kv, Batch::new().check(key, expected)).await, verdict, "{key} {expected:?}, checked alone");
        let marker = format!("{key} {expected:?}");
        let batch = Batch::new().check(key, expected).put(marker.clone(), "");
        assert_eq!(commit(kv, batch).await, verdict, "{key} {expected:?}");
        assert_eq!(get(kv, &marker).await.is_some(), holds, "{key} {expected:?}");
    }
}

async fn all_or_nothing(kv: &dyn Kv) {
    put(kv, "a", "1").await;
    put(kv, "b", "1").await;
    let version = entry(kv, "a").await.version;
    let batch = Batch::new()
        .check("a", Expected::Version(version))
        .check("c", Expected::Present)
        .put("a", "2")
        .put("d", "2")
        .delete("b");
    assert_eq!(commit(kv, batch).await, Commit::Conflict, "one of two checks fails");
    assert_eq!(rows(kv).await, [("a", "1"), ("b", "1")].map(|(key, value)| (key.into(), value.into())));
    let batch = Batch::new()
        .check("a", Expected::Version(version))
        .check("c", Expected::Absent)
        .put("a", "2")
        .put("d", "2")
        .delete("b");
    assert_eq!(commit(kv, batch).await, Commit::Committed);
    assert_eq!(rows(kv).await, [("a", "2"), ("d", "2")].map(|(key, value)| (key.into(), value.into())));
}

async fn versions_are_never_used_again(kv: &dyn Kv) {
    let mut seen = Vec::new();
    for _ in 0..5 {
        put(kv, "key", "the same value").await;
        seen.push(entry(kv, "key").await.version);
        put(kv, "key", "the same value").await;
        seen.push(entry(kv, "key").await.version);
        assert_eq!(commit(kv, Batch::new().delete("key")).await, Commit::Committed);
    }
    put(kv, "key", "the same value").await;
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "versions only rise: {seen:?}");
    for version in seen {
        let stale = Batch::new().check("key", Expected::Version(version)).delete("key");
        assert_eq!(commit(kv, stale).await, Commit::Conflict, "an old version must not hold for the key made anew");
    }
}

async fn scan_order_limit_and_direction(kv: &dyn Kv) {
    let all: [&[u8]; 7] = [b"", b"\0", b"\0\0", b"a", b"a\0", b"ab", b"\xff\xff"];
    let batch = all.iter().rev().fold(Batch::new(), |batch, key| batch.put(*key, *key));
    assert_eq!(commit(kv, batch).await, Commit::Committed);
    let everything = KeyRange::from("");
    for limit in 0..=8 {
        let take = limit.min(all.len());
        assert_eq!(keys(kv, everything.clone(), limit).await, all[..take], "the first {limit}");
        let last: Vec<_> = all.iter().rev().take(limit).copied().collect();
        assert_eq!(keys(kv, everything.clone().reversed(), limit).await, last, "the last {limit}");
    }
    for row in kv.scan(everything, usize::MAX).await.expect("scan") {
        assert_eq!(row.value, row.key);
        assert_eq!(row.version, kv.get(&row.key).await.expect("get").expect("was scanned").version);
    }
}

async fn scan_bounds(kv: &dyn Kv) {
    for key in ["a", "b", "c", "d"] {
        put(kv, key, "").await;
    }
    let cases: [(KeyRange, &[&str]); 9] = [
        (KeyRange::between("b", "d"), &["b", "c"]),
        (KeyRange::between("b", "c\0"), &["b", "c"]),
        (KeyRange::between("aa", "cc"), &["b", "c"]),
        (KeyRange::between("", "b"), &["a"]),
        (KeyRange::from("c"), &["c", "d"]),
        (KeyRange::from("e"), &[]),
        (KeyRange::between("b", "b"), &[]),
        (KeyRange::between("c", "b"), &[]),
        (KeyRange::between("", ""), &[]),
    ];
    for (range, expected) in cases {
        let backwards: Vec<_> = expected.iter().rev().copied().collect();
        assert_eq!(keys(kv, range.clone(), 10).await, expected, "{range:?}");
        assert_eq!(keys(kv, range.clone().reversed(), 10).await, backwards, "{range:?} backwards");
    }
}

async fn prefixes(kv: &dyn Kv) {
    let all: [&[u8]; 6] = [b"a", b"a/1", b"a/2", b"a0", b"\xff", b"\xff\xff1"];
    for key in all {
        put(kv, key, "").await;
    }
    assert_eq!(keys(kv, KeyRange::prefix("a/"), 10).await, all[1..3]);
    assert_eq!(keys(kv, KeyRange::prefix("a"), 10).await, all[..4]);
    assert_eq!(keys(kv, KeyRange::prefix("a/").reversed(), 1).await, all[2..3]);
    assert_eq!(keys(kv, KeyRange::prefix(&b"\xff"[..]), 10).await, all[4..]);
    assert_eq!(keys(kv, KeyRange::prefix(&b"\xff\xff"[..]), 10).await, all[5..]);
    assert_eq!(keys(kv, KeyRange::prefix(""), 10).await, all);
}

/// More rows than any engine handles in one step, some of them deleted, read whole and in pages.
async fn long_scans(kv: &dyn Kv) {
    const ROWS: usize = 3000;
    let name = |number: usize| format!("{number:05}");
    let batch = (0..ROWS).fold(Batch::new(), |batch, number| batch.put(name(number), name(number)));
    assert_eq!(commit(kv, batch).await, Commit::Committed);
    let batch = (0..ROWS).step_by(3).fold(Batch::new(), |batch, number| batch.delete(name(number)));
    assert_eq!(commit(kv, batch).await, Commit::Committed);
    let expected: Vec<_> = (0..ROWS).filter(|number| number % 3 != 0).map(name).collect();
    assert_eq!(keys(kv, KeyRange::from(""), ROWS).await, expected);
    let mut paged = Vec::new();
    let mut next = Bytes::new();
    loop {
        let page = keys(kv, KeyRange::from(next), 97).await;
        let Some(last) = page.last() else { break };
        next = [last, &b"\0"[..]].concat().into();
        paged.extend(page);
    }
    assert_eq!(paged, expected);
}

/// A snapshot shows what was committed before it and nothing of what comes later, and its number is that of the last batch.
async fn snapshots_stand_still(kv: &dyn Kv) {
    for name in ["a", "b", "c"] {
        put(kv, name, "1").await;
    }
    let snapshot = kv.snapshot().await.expect("snapshot");
    let before = kv.scan(KeyRange::from(""), 10).await.expect("scan");
    put(kv, "a", "2").await;
    put(kv, "d", "2").await;
    assert_eq!(commit(kv, Batch::new().delete("b")).await, Commit::Committed);
    assert_eq!(snapshot.scan(KeyRange::from(""), 10).await.expect("scan"), before);
    let backwards = snapshot.scan(KeyRange::between("a", "c").reversed(), 1).await.expect("scan");
    assert_eq!(backwards, before[1..2], "in the order and up to the limit that was asked for");
    assert_eq!(snapshot.sequence(), before[2].version);
    let later = kv.snapshot().await.expect("snapshot");
    assert_eq!(later.sequence(), before[2].version + 3);
    assert_eq!(later.scan(KeyRange::from(""), 10).await.expect("scan").len(), 3);
}

async fn big_values(kv: &dyn Kv) {
    for len in [1, 4095, 4096, 4097, 65_536, 65_600, 1 << 20, VALUE_BYTES] {
        let value: Vec<u8> = (0..len).map(|at| (at * 31 + at / 251) as u8).collect();
        put(kv, "big", value.clone()).await;
        assert_eq!(entry(kv, "big").await.value, value, "{len} bytes");
        assert_eq!(kv.scan(KeyRange::from("big"), 1).await.expect("scan")[0].value, value, "{len} bytes, scanned");
    }
    let longest = vec![b'k'; KEY_BYTES];
    put(kv, longest.clone(), "1").await;
    assert_eq!(kv.get(&longest).await.expect("get").expect("was put").value, "1");
}

async fn limits(kv: &dyn Kv) {
    let long_key = || vec![b'k'; KEY_BYTES + 1];
    let full = Bytes::from(vec![0; VALUE_BYTES]);
    let refused = [
        Batch::new().put(long_key(), ""),
        Batch::new().delete(long_key()),
        Batch::new().check(long_key(), Expected::Absent).put("key", ""),
        Batch::new().put("key", vec![0; VALUE_BYTES + 1]),
        (0..=BATCH_BYTES / VALUE_BYTES).fold(Batch::new(), |batch, key| batch.put(vec![key as u8], full.clone())),
        (0..=BATCH_OPERATIONS).fold(Batch::new(), |batch, key| batch.put(key.to_string(), "")),
    ];
    for batch in refused {
        let puts = batch.puts.clone();
        assert!(matches!(kv.commit(batch).await, Err(KvError::TooLarge { .. })));
        if !puts.is_empty() && puts != [Put { key: "key".into(), value: "".into() }] {
            assert!(matches!(kv.submit(puts).await, Err(KvError::TooLarge { .. })));
        }
    }
    for twice in [Batch::new().put("a", "1").put("a", "2"), Batch::new().put("a", "1").delete("a")] {
        assert!(matches!(kv.commit(twice).await, Err(KvError::DuplicateKey)));
    }
    assert!(matches!(kv.get(&long_key()).await, Err(KvError::TooLarge { .. })));
    assert!(keys(kv, KeyRange::from(""), 1).await.is_empty(), "what is refused changes nothing");
}

async fn submitted_writes_precede_later_commits(kv: &dyn Kv) {
    for round in 0..200 {
        let key = format!("intent {round}");
        kv.submit(vec![Put { key: key.clone().into(), value: "pending".into() }]).await.expect("submit");
        let batch = Batch::new().check(key.clone(), Expected::Present).put(key.clone(), "live");
        assert_eq!(commit(kv, batch).await, Commit::Committed, "the commit sees what was submitted before it");
        assert_eq!(entry(kv, &key).await.value, "live");
    }
    kv.submit(vec![Put { key: "alone".into(), value: "1".into() }]).await.expect("submit");
    let question = Batch::new().check("alone", Expected::Present);
    assert_eq!(commit(kv, question).await, Commit::Committed);
    kv.submit(Vec::new()).await.expect("submitting nothing");
}

/// A caller that hangs up half-way leaves each batch applied or not, never in part, and disturbs nobody.
async fn abandoned_calls_leave_whole_batches(kv: Arc<dyn Kv>) {
    for round in 0..100 {
        let batch = Batch::new().put(format!("a{round}"), "").put(format!("b{round}"), "");
        // Polled once and dropped: the batch may be on its way.
        let abandoned = kv.commit(batch).now_or_never();
        assert!(abandoned.is_none_or(|verdict| verdict.is_ok()));
        put(&*kv, "last", round.to_string()).await;
    }
    let applied = keys(&*kv, KeyRange::prefix("a"), 200).await.len();
    assert_eq!(keys(&*kv, KeyRange::prefix("b"), 200).await.len(), applied);
    assert_eq!(entry(&*kv, "last").await.value, "99");
}

async fn concurrent_counter(kv: Arc<dyn Kv>) {
    const TASKS: u64 = 16;
    const INCREMENTS: u64 = 25;
    put(&*kv, "counter", number(0)).await;
    spawn_each(TASKS, &kv, |_task, kv| async move {
        for _ in 0..INCREMENTS {
            while increment(&*kv, "counter").await == Commit::Conflict {}
        }
    })
    .await;
    assert_eq!(read_number(&entry(&*kv, "counter").await.value), TASKS * INCREMENTS);
}

async fn increment(kv: &dyn Kv, key: &'static str) -> Commit {
    let Entry { value, version } = entry(kv, key).await;
    let raised = number(read_number(&value) + 1);
    commit(kv, Batch::new().check(key, Expected::Version(version)).put(key, raised)).await
}

async fn concurrent_creation_has_one_winner(kv: Arc<dyn Kv>) {
    for round in 0..20 {
        let key = format!("key {round}");
        let creations: JoinSet<_> = (0..8)
            .map(|task| {
                let (kv, key) = (Arc::clone(&kv), key.clone());
                let batch = Batch::new().check(key.clone(), Expected::Absent).put(key, number(task));
                async move { (task, commit(&*kv, batch).await) }
            })
            .collect();
        let mut verdicts = creations.join_all().await;
        verdicts.retain(|(_, verdict)| *verdict == Commit::Committed);
        assert_eq!(verdicts.len(), 1, "one of all that create a key may succeed");
        assert_eq!(read_number(&entry(&*kv, &key).await.value), verdicts[0].0);
    }
}

/// Money moves between accounts while scans add it up: each scan must find it all, whichever moment it saw.
async fn transfers_keep_the_total(kv: Arc<dyn Kv>) {
    const ACCOUNTS: u64 = 40;
    const TOTAL: u64 = ACCOUNTS * 100;
    fn account(index: u64) -> String {
        format!("account {:02}", index % ACCOUNTS)
    }
    let opening = (0..ACCOUNTS).fold(Batch::new(), |batch, index| batch.put(account(index), number(100)));
    assert_eq!(commit(&*kv, opening).await, Commit::Committed);
    spawn_each(6, &kv, move |task, kv| async move {
        for step in 0..40 {
            if task < 4 {
                transfer(&*kv, account(task * 7 + step * 3), account(task * 11 + step * 5 + 1)).await;
            } else {
                // One task scans on its own thread, the other through the engine's way for long scans.
                let limit = if task == 4 { ACCOUNTS as usize } else { usize::MAX };
                let found = kv.scan(KeyRange::prefix("account "), limit).await.expect("scan");
                assert_eq!(found.iter().map(|row| read_number(&row.value)).sum::<u64>(), TOTAL);
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    let found = kv.scan(KeyRange::prefix("account "), usize::MAX).await.expect("scan");
    assert_eq!(found.iter().map(|row| read_number(&row.value)).sum::<u64>(), TOTAL);
    assert!(found.iter().any(|row| read_number(&row.value) != 100), "some money moved");
}

async fn transfer(kv: &dyn Kv, from: String, to: String) {
    if from == to {
        return;
    }
    loop {
        let (source, target) = (entry(kv, &from).await, entry(kv, &to).await);
        let amount = read_number(&source.value).min(7);
        let batch = Batch::new()
            .check(from.clone(), Expected::Version(source.version))
            .check(to.clone(), Expected::Version(target.version))
            .put(from.clone(), number(read_number(&source.value) - amount))
            .put(to.clone(), number(read_number(&target.value) + amount));
        if commit(kv, batch).await == Commit::Committed {
            return;
        }
    }
}

async fn writers_read_their_own_writes(kv: Arc<dyn Kv>) {
    spawn_each(8, &kv, |task, kv| async move {
        for step in 0..25 {
            let key = format!("task {task}");
            put(&*kv, key.clone(), number(step)).await;
            assert_eq!(read_number(&entry(&*kv, &key).await.value), step);
            let scanned = kv.scan(KeyRange::prefix(key.clone()), 1).await.expect("scan");
            assert_eq!(read_number(&scanned[0].value), step);
        }
    })
    .await;
}

/// Runs `work` as so many tasks, and waits for all.
async fn spawn_each<F>(tasks: u64, kv: &Arc<dyn Kv>, work: impl Fn(u64, Arc<dyn Kv>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let spawned: JoinSet<()> = (0..tasks).map(|task| work(task, Arc::clone(kv))).collect();
    spawned.join_all().await;
}

async fn commit(kv: &dyn Kv, batch: Batch) -> Commit {
    kv.commit(batch).await.expect("commit")
}

async fn put(kv: &dyn Kv, key: impl Into<Bytes>, value: impl Into<Bytes>) {
    assert_eq!(commit(kv, Batch::new().put(key, value)).await, Commit::Committed, "a batch without checks passes");
}

async fn get(kv: &dyn Kv, key: &str) -> Option<Entry> {
    kv.get(key.as_bytes()).await.expect("get")
}

async fn entry(kv: &dyn Kv, key: &str) -> Entry {
    get(kv, key).await.expect("the key has a value")
}

async fn keys(kv: &dyn Kv, range: KeyRange, limit: usize) -> Vec<Bytes> {
    kv.scan(range, limit).await.expect("scan").into_iter().map(|row| row.key).collect()
}

async fn rows(kv: &dyn Kv) -> Vec<(Bytes, Bytes)> {
    let all = kv.scan(KeyRange::from(""), 10).await.expect("scan");
    all.into_iter().map(|row| (row.key, row.value)).collect()
}

fn number(value: u64) -> Bytes {
    Bytes::copy_from_slice(&value.to_be_bytes())
}

fn read_number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value.try_into().expect("a number of the suite has eight bytes"))
}
