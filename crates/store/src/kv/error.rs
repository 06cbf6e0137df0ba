//! What can go wrong with a key-value store, while it opens and while it runs.

use std::{error::Error, io, path::PathBuf, sync::Arc};

/// Trouble with one call. It can be cloned because one failed sync fails every batch of its group.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KvError {
    /// The caller asked for more than any engine takes; nothing was changed.
    #[error("{amount} {what}, where {limit} are allowed")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much of it.
        amount: usize,
        /// The limit.
        limit: usize,
    },
    /// The batch writes one key twice; nothing was changed.
    #[error("a batch wrote one key twice")]
    DuplicateKey,
    /// The engine could not do it now; a later call may succeed.
    #[error("the key-value store is not available")]
    Unavailable(#[source] Arc<dyn Error + Send + Sync>),
    /// Writing failed in a way that leaves the engine unable to promise anything: it takes no more commits until it was opened
    /// anew, which is tried from time to time, and recovers what was acknowledged.
    #[error("the key-value store has stopped writing; it goes on by itself once the cause is gone")]
    Stopped(#[source] Arc<dyn Error + Send + Sync>),
    /// A stored value is not one that this engine wrote.
    #[error("the key-value store holds a damaged value")]
    Damaged,
}

/// Why an engine refuses to open; the text is meant for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process: stop that process, or choose another folder", path.display())]
    InUse {
        /// The store's folder.
        path: PathBuf,
    },
    /// The store has fewer commits than it had acknowledged.
    #[error(
        "{} has lost commits: it holds them up to number {found}, but number {acknowledged} was acknowledged. Restore the folder \
         from a backup, or repair its disk and put the files back. To accept the loss for good, delete {} and start again",
        path.display(), mark.display()
    )]
    LostCommits {
        /// The store's folder.
        path: PathBuf,
        /// The file that holds the number of the last acknowledged commit.
        mark: PathBuf,
        /// The last commit found.
        found: u64,
        /// The last commit acknowledged.
        acknowledged: u64,
    },
    /// The file that holds the last acknowledged commit cannot be read as such.
    #[error(
        "{} is damaged, so that it is unknown which commits the store should hold. Restore the folder from a backup, or delete \
         this file to accept what the store has",
        mark.display()
    )]
    DamagedMark {
        /// The file.
        mark: PathBuf,
    },
    /// A file or folder could not be used.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The engine refuses its own files.
    #[error("the store in {} cannot be opened", path.display())]
    Engine {
        /// The store's folder.
        path: PathBuf,
        /// The engine's answer.
        source: Box<dyn Error + Send + Sync>,
    },
}
