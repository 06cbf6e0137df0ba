//! What encryption a request wishes, a bucket defaults to, and an object has.

use std::collections::BTreeMap;

use crate::key::{KeyName, KeyReference};
use crate::secret::CustomerKey;

/// The cipher that seals an object's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataAlgorithm {
    /// AES-256-GCM.
    Aes256,
    /// SM4-GCM (RFC 8998).
    Sm4,
    /// AES-256-GCM in two layers, each under a data key of its own (DSSE-KMS); under a master key alone.
    Aes256Twice,
}

/// A client's encryption context: bound into the wrapping of the data key and stored beside it.
pub type EncryptionContext = BTreeMap<String, String>;

/// The entry that the service adds to a client's context where it decides about the use of a master key, and where it tells of it: the ARN of
/// the object, or of the bucket if a bucket key is used. It is not bound into any wrapping, where bucket and object have names of
/// their own.
pub const PLACE_ENTRY: &str = "aws:s3:arn";

/// The context of a use of a master key for the object `key` in `bucket`, or for the bucket alone. Whatever the client says in
/// [`PLACE_ENTRY`], the service knows better.
pub fn context_in_place(context: &EncryptionContext, bucket: &str, key: Option<&str>) -> EncryptionContext {
    let object = key.map(|key| format!("/{key}")).unwrap_or_default();
    let mut context = context.clone();
    context.insert(PLACE_ENTRY.to_owned(), format!("arn:aws:s3:::{bucket}{object}"));
    context
}

/// The encryption one write asks for, as one whole: nothing in it is ever mixed with a bucket's default, except the
/// bucket-key flag, which the dialect that has it says defaults on its own.
#[derive(Debug)]
pub enum EncryptionWish {
    /// Nothing was asked for: the bucket's default applies, then the server's.
    Unspecified,
    /// A key that the service manages (SSE-S3, SSE-OBS, SSE-OSS).
    Managed(DataAlgorithm),
    /// A customer master key of the key service (SSE-KMS).
    Kms(KmsWish),
    /// A key that the client gives with every request (SSE-C).
    Customer(CustomerKey),
}

/// The details of an SSE-KMS wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsWish {
    /// The master key, or none for the account's default key.
    pub key: Option<KeyReference>,
    /// The data cipher.
    pub algorithm: DataAlgorithm,
    /// The client's context.
    pub context: EncryptionContext,
    /// Whether a bucket-level key may be used; none leaves it to the bucket.
    pub bucket_key: Option<bool>,
    /// The project of a key outside the default project (OBS).
    pub project: Option<String>,
}

/// A bucket's default encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketEncryption {
    /// How objects that ask for nothing are sealed.
    pub method: DefaultMethod,
    /// Whether a bucket-level key may be used.
    pub bucket_key: bool,
}

/// A bucket's rule of encryption, as a document says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionRule {
    /// How objects that ask for nothing are sealed; none in a document leaves it as it is.
    pub default: Option<BucketEncryption>,
    /// Whether nobody may write under a key of the client's own (SSE-C); none in a document leaves it as it is.
    pub blocks_customer_keys: Option<bool>,
}

impl From<BucketEncryption> for EncryptionRule {
    fn from(default: BucketEncryption) -> Self {
        Self { default: Some(default), blocks_customer_keys: None }
    }
}

/// How a bucket's objects are sealed by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultMethod {
    /// By a key that the service manages.
    Managed(DataAlgorithm),
    /// By a customer master key.
    Kms {
        /// The key as its owner spelled it; it is looked up only when an object is written.
        key: Option<KeyReference>,
        /// The data cipher.
        algorithm: DataAlgorithm,
        /// The project of a key outside the default project (OBS).
        project: Option<String>,
    },
}

/// The encryption an object has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppliedEncryption {
    /// None: stored in the clear.
    Plain,
    /// By a key that the service manages.
    Managed(DataAlgorithm),
    /// By a customer master key.
    Kms(KmsApplied),
    /// By a key only the client has.
    Customer {
        /// MD5 of that key, which answers to whoever gave the key echo; it is not stored.
        key_md5: Option<[u8; 16]>,
    },
}

/// The details of an SSE-KMS object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsApplied {
    /// The master key that wraps the data key.
    pub key: KeyName,
    /// The data cipher.
    pub algorithm: DataAlgorithm,
    /// Whether there is a bucket key between master key and data key.
    pub bucket_key: bool,
    /// The project named with the key (OBS).
    pub project: Option<String>,
    /// The client's context; only answers to writes show it.
    pub context: EncryptionContext,
}
