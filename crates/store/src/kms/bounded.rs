//! What may be believed for a while: a map with a lifetime and a limit.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use strongroom_model::time::Timestamp;
use tokio::time::Instant;

/// A bounded map. What is in it is dropped, and so wiped if it is a secret, when it is forgotten, when room is needed, and
/// when, its lifetime over, anything is put in or it is evicted; readers that hold it still keep it alive.
pub(super) struct Bounded<K, V> {
    limit: usize,
    lifetime_ms: u64,
    state: Mutex<State<K, V>>,
}

/// A moment before something was read, for [`Bounded::insert`]: what was forgotten since must not come back.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    now: Timestamp,
    begun: Instant,
    generation: u64,
}

/// See [`Bounded::clear_at_last`].
pub(super) struct ClearAtLast<'a, K: Hash + Eq + Clone, V>(&'a Bounded<K, V>);

/// When something was read, by the clock that others see, and by one that nobody can set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Since {
    begun: Instant,
    told: Timestamp,
}

struct State<K, V> {
    entries: HashMap<K, (Since, Arc<V>)>,
    generation: u64,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    /// A map of at most `limit` entries that are believed for `lifetime_ms`; with 0, nothing ever is.
    pub(super) fn new(limit: usize, lifetime_ms: u64) -> Self {
        let state = State { entries: HashMap::new(), generation: 0 };
        Self { limit, lifetime_ms, state: Mutex::new(state) }
    }

    /// What is believed of `key`.
    pub(super) fn get(&self, key: &K, now: Timestamp) -> Option<Arc<V>> {
        let state = self.state();
        let (since, value) = state.entries.get(key)?;
        self.is_fresh(*since, now, Instant::now()).then(|| Arc::clone(value))
    }

    /// To be taken before the reading of something that is to be inserted.
    pub(super) fn moment(&self, now: Timestamp) -> Moment {
        Moment { now, begun: Instant::now(), generation: self.state().generation }
    }

    /// What is believed of `key`; if that is nothing, what `make` says of it, from now on.
    pub(super) fn get_or_insert_with(&self, key: &K, now: Timestamp, make: impl FnOnce() -> V) -> Arc<V> {
        let since = Since { begun: Instant::now(), told: now };
        let mut state = self.state();
        if let Some((known, value)) = state.entries.get(key)
            && self.is_fresh(*known, now, since.begun)
        {
            return Arc::clone(value);
        }
        let value = Arc::new(make());
        self.put(&mut state, key.clone(), Arc::clone(&value), since);
        value
    }

    /// Drops what is believed no more.
    pub(super) fn evict(&self, now: Timestamp) {
        let tick = Instant::now();
        self.state().entries.retain(|_, (since, _)| self.is_fresh(*since, now, tick));
    }

    /// Remembers `value`, read after `moment`, unless something was forgotten since then.
    pub(super) fn insert(&self, key: K, value: Arc<V>, moment: Moment) {
        let mut state = self.state();
        if state.generation == moment.generation {
            self.put(&mut state, key, value, Since { begun: moment.begun, told: moment.now });
        }
    }

    fn put(&self, state: &mut State<K, V>, key: K, value: Arc<V>, since: Since) {
        if self.lifetime_ms == 0 {
            return;
        }
        state.entries.retain(|_, (before, _)| self.is_fresh(*before, since.told, since.begun));
        if state.entries.len() >= self.limit
            && let Some(oldest) = state.entries.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone())
        {
            state.entries.remove(&oldest);
        }
        state.entries.insert(key, (since, value));
    }

    /// Forgets everything, also what is being read now.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.generation += 1;
        state.entries.clear();
    }

    /// Forgets everything when the answer is dropped: after a change, whether it went well, badly, or was given up half-way.
    pub(super) fn clear_at_last(&self) -> ClearAtLast<'_, K, V> {
        ClearAtLast(self)
    }

    /// The lifetime is over when either clock says so. The one that can be set may stand still, jump, or run backwards, and so
    /// must not make a belief last longer; and what lies in its future is not believed.
    fn is_fresh(&self, since: Since, now: Timestamp, tick: Instant) -> bool {
        let lasted = tick.saturating_duration_since(since.begun).as_millis();
        let told = since.told <= now && since.told.distance_millis(now) < self.lifetime_ms;
        told && lasted < u128::from(self.lifetime_ms)
    }

    /// Every change is one call on the map, so a panic elsewhere while it was locked does no harm.
    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone, V> Drop for ClearAtLast<'_, K, V> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn put(map: &Bounded<u32, u32>, key: u32, now: i64) {
        map.insert(key, Arc::new(key), map.moment(at(now)));
    }

    /// The clock was set back by an hour: what was read before must not be believed again when it comes to that time once more.
    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_back_does_not_make_belief_last() {
        let map = Bounded::new(9, 1000);
        let hour = 3_600_000;
        put(&map, 1, hour);
        assert!(map.get(&1, at(hour)).is_some());
        assert!(map.get(&1, at(0)).is_none());
        tokio::time::advance(std::time::Duration::from_millis(999)).await;
        assert!(map.get(&1, at(hour)).is_some(), "a clock that stands still");
        tokio::time::advance(std::time::Duration::from_secs(3600)).await;
        assert!(map.get(&1, at(hour)).is_none());
        assert!(map.get(&1, at(hour + 1)).is_none());
    }

    #[test]
    fn belief_ends_with_the_lifetime_and_when_time_runs_backwards() {
        let map = Bounded::new(10, 100);
        put(&map, 1, 1000);
        assert!(map.get(&1, at(1000)).is_some() && map.get(&1, at(1099)).is_some());
        assert!(map.get(&1, at(1100)).is_none() && map.get(&1, at(999)).is_none());
    }

    #[test]
    fn the_oldest_makes_room_and_what_is_over_is_dropped() {
        let map = Bounded::new(2, 100);
        for (key, now) in [(1, 0), (2, 10), (3, 20)] {
            put(&map, key, now);
        }
        assert!(map.get(&1, at(20)).is_none() && map.get(&2, at(20)).is_some() && map.get(&3, at(20)).is_some());
        let third = map.get(&3, at(20)).unwrap();
        put(&map, 4, 200);
        assert_eq!(map.state().entries.len(), 1);
        assert_eq!(Arc::strong_count(&third), 1, "the map has let go of it");
    }

    #[test]
    fn what_was_forgotten_while_it_was_read_does_not_come_back() {
        let map = Bounded::new(2, 100);
        let moment = map.moment(at(0));
        map.clear();
        map.insert(1, Arc::new(1), moment);
        assert!(map.get(&1, at(0)).is_none());
    }

    #[test]
    fn what_is_made_once_is_found_until_it_is_over_and_then_evicted() {
        let map = Bounded::new(2, 100);
        let made = |now, value| *map.get_or_insert_with(&1, at(now), || value);
        assert_eq!((made(0, 7), made(99, 8), made(100, 9)), (7, 7, 9));
        map.evict(at(199));
        assert_eq!(map.state().entries.len(), 1);
        map.evict(at(200));
        assert!(map.state().entries.is_empty());
    }

    #[test]
    fn without_a_lifetime_nothing_is_kept() {
        let map = Bounded::new(2, 0);
        put(&map, 1, 0);
        assert!(map.state().entries.is_empty());
    }
}
