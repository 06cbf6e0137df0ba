//! The numbers of the last groups that were committed, kept inside the engine, so that a hole among them shows.
//!
//! Each group of commits writes one slot of a ring, in the same atomic write as its rows. The greatest number says where
//! the store ends, which [`high_water`](super::high_water) is compared with. A number that is missing between others says
//! that the engine lost a group and kept later ones, as happens when a journal is damaged that was closed but not yet
//! merged into tables.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Slots, and so the distance back to which a hole is seen. A journal is merged after 16 MiB, which is this many groups
/// of 1 KiB; reading all slots at start takes a few milliseconds.
pub(super) const SLOTS: u64 = 16 * 1024;

/// Where the store ended after a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Groups committed since the store was made.
    pub(super) group: u64,
    /// Batches committed since then: the version of what the last of them wrote.
    pub(super) sequence: u64,
}

impl Position {
    /// The slot of this group.
    pub(super) fn slot(self) -> u16 {
        u16::try_from(self.group % SLOTS).expect("the ring has fewer slots than u16 has numbers")
    }

    /// The slot's content.
    pub(super) fn encode(self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(16);
        bytes.put_u64(self.group);
        bytes.put_u64(self.sequence);
        bytes.freeze()
    }

    /// Reads a slot's content.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (group, sequence) = bytes.split_first_chunk::<8>()?;
        let sequence = sequence.try_into().ok()?;
        Some(Self { group: u64::from_be_bytes(*group), sequence: u64::from_be_bytes(sequence) })
    }
}

/// What all slots together say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Survey {
    /// The last group; zero for a new store.
    pub(super) last: Position,
    /// The last group before the first hole, if there is a hole.
    pub(super) before_hole: Option<Position>,
}

/// Looks for the end, and for a hole, in the contents of all slots that were ever written.
pub(super) fn survey(mut slots: Vec<Position>) -> Survey {
    slots.sort_unstable();
    let hole = slots.windows(2).find(|pair| pair[0].group + 1 != pair[1].group);
    Survey { last: slots.last().copied().unwrap_or_default(), before_hole: hole.map(|pair| pair[0]) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The slots after `groups` groups, of which those in `lost` were lost.
    fn slots(groups: u64, lost: &[u64]) -> Vec<Position> {
        let kept = (1..=groups).filter(|group| !lost.contains(group));
        let ring: BTreeMap<_, _> =
            kept.map(|group| Position { group, sequence: 10 * group }).map(|at| (at.slot(), at)).collect();
        ring.into_values().collect()
    }

    #[test]
    fn an_unbroken_ring_ends_at_the_last_group() {
        for groups in [0, 1, 2, SLOTS - 1, SLOTS, SLOTS + 1, 3 * SLOTS + 5] {
            let last = Position { group: groups, sequence: 10 * groups };
            assert_eq!(survey(slots(groups, &[])), Survey { last, before_hole: None }, "{groups}");
        }
    }

    #[test]
    fn a_lost_group_is_a_hole_on_the_first_lap_and_on_later_ones() {
        for groups in [5, SLOTS + 5, 2 * SLOTS + 2] {
            let found = survey(slots(groups, &[groups - 2, groups - 1]));
            assert_eq!(found.last.group, groups);
            assert!(found.before_hole.is_some_and(|before| before.group < groups - 2), "{groups}");
        }
    }

    #[test]
    fn a_slot_and_back() {
        let at = Position { group: 3 * SLOTS + 17, sequence: u64::MAX };
        assert_eq!(at.slot(), 17);
        assert_eq!(Position::decode(&at.encode()), Some(at));
        assert_eq!(Position::decode(&at.encode()[1..]), None);
        assert_eq!(Position::decode(b""), None);
    }
}
