//! Is there an order of these operations, one that respects which ended before which began, in which each gives the answer that
//! it gave? The search of Wing and Gong, with Lowe's memory of the configurations that led nowhere.

use std::{collections::HashSet, hash::Hash};

/// What operations mean when they are done one after the other.
pub(crate) trait Model {
    /// What they change and look at.
    type State: Clone + Eq + Hash;
    /// An operation together with its answer, if it had one.
    type Operation;

    /// What there is before the first.
    fn start() -> Self::State;

    /// What there is after `operation`; none if it could not have answered what it did.
    fn apply(state: &Self::State, operation: &Self::Operation) -> Option<Self::State>;
}

/// An operation, and when it was under way.
#[derive(Clone, Debug)]
pub(crate) struct Event<O> {
    pub(crate) operation: O,
    pub(crate) invoked: u64,
    /// None if no answer came: it takes effect at any time after its invocation, or never.
    pub(crate) returned: Option<u64>,
}

/// Whether there is such an order; if not, the most operations that have one, to begin looking at.
pub(crate) fn check<M: Model>(events: &[Event<M::Operation>]) -> Result<(), Vec<usize>> {
    let mut search = Search::<M>::new(events);
    let mut best = Vec::new();
    let mut entry = search.next[search.head()];
    while search.next[search.head()] != search.head() {
        match search.entries.get(entry) {
            Some(Entry::Call(operation)) => match search.take(*operation, events) {
                true => entry = search.next[search.head()],
                false => entry = search.next[entry],
            },
            // A return, or the end: whatever is behind it must not come before it.
            _ => {
                if search.taken.len() > best.len() {
                    best = search.taken.iter().map(|(operation, _)| *operation).collect();
                }
                let Some(operation) = search.give_back() else { return Err(best) };
                entry = search.next[search.calls[operation]];
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Entry {
    Call(usize),
    Return,
}

struct Search<M: Model> {
    /// Calls and returns in the order of time.
    entries: Vec<Entry>,
    /// Where each operation's call and return are in it.
    calls: Vec<usize>,
    returns: Vec<usize>,
    /// The entries that are left, as a ring through one place more, its head.
    next: Vec<usize>,
    previous: Vec<usize>,
    state: M::State,
    /// The order so far, and the state before each.
    taken: Vec<(usize, M::State)>,
    done: Vec<u64>,
    seen: HashSet<(Vec<u64>, M::State)>,
}

impl<M: Model> Search<M> {
    fn new(events: &[Event<M::Operation>]) -> Self {
        let mut moments = Vec::new();
        for (operation, event) in events.iter().enumerate() {
            // What returns at the very moment of a call was concurrent with it, so calls come first.
            moments.push((event.invoked, 0, operation));
            moments.push((event.returned.unwrap_or(u64::MAX), 1, operation));
        }
        moments.sort_unstable();
        let (mut calls, mut returns) = (vec![0; events.len()], vec![0; events.len()]);
        let mut entries = Vec::new();
        for (_, is_return, operation) in moments {
            let places = if is_return == 1 { &mut returns } else { &mut calls };
            places[operation] = entries.len();
            entries.push(if is_return == 1 { Entry::Return } else { Entry::Call(operation) });
        }
        let places = entries.len() + 1;
        Self {
            entries,
            calls,
            returns,
            next: (0..places).map(|place| (place + 1) % places).collect(),
            previous: (0..places).map(|place| (place + places - 1) % places).collect(),
            state: M::start(),
            taken: Vec::new(),
            done: vec![0; events.len().div_ceil(64)],
            seen: HashSet::new(),
        }
    }

    fn head(&self) -> usize {
        self.entries.len()
    }

    /// Puts the operation next in the order, if it can be, and if that was not tried before.
    fn take(&mut self, operation: usize, events: &[Event<M::Operation>]) -> bool {
        let Some(after) = M::apply(&self.state, &events[operation].operation) else { return false };
        self.done[operation / 64] ^= 1 << (operation % 64);
        if !self.seen.insert((self.done.clone(), after.clone())) {
            self.done[operation / 64] ^= 1 << (operation % 64);
            return false;
        }
        self.taken.push((operation, std::mem::replace(&mut self.state, after)));
        for place in [self.calls[operation], self.returns[operation]] {
            let (before, behind) = (self.previous[place], self.next[place]);
            (self.next[before], self.previous[behind]) = (behind, before);
        }
        true
    }

    /// Takes back the last operation of the order.
    fn give_back(&mut self) -> Option<usize> {
        let (operation, before) = self.taken.pop()?;
        self.state = before;
        self.done[operation / 64] ^= 1 << (operation % 64);
        for place in [self.returns[operation], self.calls[operation]] {
            let (before, behind) = (self.previous[place], self.next[place]);
            (self.next[before], self.previous[behind]) = (place, place);
        }
        Some(operation)
    }
}

mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// A register that is empty at first.
    struct Register;

    #[derive(Clone, Copy, Debug)]
    enum Op {
        Write(u8),
        Read(u8),
        /// Writes only into an empty register, and says whether it did.
        Claim(u8, bool),
    }

    impl Model for Register {
        type State = u8;
        type Operation = Op;

        fn start() -> u8 {
            0
        }

        fn apply(state: &u8, operation: &Op) -> Option<u8> {
            match *operation {
                Op::Write(value) => Some(value),
                Op::Read(value) => (value == *state).then_some(value),
                Op::Claim(value, true) => (*state == 0).then_some(value),
                Op::Claim(_, false) => (*state != 0).then_some(*state),
            }
        }
    }

    fn event(operation: Op, invoked: u64, returned: u64) -> Event<Op> {
        Event { operation, invoked, returned: Some(returned) }
    }

    fn pending(operation: Op, invoked: u64) -> Event<Op> {
        Event { operation, invoked, returned: None }
    }

    #[test]
    fn good_histories_are_accepted() {
        use Op::{Claim, Read, Write};
        for good in [
            vec![],
            vec![event(Write(1), 0, 1), event(Read(1), 2, 3)],
            // Concurrent with a write, a read sees either, and one after the other sees the new one last.
            vec![event(Write(1), 0, 9), event(Read(0), 1, 2), event(Read(1), 3, 4)],
            vec![event(Write(1), 0, 9), event(Write(2), 0, 9), event(Read(2), 10, 11), event(Read(2), 12, 13)],
            vec![event(Write(1), 0, 9), event(Write(2), 0, 9), event(Read(1), 10, 11)],
            // What was never answered has happened, or not, or does so late.
            vec![pending(Write(1), 0), event(Read(0), 5, 6)],
            vec![pending(Write(1), 0), event(Read(0), 5, 6), event(Read(1), 7, 8)],
            vec![event(Claim(1, true), 0, 5), event(Claim(2, false), 1, 6), event(Read(1), 7, 8)],
            // An answer at the moment of the next call says nothing of their order.
            vec![event(Write(1), 0, 5), event(Read(0), 5, 6)],
        ] {
            assert_eq!(check::<Register>(&good), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn bad_histories_are_refused() {
        use Op::{Claim, Read, Write};
        for bad in [
            // A lost write, a stale read, a value from nowhere.
            vec![event(Write(1), 0, 1), event(Read(0), 2, 3)],
            vec![event(Write(1), 0, 1), event(Write(2), 2, 3), event(Read(1), 4, 5)],
            vec![event(Read(7), 0, 1)],
            // Two reads, one after the other, that see the new value and then the old one.
            vec![event(Write(1), 0, 9), event(Read(1), 1, 2), event(Read(0), 3, 4)],
            vec![event(Write(1), 0, 9), event(Write(2), 0, 9), event(Read(1), 10, 11), event(Read(2), 12, 13)],
            // What was never answered cannot unhappen, nor happen before it was asked.
            vec![pending(Write(1), 0), event(Read(1), 5, 6), event(Read(0), 7, 8)],
            vec![event(Read(1), 0, 1), pending(Write(1), 2)],
            vec![event(Claim(1, true), 0, 5), event(Claim(2, true), 1, 6)],
        ] {
            assert!(check::<Register>(&bad).is_err(), "{bad:?}");
        }
    }

    /// Every order, tried one by one.
    fn by_brute_force(events: &[Event<Op>], left: &mut Vec<usize>, state: u8) -> bool {
        if left.iter().all(|at| events[*at].returned.is_none()) {
            return true;
        }
        let first_return = left.iter().filter_map(|at| events[*at].returned).min().unwrap_or(u64::MAX);
        for n in 0..left.len() {
            let at = left[n];
            if events[at].invoked > first_return {
                continue;
            }
            if let Some(after) = Register::apply(&state, &events[at].operation) {
                left.remove(n);
                if by_brute_force(events, left, after) {
                    return true;
                }
                left.insert(n, at);
            }
        }
        false
    }

    fn histories() -> impl Strategy<Value = Vec<Event<Op>>> {
        let operation = prop_oneof![
            (1..4_u8).prop_map(Op::Write),
            (0..4_u8).prop_map(Op::Read),
            (1..4_u8, any::<bool>()).prop_map(|(value, done)| Op::Claim(value, done)),
        ];
        let event = (operation, 0..20_u64, 1..12_u64, 0..8_u8).prop_map(|(operation, invoked, took, answered)| {
            // A read that was never answered says nothing, and is not recorded.
            let returned = (answered > 0 || matches!(operation, Op::Read(_))).then_some(invoked + took);
            Event { operation, invoked, returned }
        });
        vec(event, 0..7)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn the_verdict_is_that_of_trying_every_order(events in histories()) {
            // An unanswered claim has an unknown answer, which neither judge models.
            prop_assume!(!events.iter().any(|it| it.returned.is_none() && matches!(it.operation, Op::Claim(..))));
            let expected = by_brute_force(&events, &mut (0..events.len()).collect(), 0);
            prop_assert_eq!(check::<Register>(&events).is_ok(), expected);
        }
    }
}
