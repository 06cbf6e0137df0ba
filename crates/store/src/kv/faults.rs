//! A key-value store that goes wrong on order, around any engine: for crash tests.

use std::{io, sync::Arc};

use async_trait::async_trait;

use super::{Batch, Commit, Entry, KeyRange, Kv, KvError, Put, Row, Snapshot};
use crate::faults::Faults;

/// Any engine, under a plan of faults.
pub struct FaultyKv {
    inner: Arc<dyn Kv>,
    faults: Arc<Faults>,
}

impl FaultyKv {
    /// Puts `inner` under the plan.
    pub fn new(inner: Arc<dyn Kv>, faults: Arc<Faults>) -> Self {
        Self { inner, faults }
    }
}

#[async_trait]
impl Kv for FaultyKv {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, KvError> {
        self.faults.around(self.inner.get(key), injected).await
    }

    async fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Row>, KvError> {
        self.faults.around(self.inner.scan(range, limit), injected).await
    }

    async fn commit(&self, batch: Batch) -> Result<Commit, KvError> {
        self.faults.around(self.inner.commit(batch), injected).await
    }

    async fn submit(&self, puts: Vec<Put>) -> Result<(), KvError> {
        self.faults.around(self.inner.submit(puts), injected).await
    }

    async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, KvError> {
        self.faults.around(self.inner.snapshot(), injected).await
    }

    fn steady(&self, family: u8) -> Option<u64> {
        self.inner.steady(family)
    }
}

fn injected() -> KvError {
    KvError::Unavailable(Arc::new(io::Error::other("injected fault")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{faults::Fault, kv::MemoryKv};

    /// Which of five commits, each to a key of its own, were answered well, and which took effect.
    async fn five_commits(faults: Faults) -> (Vec<bool>, Vec<bool>) {
        let inner = Arc::new(MemoryKv::new());
        let faulty = FaultyKv::new(inner.clone(), Arc::new(faults));
        let (mut answered, mut effective) = (Vec::new(), Vec::new());
        for key in 0..5_u8 {
            answered.push(faulty.commit(Batch::new().put(vec![key], "")).await.is_ok());
            effective.push(inner.get(&[key]).await.unwrap().is_some());
        }
        (answered, effective)
    }

    #[tokio::test]
    async fn each_fault_does_what_it_says_at_its_call() {
        let all = vec![true; 5];
        let but_third = vec![true, true, false, true, true];
        let two = vec![true, true, false, false, false];
        let three = vec![true, true, true, false, false];
        assert_eq!(five_commits(Faults::none()).await, (all.clone(), all.clone()));
        assert_eq!(five_commits(Faults::at(3, Fault::Refused)).await, (but_third.clone(), but_third.clone()));
        assert_eq!(five_commits(Faults::at(3, Fault::AnswerLost)).await, (but_third, all));
        assert_eq!(five_commits(Faults::at(3, Fault::StoppedBefore)).await, (two.clone(), two.clone()));
        assert_eq!(five_commits(Faults::at(3, Fault::StoppedAfter)).await, (two, three));
    }

    #[tokio::test]
    async fn a_delay_is_waited_out_and_calls_are_counted() {
        let faults = Arc::new(Faults::at(1, Fault::Delayed(std::time::Duration::from_millis(30))));
        let faulty = FaultyKv::new(Arc::new(MemoryKv::new()), faults.clone());
        let start = std::time::Instant::now();
        assert_eq!(faulty.get(b"key").await.unwrap(), None);
        assert!(start.elapsed().as_millis() >= 30);
        assert!(faulty.scan(KeyRange::from(""), 1).await.unwrap().is_empty());
        faulty.submit(vec![]).await.unwrap();
        assert_eq!(faults.calls(), 3);
    }
}
