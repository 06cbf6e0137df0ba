//! Loads: an operation on objects of one size, by so many connections, for so long.

use std::sync::Arc;

use bytes::Bytes;
use clap::ValueEnum;
use indicatif::ProgressBar;
use tokio::sync::Mutex;

use crate::drive::{Pace, Watched, Work, drive};
use crate::endpoint::{Endpoint, LoadError};
use crate::measure::Measured;
use crate::mode::Mode;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Action {
    /// Objects are written.
    Put,
    /// Objects are read whole.
    Get,
    /// 64 KiB, or all if it is less, are read from somewhere in objects.
    Range,
    /// Metadata are read.
    Head,
    /// Pages of keys are listed, of the objects that reads read.
    List,
    /// Objects are deleted that were written before the run.
    Delete,
    /// Objects are copied.
    Copy,
    /// Every connection appends to an object of its own (OBS, OSS).
    Append,
    /// Data keys are wrapped anew, without their objects (S3, SSE-KMS).
    Rewrap,
    /// Of ten requests, six read, two write, one asks for metadata and one lists.
    Mixed,
}

/// A load.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// What is done.
    pub action: Action,
    /// Plaintext bytes of each object.
    pub size: u64,
    /// How many, and when.
    pub pace: Pace,
}

/// Objects of each mode and size that a read chooses among: enough that no one object's place matters.
pub const READ_OBJECTS: u64 = 16;

/// Objects that a run of deletions finds, if nothing says how many.
const DELETED_OBJECTS: u64 = 2000;

/// Bytes of a ranged read.
const RANGE_BYTES: u64 = 64 * 1024;

/// Appends to one object: then another one is begun, so that a long load does not measure ever longer objects.
const APPENDS_MAX: u64 = 100;

impl Load {
    /// The load's name in tables.
    pub fn name(&self) -> String {
        format!("{} {}", format!("{:?}", self.action).to_uppercase(), size_name(self.size))
    }

    /// Writes the objects that a run of the load finds.
    ///
    /// # Errors
    /// The first request that fails.
    pub async fn prepare(&self, endpoint: &Endpoint, mode: Mode) -> Result<(), LoadError> {
        let count = match self.action {
            Action::Put | Action::Append => 0,
            Action::Delete => self.pace.count.unwrap_or(DELETED_OBJECTS),
            _ => READ_OBJECTS,
        };
        let body = self.body()?;
        for number in 0..count {
            endpoint.put(&self.source(mode, number), body.clone(), mode).await?;
        }
        Ok(())
    }

    /// Runs the load once and measures it.
    ///
    /// # Errors
    /// The first request that fails: a load in which anything failed has no figure.
    pub async fn run(
        self,
        endpoint: &Arc<Endpoint>,
        mode: Mode,
        watched: &Watched,
        bar: &ProgressBar,
    ) -> Result<Measured, LoadError> {
        let master = match self.action {
            Action::Rewrap => endpoint.master_key_of(&self.source(mode, 0)).await?,
            _ => String::new(),
        };
        let growing = (0..self.pace.connections).map(|_| Mutex::default()).collect();
        let run = Run { load: self, mode, endpoint: endpoint.clone(), body: self.body()?, master, growing };
        let count = match self.action {
            Action::Delete => Some(self.pace.count.unwrap_or(DELETED_OBJECTS)),
            _ => self.pace.count,
        };
        drive(run, Pace { count, ..self.pace }, watched, bar).await
    }

    /// An object that is there before a run.
    fn source(&self, mode: Mode, number: u64) -> String {
        let (kind, number) = match self.action {
            Action::Delete => ("delete", number),
            _ => ("get", number % READ_OBJECTS),
        };
        format!("{kind}-{}-{mode:?}-{number}", self.size).to_lowercase()
    }

    /// An object that a run writes. Keys repeat after a while, so that a long load overwrites rather than fills the disk.
    fn target(&self, mode: Mode, number: u64) -> String {
        let distinct = (1 << 30) / self.size.max(1) + READ_OBJECTS;
        format!("put-{}-{mode:?}-{}", self.size, number % distinct).to_lowercase()
    }

    /// Random bytes: nothing on the way may find them easier than a client's.
    fn body(&self) -> Result<Bytes, LoadError> {
        let mut body = vec![0; usize::try_from(self.size).unwrap_or(usize::MAX)];
        getrandom::fill(&mut body).expect("the operating system has randomness");
        Ok(Bytes::from(body))
    }
}

/// One run under way.
struct Run {
    load: Load,
    mode: Mode,
    endpoint: Arc<Endpoint>,
    body: Bytes,
    /// The master key of the objects, for wrapping anew.
    master: String,
    /// What each connection appends to.
    growing: Vec<Mutex<Growing>>,
}

/// What one connection appends to.
#[derive(Default)]
struct Growing {
    objects: u64,
    appends: u64,
}

impl Work for Run {
    async fn request(&self, number: u64, connection: u64) -> Result<(), LoadError> {
        let (load, mode, endpoint) = (&self.load, self.mode, &self.endpoint);
        let (source, target) = (load.source(mode, number), load.target(mode, number));
        match load.action.of_request(number) {
            Action::Put => endpoint.put(&target, self.body.clone(), mode).await,
            Action::Get | Action::Mixed => endpoint.get(&source, load.size, mode).await,
            Action::Range => {
                let length = load.size.min(RANGE_BYTES);
                // A step that shares no factor with any size in use visits every place.
                let first = number.wrapping_mul(1_000_003) % (load.size - length + 1);
                endpoint.get_range(&source, first..first + length, mode).await
            }
            Action::Head => endpoint.head(&source, mode).await,
            Action::List => endpoint.list("max-keys=1000&prefix=get-").await.map(drop),
            Action::Delete => endpoint.delete(&source).await,
            Action::Copy => endpoint.copy(&source, &target, mode).await,
            Action::Append => self.append(connection).await,
            Action::Rewrap => endpoint.rewrap(&source, &self.master).await,
        }
    }

    fn bytes_of_a_request(&self) -> u64 {
        match self.load.action {
            Action::Put | Action::Get | Action::Append => self.load.size,
            Action::Range => self.load.size.min(RANGE_BYTES),
            _ => 0,
        }
    }
}

impl Action {
    /// What the request of that number does.
    fn of_request(self, number: u64) -> Self {
        match (self, number % 10) {
            (Self::Mixed, 0..6) => Self::Get,
            (Self::Mixed, 6..8) => Self::Put,
            (Self::Mixed, 8) => Self::Head,
            (Self::Mixed, _) => Self::List,
            (action, _) => action,
        }
    }
}

impl Run {
    async fn append(&self, connection: u64) -> Result<(), LoadError> {
        let mut growing = self.growing[connection as usize].lock().await;
        let (size, mode) = (self.load.size, self.mode);
        let key = format!("append-{size}-{mode:?}-{connection}-{}", growing.objects).to_lowercase();
        if growing.appends == 0 {
            self.endpoint.delete(&key).await?;
        }
        self.endpoint.append(&key, growing.appends * size, self.body.clone(), mode).await?;
        growing.appends += 1;
        if growing.appends == APPENDS_MAX {
            *growing = Growing { objects: growing.objects + 1, appends: 0 };
        }
        Ok(())
    }
}

/// A size as people write it.
pub fn size_name(size: u64) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size / 1024),
        _ => format!("{} MiB", size / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_people_write_them() {
        assert_eq!([1, 4096, 1 << 20, 64 << 20].map(size_name), ["1 B", "4 KiB", "1 MiB", "64 MiB"]);
    }
}
