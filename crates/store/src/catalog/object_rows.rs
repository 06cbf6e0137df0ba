//! The rows of an object version as they are written.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_model::account::AccountId;
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_model::encryption::{AppliedEncryption, DataAlgorithm, EncryptionContext, KmsApplied};
use strongroom_model::etag::ETag;
use strongroom_model::key::KeyName;
use strongroom_model::metadata::{ContentHeaders, ObjectKind, ObjectMetadata, StorageClass};
use strongroom_model::name::{ObjectKey, PartNumber, Region};
use strongroom_model::time::Timestamp;

use super::CatalogError;
use super::objects::{Content, Entry, Latest, Marker, Noncurrent, PartSummary, Parts, VersionEntry, VersionUid};
use super::setting_rows::ObjectSettingsRow;
use super::spelling::{ChecksumAlgorithmRow, DataAlgorithmRow, ObjectKindRow, StorageClassRow};
use crate::blob_id::BlobId;

/// See [`Latest`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LatestRow {
    version: VersionRow,
    null: Option<u64>,
    before: Option<u64>,
}

/// See [`Noncurrent`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NoncurrentRow {
    version: VersionRow,
    since: i64,
}

/// See [`VersionEntry`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VersionRow {
    uid: VersionUid,
    generation: u64,
    is_null: bool,
    last_modified: i64,
    object: Option<ObjectRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ObjectRow {
    size: u64,
    digest: [u8; 16],
    parts: Option<u32>,
    #[serde(with = "StorageClassRow")]
    storage_class: StorageClass,
    #[serde(with = "ObjectKindRow")]
    kind: ObjectKind,
    has_blobs: bool,
    revision: u64,
}

/// The place of a version among those of its key; and see [`Content`], of which a delete marker has none.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ContentRow {
    generation: u64,
    object: Option<ObjectContentRow>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ObjectContentRow {
    md5: Option<[u8; 16]>,
    checksums: Vec<ChecksumRow>,
    headers: HeadersRow,
    user_metadata: Vec<(String, String)>,
    settings: ObjectSettingsRow,
    encryption: AppliedRow,
    envelope: Bytes,
    manifest: Bytes,
    blobs: Vec<BlobId>,
    parts: Option<PartsRow>,
    sealed: Option<i64>,
    link: Option<String>,
    inline: Option<Bytes>,
    revision: u64,
}

/// See [`Parts`].
#[derive(Debug, Serialize, Deserialize)]
struct PartsRow {
    parts: Vec<PartSummaryRow>,
    checksum_asked: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChecksumRow {
    #[serde(with = "ChecksumAlgorithmRow")]
    algorithm: ChecksumAlgorithm,
    value: Vec<u8>,
    parts: Option<u32>,
}

/// See [`PartSummary`].
#[derive(Debug, Serialize, Deserialize)]
struct PartSummaryRow {
    number: u32,
    size: u64,
    tag: [u8; 16],
    checksum: Option<ChecksumRow>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeadersRow {
    content_type: Option<String>,
    cache_control: Option<String>,
    content_disposition: Option<String>,
    content_encoding: Option<String>,
    content_language: Option<String>,
    expires: Option<String>,
}

/// A variant's place is its number on disk: the list grows at its end only.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum AppliedRow {
    Plain,
    Managed {
        #[serde(with = "DataAlgorithmRow")]
        algorithm: DataAlgorithm,
    },
    Kms {
        key: String,
        account: u64,
        region: String,
        is_default: bool,
        #[serde(with = "DataAlgorithmRow")]
        algorithm: DataAlgorithm,
        bucket_key: bool,
        project: Option<String>,
        context: EncryptionContext,
    },
    Customer,
}

impl LatestRow {
    pub(super) fn new(latest: &Latest) -> Self {
        Self { version: VersionRow::new(&latest.version), null: latest.null, before: latest.before }
    }

    pub(super) fn into_latest(self) -> Latest {
        Latest { version: self.version.into_version(), null: self.null, before: self.before }
    }
}

impl NoncurrentRow {
    pub(super) fn new(noncurrent: &Noncurrent) -> Self {
        Self { version: VersionRow::new(&noncurrent.version), since: noncurrent.since.millis() }
    }

