//! The rows of a multipart upload as they are written.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_model::account::{AccountId, Principal, UserName};
use strongroom_model::checksum::{ChecksumAlgorithm, ChecksumScope};
use strongroom_model::metadata::{ObjectMetadata, StorageClass};
use strongroom_model::name::PartNumber;
use strongroom_model::operation::upload::UploadChecksum;
use strongroom_model::time::Timestamp;
use zeroize::Zeroizing;

use super::CatalogError;
use super::object_rows::{AppliedRow, ChecksumRow, HeadersRow};
use super::setting_rows::ObjectSettingsRow;
use super::spelling::{ChecksumAlgorithmRow, ChecksumScopeRow, StorageClassRow};
use super::uploads::{Upload, UploadedPart};
use crate::blob_id::BlobId;

/// See [`Upload`].
#[derive(Serialize, Deserialize)]
pub(super) struct UploadRow {
    initiated: i64,
    account: Option<u64>,
    user: Option<String>,
    headers: HeadersRow,
    user_metadata: Vec<(String, String)>,
    settings: ObjectSettingsRow,
    #[serde(with = "StorageClassRow")]
    storage_class: StorageClass,
    encryption: AppliedRow,
    envelope: Bytes,
    manifest_key: Option<SecretRow>,
    checksum: Option<UploadChecksumRow>,
}

/// Bytes on their way into or out of a sealed row.
struct SecretRow(Zeroizing<Vec<u8>>);

#[derive(Serialize, Deserialize)]
struct UploadChecksumRow {
    #[serde(with = "ChecksumAlgorithmRow")]
    algorithm: ChecksumAlgorithm,
    #[serde(with = "ChecksumScopeRow")]
    scope: ChecksumScope,
    asked: bool,
}

/// See [`UploadedPart`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PartRow {
    size: u64,
    tag: [u8; 16],
    checksums: Vec<ChecksumRow>,
    last_modified: i64,
    salt: [u8; 32],
    blob: BlobId,
    header_len: u32,
}

impl Serialize for SecretRow {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(to)
    }
}

impl<'de> Deserialize<'de> for SecretRow {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(|bytes| Self(Zeroizing::new(bytes)))
    }
}

/// That an upload has ended, and that parts of it may be left.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EndedRow {}

impl UploadRow {
    pub(super) fn new(upload: &Upload) -> Self {
        let user = match &upload.initiator {
            Principal::User(_, name) => Some(name.as_str().to_owned()),
            Principal::Root(_) | Principal::Anonymous => None,
        };
        Self {
            initiated: upload.initiated.millis(),
            account: upload.initiator.account().map(AccountId::number),
            user,
            headers: HeadersRow::new(&upload.metadata.content),
            user_metadata: upload.metadata.user.clone(),
            settings: ObjectSettingsRow::new(&upload.settings),
            storage_class: upload.storage_class,
            encryption: AppliedRow::new(&upload.encryption),
            envelope: upload.envelope.clone(),
            manifest_key: upload.manifest_key.clone().map(SecretRow),
            checksum: upload.checksum.map(UploadChecksumRow::new),
        }
    }

    pub(super) fn into_upload(self) -> Result<Upload, CatalogError> {
        Ok(Upload {
            initiated: Timestamp::from_millis(self.initiated),
            initiator: principal(self.account, self.user)?,
            metadata: ObjectMetadata { content: self.headers.into_headers(), user: self.user_metadata },
            settings: self.settings.into_settings()?,
            storage_class: self.storage_class,
            encryption: self.encryption.into_applied()?,
            envelope: self.envelope,
            manifest_key: self.manifest_key.map(|SecretRow(bytes)| bytes),
            checksum: self.checksum.map(UploadChecksumRow::into_checksum),
        })
    }
}

impl UploadChecksumRow {
    fn new(checksum: UploadChecksum) -> Self {
        Self { algorithm: checksum.algorithm, scope: checksum.scope, asked: checksum.asked }
    }

    fn into_checksum(self) -> UploadChecksum {
        UploadChecksum { algorithm: self.algorithm, scope: self.scope, asked: self.asked }
    }
}

impl PartRow {
    pub(super) fn new(part: &UploadedPart) -> Self {
        Self {
            size: part.size,
            tag: part.tag,
            checksums: part.checksums.iter().map(ChecksumRow::new).collect(),
            last_modified: part.last_modified.millis(),
            salt: part.salt,
            blob: part.blob,
            header_len: part.header_len,
        }
    }

