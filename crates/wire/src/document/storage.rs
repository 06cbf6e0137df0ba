//! Documents of what a bucket holds: its storage class, its quota, its usage.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::StorageClass;
use strongroom_model::outcome::bucket::BucketUsage;

use super::writer::Writer;
use super::{Element, malformed, reader};
use crate::dialect::{ClassDocument, Dialect};

/// The classes that OSS tells apart in a bucket's statistics, and what it calls them there.
const STATISTICS: [(&str, &[StorageClass]); 5] = [
    ("Standard", &[StorageClass::Standard, StorageClass::ReducedRedundancy, StorageClass::HighPerformance]),
    (
        "InfrequentAccess",
        &[
            StorageClass::InfrequentAccess,
            StorageClass::OneZoneInfrequentAccess,
            StorageClass::IntelligentTiering,
            StorageClass::InstantArchive,
        ],
    ),
    ("Archive", &[StorageClass::Archive]),
    ("ColdArchive", &[StorageClass::ColdArchive]),
    ("DeepColdArchive", &[StorageClass::DeepArchive]),
];

/// Reads the storage class of objects that ask for none: `StorageClass`, or `StoragePolicy` with `DefaultStorageClass`.
///
/// # Errors
/// `MalformedXml`, `InvalidStorageClass`.
pub(crate) fn read_class(document: &[u8], form: ClassDocument, dialect: &Dialect) -> Result<StorageClass, Failure> {
    let root = reader::read(document, root_of(form))?;
    let word = match form {
        ClassDocument::Plain => root.word(),
        ClassDocument::Policy => root.one("DefaultStorageClass").map(Element::word)?,
    };
    let found = dialect.resources.storage_classes.iter().find(|(known, _)| *known == word);
    found.map(|(_, class)| *class).ok_or_else(|| FailureCode::InvalidStorageClass.into())
}

/// Writes it, in the dialect's form.
pub(crate) fn write_class(class: StorageClass, dialect: &Dialect) -> Writer {
    let (documents, word) = (&dialect.documents, dialect.resources.class_word(class));
    let form = dialect.settings.class_document;
    Writer::document(documents.declaration, root_of(form), documents.namespace, |writer| match form {
        ClassDocument::Plain => writer.text(word),
        ClassDocument::Policy => writer.leaf("DefaultStorageClass", word),
    })
}

/// Reads `Quota`: bytes, of which none means that there is no limit.
///
/// # Errors
/// `MalformedXml`.
pub(crate) fn read_quota(document: &[u8]) -> Result<Option<u64>, Failure> {
    let root = reader::read(document, "Quota")?;
    let word = root.one("StorageQuota")?.word();
    let number = word.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_ok());
    let number = number.ok_or_else(|| malformed("a quota that is no number of bytes"))?;
    Ok(Some(number).filter(|number| *number > 0))
}

/// Writes `Quota`.
pub(crate) fn write_quota(quota: Option<u64>, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "Quota", documents.namespace, |writer| {
        writer.leaf("StorageQuota", quota.unwrap_or(0));
    })
}

/// Writes `GetBucketStorageInfoResult` (OBS).
pub(crate) fn write_info(usage: &BucketUsage, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "GetBucketStorageInfoResult", documents.namespace, |writer| {
        writer.leaf("Size", usage.bytes());
        writer.leaf("ObjectNumber", usage.objects());
    })
}

/// Writes `BucketStat` (OSS).
pub(crate) fn write_statistics(usage: &BucketUsage, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "BucketStat", documents.namespace, |writer| {
        writer.leaf("Storage", usage.bytes());
        writer.leaf("ObjectCount", usage.objects());
        writer.leaf("MultipartUploadCount", usage.uploads);
        writer.leaf("MultipartPartCount", usage.parts);
        writer.leaf("LiveChannelCount", 0);
        writer.leaf("LastModifiedTime", usage.counted.seconds());
        for (name, classes) in STATISTICS {
            let of_name = || usage.classes.iter().filter(|usage| classes.contains(&usage.class));
            let bytes: u64 = of_name().map(|usage| usage.bytes).sum();
            writer.leaf(&format!("{name}Storage"), bytes);
            if name != "Standard" {
                writer.leaf(&format!("{name}RealStorage"), bytes);
            }
            writer.leaf(&format!("{name}ObjectCount"), of_name().map(|usage| usage.objects).sum::<u64>());
        }
        writer.leaf("DeleteMarkerCount", usage.delete_markers);
    })
}

fn root_of(form: ClassDocument) -> &'static str {
    match form {
        ClassDocument::Plain => "StorageClass",
        ClassDocument::Policy => "StoragePolicy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{DIALECTS, OBS, S3};

    #[test]
    fn classes_are_written_as_they_are_read() {
        for dialect in DIALECTS {
            let class = StorageClass::InfrequentAccess;
            let written = write_class(class, dialect).into_bytes();
            assert_eq!(read_class(&written, dialect.settings.class_document, dialect).unwrap(), class);
        }
        let unknown = read_class(b"<StorageClass>ATTIC</StorageClass>", ClassDocument::Plain, &OBS).unwrap_err();
        assert_eq!(unknown.code, FailureCode::InvalidStorageClass);
        let other = read_class(b"<StorageClass>STANDARD</StorageClass>", ClassDocument::Policy, &S3).unwrap_err();
        assert_eq!(other.code, FailureCode::MalformedXml);
    }

    #[test]
    fn a_quota_is_a_number_of_bytes() {
        let read = |text: &str| read_quota(format!("<Quota><StorageQuota>{text}</StorageQuota></Quota>").as_bytes());
        assert_eq!(read("1024").unwrap(), Some(1024));
        assert_eq!(read("0").unwrap(), None);
        for text in ["", "-1", "1.5", "9223372036854775808"] {
            assert_eq!(read(text).unwrap_err().code, FailureCode::MalformedXml, "{text}");
        }
        for quota in [None, Some(7)] {
            assert_eq!(read_quota(&write_quota(quota, &OBS).into_bytes()).unwrap(), quota);
        }
    }
}
