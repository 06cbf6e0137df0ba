//! Appending: objects that grow at their end.

use super::object::PutObject;
use crate::name::{BucketName, ObjectKey};

/// Write bytes behind those that an appendable object has, or begin one.
#[derive(Debug)]
pub struct AppendObject {
    /// What is written if there is no object yet; of a later append only the digests and a customer's key count. There are
    /// no conditions in it.
    pub put: PutObject,
    /// The length that the client takes the object to have, in bytes.
    pub position: u64,
    /// What an encryption gets that is asked for after the first append.
    pub later: LaterEncryption,
}

/// End the appending to an object (OSS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealAppend {
    /// In which bucket.
    pub bucket: BucketName,
    /// Which key.
    pub key: ObjectKey,
    /// The length that the client takes the object to have, in bytes.
    pub position: u64,
}

/// What an encryption gets that is asked for when the object is there already, whose first append has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterEncryption {
    /// It is overlooked (OSS).
    Overlooked,
    /// It must be the method that the object has (OBS).
    Agrees,
}

impl AppendObject {
    /// The most parts of an appendable object. Appends that are small join the last part, so that this many parts hold
    /// more appends than that, and 640 MiB at least; OBS allows as many appends.
    pub const PARTS_MAX: usize = 10_000;
}
