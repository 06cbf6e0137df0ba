//! Clocks that are set forward and back: nothing is freed before its time, nothing is lost, and what is done now and then is not
//! put off until the time from which the clock came back.
//!
//! What is believed of keys is in `kms/bounded.rs`, what signed requests are good for in `wire/src/signature/validity.rs`.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use strongroom_model::failure::FailureCode;
use strongroom_model::lifecycle::{Expiration, Lifecycle, LifecycleRule, RuleScope};
use strongroom_model::operation::object::GetObject;
use strongroom_model::outcome::job::JobState;
use strongroom_model::setting::{Setting, Versioning};
use strongroom_model::time::Timestamp;
use strongroom_store::Schedule;
use tokio::sync::{mpsc, watch};

use super::bench::{Bench, METHODS, Method, get, noise, put};
use super::locks::{COMPLIANCE, DAY_MS, GOVERNANCE, locked};
use super::uploads::{initiate, named};

const YEAR_MS: i64 = 365 * DAY_MS;

/// Two clocks that went wrong, and came right: by so much, and back.
const JUMPS: [i64; 2] = [YEAR_MS, -YEAR_MS];

/// Time for a job to look at the clock again, twice over.
const LOOKS: Duration = Duration::from_secs(600);

#[tokio::test]
async fn objects_uploads_and_versions_know_no_time() {
    for jump in JUMPS {
        let bench = Bench::memory().await;
        for (n, method) in METHODS.into_iter().enumerate() {
            let upload = bench.begin(initiate("upload", method)).await.unwrap();
            let first = bench.write_part(&upload, 1, &noise(150_000), method).await.unwrap();
            bench.put("k", &noise(70_000 + n), method).await.unwrap();
            bench.advance(if n % 2 == 0 { jump } else { -jump });
            assert_eq!(bench.get("k", method).await.unwrap(), noise(70_000 + n));
            let second = bench.write_part(&upload, 2, &noise(9), method).await.unwrap();
            bench.complete(&upload, named(&[(1, first), (2, second)])).await.unwrap();
            assert_eq!(bench.get("upload", method).await.unwrap(), [noise(150_000), noise(9)].concat());
        }
        // The order of versions is that of their writing, whatever their times say.
        bench.switch(Versioning::Enabled).await;
        let before = bench.put("v", b"before", Method::ManagedAes).await.unwrap().version;
        bench.advance(-YEAR_MS);
        let after = bench.put("v", b"after", Method::ManagedAes).await.unwrap().version;
        assert_eq!(bench.get("v", Method::ManagedAes).await.unwrap(), b"after"[..]);
        let (_, older) = bench.get_as(GetObject { version: before, ..get("v") }).await.unwrap();
        assert_eq!(older, b"before"[..]);
        bench.delete_version("v", after).await;
        assert_eq!(bench.get("v", Method::ManagedAes).await.unwrap(), b"before"[..], "what is left is the latest");
    }
}

#[tokio::test]
async fn a_lock_ends_by_the_clock_and_a_hold_does_not() {
    let bench = Bench::locking(None).await;
    let mut kept = Vec::new();
    for mode in [COMPLIANCE, GOVERNANCE] {
        kept.push(bench.put_locked("k", b"kept", locked(Some(bench.until(mode, 10)), false)).await.unwrap());
    }
    let held = bench.put_locked("k", b"held", locked(None, true)).await.unwrap();
    let refused = async |version| bench.destroy("k", Some(version), false).await.unwrap_err().code;
    bench.advance(-YEAR_MS);
    for version in [kept[0], kept[1], held] {
        assert_eq!(refused(version).await, FailureCode::ObjectLocked, "set back");
    }
    bench.advance(2 * YEAR_MS);
    assert_eq!(refused(held).await, FailureCode::ObjectLocked, "set forward");
    bench.advance(-YEAR_MS);
    for version in [kept[0], kept[1], held] {
        assert_eq!(refused(version).await, FailureCode::ObjectLocked, "right again: seeing the end has ended nothing");
    }
}

