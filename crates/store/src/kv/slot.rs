//! The engine in use, which may have to be exchanged: once a write of its has failed, an engine takes no more, and only opening it
//! anew, from what is on the disk, helps.
//!
//! That is sound while the process goes on: the engine shows nothing to readers before it is synced, so a group whose write failed
//! was seen by nobody. After opening anew it is there, whole, or not at all; its callers were told that the outcome is unknown.

use std::{
    io::{self, Write as _},
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    thread,
    time::{Duration, Instant},
};

use super::{KvError, fjall::Engine};

/// How long an exchange waits for readers of the old engine: longer than the longest scan takes.
const READERS_MAX: Duration = Duration::from_secs(10);

/// What must be writable before an engine is given up that can still be read: more than its opening writes.
const PROBE_BYTES: usize = 4 * 1024 * 1024;

/// Where readers find the engine.
pub(super) struct Slot(RwLock<Option<Arc<Engine>>>);

impl Slot {
    /// With this engine in use.
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self(RwLock::new(Some(engine)))
    }

    /// The engine in use.
    ///
    /// # Errors
    /// [`KvError::Unavailable`] while it is opened anew.
    pub(super) fn engine(&self) -> Result<Arc<Engine>, KvError> {
        let engine = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let away = || KvError::Unavailable(Arc::new(io::Error::other("the engine is being opened anew")));
        engine.ok_or_else(away)
    }

    /// Puts an engine to use.
    pub(super) fn put(&self, engine: Arc<Engine>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(engine);
    }

    /// Closes the engine, so that it can be opened anew, when its last reader is done; `own` is the caller's handle. Answers
    /// whether it is closed; if not, it is in use as before.
    pub(super) fn close(&self, own: Arc<Engine>) -> bool {
        drop(self.0.write().unwrap_or_else(PoisonError::into_inner).take());
        let deadline = Instant::now() + READERS_MAX;
        while Arc::strong_count(&own) > 1 {
            if Instant::now() > deadline {
                self.put(own);
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        drop(own);
        true
    }
}

/// Whether the disk takes writes.
pub(super) fn is_writable(folder: &Path) -> bool {
    let probe = folder.join("probe");
    let written = std::fs::File::create(&probe).and_then(|mut file| {
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_all()
    });
    written.and(std::fs::remove_file(&probe)).is_ok()
}
