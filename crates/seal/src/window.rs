//! Which ciphertext a range of plaintext needs: arithmetic, and nothing else (FORMAT.md §5, §12).

use std::ops::Range;

use crate::CHUNK;
use crate::error::Error;
use crate::part::MAX_PART;
use crate::suite::Suite;

/// How to read a range of one part: fetch `cipher`, open chunks `first..=last_index`, drop `skip` bytes, release `take`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Bytes of ciphertext, counted from the part's first chunk (add the blob's header length).
    pub cipher: Range<u64>,
    /// Index of the first chunk in `cipher`.
    pub first: u32,
    /// Index of the last chunk in `cipher`.
    pub last_index: u32,
    /// Whether that chunk is the part's last, and so sealed as such.
    pub ends_part: bool,
    /// Plaintext bytes of the first chunk that lie before the range.
    pub skip: usize,
    /// Plaintext bytes of the range.
    pub take: u64,
}

impl Window {
    /// The window of `range` in a part of `size` plaintext bytes. The range must not be empty, but in an empty part,
    /// where it must be `0..0`: its one chunk is read, so that emptiness is authentic.
    ///
    /// # Errors
    /// [`Error::Range`] for any other range, [`Error::TooLarge`] if `size` passes [`MAX_PART`].
    pub fn plan(suite: &Suite, size: u64, range: Range<u64>) -> Result<Self, Error> {
        if size > MAX_PART {
            return Err(Error::TooLarge("part"));
        }
        if range.end > size || (range.is_empty() && (size, &range) != (0, &(0..0))) {
            return Err(Error::Range);
        }
        let first = range.start / CHUNK as u64;
        let last = range.end.saturating_sub(1) / CHUNK as u64;
        let sealed_chunk = (CHUNK + suite.tag_len) as u64;
        Ok(Self {
            cipher: first * sealed_chunk..((last + 1) * sealed_chunk).min(sealed_len(suite, size)),
            first: index(first),
            last_index: index(last),
            ends_part: last + 1 == chunk_count(size),
            skip: (range.start % CHUNK as u64) as usize,
            take: range.end - range.start,
        })
    }

    /// The chunks to open, in order: index, whether it is the part's last, and its sealed length, tag included.
    pub fn chunks(&self, suite: &Suite) -> impl Iterator<Item = (u32, bool, usize)> + use<> {
        let sealed_chunk = (CHUNK + suite.tag_len) as u64;
        let total = self.cipher.end - self.cipher.start;
        let (first, last_index, ends_part) = (self.first, self.last_index, self.ends_part);
        (first..=last_index).map(move |index| {
            let before = u64::from(index - first) * sealed_chunk;
            (index, ends_part && index == last_index, sealed_chunk.min(total - before) as usize)
        })
    }
}

/// Chunks of a part of `size` plaintext bytes; an empty part has one.
#[must_use]
pub fn chunk_count(size: u64) -> u64 {
    size.div_ceil(CHUNK as u64).max(1)
}

/// Bytes of the sealed chunks of a part of `size` plaintext bytes, without a blob's header. `size` is at most
/// [`MAX_PART`].
#[must_use]
pub fn sealed_len(suite: &Suite, size: u64) -> u64 {
    size + chunk_count(size) * suite.tag_len as u64
}

/// The plaintext size of a part of `sealed` bytes, if there is one of that length.
#[must_use]
pub fn plain_len(suite: &Suite, sealed: u64) -> Option<u64> {
    let tags = sealed.div_ceil((CHUNK + suite.tag_len) as u64) * suite.tag_len as u64;
    let size = sealed.checked_sub(tags)?;
    (size <= MAX_PART && sealed_len(suite, size) == sealed).then_some(size)
}

fn index(chunk: u64) -> u32 {
    u32::try_from(chunk).expect("a part has at most 2^24 chunks")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{AES_256_GCM, PLAIN};

    #[test]
    fn borders() {
        let plan = |size, range| Window::plan(&AES_256_GCM, size, range).unwrap();
        let window = |cipher, first, last_index, ends_part, skip, take| Window {
            cipher,
            first,
            last_index,
            ends_part,
            skip,
            take,
        };
        assert_eq!(plan(0, 0..0), window(0..16, 0, 0, true, 0, 0));
        assert_eq!(plan(1, 0..1), window(0..17, 0, 0, true, 0, 1));
        assert_eq!(plan(65_536, 65_535..65_536), window(0..65_552, 0, 0, true, 65_535, 1));
        assert_eq!(plan(65_537, 0..65_536), window(0..65_552, 0, 0, false, 0, 65_536));
        assert_eq!(plan(65_537, 65_536..65_537), window(65_552..65_569, 1, 1, true, 0, 1));
        assert_eq!(plan(200_000, 65_535..131_073), window(0..196_656, 0, 2, false, 65_535, 65_538));
    }

    #[test]
    fn ranges_outside_are_refused() {
        let plan = |size, start, end| Window::plan(&PLAIN, size, Range { start, end });
        for (size, start, end) in [(0, 0, 1), (0, 1, 1), (9, 0, 10), (9, 4, 4), (9, 5, 4), (9, u64::MAX, u64::MAX)] {
            assert_eq!(plan(size, start, end), Err(Error::Range), "{start}..{end} of {size}");
        }
        assert_eq!(plan(MAX_PART + 1, 0, 1), Err(Error::TooLarge("part")));
        assert!(plan(MAX_PART, MAX_PART - 1, MAX_PART).is_ok());
    }

    #[test]
    fn lengths_that_no_part_has() {
        let sealed = 65_552;
        for (len, size) in
            [(0, None), (15, None), (16, Some(0)), (17, Some(1)), (sealed, Some(65_536)), (sealed + 16, None)]
        {
            assert_eq!(plain_len(&AES_256_GCM, len), size, "{len} bytes");
        }
        assert_eq!(plain_len(&AES_256_GCM, sealed + 17), Some(65_537));
        assert_eq!(plain_len(&AES_256_GCM, u64::MAX), None);
    }
}
