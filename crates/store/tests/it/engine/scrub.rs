//! The scrub finds nothing in what is sound, and every kind of damage in what is not; it is interrupted and goes on.

use std::sync::Arc;

use strongroom_model::operation::admin::StartScrub;
use strongroom_model::operation::key::Switch;
use strongroom_model::operation::{AdminOperation, KeyOperation};
use strongroom_model::outcome::AdminOutcome;
use strongroom_model::outcome::job::JobState;
use strongroom_model::outcome::scrub::{ScrubReport, Trouble};
use strongroom_store::{
    Schedule,
    blobs::{BlobId, Blobs},
    kv::{Batch, KeyRange, Kv},
    stream::{collect, once},
};
use tokio::sync::watch;

use super::bench::{Bench, METHODS, Method, noise};

/// Family numbers of docs/CATALOG.md.
const BUCKETS: u8 = 0x30;
const ENTRIES: u8 = 0x40;
const CONTENTS: u8 = 0x41;
const LIVE: u8 = 0x51;

async fn scrubbed(bench: &Bench) -> ScrubReport {
    bench.scrub.run_once(&bench.clock()).await.unwrap()
}

/// The kinds of trouble found.
async fn troubles(bench: &Bench) -> Vec<Trouble> {
    let report = scrubbed(bench).await;
    assert_eq!(report.found as usize, report.findings.len());
    assert_eq!(report.state, JobState::Finished);
    report.findings.iter().map(|finding| finding.trouble).collect()
}