    pub(super) fn into_noncurrent(self) -> Noncurrent {
        Noncurrent { version: self.version.into_version(), since: Timestamp::from_millis(self.since) }
    }
}

impl VersionRow {
    pub(super) fn new(version: &VersionEntry) -> Self {
        let last_modified = match version {
            VersionEntry::Object(entry) => entry.last_modified,
            VersionEntry::Marker(marker) => marker.last_modified,
        };
        Self {
            uid: version.uid(),
            generation: version.generation(),
            is_null: version.is_null(),
            last_modified: last_modified.millis(),
            object: version.object().map(ObjectRow::new),
        }
    }

    pub(super) fn into_version(self) -> VersionEntry {
        let Self { uid, generation, is_null, .. } = self;
        let last_modified = Timestamp::from_millis(self.last_modified);
        match self.object {
            None => VersionEntry::Marker(Marker { uid, generation, is_null, last_modified }),
            Some(object) => VersionEntry::Object(Entry {
                uid,
                generation,
                is_null,
                size: object.size,
                etag: ETag { digest: object.digest, parts: object.parts },
                last_modified,
                storage_class: object.storage_class,
                kind: object.kind,
                has_blobs: object.has_blobs,
                revision: object.revision,
            }),
        }
    }
}

impl ObjectRow {
    fn new(entry: &Entry) -> Self {
        Self {
            size: entry.size,
            digest: entry.etag.digest,
            parts: entry.etag.parts,
            storage_class: entry.storage_class,
            kind: entry.kind,
            has_blobs: entry.has_blobs,
            revision: entry.revision,
        }
    }
}

impl ContentRow {
    /// Of an object.
    pub(super) fn new(generation: u64, content: &Content) -> Self {
        Self { generation, object: Some(ObjectContentRow::new(content)) }
    }

    /// Of a delete marker.
    pub(super) fn of_marker(generation: u64) -> Self {
        Self { generation, object: None }
    }

    /// The generation, and the content if it is an object's.
    pub(super) fn into_parts(self) -> Result<(u64, Option<Content>), CatalogError> {
        Ok((self.generation, self.object.map(ObjectContentRow::into_content).transpose()?))
    }
}

impl ObjectContentRow {
    pub(super) fn new(content: &Content) -> Self {
        Self {
            md5: content.md5,
            checksums: content.checksums.iter().map(ChecksumRow::new).collect(),
            headers: HeadersRow::new(&content.metadata.content),
            user_metadata: content.metadata.user.clone(),
            settings: ObjectSettingsRow::new(&content.settings),
            encryption: AppliedRow::new(&content.encryption),
            envelope: content.envelope.clone(),
            manifest: content.manifest.clone(),
            blobs: content.blobs.clone(),
            parts: content.parts.as_ref().map(PartsRow::new),
            sealed: content.sealed.map(Timestamp::millis),
            link: content.link.as_ref().map(|key| key.as_str().to_owned()),
            inline: content.inline.clone(),
            revision: content.revision,
        }
    }

    pub(super) fn into_content(self) -> Result<Content, CatalogError> {
        Ok(Content {
            md5: self.md5,
            checksums: self.checksums.into_iter().map(ChecksumRow::into_checksum).collect(),
            metadata: ObjectMetadata { content: self.headers.into_headers(), user: self.user_metadata },
            settings: self.settings.into_settings()?,
            encryption: self.encryption.into_applied()?,
            envelope: self.envelope,
            manifest: self.manifest,
            blobs: self.blobs,
            parts: self.parts.map(PartsRow::into_parts).transpose()?,
            sealed: self.sealed.map(Timestamp::from_millis),
            link: self
                .link
                .map(|key| ObjectKey::parse(&key))
                .transpose()
                .map_err(|_| CatalogError::Inconsistent("a link's target"))?,
            inline: self.inline,
            revision: self.revision,
        })
    }
}

impl ChecksumRow {
    pub(super) fn new(checksum: &Checksum) -> Self {
        Self { algorithm: checksum.algorithm, value: checksum.value.clone(), parts: checksum.parts }
    }

    pub(super) fn into_checksum(self) -> Checksum {
        Checksum { algorithm: self.algorithm, value: self.value, parts: self.parts }
    }
}

impl PartsRow {
    fn new(parts: &Parts) -> Self {
        Self { parts: parts.parts.iter().map(PartSummaryRow::new).collect(), checksum_asked: parts.checksum_asked }
    }

    fn into_parts(self) -> Result<Parts, CatalogError> {
        let parts = self.parts.into_iter().map(PartSummaryRow::into_summary).collect::<Result<_, _>>()?;
        Ok(Parts { parts, checksum_asked: self.checksum_asked })
    }
}

impl PartSummaryRow {
    fn new(part: &PartSummary) -> Self {
        let checksum = part.checksum.as_ref().map(ChecksumRow::new);
        Self { number: part.number.get(), size: part.size, tag: part.tag, checksum }
    }