/// Its blob's row is given up when the clock says that no write takes so long.
#[tokio::test]
async fn a_write_under_way_is_whole_or_refused() {
    for jump in JUMPS {
        let bench = Arc::new(Bench::disk().await);
        bench.put("k", b"before", Method::ManagedAes).await.unwrap();
        let (sender, receiver) = mpsc::unbounded_channel::<io::Result<Bytes>>();
        let pieces = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        let writer = tokio::spawn({
            let bench = bench.clone();
            async move { bench.put_stream(put("k"), pieces.boxed()).await.map(drop) }
        });
        sender.send(Ok(noise(100_000).into())).unwrap();
        while bench.reaper.lock().await.run_once(bench.now()).await.unwrap().pending == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench.advance(jump);
        let report = bench.reaper.lock().await.run_once(bench.now()).await.unwrap();
        assert_eq!((report.given_up, report.pending), if jump > 0 { (1, 0) } else { (0, 1) });
        drop(sender);
        let written = writer.await.unwrap();
        assert_eq!(written.is_ok(), jump < 0, "{written:?}");
        let there = bench.get("k", Method::Plain).await.unwrap();
        assert_eq!(there, if jump < 0 { noise(100_000) } else { b"before".to_vec() });
        bench.advance(-jump);
        bench.put("k", &noise(100_001), Method::Plain).await.unwrap();
        bench.reap_later().await;
        let bench = Arc::into_inner(bench).expect("the writer is done").reopen().await;
        // Files have the system's time. One that was stored after its row was given up is an orphan.
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let later = Timestamp::from_millis(i64::try_from(real).unwrap() + DAY_MS);
        let report = bench.reaper.lock().await.run_once(later).await.unwrap();
        assert_eq!(report.orphans, u64::from(jump > 0));
        assert_eq!(bench.blob_count().await, 1, "nothing stays of what was refused or overwritten");
        assert_eq!(bench.get("k", Method::Plain).await.unwrap(), noise(100_001));
        assert_eq!(bench.scrub.run_once(&bench.clock()).await.unwrap().found, 0);
    }
}

/// Blobs that were freed while the clock was ahead would else keep their space until it comes to that time.
#[tokio::test]
async fn what_was_freed_while_the_clock_was_ahead_goes() {
    let bench = Bench::memory().await;
    bench.advance(YEAR_MS);
    bench.put("k", &noise(70_000), Method::ManagedAes).await.unwrap();
    bench.delete("k").await.unwrap();
    let report = bench.reaper.lock().await.run_once(bench.now()).await.unwrap();
    assert_eq!((report.removed, report.waiting), (0, 1), "readers have their grace");
    bench.advance(-YEAR_MS);
    let report = bench.reaper.lock().await.run_once(bench.now()).await.unwrap();
    assert_eq!((report.removed, report.waiting, bench.blob_count().await), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn rules_are_followed_again_the_day_the_clock_comes_right() {
    let bench = Bench::memory().await;
    bench.advance(3_600_000);
    let rule = LifecycleRule {
        id: "r".to_owned(),
        enabled: true,
        scope: RuleScope::default(),
        expiration: Some(Expiration::After(10)),
        noncurrent: None,
        uploads: None,
    };
    bench.set(Setting::Lifecycle(Lifecycle { rules: vec![rule] })).await.unwrap();
    bench.put("k", b"", Method::Plain).await.unwrap();
    let (_stop, stopped) = watch::channel(false);
    let _job = tokio::spawn(Arc::clone(&bench.lifecycle).run(bench.clock(), stopped));
    let last_run = async || {
        tokio::time::sleep(LOOKS).await;
        let report = bench.lifecycle.report();
        assert_eq!(report.state, JobState::Finished);
        (report.started, report.done.expired)
    };
    assert_eq!(last_run().await, (Some(bench.now()), 0));
    bench.advance(-YEAR_MS);
    assert_eq!(last_run().await, (Some(bench.now()), 0), "set back: nothing goes before its time");
    bench.advance(YEAR_MS - 10 * DAY_MS);
    bench.put("young", b"", Method::Plain).await.unwrap();
    bench.advance(YEAR_MS);
    assert_eq!(last_run().await, (Some(bench.now()), 2), "set forward: by the clock it is time");
    bench.advance(10 * DAY_MS - YEAR_MS);
    bench.put("later", b"", Method::Plain).await.unwrap();
    assert_eq!(last_run().await, (Some(bench.now()), 0), "right again, and not a year from now");
    assert_eq!(bench.list().await.objects.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_scrub_is_not_put_off_until_the_clock_is_where_it_was() {
    let bench = Bench::memory().await;
    bench.put("k", b"x", Method::ManagedAes).await.unwrap();
    bench.advance(YEAR_MS);
    assert_eq!(bench.scrub.run_once(&bench.clock()).await.unwrap().ended, Some(bench.now()));
    bench.advance(-3_600_000);
    let (_stop, stopped) = watch::channel(false);
    let schedule = Schedule { days: Some(7), rate: u64::MAX };
    let _job = tokio::spawn(Arc::clone(&bench.scrub).run(schedule, bench.clock(), stopped));
    tokio::time::sleep(LOOKS).await;
    let ended = bench.scrub.report().ended;
    assert_ne!(ended, Some(bench.now()), "a little back is no reason to read everything again");
    bench.advance(3_600_000 - YEAR_MS);
    tokio::time::sleep(LOOKS).await;
    assert_eq!(bench.scrub.report().ended, Some(bench.now()));
}
