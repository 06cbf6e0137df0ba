//! Bounded reading and writing of the fields of FORMAT.md §2.

use crate::FORMAT_VERSION;
use crate::error::Error;
use crate::suite::Suite;

/// Reads one record front to back; every failure names the record.
pub(crate) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(what: &'static str, record: &'a [u8]) -> Self {
        Self { what, rest: record }
    }

    /// The format version, which must be ours.
    pub(crate) fn version(&mut self) -> Result<(), Error> {
        match self.u8()? {
            FORMAT_VERSION => Ok(()),
            other => Err(Error::UnknownVersion(other)),
        }
    }

    pub(crate) fn suite(&mut self) -> Result<&'static Suite, Error> {
        Suite::by_id(self.u8()?)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(self.malformed())?;
        self.rest = rest;
        Ok(*array)
    }

    /// `len` bytes as they are.
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(self.malformed())?;
        self.rest = rest;
        Ok(taken)
    }

    /// A length of two bytes, and as many bytes; more than `limit` is refused.
    pub(crate) fn bytes16(&mut self, limit: usize) -> Result<&'a [u8], Error> {
        let len = usize::from(u16::from_be_bytes(self.array()?));
        if len > limit { Err(self.malformed()) } else { self.take(len) }
    }

    /// [`Reader::bytes16`] that must be UTF-8.
    pub(crate) fn text16(&mut self, limit: usize) -> Result<&'a str, Error> {
        let what = self.malformed();
        std::str::from_utf8(self.bytes16(limit)?).map_err(|_| what)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes not yet read.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The record must end here.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }

    pub(crate) fn malformed(&self) -> Error {
        Error::Malformed(self.what)
    }
}

/// Writes a length of two bytes, and the bytes.
///
/// # Errors
/// [`Error::TooLarge`] with `what` if they pass `limit`, which is below 2^16.
pub(crate) fn put16(out: &mut Vec<u8>, what: &'static str, limit: usize, bytes: &[u8]) -> Result<(), Error> {
    let len = u16::try_from(bytes.len()).map_err(|_| Error::TooLarge(what))?;
    if bytes.len() > limit {
        return Err(Error::TooLarge(what));
    }
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}
