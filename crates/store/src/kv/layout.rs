//! How rows lie in the engine: keys behind one byte that parts them from the ring, values behind their version.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{Entry, KvError, ring::Position};

/// Begins the keys of the ring.
const RING: u8 = 0;
/// Begins the keys of rows.
const ROW: u8 = 1;
/// Bytes of a version.
const VERSION_BYTES: usize = 8;

/// The engine's key of a row.
pub(super) fn row_key(key: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(1 + key.len());
    bytes.put_u8(ROW);
    bytes.put_slice(key);
    bytes.freeze()
}

/// The least key after those of all rows.
pub(super) fn after_rows() -> Bytes {
    Bytes::from_static(&[ROW + 1])
}

/// The engine's key of a group's slot.
pub(super) fn ring_key(position: Position) -> Bytes {
    let [high, low] = position.slot().to_be_bytes();
    Bytes::copy_from_slice(&[RING, high, low])
}

/// Begins the keys of all slots.
pub(super) fn ring_prefix() -> [u8; 1] {
    [RING]
}

/// The engine's value of a row.
pub(super) fn encode_value(version: u64, value: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(VERSION_BYTES + value.len());
    bytes.put_u64(version);
    bytes.put_slice(value);
    bytes.freeze()
}

/// Reads the engine's value, without copying it.
pub(super) fn decode_value(stored: Bytes) -> Result<Entry, KvError> {
    let version = decode_version(&stored)?;
    Ok(Entry { value: stored.slice(VERSION_BYTES..), version })
}

/// Reads the version alone.
pub(super) fn decode_version(stored: &[u8]) -> Result<u64, KvError> {
    stored.first_chunk::<VERSION_BYTES>().map(|bytes| u64::from_be_bytes(*bytes)).ok_or(KvError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_order_and_stay_apart_from_the_ring() {
        let last_slot = ring_key(Position { group: super::super::ring::SLOTS - 1, sequence: 0 });
        assert!(last_slot < row_key(b""));
        assert!(row_key(b"") < row_key(b"\0"));
        assert!(row_key(&[255; 100]) < after_rows());
    }

    #[test]
    fn a_value_and_back() {
        let stored = encode_value(7, b"value");
        assert_eq!(decode_value(stored).unwrap(), Entry { value: Bytes::from_static(b"value"), version: 7 });
        assert!(matches!(decode_value(Bytes::from_static(b"1234567")), Err(KvError::Damaged)));
    }
}
