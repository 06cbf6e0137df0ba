//! Durable group commits to fjall with nothing around them: what the disk and the engine allow.

use std::path::Path;
use std::time::Duration;

use fjall::{Database, KeyspaceCreateOptions};
use indicatif::ProgressBar;

use crate::commits::{Change, CommitError, Tree, key};
use crate::measure::Measured;
use crate::threads;

/// Bytes of each value: a small object.
const VALUE: usize = 4096;

/// Lets `clients` commit one row at a time each for `duration`, through one committer.
///
/// # Errors
/// If fjall fails.
pub(super) fn run(path: &Path, clients: u64, duration: Duration) -> Result<Measured, CommitError> {
    let tree = Tree::open(Database::builder(path), &KeyspaceCreateOptions::default())?;
    let measured = threads::drive(clients, duration, VALUE as u64, &ProgressBar::hidden(), |number| {
        let mut value = vec![0; VALUE];
        getrandom::fill(&mut value).expect("the operating system has randomness");
        tree.commit(Change { put: (key(0, number), value.into()), remove: None })
    });
    tree.close()?;
    measured
}