    pub(super) fn into_part(self, number: PartNumber) -> UploadedPart {
        UploadedPart {
            number,
            size: self.size,
            tag: self.tag,
            checksums: self.checksums.into_iter().map(ChecksumRow::into_checksum).collect(),
            last_modified: Timestamp::from_millis(self.last_modified),
            salt: self.salt,
            blob: self.blob,
            header_len: self.header_len,
        }
    }
}

fn principal(account: Option<u64>, user: Option<String>) -> Result<Principal, CatalogError> {
    let malformed = || CatalogError::Inconsistent("who began an upload");
    let Some(account) = account else { return Ok(Principal::Anonymous) };
    let account = AccountId::new(account).ok_or_else(malformed)?;
    match user {
        None => Ok(Principal::Root(account)),
        Some(name) => Ok(Principal::User(account, UserName::parse(&name).map_err(|_| malformed())?)),
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::acl::Acl;
    use strongroom_model::checksum::Checksum;
    use strongroom_model::encryption::AppliedEncryption;
    use strongroom_model::lock::ObjectLock;
    use strongroom_model::metadata::ContentHeaders;
    use strongroom_model::setting::ObjectSettings;
    use strongroom_model::tag::TagSet;

    use super::*;
    use crate::catalog::record::{Record, decode, encode};

    fn is_golden<R: Record>(row: &R, golden: &str) {
        assert_eq!(hex::encode(encode(row)), golden.replace(' ', ""));
    }

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_forms_of_version_1() {
        let user = Principal::User(AccountId::new(7).unwrap(), UserName::parse("u").unwrap());
        let settings = ObjectSettings {
            tags: TagSet::restored(vec![("t".into(), "u".into())]),
            acl: Acl::Inherited,
            lock: ObjectLock::default(),
        };
        for (initiator, golden) in [
            (Principal::Anonymous, "00 00"),
            (Principal::Root(AccountId::new(7).unwrap()), "01 07 00"),
            (user, "01 07 01 0175"),
        ] {
            let checksum =
                UploadChecksum { algorithm: ChecksumAlgorithm::Sha256, scope: ChecksumScope::Composite, asked: true };
            let content = ContentHeaders { content_type: Some("t".into()), ..Default::default() };
            let upload = Upload {
                initiated: Timestamp::from_millis(1000),
                initiator: initiator.clone(),
                metadata: ObjectMetadata { content, user: vec![("n".into(), "v".into())] },
                settings: settings.clone(),
                storage_class: StorageClass::Archive,
                encryption: AppliedEncryption::Customer { key_md5: None },
                envelope: Bytes::from_static(b"E"),
                manifest_key: Some(Zeroizing::new(vec![8, 9])),
                checksum: Some(checksum),
            };
            let row = UploadRow::new(&upload);
            let rest = "01 0174 00 00 00 00 00 01 016e 0176 01 0174 0175 00 00 00 07 03 0145 01 02 0809 01 05 01 01";
            is_golden(&row, &format!("01 d00f {golden} {rest}"));
            let read = decode::<UploadRow>(&encode(&row)).unwrap().into_upload().unwrap();
            assert_eq!(
                (read.initiator, read.checksum, read.manifest_key),
                (initiator, Some(checksum), upload.manifest_key)
            );
        }
        let part = UploadedPart {
            number: PartNumber::new(3).unwrap(),
            size: 300,
            tag: [0x11; 16],
            checksums: vec![Checksum::whole(ChecksumAlgorithm::Crc32, vec![1, 2])],
            last_modified: Timestamp::from_millis(1000),
            salt: [0x22; 32],
            blob: BlobId::from_bytes([0x33; 16]),
            header_len: 300,
        };
        let row = PartRow::new(&part);
        let (tag, salt, blob) = ("11".repeat(16), "22".repeat(32), "33".repeat(16));
        is_golden(&row, &format!("01 ac02 {tag} 01 00 02 0102 00 d00f {salt} {blob} ac02"));
        assert_eq!(decode::<PartRow>(&encode(&row)).unwrap().into_part(part.number), part);
        is_golden(&EndedRow {}, "01");
    }
}
