//! Do it: catalog rows, blobs, keys, jobs.
//!
//! The face is [`Engine`]: [`Engine::open`] makes one, and `credential`, `case` and `run` are all that a server needs. The rest is
//! public for the backends' conformance suites, and for tests that stand an engine on backends of their own.

pub mod audit;
mod backup;
mod blob_id;
pub mod blobs;
pub mod catalog;
mod credentials;
mod engine;
mod failure;
pub mod faults;
mod folder;
mod jobs;
mod key_file;
mod key_user;
pub mod kms;
pub mod kv;
mod leases;
mod metrics;
mod open;
mod opening;
pub mod stream;
pub mod surroundings;

pub use backup::{MissingBlob, Progress, Restore, RestoreError, Restored, Stage, restore};
pub use engine::{Body, Credential, Engine, Reply, ServerDefault, Trailer};
pub use folder::FolderError;
pub use jobs::{LifecycleJob, Reaper, ReaperReport, Schedule, Scrub};
pub use metrics::Metrics;
pub use open::{Config, OpenError, Opened, RootCredentials};
