//! What readers of this process hold: while a version is being read, the reaper leaves its blobs alone, however long ago it was
//! overwritten. A reader opens the blobs of a version one after the other, as it comes to them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The versions that are being read, and how many times each. Clones share the list.
#[derive(Clone, Default)]
pub(crate) struct Leases(Arc<Mutex<HashMap<[u8; 16], usize>>>);

/// A version is being read until this is dropped.
pub(crate) struct Lease {
    leases: Leases,
    version: [u8; 16],
}

impl Leases {
    /// Says that the version of that id is being read from now on.
    pub(crate) fn take(&self, version: [u8; 16]) -> Lease {
        *self.held().entry(version).or_default() += 1;
        Lease { leases: self.clone(), version }
    }

    /// Whether the version of that id is being read.
    pub(crate) fn is_held(&self, version: &[u8; 16]) -> bool {
        self.held().contains_key(version)
    }

    /// A panic while it was locked left counts that are whole.
    fn held(&self) -> MutexGuard<'_, HashMap<[u8; 16], usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut held = self.leases.held();
        match held.get_mut(&self.version) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(held.remove(&self.version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_held_until_its_last_reader_is_done() {
        let leases = Leases::default();
        let (first, second, other) = (leases.take([1; 16]), leases.take([1; 16]), leases.take([2; 16]));
        drop((first, other));
        assert!(leases.is_held(&[1; 16]) && !leases.is_held(&[2; 16]));
        drop(second);
        assert!(!leases.is_held(&[1; 16]) && leases.held().is_empty());
    }
}
