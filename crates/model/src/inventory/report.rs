//! What a report looks like: its files' names, its rows, its manifest. The three services differ in little of it.

use std::fmt::Write as _;

use super::{Inventory, InventoryField, ReportForm};
use crate::account::AccountId;
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::encryption::{AppliedEncryption, DataAlgorithm};
use crate::etag::ETag;
use crate::lock::{ObjectLock, RetentionMode};
use crate::metadata::{ObjectKind, StorageClass};
use crate::name::{BucketName, VersionId};
use crate::time::Timestamp;

/// A version, as a report lists it.
#[derive(Debug, Clone, Copy)]
pub struct ReportRow<'a> {
    /// Its bucket.
    pub bucket: &'a BucketName,
    /// The bucket's owner, whose the object is.
    pub owner: AccountId,
    /// Its key.
    pub key: &'a str,
    /// Its id.
    pub version: VersionId,
    /// Whether it is the latest of its key.
    pub is_latest: bool,
    /// When it was written.
    pub last_modified: Timestamp,
    /// What it is; none is a delete marker.
    pub object: Option<ReportedObject<'a>>,
}

/// An object version, as a report lists it.
#[derive(Debug, Clone, Copy)]
pub struct ReportedObject<'a> {
    /// Its length in bytes.
    pub size: u64,
    /// Its tag.
    pub etag: &'a ETag,
    /// Its storage class.
    pub storage_class: StorageClass,
    /// How it came to be.
    pub kind: ObjectKind,
    /// What is told of its content's row; none if no field asks for that.
    pub content: Option<ReportedContent<'a>>,
}

/// What of an object version is not in listings.
#[derive(Debug, Clone, Copy)]
pub struct ReportedContent<'a> {
    /// Its encryption.
    pub encryption: &'a AppliedEncryption,
    /// What keeps it from being destroyed.
    pub lock: &'a ObjectLock,
    /// Its checksums.
    pub checksums: &'a [Checksum],
    /// How many tags it has.
    pub tag_count: usize,
}

/// A file of rows, written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// The MD5 of its bytes.
    pub md5: [u8; 16],
}

impl Inventory {
    /// What the keys of all its reports on `source` begin with.
    pub(super) fn folder(&self, source: &BucketName) -> String {
        let prefix = self.destination.prefix.trim_end_matches('/');
        let separator = if prefix.is_empty() { "" } else { "/" };
        format!("{prefix}{separator}{}/{}/", source.as_str(), self.id.as_str())
    }

    /// Whether files of rows are compressed by gzip.
    pub fn is_compressed(&self) -> bool {
        self.form != ReportForm::Huawei
    }

    /// The key of a file of rows; `unique` names it.
    pub fn file_key(&self, source: &BucketName, begun: Timestamp, unique: &str) -> String {
        match self.form {
            ReportForm::Amazon | ReportForm::Alibaba => format!("{}data/{unique}.csv.gz", self.folder(source)),
            ReportForm::Huawei => format!("{}{}/files/{unique}.csv", self.folder(source), minute(begun)),
        }
    }

    /// The key of the manifest of a report that began at `begun`.
    pub fn manifest_key(&self, source: &BucketName, begun: Timestamp) -> String {
        format!("{}{}/manifest.json", self.folder(source), minute(begun))
    }

    /// The key of the manifest's checksum.
    pub fn checksum_key(&self, source: &BucketName, begun: Timestamp) -> String {
        format!("{}{}/manifest.checksum", self.folder(source), minute(begun))
    }

