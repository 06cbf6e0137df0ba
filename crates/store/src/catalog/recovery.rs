//! What a sealed object says of itself besides its bytes, so that it can be understood when its rows are lost: the digests field
//! of its manifest (FORMAT.md §10) and the hint in the header of its blob (§11). Each begins with the version of its layout.

use serde::Serialize;
use strongroom_model::checksum::Checksum;
use strongroom_model::etag::ETag;
use strongroom_model::metadata::{ObjectMetadata, StorageClass};
use strongroom_model::setting::ObjectSettings;
use strongroom_model::tag::TagSet;

use super::object_rows::{ChecksumRow, HeadersRow};
use super::setting_rows::ObjectSettingsRow;
use super::spelling::StorageClassRow;

const DIGESTS_VERSION: u8 = 1;
const HINT_VERSION: u8 = 1;

#[derive(Serialize)]
struct Digests {
    etag: [u8; 16],
    parts: Option<u32>,
    md5: Option<[u8; 16]>,
    checksums: Vec<ChecksumRow>,
}

#[derive(Serialize)]
struct Hint<'a> {
    headers: HeadersRow,
    user_metadata: &'a [(String, String)],
    #[serde(with = "StorageClassRow")]
    storage_class: StorageClass,
    settings: ObjectSettingsRow,
}

/// The digests field of a manifest. Equal digests have equal fields.
pub(crate) fn digests(etag: &ETag, md5: Option<[u8; 16]>, checksums: &[Checksum]) -> Vec<u8> {
    let checksums = checksums.iter().map(ChecksumRow::new).collect();
    spell(DIGESTS_VERSION, &Digests { etag: etag.digest, parts: etag.parts, md5, checksums })
}

/// The hint in a blob's header. Settings are those that the object was written with, for the header never changes; tags
/// are left out, for they may be as long as the rest of the hint may be.
pub(crate) fn hint(metadata: &ObjectMetadata, storage_class: StorageClass, settings: &ObjectSettings) -> Vec<u8> {
    let settings = ObjectSettings { tags: TagSet::default(), ..settings.clone() };
    let (headers, settings) = (HeadersRow::new(&metadata.content), ObjectSettingsRow::new(&settings));
    spell(HINT_VERSION, &Hint { headers, user_metadata: &metadata.user, storage_class, settings })
}

fn spell<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![version])
        .expect("these are records that postcard can spell, and a vector takes all of it")
}

#[cfg(test)]
mod tests {
    use strongroom_model::acl::Acl;
    use strongroom_model::checksum::ChecksumAlgorithm;
    use strongroom_model::lock::ObjectLock;

    use super::*;

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_forms_of_version_1() {
        let etag = ETag { digest: [0x11; 16], parts: None };
        let checksums = [Checksum { algorithm: ChecksumAlgorithm::Crc32c, value: vec![1, 2, 3, 4], parts: Some(7) }];
        let golden = format!("01{}0000010104{}0107", "11".repeat(16), "01020304");
        assert_eq!(hex::encode(digests(&etag, None, &checksums)), golden);
        let metadata = ObjectMetadata { user: vec![("n".into(), "v".into())], ..Default::default() };
        let (tags, lock) = (TagSet::restored(vec![("t".into(), "u".into())]), ObjectLock::default());
        let settings = ObjectSettings { tags, acl: Acl::Inherited, lock };
        let hint = hint(&metadata, StorageClass::Standard, &settings);
        assert_eq!(hex::encode(hint), "0100000000000001016e01760000000000");
    }
}
