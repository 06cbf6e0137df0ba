//! Catalog rows sealed whole (FORMAT.md §6): a row's catalog key is its AAD, so that it opens in its place only.

use zeroize::Zeroizing;

use crate::Salt;
use crate::derive::{open_record, seal_record};
use crate::error::Error;
use crate::key::KeyBytes;
use crate::suite::Suite;

const LABEL: &str = "row";

/// The sealed record of a row; `salt` is fresh, `aad` the row's catalog key.
///
/// # Errors
/// [`Error::UnknownSuite`] for the suite without a key, [`Error::KeyLength`] if `key` is shorter than the suite's.
pub fn seal_row(key: &KeyBytes, suite: &'static Suite, salt: &Salt, aad: &[u8], row: &[u8]) -> Result<Vec<u8>, Error> {
    check(key, suite)?;
    Ok(seal_record(suite, Some(key), salt, LABEL, aad, row))
}

/// Opens what [`seal_row`] made with the same key, suite and AAD.
///
/// # Errors
/// As [`seal_row`]; [`Error::Refused`] if the record was changed, moved, or sealed under another key;
/// [`Error::UnknownVersion`] or [`Error::Malformed`].
pub fn open_row(key: &KeyBytes, suite: &'static Suite, aad: &[u8], record: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    check(key, suite)?;
    open_record(suite, Some(key), LABEL, aad, record)
}

fn check(key: &KeyBytes, suite: &Suite) -> Result<(), Error> {
    match suite.is_keyed() {
        false => Err(Error::UnknownSuite(suite.id)),
        true if key.expose().len() < suite.key_len => Err(Error::KeyLength),
        true => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{AES_256_GCM, PLAIN, SM4_GCM};

    #[test]
    fn a_row_opens_in_its_place_only() {
        let key = KeyBytes::new(&[1; 32]).unwrap();
        let record = seal_row(&key, &AES_256_GCM, &[2; 32], b"object/a", b"row").unwrap();
        assert_eq!(open_row(&key, &AES_256_GCM, b"object/a", &record).unwrap().as_slice(), b"row");
        assert_eq!(open_row(&key, &AES_256_GCM, b"object/b", &record), Err(Error::Refused));
        assert_eq!(open_row(&key, &SM4_GCM, b"object/a", &record), Err(Error::Refused));
        let other = KeyBytes::new(&[3; 32]).unwrap();
        assert_eq!(open_row(&other, &AES_256_GCM, b"object/a", &record), Err(Error::Refused));
        assert_eq!(open_row(&key, &PLAIN, b"object/a", &record), Err(Error::UnknownSuite(0)));
    }
}
