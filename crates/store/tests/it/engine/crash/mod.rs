//! Crash at every call: two scripted workloads run again and again, and each time another call to the stores
//! goes wrong. What is found afterwards must be one of the worlds that the answers allow, with nothing left behind.
//!
//! `STRONGROOM_FAULT_STRIDE` leaves out calls between those that are tried: 1 tries each. Without it, the five kinds of fault each
//! try another fifth of the calls.

mod checker;
mod things;
mod workload;
mod world;

use std::{path::Path, sync::Arc, time::Duration};

use strongroom_store::{
    blobs::{Blobs, MemoryBlobs, faults::FaultyBlobs},
    faults::{Fault, Faults},
    kms::{Around, Kms, faults::FaultyKms},
    kv::{Kv, MemoryKv, faults::FaultyKv},
};

use super::bench::Bench;
use workload::{OBJECTS, Step, THINGS, perform};
use world::{World, Worlds};

/// Stores that outlive the process, and its key files.
struct Site {
    kv: Arc<dyn Kv>,
    blobs: Arc<dyn Blobs>,
    keys: tempfile::TempDir,
}

impl Site {
    /// Stores that one process has opened before: what a first start makes is there.
    async fn new() -> Self {
        let keys = tempfile::tempdir().unwrap();
        let site = Self { kv: Arc::new(MemoryKv::new()), blobs: Arc::new(MemoryBlobs::new()), keys };
        let bench = Bench::over(site.kv.clone(), site.blobs.clone(), tempfile::tempdir().unwrap()).await.unwrap();
        copy_keys(bench.folder.path(), site.keys.path());
        site
    }

    /// The next process, all of whose calls go as planned.
    async fn open(&self, faults: Arc<Faults>) -> Result<Bench, strongroom_store::OpenError> {
        let kv = Arc::new(FaultyKv::new(self.kv.clone(), faults.clone()));
        let blobs = Arc::new(FaultyBlobs::new(self.blobs.clone(), faults.clone()));
        let around: Around =
            Arc::new(move |kms| Arc::new(FaultyKms::new(kms, faults.clone(), Arc::default())) as Arc<dyn Kms>);
        let folder = tempfile::tempdir().unwrap();
        copy_keys(self.keys.path(), folder.path());
        Bench::around(kv, blobs, Some(around), folder).await
    }
}

fn copy_keys(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("keys")).unwrap();
    for name in ["metadata.key", "root.key"] {
        std::fs::copy(from.join("keys").join(name), to.join("keys").join(name)).unwrap();
    }
}

/// Runs a script under a plan, and answers which worlds there may be.
async fn run(site: &Site, script: &[Step], faults: &Arc<Faults>, at: u64) -> Worlds {
    let mut worlds = Worlds::one(World::default());
    let Ok(bench) = site.open(faults.clone()).await else { return worlds };
    for step in script {
        let before = faults.calls();
        let done = perform(&bench, step).await;
        let hit = before < at && at <= faults.calls();
        match done {
            Ok(()) => worlds.done(step),
            Err(_) if hit => worlds.perhaps_done(step),
            Err(failure) => worlds.refused(step, &failure),
        }
        if faults.has_stopped() {
            break;
        }
    }
    worlds
}

/// Calls from one that is tried to the next, unless told otherwise.
const STRIDE: u64 = 5;

async fn spoil_every_call(first: u64, fault: Fault) {
    spoil(first, fault, OBJECTS).await;
    spoil(first, fault, THINGS).await;
}

async fn spoil(first: u64, fault: Fault, script: &[Step]) {
    let stride = std::env::var("STRONGROOM_FAULT_STRIDE").map_or(STRIDE, |text| text.parse().unwrap());
    let mut cases = 0;
    for at in (1 + first % stride..).step_by(stride as usize) {
        let site = Site::new().await;
        let faults = Arc::new(Faults::at(at, fault));
        let worlds = run(&site, script, &faults, at).await;
        let reached = faults.calls() >= at;
        checker::check(&site.open(Arc::default()).await.unwrap(), &worlds, &format!("{fault:?} at call {at}")).await;
        if !reached {
            assert_eq!(worlds.len(), 1, "nothing went wrong, so there is one world");
            break;
        }
        cases += 1;
    }
    println!("{fault:?}: {cases} calls, each {stride}th, of a script of {} steps", script.len());
    assert!(cases * stride > 300, "the script makes more calls than {cases}");
}

#[tokio::test]
async fn a_call_is_refused() {
    spoil_every_call(0, Fault::Refused).await;
}

#[tokio::test]
async fn an_answer_is_lost() {
    spoil_every_call(1, Fault::AnswerLost).await;
}

#[tokio::test]
async fn the_process_dies_before_a_call() {
    spoil_every_call(2, Fault::StoppedBefore).await;
}

#[tokio::test]
async fn the_process_dies_after_a_call() {
    spoil_every_call(3, Fault::StoppedAfter).await;
}

/// A call that takes its time changes nothing but the time.
#[tokio::test(start_paused = true)]
async fn a_call_is_late() {
    spoil_every_call(4, Fault::Delayed(Duration::from_secs(20))).await;
}
