//! Histories: clients at work at once, every request and answer of theirs written down, the server killed in between; afterwards it
//! is searched for one order of all of it in which each answer is right.
//!
//! The search goes key by key, as linearizability allows: each object is a register, the bucket's default encryption another, and
//! the state of the master key a third. One request may touch several: a PUT that says nothing of encryption reads the default; a GET
//! under the master key reads whether that is enabled; a copy reads one object and writes another.
//!
//! `STRONGROOM_HISTORIES` sets how many histories are made, `STRONGROOM_SEED` where they begin.

mod assemble;
mod client;
mod linear;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{client::make_bucket, crash::number, process::Site};
use client::{Client, Home};
use linear::{Event, Model, check};

/// How many histories are made unless told otherwise.
const HISTORIES: u64 = 10;

/// Clients at work at once.
const CLIENTS: u64 = 6;

/// Lives of the server in one history; each but the last ends by a kill.
const LIVES: u64 = 3;

/// How long a life is.
const LIFE: Duration = Duration::from_millis(500);

/// What an operation was done to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Object(&'static str),
    Default,
    MasterKey,
}

/// What was done, and what was answered.
#[derive(Clone, Debug)]
enum Done {
    /// The register has this from now on; 0 is nothing.
    Write(u64),
    /// Only if there was nothing: done, or refused.
    Claim(u64, bool),
    /// Only if there was nothing, and nobody knows whether it was done.
    ClaimUnanswered(u64),
    /// This was in it.
    Read(u64),
}

/// One register.
struct Register;

impl Model for Register {
    type State = u64;
    type Operation = Done;

    fn start() -> u64 {
        0
    }

    fn apply(state: &u64, operation: &Done) -> Option<u64> {
        match *operation {
            Done::Write(value) => Some(value),
            Done::Read(value) => (value == *state).then_some(value),
            Done::Claim(value, true) => (*state == 0).then_some(value),
            Done::Claim(_, false) => (*state != 0).then_some(*state),
            Done::ClaimUnanswered(value) => Some(if *state == 0 { value } else { *state }),
        }
    }
}

/// Everything that was asked and answered.
struct History {
    began: Instant,
    events: Mutex<BTreeMap<Place, Vec<Event<Done>>>>,
    /// How each value says that it is sealed: all who see it must be told the same.
    sealed: Mutex<BTreeMap<u64, String>>,
}

impl History {
    fn new() -> Self {
        Self { began: Instant::now(), events: Mutex::default(), sealed: Mutex::default() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap()
    }

    fn record(&self, place: Place, operation: Done, invoked: u64, returned: Option<u64>) {
        let event = Event { operation, invoked, returned };
        self.events.lock().unwrap().entry(place).or_default().push(event);
    }

    fn saw(&self, value: u64, sealed: &str) {
        let mut all = self.sealed.lock().unwrap();
        let known = all.entry(value).or_insert_with(|| sealed.to_owned());
        assert_eq!(known, sealed, "object {value:x} is sealed in two ways");
    }

    /// Answers how many operations were judged.
    fn judge(self, what: &str) -> usize {
        let events = self.events.into_inner().unwrap();
        for (place, events) in &events {
            if let Err(best) = check::<Register>(events) {
                let left = events.iter().enumerate().filter(|(at, _)| !best.contains(at));
                let mut left: Vec<_> = left.map(|(_, event)| event.clone()).collect();
                left.sort_by_key(|event| event.invoked);
                left.truncate(12);
                panic!(
                    "{what}: no order explains {place:?}: {} of {} operations have one; then come {left:#?}",
                    best.len(),
                    events.len()
                );
            }
        }
        events.values().map(Vec::len).sum()
    }
}

/// Makes one history and judges it.
fn live(seed: u64) -> usize {
    let site = Site::new().with("STRONGROOM__LOG__FILTER", "warn");
    let history = History::new();
    let server = site.start();
    make_bucket(server.http, "bucket");
    // A bucket of this dialect begins with the rule AES256.
    history.record(Place::Default, Done::Write(client::AES256), 0, Some(history.now()));
    let key = client::make_key(&server);
    history.record(Place::MasterKey, Done::Write(client::ENABLED), 0, Some(history.now()));
    server.stop();
    let mut clients: Vec<Client<'_>> =
        (0..CLIENTS).map(|number| Client::new(&history, number, seed, key.clone())).collect();
    for life in 1..=LIVES {
        let mut server = site.start();
        let home = Home::of(&server);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.work(&home, &over));
            }
            std::thread::sleep(LIFE);
            if life < LIVES {
                server.kill();
            }
            over.store(true, Ordering::SeqCst);
        });
    }
    drop(clients);
    history.judge(&format!("STRONGROOM_SEED={seed}"))
}

#[test]
fn every_history_has_an_order() {
    let histories = number("STRONGROOM_HISTORIES").unwrap_or(HISTORIES);
    let seed = number("STRONGROOM_SEED").unwrap_or_else(|| crate::client::now().millis().unsigned_abs());
    println!("{histories} histories, STRONGROOM_SEED={seed}");
    let judged: usize = (0..histories).map(|n| live(seed + n)).sum();
    println!("{judged} operations judged");
    assert!(judged as u64 > 20 * histories, "hardly anything was done");
}