    /// The manifest: which files make up the report, and what their columns are.
    pub fn manifest(&self, source: &BucketName, begun: Timestamp, files: &[ReportFile]) -> String {
        let (version, bucket, created) = match self.form {
            ReportForm::Amazon => ("2016-11-30", "arn:aws:s3:::", begun.millis()),
            ReportForm::Alibaba => ("2019-09-01", "", begun.seconds()),
            ReportForm::Huawei => ("2019-05-01", "", begun.millis()),
        };
        let files: Vec<_> = files
            .iter()
            .map(|file| {
                let mut md5 = hex(&file.md5);
                if self.form == ReportForm::Alibaba {
                    md5.make_ascii_uppercase();
                }
                format!(r#"{{"key":{},"size":{},"MD5checksum":"{md5}"}}"#, quoted(&file.key), file.size)
            })
            .collect();
        format!(
            r#"{{"sourceBucket":{},"destinationBucket":{},"version":"{version}","creationTimestamp":"{created}","fileFormat":"CSV","fileSchema":"{}","files":[{}]}}"#,
            quoted(source.as_str()),
            quoted(&format!("{bucket}{}", self.destination.bucket.as_str())),
            self.columns().join(", "),
            files.join(","),
        )
    }

    /// Whether any field needs more than listings show.
    pub fn needs_content(&self) -> bool {
        use InventoryField as Field;
        let told = |field: &Field| {
            !matches!(
                field,
                Field::Size
                    | Field::LastModified
                    | Field::ETag
                    | Field::StorageClass
                    | Field::IsMultipart
                    | Field::ReplicationStatus
                    | Field::AccessTier
                    | Field::Owner
                    | Field::TransitionTime
                    | Field::Kind
                    | Field::VersionId
            )
        };
        self.fields.iter().any(told)
    }

    /// Whether the filter lets the row in; its prefix is not asked again.
    pub fn lists(&self, row: &ReportRow<'_>) -> bool {
        let filter = &self.filter;
        let size = row.object.map(|object| object.size);
        filter.modified_from.is_none_or(|from| row.last_modified >= from)
            && filter.modified_to.is_none_or(|to| row.last_modified <= to)
            && filter.least.is_none_or(|least| size.is_some_and(|size| size >= least))
            && filter.most.is_none_or(|most| size.is_some_and(|size| size <= most))
    }

    /// Adds a line for the row.
    pub fn write_row(&self, row: &ReportRow<'_>, text: &mut String) {
        cell(text, row.bucket.as_str());
        text.push(',');
        cell(text, &encoded(row.key));
        if self.all_versions {
            text.push(',');
            cell(text, &version(row.version));
            for flag in [row.is_latest, row.object.is_none()] {
                text.push(',');
                cell(text, &flag.to_string());
            }
        }
        for field in self.told_fields() {
            text.push(',');
            cell(text, &self.value(field, row));
        }
        text.push('\n');
    }

    fn columns(&self) -> Vec<&'static str> {
        let mut columns = vec!["Bucket", "Key"];
        if self.all_versions {
            columns.extend(["VersionId", "IsLatest", "IsDeleteMarker"]);
        }
        columns.extend(self.told_fields().map(InventoryField::word));
        columns
    }

    /// The optional columns; the version has one already where all versions are listed.
    fn told_fields(&self) -> impl Iterator<Item = InventoryField> {
        let all_versions = self.all_versions;
        self.fields.iter().copied().filter(move |field| !(all_versions && *field == InventoryField::VersionId))
    }

    fn value(&self, field: InventoryField, row: &ReportRow<'_>) -> String {
        use InventoryField as Field;
        match field {
            Field::LastModified => row.last_modified.to_string(),
            Field::Owner => self.owner(row.owner),
            Field::VersionId => version(row.version),
            // Nothing is replicated, tiered or moved between classes here.
            Field::ReplicationStatus | Field::AccessTier | Field::TransitionTime => String::new(),
            _ => row.object.map_or_else(String::new, |object| self.of_object(field, object)),
        }
    }

    fn of_object(&self, field: InventoryField, object: ReportedObject<'_>) -> String {
        use InventoryField as Field;
        match field {
            Field::Size => object.size.to_string(),
            Field::ETag if self.form == ReportForm::Alibaba => object.etag.lower_hex().to_ascii_uppercase(),
            Field::ETag => object.etag.lower_hex(),
            Field::StorageClass => class_word(self.form, object.storage_class).to_owned(),
            Field::IsMultipart => (object.kind == ObjectKind::Multipart).to_string(),
            Field::Kind => format!("{:?}", object.kind),
            _ => object.content.map_or_else(String::new, |content| self.of_content(field, content)),
        }
    }

