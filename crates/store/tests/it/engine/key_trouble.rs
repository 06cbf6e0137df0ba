//! Key services that hang, dawdle, lie and lose: what is answered, and that all is well again when they are.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use strongroom_model::failure::FailureCode;
use strongroom_store::{
    blobs::MemoryBlobs,
    faults::{Fault, Faults},
    kms::{
        Around, Kms,
        faults::{Conduct, FaultyKms},
    },
    kv::MemoryKv,
};
use tokio::time::Instant;

use super::bench::{BUCKET, Bench, METHODS, Method, noise};

/// Those that need the key service.
const KEYED: [Method; 6] =
    [Method::ManagedAes, Method::ManagedSm4, Method::KmsAes, Method::KmsSm4, Method::KmsTwice, Method::KmsBucketKey];

/// Longer than a request may wait for a key, and far shorter than clients wait.
const BOUND: Duration = Duration::from_secs(11);

struct Site {
    bench: Bench,
    conduct: Arc<Mutex<Conduct>>,
}

impl Site {
    async fn new(faults: Faults) -> Self {
        Self::believing(faults, 0).await
    }

    /// Keys, and their states, are believed for so long.
    async fn believing(faults: Faults, cache_seconds: u32) -> Self {
        let (faults, conduct) = (Arc::new(faults), Arc::<Mutex<Conduct>>::default());
        let around: Around = {
            let conduct = conduct.clone();
            Arc::new(move |kms| Arc::new(FaultyKms::new(kms, faults.clone(), conduct.clone())) as Arc<dyn Kms>)
        };
        let folder = tempfile::tempdir().unwrap();
        let (kv, blobs) = (Arc::new(MemoryKv::new()), Arc::new(MemoryBlobs::new()));
        let bench = Bench::open(kv, blobs, Some(around), folder, cache_seconds).await.unwrap();
        bench.create_bucket(BUCKET, None).await.unwrap();
        Self { bench, conduct }
    }

    fn behave(&self, conduct: Conduct) {
        *self.conduct.lock().unwrap() = conduct;
    }

    async fn fill(&self) {
        for (n, method) in METHODS.into_iter().enumerate() {
            self.bench.put(&format!("small-{n}"), &noise(100 + n), method).await.unwrap();
            self.bench.put(&format!("large-{n}"), &noise(100_000 + n), method).await.unwrap();
        }
    }

    async fn serves_everything(&self) {
        for (n, method) in METHODS.into_iter().enumerate() {
            assert_eq!(self.bench.get(&format!("small-{n}"), method).await.unwrap(), noise(100 + n));
            assert_eq!(self.bench.get(&format!("large-{n}"), method).await.unwrap(), noise(100_000 + n));
            self.bench.put("new", &noise(70_000), method).await.unwrap();
            assert_eq!(self.bench.get("new", method).await.unwrap(), noise(70_000));
        }
        assert_eq!(self.bench.scrub.run_once(&self.bench.clock()).await.unwrap().found, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_is_waited_for_no_longer_than_the_bound() {
    let site = Site::new(Faults::none()).await;
    site.fill().await;
    site.behave(Conduct::Hangs);
    for (n, method) in METHODS.into_iter().enumerate() {
        let began = Instant::now();
        let written = site.bench.put("while-away", b"x", method).await.map(drop);
        let read = site.bench.get(&format!("large-{n}"), method).await.map(drop);
        assert!(began.elapsed() < 2 * BOUND, "{method:?} took {:?}", began.elapsed());
        for answer in [written, read] {
            match KEYED.contains(&method) {
                true => assert_eq!(answer.unwrap_err().code, FailureCode::KeyServiceUnavailable, "{method:?}"),
                false => answer.unwrap(),
            }
        }
    }
    let many = (0..50).map(|n| {
        let site = &site;
        async move { site.bench.get(&format!("small-{}", 1 + n % KEYED.len()), KEYED[n % KEYED.len()]).await.map(drop) }
    });
    let began = Instant::now();
    let answers = futures_util::future::join_all(many).await;
    assert!(answers.iter().all(Result::is_err) && began.elapsed() < BOUND, "they wait beside each other");
    site.behave(Conduct::Right);
    site.serves_everything().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_dawdles_is_waited_for() {
    let site = Site::new(Faults::at(1, Fault::Delayed(Duration::from_secs(9)))).await;
    let began = Instant::now();
    site.bench.put("k", &noise(70_000), Method::KmsAes).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(9), "it was late");
    site.fill().await;
    site.serves_everything().await;
}

/// The calls are: what is known of the key, which version seals, and the bucket key.
#[tokio::test(start_paused = true)]
async fn while_a_bucket_key_takes_long_others_wait_for_it() {
    let site = Site::new(Faults::at(3, Fault::Delayed(Duration::from_secs(9)))).await;
    let (before, began) = (site.bench.key_service_calls(), Instant::now());
    let names: Vec<_> = (0..10).map(|n| format!("k{n}")).collect();
    let puts = names.iter().map(|name| site.bench.put(name, b"x", Method::KmsBucketKey));
    assert!(futures_util::future::join_all(puts).await.iter().all(Result::is_ok));
    assert!(began.elapsed() >= Duration::from_secs(9), "it was late");
    assert_eq!(site.bench.key_service_calls() - before, 1);
}

/// What could be opened with nothing is not remembered.
#[tokio::test]
async fn a_wrong_key_is_not_believed() {
    let site = Site::believing(Faults::none(), 60).await;
    site.fill().await;
    site.behave(Conduct::WrongKeys);
    for (n, method) in METHODS.into_iter().enumerate() {
        let read = site.bench.get(&format!("large-{n}"), method).await;
        assert_eq!(read.is_err(), KEYED.contains(&method), "{method:?}");
    }
    site.behave(Conduct::Right);
    site.serves_everything().await;
}

#[tokio::test]
async fn one_that_gives_wrong_keys_gets_nothing_shown() {
    let site = Site::new(Faults::none()).await;
    site.fill().await;
    for conduct in [Conduct::WrongKeys, Conduct::VersionLost] {
        site.behave(conduct);
        for (n, method) in METHODS.into_iter().enumerate() {
            for (key, bytes) in [(format!("small-{n}"), noise(100 + n)), (format!("large-{n}"), noise(100_000 + n))] {
                match (site.bench.get(&key, method).await, KEYED.contains(&method)) {
                    (Ok(read), false) => assert_eq!(read, bytes),
                    (Err(failure), true) => assert_eq!(failure.code, FailureCode::Damaged, "{key} {method:?}"),
                    (answer, _) => panic!("{conduct:?}, {key}, {method:?}: {:?}", answer.map(|read| read.len())),
                }
            }
            if KEYED.contains(&method) {
                let copied = site.bench.copy(&format!("large-{n}"), method, "copied", Method::Plain).await;
                assert!(copied.is_err(), "{conduct:?} {method:?}");
            }
        }
        assert!(site.bench.get("copied", Method::Plain).await.is_err(), "no wrong bytes were written either");
    }
    site.behave(Conduct::Right);
    site.serves_everything().await;
}
