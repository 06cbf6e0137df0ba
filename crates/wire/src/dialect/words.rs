//! The words of a dialect: what a record is made of.

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::encryption::{DataAlgorithm, EncryptionRule};
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::KeyName;
use strongroom_model::metadata::{CannedAcl, StorageClass};
use strongroom_model::operation::append::LaterEncryption;
use strongroom_model::operation::copy::{OntoItself, Unchanged};
use strongroom_model::operation::object::Unsatisfiable;
use strongroom_model::operation::symlink::Links;
use strongroom_model::operation::upload::UploadHolders;
use strongroom_model::outcome::bucket::{BucketFacts, ListedBuckets};
use strongroom_model::policy::PolicyLanguage;

use super::Dialect;
use crate::document::writer::Writer;
use crate::exchange::Site;

/// How a dialect speaks of server-side encryption. Field names follow the dialect's prefix.
#[derive(Debug, Clone, Copy)]
pub struct EncryptionWords {
    /// The field that names the method.
    pub method: &'static str,
    /// The field that names the master key.
    pub key: &'static str,
    /// The field that names the data cipher.
    pub data_algorithm: &'static str,
    /// The field of the client's context.
    pub context: Option<&'static str>,
    /// The field of the bucket-key flag.
    pub bucket_key: Option<&'static str>,
    /// The field of the key's project.
    pub project: Option<&'static str>,
    /// Method words for keys that the service manages. The first for a cipher is the one answered.
    pub managed: &'static [(&'static str, DataAlgorithm)],
    /// Method words for SSE-KMS. The first is the one answered.
    pub kms: &'static [&'static str],
    /// The method word for SSE-KMS in two layers, if the dialect has it.
    pub kms_twice: Option<&'static str>,
    /// Method words that mean what is not built.
    pub unbuilt: &'static [&'static str],
    /// Words for data ciphers under SSE-KMS.
    pub ciphers: &'static [(&'static str, DataAlgorithm)],
    /// What fields get that need SSE-KMS and come without it.
    pub stray: Stray,
    /// Whether a part, or a completion, with a method is refused; else the method is overlooked.
    pub refused_on_parts: bool,
    /// Whether answers about uploads and their parts name the data cipher.
    pub cipher_of_parts: bool,
    /// Whether the answer to a completion tells of a customer's key.
    pub customer_key_of_completion: bool,
    /// What a read gets whose customer key comes without its MD5.
    pub digest_missing_on_read: FailureCode,
    /// Whether answers to copies tell the data cipher, as those to other writes do.
    pub copies_tell_cipher: bool,
    /// Whether SSE-KMS is refused over plain HTTP.
    pub kms_needs_tls: bool,
    /// How a master key is spelled in answers.
    pub spell_key: fn(&KeyName) -> String,
    /// The word for SSE by managed keys in the answer to CreateBucket, if that answer tells of encryption at all.
    pub created: Option<&'static str>,
}

/// What fields get that need SSE-KMS and come without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stray {
    /// They are refused.
    Refused,
    /// They are overlooked.
    Ignored,
}

/// How a dialect speaks of objects and buckets. Field names follow the dialect's prefix.
#[derive(Debug, Clone, Copy)]
pub struct ResourceWords {
    /// The field of an object's access control list; a bucket's is `acl` everywhere.
    pub object_acl: &'static str,
    /// Words for access control lists. The first for a list is the one answered.
    pub acls: &'static [(&'static str, CannedAcl)],
    /// Words for storage classes. The first for a class is the one answered.
    pub storage_classes: &'static [(&'static str, StorageClass)],
    /// Whole headers that may name a bucket's storage class; the first is the one answered.
    pub bucket_class_headers: &'static [&'static str],
    /// The field of a bucket's location in answers to HEAD.
    pub bucket_location: &'static str,
    /// Fields of checksums in requests and, for those it has a spelling for, in answers.
    pub checksums: &'static [ChecksumField],
    /// The checksum kept for an object whose client named none.
    pub kept_checksum: Option<ChecksumAlgorithm>,
    /// When checksums are answered to reads.
    pub checksums_shown: ChecksumsShown,
    /// What the field `checksum-type` says beside checksums, if there is one.
    pub checksum_kind: Option<&'static str>,
    /// Who may go on with an upload.
    pub upload_holders: UploadHolders,
    /// Bytes that every part of an upload but the last must have.
    pub least_part: u64,
    /// The field that completes an upload with all its parts.
    pub complete_all: Option<&'static str>,
    /// The field that tells of an object by which upload it was made.
    pub upload_of_object: Option<&'static str>,
    /// When an object's tag is its MD5.
    pub tag: TagPromise,
    /// Whether answers carry the MD5 of the bytes in `Content-MD5`, if it is known.
    pub shows_md5: bool,
    /// The field that forbids overwriting.
    pub forbid_overwrite: Option<&'static str>,
    /// Whether a deletion may insist on a tag.
    pub conditional_delete: bool,
    /// What a range without a byte of the object gets: unless the field says `standard`.
    pub unsatisfiable: Unsatisfiable,
    /// The field that says `standard`.
    pub range_behavior: Option<&'static str>,
    /// The greatest number of keys listed if the client names none.
    pub list_default: u32,
    /// Whether keys in a batch deletion are percent-encoded when the document says `EncodingType`.
    pub decodes_batch_keys: bool,
    /// Whether answers tell an object's kind, in the field `object-type`.
    pub shows_kind: bool,
    /// How copies differ.
    pub copy: CopyWords,
    /// What the fields begin with that tell of an appendable object. The OBS clients look for OBS's whatever they speak.
    pub append_prefix: &'static str,
    /// What an encryption gets that is asked for after an object's first append.
    pub later_encryption: LaterEncryption,
}

