//! What authorization is asked about: actions on resources.

use crate::name::{BucketName, ObjectKey};
use crate::setting::SettingKind;

/// Something a principal may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Ask which dialect the server speaks; open to everyone, as the OBS clients need.
    Probe,
    /// List the account's buckets.
    ListBuckets,
    /// Create a bucket.
    CreateBucket,
    /// Delete a bucket.
    DeleteBucket,
    /// See that a bucket exists, where it is and how it is configured.
    InspectBucket,
    /// List a bucket's objects.
    ListObjects,
    /// Read a configuration document of a bucket.
    GetSetting(SettingKind),
    /// Write or delete a configuration document of a bucket.
    PutSetting(SettingKind),
    /// Write an object.
    PutObject,
    /// Read an object or its metadata.
    GetObject,
    /// Read a named version of an object.
    GetObjectVersion,
    /// Delete an object.
    DeleteObject,
    /// Delete a named version of an object.
    DeleteObjectVersion,
    /// Administer customer master keys.
    AdministerKeys,
    /// Administer users and their access keys.
    AdministerUsers,
    /// See how objects and the server are set up, without their content.
    Inspect,
}

/// What an action is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// The service as a whole.
    Service,
    /// A bucket.
    Bucket(BucketName),
    /// An object, which need not exist.
    Object(BucketName, ObjectKey),
    /// The server's own administration.
    Administration,
}

/// One thing that must be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// What is done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
}

impl Required {
    /// `action` on `resource`.
    pub fn new(action: Action, resource: Resource) -> Self {
        Self { action, resource }
    }
}