    fn of_content(&self, field: InventoryField, content: ReportedContent<'_>) -> String {
        use InventoryField as Field;
        let retention = content.lock.retention;
        match field {
            Field::EncryptionStatus => status_word(self.form, content.encryption).to_owned(),
            Field::BucketKeyStatus => match content.encryption {
                AppliedEncryption::Kms(applied) => if applied.bucket_key { "ENABLED" } else { "DISABLED" }.to_owned(),
                _ => String::new(),
            },
            Field::RetainUntil => retention.map_or_else(String::new, |retention| retention.until.to_string()),
            Field::LockMode => retention.map_or_else(String::new, |retention| match retention.mode {
                RetentionMode::Governance => "GOVERNANCE".to_owned(),
                RetentionMode::Compliance => "COMPLIANCE".to_owned(),
            }),
            Field::LegalHold => if content.lock.legal_hold { "ON" } else { "OFF" }.to_owned(),
            Field::TagCount => content.tag_count.to_string(),
            Field::ChecksumAlgorithm => {
                let names: Vec<_> = content.checksums.iter().filter_map(|sum| sum_word(sum.algorithm)).collect();
                names.join("|")
            }
            Field::Crc64 => content.checksums.iter().find_map(crc64).map_or_else(String::new, |crc| crc.to_string()),
            // What needs no content was told before.
            _ => String::new(),
        }
    }

    fn owner(&self, owner: AccountId) -> String {
        match self.form {
            ReportForm::Amazon => owner.canonical_user(),
            ReportForm::Alibaba => owner.oss_uid(),
            ReportForm::Huawei => owner.obs_domain(),
        }
    }
}

/// Whether, and how, a version is encrypted.
fn status_word(form: ReportForm, encryption: &AppliedEncryption) -> &'static str {
    match (form, encryption) {
        (ReportForm::Alibaba, AppliedEncryption::Plain) => "false",
        (ReportForm::Alibaba, _) => "true",
        (_, AppliedEncryption::Plain) => "NOT-SSE",
        (ReportForm::Amazon, AppliedEncryption::Managed(_)) => "SSE-S3",
        (ReportForm::Huawei, AppliedEncryption::Managed(_)) => "SSE-OBS",
        (_, AppliedEncryption::Kms(applied)) if applied.algorithm == DataAlgorithm::Aes256Twice => "DSSE-KMS",
        (_, AppliedEncryption::Kms(_)) => "SSE-KMS",
        (_, AppliedEncryption::Customer { .. }) => "SSE-C",
    }
}

fn class_word(form: ReportForm, class: StorageClass) -> &'static str {
    use StorageClass as Class;
    let [amazon, alibaba, huawei] = match class {
        Class::Standard => ["STANDARD", "Standard", "STANDARD"],
        Class::ReducedRedundancy => ["REDUCED_REDUNDANCY", "Standard", "STANDARD"],
        Class::InfrequentAccess => ["STANDARD_IA", "IA", "WARM"],
        Class::OneZoneInfrequentAccess => ["ONEZONE_IA", "IA", "WARM"],
        Class::IntelligentTiering => ["INTELLIGENT_TIERING", "Standard", "INTELLIGENT_TIERING"],
        Class::HighPerformance => ["STANDARD", "Standard", "HIGH_PERFORMANCE"],
        Class::InstantArchive => ["GLACIER_IR", "IA", "WARM"],
        Class::Archive => ["GLACIER", "Archive", "COLD"],
        Class::ColdArchive => ["GLACIER", "ColdArchive", "COLD"],
        Class::DeepArchive => ["DEEP_ARCHIVE", "DeepColdArchive", "DEEP_ARCHIVE"],
    };
    match form {
        ReportForm::Amazon => amazon,
        ReportForm::Alibaba => alibaba,
        ReportForm::Huawei => huawei,
    }
}

fn sum_word(algorithm: ChecksumAlgorithm) -> Option<&'static str> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some("CRC32"),
        ChecksumAlgorithm::Crc32c => Some("CRC32C"),
        ChecksumAlgorithm::Crc64Nvme => Some("CRC64NVME"),
        ChecksumAlgorithm::Sha1 => Some("SHA1"),
        ChecksumAlgorithm::Sha256 => Some("SHA256"),
        ChecksumAlgorithm::Crc64Ecma => None,
    }
}

fn crc64(checksum: &Checksum) -> Option<u64> {
    let value = (checksum.algorithm == ChecksumAlgorithm::Crc64Ecma).then(|| checksum.value.as_slice().try_into());
    value?.ok().map(u64::from_be_bytes)
}