/// How a dialect copies.
#[derive(Debug, Clone, Copy)]
pub struct CopyWords {
    /// What a copy of an object onto itself must be.
    pub onto_itself: OntoItself,
    /// What a source gets that has not changed, upon `copy-source-if-none-match` and `copy-source-if-modified-since`.
    pub unchanged: Unchanged,
    /// Whether the answer's head tells of the target what its document tells.
    pub told_in_head: bool,
    /// What becomes of a source that is a symbolic link.
    pub links: Links,
}

/// A field that carries a checksum.
#[derive(Debug, Clone, Copy)]
pub struct ChecksumField {
    /// Which checksum.
    pub algorithm: ChecksumAlgorithm,
    /// The field's name in requests and in answers to writes, after the prefix.
    pub name: &'static str,
    /// The element of documents that stands for it.
    pub element: Option<&'static str>,
    /// How the value is spelled.
    pub spelling: ChecksumSpelling,
}

/// How a checksum's value is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumSpelling {
    /// Base64 of its bytes.
    Base64,
    /// An unsigned decimal number.
    Decimal,
}

/// When checksums are answered to reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumsShown {
    /// Always.
    Always,
    /// When the request's field `checksum-mode` says `ENABLED`.
    OnDemand,
}

/// How a dialect's answers look.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The `Server` header.
    pub server: &'static str,
    /// How many digits of the request's identity are shown.
    pub request_id_digits: usize,
    /// Whether answers carry a second identity, `id-2`.
    pub has_second_id: bool,
    /// Whether tags are in upper case.
    pub upper_case_tags: bool,
    /// `Content-Type` of an object that has none.
    pub default_content_type: &'static str,
    /// Whether an object's storage class is answered even if it is the default one.
    pub always_shows_class: bool,
    /// Where the answer to HEAD tells of a failure.
    pub silent: Silent,
    /// Whether extra elements of the error document precede the request's identity.
    pub extras_first: bool,
    /// The element of the error document that names an access key.
    pub access_key: &'static str,
    /// Whether error documents name the path that was asked for, as `Resource`.
    pub names_resource: bool,
    /// Headers of every answer to HeadBucket, by their whole names.
    pub bucket_headers: &'static [(&'static str, &'static str)],
    /// What a write's unmet condition is answered as: OSS knows no other than "must not exist".
    pub unmet_write: FailureCode,
}

/// Where an answer without a body tells of its failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silent {
    /// In the fields `error-code` and `error-message`.
    Words,
    /// In the fields `err`, which holds the document in base64, and `ec`.
    Document,
}

/// How a dialect speaks of browser forms. Names are whole, and in lower case.
#[derive(Debug, Clone, Copy)]
pub struct FormWords {
    /// Whether a policy must have a condition for every field.
    pub covered: bool,
    /// Fields that need none, besides the policy, its signature, and those that are to be ignored.
    pub exempt: &'static [&'static str],
    /// The field of an access control list, besides the one with the dialect's prefix.
    pub acl: Option<&'static str>,
    /// The field of a document of tags, besides the one with the dialect's prefix.
    pub tagging: Option<&'static str>,
    /// The field that says the object's type with more weight than the file's part, and that with more than
    /// `Content-Type`; without it, the part's type does not count.
    pub content_type: Option<&'static str>,
    /// Fields that ask for what is not built.
    pub unbuilt: &'static [&'static str],
    /// The elements of the document that answers a form, in order.
    pub answer: &'static [&'static str],
}

