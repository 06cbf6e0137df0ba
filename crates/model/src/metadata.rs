//! What is kept beside an object's bytes at a client's wish.

/// The standard headers that are stored with an object and returned with it, verbatim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContentHeaders {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`, without the transport's `aws-chunked`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
}

/// Metadata of an object as its writer gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectMetadata {
    /// Standard headers.
    pub content: ContentHeaders,
    /// User metadata: lower-case names without the dialect's prefix, values verbatim, in the order of the names.
    pub user: Vec<(String, String)>,
}

impl ObjectMetadata {
    /// Greatest sum of the lengths of user metadata names and values, in bytes: 8 KB (OBS, OSS); S3's 2 KB is its own.
    pub const USER_BYTES_MAX: usize = 8 * 1024;
}

/// Storage classes. They change nothing here but what answers say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StorageClass {
    /// The default.
    #[default]
    Standard,
    /// S3 `REDUCED_REDUNDANCY`.
    ReducedRedundancy,
    /// OBS `WARM`, OSS `IA`, S3 `STANDARD_IA`.
    InfrequentAccess,
    /// S3 `ONEZONE_IA`.
    OneZoneInfrequentAccess,
    /// OBS and S3 `INTELLIGENT_TIERING`.
    IntelligentTiering,
    /// OBS `HIGH_PERFORMANCE`.
    HighPerformance,
    /// S3 `GLACIER_IR`.
    InstantArchive,
    /// OBS `COLD`, OSS `Archive`, S3 `GLACIER`.
    Archive,
    /// OSS `ColdArchive`.
    ColdArchive,
    /// OBS and S3 `DEEP_ARCHIVE`, OSS `DeepColdArchive`.
    DeepArchive,
}

/// Ready-made access control lists. They are stored; access is decided by the account until policies come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CannedAcl {
    /// Only the owner.
    #[default]
    Private,
    /// Everyone may read.
    PublicRead,
    /// Everyone may read and write.
    PublicReadWrite,
    /// OBS: everyone may read the bucket and the objects in it.
    PublicReadDelivered,
    /// OBS: everyone may read and write the bucket and the objects in it.
    PublicReadWriteDelivered,
    /// S3: any signed-in principal may read.
    AuthenticatedRead,
    /// The bucket's owner may read the object.
    BucketOwnerRead,
    /// The bucket's owner has full control of the object.
    BucketOwnerFullControl,
    /// S3: the log delivery group may write.
    LogDeliveryWrite,
    /// OSS: the object follows its bucket.
    Inherit,
}

/// How an object came to be, which OSS answers name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// By one request.
    Normal,
    /// By appending.
    Appendable,
    /// By a multipart upload.
    Multipart,
    /// As a symbolic link.
    Symlink,
}
