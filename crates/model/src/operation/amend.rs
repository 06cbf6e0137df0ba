//! Changes of an object that leave its bytes where they are.

use crate::key::KeyReference;
use crate::metadata::{ObjectMetadata, StorageClass};
use crate::name::{BucketName, ObjectKey, VersionId};

/// Change an object's metadata (OBS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetMetadata {
    /// In which bucket.
    pub bucket: BucketName,
    /// Which key.
    pub key: ObjectKey,
    /// Which version; none is the latest.
    pub version: Option<VersionId>,
    /// The new metadata.
    pub metadata: ObjectMetadata,
    /// The new storage class; none leaves it.
    pub storage_class: Option<StorageClass>,
    /// What becomes of metadata that the new ones do not name.
    pub unnamed: Unnamed,
}

/// What becomes of metadata that new ones do not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// They stay.
    Kept,
    /// They go.
    Removed,
}

/// Wrap an object's data key under another master key (S3 `UpdateObjectEncryption`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateEncryption {
    /// In which bucket.
    pub bucket: BucketName,
    /// Which key.
    pub key: ObjectKey,
    /// Which version; none is the latest.
    pub version: Option<VersionId>,
    /// The master key.
    pub master_key: KeyReference,
    /// Whether a bucket-level key may be used.
    pub bucket_key: bool,
}

impl SetMetadata {
    /// What the metadata of an object become that has `old` ones.
    pub fn applied_to(&self, old: &ObjectMetadata) -> ObjectMetadata {
        let mut merged = self.metadata.clone();
        if self.unnamed == Unnamed::Removed {
            return merged;
        }
        let (new, old_headers) = (&mut merged.content, &old.content);
        for (new, old) in [
            (&mut new.content_type, &old_headers.content_type),
            (&mut new.cache_control, &old_headers.cache_control),
            (&mut new.content_disposition, &old_headers.content_disposition),
            (&mut new.content_encoding, &old_headers.content_encoding),
            (&mut new.content_language, &old_headers.content_language),
            (&mut new.expires, &old_headers.expires),
        ] {
            if new.is_none() {
                new.clone_from(old);
            }
        }
        let kept: Vec<_> =
            old.user.iter().filter(|(name, _)| merged.user.iter().all(|(new, _)| new != name)).cloned().collect();
        merged.user.extend(kept);
        merged.user.sort();
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::ContentHeaders;

    fn metadata(content_type: Option<&str>, expires: Option<&str>, user: &[(&str, &str)]) -> ObjectMetadata {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let content =
            ContentHeaders { content_type: text(content_type), expires: text(expires), ..ContentHeaders::default() };
        ObjectMetadata { content, user: user.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect() }
    }

    #[test]
    fn what_is_not_named_stays_or_goes() {
        let old = metadata(Some("text/a"), Some("never"), &[("a", "1"), ("b", "2")]);
        let set = |unnamed| SetMetadata {
            bucket: BucketName::parse("bucket").expect("a name"),
            key: ObjectKey::parse("k").expect("a key"),
            version: None,
            metadata: metadata(Some("text/b"), None, &[("a", "3"), ("c", "4")]),
            storage_class: None,
            unnamed,
        };
        let kept = metadata(Some("text/b"), Some("never"), &[("a", "3"), ("b", "2"), ("c", "4")]);
        assert_eq!(set(Unnamed::Kept).applied_to(&old), kept);
        assert_eq!(set(Unnamed::Removed).applied_to(&old), metadata(Some("text/b"), None, &[("a", "3"), ("c", "4")]));
    }
}