/// How a dialect's documents look.
#[derive(Debug, Clone, Copy)]
pub struct Documents {
    /// Whether what takes long may be answered 200 at first, and told of, be it a failure, at the end.
    pub answers_late: bool,
    /// The XML declaration.
    pub declaration: &'static str,
    /// The namespace of roots, but for error documents.
    pub namespace: Option<&'static str>,
    /// Writes the answer to ListBuckets.
    pub buckets: fn(&ListedBuckets, &Dialect, &Site) -> Writer,
    /// Writes a bucket's location.
    pub location: fn(&BucketFacts, &Dialect) -> Writer,
    /// Reads a bucket's default encryption.
    pub read_encryption: fn(&[u8], &'static Dialect) -> Result<EncryptionRule, Failure>,
    /// Writes a bucket's default encryption.
    pub write_encryption: fn(&EncryptionRule, &Dialect) -> Writer,
    /// The language of policies.
    pub policies: PolicyLanguage,
    /// The status of the answer to a policy that was put.
    pub policy_put: u16,
    /// How listings differ.
    pub listing: ListingStyle,
}

/// How a dialect's listings of objects differ.
#[derive(Debug, Clone, Copy)]
pub struct ListingStyle {
    /// Whether an object's kind is told, as `Type`.
    pub kind: bool,
    /// Whether owners have a `DisplayName`.
    pub owner_name: bool,
    /// Whether a listing of versions names its delimiter even if it has none.
    pub empty_delimiter: bool,
    /// How listings of uploads and parts spell who began them, if they tell that, and whose they are.
    pub initiator: Option<fn(&Principal) -> String>,
    /// Whether the owner is the last child rather than the storage class.
    pub owner_last: bool,
    /// How an owner is spelled.
    pub owner: fn(AccountId) -> String,
    /// How an owner's `DisplayName` is spelled.
    pub owner_shown: fn(AccountId) -> String,
}

impl EncryptionWords {
    /// The method word for a managed key, and the word for its cipher where the method does not tell it.
    pub(crate) fn managed_word(&self, algorithm: DataAlgorithm) -> (&'static str, Option<&'static str>) {
        match self.managed.iter().find(|(_, found)| *found == algorithm) {
            Some((word, _)) => (word, None),
            None => (self.managed[0].0, self.cipher_word(algorithm)),
        }
    }

    /// The method word for SSE-KMS, as it is answered. What a dialect has no word for is SSE-KMS to it.
    pub(crate) fn kms_word(&self, algorithm: DataAlgorithm) -> &'static str {
        match (algorithm, self.kms_twice) {
            (DataAlgorithm::Aes256Twice, Some(word)) => word,
            _ => self.kms[0],
        }
    }

    /// The data cipher that a method word for SSE-KMS means, if it is one.
    pub(crate) fn kms_method(&self, word: &str) -> Option<DataAlgorithm> {
        match self.kms_twice {
            Some(twice) if twice == word => Some(DataAlgorithm::Aes256Twice),
            _ => self.kms.contains(&word).then_some(DataAlgorithm::Aes256),
        }
    }

    /// The word for a cipher other than the usual AES-256.
    pub(crate) fn cipher_word(&self, algorithm: DataAlgorithm) -> Option<&'static str> {
        let found = self.ciphers.iter().find(|(_, found)| *found == algorithm && algorithm != DataAlgorithm::Aes256);
        found.map(|(word, _)| *word)
    }
}

impl ResourceWords {
    /// The word for a storage class; one that the dialect lacks is answered as the default one.
    pub(crate) fn class_word(&self, class: StorageClass) -> &'static str {
        word_of(self.storage_classes, class)
            .or_else(|| word_of(self.storage_classes, StorageClass::Standard))
            .unwrap_or("")
    }

    /// The word for an access control list; one that the dialect lacks is answered as the closest one.
    pub(crate) fn acl_word(&self, acl: CannedAcl) -> &'static str {
        word_of(self.acls, acl).unwrap_or("private")
    }
}

fn word_of<T: Copy + PartialEq>(words: &'static [(&'static str, T)], value: T) -> Option<&'static str> {
    words.iter().find(|(_, found)| *found == value).map(|(word, _)| *word)
}
