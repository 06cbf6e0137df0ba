//! Turns at a key. Writers of one key that collide would collide again and again, each time at the cost of a sync; so whoever has
//! collided once waits for its turn. It is a courtesy between the tasks of one process, and no lock: what a commit
//! relies on is checked by the commit.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use bytes::Bytes;
use tokio::sync::{Mutex, MutexGuard};

/// Queues. Keys share them by chance, which only makes some wait that need not; with as many as commits can be under way at
/// once in a busy process, it is rare.
const QUEUES: u64 = 1024;

pub(super) struct Turns {
    queues: Vec<Mutex<()>>,
}

/// The right to go next; given up when dropped.
pub(super) struct Turn<'a> {
    _held: Vec<MutexGuard<'a, ()>>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { queues: (0..QUEUES).map(|_| Mutex::default()).collect() }
    }

    /// Waits for the turn at all these keys. Queues are entered in one order, so that nobody waits in a circle.
    pub(super) async fn take<'k>(&self, keys: impl Iterator<Item = &'k Bytes>) -> Turn<'_> {
        let queues: BTreeSet<usize> = keys.map(|key| queue(key)).collect();
        let mut held = Vec::with_capacity(queues.len());
        for queue in queues {
            held.push(self.queues[queue].lock().await);
        }
        Turn { _held: held }
    }
}

fn queue(key: &[u8]) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    (hasher.finish() % QUEUES) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_others_pass() {
        let turns = Turns::new();
        let (mine, other) = (Bytes::from_static(b"mine"), Bytes::from_static(b"other"));
        assert_ne!(queue(&mine), queue(&other));
        let turn = turns.take([&mine, &mine].into_iter()).await;
        let wait = tokio::time::Duration::from_millis(10);
        assert!(tokio::time::timeout(wait, turns.take([&other, &mine].into_iter())).await.is_err());
        drop(turns.take([&other].into_iter()).await);
        drop(turn);
        drop(turns.take([&other, &mine].into_iter()).await);
    }
}
