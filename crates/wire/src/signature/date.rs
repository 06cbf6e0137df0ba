//! The spellings in which a signed request may state its time.

use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use strongroom_model::time::Timestamp;

/// How far a request's time may be from the server's, in milliseconds: every dialect documents fifteen minutes.
pub const SKEW_MAX_MILLIS: u64 = 15 * 60 * 1000;

/// The date of `YYYYMMDD'T'HHMMSS'Z'`, which the scoped schemes sign.
const BASIC: &str = "%Y%m%dT%H%M%SZ";

/// `2013-05-24T00:00:00.000Z`, with a fraction of any length or none.
const EXTENDED: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// Reads a date: RFC 1123 (with `GMT` or an offset), basic or extended ISO 8601 in UTC, or the word order of Huawei's
/// newer Python SDK (`Sat Nov 21 2026 21:18:10 GMT`).
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    rfc2822::parse(text)
        .ok()
        .map(|zoned| Timestamp::from_millis(zoned.timestamp().as_millisecond()))
        .or_else(|| [BASIC, EXTENDED, "%a %b %d %Y %H:%M:%S GMT"].into_iter().find_map(|form| utc(form, text)))
}

/// Reads a date of which nothing but basic ISO 8601 is allowed.
pub(crate) fn read_basic(text: &str) -> Option<Timestamp> {
    (text.len() == "20130524T000000Z".len()).then(|| utc(BASIC, text)).flatten()
}

/// Reads a date of which nothing but extended ISO 8601 in UTC is allowed.
pub(crate) fn read_extended(text: &str) -> Option<Timestamp> {
    utc(EXTENDED, text)
}

/// Reads a date of a document: extended ISO 8601 in UTC, or, as AWS's clients write it too, with an offset or a day alone.
pub(crate) fn read_lenient(text: &str) -> Option<Timestamp> {
    let zoned = || text.parse::<jiff::Timestamp>().ok().map(|instant| Timestamp::from_millis(instant.as_millisecond()));
    let day = || {
        let civil: jiff::civil::Date = text.parse().ok()?;
        let instant = TimeZone::UTC.to_timestamp(civil.to_datetime(jiff::civil::Time::midnight())).ok()?;
        Some(Timestamp::from_millis(instant.as_millisecond()))
    };
    read_extended(text).or_else(zoned).or_else(day)
}

/// `20130524T000000Z`.
pub(crate) fn basic(when: Timestamp) -> String {
    shown(when, BASIC)
}

/// `2013-05-24T00:00:00Z`.
pub(crate) fn extended(when: Timestamp) -> String {
    shown(when, "%Y-%m-%dT%H:%M:%SZ")
}

/// `Fri, 24 May 2013 00:00:00 GMT`.
pub(crate) fn rfc1123(when: Timestamp) -> String {
    shown(when, "%a, %d %b %Y %H:%M:%S GMT")
}

fn utc(form: &str, text: &str) -> Option<Timestamp> {
    let civil: DateTime = strtime::parse(form, text).ok()?.to_datetime().ok()?;
    let instant = TimeZone::UTC.to_timestamp(civil).ok()?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

fn shown(when: Timestamp, form: &str) -> String {
    let instant = jiff::Timestamp::from_second(when.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_names_the_same_second() {
        let when = Timestamp::from_seconds(1_795_295_890);
        for text in [
            "Sat, 21 Nov 2026 21:18:10 GMT",
            "Sat, 21 Nov 2026 21:18:10 +0000",
            "Sat, 21 Nov 2026 22:18:10 +0100",
            "20261121T211810Z",
            "2026-11-21T21:18:10Z",
            "2026-11-21T21:18:10.000Z",
            "Sat Nov 21 2026 21:18:10 GMT",
        ] {
            assert_eq!(read(text), Some(when), "{text}");
        }
        assert_eq!(basic(when), "20261121T211810Z");
        assert_eq!(rfc1123(when), "Sat, 21 Nov 2026 21:18:10 GMT");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "yesterday", "20261121", "20261321T211810Z", "1795295890", "20261121T211810Z "] {
            assert_eq!(read_basic(text), None, "{text}");
        }
        for text in ["", "yesterday", "20261121", "20261321T211810Z", "Sat, 31 Feb 2026 21:18:10 GMT"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