    fn into_summary(self) -> Result<PartSummary, CatalogError> {
        let number = PartNumber::new(self.number).ok_or(CatalogError::Inconsistent("a part's number"))?;
        let checksum = self.checksum.map(ChecksumRow::into_checksum);
        Ok(PartSummary { number, size: self.size, tag: self.tag, checksum })
    }
}

impl HeadersRow {
    pub(super) fn new(headers: &ContentHeaders) -> Self {
        Self {
            content_type: headers.content_type.clone(),
            cache_control: headers.cache_control.clone(),
            content_disposition: headers.content_disposition.clone(),
            content_encoding: headers.content_encoding.clone(),
            content_language: headers.content_language.clone(),
            expires: headers.expires.clone(),
        }
    }

    pub(super) fn into_headers(self) -> ContentHeaders {
        ContentHeaders {
            content_type: self.content_type,
            cache_control: self.cache_control,
            content_disposition: self.content_disposition,
            content_encoding: self.content_encoding,
            content_language: self.content_language,
            expires: self.expires,
        }
    }
}

impl AppliedRow {
    pub(super) fn new(applied: &AppliedEncryption) -> Self {
        match applied {
            AppliedEncryption::Plain => Self::Plain,
            AppliedEncryption::Managed(algorithm) => Self::Managed { algorithm: *algorithm },
            AppliedEncryption::Kms(kms) => Self::Kms {
                key: kms.key.id.clone(),
                account: kms.key.account.number(),
                region: kms.key.region.as_str().to_owned(),
                is_default: kms.key.is_default,
                algorithm: kms.algorithm,
                bucket_key: kms.bucket_key,
                project: kms.project.clone(),
                context: kms.context.clone(),
            },
            AppliedEncryption::Customer { .. } => Self::Customer,
        }
    }

