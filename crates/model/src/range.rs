//! Byte ranges of an object (RFC 9110 §14).

use std::ops::Range;

/// One byte range as a client asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeSpec {
    /// `bytes=first-last`, both included.
    Between {
        /// First byte.
        first: u64,
        /// Last byte.
        last: u64,
    },
    /// `bytes=first-`.
    From {
        /// First byte.
        first: u64,
    },
    /// `bytes=-length`: the object's end.
    Last {
        /// How many bytes.
        length: u64,
    },
}

impl RangeSpec {
    /// Reads a `Range` header. None if it is no single byte range that makes sense: then the header is ignored
    /// (RFC 9110 §14.2), except where a dialect says otherwise.
    pub fn parse(header: &str) -> Option<Self> {
        let (first, last) = header.trim().strip_prefix("bytes=")?.trim().split_once('-')?;
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
        match (first, last) {
            ("", length) => Some(Self::Last { length: number(length)? }),
            (first, "") => Some(Self::From { first: number(first)? }),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::Between { first, last })
            }
        }
    }

    /// The bytes it means in an object of `size` bytes; none if there are none.
    pub fn resolve(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::Between { first, last } => first..last.saturating_add(1).min(size),
            Self::From { first } => first..size,
            Self::Last { length } => size.saturating_sub(length)..size,
        };
        (!range.is_empty()).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_forms() {
        assert_eq!(RangeSpec::parse("bytes=0-0"), Some(RangeSpec::Between { first: 0, last: 0 }));
        assert_eq!(RangeSpec::parse("bytes=5-"), Some(RangeSpec::From { first: 5 }));
        assert_eq!(RangeSpec::parse("bytes=-7"), Some(RangeSpec::Last { length: 7 }));
        for nonsense in
            ["", "bytes", "bytes=", "bytes=-", "bytes=3-2", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=+1-2"]
        {
            assert_eq!(RangeSpec::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn resolves_against_a_size() {
        let resolve = |text, size| RangeSpec::parse(text).and_then(|range| range.resolve(size));
        assert_eq!(resolve("bytes=0-99", 10), Some(0..10));
        assert_eq!(resolve("bytes=9-9", 10), Some(9..10));
        assert_eq!(resolve("bytes=10-", 10), None);
        assert_eq!(resolve("bytes=-3", 10), Some(7..10));
        assert_eq!(resolve("bytes=-30", 10), Some(0..10));
        assert_eq!(resolve("bytes=-0", 10), None);
        assert_eq!(resolve("bytes=0-", 0), None);
        assert_eq!(resolve("bytes=0-18446744073709551615", 10), Some(0..10));
    }
}