async fn only_blob(blobs: &dyn Blobs) -> (BlobId, Vec<u8>) {
    let listed = blobs.list(None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    let stream = blobs.read(&listed[0].id, 0..listed[0].len).await.unwrap();
    (listed[0].id, collect(stream, usize::MAX).await.unwrap().to_vec())
}

async fn replace_blob(blobs: &dyn Blobs, id: BlobId, bytes: Vec<u8>) {
    blobs.delete(&id).await.unwrap();
    blobs.put(&id, once(bytes.into())).await.unwrap();
}

async fn only_row(kv: &dyn Kv, family: u8) -> (bytes::Bytes, Vec<u8>) {
    let rows = kv.scan(KeyRange::prefix(vec![family]), 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    (rows[0].key.clone(), rows[0].value.to_vec())
}

#[tokio::test]
async fn what_is_sound_is_found_sound() {
    let bench = Bench::memory().await;
    let sizes = [0, 1, 65_536, 65_537, 300_000];
    for method in METHODS {
        for size in sizes {
            bench.put(&format!("{method:?}/{size}"), &noise(size), method).await.unwrap();
        }
    }
    bench.create_bucket("second", None).await.unwrap();
    let report = scrubbed(&bench).await;
    assert_eq!((report.found, report.state), (0, JobState::Finished), "{:?}", report.findings);
    assert_eq!(report.done, report.expected);
    assert_eq!(report.done.versions as usize, METHODS.len() * sizes.len());
    assert_eq!(report.done.bytes as usize, METHODS.len() * sizes.iter().sum::<usize>());
    assert_eq!(report.blobs as usize, METHODS.len() * 2);
    let [first, second] = report.buckets.as_slice() else { panic!("{:?}", report.buckets) };
    assert_eq!((first.bucket.as_str(), first.closed as usize, first.tally), ("bucket", sizes.len(), report.done));
    assert_eq!((second.bucket.as_str(), second.tally.versions), ("second", 0));
}

/// Any flipped byte of a blob of any method is seen, but those of a customer's, whose key nobody has.
#[tokio::test]
async fn damage_in_a_blob_is_found() {
    for method in METHODS.into_iter().filter(|method| *method != Method::Customer) {
        let bench = Bench::memory().await;
        bench.put("k", &noise(140_000), method).await.unwrap();
        let (id, sound) = only_blob(&*bench.blobs).await;
        for at in (0..400).step_by(23).chain((400..sound.len()).step_by(13_001)).chain([sound.len() - 1]) {
            let mut flipped = sound.clone();
            flipped[at] ^= 4;
            replace_blob(&*bench.blobs, id, flipped).await;
            let report = scrubbed(&bench).await;
            assert_eq!(report.found, 1, "{method:?}, byte {at}: {:?}", report.findings);
            let finding = &report.findings[0];
            assert!(matches!(finding.trouble, Trouble::Header | Trouble::Bytes), "{finding:?}");
            assert_eq!(finding.key.as_deref(), Some("k"));
            assert_eq!(finding.blob, Some(id.to_string()));
        }
        replace_blob(&*bench.blobs, id, sound[..sound.len() - 1].to_vec()).await;
        assert_eq!(troubles(&bench).await, [Trouble::Header], "{method:?}, without its record's end");
        replace_blob(&*bench.blobs, id, sound[..140_000].to_vec()).await;
        assert_eq!(troubles(&bench).await, [Trouble::Blob], "{method:?}, cut short");
        bench.blobs.delete(&id).await.unwrap();
        assert_eq!(troubles(&bench).await, [Trouble::Blob], "{method:?}, gone");
    }
}

#[tokio::test]
async fn a_customers_object_must_at_least_be_all_there() {
    let bench = Bench::memory().await;
    bench.put("large", &noise(140_000), Method::Customer).await.unwrap();
    bench.put("small", &noise(140), Method::Customer).await.unwrap();
    let (id, sound) = only_blob(&*bench.blobs).await;
    assert_eq!(troubles(&bench).await, []);
    replace_blob(&*bench.blobs, id, sound[..sound.len() - 17].to_vec()).await;
    assert_eq!(troubles(&bench).await, [Trouble::Blob]);
    bench.blobs.delete(&id).await.unwrap();
    assert_eq!(troubles(&bench).await, [Trouble::Blob]);
}

#[tokio::test]
async fn damage_in_rows_is_found_and_the_walk_goes_on() {
    for (family, with_others) in [(ENTRIES, false), (CONTENTS, false), (CONTENTS, true)] {
        let bench = Bench::memory().await;
        bench.put("k", &noise(500), Method::KmsAes).await.unwrap();
        let (key, value) = only_row(&*bench.kv, family).await;
        if with_others {
            bench.put("a", &noise(5), Method::Plain).await.unwrap();
            bench.put("z", &noise(5), Method::Plain).await.unwrap();
        }
        for at in (0..value.len()).step_by(97) {
            let mut flipped = value.clone();
            flipped[at] ^= 0x10;
            let _ = bench.kv.commit(Batch::new().put(key.clone(), flipped)).await.unwrap();
            let report = scrubbed(&bench).await;
            assert_eq!(report.found, 1, "family {family:#x}, byte {at}");
            assert_eq!((report.findings[0].trouble, report.findings[0].key.as_deref()), (Trouble::Rows, Some("k")));
            assert_eq!(report.done.versions, if with_others { 3 } else { 1 });
        }
    }
    let bench = Bench::memory().await;
    bench.create_bucket("second", None).await.unwrap();
    bench.put("k", &noise(5), Method::Plain).await.unwrap();
    let rows = bench.kv.scan(KeyRange::prefix(vec![BUCKETS]), 10).await.unwrap();
    let _ = bench.kv.commit(Batch::new().put(rows[0].key.clone(), &b"nonsense"[..])).await.unwrap();
    let report = scrubbed(&bench).await;
    assert_eq!((report.found, report.findings[0].trouble, report.buckets.len()), (1, Trouble::Rows, 1));
    let bench = Bench::memory().await;
    bench.put("k", &noise(70_000), Method::KmsAes).await.unwrap();
    let (key, _) = only_row(&*bench.kv, CONTENTS).await;
    let _ = bench.kv.commit(Batch::new().delete(key)).await.unwrap();
    assert_eq!(
        troubles(&bench).await,
        [Trouble::Rows, Trouble::Orphan],
        "the entry lacks its content, the blob its row"
    );
}

#[tokio::test]
async fn a_key_that_does_not_open_is_told_from_damage() {
    let bench = Bench::memory().await;
    let key = bench.create_key(None).await;
    bench.put_with_key("k", &noise(70_000), &key).await.unwrap();
    bench.put("other", &noise(70_000), Method::KmsAes).await.unwrap();
    assert_eq!(troubles(&bench).await, []);
    bench.key(KeyOperation::Disable(Switch::repeatable(key.clone()))).await.unwrap();
    assert_eq!(troubles(&bench).await, [Trouble::Key]);
    bench.key(KeyOperation::Enable(Switch::repeatable(key.clone()))).await.unwrap();
    assert_eq!(troubles(&bench).await, []);
    bench.key(KeyOperation::ScheduleDeletion { key, days: 7 }).await.unwrap();
    assert_eq!(troubles(&bench).await, [Trouble::Key]);
    bench.advance(8 * 24 * 3_600_000);
    bench.reaper.lock().await.run_once(bench.now()).await.unwrap();
    assert_eq!(troubles(&bench).await, [Trouble::Key], "destroyed");
}

#[tokio::test]
async fn blobs_that_nothing_needs_are_found() {
    let bench = Bench::disk().await;
    bench.put("k", &noise(70_000), Method::ManagedSm4).await.unwrap();
    let (_, bytes) = only_blob(&*bench.blobs).await;
    let stray = BlobId::from_bytes([7; 16]);
    bench.blobs.put(&stray, once(bytes.into())).await.unwrap();
    assert_eq!(troubles(&bench).await, [], "its row may be on its way");
    bench.advance(3 * 365 * 24 * 3_600_000);
    let report = scrubbed(&bench).await;
    assert_eq!(report.findings.iter().map(|found| found.blob.clone()).collect::<Vec<_>>(), [Some(stray.to_string())]);
    bench.blobs.delete(&stray).await.unwrap();
    let (live, value) = only_row(&*bench.kv, LIVE).await;
    let flipped = value.iter().map(|byte| byte ^ 1).collect::<Vec<_>>();
    let _ = bench.kv.commit(Batch::new().put(live.clone(), flipped)).await.unwrap();
    assert_eq!(troubles(&bench).await, [Trouble::Rows], "the row that says that the blob is live");
    let _ = bench.kv.commit(Batch::new().put(live, value)).await.unwrap();
    bench.put("k", b"", Method::Plain).await.unwrap();
    assert_eq!(troubles(&bench).await, [], "an overwritten blob waits for the reaper, which knows of it");
}

async fn ask(bench: &Bench, operation: AdminOperation) -> ScrubReport {
    match bench.admin(operation).await.unwrap() {
        AdminOutcome::Scrub(report) => report,
        other => panic!("{other:?}"),
    }
}

async fn until(bench: &Bench, what: &str, reached: impl Fn(&ScrubReport) -> bool) -> ScrubReport {
    for _ in 0..2000 {
        let report = ask(bench, AdminOperation::DescribeScrub).await;
        if reached(&report) {
            return report;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("it never was {what}");
}

/// Slow enough to be caught in the middle: a few versions a second.
const SLOW: StartScrub = StartScrub { rate: Some(100_000), anew: false };

fn run_beside(bench: &Bench, days: Option<u32>) -> (watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let (stop, stopped) = watch::channel(false);
    let schedule = Schedule { days, rate: u64::MAX };
    (stop, tokio::spawn(Arc::clone(&bench.scrub).run(schedule, bench.clock(), stopped)))
}

#[tokio::test]
async fn it_is_stopped_and_goes_on_across_processes() {
    let bench = Bench::disk().await;
    for number in 0..40 {
        bench.put(&format!("k{number:02}"), &noise(3000 + number), Method::KmsSm4).await.unwrap();
    }
    assert_eq!(ask(&bench, AdminOperation::DescribeScrub).await.state, JobState::Never);
    let (stop, running) = run_beside(&bench, None);
    assert_eq!(ask(&bench, AdminOperation::StartScrub(SLOW)).await.state, JobState::Running);
    let refused = bench.admin(AdminOperation::StartScrub(SLOW)).await.unwrap_err();
    assert_eq!(refused.code, strongroom_model::failure::FailureCode::Conflict);
    until(&bench, "under way", |report| report.done.versions > 3).await;
    ask(&bench, AdminOperation::StopScrub).await;
    let stopped = until(&bench, "stopped", |report| report.state == JobState::Stopped).await;
    assert!(stopped.done.versions < 40);
    ask(&bench, AdminOperation::StartScrub(SLOW)).await;
    until(&bench, "further", |report| report.done.versions > stopped.done.versions + 3).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    let left = bench.scrub.report();
    assert!(left.done.versions < 40);
    let bench = bench.reopen().await;
    assert_eq!(bench.scrub.report().done, left.done, "it was kept");
    let (_stop, _running) = run_beside(&bench, None);
    let done = until(&bench, "finished", |report| report.state == JobState::Finished).await;
    assert_eq!((done.done, done.found), (done.expected, 0), "what was interrupted goes on by itself, and counts once");
}

#[tokio::test]
async fn a_scrub_that_is_stopped_before_it_is_at_work_can_be_begun_again() {
    let bench = Bench::memory().await;
    ask(&bench, AdminOperation::StartScrub(SLOW)).await;
    ask(&bench, AdminOperation::StopScrub).await;
    let (_stop, _running) = run_beside(&bench, None);
    until(&bench, "stopped", |report| report.state == JobState::Stopped).await;
    ask(&bench, AdminOperation::StartScrub(SLOW)).await;
    until(&bench, "finished", |report| report.state == JobState::Finished).await;
}

#[tokio::test]
async fn it_begins_by_itself_when_it_is_time() {
    let bench = Bench::memory().await;
    bench.put("k", &noise(10), Method::ManagedAes).await.unwrap();
    let restart = || run_beside(&bench, Some(7));
    let (stop, running) = restart();
    until(&bench, "seen", |report| report.ended.is_some()).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(bench.scrub.report().state, JobState::Never, "not at the first start");
    bench.advance(7 * 24 * 3_600_000);
    let (_stop, _running) = restart();
    let report = until(&bench, "finished", |report| report.state == JobState::Finished).await;
    assert_eq!(report.done.versions, 1);
}