    pub(super) fn into_applied(self) -> Result<AppliedEncryption, CatalogError> {
        Ok(match self {
            Self::Plain => AppliedEncryption::Plain,
            Self::Managed { algorithm } => AppliedEncryption::Managed(algorithm),
            Self::Kms { key, account, region, is_default, algorithm, bucket_key, project, context } => {
                let account = AccountId::new(account).ok_or(CatalogError::Inconsistent("a master key's account"))?;
                let region = Region::parse(&region).map_err(|_| CatalogError::Inconsistent("a master key's region"))?;
                let key = KeyName { id: key, account, region, is_default };
                AppliedEncryption::Kms(KmsApplied { key, algorithm, bucket_key, project, context })
            }
            Self::Customer => AppliedEncryption::Customer { key_md5: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::acl::{Acl, Grant, Grantee, Permission};
    use strongroom_model::lock::{ObjectLock, Retention, RetentionMode};
    use strongroom_model::setting::ObjectSettings;
    use strongroom_model::tag::TagSet;

    use super::*;
    use crate::catalog::record::{Record, decode, encode};

    fn entry() -> Entry {
        Entry {
            uid: VersionUid([0x11; 16]),
            generation: 300,
            is_null: false,
            size: 5,
            etag: ETag { digest: [0x22; 16], parts: Some(2) },
            last_modified: Timestamp::from_millis(1000),
            storage_class: StorageClass::Archive,
            kind: ObjectKind::Multipart,
            has_blobs: true,
            revision: 200,
        }
    }

    fn content(encryption: AppliedEncryption) -> Content {
        let headers =
            ContentHeaders { content_type: Some("t".into()), expires: Some("e".into()), ..Default::default() };
        let checksum = Some(Checksum::whole(ChecksumAlgorithm::Crc32, vec![3, 4]));
        let part = PartSummary { number: PartNumber::new(300).unwrap(), size: 5, tag: [0x55; 16], checksum };
        Content {
            md5: Some([0x33; 16]),
            checksums: vec![Checksum { algorithm: ChecksumAlgorithm::Sha1, value: vec![1, 2], parts: Some(2) }],
            metadata: ObjectMetadata { content: headers, user: vec![("n".into(), "v".into())] },
            settings: settings(),
            encryption,
            envelope: Bytes::from_static(b"E"),
            manifest: Bytes::from_static(b"M"),
            blobs: vec![BlobId::from_bytes([0x44; 16])],
            parts: Some(Parts { parts: vec![part], checksum_asked: true }),
            sealed: Some(Timestamp::from_millis(1000)),
            link: Some(ObjectKey::parse("l").unwrap()),
            inline: Some(Bytes::from_static(b"I")),
            revision: 200,
        }
    }

    fn settings() -> ObjectSettings {
        let grant = |grantee, permission, delivered| Grant { grantee, permission, delivered };
        let grants = vec![
            grant(Grantee::Account(AccountId::new(300).unwrap()), Permission::FullControl, false),
            grant(Grantee::Everyone, Permission::Read, true),
            grant(Grantee::SignedIn, Permission::ReadAcl, false),
            grant(Grantee::LogDelivery, Permission::WriteAcl, false),
        ];
        let retention = Retention { mode: RetentionMode::Compliance, until: Timestamp::from_millis(1000) };
        ObjectSettings {
            tags: TagSet::restored(vec![("k".into(), "v".into())]),
            acl: Acl::Granted(grants),
            lock: ObjectLock { retention: Some(retention), legal_hold: true },
        }
    }

    fn is_golden<R: Record>(row: &R, golden: &str) {
        assert_eq!(hex::encode(encode(row)), golden.replace(' ', ""));
    }

    const HEAD: &str = "01 ac02 01 01 33333333333333333333333333333333 01 04 02 0102 01 02 01 0174 00 00 00 00 01 0165 01 016e 0176 \
        01 016b 0176 01 04 00 ac02 00 00 01 01 01 02 03 00 03 04 00 01 01 d00f 01";
    const TAIL: &str = "0145 014d 01 44444444444444444444444444444444 \
        01 01 ac02 05 55555555555555555555555555555555 01 00 02 0304 00 01 01 d00f 01 016c 01 0149 c801";

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_forms_of_version_1() {
        let kms = AppliedEncryption::Kms(KmsApplied {
            key: KeyName {
                id: "k".into(),
                account: AccountId::new(7).unwrap(),
                region: Region::parse("r").unwrap(),
                is_default: true,
            },
            algorithm: DataAlgorithm::Sm4,
            bucket_key: true,
            project: Some("p".into()),
            context: EncryptionContext::from([("a".into(), "b".into())]),
        });
        let forms = [
            (AppliedEncryption::Plain, "00"),
            (AppliedEncryption::Managed(DataAlgorithm::Sm4), "01 01"),
            (kms, "02 016b 07 0172 01 01 01 01 0170 01 0161 0162"),
            (AppliedEncryption::Customer { key_md5: None }, "03"),
        ];
        for (applied, golden) in forms {
            let content = content(applied);
            let row = ContentRow::new(300, &content);
            is_golden(&row, &format!("{HEAD} {golden} {TAIL}"));
            let read = decode::<ContentRow>(&encode(&row)).unwrap();
            assert_eq!(read.into_parts().unwrap(), (300, Some(content)));
        }
    }

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_forms_of_entries_of_version_1() {
        let object =
            "11111111111111111111111111111111 ac02 00 d00f 01 05 22222222222222222222222222222222 01 02 07 02 01 c801";
        let latest = Latest { version: VersionEntry::Object(entry()), null: Some(300), before: None };
        is_golden(&LatestRow::new(&latest), &format!("01 {object} 01 ac02 00"));
        assert_eq!(decode::<LatestRow>(&encode(&LatestRow::new(&latest))).unwrap().into_latest(), latest);
        let marker = Marker {
            uid: VersionUid([0x11; 16]),
            generation: 1,
            is_null: true,
            last_modified: Timestamp::from_millis(-1),
        };
        let noncurrent = Noncurrent { version: VersionEntry::Marker(marker), since: Timestamp::from_millis(1000) };
        is_golden(&NoncurrentRow::new(&noncurrent), "01 11111111111111111111111111111111 01 01 01 00 d00f");
        assert_eq!(
            decode::<NoncurrentRow>(&encode(&NoncurrentRow::new(&noncurrent))).unwrap().into_noncurrent(),
            noncurrent
        );
        is_golden(&ContentRow::of_marker(300), "01 ac02 00");
        assert_eq!(
            decode::<ContentRow>(&encode(&ContentRow::of_marker(300))).unwrap().into_parts().unwrap(),
            (300, None)
        );
    }

    #[test]
    fn the_digest_of_a_customers_key_is_not_written() {
        let row = encode(&ContentRow::new(300, &content(AppliedEncryption::Customer { key_md5: Some([0x77; 16]) })));
        assert!(!row.windows(4).any(|window| window == [0x77; 4]));
    }
}