fn version(id: VersionId) -> String {
    match id {
        VersionId::Null => "null".to_owned(),
        VersionId::Id(id) => hex(&id).to_ascii_uppercase(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// `2026-11-22T00-05Z`.
fn minute(when: Timestamp) -> String {
    let text = when.to_string();
    let minute = text.get(..16).unwrap_or(&text).replace(':', "-");
    format!("{minute}Z")
}

/// A key, percent-encoded but for what needs it in no service.
fn encoded(key: &str) -> String {
    key.bytes().fold(String::with_capacity(key.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/*".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _infallible = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// A quoted cell.
fn cell(text: &mut String, value: &str) {
    text.push('"');
    text.push_str(&value.replace('"', "\"\""));
    text.push('"');
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let escaped = text.chars().fold(String::new(), |mut escaped, character| {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            control if control < ' ' => {
                let _infallible = write!(escaped, "\\u{:04x}", u32::from(control));
            }
            other => escaped.push(other),
        }
        escaped
    });
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Destination, Frequency, InventoryFilter, InventoryId};
    use crate::lock::Retention;

    fn inventory(form: ReportForm, all_versions: bool, fields: &[InventoryField]) -> Inventory {
        Inventory {
            id: InventoryId::parse("daily").unwrap(),
            enabled: true,
            form,
            filter: InventoryFilter::default(),
            frequency: Frequency::Daily,
            all_versions,
            fields: fields.to_vec(),
            destination: Destination {
                bucket: BucketName::parse("reports").unwrap(),
                prefix: "in/ven\"tory/".into(),
                encryption: None,
                account: None,
                role: None,
            },
        }
    }

    const BEGUN: Timestamp = Timestamp::from_seconds(1_795_305_960);

    fn source() -> BucketName {
        BucketName::parse("source").unwrap()
    }

    /// The names that S3's manual gives, and OSS's.
    #[test]
    fn files_are_named_as_the_services_name_them() {
        let amazon = inventory(ReportForm::Amazon, false, &[]);
        assert_eq!(amazon.file_key(&source(), BEGUN, "id"), "in/ven\"tory/source/daily/data/id.csv.gz");
        assert_eq!(amazon.manifest_key(&source(), BEGUN), "in/ven\"tory/source/daily/2026-11-22T00-06Z/manifest.json");
        assert_eq!(
            amazon.checksum_key(&source(), BEGUN),
            "in/ven\"tory/source/daily/2026-11-22T00-06Z/manifest.checksum"
        );
        let mut bare = inventory(ReportForm::Huawei, false, &[]);
        bare.destination.prefix.clear();
        assert_eq!(bare.file_key(&source(), BEGUN, "id"), "source/daily/2026-11-22T00-06Z/files/id.csv");
    }

    #[test]
    fn a_manifest_is_json_whatever_the_names() {
        let file = ReportFile { key: "a\"b\\c\u{1}".into(), size: 7, md5: [0xab; 16] };
        let fields = [InventoryField::Size, InventoryField::EncryptionStatus];
        let manifest = inventory(ReportForm::Alibaba, true, &fields).manifest(&source(), BEGUN, &[file]);
        let expected = concat!(
            r#"{"sourceBucket":"source","destinationBucket":"reports","version":"2019-09-01","#,
            r#""creationTimestamp":"1795305960","fileFormat":"CSV","#,
            r#""fileSchema":"Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, EncryptionStatus","#,
            r#""files":[{"key":"a\"b\\c\u0001","size":7,"MD5checksum":"ABABABABABABABABABABABABABABABAB"}]}"#,
        );
        assert_eq!(manifest, expected);
        let amazon = inventory(ReportForm::Amazon, false, &[]).manifest(&source(), BEGUN, &[]);
        assert!(amazon.contains(r#""destinationBucket":"arn:aws:s3:::reports""#) && amazon.contains("1795305960000"));
    }

    #[test]
    fn rows_tell_what_was_asked_for() {
        use InventoryField as Field;
        let fields = [
            Field::Size,
            Field::ETag,
            Field::StorageClass,
            Field::IsMultipart,
            Field::EncryptionStatus,
            Field::LockMode,
            Field::RetainUntil,
            Field::LegalHold,
            Field::ReplicationStatus,
            Field::TagCount,
            Field::ChecksumAlgorithm,
            Field::Crc64,
        ];
        let etag = ETag { digest: [0xcd; 16], parts: Some(3) };
        let retention = Some(Retention { mode: RetentionMode::Compliance, until: BEGUN });
        let lock = ObjectLock { retention, legal_hold: true };
        let checksums = [
            Checksum { algorithm: ChecksumAlgorithm::Crc64Ecma, value: vec![0, 0, 0, 0, 0, 0, 1, 0], parts: None },
            Checksum { algorithm: ChecksumAlgorithm::Sha256, value: vec![0; 32], parts: None },
        ];
        let encryption = AppliedEncryption::Managed(DataAlgorithm::Aes256);
        let content =
            Some(ReportedContent { encryption: &encryption, lock: &lock, checksums: &checksums, tag_count: 2 });
        let object = ReportedObject {
            size: 5,
            etag: &etag,
            storage_class: StorageClass::Archive,
            kind: ObjectKind::Multipart,
            content,
        };
        let bucket = source();
        let row = ReportRow {
            bucket: &bucket,
            owner: AccountId::new(7).unwrap(),
            key: "a b/é\",",
            version: VersionId::Id([0xef; 16]),
            is_latest: true,
            last_modified: BEGUN,
            object: Some(object),
        };
        let line = |inventory: &Inventory, row: &ReportRow<'_>| {
            let mut text = String::new();
            inventory.write_row(row, &mut text);
            text
        };
        let tag = "cd".repeat(16);
        let amazon = inventory(ReportForm::Amazon, false, &fields);
        assert!(amazon.needs_content());
        let expected = format!(
            "\"source\",\"a%20b/%C3%A9%22%2C\",\"5\",\"{tag}-3\",\"GLACIER\",\"true\",\"SSE-S3\",\"COMPLIANCE\",\
             \"2026-11-22T00:06:00.000Z\",\"ON\",\"\",\"2\",\"SHA256\",\"256\"\n"
        );
        assert_eq!(line(&amazon, &row), expected);
        let marker = ReportRow { object: None, version: VersionId::Null, is_latest: false, ..row };
        let short = inventory(ReportForm::Huawei, true, &[Field::Size, Field::LastModified, Field::VersionId]);
        assert!(!short.needs_content());
        let expected =
            "\"source\",\"a%20b/%C3%A9%22%2C\",\"null\",\"false\",\"true\",\"\",\"2026-11-22T00:06:00.000Z\"\n";
        assert_eq!(line(&short, &marker), expected);
    }

    #[test]
    fn encryption_is_told_in_each_services_words() {
        let methods = [
            AppliedEncryption::Plain,
            AppliedEncryption::Managed(DataAlgorithm::Sm4),
            AppliedEncryption::Customer { key_md5: None },
        ];
        let words = |form| methods.each_ref().map(|method| status_word(form, method));
        assert_eq!(words(ReportForm::Amazon), ["NOT-SSE", "SSE-S3", "SSE-C"]);
        assert_eq!(words(ReportForm::Huawei), ["NOT-SSE", "SSE-OBS", "SSE-C"]);
        assert_eq!(words(ReportForm::Alibaba), ["false", "true", "true"]);
    }

    #[test]
    fn a_filter_looks_at_sizes_and_times() {
        let mut listing = inventory(ReportForm::Alibaba, true, &[]);
        listing.filter = InventoryFilter { least: Some(5), most: Some(6), modified_to: Some(BEGUN), ..listing.filter };
        let (bucket, etag) = (source(), ETag { digest: [0; 16], parts: None });
        let row = |size: Option<u64>, last_modified| ReportRow {
            bucket: &bucket,
            owner: AccountId::new(7).unwrap(),
            key: "k",
            version: VersionId::Null,
            is_latest: true,
            last_modified,
            object: size.map(|size| ReportedObject {
                size,
                etag: &etag,
                storage_class: StorageClass::Standard,
                kind: ObjectKind::Normal,
                content: None,
            }),
        };
        assert!(listing.lists(&row(Some(5), BEGUN)) && listing.lists(&row(Some(6), BEGUN)));
        assert!(!listing.lists(&row(Some(4), BEGUN)) && !listing.lists(&row(Some(7), BEGUN)));
        assert!(!listing.lists(&row(None, BEGUN)), "a marker has no size");
        assert!(!listing.lists(&row(Some(5), BEGUN.plus_millis(1))));
    }
}
