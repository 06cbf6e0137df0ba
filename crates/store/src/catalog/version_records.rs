//! Records of versions that stand at the end of their blobs, so that a lost catalog can be rebuilt (FORMAT.md §11.1): a version's rows,
//! sealed like a row, for a place that no row has. The metadata key opens them; no master key and no customer's key is needed.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use strongroom_model::name::ObjectKey;

use super::buckets::BucketId;
use super::object_rows::{ObjectContentRow, VersionRow};
use super::objects::{Content, Entry, VersionEntry, VersionUid};
use super::record::{self, Family, Key, first_version};
use super::{Catalog, CatalogError};

/// Ends a blob that has a record: 0x93 "SRREC1" LF.
const MAGIC: [u8; 8] = *b"\x93SRREC1\n";

/// Bytes behind a record: its length, and the magic.
pub(crate) const END_BYTES: u64 = 12;

/// The longest record that is read: one of 10,000 parts has about a megabyte.
pub(crate) const RECORD_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A version, as its blob tells of it.
#[derive(Debug)]
pub(crate) struct VersionRecord {
    /// In which bucket.
    pub(crate) bucket: BucketId,
    /// Under which key.
    pub(crate) key: ObjectKey,
    /// Its entry; its generation is not known.
    pub(crate) entry: Entry,
    /// The rest, but for what is not in blobs.
    pub(crate) content: Content,
}

/// The record of a version, as a blob ends in it: place, sealed rows, length, magic.
pub(crate) fn frame(place: &[u8], sealed: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(2 + place.len() + sealed.len() + END_BYTES as usize);
    framed.put_u16(u16::try_from(place.len()).expect("a key of the catalog has at most 4 KiB"));
    framed.put_slice(place);
    framed.put_slice(sealed);
    framed.put_u32(u32::try_from(framed.len()).expect("a record has at most 4 MiB"));
    framed.put_slice(&MAGIC);
    framed.freeze()
}

/// How long the record is before these last bytes of a blob, if they end one.
pub(crate) fn record_len(end: &[u8]) -> Option<u64> {
    let (len, magic) = end.split_first_chunk::<4>()?;
    (*magic == MAGIC).then(|| u64::from(u32::from_be_bytes(*len))).filter(|len| *len <= RECORD_BYTES_MAX)
}

/// Place and sealed rows of a record.
pub(crate) fn unframe(record: &Bytes) -> Option<(Bytes, Bytes)> {
    let len = usize::from(u16::from_be_bytes(*record.first_chunk()?));
    let end = 2 + len;
    (record.len() >= end).then(|| (record.slice(2..end), record.slice(end..)))
}

impl Catalog {
    /// The record of a version that is about to be written, and has no bytes in the catalog.
    pub(crate) fn seal_version(
        &self,
        bucket: BucketId,
        key: &ObjectKey,
        entry: &Entry,
        content: &Content,
    ) -> Result<Bytes, CatalogError> {
        debug_assert!(content.inline.is_none(), "what ends in a blob has no bytes in the catalog");
        let version = VersionRow::new(&VersionEntry::Object(entry.clone()));
        let content = ObjectContentRow::new(content);
        let place = place(bucket, key, entry.uid);
        let sealed = self.sealer.seal(place.as_bytes(), &record::encode(&RecordRow { version, content }))?;
        Ok(frame(place.as_bytes(), &sealed))
    }

    /// The version that a record is of, if it is of this catalog.
    pub(crate) fn open_version(&self, place: &[u8], sealed: &[u8]) -> Result<VersionRecord, CatalogError> {
        let row: RecordRow = record::decode(&self.sealer.open(place, sealed)?)?;
        let wrong = || CatalogError::Inconsistent("the place of a version's record");
        let (bucket, rest) = place.get(1..).and_then(<[u8]>::split_first_chunk).ok_or_else(wrong)?;
        let key = rest.split(|byte| *byte == 0).next().and_then(|key| std::str::from_utf8(key).ok());
        let key = key.and_then(|key| ObjectKey::parse(key).ok()).ok_or_else(wrong)?;
        let VersionEntry::Object(entry) = row.version.into_version() else { return Err(wrong()) };
        Ok(VersionRecord { bucket: BucketId(*bucket), key, entry, content: row.content.into_content()? })
    }
}

/// Where a version's record would be a row.
fn place(bucket: BucketId, key: &ObjectKey, uid: VersionUid) -> Key<RecordRow> {
    Key::new(&[&bucket.0, key.as_str().as_bytes(), b"\0", &uid.0])
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RecordRow {
    version: VersionRow,
    content: ObjectContentRow,
}

first_version!(RecordRow, Family::VersionRecord);

#[cfg(test)]
mod tests {
    use super::*;

    /// Laid out by hand from FORMAT.md §11.1.
    #[test]
    fn a_record_is_framed_as_the_format_says() {
        let framed = frame(b"pl", b"sealed");
        assert_eq!(hex::encode(&framed), "0002706c7365616c65640000000a935352524543310a");
        let end = &framed[framed.len() - END_BYTES as usize..];
        assert_eq!(record_len(end), Some(10));
        let (place, sealed) = unframe(&framed.slice(..10)).unwrap();
        assert_eq!((&place[..], &sealed[..]), (&b"pl"[..], &b"sealed"[..]));
        assert_eq!(record_len(&framed[framed.len() - 13..framed.len() - 1]), None);
        assert_eq!(unframe(&Bytes::from_static(b"\xff\xff")), None);
    }
}
